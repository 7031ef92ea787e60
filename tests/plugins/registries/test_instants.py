"""Times as exports write them."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from lianxing.plugins.registries.instants import duration_seconds, instant

SHANGHAI = ZoneInfo("Asia/Shanghai")
NINE = 1_772_672_400  # 2026-03-05 09:00 in Shanghai


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-05 09:00",
        "2026-03-05 09:00:00",
        "2026-03-05 09:00:00.0",
        "2026-03-05 09:00:00.999999",
        "2026-03-05T09:00:00,5",
        "2026/3/5 9:00",
        "2026.03.05 09:00",
        "2026年3月5日 09:00",
        "2026-03-05T09:00:00+08:00",
        "2026-03-05 09:00:00+0800",
        "2026-03-05T01:00:00Z",
        "2026-03-05T01:00:00.123 +00",
        "2026-03-04T20:00:00-05:00",
    ],
)
def test_the_same_instant_in_many_spellings(text: str) -> None:
    assert instant(text, SHANGHAI) == (NINE, date(2026, 3, 5), True)


def test_midnight_at_the_end_of_a_day_is_the_start_of_the_next() -> None:
    assert instant("2026-03-04 24:00", SHANGHAI) == instant("2026-03-05 00:00", SHANGHAI)
    assert instant("2026-03-04 24:01", SHANGHAI) is None


def test_a_day_alone_is_its_local_midnight_without_a_time() -> None:
    assert instant("2026-03-05", SHANGHAI) == (NINE - 9 * 3600, date(2026, 3, 5), False)
    assert instant("2026-03-05 00:00", SHANGHAI) == (NINE - 9 * 3600, date(2026, 3, 5), True)


def test_an_instant_with_an_offset_falls_on_the_local_day() -> None:
    found = instant("2026-03-04T16:00:00Z", SHANGHAI)
    assert found is not None
    assert found.day == date(2026, 3, 5)


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-29 09:00",
        "2026-13-01",
        "2026-03-05 25:00",
        "2026-03-05 09:60",
        "2026-03-05 09",
        "2026-03/05",
        "05/03/2026",
        "20260305",
        "46086.375",
        "0000-01-01",
        "9999-12-31 24:00",
        "0001-01-01T00:00:00+08:00",
        "昨天",
        "#VALUE!",
        "٢٠٢٦-٠٣-٠٥",
        "2026-03-05 09:00 +99:00",
    ],
)
def test_what_no_calendar_knows_is_no_time(text: str) -> None:
    assert instant(text, SHANGHAI) is None


def test_a_time_that_the_clocks_skipped_is_read_as_if_they_had_not() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    skipped, after = instant("2025-03-30 02:30", berlin), instant("2025-03-30 03:30", berlin)
    assert skipped is not None
    assert after is not None
    assert skipped.seconds == after.seconds


def test_a_time_that_came_twice_is_its_first() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    twice, after = instant("2025-10-26 02:30", berlin), instant("2025-10-26 03:30", berlin)
    assert twice is not None
    assert after is not None
    assert after.seconds - twice.seconds == 2 * 3600


def test_a_duration_is_exact() -> None:
    assert duration_seconds("0.30000000000000004", 3600) == Fraction(30000000000000004 * 3600, 10**17)
    assert duration_seconds("-0.01", 3600) == -36
    assert duration_seconds("26:05:00", 60) == 26 * 3600 + 300
