"""Many rows in few statements, as each database takes them fastest. Rows name every column in the order of the table.

SQLite: one statement with many rows, for it copies every page that a statement with a trigger touches, once per
statement; one row each cost twice the time of a whole booking. PostgreSQL: one JSON value that it turns into rows
itself, for bound values cost most of the time; and one statement after another without waiting for the answer of each:
it works while the next rows are made. COPY takes as long with thousands of rows and twice as long with eight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from itertools import chain
from typing import Any, Protocol

import orjson
from sqlalchemy import BigInteger, Column, Connection, LargeBinary, Table

# At most 16 columns: far below any limit of variables.
ROWS_AT_ONCE = 100
ROWS_OF_JSON = 5_000  # a value holds a gigabyte at most

_NO_ANSWER = -1

Row = tuple[object, ...]
Problem = Callable[[], Exception]


class Way(Protocol):
    """How statements get to the database."""

    def run(self, statement: str, values: Any) -> Any:
        """Send a statement; return what knows in `rowcount` how many rows it has written, once `rest` is over."""

    def push(self) -> None:
        """Hand on what the connection could not take at once; waits for nothing."""

    def rest(self) -> None:
        """Wait until the database has done all that was sent; the connection is free then. Raise the first error."""


class Sending:
    """Statements of one transaction that are sent one after another, from `sending`.

    What must write a certain number of rows, and has written another, raises its problem at the end; the first of them.
    """

    def __init__(self, connection: Connection, way: Way) -> None:
        self._connection = connection
        self._way = way
        self._expected: list[tuple[Any, int, Problem]] = []

    def insert(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert rows that are not there yet."""
        for statement, values, _count in _inserts(self._connection, table, rows):
            self._run(statement, values)

    def insert_all(self, table: Table, rows: Sequence[Row], otherwise: str, problem: Problem) -> None:
        """Insert rows, or do what is said after ON CONFLICT; each must be written."""
        for statement, values, count in _inserts(self._connection, table, rows):
            self._expected.append((self._run(f"{statement} ON CONFLICT {otherwise}", values), count, problem))

    def upsert(self, table: Table, rows: Sequence[Row], key: Iterable[str], values: Iterable[str]) -> None:
        """Insert rows, or give these values to those that are there."""
        sets = ", ".join(f"{name} = excluded.{name}" for name in values)
        for statement, bound, _count in _inserts(self._connection, table, rows):
            self._run(f"{statement} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {sets}", bound)

    def change(
        self,
        table: Table,
        sets: Sequence[str],
        keys: Sequence[str],
        rows: Sequence[Row],
        problem: Problem,
        *,
        adding: bool = False,
        unset: str = "",
    ) -> None:
        """Give each row that has these keys these values, or add them; each must be there.

        `unset` is a column that must be NULL. A key comes once.
        """
        if not rows:
            return
        values: Any
        if is_postgres(self._connection):
            statement = _update_from_arrays(table, tuple(sets), tuple(keys), adding, unset)
            values = tuple(map(array_of, zip(*rows, strict=True)))
        else:
            names = ", ".join(f"{name} = {name} + ?" if adding else f"{name} = ?" for name in sets)
            where = " AND ".join([*(f"{name} = ?" for name in keys), *([f"{unset} IS NULL"] if unset else ())])
            statement, values = f"UPDATE {table.name} SET {names} WHERE {where}", list(rows)
        self._expected.append((self._run(statement, values), len(rows), problem))

    def delete_since(self, table: Table, day: str, since: Sequence[tuple[int, str]]) -> None:
        """Delete of each of these passbooks what is of a day or a later one; `day` names the column."""
        if not since:
            return
        if is_postgres(self._connection):
            self._run(
                f"DELETE FROM {table.name} USING unnest(%s::int8[], %s::text[]) AS old (passbook, day) "
                f"WHERE {table.name}.passbook = old.passbook AND {table.name}.{day} >= old.day",
                tuple(map(array_of, zip(*since, strict=True))),
            )
        else:
            self._run(f"DELETE FROM {table.name} WHERE passbook = ? AND {day} >= ?", list(since))

    def check_references(self) -> None:
        """Let the database check now what it would check at the end of the transaction."""
        if is_postgres(self._connection):
            self._run("SET CONSTRAINTS ALL IMMEDIATE", ())
            self._run("SET CONSTRAINTS ALL DEFERRED", ())

    def delete_of(self, table: Table, passbooks: Iterable[int]) -> None:
        """Delete what is of these passbooks."""
        ids = list(passbooks)
        if not ids:
            return
        if is_postgres(self._connection):
            self._run(f"DELETE FROM {table.name} WHERE passbook = ANY(%s::int8[])", (array_of(ids),))
        else:
            one_of = "IN (SELECT value FROM json_each(?))"
            self._run(f"DELETE FROM {table.name} WHERE passbook {one_of}", (orjson.dumps(ids).decode(),))

    def push(self) -> None:
        """Hand on what could not be sent at once; to be called now and then while the next is made."""
        self._way.push()

    def rest(self) -> None:
        """Wait for all that was sent; raise the first error, or the problem of what has written too few rows.

        Where something failed, what was sent after it has no answer; a row that is not there is why the next failed.
        """
        failure: Exception | None = None
        try:
            self._way.rest()
        except Exception as error:
            failure = error
        expected, self._expected = self._expected, []
        for sent, rows, problem in expected:
            if sent.rowcount != rows and not (failure is not None and sent.rowcount == _NO_ANSWER):
                raise problem() from None
        if failure is not None:
            raise failure

    def _run(self, statement: str, values: Any) -> Any:
        return self._way.run(statement, values)


