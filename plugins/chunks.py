"""What came in, in chunks: each is read together, and holds a record once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from lianxing.engine.recounting import Change
from lianxing.plugins.admitting import as_set_aside, withdrawal_set_aside
from lianxing.rules.facts import CountyId, FactValue, RecordId, RegistryId, VolunteerId
from lianxing.rules.records import ServiceRecord, SetAside, Withdrawn

Key = tuple[RegistryId, RecordId]
Owner = tuple[VolunteerId, CountyId]

PORTION_RECORDS = 150  # are sent to a server together: it writes them while the next are decided
LAST_PORTION_RECORDS = 60


class Reviewed(NamedTuple):
    """A record that nobody objects to, the facts that plugins supply, its content and the hash of it."""

    record: ServiceRecord
    supplied: Mapping[str, FactValue]
    content: bytes
    hashed: str

    @property
    def id(self) -> RecordId:
        return self.record.id

    @property
    def registry(self) -> RegistryId:
        return self.record.registry

    @property
    def version(self) -> int:
        return self.record.version


Chunk = list[Reviewed | Withdrawn]


def in_chunks(changes: Iterable[Reviewed | Withdrawn], size: int) -> Iterator[Chunk]:
    """Yield what came in, in lists that hold a record once: each version of it is booked by itself, in its order."""
    chunk: Chunk = []
    seen: dict[Key, tuple[str, int]] = {}
    for one in changes:
        key, said = (one.registry, one.id), (one.hashed, one.version)
        if len(chunk) >= size or seen.get(key, said) != said:
            yield chunk
            chunk, seen = [], {}
        chunk.append(one)
        seen[key] = said
    if chunk:
        yield chunk


def portions(people: Mapping[VolunteerId, list[Change]]) -> Iterator[dict[VolunteerId, list[Change]]]:
    """Yield people in the portions that are sent to the database at once.

    The last ones are smaller, for nothing is decided while the database writes the last. All in one where anything is
    taken back: that comes first, for the same record may go to somebody else.
    """
    if any(change.withdrawn for changes in people.values() for change in changes):
        yield dict(people)
        return
    left = sum(map(len, people.values()))
    some: dict[VolunteerId, list[Change]] = {}
    waiting = 0
    for id, changes in people.items():
        some[id] = changes
        waiting += len(changes)
        if waiting >= min(PORTION_RECORDS, max(left // 2, LAST_PORTION_RECORDS)):
            yield some
            left -= waiting
            some, waiting = {}, 0
    if some:
        yield some


def by_person(
    chunk: Sequence[Reviewed | Withdrawn], size: int, owners: Mapping[Key, VolunteerId]
) -> Iterator[list[Reviewed | Withdrawn]]:
    """Yield what came in, what is of one person together, in lists of about so many; few stay in their order.

    `owners` are those of the records that are taken back; one that never came is nobody's.
    """
    if len(chunk) <= size:
        yield list(chunk)
        return
    people: dict[VolunteerId | Key, list[Reviewed | Withdrawn]] = defaultdict(list)
    for one in chunk:
        key = one.registry, one.id
        people[one.record.volunteer if isinstance(one, Reviewed) else owners.get(key, key)].append(one)
    some: list[Reviewed | Withdrawn] = []
    for of_person in people.values():
        some += of_person
        if len(some) >= size:
            yield some
            some = []
    if some:
        yield some


def ids_by_registry(keys: Iterable[Key]) -> dict[RegistryId, list[RecordId]]:
    """Return the ids of records by their registries."""
    found: dict[RegistryId, list[RecordId]] = defaultdict(list)
    for registry, id in keys:
        found[registry].append(id)
    return found


def row_aside(
    one: Reviewed | Withdrawn, heading: str, reason: str, details: tuple[tuple[str, str], ...] = ()
) -> SetAside:
    """Return what came in as it is set aside."""
    if isinstance(one, Reviewed):
        return as_set_aside(one.record, heading, reason, details)
    return withdrawal_set_aside(one, heading, reason, details)
