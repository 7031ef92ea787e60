"""What the ledger holds of many people's accounts, read at once: the path that every command takes.

Plain SQL, one statement whatever the number of people: SQLAlchemy takes longer to put a statement together than a
database to answer it. Ids go in as one value, which each database takes apart in its own way.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection

from lianxing.engine.ledger.batching import array_of, run

_SAME = {"sqlite": "IN (SELECT value FROM json_each(?))", "postgresql": "= ANY(%s)"}
_MARK = {"sqlite": "?", "postgresql": "%s"}


class LotRow(NamedTuple):
    """A lot as it stands; `ends` is its last day, before the one that it was opened with where an entry ended it.

    `expired` is what has ended of it, where that was asked for.
    """

    account: str
    number: int
    earned_on: date
    ends: date
    source: str
    original: int
    remaining: int
    expired: int = 0


class HoldRow(NamedTuple):
    """An open hold, by the entry that made it."""

    account: str
    entry: int
    amount: int
    until: date


@dataclass(slots=True)
class WalletRows:
    """What the ledger holds of a person's accounts.

    `lots` are those of which something is left, and those that open holds took from; `taken` is what each open hold
    took, as lot and amount; `besides` what each wallet is besides: drawn, rest, grants given (JSON). `ended` asks for
    the lots of which something has ended: whoever takes back needs them, and nobody else.
    """

    lots: list[LotRow] = field(default_factory=list)
    holds: list[HoldRow] = field(default_factory=list)
    taken: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    besides: dict[str, tuple[int, int, str]] = field(default_factory=dict)
    ended: Callable[[], Sequence[LotRow]] = tuple


class About(NamedTuple):
    """What is asked of what somebody had: by entry, by offer since a day, and what was reserved until before a day."""

    entries: frozenset[int]
    offers: frozenset[str]
    since: date
    over_before: date


def asks_for_any(about: About, rows: Iterable[WalletRows]) -> bool:
    """Tell whether anything that these people had may be asked for."""
    over = (hold.until < about.over_before for one in rows for hold in one.holds)
    return bool(about.entries or about.offers) or any(over)


class Had(NamedTuple):
    """What somebody had, by the entry that gave it; `paid` and `units` are less where less was used than reserved."""

    entry: int
    on: date
    offer: str
    merchant: str
    units: int
    paid: int
    cash: int

    def settled(self, amount: int) -> Had:
        """Return what was had where only so much of what was reserved was used: a unit that was begun was had."""
        if amount == self.paid:
            return self
        return self._replace(units=-(-self.units * amount // self.paid), paid=amount)


def wallet_rows(
    connection: Connection, ids: Collection[int], *, lots: bool, parts: bool | date
) -> dict[int, WalletRows]:
    """Return what each passbook holds; without `lots` none of them, without `parts` not what open holds took.

    With a day for `parts` what they took is told of whoever has a hold that was over before it.
    """
    found = {id: WalletRows() for id in ids}
    if lots:
        for id, *row in _rows(
            connection,
            "SELECT passbook, account, number, earned_on, ends, source, original, remaining FROM lot "
            "WHERE passbook {same} AND remaining > 0",
            ids,
        ):
            found[id].lots.append(_lot(row))
    for id, account, entry, amount, until in _rows(
        connection,
        "SELECT passbook, account, entry, amount, until FROM hold WHERE passbook {same} AND ended_by IS NULL",
        ids,
    ):
        found[id].holds.append(HoldRow(account, entry, amount, date.fromisoformat(until)))
    holding = [id for id, rows in found.items() if rows.holds and _lets_go(rows, parts)]
    if holding:
        _add_parts(connection, holding, found)
    for id, account, drawn, rest, issued in _rows(
        connection,
        "SELECT passbook, account, drawn, rest, issued FROM wallet_state WHERE passbook {same} "
        "ORDER BY passbook, entry, line",
        ids,
    ):
        found[id].besides[account] = (drawn, rest, issued)
    return found


def _lets_go(rows: WalletRows, parts: bool | date) -> bool:
    return parts if isinstance(parts, bool) else any(hold.until < parts for hold in rows.holds)


def _add_parts(connection: Connection, ids: Collection[int], found: dict[int, WalletRows]) -> None:
    """Add which lots the open holds took from, and those lots themselves where nothing is left of them."""
    wanted: dict[int, set[tuple[str, int]]] = defaultdict(set)
    for id, entry, account, lot, amount in _rows(
        connection,
        "SELECT lot_move.passbook, lot_move.entry, lot_move.account, lot_move.lot, lot_move.amount FROM lot_move "
        "JOIN hold ON hold.passbook = lot_move.passbook AND hold.entry = lot_move.entry "
        "WHERE hold.passbook {same} AND hold.ended_by IS NULL AND lot_move.amount < 0 "
        "ORDER BY lot_move.passbook, lot_move.entry, lot_move.line",
        ids,
    ):
        found[id].taken.setdefault(entry, []).append((lot, -amount))
        wanted[id].add((account, lot))
    for id, which in wanted.items():
        which -= {(row.account, row.number) for row in found[id].lots}
        found[id].lots += lots_of(connection, id, which)


def lots_of(connection: Connection, id: int, which: Collection[tuple[str, int]]) -> list[LotRow]:
    """Return these lots of a passbook, as account and number, also where nothing is left of them."""
    if not which:
        return []
    rows = _rows(
        connection,
        "SELECT account, number, earned_on, ends, source, original, remaining FROM lot "
        "WHERE number {same} AND passbook = {mark}",
        sorted({number for _account, number in which}),
        id,
    )
    return [_lot(row) for row in rows if (row[0], row[1]) in which]


def taken_by(connection: Connection, id: int, entry: int) -> list[tuple[str, int, int]]:
    """Return which lots an entry took from, as account, lot and amount, in the order in which it did."""
    rows = _rows(
        connection,
        "SELECT account, lot, amount FROM lot_move WHERE entry {same} AND passbook = {mark} AND amount < 0 "
        "ORDER BY line",
        [entry],
        id,
    )
    return [(account, lot, -amount) for account, lot, amount in rows]


def redemptions(connection: Connection, ids: Collection[int], about: About | None = None) -> dict[int, list[Had]]:
    """Return what each passbook's owner has had and not given back, all of it or what is asked `about`, by entries."""
    found: dict[int, list[Had]] = {id: [] for id in ids}
    only = ""
    more: list[object] = []
    if about is not None:
        only = (
            "AND (hold.until < {mark} AND hold.ended_by IS NULL OR redemption.entry {same} "
            "OR on_day >= {mark} AND offer {same}) "
        )
        more = [about.over_before.isoformat(), list(about.entries), about.since.isoformat(), list(about.offers)]
    for id, entry, on, offer, merchant, units, paid, cash, settled in _rows(
        connection,
        "SELECT redemption.passbook, redemption.entry, on_day, offer, merchant, units, paid, cash, posting.amount "
        "FROM redemption "
        "LEFT JOIN hold ON hold.passbook = redemption.passbook AND hold.entry = redemption.entry "
        "LEFT JOIN posting ON posting.passbook = hold.passbook AND posting.entry = hold.ended_by "
        "AND posting.account = 'redeemed' "
        "WHERE redemption.passbook {same} AND returned_by IS NULL "
        f"{only}ORDER BY redemption.passbook, redemption.entry",
        ids,
        *more,
    ):
        had = Had(entry, date.fromisoformat(on), offer, merchant, units, paid, cash)
        found[id].append(had if settled is None else had.settled(settled))
    return found


