"""What was decided about a person on the way: stars granted, refused, lost; sanctions; repairs. Never stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum

from lianxing.rules.accounts import Unit
from lianxing.rules.facts import RecordId
from lianxing.rules.places import Clause, Location
from lianxing.rules.sanctions import Effects, OnAsset, Report


class StarOutcome(Enum):
    GRANTED = "granted"
    REFUSED = "refused"
    LOST = "lost"


class StarReason(Enum):
    """Why a star was granted, refused or lost; the word is what a case names."""

    # granted
    REACHED = "reached"
    RATED = "rated"
    APPLIED = "applied"
    NOMINATED = "nominated"
    DIRECT = "direct"
    RENEWED = "renewed"
    # refused
    NO_STAR = "no_star"
    NOT_PASSED = "not_passed"
    NOT_THE_APPROVER = "not_the_approver"
    NOT_NOMINATED = "not_nominated"
    NOT_ABOVE = "not_above"
    NOT_NEXT = "not_next"
    NOT_SELECTED = "not_selected"
    CONDITION = "condition"
    NOT_HIGHEST = "not_highest"
    SANCTION = "sanction"  # also a star lost by one
    # lost
    BELOW = "below"
    EXPIRED = "expired"
    RESTARTED = "restarted"


@dataclass(frozen=True, slots=True)
class StarDecision:
    """A star granted, refused or lost on a day; of a loss, `star` is the star that is left.

    `effective_on` is the day from which a star is held, None where it was refused. `clause` is the ladder, or the
    sanction or transition that took the star. `record` is the application, None where there was none.
    """

    on: date
    star: int
    outcome: StarOutcome
    reason: StarReason
    effective_on: date | None
    clause: Clause
    at: Location
    approver: str = ""
    record: RecordId | None = None


@dataclass(frozen=True, slots=True)
class StarGrant:
    """The points, in hundredths, that the first award of a star brought with it."""

    star: int
    points: int
    on: date


@dataclass(frozen=True, slots=True)
class StarState:
    """The star held on a day: since when, until when where it expires, the highest ever held, the number of the award.

    `number` counts a person's awards; where the policy keeps numbers for life it stays that of the first. None where
    the policy says nothing of numbers, or there was no award.
    """

    held: int = 0
    since: date | None = None
    until: date | None = None
    once_held: int = 0
    number: int | None = None
    decisions: tuple[StarDecision, ...] = ()
    grants: tuple[StarGrant, ...] = ()


@dataclass(frozen=True, slots=True)
class SanctionState:
    """A sanction that began on `since`. `ended_on` is the first day without it, None while it is active.

    `ends_on` is that day as far as it is known beforehand. `serves` and `served` are seconds, where service restores.
    """

    clause: Clause
    effects: Effects
    since: date
    ended_on: date | None
    ends_on: date | None
    serves: int | None
    served: int
    notice_until: date | None
    report: Report | None

    @property
    def active(self) -> bool:
        return self.ended_on is None


class RepairReason(Enum):
    """What became of a repair; the word is what a case names."""

    REPAIRED = "repaired"
    NOTHING_NAMED = "nothing_named"  # no record that the sanction counts goes by that name, or it was repaired before
    TOO_LITTLE = "too_little"
    USED_UP = "used_up"


@dataclass(frozen=True, slots=True)
class RepairResult:
    """A repair: the record that it names, what there was to pay from and what is left, in the unit of the measure."""

    on: date
    clause: Clause
    at: Location
    record: RecordId
    names: str
    reason: RepairReason
    measure: str
    paid: int
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Conduct:
    """What sanctions have come to on a day: all of them, active and past, their effects together, and the repairs."""

    effects: Effects = Effects()
    sanctions: tuple[SanctionState, ...] = ()
    repairs: tuple[RepairResult, ...] = ()

    def freezes(self, unit: Unit) -> Clause | None:
        """Return by which clause nothing that is kept in this unit can be used for the time being."""
        frozen = (one.clause for one in self.sanctions if one.active and one.effects.on(unit) is OnAsset.FROZEN)
        return next(frozen, None)

    def cancelled_to(self, unit: Unit) -> date | None:
        """Return the day until which what was earned in this unit is worth nothing; that does not come back."""
        days = (one.since for one in self.sanctions if one.effects.on(unit) is OnAsset.CANCELLED)
        return max(days, default=None)
