"""Named totals over a person's history: the chapter `measures.yaml`. Stars and conditions name only declared ones."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from lianxing.rules.conditions import Condition
from lianxing.rules.dates import Dated
from lianxing.rules.facts import Fact, FactType
from lianxing.rules.periods import Period, Window
from lianxing.rules.places import Clause
from lianxing.rules.scores import Score


class Total(Enum):
    """How a measure makes one value of the counted records that it sees; a score makes it of other measures."""

    SUM = "sum"
    COUNT = "count"
    DISTINCT = "distinct"
    MEAN = "mean"
    SHARE = "share"
    LARGEST = "largest"
    SMALLEST = "smallest"
    FIRST = "first"
    LAST = "last"
    STREAK = "streak"
    SCORE = "score"


HOURS = "hours"
POINTS = "points"
RECORDS = "records"
DAY = "day"
VOLUNTEER = "volunteer"


class Which(Enum):
    """Which run of periods a streak is about."""

    CURRENT = "current"  # the one that reaches to the day asked, or to the period before the one still running
    LONGEST = "longest"


@dataclass(frozen=True, slots=True)
class Streak:
    """How many periods in a row each hold at least so much: seconds, hundredths of a point, or records.

    A period is judged by the amount that was in force on its first day.
    """

    at_least: Dated[int]
    per: Period
    which: Which


@dataclass(frozen=True, slots=True)
class Measure:
    """A total over the counted records within `window` for which `where` holds.

    SUM adds up `of`: credited `hours`, `points`, or a numeric fact of the record. COUNT counts `records`. With
    `best_of`, a total is kept for every value of that fact, and the greatest is the measure. DISTINCT counts the
    different values of `of`; a record without one is not counted. MEAN is the mean of a number over the records that
    have it; SHARE the part of the records for which `share_of` holds. LARGEST and SMALLEST are of one record; FIRST and
    LAST are what the earliest and the latest record says, or their `day`. STREAK counts periods in a row.

    MEAN and SHARE are quotients: they are compared, never rounded. Like LARGEST, SMALLEST, FIRST and LAST they are
    missing while there is nothing to make them of; every other is 0 then.
    """

    clause: Clause
    total: Total
    of: str
    type: FactType
    window: Window
    where: Condition | None
    share_of: Condition | None
    fact: Fact
    best_of: str = ""
    streak: Streak | None = None
    score: Score | None = None
