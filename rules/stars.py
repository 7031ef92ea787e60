"""When somebody is a star volunteer: the chapter `stars.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from lianxing.rules.conditions import Condition
from lianxing.rules.dates import Dated
from lianxing.rules.periods import MonthDay, Period, Term
from lianxing.rules.places import Clause, Label, Location


class AwardBy(Enum):
    """How a star that is reached becomes a star that is held."""

    AUTOMATIC = "automatic"
    REVIEW = "review"
    APPLICATION = "application"
    NOMINATION = "nomination"


class Sequence(Enum):
    """Which star may be granted: the highest whose condition holds, or only the one after the star held."""

    HIGHEST = "highest"
    ONE_BY_ONE = "one_by_one"


class Below(Enum):
    """What becomes of a star whose condition no longer holds."""

    DOWNGRADE = "downgrade"
    KEEP = "keep"
    REVOKE = "revoke"


class StarNumber(Enum):
    """Whether a volunteer keeps the number of the first award, or each award has one of its own."""

    PERMANENT = "permanent"
    PER_AWARD = "per_award"


@dataclass(frozen=True, slots=True)
class Round:
    """A rating that comes once every `period`: what counts is what there is on the cut-off.

    `cut_off` is one of the cut-offs of the year; those of shorter periods lie whole periods before it, month ends
    clamped: quarters of 12-31 end on 03-31, 06-30, 09-30 and 12-31.
    """

    period: Period
    cut_off: MonthDay
    location: Location


@dataclass(frozen=True, slots=True)
class Award:
    """How stars are awarded and lost.

    `notice` is the time before a star takes effect, `valid` in months from then on. `approver` is the body that decides
    on the stars from a number on. Stars up to `automatic_up_to` need no application. `direct` is what an application
    may show instead of the star's condition; `select` names, for a star, the commendation that one has to be selected
    in. A round is None where applications are decided on their day, and where the award is automatic.
    """

    by: AwardBy
    sequence: Sequence
    below: Below
    location: Location
    round: Round | None = None
    notice: Dated[Term] | None = None
    valid: Dated[int] | None = None
    approver: tuple[tuple[int, str], ...] = ()
    direct: Condition | None = None
    select: Mapping[int, str] = field(default_factory=dict)
    number: StarNumber | None = None
    automatic_up_to: int = 0

    @property
    def as_reached(self) -> bool:
        """Tell whether the star held is, day by day, the star reached; then nothing has to be remembered of a life."""
        downgrades = self.by is AwardBy.AUTOMATIC and self.below is Below.DOWNGRADE
        return downgrades and self.notice is None and self.valid is None and not self.select and self.number is None

    def approver_of(self, star: int) -> str:
        """Return who decides on a star, empty where nobody is named."""
        return next((who for first, who in reversed(self.approver) if first <= star), "")


@dataclass(frozen=True, slots=True)
class StarLevel:
    """A star and what it takes."""

    star: int
    condition: Condition
    location: Location


@dataclass(frozen=True, slots=True)
class LowersTheBasis:
    """Whether what a star rests on goes down when points are spent or expire, or a record is revoked."""

    spending: bool
    expiry: bool
    revocation: bool


@dataclass(frozen=True, slots=True)
class StarScale:
    """The ladder, ascending; the star reached is the highest whose condition holds, 0 if none does.

    `titles` name stars; `grants` are the points, in hundredths, that the award of a star brings with it.
    """

    clause: Clause
    award: Award
    levels: tuple[StarLevel, ...]
    lowers_the_basis: LowersTheBasis | None = None
    titles: Mapping[int, Label] = field(default_factory=dict)
    grants: tuple[tuple[int, Dated[int]], ...] = ()
