"""Coverage: what of a policy its cases prove. Every kind of boundary has two sides, and each side wants a case."""

from __future__ import annotations

from pathlib import Path

import pytest

from lianxing.engine.compiling import load_policy
from lianxing.engine.coverage import Coverage, Side, prove
from lianxing.engine.layers import Shelf
from lianxing.engine.matchers import Preference, matcher_factory
from lianxing.engine.reading.cases import read_cases
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.facts import Fact
from tests.engine.counties import COUNTY
from tests.policies.proving import MATCHERS

COUNT = "- id: counted\n  count: {duration: {at_least: 30 minutes}}\n"


def coverage(
    root: Path, chapters: dict[str, str], *cases: str, matcher: Preference = "plain", county: str = "town"
) -> Coverage:
    """Return the coverage of a county with these chapters; each case is the rest of one that happens on one day."""
    texts = [f"- name: case {index}\n  {case}\n" for index, case in enumerate(cases)]
    (root / county).mkdir(parents=True, exist_ok=True)
    if not (root / county / "county.yaml").exists():
        (root / county / "county.yaml").write_text(COUNTY % "Asia/Shanghai", "utf-8")
    for name, text in (chapters | {"cases": "".join(texts)}).items():
        (root / county / f"{name}.yaml").write_text(text, "utf-8")
    shelf = Shelf((("test", root),))
    folder = shelf.folder(county)
    assert folder is not None
    policy = load_policy(folder, shelf)
    with Rulebook(policy, matcher_factory(matcher)) as rulebook:
        results, found = prove(rulebook, read_cases(folder, policy, []))
    assert rulebook.observer is None
    assert len(results) == len(cases)
    return found


def said(side: Side) -> str:
    """`duration at_least 1800: yes`, with the line where it stands."""
    operand = side.boundary.operand
    shown = operand.name if isinstance(operand, Fact) else operand
    line = f"{side.boundary.location.path.rpartition('/')[2]}:{side.boundary.location.line}"
    holds = "holds" if side.holds else "fails"
    return f"{line} {side.boundary.fact.name} {side.boundary.operator.value} {shown} {holds}"


def missing(found: Coverage) -> list[str]:
    return [said(side) for side in found.missing]


def case(length: str, more: str = "", on: str = "2024-06-15") -> str:
    return f"on: {on}\n  record: {{duration: {length}{more}}}\n  earns: {{}}"


HOLDS = "hours.yaml:2 duration at_least 1800 holds"
FAILS = "hours.yaml:2 duration at_least 1800 fails"


@pytest.mark.parametrize("matcher", MATCHERS)
@pytest.mark.parametrize(
    ("cases", "left"),
    [
        ((), [HOLDS, FAILS]),
        ((case("30 minutes"),), [FAILS]),
        ((case("29 minutes"),), [HOLDS]),
        ((case("29 minutes"), case("30 minutes")), []),
    ],
)
def test_a_comparison_wants_a_case_on_either_side(
    cases: tuple[str, ...], left: list[str], matcher: Preference, tmp_path: Path
) -> None:
    some = cases or ("on: 2024-06-15\n  given: {}\n  star: 0",)
    assert missing(coverage(tmp_path, {"hours": COUNT}, *some, matcher=matcher)) == left


def test_a_missing_value_proves_neither_side(tmp_path: Path) -> None:
    hours = "- id: young\n  exclude: {age: {less_than: 14}}\n"
    both = ["hours.yaml:2 age less_than 14 holds", "hours.yaml:2 age less_than 14 fails"]
    assert missing(coverage(tmp_path, {"hours": hours}, case("1 hour"))) == both
    person = "on: 2024-06-15\n  person: {age: 14}\n  record: {duration: 1 hour}\n  earns: {hours: 1}"
    assert missing(coverage(tmp_path, {"hours": hours}, person)) == both[:1]


def test_equality_and_lists_have_no_boundary(tmp_path: Path) -> None:
    hours = "- id: kinds\n  count: {category: [training, relief], on_duty: {not: yes}, weekday: 6}\n"
    assert coverage(tmp_path, {"hours": hours}, case("1 hour")).boundaries == ()


def test_within_has_two_boundaries(tmp_path: Path) -> None:
    hours = "- id: weekdays\n  count: {weekday: {within: [2, 5]}}\n"
    found = coverage(tmp_path, {"hours": hours}, case("1 hour", on="2024-06-14"))
    assert missing(found) == ["hours.yaml:2 weekday at_least 2 fails", "hours.yaml:2 weekday at_most 5 fails"]


def test_each_value_over_the_years_is_a_boundary_of_its_own(tmp_path: Path) -> None:
    hours = (
        "- id: c\n  count:\n    duration:\n      at_least:\n        2020-01-01: 1 hour\n        2024-07-01: 2 hours\n"
    )
    found = coverage(tmp_path, {"hours": hours}, case("90 minutes"), case("90 minutes", on="2024-07-01"))
    assert missing(found) == ["hours.yaml:5 duration at_least 3600 fails", "hours.yaml:6 duration at_least 7200 holds"]


