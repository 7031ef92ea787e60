"""A parsed file before it means anything: text scalars, lists and mappings, each with its place."""

from __future__ import annotations

from dataclasses import dataclass

from lianxing.rules.places import Location


@dataclass(frozen=True, slots=True)
class Scalar:
    """Text as written; what it means is the schema's business (`0001` stays `0001`, `NO` stays `NO`)."""

    text: str
    location: Location
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple[Node, ...]
    location: Location


@dataclass(frozen=True, slots=True)
class Entries:
    """A mapping with text keys, none of them twice, in the order of the file."""

    entries: tuple[tuple[Scalar, Node], ...]
    location: Location

    def get(self, key: str) -> Node | None:
        return next((node for name, node in self.entries if name.text == key), None)


Node = Scalar | Items | Entries
