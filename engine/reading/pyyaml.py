"""The only importer of PyYAML: bounded, safe, and every failure a problem with its place.

What the library would do by itself, and what is done here instead: the last of two equal keys wins (refused); 324
bytes of aliases become gigabytes (anchors and aliases are refused); `9:30` becomes 570, `NO` becomes False (scalars
stay text, no resolver runs); deep nesting kills the process through its C loader, or recurses (the pure parser's
events are read in a loop and counted before anything is composed); impossible dates and huge numbers raise bare
ValueErrors (nothing is constructed). Size, depth and number of nodes are bounded on the event stream.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from lianxing.engine.reading import full_width
from lianxing.engine.reading.nodes import Entries, Items, Node, Scalar
from lianxing.rules.places import Label, Location
from lianxing.rules.problems import Problem

BYTES_MAX = 256 * 1024
DEPTH_MAX = 20
NODES_MAX = 20_000
KEY_CHARACTERS_MAX = 200

# An escape such as "\\ud800" or "\\0" makes what neither UTF-8 nor a matcher can hold.
_UNHOLDABLE = re.compile(r"[\x00\ud800-\udfff]")


class _Stop(Exception):
    """The rest of the file cannot be read."""


def parse(content: bytes, path: str) -> tuple[Node | None, list[Problem]]:
    """Return the file's node, None where there is none to speak of, and everything wrong with it as YAML."""
    problems: list[Problem] = []
    start = Location(path, 1, 1)
    if len(content) > BYTES_MAX:
        return None, [Problem("P007", start, (("size", str(len(content))), ("most", str(BYTES_MAX))))]
    text = _decoded(content)
    if text is None:
        return None, [Problem("P009", start)]
    node: Node | None = None
    try:
        node = _Composer(path, problems).compose(yaml.parse(text, Loader=yaml.SafeLoader))
    except _Stop:
        pass
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        column = error.position - (text.rfind("\n", 0, error.position) + 1) + 1
        problems.append(_character(error.character, Location(path, line, column)))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Location(path, mark.line + 1, mark.column + 1) if mark else start
        if error.problem and "'\\t'" in error.problem:
            problems.append(Problem("P012", place))
        else:
            problems += _slips(text, path) or [Problem("P001", place, (("what", _told(error)),))]
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        problems.append(Problem("P001", start, (("what", type(error).__name__),)))
    if node is None and not problems:
        problems.append(Problem("P011", start))
    return node, problems


# What PyYAML says, by how it begins, to people who read Chinese.
_IN_CHINESE = {
    "mapping values are not allowed": "此处不应有冒号；多半是缩进不对，或值里的冒号没有加引号",
    "mapping keys are not allowed": "此处不应有问号；值里的问号须加引号",
    "sequence entries are not allowed": "此处不应有“- ”；多半是缩进不对",
    "could not find expected ':'": "少了冒号，或冒号后没有空格",
    "expected <block end>": "缩进与上文不一致",
    "expected '<document start>'": "缩进与上文不一致",
    "expected the node content": "此处少了内容",
    "expected ',' or ']'": "方括号里少了逗号，或没有“]”",
    "expected ',' or '}'": "花括号里少了逗号，或没有“}”",
    "found unexpected end of stream": "引号没有成对",
    "found unexpected document separator": "引号没有成对",
    "found unknown escape character": "双引号里的反斜杠后，这个字符没有意义",
    "found character": "值不能以这个字符开头，须加引号",
}


def _told(error: yaml.MarkedYAMLError) -> Label:
    """Return what PyYAML says is wrong, in English as it says it."""
    said = str(error.problem or error.context)
    return Label(next((zh for start, zh in _IN_CHINESE.items() if said.startswith(start)), said), said)


def _slips(text: str, path: str) -> list[Problem]:
    """Return the full-width characters for which a text cannot be read."""
    found = []
    for slip in full_width.slips(text, _stops) if full_width.first(text) is not None else ():
        start = text.rfind("\n", 0, slip.index) + 1
        found.append(slip.problem(Location(path, text.count("\n", 0, slip.index) + 1, slip.index - start + 1)))
    return found


