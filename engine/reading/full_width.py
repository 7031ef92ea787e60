"""Full-width punctuation where YAML wants ASCII: the commonest slip of an input method, found at its exact place.

YAML takes `：` for a letter like any other, so that `编号：甲` is one text, and fails a line later or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lianxing.rules.places import Location
from lianxing.rules.problems import Problem

IDEOGRAPHIC_SPACE = "\u3000"
# What YAML wants instead of each.
ASCII = {"：": ": ", "，": ",", "、": ",", "｛": "{", "｝": "}", "［": "[", "］": "]", IDEOGRAPHIC_SPACE: " "}
_ANY = re.compile(f"[{''.join(ASCII)}]")
_STATEMENT = re.compile(r"^[^\s#]", re.MULTILINE)
STATEMENT_CHARACTERS_MAX = 4_000  # a longer statement is not tried out character by character
TRIED_MAX = 20  # characters of one statement
MENDED_MAX = 20  # characters of one file


@dataclass(frozen=True)
class Slip:
    """A full-width character at an index of some text."""

    index: int
    character: str

    def problem(self, place: Location) -> Problem:
        space = self.character == IDEOGRAPHIC_SPACE
        found, write = ("ideographic space", "space") if space else (self.character, ASCII[self.character])
        return Problem("P019", place, (("found", found), ("write", write)))


def first(text: str) -> Slip | None:
    """Return the first full-width character of a text."""
    found = _ANY.search(text)
    return None if found is None else Slip(found.start(), found[0])


# Tells the line, from 0, at which the reading of a text stops; None where all of it can be read.
Failure = Callable[[str], int | None]


def slips(text: str, fails: Failure) -> list[Slip]:
    """Return the full-width characters that keep a text from being read; none where something else does.

    A character is to blame where the text is read further once it is mended; free text that holds such characters
    stays as it is.
    """
    found: list[Slip] = []
    begin = 0
    while len(found) < MENDED_MAX:
        line = fails(_mended(text, begin, len(text), found))
        if line is None:
            return found
        begin, end = _around(text, begin, line)
        more = _needed(text, begin, end, found, fails)
        if not more:
            break
        found += more
    return found


def _around(text: str, begin: int, line: int) -> tuple[int, int]:
    """Return where the statement of a line begins, with the one before, at the end of which the slip may be."""
    at = begin
    for _ in range(line):
        at = text.find("\n", at) + 1 or len(text)
    starts = [match.start() for match in _STATEMENT.finditer(text, begin)]
    before = [start for start in starts if start <= at]
    after = [start for start in starts if start > at]
    return (before[-2] if len(before) > 1 else begin), (after[0] if after else len(text))


def _needed(text: str, begin: int, end: int, found: list[Slip], fails: Failure) -> list[Slip]:
    """Return what has to be mended in a stretch beyond what was found before."""
    known = {slip.index for slip in found}
    slip_at = (Slip(match.start(), match[0]) for match in _ANY.finditer(text, begin, end))
    needed = [slip for slip in slip_at if slip.index not in known][:TRIED_MAX]
    stops = fails(_mended(text, begin, end, found))

    def further(slips: list[Slip]) -> bool:
        now = fails(_mended(text, begin, end, [*found, *slips]))
        return stops is not None and (now is None or now > stops)

    if end - begin > STATEMENT_CHARACTERS_MAX:
        return []
    needed = next((slips for slips in _guesses(text, needed) if further(slips)), [])
    for slip in tuple(needed):  # what can stay as it is, stays
        fewer = [other for other in needed if other is not slip]
        if further(fewer):
            needed = fewer
    return needed


def _guesses(text: str, slips: list[Slip]) -> Iterator[list[Slip]]:
    """Yield what may have to be mended together: everything, or the first few of one line, the last line first."""
    yield slips
    lines = {index: text.count("\n", 0, index) for index in (slip.index for slip in slips)}
    for line in sorted({*lines.values()}, reverse=True):
        here = [slip for slip in slips if lines[slip.index] == line]
        yield from (here[:count] for count in range(len(here), 0, -1))


def _mended(text: str, begin: int, end: int, slips: list[Slip]) -> str:
    """Return a stretch of the text with these characters in ASCII, and a space after each colon."""
    parts = []
    for slip in sorted(slips, key=lambda slip: slip.index):
        if begin <= slip.index < end:
            parts += [text[begin : slip.index], ASCII[slip.character]]
            begin = slip.index + 1
    return "".join([*parts, text[begin:end]])
