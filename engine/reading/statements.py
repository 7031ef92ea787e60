"""What every statement carries, and how a layer places it: add, override by id, remove, before, after."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from lianxing.engine.reading.forms import SOURCE, YES_NO, Fields, Form, Id, Key, LabelForm, Record, Schema
from lianxing.engine.reading.nodes import Entries, Items, Node, Scalar
from lianxing.engine.reading.notes import Reading, under
from lianxing.rules.places import Clause, Label, Language, Location

T = TypeVar("T")

CARRIED: Mapping[str, Key[Any]] = {"source": Key(SOURCE), "label": Key(LabelForm())}
# `overrides: yes` says that a layer below has this statement: a slip in its id is a problem, and no new statement.
OVERRIDES: Mapping[str, Key[Any]] = {"overrides": Key(YES_NO)}
PLACED: Mapping[str, Key[Any]] = {
    "remove": Key(YES_NO),
    "before": Key(Id()),
    "after": Key(Id()),
    **OVERRIDES,
}


@dataclass(frozen=True)
class Statement(Generic[T]):
    """One statement of one layer: its shape, or None where the layer removes it, and where it wants to stand.

    `overrides` is what it says of itself: that a layer below has it, that none has, or nothing. `node` is what the file
    says, for whoever asks where a value comes from; `replaced` what it took the place of, the nearest layer first.
    """

    id: str
    location: Location
    shape: T | None
    before: str = ""
    after: str = ""
    overrides: bool | None = None
    node: Node | None = None
    replaced: tuple[Statement[T], ...] = ()


def clause(id: str, fields: Fields, reading: Reading, place: Location | None = None) -> Clause:
    return Clause(
        id, place or fields.location, fields.get("source", reading.source), fields.get("label", Label()), reading.layer
    )


@dataclass(frozen=True)
class StepsForm(Generic[T]):
    """A chapter that is a list of steps; each has an id and exactly one kind."""

    kinds: Mapping[str, Key[Any]]
    when: Form[Any]
    build: Callable[[str, Any, Any, Clause], T]

    def _record(self) -> Record[Statement[T]]:
        keys = {"id": Key(Id(), required=True), **self.kinds, "when": Key(self.when), **CARRIED, **PLACED}
        return Record(keys, self._statement)

    def read(self, node: Node, reading: Reading) -> tuple[Statement[T], ...] | None:
        if not isinstance(node, Items):
            reading.expected("list", node)
            return None
        if not node.items:
            reading.problem("P111", node.location)
        record = self._record()
        statements = [(record.read(item, reading), item) for item in node.items]
        return tuple(replace(statement, node=item) for statement, item in statements if statement is not None)

    def _statement(self, fields: Fields, reading: Reading) -> Statement[T] | None:
        id = fields.get("id")
        said = [kind for kind in self.kinds if kind in fields.values]
        if fields.get("remove"):
            return removed(id, [*said, *(["when"] if fields.get("when") else [])], fields, reading)
        known = ", ".join(map(reading.spelled, self.kinds))
        if not said:
            reading.problem("P210", fields.location, ("known", known))
            return None
        if len(said) > 1:
            reading.problem("P211", fields.place(said[1]), ("key", reading.spelled(said[1])), ("known", known))
            return None
        shape = self.build(said[0], fields.get(said[0]), fields.get("when"), clause(id, fields, reading))
        return placed(id, shape, fields, reading)

    def schema(self, script: Language) -> Schema:
        return {"type": "array", "items": self._record().schema(script)}


@dataclass(frozen=True)
class NamedForm(Generic[T]):
    """A chapter that is a mapping from id to statement."""

    keys: Mapping[str, Key[Any]]
    required: tuple[str, ...]
    build: Callable[[str, Fields, Reading, Clause], T | None]

    def read(self, node: Node, reading: Reading) -> tuple[Statement[T], ...] | None:
        if not isinstance(node, Entries):
            reading.expected("mapping", node)
            return None
        statements = [(self._statement(key, item, reading), item) for key, item in node.entries]
        return tuple(replace(statement, node=item) for statement, item in statements if statement is not None)

    def _statement(self, key: Scalar, item: Node, reading: Reading) -> Statement[T] | None:
        id = Id().read(key, reading)
        fields = self._record().read(item, reading)
        if id is None or fields is None:
            return None
        if fields.get("remove"):
            return removed(id, [name for name in self.keys if name in fields.values], fields, reading)
        missing = [name for name in self.required if name not in fields.values]
        for name in missing:
            reading.problem("P015", key.location, ("key", reading.spelled(name)))
        if missing:
            return None
        shape = self.build(id, fields, reading, clause(id, fields, reading, key.location))
        return None if shape is None else placed(id, shape, fields, reading, key.location)

    def _record(self) -> Record[Fields]:
        return Record({**self.keys, **CARRIED, **PLACED}, lambda fields, _reading: fields)

    def schema(self, script: Language) -> Schema:
        return {"type": "object", "additionalProperties": self._record().schema(script)}


@dataclass(frozen=True)
class WholeForm(Record[tuple[Statement[T], ...]]):
    """A chapter that is one statement, by the name `id`; `remove: yes` alone takes away the one of the layer below."""

    id: str = ""

    def read(self, node: Node, reading: Reading) -> tuple[Statement[T], ...] | None:
        if under(node, "remove") is not None:
            gone = _GONE.read(node, reading)
            return (Statement(self.id, node.location, None, node=node),) if gone else None
        statements = super().read(node, reading)
        return None if statements is None else tuple(replace(statement, node=node) for statement in statements)


_GONE: Record[bool] = Record({"remove": Key(YES_NO, required=True)}, lambda fields, _reading: fields.get("remove"))


def removed(id: str, extra: list[str], fields: Fields, reading: Reading) -> Statement[Any] | None:
    """Return a statement that takes the one of a lower layer away; it may say nothing else."""
    extra = [*extra, *(name for name in ("before", "after", "overrides") if name in fields.values)]
    for name in extra:
        reading.problem("P213", fields.place(name), ("key", reading.spelled(name)))
    return None if extra else Statement(id, fields.location, None)


def placed(id: str, shape: T, fields: Fields, reading: Reading, place: Location | None = None) -> Statement[T] | None:
    """Return a statement with its place in the chapter: before one statement, after one, or as it comes."""
    before, after = fields.get("before", ""), fields.get("after", "")
    if before and after:
        known = ", ".join(map(reading.spelled, ("before", "after")))
        reading.problem("P211", fields.place("after"), ("key", reading.spelled("after")), ("known", known))
        return None
    return Statement(id, place or fields.location, shape, before, after, fields.get("overrides"))
