"""What a case expects of stars that are awarded and of sanctions, and what came out."""

from __future__ import annotations

from collections.abc import Iterator

from lianxing.engine.checks import POINTS, Check
from lianxing.engine.reading.decision_cases import OUTCOMES, REASONS, effect_word
from lianxing.engine.reading.vocabulary import KEYS, WORDS
from lianxing.rules.cases import Case
from lianxing.rules.decision_cases import ExpectedDecision
from lianxing.rules.decisions import StarDecision
from lianxing.rules.policy import Policy
from lianxing.rules.standings import Standing

_DECIDED = OUTCOMES | REASONS
_EFFECTS = {**KEYS, **WORDS}


def decision_checks(case: Case, found: Standing) -> Iterator[Check]:
    """Yield what the case expects to be decided: what, expected, got."""
    told = case.decided
    if told is None:
        return
    if told.star_held is not None:
        yield Check("star_held", told.star_held, found.star_held)
    if told.decisions is not None:
        came = () if found.star is None else found.star.decisions
        for index in range(max(len(told.decisions), len(came))):
            expected = told.decisions[index] if index < len(told.decisions) else None
            got = came[index] if index < len(came) else None
            asks_why = expected is None or expected.why is not None
            yield Check(f"decisions {index + 1}", _expected(expected), _decided(got, asks_why), words=_DECIDED)
    if told.sanctions is not None:
        active = (state.clause.id for state in found.conduct.sanctions if state.active)
        yield Check("sanctions", ", ".join(sorted(told.sanctions)), ", ".join(sorted(active)))
    if told.number is not None:
        yield Check("number", told.number, None if found.star is None else found.star.number)
    if told.grants is not None:
        given = {} if found.star is None else {grant.star: grant.points for grant in found.star.grants}
        for star in sorted({*told.grants, *given}):
            yield Check(f"grants {star}", told.grants.get(star, 0), given.get(star, 0), POINTS)
    for name, effect in (told.effects or {}).items():
        came_to = effect_word(getattr(found.conduct.effects, name))
        yield Check(f"standing_effects {name}", effect, came_to, words=_EFFECTS)


def decision_touched(policy: Policy, case: Case, found: Standing) -> set[str]:
    """Return the clauses that the case proves something of: the ladder that decided, the sanctions that began."""
    told = case.decided
    touched: set[str] = set()
    if told is None:
        return touched
    if policy.stars is not None and (
        told.star_held is not None or told.decisions is not None or told.number or told.grants
    ):
        touched.add(policy.stars.clause.id)
    if told.sanctions is not None or told.effects is not None:
        touched |= {state.clause.id for state in found.conduct.sanctions}
    touched |= {line.clause.id for line in found.measures if line.sum}
    return touched


def _expected(decision: ExpectedDecision | None) -> str | None:
    if decision is None:
        return None
    why = "" if decision.why is None else f" {decision.why.value}"
    return f"{decision.on} {decision.star} {decision.outcome.value}{why}"


def _decided(decision: StarDecision | None, asks_why: bool) -> str | None:
    if decision is None:
        return None
    why = f" {decision.reason.value}" if asks_why else ""
    return f"{decision.on} {decision.star} {decision.outcome.value}{why}"
