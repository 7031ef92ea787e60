"""The chapters of a county by file name, in the order in which one layer is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from lianxing.engine.reading import pyyaml
from lianxing.engine.reading.accounts import ACCOUNTS
from lianxing.engine.reading.campaigns import fact_of
from lianxing.engine.reading.commendation import COMMENDATION
from lianxing.engine.reading.county import COUNTY, LayerHead
from lianxing.engine.reading.earning import EARNING
from lianxing.engine.reading.forms import Form, T, read_whole
from lianxing.engine.reading.hours import HOURS
from lianxing.engine.reading.measures import MEASURES
from lianxing.engine.reading.menu import MENU, MENU_WORDS
from lianxing.engine.reading.nodes import Node
from lianxing.engine.reading.notes import Reading, nearest
from lianxing.engine.reading.perks import PERKS, STARS_FACT
from lianxing.engine.reading.redemption import OFFER_WORDS, OFFERS
from lianxing.engine.reading.review import REVIEW
from lianxing.engine.reading.sanctions import SANCTIONS
from lianxing.engine.reading.stars import STARS
from lianxing.engine.reading.statements import Statement
from lianxing.engine.reading.transition import TRANSITIONS
from lianxing.rules.facts import Fact, Scope
from lianxing.rules.known_facts import OPEN_FACTS
from lianxing.rules.measures import Measure
from lianxing.rules.places import Location
from lianxing.rules.problems import Problem

NAME_CHARACTERS_MAX = 60  # a file's name has at most 255 bytes, four to a character
_STANDING = {STARS_FACT.name: STARS_FACT}

# Every chapter of statements but the measures, with the words that it knows beyond facts and measures.
STATEMENT_CHAPTERS: Mapping[str, tuple[Form[tuple[Statement[Any], ...]], Mapping[str, Fact]]] = {
    "review.yaml": (REVIEW, {}),
    "hours.yaml": (HOURS, {}),
    "earning.yaml": (EARNING, {}),
    "stars.yaml": (STARS, {}),
    "sanctions.yaml": (SANCTIONS, {}),
    "perks.yaml": (PERKS, _STANDING),
    "accounts.yaml": (ACCOUNTS, {}),
    "redemption.yaml": (OFFERS, OFFER_WORDS),
    "commendation.yaml": (COMMENDATION, _STANDING),
    "menu.yaml": (MENU, MENU_WORDS),
    "transition.yaml": (TRANSITIONS, {}),
}
FORMS: Mapping[str, Form[Any]] = {
    "county.yaml": COUNTY,
    "measures.yaml": MEASURES,
    **{name: form for name, (form, _words) in STATEMENT_CHAPTERS.items()},
}
CHAPTERS = (*FORMS, "cases.yaml")


@dataclass(frozen=True)
class Layer:
    """What the files of one folder say, typed: by file name, the statements of each chapter that the folder has."""

    id: str
    head: LayerHead
    facts: Mapping[str, Fact]
    chapters: Mapping[str, tuple[Statement[Any], ...]]


@dataclass(frozen=True)
class Tree:
    """A clerk's own counties on disk, layer below layer."""

    root: Path

    def folder(self, id: str) -> Folder | None:
        """Return the folder of one of these counties; None if there is none."""
        files = self.root / id
        inside = ".." not in files.parts and not Path(id).is_absolute() and len(id) <= NAME_CHARACTERS_MAX
        if not inside or not (files / "county.yaml").is_file():
            return None
        return Folder(id, id, files, self)


@dataclass(frozen=True)
class Folder:
    """A layer's folder: its id, the path by which its files are shown, and the tree on disk that it stands in."""

    id: str
    shown: str
    files: Traversable
    tree: Tree | None = None

    def content(self, name: str) -> bytes | None:
        """Return the bytes of a file of this folder, None if there is none; names never lead out of the folder."""
        if "/" in name or "\\" in name or name.startswith(".") or len(name) > NAME_CHARACTERS_MAX:
            return None
        file = self.files / name
        return file.read_bytes() if file.is_file() and not is_link(file) else None

    def place(self, name: str) -> Location:
        return Location(f"{self.shown}/{name}", 1, 1)

    def names(self) -> list[str]:
        return sorted(entry.name for entry in self.files.iterdir() if entry.is_file())


def read_head(folder: Folder, facts: Mapping[str, Fact], problems: list[Problem]) -> LayerHead | None:
    """Return the county chapter of a folder, typed against the words of the layers below."""
    content = folder.content("county.yaml")
    if content is None:
        problems.append(Problem("P205", folder.place("county.yaml"), (("folder", folder.shown),)))
        return None
    return read_file(folder, "county.yaml", content, COUNTY, Reading("", facts, problems))


