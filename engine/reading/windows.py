"""Stretches of time as YAML: `12 months` or `30 days` that roll, and what a limit may run over."""

from __future__ import annotations

from dataclasses import dataclass

from lianxing.engine.reading.forms import Choice, Key, Record, Schema, scalar_text
from lianxing.engine.reading.nodes import Entries, Node
from lianxing.engine.reading.notes import Reading
from lianxing.rules import quantities
from lianxing.rules.facts import FactType
from lianxing.rules.periods import Period, Window
from lianxing.rules.places import Language

_MOST = {FactType.MONTHS: 1200, FactType.DAYS: 36_600}


@dataclass(frozen=True)
class Stretch:
    """`12 months` or `30 days`, as a window that rolls."""

    def read(self, node: Node, reading: Reading) -> Window | None:
        units = ", ".join(map(reading.units, _MOST))
        text = scalar_text(node, reading, "P102", ("units", units))
        if text is None:
            return None
        amounts = {type: quantities.amount(text, type) for type in _MOST}
        type = next((type for type, amount in amounts.items() if amount is not None), None)
        if type is None:
            reading.no_amount(node.location, text, list(_MOST))
            return None
        if not 0 < (amounts[type] or 0) <= _MOST[type]:
            low, high = (reading.bound(bound, type, text) for bound in (1, _MOST[type]))
            reading.out_of_range(node.location, text, low, high)
            return None
        return Window(months=amounts[FactType.MONTHS] or 0, days=amounts[FactType.DAYS] or 0)

    def schema(self, script: Language) -> Schema:
        return {"type": "string"}


_ROLLING: Record[Window] = Record(
    {"rolling": Key(Stretch(), required=True)}, lambda fields, _reading: fields.get("rolling")
)


@dataclass(frozen=True)
class Span:
    """A period by its word, or `{rolling: 12 months}`."""

    periods: tuple[Period, ...]

    def read(self, node: Node, reading: Reading) -> Period | Window | None:
        if isinstance(node, Entries):
            return _ROLLING.read(node, reading)
        return Choice(self.periods, also=(_ROLLING,)).read(node, reading)

    def schema(self, script: Language) -> Schema:
        return {"anyOf": [Choice(self.periods).schema(script), _ROLLING.schema(script)]}
