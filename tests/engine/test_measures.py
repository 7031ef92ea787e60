"""Named totals over a person's history: what they see, on which day, and what they are when there is nothing to see."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianxing.engine.measures import Totals
from lianxing.engine.rulebook import MeasureValue
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


def test_a_label_that_two_measures_share_is_a_problem_at_the_later_one() -> None:
    with pytest.raises(PolicyError) as found:
        town(
            measures="""
a: {sum: hours, over: all_time, label: 服务时长}
b: {sum: hours, over: {calendar: month}, label: 服务时长}
""",
            stars="{award: {by: automatic}, levels: {1: {服务时长: {at_least: 1 hour}}}}",
        )
    assert [(problem.code, problem.location.line) for problem in found.value.problems] == [("P614", 3)]


# --- every way to make a value of a history ----------------------------------------------------------------------


def measured(measure: str, on: str, *days: str, minutes: int = 60, **facts: str) -> int | tuple[int, int] | None:
    """Return the measure `m` of records on these days, None while it is missing."""
    place = town(measures=f"m: {measure}", earning=f"{ONE_AN_HOUR}")
    records = [place.record(f"{day} 09:00", minutes=minutes, id=str(n), **facts) for n, day in enumerate(days)]
    lines = {line.clause.id: line for line in place.standing(on, *records).measures}
    return None if "m" not in lines else lines["m"].sum


ONE_AN_HOUR = """
- {id: t, points_per_hour: 1}
- {id: r, round: {to: 1 point, each: record, direction: down}}
"""


@pytest.mark.parametrize(
    ("what", "different"),
    [("activity", 2), ("day", 3), ("category", 1), ("stamps", 3), ("registry", 1), ("volunteer", 1), ("组织", 0)],
)
def test_different_values_are_counted_once_and_records_without_one_are_not(what: str, different: int) -> None:
    place = town(measures=f"m: {{distinct: {what}, over: all_time}}")
    records = [
        place.record("2024-06-15 09:00", minutes=60, activity="A", category="training", stamps="1"),
        place.record("2024-06-15 11:00", minutes=60, activity="A", category="training", stamps="2"),
        place.record("2024-06-16 09:00", minutes=60, activity="B", stamps="2"),
        place.record("2024-06-17 09:00", minutes=60, stamps="3"),
    ]
    assert value(place, "2024-06-30", *records) == different


def test_a_different_value_goes_with_the_last_record_that_has_it() -> None:
    place = town(measures="m: {distinct: activity, over: {rolling: 30 days}}")
    records = [
        place.record(f"2024-06-{day:02} 09:00", minutes=60, activity=activity)
        for day, activity in ((1, "A"), (2, "B"), (3, "A"))
    ]
    days = ("2024-06-03", "2024-07-01", "2024-07-02", "2024-07-03")
    assert [value(place, on, *records) for on in days] == [2, 2, 1, 0]


def test_the_best_of_several_registries_counts_and_they_are_never_added_up() -> None:
    place = town(
        measures="""
