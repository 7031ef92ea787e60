"""What the bank answers to a command, in Chinese and English, from the body of the entry that keeps it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from lianxing.engine.amounts import amount_text, number_text
from lianxing.engine.answers import awaiting_sentence, stated_sentence
from lianxing.engine.statement_sentences import COMMANDS
from lianxing.engine.wording import left_sentence, outside_sentence, unmet_sentence
from lianxing.rules.facts import Fact
from lianxing.rules.places import Label, Language
from lianxing.rules.statements import StatedReason


def answer_sentences(
    body: Mapping[str, Any],
    language: Language,
    facts: Mapping[str, Fact] = MappingProxyType({}),
    names: Mapping[str, Label] = MappingProxyType({}),
) -> Iterator[str]:
    """Yield what became of a command: what was asked and its clause; for a refusal every reason with its own.

    `facts` are those of the county and of offers: what of a condition did not hold is told by their names. `names` are
    what the county calls its offers, perks and accounts.
    """
    zh = language == "zh"
    asked = body["asked"]
    command = COMMANDS.get(asked["command"], Label(asked["command"], asked["command"])).text(language)
    about = next((f"{asked[name]}" for name in ("offer", "perk", "account") if asked.get(name)), "")
    about = named(about, names, language)
    entry = asked.get("entry")
    if entry is not None:
        about = f"第 {entry} 号" if zh else f"entry {entry}"
    what = f"{command} {about}".strip()
    if not body["allowed"]:
        yield f"未办：{what}" if zh else f"refused: {what}"
        for reason in body["reasons"]:
            stated = StatedReason(
                reason["code"], reason["clause"], reason["at"], reason["cites"], tuple(reason["operands"].items())
            )
            yield f"  {stated_sentence(stated, language)}"
        unmet = (unmet_sentence(said, facts, language) for said in body.get("unmet", ()))
        yield from (f"    {sentence}" for sentence in unmet if sentence)
        return
    place = ", ".join(
        part for part in (body.get("clause", ""), body.get("at", "").rpartition(":")[0], body.get("cites", "")) if part
    )
    clause = f"〔{place.replace(', ', '，')}〕" if zh else f" [{place}]"
    yield f"已办：{what}{clause if place else ''}" if zh else f"done: {what}{clause if place else ''}"
    yield from (f"  {line}" for line in (*_amounts(body, asked, language), *_moved(body, asked, language)))
    for one in body.get("unstored", ()):
        amounts = one["rest"], one["over"], one["off"], one["to"]
        yield f"  {outside_sentence(one['account'], one['unit'], *amounts, language)}"


def named(id: str, names: Mapping[str, Label], language: Language) -> str:
    """Return `牙膏 [toothpaste]`, or the id alone where the county has no other name for it."""
    name = names.get(id, Label()).text(language)
    return f"{name} [{id}]" if name not in ("", id) else id


def _moved(body: Mapping[str, Any], asked: Mapping[str, Any], language: Language) -> Iterator[str]:
    """Yield what came into each account from elsewhere; what became of each at a closing, and where that is said."""
    zh = language == "zh"
    for account, unit, amount in body.get("brought", ()):
        came = amount_text(unit, amount, language)
        yield f"转入 {account}：{came}" if zh else f"into {account}: {came}"
    for one in body.get("closes", ()):
        said = left_sentence(one["unit"], one["amount"], one["where"], asked.get("heir", ""), language)
        place = [part for part in (one["clause"], one["at"].rpartition(":")[0], one["cites"]) if part]
        yield f"{said}〔{'，'.join(place)}〕" if zh else f"{said} [{', '.join(place)}]"


def _amounts(body: Mapping[str, Any], asked: Mapping[str, Any], language: Language) -> Iterator[str]:
    zh, unit = language == "zh", str(body.get("unit", "points"))
    if "price" in body:
        paid = amount_text(unit, body["price"], language)
        yield f"花费 {paid}" if zh else f"for {paid}"
        if body["cash"]:
            yuan = number_text(Fraction(body["cash"], 100))
            yield f"另付 {yuan} 元" if zh else f"and {yuan} yuan"
    elif "amount" in asked and asked["amount"] is not None:
        yield amount_text(unit, asked["amount"], language)
    for name, chinese, english in (("settled", "结清", "settled"), ("refunded", "退回", "given back")):
        if name in body:
            amount = amount_text(unit, body[name], language)
            yield f"{chinese} {amount}" if zh else f"{english}: {amount}"
    if "settled" in body and "units" in body:
        units = body["units"]
        yield f"交付 {units} 份，其余退回" if zh else f"units handed over: {units}; the rest goes back"
    if body.get("held_until"):
        until = body["held_until"]
        yield f"预留至 {until}（含当日）" if zh else f"reserved until {until}, that day included"
    if body.get("awaits"):
        last = body["decide_by"]
        yield awaiting_sentence(body["awaits"], None if last is None else date.fromisoformat(last), language)
    if body.get("late"):
        yield "逾期办理" if zh else "decided late"
