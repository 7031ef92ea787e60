"""A ledger of the first schema is brought over whole, or not at all. `schema_0001.sql` was written by that version."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import orjson
import pytest

from lianxing.engine.ledger.contents import content_hash
from lianxing.engine.ledger.errors import AddressError
from lianxing.engine.ledger.migrating import SCHEMA_VERSIONS
from lianxing.engine.ledger.opening import Ledger, open_ledger, schema_version
from lianxing.engine.ledger.tables import metadata
from lianxing.engine.ledger.verifying import verify
from lianxing.rules.facts import CountyId, VolunteerId
from lianxing.rules.records import Volunteer
from tests.engine.ledger.dying import EVERY
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
)
from tests.engine.ledger.test_crashing import child

OLD = Path(__file__).with_name("schema_0001.sql").read_text("utf-8")
ELDER = VolunteerId("志愿者")


def make_old(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(OLD)
    connection.close()


@pytest.fixture
def old(path: Path) -> Path:
    make_old(path)
    return path


@pytest.fixture
def brought(old: Path) -> Iterator[Ledger]:
    with open_ledger(str(old), clock=lambda: 1_750_000_000) as ledger:
        yield ledger


def test_the_old_ledger_is_one_of_the_first_schema(old: Path) -> None:
    connection = sqlite3.connect(old)
    assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)
    assert connection.execute("SELECT count(*) FROM entry").fetchone() == (8,)
    connection.close()


def test_opening_brings_it_to_the_newest_schema_and_everything_holds(brought: Ledger) -> None:
    assert schema_version(brought) == SCHEMA_VERSIONS[-1]
    assert verify(brought) == []
    with brought.reading() as reading:
        assert reading.counts() == {
            "volunteers": 3,
            "records": 5,
            "entries": 8 + 3,  # and what was kept of three people
            "postings": 24,
            "policies": 2,
            "import_runs": 1,
        }


def test_a_migrated_ledger_has_the_tables_of_a_new_one(brought: Ledger, tmp_path: Path) -> None:
    query = (
        "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name <> 'alembic_version' ORDER BY type, name"
    )
    with open_ledger(str(tmp_path / "new.db")) as new, new._transaction(writing=False) as connection:
        expected = connection.exec_driver_sql(query).all()
    with brought._transaction(writing=False) as connection:
        assert connection.exec_driver_sql(query).all() == expected
    assert {name for name, _ in expected} >= set(metadata.tables)


def test_entries_come_over_in_their_order_numbered_in_each_passbook(brought: Ledger) -> None:
    with brought.reading() as reading:
        of = {
            (person, county): [
                (each.entry.id, each.entry.kind, each.entry.record, each.entry.seconds, each.entry.points)
                for each in reading.passbook_entries(person, county)
            ]
            for person in (VOLUNTEER, ELDER)
            for county in (COUNTY, WULING)
        }
        stored = reading.passbook_entries(VOLUNTEER, COUNTY)
    assert of == {
        (VOLUNTEER, COUNTY): [
            (1, "original", "r1", 7_200, 600),
            (2, "original", "r2", 7_200, 600),
            (3, "adjusting", "r1", -3_600, -300),
            (4, "original", "r3", 0, 0),
            (5, "adjusting", "r1", 3_600, 250),
        ],
        (VOLUNTEER, WULING): [(1, "original", "w1", 7_200, 0)],
        (ELDER, COUNTY): [(1, "original", "s1", 7_200, 600), (2, "adjusting", "s1", 0, -600)],
        (ELDER, WULING): [],
    }
    assert [each.entry.adjusts for each in stored] == [None, None, 1, None, 1]
    assert [each.entry.counted for each in stored] == [True, True, True, False, True]
    assert [each.entry.policy_digest[0] for each in stored] == ["p", "p", "q", "p", "p"]
    assert [each.body for each in stored[:3]] == [b'{"why":"2 h x 3"}'] * 2 + [b'{"why":"late record"}']
    # The clock had been set back before the last one: an entry is not recorded before the one ahead of it.
    assert [each.entry.recorded_at for each in stored] == [1_740_000_000] * 2 + [1_740_000_100] * 3


def test_balances_and_records_come_over(brought: Ledger) -> None:
    with brought.reading() as reading:
        assert reading.balances(VOLUNTEER, COUNTY) == {"seconds": 14_400, "points": 1_150}
        assert reading.balances(VOLUNTEER, WULING) == {"seconds": 7_200, "points": 0}
        assert reading.balances(ELDER, COUNTY) == {"seconds": 7_200, "points": 0}
        r1, r3, r2 = reading.histories(COUNTY, [VOLUNTEER])[VOLUNTEER]
        assert (r1.record, r1.entry, r1.version, r1.seconds, r1.points) == (record("r1"), 1, 1, 7_200, 550)
        assert (r2.record, r2.entry) == (record("r2", started_at=NOON + 10), 2)
        assert (r3.record, r3.counted) == (record("r3"), False)
        (w1,) = reading.histories(WULING, [VOLUNTEER])[VOLUNTEER]
        assert w1.record == record("w1", county="wuling", facts={"类别": "敬老", "people": 2})
        assert w1.supplied == {"typhoon": 1, "level": "橙色"}
        assert reading.content_hashes(REGISTRY, ["r1"]) == {"r1": content_hash(record("r1"))}  # type: ignore[list-item]


def test_policies_come_over(brought: Ledger) -> None:
    with brought.reading() as reading:
        found = reading.policy(POLICY)
        later = reading.policy("q" * 64)
    assert found is not None
    assert later is not None
    assert (found.county, found.title, found.first_used_at, found.content) == (
        COUNTY,
        "攸县",
        1_740_000_000,
        b"stars: {}",
    )
    assert (later.title, later.first_used_at, later.content) == ("later", 1_740_000_100, b"stars: {levels: []}")


def test_people_come_over_with_an_entry_in_their_own_file(brought: Ledger) -> None:
    with brought.reading() as reading:
        assert reading.volunteers() == {
            VOLUNTEER: Volunteer(VOLUNTEER, date(2020, 1, 2), date(1950, 3, 4), {"political_status": "01"}),
            ELDER: Volunteer(ELDER),
            VolunteerId("V9"): Volunteer(VolunteerId("V9"), facts={"enabled": 1}),
        }
        (entry,) = reading.passbook_entries(VOLUNTEER, CountyId(""))
    assert (entry.entry.kind, entry.entry.recorded_at) == ("registered", 1_740_000_100)
    assert entry.entry.effective_on == date(2025, 2, 19)
    assert orjson.loads(entry.body)["born_on"] == "1950-03-04"


def test_the_ledger_goes_on_where_the_old_one_ended(brought: Ledger) -> None:
    (entry, adjusted, new) = book(
        brought,
        original(record("r9")),
        adjusting(record("r2", started_at=NOON + 10), 2, 0, -100),
        original(record("x", "V8")),
    )
    assert (entry.id, adjusted.id, new.id) == (6, 7, 1)
    with brought.writing() as writing:
        assert writing.save_volunteers([Volunteer(ELDER)]) == 0
        assert writing.save_volunteers([Volunteer(ELDER, facts={"enabled": 0})]) == 1
        assert writing.save_import_run(COUNTY, "b.csv", b"{}") == 2
    assert verify(brought) == []


def test_an_old_ledger_that_holds_nothing_is_brought_over_too(path: Path) -> None:
    make_old(path)
    connection = sqlite3.connect(path)
    for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    for table in ("import_run", "service_record", "posting", "entry", "balance", "account", "volunteer", "policy"):
        connection.execute(f"DELETE FROM {table}")
    connection.commit()
    connection.close()
    with open_ledger(str(path)) as ledger:
        assert verify(ledger) == []
        with ledger.reading() as reading:
            assert set(reading.counts().values()) == {0}


def test_an_old_ledger_is_brought_over_where_none_was_to_be_made(old: Path) -> None:
    open_ledger(str(old), create=False).close()
    with pytest.raises(AddressError):
        open_ledger(str(old.with_name("absent.db")), create=False)


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL and fork are POSIX")
def test_killed_at_any_statement_the_old_ledger_is_there_or_the_new_one(old: Path) -> None:
    said, _ = child("everywhere", str(old), "bring").communicate()
    *died, left = said.splitlines()
    assert len(died) >= 100 // EVERY
    assert set(died) == {"died with the old ledger, then 5 records, 0 violations"}
    assert left == "left with the new ledger, then 5 records, 0 violations"


def test_a_ledger_without_the_way_from_an_entry_to_its_lots_gets_it(path: Path) -> None:
    open_ledger(str(path)).close()
    connection = sqlite3.connect(path)
    connection.executescript("DROP INDEX lot_of_entry; UPDATE alembic_version SET version_num = '0002'")
    connection.close()
    with open_ledger(str(path)) as ledger:
        assert schema_version(ledger) == SCHEMA_VERSIONS[-1]
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT name FROM sqlite_schema WHERE name = 'lot_of_entry'").fetchone()
    connection.close()


def test_what_an_entry_seals_is_found_without_looking_through_the_passbook() -> None:
    """Or each entry would cost the more, the more the person has: SQLite looks for children of what is written."""
    for table in metadata.tables.values():
        for reference in table.foreign_key_constraints:
            if reference.referred_table.name != "entry":
                continue
            ways = [[column.name for column in index.columns] for index in table.indexes]
            ways.append([column.name for column in table.primary_key.columns])
            assert any(way[:2] == ["passbook", "entry"] for way in ways), table.name
