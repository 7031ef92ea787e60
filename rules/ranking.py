"""Who comes first: the keys by which people or organisations are ranked, and the place that each of them takes."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from lianxing.rules.facts import FactValue
from lianxing.rules.places import Location


@dataclass(frozen=True, slots=True)
class RankKey:
    """A measure or a fact to rank by; `high`: the greatest first."""

    fact: str
    high: bool
    location: Location


@dataclass(frozen=True, slots=True)
class RankValue:
    """What somebody has of a key, in the held unit (a quotient in millionths); None is missing and comes last."""

    key: RankKey
    value: FactValue | Fraction | None
