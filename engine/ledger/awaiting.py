"""Who of a county has something that waits: for a run that ends it, for a change of rules, for whoever asked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    exists,
    func,
    select,
)

from lianxing.engine.ledger.stored import HeldFor
from lianxing.engine.ledger.tables import (
    entry,
    hold,
    lot,
    passbook,
    redemption,
    wallet_state,
)
from lianxing.rules.facts import CountyId, VolunteerId


def ending(connection: Connection, county: CountyId, on: date, limit: int) -> list[VolunteerId]:
    """Return, at most `limit`, people of a county with something that ended before a day: lots or holds."""
    day = on.isoformat()
    lots_over = select(lot.c.passbook).where(lot.c.ends < day, lot.c.remaining > 0)
    holds_over = select(hold.c.passbook).where(hold.c.until < day, hold.c.ended_by.is_(None))
    query = (
        select(passbook.c.volunteer)
        .where(passbook.c.county == county, passbook.c.id.in_(lots_over.union_all(holds_over)))
        .order_by(passbook.c.id)
        .limit(limit)
    )
    return list(connection.scalars(query))


def not_turned(
    connection: Connection, county: CountyId, account: str, transition: str, on_day: date
) -> list[VolunteerId]:
    """Return people whose account has something of before a change of rules that is not noted yet."""
    day, noted = on_day.isoformat(), f'"{transition}":['
    # Only a change of rules is noted with a list of numbers: `issued` and `stars`, which may be its name as well,
    # are lists of lists, or empty. No JSON function: on a damaged row it would end the run for everybody.
    others: ColumnElement[Any] = wallet_state.c.issued
    for listed in ("[", "]"):
        others = func.replace(others, noted + listed, "")
    seen = exists().where(
        wallet_state.c.passbook == lot.c.passbook,
        wallet_state.c.account == lot.c.account,
        func.replace(others, noted, "") != others,
    )
    waiting = select(lot.c.passbook).where(
        lot.c.account == account, lot.c.remaining > 0, lot.c.earned_on < day, lot.c.ends >= day, ~seen
    )
    query = select(passbook.c.volunteer).where(passbook.c.county == county, passbook.c.id.in_(waiting))
    return list(connection.scalars(query.order_by(passbook.c.id)))


def held_for(
    connection: Connection, county: CountyId, on: date, but: Iterable[str], seen: dict[int, None]
) -> list[HeldFor]:
    """Return the reservations for any but these offers that are open on a day, passbook by passbook, in order."""
    query = (
        select(
            *(passbook.c.volunteer, hold.c.entry, redemption.c.on_day, redemption.c.offer, hold.c.until),
            *(entry.c.body, hold.c.passbook),
        )
        .join(passbook, passbook.c.id == hold.c.passbook)
        .join(entry, and_(entry.c.passbook == hold.c.passbook, entry.c.number == hold.c.entry))
        .join(redemption, and_(redemption.c.passbook == hold.c.passbook, redemption.c.entry == hold.c.entry))
        .where(hold.c.until >= on.isoformat(), hold.c.ended_by.is_(None), passbook.c.county == county)
        .where(redemption.c.offer.not_in(list(but)))
        .order_by(hold.c.passbook, hold.c.entry)
    )
    day = date.fromisoformat
    found: list[HeldFor] = []
    for row in connection.execute(query):
        seen[row.passbook] = None
        found.append(HeldFor(row.volunteer, row.entry, day(row.on_day), row.offer, day(row.until), bytes(row.body)))
    return found
