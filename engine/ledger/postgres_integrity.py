"""What PostgreSQL finds wrong with a ledger: pages, indexes, constraints, references, rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from sqlalchemy import Connection

from lianxing.engine.ledger.errors import DamagedError, RefusedError
from lianxing.engine.ledger.postgres_guards import SCHEMA


def integrity_problems(
    connection: Connection, plain_errors: Callable[[], AbstractContextManager[None]]
) -> Iterator[str]:
    """Yield what the server finds wrong with the schema in use: pages, indexes, constraints, references.

    Pages and indexes are looked through only where the extension `amcheck` is installed and may be used. Each question
    has a savepoint, so that the transaction survives the damage that it finds.
    """
    for question in (_SWITCHED_OFF, *_references(connection), *_amchecks(connection)):
        try:
            with plain_errors(), connection.begin_nested():
                problems = [str(problem) for (problem,) in connection.exec_driver_sql(question)]
        except (DamagedError, RefusedError) as error:
            problems = [error.label.en]
        yield from problems


_SWITCHED_OFF = f"""
SELECT 'session_replication_role = replica: no trigger and no reference acts'
WHERE current_setting('session_replication_role') = 'replica'
UNION ALL
SELECT 'index ' || indexrelid::regclass || ' is not valid' FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
WHERE relnamespace = {SCHEMA} AND NOT (indisvalid AND indisready AND indislive)
UNION ALL
SELECT 'constraint ' || conname || ' of ' || conrelid::regclass || ' was never checked' FROM pg_constraint
WHERE connamespace = {SCHEMA} AND NOT convalidated
UNION ALL
SELECT DISTINCT 'reference ' || conname || ' of ' || conrelid::regclass || ' is switched off' FROM pg_constraint
JOIN pg_trigger ON tgconstraint = pg_constraint.oid
WHERE connamespace = {SCHEMA} AND contype = 'f' AND tgenabled NOT IN ('O', 'A')
UNION ALL
SELECT 'rule ' || rulename || ' changes what is written to ' || ev_class::regclass FROM pg_rewrite
JOIN pg_class ON pg_class.oid = ev_class WHERE relnamespace = {SCHEMA} AND relkind IN ('r', 'p')
UNION ALL
SELECT 'the server counted ' || checksum_failures || ' damaged pages' FROM pg_stat_database
WHERE datname = current_database() AND checksum_failures > 0
ORDER BY 1
"""

# The columns of every foreign key, both sides in the order of the key.
_KEYS = f"""
SELECT conrelid::regclass::text, confrelid::regclass::text,
       array_agg(quote_ident(child.attname) ORDER BY place), array_agg(quote_ident(parent.attname) ORDER BY place)
FROM pg_constraint
CROSS JOIN LATERAL unnest(conkey, confkey) WITH ORDINALITY AS pair (child_number, parent_number, place)
JOIN pg_attribute AS child ON child.attrelid = conrelid AND child.attnum = child_number
JOIN pg_attribute AS parent ON parent.attrelid = confrelid AND parent.attnum = parent_number
WHERE connamespace = {SCHEMA} AND contype = 'f' AND conparentid = 0
GROUP BY pg_constraint.oid, conname ORDER BY conname
"""


def _references(connection: Connection) -> list[str]:
    """Return one question per foreign key: superusers can write past it, and a restored copy may have lost rows."""
    questions = []
    for child, parent, columns, keys in connection.exec_driver_sql(_KEYS):
        matches = " AND ".join(f"child.{column} = parent.{key}" for column, key in zip(columns, keys, strict=True))
        complete = " AND ".join(f"child.{column} IS NOT NULL" for column in columns)
        shown = " || ', ' || ".join(f"child.{column}::text" for column in columns)
        sentence = f" || ' refers to a missing row of {_quoted(parent)}'"
        questions.append(
            f"SELECT '{_quoted(child)} (' || {shown} || ')'{sentence} FROM {child} AS child "
            f"WHERE {complete} AND NOT EXISTS (SELECT 1 FROM {parent} AS parent WHERE {matches}) LIMIT 100"
        )
    return questions


def _amchecks(connection: Connection) -> list[str]:
    usable = connection.exec_driver_sql(
        "SELECT pronamespace::regnamespace::text FROM pg_proc WHERE proname = 'verify_heapam' "
        "AND EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'amcheck') AND has_function_privilege(oid, 'EXECUTE')"
    ).scalar()
    if usable is None:
        return []
    there = connection.exec_driver_sql(
        "SELECT pg_class.oid::integer::text, pg_class.oid::regclass::text, relkind FROM pg_class "
        "LEFT JOIN pg_am ON pg_am.oid = relam "
        f"WHERE relnamespace = {SCHEMA} AND (relkind = 'r' OR (relkind = 'i' AND amname = 'btree')) ORDER BY 2"
    )
    return [
        f"SELECT '{_quoted(name)}' WHERE {usable}.bt_index_check({oid}, true)::text <> ''"  # no answer, or an error
        if kind == "i"
        else f"SELECT '{_quoted(name)} block ' || blkno || ': ' || msg FROM {usable}.verify_heapam({oid}) LIMIT 100"
        for oid, name, kind in there
    ]


def _quoted(text: str) -> str:
    return text.replace("'", "''")
