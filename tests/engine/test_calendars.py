"""Working days, festivals and campaigns, against days that everybody can look up."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from lianxing.engine.borax import FIRST_DAY, LAST_DAY, lunar_day
from lianxing.engine.calendars import WorkingCalendar, festival_on
from lianxing.engine.holidays import countries, public_holidays
from lianxing.rules.periods import Term, months_within
from lianxing.rules.problems import PolicyError
from tests.broken.county import checked, put_over
from tests.engine.counties import COUNTY, Town, town

FACTS = frozenset(
    (
        "working_day",
        "make_up_day",
        "statutory_holiday",
        "rest_day",
        "festival",
        "lunar_month",
        "lunar_day",
        "leap_month",
    )
)
CAMPAIGNS = """
campaigns:
  lei_feng_month: {every_year: ["03-01", "03-31"], label: {zh: 学雷锋月, en: Lei Feng month}}
  winter: {every_year: ["12-21", "02-03"]}
  epidemic: {from: 2020-01-24, until: 2020-02-24}
  since_then: {from: 2020-02-25}
  new_year: {lunar: ["12-23", "01-15"]}
  sixth_month: {lunar: ["06-01", "06-30"]}
  double_ninth_week: {festival: double_ninth, days_before: 3, days_after: 3}
"""
CAMPAIGN_NAMES = frozenset(
    ("lei_feng_month", "winter", "epidemic", "since_then", "new_year", "sixth_month", "double_ninth_week")
)


NOWHERE = {"county.yaml": (COUNTY % "Asia/Shanghai").replace("holidays: CN\n", "")}


def county() -> dict[str, str]:
    return {"county.yaml": (COUNTY % "Asia/Shanghai") + CAMPAIGNS}


def calendar() -> WorkingCalendar:
    return WorkingCalendar(town(files=county()).policy.county)


def said(day: str, *names: str) -> list[object]:
    facts = calendar().facts(date.fromisoformat(day), FACTS)
    return [facts.get(name) for name in names]


# The State Council's arrangement for 2024: National Day off from 1 to 7 October, Sunday 29 September and Saturday
# 12 October worked.
@pytest.mark.parametrize(
    ("day", "working", "make_up", "statutory", "rest"),
    [
        ("2024-09-28", 0, 0, 0, 1),  # Saturday
        ("2024-09-29", 1, 1, 0, 0),  # Sunday, worked
        ("2024-09-30", 1, 0, 0, 0),
        ("2024-10-01", 0, 0, 1, 0),  # National Day
        ("2024-10-03", 0, 0, 1, 0),
        ("2024-10-04", 0, 0, 0, 1),  # off by exchange
        ("2024-10-07", 0, 0, 0, 1),
        ("2024-10-08", 1, 0, 0, 0),
        ("2024-10-12", 1, 1, 0, 0),  # Saturday, worked
        ("2024-10-13", 0, 0, 0, 1),
        ("2024-02-10", 0, 0, 1, 0),  # Spring Festival on a Saturday is a holiday by law
        ("2024-02-13", 0, 0, 0, 1),  # off in lieu
    ],
)
def test_a_day_is_worked_or_a_holiday_or_a_day_of_rest(
    day: str, working: int, make_up: int, statutory: int, rest: int
) -> None:
    names = ("working_day", "make_up_day", "statutory_holiday", "rest_day")
    assert said(day, *names) == [working, make_up, statutory, rest]


def test_every_day_of_the_announced_years_is_exactly_one_of_three() -> None:
    days = calendar()
    day = date(2008, 1, 1)
    while day < date(2027, 1, 1):
        facts = days.facts(day, FACTS)
        kinds = [facts[name] for name in ("working_day", "statutory_holiday", "rest_day")]
        assert sorted(map(int, kinds)) == [0, 0, 1], day
        assert facts["make_up_day"] == (facts["working_day"] and day.isoweekday() > 5), day
        day += timedelta(days=1)


def test_the_working_days_of_a_year_that_is_not_announced_are_missing() -> None:
    last = max(year for year in range(2024, 2101) if public_holidays("CN", year).announced)
    days = calendar()
    for year, known in ((last, True), (last + 1, False), (2000, False), (2001, True)):
        assert ("working_day" in days.facts(date(year, 6, 15), FACTS)) is known
        assert (days.is_working_day(date(year, 6, 15)) is not None) is known
    assert days.facts(date(last + 1, 10, 1), FACTS)["statutory_holiday"] == 1


def test_the_make_up_day_for_new_year_may_lie_in_the_year_before() -> None:
    assert said("2005-12-31", "working_day", "make_up_day") == [1, 1]


@pytest.mark.parametrize("language", ["en_US.UTF-8", "zh_CN.UTF-8", "th_TH.UTF-8"])
def test_the_language_of_the_environment_changes_nothing(language: str) -> None:
    asked = "from lianxing.engine.holidays import public_holidays as p; print(sorted(map(str, p('CN', 2024).days_off)))"
    answers = {
        subprocess.run(
            [sys.executable, "-c", asked], env={"LANGUAGE": spoken, "LANG": spoken}, capture_output=True, check=True
        ).stdout
        for spoken in (language, "C")
    }
    assert len(answers) == 1


def test_a_country_without_exchanged_days_is_known_for_every_year() -> None:
    assert public_holidays("HK", 2050).announced
    assert "CN" in countries()


# --- deadlines ---------------------------------------------------------------------------------------------------


def test_ten_working_days_from_the_worked_example_end_on_the_16th() -> None:
    assert calendar().add_working_days(date(2024, 9, 27), 10) == date(2024, 10, 16)
    assert calendar().working_days_between(date(2024, 9, 27), date(2024, 10, 16)) == 10
    assert calendar().working_days_between(date(2024, 9, 27), date(2024, 10, 18)) == 12


@pytest.mark.parametrize(
    ("term", "end"),
    [
        (Term(days=1), "2024-09-28"),  # moved on: 28 is a Saturday, and Sunday 29 is worked
        (Term(days=4), "2024-10-01"),
        (Term(working_days=1), "2024-09-29"),
        (Term(months=1), "2024-10-27"),
    ],
)
def test_a_period_does_not_count_its_first_day_and_does_not_end_on_a_day_of_rest(term: Term, end: str) -> None:
    moved = {"2024-09-28": "2024-09-29", "2024-10-01": "2024-10-08", "2024-10-27": "2024-10-28"}
    days = calendar()
    assert days.end_of_period(date(2024, 9, 27), term) == date.fromisoformat(moved.get(end, end))
    assert days.end_of_stretch(date(2024, 9, 27), term) == date.fromisoformat(end)


def test_a_month_ends_on_the_same_day_or_on_the_last_one() -> None:
    assert calendar().end_of_period(date(2024, 1, 31), Term(months=1)) == date(2024, 2, 29)


def test_a_deadline_in_a_year_that_is_not_announced_goes_by_the_law_and_the_weekend() -> None:
    friday = date(2091, 10, 5)
    assert friday.isoweekday() == 5
    assert calendar().add_working_days(friday, 1) == date(2091, 10, 8)


def test_without_a_calendar_no_day_is_known_and_deadlines_go_by_the_weekend() -> None:
    days = WorkingCalendar(town(files=NOWHERE).policy.county)
    assert days.is_working_day(date(2024, 10, 1)) is None
    assert days.working_days_between(date(2024, 9, 27), date(2024, 10, 8)) is None
    assert days.add_working_days(date(2024, 9, 27), 1) == date(2024, 9, 30)
    assert "working_day" not in days.facts(date(2024, 10, 1), FACTS)


@pytest.mark.parametrize(
    ("day", "months"), [("2024-01-31", 0), ("2024-02-29", 1), ("2024-03-01", 2), ("2024-03-31", 2), ("2024-04-01", 3)]
)
def test_months_within_which_a_day_lies(day: str, months: int) -> None:
    assert months_within(date(2024, 1, 31), date.fromisoformat(day)) == months


# --- lunar days and campaigns ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "festival"),
    [
        ("2024-02-09", "new_year_eve"),  # a 30th
        ("2025-01-28", "new_year_eve"),  # a 29th
        ("2024-02-10", "spring_festival"),
        ("2024-02-24", "lantern"),
        ("2024-04-04", "qingming"),
        ("2024-06-10", "dragon_boat"),
        ("2025-05-31", "dragon_boat"),
        ("2024-08-10", "qixi"),
        ("2024-09-17", "mid_autumn"),
        ("2024-10-11", "double_ninth"),
        ("2024-10-12", ""),
    ],
)
def test_festivals_fall_on_their_days(day: str, festival: str) -> None:
    assert festival_on(date.fromisoformat(day)) == festival
    assert said(day, "festival") == [festival or None]


def test_a_festival_is_not_kept_again_in_the_leap_month() -> None:
    # 2025 has a leap sixth month from 25 July; 2020 a leap fourth one, 2014 a leap ninth one.
    assert said("2025-07-24", "lunar_month", "lunar_day", "leap_month") == [6, 30, 0]
    assert said("2025-07-25", "lunar_month", "lunar_day", "leap_month") == [6, 1, 1]
    ninths = [
        day for day in (date(2014, 1, 1) + timedelta(n) for n in range(365)) if festival_on(day) == "double_ninth"
    ]
    assert ninths == [date(2014, 10, 2)]


def test_days_that_the_lunar_calendar_does_not_know_are_missing() -> None:
    assert lunar_day(FIRST_DAY) is not None
    assert lunar_day(FIRST_DAY - timedelta(days=1)) is None
    assert lunar_day(LAST_DAY) is not None
    assert lunar_day(LAST_DAY + timedelta(days=1)) is None
    assert "lunar_month" not in calendar().facts(date(2200, 1, 1), FACTS)


@pytest.mark.parametrize(
    ("campaign", "inside", "outside"),
    [
        ("lei_feng_month", ("2024-03-01", "2023-03-31"), ("2024-02-29", "2024-04-01")),
        ("winter", ("2023-12-21", "2024-01-01", "2024-02-03"), ("2023-12-20", "2024-02-04")),
        ("epidemic", ("2020-01-24", "2020-02-24"), ("2020-01-23", "2020-02-25", "2021-02-01")),
        ("since_then", ("2020-02-25", "2029-01-01"), ("2020-02-24",)),
        ("new_year", ("2024-02-02", "2024-02-10", "2024-02-24"), ("2024-02-01", "2024-02-25")),
        ("sixth_month", ("2025-06-25", "2025-07-24"), ("2025-06-24", "2025-07-25", "2025-08-22")),
        ("double_ninth_week", ("2024-10-08", "2024-10-14"), ("2024-10-07", "2024-10-15")),
    ],
)
def test_a_campaign_holds_its_first_and_its_last_day(
    campaign: str, inside: tuple[str, ...], outside: tuple[str, ...]
) -> None:
    days = calendar()
    for day in (*inside, *outside):
        assert days.facts(date.fromisoformat(day), CAMPAIGN_NAMES)[campaign] == (day in inside), day


def test_only_what_is_asked_is_worked_out() -> None:
    assert set(calendar().facts(date(2024, 3, 1), frozenset(("day", "lei_feng_month")))) == {
        *("day", "weekday", "month", "day_of_month"),
        "lei_feng_month",
    }


# --- in a policy -------------------------------------------------------------------------------------------------

DOUBLE = """
- id: once
  points_per_event: 1
