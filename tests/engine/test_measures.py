"""Named totals over a person's history: what they see, on which day, and what they are when there is nothing to see."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianxing.rules.facts import Fact, FactType
from lianxing.rules.periods import Period, Window, add_months, completed_months, period_start
from lianxing.rules.problems import PolicyError
from lianxing.rules.records import ServiceRecord
from lianxing.rules.standings import MeasureLine
from tests.engine.counties import Town, town


def line(place: Town, on: str, *records: ServiceRecord, name: str = "m") -> MeasureLine:
    found = place.standing(on, *records)
    return next(line for line in found.measures if line.clause.id == name)


def value(place: Town, on: str, *records: ServiceRecord, name: str = "m") -> int | tuple[int, int]:
    found = line(place, on, *records, name=name)
    return found.sum if found.count is None else (found.sum, found.count)


def test_a_sum_a_count_a_mean_and_a_share_of_one_history() -> None:
    place = town(
        measures="""
hours_all: {sum: hours, over: all_time}
points_all: {sum: points, over: all_time}
reported: {sum: duration, over: all_time}
stamps_all: {sum: stamps, over: all_time}
times: {count: records, over: all_time}
mean_score: {mean: evaluation_score, over: all_time}
mean_hours: {mean: hours, over: all_time}
share_good: {share: {evaluation: good}, over: all_time}
share_good_of_graded: {share: {evaluation: good}, over: all_time, where: {evaluation: {missing: no}}}
""",
        hours="- {id: hours, round: {to: 1 hour, each: record, direction: down}}",
        earning="- {id: t, points_per_hour: 2}\n- {id: r, round: {to: 1 point, each: record, direction: down}}",
    )
    records = [
        place.record("2024-06-15 09:00", minutes=90, evaluation="good", evaluation_score="4.5", stamps="2"),
        place.record("2024-06-16 09:00", minutes=60, evaluation="poor", evaluation_score="3"),
        place.record("2024-06-17 09:00", minutes=30),
    ]
    got = {
        name: value(place, "2024-06-30", *records, name=name) for name in (m.clause.id for m in place.policy.measures)
    }
    assert got == {
        "hours_all": 2 * 3600,
        "points_all": 4_00,
        "reported": 180 * 60,
        "stamps_all": 2,
        "times": 3,
        "mean_score": (75_000, 2),  # in ten-thousandths, of the records that have a score
        "mean_hours": (2 * 3600, 3),
        "share_good": (1, 3),
        "share_good_of_graded": (1, 2),
    }


def test_without_records_a_sum_is_nothing_and_a_quotient_has_nothing_to_divide_by() -> None:
    place = town(measures="s: {sum: hours, over: all_time}\nm: {mean: hours, over: all_time}")
    assert value(place, "2024-06-30", name="s") == 0
    assert value(place, "2024-06-30") == (0, 0)


def test_a_refused_record_is_in_no_measure_but_one_worth_nothing_is() -> None:
    place = town(
        measures="m: {count: records, over: all_time}",
        hours="- {id: filed, count: {state: filed}}\n- {id: h, round: {to: 1 hour, each: record, direction: down}}",
    )
    short = place.record("2024-06-15 09:00", minutes=5, state="filed")
    assert value(place, "2024-06-30", short, place.record("2024-06-16 09:00", minutes=60)) == 1


@pytest.mark.parametrize(
    ("over", "first_day_in", "on"),
    [
        ("{calendar: day}", "2024-06-15", "2024-06-15"),
        ("{calendar: week}", "2024-06-10", "2024-06-16"),
        ("{calendar: month}", "2024-06-01", "2024-06-30"),
        ("{calendar: quarter}", "2024-04-01", "2024-06-30"),
        ("{calendar: calendar_year}", "2024-01-01", "2024-12-31"),
        ("{rolling: 30 days}", "2024-06-01", "2024-06-30"),
        ("{rolling: 1 day}", "2024-06-15", "2024-06-15"),
        ("{rolling: 12 months}", "2024-02-29", "2025-02-27"),
        ("{rolling: 24 months}", "2024-02-29", "2026-02-27"),
        ("{rolling: 24 months}", "2024-02-28", "2026-02-27"),
        ("{rolling: 2 years}", "2024-03-01", "2026-02-28"),
        ("{rolling: 1 month}", "2024-01-31", "2024-02-28"),
        ("{rolling: 1 month}", "2024-05-31", "2024-06-29"),
        ("{rolling: 48 months}", "2024-02-29", "2028-02-28"),
    ],
)
def test_a_window_holds_a_day_until_its_last_and_not_one_day_longer(over: str, first_day_in: str, on: str) -> None:
    """29 February 2024 plus 24 months is 28 February 2026: that day it is no longer seen."""
    place = town(measures=f"m: {{count: records, over: {over}}}")
    record = place.record(f"{first_day_in} 12:00", minutes=60)
    next_day = date.fromordinal(date.fromisoformat(on).toordinal() + 1).isoformat()
    assert value(place, on, record) == 1
    assert value(place, next_day, record) == 0


def test_records_of_later_days_are_not_seen() -> None:
    place = town(measures="m: {count: records, over: all_time}")
    records = [place.record(f"2024-06-{day} 09:00", minutes=60) for day in (15, 16)]
    assert [value(place, on, *records) for on in ("2024-06-14", "2024-06-15", "2024-06-16")] == [0, 1, 2]


def test_a_record_past_midnight_is_seen_on_the_day_it_began() -> None:
    place = town(measures="m: {sum: hours, over: {calendar: month}}", hours="- {id: s, split: midnight}")
    night = place.record("2024-06-30 22:00", "03:00")
    assert [value(place, on, night) for on in ("2024-06-30", "2024-07-01")] == [5 * 3600, 0]


@pytest.mark.parametrize(
    ("where", "seen"),
    [
        ("{category: training}", 1),
        ("{category: {not: training}}", 3),
        ("{category: {missing: yes}}", 1),
        ("{weekday: [6, 7]}", 2),
        ("{day: {at_least: 2024-06-17}}", 2),
        ("{duration: {more_than: 60 minutes}}", 2),
        ("{start_time: {at_least: 22:00}}", 1),
        ("{end_time: {at_most: 10:00}}", 1),
        ("{end_time: {missing: yes}}", 1),
        ("{day: {at_least: {2020-01-01: 2020-01-01, 2024-06-17: 2024-06-18}}}", 3),
    ],
)
def test_where_sees_the_record_the_calendar_and_the_times_of_day(where: str, seen: int) -> None:
    """15 June 2024 is a Saturday. The last record ends at midnight."""
    place = town(measures=f"m: {{count: records, over: all_time, where: {where}}}")
    records = [
        place.record("2024-06-15 09:00", "10:00", category="training"),
        place.record("2024-06-16 09:00", "10:01", category="relief"),
        place.record("2024-06-17 12:00", "12:59", category="relief"),
        place.record("2024-06-18 22:00", "00:00"),
    ]
    assert value(place, "2024-06-30", *records) == seen


def test_a_measure_in_a_condition_of_a_record_sees_the_times_of_day_too() -> None:
    place = town(
        measures="nights: {count: records, over: all_time, where: {start_time: {at_least: 22:00}}}",
        hours="- {id: one_night, exclude: {nights: {at_least: 1}}}",
    )
    records = [
        place.record(f"2024-06-{day} {hour}:00", minutes=30) for day, hour in ((15, "09"), (16, "22"), (17, "09"))
    ]
    assert place.refused_by(*records) == [None, None, "one_night"]


def test_the_unit_of_a_measure_is_that_of_what_it_adds_up() -> None:
    place = town(
        measures="""
