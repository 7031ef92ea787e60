"""What a window holds, the earliest first: as a queue, and by columns as plain data.

A window that looks back over a year holds hundreds of days, of which one record asks for the earliest and the latest. A
queue that comes from plain data reads those; the ones between are read when their turn comes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import repeat
from typing import Any

from lianxing.engine.freezing import amount_data, whole_of
from lianxing.rules.facts import FactValue

# What records give to a measure: the day, the amount, the value of the fact by which they are told apart, how many.
Seen = tuple[date, int, FactValue, int]
Columns = tuple[Sequence[str], Sequence[int | str], Sequence[FactValue], Sequence[int]]

_FEW = 3


class Held(deque[Seen]):
    """A queue of which, after the first entry, the ones from `_start` to `_stop` may still be columns."""

    __slots__ = ("_columns", "_start", "_stop")

    def __init__(self, data: Sequence[Any]) -> None:
        """Take up what `columns_of` returned."""
        days, amounts, keys, counts = data
        self._columns: Columns = (days, amounts, keys, counts)
        self._start = self._stop = 0
        if len(days) <= _FEW:
            super().__init__(_rows(self._columns, 0, len(days)))
        else:
            super().__init__((self._row(0), self._row(len(days) - 1)))
            self._start, self._stop = 1, len(days) - 1

    def popleft(self) -> Seen:
        first = super().popleft()
        if self._start < self._stop:
            self.appendleft(self._row(self._start))
            self._start += 1
        return first

    def pop(self) -> Seen:  # type: ignore[override]
        self._read()
        return super().pop()

    def clear(self) -> None:
        super().clear()
        self._start = self._stop = 0

    def __iter__(self) -> Iterator[Seen]:
        self._read()
        return super().__iter__()

    def columns(self) -> list[Sequence[Any]]:
        """Return all of it by columns, without reading what is still in columns."""
        if self._start == self._stop:
            return columns_of(self)
        first = self[0]
        later = [self[at] for at in range(1, len(self))]
        between = [column[self._start : self._stop] for column in self._columns]
        keys = between[2] or [""] * (self._stop - self._start)
        told = [first[2], *keys, *(seen[2] for seen in later)]
        return [
            [first[0], *between[0], *(seen[0] for seen in later)],
            [amount_data(first[1]), *between[1], *(amount_data(seen[1]) for seen in later)],
            told if between[2] or any(key != "" for key in (first[2], *(seen[2] for seen in later))) else (),
            [first[3], *between[3], *(seen[3] for seen in later)],
        ]

    def _row(self, at: int) -> Seen:
        days, amounts, keys, counts = self._columns
        return date.fromisoformat(days[at]), whole_of(amounts[at]), keys[at] if keys else "", counts[at]

    def _read(self) -> None:
        """Read what is still in columns."""
        if self._start < self._stop:
            first = super().popleft()
            self.extendleft(reversed([*_rows(self._columns, self._start, self._stop)]))
            self.appendleft(first)
            self._start = self._stop = 0


def columns_of(seen: deque[Seen]) -> list[Sequence[Any]]:
    """Return what is held by columns: days, amounts, keys where there are any, numbers."""
    if not seen:
        return []
    days, amounts, keys, counts = zip(*seen, strict=True)
    return [days, [*map(amount_data, amounts)], keys if any(key != "" for key in keys) else (), counts]


def held_of(data: Sequence[Any]) -> deque[Seen]:
    """Return the queue of which `columns_of` made these columns."""
    return Held(data) if data else deque()


def frozen_of(held: deque[Seen]) -> list[Sequence[Any]]:
    """Return a queue by columns, however it was made."""
    return held.columns() if isinstance(held, Held) else columns_of(held)


def _rows(columns: Columns, start: int, stop: int) -> Iterator[Seen]:
    days, amounts, keys, counts = columns
    told = keys[start:stop] or repeat("", stop - start)
    in_order = map(date.fromisoformat, days[start:stop]), map(whole_of, amounts[start:stop]), told, counts[start:stop]
    yield from zip(*in_order, strict=True)
