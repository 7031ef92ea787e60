"""The chapter `earning.yaml`: a list of steps from credited time and events to points."""

from __future__ import annotations

from typing import Any

from lianxing.engine.reading.forms import Amount, Choice, DatedOf, Fields, Id, Key, Percent, Record, number
from lianxing.engine.reading.hours import (
    LIMIT_RECORDS,
    RECORD_CONDITION,
    ROUND_PERIODS,
    WITHIN_SAME,
    kept_apart_in_a_balance,
    round_form,
)
from lianxing.engine.reading.notes import Reading
from lianxing.engine.reading.rates import RatesForm
from lianxing.engine.reading.scales import BANDS, BRACKETS, Scale
from lianxing.engine.reading.statements import StepsForm
from lianxing.engine.reading.windows import Span
from lianxing.rules.earning import (
    Add,
    Bands,
    Brackets,
    Combine,
    EarningStep,
    Floor,
    LimitPoints,
    LimitShare,
    LimitStep,
    Multiply,
    PointsPerEvent,
    PointsPerHour,
    RoundPoints,
    Zero,
)
from lianxing.rules.facts import FactType
from lianxing.rules.hours import LimitRecords, Overflow
from lianxing.rules.periods import Period, Window
from lianxing.rules.places import Clause

# Wide enough for every scheme that was found; narrow enough that a slip of the keyboard cannot mint a fortune.
POINTS_PER_HOUR_MAX = 1_000
POINTS_PER_EVENT_MAX = 10_000
FACTOR_MAX = 100
HUNDREDTHS_MAX = 10**9

_FLOORED = tuple(period for period in ROUND_PERIODS if period not in (Period.RECORD, Period.ACTIVITY))
_OF_POINTS = (Combine.MAX, Combine.SUM, Combine.FIRST)


def _limit(fields: Fields, reading: Reading) -> tuple[Any, ...] | None:
    per, share = fields.get("per"), fields.get("at_most_share")
    if share is not None and (isinstance(per, Window) or per in (Period.RECORD, Period.ACTIVITY, Period.BALANCE)):
        reading.problem("P328", fields.place("per"))
        return None
    if kept_apart_in_a_balance(fields, reading):
        return None
    of, at_most = fields.get("of", ""), fields.get("at_most")
    if of and (share is not None or "within_same" in fields.values):
        other = "within_same" if share is None else "at_most_share"
        reading.problem("P211", fields.place(other), ("key", reading.spelled(other)), ("known", reading.spelled("of")))
        return None
    return per, at_most, share, fields.get("overflow"), fields.get("within_same", ""), of


_LIMIT: Record[tuple[Any, ...]] = Record(
    {
        "of": Key(Id()),
        "per": Key(Span((*ROUND_PERIODS, Period.BALANCE)), required=True),
        "at_most": Key(DatedOf(Amount(FactType.POINTS, 0, HUNDREDTHS_MAX))),
        "at_most_share": Key(DatedOf(Percent(0, 99))),
        "overflow": Key(Choice(tuple(Overflow)), required=True),
        **WITHIN_SAME,
    },
    _limit,
    one_of=("at_most", "at_most_share"),
)


def _scaled(kind: str, said: Scale[Any], when: Any, clause: Clause) -> EarningStep:
    if kind == "bands":
        return Bands(clause, when, said.of, said.type, said.each, said.steps, said.within_same)
    assert said.part is not None
    return Brackets(clause, when, said.of, said.type, said.each, said.part, said.steps, said.within_same)


def _step(kind: str, said: Any, when: Any, clause: Clause) -> EarningStep:
    match kind:
        case "points_per_hour":
            return PointsPerHour(clause, when, said)
        case "points_per_event":
            return PointsPerEvent(clause, when, said)
        case "multiply":
            return Multiply(clause, when, said)
        case "add":
            return Add(clause, when, said)
        case "brackets" | "bands":
            return _scaled(kind, said, when, clause)
        case "zero":
            return Zero(clause, when, said)
        case "round":
            return RoundPoints(clause, when, *said)
        case "floor":
            return Floor(clause, when, *said)
        case "limit_records":
            return LimitRecords(clause, when, *said)
        case _:
            per, at_most, share, overflow, within_same, of = said
            if of:
                return LimitStep(clause, when, of, per, at_most, overflow)
            if share is not None:
                return LimitShare(clause, when, per, share, overflow)
            return LimitPoints(clause, when, per, at_most, overflow, within_same)


EARNING: StepsForm[EarningStep] = StepsForm(
    {
        "points_per_hour": Key(RatesForm(number(0, POINTS_PER_HOUR_MAX), _OF_POINTS)),
        "points_per_event": Key(RatesForm(number(0, POINTS_PER_EVENT_MAX), _OF_POINTS)),
        "multiply": Key(RatesForm(number(0, FACTOR_MAX), tuple(Combine))),
        "add": Key(RatesForm(number(-POINTS_PER_EVENT_MAX, POINTS_PER_EVENT_MAX), _OF_POINTS)),
        "brackets": Key(BRACKETS),
        "bands": Key(BANDS),
        "zero": Key(RECORD_CONDITION),
        "round": Key(round_form(FactType.POINTS, 100_000)),
        "limit": Key(_LIMIT),
        "limit_records": Key(LIMIT_RECORDS),
        "floor": Key(
            Record(
                {
                    "per": Key(Choice((*_FLOORED, Period.BALANCE)), required=True),
                    "at_least": Key(DatedOf(Amount(FactType.POINTS, -HUNDREDTHS_MAX, HUNDREDTHS_MAX)), required=True),
                },
                lambda fields, _reading: (fields.get("per"), fields.get("at_least")),
            )
        ),
    },
    RECORD_CONDITION,
    _step,
)
