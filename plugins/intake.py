"""The life of a service record: fetch, object, policy, facts, match, assess, post, tell. One function, no way back.

Records are taken in chunks, grouped by person, and each person is folded once. A record that comes late, comes again
with other content, or is taken back changes what others are worth: `engine.recounting` says what is to be booked.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from datetime import date
from functools import cached_property
from itertools import chain, islice
from time import sleep
from typing import Any, NamedTuple

import orjson

from lianxing.engine.bank.closings import closings
from lianxing.engine.bank.crediting import credited, credits, needs_lots, new_in, others, said_at_withdrawal, said_in
from lianxing.engine.bank.keeping import keep_policy
from lianxing.engine.bank.lowering import lowerings_by, touches_in
from lianxing.engine.bank.passing import Passing, at_hand
from lianxing.engine.bank.star_points import book_stars
from lianxing.engine.bank.steps import REVIEW, asks_awards, awards_of, in_state, states_of, taken
from lianxing.engine.bank.tellers import ATTEMPTS
from lianxing.engine.bank.turning import turn_in
from lianxing.engine.basis import Lowering
from lianxing.engine.carrying import Folded, carry, folded, life_from, marked_day
from lianxing.engine.closings import OPEN
from lianxing.engine.explaining import kept_of
from lianxing.engine.freezing import HistoryNeededError
from lianxing.engine.garbage import collection_waits
from lianxing.engine.ledger.contents import content_of, hash_of
from lianxing.engine.ledger.drafts import Booking
from lianxing.engine.ledger.errors import BusyError, ConflictError, DamagedPassbookError, InvalidError, RefusedError
from lianxing.engine.ledger.holdings import WalletRows
from lianxing.engine.ledger.opening import Ledger
from lianxing.engine.ledger.reading import Held, Marks, Noted
from lianxing.engine.ledger.writing import Writing
from lianxing.engine.recounting import Change, Recount, as_counted
from lianxing.engine.rejoining import rejoined
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.standings import standing, standing_after
from lianxing.plugins.admitting import Admission, as_set_aside, is_value, withdrawal_set_aside
from lianxing.plugins.host import Host, PluginError
from lianxing.plugins.registries.reasons import ExportError
from lianxing.rules.assessments import Assessment, Entry
from lianxing.rules.facts import (
    CountyId,
    FactValue,
    RecordId,
    RegistryId,
    VolunteerId,
)
from lianxing.rules.objections import Objection
from lianxing.rules.records import ServiceRecord, SetAside, Volunteer, Withdrawn
from lianxing.rules.requests import is_menu
from lianxing.rules.standings import Counted, Standing

_Key = tuple[RegistryId, RecordId]
_Owner = tuple[VolunteerId, CountyId]

CHUNK_RECORDS = 50_000  # are read together, so that a person is folded once
AT_ONCE_RECORDS = 500  # are written in a transaction, so that whoever stands at a counter need not wait long,
PORTION_RECORDS = 250  # are sent to a server together: it writes them while the next are decided
LATE_PEOPLE = 100  # what is kept of so many people's folds is read at once, where records come late
ALONE_TIMES = 4  # and so many times as many as long as nobody does
DAMAGED = "damaged_passbook"  # why the records of somebody are set aside,
DAMAGED_MAX = 1_000  # up to so many of them: more have one cause, which an import does not go round
PAUSE_SECONDS = 0.002  # between transactions: whoever waits asks as often as this

Progress = Callable[[str, int], None]


@dataclass
class Report:
    """What became of everything that was read; `records_read` is the sum of the six numbers after it.

    A record is booked, corrected (booked before with other content), withdrawn (the registry took it back), unchanged
    (booked before with the same content), withheld (a plugin objects), or set aside. Of those booked or corrected,
    `refused` were booked with nothing, because a clause refuses them, and `held` wait.
    `adjusted` counts earlier records whose worth a late one changed, some of them booked under another policy;
    `earlier` were before the day asked for; `stars_of` holds the star of everybody who had a new record.
    """

    records_read: int = 0
    booked: int = 0
    corrected: int = 0
    withdrawn: int = 0
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

    @property
    def taken_in(self) -> int:
        """How many records the ledger knows now as they were handed over."""
        return self.booked + self.corrected + self.withdrawn + self.unchanged

    def add(self, other: Report) -> None:
        """Count what another report has counted, too."""
        for one in fields(self):
            mine, theirs = getattr(self, one.name), getattr(other, one.name)
            if isinstance(mine, dict):
                mine.update(theirs)  # a Counter adds
            else:
                setattr(self, one.name, mine + theirs)

    def data(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return {
            "records_read": self.records_read,
            "booked": self.booked,
            "corrected": self.corrected,
            "withdrawn": self.withdrawn,
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

        A few hundred records are one transaction, more while nobody else writes, all that came of a person in the same
        one; what was committed stays, and running again finds it booked.
        """
        _not_our_own(self.registry)
        report = Report()
        fetched = self._since(since, report)
        chunks = _chunks(self._reviewed(fetched, report), CHUNK_RECORDS)
        if dry_run:
            with suppress(_Undo), self.ledger.writing() as writing:
                self._begin(writing, report)
                for chunk in chunks:
                    self._chunk(writing, chunk, report)
                    self.progress("assessed", report.taken_in)
                raise _Undo
            return report
        with self.ledger.writing() as writing:
            self._begin(writing, report)
        with collection_waits() as look_for_garbage:
            for chunk in chunks:
                self._in_transactions(chunk, report)
                if len(chunk) >= CHUNK_RECORDS:  # there is more to come
                    look_for_garbage()
        with self.ledger.writing() as writing:
            writing.save_import_run(self.rulebook.policy.county.id, self.registry, orjson.dumps(report.data()))
        return report

    def _in_transactions(self, chunk: _Chunk, report: Report) -> None:
        """Book a chunk in several transactions: fewer where nobody else writes."""
        alone = True
        groups = _by_person(chunk, AT_ONCE_RECORDS)
        for first in groups:
            more = islice(groups, ALONE_TIMES - 1 if alone else 0)
            done = self._booked_of_the_sound([*first, *chain.from_iterable(more)], report)
            self._book_stars(done)
            self._tell(done)
            self.progress("booked", report.taken_in)
            alone = alone and done.alone
            sleep(PAUSE_SECONDS)

    def take(self, records: Iterable[ServiceRecord | Withdrawn | SetAside], *, dry_run: bool = False) -> Report:
        """Take in a few records at once, in one transaction; nothing is fetched and no run is noted.

        With `dry_run` nothing is kept and nobody is told. BusyError where others are writing all the time: try again.
        DamagedPassbookError where one of the passbooks was changed by hand: nothing is taken in.
        """
        report = Report()
        chunks = list(_chunks(self._reviewed(records, report), CHUNK_RECORDS))
        done = self._booked(chunks, report, dry_run=dry_run)
        if not dry_run:
            self._book_stars(done)
            self._tell(done)
        return report

    def _booked_of_the_sound(self, chunk: _Chunk, report: Report) -> _Done:
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
                    self._aside(row, report)

    def _booked(self, chunks: Sequence[_Chunk], report: Report, *, dry_run: bool = False) -> _Done:
        """Book chunks in one transaction; where somebody else was faster, again, on what they have left."""
        for attempt in range(1, ATTEMPTS + 1):
            counted, done, aside = Report(), _Done(), list[SetAside]()
            trying = replace(self, put_aside=aside.append)
            try:
                with suppress(_Undo), self.ledger.writing() as writing:
                    done.alone = not writing.others_wrote()
                    keep_policy(writing, self.rulebook.policy)
                    for chunk in chunks:
                        done.extend(trying._chunk(writing, chunk, counted))
                    if dry_run:
                        raise _Undo
                break
            except (BusyError, RefusedError):
                # Where many write at once: to the same passbook, or the very record.
                if attempt == ATTEMPTS or not self.ledger.database.is_postgres:
                    raise
        for row in aside:
            self.put_aside(row)
        report.add(counted)
        return done

    def _apart(self, chunk: _Chunk, error: DamagedPassbookError) -> tuple[_Chunk, list[SetAside]]:
        """Return what has nothing to do with a damaged passbook, and what has, as it is set aside."""
        by_registry = _by_registry((one.registry, one.id) for one in chunk)
        with self.ledger.reading() as reading:
            booked = {
                (registry, id)
                for registry, ids in by_registry.items()
                for id, (owner, _county) in reading.owners(registry, ids).items()
                if owner == error.volunteer
            }

        def concerned(one: _Reviewed | Withdrawn) -> bool:
            told_of = one.record.volunteer if isinstance(one, _Reviewed) else ""
            return told_of == error.volunteer or (one.registry, one.id) in booked

        why = (("zh", error.meaning.zh), ("en", error.meaning.en))
        aside = [_row_aside(one, "volunteer", DAMAGED, why) for one in chunk if concerned(one)]
        return [one for one in chunk if not concerned(one)], aside

    def _begin(self, writing: Writing, report: Report) -> None:
        self._volunteers(writing, report)
        self._save_policy(writing)

    def _save_policy(self, writing: Writing) -> None:
        policy = self.rulebook.policy
        content = orjson.dumps(kept_of(policy), option=orjson.OPT_SORT_KEYS)
        writing.save_policy(policy.digest, policy.county.id, policy.county.label.zh or policy.county.label.en, content)

    def _book_stars(self, done: _Done) -> None:
        """Book the points that stars have brought; where that cannot be, the next request does or a run."""
        with suppress(BusyError, DamagedPassbookError):
            book_stars(self.ledger, self.rulebook, done.people, self.on)

    def _tell(self, done: _Done) -> None:
        """Let plugins know what has happened."""
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
                elif not isinstance(found, Volunteer):
                    raise PluginError(self.registry, f"hands over {type(found).__name__}, not volunteers")
                elif (unfit := self._admission.volunteer(self.registry, found)) is not None:
                    report.volunteers_set_aside += 1
                    self._aside(unfit, report)
                else:
                    yield found

        report.volunteers_saved = writing.save_volunteers(saved())

    def _aside(self, row: SetAside, report: Report) -> None:
        report.reasons[row.reason] += 1
        self.put_aside(row)

    def _reviewed(
        self, records: Iterable[ServiceRecord | Withdrawn | SetAside], report: Report
    ) -> Iterator[_Reviewed | Withdrawn]:
        """Yield the records that nobody objects to, with the facts that plugins supply; and what is taken back."""
        supplying = bool(self.host.implementations("supply_facts"))
        reviewing = bool(self.host.implementations("review_record"))
        own = frozenset(fact.name for fact in self.host.words()) if supplying else frozenset[str]()
        for found in records:
            report.records_read += 1
            if report.records_read % 1000 == 0:
                self.progress("read", report.records_read)
            if not isinstance(found, ServiceRecord | Withdrawn | SetAside):
                raise PluginError(self.registry, f"hands over {type(found).__name__}, not service records")
            content: bytes | SetAside | None
            if isinstance(found, SetAside):
                content = found
            elif isinstance(found, Withdrawn):
                content = self._admission.withdrawal(found)
            else:
                content = self._admission.content(found)
            if isinstance(content, SetAside):
                report.set_aside += 1
                self._aside(content, report)
                continue
            if isinstance(found, Withdrawn):
                yield found
                continue
            assert isinstance(found, ServiceRecord)
            assert content is not None
            objections = list(self.host.ask("review_record", record=found)) if reviewing else []
            if objections:
                report.withheld += 1
                name, objection = objections[0]
                if not isinstance(objection, Objection):
                    raise PluginError(name, f"review_record gives {type(objection).__name__}, not an Objection")
                self._aside(_withheld(found, name, objection), report)
                continue
            yield _Reviewed(found, self._supplied(found, own) if supplying else {}, content, hash_of(content))

    def _since(self, since: date | None, report: Report) -> Iterator[ServiceRecord | Withdrawn | SetAside]:
        """Yield what the registry hands over of the day `since` and later, whether it keeps to it or not."""
        for found in self._fetched("fetch_records", county=self.rulebook.policy.county.id, since=since):
            if isinstance(found, Withdrawn) and is_menu(found.registry):
                yield withdrawal_set_aside(found, "registry", "own_registry")
            elif since is not None and isinstance(found, ServiceRecord) and _is_before(found, since):
                report.earlier += 1
            else:
                yield found

    @cached_property
    def _admission(self) -> Admission:
        return Admission(self.rulebook.policy, self.on)

    def _supplied(self, record: ServiceRecord, own: frozenset[str]) -> dict[str, FactValue]:
        """Return what plugins say of a record: values of words that a plugin registered, and of no others."""
        supplied: dict[str, FactValue] = {}
        for name, facts in self.host.ask("supply_facts", record=record):
            if not isinstance(facts, Mapping):
                raise PluginError(name, f"supply_facts gives {type(facts).__name__}, not a mapping")
            for word, value in facts.items():
                fact = self.rulebook.policy.facts.get(word)
                if word not in own or fact is None or not is_value(fact, value):
                    raise PluginError(name, f"supplies '{word}', which no plugin registered, or not of its type")
                supplied[word] = value
        return supplied

    # --- a chunk, one transaction --------------------------------------------------------------------------------

    @collection_waits()
    def _chunk(self, writing: Writing, chunk: _Chunk, report: Report) -> _Done:
        people: dict[VolunteerId, list[Change]] = defaultdict(list)
        known_hashes = _hashes(writing, ((one.registry, one.id) for one in chunk))
        for owner, change in self._changes(writing, chunk, known_hashes, report):
            people[owner].append(change)
        county = self.rulebook.policy.county.id
        owners = [(id, county) for id in people]
        found = closings(writing, county, people)
        beside = others(self.rulebook, _organisations(people)) if credits(self.rulebook) else []
        heirs = [closed.heir for one in found.values() for closed in one.all if closed.heir]
        writing.lock({*owners, *((id, county) for id in (*beside, *heirs))})
        if self.ledger.database.is_postgres:  # whoever held a passbook meanwhile may have booked the very record
            keys = {change.record.key for changes in people.values() for change in changes}
            if _hashes(writing, keys) != {key: known_hashes[key] for key in keys & known_hashes.keys()}:
                raise _overtaken(self.ledger.place)
        if credits(self.rulebook):
            turn_in(writing, self.rulebook, people, self.on)
        done, known = _Done(), self._known(writing, people)
        crediting = self._crediting(writing, people, known, beside) if credits(self.rulebook) else None
        with writing.streaming():
            for some in _portions(people) if self.ledger.database.is_postgres else [people]:
                already = len(done.recounts)
                self._assess(writing, known, some, done, report)
                done.entries += self._entries(writing, done.recounts[already:], crediting)
            if crediting is not None:
                writing.enter(crediting.passing.taken())
            writing.save_fold_states(county, self.rulebook.policy.digest, done.states)
            writing.save_fold_marks(county, self.rulebook.policy.digest, done.marks)
        return done

    def _known(self, writing: Writing, people: Mapping[VolunteerId, Sequence[Change]]) -> _Known:
        """Read what is known of people before what has come of them is looked at."""
        county, policy = self.rulebook.policy.county.id, self.rulebook.policy
        owners = [(id, county) for id in people]
        touches = touches_in(writing, self.rulebook, owners)
        notes = writing.notes(owners, REVIEW) if asks_awards(policy) else {}
        reviews = {id: said for (id, _county), said in notes.items() if said}
        lowerings = {id: lowerings_by(self.rulebook, touched) for (id, _county), touched in touches.items()}
        states = writing.fold_states(county, policy.digest, people)
        whole = [id for id in people if id not in states or reviews.get(id) or lowerings.get(id)]
        histories = writing.histories(county, whole)
        return _Known(
            writing.volunteers(people), states, reviews, lowerings, {id: histories.get(id, []) for id in whole}
        )

    def _assess(
        self,
        writing: Writing,
        known: _Known,
        people: Mapping[VolunteerId, list[Change]],
        done: _Done,
        report: Report,
    ) -> None:
        """Fold people, each from the state or the mark that is kept where that is possible, else from the beginning."""
        left: dict[VolunteerId, list[Change]] = {}
        late: dict[VolunteerId, date] = {}
        for id, changes in people.items():
            writing.push()
            if id in known.histories:
                left[id] = changes
            elif not self._goes_on(known.person(id), known.states[id], changes, done, report):
                late[id] = min(change.record.day for change in changes)
        county, digest = self.rulebook.policy.county.id, self.rulebook.policy.digest
        for some in _some(late, LATE_PEOPLE):
            for id, marks in writing.fold_marks(county, digest, some).items():
                person, changes = known.person(id), people[id]
                if not self._goes_back(writing, person, known.states[id], marks, changes, done, report):
                    left[id] = changes
        more = [id for id in left if id not in known.histories]
        histories = known.histories | (writing.histories(county, more) if more else {})
        for id, changes in left.items():
            writing.push()
            self._person(known, id, histories.get(id, []), changes, done, report)

    def _entries(
        self, writing: Writing, found: Sequence[_Of], crediting: _Crediting | None
    ) -> Iterator[tuple[Assessment, Entry]]:
        """Book what some people's records have come to; yield what was assessed, with its entry."""
        bookings = [b for one in found for b in one.found.bookings] if crediting is None else crediting.of(found)
        assessments = [assessment for one in found for assessment in one.found.assessments]
        # What is taken back comes first: the same record may go to somebody else in this chunk.
        order = sorted(range(len(bookings)), key=lambda at: bookings[at].kind != "withdrawn")
        entries = writing.book([bookings[at] for at in order])
        for at, entry in zip(order, entries, strict=True):
            assessment = assessments[at]
            if assessment is not None:
                yield assessment, entry

    def _crediting(
        self, writing: Writing, people: Mapping[VolunteerId, list[Change]], known: _Known, beside: list[VolunteerId]
    ) -> _Crediting:
        """Return how bookings do to the accounts what the records are worth to them."""
        policy, county = self.rulebook.policy, self.rulebook.policy.county.id
        owners = [(id, county) for id in people]
        # Lots are told from each other only where something is taken back, or may have ended in a limited account.
        always = needs_lots(policy, ())
        rows = writing.wallet_rows(owners, lots=always)
        balances = writing.balances_of(owners)
        passing = at_hand(writing, self.rulebook, beside, self.on)
        closed = closings(writing, county, people)
        keys = {(id, county): {change.record.key for change in changes} for id, changes in people.items()}
        withdrawn = said_at_withdrawal(writing, self.rulebook, keys)

        def of(found: Sequence[_Of]) -> list[Booking]:
            whole = [(one.person, county) for one in found if needs_lots(policy, one.found.bookings)]
            if whole and not always:
                rows.update(writing.wallet_rows(whole))
            told = [
                (
                    one,
                    said_in(
                        writing,
                        self.rulebook,
                        (one.person, county),
                        one.found,
                        withdrawn.get((one.person, county), {}),
                    ),
                    new_in(writing, self.rulebook, one.found),
                )
                for one in found
            ]
            bookings: list[Booking] = []
            for one, said, new in told:
                writing.push()
                owner = (one.person, county)
                bookings += credited(
                    self.rulebook,
                    known.person(one.person),
                    one.found,
                    rows.get(owner, WalletRows()),
                    balances.get(owner, {}),
                    writing.number(owner),
                    self.on,
                    passing,
                    closed.get(one.person, OPEN),
                    said,
                    new,
                )
            return bookings

        return _Crediting(passing, of)

    def _changes(
        self, writing: Writing, chunk: _Chunk, known: Mapping[_Key, str], report: Report
    ) -> Iterator[tuple[VolunteerId, Change]]:
        """Yield what is new about whose records; what is known already, or out of date, is counted."""
        by_registry: dict[RegistryId, list[RecordId]] = defaultdict(list)
        for one in chunk:
            if known.get((one.registry, one.id), one.hashed) != one.hashed:
                by_registry[one.registry].append(one.id)
        booked = dict(known)
        versions: dict[_Key, set[str]] = {}
        owners: dict[_Key, _Owner] = {}
        states: dict[_Key, list[str]] = {}
        for registry, again in by_registry.items():
            versions |= {(registry, id): hashes for id, hashes in writing.version_hashes(registry, again).items()}
            owners_again = writing.owners(registry, again)
            owners |= {(registry, id): owner for id, owner in owners_again.items()}
            states |= {(registry, id): said for id, said in _states(writing, registry, owners_again).items()}
        for one in chunk:
            key = (one.registry, one.id)
            if key in states and isinstance(one, _Reviewed):
                one, hashes = _as_reviewed(one, states[key])
                if not hashes.isdisjoint(versions[key]):
                    versions[key].add(one.hashed)
            if key not in booked:
                if isinstance(one, Withdrawn):
                    report.set_aside += 1
                    self._aside(_not_booked(one), report)
                    continue
                booked[key] = one.hashed
                report.booked += 1
                yield one.record.volunteer, Change(one.record, one.supplied, content=one.content)
            elif booked[key] == one.hashed:
                report.unchanged += 1
            else:
                for change in self._changed(one, versions.get(key, set()), owners.get(key), writing, report):
                    booked[key] = one.hashed  # delivered twice, it is known by then
                    yield change

    def _changed(
        self,
        one: _Reviewed | Withdrawn,
        versions: set[str],
        owner: tuple[VolunteerId, CountyId] | None,
        writing: Writing,
        report: Report,
    ) -> Iterator[tuple[VolunteerId, Change]]:
        """Yield what becomes of a record that is booked with other content."""
        if owner is None or owner[1] != self.rulebook.policy.county.id:
            report.set_aside += 1
            self._aside(_row_aside(one, "county", "booked_elsewhere"), report)
        elif isinstance(one, Withdrawn):
            report.withdrawn += 1
            held = next(iter(writing.held(one.id, one.registry)), None)
            if held is None:
                raise _overtaken(self.ledger.place)
            yield owner[0], Change(held.record, held.supplied, withdrawn=True, actor=one.actor, reason=one.reason)
        elif one.hashed in versions:
            report.set_aside += 1
            self._aside(as_set_aside(one.record, "id", "older_version"), report)
        else:
            report.corrected += 1
            if owner[0] != one.record.volunteer:  # it was booked for somebody else
                for held in writing.held(one.id, one.registry):
                    yield owner[0], Change(held.record, held.supplied, withdrawn=True, reason="moved")
            yield one.record.volunteer, Change(one.record, one.supplied, again=True, content=one.content)

    def _person(
        self,
        known: _Known,
        id: VolunteerId,
        held: list[Held],
        changes: list[Change],
        done: _Done,
        report: Report,
    ) -> None:
        """Fold one person; note what is to be booked for the changes and for the records that they change."""
        person, state = known.person(id), known.states.get(id)
        reviews, lowerings = known.reviews.get(id, ()), known.lowerings.get(id, ())
        found = folded(self.rulebook, person, held, changes)
        assert found is not None
        self._fold(person, found, changes, done, report)
        if self.rulebook.policy.stars is None:
            return
        if reviews or lowerings:
            before = [as_counted(one) for one in sorted(held, key=lambda one: one.record.order)]
            star_before = self._stands(person, before, reviews, lowerings).star_held if before else 0
            after = self._stands(person, found.recount.after, reviews, lowerings)
        else:
            star_before = self._star_before(person, held, state)
            after = standing_after(self.rulebook, person, found.life, self.on)
        self._star(after, star_before, done, report)

    def _star_before(self, person: Volunteer, held: list[Held], state: bytes | None) -> int:
        """Return the star held before anything came, from the state that was kept where there is one."""
        if not held:
            return 0
        life = None if state is None else life_from(self.rulebook, person, state, self.on)
        if life is not None:
            with suppress(HistoryNeededError):
                return standing_after(self.rulebook, person, life, self.on).star_held
        before = [as_counted(one) for one in sorted(held, key=lambda one: one.record.order)]
        return standing(self.rulebook, person, before, self.on).star_held

    def _goes_back(
        self,
        writing: Writing,
        person: Volunteer,
        state: bytes,
        marks: Marks,
        changes: list[Change],
        done: _Done,
        report: Report,
    ) -> bool:
        """Go on with a person from a mark before all that comes late; tell whether that was possible."""
        if any(change.again or change.withdrawn for change in changes):
            return False
        mark, later = marks
        life = life_from(self.rulebook, person, state, self.on) if mark is not None or later else None
        if life is None:
            return False

        def read(since: date | None, until: date) -> list[Held]:
            return writing.history_since(self.rulebook.policy.county.id, person.id, since or date.min, until)

        found = rejoined(self.rulebook, person, changes, mark, later, state, read)
        day = None if mark is None or found is not None else marked_day(mark)
        if day is not None:
            found = folded(self.rulebook, person, read(day, date.max), changes, mark)
        if found is None:
            return False
        stars = self.rulebook.policy.stars is not None
        try:
            both = [standing_after(self.rulebook, person, one, self.on) for one in (life, found.life)] if stars else []
        except HistoryNeededError:
            return False
        self._fold(person, found, changes, done, report)
        if both:
            self._star(both[1], both[0].star_held, done, report)
        return True

    def _fold(self, person: Volunteer, found: Folded, changes: list[Change], done: _Done, report: Report) -> None:
        self._note(person, found.recount, changes, done, report)
        done.states.append((person.id, found.state))
        done.marks += [(person.id, *mark) for mark in found.marks]

    def _stands(
        self,
        person: Volunteer,
        history: list[Counted],
        reviews: Sequence[Noted],
        lowerings: Sequence[Lowering],
    ) -> Standing:
        awards = awards_of(self.rulebook, person, history, reviews, lowerings)
        return standing(self.rulebook, person, history, self.on, awards, lowerings)

    def _goes_on(self, person: Volunteer, state: bytes, changes: list[Change], done: _Done, report: Report) -> bool:
        """Go on with a person from the state of their fold; tell whether that was possible."""
        stars = self.rulebook.policy.stars is not None
        carried = carry(self.rulebook, person, state, changes, self.on, standings=stars)
        if carried is None:
            return False
        self._note(person, carried.recount, changes, done, report)
        done.states.append((person.id, carried.state))
        if carried.mark is not None:
            done.marks.append((person.id, *carried.mark))
        if carried.before is not None and carried.after is not None:
            self._star(carried.after, carried.before.star_held, done, report)
        return True

    def _note(self, person: Volunteer, found: Recount, changes: list[Change], done: _Done, report: Report) -> None:
        changed = {change.record.key for change in changes}
        for booking, assessment in zip(found.bookings, found.assessments, strict=True):
            report.seconds += booking.seconds
            report.points += booking.points
            if assessment is not None and booking.record.key in changed:
                report.held += assessment.pending is not None
                report.refused += not assessment.counted and assessment.pending is None
            if booking.kind == "adjusting":
                report.adjusted += 1
                before = found.before[booking.record.key]
                report.adjusted_by_another_policy += before.policy_digest != booking.policy_digest
        done.recounts.append(_Of(person.id, found))

    def _star(self, found: Standing, star_before: int, done: _Done, report: Report) -> None:
        report.stars_of[found.volunteer] = found.star_held
        if found.star_held != star_before:
            report.star_changes += 1
            done.changes.append((found, star_before))


