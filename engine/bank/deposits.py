"""What a record has put into an account: put in, taken back, or of another day than before."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from lianxing.engine import wallets
from lianxing.engine.bank.booking import Effects, besides
from lianxing.engine.bank.passing import taken_back
from lianxing.engine.wallet import Wallet, last_day_of
from lianxing.rules.accounts import Account, Shortfall, WholeOnly
from lianxing.rules.transition import Change

WRITES_OFF = (Shortfall.CLAMP, Shortfall.FORBID)


class Worth(NamedTuple):
    """What a record was worth to an account, and what it is now; `redated`: it is of another day than before."""

    was: int
    now: int
    redated: bool = False

    @property
    def more(self) -> int:
        return self.now - self.was


def may_keep_out(account: Account) -> bool:
    """Tell whether something of a record may be outside an account that is earned from it."""
    return account.storage is not None or account.whole_only is WholeOnly.REST_LOST or account.shortfall in WRITES_OFF


def on_days(account: Account, day: date, was: date | None, worth: Worth) -> list[tuple[date, int]]:
    """Return what comes in or is taken back, and of which day; 0 where what is there `was` of another day.

    What is moved is taken back on the one day and comes in on the other where a change of rules reaches it on
    one of them only: earned before the change, and not ended by then.
    """
    was_on = day if was is None else was
    if any(_reaches(change, account, day) != _reaches(change, account, was_on) for change in account.changes):
        return [(on, more) for on, more in ((was_on, -worth.was), (day, worth.now)) if more]
    return [(day, 0)] * worth.redated + [(day, worth.more)] * (worth.more != 0)


def _reaches(change: Change, account: Account, earned_on: date) -> bool:
    return earned_on < change.on_day <= last_day_of(account, earned_on)


def change(wallet: Wallet, effect: Effects, source: str, day: date, more: int, today: date) -> None:
    """Put in what a source of a day is worth, or take it back; 0: what is left of its deposit is of this day now."""
    before = besides(wallet)
    if more > 0:
        effect.add(wallet, wallets.earn(wallet, day, more, source, today=today), before)
        return
    # What has ended of it is let go before it is taken back or of another day, or nobody could tell the two apart.
    effect.add(wallet, wallets.expire(wallet, today, source), before)
    before = besides(wallet)
    if more < 0:
        effect.add(wallet, taken_back(wallet, today, -more, source, day), before)
        return
    effect.add(wallet, wallets.redate(wallet, today, source, day), before)
    effect.add(wallet, wallets.expire(wallet, today, source), besides(wallet))
