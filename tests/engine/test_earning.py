"""The steps of earning.yaml beyond plain rates: several rates at once, brackets, bands, shares, numbers of records."""

from __future__ import annotations

import pytest

from lianxing.engine.explaining import body_of
from lianxing.engine.readding import readd
from lianxing.rules.problems import PolicyError
from lianxing.rules.records import ServiceRecord
from tests.engine.counties import COUNTY, Town, town

ROUND = "- {id: r, round: {to: 0.01, each: record, direction: half_up}}\n"
WEIHAI = """
- id: marginal
  brackets:
    of: hours
    each: running_total
    part: %s
    steps:
      - {up_to: 20 hours, every: 1 hour, points: 1}
      - {up_to: 80 hours, every: 2 hours, points: 1}
      - {up_to: 200 hours, every: 3 hours, points: 1}
      - {every: 4 hours, points: 1}
"""


def points(place: Town, *records: ServiceRecord) -> list[float]:
    made = place.assess(*records)
    assert all(readd(body_of(a)) == (a.seconds, a.points) for a in made)
    return [a.points / 100 for a in made]


@pytest.mark.parametrize(
    ("hours", "earned"),
    [(20, 20), (21, 20), (22, 21), (80, 50), (81, 50), (83, 51), (201, 90), (204, 91), (250, 102)],
)
def test_hours_earn_less_the_more_there_are(hours: int, earned: int) -> None:
    place = town(earning=WEIHAI % "lost")
    assert points(place, place.record("2024-06-01", minutes=hours * 60)) == [earned]


@pytest.mark.parametrize("cut", [1, 7, 50, 120])
def test_how_the_hours_fall_on_records_does_not_change_what_brackets_earn(cut: int) -> None:
    place = town(earning=WEIHAI % "lost")
    parts = [place.record(f"2024-06-{day:02}", minutes=m * 60) for day, m in ((1, cut), (2, 250 - cut))]
    assert sum(points(place, *parts)) == 102


def test_a_block_that_is_not_full_counts_in_part_where_the_policy_says_so() -> None:
    place = town(earning=WEIHAI % "counted" + ROUND)
    assert points(place, place.record("2024-06-01", minutes=21 * 60)) == [20.5]


def test_a_remainder_is_carried_within_the_period_and_lost_at_its_end() -> None:
    carried = "- {id: b, brackets: {of: hours, each: %s, part: lost, steps: [{every: 2 hours, points: 1}]}}"
    days = (("2024-06-01", 180), ("2024-06-02", 60), ("2025-01-01", 60))
    for each, expected in (("record", [1, 0, 0]), ("calendar_year", [1, 1, 0]), ("running_total", [1, 1, 0])):
        place = town(earning=carried % each)
        assert points(place, *(place.record(day, minutes=minutes) for day, minutes in days)) == expected


def test_money_earns_by_the_block_and_never_hours() -> None:
    place = town(
        hours="- {id: gifts, no_hours: {kind: donation}}",
        earning="- id: by_gift\n  when: {kind: donation}\n  brackets: {of: donated_amount, each: record, part: lost,"
        " steps: [{up_to: 1000 yuan, every: 100 yuan, points: 100}]}",
    )
    gifts = [
        place.record(f"2024-06-0{i}", kind="donation", donated_amount=a)
        for i, a in ((1, "99.99 yuan"), (2, "250 yuan"), (3, "5000 yuan"))
    ]
    assert points(place, *gifts) == [0, 200, 1000]
    assert place.hours(*gifts) == [0, 0, 0]


@pytest.mark.parametrize(("stamps", "earned"), [("9", 0), ("10", 100), ("19", 100), ("20", 250), ("99", 250)])
def test_stamps_earn_by_the_band_that_they_reach(stamps: str, earned: int) -> None:
    place = town(
        earning="- id: s\n  bands: {of: stamps, each: record,"
        " steps: [{at_least: 10, points: 100}, {at_least: 20, points: 250}]}"
    )
    assert points(place, place.record("2024-06-01", stamps=stamps)) == [earned]


def test_a_band_that_records_reach_together_is_earned_once() -> None:
    place = town(
        earning="- id: s\n  bands: {of: records, each: month,"
        " steps: [{at_least: 2, points: 10}, {at_least: 3, points: 15}]}"
    )
    days = ("2024-06-01", "2024-06-02", "2024-06-03", "2024-06-04", "2024-07-01")
    assert points(place, *(place.record(day, minutes=60) for day in days)) == [0, 10, 5, 0, 0]


