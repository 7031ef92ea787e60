"""A redemption with nothing but its rows, to compare the bank's redemptions with; a peer, and no bound.

An answer to a key, an entry with its hash, two postings, a balance that cannot fall below zero, one lot and what was
taken from it. No rules, no reasons, no review, no limits, no stock. One recipe for each database: on
SQLite one writer commits what all callers have asked meanwhile, on PostgreSQL each client sends one statement.
"""

from __future__ import annotations

import hashlib
import importlib
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from lianxing.engine.ledger.sqlite import sqlite_version_in_use

ENOUGH = 1_000_000_000
TABLES = (
    "CREATE TABLE bare_balance (owner BIGINT PRIMARY KEY, posted BIGINT NOT NULL CHECK (posted >= 0), number BIGINT)",
    "CREATE TABLE bare_entry (owner BIGINT, number BIGINT, kind TEXT, body BYTEA, hash TEXT, "
    "PRIMARY KEY (owner, number))",
    "CREATE TABLE bare_posting (owner BIGINT, number BIGINT, line BIGINT, account TEXT, amount BIGINT, "
    "PRIMARY KEY (owner, number, line))",
    "CREATE TABLE bare_lot (owner BIGINT, lot BIGINT, ends TEXT, remaining BIGINT CHECK (remaining >= 0), "
    "PRIMARY KEY (owner, lot))",
    "CREATE TABLE bare_lot_move (owner BIGINT, number BIGINT, lot BIGINT, amount BIGINT, "
    "PRIMARY KEY (owner, number, lot))",
    "CREATE TABLE bare_key (scope TEXT, key TEXT, hash TEXT, owner BIGINT, number BIGINT, PRIMARY KEY (scope, key))",
)
ONE_STATEMENT = """
WITH taken AS (
  UPDATE bare_balance SET posted = posted - %(amount)s, number = number + 1
  WHERE owner = %(owner)s AND posted >= %(amount)s RETURNING owner, number
), of_lot AS (
  UPDATE bare_lot SET remaining = remaining - %(amount)s WHERE owner = %(owner)s AND lot = 1 RETURNING lot
), written AS (
  INSERT INTO bare_entry SELECT owner, number, 'redeemed', %(body)s, %(hash)s FROM taken
), posted AS (
  INSERT INTO bare_posting SELECT owner, number, line, account, amount FROM taken,
  (VALUES (0, 'points', -%(amount)s), (1, 'redeemed', %(amount)s)) AS lines (line, account, amount)
), moved AS (
  INSERT INTO bare_lot_move SELECT owner, number, lot, -%(amount)s FROM taken, of_lot
)
INSERT INTO bare_key SELECT %(scope)s, %(key)s, %(hash)s, owner, number FROM taken RETURNING number
"""
EACH_OF_MANY = (
    "UPDATE bare_balance SET posted = posted - :amount, number = number + 1 WHERE owner = :owner",
    "UPDATE bare_lot SET remaining = remaining - :amount WHERE owner = :owner AND lot = 1",
    "INSERT INTO bare_entry SELECT owner, number, 'redeemed', :body, :hash FROM bare_balance WHERE owner = :owner",
    "INSERT INTO bare_posting SELECT owner, number, 0, 'points', -:amount FROM bare_balance WHERE owner = :owner",
    "INSERT INTO bare_posting SELECT owner, number, 1, 'redeemed', :amount FROM bare_balance WHERE owner = :owner",
    "INSERT INTO bare_lot_move SELECT owner, number, 1, -:amount FROM bare_balance WHERE owner = :owner",
    "INSERT INTO bare_key SELECT :scope, :key, :hash, owner, number FROM bare_balance WHERE owner = :owner",
)
# As long as the answer to a redemption.
BODY = b'{"asked":{"kind":"redeem","offer":"soap","units":1},"clause":"soap","price":"1","workings":[]}' * 6


def of_sqlite(path: Path, people: int, callers: int, seconds: float) -> float:
    """Return redemptions per second of one writer with group commit."""
    driver = importlib.import_module(sqlite_version_in_use().driver)
    waiting: SimpleQueue[tuple[dict[str, Any], Future[None]] | None] = SimpleQueue()
    ready: Future[None] = Future()

    def write() -> None:
        connection = driver.connect(path, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        for table in TABLES:
            connection.execute(table)
        _furnish(connection, people, "?")
        ready.set_result(None)
        while (first := waiting.get()) is not None:
            group = [first, *_more(waiting, callers)]
            connection.execute("BEGIN IMMEDIATE")
            for asked, _answer in group:
                for statement in EACH_OF_MANY:
                    connection.execute(statement, asked)
            connection.execute("COMMIT")
            for _asked, answer in group:
                answer.set_result(None)

    def ask(asked: dict[str, Any]) -> None:
        answer: Future[None] = Future()
        waiting.put((asked, answer))
        answer.result()

    writer = Thread(target=write)
    writer.start()
    ready.result()
    try:
        return _rate(callers, people, seconds, lambda: ask)
    finally:
        waiting.put(None)
        writer.join()


def of_postgresql(address: str, people: int, callers: int, seconds: float) -> float:
    """Return redemptions per second where every client has a connection; the tables are dropped again."""
    psycopg = importlib.import_module("psycopg")
    with psycopg.connect(address, autocommit=True) as connection:
        for table in TABLES:
            connection.execute(table)
        with connection.transaction():
            _furnish(connection, people, "%s")
        connection.execute("ANALYZE")
        try:
            return _rate(
                callers, people, seconds, lambda: psycopg.connect(address, autocommit=True).execute, ONE_STATEMENT
            )
        finally:
            for table in TABLES:
                connection.execute(f"DROP TABLE {table.split()[2]}")


def _furnish(connection: Any, people: int, mark: str) -> None:
    cursor = connection.cursor()
    cursor.executemany(f"INSERT INTO bare_balance VALUES ({mark}, {ENOUGH}, 0)", [(one,) for one in range(people)])
    cursor.executemany(
        f"INSERT INTO bare_lot VALUES ({mark}, 1, '2099-12-31', {ENOUGH})", [(one,) for one in range(people)]
    )


def _more(waiting: SimpleQueue[Any], most: int) -> Iterator[Any]:
    for _one in range(most - 1):
        try:
            yield waiting.get(timeout=0.0003)
        except Empty:
            return


def _rate(callers: int, people: int, seconds: float, client: Any, *before: Any) -> float:
    def call(caller: int) -> int:
        ask, number, began = client(), 0, time.perf_counter()
        while time.perf_counter() - began < seconds:
            key = f"{number}"
            asked = {"owner": (number * callers + caller) % people, "amount": 1, "scope": f"till{caller}", "key": key}
            asked |= {"body": BODY, "hash": hashlib.sha256(BODY + key.encode()).hexdigest()}
            ask(*before, asked)
            number += 1
        return number

    began = time.perf_counter()
    with ThreadPoolExecutor(callers) as pool:
        done = sum(pool.map(call, range(callers)))
    return done / (time.perf_counter() - began)
