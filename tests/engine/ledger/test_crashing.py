"""Killed at any moment, the ledger keeps what it acknowledged and nothing by halves."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lianxing.engine.ledger.errors import AlreadyBookedError
from lianxing.engine.ledger.opening import open_ledger
from lianxing.engine.ledger.postgres import DURABLE
from lianxing.engine.ledger.verifying import verify
from tests.engine.ledger.dying import BATCH, EVERY, batch, book_in_turn
from tests.engine.ledger.making import REGISTRY, book
from tests.postgres import Server

ROOT = Path(__file__).parents[3]
LONG = bool(os.environ.get("LIANXING_LONG"))
KILLS = 200 if LONG else 3
SERVER_KILLS = 200 if LONG else 2

pytestmark = pytest.mark.skipif(os.name == "nt", reason="SIGKILL and fork are POSIX")


def child(*arguments: str, durable: bool = True) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("dying.py")), *arguments],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), DURABLE: "on" if durable else "off"},
    )


@pytest.fixture(params=["sqlite", "postgresql"])
def lasting(request: pytest.FixtureRequest, path: Path) -> str:
    """The address at which no ledger is yet, on each database, durable as in service."""
    url: str = str(path) if request.param == "sqlite" else request.getfixturevalue("durable_url")
    return url


def kept(address: str, keys: list[str], *, durable: bool = True, proved: bool = True) -> dict[str, int]:
    """How many records of each batch are in the ledger, which is proved sound on the way."""
    with open_ledger(address, durable=durable) as ledger:
        assert not proved or verify(ledger) == []
        with ledger.reading() as reading:
            names = [booking.record.id for key in keys for booking in batch(key)]
            there = Counter(name.rsplit("-", 1)[0] for name in reading.content_hashes(REGISTRY, names))
    return {key: there[key] for key in keys}


@dataclass
class Said:
    """What a child has begun, and what it has acknowledged."""

    started: list[str] = field(default_factory=list)
    acknowledged: set[str] = field(default_factory=set)

    def hear(self, process: subprocess.Popen[str], begun: int | None = None) -> None:
        """Listen until so many more are begun; without a number, until the end: what was said before the kill."""
        assert process.stdout is not None
        until = None if begun is None else len(self.started) + begun
        while until is None or len(self.started) < until:
            line = process.stdout.readline()
            assert line or until is None, "the child ended by itself"
            if not line.endswith("\n"):
                return
            mark, key = line.split()
            if mark == "S":
                self.started.append(key)
            else:
                self.acknowledged.add(key)

    def check(self, address: str, since: int, *, proved: bool) -> None:
        keys = self.started[since:]
        there = kept(address, keys, proved=proved)
        assert {key for key in keys if key in self.acknowledged and there[key] != BATCH} == set()
        assert set(there.values()) <= {0, BATCH}

    def ask_again(self, address: str) -> None:
        """Send what is in doubt again, twice: one effect."""
        with open_ledger(address) as ledger:
            for key in [key for key in self.started if key not in self.acknowledged] * 2:
                with suppress(AlreadyBookedError):
                    book_in_turn(ledger, key)
        assert set(kept(address, self.started).values()) == {BATCH}


def killed_again_and_again(address: str, kills: int, kill: Callable[[subprocess.Popen[str]], None]) -> None:
    said = Said()
    for number in range(kills):
        since = len(said.started)
        with child("book", address, "k", str(since), "1000000") as process:
            said.hear(process, 1 + number % 10 * 3)
            kill(process)
            said.hear(process)
        said.check(address, since, proved=number % 20 == 0)
    assert len(said.acknowledged) >= kills
    said.ask_again(address)


def test_a_writer_killed_at_any_moment_loses_nothing_acknowledged_and_leaves_nothing_half(lasting: str) -> None:
    killed_again_and_again(lasting, KILLS, lambda process: process.kill())


def test_a_server_ended_at_any_moment_loses_nothing_acknowledged(durable_server: Server, durable_url: str) -> None:
    def end_server(process: subprocess.Popen[str]) -> None:
        durable_server.abort()
        process.wait()
        durable_server.start()

    killed_again_and_again(durable_url, SERVER_KILLS, end_server)


def test_the_harness_sees_the_loss_where_a_server_acknowledges_before_it_has_written(
    durable_server: Server, durable_url: str
) -> None:
    with open_ledger(durable_url) as ledger:
        book(ledger)
    durable_server.run("ALTER SYSTEM SET wal_writer_delay = '10s'")  # else it writes within a fifth of a second
    durable_server.run("SELECT pg_reload_conf()")
    said = Said()
    with child(
        "book", f"{durable_url}&options=-csynchronous_commit%3Doff", "k", "0", "1000000", durable=False
    ) as process:
        said.hear(process, 6)
        durable_server.abort()
        said.hear(process)
    durable_server.start()
    durable_server.run("ALTER SYSTEM RESET wal_writer_delay")
    there = kept(durable_url, said.started)
    assert set(there.values()) <= {0, BATCH}  # lost, but not by halves
    assert any(there[key] == 0 for key in said.acknowledged)


def test_the_harness_sees_a_loss_where_a_writer_acknowledges_before_the_commit(lasting: str) -> None:
    with open_ledger(lasting) as ledger:
        book(ledger)
    process = child("lie", lasting, "k0")
    said, _ = process.communicate()
    assert said.split("\n")[:2] == ["S k0", "A k0"]
    assert kept(lasting, ["k0"]) == {"k0": 0}


@pytest.mark.parametrize(("work", "records"), [("migrate", 0), ("book", BATCH)])
def test_dying_before_any_statement_leaves_all_or_nothing(path: Path, work: str, records: int) -> None:
    if work == "book":
        open_ledger(str(path)).close()
    said, _ = child("everywhere", str(path), work).communicate()
    *died, left = said.splitlines()
    assert len(died) >= 10
    assert set(died) == {"died 0 records, 0 violations"}
    assert left == f"left {records} records, 0 violations"


def test_dying_before_any_statement_of_making_a_ledger_on_a_server_leaves_nothing(postgres_url: str) -> None:
    said, _ = child("everywhere", postgres_url, "migrate", durable=False).communicate()
    *died, left = said.splitlines()
    assert len(died) >= 100 // EVERY
    assert set(died) == {"died []"}
    assert left == "left 0 records, 0 violations"


def test_processes_that_make_and_write_one_ledger_at_once_all_land(lasting: str) -> None:
    processes = [child("book", lasting, prefix, "0", "10") for prefix in "abcd"]
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    keys = [f"{prefix}{number}" for prefix in "abcd" for number in range(10)]
    assert set(kept(lasting, keys).values()) == {BATCH}