class _Reviewed(NamedTuple):
    """A record that nobody objects to, the facts that plugins supply, its content and the hash of it."""

    record: ServiceRecord
    supplied: Mapping[str, FactValue]
    content: bytes
    hashed: str

    @property
    def id(self) -> RecordId:
        return self.record.id

    @property
    def registry(self) -> RegistryId:
        return self.record.registry


def _hashes(writing: Writing, keys: Iterable[_Key]) -> dict[_Key, str]:
    """Return the hash of the newest content of each of these records that the ledger holds."""
    return {
        (registry, id): hashed
        for registry, ids in _by_registry(keys).items()
        for id, hashed in writing.content_hashes(registry, ids).items()
    }


def _by_registry(keys: Iterable[_Key]) -> dict[RegistryId, list[RecordId]]:
    found: dict[RegistryId, list[RecordId]] = defaultdict(list)
    for registry, id in keys:
        found[registry].append(id)
    return found


def _states(writing: Writing, registry: RegistryId, owners: Mapping[RecordId, _Owner]) -> dict[RecordId, list[str]]:
    """Return the states that reviews have seen these records in, in their order; what was not reviewed is left out."""
    found: dict[RecordId, list[str]] = {}
    notes = writing.notes(set(owners.values()), REVIEW)
    for id, owner in owners.items():
        if owner in notes:
            steps = list(taken(owner[0], notes[owner]))
            for held in writing.held(id, registry):
                found |= {id: states} if (states := states_of(held, steps)) else {}
    return found


