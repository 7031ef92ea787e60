"""Exports as Excel workbooks, streamed by openpyxl, whose only importer this is.

Its surprises: the size that a workbook states about a sheet is often wrong (one cell instead of thousands) and has to
be forgotten before reading; rows come shorter than the headings; a day without a time is a midnight and only the
cell's format tells which; whole numbers may be floats; a formula is read as the value that the spreadsheet last saw.
"""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, BinaryIO
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook
from openpyxl.styles.numbers import is_datetime
from openpyxl.utils.exceptions import InvalidFileException

from lianxing.plugins.registries.reasons import ExportError
from lianxing.plugins.registries.sheets import (
    Row,
    Sheet,
    clock_text,
    headings_of,
    number_text,
    plain_decimal,
    row_of,
)

UNPACKED_BYTES_MAX = 1 << 30

_BROKEN = (zipfile.BadZipFile, InvalidFileException, ParseError, KeyError, ValueError, TypeError, OSError, EOFError)


def open_xlsx(file: BinaryIO, source: str, sheet: str = "") -> Sheet:
    """Return the named sheet of a workbook, or its first; the file stays open as long as the rows are wanted."""
    try:
        with zipfile.ZipFile(file) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > UNPACKED_BYTES_MAX:
                raise ExportError(source, "workbook_too_large", megabytes_max=str(UNPACKED_BYTES_MAX >> 20))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles and extensions that do not touch the cells
            workbook = load_workbook(file, read_only=True, data_only=True, keep_links=False)
    except ExportError:
        raise
    except _BROKEN as error:
        raise ExportError(source, "broken_workbook") from error
    sheets = [found for found in workbook.worksheets if not sheet or found.title == sheet]
    if not sheets:
        raise ExportError(source, "no_such_sheet", sheet=sheet)
    found: Any = next((found for found in sheets if found.sheet_state == "visible"), sheets[0])
    found.reset_dimensions()
    lines = _lines(found, source)
    number, cells = next(lines, (0, []))
    while number and not any(cells):
        number, cells = next(lines, (0, []))
    headings = headings_of(source, cells)
    return Sheet(source, headings, _rows(lines, len(headings)))


def _lines(sheet: Any, source: str) -> Iterator[tuple[int, list[str]]]:
    rows = sheet.iter_rows()
    number = 0
    while True:
        number += 1
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about days that no calendar knows: they arrive as #VALUE!
                cells = [_text_of(cell) for cell in next(rows)]
        except StopIteration:
            return
        except _BROKEN as error:
            raise ExportError(source, "broken_workbook") from error
        yield number, cells


def _rows(lines: Iterator[tuple[int, list[str]]], width: int) -> Iterator[Row]:
    for number, cells in lines:
        if len(cells) < width:
            cells += [""] * (width - len(cells))
        yield row_of(number, cells, width)


def _text_of(cell: Any) -> str:
    value = cell.value
    if value is None:
        return ""
    match value:
        case str():
            return value
        case bool():
            return "yes" if value else "no"
        case int():
            return str(value)
        case float():
            return number_text(repr(value))
        case Decimal():
            return plain_decimal(value)
        case datetime():
            if value.time() == time() and is_datetime(cell.number_format) == "date":
                return value.date().isoformat()
            return value.isoformat(sep=" ")
        case date() | time():
            return value.isoformat()
        case timedelta():
            return clock_text(value)
        case _:
            return str(value)
