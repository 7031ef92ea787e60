"""Commendations: who may be put forward, quotas and their rounding, ranking, ties, past winners, layers."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from lianxing.engine.award_list import AwardList
from lianxing.engine.candidates import Candidate, Won, organisation, person
from lianxing.engine.commending import MembersUnknownError, commend
from lianxing.engine.compiling import load_policy
from lianxing.engine.layers import Shelf
from lianxing.engine.quotients import Quotient
from lianxing.engine.rulebook import MeasureValue
from lianxing.engine.selection_data import public_data, selection_data
from lianxing.rules.commendation import period_of
from lianxing.rules.facts import FactValue, VolunteerId
from lianxing.rules.periods import Window
from lianxing.rules.places import Language
from lianxing.rules.policy import Policy
from lianxing.rules.problems import PolicyError
from lianxing.rules.records import Volunteer
from lianxing.rules.selections import Bar, Selection
from lianxing.rules.standings import Counted
from tests.engine.counties import SOMEBODY, Town, town

HOUR = 3600
ON = date(2025, 12, 31)
MEASURES = """
hours_this_year: {sum: hours, over: {calendar: calendar_year}}
hours_in_all: {sum: hours, over: all_time}
share_good: {share: {evaluation: good}, over: all_time}
heads: {distinct: volunteer, over: all_time}
"""
BEST = """
best:
  for: person
  period: calendar_year
  eligible: {hours_this_year: {at_least: 20 hours}}
  quota: {at_most: 2}
  rank_by: [{hours_this_year: high}]
  ties: all_in
"""


def best(measures: str = MEASURES, sanctions: str = "{}", **said: str) -> Town:
    """A town with one commendation, some of its lines said otherwise."""
    lines = dict(line.strip().split(": ", 1) for line in BEST.strip().splitlines()[1:])
    text = "best:\n" + "".join(f"  {key}: {value}\n" for key, value in {**lines, **said}.items())
    return town(measures=measures, sanctions=sanctions, commendation=text)


def somebody(id: str, hours: int, *won: Won, **facts: FactValue) -> Candidate:
    measures: Mapping[str, MeasureValue] = {"hours_this_year": hours * HOUR, "hours_in_all": hours * HOUR}
    return Candidate(id, facts, measures, 0, won)


def chosen(place: Town, *candidates: Candidate, members: int | None = None, on: date = ON) -> Selection:
    return commend(place.rulebook, place.policy.commendations[0], on, candidates, members)


def ids(selection: Selection, what: str = "selected") -> list[str]:
    return [one.id for one in getattr(selection, what)]


# --- who may be put forward -----------------------------------------------------------------------------------


def test_who_reaches_the_condition_is_put_forward_and_who_lacks_a_second_is_told_what_lacks() -> None:
    one_short = replace(somebody("B", 20), measures={"hours_this_year": 20 * HOUR - 1})
    found = chosen(best(), somebody("A", 20), one_short)
    assert ids(found) == ["A"]
    (out,) = found.ineligible
    (reason,) = out.reasons
    assert (out.id, reason.bar, reason.gaps[0].lacking) == ("B", Bar.NOT_ELIGIBLE, 1)
    assert str(reason.gaps[0].location).startswith("town/commendation.yaml:4:")


def test_the_age_of_bozhou_has_an_exception_path() -> None:
    place = best(
        eligible="{hours_this_year: {at_least: 20 hours}, age: {within: [18, 60]}}",
        exceptions="{hours_this_year: {at_least: 40 hours}, age: {more_than: 60}}",
    )
    found = chosen(place, somebody("old", 40, age=61), somebody("young", 20, age=30), somebody("other", 39, age=61))
    by_id = {one.id: one for one in found.selected}
    assert set(by_id) == {"old", "young"}
    assert by_id["young"].exception_at is None
    assert by_id["old"].exception_at is not None
    assert [gap.fact for gap in by_id["old"].by_exception] == ["age"]
    assert ids(found, "ineligible") == ["other"]


def test_a_condition_may_ask_the_star_held() -> None:
    place = town(
        measures=MEASURES,
        stars="{award: {by: automatic}, levels: {3: {hours_in_all: {at_least: 1 hour}}}}",
        commendation=BEST.replace("eligible: {", "eligible: {stars: {at_least: 3}, "),
    )
    found = chosen(place, replace(somebody("A", 30), star=3), replace(somebody("B", 30), star=2))
    assert (ids(found), ids(found, "ineligible")) == (["A"], ["B"])


@pytest.mark.parametrize(("won_on", "out"), [(date(2023, 1, 1), True), (date(2022, 12, 31), False)])
def test_a_past_winner_stays_out_for_as_long_as_is_said(won_on: date, out: bool) -> None:
    place = best(excludes="{winners_of: [best], over: 3 years}")
    found = chosen(place, somebody("A", 30, Won("best", won_on)), on=date(2025, 12, 31))
    assert bool(found.ineligible) is out
    if out:
        (reason,) = found.ineligible[0].reasons
        assert (reason.bar, reason.honour, reason.honoured_on) == (Bar.WON_BEFORE, "best", won_on)


def test_another_honour_keeps_nobody_out_and_all_time_never_ends() -> None:
    place = best(excludes="{winners_of: [best], over: all_time}")
    won = {"A": Won("other", date(2025, 1, 1)), "B": Won("best", date(2020, 1, 1))}
    found = chosen(place, *(somebody(id, 30, one) for id, one in won.items()))
    assert (ids(found), ids(found, "ineligible")) == (["A"], ["B"])


def test_an_exception_stands_in_for_the_condition_and_not_for_a_past_win() -> None:
    place = best(exceptions="{age: {more_than: 60}}", excludes="{winners_of: [best], over: all_time}")
    found = chosen(place, somebody("A", 0, Won("best", date(2020, 1, 1)), age=70), somebody("B", 0, age=70))
    assert (ids(found), ids(found, "ineligible")) == (["B"], ["A"])


def test_a_sanction_may_exclude_from_commendation_while_it_lasts() -> None:
    sanctions = """
