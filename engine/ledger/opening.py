"""Opening a ledger: its database is checked, brought to the newest schema, and then read and written in transactions.

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
from pathlib import Path
from types import TracebackType

from sqlalchemy import Connection, Engine

from lianxing.engine.ledger import postgres, sqlite
from lianxing.engine.ledger.blaming import blaming
from lianxing.engine.ledger.databases import Database
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
    address: str | Path,
    *,
    clock: Callable[[], int] = now,
    create: bool = True,
    wait_seconds: int = WAIT_SECONDS,
    durable: bool = True,
) -> Ledger:
    """Open the ledger at a path, `sqlite:///path` or `postgresql://host/database`, made or migrated where needed.

    `clock` gives the instant that new entries carry, in whole seconds since 1970; `wait_seconds` is how long to wait
    for another writer. `durable=False` serves a PostgreSQL that may lose what it acknowledged: for tests only.
    Every failure is a LedgerError that names the place and says in one sentence what is wrong.
    """
    database = database_at(str(address), create=create, wait_seconds=wait_seconds, durable=durable)
    if database.fault:
        warnings.warn(database.fault, SqliteWarning, stacklevel=2)
    ledger = Ledger(database, clock)
    try:
        ledger._migrate(create=create)
    except BaseException:
        ledger.close()
        raise
    return ledger


def database_at(
    address: str, *, create: bool = True, wait_seconds: int = WAIT_SECONDS, durable: bool = True
) -> Database:
    """Return the database that an address names, not yet connected; `create` and `durable` as in `open_ledger`."""
    if type(wait_seconds) is not int or wait_seconds < 0:
        place = shown(address)
        raise InvalidError(place, "等待秒数须为非负整数", "wait_seconds must be a whole number of at least 0")
    if postgres.is_address(address):
        return postgres.database_at(address, wait_seconds=wait_seconds, durable=durable)
    return sqlite.database_at(address, create=create, wait_seconds=wait_seconds)


def shown(address: str) -> str:
    """Return the address as it may be printed: without a user, a password or options."""
    return postgres.place_in(address) if postgres.is_address(address) else address


def schema_version(ledger: Ledger) -> str:
    """Return the schema version that the ledger carries."""
    with ledger._transaction(writing=False) as connection:
        return schema_of(connection) or ""


class Ledger:
    """An open ledger. Threads may share it, one transaction each; processes open their own."""

    def __init__(self, database: Database, clock: Callable[[], int]) -> None:
        self.database = database
        self.place = database.place
        self._clock = clock
        self._kept_policies: dict[str, str] = {}

    @property
    def _engine(self) -> Engine:
        return self.database.engine

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        """The one write transaction: commits at the end of the block, keeps nothing if it raises. Writers queue."""
        with self._transaction(writing=True) as connection:
            writing = Writing(connection, self.place, self._clock(), self._kept_policies)
            with blaming(writing):
                yield writing

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """A snapshot: what was committed when the block began. Keep it short, the log grows meanwhile."""
        with self._transaction(writing=False) as connection:
            reading = Reading(connection, self.place)
            with blaming(reading):
                yield reading

    def now(self) -> int:
        """Return the instant of the ledger's clock, in whole seconds since 1970."""
        return self._clock()

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
        database = self.database
        with database.plain_errors(), database.engine.connect() as connection:
            connection = connection.execution_options(ledger_writing=writing)
            with connection.begin() as transaction:
                yield connection
                with database.plain_errors(committing=writing):
                    try:
                        transaction.commit()
                    except BaseException:
                        transaction.rollback()  # a COMMIT that was refused may leave the transaction open
                        raise

    def _migrate(self, *, create: bool) -> None:
        with self._transaction(writing=False) as connection:
            self.database.check_ours(connection)
            if is_newest(connection):
                return
            if schema_of(connection) is None and not create:
                raise AddressError(self.place, "这里还没有台账", "holds no ledger yet")
        with self._transaction(writing=True) as connection:
            self.database.claim(connection)
            # Again: another process may have been making this very ledger until now.
            self.database.check_ours(connection)
            migrate(connection, self.place)
            self.database.sign(connection)
