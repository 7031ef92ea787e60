"""The exports that the demonstration imports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lianxing.plugins.registries.files import FileRegistry
from lianxing.rules.facts import CountyId
from lianxing.rules.mappings import ExportMapping
from lianxing.rules.records import ServiceRecord, SetAside, Volunteer

DEMO = Path(__file__).parents[3] / "plugins" / "demo"
COUNTY = CountyId("cn/hunan/zhuzhou/youxian")


@pytest.fixture
def registry(mapping_of: Callable[[Path], ExportMapping], facts: Any) -> FileRegistry:
    mapping = mapping_of(DEMO / "mapping.yaml")
    return FileRegistry(
        [DEMO / "records.csv"], [DEMO / "volunteers.xlsx"], mapping, facts, COUNTY, "430223", date(2026, 2, 1)
    )


def test_they_are_small_enough_to_be_shipped() -> None:
    assert sum(path.stat().st_size for path in DEMO.glob("*.*")) < 2_000_000


def test_every_record_goes_in_and_every_bad_row_is_set_aside_for_its_reason(registry: FileRegistry) -> None:
    found = list(registry.fetch_records(COUNTY, None))
    records = [each for each in found if isinstance(each, ServiceRecord)]
    assert len(records) == 20_000
    assert registry.record_rows.rows_read == 20_024
    assert registry.notes == ()
    assert Counter(each.reason for each in found if isinstance(each, SetAside)) == {
        "unknown_category": 3,
        "no_id": 2,
        "no_volunteer": 2,
        "not_a_time": 2,
        "end_before_start": 2,
        "duration_disagrees": 2,
        "future_date": 2,
        "duplicate_row": 2,
        "id_reused": 2,
        "over_24_hours": 2,
        "negative_duration": 1,
        "not_a_number": 1,
        "no_start": 1,
    }
    assert {record.facts["state"] for record in records} == {"filed", "reviewed", "refused"}
    assert len({record.facts["category"] for record in records}) == 12


def test_every_volunteer_goes_in_and_every_record_has_one(registry: FileRegistry) -> None:
    volunteers = list(registry.fetch_volunteers())
    ids = {each.id for each in volunteers if isinstance(each, Volunteer)}
    assert len(ids) == len(volunteers) == 1_000
    records = [each for each in registry.fetch_records(COUNTY, None) if isinstance(each, ServiceRecord)]
    assert {record.volunteer for record in records} <= ids
    assert all(each.facts["enabled"] in (0, 1) for each in volunteers if isinstance(each, Volunteer))
