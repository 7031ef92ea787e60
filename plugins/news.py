"""What is new in a chunk about whose records, beside what the ledger knows of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lianxing.engine.bank.noting import Noting, never_came, noting_of
from lianxing.engine.bank.steps import REVIEW, in_state, states_of, taken
from lianxing.engine.ledger.contents import content_of, hash_of
from lianxing.engine.ledger.errors import ConflictError
from lianxing.engine.ledger.stored import Past
from lianxing.engine.ledger.writing import Writing
from lianxing.engine.recounting import Change
from lianxing.engine.step_sentences import CAME_BACK, MOVED
from lianxing.plugins.admitting import withdrawal_set_aside
from lianxing.plugins.chunks import Chunk, Key, Owner, Reviewed, ids_by_registry, row_aside
from lianxing.plugins.reporting import Report, aside
from lianxing.rules.facts import CountyId, RecordId, RegistryId, VolunteerId
from lianxing.rules.records import SetAside, Withdrawn
from lianxing.rules.reviewing import REFUSED_STATE


@dataclass(frozen=True)
class News:
    """Compares what came in with what is booked in a county; what is known already, or out of date, is counted."""

    writing: Writing
    county: CountyId
    place: str
    report: Report
    put_aside: Callable[[SetAside], None]
    noted: list[Noting] = field(default_factory=list)  # was taken back, and did not count

    def of(self, chunk: Chunk, known: Mapping[Key, str]) -> Iterator[tuple[VolunteerId, Change]]:
        """Yield what is new about whose records; what is known already, or out of date, is counted."""
        by_registry: dict[RegistryId, list[RecordId]] = defaultdict(list)
        for one in chunk:
            stands = known.get((one.registry, one.id), one.hashed)
            if stands != one.hashed or (isinstance(one, Withdrawn) and one.version):
                by_registry[one.registry].append(one.id)
        booked = dict(known)
        pasts: dict[Key, Past] = {}
        owners: dict[Key, Owner] = {}
        for registry, again in by_registry.items():
            pasts |= {(registry, id): past for id, past in self.writing.past_of(registry, again).items()}
            owners |= {(registry, id): owner for id, owner in self.writing.owners(registry, again).items()}
        states = _states(self.writing, known, pasts)
        for one in chunk:
            key = (one.registry, one.id)
            if key in states and isinstance(one, Reviewed):
                one, hashes = _as_reviewed(one, states[key])
                if not hashes.isdisjoint(pasts[key].hashes):
                    pasts[key].hashes.add(one.hashed)
            if key not in booked:
                if isinstance(one, Withdrawn) and one.version:
                    booked[key], pasts[key] = one.hashed, Past(version=one.version)
                    self._note(never_came(one))
                    continue
                if isinstance(one, Withdrawn):
                    self.report.set_aside += 1
                    aside(_not_booked(one), self.report, self.put_aside)
                    continue
                booked[key] = one.hashed
                self.report.booked += 1
                yield one.record.volunteer, Change(one.record, one.supplied, content=one.content)
            elif booked[key] == one.hashed:
                owner, past = owners.get(key), pasts.get(key, Past())
                if not isinstance(one, Withdrawn) or owner is None or one.version <= past.version:
                    self.report.unchanged += 1
                elif owner[1] != self.county:
                    self._booked_elsewhere(one)
                else:
                    past.version = one.version
                    self._note(noting_of(one, owner[0], past.original, past.newest))
            else:
                past = pasts.setdefault(key, Past())
                for change in self._changed(one, booked[key], past, owners.get(key)):
                    booked[key] = one.hashed  # delivered twice, it is known by then
                    past.version = max(past.version, one.version)
                    yield change

    def _note(self, noting: Noting) -> None:
        self.report.withdrawn += 1
        self.noted.append(noting)

    def _booked_elsewhere(self, one: Reviewed | Withdrawn) -> None:
        self.report.set_aside += 1
        aside(row_aside(one, "county", "booked_elsewhere"), self.report, self.put_aside)

    def _changed(
        self,
        one: Reviewed | Withdrawn,
        booked: str,
        past: Past,
        owner: tuple[VolunteerId, CountyId] | None,
    ) -> Iterator[tuple[VolunteerId, Change]]:
        """Yield what becomes of a record that is booked with other content."""
        if owner is None or (owner[1] != self.county and booked):
            self._booked_elsewhere(one)
        elif _is_older(one, booked, past):
            self.report.set_aside += 1
            aside(row_aside(one, "id", "older_version"), self.report, self.put_aside)
        elif isinstance(one, Withdrawn):
            self.report.withdrawn += 1
            held = next(iter(self.writing.held(one.id, one.registry)), None)
            if held is None:
                raise overtaken(self.place)
            yield (
                owner[0],
                Change(
                    held.record, held.supplied, withdrawn=True, actor=one.actor, reason=one.reason, version=one.version
                ),
            )
        else:
            self.report.corrected += 1
            if owner[0] != one.record.volunteer:  # it was booked for somebody else
                for held in self.writing.held(one.id, one.registry):
                    yield owner[0], Change(held.record, held.supplied, withdrawn=True, reason=MOVED)
            why = "" if booked else CAME_BACK
            yield one.record.volunteer, Change(one.record, one.supplied, again=True, content=one.content, reason=why)


def newest_hashes(writing: Writing, keys: Iterable[Key]) -> dict[Key, str]:
    """Return the hash of the newest content of each of these records that the ledger holds."""
    return {
        (registry, id): hashed
        for registry, ids in ids_by_registry(keys).items()
        for id, hashed in writing.content_hashes(registry, ids).items()
    }


def _is_older(one: Reviewed | Withdrawn, booked: str, past: Past) -> bool:
    """Tell whether what came in was said before what is booked.

    Where a registry numbers its versions, the higher number is later; of one number, that it takes the record back.
    Without numbers a version that was there before is an old one.
    """
    if one.version and one.version != past.version:
        return one.version < past.version
    if isinstance(one, Withdrawn):
        return False
    return one.hashed in past.hashes or (one.version > 0 and not booked)


def _states(writing: Writing, booked: Mapping[Key, str], pasts: Mapping[Key, Past]) -> dict[Key, list[str]]:
    """Return the states that reviews have seen these records in, in their order; what was not reviewed is left out.

    A record that was taken back and comes again begins its review anew, unless somebody had revoked it.
    """
    found: dict[Key, list[str]] = {}
    notes = writing.notes({owner for past in pasts.values() for owner, _original in past.lives}, REVIEW)
    steps = {owner: list(taken(owner[0], said)) for owner, said in notes.items()}
    for key, past in pasts.items() if steps else ():
        lives = sorted(past.lives, key=lambda life: (past.lives[life], life[1]), reverse=True)
        for at, (owner, original) in enumerate(lives):
            states = states_of(key, original, steps.get(owner, ()))
            if states and at == 0 and booked[key]:
                found[key] = states
            elif states and states[-1] == REFUSED_STATE:
                found[key] = [REFUSED_STATE]
            if states:
                break
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
