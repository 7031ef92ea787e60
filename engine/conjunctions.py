"""A condition as alternatives of plain tests: the only form in which durable-rules sees one.

`conjunctions` pushes every `not` down to the tests and multiplies the groups out, so that each alternative is a flat
list of tests that must all hold. `not` and absence have no meaning of their own in durable-rules (`missing != 5` and
`null != 5` are both false there), so a fact is laid out in columns, and no test ever meets a missing value:

* VALUE holds the value and is not sent at all where the fact is missing: every test on it is false then, as it should.
* PRESENCE is always sent, 1 or 0; it alone answers `missing`.
* LOW, HIGH and OTHER serve negated tests, which are true of a missing fact: they hold the value, and where the fact is
  missing the smallest number, the greatest number, or a text that no operand can be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import product

from lianxing.engine.matching import INTEGER_MIN, ONE_OF_WIDTH
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
from lianxing.rules.facts import INTEGER_MAX, FactValue


class Column(Enum):
    """How a fact is laid out for a test; the value is what is sent where the fact is missing, if anything is."""

    VALUE = None
    PRESENCE = 0
    LOW = INTEGER_MIN
    HIGH = INTEGER_MAX
    OTHER = "\0"  # operands with NUL are refused


class Relation(Enum):
    """What durable-rules calls the relation; IN is an `$or` of equalities, of which at most one is ever true."""

    IN = "$or"
    EQUALS = "$eq"
    DIFFERS = "$neq"
    AT_LEAST = "$gte"
    AT_MOST = "$lte"
    MORE_THAN = "$gt"
    LESS_THAN = "$lt"


@dataclass(frozen=True, slots=True)
class Test:
    """A column of a fact stands in a relation to its operands: one operand, or several for IN."""

    __test__ = False  # not a test case to pytest

    fact: str
    column: Column
    relation: Relation
    operands: tuple[FactValue, ...]


Conjunction = tuple[Test, ...]

_POSITIVE = {
    Operator.EQUALS: Relation.EQUALS,
    Operator.AT_LEAST: Relation.AT_LEAST,
    Operator.AT_MOST: Relation.AT_MOST,
    Operator.MORE_THAN: Relation.MORE_THAN,
    Operator.LESS_THAN: Relation.LESS_THAN,
}


def conjunctions(condition: Condition, negated: bool = False) -> tuple[Conjunction, ...]:
    """Return the alternatives of a condition; it holds exactly when all tests of one of them do.

    The condition has passed `matching.refuse_unmatchable`, which bounds their number.
    """
    match condition:
        case Not():
            return conjunctions(condition.part, not negated)
        case AllOf() | AnyOf():
            parts = [conjunctions(part, negated) for part in condition.parts]
            if isinstance(condition, AllOf) != negated:
                joined: Iterator[Conjunction] = (_merged(choice) for choice in product(*parts))
            else:
                joined = (conjunction for part in parts for conjunction in part)
            return tuple(dict.fromkeys(joined))
        case Missing():
            return (_tests_presence(condition.fact, present=negated),)
        case Compare():
            return (_denied(condition),) if negated else (_affirmed(condition),)
        case OneOf():
            operands = tuple(dict.fromkeys(condition.operands))
            if negated:
                return (tuple(_differs(condition.fact, operand) for operand in operands),)
            starts = range(0, len(operands), ONE_OF_WIDTH)
            return tuple(_among(condition.fact, operands[start : start + ONE_OF_WIDTH]) for start in starts)
        case DatedCompare() | CompareFacts():  # refused or worked out before
            raise AssertionError("a dated comparison reached durable-rules")


def _merged(choice: tuple[Conjunction, ...]) -> Conjunction:
    return tuple(dict.fromkeys(test for conjunction in choice for test in conjunction))


def _among(fact: str, operands: tuple[FactValue, ...]) -> Conjunction:
    return (Test(fact, Column.VALUE, Relation.IN if len(operands) > 1 else Relation.EQUALS, operands),)


def _tests_presence(fact: str, present: bool) -> Conjunction:
    return (Test(fact, Column.PRESENCE, Relation.EQUALS, (1 if present else 0,)),)


def _affirmed(compare: Compare) -> Conjunction:
    return (Test(compare.fact, Column.VALUE, _POSITIVE[compare.operator], (compare.operand,)),)


def _denied(compare: Compare) -> Conjunction:
    """Return the complement of a comparison, true also of a missing fact.

    At the very ends of the numbers no value satisfies the complement, so that only absence is left: a test on LOW or
    HIGH would find the stand-in equal to the operand and be wrong.
    """
    fact, operand = compare.fact, compare.operand
    match compare.operator:
        case Operator.EQUALS:
            return (_differs(fact, operand),)
        case Operator.AT_LEAST:
            if operand == INTEGER_MIN:
                return _tests_presence(fact, present=False)
            return (Test(fact, Column.LOW, Relation.LESS_THAN, (operand,)),)
        case Operator.AT_MOST:
            if operand == INTEGER_MAX:
                return _tests_presence(fact, present=False)
            return (Test(fact, Column.HIGH, Relation.MORE_THAN, (operand,)),)
        case Operator.MORE_THAN:
            return (Test(fact, Column.LOW, Relation.AT_MOST, (operand,)),)
        case Operator.LESS_THAN:
            return (Test(fact, Column.HIGH, Relation.AT_LEAST, (operand,)),)


def _differs(fact: str, operand: FactValue) -> Test:
    if isinstance(operand, str):
        return Test(fact, Column.OTHER, Relation.DIFFERS, (operand,))
    # The stand-in for a missing number must not be the operand itself.
    column = Column.HIGH if operand == INTEGER_MIN else Column.LOW
    return Test(fact, column, Relation.DIFFERS, (operand,))
