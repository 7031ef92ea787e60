"""Every number with its reasons, as plain data: what is kept with an entry, and what a standing rests on.

The body of an entry holds what each step found and left, so that `engine.readding` can repeat the arithmetic from it;
`engine.wording` makes sentences of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from lianxing.engine.amounts import number_text
from lianxing.rules.assessments import Assessment, Operand, Refusal, Working
from lianxing.rules.earning import Add, EarningStep, Multiply, PointsPerEvent, PointsPerHour
from lianxing.rules.facts import Fact, Scope
from lianxing.rules.hours import CountsAs, HoursStep
from lianxing.rules.places import Clause
from lianxing.rules.policy import DECISIONS_VERSION, Policy
from lianxing.rules.scores import ScoreResult
from lianxing.rules.standings import Gap, HeldPerk, MeasureLine, Standing
from lianxing.rules.transition import TransitionLine


def body_of(assessment: Assessment) -> dict[str, Any]:
    """Return an assessment as plain data: whole numbers stay numbers, fractions become text such as `7/2`."""
    pending = {} if assessment.pending is None else {"pending": _pending(*assessment.pending)}
    return {
        "policy": assessment.policy_digest,
        "reported": assessment.record.seconds,
        "seconds": assessment.seconds,
        "points": assessment.points,
        "counted": assessment.counted,
        **pending,
        "workings": [_working(working) for working in assessment.workings],
        "refusals": [_refusal(refusal) for refusal in assessment.refusals],
    }


def _pending(seconds: int, points: int) -> dict[str, int]:
    return {"seconds": seconds, "points": points}


def _working(working: Working) -> dict[str, Any]:
    data = {
        "clause": working.clause,
        "part": working.part,
        "operation": working.operation,
        "unit": working.unit,
        "before": _plain(working.before),
        "after": _plain(working.after),
    }
    for name, value in working.operands:
        data[name] = _plain(value) if type(value) is Fraction else value
    return data


def _refusal(refusal: Refusal) -> dict[str, Any]:
    return {"clause": refusal.clause, "part": refusal.part, "reason": refusal.reason, **dict(refusal.details)}


def _plain(value: Operand) -> int | str:
    if type(value) is not Fraction:  # asked of every number of every record: `isinstance` of a number is slow
        return value  # type: ignore[return-value]
    return value.numerator if value.denominator == 1 else f"{value.numerator}/{value.denominator}"


def kept_of(policy: Policy) -> dict[str, Any]:
    """Return what an explanation needs of a policy, as plain data that is kept with the ledger.

    `clauses`: each clause's place, source and names. `words`: the facts that tables are looked up by and evaluations
    are made of, with the names of their values. `decisions`: by which version of the engine it decides.
    """
    clauses = {clause.id: clause_data(clause) for clause in policy.clauses}
    asked = {name for step in (*policy.hours, *policy.earning) for name in _asked_by(step)}
    asked |= {*policy.evaluation.axes, "evaluation"} if policy.evaluation is not None else set()
    return {
        "clauses": clauses | {policy.county.clause.id: clause_data(policy.county.clause)},
        "words": {name: _word(policy.facts[name]) for name in sorted(asked)},
        "decisions": DECISIONS_VERSION,
    }


def _asked_by(step: HoursStep | EarningStep) -> tuple[str, ...]:
    if isinstance(step, CountsAs):
        return step.table.by
    if not isinstance(step, PointsPerHour | PointsPerEvent | Multiply | Add):
        return ()
    return tuple(name for table in step.rates.tables for name in table.by)


def _word(fact: Fact) -> dict[str, Any]:
    values = {value.id: {"zh": value.label.zh, "en": value.label.en} for value in fact.values}
    return {"zh": fact.zh or fact.name, "en": fact.name, "type": fact.type.value, "values": values}


def clause_data(clause: Clause) -> dict[str, str]:
    """Return a clause as plain data."""
    source = clause.source
    data = {
        "at": str(clause.location),
        "layer": clause.layer,
        "zh": clause.label.zh,
        "en": clause.label.en,
        "title": source.title,
        "cites": source.clause,
        "status": source.status,
    }
    return {name: value for name, value in data.items() if value}


def standing_data(standing: Standing) -> dict[str, Any]:
    """Return a standing as plain data, each part with its clause and place."""
    return {
        "volunteer": standing.volunteer,
        "county": standing.county,
        "on": standing.on.isoformat(),
        "policy": standing.policy_digest,
        "records": standing.records,
        "seconds": standing.seconds,
        "points_hundredths": standing.points,
        "star_reached": standing.star_reached,
        "star_held": standing.star_held,
        "star_clause": None if standing.star_clause is None else clause_data(standing.star_clause),
        "star_at": None if standing.star_at is None else str(standing.star_at),
        "measures": [_measure_data(line) for line in standing.measures],
        "scores": [_score_data(score) for score in standing.scores],
        "transitions": [_transition_data(line) for line in standing.transitions],
        "next_star": standing.next_star,
        "still_missing": [gap_data(gap) for gap in standing.gaps],
        "perks": [_perk_data(perk) for perk in standing.perks],
    }


def _measure_data(line: MeasureLine) -> dict[str, Any]:
    data: dict[str, Any] = {
        "measure": line.clause.id,
        "type": line.type.value,
        "sum": line.sum,
        **clause_data(line.clause),
    }
    return data if line.count is None else data | {"count": line.count}


def _score_data(score: ScoreResult) -> dict[str, Any]:
    """Return a score sheet as plain data, every line with its clause and place."""
    return {
        "score": score.clause.id,
        "points_hundredths": score.points,
        "at_most": score.at_most,
        "lines": [
            {
                "points_hundredths": line.points,
                "counts": line.counts,
                "asked": dict(line.asked),
                **clause_data(line.clause),
            }
            for line in score.lines
        ],
        **clause_data(score.clause),
    }


def _transition_data(line: TransitionLine) -> dict[str, Any]:
    """Return what a change of rules did to a measure as plain data."""
    return {
        "transition": line.clause.id,
        "measure": line.measure,
        "unit": line.unit,
        "before": line.before,
        "after": line.after,
        **clause_data(line.clause),
    }


def gap_data(gap: Gap) -> dict[str, Any]:
    """Return a test that does not hold as plain data."""
    return {
        "fact": gap.fact,
        "type": gap.type.value,
        "test": None if gap.operator is None else gap.operator.value,
        "needed": gap.needed,
        "has": None if gap.has is None else _plain(gap.has),
        "lacking": gap.lacking,
        "at": str(gap.location),
    }


def unmet_data(gap: Gap, facts: Mapping[str, Fact]) -> dict[str, Any]:
    """Return what of a condition does not hold as an entry keeps it: of a person nothing that the register says."""
    said = gap_data(gap)
    if facts[gap.fact].scope is Scope.PERSON:
        del said["has"], said["lacking"]
    return said


def _perk_data(perk: HeldPerk) -> dict[str, Any]:
    return {
        "perk": perk.clause.id,
        "provider": perk.provider,
        "pays": None if perk.pays is None else f"{number_text(perk.pays * 100)} %",
        "uses": {"at_most": perk.uses_at_most, "per": perk.uses_per.value} if perk.uses_per else None,
        **_more_of(perk),
        **clause_data(perk.clause),
    }


def _more_of(perk: HeldPerk) -> dict[str, Any]:
    """Return what only some perks have."""
    data: dict[str, Any] = {
        "worth": perk.worth,
        "pass_months": perk.pass_months,
        "earned_so_far": perk.earned_so_far,
        "chosen_by": None if perk.chosen_by is None else perk.chosen_by.id,
        "sites": list(perk.sites) or None,
        "department": perk.department or None,
        "legal_ground": perk.legal_ground or None,
        "beneficiaries": [one.value for one in perk.beneficiaries] if perk.beneficiaries[1:] else None,
        "shows": None if perk.shows is None else perk.shows.value,
    }
    return {name: value for name, value in data.items() if value is not None}
