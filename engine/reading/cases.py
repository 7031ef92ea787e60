"""The chapter `cases.yaml`: a list of small stories, typed against the county's own words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from lianxing.engine.calendars import instant_at, midnight
from lianxing.engine.reading.chapters import Folder, parsed
from lianxing.engine.reading.conditions import Operand
from lianxing.engine.reading.forms import (
    DAY,
    SOURCE,
    TIME,
    Amount,
    Choice,
    Fields,
    Form,
    Id,
    Key,
    ListOf,
    Reading,
    Record,
    Schema,
    Text,
    nearest,
    number,
    whole,
)
from lianxing.engine.reading.nodes import Entries, Items, Node, Scalar
from lianxing.engine.reading.perks import STARS_FACT
from lianxing.engine.reading.vocabulary import KEY_OF
from lianxing.rules import quantities
from lianxing.rules.cases import Case, Expected
from lianxing.rules.conditions import facts_of
from lianxing.rules.facts import FactType, FactValue, RecordId, RegistryId, Scope, VolunteerId
from lianxing.rules.hours import Overflow
from lianxing.rules.places import Language, Location, Source
from lianxing.rules.policy import Policy
from lianxing.rules.problems import Problem
from lianxing.rules.records import ServiceRecord, Volunteer

VOLUNTEER = VolunteerId("case")
REGISTRY = RegistryId("case")
HOUR_SECONDS = 3600
DAY_SECONDS = 86_400

_CLOCK = frozenset(("start_time", "end_time"))
_OWN: Mapping[str, Form[Any]] = {"on": DAY, "start": TIME, "end": TIME, "id": Id()}
_NAMED: Mapping[str, Form[Any]] = {
    "activity": Text(),
    "organisation": Text(),
    "registry": Id(),
    "duration": Amount(FactType.DURATION, 0, 100 * 366 * 86_400),
}


@dataclass(frozen=True)
class _Facts:
    """A mapping from facts of one scope to their values, in held units."""

    scopes: frozenset[Scope]

    def read(self, node: Node, reading: Reading) -> dict[str, FactValue] | None:
        if not isinstance(node, Entries):
            reading.problem("P014", node.location, ("expected", "mapping"))
            return None
        values: dict[str, FactValue] = {}
        right = True
        for key, item in node.entries:
            fact = reading.fact(key.text)
            if fact is None or fact.scope not in self.scopes:
                code = "P301" if fact is None else "P304"
                reading.problem(code, key.location, ("fact", key.text), hint=reading.nearest_fact(key.text))
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
class _Told:
    """A record of a story: facts of the record, and when it was."""

    day: date | None
    started: int | None
    ended: int | None
    seconds: int | None
    id: str
    activity: str
    organisation: str
    registry: str
    facts: Mapping[str, FactValue]
    location: Location


@dataclass(frozen=True)
class _ToldForm:
    """One record: `{category: training, duration: 29 minutes}`, with `on`, `start` and `end` where it matters."""

    def read(self, node: Node, reading: Reading) -> _Told | None:
        if not isinstance(node, Entries):
            reading.problem("P014", node.location, ("expected", "mapping"))
            return None
        own: dict[str, Any] = {}
        rest: list[tuple[Scalar, Node]] = []
        right = True
        for key, item in node.entries:
            fact = reading.fact(key.text)
            name = fact.name if fact is not None else KEY_OF.get(key.text, key.text)
            form = _NAMED.get(name) or _OWN.get(name)
            if form is None:
                rest.append((key, item))
                continue
            if name in _OWN:
                reading.key(key, _OWN)
            own[name] = form.read(item, reading)
            right = right and own[name] is not None
        facts = _Facts(frozenset((Scope.RECORD,))).read(Entries(tuple(rest), node.location), reading)
        if facts is None or not right:
            return None
        told = _Told(
            day=own.get("on"),
            started=own.get("start"),
            ended=own.get("end"),
            seconds=own.get("duration"),
            id=own.get("id", ""),
            activity=own.get("activity", ""),
            organisation=own.get("organisation", ""),
            registry=own.get("registry", REGISTRY),
            facts=facts,
            location=node.location,
        )
        if told.seconds is None and (told.started is None or told.ended is None):
            reading.problem("P506", node.location)
            return None
        if told.seconds is not None and told.started is not None and told.ended is not None:
            stated = told.ended - told.started
            if told.seconds > (stated if stated > 0 else stated + DAY_SECONDS):
                reading.problem("P509", node.location)
                return None
        return told

    def schema(self, script: Language) -> Schema:
        return {"type": "object", "additionalProperties": {"type": ["string", "number"]}}


@dataclass(frozen=True)
class _PerksForm:
    """A list of perks, or a mapping from perk to what is paid of the case's price."""

    def read(self, node: Node, reading: Reading) -> dict[str, int | None] | None:
        if isinstance(node, Items):
            names = ListOf(Id(), least=0).read(node, reading)
            return None if names is None else dict.fromkeys(names)
        if not isinstance(node, Entries):
            reading.problem("P014", node.location, ("expected", "list"))
            return None
        paid = {key.text: Amount(FactType.MONEY).read(item, reading) for key, item in node.entries}
        return None if None in paid.values() else dict(paid)

    def schema(self, script: Language) -> Schema:
        names: Schema = {"type": "array", "items": {"type": "string"}}
        return {"anyOf": [names, {"type": "object", "additionalProperties": {"type": "string"}}]}


