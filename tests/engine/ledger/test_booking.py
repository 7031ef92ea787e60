"""Booking and reading back: what a ledger keeps, what it refuses, what a reader sees."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import orjson
import pytest

from lianxing.engine.ledger.contents import content_hash, content_of, record_from
from lianxing.engine.ledger.errors import AlreadyBookedError, InvalidError, RefusedError
from lianxing.engine.ledger.opening import Ledger, open_ledger
from lianxing.engine.ledger.reading import PASSBOOKS_AT_ONCE
from lianxing.engine.ledger.verifying import verify
from lianxing.engine.ledger.writing import Booking
from lianxing.rules.assessments import Posting
from lianxing.rules.facts import CountyId, RecordId, RegistryId, VolunteerId
from lianxing.rules.records import ServiceRecord, Volunteer
from tests.engine.ledger.making import (
    COUNTY,
    NOON,
    POLICY,
    REGISTRY,
    VOLUNTEER,
    WULING,
    adjusting,
    book,
    original,
    record,
    with_wallet,
)

R1, R2 = record("r1"), record("r2", started_at=NOON + 10)


def balances(ledger: Ledger) -> dict[str, int]:
    with ledger.reading() as reading:
        return reading.balances(VOLUNTEER, COUNTY)


def test_a_booking_is_an_entry_with_postings_that_add_up_to_zero(ledger: Ledger) -> None:
    (entry,) = book(ledger, original(R1))
    assert (entry.id, entry.kind, entry.recorded_at, entry.effective_on) == (
        1,
        "original",
        1_750_000_000,
        date(2025, 1, 1),
    )
    with ledger.reading() as reading:
        (stored,) = reading.entries(REGISTRY, R1.id)
    assert stored.entry == entry
    assert stored.body == b'{"why":"2 h x 3"}'
    assert stored.postings == (
        Posting("earned/youxian/V1", "seconds", 7_200),
        Posting("issued/youxian", "seconds", -7_200),
        Posting("earned/youxian/V1", "points", 600),
        Posting("issued/youxian", "points", -600),
    )
    assert balances(ledger) == {"points": 600, "seconds": 7_200}


def test_a_refused_record_has_an_entry_without_postings(ledger: Ledger) -> None:
    book(ledger, original(R1, 0, 0))
    with ledger.reading() as reading:
        assert [stored.postings for stored in reading.entries(REGISTRY, R1.id)] == [()]
        assert reading.counts()["postings"] == 0
    assert balances(ledger) == {"points": 0, "seconds": 0}
    assert verify(ledger) == []


def test_a_record_is_booked_once_and_the_database_sees_to_it(ledger: Ledger) -> None:
    book(ledger, original(R1))
    with pytest.raises(AlreadyBookedError, match="zhiyuanhui/r1: the record is booked already"):
        book(ledger, original(R2), original(R1))
    assert balances(ledger) == {"points": 600, "seconds": 7_200}
    with pytest.raises(AlreadyBookedError, match="zhiyuanhui/r2"):
        book(ledger, original(R2), original(R2))


def test_the_same_record_under_another_volunteer_or_county_is_refused_too(ledger: Ledger) -> None:
    book(ledger, original(R1))
    for other in (record("r1", volunteer="V2"), record("r1", county="wuling")):
        with pytest.raises(AlreadyBookedError):
            book(ledger, original(other))


def test_the_same_number_in_another_registry_is_another_record(ledger: Ledger) -> None:
    elsewhere = dataclasses.replace(R1, registry=RegistryId("guangming"))
    book(ledger, original(R1), original(elsewhere, points=1))
    with ledger.reading() as reading:
        assert [held.record.registry for held in reading.held(R1.id)] == ["guangming", "zhiyuanhui"]
        assert [held.points for held in reading.held(R1.id, REGISTRY)] == [600]
        assert reading.content_hashes(REGISTRY, [R1.id, R2.id]) == {R1.id: content_hash(R1)}


def test_a_refused_call_leaves_the_rest_of_the_transaction_whole(ledger: Ledger) -> None:
    book(ledger, original(R1))
    with ledger.writing() as writing:
        writing.book([original(record("a"))])
        with pytest.raises(AlreadyBookedError):
            writing.book([original(record("b")), original(R1)])
        (entry,) = writing.book([original(record("c"), points=100)])
        assert entry.id == 3  # r1 and a before it; what was refused has no number
        assert writing.balances(VOLUNTEER, COUNTY)["points"] == 1_300
    assert verify(ledger) == []


def test_an_error_in_the_block_keeps_nothing(ledger: Ledger) -> None:
    def interrupted() -> None:
        with ledger.writing() as writing:
            writing.save_policy(POLICY, COUNTY, "", b"")
            writing.book([original(R1)])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with ledger.reading() as reading:
        assert set(reading.counts().values()) == {0}


def test_an_adjusting_entry_changes_the_balance_and_names_the_original(ledger: Ledger) -> None:
    (first,) = book(ledger, original(R1))
    (second,) = book(ledger, adjusting(R1, first.id, -3_600, -300))
    assert second.adjusts == first.id
    assert balances(ledger) == {"points": 300, "seconds": 3_600}
    with ledger.reading() as reading:
        (held,) = reading.held(R1.id)
        assert (held.entry, held.seconds, held.points) == (first.id, 3_600, 300)
        assert [stored.entry.kind for stored in reading.entries(REGISTRY, R1.id)] == ["original", "adjusting"]
    assert verify(ledger) == []


def test_a_history_carries_the_digest_of_the_newest_entry(ledger: Ledger) -> None:
    (first,) = book(ledger, original(R1))
    with ledger.writing() as writing:
        writing.save_policy("q" * 64, COUNTY, "", b"later")
        writing.book([dataclasses.replace(adjusting(R1, first.id, 0, 0), policy_digest="q" * 64)])
    with ledger.reading() as reading:
        assert [held.policy_digest for held in reading.histories(COUNTY, [VOLUNTEER])[VOLUNTEER]] == ["q" * 64]


@pytest.mark.parametrize("entry", [0, 2, 3, 99, -1])
def test_only_the_original_of_the_same_record_is_adjusted(ledger: Ledger, entry: int) -> None:
    book(ledger, original(R1), original(R2))
    book(ledger, adjusting(R1, 1, 0, -100))
    with pytest.raises(RefusedError, match=f"entry {entry} is not the original entry of this record"):
        book(ledger, adjusting(R1, entry, 0, -100))


def test_a_changed_record_does_not_adjust_what_was_kept(ledger: Ledger) -> None:
    book(ledger, original(R1))
    with pytest.raises(RefusedError, match="differs from the one that the ledger keeps"):
        book(ledger, adjusting(dataclasses.replace(R1, seconds=60), 1, 0, -100))


def test_nothing_is_booked_under_a_policy_that_was_never_saved(ledger: Ledger) -> None:
    with pytest.raises(RefusedError, match="was never saved"), ledger.writing() as writing:
        writing.book([original(R1)])


def test_policies_of_one_second_keep_the_order_in_which_they_came(tmp_path: Path) -> None:
    noon = 1_700_000_000
    with open_ledger(str(tmp_path / "bank.db"), clock=lambda: noon) as ledger, ledger.writing() as writing:
        for digest in ("c", "a", "b"):
            writing.save_policy(digest, COUNTY, "", b'{"clauses":{"%s":{}}}' % digest.encode())
        writing.save_policy("elsewhere", WULING, "", b"{}")
        assert [writing.clauses_until(digest) for digest in ("c", "a", "b")] == [{"c"}, {"c", "a"}, {"c", "a", "b"}]
        kept = writing.policy("elsewhere")
        assert kept is not None
        assert kept.first_used_at == noon


def test_a_policy_is_saved_once_and_never_changed(ledger: Ledger) -> None:
    with ledger.writing() as writing:
        assert writing.save_policy(POLICY, COUNTY, "攸县", b"a") is True
        assert writing.save_policy(POLICY, COUNTY, "攸县", b"a") is False
        with pytest.raises(RefusedError, match="another policy"):
            writing.save_policy(POLICY, COUNTY, "攸县", b"b")
    with ledger.reading() as reading:
        found = reading.policy(POLICY)
        assert found is not None
        assert (found.county, found.title, found.first_used_at, found.content) == (COUNTY, "攸县", 1_750_000_000, b"a")
        assert reading.policy("unknown") is None


def test_a_history_is_in_the_order_of_service(ledger: Ledger) -> None:
    names = ["r10", "r9", "early", "r1"]
    starts = {"early": NOON - 1}
    records = [record(name, started_at=starts.get(name, NOON)) for name in names]
    book(ledger, *(original(each) for each in records), original(record("elsewhere", county="wuling")))
    with ledger.reading() as reading:
        histories = reading.histories(COUNTY, [VOLUNTEER, VolunteerId("nobody")])
    assert [held.record.id for held in histories[VOLUNTEER]] == ["early", "r1", "r9", "r10"]
    assert [held.record for held in histories[VOLUNTEER]] == sorted(records, key=lambda each: each.order)
    assert histories[VolunteerId("nobody")] == []


@pytest.mark.parametrize("id", ['V"1', "V\\1", "{V,1}", "NULL", "%s", "编号 1", " ", "'"])
def test_whoever_has_a_strange_number_is_found_by_it(id: str, ledger: Ledger) -> None:
    owner = VolunteerId(id), COUNTY
    book(ledger, with_wallet(original(record("a", id)), 1, 600), original(R1))
    with ledger.writing() as writing:
        writing.lock([owner])
        assert writing.number(owner) == 1
    with ledger.reading() as reading:
        assert [lot.original for lot in reading.wallet_rows([owner])[owner].lots] == [600]
        assert reading.wallet_rows([(VolunteerId("V9"), COUNTY)]) == {}


def test_what_plugins_supplied_is_kept_with_the_record(ledger: Ledger) -> None:
    book(ledger, dataclasses.replace(original(R1), supplied={"typhoon": 1, "level": "橙色"}))
    with ledger.reading() as reading:
        assert reading.held(R1.id)[0].supplied == {"typhoon": 1, "level": "橙色"}


def test_volunteers_are_kept_as_the_registry_says_today(ledger: Ledger) -> None:
    first = Volunteer(VOLUNTEER, date(2020, 1, 2), date(1950, 3, 4), {"political_status": "01"})
    second = Volunteer(VolunteerId("V2"))
    with ledger.writing() as writing:
        assert writing.save_volunteers([first, second]) == 2
        assert writing.save_volunteers([first, second]) == 0
        changed = dataclasses.replace(first, facts={"political_status": "02"})
        assert writing.save_volunteers([changed, second]) == 1
    with ledger.reading() as reading:
        assert reading.volunteers() == {VOLUNTEER: changed, VolunteerId("V2"): second}
        assert reading.volunteers([VolunteerId("V2"), VolunteerId("nobody")]) == {VolunteerId("V2"): second}
        assert reading.volunteer_ids() == ["V1", "V2"]
        assert reading.volunteer_ids(COUNTY) == []
        file = reading.passbook_entries(VOLUNTEER, CountyId(""))
        assert [(each.entry.kind, each.entry.id, each.entry.recorded_at) for each in file] == [
            ("registered", 1, 1_750_000_000),
            ("registered", 2, 1_750_000_000),
        ]
        assert [orjson.loads(each.body)["facts"] for each in file] == [
            '{"political_status":"01"}',
            '{"political_status":"02"}',
        ]
        assert reading.counties() == []
    assert verify(ledger) == []


def test_the_reports_of_imports_are_numbered(ledger: Ledger) -> None:
    with ledger.writing() as writing:
        assert [writing.save_import_run(COUNTY, "a.csv", b"{}") for _ in range(2)] == [1, 2]
    with ledger.reading() as reading:
        assert reading.counts()["import_runs"] == 2


def test_all_entries_come_passbook_by_passbook_each_in_the_order_of_booking(ledger: Ledger) -> None:
    people = [f"V{number:03}" for number in range(PASSBOOKS_AT_ONCE * 2 + 5)]
    for round in range(3):
        book(ledger, *(original(record(f"{person}-{round}", person), points=round) for person in people))
    with ledger.reading() as reading:
        everything = list(reading.all_entries())
    assert [(stored.entry.volunteer, stored.entry.id) for stored in everything] == [
        (person, number) for person in people for number in (1, 2, 3)
    ]
    assert [len(stored.postings) for stored in everything[:3]] == [2, 4, 4]


def test_entries_are_numbered_in_each_passbook_and_carry_the_hash_of_their_chain(ledger: Ledger) -> None:
    entries = book(
        ledger, original(R1), original(record("s1", "V2")), original(record("w1", county="wuling")), original(R2)
    )
    assert [(entry.volunteer, entry.county, entry.id) for entry in entries] == [
        ("V1", "youxian", 1),
        ("V2", "youxian", 1),
        ("V1", "wuling", 1),
        ("V1", "youxian", 2),
    ]
    with ledger.reading() as reading:
        stored = reading.passbook_entries(VOLUNTEER, COUNTY)
        assert [each.entry.id for each in stored] == [1, 2]
        assert reading.passbook_entries(VOLUNTEER, COUNTY, after=1) == stored[1:]
        assert reading.passbook_entries(VOLUNTEER, COUNTY, limit=1) == stored[1:]
        assert reading.passbook_entries(VolunteerId("nobody"), COUNTY) == []
        assert reading.counties() == ["wuling", "youxian"]
    assert len({each.hash for each in stored}) == 2
    assert all(len(each.hash) == 32 for each in stored)


def test_a_clock_that_was_set_back_takes_no_entry_into_the_past(address: str) -> None:
    instants = [200, 100, 300]
    with open_ledger(address, clock=lambda: instants.pop(0)) as ledger:
        booked = [book(ledger, original(record(name)))[0].recorded_at for name in ("r1", "r2", "r3")]
        assert booked == [200, 200, 300]
        assert verify(ledger) == []


def test_a_reader_sees_what_was_there_when_it_began(ledger: Ledger, address: str) -> None:
    book(ledger, original(R1))
    with open_ledger(address) as other, other.reading() as before:
        book(ledger, original(R2))
        assert before.counts()["records"] == 1
        assert before.balances(VOLUNTEER, COUNTY)["points"] == 600
        with other.reading() as after:
            assert after.balances(VOLUNTEER, COUNTY)["points"] == 1_200


# --- values -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("amount", [1.0, True, "1", Fraction(1), None, 10**15 + 1, -(10**15) - 1])
@pytest.mark.parametrize("unit", ["seconds", "points"])
def test_an_amount_is_exactly_a_whole_number_within_bounds(ledger: Ledger, unit: str, amount: Any) -> None:
    with pytest.raises(InvalidError, match=f"zhiyuanhui/r1: {unit} "):
        book(ledger, dataclasses.replace(original(R1), **{unit: amount}))


def test_the_largest_amount_goes_in_and_a_balance_beyond_it_does_not(ledger: Ledger) -> None:
    book(ledger, original(R1, points=10**15))
    with pytest.raises(InvalidError, match="the balance of V1 goes out of range: 1000000000000001"):
        book(ledger, original(R2, points=1))
    book(ledger, original(R2, points=-(10**15)))
    assert balances(ledger)["points"] == 0
    assert verify(ledger) == []


@pytest.mark.parametrize(
    "change",
    [
        {"id": ""},
        {"volunteer": None},
        {"county": "a\0b"},
        {"id": "x" * 1_301},
        {"volunteer": "志" * 434},
        {"volunteer": "\ud800"},
        {"facts": None},
        {"organisation": 5},
        {"registry": 7},
        {"seconds": 7_200.0},
        {"started_at": True},
        {"ended_at": 2**63},
        {"timed": 1},
        {"day": "2025-01-01"},
        {"day": datetime(2025, 1, 1, tzinfo=UTC)},
        {"activity": "\ud800"},
        {"facts": {"": "a"}},
        {"facts": {"category": 1.5}},
        {"facts": {"category": True}},
        {"facts": {"category": None}},
    ],
)
def test_a_record_that_cannot_be_kept_exactly_is_refused(ledger: Ledger, change: dict[str, Any]) -> None:
    with pytest.raises(InvalidError):
        book(ledger, original(dataclasses.replace(R1, **change)))


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "other"},
        {"adjusts": 1},
        {"kind": "adjusting"},
        {"kind": "adjusting", "adjusts": 1.0},
        {"body": "text"},
        {"supplied": {"a": 1.5}},
        {"policy_digest": ""},
    ],
)
def test_a_booking_that_makes_no_sense_is_refused(ledger: Ledger, change: dict[str, Any]) -> None:
    with pytest.raises(InvalidError):
        book(ledger, dataclasses.replace(original(R1), **change))


def test_what_is_wrong_with_a_fact_of_a_person_is_told_without_the_fact(ledger: Ledger) -> None:
    for wrong in (13_800_000_000 * 10**9, 1.38, "13800000000\ud800"):
        person = Volunteer(VolunteerId("V9"), facts={"telephone": wrong})  # type: ignore[dict-item]
        with pytest.raises(InvalidError) as refused, ledger.writing() as writing:
            writing.save_volunteers([person])
        assert "138" not in str(refused.value)


def test_a_clock_that_gives_a_float_is_refused(address: str) -> None:
    with (
        open_ledger(address, clock=lambda: 1.5) as ledger,  # type: ignore[arg-type, return-value]
        pytest.raises(InvalidError, match="clock has the wrong type"),
        ledger.writing(),
    ):
        pass


# --- contents -----------------------------------------------------------------------------------------------------


def test_the_hash_of_a_record_is_fixed_for_ever() -> None:
    assert content_of(R1) == (
        b'{"county":"youxian","day":"2025-01-01","ended_at":1735711200,"facts":{"category":"tutoring"},"id":"r1",'
        b'"registry":"zhiyuanhui","seconds":7200,"started_at":1735704000,"volunteer":"V1"}'
    )
    assert content_hash(R1) == "467ee4e4f11974157879ecce4bd0e2e28519961594d720be06161ad941adc0b2"


def test_the_hash_does_not_depend_on_the_order_of_facts_and_tells_text_from_numbers() -> None:
    one = record("r", facts={"a": "1", "b": 2})
    assert content_hash(one) == content_hash(record("r", facts={"b": 2, "a": "1"}))
    assert content_hash(one) != content_hash(record("r", facts={"a": 1, "b": 2}))


def test_every_field_of_a_record_counts_and_comes_back() -> None:
    full = ServiceRecord(
        id=RecordId("r1"),
        registry=REGISTRY,
        volunteer=VOLUNTEER,
        county=CountyId("攸县"),
        started_at=-1,
        ended_at=2**63 - 1,
        day=date(1, 1, 1),
        seconds=0,
        timed=False,
        activity="清洁家园 🧹",
        organisation="联星",
        facts={"area": "430223", "people": -(2**63 - 1)},
        version=7,
    )
    assert record_from(content_of(full)) == full
    others = [
        dataclasses.replace(full, **{field.name: getattr(R2, field.name)})
        for field in dataclasses.fields(ServiceRecord)
        if getattr(R2, field.name) != getattr(full, field.name)
    ]
    assert (
        len(others) == len(dataclasses.fields(ServiceRecord)) - 4
    )  # the same registry and volunteer; where the registry has it is no part of it
    assert len({content_hash(other) for other in [full, *others]}) == len(others) + 1


def test_booking_nothing_is_nothing(ledger: Ledger) -> None:
    bookings: list[Booking] = []
    assert book(ledger, *bookings) == []