def _as_reviewed(one: _Reviewed, states: Sequence[str]) -> tuple[_Reviewed, frozenset[str]]:
    """Return what came in with the state that its review came to, and the hashes under which it may be known.

    How far a record has come its review has said; what its registry says of that is not heard any more.
    """
    versions = [in_state(one.record, state) for state in states]
    contents = [content_of(record) for record in versions]
    hashes = [hash_of(content) for content in contents]
    return _Reviewed(versions[-1], one.supplied, contents[-1], hashes[-1]), frozenset((one.hashed, *hashes))


_Chunk = list[_Reviewed | Withdrawn]


class _Of(NamedTuple):
    """What a person's records have come to."""

    person: VolunteerId
    found: Recount


class _Known(NamedTuple):
    """What is known of people before what has come of them is looked at.

    `histories` are of those who cannot go on from a state, `states`: where the others' folds stand.
    """

    volunteers: Mapping[VolunteerId, Volunteer]
    states: Mapping[VolunteerId, bytes]
    reviews: Mapping[VolunteerId, Sequence[Noted]]
    lowerings: Mapping[VolunteerId, Sequence[Lowering]]
    histories: dict[VolunteerId, list[Held]]

    def person(self, id: VolunteerId) -> Volunteer:
        return self.volunteers.get(id, Volunteer(id))