- id: twice
  multiply: 2
  when: {%s}
- id: whole
  round: {to: 1 point, each: record, direction: down}
"""


def points(condition: str, *days: str) -> list[float]:
    place = town(files=county(), earning=DOUBLE % condition)
    return place.points(*(place.record(f"{day} 09:00", "10:00") for day in days))


def test_a_condition_asks_for_working_days_festivals_and_campaigns() -> None:
    assert points("working_day: no", "2024-09-28", "2024-09-29", "2024-10-01") == [2, 1, 2]
    assert points("festival: [mid_autumn, double_ninth]", "2024-09-17", "2024-09-18") == [2, 1]
    assert points("学雷锋月: 是", "2024-03-31", "2024-04-01") == [2, 1]
    assert points("lunar_month: 9, lunar_day: 9", "2024-10-11", "2024-10-12") == [2, 1]


@pytest.mark.parametrize("start", ["2024-02-09 22:00", "2024-02-10 22:00"])
def test_what_only_the_first_day_of_a_record_says_is_not_said_of_the_next(start: str) -> None:
    place = town(
        hours="- {id: by_day, split: midnight}",
        earning="- {id: h, points_per_hour: 1}\n- {id: m, when: {festival: spring_festival}, multiply: 2}\n"
        "- {id: r, round: {to: 0.1, each: record, direction: down}}",
    )
    assert place.points(place.record(start, "02:00")) == [6]


def test_a_record_over_midnight_asks_the_day_of_each_part() -> None:
    place = town(
        files=county(),
        hours="- {id: parts, split: midnight}",
        earning="""
