"""One entry decided again that no record brings about: a command, what has ended, what arrives from elsewhere.

What the passbook itself holds is asked of its replica. What others did by then is seen by the instants of their
entries, and clocks of several machines may be `CLOCKS_APART`: where that leaves it open, it is as the answer says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from types import MappingProxyType
from typing import Any

import orjson

from lianxing.engine.bank.answering import NOT_LENT, Brought, Counter
from lianxing.engine.bank.beside import Beside, Message, Post, Service, ShortError, beside
from lianxing.engine.bank.comparing import Found, compared
from lianxing.engine.bank.crediting import credited, credits
from lianxing.engine.bank.customers import Customer
from lianxing.engine.bank.deciding import decide
from lianxing.engine.bank.deliveries import Book, Same
from lianxing.engine.bank.ending import EXPIRED, lots_over
from lianxing.engine.bank.families import NOBODY, Families, WitnessedFamilies
from lianxing.engine.bank.passing import REPAID
from lianxing.engine.bank.redeeming import HOLD_EXPIRED, given_back, is_kept
from lianxing.engine.bank.replicas import Replica
from lianxing.engine.bank.request_data import queue_from, request_id
from lianxing.engine.bank.request_steps import StepCounter, take
from lianxing.engine.bank.requests import NAMES, check, command_from, request_hash
from lianxing.engine.bank.reviews import Dossier, certificates_of, draft_of
from lianxing.engine.bank.star_points import STAR_POINTS, reached
from lianxing.engine.bank.steps import taken
from lianxing.engine.bank.tellers import left_under, people_of
from lianxing.engine.bank.turning import CONVERTED, turned
from lianxing.engine.closings import SHUT, SHUT_THEN, Closed, Closings
from lianxing.engine.ledger.chaining import Link
from lianxing.engine.ledger.checking import draft_of as booked
from lianxing.engine.ledger.drafts import BOOKED_ON, RECEIVED, REFUSED, REQUEST, TAKEN_BACK, Draft
from lianxing.engine.ledger.reading import Reading
from lianxing.engine.ledger.witnesses import StockMoves, brought_elsewhere, instant_of, known_since, registrations
from lianxing.engine.menu import LISTED_MAX, Queue, ranked_again
from lianxing.engine.pooling import POOLED_IN, pools
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.star_awards import certificate_number
from lianxing.rules.commands import Command, Give, RecordStep, Redeem, ReviewStep, StarStep
from lianxing.rules.facts import CountyId, FactValue, RecordId, VolunteerId
from lianxing.rules.places import Clause
from lianxing.rules.records import ServiceRecord, Volunteer
from lianxing.rules.requests import ServiceRequest, Step
from lianxing.rules.service_commands import TakeStep

CLOCKS_APART = 60  # seconds
_ASKS_WHO_IS_SERVED = frozenset((Step.REQUEST.value, Step.MATCH.value))
_SHUT = (SHUT, SHUT_THEN)
_COMES = frozenset((RECEIVED, REPAID, TAKEN_BACK))  # of these the body says `from` whom; of the others, `to` whom


@dataclass
class Witnesses:
    """What the ledger says besides the passbook that is decided again."""

    reading: Reading
    county: CountyId
    stock: Mapping[str, StockMoves]
    closings: Mapping[VolunteerId, Sequence[tuple[int, Closings]]]
    withdrawn: Mapping[str, int]  # when records of requests were taken back
    declared: Families
    people: dict[VolunteerId, list[tuple[int, Volunteer]]] = field(default_factory=dict)

    def ask(self, people: Iterable[VolunteerId]) -> None:
        """Read who these people were, and let go of who others were."""
        self.people = registrations(self.reading._connection, people)

    def families(self, rulebook: Rulebook, links: Sequence[Link]) -> Families:
        """Return the families as the entries of records saw them, where an account of the county is earned together."""
        if not links or not rulebook.once(pools):
            return NOBODY
        said = {(one.registry, one.record): orjson.loads(one.body).get(POOLED_IN, {}) for one in links}
        instant = links[0].recorded_at
        return WitnessedFamilies(
            all=self.declared, closings=self.closings, instant=instant, apart=CLOCKS_APART, said=said
        )

    def versions(self, volunteer: VolunteerId) -> list[Volunteer]:
        """Return all that was ever known of somebody, from knowing nothing to what is known now."""
        if volunteer not in self.people:
            self.people[volunteer] = registrations(self.reading._connection, [volunteer]).get(volunteer, [])
        return [Volunteer(volunteer), *(person for _at, person in self.people[volunteer])]

    def as_registered(self, volunteer: VolunteerId, instant: int) -> list[Volunteer]:
        """Return who somebody was at an instant; where clocks leave it open, who else it may have been."""
        known = self.versions(volunteer)
        said = self.people[volunteer]
        last = sum(at <= instant for at, _person in said)
        first = sum(at < instant - CLOCKS_APART for at, _person in said)
        latest = sum(at <= instant + CLOCKS_APART for at, _person in said)
        return [known[last], *(known[n] for n in range(latest, first - 1, -1) if n != last)]

    def other(self, id: VolunteerId, rulebook: Rulebook, link: Link, body: Mapping[str, Any]) -> Customer:
        """Return somebody else as an entry found them: open or closed, as the entry says where that may be."""
        customer = Replica(id, self.county).customer(rulebook, Volunteer(id))
        states, at = self.closings.get(id, ()), link.recorded_at
        if states:
            clause, on = rulebook.policy.county.clause, date.fromisoformat(link.effective_on)
            said = [(one["code"], one["operands"]) for one in body.get("reasons", ()) if one["code"] in _SHUT]
            first = sum(instant < at - CLOCKS_APART for instant, _closings in states)
            last = sum(instant <= at + CLOCKS_APART for instant, _closings in states)
            open_to_clocks = [closings for _instant, closings in states[max(0, first - 1) : last]]
            as_said = (one for one in open_to_clocks if _may_have_said(one.shut(on), clause, said))
            customer.closings = next(as_said, states[sum(instant <= at for instant, _closings in states) - 1][1])
        return customer

    def brought(self, replica: Replica, link: Link, county: CountyId, entry: int) -> list[Brought] | None:
        """Return what had left a passbook of the person under an entry, and was not brought before."""
        person, reasons = replica.volunteer, orjson.loads(link.body).get("reasons", ())
        none_said = any(one["code"] == "nothing_to_bring" for one in reasons)
        if (county, entry) in replica.brought:
            return None
        if county == self.county:
            if entry >= link.number:
                return None
        else:
            instant = instant_of(self.reading._connection, county, person, entry)
            apart = -CLOCKS_APART if none_said else CLOCKS_APART
            if instant is None or instant > link.recorded_at + apart:
                return None
        if self._brought_elsewhere(link, person, county, entry, none_said=none_said):
            return None
        return left_under(self.reading, person, county, entry)

    def _brought_elsewhere(
        self, link: Link, person: VolunteerId, county: CountyId, entry: int, *, none_said: bool
    ) -> bool:
        """Tell whether another county had it; of two that took it in, however close, only one can have been right."""
        for there, instant, body in brought_elsewhere(self.reading._connection, self.county, person):
            with suppress(LookupError, TypeError, ValueError):  # it will be named where it is decided again
                asked = orjson.loads(body)["asked"]
                if (asked["from_county"], asked["entry"]) != (county, entry):
                    continue
                if link.kind != REFUSED:
                    before = (instant, there) < (link.recorded_at, self.county)
                else:
                    before = instant <= link.recorded_at + (CLOCKS_APART if none_said else -CLOCKS_APART)
                if before:
                    return True
        return False

    def knew(self, person: VolunteerId, instant: int) -> bool:
        """Tell whether the ledger had certainly heard of somebody by an instant."""
        since = known_since(self.reading._connection, self.county, person)
        return since is not None and since < instant - CLOCKS_APART

    def certificates(self, link: Link, command: ReviewStep) -> int:
        """Return how many certificates of the year there were: as the entry says, where that may have been so."""
        moves = self.stock.get(certificates_of(command))
        if moves is None:
            return 0
        least, most = moves.between(link.recorded_at, CLOCKS_APART)
        said = (orjson.loads(link.body).get("review") or {}).get("number")
        of = command.county, command.on
        return next((n for n in range(least, most) if certificate_number(*of, n + 1) == said), least)


# --- what arrives ----------------------------------------------------------------------------------------------------


def sender_of(link: Link) -> VolunteerId:
    """Return with whose entry one that arrives was written."""
    body = orjson.loads(link.body)
    return VolunteerId(body["from" if link.kind in _COMES else "to"])


def arrived(book: Book, rulebook: Rulebook, post: Post, sender: VolunteerId) -> Same | Found:
    """Return that an entry is what somebody has sent, or what differs; something was sent."""
    pair = sender, book.owner
    differing: Found | None = None
    for message in post.next(pair):
        found = _arrives(book, rulebook, message)
        if isinstance(found, Same):
            post.take(message)
            return found
        book.customer = None  # the wallets have changed as the entry does not say
        differing = differing or found
    assert differing is not None
    return differing


def _arrives(book: Book, rulebook: Rulebook, message: Message) -> Same | Found:
    link = book.link
    if message.digest != link.policy_digest:
        return Found(link.number, "policy", str(link.policy_digest), message.digest)
    customer = book.customer
    if customer is None or customer.rulebook is not rulebook:
        customer = book.customer = book.replica.customer(rulebook, Volunteer(book.owner))
    passing = beside(rulebook, customer, book.place, message.open)
    passing.today = message.today
    try:
        drafts = message.drafts(passing)
    except ShortError as short:
        return Found(link.number, "available", f">= {short.needed}", str(short.available))
    return compared(book.replica, [link], drafts) or Same(1, passing.messages)


# --- commands, and what ends -----------------------------------------------------------------------------------------


def asked(book: Book, rulebook: Rulebook, witnesses: Witnesses) -> Same | Found:
    """Return how many entries come from a command, or from what has ended; or what differs."""
    differing: Found | None = None
    for person, recipient in _who_they_were(book, witnesses):
        deciding = _Deciding(book, rulebook, witnesses, person, recipient)
        drafts = deciding.drafts()
        if isinstance(drafts, Found):
            differing = differing or drafts
            continue
        found = compared(book.replica, book.links[book.at : book.at + len(drafts)], drafts)
        if found is None:
            if len(drafts) > 1:
                book.running = None
            passing = deciding.passing
            return Same(len(drafts), passing.messages, deciding.services)
        differing = differing or found
    assert differing is not None
    return differing


def _who_they_were(book: Book, witnesses: Witnesses) -> Iterator[tuple[Volunteer, Volunteer]]:
    """Yield who the owner was and who is to be served, each as often as clocks leave it open."""
    instant = book.link.recorded_at
    recipient = _recipient_of(book)
    for person in witnesses.as_registered(book.owner, instant):
        if recipient in ("", book.owner):
            yield person, person
        else:
            yield from ((person, served) for served in witnesses.as_registered(recipient, instant))


def _recipient_of(book: Book) -> VolunteerId:
    """Return for whom a step of a request is that asks who is served, empty of any other entry."""
    link = book.link
    asked = orjson.loads(link.body)["asked"] if link.kind in (REQUEST, REFUSED) and link.command is not None else None
    if asked is None or asked["command"] != NAMES[TakeStep] or asked["step"] not in _ASKS_WHO_IS_SERVED:
        return VolunteerId("")
    made = book.replica.requests.get(asked["request"])
    return VolunteerId(asked["recipient"] if made is None else made.recipient)


class _Deciding:
    """One entry of a passbook while it is decided again."""

    def __init__(
        self, book: Book, rulebook: Rulebook, witnesses: Witnesses, person: Volunteer, recipient: Volunteer
    ) -> None:
        self._book, self._rulebook, self._witnesses, self._person = book, rulebook, witnesses, person
        self._recipient = recipient
        self._replica, self._link = book.replica, book.link
        self._customer = self._replica.customer(rulebook, person)
        self._body: Mapping[str, Any] = orjson.loads(self._link.body)
        self.passing = self._beside()
        self.services: list[Service] = []

    def drafts(self) -> list[Draft] | Found:
        """Return what is to be written instead of the entry, and after it for the same reason."""
        link, customer = self._link, self._customer
        on = date.fromisoformat(link.effective_on)
        if link.kind == CONVERTED:
            return turned(self._rulebook, customer, on)[:1] or Found(link.number, "transition", str(on), None)
        if link.kind == STAR_POINTS:
            booked_on = date.fromisoformat(self._body[BOOKED_ON])
            self.passing.today = booked_on
            found = next(reached(self._rulebook, customer, self.passing, booked_on), None)
            return Found(link.number, "stars", str(self._body["star"]), None) if found is None else [found]
        if link.kind in (EXPIRED, HOLD_EXPIRED):
            self.passing.today = on
            before = [*reached(self._rulebook, customer, self.passing, on)]
        if link.kind == EXPIRED:
            over = lots_over(self._counter(), customer, on)
            return Found(link.number, "lots", EXPIRED, None) if over is None else [*before, over]
        if link.kind == HOLD_EXPIRED:
            hold = self._replica.holds[self._body["entry"]]
            if hold.until >= on:
                return Found(link.number, "hold", str(on), f"> {hold.until}")
            if is_kept(self._counter(), customer, hold.entry, on):
                return Found(link.number, "hold", str(hold.entry), None)
            account = customer.account_kept(hold.account)
            assert account is not None
            wallet = customer.wallet(account)
            return [*before, *given_back(self._counter(), customer, None, wallet, HOLD_EXPIRED, on, hold.entry).drafts]
        if link.command is None:
            return Found(link.number, "command", None, "scope, key")
        scope, key, _hash = link.command
        command = command_from(self._body["asked"], self._book.owner, self._witnesses.county, scope, key)
        check(command)
        if isinstance(command, RecordStep | StarStep):
            self.passing.today = command.on
            return turned(self._rulebook, customer, command.on) or self._reviewed(command)
        if isinstance(command, TakeStep):
            self.passing.today = command.on
            return self._stepped(command)
        return self._served(command)

    def _beside(self, open: Iterable[VolunteerId] | None = None) -> Beside:
        made = beside(self._rulebook, self._customer, self._book.place, open)
        made.available = _available(self._body)
        return made

    def _counter(self) -> Counter:
        replica, link, witnesses = self._replica, self._link, self._witnesses
        counter = Counter(
            self._rulebook,
            {replica.volunteer: self._customer},
            {},
            lambda _id, entry: replica.taken(entry),
            lambda _customer, wallet, lots: replica.load(wallet, lots),
            lambda _id: replica.family,
            approved=lambda _id: replica.approved,
            brought=lambda _id, county, entry: witnesses.brought(replica, link, county, entry),
            request_by=lambda id, entry: replica.requests.get(request_id(witnesses.county, id, entry)),
            bought=lambda _id, entry: orjson.loads(replica.bought.get(entry, b"{}")),
            last_step=lambda _id, entry: replica.last_steps.get(entry),
        )
        counter.passing = self.passing
        return counter

    def _served(self, command: Command) -> list[Draft]:
        """Return what a teller writes; what others did is as the answer says it was where that may have been so."""
        link, witnesses = self._link, self._witnesses
        reasons = self._body.get("reasons", ())
        self.passing = self._beside(people_of(command, self._rulebook.policy))
        counter = self._counter()
        if isinstance(command, Redeem) and command.offer in witnesses.stock:
            least, most = witnesses.stock[command.offer].between(link.recorded_at, CLOCKS_APART)
            said = next((one["operands"]["given_out"] for one in reasons if one["code"] == "stock"), least)
            counter.given_out[command.offer] = said if least <= said <= most else least
        if isinstance(command, Give) and any(one["code"] == "unknown_recipient" for one in reasons):
            recipient = command.recipient
            counter.heard_of = lambda _id: witnesses.knew(recipient, link.recorded_at)
        for other in self.passing.open or ():
            if other != command.volunteer:
                there = witnesses.other(other, self._rulebook, link, self._body)
                counter.people = {**counter.people, other: there}
        decision = decide(counter, command)
        return [*decision.before, *decision.drafts]

    def _stepped(self, command: TakeStep) -> list[Draft]:
        """Return what is written for a step of a request; of each candidate it holds what the entry says."""
        own, replica, witnesses, link = command.volunteer, self._replica, self._witnesses, self._link
        people = {own: self._customer}
        made = replica.requests.get(command.request)
        volunteer = VolunteerId(made.volunteer if made is not None else "") or command.served_by
        if volunteer and volunteer != own:
            people[volunteer] = witnesses.other(volunteer, self._rulebook, link, self._body)
        counter = StepCounter(
            self._rulebook,
            people,
            self.passing,
            made,
            lambda _id: replica.family,
            lambda _id: self._recipient,
            self._queue,
            lambda id, entry: replica.requests.get(request_id(witnesses.county, id, entry)),
            lambda _id, entry: orjson.loads(replica.bought.get(entry, b"{}")),
            lambda _id, entry: replica.taken(entry),
            lambda _customer, wallet, lots: replica.load(wallet, lots),
            lambda id: witnesses.withdrawn.get(id, link.recorded_at) >= link.recorded_at,
        )
        step = take(counter, command, request_hash(command))
        self.services += (self._service(command, record.volunteer, record.id, record) for record in step.served)
        if made is not None:
            whose = VolunteerId(made.volunteer)
            self.services += (self._service(command, whose, RecordId(id), None, said) for id, said in step.evaluated)
            self.services += (
                replace(self._service(command, whose, RecordId(id), None), withdrawn=True) for id in step.unserved
            )
        return [*step.before, step.draft]

    def _queue(self, made: ServiceRequest) -> Queue:
        """Return the candidates in the order that follows from what the entry says of each."""
        request = next(one for one in self._rulebook.policy.menu if one.clause.id == made.request)
        found = queue_from(self._body["candidates"])
        if len(found.turns) < LISTED_MAX:
            found = replace(found, unlisted=0)
        if len(found.left_out) < LISTED_MAX:
            found = replace(found, unlisted_left_out=0)
        return ranked_again(request, found)

    def _service(
        self,
        command: TakeStep,
        volunteer: VolunteerId,
        id: RecordId,
        served: ServiceRecord | None,
        said: Mapping[str, FactValue] = MappingProxyType({}),
    ) -> Service:
        digest, own = self._rulebook.policy.digest, command.volunteer
        told = command.on, command.actor, command.reason
        return Service(own, volunteer, self._link.number, digest, *told, id, served, said)

    def _reviewed(self, command: ReviewStep) -> list[Draft]:
        """Return what is written for a step of a review, and for the records whose worth it changes."""
        replica, rulebook, person = self._replica, self._rulebook, self._person
        dossier = Dossier(
            rulebook=rulebook,
            person=person,
            held=sorted(replica.held.values(), key=lambda one: one.record.order),
            steps=list(taken(replica.volunteer, replica.notes)),
            awards=replica.awards(rulebook, person) or (),
            lowerings=replica.lowerings(rulebook),
            certificates=self._witnesses.certificates(self._link, command),
            closed=replica.closings.during(command.on),
        )
        found = dossier.decide(command)
        drafts = [draft_of(rulebook, command, found)]
        if found.recount is not None:
            bookings = found.recount.bookings
            if credits(rulebook):
                first = self._book.at + 1
                group = self._book.links[first : first + len(bookings)]
                bookings = credited(
                    rulebook,
                    person,
                    found.recount,
                    replica.rows(),
                    replica.balances,
                    replica.number + 1,
                    command.on,
                    self.passing,
                    replica.closings,
                    replica.said,
                    replica.new.get(rulebook.policy.digest, {}),
                    self._witnesses.families(rulebook, group),
                )
            drafts += [booked(one) for one in bookings]
        return drafts


def _may_have_said(shut: Closed | None, clause: Clause, said: Sequence[tuple[str, Mapping[str, Any]]]) -> bool:
    """Tell whether an entry names a passbook as closed, and why, just where it is."""
    if shut is None:
        return not said
    why = shut.reason(clause)
    return bool(said) and all(one == (why.code, dict(why.operands)) for one in said)


def _available(body: Mapping[str, Any]) -> int | None:
    """Return how much a pool had, where an answer says so."""
    reasons = (*body.get("reasons", ()), *body.get(NOT_LENT, ()))
    return next((one["operands"]["available"] for one in reasons if one["code"] == "pool"), None)
