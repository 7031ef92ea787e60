"""How far a fold and a life lie beside what they were before a late record, where nothing later tells them apart.

What is over for good is in no state. Of what is left most comes back to what it was: a day, a month and a window end.
What only ever adds up does not: it stays shifted by what the late record has brought. Nobody who counts a record asks
for a balance unless a limit or a floor runs over it; and what a life asks of a total is on which side of a number it
lies. So two states that differ in nothing else stand for the same decisions, as far as no such number lies between.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import Any

from lianxing.engine.compiling import conditions_in
from lianxing.engine.freezing import amount_data, amount_of, whole_of
from lianxing.engine.life import star_is_remembered
from lianxing.engine.parts import Amount
from lianxing.engine.quotients import Quotient, Threshold, holds
from lianxing.engine.rulebook import MeasureValue, Rulebook
from lianxing.engine.windows_beside import Days, extremes, is_beside, window_shift, window_shifted
from lianxing.rules.conditions import Compare, Condition, DatedCompare, Operator, facts_of
from lianxing.rules.earning import (
    Add,
    Bands,
    Brackets,
    Combine,
    EarningStep,
    LimitStep,
    Multiply,
    PointsPerEvent,
    PointsPerHour,
)
from lianxing.rules.facts import FactValue
from lianxing.rules.measures import DAY, HOURS, POINTS, Measure, Total
from lianxing.rules.periods import Period
from lianxing.rules.policy import Policy
from lianxing.rules.tables import Table

Body = Mapping[str, Any]

_TOLD = ("records", "seconds", "points")  # of a life: nobody asks for them but whoever reads a standing
_SUMS = frozenset((Total.SUM, Total.COUNT, Total.MEAN, Total.SHARE))
_SUM, _COUNT, _OVER, _VALUES = "sum", "count", "over", "values"


@dataclass(frozen=True, slots=True)
class FoldShift:
    """What was credited in all lies so much beside what it was, by unit."""

    balance: Mapping[str, Amount] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StarShift:
    """What has been decided of stars, in place of what it `was`: on other days, to the same star in the end."""

    was: Body
    now: Body

    @property
    def gives_the_same(self) -> bool:
        """Tell whether the same stars have brought what is given for them once."""
        before, after = ({star for star, _points, _on in one["grants"]} for one in (self.was, self.now))
        return before == after


@dataclass(frozen=True, slots=True)
class LifeShift:
    """What has been counted lies so much beside what it was.

    `measures` tells of each that only adds up by how much; `windows` of each that looks back on which days.
    """

    told: Mapping[str, int] = field(default_factory=dict)
    measures: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    windows: Mapping[str, Days] = field(default_factory=dict)
    stars: StarShift | None = None


# --- a fold ----------------------------------------------------------------------------------------------------------


def fold_shift(rulebook: Rulebook, was: Body, now: Body) -> FoldShift | None:
    """Return how the state of a fold lies beside another one; None where a later record may tell them apart."""
    if was == now:
        return FoldShift()
    before, after = was["tallies"]["balance"], now["tallies"]["balance"]
    if rulebook.once(_asks_balance) or before.keys() != after.keys() or _but_balance(was) != _but_balance(now):
        return None
    return FoldShift({unit: amount_of(after[unit]) - amount_of(amount) for unit, amount in before.items()})


def fold_shifted(body: Body, shift: FoldShift) -> Body:
    """Return the state of a fold beside this one."""
    tallies = body["tallies"]
    balance = {
        unit: amount_data(amount_of(amount) + shift.balance.get(unit, 0)) for unit, amount in tallies["balance"].items()
    }
    return {**body, "tallies": {**tallies, "balance": balance}}


def _but_balance(body: Body) -> Body:
    return {**body, "tallies": {**body["tallies"], "balance": None}}


def _asks_balance(policy: Policy) -> bool:
    return any(getattr(step, "per", None) is Period.BALANCE for step in (*policy.hours, *policy.earning))


# --- a life ----------------------------------------------------------------------------------------------------------


def life_shift(rulebook: Rulebook, was: Body, now: Body) -> LifeShift | None:
    """Return how the state of a life lies beside another one; None where more than what adds up is different."""
    if was == now:
        return LifeShift()
    before, after = was["totals"]["running"], now["totals"]["running"]
    measures: dict[str, Mapping[str, int]] = {}
    windows: dict[str, Days] = {}
    for measure in rulebook.policy.measures:
        id = measure.clause.id
        if before.get(id) == after.get(id):
            continue
        if (by := _measure_shift(measure, before[id], after[id])) is not None:
            measures[id] = by
        elif _is_held_by_day(rulebook, measure) and (days := window_shift(measure, before[id], after[id])) is not None:
            windows[id] = days
        else:
            return None
    if (measures or windows) and was["totals"]["to_come"]:  # what a change of rules makes of a total is no adding
        return None
    told = {name: whole_of(now[name]) - whole_of(was[name]) for name in _TOLD}
    stars = StarShift(was["stars"], now["stars"]) if was["stars"] != now["stars"] and was["stars"] else None
    found = LifeShift({name: by for name, by in told.items() if by}, measures, windows, stars)
    return found if (stars is None or stars.gives_the_same) and life_shifted(rulebook, was, found) == now else None


def life_shifted(rulebook: Rulebook, body: Body, shift: LifeShift) -> Body:
    """Return the state of a life beside this one."""
    totals = body["totals"]
    running = dict(totals["running"])
    for id, by in shift.measures.items():
        running[id] = _measure_shifted(running[id], by)
    for measure in rulebook.policy.measures if shift.windows else ():
        if (days := shift.windows.get(measure.clause.id)) is not None:
            on = date.fromisoformat(totals["day"])
            running[measure.clause.id] = window_shifted(measure, running[measure.clause.id], days, on)
    told = {name: body[name] + by for name, by in shift.told.items()}
    stars = body["stars"] if shift.stars is None else _stars_shifted(body["stars"], shift.stars)
    return {**body, **told, "stars": stars, "totals": {**totals, "running": running}}


def _stars_shifted(body: Body, shift: StarShift) -> Body:
    """Return stars that were decided as these, but for the first of the decisions, which nobody asks again."""
    was, now = shift.was, shift.now
    same = (len(was["decisions"]), was["awards"]) == (len(body["decisions"]), body["awards"])
    return {
        **body,
        **{name: [*now[name], *body[name][len(was[name]) :]] for name in ("decisions", "grants")},
        "since": now["since"] if same else body["since"],
    }


def _measure_shift(measure: Measure, was: Body, now: Body) -> Mapping[str, int] | None:
    """Return by how much what a measure adds up is different; None where it is none that only adds up."""
    names = _adding(measure)
    before, after = ({name: of for name, of in one.items() if name not in names} for one in (was, now))
    if not names or before != after:
        return None
    return {name: whole_of(now.get(name, 0)) - whole_of(was.get(name, 0)) for name in names}


def _adding(measure: Measure) -> tuple[str, ...]:
    """Return what of the state of a measure only ever adds up."""
    if measure.window.lets_go or measure.best_of:
        return ()
    if measure.total in _SUMS:
        return (_SUM, _COUNT)
    return (_OVER,) if measure.total is Total.DISTINCT and measure.of == DAY else ()


def _is_held_by_day(rulebook: Rulebook, measure: Measure) -> bool:
    """Tell whether a measure looks back on what each day adds up to, and on nothing below nothing."""
    window = measure.window
    if not window.lets_go or window.previous or window.since_award or measure.best_of:
        return False
    if measure.total in (Total.SUM, Total.MEAN):
        return _is_never_below_nothing(rulebook, measure)
    return measure.total in (Total.COUNT, Total.SHARE)


def _measure_shifted(data: Body, by: Mapping[str, int]) -> Body:
    """Return the state of a measure with other numbers, which are left out where they are nothing."""
    numbers = {name: whole_of(data.get(name, 0)) + more for name, more in by.items()}
    rest = {name: of for name, of in data.items() if name not in by}
    if not any(numbers.values()):
        return rest
    return rest | {name: amount_data(number) for name, number in numbers.items()}


# --- what is decided on the way --------------------------------------------------------------------------------------


def decides_the_same(rulebook: Rulebook, shift: LifeShift, was: Body, becomes: Body) -> bool:
    """Tell whether a life that is shifted decides the same as the one that it lies beside, between two states of that.

    What only grows lies between what it is in the one state and what it is in the other.
    """
    if not rulebook.once(_decides):
        return True
    if was["sanctions"] is not None and len(was["sanctions"]["begun"]) != len(becomes["sanctions"]["begun"]):
        return False  # one that begins may cancel what has been added up
    if not shift.measures and not shift.windows:
        return True
    tests = rulebook.once(_tests)
    if tests is None:
        return False
    for measure in rulebook.policy.measures:
        some = tests.get(measure.clause.id)
        if some and _may_differ(measure, shift, was):
            between = _between(rulebook, measure, shift, was, becomes)
            if between is None or not all(_is_one_answer(test, *between) for test in some):
                return False
    return True


def _may_differ(measure: Measure, shift: LifeShift, was: Body) -> bool:
    days = shift.windows.get(measure.clause.id)
    return measure.clause.id in shift.measures or (days is not None and is_beside(measure, days, was))


def _between(
    rulebook: Rulebook, measure: Measure, shift: LifeShift, was: Body, becomes: Body
) -> tuple[MeasureValue, MeasureValue] | None:
    """Return the least and the most that a measure is on the way, as it was or shifted; None where nobody can tell."""
    id = measure.clause.id
    if id in shift.windows:
        return extremes(measure, shift.windows[id], was, becomes)
    if not _only_grows(rulebook, measure):
        return None
    lowest, highest = (_value(measure, state["totals"]["running"][id]) for state in (was, becomes))
    more = shift.measures[id][_SHOWN[measure.total]]
    return min(lowest, lowest + more), max(highest, highest + more)


def _decides(policy: Policy) -> bool:
    """Tell whether anything is decided while a life goes on; else its measures are asked at the end alone."""
    return bool(policy.sanctions) or (policy.stars is not None and star_is_remembered(policy))


def _tests(policy: Policy) -> Mapping[str, Sequence[Condition]] | None:
    """Return what stars and sanctions ask, by fact; None where they ask a score, which is made of any measure."""
    scored = {measure.clause.id for measure in policy.measures if measure.score is not None}
    found: dict[str, list[Condition]] = defaultdict(list)
    for test in conditions_in((policy.stars, policy.sanctions)):
        for fact in facts_of(test):
            found[fact].append(test)
    return None if scored & found.keys() else found


_SHOWN = {Total.SUM: _SUM, Total.COUNT: _COUNT, Total.DISTINCT: _OVER}


def _value(measure: Measure, data: Body) -> int:
    """Return what a measure that only adds up comes to in a state."""
    return whole_of(data.get(_SHOWN[measure.total], 0)) + len(data.get(_VALUES, ()))


def _only_grows(rulebook: Rulebook, measure: Measure) -> bool:
    """Tell whether no record can make a measure less."""
    match measure.total:
        case Total.COUNT | Total.DISTINCT:
            return True
        case Total.SUM:
            return _is_never_below_nothing(rulebook, measure)
        case _:
            return False


def _is_never_below_nothing(rulebook: Rulebook, measure: Measure) -> bool:
    """Tell whether no record brings a measure less than nothing; what a fact of a record says may be."""
    return measure.of == HOURS or (measure.of == POINTS and rulebook.once(_gives_only))


def _gives_only(policy: Policy) -> bool:
    """Tell whether no record earns less than nothing, so far as the steps show it by themselves."""
    return all(_step_gives_only(step) for step in policy.earning)


def _step_gives_only(step: EarningStep) -> bool:
    match step:
        case PointsPerHour() | PointsPerEvent() | Add() | Multiply():
            several = isinstance(step, Multiply) and step.rates.combine is Combine.SUM  # of what is above one
            return not several and all(_never_below_nothing(table) for table in step.rates.tables)
        case Brackets():
            return all(one.points >= 0 for since in step.steps.entries for one in since.value)
        case Bands():
            rising = ([Fraction(0), *(band.points for band in since.value)] for since in step.steps.entries)
            return all(lower <= higher for points in rising for lower, higher in pairwise(points))
        case LimitStep():  # what a step gave may have been taken already
            return False
        case _:
            return True


def _never_below_nothing(table: Table) -> bool:
    return all(since.value >= 0 for cell in table.cells.values() for since in cell.value.entries)


def _is_one_answer(test: Condition, least: MeasureValue, most: MeasureValue) -> bool:
    """Tell whether a test has one answer for everything between two values."""
    match test:
        case Compare(operator=operator, operand=operand):
            return _is_one_side(operator, operand, least, most)
        case DatedCompare(operator=operator, operands=operands):
            return all(_is_one_side(operator, dated.value, least, most) for dated in operands.entries)
        case _:
            return False


def _is_one_side(operator: Operator, operand: FactValue, least: MeasureValue, most: MeasureValue) -> bool:
    if not isinstance(operand, int) or operator is Operator.EQUALS:
        return False
    if isinstance(least, Quotient) and isinstance(most, Quotient):
        threshold = Threshold("", "", operator, operand)
        return threshold.answer(least) == threshold.answer(most) is not None
    assert isinstance(least, int)
    assert isinstance(most, int)
    return holds(operator, least, operand) == holds(operator, most, operand)