- id: by_day
  points_per_hour: {by: statutory_holiday, yes: 3, no: 1, missing: 1}
- id: whole
  round: {to: 1 point, each: record, direction: down}
""",
    )
    assert place.points(place.record("2024-09-30 22:00", "02:00")) == [2 * 1 + 2 * 3]


@pytest.mark.parametrize(
    ("fact", "most", "last"),
    [
        ("days_to_entry", "14 days", "2024-10-11"),
        ("working_days_to_entry", "10 working days", "2024-10-16"),
        ("months_to_entry", "1 month", "2024-10-27"),
    ],
)
def test_a_record_that_is_entered_late_does_not_count(fact: str, most: str, last: str) -> None:
    place: Town = town(files=county(), hours=f"- {{id: in_time, count: {{{fact}: {{at_most: {most}}}}}}}")
    day = date.fromisoformat(last)
    entered = [
        place.record("2024-09-27 09:00", "10:00", id=str(d), recorded_on=str(d)) for d in (day, day + timedelta(1))
    ]
    assert place.refused_by(*entered) == [None, "in_time"]
    assert place.refused_by(place.record("2024-09-27 09:00", "10:00", recorded_on="2024-09-27")) == [None]
    assert place.refused_by(place.record("2024-09-27 09:00", "10:00")) == ["in_time"]  # nobody knows when


def test_measures_ask_how_late_a_record_was_and_what_day_it_was() -> None:
    place = town(
        files=county(),
        measures="""
