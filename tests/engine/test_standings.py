"""Stars, what the next one still takes, and perks: on both sides of every threshold."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from lianxing.engine.quotients import Quotient
from lianxing.engine.rulebook import MeasureValue
from lianxing.engine.standings import standing_with
from lianxing.rules.facts import MONTH_PARTS
from lianxing.rules.records import Volunteer
from lianxing.rules.standings import Gap
from tests.engine.counties import SOMEBODY, Town, town

LADDER = """
award: {by: automatic}
levels:
  1: {served: {at_least: 100 hours}}
  2: {served: {at_least: 300 hours}, tenure_days: {at_least: 180 days}}
  3:
    all:
      - {served: {at_least: 600 hours}}
      - {any: [{share: {at_least: 60 %}}, {evaluated: {at_least: 4.2}}]}
      - {enabled: {not: no}}
      - {not: {political_status: "20"}}
"""
MEASURES = """
served: {sum: hours, over: all_time}
share: {share: {evaluation: good}, over: {rolling: 12 months}}
evaluated: {mean: evaluation_score, over: {rolling: 12 months}}
"""


def one_star(test: str) -> str:
    return f"{{award: {{by: automatic}}, levels: {{1: {{{test}}}}}}}"


HOUR = 3600
ON = date(2024, 6, 15)


def ladder(stars: str = LADDER, measures: str = MEASURES, perks: str = "{}") -> Town:
    return town(measures=measures, stars=stars, perks=perks)


def totals(served: int, **quotients: Quotient) -> dict[str, MeasureValue]:
    """The measures of somebody who served so many seconds, with nothing to divide by unless it is said."""
    return {"served": served, "share": Quotient(0, 0), "evaluated": Quotient(0, 0), **quotients}


def star(place: Town, served: int, **quotients: Quotient) -> int:
    return standing_with(place.rulebook, SOMEBODY, totals(served, **quotients), ON).star_reached


@pytest.mark.parametrize(
    ("seconds", "reached"),
    [(0, 0), (100 * HOUR - 1, 0), (100 * HOUR, 1), (300 * HOUR - 1, 1), (300 * HOUR, 2), (10_000 * HOUR, 2)],
)
def test_a_star_is_reached_at_its_threshold(seconds: int, reached: int) -> None:
    assert star(ladder(), seconds) == reached


def test_the_star_is_the_highest_whose_condition_holds_though_one_below_does_not() -> None:
    stars = "{award: {by: automatic}, levels: {1: {served: {at_most: 10 hours}}, 4: {served: {at_least: 5 hours}}}}"
    place = ladder(stars)
    assert [star(place, hours * HOUR) for hours in (4, 5, 10, 11)] == [1, 4, 4, 4]


@pytest.mark.parametrize(
    ("share", "reached"),
    [
        (Quotient(0, 0), 2),
        (Quotient(0, 1), 2),
        (Quotient(59, 100), 2),
        (Quotient(3, 5), 3),
        (Quotient(5_999_999, 10_000_000), 2),
        (Quotient(6_000_000, 10_000_000), 3),
    ],
)
def test_a_share_is_compared_exactly_and_without_records_it_is_missing(share: Quotient, reached: int) -> None:
    assert star(ladder(), 600 * HOUR, share=share) == reached


def test_a_mean_is_compared_exactly() -> None:
    """Three records with 4.2, 4.2 and 4.1999 have a mean just below 4.2."""
    place = ladder()
    assert star(place, 600 * HOUR, evaluated=Quotient(42_000 * 2 + 41_999, 3)) == 2
    assert star(place, 600 * HOUR, evaluated=Quotient(42_000 * 3, 3)) == 3


def gaps(place: Town, served: int, person: Volunteer = SOMEBODY, **quotients: Quotient) -> dict[str, Gap]:
    found = standing_with(place.rulebook, person, totals(served, **quotients), ON)
    return {gap.fact: gap for gap in found.gaps}


def test_the_gap_to_the_next_star_is_what_lacks_to_its_threshold() -> None:
    found = gaps(ladder(), 299 * HOUR)
    assert set(found) == {"served"}
    assert (found["served"].needed, found["served"].has, found["served"].lacking) == (300 * HOUR, 299 * HOUR, HOUR)


def test_more_than_lacks_one_more() -> None:
    place = ladder("{award: {by: automatic}, levels: {1: {served: {more_than: 120 hours}}}}")
    assert gaps(place, 120 * HOUR)["served"].lacking == 1
    assert star(place, 120 * HOUR) == 0
    assert star(place, 120 * HOUR + 1) == 1


def test_a_missing_fact_lacks_what_nobody_can_say() -> None:
    unknown = replace(SOMEBODY, registered_on=None)
    found = gaps(ladder(), 299 * HOUR, person=unknown)
    assert (found["tenure_days"].has, found["tenure_days"].lacking) == (None, None)
    assert (found["tenure_days"].needed) == 180


def test_of_several_ways_to_the_next_star_the_first_with_the_fewest_gaps_is_shown() -> None:
    found = gaps(ladder(), 600 * HOUR, share=Quotient(1, 2), evaluated=Quotient(41_000, 1))
    assert set(found) == {"share"}
    assert (found["share"].needed, found["share"].has, found["share"].lacking) == (600_000, 500_000, None)


def test_what_stands_in_the_way_is_a_gap_too() -> None:
    person = replace(SOMEBODY, facts={"enabled": 0, "political_status": "20"})
    found = gaps(ladder(), 600 * HOUR, person=person, share=Quotient(1, 1))
    assert {name: gap.has for name, gap in found.items()} == {"enabled": 0, "political_status": "20"}


def test_at_the_top_there_is_no_next_star_and_no_gap() -> None:
    place = ladder()
    values = totals(600 * HOUR, share=Quotient(1, 1))
    found = standing_with(place.rulebook, SOMEBODY, values, ON)
    assert (found.star_reached, found.next_star, found.gaps) == (3, None, ())


def test_a_county_without_stars_has_star_nought_and_no_ladder() -> None:
    found = town(measures=MEASURES).standing("2024-06-15")
    assert (found.star_reached, found.star_clause, found.next_star, found.gaps) == (0, None, None, ())


def test_a_rolling_share_falls_out_of_its_window() -> None:
    place = ladder()
    good = place.record("2024-02-29 09:00", minutes=60, evaluation="good")
    share = {
        on: next(line for line in place.standing(on, good).measures if line.clause.id == "share")
        for on in ("2025-02-27", "2025-02-28")
    }
    assert [(line.sum, line.count) for line in share.values()] == [(1, 1), (0, 0)]


@pytest.mark.parametrize(("on", "reached"), [("2024-06-30", 0), ("2024-07-01", 1)])
def test_a_threshold_that_was_lowered_holds_from_its_day(on: str, reached: int) -> None:
    place = ladder(one_star("served: {at_least: {2020-01-01: 100 hours, 2024-07-01: 80 hours}}"))
    values = totals(90 * HOUR)
    found = standing_with(place.rulebook, SOMEBODY, values, date.fromisoformat(on))
    assert found.star_reached == reached
    assert [gap.needed for gap in found.gaps] == ([100 * HOUR] if reached == 0 else [])


@pytest.mark.parametrize(
    ("months", "on", "reached"),
    [(12, "2023-03-30", 0), (12, "2023-03-31", 1), (23, "2024-02-28", 0), (23, "2024-02-29", 1)],
)
def test_tenure_is_completed_months_and_a_month_end_is_clamped(months: int, on: str, reached: int) -> None:
    """The person was registered on 31 March 2022; 29 February 2024 completes the 23rd month."""
    place = ladder(one_star(f"tenure: {{at_least: {months} months}}"))
    assert place.standing(on).star_reached == reached


@pytest.mark.parametrize(("on", "reached"), [("2022-02-27", 0), ("2022-02-28", 1)])
def test_age_is_completed_on_the_birthday_or_the_end_of_february(on: str, reached: int) -> None:
    place = ladder("{award: {by: automatic}, levels: {1: {age: {at_least: 18}}}}")
    assert place.standing(on).star_reached == reached


PERKS = """
parks: {stars: {at_least: 2}, uses: unlimited, provider: the parks}
clinic:
  stars: {at_least: 1}
  pays: {by: stars, 1: 90 %, 2: 60 %, 3: 0 %}
  uses: {at_most: 12, per: month}
  provider: the clinic
