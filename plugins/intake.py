"""The life of a service record: fetch, object, policy, facts, match, assess, post, tell. One function, no way back.

Records are taken in chunks, grouped by person, and each person is folded once. A record that comes late (it started
before one that is already booked) changes what the later ones are worth: the person is folded again, and the
difference is booked as an adjusting entry that names the original.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import orjson

from lianxing.engine.calendars import local_day
from lianxing.engine.counting import assess, counted, revocations
from lianxing.engine.explaining import body_of, kept_of
from lianxing.engine.ledger.contents import content_hash
from lianxing.engine.ledger.errors import InvalidError
from lianxing.engine.ledger.opening import Ledger
from lianxing.engine.ledger.reading import Held
from lianxing.engine.ledger.writing import Booking, Writing
from lianxing.engine.passbooks import as_counted
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.standings import standing
from lianxing.plugins.host import Host, PluginError
from lianxing.plugins.registries.reasons import ExportError
from lianxing.rules.assessments import Assessment, Entry
from lianxing.rules.facts import (
    INTEGER_MAX,
    TEXT_BYTES_MAX,
    Fact,
    FactType,
    FactValue,
    RecordId,
    RegistryId,
    VolunteerId,
)
from lianxing.rules.objections import Objection
from lianxing.rules.records import Order, ServiceRecord, SetAside, Volunteer
from lianxing.rules.standings import Counted, Standing

CHUNK_RECORDS = 50_000
DAY_SECONDS = 86_400

Progress = Callable[[str, int], None]


@dataclass
class Report:
    """What became of everything that was read; `records_read` is the sum of the four numbers after it.

    A record is booked, unchanged (booked before with the same content), withheld (a plugin objects), or set
    aside. Of those booked, `refused` were booked with nothing, because a clause refuses them, and `held` wait.
    `adjusted` counts earlier records whose worth a late one changed, some of them booked under another policy;
    `earlier` were before the day asked for; `stars_of` holds the star of everybody who had a new record.
    """

    records_read: int = 0
    booked: int = 0
    unchanged: int = 0
    withheld: int = 0
    set_aside: int = 0
    refused: int = 0
    held: int = 0
    adjusted: int = 0
    adjusted_by_another_policy: int = 0
    earlier: int = 0
    seconds: int = 0
    points: int = 0
    volunteers_read: int = 0
    volunteers_saved: int = 0
    volunteers_set_aside: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    stars_of: dict[VolunteerId, int] = field(default_factory=dict)
    star_changes: int = 0

    def data(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return {
            "records_read": self.records_read,
            "booked": self.booked,
            "unchanged": self.unchanged,
            "withheld": self.withheld,
            "set_aside": self.set_aside,
            "refused_by_a_clause": self.refused,
            "held_by_a_clause": self.held,
            "adjusted": self.adjusted,
            "adjusted_by_another_policy": self.adjusted_by_another_policy,
            "earlier": self.earlier,
            "seconds": self.seconds,
            "points_hundredths": self.points,
            "volunteers_read": self.volunteers_read,
            "volunteers_saved": self.volunteers_saved,
            "volunteers_set_aside": self.volunteers_set_aside,
            "set_aside_reasons": dict(sorted(self.reasons.items())),
            "stars": {str(star): count for star, count in sorted(Counter(self.stars_of.values()).items())},
            "star_changes": self.star_changes,
        }


@dataclass(frozen=True)
class Intake:
    """Everything that an import needs; `put_aside` receives each row that does not go in, `progress` what was done."""

    host: Host
    rulebook: Rulebook
    ledger: Ledger
    registry: str
    on: date
    put_aside: Callable[[SetAside], None]
    progress: Progress = lambda _stage, _done: None

    def run(self, since: date | None = None, *, dry_run: bool = False) -> Report:
        """Take in everything that the registry plugin hands over; with `dry_run` nothing is kept and nobody is told.

        Each chunk is one transaction; what was committed stays, and running again finds it booked.
        """
        report = Report()
        fetched = self._since(since, report)
        chunks = _chunks(self._reviewed(fetched, report), CHUNK_RECORDS)
        if dry_run:
            with suppress(_Undo), self.ledger.writing() as writing:
                self._begin(writing, report)
                for chunk in chunks:
                    self._chunk(writing, chunk, report)
                raise _Undo
            return report
        with self.ledger.writing() as writing:
            self._begin(writing, report)
        for chunk in chunks:
            with self.ledger.writing() as writing:
                done = self._chunk(writing, chunk, report)
            self._tell(done)
        with self.ledger.writing() as writing:
            writing.save_import_run(self.rulebook.policy.county.id, self.registry, orjson.dumps(report.data()))
        return report

    def take(self, records: Iterable[ServiceRecord | SetAside]) -> Report:
        """Take in a few records at once, in one transaction; nothing is fetched and no run is noted."""
        report = Report()
        with self.ledger.writing() as writing:
            self._save_policy(writing)
            done = self._chunk(writing, list(self._reviewed(records, report)), report)
        self._tell(done)
        return report

    def _begin(self, writing: Writing, report: Report) -> None:
        self._volunteers(writing, report)
        self._save_policy(writing)

    def _save_policy(self, writing: Writing) -> None:
        policy = self.rulebook.policy
        content = orjson.dumps(kept_of(policy), option=orjson.OPT_SORT_KEYS)
        writing.save_policy(policy.digest, policy.county.id, policy.county.label.zh or policy.county.label.en, content)

    def _tell(self, done: _Done) -> None:
        for assessment, entry in done.entries:
            self.host.tell("record_assessed", assessment=assessment, entry=entry)
        for found, before in done.changes:
            self.host.tell("star_reached", standing=found, star_before=before)

    # --- what comes in -------------------------------------------------------------------------------------------

    def _fetched(self, hook: str, **arguments: object) -> Iterator[Any]:
        """Yield what the registry plugin hands over; where it fails, the error names it, unless it names a file."""
        for name, call in self.host.implementations(hook):
            if name != self.registry:
                continue
            try:
                yield from call(**arguments) or ()
            except (ExportError, OSError):
                raise
            except Exception as error:  # a plugin may fail in any way; whose fault it is must be said
                raise PluginError(name, f"{hook} failed: {type(error).__name__}") from error

    def _volunteers(self, writing: Writing, report: Report) -> None:
        def saved() -> Iterator[Volunteer]:
            for found in self._fetched("fetch_volunteers", county=self.rulebook.policy.county.id):
                report.volunteers_read += 1
                if isinstance(found, SetAside):
                    report.volunteers_set_aside += 1
                    self._aside(found, report)
                elif isinstance(found, Volunteer):
                    yield found
                else:
                    raise PluginError(self.registry, f"hands over {type(found).__name__}, not volunteers")

        report.volunteers_saved = writing.save_volunteers(saved())

    def _aside(self, row: SetAside, report: Report) -> None:
        report.reasons[row.reason] += 1
        self.put_aside(row)

    def _reviewed(self, records: Iterable[ServiceRecord | SetAside], report: Report) -> Iterator[_Reviewed]:
        """Yield the records that nobody objects to, with the facts that plugins supply."""
        supplying = bool(self.host.implementations("supply_facts"))
        reviewing = bool(self.host.implementations("review_record"))
        own = frozenset(fact.name for fact in self.host.words()) if supplying else frozenset[str]()
        for found in records:
            report.records_read += 1
            if report.records_read % 1000 == 0:
                self.progress("read", report.records_read)
            content = found if isinstance(found, SetAside) else self._content(found)
            if isinstance(content, SetAside):
                report.set_aside += 1
                self._aside(content, report)
                continue
            assert isinstance(found, ServiceRecord)
            objections = list(self.host.ask("review_record", record=found)) if reviewing else []
            if objections:
                report.withheld += 1
                name, objection = objections[0]
                if not isinstance(objection, Objection):
                    raise PluginError(name, f"review_record gives {type(objection).__name__}, not an Objection")
                self._aside(_withheld(found, name, objection), report)
                continue
            yield _Reviewed(found, self._supplied(found, own) if supplying else {}, content)

    def _since(self, since: date | None, report: Report) -> Iterator[ServiceRecord | SetAside]:
        """Yield what the registry hands over of the day `since` and later, whether it keeps to it or not."""
        for found in self._fetched("fetch_records", county=self.rulebook.policy.county.id, since=since):
            if since is not None and isinstance(found, ServiceRecord) and found.day < since:
                report.earlier += 1
            else:
                yield found

    def _content(self, record: ServiceRecord) -> str | SetAside:
        """Return the hash of a record's content; of one that no registry should have handed over, why it stays out."""
        if not isinstance(record, ServiceRecord):
            raise PluginError(self.registry, f"hands over {type(record).__name__}, not service records")
        try:
            content = content_hash(record)
        except InvalidError:
            return _as_set_aside(record, "", "not_exact")
        return self._unusable(record) or content

    def _unusable(self, record: ServiceRecord) -> SetAside | None:
        """Return the reason why a record, exact as it is, cannot be one of this county on the day of the import."""
        interval = record.ended_at - record.started_at
        if record.county != self.rulebook.policy.county.id:
            return _as_set_aside(record, "county", "other_county")
        if local_day(record.started_at, self._zone) != record.day:
            return _as_set_aside(record, "day", "wrong_day")
        if record.day > self.on or local_day(max(record.started_at, record.ended_at - 1), self._zone) > self.on:
            return _as_set_aside(record, "ended_at", "future_date", (("on", self.on.isoformat()),))
        if record.seconds < 0:
            return _as_set_aside(record, "seconds", "negative_duration")
        if interval < 0:
            return _as_set_aside(record, "ended_at", "end_before_start")
        if max(record.seconds, interval) > DAY_SECONDS:
            return _as_set_aside(record, "seconds", "over_24_hours")
        if record.timed and record.seconds > interval:
            details = (("stated", str(record.seconds)), ("interval", str(interval)), ("tolerance", "0"))
            return _as_set_aside(record, "seconds", "duration_disagrees", details)
        for name, value in record.facts.items():
            fact = self.rulebook.policy.facts.get(name)
            if fact is None or not _is_value(fact, value):
                return _as_set_aside(record, name, "unknown_value")
        return None

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.rulebook.policy.county.time_zone)

    def _supplied(self, record: ServiceRecord, own: frozenset[str]) -> dict[str, FactValue]:
        """Return what plugins say of a record: values of words that a plugin registered, and of no others."""
        supplied: dict[str, FactValue] = {}
        for name, facts in self.host.ask("supply_facts", record=record):
            for word, value in facts.items():
                fact = self.rulebook.policy.facts.get(word)
                if word not in own or fact is None or not _is_value(fact, value):
                    raise PluginError(name, f"supplies '{word}', which no plugin registered, or not of its type")
                supplied[word] = value
        return supplied

    # --- a chunk, one transaction --------------------------------------------------------------------------------

    def _chunk(self, writing: Writing, chunk: list[_Reviewed], report: Report) -> _Done:
        people: dict[VolunteerId, list[_Reviewed]] = defaultdict(list)
        for reviewed in self._not_yet_booked(writing, chunk, report):
            people[reviewed.record.volunteer].append(reviewed)
        known = writing.volunteers(people)
        histories = writing.histories(self.rulebook.policy.county.id, people)
        done = _Done()
        assessed = 0
        for id, new in people.items():
            self._person(known.get(id, Volunteer(id)), histories.get(id, []), new, done, report)
            assessed += len(new)
            self.progress("assessed", assessed)
        self.progress("booking", len(done.bookings))
        entries = writing.book(done.bookings)
        done.entries = list(zip(done.assessments, entries, strict=True))
        return done

    def _not_yet_booked(self, writing: Writing, chunk: list[_Reviewed], report: Report) -> Iterator[_Reviewed]:
        by_registry: dict[RegistryId, list[RecordId]] = defaultdict(list)
        for reviewed in chunk:
            by_registry[reviewed.record.registry].append(reviewed.record.id)
        booked = {
            (registry, id): found
            for registry, ids in by_registry.items()
            for id, found in writing.content_hashes(registry, ids).items()
        }
        for reviewed in chunk:
            key = (reviewed.record.registry, reviewed.record.id)
            before = booked.get(key)
            if before is None:
                booked[key] = reviewed.content
                report.booked += 1
                yield reviewed
            elif before == reviewed.content:
                report.unchanged += 1
            else:
                report.set_aside += 1
                self._aside(_as_set_aside(reviewed.record, "id", "changed_record"), report)

    def _person(self, person: Volunteer, held: list[Held], new: list[_Reviewed], done: _Done, report: Report) -> None:
        """Fold one person; note what is to be booked for the new records and for those that a late one changes."""
        booked = {(one.record.registry, one.record.id): one for one in held}
        both = [(one.record, one.supplied) for one in held] + [(one.record, one.supplied) for one in new]
        history = sorted(both, key=lambda one: one[0].order)
        first_new = _first_changed(self.rulebook, person, history, [reviewed.record for reviewed in new])
        after: list[Counted] = []
        for assessment in assess(self.rulebook, person, history):
            record = assessment.record
            before = booked.get((record.registry, record.id))
            if before is not None and record.order < first_new:
                # Booked, and nothing new came before it: it keeps what it has, whatever the policy says by now.
                after.append(as_counted(before))
                continue
            after.append(counted(assessment))
            if before is None:
                report.held += assessment.pending is not None
                report.refused += not assessment.counted and assessment.pending is None
                done.book(assessment, assessment.seconds, assessment.points, None, report)
            elif (assessment.seconds, assessment.points, assessment.counted) != (
                before.seconds,
                before.points,
                before.counted,
            ):
                report.adjusted += 1
                report.adjusted_by_another_policy += before.policy_digest != assessment.policy_digest
                seconds, points = assessment.seconds - before.seconds, assessment.points - before.points
                done.book(assessment, seconds, points, before.entry, report)
        if self.rulebook.policy.stars is not None:
            self._star(person, [as_counted(one) for one in held], after, done, report)

    def _star(
        self, person: Volunteer, before: list[Counted], after: list[Counted], done: _Done, report: Report
    ) -> None:
        found = standing(self.rulebook, person, after, self.on)
        star_before = standing(self.rulebook, person, before, self.on).star_held if before else 0
        report.stars_of[person.id] = found.star_held
        if found.star_held != star_before:
            report.star_changes += 1
            done.changes.append((found, star_before))


