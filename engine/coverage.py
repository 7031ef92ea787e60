"""How much of a policy its cases prove: the clauses that they touch, and both sides of every boundary of its own layer.

A boundary is where the answer changes: an ordered comparison in a condition (one for each value over the years), a
limit, a minimum, the edge of a bracket or a band. A side is proven when some case asked with a value and the relation
held, the other when some case asked and it did not. A missing value proves neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from lianxing.engine.boundaries import Boundary, Stretch, boundaries
from lianxing.engine.calendars import WorkingCalendar
from lianxing.engine.cases import CaseResult, run_case, untouched
from lianxing.engine.quotients import Beside, Quotient, Threshold, holds
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.cases import Case
from lianxing.rules.facts import Fact, FactValue
from lianxing.rules.places import Clause, Location


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


class _Watch:
    """Notes, while cases run, on which side of each boundary they came to lie."""

    def __init__(self, rulebook: Rulebook) -> None:
        self._first_day = rulebook.policy.county.in_force_from
        self._calendar = rulebook.calendar
        standing = boundaries(rulebook)
        self._asking: dict[str, list[Stretch]] = {}
        for stretch in standing:
            self._asking.setdefault(stretch.boundary.ruleset, []).append(stretch)
        self.boundaries = tuple(dict.fromkeys(stretch.boundary for stretch in standing))
        self._asked: set[Side] = set()
        self._compared: set[tuple[Location, bool]] = set()

    def asked(self, ruleset: str, day: date, values: Mapping[str, FactValue | Quotient]) -> None:
        day = max(day, self._first_day)
        for stretch in self._asking.get(ruleset, ()):
            answer = (
                _answer(stretch.boundary, values, self._calendar) if stretch.since <= day < stretch.before else None
            )
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


def _answer(
    boundary: Boundary, values: Mapping[str, FactValue | Quotient], calendar: WorkingCalendar
) -> int | bool | None:
    name, operator, operand = boundary.fact.name, boundary.operator, boundary.operand
    if isinstance(operand, Fact):
        return Beside("", name, operator, operand.name, boundary.plus).asked(values, calendar)
    value = values.get(name)
    assert isinstance(operand, int)
    if isinstance(value, Quotient):
        return Threshold("", name, operator, operand).answer(value)
    return holds(operator, value, operand) if isinstance(value, int) else None
