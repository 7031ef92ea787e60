"""Exports as CSV: commas, tabs or semicolons; UTF-8, or the GBK that a county's spreadsheet saves.

Three traps. A quotation mark that is never closed swallows the rest of the file, so a row over several lines that does
not fit the headings gives up its first line only, and reading goes on with its second. Almost any bytes are *some*
GB18030 text, so a file with one damaged byte is not GBK yet: what most of its characters are decides. And the csv
module's limit on a cell belongs to the whole process: lines are kept below it here instead of raising it for everybody.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import deque
from collections.abc import Iterator
from typing import BinaryIO

from lianxing.plugins.registries.reasons import ExportError, Note
from lianxing.plugins.registries.sheets import Row, Sheet, headings_of, row_of

LINE_CHARACTERS_MAX = 131_000
LINES_PER_ROW_MAX = 200

_CHUNK_BYTES = 1 << 20
_DELIMITERS = ",\t;"
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_REPLACED = "\ufffd"


def open_csv(file: BinaryIO, source: str) -> Sheet:
    """Return the sheet in a CSV file, which stays open as long as its rows are wanted."""
    encoding, damaged = _encoding_of(file)
    file.seek(0)
    lines = _Lines(io.TextIOWrapper(file, encoding=encoding, errors="replace", newline=""))
    number = 0
    heading_line = ""
    for heading_line in lines:
        number += 1
        if heading_line.strip():
            lines.push_back()
            break
        lines.taken.clear()
    if not heading_line.strip():
        raise ExportError(source, "no_headings")
    records = _records(lines, _delimiter_of(heading_line), number)
    headings = headings_of(source, next(records).cells)
    name = encoding.removesuffix("-sig").upper()
    notes = []
    if name != "UTF-8":
        notes.append(Note("encoding", (("source", source), ("encoding", name))))
    if damaged:
        notes.append(Note("damaged_text", (("source", source), ("encoding", name))))
    return Sheet(source, headings, _rows(records, lines, len(headings)), tuple(notes))


class _Lines:
    """The lines of a file, remembering those that the row in hand has taken so that they can be given back."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text  # closing is left to whoever opened the file
        self._readline = text.readline
        self._waiting: deque[str] = deque()
        self.taken: list[str] = []
        self.cut_short = False  # the row in hand wanted more lines than there are, or than one row may have

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if len(self.taken) >= LINES_PER_ROW_MAX:
            self.cut_short = True
            raise StopIteration
        line = self._waiting.popleft() if self._waiting else self._readline(LINE_CHARACTERS_MAX)
        if not line:
            self.cut_short = bool(self.taken)
            raise StopIteration
        self.taken.append(line)
        return line

    def push_back(self, kept: int = 0) -> None:
        """Give back all but the first `kept` lines of the row in hand."""
        self._waiting.extendleft(reversed(self.taken[kept:]))
        del self.taken[kept:]

    def skip_rest_of_line(self) -> bool:
        """Drop what is left of the row's first line if that line was too long; tell whether it was."""
        if len(self.taken[0]) < LINE_CHARACTERS_MAX or self.taken[0].endswith(("\n", "\r")):
            return False
        self.push_back(1)
        while True:
            rest = self._waiting.popleft() if self._waiting else self._readline(LINE_CHARACTERS_MAX)
            if not rest or rest.endswith(("\n", "\r")):
                return True

    def first_line_only(self) -> list[str]:
        """Return the row's first line as its only cell and give the others back."""
        self.push_back(1)
        return [self.taken[0].rstrip("\r\n")]


def _records(lines: _Lines, delimiter: str, number: int) -> Iterator[Row]:
    """Yield what the csv module makes of the lines, numbered; whoever receives a row may give lines of it back."""
    reader = csv.reader(lines, delimiter=delimiter)
    while True:
        lines.taken.clear()
        lines.cut_short = False
        runs_on = False
        cells: list[str] = []
        try:
            cells = next(reader)
        except StopIteration:
            if not lines.taken:
                return
        except csv.Error:  # a cell over so many lines that it exceeds the module's limit
            runs_on = True
        if lines.skip_rest_of_line():
            yield Row(number, lines.first_line_only(), "line_too_long", (("characters_max", str(LINE_CHARACTERS_MAX)),))
        elif runs_on or lines.cut_short:
            yield Row(number, lines.first_line_only(), "open_quote")
        else:
            yield Row(number, cells)
        number += 1


def _rows(records: Iterator[Row], lines: _Lines, width: int) -> Iterator[Row]:
    for record in records:
        if record.reason or not record.cells or len(record.cells) == width:
            yield record
        else:
            row = row_of(record.number, record.cells, width)
            if row.reason and len(lines.taken) > 1:
                row = Row(record.number, lines.first_line_only(), "open_quote")
            yield row


def _encoding_of(file: BinaryIO) -> tuple[str, bool]:
    """Return how the text is encoded, and whether some bytes of it are damaged all the same."""
    head = file.read(4)
    for mark, encoding in _BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return encoding, _characters(file, encoding)[1] > 0
    other, replaced = _characters(file, "utf-8")
    if other >= replaced:
        return "utf-8", replaced > 0
    return "gb18030", _characters(file, "gb18030")[1] > 0


def _characters(file: BinaryIO, encoding: str) -> tuple[int, int]:
    """Count the characters outside ASCII that the bytes hold in this encoding, and those that they fail to be."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    outside = replaced = 0
    file.seek(0)
    while True:
        chunk = file.read(_CHUNK_BYTES)
        text = decoder.decode(chunk, final=not chunk)
        if not text.isascii():
            outside += len(text) - len(text.encode("ascii", "ignore"))
            replaced += text.count(_REPLACED)
        if not chunk:
            return outside - replaced, replaced


def _delimiter_of(heading_line: str) -> str:
    """Return the delimiter that stands most often outside quotation marks.

    >>> _delimiter_of('"a;b"\\tc\\td')
    '\\t'
    """
    outside = re.sub(r'"[^"]*"?', "", heading_line)
    return max(_DELIMITERS, key=outside.count)
