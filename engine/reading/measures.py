"""The chapter `measures.yaml`: a mapping from the name of a measure to how it is made of a person's history.

served: {sum: hours, over: all_time, best_of: registry}
faithful_months: {streak: {of: hours, at_least: 1 hour, per: month, which: current}, over: all_time}
sheet: {score: {combine: sum, rules: [{of: served, bands: [{at_least: 100 hours, points: 10}]}]}}
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lianxing.engine.reading.about import About, is_something
from lianxing.engine.reading.conditions import HISTORY_SCOPES, RESERVED, ConditionForm, Operand
from lianxing.engine.reading.forms import DAY, Choice, DatedOf, Fields, Key, Record, Schema, scalar_text
from lianxing.engine.reading.nodes import Entries, Node, Scalar
from lianxing.engine.reading.notes import Reading, under
from lianxing.engine.reading.perks import STARS_FACT
from lianxing.engine.reading.scores import SCORE, named
from lianxing.engine.reading.statements import NamedForm, Statement
from lianxing.engine.reading.vocabulary import WORDS
from lianxing.engine.reading.windows import Stretch
from lianxing.rules.dates import Dated
from lianxing.rules.facts import Fact, FactType, Scope
from lianxing.rules.measures import DAY as DAY_WORD
from lianxing.rules.measures import HOURS, POINTS, RECORDS, VOLUNTEER, Measure, Streak, Total, Which
from lianxing.rules.periods import ALL_TIME, Period, Window
from lianxing.rules.places import Clause, Label, Language

CONDITION = ConditionForm(HISTORY_SCOPES)
NUMERIC = frozenset((FactType.WHOLE, FactType.NUMBER, FactType.DURATION, FactType.POINTS, FactType.MONEY))
CALENDAR = (
    Period.DAY,
    Period.WEEK,
    Period.MONTH,
    Period.QUARTER,
    Period.HALF_YEAR,
    Period.CALENDAR_YEAR,
)


def _word(name: str, type: FactType) -> Fact:
    return Fact(name, WORDS[name], type, Scope.RECORD, Label())


_OWN = {HOURS: _word(HOURS, FactType.DURATION), POINTS: _word(POINTS, FactType.POINTS)}
_COUNTED = {RECORDS: _word(RECORDS, FactType.WHOLE)}
_DAY = {DAY_WORD: _word(DAY_WORD, FactType.DATE)}
_WHO = {VOLUNTEER: _word(VOLUNTEER, FactType.TEXT)}


@dataclass(frozen=True)
class _Asked:
    """What of a record a measure is about: one of a few words of its own, or a fact of the record that fits."""

    words: dict[str, Fact]
    fits: Callable[[Fact], bool]

    def read(self, node: Node, reading: Reading) -> Fact | None:
        facts = filter(self._fits, reading.facts.values())
        names = reading.named_all((*self.words.values(), *facts))
        known = ", ".join(names)
        text = scalar_text(node, reading, "P314", ("known", known))
        if text is None:
            return None
        for word in self.words.values():
            if text in (word.name, word.zh):
                return word
        fact = reading.fact(text)
        if fact is not None and fact.name in self.words:  # the calendar's own spelling of the day
            return self.words[fact.name]
        if fact is None or not self._fits(fact):
            meant = reading.meant(text, {word.name: word.zh for word in self.words.values()})
            meant = meant or reading.nearest(text, names)
            reading.problem("P314", node.location, ("found", text[:40]), ("known", known), hint=meant)
            return None
        return fact

    def _fits(self, fact: Fact) -> bool:
        return fact.scope is Scope.RECORD and self.fits(fact)

    def schema(self, script: Language) -> Schema:
        words = sorted({spelling for word in self.words.values() for spelling in (word.name, word.zh)})
        return {"anyOf": [{"enum": words}, {"type": "string"}]}


def _nothing(_fact: Fact) -> bool:
    return False


AMOUNT = _Asked(_OWN, lambda fact: fact.type in NUMERIC)
COUNTED = _Asked(_COUNTED, _nothing)
DIFFERENT = _Asked(_DAY | _WHO, lambda fact: True)
GROUP = _Asked(_WHO, lambda fact: fact.type is FactType.TEXT)
TOLD = _Asked(_DAY, lambda fact: fact.type in NUMERIC | {FactType.DATE})
IN_A_ROW = _Asked(_OWN | _COUNTED, _nothing)


@dataclass(frozen=True)
class _Run:
    """A streak with what it is about."""

    of: Fact
    streak: Streak


def _run(of: Fact | None) -> Record[_Run]:
    """`{of: hours, at_least: 10 hours, per: month, which: longest}`: the amount is in the unit of what is counted."""
    counted = of or _COUNTED[RECORDS]

    def build(fields: Fields, reading: Reading) -> _Run | None:
        least: Dated[int] = fields.get("at_least")
        if not is_something(least, counted, reading):  # every period would belong to the streak
            return None
        return _Run(fields.get("of"), Streak(least, fields.get("per"), fields.get("which")))

    return Record(
        {
            "of": Key(IN_A_ROW, required=True),
            "at_least": Key(DatedOf(Operand(counted)), required=True),
            "per": Key(Choice(CALENDAR), required=True),
            "which": Key(Choice(tuple(Which)), required=True),
        },
        build,
    )


def _window(fields: Fields, reading: Reading) -> Window | None:
    said = [name for name in ("calendar", "rolling", "previous") if name in fields.values]
    dates = [name for name in ("from", "until") if name in fields.values]
    if len(said) + bool(dates) != 1:
        known = ", ".join(map(reading.spelled, ("calendar", "rolling", "previous", "from")))
        extra = [*said, *dates][1:]
        code, place = ("P211", fields.place(extra[0])) if extra else ("P210", fields.location)
        reading.problem(code, place, ("key", reading.spelled(extra[0]) if extra else ""), ("known", known))
        return None
    if dates:
        first, last = fields.get("from"), fields.get("until")
        if first is not None and last is not None and last < first:
            reading.problem("P307", fields.place("until"))
            return None
        return Window(first=first, last=last)
    if said == ["rolling"]:
        window: Window = fields.get("rolling")
        return window
    return Window(calendar=fields.get(said[0]), previous=said == ["previous"])


_WINDOW: Record[Window] = Record(
    {
        "calendar": Key(Choice(CALENDAR)),
        "rolling": Key(Stretch()),
        "previous": Key(Choice(CALENDAR)),
        "from": Key(DAY),
        "until": Key(DAY),
    },
    _window,
)
_WORDS = {"all_time": ALL_TIME, "since_award": Window(since_award=True)}


@dataclass(frozen=True)
class _Over:
    """`all_time`, `since_award`, or a window: calendar, rolling, the one before, or between two days."""

    def read(self, node: Node, reading: Reading) -> Window | None:
        if not isinstance(node, Scalar):
            return _WINDOW.read(node, reading)
        for word, window in _WORDS.items():
            if node.text in (word, WORDS[word]):
                return window
        kinds = ("calendar", "rolling", "previous", "from")
        known = [*map(reading.worded, _WORDS), *(f"{{{reading.spelled(kind)}: ...}}" for kind in kinds)]
        if reading.full_width(node):
            return None
        meant = reading.meant(node.text, {word: WORDS[word] for word in _WORDS})
        details = ("found", node.text[:40]), ("known", ", ".join(known))
        reading.problem("P105", node.location, *details, hint=meant)
        return None

    def schema(self, script: Language) -> Schema:
        words = sorted({*_WORDS, *(WORDS[word] for word in _WORDS)})
        return {"anyOf": [{"enum": words}, _WINDOW.schema(script)]}


KINDS: dict[str, Key[Any]] = {
    "sum": Key(AMOUNT),
    "count": Key(COUNTED),
    "distinct": Key(DIFFERENT),
    "mean": Key(AMOUNT),
    "share": Key(CONDITION),
    "largest": Key(AMOUNT),
    "smallest": Key(AMOUNT),
    "first": Key(TOLD),
    "last": Key(TOLD),
    "streak": Key(About(IN_A_ROW, _run)),
    "score": Key(SCORE),
}
_QUOTIENTS = (Total.MEAN, Total.SHARE)
_BEST_OF = (Total.SUM, Total.COUNT)


def _measure(id: str, fields: Fields, reading: Reading, clause: Clause) -> Measure | None:
    said = [kind for kind in KINDS if kind in fields.values]
    if len(said) != 1:
        code, place = ("P211", fields.place(said[1])) if said else ("P210", clause.location)
        known = ", ".join(map(reading.spelled, KINDS))
        reading.problem(code, place, ("key", reading.spelled(said[1]) if said else ""), ("known", known))
        return None
    total = Total(said[0])
    if not _named(id, fields, reading, clause) or not _goes_together(total, fields, reading, clause):
        return None
    of, type = _what(total, fields.get(said[0]))
    fact = Fact(
        name=id,
        zh=clause.label.zh if clause.label.zh != id else "",
        type=FactType.RATIO if total in _QUOTIENTS else type,
        scope=Scope.MEASURE,
        meaning=Label(clause.label.zh or id, clause.label.en or id),
        quotient_of=type if total is Total.MEAN else None,
    )
    best_of: Fact | None = fields.get("best_of")
    return Measure(
        clause=clause,
        total=total,
        of=of,
        type=type,
        window=fields.get("over", ALL_TIME),
        where=fields.get("where"),
        share_of=fields.get("share"),
        fact=fact,
        best_of="" if best_of is None else best_of.name,
        streak=fields.get("streak").streak if total is Total.STREAK else None,
        score=named(fields.get("score"), clause) if total is Total.SCORE else None,
    )


def _what(total: Total, said: Any) -> tuple[str, FactType]:
    """Return what of a record a total is about, and what it comes to."""
    match total:
        case Total.SHARE:
            return "", FactType.WHOLE
        case Total.SCORE:
            return "", FactType.POINTS
        case Total.STREAK:
            return said.of.name, FactType.WHOLE
        case Total.DISTINCT:
            return said.name, FactType.WHOLE
        case _:
            return said.name, said.type


def _named(id: str, fields: Fields, reading: Reading, clause: Clause) -> bool:
    """A measure that went by the name of a fact would silently take its place in every condition."""
    for spelling, place in ((id, clause.location), (clause.label.zh, fields.place("label"))):
        taken = reading.fact(spelling)
        if spelling in RESERVED or (taken is not None and taken.scope is not Scope.MEASURE):
            reading.problem("P215", place, ("fact", spelling))
            return False
    return True


def _goes_together(total: Total, fields: Fields, reading: Reading, clause: Clause) -> bool:
    """A score is no total of records: it has no period. Only what adds up can be added up value by value."""
    extra = [name for name in ("over", "where") if name in fields.values] if total is Total.SCORE else []
    extra += ["best_of"] if "best_of" in fields.values and total not in _BEST_OF else []
    for name in extra:
        details = ("key", reading.spelled(name)), ("kind", reading.spelled(total.value))
        reading.problem("P610", fields.place(name), *details)
    if total is not Total.SCORE and "over" not in fields.values:
        reading.problem("P015", clause.location, ("key", reading.spelled("over")))
        return False
    return not extra


_NAMED: NamedForm[Measure] = NamedForm(
    {**KINDS, "over": Key(_Over()), "where": Key(CONDITION), "best_of": Key(GROUP)}, (), _measure
)


@dataclass(frozen=True)
class MeasuresForm:
    """The chapter. Scores are read last: they ask the other measures, wherever these stand."""

    def read(self, node: Node, reading: Reading) -> tuple[Statement[Measure], ...] | None:
        if not isinstance(node, Entries):
            return _NAMED.read(node, reading)
        own = {key.text for key, _item in node.entries}
        totals = Entries(tuple(one for one in node.entries if not _is_score(one[1])), node.location)
        scores = Entries(tuple(one for one in node.entries if _is_score(one[1])), node.location)
        read = _NAMED.read(totals, reading) or ()
        if not scores.entries:
            return read
        known = reading.facts
        below = {name: fact for name, fact in known.items() if fact.scope is not Scope.MEASURE or name not in own}
        found = {one.shape.fact.name: one.shape.fact for one in read if one.shape is not None}
        reading.know({**below, **found, STARS_FACT.name: STARS_FACT})
        read += _NAMED.read(scores, reading) or ()
        reading.know(known)
        return tuple(sorted(read, key=lambda statement: statement.location))

    def schema(self, script: Language) -> Schema:
        return _NAMED.schema(script)


def _is_score(node: Node) -> bool:
    return under(node, "score") is not None


MEASURES = MeasuresForm()