class _Reviewed(NamedTuple):
    """A record that nobody objects to, the facts that plugins supply, and the hash of its content."""

    record: ServiceRecord
    supplied: Mapping[str, FactValue]
    content: str


class _Undo(Exception):
    """A dry run has seen everything; the transaction is given up."""


@dataclass
class _Done:
    """What one chunk has come to: bookings with their assessments in step, then entries, and stars that changed."""

    bookings: list[Booking] = field(default_factory=list)
    assessments: list[Assessment] = field(default_factory=list)
    entries: list[tuple[Assessment, Entry]] = field(default_factory=list)
    changes: list[tuple[Standing, int]] = field(default_factory=list)

    def book(self, assessment: Assessment, seconds: int, points: int, adjusts: int | None, report: Report) -> None:
        report.seconds += seconds
        report.points += points
        self.assessments.append(assessment)
        self.bookings.append(
            Booking(
                kind="original" if adjusts is None else "adjusting",
                record=assessment.record,
                seconds=seconds,
                points=points,
                policy_digest=assessment.policy_digest,
                body=orjson.dumps(body_of(assessment)),
                supplied=assessment.supplied or {},
                adjusts=adjusts,
                counted=assessment.counted,
            )
        )


def _first_changed(
    rulebook: Rulebook,
    person: Volunteer,
    history: list[tuple[ServiceRecord, Mapping[str, FactValue]]],
    new: list[ServiceRecord],
) -> Order:
    """Return the order of the first record whose worth may change: a new one, or one that a new one takes out."""
    first = min(record.order for record in new)
    taken_out = revocations(rulebook, person, history)
    by_new = {key for key, revocation in taken_out.items() if revocation.by in new}
    gone = (record.order for record, _supplied in history if (record.registry, record.id) in by_new)
    return min(first, min(gone, default=first))


