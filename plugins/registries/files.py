"""The file registry: exports of a registry, read row by row through a mapping; the plugin that is always there.

Every row is counted once: as a record (or a volunteer), as set aside, as blank, or as earlier than what was asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from lianxing.plugins.hooks import hookimpl
from lianxing.plugins.registries.exports import open_export
from lianxing.plugins.registries.reasons import Note
from lianxing.plugins.registries.rows import RecordRows, SeenRows, VolunteerRows
from lianxing.plugins.registries.sheets import Row, Sheet, is_blank
from lianxing.rules.facts import CountyId, Fact
from lianxing.rules.mappings import ExportMapping
from lianxing.rules.records import ServiceRecord, SetAside, Volunteer

Found = TypeVar("Found", ServiceRecord, Volunteer)


@dataclass(slots=True)
class RowCount:
    """What became of the rows below the headings: rows_read = taken + set_aside + blank + earlier."""

    rows_read: int = 0
    taken: int = 0
    set_aside: int = 0
    blank: int = 0
    earlier: int = 0


class FileRegistry:
    """A registry's exports as files, for one county and one import.

    `region` is the county's division code, `time_zone` its zone, `on` the day of the import: nothing may lie after it.
    The counts and notes are those of the last fetch, complete when it is exhausted. All files of a kind are opened, and
    their headings checked, before the first row is handed over.
    """

    def __init__(
        self,
        records: Sequence[Path],
        volunteers: Sequence[Path],
        mapping: ExportMapping,
        facts: Mapping[str, Fact],
        county: CountyId,
        region: str,
        on: date,
        time_zone: str = "",
    ) -> None:
        self._records = tuple(records)
        self._volunteers = tuple(volunteers)
        self._mapping = mapping
        self._facts = facts
        self._county = county
        self._region = region
        self._on = on
        self._zone = ZoneInfo(time_zone) if time_zone else None
        self.record_rows = RowCount()
        self.record_notes: tuple[Note, ...] = ()
        self.volunteer_rows = RowCount()
        self.volunteer_notes: tuple[Note, ...] = ()

    @property
    def rows_read(self) -> int:
        return self.record_rows.rows_read + self.volunteer_rows.rows_read

    @property
    def blank(self) -> int:
        return self.record_rows.blank + self.volunteer_rows.blank

    @property
    def notes(self) -> tuple[Note, ...]:
        """What the owner of the exports should know: encodings, damaged bytes, columns that are not there."""
        return self.volunteer_notes + self.record_notes

    @hookimpl
    def fetch_records(self, county: CountyId, since: date | None) -> Iterator[ServiceRecord | SetAside]:
        """Yield the county's records served on or after `since`, and the rows set aside, in the order of the files."""
        if county != self._county:
            return
        self.record_rows = count = RowCount()
        self.record_notes = ()
        with ExitStack() as stack:
            seen = SeenRows()
            opened = []
            for path in self._records:
                sheet = stack.enter_context(open_export(path, called=self._called(path)))
                reader = RecordRows(
                    sheet, self._mapping, self._facts, self._county, self._region, self._on, seen, self._zone
                )
                self.record_notes += sheet.notes + reader.notes
                opened.append((sheet, reader.read))
            for found in _each(opened, count):
                if isinstance(found, ServiceRecord) and since is not None and found.day < since:
                    count.taken -= 1
                    count.earlier += 1
                else:
                    yield found

    def _called(self, path: Path) -> str:
        """Return what a file is called in reports: its name, or its path where several have that name."""
        names = [other.name for other in (*self._records, *self._volunteers)]
        return path.name if names.count(path.name) == 1 else path.as_posix()

    @hookimpl
    def fetch_volunteers(self) -> Iterator[Volunteer | SetAside]:
        """Yield the volunteers, and the rows set aside, in the order of the files."""
        self.volunteer_rows = count = RowCount()
        self.volunteer_notes = ()
        with ExitStack() as stack:
            seen = SeenRows()
            opened = []
            for path in self._volunteers:
                sheet = stack.enter_context(open_export(path, called=self._called(path)))
                reader = VolunteerRows(sheet, self._mapping, self._facts, self._on, seen)
                self.volunteer_notes += sheet.notes + reader.notes
                opened.append((sheet, reader.read))
            yield from _each(opened, count)


def _each(
    opened: Sequence[tuple[Sheet, Callable[[Row], Found | SetAside]]], count: RowCount
) -> Iterator[Found | SetAside]:
    for sheet, read in opened:
        for row in sheet.rows:
            count.rows_read += 1
            if is_blank(row):
                count.blank += 1
                continue
            found = read(row)
            if isinstance(found, SetAside):
                count.set_aside += 1
            else:
                count.taken += 1
            yield found