def read_layer(folder: Folder, head: LayerHead, below: Mapping[str, Fact], problems: list[Problem]) -> Layer:
    """Return every chapter of a folder; what is wrong goes to `problems`, and reading goes on."""
    _unknown_files(folder, problems)
    facts = _with_words(below, head.facts) | {fact.name: fact for fact in map(fact_of, head.campaigns)}
    source = replace(head.source, clause="")

    def chapter(name: str, form: Form[T], known: Mapping[str, Fact]) -> T | None:
        content = folder.content(name)
        reading = Reading("", known, problems, folder.id, folder.content, source, county_script=head.script)
        return None if content is None else read_file(folder, name, content, form, reading)

    measures = chapter("measures.yaml", MEASURES, facts) or ()
    problems += _changed_types(measures, below)
    facts |= {s.shape.fact.name: s.shape.fact for s in measures if s.shape is not None}
    facts |= _without_names_of_others(measures, facts, problems)
    read = {"measures.yaml": measures}
    for name, (form, words) in STATEMENT_CHAPTERS.items():
        read[name] = chapter(name, form, {**facts, **words}) or ()
    return Layer(folder.id, head, facts, read)


def _with_words(below: Mapping[str, Fact], own: tuple[Fact, ...]) -> dict[str, Fact]:
    """Return the words of a layer: its own ones, and those below; a spelling that it takes over is no other's."""
    spelled = {fact.zh: fact.name for fact in own if fact.zh}
    kept = {
        name: replace(fact, zh="") if name in OPEN_FACTS and spelled.get(fact.zh, name) != name else fact
        for name, fact in below.items()
    }
    return kept | {fact.name: fact for fact in own}


def read_file(folder: Folder, name: str, content: bytes, form: Form[T], reading: Reading) -> T | None:
    """Read one file through its form."""
    node = parsed(folder, name, content, reading)
    return None if node is None else read_whole(form, node, reading)


def parsed(folder: Folder, name: str, content: bytes, reading: Reading) -> Node | None:
    reading.path = folder.place(name).path
    node, wrong = pyyaml.parse(content, reading.path)
    reading.problems += wrong
    return node


def _changed_types(measures: tuple[Statement[Measure], ...], below: Mapping[str, Fact]) -> Iterator[Problem]:
    """What the layers below ask of a measure is written in its unit: an override keeps it."""
    for statement in measures:
        known = None if statement.shape is None else below.get(statement.id)
        if statement.shape is None or known is None or known.scope is not Scope.MEASURE:
            continue
        fact = statement.shape.fact
        if (fact.type, fact.quotient_of) != (known.type, known.quotient_of):
            yield Problem("P217", statement.location, (("id", statement.id),))


def _without_names_of_others(
    measures: tuple[Statement[Measure], ...], facts: Mapping[str, Fact], problems: list[Problem]
) -> dict[str, Fact]:
    """Return the measures whose Chinese name is another's, without it: the first one keeps it."""
    own = {statement.id for statement in measures}
    others = [fact for fact in facts.values() if fact.scope is Scope.MEASURE]
    owner = {fact.zh: fact.name for fact in others if fact.zh and fact.name not in own}
    owner |= {fact.name: fact.name for fact in others}
    apart: dict[str, Fact] = {}
    for statement in measures:
        fact = facts.get(statement.id)
        if fact is None or not fact.zh or fact.scope is not Scope.MEASURE:
            continue
        if statement.shape is None:  # removed, and its name free for another
            apart[fact.name] = replace(fact, zh="")
        elif owner.setdefault(fact.zh, fact.name) != fact.name:
            problems.append(name_taken(statement.location, fact.zh, owner[fact.zh]))
            apart[fact.name] = replace(fact, zh="")
    return apart


def name_taken(place: Location, label: str, first: str) -> Problem:
    """Return that a name for people is that of another statement already."""
    return Problem("P614", place, (("label", label), ("id", first)))


def is_link(file: Traversable) -> bool:
    """Tell whether a file only points elsewhere: a policy is read from its own folder, and from nowhere else."""
    return isinstance(file, Path) and file.is_symlink()


def _unknown_files(folder: Folder, problems: list[Problem]) -> None:
    for entry in folder.files.iterdir():
        if entry.name in CHAPTERS and (not entry.is_file() or is_link(entry)):
            problems.append(Problem("P220", folder.place(entry.name), (("file", entry.name),)))
    for name in folder.names():
        if name.endswith((".yaml", ".yml")) and name not in CHAPTERS:
            details = (("file", name), ("known", ", ".join(CHAPTERS)))
            problems.append(Problem("P206", folder.place(name), details, nearest(name, CHAPTERS)))
