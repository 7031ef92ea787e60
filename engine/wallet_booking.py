"""A change of a wallet while it is made: the wallet changes at once, and what changes is noted for the books."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from lianxing.engine.covers import Cover, Deposit, first_back, given_back, paid, with_cover
from lianxing.engine.turning import Passed, late
from lianxing.engine.wallet import (
    AVAILABLE,
    DEBT,
    EXPIRED,
    HELD,
    LOST,
    NOTHING,
    OWED,
    TRANSITION,
    WRITTEN_OFF,
    Done,
    Hold,
    Line,
    Lot,
    LotMove,
    Part,
    Unstored,
    Wallet,
    last_day_of,
    unit_of,
)
from lianxing.rules.accounts import Borrow, Expiry, WholeOnly


@dataclass(slots=True)
class WalletBooking:
    """A change while it is made: the wallet changes at once, and what changes is noted."""

    wallet: Wallet
    lines: dict[str, int] = field(default_factory=dict)
    moves: dict[tuple[int, str], int] = field(default_factory=dict)  # by lot and why
    opened: list[Lot] = field(default_factory=list)
    taken: list[tuple[int, int]] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    lent: dict[str, int] = field(default_factory=dict)  # by pool
    passed: list[Passed] = field(default_factory=list)
    over_stored: int = 0

    def book(self, account: str, amount: int) -> None:
        self.lines[account] = self.lines.get(account, 0) + amount

    def done(self, counterpart: str) -> Done:
        """Book the other side of everything to one account, and return all of it."""
        if not self.lines and not self.ended and not self.passed:
            return NOTHING
        self.book(counterpart, -sum(self.lines.values()))
        return Done(
            tuple([Line(account, amount) for account, amount in self.lines.items() if amount]),
            tuple([LotMove(lot, amount) for (lot, _why), amount in self.moves.items() if amount]),
            tuple(self.opened),
            taken=tuple(self.taken),
            ended=tuple(self.ended),
            lent=tuple([one for one in self.lent.items() if one[1]]),
            passed=tuple(self.passed),
            over=self.over_stored,
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
        if not amount:
            return
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

    def off_before_changes(self, source: str, earned_on: date, last_day: date) -> bool:
        """Tell whether what of a source is written off was so before the changes of rules that it was there for."""
        off_on = self.wallet.off_on.get(source, date.max)
        turned = [one for one in self.wallet.account.changes if one.clause.id in self.wallet.turned]
        days = [one.on_day for one in turned if earned_on < one.on_day <= last_day]
        return bool(days) and off_on < min(days)

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
        """Take an amount as it is spent; what is short is owed. What was owed before stays so: nothing comes in."""
        short = self.take(self.wallet.spent_from(on), amount)
        if short:
            self.owe(short)
            self.wallet.drawn += short
            if isinstance(self.wallet.account.overdraft, Borrow):
                self.borrow(self.wallet.account.overdraft.account, short)
            self.taken.append((OWED, short))

    def borrow(self, pool: str, amount: int) -> None:
        """Let a pool lend an amount, or get it back below zero."""
        loans = self.wallet.loans
        loans[pool] = loans.get(pool, 0) + amount
        if not loans[pool]:
            del loans[pool]
        self.lent[pool] = self.lent.get(pool, 0) + amount

    def owe(self, amount: int) -> None:
        self.wallet.debt += amount
        self.book(DEBT, -amount)

    def pay(self, amount: int, by: Deposit) -> int:
        """Pay what is owed as far as a deposit goes, what was drawn first; return what was paid."""
        wallet = self.wallet
        if not wallet.debt:
            return 0
        part = min(wallet.debt, amount)
        drawn = min(wallet.drawn, part)
        covered = sum(cover.amount for cover in wallet.covers if cover.by is None)
        wallet.covers = paid(wallet.covers, max(0, part - (wallet.debt - covered)), by)
        wallet.debt -= part
        wallet.drawn -= drawn
        for pool, lent in list(wallet.loans.items()):
            back = min(lent, drawn)
            drawn -= back
            if back:
                self.borrow(pool, -back)
        self.book(DEBT, part)
        return part

    def pay_from_lots(self, on: date) -> None:
        if not self.wallet.debt:
            return
        taken = list(self.taken)
        self.take(self.wallet.lasting(on), self.wallet.debt)
        for number, part in self.taken[len(taken) :]:
            self.pay(part, self.wallet.lots[number].deposit)
        self.taken = taken  # what pays a debt is neither spent nor given

    def cover(self, of: Deposit, amount: int, by: Deposit | None) -> None:
        """Remember what was taken instead of a deposit that had been spent, where one deposit is not like another."""
        account = self.wallet.account
        if amount and (account.expires is not Expiry.NEVER or account.changes):
            self.wallet.covers = with_cover(self.wallet.covers, Cover(of, amount, by))

    def relieve(self, of: Deposit, amount: int, *, alike: bool = False) -> int:
        """Give back what covers for a deposit, as far as an amount of it comes again; return what is left of that.

        `alike`: it would have been there on its day, as well as another one of that day for which something covers.
        """
        wallet = self.wallet
        while amount and (at := first_back(wallet.covers, of, alike=alike)) is not None:
            cover = wallet.covers[at]
            part = min(cover.amount, amount)
            amount -= part
            wallet.covers = given_back(wallet.covers, at, part, of)
            if cover.by is None:
                wallet.debt -= part
                self.book(DEBT, part)
            elif left := self.relieve(cover.by, part):
                left -= self.pay(left, cover.by)
                self.open(cover.by.earned_on, cover.by.last_day, left, cover.by.source)
        return amount

    def whole(self, amount: int, source: str) -> int:
        """Return what is credited of an amount, or taken back below zero, where only whole points or hours are.

        Of what is taken back of no source in particular, what is less than a whole one never came in. What was lost or
        waits by earlier rules is taken back before anything else.
        """
        wallet, how = self.wallet, self.wallet.account.whole_only
        if how is WholeOnly.NO:
            return amount if amount >= 0 else self._never_waits(self._never_lost(source, amount))
        unit = unit_of(wallet.account)
        if how is WholeOnly.REST_CARRIED:
            whole, wallet.rest = divmod(wallet.rest + self._never_lost(source, amount), unit)
            return whole * unit
        before = self._unstored(source).rest if source else max(0, -amount) % unit
        now = wallet.worth.get(source, before) + amount
        if source in wallet.worth:
            wallet.worth[source] = now
        rest = now % unit
        if 0 <= amount < rest - before:  # what has come in by earlier rules stays, be it less than a whole one
            rest = before + amount
        if source:
            wallet.unstored[source] = self._unstored(source)._replace(rest=rest)
            amount = self._never_waits(amount)
        self.book(LOST, rest - before)
        return amount + before - rest

    def _never_lost(self, source: str, amount: int) -> int:
        """Return what is left of what is taken back (below zero) after what of its source was lost by earlier rules."""
        lost = min(self._unstored(source).rest, -amount)
        if lost <= 0:
            return amount
        self.wallet.unstored[source] = self._unstored(source)._replace(rest=self._unstored(source).rest - lost)
        self.book(LOST, -lost)
        return amount + lost

    def _never_waits(self, amount: int) -> int:
        """Return what is left of what is taken back (below zero) after what waits to be whole by earlier rules."""
        waits = max(0, min(self.wallet.rest, -amount))
        self.wallet.rest -= waits
        return amount + waits

    def _unstored(self, source: str) -> Unstored:
        return self.wallet.unstored.get(source, Unstored())

    def _overflows(self, source: str, where: str, amount: int) -> None:
        """Let an amount of a source overflow to a place, or come back from there below zero."""
        if source:
            self.wallet.unstored[source] = self._unstored(source).overflown(where, amount)
        self.over_stored += amount
        self.book(where or self._overflow(), amount)

    def _overflow(self) -> str:
        """Return where what overflows has gone where that was not said: where it goes by now."""
        storage = self.wallet.account.storage
        return LOST if storage is None else storage.overflow.value

    def comes_back(self, source: str, amount: int) -> int:
        """Take an amount from what has overflowed of a source, the last first; return what is short."""
        for where, there in reversed(self._unstored(source).over):
            part = min(there, amount)
            if part:
                self._overflows(source, where, -part)
            amount -= part
        return amount

    def writes_off(self, source: str, amount: int) -> int:
        """Write an amount off, or make good below zero what was written off of a source; return how much it is."""
        before = self._unstored(source)
        amount = max(amount, -before.off)
        if amount and source:
            self.wallet.unstored[source] = before._replace(off=before.off + amount)
        self.book(WRITTEN_OFF, -amount)
        return amount

    def arrives(
        self,
        on: date,
        amount: int,
        source: str,
        parts: Sequence[Part],
        today: date = date.min,
        *,
        served: bool = False,
    ) -> None:
        """Put in an amount: what is too much overflows, what is owed is paid, the rest are lots.

        `served`: it was earned on its day, so what has been taken instead of it since goes back first.
        """
        storage = self.wallet.account.storage
        room = amount
        if storage is not None:
            there = self.wallet.balance_on(max(on, today))
            room = max(0, min(amount, storage.at_most.on(on) - there))
            if amount > room:
                self._overflows(source, storage.overflow.value, amount - room)
        for earned_on, last_day, part in parts:
            deposit, left = Deposit(source, earned_on, last_day), min(part, room)
            room -= left
            left = self.relieve(deposit, left, alike=True) if served else left
            self.open(earned_on, last_day, left - self.pay(left, deposit), source)

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

        Where a lot was taken back meanwhile and others have covered for it, it is theirs that is there again.

        `anew`: a lot that was ended before its last day is opened once more, for this amount. `made` is the entry that
        took them.
        """
        for number, amount in parts:
            lot = self.wallet.lots.get(number)
            if lot is not None and anew and lot.last_day == date.min:
                last_day = last_day_of(self.wallet.account, lot.earned_on)
                after = self.over(lot.earned_on, last_day, amount, made)
                after = self.relieve(Deposit(lot.source, lot.earned_on, last_day), after)
                self.open(lot.earned_on, last_day, after, lot.source)
            elif lot is not None:
                after = self.over(lot.earned_on, lot.last_day, amount, made)
                if lot.last_day > date.min:  # else it is not there, nor would be what covers for it
                    after = self.relieve(lot.deposit, after)
                self.change(lot, min(after, amount))
                self.becomes(lot, min(after, amount), after)
            else:
                after = self.over(date.min, date.max, amount, made)
                new = Deposit(source, on, last_day_of(self.wallet.account, on))
                self.open(new.earned_on, new.last_day, after - self.pay(after, new), source)
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
