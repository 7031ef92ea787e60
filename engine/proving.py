"""Proof that the ledger says what its explanations say: the arithmetic of every entry is done again from its body."""

from __future__ import annotations

import orjson

from lianxing.engine.ledger.opening import Ledger
from lianxing.engine.ledger.verifying import VIOLATIONS_MAX, Violation
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
    worth: dict[tuple[str, str, int], tuple[int, int]] = {}  # by original entry: seconds and hundredths so far
    with ledger.reading() as reading:
        for stored in reading.all_entries():
            entry = stored.entry
            if not entry.record:
                continue
            original = (entry.volunteer, entry.county, entry.id if entry.adjusts is None else entry.adjusts)
            seconds, points = worth.get(original, (0, 0))
            worth[original] = (seconds + entry.seconds, points + entry.points)
            try:
                body = orjson.loads(stored.body)
                added = (0, 0) if entry.kind == "withdrawn" else readd(body)
                if (body["policy"], body["counted"]) != (entry.policy_digest, entry.counted):
                    raise ReaddingError("the explanation is of another policy, or counts the record otherwise")
            except (ReaddingError, orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
                reason = str(error) if isinstance(error, ReaddingError) else type(error).__name__
                found.append(Violation("explanation_adds_up", READDS, (("entry", str(entry.id)), ("why", reason))))
                continue
            if added != worth[original]:
                booked = f"{worth[original]} booked, {added} explained"
                found.append(Violation("explanation_adds_up", READDS, (("entry", str(entry.id)), ("why", booked))))
            if len(found) >= VIOLATIONS_MAX:
                break
    return found
