"""Score sheets: every line on both sides of its boundary, what they come to together, and where they may be asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from lianxing.engine.explaining import standing_data
from lianxing.engine.quotients import Quotient
from lianxing.engine.rulebook import MeasureValue
from lianxing.engine.scores import scores
from lianxing.engine.standings import standing_with
from lianxing.engine.wording import standing_sentences
from lianxing.rules.facts import FactValue
from lianxing.rules.places import Language
from lianxing.rules.problems import PolicyError
from lianxing.rules.scores import ScoreResult
from tests.engine.counties import SOMEBODY, Town, town

ON = date(2024, 12, 31)
HOUR = 3600
MEASURES = """
served: {sum: hours, over: all_time}
sessions: {distinct: activity, over: all_time, where: {category: training}}
complaints: {count: records, over: all_time, where: {complaint: yes}}
graded: {mean: evaluation_score, over: all_time}
"""
LADDER = """
award: {by: automatic}
levels: {1: {served: {at_least: 100 hours}}, 4: {served: {at_least: 1000 hours}}}
"""
COUNTY = """
county: town
title: a town
in_force: {from: 2020-01-01}
time_zone: Asia/Shanghai
facts:
  category: {values: {training: {}, relief: {}}}
  event: {type: yes_no, scope: person}
  honour_title: {type: text, scope: person, values: {village: {}, county: {}, city: {}}}
