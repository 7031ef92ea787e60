"""The power goes at any moment, on SQLite: what the bank answered is there, and nothing by halves.

A clerk works under `strace`, which notes every write, truncation and sync of the database file and of its log, and
every answer. From that a disk is made as it may be found after a power cut at any point:

- What was synced is there. Of what was written since, each sector of 512 bytes is there or is not, by chance, in any
  order; or all of it is, or none. A new file whose folder was not synced is there, or is not.
- An answer counts as given once the clerk has written it out.

Not simulated: a disk that says it has synced and has not, a sector that is torn in itself, bits that turn on their own.
The index of the log (`-shm`) lives in memory and is lost, as at a real power cut.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pytest

from lianxing.engine.bank.tellers import Teller
from lianxing.engine.ledger.errors import LedgerError
from lianxing.engine.ledger.verifying import verify
from tests.engine.bank.counting_house import HERE, rules
from tests.engine.bank.dying import LONG, county_in, found_bank, opened
from tests.engine.bank.test_crashing import ROOT, Said

CUTS = 1_000 if LONG else 6
STEPS = 200 if LONG else 12
SECTOR = 512

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace notes what is written")

CALL = re.compile(r"^\d+ +(\w+)\((.*)\) = (\d+)")
TRACED = "openat,write,writev,pwrite64,pwritev,lseek,fsync,fdatasync,ftruncate,unlink,unlinkat,rename,renameat"


class Call(NamedTuple):
    """What the clerk's process asked of the system: on which file, with what content, from where on."""

    name: str
    descriptor: int
    path: Path
    content: bytes = b""
    offset: int = 0


def calls_in(trace: Path) -> Iterator[Call]:
    """Yield the calls that change a file, sync it, or give an answer."""
    positions: dict[int, int] = {}
    with trace.open() as lines:
        for line in lines:
            found = CALL.match(line)
            if found is None:
                continue
            name, said, result = found.groups()
            if name == "openat":
                descriptor = int(result)
                positions[descriptor] = 0
                name_of = re.search(r" = \d+<(.*)>$", line.rstrip())
                if name_of is not None:
                    yield Call(name, descriptor, Path(os.fsdecode(unescaped(name_of[1]))))
                continue
            where = re.match(r"(\d+)<([^>]*)>(?:, )?(.*)", said)
            assert where is not None, f"a call that the simulated disk does not know: {line[:200]}"
            descriptor, path, rest = int(where[1]), Path(os.fsdecode(unescaped(where[2]))), where[3]
            if name == "lseek":
                positions[descriptor] = int(result)
            elif name in ("write", "pwrite64"):
                _quote, text, numbers = rest.split('"')
                offset = int(numbers.split(",")[2]) if name == "pwrite64" else positions.get(descriptor, 0)
                content = unescaped(text)
                assert len(content) == int(result), "a write that was cut short"
                yield Call("write", descriptor, path, content, offset)
                if name == "write":
                    positions[descriptor] = offset + len(content)
            elif name == "ftruncate":
                yield Call(name, descriptor, path, offset=int(rest))
            else:
                assert name in ("fsync", "fdatasync"), f"a call that the simulated disk does not know: {name}"
                yield Call("sync", descriptor, path)


def unescaped(text: str) -> bytes:
    r"""Return what strace writes as `\x41\x20`.

    >>> unescaped(r"\x41\x20")
    b'A '
    """
    return bytes.fromhex(text.replace("\\x", ""))


@dataclass
class File:
    """What of a file is certain to be there, and what was done to it since, in order."""

    synced: bytes = b""
    listed: bool = True
    since: list[Call] = field(default_factory=list)

    def sync(self) -> None:
        self.synced, self.since = self.whole(), []

    def whole(self) -> bytes:
        content = bytearray(self.synced)
        for call in self.since:
            change(content, call.name, call.content, call.offset)
        return bytes(content)

    def after_cut(self, chance: random.Random) -> bytes:
        """Return what may be found after the power has gone now."""
        mode = chance.randrange(4)
        if mode < 2:
            return self.synced if mode == 0 else self.whole()
        content = bytearray(self.synced)
        for call in self.since:
            if call.name == "ftruncate":
                if chance.random() < 0.5:
                    change(content, call.name, b"", call.offset)
                continue
            for start in range(0, len(call.content), SECTOR):
                if chance.random() < 0.5:
                    change(content, "write", call.content[start : start + SECTOR], call.offset + start)
        return bytes(content)


def change(content: bytearray, name: str, new: bytes, offset: int) -> None:
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(new)] = new
    if name == "ftruncate":
        del content[offset:]


