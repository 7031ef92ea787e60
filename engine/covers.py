"""What covers for a deposit that was taken back after it had been spent, so that it can go back should that be undone.

What was spent stays spent: when a correction takes its deposit back, something else has to be taken for it, or is owed
until a later deposit pays it. Comes the deposit again, what covers for it is there again, with its own days: as if the
correction had never been. What is drawn over the balance covers for nothing; it is paid, and stays paid.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from lianxing.engine.turning import goes_over
from lianxing.rules.transition import Change


class Deposit(NamedTuple):
    """What a source has put in on a day, and the last day on which it is there."""

    source: str
    earned_on: date
    last_day: date

    def alike(self, other: Deposit) -> bool:
        """Tell whether two are of the same days, so that nobody can tell which of them was spent."""
        return self[1:] == other[1:]


@dataclass(frozen=True, slots=True)
class Cover:
    """So much of a deposit had been spent when it was taken back, and was taken `by` another one instead; None: it is
    owed.
    """

    of: Deposit
    amount: int
    by: Deposit | None


def first_back(covers: Sequence[Cover], of: Deposit, *, alike: bool) -> int | None:
    """Return which of the covers of a deposit goes back first: what is owed, then what was taken last.

    After those of its own, where `alike` says so, what was taken for another deposit of the same days: this one covers
    for that as if it were the same.
    """
    own = [at for at, cover in enumerate(covers) if cover.of.source == of.source]
    others = [at for at, cover in enumerate(covers) if alike and cover.of.alike(of) and not of.alike(cover.by or of)]
    return max(own or others, key=lambda at: (covers[at].by is None, at), default=None)


def given_back(covers: Sequence[Cover], at: int, amount: int, to: Deposit) -> list[Cover]:
    """Return the covers where so much of one goes back to a deposit, or where this one covers for another instead."""
    one = covers[at]
    left = [Cover(one.of, one.amount - amount, one.by)] if one.amount > amount else []
    instead = [Cover(one.of, amount, to)] if one.of.source != to.source else []
    return [*covers[:at], *left, *instead, *covers[at + 1 :]]


def with_cover(covers: Sequence[Cover], one: Cover) -> list[Cover]:
    """Return the covers with a further one."""
    last = covers[-1] if covers else None
    if last is not None and (last.of, last.by) == (one.of, one.by):
        return [*covers[:-1], Cover(one.of, last.amount + one.amount, one.by)]
    return [*covers, one]


def paid(covers: Iterable[Cover], amount: int, by: Deposit) -> list[Cover]:
    """Return the covers where a deposit has paid so much of what is owed, what is owed the longest first."""
    found: list[Cover] = []
    for one in covers:
        part = min(one.amount, amount) if one.by is None else 0
        amount -= part
        if part:
            found.append(Cover(one.of, part, by))
        if part < one.amount:
            found.append(Cover(one.of, one.amount - part, one.by))
    return found


def redated(covers: Iterable[Cover], now: Deposit) -> list[Cover]:
    """Return the covers where what a source has put in is of other days."""

    def of_now(one: Deposit) -> Deposit:
        return now if one.source == now.source else one

    return [Cover(of_now(one.of), one.amount, None if one.by is None else of_now(one.by)) for one in covers]


def changed(covers: Iterable[Cover], change: Change) -> list[Cover]:
    """Return the covers after a change of rules: what would have been there on its day would have gone over."""
    found = []
    for one in covers:
        amount = one.amount
        if one.by is not None and one.by.earned_on < change.on_day <= one.by.last_day:
            amount = goes_over(amount, change.how)
        if amount:
            found.append(Cover(one.of, amount, one.by))
    return found


def covers_data(covers: Iterable[Cover]) -> list[list[Any]]:
    """Return covers as plain data."""
    return [[_deposit_data(one.of), one.amount, None if one.by is None else _deposit_data(one.by)] for one in covers]


def covers_of(data: Iterable[Sequence[Any]]) -> list[Cover]:
    """Return what `covers_data` has written down."""
    return [Cover(_deposit_of(of), amount, None if by is None else _deposit_of(by)) for of, amount, by in data]


def _deposit_data(one: Deposit) -> list[str]:
    return [one.source, one.earned_on.isoformat(), one.last_day.isoformat()]


def _deposit_of(data: Sequence[str]) -> Deposit:
    source, earned_on, last_day = data
    return Deposit(source, date.fromisoformat(earned_on), date.fromisoformat(last_day))
