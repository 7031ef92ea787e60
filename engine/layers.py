"""Layers: nation, province, city, county, sub-district. A layer adds, overrides by id, or removes.

An override replaces the whole statement where it stands; an addition goes last unless it says before or after what.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from importlib.resources.abc import Traversable
from typing import Generic, TypeVar

from lianxing.engine.reading import pyyaml
from lianxing.engine.reading.chapters import NAME_CHARACTERS_MAX, Folder, Layer, read_head, read_layer
from lianxing.engine.reading.nodes import Entries, Scalar
from lianxing.engine.reading.notes import nearest
from lianxing.engine.reading.statements import Statement
from lianxing.engine.reading.vocabulary import KEYS
from lianxing.rules.facts import Fact
from lianxing.rules.known_facts import KNOWN_FACTS
from lianxing.rules.places import Location
from lianxing.rules.problems import PolicyError, Problem

T = TypeVar("T")

LAYERS_MAX = 10
FOLDERS_MAX = 10  # one in the other


@dataclass(frozen=True)
class Shelf:
    """Where counties are found: folders of layers, each contributed under a name.

    The same county below two of them is an error that names both.
    """

    roots: tuple[tuple[str, Traversable], ...]

    def folder(self, id: str) -> Folder | None:
        """Return the folder of a county by its full id; None if there is none."""
        found = [(name, root) for name, root in self.roots if _at(root, id) is not None]
        if len(found) > 1:
            place = Location(f"{id}/county.yaml", 1, 1)
            raise PolicyError(
                [Problem("P208", place, (("county", id), ("first", found[0][0]), ("second", found[1][0])))]
            )
        if not found:
            return None
        files = _at(found[0][1], id)
        assert files is not None
        return Folder(id, id, files)

    def counties(self) -> list[str]:
        """Return the ids of all counties, in order."""
        return sorted({id for _name, root in self.roots for id in _below(root, "")})

    def named(self, name: str) -> list[str]:
        """Return the ids of the counties that a full id, or the last part of one, means."""
        counties = self.counties()
        return [name] if name in counties else [id for id in counties if id.rpartition("/")[2] == name]


def _at(root: Traversable, id: str) -> Traversable | None:
    folder = root
    for part in id.split("/")[: FOLDERS_MAX + 1]:
        if part in ("", ".", "..") or len(part) > NAME_CHARACTERS_MAX:
            return None
        folder = folder / part
    return folder if id.count("/") < FOLDERS_MAX and (folder / "county.yaml").is_file() else None


def _below(root: Traversable, above: str) -> Iterable[str]:
    for entry in root.iterdir():
        if entry.is_dir() and not entry.name.startswith((".", "_")):
            id = f"{above}{entry.name}"
            if (entry / "county.yaml").is_file():
                yield id
            yield from _below(entry, f"{id}/")


def read_layers(
    folder: Folder, shelf: Shelf, words: Sequence[Fact], problems: list[Problem]
) -> list[tuple[Folder, Layer]]:
    """Return the layers of a county, the nation first; `words` are the facts that plugins add."""
    chain = _chain(folder, shelf, problems)
    if problems:  # without what it rests on, the rest of a county cannot be told right from wrong
        return []
    facts = {fact.name: fact for fact in (*KNOWN_FACTS, *words)}
    layers: list[tuple[Folder, Layer]] = []
    for below in chain:
        head = read_head(below, facts, problems)
        if head is None:
            continue
        if head.name and head.name != below.id.rpartition("/")[2]:
            details = (("county", head.name), ("folder", below.id.rpartition("/")[2]))
            problems.append(Problem("P209", head.location, details))
        layer = read_layer(below, head, facts, problems)
        facts = dict(layer.facts)
        layers.append((below, layer))
    return layers


def _chain(folder: Folder, shelf: Shelf, problems: list[Problem]) -> list[Folder]:
    """Return the folders from the nation down; a base that is missing or leads back ends the chain with a problem."""
    chain = [folder]
    while True:
        base = _base(chain[-1])
        if base is None:
            return chain[::-1]
        id, place = base.text, base.location
        if id in {above.id for above in chain} or len(chain) >= LAYERS_MAX:
            problems.append(Problem("P204", place, (("base", id),)))
            return chain[::-1]
        # What stands beside a county on disk comes before what the program brings: it may be a newer copy of it.
        tree = chain[-1].tree
        below = (tree.folder(id) if tree is not None else None) or shelf.folder(id)
        if below is None:
            problems.append(Problem("P203", place, (("base", id),), nearest(id, shelf.counties())))
            return chain[::-1]
        chain.append(below)


def _base(folder: Folder) -> Scalar | None:
    """Return what the folder's county.yaml is based on, before the rest of it can be typed; its problems come later."""
    node, _problems = pyyaml.parse(folder.content("county.yaml") or b"", folder.place("county.yaml").path)
    if not isinstance(node, Entries):
        return None
    said = node.get("based_on") or node.get(KEYS["based_on"])
    return said if isinstance(said, Scalar) and said.text else None


