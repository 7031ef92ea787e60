"""Child processes that write and are killed; `S key` is printed before a booking, `A key` after its commit.

dying.py book DATABASE PREFIX FIRST COUNT   book batches, until killed or COUNT are done
dying.py lie DATABASE KEY                   acknowledge, then die before the commit
dying.py everywhere DATABASE migrate|book   die at the first statement, the second ..., until one run survives
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import alembic.command  # noqa: F401  (once, before the forks)
from sqlalchemy import Engine, event

from lianxing.engine.ledger.opening import open_ledger
from lianxing.engine.ledger.verifying import verify
from lianxing.engine.ledger.writing import Booking
from tests.engine.ledger.making import book, original, record

BATCH = 20


def batch(key: str) -> list[Booking]:
    return [original(record(f"{key}-{number}", volunteer=f"V{number % 7}")) for number in range(BATCH)]


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())  # at once, in one piece


def book_batches(address: str, prefix: str, first: int, count: int) -> None:
    with open_ledger(address) as ledger:
        for number in range(first, first + count):
            key = f"{prefix}{number}"
            say(f"S {key}")
            book(ledger, *batch(key))
            say(f"A {key}")


def lie(address: str, key: str) -> None:
    with open_ledger(address) as ledger, ledger.writing() as writing:
        say(f"S {key}")
        writing.book(batch(key))
        say(f"A {key}")
        os.kill(os.getpid(), signal.SIGKILL)


def die_everywhere(address: str, work: Callable[[str], None]) -> None:
    """For each statement of `work` a child that dies just before it, on a copy; print what each of them left."""
    number, survived = 0, False
    while not survived:
        number += 1
        copy = f"{address}.{number}"
        if os.path.exists(address):
            shutil.copyfile(address, copy)
        survived = in_child(partial(work_and_die, work, copy, number)) == 0
        in_child(partial(say_what_is_left, copy, survived))


def work_and_die(work: Callable[[str], None], address: str, number: int) -> None:
    die_at(number)
    work(address)


def say_what_is_left(address: str, survived: bool) -> None:
    with open_ledger(address) as ledger:
        with ledger.reading() as reading:
            records = reading.counts()["records"]
        say(f"{'left' if survived else 'died'} {records} records, {len(verify(ledger))} violations")


def in_child(work: Callable[[], object]) -> int:
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:
            say(f"failed {error!r}")
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def die_at(number: int) -> None:
    left = number

    @event.listens_for(Engine, "before_cursor_execute")
    def count(*_: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def book_once(address: str) -> None:
    with open_ledger(address) as ledger:
        book(ledger, *batch("once"))


def migrate(address: str) -> None:
    open_ledger(address).close()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["book", address, prefix, first, count]:
            book_batches(address, prefix, int(first), int(count))
        case ["lie", address, key]:
            lie(address, key)
        case ["everywhere", address, "migrate"]:
            die_everywhere(address, migrate)
        case ["everywhere", address, "book"]:
            die_everywhere(address, book_once)
        case _:
            sys.exit(__doc__)
