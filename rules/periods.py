"""Over what something is added up: a record, an activity, a calendar period, all time; and windows that look back."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum


class Period(Enum):
    """The stretch over which a limit or a rounding runs, per person."""

    RECORD = "record"
    ACTIVITY = "activity"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    CALENDAR_YEAR = "calendar_year"
    RUNNING_TOTAL = "running_total"


def period_start(period: Period, day: date) -> date:
    """Return the first day of the calendar period that holds `day`; weeks begin on Monday."""
    match period:
        case Period.WEEK:
            return day - timedelta(days=day.weekday())
        case Period.MONTH:
            return day.replace(day=1)
        case Period.QUARTER:
            return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
        case Period.CALENDAR_YEAR:
            return day.replace(month=1, day=1)
        case Period.DAY:
            return day
        case _:
            return date.min


def add_months(day: date, months: int) -> date:
    """Return the same day of the month `months` later, clamped to that month's end.

    >>> add_months(date(2024, 2, 29), 24)
    datetime.date(2026, 2, 28)
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def completed_months(since: date, day: date) -> int:
    """Return how many whole months lie between two days; negative when `since` is still to come.

    >>> completed_months(date(2023, 3, 1), date(2024, 2, 29))
    11
    """
    months = (day.year - since.year) * 12 + day.month - since.month
    return months if add_months(since, months) <= day else months - 1


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of the history a measure sees on a day: all of it, a calendar period, or a stretch that rolls.

    A rolling window of n months holds the days d with d <= day < d + n months, a month end clamped (29 Feb 2024 plus
    24 months is 28 Feb 2026); of n days, those with d <= day < d + n days.
    """

    calendar: Period | None = None
    months: int = 0
    days: int = 0

    @property
    def rolls(self) -> bool:
        return self.months > 0 or self.days > 0

    def holds(self, service_day: date, day: date) -> bool:
        """Tell whether a service of `service_day` is seen on `day`."""
        if service_day > day:
            return False
        if self.calendar is not None:
            return period_start(self.calendar, service_day) == period_start(self.calendar, day)
        if self.months:
            return day < add_months(service_day, self.months)
        if self.days:
            return day < service_day + timedelta(days=self.days)
        return True


ALL_TIME = Window()
