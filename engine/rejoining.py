"""A record that comes late, and where the fold of its person comes back to what it was.

From the newest kept state before it the fold goes on, record by record, until it stands as it stood at the next kept
state, or beside it in sums that nobody asks (`engine.shifting`). From there on every record is worth what it was, and
is not even read; what is kept of the fold further on is shifted. A life may come back later than a fold. Where it has
not, or may decide otherwise because it is shifted, it takes what is booked, and nothing is worked out.

Whatever is not sure to be independent is folded: what comes out is always what a fold of everything comes to.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from lianxing.engine import carrying
from lianxing.engine.carrying import Folded, Mark, together, unpacked
from lianxing.engine.continuing import needs_whole_history
from lianxing.engine.counting import Fold, counted, names_another
from lianxing.engine.freezing import (
    FOLD,
    LIFE,
    Header,
    HistoryNeededError,
    StateError,
    header_of,
    opened,
    order_of,
    person_hash,
    sealed,
)
from lianxing.engine.ledger.stored import Held
from lianxing.engine.life import Life
from lianxing.engine.recounting import Change, Recount, as_counted, booking_of, differs
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.shifting import (
    Body,
    FoldShift,
    LifeShift,
    decides_the_same,
    fold_shift,
    fold_shifted,
    life_shift,
    life_shifted,
)
from lianxing.rules.records import Order, Volunteer

# The records of a person from a day on until another one; None: from the first on.
Read = Callable[[date | None, date], Sequence[Held]]

READ_DAYS = 400  # at first, as most windows look back on a year at most; then twice as many each time


@dataclass(frozen=True)
class Stop:
    """What is kept of a fold and its life at one place of the way."""

    rulebook: Rulebook
    person: Volunteer
    fold: bytes
    life: bytes

    @cached_property
    def header(self) -> Header:
        return header_of(self.fold)

    @cached_property
    def fold_opened(self) -> tuple[Header, Body]:
        return opened(self.fold, FOLD, self.rulebook.policy.digest, self.person)

    @cached_property
    def life_opened(self) -> tuple[Header, Body]:
        return opened(self.life, LIFE, self.rulebook.policy.digest, self.person)

    @property
    def last(self) -> Order | None:
        return self.header.last

    @property
    def state(self) -> bytes:
        return together(self.fold, self.life)

    def shifted(self, fold: FoldShift, life: LifeShift) -> Stop:
        """Return what is to be kept here where a fold and its life lie beside this one."""
        return Stop(self.rulebook, self.person, self.fold_beside(fold), self.life_beside(life))

    def fold_beside(self, shift: FoldShift) -> bytes:
        header, body = self.fold_opened
        return sealed(header, fold_shifted(body, shift)) if shift != FoldShift() else self.fold

    def life_beside(self, shift: LifeShift) -> bytes:
        header, body = self.life_opened
        return sealed(header, life_shifted(self.rulebook, body, shift)) if shift != LifeShift() else self.life


def rejoined(
    rulebook: Rulebook,
    person: Volunteer,
    changes: Sequence[Change],
    before: bytes | None,
    on_the_way: Sequence[bytes],
    end: bytes,
    read: Read,
) -> Folded | None:
    """Return what new records come to, some of which come late; None where the whole history has to be folded.

    `before` is a state that was kept before all of them, None where the fold begins with the first record; `on_the_way`
    is what was kept since, `end` what was kept after the last record.
    """
    if any(one.again or one.withdrawn or names_another(one.record, one.supplied) for one in changes):
        return None
    try:
        begun = None if before is None else Stop(rulebook, person, *unpacked(before))
        ended = Stop(rulebook, person, *unpacked(end))
        if not _stands_since(ended, begun):
            return None
        stops = [*_stops(rulebook, person, on_the_way), ended]
        return _Way(rulebook, person, changes, begun, stops, read).gone()
    except (StateError, HistoryNeededError):
        return None


def _stops(rulebook: Rulebook, person: Volunteer, kept: Sequence[bytes]) -> list[Stop]:
    """Return what was kept of the person as they are known now, in the order of the records."""
    hashed = person_hash(person)
    stops = [Stop(rulebook, person, *unpacked(state)) for state in kept]
    return sorted((one for one in stops if one.last is not None and one.header.person == hashed), key=_place)


def _place(stop: Stop) -> Order:
    assert stop.last is not None
    return stop.last


def _stands_since(end: Stop, begun: Stop | None) -> bool:
    """Tell whether every record since is booked with what it is worth by these rules and facts, and names no other."""
    last = None if begun is None else begun.last
    marked = [order_of(end.fold_opened[1][name]) for name in ("otherwise", "names")]
    return all(order is None or (last is not None and order <= last) for order in marked)


class _History:
    """The booked records of a person, read as far as they are needed, and some days ahead."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._some: list[Held] = []
        self._orders: list[Order] = []
        self._since, self._until = date.max, date.min
        self._days = READ_DAYS

    def between(self, begun: Header | None, end: Header | None) -> list[Held]:
        """Return the records after the last one of a state, up to the last one of another."""
        since = None if begun is None else begun.day
        until = date.max if end is None or end.day is None else end.day
        if until > self._until or (since or date.min) < self._since:
            self._read_on(since, until)
        start = 0 if begun is None or begun.last is None else bisect_right(self._orders, begun.last)
        stop = len(self._orders) if end is None or end.last is None else bisect_right(self._orders, end.last)
        return self._some[start:stop]

    def _read_on(self, since: date | None, until: date) -> None:
        ahead = since or until
        until = max(until, ahead + min(timedelta(self._days), date.max - ahead))
        self._days *= 2
        self._some = list(self._read(since, until))
        self._orders = [one.record.order for one in self._some]
        self._since, self._until = since or date.min, until


