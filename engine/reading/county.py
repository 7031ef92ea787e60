"""The chapter `county.yaml`: who, where, in force when, based on what, and the words that the county adds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum
from zoneinfo import ZoneInfo

from lianxing.engine.holidays import countries
from lianxing.engine.reading.campaigns import Campaigns
from lianxing.engine.reading.conditions import RESERVED
from lianxing.engine.reading.forms import (
    DAY,
    SOURCE,
    Choice,
    Fields,
    Id,
    Key,
    LabelForm,
    MapOf,
    OneOrMore,
    Record,
    Schema,
    Text,
    scalar_text,
)
from lianxing.engine.reading.nodes import Entries, Node, Scalar
from lianxing.engine.reading.notes import Reading, nearest
from lianxing.rules.campaigns import Campaign
from lianxing.rules.facts import CodeValue, Fact, FactType, Scope
from lianxing.rules.known_facts import OPEN_FACTS
from lianxing.rules.places import Label, Language, Location, Source


@dataclass(frozen=True)
class LayerHead:
    """What one layer's county.yaml says; what it leaves out, the layer below says."""

    name: str
    label: Label
    region: str
    based_on: str
    based_on_at: Location
    in_force_from: date | None
    in_force_until: date | None
    counts_from: date | None
    time_zone: str
    source: Source
    facts: tuple[Fact, ...]
    location: Location
    calendar: str = ""
    campaigns: tuple[Campaign, ...] = ()
    in_force_at: Location = Location("", 0, 0)
    script: Language | None = None


@dataclass(frozen=True)
class Zone:
    """A time zone of the IANA data base."""

    def read(self, node: Node, reading: Reading) -> str | None:
        text = scalar_text(node, reading, "P112")
        if text is None:
            return None
        try:
            ZoneInfo(text)
        except (ValueError, OSError, LookupError):
            reading.problem(
                "P112", node.location, ("found", text[:40]), hint=nearest(text, ("Asia/Shanghai", "Asia/Urumqi", "UTC"))
            )
            return None
        return text

    def schema(self, script: Language) -> Schema:
        return {"type": "string"}


@dataclass(frozen=True)
class _Country:
    """The code of a country whose public holidays are known."""

    def read(self, node: Node, reading: Reading) -> str | None:
        text = scalar_text(node, reading, "P601")
        # China is known without asking the package, whose import takes a tenth of a second.
        if text not in (None, "CN") and text not in countries():
            reading.problem("P601", node.location, ("found", text[:40]), hint=nearest(text.upper(), countries()))
            return None
        return text

    def schema(self, script: Language) -> Schema:
        return {"type": "string", "pattern": "^[A-Z]{2}$"}


class FactScope(Enum):
    """Where a county may add a word: to the record or to the person."""

    RECORD = "record"
    PERSON = "person"


FACT_SCOPES = {"record": "记录", "person": "志愿者"}


class FactKind(Enum):
    """The types that a column of an export can have."""

    TEXT = "text"
    YES_NO = "yes_no"
    WHOLE = "whole"
    NUMBER = "number"
    DATE = "date"
    TIME = "time"
    DURATION = "duration"
    MONEY = "money"
    POINTS = "points"
    DAYS = "days"
    MONTHS = "months"


def _value(key: Scalar) -> Record[CodeValue]:
    def build(fields: Fields, reading: Reading) -> CodeValue | None:
        id = Id().read(key, reading)
        return None if id is None else CodeValue(id, fields.get("label", Label()), fields.get("codes", ()))

    return Record({"label": Key(LabelForm()), "codes": Key(OneOrMore(Text()))}, build)


def _code_of_two(values: tuple[CodeValue, ...], fields: Fields, reading: Reading) -> bool:
    """Note a registry's code or a name that two values of a fact share: an export could not tell them apart."""
    owner: dict[str, str] = {}
    shared = False
    for value in values:
        for name in {value.label.zh, value.label.en, *value.codes} - {"", value.id}:
            first = owner.setdefault(name, value.id)
            if first != value.id:
                shared = True
                reading.problem("P218", fields.place("values"), ("name", name), ("first", first), ("second", value.id))
    return shared


def _taken(word: str, reading: Reading) -> bool:
    known = reading.fact(word)
    return known is not None and known.name not in OPEN_FACTS


