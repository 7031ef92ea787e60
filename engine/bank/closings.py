"""What was said when a passbook was closed, so that what comes later goes the same way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

import orjson

from lianxing.engine.ledger.reading import Reading
from lianxing.rules.accounts import Account, Closing, Closure
from lianxing.rules.balances import ClosingEvent
from lianxing.rules.facts import CountyId, VolunteerId

CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Closed:
    """When and why a passbook was closed, who inherits, and which accounts go along when one moves."""

    on: date
    event: ClosingEvent
    heir: VolunteerId = VolunteerId("")
    entry: int = 0
    portable: Mapping[str, str] = field(default_factory=dict)

    def where(self, account: Account) -> Closing | None:
        """Return where the balance of an account goes."""
        return None if account.closure is None else goes(account.closure, self.event)


def goes(closure: Closure, event: ClosingEvent) -> Closing:
    """Return what becomes of a balance on an event."""
    return {
        ClosingEvent.DEATH: closure.death,
        ClosingEvent.MOVING: closure.moving,
        ClosingEvent.LEAVING: closure.leaving,
    }[event]


def closings(reading: Reading, county: CountyId, people: Iterable[VolunteerId]) -> dict[VolunteerId, Closed]:
    """Return which of these people's passbooks are closed, and what was said of it."""
    owners = [(id, county) for id in people]
    ids = [id for id, _county in reading.closed_on(owners)]
    found: dict[VolunteerId, Closed] = {}
    for entry in reading.of_kinds((CLOSED,), county, ids) if ids else ():
        found[entry.volunteer] = closed_by(entry.on, entry.number, entry.body)
    return found


def closed_by(on: date, entry: int, body: bytes) -> Closed:
    """Return what the entry says by which a passbook was closed."""
    said = orjson.loads(body)
    asked: Mapping[str, str] = said.get("asked", {})
    event = ClosingEvent(asked.get("event", ClosingEvent.LEAVING.value))
    return Closed(on, event, VolunteerId(asked.get("heir", "")), entry, said.get("portable", {}))
