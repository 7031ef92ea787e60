"""What accounts have not taken in of records that members of the family earn into them: their entries there say so.

The entries of these records are in the passbooks of the members; what arrives in the holder's is remembered there.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple

import orjson

from lianxing.engine.bank.booking import UNSTORED, outside_in
from lianxing.engine.ledger.drafts import BOOKED_ON, RECEIVED, TAKEN_BACK
from lianxing.engine.ledger.reading import Reading
from lianxing.engine.wallet import Unstored
from lianxing.rules.facts import CountyId, VolunteerId

OF_RECORD = "record"  # why something arrives: a record is worth it


class KeptOut(NamedTuple):
    """What an account has not taken in of a record, and when that was booked."""

    unstored: Unstored
    booked_on: date


Arrived = dict[tuple[str, str], KeptOut]  # by account and source


def arrived_in(reading: Reading, county: CountyId, person: VolunteerId) -> Arrived:
    """Return what the accounts of a passbook have not taken in of records that others have brought."""
    return arrived_of(entry.body for entry in reading.of_kinds((RECEIVED, TAKEN_BACK), county, [person]))


def arrived_of(bodies: Iterable[bytes]) -> Arrived:
    """Return what the entries of a passbook say, the newest of each record."""
    found: Arrived = {}
    for body in bodies:
        note_arrival(found, orjson.loads(body))
    return found


def note_arrival(found: Arrived, body: dict[str, Any]) -> None:
    """Note what an entry says of a record that has arrived."""
    if body["why"] == OF_RECORD and BOOKED_ON in body:
        out = outside_in(body.get(UNSTORED, ()), body["account"])
        source = f"{body['registry']}/{body['record']}"
        found[body["account"], source] = KeptOut(out, date.fromisoformat(body[BOOKED_ON]))
