"""What each step of hours.yaml and earning.yaml makes of a person's records, on both sides of every boundary."""

from __future__ import annotations

import dataclasses
from datetime import date

import pytest

from lianxing.engine.counting import Fold, assess
from lianxing.engine.explaining import body_of
from lianxing.engine.readding import readd
from lianxing.rules.facts import VolunteerId
from lianxing.rules.records import Volunteer
from tests.engine.counties import COUNTY, SOMEBODY, town

TIME = """
- id: by_time
  points_per_hour: 1
- id: round_points
  round: {to: 0.01 points, each: record, direction: half_up}
"""

TRIPLED = TIME.replace(": 1\n", ": {2020-01-01: 1, 2024-06-16: 3}\n")


# --- which records count -------------------------------------------------------------------------------------------


def test_only_what_satisfies_a_count_counts() -> None:
    place = town(hours="- {id: filed, count: {state: [filed, effective]}}")
    filed = place.record("2024-06-15 09:00", "10:00", state="filed")
    reviewed = place.record("2024-06-15 11:00", "12:00", state="reviewed")
    unknown = place.record("2024-06-15 13:00", "14:00")
    assert place.hours(filed, reviewed, unknown) == [1, 0, 0]
    assert place.refused_by(filed, reviewed, unknown) == [None, "filed", "filed"]


def test_what_satisfies_an_exclude_does_not_count() -> None:
    place = town(hours="- {id: on_duty, exclude: {on_duty: yes}}")
    off = place.record("2024-06-15 09:00", "10:00", on_duty="no")
    on = place.record("2024-06-15 11:00", "12:00", on_duty="yes")
    unknown = place.record("2024-06-15 13:00", "14:00")
    assert place.refused_by(off, on, unknown) == [None, "on_duty", None]


def test_a_count_with_when_asks_only_the_records_it_applies_to() -> None:
    place = town(hours="- {id: long_training, when: {category: training}, count: {duration: {at_least: 2 hours}}}")
    short_training = place.record("2024-06-15 09:00", "10:59", category="training")
    training = place.record("2024-06-16 09:00", "11:00", category="training")
    relief = place.record("2024-06-17 09:00", "10:00", category="relief")
    assert place.refused_by(short_training, training, relief) == ["long_training", None, None]


def test_not_over_a_missing_fact_holds_and_missing_asks_for_its_absence() -> None:
    place = town(
        hours="""
- {id: not_poor, exclude: {not: {evaluation: {not: poor}}}}
- {id: graded, exclude: {evaluation: {missing: yes}}}
"""
    )
    good, poor = (place.record(f"2024-06-1{day} 09:00", "10:00", evaluation=e) for day, e in ((5, "good"), (6, "poor")))
    none = place.record("2024-06-17 09:00", "10:00")
    assert place.refused_by(good, poor, none) == [None, "not_poor", "graded"]


# --- splitting at midnight -----------------------------------------------------------------------------------------

SPLIT = "- {id: by_day, split: midnight}\n"
EIGHT_HOURS = "- {id: eight_hours, limit: {per: day, at_most: 8 hours, overflow: lost}}\n"


def test_a_record_past_midnight_is_split_by_day() -> None:
    place = town(hours=SPLIT)
    (found,) = place.assess(place.record("2024-06-15 22:30", "01:00"))
    assert [(w.part, w.after, dict(w.operands)["day"]) for w in found.workings] == [
        (0, 5400, "2024-06-15"),
        (1, 3600, "2024-06-16"),
    ]
    assert found.seconds == 9000


def test_each_day_of_a_split_record_has_its_own_limit() -> None:
    place = town(hours=SPLIT + EIGHT_HOURS)
    night = place.record("2024-06-15 20:00", "2024-06-16 10:00")
    next_day = place.record("2024-06-16 11:00", "12:00")
    assert place.hours(night, next_day) == [4 + 8, 0]


def test_without_a_split_a_record_past_midnight_belongs_to_the_day_it_began() -> None:
    place = town(hours=EIGHT_HOURS)
    night = place.record("2024-06-15 20:00", "2024-06-16 10:00")
    next_day = place.record("2024-06-16 11:00", "12:00")
    assert place.hours(night, next_day) == [8, 1]


@pytest.mark.parametrize(("start", "end"), [("22:00", "00:00"), ("00:00", "02:00"), ("00:00", "00:00")])
def test_a_record_that_begins_or_ends_exactly_at_midnight_has_one_part(start: str, end: str) -> None:
    place = town(hours=SPLIT)
    (found,) = place.assess(place.record(f"2024-06-15 {start}", end))
    assert found.workings == ()
    assert found.seconds == found.record.seconds


def test_one_second_past_midnight_is_a_part_of_one_second() -> None:
    place = town(hours=SPLIT)
    (found,) = place.assess(place.record("2024-06-15 23:00", "2024-06-16 00:00:01"))
    assert [working.after for working in found.workings] == [3600, 1]


