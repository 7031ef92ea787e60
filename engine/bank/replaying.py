"""Every decision is made again: each passbook of a county from its entries alone, in order, by the county's rules.

What is asked of the rules is taken from the ledger: the records as they were reported, the commands as they were asked,
the people as they were registered then. What the rules answer is worked out again and compared with what stands there:
amounts, lots, floors, reasons, every byte of the body. The first difference of a passbook is named; what comes after it
in that passbook rests on it and is not looked at.

- What one passbook does to another is decided where it is sent, and again where it arrives: the entry of the receiver
  waits until the sender's passbook has come so far. People come first, then pools and organisations.
- Where the sender's passbook has a difference, what arrives from it later is taken as it stands, and counted.
- What other people did is seen by the instants of their entries, and clocks of several machines may be `CLOCKS_APART`.
  So of a stock it is proved that it may have been as an answer says, and that in all no more was given than there is;
  of a pool that was said to have too little, that it had just so much.
- Who may serve a request and whose turn it was rests on everybody's passbook: each line of a match is judged again
  where the passbook of whom it tells is decided again, and the order follows from the lines.
- What is kept of folds, so that imports and standings need not begin anew, is compared with the fold of all records.
- An entry under rules that are not at hand, or decided by another version of the engine, is not done again. It is
  counted, and no more is said of it than that it has the form of what the bank writes; what comes later is decided on
  what it left. A kind that is never written, or a policy that the ledger does not keep, is a difference.
"""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import orjson

from lianxing.engine.bank.beside import ARRIVALS, Pair, Post
from lianxing.engine.bank.candidacies import Match, matches
from lianxing.engine.bank.claims import Claims, pools_had
from lianxing.engine.bank.comparing import Found, first_in
from lianxing.engine.bank.crediting import new_since
from lianxing.engine.bank.deciding_again import CLOCKS_APART, Witnesses, arrived, asked, sender_of
from lianxing.engine.bank.deliveries import RECORDS, Book, Same, delivered, not_as_served, noted_again, of_request
from lianxing.engine.bank.ending import EXPIRED
from lianxing.engine.bank.families import Declared, Families, Family, members_in
from lianxing.engine.bank.keeping import content_of, title_of
from lianxing.engine.bank.kept_folds import Records, differing
from lianxing.engine.bank.redeeming import HOLD_EXPIRED
from lianxing.engine.bank.replicas import Replica
from lianxing.engine.bank.request_data import begun_by
from lianxing.engine.bank.sharing import ORGANISATION, POOL, REGISTRY
from lianxing.engine.bank.star_points import STAR_POINTS
from lianxing.engine.bank.steps import REVIEW
from lianxing.engine.bank.turning import CONVERTED
from lianxing.engine.ledger.chaining import Link
from lianxing.engine.ledger.chains import links
from lianxing.engine.ledger.drafts import BROUGHT, CLOSED, DECLARED, REFUSED, REOPENED, REQUEST
from lianxing.engine.ledger.opening import Ledger
from lianxing.engine.ledger.reading import Reading, clause_ids
from lianxing.engine.ledger.witnesses import (
    UNREADABLE,
    Told,
    all_known_since,
    closings,
    kept_folds,
    kept_policies,
    stock_moves,
    told,
    withdrawals,
)
from lianxing.engine.pooling import is_pooled
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.accounts import Account, Holder
from lianxing.rules.facts import CountyId, VolunteerId
from lianxing.rules.policy import DECISIONS_VERSION, Policy
from lianxing.rules.requests import MENU

DIFFERENCES_MAX = 100
GIVEN = "given"
COMMANDS = frozenset(
    (
        *("held", "redeemed", "approved", "declined", "settled", "released", "refunded", "fetched"),
        *(GIVEN, "granted", "perk_used", CLOSED, REOPENED, BROUGHT, REQUEST, REFUSED),
    )
)
ASKED = COMMANDS | {REVIEW, DECLARED}
KINDS = RECORDS | ASKED | ARRIVALS | {EXPIRED, HOLD_EXPIRED, CONVERTED, STAR_POINTS}
PEOPLE_AT_ONCE = 200
_SHARED = POOL, ORGANISATION, REGISTRY

