"""The yardstick policy in our language against its two references: the same for every record and every person.

The references share no code with the engine, nor with each other: a query in SQL, and plain Python with Decimals.
"""

from __future__ import annotations

import csv
import importlib
import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lianxing.engine.compiling import load_policy
from lianxing.engine.counting import assess, counted
from lianxing.engine.layers import Shelf
from lianxing.engine.matchers import matcher_factory
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.standings import standing
from lianxing.rules.assessments import Assessment
from lianxing.rules.facts import NUMBER_SCALE, CountyId, FactValue, RecordId, RegistryId, VolunteerId
from lianxing.rules.periods import Window
from lianxing.rules.records import ServiceRecord, Volunteer

HERE = Path(__file__).parent
YARDSTICK = HERE.parents[1] / "benchmarks" / "yardstick"
SHANGHAI = ZoneInfo("Asia/Shanghai")
AS_OF = date(2025, 12, 31)
SIZE = ("--size", "small") if os.environ.get("LIANXING_LONG") else ("--volunteers", "300", "--records", "6000")
STATES = {"approved": "effective", "pending": "applied", "rejected": "refused"}

Row = dict[str, Any]


@pytest.fixture(scope="module")
def reference() -> Iterator[ModuleType]:
    """The module run_reference.py, importable as its own directory wants it."""
    sys.path.insert(0, str(YARDSTICK))
    yield importlib.import_module("run_reference")
    sys.path.remove(str(YARDSTICK))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("yardstick")
    run("generate.py", str(folder), *SIZE)
    return folder


def run(script: str, *arguments: str) -> str:
    command = [sys.executable, str(YARDSTICK / script), *arguments]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout


@dataclass(frozen=True)
class Ours:
    """What the engine made of the data: rows with the columns of the references."""

    ledger: list[Row]
    rating: list[Row]


