"""Stretches of days with a name of their own, from `county.yaml`: conditions ask them as calendar facts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from lianxing.rules.places import Clause

MonthDay = tuple[int, int]


@dataclass(frozen=True, slots=True)
class EveryYear:
    """The same days every year, both included; past New Year where the last comes before the first."""

    first: MonthDay
    last: MonthDay


@dataclass(frozen=True, slots=True)
class Once:
    """From one day to another, both included; without a last one it goes on."""

    first: date
    last: date | None


@dataclass(frozen=True, slots=True)
class LunarYear:
    """The same days of every lunar year, both included; a leap month comes after the month that it repeats."""

    first: MonthDay
    last: MonthDay


@dataclass(frozen=True, slots=True)
class AroundFestival:
    """A festival with so many days before and after it."""

    festival: str
    days_before: int
    days_after: int


Stretch = EveryYear | Once | LunarYear | AroundFestival


@dataclass(frozen=True, slots=True)
class Campaign:
    """A stretch of days, under the name of the calendar fact that is true on them."""

    clause: Clause
    days: Stretch
