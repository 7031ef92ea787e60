"""What points and time credits buy: the chapter `redemption.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum
from fractions import Fraction

from lianxing.rules.conditions import Condition
from lianxing.rules.dates import Dated
from lianxing.rules.facts import FactType
from lianxing.rules.periods import MonthDay, Period, Term
from lianxing.rules.places import Clause, Location
from lianxing.rules.tables import Table


class Gives(Enum):
    """What a redemption gives; a voucher is for goods that are fetched later, and void after its time."""

    GOODS = "goods"
    VOUCHER = "voucher"
    SERVICE = "service"
    DISCOUNT = "discount"
    ENTITLEMENT = "entitlement"
    DONATION = "donation"


class PickUp(Enum):
    """What is checked when the goods are fetched."""

    QR_CODE = "qr_code"
    IDENTITY = "identity"


@dataclass(frozen=True, slots=True)
class Opens:
    """When one may redeem: days of every year (a stretch may run over New Year), days, so often in a period.

    `at_most` counts redemptions from the account, of whatever offer.
    """

    every_year: tuple[tuple[MonthDay, MonthDay], ...] = ()
    since: date | None = None
    until: date | None = None
    at_most: Dated[int] | None = None
    per: Period | None = None
    location: Location = Location("", 0, 0)


@dataclass(frozen=True, slots=True)
class PerPerson:
    """At most so many units of this offer for one person, in a calendar period or (None) in all."""

    at_most: Dated[int]
    per: Period | None
    location: Location


@dataclass(frozen=True, slots=True)
class Stock:
    """How many units there are."""

    units: Dated[int]
    location: Location


@dataclass(frozen=True, slots=True)
class Voucher:
    """A voucher holds so many months from the day of redemption, that day of the month included."""

    months: Dated[int]
    location: Location


@dataclass(frozen=True, slots=True)
class Partial:
    """Part of the price may be paid in money: at least this share from the account, the rest at so much per unit.

    `exchange` is in hundredths of a yuan for one point, or one hour.
    """

    at_least: Dated[Fraction]
    exchange: Dated[int]
    location: Location


@dataclass(frozen=True, slots=True)
class Supplier:
    """Who supplies what is redeemed: at least so many hundredths of a yuan in each period."""

    provider: str
    at_least: Dated[int]
    per: Period
    location: Location


@dataclass(frozen=True, slots=True)
class Approver:
    """Who decides on what was asked for, and within which time from the day of asking; None: no time is set."""

    by: str
    within: Dated[Term] | None
    location: Location


@dataclass(frozen=True, slots=True)
class Offer:
    """Something to be had for a balance. `price` is in hundredths of a point or in seconds, for one unit.

    With `watermark` the balance is an entitlement that is not used up: what was taken from one merchant counts only
    there. `settlement` is how often merchants and the scheme settle. With an `approver` the price is held until that
    body has decided, and nothing is handed over before.
    """

    clause: Clause
    account: str
    price: Table
    price_type: FactType
    gives: Gives
    when: Condition | None
    opens: Opens | None
    per_person: PerPerson | None
    stock: Stock | None
    irreversible: bool
    provider: str
    voucher: Voucher | None = None
    partial: Partial | None = None
    swap: bool | None = None
    pick_up: tuple[PickUp, ...] = ()
    publish: bool | None = None
    watermark: bool = False
    suppliers: tuple[Supplier, ...] = ()
    settlement: Period | None = None
    approver: Approver | None = None
    places: tuple[tuple[str, Location], ...] = ()

    def place(self, key: str) -> Location:
        """Return the line that says this key; the offer's own where none does."""
        return next((place for name, place in self.places if name == key), self.clause.location)
