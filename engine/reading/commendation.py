"""The chapter `commendation.yaml`: a mapping from the name of a commendation to who may win it, and how many."""

from __future__ import annotations

from dataclasses import dataclass

from lianxing.engine.reading.conditions import STANDING_SCOPES, ConditionForm
from lianxing.engine.reading.forms import (
    Choice,
    DatedOf,
    Fields,
    Id,
    Key,
    ListOf,
    Percent,
    Record,
    Schema,
    Text,
    scalar_text,
    whole,
)
from lianxing.engine.reading.nodes import Node, Scalar
from lianxing.engine.reading.notes import Reading
from lianxing.engine.reading.ranking import RankKeyForm
from lianxing.engine.reading.statements import NamedForm
from lianxing.engine.reading.terms import TermForm
from lianxing.engine.reading.vocabulary import WORDS
from lianxing.engine.reading.windows import Span, Stretch
from lianxing.rules.commendation import Commendation, PastWinners, Quota, ShareOf, Step, Subject, Ties
from lianxing.rules.facts import FactType, Scope
from lianxing.rules.hours import Direction
from lianxing.rules.periods import ALL_TIME, Period, Window
from lianxing.rules.places import Clause, Language

SCOPES = STANDING_SCOPES | {Scope.STANDING}
CONDITION = ConditionForm(SCOPES)
_PERIODS = (Period.MONTH, Period.QUARTER, Period.HALF_YEAR, Period.CALENDAR_YEAR)
_DIRECTIONS = (Direction.DOWN, Direction.UP, Direction.HALF_UP)
_ALL_TIME = "all_time"
PLACES_MAX = 1_000_000


@dataclass(frozen=True)
class _Group:
    """A fact of the person or the organisation that is a word: each of its values has a quota of its own."""

    def read(self, node: Node, reading: Reading) -> str | None:
        name = Text().read(node, reading)
        if name is None:
            return None
        fact = reading.fact(name)
        if fact is None or fact.scope is not Scope.PERSON or not fact.type.is_text:
            known = [f.name for f in reading.facts.values() if f.scope is Scope.PERSON and f.type is FactType.TEXT]
            details = (("found", name[:40]), ("known", ", ".join(known)))
            reading.problem("P660", node.location, *details, hint=reading.nearest(name, known))
            return None
        return fact.name

    def schema(self, script: Language) -> Schema:
        return {"type": "string"}


@dataclass(frozen=True)
class _Past:
    """`3 years`, or `all_time`: how long a past winner stays out."""

    def read(self, node: Node, reading: Reading) -> Window | None:
        if isinstance(node, Scalar) and node.text in (_ALL_TIME, WORDS[_ALL_TIME]):
            return ALL_TIME
        text = scalar_text(node, reading, "P102", ("units", "days, months, years"))
        return None if text is None else Stretch().read(node, reading)

    def schema(self, script: Language) -> Schema:
        return {"anyOf": [{"enum": [_ALL_TIME, WORDS[_ALL_TIME]]}, Stretch().schema(script)]}


def _quota(fields: Fields, reading: Reading) -> Quota | None:
    """A share says of whom and how it is rounded; a number of places is whole by itself."""
    with_share = [key for key in ("of", "direction") if key in fields.values]
    if "share" in fields.values:
        for key in ("of", "direction"):
            if key not in fields.values:
                reading.problem("P015", fields.location, ("key", reading.spelled(key)))
        if len(with_share) < 2:
            return None
    elif with_share:
        reading.problem("P661", fields.place(with_share[0]), ("key", reading.spelled(with_share[0])))
        return None
    if fields.get("of") is ShareOf.MEMBERS and "within_same" in fields.values:
        # Members are counted by hand, once for all.
        reading.problem("P662", fields.place("within_same"))
        return None
    return Quota(
        fields.get("at_most"),
        fields.get("share"),
        fields.get("of"),
        fields.get("direction"),
        fields.get("within_same", ""),
        fields.location,
    )


_QUOTA: Record[Quota] = Record(
    {
        "at_most": Key(DatedOf(whole(1, PLACES_MAX))),
        "share": Key(DatedOf(Percent())),
        "of": Key(Choice(tuple(ShareOf))),
        "direction": Key(Choice(_DIRECTIONS)),
        "within_same": Key(_Group()),
    },
    _quota,
    one_of=("at_most", "share"),
)
_EXCLUDES: Record[PastWinners] = Record(
    {"winners_of": Key(ListOf(Id()), required=True), "over": Key(_Past(), required=True)},
    lambda fields, _reading: PastWinners(fields.get("winners_of"), fields.get("over"), fields.location),
)
_STEP: Record[Step] = Record(
    {"stage": Key(Text(), required=True), "by": Key(Text(), required=True), "deadline": Key(DatedOf(TermForm()))},
    lambda fields, _reading: Step(fields.get("stage"), fields.get("by"), fields.get("deadline")),
)


def _commendation(id: str, fields: Fields, reading: Reading, clause: Clause) -> Commendation:
    return Commendation(
        clause=clause,
        subject=fields.get("for"),
        period=fields.get("period"),
        eligible=fields.get("eligible"),
        exceptions=fields.get("exceptions"),
        excludes=fields.get("excludes"),
        quota=fields.get("quota"),
        prefers=fields.get("prefers"),
        rank_by=fields.get("rank_by"),
        ties=fields.get("ties"),
        steps=fields.get("stages", ()),
        recommends_to=fields.get("recommends_to", ""),
        recommends_at=fields.place("recommends_to"),
    )


COMMENDATION: NamedForm[Commendation] = NamedForm(
    {
        "for": Key(Choice(tuple(Subject))),
        "period": Key(Span(_PERIODS)),
        "eligible": Key(CONDITION),
        "exceptions": Key(CONDITION),
        "excludes": Key(_EXCLUDES),
        "quota": Key(_QUOTA),
        "prefers": Key(CONDITION),
        "rank_by": Key(ListOf(RankKeyForm(SCOPES))),
        "ties": Key(Choice(tuple(Ties))),
        "stages": Key(ListOf(_STEP)),
        "recommends_to": Key(Text()),
    },
    ("for", "period", "eligible", "quota", "rank_by", "ties"),
    _commendation,
)
