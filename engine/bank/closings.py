"""What the ledger says of when passbooks were closed, and opened again."""

from __future__ import annotations

from collections.abc import Iterable

from lianxing.engine.closings import OPEN, Closings
from lianxing.engine.ledger.drafts import CLOSED, REOPENED
from lianxing.engine.ledger.reading import Reading
from lianxing.rules.facts import CountyId, VolunteerId


def closings(reading: Reading, county: CountyId, people: Iterable[VolunteerId]) -> dict[VolunteerId, Closings]:
    """Return the closings of those of these people's passbooks that have ever been closed."""
    owners = [(id, county) for id in people]
    ids = [id for id, _county in reading.last_closed_on(owners)]
    found: dict[VolunteerId, Closings] = {}
    for entry in reading.of_kinds((CLOSED, REOPENED), county, ids) if ids else ():
        before = found.get(entry.volunteer, OPEN)
        found[entry.volunteer] = before.after(entry.kind, entry.on, entry.number, entry.body)
    return found