"""


def sheet(score: str, stars: str = LADDER, **chapters: str) -> Town:
    return town(
        files={"county.yaml": COUNTY}, measures=f"{MEASURES}sheet: {{score: {score}}}\n", stars=stars, **chapters
    )


def result(
    place: Town, *, star: int | None = None, person: dict[str, FactValue] | None = None, **measures: MeasureValue
) -> ScoreResult:
    given = {"served": 0, "sessions": 0, "complaints": 0, "graded": Quotient(0, 0), **measures}
    return scores(place.rulebook, ON, person or {}, given, star)["sheet"]


def points(place: Town, *, star: int | None = None, **measures: MeasureValue) -> float:
    return result(place, star=star, person=None, **measures).points / 100


BANDS = "{of: served, bands: [{at_least: 100 hours, points: 30}, {at_least: 200 hours, points: 50}]}"


@pytest.mark.parametrize(("hours", "given"), [(0, 0), (99.99, 0), (100, 30), (199.99, 30), (200, 50), (1000, 50)])
def test_a_band_gives_its_points_from_its_bound_on_and_the_highest_counts(hours: float, given: int) -> None:
    place = sheet(f"{{combine: sum, rules: [{BANDS}]}}")
    assert points(place, served=round(hours * HOUR)) == given


@pytest.mark.parametrize(("hours", "given"), [(120, 0), (120.01, 5)])
def test_more_than_leaves_the_bound_itself_out(hours: float, given: int) -> None:
    place = sheet("{combine: sum, rules: [{of: served, bands: [{more_than: 120 hours, points: 5}]}]}")
    assert points(place, served=round(hours * HOUR)) == given


@pytest.mark.parametrize(
    ("graded", "given"), [(Quotient(0, 0), 0), (Quotient(89_999, 2), 0), (Quotient(90_000, 2), 10), (Quotient(0, 1), 0)]
)
def test_a_band_of_a_mean_is_compared_without_dividing(graded: Quotient, given: int) -> None:
    place = sheet("{combine: sum, rules: [{of: graded, bands: [{at_least: 4.5, points: 10}]}]}")
    assert points(place, graded=graded) == given


@pytest.mark.parametrize(("complaints", "given"), [(0, 0), (1, -10), (2, -20), (3, -25), (9, -25)])
def test_every_one_takes_points_away_up_to_what_is_taken_at_the_most(complaints: int, given: int) -> None:
    place = sheet("{combine: sum, rules: [{of: complaints, every: 1, points: -10, at_most: 25}]}")
    assert points(place, complaints=complaints) == given


@pytest.mark.parametrize(("hours", "given"), [(9.99, 0), (10, 0.5), (19.99, 0.5), (127, 6)])
def test_only_full_blocks_give_points(hours: float, given: float) -> None:
    place = sheet("{combine: sum, rules: [{of: served, every: 10 hours, points: 0.5}]}")
    assert points(place, served=round(hours * HOUR)) == given


SHEET = f"""{{combine: sum, rules: [
  {BANDS},
  {{of: sessions, bands: [{{at_least: 6, points: 20}}]}},
  {{item: {{by: event, yes: 10, no: 0, missing: 0}}, source: {{clause: 第三项}}, label: 大型活动}},
  {{item: {{by: honour_title, default: 10, missing: 0}}}},
  {{of: complaints, every: 1, points: -10}}]}}"""


def test_the_score_sheet_of_worked_example_40() -> None:
    """200 hours, 6 sessions, an event, an award, a complaint: 50 + 20 + 10 + 10 - 10 is 80."""
    place = sheet(SHEET)
    person: dict[str, FactValue] = {"event": 1, "honour_title": "city"}
    found = result(place, person=person, served=200 * HOUR, sessions=6, complaints=1)
    assert found.points == 80_00
    assert [line.points for line in found.lines] == [50_00, 20_00, 10_00, 10_00, -10_00]
    assert found.lines[0].asked == (("served", 200 * HOUR),)
    assert (found.lines[2].clause.source.clause, found.lines[2].clause.label.zh) == ("第三项", "大型活动")
    assert {line.clause.id for line in found.lines} == {"sheet"}
    assert result(place, person=person, served=200 * HOUR, sessions=5, complaints=1).points == 60_00


BY_STAR = "{by: stars, 0: 0, 1: 1, 4: 4}"
BY_TITLE = "{by: honour_title, village: 1, county: 3, city: 6, missing: 0}"


@pytest.mark.parametrize(
    ("combine", "star", "title", "given"),
    [
        ("sum", 4, "county", 7),  # worked example 37
        ("highest", 4, "county", 4),
        ("highest", 1, "county", 3),
        ("highest", 0, None, 0),
        ("sum", 0, None, 0),
    ],
)
def test_star_and_title_are_added_up_or_the_highest_counts(
    combine: str, star: int, title: str | None, given: int
) -> None:
    place = sheet(f"{{combine: {combine}, at_most: 50 points, rules: [{{item: {BY_STAR}}}, {{item: {BY_TITLE}}}]}}")
    person: dict[str, FactValue] = {} if title is None else {"honour_title": title}
    found = result(place, star=star, person=person)
    assert found.points == given * 100
    assert sum(line.points for line in found.lines if line.counts) == given * 100


@pytest.mark.parametrize(("hours", "given"), [(49, 49), (50, 50), (51, 50)])
def test_a_score_never_comes_to_more_than_its_most(hours: int, given: int) -> None:
    place = sheet("{combine: sum, at_most: 50, rules: [{of: served, every: 1 hour, points: 1}]}")
    assert points(place, served=hours * HOUR) == given
    assert result(place).at_most == 50_00


def test_a_rule_counts_only_when_its_condition_holds() -> None:
    place = sheet(
        "{combine: sum, rules: [{item: 10, when: {complaints: {at_most: 0}}},"
        " {item: 5, when: {stars: {at_least: 4}}}, {item: 1, when: {age: {at_least: 60}}}]}"
    )
    assert points(place, star=3, complaints=1) == 0
    assert points(place, star=3) == 10
    assert points(place, star=4) == 15
    assert result(place, star=4, person={"age": 60}).points == 16_00


def test_the_values_in_force_on_the_day_count() -> None:
    place = sheet(
        "{combine: sum, at_most: {2020-01-01: 9, 2025-01-01: 20}, rules:"
        " [{of: served, every: 1 hour, points: {2020-01-01: 1, 2025-01-01: 2}},"
        " {of: served, bands: {2020-01-01: [{at_least: 1 hour, points: 1}],"
        " 2025-01-01: [{at_least: 9 hours, points: 1}]}}]}"
    )
    given: dict[str, MeasureValue] = {"served": 3 * HOUR, "sessions": 0, "complaints": 0}
    worth = [scores(place.rulebook, day, {}, given)["sheet"].points for day in (date(2024, 12, 31), date(2025, 1, 1))]
    assert worth == [4_00, 6_00]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "en",
            [
                "  sheet [town/measures.yaml:6]: 76 points",
                "    50 points (served 200 h) [town/measures.yaml:7]",
                "    20 points (sessions 6) [town/measures.yaml:8]",
                "    大型活动: 10 points (event yes) [town/measures.yaml:9, 第三项]",
                "    6 points (graded 4.5) [town/measures.yaml:10]",
                "    -10 points (complaints 1) [town/measures.yaml:11]",
            ],
        ),
        (
            "zh",
            [
                "  sheet〔town/measures.yaml:6〕：76 分",
                "    50 分（served 200 小时）〔town/measures.yaml:7〕",
                "    20 分（sessions 6）〔town/measures.yaml:8〕",
                "    大型活动：10 分（event 是）〔town/measures.yaml:9，第三项〕",
                "    6 分（graded 4.5）〔town/measures.yaml:10〕",
                "    -10 分（complaints 1）〔town/measures.yaml:11〕",
            ],
        ),
    ],
)
def test_a_standing_says_every_line_of_a_score_with_what_it_asked_and_its_clause(
    language: Language, said: list[str]
) -> None:
    place = sheet(SHEET.replace("{item: {by: honour_title, default: 10, missing: 0}}", GRADED))
    given: dict[str, MeasureValue] = {
        "served": 200 * HOUR,
        "sessions": 6,
        "complaints": 1,
        "graded": Quotient(90_000, 2),
    }
    found = standing_with(place.rulebook, replace(SOMEBODY, facts={"event": 1}), given, ON)
    lines = standing_sentences(found, place.policy.facts, language)
    begins = lines.index(said[0])
    assert lines[begins : begins + len(said)] == said
    data = standing_data(found)["scores"][0]
    assert (data["score"], data["points_hundredths"], len(data["lines"])) == ("sheet", 76_00, 5)
    assert data["lines"][3]["asked"] == {"graded": "90000/2"}


GRADED = "{of: graded, bands: [{at_least: 4.5, points: 6}]}"


def test_what_is_outdone_and_what_is_over_the_most_is_said() -> None:
    for combine, last in (
        ("highest", "    9 points (complaints 9), outdone by a higher one [town/measures.yaml:6]"),
        ("sum", "    in all at most 10 points"),
    ):
        place = sheet(
            f"{{combine: {combine}, at_most: 10, rules: [{{of: complaints, every: 1, points: 1}}, {{item: 10}}]}}"
        )
        found = standing_with(place.rulebook, SOMEBODY, {"complaints": 9, "served": 0}, ON)
        assert last in standing_sentences(found, place.policy.facts, "en")


# --- where a score may be asked -----------------------------------------------------------------------------------


def test_a_star_may_rest_on_a_score_that_does_not_rest_on_the_star() -> None:
    stars = "{award: {by: automatic}, levels: {1: {sheet: {at_least: 50 points}}}}"
    place = sheet(f"{{combine: sum, rules: [{BANDS}]}}", stars)
    for hours, star in ((199, 0), (200, 1)):
        found = standing_with(place.rulebook, SOMEBODY, {"served": hours * HOUR}, ON)
        assert found.star_reached == star
        assert [(sheet.clause.id, sheet.points) for sheet in found.scores] == [("sheet", 30_00 + 20_00 * star)]
        assert next(line.sum for line in found.measures if line.clause.id == "sheet") == 30_00 + 20_00 * star


def test_a_perk_may_ask_a_score_that_rests_on_the_star_held() -> None:
    perks = "card: {when: {sheet: {at_least: 4}}, uses: unlimited, provider: 社区}"
    place = sheet(f"{{combine: sum, rules: [{{item: {BY_STAR}}}]}}", perks=perks)
    for hours, held in ((100, []), (1000, ["card"])):
        found = standing_with(place.rulebook, SOMEBODY, {"served": hours * HOUR}, ON)
        assert [perk.clause.id for perk in found.perks] == held


def test_a_score_that_a_case_gives_outright_stays_as_it_is_given() -> None:
    stars = "{award: {by: automatic}, levels: {1: {sheet: {at_least: 50 points}}}}"
    place = sheet(f"{{combine: sum, rules: [{BANDS}]}}", stars)
    found = standing_with(place.rulebook, SOMEBODY, {"served": 0, "sheet": 50_00}, ON)
    assert (found.star_reached, found.scores) == (1, ())


@pytest.mark.parametrize(
    ("chapters", "code"),
    [
        ({"stars": "{award: {by: automatic}, levels: {1: {sheet: {at_least: 1}}}}"}, "P612"),
        ({"hours": "- {id: no, exclude: {sheet: {at_least: 1}}}"}, "P612"),
        ({"perks": "card: {when: {sheet: {at_least: 4}}, uses: unlimited, provider: 社区}"}, ""),
    ],
)
def test_a_score_by_star_is_known_only_where_the_star_is(chapters: dict[str, str], code: str) -> None:
    score = f"{{combine: sum, rules: [{{item: {BY_STAR}}}]}}"
    stars = chapters.pop("stars", LADDER)
    if not code:
        sheet(score, stars, **chapters)
        return
    with pytest.raises(PolicyError) as found:
        sheet(score, stars, **chapters)
    assert code in [problem.code for problem in found.value.problems]


def test_no_record_may_ask_a_score_even_without_stars() -> None:
    with pytest.raises(PolicyError) as found:
        sheet(f"{{combine: sum, rules: [{BANDS}]}}", hours="- {id: no, exclude: {sheet: {at_least: 1}}}")
    assert [problem.code for problem in found.value.problems] == ["P612"]


@pytest.mark.parametrize(
    ("score", "codes"),
    [
        ("{combine: sum, rules: []}", ["P111"]),
        ("{rules: [{item: 1}]}", ["P015"]),
        ("{combine: mean, rules: [{item: 1}]}", ["P105"]),
        ("{combine: sum, rules: [{item: 1, every: 1, of: complaints, points: 1}]}", ["P211"]),
        ("{combine: sum, rules: [{of: complaints}]}", ["P210"]),
        ("{combine: sum, rules: [{of: complaints, every: 1}]}", ["P015"]),
        ("{combine: sum, rules: [{item: 1, points: 2}]}", ["P610"]),
        ("{combine: sum, rules: [{of: complaint, every: 1, points: 1}]}", ["P314"]),
        ("{combine: sum, rules: [{of: complaints, every: 0, points: 1}]}", ["P615"]),
        ("{combine: sum, rules: [{of: graded, every: 1, points: 1}]}", ["P305"]),
        ("{combine: sum, rules: [{of: complaints, bands: [{points: 1}]}]}", ["P210"]),
        ("{combine: sum, rules: [{of: served, bands: [{at_least: 2, points: 1}]}]}", ["P303"]),
        (
            "{combine: sum, rules: [{of: complaints, bands: [{at_least: 2, points: 1}, {at_least: 2, points: 2}]}]}",
            ["P327"],
        ),
        ("{combine: sum, rules: [{item: {by: stars, 1: 1, 4: 4}}]}", ["P308"]),
        ("{combine: sum, rules: [{item: {by: event, yes: 1, no: 0}}]}", ["P308"]),
        ("{combine: sum, rules: [{item: 0.001}]}", ["P113"]),
        ("{combine: sum, rules: [{of: sheet, every: 1 point, points: 1}]}", ["P314"]),
    ],
)
def test_what_is_wrong_with_a_score(score: str, codes: list[str]) -> None:
    with pytest.raises(PolicyError) as found:
        sheet(score)
    assert [problem.code for problem in found.value.problems] == codes


def test_more_than_after_at_least_of_the_same_bound_is_a_step_up() -> None:
    place = sheet(
        "{combine: sum, rules: [{of: complaints, bands: [{at_least: 2, points: 1}, {more_than: 2, points: 2}]}]}"
    )
    assert [points(place, complaints=count) for count in (1, 2, 3)] == [0, 1, 2]
