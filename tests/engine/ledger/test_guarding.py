"""The database itself refuses to change history, and to keep an entry that is not balanced and complete."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest
from sqlalchemy import Column, LargeBinary, Table, Text

from lianxing.engine.ledger import postgres_guards, postgres_schema, schemas, sqlite
from lianxing.engine.ledger.errors import RefusedError
from lianxing.engine.ledger.kept import ONCE
from lianxing.engine.ledger.opening import Ledger, open_ledger
from lianxing.engine.ledger.tables import metadata
from lianxing.engine.ledger.verifying import verify
from tests.engine.ledger.making import COUNTY, VOLUNTEER, book, furnish, original, record
from tests.postgres import Server, as_postgres

# What may change; of a table that is not here, nothing. The cache of folds may change, and be thrown away.
CHANGES = {
    "passbook": {"number", "head", "recorded_at", "closed_on"},
    "balance": {"posted", "floor"},
    "record_key": {"passbook", "original", "content_hash"},
    "volunteer": {"facts", "registered_on", "born_on"},
    "stock": {"taken"},
    "lot": {"remaining", "ends"},
    "service_record": {"superseded_by"},
    "hold": {"ended_by"},
    "redemption": {"returned_by"},
}
CACHE = {"fold_state", "fold_mark"}
KEPT = [table for table in metadata.tables.values() if table.name not in CACHE]
FIXED = [
    (table, column) for table in KEPT for column in table.columns if column.name not in CHANGES.get(table.name, ())
]


def run(ledger: Ledger, *statements: str) -> None:
    with ledger._transaction(writing=True) as connection:
        for statement in statements:
            spoken = as_postgres(statement) if ledger.database.is_postgres else statement
            connection.exec_driver_sql(spoken).close()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def furnished(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """Rows in every table. Every case of these tests is refused, so that all can share it."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            address = str(tmp_path_factory.mktemp("guarded") / "county.db")
        else:
            server: Server = request.getfixturevalue("postgres_server")
            address = stack.enter_context(server.fresh())
        ledger = stack.enter_context(open_ledger(address, clock=lambda: 1_750_000_000, durable=False))
        furnish(ledger)
        yield ledger


@pytest.mark.parametrize("table", KEPT, ids=[table.name for table in KEPT])
def test_no_row_is_taken_away_or_replaced(furnished: Ledger, table: Table) -> None:
    replacing = f"REPLACE INTO {table.name} SELECT * FROM {table.name}"
    for statement in (
        f"DELETE FROM {table.name}",
        f"TRUNCATE {table.name} CASCADE" if furnished.database.is_postgres else replacing,
    ):
        with pytest.raises(RefusedError):
            run(furnished, statement)
    assert verify(furnished) == []


def another(column: Column[Any]) -> str:
    if isinstance(column.type, LargeBinary):
        return "x'00'"
    return f"coalesce({column.name}, '') || 'x'" if isinstance(column.type, Text) else f"coalesce({column.name}, 0) + 1"


@pytest.mark.parametrize(("table", "column"), FIXED, ids=[f"{table.name}.{column.name}" for table, column in FIXED])
def test_what_was_written_stays(furnished: Ledger, table: Table, column: Column[Any]) -> None:
    with pytest.raises(RefusedError, match=r"append-only|keeps its key|only"):
        run(furnished, f"UPDATE {table.name} SET {column.name} = {another(column)}")


def test_a_passbook_only_grows(furnished: Ledger) -> None:
    for change in ("number = number - 1", "number = number", "number = number + 1, recorded_at = recorded_at - 1"):
        with pytest.raises(RefusedError, match="a passbook only grows"):
            run(furnished, f"UPDATE passbook SET {change}")


@pytest.mark.parametrize(("table", "column"), [(table, column) for table, (column, _) in ONCE.items()])
@pytest.mark.parametrize("value", ["NULL", "99", "same"])
def test_what_is_written_once_is_not_written_again(furnished: Ledger, table: str, column: str, value: str) -> None:
    value = column if value == "same" else value
    with pytest.raises(RefusedError, match="append-only"):
        run(furnished, f"UPDATE {table} SET {column} = {value} WHERE {column} IS NOT NULL")


