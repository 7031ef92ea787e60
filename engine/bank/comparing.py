"""Entries beside what they should be: the first difference, as a clerk reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from lianxing.engine.bank.replicas import Replica
from lianxing.engine.ledger.chaining import Link
from lianxing.engine.ledger.drafts import Draft
from lianxing.engine.ledger.rows import redemption_row


@dataclass(frozen=True, slots=True)
class Found:
    """A difference, before it is said whose; None where there is none, or where there should be none."""

    entry: int
    what: str
    stored: str | None
    recomputed: str | None


# In this order a difference is looked for: what a clerk understands first.
_COMPARED = (
    *("kind", "registry", "record", "adjusts", "effective_on", "seconds", "points", "counted", "postings", "hold"),
    *("redemption", "opened", "lots", "floors", "ends", "returns", "ended", "wallets", "takes", "command"),
    *("actor", "reason", "content", "supplied", "body"),
)


def compared(replica: Replica, group: Sequence[Link], drafts: Sequence[Draft]) -> Found | None:
    """Return the first difference between entries and what they should be; running balances have an invariant."""
    floors, known = dict(replica.floors), set(replica.balances)
    for link, draft in zip(group, drafts, strict=False):
        stands, said = _stands(link), _said(draft, floors, known)
        if stands != said:
            at = next(n for n, pair in enumerate(zip(stands, said, strict=True)) if pair[0] != pair[1])
            what = _COMPARED[at]
            if what == "body":
                path, stored, again = first_in(orjson.loads(link.body), orjson.loads(draft.body), "body")
                return Found(link.number, path, stored, again)
            return Found(link.number, what, _text(stands[at]), _text(said[at]))
    if len(drafts) < len(group):
        link = group[len(drafts)]
        return Found(link.number, "entry", f"{link.kind} {link.registry}/{link.record}", None)
    if len(drafts) > len(group):
        draft = drafts[len(group)]
        return Found(group[-1].number, "entry after it", None, f"{draft.kind} {draft.place}")
    return None


def _stands(link: Link) -> tuple[object, ...]:
    return (
        link.kind,
        link.registry,
        link.record,
        link.adjusts,
        link.effective_on,
        link.seconds,
        link.points,
        link.counted,
        [(account, unit, amount, after is not None) for account, unit, amount, after in link.postings],
        link.hold,
        link.redemption,
        sorted(tuple(one) for one in link.opened),
        sorted(tuple(one) for one in link.lots),  # in which order lots are emptied says nothing
        [tuple(one) for one in link.floors],
        link.ends,
        link.returns,
        [tuple(one) for one in link.ended],
        [tuple(one) for one in link.wallets],
        [tuple(one) for one in link.takes],
        link.command,
        link.actor,
        link.reason,
        link.content,
        link.supplied,
        link.body,
    )


def _said(draft: Draft, floors: dict[tuple[str, str], int | None], known: set[tuple[str, str]]) -> tuple[object, ...]:
    news: list[tuple[str, str, int | None]] = []
    for account, unit, floor in draft.floors:  # only what is new is written
        if (account, unit) not in known or floors.get((account, unit)) != floor:
            news.append((account, unit, floor))
            floors[account, unit] = floor
            known.add((account, unit))
    known.update((line.account, line.unit) for line in draft.lines if line.own)
    held, key, version = draft.hold, draft.key, draft.version
    return (
        draft.kind,
        draft.registry,
        draft.record,
        draft.adjusts,
        draft.effective_on.isoformat(),
        draft.seconds,
        draft.points,
        int(draft.counted),
        [(line.account, line.unit, line.amount, line.own) for line in draft.lines],
        None if held is None else (held.account, held.amount, held.until.isoformat()),
        None if draft.redemption is None else redemption_row(draft.redemption),
        sorted(
            (one.account, one.number, one.earned_on.isoformat(), one.last_day.isoformat(), one.source, one.original)
            for one in draft.opened
        ),
        sorted((one.account, one.lot, one.amount) for one in draft.lots),
        news,
        draft.ends,
        draft.returns,
        list(draft.ended),
        [(one.account, one.drawn, one.rest, one.issued) for one in draft.wallets],
        [(taking.offer, taking.units) for taking in draft.takes],
        None if key is None else (key.scope, key.key, key.request_hash),
        draft.actor,
        draft.reason,
        None if version is None else version.content,
        None if version is None else version.supplied,
        draft.body,
    )


def first_in(stored: Any, again: Any, path: str) -> tuple[str, str | None, str | None]:
    """Return the path to the first value that differs in plain data, and both values as text; None is not there."""
    if isinstance(stored, dict) and isinstance(again, dict):
        for name in (*again, *(name for name in stored if name not in again)):
            if name not in stored or name not in again or stored[name] != again[name]:
                return first_in(stored.get(name), again.get(name), f"{path}.{name}")
    elif isinstance(stored, list) and isinstance(again, list) and len(stored) == len(again):
        for at, (one, other) in enumerate(zip(stored, again, strict=True)):
            if one != other:
                return first_in(one, other, f"{path}[{at}]")
    return path, _text(stored), _text(again)


def _text(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()
