"""What is on its way from one passbook to another: it leaves with a closed passbook, and is brought into another once.

All else that passes through `transit` arrives in the transaction in which it left, so that in each county the account
adds up to what left with closed passbooks, less what was brought there from other counties.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import date
from typing import NamedTuple

import orjson
from sqlalchemy import Connection, Select, and_, func, or_, select

from lianxing.engine.closings import OPEN, Closings, left_in, says_what_left
from lianxing.engine.ledger.drafts import BROUGHT, CLOSED, RECEIVED, REOPENED, REQUEST, TAKEN_BACK
from lianxing.engine.ledger.tables import entry, lot, lot_move, passbook, posting
from lianxing.engine.ledger.witnesses import UNREADABLE
from lianxing.engine.pooling import says_who_holds

TRANSIT = "transit"

_Sums = dict[str, int]  # by unit


class Departure(NamedTuple):
    """An entry under which something left a passbook that is closed."""

    volunteer: str
    county: str
    entry: int


class Unsettled(NamedTuple):
    """What is wrong, as names and values: with something that was brought, or with the sum of a county."""

    once: bool
    ids: tuple[tuple[str, str], ...]


def unsettled(connection: Connection) -> Iterator[Unsettled]:
    """Yield what was brought more than once, or otherwise than it left; and the counties whose sums show more."""
    left = _left(connection)
    brought: dict[Departure, list[tuple[str, int, _Sums]]] = defaultdict(list)
    explained: dict[str, _Sums] = defaultdict(lambda: defaultdict(int))
    for departure, sums in left.items():
        for unit, amount in sums.items():
            explained[departure.county][unit] += amount
    for departure, county, number, sums in _brought(connection):
        brought[departure].append((county, number, sums))
        for unit, amount in sums.items():
            explained[county][unit] -= amount
    for departure, arrivals in brought.items():
        for county, number, sums in arrivals[1:] if arrivals[0][2] == left.get(departure, {}) else arrivals:
            ids = ("volunteer", departure.volunteer), ("county", county), ("entry", str(number))
            origin = ("from_county", departure.county), ("from_entry", str(departure.entry))
            amounts = ("brought", _text(sums)), ("left", _text(left.get(departure, {})))
            others = [other for other, at, _sums in arrivals if (other, at) != (county, number)]
            yield Unsettled(True, (*ids, *origin, *amounts, ("also_in", ", ".join(others) or "-")))
    for (county, unit), total in sorted(_totals(connection).items()):
        if total != explained[county][unit]:
            sums_of = ("in_transit", str(total)), ("left_less_brought", str(explained[county][unit]))
            yield Unsettled(False, (("county", county), ("unit", unit), *sums_of))


def _text(sums: Mapping[str, int]) -> str:
    return ", ".join(f"{unit} {amount}" for unit, amount in sorted(sums.items())) or "-"


def _totals(connection: Connection) -> dict[tuple[str, str], int]:
    query = (
        select(passbook.c.county, posting.c.unit, func.sum(posting.c.amount).label("total"))
        .join(passbook, passbook.c.id == posting.c.passbook)
        .where(posting.c.account == TRANSIT, posting.c.balance_after.is_(None))
        .group_by(passbook.c.county, posting.c.unit)
    )
    return {(row.county, row.unit): int(row.total) for row in connection.execute(query)}


def _left(connection: Connection) -> dict[Departure, _Sums]:
    """Return what left with closed passbooks, by the entry under which it did: what had not ended by its day."""
    known = _closings(connection)
    parts: dict[Departure, _Sums] = defaultdict(lambda: defaultdict(int))
    query = (
        select(
            *(passbook.c.volunteer, passbook.c.county, lot_move.c.entry, lot_move.c.account, lot_move.c.amount),
            *(lot.c.ends, entry.c.effective_on),
        )
        .join(passbook, passbook.c.id == lot_move.c.passbook)
        .join(entry, and_(entry.c.passbook == lot_move.c.passbook, entry.c.number == lot_move.c.entry))
        .join(
            lot,
            and_(
                lot.c.passbook == lot_move.c.passbook,
                lot.c.account == lot_move.c.account,
                lot.c.number == lot_move.c.lot,
            ),
        )
        .where(passbook.c.closed_on.is_not(None), lot_move.c.amount < 0)
        .where(entry.c.record == "")  # a record says itself what of it has left
    )
    for row in connection.execute(query):
        then = known.get((row.volunteer, row.county), OPEN).up_to(row.entry)
        closed = None if then.now is None else then.under(date.fromisoformat(row.effective_on))
        if closed is not None and row.account in closed.portable and row.ends >= row.effective_on:
            parts[Departure(row.volunteer, row.county, row.entry)][closed.portable[row.account]] -= row.amount
    for departure, body in _late(connection):
        with suppress(*UNREADABLE):
            if says_what_left(body):
                parts[departure] = defaultdict(int)
                for unit, _since, _last, amount in left_in(body):
                    parts[departure][unit] += amount
            elif says_who_holds(body):  # what the family earns has passed to who holds it, or back
                parts.pop(departure, None)
    gone = _gone(connection)
    found: dict[Departure, _Sums] = {}
    for departure, sums in parts.items():
        # What has ended since is not in transit: a late record is of its own day, and what it is worth may be over.
        left = {unit: min(amount, gone.get((departure, unit), 0)) for unit, amount in sums.items()}
        found[departure] = {unit: amount for unit, amount in left.items() if amount}
    return found


def _closings(connection: Connection) -> dict[tuple[str, str], Closings]:
    """Return the closings of each passbook that was ever closed."""
    found: dict[tuple[str, str], Closings] = {}
    query = _bodies(CLOSED, REOPENED).order_by(None).order_by(entry.c.passbook, entry.c.number)
    for row in connection.execute(query):
        with suppress(*UNREADABLE):
            before, on = found.get((row.volunteer, row.county), OPEN), date.fromisoformat(row.effective_on)
            found[row.volunteer, row.county] = before.after(row.kind, on, row.number, bytes(row.body))
    return found


def _late(connection: Connection) -> Iterator[tuple[Departure, bytes]]:
    """Yield the records, the steps of requests and what arrived, of passbooks that were ever closed: what they say."""
    closed = select(entry.c.passbook).where(entry.c.kind == CLOSED)
    query = select(passbook.c.volunteer, passbook.c.county, entry.c.number, entry.c.body).join(
        entry, entry.c.passbook == passbook.c.id
    )
    late = or_(entry.c.record != "", entry.c.kind.in_((REQUEST, RECEIVED, TAKEN_BACK)))
    for row in connection.execute(query.where(passbook.c.id.in_(closed), late)):
        yield Departure(row.volunteer, row.county, row.number), bytes(row.body)


def _gone(connection: Connection) -> dict[tuple[Departure, str], int]:
    query = (
        select(
            *(passbook.c.volunteer, passbook.c.county, posting.c.entry, posting.c.unit),
            func.sum(posting.c.amount).label("total"),
        )
        .join(passbook, passbook.c.id == posting.c.passbook)
        .where(passbook.c.closed_on.is_not(None), posting.c.account == TRANSIT, posting.c.amount > 0)
        .where(posting.c.balance_after.is_(None))
        .group_by(passbook.c.volunteer, passbook.c.county, posting.c.entry, posting.c.unit)
    )
    return {
        (Departure(row.volunteer, row.county, row.entry), row.unit): int(row.total) for row in connection.execute(query)
    }


def _brought(connection: Connection) -> Iterator[tuple[Departure, str, int, _Sums]]:
    """Yield from where something was brought, into which county under which entry, and how much came by it."""
    sums: dict[tuple[int, int], _Sums] = defaultdict(dict)
    query = (
        select(posting.c.passbook, posting.c.entry, posting.c.unit, func.sum(posting.c.amount).label("total"))
        .join(entry, and_(entry.c.passbook == posting.c.passbook, entry.c.number == posting.c.entry))
        .where(entry.c.kind == BROUGHT, posting.c.account == TRANSIT, posting.c.balance_after.is_(None))
        .where(posting.c.amount < 0)  # what is over a limit of storage goes on to a pool by the same account
        .group_by(posting.c.passbook, posting.c.entry, posting.c.unit)
    )
    for passed in connection.execute(query):
        sums[passed.passbook, passed.entry][passed.unit] = -int(passed.total)
    for row in connection.execute(_bodies(BROUGHT)):
        departure = Departure(row.volunteer, "", 0)
        with suppress(*UNREADABLE):
            asked = orjson.loads(row.body)["asked"]
            departure = Departure(row.volunteer, str(asked["from_county"]), int(asked["entry"]))
        yield departure, row.county, row.number, sums[row.id, row.number]


def _bodies(*kinds: str) -> Select[tuple[int, str, str, int, bytes, str, str]]:
    return (
        select(
            *(passbook.c.id, passbook.c.volunteer, passbook.c.county),
            *(entry.c.number, entry.c.body, entry.c.kind, entry.c.effective_on),
        )
        .join(entry, entry.c.passbook == passbook.c.id)
        .where(entry.c.kind.in_(kinds))
        .order_by(entry.c.recorded_at, passbook.c.id, entry.c.number)
    )
