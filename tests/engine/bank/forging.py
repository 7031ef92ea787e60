"""A forger who can write to the file and knows the program: whatever is changed, all that follows is made to fit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection

from lianxing.engine.ledger import sqlite
from lianxing.engine.ledger.chaining import GENESIS, link_hash
from lianxing.engine.ledger.chains import links
from lianxing.engine.ledger.guarding import put_in_place

FOLLOWS = (
    "UPDATE posting SET balance_after = (SELECT sum(amount) FROM posting AS before "
    "WHERE before.passbook = posting.passbook AND before.account = posting.account AND before.unit = posting.unit "
    "AND before.balance_after IS NOT NULL AND (before.entry, before.line) <= (posting.entry, posting.line)) "
    "WHERE balance_after IS NOT NULL",
    "UPDATE balance SET posted = coalesce((SELECT sum(amount) FROM posting WHERE balance_after IS NOT NULL AND "
    "posting.passbook = balance.passbook AND posting.account = balance.account AND posting.unit = balance.unit), 0)",
    "UPDATE lot SET remaining = coalesce((SELECT sum(amount) FROM lot_move WHERE lot_move.passbook = lot.passbook "
    "AND lot_move.account = lot.account AND lot_move.lot = lot.number), 0)",
    "UPDATE lot SET ends = last_day WHERE NOT EXISTS (SELECT 1 FROM lot_end WHERE lot_end.passbook = lot.passbook "
    "AND lot_end.account = lot.account AND lot_end.lot = lot.number)",
    "UPDATE stock SET taken = (SELECT sum(units) FROM stock_move WHERE stock_move.offer = stock.offer)",
)


def copy_of(folder: Path, name: str = "bank.db") -> Path:
    """Return a copy of the ledger of a test, which may still be open."""
    copy = folder / "forged.db"
    connect = sqlite.driver().connect  # with another one the process would lose its locks on the open ledger
    with closing(connect(folder / name)) as source, closing(connect(copy)) as target:
        source.backup(target)
    return copy


@contextmanager
def forged(path: Path) -> Iterator[Connection]:
    """Yield a connection without guards; at the end balances, lots, stock, every chain and the guards are as before."""
    engine = sqlite.engine_at(path, 0)
    with engine.connect() as connection:
        raw = connection.connection.dbapi_connection
        assert raw is not None
        raw.execute("PRAGMA foreign_keys = OFF")
        with connection.begin():
            for (name,) in connection.exec_driver_sql("SELECT name FROM sqlite_schema WHERE type = 'trigger'").all():
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
            yield connection
            for statement in FOLLOWS:
                connection.exec_driver_sql(statement)
            _chain_again(connection)
            put_in_place(connection)
    engine.dispose()


def _chain_again(connection: Connection) -> None:
    current, before = -1, GENESIS
    for stored in list(links(connection)):
        if stored.passbook != current:
            current, before = stored.passbook, GENESIS
        before = link_hash(before, stored.link)
        connection.exec_driver_sql(
            "UPDATE entry SET hash = ? WHERE passbook = ? AND number = ?", (before, current, stored.link.number)
        )
        connection.exec_driver_sql("UPDATE passbook SET head = ? WHERE id = ?", (before, current))


def exchange(connection: Connection, table: str, column: str, old: str, new: str, where: str = "1 = 1") -> None:
    """Write other words into bytes that hold text."""
    connection.exec_driver_sql(
        f"UPDATE {table} SET {column} = CAST(replace(CAST({column} AS TEXT), ?, ?) AS BLOB) WHERE {where}", (old, new)
    )
