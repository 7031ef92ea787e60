"""What an import reports: how many records it has read, and what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

from lianxing.rules.facts import VolunteerId
from lianxing.rules.records import SetAside


@dataclass
class Report:
    """What became of everything that was read; `records_read` is the sum of the six numbers after it.

    A record is booked, corrected (booked before with other content), withdrawn (the registry took it back), unchanged
    (booked before with the same content), withheld (a plugin objects), or set aside. Of those booked or corrected,
    `refused` were booked with nothing, because a clause refuses them, and `held` wait.
    `adjusted` counts earlier records whose worth a late one changed, some of them booked under another policy;
    `earlier` were before the day asked for; `stars_of` holds the star of everybody who had a new record.
    """

    records_read: int = 0
    booked: int = 0
    corrected: int = 0
    withdrawn: int = 0
    unchanged: int = 0
    withheld: int = 0
    set_aside: int = 0
    refused: int = 0
    held: int = 0
    adjusted: int = 0
    adjusted_by_another_policy: int = 0
    earlier: int = 0
    seconds: int = 0
    points: int = 0
    volunteers_read: int = 0
    volunteers_saved: int = 0
    volunteers_set_aside: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    stars_of: dict[VolunteerId, int] = field(default_factory=dict)
    star_changes: int = 0

    @property
    def taken_in(self) -> int:
        """How many records the ledger knows now as they were handed over."""
        return self.booked + self.corrected + self.withdrawn + self.unchanged

    def add(self, other: Report) -> None:
        """Count what another report has counted, too."""
        for one in fields(self):
            mine, theirs = getattr(self, one.name), getattr(other, one.name)
            if isinstance(mine, dict):
                mine.update(theirs)  # a Counter adds
            else:
                setattr(self, one.name, mine + theirs)

    def data(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return {
            "records_read": self.records_read,
            "booked": self.booked,
            "corrected": self.corrected,
            "withdrawn": self.withdrawn,
            "unchanged": self.unchanged,
            "withheld": self.withheld,
            "set_aside": self.set_aside,
            "refused_by_a_clause": self.refused,
            "held_by_a_clause": self.held,
            "adjusted": self.adjusted,
            "adjusted_by_another_policy": self.adjusted_by_another_policy,
            "earlier": self.earlier,
            "seconds": self.seconds,
            "points_hundredths": self.points,
            "volunteers_read": self.volunteers_read,
            "volunteers_saved": self.volunteers_saved,
            "volunteers_set_aside": self.volunteers_set_aside,
            "set_aside_reasons": dict(sorted(self.reasons.items())),
            "stars": {str(star): count for star, count in sorted(Counter(self.stars_of.values()).items())},
            "star_changes": self.star_changes,
        }


def aside(row: SetAside, report: Report, put_aside: Callable[[SetAside], None]) -> None:
    """Count a row that does not go in by its reason, and hand it on."""
    report.reasons[row.reason] += 1
    put_aside(row)
