"""A life as the rules see it: what one part of it does to another, and what the records of it may ask."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from lianxing.engine.life import Life, star_is_remembered
from lianxing.engine.standings import standing_with
from lianxing.rules.conditions import Operator
from lianxing.rules.facts import RecordId
from lianxing.rules.records import ServiceRecord
from lianxing.rules.standings import Counted
from tests.engine.counties import SOMEBODY, Town, town

MEASURES = """
served: {sum: hours, over: all_time}
absences: {count: records, over: {calendar: calendar_year}, where: {kind: no_show}}
"""
STARS = "award: {by: automatic}\nlevels: {1: {served: {at_least: 100 hours}}, 2: {served: {at_least: 300 hours}}}"
SANCTIONS = """
absent:
  when: {absences: {at_least: 1}}
  effects: {registration: suspended, star: kept, points: kept, hours: kept, black_list: yes}
  lasts: %s
"""


def event(place: Town, start: str, kind: str, **facts: str) -> ServiceRecord:
    return place.record(start, minutes=0, id=f"{start} {kind}", kind=kind, **facts)


def served(place: Town, day: str, hours: int = 100) -> ServiceRecord:
    return place.record(day, minutes=hours * 60, id=f"{day} served")


# --- records ask what sanctions have made of the person ---

HOURS = """
- {id: registered_only, count: {registration: active}, when: {kind: service}}
"""


@pytest.mark.parametrize(
    ("lasts", "counted"),
    [("for_ever", [True, False, False]), ("3 months", [True, False, True]), ("while_true", [True, False, True])],
)
def test_service_during_a_suspension_does_not_count(lasts: str, counted: list[bool]) -> None:
    place = town(hours=HOURS, measures=MEASURES, sanctions=SANCTIONS % lasts)
    days = ("2024-10-01", "2024-12-31", "2025-01-01")
    absence = event(place, "2024-10-01 12:00", "no_show")
    made = place.assess(*(place.record(f"{day} 09:00", "10:00") for day in days), absence)
    assert [assessment.counted for assessment in made[:3]] == counted
    assert made[3].counted


def test_a_record_sees_what_was_before_it_on_the_same_day() -> None:
    place = town(hours=HOURS, measures=MEASURES, sanctions=SANCTIONS % "for_ever")
    before, after = (place.record(f"2024-10-01 {hour}:00", f"{hour}:30") for hour in ("11", "13"))
    absence = event(place, "2024-10-01 12:00", "no_show")
    assert place.refused_by(before, absence, after) == [None, None, "registered_only"]


@pytest.mark.parametrize(("entry", "refused"), [("suspended", "not_by_oneself"), ("kept", None)])
def test_what_was_entered_by_oneself_is_refused_while_that_right_is_suspended(entry: str, refused: str | None) -> None:
    hours = "- {id: not_by_oneself, exclude: {own_entry: suspended, entry_mode: personal_application}}"
    sanctions = SANCTIONS % "12 months" + "\n"
    place = town(hours=hours, measures=MEASURES, sanctions=sanctions.replace("yes}", f"no, entry: {entry}}}"))
    own, seen = (
        place.record("2024-10-02 09:00", "10:00", id=mode, entry_mode=mode)
        for mode in ("personal_application", "quick_punch")
    )
    assert place.refused_by(event(place, "2024-10-01", "no_show"), own, seen) == [None, refused, None]


def test_without_sanctions_everybody_is_registered_and_nobody_black_listed() -> None:
    place = town(hours=HOURS, measures=MEASURES)
    assert place.refused_by(served(place, "2024-10-01")) == [None]


# --- days ---


def past(record: ServiceRecord, seconds: int = 3600, *, counted: bool = True) -> Counted:
    return Counted(record, {}, seconds, 0, counted)


def test_what_a_clause_refused_is_no_part_of_a_life() -> None:
    place = town(measures=MEASURES, stars=STARS)
    life = Life(place.rulebook, SOMEBODY)
    life.add(past(served(place, "2024-01-01"), counted=False))
    assert (life.records, life.measures(date(2024, 1, 1))) == (0, {"served": 0, "absences": 0})


def test_a_star_that_is_simply_reached_is_not_remembered() -> None:
    plain = town(measures=MEASURES, stars=STARS)
    assert not star_is_remembered(plain.policy)
    assert Life(plain.rulebook, SOMEBODY).star(date(2024, 1, 1)) is None
    assert plain.standing("2024-06-15", served(plain, "2024-01-01")).star_held == 1
    kept = town(measures=MEASURES, stars=STARS.replace("automatic", "automatic, below: keep"))
    assert star_is_remembered(kept.policy)


def test_asking_twice_on_a_day_changes_nothing() -> None:
    place = town(measures=MEASURES, stars=STARS.replace("automatic", "automatic, below: keep"))
    life = Life(place.rulebook, SOMEBODY)
    life.add(past(served(place, "2024-01-01"), 100 * 3600))
    first, again = (life.star(date(2024, 1, 1)) for _ in range(2))
    assert first == again
    life.add(past(replace(served(place, "2024-01-01"), id=RecordId("later")), 200 * 3600))
    after = life.star(date(2024, 1, 1))
    assert after is not None
    assert after.held == 2


@pytest.mark.parametrize("registered", [date(2022, 3, 31), date(1999, 1, 1)])
def test_a_star_that_only_time_brings_is_held_from_the_day_on_which_it_does(registered: date) -> None:
    stars = "award: {by: automatic, below: keep}\n"
    stars += "levels: {1: {tenure: {at_least: 2 years}}, 2: {tenure: {at_least: 3 years}}}"
    place = town(measures=MEASURES, stars=stars)
    person = replace(SOMEBODY, registered_on=registered)
    found = place.standing("2025-12-31", person=person)
    assert found.star is not None
    since = [str(one.on) for one in found.star.decisions]
    assert since == (["2024-03-31", "2025-03-31"] if registered.year == 2022 else ["2020-01-01"])


# --- changes of rules ---

CHANGE = "new_rules: {on_day: 2024-07-01, points: keep, hours: %s, stars: %s}"


@pytest.mark.parametrize(
    ("hours", "stars", "held"),
    [
        ("keep", "keep", [2, 2]),
        ("restart", "keep", [2, 2]),
        ("restart", "rated_again", [2, 0]),
        ("{convert: 0.5}", "rated_again", [2, 1]),
        ("keep", "restart", [2, 2]),
        ("restart", "restart", [2, 0]),
    ],
)
def test_a_change_of_rules_says_what_becomes_of_the_star(hours: str, stars: str, held: list[int]) -> None:
    place = town(measures=MEASURES, stars=STARS, transition=CHANGE % (hours, stars))
    history = served(place, "2024-01-01", 300)
    assert [place.standing(day, history).star_held for day in ("2024-06-30", "2024-07-01")] == held


@pytest.mark.parametrize(("stars", "held"), [("keep", 2), ("rated_again", 1), ("restart", 0)])
def test_a_star_that_was_applied_for_is_kept_rated_again_or_gone(stars: str, held: int) -> None:
    ladder = STARS.replace("automatic", "application, sequence: highest, below: keep")
    ladder = ladder.replace("300 hours", "{2020-01-01: 300 hours, 2024-07-01: 500 hours}")
    place = town(measures=MEASURES, stars=ladder, transition=CHANGE % ("keep", stars))
    applied = event(place, "2024-01-02", "star_application", star_applied="2")
    found = place.standing("2024-08-01", served(place, "2024-01-01", 300), applied)
    assert found.star_held == held


@pytest.mark.parametrize(("stars", "held"), [("keep", [1, 1, 2]), ("rated_again", [1, 2, 2]), ("restart", [1, 0, 2])])
def test_whoever_is_rated_again_rises_where_the_new_rules_give_more(stars: str, held: list[int]) -> None:
    rated = 'review, sequence: highest, below: keep, round_of: calendar_year, cut_off: "12-31"'
    ladder = STARS.replace("automatic", rated).replace("300 hours", "{2020-01-01: 300 hours, 2024-07-01: 150 hours}")
    place = town(measures=MEASURES, stars=ladder, transition=CHANGE % ("keep", stars))
    history = served(place, "2023-06-01", 200)
    assert [place.standing(day, history).star_held for day in ("2024-06-30", "2024-07-01", "2024-12-31")] == held


def test_more_than_so_many_years_by_a_dated_test_is_reached_on_its_day() -> None:
    stars = "award: {by: automatic, below: keep}\nlevels: {1: {age: {more_than: {2020-01-01: 20}}}}"
    found = town(stars=stars).standing("2026-12-31").star
    assert found is not None
    assert [str(one.on) for one in found.decisions] == ["2025-02-28"]


# --- measures given outright, as cases do ---


def test_measures_alone_bring_on_the_sanctions_of_the_day() -> None:
    place = town(
        measures=MEASURES, stars=STARS, sanctions=SANCTIONS.replace("star: kept", "star: lowered") % "for_ever"
    )
    given = {"served": 300 * 3600, "absences": 1}
    found = standing_with(place.rulebook, SOMEBODY, given, date(2024, 6, 15))
    assert (found.star_reached, found.star_held, found.conduct.effects.black_list) == (2, 1, True)
    innocent = standing_with(place.rulebook, SOMEBODY, given | {"absences": 0}, date(2024, 6, 15))
    assert (innocent.star_held, innocent.conduct.sanctions) == (2, ())


def test_without_a_life_a_star_that_has_to_be_applied_for_is_not_held() -> None:
    place = town(measures=MEASURES, stars=STARS.replace("automatic", "application, sequence: highest, below: keep"))
    given = {"served": 300 * 3600, "absences": 0}
    assert standing_with(place.rulebook, SOMEBODY, given, date(2024, 6, 15)).star_held == 0
    assert standing_with(place.rulebook, SOMEBODY, given, date(2024, 6, 15), star_held=1).star_held == 1


def test_a_perk_that_is_kept_after_a_downgrade_opens_on_the_star_once_held() -> None:
    perks = "park: {stars: {at_least: 2}, uses: unlimited, provider: A, on_downgrade: keep}\n"
    perks += "pool: {stars: {at_least: 2}, uses: unlimited, provider: A}"
    measures = "served: {sum: hours, over: {calendar: calendar_year}}"
    place = town(measures=measures, stars=STARS, perks=perks)
    history = served(place, "2024-01-01", 300)
    assert [perk.clause.id for perk in place.standing("2024-12-31", history).perks] == ["park", "pool"]
    assert [perk.clause.id for perk in place.standing("2025-01-01", history).perks] == ["park"]


def test_the_gap_to_a_star_that_takes_a_selection_names_it() -> None:
    stars = STARS.replace("automatic", "automatic, select: {2: 五星}")
    place = town(measures=MEASURES, stars=stars)
    hours = served(place, "2024-01-01", 300)
    found = place.standing("2024-06-15", hours)
    assert (found.star_held, found.next_star) == (1, 2)
    assert [(gap.fact, gap.operator, gap.needed) for gap in found.gaps] == [("honour", Operator.EQUALS, "五星")]
    selected = event(place, "2024-05-01", "selection", honour="五星")
    assert place.standing("2024-06-15", hours, selected).star_held == 2
