"""Accounts that a family earns into together: what its members earn is in the passbook of whoever holds it."""

from __future__ import annotations

from lianxing.rules.accounts import Account
from lianxing.rules.policy import Policy

POOLED_IN = "pooled_in"  # in the body of a record: in whose passbook, by account, where it is not that of who served


def is_pooled(account: Account) -> bool:
    """Tell whether a family earns into an account together."""
    return account.family is not None and account.family.pooled


def pools(policy: Policy) -> bool:
    """Tell whether a county has an account that families earn into together."""
    return any(is_pooled(account) for account in policy.accounts)


def says_who_holds(body: bytes) -> bool:
    """Tell whether an entry says that what it is about is with what a family earns."""
    return f'"{POOLED_IN}":'.encode() in body
