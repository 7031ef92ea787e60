"""What goes by working days rests on a calendar; there is one way to evaluate, and none round a notice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from lianxing.engine.amounts import counted
from lianxing.engine.calendars import WORKING_FACTS
from lianxing.engine.reading.vocabulary import KEYS
from lianxing.rules.conditions import Compare, CompareFacts, DatedCompare, Missing, OneOf, facts_of
from lianxing.rules.dates import Dated
from lianxing.rules.known_facts import CALENDAR_FACTS, RECORD_FACTS
from lianxing.rules.periods import Term
from lianxing.rules.places import Clause, Label, Location
from lianxing.rules.policy import Policy
from lianxing.rules.problems import Problem
from lianxing.rules.review import Evaluation, Notice, Retention, Stage

_NOTICES = frozenset(("notice", "notice_days"))  # of stars, sanctions and menus: working days, without the unit
_CHINESE = {fact.name: fact.zh for fact in (*CALENDAR_FACTS, *RECORD_FACTS)}
_BY_WORKING_DAYS = WORKING_FACTS | {"working_days_to_entry", "working_days_to_evaluation"}


def review_problems(policy: Policy) -> Iterator[Problem]:
    """Yield what is wrong with deadlines, evaluations and notices."""
    if not policy.county.calendar:
        for what, place in _reckoned(policy, policy.county.clause.location):
            yield Problem("P600", place, (("fact", what),))
    evaluations = [said for said in policy.review if isinstance(said, Evaluation)]
    for again in evaluations[1:]:
        yield Problem("P603", again.clause.location, (("first", evaluations[0].clause.id),))
    ways = [said for said in policy.review if isinstance(said, Notice | Stage)]
    for number, notice in enumerate(ways):
        if isinstance(notice, Notice) and notice.from_state:
            # Of two notices of one state the later one is wrong; of a stage beside a notice always the stage.
            others = (way for place, way in enumerate(ways) if place > number or isinstance(way, Stage))
            for other in others:
                yield from _goes_round(notice, other)


def _goes_round(notice: Notice, other: Notice | Stage) -> Iterator[Problem]:
    same = other.from_state == notice.from_state
    if same and (isinstance(other, Notice) or other.to_state == notice.to_state):
        told = (("id", other.clause.id), ("notice", notice.clause.id), ("state", notice.to_state))
        yield Problem("P607", other.clause.location, told)


def _reckoned(shape: object, place: Location) -> Iterator[tuple[Label, Location]]:
    """Yield what goes by working days in a shape, with its place: each test, and each statement with a deadline."""
    match shape:
        case Compare() | DatedCompare() | CompareFacts() | OneOf() | Missing():
            for name in sorted(facts_of(shape) & _BY_WORKING_DAYS):
                yield Label(_CHINESE.get(name, name), name), shape.location
        case Dated():
            for entry in shape.entries:
                yield from _reckoned(entry.value, entry.location)
        case Retention():  # no day of rest moves it
            return
        case Term():
            yield _written(shape), place
        case tuple():
            for part in shape:
                yield from _reckoned(part, place)
        case _ if is_dataclass(shape):
            clause = getattr(shape, "clause", None)
            here = clause.location if isinstance(clause, Clause) else place
            for field in fields(shape):
                value = getattr(shape, field.name)
                if field.name in _NOTICES and value is not None and not _is_term(value):
                    yield Label(KEYS[field.name], field.name), here
                yield from _reckoned(value, here)


def _is_term(value: object) -> bool:
    """Tell whether a notice is a term, which is told as such."""
    return isinstance(value, Dated) and isinstance(value.entries[0].value, Term)


def _written(term: Term) -> Label:
    if term.working_days:
        return Label(f"{term.working_days} 个工作日", counted(term.working_days, "working day", "working days"))
    if term.days:
        return Label(f"{term.days} 天", counted(term.days, "day", "days"))
    return Label(f"{term.months} 个月", counted(term.months, "month", "months"))
