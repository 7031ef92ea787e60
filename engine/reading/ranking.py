"""A key to rank by, as YAML: `{service_hours: high}`."""

from __future__ import annotations

from dataclasses import dataclass

from lianxing.engine.reading.alternatives import NUMERIC, WordOr
from lianxing.engine.reading.forms import Schema
from lianxing.engine.reading.nodes import Entries, Node
from lianxing.engine.reading.notes import Reading
from lianxing.rules.facts import FactType, Scope
from lianxing.rules.places import Language
from lianxing.rules.ranking import RankKey

RANKED = NUMERIC | {FactType.DATE, FactType.MONTHS, FactType.DAYS, FactType.YES_NO, FactType.RATIO}
_HIGH = WordOr({"high": True, "low": False})


@dataclass(frozen=True)
class RankKeyForm:
    """One measure or fact of these scopes, and whose value comes first."""

    scopes: frozenset[Scope]

    def read(self, node: Node, reading: Reading) -> RankKey | None:
        if not isinstance(node, Entries) or len(node.entries) != 1:
            reading.expected("mapping", node)
            return None
        key, item = node.entries[0]
        fact = reading.fact(key.text)
        if fact is None:
            reading.problem("P301", key.location, ("fact", key.text), hint=reading.nearest_fact(key.text))
            return None
        if fact.scope not in self.scopes or fact.type not in RANKED:
            reading.problem("P304", key.location, ("fact", key.text))
            return None
        high = _HIGH.read(item, reading)
        return None if high is None else RankKey(fact.name, *high, key.location)

    def schema(self, script: Language) -> Schema:
        return {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": _HIGH.schema(script),
        }
