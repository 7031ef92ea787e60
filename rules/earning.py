"""What time, events and evaluations earn: the chapter `earning.yaml`, as steps in the order of the file.

Amounts are exact fractions of a hundredth of a point until a `RoundPoints`; after it they are whole hundredths.
"""

from __future__ import annotations

from dataclasses import dataclass

from lianxing.rules.conditions import Condition
from lianxing.rules.dates import Dated
from lianxing.rules.hours import Direction, Overflow
from lianxing.rules.periods import Period
from lianxing.rules.places import Clause
from lianxing.rules.tables import Table


@dataclass(frozen=True, slots=True)
class PointsPerHour:
    """Adds the credited time times the table's points per hour."""

    clause: Clause
    when: Condition | None
    table: Table


@dataclass(frozen=True, slots=True)
class PointsPerEvent:
    """Adds the table's points once per record, however long it took."""

    clause: Clause
    when: Condition | None
    table: Table


@dataclass(frozen=True, slots=True)
class Multiply:
    """Multiplies what the steps before have earned by the table's factor."""

    clause: Clause
    when: Condition | None
    table: Table


@dataclass(frozen=True, slots=True)
class Add:
    """Adds the table's points to what was earned, once per record; a negative number deducts."""

    clause: Clause
    when: Condition | None
    table: Table


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


@dataclass(frozen=True, slots=True)
class LimitPoints:
    """At most so many hundredths of a point in the period; the record that crosses the limit is truncated."""

    clause: Clause
    when: Condition | None
    per: Period
    at_most: Dated[int]
    overflow: Overflow


EarningStep = PointsPerHour | PointsPerEvent | Multiply | Add | Zero | RoundPoints | LimitPoints
