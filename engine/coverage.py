"""How much of a policy its cases prove: the clauses that they touch, and both sides of every boundary of its own layer.

A boundary is where the answer changes: an ordered comparison in a condition (one for each value over the years), a
limit, a minimum, the edge of a bracket or a band. A side is proven when some case asked with a value and the relation
held, the other when some case asked and it did not. A missing value proves neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import TypeVar

from lianxing.engine.cases import CaseResult, run_case, untouched
from lianxing.engine.compiling import conditions_in
from lianxing.engine.quotients import Beside, Quotient, Threshold, holds
from lianxing.engine.reading.redemption import OFFER_WORDS
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.cases import Case
from lianxing.rules.conditions import Compare, CompareFacts, DatedCompare, Operator
from lianxing.rules.dates import Dated, Since
from lianxing.rules.earning import Bands, Brackets, EarningStep, LimitPoints, LimitShare
from lianxing.rules.facts import RATIO_SCALE, Fact, FactType, FactValue, Scope
from lianxing.rules.hours import AddTime, HoursStep, LimitRecords, LimitTime, Minimum
from lianxing.rules.places import Clause, Label, Location
from lianxing.rules.policy import Policy

T = TypeVar("T")


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


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a boundary: where the relation holds, or where it does not."""

    boundary: Boundary
    holds: bool


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the cases of a county prove of it, and what they leave open, in file order."""

    clauses: int
    untouched: tuple[Clause, ...]
    boundaries: tuple[Boundary, ...]
    missing: tuple[Side, ...]

    @property
    def sides(self) -> int:
        return 2 * len(self.boundaries)

    @property
    def parts(self) -> int:
        """Clauses and sides together."""
        return self.clauses + self.sides

    @property
    def proven(self) -> int:
        return self.parts - len(self.untouched) - len(self.missing)

    def reaches(self, percent: int) -> bool:
        """Tell whether at least so many of a hundred parts are proven; where there is nothing to prove, all are."""
        return self.proven * 100 >= percent * self.parts


def prove(rulebook: Rulebook, cases: Iterable[Case]) -> tuple[tuple[CaseResult, ...], Coverage]:
    """Return what each case came to, and what all of them together prove."""
    watch = _Watch(rulebook)
    rulebook.observer = watch
    try:
        results = tuple(run_case(rulebook, case) for case in cases)
    finally:
        rulebook.observer = None
    clauses = len(list(rulebook.policy.clauses))
    return results, Coverage(clauses, tuple(untouched(rulebook, results)), watch.boundaries, watch.missing())


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A boundary and the days on which it stands: from the first, to the day before the last."""

    boundary: Boundary
    since: date = date.min
    before: date = date.max


class _Watch:
    """Notes, while cases run, on which side of each boundary they came to lie."""

    def __init__(self, rulebook: Rulebook) -> None:
        self._first_day = rulebook.policy.county.in_force_from
        found = [*_comparisons(rulebook), *_edges(rulebook.policy)]
        # A value that was over before the policy came into force decides about nothing.
        standing = [stretch for stretch in found if stretch.before > self._first_day]
        self._asking: dict[str, list[_Stretch]] = {}
        for stretch in standing:
            self._asking.setdefault(stretch.boundary.ruleset, []).append(stretch)
        self.boundaries = tuple(
            sorted(dict.fromkeys(one.boundary for one in standing), key=lambda boundary: boundary.location)
        )
        self._asked: set[Side] = set()
        self._compared: set[tuple[Location, bool]] = set()

    def asked(self, ruleset: str, day: date, values: Mapping[str, FactValue | Quotient]) -> None:
        day = max(day, self._first_day)
        for stretch in self._asking.get(ruleset, ()):
            answer = _answer(stretch.boundary, values) if stretch.since <= day < stretch.before else None
            if answer is not None:
                self._asked.add(Side(stretch.boundary, bool(answer)))

    def compared(self, at: Location, holds: bool) -> None:
        self._compared.add((at, holds))

    def missing(self) -> tuple[Side, ...]:
        """Return the sides on which no case came to lie."""
        sides = (Side(boundary, holds) for boundary in self.boundaries for holds in (True, False))
        return tuple(side for side in sides if not self._proven(side))

    def _proven(self, side: Side) -> bool:
        return side in self._asked if side.boundary.ruleset else (side.boundary.location, side.holds) in self._compared


