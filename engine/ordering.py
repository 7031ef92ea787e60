"""What the order of the steps has to be, and what one record may earn at the most: checks on a whole policy."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from lianxing.engine.scales import HUNDREDTHS, bracket_points
from lianxing.rules.earning import (
    Add,
    Bands,
    Brackets,
    Combine,
    EarningStep,
    Floor,
    LastBlock,
    LimitPoints,
    LimitShare,
    LimitStep,
    Multiply,
    PointsPerEvent,
    PointsPerHour,
    Rates,
    RoundPoints,
)
from lianxing.rules.hours import (
    AddTime,
    CountsAs,
    DeductTime,
    LimitRecords,
    LimitTime,
    Minimum,
    NoOverlap,
    RoundTime,
    Split,
)
from lianxing.rules.measures import HOURS
from lianxing.rules.places import Clause
from lianxing.rules.policy import Policy
from lianxing.rules.problems import Problem
from lianxing.rules.tables import Table

# More than any scheme gives for a day, less than what a slip of the keyboard mints.
RECORD_POINTS_MAX = 100_000
RECORD_HOURS_MAX = 24


def hours_order(policy: Policy) -> Iterator[Problem]:
    """Split and overlap are worked out on clock times, so they come before what changes the amount of time.

    And the split comes first: which day the time that an overlap leaves lies on, only its parts know.
    """
    changed: Clause | None = None
    taken: Clause | None = None
    for step in policy.hours:
        before: Clause | None = None
        match step:
            case RoundTime() | LimitTime() | AddTime() | DeductTime() | CountsAs() | Minimum():
                changed = changed or step.clause
            case NoOverlap():
                before, taken = changed, taken or step.clause
            case Split():
                before = changed or taken
        if before is not None:
            yield Problem("P318", step.clause.location, (("id", step.clause.id), ("other", before.id)))


def points_order(policy: Policy) -> Iterator[Problem]:
    """One rounding of points before any limit on points, and before the end: a file that leaves it open is refused."""
    exact: Clause | None = None  # the step since which amounts may be fractions of a hundredth
    for step in policy.earning:
        if isinstance(step, RoundPoints):
            # A rounding of some records leaves the others as they are.
            exact = None if step.when is None else exact
        elif isinstance(step, LimitPoints | LimitStep | LimitShare | Floor) and exact is not None:
            yield Problem("P319", step.clause.location, (("id", step.clause.id), ("other", exact.id)))
        elif _makes_fractions(step):
            exact = step.clause
    if exact is not None:
        yield Problem("P320", exact.location, (("id", exact.id),))


def limits_before_points(policy: Policy) -> Iterator[Problem]:
    """What limits the points of records, or of one statement, comes after it: before it there is nothing to take."""
    earned = False
    before: list[str] = []
    for step in policy.earning:
        if isinstance(step, LimitRecords) and not earned:
            yield Problem("P332", step.clause.location, (("id", step.clause.id),))
        if isinstance(step, LimitStep) and step.of not in before:
            details = (("id", step.clause.id), ("of", step.of), ("known", ", ".join(before)))
            yield Problem("P333", step.clause.location, details)
        if isinstance(step, PointsPerHour | PointsPerEvent | Add | Brackets | Bands):
            before.append(step.clause.id)
        earned = earned or isinstance(step, PointsPerHour | PointsPerEvent | Add | Brackets | Bands)


def _makes_fractions(step: EarningStep) -> bool:
    match step:
        case PointsPerHour() | Multiply():
            return True
        case PointsPerEvent() | Add():
            return not all(_whole_hundredths(table) for table in step.rates.tables)
        case Brackets(part=LastBlock.COUNTED):
            return True
        case Brackets() | Bands():
            steps = (one for entry in step.steps.entries for one in entry.value)
            return not all((one.points * HUNDREDTHS).denominator == 1 for one in steps)
        case _:
            return False


def _whole_hundredths(table: Table) -> bool:
    values = (entry.value for cell in table.cells.values() for entry in cell.value.entries)
    return all((value * HUNDREDTHS).denominator == 1 for value in values)


def points_without_measure(policy: Policy) -> Iterator[Problem]:
    """What one record of a whole day could earn at the most has a bound: a limit, or modest numbers."""
    most = Fraction(0)
    for step in policy.earning:
        match step:
            case PointsPerHour():
                most += _largest(step.rates) * RECORD_HOURS_MAX
            case PointsPerEvent() | Add():
                most += _largest(step.rates)
            case Brackets() | Bands():
                most += _most_of_a_scale(step)
            case Multiply():
                factor = _largest(step.rates)
                most *= max(factor, Fraction(1)) if step.when is not None else factor
            case LimitPoints() if step.when is None:
                most = min(most, Fraction(max(entry.value for entry in step.at_most.entries), HUNDREDTHS))
        if most > RECORD_POINTS_MAX:
            details = (("id", step.clause.id), ("most", str(int(most))), ("bound", str(RECORD_POINTS_MAX)))
            yield Problem("P219", step.clause.location, details)
            return


def _largest(rates: Rates) -> Fraction:
    most = [_largest_in(table) for table in rates.tables]
    match rates.combine:
        case Combine.SUM:
            return sum(most, Fraction(0))
        case Combine.PRODUCT:
            product = Fraction(1)
            for factor in most:
                product *= max(factor, Fraction(1))
            return product
        case _:
            return max(most)


def _largest_in(table: Table) -> Fraction:
    return max((entry.value for cell in table.cells.values() for entry in cell.value.entries), default=Fraction(0))


def _most_of_a_scale(step: Brackets | Bands) -> Fraction:
    """Return the most points that one record can add to a scale."""
    if isinstance(step, Bands):
        return max(band.points for entry in step.steps.entries for band in entry.value)
    most = Fraction(0)
    for entry in step.steps.entries:
        if step.of == HOURS:
            blocks = max(bracket.points * (RECORD_HOURS_MAX * 3600 // bracket.every + 1) for bracket in entry.value)
            most = max(most, blocks)
        else:
            end = entry.value[-1].up_to or 0  # without an end, which the file then says, nothing bounds it
            most = max(most, Fraction(bracket_points(entry.value, LastBlock.COUNTED, end)) / HUNDREDTHS)
    return most
