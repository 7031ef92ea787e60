"""What an account holds on a day: its moves in order, by the rules of the account. The bank books what it says."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from lianxing.engine.rulebook import ACCOUNTS, ISSUES, MeasureValue, Rulebook, issue_name
from lianxing.rules.accounts import (
    Account,
    After,
    AtEndOf,
    Borrow,
    Expiry,
    Floor,
    Issue,
    Order,
    Overdraft,
    Shortfall,
    WholeOnly,
)
from lianxing.rules.balances import Balance, Move, MoveKind, Refused
from lianxing.rules.facts import FactType, FactValue
from lianxing.rules.measures import Total
from lianxing.rules.periods import ALL_TIME, Period, add_months, period_start
from lianxing.rules.policy import Policy
from lianxing.rules.redeeming import Reason

EXPIRED = "expired"

_MONTHS_OF = {Period.MONTH: 1, Period.QUARTER: 3, Period.HALF_YEAR: 6, Period.CALENDAR_YEAR: 12}


@dataclass
class _Lot:
    """What is left of one deposit, and the last day on which it is there."""

    on: date
    amount: int
    last_day: date


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


def balance_of(
    rulebook: Rulebook,
    account: Account,
    moves: Iterable[Move],
    on: date,
    person: Mapping[str, FactValue],
    measures: Mapping[str, MeasureValue],
) -> Balance:
    """Return what the moves leave on a day; `person` and `measures` are what conditions of the account ask."""
    running = _Running(rulebook, account, person, measures)
    for move in moves:
        if move.on <= on:
            running.do(move)
    running.pass_to(on)
    balance = running.balance
    free = balance - running.reserved(on)
    return Balance(on, balance, free, running.spent, dict(running.went), tuple(running.refused))


def star_basis(
    policy: Policy, account: Account, balance: Balance, measures: Mapping[str, MeasureValue]
) -> dict[str, MeasureValue]:
    """Return the measures that a star rests on, less what was spent or has expired where `lowers_the_basis` says so.

    That is the all-time total that the account is earned from; what is counted within a window was earned in it.
    """
    lowers = None if policy.stars is None else policy.stars.lowers_the_basis
    less = 0 if lowers is None or not lowers.spending else balance.spent
    less += 0 if lowers is None or not lowers.expiry else balance.went.get(EXPIRED, 0)
    total = {
        measure.clause.id
        for measure in policy.measures
        if measure.total is Total.SUM
        and measure.window == ALL_TIME
        and measure.where is None
        and account.earned_from in (measure.of, measure.clause.id)
    }
    return {id: value - less if id in total and isinstance(value, int) else value for id, value in measures.items()}


@dataclass
class _Running:
    """An account as its moves are done."""

    rulebook: Rulebook
    account: Account
    person: Mapping[str, FactValue]
    measures: Mapping[str, MeasureValue]
    lots: list[_Lot] = field(default_factory=list)
    debt: int = 0
    spent: int = 0
    rest: int = 0  # what is less than a whole unit, waiting for more
    holds: list[tuple[date, int]] = field(default_factory=list)  # last day, amount
    issued: list[tuple[int, date]] = field(default_factory=list)
    went: dict[str, int] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)

    @property
    def balance(self) -> int:
        return sum(lot.amount for lot in self.lots) - self.debt

    def reserved(self, on: date) -> int:
        return sum(amount for last, amount in self.holds if on <= last)

    def do(self, move: Move) -> None:
        self.pass_to(move.on)
        match move.kind:
            case MoveKind.EARNED:
                self._earn(move)
            case MoveKind.ISSUED:
                self._issue(move)
            case MoveKind.SPENT:
                self._spend(move)
            case MoveKind.GIVEN_AWAY:
                self._give(move)
            case MoveKind.TAKEN_BACK:
                self._take_back(move)
            case MoveKind.RESERVED:
                self._reserve(move)
            case MoveKind.CLOSES:
                self._close(move)

    def pass_to(self, on: date) -> None:
        """Let a day come: what ended before it is gone."""
        for lot in self.lots:
            if lot.last_day < on:
                self._goes(EXPIRED, lot.amount)
        self.lots = [lot for lot in self.lots if lot.last_day >= on]

    def _goes(self, where: str, amount: int) -> None:
        if amount:
            self.went[where] = self.went.get(where, 0) + amount

    def _refuse(self, move: Move, code: str, **operands: FactValue) -> None:
        clause = self.account.clause
        said = (*operands.items(), ("unit", self.account.unit.value))
        self.refused.append(Refused(move, Reason(code, clause, clause.location, said)))

    def _earn(self, move: Move) -> None:
        account = self.account
        if account.when is not None and account.clause.id not in self.rulebook.ask(ACCOUNTS, move.on, self.person, {}):
            return self._refuse(move, "holder")
        if move.family and (account.family is None or not account.family.pooled):
            return self._refuse(move, "family")
        return self._put_in(move.on, self._whole(move.amount))

    def _whole(self, amount: int) -> int:
        """Return what is credited of an amount where only whole points or hours are."""
        if self.account.whole_only is WholeOnly.NO:
            return amount
        unit = 100 if self.account.unit.type is FactType.POINTS else 3600
        carried = self.account.whole_only is WholeOnly.REST_CARRIED
        credited, rest = divmod(amount + (self.rest if carried else 0), unit)
        self.rest = rest if carried else 0
        if not carried:
            self._goes("lost", rest)
        return credited * unit

    def _put_in(self, on: date, amount: int) -> None:
        storage = self.account.storage
        room = amount if storage is None else max(0, min(amount, storage.at_most.on(on) - self.balance))
        if storage is not None:
            self._goes(storage.overflow.value, amount - room)
        settled = min(self.debt, room)
        self.debt -= settled
        if room > settled:
            self.lots.append(_Lot(on, room - settled, last_day_of(self.account, on)))

    def _issue(self, move: Move) -> None:
        """Put in what a fund gives, where one of the grants is of this amount, holds, and was not given before."""
        holding = self.rulebook.ask(ISSUES, move.on, self.person, self.measures)
        for index, issue in enumerate(self.account.issue):
            holds = issue.when is None or issue_name(self.account.clause.id, index) in holding
            if holds and issue.amount.on(move.on) == move.amount and not self._issued_before(index, issue, move.on):
                self.issued.append((index, move.on))
                return self._put_in(move.on, move.amount)
        return self._refuse(move, "issue")

    def _issued_before(self, index: int, issue: Issue, on: date) -> bool:
        first = date.min if issue.per is None else period_start(issue.per, on)
        return any(other == index and first <= day for other, day in self.issued)

    def _spend(self, move: Move) -> None:
        account = self.account
        available = self.balance - self.reserved(move.on)
        if move.gives is not None and move.gives not in account.spent_on:
            return self._refuse(move, "spent_on", gives=move.gives.value)
        if move.family and (account.family is None or not account.family.may_draw):
            return self._refuse(move, "family")
        if not may_spend(account, available, move.amount, move.on):
            return self._refuse(move, "balance", available=available, needed=move.amount)
        short = self._take(move.amount)
        self.spent += move.amount
        self.debt += short
        if isinstance(account.overdraft, Borrow):
            self._goes("borrowed", short)
        if account.expires is Expiry.AFTER_REDEMPTION:
            self._goes(EXPIRED, self._all())
        return None

    def _take(self, amount: int) -> int:
        """Take an amount from the lots, in the order of the account; return what is short."""
        for lot in sorted(self.lots, key=self._order):
            taken = min(lot.amount, amount)
            lot.amount -= taken
            amount -= taken
        self.lots = [lot for lot in self.lots if lot.amount]
        return amount

    def _order(self, lot: _Lot) -> tuple[int, int]:
        match self.account.spends_first:
            case Order.OLDEST:
                return (lot.on.toordinal(), 0)
            case Order.NEWEST:
                return (-lot.on.toordinal(), 0)
            case Order.SOONEST_TO_EXPIRE:
                return (lot.last_day.toordinal(), lot.on.toordinal())

    def _all(self) -> int:
        amount = sum(lot.amount for lot in self.lots)
        self.lots = []
        return amount

    def _give(self, move: Move) -> None:
        available = self.balance - self.reserved(move.on)
        assert move.to_whom is not None
        if move.to_whom not in self.account.transfer:
            return self._refuse(move, "transfer", to_whom=move.to_whom.value)
        if move.amount > available:  # what one does not have, one cannot give, whatever may be overdrawn
            return self._refuse(move, "balance", available=available, needed=move.amount)
        self._take(move.amount)
        return self._goes(move.to_whom.value, move.amount)

    def _take_back(self, move: Move) -> None:
        short = max(0, move.amount - max(0, self.balance))
        if short and self.account.shortfall is Shortfall.FORBID:
            return self._refuse(move, "shortfall", balance=self.balance, needed=move.amount)
        short = self._take(move.amount)
        if self.account.shortfall is Shortfall.DEBT:
            self.debt += short
            return None
        return self._goes("written_off", short)

    def _reserve(self, move: Move) -> None:
        available = self.balance - self.reserved(move.on)
        if self.account.hold_days is None:
            return self._refuse(move, "holds")
        if not may_spend(self.account, available, move.amount, move.on):
            return self._refuse(move, "balance", available=available, needed=move.amount)
        return self.holds.append((move.on + timedelta(days=self.account.hold_days.on(move.on)), move.amount))

    def _close(self, move: Move) -> None:
        assert move.event is not None
        if self.account.closure is None:
            return self._refuse(move, "closure")
        return self._goes(getattr(self.account.closure, move.event.value).value, self._all())
