"""What a registry hands over: service records and volunteers; and what it could not hand over, with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from lianxing.rules.facts import CountyId, FactValue, RecordId, RegistryId, VolunteerId

Order = tuple[int, int, str, str]


@dataclass(frozen=True, slots=True)
class ServiceRecord:
    """One service of one person, as a registry reports it. Order within a person: `order`.

    `started_at` and `ended_at` are UTC instants in whole seconds since 1970-01-01; `day` is the local day of the start
    in the county's time zone, computed once when the record comes in. `seconds` is the service time that the registry
    credits, at most the interval; 0 is an event that takes no time. Without times of day, `timed` is false, the start
    is the local midnight and facts about the time of day are missing. `facts` holds every other declared fact of the
    record (category, state, evaluation ...) in the units of its `FactType`; an unknown one is simply absent. `version`
    is the registry's number of what it says here of the record, or the instant of its last change: a higher one is
    later, 0 says nothing of it. `source` and `row` tell where the registry has it, for people only: they are no part of
    the record.
    """

    id: RecordId
    registry: RegistryId
    volunteer: VolunteerId
    county: CountyId
    started_at: int
    ended_at: int
    day: date
    seconds: int
    timed: bool = True
    activity: str = ""
    organisation: str = ""
    facts: Mapping[str, FactValue] = field(default_factory=dict)
    version: int = 0
    source: str = field(default="", compare=False)
    row: int = field(default=0, compare=False)

    @property
    def key(self) -> tuple[RegistryId, RecordId]:
        """What tells a record from every other one: two registries may give the same id."""
        return (self.registry, self.id)

    @property
    def order(self) -> Order:
        """Sort key: the start instant, then the id, by length and then as text; last, the registry."""
        return (self.started_at, len(self.id), self.id, self.registry)


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A registry takes a record back: it was a mistake, or was deleted there. What it earned is taken back too.

    `actor` is who did it, where it was somebody here. `version` is the registry's number of its taking back, as that of
    a `ServiceRecord`: what it says of the record under a higher one counts again.
    """

    id: RecordId
    registry: RegistryId
    reason: str = ""
    actor: str = ""
    version: int = 0

    @property
    def hashed(self) -> str:
        """What stands in the directory of records where others have the hash of their content."""
        return ""


@dataclass(frozen=True, slots=True)
class Volunteer:
    """A person as the registry knows them: an opaque id and facts, never a name or an identity number."""

    id: VolunteerId
    registered_on: date | None = None
    born_on: date | None = None
    facts: Mapping[str, FactValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SetAside:
    """A row that did not go in: where it stood, which column, and why; the rest goes on.

    `reason` is a code of the set-aside table; `heading` is the column in the export, `row` its number as a
    spreadsheet shows it (the headings are row 1). The row's own content is written to the set-aside file only.
    """

    source: str
    row: int
    heading: str
    reason: str
    details: tuple[tuple[str, str], ...] = ()
    content: Mapping[str, str] = field(default_factory=dict, repr=False)
