"""What passes between passbooks while each is decided again by itself: it is sent by one, and arrives in the other.

Both entries were written in one transaction, so that of two passbooks the entries of the one stand in the order of the
entries of the other: what is sent waits in a queue for each pair, and the next entry of the receiver takes its head.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import takewhile

from lianxing.engine.bank.customers import Customer
from lianxing.engine.bank.passing import LENT, PAID_OUT, REPAID, Arrival, From, Passing
from lianxing.engine.bank.replicas import Replica
from lianxing.engine.bank.sharing import pool_owner
from lianxing.engine.ledger.drafts import RECEIVED, TAKEN_BACK, Draft
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.accounts import Account
from lianxing.rules.facts import FactValue, RecordId, VolunteerId
from lianxing.rules.records import ServiceRecord, Volunteer
from lianxing.rules.redeeming import Reason

ARRIVALS = frozenset((RECEIVED, TAKEN_BACK, PAID_OUT, LENT, REPAID))

Pair = tuple[VolunteerId, VolunteerId]  # who sends, who receives


class ShortError(Exception):
    """A passbook gives more than it has."""

    def __init__(self, needed: int, available: int) -> None:
        super().__init__(f"{needed} > {available}")
        self.needed, self.available = needed, available


@dataclass(frozen=True, slots=True)
class Message:
    """What one passbook does to another: what is to be done there, and the entry and the rules that bring it about.

    `open` are the passbooks that were at hand; None: everybody's. `today` is the day on which it was booked, where that
    is later than its own.
    """

    sender: VolunteerId
    receiver: VolunteerId
    entry: int
    instant: int
    digest: str
    open: frozenset[VolunteerId] | None
    today: date
    does: Callable[[Beside], object]

    def drafts(self, beside: Beside) -> list[Draft]:
        """Return what it writes in the receiver's passbook."""
        self.does(beside)
        return beside.taken()


@dataclass(frozen=True, slots=True)
class Service:
    """What a step of a request says that a record of whoever served is, or is from now on, or that it is `withdrawn`,
    with the days of both.
    """

    sender: VolunteerId
    receiver: VolunteerId
    entry: int
    digest: str
    on: date
    actor: str
    reason: str
    id: RecordId
    served: ServiceRecord | None  # None: the record that is there already says `facts`, too
    facts: Mapping[str, FactValue] = field(default_factory=dict)
    withdrawn: bool = False

    def record(self, there: ServiceRecord | None) -> ServiceRecord | None:
        """Return the record as it is after the step; None where there is none any more."""
        if self.served is not None or there is None:
            return self.served
        return replace(there, facts={**there.facts, **self.facts})


@dataclass(frozen=True, slots=True)
class At:
    """The entry that is decided, and of the passbook whose it is."""

    own: VolunteerId
    entry: int
    instant: int


@dataclass
class Beside(Passing):
    """The other side of a decision, as far as one passbook tells: what it does to its own is done, the rest is sent.

    A pool has what it takes, unless the answer says how much it had (`available`).
    """

    at: At = At(VolunteerId(""), 0, 0)
    open: frozenset[VolunteerId] | None = None
    available: int | None = None
    messages: list[Message] = field(default_factory=list)

    def customer(self, owner: VolunteerId) -> Customer | None:
        if owner in self.people or (self.open is not None and owner not in self.open):
            return self.people.get(owner)
        return Replica(owner, self.rulebook.policy.county.id).customer(self.rulebook, Volunteer(owner))

    def receives(self, one: Arrival) -> None:
        if one.owner == self.at.own:
            super().receives(one)
        else:
            self._send(one.owner, lambda there: there.receives(one))

    def inherits(self, one: Arrival) -> None:
        self.receives(one)

    def does_later(self, owner: VolunteerId, does: Callable[[Passing], object]) -> None:
        if owner == self.at.own:
            does(self)
        else:
            self._send(owner, lambda there: there.does_later(owner, does))

    def gives_back(self, one: Arrival) -> None:
        if one.owner == self.at.own:
            super().gives_back(one)
        else:
            self._send(one.owner, lambda there: there.gives_back(one))

    def pays_out(self, pool: Account, on: date, amount: int, went: From) -> None:
        owner = pool_owner(pool)
        if owner == self.at.own:
            self._has(pool, on, amount)
            super().pays_out(pool, on, amount, went)
        else:
            self._send(owner, lambda there: there.pays_out(pool, on, amount, went))

    def _lends(self, pool: Account, on: date, lent: int, owner: VolunteerId) -> None:
        lends = pool_owner(pool)
        if lends == self.at.own:
            if lent > 0:
                self._has(pool, on, lent)
            super()._lends(pool, on, lent, owner)
        else:
            self._send(lends, lambda there: there._lends(pool, on, lent, owner))

    def lacks(self, pool: Account, on: date, amount: int) -> Reason | None:
        if self.available is None or amount <= self.available:
            return None
        operands = (("needed", amount), ("available", self.available), ("unit", pool.unit.value))
        return Reason("pool", pool.clause, pool.clause.location, operands)

    def _has(self, pool: Account, on: date, amount: int) -> None:
        available = self.at_hand(self.at.own).wallet(pool).available(on)
        if amount > available:
            raise ShortError(amount, available)

    def _send(self, receiver: VolunteerId, does: Callable[[Beside], object]) -> None:
        at = self.at
        digest = self.rulebook.policy.digest
        self.messages.append(Message(at.own, receiver, at.entry, at.instant, digest, self.open, self.today, does))


def beside(
    rulebook: Rulebook,
    customer: Customer | None,
    at: At,
    open: Iterable[VolunteerId] | None = None,
) -> Beside:
    """Return the other side of what is decided for one passbook; `open` are the passbooks that are at hand."""
    people = {} if customer is None else {at.own: customer}
    return Beside(rulebook, people, at=at, open=None if open is None else frozenset(open))


@dataclass
class Post:
    """What was sent and has not arrived yet."""

    _queues: dict[Pair, deque[Message]] = field(default_factory=dict)
    _services: dict[tuple[VolunteerId, str], deque[Service]] = field(default_factory=dict)

    def send(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self._queues.setdefault((message.sender, message.receiver), deque()).append(message)

    def waits(self, pair: Pair) -> bool:
        """Tell whether something was sent that has not arrived."""
        return pair in self._queues

    def next(self, pair: Pair) -> Iterator[Message]:
        """Yield what may arrive next: the first, and what was sent at the same instant after it.

        Which records came together is not stored, so that what one instant sent may stand in another order.
        """
        queue = self._queues[pair]
        first = queue[0].instant
        return takewhile(lambda one: one.instant == first, queue)

    def take(self, message: Message) -> None:
        """Let a message arrive."""
        pair = message.sender, message.receiver
        self._queues[pair].remove(message)
        if not self._queues[pair]:
            del self._queues[pair]

    def serve(self, services: Iterable[Service]) -> None:
        for service in services:
            self._services.setdefault((service.receiver, service.id), deque()).append(service)

    def service(self, receiver: VolunteerId, record: str) -> Service | None:
        """Return what a record is to be next."""
        waiting = self._services.get((receiver, record))
        return waiting[0] if waiting else None

    def take_service(self, service: Service) -> None:
        self._services[service.receiver, service.id].popleft()

    def services_left(self) -> Iterator[Service]:
        """Yield what was served, or said of a service, and is in no record."""
        for waiting in self._services.values():
            yield from waiting

    def left(self) -> Iterator[tuple[Pair, Sequence[Message]]]:
        """Yield what never arrived."""
        for pair, queue in self._queues.items():
            yield pair, list(queue)
