"""`lianxing commend`: people, organisations, a city and its counties, facts from a sheet, what is public."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lianxing.plugins.registries.facts_sheet import facts_by_id
from lianxing.plugins.registries.reasons import ExportError
from lianxing.rules.facts import Fact, FactType, Scope
from lianxing.rules.places import Label
from tests.plugins.conftest import Run

COMMENDATION = """\
best:
  for: person
  period: calendar_year
  eligible: {hours_this_year: {at_least: 2 hours}}
  quota: {share: 50 %, of: members, direction: down}
  rank_by: [{hours_this_year: high}, {registered_on: low}]
  ties: all_in
teams:
  for: organisation
  period: calendar_year
  eligible: {volunteers_this_year: {at_least: 2}, tenure: {at_least: 1 year}}
  quota: {at_most: 1}
  rank_by: [{hours_this_year: high}]
  ties: all_in
"""
MEASURES = """\
points_earned: {sum: points, over: all_time}
hours_this_year: {sum: hours, over: {calendar: calendar_year}}
volunteers_this_year: {distinct: volunteer, over: {calendar: calendar_year}}
"""
MAPPING = """\
mapping: office
title: {zh: 街道表, en: the office's sheet}
registry: office
time_zone: Asia/Shanghai
duration: {unit: hours, breaks: no, tolerance: 60 seconds}
records:
  id: 编号
  volunteer: 志愿者
  organisation: 队伍
  started_at: 开始
  ended_at: 结束
  duration: 时长
  state: {constant: filed}
"""
RECORDS = """\
编号,志愿者,队伍,开始,结束,时长
1,V1,红队,2024-05-01 09:00,2024-05-01 11:00,2
2,V2,红队,2024-05-02 09:00,2024-05-02 11:00,2
3,V2,红队,2024-05-03 09:00,2024-05-03 11:00,2
4,V3,蓝队,2024-05-03 09:00,2024-05-03 10:00,1
5,V4,蓝队,2024-05-03 09:00,2024-05-03 11:00,2
"""


@pytest.fixture
def city(county: Path, tmp_path: Path, lianxing: Run) -> Path:
    """A city with two commendations, and a county below it in which everything was booked."""
    (county / "measures.yaml").write_text(MEASURES, "utf-8")
    (county / "commendation.yaml").write_text(COMMENDATION, "utf-8")
    below = county / "elm"
    below.mkdir()
    (below / "county.yaml").write_text("county: elm\ntitle: Elm\nbased_on: smallville\n", "utf-8")
    (tmp_path / "office.yaml").write_text(MAPPING, "utf-8")
    (tmp_path / "records.csv").write_text(RECORDS, "utf-8")
    done = lianxing(
        "import", "records.csv", "--county", "smallville/elm", "--mapping", "office.yaml",
        "--database", "bank.db", "--on", "2024-12-31",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return county


def commended(lianxing: Run, *more: str, county: str = "smallville") -> list[dict[str, Any]]:
    done = lianxing("commend", county, *more, "--database", "bank.db", "--year", "2024", "--json")
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["commendations"]
    return found


def test_a_city_commends_those_of_its_counties(city: Path, lianxing: Run) -> None:
    (best,) = commended(lianxing, "best", "--members", "5")
    assert [one["id"] for one in best["selected"]] == ["V2", "V1", "V4"]  # equals on the second of two places
    assert (best["places"][0]["exact"], best["places"][0]["places"], best["ties"][0]["ids"]) == ("2.5", 2, ["V1", "V4"])
    assert [one["id"] for one in best["ineligible"]] == ["V3"]


def test_a_county_has_the_commendations_of_its_city_but_works_them_out_only_by_name(city: Path, lianxing: Run) -> None:
    assert commended(lianxing, "best", "--members", "5", county="smallville/elm")[0]["commendation"] == "best"
    done = lianxing("commend", "smallville/elm", "--database", "bank.db")
    assert done.returncode == 4
    assert "no commendation of its own" in done.stderr


def test_facts_from_a_sheet_part_equals_and_make_an_organisation_eligible(city: Path, lianxing: Run) -> None:
    Path(city.parent / "known.csv").write_text("id,注册日\nV4,2020-01-01\nV1,2021-01-01\n红队,2023-12-31\n", "utf-8")
    best, teams = commended(lianxing, "--members", "5", "--facts", "known.csv")
    assert [one["id"] for one in best["selected"]] == ["V2", "V4"]
    assert [one["id"] for one in best["reserve"]] == ["V1"]
    assert [one["id"] for one in teams["selected"]] == ["红队"]
    assert [gap["fact"] for gap in teams["ineligible"][0]["reasons"][0]["lacking"]] == ["tenure"]


def test_ids_of_the_sheet_that_nobody_bears_are_counted_on_standard_error(city: Path, lianxing: Run) -> None:
    Path(city.parent / "known.csv").write_text("id,注册日\nV1,2021-01-01\nV1O,2021-01-01\n", "utf-8")
    asked = ("commend", "smallville", "best", "--members", "5", "--database", "bank.db", "--facts", "known.csv")
    assert "known.csv: ids that are nobody's who could be put forward here, not used: 1" in lianxing(*asked).stderr
    Path(city.parent / "known.csv").write_text("id,注册日\nV1,2021-01-01\n", "utf-8")
    assert lianxing(*asked).stderr == ""


def test_the_list_says_why_and_the_public_one_only_who(city: Path, lianxing: Run) -> None:
    said = lianxing("commend", "smallville", "best", "--members", "5", "--database", "bank.db", "--year", "2024")
    assert "Places: members 5 × 50 % = 2.5, down -> 2 [smallville/commendation.yaml:5]" in said.stdout
    assert "1. V2: hours this year 4 h" in said.stdout or "1. V2: hours_this_year 4 h" in said.stdout
    assert "V3" not in said.stdout
    everybody = lianxing(
        "commend", "smallville", "best", "--members", "5", "--database", "bank.db", "--year", "2024", "--everybody"
    )
    assert "at least 2 h, has 1 h, lacks 1 h [smallville/commendation.yaml:4]" in everybody.stdout
    public = lianxing(
        "commend", "smallville", "best", "--members", "5", "--database", "bank.db", "--year", "2024",
        "--public", "--at-most", "2",
    )  # fmt: skip
    assert public.stdout.splitlines()[1:4] == ["1. V2", "2. V1", "... and 1 more."]
    assert " h" not in "".join(public.stdout.splitlines()[1:])


def test_what_cannot_be_worked_out_is_said_with_its_exit_code(city: Path, lianxing: Run) -> None:
    asked = ("commend", "smallville", "best", "--database", "bank.db")
    assert (done := lianxing(*asked)).returncode == 2
    assert "--members" in done.stderr
    assert (done := lianxing("commend", "smallville", "bst", "--database", "bank.db")).returncode == 4
    assert "best, teams" in done.stderr
    assert lianxing(*asked, "--year", "2024", "--on", "2024-01-01").returncode == 2
    (city.parent / "wrong.csv").write_text("id,时长\nV1,1\n", "utf-8")
    assert (done := lianxing(*asked, "--facts", "wrong.csv")).returncode == 3
    assert "wrong.csv: the heading of column B is no fact of a person or an organisation" in done.stderr


FACTS = {
    fact.name: fact
    for fact in (
        Fact("age", "年龄", FactType.WHOLE, Scope.PERSON, Label("", "")),
        Fact("recommended", "获推荐", FactType.YES_NO, Scope.PERSON, Label("", "")),
        Fact("state", "状态", FactType.TEXT, Scope.RECORD, Label("", "")),
    )
}


def test_a_sheet_of_facts_is_read_in_either_spelling_and_an_empty_cell_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "facts.csv"
    path.write_text("编号,age,获推荐\nV1,30,是\n\nV2,,否\n", "utf-8")
    assert facts_by_id(path, FACTS) == {"V1": {"age": 30, "recommended": 1}, "V2": {"recommended": 0}}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("id,状态\nV1,filed\n", "no_such_fact"),
        ("id,nothing\nV1,1\n", "no_such_fact"),
        ("id\nV1\n", "no_facts"),
        ("id,age\nV1,thirty\n", "not_a_value"),
        ("id,age\n,30\n", "row_without_id"),
        ("id,age\nV1,30\nV1,31\n", "id_twice"),
        ("id,age\nV1,30,more\n", "bad_row"),
    ],
)
def test_a_sheet_of_facts_that_is_not_right_is_refused_with_the_row_and_without_its_text(
    text: str, code: str, tmp_path: Path
) -> None:
    path = tmp_path / "facts.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(ExportError) as caught:
        facts_by_id(path, FACTS)
    assert caught.value.code == code
    assert "thirty" not in str(caught.value)


def test_a_heading_that_is_no_fact_has_its_column_told_and_what_was_meant_but_never_its_own_text(
    tmp_path: Path,
) -> None:
    path = tmp_path / "facts.csv"
    for heading, hint in (("recomended", " (did you mean 'recommended'?)"), ("13800000000", "")):
        path.write_text(f"id,{heading}\nV1,1\n", "utf-8")
        with pytest.raises(ExportError) as caught:
            facts_by_id(path, FACTS)
        assert str(caught.value).endswith(f"column B is no fact of a person or an organisation{hint}")
        assert heading not in str(caught.value)
