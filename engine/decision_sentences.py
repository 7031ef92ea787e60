"""Stars granted, refused and lost, sanctions and repairs: as plain data, and in Chinese and English sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import date
from typing import Any

from lianxing.engine.amounts import amount_text, time_text, value_text
from lianxing.engine.explaining import clause_data
from lianxing.engine.reading.decision_cases import effect_word
from lianxing.engine.reading.vocabulary import KEYS, WORDS
from lianxing.rules.decisions import (
    Conduct,
    RepairReason,
    RepairResult,
    SanctionState,
    StarDecision,
    StarOutcome,
    StarReason,
    StarState,
)
from lianxing.rules.facts import Fact
from lianxing.rules.places import Clause, Label, Language, Location
from lianxing.rules.sanctions import NO_EFFECTS, Effects
from lianxing.rules.standings import Standing

_REASONS: Mapping[StarReason, Label] = {
    StarReason.REACHED: Label("条件已满足", "its condition holds"),
    StarReason.RATED: Label("定期评定", "at the rating"),
    StarReason.APPLIED: Label("依本人申请", "as applied for"),
    StarReason.NOMINATED: Label("依组织推荐", "as nominated"),
    StarReason.DIRECT: Label("直接授予", "granted directly, on what the application shows"),
    StarReason.RENEWED: Label("有效期满续期", "renewed when its time was over"),
    StarReason.NO_STAR: Label("没有这一星级", "there is no such star"),
    StarReason.NOT_PASSED: Label("未经审批通过", "the application was not passed"),
    StarReason.NOT_THE_APPROVER: Label("不是由有权的机构审批", "somebody else decided than who may"),
    StarReason.NOT_NOMINATED: Label("须由组织推荐，不接受本人申请", "an organization has to nominate"),
    StarReason.NOT_ABOVE: Label("不高于已获授的星级", "it is not above the star granted already"),
    StarReason.NOT_NEXT: Label("须逐级申请", "stars are granted one by one"),
    StarReason.NOT_SELECTED: Label("未入选", "there was no selection for it"),
    StarReason.CONDITION: Label("条件未满足", "its condition does not hold"),
    StarReason.NOT_HIGHEST: Label("可申请更高的星级", "a higher star can be applied for"),
    StarReason.SANCTION: Label("受处理", "because of a sanction"),
    StarReason.BELOW: Label("条件不再满足", "its condition no longer holds"),
    StarReason.EXPIRED: Label("有效期满", "its time was over"),
    StarReason.RESTARTED: Label("规则变更，重新起算", "the rules changed, stars begin anew"),
}
_REPAIRS: Mapping[RepairReason, Label] = {
    RepairReason.REPAIRED: Label("已修复", "repaired"),
    RepairReason.NOTHING_NAMED: Label("没有可修复的记录 {names}", "there is no record {names} to be repaired"),
    RepairReason.TOO_LITTLE: Label("不足以扣减", "there is not enough to pay from"),
    RepairReason.USED_UP: Label("修复次数已满", "no more repairs for the time being"),
}


def star_sentences(star: StarState, zh: bool) -> Iterator[str]:
    """Yield what was decided about the star, the latest last, and what it brought."""
    language: Language = "zh" if zh else "en"
    if star.held and star.since is not None:
        until = (
            "" if star.until is None else f"，至 {star.until} 前有效" if zh else f", valid until before {star.until}"
        )
        number = "" if star.number is None else f"，第 {star.number} 次授予" if zh else f", award number {star.number}"
        yield f"  自 {star.since} 起{until}{number}" if zh else f"  since {star.since}{until}{number}"
    for decision in star.decisions:
        yield f"  {_decision_sentence(decision, zh, language)}"
    for grant in star.grants:
        points = amount_text("points", grant.points, language)
        yield f"  {grant.on}：{grant.star} 星奖励 {points}" if zh else f"  {grant.on}: {points} with star {grant.star}"


def _decision_sentence(decision: StarDecision, zh: bool, language: Language) -> str:
    reason = _REASONS[decision.reason].text(language)
    by = "" if not decision.approver else f"，审批：{decision.approver}" if zh else f", decided by {decision.approver}"
    waits = decision.effective_on is not None and decision.effective_on != decision.on
    then = "" if not waits else f"，公示后自 {decision.effective_on} 起" if zh else f", from {decision.effective_on} on"
    match decision.outcome:
        case StarOutcome.GRANTED:
            what = f"授予 {decision.star} 星" if zh else f"star {decision.star} granted"
        case StarOutcome.REFUSED:
            what = f"不授予 {decision.star} 星" if zh else f"star {decision.star} refused"
        case StarOutcome.LOST:
            what = f"降为 {decision.star} 星" if zh else f"down to star {decision.star}"
    where = _where(decision.clause, decision.at, zh)
    return (
        f"{decision.on}：{what}，{reason}{by}{then}{where}"
        if zh
        else f"{decision.on}: {what}, {reason}{by}{then}{where}"
    )


def conduct_sentences(conduct: Conduct, facts: Mapping[str, Fact], language: Language) -> Iterator[str]:
    """Yield sanctions, active and past, and repairs."""
    zh = language == "zh"
    for state in conduct.sanctions:
        yield _sanction_sentence(state, zh, language)
    for repair in conduct.repairs:
        yield _repair_sentence(repair, facts[repair.measure], zh, language)


def _sanction_sentence(state: SanctionState, zh: bool, language: Language) -> str:
    name = state.clause.label.text(language) or state.clause.id
    comma, colon = ("，", "：") if zh else (", ", ": ")
    parts = [_effects_text(state.effects, zh)]
    if state.ended_on is not None:
        parts.append(f"已于 {state.ended_on} 结束" if zh else f"ended on {state.ended_on}")
    elif state.ends_on is not None and state.serves is None:
        parts.append(f"至 {state.ends_on} 前" if zh else f"until before {state.ends_on}")
    if state.serves is not None:
        served, needed = (time_text(seconds, language) for seconds in (state.served, state.serves))
        by = "" if state.ends_on is None else f"{state.ends_on} 前" if zh else f" before {state.ends_on}"
        parts.append(
            f"{by}须服务 {needed}，已服务 {served}" if zh else f"{needed} of service needed{by}, {served} given"
        )
    if state.notice_until is not None:
        parts.append(f"公示至 {state.notice_until}" if zh else f"posted until {state.notice_until}")
    if state.report is not None:
        to = "、".join(state.report.to) if zh else ", ".join(state.report.to)
        consent = ("（经本人同意）" if zh else " (with consent)") if state.report.consent else ""
        parts.append(f"通报{to}{consent}" if zh else f"reported to {to}{consent}")
    head = f"处理{colon}{name}" if zh else f"Sanction{colon}{name}"
    since = f"自 {state.since} 起" if zh else f"since {state.since}"
    return f"{head}{comma}{since}{comma}{comma.join(parts)}{_where(state.clause, state.clause.location, zh)}"


def _effects_text(effects: Effects, zh: bool) -> str:
    done = [field.name for field in fields(Effects) if getattr(effects, field.name) != getattr(NO_EFFECTS, field.name)]
    if not done:
        return "无后果" if zh else "without effect"
    said = [_effect_text(name, effect_word(getattr(effects, name)), zh) for name in done]
    return ("，" if zh else ", ").join(said)


def _effect_text(name: str, word: str, zh: bool) -> str:
    if name == "black_list":
        return "列入黑名单" if zh else "on the black list"
    return f"{KEYS[name]}{WORDS[word]}" if zh else f"{name} {word}"


def _repair_sentence(repair: RepairResult, fact: Fact, zh: bool, language: Language) -> str:
    reason = _REPAIRS[repair.reason].text(language).format(names=repair.names)
    before, paid, after = (value_text(fact, value, language) for value in (repair.before, repair.paid, repair.after))
    sum = f"{before} − {paid} = {after}" if repair.reason is RepairReason.REPAIRED else f"{before}, {paid}"
    where = _where(repair.clause, repair.at, zh)
    if zh:
        return f"修复 {repair.names}（{repair.on}）：{reason}（{sum}）{where}"
    return f"Repair of {repair.names} on {repair.on}: {reason} ({sum}){where}"


def _where(clause: Clause, at: Location, zh: bool) -> str:
    cites = clause.source.clause
    if zh:
        return f"〔{at.path}:{at.line}{'，' + cites if cites else ''}〕"
    return f" [{at.path}:{at.line}{', ' + cites if cites else ''}]"


def decision_data(standing: Standing) -> dict[str, Any]:
    """Return what was decided about a person as plain data; `star` is None where it simply is the star reached."""
    return {
        "star_title": {"zh": standing.star_title.zh, "en": standing.star_title.en},
        "star": None if standing.star is None else _star_data(standing.star),
        "conduct": _conduct_data(standing.conduct),
    }


def _star_data(star: StarState) -> dict[str, Any]:
    """Return how the star held came about, as plain data."""
    return {
        "since": _day(star.since),
        "until": _day(star.until),
        "once_held": star.once_held,
        "number": star.number,
        "decisions": [
            {
                "on": _day(one.on),
                "star": one.star,
                "outcome": one.outcome.value,
                "why": one.reason.value,
                "effective_on": _day(one.effective_on),
                "approver": one.approver,
                "record": one.record,
                "at": str(one.at),
                **{name: value for name, value in clause_data(one.clause).items() if name != "at"},
            }
            for one in star.decisions
        ],
        "grants": [{"star": one.star, "points_hundredths": one.points, "on": _day(one.on)} for one in star.grants],
    }


def _conduct_data(conduct: Conduct) -> dict[str, Any]:
    """Return sanctions and repairs as plain data."""
    return {
        "effects": {field.name: effect_word(getattr(conduct.effects, field.name)) for field in fields(Effects)},
        "sanctions": [_sanction_data(state) for state in conduct.sanctions],
        "repairs": [_repair_data(repair) for repair in conduct.repairs],
    }


def _sanction_data(state: SanctionState) -> dict[str, Any]:
    return {
        "sanction": state.clause.id,
        "active": state.active,
        "since": _day(state.since),
        "ended_on": _day(state.ended_on),
        "ends_on": _day(state.ends_on),
        "serves": state.serves,
        "served": state.served,
        "notice_until": _day(state.notice_until),
        "report": None if state.report is None else {"to": list(state.report.to), "consent": state.report.consent},
        "effects": {field.name: effect_word(getattr(state.effects, field.name)) for field in fields(Effects)},
        **clause_data(state.clause),
    }


def _repair_data(repair: RepairResult) -> dict[str, Any]:
    return {
        "on": _day(repair.on),
        "sanction": repair.clause.id,
        "record": repair.record,
        "names": repair.names,
        "outcome": repair.reason.value,
        "measure": repair.measure,
        "before": repair.before,
        "paid": repair.paid,
        "after": repair.after,
        "at": str(repair.at),
    }


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
