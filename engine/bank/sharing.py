"""Passbooks that are no person's own: those of pools and of organisations, and which accounts they hold.

A pool's passbook belongs to `pool/<account>`, an organisation's to `organisation/<id>`. That of `registry/<id>` holds
no account: only what a registry has taken back before it ever came.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lianxing.engine.bank.booking import UNITS
from lianxing.engine.bank.terms import account_gone
from lianxing.engine.recounting import goes_to_the_pool
from lianxing.rules.accounts import Account, Borrow, Closing, Holder, Recipient, Unit
from lianxing.rules.facts import RegistryId, VolunteerId
from lianxing.rules.hours import Overflow
from lianxing.rules.names import plain
from lianxing.rules.policy import Policy

POOL, ORGANISATION, REGISTRY = "pool/", "organisation/", "registry/"


def pool_owner(account: Account) -> VolunteerId:
    """Return whose the passbook of a pool is."""
    return VolunteerId(f"{POOL}{account.clause.id}")


def organisation_owner(id: str) -> VolunteerId:
    """Return whose the passbook of an organisation is; an id that names one already stays."""
    return VolunteerId(id if id.startswith(ORGANISATION) else f"{ORGANISATION}{id}")


def registry_owner(id: RegistryId) -> VolunteerId:
    """Return whose the passbook of a registry is."""
    return VolunteerId(f"{REGISTRY}{id}")


def is_person(owner: str) -> bool:
    """Tell whether a passbook is a person's."""
    return not owner.startswith((POOL, ORGANISATION, REGISTRY))


def may_be_person(id: str) -> bool:
    """Tell whether a registry may give this id to a volunteer: it looks like none of these."""
    return is_person(plain(id))


def earner(account: Account, volunteer: VolunteerId, organisation: str) -> VolunteerId:
    """Return in whose passbook the account is into which a record is earned."""
    match account.holder:
        case Holder.POOL:
            return pool_owner(account)
        case Holder.ORGANISATION:
            return organisation_owner(organisation)
        case _:
            return volunteer


def pool_of(policy: Policy, unit: Unit) -> Account | None:
    """Return the pool of the county that receives what is given, what overflows and what is left in this unit.

    The account with holder `pool` that is called `donation_pool`; else the first one of the chapter. None: there is
    no pool, and what goes there goes to a counterpart of that name.
    """
    pools = [one for one in policy.accounts if one.holder is Holder.POOL and one.unit is unit]
    return next((one for one in pools if one.clause.id == Overflow.DONATION_POOL.value), pools[0] if pools else None)


def lender(policy: Policy, account: Account) -> Account | None:
    """Return the pool from which an account borrows."""
    said = account.overdraft
    if not isinstance(said, Borrow):
        return None
    return next((one for one in policy.accounts if one.clause.id == said.account and one.holder is Holder.POOL), None)


def lending_pool(policy: Policy, id: str, unit: Unit) -> Account:
    """Return a pool that has lent something, also one that the county has no more."""
    pools = (one for one in policy.accounts if one.clause.id == id and one.holder is Holder.POOL and one.unit is unit)
    gone = account_gone(policy.county.clause, id, UNITS[unit])
    return next(pools, replace(gone, holder=Holder.POOL))


def fund(policy: Policy, account: Account, provider: str) -> Account | None:
    """Return the pool that a grant comes out of: the provider is its id or its name; None where it is no pool."""
    for one in policy.accounts:
        names = (one.clause.id, one.clause.label.zh, one.clause.label.en)
        if one.holder is Holder.POOL and one.unit is account.unit and provider and provider in names:
            return one
    return None


def may_hold(account: Account, owner: str) -> bool:
    """Tell whether an account is in this kind of passbook; an organisation also holds what it may be given."""
    if owner.startswith(POOL):
        return account.holder is Holder.POOL and owner == pool_owner(account)
    if owner.startswith(REGISTRY):
        return False
    if owner.startswith(ORGANISATION):
        return account.holder is Holder.ORGANISATION or Recipient.INSTITUTION in account.transfer
    return account.holder in (Holder.PERSON, Holder.FAMILY)


def account_in(policy: Policy, owner: str, account: Account) -> Account | None:
    """Return the account of a passbook that takes what comes out of another one.

    The same, where this kind of passbook holds it; else the first one of its unit that it holds. An organisation takes
    it into an account of its own first.
    """
    fitting = [one for one in policy.accounts if one.unit is account.unit and may_hold(one, owner)]
    own = [one for one in fitting if one.holder is Holder.ORGANISATION]
    return account if account in fitting and not own else next(iter(own or fitting), None)


def shared(policy: Policy) -> tuple[VolunteerId, ...]:
    """Return the pools that may get or give something when an account of somebody else changes."""
    found = [pool for account in policy.accounts for pool in _beside(policy, account)]
    return tuple(dict.fromkeys(map(pool_owner, (*found, *pools_of_limits(policy)))))


def pools_of_limits(policy: Policy) -> list[Account]:
    """Return the pools that get what is over limits of hours or points."""
    limits = ((policy.hours, Unit.HOURS), (policy.earning, Unit.POINTS))
    units = [unit for steps, unit in limits if any(map(goes_to_the_pool, steps))]
    return [pool for unit in units if (pool := pool_of(policy, unit)) is not None]


def lenders(policy: Policy) -> tuple[VolunteerId, ...]:
    """Return the pools that lend."""
    found = [lender(policy, account) for account in policy.accounts]
    return tuple(dict.fromkeys(pool_owner(pool) for pool in found if pool is not None))


def _beside(policy: Policy, account: Account) -> Iterator[Account]:
    pools = [lender(policy, account)]
    pools += [fund(policy, account, grant.provider) for grant in account.issue]
    overflows = account.storage is not None and account.storage.overflow is Overflow.DONATION_POOL
    closure = account.closure
    left = closure is not None and Closing.TO_POOL in (closure.death, closure.moving, closure.leaving)
    if overflows or left or Recipient.POOL in account.transfer:
        pools.append(pool_of(policy, account.unit))
    if account.holder is Holder.POOL and account.earned_from != "nothing":
        pools.append(account)
    yield from (pool for pool in pools if pool is not None)
