"""What a record goes through before and after it counts: the chapter `review.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from lianxing.rules.conditions import Condition
from lianxing.rules.dates import Dated
from lianxing.rules.hours import Direction
from lianxing.rules.periods import Period, Term
from lianxing.rules.places import Clause, Location


class Posted(Enum):
    """What is put up for everybody to see."""

    HOURS = "hours"
    POINTS = "points"
    STARS = "stars"
    REDEMPTION = "redemption"
    COMMENDATION = "commendation"
    SANCTIONS = "sanctions"


class Objection(Enum):
    """What an objection does to a notice: the period stands still until it is settled, or goes on."""

    SUSPENDS = "suspends"
    GOES_ON = "goes_on"


class Combine(Enum):
    """How the axes of an evaluation become one score."""

    MEAN = "mean"
    LOWEST = "lowest"
    HIGHEST = "highest"
    SUM = "sum"


class Late(Enum):
    """What an evaluation after its time is worth: nothing, as if it had not come, or as much as any."""

    MISSING = "missing"
    COUNTS = "counts"


@dataclass(frozen=True, slots=True)
class Stage:
    """Somebody takes a record from one state to the next, within a term that begins when it got into the first.

    With `when`, only a record for which that holds; `within` is None where no time is set.
    """

    clause: Clause
    when: Condition | None
    from_state: str
    to_state: str
    by: str
    within: Dated[Term] | None


@dataclass(frozen=True, slots=True)
class Appeal:
    """Against the outcome of an objection one may appeal once, within a term from it, and `by` decides."""

    within: Dated[Term]
    by: str
    location: Location


@dataclass(frozen=True, slots=True)
class Notice:
    """Something is posted for a term, during which anybody may object.

    A notice of records may be a step of their way: what is in `from_state` is posted, and is in `to_state` once the
    term is over and every objection is settled. Without the two (empty) it stands beside the way. `by` posts and
    settles objections; empty: whoever took the record to where it is posted, and of a star its approver.
    """

    clause: Clause
    of: Posted
    within: Dated[Term]
    objection: Objection
    from_state: str = ""
    to_state: str = ""
    by: str = ""
    appeal: Appeal | None = None


@dataclass(frozen=True, slots=True)
class Correction:
    """What is recorded wrongly is verified and put right within a term from the request."""

    clause: Clause
    within: Dated[Term]
    verified_by: str


@dataclass(frozen=True, slots=True)
class SpotCheck:
    """At least this share of the records of a period is checked afterwards."""

    clause: Clause
    share: Dated[Fraction]
    per: Period
    by: str


@dataclass(frozen=True, slots=True)
class Retention:
    """Records are kept for at least so many months."""

    clause: Clause
    at_least: Dated[Term]


@dataclass(frozen=True, slots=True)
class Grade:
    """From this score on, in ten-thousandths, an evaluation has this grade."""

    at_least: int
    grade: str
    location: Location


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How the facts `evaluation_score` and `evaluation` follow from what was said on each axis.

    Numbers in ten-thousandths. `default` is what an axis counts of which nothing was said; None leaves an incomplete
    evaluation out. `evaluators` empty: anybody. `within` None: at any time. Grades descend; empty leaves the
    evaluation's grade to the registry.
    """

    clause: Clause
    axes: tuple[str, ...]
    combine: Combine
    to: int
    direction: Direction
    default: int | None
    evaluators: tuple[str, ...]
    within: Term | None
    late: Late
    grades: tuple[Grade, ...] = ()


ReviewStatement = Stage | Notice | Correction | SpotCheck | Retention | Evaluation


def has_deadline(statement: ReviewStatement) -> bool:
    """Tell whether a statement says by when something is due."""
    open_end = isinstance(statement, Evaluation | Stage) and statement.within is None
    return not isinstance(statement, SpotCheck) and not open_end
