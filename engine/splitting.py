"""A record cut at midnight and at other times of day: where the cuts lie, and what time each piece gets."""

from __future__ import annotations

from datetime import timedelta
from itertools import accumulate, pairwise
from zoneinfo import ZoneInfo

from lianxing.engine.calendars import instant_at, local_day, midnight
from lianxing.rules.hours import Breaks

ONE_DAY = timedelta(days=1)


def cuts(started_at: int, ended_at: int, at: tuple[int, ...], zone: ZoneInfo) -> list[tuple[int, int]]:
    """Return the pieces of an interval between the times of day `at`, in seconds since local midnight."""
    bounds = [started_at]
    day = local_day(started_at, zone)
    while midnight(day, zone) < ended_at:
        for second in at:
            cut = instant_at(day, second, zone)
            if bounds[-1] < cut < ended_at:  # two times over which the clock jumps at once are one cut
                bounds.append(cut)
        day += ONE_DAY
    return list(pairwise([*bounds, ended_at]))


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
