"""What no matcher compares by itself, as yes/no facts: a quotient with a number, one fact with another.

`mean >= 4.2` becomes the fact "mean at_least 4200000", true when sum x 1,000,000 >= threshold x count, and missing
while the count is 0: no division, no float, nothing rounded. `distance at most radius` becomes the fact "distance
at_most radius", missing while either is. The matchers see these facts only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from lianxing.engine.calendars import WorkingCalendar
from lianxing.rules.conditions import (
    AllOf,
    AnyOf,
    Compare,
    CompareFacts,
    Condition,
    DatedCompare,
    Missing,
    Not,
    OneOf,
    Operator,
)
from lianxing.rules.facts import RATIO_SCALE, Fact, FactType, FactValue
from lianxing.rules.periods import Term


@dataclass(frozen=True, slots=True)
class Quotient:
    """A sum over a count; with count 0 there is no quotient."""

    sum: int
    count: int


def given_measures(facts: Mapping[str, Fact], given: Mapping[str, FactValue]) -> dict[str, int | Quotient]:
    """Return measures that somebody gives outright; a quotient is given in millionths."""
    measures: dict[str, int | Quotient] = {}
    for name, value in given.items():
        assert isinstance(value, int)
        measures[name] = Quotient(value, RATIO_SCALE) if facts[name].type is FactType.RATIO else value
    return measures


@dataclass(frozen=True, slots=True)
class Threshold:
    """The fact that a comparison of a quotient becomes."""

    name: str
    fact: str
    operator: Operator
    operand: int

    def answer(self, quotient: Quotient) -> int | None:
        """Return 1 or 0, None while there is nothing to divide by."""
        if quotient.count == 0:
            return None
        return int(holds(self.operator, quotient.sum * RATIO_SCALE, self.operand * quotient.count))

    def asked(self, values: Mapping[str, FactValue | Quotient], _calendar: WorkingCalendar) -> int | None:
        """Return the value of the yes/no fact, None where it is missing."""
        quotient = values.get(self.fact)
        return self.answer(quotient) if isinstance(quotient, Quotient) else None


@dataclass(frozen=True, slots=True)
class Beside:
    """The fact that a comparison of two facts becomes."""

    name: str
    fact: str
    operator: Operator
    other: str
    plus: Term | None = None

    def asked(self, values: Mapping[str, FactValue | Quotient], calendar: WorkingCalendar) -> int | None:
        """Return the value of the yes/no fact, None where either fact is missing."""
        left, right = values.get(self.fact), values.get(self.other)
        if not isinstance(left, int) or not isinstance(right, int):
            return None
        if self.plus is not None:
            right = calendar.end_of_stretch(date.fromordinal(right), self.plus).toordinal()
        return int(holds(self.operator, left, right))


WorkedOut = Threshold | Beside


def holds(operator: Operator, value: int, operand: int) -> bool:
    """Tell whether two whole numbers stand in a relation."""
    match operator:
        case Operator.AT_LEAST:
            return value >= operand
        case Operator.AT_MOST:
            return value <= operand
        case Operator.MORE_THAN:
            return value > operand
        case Operator.LESS_THAN:
            return value < operand
        case Operator.EQUALS:
            return value == operand


def without_quotients(condition: Condition, facts: Mapping[str, Fact]) -> tuple[Condition, tuple[WorkedOut, ...]]:
    """Return the condition with every comparison of a quotient or of two facts as a yes/no fact, and those facts."""
    thresholds: list[WorkedOut] = []
    return _rewritten(condition, facts, thresholds), tuple(thresholds)


def _rewritten(condition: Condition, facts: Mapping[str, Fact], thresholds: list[WorkedOut]) -> Condition:
    match condition:
        case Compare() if _is_ratio(condition.fact, facts):
            assert isinstance(condition.operand, int)
            name = f"{condition.fact} {condition.operator.value} {condition.operand}"
            thresholds.append(Threshold(name, condition.fact, condition.operator, condition.operand))
            return Compare(name, Operator.EQUALS, 1, condition.location)
        case CompareFacts():
            name = f"{condition.fact} {condition.operator.value} {condition.other} {condition.plus or ''}"
            thresholds.append(Beside(name, condition.fact, condition.operator, condition.other, condition.plus))
            return Compare(name, Operator.EQUALS, 1, condition.location)
        case Missing() if _is_ratio(condition.fact, facts):
            # Any threshold is missing exactly when the quotient is.
            name = f"{condition.fact} at_least 0"
            thresholds.append(Threshold(name, condition.fact, Operator.AT_LEAST, 0))
            return Missing(name, condition.location)
        case AllOf() | AnyOf():
            return type(condition)(
                tuple(_rewritten(part, facts, thresholds) for part in condition.parts), condition.location
            )
        case Not():
            return Not(_rewritten(condition.part, facts, thresholds), condition.location)
        case Compare() | DatedCompare() | OneOf() | Missing():
            return condition


def _is_ratio(name: str, facts: Mapping[str, Fact]) -> bool:
    fact = facts.get(name)
    return fact is not None and fact.type is FactType.RATIO


def threshold_types(thresholds: Iterable[WorkedOut]) -> dict[str, FactType]:
    """Return the types of the yes/no facts, for a matcher."""
    return {threshold.name: FactType.YES_NO for threshold in thresholds}
