"""A time within which something has to be done, as YAML: `15 days`, `10 working days`, `1 month`."""

from __future__ import annotations

from dataclasses import dataclass

from lianxing.engine.reading.forms import Schema, scalar_text
from lianxing.engine.reading.nodes import Node
from lianxing.engine.reading.notes import Reading
from lianxing.rules import quantities
from lianxing.rules.facts import FactType
from lianxing.rules.periods import Term
from lianxing.rules.places import Language

_TYPES = (FactType.DAYS, FactType.WORKING_DAYS, FactType.MONTHS)
TERM_MAX = 36_600


@dataclass(frozen=True)
class TermForm:
    """At least one day, working day or month, a hundred years at the most."""

    types: tuple[FactType, ...] = _TYPES

    def read(self, node: Node, reading: Reading) -> Term | None:
        units = ", ".join(reading.units(type) for type in self.types)
        text = scalar_text(node, reading, "P102", ("units", units))
        if text is None:
            return None
        amounts = {type: quantities.amount(text, type) for type in self.types}
        found = next((type for type in self.types if amounts[type] is not None), None)
        if found is None:
            reading.no_amount(node.location, text, self.types)
            return None
        days, working_days, months = (amounts.get(type) or 0 for type in _TYPES)
        if not 0 < days + working_days + months * 30 <= TERM_MAX:
            most = TERM_MAX // 30 if found is FactType.MONTHS else TERM_MAX
            low, high = (reading.bound(bound, found, text) for bound in (1, most))
            reading.out_of_range(node.location, text, low, high)
            return None
        return Term(days, working_days, months)

    def written(self, reading: Reading) -> str:
        return "10 天" if reading.own_script == "zh" else "10 days"

    def schema(self, script: Language) -> Schema:
        return {"type": "string", "pattern": r"^[0-9]+ ?\S.*$"}
