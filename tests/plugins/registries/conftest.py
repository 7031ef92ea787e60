"""A small export, its mapping, and a county that knows two categories."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lianxing.engine.reading.mappings import read_mapping
from lianxing.plugins.registries.files import FileRegistry
from lianxing.rules.facts import CodeValue, CountyId, Fact, RegistryId
from lianxing.rules.known_facts import KNOWN_FACTS
from lianxing.rules.mappings import Column, DurationUnit, ExportMapping
from lianxing.rules.places import Label, Location
from lianxing.rules.records import ServiceRecord, SetAside, Volunteer

COUNTY = CountyId("cn/hunan/zhuzhou/youxian")
REGION = "430223"
ON = date(2026, 3, 31)
HERE = Location("mapping.yaml", 1, 1)


def column(target: str, *headings: str, **more: Any) -> Column:
    return Column(target, headings, HERE, more.pop("values", {}), **more)


MAPPING = ExportMapping(
    id="example",
    registry=RegistryId("example"),
    label=Label("示例", "example"),
    time_zone="Asia/Shanghai",
    records=(
        column("id", "记录id", "id"),
        column("volunteer", "志愿者编号", "volunteer"),
        column("activity", "项目", "activity"),
        column("category", "服务类别", "category", values={"慢跑": "environment"}),
        column("started_at", "开始时间", "start"),
        column("ended_at", "结束时间", "end"),
        column("duration", "时长", "hours"),
        column("evaluation", "评价", "evaluation"),
        column("evaluation_score", "评分", "score"),
        column("complaint", "有投诉", "complaint"),
        column("state", "状态", "state"),
        column("county", "区划", "county"),
        column("version", "版次", "version"),
    ),
    volunteers=(
        column("id", "志愿者编号", "volunteer"),
        column("registered_on", "注册日期"),
        column("born_on", "出生日期"),
        column("political_status", "政治面貌"),
        column("enabled", "启用"),
    ),
    duration_unit=DurationUnit.HOURS,
    breaks_allowed=False,
    tolerance_seconds=60,
    location=HERE,
)

CATEGORIES = {
    "community": ("社区服务", "0001"),
    "education": ("支教助学", "0003"),
    "medical": ("卫生健康", "0004"),
    "environment": ("环境保护", "0006"),
    "culture": ("文化艺术", "0008"),
    "traffic": ("交通引导", "0011"),
    "emergency": ("应急救援", "0013"),
    "disability": ("关爱特殊群体", "0017"),
    "large_event": ("大型活动", "0018"),
    "elderly_care": ("为老年人服务", "3202"),
    "training": ("培训",),
    "blood_donation": ("无偿献血",),
}


def declared_facts() -> dict[str, Fact]:
    facts = {fact.name: fact for fact in KNOWN_FACTS}
    values = tuple(CodeValue(id, Label(names[0], id), names[1:]) for id, names in CATEGORIES.items())
    facts["category"] = replace(facts["category"], values=values)
    return facts


@dataclass(frozen=True)
class Outcome:
    """What a registry handed over, and the registry with its counts."""

    found: list[ServiceRecord | SetAside]
    registry: FileRegistry

    @property
    def records(self) -> list[ServiceRecord]:
        return [found for found in self.found if isinstance(found, ServiceRecord)]

    @property
    def set_aside(self) -> list[SetAside]:
        return [found for found in self.found if isinstance(found, SetAside)]

    @property
    def only(self) -> ServiceRecord:
        assert not self.set_aside, self.set_aside
        (record,) = self.records
        return record


Read = Callable[..., Outcome]
ReadVolunteers = Callable[..., list[Volunteer | SetAside]]


def content_bytes(content: str | bytes) -> bytes:
    return content if isinstance(content, bytes) else content.encode()


def read_records(path: Path, mapping: ExportMapping = MAPPING, since: date | None = None) -> Outcome:
    registry = FileRegistry([path], [], mapping, declared_facts(), COUNTY, REGION, ON)
    return Outcome(list(registry.fetch_records(COUNTY, since)), registry)


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read a CSV of records, given as text or bytes."""

    def reading(content: str | bytes, mapping: ExportMapping = MAPPING, since: date | None = None) -> Outcome:
        path = tmp_path / "records.csv"
        path.write_bytes(content_bytes(content))
        return read_records(path, mapping, since)

    return reading


@pytest.fixture
def read_file() -> Read:
    """Read a file of records in any format."""
    return read_records


@pytest.fixture
def read_volunteers(tmp_path: Path) -> ReadVolunteers:
    """Read a CSV of volunteers."""

    def reading(content: str) -> list[Volunteer | SetAside]:
        path = tmp_path / "volunteers.csv"
        path.write_text(content, encoding="utf-8")
        return list(FileRegistry([], [path], MAPPING, declared_facts(), COUNTY, REGION, ON).fetch_volunteers())

    return reading


@pytest.fixture
def mapping() -> ExportMapping:
    return MAPPING


@pytest.fixture
def facts() -> Mapping[str, Fact]:
    return declared_facts()


@pytest.fixture
def mapping_of() -> Callable[[Path], ExportMapping]:
    """Read a mapping file as an import reads it."""
    return lambda path: read_mapping(path.read_bytes(), path.name, declared_facts())
