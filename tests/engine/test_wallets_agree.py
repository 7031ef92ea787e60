"""A wallet against a naive one, which knows every single unit and where it is: whatever happens, they say the same."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lianxing.engine import wallets
from lianxing.engine.wallet import AVAILABLE, DEBT, HELD, OWED, Done, Wallet, last_day_of
from lianxing.rules.accounts import (
    Account,
    After,
    AtEndOf,
    Expiry,
    Floor,
    Order,
    Overdraft,
    Recipient,
    Shortfall,
    Storage,
)
from lianxing.rules.dates import always
from lianxing.rules.hours import Overflow
from lianxing.rules.periods import Period
from tests.engine.test_wallets import HERE, PLAIN
from tests.engine.wallet_data import wallet_data, wallet_of, wallet_problems

FLOOR, MOST_STORED = -6, 12
AMOUNTS = st.integers(1, 9)
SOURCES = st.sampled_from(["registry/a", "registry/b", "registry/c"])


@dataclass
class Deposit:
    """Where a unit comes from; units of one deposit share it."""

    number: int
    earned_on: date
    last_day: date
    source: str

    @property
    def what(self) -> tuple[str, date, date]:
        return self.source, self.earned_on, self.last_day


@dataclass
class Instead:
    """For a unit that was spent and then taken back: the one that was taken instead, or None while it is owed."""

    source: str
    days: tuple[date, date]
    unit: Deposit | None


@dataclass
class Units:
    """Single units: free ones, held ones by hold, and how many are owed; None among the held is one that is owed."""

    account: Account
    free: list[Deposit] = field(default_factory=list)
    held: dict[int, list[Deposit | None]] = field(default_factory=dict)
    debt: int = 0
    drawn: int = 0
    deposits: int = 0
    ended: list[Deposit] = field(default_factory=list)
    overflowed: list[str] = field(default_factory=list)  # the source of each unit that found no room
    written_off: list[str] = field(default_factory=list)
    instead: list[Instead] = field(default_factory=list)

    def live(self, on: date) -> list[Deposit]:
        found = [unit for unit in self.free if unit.last_day >= on]
        if self.account.spends_first is Order.OLDEST:
            return sorted(found, key=lambda unit: (unit.earned_on, unit.number))
        if self.account.spends_first is Order.NEWEST:
            return sorted(found, key=lambda unit: (-unit.earned_on.toordinal(), unit.number))
        return sorted(found, key=lambda unit: (unit.last_day, unit.earned_on, unit.number))

    def remove(self, unit: Deposit) -> None:
        self.free.pop(next(index for index, one in enumerate(self.free) if one is unit))

    def pay_one(self, unit: Deposit) -> None:
        self.debt -= 1
        others = self.debt + 1 - self.drawn - sum(one.unit is None for one in self.instead)
        if self.drawn:
            self.drawn -= 1
        elif not others:
            next(one for one in self.instead if one.unit is None).unit = unit

    def come(self, unit: Deposit, *, served: bool = False) -> None:
        """Put a unit in, or what was taken instead of it, what is owed before all else.

        If it was `served` for, what was taken instead of one of the same days is as good.
        """
        found = [one for one in self.instead if one.source == unit.source]
        found.sort(key=lambda one: one.unit is None)
        days = unit.earned_on, unit.last_day
        alike = [one for one in self.instead if served and one.days == days and one.unit]
        alike = [one for one in alike if one.unit and (one.unit.earned_on, one.unit.last_day) != days]
        if not found and alike:
            back, alike[-1].unit = alike[-1].unit, unit
            assert back is not None
            self.come(back)
        elif found:
            self.instead = [one for one in self.instead if one is not found[-1]]
            if found[-1].unit is None:
                self.debt -= 1
            else:
                self.come(found[-1].unit)
        elif self.debt:
            self.pay_one(unit)
        else:
            self.deposits += 1
            self.free.append(replace(unit, number=self.deposits))

    def earn(self, on: date, amount: int, source: str) -> None:
        count = sum(len(units) for units in self.held.values()) + len(self.live(on)) - self.debt
        deposit = Deposit(0, on, last_day_of(self.account, on), source)
        for _unit in range(amount):
            if source in self.written_off:
                self.written_off.remove(source)
                continue
            if self.account.storage is not None and count >= MOST_STORED:
                self.overflowed.append(source)
                continue
            count += 1
            self.come(deposit, served=True)

    def may(self, on: date, amount: int) -> bool:
        least = {Overdraft.NONE: 0, Overdraft.UNLIMITED: -(10**6)}.get(self.account.overdraft, FLOOR)  # type: ignore[arg-type]
        return len(self.live(on)) - self.debt - amount >= least

    def draw(self, on: date, amount: int) -> list[Deposit | None]:
        taken: list[Deposit | None] = []
        for _unit in range(amount):
            first = next(iter(self.live(on)), None)
            taken.append(first)
            if first is None:
                self.debt += 1
                self.drawn += 1
            else:
                self.remove(first)
        return taken

    def redeemed(self) -> None:
        if self.account.expires is Expiry.AFTER_REDEMPTION:
            self.ended += self.free
            self.free.clear()
            for units in self.held.values():
                for unit in units:
                    if unit is not None:
                        unit.last_day = date.min

    def give_back(self, on: date, units: list[Deposit | None], source: str, *, anew: bool = False) -> None:
        for unit in units:
            if unit is None:
                self.come(Deposit(0, on, last_day_of(self.account, on), source))
            elif unit.last_day == date.min and anew:
                self.come(replace(unit, last_day=last_day_of(self.account, unit.earned_on)))
            elif unit.last_day > date.min and any(unit.source == one.source for one in self.instead):
                self.come(unit)
            else:
                self.free.append(unit)
        while self.debt and self.live(on):
            unit = self.live(on)[0]
            self.remove(unit)
            self.pay_one(unit)

    def lose(self, on: date, source: str) -> bool:
        """Forget a unit of a source that has ended, of its first deposit, not yet let go before let go."""
        ended = [unit for unit in self.free if unit.last_day < on]
        lost = [unit for unit in (*ended, *self.ended) if unit.source == source]
        if lost:
            first = min(lost, key=lambda unit: unit.number)
            units = self.free if any(unit is first for unit in ended) else self.ended
            units.pop(next(index for index, one in enumerate(units) if one is first))
        return bool(lost)

    def lost_of(self, on: date, source: str, amount: int) -> int:
        """Count how much of an amount has ended and need not be there."""
        own = sum(unit.source == source for unit in self.live(on))
        ended = sum(unit.source == source for unit in (*self.ended, *self.free)) - own
        outside = min(amount, self.overflowed.count(source))
        return outside + min(ended, max(0, amount - outside - own))

    def take_back(self, on: date, amount: int, source: str, earned_on: date) -> None:
        held = sum(len(units) for units in self.held.values())
        days = earned_on, last_day_of(self.account, earned_on)
        for _unit in range(amount):
            if source in self.overflowed:
                self.overflowed.remove(source)
                continue
            own = [unit for unit in self.live(on) if unit.source == source]
            if not own and self.lose(on, source):
                continue
            first = next(iter(own or self.live(on)), None)
            if first is not None:
                self.remove(first)
            elif self.account.shortfall is not Shortfall.CLAMP or self.debt < held:
                self.debt += 1
            else:
                self.written_off.append(source)
                continue
            if not own and self.account.expires is not Expiry.NEVER:
                self.instead.append(Instead(source, days, first))


class Both(RuleBasedStateMachine):
    """Does the same to a wallet and to the units, day by day; `eager` is a wallet that is expired before every step."""

    def __init__(self) -> None:
        super().__init__()
        self.today = date(2024, 1, 1)
        self.number = 0
        self.earned_on: dict[str, date] = {}
        self.settled: list[tuple[list[Deposit | None], tuple[tuple[int, int], ...]]] = []
        self.booked: dict[str, int] = {}
        self.remaining: dict[int, int] = {}

    @initialize(
        expires=st.sampled_from([Expiry.NEVER, Expiry.AFTER_REDEMPTION, AtEndOf(Period.WEEK), After(always(1, HERE))]),
        order=st.sampled_from(Order),
        storage=st.sampled_from([None, Storage(always(MOST_STORED, HERE), Overflow.LOST)]),
        overdraft=st.sampled_from([Overdraft.NONE, Overdraft.UNLIMITED, Floor(always(FLOOR, HERE))]),
        shortfall=st.sampled_from(Shortfall),
    )
    def begin(
        self,
        expires: Expiry | AtEndOf | After,
        order: Order,
        storage: Storage | None,
        overdraft: Overdraft | Floor,
        shortfall: Shortfall,
    ) -> None:
        account = replace(
            PLAIN,
            expires=expires,
            spends_first=order,
            storage=storage,
            overdraft=overdraft,
            shortfall=shortfall,
        )
        self.wallet, self.eager, self.units = Wallet(account), Wallet(account), Units(account)

    def note(self, done: Done, eager: Done) -> bool:
        """Note what was booked; tell whether it was not refused. The eager wallet does the same."""
        assert done.refused == eager.refused
        assert sum(line.amount for line in done.lines) == 0
        assert done.refused is None or done == Done(refused=done.refused)
        for line in done.lines:
            assert line.amount
            self.booked[line.account] = self.booked.get(line.account, 0) + line.amount
        for lot in done.opened:
            self.remaining[lot.number] = lot.remaining
        for move in done.lot_moves:
            self.remaining[move.lot] += move.amount
        return done.refused is None

    def expire_eager(self) -> None:
        wallets.expire(self.eager, self.today)
        assert wallets.expire(self.eager, self.today) == Done()

    @rule(days=st.integers(1, 20))
    def days_pass(self, days: int) -> None:
        self.today += timedelta(days=days)

    @rule()
    def what_ended_is_expired(self) -> None:
        done = wallets.expire(self.wallet, self.today)
        self.note(done, done)
        self.units.ended += [unit for unit in self.units.free if unit.last_day < self.today]
        self.units.free = self.units.live(self.today)
        assert wallets.expire(self.wallet, self.today) == Done()

    @rule(amount=AMOUNTS, source=SOURCES, back=st.sampled_from([0, 0, 3, 33]))
    def something_is_earned(self, amount: int, source: str, back: int) -> None:
        on = self.today - timedelta(days=back)
        self.expire_eager()
        if back:  # what is booked for an earlier day finds what is there today
            self.what_ended_is_expired()
        assert self.note(wallets.earn(self.wallet, on, amount, source), wallets.earn(self.eager, on, amount, source))
        self.units.earn(on, amount, source)
        self.earned_on[source] = on

    @rule(amount=AMOUNTS)
    def something_is_reserved(self, amount: int) -> None:
        self.number += 1
        self.expire_eager()
        done = wallets.reserve(self.wallet, self.number, self.today, amount)
        went = self.note(done, wallets.reserve(self.eager, self.number, self.today, amount))
        assert went is self.units.may(self.today, amount)
        if went:
            self.units.held[self.number] = self.units.draw(self.today, amount)

    @precondition(lambda self: self.wallet.holds)
    @rule(data=st.data())
    def a_hold_is_settled(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.wallet.holds)))
        self.expire_eager()
        done = wallets.settle(self.wallet, number)
        assert self.note(done, wallets.settle(self.eager, number))
        taken = self.units.held.pop(number)
        self.settled.append((taken, done.taken))
        self.units.redeemed()

    @precondition(lambda self: self.wallet.holds)
    @rule(data=st.data())
    def a_hold_is_released(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.wallet.holds)))
        self.expire_eager()
        done = wallets.release(self.wallet, number, self.today)
        assert self.note(done, wallets.release(self.eager, number, self.today))
        self.units.give_back(self.today, self.units.held.pop(number), f"hold/{number}")

    @rule()
    def holds_end(self) -> None:
        self.expire_eager()
        for number, hold in sorted(self.wallet.holds.items()):
            ended = hold.until < self.today
            done = wallets.expire_hold(self.wallet, number, self.today)
            assert self.note(done, wallets.expire_hold(self.eager, number, self.today)) is ended
            if ended:
                self.units.give_back(self.today, self.units.held.pop(number), f"hold/{number}")

    @rule(amount=AMOUNTS)
    def what_is_held_and_released_leaves_no_trace(self, amount: int) -> None:
        before = wallet_data(self.wallet)
        if wallets.reserve(self.wallet, 0, self.today, amount).refused is None:
            wallets.release(self.wallet, 0, self.today)
        assert wallet_data(self.wallet) == before

    @rule(amount=AMOUNTS)
    def something_is_spent(self, amount: int) -> None:
        self.expire_eager()
        done = wallets.spend(self.wallet, self.today, amount)
        went = self.note(done, wallets.spend(self.eager, self.today, amount))
        assert went is self.units.may(self.today, amount)
        if went:
            self.settled.append((self.units.draw(self.today, amount), done.taken))
            self.units.redeemed()

    @precondition(lambda self: self.settled)
    @rule(amount=AMOUNTS)
    def a_redemption_is_refunded(self, amount: int) -> None:
        units, lots = self.settled.pop()
        self.expire_eager()
        done = wallets.refund(self.wallet, self.today, amount, lots)
        went = self.note(done, wallets.refund(self.eager, self.today, amount, lots))
        assert went is (amount <= len(units))
        if went:
            self.units.give_back(self.today, units[-amount:][::-1], "refund", anew=True)

    @rule(amount=AMOUNTS)
    def something_is_given_away(self, amount: int) -> None:
        self.expire_eager()
        done = wallets.give(self.wallet, self.today, amount, Recipient.FRIEND)
        went = self.note(done, wallets.give(self.eager, self.today, amount, Recipient.FRIEND))
        assert went is (amount <= len(self.units.live(self.today)) - self.units.debt)
        if went:
            self.units.draw(self.today, amount)

    @rule(amount=AMOUNTS, source=SOURCES)
    def something_is_taken_back(self, amount: int, source: str) -> None:
        self.expire_eager()
        held = sum(len(units) for units in self.units.held.values())
        there = max(0, len(self.units.live(self.today)) + held - self.units.debt) + self.units.lost_of(
            self.today, source, amount
        )
        day = self.earned_on.get(source, self.today)
        done = wallets.take_back(self.wallet, self.today, amount, source, day)
        went = self.note(done, wallets.take_back(self.eager, self.today, amount, source, day))
        assert went is (self.units.account.shortfall is not Shortfall.FORBID or amount <= there)
        if went:
            self.units.take_back(self.today, amount, source, day)

    def as_said(self, parts: Counter[int]) -> Counter[tuple[str, date, date] | None]:
        """Return parts of lots by the deposit of which they are; None what is owed."""
        found: Counter[tuple[str, date, date] | None] = Counter()
        for number, amount in parts.items():
            lot = None if number == OWED else self.wallet.lots[number]
            found[None if lot is None else (lot.source, lot.earned_on, lot.last_day)] += amount
        return found

    @invariant()
    def they_say_the_same(self) -> None:
        if not hasattr(self, "wallet"):
            return
        wallet, units = self.wallet, self.units
        left = Counter({lot.number: lot.remaining for lot in wallet.lots.values() if lot.remaining})
        assert self.as_said(left) == Counter(unit.what for unit in units.free)
        assert (wallet.debt, wallet.drawn) == (units.debt, units.drawn)
        for number, held in units.held.items():
            parts = Counter(dict(wallet.holds[number].lots))
            assert self.as_said(parts) == Counter(None if one is None else one.what for one in held)
        assert sum(cover.amount for cover in wallet.covers) == len(units.instead)
        assert wallet.available(self.today) == len(units.live(self.today)) - units.debt

    @invariant()
    def what_was_booked_is_what_is_there(self) -> None:
        if not hasattr(self, "wallet"):
            return
        wallet = self.wallet
        assert wallet_problems(wallet) == []
        assert self.booked.get(AVAILABLE, 0) == sum(lot.remaining for lot in wallet.lots.values())
        assert self.booked.get(HELD, 0) == wallet.held
        assert self.booked.get(DEBT, 0) == -wallet.debt
        assert self.remaining == {lot.number: lot.remaining for lot in wallet.lots.values()}

    @invariant()
    def when_it_is_expired_makes_no_difference(self) -> None:
        if not hasattr(self, "wallet"):
            return
        lazy = wallet_of(self.wallet.account, wallet_data(self.wallet))
        wallets.expire(lazy, self.today)
        wallets.expire(self.eager, self.today)
        assert wallet_data(lazy) == wallet_data(self.eager)


TestBoth = Both.TestCase
TestBoth.settings = settings(deadline=None, stateful_step_count=40, max_examples=150)
