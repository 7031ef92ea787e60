"""The only module that knows the package `borax`: days of the Chinese lunar calendar, and the solar term Qingming.

Its surprise: a day outside its years raises one error or another. So the years are bounded here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

FIRST_DAY = date(1900, 1, 31)  # 正月初一 of the first year that the package knows
LAST_DAY = date(2101, 1, 28)  # 除夕 of its last, 2100
QINGMING = "清明"


@dataclass(frozen=True, slots=True, order=True)
class LunarDay:
    """A day of a lunar year by month and day; a leap month comes after the month that it repeats."""

    month: int
    leap: bool
    day: int


@dataclass(frozen=True, slots=True)
class _Found:
    lunar: LunarDay
    term: str


@lru_cache(maxsize=4096)
def _found(day: date) -> _Found | None:
    if not FIRST_DAY <= day <= LAST_DAY:
        return None
    from borax.calendars.lunardate import LunarDate

    found = LunarDate.from_solar_date(day.year, day.month, day.day)
    return _Found(LunarDay(found.month, bool(found.leap), found.day), found.term or "")


def lunar_day(day: date) -> LunarDay | None:
    """Return the lunar month and day; None outside the years that are known."""
    found = _found(day)
    return None if found is None else found.lunar


def qingming(day: date) -> bool:
    """Tell whether the solar term Qingming begins on a day."""
    found = _found(day)
    return found is not None and found.term == QINGMING


def new_year_eve(day: date) -> bool:
    """Tell whether a day is 除夕, the 29th or the 30th as the year has it."""
    following = lunar_day(day + timedelta(days=1))
    return following is not None and (following.month, following.leap, following.day) == (1, False, 1)