@pytest.fixture(scope="module")
def ours(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Ours:
    policies = tmp_path_factory.mktemp("policies")
    county = Path(shutil.copytree(HERE / "county", policies / "county"))
    write_rates(county / "rates.csv", rows(data / "rates.parquet"))
    shelf = Shelf((("yardstick", policies),))
    folder = shelf.folder("county")
    assert folder is not None
    kinds = {row["day"]: row["kind"] for row in rows(data / "calendar.parquet")}
    records: dict[int, list[ServiceRecord]] = defaultdict(list)
    for row in rows(data / "records"):
        record = record_of(row, kinds)
        if record.day <= AS_OF:
            records[row["volunteer_id"]].append(record)
    incidents: dict[int, list[tuple[date, str]]] = defaultdict(list)
    for row in rows(data / "incidents.parquet"):
        incidents[row["volunteer_id"]].append((row["occurred_at"].astimezone(SHANGHAI).date(), row["kind"]))
    made = Ours([], [])
    with Rulebook(load_policy(folder, shelf), matcher_factory()) as rulebook:
        for row in rows(data / "volunteers.parquet"):
            rate(rulebook, row, records[row["volunteer_id"]], incidents[row["volunteer_id"]], made)
    return made


def rows(path: Path) -> list[Row]:
    found: list[Row] = pq.read_table(path).to_pylist()
    return found


def write_rates(path: Path, rates: Iterable[Row]) -> None:
    """Write the generated rates as a county would keep them: points per hour, the last day of each included."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["county_code", "category", "value", "valid_from", "valid_until"])
        for rate in rates:
            hundredths = rate["half_hour_rate"] * 2
            value = f"{hundredths // 100}.{hundredths % 100:02d}"
            last = rate["valid_to"] - timedelta(days=1)
            writer.writerow([rate["county"], rate["category"], value, rate["valid_from"], last])
        writer.writerow(["default", "default", "0", "", ""])


def record_of(row: Row, kinds: dict[date, str]) -> ServiceRecord:
    started: datetime = row["started_at"]
    instant, day = int(started.timestamp()), started.astimezone(SHANGHAI).date()
    facts: dict[str, FactValue] = {
        "category": row["category"],
        "county_code": row["county"],
        "state": STATES[row["status"]],
        "day_kind": kinds[day],
    }
    if row["evaluation"] is not None:
        facts |= {"evaluation": str(row["evaluation"]), "evaluation_score": row["evaluation"] * NUMBER_SCALE}
    return ServiceRecord(
        id=RecordId(str(row["record_id"])),
        registry=RegistryId("yardstick"),
        volunteer=VolunteerId(str(row["volunteer_id"])),
        county=CountyId("county"),
        started_at=instant,
        ended_at=instant + row["minutes"] * 60,
        day=day,
        seconds=row["minutes"] * 60,
        facts=facts,
    )


def rate(
    rulebook: Rulebook, row: Row, records: list[ServiceRecord], incidents: list[tuple[date, str]], made: Ours
) -> None:
    """Fold one person; what the language cannot say yet (deductions, P9) is worked out here."""
    seen = [(day, kind) for day, kind in incidents if day <= AS_OF]
    misconduct = sum(kind == "misconduct" and Window(months=12).holds(day, AS_OF) for day, kind in seen)
    deductions = 200 * sum(kind == "no_show" and Window(months=24).holds(day, AS_OF) for day, kind in seen)
    person = Volunteer(
        VolunteerId(str(row["volunteer_id"])),
        registered_on=row["registered_on"],
        facts={"banned": int(row["banned"]), "misconduct": misconduct},
    )
    ordered = sorted(records, key=lambda record: record.order)
    assessments = assess(rulebook, person, ((record, {}) for record in ordered))
    made.ledger.extend(ledger_row(found) for found in assessments if found.counted)
    found = standing(rulebook, person, map(counted, assessments), AS_OF)
    lines = {line.clause.id: line for line in found.measures}
    live = lines["points_live"].sum
    made.rating.append(
        {
            "volunteer_id": row["volunteer_id"],
            "credited_minutes": found.seconds // 60,
            "points_total": found.points,
            "points_live": live,
            "deductions_live": deductions,
            "balance": max(live - deductions, 0),
            "evaluation_sum": lines["mean_evaluation"].sum // NUMBER_SCALE,
            "evaluation_count": lines["mean_evaluation"].count,
            "misconduct_count": misconduct,
            "days_registered": (AS_OF - row["registered_on"]).days,
            "star": found.star_reached,
        }
    )


def ledger_row(found: Assessment) -> Row:
    """Return a record's row; a step that changed nothing left no working, so what it found is what it left."""
    before = {working.clause: int(working.before) for working in found.workings if working.operation == "limit"}
    year = before.get("month_cap", found.points)
    return {
        "record_id": int(found.record.id),
        "credited_blocks": found.seconds // 1800,
        "raw_points": before.get("training_cap", year),
        "year_points": year,
        "points": found.points,
    }


@pytest.fixture(scope="module")
def theirs(data: Path) -> duckdb.DuckDBPyConnection:
    """The SQL reference over the same data."""
    connection = duckdb.connect()
    connection.execute(f"SET VARIABLE data = '{data}'; SET VARIABLE as_of = DATE '{AS_OF}'")
    connection.execute((YARDSTICK / "reference_duckdb.sql").read_text())
    return connection


def queried(connection: duckdb.DuckDBPyConnection, view: str, columns: list[str]) -> dict[int, tuple[int, ...]]:
    found = connection.execute(f"SELECT {', '.join(columns)} FROM {view}").fetchall()
    return {row[0]: tuple(row) for row in found}


def keyed(rows: list[Row], columns: list[str]) -> dict[int, tuple[int, ...]]:
    return {row[columns[0]]: tuple(row[column] for column in columns) for row in rows}


def test_every_record_earns_what_the_query_says(
    ours: Ours, theirs: duckdb.DuckDBPyConnection, reference: ModuleType
) -> None:
    assert keyed(ours.ledger, reference.LEDGER) == queried(theirs, "ledger", reference.LEDGER)


def test_every_person_stands_where_the_query_says(
    ours: Ours, theirs: duckdb.DuckDBPyConnection, reference: ModuleType
) -> None:
    assert keyed(ours.rating, reference.RATING) == queried(theirs, "rating", reference.RATING)


def test_the_fingerprints_are_those_of_the_plain_reference(ours: Ours, data: Path, reference: ModuleType) -> None:
    printed = dict(line.split()[0::4] for line in run("reference_plain.py", str(data)).splitlines())
    made = {
        "rating": reference.fingerprint_columns(pa.Table.from_pylist(ours.rating), reference.RATING),
        "ledger": reference.fingerprint_columns(pa.Table.from_pylist(ours.ledger), reference.LEDGER),
    }
    assert made == printed


@pytest.mark.skipif("LIANXING_LONG" not in os.environ, reason="the published fingerprints are of the larger size")
def test_the_fingerprints_are_the_published_ones(ours: Ours, reference: ModuleType) -> None:
    published = json.loads((YARDSTICK / "EXPECTED.json").read_text())["sizes"]["small"]
    assert reference.fingerprint_columns(pa.Table.from_pylist(ours.rating), reference.RATING) == published["rating"]
    assert reference.fingerprint_columns(pa.Table.from_pylist(ours.ledger), reference.LEDGER) == published["ledger"]


def test_the_yardstick_reaches_what_it_is_meant_to_prove(ours: Ours) -> None:
    """Somebody has a star, somebody lost time to the daily limit, somebody points to the yearly and the monthly one."""
    assert any(row["star"] > 0 for row in ours.rating)
    assert any(row["raw_points"] > row["year_points"] for row in ours.ledger)
    assert any(row["year_points"] > row["points"] for row in ours.ledger)
    assert any(row["credited_blocks"] == 0 for row in ours.ledger)