@dataclass
class Disk:
    """The database, its log and the folder of both; and what the clerk has answered by now."""

    database: Path
    files: dict[Path, File]
    said: Said = field(default_factory=Said)
    ended: int = 0

    def take(self, call: Call) -> None:
        if call.name == "openat":
            if call.path == self.log:
                self.files.setdefault(call.path, File(listed=False))
        elif call.descriptor == 1:
            self.answer(call.content.decode())
        elif call.name == "sync":
            if call.path == self.database.parent:
                for file in self.files.values():
                    file.listed = True
            elif call.path in self.files:
                self.files[call.path].sync()
        elif call.path in self.files:
            self.files[call.path].since.append(call)

    @property
    def log(self) -> Path:
        return self.database.with_name(f"{self.database.name}-wal")

    def answer(self, line: str) -> None:
        mark, *rest = line.split()
        if mark == "A" and len(rest) == 1:
            self.ended = int(rest[0])
        elif mark != "E":
            self.said.hear_line(line)

    def leave(self, folder: Path, chance: random.Random) -> str:
        """Write what a power cut now may leave into a folder; return the address of the ledger there."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for path, file in self.files.items():
            if file.listed or chance.random() < 0.5:
                (folder / path.name).write_bytes(file.after_cut(chance))
        return str(folder / self.database.name)


def at_work(folder: Path, county: Path, level: str) -> tuple[Disk, list[Call]]:
    """Let a clerk work, and an expiry run after them; return the disk as it was before, and every call."""
    database, trace = folder / "bank.db", folder / "trace"
    found_bank(str(database), county)
    disk = Disk(database, {database: File(database.read_bytes())})
    watcher = ["strace", "-f", "--seccomp-bpf", "-y", "-xx", "-s", "1000000", "-e", f"trace={TRACED}", "-o", str(trace)]
    clerk = [sys.executable, str(ROOT / "tests" / "engine" / "bank" / "dying.py")]
    done = subprocess.run(
        [*watcher, *clerk, "once", str(database), str(county), level, str(STEPS)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if "ptrace" in done.stderr:
        pytest.skip("strace may not watch here")
    assert done.stdout.endswith("E\n"), done.stderr
    calls = list(calls_in(trace))
    # The simulated disk knows all that was done: it comes to what stands there.
    last = Disk(database, {database: File(disk.files[database].synced)})
    for call in calls:
        last.take(call)
    assert {path: file.whole() for path, file in last.files.items()} == {
        path: path.read_bytes() for path in (database, last.log)
    }
    return disk, calls


@pytest.fixture
def county(tmp_path: Path) -> Path:
    return county_in(tmp_path / "smallville")


def test_after_a_power_cut_at_any_moment_everything_answered_is_there_and_the_rest_can_be_asked_again(
    tmp_path: Path, county: Path
) -> None:
    disk, calls = at_work(tmp_path, county, "FULL")
    chance = random.Random(CUTS)
    cuts = sorted(chance.randrange(len(calls)) for _ in range(CUTS))
    answered = done = 0
    with rules(county) as rulebook:
        for cut in cuts:
            for call in calls[done:cut]:
                disk.take(call)
            done = cut
            address = disk.leave(tmp_path / "after", chance)
            with opened(address) as ledger:
                assert verify(ledger) == []  # SQLite's own integrity check among it
                assert disk.said.lost(ledger) == set()
                with ledger.reading() as reading:
                    ended = sum(1 for _ in reading.of_kinds(["expired"], HERE))
                assert ended >= disk.ended
                teller = Teller(ledger, rulebook)
                for command in disk.said.in_doubt():
                    first, second = teller.serve(command), teller.serve(command)
                    assert (first.entry, first.body, True) == (second.entry, second.body, second.replayed)
            answered = max(answered, len(disk.said.answers))
    assert answered >= STEPS // 2


@pytest.mark.parametrize(("level", "is_damaged"), [("NORMAL", False), ("OFF", True)])
def test_the_harness_sees_the_loss_where_answers_do_not_wait_for_the_disk(
    tmp_path: Path, county: Path, level: str, is_damaged: bool
) -> None:
    disk, calls = at_work(tmp_path, county, level)
    chance = random.Random(1)
    lost = damaged = done = 0
    answers = [at for at, call in enumerate(calls) if call.descriptor == 1 and call.content.startswith(b"A ")]
    for cut in answers[3:]:
        for call in calls[done : cut + 1]:
            disk.take(call)
        done = cut + 1
        try:
            with opened(disk.leave(tmp_path / "after", chance)) as ledger:
                lost += bool(disk.said.lost(ledger))
                damaged += bool(verify(ledger))
        except LedgerError:
            damaged += 1
    assert lost
    assert bool(damaged) is is_damaged


def test_of_a_file_that_was_not_synced_any_part_may_be_there() -> None:
    file = File(b"a" * 2 * SECTOR)
    file.since.append(Call("write", 3, Path("bank.db"), b"b" * 2 * SECTOR, 0))
    chance = random.Random(0)
    found = {bytes(dict.fromkeys(file.after_cut(chance))) for _ in range(50)}
    assert found == {b"a", b"b", b"ab", b"ba"}
    file.sync()
    assert {file.after_cut(chance) for _ in range(20)} == {b"b" * 2 * SECTOR}
