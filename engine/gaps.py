"""What keeps a condition from holding: each test that fails, what it needs, what there is and what lacks."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from lianxing.engine.quotients import Quotient, Threshold, holds
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
from lianxing.rules.facts import MONTH_PARTS, RATIO_SCALE, Fact, FactType, FactValue
from lianxing.rules.standings import Gap


def gaps(condition: Condition, facts: Mapping[str, Fact], values: Mapping[str, FactValue | Quotient]) -> list[Gap]:
    """Return the tests that keep a condition from holding; of several ways, the one that lacks the fewest."""
    match condition:
        case AllOf():
            return [gap for part in condition.parts for gap in gaps(part, facts, values)]
        case AnyOf():
            return min((gaps(part, facts, values) for part in condition.parts), key=len)
        case Compare():
            return _compare_gap(condition, facts[condition.fact], values.get(condition.fact))
        case OneOf():
            value = values.get(condition.fact)
            if value in condition.operands:
                return []
            first = condition.operands[0]
            has = None if isinstance(value, Quotient) else value
            return [Gap(condition.fact, facts[condition.fact].type, None, first, has, None, condition.location)]
        case CompareFacts():
            left, right = values.get(condition.fact), values.get(condition.other)
            if isinstance(left, int) and isinstance(right, int):
                test = Compare(condition.fact, condition.operator, right, condition.location)
                return _compare_gap(test, facts[condition.fact], left)
            has = None if isinstance(left, Quotient) else left
            kind = facts[condition.fact].type
            return [Gap(condition.fact, kind, None, "", has, None, condition.location)]
        case Not() | Missing() | DatedCompare():
            return _other_gap(condition, facts, values)


def _compare_gap(test: Compare, fact: Fact, value: FactValue | Quotient | None) -> list[Gap]:
    if isinstance(value, Quotient):
        assert isinstance(test.operand, int)
        if Threshold("", test.fact, test.operator, test.operand).answer(value):
            return []
        has = Fraction(value.sum * RATIO_SCALE, value.count) if value.count else None
        return [Gap(test.fact, fact.type, test.operator, test.operand, has, None, test.location)]
    if isinstance(value, int) and isinstance(test.operand, int):
        if holds(test.operator, value, test.operand):
            return []
        lacking = None
        if fact.type is not FactType.DATE and test.operator in (Operator.AT_LEAST, Operator.MORE_THAN):
            lacking = test.operand - value + (test.operator is Operator.MORE_THAN)
            if fact.type is FactType.MONTHS and lacking > 1:
                lacking = -(-lacking // MONTH_PARTS) * MONTH_PARTS  # how many days a month has nobody needs to know
        return [Gap(test.fact, fact.type, test.operator, test.operand, value, lacking, test.location)]
    if value == test.operand:
        return []
    return [Gap(test.fact, fact.type, test.operator, test.operand, value, None, test.location)]


def _other_gap(
    condition: Not | Missing | DatedCompare, facts: Mapping[str, Fact], values: Mapping[str, FactValue | Quotient]
) -> list[Gap]:
    """A condition that asks for something not to be so: it holds, or the fact that stands in its way is the gap."""
    if isinstance(condition, Missing):
        value = values.get(condition.fact)
        absent = value is None or (isinstance(value, Quotient) and value.count == 0)
        has = None if isinstance(value, Quotient) else value
        gap = Gap(condition.fact, facts[condition.fact].type, None, "", has, None, condition.location)
        return [] if absent else [gap]
    assert isinstance(condition, Not)
    if gaps(condition.part, facts, values):
        return []
    return _blocking(condition.part, facts, values)


def _blocking(condition: Condition, facts: Mapping[str, Fact], values: Mapping[str, FactValue | Quotient]) -> list[Gap]:
    match condition:
        case AllOf():
            return _blocking(condition.parts[0], facts, values)
        case AnyOf():
            return [
                gap
                for part in condition.parts
                if not gaps(part, facts, values)
                for gap in _blocking(part, facts, values)
            ]
        case Not():
            return _blocking(condition.part, facts, values)
        case Compare() | DatedCompare() | CompareFacts() | OneOf() | Missing():
            value = values.get(condition.fact)
            has = None if isinstance(value, Quotient) else value
            return [Gap(condition.fact, facts[condition.fact].type, None, "", has, None, condition.location)]
