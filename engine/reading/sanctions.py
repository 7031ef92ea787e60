"""The chapter `sanctions.yaml`: from the name of a sanction to what brings it on, what it does and how it ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lianxing.engine.reading.about import About, is_something
from lianxing.engine.reading.alternatives import MeasureName, WordOr
from lianxing.engine.reading.conditions import SANCTION_SCOPES, ConditionForm, Operand
from lianxing.engine.reading.forms import YES_NO, Amount, Choice, DatedOf, Fields, Key, ListOf, Record, Schema, Text
from lianxing.engine.reading.nodes import Node, Scalar
from lianxing.engine.reading.notes import Reading
from lianxing.engine.reading.statements import NamedForm
from lianxing.engine.reading.vocabulary import WORDS
from lianxing.rules.dates import Dated
from lianxing.rules.facts import Fact, FactType
from lianxing.rules.periods import Period
from lianxing.rules.places import Clause, Language
from lianxing.rules.sanctions import (
    Effects,
    Lasts,
    OnAsset,
    OnCommendation,
    OnPerks,
    OnRegistration,
    OnRight,
    OnStar,
    Repair,
    Report,
    Restoration,
    Sanction,
)

CONDITION = ConditionForm(SANCTION_SCOPES)
MONTHS = Amount(FactType.MONTHS, 1, 1200)
NOTICE = Amount(FactType.WORKING_DAYS, 1, 365)
_PAID_TYPES = (FactType.DURATION, FactType.POINTS)

EFFECT_KEYS: Mapping[str, Key[Any]] = {
    "registration": Key(Choice(tuple(OnRegistration)), required=True),
    "star": Key(Choice(tuple(OnStar)), required=True),
    "points": Key(Choice(tuple(OnAsset)), required=True),
    "hours": Key(Choice(tuple(OnAsset)), required=True),
    "black_list": Key(YES_NO, required=True),
    "perks": Key(Choice(tuple(OnPerks))),
    "redemption": Key(Choice(tuple(OnRight))),
    "entry": Key(Choice(tuple(OnRight))),
    "commendation": Key(Choice(tuple(OnCommendation))),
}
_EFFECTS: Record[Effects] = Record(EFFECT_KEYS, lambda fields, _reading: Effects(**fields.values))


@dataclass(frozen=True)
class _LastsForm:
    """`for_ever`, `while_true`, `until_restored`, or months: `12 months`."""

    def read(self, node: Node, reading: Reading) -> Lasts | Dated[int] | None:
        if isinstance(node, Scalar):
            for option in Lasts:
                if node.text in (option.value, WORDS[option.value]):
                    return option
            if not node.text[:1].isdigit():
                return Choice(tuple(Lasts), also=(MONTHS,)).read(node, reading)
        return DatedOf(MONTHS).read(node, reading)

    def schema(self, script: Language) -> Schema:
        return {"anyOf": [Choice(tuple(Lasts)).schema(script), DatedOf(MONTHS).schema(script)]}


def _restoration(fields: Fields, reading: Reading) -> Restoration | None:
    if not fields.values:
        reading.problem("P111", fields.location)
        return None
    return Restoration(fields.get("waits"), fields.get("serves"), fields.location)


_RESTORED: Record[Restoration] = Record(
    {"waits": Key(DatedOf(MONTHS)), "serves": Key(DatedOf(Amount(FactType.DURATION, 1)))}, _restoration
)


@dataclass(frozen=True)
class _Payable:
    """The name of a measure of which something can be paid: hours or points."""

    def read(self, node: Node, reading: Reading) -> Fact | None:
        fact = MeasureName().read(node, reading)
        if fact is not None and fact.type not in _PAID_TYPES:
            reading.problem("P624", node.location, ("measure", fact.name))
            return None
        return fact

    def schema(self, script: Language) -> Schema:
        return MeasureName().schema(script)


def _repair(of: Fact | None) -> Record[Repair]:
    """`{of: MEASURE, paid: 10 hours, once_per: record}`: what is paid is in the unit of the measure."""

    def build(fields: Fields, reading: Reading) -> Repair | None:
        paid: Dated[int] = fields.get("paid")
        if not is_something(paid, fields.get("of"), reading):
            return None
        (once_per,) = fields.get("once_per")
        return Repair(fields.get("of").name, paid, once_per, fields.location)

    amount = Operand(of) if of is not None else Text()
    periods = {"record": Period.RECORD, "calendar_year": Period.CALENDAR_YEAR, "all_time": None}
    return Record(
        {
            "of": Key(_Payable(), required=True),
            "paid": Key(DatedOf(amount), required=True),
            "once_per": Key(WordOr(periods), required=True),
        },
        build,
    )


_REPORT: Record[Report] = Record(
    {"to": Key(ListOf(Text()), required=True), "consent": Key(YES_NO, required=True)},
    lambda fields, _reading: Report(fields.get("to"), fields.get("consent")),
)


def _sanction(_id: str, fields: Fields, reading: Reading, clause: Clause) -> Sanction | None:
    lasts, restored = fields.get("lasts"), fields.get("restored")
    timed = isinstance(lasts, Dated) and (restored is None or restored.waits is None)
    if not timed and (lasts is Lasts.UNTIL_RESTORED) != (restored is not None):
        reading.problem("P620", fields.place("lasts" if restored is None else "restored"))
        return None
    return Sanction(
        clause=clause,
        when=fields.get("when"),
        effects=fields.get("effects"),
        lasts=lasts,
        restored=restored,
        repair=fields.get("repair"),
        report=fields.get("report"),
        notice=fields.get("notice"),
    )


SANCTIONS: NamedForm[Sanction] = NamedForm(
    {
        "when": Key(CONDITION),
        "effects": Key(_EFFECTS),
        "lasts": Key(_LastsForm()),
        "restored": Key(_RESTORED),
        "repair": Key(About(_Payable(), _repair)),
        "report": Key(_REPORT),
        "notice": Key(DatedOf(NOTICE)),
    },
    ("when", "effects", "lasts"),
    _sanction,
)
