"""A county from a few lines of YAML, and the records of one person in it, as a clerk would write them down."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from lianxing.engine.compiling import load_policy
from lianxing.engine.counting import assess, counted
from lianxing.engine.layers import Shelf
from lianxing.engine.matchers import matcher_factory
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.standings import standing
from lianxing.rules import quantities
from lianxing.rules.assessments import Assessment
from lianxing.rules.facts import CountyId, FactValue, RecordId, RegistryId, VolunteerId
from lianxing.rules.policy import Policy
from lianxing.rules.records import ServiceRecord, Volunteer
from lianxing.rules.standings import Standing

SOMEBODY = Volunteer(VolunteerId("V1"), registered_on=date(2022, 3, 31), born_on=date(2004, 2, 29))

COUNTY = """
county: town
title: a town
in_force: {from: 2020-01-01, until: 2029-12-31}
time_zone: %s
holidays: CN
facts:
  category: {values: {training: {}, relief: {}, culture: {}}}
  evaluation: {values: {good: {}, fair: {}, poor: {}}}
  stamps: {type: whole, scope: record}
"""


@dataclass(frozen=True)
class Town:
    """A policy ready to be asked, and its words for records."""

    policy: Policy
    rulebook: Rulebook
    zone: ZoneInfo

    def record(
        self, start: str, end: str = "", *, id: str = "", minutes: int | None = None, activity: str = "", **facts: str
    ) -> ServiceRecord:
        """Return a record from `2024-06-15 09:00` to `11:00`, on the next day where that is not later.

        `minutes` is the time that the registry credits, by default all of it; a start without a time of day makes a
        record without times.
        """
        timed = len(start) > len("2024-06-15")
        began = self.instant(start if timed else f"{start} 00:00")
        ended = began + (minutes or 0) * 60 if not end else self._end(start, end, began)
        return ServiceRecord(
            id=RecordId(id or f"{start} {end}"),
            registry=RegistryId("test"),
            volunteer=SOMEBODY.id,
            county=self.policy.county.id,
            started_at=began,
            ended_at=ended,
            day=date.fromisoformat(start[:10]),
            seconds=ended - began if minutes is None else minutes * 60,
            timed=timed,
            activity=activity,
            facts={name: self._value(name, text) for name, text in facts.items()},
        )

    def instant(self, text: str) -> int:
        return int(datetime.fromisoformat(text).replace(tzinfo=self.zone).timestamp())

    def _end(self, start: str, end: str, began: int) -> int:
        if len(end) > len("11:00"):
            return self.instant(end)
        day = date.fromisoformat(start[:10])
        same_day = self.instant(f"{day} {end}")
        return same_day if same_day > began else self.instant(f"{day + timedelta(days=1)} {end}")

    def _value(self, name: str, text: str) -> FactValue:
        value = quantities.fact_value(self.policy.facts[name], text)
        assert value is not None, (name, text)
        return value

    def assess(self, *records: ServiceRecord, person: Volunteer = SOMEBODY) -> list[Assessment]:
        """Return what each record is worth, in the order in which they are given, however they are folded."""
        made = assess(self.rulebook, person, ((record, {}) for record in sorted(records, key=lambda r: r.order)))
        by_id = {assessment.record.id: assessment for assessment in made}
        return [by_id[record.id] for record in records]

    def minutes(self, *records: ServiceRecord) -> list[float]:
        return [assessment.seconds / 60 for assessment in self.assess(*records)]

    def hours(self, *records: ServiceRecord) -> list[float]:
        return [assessment.seconds / 3600 for assessment in self.assess(*records)]

    def points(self, *records: ServiceRecord) -> list[float]:
        return [assessment.points / 100 for assessment in self.assess(*records)]

    def refused_by(self, *records: ServiceRecord) -> list[str | None]:
        made = self.assess(*records)
        return [None if a.counted else a.refusals[-1].clause for a in made]

    def standing(self, on: str, *records: ServiceRecord, person: Volunteer = SOMEBODY) -> Standing:
        history = [counted(assessment) for assessment in self.assess(*records, person=person)]
        history.sort(key=lambda past: past.record.order)
        return standing(self.rulebook, person, history, date.fromisoformat(on))


def town(zone: str = "Asia/Shanghai", files: Mapping[str, str] | None = None, **chapters: str) -> Town:
    """Return the county with these chapters (and files beside them); PolicyError where it is not sound."""
    written = {f"{name}.yaml": text for name, text in chapters.items()}
    return _town(zone, tuple(({"county.yaml": COUNTY % zone} | written | dict(files or {})).items()))


@cache
def _town(zone: str, files: tuple[tuple[str, str], ...]) -> Town:
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "town"
        folder.mkdir()
        for name, text in files:
            (folder / name).write_text(text, encoding="utf-8")
        shelf = Shelf((("test", Path(root)),))
        found = shelf.folder("town")
        assert found is not None
        policy = load_policy(found, shelf)
    rulebook = Rulebook(policy, matcher_factory())
    rulebook.warm()
    assert policy.county.id == CountyId("town")
    return Town(policy, rulebook, ZoneInfo(zone))
