"""Opening a ledger: the file is checked, brought to the newest schema, and then read and written in transactions.

>>> with open_ledger("sqlite:///county.db") as ledger:      # doctest: +SKIP
...     with ledger.writing() as writing:
...         writing.book(bookings)
...     with ledger.reading() as reading:
...         reading.balances(volunteer, county)
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from sqlalchemy import Connection, Engine

from lianxing.engine.ledger import sqlite
from lianxing.engine.ledger.errors import AddressError, InvalidError
from lianxing.engine.ledger.migrating import is_newest, migrate, schema_of
from lianxing.engine.ledger.reading import Reading
from lianxing.engine.ledger.writing import Writing

WAIT_SECONDS = 30


class SqliteWarning(UserWarning):
    """The SQLite library in use has a known fault that can damage a ledger."""


def now() -> int:
    """Return the instant in whole seconds; `time.time` would bring in a float."""
    return time.time_ns() // 1_000_000_000


def open_ledger(
    address: str,
    *,
    clock: Callable[[], int] = now,
    create: bool = True,
    wait_seconds: int = WAIT_SECONDS,
) -> Ledger:
    """Open the ledger at a path or `sqlite:///path`, making it or bringing it to the newest schema where needed.

    `clock` gives the instant that new entries carry, in whole seconds since 1970; `wait_seconds` is how long to wait
    for another writer. Every failure is a LedgerError that names the file and says in one sentence what is wrong.
    """
    if type(wait_seconds) is not int or wait_seconds < 0:
        raise InvalidError(address, "等待秒数须为非负整数", "wait_seconds must be a whole number of at least 0")
    path = sqlite.path_in(address)
    sqlite.check_file(path, create=create)
    version = sqlite.sqlite_version_in_use()
    if version.affected:
        warnings.warn(
            f"SQLite {version.version} can corrupt a database in WAL mode; "
            "use 3.51.3, 3.50.7, 3.44.6 or later (`pip install pysqlite3` brings one)",
            SqliteWarning,
            stacklevel=2,
        )
    ledger = Ledger(sqlite.engine_at(path, wait_seconds), str(path), clock)
    try:
        ledger._migrate(create=create)
    except BaseException:
        ledger.close()
        raise
    return ledger


def schema_version(ledger: Ledger) -> str:
    """Return the schema version that the ledger carries."""
    with ledger._transaction(writing=False) as connection:
        return schema_of(connection) or ""


class Ledger:
    """An open ledger. Threads may share it, one transaction each; processes open their own."""

    def __init__(self, engine: Engine, place: str, clock: Callable[[], int]) -> None:
        self._engine = engine
        self._clock = clock
        self.place = place

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        """The one write transaction: commits at the end of the block, keeps nothing if it raises. Writers queue."""
        with self._transaction(writing=True) as connection:
            yield Writing(connection, self.place, self._clock())

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """A snapshot: what was committed when the block began. Keep it short, the log grows meanwhile."""
        with self._transaction(writing=False) as connection:
            yield Reading(connection, self.place)

    def close(self) -> None:
        """Close every connection; the ledger can be opened again."""
        self._engine.dispose()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _transaction(self, *, writing: bool) -> Iterator[Connection]:
        with sqlite.plain_errors(self.place), self._engine.connect() as connection:
            connection = connection.execution_options(ledger_writing=writing)
            with connection.begin():
                yield connection

    def _migrate(self, *, create: bool) -> None:
        with self._transaction(writing=False) as connection:
            if is_newest(connection):
                return
            if schema_of(connection) is None and not create:
                raise AddressError(self.place, "这里还没有账本", "holds no ledger yet")
        with self._transaction(writing=True) as connection:
            migrate(connection, self.place)