FACTORS = """
- {id: hourly, points_per_hour: 1}
- id: factors
  multiply:
    combine: %s
    rules:
      - {when: {weekday: [6, 7]}, value: 2}
      - {when: {category: relief}, value: 1.5}
"""


@pytest.mark.parametrize(("combine", "both"), [("max", 2), ("product", 3), ("sum", 2.5), ("first", 2)])
def test_several_factors_combine_as_the_policy_says(combine: str, both: float) -> None:
    place = town(earning=FACTORS % combine + ROUND)
    saturday_relief = place.record("2024-06-15 09:00", "10:00", category="relief")
    monday_relief = place.record("2024-06-17 09:00", "10:00", category="relief")
    monday_culture = place.record("2024-06-17 12:00", "13:00", category="culture")
    assert points(place, saturday_relief, monday_relief, monday_culture) == [both, 1.5, 1]


def test_several_rates_add_up_or_the_best_counts() -> None:
    rates = (
        "- id: hourly\n  points_per_hour: {combine: %s, rules: [{value: 1}, {when: {category: relief}, value: 3}]}\n"
    )
    for combine, expected in (("sum", [4, 1]), ("max", [3, 1]), ("first", [1, 1])):
        place = town(earning=rates % combine + ROUND)
        relief = place.record("2024-06-15 09:00", "10:00", category="relief")
        assert points(place, relief, place.record("2024-06-15 11:00", "12:00")) == expected


TWO = "- {id: one, %s points_per_hour: 1}\n- {id: two, %s points_per_hour: 2}\n" + ROUND


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("when: {category: relief},", "when: {category: culture},"),
        ("when: {category: relief},", "when: {category: {not: relief}},"),
        ("when: {category: {missing: yes}},", "when: {category: [relief, culture]},"),
        ("when: {weekday: {at_most: 5}},", "when: {weekday: {more_than: 5}},"),
        ("when: {duration: {less_than: 1 hour}},", "when: {duration: {at_least: 1 hour}},"),
        ("when: {complaint: yes},", "when: {not: {complaint: yes}},"),
        ("when: {any: [{category: relief}, {weekday: 7}]},", "when: {category: culture, weekday: {less_than: 7}},"),
        ("when: {evaluation: good},", "when: {evaluation: poor},"),
    ],
)
def test_rates_that_exclude_each_other_stand_side_by_side(first: str, second: str) -> None:
    assert len(town(earning=TWO % (first, second)).policy.earning) == 3


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("", ""),
        ("when: {category: relief},", ""),
        ("when: {category: relief},", "when: {weekday: 7},"),
        ("when: {duration: {at_most: 1 hour}},", "when: {duration: {at_least: 1 hour}},"),
        ("when: {category: {not: relief}},", "when: {category: {not: culture}},"),
        ("when: {not: {complaint: yes}},", "when: {not: {complaint: no}},"),  # a missing fact satisfies both
    ],
)
def test_rates_that_could_both_apply_need_a_word_on_how_they_combine(first: str, second: str) -> None:
    with pytest.raises(PolicyError) as found:
        town(earning=TWO % (first, second))
    assert [problem.code for problem in found.value.problems] == ["P329"]


def test_training_earns_at_most_a_share_of_all_points() -> None:
    place = town(
        earning="- {id: each, points_per_event: 10}\n- id: share\n  when: {category: training}\n"
        "  limit: {per: calendar_year, at_most_share: 20 %, overflow: lost}\n"
    )
    trainings = [place.record(f"2024-0{m}-01", category="training", id=f"t{m}") for m in (1, 4, 8)]
    services = [place.record(f"2024-0{m}-02", category="relief", id=f"s{m}") for m in (2, 3, 5, 6, 7)]
    # Before the first service there is nothing to have a share of; then 20 elsewhere allow 5, 50 allow 12.5 in all.
    assert points(place, *trainings) == [0, 0, 0]
    assert points(place, *trainings, *services)[:3] == [0, 5, 7.5]


