"""Stretches of time as YAML: `12 months` or `30 days` that roll, and what a limit may run over."""

from __future__ import annotations

from dataclasses import dataclass

from lianxing.engine.reading.forms import Choice, Key, Reading, Record, Schema, scalar_text
from lianxing.engine.reading.nodes import Entries, Node
from lianxing.rules import quantities
from lianxing.rules.facts import FactType
from lianxing.rules.periods import Period, Window
from lianxing.rules.places import Language


@dataclass(frozen=True)
class Stretch:
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
        return Choice(self.periods).read(node, reading)

    def schema(self, script: Language) -> Schema:
        return {"anyOf": [Choice(self.periods).schema(script), _ROLLING.schema(script)]}
