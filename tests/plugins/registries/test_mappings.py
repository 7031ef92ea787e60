"""The mapping files that are shipped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lianxing.plugins.registries.files import FileRegistry
from lianxing.plugins.registries.reasons import ExportError
from lianxing.rules.facts import CountyId
from lianxing.rules.mappings import ExportMapping
from lianxing.rules.problems import PolicyError
from lianxing.rules.records import Volunteer

SHIPPED = Path(__file__).parents[3] / "plugins" / "registries" / "mappings"
FEED = "vcode,activity,address,value,signInTime,signOutTime\n"


def test_a_feed_without_ids_gets_ids_by_what_it_means(
    read: Callable[..., Any], mapping_of: Callable[[Path], ExportMapping]
) -> None:
    zhiyuanhui = mapping_of(SHIPPED / "zhiyuanhui.yaml")
    record = read(FEED + "V1,P1,路,2.00,2026-03-05 09:00:00.0,2026-03-05 11:00:00.0\n", zhiyuanhui).only
    assert len(record.id) == 24
    assert (record.registry, record.seconds, record.facts) == ("zhiyuanhui", 7_200, {"hour_class": "credit"})
    chinese = "志愿者编号,活动名称,签到时间,签退时间,服务时长\nV1,P1,2026/3/5 9:00,2026/3/5 11:00,2\n"
    assert read(chinese, zhiyuanhui).only.id == record.id
    assert read(FEED + "V1,P2,路,2.00,2026-03-05 09:00,\n", zhiyuanhui).only.id != record.id


def test_a_built_id_that_meets_another_row_is_reported(
    read: Callable[..., Any], mapping_of: Callable[[Path], ExportMapping]
) -> None:
    zhiyuanhui = mapping_of(SHIPPED / "zhiyuanhui.yaml")
    first = "V1,P1,路,2.00,2026-03-05 09:00,2026-03-05 11:00\n"
    outcome = read(FEED + first + first + first.replace("11:00", "11:00:30"), zhiyuanhui)
    assert len(outcome.records) == 1
    assert [found.reason for found in outcome.set_aside] == ["duplicate_row", "id_reused"]


def test_the_national_system_is_read_by_code_or_by_name(
    read: Callable[..., Any], mapping_of: Callable[[Path], ExportMapping]
) -> None:
    nvsi = mapping_of(SHIPPED / "nvsi.yaml")
    by_code = read(
        "id,albx0175,albx0176,albx0177,albx0181,albx0182,albx0172,albx0009,albx0174,albx0187,albx0173\n"
        "7,V1,P1,T1,2026-03-05 09:00:00.0,2026-03-05 12:00:00.0,2.50,0001,2,1,3\n",
        nvsi,
    ).only
    by_name = read(
        "记录id,志愿者编号,项目,队伍,开始时间,结束时间,服务时长（小时）,服务类别,状态,时长类别,录入方式\n"
        "7,V1,P1,T1,2026-03-05 09:00,2026-03-05 12:00,2.5,社区服务,已生效,信用时长,人脸识别\n",
        nvsi,
    ).only
    assert by_code == by_name
    assert by_code.seconds == 9_000
    assert by_code.facts == {
        "category": "community",
        "state": "effective",
        "hour_class": "credit",
        "entry_mode": "face_recognition",
    }


@pytest.mark.parametrize("name", ["menu", "Menu", "ｍｅｎｕ"])
def test_no_mapping_takes_the_name_of_the_banks_own_registry(
    tmp_path: Path, mapping_of: Callable[[Path], ExportMapping], name: str
) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text((SHIPPED / "nvsi.yaml").read_text("utf-8").replace("registry: nvsi", f"registry: {name}"), "utf-8")
    with pytest.raises(PolicyError) as found:
        mapping_of(path)
    assert [one.code for one in found.value.problems] == ["P020"]


def test_every_shipped_mapping_names_declared_facts_only(
    tmp_path: Path, mapping_of: Callable[[Path], ExportMapping], facts: Any
) -> None:
    for path in SHIPPED.glob("*.yaml"):
        mapping = mapping_of(path)
        volunteers = tmp_path / "volunteers.csv"
        volunteers.write_text(
            "志愿者编号,注册日期,政治面貌,注册区域\nV1,2020-01-01,中共党员,联星街道\n", encoding="utf-8"
        )
        registry = FileRegistry([], [volunteers], mapping, facts, CountyId("x"), "", date(2026, 1, 1))
        (found,) = registry.fetch_volunteers()
        assert isinstance(found, Volunteer)
        assert found.facts == {"political_status": "01", "registered_area": "联星街道"}


def test_a_mapping_that_does_not_fit_the_policy_is_told(
    read: Callable[..., Any], mapping: ExportMapping, facts: Any
) -> None:
    export = "id,volunteer,start\n1,V1,2026-03-05\n"
    where = mapping.records[0].location
    for target, code in (("mood", "unknown_target"), ("tenure", "unknown_target"), ("state", "bad_constant")):
        column = replace(mapping.records[0], target=target, headings=(), constant="sunny", location=where)
        kept = tuple(each for each in mapping.records if each.target != target)
        with pytest.raises(ExportError) as raised:
            read(export, replace(mapping, records=(*kept, column)))
        assert raised.value.code == code
    with pytest.raises(ExportError, match="does not say which column is 'id'"):
        read(export, replace(mapping, records=mapping.records[1:]))
    with pytest.raises(ExportError, match="no known time zone"):
        read(export, replace(mapping, time_zone="Mars/Olympus"))
