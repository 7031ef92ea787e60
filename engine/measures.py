"""Measures as running totals: each counted record goes in once, in order; a window lets the old ones go."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from lianxing.engine.quotients import Quotient
from lianxing.engine.rulebook import SHARE, WHERE, MeasureValue
from lianxing.rules.facts import FactValue
from lianxing.rules.measures import HOURS, POINTS, Measure, Total
from lianxing.rules.policy import Policy


@dataclass
class _Running:
    """One measure's total over what its window still holds."""

    measure: Measure
    sum: int = 0
    count: int = 0
    held: deque[tuple[date, int]] = field(default_factory=deque)

    def add(self, day: date, amount: int) -> None:
        self.let_go(day)
        self.sum += amount
        self.count += 1
        if self.measure.window.calendar is not None or self.measure.window.rolls:
            self.held.append((day, amount))

    def let_go(self, day: date) -> None:
        """Drop what the window no longer holds; days never go back, so a queue is enough."""
        while self.held and not self.measure.window.holds(self.held[0][0], day):
            self.sum -= self.held.popleft()[1]
            self.count -= 1

    def value(self, day: date) -> MeasureValue:
        self.let_go(day)
        match self.measure.total:
            case Total.SUM:
                return self.sum
            case Total.COUNT:
                return self.count
            case _:
                return Quotient(self.sum, self.count)


class Totals:
    """Every measure of a policy for one person, as records are counted in order."""

    def __init__(self, policy: Policy) -> None:
        self._running = {measure.clause.id: _Running(measure) for measure in policy.measures}

    def add(
        self, day: date, seconds: int, points: int, facts: Mapping[str, FactValue], matched: frozenset[str]
    ) -> None:
        """Count a record that was not refused; `matched` are the measures' conditions that hold for it."""
        for id, running in self._running.items():
            measure = running.measure
            if measure.where is not None and id + WHERE not in matched:
                continue
            amount = _amount(measure, seconds, points, facts, id + SHARE in matched)
            if amount is not None:
                running.add(day, amount)

    def on(self, day: date) -> dict[str, MeasureValue]:
        """Return every measure as it stands on a day not before the last record counted."""
        return {id: running.value(day) for id, running in self._running.items()}


def _amount(measure: Measure, seconds: int, points: int, facts: Mapping[str, FactValue], shares: bool) -> int | None:
    match measure.total:
        case Total.COUNT:
            return 1
        case Total.SHARE:
            return int(shares)
        case _ if measure.of == HOURS:
            return seconds
        case _ if measure.of == POINTS:
            return points
        case _:
            value = facts.get(measure.of)
            return value if isinstance(value, int) else None
