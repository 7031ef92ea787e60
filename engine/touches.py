"""What each change of somebody's accounts has spent or ended, and from which day on it is gone.

What has passed its last day is gone on the day after it, whether it was booked on that day, later or not yet. What is
reserved is not gone; settled it is spent, and where its deposit has ended meanwhile it is gone once it is released.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import Enum
from itertools import pairwise

from lianxing.rules.balances import By, Gone

Place = tuple[str, int]  # an account and the number of a lot

WITH_STAR = "star_points/"  # how the source of a deposit begins that came with a star


@dataclass(frozen=True, slots=True)
class Touch:
    """A change of accounts: what it has `spent` of the `account` (below zero: given back), what has `expired` with it.

    `decided_on` is the day up to which it let go what had ended, `moves` are the changes of lots, those with which they
    were opened included; `opened` gives their last day. `ended` are lots that are over from this change on. What had
    expired and is `reversed` was taken back from its record, or is of another day: put back to its lot and taken out.
    `with_star` are the opened lots that came with a star: no total counts them, so none is lower without them. `ends`
    is the entry that reserved what this one spends, `returns` the one that took what it gives back.
    """

    on: date
    decided_on: date
    account: str = ""
    spent: int = 0
    expired: int = 0
    moves: Sequence[tuple[str, int, int]] = ()
    opened: Sequence[tuple[str, int, date]] = ()
    ended: Sequence[Place] = ()
    entry: int = 0
    reversed: int = 0
    with_star: Collection[Place] = ()
    ends: int = 0
    returns: int = 0


class How(Enum):
    """What a change of a lot is."""

    MOVED = "moved"  # in or out, as the rest of its entry says
    ENDED = "ended"
    REVERSED = "reversed"  # what had ended is put back ...
    TAKEN = "taken"  # ... and taken out


@dataclass(slots=True)
class _Lot:
    last_day: date
    over_on: date | None = None  # where a change has ended it
    stays: list[tuple[date, int]] = field(default_factory=list)  # what was put in or taken, but for what has ended
    left_on: date | None = None  # when a redemption last left something of it, which then was gone

    def ended_before(self, day: date) -> bool:
        return self.over_on is not None or self.last_day < day


@dataclass(slots=True)
class _Presents:
    """The lots that came with stars, what entries took from lots, and how much of that, once spent, was of those."""

    lots: set[Place] = field(default_factory=set)
    taken: dict[int, list[tuple[Place, int]]] = field(default_factory=dict)
    of_entry: dict[int, int] = field(default_factory=dict)

    def take(self, touch: Touch, told: Iterable[tuple[tuple[str, int, int], How]]) -> None:
        """Note what an entry took from lots, in its order; nothing where no star has brought anything yet."""
        if self.lots:
            moved = [((account, number), -amount) for (account, number, amount), how in told if how is How.MOVED]
            self.taken[touch.entry] = [(place, amount) for place, amount in moved if amount > 0]

    def spent(self, touch: Touch) -> int:
        """Return how much of what an entry spends came with stars; below zero what it gives back of that.

        Of what was reserved the first parts are spent.
        """
        if touch.spent < 0:
            return -min(self.of_entry.get(touch.returns, 0), -touch.spent)
        left, found = touch.spent, 0
        for place, amount in self.taken.get(touch.ends or touch.entry, ()):
            part = min(left, amount)
            left -= part
            found += part if place in self.lots else 0
        self.of_entry[touch.ends or touch.entry] = found
        return found


def gone(touches: Iterable[Touch]) -> tuple[Gone, ...]:
    """Return what is gone since when, on days to come as well; `touches` in the order in which they were made.

    Where lots are not told, only of what was spent. What came with stars is left out.
    """
    amounts: dict[tuple[date, str, By], int] = defaultdict(int)
    lots: dict[Place, _Lot] = {}
    presents = _Presents()
    for touch in touches:
        lots |= {(account, number): _Lot(last_day) for account, number, last_day in touch.opened}
        told = _told(touch, lots)
        presents.lots |= set(touch.with_star)
        presents.take(touch, told)
        if touch.spent:
            amounts[touch.on, touch.account, By.SPENDING] += touch.spent - presents.spent(touch)
        for (account, number, amount), how in told:
            if (account, number) in presents.lots:
                continue
            lot = lots[account, number]
            if how is How.MOVED:
                lot.stays.append((touch.on, amount))
            elif how is How.ENDED and not lot.ended_before(touch.decided_on):  # what a redemption leaves
                lot.left_on = touch.on
                amounts[touch.on, account, By.EXPIRY] -= amount
            elif how is How.TAKEN and lot.left_on is not None:
                amounts[max(touch.on, lot.left_on), account, By.EXPIRY] += amount
            elif how is How.TAKEN:
                lot.stays.append((touch.on, amount))
        for place in touch.ended:
            if place in lots:
                lots[place].over_on = touch.on
    for (account, _number), lot in lots.items():
        over_on = lot.over_on
        if over_on is None and lot.last_day < date.max:
            over_on = lot.last_day + timedelta(days=1)
        if over_on is not None:
            for on, amount in lot.stays:
                amounts[max(on, over_on), account, By.EXPIRY] += amount
    return tuple(Gone(on, account, by, amount) for (on, account, by), amount in amounts.items() if amount)


def expired(touches: Iterable[Touch]) -> dict[Place, int]:
    """Return what has ended of each lot and was let go, but for what was taken back since; lots have to be told."""
    found: dict[Place, int] = defaultdict(int)
    lots: dict[Place, _Lot] = {}
    for touch in touches:
        lots |= {(account, number): _Lot(last_day) for account, number, last_day in touch.opened}
        for (account, number, amount), how in _told(touch, lots):
            if how in (How.ENDED, How.REVERSED):
                found[account, number] -= amount
        for place in touch.ended:
            if place in lots:
                lots[place].over_on = touch.on
    return {place: amount for place, amount in found.items() if amount}


def _told(touch: Touch, lots: Mapping[Place, _Lot]) -> list[tuple[tuple[str, int, int], How]]:
    """Return each change of a lot that is known, and what it is.

    What has ended is taken from lots whose last day has passed; what a redemption leaves is taken from others, after
    whatever else is done to them.
    """
    moves = [move for move in touch.moves if move[:2] in lots]
    said = [How.MOVED] * len(moves)
    if touch.reversed:
        opening = {(account, number) for account, number, _last_day in touch.opened}
        for at, (one, after) in enumerate(pairwise(moves)):
            place = one[0], one[1]
            if place in opening:
                opening.remove(place)
            elif place == after[:2] and one[2] == -after[2] > 0:
                said[at : at + 2] = [How.REVERSED, How.TAKEN]
    left = touch.expired
    for at, (account, number, amount) in enumerate(moves):
        if amount < 0 < left and said[at] is How.MOVED and lots[account, number].ended_before(touch.decided_on):
            said[at] = How.ENDED
            left += amount
    for at in reversed(range(len(moves))):
        amount = moves[at][2]
        if amount < 0 and said[at] is How.MOVED and 0 < -amount <= left:
            said[at] = How.ENDED
            left += amount
    return list(zip(moves, said, strict=True))
