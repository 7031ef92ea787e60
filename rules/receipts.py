"""What a counter hands to those who hand over goods, and what they give back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from lianxing.rules.facts import CountyId, VolunteerId


@dataclass(frozen=True, slots=True)
class Redemption:
    """Units of an offer that somebody has reserved or had, by the entry of the passbook that says so.

    `price` is what the account pays, in hundredths of a point or seconds as `unit` says, `cash` hundredths of a yuan.
    `held_until` is the last day of the reservation, None where it was had at once. `key` is the same whenever it is
    asked about the same redemption: whoever hands something over twice for one key has made a mistake.
    """

    volunteer: VolunteerId
    county: CountyId
    entry: int
    on: date
    offer: str
    units: int
    merchant: str
    account: str
    unit: str
    price: int
    cash: int
    held_until: date | None
    key: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was handed over has a number, where it was handed over; the settling entry keeps it as its reason.

    A number is plain text of at most 200 characters; of any other the entry keeps what can be kept.
    """

    number: str
