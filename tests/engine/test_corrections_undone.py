"""A mistaken correction that is put right later leaves no trace: whatever came between, all is as if it had never been.

Two wallets go through the same history, one of them with corrections of its records, down and up and down again. Before
anything is spent they are put right, and the two have to hold the same, day by day; what is spent while a mistake
stands takes what is there then, and keeps it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from lianxing.engine import wallets
from lianxing.engine.bank.passing import taken_back
from lianxing.engine.wallet import Done, Wallet
from lianxing.rules.accounts import Account, After, AtEndOf, Expiry, Floor, Order, Overdraft, Shortfall
from lianxing.rules.dates import always
from lianxing.rules.periods import Period
from lianxing.rules.places import Clause
from lianxing.rules.transition import Change, Convert
from tests.engine.test_wallets import HERE, PLAIN, june, wallet
from tests.engine.wallet_data import wallet_data, wallet_of, wallet_problems


def back(kept: Wallet, day: int, points: int, on: int = 20) -> None:
    """What the record of a day is worth less."""
    assert wallets.take_back(kept, june(on), points * 100, f"registry/{day}", june(day)).refused is None


def again(kept: Wallet, day: int, points: int, on: int = 20, source: str = "") -> None:
    """What the record of a day is worth more, or another one of that day."""
    name = source or f"registry/{day}"
    assert wallets.earn(kept, june(day), points * 100, name, today=june(on)).refused is None


def of_days(kept: Wallet) -> dict[int, int]:
    """How many points there are of each day."""
    return {day.day: amount // 100 for (day, _last), amount in sorted(left(kept).items())}


def test_what_was_taken_from_another_deposit_goes_back_to_it() -> None:
    kept = wallet((1, 80), (11, 20))
    wallets.spend(kept, june(12), 6000)
    back(kept, 1, 30)
    assert of_days(kept) == {11: 10}
    again(kept, 1, 30)
    assert of_days(kept) == {1: 20, 11: 20}


def test_a_deposit_that_has_paid_a_debt_gets_it_back_and_what_is_still_owed_is_owed_no_longer() -> None:
    kept = wallet((1, 80))
    wallets.spend(kept, june(2), 6000)
    back(kept, 1, 75)
    again(kept, 11, 30)
    assert (of_days(kept), kept.debt) == ({}, 2500)
    again(kept, 1, 35)
    assert (of_days(kept), kept.debt) == ({11: 10}, 0)
    again(kept, 1, 40)
    assert of_days(kept) == {1: 20, 11: 30}


def test_what_goes_back_to_a_deposit_that_was_taken_back_itself_goes_on_to_what_has_covered_for_that() -> None:
    kept = wallet((1, 50), (11, 50), (12, 60))
    wallets.spend(kept, june(13), 5000)
    back(kept, 1, 50)
    assert of_days(kept) == {12: 60}
    back(kept, 11, 50)
    assert of_days(kept) == {12: 10}
    again(kept, 1, 50)
    assert of_days(kept) == {12: 60}
    again(kept, 11, 50)
    assert of_days(kept) == {11: 50, 12: 60}


def test_what_is_refunded_of_a_deposit_that_was_taken_back_is_what_has_covered_for_it() -> None:
    kept = wallet((1, 80), (11, 60))
    done = wallets.spend(kept, june(12), 6000)
    back(kept, 1, 75)
    assert of_days(kept) == {11: 5}
    wallets.refund(kept, june(13), 6000, done.taken)
    assert of_days(kept) == {1: 5, 11: 60}


def test_what_is_released_of_a_deposit_that_was_taken_back_is_what_has_covered_for_it() -> None:
    kept = wallet((1, 80), (11, 60))
    wallets.reserve(kept, 1, june(12), 6000)
    back(kept, 1, 75)
    wallets.release(kept, 1, june(13))
    assert of_days(kept) == {1: 5, 11: 60}


def test_another_record_of_the_same_day_takes_the_place_of_what_has_covered() -> None:
    kept = wallet((1, 60), (11, 60))
    wallets.spend(kept, june(12), 5000)
    back(kept, 1, 60)
    again(kept, 1, 60, source="registry/1b")
    assert of_days(kept) == {1: 10, 11: 60}
    again(kept, 1, 60)
    assert of_days(kept) == {1: 70, 11: 60}
    wallets.take_back(kept, june(20), 6000, "registry/1b", june(1))
    assert of_days(kept) == {1: 10, 11: 60}


def test_what_is_drawn_over_the_balance_is_paid_first_and_stays_paid() -> None:
    kept = wallet((1, 10), overdraft=Overdraft.UNLIMITED)
    wallets.spend(kept, june(2), 1500)
    back(kept, 1, 10)
    again(kept, 11, 12)
    assert (kept.debt, kept.drawn) == (300, 0)
    again(kept, 1, 10)
    assert (of_days(kept), kept.debt) == ({11: 7}, 0)


def test_what_has_covered_goes_through_the_change_of_rules_that_it_was_not_there_for() -> None:
    change = Change(Clause("second", HERE), june(15), Convert(Fraction(1, 2)))
    kept = wallet((1, 80), (11, 60), changes=(change,))
    wallets.spend(kept, june(12), 6000)
    back(kept, 1, 60, on=13)
    assert of_days(kept) == {11: 20}
    wallets.turn(kept, june(15), 9)
    assert of_days(kept) == {11: 10}
    again(kept, 1, 60)
    assert of_days(kept) == {1: 10, 11: 30}


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
        for each in (self.corrected, self.plain):
            wallets.earn(each, day, amount, f"sheet/{source}", today=self.today)

    def corrects(self, which: int, worth: int) -> None:
        """A record is said to be worth less, or more where that cannot be paid with for good."""
        source = which % len(self.now)
        most = self.truly[source].worth + (not self.plain.debt and self.plain.account.shortfall is Shortfall.DEBT)
        least = self.now[source].day != self.truly[source].day  # what is worth nothing is of no day
        self.is_worth(source, max(least, min(worth, most)))

    def is_worth(self, source: int, worth: int) -> None:
        one, kept, today, name = self.now[source], self.corrected, self.today, f"sheet/{source}"
        if worth > one.worth:
            wallets.earn(kept, one.day, worth - one.worth, name, today=today)
        elif worth < one.worth:
            wallets.expire(kept, today, name)
            taken_back(kept, today, one.worth - worth, name, one.day)
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
            done, other = (wallets.settle(each, number) for each in (self.corrected, self.plain))
            self.had.append((done, other, amount))

    def releases(self, which: int) -> None:
        if self.held:
            number = self.held.pop(which % len(self.held))
            for each in (self.corrected, self.plain):
                wallets.release(each, number, self.today)

    def refunds(self, which: int) -> None:
        if self.had:
            done, other, amount = self.had.pop(which % len(self.had))
            for each, one in ((self.corrected, done), (self.plain, other)):
                assert wallets.refund(each, self.today, amount, one.taken).refused is None

    def waits(self, days: int) -> None:
        self.today += timedelta(days=days)

    def ends(self) -> None:
        for each in (self.corrected, self.plain):
            wallets.expire(each, self.today)

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


def left(kept: Wallet) -> Counter[tuple[date, date]]:
    """What is left, by the day on which it was earned and its last one; where nothing ends, any day is as good."""
    found: Counter[tuple[date, date]] = Counter()
    for lot in kept.lots.values():
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
