"""Going on with a person from where their fold was left: what a record in order costs does not grow with the history.

A state is kept with the passbook, per policy, and on the way a mark now and then: a record that comes late goes on from
the newest mark before it, until all is as it was (`engine.rejoining`). Both are a cache: whoever finds
none, or one that does not fit, folds the whole history, and gets the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate

from lianxing.engine.continuing import needs_whole_history
from lianxing.engine.counting import Fold, counted
from lianxing.engine.freezing import HistoryNeededError, StateError, header_of
from lianxing.engine.ledger.stored import Held
from lianxing.engine.life import Life
from lianxing.engine.recounting import Change, Recount, booking_of, recount
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.standings import standing_after
from lianxing.engine.tallies import DAYS_BACK
from lianxing.rules.records import Volunteer
from lianxing.rules.standings import Counted, Standing

MARKED_EVERY = 64  # records

Mark = tuple[date, bytes]  # the latest day of a record that it has seen, and the state


@dataclass(slots=True)
class Folded:
    """What changes of a person's records come to, the life after them, and the marks on the way."""

    recount: Recount
    life: Life
    state: bytes
    marks: list[Mark]


def folded(
    rulebook: Rulebook, person: Volunteer, held: Sequence[Held], changes: Sequence[Change], mark: bytes | None = None
) -> Folded | None:
    """Fold a person's records with what changes; `held` is what is booked, or of it at least what the mark is before.

    None where the mark does not do: fold the whole history.
    """
    if mark is None:
        return _folded(rulebook, person, held, changes, None, Life(rulebook, person))
    try:
        fold_state, life_state = unpacked(mark)
        last = header_of(fold_state).last
        rest = [one for one in held if last is None or one.record.order > last]
        new = [(one.record, one.supplied) for one in rest] + [(one.record, one.supplied) for one in changes]
        if needs_whole_history(rulebook, person, fold_state, new):
            return None
        fold, life = Fold.thawed(rulebook, person, fold_state), Life.thawed(rulebook, person, life_state)
        return _folded(rulebook, person, rest, changes, fold, life)
    except (StateError, HistoryNeededError):
        return None


def _folded(
    rulebook: Rulebook,
    person: Volunteer,
    held: Sequence[Held],
    changes: Sequence[Change],
    begun: Fold | None,
    life: Life,
) -> Folded:
    marks: list[Mark] = []
    days = {one.record.key: (one.record.order, one.record.day) for one in held}
    days |= {one.record.key: (one.record.order, one.record.day) for one in changes}
    for gone in (one.record.key for one in changes if one.withdrawn):
        days.pop(gone)
    earliest = [*accumulate((day for _order, day in sorted(days.values(), reverse=True)), min)]  # from a record on

    def see(fold: Fold, past: Counted) -> None:
        life.add(past)
        earliest.pop()
        if earliest and len(earliest) % MARKED_EVERY == 0 and fold.day is not None:
            marks.append((fold.day, packed(fold, life)))
            if earliest[-1] > fold.day - DAYS_BACK:
                fold.forget()

    found = recount(rulebook, person, held, changes, begun, see)
    assert found.fold is not None
    return Folded(found, life, packed(found.fold, life), marks)


@dataclass(slots=True)
class Carried:
    """What new records of a person come to, the state after them, and the standing before and after."""

    recount: Recount
    state: bytes
    mark: Mark | None = None
    before: Standing | None = None
    after: Standing | None = None


def packed(fold: Fold, life: Life) -> bytes:
    """Return the state of a fold and its life as bytes; neither was asked anything since its last record."""
    return together(fold.frozen(), life.frozen())


def together(fold: bytes, life: bytes) -> bytes:
    """Return the state of a fold and that of its life as one."""
    return b"%d\n%b%b" % (len(fold), fold, life)


def unpacked(state: bytes) -> tuple[bytes, bytes]:
    """Return the state of the fold and of the life; StateError for bytes that are neither."""
    length, _, rest = state.partition(b"\n")
    if not length.isdigit() or len(length) > 10 or int(length) > len(rest):
        raise StateError("the state is damaged")
    return rest[: int(length)], rest[int(length) :]


def marked_day(mark: bytes) -> date | None:
    """Return the latest day of a record that a mark has seen; None where it cannot be read."""
    try:
        return header_of(unpacked(mark)[0]).day
    except StateError:
        return None


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
        records_before = life.records
        of = {change.record.key: change for change in changes}
        done = Recount()
        for record, supplied in records:
            assessment = fold.assess(record, supplied)
            done.after.append(counted(assessment))
            life.add(done.after[-1])
            done.add(booking_of(assessment, None, of[record.key]), assessment)
        carried = Carried(done, packed(fold, life))
        if fold.day is not None and life.records // MARKED_EVERY > records_before // MARKED_EVERY:
            carried.mark = (fold.day, carried.state)
        if standings:
            carried.before = standing_after(rulebook, person, Life.thawed(rulebook, person, life_state), on)
            carried.after = standing_after(rulebook, person, life, on)
        return carried
    except (StateError, HistoryNeededError):
        return None