class _Crediting(NamedTuple):
    """How bookings do to the accounts what the records are worth, and what that does to others."""

    passing: Passing
    of: Callable[[Sequence[_Of]], list[Booking]]


class _Undo(Exception):
    """A dry run has seen everything; the transaction is given up."""


@dataclass
class _Done:
    """What one chunk has come to: what is to be booked of each person, then entries, and stars that changed.

    `people` are those of whose records any changed, `alone`: nobody else has written to the ledger since the last one.
    """

    recounts: list[_Of] = field(default_factory=list)
    entries: list[tuple[Assessment, Entry]] = field(default_factory=list)
    changes: list[tuple[Standing, int]] = field(default_factory=list)
    states: list[tuple[VolunteerId, bytes]] = field(default_factory=list)
    marks: list[tuple[VolunteerId, date, bytes]] = field(default_factory=list)
    people: list[VolunteerId] = field(default_factory=list)
    alone: bool = True

    def extend(self, other: _Done) -> None:
        self.entries += other.entries
        self.changes += other.changes
        self.people += (one.person for one in other.recounts)


def _chunks(changes: Iterable[_Reviewed | Withdrawn], size: int) -> Iterator[_Chunk]:
    """Yield what came in, in lists that hold a record once: each version of it is booked by itself, in its order."""
    chunk: _Chunk = []
    seen: dict[_Key, str] = {}
    for one in changes:
        key = (one.registry, one.id)
        if len(chunk) >= size or seen.get(key, one.hashed) != one.hashed:
            yield chunk
            chunk, seen = [], {}
        chunk.append(one)
        seen[key] = one.hashed
    if chunk:
        yield chunk


