"""A score sheet as YAML: rules whose points are added up, or of which the highest counts.

combine: sum
at_most: 100 points
rules:
  - {of: hours_this_year, bands: [{at_least: 100 hours, points: 30}, {at_least: 200 hours, points: 50}]}
  - {of: complaints, every: 1, points: -10}
  - {item: {by: stars, default: 0, 5: 10}}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

from lianxing.engine.reading.about import About
from lianxing.engine.reading.alternatives import Exactly, MeasureName
from lianxing.engine.reading.conditions import ConditionForm, Operand
from lianxing.engine.reading.forms import Amount, Choice, DatedOf, Fields, Key, ListOf, Record
from lianxing.engine.reading.notes import Reading
from lianxing.engine.reading.statements import CARRIED
from lianxing.engine.reading.tables import TableForm
from lianxing.rules.conditions import Operator
from lianxing.rules.dates import Dated
from lianxing.rules.facts import Fact, FactType, Scope
from lianxing.rules.places import Clause, Label
from lianxing.rules.scores import Band, Bands, Blocks, Item, Score, ScoreRule, Together

SCOPES = frozenset((Scope.PERSON, Scope.MEASURE, Scope.STANDING))
CONDITION = ConditionForm(SCOPES)
POINTS_MAX = 10**9
GIVEN = Amount(FactType.POINTS, -POINTS_MAX, POINTS_MAX)
MOST = Amount(FactType.POINTS, 0, POINTS_MAX)

_ORDERED = (
    FactType.WHOLE,
    FactType.NUMBER,
    FactType.DURATION,
    FactType.POINTS,
    FactType.MONEY,
    FactType.DATE,
    FactType.RATIO,
)
_MEASURED = MeasureName(_ORDERED)
_KINDS = ("item", "bands", "every")
_BOUNDS = {"at_least": Operator.AT_LEAST, "more_than": Operator.MORE_THAN}
_NOTHING = Fact("", "", FactType.WHOLE, Scope.MEASURE, Label())


def _band(of: Fact) -> Record[Band]:
    def build(fields: Fields, _reading: Reading) -> Band:
        said = next(name for name in _BOUNDS if name in fields.values)
        return Band(_BOUNDS[said], fields.get(said), fields.get("points"))

    bounds: Mapping[str, Key[Any]] = {name: Key(Operand(of)) for name in _BOUNDS}
    return Record({**bounds, "points": Key(GIVEN, required=True)}, build, one_of=tuple(_BOUNDS))


def _rule_about(of: Fact | None) -> Record[ScoreRule]:
    """One rule of a score; what it compares is typed by the measure that it is about."""
    measure = of or _NOTHING
    return Record(
        {
            "item": Key(TableForm(Exactly(GIVEN), SCOPES)),
            "of": Key(_MEASURED),
            "bands": Key(DatedOf(ListOf(_band(measure)))),
            "every": Key(Operand(measure)),
            "points": Key(DatedOf(GIVEN)),
            "at_most": Key(DatedOf(MOST)),
            "when": Key(CONDITION),
            **CARRIED,
        },
        _rule,
        one_of=_KINDS,
    )


# What goes with each kind of rule: what must be said, and what may be.
_WITH: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "item": ((), ()),
    "bands": (("of",), ()),
    "every": (("of", "points"), ("at_most",)),
}


def _rule(fields: Fields, reading: Reading) -> ScoreRule | None:
    kind = next(name for name in _KINDS if name in fields.values)
    needed, may = _WITH[kind]
    said = [name for name in ("of", "points", "at_most") if name in fields.values]
    missing = [name for name in needed if name not in said]
    extra = [name for name in said if name not in (*needed, *may)]
    for name in missing:
        reading.problem("P015", fields.location, ("key", reading.spelled(name)))
    for name in extra:
        details = ("key", reading.spelled(name)), ("kind", reading.spelled(kind))
        reading.problem("P610", fields.place(name), *details)
    if missing or extra:
        return None
    # The score's own clause is not known yet; `named` gives it the id.
    clause = Clause("", fields.location, fields.get("source", reading.source), fields.get("label", Label()))
    when = fields.get("when")
    match kind:
        case "item":
            return Item(clause, when, fields.get("item"))
        case "bands":
            return _bands(clause, fields, reading)
        case _:
            return _blocks(clause, fields, reading)


def _bands(clause: Clause, fields: Fields, reading: Reading) -> Bands | None:
    bands: Dated[tuple[Band, ...]] = fields.get("bands")
    for entry in bands.entries:
        bounds = [(band.bound, band.operator is Operator.MORE_THAN) for band in entry.value]
        if any(above <= below for below, above in pairwise(bounds)):
            reading.problem("P327", entry.location)
            return None
    return Bands(clause, fields.get("when"), fields.get("of").name, bands)


def _blocks(clause: Clause, fields: Fields, reading: Reading) -> Blocks | None:
    of: Fact = fields.get("of")
    if of.type in (FactType.RATIO, FactType.DATE):  # neither comes in blocks
        reading.problem("P305", fields.place("of"), ("fact", reading.named(of)))
        return None
    every = fields.get("every")
    if every <= 0:
        reading.none_of(fields.place("every"), of, every)
        return None
    return Blocks(clause, fields.get("when"), of.name, every, fields.get("points"), fields.get("at_most"))


SCORE: Record[Score] = Record(
    {
        "combine": Key(Choice(tuple(Together)), required=True),
        "rules": Key(ListOf(About(_MEASURED, _rule_about)), required=True),
        "at_most": Key(DatedOf(MOST)),
    },
    lambda fields, _reading: Score(fields.get("combine"), fields.get("rules"), fields.get("at_most")),
)


def named(score: Score, clause: Clause) -> Score:
    """Return a score whose rules go by the id of its statement, each at its own line."""

    def own(rule: ScoreRule) -> ScoreRule:
        return replace(rule, clause=replace(rule.clause, id=clause.id, layer=clause.layer))

    return replace(score, rules=tuple(own(rule) for rule in score.rules))
