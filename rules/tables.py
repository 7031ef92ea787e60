"""Tables: a value looked up by one or several facts, inline or from a CSV file beside the chapter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from fractions import Fraction
from itertools import product

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

    def cells_for(self, keys: tuple[FactValue | None, ...]) -> Iterator[Cell]:
        """Yield the cells that speak of these values (None is a missing fact), the nearest first.

        Earlier keys bind harder: an own row for the first key comes before an own row for the second.
        """
        for chosen in product(*((Other.MISSING if key is None else key, Other.DEFAULT) for key in keys)):
            cell = self.cells.get(chosen)
            if cell is not None:
                yield cell

    def since(self, keys: tuple[FactValue | None, ...], day: date) -> Since[Fraction] | None:
        """Return the number for these values on a day; a row that has run out leaves it to the next nearest.

        None when the table does not say.
        """
        if len(keys) == 1:  # most tables are asked by one fact, for every record
            own = self.cells.get((Other.MISSING if keys[0] is None else keys[0],))
            found = None if own is None else own.since(day)
            if found is not None:
                return found
        for cell in self.cells_for(keys):
            found = cell.since(day)
            if found is not None:
                return found
        return None
