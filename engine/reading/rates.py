"""Rates as YAML: one table, or several that may apply to the same record with the rule for combining them.

points_per_hour: {by: category, default: 1, training: 0.5}
multiply: {combine: max, rules: [{when: {statutory_holiday: yes}, value: 2}, {when: {role: captain}, value: 1.5}]}
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from lianxing.engine.reading.forms import Choice, Fields, Form, Key, ListOf, Record, Schema
from lianxing.engine.reading.hours import RECORD_CONDITION
from lianxing.engine.reading.nodes import Node
from lianxing.engine.reading.notes import Reading, under
from lianxing.engine.reading.tables import TableForm
from lianxing.rules.earning import Combine, Rate, Rates
from lianxing.rules.facts import Scope
from lianxing.rules.places import Language

ASKED = frozenset((Scope.RECORD, Scope.PERSON, Scope.CALENDAR))


@dataclass(frozen=True)
class RatesForm:
    """Rates whose numbers have this form; a product is for factors only."""

    number: Form[Fraction]
    ways: tuple[Combine, ...]

    def read(self, node: Node, reading: Reading) -> Rates | None:
        if under(node, "combine") is not None:
            return self._several().read(node, reading)
        table = TableForm(self.number, ASKED).read(node, reading)
        return None if table is None else Rates(None, (Rate(None, table, node.location),))

    def _several(self) -> Record[Rates]:
        rate: Record[Rate] = Record(
            {"when": Key(RECORD_CONDITION), "value": Key(TableForm(self.number, ASKED), required=True)}, _rate
        )
        return Record(
            {"combine": Key(Choice(self.ways), required=True), "rules": Key(ListOf(rate, least=2), required=True)},
            lambda fields, _reading: Rates(fields.get("combine"), fields.get("rules")),
        )

    def schema(self, script: Language) -> Schema:
        return {"anyOf": [TableForm(self.number, ASKED).schema(script), self._several().schema(script)]}


def _rate(fields: Fields, _reading: Reading) -> Rate:
    return Rate(fields.get("when"), fields.get("value"), fields.location)
