"""Which records count and how their time is measured: the chapter `hours.yaml`, as steps in the order of the file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from lianxing.rules.conditions import Condition
from lianxing.rules.dates import Dated
from lianxing.rules.periods import Period
from lianxing.rules.places import Clause


class Direction(Enum):
    """Where a rounding goes; `half_up` and `half_even` differ only exactly half-way."""

    DOWN = "down"
    UP = "up"
    HALF_UP = "half_up"
    HALF_EVEN = "half_even"


class Overflow(Enum):
    """What becomes of the amount above a limit."""

    LOST = "lost"


class Overlap(Enum):
    """What becomes of a record that shares time with an earlier one of the same person.

    `REFUSE`: it is refused whole. `FIRST`: it keeps the time that lies outside the earlier ones. `MERGE`: as FIRST,
    and together they are one record for every later step that rounds or limits per record.
    """

    REFUSE = "refuse"
    FIRST = "first"
    MERGE = "merge"


@dataclass(frozen=True, slots=True)
class Count:
    """Only what satisfies the condition counts; the rest is refused."""

    clause: Clause
    when: Condition | None
    condition: Condition


@dataclass(frozen=True, slots=True)
class Exclude:
    """What satisfies the condition is refused."""

    clause: Clause
    when: Condition | None
    condition: Condition


@dataclass(frozen=True, slots=True)
class SplitAtMidnight:
    """A record that crosses local midnight goes on as one part per day."""

    clause: Clause
    when: Condition | None


@dataclass(frozen=True, slots=True)
class NoOverlap:
    """Time is served once; `touching` tells whether intervals that merely meet overlap."""

    clause: Clause
    when: Condition | None
    rule: Overlap
    touching: bool


@dataclass(frozen=True, slots=True)
class RoundTime:
    """Round to a multiple of `to` seconds, on what the period has added up so far."""

    clause: Clause
    when: Condition | None
    to: Dated[int]
    each: Period
    direction: Direction


@dataclass(frozen=True, slots=True)
class LimitTime:
    """At most so many seconds in the period; the record that crosses the limit is truncated."""

    clause: Clause
    when: Condition | None
    per: Period
    at_most: Dated[int]
    overflow: Overflow


HoursStep = Count | Exclude | SplitAtMidnight | NoOverlap | RoundTime | LimitTime
