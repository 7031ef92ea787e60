"""The way of a star: an application or a nomination, its approval, the notice, the award, and what comes after it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from lianxing.engine.courses import ONE_DAY, Course
from lianxing.engine.stars import next_cut_off
from lianxing.rules.decisions import StarReason
from lianxing.rules.places import Clause, Location
from lianxing.rules.redeeming import Reason
from lianxing.rules.review import Notice, Objection, Posted
from lianxing.rules.reviewing import Awarded, Doing, Next, Posting, StarStage, Step
from lianxing.rules.stars import Award, AwardBy, StarScale


def counted_on(award: Award, applied_on: date) -> date:
    """Return the day whose standing decides about an application: the day itself, or the cut-off of its round."""
    return applied_on if award.round is None else next_cut_off(award.round, applied_on - ONE_DAY)


@dataclass
class StarCourse(Course):
    """The application of a person for a star."""

    stage: StarStage = StarStage.NONE
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
        applied_on = self.subject.day
        return applied_on if self.scale is None else counted_on(self.scale.award, applied_on)

    def notice(self, on: date) -> Posting | None:
        """Return how long this star is posted; None where the policy knows no notice of stars."""
        if self.scale is None:
            return None
        reviews = (said for said in self.rulebook.policy.review if isinstance(said, Notice))
        said = next((notice for notice in reviews if notice.of is Posted.STARS), None)
        term = self.scale.award.notice or (None if said is None else said.within)
        if term is None:
            return None
        return Posting(
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
                yield Next(Doing.RETURNED, self.by, self.clause.id, self.subject.day)
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
        if step.on != self.subject.day:
            yield self.reason("applied_another_day", self.clause, self.place, on=self.subject.day.isoformat())

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
                self.stage = StarStage.APPLIED
            case Doing.APPROVED:
                self.stage, self.approval = StarStage.APPROVED, step
            case Doing.RETURNED:
                self.stage = StarStage.RETURNED
                self.take_down()
            case Doing.POSTED:
                self.post(step)
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