def _fact(key: Scalar) -> Record[Fact]:
    """A new word, or more values for one that is known; the values of the layers below stay."""

    def build(fields: Fields, reading: Reading) -> Fact | None:
        name = Id().read(key, reading)
        known = reading.fact(key.text)
        values = fields.get("values", ())
        if name is None:
            return None
        if known is not None and not ("type" in fields.values and known.name == name and name in OPEN_FACTS):
            wrong = [word for word in ("type", "scope", "spelling") if word in fields.values]
            for word in wrong[:1]:
                reading.problem("P214", fields.place(word), ("fact", name))
            if known.type is not FactType.TEXT or not values:
                if not wrong:
                    reading.problem("P214", key.location, ("fact", name))
                return None
            fresh = tuple({value.id: value for value in (*known.values, *values)}.values())
            if wrong or _code_of_two(fresh, fields, reading):
                return None
            return Fact(known.name, known.zh, known.type, known.scope, known.meaning, fresh)
        for word in ("type", "scope"):
            if word not in fields.values:
                reading.problem("P015", key.location, ("key", reading.spelled(word)))
        if "type" not in fields.values or "scope" not in fields.values:
            return None
        taken = [word for word in (name, fields.get("spelling", "")) if word in RESERVED or _taken(word, reading)]
        for word in taken:
            reading.problem("P214", fields.place("spelling") if word != name else key.location, ("fact", word))
        if taken:
            return None
        kind, scope = FactType(fields.get("type").value), Scope(fields.get("scope").value)
        if values and kind is not FactType.TEXT:
            reading.problem("P214", fields.place("values"), ("fact", name))
            return None
        if _code_of_two(values, fields, reading):
            return None
        return Fact(name, fields.get("spelling", ""), kind, scope, fields.get("meaning", Label()), values)

    return Record(
        {
            "type": Key(Choice(tuple(FactKind))),
            "scope": Key(Choice(tuple(FactScope), FACT_SCOPES)),
            "spelling": Key(Id()),
            "meaning": Key(LabelForm()),
            "values": Key(MapOf(_value)),
        },
        build,
    )


@dataclass(frozen=True)
class _Facts:
    """The words of a layer, none of them twice, not even once in each script."""

    def read(self, node: Node, reading: Reading) -> tuple[Fact, ...] | None:
        facts = MapOf(_fact).read(node, reading)
        first: dict[str, Location] = {}
        right = True
        for key, _item in node.entries if isinstance(node, Entries) else ():
            known = reading.fact(key.text)
            name = key.text if known is None else known.name
            if name in first:
                reading.problem("P003", key.location, ("key", key.text), ("first", first[name].line))
                right = False
            first.setdefault(name, key.location)
        return facts if right else None

    def schema(self, script: Language) -> Schema:
        return MapOf(_fact).schema(script)


def _in_force(fields: Fields, reading: Reading) -> tuple[date, date | None, date | None] | None:
    first, last, counts = fields.get("from"), fields.get("until"), fields.get("counts_from")
    for wrong, name in (
        (last is not None and last < first, "until"),
        (counts is not None and counts > first, "counts_from"),
    ):
        if wrong:
            reading.problem("P307", fields.place(name))
            return None
    return first, last, counts


def _head(fields: Fields, reading: Reading) -> LayerHead:
    first, last, counts_from = fields.get("in_force", (None, None, None))
    return LayerHead(
        name=fields.get("county", ""),
        label=fields.get("title", Label()),
        region=fields.get("region", ""),
        based_on=fields.get("based_on", ""),
        based_on_at=fields.place("based_on"),
        in_force_from=first,
        in_force_until=last,
        counts_from=counts_from,
        time_zone=fields.get("time_zone", ""),
        source=fields.get("source", Source()),
        facts=fields.get("facts", ()),
        location=fields.location,
        calendar=fields.get("holidays", ""),
        campaigns=fields.get("campaigns", ()),
        in_force_at=fields.place("in_force"),
        script=reading.script,
    )


@dataclass(frozen=True)
class _CountyForm(Record[LayerHead]):
    """What is right of the chapter goes on, so that the others are read too; without its facts they cannot be."""

    def read(self, node: Node, reading: Reading) -> LayerHead | None:
        if not isinstance(node, Entries):
            reading.expected("mapping", node)
            return None
        fields, _right = self.said(node, reading)
        unread = [name for name in ("facts", "campaigns") if name in fields.places and name not in fields.values]
        return None if unread else _head(fields, reading)


_IN_FORCE: Record[tuple[date, date | None, date | None]] = Record(
    {"from": Key(DAY, required=True), "until": Key(DAY), "counts_from": Key(DAY)}, _in_force
)

COUNTY: Record[LayerHead] = _CountyForm(
    {
        "county": Key(Id(), required=True),
        "title": Key(LabelForm(), required=True),
        "region": Key(Text()),
        "based_on": Key(Text()),
        "in_force": Key(
            Record({"from": Key(DAY, required=True), "until": Key(DAY), "counts_from": Key(DAY)}, _in_force)
        ),
        "time_zone": Key(Zone()),
        "source": Key(SOURCE),
        "holidays": Key(_Country()),
        "facts": Key(_Facts()),
        "campaigns": Key(Campaigns()),
    },
    _head,
)
