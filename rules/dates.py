"""Values with the day on which they came into force: the old number stays, history is not edited."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

from lianxing.rules.places import Location

T = TypeVar("T")

BEGINNING = date.min


@dataclass(frozen=True, slots=True)
class Since(Generic[T]):
    """A value, the day from which it holds, and the line that says so."""

    day: date
    value: T
    location: Location


@dataclass(frozen=True, slots=True)
class Dated(Generic[T]):
    """A value over time; an undated one holds from the beginning. Entries ascend by day and are never empty."""

    entries: tuple[Since[T], ...]

    def since(self, day: date) -> Since[T]:
        """Return the entry in force on `day`; before the first one there are no rules, and the first one answers.

        The chapter check refuses a first value that comes later than the rules that it belongs to.
        """
        entries = self.entries
        if len(entries) == 1:
            return entries[0]
        return entries[max(bisect_right(entries, day, key=lambda entry: entry.day) - 1, 0)]

    def on(self, day: date) -> T:
        """Return the value in force on `day`."""
        return self.since(day).value

    @property
    def days(self) -> tuple[date, ...]:
        """The days on which the value changes, the beginning left out."""
        return tuple(entry.day for entry in self.entries if entry.day != BEGINNING)


def always(value: T, location: Location) -> Dated[T]:
    """Return a value that never changed."""
    return Dated((Since(BEGINNING, value, location),))
