"""A passbook leaf by leaf: what each entry did, so that any earlier state of it can be told again."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import Connection, select

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
    accounts: grants given and changes of rules, as JSON.
    """

    postings: dict[int, list[Line]] = field(default_factory=lambda: defaultdict(list))
    moves: dict[int, list[LotLine]] = field(default_factory=lambda: defaultdict(list))
    lots: list[LotLeaf] = field(default_factory=list)
    holds: list[HoldLeaf] = field(default_factory=list)
    versions: list[VersionLeaf] = field(default_factory=list)
    had: dict[int, tuple[str, str, int, int]] = field(default_factory=dict)
    besides: dict[int, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))


def leaf_through(connection: Connection, passbook: int) -> Leaves:
    """Return what every entry of a passbook did."""
    leaves = Leaves()
    own = posting.c.balance_after.is_not(None) & (posting.c.passbook == passbook)
    for row in connection.execute(select(posting).where(own).order_by(posting.c.entry, posting.c.line)):
        leaves.postings[row.entry].append(Line(row.account, row.unit, row.amount))
    for row in connection.execute(
        select(lot_move).where(lot_move.c.passbook == passbook).order_by(lot_move.c.entry, lot_move.c.line)
    ):
        leaves.moves[row.entry].append(LotLine(row.account, row.lot, row.amount))
    ended = {
        (row.account, row.lot): row.entry
        for row in connection.execute(select(lot_end).where(lot_end.c.passbook == passbook))
    }
    for row in connection.execute(select(lot).where(lot.c.passbook == passbook).order_by(lot.c.account, lot.c.number)):
        days = date.fromisoformat(row.earned_on), date.fromisoformat(row.last_day)
        by = ended.get((row.account, row.number))
        leaves.lots.append(LotLeaf(row.account, row.number, row.entry, *days, row.source, by))
    for row in connection.execute(select(hold).where(hold.c.passbook == passbook).order_by(hold.c.entry)):
        until = date.fromisoformat(row.until)
        leaves.holds.append(HoldLeaf(row.account, row.entry, row.amount, until, row.ended_by))
    for row in connection.execute(
        select(service_record).where(service_record.c.passbook == passbook).order_by(service_record.c.entry)
    ):
        record = record_from(bytes(row.content)) if row.content else None
        original = row.entry if row.original is None else row.original
        leaves.versions.append(VersionLeaf(row.entry, original, record, dict(facts_from(bytes(row.supplied)))))
    for row in connection.execute(select(redemption).where(redemption.c.passbook == passbook)):
        leaves.had[row.entry] = (row.offer, row.merchant, row.units, row.cash)
    query = select(wallet_state).where(wallet_state.c.passbook == passbook)
    for row in connection.execute(query.order_by(wallet_state.c.entry, wallet_state.c.line)):
        leaves.besides[row.entry].append((row.account, row.issued))
    return leaves
