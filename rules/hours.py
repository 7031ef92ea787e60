"""Which records count and how their time is measured: the chapter `hours.yaml`, as steps in the order of the file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from lianxing.rules.conditions import Condition
from lianxing.rules.dates import Dated
from lianxing.rules.periods import Period, Window
from lianxing.rules.places import Clause
from lianxing.rules.tables import Table


class Direction(Enum):
    """Where a rounding goes; `half_up` and `half_even` differ only exactly half-way."""

    DOWN = "down"
    UP = "up"
    HALF_UP = "half_up"
    HALF_EVEN = "half_even"


class Overflow(Enum):
    """What becomes of the amount above a limit: nobody's, the donation pool's, or an honour without use."""

    LOST = "lost"
    DONATION_POOL = "donation_pool"
    HONOUR = "honour"


class Overlap(Enum):
    """What becomes of a record that shares time with an earlier one of the same person.

    `REFUSE`: it is refused whole. `FIRST`: it keeps the time that lies outside the earlier ones. `MERGE`: as FIRST,
    and together they are one record for every later step that rounds or limits per record.
    """

    REFUSE = "refuse"
    FIRST = "first"
    MERGE = "merge"


class Breaks(Enum):
    """Where a break falls in a record that states less time than its interval and is split.

    `IN_ORDER`: the parts are filled from the first on. `PRO_RATA`: every part gets its share of the stated time.
    """

    IN_ORDER = "in_order"
    PRO_RATA = "pro_rata"


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
class Hold:
    """What satisfies the condition is worked out and waits: pending, credited with nothing, using up nothing."""

    clause: Clause
    when: Condition | None
    condition: Condition


@dataclass(frozen=True, slots=True)
class Revoke:
    """A record that satisfies the condition takes out the record of the same registry that its `revokes` names."""

    clause: Clause
    when: Condition | None
    condition: Condition


@dataclass(frozen=True, slots=True)
class NoHours:
    """What satisfies the condition is no service time, although its length may still earn points."""

    clause: Clause
    when: Condition | None
    condition: Condition


@dataclass(frozen=True, slots=True)
class Split:
    """A record goes on in parts, cut at these times of day: seconds since local midnight, 0 for midnight itself."""

    clause: Clause
    when: Condition | None
    at: tuple[int, ...]
    breaks: Breaks


@dataclass(frozen=True, slots=True)
class NoOverlap:
    """Time is served once; `touching` tells whether intervals that merely meet overlap.

    With `within_same`, only records that agree in that fact compete: those of one organisation, say.
    """

    clause: Clause
    when: Condition | None
    rule: Overlap
    touching: bool
    within_same: str = ""


@dataclass(frozen=True, slots=True)
class AddTime:
    """Time that the record reports beside the service (the fact `of`) counts as well, up to so much in the period."""

    clause: Clause
    when: Condition | None
    of: str
    per: Period
    at_most: Dated[int]


@dataclass(frozen=True, slots=True)
class DeductTime:
    """Time that the record reports as no service (the fact `of`) is taken off."""

    clause: Clause
    when: Condition | None
    of: str


@dataclass(frozen=True, slots=True)
class CountsAs:
    """Time counts as a share of itself, at most the whole, by the table; whole seconds, rounded down."""

    clause: Clause
    when: Condition | None
    table: Table


@dataclass(frozen=True, slots=True)
class Minimum:
    """A record with less than so many seconds counts for nothing."""

    clause: Clause
    when: Condition | None
    at_least: Dated[int]


@dataclass(frozen=True, slots=True)
class RoundTime:
    """Round to a multiple of `to` seconds, on what the period has added up so far."""

    clause: Clause
    when: Condition | None
    to: Dated[int]
    each: Period
    direction: Direction
    within_same: str = ""


@dataclass(frozen=True, slots=True)
class LimitTime:
    """At most so many seconds in the period; the record that crosses the limit is truncated.

    `at_most` may be a fact of the record, by its name: the set duration of its activity.
    """

    clause: Clause
    when: Condition | None
    per: Period | Window
    at_most: Dated[int] | str
    overflow: Overflow
    within_same: str = ""


@dataclass(frozen=True, slots=True)
class LimitRecords:
    """At most so many records in the period; one more is refused (in `earning.yaml`: earns nothing so far)."""

    clause: Clause
    when: Condition | None
    per: Period | Window
    at_most: Dated[int]
    within_same: str = ""


HoursStep = (
    Count
    | Exclude
    | Hold
    | Revoke
    | NoHours
    | Split
    | NoOverlap
    | AddTime
    | DeductTime
    | CountsAs
    | Minimum
    | RoundTime
    | LimitTime
    | LimitRecords
)
