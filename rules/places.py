"""Where a statement stands, what it cites, and what it is called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Language = Literal["zh", "en"]


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a policy file: path below `policies/`, line and column counted from 1."""

    path: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Source:
    """The regulation behind a statement, as far as it is public; no field is invented.

    `status` tells what the numbers are worth: `in_force`, `trial`, `repealed`, or `illustrative` where no public
    figure exists. `grade` is A (law, standard, government site), B (official notice or press) or C (library).
    """

    title: str = ""
    clause: str = ""
    issuer: str = ""
    year: str = ""
    grade: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """A name for people; either language may be empty."""

    zh: str = ""
    en: str = ""

    def text(self, language: Language) -> str:
        return (self.zh or self.en) if language == "zh" else (self.en or self.zh)


@dataclass(frozen=True, slots=True)
class Clause:
    """The identity of a statement: its id, the line it stands on, the regulation it cites, the layer it came from."""

    id: str
    location: Location
    source: Source = Source()
    label: Label = Label()
    layer: str = ""