def test_a_value_that_was_over_before_the_county_began_is_no_boundary(tmp_path: Path) -> None:
    hours = (
        "- id: c\n  count:\n    duration:\n      at_least:\n        2010-01-01: 1 hour\n        2020-01-01: 2 hours\n"
    )
    found = coverage(tmp_path, {"hours": hours}, case("2 hours"))
    assert missing(found) == ["hours.yaml:6 duration at_least 7200 fails"]


def test_a_quotient_is_compared_without_dividing(tmp_path: Path) -> None:
    chapters = {
        "measures": "mean_stamps: {mean: stamps, over: all_time}\nserved: {sum: hours, over: all_time}\n",
        "stars": "award: {by: automatic}\nlevels:\n  1: {mean_stamps: {at_least: 4}}\n",
    }
    three = "on: 2024-06-15\n  record: {duration: 1 hour, stamps: 3}\n  star: 0"
    assert missing(coverage(tmp_path, chapters, three)) == ["stars.yaml:3 mean_stamps at_least 4000000 holds"]
    four = "on: 2024-06-15\n  record: {duration: 1 hour, stamps: 4}\n  star: 1"
    assert missing(coverage(tmp_path, chapters, three, four)) == []


def test_one_fact_beside_another_is_a_boundary(tmp_path: Path) -> None:
    hours = "- id: near\n  count: {check_in_distance: {at_most: {fact: check_in_radius}}}\n"
    near = case("1 hour", ", check_in_distance: 100, check_in_radius: 100")
    far = case("1 hour", ", check_in_distance: 101, check_in_radius: 100")
    found = coverage(tmp_path, {"hours": hours}, near)
    assert missing(found) == ["hours.yaml:2 check_in_distance at_most check_in_radius fails"]
    assert missing(coverage(tmp_path, {"hours": hours}, near, far)) == []


def test_the_conditions_of_measures_stars_and_perks_count_as_well(tmp_path: Path) -> None:
    chapters = {
        "measures": "long: {count: records, over: all_time, where: {duration: {more_than: 2 hours}}}\n",
        "stars": "award: {by: automatic}\nlevels:\n  1: {long: {at_least: 1}}\n",
        "perks": "park:\n  stars: {at_least: 1}\n  uses: unlimited\n  provider: park\n",
    }
    found = coverage(tmp_path, chapters, "on: 2024-06-15\n  record: {duration: 2 hours}\n  star: 0\n  perks: []")
    assert missing(found) == [
        "measures.yaml:1 duration more_than 7200 holds",
        "perks.yaml:2 stars at_least 1 holds",
        "stars.yaml:3 long at_least 1 holds",
    ]


ROUNDED = "- id: r\n  round: {to: 1 point, each: record, direction: down}\n"
# A step with the records that lie on the one side of its boundary, and those on the other.
STEPS = {
    "limit of time": ("hours", "limit: {per: day, at_most: 2 hours, overflow: lost}", "2 hours", "121 minutes"),
    "limit set by the record": (
        "hours",
        "limit: {per: record, at_most: {fact: activity_duration}, overflow: lost}",
        "1 hour, activity_duration: 1 hour",
        "61 minutes, activity_duration: 1 hour",
    ),
    "time that is added": (
        "hours",
        "add_time: {of: travel_time, per: record, at_most: 1 hour}",
        "1 hour, travel_time: 1 hour",
        "1 hour, travel_time: 61 minutes",
    ),
    "minimum": ("hours", "minimum: 30 minutes", "30 minutes", "29 minutes"),
    "limit of points": ("earning", "limit: {per: day, at_most: 3 points, overflow: lost}", "1 hour", "2 hours"),
    "bracket": (
        "earning",
        "brackets: {of: hours, each: day, part: lost, steps: [{up_to: 2 hours, every: 1 hour, points: 1}, "
        "{every: 1 hour, points: 2}]}",
        "2 hours",
        "121 minutes",
    ),
    "band": (
        "earning",
        "bands: {of: hours, each: day, steps: [{at_least: 2 hours, points: 1}]}",
        "2 hours",
        "119 minutes",
    ),
}


@pytest.mark.parametrize("kind", STEPS)
def test_a_limit_and_an_edge_want_a_case_on_either_side(kind: str, tmp_path: Path) -> None:
    chapter, step, inside, outside = STEPS[kind]
    rate = "- id: rate\n  points_per_hour: 2\n" + ROUNDED if chapter == "earning" else ""
    chapters = {chapter: f"{rate}- id: s\n  {step}\n"}
    assert [side.holds for side in coverage(tmp_path, chapters, case(inside)).missing] == [False]
    assert [side.holds for side in coverage(tmp_path, chapters, case(outside)).missing] == [True]
    assert coverage(tmp_path, chapters, case(inside), case(outside)).missing == ()


