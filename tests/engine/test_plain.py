"""The plain matcher, and what both matchers refuse."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable

import pytest

from lianxing.engine.conjunctions import conjunctions
from lianxing.engine.matching import (
    ALTERNATIVES_MAX,
    DEPTH_MAX,
    FACTS_MAX,
    INTEGER_MIN,
    LISTS_MAX,
    ONE_OF_MAX,
    FactError,
    MatchingError,
    Rule,
    alternatives,
    refusals,
)
from lianxing.engine.plain import PlainMatcher
from lianxing.rules.conditions import AllOf, AnyOf, Compare, Condition, DatedCompare, Missing, Not, OneOf, Operator
from lianxing.rules.dates import always
from lianxing.rules.facts import INTEGER_MAX, TEXT_BYTES_MAX, FactType, FactValue
from lianxing.rules.matching_problems import MATCHING_PROBLEMS
from lianxing.rules.places import Location
from lianxing.rules.problems import PolicyError

TYPES = {
    "category": FactType.TEXT,
    "minutes": FactType.WHOLE,
    "age": FactType.WHOLE,
    "share": FactType.RATIO,
    **{f"fact_{number}": FactType.WHOLE for number in range(FACTS_MAX + 1)},
}
HERE = Location("youxian/earning.yaml", 5, 3)
THERE = Location("youxian/earning.yaml", 9, 7)


def equals(fact: str, operand: FactValue, location: Location = HERE) -> Compare:
    return Compare(fact, Operator.EQUALS, operand, location)


def at_least(fact: str, operand: FactValue, location: Location = HERE) -> Compare:
    return Compare(fact, Operator.AT_LEAST, operand, location)


def holds(condition: Condition, **fact: FactValue) -> bool:
    return PlainMatcher([Rule("rule", condition)], TYPES).match(fact) == {"rule"}


@pytest.mark.parametrize(
    ("operator", "below", "at", "above"),
    [
        (Operator.EQUALS, False, True, False),
        (Operator.AT_LEAST, False, True, True),
        (Operator.AT_MOST, True, True, False),
        (Operator.MORE_THAN, False, False, True),
        (Operator.LESS_THAN, True, False, False),
    ],
)
def test_a_comparison_includes_its_number_as_the_civil_code_says(
    operator: Operator, below: bool, at: bool, above: bool
) -> None:
    condition = Compare("minutes", operator, 30, HERE)
    assert [holds(condition, minutes=minutes) for minutes in (29, 30, 31)] == [below, at, above]


def test_a_test_on_a_missing_fact_is_false_and_its_complement_true() -> None:
    for condition in (at_least("minutes", 0), equals("minutes", 0), OneOf("minutes", (0,), HERE)):
        assert not holds(condition)
        assert holds(Not(condition, HERE))
    assert holds(Missing("minutes", HERE))
    assert not holds(Missing("minutes", HERE), minutes=0)


def test_groups_hold_when_all_or_any_of_their_parts_do() -> None:
    parts = (at_least("minutes", 30), equals("category", "助老"))
    for minutes, category, both, either in (
        (30, "助老", True, True),
        (30, "助残", False, True),
        (29, "助老", False, True),
        (29, "助残", False, False),
    ):
        assert holds(AllOf(parts, HERE), minutes=minutes, category=category) is both
        assert holds(AnyOf(parts, HERE), minutes=minutes, category=category) is either


def test_text_of_a_policy_is_never_read_as_code() -> None:
    hostile = "') or __import__('os').abort() or ('"
    types = {hostile: FactType.TEXT}
    matcher = PlainMatcher([Rule(hostile, equals(hostile, hostile))], types)
    assert matcher.match({hostile: hostile}) == {hostile}
    assert matcher.match({hostile: "other"}) == frozenset()


def test_no_rules_match_nothing() -> None:
    assert PlainMatcher([], {}).match({"minutes": 30}) == frozenset()


def test_a_fact_that_no_rule_asks_is_not_looked_at() -> None:
    assert holds(at_least("minutes", 30), minutes=30, age=2**70)


def test_closing_twice_is_closing_once_and_a_closed_matcher_refuses() -> None:
    with PlainMatcher([Rule("rule", at_least("minutes", 30))], TYPES) as matcher:
        matcher.match({"minutes": 30})
        matcher.close()
    with pytest.raises(MatchingError, match="closed"):
        matcher.match({"minutes": 30})
    assert matcher.evaluations == 1


def test_threads_lose_no_count() -> None:
    matcher = PlainMatcher([Rule("rule", at_least("minutes", 30))], TYPES)

    def ask() -> None:
        for minutes in range(2_000):
            assert bool(matcher.match({"minutes": minutes})) is (minutes >= 30)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert matcher.evaluations == 16_000


BAD_VALUES: list[tuple[str, object]] = [
    ("category", 7),
    ("category", None),
    ("category", b"abc"),
    ("category", "好" * (TEXT_BYTES_MAX // 3 + 1)),
    ("category", "a" * (TEXT_BYTES_MAX + 1)),
    ("category", "half \ud83d"),
    ("minutes", "30"),
    ("minutes", 30.0),
    ("minutes", True),
    ("minutes", None),
    ("minutes", INTEGER_MAX + 1),
    ("minutes", INTEGER_MIN - 1),
]


@pytest.mark.parametrize(("fact", "value"), BAD_VALUES)
def test_a_value_of_the_wrong_kind_is_an_error_that_names_the_fact_and_not_the_value(fact: str, value: object) -> None:
    matcher = PlainMatcher([Rule("rule", AllOf((equals("category", "a"), at_least("minutes", 1)), HERE))], TYPES)
    given = {"category": "a", "minutes": 1, fact: value}
    with pytest.raises(FactError) as caught:
        matcher.match(given)  # type: ignore[arg-type]
    assert caught.value.fact == fact
    assert f"'{fact}'" in str(caught.value)
    assert len(str(caught.value)) < 100
    assert str(value) == "None" or str(value) not in str(caught.value)
    # A chained UnicodeEncodeError would carry the text.
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


def test_the_greatest_values_that_are_allowed_are_matched() -> None:
    for number in (INTEGER_MAX, INTEGER_MIN):
        assert holds(equals("minutes", number), minutes=number)
    for text in ("a" * TEXT_BYTES_MAX, "\U00020000" * (TEXT_BYTES_MAX // 4)):
        assert holds(equals("category", text), category=text)


def nested(depth: int) -> Condition:
    condition: Condition = at_least("minutes", 1)
    for level in range(depth):
        condition = Not(condition, THERE) if level % 2 else AllOf((condition,), THERE)
    return condition


def any_of_pairs(pairs: int) -> AllOf:
    """Two to the power of `pairs` alternatives."""
    pair = AnyOf((at_least("minutes", 1), at_least("age", 1)), HERE)
    return AllOf((pair,) * pairs, THERE)


REFUSED: list[tuple[str, Condition]] = [
    ("P401", AllOf((), THERE)),
    ("P401", Not(AnyOf((), THERE), HERE)),
    ("P402", OneOf("minutes", (), THERE)),
    ("P403", Compare("category", Operator.LESS_THAN, "abc", THERE)),
    ("P404", equals("minutes", "30", THERE)),
    ("P404", OneOf("minutes", (30, "60"), THERE)),
    ("P405", equals("category", 1, THERE)),
    ("P405", OneOf("category", ("a", 1, 2), THERE)),
    ("P406", equals("minutes", True, THERE)),
    ("P406", equals("minutes", 1.5, THERE)),  # type: ignore[arg-type]
    ("P406", equals("category", None, THERE)),  # type: ignore[arg-type]
    ("P407", at_least("minutes", INTEGER_MAX + 1, THERE)),
    ("P407", OneOf("minutes", (1, INTEGER_MIN - 1), THERE)),
    ("P408", equals("category", "好" * (TEXT_BYTES_MAX // 3 + 1), THERE)),
    ("P409", equals("category", "nul \0", THERE)),
    ("P409", equals("category", "half \ud83d", THERE)),
    ("P410", at_least("share", 6_000, THERE)),
    ("P410", Missing("share", THERE)),
    ("P411", nested(DEPTH_MAX + 1)),
    ("P411", nested(100_000)),
    ("P412", any_of_pairs(11)),
    ("P413", DatedCompare("minutes", Operator.AT_LEAST, always(30, HERE), THERE)),
    ("P414", at_least("minute", 30, THERE)),
    ("P416", OneOf("minutes", tuple(range(ONE_OF_MAX + 1)), THERE)),
    ("P417", AllOf(tuple(at_least(f"fact_{number}", 1) for number in range(FACTS_MAX + 1)), THERE)),
    ("P418", AllOf((OneOf("minutes", (1, 2), HERE),) * (LISTS_MAX + 1), THERE)),
]


@pytest.mark.parametrize(("code", "condition"), REFUSED)
def test_what_cannot_be_matched_is_refused_with_its_place(code: str, condition: Condition) -> None:
    with pytest.raises(PolicyError) as caught:
        PlainMatcher([Rule("fine", at_least("minutes", 1)), Rule("规则", condition)], TYPES)
    assert [problem.code for problem in caught.value.problems] == [code]
    (problem,) = caught.value.problems
    assert problem.location == THERE
    assert ("rule", "规则") in problem.details
    assert "规则" in problem.message("zh")
    assert "规则" in problem.message("en")


def test_a_rule_name_that_is_used_twice_is_refused_and_both_places_are_told() -> None:
    rules = [Rule("same", at_least("minutes", 1, HERE)), Rule("same", at_least("minutes", 2, THERE))]
    with pytest.raises(PolicyError) as caught:
        PlainMatcher(rules, TYPES)
    (problem,) = caught.value.problems
    assert (problem.code, problem.location) == ("P415", THERE)
    assert str(HERE) in problem.message("en")


def test_a_misspelt_fact_is_refused_with_what_was_probably_meant() -> None:
    (problem,) = refusals([Rule("rule", at_least("minuts", 30))], TYPES)
    assert (problem.code, problem.hint) == ("P414", "minutes")


def test_all_problems_are_told_at_once() -> None:
    condition = AllOf((equals("category", 1), at_least("minute", 1), AnyOf((), HERE)), HERE)
    assert sorted(problem.code for problem in refusals([Rule("rule", condition)], TYPES)) == ["P401", "P405", "P414"]


def test_every_refusal_has_a_case() -> None:
    cases = {code for code, _ in REFUSED} | {"P415"}
    assert cases == {code for code, _, _ in MATCHING_PROBLEMS}


@pytest.mark.parametrize(
    "condition",
    [
        nested(DEPTH_MAX),
        any_of_pairs(10),
        OneOf("minutes", tuple(range(ONE_OF_MAX)), HERE),
        AllOf(tuple(at_least(f"fact_{number}", 1) for number in range(FACTS_MAX)), HERE),
        AnyOf((OneOf("minutes", (1, 2), HERE),) * (LISTS_MAX + 1), HERE),
    ],
)
def test_what_is_just_within_the_bounds_is_taken(condition: Condition) -> None:
    assert not list(refusals([Rule("rule", condition)], TYPES))


def distinct(make: Callable[[int], Condition], count: int) -> tuple[Condition, ...]:
    return tuple(make(number) for number in range(count))


@pytest.mark.parametrize(
    "condition",
    [
        AnyOf(distinct(lambda n: at_least("minutes", n), 70), HERE),
        Not(AllOf(distinct(lambda n: at_least("minutes", n), 70), HERE), HERE),
        AllOf(
            (AnyOf(distinct(lambda n: at_least("minutes", n), 5), HERE), OneOf("age", tuple(range(250)), HERE)), HERE
        ),
        Not(OneOf("age", tuple(range(250)), HERE), HERE),
    ],
)
def test_alternatives_are_counted_as_they_are_made(condition: Condition) -> None:
    assert alternatives(condition) == len(conjunctions(condition)) <= ALTERNATIVES_MAX


def test_a_rule_is_data_and_cannot_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Rule("rule", at_least("minutes", 1)).name = "other"  # type: ignore[misc]
