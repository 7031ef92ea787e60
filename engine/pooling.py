"""Accounts that a family earns into together: what its members earn is in the passbook of whoever holds it."""

from __future__ import annotations

from lianxing.rules.accounts import Account, Holder
from lianxing.rules.policy import Policy

POOLED_IN = "pooled_in"  # in the body of a record: in whose passbook, by account, where it is not that of who served


def is_pooled(account: Account) -> bool:
    """Tell whether a family earns into an account together.

    What is earned for a pool or an organisation is no member's; what is only issued nobody earns.
    """
    pooled = account.family is not None and account.family.pooled
    return pooled and account.holder in (Holder.PERSON, Holder.FAMILY) and account.earned_from != "nothing"


def pools(policy: Policy) -> bool:
    """Tell whether a county has an account that families earn into together."""
    return any(is_pooled(account) for account in policy.accounts)


def says_who_holds(body: bytes) -> bool:
    """Tell whether an entry says that what it is about is with what a family earns."""
    return f'"{POOLED_IN}":'.encode() in body