@pytest.mark.parametrize("chapter", ["hours", "earning"])
def test_a_limit_of_records_wants_one_too_many(chapter: str, tmp_path: Path) -> None:
    rate = "- id: rate\n  points_per_event: 2\n" if chapter == "earning" else ""
    chapters = {chapter: f"{rate}- id: s\n  limit_records: {{per: day, at_most: 1}}\n"}
    assert [side.holds for side in coverage(tmp_path, chapters, case("1 hour")).missing] == [False]
    two = "on: 2024-06-15\n  records: [{duration: 1 hour}, {duration: 1 hour}]\n  earns: {}"
    assert coverage(tmp_path, chapters, two).missing == ()


def test_a_limit_as_a_share_of_all_points(tmp_path: Path) -> None:
    earning = (
        "- id: rate\n  points_per_event: 2\n" + ROUNDED + "- id: s\n  when: {category: training}\n"
        "  limit: {per: calendar_year, at_most_share: 50 %, overflow: lost}\n"
    )
    within = (
        "on: 2024-06-15\n  records: [{duration: 1 hour, category: relief}, {duration: 1 hour, category: training}]\n"
        "  earns: {}"
    )
    found = coverage(tmp_path, {"earning": earning}, within)
    assert missing(found) == ["earning.yaml:7 s at_most 500000 fails"]
    beyond = case("1 hour", ", category: training")
    assert missing(coverage(tmp_path, {"earning": earning}, within, beyond)) == []


def test_the_bands_of_a_score_and_its_bound_are_boundaries(tmp_path: Path) -> None:
    measures = """served: {sum: hours, over: all_time}
sheet:
  score:
    combine: sum
    at_most: 5 points
    rules: [{of: served, bands: [{at_least: 2 hours, points: 4}, {more_than: 3 hours, points: 6}]}]
"""

    def day_with(hours: str, points: int) -> str:
        return f"on: 2024-06-15\n  given: {{served: {hours}}}\n  measures: {{sheet: {points} points}}"

    low, high = day_with("2 hours", 4), day_with("3.01 hours", 5)
    assert missing(coverage(tmp_path, {"measures": measures}, low)) == [
        "measures.yaml:5 sheet at_most 500 fails",
        "measures.yaml:6 served at_least 7200 fails",
        "measures.yaml:6 served more_than 10800 holds",
    ]
    assert missing(coverage(tmp_path, {"measures": measures}, low, high, day_with("1.99 hours", 0))) == []


def test_the_grades_of_an_evaluation_are_boundaries_but_for_the_last(tmp_path: Path) -> None:
    review = """how:
  evaluation:
    {axes: [attitude], combine: mean, round: {to: 0.01, direction: half_up}, default: none, evaluators: anybody,
     deadline: unlimited, grades: [{at_least: 4.5, grade: good}, {at_least: 0, grade: poor}]}
"""
    chapters = {"review": review, "hours": "- id: good_ones\n  count: {evaluation: good}\n"}
    good, poor = case("1 hour", ", attitude: 4.5"), case("1 hour", ", attitude: 4.4")
    assert missing(coverage(tmp_path, chapters, good)) == ["review.yaml:4 evaluation_score at_least 45000 fails"]
    assert missing(coverage(tmp_path, chapters, good, poor)) == []


def test_boundaries_of_the_layers_below_are_theirs_and_clauses_are_everybodys(tmp_path: Path) -> None:
    coverage(tmp_path, {"hours": COUNT}, case("1 hour"))
    (tmp_path / "town/county.yaml").write_text(COUNTY % "Asia/Shanghai", "utf-8")
    above = tmp_path / "town" / "street"
    above.mkdir()
    (above / "county.yaml").write_text("county: street\ntitle: a street\nbased_on: town\n", "utf-8")
    found = coverage(tmp_path, {"hours": "- id: d\n  minimum: 1 hour\n"}, case("1 hour"), county="town/street")
    assert missing(found) == ["hours.yaml:2 d at_least 3600 fails"]
    assert found.clauses == 2


def test_so_many_of_a_hundred_parts_are_proven(tmp_path: Path) -> None:
    found = coverage(tmp_path, {"hours": COUNT}, case("1 hour"))
    assert (found.parts, found.proven) == (3, 1)  # the clause refused nothing, and nothing was too short
    assert found.reaches(33)
    assert not found.reaches(34)
    assert coverage(tmp_path, {"hours": COUNT}, case("1 hour"), case("29 minutes")).reaches(100)


def test_where_there_is_nothing_to_prove_everything_is_proven() -> None:
    assert Coverage(0, (), (), ()).reaches(100)
