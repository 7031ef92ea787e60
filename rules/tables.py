"""Tables: a value looked up by one or several facts, inline or from a CSV file beside the chapter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from fractions import Fraction

from lianxing.rules.dates import Dated, Since
from lianxing.rules.facts import FactValue
from lianxing.rules.places import Location


class Other(Enum):
    """The two rows of a table that name no value."""

    DEFAULT = "default"  # any value that has no row of its own
    MISSING = "missing"  # the fact is missing


Key = FactValue | Other


@dataclass(frozen=True, slots=True)
class Cell:
    """What a table says for one combination of keys, and where; after `until` (inclusive) it says nothing."""

    value: Dated[Fraction]
    location: Location
    until: date | None = None

    def since(self, day: date) -> Since[Fraction] | None:
        """Return the number in force on `day`, None on a day that the table leaves out."""
        if self.until is not None and day > self.until:
            return None
        return None if day < self.value.entries[0].day else self.value.since(day)


@dataclass(frozen=True, slots=True)
class Table:
    """Exact numbers by the values of the facts `by`; without facts it is one number.

    A key that has no row of its own takes `default`; a missing fact takes `missing`, else `default`.
    """

    by: tuple[str, ...]
    cells: Mapping[tuple[Key, ...], Cell]
    location: Location

    def cell(self, keys: tuple[FactValue | None, ...]) -> Cell | None:
        """Return the cell for these values (None is a missing fact), None when the table does not say."""
        exact = self.cells.get(tuple(Other.MISSING if key is None else key for key in keys))
        if exact is not None or not self.by:
            return exact
        return self._nearest(keys, ())

    def _nearest(self, keys: tuple[FactValue | None, ...], chosen: tuple[Key, ...]) -> Cell | None:
        # Earlier keys bind harder: an own row for the first key wins over an own row for the second.
        if len(chosen) == len(keys):
            return self.cells.get(chosen)
        key = keys[len(chosen)]
        for candidate in (Other.MISSING if key is None else key, Other.DEFAULT):
            found = self._nearest(keys, (*chosen, candidate))
            if found is not None:
                return found
        return None
