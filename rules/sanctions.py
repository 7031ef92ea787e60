"""What follows from misconduct, and how it ends: the chapter `sanctions.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from lianxing.rules.accounts import Unit
from lianxing.rules.conditions import Condition
from lianxing.rules.dates import Dated
from lianxing.rules.periods import Period
from lianxing.rules.places import Clause, Location


class OnRegistration(Enum):
    """What becomes of the registration; of two sanctions the later word here is the one that counts."""

    KEPT = "kept"
    SUSPENDED = "suspended"
    CANCELLED = "cancelled"


class OnStar(Enum):
    """What becomes of the star held: one star less, or none."""

    KEPT = "kept"
    LOWERED = "lowered"
    CANCELLED = "cancelled"


class OnAsset(Enum):
    """What becomes of points or hours: they stay, cannot be used for the time being, or no longer count."""

    KEPT = "kept"
    FROZEN = "frozen"
    CANCELLED = "cancelled"


class OnPerks(Enum):
    KEPT = "kept"
    STOPPED = "stopped"


class OnRight(Enum):
    """What becomes of a right: to redeem, or to enter service that the system did not see."""

    KEPT = "kept"
    SUSPENDED = "suspended"


class OnCommendation(Enum):
    KEPT = "kept"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True)
class Effects:
    """What a sanction does, each apart from the others; of several sanctions the heaviest effect counts."""

    registration: OnRegistration = OnRegistration.KEPT
    star: OnStar = OnStar.KEPT
    points: OnAsset = OnAsset.KEPT
    hours: OnAsset = OnAsset.KEPT
    black_list: bool = False
    perks: OnPerks = OnPerks.KEPT
    redemption: OnRight = OnRight.KEPT
    entry: OnRight = OnRight.KEPT
    commendation: OnCommendation = OnCommendation.KEPT

    def on(self, unit: Unit) -> OnAsset:
        """Return what becomes of what is earned and kept in this unit."""
        return self.points if unit is Unit.POINTS else self.hours


NO_EFFECTS = Effects()


class Lasts(Enum):
    """How long a sanction lasts where it does not last so many months."""

    FOR_EVER = "for_ever"
    WHILE_TRUE = "while_true"
    UNTIL_RESTORED = "until_restored"


@dataclass(frozen=True, slots=True)
class Restoration:
    """What ends a sanction: months that pass, seconds of service since it began.

    Where both are said, the service has to be given within these months, and the sanction ends when they are over.
    """

    waits: Dated[int] | None
    serves: Dated[int] | None
    location: Location


@dataclass(frozen=True, slots=True)
class Repair:
    """A record of kind `repair` takes the record that it names out of what the sanction counts, and pays for it.

    `paid` is in the unit of the measure `of`, which is that much lower from then on; where it holds less, the repair is
    refused. `once_per` RECORD, CALENDAR_YEAR, or None: once for ever.
    """

    of: str
    paid: Dated[int]
    once_per: Period | None
    location: Location


@dataclass(frozen=True, slots=True)
class Report:
    """Who is told, and whether only with the volunteer's consent."""

    to: tuple[str, ...]
    consent: bool


@dataclass(frozen=True, slots=True)
class Sanction:
    """What follows from the day on which `when` begins to hold, and anew from a record that goes further in it.

    `lasts` is a word or a number of months, which service may shorten (`restored`); UNTIL_RESTORED has a restoration.
    `notice` is in working days.
    """

    clause: Clause
    when: Condition
    effects: Effects
    lasts: Lasts | Dated[int]
    restored: Restoration | None = None
    repair: Repair | None = None
    report: Report | None = None
    notice: Dated[int] | None = None
