"""Small records and bookings for the tests of the ledger."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import date

from lianxing.engine.ledger.drafts import (
    Booking,
    Draft,
    Key,
    Line,
    LotLine,
    NewHold,
    NewLot,
    NewRedemption,
    Taking,
    WalletRow,
)
from lianxing.engine.ledger.opening import Ledger
from lianxing.rules.assessments import Entry
from lianxing.rules.facts import CountyId, FactValue, RecordId, RegistryId, VolunteerId
from lianxing.rules.records import ServiceRecord, Volunteer

REGISTRY = RegistryId("zhiyuanhui")
COUNTY = CountyId("youxian")
WULING = CountyId("wuling")
POLICY, OTHER_POLICY = "p" * 64, "w" * 64
NOON = 1_735_704_000  # 2025-01-01 12:00 in Beijing

VOLUNTEER, SECOND = VolunteerId("V1"), VolunteerId("V2")
UNTIL = date(2025, 6, 1)


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


def correcting(of: ServiceRecord, entry: int, supersedes: int, seconds: int, points: int) -> Booking:
    return Booking(
        "corrected",
        of,
        seconds,
        points,
        POLICY,
        b'{"why":"corrected"}',
        {},
        entry,
        supersedes=supersedes,
        reason="typo",
    )


def withdrawing(of: ServiceRecord, entry: int, supersedes: int, seconds: int, points: int) -> Booking:
    return Booking(
        "withdrawn", of, seconds, points, POLICY, b"{}", {}, entry, counted=False, supersedes=supersedes, actor="clerk"
    )


def with_wallet(booking: Booking, lot: int, amount: int) -> Booking:
    """The booking also puts an amount into the wallet, as a lot of its own."""
    return dataclasses.replace(
        booking,
        lines=(Line("wallet", "points", amount), Line("issued", "points", -amount, own=False)),
        opened=(NewLot("wallet", lot, date(2025, 1, 1), date(2026, 12, 31), booking.record.id, amount),),
        lots=(LotLine("wallet", lot, amount),),
        floors=(("wallet", "points", 0),),
        wallets=(WalletRow("wallet", 0, lot, "[]"),),
    )


def holding(volunteer: VolunteerId, lot: int, amount: int, units: int = 1, key: str = "", most: int = 10) -> Draft:
    """An amount of the wallet is reserved for rice."""
    return Draft(
        kind="held",
        volunteer=volunteer,
        county=COUNTY,
        effective_on=date(2025, 3, 1),
        policy_digest=POLICY,
        body=b'{"offer":"rice"}',
        lines=(Line("wallet", "points", -amount), Line("wallet/held", "points", amount)),
        lots=(LotLine("wallet", lot, -amount),),
        hold=NewHold("wallet", amount, UNTIL),
        redemption=NewRedemption(date(2025, 3, 1), "rice", "shop", units, amount, 0),
        takes=(Taking("rice", units, most),),
        key=Key("counter", key, "a" * 64) if key else None,
    )


def settling(volunteer: VolunteerId, hold: int, amount: int, key: str = "") -> Draft:
    return Draft(
        kind="settled",
        volunteer=volunteer,
        county=COUNTY,
        effective_on=date(2025, 3, 2),
        policy_digest=POLICY,
        body=b"{}",
        actor="counter",
        lines=(Line("wallet/held", "points", -amount), Line("redeemed", "points", amount, own=False)),
        ends=hold,
        key=Key("counter", key, "b" * 64) if key else None,
    )


def releasing(volunteer: VolunteerId, hold: int, lot: int, amount: int, units: int = 1) -> Draft:
    return Draft(
        kind="released",
        volunteer=volunteer,
        county=COUNTY,
        effective_on=date(2025, 3, 3),
        policy_digest=POLICY,
        body=b"{}",
        reason="changed their mind",
        lines=(Line("wallet/held", "points", -amount), Line("wallet", "points", amount)),
        lots=(LotLine("wallet", lot, amount),),
        takes=(Taking("rice", -units, None),),
        ends=hold,
        returns=hold,
    )


def closing(volunteer: VolunteerId, county: CountyId, digest: str) -> Draft:
    return Draft("closed", volunteer, county, date(2025, 5, 1), digest, b"{}", reason="moved away")


def furnish(ledger: Ledger) -> None:
    """Rows in every table, and more than one wherever two could be exchanged.

    V1 in youxian: 1 r1, 2 r2, 3 r3 (refused), 4 r4, 5 r1 adjusted, 6 r2 corrected, 7 r4 withdrawn, 8 a hold that is
    settled in 9, 10 a hold that is released in 12, 11 an open one of the same amount, 13 another open one.
    V2 in youxian: 1 s1, 2 a hold, open. V1 in wuling: 1 w1. V2 in wuling: 1 w2, 2 closed. In the people's own files:
    two entries of V1, one of V2.
    """
    person = Volunteer(VOLUNTEER, date(2020, 1, 2), date(1950, 3, 4), {"political_status": "01"})
    r1, r2, r3, r4 = (record(name) for name in ("r1", "r2", "r3", "r4"))
    with ledger.writing() as writing:
        writing.save_policy(POLICY, COUNTY, "攸县", b"stars: {}")
        writing.save_policy(OTHER_POLICY, WULING, "武陵", b"stars: {}")
        writing.save_volunteers([person, Volunteer(SECOND)])
        writing.save_volunteers([dataclasses.replace(person, facts={"political_status": "02"})])
        writing.book(
            [
                with_wallet(original(r1), 1, 600),
                with_wallet(dataclasses.replace(original(r2), supplied={"typhoon": 1}), 2, 500),
                dataclasses.replace(original(r3, 0, 0), counted=False),
                original(r4),
                with_wallet(original(record("s1", volunteer="V2")), 1, 400),
                dataclasses.replace(original(record("w1", county=WULING)), policy_digest=OTHER_POLICY),
                dataclasses.replace(original(record("w2", "V2", county=WULING), 60, 0), policy_digest=OTHER_POLICY),
            ]
        )
        writing.save_import_run(COUNTY, "a.csv", b'{"rows":5}')
    with ledger.writing() as writing:
        writing.book([adjusting(r1, 1, -600, -50)])
        writing.book([correcting(dataclasses.replace(r2, seconds=3_600), 2, 2, -3_600, -300)])
        writing.book([withdrawing(r4, 4, 4, -7_200, -600)])
        writing.save_fold_states(COUNTY, POLICY, [(VOLUNTEER, b"{}")])
        writing.save_fold_marks(COUNTY, POLICY, [(VOLUNTEER, date(2024, 12, 31), b"{}")])
    with ledger.writing() as writing:
        writing.enter([holding(VOLUNTEER, 1, 100, key="k1"), settling(VOLUNTEER, 8, 100, key="k2")])
        writing.enter([holding(VOLUNTEER, 1, 50), holding(VOLUNTEER, 1, 50), releasing(VOLUNTEER, 10, 1, 50)])
        ending = dataclasses.replace(holding(VOLUNTEER, 2, 70), ended=(("wallet", 2),))
        writing.enter([ending, holding(SECOND, 1, 70, key="k3")])
        writing.enter([closing(SECOND, WULING, OTHER_POLICY)])
