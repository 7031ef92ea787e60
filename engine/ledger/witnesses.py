"""What other passbooks, and a person's own file, say about the entries of a passbook, when it is decided again."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from itertools import accumulate

import orjson
from sqlalchemy import Connection, and_, func, select

from lianxing.engine.closings import OPEN, Closings
from lianxing.engine.ledger.chunking import chunks
from lianxing.engine.ledger.contents import facts_from
from lianxing.engine.ledger.drafts import BROUGHT, CLOSED, REFUSED, REGISTERED, REOPENED
from lianxing.engine.ledger.errors import STUMBLES, LedgerError
from lianxing.engine.ledger.tables import entry, fold_mark, fold_state, passbook, policy, stock_move
from lianxing.rules.facts import CountyId, RegistryId, VolunteerId
from lianxing.rules.records import Volunteer

# What reading an entry leads to that no bank has written. It is named where its own passbook is looked at.
UNREADABLE = (*STUMBLES, LedgerError)


@dataclass(frozen=True, slots=True)
class Told:
    """What an entry of somebody says, and when it was written."""

    volunteer: VolunteerId
    entry: int
    kind: str
    instant: int
    on: date
    digest: str
    body: bytes


@dataclass(frozen=True, slots=True)
class KeptPolicy:
    """A policy as it is kept, and the instant of the first entry under it, None where there is none."""

    county: str
    title: str
    first_used_at: int
    content: bytes
    first_entry_at: int | None


@dataclass(frozen=True, slots=True)
class KeptFold:
    """A state of somebody's fold that is kept under a policy: a mark with its day, or the newest with its entry."""

    digest: str
    day: str
    number: int
    state: bytes


@dataclass(slots=True)
class StockMoves:
    """What was taken of one offer and given back, by the instant of its entry."""

    taken: list[tuple[int, int]] = field(default_factory=list)
    returned: list[tuple[int, int]] = field(default_factory=list)
    _sums: tuple[list[int], list[int]] | None = None

    def between(self, instant: int, apart: int) -> tuple[int, int]:
        """Return how many units at least and at most were out at an instant, of clocks that may be seconds `apart`."""
        least = self._until(instant - apart - 1, self.taken, 0) - self._until(instant + apart, self.returned, 1)
        most = self._until(instant + apart, self.taken, 0) - self._until(instant - apart - 1, self.returned, 1)
        return max(0, least), max(0, most)

    @property
    def out(self) -> int:
        return sum(units for _instant, units in self.taken) - sum(units for _instant, units in self.returned)

    def _until(self, instant: int, moves: list[tuple[int, int]], which: int) -> int:
        if self._sums is None:
            self.taken.sort()
            self.returned.sort()
            taken, returned = (
                [0, *accumulate(units for _instant, units in some)] for some in (self.taken, self.returned)
            )
            self._sums = (taken, returned)
        return self._sums[which][bisect_right(moves, instant, key=lambda move: move[0])]


def stock_moves(connection: Connection, county: CountyId) -> dict[str, StockMoves]:
    """Return what became of the stock of each offer of a county."""
    found: dict[str, StockMoves] = defaultdict(StockMoves)
    for row in connection.execute(
        select(stock_move.c.offer, stock_move.c.units, entry.c.recorded_at)
        .join(entry, and_(entry.c.passbook == stock_move.c.passbook, entry.c.number == stock_move.c.entry))
        .join(passbook, passbook.c.id == stock_move.c.passbook)
        .where(passbook.c.county == county)
    ):
        moves = found[row.offer]
        (moves.taken if row.units > 0 else moves.returned).append((row.recorded_at, abs(row.units)))
    return dict(found)


def registrations(
    connection: Connection, people: Iterable[VolunteerId]
) -> dict[VolunteerId, list[tuple[int, Volunteer]]]:
    """Return what the registry has said of people, each with the instant at which it was kept, in order."""
    found: dict[VolunteerId, list[tuple[int, Volunteer]]] = {}
    for chunk in chunks(people):
        for row in connection.execute(
            select(passbook.c.volunteer, entry.c.recorded_at, entry.c.body)
            .join(entry, entry.c.passbook == passbook.c.id)
            .where(passbook.c.county == "", passbook.c.volunteer.in_(chunk), entry.c.kind == REGISTERED)
            .order_by(entry.c.passbook, entry.c.number)
        ):
            with suppress(*UNREADABLE):
                person = person_from(row.volunteer, bytes(row.body))
                found.setdefault(row.volunteer, []).append((row.recorded_at, person))
    return found


def known_since(connection: Connection, county: CountyId, person: VolunteerId) -> int | None:
    """Return the instant of the first entry that tells of somebody: their registration, or what was done here."""
    query = select(func.min(entry.c.recorded_at)).join(passbook, passbook.c.id == entry.c.passbook)
    here = passbook.c.volunteer == person, passbook.c.county.in_(("", county))
    found = connection.scalar(query.where(*here, entry.c.kind != REFUSED))
    return None if found is None else int(found)