# The ledger of what follows has the record r1 of V1 as entry 1 of passbook 1.
RECORD = "INSERT INTO service_record VALUES (1, 2, 'zhiyuanhui', 'r2', 2, '', x'7b7d', x'7b7d', NULL)"
KEY = "INSERT INTO record_key VALUES ('r2', 'zhiyuanhui', 1, 2, '')"
LINE = "INSERT INTO posting VALUES (1, 2, 1, 'earned', 'seconds', 5, 7205)"
CONTRA = "INSERT INTO posting VALUES (1, 2, 2, 'issued', 'seconds', -5, NULL)"
ENTRY = (
    "INSERT INTO entry SELECT passbook, 2, 'original', registry, 'r2', recorded_at, effective_on, policy_digest, NULL, "
    "5, 0, 1, '', '', body, hash FROM entry WHERE number = 1"
)


def other(statement: str, old: str, new: str) -> str:
    assert old in statement
    return statement.replace(old, new)


def at_3(statement: str) -> str:
    return other(statement, "(1, 2,", "(1, 3,").replace("'r2', 2", "'r2', 3")


GIFT = other(ENTRY, "'original'", "'gift'")
USES = "INSERT INTO posting VALUES (1, 2, 3, 'meal', 'uses', 1, 1)"
WALLET = "INSERT INTO posting VALUES (1, 2, 3, 'wallet', 'points', 7, 7)"
OF_ENTRY = {
    "posting": "(1, {}, 9, 'honour', 'points', 5, NULL)",
    "floor_change": "(1, {}, 9, 'wallet', 'points', 0)",
    "lot": "(1, 'wallet', 9, {}, '2025-01-01', '9999-12-31', '', 5, 0, '9999-12-31')",
    "lot_move": "(1, {}, 9, 'wallet', 1, 5)",
    "lot_end": "(1, {}, 9, 'wallet', 1)",
    "wallet_state": "(1, {}, 9, 'wallet', 0, 0, '[]')",
    "redemption": "(1, {}, '2025-06-01', 'rice', '', 1, 5, 0, NULL)",
    "hold": "(1, {}, 'wallet', 5, '2025-06-01', NULL)",
    "stock_move": "(1, {}, 9, 'rice', 1)",
    "service_record": "(1, {}, 'zhiyuanhui', 'r9', 1, '', x'', x'', NULL)",
    "command": "('counter', 'k9', '', 1, {})",
}


@pytest.mark.parametrize(
    ("statements", "sentence"),
    [
        ((RECORD, LINE, ENTRY), "not balanced"),
        ((RECORD, ENTRY), "not balanced"),
        ((RECORD, LINE, other(CONTRA, "-5", "-4"), ENTRY), "not balanced"),
        ((RECORD, LINE, other(CONTRA, "seconds", "points"), ENTRY), "not balanced"),
        ((RECORD, LINE, CONTRA, other(ENTRY, "5, 0", "6, 0")), "not balanced"),
        ((RECORD, LINE, CONTRA, USES, ENTRY), "not balanced"),
        ((RECORD, LINE, CONTRA, WALLET, ENTRY), "not balanced"),
        ((RECORD, LINE, other(CONTRA, "'issued'", "'earned'"), ENTRY), "not balanced"),
        ((RECORD, LINE, CONTRA), "foreign key"),
        ((LINE, CONTRA, ENTRY), "stands with its service record"),
        ((other(RECORD, "(1, 2,", "(1, 3,"), LINE, CONTRA, ENTRY), "stands with its service record"),
        ((other(RECORD, "'r2'", "'r3'"), LINE, CONTRA, ENTRY), "stands with its service record"),
        ((other(RECORD, "zhi", "Zhi"), LINE, CONTRA, ENTRY), "stands with its service record"),
        ((RECORD, other(LINE, "'seconds', 5", "'seconds', 0")), "posting_amount"),
        ((RECORD, other(LINE, "'seconds', 5", "'seconds', 5.5")), "INTEGER|foreign key"),  # rounded by PostgreSQL
        ((RECORD, other(LINE, "'seconds', 5", "'seconds', 1000000000000001")), "posting_amount_within"),
        ((RECORD, other(LINE, "'seconds'", "'hours'")), "posting_unit"),
        ((RECORD, LINE, LINE), "unique"),
        ((*map(at_3, (RECORD, LINE, CONTRA)), other(ENTRY, "passbook, 2", "passbook, 3")), "without a gap"),
        ((other(other(GIFT, "passbook, 2", "passbook, 1"), "5, 0", "7200, 600"),), "without a gap|unique"),
        ((other(other(GIFT, "passbook, 2", "passbook, 0"), "5, 0", "0, 0"),), "without a gap|entry_number"),
        ((other(other(ENTRY, "'original'", "'adjusting'"), "NULL, 5", "1, 0"),), "original of the same record"),
        ((other(other(ENTRY, "'original'", "'adjusting'"), "NULL, 5", "2, 0"),), "original of the same record|earlier"),
        ((other(other(ENTRY, "'original'", "''"), "5, 0", "0, 0"),), "entry_kind"),
        ((other(other(ENTRY, "'original'", "'gift'"), "5, 0, 1", "0, 0, 2"),), "entry_counted"),
        ((other(other(ENTRY, "'original'", "'corrected'"), "5, 0", "0, 0"),), "stands with its service record"),
        ((other(other(ENTRY, "'original'", "'withdrawn'"), "5, 0", "0, 0"),), "stands with its service record"),
        ((other(other(ENTRY, "policy_digest", "'x'"), "5, 0", "0, 0"), RECORD), "stands with|foreign key"),
        ((RECORD, KEY, KEY), "unique"),
        (("INSERT INTO passbook VALUES (9, 'V1', 'youxian', 0, x'', 0, NULL)",), "unique"),
        (("INSERT INTO balance VALUES (1, 'wallet', 'points', -1, 0)",), "balance_floor"),
        (("INSERT INTO balance VALUES (9, 'wallet', 'points', 0, 0)",), "foreign key"),
        (("INSERT INTO stock VALUES ('youxian', 'rice', -1)",), "stock_taken"),
        *(
            ((f"INSERT INTO {table} VALUES {values.format(1)}",), "the entry is sealed|service_record_pkey")
            for table, values in OF_ENTRY.items()
        ),
        *(
            ((f"INSERT INTO {table} VALUES {values.format(2)}",), "foreign key")
            for table, values in OF_ENTRY.items()
            if table != "command"  # the directory of keys refers to no passbook; `verify` asks
        ),
    ],
)
def test_what_is_not_balanced_and_complete_cannot_commit(
    ledger: Ledger, statements: Iterable[str], sentence: str
) -> None:
    book(ledger, original(record("r1")))
    with pytest.raises(RefusedError, match=f"(?i){sentence}"):
        run(ledger, *statements)
    assert verify(ledger) == []


