"""Every value, every row: whatever is changed past the triggers, `verify` finds it.

The tables and columns come from the schema itself, so that one that is added later cannot be forgotten.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Connection, LargeBinary, Table, Text
from sqlalchemy.exc import IntegrityError

from lianxing.engine.ledger import postgres, sqlite
from lianxing.engine.ledger.databases import Database
from lianxing.engine.ledger.opening import open_ledger
from lianxing.engine.ledger.tables import Whole, metadata
from lianxing.engine.ledger.verifying import _violations
from tests.engine.ledger.making import furnish
from tests.postgres import Server

LONG = bool(os.environ.get("LIANXING_LONG"))
TABLES = list(metadata.tables.values())

# Of these nothing follows: what an import said of itself, and a cache that is made anew from the entries.
FREE = {"import_run", "fold_state", "fold_mark"}
# A policy under which nothing is booked: it is kept before the first entry under it.
FREE_TO_ADD = {*FREE, "policy"}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def connection(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """A connection without guards; whatever is done with it is undone after each case."""
    if request.param == "sqlite":
        yield from _unguarded_file(tmp_path_factory.mktemp("furnished") / "county.db")
        return
    server: Server = request.getfixturevalue("postgres_server")
    with server.fresh() as url, open_ledger(url, clock=lambda: 1_750_000_000, durable=False) as ledger:
        furnish(ledger)
        with ledger.database.engine.connect() as opened:
            opened = opened.execution_options(ledger_writing=True)
            with opened.begin():
                drops = (
                    "SELECT 'ALTER TABLE ' || conrelid::regclass || ' DROP CONSTRAINT ' || quote_ident(conname) "
                    "FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace",
                    "SELECT 'ALTER TABLE ' || relname || ' DISABLE TRIGGER USER' FROM pg_class "
                    "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
                )
                for question in drops:
                    for (statement,) in opened.exec_driver_sql(question).all():
                        opened.exec_driver_sql(statement)
            yield opened


def _unguarded_file(path: Path) -> Iterator[Connection]:
    with open_ledger(str(path), clock=lambda: 1_750_000_000) as ledger:
        furnish(ledger)
    engine = sqlite.engine_at(path, 0)
    with engine.connect() as opened:
        raw = opened.connection.dbapi_connection
        assert raw is not None
        raw.execute("PRAGMA foreign_keys = OFF")
        with opened.begin():
            for (name,) in opened.exec_driver_sql("SELECT name FROM sqlite_schema WHERE type = 'trigger'").all():
                opened.exec_driver_sql(f"DROP TRIGGER {name}")
        yield opened
    engine.dispose()


def found(connection: Connection, *statements: tuple[str, Sequence[Any]]) -> str | None:
    """The first invariant that is broken after these statements; None where a row of this key is there already."""
    with connection.begin() as transaction:
        try:
            _do_past_the_checks(connection, statements)
            found = _violations(_database(connection), connection)
            return next((name for name, _, _ in found if name != "schema_as_made"), "")
        except IntegrityError:
            return None
        finally:
            transaction.rollback()


def _do_past_the_checks(connection: Connection, statements: Sequence[tuple[str, Sequence[Any]]]) -> None:
    is_sqlite = connection.dialect.name == "sqlite"
    # Each case is a transaction that is rolled back: what it switches off is on again in the next.
    connection.exec_driver_sql(
        "PRAGMA ignore_check_constraints = ON" if is_sqlite else "SET LOCAL session_replication_role = replica"
    )
    for statement, values in statements:
        spoken = statement if is_sqlite else statement.replace("?", "%s")
        assert connection.exec_driver_sql(spoken, tuple(values)).rowcount == 1
    connection.exec_driver_sql(
        "PRAGMA ignore_check_constraints = OFF" if is_sqlite else "SET LOCAL session_replication_role = origin"
    )


def _database(connection: Connection) -> Database:
    """The database of this connection, for what only it knows; the file has been opened already."""
    if connection.dialect.name == "sqlite":
        return sqlite.SqliteDatabase(connection.engine, "", None)
    return postgres.PostgresDatabase(connection.engine, "", "")


def rows_of(connection: Connection, table: Table) -> list[dict[str, Any]]:
    with connection.begin():
        rows = connection.exec_driver_sql(f'SELECT * FROM "{table.name}"').mappings().all()
    return [dict(row) for row in rows]


def some_of(connection: Connection, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A dozen rows or so, from the first to the last; on PostgreSQL, which takes its time, one."""
    if LONG or connection.dialect.name == "sqlite":
        return [*rows[:: 1 + len(rows) // 12], rows[-1]]
    return rows[-1:]


def where(table: Table, row: dict[str, Any]) -> tuple[str, list[Any]]:
    keys = [column.name for column in table.primary_key]
    return " AND ".join(f'"{key}" = ?' for key in keys), [row[key] for key in keys]


def other_values(column: Column[Any], value: Any) -> list[Any]:
    """What somebody could write in its place, from far off to hardly different."""
    if value is None:
        return ["2025-05-01"] if isinstance(column.type, Text) else [0, 1, 5]
    others: list[Any] = [None] if column.nullable else []
    if isinstance(column.type, LargeBinary):
        return [*others, value + b" ", value[:-1], b""] if value else [*others, b" "]
    if isinstance(column.type, Text):
        if len(value) == 10 and value[4] == "-":
            others.append((date.fromisoformat(value) + timedelta(1)).isoformat() if value < "9999" else "9999-12-30")
        return [*others, value + "x", ""] if value else [*others, "x"]
    return [*others, value + 1, value - 1, value + 1_000]


def nothing_in(table: Table) -> dict[str, Any]:
    """What is in a row of this table where it amounts to nothing: no sum is another for it."""
    amounts = (column for column in table.columns if column.type is Whole and not column.primary_key)
    return {column.name: None if column.nullable else 0 for column in amounts}


def columns() -> Iterator[Any]:
    for table in TABLES:
        for column in table.columns:
            yield pytest.param(table, column, id=f"{table.name}.{column.name}")


def test_the_ledger_of_these_tests_holds_and_has_rows_in_every_table(connection: Connection) -> None:
    assert found(connection) == ""
    assert [table.name for table in TABLES if not rows_of(connection, table)] == []


@pytest.mark.parametrize(("table", "column"), list(columns()))
def test_a_changed_value_is_found_in_every_row(connection: Connection, table: Table, column: Column[Any]) -> None:
    if connection.dialect.name != "sqlite" and not LONG:
        pytest.skip("every value on PostgreSQL: only in the long mode")
    unseen = []
    tried = 0
    for row in some_of(connection, rows_of(connection, table)):
        condition, key = where(table, row)
        statement = f'UPDATE "{table.name}" SET "{column.name}" = ? WHERE {condition}'
        for value in other_values(column, row[column.name]):
            name = found(connection, (statement, [value, *key]))
            tried += name is not None
            if not name and name is not None:
                unseen.append((row, value))
    assert tried
    if table.name in FREE:
        assert unseen, "verify finds it now: take the table off the list"
    else:
        assert unseen == []


@pytest.mark.parametrize("table", TABLES, ids=[table.name for table in TABLES])
def test_a_row_that_is_taken_away_is_found(connection: Connection, table: Table) -> None:
    unseen = []
    for row in some_of(connection, rows_of(connection, table)):
        condition, key = where(table, row)
        if not found(connection, (f'DELETE FROM "{table.name}" WHERE {condition}', key)):
            unseen.append(row)
    assert bool(unseen) == (table.name in FREE), unseen


@pytest.mark.parametrize("table", TABLES, ids=[table.name for table in TABLES])
def test_a_row_that_is_put_in_is_found(connection: Connection, table: Table) -> None:
    unseen = []
    tried = 0
    for row in some_of(connection, rows_of(connection, table)):
        for column in table.primary_key:
            for value in other_values(column, row[column.name]):
                copy = row | {column.name: value}
                if table.name == "passbook":
                    copy["volunteer"] += "x"  # one passbook for each person and county
                for put_in in (copy, copy | nothing_in(table)):
                    statement = f'INSERT INTO "{table.name}" VALUES ({", ".join("?" * len(put_in))})'
                    name = found(connection, (statement, list(put_in.values())))
                    tried += name is not None
                    if not name and name is not None:
                        unseen.append(put_in)
    assert tried
    assert bool(unseen) == (table.name in FREE_TO_ADD), unseen
