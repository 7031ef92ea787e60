"""Steps of reviews and of requests for service, told from the entries that keep them: what, by whom, to what end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from lianxing.engine.amounts import value_text
from lianxing.engine.bank.steps import REVIEW
from lianxing.engine.ledger.drafts import REQUEST
from lianxing.engine.ledger.stored import StoredEntry
from lianxing.rules.facts import Fact
from lianxing.rules.places import Label
from lianxing.rules.requests import OFF_MENU, Party, Step
from lianxing.rules.reviewing import Doing
from lianxing.rules.statements import StepTold

Body = Mapping[str, Any]

_REVIEWS, _REQUESTS = frozenset(("record_step", "star_step")), "take_step"


def steps_before(stored: Iterable[StoredEntry], bodies: Mapping[int, Body]) -> dict[int, Body]:
    """Return, by entry, what the step before it of the same review or request says; a first one is left out."""
    last: dict[tuple[Any, ...], Body] = {}
    found: dict[int, Body] = {}
    for one in stored:
        body = bodies[one.entry.id]
        key = _key(one.entry.kind, body)
        if key:
            if key in last:
                found[one.entry.id] = last[key]
            last[key] = body
    return found


def _key(kind: str, body: Body) -> tuple[Any, ...]:
    """Return what a step that was taken is about; nothing for any other entry."""
    if kind == REQUEST:
        return (body["request"]["id"],)
    if kind != REVIEW:
        return ()
    said = body["review"]
    return tuple(said.get(name) for name in ("about", "registry", "record", "original", "star", "applied_on"))


def told_step(body: Body, before: Body | None, day: date | None, facts: Mapping[str, Fact]) -> StepTold | None:
    """Return the step that an entry tells of, taken or refused; None for any other entry.

    `day` is that of the record that is reviewed.
    """
    command = body.get("asked", {}).get("command")
    if command in _REVIEWS:
        return _of_review(body, day)
    return _of_request(body, before, facts) if command == _REQUESTS else None


def _of_review(body: Body, day: date | None) -> StepTold:
    asked, said = body["asked"], body.get("review", {})
    applied_on = said.get("applied_on", asked.get("applied_on"))
    return StepTold(
        of_request=False,
        doing=asked["doing"],
        role=asked["role"],
        day=day if applied_on is None else date.fromisoformat(applied_on),
        was=said.get("was"),
        state=body.get("state"),
        due=_day(body.get("due")),
        suspended=body.get("suspended", False),
        late=body.get("late", False),
        nominated=said.get("nominated", asked.get("nominated", False)),
        upheld=asked["upheld"],
        objection=asked["objection"],
        certificate=said.get("number", asked.get("number", "")),
    )


def _of_request(body: Body, before: Body | None, facts: Mapping[str, Fact]) -> StepTold:
    asked, made = body["asked"], body.get("request", {})
    step = Step(body["step"])
    left = made["withdrew"][-1:] if step is Step.WITHDRAW and body["allowed"] else ()
    posts = step in (Step.MATCH, Step.POST) and body["allowed"]
    served_on = made.get("served_on") if body["allowed"] else asked["served_on"]
    evaluation = asked["said"] if step is Step.EVALUATE else ()
    return StepTold(
        of_request=True,
        doing=step.value,
        role=Party.ORGANISER.value if asked["organiser"] else "",
        was=None if before is None or not body["allowed"] else before["request"]["state"],
        state=made.get("state"),
        due=_day(made["notice_until"]) if posts else None,
        helper=str(asked["served_by"] or "".join(left) or made.get("volunteer", "")),
        seconds=asked["seconds"],
        served_on=_day(served_on) if step is Step.SERVE else None,
        evaluation=tuple(in_words(facts, name, value) for name, value in evaluation),
        off_menu=body.get(OFF_MENU, False),
    )


def in_words(facts: Mapping[str, Fact], name: str, value: Any) -> tuple[Label, Label]:
    """Return a fact and its value in words."""
    fact = facts.get(name)
    if fact is None:
        return Label(name, name), Label(str(value), str(value))
    return Label(fact.zh, fact.name), Label(value_text(fact, value, "zh"), value_text(fact, value, "en"))


def _day(said: str | None) -> date | None:
    return None if said is None else date.fromisoformat(said)


def statement_of(body: Body, following: Sequence[Mapping[str, Any]]) -> str:
    """Return the statement under which a step of a review was taken, of those that said what may follow; '' is none."""
    asked = body["asked"]
    for one in following:
        named = asked.get("stage", "") in ("", one["stage"])
        same = _on_time(one["doing"]) == _on_time(asked["doing"])
        if same and named and one["by"] in ("", asked["role"]):
            return str(one["stage"])
    return ""


def _on_time(doing: str) -> str:
    return Doing.ADVANCED.value if doing == Doing.LATE_ENTRY.value else doing
