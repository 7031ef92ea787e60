"""From a row of an export to a service record or a volunteer, or to the reason why it is neither.

Every check names the column that failed; the first one that fails, in the order of the row's life (who, when, how
long, what, and whether it was there before), is the reason. Nothing is guessed and nothing is rounded.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from difflib import get_close_matches
from fractions import Fraction
from functools import lru_cache
from hashlib import blake2b, sha256
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lianxing.engine.reading.vocabulary import KEYS
from lianxing.plugins.registries.instants import Instant, duration_seconds, instant
from lianxing.plugins.registries.reasons import ExportError, Note
from lianxing.plugins.registries.sheets import Row, Sheet, column_letter
from lianxing.rules.facts import TEXT_BYTES_MAX, CountyId, Fact, FactType, FactValue, RecordId, Scope, VolunteerId
from lianxing.rules.mappings import Column, DurationUnit, ExportMapping
from lianxing.rules.quantities import code_of, fact_value
from lianxing.rules.records import ServiceRecord, SetAside, Volunteer

Meaning = TypeVar("Meaning")

RECORD_YEAR_MIN = 1990
BIRTH_YEAR_MIN = 1900
RECORD_SECONDS_MAX = 24 * 3600

_UNIT_SECONDS = {DurationUnit.HOURS: 3600, DurationUnit.MINUTES: 60, DurationUnit.SECONDS: 1}
_REMEMBERED_MAX = 65_536  # texts whose meaning is kept; an export repeats its times, durations and codes

_WHOLE = re.compile("[0-9]{1,15}")
_UNDECODABLE = "\ufffd"  # printable, as Python sees it
# Control characters, marks that are invisible or turn the reading direction, and what stands for undecodable bytes.
_BAD_CHARACTER = re.compile("[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffd\ud800-\udfff]")


class RowRefused(ValueError):
    """A row that cannot go in; caught where the row was taken up and turned into a `SetAside`."""

    def __init__(self, place: Place, reason: str, **details: str) -> None:
        self.heading = place.heading
        self.reason = reason
        self.details = tuple(details.items())
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Place:
    """Where one target stands in an open sheet: a column, a constant, or (index -1, no constant) nowhere."""

    target: str
    heading: str
    index: int = -1
    constant: str = ""
    values: Mapping[str, str] = field(default_factory=dict)

    def text(self, cells: Sequence[str]) -> str:
        """Return the cell normalised (full-width digits become digits), trimmed and translated."""
        if self.index < 0:
            return self.constant
        text = cells[self.index].strip()
        if not text:
            return ""
        if len(text) > TEXT_BYTES_MAX:
            raise RowRefused(self, "text_too_long", bytes_max=str(TEXT_BYTES_MAX))
        if (not text.isprintable() or _UNDECODABLE in text) and _BAD_CHARACTER.search(text):
            raise RowRefused(self, "bad_character")
        if not text.isascii():
            text = unicodedata.normalize("NFKC", text).strip()
            if len(text.encode()) > TEXT_BYTES_MAX:
                raise RowRefused(self, "text_too_long", bytes_max=str(TEXT_BYTES_MAX))
        return self.values.get(text, text) if self.values else text


@dataclass(slots=True)
class SeenRows:
    """The rows of an import that went in, so that a repeated id is noticed, also across files of one export."""

    rows: dict[str, tuple[bytes, str, int]] = field(default_factory=dict)

    def refuse_repeated(self, place: Place, id: str, content: tuple[object, ...], source: str, row: int) -> None:
        digest = blake2b(repr(content).encode(), digest_size=16).digest()
        before = self.rows.setdefault(id, (digest, source, row))
        if before[1:] != (source, row):
            reason = "duplicate_row" if before[0] == digest else "id_reused"
            raise RowRefused(place, reason, first_source=before[1], first_row=str(before[2]))


class RecordRows:
    """Reads the rows of one sheet as service records of one county."""

    def __init__(
        self,
        sheet: Sheet,
        mapping: ExportMapping,
        facts: Mapping[str, Fact],
        county: CountyId,
        region: str,
        on: date,
        seen: SeenRows,
        county_zone: tzinfo | None = None,
    ) -> None:
        core = (
            "id",
            "volunteer",
            "started_at",
            "ended_at",
            "duration",
            "activity",
            "organisation",
            "county",
            "version",
        )
        columns = _Columns(sheet, mapping, mapping.records, "records")
        self._sheet = sheet
        self._mapping = mapping
        self._county = county
        self._region = region
        self._on = on
        self._seen = seen
        self._volunteer = columns.required("volunteer")
        self._started_at = columns.required("started_at")
        self._ended_at = columns.optional("ended_at")
        self._duration = columns.optional("duration")
        self._activity = columns.optional("activity")
        self._organisation = columns.optional("organisation")
        self._served_in = columns.optional("county")
        self._version = columns.optional("version")
        self._id = columns.required("id")
        self._id_parts = columns.id_parts()
        zone = _zone_of(mapping, sheet.source)
        self._county_zone = None if county_zone == zone else county_zone
        self._instant = _remembering(lambda text: instant(text, zone))
        unit = _UNIT_SECONDS[mapping.duration_unit]
        self._version_of = _remembering(lambda text: _version(text, zone))
        self._seconds = _remembering(lambda text: _exact(duration_seconds(text, unit)))
        self._facts = columns.facts(core, facts, Scope.RECORD, zone)
        self.notes = columns.notes()

    def read(self, row: Row) -> ServiceRecord | SetAside:
        """Return the record, or why there is none."""
        if row.reason:
            return _set_aside(self._sheet, row, "", row.reason, row.details)
        try:
            return self._record(row)
        except RowRefused as refused:
            return _set_aside(self._sheet, row, refused.heading, refused.reason, refused.details)

    def _record(self, row: Row) -> ServiceRecord:
        cells = row.cells
        id = "" if self._id_parts else self._id.text(cells)
        if not id and not self._id_parts:
            raise RowRefused(self._id, "no_id")
        volunteer = self._volunteer.text(cells)
        if not volunteer:
            raise RowRefused(self._volunteer, "no_volunteer")
        started = self._time(self._started_at, cells)
        if started is None:
            raise RowRefused(self._started_at, "no_start")
        _refuse_outside(self._started_at, started.day, RECORD_YEAR_MIN, self._on)
        ended = self._time(self._ended_at, cells)
        stated = self._stated(cells)
        if ended is None and stated is None and (self._ended_at.index >= 0 or self._duration.index >= 0):
            # Where the export has neither column its rows are events; an empty cell is somebody still signed in.
            raise RowRefused(self._ended_at if self._ended_at.index >= 0 else self._duration, "no_end")
        ended_at, seconds = self._span(started, ended, stated)
        facts = {place.target: value for place, fact in self._facts if (value := fact(place.text(cells))) is not None}
        served_in = self._served_in.text(cells)
        if served_in and served_in != self._county and not (self._region and served_in.startswith(self._region)):
            raise RowRefused(self._served_in, "other_county")
        activity = self._activity.text(cells)
        organisation = self._organisation.text(cells)
        if self._id_parts:
            id = self._built_id(cells, started, ended, stated)
        version = self._numbered(cells)
        content = (volunteer, started, ended_at, seconds, activity, organisation, facts)
        row_of = f"{id}\0{version}" if version else id  # several versions of a record are no repetition
        self._seen.refuse_repeated(self._id, row_of, content, self._sheet.source, row.number)
        return ServiceRecord(
            id=RecordId(id),
            registry=self._mapping.registry,
            volunteer=VolunteerId(volunteer),
            county=self._county,
            started_at=started.seconds,
            ended_at=ended_at,
            day=self._day(started),
            seconds=seconds,
            timed=started.timed,
            activity=activity,
            organisation=organisation,
            facts=facts,
            version=version,
            source=self._sheet.source,
            row=row.number,
        )

    def _time(self, place: Place, cells: Sequence[str]) -> Instant | None:
        text = place.text(cells)
        if not text:
            return None
        found = self._instant(text)
        if found is None:
            raise RowRefused(place, "not_a_time")
        return found

    def _day(self, started: Instant) -> date:
        """Return the day of service: a day of the county, also where the registry keeps other clocks."""
        if self._county_zone is None or not started.timed:
            return started.day
        return datetime.fromtimestamp(started.seconds, self._county_zone).date()

    def _numbered(self, cells: Sequence[str]) -> int:
        """Return the version of the row; 0 where it says none."""
        text = self._version.text(cells)
        version = self._version_of(text) if text else 0
        if version is None:
            raise RowRefused(self._version, "not_a_version")
        return version

    def _stated(self, cells: Sequence[str]) -> int | Fraction | None:
        text = self._duration.text(cells)
        if not text:
            return None
        seconds = self._seconds(text)
        if seconds is None:
            raise RowRefused(self._duration, "not_a_number")
        if seconds < 0:
            raise RowRefused(self._duration, "negative_duration")
        if seconds > RECORD_SECONDS_MAX:
            raise RowRefused(self._duration, "over_24_hours")
        return seconds

    def _span(self, started: Instant, ended: Instant | None, stated: int | Fraction | None) -> tuple[int, int]:
        """Return when the service ended and how many seconds of it the registry credits, never more than it lasted."""
        if not started.timed or ended is None:
            if ended is not None and ended.day < started.day:
                raise RowRefused(self._ended_at, "end_before_start")
            seconds = self._whole(stated) if stated is not None else 0
            return started.seconds + seconds, seconds
        if ended.seconds < started.seconds and (ended.timed or ended.day < started.day):
            raise RowRefused(self._ended_at, "end_before_start")
        if not ended.timed:
            raise RowRefused(self._ended_at, "no_time_of_day")
        interval = ended.seconds - started.seconds
        if interval > RECORD_SECONDS_MAX:
            raise RowRefused(self._ended_at, "over_24_hours")
        if stated is None:
            return ended.seconds, interval
        more = stated - interval
        tolerance = self._mapping.tolerance_seconds
        if more > tolerance or (-more > tolerance and not self._mapping.breaks_allowed):
            raise RowRefused(
                self._duration,
                "duration_disagrees",
                stated=str(int(stated)),
                interval=str(interval),
                tolerance=str(tolerance),
            )
        # A third of an hour as a spreadsheet divides it is no whole number of seconds; the times say which it was.
        seconds = interval if -1 < more < 1 else self._whole(stated)
        return ended.seconds, min(seconds, interval)

    def _whole(self, seconds: int | Fraction) -> int:
        if seconds.denominator != 1:
            raise RowRefused(self._duration, "not_whole_seconds")
        return int(seconds)

    def _built_id(
        self, cells: Sequence[str], started: Instant, ended: Instant | None, stated: int | Fraction | None
    ) -> str:
        """Return an id for a feed without one. Times and durations go in by what they mean: 2.0 and 2.00 are one id."""
        meant: dict[int, object] = {
            self._ended_at.index: "" if ended is None else ended.seconds,
            self._duration.index: "" if stated is None else stated,
            self._started_at.index: started.seconds,
        }
        meant.pop(-1, None)  # a column that the export does not have
        parts = [str(meant[place.index]) if place.index in meant else place.text(cells) for place in self._id_parts]
        return sha256("|".join(parts).encode()).hexdigest()[:24]


class VolunteerRows:
    """Reads the rows of one sheet as volunteers: ids and facts, never names."""

    def __init__(
        self, sheet: Sheet, mapping: ExportMapping, facts: Mapping[str, Fact], on: date, seen: SeenRows
    ) -> None:
        columns = _Columns(sheet, mapping, mapping.volunteers, "volunteers")
        self._sheet = sheet
        self._on = on
        self._seen = seen
        self._id = columns.required("id")
        self._registered_on = columns.optional("registered_on")
        self._born_on = columns.optional("born_on")
        zone = _zone_of(mapping, sheet.source)
        self._instant = _remembering(lambda text: instant(text, zone))
        self._facts = columns.facts(("id", "registered_on", "born_on"), facts, Scope.PERSON, zone)
        self.notes = columns.notes()

    def read(self, row: Row) -> Volunteer | SetAside:
        """Return the volunteer, or why there is none."""
        if row.reason:
            return _set_aside(self._sheet, row, "", row.reason, row.details)
        try:
            return self._volunteer(row)
        except RowRefused as refused:
            return _set_aside(self._sheet, row, refused.heading, refused.reason, refused.details)

    def _volunteer(self, row: Row) -> Volunteer:
        cells = row.cells
        id = self._id.text(cells)
        if not id:
            raise RowRefused(self._id, "no_id")
        registered_on = self._day(self._registered_on, cells, RECORD_YEAR_MIN)
        born_on = self._day(self._born_on, cells, BIRTH_YEAR_MIN)
        facts = {place.target: value for place, fact in self._facts if (value := fact(place.text(cells))) is not None}
        content = (registered_on, born_on, facts)
        self._seen.refuse_repeated(self._id, id, content, self._sheet.source, row.number)
        return Volunteer(VolunteerId(id), registered_on, born_on, facts)

    def _day(self, place: Place, cells: Sequence[str], year_min: int) -> date | None:
        text = place.text(cells)
        if not text:
            return None
        found = self._instant(text)
        if found is None:
            raise RowRefused(place, "not_a_time")
        _refuse_outside(place, found.day, year_min, self._on)
        return found.day


class _Columns:
    """The columns of a mapping, looked up in the headings of an open sheet."""

    def __init__(self, sheet: Sheet, mapping: ExportMapping, columns: Sequence[Column], table: str) -> None:
        self._sheet = sheet
        self._mapping = mapping
        self._table = table
        self._columns = {column.target: column for column in columns}
        self._index = {heading: index for index, heading in enumerate(sheet.headings) if heading}
        self._absent: list[Column] = []

    def required(self, target: str) -> Place:
        column = self._columns.get(target)
        if column is None:
            raise ExportError(self._sheet.source, "unmapped", mapping=self._mapping.id, target=target)
        if column.build_from:
            return Place(target, " | ".join(column.build_from))
        place = self._place(column)
        if place is None:
            raise self._missing(target, column.headings)
        return place

    def optional(self, target: str) -> Place:
        column = self._columns.get(target)
        if column is None:
            return Place(target, target)
        place = self._place(column)
        if place is None:
            self._absent.append(column)
            return Place(target, " / ".join(column.headings))
        return place

    def id_parts(self) -> tuple[Place, ...]:
        """Return the places an id is built from: headings of the export, other spellings of them, or targets."""
        return tuple(self._id_part(name) for name in self._columns["id"].build_from)

    def facts(
        self, core: Sequence[str], facts: Mapping[str, Fact], scope: Scope, zone: tzinfo
    ) -> tuple[tuple[Place, Callable[[str], FactValue | None]], ...]:
        """Return the places of the declared facts, each with what turns its text into a value (None: missing)."""
        found = []
        for target, column in self._columns.items():
            if target in core:
                continue
            fact = facts.get(target)
            if fact is None or fact.scope is not scope:
                raise ExportError(
                    self._sheet.source, "unknown_target", mapping=self._mapping.id, target=target, table=self._table
                )
            place = self.optional(target)
            value = _typed(fact, place, zone, _UNIT_SECONDS[self._mapping.duration_unit])
            if column.constant is not None:
                try:
                    value(column.constant)
                except RowRefused as error:
                    raise ExportError(
                        self._sheet.source, "bad_constant", mapping=self._mapping.id, target=target
                    ) from error
            for said in column.values.values():
                try:
                    value(said)
                except RowRefused as error:
                    raise ExportError(
                        self._sheet.source, "bad_value", mapping=self._mapping.id, target=target, value=said
                    ) from error
            if place.index >= 0 or place.constant:
                found.append((place, value))
        return tuple(found)

    def notes(self) -> tuple[Note, ...]:
        """Return which columns of the mapping the export lacks, and which of its own mean nothing to the mapping."""
        known = {
            _normalised(heading)
            for column in self._columns.values()
            for heading in (column.target, *column.headings, *column.build_from)
        }
        unused = ", ".join(heading for heading in self._index if heading not in known)
        absent = tuple(
            Note(
                "absent_column",
                (
                    ("source", self._sheet.source),
                    ("target", column.target),
                    ("expected", " / ".join(column.headings)),
                ),
            )
            for column in self._absent
        )
        source = self._sheet.source
        return (*absent, Note("unused_columns", (("source", source), ("headings", unused)))) if unused else absent

    def _place(self, column: Column) -> Place | None:
        for heading in column.headings:
            index = self._index.get(_normalised(heading))
            if index is not None:
                values = {_normalised(text): value for text, value in column.values.items()}
                return Place(column.target, heading, index, values=values)
        if column.constant is not None:
            return Place(column.target, column.target, constant=column.constant)
        return None

    def _id_part(self, name: str) -> Place:
        index = self._index.get(_normalised(name))
        if index is not None:
            return Place("id", name, index)
        for column in self._columns.values():
            if name == column.target or name in column.headings:
                place = self._place(column)
                if place is not None:
                    return Place("id", place.heading, place.index, place.constant)
        raise self._missing("id", (name,))

    def _missing(self, target: str, headings: Sequence[str]) -> ExportError:
        # Only headings that resemble an expected one are told: without a row of headings, row 1 is somebody's data.
        near = [close for heading in headings for close in get_close_matches(heading, self._index, 1, 0.5)]
        return ExportError(
            self._sheet.source,
            "missing_heading",
            target=target,
            target_zh=KEYS.get(target, target),
            expected=" / ".join(headings),
            nearby_zh=f"（是否是“{near[0]}”？）" if near else "",
            nearby_en=f" (did you mean '{near[0]}'?)" if near else "",
        )


def _typed(fact: Fact, place: Place, zone: tzinfo, unit: int) -> Callable[[str], FactValue | None]:
    """Return what reads a cell as a value of the fact: None for an empty one, a refusal for what is no such value.

    A bare number is in yuan, or in the unit in which the registry states the service time: a table has no room for it.
    """
    if fact.type is FactType.TEXT and not fact.values:
        return lambda text: text or None

    def meaning(text: str) -> FactValue | None:
        if fact.type is FactType.DATE:
            at = instant(text, zone)
            return None if at is None else at.day.toordinal()
        if fact.type is FactType.TEXT:
            return code_of(fact, text)
        found = fact_value(fact, text)
        if found is None and fact.type is FactType.MONEY:
            return fact_value(fact, f"{text} yuan")
        if found is None and fact.type is FactType.DURATION:
            seconds = _exact(duration_seconds(text, unit))
            return seconds if isinstance(seconds, int) and seconds >= 0 else None
        return found

    remembered = _remembering(meaning)

    def value(text: str) -> FactValue | None:
        if not text:
            return None
        found = remembered(text)
        if found is None:
            raise _not_a_value(fact, place, text)
        return found

    return value


def _not_a_value(fact: Fact, place: Place, text: str) -> RowRefused:
    match fact.type:
        case FactType.TEXT if fact.name == "category":
            return RowRefused(place, "unknown_category", value=text[:40])
        case FactType.TEXT:
            return RowRefused(place, "unknown_value")
        case FactType.YES_NO:
            return RowRefused(place, "not_yes_no")
        case FactType.DATE | FactType.TIME:
            return RowRefused(place, "not_a_time")
        case _:
            return RowRefused(place, "not_a_number")


def _remembering(meaning: Callable[[str], Meaning]) -> Callable[[str], Meaning]:
    return lru_cache(maxsize=_REMEMBERED_MAX)(meaning)


def _version(text: str, zone: tzinfo) -> int | None:
    """Return a version: a whole number, or the instant of the last change in seconds; None where it is neither."""
    if _WHOLE.fullmatch(text):
        return int(text)
    found = instant(text, zone)
    return None if found is None or found.seconds < 0 else found.seconds


def _exact(seconds: Fraction | None) -> int | Fraction | None:
    return int(seconds) if seconds is not None and seconds.denominator == 1 else seconds


def _refuse_outside(place: Place, day: date, year_min: int, on: date) -> None:
    if day > on:
        raise RowRefused(place, "future_date", on=on.isoformat())
    if day.year < year_min:
        raise RowRefused(place, "too_early", earliest=str(year_min))


def _set_aside(sheet: Sheet, row: Row, heading: str, reason: str, details: tuple[tuple[str, str], ...]) -> SetAside:
    content = {}
    for index, cell in enumerate(row.cells):
        named = index < len(sheet.headings) and sheet.headings[index]
        content[named or column_letter(index)] = cell
    return SetAside(sheet.source, row.number, heading, reason, details, content)


def _normalised(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).split())


def _zone_of(mapping: ExportMapping, source: str) -> tzinfo:
    try:
        return ZoneInfo(mapping.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ExportError(source, "unknown_zone", mapping=mapping.id) from error
