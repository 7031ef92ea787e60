"""Layers: what a county's file changes of those below it, in which order, and how a chain of them can break."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import pytest

from lianxing.engine.compiling import find_folder, load_policy
from lianxing.engine.layers import LAYERS_MAX, Shelf, read_layers, stacked
from lianxing.plugins.host import Host
from lianxing.rules.earning import PointsPerHour
from lianxing.rules.policy import Policy
from lianxing.rules.problems import PolicyError

NATION = "county: nation\ntitle: a nation\nin_force: {from: 2020-01-01}\ntime_zone: Asia/Shanghai\n"


def county(name: str, based_on: str, rest: str = "") -> str:
    return f"county: {name}\ntitle: {name}\nbased_on: {based_on}\n{rest}"


def shelf_of(root: Path, files: Mapping[str, str]) -> Shelf:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Shelf((("test", root),))


def policy_of(root: Path, files: Mapping[str, str], id: str = "nation/city/town") -> Policy:
    chain = {
        "nation/county.yaml": NATION,
        "nation/city/county.yaml": county("city", "nation"),
        "nation/city/town/county.yaml": county("town", "nation/city"),
    }
    shelf = shelf_of(root, chain | dict(files))
    folder = shelf.folder(id)
    assert folder is not None
    return load_policy(folder, shelf)


def refused(root: Path, files: Mapping[str, str], id: str = "nation/city/town") -> list[str]:
    with pytest.raises(PolicyError) as found:
        policy_of(root, files, id)
    return [f"{problem.code} {problem.location}" for problem in found.value.problems]


def exclude(id: str, rest: str = "") -> str:
    return f"- {{id: {id}, exclude: {{on_duty: yes}}{rest}}}\n"


def ids(policy: Policy) -> list[str]:
    return [step.clause.id for step in policy.hours]


THREE = exclude("a") + exclude("b") + exclude("c")


def test_a_layer_adds_last(tmp_path: Path) -> None:
    found = policy_of(tmp_path, {"nation/hours.yaml": THREE, "nation/city/hours.yaml": exclude("d")})
    assert ids(found) == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("place", "order"),
    [(", before: a", "dabc"), (", after: a", "adbc"), (", before: c", "abdc"), (", after: c", "abcd")],
)
def test_a_layer_adds_before_or_after_a_statement(place: str, order: str, tmp_path: Path) -> None:
    found = policy_of(tmp_path, {"nation/hours.yaml": THREE, "nation/city/hours.yaml": exclude("d", place)})
    assert ids(found) == list(order)


def test_an_override_replaces_the_whole_statement_where_it_stands(tmp_path: Path) -> None:
    old = "- {id: a, when: {weekday: 1}, exclude: {on_duty: yes}, label: old, source: {clause: 一}}\n" + exclude("b")
    found = policy_of(tmp_path, {"nation/hours.yaml": old, "nation/city/town/hours.yaml": exclude("a")})
    assert ids(found) == ["a", "b"]
    step = found.hours[0]
    assert (step.when, step.clause.label.en, step.clause.source.clause) == (None, "", "")
    assert (step.clause.layer, str(step.clause.location)) == ("nation/city/town", "nation/city/town/hours.yaml:1:3")


def test_an_override_moves_only_where_it_says_so(tmp_path: Path) -> None:
    moved = exclude("a", ", after: c")
    found = policy_of(tmp_path, {"nation/hours.yaml": THREE, "nation/city/hours.yaml": moved})
    assert ids(found) == ["b", "c", "a"]


def test_a_layer_removes_and_the_next_one_may_say_it_again(tmp_path: Path) -> None:
    files = {"nation/hours.yaml": THREE, "nation/city/hours.yaml": "- {id: b, remove: yes}\n"}
    assert ids(policy_of(tmp_path, files)) == ["a", "c"]
    assert ids(policy_of(tmp_path, files | {"nation/city/town/hours.yaml": exclude("b")})) == ["a", "c", "b"]


def test_three_layers_one_after_the_other(tmp_path: Path) -> None:
    found = policy_of(
        tmp_path,
        {
            "nation/hours.yaml": THREE,
            "nation/city/hours.yaml": "- {id: a, remove: yes}\n" + exclude("d", ", before: c"),
            "nation/city/town/hours.yaml": exclude("c") + exclude("e", ", after: d") + "- {id: b, remove: yes}\n",
        },
    )
    assert ids(found) == ["d", "e", "c"]
    assert found.layers == ("nation", "nation/city", "nation/city/town")
    assert [step.clause.layer for step in found.hours] == ["nation/city", "nation/city/town", "nation/city/town"]


def test_what_a_layer_removes_it_cannot_stand_beside(tmp_path: Path) -> None:
    city = "- {id: b, remove: yes}\n" + exclude("d", ", before: b")
    assert refused(tmp_path, {"nation/hours.yaml": THREE, "nation/city/hours.yaml": city}) == [
        "P207 nation/city/hours.yaml:2:3"
    ]


def test_named_statements_are_overridden_and_removed_like_steps(tmp_path: Path) -> None:
    found = policy_of(
        tmp_path,
        {
            "nation/measures.yaml": "served: {sum: hours, over: all_time}\nother: {count: records, over: all_time}\n",
            "nation/city/measures.yaml": "served: {sum: hours, over: {rolling: 12 months}}\nother: {remove: yes}\n",
        },
    )
    (served,) = found.measures
    assert (served.clause.id, served.window.months, served.clause.layer) == ("served", 12, "nation/city")
    assert "other" not in found.facts


def test_the_ladder_is_overridden_as_a_whole(tmp_path: Path) -> None:
    ladder = "award: {by: automatic}\nlevels: {%s}\n"
    found = policy_of(
        tmp_path,
        {
            "nation/stars.yaml": ladder % "1: {tenure: {at_least: 1 year}}, 2: {tenure: {at_least: 2 years}}",
            "nation/city/stars.yaml": ladder % "1: {tenure: {at_least: 3 years}}",
        },
    )
    assert found.stars is not None
    assert [level.star for level in found.stars.levels] == [1]


def test_a_layer_takes_time_zone_and_days_in_force_from_below_where_it_does_not_say_them(tmp_path: Path) -> None:
    town = county("town", "nation/city", "in_force: {from: 2024-01-01, until: 2024-12-31}\ntime_zone: Asia/Urumqi\n")
    own = policy_of(tmp_path / "own", {"nation/city/town/county.yaml": town}).county
    assert (own.time_zone, str(own.in_force_from), str(own.in_force_until)) == (
        "Asia/Urumqi",
        "2024-01-01",
        "2024-12-31",
    )
    below = policy_of(tmp_path / "below", {}).county
    assert (below.time_zone, str(below.in_force_from), below.in_force_until) == ("Asia/Shanghai", "2020-01-01", None)


def test_a_layer_adds_values_to_a_fact_and_those_below_stay(tmp_path: Path) -> None:
    facts = "facts: {category: {values: {%s: {}}}}\n"
    found = policy_of(
        tmp_path,
        {
            "nation/county.yaml": NATION + facts % "training",
            "nation/city/county.yaml": county("city", "nation", facts % "relief"),
        },
    )
    assert [value.id for value in found.facts["category"].values] == ["training", "relief"]


def test_every_statement_says_the_line_and_the_layer_it_came_from(tmp_path: Path) -> None:
    source = 'source: {title: 办法, issuer: 民政局, year: "2024", grade: B, status: trial}\n'
    found = policy_of(
        tmp_path,
        {
            "nation/county.yaml": NATION + source,
            "nation/earning.yaml": """- id: t
  points_per_hour:
    2020-01-01: 1
    2024-01-01: 2
  source: {clause: 第三条}
