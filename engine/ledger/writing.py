"""What one write transaction can do: book entries, and keep what they rest on. All of it commits, or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Literal

from sqlalchemy import Connection, Table, bindparam, func, select, update
from sqlalchemy.exc import IntegrityError

from lianxing.engine.ledger.contents import check_id, check_whole, content_of, day_text, facts_content, hash_of
from lianxing.engine.ledger.errors import AlreadyBookedError, InvalidError, RefusedError
from lianxing.engine.ledger.reading import Reading, chunks
from lianxing.engine.ledger.tables import (
    AMOUNT_MAX,
    account,
    balance,
    entry,
    import_run,
    policy,
    posting,
    service_record,
    volunteer,
)
from lianxing.rules.assessments import Entry
from lianxing.rules.facts import CountyId, FactValue
from lianxing.rules.records import ServiceRecord, Volunteer


@dataclass(frozen=True, slots=True)
class Booking:
    """What is to be booked for a record: `seconds` and `points` (hundredths) are differences, negative where they fall.

    An `original` comes once per record, 0 and 0 where it was refused; it keeps the record and the facts supplied by
    plugins. An `adjusting` booking names in `adjusts` the original entry of the same, unchanged record.
    `body` is the JSON of the assessment, kept as it is. `counted` is false where a clause refuses the record.
    """

    kind: Literal["original", "adjusting"]
    record: ServiceRecord
    seconds: int
    points: int
    policy_digest: str
    body: bytes
    supplied: Mapping[str, FactValue]
    adjusts: int | None = None
    counted: bool = True


class _Running:
    """A person's account while it is written to: the row of `balance` as it will be."""

    __slots__ = ("account", "posted", "seq", "stored")

    def __init__(self, account: int, posted: int, seq: int, stored: bool) -> None:
        self.account = account
        self.posted = posted
        self.seq = seq
        self.stored = stored


# Many rows in one statement: SQLite copies every page that a statement with a trigger touches, once per statement.
# One row each cost twice the time of the whole booking. At most 13 columns: far below any limit of variables.
ROWS_AT_ONCE = 100

_Row = tuple[object, ...]
_AccountKey = tuple[str, str, str]  # volunteer ('' for issued), county, unit


