"""Forms that say what they are about: their amounts are in the unit of that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from lianxing.engine.reading.forms import Form, Schema
from lianxing.engine.reading.nodes import Entries, Node
from lianxing.engine.reading.notes import Reading, under
from lianxing.rules.dates import Dated
from lianxing.rules.facts import Fact
from lianxing.rules.places import Language

T = TypeVar("T")


@dataclass(frozen=True)
class About(Generic[T]):
    """A mapping that says under `of` what it is about; `record` is its form for that, or for nothing that is known."""

    of: Form[Fact]
    record: Callable[[Fact | None], Form[T]]

    def read(self, node: Node, reading: Reading) -> T | None:
        if not isinstance(node, Entries):
            reading.expected("mapping", node)
            return None
        named = under(node, "of")
        of = None if named is None else self.of.read(named, reading)
        if named is not None and of is None:
            return None
        return self.record(of).read(node, reading)

    def schema(self, script: Language) -> Schema:
        return self.record(None).schema(script)


def is_something(amounts: Dated[int], of: Fact, reading: Reading) -> bool:
    """Tell whether every amount is above nothing; the first that is not is noted."""
    nothing = next((entry for entry in amounts.entries if entry.value <= 0), None)
    if nothing is not None:
        reading.none_of(nothing.location, of, nothing.value)
    return nothing is None