def _chunks(records: Iterable[_Reviewed], size: int) -> Iterator[list[_Reviewed]]:
    iterator = iter(records)
    while chunk := list(islice(iterator, size)):
        yield chunk


def _withheld(record: ServiceRecord, plugin: str, objection: Objection) -> SetAside:
    said = objection.sentence
    details = (("plugin", plugin), ("objection", objection.reason), ("zh", said.zh), ("en", said.en))
    return _as_set_aside(record, "id", "withheld", details)


def _as_set_aside(
    record: ServiceRecord, heading: str, reason: str, details: tuple[tuple[str, str], ...] = ()
) -> SetAside:
    """Return a record that was understood and does not go in; `heading` is the field of the record that tells why."""
    id = str(record.id)
    content = {"id": id, "day": str(record.day), "seconds": str(record.seconds)}
    source = record.source or str(record.registry)
    return SetAside(source, record.row, heading, reason, (("id", id), *details), content)


def _is_value(fact: Fact, value: object) -> bool:
    """Tell whether a plugin's value is one of the fact's: of its type, and declared where values are declared."""
    if fact.type is FactType.TEXT:
        if not isinstance(value, str) or len(value.encode()) > TEXT_BYTES_MAX:
            return False
        return not fact.values or any(value == known.id for known in fact.values)
    return type(value) is int and abs(value) <= INTEGER_MAX
