"""Where points and time credits are kept, what they are for, and when they end: the chapter `accounts.yaml`.

Amounts are hundredths of a point or seconds, as `Account.unit` says. Hours served are no account: they are a measure,
and stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from lianxing.rules.closures import REOPENS, ClosingEvent
from lianxing.rules.conditions import Condition
from lianxing.rules.dates import Dated
from lianxing.rules.facts import FactType
from lianxing.rules.hours import Overflow
from lianxing.rules.periods import Period
from lianxing.rules.places import Clause, Label, Location
from lianxing.rules.transition import Change


class Holder(Enum):
    """Whose account it is; a pool is nobody's: it is given away."""

    PERSON = "person"
    FAMILY = "family"
    ORGANISATION = "organisation"
    POOL = "pool"


class Unit(Enum):
    """What is kept: points, or hours as time credits."""

    POINTS = "points"
    HOURS = "hours"

    @property
    def type(self) -> FactType:
        return FactType.POINTS if self is Unit.POINTS else FactType.DURATION

    @property
    def label(self) -> Label:
        return Label("积分", "points") if self is Unit.POINTS else Label("时长", "hours")

    @staticmethod
    def of(type: FactType) -> Unit:
        """Return what an amount of points or a duration is kept in."""
        return Unit.POINTS if type is FactType.POINTS else Unit.HOURS


class Purpose(Enum):
    """What may be had for it."""

    GOODS = "goods"
    SERVICE = "service"
    DISCOUNT = "discount"
    ENTITLEMENT = "entitlement"
    DONATION = "donation"


class Recipient(Enum):
    """To whom a balance may be given."""

    SPOUSE = "spouse"
    LINEAL_RELATIVE = "lineal_relative"
    FRIEND = "friend"
    NEEDY_ELDER = "needy_elder"
    INSTITUTION = "institution"
    POOL = "pool"


class Order(Enum):
    """Which of several lots is spent first."""

    OLDEST = "oldest"
    SOONEST_TO_EXPIRE = "soonest_to_expire"
    NEWEST = "newest"


class Expiry(Enum):
    """When what was earned ends, besides a period of its own."""

    NEVER = "never"
    AFTER_REDEMPTION = "after_redemption"  # what a redemption leaves is gone


@dataclass(frozen=True, slots=True)
class AtEndOf:
    """It ends with the calendar period in which it was earned."""

    period: Period


@dataclass(frozen=True, slots=True)
class After:
    """Each lot ends so many months after the day on which it was earned; that day of the month still counts."""

    months: Dated[int]


@dataclass(frozen=True, slots=True)
class Storage:
    """The most that is kept, and what becomes of the rest."""

    at_most: Dated[int]
    overflow: Overflow


class Overdraft(Enum):
    """Whether more may be spent than there is."""

    NONE = "none"
    UNLIMITED = "unlimited"


@dataclass(frozen=True, slots=True)
class Floor:
    """Spent down to this balance, which is below zero."""

    least: Dated[int]


@dataclass(frozen=True, slots=True)
class Borrow:
    """What is short is borrowed from another account, a pool."""

    account: str
    location: Location


class Shortfall(Enum):
    """What becomes of it when more is taken back than there is."""

    DEBT = "debt"
    CLAMP = "clamp"
    FORBID = "forbid"


class WholeOnly(Enum):
    """Whether only whole units are credited, and what becomes of the rest."""

    NO = "no"
    REST_LOST = "rest_lost"
    REST_CARRIED = "rest_carried"


class Closing(Enum):
    """What becomes of a balance when the account is closed."""

    INHERITED = "inherited"
    TO_POOL = "to_pool"
    LOST = "lost"
    PORTABLE = "portable"


@dataclass(frozen=True, slots=True)
class Family:
    """Whether the family may draw on the account, and whether it earns into it."""

    may_draw: bool
    pooled: bool


@dataclass(frozen=True, slots=True)
class Issue:
    """What a fund gives to whom the condition holds for, once in each period (None: once in all)."""

    when: Condition | None
    amount: Dated[int]
    per: Period | None
    provider: str
    location: Location


@dataclass(frozen=True, slots=True)
class Closure:
    """What becomes of the balance on death, on moving away, and on leaving the scheme.

    `reopens` are the events after which a passbook that holds the account may be opened again.
    """

    death: Closing
    moving: Closing
    leaving: Closing
    reopens: tuple[ClosingEvent, ...] = REOPENS
    location: Location = Location("", 0, 0)


@dataclass(frozen=True, slots=True)
class Account:
    """A balance and its rules. `earned_from` is `hours`, `points`, `nothing` (it is only issued) or a measure.

    `when` tells whose earnings go in; None is everybody's. `transfer` empty is none; `hold_days` is how many days after
    the day of the request an amount stays reserved for it, None where nothing can be reserved. `changes` are what the
    transitions of the county do to it, in the order of their days.
    """

    clause: Clause
    holder: Holder
    unit: Unit
    earned_from: str
    when: Condition | None
    spent_on: tuple[Purpose, ...]
    expires: Expiry | AtEndOf | After
    spends_first: Order
    storage: Storage | None
    overdraft: Overdraft | Floor | Borrow
    transfer: tuple[Recipient, ...]
    shortfall: Shortfall
    family: Family | None = None
    issue: tuple[Issue, ...] = ()
    whole_only: WholeOnly = WholeOnly.NO
    hold_days: Dated[int] | None = None
    closure: Closure | None = None
    changes: tuple[Change, ...] = ()
