"""Records that came together, found again among the entries of a passbook, and what they come to.

Which records came together is not stored. Consecutive entries of one instant are taken as one delivery, and where that
does not lead to them, as several, the first as short as may be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice

import orjson

from lianxing.engine.bank.beside import At, Beside, Message, Service, beside
from lianxing.engine.bank.comparing import Found, compared, first_in
from lianxing.engine.bank.crediting import credited, credits, needs_lots
from lianxing.engine.bank.customers import Customer
from lianxing.engine.bank.families import NOBODY, Families
from lianxing.engine.bank.noting import Noting, never_came, noted
from lianxing.engine.bank.replicas import Replica
from lianxing.engine.counting import Fold, Supplied, counted, names_another
from lianxing.engine.ledger.chaining import Link
from lianxing.engine.ledger.checking import draft_of
from lianxing.engine.ledger.contents import VERSION, content_of, facts_from, record_from
from lianxing.engine.ledger.drafts import BOOKED_ON, WITH_VERSION, Draft
from lianxing.engine.ledger.witnesses import KeptFold
from lianxing.engine.recounting import Change, Recount, booking_of, recount
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.facts import RecordId, RegistryId, VolunteerId
from lianxing.rules.records import Order, ServiceRecord, Volunteer, Withdrawn
from lianxing.rules.requests import MENU

RECORDS = frozenset((*WITH_VERSION, "adjusting"))
GROUPINGS_MAX = 200


@dataclass
class Book:
    """A passbook while it is decided again: its entries, how many of them are done, and what they have left.

    `running` is the fold of its records, `customer` the person as what has arrived has left them; both are kept from
    one entry to the next where they go on, for each would cost as much as the whole history. `folds` is what is kept of
    the person's fold.
    """

    links: Sequence[Link]
    replica: Replica
    at: int = 0
    running: Running | None = None
    customer: Customer | None = None
    folds: Sequence[KeptFold] = ()

    @property
    def owner(self) -> VolunteerId:
        return self.replica.volunteer

    @property
    def link(self) -> Link:
        return self.links[self.at]

    @property
    def place(self) -> At:
        return At(self.owner, self.link.number, self.link.recorded_at)


@dataclass(frozen=True, slots=True)
class Same:
    """So many entries stand as they come to, and this is what they send."""

    size: int = 1
    messages: Sequence[Message] = ()
    services: Sequence[Service] = ()


def of_request(link: Link) -> bool:
    """Tell whether an entry brings a record that a request for service brings about, a new version, or its end."""
    return link.registry == MENU and link.content is not None


def not_as_served(book: Book, service: Service) -> Found | None:
    """Return in what a record is not what the step of its request says."""
    link = book.link
    if service.digest != link.policy_digest:
        return Found(link.number, "policy", str(link.policy_digest), service.digest)
    told = (link.actor, link.reason)
    if told != (service.actor, service.reason):
        return Found(link.number, "actor", repr(told), repr((service.actor, service.reason)))
    if service.withdrawn or link.kind == "withdrawn":
        same = service.withdrawn and link.kind == "withdrawn"
        return None if same else Found(link.number, "withdrawn", str(link.kind == "withdrawn"), str(service.withdrawn))
    there = book.replica.held.get((link.registry, link.record))
    record = service.record(None if there is None else there.record)
    if record is None:
        return Found(link.number, "record", link.record, None)
    stands, said = orjson.loads(link.content or b"{}"), orjson.loads(content_of(record))
    if stands != said:
        return Found(link.number, *first_in(stands, said, "content"))
    return None if link.supplied == b"{}" else Found(link.number, "supplied", repr(link.supplied), repr(b"{}"))


def noted_again(book: Book, digest: str) -> Same | Found:
    """Return whether an entry that takes back what does not count is what would be noted of it."""
    link, replica = book.link, book.replica
    key = RegistryId(link.registry), RecordId(link.record)
    version = orjson.loads(link.body).get(VERSION, 0)
    taken_back = Withdrawn(key[1], key[0], link.reason, link.actor, version)
    noting = Noting(taken_back, book.owner, replica.original(key))
    if noting.original is None:
        noting = never_came(taken_back)
    if noting.owner != book.owner or type(version) is not int or version < 1:
        return Found(link.number, "record", f"{link.registry}/{link.record}", None)
    draft = noted(noting, replica.county, digest, date.fromisoformat(link.effective_on))
    return compared(replica, [link], [draft]) or Same()


def delivered(
    book: Book,
    rulebook: Rulebook,
    people: Sequence[Volunteer],
    on: date | None = None,
    families: Callable[[Rulebook, Sequence[Link]], Families] = lambda _rulebook, _group: NOBODY,
) -> Same | Found:
    """Return how many entries come from records that came together, or what differs.

    `people` are who the person may have been by then, the most likely first; `on` is the day of the delivery, None
    where only its entries say it; `families` are those that entries have seen.
    """
    longest = _longest(book)
    differing: Found | None = None
    for size in (longest, *range(1, min(longest, GROUPINGS_MAX))):
        for person in people:
            group = book.links[book.at : book.at + size]
            came = _added(book, group, rulebook, person) or _recounted(book.replica, group, rulebook, person)
            passing = beside(rulebook, None, book.place)
            seen = families(rulebook, group)
            drafts = _drafts(book.replica, group, rulebook, person, came, passing, on, seen)
            found = compared(book.replica, group, drafts)
            if found is None:
                if book.running is not None and book.running.records != len(book.replica.held) + size:
                    book.running = None
                return Same(size, passing.messages)
            book.running = None
            if differing is None or found.entry > differing.entry:
                differing = found
    assert differing is not None
    return differing


def _longest(book: Book) -> int:
    """Return how many entries may come from one delivery: of one instant, what was taken back first, then in order."""
    replica, first = book.replica, book.link
    seen: set[tuple[str, str]] = set()
    last: Order | None = None
    for size, link in enumerate(islice(book.links, book.at, None)):
        key = link.registry, link.record
        same = (link.recorded_at, link.policy_digest) == (first.recorded_at, first.policy_digest)
        if link.kind not in RECORDS or not same or key in seen or (size and of_request(link)):
            return size
        seen.add(key)
        if link.kind == "withdrawn":
            if last is not None or key not in replica.held:
                return size
            continue
        order = _change(replica, link).record.order if link.content else replica.held[key].record.order
        if last is not None and order < last:
            return size
        last = order
    return len(book.links) - book.at


def _change(replica: Replica, link: Link) -> Change:
    """Return what an entry that brings a version of a record says is new."""
    if link.content is None:
        raise ValueError("no record")
    if link.content:
        record, supplied = record_from(link.content), facts_from(link.supplied or b"{}")
        return Change(record, supplied, actor=link.actor, reason=link.reason)
    held, version = replica.held[link.registry, link.record], orjson.loads(link.body).get(VERSION, 0)
    return Change(held.record, held.supplied, withdrawn=True, actor=link.actor, reason=link.reason, version=version)


def _recounted(replica: Replica, group: Sequence[Link], rulebook: Rulebook, person: Volunteer) -> Recount:
    """Return what records come to where these entries are taken as one delivery."""
    changes = [_change(replica, link) for link in group if link.kind in WITH_VERSION]
    return recount(rulebook, person, list(replica.held.values()), changes)


def _added(book: Book, group: Sequence[Link], rulebook: Rulebook, person: Volunteer) -> Recount | None:
    """Return what records come to that only go on where the history ends, which is most of them; else None."""
    if any(link.kind != "original" for link in group):
        return None
    changes = [_change(book.replica, link) for link in group]
    running = book.running
    if running is None or (running.digest, running.person) != (rulebook.policy.digest, person):
        held = sorted(book.replica.held.values(), key=lambda one: one.record.order)
        running = Running(rulebook, person, [(one.record, one.supplied) for one in held])
    if not running.goes_on_with(changes):
        return None
    book.running = running
    return running.went_on_with(changes)


class Running:
    """The fold of a person's records up to the last; there is none where a record has named one that it takes out."""

    def __init__(
        self, rulebook: Rulebook, person: Volunteer, history: Sequence[tuple[ServiceRecord, Supplied]]
    ) -> None:
        self.digest, self.person, self.records = rulebook.policy.digest, person, len(history)
        self._last = history[-1][0].order if history else None
        self._plain = not any(names_another(record, supplied) for record, supplied in history)
        self._fold = Fold(rulebook, person)
        for record, supplied in history if self._plain else ():
            self._fold.assess(record, supplied)

    def goes_on_with(self, changes: Sequence[Change]) -> bool:
        later = self._last is None or self._last < changes[0].record.order
        return self._plain and later and not any(names_another(one.record, one.supplied) for one in changes)

    def went_on_with(self, changes: Sequence[Change]) -> Recount:
        done = Recount()
        for change in changes:
            assessment = self._fold.assess(change.record, change.supplied)
            done.add(booking_of(assessment, None, change), assessment)
            done.after.append(counted(assessment))
        self._last = changes[-1].record.order
        self.records += len(changes)
        return done


def _drafts(
    replica: Replica,
    group: Sequence[Link],
    rulebook: Rulebook,
    person: Volunteer,
    found: Recount,
    passing: Beside,
    on: date | None,
    families: Families,
) -> list[Draft]:
    """Return what is to be written for records, with what they do to the person's accounts."""
    bookings = found.bookings
    if credits(rulebook):
        whole = needs_lots(rulebook.policy, bookings, replica.closings) or any(
            one.record.registry == MENU for one in bookings
        )
        rows, today = replica.rows(lots=whole), on or _booked_on(group)
        passing.today = today
        bookings = credited(
            rulebook,
            person,
            found,
            rows,
            replica.balances,
            replica.number,
            today,
            passing,
            replica.closings,
            replica.said,
            replica.new.get(rulebook.policy.digest, {}),
            families,
        )
    return [draft_of(one) for one in bookings]


def _booked_on(group: Sequence[Link]) -> date:
    """Return the day of the delivery; where nothing was credited it does not matter."""
    said = (orjson.loads(link.body).get(BOOKED_ON) for link in group)
    return next((date.fromisoformat(day) for day in said if day is not None), date.min)
