"""Who is on duty on a day."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from lianxing.engine.rosters import duty_days, on_duty
from lianxing.rules.rosters import Roster

MONDAY = date(2024, 6, 3)
WORKDAYS = frozenset((1, 2, 3, 4, 5))


def test_turns_go_round_over_the_days_on_which_the_post_is_manned() -> None:
    roster = Roster("junction", MONDAY, (("a", "b"), ("c",), ("d",)), WORKDAYS)
    week = [on_duty(roster, MONDAY + timedelta(days=day)) for day in range(9)]
    assert week == [("a", "b"), ("c",), ("d",), ("a", "b"), ("c",), (), (), ("d",), ("a", "b")]


def test_nobody_is_on_duty_before_the_first_day_or_after_the_last() -> None:
    roster = Roster("junction", MONDAY, (("a",),), until=MONDAY + timedelta(days=1))
    days = [on_duty(roster, MONDAY + timedelta(days=day)) for day in (-1, 0, 1, 2)]
    assert days == [(), ("a",), ("a",), ()]
    assert on_duty(Roster("junction", MONDAY, ()), MONDAY) == ()


def test_who_stands_in_changes_nobody_elses_turn() -> None:
    tuesday = MONDAY + timedelta(days=1)
    roster = Roster("junction", MONDAY, (("a",), ("b",), ("c",)), instead={tuesday: ("z",), MONDAY: ()})
    assert [on_duty(roster, MONDAY + timedelta(days=day)) for day in range(3)] == [(), ("z",), ("c",)]


def test_the_duty_days_of_somebody_are_those_on_which_they_are_on_duty() -> None:
    roster = Roster("junction", MONDAY, (("a",), ("b",)), WORKDAYS, date(2024, 6, 12))
    assert [day.day for day in duty_days(roster, "a", date(2024, 5, 1), date(2024, 6, 30))] == [3, 5, 7, 11]


@given(st.integers(0, 3000), st.frozensets(st.integers(1, 7), min_size=1), st.integers(1, 5), st.integers(0, 6))
def test_a_day_far_ahead_is_what_counting_day_by_day_comes_to(
    ahead: int, weekdays: frozenset[int], turns: int, begins: int
) -> None:
    first = MONDAY + timedelta(days=begins)
    roster = Roster("junction", first, tuple((str(turn),) for turn in range(turns)), weekdays)
    day = first + timedelta(days=ahead)
    before = sum((first + timedelta(days=n)).isoweekday() in weekdays for n in range(ahead))
    assert on_duty(roster, day) == ((str(before % turns),) if day.isoweekday() in weekdays else ())
