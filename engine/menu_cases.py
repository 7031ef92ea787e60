"""What a case expects of the service menu, and what comes out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lianxing.engine.checks import Check
from lianxing.engine.menu import Asker, queue
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.selection_cases import candidate_of
from lianxing.rules.cases import Case
from lianxing.rules.commendation import Subject


def menu_checks(rulebook: Rulebook, case: Case) -> Iterator[Check]:
    """Yield what the case expects of the menu: what, expected, got."""
    told = case.queue
    if told is None:
        return
    request = next(request for request in rulebook.policy.menu if request.clause.id == told.request)
    askers: list[Asker] = []
    for one in told.candidates:
        found = candidate_of(rulebook, Subject.PERSON, one, case.on)
        askers.append(Asker(found.id, found.facts, found.measures, found.star or 0, told.for_whom))
    came = queue(rulebook, request, case.on, askers)
    if told.ranked is not None:
        places = {turn.id: turn.place for turn in came.turns}
        yield Check(f"ranked {told.request}", _places(told.ranked), _places(places))
    if told.ineligible is not None:
        left_out = sorted(one.id for one in came.left_out)
        yield Check(f"ineligible {told.request}", ", ".join(sorted(told.ineligible)), ", ".join(left_out))


def _places(ranked: Mapping[str, int]) -> str:
    return ", ".join(f"{place} {id}" for id, place in sorted(ranked.items(), key=lambda one: (one[1], one[0])))


def menu_touched(case: Case) -> frozenset[str]:
    """Return the statements that a case about the menu proves."""
    return frozenset() if case.queue is None else frozenset((case.queue.request,))
