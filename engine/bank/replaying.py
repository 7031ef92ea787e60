"""Every decision is made again: each passbook of a county from its entries alone, in order, by the county's rules.

What is asked of the rules is taken from the ledger: the records as they were reported, the commands as they were asked,
the people as they were registered then. What the rules answer is worked out again and compared with what stands there:
amounts, lots, floors, reasons, every byte of the body. The first difference of a passbook is named; what comes after it
in that passbook rests on it and is not looked at.

- Records that came together were decided together. Which did is not stored. Consecutive entries of one instant are
  taken as one delivery, and where that does not lead to them, as several, the first as short as may be.
- What other people did is seen by the instants of their entries, and clocks of several machines may be `CLOCKS_APART`.
  So of a stock it is proved that it may have been as an answer says, and that in all no more was given than there is.
  Who may serve a request and whose turn it was rests on everybody's passbook; it is taken as the step says.
- An entry under rules that are not at hand, or decided by another version of the engine, is not done again. It is
  counted, and nothing is said of it; what comes later is decided on what it left.
"""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Any

import orjson

from lianxing.engine.bank.comparing import Found, compared, first_in
from lianxing.engine.bank.crediting import credited, credits, needs_lots
from lianxing.engine.bank.customers import Customer
from lianxing.engine.bank.deciding import BROUGHT, DECLARED, REFUSED, Brought, Counter, decide, given_back, receiver_of
from lianxing.engine.bank.ending import lots_over
from lianxing.engine.bank.passing import From, Passing
from lianxing.engine.bank.replicas import Replica
from lianxing.engine.bank.request_data import LISTED_MAX, REQUEST, queue_from
from lianxing.engine.bank.request_steps import StepCounter, TakenStep, take
from lianxing.engine.bank.requests import check, command_from, request_hash
from lianxing.engine.bank.reviews import Dossier, certificates_of, draft_of
from lianxing.engine.bank.sharing import POOL as POOL_OWNER
from lianxing.engine.bank.sharing import account_in, lenders, shared
from lianxing.engine.bank.steps import REVIEW, taken
from lianxing.engine.bank.tellers import left_under, people_of
from lianxing.engine.bank.turning import CONVERTED, turned
from lianxing.engine.counting import REVOKES, Fold, Supplied, counted
from lianxing.engine.explaining import kept_of
from lianxing.engine.ledger.chaining import Link
from lianxing.engine.ledger.chains import links
from lianxing.engine.ledger.checking import draft_of as booked
from lianxing.engine.ledger.contents import facts_from, record_from
from lianxing.engine.ledger.drafts import BOOKED_ON, WITH_VERSION, Draft
from lianxing.engine.ledger.errors import LedgerError
from lianxing.engine.ledger.opening import Ledger
from lianxing.engine.ledger.reading import Reading
from lianxing.engine.ledger.witnesses import (
    GIVEN,
    RECEIVED,
    Transfer,
    closings,
    kept_policies,
    known_since,
    registrations,
    stock_moves,
    transfers,
)
from lianxing.engine.recounting import Change, Recount, booking_of, recount
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.star_awards import certificate_number
from lianxing.engine.wallets import Part
from lianxing.rules.accounts import Account, Holder, WholeOnly
from lianxing.rules.commands import Command, Give, RecordStep, Redeem, ReviewStep, StarStep
from lianxing.rules.facts import CountyId, VolunteerId
from lianxing.rules.policy import DECISIONS_VERSION
from lianxing.rules.records import Order, ServiceRecord, Volunteer
from lianxing.rules.redeeming import Reason
from lianxing.rules.service_commands import TakeStep

CLOCKS_APART = 60  # seconds
DIFFERENCES_MAX = 100
GROUPINGS_MAX = 200
RECORDS = frozenset((*WITH_VERSION, "adjusting"))
EXPIRED, HOLD_EXPIRED = "expired", "hold_expired"
GIFT = "gift"
_OWN_REGISTRY = "menu"  # of records that come about in the bank itself
COMMANDS = frozenset(
    (
        *("held", "redeemed", "approved", "declined", "settled", "released", "refunded", "fetched"),
        *(GIVEN, "granted", "perk_used", "closed", BROUGHT, REQUEST, REFUSED),
    )
)
PEOPLE_AT_ONCE = 200

