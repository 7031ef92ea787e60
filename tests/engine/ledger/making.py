"""Small records and bookings for the tests of the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from lianxing.engine.ledger.opening import Ledger
from lianxing.engine.ledger.writing import Booking
from lianxing.rules.assessments import Entry
from lianxing.rules.facts import CountyId, FactValue, RecordId, RegistryId, VolunteerId
from lianxing.rules.records import ServiceRecord

REGISTRY = RegistryId("zhiyuanhui")
COUNTY = CountyId("youxian")
POLICY = "p" * 64
NOON = 1_735_704_000  # 2025-01-01 12:00 in Beijing

VOLUNTEER = VolunteerId("V1")


def record(
    name: str,
    volunteer: str = "V1",
    county: str = COUNTY,
    started_at: int = NOON,
    facts: Mapping[str, FactValue] | None = None,
) -> ServiceRecord:
    return ServiceRecord(
        id=RecordId(name),
        registry=REGISTRY,
        volunteer=VolunteerId(volunteer),
        county=CountyId(county),
        started_at=started_at,
        ended_at=started_at + 7_200,
        day=date(2025, 1, 1),
        seconds=7_200,
        facts={"category": "tutoring"} if facts is None else facts,
    )


def original(of: ServiceRecord, seconds: int = 7_200, points: int = 600) -> Booking:
    return Booking("original", of, seconds, points, POLICY, b'{"why":"2 h x 3"}', {})


def adjusting(of: ServiceRecord, entry: int, seconds: int, points: int) -> Booking:
    return Booking("adjusting", of, seconds, points, POLICY, b'{"why":"late record"}', {}, entry)


def book(ledger: Ledger, *bookings: Booking) -> list[Entry]:
    """Book in one transaction, the policy saved first."""
    with ledger.writing() as writing:
        writing.save_policy(POLICY, COUNTY, "攸县", b"stars: {}")
        return writing.book(bookings)
