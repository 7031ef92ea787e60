"""What a case expects of the service menu, and what comes out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lianxing.engine.checks import Check
from lianxing.engine.menu import Asker, Need, Server, candidates_for, queue
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.selection_cases import candidate_of
from lianxing.rules.asking_cases import ToldRecipient
from lianxing.rules.cases import Case
from lianxing.rules.commendation import Subject


def menu_checks(rulebook: Rulebook, case: Case) -> Iterator[Check]:
    """Yield what the case expects of the menu: what, expected, got."""
    told = case.queue
    if told is None:
        return
    request = next(request for request in rulebook.policy.menu if request.clause.id == told.request)
    found = [candidate_of(rulebook, Subject.PERSON, one, case.on) for one in told.candidates]
    if told.recipient is None:
        askers = [
            Asker(one.id, one.facts, one.measures, one.star or 0, told.for_whom, candidate.recipient)
            for one, candidate in zip(found, told.candidates, strict=True)
        ]
        came = queue(rulebook, request, case.on, askers)
    else:
        servers = [Server(one.id, one.facts, one.measures, one.star or 0) for one in found]
        came = candidates_for(rulebook, request, case.on, _need(told.recipient), servers)
    if told.ranked is not None:
        places = {turn.id: turn.place for turn in came.turns}
        yield Check(f"ranked {told.request}", _places(told.ranked), _places(places))
    if told.ineligible is not None:
        left_out = sorted(one.id for one in came.left_out)
        yield Check(f"ineligible {told.request}", ", ".join(sorted(told.ineligible)), ", ".join(left_out))


def _need(told: ToldRecipient) -> Need:
    return Need(
        asker=told.id,
        recipient=told.id,
        facts=told.facts,
        paired=told.paired,
        on_roster=told.on_roster,
        family=told.family,
        withdrew=told.withdrew,
    )


def _places(ranked: Mapping[str, int]) -> str:
    return ", ".join(f"{place} {id}" for id, place in sorted(ranked.items(), key=lambda one: (one[1], one[0])))


def menu_touched(case: Case) -> frozenset[str]:
    """Return the statements that a case about the menu proves."""
    return frozenset() if case.queue is None else frozenset((case.queue.request,))
