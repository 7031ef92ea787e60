"""A village's notebook as a registry: one JSON line per service, in the file that VILLAGE_NOTEBOOK names.

    {"id": "7", "who": "V1", "when": "2025-03-05T09:00:00+08:00", "minutes": 90, "what": "environment", "rain": true}

It fetches records, adds a word for conditions (`in_the_rain`), objects to pages without a signature, and writes down
what it is told after the commit in the file that VILLAGE_NOTEBOOK_LOG names.
"""

import json
import os
from datetime import datetime

from lianxing import Fact, FactType, Label, Objection, Scope, ServiceRecord, SetAside, Volunteer, hookimpl

REGISTRY = "village-notebook"


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
        start = datetime.fromisoformat(line["when"])
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
    rained = {line["id"]: line.get("rain") for _, line in pages() if "id" in line}
    known = record.registry == REGISTRY and rained.get(record.id) is not None
    return {"in_the_rain": int(rained[record.id])} if known else {}


@hookimpl
def review_record(record):
    unsigned = {line["id"] for _, line in pages() if line.get("signed") is False}
    if record.registry == REGISTRY and record.id in unsigned:
        return Objection("unsigned", Label(zh="这一页没有签名", en="the page is not signed"))
    return None


@hookimpl
def record_assessed(assessment, entry):
    note(f"record {assessment.record.id} entry {entry.kind} {entry.points}")


@hookimpl
def star_reached(standing, star_before):
    note(f"star {star_before} -> {standing.star_held}")


def pages():
    path = os.environ.get("VILLAGE_NOTEBOOK")
    if path is None:
        return
    with open(path, encoding="utf-8") as notebook:
        for number, line in enumerate(notebook, 1):
            yield number, json.loads(line)


def note(text):
    path = os.environ.get("VILLAGE_NOTEBOOK_LOG")
    if path is not None:
        with open(path, "a", encoding="utf-8") as log:
            log.write(text + "\n")
