"""The chains of a ledger as they stand in its tables, link by link: for proof, and for whoever takes them elsewhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, not_, or_, select

from lianxing.engine.ledger.chaining import Link, policy_hash
from lianxing.engine.ledger.tables import (
    command,
    entry,
    floor_change,
    hold,
    lot,
    lot_end,
    lot_move,
    passbook,
    policy,
    posting,
    redemption,
    service_record,
    stock_move,
    wallet_state,
)

PASSBOOKS_AT_ONCE = 100

_Rows = dict[tuple[int, int], list[Row[*tuple[Any, ...]]]]


@dataclass(frozen=True, slots=True)
class StoredLink:
    """A link as it stands, with the hash that the ledger keeps of it."""

    passbook: int
    link: Link
    hash: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ends, as the ledger keeps it."""

    passbook: int
    volunteer: str
    county: str
    number: int
    hash: bytes


def heads(connection: Connection) -> Iterator[Head]:
    """Yield where each chain ends, in the order of passbooks."""
    for row in connection.execute(select(passbook).order_by(passbook.c.id)):
        yield Head(row.id, row.volunteer, row.county, row.number, bytes(row.head))


def links(
    connection: Connection,
    county: str | None = None,
    *,
    only: Sequence[str] = (),
    without: Sequence[str] = (),
    of: Collection[int] | None = None,
    at_once: int = PASSBOOKS_AT_ONCE,
) -> Iterator[StoredLink]:
    """Yield every link of every chain in order, passbook by passbook, in little memory; or those of one county.

    `only` and `without` are how the ids begin of those who are asked for, or left out; `of` are the passbooks that are
    asked for, where not all are; `at_once` passbooks are read together.
    """
    policies = {
        row.digest: policy_hash(row.digest, row.county, row.title, row.first_used_at, bytes(row.content))
        for row in connection.execute(select(policy))
    }
    after = None
    while True:
        query = select(passbook).order_by(passbook.c.id).limit(at_once)
        if after is not None:
            query = query.where(passbook.c.id > after)
        if county is not None:
            query = query.where(passbook.c.county == county)
        if only:
            query = query.where(or_(*(passbook.c.volunteer.startswith(start) for start in only)))
        if of is not None:
            query = query.where(passbook.c.id.in_(of))
        for start in without:
            query = query.where(not_(passbook.c.volunteer.startswith(start)))
        owners = {row.id: row for row in connection.execute(query)}
        if not owners:
            return
        first, after = min(owners), max(owners)
        some = sorted(owners) if county is not None or only or without or of is not None else None
        yield from _links_of(connection, owners, _Books(first, after, some), policies)


@dataclass(frozen=True, slots=True)
class _Books:
    """Passbooks that are read together: all from one to another, those that only entries know of included, or some."""

    first: int
    last: int
    some: Sequence[int] | None

    def have(self, column: ColumnElement[Any]) -> ColumnElement[bool]:
        return column.between(self.first, self.last) if self.some is None else column.in_(self.some)


def _links_of(
    connection: Connection, owners: dict[int, Row[*tuple[Any, ...]]], books: _Books, policies: dict[str, str]
) -> Iterator[StoredLink]:
    postings = _by_entry(connection, posting, books)
    floors = _by_entry(connection, floor_change, books)
    moves = _by_entry(connection, lot_move, books)
    opened = _by_entry(connection, lot, books)
    holds = _by_entry(connection, hold, books)
    redemptions = _by_entry(connection, redemption, books)
    returned = _by_entry(connection, redemption, books, "returned_by")
    lots_ended = _by_entry(connection, lot_end, books)
    wallets = _by_entry(connection, wallet_state, books)
    ended = {(row.passbook, row.ended_by): row.entry for rows in holds.values() for row in rows}
    takes = _by_entry(connection, stock_move, books)
    commands = _by_entry(connection, command, books)
    versions = _by_entry(connection, service_record, books)
    for row in connection.execute(
        select(entry).where(books.have(entry.c.passbook)).order_by(entry.c.passbook, entry.c.number)
    ):
        owner = owners.get(row.passbook)
        key = (row.passbook, row.number)
        version = next(iter(versions.get(key, ())), None)
        reserved = next(iter(holds.get(key, ())), None)
        key_row = min(commands.get(key, ()), key=lambda one: (one.scope, one.key), default=None)
        yield StoredLink(
            row.passbook,
            Link(
                volunteer="" if owner is None else owner.volunteer,
                county="" if owner is None else owner.county,
                number=row.number,
                kind=row.kind,
                registry=row.registry,
                record=row.record,
                recorded_at=row.recorded_at,
                effective_on=row.effective_on,
                policy_digest=row.policy_digest,
                policy_hash="" if row.policy_digest is None else policies.get(row.policy_digest, ""),
                adjusts=row.adjusts,
                seconds=row.seconds,
                points=row.points,
                counted=row.counted,
                actor=row.actor,
                reason=row.reason,
                postings=[(p.account, p.unit, p.amount, p.balance_after) for p in postings.get(key, ())],
                floors=[(f.account, f.unit, f.floor) for f in floors.get(key, ())],
                lots=[(m.account, m.lot, m.amount) for m in moves.get(key, ())],
                opened=[
                    (o.account, o.number, o.earned_on, o.last_day, o.source, o.original)
                    for o in sorted(opened.get(key, ()), key=lambda o: (o.account, o.number))
                ],
                hold=None if reserved is None else (reserved.account, reserved.amount, reserved.until),
                ends=ended.get(key),
                redemption=next(
                    ((h.on_day, h.offer, h.merchant, h.units, h.paid, h.cash) for h in redemptions.get(key, ())), None
                ),
                returns=next((h.entry for h in returned.get(key, ())), None),
                ended=[(e.account, e.lot) for e in lots_ended.get(key, ())],
                wallets=[(w.account, w.drawn, w.rest, w.issued) for w in wallets.get(key, ())],
                takes=[(t.offer, t.units) for t in takes.get(key, ())],
                command=None if key_row is None else (key_row.scope, key_row.key, key_row.request_hash),
                body=bytes(row.body),
                content=None if version is None else bytes(version.content),
                supplied=None if version is None else bytes(version.supplied),
            ),
            bytes(row.hash),
        )


def _by_entry(connection: Connection, table: Table, books: _Books, at: str = "entry") -> _Rows:
    query = select(table).where(books.have(table.c.passbook))
    if "line" in table.c:
        query = query.order_by(table.c.passbook, table.c.entry, table.c.line)
    found: _Rows = defaultdict(list)
    for row in connection.execute(query):
        found[row.passbook, row._mapping[at]].append(row)
    return found
