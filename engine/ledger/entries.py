"""Entries as they stand in the ledger, with their postings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    select,
)

from lianxing.engine.ledger.stored import StoredEntry
from lianxing.engine.ledger.tables import (
    INSTANT_MAX,
    entry,
    passbook,
    posting,
)
from lianxing.rules.assessments import Entry, Posting

_ENTRY_COLUMNS = (
    entry.c.passbook,
    entry.c.number,
    entry.c.kind,
    passbook.c.volunteer,
    passbook.c.county,
    entry.c.registry,
    entry.c.record,
    entry.c.effective_on,
    entry.c.recorded_at,
    entry.c.policy_digest,
    entry.c.seconds,
    entry.c.points,
    entry.c.adjusts,
    entry.c.counted,
    entry.c.actor,
    entry.c.reason,
    entry.c.body,
    entry.c.hash,
)


def stored_entries(connection: Connection, one_of: ColumnElement[bool]) -> Iterator[StoredEntry]:
    """Yield the entries of which this holds, passbook by passbook, in order."""
    rows = connection.execute(
        select(*_ENTRY_COLUMNS)
        .join(passbook, passbook.c.id == entry.c.passbook)
        .where(one_of)
        .order_by(entry.c.passbook, entry.c.number)
    ).all()
    owners = {row.passbook: (row.county, row.volunteer) for row in rows}
    lines: dict[tuple[int, int], list[Posting]] = defaultdict(list)
    for id, number, account, unit, amount, after in connection.execute(
        select(
            posting.c.passbook,
            posting.c.entry,
            posting.c.account,
            posting.c.unit,
            posting.c.amount,
            posting.c.balance_after,
        )
        .join(entry, and_(entry.c.passbook == posting.c.passbook, entry.c.number == posting.c.entry))
        .where(one_of)
        .order_by(posting.c.passbook, posting.c.entry, posting.c.line)
    ):
        county, owner = owners[id]
        name = f"{account}/{county}" if after is None else f"{account}/{county}/{owner}"
        lines[id, number].append(Posting(name, unit, amount))
    for row in rows:
        yield StoredEntry(
            Entry(
                row.number,
                row.kind,
                row.volunteer,
                row.county,
                row.registry,
                row.record,
                date.fromisoformat(row.effective_on),
                of_the_calendar(row.recorded_at),
                row.policy_digest or "",
                row.seconds,
                row.points,
                row.adjusts,
                bool(row.counted),
                row.actor,
                row.reason,
            ),
            bytes(row.body),
            tuple(lines.get((row.passbook, row.number), ())),
            bytes(row.hash),
        )


def of_the_calendar(instant: int) -> int:
    """Return an instant that has a day in every time zone; ValueError for one that no clock shows."""
    if not 0 <= instant <= INSTANT_MAX:
        raise ValueError("beyond the calendar")
    return instant
