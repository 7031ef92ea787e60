"""What one write transaction can do: write entries, and keep what they rest on. All of it commits, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, NoReturn

from sqlalchemy import Connection, Table, bindparam, func, select, update

from lianxing.engine.ledger import batching, holdings
from lianxing.engine.ledger.chaining import GENESIS, policy_hash
from lianxing.engine.ledger.checking import (
    already_booked,
    check_bytes,
    check_draft,
    check_text,
    drafts_of,
    person_body,
    volunteer_row,
)
from lianxing.engine.ledger.chunking import chunks
from lianxing.engine.ledger.contents import check_id, check_whole, content_of, hash_of
from lianxing.engine.ledger.drafts import ENDED, REGISTERED, Booking, Draft
from lianxing.engine.ledger.entries import of_the_calendar
from lianxing.engine.ledger.errors import ConflictError, RefusedError, SoldOutError
from lianxing.engine.ledger.reading import Reading
from lianxing.engine.ledger.rows import Book, Row, Rows
from lianxing.engine.ledger.tables import (
    balance,
    command,
    entry,
    floor_change,
    fold_mark,
    fold_state,
    hold,
    import_run,
    lot,
    lot_end,
    lot_move,
    passbook,
    passbook_ids,
    policy,
    posting,
    record_key,
    redemption,
    service_record,
    stock,
    stock_move,
    volunteer,
    wallet_state,
)
from lianxing.rules.assessments import Entry
from lianxing.rules.facts import CountyId, RecordId, RegistryId, VolunteerId
from lianxing.rules.records import Volunteer

__all__ = ["Booking", "Writing"]

_Owner = tuple[VolunteerId, CountyId]

SECONDS_AHEAD_MAX = 58  # of a policy's first use: less than clocks may be apart


class Writing(Reading):
    """The one write transaction of a ledger, from `Ledger.writing()`; sees its own changes.

    `book` and `enter` are all or nothing by themselves: after an error the transaction goes on as if they had not been
    called.
    """

    def __init__(
        self, connection: Connection, place: str, now: int, kept_policies: dict[str, str] | None = None
    ) -> None:
        """`kept_policies` remembers, from one transaction to the next, the hashes of policies that are committed."""
        self._stream: batching.Sending | None = None
        super().__init__(connection, place)
        self._kept_policies = {} if kept_policies is None else kept_policies
        self._new_policies: set[str] = set()  # not committed yet
        check_whole(now, "clock", place)
        self.now = now
        self._last_id: int | None = None
        self._spare_ids: list[int] = []  # of passbooks to be opened
        self._new_keys: set[tuple[RecordId, RegistryId]] = set()
        self._forget()

    def book(self, bookings: Sequence[Booking]) -> list[Entry]:
        """Book records in the given order and return the entries.

        InvalidError for a value that no ledger can hold, AlreadyBookedError for a second original of a record,
        RefusedError for an adjustment of anything but the original of the same record, or a policy never saved.
        """
        drafts = drafts_of(bookings)
        return self._entered(drafts, lambda: self._check_adjusting(bookings))

    def enter(self, drafts: Sequence[Draft], *, last: bool = False) -> list[Entry]:
        """Write entries in the given order and return them, numbered upwards in each passbook.

        The `last` of a transaction: after an error nothing of it can be kept. InvalidError for a value that no ledger
        can hold; SoldOutError where the stock does not reach; ConflictError where somebody else wrote to a passbook
        meanwhile: begin the transaction again.
        """
        for draft in drafts:
            check_draft(draft)
        return self._enter(drafts) if last else self._entered(drafts, lambda: None)

    @contextmanager
    def streaming(self) -> Iterator[None]:
        """Let a server write what is entered while the next is decided; at the end all of it is written, or nothing.

        Whatever is read within waits until all that was sent is done. Errors may come as late as the end.
        """
        sent: list[Draft] = []
        self._spare_ids += self._new_ids(len(self._locked - self._books.keys()))  # asked for once, not in between
        with self._all_or_nothing(sent):
            try:
                with batching.sending(self._own_connection) as self._stream:
                    self._streamed = sent
                    yield
            finally:
                self._stream = None

    def push(self) -> None:
        """Within `streaming`, hand on what could not be sent at once; to be called now and then."""
        if self._stream is not None:
            self._stream.push()

    def _entered(self, drafts: Sequence[Draft], check: Callable[[], None]) -> list[Entry]:
        if self._stream is not None:
            self._streamed += drafts
            check()
            return self._enter(drafts)
        with self._all_or_nothing(drafts):
            check()
            return self._enter(drafts)

    @contextmanager
    def _all_or_nothing(self, drafts: Sequence[Draft]) -> Iterator[None]:
        try:
            with self._connection.begin_nested():
                yield
        except _TakenError:
            self._forget()
            self._explain_refusal(drafts)
        except BaseException:
            self._forget()  # what was remembered of passbooks is no longer so
            raise

    @contextmanager
    def _sending(self) -> Iterator[batching.Sending]:
        if self._stream is not None:
            yield self._stream
            return
        with batching.sending(self._connection) as sent:
            yield sent

    @property
    def _connection(self) -> Connection:
        """The connection, once it has done all that was sent."""
        if self._stream is not None:
            self._stream.rest()
        return self._own_connection

    @_connection.setter
    def _connection(self, connection: Connection) -> None:
        self._own_connection = connection

    def save_volunteers(self, volunteers: Iterable[Volunteer]) -> int:
        """Keep what the registry says of people today, with an entry in each person's file; return how many changed."""
        changed = 0
        for chunk in chunks(volunteers):
            rows = {person.id: volunteer_row(person) for person in chunk}
            known = {
                row[0]: tuple(row)
                for row in self._connection.execute(select(volunteer).where(volunteer.c.id.in_(list(rows))))
            }
            new = [row for key, row in rows.items() if key not in known]
            changes = [row for key, row in rows.items() if key in known and known[key] != row]
            drafts = [self._registered(row) for row in (*new, *changes)]
            self._entered(drafts, partial(self._keep_people, new, changes))
            changed += len(drafts)
        return changed

    def _keep_people(self, new: Sequence[Row], changes: Sequence[Row]) -> None:
        with self._sending() as sent:
            self._open(sent, volunteer, new)
        if changes:
            self._connection.execute(
                update(volunteer)
                .where(volunteer.c.id == bindparam("key"))
                .values({name: bindparam(name) for name in ("facts", "registered_on", "born_on")}),
                [dict(zip(("key", "facts", "registered_on", "born_on"), row, strict=True)) for row in changes],
            )

    def _registered(self, row: Row) -> Draft:
        return Draft(
            kind=REGISTERED,
            volunteer=VolunteerId(str(row[0])),
            county=CountyId(""),
            effective_on=utc_day(self.now),
            policy_digest=None,
            body=person_body(row),
        )

    def save_policy(self, digest: str, county: CountyId, title: str, content: bytes) -> bool:
        """Keep a policy for ever; return whether it is new. RefusedError for other content under the same digest."""
        check_id(digest, "digest", self._place)
        check_id(county, "county", self._place)
        check_text(title, "title", self._place)
        check_bytes(content, "content", self._place)
        known = self.policy(digest)
        if known is None and batching.is_postgres(self._connection):  # elsewhere the writer is alone
            # One after the other: of two that do not see each other both would be of this second.
            self._connection.exec_driver_sql("LOCK TABLE policy IN SHARE ROW EXCLUSIVE MODE").close()
            known = self.policy(digest)
        first_used_at = self._free_second(county) if known is None else self.now
        row = (digest, county, title, first_used_at, content)
        if known is None:
            with self._sending() as sent:
                sent.insert(policy, [row])
            self._policies[digest] = policy_hash(digest, county, title, first_used_at, content)
            self._new_policies.add(digest)
            return True
        if known.content != content:
            raise RefusedError(
                self._place,
                f"摘要 {digest} 下已保存内容不同的政策",
                f"another policy is already kept under the digest {digest}",
            )
        return False

    def _free_second(self, county: CountyId) -> int:
        """Return the instant from which a policy is used, after those of the county that are kept already.

        Which rules are older decides what records are worth: of two of one second the order must not be lost.
        A clock that was ahead by more than that is not followed.
        """
        near = policy.c.first_used_at.between(self.now, self.now + SECONDS_AHEAD_MAX)
        latest = self._connection.scalar(
            select(func.max(policy.c.first_used_at)).where(policy.c.county == county, near)
        )
        return self.now if latest is None else int(latest) + 1

    def keeps_policy(self, digest: str) -> bool:
        """Tell whether a policy is kept under this digest."""
        if digest in self._policies or digest in self._kept_policies:
            return True
        return self._connection.scalar(select(policy.c.digest).where(policy.c.digest == digest)) is not None

    def save_import_run(self, county: CountyId, source: str, report: bytes) -> int:
        """Keep the report (JSON) of an import; return its number."""
        check_id(county, "county", self._place)
        check_bytes(report, "report", self._place)
        if batching.is_postgres(self._connection):  # elsewhere the writer is alone
            self._connection.exec_driver_sql("LOCK TABLE import_run IN EXCLUSIVE MODE").close()
        number: int = self._connection.execute(select(func.coalesce(func.max(import_run.c.id), 0) + 1)).scalar_one()
        with self._sending() as sent:
            sent.insert(import_run, [(number, county, source, self.now, report)])
        return number

    def save_fold_states(self, county: CountyId, digest: str, states: Iterable[tuple[VolunteerId, bytes]]) -> None:
        """Keep the state of each person's fold, as of the last entry of their passbook; it can be rebuilt."""
        rows = []
        for person, state in states:
            book = self._books.get((person, county))
            if book is not None:
                rows.append((book.id, digest, book.number, state))
        with self._sending() as sent:
            sent.upsert(fold_state, rows, ("passbook", "policy_digest"), ("number", "state"))

    def save_fold_marks(self, county: CountyId, digest: str, marks: Iterable[tuple[VolunteerId, date, bytes]]) -> None:
        """Keep where folds stood after a day of service, for records that come late."""
        found = {
            (book.id, digest, day.isoformat()): state  # of several marks of a day the last has seen the most
            for person, day, state in marks
            if (book := self._books.get((person, county))) is not None
        }
        rows = [(*key, state) for key, state in found.items()]
        with self._sending() as sent:
            sent.upsert(fold_mark, rows, ("passbook", "policy_digest", "day"), ("state",))

    # --- records -------------------------------------------------------------------------------------------------

    def _check_adjusting(self, bookings: Sequence[Booking]) -> None:
        """Refuse what names anything but the original entry of its own record."""
        later = [booking for booking in bookings if booking.adjusts is not None]
        owners = {(booking.record.volunteer, booking.record.county) for booking in later}
        if not owners:
            return
        self._load(sorted(owners))
        ids = {owner: self._books[owner].id for owner in owners if owner in self._books}
        known: dict[tuple[int, int], tuple[str, str, str]] = {}
        for chunk in chunks(set(ids.values())):
            for row in self._connection.execute(
                select(
                    service_record.c.passbook,
                    service_record.c.original,
                    service_record.c.registry,
                    service_record.c.record,
                    service_record.c.content_hash,
                ).where(service_record.c.passbook.in_(chunk), service_record.c.superseded_by.is_(None))
            ):
                known[row.passbook, row.original] = (row.registry, row.record, row.content_hash)
        for booking in later:
            record = booking.record
            place = f"{record.registry}/{record.id}"
            found = known.get((ids.get((record.volunteer, record.county), -1), booking.adjusts or 0))
            if found is None or found[:2] != (record.registry, record.id):
                raise RefusedError(
                    place,
                    f"分录 {booking.adjusts} 不是该记录的原始分录",
                    f"entry {booking.adjusts} is not the original entry of this record",
                )
            if booking.kind == "adjusting" and found[2] != hash_of(content_of(record)):
                raise RefusedError(
                    place,
                    "记录内容与台账所存不一致，不能据此调整",
                    "the record differs from the one that the ledger keeps; it cannot be adjusted by it",
                )

    # --- entries -------------------------------------------------------------------------------------------------

    def _enter(self, drafts: Sequence[Draft]) -> list[Entry]:
        self._load_policies({draft.policy_digest for draft in drafts if draft.policy_digest is not None})
        self._load(sorted({(draft.volunteer, draft.county) for draft in drafts}), opening=True)
        rows = Rows()
        hashes: dict[str | None, str] = {None: ""}
        hashes.update(self._policies)
        entries = [
            rows.enter(draft, self._books[draft.volunteer, draft.county], self.now, hashes[draft.policy_digest])
            for draft in drafts
        ]
        self._flush(rows)
        return entries

    def _flush(self, rows: Rows) -> None:
        with self._sending() as sent:
            self._send(sent, rows)
        self._take(rows.taken)

    def _send(self, sent: batching.Sending, rows: Rows) -> None:
        by_id = rows.books
        sent.delete_of(fold_state, rows.told)  # none of them has seen what is told now
        sent.delete_since(fold_mark, "day", list(rows.told.items()))
        new = [(owner, book) for owner, book in self._books.items() if book.stored < 0 and book.id in by_id]
        self._open(sent, passbook, [(book.id, *owner, 0, GENESIS, 0, None) for owner, book in new])
        for _owner, book in new:
            book.stored = 0
        for place, (number, earned_on, last_day, source, original) in rows.opened.items():
            remaining = rows.remaining[place]
            rows.add(lot, (*place, number, earned_on, last_day, source, original, remaining, last_day))
        for table in _BEFORE_ENTRY:
            sent.insert(table, rows.of.get(table.name, ()))
        self._change_keys(sent, [key for key in rows.keys if not key[-1]])
        self._insert_keys(sent, rows.of.get(record_key.name, ()))
        self._change_keys(sent, [key for key in rows.keys if key[-1]])
        sent.insert(entry, rows.of.get(entry.name, ()))  # last: it seals what belongs to it
        changed = sorted(by_id.values(), key=lambda book: book.id)
        sent.change(
            passbook,
            ("number", "head", "recorded_at", "closed_on"),
            ("id", "number"),
            [(book.number, book.head, book.recorded_at, book.closed_on, book.id, book.stored) for book in changed],
            self._conflict,
        )
        for book in changed:
            book.stored = book.number
        of_entry = ("passbook", "entry")
        lost = self._conflict
        sent.change(service_record, ("superseded_by",), of_entry, rows.superseded, lost, unset="superseded_by")
        sent.change(hold, ("ended_by",), of_entry, rows.ended, lost, unset="ended_by")
        sent.change(redemption, ("returned_by",), of_entry, rows.returned, lost, unset="returned_by")
        of_lot = ("passbook", "account", "number")
        sent.change(lot, ("ends",), of_lot, [(ENDED, *place) for place in dict.fromkeys(rows.lots_ended)], lost)
        left = [(amount, *place) for place, amount in rows.remaining.items() if amount and place not in rows.opened]
        sent.change(lot, ("remaining",), of_lot, left, lost, adding=True)
        sent.upsert(
            balance,
            [
                (id, account, unit, by_id[id].posted.get((account, unit), 0), by_id[id].floors.get((account, unit)))
                for id, account, unit in rows.balances
            ],
            ("passbook", "account", "unit"),
            ("posted", "floor"),
        )
        if self._stream is not None:
            sent.check_references()

    def _change_keys(self, sent: batching.Sending, keys: Sequence[Row]) -> None:
        newest = {(key[0], key[1]): (*key[2:], key[0], key[1]) for key in keys}
        names = ("passbook", "original", "content_hash")
        sent.change(record_key, names, ("record", "registry"), list(newest.values()), self._conflict)

    def _insert_keys(self, sent: batching.Sending, keys: Sequence[Row]) -> None:
        """Enter records into the directory; one that was withdrawn may come again, also with another person.

        One that was not there when this was decided may not: whoever has taken it back since was later.
        """
        new = [key for key in keys if key[:2] in self._new_keys]
        sent.insert_all(record_key, new, "DO NOTHING", _TakenError)
        sent.insert_all(
            record_key,
            [key for key in keys if key[:2] not in self._new_keys] if new else keys,
            "(record, registry) DO UPDATE SET passbook = excluded.passbook, original = excluded.original, "
            "content_hash = excluded.content_hash WHERE record_key.content_hash = ''",
            _TakenError,
        )

    def _take(self, taken: dict[tuple[str, str], tuple[int, int | None]]) -> None:
        """Take from the stock of offers, in one order, so that two writers never wait crosswise."""
        for (county, offer), (units, had_at_most) in sorted(taken.items()):
            if not units and had_at_most is None:
                continue
            batching.insert_or(self._connection, stock, (county, offer, 0), "DO NOTHING")
            condition = stock.c.taken + units >= 0
            if had_at_most is not None:
                condition &= within_stock(had_at_most)
            done = self._connection.execute(
                update(stock)
                .where(stock.c.county == county, stock.c.offer == offer, condition)
                .values(taken=stock.c.taken + units)
            )
            if done.rowcount != 1:
                raise SoldOutError(f"{county}/{offer}", "库存不足", "the stock does not reach")

    def others_wrote(self) -> bool:
        """Tell whether others have written since this connection last asked; always False where many write at once."""
        if batching.is_postgres(self._connection):
            return False
        version = self._connection.exec_driver_sql("PRAGMA data_version").scalar_one()
        before = self._connection.info.get("data_version", version)
        self._connection.info["data_version"] = version
        return bool(version != before)

    # --- what is known -------------------------------------------------------------------------------------------

    def _load_policies(self, digests: set[str]) -> None:
        unknown = digests - self._policies.keys()
        if not unknown:
            return
        for digest in unknown & self._kept_policies.keys():
            self._policies[digest] = self._kept_policies[digest]
        unknown -= self._policies.keys()
        for row in self._connection.execute(select(policy).where(policy.c.digest.in_(unknown))) if unknown else ():
            hashed = policy_hash(row.digest, row.county, row.title, row.first_used_at, bytes(row.content))
            self._policies[row.digest] = hashed
            if row.digest not in self._new_policies:
                self._kept_policies[row.digest] = hashed
        for digest in sorted(digests - self._policies.keys()):
            raise RefusedError(
                self._place,
                f"政策 {digest} 尚未保存，不能据此入账",
                f"the policy {digest} was never saved; save it first",
            )

    def lock(self, owners: Iterable[_Owner]) -> None:
        """Take hold of passbooks before anything is decided on them; always in one order."""
        some = set(owners)
        self._load(sorted(some))
        self._locked |= some

    def _ids(self, owners: Iterable[_Owner]) -> dict[int, _Owner]:
        """Return the passbooks of these people; who was locked need not be looked up again."""
        owners = list(owners)
        unknown = [owner for owner in owners if owner not in self._locked]
        found = super()._ids(unknown) if unknown else {}
        locked = {owner: self._books.get(owner) for owner in owners if owner in self._locked}
        return found | {book.id: owner for owner, book in locked.items() if book is not None and book.stored >= 0}

    def balances_of(self, owners: Iterable[_Owner]) -> dict[_Owner, dict[tuple[str, str], int]]:
        """Return every balance of these people, by account and unit."""
        owners = list(owners)
        unknown = [owner for owner in owners if owner not in self._books]
        found = super().balances_of(unknown) if unknown else {}
        return found | {owner: dict(self._books[owner].posted) for owner in owners if owner in self._books}

    def last_closed_on(self, owners: Iterable[_Owner]) -> dict[_Owner, date]:
        """Return when these passbooks were closed last, open again or not; one that never was is left out."""
        owners = list(owners)
        found = super().last_closed_on([owner for owner in owners if owner not in self._locked])
        for owner in owners:
            book = self._books.get(owner) if owner in self._locked else None
            if book is not None and book.closed_on is not None:
                found[owner] = date.fromisoformat(book.closed_on)
        return found

    def keep_away(self, keys: Iterable[tuple[RegistryId, RecordId]]) -> None:
        """Let nobody else bring these records again, or say anything of them, before this transaction ends.

        What is booked of a record that was taken back rests on when that was, and may be in any passbook.
        """
        if batching.is_postgres(self._connection):  # elsewhere nobody else writes
            for registry, record in sorted(keys):
                this = record_key.c.record == record, record_key.c.registry == registry
                self._connection.execute(select(record_key.c.record).where(*this).with_for_update())

    def are_new(self, keys: Iterable[tuple[RegistryId, RecordId]]) -> None:
        """Say which records are not in the directory as far as is known; ConflictError where one is by then."""
        self._new_keys = {(record, registry) for registry, record in keys}

    def number(self, owner: _Owner) -> int:
        """Return the number of the last entry of a passbook that was locked; 0 where there is none."""
        book = self._books.get(owner)
        return 0 if book is None else book.number

    def _load(self, owners: Sequence[_Owner], *, opening: bool = False) -> None:
        # Who had no passbook when it was looked up has none for this transaction, whatever others have opened since:
        # what is decided rests on that, and opening it a second time is a conflict.
        by_county: dict[CountyId, list[VolunteerId]] = {}
        for person, county in (owner for owner in owners if owner not in self._books.keys() | self._locked):
            by_county.setdefault(county, []).append(person)
        found: dict[int, Book] = {}
        for county, people in sorted(by_county.items()):
            for id, person, number, head, recorded_at, closed_on in holdings.passbooks(
                self._connection, county, people, lock=True
            ):
                self._known[person, county] = id
                book = Book(id, number, bytes(head), of_the_calendar(recorded_at), number, closed_on)
                self._books[person, county] = found[id] = book
        for id, account, unit, posted, floor in holdings.balances(self._connection, list(found)) if found else ():
            found[id].posted[account, unit] = posted
            found[id].floors[account, unit] = floor
        if opening:
            missing = [owner for owner in owners if owner not in self._books]
            for owner, id in zip(missing, self._new_ids(len(missing)), strict=True):
                self._books[owner] = Book(id, 0, GENESIS, 0, -1)

    def _new_ids(self, count: int) -> list[int]:
        if not count:
            return []
        spare, self._spare_ids = self._spare_ids[:count], self._spare_ids[count:]
        count -= len(spare)
        if not count:
            return spare
        if batching.is_postgres(self._connection):
            drawn = select(passbook_ids.next_value()).select_from(func.generate_series(1, count).alias())
            return [*spare, *self._connection.scalars(drawn)]
        if self._last_id is None:  # the writer is alone: a counter is enough
            self._last_id = self._connection.execute(select(func.coalesce(func.max(passbook.c.id), 0))).scalar_one()
        first = self._last_id + 1
        self._last_id += count
        return [*spare, *range(first, first + count)]

    def _open(self, sent: batching.Sending, table: Table, rows: Sequence[Row]) -> None:
        """Insert rows that others may be inserting too, where many write at once: who comes second begins again."""
        sent.insert_all(table, rows, "DO NOTHING", self._conflict)

    def _conflict(self) -> ConflictError:
        """Return what is said where not exactly the rows changed that must: somebody else was there first."""
        return ConflictError(
            self._place,
            "其间另一程序已写入同一存折，请重试",
            "somebody else wrote to the same passbook meanwhile; try again",
        )

    def _forget(self) -> None:
        # What this transaction has read of passbooks and written to them; all of it again after an error.
        self._policies: dict[str, str] = {}  # digest -> hash of what is kept
        self._books: dict[_Owner, Book] = {}
        self._locked: set[_Owner] = set()  # looked up: one without a book has none
        self._last_id = None
        self._spare_ids = []

    def _explain_refusal(self, drafts: Sequence[Draft]) -> NoReturn:
        by_registry: dict[str, list[str]] = {}
        for draft in drafts:
            if draft.version is not None and draft.version.original is None:
                by_registry.setdefault(draft.registry, []).append(draft.record)
        for registry, records in by_registry.items():
            for chunk in chunks(records):
                known = self._connection.scalars(
                    select(record_key.c.record).where(
                        record_key.c.registry == registry,
                        record_key.c.record.in_(chunk),
                        record_key.c.content_hash != "",
                    )
                ).first()
                if known is not None:
                    raise already_booked(f"{registry}/{known}") from None
        raise self._conflict() from None  # somebody has taken it back meanwhile


class _TakenError(Exception):
    """A record is in the directory already."""


# Written before the entry, which seals them.
_BEFORE_ENTRY = (
    service_record,
    floor_change,
    lot,
    lot_move,
    lot_end,
    wallet_state,
    hold,
    redemption,
    stock_move,
    posting,
    command,
)


def within_stock(had_at_most: int) -> Any:
    """Return the condition under which a stock may be taken from: the last unit is sold once."""
    return stock.c.taken <= had_at_most


def utc_day(instant: int) -> date:
    """Return the day of an instant; for what has no county and so no time zone."""
    return datetime.fromtimestamp(instant, UTC).date()