- {id: r, round: {to: 1 point, each: record, direction: down}}
""",
        },
    )
    (rate, _) = found.earning
    assert isinstance(rate, PointsPerHour)
    assert (rate.clause.source.title, rate.clause.source.clause, rate.clause.source.status) == (
        "办法",
        "第三条",
        "trial",
    )
    (cell,) = rate.rates.tables[0].cells.values()
    assert [str(since.location) for since in cell.value.entries] == [
        "nation/earning.yaml:3:17",
        "nation/earning.yaml:4:17",
    ]


# --- chains that break ---------------------------------------------------------------------------------------------


def test_a_base_that_does_not_exist(tmp_path: Path) -> None:
    files = {"nation/city/town/county.yaml": county("town", "nation/citty")}
    assert refused(tmp_path, files) == ["P203 nation/city/town/county.yaml:3:11"]


@pytest.mark.parametrize("base", ["nation/city/town", "nation/city"])
def test_a_chain_that_leads_back(base: str, tmp_path: Path) -> None:
    files = {"nation/city/county.yaml": county("city", base)}
    assert refused(tmp_path, files) == ["P204 nation/city/county.yaml:3:11"]


def test_a_chain_that_is_too_long(tmp_path: Path) -> None:
    names = [f"layer_{number}" for number in range(LAYERS_MAX + 1)]
    files = {f"{name}/county.yaml": county(name, below) for below, name in pairwise(names)}
    assert refused(tmp_path, {"layer_0/county.yaml": NATION.replace("nation", "layer_0"), **files}, names[-1]) == [
        "P204 layer_1/county.yaml:3:11"
    ]
    assert policy_of(tmp_path, {}, names[-2]).layers == tuple(names[:-1])


def test_the_same_county_of_two_contributors_is_an_error_that_names_both(tmp_path: Path) -> None:
    for name in ("one", "two"):
        shelf_of(tmp_path / name, {"town/county.yaml": NATION.replace("nation", "town")})
    shelf = Shelf((("one", tmp_path / "one"), ("two", tmp_path / "two")))
    with pytest.raises(PolicyError, match="'town' is contributed by both one and two"):
        shelf.folder("town")


def test_a_county_is_found_by_its_folder_its_full_name_or_its_last_part(tmp_path: Path) -> None:
    policy_of(tmp_path, {})
    shelf = Shelf((("test", tmp_path),))
    for where in ("town", "nation/city/town", str(tmp_path / "nation/city/town")):
        assert load_policy(find_folder(where, shelf), shelf).county.name == "town"


def test_a_name_never_leads_out_of_the_policies(tmp_path: Path) -> None:
    shelf = shelf_of(tmp_path / "policies", {"nation/county.yaml": NATION})
    (tmp_path / "county.yaml").write_text(NATION)
    for id in ("..", "nation/..", "nation/../..", "", "/", "nation//", str(tmp_path)):
        assert shelf.folder(id) is None


def test_the_digest_follows_every_chapter_and_table_but_not_the_cases(tmp_path: Path) -> None:
    def digest(name: str, files: Mapping[str, str]) -> str:
        return policy_of(tmp_path / name, files).digest

    plain = digest("plain", {})
    assert digest("again", {}) == plain
    assert digest("cases", {"nation/city/town/cases.yaml": "[]"}) == plain
    assert digest("below", {"nation/hours.yaml": exclude("a")}) != plain
    assert digest("table", {"nation/city/rates.csv": "category,value\n"}) != plain


def test_counties_on_disk_stand_on_one_another_and_on_those_that_come_along(tmp_path: Path) -> None:
    city, county = tmp_path / "river", tmp_path / "river" / "north"
    county.mkdir(parents=True)
    head = "county: {}\ntitle: a place\nin_force: {{from: 2020-01-01}}\nbased_on: {}\n"
    (city / "county.yaml").write_text(head.format("river", "cn"), "utf-8")
    (city / "earning.yaml").write_text("- {id: call, points_per_event: 3}\n", "utf-8")
    (county / "county.yaml").write_text(head.format("north", "river"), "utf-8")
    shelf = Host(installed=False).shelf()
    policy = load_policy(find_folder(str(county), shelf), shelf)
    assert policy.layers == ("cn", "river", "river/north")
    assert str(policy.clause("call").location) == "river/earning.yaml:1:3"


def test_a_base_never_leads_out_of_the_tree(tmp_path: Path) -> None:
    secret, county = tmp_path / "secret", tmp_path / "tree" / "north"
    for folder, base in ((secret, ""), (county, "based_on: ../secret\n")):
        folder.mkdir(parents=True)
        text = f"county: {folder.name}\ntitle: a place\nin_force: {{from: 2020-01-01}}\ntime_zone: UTC\n{base}"
        (folder / "county.yaml").write_text(text, "utf-8")
    shelf = Host(installed=False).shelf()
    with pytest.raises(PolicyError, match="P203"):
        load_policy(find_folder(str(county), shelf), shelf)


# --- what a statement says of itself, and what is kept of those below -------------------------------------------------


def test_a_statement_that_overrides_has_one_below(tmp_path: Path) -> None:
    files = {"nation/hours.yaml": THREE, "nation/city/hours.yaml": exclude("b", ", overrides: yes")}
    found = policy_of(tmp_path, files)
    assert ids(found) == ["a", "b", "c"]
    assert found.hours[1].clause.layer == "nation/city"


def test_a_statement_that_overrides_nothing_is_a_problem(tmp_path: Path) -> None:
    slip = exclude("workin_time", ", overrides: yes")
    files = {"nation/hours.yaml": exclude("working_time"), "nation/city/hours.yaml": slip}
    with pytest.raises(PolicyError) as caught:
        policy_of(tmp_path, files)
    (problem,) = caught.value.problems
    assert (problem.code, str(problem.location), problem.hint) == ("P670", "nation/city/hours.yaml:1:3", "working_time")


def test_what_a_lower_layer_removed_cannot_be_overridden(tmp_path: Path) -> None:
    files = {
        "nation/hours.yaml": THREE,
        "nation/city/hours.yaml": "- {id: b, remove: yes}\n",
        "nation/city/town/hours.yaml": exclude("b", ", overrides: yes"),
    }
    assert refused(tmp_path, files) == ["P670 nation/city/town/hours.yaml:1:3"]


def test_the_ladder_and_named_statements_override_as_well(tmp_path: Path) -> None:
    ladder = "award: {by: automatic}\nlevels: {1: {tenure: {at_least: 1 year}}}\n"
    measure = "served: {sum: hours, over: all_time%s}\n"
    files = {"nation/stars.yaml": ladder, "nation/measures.yaml": measure % ""}
    above = {
        "nation/city/stars.yaml": ladder + "overrides: yes\n",
        "nation/city/measures.yaml": measure % ", overrides: yes",
    }
    found = policy_of(tmp_path / "there", files | above)
    assert found.stars is not None
    assert {found.stars.clause.layer, found.measures[0].clause.layer} == {"nation/city"}
    assert refused(tmp_path / "not", above) == [
        "P670 nation/city/measures.yaml:1:1",
        "P670 nation/city/stars.yaml:1:1",
    ]


def test_a_statement_that_says_it_overrides_nothing_stands_alone(tmp_path: Path) -> None:
    fresh = {"nation/city/hours.yaml": exclude("d", ", overrides: no")}
    assert ids(policy_of(tmp_path / "new", {"nation/hours.yaml": THREE} | fresh)) == ["a", "b", "c", "d"]
    files = {"nation/hours.yaml": THREE, "nation/city/hours.yaml": exclude("b", ", overrides: no")}
    assert refused(tmp_path / "known", files) == ["P671 nation/city/hours.yaml:1:3"]


def test_a_statement_keeps_its_lines_and_what_it_took_the_place_of(tmp_path: Path) -> None:
    files = {
        "nation/hours.yaml": THREE,
        "nation/city/hours.yaml": "- {id: c, remove: yes}\n" + exclude("a"),
        "nation/city/town/hours.yaml": exclude("a", ", after: b") + exclude("c"),
    }
    policy_of(tmp_path, files)
    shelf = Shelf((("test", tmp_path),))
    layers = read_layers(find_folder("town", shelf), shelf, (), [])
    stack = stacked([layer.chapters["hours.yaml"] for _folder, layer in layers], [])
    below = {
        statement.id: [f"{one.location.path}:{one.location.line}".removeprefix("nation/") for one in statement.replaced]
        for statement in stack.holding
    }
    assert below == {
        "a": ["city/hours.yaml:2", "hours.yaml:1"],
        "b": [],
        "c": ["city/hours.yaml:1", "hours.yaml:3"],
    }
    assert all(statement.node is not None for statement in stack.holding)
    city = stacked([layer.chapters["hours.yaml"] for _folder, layer in layers[:2]], [])
    assert [(id, str(gone.location)) for id, gone in city.removed.items()] == [("c", "nation/city/hours.yaml:1:3")]


def test_layers_go_down_to_the_sub_district_and_on(tmp_path: Path) -> None:
    files = {
        "nation/city/town/street/county.yaml": county("street", "nation/city/town"),
        "nation/hours.yaml": exclude("a"),
        "nation/city/hours.yaml": exclude("b"),
        "nation/city/town/hours.yaml": exclude("c"),
        "nation/city/town/street/hours.yaml": exclude("d"),
    }
    found = policy_of(tmp_path, files, "nation/city/town/street")
    assert [step.clause.layer.rpartition("/")[2] for step in found.hours] == ["nation", "city", "town", "street"]


def test_a_layer_takes_the_ladder_below_away_and_says_nothing_else(tmp_path: Path) -> None:
    ladder = "award: {by: automatic}\nlevels: {1: {tenure: {at_least: 1 year}}}\n"
    below = {"nation/stars.yaml": ladder}
    assert policy_of(tmp_path / "with", below).stars is not None
    without = policy_of(tmp_path / "without", below | {"nation/city/town/stars.yaml": "remove: yes\n"})
    assert without.stars is None
    assert refused(tmp_path / "nothing", {"nation/city/town/stars.yaml": "remove: yes\n"}) == [
        "P202 nation/city/town/stars.yaml:1:1"
    ]
    both = below | {"nation/city/town/stars.yaml": ladder + "remove: yes\n"}
    assert {problem.split(" ")[0] for problem in refused(tmp_path / "both", both)} == {"P002"}
