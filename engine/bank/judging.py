"""Who of everybody in the ledger may serve a request: judged on a snapshot, and held good while nothing has changed.

In a large county this takes seconds. So everybody is judged before the transaction that matches somebody, and in it
only who is to be matched, once more: others write meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from lianxing.engine.bank.customers import customers
from lianxing.engine.bank.deciding_again import CLOCKS_APART
from lianxing.engine.bank.sharing import is_person
from lianxing.engine.bank.tellers import family
from lianxing.engine.ledger.reading import Reading
from lianxing.engine.ledger.writing import Writing
from lianxing.engine.menu import Need, NotServed, Queue, Server, candidates_for, closed_passbook
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.facts import VolunteerId
from lianxing.rules.requests import ServiceRequest

PEOPLE_AT_ONCE = 500
SECONDS_OLD_MAX = CLOCKS_APART // 2  # what is said of others was so within CLOCKS_APART of the entry


@dataclass(frozen=True)
class Judged:
    """Who may serve a request, by the instant of a snapshot, and for whom somebody is looked for."""

    instant: int
    need: Need
    queue: Queue


def judged(
    reading: Reading,
    rulebook: Rulebook,
    made: ServiceRequest,
    on: date,
    instant: int,
    paired: tuple[VolunteerId, ...] = (),
    on_roster: tuple[VolunteerId, ...] | None = None,
) -> Judged:
    """Judge everybody whom the ledger knows; whoever has closed their passbook is left out."""
    need = _need(reading, rulebook, made, paired, on_roster)
    return Judged(instant, need, _queue(reading, rulebook, made, on, need, reading.volunteer_ids()))


def still_holds(
    before: Judged, writing: Writing, rulebook: Rulebook, made: ServiceRequest, on: date, volunteer: VolunteerId
) -> bool:
    """Tell whether what was judged before a transaction may be said in it: of the volunteer it is so by now."""
    need = before.need
    if not 0 <= writing.now - before.instant <= SECONDS_OLD_MAX:
        return False
    if _need(writing, rulebook, made, need.paired, need.on_roster) != need:
        return False
    known = {volunteer} & {*writing.volunteer_ids()}
    now = _queue(writing, rulebook, made, on, need, known)
    return _said(now, volunteer) == _said(before.queue, volunteer)


def _said(queue: Queue, volunteer: str) -> object:
    """Return what a queue says of somebody, but for the place; None where it says nothing."""
    said = {one.id: one.values for one in queue.turns} | {one.id: one.reasons for one in queue.left_out}
    return said.get(volunteer)


def _need(
    reading: Reading,
    rulebook: Rulebook,
    made: ServiceRequest,
    paired: Collection[str],
    on_roster: Collection[str] | None,
) -> Need:
    recipient = VolunteerId(made.recipient)
    return Need(
        asker=made.asker,
        recipient=made.recipient,
        facts=customers(reading, rulebook, [recipient])[recipient].person.facts,
        paired=paired,
        on_roster=on_roster,
        family=tuple(family(reading, rulebook.policy.county.id, VolunteerId(made.asker))),
        withdrew=made.withdrew,
    )


def _queue(
    reading: Reading,
    rulebook: Rulebook,
    made: ServiceRequest,
    on: date,
    need: Need,
    people: Collection[VolunteerId],
) -> Queue:
    request = next(one for one in rulebook.policy.menu if one.clause.id == made.request)
    servers: list[Server] = []
    gone: list[NotServed] = []
    ids = [id for id in people if is_person(id)]
    for start in range(0, len(ids), PEOPLE_AT_ONCE):
        for id, one in customers(reading, rulebook, ids[start : start + PEOPLE_AT_ONCE]).items():
            if (shut := one.closings.shut(on)) is not None:
                gone.append(closed_passbook(rulebook, id, shut))
            else:
                servers.append(Server(id, one.facts(on), one.measures(on), one.standing(on).star_held))
    found = candidates_for(rulebook, request, on, need, servers)
    return Queue(found.turns, (*found.left_out, *gone))
