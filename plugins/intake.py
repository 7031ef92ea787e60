"""The life of a service record: fetch, object, policy, facts, match, assess, post, tell. One function, no way back.

`fetching` gives what a registry hands over, in `chunks`; of each, `news` says what is new, and `taking_in` what becomes
of it, in one transaction. Here is which transactions there are, and who is told of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import cached_property, partial
from itertools import chain, islice
from time import sleep
from typing import TypeVar

import orjson

from lianxing.engine.bank.keeping import keep_policy
from lianxing.engine.bank.star_points import book_stars
from lianxing.engine.bank.tellers import ATTEMPTS
from lianxing.engine.garbage import collection_waits
from lianxing.engine.ledger.chunking import chunks as many
from lianxing.engine.ledger.errors import BusyError, DamagedPassbookError, InvalidError, RefusedError
from lianxing.engine.ledger.opening import Ledger
from lianxing.engine.ledger.writing import Writing
from lianxing.engine.rulebook import Rulebook
from lianxing.plugins.admitting import volunteer_set_aside
from lianxing.plugins.chunks import Chunk, Key, Reviewed, by_person, ids_by_registry, in_chunks, row_aside
from lianxing.plugins.fetching import Fetching, Progress
from lianxing.plugins.host import Host
from lianxing.plugins.reporting import Report, aside
from lianxing.plugins.taking_in import Done, TakingIn
from lianxing.rules.facts import VolunteerId
from lianxing.rules.records import ServiceRecord, SetAside, Volunteer, Withdrawn
from lianxing.rules.requests import is_menu

CHUNK_RECORDS = 50_000  # are read together, so that a person is folded once
AT_ONCE_RECORDS = 500  # are written in a transaction, so that whoever stands at a counter need not wait long,
ALONE_TIMES = 4  # and so many times as many as long as nobody does
DAMAGED = "damaged_passbook"  # why the records of somebody are set aside,
DAMAGED_MAX = 1_000  # up to so many of them: more have one cause, which an import does not go round
PAUSE_SECONDS = 0.002  # between transactions: whoever waits asks as often as this

T = TypeVar("T")


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

        A few hundred people are one transaction, and a few hundred records, more while nobody else writes; all that
        came of a person in the same one. What was committed stays, and running again finds it booked.
        """
        _not_our_own(self.registry)
        report = Report()
        fetched = self._fetching.records(since, report)
        chunks = in_chunks(self._fetching.reviewed(fetched, report), CHUNK_RECORDS)
        if dry_run:
            taking_in = self._taking_in(self.put_aside)
            people = list(self._fetching.volunteers(report))
            with suppress(_Undo), self.ledger.writing() as writing:
                keep_policy(writing, self.rulebook.policy)
                report.volunteers_saved = writing.save_volunteers(people)
                for chunk in chunks:
                    taking_in.chunk(writing, chunk, report)
                    self.progress("assessed", report.taken_in)
                raise _Undo
            return report
        registered = many(self._fetching.volunteers(report))
        first = next(registered, list[Volunteer]())
        for some in chain([first], registered):  # the rules are kept, though nobody is registered
            self._register(some, report)
        with collection_waits() as look_for_garbage:
            for chunk in chunks:
                self._in_transactions(chunk, report)
                if len(chunk) >= CHUNK_RECORDS:  # there is more to come
                    look_for_garbage()
        county, told = self.rulebook.policy.county.id, orjson.dumps(report.data())
        self._written(lambda writing: writing.save_import_run(county, self.registry, told))
        return report

    def _in_transactions(self, chunk: Chunk, report: Report) -> None:
        """Book a chunk in several transactions: fewer where nobody else writes."""
        alone = True
        groups = by_person(chunk, AT_ONCE_RECORDS, self._owners(one for one in chunk if isinstance(one, Withdrawn)))
        for first in groups:
            more = islice(groups, ALONE_TIMES - 1 if alone else 0)
            done = self._booked_of_the_sound([*first, *chain.from_iterable(more)], report)
            self._book_stars(done)
            self.progress("booked", report.taken_in)
            alone = alone and done.alone
            sleep(PAUSE_SECONDS)

    def take(self, records: Iterable[ServiceRecord | Withdrawn | SetAside], *, dry_run: bool = False) -> Report:
        """Take in a few records at once, in one transaction; nothing is fetched and no run is noted.

        With `dry_run` nothing is kept and nobody is told. BusyError where others are writing all the time: try again.
        DamagedPassbookError where one of the passbooks was changed by hand: nothing is taken in.
        """
        report = Report()
        chunks = list(in_chunks(self._fetching.reviewed(records, report), CHUNK_RECORDS))
        done = self._booked(chunks, report, dry_run=dry_run)
        if not dry_run:
            self._book_stars(done)
        return report

    def _booked_of_the_sound(self, chunk: Chunk, report: Report) -> Done:
        """Book what came in, and set aside what has to do with a damaged passbook."""
        while True:
            try:
                return self._booked([chunk], report)
            except DamagedPassbookError as error:
                chunk, damaged = self._apart(chunk, error)
                if not damaged or len(damaged) + report.reasons[DAMAGED] > DAMAGED_MAX:
                    raise
                for row in damaged:
                    report.set_aside += 1
                    aside(row, report, self.put_aside)

    def _booked(self, chunks: Sequence[Chunk], report: Report, *, dry_run: bool = False) -> Done:
        """Book chunks in one transaction and tell of it; where somebody else was faster, again, on what they have left.

        Plugins are told before anything else can fail: run again, what was committed is nothing new.
        """
        for attempt in range(1, ATTEMPTS + 1):
            counted, done, rows = Report(), Done(), list[SetAside]()
            taking_in = self._taking_in(rows.append)
            try:
                with suppress(_Undo), self.ledger.writing() as writing:
                    done.alone = not writing.others_wrote()
                    keep_policy(writing, self.rulebook.policy)
                    for chunk in chunks:
                        done.extend(taking_in.chunk(writing, chunk, counted))
                    if dry_run:
                        raise _Undo
                break
            except (BusyError, RefusedError):
                # Where many write at once: to the same passbook, or the very record.
                if attempt == ATTEMPTS or not self.ledger.database.is_postgres:
                    raise
        if not dry_run:
            self._tell(done)
        for row in rows:
            self.put_aside(row)
        report.add(counted)
        return done

    def _apart(self, chunk: Chunk, error: DamagedPassbookError) -> tuple[Chunk, list[SetAside]]:
        """Return what has nothing to do with a damaged passbook, and what has, as it is set aside."""
        booked = {key for key, owner in self._owners(chunk).items() if owner == error.volunteer}

        def concerned(one: Reviewed | Withdrawn) -> bool:
            told_of = one.record.volunteer if isinstance(one, Reviewed) else ""
            return told_of == error.volunteer or (one.registry, one.id) in booked

        rows = [row_aside(one, "volunteer", DAMAGED, _meaning(error)) for one in chunk if concerned(one)]
        return [one for one in chunk if not concerned(one)], rows

    def _owners(self, some: Iterable[Reviewed | Withdrawn]) -> dict[Key, VolunteerId]:
        """Return in whose passbooks records of these ids are."""
        by_registry = ids_by_registry((one.registry, one.id) for one in some)
        if not by_registry:
            return {}
        with self.ledger.reading() as reading:
            return {
                (registry, id): owner
                for registry, ids in by_registry.items()
                for id, (owner, _county) in reading.owners(registry, ids).items()
            }

    def _register(self, people: Sequence[Volunteer], report: Report) -> None:
        """Keep what the registry says of some people, in one order, so that no two imports wait crosswise.

        Of whom the file is damaged is set aside.
        """
        some = sorted(people, key=lambda one: one.id)
        while True:
            try:
                report.volunteers_saved += self._written(partial(_register, some=some))
                return
            except DamagedPassbookError as error:
                damaged = [one for one in some if one.id == error.volunteer]
                if not damaged or report.reasons[DAMAGED] >= DAMAGED_MAX:
                    raise
                some = [one for one in some if one.id != error.volunteer]
                for one in damaged:
                    report.volunteers_set_aside += 1
                    row = volunteer_set_aside(self.registry, one, "id", DAMAGED, _meaning(error))
                    aside(row, report, self.put_aside)

    def _written(self, write: Callable[[Writing], T]) -> T:
        """Write under the rules in one transaction; where somebody else was faster, again."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self.ledger.writing() as writing:
                    keep_policy(writing, self.rulebook.policy)
                    return write(writing)
            except (BusyError, RefusedError):
                # Where many write at once: to the same passbook, or the very record.
                if attempt == ATTEMPTS or not self.ledger.database.is_postgres:
                    raise
        raise AssertionError("the last attempt writes or raises")

    def _book_stars(self, done: Done) -> None:
        """Book the points that stars have brought; where that cannot be, the next request does or a run."""
        with suppress(BusyError, DamagedPassbookError):
            book_stars(self.ledger, self.rulebook, done.people, self.on)

    def _tell(self, done: Done) -> None:
        """Let plugins know what has happened."""
        for assessment, entry in done.entries:
            self.host.tell("record_assessed", assessment=assessment, entry=entry)
        for found, before in done.changes:
            self.host.tell("star_reached", standing=found, star_before=before)

    @cached_property
    def _fetching(self) -> Fetching:
        return Fetching(self.host, self.rulebook, self.registry, self.on, self.put_aside, self.progress)

    def _taking_in(self, put_aside: Callable[[SetAside], None]) -> TakingIn:
        return TakingIn(self.rulebook, self.ledger, self.on, put_aside)


def _register(writing: Writing, some: Sequence[Volunteer]) -> int:
    return writing.save_volunteers(some)


def _meaning(error: DamagedPassbookError) -> tuple[tuple[str, str], ...]:
    return ("zh", error.meaning.zh), ("en", error.meaning.en)


class _Undo(Exception):
    """A dry run has seen everything; the transaction is given up."""


def _not_our_own(registry: str) -> None:
    """Refuse records of requests for service that no request has brought about."""
    if is_menu(registry):
        raise InvalidError(
            registry,
            f"登记系统“{registry}”留给本行的服务请求，不能由别处导入",
            f"the registry '{registry}' is kept for the bank's own requests for service; nothing is imported under it",
        )
