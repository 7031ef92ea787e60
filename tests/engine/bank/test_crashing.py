"""Killed at any moment, the bank keeps what it answered, does nothing by halves, and a key tells what became of it."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import pytest

from lianxing.engine.bank.ending import end_all
from lianxing.engine.bank.replaying import COMMANDS, replay
from lianxing.engine.bank.tellers import Teller
from lianxing.engine.ledger.opening import Ledger
from lianxing.engine.ledger.stored import StoredEntry
from lianxing.engine.ledger.verifying import verify
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.commands import Command
from tests.engine.bank.counting_house import ANN, BEN, HERE, rules
from tests.engine.bank.dying import (
    AT_ONCE,
    LATER,
    LONG,
    PEOPLE,
    POINTS,
    SCOPE,
    county_in,
    found_bank,
    found_crowd,
    opened,
    said_command,
)
from tests.postgres import Server

ROOT = Path(__file__).parents[3]
KILLS = 200 if LONG else 3
SERVER_KILLS = 200 if LONG else 1  # a server takes seconds to come back
PROVED_EVERY = 20

pytestmark = pytest.mark.skipif(os.name == "nt", reason="SIGKILL and fork are POSIX")


class Nursery:
    """Brings up children, one at a time; what they say is read here."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("dying.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

    def begin(self, *arguments: str | Path, durable: bool = True) -> Child:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([durable, *map(str, arguments)]) + "\n")
        self.process.stdin.flush()
        return Child(int(self.readline().removeprefix("P ")), self.readline)

    def readline(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def close(self) -> None:
        self.process.communicate()


@dataclass
class Child:
    pid: int
    readline: Callable[[], str]

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def lines(self) -> Iterator[str]:
        """Yield what the child says until it has ended."""
        while (line := self.readline()) != "E":
            assert line, "the nursery is gone"
            yield line


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    made = Nursery()
    yield made
    made.close()


@pytest.fixture
def county(tmp_path: Path) -> Path:
    return county_in(tmp_path / "smallville")


@pytest.fixture(params=["sqlite", "postgresql"])
def lasting(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address at which no ledger is yet, on each database, durable as in service."""
    url: str = str(tmp_path / "bank.db") if request.param == "sqlite" else request.getfixturevalue("durable_url")
    return url


def points_of(ledger: Ledger) -> int:
    """What Ann and Ben have between them, reserved or not, less what they owe."""
    with ledger.reading() as reading:
        return sum(
            amount
            for person in (ANN, BEN)
            for (account, unit), amount in reading.accounts(person, HERE).items()
            if unit == "points" and account in ("points", "points/held", "points/debt")
        )


@dataclass
class Said:
    """What children have begun to ask, and which entry answered what."""

    asked: dict[str, Command] = field(default_factory=dict)
    answers: dict[str, int] = field(default_factory=dict)

    def hear(self, child: Child, begun: int | None = None) -> None:
        """Listen until so many more are begun; without a number, until the end: what was said before the kill."""
        until = None if begun is None else len(self.asked) + begun
        for line in child.lines():
            self.hear_line(line)
            if len(self.asked) == until:
                return
        assert until is None, "the child ended by itself"

    def hear_line(self, line: str) -> None:
        mark, _, rest = line.partition(" ")
        if mark == "S":
            command = said_command(rest)
            self.asked[command.key] = command
        else:
            key, _, entry = rest.partition(" ")
            self.answers[key] = int(entry)

    def in_doubt(self) -> list[Command]:
        return [command for key, command in self.asked.items() if key not in self.answers]

    def stored(self, ledger: Ledger) -> dict[str, tuple[int, str]]:
        """Which entry of which kind stands for each key."""
        with ledger.reading() as reading:
            found = reading.commands([(SCOPE, key) for key in self.asked])
        return {key: (one.entry, one.kind) for (_scope, key), one in found.items()}

    def lost(self, ledger: Ledger) -> set[str]:
        """What was answered, and does not stand there as it was."""
        there = self.stored(ledger)
        return {key for key, entry in self.answers.items() if there.get(key, (0, ""))[0] != entry}

    def check(self, ledger: Ledger) -> None:
        """Nothing answered is lost; every point is where the answers say: only what was settled is gone."""
        assert self.lost(ledger) == set()
        kinds = Counter(kind for _entry, kind in self.stored(ledger).values())
        assert points_of(ledger) == POINTS - 100 * (kinds["settled"] - kinds["refunded"])

    def ask_again(self, ledger: Ledger, rulebook: Rulebook) -> None:
        """Ask what is in doubt again, twice: one effect, one answer; what was done already is not done again."""
        there = self.stored(ledger)
        teller = Teller(ledger, rulebook)
        for command in self.in_doubt():
            first, second = teller.serve(command), teller.serve(command)
            assert first.replayed is (command.key in there)
            assert there.get(command.key, (first.entry, ""))[0] == first.entry
            assert second.replayed
            assert (second.entry, second.body) == (first.entry, first.body)
            self.answers[command.key] = first.entry
        self.check(ledger)


def killed_again_and_again(
    address: str, county: Path, nursery: Nursery, kills: int, kill: Callable[[Child], None]
) -> None:
    """Kill clerks at work; after each kill look, and settle what is in doubt. In the end let reservations run out."""
    found_bank(address, county)
    said, chance = Said(), random.Random(kills)
    with rules(county) as rulebook:
        for number in range(kills):
            child = nursery.begin("serve", address, county, str(number * 10_000))
            said.hear(child, chance.randint(1, 40))
            kill(child)
            said.hear(child)
            with opened(address) as ledger:
                said.check(ledger)
                assert number % PROVED_EVERY or verify(ledger) == []
                said.ask_again(ledger, rulebook)
        with opened(address) as ledger:
            assert len(said.answers) > kills
            with ledger.reading() as reading:
                assert sum(1 for _ in reading.of_kinds(COMMANDS, HERE, [ANN, BEN])) == len(said.asked)
            end_all(ledger, rulebook, LATER)
            said.check(ledger)
            with ledger.reading() as reading:
                assert not any(reading.accounts(person, HERE).get(("points/held", "points")) for person in (ANN, BEN))
            assert verify(ledger) == []
            assert replay(ledger, [rulebook]).differences == []


def test_a_bank_killed_at_any_moment_keeps_what_it_answered_and_does_the_rest_once(
    lasting: str, county: Path, nursery: Nursery
) -> None:
    killed_again_and_again(lasting, county, nursery, KILLS, Child.kill)


def test_a_server_ended_at_any_moment_has_kept_what_the_bank_answered(
    durable_server: Server, durable_url: str, county: Path, nursery: Nursery
) -> None:
    def end_server(_child: Child) -> None:
        durable_server.abort()
        durable_server.start()

    killed_again_and_again(durable_url, county, nursery, SERVER_KILLS, end_server)


def test_the_harness_sees_the_loss_where_a_teller_answers_before_the_commit(
    lasting: str, county: Path, nursery: Nursery
) -> None:
    found_bank(lasting, county)
    said = Said()
    said.hear(nursery.begin("lie", lasting, county))
    assert list(said.answers) == ["a0-held"]
    with opened(lasting) as ledger:
        assert said.lost(ledger) == {"a0-held"}


def test_the_harness_sees_the_loss_where_a_server_answers_before_it_has_written(
    durable_server: Server, durable_url: str, county: Path, nursery: Nursery
) -> None:
    found_bank(durable_url, county)
    durable_server.run("ALTER SYSTEM SET wal_writer_delay = '10s'")  # else it writes within a fifth of a second
    durable_server.run("SELECT pg_reload_conf()")
    said = Said()
    unsafe = f"{durable_url}&options=-csynchronous_commit%3Doff"
    child = nursery.begin("serve", unsafe, county, "0", durable=False)
    said.hear(child, 12)
    durable_server.abort()
    said.hear(child)
    durable_server.start()
    durable_server.run("ALTER SYSTEM RESET wal_writer_delay")
    with opened(durable_url) as ledger:
        assert said.lost(ledger)
        assert verify(ledger) == []  # lost, but not by halves


def test_dying_before_any_statement_of_a_redemption_leaves_whole_commands(
    tmp_path: Path, county: Path, nursery: Nursery
) -> None:
    address = str(tmp_path / "bank.db")
    found_bank(address, county)
    *died, left = nursery.begin("everywhere", address, county).lines()
    assert len(died) > 20
    assert left == f"left held,settled,refunded,given {POINTS} points, 0 violations"
    assert list(dict.fromkeys(died)) == [
        f"died nothing {POINTS} points, 0 violations",
        f"died held {POINTS} points, 0 violations",
        f"died held,settled {POINTS - 100} points, 0 violations",
        f"died held,settled,refunded {POINTS} points, 0 violations",
    ]


# --- what runs out -------------------------------------------------------------------------------------------------


def entries(address: str) -> list[StoredEntry]:
    with opened(address) as ledger:
        assert verify(ledger) == []
        with ledger.reading() as reading:
            return list(reading.all_entries())


def ended_in(address: str) -> int:
    with opened(address) as ledger, ledger.reading() as reading:
        return sum(1 for _ in reading.of_kinds(["expired"], HERE))


@pytest.fixture
def unbroken(tmp_path: Path, county: Path, nursery: Nursery) -> list[StoredEntry]:
    """Every entry after an expiry run that nobody has disturbed."""
    address = str(tmp_path / "unbroken.db")
    found_crowd(address, county)
    assert list(nursery.begin("end", address, county, "0").lines())[-1] == f"A {PEOPLE}"
    assert ended_in(address) == PEOPLE
    return entries(address)


def broken_off(address: str, run: Callable[[int], list[str]]) -> int:
    """Break an expiry run off again and again until it ends; return how often it was."""
    kills = before = 0
    while True:
        lines = run(kills)
        ended = ended_in(address)
        told = int(lines[-1].split()[1]) if lines else 0
        # A few people at once, each lot whole; what was reported is there.
        assert ended >= before + told
        assert ended % AT_ONCE == 0
        if ended == PEOPLE:
            return kills
        kills, before = kills + 1, ended
        assert kills < 1_000


def test_an_expiry_run_broken_off_anywhere_comes_in_the_end_to_the_same(
    lasting: str, county: Path, nursery: Nursery, unbroken: list[StoredEntry]
) -> None:
    found_crowd(lasting, county)
    chance = random.Random(PEOPLE)

    def run(_kills: int) -> list[str]:
        return list(nursery.begin("end", lasting, county, str(chance.randint(20, 80))).lines())

    assert broken_off(lasting, run) >= 2
    assert list(nursery.begin("end", lasting, county, "0").lines()) == []  # nothing is left to do
    assert entries(lasting) == unbroken


def test_an_expiry_run_whose_server_ends_comes_in_the_end_to_the_same(
    durable_server: Server, durable_url: str, county: Path, nursery: Nursery, unbroken: list[StoredEntry]
) -> None:
    found_crowd(durable_url, county)

    def run(kills: int) -> list[str]:
        said = nursery.begin("end", durable_url, county, "0").lines()
        if kills == SERVER_KILLS:
            return list(said)
        lines = list(islice(said, 1))
        durable_server.abort()
        lines += said
        durable_server.start()
        return lines

    assert broken_off(durable_url, run) >= min(2, SERVER_KILLS)
    assert entries(durable_url) == unbroken


# --- two importers -------------------------------------------------------------------------------------------------


def test_two_who_take_in_the_same_records_at_once_book_each_record_once(
    ledger_address: str, county: Path, nursery: Nursery, tmp_path: Path
) -> None:
    alone = str(tmp_path / "alone.db")
    assert list(nursery.begin("take", alone, county).lines()) == ["done"]
    other = Nursery()
    chunk = "7"
    durable = "sqlite" in ledger_address
    both = [each.begin("take", ledger_address, county, chunk, durable=durable) for each in (nursery, other)]
    assert [list(each.lines())[-1] for each in both] == ["done", "done"]
    other.close()
    assert of_deliveries(ledger_address) == of_deliveries(alone)


def of_deliveries(address: str) -> tuple[int, list[tuple[str, str]], dict[str, dict[tuple[str, str], int]]]:
    """How many records there are, which were booked originally, and what everybody has."""
    with opened(address) as ledger:
        assert verify(ledger) == []
        with ledger.reading() as reading:
            originals = sorted(
                (str(one.entry.volunteer), str(one.entry.record))
                for one in reading.all_entries()
                if one.entry.kind == "original"
            )
            accounts = {str(id): reading.accounts(id, HERE) for id in reading.volunteer_ids(HERE)}
            return reading.counts()["records"], originals, accounts
