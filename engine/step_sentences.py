"""Steps of reviews and of requests for service in Chinese and English, as a passbook tells them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lianxing.engine.amounts import amount_text
from lianxing.engine.answers import REQUEST_WORDS, state_word
from lianxing.engine.review_sentences import DOING_WORDS, certificate_sentence, doing_word, state_sentence
from lianxing.rules.places import Label, Language
from lianxing.rules.requests import OFF_MENU, Step
from lianxing.rules.statements import StepTold

_REQUEST_STEPS: Mapping[Step, Label] = {
    Step.REQUEST: Label("提出", "asked for"),
    Step.MATCH: Label("对接", "matched"),
    Step.POST: Label("公示", "posted"),
    Step.SERVE: Label("服务", "served"),
    Step.CONFIRM: Label("确认", "confirmed"),
    Step.EVALUATE: Label("评价", "evaluated"),
    Step.WITHDRAW: Label("志愿者退出", "volunteer withdrew"),
    Step.CANCEL: Label("取消", "cancelled"),
    Step.DECLINE: Label("谢绝", "declined"),
    Step.EXPIRE: Label("过期", "expired"),
    Step.REVOKE: Label("撤销", "revoked"),
}


_EFFECTS: Mapping[str, Label] = {
    "hold": Label("预留", "reserved"),
    "settle": Label("结清", "settled"),
    "release": Label("解除预留", "released"),
    "refund": Label("退回", "given back"),
    "unserved": Label("服务记录撤回", "the record of the service is taken back"),
}
_OFF_MENU = Label(
    "服务菜单已没有此项，按该需求所记的办", "the menu has it no longer; it goes on by what the request keeps"
)


def step_text(step: StepTold, language: Language) -> str:
    """Return what was done and by which body: `approved by the sub-district`."""
    zh = language == "zh"
    if step.of_request:
        done = _REQUEST_STEPS[Step(step.doing)].text(language)
        by = REQUEST_WORDS[step.role] if zh and step.role else f"the {step.role}" if step.role else ""
    else:
        done, by = doing_word(step.doing, language), step.role
    if zh:
        return f"{done}（{by}）" if by else done
    return f"{done} by {by}" if by else done


def step_remarks(step: StepTold, language: Language) -> Iterator[str]:
    """Yield what a step was about and what it came to, each in a few words."""
    if step.of_request:
        yield from _of_request(step, language)
    else:
        yield from _of_review(step, language)
    if step.state is not None:
        states = [step.state] if step.was in (None, step.state) else [step.was, step.state]
        words = " → ".join(_state(step, state, language) for state in states if state is not None)
        due = "" if step.due is None else step.due.isoformat()
        yield state_sentence(words, due, step.suspended, language)


def effect_sentences(body: Mapping[str, Any], language: Language) -> Iterator[str]:
    """Yield what the answer to a step of a request says that it did, each in a few words."""
    zh, unit = language == "zh", str(body.get("unit", "points"))
    for one in body.get("effects", ()):
        if said := _EFFECTS.get(one["effect"]):
            amount = amount_text(unit, one["amount"], language) if "amount" in one else ""
            yield f"{said.text(language)}{' ' if zh else ': '}{amount}" if amount else said.text(language)
    if body.get(OFF_MENU):
        yield _OFF_MENU.text(language)


def _state(step: StepTold, state: str, language: Language) -> str:
    if step.of_request:
        return REQUEST_WORDS[state] if language == "zh" else state
    return state_word(state, language)


def _of_review(step: StepTold, language: Language) -> Iterator[str]:
    zh = language == "zh"
    if step.nominated:
        yield "由组织提名" if zh else "nominated by an organisation"
    if step.objection:
        yield f"第 {step.objection} 项异议" if zh else f"objection {step.objection}"
    if step.upheld is not None:
        word = ("成立" if zh else "upheld") if step.upheld else ("不成立" if zh else "dismissed")
        yield f"结果：{word}" if zh else f"outcome: {word}"
    if step.certificate:
        yield certificate_sentence(step.certificate, language)
    if step.late:
        yield "逾期补录" if zh else "entered after its time"


def _of_request(step: StepTold, language: Language) -> Iterator[str]:
    zh = language == "zh"
    if step.helper:
        yield f"服务者：{step.helper}" if zh else f"helper: {step.helper}"
    if step.seconds:
        time = amount_text("seconds", step.seconds, language)
        on = "" if step.served_on is None else f"{step.served_on} " if zh else f" on {step.served_on}"
        yield f"{on}时长 {time}" if zh else f"time: {time}{on}"
    for fact, value in step.evaluation:
        yield f"{fact.zh}：{value.zh}" if zh else f"{fact.en.replace('_', ' ')}: {value.en}"
    if step.off_menu:
        yield _OFF_MENU.text(language)


# Why a record is booked again, or taken back, as its registry has it.
CAME_BACK, MOVED = "came_back", "moved"
_OF_REGISTRY = {
    CAME_BACK: ("登记系统撤回后又报送", "its registry has brought it again"),
    MOVED: ("登记系统改记在他人名下", "its registry has it under somebody else"),
}


def reason_text(reason: str, language: Language) -> str:
    """Return why something was entered; what a review entered without more says the step that was taken."""
    if reason in _OF_REGISTRY:
        zh, en = _OF_REGISTRY[reason]
        return zh if language == "zh" else en
    return doing_word(reason, language) if reason in DOING_WORDS else reason
