"""Review as it happens: what is reviewed, the steps taken so far, and the answer to the next one. Days, no instants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import Enum

from lianxing.rules.decisions import StarReason
from lianxing.rules.facts import FactValue, RecordId, RegistryId, VolunteerId
from lianxing.rules.periods import Term
from lianxing.rules.places import Clause, Location
from lianxing.rules.redeeming import Reason
from lianxing.rules.review import Appeal

REFUSED_STATE = "refused"  # what a record is once somebody has revoked it


class About(Enum):
    """What is reviewed."""

    RECORD = "record"
    STAR = "star"
    REDEMPTION = "redemption"  # what is held until its approver has decided; commands of the bank decide it


class Doing(Enum):
    """What somebody does in a review. The word stands in the entry of the passbook, which is of the kind `review`."""

    APPLIED = "applied"  # hands it in: the time of the first stage begins
    ADVANCED = "advanced"  # takes a record through a stage
    LATE_ENTRY = "late_entry"  # the same after the time of the stage is over
    APPROVED = "approved"  # decides that a star may be awarded
    RETURNED = "returned"  # sends it back to where it came from; an application for a star is over with it
    POSTED = "posted"  # puts it up for everybody to see
    OBJECTED = "objected"
    OUTCOME = "outcome"  # upholds an objection or dismisses it
    APPEALED = "appealed"
    APPEAL_OUTCOME = "appeal_outcome"  # upholds an appeal, so that the outcome is turned round, or dismisses it
    TOOK_EFFECT = "took_effect"  # the notice is over: nobody decides that, the days do
    CHECKED = "checked"  # a spot check
    REVOKED = "revoked"
    AWARDED = "awarded"
    CERTIFICATE_ISSUED = "certificate_issued"
    LOWERED = "lowered"  # a star that was lost is taken note of


class StarStage(Enum):
    """How far the application for a star has come."""

    NONE = ""
    APPLIED = "applied"
    APPROVED = "approved"
    RETURNED = "returned"
    AWARDED = "awarded"
    LOWERED = "lowered"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Basis:
    """What a star rests on, frozen on the day that counts: the day asked, or the cut-off of the rating.

    `held` is the star held on that day, `reached` the highest whose condition holds. `refused` is why this star may not
    be granted, None if it may. `measures` are sum and, for a quotient, count.
    """

    on: date
    star: int
    held: int
    reached: int
    refused: StarReason | None
    measures: tuple[tuple[str, int, int | None], ...] = ()
    policy_digest: str = ""


@dataclass(frozen=True, slots=True)
class Posting:
    """A notice as it holds for one subject; `by` is empty where any body may post and settle."""

    clause: Clause
    location: Location
    term: Term
    suspends: bool
    by: str
    appeal: Appeal | None
    to_state: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """Something that somebody did in a review.

    `role` is the body that acts, `actor` the person in it. `stage` names the stage of `review.yaml` where several are
    open. `upheld` belongs to an outcome, `basis` to the approval of a star, `number` to a certificate. `objection` is
    which objection is meant, counted from 1; 0 is the only one that is open. `state` is what the verdict said it came
    to, `posting` the notice that was posted: stored with the step, so that a change of the policy undoes nothing; of a
    proposed step they are not read.
    """

    doing: Doing
    on: date
    actor: str
    role: str = ""
    reason: str = ""
    stage: str = ""
    upheld: bool | None = None
    objection: int = 0
    basis: Basis | None = None
    number: str = ""
    state: str = ""
    posting: Posting | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What is reviewed: a record of a person, a person's application for a star, or what they ask of an offer.

    `day` is the day of service, or that of the application; the conditions of stages are asked of it. `entered_on` is
    the day on which a record came in where that is another one: the time of its first stage runs from it. `facts` is
    what those conditions ask; of a record they hold the `state` that its registry reports. `nominated`: an
    organization handed the application in. `entry` is the reservation that waits, of the offer `offer`.
    """

    about: About
    volunteer: VolunteerId
    day: date
    entered_on: date | None = None
    facts: Mapping[str, FactValue] = field(default_factory=dict)
    registry: RegistryId = RegistryId("")
    record: RecordId = RecordId("")
    star: int = 0
    nominated: bool = False
    offer: str = ""
    entry: int = 0

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What tells a subject from every other one."""
        return (
            self.about.value,
            self.registry or self.volunteer,
            self.record or self.day.isoformat(),
            self.star or self.entry,
        )


@dataclass(frozen=True, slots=True)
class Next:
    """What may be done next: by whom (empty: anybody), through which stage, from which day, until which day.

    `until` is None where no time is set. `overdue` is told for the day of the question.
    """

    doing: Doing
    by: str
    stage: str = ""
    since: date | None = None
    until: date | None = None
    overdue: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to a step: allowed or not with every reason; how it stands after it, and what may be done next.

    `state` is the fact `state` of a record, or the word of a StarStage. `due` is the last day of the time that runs,
    None where none runs or it stands still. `late`: the step came after its time. `posting` is what is posted. A step
    that is refused changes nothing.
    """

    allowed: bool
    reasons: tuple[Reason, ...]
    state: str
    due: date | None
    suspended: bool
    next: tuple[Next, ...]
    late: bool = False
    posting: Posting | None = None

    def taken(self, step: Step) -> Step:
        """Return a step that was allowed as it is stored, with what it came to."""
        return replace(step, state=self.state, posting=self.posting if step.doing is Doing.POSTED else None)


@dataclass(frozen=True, slots=True)
class Awarded:
    """A star that was awarded: the day whose standing counted, the day from which it is held, and who decided."""

    star: int
    counted_on: date
    effective_on: date
    approver: str
    nominated: bool = False
    number: str = ""


@dataclass(frozen=True, slots=True)
class Due:
    """A line of a work list: what, and what may be done with it."""

    subject: Subject
    next: Next
