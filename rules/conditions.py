"""Conditions: a tree of tests over facts. Data only; two matchers evaluate it and must agree.

The meaning, in full. A fact is present with one value or it is missing.

* `Compare` is true when the fact is present and its value stands in that relation to the operand.
  Text knows only `EQUALS`; every other operator is for whole numbers.
* `CompareFacts` is true when both facts are present and the first stands in that relation to the second.
* `OneOf` is true when the fact is present and its value is among the operands.
* `Missing` is true when the fact is missing.
* `AllOf` is true when every part is, `AnyOf` when at least one is. Neither is ever empty.
* `Not` is the plain complement: true exactly when its part is false, so also when a fact is missing.

Comparison words follow the Civil Code, art. 1259: at least and at most include the number, more and less than do not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum

from lianxing.rules.dates import Dated
from lianxing.rules.facts import FactValue
from lianxing.rules.periods import Term
from lianxing.rules.places import Location


class Operator(Enum):
    EQUALS = "equals"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    MORE_THAN = "more_than"
    LESS_THAN = "less_than"


@dataclass(frozen=True, slots=True)
class Compare:
    """The fact stands in this relation to the operand; text or whole number, never mixed."""

    fact: str
    operator: Operator
    operand: FactValue
    location: Location


@dataclass(frozen=True, slots=True)
class DatedCompare:
    """A comparison whose operand changed over the years; `condition_on` makes a `Compare` of it."""

    fact: str
    operator: Operator
    operands: Dated[FactValue]
    location: Location


@dataclass(frozen=True, slots=True)
class CompareFacts:
    """Two numeric facts of one type stand in this relation; false where either is missing.

    With `plus`, the first is compared with the end of the term that begins on the day of the other.
    """

    fact: str
    operator: Operator
    other: str
    location: Location
    plus: Term | None = None


@dataclass(frozen=True, slots=True)
class OneOf:
    """The fact's value is among these; all text or all whole numbers, never empty."""

    fact: str
    operands: tuple[FactValue, ...]
    location: Location


@dataclass(frozen=True, slots=True)
class Missing:
    """The fact is absent."""

    fact: str
    location: Location


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds."""

    parts: tuple[Condition, ...]
    location: Location


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple[Condition, ...]
    location: Location


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Condition
    location: Location


Condition = Compare | DatedCompare | CompareFacts | OneOf | Missing | AllOf | AnyOf | Not


def condition_on(condition: Condition, day: date) -> Condition:
    """Return the condition as it reads on `day`, every dated operand replaced by its value then."""
    match condition:
        case DatedCompare():
            return Compare(condition.fact, condition.operator, condition.operands.on(day), condition.location)
        case AllOf() | AnyOf():
            return type(condition)(tuple(condition_on(part, day) for part in condition.parts), condition.location)
        case Not():
            return Not(condition_on(condition.part, day), condition.location)
        case _:
            return condition


def facts_of(condition: Condition) -> frozenset[str]:
    """Return the names of the facts that a condition asks."""
    match condition:
        case AllOf() | AnyOf():
            return frozenset[str]().union(*(facts_of(part) for part in condition.parts))
        case Not():
            return facts_of(condition.part)
        case CompareFacts():
            return frozenset((condition.fact, condition.other))
        case _:
            return frozenset((condition.fact,))