def test_a_record_of_25_hours_has_three_parts() -> None:
    place = town(hours=SPLIT + EIGHT_HOURS)
    (found,) = place.assess(place.record("2024-06-15 23:30", "2024-06-17 00:30"))
    assert [working.after for working in found.workings if working.clause == "by_day"] == [1800, 86_400, 1800]
    assert found.seconds == 1800 + 8 * 3600 + 1800


def test_a_record_over_the_leap_day_has_a_part_on_it() -> None:
    place = town(hours=SPLIT + "- {id: leap_day, count: {month: 2, day_of_month: 29}}")
    (found,) = place.assess(place.record("2024-02-28 23:00", "2024-03-01 01:00"))
    assert found.seconds == 86_400


@pytest.mark.parametrize(
    ("day", "next_day", "hours"), [("2025-03-08", "2025-03-09", 22), ("2025-11-01", "2025-11-02", 24)]
)
def test_a_part_lasts_as_long_as_the_clock_says_where_it_is_changed(day: str, next_day: str, hours: int) -> None:
    """In New York 9 March 2025 has 23 hours, 2 November has 25."""
    place = town("America/New_York", hours=SPLIT)
    (found,) = place.assess(place.record(f"{day} 23:00", f"{next_day} 23:00"))
    assert [working.after for working in found.workings] == [3600, hours * 3600]
    assert found.seconds == (hours + 1) * 3600


def test_a_break_shortens_the_last_day_of_a_split_record() -> None:
    place = town(hours=SPLIT)
    (found,) = place.assess(place.record("2024-06-15 22:00", "02:00", minutes=150))
    assert [working.after for working in found.workings] == [7200, 1800]


def test_each_part_is_matched_by_its_own_day_times_and_person() -> None:
    """15 June 2024 is a Saturday; the person was registered 27 months on 30 June and 1 day less on 29 June."""
    record = ("2024-06-15 22:00", "02:00")
    place = town(hours=SPLIT + "- {id: saturdays, count: {weekday: 6}}")
    assert place.hours(place.record(*record)) == [2]
    place = town(hours=SPLIT + "- {id: early, count: {start_time: {less_than: 12:00}}}")
    assert place.hours(place.record(*record)) == [2]
    place = town(hours=SPLIT + "- {id: until_midnight, count: {end_time: {missing: yes}}}")
    assert place.hours(place.record(*record)) == [2]
    place = town(hours=SPLIT + "- {id: experienced, count: {tenure: {at_least: 27 months}}}")
    assert place.hours(place.record("2024-06-29 22:00", "03:00")) == [3]


def test_a_part_takes_the_values_in_force_on_its_own_day() -> None:
    place = town(hours=SPLIT, earning=TRIPLED)
    assert place.points(place.record("2024-06-15 22:00", "03:00")) == [2 * 1 + 3 * 3]


def test_a_record_without_times_is_not_split_and_has_no_time_of_day() -> None:
    place = town(hours=SPLIT + "- {id: timed, exclude: {start_time: {missing: yes}}}")
    assert place.refused_by(place.record("2024-06-15", minutes=1500)) == ["timed"]
    assert place.hours(place.record("2024-06-15 00:00", minutes=1500)) == [25]


# --- overlap -------------------------------------------------------------------------------------------------------


def overlap(rule: str, touching: str = "no", rest: str = "") -> str:
    return f"- {{id: once, overlap: {{rule: {rule}, touching: {touching}}}}}\n" + rest


def test_an_overlapping_record_is_refused_whole() -> None:
    place = town(hours=overlap("refuse"))
    first = place.record("2024-06-15 09:00", "11:00")
    second = place.record("2024-06-15 10:59", "12:00")
    third = place.record("2024-06-15 11:00", "12:00", id="third")
    assert place.hours(first, second, third) == [2, 0, 1]
    (refusal,) = place.assess(first, second, third)[1].refusals
    assert (refusal.clause, dict(refusal.details)["other"]) == ("once", first.id)


def test_touching_intervals_overlap_only_where_the_policy_says_so() -> None:
    """Worked example 2: 09:00-10:00 and 10:00-11:00."""
    for touching, hours in (("yes", [1, 0]), ("no", [1, 1])):
        place = town(hours=overlap("refuse", touching))
        records = place.record("2024-06-15 09:00", "10:00"), place.record("2024-06-15 10:00", "11:00")
        assert place.hours(*records) == hours


def test_of_an_overlapping_record_the_time_outside_the_earlier_ones_counts() -> None:
    place = town(hours=overlap("first"))
    records = [
        place.record("2024-06-15 09:00", "10:00"),
        place.record("2024-06-15 09:30", "10:30"),
        place.record("2024-06-15 09:45", "11:00"),
        place.record("2024-06-15 10:00", "10:45"),
    ]
    assert place.minutes(*records) == [60, 30, 30, 0]


