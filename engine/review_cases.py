"""What a case asks of `review.yaml`, and what comes out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from lianxing.engine.checks import Check
from lianxing.engine.facts import person_facts, whole_facts
from lianxing.engine.reading.vocabulary import WORDS
from lianxing.engine.review import Stillstand, due, moves, to_check
from lianxing.engine.rulebook import REVIEW, Rulebook
from lianxing.rules.cases import SUSPENDED, Case, Deadline
from lianxing.rules.review import SpotCheck

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


def open_stages(rulebook: Rulebook, case: Case) -> list[str]:
    """Return which stages are open to the last record of a case on its day of service."""
    record = case.records[-1]
    asked = rulebook.asked(REVIEW)
    facts, _note = whole_facts(rulebook, record, {}, asked)
    facts |= person_facts(case.volunteer, record.day, asked)
    facts |= rulebook.calendar.facts(record.day, asked)
    stages = moves(rulebook, str(facts.get("state", "")), record.day, facts)
    return [stage.clause.id for stage in stages]


def review_touched(case: Case) -> frozenset[str]:
    """Return the statements of `review.yaml` that a case proves."""
    timed = {case.deadline.stage} if case.deadline is not None else set()
    return frozenset(timed | set(case.expected.open_stages or ()))


def _due(rulebook: Rulebook, told: Deadline) -> date | str:
    still = Stillstand(told.objected_on, told.settled_on) if told.objected_on is not None else None
    return due(rulebook, told.stage, told.started, still) or SUSPENDED


def _checked(rulebook: Rulebook, told: Deadline) -> int:
    statement = next(said for said in rulebook.policy.review if said.clause.id == told.stage)
    assert isinstance(statement, SpotCheck)
    return to_check(statement, told.started, told.reported or 0)
