"""Points by what a period has added up: brackets that earn by the block, bands that earn once they are reached.

Both are functions of a total that never fall; a record earns what it adds: their value after it less that before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from lianxing.engine.parts import Amount
from lianxing.rules.earning import Band, Bracket, LastBlock

HUNDREDTHS = 100


def bracket_points(steps: Sequence[Bracket], part: LastBlock, total: int) -> Amount:
    """Return the hundredths of a point that a total earns over the brackets.

    >>> from lianxing.rules.places import Location
    >>> steps = [Bracket(20, 1, Fraction(1), Location("", 1, 1)), Bracket(None, 2, Fraction(1), Location("", 1, 1))]
    >>> bracket_points(steps, LastBlock.LOST, 23), bracket_points(steps, LastBlock.COUNTED, 23)
    (Fraction(2100, 1), Fraction(2150, 1))
    """
    earned = Fraction(0)
    below = 0
    for step in steps:
        inside = max(0, total - below if step.up_to is None else min(total, step.up_to) - below)
        blocks = Fraction(inside // step.every) if part is LastBlock.LOST else Fraction(inside, step.every)
        earned += blocks * step.points * HUNDREDTHS
        below = below if step.up_to is None else step.up_to
    return earned


def band_points(steps: Sequence[Band], total: int) -> Amount:
    """Return the hundredths of a point of the highest band that a total has reached, 0 below the first."""
    reached = [step.points for step in steps if total >= step.at_least]
    return reached[-1] * HUNDREDTHS if reached else 0


def brackets_text(steps: Sequence[Bracket]) -> str:
    """Return brackets as text, from which an explanation is added up again: `72000:3600:1; :7200:1`."""
    return "; ".join(f"{'' if step.up_to is None else step.up_to}:{step.every}:{step.points}" for step in steps)


def bands_text(steps: Sequence[Band]) -> str:
    """Return bands as text: `10:100; 20:250`."""
    return "; ".join(f"{step.at_least}:{step.points}" for step in steps)
