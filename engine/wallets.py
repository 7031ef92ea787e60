"""The account of one holder as the bank keeps it: lots, what is held of them, what is owed, and every way to change it.

Pure: a wallet is changed in place and each function returns what to book. Lines sum to zero; where something is
refused nothing has changed. Amounts are hundredths of a point or seconds, as the account says. What has passed its last
day is not there on any later day, whether `expire` has been called meanwhile or not, so it may be called at any time;
only who books a record for an earlier day calls it for today first. Every other day that is told is that of booking.

- What comes in first pays what is owed; so nothing is owed while something is available.
- What is held keeps: what is taken back beyond the available lots is owed up to the amount that is held, and only what
  is more than that is the shortfall of which the account says whether it is owed, written off or refused.
- A hold that is released goes back to its lots, which end when they would have ended anyway. What was held or spent
  without being there is written as a part of the lot `OWED`.
- Whoever changes a wallet lets the changes of rules reach it first whose day has come (`turn`). What comes in later of
  before such a day, or is given back that was taken before it, goes through it then.
- A redemption after which the rest is gone (`after_redemption`) ends the lots of which another hold has a part, too.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import NamedTuple

from lianxing.engine.rulebook import issue_name
from lianxing.engine.running import treated
from lianxing.engine.turning import Passed, Turned, late
from lianxing.rules.accounts import (
    Account,
    After,
    AtEndOf,
    Expiry,
    Floor,
    Issue,
    Order,
    Overdraft,
    Purpose,
    Recipient,
    Shortfall,
    WholeOnly,
)
from lianxing.rules.balances import ClosingEvent
from lianxing.rules.facts import FactType, FactValue
from lianxing.rules.periods import Period, add_months, period_start
from lianxing.rules.redeeming import Reason
from lianxing.rules.transition import Change, Fate, Treatment

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

    `debt` is what is owed, `drawn` the part of it that was spent (the rest was taken back); where the account borrows
    from a pool it is owed to that. `issued` are the grants that were given: their index in the account, and the day.
    `turned` are the changes of rules that have reached it, `unsaid` tells that this is not written down yet.
    """

    account: Account
    lots: dict[int, Lot] = field(default_factory=dict)
    holds: dict[int, Hold] = field(default_factory=dict)
    debt: int = 0
    drawn: int = 0
    rest: int = 0
    next_lot: int = 1
    issued: list[tuple[int, date]] = field(default_factory=list)
    turned: dict[str, Turned] = field(default_factory=dict)
    unsaid: bool = False

    @property
    def held(self) -> int:
        return sum(hold.amount for hold in self.holds.values())

    @property
    def balance(self) -> int:
        """What is there, held or not, less what is owed; lots that have ended count until they are expired."""
        return sum(lot.remaining for lot in self.lots.values()) + self.held - self.debt

    def live(self, on: date) -> list[Lot]:
        """Return the lots of which something is there on a day, in the order in which they are spent."""
        found = [lot for lot in self.lots.values() if lot.remaining and lot.last_day >= on]
        if len(found) > 1:
            found.sort(key=_ORDERS[self.account.spends_first])
        return found

    def available(self, on: date) -> int:
        """Return what is there on a day and not held, less what is owed."""
        return sum(lot.remaining for lot in self.lots.values() if lot.last_day >= on) - self.debt

    def balance_on(self, on: date) -> int:
        """Return the balance of a day, without what ended before it."""
        return self.available(on) + self.held


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
    whose last day has been set to one long past. `drawn` is what was newly drawn over the balance, below zero where
    that was paid back: where the account borrows, the pool lends or gets so much. `passed` is what came late through
    changes of rules.
    """

    lines: tuple[Line, ...] = ()
    lot_moves: tuple[LotMove, ...] = ()
    opened: tuple[Lot, ...] = ()
    refused: Reason | None = None
    taken: tuple[tuple[int, int], ...] = ()
    ended: tuple[int, ...] = ()
    drawn: int = 0
    passed: tuple[Passed, ...] = ()


_NOTHING = Done()

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


# What comes in


def earn(wallet: Wallet, on: date, amount: int, source: str, *, family: bool = False, belongs: bool = True) -> Done:
    """Put in what a record is worth. `belongs`: the account is for this holder; `family`: a member has earned it."""
    account = wallet.account
    if (wrong := _not_an_amount(wallet, amount)) is not None:
        return wrong
    if not belongs:
        return _refused(wallet, "holder")
    if family and (account.family is None or not account.family.pooled):
        return _refused(wallet, "family")
    booking = _Booking(wallet)
    last_day = last_day_of(account, on)
    credited = booking.over(on, last_day, booking.whole(amount))
    booking.arrives(on, credited, source, [(on, last_day, credited)])
    return booking.done(ISSUED)


def issue(wallet: Wallet, on: date, amount: int, holding: Collection[str]) -> Done:
    """Put in what a fund gives: one of the grants is of this amount, holds, and was not given before.

    `holding` are the names of the grants whose condition holds for the person on the day.
    """
    if (wrong := _not_an_amount(wallet, amount)) is not None:
        return wrong
    for index, due in grants_due(wallet, on, holding):
        if due == amount:
            wallet.issued.append((index, on))
            booking = _Booking(wallet)
            source = f"issue/{issue_name(wallet.account.clause.id, index)}"
            booking.arrives(on, amount, source, [(on, last_day_of(wallet.account, on), amount)])
            return booking.done(ISSUED)
    return _refused(wallet, "issue")


def grants_due(wallet: Wallet, on: date, holding: Collection[str]) -> list[tuple[int, int]]:
    """Return the grants that are due on a day, as index and amount."""
    return [
        (index, grant.amount.on(on))
        for index, grant in enumerate(wallet.account.issue)
        if (grant.when is None or issue_name(wallet.account.clause.id, index) in holding)
        and not _issued_before(wallet, index, grant, on)
    ]


def _issued_before(wallet: Wallet, index: int, grant: Issue, on: date) -> bool:
    if grant.per is None:
        return any(other == index for other, _day in wallet.issued)
    first = period_start(grant.per, on)
    return any(other == index and period_start(grant.per, day) == first for other, day in wallet.issued)


def receive(
    wallet: Wallet, on: date, amount: int, source: str, *, last_day: date | None = None, lots: Sequence[Part] = ()
) -> Done:
    """Put in what somebody else gave. With `lots` it keeps the days of the lots that it came from: passing an amount
    round makes it no younger. Otherwise it is a lot of its own that ends on `last_day`, or as if earned on the day.
    """
    if (wrong := _not_an_amount(wallet, amount)) is not None:
        return wrong
    if lots and sum(part for _earned, _last, part in lots) != amount:
        return _refused(wallet, "amount", amount=amount)
    booking = _Booking(wallet)
    ends = last_day_of(wallet.account, on) if last_day is None else last_day
    booking.arrives(on, amount, source, lots or [(on, ends, amount)])
    return booking.done(TRANSIT)


def given_parts(wallet: Wallet, given: Done) -> tuple[Part, ...]:
    """Return the days of what a gift or a closure took, as `receive` asks for them."""
    return tuple(
        (wallet.lots[move.lot].earned_on, wallet.lots[move.lot].last_day, -move.amount) for move in given.lot_moves
    )


def repay(pool: Wallet, on: date, amount: int, source: str) -> Done:
    """Put back into a pool what somebody had borrowed from it."""
    if (wrong := _not_an_amount(pool, amount)) is not None:
        return wrong
    booking = _Booking(pool)
    booking.arrives(on, amount, source, [(on, last_day_of(pool.account, on), amount)])
    return booking.done(BORROWED)


# What is spent


def spend(wallet: Wallet, on: date, amount: int, purpose: Purpose | None = None, *, family: bool = False) -> Done:
    """Spend an amount at once, for what the account may be spent on; None is not asked."""
    if (wrong := _may_not(wallet, on, amount, purpose, family)) is not None:
        return wrong
    booking = _Booking(wallet)
    booking.draw(on, amount)
    booking.redeemed()
    return booking.done(REDEEMED)


def reserve(
    wallet: Wallet,
    number: int,
    on: date,
    amount: int,
    purpose: Purpose | None = None,
    family: bool = False,
) -> Done:
    """Set an amount aside under a number that the caller gives, for as many days as the account says."""
    if number in wallet.holds:
        return _refused(wallet, "hold", hold=number)
    if (wrong := _may_not(wallet, on, amount, purpose, family)) is not None:
        return wrong
    if wallet.account.hold_days is None:
        return _refused(wallet, "holds")
    booking = _Booking(wallet)
    booking.draw(on, amount)
    until = on + timedelta(days=wallet.account.hold_days.on(on))
    wallet.holds[number] = Hold(number, amount, until, tuple(booking.taken))
    return booking.done(HELD)


def settle(wallet: Wallet, number: int, on: date | None = None, amount: int | None = None) -> Done:
    """Spend what is held; refused after its last day where a day is given.

    With an `amount` only so much of it: the rest goes back to its lots, what was not there before anything else.
    """
    hold = wallet.holds.get(number)
    if hold is None:
        return _refused(wallet, "hold", hold=number)
    if on is not None and on > hold.until:
        return _refused(wallet, "hold_over", last_day=hold.until.isoformat())
    if amount is not None and (on is None or not 0 <= amount <= hold.amount):
        return _refused(wallet, "more_than_held", held=hold.amount)
    booking = _Booking(wallet)
    del wallet.holds[number]
    booking.book(HELD, -hold.amount)
    used, back = split(hold.lots, hold.amount if amount is None else amount)
    booking.taken.extend(used)
    if back and on is not None:
        booking.give_back(on, back, f"hold/{hold.number}", made=hold.number)
    if used:
        booking.redeemed()
    return booking.done(REDEEMED)


def split(lots: Sequence[tuple[int, int]], amount: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Return which parts of lots make up an amount, from the first, and what is left of all of them."""
    used: list[tuple[int, int]] = []
    back: list[tuple[int, int]] = []
    for number, there in lots:
        part = min(there, amount)
        amount -= part
        used += [(number, part)] if part else []
        back += [(number, there - part)] if there > part else []
    return used, back


