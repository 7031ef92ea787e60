"""The chapter `hours.yaml`: a list of steps on records and their time."""

from __future__ import annotations

from enum import Enum
from typing import Any

from lianxing.engine.reading.conditions import RECORD_SCOPES, ConditionForm
from lianxing.engine.reading.forms import YES_NO, Amount, Choice, DatedOf, Key, Record
from lianxing.engine.reading.statements import StepsForm
from lianxing.rules.facts import FactType
from lianxing.rules.hours import (
    Count,
    Direction,
    Exclude,
    HoursStep,
    LimitTime,
    NoOverlap,
    Overflow,
    Overlap,
    RoundTime,
    SplitAtMidnight,
)
from lianxing.rules.periods import Period
from lianxing.rules.places import Clause


class SplitAt(Enum):
    """Where a record is split."""

    MIDNIGHT = "midnight"


LIMIT_PERIODS = tuple(Period)
DAY_SECONDS = 86_400
YEARS_100_SECONDS = 100 * 366 * DAY_SECONDS

RECORD_CONDITION = ConditionForm(RECORD_SCOPES)


def round_form(type: FactType, most: int) -> Record[tuple[Any, Period, Direction]]:
    """`{to: 30 minutes, each: record, direction: down}`: all three are said, none has a default."""
    return Record(
        {
            "to": Key(DatedOf(Amount(type, 1, most)), required=True),
            "each": Key(Choice(tuple(Period)), required=True),
            "direction": Key(Choice(tuple(Direction)), required=True),
        },
        lambda fields, _reading: (fields.get("to"), fields.get("each"), fields.get("direction")),
    )


def limit_form(type: FactType, most: int) -> Record[tuple[Period, Any, Overflow]]:
    """`{per: day, at_most: 8 hours, overflow: lost}`: all three are said, none has a default."""
    return Record(
        {
            "per": Key(Choice(LIMIT_PERIODS), required=True),
            "at_most": Key(DatedOf(Amount(type, 0, most)), required=True),
            "overflow": Key(Choice(tuple(Overflow)), required=True),
        },
        lambda fields, _reading: (fields.get("per"), fields.get("at_most"), fields.get("overflow")),
    )


def _step(kind: str, said: Any, when: Any, clause: Clause) -> HoursStep:
    match kind:
        case "count":
            return Count(clause, when, said)
        case "exclude":
            return Exclude(clause, when, said)
        case "split":
            return SplitAtMidnight(clause, when)
        case "overlap":
            return NoOverlap(clause, when, *said)
        case "round":
            return RoundTime(clause, when, *said)
        case _:
            return LimitTime(clause, when, *said)


HOURS: StepsForm[HoursStep] = StepsForm(
    {
        "count": Key(RECORD_CONDITION),
        "exclude": Key(RECORD_CONDITION),
        "split": Key(Choice(tuple(SplitAt))),
        "overlap": Key(
            Record(
                {"rule": Key(Choice(tuple(Overlap)), required=True), "touching": Key(YES_NO, required=True)},
                lambda fields, _reading: (fields.get("rule"), fields.get("touching")),
            )
        ),
        "round": Key(round_form(FactType.DURATION, DAY_SECONDS)),
        "limit": Key(limit_form(FactType.DURATION, YEARS_100_SECONDS)),
    },
    RECORD_CONDITION,
    _step,
)
