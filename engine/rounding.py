"""Exact rounding of a whole number or a fraction to a multiple of a step."""

from __future__ import annotations

from fractions import Fraction

from lianxing.rules.hours import Direction


def rounded(amount: int | Fraction, to: int, direction: Direction) -> int:
    """Return the multiple of `to` that the direction leads to; below zero it mirrors what it does above.

    >>> rounded(5399, 1800, Direction.DOWN), rounded(1200, 36, Direction.HALF_UP), rounded(-150, 100, Direction.HALF_UP)
    (3600, 1188, -200)
    """
    if amount < 0:
        return -rounded(-amount, to, direction)
    numerator, denominator = amount.numerator, amount.denominator * to
    whole, rest = divmod(numerator, denominator)
    match direction:
        case Direction.DOWN:
            up = False
        case Direction.UP:
            up = rest > 0
        case Direction.HALF_UP:
            up = 2 * rest >= denominator
        case Direction.HALF_EVEN:
            up = 2 * rest > denominator or (2 * rest == denominator and whole % 2 == 1)
    return (whole + up) * to