class _Way:
    """The way of a fold past what was kept of it, with records that were not there."""

    def __init__(
        self,
        rulebook: Rulebook,
        person: Volunteer,
        changes: Sequence[Change],
        begun: Stop | None,
        stops: Sequence[Stop],
        read: Read,
    ) -> None:
        self._rulebook, self._person = rulebook, person
        self._changes = sorted(changes, key=lambda one: one.record.order)
        self._stops = stops
        self._history = _History(read)
        self._now = begun  # where the fold stands
        self._was: Stop | None = None  # the stop where it stands, as it was kept
        self._fold_shift: FoldShift | None = FoldShift()  # how it lies beside that, None where it is another one
        self._life_shift: LifeShift | None = LifeShift()
        self._done = Recount()
        self._marks: list[Mark] = []

    def gone(self) -> Folded | None:
        for stop in self._stops:
            if not self._reach(stop):
                return None
            if stop is not self._stops[-1]:
                self._leave_mark()
        if self._changes and not self._fold_on(None):
            return None
        now = self._now
        assert now is not None
        life = Life.thawed(self._rulebook, self._person, now.life)
        return Folded(self._done, life, now.state, self._marks)

    def _reach(self, stop: Stop) -> bool:
        """Go on to a stop; tell whether that was possible without the whole history."""
        if self._fold_shift is None or (self._changes and self._changes[0].record.order <= _place(stop)):
            if not self._fold_on(stop):
                return False
        elif self._life_shift is None or not self._decides_the_same(stop):
            self._live_on(stop)
        else:
            self._now = stop.shifted(self._fold_shift, self._life_shift)
        self._was = stop
        return True

    def _decides_the_same(self, stop: Stop) -> bool:
        if self._life_shift is None or self._was is None:
            return self._life_shift == LifeShift()
        return decides_the_same(self._rulebook, self._life_shift, self._was.life_opened[1], stop.life_opened[1])

    def _fold_on(self, stop: Stop | None) -> bool:
        """Work out what the records up to a stop are worth, or all the others; book what is new."""
        now = self._now
        booked = self._history.between(None if now is None else now.header, None if stop is None else stop.header)
        new = [one for one in self._changes if stop is None or one.record.order <= _place(stop)]
        del self._changes[: len(new)]
        there, came = {one.record.key: one for one in booked}, {one.record.key: one for one in new}
        both = [(one.record, one.supplied) for one in booked] + [(one.record, one.supplied) for one in new]
        records = sorted(both, key=lambda one: one[0].order)
        if now is not None and needs_whole_history(self._rulebook, self._person, now.fold, records):
            return False
        fold, life = self._thawed()
        for at, (record, supplied) in enumerate(records, 1):
            assessment = fold.assess(record, supplied)
            past = counted(assessment)
            life.add(past)
            before = there.get(record.key)
            if before is None or differs(assessment, before):
                self._done.add(booking_of(assessment, before, came.get(record.key)), assessment)
                self._done.after.append(past)
                self._done.before |= {} if before is None else {record.key: before}
            else:
                self._done.stays(self._rulebook, assessment, before)
            if at % carrying.MARKED_EVERY == 0 and len(records) - at >= carrying.MARKED_EVERY:
                self._now = Stop(self._rulebook, self._person, fold.frozen(), life.frozen())
                self._leave_mark()
                if needs_whole_history(self._rulebook, self._person, self._now.fold, records[at:]):
                    return False
                fold, life = self._thawed()
        self._now = Stop(self._rulebook, self._person, fold.frozen(), life.frozen())
        if stop is not None:
            (was_of, was), (now_of, now_there) = stop.fold_opened, self._now.fold_opened
            self._fold_shift = fold_shift(self._rulebook, was, now_there) if was_of == now_of else None
            self._hold_lives_together(stop)
        return True

    def _live_on(self, stop: Stop) -> None:
        """Let the life take what is booked up to a stop; the fold stands beside what it was."""
        assert self._now is not None
        assert self._fold_shift is not None
        life = Life.thawed(self._rulebook, self._person, self._now.life)
        for one in self._history.between(self._now.header, stop.header):
            life.add(as_counted(one))
        self._now = Stop(self._rulebook, self._person, stop.fold_beside(self._fold_shift), life.frozen())
        self._hold_lives_together(stop)

    def _hold_lives_together(self, stop: Stop) -> None:
        assert self._now is not None
        (was_of, was), (now_of, now) = stop.life_opened, self._now.life_opened
        self._life_shift = life_shift(self._rulebook, was, now) if was_of == now_of else None

    def _thawed(self) -> tuple[Fold, Life]:
        now = self._now
        if now is None:
            return Fold(self._rulebook, self._person), Life(self._rulebook, self._person)
        fold = Fold.thawed(self._rulebook, self._person, now.fold)
        return fold, Life.thawed(self._rulebook, self._person, now.life)

    def _leave_mark(self) -> None:
        assert self._now is not None
        assert self._now.header.day is not None
        self._marks.append((self._now.header.day, self._now.state))