@dataclass(frozen=True)
class _Overflows:
    """What limits took off, by where it goes: `{donation_pool: 15 hours}`; points where no unit is said."""

    def read(self, node: Node, reading: Reading) -> dict[tuple[str, str], int] | None:
        if not isinstance(node, Entries):
            reading.problem("P014", node.location, ("expected", "mapping"))
            return None
        found: dict[tuple[str, str], int] = {}
        for key, item in node.entries:
            goes_to = Choice(_GOES_TO).read(key, reading)
            timed = isinstance(item, Scalar) and quantities.amount(item.text, FactType.DURATION) is not None
            amount = Amount(FactType.DURATION if timed else FactType.POINTS).read(item, reading)
            if goes_to is not None and amount is not None:
                found[goes_to.value, "seconds" if timed else "points"] = amount
        return found if len(found) == len(node.entries) else None

    def schema(self, script: Language) -> Schema:
        return {"type": "object", "additionalProperties": {"type": ["string", "number"]}}


_GOES_TO = tuple(overflow for overflow in Overflow if overflow is not Overflow.LOST)
_AMOUNTS: Mapping[str, Key[Any]] = {"points": Key(number()), "hours": Key(number(0))}
_EARNS: Record[Fields] = Record(
    {
        **_AMOUNTS,
        "pending": Key(Record(_AMOUNTS, lambda fields, _reading: fields)),
        "overflows": Key(_Overflows()),
    },
    lambda fields, _reading: fields,
)
_GIVEN = frozenset((Scope.MEASURE, Scope.STANDING))
_STORY = ("record", "records", "given")
_ASKED = ("earns", "star", "perks", "because", "refused_by", "still_missing", "measures")


def case_form(build: Callable[[Fields, Reading], Case | None]) -> ListOf[Case]:
    """Return the form of a county's cases; `build` knows the county."""
    return ListOf(
        Record(
            {
                "name": Key(Text(), required=True),
                "on": Key(DAY, required=True),
                "person": Key(_Facts(frozenset((Scope.PERSON,)))),
                "record": Key(_ToldForm()),
                "records": Key(ListOf(_ToldForm())),
                "given": Key(_Facts(_GIVEN)),
                "price": Key(Amount(FactType.MONEY)),
                "earns": Key(_EARNS),
                "star": Key(whole(0, 20)),
                "perks": Key(_PerksForm()),
                "because": Key(ListOf(Id())),
                "refused_by": Key(Id()),
                "still_missing": Key(_Facts(frozenset((Scope.MEASURE, Scope.PERSON)))),
                "measures": Key(_Facts(frozenset((Scope.MEASURE,)))),
                "source": Key(SOURCE),
            },
            build,
        )
    )


def read_cases(folder: Folder, policy: Policy, problems: list[Problem]) -> tuple[Case, ...]:
    """Return the cases of a county's own folder; a county without any is a problem."""
    content = folder.content("cases.yaml")
    if content is None:
        problems.append(Problem("P507", folder.place("cases.yaml")))
        return ()
    facts = {**policy.facts, STARS_FACT.name: STARS_FACT}
    reading = Reading("", facts, problems, layer=folder.id, beside=folder.content, source=Source())
    node = parsed(folder, "cases.yaml", content, reading)
    form = case_form(lambda fields, reading: _case(policy, fields, reading))
    cases = None if node is None else form.read(node, reading)
    first: dict[str, Location] = {}
    for case in cases or ():
        if case.name in first:
            problems.append(Problem("P501", case.location, (("name", case.name),)))
        first.setdefault(case.name, case.location)
    return cases or ()


