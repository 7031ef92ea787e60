"""What comes into a closed passbook, or leaves with it, goes where the county says."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any

from lianxing.engine import wallets
from lianxing.engine.bank.booking import UNITS, Effects, besides, clause_data
from lianxing.engine.bank.passing import Arrival, From, Passing
from lianxing.engine.bank.sharing import account_in
from lianxing.engine.closings import Closed
from lianxing.engine.wallet import DONATION_POOL, TRANSIT, Done, Part, Wallet
from lianxing.rules.accounts import Account, Closing
from lianxing.rules.facts import VolunteerId


def closes_again(
    wallet: Wallet,
    effect: Effects,
    closed: Closed,
    today: date,
    person: VolunteerId,
    passing: Passing | None,
    only: Collection[int] | None,
) -> dict[str, Any] | None:
    """Let what came into a passbook too late for a closing go where the rest of the account went, and say so.

    Where the passbook is open again these are `only` the lots in which it came. What a sanction had made worthless by
    the closing goes nowhere.
    """
    where = closed.where(wallet.account)
    if where is None or not any(lot.remaining for lot in wallet.lots.values() if only is None or lot.number in only):
        return None
    before, known = besides(wallet), wallet.cancelled_to
    wallet.cancelled_to = max(known, closed.worthless.get(wallet.account.clause.id, known))
    done = wallets.leave(wallet, today, where, only)
    left = left_over(wallet, done, today)
    wallet.cancelled_to = known
    effect.add(wallet, done, before)
    unit = UNITS[wallet.account.unit]
    if passing is not None and where is Closing.INHERITED and closed.heir:
        amount = effect.redirect(where.value, unit, TRANSIT)
        account = account_in(passing.rulebook.policy, closed.heir, wallet.account) or wallet.account
        came = From(person, "inheritance")
        if amount:
            source = f"inheritance/{person}"
            passing.inherits(Arrival(closed.heir, account, today, amount, source, came, tuple(left)))
    elif where is Closing.PORTABLE:
        effect.redirect(where.value, unit, TRANSIT)
    elif where is Closing.TO_POOL:
        effect.redirect(where.value, unit, DONATION_POOL)
    return closes_data(wallet.account, where, done) | {
        "parts": [[earned_on.isoformat(), last_day.isoformat(), amount] for earned_on, last_day, amount in left]
    }


def closes_data(account: Account, where: Closing, done: Done) -> dict[str, Any]:
    """Return what becomes of the balance of an account, how much that is, and where it is said."""
    at = account.clause.location if account.closure is None else account.closure.location
    return {
        **clause_data(account.clause),
        "at": str(at),
        "unit": UNITS[account.unit],
        "where": where.value,
        "amount": sum(line.amount for line in done.lines if line.account == where.value),
    }


def left_over(wallet: Wallet, done: Done, on: date) -> list[Part]:
    """Return the days of what a closure took, without what had ended before."""
    parts = ((wallet.lots[move.lot], -move.amount) for move in done.lot_moves)
    return [
        (lot.earned_on, lot.last_day, amount) for lot, amount in parts if amount > 0 and not wallet.is_over(lot, on)
    ]
