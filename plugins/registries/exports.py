"""Opening an export, whatever it is: the content decides how it is read, and the name has to agree with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lianxing.plugins.registries.reasons import ExportError
from lianxing.plugins.registries.sheets import Sheet

_CSV, _XLSX, _PARQUET = "CSV", "XLSX", "Parquet"
_FORMAT_OF_EXTENSION = {
    ".csv": _CSV,
    ".tsv": _CSV,
    ".txt": _CSV,
    ".xlsx": _XLSX,
    ".xlsm": _XLSX,
    ".parquet": _PARQUET,
    ".pq": _PARQUET,
}
_OLD_OR_LOCKED_EXCEL = b"\xd0\xcf\x11\xe0"


@contextmanager
def open_export(path: Path, sheet: str = "", called: str = "") -> Iterator[Sheet]:
    """Open a CSV, XLSX or Parquet export; its rows can be read until the `with` ends."""
    source = called or path.name
    try:
        file = path.open("rb")
    except FileNotFoundError as error:
        raise ExportError(source, "missing_file") from error
    with file:
        format = _format_of(file.read(1024), path.suffix.lower(), source)
        file.seek(0)
        # Imported here: who imports CSV need not wait for a workbook library.
        if format == _XLSX:
            from lianxing.plugins.registries.xlsx_sheet import open_xlsx

            yield open_xlsx(file, source, sheet)
        elif format == _PARQUET:
            try:
                from lianxing.plugins.registries.parquet_sheet import open_parquet
            except ImportError as error:
                raise ExportError(source, "no_parquet_reader") from error
            yield open_parquet(file, source)
        else:
            from lianxing.plugins.registries.csv_sheet import open_csv

            yield open_csv(file, source)


def _format_of(head: bytes, extension: str, source: str) -> str:
    if not head:
        raise ExportError(source, "empty")
    if head.startswith(_OLD_OR_LOCKED_EXCEL):
        raise ExportError(source, "old_or_locked_excel")
    if head.startswith(b"PK\x03\x04"):
        content = _XLSX
    elif head.startswith(b"PAR1"):
        content = _PARQUET
    else:
        content = _CSV
        if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:6].lower().startswith((b"<html", b"<!doct", b"<table", b"<?xml")):
            raise ExportError(source, "web_page")
    expected = _FORMAT_OF_EXTENSION.get(extension)
    if extension == ".xls" or (expected is not None and expected != content):
        raise ExportError(source, "not_what_it_says", extension=extension, content=content)
    return content