def _case(policy: Policy, fields: Fields, reading: Reading) -> Case | None:
    said = [key for key in _STORY if key in fields.values]
    if len(said) != 1:
        reading.problem("P502", fields.place(said[1]) if said else fields.location)
        return None
    if not any(key in fields.values for key in _ASKED):
        reading.problem("P505", fields.location)
        return None
    told = fields.get("records") or ((fields.get("record"),) if "record" in fields.values else ())
    given = dict(fields.get("given", {}))
    star = given.pop(STARS_FACT.name, None)
    zone = ZoneInfo(policy.county.time_zone)
    right = _times_known(policy, told, reading)
    for one in told:
        if one.day is not None and one.day > fields.get("on"):
            reading.problem("P508", one.location, ("on", fields.get("on")))
            right = False
    right = _clauses_known(policy, fields, reading) and right
    if not right:
        return None
    person = dict(fields.get("person", {}))
    registered = person.pop("registered_on", None)
    on: date = fields.get("on")
    records = [_record(policy, one, index, on, zone) for index, one in enumerate(told, 1)]
    return Case(
        name=fields.get("name"),
        location=fields.location,
        source=fields.get("source", Source()),
        on=on,
        volunteer=Volunteer(VOLUNTEER, date.fromordinal(registered) if registered is not None else None, None, person),
        records=tuple(sorted(records, key=lambda record: record.order)),
        given=given,
        star=star if isinstance(star, int) else None,
        price=fields.get("price"),
        expected=_expected(fields),
    )


def _expected(fields: Fields) -> Expected:
    earns: Fields | None = fields.get("earns")
    nothing = earns is not None and not earns.values  # `earns: {}` is nothing at all; else only what is named is asked
    seconds, points = (0, 0) if nothing else _amounts(earns)
    pending_seconds, pending_points = _amounts(None if earns is None else earns.get("pending"))
    return Expected(
        seconds=seconds,
        points=points,
        pending_seconds=pending_seconds,
        pending_points=pending_points,
        overflows=None if earns is None else earns.get("overflows"),
        star=fields.get("star"),
        because=fields.get("because"),
        refused_by=fields.get("refused_by"),
        perks=fields.get("perks"),
        missing=fields.get("still_missing"),
        measures=fields.get("measures"),
    )


def _amounts(said: Fields | None) -> tuple[int | None, int | None]:
    """Return the seconds and hundredths of a point that a case names, None for what it does not ask."""
    hours, points = (None, None) if said is None else (said.get("hours"), said.get("points"))
    return None if hours is None else hours * HOUR_SECONDS, None if points is None else points * 100


def _times_known(policy: Policy, told: tuple[_Told, ...], reading: Reading) -> bool:
    """A story without times of day cannot prove a rule that asks for them."""
    asking = next(
        (
            step.clause.id
            for step in (*policy.hours, *policy.earning)
            for condition in (step.when, getattr(step, "condition", None))
            if condition is not None and not _CLOCK.isdisjoint(facts_of(condition))
        ),
        None,
    )
    untimed = [one for one in told if one.started is None]
    for one in untimed if asking is not None else ():
        reading.problem("P503", one.location, ("clause", asking))
    return asking is None or not untimed


def _clauses_known(policy: Policy, fields: Fields, reading: Reading) -> bool:
    known = {clause.id for clause in policy.clauses} | {"county"}
    named = [("because", id) for id in fields.get("because", ())]
    named += [("refused_by", fields.get("refused_by"))] if "refused_by" in fields.values else []
    named += [("perks", id) for id in fields.get("perks", {})]
    unknown = [(key, id) for key, id in named if id not in known]
    for key, id in unknown:
        reading.problem("P504", fields.place(key), ("id", id), hint=nearest(id, sorted(known)))
    return not unknown


def _record(policy: Policy, told: _Told, index: int, on: date, zone: ZoneInfo) -> ServiceRecord:
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
            if ended <= started:  # past midnight
                ended = instant_at(date.fromordinal(day.toordinal() + 1), told.ended, zone)
        seconds = ended - started if told.seconds is None else told.seconds
    return ServiceRecord(
        id=RecordId(told.id or str(index)),
        registry=RegistryId(told.registry),
        volunteer=VOLUNTEER,
        county=policy.county.id,
        started_at=started,
        ended_at=ended,
        day=day,
        seconds=seconds,
        timed=told.started is not None,
        activity=told.activity,
        organisation=told.organisation,
        facts=told.facts,
    )
