"""What a commendation names has to exist: what it ranks by, whose winners it leaves out, to whom it recommends."""

from __future__ import annotations

from collections.abc import Iterator

from lianxing.engine.reading.notes import nearest
from lianxing.engine.reading.perks import STARS_FACT
from lianxing.rules.commendation import Commendation
from lianxing.rules.policy import Policy
from lianxing.rules.problems import Problem

HONOUR = "honour"


def commendation_problems(policy: Policy) -> Iterator[Problem]:
    """Yield what no single commendation can know of itself."""
    for commendation in policy.commendations:
        yield from _ranked_by(policy, commendation)
        yield from _winners(policy, commendation)
        yield from _recommended(policy, commendation)


def _ranked_by(policy: Policy, commendation: Commendation) -> Iterator[Problem]:
    """A layer may have removed a measure that a commendation below ranks by; and to rank twice decides nothing."""
    seen: set[str] = set()
    for key in commendation.rank_by:
        if key.fact not in policy.facts and key.fact != STARS_FACT.name:
            yield Problem("P301", key.location, (("fact", key.fact),))
        if key.fact in seen:
            yield Problem("P665", key.location, (("first", key.fact),))
        seen.add(key.fact)


def _winners(policy: Policy, commendation: Commendation) -> Iterator[Problem]:
    """Where the county lists its honours a record can carry no other one; else they are the commendations."""
    if commendation.excludes is None:
        return
    listed = [value.id for value in policy.facts[HONOUR].values]
    known = listed or [other.clause.id for other in policy.commendations]
    for id in commendation.excludes.winners_of:
        if id not in known:
            details = (("id", id), ("known", ", ".join(known)))
            yield Problem("P663", commendation.excludes.location, details, nearest(id, known))


def _recommended(policy: Policy, commendation: Commendation) -> Iterator[Problem]:
    """`cn/hunan/zhuzhou/best` is the commendation of a layer below, which this policy has too; other text is a body."""
    if "/" not in commendation.recommends_to:
        return
    known = [
        f"{other.clause.layer}/{other.clause.id}"
        for other in policy.commendations
        if other.clause.layer != commendation.clause.layer
    ]
    if commendation.recommends_to not in known:
        details = (("found", commendation.recommends_to), ("known", ", ".join(known)))
        yield Problem("P664", commendation.recommends_at, details, nearest(commendation.recommends_to, known))