def commands(
    connection: Connection, keys: Collection[tuple[str, str]]
) -> Iterator[tuple[str, str, str, int, str, bytes]]:
    """Yield what is known of keys, each as scope and key: those, hash of the request, entry, its kind and body."""
    asked, values = _pairs(connection, keys, "scope text", "key text")
    yield from run(
        connection,
        "SELECT command.scope, command.key, command.request_hash, command.entry, entry.kind, entry.body "
        f"FROM {asked} JOIN command ON command.scope = asked.scope AND command.key = asked.key "
        "JOIN entry ON entry.passbook = command.passbook AND entry.number = command.entry",
        values,
    ).fetchall()


def stock_taken(connection: Connection, county: str, offers: Collection[str]) -> dict[str, int]:
    """Return how many units of each offer are given out; an offer of which nobody had any is left out."""
    return dict(
        _rows(connection, "SELECT offer, taken FROM stock WHERE offer {same} AND county = {mark}", offers, county)
    )


def passbooks(connection: Connection, county: str, people: Collection[str], *, lock: bool) -> list[Any]:
    """Return id, volunteer, number, head, instant and day of closing of people's passbooks, in the order of ids."""
    locking = " FOR UPDATE" if lock and connection.dialect.name == "postgresql" else ""
    return list(
        _rows(
            connection,
            "SELECT id, volunteer, number, head, recorded_at, closed_on FROM passbook "
            "WHERE volunteer {same} AND county = {mark} ORDER BY id" + locking,
            people,
            county,
        )
    )


