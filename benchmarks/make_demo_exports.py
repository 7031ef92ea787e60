"""Write the demonstration exports in plugins/demo from the yardstick's generator, the same bytes every time.

    python benchmarks/make_demo_exports.py

Needs numpy and pyarrow for the generator. Its 90 counties become one; its English words become the codes and names of
the national system. A handful of rows that cannot go in stand between the good ones, at fixed places, so that the
demonstration has something to set aside.
"""

from __future__ import annotations

import csv
import io
import re
import sys
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from openpyxl import Workbook

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "plugins" / "demo"
SEED = 20251231
VOLUNTEERS, RECORDS = 1_000, 20_000
LOCAL = ZoneInfo("Asia/Shanghai")

# The generator's word: the name in the export (and the code of the national system, where it has one).
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
    "training": ("培训", ""),
    "blood_donation": ("无偿献血", ""),
}
STATES = {"approved": "已备案", "pending": "社区已审核", "rejected": "已拒绝"}
# Half of the evaluations are a 5: with 优 for 5 only, nobody would reach a share of 60 %, and nobody a fifth star.
GRADES = {None: "", 1: "差", 2: "差", 3: "良", 4: "优", 5: "优"}
AREAS = ("联星街道", "江桥街道", "谭桥街道", "春联街道")

RECORD_HEADINGS = (
    "记录id",
    "志愿者编号",
    "项目",
    "队伍",
    "服务类别",
    "开始时间",
    "结束时间",
    "服务时长(小时)",
    "评价",
    "状态",
    "录入方式",
)
VOLUNTEER_HEADINGS = ("志愿者编号", "注册日期", "出生日期", "政治面貌", "注册区域", "启用")
ID, VOLUNTEER, _, _, CATEGORY, START, END, HOURS = range(8)

# Rows that cannot go in: the reason, and which cells of a good row are overwritten with what. Each stands after one
# more 800th row and has an id of its own, except where the id is what is wrong.
BAD_ROWS: tuple[tuple[str, dict[int, str]], ...] = (
    ("no_id", {ID: ""}),
    ("unknown_category", {CATEGORY: "夜跑打卡"}),
    ("end_before_start", {START: "2023/5/6 15:00", END: "2023/5/6 9:00", HOURS: "6.00"}),
    ("duration_disagrees", {START: "2023/5/7 9:00", END: "2023/5/7 11:00", HOURS: "20.00"}),
    ("no_volunteer", {VOLUNTEER: ""}),
    ("duplicate_row", {}),
    ("not_a_time", {START: "2023/2/29 9:00", END: "2023/2/29 11:00", HOURS: "2.00"}),
    ("future_date", {START: "2204/3/5 9:00", END: "2204/3/5 11:00", HOURS: "2.00"}),
    ("id_reused", {VOLUNTEER: "V0999"}),
    ("negative_duration", {HOURS: "-2.00"}),
    ("unknown_category", {CATEGORY: "其它"}),
    ("over_24_hours", {START: "2024/3/4 9:00", END: "2024/3/6 9:00", HOURS: ""}),
    ("not_a_number", {HOURS: "两小时"}),
    ("duplicate_row", {}),
    ("no_volunteer", {VOLUNTEER: ""}),
    ("duration_disagrees", {START: "2024/6/1 8:00", END: "2024/6/1 12:00", HOURS: "2.00"}),
    ("end_before_start", {START: "2024/6/2 8:00", END: "2024/6/1 12:00", HOURS: "4.00"}),
    ("not_a_time", {START: "昨天上午", END: "", HOURS: "2.00"}),
    ("no_id", {ID: ""}),
    ("id_reused", {VOLUNTEER: "V0999"}),
    ("no_start", {START: ""}),
    ("future_date", {START: "2205/4/12 14:00", END: "2205/4/12 16:00", HOURS: "2.00"}),
    ("unknown_category", {CATEGORY: "社区服务、环境保护"}),
    ("over_24_hours", {START: "2025/5/1 9:00", END: "", HOURS: "240.00"}),
)
BAD_ROW_EVERY = 800
KEEPS_ITS_ID = {"duplicate_row", "id_reused"}


