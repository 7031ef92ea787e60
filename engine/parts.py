"""A record on its way through the steps: its parts, and what the steps have noted about it so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from lianxing.engine.observing import Observer
from lianxing.rules.assessments import NO_RATE, Operand, Refusal, Working
from lianxing.rules.facts import FactValue
from lianxing.rules.places import Clause, Location

Amount = int | Fraction  # what is whole is an int where it can be: it is many times as fast
Group = tuple[str, str]  # a record by its registry and id
Stretch = tuple[int, int]  # two instants

SECONDS = "seconds"
POINTS = "points"


def quotient(numerator: int, denominator: int) -> Amount:
    """Return a quotient exactly, as a whole number where it is one.

    >>> quotient(12, 4), quotient(7, 2)
    (3, Fraction(7, 2))
    """
    whole, rest = divmod(numerator, denominator)
    return Fraction(numerator, denominator) if rest else whole


@dataclass(slots=True)
class Part:
    """A stretch of a record on one day. `seconds` is what counts as service; `basis` is the time that earns points."""

    index: int
    day: date
    started_at: int
    ended_at: int
    seconds: int
    group: Group  # the record that it counts with, for steps per record; an overlap may merge several
    matched: frozenset[str]
    facts: Mapping[str, FactValue]
    ruled_on: date  # its day, or the first day of the rules where earlier service counts by them
    basis: int = 0
    points: Amount = 0
    refused: bool = False
    unpriced: bool = False  # a table does not say what it earns: its time counts, its points do not
    gains: dict[str, Amount] = field(default_factory=dict)  # by statement: what it added, times the factors since
    hoursless: Clause | None = None  # the clause by which its time is no service time
    breaks: tuple[Stretch, ...] = ()  # beside it, where nothing was served: it earns nothing and is not free either

    @property
    def interval(self) -> int:
        """The seconds between its start and its end."""
        return self.ended_at - self.started_at

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """The time that it takes up, its breaks included."""
        return ((self.started_at, self.ended_at), *self.breaks)


@dataclass(slots=True)
class Outcome:
    """What the steps have noted about one record; `passed` is what its parts have got at a limit on a balance."""

    workings: list[Working] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    passed: dict[str, Amount] = field(default_factory=dict)
    observer: Observer | None = None

    def note(
        self, clause: Clause, part: Part, operation: str, unit: str, before: Amount, after: Amount, **operands: Operand
    ) -> None:
        self.workings.append(Working(clause.id, part.index, operation, unit, before, after, tuple(operands.items())))

    def compared(self, at: Location, holds: bool) -> None:
        """Tell whoever observes that an amount was held against the limit or edge at this place."""
        if self.observer is not None:
            self.observer.compared(at, holds)

    def refuse(self, clause: Clause, part: Part, reason: str, **details: str) -> None:
        part.refused = True
        self.refusals.append(Refusal(clause.id, part.index, reason, tuple(details.items())))

    def refuse_price(self, clause: Clause, part: Part, keys: str) -> None:
        part.unpriced = True
        self.refusals.append(Refusal(clause.id, part.index, NO_RATE, (("keys", keys),)))
