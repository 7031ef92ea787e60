"""Every number with its reasons: as data that can be re-added, and as sentences made at the edge.

The body of an entry holds what each step found and left. `readd` repeats the arithmetic from the body alone, by the
formulas of docs/how-points-are-counted.md, without the policy and without `engine.counting`.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from lianxing.engine.amounts import amount_text, number_text, time_text, value_text
from lianxing.rules.assessments import KEY, MISSING, NO_RATE, Assessment, Operand, Refusal, Working
from lianxing.rules.conditions import Operator
from lianxing.rules.earning import Add, EarningStep, Multiply, PointsPerEvent, PointsPerHour
from lianxing.rules.facts import Fact, FactType, Scope
from lianxing.rules.hours import Direction
from lianxing.rules.places import Clause, Label, Language
from lianxing.rules.policy import Policy
from lianxing.rules.standings import Gap, HeldPerk, MeasureLine, Standing

Body = Mapping[str, Any]


# --- data ----------------------------------------------------------------------------------------------------------


def body_of(assessment: Assessment) -> dict[str, Any]:
    """Return an assessment as plain data: whole numbers stay numbers, fractions become text such as `7/2`."""
    return {
        "policy": assessment.policy_digest,
        "reported": assessment.record.seconds,
        "seconds": assessment.seconds,
        "points": assessment.points,
        "counted": assessment.counted,
        "workings": [_working(working) for working in assessment.workings],
        "refusals": [_refusal(refusal) for refusal in assessment.refusals],
    }


def _working(working: Working) -> dict[str, Any]:
    return {
        "clause": working.clause,
        "part": working.part,
        "operation": working.operation,
        "unit": working.unit,
        "before": _plain(working.before),
        "after": _plain(working.after),
        **{name: _plain(value) for name, value in working.operands},
    }


def _refusal(refusal: Refusal) -> dict[str, Any]:
    return {"clause": refusal.clause, "part": refusal.part, "reason": refusal.reason, **dict(refusal.details)}


def _plain(value: Operand) -> int | str:
    if isinstance(value, Fraction):
        return int(value) if value.denominator == 1 else f"{value.numerator}/{value.denominator}"
    return value


def kept_of(policy: Policy) -> dict[str, Any]:
    """Return what an explanation needs of a policy, as plain data that is kept with the ledger.

    `clauses`: each clause's place, source and names. `words`: the facts that tables are looked up by, with the names of
    their values.
    """
    clauses = {clause.id: clause_data(clause) for clause in policy.clauses}
    asked = {name for step in policy.earning for name in _asked_by(step)}
    return {
        "clauses": clauses | {policy.county.clause.id: clause_data(policy.county.clause)},
        "words": {name: _word(policy.facts[name]) for name in sorted(asked)},
    }


def _asked_by(step: EarningStep) -> tuple[str, ...]:
    return step.table.by if isinstance(step, PointsPerHour | PointsPerEvent | Multiply | Add) else ()


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


# --- re-adding -----------------------------------------------------------------------------------------------------


class ReaddingError(Exception):
    """The arithmetic of an explanation does not lead from one step to the next, or not to the amounts it states."""


def readd(body: Body) -> tuple[int, int]:
    """Return the seconds and hundredths of a point that the steps of a body add up to.

    Raises ReaddingError when a step does not start where the one before ended, or does not come out as it says.
    """
    amounts: dict[tuple[int, str], Fraction] = {(0, "seconds"): Fraction(body["reported"])}
    for step in body["workings"]:
        part, unit = step["part"], step["unit"]
        if step["operation"] == "split":
            amounts[part, unit] = Fraction(step["after"])
            continue
        before = amounts.get((part, unit), Fraction(0))
        if before != Fraction(step["before"]):
            raise ReaddingError(f"{step['clause']}: starts at {step['before']}, the steps before led to {before}")
        after = _again(step, before)
        if after != Fraction(step["after"]):
            raise ReaddingError(f"{step['clause']}: says {step['after']}, comes to {after}")
        amounts[part, unit] = after
    refused = {refusal["part"] for refusal in body["refusals"] if refusal["reason"] != NO_RATE}
    unpriced = {refusal["part"] for refusal in body["refusals"]}
    seconds, points = (
        sum((amount for (part, of), amount in amounts.items() if of == unit and part not in out), Fraction(0))
        for unit, out in (("seconds", refused), ("points", unpriced))
    )
    if seconds.denominator != 1 or points.denominator != 1:
        raise ReaddingError(f"not whole: {seconds} seconds, {points} hundredths of a point")
    return int(seconds), int(points)


def _again(step: Mapping[str, Any], before: Fraction) -> Fraction:
    """Return what a step makes of an amount, from its operands alone."""
    match step["operation"]:
        case "overlap":
            return min(before, Fraction(step["free"]))
        case "round":
            so_far, to = Fraction(step["so_far"]), step["to"]
            direction = Direction(step["direction"])
            return _nearest(so_far + before, to, direction) - _nearest(so_far, to, direction)
        case "limit":
            return min(before, max(Fraction(0), Fraction(step["at_most"]) - Fraction(step["used"])))
        case "per_hour":
            hundredths_an_hour = Fraction(step["value"]) * 100
            return before + hundredths_an_hour * Fraction(step["seconds"], 3600)
        case "add":
            return before + Fraction(step["value"]) * 100
        case "multiply":
            return before * Fraction(step["value"])
        case "zero":
            return Fraction(0)
        case other:
            raise ReaddingError(f"unknown operation {other}")


def _nearest(amount: Fraction, to: int, direction: Direction) -> Fraction:
    steps = abs(amount) / to
    whole = steps.numerator // steps.denominator
    rest = steps - whole
    half = Fraction(1, 2)
    up = {
        Direction.DOWN: False,
        Direction.UP: rest > 0,
        Direction.HALF_UP: rest >= half,
        Direction.HALF_EVEN: rest > half or (rest == half and whole % 2 == 1),
    }[direction]
    return Fraction((whole + up) * to * (-1 if amount < 0 else 1))


# --- sentences -----------------------------------------------------------------------------------------------------

_DIRECTIONS = {
    "down": ("舍去", "down"),
    "up": ("进位", "up"),
    "half_up": ("四舍五入", "half up"),
    "half_even": ("五成双", "half to even"),
}
_PERIODS = {
    "record": ("每条记录", "record"),
    "activity": ("每个活动", "activity"),
    "day": ("每日", "day"),
    "week": ("每周", "week"),
    "month": ("每月", "month"),
    "quarter": ("每季度", "quarter"),
    "calendar_year": ("每自然年", "calendar year"),
    "running_total": ("累计", "running total"),
}
_REASONS = {
    "not_counted": ("不符合计入条件", "it is not what counts"),
    "excluded": ("属于不计入的情形", "it is excluded"),
    "overlap": ("与记录 {other} 时间重叠", "it overlaps record {other}"),
    "before_in_force": ("早于办法施行日 {day}", "it is before the rules came into force on {day}"),
    "after_in_force": ("晚于办法终止日 {day}", "it is after the rules ended on {day}"),
    "no_rate": ("表格没有说明 {keys}", "the table does not say what {keys} gives"),
}


def sentences(body: Body, kept: Mapping[str, Any], language: Language) -> list[str]:
    """Return the explanation of one record, a sentence per step and one for the result; `kept` is from `kept_of`."""
    clauses = kept["clauses"]
    parts = {step["part"] for step in body["workings"]}
    said = [_step_sentence(step, kept, len(parts) > 1, language) for step in body["workings"]]
    said += [_refusal_sentence(refusal, clauses, language) for refusal in body["refusals"]]
    hours, points = (amount_text(unit, body[unit], language) for unit in ("seconds", "points"))
    if language == "zh":
        said.append(f"合计：服务时长 {hours}，积分 {points}。")
    else:
        said.append(f"In all: {hours} of service, {points}.")
    return said


def clause_text(id: str, clause: Mapping[str, str], language: Language) -> str:
    """Return a clause as `name (file:line, clause of the regulation)`."""
    name = clause.get(language) or clause.get("en" if language == "zh" else "zh")
    name, id = (name, f"{id}，" if language == "zh" else f"{id}, ") if name else (id, "")
    at = clause.get("at", "").rpartition(":")[0]
    cites = clause.get("cites", "")
    if language == "zh":
        return f"{name}〔{id}{at}{'，' + cites if cites else ''}〕"
    return f"{name} [{id}{at}{', ' + cites if cites else ''}]"


def _step_sentence(step: Mapping[str, Any], kept: Mapping[str, Any], in_parts: bool, language: Language) -> str:
    zh = language == "zh"
    clause = clause_text(step["clause"], kept["clauses"].get(step["clause"], {}), language)
    before, after = (amount_text(step["unit"], Fraction(step[end]), language) for end in ("before", "after"))
    how = _how(step, kept["words"], zh, language)
    part = "" if not in_parts else f"第 {step['part'] + 1} 段，" if zh else f"part {step['part'] + 1}, "
    if zh:
        return f"{part}{clause}：{before} → {after}{'（' + how + '）' if how else ''}"
    return f"{part}{clause}: {before} → {after}{' (' + how + ')' if how else ''}"


def _how(step: Mapping[str, Any], words: Mapping[str, Any], zh: bool, language: Language) -> str:
    """Return the arithmetic of a step in a few words."""
    index = 0 if zh else 1
    match step["operation"]:
        case "split":
            return str(step["day"])
        case "overlap":
            return f"与记录 {step['other']} 重叠" if zh else f"overlaps record {step['other']}"
        case "round":
            to = amount_text(step["unit"], step["to"], language)
            each, direction = _PERIODS[step["each"]][index], _DIRECTIONS[step["direction"]][index]
            before = "" if step["each"] == "record" else _so_far(step, zh, language)
            return f"{each}取整到 {to}，{direction}{before}" if zh else f"to {to} per {each}, {direction}{before}"
        case "limit":
            most, used = (amount_text(step["unit"], Fraction(step[name]), language) for name in ("at_most", "used"))
            per = _PERIODS[step["per"]][index]
            return f"{per}至多 {most}，已用 {used}" if zh else f"at most {most} per {per}, {used} used before"
        case "per_hour":
            time = time_text(step["seconds"], language)
            return f"{time} × {_value(step)}{_keys(step, words, language)}"
        case "add":
            return f"+ {_value(step)}{_keys(step, words, language)}"
        case "multiply":
            return f"× {_value(step)}{_keys(step, words, language)}"
        case _:
            return ""


def _value(step: Mapping[str, Any]) -> str:
    return number_text(Fraction(step["value"]))


def _keys(step: Mapping[str, Any], words: Mapping[str, Any], language: Language) -> str:
    """Return what a table was asked with: `, category = training`."""
    comma = "，" if language == "zh" else ", "
    asked = {name.removeprefix(KEY): value for name, value in step.items() if name.startswith(KEY)}
    return "".join(
        f"{comma}{words[name][language]} = {_named(words[name], value, language)}" for name, value in asked.items()
    )


def _named(word: Mapping[str, Any], value: int | str, language: Language) -> str:
    if value == MISSING:
        return "缺失" if language == "zh" else "missing"
    if isinstance(value, str):
        return word["values"].get(value, {}).get(language) or value
    fact = Fact("", "", FactType(word["type"]), Scope.RECORD, Label())
    return value_text(fact, value, language)


def _so_far(step: Mapping[str, Any], zh: bool, language: Language) -> str:
    so_far = amount_text(step["unit"], Fraction(step["so_far"]), language)
    return f"，此前累计 {so_far}" if zh else f", {so_far} before"


def _refusal_sentence(refusal: Mapping[str, Any], clauses: Mapping[str, Mapping[str, str]], language: Language) -> str:
    clause = clause_text(refusal["clause"], clauses.get(refusal["clause"], {}), language)
    reason = _REASONS[refusal["reason"]][0 if language == "zh" else 1].format_map(refusal)
    if refusal["reason"] == NO_RATE:
        return f"{clause}：不计积分，{reason}" if language == "zh" else f"{clause}: no points, {reason}"
    return f"{clause}：不计，{reason}" if language == "zh" else f"{clause}: refused, {reason}"


# --- standings -----------------------------------------------------------------------------------------------------


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
        "next_star": standing.next_star,
        "still_missing": [_gap_data(gap) for gap in standing.gaps],
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


def _gap_data(gap: Gap) -> dict[str, Any]:
    return {
        "fact": gap.fact,
        "type": gap.type.value,
        "test": None if gap.operator is None else gap.operator.value,
        "needed": gap.needed,
        "has": None if gap.has is None else _plain(gap.has),
        "lacking": gap.lacking,
        "at": str(gap.location),
    }


def _perk_data(perk: HeldPerk) -> dict[str, Any]:
    return {
        "perk": perk.clause.id,
        "provider": perk.provider,
        "pays": None if perk.pays is None else f"{number_text(perk.pays * 100)} %",
        "uses": {"at_most": perk.uses_at_most, "per": perk.uses_per.value} if perk.uses_per else None,
        **clause_data(perk.clause),
    }


def standing_sentences(standing: Standing, facts: Mapping[str, Fact], language: Language) -> list[str]:
    """Return a standing in words: totals, star and why, what the next one takes, perks."""
    zh = language == "zh"
    hours = time_text(standing.seconds, language)
    points = amount_text("points", standing.points, language)
    records = f"{standing.records} record{'' if standing.records == 1 else 's'}"
    said = [
        f"截至 {standing.on}：{standing.records} 条记录计入，服务时长 {hours}，获得积分 {points}。"
        if zh
        else f"On {standing.on}: {records} counted, {hours} of service, {points} earned."
    ]
    said += [_measure_sentence(line, facts, language) for line in standing.measures]
    said.append(_star_sentence(standing, zh, language))
    if standing.next_star is not None:
        said.append(
            f"距 {standing.next_star} 星还差：" if zh else f"To star {standing.next_star} there is still missing:"
        )
        said += [_gap_sentence(gap, facts, language) for gap in standing.gaps]
    said += [_perk_sentence(perk, language) for perk in standing.perks]
    return said


def _measure_sentence(line: MeasureLine, facts: Mapping[str, Fact], language: Language) -> str:
    clause = clause_text(line.clause.id, clause_data(line.clause), language)
    fact = facts[line.clause.id]
    if line.count is None:
        return f"  {clause}{'：' if language == 'zh' else ': '}{value_text(fact, line.sum, language)}"
    value = Fraction(line.sum * 1_000_000, line.count) if line.count else None
    shown = value_text(fact, value, language)
    return f"  {clause}{'：' if language == 'zh' else ': '}{shown} ({line.sum}/{line.count})"


def _star_sentence(standing: Standing, zh: bool, language: Language) -> str:
    if standing.star_clause is None:
        return "本地办法没有星级。" if zh else "The policy has no stars."
    cites = standing.star_clause.source.clause
    place = standing.star_at or standing.star_clause.location
    where = f"{place.path}:{place.line}{('，' if zh else ', ') + cites if cites else ''}"
    if standing.star_held == 0:
        return f"尚无星级〔{where}〕。" if zh else f"No star yet [{where}]."
    return f"{standing.star_held} 星志愿者〔{where}〕。" if zh else f"Star {standing.star_held} [{where}]."


_TESTS = {
    Operator.AT_LEAST: ("至少", "at least"),
    Operator.AT_MOST: ("至多", "at most"),
    Operator.MORE_THAN: ("超过", "more than"),
    Operator.LESS_THAN: ("不满", "less than"),
    Operator.EQUALS: ("为", "equal to"),
}


def _gap_sentence(gap: Gap, facts: Mapping[str, Fact], language: Language) -> str:
    zh = language == "zh"
    fact = facts[gap.fact]
    name = fact.meaning.text(language) if fact.scope.value == "measure" else (fact.zh if zh else fact.name)
    has = value_text(fact, gap.has, language)
    where = f"{gap.location.path}:{gap.location.line}"
    if gap.operator is None:
        return f"  {name}现为 {has}〔{where}〕" if zh else f"  {name} is {has} [{where}]"
    needed = value_text(fact, gap.needed, language)
    test = _TESTS[gap.operator][0 if zh else 1]
    lacking = "" if gap.lacking is None else value_text(fact, gap.lacking, language)
    if zh:
        return f"  {name}{test} {needed}，现有 {has}{'，还差 ' + lacking if lacking else ''}〔{where}〕"
    return f"  {name} {test} {needed}, has {has}{', lacks ' + lacking if lacking else ''} [{where}]"


def _perk_sentence(perk: HeldPerk, language: Language) -> str:
    zh = language == "zh"
    clause = clause_text(perk.clause.id, clause_data(perk.clause), language)
    pays = ""
    if perk.pays is not None:
        percent = number_text(perk.pays * 100)
        pays = ("免费" if zh else "free") if perk.pays == 0 else (f"自付 {percent} %" if zh else f"pays {percent} %")
    uses = ""
    if perk.uses_per is not None:
        per = _PERIODS[perk.uses_per.value][0 if zh else 1]
        uses = f"{per}至多 {perk.uses_at_most} 次" if zh else f"at most {perk.uses_at_most} per {per}"
    how = ("，" if zh else ", ").join(part for part in (perk.provider, pays, uses) if part)
    return f"可享：{clause}（{how}）" if zh else f"Perk: {clause} ({how})"
