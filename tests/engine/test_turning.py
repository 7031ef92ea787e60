"""However late it becomes known, an account comes to what it would be, had everything been known on the day.

The model has no lots, holds or entries: what each day has come to in all, and two changes of rules in between.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from lianxing.engine import wallets
from lianxing.engine.wallet import Done, Wallet
from lianxing.rules.accounts import After, Expiry, Floor, Overdraft
from lianxing.rules.dates import always
from lianxing.rules.places import Clause
from lianxing.rules.transition import CarryOver, Change, Convert, Fate, Treatment
from tests.engine.test_wallets import HERE, PLAIN, june
from tests.engine.wallet_data import wallet_data, wallet_of, wallet_problems

FIRST, SECOND = 10, 20
HOWS = st.one_of(
    st.just(Fate.RESTART),
    st.builds(Convert, st.fractions(0, 2, max_denominator=7)),
    st.builds(CarryOver, st.integers(0, 30)),
)


@dataclass
class Told:
    """A wallet, and by day what has come to it in all as far as it is known now."""

    wallet: Wallet
    totals: list[int] = field(default_factory=lambda: [0] * 31)
    records: dict[str, tuple[int, int]] = field(default_factory=dict)  # day, amount
    held: list[tuple[int, int, int]] = field(default_factory=list)  # number, day, amount
    spent: list[tuple[int, int, int, tuple[tuple[int, int], ...]]] = field(default_factory=list)
    entry: int = 0

    def does(self, what: str, on: int, day: int, amount: int) -> None:
        self.entry += 1
        wallet, entry = self.wallet, self.entry
        wallet.next_lot = max(wallet.next_lot, entry * 100)
        for _change, done in wallets.turn(wallet, june(on), entry):
            assert sum(line.amount for line in done.lines) == 0
        match what:
            case "earned":
                self.books(wallets.earn(wallet, june(min(day, on)), amount, f"r/{entry}"), min(day, on), amount)
                self.records[f"r/{entry}"] = min(day, on), amount
            case "withdrawn" if self.records:
                source, (earned_on, worth) = self.records.popitem()
                self.books(wallets.take_back(wallet, june(on), worth, source, june(earned_on)), earned_on, -worth)
            case "reserved":
                if self.books(wallets.reserve(wallet, entry, june(on), amount), on, -amount):
                    self.held.append((entry, on, amount))
            case "settled" if self.held:
                number, made_on, held = self.held.pop(0)
                used = held - day % held
                taken = wallets.settle(wallet, number, june(on), used)
                self.books(taken, made_on, held - used)
                self.spent.append((number, made_on, used, taken.taken))
            case "released" if self.held:
                number, made_on, held = self.held.pop()
                self.books(wallets.release(wallet, number, june(on)), made_on, held)
            case "refunded" if self.spent:
                number, made_on, paid, parts = self.spent.pop()
                self.books(wallets.refund(wallet, june(on), paid, parts, number), made_on, paid)
        self.wallet = wallet_of(wallet.account, wallet_data(wallet))
        assert wallet_problems(self.wallet) == []

    def books(self, done: Done, day: int, amount: int) -> bool:
        if done.refused is not None:
            return False
        assert sum(line.amount for line in done.lines) == 0
        self.totals[day] += amount
        return True

    def known_in_time(self) -> int:
        total, day = 0, 0
        for change in self.wallet.account.changes:
            total += sum(self.totals[day : change.on_day.day])
            total, day = after(total, change.how), change.on_day.day
        return total + sum(self.totals[day:])


def after(total: int, how: Treatment) -> int:
    match how:
        case _ if total <= 0:
            return total
        case Convert(factor=factor):
            return int(total * factor)
        case CarryOver(at_most=most):
            return min(total, most)
        case _:
            return 0


DEEDS = st.tuples(
    st.sampled_from(
        ("earned", "earned", "earned", "withdrawn", "reserved", "reserved", "settled", "released", "refunded")
    ),
    st.integers(0, 6),
    st.integers(1, 30),
    st.integers(1, 20),
)


@settings(max_examples=300)
@given(HOWS, HOWS, st.sampled_from([0, -15]), st.lists(DEEDS, min_size=10, max_size=25))
def test_an_account_comes_to_what_it_would_be_had_everything_been_known_on_the_day(
    first: Treatment, second: Treatment, floor: int, story: list[tuple[str, int, int, int]]
) -> None:
    changes = tuple(
        Change(Clause(name, HERE), june(day), how)
        for name, day, how in (("first", FIRST, first), ("second", SECOND, second))
    )
    overdraft = Floor(always(floor, HERE)) if floor else Overdraft.NONE
    account = replace(PLAIN, expires=Expiry.NEVER, changes=changes, overdraft=overdraft, hold_days=always(60, HERE))
    told, on = Told(Wallet(account)), 1
    for what, days, day, amount in story:
        on = min(30, on + days)
        told.does(what, on, day, amount)
    told.does("nothing", 30, 1, 1)
    assert told.wallet.available(june(30)) == told.known_in_time()


def test_a_wallet_that_only_owes_keeps_owing() -> None:
    change = Change(Clause("first", HERE), june(FIRST), Convert(Fraction(1, 2)))
    wallet = Wallet(replace(PLAIN, changes=(change,)))
    wallets.take_back(wallet, june(1), 10, "r/1", june(1))
    assert wallets.turn(wallet, june(FIRST), 1) == []
    assert (wallet.debt, wallet.turned["first"].before) == (10, -10)


def test_what_ended_before_a_change_is_lost_once_and_did_not_go_over() -> None:
    """A deposit of 10 ended on 10 June; of 20 that were left half goes over on the 20th; then the 10 are withdrawn."""
    change = Change(Clause("second", HERE), june(SECOND), Convert(Fraction(1, 2)))
    account = replace(PLAIN, expires=After(always(1, HERE)), changes=(change,))
    wallet = Wallet(account)
    wallets.earn(wallet, date(2024, 5, 10), 10, "r/1")
    wallets.earn(wallet, june(5), 20, "r/2")
    wallets.expire(wallet, june(15))
    wallets.turn(wallet, june(SECOND), 1)
    done = wallets.take_back(wallet, june(25), 10, "r/1", date(2024, 5, 10))
    assert {line.account: line.amount for line in done.lines} == {"expired": -10, "issued": 10}
    assert (wallet.available(june(25)), wallet.debt, wallet.turned["second"].before) == (10, 0, 20)
