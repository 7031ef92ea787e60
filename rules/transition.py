"""What a change of rules does to what was earned before it: the chapter `transition.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum
from fractions import Fraction

from lianxing.rules.places import Clause, Location


class Fate(Enum):
    """The two ends of the scale: everything stays, or nothing does."""

    KEEP = "keep"
    RESTART = "restart"


@dataclass(frozen=True, slots=True)
class Convert:
    """What was earned is worth so many times as much, rounded down on the total to a hundredth or a second."""

    factor: Fraction


@dataclass(frozen=True, slots=True)
class CarryOver:
    """At most so much goes over, the latest first: hundredths of a point or seconds."""

    at_most: int


Treatment = Fate | Convert | CarryOver


class StarsThen(Enum):
    """What becomes of the star held when the rules change."""

    KEEP = "keep"  # it is not lowered by the new rules
    RESTART = "restart"  # everybody begins without one
    RATED_AGAIN = "rated_again"  # it is what the new rules give


@dataclass(frozen=True, slots=True)
class AccountThen:
    """What becomes of an account when the rules change. `in_points` tells the unit of an amount that goes over."""

    account: str
    how: Treatment
    location: Location
    in_points: bool | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """From `on_day` on the new rules are in force; what the measures held before it is treated like this.

    So is what is in the `accounts` that are named; the others are kept.
    """

    clause: Clause
    on_day: date
    points: Treatment
    hours: Treatment
    stars: StarsThen
    accounts: tuple[AccountThen, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What a transition does on its day to an account."""

    clause: Clause
    on_day: date
    how: Treatment


@dataclass(frozen=True, slots=True)
class TransitionLine:
    """What a transition made of one measure: seconds or hundredths of a point before and after."""

    clause: Clause
    measure: str
    unit: str
    before: int
    after: int
