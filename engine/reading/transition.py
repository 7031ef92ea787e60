"""The chapter `transition.yaml`: a mapping from the name of a change to what it does to what was earned before it.

first_rules_of_2025:
  on_day: 2025-01-01
  points: {carry_over: {at_most: 100 points}}
  hours: keep
  stars: rated_again
  accounts: {wallet: {convert: 0.5}}
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from lianxing.engine.reading.alternatives import BalanceAmount
from lianxing.engine.reading.forms import DAY, Amount, Choice, Fields, Form, Id, Key, MapOf, Record, Schema, number
from lianxing.engine.reading.nodes import Node, Scalar
from lianxing.engine.reading.notes import Reading
from lianxing.engine.reading.statements import NamedForm
from lianxing.rules.facts import FactType
from lianxing.rules.places import Clause, Language
from lianxing.rules.transition import AccountThen, CarryOver, Convert, Fate, StarsThen, Transition, Treatment

FACTOR_MAX = 1000


@dataclass(frozen=True)
class _TreatmentForm:
    """`keep`, `restart`, `{convert: 0.5}` or `{carry_over: {at_most: 100 points}}`, so much as `amount` reads."""

    amount: Form[Any]

    def read(self, node: Node, reading: Reading) -> Treatment | None:
        if isinstance(node, Scalar):
            return Choice(tuple(Fate), also=(self._record(),)).read(node, reading)
        return self._record().read(node, reading)

    def _record(self) -> Record[Treatment]:
        def build(fields: Fields, _reading: Reading) -> Treatment:
            factor: Fraction | None = fields.get("convert")
            return Convert(factor) if factor is not None else CarryOver(int(fields.get("carry_over")))

        carried: Record[int] = Record(
            {"at_most": Key(self.amount, required=True)}, lambda fields, _reading: fields.get("at_most")
        )
        return Record(
            {"convert": Key(number(0, FACTOR_MAX)), "carry_over": Key(carried)}, build, one_of=("convert", "carry_over")
        )

    def schema(self, script: Language) -> Schema:
        return {"anyOf": [Choice(tuple(Fate)).schema(script), self._record().schema(script)]}


@dataclass(frozen=True)
class _AccountForm:
    """What becomes of the account of this name; whether the county has it, and its unit, is looked at later."""

    name: Scalar

    def read(self, node: Node, reading: Reading) -> AccountThen | None:
        id = Id().read(self.name, reading)
        seen: set[FactType] = set()
        how = _TreatmentForm(BalanceAmount(seen)).read(node, reading)
        if id is None or how is None:
            return None
        return AccountThen(id, how, self.name.location, FactType.POINTS in seen if seen else None)

    def schema(self, script: Language) -> Schema:
        return _TreatmentForm(BalanceAmount()).schema(script)


def _transition(_id: str, fields: Fields, _reading: Reading, clause: Clause) -> Transition:
    return Transition(
        clause=clause,
        on_day=fields.get("on_day"),
        points=fields.get("points"),
        hours=fields.get("hours"),
        stars=fields.get("stars"),
        accounts=fields.get("accounts", ()),
    )


TRANSITIONS: NamedForm[Transition] = NamedForm(
    {
        "on_day": Key(DAY),
        "points": Key(_TreatmentForm(Amount(FactType.POINTS))),
        "hours": Key(_TreatmentForm(Amount(FactType.DURATION))),
        "stars": Key(Choice(tuple(StarsThen))),
        "accounts": Key(MapOf(_AccountForm)),
    },
    ("on_day", "points", "hours", "stars"),
    _transition,
)
