"""What went into an account and out of it, and what that leaves on a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum

from lianxing.rules.accounts import Purpose, Recipient
from lianxing.rules.closures import ClosingEvent
from lianxing.rules.redeeming import Reason


class MoveKind(Enum):
    """What happened to an account."""

    EARNED = "earned"
    ISSUED = "issued"
    SPENT = "spent"
    GIVEN_AWAY = "given_away"
    RECEIVED = "received"
    TAKEN_BACK = "taken_back"
    RESERVED = "reserved"
    SETTLED = "settled"
    RELEASED = "released"
    REFUNDED = "refunded"
    CLOSES = "closes"


@dataclass(frozen=True, slots=True)
class Move:
    """Something that is to happen to an account; `amount` is in its unit. `family`: by a member of the family.

    `name` is what a reservation or something spent is called, and by which it is settled, released or refunded; what a
    deposit is called, and by which it is taken back.
    """

    on: date
    kind: MoveKind
    amount: int = 0
    family: bool = False
    gives: Purpose | None = None
    to_whom: Recipient | None = None
    event: ClosingEvent | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """A move that the rules of the account do not allow, and why."""

    move: Move
    reason: Reason


class By(Enum):
    """By what an amount is gone from an account, as `lowers_the_basis` of stars.yaml names it."""

    SPENDING = "spending"
    EXPIRY = "expiry"


@dataclass(frozen=True, slots=True)
class Gone:
    """An amount that is gone from an account since a day; below zero where it came back."""

    on: date
    account: str
    by: By
    amount: int


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account holds on a day, below zero where it owes; `available` is without what is reserved,
    `spent` all that was ever spent, and `gone` the days on which what was spent or has expired went.

    `went` tells what became of amounts that are there no longer, by where they went: `expired`, `lost`,
    `donation_pool`, `honour`, `borrowed` (from a pool), `written_off`, a recipient, or what a closure says.
    """

    on: date
    balance: int
    available: int
    spent: int = 0
    went: Mapping[str, int] = field(default_factory=dict)
    refused: tuple[Refused, ...] = ()
    gone: tuple[Gone, ...] = ()
