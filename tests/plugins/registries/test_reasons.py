"""Each reason has a row that shows it, and the row beside it that just goes in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lianxing.plugins.registries.reasons import REASONS, sentence
from lianxing.rules.mappings import DurationUnit, ExportMapping
from lianxing.rules.records import SetAside
from tests.plugins.registries.conftest import column

HEADINGS = "id,volunteer,activity,category,start,end,hours,evaluation,score,complaint,state,county,version"
GOOD = {
    "id": "1",
    "volunteer": "V1",
    "activity": "P1",
    "category": "0001",
    "start": "2026-03-05 09:00",
    "end": "2026-03-05 11:00",
    "hours": "2.00",
    "evaluation": "优",
    "score": "4.5",
    "complaint": "否",
    "state": "已备案",
    "county": "430223",
    "version": "",
}


def row(**changed: str) -> str:
    return ",".join({**GOOD, **changed}.values())


SHOWN: dict[str, tuple[str, str, str]] = {  # reason: the row, the heading it names, the nearest row that goes in
    "no_id": (row(id=" "), "id", row(id="0")),
    "no_volunteer": (row(volunteer=""), "volunteer", row(volunteer="V2")),
    "no_start": (row(start=""), "start", row(end="")),
    "no_end": (row(end="", hours=""), "end", row(end="")),
    "not_a_time": (row(start="2023-02-29 09:00"), "start", row(start="2024-02-29 9:00", end="2024-02-29 11:00")),
    "no_time_of_day": (row(end="2026-03-05"), "end", row(start="2026-03-05", end="2026-03-05")),
    "not_a_version": (row(version="v2"), "version", row(version="2026-03-05 12:00")),
    "not_a_number": (row(hours="2h"), "hours", row(hours="2")),
    "not_whole_seconds": (row(end="", hours="0.0001"), "hours", row(end="", hours="0.0025")),
    "not_yes_no": (row(complaint="也许"), "complaint", row(complaint="是")),
    "negative_duration": (row(hours="-0.01"), "hours", row(end="", hours="0")),
    "end_before_start": (row(end="2026-03-05 08:59:59", hours=""), "end", row(end="2026-03-05 09:00", hours="")),
    "over_24_hours": (row(end="2026-03-06 09:00:01", hours=""), "end", row(end="2026-03-06 09:00:00", hours="")),
    "duration_disagrees": (
        row(end="2026-03-05 11:01:01"),
        "hours",
        row(end="2026-03-05 11:01:00"),
    ),
    "unknown_category": (row(category="夜跑"), "category", row(category="社区服务")),
    "unknown_value": (row(state="随便"), "state", row(state="filed")),
    "future_date": (
        row(start="2026-04-01 00:00", end="2026-04-01 01:00", hours="1"),
        "start",
        row(start="2026-03-31 23:00", end="2026-04-01 00:00", hours="1"),
    ),
    "too_early": (
        row(start="1989-12-31 09:00", end="1989-12-31 11:00"),
        "start",
        row(start="1990-01-01 09:00", end="1990-01-01 11:00"),
    ),
    "other_county": (row(county="430224"), "county", row(county="cn/hunan/zhuzhou/youxian")),
    "text_too_long": (row(activity="x" * 4097), "activity", row(activity="x" * 4096)),
    "bad_character": (row(volunteer="V\x001"), "volunteer", row(volunteer="\tV1 ")),
    "ragged_row": ("1,V1,P1", "", row() + ",,,"),
    "open_quote": (row(activity='"P1'), "", row(activity='"P\n1"').replace("\n", " ")),
    "line_too_long": (row(evaluation="x" * 131_000), "", row() + "," * 10_000),
    "duplicate_row": (f"{row()}\n{row(hours='2.0')}", "id", row()),
    "id_reused": (f"{row()}\n{row(volunteer='V2')}", "id", row()),
}


@pytest.mark.parametrize("reason", REASONS)
def test_each_reason_has_a_row_that_shows_it_and_a_near_one_that_goes_in(read: Callable[..., Any], reason: str) -> None:
    bad, heading, good = SHOWN[reason]
    (set_aside,) = read(f"{HEADINGS}\n{bad}\n").set_aside
    assert (set_aside.reason, set_aside.heading) == (reason, heading)
    assert set_aside.row == 2 + bad.count("\n")
    assert read(f"{HEADINGS}\n{good}\n").only


@pytest.mark.parametrize("reason", REASONS)
def test_each_reason_has_a_sentence_in_both_languages_without_a_gap(read: Callable[..., Any], reason: str) -> None:
    (set_aside,) = read(f"{HEADINGS}\n{SHOWN[reason][0]}\n").set_aside
    for told in (sentence(set_aside, "zh"), sentence(set_aside, "en")):
        assert told
        assert "{" not in told


def test_a_stated_duration_over_24_hours_is_refused_even_without_an_end(read: Callable[..., Any]) -> None:
    (set_aside,) = read(f"{HEADINGS}\n{row(end='', hours='24.01')}\n").set_aside
    assert (set_aside.reason, set_aside.heading) == ("over_24_hours", "hours")
    assert read(f"{HEADINGS}\n{row(end='', hours='24')}\n").only.seconds == 86_400


def test_a_shorter_duration_is_a_break_where_the_registry_has_breaks(
    read: Callable[..., Any], mapping: ExportMapping
) -> None:
    export = f"{HEADINGS}\n{row(hours='0.5')}\n"
    assert read(export).set_aside[0].reason == "duration_disagrees"
    assert read(export, replace(mapping, breaks_allowed=True)).only.seconds == 1_800
    too_long = f"{HEADINGS}\n{row(hours='2.02')}\n"
    assert read(too_long, replace(mapping, breaks_allowed=True)).set_aside[0].reason == "duration_disagrees"


def test_the_service_time_is_never_more_than_the_interval(read: Callable[..., Any]) -> None:
    record = read(f"{HEADINGS}\n{row(end='2026-03-05 10:59:50')}\n").only
    assert (record.seconds, record.ended_at - record.started_at) == (7_190, 7_190)


def test_a_third_of_an_hour_as_a_spreadsheet_divides_it_is_the_interval(read: Callable[..., Any]) -> None:
    record = read(f"{HEADINGS}\n{row(end='2026-03-05 09:20', hours='0.333333333333333')}\n").only
    assert record.seconds == 1_200


@pytest.mark.parametrize(
    ("unit", "stated", "seconds"),
    [
        (DurationUnit.HOURS, "0.01", 36),
        (DurationUnit.HOURS, "１．５", 5_400),
        (DurationUnit.HOURS, "1:30:00", 5_400),
        (DurationUnit.MINUTES, "90", 5_400),
        (DurationUnit.MINUTES, "0.5", 30),
        (DurationUnit.SECONDS, "86400", 86_400),
    ],
)
def test_a_duration_is_exact_in_the_unit_of_the_registry(
    read: Callable[..., Any], mapping: ExportMapping, unit: DurationUnit, stated: str, seconds: int
) -> None:
    export = f"{HEADINGS}\n{row(end='', hours=stated)}\n"
    assert read(export, replace(mapping, duration_unit=unit)).only.seconds == seconds


@pytest.mark.parametrize(
    ("given", "travel", "unit", "facts"),
    [
        ("250", "1.5", DurationUnit.HOURS, (25_000, 5_400)),
        ("250.50 元", "90", DurationUnit.MINUTES, (25_050, 5_400)),
        ("０", "1:30:00", DurationUnit.SECONDS, (0, 5_400)),
        ("-3 yuan", "90 minutes", DurationUnit.HOURS, (-300, 5_400)),
    ],
)
def test_a_bare_amount_of_money_is_in_yuan_and_a_bare_duration_in_the_unit_of_the_registry(
    read: Callable[..., Any],
    mapping: ExportMapping,
    given: str,
    travel: str,
    unit: DurationUnit,
    facts: tuple[int, int],
) -> None:
    more = (column("donated_amount", "捐赠"), column("travel_time", "路程"))
    export = f"{HEADINGS},捐赠,路程\n{row(hours='')},{given},{travel}\n"
    record = read(export, replace(mapping, duration_unit=unit, records=(*mapping.records, *more))).only
    assert (record.facts["donated_amount"], record.facts["travel_time"]) == facts


@pytest.mark.parametrize("stated", ["1e3", "NaN", "inf", "1,5", "2小时", "٣", "--1", "1_000", "0x10", ".5", "5."])
def test_what_only_looks_like_a_number_is_none(read: Callable[..., Any], stated: str) -> None:
    (set_aside,) = read(f"{HEADINGS}\n{row(end='', hours=chr(34) + stated + chr(34))}\n").set_aside
    assert set_aside.reason == "not_a_number"


def test_where_an_export_has_neither_end_nor_duration_its_rows_are_events_that_take_no_time(
    read: Callable[..., Any],
) -> None:
    record = read("id,volunteer,start,category\nr1,V1,2026-03-05 09:00,环境保护\n").only
    assert (record.seconds, record.ended_at) == (0, record.started_at)


def test_a_row_set_aside_does_not_block_the_mended_one(read: Callable[..., Any]) -> None:
    outcome = read(f"{HEADINGS}\n{row(category='夜跑')}\n{row()}\n")
    assert [type(found).__name__ for found in outcome.found] == ["SetAside", "ServiceRecord"]


def test_the_second_row_of_an_id_names_the_row_that_stands(read: Callable[..., Any]) -> None:
    outcome = read(f"{HEADINGS}\n\n{row()}\n{row(volunteer='V2')}\n")
    assert sentence(outcome.set_aside[0], "en").startswith("the id of row 3 of records.csv with other content")


def test_content_is_shown_in_the_set_aside_file_but_not_in_a_log(read: Callable[..., Any]) -> None:
    (set_aside,) = read(f"{HEADINGS},姓名\n{row(hours='x')},张三\n").set_aside
    assert isinstance(set_aside, SetAside)
    assert set_aside.content["姓名"] == "张三"
    assert "张三" not in repr(set_aside)


VOLUNTEERS = "volunteer,注册日期,出生日期,政治面貌,启用,姓名"


@pytest.mark.parametrize(
    ("cells", "reason", "heading"),
    [
        (",2020-01-01,1990-01-01,中共党员,是,张三", "no_id", "volunteer"),
        ("V1,2020-02-30,1990-01-01,中共党员,是,张三", "not_a_time", "注册日期"),
        ("V1,2026-04-01,1990-01-01,中共党员,是,张三", "future_date", "注册日期"),
        ("V1,2020-01-01,1899-12-31,中共党员,是,张三", "too_early", "出生日期"),
        ("V1,2020-01-01,1990-01-01,党员同志,是,张三", "unknown_value", "政治面貌"),
        ("V1,2020-01-01,1990-01-01,中共党员,true,张三", "not_yes_no", "启用"),
    ],
)
def test_a_volunteer_is_set_aside_with_a_reason(
    read_volunteers: Callable[..., Any], cells: str, reason: str, heading: str
) -> None:
    (found,) = read_volunteers(f"{VOLUNTEERS}\n{cells}\n")
    assert (found.reason, found.heading) == (reason, heading)
    assert "张三" not in sentence(found, "en")


def test_a_volunteer_has_days_and_facts_and_no_name(read_volunteers: Callable[..., Any]) -> None:
    (found,) = read_volunteers(f"{VOLUNTEERS}\nV１,2020/1/2 00:00:00.0,,０１,是,张三\n")
    assert (found.id, found.registered_on.isoformat(), found.born_on) == ("V1", "2020-01-02", None)
    assert found.facts == {"political_status": "01", "enabled": 1}


def test_the_same_volunteer_twice_is_one(read_volunteers: Callable[..., Any]) -> None:
    cells = "V1,2020-01-01,1990-01-01,01,是,张三"
    found = read_volunteers(f"{VOLUNTEERS}\n{cells}\n{cells}\n{cells.replace('是', '否')}\n")
    assert [getattr(each, "reason", "") for each in found] == ["", "duplicate_row", "id_reused"]


def test_versions_of_one_record_are_no_repetition_and_a_time_is_one(read: Callable[..., Any]) -> None:
    rows = [
        row(version="7"),
        row(version="8", activity="P2"),
        row(version="2026-03-06 08:00"),
        row(version="8", activity="P2"),
    ]
    outcome = read("\n".join([HEADINGS, *rows]))
    assert [found.version for found in outcome.records] == [7, 8, 1_772_755_200]
    assert [found.reason for found in outcome.set_aside] == ["duplicate_row"]
