"""A passbook's statement as plain data for programs, and as rows for a spreadsheet.

An amount is text, exact: points as a decimal (`"6.2"`), time in whole seconds (`"5400"`). No number is ever a float.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from lianxing.engine.amounts import number_text
from lianxing.engine.answers import stated_sentence
from lianxing.engine.explaining import gap_data, standing_data
from lianxing.engine.statement_sentences import on_the_way, remarks, subject_text, what_text
from lianxing.engine.step_sentences import reason_text, step_remarks, step_text
from lianxing.rules.families import RELATIONS
from lianxing.rules.places import Label, Language
from lianxing.rules.statements import (
    AccountState,
    Change,
    Cited,
    EndingLot,
    GoneOver,
    Left,
    OpenHold,
    Outside,
    Pending,
    PerkUses,
    Pooled,
    StatedReason,
    Statement,
    StatementLine,
    StepTold,
    Subject,
)

COLUMNS = (
    "entry",
    "day",
    "recorded",
    "kind",
    "what",
    "account",
    "part",
    "unit",
    "amount",
    "balance",
    "clauses",
    "places",
    "articles",
    "corrects",
    "concerns",
    "actor",
    "reason",
    "remarks",
    "step",
)
# What stands there is made by us alone: a minus sign in front of it is a number, no formula.
NUMBERS = frozenset(("entry", "amount", "balance", "corrects", "concerns"))


def exact(unit: str, amount: int) -> str:
    """Return an amount exactly: points with their decimals, time in seconds.

    >>> exact("points", 620), exact("seconds", -5400)
    ('6.2', '-5400')
    """
    return number_text(Fraction(amount, 100)) if unit == "points" else str(amount)


def statement_data(found: Statement, language: Language) -> dict[str, Any]:
    """Return a statement as plain data."""
    stands = found.standing
    return {
        "volunteer": found.volunteer,
        "county": found.county,
        "title": _label(found.title),
        "since": None if found.since is None else found.since.isoformat(),
        "until": found.until.isoformat(),
        "known": None if found.known is None else instant(found.known, found.time_zone),
        "last_entry": found.last_entry,
        "seal": found.seal,
        "closed_on": _day(next((one.on for one in found.closings if one.reopened_on is None), None)),
        "closings": [{"on": one.on.isoformat(), "reopened_on": _day(one.reopened_on)} for one in found.closings],
        "opening": [state_data(state) for state in found.opening],
        "entries": [_line(line, found.time_zone, language) for line in found.lines],
        "closing": [state_data(state) for state in found.closing],
        "uses": [uses_data(one) for one in found.uses],
        "pending": [pending_data(one) for one in found.pending],
        "holds": [_hold(one) for one in found.holds],
        "notice_days": found.notice_days,
        "ending": [ending_data(one) for one in found.ending],
        "next_star": stands.next_star,
        "still_missing": [gap_data(gap) for gap in stands.gaps],
        "standing": standing_data(stands),
    }


def state_data(state: AccountState) -> dict[str, Any]:
    """Return what is in an account as plain data."""
    unit = state.unit
    return {
        "account": state.account,
        "unit": unit,
        "label": _label(state.label),
        "available": exact(unit, state.available),
        "held": exact(unit, state.held),
        "owed": exact(unit, state.owed),
        "ended_not_booked": exact(unit, state.ended),
        "changed_not_booked": exact(unit, state.changed),
        "over_not_booked": exact(unit, state.over),
        "cancelled": exact(unit, state.cancelled),
        "rest_carried": exact(unit, state.rest),
    }


def uses_data(one: PerkUses) -> dict[str, Any]:
    """Return how often a perk was used as plain data."""
    return {
        "perk": one.perk,
        "label": _label(one.label),
        "used": one.used,
        "at_most": one.at_most,
        "per": None if one.per is None else one.per.value,
        "since": None if one.since is None else one.since.isoformat(),
        "in_all": one.in_all,
    }


def pending_data(one: Pending) -> dict[str, Any]:
    """Return a record that waits as plain data."""
    return {
        "entry": one.entry,
        "day": one.on.isoformat(),
        "what": _subject(one.subject),
        "points": exact("points", one.points),
        "seconds": exact("seconds", one.seconds),
        "clauses": [_cited(cited) for cited in one.clauses],
    }


def ending_data(one: EndingLot) -> dict[str, Any]:
    """Return what is left of a lot that ends soon as plain data."""
    return {
        "account": one.account,
        "lot": one.lot,
        "unit": one.unit,
        "remaining": exact(one.unit, one.remaining),
        "earned_on": one.earned_on.isoformat(),
        "last_day": one.last_day.isoformat(),
        "source": one.source,
        "taken_by": None if one.taken_by is None else _cited(one.taken_by),
    }


def instant(seconds: int, time_zone: str) -> str:
    """Return an instant in ISO 8601 with the county's offset."""
    return datetime.fromtimestamp(seconds, ZoneInfo(time_zone)).isoformat()


def statement_rows(found: Statement, language: Language) -> Iterator[dict[str, str]]:
    """Yield a row for each posting, by column; an entry that posts nothing has one row without an amount."""
    for line in found.lines:
        row = {
            "entry": str(line.entry),
            "day": line.on.isoformat(),
            "recorded": instant(line.recorded_at, found.time_zone),
            "kind": line.kind,
            "what": subject_text(line.subject, language),
            "account": "",
            "part": "",
            "unit": "",
            "amount": "",
            "balance": "",
            "clauses": "; ".join(cited.clause for cited in line.clauses),
            "places": "; ".join(cited.at for cited in line.clauses),
            "articles": "; ".join(cited.article for cited in line.clauses),
            "corrects": "" if line.corrects is None else str(line.corrects),
            "concerns": "" if line.concerns is None else str(line.concerns),
            "actor": line.actor,
            "reason": reason_text(line.reason, language),
            "remarks": "; ".join(_remarks(line, language)),
            "step": "" if line.step is None else "; ".join(_step_texts(line.step, language)),
        }
        for change in line.changes:
            yield row | {
                "account": change.account,
                "part": change.part,
                "unit": change.unit,
                "amount": exact(change.unit, change.amount),
                "balance": exact(change.unit, change.after),
            }
        if not line.changes:
            yield row


