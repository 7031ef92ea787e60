"""Who of a whole county is meant, found by an index: records by a fact, requests by their recipient, reviews.

Facts are in the JSON that is kept as bytes. What an index holds of them is cut out as text, from `"state":"` to the
next quotation mark: canonical JSON has no spaces, and writes such a mark inside a text otherwise. Two texts may look
alike so far as they are cut, so that one may be found who is not meant, but never the other way round; whoever asks
looks again.
"""

from __future__ import annotations

from collections.abc import Collection

import orjson
from sqlalchemy import Connection

STATE, RECIPIENT = "state", "recipient"
LENGTH_MAX = 200  # an index on PostgreSQL cannot hold a text of any length

_NAMES = {
    "sqlite": lambda text, name: (
        f'CASE WHEN instr({text}, \'"{name}":"\') THEN '
        f'substr(substr({text}, instr({text}, \'"{name}":"\') + {len(name) + 4}), 1, '
        f"instr(substr({text}, instr({text}, '\"{name}\":\"') + {len(name) + 4}), '\"') - 1) END"
    ),
    "postgresql": lambda text, name: f"nullif(split_part(split_part({text}, '\"{name}\":\"', 2), '\"', 1), '')",
}
# An index on PostgreSQL may not rest on an encoding: bytes are text with those above 127 written as \344.
_TEXT = {"sqlite": "CAST({} AS TEXT)", "postgresql": "encode({}, 'escape')"}
_REQUESTED = {
    "sqlite": "substr(CAST(body AS TEXT), instr(CAST(body AS TEXT), '\"request\":{'))",
    "postgresql": "split_part(encode(body, 'escape'), '\"request\":{', 2)",
}


def _fact(dialect: str, name: str) -> str:
    """Return what a version of a record says of a fact; what its registry says comes before what was supplied."""
    said = (_NAMES[dialect](_TEXT[dialect].format(column), name) for column in ("content", "supplied"))
    return f"substr(coalesce({', '.join(said)}), 1, {LENGTH_MAX})"


def _recipient(dialect: str) -> str:
    return f"substr({_NAMES[dialect](_REQUESTED[dialect], RECIPIENT)}, 1, {LENGTH_MAX})"


def statements(dialect: str) -> list[str]:
    """Return what makes the indexes."""
    state, recipient = _fact(dialect, STATE), _fact(dialect, RECIPIENT)
    return [
        f"CREATE INDEX IF NOT EXISTS service_record_state ON service_record (({state}), passbook) "
        "WHERE superseded_by IS NULL",
        f"CREATE INDEX IF NOT EXISTS service_record_recipient ON service_record (({recipient}), passbook) "
        f"WHERE superseded_by IS NULL AND ({recipient}) IS NOT NULL",
        "CREATE INDEX IF NOT EXISTS entry_review ON entry (passbook) WHERE kind = 'review'",
        f"CREATE INDEX IF NOT EXISTS entry_request ON entry (({_recipient(dialect)}), passbook) WHERE kind = 'request'",
    ]


def with_records(connection: Connection, county: str, fact: str, values: Collection[str]) -> set[str]:
    """Return who may have a record that says one of these values of a fact, as it is now."""
    dialect = connection.dialect.name
    said = _fact(dialect, fact)
    return _people(
        connection,
        f"service_record ON service_record.passbook = passbook.id AND superseded_by IS NULL AND ({said}) IS NOT NULL "
        f"AND ({said})",
        county,
        values,
    )


def reviewed(connection: Connection, county: str) -> set[str]:
    """Return everybody in whose passbook a step of a review stands."""
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    query = (
        "SELECT volunteer FROM passbook WHERE id IN (SELECT passbook FROM entry WHERE kind = 'review') "
        f"AND county = {mark}"
    )
    return {row[0] for row in connection.exec_driver_sql(query, (county,))}


def asked_for(connection: Connection, county: str, recipient: str) -> set[str]:
    """Return who may have asked for a service for a recipient."""
    said = _recipient(connection.dialect.name)
    joined = f"entry ON entry.passbook = passbook.id AND entry.kind = 'request' AND ({said})"
    return _people(connection, joined, county, [recipient])


def _people(connection: Connection, joined: str, county: str, values: Collection[str]) -> set[str]:
    dialect = connection.dialect.name
    same = {"sqlite": "IN (SELECT value FROM json_each(?))", "postgresql": "= ANY(%s)"}[dialect]
    mark = "?" if dialect == "sqlite" else "%s"
    cut = [_cut(value, dialect) for value in values]
    query = f"SELECT DISTINCT volunteer FROM passbook JOIN {joined} {same} WHERE county = {mark}"
    one = orjson.dumps(cut).decode() if dialect == "sqlite" else cut
    return {row[0] for row in connection.exec_driver_sql(query, (one, county))}


def _cut(value: str, dialect: str) -> str:
    r"""Return a text as an index holds it.

    >>> _cut('a "b"', "sqlite"), _cut("\xe5a", "postgresql")
    ('a \\', '\\303\\245a')
    """
    text = orjson.dumps(value)[1:-1].partition(b'"')[0]
    if dialect == "sqlite":
        return text.decode()[:LENGTH_MAX]
    escaped = text.replace(b"\\", b"\\\\")
    return "".join(chr(byte) if byte < 128 else f"\\{byte:03o}" for byte in escaped)[:LENGTH_MAX]
