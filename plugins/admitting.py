"""Who and what may come in: a row that a registry should not have handed over stays out by itself, with its reason.

The same limits hold on every database. An id that no command could name would be of no use to anybody, and an index of
PostgreSQL could not hold it. What is told of a row names it by its id, and says nothing else that it holds of a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from lianxing.engine.bank.fields import CONTROL
from lianxing.engine.bank.sharing import may_be_person
from lianxing.engine.calendars import local_day
from lianxing.engine.ledger.checking import check_text, volunteer_row
from lianxing.engine.ledger.contents import check_version, content_of, is_unicode
from lianxing.engine.ledger.errors import InvalidError
from lianxing.rules.commands import FIRST_DAY, LAST_DAY
from lianxing.rules.facts import ID_CHARACTERS_MAX, INTEGER_MAX, TEXT_BYTES_MAX, Fact, FactType, FactValue
from lianxing.rules.policy import Policy
from lianxing.rules.records import ServiceRecord, SetAside, Volunteer, Withdrawn
from lianxing.rules.requests import is_menu

DAY_SECONDS = 86_400
SHOWN_CHARACTERS_MAX = 60
_FIRST, _LAST = (int(datetime.combine(day, time(), UTC).timestamp()) for day in (FIRST_DAY, LAST_DAY))

_Details = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Admission:
    """Looks at what comes in under a policy on the day of an import."""

    policy: Policy
    on: date

    def content(self, record: ServiceRecord) -> bytes | SetAside:
        """Return a record's content as it is kept; of one that should not have been handed over, why it stays out."""
        fault = _id_fault(("id", "registry", "volunteer"), record) or _id_fault(("organisation",), record, least=0)
        if fault is not None:
            return as_set_aside(record, *fault)
        try:
            content = content_of(record)
        except InvalidError:
            return as_set_aside(record, "", "not_exact")
        return self._unusable(record) or content

    def withdrawal(self, taken_back: Withdrawn) -> SetAside | None:
        """Return the reason why a withdrawal cannot be one."""
        fault = _id_fault(("id", "registry"), taken_back)
        if fault is None and is_menu(taken_back.registry):  # that is for a step of the request to say
            fault = ("registry", "own_registry", ())
        if fault is None:
            try:
                for name in ("reason", "actor"):
                    check_text(getattr(taken_back, name), name, "")
                check_version(taken_back.version, "")
            except InvalidError:
                fault = ("", "not_exact", ())
        return None if fault is None else withdrawal_set_aside(taken_back, *fault)

    def volunteer(self, registry: str, found: Volunteer) -> SetAside | None:
        """Return the reason why what a registry says of somebody cannot be kept."""
        fault = _id_fault(("id",), found)
        if fault is None and not may_be_person(found.id):
            fault = ("id", "no_person", ())
        if fault is None:
            try:
                volunteer_row(found)
            except InvalidError:
                fault = ("", "not_exact", ())
        if fault is None:
            return None
        heading, reason, details = fault
        return volunteer_set_aside(registry, found, heading, reason, details)

    def _unusable(self, record: ServiceRecord) -> SetAside | None:
        """Return the reason why a record, exact as it is, cannot be one of this county on the day of the import."""
        interval = record.ended_at - record.started_at
        if is_menu(record.registry):
            return as_set_aside(record, "registry", "own_registry")
        if record.county != self.policy.county.id:
            return as_set_aside(record, "county", "other_county")
        if not may_be_person(record.volunteer):
            return as_set_aside(record, "volunteer", "no_person", (("volunteer", str(record.volunteer)),))
        if not _FIRST <= record.started_at <= _LAST or not _FIRST <= record.ended_at <= _LAST:
            return self._out_of_the_calendar(record)
        if local_day(record.started_at, self._zone) != record.day:
            return as_set_aside(record, "day", "wrong_day")
        if record.day > self.on or local_day(max(record.started_at, record.ended_at - 1), self._zone) > self.on:
            return as_set_aside(record, "ended_at", "future_date", (("on", self.on.isoformat()),))
        if record.seconds < 0:
            return as_set_aside(record, "seconds", "negative_duration")
        if interval < 0:
            return as_set_aside(record, "ended_at", "end_before_start")
        if max(record.seconds, interval) > DAY_SECONDS:
            return as_set_aside(record, "seconds", "over_24_hours")
        if record.timed and record.seconds > interval:
            details = (("stated", str(record.seconds)), ("interval", str(interval)), ("tolerance", "0"))
            return as_set_aside(record, "seconds", "duration_disagrees", details)
        for name, value in record.facts.items():
            if value in self._declared.get(name, ()):
                continue
            fact = self.policy.facts.get(name)
            if fact is None:
                return as_set_aside(record, name, "unknown_fact")
            if not is_value(fact, value):
                return as_set_aside(record, name, "unknown_value")
        return None

    def _out_of_the_calendar(self, record: ServiceRecord) -> SetAside:
        name = "ended_at" if _FIRST <= record.started_at <= _LAST else "started_at"
        if getattr(record, name) < _FIRST:
            return as_set_aside(record, name, "too_early", (("earliest", str(FIRST_DAY.year)),))
        return as_set_aside(record, name, "future_date", (("on", self.on.isoformat()),))

    @cached_property
    def _declared(self) -> Mapping[str, frozenset[FactValue]]:
        """The values that each fact of text declares."""
        facts = self.policy.facts.items()
        return {name: frozenset(one.id for one in fact.values) for name, fact in facts if fact.type is FactType.TEXT}

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.policy.county.time_zone)


