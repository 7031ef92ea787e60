"""Numbers with their units, read exactly: every amount of a policy or an export becomes a whole number here.

Text in, whole number out, in the unit of its `FactType`; None where the text is not such a quantity. Nothing is
rounded: what does not come out whole (half a second, a thousandth of a point) is not such a quantity either.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from lianxing.rules.facts import INTEGER_MAX, MONTH_PARTS, NUMBER_SCALE, Fact, FactType, FactValue
from lianxing.rules.places import Label

YES = frozenset(("yes", "是"))
NO = frozenset(("no", "否"))

# [0-9], not \d: the latter takes full-width and Arabic digits too.
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,6})?")
_QUANTITY = re.compile(r"(-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,6})?) ?([^0-9 .\-].*)")
_ANY_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?"  # of however many digits
_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_AGE = re.compile(r"([0-9]+) ?(?:years|岁|周岁)")
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?")


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of a policy: its spellings, what it measures, and how much of the held unit it is."""

    name: Label
    type: FactType
    size: Fraction
    spellings: tuple[str, ...]


UNITS = (
    Unit(Label("秒", "seconds"), FactType.DURATION, Fraction(1), ("second", "seconds", "秒")),
    Unit(Label("分钟", "minutes"), FactType.DURATION, Fraction(60), ("minute", "minutes", "分钟")),
    Unit(Label("小时", "hours"), FactType.DURATION, Fraction(3600), ("hour", "hours", "小时")),
    Unit(Label("积分", "points"), FactType.POINTS, Fraction(100), ("point", "points", "积分", "分")),
    Unit(Label("天", "days"), FactType.DAYS, Fraction(1), ("day", "days", "天", "日")),
    Unit(
        Label("个工作日", "working days"),
        FactType.WORKING_DAYS,
        Fraction(1),
        ("working day", "working days", "个工作日", "工作日"),
    ),
    Unit(Label("个月", "months"), FactType.MONTHS, Fraction(1), ("month", "months", "个月", "月")),
    Unit(Label("年", "years"), FactType.MONTHS, Fraction(12), ("year", "years", "年", "岁", "周岁")),
    Unit(Label("元", "yuan"), FactType.MONEY, Fraction(100), ("yuan", "元")),
    Unit(Label("%", "%"), FactType.RATIO, Fraction(1, 100), ("%", "％")),
)
UNIT_OF: Mapping[str, Unit] = {spelling: unit for unit in UNITS for spelling in unit.spellings}


def decimal(text: str) -> Fraction | None:
    """Return a plain decimal number (at most 15 digits and 6 decimals) exactly."""
    return Fraction(text) if _DECIMAL.fullmatch(text) else None


def is_number(text: str) -> bool:
    """Tell whether a text is a plain decimal number, of however many digits."""
    return re.fullmatch(_ANY_NUMBER, text) is not None


def whole(text: str) -> int | None:
    """Return a whole number."""
    value = decimal(text)
    return int(value) if value is not None and value.denominator == 1 and "." not in text else None


def day(text: str) -> date | None:
    """Return a date written YYYY-MM-DD that the calendar knows."""
    found = _DAY.fullmatch(text)
    if found is None:
        return None
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None


def time_of_day(text: str) -> int | None:
    """Return HH:MM or HH:MM:SS as seconds since midnight."""
    found = _TIME.fullmatch(text)
    return int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3] or 0) if found else None


def yes_no(text: str) -> bool | None:
    """Return yes/是 or no/否; true, false, on, off, y and n are no such words."""
    return True if text in YES else False if text in NO else None


def quantity(text: str) -> tuple[Fraction, Unit] | None:
    """Return a number and its unit: `30 minutes`, `8 小时`, `60 %`."""
    found = _QUANTITY.fullmatch(text.strip())
    if found is None:
        return None
    unit = UNIT_OF.get(found[2].strip())
    return (Fraction(found[1]), unit) if unit is not None else None


def amount(text: str, type: FactType) -> int | None:
    """Return a quantity in the held unit of `type`: seconds, hundredths of a point, days or months.

    Points may go without their unit: where points are asked for, a bare number can be nothing else. Time may not.
    """
    bare = decimal(text) if type is FactType.POINTS else None
    if bare is not None:
        return _whole(bare * 100)
    found = quantity(text)
    if found is None or found[1].type is not type:
        return None
    return _whole(found[0] * found[1].size)


def with_fewer_digits(text: str, types: Sequence[FactType]) -> FactType | None:
    """Return of which type a text would be an amount if its number were shorter; None where the unit is wrong."""
    number, word = re.fullmatch(rf"({_ANY_NUMBER})?(.*)", text.strip(), re.DOTALL).groups()  # type: ignore[union-attr]
    unit = UNIT_OF.get(word.strip())
    type = unit.type if unit is not None else FactType.POINTS if not word else None
    return type if number and type in types else None


def fact_value(fact: Fact, text: str) -> FactValue | None:
    """Return the text as a value of the fact, in its held unit; for a text fact with known values, the value's id."""
    match fact.type:
        case FactType.TEXT:
            return code_of(fact, text) if fact.values else text
        case FactType.YES_NO:
            answer = yes_no(text)
            return None if answer is None else int(answer)
        case FactType.WHOLE:
            bare = _AGE.fullmatch(text.strip()) if fact.name == "age" else None
            return whole(text if bare is None else bare[1])
        case FactType.NUMBER:
            number = decimal(text)
            return None if number is None else _whole(number * NUMBER_SCALE)
        case FactType.DATE:
            found = day(text)
            return None if found is None else found.toordinal()
        case FactType.TIME:
            return time_of_day(text)
        case FactType.MONTHS:
            months = amount(text, fact.type)
            return None if months is None else months * MONTH_PARTS
        case _:
            return amount(text, fact.type)


def code_of(fact: Fact, text: str) -> str | None:
    """Return the id of the admissible value that the text names: by id first, then by name, then by registry code."""
    for value in fact.values:
        if text == value.id:
            return value.id
    for value in fact.values:
        if text and text in (value.label.zh, value.label.en):
            return value.id
    for value in fact.values:
        if text in value.codes:
            return value.id
    return None


def _whole(value: Fraction) -> int | None:
    return int(value) if value.denominator == 1 and abs(value) <= INTEGER_MAX else None
