"""What entries did to people's accounts, as `engine.touches` asks it: from drafts, from links, from the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date

import orjson
from sqlalchemy import Connection, and_, exists, select

from lianxing.engine.ledger.chaining import Link
from lianxing.engine.ledger.drafts import BOOKED_ON, Draft
from lianxing.engine.ledger.tables import entry, hold, lot, lot_end, lot_move, posting, redemption
from lianxing.engine.touches import WITH_STAR, Touch
from lianxing.engine.wallet import EXPIRED, REDEEMED

_Line = tuple[str, int, bool]  # account, amount, whether it is the person's own


def touch_of_draft(draft: Draft) -> Touch:
    """Return what an entry that is not written yet does to accounts."""
    touch = _touch(
        draft.effective_on,
        draft.body,
        [(line.account, line.amount, line.own) for line in draft.lines],
        [(move.account, move.lot, move.amount) for move in draft.lots],
        [(one.account, one.number, one.last_day) for one in draft.opened],
        draft.ended,
    )
    with_star = [(one.account, one.number) for one in draft.opened if one.source.startswith(WITH_STAR)]
    return replace(touch, entry=draft.number, with_star=with_star, ends=draft.ends or 0, returns=draft.returns or 0)


def touch_of_link(link: Link) -> Touch:
    """Return what an entry did to accounts."""
    touch = _touch(
        date.fromisoformat(link.effective_on),
        link.body,
        [(str(account), int(amount or 0), after is not None) for account, _unit, amount, after in link.postings],
        [(str(account), int(number), int(amount)) for account, number, amount in link.lots],
        [(str(one[0]), int(one[1]), date.fromisoformat(str(one[3]))) for one in link.opened],
        [(str(account), int(number)) for account, number in link.ended],
    )
    with_star = [(str(one[0]), int(one[1])) for one in link.opened if str(one[4]).startswith(WITH_STAR)]
    return replace(touch, entry=link.number, with_star=with_star, ends=link.ends or 0, returns=link.returns or 0)


def has_ended(connection: Connection, id: int) -> bool:
    """Tell whether anything in a passbook has ever ended."""
    of_county = posting.c.balance_after.is_(None), posting.c.account == EXPIRED
    query = select(posting.c.entry).where(posting.c.passbook == id, *of_county).limit(1)
    return connection.execute(query).first() is not None


def touches_of(connection: Connection, ids: Collection[int], *, lots: bool) -> dict[int, list[Touch]]:
    """Return what the entries of each passbook did to accounts, in order.

    Without `lots` only what was spent, and lots of those to whom stars have brought any.
    """
    lines: dict[tuple[int, int], list[_Line]] = defaultdict(list)
    moves: dict[tuple[int, int], list[tuple[str, int, int]]] = defaultdict(list)
    opened: dict[tuple[int, int], list[tuple[str, int, date]]] = defaultdict(list)
    with_star: dict[tuple[int, int], list[tuple[str, int]]] = defaultdict(list)
    ended: dict[tuple[int, int], list[tuple[str, int]]] = defaultdict(list)
    counter = posting.alias("counter")
    spends = exists().where(
        and_(counter.c.passbook == posting.c.passbook, counter.c.entry == posting.c.entry),
        and_(counter.c.balance_after.is_(None), counter.c.account.in_((REDEEMED, EXPIRED))),
    )
    query = select(posting).where(posting.c.passbook.in_(ids), spends)
    for row in connection.execute(query.order_by(posting.c.passbook, posting.c.entry, posting.c.line)):
        lines[row.passbook, row.entry].append((row.account, row.amount, row.balance_after is not None))
    starred = select(lot.c.passbook).where(lot.c.passbook.in_(ids), lot.c.source.startswith(WITH_STAR)).distinct()
    whose = ids if lots else [row.passbook for row in connection.execute(starred)]
    if whose:
        by_line = lot_move.c.passbook, lot_move.c.entry, lot_move.c.line
        for row in connection.execute(select(lot_move).where(lot_move.c.passbook.in_(whose)).order_by(*by_line)):
            moves[row.passbook, row.entry].append((row.account, row.lot, row.amount))
        for row in connection.execute(select(lot).where(lot.c.passbook.in_(whose)).order_by(lot.c.number)):
            last_day = date.fromisoformat(row.last_day)
            opened[row.passbook, row.entry].append((row.account, row.number, last_day))
            if row.source.startswith(WITH_STAR):
                with_star[row.passbook, row.entry].append((row.account, row.number))
        for row in connection.execute(select(lot_end).where(lot_end.c.passbook.in_(whose)).order_by(lot_end.c.line)):
            ended[row.passbook, row.entry].append((row.account, row.lot))
    wanted = {*lines, *moves, *opened, *ended}
    found: dict[int, list[Touch]] = {}
    bodies = _bodies(connection, whose) if whose else {}
    ends, returns = _references(connection, whose) if with_star else ({}, {})
    columns = entry.c.passbook, entry.c.number, entry.c.effective_on
    query = select(*columns).where(entry.c.passbook.in_(ids)).order_by(entry.c.passbook, entry.c.number)
    for row in connection.execute(query):
        key = row.passbook, row.number
        if key in wanted:
            on = date.fromisoformat(row.effective_on)
            touch = _touch(
                on,
                bodies.get(key, b""),
                lines.get(key, ()),
                moves.get(key, ()),
                opened.get(key, ()),
                ended.get(key, ()),
            )
            touch = replace(
                touch,
                entry=row.number,
                with_star=with_star.get(key, ()),
                ends=ends.get(key, 0),
                returns=returns.get(key, 0),
            )
            found.setdefault(row.passbook, []).append(touch)
    return found


def _references(
    connection: Connection, ids: Collection[int]
) -> tuple[dict[tuple[int, int], int], dict[tuple[int, int], int]]:
    """Return which entry's reservation an entry ends, and which entry's redemption it gives back."""
    ended = select(hold.c.passbook, hold.c.ended_by.label("by"), hold.c.entry).where(hold.c.passbook.in_(ids))
    back = select(redemption.c.passbook, redemption.c.returned_by.label("by"), redemption.c.entry)
    back = back.where(redemption.c.passbook.in_(ids))
    ends, returns = (
        {(row.passbook, row.by): row.entry for row in connection.execute(query) if row.by is not None}
        for query in (ended, back)
    )
    return ends, returns


def _bodies(connection: Connection, ids: Collection[int]) -> dict[tuple[int, int], bytes]:
    """Return the bodies of the entries with which something has ended."""
    ends = exists().where(
        and_(posting.c.passbook == entry.c.passbook, posting.c.entry == entry.c.number),
        and_(posting.c.balance_after.is_(None), posting.c.account == EXPIRED),
    )
    query = select(entry.c.passbook, entry.c.number, entry.c.body)
    rows = connection.execute(query.where(entry.c.passbook.in_(ids), ends))
    return {(row.passbook, row.number): bytes(row.body) for row in rows}


def _touch(
    on: date,
    body: bytes,
    lines: Iterable[_Line],
    moves: Sequence[tuple[str, int, int]],
    opened: Sequence[tuple[str, int, date]],
    ended: Sequence[tuple[str, int]],
) -> Touch:
    """Return what an entry did; the `body` of a record says up to which day has ended what had to."""
    spent = expired = reverted = 0
    accounts: list[str] = []
    for account, amount, own in lines:
        if own:
            accounts.append(account.partition("/")[0])
        elif account == REDEEMED:
            spent += amount
        elif account == EXPIRED and amount > 0:
            expired += amount
        elif account == EXPIRED:
            reverted -= amount
    said = orjson.loads(body).get(BOOKED_ON) if body and (expired or reverted) else None
    decided_on = on if said is None else date.fromisoformat(said)
    # A redemption is of one account; what merely ends is told by its lots.
    return Touch(
        on, decided_on, accounts[0] if accounts else "", spent, expired, moves, opened, ended, reversed=reverted
    )