def _answer(boundary: Boundary, values: Mapping[str, FactValue | Quotient]) -> int | bool | None:
    name, operator, operand = boundary.fact.name, boundary.operator, boundary.operand
    if isinstance(operand, Fact):
        return Beside("", name, operator, operand.name).asked(values)
    value = values.get(name)
    assert isinstance(operand, int)
    if isinstance(value, Quotient):
        return Threshold("", name, operator, operand).answer(value)
    return holds(operator, value, operand) if isinstance(value, int) else None


def _comparisons(rulebook: Rulebook) -> Iterator[_Stretch]:
    """Yield every ordered comparison of the county's own layer, whoever asks it."""
    policy = rulebook.policy
    facts = {**policy.facts, **OFFER_WORDS}
    for ruleset, condition in rulebook.conditions():
        for test in conditions_in(condition):
            match test:
                case Compare() if test.operator is not Operator.EQUALS:
                    found = [_Stretch(Boundary(ruleset, facts[test.fact], test.operator, test.operand, test.location))]
                case CompareFacts():
                    other = facts[test.other]
                    found = [_Stretch(Boundary(ruleset, facts[test.fact], test.operator, other, test.location))]
                case DatedCompare():
                    found = [
                        _Stretch(
                            Boundary(ruleset, facts[test.fact], test.operator, since.value, since.location),
                            since.day,
                            before,
                        )
                        for since, before in _in_turn(test.operands)
                    ]
                case _:
                    continue
            yield from (stretch for stretch in found if _own(policy, stretch))


def _own(policy: Policy, stretch: _Stretch) -> bool:
    return stretch.boundary.location.path.rpartition("/")[0] == policy.county.id


def _in_turn(dated: Dated[T]) -> Iterator[tuple[Since[T], date]]:
    """Yield each value over the years with the day on which the next one takes its place."""
    ends = (*(entry.day for entry in dated.entries[1:]), date.max)
    yield from zip(dated.entries, ends, strict=True)


def _edges(policy: Policy) -> Iterator[_Stretch]:
    """Yield every limit, minimum and edge of the county's own layer; the fold tells on which side an amount lies."""
    for step in (*policy.hours, *policy.earning):
        yield from (stretch for stretch in _edges_of(step, policy.facts) if _own(policy, stretch))


def _edges_of(step: HoursStep | EarningStep, facts: Mapping[str, Fact]) -> Iterator[_Stretch]:
    match step:
        case LimitTime(at_most=str(name)):
            amount = _amount(step.clause, FactType.DURATION)
            yield _Stretch(Boundary("", amount, Operator.AT_MOST, facts[name], step.clause.location))
        case LimitTime(at_most=Dated() as most):
            yield from _dated(step.clause, FactType.DURATION, Operator.AT_MOST, most)
        case AddTime():
            yield from _dated(step.clause, FactType.DURATION, Operator.AT_MOST, step.at_most)
        case LimitPoints():
            yield from _dated(step.clause, FactType.POINTS, Operator.AT_MOST, step.at_most)
        case LimitRecords():
            yield from _dated(step.clause, FactType.WHOLE, Operator.AT_MOST, step.at_most)
        case LimitShare():
            for share, before in _in_turn(step.share):
                operand = share.value * RATIO_SCALE
                edge = Boundary("", _amount(step.clause, FactType.RATIO), Operator.AT_MOST, operand, share.location)
                yield _Stretch(edge, share.day, before)
        case Minimum():
            yield from _dated(step.clause, FactType.DURATION, Operator.AT_LEAST, step.at_least)
        case Brackets():
            amount = _amount(step.clause, step.type)
            for brackets, before in _in_turn(step.steps):
                for bracket in brackets.value:
                    if bracket.up_to is not None:
                        edge = Boundary("", amount, Operator.AT_MOST, bracket.up_to, bracket.location)
                        yield _Stretch(edge, brackets.day, before)
        case Bands():
            amount = _amount(step.clause, step.type)
            for bands, before in _in_turn(step.steps):
                for band in bands.value:
                    edge = Boundary("", amount, Operator.AT_LEAST, band.at_least, band.location)
                    yield _Stretch(edge, bands.day, before)
        case _:
            return


def _dated(clause: Clause, type: FactType, operator: Operator, dated: Dated[int]) -> Iterator[_Stretch]:
    amount = _amount(clause, type)
    for since, before in _in_turn(dated):
        yield _Stretch(Boundary("", amount, operator, since.value, since.location), since.day, before)


def _amount(clause: Clause, type: FactType) -> Fact:
    """Return what a step holds against its limit or edge, as a word that goes by the name of the statement."""
    return Fact(clause.id, clause.label.zh or clause.id, type, Scope.RECORD, Label())
