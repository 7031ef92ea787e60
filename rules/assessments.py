"""What the rules made of a record: time credited, points, and every step with its clause and its arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from lianxing.rules.facts import CountyId, FactValue, RecordId, RegistryId, VolunteerId
from lianxing.rules.records import ServiceRecord

Operand = int | str | Fraction

KEY = "key "
MISSING = ""


class Working(NamedTuple):
    """One step that changed something: which clause, on which part of the record, what it found and what it left.

    `unit` is `seconds` or `points` (hundredths). `after` follows from `before` and the operands alone; the operation's
    formula stands in docs/how-points-are-counted.md and `engine.readding.readd` repeats it. Where a table was asked,
    the operand `key FACT` is the value that it was asked with, MISSING where there was none.
    """

    clause: str
    part: int
    operation: str
    unit: str
    before: Fraction | int
    after: Fraction | int
    operands: tuple[tuple[str, Operand], ...] = ()


NO_RATE = "no_rate"
HELD = "held"


class Refusal(NamedTuple):
    """A clause that took the record out, as a whole or one part of it; with NO_RATE only its points, not its time.

    HELD is no refusal for good: the record was worked out and waits, credited with nothing.
    """

    clause: str
    part: int
    reason: str
    details: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Assessment:
    """The outcome for one record: whole seconds credited, whole hundredths of a point, and why.

    `pending` is what a record that is held would be worth, None for any other.
    """

    record: ServiceRecord
    policy_digest: str
    seconds: int
    points: int
    workings: tuple[Working, ...]
    refusals: tuple[Refusal, ...] = ()
    counted: bool = True  # false when every part was refused: no measure sees the record
    supplied: Mapping[str, FactValue] | None = None
    pending: tuple[int, int] | None = None

    @property
    def overflows(self) -> Mapping[tuple[str, str], int | Fraction]:
        """What limits took off, by where it goes and unit; what is lost is not listed."""
        found: dict[tuple[str, str], int | Fraction] = {}
        for working in self.workings:
            goes_to = dict(working.operands).get("overflow")
            if isinstance(goes_to, str) and goes_to != "lost":
                key = (goes_to, working.unit)
                found[key] = found.get(key, 0) + working.before - working.after
        return found


@dataclass(frozen=True, slots=True)
class Posting:
    """An amount on an account; the postings of an entry add up to zero for each unit."""

    account: str
    unit: str
    amount: int


class Entry(NamedTuple):
    """One immutable entry of a passbook; `id` is its number there, from 1 on.

    Of a record: `original`, once per record; `adjusting`, `corrected` and `withdrawn` name in `adjusts` the original.
    Other kinds are of no record. `seconds` and `points` are what it changes of what was earned.
    """

    id: int
    kind: str
    volunteer: VolunteerId
    county: CountyId
    registry: RegistryId
    record: RecordId
    effective_on: date
    recorded_at: int
    policy_digest: str
    seconds: int
    points: int
    adjusts: int | None = None
    counted: bool = True
    actor: str = ""
    reason: str = ""
