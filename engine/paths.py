"""Paths into a file as it stands: from words in either script to the values below them, with their places and days."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date, timedelta

from lianxing.engine.amounts import number_text
from lianxing.engine.reading.forms import is_dated
from lianxing.engine.reading.nodes import Entries, Items, Node, Scalar
from lianxing.engine.reading.vocabulary import KEY_OF, KEYS
from lianxing.rules import quantities
from lianxing.rules.dates import BEGINNING
from lianxing.rules.facts import Fact
from lianxing.rules.places import Location
from lianxing.rules.tables import Other, Table

# What every statement carries is told with it, and is no value of it.
_CARRIED = frozenset(("id", "source", "label", "overrides", "remove"))


@dataclass(frozen=True, slots=True)
class Value:
    """What stands at one place of a file: its path below what was asked, and the days on which it is in force."""

    path: tuple[str, ...]
    text: str
    location: Location
    since: date | None = None
    until: date | None = None

    @property
    def dated(self) -> bool:
        return self.since is not None or self.until is not None

    def in_force(self, day: date) -> bool:
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)


@dataclass(frozen=True)
class Spellings:
    """The words of a county, so that a path may use either script: keys, facts, and the values of facts."""

    facts: Mapping[str, Fact]

    def same(self, said: str, asked: str) -> bool:
        """Tell whether a word of a path means a word of a file."""
        return (
            said == asked
            or KEY_OF.get(said, said) == KEY_OF.get(asked, asked)
            or bool(self._of(said) & self._of(asked))
        )

    def _of(self, word: str) -> set[str]:
        own = {fact.name for fact in self.facts.values() if word in (fact.name, fact.zh)}
        values = (value for fact in self.facts.values() for value in fact.values)
        return own | {value.id for value in values if word in (value.id, value.label.zh, value.label.en, *value.codes)}

    def find(self, node: Node, rest: str, shape: object) -> tuple[tuple[str, ...], list[Value]] | None:
        """Return the words of the file that lead down the rest of a path, and the values there; None where it ends."""
        return (
            self._down(node, rest, shape, _ALWAYS) if rest else ((), list(_values(node, (), shape, _ALWAYS, top=True)))
        )

    def _down(self, node: Node, rest: str, shape: object, span: _Span) -> tuple[tuple[str, ...], list[Value]] | None:
        if not rest:
            return (), list(_values(node, (), shape, span))
        rows = list(_rows(node, (), shape))
        below = self._row(rows, rest)
        if below is not None:
            return below
        for word, key, item, inner in self._next(node, rest, span):
            found = self._down(item, rest.removeprefix(word).removeprefix("."), shape, inner)
            if found is not None:
                return (key, *found[0]), found[1]
        return None

    def _next(self, node: Node, rest: str, span: _Span) -> Iterator[tuple[str, str, Node, _Span]]:
        """Yield the ways on from a node: the words of the path that it takes, and what stands there."""
        for word in _heads(rest):
            if isinstance(node, Items):
                index = quantities.whole(word)
                if index is not None and 1 <= index <= len(node.items):
                    yield word, word, node.items[index - 1], span
            elif isinstance(node, Entries):
                for key, item, inner in _entries(node, span):
                    if self.same(key, word):
                        yield word, key, item, inner
        if isinstance(node, Entries):
            yield from self._default(node, rest, span)

    def _default(self, node: Entries, rest: str, span: _Span) -> Iterator[tuple[str, str, Node, _Span]]:
        """A value that a table has no row for is at its default row."""
        by = node.get("by") or node.get(KEYS["by"])
        names = [by] if isinstance(by, Scalar) else list(by.items) if isinstance(by, Items) else []
        asked = [fact for one in names if isinstance(one, Scalar) for fact in self._facts(one.text)]
        for word in _heads(rest):
            if any(word in (value.id, value.label.zh, value.label.en) for fact in asked for value in fact.values):
                for key, item, inner in _entries(node, span):
                    if KEY_OF.get(key, key) == "default":
                        yield word, key, item, inner

    def _facts(self, word: str) -> list[Fact]:
        return [fact for fact in self.facts.values() if word in (fact.name, fact.zh)]

    def _row(self, rows: list[Value], rest: str) -> tuple[tuple[str, ...], list[Value]] | None:
        """Return the rows of a table beside the chapter that the rest of a path leads to."""
        words = rest.split(".")
        found = [row for row in rows if len(words) <= len(row.path) and all(map(self.same, row.path, words))]
        if not found:
            return None
        return found[0].path[: len(words)], [replace(row, path=row.path[len(words) :]) for row in found]


@dataclass(frozen=True, slots=True)
class _Span:
    """The days on which a part of a file is in force; both ends belong to it."""

    since: date | None = None
    until: date | None = None


_ALWAYS = _Span()


def _heads(rest: str) -> Iterator[str]:
    """Yield the first words of a path, the longest first: an id may have dots of its own."""
    words = rest.split(".")
    for count in range(len(words), 0, -1):
        yield ".".join(words[:count])


def _entries(node: Entries, span: _Span) -> Iterator[tuple[str, Node, _Span]]:
    """Yield what a mapping says, each with the days on which it is in force."""
    if not is_dated(node):
        yield from ((key.text, item, span) for key, item in node.entries)
        return
    days = [quantities.day(key.text) for key, _item in node.entries]
    for index, (key, item) in enumerate(node.entries):
        following = days[index + 1] if index + 1 < len(days) else None
        yield key.text, item, _Span(days[index], None if following is None else following - timedelta(days=1))


def _values(node: Node, path: tuple[str, ...], shape: object, span: _Span, *, top: bool = False) -> Iterator[Value]:
    """Yield every value below a node; of a whole statement, not what each of them carries."""
    match node:
        case Scalar():
            yield Value(path, node.text, node.location, span.since, span.until)
        case Items(items=items) if all(isinstance(item, Scalar) for item in items):
            text = ", ".join(item.text for item in items if isinstance(item, Scalar))
            yield Value(path, f"[{text}]", node.location, span.since, span.until)
        case Items():
            for index, item in enumerate(node.items, 1):
                yield from _values(item, (*path, str(index)), shape, span)
        case Entries():
            yield from _rows(node, path, shape)
            dated = is_dated(node)
            for key, item, inner in _entries(node, span):
                if not (top and KEY_OF.get(key, key) in _CARRIED):
                    yield from _values(item, path if dated else (*path, key), shape, inner)


def _rows(node: Node, path: tuple[str, ...], shape: object) -> Iterator[Value]:
    """Yield the rows of the CSV file that a table names."""
    if not isinstance(node, Entries) or (node.get("table") or node.get(KEYS["table"])) is None:
        return
    for table in _tables(shape):
        if table.location != node.location:
            continue
        for keys, cell in table.cells.items():
            way = tuple(key.value if isinstance(key, Other) else str(key) for key in keys)
            entries = cell.value.entries
            for index, since in enumerate(entries):
                last = entries[index + 1].day - timedelta(days=1) if index + 1 < len(entries) else cell.until
                first = None if since.day == BEGINNING else since.day
                yield Value((*path, *way), number_text(since.value), since.location, first, last)


def _tables(shape: object) -> Iterator[Table]:
    if isinstance(shape, Table):
        yield shape
    elif isinstance(shape, tuple):
        for part in shape:
            yield from _tables(part)
    elif is_dataclass(shape) and not isinstance(shape, type):
        for field in fields(shape):
            yield from _tables(getattr(shape, field.name))


def ways(node: Node) -> Iterator[tuple[str, ...]]:
    """Yield every way down the mappings below a node."""
    for key, item in node.entries if isinstance(node, Entries) else ():
        yield (key.text,)
        yield from ((key.text, *way) for way in ways(item))
