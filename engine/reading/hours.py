"""The chapter `hours.yaml`: a list of steps on records and their time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from lianxing.engine.reading.conditions import FACT_NAMED, RECORD_SCOPES, ConditionForm, names_a_fact
from lianxing.engine.reading.forms import (
    TIME,
    YES_NO,
    Amount,
    Choice,
    DatedOf,
    Fields,
    Key,
    OneOrMore,
    Percent,
    Record,
    Schema,
    Text,
    whole,
)
from lianxing.engine.reading.nodes import Entries, Node, Scalar
from lianxing.engine.reading.notes import Reading
from lianxing.engine.reading.statements import StepsForm
from lianxing.engine.reading.tables import TableForm
from lianxing.engine.reading.vocabulary import WORDS
from lianxing.engine.reading.windows import Span
from lianxing.rules.dates import Dated
from lianxing.rules.facts import Fact, FactType, Scope
from lianxing.rules.hours import (
    AddTime,
    Breaks,
    Count,
    CountsAs,
    DeductTime,
    Direction,
    Exclude,
    Hold,
    HoursStep,
    LimitRecords,
    LimitTime,
    Minimum,
    NoHours,
    NoOverlap,
    Overflow,
    Overlap,
    Revoke,
    RoundTime,
    Split,
)
from lianxing.rules.periods import Period
from lianxing.rules.places import Clause, Language

ROUND_PERIODS = tuple(period for period in Period if period is not Period.BALANCE)
DAY_SECONDS = 86_400
YEARS_100_SECONDS = 100 * 366 * DAY_SECONDS
RECORDS_MAX = 10_000
MIDNIGHT = "midnight"

RECORD_CONDITION = ConditionForm(RECORD_SCOPES)


@dataclass(frozen=True)
class GroupFact:
    """A text fact of the record or the person by which a step keeps its accounts apart: its name."""

    def read(self, node: Node, reading: Reading) -> str | None:
        name = Text().read(node, reading)
        fact = None if name is None else reading.fact(name)
        if name is not None and fact is None:
            reading.problem("P301", node.location, ("fact", name), hint=reading.nearest_fact(name))
            return None
        if fact is not None and (fact.type is not FactType.TEXT or fact.scope not in (Scope.RECORD, Scope.PERSON)):
            reading.problem("P324", node.location, ("fact", reading.named(fact)))
            return None
        return None if fact is None else fact.name

    def schema(self, script: Language) -> Schema:
        return {"type": "string"}


WITHIN_SAME = {"within_same": Key(GroupFact())}


def kept_apart_in_a_balance(fields: Fields, reading: Reading) -> bool:
    """Tell whether a limit asks for accounts apart in a balance, which is one, and say so."""
    if fields.get("per") is not Period.BALANCE or "within_same" not in fields.values:
        return False
    known = f"{reading.spelled('per')}: {reading.worded(Period.BALANCE.value)}"
    reading.problem("P211", fields.place("within_same"), ("key", reading.spelled("within_same")), ("known", known))
    return True


def round_form(type: FactType, most: int) -> Record[tuple[Any, Period, Direction, str]]:
    """`{to: 30 minutes, each: record, direction: down}`: all three are said, none has a default."""
    return Record(
        {
            "to": Key(DatedOf(Amount(type, 1, most)), required=True),
            "each": Key(Choice(ROUND_PERIODS), required=True),
            "direction": Key(Choice(tuple(Direction)), required=True),
            **WITHIN_SAME,
        },
        lambda fields, _reading: (
            fields.get("to"),
            fields.get("each"),
            fields.get("direction"),
            fields.get("within_same", ""),
        ),
    )


@dataclass(frozen=True)
class _AtMost:
    """A time, or `{fact: activity_duration}`: the time that the record names itself."""

    amount: DatedOf[int]

    def read(self, node: Node, reading: Reading) -> Dated[int] | str | None:
        if not names_a_fact(node):
            return self.amount.read(node, reading)
        fact = FACT_NAMED.read(node, reading)
        return None if fact is None else _duration_of_record(fact, node, reading)

    def schema(self, script: Language) -> Schema:
        return {"anyOf": [self.amount.schema(script), FACT_NAMED.schema(script)]}


def _duration_of_record(fact: Fact, node: Node, reading: Reading) -> str | None:
    if fact.scope is not Scope.RECORD or fact.type is not FactType.DURATION:
        reading.problem("P325", node.location, ("fact", reading.named(fact)))
        return None
    return fact.name


@dataclass(frozen=True)
class _DurationFact:
    """The name of a duration that the record reports beside its service time."""

    def read(self, node: Node, reading: Reading) -> str | None:
        name = Text().read(node, reading)
        fact = None if name is None else reading.fact(name)
        if name is not None and fact is None:
            reading.problem("P301", node.location, ("fact", name), hint=reading.nearest_fact(name))
        return None if fact is None else _duration_of_record(fact, node, reading)

    def schema(self, script: Language) -> Schema:
        return {"type": "string"}


def _limit(fields: Fields, reading: Reading) -> tuple[Any, ...] | None:
    per, at_most = fields.get("per"), fields.get("at_most")
    if isinstance(at_most, str) and per is not Period.RECORD:
        reading.problem("P326", fields.place("per"))
        return None
    if kept_apart_in_a_balance(fields, reading):
        return None
    return per, at_most, fields.get("overflow"), fields.get("within_same", "")


TIME_LIMIT: Record[tuple[Any, ...]] = Record(
    {
        "per": Key(Span(tuple(Period)), required=True),
        "at_most": Key(_AtMost(DatedOf(Amount(FactType.DURATION, 0, YEARS_100_SECONDS))), required=True),
        "overflow": Key(Choice(tuple(Overflow)), required=True),
        **WITHIN_SAME,
    },
    _limit,
)

LIMIT_RECORDS: Record[tuple[Any, ...]] = Record(
    {
        "per": Key(Span(tuple(p for p in ROUND_PERIODS if p is not Period.RECORD)), required=True),
        "at_most": Key(DatedOf(whole(0, RECORDS_MAX)), required=True),
        **WITHIN_SAME,
    },
    lambda fields, _reading: (fields.get("per"), fields.get("at_most"), fields.get("within_same", "")),
)


@dataclass(frozen=True)
class _Moment:
    """A time of day, or the word for midnight."""

    def read(self, node: Node, reading: Reading) -> int | None:
        if isinstance(node, Scalar) and node.text in (MIDNIGHT, WORDS[MIDNIGHT]):
            return 0
        return TIME.read(node, reading)

    def schema(self, script: Language) -> Schema:
        return {"anyOf": [{"enum": [MIDNIGHT, WORDS[MIDNIGHT]]}, TIME.schema(script)]}


class SplitAt(Enum):
    """The one place at which a record is split without further words."""

    MIDNIGHT = MIDNIGHT


_SPLIT: Record[tuple[tuple[int, ...], Breaks]] = Record(
    {
        "at": Key(OneOrMore(_Moment()), required=True),
        "share_of_breaks": Key(Choice(tuple(Breaks)), required=True),
    },
    lambda fields, _reading: (tuple(sorted(set(fields.get("at")))), fields.get("share_of_breaks")),
)


@dataclass(frozen=True)
class _SplitForm:
    """`midnight`, where breaks fall in order; or `{at: [midnight, "22:00"], share_of_breaks: pro_rata}`."""

    def read(self, node: Node, reading: Reading) -> tuple[tuple[int, ...], Breaks] | None:
        if isinstance(node, Entries):
            return _SPLIT.read(node, reading)
        return None if Choice(tuple(SplitAt), also=(_SPLIT,)).read(node, reading) is None else ((0,), Breaks.IN_ORDER)

    def schema(self, script: Language) -> Schema:
        return {"anyOf": [Choice(tuple(SplitAt)).schema(script), _SPLIT.schema(script)]}


def _step(kind: str, said: Any, when: Any, clause: Clause) -> HoursStep:
    match kind:
        case "count":
            return Count(clause, when, said)
        case "exclude":
            return Exclude(clause, when, said)
        case "hold":
            return Hold(clause, when, said)
        case "revoke":
            return Revoke(clause, when, said)
        case "no_hours":
            return NoHours(clause, when, said)
        case "split":
            return Split(clause, when, *said)
        case "overlap":
            return NoOverlap(clause, when, *said)
        case "add_time":
            return AddTime(clause, when, *said)
        case "deduct_time":
            return DeductTime(clause, when, said)
        case "counts_as":
            return CountsAs(clause, when, said)
        case "minimum":
            return Minimum(clause, when, said)
        case "round":
            return RoundTime(clause, when, *said)
        case "limit_records":
            return LimitRecords(clause, when, *said)
        case _:
            return LimitTime(clause, when, *said)


_DURATION = DatedOf(Amount(FactType.DURATION, 0, DAY_SECONDS))

HOURS: StepsForm[HoursStep] = StepsForm(
    {
        "count": Key(RECORD_CONDITION),
        "exclude": Key(RECORD_CONDITION),
        "hold": Key(RECORD_CONDITION),
        "revoke": Key(RECORD_CONDITION),
        "split": Key(_SplitForm()),
        "overlap": Key(
            Record(
                {
                    "rule": Key(Choice(tuple(Overlap)), required=True),
                    "touching": Key(YES_NO, required=True),
                    **WITHIN_SAME,
                },
                lambda fields, _reading: (fields.get("rule"), fields.get("touching"), fields.get("within_same", "")),
            )
        ),
        "add_time": Key(
            Record(
                {
                    "of": Key(_DurationFact(), required=True),
                    "per": Key(Choice(ROUND_PERIODS), required=True),
                    "at_most": Key(_DURATION, required=True),
                },
                lambda fields, _reading: (fields.get("of"), fields.get("per"), fields.get("at_most")),
            )
        ),
        "deduct_time": Key(
            Record({"of": Key(_DurationFact(), required=True)}, lambda fields, _reading: fields.get("of"))
        ),
        "counts_as": Key(TableForm(Percent(), frozenset((Scope.RECORD, Scope.PERSON, Scope.CALENDAR)))),
        "minimum": Key(_DURATION),
        "round": Key(round_form(FactType.DURATION, DAY_SECONDS)),
        "limit": Key(TIME_LIMIT),
        "limit_records": Key(LIMIT_RECORDS),
        "no_hours": Key(RECORD_CONDITION),
    },
    RECORD_CONDITION,
    _step,
)