def _portions(people: Mapping[VolunteerId, list[Change]]) -> Iterator[dict[VolunteerId, list[Change]]]:
    """Yield people in the portions that are sent to the database at once.

    All in one where anything is taken back: that comes first, for the same record may go to somebody else.
    """
    at_once = PORTION_RECORDS
    if any(change.withdrawn for changes in people.values() for change in changes):
        at_once = sum(map(len, people.values()))
    some: dict[VolunteerId, list[Change]] = {}
    waiting = 0
    for id, changes in people.items():
        some[id] = changes
        waiting += len(changes)
        if waiting >= at_once:
            yield some
            some, waiting = {}, 0
    if some:
        yield some


def _by_person(chunk: Sequence[_Reviewed | Withdrawn], size: int) -> Iterator[list[_Reviewed | Withdrawn]]:
    """Yield what came in, what is of one person together, in lists of about so many; few stay in their order."""
    if len(chunk) <= size:
        yield list(chunk)
        return
    people: dict[VolunteerId | None, list[_Reviewed | Withdrawn]] = defaultdict(list)
    for one in chunk:
        people[one.record.volunteer if isinstance(one, _Reviewed) else None].append(one)
    some: list[_Reviewed | Withdrawn] = []
    for of_person in people.values():
        some += of_person
        if len(some) >= size:
            yield some
            some = []
    if some:
        yield some


