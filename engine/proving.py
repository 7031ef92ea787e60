"""Proof that the ledger says what its explanations say: the arithmetic of every entry is done again from its body."""

from __future__ import annotations

import orjson

from lianxing.engine.ledger.opening import Ledger
from lianxing.engine.ledger.verifying import VIOLATIONS_MAX, Explained, Violation, explained
from lianxing.engine.ledger.witnesses import UNREADABLE
from lianxing.engine.readding import ReaddingError, readd
from lianxing.rules.places import Label

READDS = Label(
    zh="按说明重新计算须得到所记的时长与积分",
    en="the arithmetic of the explanation leads to the seconds and points that were booked",
)


def readding_violations(ledger: Ledger) -> list[Violation]:
    """Return the entries whose explanation does not lead to what was booked, at most `VIOLATIONS_MAX` of them.

    An adjusting entry explains what its record is worth by then, and books the difference to what stood before.
    """
    found: list[Violation] = []
    worth: dict[tuple[int, int], tuple[int, int]] = {}  # by original entry: seconds and hundredths so far
    with ledger.reading() as reading:
        for entry in explained(reading._connection):
            original = entry.passbook, entry.number if entry.adjusts is None else entry.adjusts
            seconds, points = worth.get(original, (0, 0))
            worth[original] = (seconds + entry.seconds, points + entry.points)
            why = _why_not(entry, worth[original])
            if why:
                ids = ("volunteer", entry.volunteer), ("county", entry.county), ("entry", str(entry.number))
                found.append(Violation("explanation_adds_up", READDS, (*ids, ("why", why))))
            if len(found) >= VIOLATIONS_MAX:
                break
    return found


def _why_not(entry: Explained, worth: tuple[int, int]) -> str:
    """Return why an explanation does not lead to what its record is worth; '' where it does."""
    try:
        body = orjson.loads(entry.body)
        added = (0, 0) if entry.kind == "withdrawn" else readd(body)
        if (body["policy"], body["counted"]) != (entry.policy_digest, entry.counted):
            return "the explanation is of another policy, or counts the record otherwise"
    except ReaddingError as error:
        return str(error)
    except UNREADABLE as error:
        return f"the explanation cannot be read ({type(error).__name__})"
    return "" if added == worth else f"{worth} booked, {added} explained"
