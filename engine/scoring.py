"""What score sheets and transitions rest on has to exist, and has to be known where they are asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lianxing.engine.reading.perks import STARS_FACT
from lianxing.engine.reading.tables import hole_in
from lianxing.rules.conditions import Condition, facts_of
from lianxing.rules.facts import Fact
from lianxing.rules.places import Clause
from lianxing.rules.policy import Policy
from lianxing.rules.problems import Problem
from lianxing.rules.scores import STARS, Item, ScoreRule, asked_by


def score_problems(
    policy: Policy, of_records: Iterable[Condition], before_the_star: Iterable[Condition]
) -> Iterator[Problem]:
    """Yield what is wrong with scores: what they rest on, and the tests that ask one where it is not known.

    `of_records` are the tests of records, where no score is; `before_the_star` those on which the star rests.
    """
    sheets = {measure.clause.id: measure.score for measure in policy.measures if measure.score is not None}
    for id, score in sheets.items():
        for rule in score.rules:
            yield from _rests_on(policy, id, rule, frozenset(sheets))
    by_star = frozenset(id for id, score in sheets.items() if score.asks_stars)
    for tests, unknown in ((of_records, frozenset(sheets)), (before_the_star, by_star)):
        for test in tests:
            for id in sorted(unknown & facts_of(test)):
                yield Problem("P612", test.location, (("score", id),))


def _rests_on(policy: Policy, id: str, rule: ScoreRule, sheets: frozenset[str]) -> Iterator[Problem]:
    place = rule.clause.location
    for name in sorted(asked_by(rule)):
        if name in sheets:
            yield Problem("P611", place, (("score", id), ("other", name)))
    own = frozenset(rule.table.by) if isinstance(rule, Item) else frozenset((rule.of,))
    gone = [name for name in sorted(own) if name != STARS and name not in policy.facts]
    for name in gone:  # conditions are looked at where all conditions are
        yield Problem("P301", place, (("fact", name),))
    if isinstance(rule, Item) and not gone:
        hole = hole_in(rule.table, tuple(_fact(policy, name) for name in rule.table.by)) or _star_without_points(
            policy, rule
        )
        if hole is not None:
            yield Problem("P308", rule.table.location, (("keys", hole),))


def _fact(policy: Policy, name: str) -> Fact:
    return STARS_FACT if name == STARS else policy.facts[name]


def _star_without_points(policy: Policy, rule: Item) -> str | None:
    """Points by star say what every star of the ladder gives, and having none."""
    if rule.table.by != (STARS,):
        return None
    stars = (0, *(level.star for level in policy.stars.levels)) if policy.stars is not None else (0,)
    open = (star for star in stars if next(rule.table.cells_for((star,)), None) is None)
    return next((f"{STARS}: {star}" for star in open), None)


def transition_problems(policy: Policy) -> Iterator[Problem]:
    """Yield transitions on a day that has one already: which of them comes first nobody would know."""
    first: dict[object, Clause] = {}
    for transition in policy.transitions:
        clause = transition.clause
        if transition.on_day in first:
            details = (("id", clause.id), ("other", first[transition.on_day].id))
            yield Problem("P613", clause.location, details)
        first.setdefault(transition.on_day, clause)
