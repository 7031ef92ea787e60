"""Running a county's proof: what each case expected, what came out, and which clauses no case touched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from lianxing.engine.counting import assess, counted
from lianxing.engine.measures import Totals
from lianxing.engine.quotients import Quotient
from lianxing.engine.rounding import rounded
from lianxing.engine.rulebook import MeasureValue, Rulebook
from lianxing.engine.standings import standing, standing_with
from lianxing.rules.assessments import Assessment
from lianxing.rules.cases import Case, Expected
from lianxing.rules.facts import RATIO_SCALE, FactType, FactValue
from lianxing.rules.hours import Direction
from lianxing.rules.places import Clause
from lianxing.rules.standings import Standing

Outcome = Fraction | int | str | None


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that a case asks: hours in seconds, points in hundredths, money in hundredths of a yuan."""

    what: str
    expected: Outcome
    got: Outcome

    @property
    def holds(self) -> bool:
        return self.expected == self.got


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
    checks = tuple(_checks(rulebook, case, assessments, found))
    return CaseResult(case, checks, assessments, found, _touched(rulebook, case, assessments, found))


def untouched(rulebook: Rulebook, results: Iterable[CaseResult]) -> list[Clause]:
    """Return the clauses of the policy that no case touched, in the order of the chapters."""
    touched = frozenset[str]().union(*(result.touched for result in results))
    return [clause for clause in rulebook.policy.clauses if clause.id not in touched]


def _standing(rulebook: Rulebook, case: Case, assessments: tuple[Assessment, ...]) -> Standing:
    if case.records:
        history = [counted(assessment) for assessment in assessments]
        return standing(rulebook, case.volunteer, history, case.on)
    measures = Totals(rulebook.policy).on(case.on) | _given(rulebook, case.given)
    return standing_with(rulebook, case.volunteer, measures, case.on, star_held=case.star)


def _given(rulebook: Rulebook, given: Mapping[str, FactValue]) -> dict[str, MeasureValue]:
    measures: dict[str, MeasureValue] = {}
    for name, value in given.items():
        assert isinstance(value, int)
        ratio = rulebook.policy.facts[name].type is FactType.RATIO
        measures[name] = Quotient(value, RATIO_SCALE) if ratio else value
    return measures


def _checks(rulebook: Rulebook, case: Case, assessments: tuple[Assessment, ...], found: Standing) -> Iterable[Check]:
    expected = case.expected
    if expected.seconds is not None:
        yield Check("hours", expected.seconds, sum(assessment.seconds for assessment in assessments))
    if expected.points is not None:
        yield Check("points", expected.points, sum(assessment.points for assessment in assessments))
    yield from _amount_checks(expected, assessments)
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
                yield Check(f"perks {id}", price, paid)
    values = {line.clause.id: line for line in found.measures}
    for name, value in (expected.measures or {}).items():
        assert isinstance(value, int)
        line = values[name]
        # A quotient is expected in millionths and compared without dividing.
        exact = line.count is None or line.sum * RATIO_SCALE == value * line.count
        comes_to = line.sum if line.count is None else value if exact and line.count else f"{line.sum}/{line.count}"
        yield Check(f"measures {name}", value, comes_to)
    for name, lacking in (expected.missing or {}).items():
        gap = next((gap for gap in found.gaps if gap.fact == name), None)
        got_lacking: Outcome = None if gap is None else gap.lacking if gap.lacking is not None else gap.needed
        yield Check(f"still_missing {name}", lacking, got_lacking)


def _amount_checks(expected: Expected, assessments: tuple[Assessment, ...]) -> Iterable[Check]:
    """What waits, and what limits took off and sent elsewhere."""
    pending = [assessment.pending or (0, 0) for assessment in assessments]
    if expected.pending_seconds is not None:
        yield Check("hours pending", expected.pending_seconds, sum(seconds for seconds, _points in pending))
    if expected.pending_points is not None:
        yield Check("points pending", expected.pending_points, sum(points for _seconds, points in pending))
    if expected.overflows is not None:
        got: Counter[tuple[str, str]] = Counter()
        for assessment in assessments:
            got.update({key: int(amount) for key, amount in assessment.overflows.items()})
        for key in sorted({*expected.overflows, *got}):
            goes_to, unit = key
            what = "hours" if unit == "seconds" else "points"
            yield Check(f"{what} {goes_to}", expected.overflows.get(key, 0), got.get(key, 0))


def _touched(rulebook: Rulebook, case: Case, assessments: tuple[Assessment, ...], found: Standing) -> frozenset[str]:
    touched = {working.clause for assessment in assessments for working in assessment.workings}
    touched |= {refusal.clause for assessment in assessments for refusal in assessment.refusals}
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
