"""Many rows in few statements, as each database takes them fastest. Rows name every column in the order of the table.

SQLite: one statement with many rows, for it copies every page that a statement with a trigger touches, once per
statement; one row each cost twice the time of a whole booking. PostgreSQL: COPY, twenty times as fast as that; and
where a row may be there already, one JSON value that it turns into rows itself: bound values cost most of the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

import orjson
from sqlalchemy import BigInteger, Column, Connection, LargeBinary, Table

# At most 16 columns: far below any limit of variables.
ROWS_AT_ONCE = 100
COPIED_FROM = 8  # rows; fewer are sooner there in one statement, without the turn that COPY takes

Row = tuple[object, ...]


def insert(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows that are not there yet."""
    if connection.dialect.name == "postgresql" and len(rows) >= COPIED_FROM:
        _copy(connection, table, rows)
        return
    for start in range(0, len(rows), ROWS_AT_ONCE):
        some = rows[start : start + ROWS_AT_ONCE]
        statement = _insert_statement(table, len(some), connection.dialect.paramstyle)
        connection.exec_driver_sql(statement, tuple(chain.from_iterable(some)))


def insert_or(connection: Connection, table: Table, rows: Sequence[Row], otherwise: str) -> int:
    """Insert rows, or do what is said after ON CONFLICT; return how many were written."""
    written = 0
    if connection.dialect.name == "postgresql":
        if rows:
            columns = list(table.columns)
            statement = f"{_insert_from_json(table)} ON CONFLICT {otherwise}"
            written = connection.exec_driver_sql(statement, (_json(columns, rows),)).rowcount
        return written
    for start in range(0, len(rows), ROWS_AT_ONCE):
        some = rows[start : start + ROWS_AT_ONCE]
        statement = f"{_insert_statement(table, len(some), connection.dialect.paramstyle)} ON CONFLICT {otherwise}"
        written += connection.exec_driver_sql(statement, tuple(chain.from_iterable(some))).rowcount
    return written


def upsert(
    connection: Connection, table: Table, rows: Sequence[Row], key: Iterable[str], values: Iterable[str]
) -> None:
    """Insert rows, or give these values to those that are there."""
    sets = ", ".join(f"{name} = excluded.{name}" for name in values)
    insert_or(connection, table, rows, f"({', '.join(key)}) DO UPDATE SET {sets}")


def change(
    connection: Connection,
    table: Table,
    sets: Sequence[str],
    keys: Sequence[str],
    rows: Sequence[Row],
    *,
    adding: bool = False,
    unset: str = "",
) -> int:
    """Give each row that has these keys these values, or add them; return how many were changed.

    `unset` is a column that must be NULL. A key comes once.
    """
    if not rows:
        return 0
    if connection.dialect.name == "postgresql":
        statement = _update_from_arrays(table, tuple(sets), tuple(keys), adding, unset)
        return connection.exec_driver_sql(statement, tuple(map(list, zip(*rows, strict=True)))).rowcount
    values = ", ".join(f"{name} = {name} + ?" if adding else f"{name} = ?" for name in sets)
    where = " AND ".join([*(f"{name} = ?" for name in keys), *([f"{unset} IS NULL"] if unset else ())])
    return connection.exec_driver_sql(f"UPDATE {table.name} SET {values} WHERE {where}", list(rows)).rowcount


def delete_since(connection: Connection, table: Table, day: str, since: Sequence[tuple[int, str]]) -> None:
    """Delete of each of these passbooks what is of a day or a later one; `day` names the column."""
    if not since:
        return
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(
            f"DELETE FROM {table.name} USING unnest(%s::int8[], %s::text[]) AS old (passbook, day) "
            f"WHERE {table.name}.passbook = old.passbook AND {table.name}.{day} >= old.day",
            tuple(map(list, zip(*since, strict=True))),
        )
    else:
        connection.exec_driver_sql(f"DELETE FROM {table.name} WHERE passbook = ? AND {day} >= ?", list(since))


def _copy(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    raw: Any = connection.connection.dbapi_connection
    with (
        raw.cursor() as cursor,
        cursor.copy(f"COPY {table.name} ({', '.join(table.columns.keys())}) FROM STDIN (FORMAT BINARY)") as copy,
    ):
        copy.set_types([_type(column) for column in table.columns])
        write = copy.write_row
        for row in rows:
            write(row)


@lru_cache(maxsize=256)
def _insert_statement(table: Table, rows: int, paramstyle: str) -> str:
    mark = "?" if paramstyle == "qmark" else "%s"
    row = f"({', '.join([mark] * len(table.columns))})"
    return f"INSERT INTO {table.name} ({', '.join(table.columns.keys())}) VALUES {', '.join([row] * rows)}"


@lru_cache(maxsize=64)
def _insert_from_json(table: Table) -> str:
    names = ", ".join(table.columns.keys())
    return f"INSERT INTO {table.name} ({names}) SELECT * FROM {_recordset(list(table.columns))}"


@lru_cache(maxsize=64)
def _update_from_arrays(table: Table, sets: tuple[str, ...], keys: tuple[str, ...], adding: bool, unset: str) -> str:
    columns = [table.columns[name] for name in (*sets, *keys)]
    values = ", ".join(
        f"{name} = {table.name}.{name} + new.c{place}" if adding else f"{name} = new.c{place}"
        for place, name in enumerate(sets)
    )
    same = [f"{table.name}.{name} = new.c{place}" for place, name in enumerate(keys, len(sets))]
    where = " AND ".join([*same, *([f"{table.name}.{unset} IS NULL"] if unset else ())])
    names = ", ".join(f"c{place}" for place in range(len(columns)))
    arrays = ", ".join(f"%s::{_type(column)}[]" for column in columns)
    return f"UPDATE {table.name} SET {values} FROM unnest({arrays}) AS new ({names}) WHERE {where}"


def _recordset(columns: Sequence[Column[Any]]) -> str:
    names = ", ".join(f"c{place} {_type(column)}" for place, column in enumerate(columns))
    return f"json_to_recordset(%s::json) AS new ({names})"


def _json(columns: Sequence[Column[Any]], rows: Iterable[Row]) -> str:
    names = [f"c{place}" for place in range(len(columns))]
    return orjson.dumps([dict(zip(names, map(_plain, row), strict=True)) for row in rows]).decode()


def _plain(value: object) -> object:
    return f"\\x{value.hex()}" if isinstance(value, bytes) else value


def _type(column: Column[Any]) -> str:
    if isinstance(column.type, BigInteger):
        return "int8"
    return "bytea" if isinstance(column.type, LargeBinary) else "text"
