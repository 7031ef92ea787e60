"""Points by what a period has added up, as YAML: brackets that earn by the block, and bands that earn once reached.

brackets: {of: hours, each: running_total, part: lost, steps: [{up_to: 20 hours, every: 1 hour, points: 1}, ...]}
bands: {of: stamps, each: running_total, steps: [{at_least: 10, points: 100}, {at_least: 20, points: 250}]}
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Generic, TypeVar

from lianxing.engine.reading.conditions import Operand
from lianxing.engine.reading.forms import Choice, DatedOf, Fields, Key, ListOf, Record, Schema, number, scalar_text
from lianxing.engine.reading.hours import ROUND_PERIODS, WITHIN_SAME
from lianxing.engine.reading.nodes import Entries, Node, Scalar
from lianxing.engine.reading.notes import Reading, under
from lianxing.engine.reading.vocabulary import WORDS
from lianxing.rules.dates import Dated
from lianxing.rules.earning import Band, Bracket, LastBlock
from lianxing.rules.facts import Fact, FactType, Scope
from lianxing.rules.measures import HOURS, RECORDS
from lianxing.rules.periods import Period
from lianxing.rules.places import Label, Language

T = TypeVar("T")

NUMERIC = frozenset((FactType.WHOLE, FactType.NUMBER, FactType.DURATION, FactType.MONEY, FactType.POINTS))
BLOCK_POINTS_MAX = 10_000
UNLIMITED = "unlimited"
_OWN = {HOURS: FactType.DURATION, RECORDS: FactType.WHOLE}


@dataclass(frozen=True)
class _Added:
    """What is added up: `hours`, `records` where that makes sense, or a numeric fact of the record."""

    own: tuple[str, ...]

    def read(self, node: Node, reading: Reading) -> Fact | None:
        facts = filter(_adds_up, reading.facts.values())
        names = [*map(reading.worded, self.own), *reading.named_all(facts)]
        text = scalar_text(node, reading, "P314", ("known", ", ".join(names)))
        if text is None:
            return None
        for word in self.own:
            if text in (word, WORDS[word]):
                return Fact(word, WORDS[word], _OWN[word], Scope.RECORD, Label())
        fact = reading.fact(text)
        if fact is None or not _adds_up(fact):
            known, meant = ", ".join(names), reading.nearest(text, names)
            reading.problem("P314", node.location, ("found", text[:40]), ("known", known), hint=meant)
            return None
        return fact

    def schema(self, script: Language) -> Schema:
        return {"type": "string"}


def _adds_up(fact: Fact) -> bool:
    return fact.scope is Scope.RECORD and fact.type in NUMERIC


@dataclass(frozen=True)
class Scale(Generic[T]):
    """What a scale says: of what, over which period, and its steps over the years; `part` of brackets only."""

    of: str
    type: FactType
    each: Period
    part: LastBlock | None
    steps: Dated[tuple[T, ...]]
    within_same: str


@dataclass(frozen=True)
class ScaleForm(Generic[T]):
    """A scale: `step` gives the form of one step once it is known what is added up, `check` what is wrong with them."""

    own: tuple[str, ...]
    in_blocks: bool
    step: Callable[[Fact], Record[T]]
    check: Callable[[tuple[T, ...], Reading], bool]

    def read(self, node: Node, reading: Reading) -> Scale[T] | None:
        if not isinstance(node, Entries):
            reading.expected("mapping", node)
            return None
        said = under(node, "of")
        of = None if said is None else _Added(self.own).read(said, reading)
        if said is not None and of is None:
            return None
        record = self._record(of or Fact("", "", FactType.WHOLE, Scope.RECORD, Label()))
        fields = record.fields(node, reading)
        return None if fields is None else self._scale(fields, reading)

    def _record(self, of: Fact) -> Record[Any]:
        part = {"part": Key(Choice(tuple(LastBlock)), required=True)} if self.in_blocks else {}
        return Record(
            {
                "of": Key(_Added(self.own), required=True),
                "each": Key(Choice(ROUND_PERIODS), required=True),
                **part,
                "steps": Key(DatedOf(ListOf(self.step(of))), required=True),
                **WITHIN_SAME,
            },
            lambda fields, _reading: fields,
        )

    def _scale(self, fields: Fields, reading: Reading) -> Scale[T] | None:
        steps: Dated[tuple[T, ...]] = fields.get("steps")
        checked = [self.check(entry.value, reading) for entry in steps.entries]
        if not all(checked):
            return None
        of: Fact = fields.get("of")
        last = steps.entries[-1].value[-1]
        if isinstance(last, Bracket) and not last.said_up_to and of.name != HOURS:
            reading.problem("P330", last.location, ("fact", reading.named(of)))
            return None
        within_same = fields.get("within_same", "")
        return Scale(of.name, of.type, fields.get("each"), fields.get("part"), steps, within_same)

    def schema(self, script: Language) -> Schema:
        return self._record(Fact("", "", FactType.WHOLE, Scope.RECORD, Label())).schema(script)


@dataclass(frozen=True)
class _UpTo:
    """Where a bracket ends, or `unlimited`; wrapped in a tuple, because None is a value here."""

    of: Fact

    def read(self, node: Node, reading: Reading) -> tuple[int | None] | None:
        if isinstance(node, Scalar) and node.text in (UNLIMITED, WORDS[UNLIMITED]):
            return (None,)
        value = Operand(self.of).read(node, reading)
        return (value,) if isinstance(value, int) else None

    def schema(self, script: Language) -> Schema:
        return {"anyOf": [{"enum": [UNLIMITED, WORDS[UNLIMITED]]}, Operand(self.of).schema(script)]}


def _bracket(of: Fact) -> Record[Bracket]:
    def build(fields: Fields, reading: Reading) -> Bracket | None:
        every = fields.get("every")
        (up_to,) = fields.get("up_to", (None,))
        if every <= 0:
            reading.none_of(fields.place("every"), of, every)
            return None
        return Bracket(up_to, every, fields.get("points"), fields.location, "up_to" in fields.values)

    return Record(
        {
            "up_to": Key(_UpTo(of)),
            "every": Key(Operand(of), required=True),
            "points": Key(number(-BLOCK_POINTS_MAX, BLOCK_POINTS_MAX), required=True),
        },
        build,
    )


def _brackets_ascend(steps: tuple[Bracket, ...], reading: Reading) -> bool:
    """Every bracket but the last ends somewhere, each after the one before."""
    before = 0
    for index, step in enumerate(steps):
        last = index == len(steps) - 1
        if (step.up_to is None and not last) or (step.up_to is not None and step.up_to <= before):
            reading.problem("P327", step.location)
            return False
        before = step.up_to or before
    return True


def _band(of: Fact) -> Record[Band]:
    def build(fields: Fields, _reading: Reading) -> Band:
        # Amounts are whole in their held unit: more than ten hours is ten hours and a second.
        least = fields.get("at_least") if "at_least" in fields.values else fields.get("more_than") + 1
        return Band(least, fields.get("points"), fields.location)

    return Record(
        {
            "at_least": Key(Operand(of)),
            "more_than": Key(Operand(of)),
            "points": Key(number(0, BLOCK_POINTS_MAX), required=True),
        },
        build,
        one_of=("at_least", "more_than"),
    )


def _bands_ascend(steps: tuple[Band, ...], reading: Reading) -> bool:
    for below, above in pairwise(steps):
        if above.at_least <= below.at_least or above.points < below.points:
            reading.problem("P327", above.location)
            return False
    return True


BRACKETS = ScaleForm((HOURS,), True, _bracket, _brackets_ascend)
BANDS = ScaleForm((HOURS, RECORDS), False, _band, _bands_ascend)
