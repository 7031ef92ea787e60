"""Child processes that write and are killed; `S key` is printed before a booking, `A key` after its commit.

dying.py book DATABASE PREFIX FIRST COUNT   book batches, until killed or COUNT are done
dying.py lie DATABASE KEY                   acknowledge, then die before the commit
dying.py everywhere DATABASE migrate|book|bring   die at the first statement, the second ..., until one survives
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import alembic.command  # noqa: F401  (once, before the forks)
import psycopg
from sqlalchemy import Engine, event

from lianxing.engine.ledger.errors import BusyError, LedgerError
from lianxing.engine.ledger.migrating import SCHEMA_VERSIONS
from lianxing.engine.ledger.opening import Ledger, open_ledger
from lianxing.engine.ledger.verifying import verify
from lianxing.engine.ledger.writing import Booking
from tests.engine.ledger.making import book, original, record
from tests.postgres import libpq

BATCH = 20
# A migration has many statements; every one of them in the long mode.
EVERY = 1 if os.environ.get("LIANXING_LONG") else 7


def batch(key: str) -> list[Booking]:
    return [original(record(f"{key}-{number}", volunteer=f"V{number % 7}")) for number in range(BATCH)]


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())  # at once, in one piece


def book_batches(address: str, prefix: str, first: int, count: int) -> None:
    with open_ledger(address) as ledger:
        for number in range(first, first + count):
            key = f"{prefix}{number}"
            say(f"S {key}")
            book_in_turn(ledger, key)
            say(f"A {key}")


def book_in_turn(ledger: Ledger, key: str) -> None:
    """Book a batch, again for as long as others are in the way."""
    while True:
        try:
            book(ledger, *batch(key))
        except BusyError:
            continue
        return


def lie(address: str, key: str) -> None:
    with open_ledger(address) as ledger, ledger.writing() as writing:
        say(f"S {key}")
        writing.book(batch(key))
        say(f"A {key}")
        os.kill(os.getpid(), signal.SIGKILL)


def die_everywhere(
    address: str, work: Callable[[str], None], left: Callable[[str, bool], None], every: int = 1
) -> None:
    """For each statement of `work` a child that dies just before it, on a copy; print what each of them left.

    At an address of a server there is no copy: there a child finds what the one before it has left.
    """
    number, survived = 1 - every, False
    while not survived:
        number += every
        copy = address if "://" in address else f"{address}.{number}"
        if os.path.exists(address):
            shutil.copyfile(address, copy)
        survived = in_child(partial(work_and_die, work, copy, number)) == 0
        in_child(partial(left, copy, survived))


def work_and_die(work: Callable[[str], None], address: str, number: int) -> None:
    die_at(number)
    work(address)


def say_what_is_left(address: str, survived: bool) -> None:
    with open_ledger(address) as ledger:
        with ledger.reading() as reading:
            records = reading.counts()["records"]
        say(f"{'left' if survived else 'died'} {records} records, {len(verify(ledger))} violations")


def say_which_is_left(address: str, survived: bool) -> None:
    """Old and whole: every line of the dump is as it was; else it must be the new one, whole."""
    untouched = address.rpartition(".")[0]
    schema, dump = dump_of(address)
    is_old = schema == "0001" and dump == dump_of(untouched)[1]
    with open_ledger(address) as ledger:
        with ledger.reading() as reading:
            records = reading.counts()["records"]
        which = "the old" if is_old else "the new" if schema == SCHEMA_VERSIONS[-1] else "half a"
        violations = len(verify(ledger))
    say(f"{'left' if survived else 'died'} with {which} ledger, then {records} records, {violations} violations")


def say_whether_anything_is_left(address: str, survived: bool) -> None:
    if survived:
        say_what_is_left(address, survived)
        return
    names = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY relname"
    with psycopg.connect(libpq(address)) as connection:
        there = [name for (name,) in connection.execute(names)]
    say(f"died {there}")


def dump_of(address: str) -> tuple[str, list[str]]:
    connection = sqlite3.connect(address)
    try:
        (schema,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(schema), list(connection.iterdump())
    finally:
        connection.close()


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
            try:
                book_batches(address, prefix, int(first), int(count))
            except LedgerError as error:  # the server is gone
                sys.exit(str(error))
        case ["lie", address, key]:
            lie(address, key)
        case ["everywhere", address, "migrate"] if "://" in address:
            die_everywhere(address, migrate, say_whether_anything_is_left, EVERY)
        case ["everywhere", address, "migrate"]:
            die_everywhere(address, migrate, say_what_is_left, EVERY)
        case ["everywhere", address, "bring"]:
            die_everywhere(address, migrate, say_which_is_left, EVERY)
        case ["everywhere", address, "book"]:
            die_everywhere(address, book_once, say_what_is_left)
        case _:
            sys.exit(__doc__)
