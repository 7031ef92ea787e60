"""What time, events and evaluations earn: the chapter `earning.yaml`, as steps in the order of the file.

Amounts are exact fractions of a hundredth of a point until a `RoundPoints`; after it they are whole hundredths.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from lianxing.rules.conditions import Condition
from lianxing.rules.dates import Dated
from lianxing.rules.facts import FactType
from lianxing.rules.hours import Direction, LimitRecords, Overflow
from lianxing.rules.periods import Period, Window
from lianxing.rules.places import Clause, Location
from lianxing.rules.tables import Table


class Combine(Enum):
    """What several rates of one statement that apply to the same record come to.

    `SUM` of factors adds up what each is above one: 2 and 1.5 make 2.5. `FIRST` is in the order of the file.
    """

    MAX = "max"
    PRODUCT = "product"
    SUM = "sum"
    FIRST = "first"


@dataclass(frozen=True, slots=True)
class Rate:
    """A table, and which records it is asked for; without a condition, all that the statement applies to."""

    when: Condition | None
    table: Table
    location: Location


@dataclass(frozen=True, slots=True)
class Rates:
    """One rate, or several with the rule for combining them; `combine` is None where there is one."""

    combine: Combine | None
    rates: tuple[Rate, ...]

    @property
    def tables(self) -> tuple[Table, ...]:
        return tuple(rate.table for rate in self.rates)


@dataclass(frozen=True, slots=True)
class PointsPerHour:
    """Adds the credited time times the points per hour."""

    clause: Clause
    when: Condition | None
    rates: Rates


@dataclass(frozen=True, slots=True)
class PointsPerEvent:
    """Adds the points once per record, however long it took."""

    clause: Clause
    when: Condition | None
    rates: Rates


@dataclass(frozen=True, slots=True)
class Multiply:
    """Multiplies what the steps before have earned by the factor."""

    clause: Clause
    when: Condition | None
    rates: Rates


@dataclass(frozen=True, slots=True)
class Add:
    """Adds the points to what was earned, once per record; a negative number deducts."""

    clause: Clause
    when: Condition | None
    rates: Rates


class LastBlock(Enum):
    """What a block that is not full earns: nothing, or its part."""

    LOST = "lost"
    COUNTED = "counted"


@dataclass(frozen=True, slots=True)
class Bracket:
    """Of what lies below `up_to` (None: of all the rest), every full `every` earns so many points, or costs them."""

    up_to: int | None
    every: int
    points: Fraction
    location: Location
    said_up_to: bool = True


@dataclass(frozen=True, slots=True)
class Brackets:
    """Points by brackets of what the period has added up; a record earns what it adds, or loses what it costs.

    `of` is `hours` (seconds) or a numeric fact of the record, in the held unit of `type`.
    """

    clause: Clause
    when: Condition | None
    of: str
    type: FactType
    each: Period
    part: LastBlock
    steps: Dated[tuple[Bracket, ...]]
    within_same: str = ""


@dataclass(frozen=True, slots=True)
class Band:
    """From `at_least` on, so many points in all."""

    at_least: int
    points: Fraction
    location: Location


@dataclass(frozen=True, slots=True)
class Bands:
    """Points by the highest band that the period's total has reached; a record earns what it adds.

    `of` is `hours`, `records` or a numeric fact of the record.
    """

    clause: Clause
    when: Condition | None
    of: str
    type: FactType
    each: Period
    steps: Dated[tuple[Band, ...]]
    within_same: str = ""


@dataclass(frozen=True, slots=True)
class Zero:
    """What satisfies the condition earns nothing from the steps before."""

    clause: Clause
    when: Condition | None
    condition: Condition


@dataclass(frozen=True, slots=True)
class RoundPoints:
    """Round to a multiple of `to` hundredths of a point, on what the period has added up so far."""

    clause: Clause
    when: Condition | None
    to: Dated[int]
    each: Period
    direction: Direction
    within_same: str = ""


@dataclass(frozen=True, slots=True)
class LimitPoints:
    """At most so many hundredths of a point in the period; the record that crosses the limit is truncated."""

    clause: Clause
    when: Condition | None
    per: Period | Window
    at_most: Dated[int]
    overflow: Overflow
    within_same: str = ""


@dataclass(frozen=True, slots=True)
class LimitStep:
    """At most so many hundredths of a point from one statement in the period: the rest of what it gave is taken back.

    What it gave is what it added to a record, times the factors since, in whole hundredths half up.
    """

    clause: Clause
    when: Condition | None
    of: str
    per: Period | Window
    at_most: Dated[int]
    overflow: Overflow


@dataclass(frozen=True, slots=True)
class Floor:
    """Deductions stop where the period would fall below so many hundredths of a point."""

    clause: Clause
    when: Condition | None
    per: Period
    at_least: Dated[int]


@dataclass(frozen=True, slots=True)
class LimitShare:
    """At most such a share of all points that the period has earned so far, those of this record among them."""

    clause: Clause
    when: Condition | None
    per: Period
    share: Dated[Fraction]
    overflow: Overflow


Rated = PointsPerHour | PointsPerEvent | Multiply | Add
EarningStep = (
    Rated | Brackets | Bands | Zero | RoundPoints | LimitPoints | LimitStep | LimitShare | LimitRecords | Floor
)
