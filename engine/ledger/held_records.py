"""Records that the ledger holds, each with what it has earned up to now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    and_,
    select,
)

from lianxing.engine.ledger.chunking import chunks
from lianxing.engine.ledger.contents import facts_from, record_from
from lianxing.engine.ledger.stored import Held
from lianxing.engine.ledger.tables import (
    entry,
    service_record,
)
from lianxing.rules.facts import VolunteerId

_Row = Row[*tuple[Any, ...]]


def held_in(
    connection: Connection,
    owners: Mapping[int, VolunteerId],
    original: int | None = None,
    since: date | None = None,
    until: date = date.max,
) -> list[Held]:
    """Return the records in these passbooks, or the one with this original entry, or those of some days."""
    brought = entry.alias()  # the entry that brought the version
    helds: list[Held] = []
    for chunk in chunks(owners):
        of_records = service_record.c.passbook.in_(chunk) & service_record.c.superseded_by.is_(None)
        of_entries = entry.c.passbook.in_(chunk) & entry.c.adjusts.is_not(None)
        if original is not None:
            of_records &= service_record.c.original == original
            of_entries &= entry.c.adjusts == original
        later: dict[tuple[int, int], list[_Row]] = defaultdict(list)
        for row in connection.execute(
            select(
                entry.c.passbook,
                entry.c.adjusts,
                entry.c.seconds,
                entry.c.points,
                entry.c.policy_digest,
                entry.c.counted,
            )
            .where(of_entries)
            .order_by(entry.c.passbook, entry.c.number)
        ):
            later[row.passbook, row.adjusts].append(row)
        versions = select(
            service_record.c.passbook,
            service_record.c.entry,
            service_record.c.original,
            service_record.c.content,
            service_record.c.supplied,
            entry.c.seconds,
            entry.c.points,
            entry.c.policy_digest,
            entry.c.counted,
        ).join(
            entry,
            and_(entry.c.passbook == service_record.c.passbook, entry.c.number == service_record.c.original),
        )
        if since is not None:
            versions = versions.join(
                brought,
                and_(
                    brought.c.passbook == service_record.c.passbook,
                    brought.c.number == service_record.c.entry,
                    brought.c.effective_on >= since.isoformat(),
                    brought.c.effective_on <= until.isoformat(),
                ),
            )
        found = connection.execute(versions.where(of_records))
        for id, version, first, content, supplied, seconds, points, digest, counted in found:
            if not content:
                continue  # withdrawn
            for row in later.get((id, first), ()):
                seconds += row.seconds
                points += row.points
                digest, counted = row.policy_digest, row.counted
            record, facts = record_from(bytes(content)), facts_from(bytes(supplied))
            helds.append(Held(record, facts, first, seconds, points, digest, bool(counted), version))
    return helds