# Why something was not done again: its policy is not at hand, or another version decided it.
POLICY, VERSION = "policy", "version"


@dataclass(frozen=True, slots=True)
class Difference:
    """Where the ledger says something else than the rules: `what`, as it stands there, and as it comes to again.

    `volunteer` is empty and `entry` 0 where it is of no passbook. None is what is not there, or should not be.
    """

    volunteer: VolunteerId
    county: CountyId
    entry: int
    what: str
    stored: str | None
    recomputed: str | None


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
        self._connection = reading._connection
        self._rulebooks = rulebooks
        self._county = county
        self._progress = progress
        self._done = Replay(county)
        self._policies_kept = kept_policies(self._connection)
        self._kept = {digest: one.content for digest, one in self._policies_kept.items() if one.county == county}
        self._new = {digest: self._new_in(one.policy) for digest, one in rulebooks.items()}
        self._stock = stock_moves(self._connection, county)
        self._witnesses = Witnesses(
            reading,
            county,
            self._stock,
            closings(self._connection, county),
            withdrawals(self._connection, county, MENU),
            self._declared(),
        )
        pools = any(one.holder is Holder.POOL for one in self._accounts())
        self._matches = self._matched()
        partly = any(one.partial is not None for known in rulebooks.values() for one in known.policy.offers)
        said = (REFUSED, "held", "redeemed") if partly else (REFUSED,)
        self._claims = Claims(pools_had(self._told(pools, *said)), [match.claims for match in self._matches])
        self._post = Post()
        self._waiting: dict[Pair, Book] = {}
        self._ready: list[Book] = []
        self._broken: dict[VolunteerId, Counts[str]] = {}  # from whom, or of which request, how much is not looked at

    def run(self) -> Replay:
        done = self._done
        self._policies()
        for of_people in (True, False):
            books = self._books(of_people)
            while some := [book for _at, book in zip(range(PEOPLE_AT_ONCE if of_people else 1), books, strict=False)]:
                self._witnesses.ask([book.owner for book in some])
                folds = kept_folds(self._connection, self._county, [book.owner for book in some])
                for book in some:
                    book.folds = folds.get(book.owner, ())
                    done.passbooks += 1
                    self._go_on(book)
                    self._progress(done.entries)
                    if len(done.differences) >= DIFFERENCES_MAX:
                        return done
        for match in self._matches:
            if (wrong := match.miscounted()) is not None:
                self._differs(match.told.volunteer, wrong.entry, wrong.what, wrong.stored, wrong.recomputed)
        self._never_sent()
        self._never_arrived()
        self._of_no_passbook()
        self._stocks()
        return done

    def _books(self, of_people: bool) -> Iterator[Book]:
        """Yield the passbooks of people, or all others: of these only one is read at a time, for it may be long."""
        found = (
            links(self._connection, self._county, without=_SHARED)
            if of_people
            else links(self._connection, self._county, only=_SHARED, at_once=1)
        )
        for _id, of_one in groupby(found, key=lambda stored: stored.passbook):
            entries = [stored.link for stored in of_one]
            yield Book(entries, Replica(VolunteerId(entries[0].volunteer), self._county, self._new))

    def _new_in(self, policy: Policy) -> dict[str, frozenset[str]]:
        """Return which accounts of a policy came after each other one that is kept and can be read."""
        found: dict[str, frozenset[str]] = {}
        kept = {digest: self._policies_kept[digest] for digest in self._kept}
        for digest, one in kept.items():
            before = (other.content for other in kept.values() if other.first_used_at < one.first_used_at)
            with suppress(ValueError, TypeError, AttributeError):
                found[digest] = new_since(clause_ids([*before, one.content]), policy)
        return found

    # --- what is of no passbook ----------------------------------------------------------------------------------

    def _policies(self) -> None:
        """A policy at hand is kept as it is: its digest says that the files are the same, not what was kept of them."""
        for digest, rulebook in self._rulebooks.items():
            kept = self._policies_kept.get(digest)
            if kept is None:
                continue
            if kept.county != self._county:
                self._differs("", 0, f"policy {digest}.county", kept.county, str(self._county))
            title, content = title_of(rulebook.policy), content_of(rulebook.policy)
            if kept.title != title:
                self._differs("", 0, f"policy {digest}.title", kept.title, title)
            if kept.content != content:
                path, stored, again = first_in(_plain(kept.content), _plain(content), f"policy {digest}")
                self._differs("", 0, path, stored, again)
            first = kept.first_entry_at
            if first is not None and kept.first_used_at > first + CLOCKS_APART:
                self._differs("", 0, f"policy {digest}.first_used_at", str(kept.first_used_at), f"<= {first}")

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

    def _differs(self, volunteer: str, entry: int, what: str, stored: str | None, recomputed: str | None) -> None:
        found = Difference(VolunteerId(volunteer), self._county, entry, what, stored, recomputed)
        self._done.differences.append(found)

    # --- what is read before, of all passbooks -------------------------------------------------------------------

    def _told(self, asked: bool, *kinds: str) -> Iterator[tuple[Told, Rulebook]]:
        """Yield the entries of these kinds under rules that are at hand, where they are asked for."""
        for one in told(self._connection, self._county, kinds) if asked else ():
            rulebook = self._rulebooks.get(one.digest)
            if rulebook is not None:
                yield one, rulebook

    def _declared(self) -> Families:
        """Return the families that people have declared, where an account of the county is earned by them together."""
        found: dict[VolunteerId, list[Declared]] = {}
        asked = any(map(is_pooled, self._accounts()))
        for one in told(self._connection, self._county, [DECLARED]) if asked else ():
            with suppress(*UNREADABLE):  # it will be named where it is decided again
                found.setdefault(one.volunteer, []).append(Declared(one.on, members_in(one.body), one.instant))
        return Families({id: Family(all) for id, all in found.items()})

    def _accounts(self) -> Iterator[Account]:
        for rulebook in self._rulebooks.values():
            yield from rulebook.policy.accounts

    def _matched(self) -> list[Match]:
        """Return the steps in which somebody was matched, or was to be."""
        menu = any(rulebook.policy.menu for rulebook in self._rulebooks.values())
        steps = self._told(menu, REQUEST, REFUSED)
        declared: dict[VolunteerId, list[tuple[int, tuple[VolunteerId, ...]]]] = {}
        for one in told(self._connection, self._county, [DECLARED]) if menu else ():
            with suppress(*UNREADABLE):  # it will be named where it is decided again
                family = tuple(VolunteerId(id) for id, _relation in orjson.loads(one.body)["family"])
                declared.setdefault(one.volunteer, []).append((one.entry, family))
        known: dict[str, int] = {}
        found = list(matches(steps, declared, self._witnesses, known))
        if found:
            known |= all_known_since(self._connection)
        return found

    # --- a passbook ----------------------------------------------------------------------------------------------

    def _go_on(self, book: Book) -> None:
        """Decide a passbook again until it ends, differs or waits; then those that waited for what it has sent."""
        self._decide(book)
        while self._ready:
            self._decide(self._ready.pop())

    def _decide(self, book: Book) -> None:
        done = self._done
        while book.at < len(book.links):
            link = book.link
            size = 1
            try:
                rulebook = self._rulebooks.get(link.policy_digest or "")
                if (odd := self._odd(link, rulebook)) is not None:
                    self._breaks(book, odd)
                    return
                if rulebook is None:
                    done.left_out[self._why_left_out(link)] += 1
                    book.running = book.customer = None
                else:
                    found = self._decided(book, link, rulebook)
                    if found is None:
                        return
                    if isinstance(found, Found):
                        self._breaks(book, found)
                        return
                    size = found.size
                for one in book.links[book.at : book.at + size]:
                    self._prove(book.replica, one.recorded_at)
                    book.replica.apply(one)
            except UNREADABLE as error:
                # Nothing that the bank writes leads here: the entry cannot be read, or is of what was never there.
                self._breaks(book, Found(link.number, "readable", link.kind, f"{type(error).__name__}: {error}"))
                return
            book.at += size
        self._prove(book.replica, None)
        self._compare_folds(book)

    def _compare_folds(self, book: Book) -> None:
        """Name the first state that is kept of a person's fold and is not what their records come to."""
        newest = max((link.number for link in book.links if link.record), default=0)
        held = list(book.replica.held.values())
        records = Records(self._witnesses.versions(book.owner), held, newest, book.replica.number)
        try:
            found = differing(self._rulebooks, records, book.folds) if book.folds else None
        except UNREADABLE as error:
            found = Found(book.replica.number, "fold_state", f"{type(error).__name__}: {error}", None)
        if found is not None:
            self._differs(book.owner, found.entry, found.what, found.stored, found.recomputed)

    def _decided(self, book: Book, link: Link, rulebook: Rulebook) -> Same | Found | None:
        """Return how many entries stand as they come to, or what differs; None where the passbook has to wait."""
        done, post, witnesses = self._done, self._post, self._witnesses
        found: Same | Found | None
        if link.kind in ARRIVALS:
            sender = sender_of(link)
            if not post.waits((sender, book.owner)):
                if sender not in self._broken:
                    self._waiting[sender, book.owner] = book
                    return None
                done.unseen += 1
                book.customer = None
                return Same()
            found = arrived(book, rulebook, post, sender)
        elif link.kind in RECORDS:
            book.customer, found = None, self._delivered(book, link, rulebook)
        else:
            book.customer, found = None, asked(book, rulebook, witnesses)
        if not isinstance(found, Same):
            return found
        done.entries += found.size
        if link.kind in RECORDS:
            done.records += found.size
        else:
            done.commands += 1
            done.records += found.size - 1
        post.send(found.messages)
        post.serve(found.services)
        pairs = [(one.sender, one.receiver) for one in found.messages]
        for pair in (*pairs, *((one.sender, one.receiver) for one in found.services)):
            waits = self._waiting.pop(pair, None)
            if waits is not None:
                self._ready.append(waits)
        return found

    def _delivered(self, book: Book, link: Link, rulebook: Rulebook) -> Same | Found | None:
        """Return what records come to; those of requests for service have to be what the steps of these say."""
        witnesses, post = self._witnesses, self._post
        people = witnesses.as_registered(book.owner, link.recorded_at)
        if link.kind == "withdrawn" and (link.registry, link.record) not in book.replica.held:
            return noted_again(book, rulebook.policy.digest)
        if not of_request(link):
            return delivered(book, rulebook, people, None, witnesses.families)
        begun = begun_by(self._county, link.record)
        if begun is None:
            return Found(link.number, REQUEST, link.record, None)
        service = post.service(book.owner, link.record)
        if service is None and begun[0] not in self._broken:
            self._waiting[begun[0], book.owner] = book
            return None
        differs = None if service is None else not_as_served(book, service)
        on = None if service is None else service.on
        found = differs or delivered(book, rulebook, people, on, witnesses.families)
        if service is not None and isinstance(found, Same):
            post.take_service(service)
        return found

    def _breaks(self, book: Book, found: Found) -> None:
        """Name what differs, and let those go on who wait for what this passbook would have sent."""
        self._differs(book.owner, found.entry, found.what, found.stored, found.recomputed)
        self._done.unseen += len(book.links) - found.entry
        self._prove(book.replica, book.link.recorded_at)
        self._claims.drop(book.owner)
        due = self._broken[book.owner] = Counts[str]()
        for link in book.links[book.at :]:
            if link.policy_digest in self._rulebooks and (link.kind in ARRIVALS or of_request(link)):
                with suppress(*UNREADABLE):
                    due[sender_of(link) if link.kind in ARRIVALS else link.record] += 1
        for pair in [pair for pair in self._waiting if pair[0] == book.owner]:
            self._ready.append(self._waiting.pop(pair))

    def _prove(self, replica: Replica, until: int | None) -> None:
        for claim in self._claims.before(replica, until):
            who, entry = claim.by
            self._differs(who, entry, claim.what, claim.said, claim.seen)

    def _why_left_out(self, link: Link) -> tuple[str, str]:
        digest = link.policy_digest or ""
        version = _version(self._kept[digest])
        return (POLICY, digest) if version in (None, DECISIONS_VERSION) else (VERSION, str(version))

    def _odd(self, link: Link, rulebook: Rulebook | None) -> Found | None:
        """Return in what an entry is like none that the bank writes; what can be decided again is left to that."""
        digest = link.policy_digest
        if digest is None or digest not in self._kept:
            return Found(link.number, "policy", digest or None, None if digest else "digest")
        if rulebook is not None:
            # Under which kind a command was to be entered comes out when it is decided again.
            return (
                None if link.kind in KINDS or link.command is not None else Found(link.number, "kind", link.kind, None)
            )
        if (_version(self._kept[digest]) or 0) > DECISIONS_VERSION:
            return None  # which kinds later versions write is not known here
        return odd_form(link)

    # --- what is left at the end -----------------------------------------------------------------------------------

    def _never_sent(self) -> None:
        """Name what arrived and was sent by nobody."""
        while self._waiting:
            wait = {book.owner for book in self._waiting.values()}
            sender, owner = next((pair for pair in self._waiting if pair[0] not in wait), next(iter(self._waiting)))
            book = self._waiting.pop((sender, owner))
            what = (REQUEST, book.link.record) if book.link.kind in RECORDS else (GIVEN, f"from {sender}")
            self._breaks(book, Found(book.link.number, *what, None))
            while self._ready:
                self._decide(self._ready.pop())

    def _never_arrived(self) -> None:
        """Name what was sent and did not arrive, unless it may still be found behind a difference."""
        for (sender, receiver), left in self._post.left():
            due = self._broken.get(receiver, Counts[str]())[sender]
            for message in left[due:]:
                self._differs(sender, message.entry, "received", None, str(receiver))
        for service in self._post.services_left():
            unseen = self._broken.get(service.receiver, Counts[str]())
            if unseen[service.id]:
                unseen[service.id] -= 1
            else:
                self._differs(service.sender, service.entry, "record", None, f"{service.receiver}: {service.id}")

    def _of_no_passbook(self) -> None:
        """Prove what is said of passbooks that have no entry."""
        said = [*self._claims.owners]
        for match in self._matches[-1:]:
            said += map(VolunteerId, match.known)
        for match in self._matches:
            said += map(VolunteerId, match.lines)
        left = [id for id in dict.fromkeys(said) if not self._claims.begun(id)]
        for start in range(0, len(left), PEOPLE_AT_ONCE):
            some = left[start : start + PEOPLE_AT_ONCE]
            self._witnesses.ask(some)
            for id in some:
                self._prove(Replica(id, self._county), None)


def odd_form(link: Link) -> Found | None:
    """Return in what an entry has not the form that its kind has under any rules."""
    if link.kind not in KINDS:
        return Found(link.number, "kind", link.kind, None)
    if (link.command is not None) != (link.kind in ASKED):
        stands = None if link.command is None else f"{link.command[0]}, {link.command[1]}"
        return Found(link.number, "command", stands, "scope, key" if link.command is None else None)
    if bool(link.registry and link.record) != (link.kind in RECORDS):
        stands = f"{link.registry}/{link.record}" if link.record else None
        return Found(link.number, "record", stands, "registry/record" if link.kind in RECORDS else None)
    return None


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