def test_a_role_is_rewarded_once_a_year() -> None:
    place = town(
        earning="- id: roles\n  when: {kind: role}\n  points_per_event: {by: role, captain: 18, default: 5}\n"
        "- id: once_a_year\n  when: {kind: role}\n"
        "  limit_records: {per: calendar_year, at_most: 1, within_same: role}\n"
    )
    held = [("2024-01-01", "captain"), ("2024-02-01", "captain"), ("2024-03-01", "clerk"), ("2025-01-01", "captain")]
    assert points(place, *(place.record(day, kind="role", role=role) for day, role in held)) == [18, 0, 5, 18]


def test_a_deduction_of_what_was_found_takes_so_many_points() -> None:
    place = town(
        files={"county.yaml": (COUNTY % "Asia/Shanghai") + "  taken: {type: points, scope: record}\n"},
        earning="- id: taken_off\n  when: {kind: misconduct}\n  brackets: {of: taken, each: record, part: counted,"
        " steps: [{up_to: unlimited, every: 1 point, points: -1}]}\n" + ROUND,
    )
    found = [place.record(f"2024-06-0{i}", kind="misconduct", taken=taken) for i, taken in ((1, "300"), (2, "0.5"))]
    assert points(place, *found) == [-300, -0.5]


NIGHT_EXTRA = """
- {id: hourly, points_per_hour: 1}
- {id: night, when: {start_time: {at_least: "20:00"}}, add: 4}
- {id: r, round: {to: 0.01, each: record, direction: half_up}}
- {id: night_cap, limit: {of: night, per: month, at_most: 10 points, overflow: honour}}
"""


def test_a_bonus_has_a_limit_of_its_own_and_the_hours_keep_theirs() -> None:
    place = town(earning=NIGHT_EXTRA)
    nights = [place.record(f"2024-06-{day} 20:00", "22:00") for day in (10, 11, 12, 13)]
    assert points(place, *nights) == [6, 6, 4, 2]
    assert dict(place.assess(*nights)[2].overflows) == {("honour", "points"): 200}
    assert points(place, *nights, place.record("2024-07-01 20:00", "21:00"))[-1] == 5


def test_factors_after_a_bonus_raise_what_its_limit_counts() -> None:
    place = town(earning=NIGHT_EXTRA.replace("- {id: r,", "- {id: twice, when: {weekday: 7}, multiply: 2}\n- {id: r,"))
    sunday, monday = place.record("2024-06-16 20:00", "21:00"), place.record("2024-06-17 20:00", "21:00")
    assert points(place, sunday, monday) == [10, 3]


@pytest.mark.parametrize(
    ("per", "expected"),
    [("running_total", [5, -5, 2, -2]), ("calendar_year", [5, -5, 2, -2]), ("balance", [5, -5, 2, -2])],
)
def test_deductions_stop_at_the_floor(per: str, expected: list[int]) -> None:
    place = town(
        earning="- {id: served, when: {kind: service}, points_per_hour: 1}\n"
        "- {id: fine, when: {kind: complaint}, add: -8}\n"
        "- {id: r, round: {to: 1, each: record, direction: down}}\n"
        f"- {{id: no_debt, floor: {{per: {per}, at_least: 0 points}}}}\n"
    )
    story = [
        place.record("2024-06-10 08:00", "13:00"),
        place.record("2024-06-11", kind="complaint"),
        place.record("2024-06-12 08:00", "10:00"),
        place.record("2024-06-13", kind="complaint"),
    ]
    assert points(place, *story) == expected


@pytest.mark.parametrize(("minutes", "earned"), [(600, 0), (601, 5)])
def test_a_band_may_begin_above_a_number(minutes: int, earned: int) -> None:
    place = town(earning="- {id: b, bands: {of: hours, each: record, steps: [{more_than: 10 hours, points: 5}]}}")
    assert points(place, place.record("2024-06-01", minutes=minutes)) == [earned]


def test_an_event_after_the_time_that_was_served_is_not_earned() -> None:
    place = town(
        hours='- {id: p, split: {at: ["22:00"], share_of_breaks: in_order}}',
        earning='- {id: night, when: {start_time: {at_least: "22:00"}}, points_per_event: 5}',
    )
    assert points(place, place.record("2024-06-15 20:00", "23:00", minutes=120)) == [0]
    assert points(place, place.record("2024-06-15 20:00", "23:00", minutes=150)) == [5]