def release(wallet: Wallet, number: int, on: date) -> Done:
    """Give back what is held to the lots that it came from."""
    hold = wallet.holds.get(number)
    if hold is None:
        return _refused(wallet, "hold", hold=number)
    booking = _Booking(wallet)
    booking.let_go(on, hold)
    return booking.done(HELD)


def expire_hold(wallet: Wallet, number: int, on: date) -> Done:
    """Give back what is held where its last day has passed."""
    hold = wallet.holds.get(number)
    if hold is not None and on <= hold.until:
        return _refused(wallet, "hold_runs", last_day=hold.until.isoformat())
    return release(wallet, number, on)


def refund(wallet: Wallet, on: date, amount: int, lots: Sequence[tuple[int, int]], made: int | None = None) -> Done:
    """Undo a redemption or a part of it: `lots` is what it has taken and has not been refunded, `made` its entry.

    What was taken last goes back first. It may come to more than the account stores: it was there before. A lot that a
    later redemption has ended is opened anew: what is given back was not there to be left.
    """
    if (wrong := _not_an_amount(wallet, amount)) is not None:
        return wrong
    back: list[tuple[int, int]] = []
    left = amount
    for number, taken in reversed(lots):
        part = min(left, taken)
        left -= part
        back += [(number, part)] if part else []
    if left or any(part > _gone(wallet, number) for number, part in _by_lot(back).items() if number != OWED):
        return _refused(wallet, "refund", amount=amount)
    booking = _Booking(wallet)
    booking.give_back(on, back, "refund", anew=True, made=made)
    return booking.done(REDEEMED)


