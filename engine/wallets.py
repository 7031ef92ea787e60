"""The account of one holder as the bank keeps it: lots, what is held of them, what is owed, and every way to change it.

Pure: a wallet is changed in place and each function returns what to book. Lines sum to zero; where something is
refused nothing has changed. Amounts are hundredths of a point or seconds, as the account says. What has passed its last
day is not there on any later day, whether `expire` has been called meanwhile or not, so it may be called at any time;
only who books a record for an earlier day calls it for today first. Every other day that is told is that of booking.
Nothing is spent, held or given on a day before it was earned; what is overdrawn, owed or taken back takes what comes
later, too.

- What comes in first pays what is owed; so nothing is owed while something is available.
- What was taken, or is owed, instead of a deposit that had been spent before a correction took it back is remembered
  (`covers`); comes the deposit again, that goes back first.
- What is held keeps: what is taken back beyond the available lots is owed up to the amount that is held, and only what
  is more than that is the shortfall of which the account says whether it is owed, written off or refused.
- A hold that is released goes back to its lots, which end when they would have ended anyway. What was held or spent
  without being there is written as a part of the lot `OWED`.
- Whoever changes a wallet lets the changes of rules reach it first whose day has come (`turn`). What comes in later of
  before such a day, or is given back that was taken before it, goes through it then.
- A redemption after which the rest is gone (`after_redemption`) ends the lots of which another hold has a part, too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta

from lianxing.engine.covers import Deposit, changed, redated
from lianxing.engine.rulebook import issue_name
from lianxing.engine.running import treated
from lianxing.engine.turning import Turned
from lianxing.engine.wallet import (
    BORROWED,
    DONATION_POOL,
    EXPIRED,
    HELD,
    ISSUED,
    MOST,
    OWED,
    REDEEMED,
    TRANSIT,
    TRANSITION,
    Done,
    Hold,
    Lot,
    Part,
    Wallet,
    last_day_of,
    lots_of,
    may_spend,
    oldest,
)
from lianxing.engine.wallet_booking import WalletBooking
from lianxing.rules.accounts import Closing, Closure, Issue, Purpose, Recipient, Shortfall, WholeOnly
from lianxing.rules.closures import ClosingEvent
from lianxing.rules.facts import FactValue
from lianxing.rules.periods import period_start
from lianxing.rules.redeeming import Reason
from lianxing.rules.transition import Change, Fate, Treatment

# What comes in


def earn(
    wallet: Wallet,
    on: date,
    amount: int,
    source: str,
    *,
    family: bool = False,
    belongs: bool = True,
    today: date = date.min,
) -> Done:
    """Put in what a record is worth. `belongs`: the account is for this holder; `family`: a member has earned it.

    `today` is the day of booking, where that is later: what has ended by then takes no room.
    """
    account = wallet.account
    if (wrong := _not_an_amount(wallet, amount)) is not None:
        return wrong
    if not belongs:
        return _refused(wallet, "holder")
    if family and (account.family is None or not account.family.pooled):
        return _refused(wallet, "family")
    booking = WalletBooking(wallet)
    last_day = last_day_of(account, on)
    credited = booking.whole(amount, source)
    if booking.off_before_changes(source, on, last_day):
        credited += booking.writes_off(source, -credited)
    credited = booking.over(on, last_day, credited)
    credited += booking.writes_off(source, -credited)
    booking.arrives(on, credited, source, [(on, last_day, credited)], today, served=True)
    return booking.done(ISSUED)


def knows_worth(wallet: Wallet, source: str, worth: int) -> None:
    """Let a wallet know what a source was worth before it changes, as only whole units of that are there."""
    if wallet.account.whole_only is WholeOnly.REST_LOST:
        wallet.worth[source] = worth


def issue(wallet: Wallet, on: date, amount: int, holding: Collection[str]) -> Done:
    """Put in what a fund gives: one of the grants is of this amount, holds, and was not given before.

    `holding` are the names of the grants whose condition holds for the person on the day.
    """
    if (wrong := _not_an_amount(wallet, amount)) is not None:
        return wrong
    for index, due in grants_due(wallet, on, holding):
        if due == amount:
            wallet.issued.append((index, on))
            booking = WalletBooking(wallet)
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


def receive(wallet: Wallet, on: date, amount: int, source: str, *, lots: Sequence[Part] = ()) -> Done:
    """Put in what somebody else gave. With `lots` it keeps the days of the lots that it came from: passing an amount
    round makes it no younger. Otherwise it is a lot of its own, as if earned on the day.
    """
    if (wrong := _not_an_amount(wallet, amount)) is not None:
        return wrong
    if lots and sum(part for _earned, _last, part in lots) != amount:
        return _refused(wallet, "amount", amount=amount)
    booking = WalletBooking(wallet)
    booking.arrives(on, amount, source, lots or [(on, last_day_of(wallet.account, on), amount)])
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
    booking = WalletBooking(pool)
    booking.arrives(on, amount, source, [(on, last_day_of(pool.account, on), amount)])
    return booking.done(BORROWED)


# What is spent


def spend(wallet: Wallet, on: date, amount: int, purpose: Purpose | None = None, *, family: bool = False) -> Done:
    """Spend an amount at once, for what the account may be spent on; None is not asked."""
    if (wrong := _may_not(wallet, on, amount, purpose, family)) is not None:
        return wrong
    booking = WalletBooking(wallet)
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
    booking = WalletBooking(wallet)
    booking.draw(on, amount)
    until = on + timedelta(days=wallet.account.hold_days.on(on))
    wallet.holds[number] = Hold(number, amount, until, tuple(booking.taken))
    return booking.done(HELD)


def settle(
    wallet: Wallet, number: int, on: date | None = None, amount: int | None = None, *, for_request: bool = False
) -> Done:
    """Spend what is held; refused after its last day where a day is given, unless a request keeps it.

    With an `amount` only so much of it: the rest goes back to its lots, what was not there before anything else.
    """
    hold = wallet.holds.get(number)
    if hold is None:
        return _refused(wallet, "hold", hold=number)
    if on is not None and on > hold.until and not for_request:
        return hold_over(wallet, hold.until)
    if amount is not None and (on is None or not 0 <= amount <= hold.amount):
        return _refused(wallet, "more_than_held", held=hold.amount)
    booking = WalletBooking(wallet)
    del wallet.holds[number]
    booking.book(HELD, -hold.amount)
    used, back = split(hold.lots, hold.amount if amount is None else amount)
    booking.taken.extend(used)
    if back and on is not None:
        booking.give_back(on, back, f"hold/{hold.number}", made=hold.number)
    if used:
        booking.redeemed()
    return booking.done(REDEEMED)


def hold_over(wallet: Wallet, until: date) -> Done:
    """Return that nothing is spent of what was held until a day."""
    return _refused(wallet, "hold_over", last_day=until.isoformat())


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


def parts_paid(taken: Sequence[tuple[int, int]], amount: int) -> list[tuple[int, int]]:
    """Return which of the lots that an entry took from have paid an amount; what was not there is owed."""
    parts, _rest = split(taken, amount)
    owed = amount - sum(part for _lot, part in parts)
    return [*parts, (OWED, owed)] if owed else parts


def release(wallet: Wallet, number: int, on: date) -> Done:
    """Give back what is held to the lots that it came from."""
    hold = wallet.holds.get(number)
    if hold is None:
        return _refused(wallet, "hold", hold=number)
    booking = WalletBooking(wallet)
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
    booking = WalletBooking(wallet)
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
    return max(0, amount - sum(lot.remaining for lot in wallet.spent_from(on)))


def _hand_over(wallet: Wallet, on: date, amount: int, where: str) -> Done:
    available = wallet.available(on)
    if amount > available:
        return _refused(wallet, "balance", available=available, needed=amount)
    booking = WalletBooking(wallet)
    booking.take(wallet.live(on), amount)
    return booking.done(where)


def take_back(
    wallet: Wallet, on: date, amount: int, source: str = "", earned_on: date = date.max, *, was_received: bool = False
) -> Done:
    """Take back what a correction says: what never came in of its source first, then from its lots, then as if spent.

    What has ended of them is lost already, and not taken once more. What is held keeps and is owed instead; what is
    more than all there is is the shortfall. What was `earned_on` a day before a change of rules is taken back as far
    as it went over. What `was_received` had come in as it was, in whole units or not.
    """
    if (wrong := _not_an_amount(wallet, amount)) is not None:
        return wrong
    before = dict(wallet.turned), dict(wallet.unstored), dict(wallet.worth), wallet.rest
    booking = WalletBooking(wallet)
    last_day = date.max if earned_on == date.max else last_day_of(wallet.account, earned_on)
    amount = booking.comes_back(source, amount if was_received else -booking.whole(-amount, source))
    amount = -booking.over(earned_on, last_day, -amount)
    own, lasting = lots_of(wallet, source), wallet.lasting(on)
    mine = [lot for lot in lasting if source and lot.source == source]
    lost = min(sum(_ended(lot, on) for lot in own), max(0, amount - sum(lot.remaining for lot in mine)))
    there = max(0, wallet.balance_on(on))
    short = max(0, amount - lost - there)
    if short and wallet.account.shortfall is Shortfall.FORBID:
        wallet.turned, wallet.unstored, wallet.worth, wallet.rest = before
        return _refused(wallet, "shortfall", balance=wallet.balance_on(on), needed=amount - lost)
    left = booking.take(mine, amount)
    left = booking.take_ended(on, own, left)
    own_parts = len(booking.taken)
    left = booking.take([lot for lot in lasting if not source or lot.source != source], left)
    if wallet.account.shortfall is Shortfall.CLAMP:
        short = min(short, left)
        left -= booking.writes_off(source, short)
    booking.owe(left)
    if earned_on < date.max:
        of = Deposit(source, earned_on, last_day)
        for number, part in booking.taken[own_parts:]:
            booking.cover(of, part, wallet.lots[number].deposit)
        booking.cover(of, left, None)
    return booking.done(ISSUED)


def redate(wallet: Wallet, on: date, source: str, day: date) -> Done:
    """Let what is left of the lots of a source have been earned on another day: it ends as what is of that day.

    What has ended by the wrong day is there again, until `expire` finds it ended by the right one.
    """
    booking = WalletBooking(wallet)
    moved, last_day = 0, last_day_of(wallet.account, day)
    wallet.covers = redated(wallet.covers, Deposit(source, day, last_day))
    for lot in lots_of(wallet, source):
        if lot.earned_on == day or lot.last_day == date.min:
            continue
        moved += lot.remaining
        booking.change(lot, -lot.remaining)
        if lot.last_day < on:
            moved += lot.expired
            booking.reverse(lot, lot.expired)
    if moved:
        booking.open(day, last_day, moved, source)
        booking.pay_from_lots(on)
    return booking.done(EXPIRED)


def _ended(lot: Lot, on: date) -> int:
    return lot.expired + (lot.remaining if lot.last_day < on else 0)


# What ends


def expire(wallet: Wallet, on: date, source: str = "") -> Done:
    """Let go what ended before a day, or of it what a source had put in; what is held stays until it is released."""
    booking = WalletBooking(wallet)
    lots = lots_of(wallet, source) if source else wallet.lots.values()
    booking.let_end(lot for lot in lots if wallet.is_over(lot, on))
    return booking.done(EXPIRED)


def expiring(wallet: Wallet, on: date, until: date) -> tuple[Lot, ...]:
    """Return the lots that are there on a day and end on one of the days up to another, the first to end first."""
    found = (
        replace(lot)
        for lot in wallet.lots.values()
        if lot.remaining and not wallet.is_over(lot, on) and lot.last_day <= until
    )
    return tuple(sorted(found, key=lambda lot: (lot.last_day, lot.number)))


def close(wallet: Wallet, on: date, event: ClosingEvent) -> Done:
    """End the account: what is held is released, what is there goes where the account says; what is owed stays."""
    closure = wallet.account.closure
    if closure is None:
        return _refused(wallet, "closure")
    return leave(wallet, on, goes(closure, event))


def goes(closure: Closure, event: ClosingEvent) -> Closing:
    """Return what becomes of a balance on an event."""
    return {
        ClosingEvent.DEATH: closure.death,
        ClosingEvent.MOVING: closure.moving,
        ClosingEvent.LEAVING: closure.leaving,
    }[event]


def leave(wallet: Wallet, on: date, where: Closing, only: Collection[int] | None = None) -> Done:
    """Let what is there go somewhere, as an account ends.

    With the numbers of some lots it goes on, and `only` these go: they come too late for what was closed before.
    """
    booking = WalletBooking(wallet)
    for hold in list(wallet.holds.values()) if only is None else ():
        booking.let_go(on, hold)
    going = [lot for lot in wallet.lots.values() if only is None or lot.number in only]
    booking.book(EXPIRED, booking.let_end(lot for lot in going if wallet.is_over(lot, on)))
    booking.clear(lot for lot in wallet.lasting(on) if only is None or lot.number in only)
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
            wallet.unsaid.add(change.clause.id)
            wallet.covers = changed(wallet.covers, change)
            if lots:
                found.append((change, convert(wallet, change.on_day, change.how)))
    return found


def _earned_before(wallet: Wallet, day: date) -> list[Lot]:
    """Return what is there on a day and was earned before it, the earliest first."""
    lots = [lot for lot in wallet.lots.values() if lot.remaining and lot.earned_on < day <= lot.last_day]
    return sorted(lots, key=oldest)


def convert(wallet: Wallet, on: date, how: Treatment) -> Done:
    """Do to the lots what a change of rules says, the earliest first; what is held and what is owed is not touched.

    What becomes more is a further lot with the days and the source of the old one.
    """
    booking = WalletBooking(wallet)
    lots = _earned_before(wallet, on)
    before = [lot.remaining for lot in lots]
    after = [0 for _lot in lots] if how is Fate.RESTART else treated(before, how)
    for lot, amount in zip(lots, after, strict=True):
        booking.becomes(lot, lot.remaining, amount)
    return booking.done(TRANSITION)


def _refused(wallet: Wallet, code: str, **operands: FactValue) -> Done:
    clause = wallet.account.clause
    said = (*operands.items(), ("unit", wallet.account.unit.value))
    return Done(refused=Reason(code, clause, clause.location, said))


def _not_an_amount(wallet: Wallet, amount: int) -> Done | None:
    return None if 0 < amount <= MOST else _refused(wallet, "amount", amount=amount)
