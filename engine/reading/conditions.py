"""Conditions as YAML: a mapping from a fact to a test, typed by the fact while it is read.

    {category: [training, education], duration: {at_least: 30 minutes}, on_duty: no}

Several facts in one mapping must all hold; `all`, `any` and `not` build trees.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from lianxing.engine.reading.forms import YES_NO, DatedOf, Key, ListOf, Record, Schema, Text
from lianxing.engine.reading.nodes import Entries, Items, Node, Scalar
from lianxing.engine.reading.notes import Reading, spaced, under
from lianxing.engine.reading.terms import TermForm
from lianxing.engine.reading.vocabulary import KEY_OF, KEYS
from lianxing.rules import quantities
from lianxing.rules.conditions import (
    AllOf,
    AnyOf,
    Compare,
    CompareFacts,
    Condition,
    DatedCompare,
    Missing,
    Not,
    OneOf,
    Operator,
)
from lianxing.rules.facts import INTEGER_MAX, RATIO_SCALE, TEXT_BYTES_MAX, Fact, FactType, FactValue, Scope
from lianxing.rules.known_facts import MATCH_FACTS
from lianxing.rules.periods import Term
from lianxing.rules.places import Label, Language, Location

RECORD_SCOPES = frozenset((Scope.RECORD, Scope.PERSON, Scope.CALENDAR, Scope.MEASURE, Scope.SANCTION))
HISTORY_SCOPES = frozenset((Scope.RECORD, Scope.CALENDAR))
STANDING_SCOPES = frozenset((Scope.PERSON, Scope.MEASURE, Scope.SANCTION))
SANCTION_SCOPES = frozenset((Scope.PERSON, Scope.MEASURE))

VALUES_SHOWN = 24
CALENDAR_RANGES = {
    "weekday": (1, 7),
    "month": (1, 12),
    "day_of_month": (1, 31),
    "lunar_month": (1, 12),
    "lunar_day": (1, 30),
}

_GROUPS = ("all", "any", "not")
_ORDER = {
    "at_least": Operator.AT_LEAST,
    "at_most": Operator.AT_MOST,
    "more_than": Operator.MORE_THAN,
    "less_than": Operator.LESS_THAN,
}
# Words that mean something of their own where facts are named: no fact and no measure may go by them.
RESERVED = frozenset(
    (
        *(word for name in (*_GROUPS, "stars", "id", "on", "start", "end") for word in (name, KEYS[name])),
        *(word for fact in MATCH_FACTS for word in (fact.name, fact.zh)),
    )
)
_TESTS = (*_ORDER, "within", "not", "missing")


@dataclass(frozen=True)
class Operand:
    """One value to compare a fact with, in the fact's held unit."""

    fact: Fact

    def read(self, node: Node, reading: Reading) -> FactValue | None:
        fact = self.fact
        if not isinstance(node, Scalar):
            reading.problem("P014", node.location, ("expected", "text"))
            return None
        value = _ratio(node.text, fact) if fact.type is FactType.RATIO else quantities.fact_value(fact, node.text)
        low, high = CALENDAR_RANGES.get(fact.name, (None, None)) if fact.scope is Scope.CALENDAR else (None, None)
        if low is not None and high is not None and isinstance(value, int) and not low <= value <= high:
            reading.out_of_range(node.location, node.text, str(low), str(high))
            return None
        if value is None and reading.full_width(node):
            return None
        if value is None and fact.type is FactType.TEXT:
            known = [name for v in fact.values for name in (v.id, v.label.zh, v.label.en) if name]
            reading.problem(
                "P302",
                node.location,
                ("fact", reading.named(fact)),
                ("found", node.text[:40]),
                ("known", _known(fact, reading)),
                hint=reading.nearest(node.text, known),
            )
        elif value is None:
            reading.problem(
                "P303",
                node.location,
                ("fact", reading.named(fact)),
                ("found", node.text[:40]),
                ("type", _EXAMPLES.get(fact.type, Label()).text(reading.own_script)),
                hint=_meant(fact, node.text, reading),
            )
        elif isinstance(value, int) and abs(value) > INTEGER_MAX:
            reading.problem("P322", node.location, ("fact", reading.named(fact)))
            return None
        elif isinstance(value, str) and (not value or len(value.encode()) > TEXT_BYTES_MAX or "\0" in value):
            reading.problem("P323", node.location, ("fact", reading.named(fact)))
            return None
        return value

    def schema(self, script: Language) -> Schema:
        return {"type": ["string", "number"]}


def _ratio(text: str, fact: Fact) -> int | None:
    """A threshold on a quotient, in millionths of the held unit of what is averaged; of one for a share."""
    if fact.quotient_of is None:
        found = quantities.quantity(text)
        if found is None or found[1].type is not FactType.RATIO:
            return None
        share = found[0] * found[1].size * RATIO_SCALE
        return int(share) if share.denominator == 1 else None
    averaged = quantities.fact_value(replace(fact, type=fact.quotient_of), text)
    return averaged * RATIO_SCALE if isinstance(averaged, int) else None


