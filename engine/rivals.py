"""Statements of one kind that could both apply to the same record: the file has to say how they combine.

Two rates on the same hour, two factors on the same points: whether they add up, multiply or only the better one counts
is what counties differ in. So two statements of one kind may stand side by side where their conditions exclude each
other; where they do not, they are one statement with `combine`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from itertools import combinations

from lianxing.engine.conjunctions import Column, Conjunction, Relation, Test, conjunctions
from lianxing.engine.matching import ALTERNATIVES_MAX, alternatives
from lianxing.engine.quotients import without_quotients
from lianxing.engine.reading.conditions import CALENDAR_RANGES
from lianxing.rules.conditions import AllOf, AnyOf, Condition, DatedCompare, Not, condition_on
from lianxing.rules.earning import Multiply, PointsPerEvent, PointsPerHour
from lianxing.rules.facts import INTEGER_MAX, Fact, FactType, FactValue
from lianxing.rules.policy import Policy
from lianxing.rules.problems import Problem

KINDS = (PointsPerHour, PointsPerEvent, Multiply)


def rivals(policy: Policy) -> Iterator[Problem]:
    """Yield every pair of rates or factors that could both apply to a record, at the later one."""
    for kind in KINDS:
        steps = [step for step in policy.earning if isinstance(step, kind)]
        for first, second in combinations(steps, 2):
            if could_meet(policy, first.when, second.when):
                details = (("id", second.clause.id), ("other", first.clause.id))
                yield Problem("P329", second.clause.location, details)


def could_meet(policy: Policy, first: Condition | None, second: Condition | None) -> bool:
    """Tell whether some record may satisfy both conditions, on any day since the policy is in force."""
    start = policy.county.in_force_from
    both = [condition for condition in (first, second) if condition is not None]
    if len(both) < 2:
        return True
    joined = AllOf(tuple(both), both[1].location)
    return any(_satisfiable(joined, day, policy.facts) for day in (start, *sorted(_days(joined))))


def _days(condition: Condition) -> Iterator[date]:
    match condition:
        case DatedCompare():
            yield from condition.operands.days
        case AllOf() | AnyOf():
            for part in condition.parts:
                yield from _days(part)
        case Not():
            yield from _days(condition.part)


def _satisfiable(condition: Condition, day: date, facts: Mapping[str, Fact]) -> bool:
    flat, _worked_out = without_quotients(condition_on(condition, day), facts)
    if alternatives(flat) > ALTERNATIVES_MAX:
        return True  # too many ways to look at each: the matchers refuse it in any case
    return any(_possible(conjunction, facts) for conjunction in conjunctions(flat))


def _possible(conjunction: Conjunction, facts: Mapping[str, Fact]) -> bool:
    by_fact: dict[str, list[Test]] = {}
    for test in conjunction:
        by_fact.setdefault(test.fact, []).append(test)
    return all(_fact_possible(facts.get(name), tests) for name, tests in by_fact.items())


def _fact_possible(fact: Fact | None, tests: Iterable[Test]) -> bool:
    """Tell whether one value, or none at all, passes every test on a fact."""
    tests = list(tests)
    if all(_missing_passes(test) for test in tests):
        return True
    if any(test.column is Column.PRESENCE and test.operands == (0,) for test in tests):
        return False
    valued = [test for test in tests if test.column is not Column.PRESENCE]
    return any(all(_passes(test, value) for test in valued) for value in _candidates(fact, valued))


def _missing_passes(test: Test) -> bool:
    match test.column:
        case Column.PRESENCE:
            return test.operands == (0,)
        case Column.VALUE:
            return False
        case _:
            return True


def _candidates(fact: Fact | None, tests: list[Test]) -> Iterator[FactValue]:
    """Yield values that stand for all: the declared ones, or those at and beside every number and word asked for."""
    if fact is not None and fact.values:
        yield from (value.id for value in fact.values)
        return
    if fact is not None and fact.type is FactType.YES_NO:
        yield from (0, 1)
        return
    low, high = CALENDAR_RANGES.get(fact.name, (-INTEGER_MAX, INTEGER_MAX)) if fact else (-INTEGER_MAX, INTEGER_MAX)
    asked = [operand for test in tests for operand in test.operands]
    if any(isinstance(operand, str) for operand in asked) or (fact is not None and fact.type.is_text):
        yield from (operand for operand in asked if isinstance(operand, str))
        yield "\0"  # a word that nobody asks for
        return
    numbers = {
        number for operand in asked if isinstance(operand, int) for number in (operand - 1, operand, operand + 1)
    }
    yield from sorted(number for number in numbers | {low} if low <= number <= high)


def _passes(test: Test, value: FactValue) -> bool:
    if test.relation in (Relation.IN, Relation.EQUALS):
        return value in test.operands
    (operand,) = test.operands
    if test.relation is Relation.DIFFERS:
        return value != operand
    if not isinstance(value, int) or not isinstance(operand, int):
        return False
    return {
        Relation.AT_LEAST: value >= operand,
        Relation.AT_MOST: value <= operand,
        Relation.MORE_THAN: value > operand,
        Relation.LESS_THAN: value < operand,
    }[test.relation]
