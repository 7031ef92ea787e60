"""Which records are checked afterwards: an order that nobody can choose, and everybody can work out again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from hashlib import sha256

from lianxing.engine.review import to_check
from lianxing.rules.facts import RecordId, RegistryId
from lianxing.rules.periods import period_after, period_start
from lianxing.rules.review import SpotCheck

RecordKey = tuple[RegistryId, RecordId]


def checked_period(statement: SpotCheck, day: date) -> tuple[date, date]:
    """Return the first and the last day of the period that holds a day: its records are checked together."""
    return period_start(statement.per, day), period_after(statement.per, day) - timedelta(days=1)


def drawn(statement: SpotCheck, seed: str, keys: Iterable[RecordKey], day: date) -> tuple[RecordKey, ...]:
    """Return the records of the period of `day` that are to be checked: the share, rounded up, so at least one.

    They come in the order of SHA-256 over the seed and the key of the record, so that the same seed draws the same ones
    from the same records in whatever order they are given. The seed is to be fixed after the records are, and told.
    """
    found = sorted(set(keys), key=lambda key: (_rank(seed, key), key))
    return tuple(found[: to_check(statement, day, len(found))])


def _rank(seed: str, key: RecordKey) -> bytes:
    # Lengths first: no seed and key run together into the text of others.
    parts = [text.encode() for text in (seed, *key)]
    return sha256(b"".join(b"%d:%b" % (len(part), part) for part in parts)).digest()