late: {count: records, over: all_time, where: {working_days_to_entry: {more_than: 10 working days}}}
at_rest: {count: records, over: all_time, where: {rest_day: yes}}
""",
    )
    records = [
        place.record("2024-09-27 09:00", "10:00", recorded_on="2024-10-17"),
        place.record("2024-09-28 09:00", "10:00", recorded_on="2024-10-16"),
    ]
    assert {line.clause.id: line.sum for line in place.standing("2024-12-31", *records).measures} == {
        "late": 1,
        "at_rest": 1,
    }


def test_a_layer_takes_over_the_calendar_and_the_campaigns_below_and_sets_one_anew(tmp_path: Path) -> None:
    below = b"""county: base
title: below
in_force: {from: 2020-01-01}
time_zone: Asia/Shanghai
holidays: CN
campaigns: {spring: {every_year: ["03-01", "03-31"]}, autumn: {every_year: ["09-01", "09-30"]}}
facts:
  category: {values: {training: {}, relief: {}}}
  evaluation: {values: {good: {}, poor: {}}}
"""
    own = b"""county: town
title: above
based_on: base
campaigns: {spring: {every_year: ["04-01", "04-30"]}}
"""
    policy = checked(put_over(tmp_path / "policies", {"below/county.yaml": below, "county.yaml": own}))
    days = WorkingCalendar(policy.county)
    asked = frozenset(("spring", "autumn"))
    assert policy.county.calendar == "CN"
    assert [dict(days.facts(date(2024, month, 2), asked)) for month in (3, 4, 9)] == [
        {"day": 738947, "weekday": 6, "month": 3, "day_of_month": 2, "spring": 0, "autumn": 0},
        {"day": 738978, "weekday": 2, "month": 4, "day_of_month": 2, "spring": 1, "autumn": 0},
        {"day": 739131, "weekday": 1, "month": 9, "day_of_month": 2, "spring": 0, "autumn": 1},
    ]


def test_working_days_without_a_calendar_are_a_problem_at_the_place_that_asks() -> None:
    with pytest.raises(PolicyError) as caught:
        town(
            files=NOWHERE,
            hours="- {id: a, exclude: {working_day: yes}}",
            stars="award: {by: review, round_of: calendar_year, cut_off: 12-31, notice: 7 working days, below: keep}\n"
            "levels: {1: {age: 9}}",
        )
    assert [(p.code, str(p.location)) for p in caught.value.problems] == [
        ("P600", "town/hours.yaml:1:21"),
        ("P600", "town/stars.yaml:1:70"),
    ]


def test_the_program_starts_without_the_calendars() -> None:
    asked = "import sys, lianxing.plugins.cli.main; print({'holidays', 'borax'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", asked], capture_output=True, check=True, text=True)
    assert shown.stdout == "set()\n"
