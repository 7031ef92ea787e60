"""Where the values of a policy come from: by which layer, in which file and line, under which clause, in whose place.

A path leads from a chapter to a statement to a key, in either script: `earning.by_service_time.points_per_hour.培训`.
The chapter may be left out. The answer is read from the files as they stand, so that the place is where a clerk edits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lianxing.engine.layers import Stack, stacked
from lianxing.engine.paths import Spellings, Value, ways
from lianxing.engine.reading import pyyaml
from lianxing.engine.reading.chapters import Folder, Layer
from lianxing.engine.reading.nodes import Entries
from lianxing.engine.reading.notes import nearest
from lianxing.engine.reading.statements import Statement
from lianxing.engine.reading.vocabulary import KEY_OF
from lianxing.rules.facts import Fact
from lianxing.rules.places import Location, Source

COUNTY = "county"
# Each chapter by its file's name, and what else a path may call it.
CHAPTERS: Mapping[str, str] = {
    COUNTY: "县区",
    "review": "审核",
    "hours": "时长",
    "earning": "积分",
    "measures": "指标",
    "stars": "星级",
    "perks": "礼遇",
    "accounts": "账户",
    "redemption": "兑换",
    "menu": "菜单",
    "sanctions": "处理",
    "commendation": "评优",
    "transition": "过渡",
}
# Keys of county.yaml that a layer takes from those below where it does not say them, or adds to.
_INHERITED = frozenset(("in_force", "time_zone", "holidays", "facts", "campaigns"))


@dataclass(frozen=True, slots=True)
class Saying:
    """What one layer says there; where it `removes` a statement, it says no value."""

    layer: str
    location: Location
    source: Source
    values: tuple[Value, ...]
    removes: bool = False


@dataclass(frozen=True, slots=True)
class Origin:
    """A statement, or a part of one: what holds, and below it what that took the place of, the nearest layer first."""

    path: tuple[str, ...]
    sayings: tuple[Saying, ...]


class UnknownPathError(LookupError):
    """Nothing stands at this path; `meant` is the nearest one that something stands at, empty if none comes near."""

    def __init__(self, path: str, meant: str) -> None:
        self.path = path
        self.meant = meant
        super().__init__(path)


def origins(layers: list[tuple[Folder, Layer]], facts: Mapping[str, Fact], path: str) -> list[Origin]:
    """Return where the values at a path come from; `layers` are the county's, the nation first.

    A path that names a chapter has an origin for each statement, those among them that a layer removed.
    """
    spellings = Spellings(facts)
    stacks = _stacks(layer for _folder, layer in layers)
    found: list[Origin] = []
    for chapter, rest in _chapters(path, [COUNTY, *stacks]):
        found = (
            _of_county(layers, rest, spellings)
            if chapter == COUNTY
            else _in_chapter(chapter, stacks[chapter], rest, spellings)
        )
        if found:
            return found
    raise UnknownPathError(path, nearest(path, _known(stacks)))


def _stacks(layers: Iterable[Layer]) -> dict[str, Stack[Any]]:
    """Return each chapter with its layers applied; its problems were told when the policy was loaded."""
    below = list(layers)
    names = dict.fromkeys(name for layer in below for name in layer.chapters)
    return {
        name.removesuffix(".yaml"): stacked((layer.chapters.get(name, ()) for layer in below), []) for name in names
    }


def _chapters(path: str, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each chapter that the path may mean, with what is left of the path below it."""
    known = list(names)
    for name in known:
        for spelled in (f"{name}.yaml", name, CHAPTERS.get(name, name)):
            if path == spelled or path.startswith(spelled + "."):
                yield name, path.removeprefix(spelled).removeprefix(".")
                break
    yield from ((name, path) for name in known if path and name != COUNTY)


def _in_chapter(chapter: str, stack: Stack[Any], rest: str, spellings: Spellings) -> list[Origin]:
    statements = [*stack.holding, *stack.removed.values()]
    if not rest:
        return [_origin(chapter, statement, "", spellings) for statement in statements]
    for statement in sorted(statements, key=lambda one: len(one.id), reverse=True):
        for name in _names(statement):
            if rest == name or rest.startswith(name + "."):
                return _told(_origin(chapter, statement, rest.removeprefix(name).removeprefix("."), spellings))
    if len(statements) == 1 and statements[0].id == chapter:  # a chapter that is one statement
        return _told(_origin(chapter, statements[0], rest, spellings))
    return []


def _names(statement: Statement[Any]) -> list[str]:
    said = [one.shape.clause.label for one in (statement, *statement.replaced) if one.shape is not None]
    return [name for name in (statement.id, *(text for label in said for text in (label.zh, label.en))) if name]


def _told(origin: Origin) -> list[Origin]:
    return [origin] if any(saying.values for saying in origin.sayings) else []


def _origin(chapter: str, statement: Statement[Any], rest: str, spellings: Spellings) -> Origin:
    """Return what a statement and those that it replaced say at the rest of a path."""
    sayings: list[Saying] = []
    way: tuple[str, ...] = ()
    for one in (statement, *statement.replaced):
        layer = one.location.path.rpartition("/")[0]
        if one.shape is None:
            sayings.append(Saying(layer, one.location, Source(), (), removes=True))
            continue
        assert one.node is not None
        found = spellings.find(one.node, rest, one.shape)
        if found is None:
            continue
        way = way or found[0]
        sayings.append(Saying(layer, one.location, one.shape.clause.source, tuple(found[1])))
    head = (chapter,) if chapter == statement.id else (chapter, statement.id)
    return Origin((*head, *way), tuple(sayings))


def _of_county(layers: list[tuple[Folder, Layer]], rest: str, spellings: Spellings) -> list[Origin]:
    """Return what the layers' county.yaml say, the nearest first; of what is not inherited, the county's own only."""
    sayings: list[Saying] = []
    way: tuple[str, ...] = ()
    for folder, layer in reversed(layers):
        node, _wrong = pyyaml.parse(folder.content("county.yaml") or b"", folder.place("county.yaml").path)
        if not isinstance(node, Entries):
            continue
        own = folder is layers[-1][0]
        inherited = tuple(
            entry for entry in node.entries if own or KEY_OF.get(entry[0].text, entry[0].text) in _INHERITED
        )
        found = spellings.find(replace(node, entries=inherited), rest, None)
        if found is not None and found[1]:
            way = way or found[0]
            sayings.append(Saying(layer.id, node.location, layer.head.source, tuple(found[1])))
    return [Origin((COUNTY, *way), tuple(sayings))] if sayings else []


def _known(stacks: Mapping[str, Stack[Any]]) -> Iterator[str]:
    """Yield every path that something stands at, with and without its chapter."""
    for chapter, stack in stacks.items():
        yield chapter
        for statement in (*stack.holding, *stack.removed.values()):
            head = chapter if statement.id == chapter else f"{chapter}.{statement.id}"
            yield from (head, statement.id)
            node = next((one.node for one in (statement, *statement.replaced) if one.shape is not None), None)
            for way in ways(node) if node is not None else ():
                for spelled in (way, tuple(KEY_OF.get(word, word) for word in way)):
                    below = ".".join(spelled)
                    yield from (f"{head}.{below}", f"{statement.id}.{below}")
