"""Going on with a person from where their fold was left: what a record in order costs does not grow with the history.

A state is kept with the passbook, per policy. It is a cache: whoever finds none, or one that does not fit, folds the
whole history, and gets the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from lianxing.engine.continuing import needs_whole_history
from lianxing.engine.counting import Fold, counted
from lianxing.engine.freezing import HistoryNeededError, StateError
from lianxing.engine.life import Life
from lianxing.engine.recounting import Change, Recount, booking_of
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.standings import standing_after
from lianxing.rules.records import Volunteer
from lianxing.rules.standings import Standing


@dataclass(slots=True)
class Carried:
    """What new records of a person come to, the state after them, and the standing before and after."""

    recount: Recount
    state: bytes
    before: Standing | None = None
    after: Standing | None = None


def packed(fold: Fold, life: Life) -> bytes:
    """Return the state of a fold and its life as bytes; neither was asked anything since its last record."""
    first = fold.frozen()
    return b"%d\n%b%b" % (len(first), first, life.frozen())


def unpacked(state: bytes) -> tuple[bytes, bytes]:
    """Return the state of the fold and of the life; StateError for bytes that are neither."""
    length, _, rest = state.partition(b"\n")
    if not length.isdigit() or len(length) > 10 or int(length) > len(rest):
        raise StateError("the state is damaged")
    return rest[: int(length)], rest[int(length) :]


def life_from(rulebook: Rulebook, person: Volunteer, state: bytes, on: date) -> Life | None:
    """Return a person's life as the state has it; None where a day `on` asks for more than it knows."""
    try:
        _fold, life = unpacked(state)
        if needs_whole_history(rulebook, person, life, (), on):
            return None
        return Life.thawed(rulebook, person, life)
    except StateError:
        return None


def carry(
    rulebook: Rulebook, person: Volunteer, state: bytes, changes: Sequence[Change], on: date, *, standings: bool
) -> Carried | None:
    """Return what new records come to, from the state alone; None where the whole history has to be folded.

    `standings`: also where the person stands on a day, before and after.
    """
    if any(change.again or change.withdrawn for change in changes):
        return None
    records = sorted(((change.record, change.supplied) for change in changes), key=lambda one: one[0].order)
    try:
        fold_state, life_state = unpacked(state)
        if needs_whole_history(rulebook, person, fold_state, records, on):
            return None
        fold = Fold.thawed(rulebook, person, fold_state)
        life = Life.thawed(rulebook, person, life_state)
        of = {change.record.key: change for change in changes}
        done = Recount()
        for record, supplied in records:
            assessment = fold.assess(record, supplied)
            done.after.append(counted(assessment))
            life.add(done.after[-1])
            done.add(booking_of(assessment, None, of[record.key]), assessment)
        carried = Carried(done, packed(fold, life))
        if standings:
            carried.before = standing_after(rulebook, person, Life.thawed(rulebook, person, life_state), on)
            carried.after = standing_after(rulebook, person, life, on)
        return carried
    except (StateError, HistoryNeededError):
        return None
