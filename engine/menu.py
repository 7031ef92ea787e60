"""Who may ask for a service, and in which order those who ask are served."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from lianxing.engine.ranking import Values, ranked
from lianxing.engine.reading.perks import STARS_FACT
from lianxing.engine.rulebook import MENU, MeasureValue, Rulebook
from lianxing.rules.facts import FactValue
from lianxing.rules.menu import MenuTies, Request
from lianxing.rules.perks import Beneficiary
from lianxing.rules.ranking import RankKey, RankValue
from lianxing.rules.redeeming import Reason

REGISTERED_ON = "registered_on"


@dataclass(frozen=True)
class Asker:
    """Somebody who asks for a service: facts of the person and the day, measures and star, and for whom it is."""

    id: str
    person: Mapping[str, FactValue]
    measures: Mapping[str, MeasureValue]
    star: int
    for_whom: Beneficiary = Beneficiary.SELF


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose turn it is at which place, counted from 1, and the values that decided; equals share a place."""

    id: str
    place: int
    values: tuple[RankValue, ...]


@dataclass(frozen=True, slots=True)
class NotServed:
    """Who may not ask, and why."""

    id: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Queue:
    """The order in which a request is served, and who is left out."""

    turns: tuple[Turn, ...]
    left_out: tuple[NotServed, ...]


def queue(rulebook: Rulebook, request: Request, on: date, askers: Iterable[Asker]) -> Queue:
    """Return in which order those who ask are served, and who may not ask at all.

    By the keys of the request; of equals who registered first is served first, or they share a place, as the request
    says. Whoever lacks a value comes after those who have it.
    """
    served: list[Asker] = []
    left_out: list[NotServed] = []
    for asker in askers:
        reasons = tuple(_why_not(rulebook, request, on, asker))
        if reasons:
            left_out.append(NotServed(asker.id, reasons))
        else:
            served.append(asker)
    keys = request.rank_by
    if request.ties is MenuTies.EARLIEST_REGISTERED:
        keys = (*keys, RankKey(REGISTERED_ON, False, request.clause.location))
    placed = ranked(served, keys, _values)
    return Queue(tuple(Turn(one.item.id, one.place, one.values) for one in placed), tuple(left_out))


def _why_not(rulebook: Rulebook, request: Request, on: date, asker: Asker) -> Iterator[Reason]:
    clause = request.clause
    if asker.for_whom not in request.recipients:
        yield Reason("beneficiary", clause, clause.location, (("for_whom", asker.for_whom.value),))
    if clause.id not in rulebook.ask(MENU, on, {**asker.person, STARS_FACT.name: asker.star}, asker.measures):
        yield Reason("not_eligible", clause, clause.location)


def _values(asker: Asker) -> Values:
    return {**asker.person, **asker.measures, STARS_FACT.name: asker.star}
