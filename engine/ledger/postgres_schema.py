"""What the catalogue of PostgreSQL says of a ledger as the newest migration leaves it; a test compares the two."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlalchemy import Column, ForeignKeyConstraint, Index, LargeBinary, Table, Text, UniqueConstraint

from lianxing.engine.ledger.finding import LENGTH_MAX
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


def _cut(text: str) -> str:
    """Return how the catalogue writes the text that stands before the next quotation mark."""
    return f"NULLIF(split_part({text}, '\"'::text, 1), ''::text)"


def _behind(mark: str, text: str) -> str:
    return f"split_part({text}, '{mark}'::text, 2)"


def _fact(key: str) -> str:
    """Return how the catalogue writes a fact of a record, as `finding` cuts it out."""
    kept = (_cut(_behind(f'"{key}":"', f"encode({column}, 'escape'::text)")) for column in ("content", "supplied"))
    return f"substr(COALESCE({', '.join(kept)}), 1, {LENGTH_MAX})"


_RECIPIENT, _STATE = _fact("recipient"), _fact("state")
_ASKED_FOR = _cut(_behind('"recipient":"', _behind('"request":{', "encode(body, 'escape'::text)")))
# Those of `finding`, by their table and what the catalogue says of them; the others are in `tables`.
INDEXES = {
    "entry_request": ("entry", f"(substr({_ASKED_FOR}, 1, {LENGTH_MAX}), passbook) WHERE (kind = 'request'::text)"),
    "entry_review": ("entry", "(passbook) WHERE (kind = 'review'::text)"),
    "service_record_recipient": (
        "service_record",
        f"({_RECIPIENT}, passbook) WHERE ((superseded_by IS NULL) AND ({_RECIPIENT} IS NOT NULL))",
    ),
    "service_record_state": ("service_record", f"({_STATE}, passbook) WHERE (superseded_by IS NULL)"),
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
                yield "index", str(index.name), table.name, _index(index)
    for name, (on, what) in INDEXES.items():
        yield "index", name, on, f"CREATE INDEX USING btree {what}"
    yield "sequence", "passbook_id", "passbook_id", ""
    yield "table", _VERSION, _VERSION, "logged"
    yield "column", f"{_VERSION}.version_num", _VERSION, "character varying(32) NOT NULL"
    yield "constraint", f"{_VERSION}.alembic_version_pkc", _VERSION, "PRIMARY KEY (version_num)"


def _index(index: Index) -> str:
    columns, where = ", ".join(index.columns.keys()), index.dialect_options["postgresql"]["where"]
    condition = "" if where is None else re.sub("('[^']*')", r"\1::text", f" WHERE ({where})")
    return f"CREATE INDEX USING btree ({columns}){condition}"


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
