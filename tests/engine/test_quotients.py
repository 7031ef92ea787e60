"""A threshold on a mean or a share is answered without dividing, and missing while there is nothing to divide by."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianxing.engine.quotients import Quotient, Threshold, holds, without_quotients
from lianxing.rules.conditions import AllOf, AnyOf, Compare, Missing, Not, Operator
from lianxing.rules.facts import RATIO_SCALE, Fact, FactType, Scope
from lianxing.rules.places import Label, Location

HERE = Location("town/stars.yaml", 3, 5)
FACTS = {
    "share": Fact("share", "", FactType.RATIO, Scope.MEASURE, Label()),
    "served": Fact("served", "", FactType.DURATION, Scope.MEASURE, Label()),
}
ORDER = [operator for operator in Operator if operator is not Operator.EQUALS]


@pytest.mark.parametrize("operator", ORDER)
def test_without_records_there_is_no_answer(operator: Operator) -> None:
    assert Threshold("t", "share", operator, 0).answer(Quotient(0, 0)) is None


@pytest.mark.parametrize(
    ("operator", "below", "at", "above"),
    [
        (Operator.AT_LEAST, 0, 1, 1),
        (Operator.MORE_THAN, 0, 0, 1),
        (Operator.AT_MOST, 1, 1, 0),
        (Operator.LESS_THAN, 1, 0, 0),
    ],
)
def test_two_thirds_are_compared_with_what_lies_next_to_them(
    operator: Operator, below: int, at: int, above: int
) -> None:
    """Two thirds lie between 666,666 and 666,667 millionths; three fifths are 600,000 exactly."""
    answers = [Threshold("t", "share", operator, 600_000).answer(Quotient(n, 5)) for n in (2, 3, 4)]
    assert answers == [below, at, above]
    assert Threshold("t", "share", operator, 666_667).answer(Quotient(2, 3)) == below
    assert Threshold("t", "share", operator, 666_666).answer(Quotient(2, 3)) == above


@pytest.mark.parametrize("operator", ORDER)
@given(total=st.integers(-(10**12), 10**12), count=st.integers(1, 10**6), operand=st.integers(-(10**12), 10**12))
def test_the_answer_is_that_of_exact_fractions(operator: Operator, total: int, count: int, operand: int) -> None:
    exact = Fraction(total, count)
    expected = {
        Operator.AT_LEAST: exact >= Fraction(operand, RATIO_SCALE),
        Operator.AT_MOST: exact <= Fraction(operand, RATIO_SCALE),
        Operator.MORE_THAN: exact > Fraction(operand, RATIO_SCALE),
        Operator.LESS_THAN: exact < Fraction(operand, RATIO_SCALE),
    }[operator]
    assert Threshold("t", "share", operator, operand).answer(Quotient(total, count)) == int(expected)


def test_equality_of_whole_numbers_is_a_relation_too() -> None:
    assert holds(Operator.EQUALS, 3, 3)
    assert not holds(Operator.EQUALS, 3, 4)


def test_a_condition_keeps_its_shape_and_every_comparison_of_a_quotient_becomes_a_fact() -> None:
    served = Compare("served", Operator.AT_LEAST, 100, HERE)
    share = Compare("share", Operator.AT_LEAST, 600_000, HERE)
    flat, thresholds = without_quotients(
        AllOf((served, AnyOf((share, Not(Missing("share", HERE), HERE)), HERE)), HERE), FACTS
    )
    assert [(t.name, t.operand) for t in thresholds if isinstance(t, Threshold)] == [
        ("share at_least 600000", 600_000),
        ("share at_least 0", 0),
    ]
    yes = Compare("share at_least 600000", Operator.EQUALS, 1, HERE)
    assert flat == AllOf((served, AnyOf((yes, Not(Missing("share at_least 0", HERE), HERE)), HERE)), HERE)
