"""What a county calls its offers, perks, accounts and services, and which one somebody meant who wrote another id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lianxing.plugins.cli.speaking import Say
from lianxing.rules.places import Clause, Label
from lianxing.rules.policy import Policy


def names_of(policy: Policy) -> Mapping[str, Label]:
    """Return the labels of what is asked for at the counter, by id."""
    clauses = (one for kind in _of_the_counter(policy).values() for one in kind)
    return {clause.id: clause.label for clause in clauses}


def meant(policy: Policy, reasons: Iterable[Mapping[str, Any]], say: Say) -> Iterator[str]:
    """Yield, for each reason that the county has no such thing, which one may be meant, or which there are."""
    kinds = _of_the_counter(policy)
    for reason in reasons:
        kind = reason["code"].removeprefix("no_")
        if kind in kinds:
            yield from _known(str(dict(reason["operands"]).get(kind, "")), kinds[kind], say)


def _of_the_counter(policy: Policy) -> Mapping[str, list[Clause]]:
    return {
        "account": [account.clause for account in policy.accounts],
        "perk": [perk.clause for perk in policy.perks],
        "offer": [offer.clause for offer in policy.offers],
        "service": [request.clause for request in policy.menu],
    }


def _known(written: str, clauses: list[Clause], say: Say) -> Iterator[str]:
    from lianxing.engine.reading.notes import nearest

    spelled = {word: one for one in clauses for word in (one.id, one.label.zh, one.label.en) if word}
    near = nearest(written, spelled)
    known = [_with_name(one, say) for one in ([spelled[near]] if near else clauses)]
    if near:
        yield say(f"是否想写 {known[0]}？", f"did you mean {known[0]}?")
    elif known:
        yield say(f"有：{'、'.join(known)}", f"there are: {', '.join(known)}")


def _with_name(clause: Clause, say: Say) -> str:
    name = clause.label.text(say.language)
    return say(f"{clause.id}（{name}）", f"{clause.id} ({name})") if name not in ("", clause.id) else clause.id
