"""Rounding to a multiple of a step: exact, in four directions, the same above and below zero."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianxing.engine.rounding import rounded
from lianxing.rules.hours import Direction

MODES = {
    Direction.DOWN: ROUND_DOWN,
    Direction.UP: ROUND_UP,
    Direction.HALF_UP: ROUND_HALF_UP,
    Direction.HALF_EVEN: ROUND_HALF_EVEN,
}


@pytest.mark.parametrize(
    ("amount", "down", "up", "half_up", "half_even"),
    [
        (0, 0, 0, 0, 0),
        (1, 0, 100, 0, 0),
        (49, 0, 100, 0, 0),
        (50, 0, 100, 100, 0),
        (51, 0, 100, 100, 100),
        (100, 100, 100, 100, 100),
        (150, 100, 200, 200, 200),
        (250, 200, 300, 300, 200),
        (-50, 0, -100, -100, 0),
        (-150, -100, -200, -200, -200),
        (Fraction(99_999, 2000), 0, 100, 0, 0),
        (Fraction(100_001, 2000), 0, 100, 100, 100),
    ],
)
def test_an_amount_is_rounded_to_whole_hundreds(
    amount: int | Fraction, down: int, up: int, half_up: int, half_even: int
) -> None:
    assert [rounded(amount, 100, direction) for direction in Direction] == [down, up, half_up, half_even]


@pytest.mark.parametrize("direction", list(Direction))
@given(thousandths=st.integers(-(10**12), 10**12), to=st.integers(1, 10_000))
def test_rounding_agrees_with_that_of_the_decimal_library(direction: Direction, thousandths: int, to: int) -> None:
    steps = Decimal(thousandths) / 1000  # so many steps, and a part
    expected = int(steps.quantize(Decimal(1), MODES[direction])) * to
    assert rounded(Fraction(thousandths * to, 1000), to, direction) == expected


@pytest.mark.parametrize("direction", list(Direction))
@given(numerator=st.integers(-(10**9), 10**9), denominator=st.integers(1, 10**6), to=st.integers(1, 10**5))
def test_a_rounded_amount_is_a_multiple_and_less_than_a_step_away(
    direction: Direction, numerator: int, denominator: int, to: int
) -> None:
    amount = Fraction(numerator, denominator)
    found = rounded(amount, to, direction)
    assert found % to == 0
    assert abs(found - amount) < to
    assert rounded(found, to, direction) == found
    assert rounded(-amount, to, direction) == -found
