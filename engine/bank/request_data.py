"""Requests for service as plain data: what an entry keeps of them, and what is read from entries again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from enum import Enum
from fractions import Fraction
from typing import Any

import orjson

from lianxing.engine.bank.answering import reason_data
from lianxing.engine.bank.terms import place_from
from lianxing.engine.ledger.drafts import REQUEST
from lianxing.engine.ledger.reading import Reading
from lianxing.engine.menu import NotServed, Queue, Turn
from lianxing.engine.requesting import last_day, organiser_confirms_after
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.facts import CountyId, VolunteerId
from lianxing.rules.menu import PricedPer
from lianxing.rules.perks import Beneficiary
from lianxing.rules.places import Clause, Location, Source
from lianxing.rules.ranking import RankKey, RankValue
from lianxing.rules.redeeming import Reason
from lianxing.rules.requests import Effect, RequestState, ServiceRequest

_DATES = (
    *("requested_on", "since", "held_until", "notice_until"),
    *("served_on", "confirmed_after", "confirmed_on", "evaluated_on"),
)


def request_data(request: ServiceRequest) -> dict[str, Any]:
    """Return a request as plain data."""
    return {field.name: _plain(getattr(request, field.name)) for field in fields(request)}


def request_from(data: dict[str, Any]) -> ServiceRequest:
    """Return the request that `request_data` has written down."""
    read: dict[str, Any] = dict(data)
    for name in _DATES:  # of what an earlier version has written, some may be missing
        read[name] = None if read.get(name) is None else date.fromisoformat(read[name])
    read["for_whom"] = Beneficiary(read["for_whom"])
    read["state"] = RequestState(read["state"])
    read["per"] = PricedPer(read["per"])
    read["withdrew"] = tuple(read["withdrew"])
    return ServiceRequest(**read)


def effect_data(effect: Effect) -> dict[str, Any]:
    """Return what a step does, as plain data."""
    said = {field.name: _plain(getattr(effect, field.name)) for field in fields(effect)}
    return {"effect": type(effect).__name__.lower(), **said}


def queue_data(queue: Queue) -> dict[str, Any]:
    """Return the listed candidates in their order, with what decided, and who is left out with every reason."""
    return {
        "turns": [
            {
                "id": turn.id,
                "place": turn.place,
                "values": {value.key.fact: _plain(value.value) for value in turn.values},
            }
            for turn in queue.turns
        ],
        "left_out": [
            {"id": one.id, "reasons": [reason_data(reason) for reason in one.reasons]} for one in queue.left_out
        ],
        "candidates": len(queue.turns) + queue.unlisted,
        "number_left_out": len(queue.left_out) + queue.unlisted_left_out,
    }


def queue_from(data: Mapping[str, Any]) -> Queue:
    """Return the candidates that `queue_data` has written down."""
    nowhere = Location("", 0, 0)
    turns = tuple(
        Turn(
            one["id"],
            one["place"],
            tuple(RankValue(RankKey(fact, False, nowhere), _exact(value)) for fact, value in one["values"].items()),
        )
        for one in data["turns"]
    )
    left_out = tuple(NotServed(one["id"], tuple(map(reason_from, one["reasons"]))) for one in data["left_out"])
    return Queue(turns, left_out, data["candidates"] - len(turns), data["number_left_out"] - len(left_out))


def _exact(value: Any) -> Any:
    """Return a value as it was ranked by: a quotient was written down as text."""
    return Fraction(value) if isinstance(value, str) else value


def reason_from(data: Mapping[str, Any]) -> Reason:
    """Return the reason that `reason_data` has written down; of its clause, what that says."""
    location = place_from(data["at"])
    clause = Clause(data["clause"], location, Source(clause=data["cites"]))
    return Reason(data["code"], clause, location, tuple(data["operands"].items()))


def request_id(county: CountyId, asker: VolunteerId, entry: int) -> str:
    """Return the id of the request that an entry of somebody's passbook begins."""
    return f"{county}/{asker}/{entry}"


def begun_by(county: CountyId, id: str) -> tuple[VolunteerId, int] | None:
    """Return who asked for a service and the entry that began the request; None for what is no id of this county."""
    start = f"{county}/"
    asker, _, entry = id.removeprefix(start).rpartition("/")
    if not id.startswith(start) or not asker or not entry.isascii() or not entry.isdigit() or len(entry) > 18:
        return None
    return VolunteerId(asker), int(entry)


@dataclass(frozen=True, slots=True)
class Due:
    """An open request, its last day and the line that says so; None is without a deadline.

    After `confirmed_after` the organiser confirms what nobody else has.
    """

    request: ServiceRequest
    last_day: date | None
    location: Location | None
    confirmed_after: date | None = None

    @property
    def next_day(self) -> date:
        """Return the day after which something becomes of it; the end of time where no day is said."""
        return self.last_day or self.confirmed_after or date.max


def requests_in(
    reading: Reading, county: CountyId, people: Iterable[VolunteerId] | None = None
) -> dict[str, ServiceRequest]:
    """Return the requests of a county, or those for which these people asked, as they stand, by id."""
    newest: dict[str, dict[str, Any]] = {}
    for entry in reading.of_kinds((REQUEST,), county, people):
        data = orjson.loads(entry.body)["request"]
        newest[data["id"]] = data
    return {id: request_from(data) for id, data in newest.items()}


def open_requests(reading: Reading, rulebook: Rulebook) -> list[Due]:
    """Return the requests of which something is still to come, those of which something becomes first."""
    found = []
    for one in requests_in(reading, rulebook.policy.county.id).values():
        if not one.ended:
            last, place = last_day(rulebook, one) or (None, None)
            found.append(Due(one, last, place, organiser_confirms_after(rulebook, one)))
    return sorted(found, key=lambda due: (due.next_day, due.request.id))


def _plain(value: object) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Fraction):
        return str(value)
    return list(value) if isinstance(value, tuple) else value
