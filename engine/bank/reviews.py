"""Reviews at the counter: a step is judged by the county's rules and what was done before, and written once.

A step that moves a record brings a new version of it, whose fact `state` is the state that the review came to. The
person is folded again in the same transaction: what the record is worth is booked when the policy counts it, and taken
back when it is revoked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any

import orjson

from lianxing.engine.bank.answering import before_in_force, county_reason, reason_data
from lianxing.engine.bank.closings import closings
from lianxing.engine.bank.customers import customers
from lianxing.engine.bank.keeping import keep_policy
from lianxing.engine.bank.lowering import lowerings_by, touches_in
from lianxing.engine.bank.passing import at_hand
from lianxing.engine.bank.recording import credited_in
from lianxing.engine.bank.requests import check, request_data, request_hash
from lianxing.engine.bank.sharing import shared
from lianxing.engine.bank.star_points import brings_points, of_stars
from lianxing.engine.bank.steps import (
    REVIEW,
    STATE,
    Taken,
    asks_awards,
    awards_of,
    granted_before,
    in_state,
    record_review,
    star_reviews,
    step_data,
    taken,
)
from lianxing.engine.bank.tellers import Answer, Outcome, Teller, answered_before
from lianxing.engine.bank.turning import turn_in
from lianxing.engine.basis import Lowering
from lianxing.engine.closings import OPEN, Closed
from lianxing.engine.courses import ONE_DAY
from lianxing.engine.ledger.drafts import REFUSED, Draft, Key, Taking
from lianxing.engine.ledger.stored import Held
from lianxing.engine.ledger.writing import Writing
from lianxing.engine.recounting import Change, Recount, as_counted, recount
from lianxing.engine.reviewing import judge, standing_of
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.star_awards import basis, certificate_number, counted_here
from lianxing.engine.star_courses import counted_on
from lianxing.rules.commands import Command, RecordStep, ReviewStep, StarStep
from lianxing.rules.facts import FactValue
from lianxing.rules.records import Volunteer
from lianxing.rules.redeeming import Reason
from lianxing.rules.reviewing import About, Awarded, Basis, Doing, Next, StarStage, Step, Subject, Verdict

CERTIFICATES = "certificate"  # the county's counter of a year, kept where stocks are: each number is taken once
_OPEN = frozenset((StarStage.APPLIED.value, StarStage.APPROVED.value))
_OVER = frozenset((StarStage.RETURNED.value, StarStage.REVOKED.value))  # after which one applies anew


class Reviewer(Teller):
    """Takes the steps of reviews in one county; asked and answered as a teller is."""

    def tried(self, command: Command) -> Answer:
        """Return what the answer would be; nothing is kept."""
        check(command)
        answer: Answer | None = None
        with suppress(_Undo), self._ledger.writing() as writing:
            self._lock(writing, [command])
            outcome = self._one(writing, command)
            if not isinstance(outcome, Answer):
                raise outcome
            answer = outcome
            raise _Undo
        assert answer is not None
        return answer

    def _served(self, commands: Sequence[Command]) -> list[Outcome]:
        if not commands:
            return []
        with self._ledger.writing() as writing:
            self._lock(writing, commands)
            return [self._one(writing, command) for command in commands]

    def _lock(self, writing: Writing, commands: Sequence[Command]) -> None:
        """Lock what the commands may change, as every teller does: the rules first, then people and pools in one go."""
        policy = self._rulebook.policy
        keep_policy(writing, policy)
        people = dict.fromkeys((*(command.volunteer for command in commands), *shared(policy)))
        writing.lock((id, policy.county.id) for id in people)

    def _one(self, writing: Writing, command: Command) -> Outcome:
        """Answer one command; whatever the ones before it in this transaction have written is seen."""
        if not isinstance(command, RecordStep | StarStep):
            raise TypeError(type(command).__name__)
        rulebook = self._rulebook
        hashed = request_hash(command)
        before = writing.commands([(command.scope, command.key)]).get((command.scope, command.key))
        if before is not None:
            return answered_before(command, before, hashed)
        turn_in(writing, rulebook, [command.volunteer], command.on)
        dossier = Dossier.of(writing, rulebook, command)
        found = dossier.decide(command)
        draft = draft_of(rulebook, command, found)
        (entry,) = writing.enter([draft])
        if found.recount is not None:
            self._book(writing, command, dossier.person, found.recount)
        if found.allowed and rulebook.once(brings_points):
            self._star_points(writing, command)
        return Answer(entry.id, found.allowed, draft.body)

    def _star_points(self, writing: Writing, command: ReviewStep) -> None:
        """Book what stars have brought by the day of a step: it may have taken one to its end, or taken one back."""
        customer = customers(writing, self._rulebook, [command.volunteer])[command.volunteer]
        customer.number = writing.number(customer.owner)
        passing = at_hand(writing, self._rulebook, (), command.on)
        writing.enter([*of_stars(self._rulebook, customer, passing, command.on)])

    def _book(self, writing: Writing, command: ReviewStep, person: Volunteer, found: Recount) -> None:
        """Book what a record, and those after it, are worth from now on."""
        passing = at_hand(writing, self._rulebook, (), command.on)
        writing.book(credited_in(writing, self._rulebook, person, found, command.on, passing))
        writing.enter(passing.taken())


def draft_of(rulebook: Rulebook, command: ReviewStep, found: Judged) -> Draft:
    """Return what is written for a step."""
    return Draft(
        kind=REVIEW if found.allowed else REFUSED,
        volunteer=command.volunteer,
        county=command.county,
        effective_on=command.on,
        policy_digest=rulebook.policy.digest,
        body=orjson.dumps(found.body),
        actor=command.actor,
        reason=command.reason,
        takes=found.takes,
        key=Key(command.scope, command.key, request_hash(command)),
    )


@dataclass
class Judged:
    """What becomes of a step: the body of its entry, and what else is to be written."""

    body: dict[str, Any]
    recount: Recount | None = None
    takes: tuple[Taking, ...] = ()

    @property
    def allowed(self) -> bool:
        return bool(self.body["allowed"])


@dataclass
class Dossier:
    """A person as reviews see them: who they are, their records, the steps taken so far."""

    rulebook: Rulebook
    person: Volunteer
    held: Sequence[Held]
    steps: Sequence[Taken]
    awards: Sequence[Awarded]
    lowerings: Sequence[Lowering]
    certificates: int
    closed: Closed | None

    @classmethod
    def of(cls, writing: Writing, rulebook: Rulebook, command: ReviewStep) -> Dossier:
        id, county = owner = (command.volunteer, command.county)
        person = writing.volunteers([id]).get(id, Volunteer(id))
        held = writing.histories(county, [id])[id]
        notes = writing.notes([owner], REVIEW).get(owner, [])
        by = lowerings_by(rulebook, touches_in(writing, rulebook, [owner]).get(owner, ()))
        counter = certificates_of(command)
        return cls(
            rulebook=rulebook,
            person=person,
            held=held,
            steps=list(taken(id, notes)),
            awards=awards_of(rulebook, person, [as_counted(one) for one in held], notes, by) or (),
            lowerings=by,
            certificates=writing.stock_taken(county, [counter]).get(counter, 0),
            closed=closings(writing, county, [id]).get(id, OPEN).during(command.on),
        )

    def decide(self, command: ReviewStep) -> Judged:
        """Return what becomes of a step."""
        early = before_in_force(self.rulebook, command.on)
        if early is not None:
            return self._refused_for(command, early)
        if self.closed is not None:
            return self._refused_for(command, self.closed.reason(self.rulebook.policy.county.clause))
        return self._of_record(command) if isinstance(command, RecordStep) else self._of_star(command)

    # --- records -----------------------------------------------------------------------------------------------------

    def _of_record(self, command: RecordStep) -> Judged:
        key = (command.registry, command.record)
        held = next((one for one in self.held if one.record.key == key), None)
        if held is None:
            return self._refused(command, "no_record", registry=command.registry, record=command.record)
        subject, steps = record_review(self.rulebook, self.person, held, self.steps)
        step = Step(
            doing=command.doing,
            on=command.on,
            actor=command.actor,
            role=command.role,
            reason=command.reason,
            stage=command.stage,
            upheld=command.upheld,
            objection=command.objection,
        )
        found = self._judged(command, subject, held.entry, steps, step)
        now = found.body["state"]
        if found.allowed and now != str(held.record.facts.get(STATE, "")):
            record, reason = in_state(held.record, now), command.reason or step.doing.value
            change = Change(record, held.supplied, actor=command.actor, reason=reason)
            found.recount = recount(self.rulebook, self.person, self.held, [change])
        return found

    # --- stars -------------------------------------------------------------------------------------------------------

    def _of_star(self, command: StarStep) -> Judged:
        reviews = [one for one in star_reviews(self.steps) if one[0].star == command.star]
        if command.doing is Doing.APPLIED:
            on, steps = command.applied_on or command.on, []
            for subject, before in reviews:
                state = standing_of(self.rulebook, subject, before, command.on).state
                if state in _OPEN:
                    return self._refused(command, "applied_before", star=command.star, on=str(subject.day))
                if subject.day == on and state not in _OVER:
                    steps = before
            granted = max(self._granted_since(command.on), key=lambda one: one.counted_on, default=None)
            if granted is not None:
                return self._refused(command, "granted_since", star=granted.star, on=str(granted.counted_on))
            subject = Subject(About.STAR, command.volunteer, on, star=command.star, nominated=command.nominated)
        else:
            meant = [one for one in reviews if command.applied_on in (None, one[0].day)]
            if not meant:
                return self._refused(command, "no_application", star=command.star)
            subject, steps = meant[-1]
        number = command.number
        if counted_here(command.county, number):
            return self._refused(command, "number_counted", number=number)
        takes: tuple[Taking, ...] = ()
        if command.doing is Doing.CERTIFICATE_ISSUED and not number:
            nth = self.certificates + 1
            number = certificate_number(command.county, command.on, nth)
            takes = (Taking(certificates_of(command), 1, nth),)
        step = Step(
            doing=command.doing,
            on=command.on,
            actor=command.actor,
            role=command.role,
            reason=command.reason,
            upheld=command.upheld,
            objection=command.objection,
            basis=self._basis(command, subject),
            number=number,
        )
        found = self._judged(command, subject, 0, steps, step)
        found.takes = takes if found.allowed else ()
        return found

    def _granted_since(self, day: date) -> Iterator[Awarded]:
        """Yield what the records have granted on a day or after it: the first application there would take it away."""
        if asks_awards(self.rulebook.policy) and not star_reviews(self.steps):
            history = [as_counted(one) for one in self.held]
            until = max([day, *(past.record.day for past in history)]) + ONE_DAY
            granted = granted_before(self.rulebook, self.person, history, until, self.lowerings)
            yield from (one for one in granted if one.counted_on >= day)

    def _basis(self, command: StarStep, subject: Subject) -> Basis | None:
        """Return what the decision rests on, worked out by the bank and frozen with it."""
        scale = self.rulebook.policy.stars
        if scale is None or command.doing not in (Doing.APPROVED, Doing.LOWERED):
            return None
        on = command.on if command.doing is Doing.LOWERED else counted_on(scale.award, subject.day)
        return basis(
            self.rulebook,
            self.person,
            [as_counted(one) for one in self.held],
            command.star,
            on,
            awards=self.awards,
            lowerings=self.lowerings,
            nominated=subject.nominated,
        )

    # --- what all of them do -----------------------------------------------------------------------------------------

    def _judged(
        self, command: ReviewStep, subject: Subject, original: int, steps: Sequence[Step], step: Step
    ) -> Judged:
        was = standing_of(self.rulebook, subject, steps, command.on).state
        verdict = judge(self.rulebook, subject, steps, step)
        body: dict[str, Any] = {"asked": request_data(command), "allowed": verdict.allowed, **verdict_data(verdict)}
        if verdict.allowed:
            body["review"] = step_data(subject, original, was, verdict.taken(step))
        else:
            body["reasons"] = [reason_data(one) for one in verdict.reasons]
        return Judged(body)

    def _refused(self, command: ReviewStep, code: str, **operands: FactValue) -> Judged:
        return self._refused_for(command, county_reason(self.rulebook, code, **operands))

    def _refused_for(self, command: ReviewStep, reason: Reason) -> Judged:
        body = {"asked": request_data(command), "allowed": False, "reasons": [reason_data(reason)]}
        return Judged(body)


def verdict_data(verdict: Verdict) -> dict[str, Any]:
    """Return how a subject stands as plain data."""
    return {
        "state": verdict.state,
        "due": None if verdict.due is None else verdict.due.isoformat(),
        "suspended": verdict.suspended,
        "late": verdict.late,
        "next": [next_data(one) for one in verdict.next],
    }


def next_data(following: Next) -> Mapping[str, Any]:
    """Return what may be done next as plain data."""
    return {
        "doing": following.doing.value,
        "by": following.by,
        "stage": following.stage,
        "since": None if following.since is None else following.since.isoformat(),
        "until": None if following.until is None else following.until.isoformat(),
        "overdue": following.overdue,
    }


def certificates_of(command: ReviewStep) -> str:
    """Return the name under which the certificates of the year are counted."""
    return f"{CERTIFICATES}/{command.on.year}"


class _Undo(Exception):
    """A trial has its answer; the transaction is given up."""
