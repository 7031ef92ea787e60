"""What entries are in rows: each draft gets its number, its hash and its rows. Nothing is written here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import Table

from lianxing.engine.ledger.chaining import Link, link_hash
from lianxing.engine.ledger.contents import hash_of
from lianxing.engine.ledger.drafts import CLOSED, Draft, NewRedemption, Version
from lianxing.engine.ledger.errors import InvalidError
from lianxing.engine.ledger.tables import (
    AMOUNT_MAX,
    command,
    entry,
    floor_change,
    hold,
    lot_end,
    lot_move,
    posting,
    record_key,
    redemption,
    service_record,
    stock_move,
    wallet_state,
)
from lianxing.rules.assessments import Entry

Row = tuple[object, ...]
Place = tuple[int, str, int]  # of a lot: passbook, account, number


@dataclass(slots=True)
class Book:
    """A passbook while it is written to: where its chain is, and what its accounts hold."""

    id: int
    number: int
    head: bytes
    recorded_at: int
    stored: int  # the number that the database has, -1 where it has no row
    closed_on: str | None = None
    posted: dict[tuple[str, str], int] = field(default_factory=dict)
    floors: dict[tuple[str, str], int | None] = field(default_factory=dict)


@dataclass(slots=True)
class Rows:
    """The rows of several entries, table by table, and what they change of rows that are there."""

    of: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    books: dict[int, Book] = field(default_factory=dict)  # that are written to
    balances: dict[tuple[int, str, str], None] = field(default_factory=dict)  # that are another now: passbook ...
    superseded: list[Row] = field(default_factory=list)
    ended: list[Row] = field(default_factory=list)
    returned: list[Row] = field(default_factory=list)
    lots_ended: list[Row] = field(default_factory=list)
    opened: dict[Place, Row] = field(default_factory=dict)
    remaining: dict[Place, int] = field(default_factory=dict)
    keys: list[Row] = field(default_factory=list)
    # By county and offer: units, and how many may have been taken before at most.
    taken: dict[tuple[str, str], tuple[int, int | None]] = field(default_factory=dict)
    told: dict[int, str] = field(default_factory=dict)  # passbooks of which a record is told, and from which day on

    def add(self, table: Table, row: Row) -> None:
        self.of[table.name].append(row)

    def add_all(self, table: Table, rows: Iterable[Row]) -> None:
        self.of[table.name].extend(rows)

    def enter(self, draft: Draft, book: Book, now: int, policy_hash: str) -> Entry:
        """Give a draft its place in the passbook, and note its rows; InvalidError where a balance goes out of range."""
        recorded_at = max(now, book.recorded_at)  # a clock that was set back takes no entry into the past
        link = _link(draft, book.number + 1, recorded_at, policy_hash)
        self.books[book.id] = book
        link.floors = self._floors(draft, book)
        link.postings = self._postings(draft, book)
        if draft.kind == CLOSED:
            book.closed_on = link.effective_on
        book.head = link_hash(book.head, link)
        book.number = link.number
        book.recorded_at = recorded_at
        self._collect(draft, book, link)
        return Entry(
            id=link.number,
            kind=draft.kind,
            volunteer=draft.volunteer,
            county=draft.county,
            registry=draft.registry,
            record=draft.record,
            effective_on=draft.effective_on,
            recorded_at=recorded_at,
            policy_digest=draft.policy_digest or "",
            seconds=draft.seconds,
            points=draft.points,
            adjusts=draft.adjusts,
            counted=draft.counted,
            actor=draft.actor,
            reason=draft.reason,
        )

    def _floors(self, draft: Draft, book: Book) -> list[tuple[str, str, int | None]]:
        """Return the floors that are new, or another than before."""
        floors: list[tuple[str, str, int | None]] = []
        for account, unit, floor in draft.floors:
            if (account, unit) not in book.posted or book.floors.get((account, unit)) != floor:
                floors.append((account, unit, floor))
                book.floors[account, unit] = floor
                book.posted.setdefault((account, unit), 0)
                self.balances[book.id, account, unit] = None
        return floors

    def _postings(self, draft: Draft, book: Book) -> list[tuple[str, str, int, int | None]]:
        """Return the postings, each of the person's own with the balance after it."""
        postings: list[tuple[str, str, int, int | None]] = []
        posted, changed = book.posted, self.balances
        for account, unit, amount, own in draft.lines:
            after = None
            if own:
                after = posted.get((account, unit), 0) + amount
                if not -AMOUNT_MAX <= after <= AMOUNT_MAX:
                    raise InvalidError(
                        draft.place,
                        f"{draft.volunteer} 的余额超出范围：{after}",
                        f"the balance of {draft.volunteer} goes out of range: {after}",
                    )
                posted[account, unit] = after
                changed[book.id, account, unit] = None
            postings.append((account, unit, amount, after))
        return postings

    def _collect(self, draft: Draft, book: Book, link: Link) -> None:
        id, number = book.id, link.number
        if link.postings:
            self.add_all(posting, [(id, number, line, *one) for line, one in enumerate(link.postings, 1)])
        for line, floor in enumerate(link.floors, 1):
            self.add(floor_change, (id, number, line, *floor))
        for opened in link.opened:
            account, lot_number, earned_on, last_day, source, original = opened
            place = (id, str(account), int(lot_number))
            self.opened[place] = (number, earned_on, last_day, source, original)
            self.remaining[place] = 0
        for line, (account, of, amount) in enumerate(link.lots, 1):
            self.add(lot_move, (id, number, line, account, of, amount))
            place = (id, str(account), int(of))
            self.remaining[place] = self.remaining.get(place, 0) + int(amount)
        if link.hold is not None:
            self.add(hold, (id, number, *link.hold, None))
        if link.redemption is not None:
            self.add(redemption, (id, number, *link.redemption, None))
        if draft.returns is not None:
            self.returned.append((number, id, draft.returns))
        for line, (account, of) in enumerate(draft.ended, 1):
            self.add(lot_end, (id, number, line, account, of))
            self.lots_ended.append((id, account, of))
        if link.wallets:
            self.add_all(wallet_state, [(id, number, line, *one) for line, one in enumerate(link.wallets, 1)])
        if draft.ends is not None:
            self.ended.append((number, id, draft.ends))
        for line, taking in enumerate(draft.takes, 1):
            self.add(stock_move, (id, number, line, taking.offer, taking.units))
            place_of = (draft.county, taking.offer)
            before, had_at_most = self.taken.get(place_of, (0, None))
            units = before + taking.units
            if taking.most is not None and taking.units > 0:
                # Each taking is to find so much left; what goes back behind it lifts no limit.
                limit = taking.most - units
                had_at_most = limit if had_at_most is None else min(had_at_most, limit)
            self.taken[place_of] = units, had_at_most
        if draft.key is not None:
            self.add(command, (draft.key.scope, draft.key.key, draft.key.request_hash, id, number))
        if draft.version is not None:
            self._collect_version(draft, draft.version, id, number)
        if draft.record:
            # A record that is there already may have been of any day before; what it was adjusted for tells its own.
            since = link.effective_on if draft.kind in ("original", "adjusting") else ""
            self.told[id] = min(self.told.get(id, since), since)
        self.add(
            entry,
            (
                id,
                number,
                draft.kind,
                draft.registry,
                draft.record,
                link.recorded_at,
                link.effective_on,
                draft.policy_digest,
                draft.adjusts,
                draft.seconds,
                draft.points,
                link.counted,
                draft.actor,
                draft.reason,
                draft.body,
                book.head,
            ),
        )

    def _collect_version(self, draft: Draft, version: Version, id: int, number: int) -> None:
        original = number if version.original is None else version.original
        hashed = hash_of(version.content) if version.content else ""
        self.add(
            service_record,
            (id, number, draft.registry, draft.record, original, hashed, version.content, version.supplied, None),
        )
        if version.supersedes is not None:
            self.superseded.append((number, id, version.supersedes))
        key = (draft.record, draft.registry, id, original, hashed)
        if version.original is None:
            self.add(record_key, key)
        else:
            self.keys.append(key)


