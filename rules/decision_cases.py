"""What a case expects to be decided: stars granted and refused, sanctions and their effects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from lianxing.rules.decisions import StarOutcome, StarReason


@dataclass(frozen=True, slots=True)
class ExpectedDecision:
    """A star granted, refused or lost on a day; `why` is None where the case does not ask."""

    on: date
    star: int
    outcome: StarOutcome
    why: StarReason | None


@dataclass(frozen=True, slots=True)
class DecisionCase:
    """What must come out; None is not asked. `decisions` are all there are, in order; `sanctions` the active ones.

    `effects` are some of the effects of all sanctions together, by key. `number` is that of the award; `grants` all the
    points that stars brought, by star, in hundredths.
    """

    star_held: int | None = None
    decisions: tuple[ExpectedDecision, ...] | None = None
    sanctions: tuple[str, ...] | None = None
    effects: Mapping[str, str] | None = None
    number: int | None = None
    grants: Mapping[int, int] | None = None
