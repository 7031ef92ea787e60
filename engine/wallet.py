"""The account of one holder: lots, what is held of them, what is owed, and what a change of it books."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

from lianxing.engine.covers import Cover, Deposit
from lianxing.engine.turning import Passed, Turned
from lianxing.rules.accounts import Account, After, AtEndOf, Floor, Order, Overdraft
from lianxing.rules.facts import FactType
from lianxing.rules.periods import Period, add_months, period_start
from lianxing.rules.redeeming import Reason

AVAILABLE, HELD, DEBT = "", "held", "debt"
ISSUED, REDEEMED, EXPIRED, LOST, WRITTEN_OFF = "issued", "redeemed", "expired", "lost", "written_off"
DONATION_POOL, BORROWED, TRANSIT, TRANSITION = "donation_pool", "borrowed", "transit", "transition"
PERSONAL = (AVAILABLE, HELD, DEBT)

OWED = 0  # as the number of a lot: what was not there, and is owed
MOST = 10**15

_MONTHS_OF = {Period.MONTH: 1, Period.QUARTER: 3, Period.HALF_YEAR: 6, Period.CALENDAR_YEAR: 12}


@dataclass(slots=True)
class Lot:
    """One deposit and what is left of it.

    `earned_on` decides the order, `last_day` is the last day on which it is there (date.max: it never ends). `source`
    is what it came from: `registry/record`, `issue/...`, `gift/...`; a correction of that takes it back first.
    `expired` is what has ended of it and was let go.
    """

    number: int
    earned_on: date
    last_day: date
    original: int
    remaining: int
    source: str
    expired: int = 0

    @property
    def deposit(self) -> Deposit:
        return Deposit(self.source, self.earned_on, self.last_day)


class Unstored(NamedTuple):
    """What a record is worth to an account and is not in it: `rest`, lost as less than a whole unit, and `over`, which
    has overflowed, by where it went: that of earlier rules may have gone elsewhere. `off` was written off when the
    record became worth less: should it be worth more again, that is not paid a second time.
    """

    rest: int = 0
    over: tuple[tuple[str, int], ...] = ()
    off: int = 0

    @classmethod
    def of(cls, rest: int, over: int | Sequence[tuple[str, int]], off: int) -> Unstored:
        """Return what is written down of it; an amount alone where it was not said where that went."""
        found = cls(rest, (), off)
        for where, amount in [("", over)] if isinstance(over, int) else over:
            found = found.overflown(where, amount)
        return found

    def overflown(self, where: str, amount: int) -> Unstored:
        """Return it with an amount more that went somewhere, or came back from there below zero."""
        there = dict(self.over)
        there[where] = there.get(where, 0) + amount
        return self._replace(over=tuple((one, left) for one, left in there.items() if left))


class StarPoints(NamedTuple):
    """What has come in with a star: so many points on the day from which it was held, and what of them is not in it."""

    points: int
    on: date
    unstored: Unstored = Unstored()


@dataclass(slots=True)
class Hold:
    """An amount that is reserved to the end of a day, and the lots that it comes from, as number and amount."""

    number: int
    amount: int
    until: date
    lots: tuple[tuple[int, int], ...]


@dataclass(slots=True)
class Wallet:
    """An account of one holder. `rest` is what is less than a whole unit and waits for more; it is not booked.

    `debt` is what is owed, `drawn` the part of it that was spent (the rest was taken back), `loans` what of that is
    owed to which pool, whatever the account borrows from by now. `issued` are the grants that were given: their index
    in the account, and the day.
    `turned` are the changes of rules that have reached it, `unsaid` are those that are not written down yet. `unstored`
    is what of a source never came in: what is taken back of it is taken from there first; `off_on` is by which day that
    was said, `worth` what a source is worth in all, while that changes. `stars` are the points that have come in with
    stars. `covers` is what was taken or is owed instead of deposits that were taken back after they had been spent.
    `cancelled_to` is until when what was earned is worth nothing, by a sanction: it is not there, like what has ended.
    That is known while somebody asks, and never kept.
    """

    account: Account
    lots: dict[int, Lot] = field(default_factory=dict)
    holds: dict[int, Hold] = field(default_factory=dict)
    debt: int = 0
    drawn: int = 0
    loans: dict[str, int] = field(default_factory=dict)
    rest: int = 0
    next_lot: int = 1
    issued: list[tuple[int, date]] = field(default_factory=list)
    turned: dict[str, Turned] = field(default_factory=dict)
    unsaid: set[str] = field(default_factory=set)
    unstored: dict[str, Unstored] = field(default_factory=dict)
    off_on: dict[str, date] = field(default_factory=dict)
    worth: dict[str, int] = field(default_factory=dict)
    stars: dict[int, StarPoints] = field(default_factory=dict)
    covers: list[Cover] = field(default_factory=list)
    cancelled_to: date = date.min

    @property
    def held(self) -> int:
        return sum(hold.amount for hold in self.holds.values())

    @property
    def balance(self) -> int:
        """What is there, held or not, less what is owed; lots that have ended count until they are expired."""
        return sum(lot.remaining for lot in self.lots.values()) + self.held - self.debt

    def live(self, on: date) -> list[Lot]:
        """Return the lots of which something is there on a day, in the order in which they are spent."""
        return [lot for lot in self.lasting(on) if lot.earned_on <= on]

    def lasting(self, on: date) -> list[Lot]:
        """Return the lots that have not ended on a day, also what was earned later, in the order of spending."""
        found = [lot for lot in self.lots.values() if lot.remaining and not self.is_over(lot, on)]
        if len(found) > 1:
            found.sort(key=_ORDERS[self.account.spends_first])
        return found

    def spent_from(self, on: date) -> list[Lot]:
        """Return the lots from which is spent on a day: those that are there, then what is overdrawn: later ones."""
        return sorted(self.lasting(on), key=lambda lot: lot.earned_on > on)

    def available(self, on: date) -> int:
        """Return what is there on a day and not held, less what is owed."""
        there = sum(lot.remaining for lot in self.lots.values() if lot.earned_on <= on and not self.is_over(lot, on))
        return there - self.debt

    def balance_on(self, on: date) -> int:
        """Return the balance without what ended before a day; what is earned later than that is in it."""
        there = sum(lot.remaining for lot in self.lots.values() if not self.is_over(lot, on))
        return there + self.held - self.debt

    def is_over(self, lot: Lot, on: date) -> bool:
        """Tell whether a lot has ended before a day, or was earned before a sanction that cancels it."""
        return lot.last_day < on or lot.earned_on <= self.cancelled_to


class Line(NamedTuple):
    """A posting: to `AVAILABLE`, `HELD` or `DEBT` of the wallet, or to the counterpart of this name."""

    account: str
    amount: int


class LotMove(NamedTuple):
    """By how much what remains of a lot changes."""

    lot: int
    amount: int


class Done(NamedTuple):
    """What a change books. `taken` is what was held, spent or given, by lot: a refund goes back to it.

    `opened` are the new lots as they were opened, before the moves. `ended` are lots of which a part is held and
    whose last day has been set to one long past. `lent` is what each pool lends for it, below zero where it gets that
    back. `passed` is what came late through changes of rules, `over` what has overflowed, below zero where it came
    back from there.
    """

    lines: tuple[Line, ...] = ()
    lot_moves: tuple[LotMove, ...] = ()
    opened: tuple[Lot, ...] = ()
    refused: Reason | None = None
    taken: tuple[tuple[int, int], ...] = ()
    ended: tuple[int, ...] = ()
    lent: tuple[tuple[str, int], ...] = ()
    passed: tuple[Passed, ...] = ()
    over: int = 0


NOTHING = Done()

# A part of an amount that comes in: the day on which it was earned, its last day, and how much.
Part = tuple[date, date, int]


def last_day_of(account: Account, earned_on: date) -> date:
    """Return the last day on which what was earned on a day is still there."""
    match account.expires:
        case AtEndOf(period=period):
            return _period_end(period, earned_on)
        case After(months=months):
            return add_months(earned_on, months.on(earned_on))
        case _:
            return date.max


def _period_end(period: Period, day: date) -> date:
    first = period_start(period, day)
    if period in _MONTHS_OF:
        last = add_months(first, _MONTHS_OF[period] - 1)
        return last.replace(day=monthrange(last.year, last.month)[1])
    return first + timedelta(days=6 if period is Period.WEEK else 0)


def may_spend(account: Account, available: int, amount: int, on: date) -> bool:
    """Tell whether an amount may be spent where so much is available."""
    match account.overdraft:
        case Floor(least=least):
            return available - amount >= least.on(on)
        case Overdraft.NONE:
            return amount <= available
        case _:
            return True


def oldest(lot: Lot) -> tuple[int, int]:
    return lot.earned_on.toordinal(), lot.number


def _newest(lot: Lot) -> tuple[int, int]:
    return -lot.earned_on.toordinal(), lot.number


def _soonest_to_expire(lot: Lot) -> tuple[int, int, int]:
    return lot.last_day.toordinal(), lot.earned_on.toordinal(), lot.number


_ORDERS: Mapping[Order, Callable[[Lot], tuple[int, ...]]] = {
    Order.OLDEST: oldest,
    Order.NEWEST: _newest,
    Order.SOONEST_TO_EXPIRE: _soonest_to_expire,
}


def unit_of(account: Account) -> int:
    """Return how much of an account a whole point or hour is."""
    return 100 if account.unit.type is FactType.POINTS else 3600


def lots_of(wallet: Wallet, source: str) -> list[Lot]:
    """Return the lots that a source has put in, the first first."""
    return [lot for _number, lot in sorted(wallet.lots.items()) if source and lot.source == source]