# Why something was not done again: its policy or its kind is not known here, or another version decided it.
POLICY, VERSION, KIND = "policy", "version", "kind"


@dataclass(frozen=True, slots=True)
class Difference:
    """Where the ledger says something else than the rules: `what`, as it stands there, and as it comes to again.

    `volunteer` is empty and `entry` 0 where it is of no passbook.
    """

    volunteer: VolunteerId
    county: CountyId
    entry: int
    what: str
    stored: str
    recomputed: str


@dataclass
class Replay:
    """What became of every entry of a county: done again, or left out and why, as reason and which; what differs."""

    county: CountyId
    passbooks: int = 0
    entries: int = 0
    records: int = 0
    commands: int = 0
    left_out: Counts[tuple[str, str]] = field(default_factory=Counts)
    unseen: int = 0  # entries after a difference in the same passbook
    differences: list[Difference] = field(default_factory=list)


def replay(
    ledger: Ledger, rulebooks: Sequence[Rulebook], progress: Callable[[int], None] = lambda _entries: None
) -> Replay:
    """Decide every entry of a county again by these rules, one rulebook for each state of its files.

    At most `DIFFERENCES_MAX` differences are named. One snapshot; writers go on meanwhile.
    """
    counties = {rulebook.policy.county.id for rulebook in rulebooks}
    if len(counties) != 1:
        raise ValueError("rules of one county are replayed at a time")
    with ledger.reading() as reading:
        return _Replaying(reading, {one.policy.digest: one for one in rulebooks}, counties.pop(), progress).run()


