"""May this be done next in a review, and how does it stand then: a pure answer from the rules and the steps so far.

The same steps give the same answer. Whoever stores them asks `judge` first and stores what was allowed; what was
refused changes nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from lianxing.engine.facts import person_facts, record_facts, whole_facts
from lianxing.engine.review import Stillstand, last_day, moves
from lianxing.engine.rulebook import REVIEW, Rulebook
from lianxing.engine.stars import next_cut_off
from lianxing.rules.decisions import StarReason
from lianxing.rules.facts import FactValue
from lianxing.rules.periods import Term
from lianxing.rules.places import Clause, Location
from lianxing.rules.records import ServiceRecord, Volunteer
from lianxing.rules.redeeming import Reason
from lianxing.rules.review import Appeal, Notice, Objection, Posted, SpotCheck, Stage
from lianxing.rules.reviewing import (
    REFUSED_STATE,
    About,
    Awarded,
    Doing,
    Due,
    Next,
    StarStage,
    Step,
    Subject,
    Verdict,
)
from lianxing.rules.stars import Award, AwardBy, StarScale

_ONE_DAY = timedelta(days=1)
_OWN = frozenset((Doing.APPLIED, Doing.OBJECTED, Doing.APPEALED))  # what a volunteer may do in a matter of his own
_WITH_REASON = frozenset((Doing.RETURNED, Doing.LATE_ENTRY, Doing.OBJECTED, Doing.OUTCOME))
_WITH_REASON |= {Doing.APPEALED, Doing.APPEAL_OUTCOME, Doing.REVOKED}
_DECIDED = frozenset((Doing.OUTCOME, Doing.APPEAL_OUTCOME))


# --- questions -------------------------------------------------------------------------------------------------------


def judge(rulebook: Rulebook, subject: Subject, steps: Sequence[Step], step: Step) -> Verdict:
    """Return whether `step` may be done after `steps`, which were allowed one by one, and how it stands then."""
    course = _course(rulebook, subject, steps)
    reasons = tuple(course.refusals(step))
    late = False
    if not reasons:
        course.do(replace(step, state=""))
        late = step.doing is Doing.LATE_ENTRY
    return _told(course, step.on, reasons, late=late)


def standing_of(rulebook: Rulebook, subject: Subject, steps: Sequence[Step], on: date) -> Verdict:
    """Return how a subject stands on a day and what may be done next."""
    return _told(_course(rulebook, subject, steps), on, ())


def due_list(rulebook: Rulebook, subjects: Iterable[tuple[Subject, Sequence[Step]]], on: date) -> tuple[Due, ...]:
    """Return what waits for somebody on a day: by role, what is overdue first, then by last day; open ends last.

    What only the volunteer or the public may do (apply, object, appeal) waits for nobody, and neither does what may
    happen at any time (a return, a spot check, a revocation).
    """
    waits = frozenset((Doing.ADVANCED, Doing.LATE_ENTRY, Doing.APPROVED, Doing.POSTED, *_DECIDED))
    waits |= {Doing.TOOK_EFFECT, Doing.AWARDED, Doing.CERTIFICATE_ISSUED}
    found = [
        Due(subject, following)
        for subject, steps in subjects
        for following in _course(rulebook, subject, steps).following(on)
        if following.doing in waits and (following.since is None or following.since <= on)
    ]
    return in_order(found)


def in_order(found: Iterable[Due]) -> tuple[Due, ...]:
    """Return the lines of a work list by role, what is overdue first, then by last day; open ends last."""
    return tuple(
        sorted(found, key=lambda due: (due.next.by, not due.next.overdue, due.next.until or date.max, due.subject.key))
    )


def record_subject(
    rulebook: Rulebook, volunteer: Volunteer, record: ServiceRecord, supplied: Mapping[str, FactValue] | None = None
) -> Subject:
    """Return a record as a review sees it; as its registry reported it, before any step."""
    asked = rulebook.asked(REVIEW)
    facts, _note = whole_facts(rulebook, record, supplied or {}, asked)
    facts |= person_facts(volunteer, record.day, asked)
    facts |= rulebook.calendar.facts(record.day, rulebook.asked_of_day(asked))
    entered = record_facts(record, supplied or {}).get("recorded_on")
    entered_on = date.fromordinal(entered) if isinstance(entered, int) else None
    return Subject(
        about=About.RECORD,
        volunteer=volunteer.id,
        day=record.day,
        entered_on=entered_on,
        facts=facts,
        registry=record.registry,
        record=record.id,
    )


def counted_on(award: Award, applied_on: date) -> date:
    """Return the day whose standing decides about an application: the day itself, or the cut-off of its round."""
    return applied_on if award.round is None else next_cut_off(award.round, applied_on - _ONE_DAY)


def awarded(rulebook: Rulebook, reviews: Iterable[tuple[Subject, Sequence[Step]]]) -> tuple[Awarded, ...]:
    """Return the stars of one person that were awarded and not revoked, by the day from which they are held.

    That is what `engine.life.Life` and `engine.standings.standing` take as `awards`.
    """
    found: list[Awarded] = []
    for subject, steps in reviews:
        if subject.about is not About.STAR:
            continue
        course = _course(rulebook, subject, steps)
        assert isinstance(course, _StarCourse)
        if course.award is not None:
            found.append(course.award)
    return tuple(sorted(found, key=lambda one: (one.effective_on, one.star)))


def _told(course: _Course, on: date, reasons: tuple[Reason, ...], *, late: bool = False) -> Verdict:
    following = tuple(course.following(on))
    return Verdict(
        allowed=not reasons,
        reasons=reasons,
        state=course.state,
        due=course.due(),
        suspended=course.suspended,
        next=following,
        late=late,
    )


def _course(rulebook: Rulebook, subject: Subject, steps: Sequence[Step]) -> _Course:
    course: _Course = (
        _RecordCourse(rulebook, subject) if subject.about is About.RECORD else _StarCourse(rulebook, subject)
    )
    for step in steps:
        course.do(step)
    return course


# --- a notice, and objections to it ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Posting:
    """A notice as it holds for one subject; `by` is empty where any body may post and settle."""

    clause: Clause
    location: Location
    term: Term
    suspends: bool
    by: str
    appeal: Appeal | None
    to_state: str = ""


@dataclass
class _Objected:
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
class _Course(ABC):
    """A subject on its way, step by step."""

    rulebook: Rulebook
    subject: Subject
    last: date | None = None
    posted_on: date | None = None
    posting: _Posting | None = None  # as it was when it was posted
    objections: list[_Objected] = field(default_factory=list)
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
        if step.actor == self.subject.volunteer and step.doing not in _OWN:
            yield self.reason("own_matter")
        if step.doing in _WITH_REASON and not step.reason.strip():
            yield self.reason("reason_missing")
        if step.doing in _DECIDED and step.upheld is None:
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

    def may_appeal_until(self, one: _Objected) -> date | None:
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
        return max([last, *(day for day in appeals if day is not None)]) + _ONE_DAY

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

    def _appeal_refusals(self, step: Step, one: _Objected, clause: Clause, appeal: Appeal) -> Iterator[Reason]:
        until = self.may_appeal_until(one)
        if one.appealed_on is not None:
            yield self.reason("appealed_before", clause, appeal.location)
        elif until is not None and step.on > until:
            yield self.reason("too_late", clause, appeal.location, last_day=until.isoformat())
        if step.actor not in (one.by, self.subject.volunteer):
            yield self.reason("not_concerned", clause, appeal.location)

    def _meant(self, step: Step) -> _Objected | None:
        """Return the objection that a step is about; None where that is not clear, or there is none to be had."""
        fitting = self._fitting(step)
        if step.objection:
            return next((one for number, one in fitting if number == step.objection), None)
        return fitting[0][1] if len(fitting) == 1 else None

    def _fitting(self, step: Step) -> list[tuple[int, _Objected]]:
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
            self.objections.append(_Objected(step.actor, step.on))
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

    def post(self, posting: _Posting | None, on: date) -> None:
        if posting is not None:
            self.posting, self.posted_on = posting, on
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


# --- a record --------------------------------------------------------------------------------------------------------


@dataclass
class _RecordCourse(_Course):
    """A record on its way through the stages of `review.yaml`."""

    at: str = ""
    since: date = date.min
    path: list[tuple[str, str]] = field(default_factory=list)  # where it was before, and who had brought it there
    brought_by: str = ""
    waiting: bool = False  # it was sent back to whoever handed it in
    applied: bool = False

    def __post_init__(self) -> None:
        self.at = str(self.subject.facts.get("state", ""))
        self.since = self.subject.entered_on or self.subject.day

    @property
    def state(self) -> str:
        return self.at

    @property
    def clause(self) -> Clause:
        return self.rulebook.policy.county.clause

    @property
    def closed(self) -> bool:
        return self.at == REFUSED_STATE

    def stages(self) -> list[Stage]:
        """Return the stages that are open to it."""
        if self.closed or self.waiting:
            return []
        return moves(self.rulebook, self.at, self.subject.day, {**self.subject.facts, "state": self.at})

    def notice(self, on: date) -> _Posting | None:
        """Return the notice that the record has to pass from here; None where there is none."""
        for said in self.rulebook.policy.review:
            if isinstance(said, Notice) and said.from_state and said.from_state == self.at and not self.closed:
                return _Posting(
                    clause=said.clause,
                    location=said.clause.location,
                    term=said.within.on(self.ruled(on)),
                    suspends=said.objection is Objection.SUSPENDS,
                    by=said.by or self.brought_by or self._who_brings_here(),
                    appeal=said.appeal,
                    to_state=said.to_state,
                )
        return None

    def _who_brings_here(self) -> str:
        """Return who takes records to this state, where nobody took this one there before our eyes."""
        stages = (said for said in self.rulebook.policy.review if isinstance(said, Stage))
        return next((stage.by for stage in stages if stage.to_state == self.at), "")

    def until(self, stage: Stage) -> date | None:
        """Return the last day of a stage that is open."""
        if stage.within is None:
            return None
        return self.rulebook.calendar.end_of_period(self.since, stage.within.on(self.ruled(self.since)))

    def due(self) -> date | None:
        if self.posted_on is not None:
            return self.last_notice_day
        return min((day for stage in self.stages() if (day := self.until(stage)) is not None), default=None)

    def following(self, on: date) -> Iterator[Next]:
        stages = self.stages()
        if self.waiting or (not self.applied and self.last is None and stages):
            yield Next(Doing.APPLIED, "", since=self.since)
        blocked = any(one.open for one in self.objections)
        for stage in stages if not blocked else ():
            until = self.until(stage)
            overdue = until is not None and on > until
            doing = Doing.LATE_ENTRY if overdue else Doing.ADVANCED
            yield Next(doing, stage.by, stage.clause.id, self.since, until, overdue)
            yield Next(Doing.RETURNED, stage.by, stage.clause.id, self.since)
        notice = self.notice(on)
        if notice is not None and self.posted_on is None:
            yield Next(Doing.POSTED, notice.by, notice.clause.id, self.since)
        if self.posting is not None:
            yield from self.of_the_notice(on)
            over = self.over_on()
            if over is not None:
                yield Next(Doing.TOOK_EFFECT, "", self.posting.clause.id, over)
            if not blocked:
                yield Next(Doing.RETURNED, self.posting.by, self.posting.clause.id, self.posted_on)
        if not self.closed:
            for check in self._checks():
                yield Next(Doing.CHECKED, check.by, check.clause.id)

    def refused_here(self, step: Step) -> Iterator[Reason]:
        match step.doing:
            case Doing.APPLIED:
                if self.closed or not (self.waiting or (self.last is None and self.stages())):
                    yield self.not_here(step)
            case Doing.ADVANCED | Doing.LATE_ENTRY:
                yield from self._stage_refusals(step)
            case Doing.RETURNED:
                yield from self._return_refusals(step)
            case Doing.POSTED:
                notice = self.notice(step.on)
                if notice is None or self.posted_on is not None:
                    yield self.not_here(step)
                else:
                    yield from self.by_role(step, notice.by, notice.clause)
            case Doing.OBJECTED | Doing.OUTCOME | Doing.APPEALED | Doing.APPEAL_OUTCOME:
                yield from self.objecting_refusals(step)
            case Doing.TOOK_EFFECT:
                if self.posting is None:
                    yield self.not_here(step)
                else:
                    yield from self.notice_refusals(step)
            case Doing.CHECKED:
                yield from self._check_refusals(step)
            case Doing.REVOKED:
                yield from self._revoke_refusals(step)
            case _:
                yield self.not_here(step)

    def _stage_refusals(self, step: Step) -> Iterator[Reason]:
        stage, open_stages = self._stage(step), self.stages()
        if not open_stages or (step.stage and stage is None):
            yield self.not_here(step)
            return
        if stage is None:
            by = ", ".join(dict.fromkeys(one.by for one in open_stages))
            mine = [one.clause.id for one in open_stages if one.by == step.role]
            if mine:
                yield self.reason("which_stage", known=", ".join(mine))
            else:
                yield self.reason("not_the_role", open_stages[0].clause, by=by, role=step.role)
            return
        yield from self.by_role(step, stage.by, stage.clause)
        if self.posting is not None:
            yield from self.unsettled(step, stands_too=True)
        until = self.until(stage)
        late = until is not None and step.on > until
        if late and step.doing is Doing.ADVANCED:
            yield self.reason("too_late", stage.clause, last_day=str(until))
        if not late and step.doing is Doing.LATE_ENTRY:
            yield self.reason("not_late", stage.clause, last_day=str(until or ""))

    def _stage(self, step: Step) -> Stage | None:
        """Return the stage that a step is about: the one it names, or the only one open to the role."""
        stages = self.stages()
        if step.stage:
            return next((stage for stage in stages if stage.clause.id == step.stage), None)
        mine = [stage for stage in stages if stage.by == step.role]
        return mine[0] if len(mine) == 1 else None

    def _return_refusals(self, step: Step) -> Iterator[Reason]:
        roles = {stage.by: stage.clause for stage in self.stages()}
        if self.posting is not None:
            roles[self.posting.by] = self.posting.clause
        if not roles:
            yield self.not_here(step)
        elif "" not in roles and step.role not in roles:
            yield self.reason("not_the_role", next(iter(roles.values())), by=", ".join(roles), role=step.role)
        elif not step.role.strip():
            yield from self.by_role(step, "", next(iter(roles.values())))
        if self.posting is not None:
            yield from self.unsettled(step, stands_too=False)

    def _checks(self) -> list[SpotCheck]:
        return [said for said in self.rulebook.policy.review if isinstance(said, SpotCheck)]

    def _check_refusals(self, step: Step) -> Iterator[Reason]:
        checks = self._checks()
        if not checks or self.closed:
            yield self.not_here(step)
        elif step.role not in {check.by for check in checks}:
            by = ", ".join(dict.fromkeys(check.by for check in checks))
            yield self.reason("not_the_role", checks[0].clause, by=by, role=step.role)
        elif step.actor in self.workers:
            yield self.reason("own_decision", checks[0].clause)

    def _revoke_refusals(self, step: Step) -> Iterator[Reason]:
        """A record may be revoked by every body that review.yaml gives something to do with it."""
        if self.closed:
            yield self.not_here(step)
            return
        roles = dict.fromkeys(_roles(self.rulebook))
        if not step.role.strip() or (roles and step.role not in roles):
            yield self.reason("not_the_role", by=", ".join(roles), role=step.role)
        if self.posting is not None:
            yield from self.unsettled(step, stands_too=False)

    def do(self, step: Step) -> None:
        match step.doing:
            case Doing.APPLIED:
                self.waiting, self.applied, self.since = False, True, step.on
            case Doing.ADVANCED | Doing.LATE_ENTRY:
                stage = self._stage(step)
                self._go(step.state or (self.at if stage is None else stage.to_state), step)
            case Doing.RETURNED:
                self._back(step)
            case Doing.POSTED:
                self.post(self.notice(step.on), step.on)
            case Doing.OBJECTED | Doing.OUTCOME | Doing.APPEALED | Doing.APPEAL_OUTCOME:
                self.object(step)
            case Doing.TOOK_EFFECT:
                self._go(step.state or (self.at if self.posting is None else self.posting.to_state), step)
            case Doing.REVOKED:
                self._go(REFUSED_STATE, step)
            case _:
                pass
        self.last = step.on
        if step.doing not in _OWN and step.doing not in (Doing.TOOK_EFFECT, Doing.CHECKED):
            self.workers.add(step.actor)

    def _go(self, state: str, step: Step) -> None:
        self.path.append((self.at, self.brought_by))
        self.at, self.since, self.brought_by = state, step.on, step.role
        self.take_down()

    def _back(self, step: Step) -> None:
        """To where it came from; what was not moved yet goes back to whoever handed it in."""
        if self.path:
            self.at, self.brought_by = self.path.pop()
        else:
            self.waiting = True
        self.since = step.on
        self.take_down()


def _roles(rulebook: Rulebook) -> Iterator[str]:
    """Yield every body that review.yaml gives something to do."""
    for said in rulebook.policy.review:
        if isinstance(said, Stage | SpotCheck):
            yield said.by
        elif isinstance(said, Notice):
            yield from (by for by in (said.by, said.appeal.by if said.appeal is not None else "") if by)


# --- a star ----------------------------------------------------------------------------------------------------------


@dataclass
class _StarCourse(_Course):
    """The application of a person for a star."""

    stage: StarStage = StarStage.NONE
    applied_on: date | None = None
    approval: Step | None = None
    effective_on: date | None = None
    number: str = ""

    @property
    def state(self) -> str:
        return self.stage.value

    @property
    def scale(self) -> StarScale | None:
        return self.rulebook.policy.stars

    @property
    def clause(self) -> Clause:
        return self.rulebook.policy.county.clause if self.scale is None else self.scale.clause

    @property
    def by(self) -> str:
        """Who decides on this star; empty where nobody is named."""
        return "" if self.scale is None else self.scale.award.approver_of(self.subject.star)

    @property
    def award(self) -> Awarded | None:
        """The star as it was awarded; None where it was not, or that was revoked."""
        if self.effective_on is None or self.approval is None or self.approval.basis is None:
            return None
        if self.stage is StarStage.REVOKED:
            return None
        counted, by = self.approval.basis.on, self.approval.role
        return Awarded(self.subject.star, counted, self.effective_on, by, self.subject.nominated, self.number)

    @property
    def counted_on(self) -> date:
        applied = self.applied_on or self.subject.day
        return applied if self.scale is None else counted_on(self.scale.award, applied)

    def notice(self, on: date) -> _Posting | None:
        """Return how long this star is posted; None where the policy knows no notice of stars."""
        if self.scale is None:
            return None
        reviews = (said for said in self.rulebook.policy.review if isinstance(said, Notice))
        said = next((notice for notice in reviews if notice.of is Posted.STARS), None)
        term = self.scale.award.notice or (None if said is None else said.within)
        if term is None:
            return None
        return _Posting(
            clause=self.scale.clause if said is None else said.clause,
            location=self.scale.award.location if said is None else said.clause.location,
            term=term.on(self.ruled(on)),
            suspends=said is None or said.objection is Objection.SUSPENDS,
            by=(said.by if said is not None else "") or self.by,
            appeal=None if said is None else said.appeal,
        )

    def due(self) -> date | None:
        return self.last_notice_day

    def following(self, on: date) -> Iterator[Next]:
        match self.stage:
            case StarStage.NONE:
                yield Next(Doing.APPLIED, "", since=self.subject.day)
            case StarStage.APPLIED:
                yield Next(Doing.APPROVED, self.by, self.clause.id, self.counted_on)
                yield Next(Doing.RETURNED, self.by, self.clause.id, self.applied_on)
            case StarStage.APPROVED if self.posting is not None:
                yield from self.of_the_notice(on)
                over = self.over_on()
                if over is not None:
                    yield Next(Doing.AWARDED, self.by, self.clause.id, over)
                if not any(one.open for one in self.objections):
                    yield Next(Doing.RETURNED, self.by, self.clause.id, self.posted_on)
            case StarStage.APPROVED:
                notice = self.notice(on)
                if notice is None:
                    yield Next(Doing.AWARDED, self.by, self.clause.id, self.last)
                else:
                    yield Next(Doing.POSTED, notice.by, notice.clause.id, self.last)
            case StarStage.AWARDED:
                if not self.number:
                    yield Next(Doing.CERTIFICATE_ISSUED, self.by, self.clause.id, self.effective_on)
            case _:
                return

    def refused_here(self, step: Step) -> Iterator[Reason]:
        match step.doing, self.stage:
            case Doing.APPLIED, StarStage.NONE:
                yield from self._applying_refusals(step)
            case Doing.APPROVED, StarStage.APPLIED:
                yield from self._approving_refusals(step)
            case Doing.RETURNED, StarStage.APPLIED | StarStage.APPROVED:
                yield from self.by_role(step, self.by, self.clause, self.place)
                if self.posting is not None:
                    yield from self.unsettled(step, stands_too=False)
            case Doing.POSTED, StarStage.APPROVED if self.posting is None and self.notice(step.on) is not None:
                notice = self.notice(step.on)
                assert notice is not None
                yield from self.by_role(step, notice.by, notice.clause, notice.location)
            case ((Doing.OBJECTED | Doing.OUTCOME | Doing.APPEALED | Doing.APPEAL_OUTCOME), StarStage.APPROVED):
                yield from self.objecting_refusals(step)
            case Doing.AWARDED, StarStage.APPROVED:
                yield from self.by_role(step, self.by, self.clause, self.place)
                if self.posting is not None:
                    yield from self.notice_refusals(step)
                elif self.notice(step.on) is not None:
                    yield self.reason("not_posted", self.clause, self.place)
            case Doing.CERTIFICATE_ISSUED, StarStage.AWARDED if not self.number:
                yield from self.by_role(step, self.by, self.clause, self.place)
                if not step.number.strip():
                    yield self.reason("no_number", self.clause, self.place)
            case Doing.LOWERED, StarStage.AWARDED:
                yield from self.by_role(step, self.by, self.clause, self.place)
                if step.basis is None or step.basis.on != step.on or step.basis.held >= self.subject.star:
                    yield self.reason("not_lost", self.clause, self.place, star=self.subject.star)
            case Doing.REVOKED, StarStage.AWARDED | StarStage.LOWERED:
                yield from self.by_role(step, self.by, self.clause, self.place)
            case _:
                yield self.not_here(step)

    @property
    def place(self) -> Location:
        """The line of the star, or of how stars are awarded."""
        if self.scale is None:
            return self.clause.location
        levels = (level.location for level in self.scale.levels if level.star == self.subject.star)
        return next(levels, self.scale.award.location)

    def _applying_refusals(self, step: Step) -> Iterator[Reason]:
        scale, star = self.scale, self.subject.star
        if scale is None or star not in {level.star for level in scale.levels}:
            yield self._refused(StarReason.NO_STAR)
        elif scale.award.by is AwardBy.AUTOMATIC or star <= scale.award.automatic_up_to:
            yield self.reason("by_itself", self.clause, self.place, star=star)
        elif scale.award.by is AwardBy.NOMINATION and not self.subject.nominated:
            yield self._refused(StarReason.NOT_NOMINATED)
        elif scale.award.by is not AwardBy.APPLICATION and step.actor == self.subject.volunteer:
            yield self.reason("own_matter", self.clause, self.place)

    def _approving_refusals(self, step: Step) -> Iterator[Reason]:
        basis, on = step.basis, self.counted_on
        yield from self.by_role(step, self.by, self.clause, self.place)
        if step.on < on:
            yield self.reason("before_the_cut_off", self.clause, self.place, cut_off=on.isoformat())
        if basis is None or basis.on != on or basis.star != self.subject.star:
            yield self.reason("no_basis", self.clause, self.place, on=on.isoformat())
        elif basis.refused is not None:
            yield self._refused(basis.refused)

    def _refused(self, why: StarReason) -> Reason:
        return self.reason("star_refused", self.clause, self.place, star=self.subject.star, why=why.value)

    def do(self, step: Step) -> None:
        match step.doing:
            case Doing.APPLIED:
                self.stage, self.applied_on = StarStage.APPLIED, step.on
            case Doing.APPROVED:
                self.stage, self.approval = StarStage.APPROVED, step
            case Doing.RETURNED:
                self.stage = StarStage.RETURNED
                self.take_down()
            case Doing.POSTED:
                self.post(self.notice(step.on), step.on)
            case Doing.OBJECTED | Doing.OUTCOME | Doing.APPEALED | Doing.APPEAL_OUTCOME:
                self.object(step)
            case Doing.AWARDED:
                self.stage, self.effective_on = StarStage.AWARDED, step.on
                self.take_down()
            case Doing.CERTIFICATE_ISSUED:
                self.number = step.number
            case Doing.LOWERED:
                self.stage = StarStage.LOWERED
            case Doing.REVOKED:
                self.stage = StarStage.REVOKED
            case _:
                pass
        self.last = step.on
