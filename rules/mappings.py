"""How a registry's export is read: which column means what. Data from a small YAML file, beside the export."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from lianxing.rules.facts import RegistryId
from lianxing.rules.places import Label, Location


class DurationUnit(Enum):
    """In what a registry states the service time."""

    HOURS = "hours"
    MINUTES = "minutes"
    SECONDS = "seconds"


@dataclass(frozen=True, slots=True)
class Column:
    """Where one target (a core field of the record or a declared fact) comes from.

    The first heading that the export has counts. `values` translates the export's cell texts before they are typed.
    `constant` stands in for a column; `build_from` joins the cells of several headings (an id for feeds without one).
    """

    target: str
    headings: tuple[str, ...]
    location: Location
    values: Mapping[str, str]
    constant: str | None = None
    build_from: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExportMapping:
    """The columns of a registry's two exports, records and volunteers.

    `duration_unit` and `breaks_allowed` say how the stated service time relates to the interval: it equals it within
    `tolerance_seconds`, or may be shorter where breaks are allowed. `time_zone` is that of times without an offset.
    """

    id: str
    registry: RegistryId
    label: Label
    time_zone: str
    records: tuple[Column, ...]
    volunteers: tuple[Column, ...]
    duration_unit: DurationUnit
    breaks_allowed: bool
    tolerance_seconds: int
    location: Location
