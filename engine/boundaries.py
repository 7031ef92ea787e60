"""Where the answers of a policy change: comparisons, limits, minimums, edges of brackets, bands, scores and grades."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import TypeVar

from lianxing.engine.compiling import conditions_in
from lianxing.engine.reading.menu import MENU_WORDS
from lianxing.engine.reading.redemption import OFFER_WORDS
from lianxing.engine.rulebook import RECORD, SCORES, Rulebook
from lianxing.rules.conditions import Compare, CompareFacts, DatedCompare, Operator
from lianxing.rules.dates import Dated, Since
from lianxing.rules.earning import Bands, Brackets, EarningStep, Floor, LimitPoints, LimitShare, LimitStep
from lianxing.rules.facts import RATIO_SCALE, Fact, FactType, FactValue, Scope
from lianxing.rules.hours import AddTime, HoursStep, LimitRecords, LimitTime, Minimum
from lianxing.rules.periods import Term
from lianxing.rules.places import Clause, Label, Location
from lianxing.rules.policy import Policy
from lianxing.rules.review import Evaluation
from lianxing.rules.scores import Bands as ScoreBands
from lianxing.rules.scores import Score

T = TypeVar("T")

EVALUATION_SCORE = "evaluation_score"


@dataclass(frozen=True, slots=True)
class Boundary:
    """A place at which the answer changes: `fact` stands in this relation to the operand, or does not.

    `ruleset` asks a comparison; it is empty for a limit or an edge, which is met while counting and whose `fact` is the
    amount that the step holds against it. The operand is in the held unit of `fact`, or is another fact.
    """

    ruleset: str
    fact: Fact
    operator: Operator
    operand: FactValue | Fraction | Fact
    location: Location
    plus: Term | None = None  # of a day: so long after the other one


@dataclass(frozen=True, slots=True)
class Stretch:
    """A boundary and the days on which it stands: from the first, to the day before the last."""

    boundary: Boundary
    since: date = date.min
    before: date = date.max


def boundaries(rulebook: Rulebook) -> list[Stretch]:
    """Return every boundary that the county's own layer says, in file order; those of the layers below are theirs.

    A value that was over before the policy came into force decides about nothing, and is none.
    """
    policy = rulebook.policy
    found = (*_comparisons(rulebook), *_sheets(policy), *_edges(policy))
    own = (one for one in found if one.boundary.location.path.rpartition("/")[0] == policy.county.id)
    standing = [one for one in own if one.before > policy.county.in_force_from]
    return sorted(standing, key=lambda one: one.boundary.location)


def _comparisons(rulebook: Rulebook) -> Iterator[Stretch]:
    """Yield every ordered comparison, whoever asks it."""
    policy = rulebook.policy
    facts = {**policy.facts, **OFFER_WORDS, **MENU_WORDS}
    for ruleset, condition in rulebook.conditions():
        for test in conditions_in(condition):
            match test:
                case Compare() if test.operator is not Operator.EQUALS:
                    found = [Stretch(Boundary(ruleset, facts[test.fact], test.operator, test.operand, test.location))]
                case CompareFacts():
                    other = facts[test.other]
                    beside = Boundary(ruleset, facts[test.fact], test.operator, other, test.location, test.plus)
                    found = [Stretch(beside)]
                case DatedCompare():
                    found = [
                        Stretch(
                            Boundary(ruleset, facts[test.fact], test.operator, since.value, since.location),
                            since.day,
                            before,
                        )
                        for since, before in _in_turn(test.operands)
                    ]
                case _:
                    continue
            yield from found


def _sheets(policy: Policy) -> Iterator[Stretch]:
    """Yield the edges by which scores and grades are given: what they are of is asked like any other fact."""
    for measure in policy.measures:
        if measure.score is not None:
            yield from _score_edges(measure.clause, measure.score, policy.facts)
    for statement in policy.review:
        # From nought on there is no other side.
        for grade in statement.grades if isinstance(statement, Evaluation) else ():
            if grade.at_least:
                of = policy.facts[EVALUATION_SCORE]
                yield Stretch(Boundary(RECORD, of, Operator.AT_LEAST, grade.at_least, grade.location))


def _score_edges(clause: Clause, score: Score, facts: Mapping[str, Fact]) -> Iterator[Stretch]:
    for rule in score.rules:
        if isinstance(rule, ScoreBands):
            for since, before in _in_turn(rule.bands):
                for band in since.value:
                    edge = Boundary(SCORES, facts[rule.of], band.operator, band.bound, since.location)
                    yield Stretch(edge, since.day, before)
    if score.at_most is not None:
        yield from _dated(clause, FactType.POINTS, Operator.AT_MOST, score.at_most)


def _in_turn(dated: Dated[T]) -> Iterator[tuple[Since[T], date]]:
    """Yield each value over the years with the day on which the next one takes its place."""
    ends = (*(entry.day for entry in dated.entries[1:]), date.max)
    yield from zip(dated.entries, ends, strict=True)


def _edges(policy: Policy) -> Iterator[Stretch]:
    """Yield every limit, minimum and edge of the steps; the fold tells on which side an amount lies."""
    for step in (*policy.hours, *policy.earning):
        yield from _edges_of(step, policy.facts)


def _edges_of(step: HoursStep | EarningStep, facts: Mapping[str, Fact]) -> Iterator[Stretch]:
    match step:
        case LimitTime(at_most=str(name)):
            amount = _amount(step.clause, FactType.DURATION)
            yield Stretch(Boundary("", amount, Operator.AT_MOST, facts[name], step.clause.location))
        case LimitTime(at_most=Dated() as most):
            yield from _dated(step.clause, FactType.DURATION, Operator.AT_MOST, most)
        case AddTime():
            yield from _dated(step.clause, FactType.DURATION, Operator.AT_MOST, step.at_most)
        case LimitPoints() | LimitStep():
            yield from _dated(step.clause, FactType.POINTS, Operator.AT_MOST, step.at_most)
        case LimitRecords():
            yield from _dated(step.clause, FactType.WHOLE, Operator.AT_MOST, step.at_most)
        case LimitShare():
            for share, before in _in_turn(step.share):
                operand = share.value * RATIO_SCALE
                edge = Boundary("", _amount(step.clause, FactType.RATIO), Operator.AT_MOST, operand, share.location)
                yield Stretch(edge, share.day, before)
        case Floor():
            yield from _dated(step.clause, FactType.POINTS, Operator.AT_LEAST, step.at_least)
        case Minimum():
            yield from _dated(step.clause, FactType.DURATION, Operator.AT_LEAST, step.at_least)
        case Brackets():
            amount = _amount(step.clause, step.type)
            for brackets, before in _in_turn(step.steps):
                for bracket in brackets.value:
                    if bracket.up_to is not None:
                        edge = Boundary("", amount, Operator.AT_MOST, bracket.up_to, bracket.location)
                        yield Stretch(edge, brackets.day, before)
        case Bands():
            amount = _amount(step.clause, step.type)
            for bands, before in _in_turn(step.steps):
                for band in bands.value:
                    edge = Boundary("", amount, Operator.AT_LEAST, band.at_least, band.location)
                    yield Stretch(edge, bands.day, before)
        case _:
            return


def _dated(clause: Clause, type: FactType, operator: Operator, dated: Dated[int]) -> Iterator[Stretch]:
    amount = _amount(clause, type)
    for since, before in _in_turn(dated):
        yield Stretch(Boundary("", amount, operator, since.value, since.location), since.day, before)


def _amount(clause: Clause, type: FactType) -> Fact:
    """Return what a step holds against its limit or edge, as a word that goes by the name of the statement."""
    return Fact(clause.id, clause.label.zh or clause.id, type, Scope.RECORD, Label())
