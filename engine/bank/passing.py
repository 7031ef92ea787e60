"""What passes from one passbook into another: two entries of one transaction, through `transit`.

Pools lend, too: what a borrowing account draws over its balance leaves the pool as `borrowed`, and comes back so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from lianxing.engine import wallets
from lianxing.engine.bank.booking import UNITS, Besides, Effects, besides, clause_data, first_lot
from lianxing.engine.bank.customers import Customer, customers
from lianxing.engine.bank.drafting import SYSTEM, draft_of
from lianxing.engine.bank.sharing import lender, lending_pool, pool_of, pool_owner, shared
from lianxing.engine.bank.turning import turned
from lianxing.engine.ledger.drafts import RECEIVED, TAKEN_BACK, Draft
from lianxing.engine.ledger.writing import Writing
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.wallet import DONATION_POOL, ISSUED, TRANSIT, Done, Part, Wallet
from lianxing.rules.accounts import Account, Shortfall, Unit
from lianxing.rules.facts import VolunteerId
from lianxing.rules.redeeming import Reason

LENT, REPAID, PAID_OUT = "lent", "repaid", "paid_out"


@dataclass(frozen=True, slots=True)
class From:
    """Whose passbook the other entry is in, and what it is: `gift`, `overflow`, `record`, `inheritance` ..."""

    owner: VolunteerId
    why: str
    actor: str = SYSTEM
    reason: str = ""
    said: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Arrival:
    """What arrives in somebody's account: so much on a day, and whence; with the days of its parts if it has any."""

    owner: VolunteerId
    account: Account
    on: date
    amount: int
    source: str
    came: From
    parts: tuple[Part, ...] = ()


@dataclass
class Passing:
    """The other side of what is decided: passbooks that get or give something with it, and their entries."""

    rulebook: Rulebook
    people: dict[VolunteerId, Customer]
    # Of people who were not thought of before.
    load: Callable[[Collection[VolunteerId]], Mapping[VolunteerId, Customer]] | None = None
    drafts: list[Draft] = field(default_factory=list)
    later: list[tuple[VolunteerId, Callable[[], object]]] = field(default_factory=list)  # in whose passbook
    today: date = date.min  # where what passes is booked later than its day

    @property
    def any(self) -> bool:
        """Tell whether there are pools at all."""
        return bool(shared(self.rulebook.policy))

    def customer(self, owner: VolunteerId) -> Customer | None:
        """Return whose passbook it is; None where it is not at hand."""
        if owner not in self.people and self.load is not None:
            self.people.update(self.load([owner]))
        return self.people.get(owner)

    def at_hand(self, owner: VolunteerId) -> Customer:
        found = self.customer(owner)
        if found is None:
            raise AssertionError(f"the passbook of {owner} is not open")
        return found

    def taken(self) -> list[Draft]:
        """Return what is to be written since this was asked last."""
        while self.later:
            later, self.later = self.later, []
            missing = dict.fromkeys(owner for owner, _arrives in later if owner not in self.people)
            if missing and self.load is not None:
                self.people.update(self.load(list(missing)))
            for _owner, arrives in later:
                arrives()
        drafts, self.drafts = self.drafts, []
        return drafts

    def receives(self, one: Arrival) -> None:
        """Put into somebody's account what is on its way."""
        customer = self.at_hand(one.owner)
        wallet, before = self._wallet(customer, one.account, one.on)
        done = wallets.receive(wallet, one.on, one.amount, one.source, lots=one.parts)
        self._enter(customer, wallet, done, before, RECEIVED, one.on, one.came, one.amount)

    def inherits(self, one: Arrival) -> None:
        """Let an inheritance arrive when records are booked (`taken`): some of the heir's own may be among them."""
        self.later.append((one.owner, lambda: self.receives(one)))

    def does_later(self, owner: VolunteerId, does: Callable[[Passing], object]) -> None:
        """Let something be done to somebody's passbook when records are booked, as an inheritance arrives."""
        self.later.append((owner, lambda: does(self)))

    def pays_out(self, pool: Account, on: date, amount: int, went: From) -> None:
        """Take from a pool what somebody gets; whether it is there was asked before (`lacks`)."""
        customer = self.at_hand(pool_owner(pool))
        wallet, before = self._wallet(customer, pool, on)
        self._enter(customer, wallet, wallets.pay_out(wallet, on, amount), before, PAID_OUT, on, went, amount)

    def gives_back(self, one: Arrival) -> None:
        """Take from a pool what had arrived there and should not have."""
        customer = self.at_hand(one.owner)
        day = max(one.on, self.today)
        customer.wallet(one.account, ended=True)
        wallet, before = self._wallet(customer, one.account, day)
        effects = Effects()
        effects.add(wallet, wallets.expire(wallet, day, one.source), before)
        before = besides(wallet)
        done = taken_back(wallet, day, one.amount, one.source, was_received=True)
        passed = _in_transit(effects, wallet, done, before)
        self.enter(customer, wallet.account, effects, TAKEN_BACK, day, one.came, passed)

    def share(self, owner: VolunteerId, effects: Effects, on: date, why: str, actor: str = SYSTEM) -> None:
        """Let what overflows or is given away arrive in the county's pool, and let pools lend and be repaid.

        Where the county has no pool for it, it goes to the counterpart `donation_pool`.
        """
        policy = self.rulebook.policy
        came = From(owner, why, actor)
        given = {line.unit for line in effects.lines if line.account == DONATION_POOL and not line.own}
        for unit in (unit for unit in Unit if UNITS[unit] in given):
            pool = pool_of(policy, unit)
            if pool is None or pool_owner(pool) == owner or self.customer(pool_owner(pool)) is None:
                continue
            amount = effects.redirect(DONATION_POOL, UNITS[unit], TRANSIT)
            if amount > 0:
                self.receives(Arrival(pool_owner(pool), pool, on, amount, f"gift/{owner}", came))
            elif amount < 0:
                self.gives_back(Arrival(pool_owner(pool), pool, on, -amount, f"gift/{owner}", came))
        for (id, unit), lent in effects.lent.items():
            pool = lending_pool(policy, id, unit)
            if lent:
                self._lends(pool, on, lent, owner)
        effects.lent.clear()

    def _lends(self, pool: Account, on: date, lent: int, owner: VolunteerId) -> None:
        theirs = self.at_hand(pool_owner(pool))
        wallet, before = self._wallet(theirs, pool, on)
        to = From(owner, "loan")
        if lent > 0:
            self._enter(theirs, wallet, wallets.lend(wallet, on, lent), before, LENT, on, to, lent)
        else:
            done = wallets.repay(wallet, on, -lent, f"loan/{owner}")
            self._enter(theirs, wallet, done, before, REPAID, on, to, -lent)

    def cannot_lend(self, wallet: Wallet, on: date, amount: int) -> Reason | None:
        """Return why an amount cannot be spent: it would have to be borrowed, and the pool has too little."""
        pool = lender(self.rulebook.policy, wallet.account)
        if pool is None:
            return None
        short = wallets.short_of(wallet, on, amount)
        return self.lacks(pool, on, short) if short else None

    def lacks(self, pool: Account, on: date, amount: int) -> Reason | None:
        """Return why a pool cannot give an amount: it has less."""
        customer = self.customer(pool_owner(pool))
        available = 0 if customer is None else self._wallet(customer, pool, on)[0].available(on)
        if amount <= available:
            return None
        operands = (("needed", amount), ("available", available), ("unit", pool.unit.value))
        return Reason("pool", pool.clause, pool.clause.location, operands)

    def _wallet(self, customer: Customer, account: Account, on: date) -> tuple[Wallet, Besides]:
        self.drafts += turned(self.rulebook, customer, max(on, self.today))
        wallet = customer.wallet(account)
        wallet.unstored.clear()  # what overflows here does not come back
        wallet.next_lot = max(wallet.next_lot, first_lot(customer.number + 1))
        return wallet, besides(wallet)

    def _enter(
        self,
        customer: Customer,
        wallet: Wallet,
        done: Done,
        before: Besides,
        kind: str,
        on: date,
        came: From,
        amount: int,
    ) -> None:
        if done.refused is not None:
            raise AssertionError(f"{customer.person.id}: {done.refused.code}")
        effects = Effects()
        effects.add(wallet, done, before)
        self.enter(customer, wallet.account, effects, kind, on, came, amount)

    def enter(
        self, customer: Customer, account: Account, effects: Effects, kind: str, on: date, came: From, amount: int
    ) -> None:
        customer.number += 1
        number = len(self.drafts)
        self.share(customer.person.id, effects, on, "overflow")
        clause = account.clause
        body = {
            "allowed": True,
            "from" if kind in (RECEIVED, REPAID, TAKEN_BACK) else "to": came.owner,
            "why": came.why,
            "account": clause.id,
            "unit": UNITS[account.unit],
            "amount": amount,
            **clause_data(clause),
            **came.said,
        }
        # An entry that this one brings about in a third passbook comes after it.
        self.drafts.insert(
            number,
            draft_of(self.rulebook, customer, kind, body, effects, on, came.actor, came.reason),
        )


