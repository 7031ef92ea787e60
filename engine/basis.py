"""What a star rests on goes down by what was spent or has expired, where `lowers_the_basis` says so.

A case tells of it by its moves, a ledger by its entries; both come through here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from lianxing.engine.rulebook import MeasureValue
from lianxing.rules.accounts import Account
from lianxing.rules.balances import By, Gone
from lianxing.rules.measures import Total
from lianxing.rules.periods import ALL_TIME
from lianxing.rules.policy import Policy


@dataclass(frozen=True, slots=True)
class Lowering:
    """An amount by which a measure is lower from a day on."""

    on: date
    measure: str
    amount: int


def lowered_by(policy: Policy) -> frozenset[By]:
    """Return what lowers the measures that a star rests on; nothing unless the county says so."""
    said = None if policy.stars is None else policy.stars.lowers_the_basis
    if said is None:
        return frozenset()
    return frozenset(by for by, does in ((By.SPENDING, said.spending), (By.EXPIRY, said.expiry)) if does)


def lowerings(policy: Policy, gone: Iterable[Gone]) -> tuple[Lowering, ...]:
    """Return by what measures are lower, in the order of the days."""
    lowering = lowered_by(policy)
    resting = {account.clause.id: _resting_on(policy, account) for account in policy.accounts}
    found = (
        Lowering(one.on, measure, one.amount)
        for one in gone
        if one.by in lowering
        for measure in resting.get(one.account, ())
    )
    return tuple(sorted(found, key=lambda one: (one.on, one.measure)))


def lowered(measures: Mapping[str, MeasureValue], by: Iterable[Lowering], on: date) -> dict[str, MeasureValue]:
    """Return measures that were given outright as they are on a day."""
    found = dict(measures)
    for one in by:
        value = found.get(one.measure)
        if one.on <= on and isinstance(value, int):
            found[one.measure] = value - one.amount
    return found


def _resting_on(policy: Policy, account: Account) -> tuple[str, ...]:
    """Return the all-time totals that an account is earned from; what is counted within a window was earned in it."""
    return tuple(
        measure.clause.id
        for measure in policy.measures
        if measure.total is Total.SUM
        and measure.window == ALL_TIME
        and measure.where is None
        and not measure.best_of
        and account.earned_from in (measure.of, measure.clause.id)
    )