def test_a_record_keeps_the_time_on_both_sides_of_a_later_part_that_was_taken_before() -> None:
    """The 15th is refused, so only the 16th is taken; the next record lies around it on both sides."""
    sixteenth = "- {id: sixteenth, when: {category: relief}, count: {day_of_month: 16}}\n"
    place = town(hours=SPLIT + sixteenth + overlap("first"))
    relief = place.record("2024-06-15 22:00", "2024-06-16 02:00", category="relief")
    around = place.record("2024-06-15 23:00", "2024-06-16 03:00")
    assert place.hours(relief, around) == [2, 1 + 1]


def test_of_two_records_that_begin_together_the_longer_one_keeps_the_rest() -> None:
    place = town(hours=overlap("first"))
    short = place.record("2024-06-15 08:00", "12:00", id="1")
    assert place.hours(short, place.record("2024-06-15 08:00", "13:00", id="2")) == [4, 1]


def test_the_order_of_records_that_begin_together_is_that_of_their_ids_by_length_then_text() -> None:
    place = town(hours=overlap("first"))
    start = "2024-06-15 09:00"
    ten, nine, b = (place.record(start, "10:00", id=id) for id in ("10", "9", "b"))
    assert place.hours(ten, nine, b) == [0, 1, 0]


def test_a_record_that_was_refused_before_takes_no_time() -> None:
    place = town(hours="- {id: filed, count: {state: filed}}\n" + overlap("first"))
    refused = place.record("2024-06-15 09:00", "11:00")
    filed = place.record("2024-06-15 10:00", "12:00", state="filed")
    assert place.hours(refused, filed) == [0, 2]


def test_a_record_that_is_refused_for_overlapping_takes_no_time_either() -> None:
    place = town(hours=overlap("refuse"))
    records = [place.record(f"2024-06-15 {start}", end) for start, end in (("09:00", "10:00"), ("09:30", "12:00"))]
    assert place.hours(*records, place.record("2024-06-15 11:00", "12:00")) == [1, 0, 1]


def test_merged_records_are_rounded_as_one() -> None:
    down = "- {id: half_hours, round: {to: 30 minutes, each: record, direction: down}}"
    for rule, minutes in (("first", [0, 0]), ("merge", [0, 30])):
        place = town(hours=overlap(rule, rest=down))
        records = place.record("2024-06-15 09:00", "09:20"), place.record("2024-06-15 09:10", "09:40")
        assert place.minutes(*records) == minutes


def test_merged_records_share_a_limit_per_record_and_a_chain_is_one_record() -> None:
    limit = "- {id: two_hours, limit: {per: record, at_most: 2 hours, overflow: lost}}"
    place = town(hours=overlap("merge", rest=limit))
    chain = [place.record(f"2024-06-15 {h:02}:30", f"{h + 1:02}:45") for h in (8, 9, 10)]
    apart = place.record("2024-06-15 12:00", "15:00")
    assert place.minutes(*chain, apart) == [75, 45, 0, 120]


def test_touching_records_merge_only_where_the_policy_says_so() -> None:
    down = "- {id: hours, round: {to: 1 hour, each: record, direction: down}}"
    for touching, minutes in (("yes", [0, 60]), ("no", [0, 0])):
        place = town(hours=overlap("merge", touching, down))
        records = place.record("2024-06-15 09:00", "09:30"), place.record("2024-06-15 09:30", "10:00")
        assert place.minutes(*records) == minutes


def test_the_time_left_of_a_split_record_lies_on_the_day_it_was_served() -> None:
    place = town(hours=SPLIT + overlap("first", rest=EIGHT_HOURS), earning=TRIPLED)
    evening = place.record("2024-06-15 22:00", "00:00")
    night = place.record("2024-06-15 22:30", "02:00")
    assert place.hours(evening, night) == [2, 2]
    assert place.points(evening, night) == [2, 6]


def test_a_break_within_a_record_does_not_make_its_time_free() -> None:
    place = town(hours=overlap("first"))
    with_break = place.record("2024-06-15 09:00", "12:00", minutes=120)
    assert place.hours(with_break, place.record("2024-06-15 11:00", "13:00")) == [2, 1]


@pytest.mark.parametrize(("rule", "hours"), [("first", [2, 0.5]), ("refuse", [2, 0])])
def test_a_break_in_which_a_part_of_a_record_falls_is_not_free_either(rule: str, hours: list[float]) -> None:
    place = town(hours=f"- {{id: by_day, split: midnight}}\n{overlap(rule)}")
    evening = place.record("2024-06-15 21:00", "2024-06-16 02:00", minutes=120)
    assert place.hours(evening, place.record("2024-06-16 00:30", "02:30")) == hours


def test_a_piece_of_a_record_that_gets_no_second_leaves_the_arithmetic_whole() -> None:
    place = town(hours='- {id: bands, split: {at: ["22:00", midnight], share_of_breaks: pro_rata}}')
    record = dataclasses.replace(place.record("2024-06-15 21:00", "01:00"), seconds=1)
    (made,) = place.assess(record)
    assert readd(body_of(made)) == (made.seconds, made.points) == (1, 0)


