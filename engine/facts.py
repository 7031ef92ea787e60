"""What a record, a day and a person say, as flat facts; only what is asked is worked out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from zoneinfo import ZoneInfo

from lianxing.engine.calendars import WorkingCalendar, local_day, local_second
from lianxing.engine.review import EVALUATION_FACTS, evaluated
from lianxing.engine.rulebook import HISTORY, Rulebook
from lianxing.rules.assessments import Working
from lianxing.rules.facts import MONTH_PARTS, FactValue
from lianxing.rules.periods import completed_months, months_and_days, months_within
from lianxing.rules.records import ServiceRecord, Volunteer

EVERYTHING = frozenset(("tenure", "age"))  # all that is worked out of a person only where it is asked
SERVICE = "service"  # what a record is of where the registry does not say
CLOCK_FACTS = frozenset(("start_time", "end_time"))
CROSSES = "crosses_midnight"
DERIVED_FACTS = {  # what follows from the day of service and from the day that another fact names
    f"{unit}_to_{what}": on
    for what, on in (("entry", "recorded_on"), ("evaluation", "evaluated_on"))
    for unit in ("days", "working_days", "months")
}


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


def clock_facts(started_at: int, ended_at: int, zone: ZoneInfo) -> dict[str, FactValue]:
    """Return the times of day of a part; an end at midnight is missing, because it belongs to the next day."""
    end = local_second(ended_at, zone)
    start: dict[str, FactValue] = {"start_time": local_second(started_at, zone)}
    return start if end == 0 else start | {"end_time": end}


def whole_facts(
    rulebook: Rulebook, record: ServiceRecord, supplied: Mapping[str, FactValue], asked: frozenset[str]
) -> tuple[dict[str, FactValue], Working | None]:
    """Return what a record says as a whole: what was reported, what follows from its days, its evaluation and how."""
    facts = record_facts(record, supplied)
    for name, dated in DERIVED_FACTS.items() if not asked.isdisjoint(DERIVED_FACTS) else ():
        on = facts.get(dated) if name in asked else None
        value = _taken(name, rulebook.calendar, record.day, date.fromordinal(on)) if isinstance(on, int) else None
        if value is not None:
            facts[name] = value
    if CROSSES in asked and record.timed and record.ended_at > record.started_at:
        facts[CROSSES] = int(local_day(record.ended_at - 1, rulebook.calendar.zone) != record.day)
    facts, note = evaluated(rulebook, facts, record.day)
    return facts, note if note is not None and not EVALUATION_FACTS.isdisjoint(asked) else None


def _taken(name: str, calendar: WorkingCalendar, day: date, on: date) -> int | None:
    """Return how long it took from the day of service, which is not counted, until a later day; 0 where it is none."""
    if on <= day:
        return 0
    if name.startswith("working_days"):
        return calendar.working_days_between(day, on)
    return (on - day).days if name.startswith("days") else months_within(day, on) * MONTH_PARTS


def past_facts(rulebook: Rulebook, record: ServiceRecord, supplied: Mapping[str, FactValue]) -> dict[str, FactValue]:
    """Return what a counted record says to the measures: as a whole, on the day on which it began."""
    asked = rulebook.asked(HISTORY)
    facts, _note = whole_facts(rulebook, record, supplied, asked)
    facts |= rulebook.calendar.facts(record.day, rulebook.asked_of_day(frozenset(asked)))
    facts["volunteer"] = record.volunteer
    if record.timed and not CLOCK_FACTS.isdisjoint(asked):
        facts.pop("end_time", None)
        facts |= clock_facts(record.started_at, record.ended_at, rulebook.calendar.zone)
    return facts


def person_facts(volunteer: Volunteer, day: date, asked: Collection[str]) -> dict[str, FactValue]:
    """Return what is known of the person on a day."""
    facts = dict(volunteer.facts)
    if volunteer.registered_on is not None:
        facts["registered_on"] = volunteer.registered_on.toordinal()
        if "tenure" in asked:
            months, days = months_and_days(volunteer.registered_on, day)
            if months >= 0:  # nobody is registered for so long before the day of registration
                facts["tenure"] = months * MONTH_PARTS + days
        facts["tenure_days"] = (day - volunteer.registered_on).days
    if volunteer.born_on is not None and "age" in asked:
        facts["age"] = completed_months(volunteer.born_on, day) // 12
    return facts