class _Replaying:
    def __init__(
        self, reading: Reading, rulebooks: Mapping[str, Rulebook], county: CountyId, progress: Callable[[int], None]
    ) -> None:
        self._reading, self._connection = reading, reading._connection
        self._rulebooks = rulebooks
        self._county = county
        self._progress = progress
        self._done = Replay(county)
        self._kept = kept_policies(self._connection, county)
        self._stock = stock_moves(self._connection, county)
        self._closings = closings(self._connection, county)
        self._gifts: dict[tuple[VolunteerId, VolunteerId], list[_Gift]] = {}
        self._people: dict[VolunteerId, list[tuple[int, Volunteer]]] = {}
        self._running: _Running | None = None

    def run(self) -> Replay:
        done = self._done
        self._policies()
        self._transfers()
        books = (
            [stored.link for stored in of_one]
            for _id, of_one in groupby(links(self._connection, self._county), key=lambda stored: stored.passbook)
        )
        while some := [book for _at, book in zip(range(PEOPLE_AT_ONCE), books, strict=False)]:
            self._people = registrations(self._connection, [VolunteerId(book[0].volunteer) for book in some])
            for book in some:
                done.passbooks += 1
                self._passbook(book)
                self._progress(done.entries)
                if len(done.differences) >= DIFFERENCES_MAX:
                    return done
        self._stocks()
        return done

    # --- what is of no passbook ----------------------------------------------------------------------------------

    def _policies(self) -> None:
        """A policy at hand is kept as it is: its digest says that the files are the same, not what was kept of them."""
        for digest, rulebook in self._rulebooks.items():
            content = orjson.dumps(kept_of(rulebook.policy), option=orjson.OPT_SORT_KEYS)
            if self._kept.get(digest, content) != content:
                path, stored, again = first_in(_plain(self._kept[digest]), _plain(content), f"policy {digest}")
                self._differs("", 0, path, stored, again)

    def _transfers(self) -> None:
        """Pair what was given with what was received: both are written in one transaction, so each in its order."""
        received: Counts[tuple[VolunteerId, VolunteerId]] = Counts()
        for transfer in transfers(self._connection, self._county):
            try:
                body = orjson.loads(transfer.body)
                if transfer.kind == RECEIVED:
                    received[VolunteerId(body["from"]), transfer.volunteer] += body["why"] == GIFT
                    continue
                command = command_from(body["asked"], transfer.volunteer, self._county, "-", "-")
                if isinstance(command, Give) and (receiver := receiver_of(command)) is not None:
                    self._gifts.setdefault((transfer.volunteer, receiver), []).append(_Gift(transfer, command))
            except (LookupError, TypeError, ValueError):
                continue  # the entry itself cannot be decided again, and will be named
        for (giver, receiver), gifts in self._gifts.items():
            for gift in gifts[received[giver, receiver] :]:
                self._differs(giver, gift.transfer.entry, "received", "-", str(receiver))

    def _stocks(self) -> None:
        """In all, no more was given than there is; unless rules that are not at hand said how much that is."""
        if any(why in (POLICY, VERSION) for why, _which in self._done.left_out):
            return
        for id, moves in self._stock.items():
            limits = [
                max(since.value for since in offer.stock.units.entries)
                for rulebook in self._rulebooks.values()
                for offer in rulebook.policy.offers
                if offer.clause.id == id and offer.stock is not None
            ]
            if limits and moves.out > max(limits):
                self._differs("", 0, f"stock {id}", str(moves.out), f"<= {max(limits)}")

    def _differs(self, volunteer: str, entry: int, what: str, stored: str, recomputed: str) -> None:
        found = Difference(VolunteerId(volunteer), self._county, entry, what, stored, recomputed)
        self._done.differences.append(found)

    # --- a passbook ----------------------------------------------------------------------------------------------

    def _passbook(self, book: Sequence[Link]) -> None:
        done, self._running = self._done, None
        replica = Replica(VolunteerId(book[0].volunteer), self._county)
        at = 0
        while at < len(book):
            link = book[at]
            size, found = 1, None
            rulebook = self._rulebooks.get(link.policy_digest or "")
            left_out = self._left_out(link, rulebook)
            try:
                if left_out is not None:
                    done.left_out[left_out] += 1
                    self._running = None
                elif link.kind in RECORDS:
                    assert rulebook is not None
                    size, found = self._delivery(replica, book, at, rulebook)
                    done.records += size
                else:
                    assert rulebook is not None
                    size, found = self._of_bank(replica, book[at:], rulebook)
                    done.commands += 1
                    done.records += size - 1
                if found is None:
                    for one in book[at : at + size]:
                        replica.apply(one)
                    if link.kind == RECEIVED and (gifts := self._gifts_to(replica, orjson.loads(link.body))):
                        del gifts[0]
            except (ArithmeticError, AssertionError, LookupError, TypeError, ValueError, LedgerError) as error:
                # Nothing that the bank writes leads here: the entry cannot be read, or is of what was never there.
                found = Found(link.number, "readable", link.kind, f"{type(error).__name__}: {error}")
            if found is not None:
                self._differs(link.volunteer, found.entry, found.what, found.stored, found.recomputed)
                done.unseen += len(book) - found.entry
                return
            done.entries += size if left_out is None else 0
            at += size

    def _left_out(self, link: Link, rulebook: Rulebook | None) -> tuple[str, str] | None:
        if rulebook is None:
            digest = link.policy_digest or ""
            version = _version(self._kept.get(digest, b""))
            return (POLICY, digest) if version in (None, DECISIONS_VERSION) else (VERSION, str(version))
        known = RECORDS | COMMANDS | {RECEIVED, EXPIRED, HOLD_EXPIRED, CONVERTED, REVIEW, DECLARED}
        try:
            body = orjson.loads(link.body)
            if link.kind == RECEIVED and (body["why"] != GIFT or link.volunteer.startswith(POOL_OWNER)):
                return KIND, f"{RECEIVED}, {body['why']}"
            if isinstance(body, dict) and body.get("candidates", {}).get("candidates", 0) > LISTED_MAX:
                return KIND, f"{link.kind}, match"  # not all of whom it rests on are kept
        except (LookupError, TypeError, ValueError):
            return None  # it will be found that it cannot be read
        if link.kind not in known or (link.kind in RECORDS and _pools_round(rulebook)):
            return KIND, link.kind
        return None

    def _as_registered(self, volunteer: VolunteerId, instant: int) -> list[Volunteer]:
        """Return who somebody was at an instant; where clocks leave it open, who else it may have been."""
        if volunteer not in self._people:
            self._people[volunteer] = registrations(self._connection, [volunteer]).get(volunteer, [])
        said = self._people[volunteer]
        known = [Volunteer(volunteer), *(person for _at, person in said)]
        last = sum(at <= instant for at, _person in said)
        first = sum(at < instant - CLOCKS_APART for at, _person in said)
        latest = sum(at <= instant + CLOCKS_APART for at, _person in said)
        return [known[last], *(known[n] for n in range(latest, first - 1, -1) if n != last)]

    # --- records -------------------------------------------------------------------------------------------------

    def _delivery(
        self, replica: Replica, book: Sequence[Link], at: int, rulebook: Rulebook
    ) -> tuple[int, Found | None]:
        """Return how many entries come from records that came together, or what differs."""
        longest = _longest(replica, book, at)
        differing: Found | None = None
        people = self._as_registered(replica.volunteer, book[at].recorded_at)
        for size in (longest, *range(1, min(longest, GROUPINGS_MAX))):
            for person in people:
                group = book[at : at + size]
                came = self._added(replica, group, rulebook, person) or _recounted(replica, group, rulebook, person)
                found = compared(replica, group, _drafts(replica, group, rulebook, person, came))
                if found is None:
                    if self._running is not None and self._running.records != len(replica.held) + size:
                        self._running = None
                    return size, None
                self._running = None
                if differing is None or found.entry > differing.entry:
                    differing = found
        return longest, differing

    def _added(self, replica: Replica, group: Sequence[Link], rulebook: Rulebook, person: Volunteer) -> Recount | None:
        """Return what records come to that only go on where the history ends, which is most of them; else None.

        The fold is kept from one delivery to the next: otherwise each would cost as much as the whole history.
        """
        if any(link.kind != "original" for link in group):
            return None
        changes = [_change(replica, link) for link in group]
        running = self._running
        if running is None or (running.digest, running.person) != (rulebook.policy.digest, person):
            held = sorted(replica.held.values(), key=lambda one: one.record.order)
            running = _Running(rulebook, person, [(one.record, one.supplied) for one in held])
        if not running.goes_on_with(changes):
            return None
        self._running = running
        return running.went_on_with(changes)

    # --- commands, and what ends ---------------------------------------------------------------------------------

    def _of_bank(self, replica: Replica, later: Sequence[Link], rulebook: Rulebook) -> tuple[int, Found | None]:
        """Return how many entries come from a command, or from what has ended; or what differs."""
        differing: Found | None = None
        for person in self._as_registered(replica.volunteer, later[0].recorded_at):
            drafts = self._decided(replica, later[0], rulebook, person)
            if isinstance(drafts, Found):
                differing = differing or drafts
                continue
            found = compared(replica, later[: len(drafts)], drafts)
            if found is None:
                if len(drafts) > 1:
                    self._running = None
                return len(drafts), None
            differing = differing or found
        return 1, differing

    def _decided(self, replica: Replica, link: Link, rulebook: Rulebook, person: Volunteer) -> list[Draft] | Found:
        """Return what is to be written instead of an entry, and after it for the same reason."""
        customer = replica.customer(rulebook, person)
        counter = Counter(
            rulebook,
            {replica.volunteer: customer},
            {},
            lambda _id, entry: replica.taken(entry),
            lambda _customer, wallet, lots: replica.load(wallet, lots),
            lambda _id: replica.family,
            approved=lambda _id: replica.approved,
            brought=lambda _id, county, entry: self._brought(replica, link, county, entry),
        )
        counter.passing = _beside(rulebook, customer, replica.volunteer, lenders(rulebook.policy))
        on = date.fromisoformat(link.effective_on)
        body = orjson.loads(link.body)
        if link.kind == CONVERTED:
            return turned(rulebook, customer, on)[:1] or Found(link.number, "transition", str(on), "-")
        if link.kind == EXPIRED:
            before, over = turned(rulebook, customer, on), lots_over(counter, customer, on)
            return Found(link.number, "lots", EXPIRED, "-") if over is None else [*before, over]
        if link.kind == HOLD_EXPIRED:
            hold = replica.holds[body["entry"]]
            if hold.until >= on:
                return Found(link.number, "hold", str(on), f"> {hold.until}")
            account = customer.account(hold.account)
            assert account is not None
            before, wallet = turned(rulebook, customer, on), customer.wallet(account)
            return [*before, *given_back(counter, customer, None, wallet, HOLD_EXPIRED, on, hold.entry).drafts]
        if link.kind == RECEIVED:
            return self._received(replica, link, counter, body)
        if link.command is None:
            return Found(link.number, "command", "-", "scope, key")
        scope, key, _hash = link.command
        command = command_from(body["asked"], replica.volunteer, self._county, scope, key)
        check(command)
        if isinstance(command, RecordStep | StarStep):
            before = turned(rulebook, customer, command.on)
            return before or self._reviewed(replica, link, rulebook, person, command)
        if isinstance(command, TakeStep):
            step = self._stepped(replica, link, customer, command, body)
            return [*step.before, step.draft]
        self._others(counter, command, link, body)
        decision = decide(counter, command)
        return [*decision.before, decision.drafts[0]]

    def _others(self, counter: Counter, command: Command, link: Link, body: Mapping[str, Any]) -> None:
        """Put what others did at the counter, as the answer says it was where that may have been so."""
        reasons = body.get("reasons", ())
        if isinstance(command, Redeem) and command.offer in self._stock:
            least, most = self._stock[command.offer].between(link.recorded_at, CLOCKS_APART)
            said = next((one["operands"]["given_out"] for one in reasons if one["code"] == "stock"), least)
            counter.given_out[command.offer] = said if least <= said <= most else least
        if isinstance(command, Give) and any(one["code"] == "unknown_recipient" for one in reasons):
            since = known_since(self._connection, self._county, command.recipient)
            counter.knows = lambda _id: since is not None and since < link.recorded_at - CLOCKS_APART
        policy, own = counter.rulebook.policy, command.volunteer
        passing = _beside(counter.rulebook, counter.people[own], own, people_of(command, policy))
        passing.available = _available(body)
        for other in passing.open or ():
            if other != own:
                counter.people = {**counter.people, other: self._other(other, counter.rulebook, link, body)}
        counter.passing = passing

    def _other(self, id: VolunteerId, rulebook: Rulebook, link: Link, body: Mapping[str, Any]) -> Customer:
        """Return somebody else as an entry found them: their passbook open or closed."""
        customer = Replica(id, self._county).customer(rulebook, Volunteer(id))
        instant, day = self._closings.get(id, (None, None))
        if instant is not None:
            said_closed = any(one["code"] == "closed_passbook" for one in body.get("reasons", ()))
            apart = CLOCKS_APART if said_closed else -CLOCKS_APART
            customer.closed_on = day if instant <= link.recorded_at + apart else None
        return customer

    def _brought(self, replica: Replica, link: Link, county: CountyId, entry: int) -> list[Brought] | None:
        """Return what had left the person's passbook of another county under an entry, and was not brought before."""
        instant, _day = closings(self._connection, county).get(replica.volunteer, (None, None))
        apart = -CLOCKS_APART if link.kind == REFUSED else CLOCKS_APART
        if instant is None or instant > link.recorded_at + apart or (county, entry) in replica.brought:
            return None
        return left_under(self._reading, replica.volunteer, county, entry)

    def _stepped(
        self, replica: Replica, link: Link, customer: Customer, command: TakeStep, body: Mapping[str, Any]
    ) -> TakenStep:
        """Return what is written for a step of a request; whose turn it was to serve is as the entry says."""
        rulebook, own = customer.rulebook, command.volunteer
        people = {own: customer}
        if command.served_by and command.served_by != own:
            people[command.served_by] = self._other(command.served_by, rulebook, link, body)
        passing = _beside(rulebook, customer, own, shared(rulebook.policy))
        passing.available = _available(body)
        counter = StepCounter(
            rulebook,
            people,
            passing,
            replica.requests.get(command.request),
            lambda _id: replica.family,
            lambda id: self._as_registered(id, link.recorded_at)[0],
            lambda _made: queue_from(body["candidates"]),
        )
        return take(counter, command, request_hash(command))

    def _gifts_to(self, replica: Replica, body: Mapping[str, Any]) -> list[_Gift]:
        """Return what was given by whom an entry names, and is not received by an earlier entry."""
        return self._gifts.get((VolunteerId(body["from"]), replica.volunteer), [])

    def _received(self, replica: Replica, link: Link, counter: Counter, body: Mapping[str, Any]) -> list[Draft] | Found:
        gifts, giver = self._gifts_to(replica, body), VolunteerId(body["from"])
        if not gifts:
            return Found(link.number, GIVEN, f"from {giver}", "-")
        gift = gifts[0]
        command, owner = gift.command, replica.volunteer
        came = From(giver, GIFT, command.actor, command.reason)
        passing = _beside(counter.rulebook, counter.people[owner], owner, people_of(command, counter.rulebook.policy))
        given = next(one for one in counter.rulebook.policy.accounts if one.clause.id == command.account)
        into = account_in(counter.rulebook.policy, owner, given)
        assert into is not None
        passing.receives(owner, into, command.on, command.amount, f"gift/{giver}", came, gift.transfer.parts)
        return passing.taken()

    def _reviewed(
        self, replica: Replica, link: Link, rulebook: Rulebook, person: Volunteer, command: ReviewStep
    ) -> list[Draft]:
        """Return what is written for a step of a review, and for the records whose worth it changes."""
        closed = replica.closed_on is not None and replica.closed_on <= command.on
        dossier = Dossier(
            rulebook=rulebook,
            person=person,
            held=sorted(replica.held.values(), key=lambda one: one.record.order),
            steps=list(taken(replica.volunteer, replica.notes)),
            awards=replica.awards(rulebook, person) or (),
            lowerings=replica.lowerings(rulebook),
            certificates=self._certificates(link, command),
            closed=str(replica.closed_on) if closed else "",
        )
        found = dossier.decide(command)
        drafts = [draft_of(rulebook, command, found)]
        if found.recount is not None:
            bookings = found.recount.bookings
            if credits(rulebook):
                rows, number = replica.rows(), replica.number + 1
                bookings = credited(rulebook, person, found.recount, rows, replica.balances, number, command.on)
            drafts += [booked(one) for one in bookings]
        return drafts

    def _certificates(self, link: Link, command: ReviewStep) -> int:
        """Return how many certificates of the year there were: as the entry says, where that may have been so."""
        moves = self._stock.get(certificates_of(command))
        if moves is None:
            return 0
        least, most = moves.between(link.recorded_at, CLOCKS_APART)
        said = (orjson.loads(link.body).get("review") or {}).get("number")
        of = command.county, command.on
        return next((n for n in range(least, most) if certificate_number(*of, n + 1) == said), least)


