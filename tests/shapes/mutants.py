"""Every small change of what the table shows of a shape, and which of them its cases do not notice.

A number goes up and down by one step of its own unit, a day and a time of day as well; a word of a closed choice becomes
each other word of it; a comparison takes its bound in or leaves it out; a tree of conditions asks for all or for any.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache

from lianxing import rules
from lianxing.engine.reading import pyyaml
from lianxing.engine.reading.nodes import Entries, Items, Node, Scalar
from lianxing.engine.reading.vocabulary import KEY_OF, KEYS, WORDS
from lianxing.rules.places import Location
from lianxing.rules.problems import PolicyError
from tests.shapes.counties import OnDisk

COMPARISONS = {"at_least": "more_than", "at_most": "less_than", "all": "any"}
COMPARED = COMPARISONS | {other: word for word, other in COMPARISONS.items()}

# Choices that are no enumeration of `lianxing.rules`.
CHOICES = (("yes", "no"), ("hours", "points", "records"), ("all_time", "since_award"), ("hours", "points", "nothing"))

SAID_OF_IT = ("id", "label", "source", "title", "titles")  # names and sources decide nothing

_AMOUNT = re.compile(r"(-?\d+(?:\.\d+)?)(?= ?[^\W\d]*(?: days)?$| ?[%％]$)")
_MONTH_DAY = re.compile(r"\d\d-\d\d")
_TIME = re.compile(r"\d\d:\d\d")


@dataclass(frozen=True)
class Mutant:
    """One chapter with one place of it changed."""

    file: str
    line: int
    said: str
    changed: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.said} -> {self.changed}"


def survivors(county: OnDisk) -> tuple[int, list[Mutant]]:
    """Return how many mutants of a county load, and those that fail no case."""
    alive: list[Mutant] = []
    loaded = 0
    for file in county.shape.shows:
        text = county.text(file)
        for mutant in mutants(file, text):
            county.put(file, mutant.text)
            try:
                results = county.results()
            except PolicyError:
                continue
            finally:
                county.put(file, text)
            loaded += 1
            if all(result.passed for result in results):
                alive.append(mutant)
    return loaded, alive


def mutants(file: str, text: str) -> Iterator[Mutant]:
    """Yield every small change of a chapter."""
    lines = text.split("\n")
    for scalar, words in _places(file, text):
        row, column = scalar.location.line - 1, scalar.location.column - 1 + scalar.quoted
        line = lines[row]
        for word in words:
            changed = line[:column] + word + line[column + len(scalar.text) :]
            whole = "\n".join([*lines[:row], changed, *lines[row + 1 :]])
            yield Mutant(file, row + 1, _around(line, column, scalar.text), _around(changed, column, word), whole)


def _around(line: str, column: int, word: str) -> str:
    """Return a place of a line with a little of what stands beside it, so that it is found in the file."""
    return line[max(0, column - 24) : column + len(word) + 16].strip()


def _places(file: str, text: str) -> Iterator[tuple[Scalar, Sequence[str]]]:
    """Yield each scalar of a chapter that could be another one, and what it could be."""
    if file.endswith(".csv"):
        yield from _cells(text)
        return
    node, problems = pyyaml.parse(text.encode(), file)
    assert node is not None, problems
    yield from _of_node(node)


def _cells(text: str) -> Iterator[tuple[Scalar, Sequence[str]]]:
    for row, line in enumerate(text.split("\n")):
        for found in re.finditer(r"(?<=,)[\d.]+", line):
            location = Location("", row + 1, found.start() + 1)
            yield Scalar(found[0], location), _numbers(found[0])


def _of_node(node: Node) -> Iterator[tuple[Scalar, Sequence[str]]]:
    match node:
        case Scalar():
            yield node, [*_numbers(node.text), *_words(node.text)]
        case Items():
            for item in node.items:
                yield from _of_node(item)
        case Entries():
            for key, item in node.entries:
                yield key, [*_numbers(key.text), *_compared(key.text)]
                if KEY_OF.get(key.text, key.text) not in SAID_OF_IT:
                    yield from _of_node(item)


def _compared(key: str) -> list[str]:
    other = COMPARED.get(KEY_OF.get(key, key))
    return [] if other is None else [other if key.isascii() else KEYS[other]]


def _numbers(text: str) -> list[str]:
    """Return a number, a day or a time of day a step further and a step back."""
    if _TIME.fullmatch(text):
        minutes = int(text[:2]) * 60 + int(text[3:])
        return [f"{moved // 60:02}:{moved % 60:02}" for moved in ((minutes + 1) % 1440, (minutes - 1) % 1440)]
    try:
        if _MONTH_DAY.fullmatch(text):
            return [day[5:] for day in _days(date.fromisoformat(f"2001-{text}"))]
        return _days(date.fromisoformat(text))
    except ValueError:
        pass
    found = _AMOUNT.match(text)
    if found is None:
        return []
    number = Decimal(found[1])
    step = Decimal(1).scaleb(int(number.as_tuple().exponent))
    return [f"{changed}{text[found.end() :]}" for changed in (number + step, number - step)]


def _days(day: date) -> list[str]:
    return [(day + timedelta(days)).isoformat() for days in (1, -1)]


def _words(text: str) -> list[str]:
    """Return every other word of the choices that a word belongs to."""
    found: dict[str, None] = {}
    for choice in _choices():
        for words in (choice, [WORDS.get(word, word) for word in choice]):
            if text in words:
                found.update(dict.fromkeys(words))
    found.pop(text, None)
    return list(found)


@cache
def _choices() -> tuple[Sequence[str], ...]:
    modules = [importlib.import_module(f"{rules.__name__}.{one.name}") for one in pkgutil.iter_modules(rules.__path__)]
    enums = {
        member
        for module in modules
        for member in vars(module).values()
        if isinstance(member, type) and issubclass(member, Enum) and len(member) > 1
    }
    return (*CHOICES, *sorted([str(option.value) for option in enum] for enum in enums))
