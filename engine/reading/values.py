"""A value of a fact that the language names, as YAML: a state, a festival, somebody who evaluates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lianxing.engine.reading.conditions import Operand
from lianxing.engine.reading.forms import Schema
from lianxing.engine.reading.nodes import Node
from lianxing.engine.reading.notes import Reading
from lianxing.rules.places import Language


@dataclass(frozen=True)
class ValueOf:
    """A value of this fact, in its held unit; a county's own values count as well."""

    fact: str

    def read(self, node: Node, reading: Reading) -> Any:
        return Operand(reading.facts[self.fact]).read(node, reading)

    def schema(self, script: Language) -> Schema:
        return {"type": ["string", "number"]}
