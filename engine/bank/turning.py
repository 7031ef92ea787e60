"""A change of rules reaches a passbook: on the first thing that is asked of it on or after the day, or by a run.

Whichever comes first books it as of its day, in an entry of its own before anything else; afterwards it is done. What
nothing was there of needs no entry: that the change has reached the account is noted with what is booked there next.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import date, timedelta

from lianxing.engine import wallets
from lianxing.engine.accounts import touch_of_done
from lianxing.engine.bank.booking import UNITS, Effects, besides, clause_data, first_lot
from lianxing.engine.bank.customers import Customer, customers, wallet_from
from lianxing.engine.bank.drafting import draft_of
from lianxing.engine.bank.lowering import touches_in
from lianxing.engine.ledger.drafts import Draft
from lianxing.engine.ledger.holdings import WalletRows
from lianxing.engine.ledger.reading import Reading
from lianxing.engine.ledger.writing import Writing
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.touches import Touch
from lianxing.engine.wallet import AVAILABLE, Done, Lot, Wallet
from lianxing.rules.facts import CountyId, VolunteerId
from lianxing.rules.places import Clause
from lianxing.rules.statements import Cited, EndingLot
from lianxing.rules.transition import Change

CONVERTED = "converted"


def change_days(rulebook: Rulebook, on: date) -> list[date]:
    """Return the days up to one on which accounts are changed, in order."""
    return sorted({change.on_day for one in rulebook.policy.accounts for change in one.changes if change.on_day <= on})


def turned(rulebook: Rulebook, customer: Customer, on: date) -> list[Draft]:
    """Return what is to be written for somebody before anything else on a day; their wallets change with it."""
    return [draft for day in change_days(rulebook, on) for draft in _turned(rulebook, customer, day)]


def _turned(rulebook: Rulebook, customer: Customer, day: date) -> Iterable[Draft]:
    effects, said = Effects(), []
    clause = None
    for account in rulebook.policy.accounts:
        if not account.changes:
            continue
        wallet = customer.wallet(account)
        wallet.next_lot = max(wallet.next_lot, first_lot(customer.number + 1))
        before = besides(wallet)
        for change, done in wallets.turn(wallet, day, customer.number + 1):
            clause = change.clause
            effects.add(wallet, done, before)
            there = wallet.turned[clause.id].before + wallet.debt
            more = sum(line.amount for line in done.lines if line.account == AVAILABLE)
            said.append([account.clause.id, UNITS[account.unit], there, there + more])
    if clause is None:
        return
    customer.number += 1
    body = {"allowed": True, **clause_data(clause), "accounts": said}
    yield draft_of(rulebook, customer, CONVERTED, body, effects, day)


def foreseen(wallet: Wallet, on: date) -> tuple[Wallet, list[tuple[Change, Done]]]:
    """Return a wallet as changes of rules leave it up to a day, and what they do; nothing of it is booked."""
    after = deepcopy(wallet) if wallet.account.changes else wallet
    return after, wallets.turn(after, on, 0)


def running_out(wallet: Wallet, on: date, until: date) -> list[EndingLot]:
    """Return what is there on a day and is not after one of the days up to another, the first to end first.

    What a change of rules takes ends on the day before it.
    """
    left, _done = foreseen(wallet, on)
    account = wallet.account

    def ends(lot: Lot, change: Change | None = None) -> EndingLot:
        by = None if change is None else _cited(change.clause)
        days = lot.earned_on, lot.last_day
        label = account.clause.label
        return EndingLot(
            account.clause.id, UNITS[account.unit], label, lot.number, *days, lot.remaining, lot.source, by
        )

    found: list[EndingLot] = []
    since = on
    for day in sorted(change.on_day for change in wallet.account.changes):
        eve = day - timedelta(days=1)
        if on <= eve <= until:
            found += [ends(lot) for lot in wallets.expiring(left, since, eve)]
            for change, done in wallets.turn(left, day, 0):
                for move in done.lot_moves:
                    if move.amount < 0:
                        taken = replace(left.lots[move.lot], last_day=eve, remaining=-move.amount)
                        found.append(ends(taken, change))
            since = day
    found += [ends(lot) for lot in wallets.expiring(left, since, until)]
    return sorted(found, key=lambda one: (one.last_day, one.lot))


def _cited(clause: Clause) -> Cited:
    return Cited(clause.id, str(clause.location), clause.source.clause, clause.label)


def not_reached(reading: Reading, rulebook: Rulebook, on: date) -> list[VolunteerId]:
    """Return whom a change of rules up to a day has still to reach: there is something of before it in an account."""
    county = rulebook.policy.county.id
    found = (
        reading.not_turned(county, account.clause.id, change.clause.id, change.on_day)
        for account in rulebook.policy.accounts
        for change in account.changes
        if change.on_day <= on
    )
    return list(dict.fromkeys(id for people in found for id in people))


def touches_and_foreseen(
    reading: Reading, rulebook: Rulebook, owners: Collection[tuple[VolunteerId, CountyId]], on: date
) -> Mapping[tuple[VolunteerId, CountyId], Sequence[Touch]]:
    """Return what happened to people's accounts, with what changes of rules up to a day do that is not booked yet."""
    found = {owner: [*touches] for owner, touches in touches_in(reading, rulebook, owners).items()}
    changed = [account for account in rulebook.policy.accounts if account.changes]
    here = [owner for owner in found if owner[1] == rulebook.policy.county.id]
    if changed and here and change_days(rulebook, on):
        rows, balances = reading.wallet_rows(here, parts=False), reading.balances_of(here)
        for owner in here:
            for account in changed:
                wallet = wallet_from(account, rows.get(owner, WalletRows()), balances.get(owner, {}))
                done = wallets.turn(wallet, on, 0)
                found[owner] += [touch_of_done(account.clause.id, one, change.on_day) for change, one in done]
    return found


def turn_in(writing: Writing, rulebook: Rulebook, people: Iterable[VolunteerId], on: date) -> None:
    """Write what changes of rules do to these passbooks before anything else is; they are locked already."""
    if not change_days(rulebook, on):
        return
    county = rulebook.policy.county.id
    drafts = []
    for id, customer in customers(writing, rulebook, people, parts=False).items():
        customer.number = writing.number((id, county))
        drafts += turned(rulebook, customer, on)
    if drafts:
        writing.enter(drafts)
