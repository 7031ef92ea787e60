"""The set-aside file: every row that did not go in, with the reason, ready to be mended in a spreadsheet.

It holds the rows as they were, so it may hold personal data: only its owner may read it. It appears under its name
when it is complete, or not at all.
"""

from __future__ import annotations

import csv
import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from lianxing.plugins.registries.reasons import ExportError, sentence
from lianxing.rules.places import Language
from lianxing.rules.records import SetAside

COLUMNS = ("source", "row", "heading", "reason", "sentence")
CELL_CHARACTERS_MAX = 32_000  # a spreadsheet's cell ends at 32,767

# What a spreadsheet takes for a formula, half-width or full-width, also behind blanks that it trims.
_FORMULA = re.compile(r"\s*[=+\-@\t\r＝＋－＠]")
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class SetAsideFile:
    """Takes the rows one by one: `with SetAsideFile(path, "zh") as file: file.add(row)`. No rows, no file."""

    def __init__(self, path: Path, language: Language) -> None:
        self._path = path
        self._language = language
        self._headings: dict[str, int] = {}
        self.rows = 0

    def __enter__(self) -> SetAsideFile:
        if (self._path.exists() or self._path.is_symlink()) and not self._is_ours():
            raise ExportError(str(self._path), "not_a_set_aside_file")
        # mkstemp: readable by its owner only, in the same folder so that the renaming is one step.
        self._waiting_path = _temporary(self._path)
        self._waiting = self._waiting_path.open("w+", encoding="utf-8", errors="replace", newline="")
        self._writer = csv.writer(self._waiting)
        return self

    def add(self, row: SetAside) -> None:
        """Write one row: where it stood, why, and its own cells."""
        for heading in row.content:
            self._headings.setdefault(heading, len(self._headings))
        own = [""] * len(self._headings)
        for heading, text in row.content.items():
            own[self._headings[heading]] = harmless(text)
        place = (row.source, str(row.row), row.heading, row.reason, sentence(row, self._language))
        self._writer.writerow([harmless(text) for text in place] + own)
        self.rows += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and self.rows:
                self._finish()
            elif kind is None:
                self._remove_older()
        finally:
            self._waiting.close()
            self._waiting_path.unlink(missing_ok=True)

    def _remove_older(self) -> None:
        """Take away what an earlier run set aside at this place: it would look as if it were of this one."""
        with suppress(OSError):
            if self._is_ours():
                self._path.unlink()

    def _is_ours(self) -> bool:
        """Tell whether a file of an earlier run stands at the path: a ledger or an export is never written over."""
        if self._path.is_symlink() or not self._path.is_file():
            return False
        with self._path.open("rb") as file:
            return file.readline(200).startswith(b"\xef\xbb\xbf" + ",".join(COLUMNS).encode())

    def _finish(self) -> None:
        """Put the headings, known only now, before the rows, fill these up, and let the file appear."""
        finished = _temporary(self._path)
        try:
            with finished.open("w", encoding="utf-8-sig", newline="") as file:
                writer = csv.writer(file)
                writer.writerow([*COLUMNS, *(harmless(heading) for heading in self._headings)])
                self._waiting.seek(0)
                width = len(COLUMNS) + len(self._headings)
                for cells in csv.reader(self._waiting):
                    writer.writerow(cells + [""] * (width - len(cells)))
                file.flush()
                os.fsync(file.fileno())
            os.replace(finished, self._path)
        finally:
            finished.unlink(missing_ok=True)


def harmless(text: str) -> str:
    """Return the text so that no spreadsheet calculates it.

    >>> harmless("=HYPERLINK(1)"), harmless("  @SUM(1)"), harmless("a=b")
    ("'=HYPERLINK(1)", "'  @SUM(1)", 'a=b')
    """
    text = _UNWRITABLE.sub("\ufffd", text[:CELL_CHARACTERS_MAX])
    return f"'{text}" if _FORMULA.match(text) else text


def _temporary(path: Path) -> Path:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    os.close(descriptor)
    return Path(name)
