"""What a case asks, held against what came out, with what it takes to say both in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from lianxing.engine.reading.vocabulary import WORDS
from lianxing.rules.facts import Fact, FactType, Scope
from lianxing.rules.places import Label

Outcome = Fraction | int | str | None


def _amount(name: str, type: FactType) -> Fact:
    return Fact(name, WORDS[name], type, Scope.RECORD, Label())


HOURS, POINTS, MONEY = (
    _amount("hours", FactType.DURATION),
    _amount("points", FactType.POINTS),
    _amount("money", FactType.MONEY),
)
ANSWER = _amount("yes_no", FactType.YES_NO)
AMOUNTS: Mapping[FactType, Fact] = {fact.type: fact for fact in (HOURS, POINTS, MONEY)}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that a case asks: hours in seconds, points in hundredths, money in hundredths of a yuan.

    `of` is the fact whose values they are, None for counts, days and text; `words` how Chinese spells the words of the
    language that they are, or that `what` ends with.
    """

    what: str
    expected: Outcome
    got: Outcome
    of: Fact | None = None
    words: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def holds(self) -> bool:
        return self.expected == self.got
