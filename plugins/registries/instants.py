"""Times as exports write them, read exactly: an instant in whole seconds, and the local day it falls on."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)

_INSTANT = re.compile(
    r"([0-9]{4})(?:([-/.])([0-9]{1,2})\2([0-9]{1,2})|年([0-9]{1,2})月([0-9]{1,2})日)"
    r"(?:[ T]+([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:[.,][0-9]+)?)?(?: ?(Z|[+-][0-9]{2}(?::?[0-9]{2})?))?)?"
)
_NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,20})?")
_CLOCK = re.compile(r"(-?)([0-9]{1,5}):([0-5][0-9]):([0-5][0-9])")


class Instant(NamedTuple):
    """An instant in seconds since 1970 (UTC), its local day, and whether a time of day was given."""

    seconds: int
    day: date
    timed: bool


def instant(text: str, zone: tzinfo) -> Instant | None:
    """Return the instant; None where the text is no time. Fractions of a second are cut.

    A time without an offset is local. One that the clocks skipped is read as the clock that was not put forward would
    have shown it; one that came twice is its first. 24:00 is the end of its day; a day alone is its midnight, untimed.
    """
    found = _INSTANT.fullmatch(text)
    if found is None:
        return None
    year, _, month, day, month_zh, day_zh, hour, minute, second, offset = found.groups()
    try:
        local = datetime(int(year), int(month or month_zh), int(day or day_zh), tzinfo=zone)
        if hour is None:
            return Instant((local - _EPOCH) // _SECOND, local.date(), False)
        if int(hour) == 24 and not int(minute) and not int(second or 0):
            local = datetime.combine(local.date() + timedelta(days=1), local.timetz())
        else:
            local = local.replace(hour=int(hour), minute=int(minute), second=int(second or 0))
        if offset is not None:
            local = local.replace(tzinfo=_offset(offset)).astimezone(zone)
        return Instant((local - _EPOCH) // _SECOND, local.date(), True)
    except (ValueError, OverflowError):
        return None


def duration_seconds(text: str, unit_seconds: int) -> Fraction | None:
    """Return a stated service time in seconds, exactly: a number in the registry's unit, or hours:minutes:seconds.

    >>> duration_seconds("0.01", 3600), duration_seconds("1:30:00", 3600), duration_seconds("2 hours", 3600)
    (Fraction(36, 1), Fraction(5400, 1), None)
    """
    if _NUMBER.fullmatch(text):
        return Fraction(Decimal(text)) * unit_seconds
    clock = _CLOCK.fullmatch(text)
    if clock is None:
        return None
    seconds = int(clock[2]) * 3600 + int(clock[3]) * 60 + int(clock[4])
    return Fraction(-seconds if clock[1] else seconds)


def _offset(text: str) -> tzinfo:
    if text == "Z":
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[3:].lstrip(":") or 0)
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))