def _some(days: Mapping[VolunteerId, date], size: int) -> Iterator[dict[VolunteerId, date]]:
    """Yield people with their days, so many at once."""
    coming = iter(days.items())
    while some := dict(islice(coming, size)):
        yield some


def _organisations(people: Mapping[VolunteerId, list[Change]]) -> list[str]:
    """Return for which organisations service was done that changes."""
    return sorted({change.record.organisation for changes in people.values() for change in changes})


def _withheld(record: ServiceRecord, plugin: str, objection: Objection) -> SetAside:
    said = objection.sentence
    details = (("plugin", plugin), ("objection", objection.reason), ("zh", said.zh), ("en", said.en))
    return as_set_aside(record, "id", "withheld", details)


def _not_booked(taken_back: Withdrawn) -> SetAside:
    return withdrawal_set_aside(taken_back, "id", "not_booked")


def _is_before(record: ServiceRecord, since: date) -> bool:
    return type(record.day) is date and record.day < since


def _overtaken(place: str) -> ConflictError:
    zh, en = (
        "另一程序刚刚撤回或转移了同一记录，请重试",
        "somebody else has just taken back or moved the record; try again",
    )
    return ConflictError(place, zh, en)


def _not_our_own(registry: str) -> None:
    """Refuse records of requests for service that no request has brought about."""
    if is_menu(registry):
        raise InvalidError(
            registry,
            f"登记系统“{registry}”留给本行的服务请求，不能由别处导入",
            f"the registry '{registry}' is kept for the bank's own requests for service; nothing is imported under it",
        )


def _row_aside(
    one: _Reviewed | Withdrawn, heading: str, reason: str, details: tuple[tuple[str, str], ...] = ()
) -> SetAside:
    if isinstance(one, _Reviewed):
        return as_set_aside(one.record, heading, reason, details)
    return withdrawal_set_aside(one, heading, reason, details)