class Writing(Reading):
    """The one write transaction of a ledger, from `Ledger.writing()`; sees its own changes.

    `book` is all or nothing by itself: after an error the transaction goes on as if it had not been called.
    """

    def __init__(self, connection: Connection, place: str, now: int) -> None:
        super().__init__(connection, place)
        check_whole(now, "clock", place)
        self._now = now
        self._forget()

    def book(self, bookings: Sequence[Booking]) -> list[Entry]:
        """Book in the given order and return the entries, numbered upwards without a gap.

        InvalidError for a value that no ledger can hold, AlreadyBookedError for a second original of a record,
        RefusedError for an adjustment of anything but the original of the same record, or a policy never saved.
        """
        originals, adjusting = self._checked(bookings)
        try:
            with self._connection.begin_nested():
                self._check_adjusting(adjusting)
                return self._book(bookings, originals)
        except IntegrityError:
            self._forget()
            self._explain_refusal(originals)
            raise
        except BaseException:
            self._forget()  # what was remembered of accounts and numbers is no longer so
            raise

    def save_volunteers(self, volunteers: Iterable[Volunteer]) -> int:
        """Keep what the registry says of people today; return how many are new or changed."""
        changed = 0
        for chunk in chunks(volunteers):
            rows = {person.id: _volunteer_row(person) for person in chunk}
            known = {
                row[0]: tuple(row)
                for row in self._connection.execute(select(volunteer).where(volunteer.c.id.in_(list(rows))))
            }
            new = [row for key, row in rows.items() if key not in known]
            changes = [row for key, row in rows.items() if key in known and known[key] != row]
            self._insert(volunteer, new)
            if changes:
                self._connection.execute(
                    update(volunteer)
                    .where(volunteer.c.id == bindparam("key"))
                    .values({name: bindparam(name) for name in ("facts", "registered_on", "born_on")}),
                    [dict(zip(("key", "facts", "registered_on", "born_on"), row, strict=True)) for row in changes],
                )
            changed += len(new) + len(changes)
        return changed

    def save_policy(self, digest: str, county: CountyId, title: str, content: bytes) -> bool:
        """Keep a policy for ever; return whether it is new. RefusedError for other content under the same digest."""
        check_id(digest, "digest", self._place)
        check_id(county, "county", self._place)
        _check_bytes(content, "content", self._place)
        known = self.policy(digest)
        if known is None:
            self._insert(policy, [(digest, county, title, self._now, content)])
            self._policies.add(digest)
            return True
        if known.content != content:
            raise RefusedError(
                self._place,
                f"摘要 {digest} 下已保存内容不同的政策",
                f"another policy is already kept under the digest {digest}",
            )
        return False

    def save_import_run(self, county: CountyId, source: str, report: bytes) -> int:
        """Keep the report (JSON) of an import; return its number."""
        check_id(county, "county", self._place)
        _check_bytes(report, "report", self._place)
        number = self._next(import_run)
        self._insert(import_run, [(number, county, source, self._now, report)])
        return number

    def _checked(
        self, bookings: Sequence[Booking]
    ) -> tuple[list[tuple[Booking, bytes, bytes]], list[tuple[Booking, bytes]]]:
        originals: list[tuple[Booking, bytes, bytes]] = []
        adjusting: list[tuple[Booking, bytes]] = []
        seen: set[tuple[str, str]] = set()
        for booking in bookings:
            record = booking.record
            place = f"{record.registry}/{record.id}"
            check_whole(booking.seconds, "seconds", place, AMOUNT_MAX)
            check_whole(booking.points, "points", place, AMOUNT_MAX)
            check_id(booking.policy_digest, "policy_digest", place)
            _check_bytes(booking.body, "body", place)
            content = content_of(record)
            if booking.kind == "original" and booking.adjusts is None:
                key = (record.registry, record.id)
                if key in seen:
                    raise _already_booked(place)
                seen.add(key)
                originals.append((booking, content, facts_content(booking.supplied, place)))
            elif booking.kind == "adjusting" and booking.adjusts is not None:
                check_whole(booking.adjusts, "adjusts", place)
                adjusting.append((booking, content))
            else:
                raise InvalidError(
                    place,
                    "adjusts 须与 adjusting 一起出现，且 kind 须为 original 或 adjusting",
                    "adjusts belongs to kind 'adjusting', and to no other; kind is 'original' or 'adjusting'",
                )
        return originals, adjusting

    def _check_adjusting(self, adjusting: Sequence[tuple[Booking, bytes]]) -> None:
        known: dict[int, tuple[str, str, str]] = {}
        for chunk in chunks({booking.adjusts for booking, _ in adjusting}):
            for row in self._connection.execute(
                select(
                    service_record.c.entry,
                    service_record.c.registry,
                    service_record.c.record,
                    service_record.c.content_hash,
                ).where(service_record.c.entry.in_(chunk))
            ):
                known[row.entry] = (row.registry, row.record, row.content_hash)
        for booking, content in adjusting:
            record = booking.record
            place = f"{record.registry}/{record.id}"
            found = known.get(booking.adjusts or 0)
            if found is None or found[:2] != (record.registry, record.id):
                raise RefusedError(
                    place,
                    f"分录 {booking.adjusts} 不是该记录的原始分录",
                    f"entry {booking.adjusts} is not the original entry of this record",
                )
            if found[2] != hash_of(content):
                raise RefusedError(
                    place,
                    "记录内容与账本所存不一致，不能据此调整",
                    "the record differs from the one that the ledger keeps; it cannot be adjusted by it",
                )

    def _book(self, bookings: Sequence[Booking], originals: Sequence[tuple[Booking, bytes, bytes]]) -> list[Entry]:
        self._load_policies({booking.policy_digest for booking in bookings})
        self._load_accounts(bookings)
        opened: list[_Row] = []
        touched: dict[int, _Running] = {}
        postings: list[_Row] = []
        rows: list[_Row] = []
        entries: list[Entry] = []
        for booking in bookings:
            record = booking.record
            number = self._next(entry)
            line = 0
            for unit, amount in (("seconds", booking.seconds), ("points", booking.points)):
                if amount == 0:
                    continue
                running = self._running(record, unit, opened)
                running.posted += amount
                running.seq += 1
                touched[running.account] = running
                if not -AMOUNT_MAX <= running.posted <= AMOUNT_MAX:
                    raise InvalidError(
                        f"{record.registry}/{record.id}",
                        f"{record.volunteer} 的余额超出范围：{running.posted}",
                        f"the balance of {record.volunteer} goes out of range: {running.posted}",
                    )
                issued = self._issued(record.county, unit, opened)
                postings.append((number, line + 1, running.account, unit, amount, running.seq, running.posted))
                postings.append((number, line + 2, issued, unit, -amount, None, None))
                line += 2
            made = Entry(
                id=number,
                kind=booking.kind,
                volunteer=record.volunteer,
                county=record.county,
                registry=record.registry,
                record=record.id,
                effective_on=record.day,
                recorded_at=self._now,
                policy_digest=booking.policy_digest,
                seconds=booking.seconds,
                points=booking.points,
                adjusts=booking.adjusts,
                counted=booking.counted,
            )
            entries.append(made)
            rows.append(
                (
                    number,
                    made.kind,
                    made.volunteer,
                    made.county,
                    made.registry,
                    made.record,
                    made.recorded_at,
                    made.effective_on.isoformat(),
                    made.policy_digest,
                    made.adjusts,
                    made.seconds,
                    made.points,
                    booking.body,
                    int(booking.counted),
                )
            )
        numbers = (made.id for made in entries if made.kind == "original")
        records: list[_Row] = [
            (
                number,
                booking.record.id,
                booking.record.registry,
                booking.record.volunteer,
                booking.record.county,
                hash_of(content),
                content,
                supplied,
            )
            for number, (booking, content, supplied) in zip(numbers, originals, strict=True)
        ]
        self._insert(account, opened)
        self._insert(service_record, records)
        self._insert(posting, postings)
        self._insert(entry, rows)  # last: it seals its record and its postings
        self._save_balances(touched.values())
        return entries

    def _load_policies(self, digests: set[str]) -> None:
        unknown = digests - self._policies
        if not unknown:
            return
        self._policies |= set(self._connection.scalars(select(policy.c.digest).where(policy.c.digest.in_(unknown))))
        for digest in sorted(digests - self._policies):
            raise RefusedError(
                self._place,
                f"政策 {digest} 尚未保存，不能据此入账",
                f"the policy {digest} was never saved; save it first",
            )

    def _load_accounts(self, bookings: Sequence[Booking]) -> None:
        unknown = {booking.record.volunteer for booking in bookings} - self._loaded
        for chunk in chunks(sorted(unknown)):
            # Locked in the order of accounts, where rows can be locked at all: two writers then never wait crosswise.
            for number, owner, county, unit, posted, seq in self._connection.execute(
                select(
                    account.c.id,
                    account.c.volunteer,
                    account.c.county,
                    account.c.unit,
                    balance.c.posted,
                    balance.c.seq,
                )
                .join(balance, balance.c.account == account.c.id)
                .where(account.c.volunteer.in_(chunk))
                .order_by(account.c.id)
                .with_for_update(of=balance)
            ):
                self._earned[owner, county, unit] = _Running(number, posted, seq, True)
        self._loaded |= unknown
        counties = {booking.record.county for booking in bookings} - self._counties
        if counties:
            for row in self._connection.execute(
                select(account.c.id, account.c.county, account.c.unit).where(
                    account.c.volunteer == "", account.c.county.in_(counties)
                )
            ):
                self._issued_accounts[row.county, row.unit] = row.id
        self._counties |= counties

    def _running(self, record: ServiceRecord, unit: str, opened: list[_Row]) -> _Running:
        key = (record.volunteer, record.county, unit)
        running = self._earned.get(key)
        if running is None:
            running = _Running(self._open(*key, "earned", opened), 0, 0, False)
            self._earned[key] = running
        return running

    def _issued(self, county: str, unit: str, opened: list[_Row]) -> int:
        number = self._issued_accounts.get((county, unit))
        if number is None:
            number = self._open("", county, unit, "issued", opened)
            self._issued_accounts[county, unit] = number
        return number

    def _open(self, owner: str, county: str, unit: str, role: str, opened: list[_Row]) -> int:
        number = self._next(account)
        opened.append((number, owner, county, unit, role))
        return number

    def _save_balances(self, touched: Iterable[_Running]) -> None:
        new: list[_Row] = []
        changed: list[_Row] = []
        for running in touched:
            if running.stored:
                changed.append((running.posted, running.seq, running.account))
            else:
                new.append((running.account, running.posted, running.seq))
                running.stored = True
        self._insert(balance, new)
        if changed:
            mark = _mark(self._connection.dialect.paramstyle)
            self._connection.exec_driver_sql(
                f"UPDATE balance SET posted = {mark}, seq = {mark} WHERE account = {mark}", changed
            )

    def _next(self, table: Table) -> int:
        """Return the next free number of a table: the writer is alone, so a counter is enough."""
        number = self._numbers.get(table.name)
        if number is None:
            number = self._connection.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one()
        self._numbers[table.name] = number + 1
        return number + 1

    def _insert(self, table: Table, rows: Sequence[_Row]) -> None:
        """Insert rows that name every column in the order of the table."""
        for start in range(0, len(rows), ROWS_AT_ONCE):
            some = rows[start : start + ROWS_AT_ONCE]
            statement = _insert_statement(table, len(some), self._connection.dialect.paramstyle)
            self._connection.exec_driver_sql(statement, tuple(chain.from_iterable(some)))

    def _forget(self) -> None:
        self._numbers: dict[str, int] = {}
        self._policies: set[str] = set()
        self._loaded: set[str] = set()
        self._counties: set[str] = set()
        self._earned: dict[_AccountKey, _Running] = {}
        self._issued_accounts: dict[tuple[str, str], int] = {}

    def _explain_refusal(self, originals: Sequence[tuple[Booking, bytes, bytes]]) -> None:
        by_registry: dict[str, list[str]] = {}
        for booking, _, _ in originals:
            by_registry.setdefault(booking.record.registry, []).append(booking.record.id)
        for registry, records in by_registry.items():
            for chunk in chunks(records):
                known = self._connection.scalars(
                    select(service_record.c.record).where(
                        service_record.c.registry == registry, service_record.c.record.in_(chunk)
                    )
                ).first()
                if known is not None:
                    raise _already_booked(f"{registry}/{known}") from None


def _already_booked(place: str) -> AlreadyBookedError:
    return AlreadyBookedError(place, "该记录已经入账", "the record is booked already")


def _volunteer_row(person: Volunteer) -> _Row:
    place = str(person.id)
    check_id(person.id, "id", place)
    return (
        person.id,
        facts_content(person.facts, place),
        None if person.registered_on is None else day_text(person.registered_on, "registered_on", place),
        None if person.born_on is None else day_text(person.born_on, "born_on", place),
    )


@lru_cache(maxsize=256)
def _insert_statement(table: Table, rows: int, paramstyle: str) -> str:
    row = f"({', '.join([_mark(paramstyle)] * len(table.columns))})"
    return f"INSERT INTO {table.name} ({', '.join(table.columns.keys())}) VALUES {', '.join([row] * rows)}"


def _mark(paramstyle: str) -> str:
    return "?" if paramstyle == "qmark" else "%s"


def _check_bytes(value: object, name: str, place: str) -> None:
    if type(value) is not bytes:
        raise InvalidError(place, f"{name} 须为字节串", f"{name} must be bytes, not {type(value).__name__}")