def _by_lot(parts: Iterable[tuple[int, int]]) -> dict[int, int]:
    found: dict[int, int] = {}
    for number, amount in parts:
        found[number] = found.get(number, 0) + amount
    return found


def _gone(wallet: Wallet, number: int) -> int:
    """Return how much of a lot is neither there nor held."""
    lot = wallet.lots.get(number)
    if lot is None:
        return 0
    held = sum(part for hold in wallet.holds.values() for of, part in hold.lots if of == number)
    return lot.original - lot.remaining - held


def _may_not(wallet: Wallet, on: date, amount: int, purpose: Purpose | None, family: bool) -> Done | None:
    account = wallet.account
    if (wrong := _not_an_amount(wallet, amount)) is not None:
        return wrong
    if purpose is not None and purpose not in account.spent_on:
        return _refused(wallet, "spent_on", gives=purpose.value)
    if family and (account.family is None or not account.family.may_draw):
        return _refused(wallet, "family")
    available = wallet.available(on)
    if not may_spend(account, available, amount, on):
        return _refused(wallet, "balance", available=available, needed=amount)
    return None


# What is given away, lent, taken back


def give(wallet: Wallet, on: date, amount: int, to_whom: Recipient) -> Done:
    """Give an amount away; what one does not have one cannot give, whatever may be overdrawn.

    What goes to the pool is with the donations at once; anything else is on its way until somebody receives it.
    """
    if (wrong := _not_an_amount(wallet, amount)) is not None:
        return wrong
    if to_whom not in wallet.account.transfer:
        return _refused(wallet, "transfer", to_whom=to_whom.value)
    return _hand_over(wallet, on, amount, DONATION_POOL if to_whom is Recipient.POOL else TRANSIT)


