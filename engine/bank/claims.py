"""What an answer says of somebody else's passbook by an instant, proved where that passbook is decided again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from functools import partial

import orjson

from lianxing.engine.bank.answering import NOT_LENT
from lianxing.engine.bank.customers import Customer
from lianxing.engine.bank.deciding_again import CLOCKS_APART
from lianxing.engine.bank.replicas import Replica
from lianxing.engine.bank.sharing import pool_owner
from lianxing.engine.bank.turning import foreseen
from lianxing.engine.ledger.witnesses import UNREADABLE, Told
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.accounts import Account
from lianxing.rules.facts import VolunteerId
from lianxing.rules.records import Volunteer


@dataclass
class State:
    """A passbook between two of its entries."""

    replica: Replica
    _customers: list[Customer] = field(default_factory=list)

    def customer(self, rulebook: Rulebook, person: Volunteer) -> Customer:
        """Return the person as the bank saw them then."""
        for known in self._customers:
            if known.rulebook is rulebook and known.person == person:
                return known
        self._customers.append(self.replica.customer(rulebook, person))
        return self._customers[-1]


@dataclass
class Claim:
    """What an entry of one passbook says of another: it was so in one of the states within a minute of the instant.

    `holds` tells what is so in a state, as it would be said; `seen` is what was so in those that did not fit.
    """

    owner: VolunteerId
    instant: int
    holds: Callable[[State], str | None]
    said: str | None
    by: tuple[VolunteerId, int]  # whose entry says so
    what: str
    seen: str | None = None


Everybody = Callable[[VolunteerId], Iterable[Claim]]  # what is said of each passbook, whosever it is


@dataclass
class Claims:
    """What is said of each passbook and not proved yet."""

    some: Iterable[Claim] = ()
    everybody: Sequence[Everybody] = ()
    _of: dict[VolunteerId, list[Claim]] = field(default_factory=dict)
    _begun: dict[VolunteerId, list[Claim]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for claim in self.some:
            self._of.setdefault(claim.owner, []).append(claim)

    def before(self, replica: Replica, until: int | None) -> Iterator[Claim]:
        """Hold a state against what is said of it; it ends with an entry of the instant `until`, None with the last.

        Yield what can be proved no longer.
        """
        owner = replica.volunteer
        waiting = self._begun.get(owner)
        if waiting is None:
            waiting = self._begun[owner] = self._claims_of(owner)
        if not waiting:
            return
        state = State(replica)
        for claim in list(waiting):
            if until is not None and claim.instant > until + CLOCKS_APART:
                return
            try:
                claim.seen = claim.holds(state)
            except UNREADABLE as error:  # it speaks of what was never there
                claim.seen = f"{type(error).__name__}: {error}"
            if claim.seen == claim.said:
                waiting.remove(claim)
            elif until is None or claim.instant < until - CLOCKS_APART:
                waiting.remove(claim)
                yield claim

    def drop(self, owner: VolunteerId) -> None:
        """Let go of what is said of a passbook in which something differs."""
        self._begun[owner] = []

    def begun(self, owner: VolunteerId) -> bool:
        """Tell whether a passbook was held against what is said of it."""
        return owner in self._begun

    @property
    def owners(self) -> list[VolunteerId]:
        return list(self._of)

    def _claims_of(self, owner: VolunteerId) -> list[Claim]:
        found = [*self._of.get(owner, ()), *(claim for of in self.everybody for claim in of(owner))]
        return sorted(found, key=lambda one: one.instant)


def pools_had(entries: Iterable[tuple[Told, Rulebook]]) -> Iterator[Claim]:
    """Yield what entries say of how much a pool had: those that it made refuse, or take the rest in money."""
    for told, rulebook in entries:
        if b'"code":"pool"' not in told.body:
            continue
        with suppress(*UNREADABLE):  # named where it is decided again
            body = orjson.loads(told.body)
            for reason in (*body.get("reasons", ()), *body.get(NOT_LENT, ())):
                if reason["code"] == "pool":
                    pool = next(one for one in rulebook.policy.accounts if one.clause.id == reason["clause"])
                    said, by = str(reason["operands"]["available"]), (told.volunteer, told.entry)
                    holds = partial(_available, rulebook, pool, told.on)
                    yield Claim(pool_owner(pool), told.instant, holds, said, by, f"available in {pool.clause.id}")


def _available(rulebook: Rulebook, pool: Account, on: date, state: State) -> str:
    wallet = state.customer(rulebook, Volunteer(pool_owner(pool))).wallet(pool)
    return str(foreseen(wallet, on)[0].available(on))