late:
  when: {hours_in_all: {at_least: 3 hours}}
  effects: {registration: kept, star: kept, points: kept, hours: kept, black_list: no, commendation: excluded}
  lasts: for_ever
"""
    place = best(sanctions=sanctions, eligible="{hours_this_year: {at_least: 1 hour}}")
    made = []
    for id, minutes in (("A", 179), ("B", 180)):
        record = place.record("2025-06-15", id=id, minutes=minutes)
        made.append(person(place.rulebook, replace(SOMEBODY, id=VolunteerId(id)), as_history(place, record), ON))
    found = chosen(place, *made)
    assert (ids(found), ids(found, "ineligible")) == (["A"], ["B"])
    assert found.ineligible[0].reasons[0].bar is Bar.SANCTIONED


def as_history(place: Town, *records: object) -> list[Counted]:
    return [
        Counted(a.record, {}, a.seconds, a.points, a.counted)
        for a in place.assess(*records)  # type: ignore[arg-type]
    ]


# --- quotas ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("direction", "members", "places"),
    [
        ("down", 640, 6),
        ("down", 699, 6),
        ("down", 700, 7),
        ("up", 600, 6),
        ("up", 601, 7),
        ("half_up", 649, 6),
        ("half_up", 650, 7),
        ("down", 99, 0),
        ("down", 0, 0),
    ],
)
def test_one_percent_of_the_members_is_rounded_as_the_policy_says(direction: str, members: int, places: int) -> None:
    place = best(quota=f"{{share: 1 %, of: members, direction: {direction}}}")
    found = chosen(place, *(somebody(f"V{i}", 100 - i) for i in range(9)), members=members)
    assert len(found.selected) == places
    (arithmetic,) = found.places
    assert (arithmetic.places, arithmetic.base, arithmetic.exact) == (places, members, Fraction(members, 100))


def test_a_share_of_the_members_needs_their_number() -> None:
    with pytest.raises(MembersUnknownError):
        chosen(best(quota="{share: 1 %, of: members, direction: down}"), somebody("A", 20))


def test_a_share_of_the_eligible_leaves_out_who_is_not() -> None:
    place = best(quota="{share: 50 %, of: eligible, direction: up}")
    found = chosen(place, *(somebody(id, hours) for id, hours in (("A", 40), ("B", 30), ("C", 20), ("D", 19))))
    assert (ids(found), ids(found, "reserve"), ids(found, "ineligible")) == (["A", "B"], ["C"], ["D"])


def test_a_share_of_the_registered_counts_who_was_registered_by_the_day() -> None:
    place = best(quota="{share: 50 %, of: registered, direction: down}")
    day = ON.toordinal()
    registered = {"A": day - 400, "B": day, "C": day + 1, "D": None}
    found = chosen(
        place,
        *(somebody(id, 40, **({} if on is None else {"registered_on": on})) for id, on in registered.items()),
    )
    assert found.places[0].base == 2
    assert found.places[0].places == 1


def test_the_quota_follows_the_day() -> None:
    place = best(quota="{at_most: {2020-01-01: 1, 2025-01-01: 2}}")
    candidates = [somebody(id, hours) for id, hours in (("A", 40), ("B", 30), ("C", 20))]
    assert ids(chosen(place, *candidates, on=date(2024, 12, 31))) == ["A"]
    assert ids(chosen(place, *candidates, on=date(2025, 1, 1))) == ["A", "B"]


def test_each_team_has_a_quota_of_its_own_and_so_have_those_without_a_team() -> None:
    place = best(quota="{at_most: 1, within_same: home_team}")
    teams = (("A", 40, "x"), ("B", 30, "x"), ("C", 25, "y"), ("D", 22, None))
    found = chosen(place, *(somebody(i, h, **({"home_team": t} if t else {})) for i, h, t in teams))
    assert [(one.group, one.id) for one in found.selected] == [("x", "A"), ("y", "C"), (None, "D")]
    assert ids(found, "reserve") == ["B"]
    assert [(places.group, places.places) for places in found.places] == [("x", 1), ("y", 1), (None, 1)]


# --- order and ties -------------------------------------------------------------------------------------------


def test_ties_within_the_quota_decide_nothing_and_equals_share_a_place() -> None:
    found = chosen(
        best(quota="{at_most: 3}"), *(somebody(i, h) for i, h in (("A", 40), ("B", 30), ("C", 30), ("D", 20)))
    )
    assert [(one.place, one.id) for one in found.selected] == [(1, "A"), (2, "B"), (2, "C")]
    assert found.ties == ()
    assert [(one.place, one.id) for one in found.reserve] == [(4, "D")]


@pytest.mark.parametrize(
    ("ties", "selected", "undecided", "reserve"),
    [
        ("all_in", ["A", "B", "C"], [], ["D"]),
        ("none_in", ["A"], [], ["B", "C", "D"]),
        ("undecided", ["A"], ["B", "C"], ["D"]),
    ],
)
def test_equals_on_both_sides_of_the_last_place(
    ties: str, selected: list[str], undecided: list[str], reserve: list[str]
) -> None:
    found = chosen(best(ties=ties), *(somebody(i, h) for i, h in (("D", 20), ("C", 30), ("B", 30), ("A", 40))))
    assert (ids(found), ids(found, "undecided"), ids(found, "reserve")) == (selected, undecided, reserve)
    (tie,) = found.ties
    assert (tie.place, tie.ids, tie.places_left, tie.decision.value) == (2, ("B", "C"), 1, ties)


def test_a_second_key_parts_equals_and_a_missing_value_comes_last() -> None:
    place = best(rank_by="[{hours_this_year: high}, {registered_on: low}]")
    found = chosen(place, somebody("A", 30), somebody("B", 30, registered_on=800), somebody("C", 30, registered_on=700))
    assert (ids(found), ids(found, "reserve"), found.ties) == (["C", "B"], ["A"], ())


def test_who_is_preferred_comes_first_among_equals_only() -> None:
    place = best(prefers="{enabled: yes}", quota="{at_most: 2}")
    found = chosen(
        place, somebody("A", 30), somebody("B", 30, enabled=1), somebody("C", 31), somebody("D", 29, enabled=1)
    )
    assert (ids(found), ids(found, "reserve")) == (["C", "B"], ["A", "D"])
    assert [one.preferred for one in found.selected] == [False, True]


def test_quotients_are_ranked_exactly_and_one_over_nothing_comes_last() -> None:
    place = best(rank_by="[{share_good: high}]", quota="{at_most: 9}")
    shares = {"A": Quotient(1, 3), "B": Quotient(333_333, 1_000_000), "C": Quotient(2, 6), "D": Quotient(0, 0)}
    found = chosen(
        place, *(replace(one := somebody(i, 20), measures={**one.measures, "share_good": q}) for i, q in shares.items())
    )
    assert [(one.place, one.id) for one in found.selected] == [(1, "A"), (1, "C"), (3, "B"), (4, "D")]


def test_nobody_is_selected_where_nobody_stands() -> None:
    found = chosen(best())
    assert (found.selected, found.reserve, found.places, found.candidates) == ((), (), (), 0)


# --- the score sheet of a university (C5, worked example 40) --------------------------------------------------

SHEET = """
hours_this_year: {sum: hours, over: {calendar: calendar_year}}
sessions: {distinct: activity, over: all_time}
events: {count: records, over: all_time, where: {category: culture}}
awards: {count: records, over: all_time, where: {kind: honour}}
complaints: {count: records, over: all_time, where: {complaint: yes}}
sheet:
  score:
    combine: sum
    rules:
      - of: hours_this_year
        bands: [{at_least: 0 hours, points: 10}, {more_than: 100 hours, points: 30},
                {more_than: 150 hours, points: 40}, {at_least: 200 hours, points: 50}]
      - {of: sessions, bands: [{at_least: 1, points: 10}, {more_than: 5, points: 20}]}
      - {of: events, bands: [{at_least: 1, points: 10}]}
      - {of: awards, bands: [{at_least: 1, points: 10}]}
      - {of: complaints, every: 1, points: -10}
