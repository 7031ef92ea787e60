"""May this be done next in a review, and how does it stand then: a pure answer from the rules and the steps so far.

The same steps give the same answer. Whoever stores them asks `judge` first and stores what was allowed; what was
refused changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from lianxing.engine.courses import DECIDED, Course
from lianxing.engine.facts import person_facts, record_facts, whole_facts
from lianxing.engine.record_courses import RecordCourse
from lianxing.engine.rulebook import REVIEW, Rulebook
from lianxing.engine.star_courses import StarCourse
from lianxing.rules.facts import FactValue
from lianxing.rules.records import ServiceRecord, Volunteer
from lianxing.rules.redeeming import Reason
from lianxing.rules.reviewing import About, Awarded, Doing, Due, Step, Subject, Verdict


def judge(rulebook: Rulebook, subject: Subject, steps: Sequence[Step], step: Step) -> Verdict:
    """Return whether `step` may be done after `steps`, which were allowed one by one, and how it stands then."""
    course = _course(rulebook, subject, steps)
    reasons = tuple(course.refusals(step))
    late = False
    if not reasons:
        course.do(replace(step, state="", posting=None))
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
    waits = frozenset((Doing.ADVANCED, Doing.LATE_ENTRY, Doing.APPROVED, Doing.POSTED, *DECIDED))
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


def awarded(rulebook: Rulebook, reviews: Iterable[tuple[Subject, Sequence[Step]]]) -> tuple[Awarded, ...]:
    """Return the stars of one person that were awarded and not revoked, by the day from which they are held.

    That is what `engine.life.Life` and `engine.standings.standing` take as `awards`.
    """
    found: list[Awarded] = []
    for subject, steps in reviews:
        if subject.about is not About.STAR:
            continue
        course = _course(rulebook, subject, steps)
        assert isinstance(course, StarCourse)
        if course.award is not None:
            found.append(course.award)
    return tuple(sorted(found, key=lambda one: (one.effective_on, one.star)))


def _told(course: Course, on: date, reasons: tuple[Reason, ...], *, late: bool = False) -> Verdict:
    following = tuple(course.following(on))
    return Verdict(
        allowed=not reasons,
        reasons=reasons,
        state=course.state,
        due=course.due(),
        suspended=course.suspended,
        next=following,
        late=late,
        posting=course.posting,
    )


def _course(rulebook: Rulebook, subject: Subject, steps: Sequence[Step]) -> Course:
    course: Course = RecordCourse(rulebook, subject) if subject.about is About.RECORD else StarCourse(rulebook, subject)
    for step in steps:
        course.do(step)
    return course
