"""Redemptions per second, beside what the database can commit bare and beside its rows alone, all in one run.

python benchmarks/bank.py [--database postgresql] [--seconds N] [--callers N] [--sync MICROSECONDS]

With `--sync` every sync of the disk takes so much longer, for the bare commits and for ours alike: a usual server has
a disk of 700 to 4,000 commits a second.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

from benchmarks import bare_redeeming
from benchmarks.ledger import made
from benchmarks.slow_disk import run_slowed
from lianxing.engine.bank.tellers import Teller, Window
from lianxing.engine.building import is_compiled
from lianxing.engine.ledger.opening import Ledger, open_ledger
from lianxing.engine.ledger.sqlite import sqlite_version_in_use
from lianxing.engine.ledger.verifying import verify
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.commands import Redeem
from lianxing.rules.facts import VolunteerId
from tests.engine.bank.counting_house import HERE, rules, take_in, write_county
from tests.plugins.smallville import served
from tests.postgres import libpq

PEOPLE = 2_000
RECORDS_EACH = 10
ON = date(2024, 6, 1)
OFFER = """
soap:
  account: points
  price: 0.01 points
  gives: goods
  opens: always
  per_person: unlimited
  stock: unlimited
  irreversible: no
  provider: the shop
"""


def bare_commits(path: Path, seconds: float) -> float:
    connection = importlib.import_module(sqlite_version_in_use().driver).connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE row (id INTEGER PRIMARY KEY, volunteer TEXT, amount INTEGER)")
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO row VALUES (?, 'V1', 600)", (count,))
        connection.execute("COMMIT")
        count += 1
    return count / (time.perf_counter() - began)


def bare_commits_of(address: str, clients: int, seconds: float) -> float:
    import psycopg

    def client(number: int) -> int:
        with psycopg.connect(address, autocommit=True) as connection:
            done, began = 0, time.perf_counter()
            while time.perf_counter() - began < seconds:
                connection.execute("INSERT INTO bare_row (volunteer, amount) VALUES (%s, 600)", (f"V{number}",))
                done += 1
            return done

    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS bare_row (id bigserial PRIMARY KEY, volunteer text, amount bigint)"
        )
    with ThreadPoolExecutor(clients) as pool:
        done = sum(pool.map(client, range(clients)))
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("DROP TABLE bare_row")
    return done / seconds


def gather_statistics(address: str) -> None:
    """Let the server count what is there, as it does within a minute: its plans are for nearly empty tables."""
    import psycopg

    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("ANALYZE")


def furnish(rulebook: Rulebook, ledger: Ledger) -> float:
    records = []
    for person in range(PEOPLE):
        for number in range(RECORDS_EACH):
            day = date(2024, 1, 1) + timedelta(days=number * 7 + person % 7)
            record = served(f"{person}-{number}", f"{day} 09:00", 2)
            records.append(_of(record, f"V{person:05d}"))
    began = time.perf_counter()
    take_in(rulebook, ledger, *records, on=ON)
    return len(records) / (time.perf_counter() - began)


def _of(record: Any, person: str) -> Any:
    from dataclasses import replace

    return replace(record, volunteer=VolunteerId(person))


def redemptions(
    rulebook: Rulebook, ledger: Ledger, callers: int, seconds: float, counter: str = "till"
) -> tuple[float, list[float]]:
    """Return redemptions per second, and how long each took."""
    times: list[list[float]] = [[] for _caller in range(callers)]
    with Window(Teller(ledger, rulebook)) as window:

        def call(caller: int) -> None:
            number, began = 0, time.perf_counter()
            while (start := time.perf_counter()) - began < seconds:
                person = VolunteerId(f"V{(number * callers + caller) % PEOPLE:05d}")
                answer = window.serve(
                    Redeem(
                        volunteer=person, county=HERE, on=ON, scope=f"{counter}{caller}", key=f"{number}", offer="soap"
                    )
                )
                assert answer.accepted, answer.data
                times[caller].append(time.perf_counter() - start)
                number += 1

        threads = [Thread(target=call, args=(caller,)) for caller in range(callers)]
        began = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.perf_counter() - began
    flat = sorted(one for some in times for one in some)
    return len(flat) / took, flat


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", default="sqlite", help="sqlite, postgresql (a server of its own), or an address")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--callers", type=int, default=0)
    parser.add_argument("--sync", type=int, default=0, help="microseconds that each sync takes longer")
    given = parser.parse_args()
    if given.sync:
        print(f"every sync takes {given.sync:,} microseconds longer", flush=True)
        sys.exit(run_slowed([__file__, *_but("--sync", sys.argv[1:])], given.sync))
    print(f"the engine is {'compiled' if is_compiled() else 'not compiled; `make compiled` compiles it'}", flush=True)
    callers = given.callers or (16 if given.database == "sqlite" else 8)
    with tempfile.TemporaryDirectory() as folder, made(given.database) as address:
        if given.database == "sqlite":
            bare = bare_commits(Path(folder) / "bare.db", given.seconds)
            print(f"bare one-row durable commits             {bare:>10,.0f} /s")
            rows_only = bare_redeeming.of_sqlite(Path(folder) / "rows.db", PEOPLE, callers, given.seconds)
        else:
            bare = bare_commits_of(libpq(address), callers, given.seconds)
            print(f"bare durable commits, {callers} clients        {bare:>10,.0f} /s")
            rows_only = bare_redeeming.of_postgresql(libpq(address), PEOPLE, callers, given.seconds)
        rows = f"{rows_only:>10,.0f} /s   {rows_only / bare:.2f} x bare"
        print(f"a redemption's rows alone, {callers:>2} callers    {rows}")
        county = write_county(Path(folder) / "smallville", redemption=OFFER)
        with rules(county) as rulebook, open_ledger(address) as ledger:
            posted = furnish(rulebook, ledger)
            if given.database != "sqlite":
                redemptions(rulebook, ledger, callers, given.seconds, "before")
                gather_statistics(libpq(address))
            print(f"records assessed, explained and posted   {posted:>10,.0f} /s   with lots in two accounts")
            rate, times = redemptions(rulebook, ledger, callers, given.seconds)
            p99 = times[int(len(times) * 0.99)] * 1_000
            middle = statistics.median(times) * 1_000
            print(f"redemptions, {callers:>2} callers                  {rate:>10,.0f} /s   {rate / bare:.2f} x bare")
            print(f"  median {middle:.1f} ms, p99 {p99:.1f} ms")
            print(f"  verify: {len(verify(ledger))} violations")


def _but(option: str, arguments: list[str]) -> list[str]:
    """Return the arguments without an option and its value."""
    kept: list[str] = []
    coming = iter(arguments)
    for argument in coming:
        if argument == option:
            next(coming, None)
        elif not argument.startswith(f"{option}="):
            kept.append(argument)
    return kept


if __name__ == "__main__":
    main()