def test_an_event_without_length_overlaps_nothing() -> None:
    place = town(hours=overlap("refuse", "yes"))
    service = place.record("2024-06-15 09:00", "11:00")
    events = [place.record(f"2024-06-15 {time}", minutes=0) for time in ("09:00", "10:00", "11:00")]
    assert place.refused_by(service, *events) == [None] * 4


def test_records_without_times_never_overlap() -> None:
    place = town(hours=overlap("refuse"))
    records = [place.record("2024-06-15", minutes=60, id=id) for id in "ab"]
    assert place.hours(*records) == [1, 1]


# --- rounding time -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("direction", "minutes", "rounded"),
    [
        ("down", 29, 0),
        ("down", 30, 30),
        ("down", 59, 30),
        ("up", 0, 0),
        ("up", 1, 30),
        ("up", 30, 30),
        ("up", 31, 60),
        ("half_up", 14, 0),
        ("half_up", 15, 30),
        ("half_up", 45, 60),
        ("half_even", 15, 0),
        ("half_even", 16, 30),
        ("half_even", 45, 60),
    ],
)
def test_a_record_is_rounded(direction: str, minutes: int, rounded: int) -> None:
    place = town(hours=f"- {{id: half_hours, round: {{to: 30 minutes, each: record, direction: {direction}}}}}")
    assert place.minutes(place.record("2024-06-15 09:00", minutes=minutes)) == [rounded]


def test_where_time_is_rounded_changes_the_result() -> None:
    """Worked example 1: three records of 20 minutes to 0.01 hours give 0.99 h each for itself, 1.00 on the sum."""
    for each, hours in (("record", 0.99), ("day", 1.00), ("running_total", 1.00)):
        place = town(hours=f"- {{id: hundredths, round: {{to: 36 seconds, each: {each}, direction: half_up}}}}")
        records = [place.record(f"2024-06-15 {hour}:00", minutes=20) for hour in (10, 11, 12)]
        assert sum(place.assess(*records)[i].seconds for i in range(3)) == round(hours * 3600)


def test_what_a_day_rounds_off_is_not_carried_to_the_next_but_the_running_total_carries_it() -> None:
    for each, minutes in (("day", [0, 30, 0, 30]), ("running_total", [0, 30, 30, 0])):
        place = town(hours=f"- {{id: half_hours, round: {{to: 30 minutes, each: {each}, direction: down}}}}")
        records = [place.record(f"2024-06-{day} {hour}:00", minutes=20) for day in (15, 16) for hour in (10, 11)]
        assert place.minutes(*records) == minutes


def test_a_new_rounding_step_starts_adding_up_anew() -> None:
    """45 minutes under the old half hours give 30; 45 under whole hours give nothing, not even with what was lost."""
    place = town(
        hours="""
- id: steps
  round: {to: {2020-01-01: 30 minutes, 2024-06-16: 1 hour}, each: running_total, direction: down}
"""
    )
    before = place.record("2024-06-15 09:00", minutes=45)
    after = [place.record(f"2024-06-16 {hour}:00", minutes=minutes) for hour, minutes in ((10, 45), (11, 15))]
    assert place.minutes(before, *after) == [30, 0, 60]


def test_a_rounding_with_when_leaves_other_records_as_they_are() -> None:
    place = town(
        hours="- {id: r, when: {category: training}, round: {to: 1 hour, each: record, direction: down}}",
    )
    training = place.record("2024-06-15 09:00", minutes=90, category="training")
    assert place.minutes(training, place.record("2024-06-15 11:00", minutes=90)) == [60, 90]


# --- limits on time ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("per", "same", "next"),
    [
        ("day", "2024-06-15 22:00", "2024-06-16 00:00"),
        ("week", "2024-06-16 10:00", "2024-06-17 10:00"),  # Sunday, Monday
        ("month", "2024-06-30 10:00", "2024-07-01 10:00"),
        ("quarter", "2024-06-30 10:00", "2024-07-01 10:00"),
        ("calendar_year", "2024-12-31 10:00", "2025-01-01 10:00"),
    ],
)
def test_the_record_that_crosses_a_limit_is_truncated_and_the_next_period_begins_afresh(
    per: str, same: str, next: str
) -> None:
    place = town(hours=f"- {{id: cap, limit: {{per: {per}, at_most: 3 hours, overflow: lost}}}}")
    records = [
        place.record("2024-06-15 08:00", "10:00"),
        place.record(same, minutes=119),
        place.record(same, minutes=60, id="z" * 40),
        place.record(next, minutes=120),
    ]
    assert place.minutes(*records) == [120, 60, 0, 120]