def lend(pool: Wallet, on: date, amount: int) -> Done:
    """Take from a pool what somebody borrows from it."""
    return _not_an_amount(pool, amount) or _hand_over(pool, on, amount, BORROWED)


def pay_out(pool: Wallet, on: date, amount: int) -> Done:
    """Take from a pool what it gives away; it is on its way until somebody receives it."""
    return _not_an_amount(pool, amount) or _hand_over(pool, on, amount, TRANSIT)


def short_of(wallet: Wallet, on: date, amount: int) -> int:
    """Return how much of an amount is not there, and would be drawn over the balance."""
    return max(0, amount - sum(lot.remaining for lot in wallet.live(on)))


def _hand_over(wallet: Wallet, on: date, amount: int, where: str) -> Done:
    available = wallet.available(on)
    if amount > available:
        return _refused(wallet, "balance", available=available, needed=amount)
    booking = _Booking(wallet)
    booking.take(wallet.live(on), amount)
    return booking.done(where)


def take_back(wallet: Wallet, on: date, amount: int, source: str = "", earned_on: date = date.max) -> Done:
    """Take back what a correction says: from the lots of its source first, then as if spent.

    What has ended of them is lost already, and not taken once more. What is held keeps and is owed instead; what is
    more than all there is is the shortfall. What was `earned_on` a day before a change of rules is taken back as far
    as it went over.
    """
    if (wrong := _not_an_amount(wallet, amount)) is not None:
        return wrong
    before, booking = dict(wallet.turned), _Booking(wallet)
    last_day = date.max if earned_on == date.max else last_day_of(wallet.account, earned_on)
    amount = -booking.over(earned_on, last_day, -amount)
    own, live = lots_of(wallet, source), wallet.live(on)
    mine = [lot for lot in live if source and lot.source == source]
    lost = min(sum(_ended(lot, on) for lot in own), max(0, amount - sum(lot.remaining for lot in mine)))
    there = max(0, wallet.balance_on(on))
    short = max(0, amount - lost - there)
    if short and wallet.account.shortfall is Shortfall.FORBID:
        wallet.turned = before
        return _refused(wallet, "shortfall", balance=wallet.balance_on(on), needed=amount - lost)
    left = booking.take(mine, amount)
    left = booking.take_ended(on, own, left)
    left = booking.take([lot for lot in live if not source or lot.source != source], left)
    if wallet.account.shortfall is Shortfall.CLAMP:
        short = min(short, left)
        booking.book(WRITTEN_OFF, -short)
        left -= short
    booking.owe(left)
    return booking.done(ISSUED)


def redate(wallet: Wallet, on: date, source: str, day: date) -> Done:
    """Let what is left of the lots of a source have been earned on another day: it ends as what is of that day.

    What has ended by the wrong day is there again, until `expire` finds it ended by the right one.
    """
    booking = _Booking(wallet)
    moved = 0
    for lot in lots_of(wallet, source):
        if lot.earned_on == day or lot.last_day == date.min:
            continue
        moved += lot.remaining
        booking.change(lot, -lot.remaining)
        if lot.last_day < on:
            moved += lot.expired
            booking.reverse(lot, lot.expired)
    if moved:
        booking.open(day, last_day_of(wallet.account, day), moved, source)
        booking.pay_from_lots(on)
    return booking.done(EXPIRED)


def lots_of(wallet: Wallet, source: str) -> list[Lot]:
    """Return the lots that a source has put in, the first first."""
    return [lot for _number, lot in sorted(wallet.lots.items()) if source and lot.source == source]


def _ended(lot: Lot, on: date) -> int:
    return lot.expired + (lot.remaining if lot.last_day < on else 0)


