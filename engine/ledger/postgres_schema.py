"""What the catalogue of PostgreSQL says of a ledger as the newest migration leaves it; a test compares the two."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Column, ForeignKeyConstraint, LargeBinary, Table, Text, UniqueConstraint

from lianxing.engine.ledger.tables import AMOUNT_MAX, metadata


def _within(column: str) -> str:
    return f"(({column} >= '-{AMOUNT_MAX}'::bigint) AND ({column} <= '{AMOUNT_MAX}'::bigint))"


# How the catalogue writes what `tables` asks of a row, by the name of the constraint.
CHECKS = {
    "balance_floor": "((floor IS NULL) OR (posted >= floor))",
    "balance_within": _within("posted"),
    "entry_adjusts_earlier": "((adjusts IS NULL) OR (adjusts < number))",
    "entry_counted": "(counted = ANY (ARRAY[(0)::bigint, (1)::bigint]))",
    "entry_kind": "(kind <> ''::text)",
    "entry_number": "(number >= 1)",
    "entry_points_within": _within("points"),
    "entry_seconds_within": _within("seconds"),
    "lot_move_amount": "(amount <> 0)",
    "lot_remaining": "((remaining >= 0) AND (remaining <= original))",
    "posting_amount": "(amount <> 0)",
    "posting_amount_within": _within("amount"),
    "posting_balance_within": _within("balance_after"),
    "posting_unit": "(unit = ANY (ARRAY['points'::text, 'seconds'::text, 'uses'::text]))",
    "redemption_units": "(units > 0)",
    "stock_taken": "(taken >= 0)",
}
# Those of `finding`; the others are in `tables`.
INDEXES = {
    "entry_request": "entry",
    "entry_review": "entry",
    "service_record_recipient": "service_record",
    "service_record_state": "service_record",
}
_VERSION = "alembic_version"


def made() -> Iterator[tuple[str, str, str, str]]:
    """Yield what there is, as kind, name, table and definition; triggers are in `postgres`."""
    for table in metadata.tables.values():
        yield "table", table.name, table.name, "logged"
        for column in table.columns:
            yield "column", f"{table.name}.{column.name}", table.name, _column(column)
        yield from _constraints(table)
        for index in table.indexes:
            if index.name != "lot_of_entry":  # SQLite alone needs it
                yield "index", str(index.name), table.name, "CREATE INDEX"
    for name, on in INDEXES.items():
        yield "index", name, on, "CREATE INDEX"
    yield "sequence", "passbook_id", "passbook_id", ""
    yield "table", _VERSION, _VERSION, "logged"
    yield "column", f"{_VERSION}.version_num", _VERSION, "character varying(32) NOT NULL"
    yield "constraint", f"{_VERSION}.alembic_version_pkc", _VERSION, "PRIMARY KEY (version_num)"


def _column(column: Column[object]) -> str:
    kind = "bytea" if isinstance(column.type, LargeBinary) else "text" if isinstance(column.type, Text) else "bigint"
    return kind + ("" if column.nullable else " NOT NULL") + (' COLLATE "C"' if kind == "text" else "")


def _constraints(table: Table) -> Iterator[tuple[str, str, str, str]]:
    found = {f"{table.name}_pkey": f"PRIMARY KEY ({', '.join(table.primary_key.columns.keys())})"}
    for one in table.constraints:
        if isinstance(one, ForeignKeyConstraint):
            columns, to = ", ".join(one.column_keys), ", ".join(element.column.name for element in one.elements)
            later = " DEFERRABLE INITIALLY DEFERRED" if one.deferrable else ""
            name = f"{table.name}_{'_'.join(one.column_keys)}_fkey"
            found[name] = f"FOREIGN KEY ({columns}) REFERENCES {one.referred_table.name}({to}){later}"
        elif isinstance(one, UniqueConstraint):
            found[str(one.name)] = f"UNIQUE ({', '.join(one.columns.keys())})"
        elif str(one.name) in CHECKS:
            found[str(one.name)] = f"CHECK ({CHECKS[str(one.name)]})"
    for name, definition in found.items():
        yield "constraint", f"{table.name}.{name}", table.name, definition
