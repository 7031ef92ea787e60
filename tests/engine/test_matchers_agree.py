"""Three opinions on random policies: durable-rules, the generated function, and the meaning read off the tree.

20,000 evaluations in an ordinary run, a million with LIANXING_LONG=1. Where durable-rules cannot be imported, the other
two are compared. Every planted fault must be seen by the same comparison: a check that nothing fails proves nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from random import Random

import pytest

from lianxing.engine.durable import DurableMatcher, available
from lianxing.engine.matching import INTEGER_MIN, Matcher, MatcherFactory, Rule, refusals
from lianxing.engine.plain import PlainMatcher
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
from lianxing.rules.facts import INTEGER_MAX, FactType, FactValue
from lianxing.rules.places import Location

EVALUATIONS = 1_000_000 if os.environ.get("LIANXING_LONG") == "1" else 20_000
EVALUATIONS_PER_POLICY = 40
MATCHED_SHARE_MIN = 0.3

MATCHERS: dict[str, MatcherFactory] = {"plain": PlainMatcher}
if available():
    MATCHERS["durable-rules"] = DurableMatcher

HERE = Location("random", 1, 1)
TYPES = {
    "category": FactType.TEXT,
    "area": FactType.TEXT,
    "minutes": FactType.DURATION,
    "points": FactType.POINTS,
    "on_duty": FactType.YES_NO,
    "day": FactType.DATE,
}
TEXT_FACTS = ("category", "area")
NUMBER_FACTS = ("minutes", "points", "on_duty", "day")
TEXTS = (
    *(
        "",
        " ",
        "a",
        "ab",
        "abc",
        "abc ",
        "abc d",
        "ABC",
        "Abc d",
        "助老",
        "助老服务",
        "助",
        "😀",
        "😀😀",
        "👩‍👧",
        "é",
        "e\u0301",
    ),
    *('"', '\\"', "\\", "\\n", "\n", "\x1f", "'", "null", "0", "1", "true", "{}", "\u2028"),
)
NUMBERS = (
    *(0, 1, -1, 2, 30, -30, 59, 60, 3_600, 2**31 - 1, 2**31, -(2**31), 2**53, 2**53 + 1, -(2**53) - 1),
    *(INTEGER_MAX, INTEGER_MAX - 1, INTEGER_MIN, INTEGER_MIN + 1),
)


Fact = dict[str, FactValue]


def holds(condition: Condition, fact: Mapping[str, FactValue]) -> bool:
    """Tell whether a condition holds, in the words of `rules.conditions` and as directly as they are read."""
    match condition:
        case AllOf():
            return all(holds(part, fact) for part in condition.parts)
        case AnyOf():
            return any(holds(part, fact) for part in condition.parts)
        case Not():
            return not holds(condition.part, fact)
        case Missing():
            return condition.fact not in fact
        case OneOf():
            return condition.fact in fact and fact[condition.fact] in condition.operands
        case Compare():
            return condition.fact in fact and stands(fact[condition.fact], condition.operator, condition.operand)
        case DatedCompare() | CompareFacts():
            raise AssertionError(condition)


def stands(value: FactValue, operator: Operator, operand: FactValue) -> bool:
    if isinstance(value, str) or isinstance(operand, str):
        assert operator is Operator.EQUALS
        return value == operand
    match operator:
        case Operator.EQUALS:
            return value == operand
        case Operator.AT_LEAST:
            return value >= operand
        case Operator.AT_MOST:
            return value <= operand
        case Operator.MORE_THAN:
            return value > operand
        case Operator.LESS_THAN:
            return value < operand


def reference(rules: Sequence[Rule], fact: Mapping[str, FactValue]) -> frozenset[str]:
    return frozenset(rule.name for rule in rules if holds(rule.condition, fact))


# Random policies and facts


def random_leaf(random: Random) -> Condition:
    kind = random.random()
    if kind < 0.1:
        return Missing(random.choice((*TEXT_FACTS, *NUMBER_FACTS)), HERE)
    if random.random() < 0.35:
        fact = random.choice(TEXT_FACTS)
        if kind < 0.5:
            return Compare(fact, Operator.EQUALS, random.choice(TEXTS), HERE)
        return OneOf(fact, tuple(random.choices(TEXTS, k=random.randint(1, 8))), HERE)
    fact = random.choice(NUMBER_FACTS)
    if kind < 0.25:
        if random.random() < 0.1:
            start = random.randrange(-200, 100)
            return OneOf(fact, tuple(range(start, start + 150)), HERE)
        return OneOf(fact, tuple(random.choices(NUMBERS, k=random.randint(1, 8))), HERE)
    operand = random.choice(NUMBERS) if random.random() < 0.5 else random.randrange(-100, 100)
    return Compare(fact, random.choice(list(Operator)), operand, HERE)


def random_condition(random: Random, depth: int) -> Condition:
    kind = random.random()
    if depth == 0 or kind < 0.25:
        return random_leaf(random)
    if kind < 0.45:
        return Not(random_condition(random, depth - 1), HERE)
    if kind < 0.5:
        return AnyOf(tuple(random_leaf(random) for _ in range(random.randint(10, 50))), HERE)
    parts = tuple(random_condition(random, depth - 1) for _ in range(random.randint(1, 4)))
    return AllOf(parts, HERE) if random.random() < 0.5 else AnyOf(parts, HERE)


def random_policy(random: Random) -> list[Rule]:
    count = 60 if random.random() < 0.05 else random.randint(1, 12)
    rules: list[Rule] = []
    while len(rules) < count:
        rule = Rule(f"规则 {len(rules)}", random_condition(random, random.choice((0, 1, 2, 2, 3, 3, 4))))
        if not any(refusals([rule], TYPES)):  # now and then one is too wide
            rules.append(rule)
    return rules


def thresholds_in(condition: Condition, found: dict[str, list[FactValue]]) -> None:
    match condition:
        case AllOf() | AnyOf():
            for part in condition.parts:
                thresholds_in(part, found)
        case Not():
            thresholds_in(condition.part, found)
        case Compare():
            found.setdefault(condition.fact, []).append(condition.operand)
        case OneOf():
            found.setdefault(condition.fact, []).extend(condition.operands)
        case _:
            pass


def random_fact(random: Random, thresholds: Mapping[str, Sequence[FactValue]]) -> Fact:
    """Return values at, one below and one above what the policy compares with; a fifth of the facts are missing."""
    fact: Fact = {}
    for name in (*TEXT_FACTS, *NUMBER_FACTS):
        if random.random() < 0.2:
            continue
        near = random.choice(thresholds.get(name) or (TEXTS if name in TEXT_FACTS else NUMBERS))
        if isinstance(near, str):
            fact[name] = random.choice((near, near, near + "d", near[:-1], near.swapcase(), random.choice(TEXTS)))
        else:
            fact[name] = min(max(near + random.choice((-1, 0, 0, 1)), INTEGER_MIN), INTEGER_MAX)
    return fact


def evaluations_of(
    evaluations: int, seed: int, build: Callable[[list[Rule]], list[Matcher]]
) -> Generator[tuple[list[Rule], Fact, list[frozenset[str]]], None, None]:
    """Yield random policies with a fact each and the answers of the matchers that `build` makes for the policy."""
    random = Random(seed)
    for _ in range(-(-evaluations // EVALUATIONS_PER_POLICY)):
        rules = random_policy(random)
        thresholds: dict[str, list[FactValue]] = {}
        for rule in rules:
            thresholds_in(rule.condition, thresholds)
        matchers = build(rules)
        try:
            for _ in range(EVALUATIONS_PER_POLICY):
                fact = random_fact(random, thresholds)
                yield rules, fact, [matcher.match(fact) for matcher in matchers]
        finally:
            for matcher in matchers:
                matcher.close()


def test_the_matchers_and_the_meaning_agree() -> None:
    asked = matched = 0
    for rules, fact, answers in evaluations_of(
        EVALUATIONS, seed=20_171_009, build=lambda rules: [factory(rules, TYPES) for factory in MATCHERS.values()]
    ):
        expected = reference(rules, fact)
        wrong = {name for name, answer in zip(MATCHERS, answers, strict=True) if answer != expected}
        assert not wrong, f"{wrong} disagree on {fact!r} under {rules!r}"
        asked += 1
        matched += bool(expected)
    assert asked >= EVALUATIONS
    assert matched >= asked * MATCHED_SHARE_MIN


# Planted faults


def everywhere(change: Callable[[Condition], Condition]) -> Callable[[Condition], Condition]:
    """Return the change made at every node, from the leaves up."""

    def changed(condition: Condition) -> Condition:
        match condition:
            case AllOf() | AnyOf():
                return change(type(condition)(tuple(map(changed, condition.parts)), condition.location))
            case Not():
                return change(Not(changed(condition.part), condition.location))
            case _:
                return change(condition)

    return changed


@everywhere
def more_than_for_at_least(condition: Condition) -> Condition:
    if isinstance(condition, Compare) and condition.operator is Operator.AT_LEAST:
        return replace(condition, operator=Operator.MORE_THAN)
    return condition


@everywhere
def less_than_for_at_most(condition: Condition) -> Condition:
    if isinstance(condition, Compare) and condition.operator is Operator.AT_MOST:
        return replace(condition, operator=Operator.LESS_THAN)
    return condition


@everywhere
def any_for_all(condition: Condition) -> Condition:
    return AnyOf(condition.parts, HERE) if isinstance(condition, AllOf) else condition


@everywhere
def all_for_any(condition: Condition) -> Condition:
    if isinstance(condition, AnyOf) and len(condition.parts) < 6:
        return AllOf(condition.parts, HERE)
    return condition


@everywhere
def presence_not_checked(condition: Condition) -> Condition:
    """A missing number is smaller than every other."""
    if isinstance(condition, Compare) and condition.operator is Operator.LESS_THAN:
        return AnyOf((condition, Missing(condition.fact, HERE)), HERE)
    return condition


@everywhere
def complement_false_when_missing(condition: Condition) -> Condition:
    if isinstance(condition, Not) and isinstance(condition.part, Compare | OneOf):
        return AllOf((condition, Not(Missing(condition.part.fact, HERE), HERE)), HERE)
    return condition


@everywhere
def negation_dropped(condition: Condition) -> Condition:
    return condition.part if isinstance(condition, Not) else condition


@everywhere
def threshold_one_off(condition: Condition) -> Condition:
    if isinstance(condition, Compare) and isinstance(condition.operand, int) and condition.operand < INTEGER_MAX:
        return replace(condition, operand=condition.operand + 1)
    return condition


@everywhere
def last_value_lost(condition: Condition) -> Condition:
    if isinstance(condition, OneOf) and len(condition.operands) > 1:
        return replace(condition, operands=condition.operands[:-1])
    return condition


@everywhere
def missing_inverted(condition: Condition) -> Condition:
    return Not(condition, HERE) if isinstance(condition, Missing) else condition


@everywhere
def wrong_fact(condition: Condition) -> Condition:
    if isinstance(condition, Compare) and condition.fact == "minutes":
        return replace(condition, fact="points")
    return condition


@everywhere
def operand_prefix(condition: Condition) -> Condition:
    if isinstance(condition, Compare) and isinstance(condition.operand, str):
        return replace(condition, operand=condition.operand[:3])
    return condition


@everywhere
def operand_in_lower_case(condition: Condition) -> Condition:
    if isinstance(condition, Compare) and isinstance(condition.operand, str):
        return replace(condition, operand=condition.operand.lower())
    return condition


def in_text(change: Callable[[str], str]) -> Callable[[Fact], Fact]:
    return lambda fact: {name: change(value) if isinstance(value, str) else value for name, value in fact.items()}


def without_sign(fact: Fact) -> Fact:
    return {name: min(abs(value), INTEGER_MAX) if isinstance(value, int) else value for name, value in fact.items()}


def first_rule_only(rules: list[Rule]) -> list[Rule]:
    return rules[:1]


def last_shard_forgotten(matcher: Matcher) -> Matcher:
    if isinstance(matcher, DurableMatcher) and len(matcher._rulesets) > 1:
        matcher._rulesets = matcher._rulesets[:-1]  # its finalizer still knows them all
    return matcher


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong on the way to one of the matchers, or in it."""

    condition: Callable[[Condition], Condition] = lambda condition: condition
    rules: Callable[[list[Rule]], list[Rule]] = lambda rules: rules
    fact: Callable[[Fact], Fact] = lambda fact: fact
    matcher: Callable[[Matcher], Matcher] = lambda matcher: matcher


