"""What a case tells: facts by name, and records as a clerk would write them down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from lianxing.engine.calendars import instant_at, midnight
from lianxing.engine.facts import SERVICE
from lianxing.engine.reading.conditions import Operand
from lianxing.engine.reading.forms import DAY, TIME, Amount, Form, Id, Schema, Text
from lianxing.engine.reading.nodes import Entries, Node, Scalar
from lianxing.engine.reading.notes import Reading, spaced
from lianxing.engine.reading.vocabulary import KEY_OF
from lianxing.rules.facts import CountyId, FactType, FactValue, RecordId, RegistryId, Scope, VolunteerId
from lianxing.rules.places import Language, Location
from lianxing.rules.policy import Policy
from lianxing.rules.records import ServiceRecord

REGISTRY = RegistryId("case")
VOLUNTEER = VolunteerId("case")
DAY_SECONDS = 86_400
BORN_ON = "born_on"

_OWN: Mapping[str, Form[Any]] = {"on": DAY, "start": TIME, "end": TIME, "id": Id()}
_WHO: Mapping[str, Form[Any]] = {"volunteer": Id()}
_NAMED: Mapping[str, Form[Any]] = {
    "activity": Text(),
    "organisation": Text(),
    "registry": Id(),
    "duration": Amount(FactType.DURATION, 0, 100 * 366 * 86_400),
}


@dataclass(frozen=True)
class FactsForm:
    """A mapping from facts of one scope to their values, in held units."""

    scopes: frozenset[Scope]

    def read(self, node: Node, reading: Reading) -> dict[str, FactValue] | None:
        if not isinstance(node, Entries):
            reading.expected("mapping", node)
            return None
        values: dict[str, FactValue] = {}
        right = True
        for key, item in node.entries:
            fact = reading.fact(key.text)
            if fact is None or fact.scope not in self.scopes:
                code = "P301" if fact is None else "P304"
                if fact is not None or not reading.full_width(key):
                    meant = spaced(key) or reading.nearest_fact(key.text)
                    reading.problem(code, key.location, ("fact", key.text), hint=meant)
                right = False
                continue
            value = Operand(fact).read(item, reading)
            if value is None:
                right = False
            else:
                values[fact.name] = value
        return values if right else None

    def schema(self, script: Language) -> Schema:
        return {"type": "object", "additionalProperties": {"type": ["string", "number"]}}


@dataclass(frozen=True)
class PersonForm(FactsForm):
    """Facts of a person, and the day of birth, from which the age follows."""

    def read(self, node: Node, reading: Reading) -> dict[str, FactValue] | None:
        if not isinstance(node, Entries):
            return FactsForm.read(self, node, reading)
        births = [(k, item) for k, item in node.entries if KEY_OF.get(k.text, k.text) == BORN_ON]
        rest = tuple(entry for entry in node.entries if entry not in births)
        facts = FactsForm.read(self, Entries(rest, node.location), reading)
        for _key, item in births:
            born = DAY.read(item, reading)
            if born is None or facts is None:
                return None
            facts[BORN_ON] = born.toordinal()
        return facts


@dataclass(frozen=True)
class Told:
    """A record of a story: facts of the record, and when it was."""

    day: date | None
    started: int | None
    ended: int | None
    seconds: int | None
    id: str
    activity: str
    organisation: str
    registry: str
    volunteer: str
    facts: Mapping[str, FactValue]
    location: Location


@dataclass(frozen=True)
class ToldForm:
    """One record: `{category: training, duration: 29 minutes}`, with `on`, `start` and `end` where it matters.

    Where a story is about `several` people, a record may say whose it is.
    """

    several: bool = False

    def read(self, node: Node, reading: Reading) -> Told | None:
        if not isinstance(node, Entries):
            reading.expected("mapping", node)
            return None
        known = {**_OWN, **(_WHO if self.several else {})}
        own: dict[str, Any] = {}
        rest: list[tuple[Scalar, Node]] = []
        right = True
        for key, item in node.entries:
            fact = reading.fact(key.text)
            name = fact.name if fact is not None else KEY_OF.get(key.text, key.text)
            form = _NAMED.get(name) or known.get(name)
            if form is None:
                rest.append((key, item))
                continue
            if name in known:
                reading.key(key, known)
            own[name] = form.read(item, reading)
            right = right and own[name] is not None
        facts = FactsForm(frozenset((Scope.RECORD,))).read(Entries(tuple(rest), node.location), reading)
        if facts is None or not right:
            return None
        told = Told(
            day=own.get("on"),
            started=own.get("start"),
            ended=own.get("end"),
            seconds=own.get("duration"),
            id=own.get("id", ""),
            activity=own.get("activity", ""),
            organisation=own.get("organisation", ""),
            registry=own.get("registry", REGISTRY),
            volunteer=own.get("volunteer", ""),
            facts=facts,
            location=node.location,
        )
        event = told.facts.get("kind", SERVICE) != SERVICE  # it takes no time where none is said
        if told.seconds is None and (told.started is None or told.ended is None) and not event:
            reading.problem("P506", node.location)
            return None
        if told.seconds is not None and told.started is not None and told.ended is not None:
            stated = told.ended - told.started
            if told.seconds > (stated if stated >= 0 else stated + DAY_SECONDS):
                reading.problem("P509", node.location)
                return None
        return told

    def schema(self, script: Language) -> Schema:
        return {"type": "object", "additionalProperties": {"type": ["string", "number"]}}


def stars_known(policy: Policy, told: Iterable[tuple[FactValue | None, Location]], reading: Reading) -> bool:
    """Nobody holds a star above the ladder, where there is one."""
    top = policy.stars.levels[-1].star if policy.stars is not None else None
    above = [(star, place) for star, place in told if top is not None and isinstance(star, int) and star > top]
    for star, place in above:
        reading.problem("P317", place, ("star", star), ("top", top))
    return not above


def told_record(
    county: CountyId, told: Told, index: int, on: date, zone: ZoneInfo, volunteer: VolunteerId
) -> ServiceRecord:
    """Return a record as the ledger would hold it; without a day of its own it was on the day of the case."""
    day = told.day or on
    if told.started is None:
        started = midnight(day, zone)
        seconds = told.seconds or 0
        ended = started + seconds
    else:
        started = instant_at(day, told.started, zone)
        ended = started + (told.seconds or 0)
        if told.ended is not None:
            ended = instant_at(day, told.ended, zone)
            if ended < started:  # past midnight
                ended = instant_at(date.fromordinal(day.toordinal() + 1), told.ended, zone)
        seconds = ended - started if told.seconds is None else told.seconds
    return ServiceRecord(
        id=RecordId(told.id or str(index)),
        registry=RegistryId(told.registry),
        volunteer=VolunteerId(told.volunteer) if told.volunteer else volunteer,
        county=county,
        started_at=started,
        ended_at=ended,
        day=day,
        seconds=seconds,
        timed=told.started is not None,
        activity=told.activity,
        organisation=told.organisation,
        facts=told.facts,
    )