def test_february_of_a_leap_year_ends_on_the_29th() -> None:
    place = town(hours="- {id: cap, limit: {per: month, at_most: 1 hour, overflow: lost}}")
    days = ("2024-02-28", "2024-02-29", "2024-03-01")
    assert place.minutes(*(place.record(f"{day} 10:00", minutes=40) for day in days)) == [40, 20, 40]


def test_a_limit_on_the_running_total_never_begins_afresh() -> None:
    place = town(hours="- {id: cap, limit: {per: running_total, at_most: 3 hours, overflow: lost}}")
    records = [place.record(f"{year}-06-15 10:00", "12:00") for year in (2021, 2024, 2028)]
    assert place.hours(*records) == [2, 1, 0]


def test_a_limit_per_record_and_per_activity() -> None:
    """Without an activity every record is an activity of its own."""
    for per, hours in (("record", [2, 2, 2, 2]), ("activity", [2, 0, 2, 2])):
        place = town(hours=f"- {{id: cap, limit: {{per: {per}, at_most: 2 hours, overflow: lost}}}}")
        records = [
            place.record("2024-06-15 08:00", "11:00", activity="A"),
            place.record("2024-06-16 08:00", "11:00", activity="A"),
            place.record("2024-06-17 08:00", "11:00"),
            place.record("2024-06-18 08:00", "11:00"),
        ]
        assert place.hours(*records) == hours


def test_a_limit_counts_only_the_records_it_applies_to() -> None:
    """Worked example 34: a disaster day gives 5 hours of service and at most 2 of 3 hours of travel."""
    place = town(
        hours="""
- {id: eight_hours, when: {not: {category: culture}}, limit: {per: day, at_most: 8 hours, overflow: lost}}
- {id: travel, when: {category: culture}, limit: {per: day, at_most: 2 hours, overflow: lost}}
"""
    )
    assert place.hours(place.record("2024-06-15 08:00", "18:00")) == [8]
    service = place.record("2024-06-15 08:00", "13:00", category="relief")
    travel = place.record("2024-06-15 13:00", "16:00", category="culture")
    assert place.hours(service, travel) == [5, 2]


LOWERED = """
- id: cap
  limit: {per: %s, at_most: {2020-01-01: 4 hours, 2024-06-16: 2 hours}, overflow: lost}
"""


def test_a_limit_that_was_changed_holds_from_its_day() -> None:
    place = town(hours=LOWERED % "day")
    records = [place.record(f"2024-06-{day} 08:00", "13:00") for day in (15, 16)]
    assert place.hours(*records) == [4, 2]


def test_a_limit_lowered_within_its_period_takes_nothing_back() -> None:
    place = town(hours=LOWERED % "month")
    records = [place.record(f"2024-06-{day} 08:00", "11:00") for day in (15, 16)]
    assert place.hours(*records) == [3, 0]


def test_the_order_of_the_file_decides() -> None:
    steps = (
        "- {id: half_hours, round: {to: 30 minutes, each: record, direction: down}}",
        "- {id: cap, limit: {per: day, at_most: 100 minutes, overflow: lost}}",
    )
    for order, minutes in ((steps, [90, 10]), (steps[::-1], [90, 0])):
        place = town(hours="\n".join(order))
        records = [place.record(f"2024-06-15 {hour}:00", minutes=minutes) for hour, minutes in (("08", 95), ("10", 60))]
        assert place.minutes(*records) == minutes


# --- points --------------------------------------------------------------------------------------------------------

ROUND = "- {id: round_points, round: {to: 0.01 points, each: record, direction: half_up}}\n"


def test_time_earns_by_a_table_of_one_fact() -> None:
    """Worked example 38: class 1 h at 10, school 2.5 h at 10.2, district 3 h at 10.4 give 66.7."""
    rates = "{by: category, training: 10, relief: 10.2, culture: 10.4, missing: 0}"
    place = town(earning=f"- {{id: t, points_per_hour: {rates}}}\n" + ROUND)
    records = [
        place.record("2024-06-15 09:00", minutes=60, category="training"),
        place.record("2024-06-15 10:00", minutes=150, category="relief"),
        place.record("2024-06-15 14:00", minutes=180, category="culture"),
        place.record("2024-06-15 18:00", minutes=60),
    ]
    assert place.points(*records) == [10, 25.5, 31.2, 0]


TWO_KEYS = """
- id: t
  points_per_hour:
    by: [category, complaint]
    training: {yes: 1, default: 2}
    relief: 3
    default: {yes: 4, missing: 5, default: 6}
    missing: 7
"""


@pytest.mark.parametrize(
    ("category", "complaint", "points"),
    [
        ("training", "yes", 1),
        ("training", "no", 2),
        ("training", None, 2),
        ("relief", "yes", 3),  # the first key binds harder than the row for complaints of any category
        ("relief", None, 3),
        ("culture", "yes", 4),
        ("culture", None, 5),
        ("culture", "no", 6),
        (None, "yes", 7),
        (None, None, 7),
    ],
)
def test_a_table_of_two_facts_answers_with_the_nearest_row(
    category: str | None, complaint: str | None, points: int
) -> None:
    place = town(earning=TWO_KEYS + ROUND)
    facts = {"category": category, "complaint": complaint}
    record = place.record("2024-06-15 09:00", minutes=60, **{k: v for k, v in facts.items() if v is not None})
    assert place.points(record) == [points]