FAULTS = {
    "more than for at least": Fault(more_than_for_at_least),
    "less than for at most": Fault(less_than_for_at_most),
    "any for all": Fault(any_for_all),
    "all for any": Fault(all_for_any),
    "presence not checked": Fault(presence_not_checked),
    "complement false when missing": Fault(complement_false_when_missing),
    "negation dropped": Fault(negation_dropped),
    "threshold one off": Fault(threshold_one_off),
    "last value of a list lost": Fault(last_value_lost),
    "text equal by its beginning": Fault(operand_prefix, fact=in_text(lambda text: text[:3])),
    "missing inverted": Fault(missing_inverted),
    "first rule only": Fault(rules=first_rule_only),
    "fact of the wrong name": Fault(wrong_fact),
    "sign of numbers lost": Fault(fact=without_sign),
    "text compared without case": Fault(operand_in_lower_case, fact=in_text(str.lower)),
    "last ruleset forgotten": Fault(matcher=last_shard_forgotten),
}


class Faulty:
    """A matcher with a fault planted."""

    def __init__(self, factory: MatcherFactory, rules: list[Rule], fault: Fault) -> None:
        changed = [Rule(rule.name, fault.condition(rule.condition)) for rule in fault.rules(rules)]
        matchable = [rule for rule in changed if not any(refusals([rule], TYPES))]
        self.untouched = [
            rule for rule in rules if rule.name in {r.name for r in changed} - {r.name for r in matchable}
        ]
        self.matcher = fault.matcher(factory([*matchable, *self.untouched], TYPES))
        self.fault = fault
        self.name = self.matcher.name

    @property
    def evaluations(self) -> int:
        return self.matcher.evaluations

    def match(self, fact: Mapping[str, FactValue]) -> frozenset[str]:
        return self.matcher.match(self.fault.fact(dict(fact)))

    def close(self) -> None:
        self.matcher.close()


PLANTED = [
    (matcher, name)
    for name in FAULTS
    for matcher in MATCHERS
    if matcher == "durable-rules" or name != "last ruleset forgotten"
]


@pytest.mark.parametrize(("matcher", "name"), PLANTED)
def test_a_planted_fault_is_seen(matcher: str, name: str) -> None:
    def build(rules: list[Rule]) -> list[Matcher]:
        return [Faulty(MATCHERS[matcher], rules, FAULTS[name])]

    with closing(evaluations_of(4_000, seed=1, build=build)) as evaluated:
        assert any(answer != reference(rules, fact) for rules, fact, (answer,) in evaluated), f"{name} went unseen"


def test_sixteen_faults_are_planted() -> None:
    assert len(FAULTS) == 16


def _faultless(factory: MatcherFactory, rules: list[Rule]) -> list[Matcher]:
    return [Faulty(factory, rules, Fault())]


def test_without_a_fault_the_same_comparison_sees_nothing() -> None:
    for factory in MATCHERS.values():
        build = partial(_faultless, factory)
        for rules, fact, (answer,) in evaluations_of(1_000, seed=1, build=build):
            assert answer == reference(rules, fact)
