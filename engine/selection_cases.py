"""What a case expects of a commendation, and what comes out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from lianxing.engine.candidates import Candidate, organisation, person, standing_candidate
from lianxing.engine.checks import Check
from lianxing.engine.commending import commend, commendation_named, last_days
from lianxing.engine.counting import assess, counted
from lianxing.engine.measures import Totals
from lianxing.engine.quotients import given_measures
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.standings import standing_with
from lianxing.rules.cases import Case
from lianxing.rules.commendation import Subject
from lianxing.rules.conditions import facts_of
from lianxing.rules.facts import Scope, VolunteerId
from lianxing.rules.records import ServiceRecord
from lianxing.rules.selection_cases import SelectionCase, ToldCandidate
from lianxing.rules.selections import Selection
from lianxing.rules.standings import Counted


def selection_checks(rulebook: Rulebook, case: Case) -> Iterator[Check]:
    """Yield what the case expects of a commendation: what, expected, got."""
    told = case.selection
    if told is None:
        return
    found = selected_in(rulebook, told, case.on)
    in_order = (("selected", told.selected, found.selected), ("reserve", told.reserve, found.reserve))
    for what, expected, got in in_order:
        if expected is not None:
            yield Check(f"{what} {told.commend}", ", ".join(expected), ", ".join(one.id for one in got))
    everybody = (*found.selected, *found.undecided, *found.reserve)
    in_any = (
        ("undecided", told.undecided, [one.id for one in found.undecided]),
        ("ineligible", told.ineligible, [one.id for one in found.ineligible]),
        ("exceptions", told.exceptions, [one.id for one in everybody if one.exception_at is not None]),
    )
    for what, wanted, came in in_any:
        if wanted is not None:
            yield Check(f"{what} {told.commend}", ", ".join(sorted(wanted)), ", ".join(sorted(came)))
    if told.period is not None:
        first, last = told.period
        yield Check(f"period {told.commend}", f"{first} {last}", f"{found.first} {found.last}")
    yield from _steps(rulebook, told, case.on)


def _steps(rulebook: Rulebook, told: SelectionCase, on: date) -> Iterator[Check]:
    commendation = commendation_named(rulebook, told.commend)
    if told.steps is None or commendation is None:
        return
    came = last_days(rulebook, commendation, on)
    for index in range(max(len(told.steps), len(came))):
        expected = told.steps[index] if index < len(told.steps) else None
        step, day = came[index] if index < len(came) else (None, None)
        asks_day = expected is None or expected.due is not None
        wanted = "" if expected is None else f"{expected.name}, {expected.by}, {expected.due if asks_day else ''}"
        got = "" if step is None else f"{step.name}, {step.by}, {day if asks_day else ''}"
        yield Check(f"stages {index + 1}", wanted, got)


def selected_in(rulebook: Rulebook, told: SelectionCase, on: date) -> Selection:
    """Return what the commendation of a case comes to."""
    commendation = commendation_named(rulebook, told.commend)
    assert commendation is not None
    candidates = [candidate_of(rulebook, commendation.subject, one, on) for one in told.candidates]
    return commend(rulebook, commendation, on, candidates, told.members)


def selection_touched(rulebook: Rulebook, case: Case) -> frozenset[str]:
    """Return the statements that a case about a commendation proves: it, and the measures that it asks."""
    told = case.selection
    commendation = None if told is None else commendation_named(rulebook, told.commend)
    if commendation is None:
        return frozenset()
    conditions = (commendation.eligible, commendation.exceptions, commendation.prefers)
    asked = {name for condition in conditions if condition is not None for name in facts_of(condition)}
    asked |= {key.fact for key in commendation.rank_by}
    measures = {measure.clause.id for measure in rulebook.policy.measures}
    return frozenset({commendation.clause.id} | asked & measures)


def candidate_of(rulebook: Rulebook, subject: Subject, told: ToldCandidate, on: date) -> Candidate:
    """Return what a case tells of somebody as a candidate on a day."""
    if told.records:
        history = _history(rulebook, told)
        made = person if subject is Subject.PERSON else organisation
        return made(rulebook, told.subject, history, on)
    facts = rulebook.policy.facts
    sanctioned = {name: value for name, value in told.given.items() if facts[name].scope is Scope.SANCTION}
    measures = Totals(rulebook.policy).on(on) | given_measures(
        facts, {name: value for name, value in told.given.items() if name not in sanctioned}
    )
    found = standing_with(rulebook, told.subject, measures, on, star_held=told.star, sanctioned=sanctioned)
    candidate = standing_candidate(rulebook, found, told.subject, (), on, sanctioned)
    return candidate if subject is Subject.PERSON else candidate.as_organisation()


def _history(rulebook: Rulebook, told: ToldCandidate) -> list[Counted]:
    """Every volunteer of an organisation is assessed by themselves: what is limited is limited per person."""
    served: dict[VolunteerId, list[ServiceRecord]] = {}
    for record in told.records:
        served.setdefault(record.volunteer, []).append(record)
    made = (
        counted(assessment)
        for id, records in served.items()
        for assessment in assess(rulebook, replace(told.subject, id=id), ((record, {}) for record in records))
    )
    return sorted(made, key=lambda past: past.record.order)
