"""The whole schema of a ledger beside the one that the migrations make: tables, keys, checks, indexes, triggers, rules.

On SQLite a ledger is made anew in memory, and every statement compared. On PostgreSQL `postgres_schema` tells what the
catalogue says of a ledger as it is made; triggers and their functions are compared with what `postgres` makes them of.

What else there is in the database is nobody's business here, unless it can act on a table of the ledger: a trigger, a
rule, a constraint, an index that is unique or works something out. What an index calls is called by every writer, so
that one with an expression or a condition can refuse rows, and on PostgreSQL do whatever a trigger could. An index
more on columns alone changes no answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import Connection

from lianxing.engine.ledger import postgres_guards, sqlite
from lianxing.engine.ledger.migrating import migrate
from lianxing.engine.ledger.postgres_schema import made

# Of the methods of PostgreSQL those for which nobody can bring the functions that a type has by default.
_ON_COLUMNS = re.compile(
    r"CREATE INDEX (?:USING (?:btree|hash|brin)|\S+ ON \S+) ?\(COLUMN(?:, ?COLUMN)*\)".replace(
        "COLUMN", r'"?\w+"?(?: DESC)?'
    ),
    re.IGNORECASE,
)

MISSING, CHANGED, ADDED = "missing", "changed", "added"


class Thing(NamedTuple):
    """Something in a schema: what it is, its name, the table that it is of or on, how it is defined."""

    kind: str
    name: str
    table: str
    definition: str


class Odd(NamedTuple):
    """Something that is missing, changed or added."""

    kind: str
    name: str
    how: str


def odd(connection: Connection) -> Iterator[Odd]:
    """Yield in what a schema is not as the newest migration leaves it."""
    if connection.dialect.name == "sqlite":
        yield from _compared(_made_on_sqlite(), _on_sqlite(connection))
        return
    yield from _compared((Thing(*one) for one in made()), on_postgres(connection))
    for name in postgres_guards.missing_guards(connection):
        kind = "function" if postgres_guards.GUARDS[name].startswith("CREATE FUNCTION") else "trigger"
        yield Odd(kind, name, CHANGED)


def _compared(should_be: Iterable[Thing], there: Iterable[Thing]) -> Iterator[Odd]:
    expected = {(one.kind, one.name): one for one in should_be}
    tables = {one.table for one in expected.values()}
    found: Mapping[tuple[str, str], Thing] = {(one.kind, one.name): one for one in there}
    for key, one in expected.items():
        if key not in found:
            yield Odd(*key, MISSING)
        elif found[key] != one:
            yield Odd(*key, CHANGED)
    for key, one in found.items():
        if key not in expected and one.table in tables and not _is_harmless(one):
            yield Odd(*key, ADDED)


def _is_harmless(one: Thing) -> bool:
    return one.kind == "index" and _ON_COLUMNS.fullmatch(one.definition) is not None


# --- SQLite ----------------------------------------------------------------------------------------------------------


def _on_sqlite(connection: Connection) -> list[Thing]:
    rows = connection.exec_driver_sql("SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL")
    return [Thing(*row) for row in rows]


@lru_cache(1)
def _made_on_sqlite() -> tuple[Thing, ...]:
    with sqlite.in_memory() as connection:
        migrate(connection, ":memory:")
        return tuple(_on_sqlite(connection))


# --- PostgreSQL ------------------------------------------------------------------------------------------------------

# Of other triggers and of rules only that they are there. That a column is not null is said of the column; newer
# versions of the server have a constraint for it as well. How an index is stored is nobody's business.
_CATALOGUE = r"""
WITH ours AS (SELECT oid, relname, relkind, relpersistence, relrowsecurity FROM pg_class
              WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
                AND NOT relispartition)
SELECT 'table', relname, relname, CASE WHEN relpersistence = 'u' THEN 'unlogged' ELSE 'logged' END
       || CASE WHEN relrowsecurity THEN ', rows secured' ELSE '' END
FROM ours WHERE relkind IN ('r', 'p')
UNION ALL
SELECT 'sequence', relname, relname, '' FROM ours WHERE relkind = 'S'
UNION ALL
SELECT 'column', relname || '.' || attname, relname, format_type(atttypid, atttypmod)
       || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END || coalesce(' COLLATE ' || quote_ident(collname), '')
       || coalesce(' DEFAULT ' || pg_get_expr(adbin, adrelid), '') || attgenerated::text || attidentity::text
FROM ours JOIN pg_attribute ON attrelid = ours.oid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
LEFT JOIN pg_collation ON pg_collation.oid = attcollation AND collname <> 'default'
WHERE relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped
UNION ALL
SELECT 'constraint', relname || '.' || conname, relname, pg_get_constraintdef(pg_constraint.oid)
FROM ours JOIN pg_constraint ON conrelid = ours.oid WHERE contype NOT IN ('n', 't') AND conparentid = 0
UNION ALL
SELECT 'index', index.relname, ours.relname, CASE WHEN indisunique THEN 'CREATE UNIQUE INDEX' ELSE 'CREATE INDEX' END
       || regexp_replace(substring(pg_get_indexdef(indexrelid) FROM ' USING .*'), ' WITH \([^()]*\)', '')
FROM ours JOIN pg_index ON indrelid = ours.oid JOIN pg_class AS index ON index.oid = indexrelid
WHERE NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u', 'x'))
UNION ALL
SELECT 'trigger', tgname, relname, '' FROM ours JOIN pg_trigger ON tgrelid = ours.oid WHERE NOT tgisinternal
UNION ALL
SELECT 'rule', relname || '.' || rulename, relname, '' FROM ours JOIN pg_rewrite ON ev_class = ours.oid
WHERE rulename <> '_RETURN'
ORDER BY 1, 2
"""


def on_postgres(connection: Connection) -> list[Thing]:
    """Return what the catalogue says of the schema in use, but for the triggers that `postgres` compares."""
    things = [Thing(*row) for row in connection.exec_driver_sql(_CATALOGUE)]
    return [one for one in things if one.kind != "trigger" or one.name not in postgres_guards.GUARDS]
