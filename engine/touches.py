"""What each change of somebody's accounts has spent or ended, and from which day on it is gone.

What has passed its last day is gone on the day after it, whether it was booked on that day, later or not yet. What is
reserved is not gone; settled it is spent, and where its deposit has ended meanwhile it is gone once it is released.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from lianxing.rules.balances import By, Gone

Place = tuple[str, int]  # an account and the number of a lot


@dataclass(frozen=True, slots=True)
class Touch:
    """A change of accounts: what it has `spent` of the `account` (below zero: given back), what has `expired` with it.

    `decided_on` is the day up to which it let go what had ended, `moves` are the changes of lots, those with which they
    were opened included; `opened` gives their last day. `ended` are lots that are over from this change on.
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


@dataclass(slots=True)
class _Lot:
    last_day: date
    over_on: date | None = None  # where a change has ended it
    stays: list[tuple[date, int]] = field(default_factory=list)  # what was put in or taken, but for what has ended

    def ended_before(self, day: date) -> bool:
        return self.over_on is not None or self.last_day < day


def gone(touches: Iterable[Touch]) -> tuple[Gone, ...]:
    """Return what is gone since when, on days to come as well; `touches` in the order in which they were made.

    Where lots are not told, only of what was spent.
    """
    amounts: dict[tuple[date, str, By], int] = defaultdict(int)
    lots: dict[Place, _Lot] = {}
    for touch in touches:
        lots |= {(account, number): _Lot(last_day) for account, number, last_day in touch.opened}
        if touch.spent:
            amounts[touch.on, touch.account, By.SPENDING] += touch.spent
        rest = touch.expired
        for account, number, amount in touch.moves:
            lot = lots.get((account, number))
            if lot is None:
                continue
            if amount < 0 < touch.expired and lot.ended_before(touch.decided_on):
                rest += amount
            else:
                lot.stays.append((touch.on, amount))
        if rest:  # what a redemption leaves
            amounts[touch.on, touch.account, By.EXPIRY] += rest
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
