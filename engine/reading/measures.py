"""The chapter `measures.yaml`: a mapping from the name of a measure to how it adds up."""

from __future__ import annotations

from dataclasses import dataclass

from lianxing.engine.reading.conditions import HISTORY_SCOPES, RESERVED, ConditionForm
from lianxing.engine.reading.forms import Choice, Fields, Key, Reading, Record, Schema, nearest, scalar_text
from lianxing.engine.reading.nodes import Node, Scalar
from lianxing.engine.reading.statements import NamedForm
from lianxing.engine.reading.vocabulary import WORDS
from lianxing.rules import quantities
from lianxing.rules.facts import Fact, FactType, Scope
from lianxing.rules.measures import HOURS, POINTS, RECORDS, Measure, Total
from lianxing.rules.periods import ALL_TIME, Period, Window
from lianxing.rules.places import Clause, Label, Language

CONDITION = ConditionForm(HISTORY_SCOPES)
NUMERIC = frozenset((FactType.WHOLE, FactType.NUMBER, FactType.DURATION, FactType.POINTS, FactType.MONEY))
_OWN = {HOURS: FactType.DURATION, POINTS: FactType.POINTS}
_KINDS = ("sum", "count", "mean", "share")


@dataclass(frozen=True)
class _Summand:
    """`hours`, `points` or a numeric fact of the record: its name and type."""

    def read(self, node: Node, reading: Reading) -> tuple[str, FactType] | None:
        text = scalar_text(node, reading, "P314", ("known", self._known(reading)))
        if text is None:
            return None
        for own, type in _OWN.items():
            if text in (own, WORDS[own]):
                return own, type
        fact = reading.fact(text)
        if fact is None or fact.scope is not Scope.RECORD or fact.type not in NUMERIC:
            reading.problem(
                "P314",
                node.location,
                ("found", text[:40]),
                ("known", self._known(reading)),
                hint=reading.nearest(text, self._names(reading)),
            )
            return None
        return fact.name, fact.type

    def _names(self, reading: Reading) -> list[str]:
        return [*_OWN, *(f.name for f in reading.facts.values() if f.scope is Scope.RECORD and f.type in NUMERIC)]

    def _known(self, reading: Reading) -> str:
        return ", ".join(self._names(reading))

    def schema(self, script: Language) -> Schema:
        return {"type": "string"}


@dataclass(frozen=True)
class _Counted:
    """The word `records`: what a count counts."""

    def read(self, node: Node, reading: Reading) -> tuple[str, FactType] | None:
        if isinstance(node, Scalar) and node.text in (RECORDS, WORDS[RECORDS]):
            return RECORDS, FactType.WHOLE
        found = node.text[:40] if isinstance(node, Scalar) else ""
        reading.problem("P314", node.location, ("found", found), ("known", RECORDS), hint=nearest(found, (RECORDS,)))
        return None

    def schema(self, script: Language) -> Schema:
        return {"enum": [RECORDS, WORDS[RECORDS]]}


@dataclass(frozen=True)
class _Stretch:
    """`12 months` or `30 days`, as a window that rolls."""

    def read(self, node: Node, reading: Reading) -> Window | None:
        text = scalar_text(node, reading, "P102", ("units", "days, months, years"))
        if text is None:
            return None
        months, days = quantities.amount(text, FactType.MONTHS), quantities.amount(text, FactType.DAYS)
        if months is not None and 0 < months <= 1200:
            return Window(months=months)
        if days is not None and 0 < days <= 36_600:
            return Window(days=days)
        reading.problem("P102", node.location, ("found", text[:40]), ("units", "days, months, years / 天, 个月, 年"))
        return None

    def schema(self, script: Language) -> Schema:
        return {"type": "string"}


_CALENDAR = (Period.DAY, Period.WEEK, Period.MONTH, Period.QUARTER, Period.CALENDAR_YEAR)

_WINDOW: Record[Window] = Record(
    {"calendar": Key(Choice(_CALENDAR)), "rolling": Key(_Stretch())},
    lambda fields, _reading: (
        Window(calendar=fields.get("calendar")) if fields.get("calendar") else fields.get("rolling")
    ),
    one_of=("calendar", "rolling"),
)


@dataclass(frozen=True)
class _Over:
    """`all_time`, or a calendar or rolling window."""

    def read(self, node: Node, reading: Reading) -> Window | None:
        if isinstance(node, Scalar):
            if node.text in ("all_time", WORDS["all_time"]):
                return ALL_TIME
            reading.problem(
                "P105", node.location, ("found", node.text[:40]), ("known", "all_time, {calendar: ...}, {rolling: ...}")
            )
            return None
        return _WINDOW.read(node, reading)

    def schema(self, script: Language) -> Schema:
        return {"anyOf": [{"enum": ["all_time", WORDS["all_time"]]}, _WINDOW.schema(script)]}


def _measure(id: str, fields: Fields, reading: Reading, clause: Clause) -> Measure | None:
    said = [kind for kind in _KINDS if kind in fields.values]
    if len(said) != 1:
        code, place = ("P211", fields.place(said[1])) if said else ("P210", clause.location)
        known = ", ".join(map(reading.spelled, _KINDS))
        reading.problem(code, place, ("key", reading.spelled(said[1]) if said else ""), ("known", known))
        return None
    for spelling, place in ((id, clause.location), (clause.label.zh, fields.place("label"))):
        # A measure that went by the name of a fact would silently take its place in every condition.
        taken = reading.fact(spelling)
        if spelling in RESERVED or (taken is not None and taken.scope is not Scope.MEASURE):
            reading.problem("P215", place, ("fact", spelling))
            return None
    kind = said[0]
    total = Total(kind)
    of, type = ("", FactType.WHOLE) if total is Total.SHARE else fields.get(kind)
    quotient = total in (Total.MEAN, Total.SHARE)
    fact = Fact(
        name=id,
        zh=clause.label.zh if clause.label.zh != id else "",
        type=FactType.RATIO if quotient else type,
        scope=Scope.MEASURE,
        meaning=Label(clause.label.zh or id, clause.label.en or id),
        quotient_of=type if total is Total.MEAN else None,
    )
    share_of = fields.get("share") if total is Total.SHARE else None
    return Measure(clause, total, of, type, fields.get("over"), fields.get("where"), share_of, fact)


MEASURES: NamedForm[Measure] = NamedForm(
    {
        "sum": Key(_Summand()),
        "count": Key(_Counted()),
        "mean": Key(_Summand()),
        "share": Key(CONDITION),
        "over": Key(_Over()),
        "where": Key(CONDITION),
    },
    ("over",),
    _measure,
)
