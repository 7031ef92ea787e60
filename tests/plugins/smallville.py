"""A small county, its policy and its records, for tests of what surrounds the rules."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from zoneinfo import ZoneInfo

from lianxing import ServiceRecord, SetAside, Volunteer, hookimpl
from lianxing.engine.calendars import instant_at
from lianxing.rules.facts import CountyId, FactValue, RecordId, RegistryId, VolunteerId
from lianxing.rules.records import Withdrawn

COUNTY = {
    "county.yaml": """\
county: smallville
title: {zh: 小县, en: a small county}
in_force: {from: 2020-01-01}
time_zone: Asia/Shanghai
""",
    "hours.yaml": """\
- id: found_false
  revoke: {kind: revocation}
- id: filed_only
  count: {state: filed}
- id: two_hours_a_day
  limit: {per: day, at_most: 2 hours, overflow: lost}
""",
    "earning.yaml": """\
- id: by_time
  points_per_hour: {by: category, default: 1, training: 0.5}
- id: rounding
  round: {to: 0.01 points, each: record, direction: down}
""",
    "measures.yaml": "points_earned: {sum: points, over: all_time}\n",
    "stars.yaml": """\
award: {by: automatic}
levels:
  1: {points_earned: {at_least: 2 points}}
  2: {points_earned: {at_least: 10 points}}
""",
}


class Registry:
    """A registry plugin that hands over what the test gives it."""

    def __init__(self, *found: ServiceRecord | Withdrawn | SetAside, volunteers: Iterable[Volunteer] = ()) -> None:
        self.found = found
        self.volunteers = tuple(volunteers)

    @hookimpl
    def fetch_volunteers(self) -> Iterable[Volunteer | SetAside]:
        return self.volunteers

    @hookimpl
    def fetch_records(self) -> Iterable[ServiceRecord | Withdrawn | SetAside]:
        return self.found


def served(
    id: str, start: str, hours: int, volunteer: str = "V1", category: str = "civility", state: str = "filed"
) -> ServiceRecord:
    """A record in smallville: `start` is a local day and time, `2024-05-01 09:00`."""
    day, clock = date.fromisoformat(start[:10]), start[11:]
    second = int(clock[:2]) * 3600 + int(clock[3:]) * 60
    started = instant_at(day, second, ZoneInfo("Asia/Shanghai"))
    facts: dict[str, FactValue] = {"category": category, "state": state}
    return ServiceRecord(
        id=RecordId(id),
        registry=RegistryId("test"),
        volunteer=VolunteerId(volunteer),
        county=CountyId("smallville"),
        started_at=started,
        ended_at=started + hours * 3600,
        day=day,
        seconds=hours * 3600,
        facts=facts,
    )
