"""The export for an auditor: every link of every chain as JSON lines, to be checked by a program that is not this one.

docs/auditing.md gives the format, examples/auditor/audit.py checks it with nothing but the standard library.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import orjson
from sqlalchemy import select

from lianxing.engine.ledger.chaining import Link, policy_hash
from lianxing.engine.ledger.chains import StoredLink, heads, links
from lianxing.engine.ledger.opening import Ledger
from lianxing.engine.ledger.tables import policy

FORMAT = 1
_MEMBERS = tuple(field.name for field in fields(Link))


def export(ledger: Ledger, write: Callable[[bytes], object]) -> dict[str, int]:
    """Give the lines of the export to `write`, one by one, all of one snapshot; return how many there are of each."""
    counts = {"policies": 0, "links": 0, "heads": 0}

    def put(line: dict[str, Any]) -> None:
        write(orjson.dumps(line) + b"\n")

    with ledger.reading() as reading:
        connection = reading._connection
        put({"audit": FORMAT, "recorded_at": ledger.now()})
        for row in connection.execute(select(policy).order_by(policy.c.digest)):
            content = bytes(row.content)
            put(
                {
                    "policy": row.digest,
                    "county": row.county,
                    "title": row.title,
                    "first_used_at": row.first_used_at,
                    "content": _bytes(content),
                    "hash": policy_hash(row.digest, row.county, row.title, row.first_used_at, content),
                }
            )
            counts["policies"] += 1
        for stored in links(connection):
            put(_link(stored))
            counts["links"] += 1
        for head in heads(connection):
            put({"head": head.number, "volunteer": head.volunteer, "county": head.county, "hash": head.hash.hex()})
            counts["heads"] += 1
        put({"end": counts})
    return counts


def _link(stored: StoredLink) -> dict[str, Any]:
    members = {name: getattr(stored.link, name) for name in _MEMBERS}
    for name in ("body", "content", "supplied"):
        members[name] = _bytes(members[name])
    return {"link": members, "hash": stored.hash.hex()}


def _bytes(content: bytes | None) -> str | dict[str, str] | None:
    """Return text as it is, and what is no UTF-8 in hexadecimal."""
    if content is None:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return {"hex": content.hex()}