def test_the_cases_above_name_every_table_that_belongs_to_an_entry() -> None:
    assert set(OF_ENTRY) == {
        table.name for table in metadata.tables.values() if {"passbook", "entry"} <= set(table.c.keys())
    }


def test_the_guards_let_through_what_is_balanced_and_complete(ledger: Ledger) -> None:
    book(ledger, original(record("r1")))
    run(ledger, RECORD, LINE, CONTRA, ENTRY)
    with ledger.reading() as reading:
        assert [stored.entry.id for stored in reading.passbook_entries(VOLUNTEER, COUNTY)] == [1, 2]
    # Balanced, and yet not by this program: the balance, the directory and the chain tell.
    assert {violation.invariant for violation in verify(ledger)} == {
        "balance_equals_postings",
        "chain_holds",
        "content_matches_hash",
        "passbook_ends_with_last_entry",
        "record_is_in_directory",
    }


def test_both_databases_have_the_same_guards() -> None:
    assert set(sqlite._GUARDS) <= set(postgres_guards.GUARDS)
    more = {name for name, ddl in postgres_guards.GUARDS.items() if " TRIGGER " in ddl} - set(sqlite._GUARDS)
    assert {name.rpartition("_no_")[2] for name in more} == {"truncate"}


def test_guards_of_a_ledger_are_there_after_it_is_opened_again(address: str) -> None:
    with open_ledger(address) as ledger:
        book(ledger, original(record("r1")))
    with open_ledger(address) as ledger, pytest.raises(RefusedError, match="entry is append-only"):
        run(ledger, "DELETE FROM entry")


