"""Bookings per second, beside what the disk and the driver can do bare, all in one run.

python benchmarks/ledger.py [RECORDS] [--database sqlite|postgresql|postgresql://host/an-empty-database]
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from lianxing.engine.bank.replaying import replay
from lianxing.engine.compiling import find_folder, load_policy
from lianxing.engine.ledger.opening import Ledger, open_ledger
from lianxing.engine.ledger.postgres import is_address
from lianxing.engine.ledger.sqlite import sqlite_version_in_use
from lianxing.engine.ledger.verifying import verify
from lianxing.engine.ledger.writing import Booking
from lianxing.engine.matchers import matcher_factory
from lianxing.engine.rulebook import Rulebook
from lianxing.plugins.cli.commands.demo import COUNTY as DEMO_COUNTY
from lianxing.plugins.cli.commands.demo import ON
from lianxing.plugins.cli.finding import mapping_named
from lianxing.plugins.host import Host
from lianxing.plugins.intake import Intake
from lianxing.plugins.registries.files import FileRegistry
from lianxing.rules.facts import CountyId, RecordId, RegistryId, VolunteerId
from lianxing.rules.records import ServiceRecord

BATCH = 1_000
DEMO = Path(__file__).resolve().parents[1] / "plugins" / "demo"
VOLUNTEERS = 3_000
POLICY = "0" * 64
COUNTY = CountyId("cn/hunan/zhuzhou/youxian")
# As long as the assessment of a record with four workings.
BODY = (
    b'{"workings":[' + b",".join([b'{"clause":"emergency_response","part":0,"before":"0","after":"600"}'] * 4) + b"]}"
)


def booking(number: int) -> Booking:
    """One record of about 600 bytes; its person is drawn so that neighbours in time are not neighbours in the file."""
    started_at = 1_700_000_000 + number * 60
    record = ServiceRecord(
        id=RecordId(f"ZYH{number:013d}"),
        registry=RegistryId("zhiyuanhui"),
        volunteer=VolunteerId(f"V{number * 7_919 % VOLUNTEERS:010d}"),
        county=COUNTY,
        started_at=started_at,
        ended_at=started_at + 7_200,
        day=date(2025, 1, 1),
        seconds=7_200,
        activity=f"A{number % 500:06d}",
        organisation=f"O{number % 50:04d}",
        facts={
            "category": "emergency_response",
            "evaluation": "good",
            "state": "confirmed",
            "area": "430223",
            "people": 3,
        },
    )
    return Booking("original", record, 7_200, 600, POLICY, BODY, {})


def per_second(count: int, work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return count / (time.perf_counter() - began)


class Bare:
    """The driver alone: a table of four columns, committed durably."""

    def __init__(self, address: str) -> None:
        if is_address(address):
            self.connection: Any = importlib.import_module("psycopg").connect(address, autocommit=True)
            self.begin, self.mark = "BEGIN", "%s"
            self.connection.execute(
                "CREATE TABLE IF NOT EXISTS bare (id bigint, volunteer text, amount bigint, body bytea)"
            )
        else:
            self.connection = importlib.import_module(sqlite_version_in_use().driver).connect(
                f"{address}.bare", isolation_level=None
            )
            self.begin, self.mark = "BEGIN IMMEDIATE", "?"
            self.connection.execute("PRAGMA journal_mode = WAL")
            self.connection.execute("PRAGMA synchronous = FULL")
            self.connection.execute(
                "CREATE TABLE IF NOT EXISTS bare (id INTEGER PRIMARY KEY, volunteer TEXT, amount INTEGER, body BLOB)"
            )
        self.connection.execute("DELETE FROM bare")
        self.statement = f"INSERT INTO bare VALUES ({', '.join([self.mark] * 4)})"

    def commits(self, count: int) -> float:
        def commit_each() -> None:
            for number in range(count):
                self.connection.execute(self.begin)
                self.connection.execute(self.statement, (-number - 1, "V1", 600, b""))
                self.connection.execute("COMMIT")

        return per_second(count, commit_each)

    def rows(self, count: int) -> float:
        def insert_all() -> None:
            for start in range(0, count, BATCH):
                self.connection.execute(self.begin)
                rows = [(number, f"V{number}", 600, BODY) for number in range(start, start + BATCH)]
                self.connection.cursor().executemany(self.statement, rows)
                self.connection.execute("COMMIT")

        return per_second(count, insert_all)

    def close(self) -> None:
        self.connection.execute("DROP TABLE bare")
        self.connection.close()


def size_of(address: str, ledger: Ledger) -> int:
    if not is_address(address):
        return Path(address).stat().st_size
    with ledger.reading() as reading:
        found: int = reading._connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one()
    return found


def decided_again() -> float:
    """Records of the demonstration that are decided again in a second, with what they put into accounts."""
    shelf = Host(installed=False).shelf()
    policy = load_policy(find_folder(DEMO_COUNTY, shelf), shelf)
    mapping = mapping_named(str(DEMO / "mapping.yaml"), dict(policy.facts))
    files = (DEMO / "records.csv",), (DEMO / "volunteers.xlsx",)
    host = Host(installed=False)
    host.register(FileRegistry(*files, mapping, policy.facts, policy.county.id, policy.county.region, ON), "files")
    with (
        tempfile.TemporaryDirectory() as room,
        open_ledger(f"{room}/demo.db") as ledger,
        Rulebook(policy, matcher_factory()) as rulebook,
    ):
        booked = Intake(host, rulebook, ledger, "files", ON, lambda _row: None).run().booked
        return per_second(booked, lambda: replay(ledger, [rulebook]).differences == [] or sys.exit("it differs"))


def measure(address: str, records: int) -> None:
    bookings = [booking(number) for number in range(records)]
    bare = Bare(address)
    commits = bare.commits(2_000)
    print(f"bare one-row durable commits         {commits:10,.0f} /s")
    rows = bare.rows(records)
    print(f"bare executemany, {BATCH} rows a commit   {rows:10,.0f} rows/s")
    bare.close()
    with open_ledger(address) as ledger:
        with ledger.writing() as writing:
            writing.save_policy(POLICY, COUNTY, "", b"")

        def one_by_one() -> None:
            for each in bookings[:BATCH]:
                with ledger.writing() as writing:
                    writing.book([each])

        def in_batches() -> None:
            for start in range(BATCH, records, BATCH):
                with ledger.writing() as writing:
                    writing.book(bookings[start : start + BATCH])

        single = per_second(BATCH, one_by_one)
        print(f"booked one by one                    {single:10,.0f} records/s   {single / commits:.2f} x bare")
        batched = per_second(records - BATCH, in_batches)
        print(
            f"booked {BATCH} a commit                 {batched:10,.0f} records/s   "
            f"{batched / rows:.3f} x bare rows; a record is 7 rows and 2 balances"
        )
        with ledger.reading() as reading:
            ids = reading.volunteer_ids(COUNTY)
            refold = per_second(records, lambda: reading.histories(COUNTY, ids))
            print(f"histories read back                  {refold:10,.0f} records/s")
        proof = per_second(records, lambda: verify(ledger) == [] or sys.exit("the ledger does not hold"))
        print(f"verified                             {proof:10,.0f} records/s")
        print(f"decided again, the demonstration     {decided_again():10,.0f} records/s")
        print(f"size                                 {size_of(address, ledger) / records:10,.0f} bytes/record")


@contextmanager
def made(database: str) -> Iterator[str]:
    """Give the address of an empty database."""
    if is_address(database):
        yield database
    elif database == "postgresql":
        from tests.postgres import server

        found = server(durable=True, own=True) or sys.exit("no PostgreSQL here")
        try:
            with found.fresh() as url:
                yield url
        finally:
            found.close()
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield str(Path(folder) / "ledger.db")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("records", nargs="?", type=int, default=40_000)
    parser.add_argument("--database", default="sqlite", help="sqlite, postgresql (a server of its own), or an address")
    asked = parser.parse_args()
    version = sqlite_version_in_use()
    used = f"{version.driver}, SQLite {version.version}" if asked.database == "sqlite" else "PostgreSQL"
    print(f"{used}; {asked.records} records, {VOLUNTEERS} volunteers")
    with made(asked.database) as address:
        measure(address, asked.records)


if __name__ == "__main__":
    main()