RATES = "- {id: t, points_per_hour: {by: [category, area], table: rates.csv}}\n" + ROUND


@pytest.mark.parametrize(
    ("heading", "rest"),
    [
        ("category,area,value,valid_from,valid_until", "default"),
        ("生效日,截止日,数值,服务区划,服务类别", "其余"),
    ],
)
def test_a_table_beside_the_chapter_has_validity_columns(heading: str, rest: str) -> None:
    rows = [
        ("training", "A", "1", "", "2024-06-30"),
        ("training", "A", "2", "2024-07-01", ""),
        (rest, rest, "3", "", ""),
    ]
    columns = {"category": 0, "area": 1, "value": 2, "valid_from": 3, "valid_until": 4}
    chinese = {"服务类别": 0, "服务区划": 1, "数值": 2, "生效日": 3, "截止日": 4}
    order = [(columns | chinese)[name] for name in heading.split(",")]
    table = "\n".join([heading, *(",".join(row[index] for index in order) for row in rows)])
    place = town(earning=RATES, files={"rates.csv": table})
    days = [place.record(f"2024-{day} 09:00", minutes=60, category="training", area="A") for day in ("06-30", "07-01")]
    other = place.record("2024-07-02 09:00", minutes=60, category="training", area="B")
    assert place.points(*days, other) == [1, 2, 3]


def test_a_chinese_chapter_may_name_an_english_table() -> None:
    place = town(
        earning="""
- {编号: t, 每小时积分: {按: category, 表格: rates.csv}}
- {编号: r, 取整: {到: 0.01 分, 范围: 每条记录, 方向: 四舍五入}}
""",
        files={"rates.csv": "category,value\ntraining,2\ndefault,1\n"},
    )
    assert place.points(place.record("2024-06-15 09:00", minutes=60, category="training")) == [2]


def test_a_row_holds_on_its_days_and_leaves_the_others_to_the_next_nearest() -> None:
    place = town(
        earning="- {id: t, points_per_hour: {by: category, table: rates.csv}}\n" + ROUND,
        files={"rates.csv": "category,value,valid_from,valid_until\nrelief,3,2024-07-01,2024-08-31\ndefault,1,,\n"},
    )
    days = ("2024-06-30", "2024-07-01", "2024-08-31", "2024-09-01")
    assert place.points(*(place.record(f"{day} 09:00", minutes=60, category="relief") for day in days)) == [1, 3, 3, 1]


def test_a_row_that_has_run_out_gives_nothing_and_says_so() -> None:
    place = town(
        earning="- {id: t, points_per_hour: {by: category, table: rates.csv}}\n" + ROUND,
        files={"rates.csv": "category,value,valid_from,valid_until\ndefault,2,,2024-06-30\n"},
    )
    last, late = (place.record(f"2024-{day} 09:00", minutes=60) for day in ("06-30", "07-01"))
    assert place.points(last, late) == [2, 0]
    (refusal,) = place.assess(last, late)[1].refusals
    assert (refusal.clause, refusal.reason) == ("t", "no_rate")


def test_a_value_holds_from_its_day_on() -> None:
    place = town(earning=TIME.replace(": 1\n", ": {2020-01-01: 2, 2024-07-01: 3}\n"))
    days = [place.record(f"2024-{day} 09:00", minutes=60) for day in ("06-30", "07-01")]
    assert place.points(*days) == [2, 3]


def test_an_event_earns_once_however_long_it_took_and_however_many_days_it_spans() -> None:
    place = town(hours=SPLIT, earning="- {id: e, points_per_event: {by: category, relief: 5, default: 2}}")
    moment = place.record("2024-06-15 09:00", minutes=0, category="relief")
    nights = place.record("2024-06-15 20:00", "2024-06-17 08:00")
    assert place.points(moment, nights) == [5, 2]
    assert place.hours(moment, nights) == [0, 36]


def test_factors_additions_and_zeroing_in_the_order_of_the_file() -> None:
    place = town(
        earning="""
- {id: t, points_per_hour: 1}
- {id: evaluation, multiply: {by: evaluation, good: 1.2, fair: 1, poor: 0.5, missing: 1}}
- {id: captain, add: {by: stamps, 1: 3, default: 0}}
- {id: complaint, zero: {complaint: yes}}
- {id: fine, when: {complaint: yes}, add: -2.5}
- {id: r, round: {to: 0.1 points, each: record, direction: half_up}}
"""
    )
    good = place.record("2024-06-15 09:00", minutes=220, evaluation="good", stamps="1")
    poor = place.record("2024-06-16 09:00", minutes=60, evaluation="poor")
    angry = place.record("2024-06-17 09:00", minutes=60, stamps="1", complaint="yes")
    assert place.points(good, poor, angry) == [7.4, 0.5, -2.5]


