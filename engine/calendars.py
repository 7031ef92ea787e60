"""Days and times of day in the county's zone. Instants are whole seconds since 1970-01-01 UTC; answers are exact."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from lianxing.engine.borax import LunarDay, lunar_day, new_year_eve, qingming
from lianxing.engine.holidays import PublicHolidays, public_holidays
from lianxing.rules.campaigns import AroundFestival, EveryYear, LunarYear, Once, Stretch
from lianxing.rules.county import County
from lianxing.rules.facts import FactValue
from lianxing.rules.periods import Term, add_months

_ONE_DAY = timedelta(days=1)
_FRIDAY = 5


def local_day(instant: int, zone: ZoneInfo) -> date:
    """Return the local day of an instant."""
    return datetime.fromtimestamp(instant, zone).date()


def local_second(instant: int, zone: ZoneInfo) -> int:
    """Return the seconds on the clock since local midnight."""
    local = datetime.fromtimestamp(instant, zone)
    return local.hour * 3600 + local.minute * 60 + local.second


@lru_cache(maxsize=8192)
def midnight(day: date, zone: ZoneInfo) -> int:
    """Return the instant at which a local day begins; where the clock jumps over midnight, the first one after it."""
    return instant_at(day, 0, zone)


@lru_cache(maxsize=8192)
def instant_at(day: date, second: int, zone: ZoneInfo) -> int:
    """Return the instant at which the clock first shows `second` of a local day, or jumps over it."""
    local = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(seconds=second)
    instant = int(local.timestamp())
    if datetime.fromtimestamp(instant, zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return instant
    # The clock never shows it; read by the offset after the jump it lies before the jump, by the one before it after.
    before, after = int(local.replace(fold=1).timestamp()), instant
    offset = datetime.fromtimestamp(before, zone).utcoffset()
    while after - before > 1:
        between = (before + after) // 2
        jumped = datetime.fromtimestamp(between, zone).utcoffset() != offset
        before, after = (before, between) if jumped else (between, after)
    return after


def next_midnight(instant: int, zone: ZoneInfo) -> int:
    """Return the first local midnight after an instant."""
    return midnight(local_day(instant, zone) + timedelta(days=1), zone)


WORKING_FACTS = frozenset(("working_day", "make_up_day", "rest_day", "statutory_holiday"))
LUNAR_FACTS = frozenset(("festival", "lunar_month", "lunar_day", "leap_month"))

_LUNAR_FESTIVALS = {
    (1, 1): "spring_festival",
    (1, 15): "lantern",
    (5, 5): "dragon_boat",
    (7, 7): "qixi",
    (8, 15): "mid_autumn",
    (9, 9): "double_ninth",
}
_DAYS_KEPT = 8192


class WorkingCalendar:
    """The days of a county: working days and holidays of its country, lunar days, its own campaigns.

    `calendar` of `county.yaml` names the country; without one no day is known to be a working day. What is not asked
    is not worked out. In China the days of a year that are exchanged (调休) are announced late in the year before; of a
    year that is not announced, working days are unknown to conditions, and deadlines are reckoned by the law's holidays
    and the plain weekend until they are.
    """

    def __init__(self, county: County) -> None:
        self.country = county.calendar
        self.zone = ZoneInfo(county.time_zone)
        self._campaigns = {campaign.clause.id: campaign.days for campaign in county.campaigns}
        self._facts: dict[tuple[frozenset[str], date], Mapping[str, FactValue]] = {}

    # --- working days --------------------------------------------------------------------------------------------

    def is_working_day(self, day: date) -> bool | None:
        """Tell whether a day is worked; None where nobody can know it yet."""
        known = self._year(day)
        return self._worked(day) if known is not None and known.announced else None

    def add_working_days(self, day: date, count: int) -> date:
        """Return the working day that is the `count`-th after `day`, which itself is not counted."""
        while count > 0:
            day += _ONE_DAY
            count -= self._worked(day)
        return day

    def working_days_between(self, day: date, until: date) -> int | None:
        """Return how many working days lie after `day` up to `until`; None where nobody can know it yet.

        0 when `until` is not later than `day`: who is early has used up nothing.
        """
        total = 0
        while day < until:
            day += _ONE_DAY
            worked = self.is_working_day(day)
            if worked is None:
                return None
            total += worked
        return total

    def end_of_period(self, day: date, term: Term) -> date:
        """Return the last day of a period that begins on `day` (Civil Code, arts. 201 to 203).

        The first day is not counted. A period of months ends on the same day of its last month, or on that month's
        end. A period that would end on a day of rest ends on the first day after it that is worked.
        """
        end = self.end_of_stretch(day, term)
        while not self._worked(end):
            end += _ONE_DAY
        return end

    def end_of_stretch(self, day: date, term: Term) -> date:
        """Return the last day of a stretch that begins on `day`, be it a day of rest or not."""
        if term.working_days:
            return self.add_working_days(day, term.working_days)
        return add_months(day, term.months) if term.months else day + timedelta(days=term.days)

    def worked_between(self, day: date, until: date) -> int:
        """Return how many working days lie after `day` up to `until`, reckoned as deadlines are."""
        return sum(self._worked(day + timedelta(days=off)) for off in range(1, (until - day).days + 1))

    def _year(self, day: date) -> PublicHolidays | None:
        return public_holidays(self.country, day.year) if self.country else None

    def _worked(self, day: date) -> bool:
        known = self._year(day)
        if known is None:
            return day.isoweekday() <= _FRIDAY
        if day.weekday() in known.weekend:
            return day in known.make_up
        return day not in known.statutory and day not in known.days_off

    # --- facts ---------------------------------------------------------------------------------------------------

    def facts(self, day: date, asked: frozenset[str]) -> Mapping[str, FactValue]:
        """Return what the day itself says, as far as it is asked."""
        key = (asked, day)
        known = self._facts.get(key)
        if known is None:
            if len(self._facts) >= _DAYS_KEPT:
                self._facts.clear()
            known = self._facts[key] = dict(self._said(day, asked))
        return known

    def _said(self, day: date, asked: frozenset[str]) -> Iterator[tuple[str, FactValue]]:
        yield from (("day", day.toordinal()), ("weekday", day.isoweekday()))
        yield from (("month", day.month), ("day_of_month", day.day))
        if not asked.isdisjoint(WORKING_FACTS):
            yield from self._working_facts(day)
        if not asked.isdisjoint(LUNAR_FACTS):
            yield from _lunar_facts(day)
        for name, days in self._campaigns.items():
            if name in asked:
                yield name, int(_within(day, days))

    def _working_facts(self, day: date) -> Iterator[tuple[str, FactValue]]:
        known = self._year(day)
        if known is None:
            return
        yield "statutory_holiday", int(day in known.statutory)
        worked = self.is_working_day(day)
        if worked is not None:
            yield "working_day", int(worked)
            yield "make_up_day", int(day in known.make_up)
            yield "rest_day", int(not worked and day not in known.statutory)


def _lunar_facts(day: date) -> Iterator[tuple[str, FactValue]]:
    found = lunar_day(day)
    if found is not None:
        yield from (("lunar_month", found.month), ("lunar_day", found.day), ("leap_month", int(found.leap)))
    festival = festival_on(day)
    if festival:
        yield "festival", festival


def festival_on(day: date) -> str:
    """Return the traditional festival of a day, empty if it is none."""
    if qingming(day):
        return "qingming"
    if new_year_eve(day):
        return "new_year_eve"
    found = lunar_day(day)
    return "" if found is None or found.leap else _LUNAR_FESTIVALS.get((found.month, found.day), "")


def _within(day: date, days: Stretch) -> bool:
    match days:
        case EveryYear():
            return _between((day.month, day.day), days.first, days.last)
        case Once():
            return days.first <= day and (days.last is None or day <= days.last)
        case LunarYear():
            found = lunar_day(day)
            if found is None:
                return False
            first, last = (LunarDay(month, False, number) for month, number in (days.first, days.last))
            return _between(found, first, last)
        case AroundFestival():
            around = range(-days.days_before, days.days_after + 1)
            return any(festival_on(day - timedelta(days=off)) == days.festival for off in around)


def _between(here: Any, first: Any, last: Any) -> bool:
    return bool(first <= here <= last if first <= last else here >= first or here <= last)
