"""What a score sheet comes to on a day: worked out of other measures, facts of the person, and the star held."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from lianxing.engine.observing import Observer
from lianxing.engine.quotients import Quotient, holds
from lianxing.engine.rulebook import SCORES, MeasureValue, Rulebook, rate_name
from lianxing.rules.facts import RATIO_SCALE, FactValue
from lianxing.rules.measures import Measure
from lianxing.rules.scores import (
    STARS,
    Band,
    Bands,
    Blocks,
    Item,
    ScoreLine,
    ScoreResult,
    ScoreRule,
    Together,
    asked_by,
)

Values = Mapping[str, MeasureValue | FactValue]


def scores(
    rulebook: Rulebook,
    day: date,
    person: Mapping[str, FactValue],
    measures: Mapping[str, MeasureValue],
    star: int | None = None,
) -> dict[str, ScoreResult]:
    """Return every score that can be worked out and is not among the measures: there a case gives it outright.

    A score that asks the star held is left out while that is not known. Ask once before it is, for the stars that rest
    on a score, and again with the star: what came of the first time is not worked out twice.
    """
    sheets = [m for m in rulebook.policy.measures if m.score is not None and m.clause.id not in measures]
    known = [m for m in sheets if star is not None or not (m.score and m.score.asks_stars)]
    if not known:
        return {}
    facts = dict(person) if star is None else {**person, STARS: star}
    matched = rulebook.ask(SCORES, day, facts, measures)
    ruled_on = max(day, rulebook.policy.county.in_force_from)  # before it there are no rules; the first ones answer
    made = {measure.clause.id: _result(measure, ruled_on, {**facts, **measures}, matched) for measure in known}
    if rulebook.observer is not None:
        for measure in known:
            _observe(rulebook.observer, measure, made[measure.clause.id], ruled_on)
    return made


def _observe(observer: Observer, measure: Measure, result: ScoreResult, day: date) -> None:
    """Tell on which side of its bound a score came to lie."""
    assert measure.score is not None
    if measure.score.at_most is not None:
        most = measure.score.at_most.since(day)
        observer.compared(most.location, sum(line.points for line in result.lines if line.counts) <= most.value)


def with_scores(measures: Mapping[str, MeasureValue], sheets: Mapping[str, ScoreResult]) -> Mapping[str, MeasureValue]:
    """Return the measures with these scores among them."""
    return {**measures, **{id: sheet.points for id, sheet in sheets.items()}} if sheets else measures


def _result(measure: Measure, day: date, values: Values, matched: frozenset[str]) -> ScoreResult:
    score = measure.score
    assert score is not None
    lines: list[ScoreLine] = []
    for index, rule in enumerate(score.rules):
        if rule.when is not None and rate_name(measure.clause.id, index) not in matched:
            continue
        points = _points(rule, day, values)
        if points is not None:
            asked = tuple((name, _told(values.get(name))) for name in sorted(asked_by(rule)))
            lines.append(ScoreLine(rule.clause, asked, points, counts=True))
    if score.combine is Together.HIGHEST and lines:
        best = max(range(len(lines)), key=lambda index: lines[index].points)
        lines = [
            ScoreLine(line.clause, line.asked, line.points, counts=index == best) for index, line in enumerate(lines)
        ]
    total = sum(line.points for line in lines if line.counts)
    at_most = None if score.at_most is None else score.at_most.on(day)
    return ScoreResult(measure.clause, total if at_most is None else min(total, at_most), tuple(lines), at_most)


def _points(rule: ScoreRule, day: date, values: Values) -> int | None:
    """Return the hundredths of a point that a rule gives, None where it has nothing to say."""
    match rule:
        case Item():
            found = rule.table.since(tuple(_key(values.get(name)) for name in rule.table.by), day)
            return None if found is None else int(found.value)
        case Bands():
            value = values.get(rule.of)
            reached = [band.points for band in rule.bands.on(day) if _reaches(value, band)]
            return reached[-1] if reached else None
        case Blocks():
            value = values.get(rule.of)
            full = value // rule.every if isinstance(value, int) and value > 0 else 0
            if not full:
                return None
            points = full * rule.points.on(day)
            most = abs(points) if rule.at_most is None else rule.at_most.on(day)
            return max(-most, min(most, points))


def _reaches(value: MeasureValue | FactValue | None, band: Band) -> bool:
    match value:
        case Quotient():
            return value.count > 0 and holds(band.operator, value.sum * RATIO_SCALE, band.bound * value.count)
        case int():
            return holds(band.operator, value, band.bound)
        case _:
            return False


def _key(value: MeasureValue | FactValue | None) -> FactValue | None:
    return None if isinstance(value, Quotient) else value


def _told(value: MeasureValue | FactValue | None) -> FactValue | None:
    """Return a value as an explanation holds it: a quotient as sum/count."""
    return f"{value.sum}/{value.count}" if isinstance(value, Quotient) else value