def balances(connection: Connection, ids: Collection[int]) -> Iterator[Any]:
    """Yield passbook, account, unit, balance and floor."""
    yield from _rows(
        connection, "SELECT passbook, account, unit, posted, floor FROM balance WHERE passbook {same}", ids
    )


def fold_states(connection: Connection, ids: Collection[int], digest: str) -> Iterator[Any]:
    """Yield passbook and state of the folds that are kept under a policy."""
    yield from _rows(
        connection,
        "SELECT passbook, state FROM fold_state WHERE passbook {same} AND policy_digest = {mark}",
        ids,
        digest,
    )


def fold_marks(connection: Connection, days: Mapping[int, str], digest: str) -> Iterator[tuple[int, str, bytes]]:
    """Yield passbook, day and state of the marks of passbooks, from the last one before the day of each of them on."""
    asked, values = _pairs(connection, days.items(), "passbook int8", "first text")
    mark = _MARK[connection.dialect.name]
    found = connection.exec_driver_sql(
        f"SELECT known.passbook, known.day, known.state FROM {asked} JOIN fold_mark AS known "
        f"ON known.passbook = asked.passbook AND known.policy_digest = {mark} AND known.day >= coalesce(("
        "SELECT max(before.day) FROM fold_mark AS before WHERE before.passbook = asked.passbook "
        f"AND before.policy_digest = {mark} AND before.day < asked.first), '')",
        (*values, digest, digest),
    )
    for id, day, state in found:
        yield id, day, bytes(state)


def volunteers(connection: Connection, ids: Collection[str]) -> Iterator[Any]:
    """Yield id, facts, day of registration and day of birth."""
    yield from _rows(connection, "SELECT id, facts, registered_on, born_on FROM volunteer WHERE id {same}", ids)


def _lot(row: Any) -> LotRow:
    account, number, earned_on, ends, source, original, remaining = row
    day = date.fromisoformat
    return LotRow(account, number, day(earned_on), day(ends), source, original, remaining)


def _pairs(connection: Connection, pairs: Collection[tuple[Any, Any]], *columns: str) -> tuple[str, tuple[object, ...]]:
    """Return pairs as a table `asked` to join others to, in this order on SQLite, and the values that it takes.

    A column is a name and a type of PostgreSQL.
    """
    names = [column.partition(" ")[0] for column in columns]
    if connection.dialect.name == "sqlite":
        chosen = ", ".join(f"json_extract(value, '$[{place}]') AS {name}" for place, name in enumerate(names))
        return f"(SELECT {chosen} FROM json_each(?)) AS asked CROSS", (orjson.dumps(list(pairs)).decode(),)
    arrays = ", ".join(f"%s::{column.partition(' ')[2]}[]" for column in columns)
    return f"unnest({arrays}) AS asked ({', '.join(names)})", tuple(map(array_of, zip(*pairs, strict=True)))


def _rows(connection: Connection, query: str, ids: Collection[Any], *more: Any) -> Iterator[Any]:
    """Yield what a query finds; `{same}` takes all ids as one value, and any list; `{mark}` each of the others."""
    dialect = connection.dialect.name
    taken_apart = _as_json if dialect == "sqlite" else array_of
    values = (taken_apart(list(ids)), *(taken_apart(one) if isinstance(one, list) else one for one in more))
    yield from run(connection, query.format(same=_SAME[dialect], mark=_MARK[dialect]), values).fetchall()


def _as_json(values: list[Any]) -> str:
    return orjson.dumps(values).decode()
