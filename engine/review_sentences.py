"""Steps of reviews, and what waits, in Chinese and English; and as plain data for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lianxing.engine.answers import state_word, stated_sentence
from lianxing.engine.reading.review_cases import DOINGS
from lianxing.rules.places import Language
from lianxing.rules.reviewing import About, Doing, Due, Subject
from lianxing.rules.statements import StatedReason

# What is done, as a Chinese clerk says it; in English the word itself.
DOING_WORDS: Mapping[str, str] = {
    **DOINGS,
    "approved": "批准",
    "awarded": "授予",
    "certificate_issued": "发证",
    "lowered": "降级",
}


def doing_of(word: str) -> Doing | None:
    """Return the step that a word in either language means; None for another word."""
    spelled = {chinese: english for english, chinese in DOING_WORDS.items()}
    word = spelled.get(word, word)
    return Doing(word) if word in DOING_WORDS else None


def doing_word(doing: str, language: Language) -> str:
    return DOING_WORDS[doing] if language == "zh" else doing.replace("_", " ")


def step_sentences(body: Mapping[str, Any], language: Language) -> Iterator[str]:
    """Yield what became of a step: the state it came to, by when what; or every reason against it."""
    zh, asked = language == "zh", body["asked"]
    what = f"{_about(asked, language)} {doing_word(asked['doing'], language)}"
    if not body["allowed"]:
        yield f"未办：{what}" if zh else f"refused: {what}"
        for said in body["reasons"]:
            operands = tuple(said["operands"].items())
            stated = StatedReason(said["code"], said["clause"], said["at"], said["cites"], operands)
            yield f"  {stated_sentence(stated, language)}"
    else:
        late = ("（逾期）" if zh else " (late)") if body["late"] and asked["doing"] != Doing.LATE_ENTRY.value else ""
        yield f"已办：{what}{late}" if zh else f"done: {what}{late}"
        if body["review"]["number"]:
            yield f"  {certificate_sentence(body['review']['number'], language)}"
    if "state" in body:
        yield from (f"  {line}" for line in _stands(body, language))


def _stands(body: Mapping[str, Any], language: Language) -> Iterator[str]:
    zh = language == "zh"
    yield state_sentence(state_word(body["state"], language), body["due"] or "", body["suspended"], language)
    for following in body["next"]:
        by = following["by"] or ("任何人" if zh else "anybody")
        doing = doing_word(following["doing"], language)
        since, until = following["since"], following["until"]
        when = (f" {since} 起" if zh else f" from {since}") if since else ""
        if following["overdue"]:
            when = f" 逾期，最后一日 {until}，须写明理由" if zh else f", overdue since {until}, with a reason"
        elif until:
            when += f" 至 {until}" if zh else f" until {until}"
        yield f"可办：{doing}（{by}）{when}" if zh else f"next: {doing} by {by}{when}"


def state_sentence(state: str, due: str, suspended: bool, language: Language) -> str:
    """Return how far something has come, and until when the time runs."""
    zh = language == "zh"
    until = ("，中止" if zh else ", suspended") if suspended else ""
    if due:
        until = f"，最后一日 {due}" if zh else f", last day {due}"
    return f"状态：{state}{until}" if zh else f"state: {state}{until}"


def certificate_sentence(number: str, language: Language) -> str:
    return f"证书编号 {number}" if language == "zh" else f"certificate {number}"


def _about(asked: Mapping[str, Any], language: Language) -> str:
    if "record" in asked:
        return f"{asked['registry']}/{asked['record']}"
    return f"{asked['star']} 星" if language == "zh" else f"star {asked['star']}"


def subject_word(subject: Subject, language: Language) -> str:
    """Return a subject by its ids: a record of its registry, or the volunteer and the star applied for."""
    if subject.about is About.RECORD:
        return f"{subject.registry}/{subject.record}"
    if subject.about is About.REDEMPTION:
        entry = f"第 {subject.entry} 号" if language == "zh" else f"entry {subject.entry}"
        return f"{subject.volunteer} {entry} {subject.offer}"
    return f"{subject.volunteer} {subject.star} 星" if language == "zh" else f"{subject.volunteer} star {subject.star}"


def due_data(due: Due) -> dict[str, Any]:
    """Return a line of a work list as plain data."""
    subject, following = due.subject, due.next
    about: dict[str, Any] = {"about": subject.about.value, "volunteer": subject.volunteer}
    if subject.about is About.RECORD:
        about |= {"registry": subject.registry, "record": subject.record}
    elif subject.about is About.REDEMPTION:
        about |= {"offer": subject.offer, "entry": subject.entry}
    else:
        about |= {"star": subject.star, "applied_on": subject.day.isoformat()}
    return {
        **about,
        "do": following.doing.value,
        "role": following.by,
        "clause": following.stage,
        "since": None if following.since is None else following.since.isoformat(),
        "until": None if following.until is None else following.until.isoformat(),
        "overdue": following.overdue,
    }