a: {sum: hours, over: all_time}
b: {sum: points, over: all_time}
c: {count: records, over: all_time}
d: {mean: evaluation_score, over: all_time}
e: {share: {evaluation: good}, over: all_time}
"""
    )
    facts: list[Fact] = [measure.fact for measure in place.policy.measures]
    assert [(fact.type, fact.quotient_of) for fact in facts] == [
        (FactType.DURATION, None),
        (FactType.POINTS, None),
        (FactType.WHOLE, None),
        (FactType.RATIO, FactType.NUMBER),
        (FactType.RATIO, None),
    ]


def test_a_label_that_two_measures_share_names_neither() -> None:
    with pytest.raises(PolicyError) as found:
        town(
            measures="""
a: {sum: hours, over: all_time, label: 服务时长}
b: {sum: hours, over: {calendar: month}, label: 服务时长}
""",
            stars="{award: {by: automatic}, levels: {1: {服务时长: {at_least: 1 hour}}}}",
        )
    assert [problem.code for problem in found.value.problems] == ["P301"]


# --- windows ------------------------------------------------------------------------------------------------------

DAYS = st.dates(date(1900, 1, 1), date(2999, 12, 31))


@given(day=DAYS, months=st.integers(0, 1200))
def test_months_later_is_the_same_day_of_the_month_or_its_end(day: date, months: int) -> None:
    later = add_months(day, months)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day == day.day or (later.day < day.day and (add_one(later)).day == 1)


def add_one(day: date) -> date:
    return date.fromordinal(day.toordinal() + 1)


@given(since=DAYS, day=DAYS)
def test_completed_months_are_the_most_that_lie_between(since: date, day: date) -> None:
    months = completed_months(since, day)
    assert add_months(since, months) <= day < add_months(since, months + 1)


@given(first=DAYS, second=DAYS, on=DAYS, months=st.integers(0, 60), days=st.integers(0, 400))
def test_a_window_lets_the_older_record_go_first(first: date, second: date, on: date, months: int, days: int) -> None:
    window = Window(months=months) if months else Window(days=days)
    older, newer = sorted((first, second))
    if newer <= on and window.holds(older, on):
        assert window.holds(newer, on)


@given(day=DAYS)
def test_a_calendar_period_begins_within_it_and_the_day_before_is_in_another(day: date) -> None:
    for period in (Period.DAY, Period.WEEK, Period.MONTH, Period.QUARTER, Period.CALENDAR_YEAR):
        start = period_start(period, day)
        assert start <= day
        assert period_start(period, start) == start
        assert period_start(period, date.fromordinal(start.toordinal() - 1)) < start