def is_value(fact: Fact, value: object) -> bool:
    """Tell whether a plugin's value is one of the fact's: of its type, and declared where values are declared."""
    if fact.type is FactType.TEXT:
        if type(value) is not str or len(value.encode(errors="replace")) > TEXT_BYTES_MAX or not is_unicode(value):
            return False
        return not fact.values or any(value == known.id for known in fact.values)
    return type(value) is int and abs(value) <= INTEGER_MAX


def as_set_aside(record: ServiceRecord, heading: str, reason: str, details: _Details = ()) -> SetAside:
    """Return a record that was understood and does not go in; `heading` is the field of the record that tells why."""
    id = shown(record.id)
    content = {"id": id, "day": str(record.day), "seconds": str(record.seconds)}
    return SetAside(
        record.source or shown(record.registry), record.row, heading, reason, (("id", id), *details), content
    )


def volunteer_set_aside(registry: str, found: Volunteer, heading: str, reason: str, details: _Details = ()) -> SetAside:
    """Return what a registry says of somebody and does not go in."""
    id = shown(found.id)
    return SetAside(registry, 0, heading, reason, (("id", id), *details), {"id": id})


def withdrawal_set_aside(taken_back: Withdrawn, heading: str, reason: str, details: _Details = ()) -> SetAside:
    """Return a withdrawal that does not go in."""
    id = shown(taken_back.id)
    return SetAside(shown(taken_back.registry), 0, heading, reason, (("id", id), *details), {"id": id})


def shown(id: object) -> str:
    r"""Return an id, whatever was given for one, as it may be written into a list.

    >>> shown("2024/17"), shown("a\ud800"), shown("x" * 100) == "x" * 60 + "..."
    ('2024/17', 'a\\ud800', True)
    """
    text = str(id).encode(errors="backslashreplace").decode()
    return text if len(text) <= SHOWN_CHARACTERS_MAX else f"{text[:SHOWN_CHARACTERS_MAX]}..."


def _id_fault(names: Iterable[str], of: object, least: int = 1) -> tuple[str, str, _Details] | None:
    """Return which of these fields is no id, and why."""
    for name in names:
        id: Any = getattr(of, name)
        if type(id) is not str or len(id) < least:
            return (name, "not_exact", ())
        if len(id) > ID_CHARACTERS_MAX:
            return (name, "id_too_long", (("characters_max", str(ID_CHARACTERS_MAX)),))
        if not id.isprintable() and CONTROL.search(id):
            return (name, "bad_character", ())
    return None
