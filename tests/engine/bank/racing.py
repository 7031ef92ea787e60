"""A child that lets four processes, each with several threads, do their work at the same instant.

racing.py    reads the paths of jobs, one a line; of each it leaves PATH.0 to PATH.3 and says `done`

A job is a pickled `Job`. What is left is, for each process, what every thread was answered, pickled too. In the
environment, for this script only: RACING_WITHOUT names what is taken out of the bank to see whether the tests notice,
words of `stock` (the condition under which a stock is taken from), `lock` (of a passbook), `number` (the comparison of
a passbook's number), `snapshot` (what was read is read again in the write transaction), `attempts` (a second one).
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from threading import Barrier, Thread, local
from typing import Any

import alembic.command  # noqa: F401  (once, before the forks)
from sqlalchemy import Connection, Table, true

from lianxing.engine.bank import ending, tellers
from lianxing.engine.bank.ending import end_all
from lianxing.engine.bank.tellers import Answer, Teller
from lianxing.engine.ledger import holdings, writing
from lianxing.engine.ledger.batching import Sending
from lianxing.engine.ledger.opening import Ledger, open_ledger
from lianxing.engine.ledger.reading import Reading
from lianxing.engine.ledger.writing import Writing
from lianxing.rules.commands import Command
from tests.engine.bank.counting_house import HERE, rules

PROCESSES = 4

Work = Command | date  # a command, or the day before which a run ends what is over
Names = tuple[str, ...]
Said = Answer | str  # an answer, or the name of the error that reached the caller


@dataclass(frozen=True)
class Job:
    """What each thread of each process does, one after the other, on a ledger of a county."""

    address: str
    county: str
    work: list[list[list[Work]]]


def do(job: Job, process: int, ready: int, gate: int) -> list[list[Said]]:
    with ExitStack() as stack:
        rulebook = stack.enter_context(rules(Path(job.county)))
        ledger = stack.enter_context(open_ledger(job.address))
        teller = Teller(ledger, rulebook)
        mine = job.work[process]
        said: list[list[Said]] = [[] for _thread in mine]
        start = Barrier(len(mine) + 1)

        def serve(number: int) -> None:
            with ledger.reading():
                pass  # the connection is made
            start.wait()
            for one in mine[number]:
                try:
                    if isinstance(one, Command):
                        said[number].append(teller.serve(one))
                    else:
                        said[number].append(f"ended {end_all(ledger, rulebook, one).holds}")
                except Exception as error:
                    said[number].append(f"{type(error).__name__}: {error}")

        threads = [Thread(target=serve, args=(number,)) for number in range(len(mine))]
        for thread in threads:
            thread.start()
        os.write(ready, b"r")
        os.read(gate, 1)  # until everybody is ready, and the gate is closed
        start.wait()
        for thread in threads:
            thread.join()
        return said


def run(path: str) -> None:
    job: Job = pickle.loads(Path(path).read_bytes())
    (is_ready, ready), (gate, shut) = os.pipe(), os.pipe()
    children = []
    for process in range(PROCESSES):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.close(shut)
                Path(f"{path}.{process}").write_bytes(pickle.dumps(do(job, process, ready, gate)))
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    os.close(ready)
    os.close(gate)
    waiting = PROCESSES
    while waiting:
        waiting -= len(os.read(is_ready, 1)) or waiting  # a process that is gone will never be ready
    os.close(shut)
    for child in children:
        os.waitpid(child, 0)
    os.close(is_ready)


def weaken(words: list[str]) -> None:
    if "stock" in words:
        writing.within_stock = lambda had_at_most: true()
    if "lock" in words:
        passbooks = holdings.passbooks

        def not_locked(connection: Connection, *which: Any, lock: bool) -> Any:
            del lock
            return passbooks(connection, *which, lock=False)

        holdings.passbooks = not_locked  # type: ignore[assignment]
    if "number" in words:
        change = Sending.change

        def without_number(
            self: Sending, table: Table, sets: Names, keys: Names, rows: Any, *rest: Any, **how: Any
        ) -> None:
            if table.name == "passbook":
                assert keys[-1] == "number"
                keys, rows = keys[:-1], [row[:-1] for row in rows]
            change(self, table, sets, keys, rows, *rest, **how)

        setattr(Sending, "change", without_number)  # noqa: B010
    if "attempts" in words:
        tellers.ATTEMPTS = ending.ATTEMPTS = 1
    if "snapshot" in words:
        read_before()


def read_before() -> None:
    """Let a write transaction decide on what a reader saw before it began, as careless code would."""
    before = local()
    begin = Ledger.writing

    @contextmanager
    def writing_later(self: Ledger) -> Iterator[Writing]:
        with self.reading() as reading:
            before.reading = reading
            reading.stock_taken(HERE, [])
            with begin(self) as written:
                yield written

    Ledger.writing = writing_later  # type: ignore[method-assign]
    for name in ("stock_taken", "wallet_rows", "balances_of", "redemptions"):
        setattr(Writing, name, _of_the_reader(name, before))
    load = Writing._load

    def load_before(self: Writing, owners: Any, *, opening: bool = False) -> None:
        mine, self._connection = self._connection, before.reading._connection
        try:
            load(self, owners, opening=opening)
        finally:
            self._connection = mine

    Writing._load = load_before  # type: ignore[method-assign]


def _of_the_reader(name: str, before: local) -> Any:
    def read(self: Writing, *arguments: Any, **how: Any) -> Any:
        return getattr(Reading, name)(before.reading, *arguments, **how)

    return read


if __name__ == "__main__":
    weaken(os.environ.get("RACING_WITHOUT", "").split())
    for line in sys.stdin:
        run(line.strip())
        os.write(1, b"done\n")
