"""Days and times of day in the county's zone. Instants are whole seconds since 1970-01-01 UTC; answers are exact."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo


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
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())


def instant_at(day: date, second: int, zone: ZoneInfo) -> int:
    """Return the instant at which the clock shows `second` of a local day."""
    local = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(seconds=second)
    return int(local.timestamp())


def next_midnight(instant: int, zone: ZoneInfo) -> int:
    """Return the first local midnight after an instant."""
    return midnight(local_day(instant, zone) + timedelta(days=1), zone)