class _AtOnce:
    """Each statement is done before the next is sent."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def run(self, statement: str, values: Any) -> Any:
        return run(self._connection, statement, values)

    def push(self) -> None:
        pass

    def rest(self) -> None:
        pass


class _Pipelined:
    """PostgreSQL does one statement while the next is sent."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._pipeline = ExitStack()
        self._open = False
        self._failure: Exception | None = None

    def run(self, statement: str, values: Any) -> Any:
        raw: Any = self._connection.connection.dbapi_connection
        if self._failure is not None:
            return raw.cursor()
        if not self._open:
            self._pipeline.enter_context(raw.pipeline())
            self._open = True
        try:
            return run(self._connection, statement, values)
        except Exception as error:  # raised at rest: the pipeline would log what else it finds at its end
            self._failure = error
            return raw.cursor()

    def push(self) -> None:
        if self._open and self._failure is None:
            raw: Any = self._connection.connection.dbapi_connection
            raw.pgconn.flush()

    def rest(self) -> None:
        self._open = False
        try:
            self._pipeline.close()
        except self._connection.dialect.loaded_dbapi.Error as error:
            self._failure = self._failure or error
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure


def run(connection: Connection, statement: str, values: Any) -> Any:
    """Run a statement past SQLAlchemy, which takes as long for it as a database, and return the driver's cursor.

    A list of values: once for each of them. Whoever listens to statements hears this one, too.
    """
    raw: Any = connection.connection.dbapi_connection
    cursor = raw.cursor()
    for listener in connection.dispatch.before_cursor_execute:
        statement, values = listener(connection, cursor, statement, values, None, False)
    if isinstance(values, list):
        cursor.executemany(statement, values)
    else:
        cursor.execute(statement, values)
    return cursor


@contextmanager
def sending(connection: Connection) -> Iterator[Sending]:
    """Send statements; every answer has come at the end, where the first error is raised.

    Nothing else uses the connection meanwhile, but after a `rest`.
    """
    sent = Sending(connection, _Pipelined(connection) if is_postgres(connection) else _AtOnce(connection))
    try:
        yield sent
    finally:
        sent.rest()


def array_of(values: Iterable[object]) -> str:
    r"""Return values as PostgreSQL reads an array of its own: the driver takes ten times as long for a list.

    >>> array_of([1, None, 'a "b"', b"\xff"])
    '{1,NULL,"a \\"b\\"","\\\\xff"}'
    """
    return "{" + ",".join(map(_element, values)) + "}"


def _element(value: object) -> str:
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if isinstance(value, bytes):
        return f'"\\\\x{value.hex()}"'
    return "NULL" if value is None else str(value)


def insert_or(connection: Connection, table: Table, row: Row, otherwise: str) -> bool:
    """Insert a row, or do what is said after ON CONFLICT; return whether anything was written."""
    ((statement, values, _count),) = _inserts(connection, table, [row])
    return connection.exec_driver_sql(f"{statement} ON CONFLICT {otherwise}", values).rowcount > 0


def is_postgres(connection: Connection) -> bool:
    return connection.dialect.name == "postgresql"


def _inserts(connection: Connection, table: Table, rows: Sequence[Row]) -> Iterator[tuple[str, Row, int]]:
    """Yield statements that insert rows, each with its values and how many rows they are."""
    if is_postgres(connection):
        for start in range(0, len(rows), ROWS_OF_JSON):
            some = rows[start : start + ROWS_OF_JSON]
            yield _insert_from_json(table), (_json(list(table.columns), some),), len(some)
        return
    for start in range(0, len(rows), ROWS_AT_ONCE):
        some = rows[start : start + ROWS_AT_ONCE]
        yield _insert_statement(table, len(some)), tuple(chain.from_iterable(some)), len(some)


@lru_cache(maxsize=256)
def _insert_statement(table: Table, rows: int) -> str:
    row = f"({', '.join('?' * len(table.columns))})"
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
