"""Who may ask for a service and whose turn it is; who may serve, and who of them is asked first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from lianxing.engine.closings import SHUT, SHUT_THEN, Closed
from lianxing.engine.ranking import Values, ranked
from lianxing.engine.reading.perks import STARS_FACT
from lianxing.engine.rulebook import MENU, RECIPIENTS, SERVERS, MeasureValue, Rulebook
from lianxing.rules.facts import FactValue, Scope
from lianxing.rules.known_facts import SERVED_GROUP, TARGET_GROUP
from lianxing.rules.menu import MenuTies, Request
from lianxing.rules.perks import Beneficiary
from lianxing.rules.places import Location
from lianxing.rules.ranking import RankKey, RankValue
from lianxing.rules.redeeming import Reason

REGISTERED_ON = "registered_on"
LISTED_MAX = 1_000  # of the candidates, and of those left out: an entry is read by people, too
_SHUT = (SHUT, SHUT_THEN)
_SAME = (("same_community", "community"), ("same_area", "registered_area"))


@dataclass(frozen=True)
class Asker:
    """Somebody who asks for a service: facts of the person and the day, measures and star, and for whom it is.

    `recipient` are facts of the person who is to be served, where that is somebody else.
    """

    id: str
    person: Mapping[str, FactValue]
    measures: Mapping[str, MeasureValue]
    star: int
    for_whom: Beneficiary = Beneficiary.SELF
    recipient: Mapping[str, FactValue] = field(default_factory=dict)

    @property
    def served(self) -> Mapping[str, FactValue]:
        """Facts of the person who is to be served."""
        return self.person if self.for_whom is Beneficiary.SELF else self.recipient


@dataclass(frozen=True)
class Server:
    """A volunteer who might serve: facts of the person and the day, measures and star."""

    id: str
    person: Mapping[str, FactValue]
    measures: Mapping[str, MeasureValue]
    star: int


@dataclass(frozen=True)
class Need:
    """For whom a volunteer is looked for: who asks, who is to be served, and the recipient's facts.

    `paired` are the volunteers who stand in a pair with the recipient, `on_roster` those on duty on the day (None:
    there is no roster), `family` the declared family of whoever asks, `withdrew` who was matched and withdrew.
    """

    asker: str
    recipient: str
    facts: Mapping[str, FactValue] = field(default_factory=dict)
    paired: Collection[str] = ()
    on_roster: Collection[str] | None = None
    family: Collection[str] = ()
    withdrew: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose turn it is at which place, counted from 1, and the values that decided; equals share a place."""

    id: str
    place: int
    values: tuple[RankValue, ...]


@dataclass(frozen=True, slots=True)
class NotServed:
    """Who may not ask, or may not serve, and why."""

    id: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Queue:
    """The order in which a request is served, or in which volunteers are asked to serve it, and who is left out.

    `unlisted` more come after these turns, and `unlisted_left_out` more are left out.
    """

    turns: tuple[Turn, ...]
    left_out: tuple[NotServed, ...]
    unlisted: int = 0
    unlisted_left_out: int = 0


def queue(rulebook: Rulebook, request: Request, on: date, askers: Iterable[Asker]) -> Queue:
    """Return in which order those who ask are served, and who may not ask at all.

    By the keys of the request; of equals who registered first is served first, or they share a place, as the request
    says. Whoever lacks a value comes after those who have it.
    """
    judged = []
    for asker in askers:
        reasons = *why_not_ask(rulebook, request, on, asker), *why_not_receive(rulebook, request, on, asker.served)
        judged.append((asker, reasons, _values(asker)))
    return _queue(judged, request.rank_by, request.ties, request.clause.location)


def candidates_for(rulebook: Rulebook, request: Request, on: date, need: Need, volunteers: Iterable[Server]) -> Queue:
    """Return in which order volunteers are asked to serve somebody, and who may not serve, with every reason.

    Where the request does not say who serves, all volunteers stand at the first place. Equals stand in the order of
    their ids: the answer is the same in whichever order they are given.
    """
    by_id = sorted(volunteers, key=lambda one: one.id)
    judged = []
    for one in by_id:
        together = matched(need, one)
        reasons = tuple(_why_not_serve(rulebook, request, on, need, one, together))
        judged.append((one, reasons, {**_values(one), **together}))
    said = request.served_by
    if said is None:
        return _queue(judged, (), MenuTies.ALL, request.clause.location)
    return _queue(judged, said.rank_by, said.ties, said.location)


def closed_passbook(rulebook: Rulebook, id: str, closed: Closed) -> NotServed:
    """Return that somebody is no candidate whose passbook is closed on the day."""
    return NotServed(id, (closed.reason(rulebook.policy.county.clause),))


