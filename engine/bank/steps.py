"""Steps of reviews as a passbook keeps them: what an entry of the kind `review` says, and what it comes to when read.

A record that was never reviewed here stands where its registry says. With its first step the ledger leads: the state
from which it began is kept with each step, and what the registry says of the state later is not heard.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

import orjson

from lianxing.engine.bank.terms import clause_from, place_from
from lianxing.engine.basis import Lowering
from lianxing.engine.ledger.stored import Held, Noted
from lianxing.engine.life import Life
from lianxing.engine.reviewing import awarded, record_subject
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.dates import Dated, Since
from lianxing.rules.decisions import StarOutcome, StarReason
from lianxing.rules.facts import FactValue, RecordId, RegistryId, VolunteerId
from lianxing.rules.periods import Term
from lianxing.rules.policy import Policy
from lianxing.rules.records import ServiceRecord, Volunteer
from lianxing.rules.review import Appeal
from lianxing.rules.reviewing import About, Awarded, Basis, Doing, Posting, Step, Subject
from lianxing.rules.standings import Counted
from lianxing.rules.stars import AwardBy

REVIEW = "review"  # the kind of an entry
STATE = "state"

Reviewed = tuple[Subject, list[Step]]


@dataclass(frozen=True, slots=True)
class Taken:
    """A step that was taken: the original entry of its record (0 of a star), and the state before the step."""

    subject: Subject
    original: int
    was: str
    step: Step


# --- plain data ------------------------------------------------------------------------------------------------------


def step_data(subject: Subject, original: int, was: str, step: Step) -> dict[str, Any]:
    """Return a step with what it is about as plain data; its day, actor and reason are those of the entry."""
    about: dict[str, Any] = {"about": subject.about.value}
    if subject.about is About.RECORD:
        about |= {"registry": subject.registry, "record": subject.record, "original": original}
    else:
        about |= {"star": subject.star, "applied_on": subject.day.isoformat(), "nominated": subject.nominated}
    return {
        **about,
        "doing": step.doing.value,
        "role": step.role,
        "stage": step.stage,
        "upheld": step.upheld,
        "objection": step.objection,
        "number": step.number,
        "basis": None if step.basis is None else basis_data(step.basis),
        "was": was,
        "state": step.state,
        "posting": None if step.posting is None else posting_data(step.posting),
    }


def basis_data(basis: Basis) -> dict[str, Any]:
    """Return what a star rests on as plain data."""
    return {
        "on": basis.on.isoformat(),
        "star": basis.star,
        "held": basis.held,
        "reached": basis.reached,
        "refused": None if basis.refused is None else basis.refused.value,
        "measures": [list(one) for one in basis.measures],
        "policy": basis.policy_digest,
    }


def posting_data(posting: Posting) -> dict[str, Any]:
    """Return a notice that was posted as plain data."""
    return {
        "clause": posting.clause.id,
        "at": str(posting.location),
        "cites": posting.clause.source.clause,
        "term": asdict(posting.term),
        "suspends": posting.suspends,
        "by": posting.by,
        "appeal": None if posting.appeal is None else _appeal_data(posting.appeal),
        "to_state": posting.to_state,
    }


def _appeal_data(appeal: Appeal) -> dict[str, Any]:
    within = [[since.day.isoformat(), asdict(since.value)] for since in appeal.within.entries]
    return {"within": within, "by": appeal.by, "at": str(appeal.location)}


def taken(person: VolunteerId, notes: Iterable[Noted]) -> Iterator[Taken]:
    """Yield the steps that the entries of a passbook tell of, in their order."""
    for note in notes:
        said = orjson.loads(note.body)["review"]
        yield Taken(_subject_from(person, note, said), said.get("original", 0), said["was"], _step_from(note, said))


def _subject_from(person: VolunteerId, note: Noted, said: Mapping[str, Any]) -> Subject:
    if said["about"] == About.RECORD.value:
        registry, record = RegistryId(said["registry"]), RecordId(said["record"])
        return Subject(About.RECORD, person, note.on, registry=registry, record=record)
    day = date.fromisoformat(said["applied_on"])
    return Subject(About.STAR, person, day, star=said["star"], nominated=said["nominated"])


def _step_from(note: Noted, said: Mapping[str, Any]) -> Step:
    return Step(
        doing=Doing(said["doing"]),
        on=note.on,
        actor=note.actor,
        role=said["role"],
        reason=note.reason,
        stage=said["stage"],
        upheld=said["upheld"],
        objection=said["objection"],
        basis=None if said["basis"] is None else _basis_from(said["basis"]),
        number=said["number"],
        state=said["state"],
        posting=None if said.get("posting") is None else _posting_from(said["posting"]),
    )


def _basis_from(said: Mapping[str, Any]) -> Basis:
    return Basis(
        on=date.fromisoformat(said["on"]),
        star=said["star"],
        held=said["held"],
        reached=said["reached"],
        refused=None if said["refused"] is None else StarReason(said["refused"]),
        measures=tuple((id, sum, count) for id, sum, count in said["measures"]),
        policy_digest=said["policy"],
    )


def _posting_from(said: Mapping[str, Any]) -> Posting:
    return Posting(
        clause=clause_from(str(said["clause"]), said),
        location=place_from(said["at"]),
        term=Term(**said["term"]),
        suspends=said["suspends"],
        by=said["by"],
        appeal=None if said["appeal"] is None else _appeal_from(said["appeal"]),
        to_state=said["to_state"],
    )


def _appeal_from(said: Mapping[str, Any]) -> Appeal:
    at = place_from(said["at"])
    within = Dated(tuple(Since(date.fromisoformat(day), Term(**term), at) for day, term in said["within"]))
    return Appeal(within, said["by"], at)


# --- records ---------------------------------------------------------------------------------------------------------


def record_review(
    rulebook: Rulebook, person: Volunteer, held: Held, steps: Iterable[Taken]
) -> tuple[Subject, list[Step]]:
    """Return a record as its review sees it, from the state in which that began, and its steps so far.

    Steps of an earlier life of the record, before its registry took it back and brought it again, are over with it;
    what was revoked there comes again as `refused`.
    """
    own = of_record(held, steps)
    record = held.record if not own else in_state(held.record, own[0].was)
    return record_subject(rulebook, person, record, held.supplied), [one.step for one in own]


def of_record(held: Held, steps: Iterable[Taken]) -> list[Taken]:
    """Return the steps that are of a record as it stands in this passbook."""
    return _steps_of(held.record.key, held.entry, steps)


def states_of(record: tuple[str, str], original: int, steps: Iterable[Taken]) -> list[str]:
    """Return the states in which the review of a record has seen it, in their order; none without a step."""
    own = _steps_of(record, original, steps)
    return [own[0].was, *(one.step.state for one in own)] if own else []


def _steps_of(record: tuple[str, str], original: int, steps: Iterable[Taken]) -> list[Taken]:
    return [one for one in steps if (one.subject.registry, one.subject.record, one.original) == (*record, original)]


def in_state(record: ServiceRecord, state: str) -> ServiceRecord:
    """Return a record with another state; without one where that is empty."""
    facts: dict[str, FactValue] = {name: value for name, value in record.facts.items() if name != STATE}
    return replace(record, facts=facts | {STATE: state} if state else facts)


# --- stars -----------------------------------------------------------------------------------------------------------


def star_reviews(steps: Iterable[Taken]) -> list[Reviewed]:
    """Return a person's applications for stars with their steps, in the order in which they were handed in.

    Who was sent back may apply again on the same day: what follows is a step of the second application.
    """
    found: list[Reviewed] = []
    newest: dict[tuple[str, str, str, int], Reviewed] = {}
    for one in steps:
        if one.subject.about is not About.STAR:
            continue
        if one.step.doing is Doing.APPLIED or one.subject.key not in newest:
            newest[one.subject.key] = (one.subject, [])
            found.append(newest[one.subject.key])
        newest[one.subject.key][1].append(one.step)
    return found


def asks_awards(policy: Policy) -> bool:
    """Tell whether stars of the county take a decision, so that what was awarded has to be known."""
    return policy.stars is not None and policy.stars.award.by is not AwardBy.AUTOMATIC


def awards_of(
    rulebook: Rulebook,
    person: Volunteer,
    history: Sequence[Counted],
    notes: Sequence[Noted],
    lowerings: Sequence[Lowering] = (),
) -> tuple[Awarded, ...] | None:
    """Return the stars of a person as they were awarded; None where the records themselves tell of applications.

    The records tell until somebody applies for a star in the ledger: from that day on only what was awarded there
    counts, and what the records granted before it stays granted. That is decided for each person by themselves, from
    nothing but their own passbook. `history` is in order, `lowerings` as in `engine.standings.standing`.
    """
    if not asks_awards(rulebook.policy):
        return None
    reviews = star_reviews(taken(person.id, notes))
    if not reviews:
        return None
    first = min(subject.day for subject, _steps in reviews)
    return (*granted_before(rulebook, person, history, first, lowerings), *awarded(rulebook, reviews))


def granted_before(
    rulebook: Rulebook, person: Volunteer, history: Sequence[Counted], day: date, lowerings: Sequence[Lowering]
) -> Iterator[Awarded]:
    """Yield what the records alone had granted before a day."""
    life = Life(rulebook, person, lowerings=lowerings)
    seen = [past for past in history if past.record.day < day]
    for past in seen:
        life.add(past)
    state = life.star(day)
    for one in () if state is None else state.decisions:
        decided = one.outcome is StarOutcome.GRANTED and one.reason not in (StarReason.RENEWED, StarReason.REACHED)
        if decided and one.on < day and one.effective_on is not None:
            nominated = one.reason is StarReason.NOMINATED
            yield Awarded(one.star, one.on, one.effective_on, one.approver, nominated)
