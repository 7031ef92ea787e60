"""Kept states of folds beside what the records come to: a standing, and the next import, may go on from either.

A state says of which version of the format, which rules and which facts of the person it is. Nobody goes on from one of
another version; one of rules that are not at hand is not looked at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from lianxing.engine.bank.comparing import Found, first_in
from lianxing.engine.carrying import packed, unpacked
from lianxing.engine.counting import Fold, revocations
from lianxing.engine.freezing import VERSION, StateError, lines_of, person_hash
from lianxing.engine.ledger.stored import Held
from lianxing.engine.ledger.witnesses import KeptFold
from lianxing.engine.life import Life
from lianxing.engine.recounting import recount
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.records import Order, Volunteer
from lianxing.rules.standings import Counted

Said = dict[str, Any]  # `fold` and `life`, each as header and body


@dataclass(frozen=True, slots=True)
class Records:
    """What a passbook holds of records: who the person ever was, the last entry of a record, and the last of all."""

    versions: Sequence[Volunteer]
    held: Sequence[Held]
    newest: int
    number: int


def differing(rulebooks: Mapping[str, Rulebook], records: Records, kept: Sequence[KeptFold]) -> Found | None:
    """Return the first difference between the states that are kept of a person and what the records come to."""
    known = {person_hash(person): person for person in records.versions}
    of: dict[tuple[str, str], list[tuple[KeptFold, Said]]] = defaultdict(list)
    for one in kept:
        if one.digest not in rulebooks:
            continue
        try:
            said = _said(one.state)
            versions, person = (said["fold"][0][1], said["life"][0][1]), said["fold"][0][4]
        except (StateError, LookupError, TypeError) as error:
            return Found(records.number, _name(one), str(error), None)
        if versions != (VERSION, VERSION):
            continue
        if person not in known:
            return Found(records.number, f"{_name(one)}.person", str(person), " | ".join(known))
        of[one.digest, person].append((one, said))
    for (digest, hashed), some in of.items():
        found = _first(rulebooks[digest], known[hashed], records, some)
        if found is not None:
            return found
    return None


def _first(
    rulebook: Rulebook, person: Volunteer, records: Records, some: Sequence[tuple[KeptFold, Said]]
) -> Found | None:
    held = sorted(records.held, key=lambda one: one.record.order)
    orders = {_last(said) for one, said in some if one.day}
    states = _states(rulebook, person, held, orders)
    for one, said in some:
        last = _last(said) if one.day else None
        if last not in states:
            return Found(records.number, f"{_name(one)}.last", str(last), None)
        again = _said(states[last])
        if one.day:
            if one.day != again["fold"][0][6]:
                return Found(records.number, f"{_name(one)}.day", one.day, str(again["fold"][0][6]))
        elif not records.newest <= one.number <= records.number:
            numbers = f"{records.newest} .. {records.number}"
            return Found(records.number, f"{_name(one)}.number", str(one.number), numbers)
        if said["fold"][1]["revoked"] != again["fold"][1]["revoked"]:
            until = [each for each in held if last is None or each.record.order <= last]
            if _may_be_revoked(rulebook, person, held, until, said, again):
                again["fold"][1]["revoked"] = said["fold"][1]["revoked"]
        if _dumped(said) != _dumped(again):
            return Found(records.number, *first_in(said, again, _name(one)))
    return None


def _states(
    rulebook: Rulebook, person: Volunteer, held: Sequence[Held], orders: set[Order | None]
) -> dict[Order | None, bytes]:
    """Return the state after each of these records, and under None the one after all."""
    life = Life(rulebook, person)
    found: dict[Order | None, bytes] = {}

    def see(fold: Fold, past: Counted) -> None:
        life.add(past)
        if past.record.order in orders:
            found[past.record.order] = packed(fold, life)

    fold = recount(rulebook, person, held, (), seen=see).fold
    assert fold is not None
    found[None] = packed(fold, life)
    return found


def _may_be_revoked(
    rulebook: Rulebook, person: Volunteer, held: Sequence[Held], seen: Sequence[Held], said: Said, again: Said
) -> bool:
    """Tell whether a state may say so of records that are still to come, and which are taken out.

    It need not know of what came later than the state, and where two take out the same one, it may know the other.
    """
    some = {str(one.record.id) for one in seen}
    needed = {(registry, id) for registry, id, _clause, by, _on in again["fold"][1]["revoked"] if by in some}
    there = [tuple(one) for one in said["fold"][1]["revoked"]]
    known = {
        (*key, one.clause.id, str(one.by.id), one.by.day.isoformat())
        for each in held
        for key, one in revocations(rulebook, person, [(each.record, each.supplied)]).items()
    }
    return known.issuperset(there) and needed <= {one[:2] for one in there} and there == sorted(there)


def _said(state: bytes) -> Said:
    fold, life = unpacked(state)
    return {"fold": lines_of(fold), "life": lines_of(life)}


def _dumped(said: Said) -> bytes:
    return orjson.dumps(said, option=orjson.OPT_SORT_KEYS)  # where 1, 1.0 and true are not the same


def _last(said: Said) -> Order | None:
    last = said["fold"][0][5]
    return None if not isinstance(last, list) else (last[0], last[1], last[2], last[3])


def _name(one: KeptFold) -> str:
    return f"fold_mark {one.day}" if one.day else "fold_state"