def test_points_are_exact_until_they_are_rounded() -> None:
    """A third of an hour at 1 point, times 3, is 1 point: nothing was lost on the way."""
    place = town(earning="- {id: t, points_per_hour: 1}\n- {id: m, multiply: 3}\n" + ROUND)
    assert place.points(place.record("2024-06-15 09:00", minutes=20)) == [1]


def test_points_are_rounded_per_record_per_month_or_on_the_running_total() -> None:
    for each, points in (("record", [0, 0, 0]), ("month", [0, 1, 0]), ("running_total", [0, 1, 0])):
        rounding = f"- {{id: r, round: {{to: 1 point, each: {each}, direction: half_up}}}}"
        place = town(earning="- {id: t, points_per_hour: 1}\n" + rounding)
        records = [place.record(f"2024-06-{day} 09:00", minutes=20) for day in (15, 16, 17)]
        assert place.points(*records) == points


def test_the_record_that_crosses_a_limit_on_points_is_truncated() -> None:
    place = town(
        earning=TIME
        + """
- id: training_cap
  when: {category: training}
  limit: {per: calendar_year, at_most: 20 points, overflow: lost}
"""
    )
    days = ("2024-01-10", "2024-02-10", "2024-03-10", "2025-01-01")
    training = [place.record(f"{day} 08:00", minutes=660, category="training") for day in days]
    assert place.points(*training) == [11, 9, 0, 11]
    assert place.hours(*training) == [11] * 4
    assert place.points(*training[:3], place.record("2024-03-11 08:00", minutes=660)) == [11, 9, 0, 11]


def test_a_step_of_points_with_when_leaves_other_records_alone() -> None:
    place = town(earning="- {id: t, when: {category: relief}, points_per_hour: 2}\n" + ROUND)
    relief = place.record("2024-06-15 10:00", minutes=60, category="relief")
    other = place.record("2024-06-15 11:00", minutes=60, category="culture")
    assert place.points(relief, other) == [2, 0]


# --- in force, order, history --------------------------------------------------------------------------------------


def test_records_count_from_the_first_to_the_last_day_in_force() -> None:
    place = town(earning=TIME)
    days = ("2019-12-31", "2020-01-01", "2029-12-31", "2030-01-01")
    records = [place.record(f"{day} 12:00", minutes=60) for day in days]
    assert place.points(*records) == [0, 1, 1, 0]
    reasons = [[refusal.reason for refusal in found.refusals] for found in place.assess(*records)]
    assert reasons == [["before_in_force"], [], [], ["after_in_force"]]


def test_a_record_before_a_dated_threshold_is_refused_and_not_an_error() -> None:
    place = town(
        hours="- {id: long, count: {duration: {at_least: {2020-01-01: 1 hour, 2024-06-16: 2 hours}}}}",
        stars="{award: {by: automatic}, levels: {1: {tenure: {at_least: {2020-01-01: 1 year}}}}}",
        perks="{p: {stars: 1, uses: {at_most: {2020-01-01: 1}, per: week}, provider: x}}",
    )
    records = [place.record(f"{day} 12:00", minutes=90) for day in ("2019-12-31", "2024-06-15", "2024-06-16")]
    assert place.refused_by(*records) == ["county", None, "long"]
    assert place.standing("2019-06-01", *records).star_reached == 0


def test_thresholds_older_than_the_policy_are_no_error() -> None:
    place = town(
        hours="""
- {id: a, count: {duration: {at_least: {2000-01-01: 1 hour, 2024-01-01: 2 hours}}}}
- {id: b, count: {duration: {at_most: {2010-01-01: 9 hours, 2025-01-01: 8 hours}}}}
"""
    )
    assert place.refused_by(place.record("2020-01-01 12:00", minutes=60)) == [None]


def test_records_are_folded_in_order_and_per_person() -> None:
    place = town(earning=TIME)
    early, late = place.record("2024-06-15 09:00", minutes=60), place.record("2024-06-15 10:00", minutes=60)
    with pytest.raises(ValueError, match="in order"):
        assess(place.rulebook, SOMEBODY, ((record, {}) for record in (late, early)))
    with pytest.raises(ValueError, match="per person"):
        Fold(place.rulebook, Volunteer(VolunteerId("V2"))).assess(early, {})


def test_a_condition_sees_measures_strictly_before_the_record() -> None:
    place = town(
        measures="served: {sum: hours, over: all_time}",
        earning="""
- {id: t, points_per_hour: 1}
- {id: veteran, when: {served: {at_least: 2 hours}}, multiply: 2}
"""
        + ROUND,
    )
    records = [place.record(f"2024-06-{day} 09:00", minutes=60) for day in (15, 16, 17, 18)]
    assert place.points(*records) == [1, 1, 2, 2]


