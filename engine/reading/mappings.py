"""Mapping files: which column of a registry's export means what, as a small YAML file with its problems by line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lianxing.engine.reading import pyyaml
from lianxing.engine.reading.county import Zone
from lianxing.engine.reading.forms import (
    YES_NO,
    Amount,
    Choice,
    Fields,
    Form,
    Id,
    Key,
    LabelForm,
    OneOrMore,
    Record,
    Schema,
    Text,
    read_whole,
)
from lianxing.engine.reading.nodes import Entries, Node, Scalar
from lianxing.engine.reading.notes import Reading, nearest
from lianxing.engine.reading.vocabulary import KEY_OF, KEYS
from lianxing.rules.facts import Fact, FactType, RegistryId, Scope
from lianxing.rules.mappings import Column, DurationUnit, ExportMapping
from lianxing.rules.places import Language, Location
from lianxing.rules.problems import PolicyError, Problem
from lianxing.rules.requests import is_menu

RECORD_TARGETS = (
    "id",
    "volunteer",
    "activity",
    "organisation",
    "started_at",
    "ended_at",
    "duration",
    "county",
    "version",
)
RECORD_NEEDED = ("id", "volunteer", "started_at")
VOLUNTEER_TARGETS = ("id", "registered_on", "born_on")
VOLUNTEER_NEEDED = ("id",)
WORKED_OUT = frozenset(("registry", "start_time", "end_time", "tenure", "tenure_days"))


def _named(target: str, reading: Reading) -> str:
    """Return a target in the script of the file: a key of the language, or else a fact."""
    fact = None if target in KEYS else reading.facts.get(target)
    return reading.spelled(target) if fact is None else reading.named(fact)


@dataclass(frozen=True)
class _Values:
    """What cell texts stand for."""

    def read(self, node: Node, reading: Reading) -> dict[str, str] | None:
        if not isinstance(node, Entries) or not node.entries:
            reading.expected("mapping", node)
            return None
        values = {key.text: Text().read(item, reading) for key, item in node.entries}
        return None if None in values.values() else {key: value for key, value in values.items() if value is not None}

    def schema(self, script: Language) -> Schema:
        return {"type": "object", "minProperties": 1, "additionalProperties": {"type": ["string", "number"]}}


@dataclass(frozen=True)
class _ColumnForm:
    """A heading, several that mean the same, or `{column, values, constant, build_from}`."""

    target: str

    def read(self, node: Node, reading: Reading) -> Column | None:
        if not isinstance(node, Entries):
            headings = OneOrMore(Text()).read(node, reading)
            return None if headings is None else Column(self.target, headings, node.location, {})
        return self._record().read(node, reading)

    def _record(self) -> Record[Column]:
        keys: dict[str, Key[Any]] = {
            "column": Key(OneOrMore(Text())),
            "values": Key(_Values()),
            "constant": Key(Text()),
            "build_from": Key(OneOrMore(Text())),
        }
        return Record(keys, self._built)

    def _built(self, fields: Fields, reading: Reading) -> Column | None:
        if not any(key in fields.values for key in ("column", "constant", "build_from")):
            reading.problem("P210", fields.location, ("known", "column, constant, build_from"))
            return None
        return Column(
            target=self.target,
            headings=fields.get("column", ()),
            location=fields.location,
            values=fields.get("values", {}),
            constant=fields.get("constant"),
            build_from=fields.get("build_from", ()),
        )

    def schema(self, script: Language) -> Schema:
        return {"anyOf": [OneOrMore(Text()).schema(script), self._record().schema(script)]}


@dataclass(frozen=True)
class _Columns:
    """A mapping from targets, the core fields and the declared facts of one scope, to columns."""

    targets: tuple[str, ...]
    needed: tuple[str, ...]
    scope: Scope

    def read(self, node: Node, reading: Reading) -> tuple[Column, ...] | None:
        if not isinstance(node, Entries):
            reading.expected("mapping", node)
            return None
        columns: list[Column] = []
        for key, item in node.entries:
            target = self._target(key, reading)
            column = None if target is None else _ColumnForm(target).read(item, reading)
            if column is not None:
                columns.append(column)
        found = {column.target for column in columns}
        for target in self.needed:
            if target not in found:
                reading.problem("P015", node.location, ("key", reading.spelled(target)))
        return tuple(columns) if len(columns) == len(node.entries) and found.issuperset(self.needed) else None

    def _target(self, key: Scalar, reading: Reading) -> str | None:
        if key.text in self.targets or KEY_OF.get(key.text) in self.targets:
            return KEY_OF.get(key.text, key.text)
        fact = reading.fact(key.text)
        if fact is not None and fact.scope is self.scope and fact.name not in WORKED_OUT:
            return fact.name
        known = [_named(name, reading) for name in self.targets] + self._facts(reading)
        reading.problem(
            "P002", key.location, ("key", key.text), ("known", ", ".join(known)), hint=nearest(key.text, known)
        )
        return None

    def _facts(self, reading: Reading) -> list[str]:
        return [
            fact.zh if reading.own_script == "zh" and fact.zh else fact.name
            for fact in reading.facts.values()
            if fact.scope is self.scope and fact.name not in WORKED_OUT and fact.name not in self.targets
        ]

    def schema(self, script: Language) -> Schema:
        return {"type": "object", "additionalProperties": _ColumnForm("x").schema(script)}


def _mapping(fields: Fields, reading: Reading) -> ExportMapping:
    if is_menu(fields.get("registry")):
        reading.problem("P020", fields.place("registry"), ("registry", fields.get("registry")))
    unit, breaks, tolerance = fields.get("duration")
    return ExportMapping(
        id=fields.get("mapping"),
        registry=RegistryId(fields.get("registry")),
        label=fields.get("title"),
        time_zone=fields.get("time_zone"),
        records=fields.get("records"),
        volunteers=fields.get("volunteers", ()),
        duration_unit=unit,
        breaks_allowed=breaks,
        tolerance_seconds=tolerance,
        location=fields.location,
    )


_DURATION: Form[tuple[DurationUnit, bool, int]] = Record(
    {
        "unit": Key(Choice(tuple(DurationUnit)), required=True),
        "breaks": Key(YES_NO, required=True),
        "tolerance": Key(Amount(FactType.DURATION, 0, 3600), required=True),
    },
    lambda fields, _reading: (fields.get("unit"), fields.get("breaks"), fields.get("tolerance")),
)

MAPPING: Record[ExportMapping] = Record(
    {
        "mapping": Key(Id(), required=True),
        "title": Key(LabelForm(), required=True),
        "registry": Key(Id(), required=True),
        "time_zone": Key(Zone(), required=True),
        "duration": Key(_DURATION, required=True),
        "records": Key(_Columns(RECORD_TARGETS, RECORD_NEEDED, Scope.RECORD), required=True),
        "volunteers": Key(_Columns(VOLUNTEER_TARGETS, VOLUNTEER_NEEDED, Scope.PERSON)),
    },
    _mapping,
)


def read_mapping(content: bytes, shown: str, facts: dict[str, Fact]) -> ExportMapping:
    """Return a mapping file's content; raises PolicyError with every problem. `shown` is its path in messages."""
    problems: list[Problem] = []
    node, wrong = pyyaml.parse(content, shown)
    problems += wrong
    mapping = None if node is None else read_whole(MAPPING, node, Reading(shown, facts, problems))
    if mapping is None or problems:
        raise PolicyError(problems or [Problem("P011", Location(shown, 1, 1))])
    return mapping
