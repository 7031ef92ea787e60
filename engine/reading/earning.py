"""The chapter `earning.yaml`: a list of steps from credited time and events to points."""

from __future__ import annotations

from typing import Any

from lianxing.engine.reading.forms import Key, number
from lianxing.engine.reading.hours import RECORD_CONDITION, limit_form, round_form
from lianxing.engine.reading.statements import StepsForm
from lianxing.engine.reading.tables import TableForm
from lianxing.rules.earning import (
    Add,
    EarningStep,
    LimitPoints,
    Multiply,
    PointsPerEvent,
    PointsPerHour,
    RoundPoints,
    Zero,
)
from lianxing.rules.facts import FactType, Scope
from lianxing.rules.places import Clause

# Wide enough for every scheme that was found; narrow enough that a slip of the keyboard cannot mint a fortune.
POINTS_PER_HOUR_MAX = 1_000
POINTS_PER_EVENT_MAX = 10_000
FACTOR_MAX = 100
HUNDREDTHS_MAX = 10**9

_ASKED = frozenset((Scope.RECORD, Scope.PERSON, Scope.CALENDAR))


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
        case "zero":
            return Zero(clause, when, said)
        case "round":
            return RoundPoints(clause, when, *said)
        case _:
            return LimitPoints(clause, when, *said)


EARNING: StepsForm[EarningStep] = StepsForm(
    {
        "points_per_hour": Key(TableForm(number(0, POINTS_PER_HOUR_MAX), _ASKED)),
        "points_per_event": Key(TableForm(number(0, POINTS_PER_EVENT_MAX), _ASKED)),
        "multiply": Key(TableForm(number(0, FACTOR_MAX), _ASKED)),
        "add": Key(TableForm(number(-POINTS_PER_EVENT_MAX, POINTS_PER_EVENT_MAX), _ASKED)),
        "zero": Key(RECORD_CONDITION),
        "round": Key(round_form(FactType.POINTS, 100_000)),
        "limit": Key(limit_form(FactType.POINTS, HUNDREDTHS_MAX)),
    },
    RECORD_CONDITION,
    _step,
)
