"""Every small change of what the table shows of a shape, and which of them its cases do not notice.

A number, a day and a time of day go a step up and a step down; a word of a closed choice becomes each other word of it;
a comparison takes its bound in or leaves it out; a tree of conditions asks for any instead of all; a list of words does
without one of them, which then stands there as its neighbour does.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from tests.shapes.table import FOLDER, Shape, plain

EQUIVALENT = FOLDER / "equivalent.yaml"

OTHER_WAY = {"at_least": "more_than", "at_most": "less_than", "all": "any"}
SWAPPED = OTHER_WAY | {other: word for word, other in OTHER_WAY.items()}

# Choices that are no enumeration of `lianxing.rules`.
CHOICES = (("yes", "no"), ("hours", "points", "records"), ("hours", "points", "nothing"), ("all_time", "since_award"))

DECIDE_NOTHING = frozenset(("id", "label", "source", "title", "titles"))

_AMOUNT = re.compile(r"(-?\d+(?:\.\d+)?) ?(?:[^\W\d_]+(?: days)?|[%％])?")
_MONTH_DAY = re.compile(r"\d\d-\d\d")
_TIME = re.compile(r"(\d\d):(\d\d)")


@dataclass(frozen=True)
class Mutant:
    """A chapter with one word or number of it changed; `place` is the path to it, of English keys where there are."""

    file: str
    place: str
    word: str
    text: str


def survivors(county: OnDisk) -> tuple[int, list[Mutant]]:
    """Return how many mutants of a county load, and those that fail no case."""
    assert all(result.passed for result in county.results()), county.shape.id
    loaded, alive = 0, []
    for mutant in mutants(county.shape):
        whole = county.text(mutant.file)
        county.put(mutant.file, whole.replace(shown(county.shape, mutant.file), mutant.text))
        try:
            results = county.results()
        except PolicyError:
            continue
        finally:
            county.put(mutant.file, whole)
        loaded += 1
        if all(result.passed for result in results):
            alive.append(mutant)
    return loaded, alive


def shown(shape: Shape, file: str) -> str:
    """Return what the table shows of a chapter: of county.yaml nothing that every county needs."""
    return shape.says.get(file, shape.county)


def mutants(shape: Shape) -> Iterator[Mutant]:
    """Yield every small change of the chapters that the table shows."""
    for file in shape.shows:
        yield from of_chapter(file, shown(shape, file))


def of_chapter(file: str, text: str) -> Iterator[Mutant]:
    lines = text.split("\n")
    for place, scalar, words in _changeable(file, text):
        row, column = scalar.location.line - 1, scalar.location.column - 1 + scalar.quoted
        before, after = lines[row][:column], lines[row][column + len(scalar.text) :]
        for word in words:
            yield Mutant(file, place, word, "\n".join([*lines[:row], before + word + after, *lines[row + 1 :]]))


Changeable = Iterator[tuple[str, Scalar, Sequence[str]]]


def _changeable(file: str, text: str) -> Changeable:
    """Yield each scalar of a chapter that could be another one, and what it could be."""
    if file.endswith(".csv"):
        yield from _cells(text)
        return
    node, problems = pyyaml.parse(text.encode(), file)
    assert node is not None, problems
    yield from _of_node(node, ())


def _cells(text: str) -> Changeable:
    for row, line in enumerate(text.split("\n"), 1):
        for found in re.finditer(r"(?<=,)[\d.]+", line):
            yield line.partition(",")[0], Scalar(found[0], Location("", row, found.start() + 1)), _numbers(found[0])


def _of_node(node: Node, path: tuple[str, ...]) -> Changeable:
    match node:
        case Scalar():
            yield ".".join(path), node, [*_numbers(node.text), *_words(node.text)]
        case Items():
            words = [item.text for item in node.items if isinstance(item, Scalar)]
            for index, item in enumerate(node.items):
                yield from _of_node(item, (*path, _name(item, index)))
                if isinstance(item, Scalar) and len(words) > 1:
                    yield ".".join((*path, str(index))), item, [words[index - 1]]
        case Entries():
            for key, item in node.entries:
                name = KEY_OF.get(key.text, key.text)
                yield ".".join((*path, name)), key, [*_numbers(key.text), *_swapped(key.text, name)]
                if name not in DECIDE_NOTHING:
                    yield from _of_node(item, (*path, name))


def _name(item: Node, index: int) -> str:
    """Return what an item of a list is called: its id, or else its number."""
    id = (item.get("id") or item.get("编号")) if isinstance(item, Entries) else None
    return id.text if isinstance(id, Scalar) else str(index)


def _swapped(key: str, name: str) -> list[str]:
    return [] if name not in SWAPPED else [SWAPPED[name] if key == name else KEYS[SWAPPED[name]]]


def _numbers(text: str) -> list[str]:
    """Return a number, a day or a time of day a step up and a step down; nothing for what is none of them."""
    if time := _TIME.fullmatch(text):
        minutes = [(int(time[1]) * 60 + int(time[2]) + step) % 1440 for step in (1, -1)]
        return [f"{one // 60:02}:{one % 60:02}" for one in minutes]
    yearly = _MONTH_DAY.fullmatch(text) is not None
    try:
        day = date.fromisoformat(f"2001-{text}" if yearly else text)
        return [(day + timedelta(step)).isoformat()[5 if yearly else 0 :] for step in (1, -1)]
    except ValueError:
        pass
    found = _AMOUNT.fullmatch(text)
    if found is None:
        return []
    number, rest = Decimal(found[1]), text[found.end(1) :]
    step = Decimal(1).scaleb(int(number.as_tuple().exponent))
    return [f"{changed}{rest}" for changed in (number + step, number - step)]


def _words(text: str) -> list[str]:
    """Return every other word of the choices that a word belongs to, in its own script."""
    found: dict[str, None] = {}
    for choice in _choices():
        for words in (choice, [WORDS.get(word, word) for word in choice]):
            if text in words:
                found.update(dict.fromkeys(words))
    return [word for word in found if word != text]


@cache
def _choices() -> tuple[Sequence[str], ...]:
    modules = [importlib.import_module(f"{rules.__name__}.{one.name}") for one in pkgutil.iter_modules(rules.__path__)]
    kinds = {kind for module in modules for kind in vars(module).values() if isinstance(kind, type)}
    words = [[str(option.value) for option in kind] for kind in kinds if issubclass(kind, Enum) and len(kind) > 1]
    return (*CHOICES, *sorted(words))


def names(mutants: Iterable[Mutant]) -> list[str]:
    """Return what mutants are called in `equivalent.yaml`: chapter, place and word."""
    return sorted(f"{one.file} {one.place}: {one.word}" for one in mutants)


@cache
def equivalent() -> Mapping[str, list[str]]:
    """Return, by shape, the names of the mutants that `equivalent.yaml` has a reason for: no case could notice them."""
    node, problems = pyyaml.parse(EQUIVALENT.read_bytes(), EQUIVALENT.name)
    assert node is not None, problems
    found: dict[str, list[str]] = {}
    for said in plain(node):
        assert said["reason"]
        for shape, places in said["mutants"].items():
            found.setdefault(shape, []).extend(f"{place}: {word}" for place, words in places.items() for word in words)
    return {shape: sorted(mutants) for shape, mutants in found.items()}
