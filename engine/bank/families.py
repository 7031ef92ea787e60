"""Whose passbook holds what the members of a family earn together: that of whoever has declared them first.

A declaration is in force from its day until one that was made later; `Family.since` is from when it names somebody
without a break. Nothing goes on from the holder's passbook: a member of one family may hold that of another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from itertools import product

import orjson

from lianxing.engine.bank.closings import closings
from lianxing.engine.closings import OPEN, Closings
from lianxing.engine.ledger.reading import Reading
from lianxing.engine.pooling import is_pooled, pools
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.accounts import Account
from lianxing.rules.facts import VolunteerId

Key = tuple[str, str]  # the registry and the id of a record


@dataclass(frozen=True, slots=True)
class Declared:
    """Whom somebody has declared as family, from a day on, and the instant at which that was written."""

    on: date
    members: frozenset[VolunteerId]
    instant: int = 0


@dataclass(frozen=True, slots=True)
class Family:
    """What somebody has declared, in the order of the entries, and when their passbook was closed."""

    declared: Sequence[Declared] = ()
    closings: Closings = OPEN

    def since(self, member: VolunteerId | None, day: date) -> date | None:
        """Return from when the family that is in force on a day names a member, or anybody at all (None)."""
        found = None
        if self.closings.during(day) is not None:
            return None
        for first in sorted({one.on for one in self.declared if one.on <= day}, reverse=True):
            members = next(one.members for one in reversed(self.declared) if one.on <= first)
            if not (members if member is None else member in members):
                break
            found = first
        return found


@dataclass
class Families:
    """Who holds what members earn: `of` are the families of a county of which anybody asked for is a member."""

    of: Mapping[VolunteerId, Family] = field(default_factory=dict)

    @cached_property
    def named_by(self) -> Mapping[VolunteerId, list[VolunteerId]]:
        """Whoever has ever declared somebody, by that member."""
        found: dict[VolunteerId, list[VolunteerId]] = {}
        for id, one in self.of.items():
            for member in frozenset[VolunteerId]().union(*(said.members for said in one.declared)):
                found.setdefault(member, []).append(id)
        return found

    def holder(self, account: Account, _key: Key, member: VolunteerId, day: date) -> VolunteerId:
        """Return in whose passbook is what a member earns into an account on a day."""
        if not is_pooled(account):
            return member
        near = (member, *self.named_by.get(member, ()))
        return first_holder({id: self.of[id] for id in near if id in self.of}, member, day)

    def holders(self, people: Iterable[VolunteerId]) -> list[VolunteerId]:
        """Return whoever has ever declared any of these people."""
        return list(dict.fromkeys(id for member in people for id in self.named_by.get(member, ())))


NOBODY = Families()


def first_holder(of: Mapping[VolunteerId, Family], member: VolunteerId, day: date) -> VolunteerId:
    """Return who holds on a day what a member earns: of those who have declared them whoever did first.

    A member who has declared a family counts as well; of one day whose id comes first. Nobody holds anything of a day
    on which the passbook of either is closed.
    """
    own = of.get(member, Family())
    if own.closings.during(day) is not None:
        return member
    found = [(since, id) for id, one in of.items() if id != member and (since := one.since(member, day)) is not None]
    if (since := own.since(None, day)) is not None:
        found.append((since, member))
    return min(found)[1] if found else member


def families_in(reading: Reading, rulebook: Rulebook, people: Collection[VolunteerId]) -> Families:
    """Return the families of these people, where the county has an account that they earn into together."""
    if not rulebook.once(pools):
        return NOBODY
    asked, county = frozenset(people), rulebook.policy.county.id
    said: dict[VolunteerId, list[Declared]] = {}
    for entry in reading.declarations(county):
        said.setdefault(entry.volunteer, []).append(Declared(entry.on, members_in(entry.body)))
    named = {
        id: all for id, all in said.items() if id in asked or any(not asked.isdisjoint(one.members) for one in all)
    }
    shut = closings(reading, county, [*dict.fromkeys((*asked, *named))])
    return Families({id: Family(named.get(id, ()), shut.get(id, OPEN)) for id in dict.fromkeys((*named, *shut))})


def members_in(body: bytes) -> frozenset[VolunteerId]:
    """Return whom an entry declares as family."""
    return frozenset(VolunteerId(id) for id, _relation in orjson.loads(body)["family"])


VARIANTS_MAX = 4096


@dataclass
class WitnessedFamilies(Families):
    """The families of a county as entries saw them: at an instant, of clocks that may be seconds `apart`.

    `all` are they as they are known now. What the entry of a record says of its holder (`said`) stands where that may
    have been so.
    """

    all: Families = field(default_factory=Families)
    closings: Mapping[VolunteerId, Sequence[tuple[int, Closings]]] = field(default_factory=dict)
    instant: int = 0
    apart: int = 0
    said: Mapping[Key, Mapping[str, str]] = field(default_factory=dict)

    def holder(self, account: Account, key: Key, member: VolunteerId, day: date) -> VolunteerId:
        if not is_pooled(account):
            return member
        ids = [*dict.fromkeys((member, *self.all.named_by.get(member, ())))]
        told = VolunteerId(self.said.get(key, {}).get(account.clause.id, member))
        variants = [self._variants(id) for id in ids]
        for number, families in enumerate(product(*variants)):
            if number == VARIANTS_MAX:
                break
            if first_holder(dict(zip(ids, families, strict=True)), member, day) == told:
                return told
        return first_holder(dict(zip(ids, (some[-1] for some in variants), strict=True)), member, day)

    def _variants(self, id: VolunteerId) -> list[Family]:
        """Return what a family may have been, the likeliest last."""
        declared = self.all.of.get(id, Family()).declared
        states = self.closings.get(id) or [(0, OPEN)]
        numbers = self._numbers([one.instant for one in declared])
        closed = self._numbers([instant for instant, _state in states])
        return [Family(declared[:n], states[max(1, m) - 1][1]) for m in closed for n in numbers]

    def _numbers(self, instants: Sequence[int]) -> list[int]:
        """Return how many entries may have been written, the likeliest number last."""
        first, likely, last = (
            sum(instant <= until for instant in instants)
            for until in (self.instant - self.apart - 1, self.instant, self.instant + self.apart)
        )
        return [*(n for n in range(first, last + 1) if n != likely), likely]