def _remarks(line: StatementLine, language: Language) -> list[str]:
    reasons = (stated_sentence(reason, language) for reason in line.reasons)
    return [*reasons, *(unmet.text(language) for unmet in line.unmet), *on_the_way(line, language)]


def _line(line: StatementLine, time_zone: str, language: Language) -> dict[str, Any]:
    return {
        "entry": line.entry,
        "day": line.on.isoformat(),
        "recorded": instant(line.recorded_at, time_zone),
        "kind": line.kind,
        "command": line.command or None,
        "what": _subject(line.subject),
        "postings": [_change(change) for change in line.changes],
        "clauses": [_cited(cited) for cited in line.clauses],
        "corrects": line.corrects,
        "concerns": line.concerns,
        "actor": line.actor,
        "reason": line.reason,
        "reasons": [_reason(reason, language) for reason in line.reasons],
        "unmet": [_label(unmet) for unmet in line.unmet],
        "gone_over": [_gone_over(one) for one in line.gone_over],
        "outside": [_outside(one) for one in line.outside],
        "pooled": [_pooled(one) for one in line.pooled],
        "left": [_left(one) for one in line.left],
        "entitled": None if line.entitled is None else exact(*line.entitled),
        "family": None if line.family is None else [_member(*one) for one in line.family],
        "step": None if line.step is None else _step(line.step),
        "sentences": [what_text(line, language), *remarks(line, language)],
    }


def _member(id: str, relation: str) -> dict[str, Any]:
    return {"id": id, "relation": relation, "label": _label(RELATIONS.get(relation, Label(relation, relation)))}


def _step_texts(step: StepTold, language: Language) -> list[str]:
    return [step_text(step, language), *step_remarks(step, language)]


def _step(step: StepTold) -> dict[str, Any]:
    return {
        "of": "request" if step.of_request else "review",
        "doing": step.doing,
        "role": step.role,
        "day": _day(step.day),
        "was": step.was,
        "state": step.state,
        "due": _day(step.due),
        "suspended": step.suspended,
        "late": step.late,
        "nominated": step.nominated,
        "upheld": step.upheld,
        "objection": step.objection or None,
        "certificate": step.certificate,
        "helper": step.helper,
        "seconds": exact("seconds", step.seconds),
        "served_on": _day(step.served_on),
        "evaluation": said_data(step.evaluation),
        "off_menu": step.off_menu,
    }


def said_data(said: Iterable[tuple[Label, Label]]) -> list[dict[str, dict[str, str]]]:
    """Return facts and their values in words, as plain data."""
    return [{"fact": _label(fact), "value": _label(value)} for fact, value in said]


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _change(change: Change) -> dict[str, str]:
    return {
        "account": change.account,
        "part": change.part or "available",
        "unit": change.unit,
        "amount": exact(change.unit, change.amount),
        "balance": exact(change.unit, change.after),
    }


def _gone_over(one: GoneOver) -> dict[str, str]:
    before, after = exact(one.unit, one.before), exact(one.unit, one.after)
    return {"account": one.account, "unit": one.unit, "before": before, "after": after}


def _outside(one: Outside) -> dict[str, str]:
    amounts = {"rest": one.rest, "over": one.over, "written_off": one.off}
    said = {name: exact(one.unit, amount) for name, amount in amounts.items()}
    return {"account": one.account, "unit": one.unit, **said, "to": one.to}


def _pooled(one: Pooled) -> dict[str, str | None]:
    return {"account": one.account, "holder": one.holder, "member": one.member or None, "record": one.record or None}


def _left(one: Left) -> dict[str, str | None]:
    amount = exact(one.unit, one.amount)
    return {"account": one.account, "unit": one.unit, "amount": amount, "where": one.where, "heir": one.heir or None}


def _cited(cited: Cited) -> dict[str, Any]:
    return {"clause": cited.clause, "at": cited.at, "article": cited.article, "label": _label(cited.label)}


def _reason(reason: StatedReason, language: Language) -> dict[str, Any]:
    return {
        "code": reason.code,
        "clause": reason.clause,
        "at": reason.at,
        "article": reason.article,
        "operands": dict(reason.operands),
        "sentence": stated_sentence(reason, language),
    }


def _subject(subject: Subject) -> dict[str, Any]:
    return {
        "kind": subject.kind,
        "id": subject.id,
        "label": _label(subject.label),
        "registry": subject.source or None,
        "units": subject.units,
        "merchant": subject.merchant,
        "counterpart": subject.counterpart,
        "cash_yuan": number_text(Fraction(subject.cash, 100)),
    }


def _hold(one: OpenHold) -> dict[str, Any]:
    return {
        "entry": one.entry,
        "account": one.account,
        "unit": one.unit,
        "amount": exact(one.unit, one.amount),
        "last_day": _day(one.last_day),
        "what": _subject(one.subject),
        "awaits": one.awaits or None,
        "decide_by": _day(one.decide_by),
        "request": None
        if one.request is None
        else {"state": one.request.state.value, "confirmed_after": _day(one.request.confirmed_after)},
    }


def _label(label: Label) -> dict[str, str]:
    return {"zh": label.zh, "en": label.en}