@dataclass
class Stack(Generic[T]):
    """One chapter with its layers applied: the statements that hold, in order, and by id what a layer took away."""

    holding: list[Statement[T]] = field(default_factory=list)
    removed: dict[str, Statement[T]] = field(default_factory=dict)


def stacked(chapters: Iterable[Sequence[Statement[T]]], problems: list[Problem]) -> Stack[T]:
    """Return one chapter with every layer applied, the nation's first."""
    stack: Stack[T] = Stack()
    for statements in chapters:
        _no_id_twice(statements, problems)
        for statement in statements:
            _apply(statement, stack, problems)
    return stack


def merged(chapters: Iterable[Sequence[Statement[T]]], problems: list[Problem]) -> tuple[T, ...]:
    """Return the shapes of one chapter with every layer applied."""
    holding = stacked(chapters, problems).holding
    return tuple(statement.shape for statement in holding if statement.shape is not None)


def _no_id_twice(statements: Sequence[Statement[T]], problems: list[Problem]) -> None:
    first: dict[str, Statement[T]] = {}
    for statement in statements:
        if statement.id in first:
            details = (("id", statement.id), ("first", str(first[statement.id].location)))
            problems.append(Problem("P201", statement.location, details))
        first.setdefault(statement.id, statement)


def _apply(statement: Statement[T], stack: Stack[T], problems: list[Problem]) -> None:
    standing = stack.holding
    ids = [other.id for other in standing]
    at = ids.index(statement.id) if statement.id in ids else None
    problem = _misplaced(statement, ids)
    if problem is not None:
        problems.append(problem)
        return
    before = stack.removed.pop(statement.id, None) if at is None else standing[at]
    if before is not None:
        statement = replace(statement, replaced=(before, *before.replaced))
    if statement.shape is None:
        stack.removed[statement.id] = statement
    anchor = statement.before or statement.after
    if at is not None and statement.shape is not None and not anchor:
        standing[at] = statement
        return
    if at is not None:
        del standing[at]
    if statement.shape is None:
        return
    if not anchor:
        standing.append(statement)
        return
    beside = next((index for index, other in enumerate(standing) if other.id == anchor), len(standing))
    standing.insert(beside if statement.before else beside + 1, statement)


def _misplaced(statement: Statement[T], ids: Sequence[str]) -> Problem | None:
    """Return what is wrong with a statement on top of those with these ids: what it names has to be there."""
    anchor, meant = statement.before or statement.after, nearest(statement.id, ids)
    if anchor and (anchor not in ids or anchor == statement.id):
        return Problem("P207", statement.location, (("id", anchor),), nearest(anchor, ids))
    if statement.shape is None and statement.id not in ids:
        return Problem("P202", statement.location, (("id", statement.id),), meant)
    if statement.overrides is True and statement.id not in ids:
        return Problem("P670", statement.location, (("id", statement.id),), meant)
    if statement.overrides is False and statement.id in ids:
        return Problem("P671", statement.location, (("id", statement.id),))
    return None
