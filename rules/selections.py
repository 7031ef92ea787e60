"""The answer to a commendation: who is selected and why, who is not and why not. Derived, never stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum
from fractions import Fraction

from lianxing.rules.commendation import ShareOf, Ties
from lianxing.rules.facts import FactValue
from lianxing.rules.hours import Direction
from lianxing.rules.periods import Term
from lianxing.rules.places import Clause, Location
from lianxing.rules.ranking import RankValue
from lianxing.rules.scores import ScoreResult
from lianxing.rules.standings import Gap


class Bar(Enum):
    """What keeps somebody from being put forward."""

    NOT_ELIGIBLE = "not_eligible"
    WON_BEFORE = "won_before"
    SANCTIONED = "sanctioned"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why somebody is not put forward: the clause, its line, and the tests that fail or the honour that was won."""

    bar: Bar
    clause: Clause
    location: Location
    gaps: tuple[Gap, ...] = ()
    honour: str = ""
    honoured_on: date | None = None


@dataclass(frozen=True, slots=True)
class Ineligible:
    """Somebody who is not put forward, with every reason."""

    id: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Ranked:
    """Somebody who is put forward: the place in the group, the values that gave it, the score sheets behind them.

    `preferred`: comes first among equals. `by_exception`: what is lacking of the ordinary condition, which an exception
    stands in for; `exception_at` is the line of that exception, None for everybody else.
    """

    id: str
    group: FactValue | None
    place: int
    values: tuple[RankValue, ...]
    preferred: bool
    scores: tuple[ScoreResult, ...]
    exception_at: Location | None
    by_exception: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class Places:
    """How many places a group has, and the arithmetic: `share` of `base` is `exact`, rounded to `places`."""

    group: FactValue | None
    places: int
    share: Fraction | None
    of: ShareOf | None
    base: int | None
    exact: Fraction | None
    direction: Direction | None
    location: Location


@dataclass(frozen=True, slots=True)
class Tie:
    """Equals on both sides of the last place: who they are, how many places were left for them, what was decided."""

    group: FactValue | None
    place: int
    ids: tuple[str, ...]
    places_left: int
    decision: Ties


@dataclass(frozen=True, slots=True)
class StepDue:
    """A step of the procedure with the time that it has on the day asked, None where none is said."""

    name: str
    by: str
    within: Term | None


@dataclass(frozen=True, slots=True)
class Selection:
    """What a commendation came to on a day, for the period from `first` to `last`.

    `selected`, `undecided` and `reserve` are in order, group by group; `undecided` are equals between whom somebody has
    to decide. `recommends_to` is to whom the selected are put forward, empty where nobody is said.
    """

    clause: Clause
    first: date
    last: date
    on: date
    policy_digest: str
    candidates: int
    selected: tuple[Ranked, ...]
    undecided: tuple[Ranked, ...]
    reserve: tuple[Ranked, ...]
    ineligible: tuple[Ineligible, ...]
    places: tuple[Places, ...]
    ties: tuple[Tie, ...]
    steps: tuple[StepDue, ...]
    recommends_to: str
