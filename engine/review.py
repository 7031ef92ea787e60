"""What `review.yaml` comes to: how a record was evaluated, which stages are open to it, and when each is due."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from math import ceil

from lianxing.engine.calendars import WorkingCalendar
from lianxing.engine.rounding import rounded
from lianxing.engine.rulebook import REVIEW, Rulebook
from lianxing.rules.assessments import Operand, Working
from lianxing.rules.facts import FactValue
from lianxing.rules.periods import Term
from lianxing.rules.policy import Policy
from lianxing.rules.review import (
    Combine,
    Correction,
    Evaluation,
    Late,
    Notice,
    Objection,
    Retention,
    ReviewStatement,
    SpotCheck,
    Stage,
    has_deadline,
)

SCORE = "score"
AXIS = "axis "
GRADE_FACT = "evaluation"
EVALUATION_FACTS = frozenset((GRADE_FACT, "evaluation_score"))


# --- the evaluation of a record ----------------------------------------------------------------------------------


def evaluated(
    rulebook: Rulebook, facts: dict[str, FactValue], day: date
) -> tuple[dict[str, FactValue], Working | None]:
    """Return the facts of a record with its evaluation worked out, and how; the same facts where no clause says how.

    `day` is the day of service, from which the time to evaluate runs.
    """
    statement = rulebook.once(_evaluation)
    if statement is None:
        return facts, None
    why_not = _not_taken(statement, rulebook.calendar, facts, day)
    axes = {axis: facts[axis] for axis in statement.axes if axis in facts} if not why_not else {}
    known = {axis: axes.get(axis, statement.default) for axis in statement.axes}
    score = _combined(statement, [value for value in known.values() if isinstance(value, int)])
    grade = next((grade for grade in statement.grades if score is not None and score >= grade.at_least), None)
    follows = worked_out(statement)
    said = {name: value for name, value in facts.items() if name not in follows}
    if score is not None:
        said["evaluation_score"] = score
    if grade is not None:
        said[GRADE_FACT] = grade.grade
    operands: dict[str, Operand] = {"combine": statement.combine.value, "to": statement.to}
    operands |= {"direction": statement.direction.value, "grade": grade.grade if grade is not None else ""}
    operands |= {"row": str(grade.location)} if grade is not None else {}
    operands |= {"given": len(axes), "why": why_not}
    operands |= {AXIS + axis: value for axis, value in known.items() if value is not None and score is not None}
    note = Working(statement.clause.id, 0, "evaluation", SCORE, 0, score or 0, tuple(operands.items()))
    return said, note


def worked_out(statement: Evaluation) -> frozenset[str]:
    """Return which facts follow from the axes, whatever is said of them; without grades the grade is as it is said."""
    return EVALUATION_FACTS if statement.grades else EVALUATION_FACTS - {GRADE_FACT}


def _evaluation(policy: Policy) -> Evaluation | None:
    return policy.evaluation


def _not_taken(statement: Evaluation, calendar: WorkingCalendar, facts: Mapping[str, FactValue], day: date) -> str:
    """Return why what was said of a record is left out, empty if it is not."""
    if not any(axis in facts for axis in statement.axes):
        return "absent"
    if statement.evaluators and facts.get("evaluator") not in statement.evaluators:
        return "evaluator"
    on = facts.get("evaluated_on")
    if statement.within is not None and statement.late is Late.MISSING and isinstance(on, int):
        return "late" if date.fromordinal(on) > calendar.end_of_period(day, statement.within) else ""
    return ""


def _combined(statement: Evaluation, values: list[int]) -> int | None:
    """Return the score in ten-thousandths; None for an evaluation that is incomplete and has no default."""
    if len(values) < len(statement.axes):
        return None
    match statement.combine:
        case Combine.LOWEST:
            score = Fraction(min(values))
        case Combine.HIGHEST:
            score = Fraction(max(values))
        case Combine.SUM:
            score = Fraction(sum(values))
        case Combine.MEAN:
            score = Fraction(sum(values), len(values))
    return rounded(score, statement.to, statement.direction)


# --- stages and their time ---------------------------------------------------------------------------------------


def moves(rulebook: Rulebook, state: str, day: date, facts: Mapping[str, FactValue]) -> list[Stage]:
    """Return the stages that are open to a record in this state: what may be done with it next, and by whom."""
    matched = rulebook.ask(REVIEW, day, facts, {})
    stages = [statement for statement in rulebook.policy.review if isinstance(statement, Stage)]
    return [
        stage for stage in stages if stage.from_state == state and (stage.when is None or stage.clause.id in matched)
    ]


@dataclass(frozen=True, slots=True)
class Stillstand:
    """From the day on which somebody objects to the day on which that is settled, both included."""

    objected_on: date
    settled_on: date | None  # None while it is not settled


def due(rulebook: Rulebook, id: str, started: date, still: Stillstand | None = None) -> date | None:
    """Return the last day for what a statement of `review.yaml` asks, when its time began on `started`.

    None while an objection that suspends is not settled. KeyError when no statement of that name has a deadline.
    """
    statement = timed(rulebook.policy, id)
    calendar = rulebook.calendar
    term = term_of(statement, started)
    if isinstance(statement, Retention):  # nobody has to act on that day: a holiday does not move it
        return calendar.end_of_stretch(started, term)
    stills = [] if still is None or not isinstance(statement, Notice) else [still]
    suspends = isinstance(statement, Notice) and statement.objection is Objection.SUSPENDS
    return last_day(calendar, started, term, stills if suspends else ())


def last_day(calendar: WorkingCalendar, started: date, term: Term, stills: Iterable[Stillstand]) -> date | None:
    """Return the last day of a period whose days stand still now and then; None while they do.

    What was left of the period when it came to stand still runs on after the day of settlement. What stands still at
    the same time stands still once; what comes after the last day moves nothing.
    """
    end = calendar.end_of_period(started, term)
    left = term.working_days or (calendar.end_of_stretch(started, term) - started).days
    begun = started
    for still in _merged(stills):
        if still.objected_on > end:
            break
        if still.settled_on is None:
            return None
        before = max(still.objected_on - timedelta(days=1), begun)
        used = calendar.worked_between(begun, before) if term.working_days else (before - begun).days
        left = max(0, left - used)
        begun = still.settled_on
        end = (
            calendar.add_working_days(begun, left)
            if term.working_days
            else calendar.end_of_period(begun, Term(days=left))
        )
    return end


def _merged(stills: Iterable[Stillstand]) -> list[Stillstand]:
    """Return stretches in order of which no two share a day."""
    merged: list[Stillstand] = []
    for still in sorted(stills, key=lambda one: (one.objected_on, one.settled_on or date.max)):
        last = merged[-1] if merged else None
        if last is None or (last.settled_on is not None and still.objected_on > last.settled_on):
            merged.append(still)
        elif last.settled_on is not None:
            open_end = still.settled_on is None
            until = None if open_end else max(last.settled_on, still.settled_on or last.settled_on)
            merged[-1] = Stillstand(last.objected_on, until)
    return merged


def timed(policy: Policy, id: str) -> ReviewStatement:
    """Return the statement of this name that has a deadline; KeyError if there is none."""
    for statement in policy.review:
        if statement.clause.id == id and has_deadline(statement):
            return statement
    raise KeyError(id)


def term_of(statement: ReviewStatement, day: date) -> Term:
    """Return the time that a statement gives to what begins on `day`."""
    match statement:
        case Stage() if statement.within is not None:
            return statement.within.on(day)
        case Notice() | Correction():
            return statement.within.on(day)
        case Retention():
            return statement.at_least.on(day)
        case Evaluation() if statement.within is not None:
            return statement.within
        case _:
            raise KeyError(statement.clause.id)


def to_check(statement: SpotCheck, day: date, reported: int) -> int:
    """Return how many of the records reported in the period of `day` are checked at least: the share, rounded up."""
    return ceil(statement.share.on(day) * reported)
