"""The file of somebody who is served: which services they received, when, from whom, and how they found them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from lianxing.rules.facts import FactValue


@dataclass(frozen=True, slots=True)
class Received:
    """One service that somebody received; `id` is that of the record or the request, `volunteer` an id, never a name.

    `kind` is the service of the menu, the activity or the category, `evaluation` what was said of it, by fact; empty
    where nothing was.
    """

    on: date
    kind: str
    seconds: int
    volunteer: str
    id: str
    evaluation: Mapping[str, FactValue]


@dataclass(frozen=True, slots=True)
class Dossier:
    """The services that one recipient received, by day; ids only, nothing else about anybody.

    `seconds` is the time of all of them, `by_kind` the number of services and the seconds of each kind.
    """

    recipient: str
    services: tuple[Received, ...]
    seconds: int
    by_kind: Mapping[str, tuple[int, int]]
