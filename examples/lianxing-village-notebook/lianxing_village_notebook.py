"""A village's notebook as a registry: one JSON line per service, in the file that VILLAGE_NOTEBOOK names.

    {"id": "7", "who": "V1", "when": "2025-03-05T09:00:00+08:00", "minutes": 90, "what": "environment", "rain": true}

It fetches records, adds a word for conditions (`in_the_rain`), objects to pages without a signature, and writes down
what it is told after the commit in the file that VILLAGE_NOTEBOOK_LOG names.
"""

import json
import os
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

from lianxing import Fact, FactType, Label, Objection, Scope, ServiceRecord, SetAside, Volunteer, hookimpl

REGISTRY = "village-notebook"
HERE = ZoneInfo("Asia/Shanghai")


@hookimpl
def register_facts():
    meaning = Label(zh="服务时正在下雨", en="it rained during the service")
    return [Fact("in_the_rain", "下雨", FactType.YES_NO, Scope.RECORD, meaning)]


@hookimpl
def fetch_volunteers(county):
    return [Volunteer(who) for who in sorted({line["who"] for _, line in pages() if "who" in line})]


@hookimpl
def fetch_records(county, since):
    for number, line in pages():
        if "who" not in line:
            yield SetAside(REGISTRY, number, "who", "no_volunteer")
            continue
        start = datetime.fromisoformat(line["when"]).astimezone(HERE)  # the day of service is a local day
        if since is not None and start.date() < since:
            continue
        seconds = line["minutes"] * 60
        yield ServiceRecord(
            id=line["id"],
            registry=REGISTRY,
            volunteer=line["who"],
            county=county,
            started_at=int(start.timestamp()),
            ended_at=int(start.timestamp()) + seconds,
            day=start.date(),
            seconds=seconds,
            facts={"category": line["what"], "state": "filed"},
        )


@hookimpl
def supply_facts(record):
    page = page_of(record)
    return {"in_the_rain": int(page["rain"])} if "rain" in page else {}


@hookimpl
def review_record(record):
    if page_of(record).get("signed") is False:
        return Objection("unsigned", Label(zh="这一页没有签名", en="the page is not signed"))
    return None


@hookimpl
def record_assessed(assessment, entry):
    note(f"record {assessment.record.id} entry {entry.kind} {entry.points}")


@hookimpl
def star_reached(standing, star_before):
    note(f"star {star_before} -> {standing.star_held}")


@cache  # asked again for every record
def pages():
    path = os.environ.get("VILLAGE_NOTEBOOK")
    if path is None:
        return []
    with open(path, encoding="utf-8") as notebook:
        return [(number, json.loads(line)) for number, line in enumerate(notebook, 1)]


@cache
def pages_by_id():
    return {line.get("id"): line for _, line in pages()}


def page_of(record):
    return pages_by_id().get(record.id, {}) if record.registry == REGISTRY else {}


def note(text):
    path = os.environ.get("VILLAGE_NOTEBOOK_LOG")
    if path is not None:
        with open(path, "a", encoding="utf-8") as log:
            log.write(text + "\n")
