"""The bank: passbooks with a chain of entries, lots, holds, commands, versions of records.

What a ledger of the first schema holds goes into passbooks entry by entry, in the order in which it was booked. What it
kept of people becomes an entry in each person's own file, at the last instant that the old ledger knows.
"""

from collections import defaultdict
from typing import Any

import sqlalchemy as sa
from alembic import op

from lianxing.engine.ledger import guarding
from lianxing.engine.ledger.chaining import GENESIS, Link, link_hash, policy_hash
from lianxing.engine.ledger.checking import person_body
from lianxing.engine.ledger.drafts import REGISTERED
from lianxing.engine.ledger.tables import metadata
from lianxing.engine.ledger.writing import utc_day

revision = "0002"
down_revision = "0001"

_OLD = ("import_run", "service_record", "posting", "entry", "balance", "account", "volunteer", "policy")
_KEPT = ("policy", "volunteer", "import_run")


def upgrade() -> None:
    bind = op.get_bind()
    fresh = op.get_context().opts["fresh"]
    if not fresh:
        for (trigger,) in bind.exec_driver_sql("SELECT name FROM sqlite_schema WHERE type = 'trigger'").all():
            op.execute(f"DROP TRIGGER {trigger}")
        for index in ("entry_adjusts", "posting_running_key", "service_record_by_person"):
            op.execute(f"DROP INDEX {index}")
        for table in _OLD:
            op.execute(f"ALTER TABLE {table} RENAME TO old_{table}")
    metadata.create_all(bind, checkfirst=False)
    if not fresh:
        _copy(bind)
        for table in _OLD:
            op.execute(f"DROP TABLE old_{table}")
    guarding.put_in_place(bind)


def downgrade() -> None:
    raise NotImplementedError("history is not taken back; restore a backup")


def _copy(bind: sa.Connection) -> None:
    for table in _KEPT:
        bind.exec_driver_sql(f"INSERT INTO {table} SELECT * FROM old_{table}")
    policies = {
        row[0]: policy_hash(*row)
        for row in bind.exec_driver_sql("SELECT digest, county, title, first_used_at, content FROM policy")
    }
    books: dict[tuple[str, str], list[Any]] = {}  # id, number, head, recorded_at, balances
    numbers: dict[int, tuple[int, int]] = {}  # old entry -> passbook, number
    lines: dict[int, list[tuple[str, str, int]]] = defaultdict(list)
    for entry, role, unit, amount in bind.exec_driver_sql(
        "SELECT entry, role, old_posting.unit, amount FROM old_posting JOIN old_account ON id = account "
        "ORDER BY entry, line"
    ):
        lines[entry].append((role, unit, amount))
    for old in bind.exec_driver_sql(
        "SELECT old_entry.*, content_hash, content, supplied FROM old_entry "
        "LEFT JOIN old_service_record ON old_service_record.entry = old_entry.id ORDER BY old_entry.id"
    ).mappings():
        owner = (old["volunteer"], old["county"])
        if owner not in books:
            books[owner] = [len(books) + 1, 0, GENESIS, 0, defaultdict(int)]
            bind.exec_driver_sql(
                "INSERT INTO passbook VALUES (?, ?, ?, 0, ?, 0, NULL)", (books[owner][0], *owner, GENESIS)
            )
        book = books[owner]
        book[1] += 1
        id, number = book[0], book[1]
        numbers[old["id"]] = (id, number)
        book[3] = max(book[3], old["recorded_at"])
        adjusts = None if old["adjusts"] is None else numbers[old["adjusts"]][1]
        postings = []
        for role, unit, amount in lines.pop(old["id"], ()):
            after = None
            if role == "earned":
                book[4][unit] += amount
                after = book[4][unit]
            postings.append((role, unit, amount, after))
        link = Link(
            *owner,
            number,
            old["kind"],
            old["registry"],
            old["record"],
            book[3],
            old["effective_on"],
            old["policy_digest"],
            policies[old["policy_digest"]],
            adjusts,
            old["seconds"],
            old["points"],
            old["counted"],
            "",
            "",
            postings,
            body=old["body"],
            content=old["content"],
            supplied=old["supplied"],
        )
        book[2] = link_hash(book[2], link)
        for line, posting in enumerate(postings, 1):
            bind.exec_driver_sql("INSERT INTO posting VALUES (?, ?, ?, ?, ?, ?, ?)", (id, number, line, *posting))
        if old["content"] is not None:
            bind.exec_driver_sql(
                "INSERT INTO service_record VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)",
                (
                    *(id, number, old["registry"], old["record"], number),
                    *(old["content_hash"], old["content"], old["supplied"]),
                ),
            )
            bind.exec_driver_sql(
                "INSERT INTO record_key VALUES (?, ?, ?, ?, ?)",
                (old["record"], old["registry"], id, number, old["content_hash"]),
            )
        bind.exec_driver_sql(
            "INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', '', ?, ?)",
            (
                *(id, number, old["kind"], old["registry"], old["record"], book[3], old["effective_on"]),
                *(old["policy_digest"], adjusts, old["seconds"], old["points"], old["counted"], old["body"], book[2]),
            ),
        )
    for id, number, head, recorded_at, balances in books.values():
        bind.exec_driver_sql(
            "UPDATE passbook SET number = ?, head = ?, recorded_at = ? WHERE id = ?", (number, head, recorded_at, id)
        )
        for unit, posted in balances.items():
            bind.exec_driver_sql("INSERT INTO balance VALUES (?, 'earned', ?, ?, NULL)", (id, unit, posted))
    _copy_people(bind, len(books) + 1)


def _copy_people(bind: sa.Connection, first_id: int) -> None:
    (instant,) = bind.exec_driver_sql(
        "SELECT coalesce(max(instant), 0) FROM (SELECT max(recorded_at) AS instant FROM old_entry UNION ALL "
        "SELECT max(recorded_at) FROM old_import_run UNION ALL SELECT max(first_used_at) FROM old_policy)"
    ).one()
    day = utc_day(instant).isoformat()
    for id, row in enumerate(bind.exec_driver_sql("SELECT * FROM volunteer ORDER BY id").all(), first_id):
        body = person_body(tuple(row))
        link = Link(row[0], "", 1, REGISTERED, "", "", instant, day, None, "", None, 0, 0, 1, "", "", (), body=body)
        head = link_hash(GENESIS, link)
        bind.exec_driver_sql("INSERT INTO passbook VALUES (?, ?, '', 1, ?, ?, NULL)", (id, row[0], head, instant))
        bind.exec_driver_sql(
            "INSERT INTO entry VALUES (?, 1, ?, '', '', ?, ?, NULL, NULL, 0, 0, 1, '', '', ?, ?)",
            (id, REGISTERED, instant, day, body, head),
        )