# What ends


def expire(wallet: Wallet, on: date) -> Done:
    """Let go what ended before a day; what is held of it stays until it is released."""
    booking = _Booking(wallet)
    booking.let_end(lot for lot in wallet.lots.values() if lot.last_day < on)
    return booking.done(EXPIRED)


def expiring(wallet: Wallet, on: date, until: date) -> tuple[Lot, ...]:
    """Return the lots that are there on a day and end on one of the days up to another, the first to end first."""
    found = (replace(lot) for lot in wallet.lots.values() if lot.remaining and on <= lot.last_day <= until)
    return tuple(sorted(found, key=lambda lot: (lot.last_day, lot.number)))


def settle_debt(wallet: Wallet, on: date) -> Done:
    """Pay what is owed from what is there; every function of this module does so of itself."""
    booking = _Booking(wallet)
    booking.pay_from_lots(on)
    return booking.done(AVAILABLE)


def close(wallet: Wallet, on: date, event: ClosingEvent) -> Done:
    """End the account: what is held is released, what is there goes where the account says; what is owed stays."""
    closure = wallet.account.closure
    if closure is None:
        return _refused(wallet, "closure")
    booking = _Booking(wallet)
    for hold in list(wallet.holds.values()):
        booking.let_go(on, hold)
    booking.book(EXPIRED, booking.let_end(lot for lot in wallet.lots.values() if lot.last_day < on))
    where = {
        ClosingEvent.DEATH: closure.death,
        ClosingEvent.MOVING: closure.moving,
        ClosingEvent.LEAVING: closure.leaving,
    }[event]
    booking.clear(wallet.live(on))
    return booking.done(where.value)


def turn(wallet: Wallet, on: date, entry: int) -> list[tuple[Change, Done]]:
    """Let the changes of rules reach a wallet whose day has come, each as of its day; return those with lots.

    `entry` is the one by which they do: what was held or spent by earlier ones was taken before.
    """
    found = []
    for change in wallet.account.changes:
        if change.on_day <= on and change.clause.id not in wallet.turned:
            lots = _earned_before(wallet, change.on_day)
            wallet.turned[change.clause.id] = Turned(entry, sum(lot.remaining for lot in lots) - wallet.debt)
            wallet.unsaid = True
            if lots:
                found.append((change, convert(wallet, change.on_day, change.how)))
    return found


def _earned_before(wallet: Wallet, day: date) -> list[Lot]:
    """Return what is there on a day and was earned before it, the earliest first."""
    lots = [lot for lot in wallet.lots.values() if lot.remaining and lot.earned_on < day <= lot.last_day]
    return sorted(lots, key=_oldest)


def convert(wallet: Wallet, on: date, how: Treatment) -> Done:
    """Do to the lots what a change of rules says, the earliest first; what is held and what is owed is not touched.

    What becomes more is a further lot with the days and the source of the old one.
    """
    booking = _Booking(wallet)
    lots = _earned_before(wallet, on)
    before = [lot.remaining for lot in lots]
    after = [0 for _lot in lots] if how is Fate.RESTART else treated(before, how)
    for lot, amount in zip(lots, after, strict=True):
        booking.becomes(lot, lot.remaining, amount)
    return booking.done(TRANSITION)


def _oldest(lot: Lot) -> tuple[int, int]:
    return lot.earned_on.toordinal(), lot.number


def _newest(lot: Lot) -> tuple[int, int]:
    return -lot.earned_on.toordinal(), lot.number


def _soonest_to_expire(lot: Lot) -> tuple[int, int, int]:
    return lot.last_day.toordinal(), lot.earned_on.toordinal(), lot.number


_ORDERS: Mapping[Order, Callable[[Lot], tuple[int, ...]]] = {
    Order.OLDEST: _oldest,
    Order.NEWEST: _newest,
    Order.SOONEST_TO_EXPIRE: _soonest_to_expire,
}


def unit_of(account: Account) -> int:
    """Return how much of an account a whole point or hour is."""
    return 100 if account.unit.type is FactType.POINTS else 3600


def _refused(wallet: Wallet, code: str, **operands: FactValue) -> Done:
    clause = wallet.account.clause
    said = (*operands.items(), ("unit", wallet.account.unit.value))
    return Done(refused=Reason(code, clause, clause.location, said))


