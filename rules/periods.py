"""Over what something is added up: a record, an activity, a calendar period, all time; and windows that look back."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from typing import NamedTuple


class Period(Enum):
    """The stretch over which a limit or a rounding runs, per person."""

    RECORD = "record"
    ACTIVITY = "activity"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    HALF_YEAR = "half_year"
    CALENDAR_YEAR = "calendar_year"
    RUNNING_TOTAL = "running_total"
    BALANCE = "balance"  # what has been credited and not spent; of limits only


class MonthDay(NamedTuple):
    """A day of every year; the 29th of February is the 28th where there is none."""

    month: int
    day: int

    def in_year(self, year: int) -> date:
        return date(year, self.month, min(self.day, monthrange(year, self.month)[1]))


def period_start(period: Period, day: date) -> date:
    """Return the first day of the calendar period that holds `day`; weeks begin on Monday."""
    match period:
        case Period.WEEK:
            return day - timedelta(days=day.weekday())
        case Period.MONTH:
            return day.replace(day=1)
        case Period.QUARTER:
            return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
        case Period.HALF_YEAR:
            return day.replace(month=(day.month - 1) // 6 * 6 + 1, day=1)
        case Period.CALENDAR_YEAR:
            return day.replace(month=1, day=1)
        case Period.DAY:
            return day
        case _:
            return date.min


def is_same(period: Period, day: date, other: date) -> bool:
    """Tell whether two days lie in the same period."""
    return period_start(period, day) == period_start(period, other)


def period_after(period: Period, day: date) -> date:
    """Return the first day of the calendar period after the one that holds `day`."""
    start = period_start(period, day)
    match period:
        case Period.WEEK:
            return start + timedelta(days=7)
        case Period.MONTH:
            return add_months(start, 1)
        case Period.QUARTER:
            return add_months(start, 3)
        case Period.HALF_YEAR:
            return add_months(start, 6)
        case Period.CALENDAR_YEAR:
            return add_months(start, 12)
        case Period.DAY:
            return start + timedelta(days=1)
        case _:
            return date.max


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
    if day.day >= since.day or day.day == monthrange(day.year, day.month)[1]:  # a month's end is clamped to
        return months
    return months - 1


def period_before(period: Period, start: date) -> date:
    """Return the first day of the calendar period before the one that begins on `start`."""
    return period_start(period, start - timedelta(days=1))


def months_and_days(since: date, day: date) -> tuple[int, int]:
    """Return the completed months between two days, and the days since the last of them was completed.

    >>> months_and_days(date(2014, 3, 1), date(2024, 3, 2))
    (120, 1)
    """
    months = completed_months(since, day)
    return months, (day - add_months(since, months)).days


def months_within(since: date, day: date) -> int:
    """Return the fewest months after `since` within which `day` lies; 0 when it is not later.

    >>> months_within(date(2024, 1, 31), date(2024, 2, 29)), months_within(date(2024, 1, 31), date(2024, 3, 1))
    (1, 2)
    """
    months = max(0, completed_months(since, day))
    return months if add_months(since, months) >= day else months + 1


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of the history a measure sees on a day: all of it, a calendar period, or a stretch that rolls.

    A rolling window of n months holds the days d with d <= day < d + n months, a month end clamped (29 Feb 2024 plus
    24 months is 28 Feb 2026); of n days, those with d <= day < d + n days. `previous`: the whole calendar period before
    the one of the day. `first` and `last`: these days and no others, one of the two may be open. `since_award`: what
    came after the day on which the star or card now held was granted, which only a person's totals know.
    """

    calendar: Period | None = None
    months: int = 0
    days: int = 0
    previous: bool = False
    first: date | None = None
    last: date | None = None
    since_award: bool = False

    @property
    def rolls(self) -> bool:
        return self.months > 0 or self.days > 0

    @property
    def lets_go(self) -> bool:
        """Tell whether what is seen on one day may be out of sight on a later one."""
        return self.rolls or self.calendar is not None or self.since_award

    @property
    def fixed(self) -> bool:
        """Tell whether it is of certain days, whatever the day asked."""
        return self.first is not None or self.last is not None

    @property
    def holds_its_own_day(self) -> bool:
        """Tell whether a service is seen on its own day, where no first or last day keeps it out."""
        return not self.previous and not self.since_award

    def holds(self, service_day: date, day: date) -> bool:
        """Tell whether a service of `service_day` is seen on `day`."""
        if service_day > day:
            return False
        if self.calendar is not None:
            seen = period_start(self.calendar, day)
            return period_start(self.calendar, service_day) == (
                period_before(self.calendar, seen) if self.previous else seen
            )
        if self.months:
            return day < add_months(service_day, self.months)
        if self.days:
            return day < service_day + timedelta(days=self.days)
        return (self.first is None or self.first <= service_day) and (self.last is None or service_day <= self.last)

    def leaves(self, service_day: date) -> date:
        """Return the first day, after those on which it is seen, on which a service of `service_day` is not."""
        if self.calendar is not None:
            following = period_after(self.calendar, service_day)
            return period_after(self.calendar, following) if self.previous else following
        if self.months:
            return add_months(service_day, self.months)
        return service_day + timedelta(days=self.days) if self.days else date.max


ALL_TIME = Window()


@dataclass(frozen=True, slots=True)
class Term:
    """The time within which something has to be done: so many days, working days or months, exactly one of them.

    The day on which it begins is not counted (Civil Code, art. 201).
    """

    days: int = 0
    working_days: int = 0
    months: int = 0
