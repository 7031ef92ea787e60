"""Bookings per second, beside what the disk and the driver can do bare, all in one run.

python benchmarks/ledger.py [RECORDS]
"""

from __future__ import annotations

import importlib
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from lianxing.engine.ledger.opening import open_ledger
from lianxing.engine.ledger.sqlite import sqlite_version_in_use
from lianxing.engine.ledger.verifying import verify
from lianxing.engine.ledger.writing import Booking
from lianxing.rules.facts import CountyId, RecordId, RegistryId, VolunteerId
from lianxing.rules.records import ServiceRecord

BATCH = 1_000
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


def bare_connection(path: Path) -> Any:
    connection = importlib.import_module(sqlite_version_in_use().driver).connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE row (id INTEGER PRIMARY KEY, volunteer TEXT, amount INTEGER, body BLOB)")
    return connection


def bare_commits(path: Path, count: int) -> float:
    connection = bare_connection(path)

    def commit_each() -> None:
        for number in range(count):
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO row VALUES (?, ?, ?, ?)", (number, "V1", 600, b""))
            connection.execute("COMMIT")

    return per_second(count, commit_each)


def bare_rows(path: Path, count: int) -> float:
    connection = bare_connection(path)

    def insert_all() -> None:
        for start in range(0, count, BATCH):
            connection.execute("BEGIN IMMEDIATE")
            rows = [(number, f"V{number}", 600, BODY) for number in range(start, start + BATCH)]
            connection.executemany("INSERT INTO row VALUES (?, ?, ?, ?)", rows)
            connection.execute("COMMIT")

    return per_second(count, insert_all)


def main(records: int) -> None:
    bookings = [booking(number) for number in range(records)]
    version = sqlite_version_in_use()
    print(f"{version.driver}, SQLite {version.version}; {records} records, {VOLUNTEERS} volunteers")
    with tempfile.TemporaryDirectory() as folder:
        commits = bare_commits(Path(folder) / "commits.db", 2_000)
        print(f"bare one-row durable commits         {commits:10,.0f} /s")
        rows = bare_rows(Path(folder) / "rows.db", records)
        print(f"bare executemany, {BATCH} rows a commit   {rows:10,.0f} rows/s")
        path = Path(folder) / "ledger.db"
        with open_ledger(str(path)) as ledger:
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
                f"{batched / rows:.3f} x bare rows; a record is 6 rows and 2 balances"
            )
            with ledger.reading() as reading:
                ids = reading.volunteer_ids(COUNTY)
                refold = per_second(records, lambda: reading.histories(COUNTY, ids))
                print(f"histories read back                  {refold:10,.0f} records/s")
            proof = per_second(records, lambda: verify(ledger) == [] or sys.exit("the ledger does not hold"))
            print(f"verified                             {proof:10,.0f} records/s")
        print(f"size                                 {path.stat().st_size / records:10,.0f} bytes/record")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40_000)
