"""What was redeemed in a county, with what became of it: from which merchants are paid. Nobody's name is in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, and_, or_, select

from lianxing.engine.ledger.tables import entry, hold, passbook, redemption
from lianxing.rules.facts import CountyId


@dataclass(frozen=True, slots=True)
class Payout:
    """Something that was had: the entry that gave it (kind, day, policy, JSON), the one that ended its hold, the one
    that gave it back; '' and None where there is none. `paid` is in the account's unit, `until` the last day of the
    hold.
    """

    kind: str
    on: date
    digest: str
    body: bytes
    offer: str
    merchant: str
    units: int
    paid: int
    cash: int
    until: date | None
    ended: str
    ended_on: date | None
    ended_body: bytes
    returned: str
    returned_on: date | None


def payouts(
    connection: Connection, county: CountyId, since: date, until: date, seen: dict[int, None]
) -> Iterator[Payout]:
    """Yield whatever was had, settled or given back in a period, or was reserved at its end; note whose was seen."""
    ended, returned = entry.alias("ended"), entry.alias("returned")
    first, last = since.isoformat(), until.isoformat()
    rows = connection.execute(
        select(
            redemption.c.passbook,
            entry.c.kind,
            entry.c.effective_on,
            entry.c.policy_digest,
            entry.c.body,
            redemption.c.offer,
            redemption.c.merchant,
            redemption.c.units,
            redemption.c.paid,
            redemption.c.cash,
            hold.c.until,
            ended.c.kind.label("ended"),
            ended.c.effective_on.label("ended_on"),
            ended.c.body.label("ended_body"),
            returned.c.kind.label("returned"),
            returned.c.effective_on.label("returned_on"),
        )
        .select_from(redemption)
        .join(passbook, passbook.c.id == redemption.c.passbook)
        .join(entry, and_(entry.c.passbook == redemption.c.passbook, entry.c.number == redemption.c.entry))
        .outerjoin(hold, and_(hold.c.passbook == redemption.c.passbook, hold.c.entry == redemption.c.entry))
        .outerjoin(ended, and_(ended.c.passbook == hold.c.passbook, ended.c.number == hold.c.ended_by))
        .outerjoin(
            returned,
            and_(returned.c.passbook == redemption.c.passbook, returned.c.number == redemption.c.returned_by),
        )
        .where(
            passbook.c.county == county,
            or_(
                entry.c.effective_on.between(first, last),
                ended.c.effective_on >= first,
                returned.c.effective_on.between(first, last),
                and_(entry.c.kind == "held", hold.c.ended_by.is_(None), entry.c.effective_on <= last),
            ),
        )
        .order_by(redemption.c.passbook, redemption.c.entry)
    )
    for row in rows:
        seen[row.passbook] = None
        yield Payout(
            row.kind,
            date.fromisoformat(row.effective_on),
            row.policy_digest or "",
            bytes(row.body),
            row.offer,
            row.merchant,
            row.units,
            row.paid,
            row.cash,
            _day(row.until),
            row.ended or "",
            _day(row.ended_on),
            bytes(row.ended_body or b""),
            row.returned or "",
            _day(row.returned_on),
        )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