m: {sum: hours, best_of: category, over: all_time}
n: {count: records, best_of: 服务类别, over: all_time}
"""
    )
    records = [
        place.record(f"2024-06-{day} 09:00", minutes=minutes, category=category)
        for day, minutes, category in ((15, 60, "training"), (16, 150, "relief"), (17, 60, "training"))
    ]
    assert value(place, "2024-06-14", *records) == 0
    assert [value(place, f"2024-06-{day}", *records) for day in (15, 16, 17)] == [3600, 9000, 9000]
    assert [value(place, f"2024-06-{day}", *records, name="n") for day in (15, 16, 17)] == [1, 1, 2]
    without = place.record("2024-06-20 09:00", minutes=600)
    assert value(place, "2024-06-30", *records, without) == 9000


def test_the_best_of_a_window_is_no_longer_the_best_when_the_window_lets_it_go() -> None:
    place = town(measures="m: {sum: hours, best_of: category, over: {rolling: 30 days}}")
    records = [
        place.record("2024-06-01 09:00", minutes=300, category="training"),
        place.record("2024-06-02 09:00", minutes=60, category="relief"),
    ]
    days = ("2024-06-30", "2024-07-01", "2024-07-02")
    assert [value(place, on, *records) for on in days] == [300 * 60, 3600, 0]


@pytest.mark.parametrize(
    ("measure", "values"),
    [
        ("{largest: hours, over: all_time}", [None, 60, 120, 120]),
        ("{smallest: hours, over: all_time}", [None, 60, 60, 30]),
        ("{largest: hours, over: {rolling: 2 days}}", [None, 60, 120, 120]),
        ("{smallest: hours, over: {rolling: 2 days}}", [None, 60, 60, 30]),
        ("{largest: hours, over: {calendar: day}}", [None, 60, 120, 30]),
    ],
)
def test_the_largest_and_the_smallest_are_of_one_record_and_missing_without_any(
    measure: str, values: list[int | None]
) -> None:
    place = town(measures=f"m: {measure}")
    records = [
        place.record(f"2024-06-{day} 09:00", minutes=minutes) for day, minutes in ((15, 60), (16, 120), (17, 30))
    ]
    found = []
    for day in (14, 15, 16, 17):
        lines = {line.clause.id: line.sum for line in place.standing(f"2024-06-{day}", *records).measures}
        found.append(lines.get("m"))
    assert found == [None if minutes is None else minutes * 60 for minutes in values]


@pytest.mark.parametrize(
    ("measure", "on", "told"),
    [
        ("{first: day, over: all_time}", "2024-06-30", "2024-06-15"),
        ("{last: day, over: all_time}", "2024-06-30", "2024-06-17"),
        ("{first: day, over: {rolling: 30 days}}", "2024-07-15", "2024-06-16"),
        ("{last: day, over: {rolling: 30 days}}", "2024-07-16", "2024-06-17"),
        ("{last: day, over: {rolling: 30 days}}", "2024-07-17", None),
        ("{first: 日, over: {previous: month}}", "2024-07-01", "2024-06-15"),
        ("{last: day, over: {previous: month}}", "2024-06-30", None),
    ],
)
def test_the_first_and_the_last_tell_their_day(measure: str, on: str, told: str | None) -> None:
    found = measured(measure, on, "2024-06-15", "2024-06-16", "2024-06-17")
    assert found == (None if told is None else date.fromisoformat(told).toordinal())


def test_the_last_tells_what_the_record_says_and_a_record_that_does_not_say_is_passed_over() -> None:
    place = town(measures="f: {first: stamps, over: all_time}\nm: {last: stamps, over: all_time}")
    assert place.policy.measures[1].fact.type is FactType.WHOLE
    records = [
        place.record("2024-06-15 09:00", minutes=60),
        place.record("2024-06-16 09:00", minutes=60, stamps="4"),
        place.record("2024-06-17 09:00", minutes=60, stamps="7"),
        place.record("2024-06-18 09:00", minutes=60),
    ]
    assert [value(place, "2024-06-30", *records, name=name) for name in ("f", "m")] == [4, 7]


def test_a_measure_that_is_missing_answers_no_test_but_that_it_is_missing() -> None:
    place = town(
        measures="m: {last: day, over: all_time}",
        hours="- {id: first_ever, exclude: {m: {missing: yes}}}\n- {id: late, exclude: {m: {at_least: 2024-06-16}}}",
    )
    assert place.refused_by(place.record("2024-06-15 09:00", minutes=60)) == ["first_ever"]


# --- streaks -------------------------------------------------------------------------------------------------------

MONTHS = ("2024-01-31", "2024-02-01", "2024-03-15", "2024-05-05", "2024-06-30")


@pytest.mark.parametrize(
    ("which", "on", "months"),
    [
        ("current", "2024-03-31", 3),
        ("current", "2024-04-30", 3),  # April is still running: it may yet be reached
        ("current", "2024-05-01", 0),  # April was not
        ("current", "2024-05-05", 1),
        ("current", "2024-07-31", 2),
        ("current", "2024-08-01", 0),
        ("longest", "2024-05-01", 3),
        ("longest", "2024-08-01", 3),
        ("longest", "2024-01-30", 0),
    ],
)
def test_a_streak_counts_back_from_the_current_month_or_the_one_before(which: str, on: str, months: int) -> None:
    streak = f"{{streak: {{of: records, at_least: 1, per: month, which: {which}}}, over: all_time}}"
    assert measured(streak, on, *MONTHS) == months


@pytest.mark.parametrize(
    ("streak", "periods"),
    [
        ("{of: hours, at_least: 2 hours, per: day, which: longest}", 2),
        ("{of: hours, at_least: 121 minutes, per: day, which: longest}", 0),
        ("{of: points, at_least: 2 points, per: day, which: longest}", 2),
        ("{of: points, at_least: 1 point, per: day, which: longest}", 3),
        ("{of: records, at_least: 3, per: week, which: longest}", 1),
        ("{of: records, at_least: 5, per: quarter, which: current}", 1),
        ("{of: records, at_least: 6, per: half_year, which: current}", 0),
        ("{of: records, at_least: 5, per: calendar_year, which: current}", 1),
    ],
)
def test_a_period_belongs_to_a_streak_from_its_amount_on(streak: str, periods: int) -> None:
    """10 June 2024 is a Monday: one hour on it, two on each of the next two days."""
    days = ("2024-06-10", "2024-06-11", "2024-06-11", "2024-06-12", "2024-06-12")
    assert measured(f"{{streak: {streak}, over: all_time}}", "2024-06-12", *days) == periods


@pytest.mark.parametrize(
    ("since", "months"), [("2024-02-01", 1), ("2024-02-02", 2), ("2024-03-01", 2), ("2024-04-01", 3)]
)
def test_a_period_is_judged_by_what_was_in_force_on_its_first_day(since: str, months: int) -> None:
    least = f"{{2020-01-01: 1, {since}: 2}}"
    streak = f"{{streak: {{of: records, at_least: {least}, per: month, which: longest}}, over: all_time}}"
    assert measured(streak, "2024-06-30", "2024-01-10", "2024-02-10", "2024-03-10") == months


def test_a_streak_within_a_window_sees_only_what_the_window_holds() -> None:
    streak = "{streak: {of: records, at_least: 1, per: day, which: longest}, over: {rolling: 3 days}}"
    days = tuple(f"2024-06-{day}" for day in range(10, 16))
    assert [measured(streak, on, *days) for on in ("2024-06-15", "2024-06-16", "2024-06-18")] == [3, 2, 0]


def test_a_streak_over_new_year_goes_on() -> None:
    streak = "{streak: {of: records, at_least: 1, per: %s, which: current}, over: all_time}"
    for per in ("day", "week", "month", "quarter", "half_year", "calendar_year"):
        assert measured(streak % per, "2025-01-01", "2024-12-31", "2025-01-01") == (1 if per == "week" else 2)


# --- windows that begin or end otherwise -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("over", "seen"),
    [
        ("{from: 2024-06-16, until: 2024-06-17}", [0, 1, 2, 2]),
        ("{from: 2024-06-16}", [0, 1, 2, 3]),
        ("{until: 2024-06-16}", [1, 2, 2, 2]),
        ("{from: 2024-06-17, until: 2024-06-17}", [0, 0, 1, 1]),
        ("{calendar: half_year}", [1, 2, 3, 4]),
    ],
)
def test_a_window_between_two_days_holds_both_of_them(over: str, seen: list[int]) -> None:
    days = ("2024-06-15", "2024-06-16", "2024-06-17", "2024-06-18")
    assert [measured(f"{{count: records, over: {over}}}", on, *days) for on in days] == seen


@pytest.mark.parametrize("kind", ["sum: hours", "sum: hours, best_of: registry", "largest: hours", "distinct: day"])
@pytest.mark.parametrize(
    ("per", "first", "last"),
    [
        ("day", "2024-06-16", "2024-06-16"),
        ("week", "2024-06-17", "2024-06-23"),
        ("month", "2024-07-01", "2024-07-31"),
        ("quarter", "2024-07-01", "2024-09-30"),
        ("half_year", "2024-07-01", "2024-12-31"),
        ("calendar_year", "2025-01-01", "2025-12-31"),
    ],
)
def test_the_period_before_is_seen_during_the_next_one_and_not_on_a_day_more(
    kind: str, per: str, first: str, last: str
) -> None:
    def seen(day: int) -> bool:
        on = date.fromordinal(day).isoformat()
        return bool(measured(f"{{{kind}, over: {{previous: {per}}}}}", on, "2024-06-15"))

    begins, ends = (date.fromisoformat(day).toordinal() for day in (first, last))
    assert [seen(day) for day in (begins - 1, begins, ends, ends + 1)] == [False, True, True, False]


def test_two_periods_without_a_record_between_them_are_two_periods() -> None:
    days = ("2024-01-15", "2024-03-15", "2024-03-16", "2024-04-02")
    over = "{count: records, over: {previous: month}}"
    ons = ("2024-02-01", "2024-03-31", "2024-04-01", "2024-04-30", "2024-05-01")
    assert [measured(over, on, *days) for on in ons] == [1, 0, 2, 2, 1]


SINCE = "m: {%s, over: since_award}"


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("sum: hours", 3 * 3600, 3600),
        ("count: records", 3, 1),
        ("sum: hours, best_of: registry", 3 * 3600, 3600),
        ("distinct: day", 3, 1),
        ("largest: hours", 3600, 3600),
        ("first: day", date(2024, 6, 14).toordinal(), date(2024, 6, 16).toordinal()),
        ("streak: {of: records, at_least: 1, per: day, which: longest}", 3, 1),
    ],
)
def test_since_an_award_begins_anew_on_the_day_after_it(kind: str, before: int, after: int) -> None:
    totals = Totals(town(measures=SINCE % kind).policy)
    for day in (14, 15, 16):
        totals.add(date(2024, 6, day), 3600, 0, {"registry": "nvsi"}, frozenset())
    assert totals.on(date(2024, 6, 16)) == {"m": before}
    totals.granted(date(2024, 6, 15))
    assert totals.on(date(2024, 6, 16)) == {"m": after}
    totals.granted(date(2024, 6, 16))
    totals.add(date(2024, 6, 16), 3600, 0, {"registry": "nvsi"}, frozenset())  # on the day of the award itself
    assert totals.on(date(2024, 6, 16)).get("m", 0) == 0
    totals.add(date(2024, 6, 17), 3600, 0, {"registry": "nvsi"}, frozenset())
    assert totals.on(date(2024, 6, 17)).get("m", 0) != 0


def test_an_award_touches_nothing_that_is_not_counted_since_it() -> None:
    totals = Totals(town(measures="m: {sum: hours, over: all_time}").policy)
    totals.add(date(2024, 6, 15), 3600, 0, {}, frozenset())
    totals.granted(date(2024, 6, 15))
    assert totals.on(date(2024, 6, 15)) == {"m": 3600}


ANEW: dict[str, Callable[[list[tuple[int, str]]], int]] = {
    "sum: hours": lambda seen: sum(amount for amount, _ in seen),
    "sum: hours, best_of: category": lambda seen: max(sum(a for a, group in seen if group == one) for one in "ab"),
    "largest: hours": lambda seen: max(amount for amount, _ in seen),
    "smallest: hours": lambda seen: min(amount for amount, _ in seen),
    "first: stamps": lambda seen: seen[0][0],
    "last: stamps": lambda seen: seen[-1][0],
    "distinct: stamps": lambda seen: len({amount for amount, _ in seen}),
}
OVERS = (
    "all_time",
    "{calendar: month}",
    "{rolling: 40 days}",
    "{rolling: 2 months}",
    "{previous: month}",
    "{previous: quarter}",
    "{from: 2024-02-10, until: 2024-05-20}",
)


@given(history=st.lists(st.tuples(st.integers(0, 200), st.integers(1, 8), st.sampled_from("ab")), max_size=30))
def test_what_a_window_holds_comes_to_the_same_as_adding_it_up_anew(history: list[tuple[int, int, str]]) -> None:
    kinds = {f"m{number}": kind for number, (kind, _) in enumerate(product(ANEW, OVERS))}
    overs = [over for _, over in product(ANEW, OVERS)]
    said = zip(kinds.items(), overs, strict=True)
    policy = town(measures="\n".join(f"{id}: {{{kind}, over: {over}}}" for (id, kind), over in said)).policy
    totals = Totals(policy)
    days = [(date(2024, 1, 1) + timedelta(days=after), amount, group) for after, amount, group in sorted(history)]
    for index, (day, amount, group) in enumerate(days):
        totals.add(day, amount, 0, {"category": group, "stamps": amount}, frozenset())
        found = totals.on(day)
        for measure in policy.measures:
            id = measure.clause.id
            seen = [(a, g) for past, a, g in days[: index + 1] if measure.window.holds(past, day)]
            nothing = None if kinds[id].startswith(("largest", "smallest", "first", "last")) else 0
            assert found.get(id) == (ANEW[kinds[id]](seen) if seen else nothing), (id, day)


@given(days=st.lists(st.integers(0, 120), max_size=60), later=st.integers(0, 40))
def test_a_row_is_as_long_as_the_periods_counted_back_one_by_one(days: list[int], later: int) -> None:
    streak = "{of: records, at_least: 2, per: %s, which: %s}"
    said = {f"{per}_{which}": streak % (per, which) for per in ("day", "week") for which in ("current", "longest")}
    measures = "\n".join(f"{id}: {{streak: {words}, over: all_time}}" for id, words in said.items())
    totals = Totals(town(measures=measures).policy)
    start = date(2024, 1, 1)
    found: dict[str, MeasureValue] = {}
    for after in (*sorted(days), None):
        day = start + timedelta(days=max(days, default=0) + later if after is None else after)
        if after is not None:
            totals.add(day, 3600, 0, {}, frozenset())
        found = totals.on(day)
    for id in said:
        length = 1 if id.startswith("day") else 7
        last = (max(days, default=0) + later) // length
        enough = [sum(after // length == period for after in days) >= 2 for period in range(last + 1)]
        rows = [0]
        for holds in enough:
            rows.append(rows[-1] + 1 if holds else 0)
        assert found[id] == (max(rows) if id.endswith("longest") else rows[-1] or rows[-2])


def test_measures_over_several_people_count_heads() -> None:
    """What an organisation has done: the records of all its people, in the order of their days."""
    totals = Totals(town(measures="m: {distinct: volunteer, over: all_time}\nn: {sum: hours, over: all_time}").policy)
    for who in ("A", "B", "A"):
        totals.add(date(2024, 6, 15), 3600, 0, {"volunteer": who}, frozenset())
    assert totals.on(date(2024, 6, 15)) == {"m": 2, "n": 3 * 3600}


@pytest.mark.parametrize(
    ("measure", "codes"),
    [
        ("{distinct: weekday, over: all_time}", ["P314"]),
        ("{distinct: records, over: all_time}", ["P314"]),
        ("{count: activity, over: all_time}", ["P314"]),
        ("{largest: category, over: all_time}", ["P314"]),
        ("{first: category, over: all_time}", ["P314"]),
        ("{mean: hours, best_of: registry, over: all_time}", ["P610"]),
        ("{sum: hours, best_of: stamps, over: all_time}", ["P314"]),
        ("{sum: hours, over: {calendar: month, rolling: 1 month}}", ["P211"]),
        ("{sum: hours, over: {calendar: month, from: 2024-01-01}}", ["P211"]),
        ("{sum: hours, over: {}}", ["P210"]),
        ("{sum: hours, over: since_awards}", ["P105"]),
        ("{sum: hours, over: {from: 2024-06-16, until: 2024-06-15}}", ["P307"]),
        ("{sum: hours, over: {previous: activity}}", ["P105"]),
        ("{sum: hours}", ["P015"]),
        ("{streak: {of: hours, at_least: 1 hour, per: month}, over: all_time}", ["P015"]),
        ("{streak: {of: hours, at_least: 0 hours, per: month, which: current}, over: all_time}", ["P615"]),
        ("{streak: {of: hours, at_least: 3, per: month, which: current}, over: all_time}", ["P303"]),
        ("{streak: {of: stamps, at_least: 3, per: month, which: current}, over: all_time}", ["P314"]),
        ("{score: {combine: sum, rules: [{item: 1}]}, over: all_time}", ["P610"]),
        ("{score: {combine: sum, rules: [{item: 1}]}, sum: hours, over: all_time}", ["P211"]),
    ],
)
def test_what_is_wrong_with_a_measure(measure: str, codes: list[str]) -> None:
    with pytest.raises(PolicyError) as found:
        town(measures=f"m: {measure}")
    assert [problem.code for problem in found.value.problems] == codes


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
