"""What the ledger needs of a database, whichever it is: `sqlite` and `postgres` each have one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import Connection, Engine


class Database(Protocol):
    """A database in use. Its engine begins a write transaction where `ledger_writing` is among the options."""

    @property
    def engine(self) -> Engine: ...

    @property
    def place(self) -> str:
        """What messages call the database: a path, or an address without user, password and options."""
        ...

    @property
    def is_postgres(self) -> bool: ...

    @property
    def fault(self) -> str | None:
        """A known fault of the software in use that can damage a ledger, as an English sentence."""
        ...

    def plain_errors(self, *, committing: bool = False) -> AbstractContextManager[None]:
        """Turn every error of SQLAlchemy and of the driver into a LedgerError; `committing` where doubt is possible."""
        ...

    def check_ours(self, connection: Connection) -> None:
        """Raise NotALedgerError for another program's database. An empty one is ours to take."""
        ...

    def claim(self, connection: Connection) -> None:
        """Keep everybody else from migrating until the end of this write transaction."""
        ...

    def sign(self, connection: Connection) -> None:
        """Leave the mark by which `check_ours` knows the database, after a migration."""
        ...

    def integrity_problems(self, connection: Connection) -> Iterator[str]:
        """Yield what the database itself finds wrong with what it holds."""
        ...
