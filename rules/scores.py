"""A score sheet: points given on a day for what a person is and has done. Part of the chapter `measures.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from lianxing.rules.conditions import Condition, Operator, facts_of
from lianxing.rules.dates import Dated
from lianxing.rules.facts import FactValue
from lianxing.rules.places import Clause
from lianxing.rules.tables import Table

STARS = "stars"


class Together(Enum):
    """What several lines of a score come to."""

    SUM = "sum"
    HIGHEST = "highest"


@dataclass(frozen=True, slots=True)
class Item:
    """Hundredths of a point by facts of the person or the star held; nothing where the table does not say."""

    clause: Clause
    when: Condition | None
    table: Table


@dataclass(frozen=True, slots=True)
class Band:
    """From a value of a measure on: `at_least` includes it, `more_than` does not. Points are hundredths."""

    operator: Operator
    bound: int
    points: int


@dataclass(frozen=True, slots=True)
class Bands:
    """Points by the highest band that a measure has reached; nothing below the first."""

    clause: Clause
    when: Condition | None
    of: str
    bands: Dated[tuple[Band, ...]]


@dataclass(frozen=True, slots=True)
class Blocks:
    """Points for every full `every` of a measure, taken away where negative; not more than `at_most` either way."""

    clause: Clause
    when: Condition | None
    of: str
    every: int
    points: Dated[int]
    at_most: Dated[int] | None


ScoreRule = Item | Bands | Blocks


@dataclass(frozen=True, slots=True)
class Score:
    """Rules whose points are added up, or of which the highest counts; never more than `at_most` in all."""

    combine: Together
    rules: tuple[ScoreRule, ...]
    at_most: Dated[int] | None

    @property
    def asks_stars(self) -> bool:
        """Whether it can only be worked out where the star held is known."""
        return any(STARS in asked_by(rule) for rule in self.rules)


def asked_by(rule: ScoreRule) -> frozenset[str]:
    """Return the facts and measures that a rule asks."""
    own = rule.table.by if isinstance(rule, Item) else (rule.of,)
    return frozenset(own) | (frozenset() if rule.when is None else facts_of(rule.when))


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """One rule of a score on a day: what it asked, what that came to, and its hundredths of a point.

    `counts` is false for a line that a higher one outdoes where only the highest counts.
    """

    clause: Clause
    asked: tuple[tuple[str, FactValue | None], ...]
    points: int
    counts: bool


@dataclass(frozen=True, slots=True)
class ScoreResult:
    """What a score comes to on a day: the lines that gave points, and their hundredths after `at_most`."""

    clause: Clause
    points: int
    lines: tuple[ScoreLine, ...]
    at_most: int | None
