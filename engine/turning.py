"""What a change of rules does to what comes in late: as much as would have gone over, had it been there on the day.

A wallet keeps, for each change of rules that has reached it, what was there of before the day. What comes later of
before the day is added to that total; by how much more of the new total goes over than of the old one goes in. So it
is the same amount, whether a record comes in time or years later, and in which order records come.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from lianxing.engine.running import treated
from lianxing.rules.transition import Change, Fate, Treatment


class Turned(NamedTuple):
    """A change of rules has reached a wallet: by which entry, and what was there of before the day.

    `before` is below zero where that much was owed; what has come since of before the day is in it.
    """

    entry: int
    before: int


class Passed(NamedTuple):
    """An amount that came late through a change of rules, below zero where taken back, and what is left of it."""

    change: Change
    came: int
    went: int


def goes_over(before: int, how: Treatment) -> int:
    """Return what a total is after a change of rules; what is owed stays owed.

    >>> from lianxing.rules.transition import CarryOver
    >>> goes_over(120, CarryOver(100)), goes_over(80, CarryOver(100)), goes_over(-5, Fate.RESTART)
    (100, 80, -5)
    """
    if before <= 0:
        return before
    return 0 if how is Fate.RESTART else treated((before,), how)[0]


def late(change: Change, turned: Turned, amount: int) -> tuple[Turned, Passed]:
    """Return the total with an amount of before the day that comes late, and what is left of the amount."""
    now = turned._replace(before=turned.before + amount)
    return now, Passed(change, amount, goes_over(now.before, change.how) - goes_over(turned.before, change.how))


def turned_data(turned: Mapping[str, Turned]) -> dict[str, list[int]]:
    """Return as plain data which changes of rules have reached a wallet."""
    return {id: [one.entry, one.before] for id, one in turned.items()}


def turned_of(data: Mapping[str, list[int]]) -> dict[str, Turned]:
    """Return what `turned_data` has written down."""
    return {id: Turned(*one) for id, one in data.items()}
