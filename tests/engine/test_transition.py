"""What a change of rules does to what was earned before it, on the day of the change and around it."""

from __future__ import annotations

from datetime import date

import pytest

from lianxing.engine.explaining import standing_data
from lianxing.engine.measures import Totals
from lianxing.engine.quotients import Quotient
from lianxing.engine.wording import standing_sentences
from lianxing.rules.problems import PolicyError
from lianxing.rules.transition import StarsThen
from tests.engine.counties import Town, town

HOUR = 3600
EARNED = "earned: {sum: points, over: all_time}"
EARNING = """
- {id: t, points_per_hour: 1}
- {id: r, round: {to: 0.01 points, each: record, direction: down}}
"""


def changed(points: str = "keep", hours: str = "keep", stars: str = "keep", measures: str = EARNED) -> Town:
    transition = f"change: {{on_day: 2025-01-01, points: {points}, hours: {hours}, stars: {stars}}}"
    return town(measures=measures, earning=EARNING, transition=transition)


def totals(place: Town, *earned: tuple[str, int]) -> Totals:
    """The totals of somebody who earned so many hundredths of a point, and seconds, on these days."""
    made = Totals(place.policy)
    for day, points in earned:
        made.add(date.fromisoformat(day), points, points, {"registry": "nvsi", "category": "relief"}, frozenset())
    return made


def on(place: Town, day: str, *earned: tuple[str, int], measure: str = "earned") -> object:
    return totals(place, *earned).on(date.fromisoformat(day)).get(measure)


BEFORE = (("2023-06-15", 60_01), ("2024-12-31", 90_00))
AFTER = ("2025-01-01", 5_00)


@pytest.mark.parametrize(
    ("how", "kept"),
    [
        ("keep", 150_01),
        ("restart", 0),
        ("{convert: 0.5}", 75_00),  # 75.005, rounded down on the total
        ("{convert: 2}", 300_02),
        ("{convert: 0}", 0),
        ("{carry_over: {at_most: 100 points}}", 100_00),
        ("{carry_over: {at_most: 150.01 points}}", 150_01),
        ("{carry_over: {at_most: 200 points}}", 150_01),
    ],
)
def test_on_the_day_of_the_change_what_was_earned_before_it_is_treated(how: str, kept: int) -> None:
    place = changed(how)
    assert on(place, "2024-12-31", *BEFORE) == 150_01
    assert on(place, "2025-01-01", *BEFORE) == kept
    assert on(place, "2025-01-01", *BEFORE, AFTER) == kept + 5_00
    assert on(place, "2026-06-15", *BEFORE, AFTER) == kept + 5_00


def test_the_day_before_is_before_and_the_day_itself_is_not() -> None:
    place = changed("restart")
    assert on(place, "2025-06-15", ("2024-12-31", 1_00), ("2025-01-01", 2_00)) == 2_00


def test_hours_and_points_are_treated_apart_and_records_are_records() -> None:
    measures = """
earned: {sum: points, over: all_time}
served: {sum: hours, over: all_time}
times: {count: records, over: all_time}
"""
    place = changed("restart", "{convert: 0.5}", measures=measures)
    made = totals(place, *BEFORE).on(date(2025, 1, 1))
    assert made == {"earned": 0, "served": 75_00, "times": 2}


@pytest.mark.parametrize(
    ("how", "in_june_2025", "in_december_2025"),
    [
        ("{carry_over: {at_most: 100 points}}", 100_00, 90_00),  # the oldest is cut first: 10 of the 60.01 go over
        ("{carry_over: {at_most: 80 points}}", 80_00, 80_00),
        ("{convert: 0.5}", 75_00, 45_00),
    ],
)
def test_what_a_window_lets_go_later_is_what_was_left_of_it(how: str, in_june_2025: int, in_december_2025: int) -> None:
    place = changed(how, measures="earned: {sum: points, over: {rolling: 24 months}}")
    assert on(place, "2025-06-14", *BEFORE) == in_june_2025
    assert on(place, "2025-06-15", *BEFORE) == in_december_2025


def test_only_what_the_window_still_holds_on_the_day_is_carried_over() -> None:
    place = changed("{carry_over: {at_most: 80 points}}", measures="earned: {sum: points, over: {rolling: 12 months}}")
    assert on(place, "2025-01-01", *BEFORE) == 80_00
    assert on(place, "2025-06-15", ("2023-06-15", 70_00), ("2024-12-31", 50_00)) == 50_00


def test_what_comes_into_sight_only_after_the_change_is_treated_as_well() -> None:
    place = changed("{convert: 0.5}", measures="earned: {sum: points, over: {previous: calendar_year}}")
    assert on(place, "2024-12-31", *BEFORE) == 60_01
    assert on(place, "2025-06-15", *BEFORE) == 45_00


