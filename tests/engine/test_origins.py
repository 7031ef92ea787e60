"""Where a value comes from: layer, line and clause, what it took the place of, and which of several holds on a day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from lianxing.engine.compiling import find_folder, load_policy
from lianxing.engine.layers import Shelf, read_layers
from lianxing.engine.origins import Origin, UnknownPathError, origins
from tests.policies.proving import COUNTIES, SHELF, folder_of, policy_of

NATION = """county: nation
title: {zh: 全国, en: a nation}
in_force: {from: 2020-01-01}
time_zone: Asia/Shanghai
source: {title: 全国办法}
facts:
  category: {values: {training: {label: {zh: 培训}}, relief: {label: {zh: 救援}}, culture: {label: {zh: 文化}}}}
"""
TOWN = """县区: town
标题: 县
上级: nation
施行: {自: 2021-01-01}
依据: {标题: 县办法}
"""
RATE = """- id: by_time
  points_per_hour: {by: category, default: 1, training: 0.5}
  source: {clause: 第三条}
- id: whole
  round: {to: 1 point, each: record, direction: down}
- id: old_rule
  zero: {complaint: yes}
"""
OVER = """- 编号: by_time
  改写: 是
  每小时积分:
    按: 服务类别
    其余: 1
    救援:
      2021-01-01: 2
      2025-07-01: 3
  依据: {条款: 第五条}
- 编号: old_rule
  删除: 是
- 编号: by_place
  每次积分: {按: 服务类别, 表格: places.csv}