def _in_transit(effects: Effects, wallet: Wallet, done: Done, before: Besides) -> int:
    """Add what a record has done to a pool, where what is issued there has passed; return how much has."""
    lines = tuple(line._replace(account=TRANSIT) if line.account == ISSUED else line for line in done.lines)
    effects.add(wallet, done._replace(lines=lines), before)
    return -sum(line.amount for line in lines if line.account == TRANSIT)


def taken_back(
    wallet: Wallet, on: date, amount: int, source: str, earned_on: date = date.max, *, was_received: bool = False
) -> Done:
    """Take back what a record is worth no longer.

    The record is worth less, whatever the account forbids: where a balance below zero is forbidden, what is there goes
    and the rest is written off.
    """
    done = wallets.take_back(wallet, on, amount, source, earned_on, was_received=was_received)
    if done.refused is None:
        return done
    account = wallet.account
    wallet.account = replace(account, shortfall=Shortfall.CLAMP)
    done = wallets.take_back(wallet, on, amount, source, earned_on, was_received=was_received)
    wallet.account = account
    return done


def at_hand(writing: Writing, rulebook: Rulebook, people: Iterable[VolunteerId], today: date = date.min) -> Passing:
    """Return the other side of what is decided in a transaction; these passbooks are locked already."""
    county = rulebook.policy.county.id

    def load(ids: Collection[VolunteerId]) -> Mapping[VolunteerId, Customer]:
        writing.lock((id, county) for id in ids)
        loaded = customers(writing, rulebook, ids)
        for id, customer in loaded.items():
            customer.number = writing.number((id, county))
        return loaded

    found = customers(writing, rulebook, people)
    for id, customer in found.items():
        customer.number = writing.number((id, county))
    return Passing(rulebook, found, load, today=today)
