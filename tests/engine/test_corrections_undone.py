"""A mistaken correction that is put right later leaves no trace: whatever came between, all is as if it had never been.

Two wallets go through the same history, one of them with corrections of its records, down and up and down again. Before
anything is spent they are put right, and the two have to hold the same, day by day; what is spent while a mistake stands
takes what is there then, and keeps it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from lianxing.engine import wallets
from lianxing.engine.bank.passing import taken_back
from lianxing.engine.wallet import Done, Wallet
from lianxing.engine.wallet_data import wallet_data, wallet_of, wallet_problems
from lianxing.rules.accounts import Account, After, AtEndOf, Expiry, Floor, Order, Overdraft, Shortfall
from lianxing.rules.dates import always
from lianxing.rules.periods import Period
from tests.engine.test_wallets import HERE, PLAIN

WHICH = st.integers(0, 5)
AMOUNTS = st.integers(1, 9)
EARNS = st.tuples(st.just("earns"), AMOUNTS, st.integers(0, 20))
SPENDS = st.tuples(st.just("spends"), AMOUNTS)
CORRECTS = st.tuples(st.just("corrects"), WHICH, st.integers(0, 5))
STEPS = st.one_of(
    EARNS,
    EARNS,
    CORRECTS,
    CORRECTS,
    CORRECTS,
    st.tuples(st.just("moves"), WHICH, st.integers(0, 20)),
    SPENDS,
    st.tuples(st.just("reserves"), AMOUNTS),
    st.tuples(st.just("settles"), WHICH),
    st.tuples(st.just("releases"), WHICH),
    st.tuples(st.just("refunds"), WHICH),
    st.tuples(st.just("waits"), st.integers(1, 9)),
    st.tuples(st.just("ends")),
)
STORIES = st.tuples(
    st.lists(EARNS, min_size=2, max_size=3),
    st.lists(SPENDS, min_size=1, max_size=2),
    st.lists(STEPS, min_size=12, max_size=25),
).map(lambda parts: [step for part in parts for step in part])


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
    now: list[Record] = field(default_factory=list)
    truly: list[Record] = field(default_factory=list)
    had: list[tuple[Done, Done, int]] = field(default_factory=list)
    held: list[int] = field(default_factory=list)
    number: int = 0

    def earns(self, amount: int, ago: int) -> None:
        day, source = self.today - timedelta(days=ago), len(self.truly)
        self.truly.append(Record(day, amount))
        self.now.append(Record(day, amount))
        for wallet in (self.corrected, self.plain):
            wallets.earn(wallet, day, amount, f"sheet/{source}", today=self.today)

    def corrects(self, which: int, worth: int) -> None:
        """A record is said to be worth less, or more where that cannot be paid with for good."""
        source = which % len(self.now)
        most = self.truly[source].worth + (not self.plain.debt and self.plain.account.shortfall is Shortfall.DEBT)
        least = self.now[source].day != self.truly[source].day  # what is worth nothing is of no day
        self.is_worth(source, max(least, min(worth, most)))

    def is_worth(self, source: int, worth: int) -> None:
        one, wallet, today, name = self.now[source], self.corrected, self.today, f"sheet/{source}"
        if worth > one.worth:
            wallets.earn(wallet, one.day, worth - one.worth, name, today=today)
        elif worth < one.worth:
            wallets.expire(wallet, today, name)
            taken_back(wallet, today, one.worth - worth, name, one.day)
        one.worth = worth

    def moves(self, which: int, ago: int) -> None:
        """A record is said to be of another day."""
        source = which % len(self.now)
        if self.now[source].worth:
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
        if self.held:
            number = self.held.pop(which % len(self.held))
            amount = self.plain.holds[number].amount
            done, other = (wallets.settle(wallet, number) for wallet in (self.corrected, self.plain))
            self.had.append((done, other, amount))

    def releases(self, which: int) -> None:
        if self.held:
            number = self.held.pop(which % len(self.held))
            for wallet in (self.corrected, self.plain):
                wallets.release(wallet, number, self.today)

    def refunds(self, which: int) -> None:
        if self.had:
            done, other, amount = self.had.pop(which % len(self.had))
            for wallet, one in ((self.corrected, done), (self.plain, other)):
                assert wallets.refund(wallet, self.today, amount, one.taken).refused is None

    def waits(self, days: int) -> None:
        self.today += timedelta(days=days)

    def ends(self) -> None:
        for wallet in (self.corrected, self.plain):
            wallets.expire(wallet, self.today)

    def put_right(self) -> None:
        for source, one in enumerate(self.truly):
            if self.now[source].worth:
                self.is_of(source, one.day)
            self.now[source].day = one.day
            self.is_worth(source, one.worth)
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


@settings(deadline=None, max_examples=250)
@given(
    expires=st.sampled_from([Expiry.NEVER, AtEndOf(Period.WEEK), AtEndOf(Period.MONTH), After(always(1, HERE))]),
    order=st.sampled_from(Order),
    overdraft=st.sampled_from([Overdraft.NONE, Overdraft.UNLIMITED, Floor(always(-6, HERE))]),
    shortfall=st.sampled_from(Shortfall),
    steps=STORIES,
)
def test_corrections_that_are_put_right_leave_no_trace(
    expires: Expiry | AtEndOf | After,
    order: Order,
    overdraft: Overdraft | Floor,
    shortfall: Shortfall,
    steps: list[tuple[str, ...]],
) -> None:
    if expires is not Expiry.NEVER:
        overdraft = Overdraft.NONE  # what was drawn is paid by what comes first, and stays paid
    account: Account = replace(
        PLAIN, expires=expires, spends_first=order, overdraft=overdraft, shortfall=shortfall, hold_days=always(3, HERE)
    )
    both = Both(Wallet(account), Wallet(account))
    for what, *how in steps:
        getattr(both, what)(*how)
    both.put_right()
