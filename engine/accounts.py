"""What an account holds on a day: its moves in order, through the very wallet that the bank keeps.

What the core in `engine.wallets` cannot know is asked here: whether the account is this person's at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from lianxing.engine import wallets
from lianxing.engine.rulebook import ACCOUNTS, ISSUES, MeasureValue, Rulebook
from lianxing.engine.touches import WITH_STAR, Touch, gone
from lianxing.engine.wallet import (
    BORROWED,
    EXPIRED,
    ISSUED,
    PERSONAL,
    REDEEMED,
    TRANSIT,
    TRANSITION,
    WRITTEN_OFF,
    Done,
    Wallet,
)
from lianxing.rules.accounts import Account
from lianxing.rules.balances import Balance, Move, MoveKind, Refused
from lianxing.rules.facts import FactValue

_NOWHERE = {*PERSONAL, ISSUED, REDEEMED, TRANSIT}


def belongs(rulebook: Rulebook, account: Account, on: date, person: Mapping[str, FactValue]) -> bool:
    """Tell whether what this person earns goes into the account."""
    return account.when is None or account.clause.id in rulebook.ask(ACCOUNTS, on, person, {})


def balance_of(
    rulebook: Rulebook,
    account: Account,
    moves: Iterable[Move],
    on: date,
    person: Mapping[str, FactValue],
    measures: Mapping[str, MeasureValue],
) -> Balance:
    """Return what the moves leave on a day; `person` and `measures` are what conditions of the account ask."""
    told = _Told(rulebook, Wallet(account), person, measures)
    for move in moves:
        if move.on <= on:
            told.do(move)
    told.pass_to(on)
    wallet = told.wallet
    return Balance(
        on,
        wallet.balance,
        wallet.available(on),
        told.spent,
        {where: amount for where, amount in told.went.items() if amount > 0},
        tuple(told.refused),
        gone(told.touches),
    )


@dataclass
class _Told:
    """A wallet as the moves of a case are done to it, and where what is gone went."""

    rulebook: Rulebook
    wallet: Wallet
    person: Mapping[str, FactValue]
    measures: Mapping[str, MeasureValue]
    spent: int = 0
    went: dict[str, int] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    touches: list[Touch] = field(default_factory=list)
    number: int = 0
    holds: dict[str, int] = field(default_factory=dict)  # by the name of the move
    over: dict[int, date] = field(default_factory=dict)  # holds that nobody has settled, and their last days
    taken: dict[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    made: dict[str, int] = field(default_factory=dict)  # by the name of what was spent or settled: when it was taken

    def do(self, move: Move) -> None:
        self.pass_to(move.on)
        self.number += 1
        done = self._done(move)
        if done.refused is not None:
            self.refused.append(Refused(move, done.refused))
            return
        if move.kind is MoveKind.GIVEN_AWAY and move.to_whom is not None:
            self.touches.append(touch_of_done(self.wallet.account.clause.id, done, move.on))
            self._goes(move.to_whom.value, move.amount)
            return
        if move.kind is MoveKind.RESERVED:
            self.holds[move.name] = self.number
        elif move.kind is MoveKind.REFUNDED:
            del self.taken[move.name]
        elif move.kind in (MoveKind.SPENT, MoveKind.SETTLED):
            self.taken[move.name] = done.taken
            self.made[move.name] = self.holds.get(move.name, self.number)
        self._note(done, move.on)

    def pass_to(self, on: date) -> None:
        """Let a day come: what ended before it is gone, what was held until a day before it is free.

        What a change of rules does it does on its day.
        """
        for day in sorted({change.on_day for change in self.wallet.account.changes if change.on_day <= on}):
            self._pass_to(day)
        self._pass_to(on)

    def _pass_to(self, on: date) -> None:
        for hold in sorted(self.wallet.holds.values(), key=lambda hold: (hold.until, hold.number)):
            if hold.until < on:
                after = hold.until + timedelta(days=1)
                self.over[hold.number] = hold.until
                self._note(wallets.expire(self.wallet, after), after)
                self._note(wallets.expire_hold(self.wallet, hold.number, after), after)
        for change, done in wallets.turn(self.wallet, on, self.number + 1):
            self._note(done, change.on_day)
        self._note(wallets.expire(self.wallet, on), on)

    def _note(self, done: Done, on: date) -> None:
        self.touches.append(touch_of_done(self.wallet.account.clause.id, done, on))
        for _pool, lent in done.lent:
            self._goes(BORROWED, lent)
        for line in done.lines:
            if line.account == REDEEMED:
                self.spent += line.amount
            elif line.account == TRANSITION:
                self._goes(TRANSITION, line.amount)
            elif line.account not in _NOWHERE:
                self._goes(line.account, -line.amount if line.account == WRITTEN_OFF else line.amount)

    def _goes(self, where: str, amount: int) -> None:
        self.went[where] = self.went.get(where, 0) + amount
        if not self.went[where]:
            del self.went[where]

    def _done(self, move: Move) -> Done:
        wallet, on, amount = self.wallet, move.on, move.amount
        match move.kind:
            case MoveKind.EARNED:
                theirs = belongs(self.rulebook, wallet.account, on, self.person)
                return wallets.earn(wallet, on, amount, move.name, family=move.family, belongs=theirs)
            case MoveKind.ISSUED:
                return wallets.issue(wallet, on, amount, self.rulebook.ask(ISSUES, on, self.person, self.measures))
            case MoveKind.SPENT:
                return wallets.spend(wallet, on, amount, move.gives, family=move.family)
            case MoveKind.GIVEN_AWAY:
                assert move.to_whom is not None
                return wallets.give(wallet, on, amount, move.to_whom)
            case MoveKind.RECEIVED:
                return wallets.receive(wallet, on, amount, "gift")
            case MoveKind.TAKEN_BACK:
                return wallets.take_back(wallet, on, amount, move.name)
            case MoveKind.RESERVED:
                return wallets.reserve(wallet, self.number, on, amount, move.gives, move.family)
            case MoveKind.SETTLED:
                number = self.holds.get(move.name, 0)
                until = self.over.get(number)
                return wallets.settle(wallet, number, on) if until is None else wallets.hold_over(wallet, until)
            case MoveKind.RELEASED:
                return wallets.release(wallet, self.holds.get(move.name, 0), on)
            case MoveKind.REFUNDED:
                taken = self.taken.get(move.name, ())
                return wallets.refund(
                    wallet, on, sum(part for _lot, part in taken) or 1, taken, self.made.get(move.name)
                )
            case MoveKind.CLOSES:
                assert move.event is not None
                return wallets.close(wallet, on, move.event)


def touch_of_done(account: str, done: Done, on: date) -> Touch:
    """Return what a change of a wallet has spent and ended."""
    opened = [(account, lot.number, lot.original) for lot in done.opened]
    moved = [(account, move.lot, move.amount) for move in done.lot_moves]
    return Touch(
        on,
        on,
        account,
        spent=sum(line.amount for line in done.lines if line.account == REDEEMED),
        expired=sum(line.amount for line in done.lines if line.account == EXPIRED and line.amount > 0),
        reversed=-sum(line.amount for line in done.lines if line.account == EXPIRED and line.amount < 0),
        moves=(*opened, *moved),
        opened=[(account, lot.number, lot.last_day) for lot in done.opened],
        ended=[(account, lot) for lot in done.ended],
        with_star=[(account, lot.number) for lot in done.opened if lot.source.startswith(WITH_STAR)],
    )
