"""Ranking by declared keys, exactly: quotients are compared as fractions, and whoever lacks a value comes last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, TypeVar

from lianxing.engine.quotients import Quotient
from lianxing.rules.facts import RATIO_SCALE, FactValue
from lianxing.rules.ranking import RankKey, RankValue

T = TypeVar("T")

Values = Mapping[str, FactValue | Quotient | Fraction]


@dataclass(frozen=True, slots=True)
class Placed(Generic[T]):
    """An item with its place, and the values that gave it this place.

    Equals share a place and the next one is left out: 1, 2, 2, 4.
    """

    place: int
    item: T
    values: tuple[RankValue, ...]


def ranked(items: Iterable[T], keys: Sequence[RankKey], values: Callable[[T], Values]) -> tuple[Placed[T], ...]:
    """Return the items in the order of the keys, the first one binding hardest; equals stay in the order given."""
    found = [(item, rank_values(keys, values(item))) for item in items]
    found.sort(key=lambda one: [_order(value) for value in one[1]])
    placed: list[Placed[T]] = []
    for index, (item, said) in enumerate(found, 1):
        same = bool(placed) and [v.value for v in placed[-1].values] == [v.value for v in said]
        placed.append(Placed(placed[-1].place if same else index, item, said))
    return tuple(placed)


def rank_values(keys: Sequence[RankKey], values: Values) -> tuple[RankValue, ...]:
    """Return what somebody with these values has of each key."""
    return tuple(RankValue(key, exact(values.get(key.fact))) for key in keys)


def exact(value: FactValue | Quotient | Fraction | None) -> FactValue | Fraction | None:
    """Return a value as it is compared: a quotient as a fraction in millionths, None where there is none.

    >>> exact(Quotient(9, 2)), exact(Quotient(0, 0))
    (Fraction(4500000, 1), None)
    """
    if isinstance(value, Quotient):
        return Fraction(value.sum * RATIO_SCALE, value.count) if value.count else None
    return value


def _order(value: RankValue) -> tuple[bool, int | Fraction]:
    """Return what sorts: present before missing, then the amount. Only numbers are ranked by; reading sees to it."""
    number = value.value
    if number is None or isinstance(number, str):
        return True, 0
    return False, -number if value.key.high else number
