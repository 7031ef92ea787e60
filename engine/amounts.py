"""Amounts as people read them: exact, in the unit of the regulation, in Chinese or English."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from lianxing.rules.facts import MONTH_PARTS, NUMBER_SCALE, RATIO_SCALE, Fact, FactType, FactValue
from lianxing.rules.places import Language

Number = int | Fraction


def number_text(value: Number) -> str:
    """Return a number exactly: as a decimal where it ends, else as a fraction.

    >>> number_text(Fraction(31, 5)), number_text(Fraction(1, 3)), number_text(7)
    ('6.2', '1/3', '7')
    """
    fraction = Fraction(value)
    rest = fraction.denominator
    places = 0
    for prime in (2, 5):
        count = 0
        while rest % prime == 0:
            rest //= prime
            count += 1
        places = max(places, count)
    if rest != 1:
        return f"{fraction.numerator}/{fraction.denominator}"
    scaled = fraction.numerator * 10**places // fraction.denominator
    sign, digits = ("-" if scaled < 0 else ""), f"{abs(scaled):0{places + 1}d}"
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else f"{sign}{digits}"


def counted(count: Number, one: str, many: str) -> str:
    """Return how many of something, in English.

    >>> counted(1, "entry", "entries"), counted(2000, "entry", "entries")
    ('1 entry', '2,000 entries')
    """
    number = f"{count:,}" if isinstance(count, int) else number_text(count)
    return f"{number} {one if count == 1 else many}"


def points_text(hundredths: Number, language: Language) -> str:
    """Return hundredths of a point as points: `6.2 分`, `6.2 points`."""
    value = number_text(Fraction(hundredths) / 100)
    return f"{value} 分" if language == "zh" else f"{value} point{'' if value == '1' else 's'}"


def time_text(seconds: Number, language: Language) -> str:
    """Return seconds as hours where that ends within two decimals, else as hours, minutes and seconds.

    >>> time_text(12600, "en"), time_text(1200, "zh")
    ('3.5 h', '20 分钟')
    """
    if Fraction(seconds).denominator != 1:
        return f"{number_text(seconds)} {'秒' if language == 'zh' else 's'}"
    whole = int(seconds)
    if whole % 36 == 0:
        return f"{number_text(Fraction(whole, 3600))} {'小时' if language == 'zh' else 'h'}"
    sign, whole = ("-" if whole < 0 else ""), abs(whole)
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    units = ("小时", "分钟", "秒") if language == "zh" else ("h", "min", "s")
    parts = [f"{value} {unit}" for value, unit in zip((hours, minutes, rest), units, strict=True) if value]
    return sign + " ".join(parts)


def amount_text(unit: str, amount: Number, language: Language) -> str:
    """Return an amount of a posting or a working: `seconds` or `points`, of a posting also `uses` of a perk."""
    if unit == "uses":
        return f"{number_text(amount)} 次" if language == "zh" else counted(amount, "use", "uses")
    return time_text(amount, language) if unit == "seconds" else points_text(amount, language)


def value_text(fact: Fact, value: FactValue | Fraction | None, language: Language) -> str:
    """Return the value of a fact in words; a missing one says so."""
    zh = language == "zh"
    if value is None:
        return "缺失" if zh else "missing"
    if isinstance(value, str):
        known = next((v.label.text(language) for v in fact.values if v.id == value), "")
        return known or value
    match fact.type:
        case FactType.DURATION:
            return time_text(value, language)
        case FactType.POINTS:
            return points_text(value, language)
        case FactType.YES_NO:
            return ("是" if value else "否") if zh else ("yes" if value else "no")
        case FactType.DATE:
            return date.fromordinal(int(value)).isoformat()
        case FactType.TIME:
            return f"{int(value) // 3600:02}:{int(value) % 3600 // 60:02}"
        case FactType.NUMBER:
            return number_text(Fraction(value, NUMBER_SCALE))
        case FactType.MONTHS:
            return _months_text(int(value), zh)
        case FactType.DAYS:
            return f"{value} 天" if zh else counted(value, "day", "days")
        case FactType.WORKING_DAYS:
            return f"{value} 个工作日" if zh else counted(value, "working day", "working days")
        case FactType.MONEY:
            return f"{number_text(Fraction(value, 100))} {'元' if zh else 'yuan'}"
        case FactType.RATIO:
            return _ratio_text(fact, Fraction(value), language)
        case _:
            return number_text(value)


def _months_text(parts: int, zh: bool) -> str:
    months, days = divmod(parts, MONTH_PARTS)
    years, rest = divmod(months, 12)
    if months < 0 or not years or rest:
        text = f"{months} 个月" if zh else counted(months, "month", "months")
    else:
        text = f"{years} 年" if zh else counted(years, "year", "years")
    if not days:
        return text
    said = f"{days} 天" if zh else counted(days, "day", "days")
    return said if not months else f"{text}零 {said}" if zh else f"{text} and {said}"


def _ratio_text(fact: Fact, value: Fraction, language: Language) -> str:
    """A quotient in millionths; cut to two decimals for reading, with the cut shown, never used in a comparison."""
    if fact.quotient_of is None:
        percent = value * 100 / RATIO_SCALE
        return _cut(percent) + " %"
    held = value / RATIO_SCALE
    if fact.quotient_of is FactType.NUMBER:
        return _cut(held / NUMBER_SCALE)
    if fact.quotient_of is FactType.POINTS:
        return _cut(held / 100) + (" 分" if language == "zh" else " points")
    if fact.quotient_of is FactType.DURATION:
        return _cut(held / 3600) + (" 小时" if language == "zh" else " h")
    return _cut(held)


def _cut(value: Fraction) -> str:
    cut = Fraction(int(value * 100), 100)
    return number_text(cut) + ("" if cut == value else "…")
