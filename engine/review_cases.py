"""What a case asks of `review.yaml`, and what comes out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from lianxing.engine.checks import Check
from lianxing.engine.facts import person_facts, whole_facts
from lianxing.engine.reading.review_cases import NOT_ALLOWED
from lianxing.engine.reading.vocabulary import WORDS
from lianxing.engine.review import Stillstand, due, moves, to_check
from lianxing.engine.reviewing import judge, record_subject, standing_of
from lianxing.engine.rulebook import REVIEW, Rulebook
from lianxing.rules.cases import SUSPENDED, Case, Deadline, ReviewCase
from lianxing.rules.review import SpotCheck
from lianxing.rules.reviewing import Step

_SUSPENDED = {SUSPENDED: WORDS[SUSPENDED]}


def review_checks(rulebook: Rulebook, case: Case) -> Iterator[Check]:
    """Yield what the case expects of deadlines and stages: what, expected, got."""
    expected = case.expected
    told = case.deadline
    if told is not None and expected.due is not None:
        yield Check(f"due {told.stage}", str(expected.due), str(_due(rulebook, told)), words=_SUSPENDED)
    if told is not None and expected.checked is not None:
        yield Check(f"checked {told.stage}", expected.checked, _checked(rulebook, told))
    if expected.open_stages is not None:
        came = open_stages(rulebook, case)
        yield Check("open_stages", ", ".join(sorted(expected.open_stages)), ", ".join(sorted(came)))
    if case.review is not None:
        yield from _course_checks(rulebook, case, case.review)


def _course_checks(rulebook: Rulebook, case: Case, told: ReviewCase) -> Iterator[Check]:
    """Every step has to be allowed, but for the last one where the case says why not."""
    subject = record_subject(rulebook, case.volunteer, case.records[-1])
    taken: list[Step] = []
    *before, last = told.steps
    for step in before:
        verdict = judge(rulebook, subject, taken, step)
        if not verdict.allowed:
            yield Check(
                f"course {step.on}", "", ", ".join(reason.code for reason in verdict.reasons), words=NOT_ALLOWED
            )
            return
        taken.append(verdict.taken(step))
    verdict = judge(rulebook, subject, taken, last)
    codes = ", ".join(sorted(reason.code for reason in verdict.reasons))
    yield Check("not_allowed", ", ".join(sorted(told.not_allowed or ())), codes, words=NOT_ALLOWED)
    if told.comes_to is not None:
        yield Check("comes_to", told.comes_to, verdict.state)


def _steps_touch(rulebook: Rulebook, case: Case) -> Iterator[str]:
    """Yield the statements by which the steps of a case are taken."""
    if case.review is None:
        return
    subject = record_subject(rulebook, case.volunteer, case.records[-1])
    for number, step in enumerate(case.review.steps):
        offered = standing_of(rulebook, subject, case.review.steps[:number], step.on).next
        yield from (one.stage for one in offered if one.doing is step.doing and one.by in ("", step.role) and one.stage)


def open_stages(rulebook: Rulebook, case: Case) -> list[str]:
    """Return which stages are open to the last record of a case on its day of service."""
    record = case.records[-1]
    asked = rulebook.asked(REVIEW)
    facts, _note = whole_facts(rulebook, record, {}, asked)
    facts |= person_facts(case.volunteer, record.day, asked)
    facts |= rulebook.calendar.facts(record.day, asked)
    stages = moves(rulebook, str(facts.get("state", "")), record.day, facts)
    return [stage.clause.id for stage in stages]


def review_touched(rulebook: Rulebook, case: Case) -> frozenset[str]:
    """Return the statements of `review.yaml` that a case proves."""
    timed = {case.deadline.stage} if case.deadline is not None else set()
    return frozenset(timed | set(case.expected.open_stages or ()) | set(_steps_touch(rulebook, case)))


def _due(rulebook: Rulebook, told: Deadline) -> date | str:
    still = Stillstand(told.objected_on, told.settled_on) if told.objected_on is not None else None
    return due(rulebook, told.stage, told.started, still) or SUSPENDED


def _checked(rulebook: Rulebook, told: Deadline) -> int:
    statement = next(said for said in rulebook.policy.review if said.clause.id == told.stage)
    assert isinstance(statement, SpotCheck)
    return to_check(statement, told.started, told.reported or 0)
