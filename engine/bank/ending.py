"""What runs out: lots after their last day, reservations after theirs. A run may be broken off and begun again.

A reservation for a request that is matched or served is not ended: it ends with the steps of the request.

What a change of rules does to accounts is booked by the same run, before what runs out.

The day up to which things end is said by whoever starts the run, never taken from the clock: a clock that has jumped
must not take anybody's points. What has ended cannot be spent in any case, whether a run has booked it or not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import TypeVar

from lianxing.engine import wallets
from lianxing.engine.bank.answering import Counter
from lianxing.engine.bank.booking import Effects, besides, first_lot
from lianxing.engine.bank.customers import Customer, customers
from lianxing.engine.bank.drafting import draft_of
from lianxing.engine.bank.keeping import keep_policy
from lianxing.engine.bank.minding import stock_taken
from lianxing.engine.bank.passing import Passing, at_hand
from lianxing.engine.bank.redeeming import holds_ended
from lianxing.engine.bank.request_data import request_id, requests_in
from lianxing.engine.bank.sharing import is_person, lenders, shared
from lianxing.engine.bank.star_points import STAR_POINTS, brings_points, of_stars, reached
from lianxing.engine.bank.tellers import bought
from lianxing.engine.bank.turning import CONVERTED, not_reached
from lianxing.engine.ledger.drafts import Draft
from lianxing.engine.ledger.errors import BusyError, DamagedPassbookError, RefusedError
from lianxing.engine.ledger.opening import Ledger
from lianxing.engine.ledger.reading import Reading
from lianxing.engine.ledger.writing import Writing
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.facts import VolunteerId

EXPIRED = "expired"  # the kind of an entry
PEOPLE_AT_ONCE = 500
ATTEMPTS = 6
DAMAGED_MAX = 50  # more damaged passbooks than this have one cause, and a run does not go round it

T = TypeVar("T")


@dataclass
class Ended:
    """What a run has ended: people touched, reservations given back, and amounts by account.

    `changed` is by how much changes of rules made accounts less, below zero where they made them more; `stars` is what
    came in with stars, less what of that was taken back; `damaged` are those whose passbook cannot be read, or for whom
    the database refuses what would be booked: nothing of them was ended.
    """

    people: int = 0
    holds: int = 0
    amounts: dict[str, int] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)
    stars: dict[str, int] = field(default_factory=dict)
    kept: set[tuple[VolunteerId, int]] = field(default_factory=set)
    damaged: dict[VolunteerId, DamagedPassbookError | RefusedError] = field(default_factory=dict)

    def add(self, draft: Draft) -> None:
        """Count what an entry has taken from accounts, or of a star brought into them."""
        if draft.kind not in (CONVERTED, EXPIRED, STAR_POINTS):  # of a pool that gets what overflows
            return
        amounts = {CONVERTED: self.changed, STAR_POINTS: self.stars}.get(draft.kind, self.amounts)
        for line in draft.lines:
            if line.own:
                account, more = line.account, -line.amount
                if draft.kind == STAR_POINTS:  # what is owed for them is of the account, too
                    account, more = account.partition("/")[0], line.amount
                _add(amounts, account, more)

    def leave_out(self, person: VolunteerId, error: DamagedPassbookError | RefusedError) -> None:
        """Note why nothing of a person is ended; the error itself where there are too many such people."""
        if len(self.damaged) >= DAMAGED_MAX:
            raise error
        self.damaged[person] = error

    def join(self, other: Ended) -> None:
        """Count what another part of the run has done."""
        self.people += other.people
        self.holds += other.holds
        self.kept |= other.kept
        mine, theirs = (self.amounts, self.changed, self.stars), (other.amounts, other.changed, other.stars)
        for amounts, more in zip(mine, theirs, strict=True):
            for account, amount in more.items():
                _add(amounts, account, amount)


def _add(amounts: dict[str, int], account: str, more: int) -> None:
    """Add to an amount; one that comes to nothing is not told."""
    amounts[account] = amounts.get(account, 0) + more
    if not amounts[account]:
        del amounts[account]


def end_all(
    ledger: Ledger,
    rulebook: Rulebook,
    on: date,
    progress: Callable[[int], None] = lambda _people: None,
    *,
    dry_run: bool = False,
) -> Ended:
    """Book whatever ended before a day, a few hundred people in a transaction; doing it twice does nothing more.

    Who has a damaged passbook is left out and told, and so is for whom the database refuses what would be booked.
    """
    done = Ended()
    skip: set[VolunteerId] = set()
    for people in _people(ledger, rulebook, on, skip, done):
        if dry_run:
            some = [id for id in people if id not in skip]
            skip |= set(some)
            done.join(_without_damaged(some, done, lambda sound: _foreseen(ledger, rulebook, sound, on)))
        else:
            # Whoever has nothing to book (another account's rules keep it) is not looked at again in this run.
            skip |= _without_damaged(people, done, lambda sound: _accepted(ledger, rulebook, sound, on, done))
            progress(done.people)
        skip.update(done.damaged)
    return done


def _without_damaged(people: Iterable[VolunteerId], done: Ended, work: Callable[[list[VolunteerId]], T]) -> T:
    """Do something for people; for those with a damaged passbook, who are noted, nothing."""
    sound = [id for id in people if id not in done.damaged]
    while True:
        try:
            return work(sound)
        except DamagedPassbookError as error:
            person = VolunteerId(error.volunteer)
            if person not in sound:
                raise
            done.leave_out(person, error)
            sound.remove(person)


def _foreseen(ledger: Ledger, rulebook: Rulebook, people: Iterable[VolunteerId], on: date) -> Ended:
    """Return what would be booked for people; nothing is written."""
    with ledger.reading() as reading:
        return _seen(reading, rulebook, people, on)


def _seen(reading: Reading, rulebook: Rulebook, people: Iterable[VolunteerId], on: date) -> Ended:
    """Return what is to be booked for people by what can be read now; no passbook is locked."""
    found = Ended()
    counter = _counter(reading, rulebook, {}, {})
    told = customers(reading, rulebook, people)
    counter.passing = Passing(rulebook, told, partial(customers, reading, rulebook))
    numbers = reading.numbers(rulebook.policy.county.id, told)
    for id, customer in list(told.items()):  # pools may come to them
        customer.number = numbers.get(id, 0)
        _drafts(counter, customer, on, found)
    return found


def _counter(
    reading: Reading, rulebook: Rulebook, people: Mapping[VolunteerId, Customer], given_out: dict[str, int]
) -> Counter:
    county = rulebook.policy.county.id
    return Counter(
        rulebook,
        people,
        given_out,
        lambda _id, _entry: (),
        lambda *_: None,
        request_by=lambda id, entry: requests_in(reading, county, [id]).get(request_id(county, id, entry)),
        bought=lambda id, entry: bought(reading, county, id, entry),
    )


def _people(
    ledger: Ledger, rulebook: Rulebook, on: date, skip: set[VolunteerId], done: Ended
) -> Iterator[list[VolunteerId]]:
    """Yield, a few hundred at a time, whom a change of rules or a star has to reach, then who has what has ended."""
    county = rulebook.policy.county.id
    with ledger.reading() as reading:
        waiting = not_reached(reading, rulebook, on)
    for start in range(0, len(waiting), PEOPLE_AT_ONCE):
        yield waiting[start : start + PEOPLE_AT_ONCE]
    if rulebook.once(brings_points):
        yield from _starred(ledger, rulebook, on, done)
    while True:
        with ledger.reading() as reading:
            people = [id for id in reading.ending(county, on, PEOPLE_AT_ONCE + len(skip)) if id not in skip]
        if not people:
            return
        yield people


def _starred(ledger: Ledger, rulebook: Rulebook, on: date, done: Ended) -> Iterator[list[VolunteerId]]:
    """Yield, a few hundred at a time, to whom stars have brought points that are not booked yet, or not like this."""

    def due(people: list[VolunteerId]) -> list[VolunteerId]:
        with ledger.reading() as reading:
            some = customers(reading, rulebook, people, parts=False)
            passing = Passing(rulebook, dict(some), partial(customers, reading, rulebook))
            return [id for id, one in some.items() if next(of_stars(rulebook, one, passing, on), None) is not None]

    with ledger.reading() as reading:
        everybody = [id for id in reading.volunteer_ids(rulebook.policy.county.id) if is_person(id)]
    for start in range(0, len(everybody), PEOPLE_AT_ONCE):
        found = _without_damaged(everybody[start : start + PEOPLE_AT_ONCE], done, due)
        if found:
            yield found


def _accepted(ledger: Ledger, rulebook: Rulebook, people: list[VolunteerId], on: date, done: Ended) -> set[VolunteerId]:
    """Book what has ended for people; where the database refuses it, for each half of them, down to whose it is."""
    try:
        return _ended(ledger, rulebook, people, on, done)
    except RefusedError as error:
        if len(people) > 1:
            halves = people[: len(people) // 2], people[len(people) // 2 :]
            return set().union(*(_accepted(ledger, rulebook, half, on, done) for half in halves))
        whose = f"{rulebook.policy.county.id}/{people[0]}"
        done.leave_out(people[0], RefusedError(whose, error.label.zh, error.label.en))
        return set()


def _ended(ledger: Ledger, rulebook: Rulebook, people: list[VolunteerId], on: date, done: Ended) -> set[VolunteerId]:
    for attempt in range(1, ATTEMPTS + 1):
        found = Ended()
        try:
            with ledger.writing() as writing:
                idle = _end(writing, rulebook, people, on, found)
            break
        except BusyError:
            if attempt == ATTEMPTS:
                raise
    done.join(found)
    return idle


def _end(writing: Writing, rulebook: Rulebook, people: list[VolunteerId], on: date, done: Ended) -> set[VolunteerId]:
    county = rulebook.policy.county.id
    pools = shared(rulebook.policy) if rulebook.once(brings_points) else lenders(rulebook.policy)
    beside = [id for id in pools if id not in people]
    # Rules first, passbooks then, as everywhere: two that did it crosswise would wait for each other.
    if not writing.keeps_policy(rulebook.policy.digest) and _seen(writing, rulebook, people, on).people:
        keep_policy(writing, rulebook.policy)
    writing.lock((id, county) for id in (*people, *beside))
    found = customers(writing, rulebook, people)
    counter = _counter(writing, rulebook, found, stock_taken(writing, rulebook.policy))
    for id, customer in found.items():
        customer.number = writing.number((id, county))
    counter.passing = at_hand(writing, rulebook, beside, on)
    counter.passing.people |= found
    drafts: list[Draft] = []
    idle: set[VolunteerId] = set()
    for id, customer in found.items():
        some = _drafts(counter, customer, on, done)
        drafts += [*some, *counter.passing.taken()]
        if not some:
            idle.add(id)
    if drafts:
        keep_policy(writing, rulebook.policy)  # where nothing was seen before, and something came in between
        writing.enter(drafts)
    return idle


def _drafts(counter: Counter, customer: Customer, on: date, done: Ended) -> list[Draft]:
    """Return what is to be written for one person: each reservation that is over, then what has ended."""
    drafts = [*reached(counter.rulebook, customer, counter.passing, on)]
    for draft in drafts:
        done.add(draft)
    holds, kept = holds_ended(counter, customer, on)
    done.kept |= {(customer.person.id, entry) for entry in kept}
    done.holds += len(holds)
    drafts += holds
    over = lots_over(counter, customer, on)
    if over is not None:
        drafts.append(over)
        done.add(over)
    done.people += bool(drafts)
    return drafts


def lots_over(counter: Counter, customer: Customer, on: date) -> Draft | None:
    """Return what is written where lots of a person ended before a day; None where none did."""
    effects = Effects()
    for account in counter.rulebook.policy.accounts:
        wallet = customer.wallet(account)
        before = besides(wallet)
        wallet.next_lot = first_lot(customer.number + 1)
        effects.add(wallet, wallets.expire(wallet, on), before)
    if not effects.lines:
        return None
    customer.number += 1
    went = {line.account: [line.unit, -line.amount] for line in effects.lines if line.own}
    body = {"allowed": True, "ended_before": on.isoformat(), "went": went}
    return draft_of(counter.rulebook, customer, EXPIRED, body, effects, on)