class _Beside(Passing):
    """The other side of a decision, as far as one passbook tells: what others get or give is theirs to decide again.

    A pool has what it takes, unless the answer says how much it had.
    """

    own: VolunteerId
    open: frozenset[VolunteerId] | None = None  # whose passbooks are at hand; None: everybody's
    available: int | None = None

    def customer(self, owner: VolunteerId) -> Customer | None:
        if owner in self.people or (self.open is not None and owner not in self.open):
            return self.people.get(owner)
        return Replica(owner, self.rulebook.policy.county.id).customer(self.rulebook, Volunteer(owner))

    def receives(
        self,
        owner: VolunteerId,
        account: Account,
        on: date,
        amount: int,
        source: str,
        came: From,
        parts: Sequence[Part] = (),
    ) -> None:
        if owner == self.own:
            super().receives(owner, account, on, amount, source, came, parts)

    def pays_out(self, pool: Account, on: date, amount: int, went: From) -> None:
        return

    def earns(self, owner: VolunteerId, account: Account, on: date, worth: int, today: date, came: From) -> int:
        return worth

    def _lends(self, pool: Account, on: date, drawn: int, owner: VolunteerId) -> None:
        return

    def lacks(self, pool: Account, on: date, amount: int) -> Reason | None:
        if self.available is None or amount <= self.available:
            return None
        operands = (("needed", amount), ("available", self.available), ("unit", pool.unit.value))
        return Reason("pool", pool.clause, pool.clause.location, operands)