_EXAMPLES = {
    FactType.YES_NO: Label("是, 否", "yes, no"),
    FactType.WHOLE: Label("12", "12"),
    FactType.NUMBER: Label("4.5", "4.5"),
    FactType.DATE: Label("2025-07-01", "2025-07-01"),
    FactType.TIME: Label("22:30", "22:30"),
    FactType.DURATION: Label("30 分钟", "30 minutes"),
    FactType.POINTS: Label("20 分", "20 points"),
    FactType.DAYS: Label("30 天", "30 days"),
    FactType.WORKING_DAYS: Label("10 个工作日", "10 working days"),
    FactType.MONTHS: Label("6 个月", "6 months"),
    FactType.MONEY: Label("20 元", "20 yuan"),
    FactType.RATIO: Label("60 % / 4.2", "60 % / 4.2"),
}


def _known(fact: Fact, reading: Reading) -> str:
    names = [value.label.zh or value.id if reading.own_script == "zh" else value.id for value in fact.values]
    return ", ".join(names[:VALUES_SHOWN]) + (", …" if len(names) > VALUES_SHOWN else "")


def _meant(fact: Fact, text: str, reading: Reading) -> str:
    if fact.type is FactType.YES_NO:
        return reading.worded({"true": "yes", "false": "no"}.get(text.lower(), ""))
    units = [unit.name for unit in quantities.UNITS if unit.type is fact.type is not FactType.RATIO]
    # Of several units nobody knows which one was meant.
    if len(units) != 1 or quantities.decimal(text) is None:
        return ""
    return f"{text} {units[0].text(reading.own_script)}"


@dataclass(frozen=True)
class ConditionForm:
    """A condition over facts of these scopes."""

    scopes: frozenset[Scope]

    def read(self, node: Node, reading: Reading) -> Condition | None:
        if not isinstance(node, Entries):
            reading.expected("condition", node)
            return None
        if not node.entries:
            reading.problem("P321", node.location)
            return None
        parts = [self._part(key, item, reading) for key, item in node.entries]
        return _all_of(parts, node.location)

    def _part(self, key: Scalar, node: Node, reading: Reading) -> Condition | None:
        name = KEY_OF.get(key.text, key.text)
        if name in _GROUPS and reading.fact(key.text) is None:
            reading.key(key, _GROUPS)
            return self._group(name, node, reading)
        fact = reading.fact(key.text)
        if fact is None:
            if not reading.full_width(key):
                groups = {name: KEYS[name] for name in _GROUPS}
                meant = spaced(key) or reading.nearest_fact(key.text) or reading.meant(key.text, groups)
                reading.problem("P301", key.location, ("fact", key.text), hint=meant)
            return None
        if fact.scope not in self.scopes:
            reading.problem("P304", key.location, ("fact", key.text))
            return None
        return self.test(fact, node, reading, key.location)

    def _group(self, name: str, node: Node, reading: Reading) -> Condition | None:
        if name == "not":
            part = self.read(node, reading)
            return None if part is None else Not(part, node.location)
        if not isinstance(node, Items):
            reading.expected("list", node)
            return None
        if not node.items:
            reading.problem("P321", node.location)
            return None
        parts = [self.read(item, reading) for item in node.items]
        known = tuple(part for part in parts if part is not None)
        if len(known) < len(parts):
            return None
        return AllOf(known, node.location) if name == "all" else AnyOf(known, node.location)

    def test(self, fact: Fact, node: Node, reading: Reading, place: Location) -> Condition | None:
        if isinstance(node, Entries):
            return self._tests(fact, node, reading, place)
        if fact.type is FactType.RATIO:
            reading.problem("P305", node.location, ("fact", reading.named(fact)))
            return None
        return _among(fact, node, reading, place)

    def _tests(self, fact: Fact, node: Entries, reading: Reading, place: Location) -> Condition | None:
        if not node.entries:
            reading.problem("P321", node.location)
            return None
        return _all_of([self._one_test(fact, key, item, reading) for key, item in node.entries], place)

    def _one_test(self, fact: Fact, key: Scalar, node: Node, reading: Reading) -> Condition | None:
        name = reading.key(key, _TESTS)
        if name is None:
            return None
        if name == "missing":
            answer = YES_NO.read(node, reading)
            absent = Missing(fact.name, key.location)
            return None if answer is None else absent if answer else Not(absent, key.location)
        if fact.type is FactType.RATIO and name in ("not", "within"):
            reading.problem("P305", key.location, ("fact", reading.named(fact)))
            return None
        if name == "not":
            same = _among(fact, node, reading, key.location)
            return None if same is None else Not(same, key.location)
        if fact.type in (FactType.TEXT, FactType.YES_NO):
            reading.problem("P305", key.location, ("fact", reading.named(fact)))
            return None
        if name == "within":
            return _within(fact, node, reading, key.location)
        if names_a_fact(node):
            return self._beside(fact, _ORDER[name], node, reading, key.location)
        operands = DatedOf[FactValue](Operand(fact)).read(node, reading)
        if operands is None:
            return None
        if len(operands.entries) == 1 and not operands.days:
            return Compare(fact.name, _ORDER[name], operands.entries[0].value, key.location)
        return DatedCompare(fact.name, _ORDER[name], operands, key.location)

    def _beside(
        self, fact: Fact, operator: Operator, node: Node, reading: Reading, place: Location
    ) -> Condition | None:
        """`{at_most: {fact: check_in_radius}}`: one fact compared with another of its type; of days, so long after."""
        said = _FACT_PLUS.read(node, reading)
        if said is None:
            return None
        other, plus = said
        if plus is not None and fact.type is not FactType.DATE:
            reading.problem("P331", node.location, ("fact", reading.named(fact)))
            return None
        beyond = (
            other.scope not in self.scopes or other.type is not fact.type or FactType.RATIO in (fact.type, other.type)
        )
        if beyond:
            reading.problem("P304", node.location, ("fact", reading.named(other)))
            return None
        return CompareFacts(fact.name, operator, other.name, place, plus)

    def schema(self, script: Language) -> Schema:
        return {"$ref": "#/$defs/condition"}