def _link(draft: Draft, number: int, recorded_at: int, policy_hash: str) -> Link:
    """Return what is hashed of a draft; its floors and postings are not in it yet."""
    held, had, key, version = draft.hold, draft.redemption, draft.key, draft.version
    return Link(
        volunteer=draft.volunteer,
        county=draft.county,
        number=number,
        kind=draft.kind,
        registry=draft.registry,
        record=draft.record,
        recorded_at=recorded_at,
        effective_on=draft.effective_on.isoformat(),
        policy_digest=draft.policy_digest,
        policy_hash=policy_hash,
        adjusts=draft.adjusts,
        seconds=draft.seconds,
        points=draft.points,
        counted=int(draft.counted),
        actor=draft.actor,
        reason=draft.reason,
        postings=(),
        lots=[tuple(one) for one in draft.lots],
        opened=[
            (one.account, one.number, one.earned_on.isoformat(), one.last_day.isoformat(), one.source, one.original)
            for one in sorted(draft.opened, key=lambda one: (one.account, one.number))
        ],
        hold=None if held is None else (held.account, held.amount, held.until.isoformat()),
        redemption=None if had is None else redemption_row(had),
        returns=draft.returns,
        ended=draft.ended,
        wallets=[(one.account, one.drawn, one.rest, one.issued) for one in draft.wallets],
        ends=draft.ends,
        takes=[(taking.offer, taking.units) for taking in draft.takes],
        command=None if key is None else (key.scope, key.key, key.request_hash),
        body=draft.body,
        content=None if version is None else version.content,
        supplied=None if version is None else version.supplied,
    )


def redemption_row(had: NewRedemption) -> tuple[str | int, ...]:
    return had.on.isoformat(), had.offer, had.merchant, had.units, had.paid, had.cash