def _beside(
    rulebook: Rulebook, customer: Customer | None, owner: VolunteerId, open: Iterable[VolunteerId] | None = None
) -> _Beside:
    passing = _Beside(rulebook, {} if customer is None else {owner: customer})
    passing.own = owner
    passing.open = None if open is None else frozenset(open)
    return passing


@dataclass(frozen=True, slots=True)
class _Gift:
    transfer: Transfer
    command: Give


def _available(body: Mapping[str, Any]) -> int | None:
    """Return how much a pool had, where an answer says so."""
    reasons = body.get("reasons", ())
    return next((one["operands"]["available"] for one in reasons if one["code"] == "pool"), None)


def _pools_round(rulebook: Rulebook) -> bool:
    """Tell whether a pool or an organisation earns in whole units: what passes then depends on what waits there."""
    return any(
        account.holder in (Holder.POOL, Holder.ORGANISATION)
        and account.earned_from != "nothing"
        and account.whole_only is not WholeOnly.NO
        for account in rulebook.policy.accounts
    )


def _version(content: bytes) -> int | None:
    try:
        said = orjson.loads(content)["decisions"]
    except (orjson.JSONDecodeError, LookupError, TypeError):
        return None
    return said if type(said) is int else None


def _plain(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return content


# --- records ---------------------------------------------------------------------------------------------------------


def _longest(replica: Replica, book: Sequence[Link], at: int) -> int:
    """Return how many entries may come from one delivery: of one instant, what was taken back first, then in order."""
    first = book[at]
    seen: set[tuple[str, str]] = set()
    last: Order | None = None
    for size, link in enumerate(book[at:]):
        key = link.registry, link.record
        same = (link.recorded_at, link.policy_digest) == (first.recorded_at, first.policy_digest)
        if link.kind not in RECORDS or not same or key in seen:
            return size
        seen.add(key)
        if link.kind == "withdrawn":
            if last is not None:
                return size
            continue
        order = _change(replica, link).record.order if link.content else replica.held[key].record.order
        if last is not None and order < last:
            return size
        last = order
    return len(book) - at


def _change(replica: Replica, link: Link) -> Change:
    """Return what an entry that brings a version of a record says is new."""
    if link.content is None:
        raise ValueError("no record")
    if link.content:
        record, supplied = record_from(link.content), facts_from(link.supplied or b"{}")
        return Change(record, supplied, actor=link.actor, reason=link.reason)
    held = replica.held[link.registry, link.record]
    return Change(held.record, held.supplied, withdrawn=True, actor=link.actor, reason=link.reason)


def _recounted(replica: Replica, group: Sequence[Link], rulebook: Rulebook, person: Volunteer) -> Recount:
    """Return what records come to where these entries are taken as one delivery."""
    changes = [_change(replica, link) for link in group if link.kind in WITH_VERSION]
    return recount(rulebook, person, list(replica.held.values()), changes)


class _Running:
    """The fold of a person's records up to the last; there is none where a record has named one that it takes out."""

    def __init__(
        self, rulebook: Rulebook, person: Volunteer, history: Sequence[tuple[ServiceRecord, Supplied]]
    ) -> None:
        self.digest, self.person, self.records = rulebook.policy.digest, person, len(history)
        self._last = history[-1][0].order if history else None
        self._plain = not any(_revokes(record, supplied) for record, supplied in history)
        self._fold = Fold(rulebook, person)
        for record, supplied in history if self._plain else ():
            self._fold.assess(record, supplied)

    def goes_on_with(self, changes: Sequence[Change]) -> bool:
        later = self._last is None or self._last < changes[0].record.order
        return self._plain and later and not any(_revokes(one.record, one.supplied) for one in changes)

    def went_on_with(self, changes: Sequence[Change]) -> Recount:
        done = Recount()
        for change in changes:
            assessment = self._fold.assess(change.record, change.supplied)
            done.add(booking_of(assessment, None, change), assessment)
            done.after.append(counted(assessment))
        self._last = changes[-1].record.order
        self.records += len(changes)
        return done


def _revokes(record: ServiceRecord, supplied: Supplied) -> bool:
    return REVOKES in record.facts or REVOKES in supplied


def _drafts(
    replica: Replica, group: Sequence[Link], rulebook: Rulebook, person: Volunteer, found: Recount
) -> list[Draft]:
    """Return what is to be written for records, with what they do to the person's accounts."""
    bookings = found.bookings
    if credits(rulebook):
        whole = needs_lots(rulebook.policy.accounts) or any(one.kind != "original" for one in bookings)
        whole = whole or any(one.record.registry == _OWN_REGISTRY for one in bookings)
        rows, today = replica.rows(lots=whole), _booked_on(group)
        passing = _beside(rulebook, None, replica.volunteer)
        bookings = credited(
            rulebook, person, found, rows, replica.balances, replica.number, today, passing, replica.closed
        )
    return [booked(one) for one in bookings]


def _booked_on(group: Sequence[Link]) -> date:
    """Return the day of the delivery; where nothing was credited it does not matter."""
    said = (orjson.loads(link.body).get(BOOKED_ON) for link in group)
    return next((date.fromisoformat(day) for day in said if day is not None), date.min)
