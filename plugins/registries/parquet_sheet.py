"""Exports as Parquet, streamed by pyarrow, whose only importer this is; it comes with `lianxing[parquet]`.

Its surprises: an instant with a zone knows its offset and is written with it, one without is local time; nanoseconds
do not fit a Python datetime; a short float read as a long one grows digits that nobody wrote, so floats are turned
into text by Arrow itself. Rows are numbered as if the headings were row 1 of a spreadsheet.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from lianxing.plugins.registries.reasons import ExportError
from lianxing.plugins.registries.sheets import (
    Row,
    Sheet,
    clock_text,
    column_letter,
    headings_of,
    number_text,
    plain_decimal,
)

_ROWS_PER_BATCH = 8_192


def open_parquet(file: BinaryIO, source: str) -> Sheet:
    """Return the table in a Parquet file as a sheet; the file stays open as long as the rows are wanted."""
    try:
        table = pq.ParquetFile(file)
        schema = table.schema_arrow
    except (pa.ArrowException, OSError) as error:
        raise ExportError(source, "broken_parquet") from error
    headings = headings_of(source, schema.names)
    for index, column in enumerate(schema):
        if pa.types.is_nested(column.type):
            raise ExportError(source, "nested_column", column=column_letter(index))
    return Sheet(source, headings, _rows(table, source, len(headings)))


def _rows(table: Any, source: str, width: int) -> Iterator[Row]:
    number = 1
    try:
        for batch in table.iter_batches(batch_size=_ROWS_PER_BATCH):
            columns = [_texts(column) for column in batch.columns[:width]]
            for cells in zip(*columns, strict=True):
                number += 1
                yield Row(number, cells)
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise ExportError(source, "broken_parquet") from error


def _texts(column: Any) -> list[str]:
    type = column.type
    if pa.types.is_dictionary(type):
        column = column.dictionary_decode()
        type = column.type
    if pa.types.is_timestamp(type):
        if type.unit == "ns":
            column = column.cast(pa.timestamp("us", tz=type.tz), safe=False)
        return ["" if value is None else value.isoformat(sep=" ") for value in column.to_pylist()]
    if pa.types.is_floating(type):
        return ["" if value is None else number_text(value) for value in column.cast(pa.string()).to_pylist()]
    if pa.types.is_decimal(type):
        return ["" if value is None else plain_decimal(value) for value in column.to_pylist()]
    if pa.types.is_boolean(type):
        return ["" if value is None else ("yes" if value else "no") for value in column.to_pylist()]
    if pa.types.is_date(type):
        return ["" if value is None else value.isoformat() for value in column.to_pylist()]
    if pa.types.is_binary(type) or pa.types.is_large_binary(type):
        return ["" if value is None else value.decode("utf-8", "replace") for value in column.to_pylist()]
    if pa.types.is_duration(type):
        return ["" if value is None else clock_text(value) for value in column.cast(pa.duration("us")).to_pylist()]
    return ["" if value is None else str(value) for value in column.to_pylist()]