SWALLOWING = "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
ACTING = "CREATE FUNCTION as_if(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1; END'"
WITHOUT_CHECK = (
    "UPDATE sqlite_schema SET sql = replace(sql, 'CHECK (taken >= 0)', 'CHECK (1)') WHERE name = 'stock'",
    "ALTER TABLE stock DROP CONSTRAINT stock_taken, ADD CONSTRAINT stock_taken CHECK (taken >= -1)",
)
NULLABLE = ("UPDATE sqlite_schema SET sql = replace(sql, 'kind TEXT NOT NULL', 'kind TEXT') WHERE name = 'entry'",)
WEAKENED: tuple[tuple[str, tuple[str, ...], tuple[str, ...], set[str]], ...] = (
    (
        "a trigger that swallows keys",
        ("CREATE TRIGGER zz BEFORE INSERT ON command BEGIN SELECT RAISE(IGNORE); END",),
        (SWALLOWING, "CREATE TRIGGER zz BEFORE INSERT ON command FOR EACH ROW EXECUTE FUNCTION swallow()"),
        {"trigger zz is added"},
    ),
    (
        "a table without its primary key",
        (
            "ALTER TABLE fold_state RENAME TO old",
            "CREATE TABLE fold_state (passbook INTEGER, policy_digest TEXT, number INTEGER, state BLOB)",
            "DROP TABLE old",
        ),
        ("ALTER TABLE fold_state DROP CONSTRAINT fold_state_pkey",),
        {"table fold_state is changed", "constraint fold_state.fold_state_pkey is missing"},
    ),
    (
        "a check that lets everything pass",
        ("PRAGMA writable_schema = ON", WITHOUT_CHECK[0], "PRAGMA writable_schema = OFF"),
        (WITHOUT_CHECK[1],),
        {"table stock is changed", "constraint stock.stock_taken is changed"},
    ),
    (
        "a column that may be empty",
        (
            "PRAGMA writable_schema = ON",
            "UPDATE sqlite_schema SET sql = replace(sql, 'kind TEXT NOT NULL', 'kind TEXT')",
        ),
        ("ALTER TABLE entry ALTER COLUMN kind DROP NOT NULL",),
        {"table entry is changed", "column entry.kind is changed"},
    ),
    ("an index less", ("DROP INDEX hold_open",), ("DROP INDEX hold_open",), {"index hold_open is missing"}),
    (
        "an index that refuses rows",
        ("CREATE UNIQUE INDEX zz ON entry (number, passbook)",),
        ("CREATE UNIQUE INDEX zz ON entry (number, passbook)",),
        {"index zz is added"},
    ),
    (
        "an index that works out what refuses a row",
        ("CREATE INDEX zz ON entry (abs(number))",),
        ("CREATE INDEX zz ON entry ((1 / (number - 7777)))",),
        {"index zz is added"},
    ),
    (
        "an index that acts as a trigger",
        (),
        (ACTING, "CREATE INDEX zz ON import_run (as_if(source))"),
        {"index zz is added"},
    ),
    (
        "an index that acts where a condition is asked",
        (),
        (ACTING, "CREATE INDEX zz ON import_run (id) WHERE as_if(source) <> ''"),
        {"index zz is added"},
    ),
    (
        "an index of ours that acts",
        (),
        (ACTING, "DROP INDEX command_of_entry", "CREATE INDEX command_of_entry ON command (passbook, as_if(key))"),
        {"index command_of_entry is changed"},
    ),
    (
        "an index of ours that is stored otherwise",
        (),
        ("ALTER INDEX hold_open SET (fillfactor = 70)",),
        set(),
    ),
    (
        "a rule by which nothing is written",
        (),
        ("CREATE RULE zz AS ON INSERT TO command DO INSTEAD NOTHING",),
        {"rule command.zz is added"},
    ),
    (
        "a trigger switched off",
        (),
        ("ALTER TABLE entry DISABLE TRIGGER entry_no_delete",),
        {"trigger entry_no_delete is changed"},
    ),
    (
        "what changes no answer",
        ("CREATE INDEX of_kinds ON entry (kind)", "CREATE TABLE of_others (id INTEGER)"),
        ("CREATE INDEX of_kinds ON entry (kind)", "CREATE TABLE of_others (id INTEGER PRIMARY KEY)"),
        set(),
    ),
)


class UndoneError(Exception):
    """What was tried is rolled back."""


@pytest.mark.parametrize(("what", "on_sqlite", "on_postgres", "odd"), WEAKENED, ids=[case[0] for case in WEAKENED])
def test_a_schema_that_somebody_changed_is_found(
    furnished: Ledger, what: str, on_sqlite: tuple[str, ...], on_postgres: tuple[str, ...], odd: set[str]
) -> None:
    statements = on_postgres if furnished.database.is_postgres else on_sqlite
    with suppress(UndoneError), furnished._transaction(writing=True) as connection:
        for statement in statements:
            connection.exec_driver_sql(statement).close()
        found = {f"{one.kind} {one.name} is {one.how}" for one in schemas.odd(connection)}
        raise UndoneError
    assert found <= odd
    assert bool(found) == bool(statements and odd)


def test_the_catalogue_of_a_new_ledger_is_as_it_is_described(furnished: Ledger) -> None:
    with furnished._transaction(writing=False) as connection:
        assert list(schemas.odd(connection)) == []
        if furnished.database.is_postgres:
            assert {(one.kind, one.name) for one in schemas.on_postgres(connection)} == {
                (kind, name) for kind, name, _table, _definition in postgres_schema.made()
            }