def generated() -> dict[str, Any]:
    """Return the generator's tables (small)."""
    sys.path.insert(0, str(ROOT / "benchmarks" / "yardstick"))
    tables: dict[str, Any] = import_module("generate").generate(VOLUNTEERS, RECORDS, SEED)
    return tables


def volunteer_id(number: int) -> str:
    return f"V{number:04}"


def clock(instant: datetime) -> str:
    """Return a time as a Chinese spreadsheet writes it into a CSV."""
    return f"{instant.year}/{instant.month}/{instant.day} {instant.hour}:{instant.minute:02}"


def record_cells(record: dict[str, Any], categories: Sequence[str]) -> list[str]:
    started = record["started_at"].astimezone(LOCAL)
    hundredths = (record["minutes"] * 100 + 30) // 60
    number, organisation = record["record_id"], record["organisation_id"]
    return [
        str(number),
        volunteer_id(record["volunteer_id"]),
        f"{organisation:02}{categories.index(record['category']):02}",
        f"{organisation:02}",
        CATEGORIES[record["category"]][0],
        clock(started),
        clock(started + timedelta(minutes=record["minutes"])),
        f"{hundredths // 100}.{hundredths % 100:02}",
        GRADES[record["evaluation"]],
        STATES[record["status"]],
        "1" if number % 20 == 0 else "4" if number % 4 == 0 else "3",
    ]


def record_rows(records: Sequence[dict[str, Any]]) -> Iterator[list[str]]:
    """Yield the good rows in the order of entry, and a bad one after every 800th."""
    categories = list(CATEGORIES)
    bad = iter(BAD_ROWS)
    for count, record in enumerate(records, start=1):
        cells = record_cells(record, categories)
        yield cells
        if count % BAD_ROW_EVERY == 0 and (found := next(bad, None)):
            reason, overwritten = found
            spoilt = list(cells)
            if reason not in KEEPS_ITS_ID:
                spoilt[ID] = f"X{count}"
            for index, text in overwritten.items():
                spoilt[index] = text
            yield spoilt
    if next(bad, None):
        raise ValueError("too few records for all bad rows")


def write_records(path: Path, records: Sequence[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(RECORD_HEADINGS)
        writer.writerows(record_rows(records))


def write_volunteers(path: Path, volunteers: Sequence[dict[str, Any]]) -> None:
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet("志愿者")
    sheet.append(VOLUNTEER_HEADINGS)
    counties = sorted({volunteer["county"] for volunteer in volunteers})
    for volunteer in volunteers:
        sheet.append(
            [
                volunteer_id(volunteer["volunteer_id"]),
                date.fromordinal(volunteer["registered_on"].toordinal()),
                date.fromordinal(volunteer["birth_date"].toordinal()),
                "中共党员" if volunteer["party_member"] else "群众",
                AREAS[counties.index(volunteer["county"]) % len(AREAS)],
                "否" if volunteer["banned"] else "是",
            ]
        )
    made = io.BytesIO()
    workbook.save(made)
    path.write_bytes(undated(made.getvalue()))


def undated(workbook: bytes) -> bytes:
    """Return the workbook without the moment at which it was saved, so that the same content is the same bytes."""
    stamp = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as before, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as after:
        for entry in sorted(before.infolist(), key=lambda entry: entry.filename != "[Content_Types].xml"):
            content = before.read(entry)
            if entry.filename == "docProps/core.xml":
                content = stamp.sub(rb"\g<1>2026-02-01T00:00:00Z", content)
            fixed = zipfile.ZipInfo(entry.filename, (2026, 2, 1, 0, 0, 0))
            fixed.compress_type = zipfile.ZIP_DEFLATED
            after.writestr(fixed, content)
    return out.getvalue()


def main() -> None:
    tables = generated()
    DEMO.mkdir(parents=True, exist_ok=True)
    write_records(DEMO / "records.csv", tables["records"].to_pylist())
    write_volunteers(DEMO / "volunteers.xlsx", tables["volunteers"].to_pylist())
    for path in (DEMO / "records.csv", DEMO / "volunteers.xlsx"):
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes")
    print(f"{RECORDS:,} good rows and {len(BAD_ROWS)} bad ones")


if __name__ == "__main__":
    main()
