"""What the way of a record and the way of a star have in common: who may act, a notice, objections to it, appeals.

A course is a review as far as it has come; the questions that are asked of it are in `engine.reviewing`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from lianxing.engine.review import Stillstand, last_day
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.facts import FactValue
from lianxing.rules.places import Clause, Location
from lianxing.rules.redeeming import Reason
from lianxing.rules.review import Appeal
from lianxing.rules.reviewing import Doing, Next, Posting, Step, Subject

ONE_DAY = timedelta(days=1)
OWN = frozenset((Doing.APPLIED, Doing.OBJECTED, Doing.APPEALED))  # what a volunteer may do in a matter of his own
_WITH_REASON = frozenset((Doing.RETURNED, Doing.LATE_ENTRY, Doing.OBJECTED, Doing.OUTCOME))
_WITH_REASON |= {Doing.APPEALED, Doing.APPEAL_OUTCOME, Doing.REVOKED}
DECIDED = frozenset((Doing.OUTCOME, Doing.APPEAL_OUTCOME))


@dataclass
class Objected:
    """An objection and what became of it."""

    by: str
    on: date
    settled_on: date | None = None
    settled_by: str = ""
    upheld: bool = False
    appealed_on: date | None = None
    appeal_settled_on: date | None = None
    turned: bool = False

    @property
    def open(self) -> bool:
        return self.settled_on is None or (self.appealed_on is not None and self.appeal_settled_on is None)

    @property
    def stands(self) -> bool:
        """Tell whether the objection was right, as it was decided last."""
        return not self.open and self.upheld is not self.turned

    def stills(self) -> Iterator[Stillstand]:
        """Yield when days stand still for it; while it was held to be right, they do throughout."""
        if self.upheld:
            yield Stillstand(self.on, self.appeal_settled_on if self.turned else None)
            return
        yield Stillstand(self.on, self.settled_on)
        if self.appealed_on is not None:
            yield Stillstand(self.appealed_on, None if self.turned else self.appeal_settled_on)


@dataclass
class Course(ABC):
    """A subject on its way, step by step."""

    rulebook: Rulebook
    subject: Subject
    last: date | None = None
    posted_on: date | None = None
    posting: Posting | None = None  # as it was when it was posted
    objections: list[Objected] = field(default_factory=list)
    workers: set[str] = field(default_factory=set)  # who has decided something about it

    @property
    @abstractmethod
    def state(self) -> str:
        """How far it has come, as a word."""

    @abstractmethod
    def do(self, step: Step) -> None:
        """Take a step that was allowed, if need be under rules that have changed since: what was done stays done."""

    @abstractmethod
    def due(self) -> date | None:
        """Return the last day of the time that runs; None where none does, or it stands still."""

    @abstractmethod
    def following(self, on: date) -> Iterator[Next]:
        """Yield what may be done next, as it is on a day."""

    @abstractmethod
    def refused_here(self, step: Step) -> Iterator[Reason]:
        """Yield why a step is not possible here, where nothing general speaks against it."""

    @property
    @abstractmethod
    def clause(self) -> Clause:
        """What is cited where no statement of its own speaks."""

    # --- what holds for every step ---------------------------------------------------------------------------------

    def reason(
        self, code: str, clause: Clause | None = None, place: Location | None = None, **more: FactValue
    ) -> Reason:
        clause = self.clause if clause is None else clause
        return Reason(code, clause, clause.location if place is None else place, tuple(more.items()))

    def refusals(self, step: Step) -> Iterator[Reason]:
        """Yield every reason against a step; with one of the general ones, what it would do is not looked at."""
        general = list(self._general(step))
        yield from general
        if not general:
            yield from self.refused_here(step)

    def _general(self, step: Step) -> Iterator[Reason]:
        if not step.actor.strip():
            yield self.reason("no_actor")
        if step.actor == self.subject.volunteer and step.doing not in OWN:
            yield self.reason("own_matter")
        if step.doing in _WITH_REASON and not step.reason.strip():
            yield self.reason("reason_missing")
        if step.doing in DECIDED and step.upheld is None:
            yield self.reason("no_outcome")
        earliest = self.last or self.subject.entered_on or self.subject.day
        if step.on < earliest:
            yield self.reason("before_the_last_step", last=earliest.isoformat())

    def by_role(self, step: Step, by: str, clause: Clause, place: Location | None = None) -> Iterator[Reason]:
        """Yield that somebody else acts than who may; where nobody is named, some body has to be."""
        if not step.role.strip() or (by and step.role != by):
            yield self.reason("not_the_role", clause, place, by=by, role=step.role)

    def not_here(self, step: Step) -> Reason:
        return self.reason("not_in_this_state", doing=step.doing.value, state=self.state)

    # --- the notice --------------------------------------------------------------------------------------------------

    @property
    def last_notice_day(self) -> date | None:
        """Return the last day of the notice that runs; None while it stands still, or where nothing is posted."""
        if self.posted_on is None or self.posting is None:
            return None
        stills = [still for one in self.objections for still in one.stills()] if self.posting.suspends else []
        return last_day(self.rulebook.calendar, self.posted_on, self.posting.term, stills)

    @property
    def suspended(self) -> bool:
        return self.posted_on is not None and self.last_notice_day is None

    def may_appeal_until(self, one: Objected) -> date | None:
        """Return the last day on which an outcome may be appealed; None where it may not, or was already."""
        appeal = None if self.posting is None else self.posting.appeal
        if appeal is None or one.settled_on is None or one.appealed_on is not None:
            return None
        term = appeal.within.on(self.ruled(one.settled_on))
        return self.rulebook.calendar.end_of_period(one.settled_on, term)

    def ruled(self, day: date) -> date:
        return max(day, self.rulebook.policy.county.in_force_from)

    def over_on(self) -> date | None:
        """Return the first day after the notice and after every appeal that may come; None where that is not known."""
        last = self.last_notice_day
        if last is None or any(one.open or one.stands for one in self.objections):
            return None
        appeals = (self.may_appeal_until(one) for one in self.objections)
        return max([last, *(day for day in appeals if day is not None)]) + ONE_DAY

    def notice_refusals(self, step: Step) -> Iterator[Reason]:
        """Yield why what follows a notice may not be done on this day."""
        assert self.posting is not None
        at = (self.posting.clause, self.posting.location)
        yield from self.unsettled(step, stands_too=True)
        last = self.last_notice_day
        if last is not None and step.on <= last:
            yield self.reason("notice_runs", *at, last_day=last.isoformat())

    def unsettled(self, step: Step, *, stands_too: bool) -> Iterator[Reason]:
        """Yield the objections that are not settled for good; `stands_too`: also one that was upheld."""
        assert self.posting is not None
        at = (self.posting.clause, self.posting.location)
        for number, one in enumerate(self.objections, 1):
            until = self.may_appeal_until(one)
            if one.open:
                yield self.reason("objection_open", *at, objection=number)
            elif until is not None and step.on <= until:
                yield self.reason("appeal_possible", *at, last_day=until.isoformat())
            elif one.stands and stands_too:
                yield self.reason("objection_upheld", *at, objection=number)

    def objecting_refusals(self, step: Step) -> Iterator[Reason]:
        """Yield why an objection, its outcome, an appeal or the outcome of that is not taken."""
        posting = self.posting
        if posting is None or self.posted_on is None:
            yield self.not_here(step)
            return
        at = (posting.clause, posting.location)
        if step.doing is Doing.OBJECTED:
            last = self.last_notice_day
            if last is not None and step.on > last:
                yield self.reason("too_late", *at, last_day=last.isoformat())
            return
        one = self._meant(step)
        if one is None:
            yield self.reason("which_objection", *at, known=", ".join(self._open_numbers(step)))
        elif step.doing is Doing.OUTCOME:
            yield from self.by_role(step, posting.by, *at)
            if step.actor == one.by:
                yield self.reason("own_objection", *at)
        elif posting.appeal is None:
            yield self.reason("no_appeal", *at)
        elif step.doing is Doing.APPEALED:
            yield from self._appeal_refusals(step, one, posting.clause, posting.appeal)
        else:
            yield from self.by_role(step, posting.appeal.by, posting.clause, posting.appeal.location)
            if step.actor == one.by:
                yield self.reason("own_objection", posting.clause, posting.appeal.location)
            if step.actor == one.settled_by:
                yield self.reason("own_decision", posting.clause, posting.appeal.location)

    def _appeal_refusals(self, step: Step, one: Objected, clause: Clause, appeal: Appeal) -> Iterator[Reason]:
        until = self.may_appeal_until(one)
        if one.appealed_on is not None:
            yield self.reason("appealed_before", clause, appeal.location)
        elif until is not None and step.on > until:
            yield self.reason("too_late", clause, appeal.location, last_day=until.isoformat())
        if step.actor not in (one.by, self.subject.volunteer):
            yield self.reason("not_concerned", clause, appeal.location)

    def _meant(self, step: Step) -> Objected | None:
        """Return the objection that a step is about; None where that is not clear, or there is none to be had."""
        fitting = self._fitting(step)
        if step.objection:
            return next((one for number, one in fitting if number == step.objection), None)
        return fitting[0][1] if len(fitting) == 1 else None

    def _fitting(self, step: Step) -> list[tuple[int, Objected]]:
        """Return the objections that a step may be about, with their numbers."""
        numbered = list(enumerate(self.objections, 1))
        if step.doing is Doing.OUTCOME:
            return [(number, one) for number, one in numbered if one.settled_on is None]
        if step.doing is Doing.APPEALED:
            return [(number, one) for number, one in numbered if one.settled_on is not None]
        return [(n, one) for n, one in numbered if one.appealed_on is not None and one.appeal_settled_on is None]

    def _open_numbers(self, step: Step) -> list[str]:
        return [str(number) for number, _one in self._fitting(step)]

    def object(self, step: Step) -> None:
        """Take an objection, its outcome, an appeal or the outcome of that."""
        if step.doing is Doing.OBJECTED:
            self.objections.append(Objected(step.actor, step.on))
            return
        one = self._meant(step)
        if one is None:
            return
        if step.doing is Doing.OUTCOME:
            one.settled_on, one.settled_by, one.upheld = step.on, step.actor, bool(step.upheld)
        elif step.doing is Doing.APPEALED:
            one.appealed_on = step.on
        else:
            one.appeal_settled_on, one.turned = step.on, bool(step.upheld)

    @abstractmethod
    def notice(self, on: date) -> Posting | None:
        """Return the notice that has to be passed from here; None where there is none."""

    def post(self, step: Step) -> None:
        posting = step.posting or self.notice(step.on)
        if posting is not None:
            self.posting, self.posted_on = posting, step.on
            self.objections = []

    def take_down(self) -> None:
        self.posting = self.posted_on = None
        self.objections = []

    def of_the_notice(self, on: date) -> Iterator[Next]:
        """Yield what a notice that is posted lets people do."""
        posting, last = self.posting, self.last_notice_day
        assert posting is not None
        id = posting.clause.id
        if last is None or on <= last:
            yield Next(Doing.OBJECTED, "", id, self.posted_on, last)
        for one in self.objections:
            until = self.may_appeal_until(one)
            if one.settled_on is None:
                yield Next(Doing.OUTCOME, posting.by, id, one.on)
            elif one.open and posting.appeal is not None:
                yield Next(Doing.APPEAL_OUTCOME, posting.appeal.by, id, one.appealed_on)
            elif until is not None and on <= until:
                yield Next(Doing.APPEALED, "", id, one.settled_on, until)
