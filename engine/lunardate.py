"""The only module that knows the package `lunardate`: days of the Chinese lunar calendar.

Its surprise: a day outside its years gets an answer too, and a wrong one. So the years are bounded here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

FIRST_DAY = date(1900, 1, 31)  # 正月初一 of the first year that the package knows
LAST_DAY = date(2100, 2, 8)  # 除夕 of its last, 2099


@dataclass(frozen=True, slots=True, order=True)
class LunarDay:
    """A day of a lunar year by month and day; a leap month comes after the month that it repeats."""

    month: int
    leap: bool
    day: int


@lru_cache(maxsize=4096)
def lunar_day(day: date) -> LunarDay | None:
    """Return the lunar month and day; None outside the years that are known."""
    if not FIRST_DAY <= day <= LAST_DAY:
        return None
    from lunardate import LunarDate

    found = LunarDate.from_solar_date(day.year, day.month, day.day)
    return LunarDay(found.month, bool(found.is_leap_month), found.day)


@lru_cache(maxsize=1024)
def solar_day(year: int, month: int, day: int) -> date | None:
    """Return the day on which a day of an ordinary lunar month falls in the lunar year that begins in `year`."""
    from lunardate import LunarDate

    try:
        found: date = LunarDate(year, month, day).to_solar_date()
    except ValueError:
        return None
    return found


def new_year_eve(day: date) -> bool:
    """Tell whether a day is 除夕, the 29th or the 30th as the year has it."""
    following = lunar_day(day + timedelta(days=1))
    return following is not None and (following.month, following.leap, following.day) == (1, False, 1)
