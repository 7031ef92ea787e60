"""Where a person stands on a day: totals, star, what the next star still takes, perks. Derived, never stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from lianxing.rules.conditions import Operator
from lianxing.rules.decisions import Conduct, StarState
from lianxing.rules.facts import CountyId, FactType, FactValue, VolunteerId
from lianxing.rules.periods import Period
from lianxing.rules.perks import Beneficiary, Proof
from lianxing.rules.places import Clause, Label, Location
from lianxing.rules.records import ServiceRecord
from lianxing.rules.sanctions import OnPerks
from lianxing.rules.scores import ScoreResult
from lianxing.rules.transition import TransitionLine


class Counted(NamedTuple):
    """A past record with what it was finally worth: seconds and hundredths of a point after every adjustment.

    `counted` is false for a record that a clause refused: no measure sees it.
    """

    record: ServiceRecord
    supplied: Mapping[str, FactValue]
    seconds: int
    points: int
    counted: bool


@dataclass(frozen=True, slots=True)
class MeasureLine:
    """A measure on the day. A quotient has a `count` beside its `sum`; any other has None there."""

    clause: Clause
    type: FactType
    sum: int
    count: int | None


@dataclass(frozen=True, slots=True)
class Gap:
    """One test of the next star that does not hold yet: what it needs, what there is (None: missing), what lacks.

    Values are in the held unit of `type`. `lacking` is None where no amount tells it (a date, a word, a quotient).
    """

    fact: str
    type: FactType
    operator: Operator | None
    needed: FactValue
    has: FactValue | Fraction | None
    lacking: int | None
    location: Location


@dataclass(frozen=True, slots=True)
class HeldPerk:
    """A perk that is open: what share of a price is still paid (None: it has no price), its face value, how often.

    `uses_at_most` in each `uses_per`, or as often as wanted for `pass_months` from the day of issue, or as often as
    `earned_so_far`; all None where it may be used without limit. `chosen_by` is the choice that it has to be taken by.
    """

    clause: Clause
    provider: str
    pays: Fraction | None
    pays_at: Location | None
    uses_at_most: int | None
    uses_per: Period | None
    worth: int | None = None  # hundredths of a yuan
    worth_at: Location | None = None
    pass_months: int | None = None
    earned_so_far: int | None = None
    chosen_by: Clause | None = None
    sites: tuple[str, ...] = ()
    department: str = ""
    legal_ground: str = ""
    beneficiaries: tuple[Beneficiary, ...] = ()
    shows: Proof | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """The answer to `standing(volunteer, on)`.

    `star_reached` is derived from the measures; `star_held` was awarded and equals it where the award is automatic.
    `star_at` is the line of the level held, None without a star; `next_star` is None at the top of the ladder.
    `scores` are the score sheets line by line; `transitions` what changes of rules did to the measures on the way.
    `star` tells since when a star is held and how that came about; None where it simply is the star reached. `conduct`
    is what sanctions have come to.
    """

    volunteer: VolunteerId
    county: CountyId
    on: date
    policy_digest: str
    records: int
    seconds: int
    points: int
    measures: tuple[MeasureLine, ...]
    star_reached: int
    star_held: int
    star_clause: Clause | None
    star_at: Location | None
    next_star: int | None
    gaps: tuple[Gap, ...]
    perks: tuple[HeldPerk, ...]
    scores: tuple[ScoreResult, ...] = ()
    transitions: tuple[TransitionLine, ...] = ()
    star: StarState | None = None
    star_title: Label = Label()
    conduct: Conduct = Conduct()

    @property
    def perks_stopped(self) -> bool:
        """Whether a sanction keeps every perk closed."""
        return self.conduct.effects.perks is OnPerks.STOPPED
