"""The way of a record from state to state: stages, notices, late entry, returns, spot checks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from lianxing.engine.courses import OWN, Course
from lianxing.engine.review import moves
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.places import Clause
from lianxing.rules.redeeming import Reason
from lianxing.rules.review import Notice, Objection, SpotCheck, Stage
from lianxing.rules.reviewing import REFUSED_STATE, Doing, Next, Posting, Step


@dataclass
class RecordCourse(Course):
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

    def notice(self, on: date) -> Posting | None:
        if self.closed or self.waiting:
            return None
        for said in self.rulebook.policy.review:
            if isinstance(said, Notice) and said.from_state and said.from_state == self.at:
                return Posting(
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
                self.post(step)
            case Doing.OBJECTED | Doing.OUTCOME | Doing.APPEALED | Doing.APPEAL_OUTCOME:
                self.object(step)
            case Doing.TOOK_EFFECT:
                self._go(step.state or (self.at if self.posting is None else self.posting.to_state), step)
            case Doing.REVOKED:
                self._go(REFUSED_STATE, step)
            case _:
                pass
        self.last = step.on
        if step.doing not in OWN and step.doing not in (Doing.TOOK_EFFECT, Doing.CHECKED):
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