"""


def test_the_score_sheet_is_worked_out_ranked_by_and_shown_line_by_line() -> None:
    place = best(measures=SHEET, eligible="{hours_this_year: {at_least: 1 hour}}", rank_by="[{sheet: high}]")
    values = {"hours_this_year": 200 * HOUR, "sessions": 6, "events": 1, "awards": 1, "complaints": 1}
    found = chosen(place, Candidate("A", {}, values), Candidate("B", {}, {**values, "complaints": 0}))
    assert [(one.id, one.values[0].value) for one in found.selected] == [("B", 90_00), ("A", 80_00)]
    (sheet,) = found.selected[1].scores
    assert [line.points for line in sheet.lines] == [50_00, 20_00, 10_00, 10_00, -10_00]


# --- organisations --------------------------------------------------------------------------------------------

TEAMS = """
team:
  for: organisation
  period: calendar_year
  eligible: {tenure: {at_least: 2 years}, heads: {at_least: 2}}
  quota: {at_most: 10}
  rank_by: [{hours_this_year: high}]
  ties: all_in
"""


def test_an_organisation_is_what_its_volunteers_did_in_its_name() -> None:
    place = town(measures=MEASURES, commendation=TEAMS)
    made = []
    for name, people, founded in (
        ("big", ("V1", "V2"), date(2023, 12, 31)),
        ("small", ("V1", "V1"), date(2023, 12, 31)),
        ("new", ("V1", "V2"), date(2024, 1, 1)),
    ):
        records = [
            replace(
                place.record("2025-03-01", id=f"{name}{i}", minutes=90), organisation=name, volunteer=VolunteerId(who)
            )
            for i, who in enumerate(people)
        ]
        history = [Counted(record, {}, record.seconds, 0, True) for record in records]
        made.append(organisation(place.rulebook, Volunteer(VolunteerId(name), founded), history, ON))
    found = chosen(place, *made)
    assert [(one.id, one.values[0].value) for one in found.selected] == [("big", 3 * HOUR)]
    assert {one.id: one.reasons[0].gaps[0].fact for one in found.ineligible} == {"small": "heads", "new": "tenure"}


def test_records_of_later_days_and_refused_ones_say_nothing_of_an_organisation() -> None:
    place = town(measures=MEASURES, commendation=TEAMS)
    later = place.record("2026-01-01", minutes=60)
    refused = place.record("2025-01-01", minutes=60)
    history = [Counted(later, {}, 3600, 0, True), Counted(refused, {}, 0, 0, False)]
    made = organisation(place.rulebook, Volunteer(VolunteerId("team")), history, ON)
    assert (made.measures["hours_this_year"], made.star) == (0, None)


def test_an_honour_is_a_record_of_that_kind() -> None:
    place = best()
    won = place.record("2025-03-01", id="h", minutes=0, kind="honour", honour="best")
    named = place.record("2025-03-02", id="n", minutes=60, honour="best")
    made = person(place.rulebook, SOMEBODY, as_history(place, won, named), ON)
    assert made.honours == (Won("best", date(2025, 3, 1)),)


@pytest.mark.parametrize(("day", "known"), [("2019-12-31", True), ("2020-01-01", False)])
def test_an_honour_that_a_clause_refuses_is_none_but_one_from_before_the_rules_is(day: str, known: bool) -> None:
    place = best()
    won = place.record(day, id="h", minutes=0, kind="honour", honour="best")
    made = person(place.rulebook, SOMEBODY, [Counted(won, {}, 0, 0, False)], ON)
    assert bool(made.honours) is known


# --- the list -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_public_list_shows_places_and_ids_and_may_be_cut(language: Language) -> None:
    place = best(quota="{at_most: 3}")
    found = chosen(place, *(somebody(f"V{i}", 50 - i, registered_on=1) for i in range(5)), somebody("bad", 1))
    listed = AwardList(found, place.policy.facts, language).public(2)
    assert listed[1:3] == ["1. V0", "2. V1"]
    assert len(listed) == 4
    assert "bad" not in "".join(listed)
    assert public_data(found, 2)["selected"] == [{"id": "V0", "place": 1}, {"id": "V1", "place": 2}]
    assert public_data(found, 2)["not_shown"] == 1


def test_the_full_list_carries_the_arithmetic_the_order_and_everybodys_reasons() -> None:
    place = best(quota="{share: 1 %, of: members, direction: down}")
    found = chosen(place, somebody("A", 40), somebody("B", 10), somebody("C", 12), members=140)
    said = AwardList(found, place.policy.facts, "en").full(everybody=True)
    assert "Places: members 140 × 1 % = 1.4, down -> 1 [town/commendation.yaml:5]" in said
    assert "1. A: hours_this_year 40 h" in said
    assert any("at least 20 h, has 10 h, lacks 10 h [town/commendation.yaml:4]" in line for line in said)
    short = AwardList(found, place.policy.facts, "en").full(everybody=False)
    assert short[-1] == "  2 × hours_this_year [town/commendation.yaml:4]"
    data = selection_data(found)
    assert data["places"][0] | {} == {
        "places": 1,
        "at": "town/commendation.yaml:5:10",
        "share": "1 %",
        "of": "members",
        "base": 140,
        "exact": "1.4",
        "direction": "down",
    }
    assert [one["reasons"][0]["reason"] for one in data["ineligible"]] == ["not_eligible", "not_eligible"]


# --- layers ---------------------------------------------------------------------------------------------------


def layered(recommends_to: str) -> Policy:
    with tempfile.TemporaryDirectory() as root:
        for folder, county, chapter in (
            ("city", "county: city\ntitle: c\nin_force: {from: 2020-01-01}\ntime_zone: Asia/Shanghai", "city_best"),
            ("city/town", "county: town\ntitle: t\nbased_on: city", "town_best"),
        ):
            path = Path(root) / folder
            path.mkdir()
            (path / "county.yaml").write_text(county)
            text = (
                BEST.replace("best:", f"{chapter}:").replace("hours_this_year", "tenure").replace("20 hours", "1 year")
            )
            upwards = f"  recommends_to: {recommends_to}\n" if chapter == "town_best" else ""
            (path / "commendation.yaml").write_text(text + upwards)
        shelf = Shelf((("test", Path(root)),))
        found = shelf.folder("city/town")
        assert found is not None
        return load_policy(found, shelf)


@pytest.mark.parametrize("upwards", ["city/city_best", "the office of the province"])
def test_the_selected_are_recommended_to_a_commendation_below_or_to_a_body(upwards: str) -> None:
    assert layered(upwards).commendations[-1].recommends_to == upwards


@pytest.mark.parametrize("upwards", ["city/other", "elsewhere/best", "city/town/town_best"])
def test_a_commendation_that_is_not_there_is_a_problem_with_what_is(upwards: str) -> None:
    with pytest.raises(PolicyError) as caught:
        layered(upwards)
    (problem,) = caught.value.problems
    assert (problem.code, dict(problem.details)["known"]) == ("P664", "city/city_best")


@pytest.mark.parametrize(
    ("window", "day"),
    [(Window(months=1), "2025-02-28"), (Window(months=12), "2025-02-28"), (Window(days=30), "2025-03-01")],
)
def test_a_period_that_rolls_begins_with_the_first_day_that_its_measures_see(window: Window, day: str) -> None:
    first, last = period_of(window, date.fromisoformat(day))
    assert last == date.fromisoformat(day)
    assert window.holds(first, last)
    assert not window.holds(first - timedelta(days=1), last)
