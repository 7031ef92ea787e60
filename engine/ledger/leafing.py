"""A passbook leaf by leaf: what each entry did, so that any earlier state of it can be told again."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import BindParameter, Connection, bindparam, select

from lianxing.engine.ledger.contents import facts_from, record_from
from lianxing.engine.ledger.drafts import Line, LotLine
from lianxing.engine.ledger.tables import (
    hold,
    lot,
    lot_end,
    lot_move,
    posting,
    redemption,
    service_record,
    wallet_state,
)
from lianxing.rules.facts import FactValue
from lianxing.rules.records import ServiceRecord


@dataclass(frozen=True, slots=True)
class LotLeaf:
    """A lot as the entry opened it; `ended_by` is the entry that ended it before its last day."""

    account: str
    number: int
    entry: int
    earned_on: date
    last_day: date
    source: str
    ended_by: int | None


@dataclass(frozen=True, slots=True)
class HoldLeaf:
    """A hold as the entry made it, and the entry that ended it."""

    account: str
    entry: int
    amount: int
    until: date
    ended_by: int | None


@dataclass(frozen=True, slots=True)
class VersionLeaf:
    """A version of a record, by the entry that brought it; no record: it was withdrawn. `original` is the first one."""

    entry: int
    original: int
    record: ServiceRecord | None
    supplied: dict[str, FactValue]


@dataclass(slots=True)
class Leaves:
    """What the entries of a passbook did; postings and moves by the number of their entry, postings of the person only.

    `had` is what an entry gave: offer or perk, merchant, units, and hundredths of a yuan. `besides` is what it noted of
    accounts: what is less than a whole unit and waits; grants given and changes of rules, as JSON.
    """

    postings: dict[int, list[Line]] = field(default_factory=lambda: defaultdict(list))
    moves: dict[int, list[LotLine]] = field(default_factory=lambda: defaultdict(list))
    lots: list[LotLeaf] = field(default_factory=list)
    holds: list[HoldLeaf] = field(default_factory=list)
    versions: list[VersionLeaf] = field(default_factory=list)
    had: dict[int, tuple[str, str, int, int]] = field(default_factory=dict)
    besides: dict[int, list[tuple[str, int, str]]] = field(default_factory=lambda: defaultdict(list))


_PASSBOOK: BindParameter[int] = bindparam("passbook")
# Put together once: that takes longer than a database takes to answer.
_POSTINGS = (
    select(posting.c.entry, posting.c.account, posting.c.unit, posting.c.amount)
    .where(posting.c.passbook == _PASSBOOK, posting.c.balance_after.is_not(None))
    .order_by(posting.c.entry, posting.c.line)
)
_MOVES = (
    select(lot_move.c.entry, lot_move.c.account, lot_move.c.lot, lot_move.c.amount)
    .where(lot_move.c.passbook == _PASSBOOK)
    .order_by(lot_move.c.entry, lot_move.c.line)
)
_ENDS = select(lot_end.c.account, lot_end.c.lot, lot_end.c.entry).where(lot_end.c.passbook == _PASSBOOK)
_LOTS = (
    select(lot.c.account, lot.c.number, lot.c.entry, lot.c.earned_on, lot.c.last_day, lot.c.source)
    .where(lot.c.passbook == _PASSBOOK)
    .order_by(lot.c.account, lot.c.number)
)
_HOLDS = (
    select(hold.c.account, hold.c.entry, hold.c.amount, hold.c.until, hold.c.ended_by)
    .where(hold.c.passbook == _PASSBOOK)
    .order_by(hold.c.entry)
)
_VERSIONS = (
    select(service_record.c.entry, service_record.c.original, service_record.c.content, service_record.c.supplied)
    .where(service_record.c.passbook == _PASSBOOK)
    .order_by(service_record.c.entry)
)
_HAD = select(
    redemption.c.entry, redemption.c.offer, redemption.c.merchant, redemption.c.units, redemption.c.cash
).where(redemption.c.passbook == _PASSBOOK)
_BESIDES = (
    select(wallet_state.c.entry, wallet_state.c.account, wallet_state.c.rest, wallet_state.c.issued)
    .where(wallet_state.c.passbook == _PASSBOOK)
    .order_by(wallet_state.c.entry, wallet_state.c.line)
)


def leaf_through(connection: Connection, passbook: int) -> Leaves:
    """Return what every entry of a passbook did."""
    leaves, of = Leaves(), {"passbook": passbook}
    day = date.fromisoformat
    for entry, account, unit, amount in connection.execute(_POSTINGS, of):
        leaves.postings[entry].append(Line(account, unit, amount))
    for entry, account, number, amount in connection.execute(_MOVES, of):
        leaves.moves[entry].append(LotLine(account, number, amount))
    ended = {(account, number): entry for account, number, entry in connection.execute(_ENDS, of)}
    for account, number, entry, earned_on, last_day, source in connection.execute(_LOTS, of):
        by = ended.get((account, number))
        leaves.lots.append(LotLeaf(account, number, entry, day(earned_on), day(last_day), source, by))
    for account, entry, amount, until, ended_by in connection.execute(_HOLDS, of):
        leaves.holds.append(HoldLeaf(account, entry, amount, day(until), ended_by))
    for entry, original, content, supplied in connection.execute(_VERSIONS, of):
        record = record_from(bytes(content)) if content else None
        leaves.versions.append(VersionLeaf(entry, original, record, dict(facts_from(bytes(supplied)))))
    for entry, offer, merchant, units, cash in connection.execute(_HAD, of):
        leaves.had[entry] = (offer, merchant, units, cash)
    for entry, account, rest, issued in connection.execute(_BESIDES, of):
        leaves.besides[entry].append((account, rest, issued))
    return leaves
