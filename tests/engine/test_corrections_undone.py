"""A mistaken correction that is put right later leaves no trace: whatever came between, all is as if it had never been.

Two wallets go through the same history, one of them with corrections of its records, down and up and down again. Before
anything is spent they are put right, and the two have to hold the same, day by day; what is spent while a mistake stands
takes what is there then, and keeps it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lianxing.engine import wallets
from lianxing.engine.bank.passing import taken_back
from lianxing.engine.wallet import Done, Wallet
from lianxing.engine.wallet_data import wallet_data, wallet_of, wallet_problems
from lianxing.rules.accounts import Account, After, AtEndOf, Expiry, Floor, Order, Overdraft, Shortfall
from lianxing.rules.dates import always
from lianxing.rules.periods import Period
from tests.engine.test_wallets import HERE, PLAIN

SOURCES = st.integers(0, 4)
AMOUNTS = st.integers(1, 9)
STEPS = st.one_of(
    st.tuples(st.just("earns"), SOURCES, AMOUNTS, st.integers(0, 40)),
    st.tuples(st.just("corrects"), SOURCES, st.integers(0, 12)),
    st.tuples(st.just("corrects"), SOURCES, st.integers(0, 12)),
    st.tuples(st.just("moves"), SOURCES, st.integers(0, 40)),
    st.tuples(st.just("spends"), AMOUNTS),
    st.tuples(st.just("reserves"), AMOUNTS),
    st.tuples(st.just("settles"), st.integers(0, 3)),
    st.tuples(st.just("releases"), st.integers(0, 3)),
    st.tuples(st.just("refunds"), st.integers(0, 3)),
    st.tuples(st.just("waits"), st.integers(1, 25)),
    st.tuples(st.just("ends")),
)


@dataclass
class Record:
    day: date
    worth: int


@dataclass
class Both:
    """A wallet whose records are corrected, and one whose are not."""

    corrected: Wallet
    plain: Wallet
    today: date = date(2024, 3, 1)
    now: dict[int, Record] = field(default_factory=dict)
    truly: dict[int, Record] = field(default_factory=dict)
    had: list[tuple[Done, Done, int]] = field(default_factory=list)
    held: list[int] = field(default_factory=list)
    number: int = 0

    def earns(self, source: int, amount: int, ago: int) -> None:
        if source not in self.truly:
            day = self.today - timedelta(days=ago)
            self.truly[source], self.now[source] = Record(day, amount), Record(day, amount)
            for wallet in (self.corrected, self.plain):
                wallets.earn(wallet, day, amount, f"sheet/{source}", today=self.today)

    def corrects(self, source: int, worth: int) -> None:
        if source in self.now:
            one, wallet, today, name = self.now[source], self.corrected, self.today, f"sheet/{source}"
            if worth > one.worth:
                wallets.earn(wallet, one.day, worth - one.worth, name, today=today)
            elif worth < one.worth:
                wallets.expire(wallet, today, name)
                taken_back(wallet, today, one.worth - worth, name, one.day)
            one.worth = worth

    def moves(self, source: int, ago: int) -> None:
        """A record is said to be of another day."""
        if source in self.now and self.now[source].worth:
            self.is_of(source, self.today - timedelta(days=ago))

    def is_of(self, source: int, day: date) -> None:
        if self.now[source].day != day:
            wallets.expire(self.corrected, self.today, f"sheet/{source}")
            wallets.redate(self.corrected, self.today, f"sheet/{source}", day)
            wallets.expire(self.corrected, self.today, f"sheet/{source}")
            self.now[source].day = day

    def spends(self, amount: int) -> None:
        self.put_right()
        done = wallets.spend(self.corrected, self.today, amount)
        other = wallets.spend(self.plain, self.today, amount)
        assert done.refused == other.refused
        if done.refused is None:
            self.had.append((done, other, amount))

    def reserves(self, amount: int) -> None:
        self.put_right()
        self.number += 1
        done = wallets.reserve(self.corrected, self.number, self.today, amount)
        assert done.refused == wallets.reserve(self.plain, self.number, self.today, amount).refused
        if done.refused is None:
            self.held.append(self.number)

    def settles(self, which: int) -> None:
        self.put_right()
        if which < len(self.held):
            number = self.held.pop(which)
            amount = self.plain.holds[number].amount
            done, other = (wallets.settle(wallet, number) for wallet in (self.corrected, self.plain))
            self.had.append((done, other, amount))

    def releases(self, which: int) -> None:
        if which < len(self.held):
            number = self.held.pop(which)
            for wallet in (self.corrected, self.plain):
                wallets.release(wallet, number, self.today)

    def refunds(self, which: int) -> None:
        if which < len(self.had):
            done, other, amount = self.had.pop(which)
            for wallet, one in ((self.corrected, done), (self.plain, other)):
                assert wallets.refund(wallet, self.today, amount, one.taken).refused is None

    def waits(self, days: int) -> None:
        self.today += timedelta(days=days)

    def ends(self) -> None:
        for wallet in (self.corrected, self.plain):
            wallets.expire(wallet, self.today)

    def put_right(self) -> None:
        # A record that comes late pays what was drawn over the balance, also when it would have ended before.
        assume(not self.plain.debt or all(one.last_day >= self.today for one in self.plain.lots.values()))
        for source, one in self.truly.items():
            if self.now[source].worth:
                self.is_of(source, one.day)
            self.now[source].day = one.day
            self.corrects(source, one.worth)
        self.ends()
        assert wallet_problems(self.corrected) == []
        assert self.corrected.debt == self.plain.debt
        assert left(self.corrected) == left(self.plain)
        self.corrected = wallet_of(self.corrected.account, wallet_data(self.corrected))


def left(wallet: Wallet) -> Counter[tuple[date, date]]:
    """What is left, by the day on which it was earned and its last one; where nothing ends, any day is as good."""
    found: Counter[tuple[date, date]] = Counter()
    for lot in wallet.lots.values():
        found[lot.earned_on if lot.last_day < date.max else date.max, lot.last_day] += lot.remaining
    return +found


@settings(deadline=None, max_examples=300)
@given(
    expires=st.sampled_from([Expiry.NEVER, AtEndOf(Period.WEEK), AtEndOf(Period.MONTH), After(always(1, HERE))]),
    order=st.sampled_from(Order),
    overdraft=st.sampled_from([Overdraft.NONE, Overdraft.UNLIMITED, Floor(always(-6, HERE))]),
    shortfall=st.sampled_from(Shortfall),
    steps=st.lists(STEPS, max_size=30),
)
def test_corrections_that_are_put_right_leave_no_trace(
    expires: Expiry | AtEndOf | After,
    order: Order,
    overdraft: Overdraft | Floor,
    shortfall: Shortfall,
    steps: list[tuple[str, ...]],
) -> None:
    account: Account = replace(
        PLAIN, expires=expires, spends_first=order, overdraft=overdraft, shortfall=shortfall, hold_days=always(3, HERE)
    )
    both = Both(Wallet(account), Wallet(account))
    for what, *how in steps:
        getattr(both, what)(*how)
    both.put_right()