def _stops(text: str) -> int | None:
    """Return the line, from 0, at which the parser stops; None where it does not."""
    try:
        for _event in yaml.parse(text, Loader=yaml.SafeLoader):
            pass
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return mark.line if mark else 0
    except (yaml.YAMLError, ValueError, RecursionError):
        return 0
    return None


def _character(found: int | str, place: Location) -> Problem:
    # Although typed as text, the reader hands over the code point.
    point = found if isinstance(found, int) else ord(found)
    return Problem("P018", place, (("character", f"U+{point:04X}"),))


def _decoded(content: bytes) -> str | None:
    # UTF-8 with or without a byte-order mark; everything else (GBK, UTF-16) is refused, never guessed.
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


@dataclass
class _Open:
    """A list or mapping that has not ended yet."""

    location: Location
    mapping: bool
    items: list[Node]


class _Composer:
    """Builds nodes from events in a loop, with a stack of its own, so that depth costs nothing."""

    def __init__(self, path: str, problems: list[Problem]) -> None:
        self._path = path
        self._problems = problems
        self._nodes = 0

    def compose(self, events: Iterator[yaml.Event]) -> Node | None:
        stack: list[_Open] = []
        root: Node | None = None
        documents = 0
        for event in events:
            place = self._place(event)
            node: Node
            match event:
                case yaml.DocumentStartEvent():
                    documents += 1
                    if documents > 1:
                        self._stop("P010", place)
                    continue
                case yaml.AliasEvent():
                    self._check(event, place)
                    node = Scalar("", place)
                case yaml.ScalarEvent():
                    self._check(event, place)
                    node = Scalar(self._text(event.value, place), place, event.style is not None)
                case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                    self._check(event, place)
                    if len(stack) >= DEPTH_MAX:
                        self._stop("P006", place, ("most", str(DEPTH_MAX)))
                    stack.append(_Open(place, isinstance(event, yaml.MappingStartEvent), []))
                    continue
                case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                    node = self._closed(stack.pop())
                case _:
                    continue
            if stack:
                stack[-1].items.append(node)
            else:
                # An empty document is one empty plain scalar.
                root = None if isinstance(node, Scalar) and not node.text and not node.quoted else node
        return root

    def _place(self, event: yaml.Event) -> Location:
        mark = event.start_mark
        return Location(self._path, mark.line + 1, mark.column + 1) if mark else Location(self._path, 1, 1)

    def _check(self, event: yaml.NodeEvent, place: Location) -> None:
        self._nodes += 1
        if self._nodes > NODES_MAX:
            self._stop("P008", place, ("most", str(NODES_MAX)))
        if event.anchor is not None:
            self._problems.append(Problem("P004", place, (("name", str(event.anchor)),)))
        tag = getattr(event, "tag", None)
        if tag is not None:
            self._problems.append(Problem("P005", place, (("tag", str(tag)[:60]),)))

    def _text(self, value: str, place: Location) -> str:
        unholdable = _UNHOLDABLE.search(value)
        if unholdable is None:
            return value
        self._problems.append(_character(unholdable[0], place))
        return _UNHOLDABLE.sub("\ufffd", value)

    def _closed(self, opened: _Open) -> Node:
        if not opened.mapping:
            return Items(tuple(opened.items), opened.location)
        entries: dict[str, tuple[Scalar, Node]] = {}
        for key, value in zip(opened.items[::2], opened.items[1::2], strict=True):
            if not isinstance(key, Scalar):
                self._problems.append(Problem("P016", key.location))
            elif key.text == "<<":
                self._problems.append(Problem("P017", key.location))
            elif key.text == "" or len(key.text) > KEY_CHARACTERS_MAX:
                self._problems.append(Problem("P016", key.location))
            elif key.text in entries:
                first = entries[key.text][0].location.line
                self._problems.append(Problem("P003", key.location, (("key", key.text), ("first", str(first)))))
            else:
                entries[key.text] = (key, value)
        return Entries(tuple(entries.values()), opened.location)

    def _stop(self, code: str, place: Location, *details: tuple[str, str]) -> None:
        self._problems.append(Problem(code, place, details))
        raise _Stop