@pytest.mark.parametrize(
    ("measure", "how", "left"),
    [
        ("{sum: points, best_of: registry, over: all_time}", "{convert: 0.5}", 75_00),
        ("{sum: points, best_of: registry, over: all_time}", "{carry_over: {at_most: 100 points}}", 100_00),
        ("{sum: points, best_of: registry, over: {rolling: 24 months}}", "restart", 0),
        ("{largest: points, over: all_time}", "{convert: 0.5}", 45_00),
        ("{largest: points, over: all_time}", "{carry_over: {at_most: 10 points}}", 90_00),
        ("{smallest: points, over: {rolling: 24 months}}", "{convert: 0.5}", 30_00),
        ("{largest: points, over: all_time}", "restart", None),
        ("{streak: {of: points, at_least: 40 points, per: day, which: longest}, over: all_time}", "{convert: 0.5}", 1),
        ("{streak: {of: points, at_least: 46 points, per: day, which: longest}, over: all_time}", "{convert: 0.5}", 0),
        ("{streak: {of: points, at_least: 1 point, per: day, which: longest}, over: all_time}", "restart", 0),
        ("{streak: {of: records, at_least: 1, per: day, which: longest}, over: all_time}", "restart", 1),
    ],
)
def test_every_measure_of_points_is_treated_as_it_can_be(measure: str, how: str, left: int | None) -> None:
    place = changed(how, measures=f"earned: {measure}")
    assert on(place, "2025-01-01", *BEFORE) == left


def test_a_mean_begins_anew_or_is_converted() -> None:
    for how, sum, count in (("restart", 0, 0), ("{convert: 0.5}", 75_00, 2)):
        place = changed(how, measures="earned: {mean: points, over: all_time}")
        assert on(place, "2025-01-01", *BEFORE) == Quotient(sum, count)


def test_one_change_after_another_and_what_each_of_them_did() -> None:
    transition = """
second: {on_day: 2025-07-01, points: {carry_over: {at_most: 20 points}}, hours: keep, stars: restart}
first: {on_day: 2025-01-01, points: {convert: 0.5}, hours: keep, stars: rated_again}
"""
    place = town(measures=EARNED, earning=EARNING, transition=transition)
    made = totals(place, ("2024-06-15", 60_00))
    assert made.on(date(2025, 8, 1)) == {"earned": 20_00}
    lines = [(line.clause.id, line.measure, line.unit, line.before, line.after) for line in made.transitions]
    assert lines == [("first", "earned", "points", 60_00, 30_00), ("second", "earned", "points", 30_00, 20_00)]
    assert [transition.stars for transition in place.policy.transitions] == [StarsThen.RESTART, StarsThen.RATED_AGAIN]


def test_a_standing_tells_what_a_change_of_rules_did() -> None:
    place = changed("restart")
    record = place.record("2024-06-15 09:00", minutes=120)
    before, after = (place.standing(day, record) for day in ("2024-12-31", "2025-01-01"))
    assert before.transitions == ()
    assert [(line.before, line.after) for line in after.transitions] == [(2_00, 0)]
    facts = place.policy.facts
    said = "  change of rules: earned from 2 points to 0 points [town/transition.yaml:1]"
    assert said in standing_sentences(after, facts, "en")
    assert "  规则衔接：earned由 2 分 变为 0 分〔town/transition.yaml:1〕" in standing_sentences(after, facts, "zh")
    assert standing_data(after)["transitions"][0]["transition"] == "change"


def test_two_changes_on_one_day_are_refused() -> None:
    same = "{on_day: 2025-01-01, points: keep, hours: keep, stars: keep}"
    with pytest.raises(PolicyError) as found:
        town(transition=f"a: {same}\nb: {same}")
    assert [(problem.code, problem.location.line) for problem in found.value.problems] == [("P613", 2)]


@pytest.mark.parametrize(
    ("transition", "codes"),
    [
        ("{on_day: 2025-01-01, points: keep, hours: keep}", ["P015"]),
        ("{points: keep, hours: keep, stars: keep}", ["P015"]),
        ("{on_day: 2025-01-01, points: rated_again, hours: keep, stars: keep}", ["P105"]),
        ("{on_day: 2025-01-01, points: {convert: -1}, hours: keep, stars: keep}", ["P106"]),
        ("{on_day: 2025-01-01, points: {carry_over: {}}, hours: keep, stars: keep}", ["P015"]),
        ("{on_day: 2025-01-01, points: keep, hours: {carry_over: {at_most: 5 points}}, stars: keep}", ["P102"]),
        ("{on_day: 2025-01-01, points: {}, hours: keep, stars: keep}", ["P210"]),
    ],
)
def test_what_is_wrong_with_a_transition(transition: str, codes: list[str]) -> None:
    with pytest.raises(PolicyError) as found:
        town(transition=f"a: {transition}")
    assert [problem.code for problem in found.value.problems] == codes


def test_what_a_measure_of_the_year_before_holds_is_a_total_apart_from_this_year() -> None:
    place = town(
        measures="last_year: {sum: hours, over: {previous: calendar_year}}",
        transition="t: {on_day: 2024-07-01, points: keep, hours: {carry_over: {at_most: 10 hours}}, stars: keep}",
    )
    history = [place.record(day, minutes=60 * n, id=day) for day, n in (("2023-05-01", 8), ("2024-05-01", 12))]
    found = [place.standing(day, *history).measures[0].sum / 3600 for day in ("2024-06-30", "2024-07-01", "2025-01-01")]
    assert found == [8, 8, 10]


def test_what_is_owed_stays_beside_what_is_cut_until_it_leaves_the_window() -> None:
    """6 points are cut to 1: the 5 earned first go, the 3 owed of the same day stay, and leave on 29 January."""
    rolling = "earned: {sum: points, over: {rolling: 40 days}}"
    place = changed("{carry_over: {at_most: 1 points}}", measures=rolling)
    earned = (("2024-12-20", 5_00), ("2024-12-20", -3_00), ("2024-12-25", 4_00))
    assert [on(place, day, *earned) for day in ("2024-12-31", "2025-01-01", "2025-01-29")] == [6_00, 1_00, 4_00]