def all_known_since(connection: Connection) -> dict[str, int]:
    """Return everybody of whom the ledger has heard, in any county, with the instant of the first entry of it."""
    query = select(passbook.c.volunteer, func.min(entry.c.recorded_at).label("since"))
    rows = connection.execute(query.join(entry, entry.c.passbook == passbook.c.id).group_by(passbook.c.volunteer))
    return {row.volunteer: int(row.since) for row in rows}


def person_from(id: VolunteerId, body: bytes) -> Volunteer:
    """Return what an entry of somebody's own file says of them."""
    said = orjson.loads(body)
    registered_on, born_on = (
        None if said[name] is None else date.fromisoformat(said[name]) for name in ("registered_on", "born_on")
    )
    return Volunteer(id, registered_on, born_on, facts_from(said["facts"].encode()))


def closings(connection: Connection, county: CountyId) -> dict[VolunteerId, list[tuple[int, Closings]]]:
    """Return the closings of each passbook that was ever closed, as they were from each instant on."""
    found: dict[VolunteerId, list[tuple[int, Closings]]] = {}
    for one in told(connection, county, (CLOSED, REOPENED)):
        with suppress(*UNREADABLE):
            states = found.setdefault(one.volunteer, [(0, OPEN)])
            states.append((one.instant, states[-1][1].after(one.kind, one.on, one.entry, one.body)))
    return found


def withdrawals(connection: Connection, county: CountyId, registry: RegistryId) -> dict[str, int]:
    """Return when records of a registry were taken back for the first time."""
    query = (
        select(entry.c.record, func.min(entry.c.recorded_at).label("at"))
        .join(passbook, passbook.c.id == entry.c.passbook)
        .where(passbook.c.county == county, entry.c.registry == registry, entry.c.kind == "withdrawn")
        .group_by(entry.c.record)
    )
    return {row.record: int(row.at) for row in connection.execute(query)}


def instant_of(connection: Connection, county: CountyId, person: VolunteerId, number: int) -> int | None:
    """Return when an entry of a passbook was written; None where there is none."""
    query = select(entry.c.recorded_at).join(passbook, passbook.c.id == entry.c.passbook)
    here = passbook.c.volunteer == person, passbook.c.county == county, entry.c.number == number
    found = connection.scalar(query.where(*here))
    return None if found is None else int(found)


def brought_elsewhere(
    connection: Connection, here: CountyId, person: VolunteerId
) -> Iterator[tuple[CountyId, int, bytes]]:
    """Yield what other counties have taken in for somebody: the county, the instant of the entry, and what it says."""
    for row in connection.execute(
        select(passbook.c.county, entry.c.recorded_at, entry.c.body)
        .join(entry, entry.c.passbook == passbook.c.id)
        .where(passbook.c.volunteer == person, passbook.c.county != here, entry.c.kind == BROUGHT)
        .order_by(entry.c.passbook, entry.c.number)
    ):
        yield row.county, row.recorded_at, bytes(row.body)


def told(connection: Connection, county: CountyId, kinds: Iterable[str]) -> Iterator[Told]:
    """Yield every entry of these kinds in a county, passbook by passbook, in order."""
    query = (
        select(
            passbook.c.volunteer,
            entry.c.number,
            entry.c.kind,
            entry.c.recorded_at,
            entry.c.effective_on,
            entry.c.policy_digest,
            entry.c.body,
        )
        .join(entry, entry.c.passbook == passbook.c.id)
        .where(passbook.c.county == county, entry.c.kind.in_(sorted(kinds)))
        .order_by(entry.c.passbook, entry.c.number)
    )
    for row in connection.execute(query, execution_options={"yield_per": 1_000}):
        with suppress(*UNREADABLE):
            on = date.fromisoformat(row.effective_on)
            digest = row.policy_digest or ""
            yield Told(row.volunteer, row.number, row.kind, row.recorded_at, on, digest, bytes(row.body))


def kept_policies(connection: Connection) -> dict[str, KeptPolicy]:
    """Return every policy that the ledger keeps, by digest."""
    first = (
        select(entry.c.policy_digest, func.min(entry.c.recorded_at).label("at"))
        .where(entry.c.policy_digest.is_not(None))
        .group_by(entry.c.policy_digest)
        .subquery()
    )
    query = select(policy, first.c.at).outerjoin(first, first.c.policy_digest == policy.c.digest)
    return {
        row.digest: KeptPolicy(row.county, row.title, row.first_used_at, bytes(row.content), row.at)
        for row in connection.execute(query)
    }


def kept_folds(
    connection: Connection, county: CountyId, people: Iterable[VolunteerId]
) -> dict[VolunteerId, list[KeptFold]]:
    """Return the states that are kept of these people's folds, the marks first, in order."""
    found: dict[VolunteerId, list[KeptFold]] = defaultdict(list)
    for chunk in chunks(people):
        for table in (fold_mark, fold_state):
            query = select(passbook.c.volunteer, table).join(passbook, passbook.c.id == table.c.passbook)
            query = query.where(passbook.c.county == county, passbook.c.volunteer.in_(chunk))
            for row in connection.execute(query.order_by(*table.primary_key)):
                day, number = (row.day, 0) if table is fold_mark else ("", row.number)
                found[row.volunteer].append(KeptFold(row.policy_digest, day, number, bytes(row.state)))
    return found