@dataclass(frozen=True)
class _KnownFact:
    """The name of a fact, in either spelling."""

    def read(self, node: Node, reading: Reading) -> Fact | None:
        name = Text().read(node, reading)
        fact = None if name is None else reading.fact(name)
        if name is not None and fact is None:
            reading.problem("P301", node.location, ("fact", name), hint=reading.nearest_fact(name))
        return fact

    def schema(self, script: Language) -> Schema:
        return {"type": "string"}


# `{fact: activity_duration}`: the value is what that fact of the record says.
FACT_NAMED: Record[Fact] = Record(
    {"fact": Key(_KnownFact(), required=True)}, lambda fields, _reading: fields.get("fact")
)


_FACT_PLUS: Record[tuple[Fact, Term | None]] = Record(
    {"fact": Key(_KnownFact(), required=True), "plus": Key(TermForm())},
    lambda fields, _reading: (fields.get("fact"), fields.get("plus")),
)


def names_a_fact(node: Node) -> bool:
    """Tell whether a node says `{fact: ...}`."""
    return under(node, "fact") is not None


def condition_schema(script: Language) -> Schema:
    """Return what `#/$defs/condition` stands for: facts are a county's own, so only the shape is described."""

    def word(name: str) -> str:
        return KEYS[name] if script == "zh" else name

    scalar: Schema = {"type": ["string", "number"]}
    among: Schema = {"anyOf": [scalar, {"type": "array", "items": scalar, "minItems": 1}]}
    dated: Schema = {"anyOf": [scalar, {"type": "object", "additionalProperties": scalar, "minProperties": 1}]}
    tests: Schema = {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": False,
        "properties": {word(name): dated for name in _ORDER}
        | {
            word("within"): {"type": "array", "items": scalar, "minItems": 2, "maxItems": 2},
            word("not"): among,
            word("missing"): YES_NO.schema(script),
        },
    }
    nested: Schema = {"$ref": "#/$defs/condition"}
    group: Schema = {"type": "array", "minItems": 1, "items": nested}
    return {
        "type": "object",
        "minProperties": 1,
        "properties": {word("all"): group, word("any"): group, word("not"): nested},
        "additionalProperties": {"anyOf": [among, tests]},
    }


def _all_of(parts: list[Condition | None], place: Location) -> Condition | None:
    known = tuple(part for part in parts if part is not None)
    if len(known) < len(parts):
        return None
    return known[0] if len(known) == 1 else AllOf(known, place)


def _among(fact: Fact, node: Node, reading: Reading, place: Location) -> Condition | None:
    if isinstance(node, Items):
        operands = ListOf[FactValue](Operand(fact)).read(node, reading)
        return None if operands is None else OneOf(fact.name, operands, place)
    operand = Operand(fact).read(node, reading)
    return None if operand is None else Compare(fact.name, Operator.EQUALS, operand, place)


def _within(fact: Fact, node: Node, reading: Reading, place: Location) -> Condition | None:
    operands = ListOf[FactValue](Operand(fact)).read(node, reading)
    if operands is None:
        return None
    if (
        len(operands) != 2
        or not isinstance(operands[0], int)
        or not isinstance(operands[1], int)
        or operands[0] > operands[1]
    ):
        reading.problem("P306", node.location, ("fact", reading.named(fact)))
        return None
    low, high = operands
    return AllOf(
        (Compare(fact.name, Operator.AT_LEAST, low, place), Compare(fact.name, Operator.AT_MOST, high, place)), place
    )
