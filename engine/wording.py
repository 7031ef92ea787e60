"""Explanations and standings in Chinese and English sentences, made from their data at the edge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from lianxing.engine.amounts import amount_text, counted, number_text, time_text, value_text
from lianxing.engine.answers import PERIODS, how_a_perk_opens
from lianxing.engine.decision_sentences import conduct_sentences, star_sentences
from lianxing.engine.evaluation_sentences import evaluation_sentence
from lianxing.engine.explaining import clause_data
from lianxing.engine.pooling import POOLED_IN
from lianxing.engine.score_sentences import score_sentences, transition_sentence
from lianxing.rules.assessments import HELD, KEY, MISSING, NO_RATE
from lianxing.rules.conditions import Operator
from lianxing.rules.facts import Fact, FactType, Scope
from lianxing.rules.places import Label, Language, Location
from lianxing.rules.standings import Gap, HeldPerk, MeasureLine, Standing

_DIRECTIONS = {
    "down": ("舍去", "down"),
    "up": ("进位", "up"),
    "half_up": ("四舍五入", "half up"),
    "half_even": ("五成双", "half to even"),
}
_REASONS = {
    "not_counted": ("不符合计入条件", "it is not what counts"),
    "excluded": ("属于不计入的情形", "it is excluded"),
    "overlap": ("与记录 {other} 时间重叠", "it overlaps record {other}"),
    "before_in_force": ("早于办法施行日 {day}", "it is before the rules came into force on {day}"),
    "after_in_force": ("晚于办法终止日 {day}", "it is after the rules ended on {day}"),
    "too_many": ("次数已满，此前 {used} 次", "the number of records is used up, {used} before"),
    "revoked": ("被记录 {other} 于 {day} 撤销", "record {other} of {day} took it out"),
    "review_refused": ("审核中已拒绝或撤销", "the review refused or revoked it"),
    "no_rate": ("表格没有说明 {keys}", "the table does not say what {keys} gives"),
}


def sentences(body: Mapping[str, Any], kept: Mapping[str, Any], language: Language) -> list[str]:
    """Return the explanation of one record, a sentence per step and one for the result; `kept` is from `kept_of`."""
    clauses = kept["clauses"]
    parts = {step["part"] for step in body["workings"]}
    said = [_step_sentence(step, kept, len(parts) > 1, language) for step in body["workings"]]
    said += [refusal_sentence(refusal, clauses, language) for refusal in body["refusals"]]
    hours, points = (amount_text(unit, body[unit], language) for unit in ("seconds", "points"))
    if "pending" in body:
        hours, points = (amount_text(unit, body["pending"][unit], language) for unit in ("seconds", "points"))
        said.append(f"待定：{hours}，{points}。" if language == "zh" else f"Pending: {hours} of service, {points}.")
    elif language == "zh":
        said.append(f"合计：服务时长 {hours}，积分 {points}。")
    else:
        said.append(f"In all: {hours} of service, {points}.")
    for one in body.get("transitions", ()):
        where = clause_text(one["clause"], clauses.get(one["clause"], {}), language)
        went = gone_over_sentence(one["account"], one["unit"], one["came"], one["went"], language)
        said.append(f"{where}{'：' if language == 'zh' else ': '}{went}")
    said += [pooled_sentence(account, holder, "", "", language) for account, holder in body.get(POOLED_IN, {}).items()]
    for one in body.get("unstored", ()):
        if one["account"]:
            amounts = one["rest"], one["over"], one["off"], one["to"]
            outside = outside_sentence(one["account"], one["unit"], *amounts, language)
            where = clause_text(one["clause"], clauses.get(one["clause"], {}), language)
            said.append(f"{where}{'：' if language == 'zh' else ': '}{outside}")
    return said


def gone_over_sentence(account: str, unit: str, before: int, after: int, language: Language) -> str:
    """Return what a change of rules made of an amount of an account."""
    came, went = amount_text(unit, before, language), amount_text(unit, after, language)
    if language == "zh":
        return f"{account}：规则衔接前 {came}，衔接后 {went}"
    return f"{account}: {came} before the change of rules, {went} after it"


def outside_sentence(account: str, unit: str, rest: int, over: int, off: int, to: str, language: Language) -> str:
    """Return what an account has not taken in of a record, and where it went."""
    zh = language == "zh"
    said = []
    if rest:
        amount = amount_text(unit, rest, language)
        said.append(f"{amount}不足一个单位，作废" if zh else f"{amount} less than a whole unit lost")
    if over:
        amount, where = amount_text(unit, over, language), _OVERFLOWS.get(to)
        went = ("作废" if zh else "lost") if where is None else f"归{where[0]}" if zh else f"gone to {where[1]}"
        said.append(f"{amount}超出存储上限，{went}" if zh else f"{amount} over what is stored {went}")
    if off:
        amount = amount_text(unit, off, language)
        said.append(f"{amount}已核销" if zh else f"{amount} written off before")
    return f"{account}：{'；'.join(said)}" if zh else f"{account}: {'; '.join(said)}"


def pooled_sentence(account: str, holder: str, member: str, record: str, language: Language) -> str:
    """Return in whose passbook is what a family earns together; in that one, by which member and record it is."""
    if member:
        if language == "zh":
            return f"{account}：家庭合并，家属 {member} 的记录 {record}"
        return f"{account}: earned by {member} of the family, record {record}"
    if language == "zh":
        return f"{account}：家庭合并，记在 {holder} 的存折"
    return f"{account}: in the passbook of {holder}, with what the family earns"


_LEFT = {
    "inherited": Label("由 {heir} 继承", "inherited by {heir}"),
    "portable": Label("可转入别的县区", "to be brought into another county"),
    "to_pool": Label("转入公益池", "to the pool"),
    "lost": Label("作废", "lost"),
}


def left_sentence(unit: str, amount: int, where: str, heir: str, language: Language) -> str:
    """Return where an amount has gone with a closing."""
    amounts, went = amount_text(unit, amount, language), _LEFT[where].text(language).format(heir=heir or "-")
    return f"{amounts}：{went}" if language == "zh" else f"{amounts} {went}"


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
    if step["operation"] == "evaluation":
        return f"{clause}{'：' if zh else ': '}{evaluation_sentence(step, kept['words'], language)}"
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
            each, direction = PERIODS[step["each"]][index], _DIRECTIONS[step["direction"]][index]
            before = "" if step["each"] == "record" else _so_far(step, zh, language)
            return f"{each}取整到 {to}，{direction}{before}" if zh else f"to {to} per {each}, {direction}{before}"
        case "limit":
            most, used = (amount_text(step["unit"], Fraction(step[name]), language) for name in ("at_most", "used"))
            per = _per(step["per"], zh)
            goes = _overflow(step, zh)
            return (
                f"{per}至多 {most}，已用 {used}{goes}" if zh else f"at most {most} per {per}, {used} used before{goes}"
            )
        case "limit_of":
            gain, most, used = (
                amount_text(step["unit"], Fraction(step[name]), language) for name in ("gain", "at_most", "used")
            )
            per, goes = _per(step["per"], zh), _overflow(step, zh)
            if zh:
                return f"其中 {gain} 受限，{per}至多 {most}，已用 {used}{goes}"
            return f"of it {gain} are limited, at most {most} per {per}, {used} used before{goes}"
        case "floor":
            least, used = (amount_text(step["unit"], Fraction(step[name]), language) for name in ("at_least", "used"))
            per = _per(step["per"], zh)
            return f"{per}不低于 {least}，此前 {used}" if zh else f"not below {least} per {per}, {used} before"
        case "share":
            percent = number_text(Fraction(step["share"]) * 100)
            used, others = (amount_text(step["unit"], Fraction(step[name]), language) for name in ("used", "others"))
            per, goes = _per(step["per"], zh), _overflow(step, zh)
            if zh:
                return f"{per}至多占 {percent} %，其他所得 {others}，已用 {used}{goes}"
            return f"at most {percent} % per {per}, {others} from elsewhere, {used} used before{goes}"
        case "add_time" | "deduct_time" | "minimum" | "no_hours" | "too_many":
            return _time_step(step, zh, language)
        case "brackets" | "bands":
            return _scale_step(step, zh, language)
        case "counts_as":
            percent = number_text(Fraction(step["value"]) * 100)
            return f"× {percent} %{_keys(step, words, language)}"
        case "per_hour":
            time = time_text(step["seconds"], language)
            return f"{time} × {_value(step, zh)}{_keys(step, words, language)}"
        case "add":
            sign, value = ("-", _value(step, zh)[1:]) if _value(step, zh).startswith("-") else ("+", _value(step, zh))
            return f"{sign} {value}{_keys(step, words, language)}"
        case "multiply":
            return f"× {_value(step, zh)}{_keys(step, words, language)}"
        case _:
            return ""


def _per(per: str, zh: bool) -> str:
    """Return a period in words; a rolling one is kept as `rolling 12 months`."""
    if per in PERIODS:
        return PERIODS[per][0 if zh else 1]
    _rolling, count, unit = per.split(" ")
    return f"最近 {count} {'个月' if unit == 'months' else '天'}" if zh else f"last {count} {unit}"


_OVERFLOWS = {"donation_pool": ("捐赠池", "the donation pool"), "honour": ("荣誉", "honour")}


def _overflow(step: Mapping[str, Any], zh: bool) -> str:
    """Return where the rest goes, where it goes anywhere."""
    named = _OVERFLOWS.get(step.get("overflow", "lost"))
    if named is None:
        return ""
    return f"，超出部分归{named[0]}" if zh else f", the rest goes to {named[1]}"


def _time_step(step: Mapping[str, Any], zh: bool, language: Language) -> str:
    match step["operation"]:
        case "add_time":
            reported, most, used = (time_text(step[name], language) for name in ("reported", "at_most", "used"))
            per = _per(step["per"], zh)
            if zh:
                return f"另报 {reported}，{per}至多 {most}，已用 {used}"
            return f"{reported} reported beside it, at most {most} per {per}, {used} used before"
        case "deduct_time":
            taken = time_text(step["taken"], language)
            return f"扣除 {taken}" if zh else f"less {taken}"
        case "minimum":
            least = time_text(step["at_least"], language)
            return f"不满 {least} 不计" if zh else f"less than {least} counts for nothing"
        case "no_hours":
            return "不是服务时长" if zh else "no service time"
        case _:
            return f"次数已满，此前 {step['used']} 次" if zh else f"the number is used up, {step['used']} before"


def _scale_step(step: Mapping[str, Any], zh: bool, language: Language) -> str:
    word = Fact("", "", FactType(step["type"]), Scope.RECORD, Label())
    total, after = (value_text(word, value, language) for value in (step["total"], step["total"] + step["added"]))
    return f"累计由 {total} 到 {after}" if zh else f"the total goes from {total} to {after}"


_COMBINED = {
    "max": ("取最高", "the highest of"),
    "product": ("相乘", "the product of"),
    "sum": ("相加", "together"),
    "first": ("先者", "the first of"),
}


def _value(step: Mapping[str, Any], zh: bool) -> str:
    value = number_text(Fraction(step["value"]))
    if "combine" not in step:
        return value
    rates = ", ".join(number_text(Fraction(rate)) for rate in step["rates"].split(", "))
    word = _COMBINED[step["combine"]][0 if zh else 1]
    return f"{value}（{word} {rates}）" if zh else f"{value} [{word} {rates}]"


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


def refusal_sentence(refusal: Mapping[str, Any], clauses: Mapping[str, Mapping[str, str]], language: Language) -> str:
    """Return why a clause took a record out."""
    clause = clause_text(refusal["clause"], clauses.get(refusal["clause"], {}), language)
    reason = (
        ""
        if refusal["reason"] == HELD
        else _REASONS[refusal["reason"]][0 if language == "zh" else 1].format_map(refusal)
    )
    if refusal["reason"] == HELD:
        return f"{clause}：暂挂，待定" if language == "zh" else f"{clause}: held, it waits"
    if refusal["reason"] == NO_RATE:
        return f"{clause}：不计积分，{reason}" if language == "zh" else f"{clause}: no points, {reason}"
    return f"{clause}：不计，{reason}" if language == "zh" else f"{clause}: refused, {reason}"


def standing_sentences(standing: Standing, facts: Mapping[str, Fact], language: Language) -> list[str]:
    """Return a standing in words: totals, star and why, what the next one takes, perks."""
    zh = language == "zh"
    hours = time_text(standing.seconds, language)
    points = amount_text("points", standing.points, language)
    records = counted(standing.records, "record", "records")
    said = [
        f"截至 {standing.on}：{standing.records} 条记录计入，服务时长 {hours}，获得积分 {points}。"
        if zh
        else f"On {standing.on}: {records} counted, {hours} of service, {points} earned."
    ]
    sheets = {score.clause.id: score for score in standing.scores}
    for line in standing.measures:
        said.append(_measure_sentence(line, facts, language))
        if line.clause.id in sheets:
            said += score_sentences(sheets[line.clause.id], facts, language)
    said += [transition_sentence(line, facts, language) for line in standing.transitions]
    said.append(_star_sentence(standing, zh, language))
    if standing.star_reached > standing.star_held:
        reached = standing.star_reached
        said.append(f"  {reached} 星的条件已满足" if zh else f"  the condition of star {reached} holds")
    if standing.star is not None:
        said += star_sentences(standing.star, zh)
    said += conduct_sentences(standing.conduct, facts, language)
    if standing.next_star is not None:
        said.append(missing_heading(standing.next_star, standing.star_held, language))
        said += [gap_sentence(gap, facts, language) for gap in standing.gaps]
    said += [_perk_sentence(perk, language) for perk in standing.perks]
    return said


def missing_heading(next_star: int, star_held: int, language: Language) -> str:
    """Return over what is missing to a star; that may be one that is held, where its condition holds no longer."""
    zh = language == "zh"
    if next_star > star_held:
        return f"距 {next_star} 星还差：" if zh else f"To star {next_star} there is still missing:"
    if zh:
        return f"现持 {star_held} 星；要重新满足 {next_star} 星的条件，还差："
    return f"Star {star_held} is held; to meet the condition of star {next_star} again there is missing:"


def _measure_sentence(line: MeasureLine, facts: Mapping[str, Fact], language: Language) -> str:
    clause = clause_text(line.clause.id, clause_data(line.clause), language)
    fact = facts[line.clause.id]
    if line.count is None:
        return f"  {clause}{'：' if language == 'zh' else ': '}{value_text(fact, line.sum, language)}"
    value = Fraction(line.sum * 1_000_000, line.count) if line.count else None
    shown = value_text(fact, value, language)
    # The sum in the unit of what is averaged: 9.5 for scores 5 and 4.5; of a share, how many.
    averaged = FactType.WHOLE if fact.quotient_of is None else fact.quotient_of
    total = value_text(replace(fact, type=averaged), line.sum, language)
    return f"  {clause}{'：' if language == 'zh' else ': '}{shown} ({total} / {line.count})"


def _star_sentence(standing: Standing, zh: bool, language: Language) -> str:
    if standing.star_clause is None:
        return "本地办法没有星级。" if zh else "The policy has no stars."
    cites = standing.star_clause.source.clause
    place = standing.star_at or standing.star_clause.location
    where = f"{place.path}:{place.line}{('，' if zh else ', ') + cites if cites else ''}"
    if standing.star_held == 0:
        return f"尚无星级〔{where}〕。" if zh else f"No star yet [{where}]."
    title = standing.star_title.text(language)
    if zh:
        return f"{standing.star_held} 星志愿者{'，' + title if title else ''}〔{where}〕。"
    return f"Star {standing.star_held}{', ' + title if title else ''} [{where}]."


_TESTS = {
    Operator.AT_LEAST: ("至少", "at least"),
    Operator.AT_MOST: ("至多", "at most"),
    Operator.MORE_THAN: ("超过", "more than"),
    Operator.LESS_THAN: ("不满", "less than"),
    Operator.EQUALS: ("为", "equal to"),
}


def gap_sentence(gap: Gap, facts: Mapping[str, Fact], language: Language, *, told: bool = True) -> str:
    """Return what keeps a condition from holding, in words; what there is instead only where it is told."""
    zh = language == "zh"
    fact = facts[gap.fact]
    name = fact.meaning.text(language) if fact.scope.value == "measure" else (fact.zh if zh else fact.name)
    has = value_text(fact, gap.has, language)
    where = f"{gap.location.path}:{gap.location.line}"
    if not told:
        needs = [] if gap.operator is None else [_TESTS[gap.operator][0 if zh else 1]]
        needs += [value_text(fact, gap.needed, language)] if gap.needed != "" else []
        said = " ".join(needs)
        return f"  {name}须{said or '另有所符'}〔{where}〕" if zh else f"  {name} has to be {said or 'other'} [{where}]"
    if gap.operator is None:
        return f"  {name}现为 {has}〔{where}〕" if zh else f"  {name} is {has} [{where}]"
    needed = value_text(fact, gap.needed, language)
    test = _TESTS[gap.operator][0 if zh else 1]
    lacking = "" if gap.lacking is None else value_text(fact, gap.lacking, language)
    if zh:
        return f"  {name}{test} {needed}，现有 {has}{'，还差 ' + lacking if lacking else ''}〔{where}〕"
    return f"  {name} {test} {needed}, has {has}{', lacks ' + lacking if lacking else ''} [{where}]"


def unmet_sentence(said: Mapping[str, Any], facts: Mapping[str, Fact], language: Language) -> str:
    """Return what of a condition did not hold, as an entry keeps it; '' of a fact that is not known any more."""
    fact = facts.get(said["fact"])
    if fact is None:
        return ""
    path, line, column = said["at"].rsplit(":", 2)
    operator = None if said["test"] is None else Operator(said["test"])
    has = said.get("has")
    if isinstance(has, str) and fact.type is FactType.RATIO:
        has = Fraction(has)
    where = Location(path, int(line), int(column))
    gap = Gap(fact.name, fact.type, operator, said["needed"], has, said.get("lacking"), where)
    return gap_sentence(gap, facts, language, told="has" in said).strip()


def _perk_sentence(perk: HeldPerk, language: Language) -> str:
    zh = language == "zh"
    clause = clause_text(perk.clause.id, clause_data(perk.clause), language)
    pays = ""
    if perk.pays is not None:
        percent = number_text(perk.pays * 100)
        pays = ("免费" if zh else "free") if perk.pays == 0 else (f"自付 {percent} %" if zh else f"pays {percent} %")
    said = (perk.provider, "、".join(perk.sites), pays, *how_a_perk_opens(perk, language))
    how = ("，" if zh else ", ").join(part for part in said if part)
    return f"可享：{clause}（{how}）" if zh else f"Perk: {clause} ({how})"