elders:
  stars: {at_least: 1}
  when: {age: {at_least: 60}}
  uses: {at_most: {2020-01-01: 1, 2024-07-01: 2}, per: week}
  provider: the parks
"""


def test_perks_open_on_the_star_held() -> None:
    place = ladder(perks=PERKS)
    for served, held in ((0, []), (100, [("clinic", 90)]), (300, [("parks", None), ("clinic", 60)])):
        values = totals(served * HOUR)
        found = standing_with(place.rulebook, SOMEBODY, values, ON)
        assert [(perk.clause.id, None if perk.pays is None else perk.pays * 100) for perk in found.perks] == held


def test_a_perk_may_ask_more_than_the_star_and_its_uses_may_change() -> None:
    place = ladder(perks=PERKS)
    old = replace(SOMEBODY, born_on=date(1960, 1, 1))
    values = totals(100 * HOUR)
    for on, uses in ((date(2024, 6, 30), 1), (date(2024, 7, 1), 2)):
        found = standing_with(place.rulebook, old, values, on)
        elders = next(perk for perk in found.perks if perk.clause.id == "elders")
        assert elders.uses_at_most == uses


def test_a_star_given_outright_stands_in_for_the_one_reached() -> None:
    place = ladder(perks=PERKS)
    values = totals(0)
    found = standing_with(place.rulebook, SOMEBODY, values, ON, star_held=3)
    assert (found.star_reached, found.star_held, found.next_star) == (0, 3, 1)
    assert [perk.clause.id for perk in found.perks] == ["parks", "clinic"]


def test_a_standing_before_the_policy_came_into_force_is_that_of_its_first_rules() -> None:
    place = ladder("{award: {by: automatic}, levels: {1: {served: {at_least: {2020-01-01: 100 hours}}}}}")
    found = place.standing("2019-12-31", place.record("2019-06-01 09:00", minutes=60))
    assert (found.records, found.star_reached, found.gaps[0].lacking) == (0, 0, 100 * HOUR)


@pytest.mark.parametrize(("on", "star"), [("2032-03-30", 0), ("2032-03-31", 0), ("2032-04-01", 1)])
def test_more_than_ten_years_is_the_day_after_ten_years(on: str, star: int) -> None:
    place = town(stars="award: {by: automatic}\nlevels:\n  1: {tenure: {more_than: 10 years}}\n")
    assert place.standing(on).star_reached == star
    (gap,) = place.standing("2032-03-31").gaps
    assert (gap.has, gap.lacking) == (120 * MONTH_PARTS, 1)


def test_of_several_things_that_must_not_be_the_gap_names_the_one_that_is() -> None:
    place = town(
        measures="absences: {count: records, over: all_time, where: {kind: no_show}}",
        stars="award: {by: automatic}\nlevels: {1: {not: {any: [{black_listed: yes}, {absences: {at_least: 1}}]}}}",
    )
    found = place.standing("2024-06-15", place.record("2024-06-01", minutes=0, kind="no_show"))
    assert [gap.fact for gap in found.gaps] == ["absences"]


def test_nobody_is_registered_for_less_than_a_year_before_the_day_of_registration() -> None:
    place = town(stars="award: {by: automatic}\nlevels:\n  1: {tenure: {less_than: 1 year}}\n")
    assert [place.standing(on).star_reached for on in ("2022-03-30", "2022-03-31", "2023-03-31")] == [0, 1, 0]
