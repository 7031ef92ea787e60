"""Who is on duty on a day by a roster, and on which days somebody is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from lianxing.rules.rosters import Roster

_WEEK = 7


def on_duty(roster: Roster, day: date) -> tuple[str, ...]:
    """Return who is on duty on a day; nobody on a day that is no duty day.

    >>> on_duty(Roster("junction", date(2024, 6, 3), (("V1",), ("V2",)), frozenset((1, 5))), date(2024, 6, 7))
    ('V2',)
    """
    if day < roster.first or (roster.until is not None and day > roster.until):
        return ()
    if day in roster.instead:
        return roster.instead[day]
    if not roster.turns or day.isoweekday() not in roster.weekdays:
        return ()
    return roster.turns[_duty_days_before(roster, day) % len(roster.turns)]


def duty_days(roster: Roster, volunteer: str, first: date, last: date) -> Iterator[date]:
    """Yield the days from the first to the last on which somebody is on duty."""
    day = max(first, roster.first)
    while day <= last and (roster.until is None or day <= roster.until):
        if volunteer in on_duty(roster, day):
            yield day
        day += timedelta(days=1)


def _duty_days_before(roster: Roster, day: date) -> int:
    """Return how many duty days lie from the first day of the roster to the day before this one."""
    weeks, rest = divmod((day - roster.first).days, _WEEK)
    begun = range(roster.first.isoweekday(), roster.first.isoweekday() + rest)
    return weeks * len(roster.weekdays) + sum((weekday - 1) % _WEEK + 1 in roster.weekdays for weekday in begun)
