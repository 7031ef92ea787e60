"""What is new in a chunk about whose records, beside what the ledger knows of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lianxing.engine.bank.steps import REVIEW, in_state, states_of, taken
from lianxing.engine.ledger.contents import content_of, hash_of
from lianxing.engine.ledger.errors import ConflictError
from lianxing.engine.ledger.writing import Writing
from lianxing.engine.recounting import Change
from lianxing.plugins.admitting import as_set_aside, withdrawal_set_aside
from lianxing.plugins.chunks import Chunk, Key, Owner, Reviewed, ids_by_registry, row_aside
from lianxing.plugins.reporting import Report, aside
from lianxing.rules.facts import CountyId, RecordId, RegistryId, VolunteerId
from lianxing.rules.records import SetAside, Withdrawn


@dataclass(frozen=True)
class News:
    """Compares what came in with what is booked in a county; what is known already, or out of date, is counted."""

    writing: Writing
    county: CountyId
    place: str
    report: Report
    put_aside: Callable[[SetAside], None]

    def of(self, chunk: Chunk, known: Mapping[Key, str]) -> Iterator[tuple[VolunteerId, Change]]:
        """Yield what is new about whose records; what is known already, or out of date, is counted."""
        by_registry: dict[RegistryId, list[RecordId]] = defaultdict(list)
        for one in chunk:
            if known.get((one.registry, one.id), one.hashed) != one.hashed:
                by_registry[one.registry].append(one.id)
        booked = dict(known)
        versions: dict[Key, set[str]] = {}
        owners: dict[Key, Owner] = {}
        states: dict[Key, list[str]] = {}
        for registry, again in by_registry.items():
            versions |= {(registry, id): hashes for id, hashes in self.writing.version_hashes(registry, again).items()}
            owners_again = self.writing.owners(registry, again)
            owners |= {(registry, id): owner for id, owner in owners_again.items()}
            states |= {(registry, id): said for id, said in _states(self.writing, registry, owners_again).items()}
        for one in chunk:
            key = (one.registry, one.id)
            if key in states and isinstance(one, Reviewed):
                one, hashes = _as_reviewed(one, states[key])
                if not hashes.isdisjoint(versions[key]):
                    versions[key].add(one.hashed)
            if key not in booked:
                if isinstance(one, Withdrawn):
                    self.report.set_aside += 1
                    aside(_not_booked(one), self.report, self.put_aside)
                    continue
                booked[key] = one.hashed
                self.report.booked += 1
                yield one.record.volunteer, Change(one.record, one.supplied, content=one.content)
            elif booked[key] == one.hashed:
                self.report.unchanged += 1
            else:
                for change in self._changed(one, versions.get(key, set()), owners.get(key)):
                    booked[key] = one.hashed  # delivered twice, it is known by then
                    yield change

    def _changed(
        self,
        one: Reviewed | Withdrawn,
        versions: set[str],
        owner: tuple[VolunteerId, CountyId] | None,
    ) -> Iterator[tuple[VolunteerId, Change]]:
        """Yield what becomes of a record that is booked with other content."""
        if owner is None or owner[1] != self.county:
            self.report.set_aside += 1
            aside(row_aside(one, "county", "booked_elsewhere"), self.report, self.put_aside)
        elif isinstance(one, Withdrawn):
            self.report.withdrawn += 1
            held = next(iter(self.writing.held(one.id, one.registry)), None)
            if held is None:
                raise overtaken(self.place)
            yield owner[0], Change(held.record, held.supplied, withdrawn=True, actor=one.actor, reason=one.reason)
        elif one.hashed in versions:
            self.report.set_aside += 1
            aside(as_set_aside(one.record, "id", "older_version"), self.report, self.put_aside)
        else:
            self.report.corrected += 1
            if owner[0] != one.record.volunteer:  # it was booked for somebody else
                for held in self.writing.held(one.id, one.registry):
                    yield owner[0], Change(held.record, held.supplied, withdrawn=True, reason="moved")
            yield one.record.volunteer, Change(one.record, one.supplied, again=True, content=one.content)


def newest_hashes(writing: Writing, keys: Iterable[Key]) -> dict[Key, str]:
    """Return the hash of the newest content of each of these records that the ledger holds."""
    return {
        (registry, id): hashed
        for registry, ids in ids_by_registry(keys).items()
        for id, hashed in writing.content_hashes(registry, ids).items()
    }


def _states(writing: Writing, registry: RegistryId, owners: Mapping[RecordId, Owner]) -> dict[RecordId, list[str]]:
    """Return the states that reviews have seen these records in, in their order; what was not reviewed is left out."""
    found: dict[RecordId, list[str]] = {}
    notes = writing.notes(set(owners.values()), REVIEW)
    for id, owner in owners.items():
        if owner in notes:
            steps = list(taken(owner[0], notes[owner]))
            for held in writing.held(id, registry):
                found |= {id: states} if (states := states_of(held, steps)) else {}
    return found


def _as_reviewed(one: Reviewed, states: Sequence[str]) -> tuple[Reviewed, frozenset[str]]:
    """Return what came in with the state that its review came to, and the hashes under which it may be known.

    How far a record has come its review has said; what its registry says of that is not heard any more.
    """
    versions = [in_state(one.record, state) for state in states]
    contents = [content_of(record) for record in versions]
    hashes = [hash_of(content) for content in contents]
    return Reviewed(versions[-1], one.supplied, contents[-1], hashes[-1]), frozenset((one.hashed, *hashes))


def _not_booked(taken_back: Withdrawn) -> SetAside:
    return withdrawal_set_aside(taken_back, "id", "not_booked")


def overtaken(place: str) -> ConflictError:
    """Return the error of whoever meets what another has just done to the same record."""
    zh, en = (
        "另一程序刚刚撤回或转移了同一记录，请重试",
        "somebody else has just taken back or moved the record; try again",
    )
    return ConflictError(place, zh, en)
