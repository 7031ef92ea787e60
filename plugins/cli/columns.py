"""Rows in columns, as wide as what stands in them; where a terminal is narrower, the widest cells are folded.

A work list may have tens of thousands of rows: the tables of `rich` take ten seconds before the first of them is seen.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence, Set
from itertools import zip_longest

import click
from rich.cells import cell_len, chop_cells

_GAP = 3  # between two columns
_NARROWEST = 4  # of a column that is folded


def columns_of_terminal() -> int | None:
    """Return how wide the terminal is; None in a pipe, where no place is ever folded: a program may look for it."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def in_columns(
    headings: Sequence[str], rows: Sequence[Sequence[str]], right: Set[int], columns: int | None
) -> Iterator[str]:
    """Yield the lines of a table; `right` are the columns of numbers.

    >>> list(in_columns(("what", "rows"), [("录入", "2"), ("b", "10")], {1}, None))
    ['              ', ' what   rows  ', ' ─────────── ', ' 录入      2  ', ' b        10  ', '              ']
    """
    natural = [max(map(cell_len, column)) for column in zip(headings, *rows, strict=True)]
    widths = natural if columns is None else narrowed(natural, columns)
    rule = sum(widths) + _GAP * (len(widths) - 1)
    edge = " " * (rule + 2)
    yield edge
    yield from (click.style(line, bold=True) for line in _lines(headings, widths, right))
    yield f" {'─' * rule} "
    for row in rows:
        yield from _lines(row, widths, right)
    yield edge


def narrowed(widths: Sequence[int], columns: int) -> list[int]:
    """Return the widths with the widest made narrower until all fit, as far as that goes."""
    left = list(widths)
    over = sum(left) + _GAP * (len(left) - 1) + 2 - columns
    while over > 0 and max(left) > _NARROWEST:
        left[left.index(max(left))] -= 1
        over -= 1
    return left


def _lines(cells: Sequence[str], widths: Sequence[int], right: Set[int]) -> Iterator[str]:
    folded = [
        [cell] if cell_len(cell) <= width else chop_cells(cell, width)
        for cell, width in zip(cells, widths, strict=True)
    ]
    for parts in zip_longest(*folded, fillvalue=""):
        padded = [
            f"{' ' * (width - cell_len(part))}{part}" if index in right else f"{part}{' ' * (width - cell_len(part))}"
            for index, (part, width) in enumerate(zip(parts, widths, strict=True))
        ]
        yield f" {(' ' * _GAP).join(padded)} "
