"""Killed at any moment, the ledger keeps what it acknowledged and nothing by halves."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from lianxing.engine.ledger.errors import AlreadyBookedError
from lianxing.engine.ledger.opening import open_ledger
from lianxing.engine.ledger.verifying import verify
from tests.engine.ledger.dying import BATCH, batch
from tests.engine.ledger.making import REGISTRY, book

ROOT = Path(__file__).parents[3]
KILLS = 10

pytestmark = pytest.mark.skipif(os.name == "nt", reason="SIGKILL and fork are POSIX")


def child(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("dying.py")), *arguments],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def kept(path: Path, keys: list[str]) -> dict[str, int]:
    """How many records of each batch are in the ledger, which is proved sound on the way."""
    with open_ledger(str(path)) as ledger:
        assert verify(ledger) == []
        with ledger.reading() as reading:
            names = [booking.record.id for key in keys for booking in batch(key)]
            there = Counter(name.rsplit("-", 1)[0] for name in reading.content_hashes(REGISTRY, names))
    return {key: there[key] for key in keys}


def test_a_writer_killed_at_any_moment_loses_nothing_acknowledged_and_leaves_nothing_half(path: Path) -> None:
    started: list[str] = []
    acknowledged: set[str] = set()
    for kill in range(KILLS):
        with child("book", str(path), "k", str(len(started)), "1000000") as process:
            assert process.stdout is not None
            seen = 0
            while seen < 1 + kill * 3:
                line = process.stdout.readline()
                assert line, "the child ended by itself"
                seen += line.startswith("S")
                remember(line, started, acknowledged)
            process.kill()
            for line in process.stdout:  # what was said before the kill arrived
                if line.endswith("\n"):
                    remember(line, started, acknowledged)
        there = kept(path, started)
        assert {key for key in acknowledged if there[key] != BATCH} == set()
        assert set(there.values()) <= {0, BATCH}
    assert len(acknowledged) >= KILLS

    in_doubt = [key for key in started if key not in acknowledged]
    with open_ledger(str(path)) as ledger:
        for key in in_doubt * 2:  # sent again, twice: one effect
            with suppress(AlreadyBookedError):
                book(ledger, *batch(key))
    assert set(kept(path, started).values()) == {BATCH}


def remember(line: str, started: list[str], acknowledged: set[str]) -> None:
    mark, key = line.split()
    if mark == "S":
        started.append(key)
    else:
        acknowledged.add(key)


def test_the_harness_sees_a_loss_where_a_writer_acknowledges_before_the_commit(path: Path) -> None:
    with open_ledger(str(path)) as ledger:
        book(ledger)
    process = child("lie", str(path), "k0")
    said, _ = process.communicate()
    assert said.split("\n")[:2] == ["S k0", "A k0"]
    assert kept(path, ["k0"]) == {"k0": 0}


@pytest.mark.parametrize(("work", "records"), [("migrate", 0), ("book", BATCH)])
def test_dying_before_any_statement_leaves_all_or_nothing(path: Path, work: str, records: int) -> None:
    if work == "book":
        open_ledger(str(path)).close()
    said, _ = child("everywhere", str(path), work).communicate()
    *died, left = said.splitlines()
    assert len(died) >= 10
    assert set(died) == {"died 0 records, 0 violations"}
    assert left == f"left {records} records, 0 violations"


def test_processes_that_make_and_write_one_ledger_at_once_all_land(path: Path) -> None:
    processes = [child("book", str(path), prefix, "0", "10") for prefix in "abcd"]
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    keys = [f"{prefix}{number}" for prefix in "abcd" for number in range(10)]
    assert set(kept(path, keys).values()) == {BATCH}
