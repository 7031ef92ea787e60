"""What a record, a day and a person say, as flat facts; only what is asked is worked out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from functools import lru_cache
from zoneinfo import ZoneInfo

from lianxing.engine.calendars import local_second
from lianxing.rules.facts import FactValue
from lianxing.rules.periods import completed_months
from lianxing.rules.records import ServiceRecord, Volunteer

SERVICE = "service"  # what a record is of where the registry does not say
CLOCK_FACTS = frozenset(("start_time", "end_time"))


def record_facts(record: ServiceRecord, supplied: Mapping[str, FactValue]) -> dict[str, FactValue]:
    """Return what the record says; a plugin's facts come first, the registry's own win."""
    facts = {"kind": SERVICE, **supplied, **record.facts}
    if record.activity:
        facts["activity"] = record.activity
    if record.organisation:
        facts["organisation"] = record.organisation
    facts["registry"] = record.registry
    facts["duration"] = record.seconds
    return facts


@lru_cache(maxsize=4096)
def calendar_facts(day: date) -> Mapping[str, FactValue]:
    """Return what the day itself says."""
    return {"day": day.toordinal(), "weekday": day.isoweekday(), "month": day.month, "day_of_month": day.day}


def clock_facts(started_at: int, ended_at: int, zone: ZoneInfo) -> dict[str, FactValue]:
    """Return the times of day of a part; an end at midnight is missing, because it belongs to the next day."""
    end = local_second(ended_at, zone)
    start: dict[str, FactValue] = {"start_time": local_second(started_at, zone)}
    return start if end == 0 else start | {"end_time": end}


def past_facts(
    record: ServiceRecord, supplied: Mapping[str, FactValue], zone: ZoneInfo, asked: Collection[str]
) -> dict[str, FactValue]:
    """Return what a counted record says to the measures: as a whole, on the day on which it began."""
    facts = {**record_facts(record, supplied), **calendar_facts(record.day)}
    if record.timed and not CLOCK_FACTS.isdisjoint(asked):
        facts.pop("end_time", None)
        facts |= clock_facts(record.started_at, record.ended_at, zone)
    return facts


def person_facts(volunteer: Volunteer, day: date, asked: Collection[str]) -> dict[str, FactValue]:
    """Return what is known of the person on a day."""
    facts = dict(volunteer.facts)
    if volunteer.registered_on is not None:
        facts["registered_on"] = volunteer.registered_on.toordinal()
        if "tenure" in asked:
            facts["tenure"] = completed_months(volunteer.registered_on, day)
        facts["tenure_days"] = (day - volunteer.registered_on).days
    if volunteer.born_on is not None and "age" in asked:
        facts["age"] = completed_months(volunteer.born_on, day) // 12
    return facts
