"""Named totals over a person's history: the chapter `measures.yaml`. Stars and conditions name only declared ones."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from lianxing.rules.conditions import Condition
from lianxing.rules.facts import Fact, FactType
from lianxing.rules.periods import Window
from lianxing.rules.places import Clause


class Total(Enum):
    """How a measure adds up the counted records that it sees."""

    SUM = "sum"
    COUNT = "count"
    MEAN = "mean"
    SHARE = "share"


HOURS = "hours"
POINTS = "points"
RECORDS = "records"


@dataclass(frozen=True, slots=True)
class Measure:
    """A total over the counted records within `window` for which `where` holds.

    SUM adds up `of`: credited `hours`, `points`, or a numeric fact of the record. COUNT counts `records`. MEAN is the
    mean of a numeric fact over the records that have it; SHARE the part of the records for which `share_of` holds.
    MEAN and SHARE are quotients: they are compared, never rounded, and missing while there is nothing to divide by.
    """

    clause: Clause
    total: Total
    of: str
    type: FactType
    window: Window
    where: Condition | None
    share_of: Condition | None
    fact: Fact