"""
STARS = "award: {by: automatic}\nlevels:\n  1: {tenure: {at_least: 1 year}}\n  2: {tenure: {at_least: 2 years}}\n"
PLACES = "服务类别,数值,生效日,截止日\n培训,1,,2024-12-31\n培训,2,2025-01-01,\n其余,4,,\n缺失,5,,\n"
FILES = {
    "nation/county.yaml": NATION,
    "nation/earning.yaml": RATE,
    "nation/stars.yaml": STARS,
    "nation/town/county.yaml": TOWN,
    "nation/town/earning.yaml": OVER,
    "nation/town/places.csv": PLACES,
}


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    return Shelf((("test", tmp_path),))


def asked(shelf: Shelf, path: str, county: str = "town") -> list[Origin]:
    folder = find_folder(county, shelf)
    policy = load_policy(folder, shelf)
    return origins(read_layers(folder, shelf, (), []), policy.facts, path)


def told(shelf: Shelf, path: str, county: str = "town") -> list[list[str]]:
    """By layer, the nearest first: `value place` of each value, or that the layer removes the statement."""
    (origin,) = asked(shelf, path, county)
    return [
        [f"removed {_at(saying)}"] if saying.removes else [f"{value.text} {_at(value)}" for value in saying.values]
        for saying in origin.sayings
    ]


def _at(shown: object) -> str:
    location = shown.location  # type: ignore[attr-defined]
    return f"{location.path.rpartition('/')[2]}:{location.line}"


@pytest.mark.parametrize(
    "path",
    [
        "earning.by_time.points_per_hour.relief",
        "by_time.points_per_hour.relief",
        "积分.by_time.每小时积分.救援",
        "earning.yaml.by_time.每小时积分.relief",
        "by_time.points_per_hour.救援",
    ],
)
def test_a_path_is_in_either_script_and_may_leave_the_chapter_out(path: str, shelf: Shelf) -> None:
    (origin,) = asked(shelf, path)
    assert origin.path == ("earning", "by_time", "每小时积分", "救援")
    nearest, below = origin.sayings
    assert [value.text for value in nearest.values] == ["2", "3"]
    assert (nearest.layer, str(nearest.location)) == ("nation/town", "nation/town/earning.yaml:1:3")
    assert (nearest.source.title, nearest.source.clause) == ("县办法", "第五条")
    # The nation has no row of its own for relief: its default row stands in.
    assert [(value.text, _at(value)) for value in below.values] == [("1", "earning.yaml:2")]
    assert (below.layer, below.source.clause) == ("nation", "第三条")


def test_of_a_dated_value_one_is_in_force_on_a_day(shelf: Shelf) -> None:
    (origin,) = asked(shelf, "by_time.points_per_hour.relief")
    for day, value in ((date(2025, 6, 30), "2"), (date(2025, 7, 1), "3")):
        assert [one.text for one in origin.sayings[0].values if one.in_force(day)] == [value]
    assert [(str(one.since), str(one.until)) for one in origin.sayings[0].values] == [
        ("2021-01-01", "2025-06-30"),
        ("2025-07-01", "None"),
    ]


def test_one_of_several_dated_values_is_asked_by_its_day(shelf: Shelf) -> None:
    assert told(shelf, "by_time.points_per_hour.relief.2025-07-01") == [["3 earning.yaml:8"]]


def test_a_statement_that_nobody_overrides_has_one_layer(shelf: Shelf) -> None:
    assert told(shelf, "whole.round.to") == [["1 point earning.yaml:5"]]
    assert told(shelf, "whole") == [["1 point earning.yaml:5", "record earning.yaml:5", "down earning.yaml:5"]]


def test_a_removed_statement_says_who_removed_it_and_what_it_said(shelf: Shelf) -> None:
    assert told(shelf, "old_rule") == [["removed earning.yaml:10"], ["yes earning.yaml:7"]]
    assert told(shelf, "earning.old_rule.清零") == [
        ["removed earning.yaml:10"],
        ["yes earning.yaml:7"],
    ]


def test_a_chapter_lists_its_statements_and_the_removed_ones_last(shelf: Shelf) -> None:
    assert [".".join(origin.path) for origin in asked(shelf, "earning")] == [
        "earning.by_time",
        "earning.whole",
        "earning.by_place",
        "earning.old_rule",
    ]


def test_a_chapter_of_one_statement_is_that_statement(shelf: Shelf) -> None:
    assert told(shelf, "stars.levels.2") == [["2 years stars.yaml:4"]]
    assert told(shelf, "星级.各星条件.2.注册年限.至少") == [["2 years stars.yaml:4"]]
    assert told(shelf, "stars")[0][0] == "automatic stars.yaml:1"


def test_a_table_beside_the_chapter_is_told_row_by_row(shelf: Shelf) -> None:
    (origin,) = asked(shelf, "by_place.points_per_event.培训")
    (saying,) = origin.sayings
    rows = [
        (value.text, _at(value), value.since and str(value.since), value.until and str(value.until))
        for value in saying.values
    ]
    assert rows == [("1", "places.csv:2", None, "2024-12-31"), ("2", "places.csv:3", "2025-01-01", None)]
    assert told(shelf, "by_place.points_per_event.missing") == [["5 places.csv:5"]]
    assert len(told(shelf, "by_place")[0]) == 6  # the two words of the table, and its four rows


def test_what_a_county_file_inherits_is_told_with_the_layer_that_says_it(shelf: Shelf) -> None:
    assert told(shelf, "county.time_zone") == [["Asia/Shanghai county.yaml:4"]]
    assert told(shelf, "county.in_force.from") == [["2021-01-01 county.yaml:4"], ["2020-01-01 county.yaml:3"]]
    assert told(shelf, "县区.标题") == [["县 county.yaml:2"]]


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("earning.by_tim", "earning.by_time"),
        ("by_time.points_per_hours", "by_time.points_per_hour"),
        ("star.levels.2", "stars.levels.2"),
        ("积分.by_time.每小时积份", ""),
        ("", ""),
        ("by_time.points_per_hour.relief.2025-07-02", "by_time.points_per_hour.relief.2025-07-01"),
        (".", ""),
        ("x" * 5000, ""),
    ],
)
def test_a_path_that_leads_nowhere_is_told_the_nearest_one(path: str, meant: str, shelf: Shelf) -> None:
    with pytest.raises(UnknownPathError) as caught:
        asked(shelf, path)
    assert caught.value.path == path
    assert not meant or caught.value.meant.replace("每小时积分", "points_per_hour").replace("救援", "relief") == meant


def test_an_id_may_have_dots_of_its_own(tmp_path: Path) -> None:
    files: Mapping[str, str] = {
        "nation/county.yaml": NATION,
        "nation/hours.yaml": "- id: a\n  minimum: 1 hour\n- id: a.minimum\n  minimum: 2 hours\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    shelf = Shelf((("test", tmp_path),))
    assert told(shelf, "a.minimum", "nation") == [["2 hours hours.yaml:4"]]
    assert told(shelf, "a.minimum.minimum", "nation") == [["2 hours hours.yaml:4"]]
    assert told(shelf, "hours.a", "nation") == [["1 hour hours.yaml:2"]]


@pytest.mark.parametrize("county", COUNTIES)
def test_every_statement_of_every_county_says_where_it_comes_from(county: str) -> None:
    policy = policy_of(county)
    layers = read_layers(folder_of(county), SHELF, (), [])
    for clause in policy.clauses:
        (origin,) = origins(layers, policy.facts, clause.id)
        nearest = origin.sayings[0]
        assert (nearest.layer, nearest.source) == (clause.layer, clause.source)
        assert nearest.values
        assert {value.location.path.rpartition("/")[0] for value in nearest.values} == {clause.layer}
