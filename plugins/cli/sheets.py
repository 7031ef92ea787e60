"""Rows for a spreadsheet: no cell that others have written is calculated."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Mapping, Sequence

from lianxing.plugins.registries.set_aside import harmless


def sheet(columns: Sequence[str], rows: Iterable[Mapping[str, str]], numbers: Collection[str] = ()) -> str:
    """Return rows as CSV with headings; in the columns `numbers` a minus sign stays what it is."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([row[name] if name in numbers else harmless(row[name]) for name in columns])
    return text.getvalue()