def test_a_measure_sees_what_a_record_was_worth_after_all_steps() -> None:
    place = town(
        measures="earned: {sum: points, over: {calendar: month}}\nsigned: {count: records, over: all_time}",
        hours="- {id: filed, count: {state: filed}}",
        earning="""
- {id: t, points_per_hour: 1}
- {id: r, round: {to: 1 point, each: record, direction: down}}
- {id: welcome, when: {signed: 0}, add: 10}
- {id: enough, when: {earned: {at_least: 11 points}}, zero: {duration: {at_least: 0 minutes}}}
""",
    )
    unfiled = place.record("2024-06-14 09:00", minutes=60)
    records = [place.record(f"2024-06-{day} 09:00", minutes=90, state="filed") for day in (15, 16)]
    july = place.record("2024-07-01 09:00", minutes=90, state="filed")
    assert place.points(unfiled, *records, july) == [0, 11, 0, 1]


def test_a_mean_without_records_is_missing_so_its_complement_holds() -> None:
    place = town(
        measures="mean_score: {mean: evaluation_score, over: all_time}",
        hours="""
- {id: well, exclude: {mean_score: {less_than: 4}}}
- {id: known, exclude: {not: {mean_score: {at_least: 1}}}}
""",
    )
    records = [place.record(f"2024-06-{day} 09:00", minutes=60, evaluation_score="5") for day in (15, 16)]
    assert place.refused_by(*records) == ["known", "known"]  # what is refused is in no mean


def test_facts_that_a_plugin_supplies_never_replace_those_of_the_registry() -> None:
    place = town(hours="- {id: trained, count: {category: training}}")
    said = place.record("2024-06-15 09:00", minutes=60, category="relief")
    silent = place.record("2024-06-16 09:00", minutes=60)
    made = assess(place.rulebook, SOMEBODY, ((record, {"category": "training"}) for record in (said, silent)))
    assert [found.counted for found in made] == [False, True]


def test_the_same_records_give_the_same_assessments() -> None:
    place = town(hours=SPLIT + overlap("merge", rest=EIGHT_HOURS), earning=TIME)
    records = [place.record(f"2024-06-{day} 20:00", "03:00") for day in (15, 16, 17)]
    assert place.assess(*records) == place.assess(*reversed(records))[::-1]


def test_a_half_open_policy_runs_on() -> None:
    place = town(county=COUNTY.replace(", until: 2029-12-31", "") % "Asia/Shanghai")
    assert place.policy.county.in_force_until is None
    assert place.hours(place.record("2199-12-31 09:00", minutes=60)) == [1]


def test_a_person_without_a_registration_day_has_no_tenure() -> None:
    place = town(hours="- {id: experienced, count: {tenure: {at_least: 0 months}}}")
    record = place.record("2024-06-15 09:00", minutes=60)
    nobody = dataclasses.replace(SOMEBODY, registered_on=None)
    assert [found.counted for found in place.assess(record, person=nobody)] == [False]
    future = dataclasses.replace(SOMEBODY, registered_on=date(2024, 6, 16))
    assert [found.counted for found in place.assess(record, person=future)] == [False]
    assert [found.counted for found in place.assess(record)] == [True]


@pytest.mark.parametrize("rule", ["first", "merge"])
def test_a_record_with_no_time_left_outside_the_earlier_ones_is_refused_and_earns_no_event(rule: str) -> None:
    place = town(hours=overlap(rule), earning="- {id: visit, points_per_event: 5}")
    long, inside = place.record("2024-06-15 09:00", "12:00"), place.record("2024-06-15 10:00", "11:00")
    assert place.refused_by(long, inside) == [None, "once"]
    assert [found.points for found in place.assess(long, inside)] == [500, 0]


def test_merged_records_are_one_event_and_first_come_records_are_two() -> None:
    for rule, points in (("merge", [500, 0]), ("first", [500, 500])):
        place = town(hours=overlap(rule), earning="- {id: visit, points_per_event: 5}")
        early, late = place.record("2024-06-15 09:00", "11:00"), place.record("2024-06-15 10:00", "12:00")
        assert [found.points for found in place.assess(early, late)] == points


@pytest.mark.parametrize(("counts_from", "expected"), [("", [0, 0, 2]), (", counts_from: 2018-05-01", [0, 1, 2])])
def test_service_before_the_rules_counts_by_their_first_day_where_the_county_says_so(
    counts_from: str, expected: list[int]
) -> None:
    head = COUNTY % "Asia/Shanghai"
    place = town(
        files={"county.yaml": head.replace("{from: 2020-01-01", f"{{from: 2020-01-01{counts_from}")},
        hours="- {id: cap, limit: {per: day, at_most: {2020-01-01: 1 hour, 2024-01-01: 2 hours}, overflow: lost}}",
    )
    days = ("2018-04-30", "2018-05-01", "2024-01-01")
    assert place.hours(*(place.record(f"{day} 09:00", "12:00") for day in days)) == expected
