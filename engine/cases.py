"""Running a county's proof: what each case expected, what came out, and which clauses no case touched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from lianxing.engine.asking_cases import answered, lowerings_of
from lianxing.engine.basis import lowered
from lianxing.engine.checks import HOURS, MONEY, POINTS, Check, Outcome
from lianxing.engine.counting import assess, counted
from lianxing.engine.decision_cases import decision_checks, decision_touched
from lianxing.engine.measures import Totals
from lianxing.engine.menu_cases import menu_checks, menu_touched
from lianxing.engine.quotients import given_measures
from lianxing.engine.reading.vocabulary import KEYS, WORDS
from lianxing.engine.review_cases import review_checks, review_touched
from lianxing.engine.rounding import rounded
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.selection_cases import selection_checks, selection_touched
from lianxing.engine.standings import measures_of, standing, standing_with
from lianxing.rules.assessments import Assessment
from lianxing.rules.cases import Case, Expected
from lianxing.rules.facts import NUMBER_SCALE, RATIO_SCALE, Fact, FactType, Scope
from lianxing.rules.hours import Direction
from lianxing.rules.places import Clause
from lianxing.rules.standings import MeasureLine, Standing


@dataclass(frozen=True, slots=True)
class CaseResult:
    """A case with everything it asked, what was worked out on the way, and the clauses that it touched."""

    case: Case
    checks: tuple[Check, ...]
    assessments: tuple[Assessment, ...]
    standing: Standing
    touched: frozenset[str]

    @property
    def passed(self) -> bool:
        return all(check.holds for check in self.checks)


def run_case(rulebook: Rulebook, case: Case) -> CaseResult:
    """Return what a case came to, through the same functions that the ledger is fed by."""
    assessments = tuple(assess(rulebook, case.volunteer, ((record, {}) for record in case.records)))
    found = _standing(rulebook, case, assessments)
    answers = answered(rulebook, case, found)
    checks = (*_checks(rulebook, case, assessments, found), *answers.checks)
    touched = _touched(rulebook, case, assessments, found) | answers.touched
    return CaseResult(case, checks, assessments, found, touched)


def untouched(rulebook: Rulebook, results: Iterable[CaseResult]) -> list[Clause]:
    """Return the clauses of the policy that no case touched, in the order of the chapters."""
    touched = frozenset[str]().union(*(result.touched for result in results))
    return [clause for clause in rulebook.policy.clauses if clause.id not in touched]


def _standing(rulebook: Rulebook, case: Case, assessments: tuple[Assessment, ...]) -> Standing:
    facts = rulebook.policy.facts
    outright = {name: value for name, value in case.given.items() if facts[name].scope is Scope.SANCTION}
    given = given_measures(facts, {name: value for name, value in case.given.items() if name not in outright})
    if not case.records:
        measures = Totals(rulebook.policy).on(case.on) | given
        measures = lowered(measures, lowerings_of(rulebook, case, measures), case.on)
        return standing_with(rulebook, case.volunteer, measures, case.on, star_held=case.star, sanctioned=outright)
    history = [counted(assessment) for assessment in assessments]
    found = standing(rulebook, case.volunteer, history, case.on)
    by = lowerings_of(rulebook, case, measures_of(found) | given)
    if by:
        found = standing(rulebook, case.volunteer, history, case.on, lowerings=by)
    lived = measures_of(found)
    measures = lived | lowered(given, by, case.on)
    if measures == lived and case.star is None and not outright:
        return found
    return standing_with(
        rulebook,
        case.volunteer,
        measures,
        case.on,
        records=found.records,
        seconds=found.seconds,
        points=found.points,
        transitions=found.transitions,
        star=found.star,
        star_held=case.star,
        conduct=found.conduct,
        sanctioned=outright,
    )


def _checks(rulebook: Rulebook, case: Case, assessments: tuple[Assessment, ...], found: Standing) -> Iterable[Check]:
    expected = case.expected
    if expected.seconds is not None:
        yield Check("hours", expected.seconds, sum(assessment.seconds for assessment in assessments), HOURS)
    if expected.points is not None:
        yield Check("points", expected.points, sum(assessment.points for assessment in assessments), POINTS)
    yield from _amount_checks(expected, assessments)
    yield from review_checks(rulebook, case)
    yield from decision_checks(case, found)
    yield from selection_checks(rulebook, case)
    yield from menu_checks(rulebook, case)
    if expected.star is not None:
        yield Check("star", expected.star, found.star_reached)
    if expected.because is not None:
        named = {w.clause for a in assessments for w in a.workings} | {
            r.clause for a in assessments for r in a.refusals
        }
        for clause in expected.because:
            yield Check("because", clause, clause if clause in named else ", ".join(sorted(named)) or None)
    if expected.refused_by is not None:
        refusing = {refusal.clause for assessment in assessments for refusal in assessment.refusals}
        all_refused = not any(assessment.counted for assessment in assessments)
        got = (
            expected.refused_by
            if all_refused and expected.refused_by in refusing
            else ", ".join(sorted(refusing)) or None
        )
        yield Check("refused_by", expected.refused_by, got)
    if expected.perks is not None:
        held = {perk.clause.id: perk for perk in found.perks}
        yield Check("perks", ", ".join(sorted(expected.perks)), ", ".join(sorted(held)))
        for id, price in expected.perks.items():
            pays = held[id].pays if id in held else None
            if price is not None:
                paid = None if pays is None else rounded(pays * (case.price or 0), 1, Direction.HALF_UP)
                yield Check(f"perks {id}", price, paid, MONEY)
    facts = rulebook.policy.facts
    values = {line.clause.id: line for line in found.measures}
    for name, value in (expected.measures or {}).items():
        assert isinstance(value, int)
        line = values.get(name)
        if line is None:
            yield Check(f"measures {name}", value, None, facts[name])
            continue
        comes_to = line.sum if line.count is None else _quotient_as_said(facts[name], line, value)
        yield Check(f"measures {name}", value, comes_to, facts[name])
    for name, lacking in (expected.missing or {}).items():
        gap = next((gap for gap in found.gaps if gap.fact == name), None)
        got_lacking: Outcome = None if gap is None else gap.lacking if gap.lacking is not None else gap.needed
        yield Check(f"still_missing {name}", lacking, got_lacking, facts[name])


def _quotient_as_said(fact: Fact, line: MeasureLine, said: int) -> Outcome:
    """Return what a case says of a quotient, in millionths, where that is it: exactly, or to two decimals half up."""
    if not line.count:
        return None
    exact = Fraction(line.sum * RATIO_SCALE, line.count)
    step = _TWO_DECIMALS.get(fact.quotient_of, RATIO_SCALE // 100)
    return said if said in (exact, rounded(exact, step, Direction.HALF_UP)) else exact


# A hundredth of what people read, in millionths of the held unit: of a percent, a score, a point, an hour.
_TWO_DECIMALS = {
    None: RATIO_SCALE // 10_000,
    FactType.NUMBER: RATIO_SCALE * NUMBER_SCALE // 100,
    FactType.POINTS: RATIO_SCALE,
    FactType.DURATION: RATIO_SCALE * 36,
}


def _amount_checks(expected: Expected, assessments: tuple[Assessment, ...]) -> Iterable[Check]:
    """What waits, and what limits took off and sent elsewhere."""
    pending = [assessment.pending or (0, 0) for assessment in assessments]
    if expected.pending_seconds is not None:
        yield Check(
            "hours pending", expected.pending_seconds, sum(seconds for seconds, _points in pending), HOURS, KEYS
        )
    if expected.pending_points is not None:
        yield Check(
            "points pending", expected.pending_points, sum(points for _seconds, points in pending), POINTS, KEYS
        )
    if expected.overflows is not None:
        got: Counter[tuple[str, str]] = Counter()
        for assessment in assessments:
            got.update({key: int(amount) for key, amount in assessment.overflows.items()})
        for key in sorted({*expected.overflows, *got}):
            goes_to, unit = key
            of = HOURS if unit == "seconds" else POINTS
            yield Check(f"{of.name} {goes_to}", expected.overflows.get(key, 0), got.get(key, 0), of, WORDS)


def _passed_over(rulebook: Rulebook, case: Case) -> set[str]:
    """The changes of rules that the records of a case live through, and those that its account does."""
    first = min((record.day for record in case.records), default=case.on)
    found = {change.clause.id for change in rulebook.policy.transitions if first < change.on_day <= case.on}
    if case.asking is not None:
        began = min((move.on for move in case.asking.moves), default=case.on)
        account = next((one for one in rulebook.policy.accounts if one.clause.id == case.asking.account), None)
        changes = () if account is None else account.changes
        found |= {change.clause.id for change in changes if began < change.on_day <= case.on}
    return found


def _touched(rulebook: Rulebook, case: Case, assessments: tuple[Assessment, ...], found: Standing) -> frozenset[str]:
    touched = {working.clause for assessment in assessments for working in assessment.workings}
    touched |= {refusal.clause for assessment in assessments for refusal in assessment.refusals}
    touched |= review_touched(rulebook, case) | selection_touched(rulebook, case) | menu_touched(case)
    touched |= _passed_over(rulebook, case) | decision_touched(rulebook.policy, case, found)
    expected = case.expected
    if expected.star is not None and rulebook.policy.stars is not None:
        touched.add(rulebook.policy.stars.clause.id)
    if expected.perks is not None:
        touched |= set(expected.perks)
    if (
        expected.star is not None
        or expected.perks is not None
        or expected.missing is not None
        or expected.measures is not None
    ):
        touched |= {line.clause.id for line in found.measures if line.sum}
    return frozenset(touched)
