"""A registry takes a record back that does not count: noted, so that an older version of it that comes later does not.

Where the record has counted before, it is noted in the passbook in which it was; where it never has come, in that of
the registry, for nobody knows whose it is. Only of versions that a registry numbers it is known which one is late.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import orjson

from lianxing.engine.bank.sharing import registry_owner
from lianxing.engine.ledger.contents import ALREADY, VERSION
from lianxing.engine.ledger.drafts import BOOKED_ON, Draft, Version
from lianxing.rules.facts import CountyId, VolunteerId
from lianxing.rules.records import Withdrawn


@dataclass(frozen=True, slots=True)
class Noting:
    """What is noted, and in whose passbook: `original` is the entry from which the record counted there last.

    `newest` is the entry that said so last that the record does not count. Both None: it never came.
    """

    taken_back: Withdrawn
    owner: VolunteerId
    original: int | None = None
    newest: int | None = None


def never_came(taken_back: Withdrawn) -> Noting:
    """Return what is noted of a record of which the ledger knows nothing."""
    return Noting(taken_back, registry_owner(taken_back.registry))


def noting_of(taken_back: Withdrawn, owner: VolunteerId, original: int, newest: int) -> Noting:
    """Return what is noted of a record that was taken back before, in the passbook where that stands."""
    never = never_came(taken_back)
    return never if owner == never.owner else Noting(taken_back, owner, original, newest)


def noted(noting: Noting, county: CountyId, digest: str, on: date) -> Draft:
    """Return the entry of a withdrawal that takes nothing back."""
    one = noting.taken_back
    body = {
        "policy": digest,
        "reported": 0,
        "seconds": 0,
        "points": 0,
        "counted": False,
        "workings": [],
        "refusals": [],
        "withdrawn": True,
        ALREADY: True,
        VERSION: one.version,
        BOOKED_ON: on.isoformat(),
    }
    return Draft(
        kind="withdrawn",
        volunteer=noting.owner,
        county=county,
        effective_on=on,
        policy_digest=digest,
        body=orjson.dumps(body),
        registry=one.registry,
        record=one.id,
        adjusts=noting.original,
        counted=False,
        actor=one.actor,
        reason=one.reason,
        version=Version(b"", b"{}", noting.original, noting.newest),
    )
