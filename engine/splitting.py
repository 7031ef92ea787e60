"""A record cut at midnight and at other times of day: where the cuts lie, and what time each piece gets."""

from __future__ import annotations

from datetime import timedelta
from itertools import accumulate, pairwise
from zoneinfo import ZoneInfo

from lianxing.engine.calendars import instant_at, local_day
from lianxing.rules.hours import Breaks


def cuts(started_at: int, ended_at: int, at: tuple[int, ...], zone: ZoneInfo) -> list[tuple[int, int]]:
    """Return the pieces of an interval between the times of day `at`, in seconds since local midnight."""
    bounds = {started_at, ended_at}
    day, last = local_day(started_at, zone), local_day(ended_at, zone)
    while day <= last:
        bounds.update(instant for second in at if started_at < (instant := instant_at(day, second, zone)) < ended_at)
        day += timedelta(days=1)
    return list(pairwise(sorted(bounds)))


def shared(seconds: int, pieces: list[tuple[int, int]], breaks: Breaks) -> list[int]:
    """Return how the stated time falls on the pieces, in whole seconds that add up to it.

    >>> pieces = [(0, 3600), (3600, 10800)]
    >>> shared(5400, pieces, Breaks.PRO_RATA), shared(5400, pieces, Breaks.IN_ORDER)
    ([1800, 3600], [3600, 1800])
    """
    lengths = [end - start for start, end in pieces]
    interval = sum(lengths)
    given: list[int] = []
    for length, upto in zip(lengths, accumulate(lengths), strict=True):
        if breaks is Breaks.PRO_RATA and interval:
            given.append(seconds * upto // interval - sum(given))
        else:
            given.append(min(seconds - sum(given), length))
    return given