def _not_an_amount(wallet: Wallet, amount: int) -> Done | None:
    return None if 0 < amount <= MOST else _refused(wallet, "amount", amount=amount)


@dataclass(slots=True)
class _Booking:
    """A change while it is made: the wallet changes at once, and what changes is noted."""

    wallet: Wallet
    lines: dict[str, int] = field(default_factory=dict)
    moves: dict[tuple[int, str], int] = field(default_factory=dict)  # by lot and why
    opened: list[Lot] = field(default_factory=list)
    taken: list[tuple[int, int]] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    drawn: int = 0
    passed: list[Passed] = field(default_factory=list)

    def book(self, account: str, amount: int) -> None:
        self.lines[account] = self.lines.get(account, 0) + amount

    def done(self, counterpart: str) -> Done:
        """Book the other side of everything to one account, and return all of it."""
        if not self.lines and not self.ended and not self.passed:
            return _NOTHING
        self.book(counterpart, -sum(self.lines.values()))
        return Done(
            tuple(Line(account, amount) for account, amount in self.lines.items() if amount),
            tuple(LotMove(lot, amount) for (lot, _why), amount in self.moves.items() if amount),
            tuple(self.opened),
            taken=tuple(self.taken),
            ended=tuple(self.ended),
            drawn=self.drawn,
            passed=tuple(self.passed),
        )

    def change(self, lot: Lot, amount: int, why: str = "") -> None:
        lot.remaining += amount
        self.moves[lot.number, why] = self.moves.get((lot.number, why), 0) + amount
        self.book(AVAILABLE, amount)

    def reverse(self, lot: Lot, amount: int) -> None:
        """Put what had ended of a lot back, and take it out again: it has not ended, for whatever becomes of it."""
        lot.expired -= amount
        self.change(lot, amount, "reversed")
        self.change(lot, -amount, "taken")
        self.book(EXPIRED, -amount)

    def open(self, earned_on: date, last_day: date, amount: int, source: str) -> None:
        wallet = self.wallet
        lot = Lot(wallet.next_lot, earned_on, last_day, amount, amount, source)
        wallet.lots[lot.number] = lot
        wallet.next_lot += 1
        self.opened.append(Lot(lot.number, earned_on, last_day, amount, amount, source))
        self.book(AVAILABLE, amount)

    def becomes(self, lot: Lot, amount: int, after: int) -> None:
        """Let an amount of a lot be another one; what is more is a further lot with its days and its source."""
        if after > amount:
            self.open(lot.earned_on, lot.last_day, after - amount, lot.source)
        elif after < amount:
            self.change(lot, after - amount)

    def over(self, earned_on: date, last_day: date, amount: int, made: int | None = None) -> int:
        """Return what is left of an amount that comes in late, after the changes of rules that it was there for.

        `made` is the entry that took it: what was taken after such a change has gone over before.
        """
        wallet = self.wallet
        for change in wallet.account.changes:
            turned = wallet.turned.get(change.clause.id)
            if turned is None or not earned_on < change.on_day <= last_day:
                continue
            if amount and (made is None or made < turned.entry):
                wallet.turned[change.clause.id], passed = late(change, turned, amount)
                self.passed.append(passed)
                self.book(TRANSITION, passed.came - passed.went)
                amount = passed.went
        return amount

    def take(self, lots: Iterable[Lot], amount: int) -> int:
        """Take an amount from lots, the first first; return what is short."""
        for lot in lots:
            part = min(lot.remaining, amount)
            if part:
                self.change(lot, -part)
                self.taken.append((lot.number, part))
                amount -= part
        return amount

    def take_ended(self, on: date, lots: Iterable[Lot], amount: int) -> int:
        """Take an amount of what has ended of lots, let go or not; return what is short."""
        for lot in lots:
            if lot.last_day < on:
                part = min(lot.remaining, amount)
                self.change(lot, -part)
                amount -= part
            if part := min(lot.expired, amount):
                self.reverse(lot, part)
                amount -= part
        return amount

    def clear(self, lots: Iterable[Lot], why: str = "") -> int:
        """Take all that is left of lots, for nobody; return how much it was."""
        cleared = 0
        for lot in lots:
            if lot.remaining:
                cleared += lot.remaining
                self.change(lot, -lot.remaining, why)
        return cleared

    def let_end(self, lots: Iterable[Lot]) -> int:
        """Let go what is left of lots that have ended; return how much it was."""
        ending = [lot for lot in lots if lot.remaining]
        for lot in ending:
            lot.expired += lot.remaining
        return self.clear(ending, "ended")

    def draw(self, on: date, amount: int) -> None:
        """Take an amount as it is spent; what is short is owed."""
        short = self.take(self.wallet.live(on), amount)
        if short:
            self.owe(short)
            self.wallet.drawn += short
            self.drawn += short
            self.taken.append((OWED, short))

    def owe(self, amount: int) -> None:
        self.wallet.debt += amount
        self.book(DEBT, -amount)

    def pay(self, amount: int) -> int:
        """Pay what is owed as far as an amount goes, what was drawn first; return what was paid."""
        if not self.wallet.debt:
            return 0
        paid = min(self.wallet.debt, amount)
        drawn = min(self.wallet.drawn, paid)
        self.wallet.debt -= paid
        self.wallet.drawn -= drawn
        self.drawn -= drawn
        self.book(DEBT, paid)
        return paid

    def pay_from_lots(self, on: date) -> None:
        if not self.wallet.debt:
            return
        taken = list(self.taken)
        self.pay(self.wallet.debt - self.take(self.wallet.live(on), self.wallet.debt))
        self.taken = taken  # what pays a debt is neither spent nor given

    def whole(self, amount: int) -> int:
        """Return what is credited of an amount where only whole points or hours are."""
        how = self.wallet.account.whole_only
        if how is WholeOnly.NO:
            return amount
        unit = unit_of(self.wallet.account)
        whole, rest = divmod(amount + self.wallet.rest, unit)
        self.wallet.rest = rest if how is WholeOnly.REST_CARRIED else 0
        self.book(LOST, rest - self.wallet.rest)
        return whole * unit

    def arrives(self, on: date, amount: int, source: str, parts: Sequence[Part]) -> None:
        """Put in an amount: what is too much overflows, what is owed is paid, the rest are lots."""
        storage = self.wallet.account.storage
        room = amount
        if storage is not None:
            room = max(0, min(amount, storage.at_most.on(on) - self.wallet.balance_on(on)))
            self.book(storage.overflow.value, amount - room)
        paid = self.pay(room)
        left = room - paid
        for earned_on, last_day, part in parts:
            from_part = min(part, paid)
            paid -= from_part
            kept = min(part - from_part, left)
            left -= kept
            if kept:
                self.open(earned_on, last_day, kept, source)

    def give_back(
        self,
        on: date,
        parts: Iterable[tuple[int, int]],
        source: str,
        *,
        anew: bool = False,
        made: int | None = None,
    ) -> None:
        """Put amounts back to their lots. What was owed is owed no longer; where it was paid since, it is there.

        `anew`: a lot that was ended before its last day is opened once more, for this amount. `made` is the entry that
        took them.
        """
        for number, amount in parts:
            lot = self.wallet.lots.get(number)
            if lot is not None and anew and lot.last_day == date.min:
                last_day = last_day_of(self.wallet.account, lot.earned_on)
                if after := self.over(lot.earned_on, last_day, amount, made):
                    self.open(lot.earned_on, last_day, after, lot.source)
            elif lot is not None:
                after = self.over(lot.earned_on, lot.last_day, amount, made)
                self.change(lot, min(after, amount))
                self.becomes(lot, min(after, amount), after)
            else:
                after = self.over(date.min, date.max, amount, made)
                if left := after - self.pay(after):
                    self.open(on, last_day_of(self.wallet.account, on), left, source)
        self.pay_from_lots(on)

    def let_go(self, on: date, hold: Hold) -> None:
        del self.wallet.holds[hold.number]
        self.book(HELD, -hold.amount)
        self.give_back(on, hold.lots, f"hold/{hold.number}", made=hold.number)

    def redeemed(self) -> None:
        """Let go what a redemption leaves, where the account says so."""
        wallet = self.wallet
        if wallet.account.expires is not Expiry.AFTER_REDEMPTION:
            return
        self.book(EXPIRED, self.let_end(wallet.lots.values()))
        held = {number for hold in wallet.holds.values() for number, _part in hold.lots} - {OWED}
        for number in sorted(held):
            wallet.lots[number].last_day = date.min
        self.ended.extend(sorted(held))