def listed(found: Queue, asked: str = "") -> Queue:
    """Return the first `LISTED_MAX` of the candidates and of those left out, and of the others only who is asked about.

    Whoever is not among the first stands at the place after them, unless they share that of the last.
    """
    turns, left_out = found.turns[:LISTED_MAX], found.left_out[:LISTED_MAX]
    turns += tuple(
        replace(one, place=min(one.place, LISTED_MAX + 1)) for one in found.turns[LISTED_MAX:] if one.id == asked
    )
    left_out += tuple(one for one in found.left_out[LISTED_MAX:] if one.id == asked)
    return Queue(
        turns,
        left_out,
        found.unlisted + len(found.turns) - len(turns),
        found.unlisted_left_out + len(found.left_out) - len(left_out),
    )


def ranked_again(request: Request, found: Queue) -> Queue:
    """Return candidates in the order that follows from the values that decided; equals stand in the order of their ids.

    Who is left out stands in the order of the ids, those whose passbook is closed after the others.
    """
    said = request.served_by
    rank_by, ties = ((), MenuTies.ALL) if said is None else (said.rank_by, said.ties)
    judged: list[tuple[str, Values]] = [
        (one.id, {said.key.fact: said.value for said in one.values if said.value is not None}) for one in found.turns
    ]
    keys = _keys(rank_by, ties, request.clause.location)
    placed = ranked(sorted(judged, key=lambda one: one[0]), keys, lambda one: one[1])
    left_out = sorted(found.left_out, key=lambda one: (any(why.code in _SHUT for why in one.reasons), one.id))
    turns = tuple(Turn(one.item[0], one.place, one.values) for one in placed)
    return replace(found, turns=turns, left_out=tuple(left_out))


def matched(need: Need, volunteer: Server) -> dict[str, FactValue]:
    """Return what a volunteer and a recipient have together; what is not known of one of them is left out."""
    found: dict[str, FactValue] = {
        "paired": int(volunteer.id in need.paired),
        "related": int(volunteer.id in need.family),
    }
    if need.on_roster is not None:
        found["on_roster"] = int(volunteer.id in need.on_roster)
    for name, of in _SAME:
        if of in need.facts and of in volunteer.person:
            found[name] = int(need.facts[of] == volunteer.person[of])
    if TARGET_GROUP in need.facts:
        found[SERVED_GROUP] = need.facts[TARGET_GROUP]
    return found


def why_not_ask(rulebook: Rulebook, request: Request, on: date, asker: Asker) -> Iterator[Reason]:
    """Yield why somebody may not ask for a service on a day; nothing where they may."""
    clause = request.clause
    if asker.for_whom not in request.recipients:
        yield Reason("beneficiary", clause, clause.location, (("for_whom", asker.for_whom.value),))
    if clause.id not in rulebook.ask(MENU, on, {**asker.person, STARS_FACT.name: asker.star}, asker.measures):
        yield Reason("not_eligible", clause, clause.location)


def why_not_receive(
    rulebook: Rulebook, request: Request, on: date, recipient: Mapping[str, FactValue]
) -> Iterator[Reason]:
    """Yield why a person of these facts may not be served; of whom nothing is known, no condition holds."""
    condition, clause = request.recipient_is, request.clause
    if condition is None:
        return
    known = rulebook.policy.facts
    registered = {name: it for name, it in recipient.items() if name in known and known[name].scope is Scope.PERSON}
    if not registered:
        yield Reason("recipient_unknown", clause, condition.location)
    elif clause.id not in rulebook.ask(RECIPIENTS, on, registered, {}):
        yield Reason("recipient_is", clause, condition.location)


def _why_not_serve(
    rulebook: Rulebook, request: Request, on: date, need: Need, one: Server, together: Mapping[str, FactValue]
) -> Iterator[Reason]:
    clause = request.clause
    if one.id in (need.recipient, need.asker):
        yield Reason("own_request", clause, clause.location, (("id", one.id),))
    if one.id in need.withdrew:
        yield Reason("withdrew", clause, clause.location, (("id", one.id),))
    if request.served_by is not None:
        facts = {**one.person, **together, STARS_FACT.name: one.star}
        if clause.id not in rulebook.ask(SERVERS, on, facts, one.measures):
            yield Reason("not_eligible", clause, request.served_by.location)


def _queue(
    judged: Iterable[tuple[Asker | Server, tuple[Reason, ...], Values]],
    keys: tuple[RankKey, ...],
    ties: MenuTies,
    location: Location,
) -> Queue:
    standing: list[tuple[str, Values]] = []
    left_out: list[NotServed] = []
    for one, reasons, values in judged:
        if reasons:
            left_out.append(NotServed(one.id, reasons))
        else:
            standing.append((one.id, values))
    placed = ranked(standing, _keys(keys, ties, location), lambda one: one[1])
    return Queue(tuple(Turn(one.item[0], one.place, one.values) for one in placed), tuple(left_out))


def _keys(keys: tuple[RankKey, ...], ties: MenuTies, location: Location) -> tuple[RankKey, ...]:
    if ties is MenuTies.EARLIEST_REGISTERED:
        return (*keys, RankKey(REGISTERED_ON, False, location))
    return keys


def _values(one: Asker | Server) -> Values:
    return {**one.person, **one.measures, STARS_FACT.name: one.star}
