"""What every export looks like once it is open: headings, and rows of text with the numbers a spreadsheet shows."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Context, Decimal
from typing import NamedTuple

from lianxing.plugins.registries.reasons import ExportError, Note

HEADING_CHARACTERS_MAX = 80

# A spreadsheet keeps and shows 15 significant digits; what a float carries beyond them (0.1 + 0.2) nobody typed.
_AS_SHOWN = Context(prec=15)


class Row(NamedTuple):
    """One row under the headings, a text per heading. With a `reason` it could not be cut into cells properly."""

    number: int
    cells: Sequence[str]
    reason: str = ""
    details: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """An open export. Its headings are row 1 where nothing stands above them; `rows` can be run through once."""

    source: str
    headings: tuple[str, ...]
    rows: Iterator[Row]
    notes: tuple[Note, ...] = ()


def headings_of(source: str, cells: Sequence[str]) -> tuple[str, ...]:
    """Return the headings normalised and trimmed; unnamed columns at the end are dropped, two of a name refused."""
    headings = [" ".join(unicodedata.normalize("NFKC", cell).split())[:HEADING_CHARACTERS_MAX] for cell in cells]
    while headings and not headings[-1]:
        headings.pop()
    if not headings:
        raise ExportError(source, "no_headings")
    first: dict[str, int] = {}
    for index, heading in enumerate(headings):
        if heading and heading in first:
            raise ExportError(
                source,
                "duplicate_heading",
                first=column_letter(first[heading]),
                second=column_letter(index),
                heading=heading,
            )
        first[heading] = index
    return tuple(headings)


def row_of(number: int, cells: Sequence[str], width: int) -> Row:
    """Return the row; too long or too short is ragged, but empty cells beyond the last heading are nothing.

    >>> row_of(2, ["a", "b", ""], 2)
    Row(number=2, cells=['a', 'b'], reason='', details=())
    >>> row_of(2, ["a"], 2).reason
    'ragged_row'
    """
    count = len(cells)
    if count == width:
        return Row(number, cells)
    if count > width and not any(cell.strip() for cell in cells[width:]):
        return Row(number, cells[:width])
    return Row(number, cells, "ragged_row", (("cells", str(count)), ("headings", str(width))))


def is_blank(row: Row) -> bool:
    """Tell whether nobody wrote anything in the row."""
    return not any(row.cells) or not any(cell.strip() for cell in row.cells)


def column_letter(index: int) -> str:
    """Return the letter over a column, counted from 0.

    >>> column_letter(0), column_letter(25), column_letter(26)
    ('A', 'Z', 'AA')
    """
    letters = ""
    index += 1
    while index:
        index, letter = divmod(index - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters


def number_text(written: str) -> str:
    """Return the shortest spelling of a number that arrived as a float, as a spreadsheet shows it, without exponent.

    What is no number (nan, inf) stays as it is written, so that the row is set aside by the column that needs it.

    >>> number_text(repr(2.0)), number_text(repr(0.1 + 0.2)), number_text(repr(1e16)), number_text("nan")
    ('2', '0.3', '10000000000000000', 'nan')
    """
    value = Decimal(written)
    if not value.is_finite():
        return written
    return plain_decimal(_AS_SHOWN.plus(value))


def plain_decimal(value: Decimal) -> str:
    """Return a decimal without exponent and without zeros that say nothing.

    >>> plain_decimal(Decimal("2.50")), plain_decimal(Decimal("1E+3")), plain_decimal(Decimal("-0.0"))
    ('2.5', '1000', '0')
    """
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def clock_text(length: timedelta) -> str:
    """Return a length of time as hours, minutes and seconds, which is read back whatever the registry's unit is.

    >>> clock_text(timedelta(hours=26, minutes=5)), clock_text(timedelta(minutes=-90))
    ('26:05:00', '-1:30:00')
    """
    seconds = abs(length) // timedelta(seconds=1)
    return f"{'-' if length < timedelta() else ''}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
