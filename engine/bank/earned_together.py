"""What members of a family earn into an account together, in the passbook of whoever holds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple

from lianxing.engine import wallets
from lianxing.engine.bank.arrivals import KeptOut
from lianxing.engine.bank.booking import UNITS, UNSTORED, Effects, first_lot, outside_data
from lianxing.engine.bank.deposits import Worth, change, may_keep_out
from lianxing.engine.bank.families import Families
from lianxing.engine.bank.leaving import closes_again
from lianxing.engine.bank.passing import From, Passing
from lianxing.engine.bank.turning import turned
from lianxing.engine.closings import LEFT_UNDER
from lianxing.engine.ledger.drafts import BOOKED_ON, RECEIVED, TAKEN_BACK, Booking, Line
from lianxing.engine.ledger.stored import Held
from lianxing.engine.pooling import POOLED_IN
from lianxing.engine.wallet import ISSUED, TRANSIT, Unstored, lots_of
from lianxing.rules.accounts import Account
from lianxing.rules.facts import VolunteerId


class Share(NamedTuple):
    """What a record is worth in the own passbook of who served, and in those of who holds what the family earns.

    `held_by` is who holds it from now on, empty where nobody else does.
    """

    own: Worth
    others: Mapping[VolunteerId, Worth]
    held_by: VolunteerId = VolunteerId("")


@dataclass(frozen=True, slots=True)
class FamilyEarning:
    """What a record of a member of the family does to the account of its holder: on which days by how much.

    `was` is what of the record is there by now.
    """

    account: Account
    moves: Sequence[tuple[date, int]]
    was: int
    on: date
    today: date
    came: From


def share_of(
    families: Families,
    person: VolunteerId,
    account: Account,
    booking: Booking,
    before: Held | None,
    worth: Worth,
    said: Mapping[tuple[str, str], Mapping[str, Any]],
) -> Share:
    """Return in whose passbooks is what the record of a booking is worth to an account, and was.

    It stays where it has come in, whatever families have declared since, unless it turns out to be of another day.
    """
    key, day = booking.record.key, booking.record.day
    stands = said.get(key, {}).get(POOLED_IN, {}).get(account.clause.id)
    was_in = VolunteerId(stands or person)
    stays = before is not None and before.record.day == day and (worth.was != 0 or stands is not None)
    now_in = was_in if booking.kind == "withdrawn" or stays else families.holder(account, key, person, day)
    held_by = now_in if now_in != person else VolunteerId("")
    if was_in == now_in:
        return Share(Worth(0, 0), {now_in: worth}, held_by) if held_by else Share(worth, {})
    shares = {was_in: Worth(worth.was, 0), now_in: Worth(0, worth.now)}
    own = shares.pop(person, Worth(0, 0))
    return Share(own, shares, held_by)


def family_earned(passing: Passing, owner: VolunteerId, one: FamilyEarning) -> None:
    """Put into the account of who holds it what a member of the family has earned, or take it back; and say so.

    What is of before a closing of the holder's passbook goes where the rest went, as their own late records do.
    """
    customer, account, today = passing.at_hand(owner), one.account, one.today
    passing.drafts += turned(passing.rulebook, customer, today)
    whole = any(more <= 0 for _day, more in one.moves)
    wallet, source = customer.wallet(account, ended=whole), f"{one.came.said['registry']}/{one.came.said['record']}"
    asks = may_keep_out(account) or one.was != 0  # rules of before may have kept out what these do not
    kept_out = customer.arrived.get((account.clause.id, source)) if asks else None
    wallet.unstored.pop(source, None)
    if kept_out is not None:
        wallet.unstored[source], wallet.off_on[source] = kept_out
    wallet.next_lot = first = max(wallet.next_lot, first_lot(customer.number + 1))
    wallets.knows_worth(wallet, source, one.was)
    effects = Effects()
    for day, more in one.moves:
        change(wallet, effects, source, day, more, today)
    unit, passed = UNITS[account.unit], sum(more for _day, more in one.moves)
    waits = passed + effects.redirect(ISSUED, unit, TRANSIT)
    if waits:  # by rules that no longer pool: it is issued once it is a whole unit
        effects.lines += (Line(ISSUED, unit, waits, own=False), Line(TRANSIT, unit, -waits, own=False))
    said: dict[str, Any] = {**one.came.said, POOLED_IN: {account.clause.id: owner}, BOOKED_ON: today.isoformat()}
    closed = next((customer.closings.under(day) for day, more in one.moves if more >= 0), None)
    if closed is not None:
        fresh = [lot.number for lot in lots_of(wallet, source) if lot.number >= first]
        only = None if customer.closings.now is not None else fresh
        left = closes_again(wallet, effects, closed, today, owner, passing, only)
        if left is not None:
            said |= {LEFT_UNDER: closed.entry, "closes": [left], **({"heir": closed.heir} if closed.heir else {})}
    outside = wallet.unstored.get(source, Unstored())
    if asks:
        customer.arrived[account.clause.id, source] = KeptOut(outside, today)
    effects.over.clear()  # said with the record instead
    if any(outside):
        said[UNSTORED] = outside_data(account, outside)
    kind = RECEIVED if passed >= 0 else TAKEN_BACK
    passing.enter(customer, account, effects, kind, one.on, replace(one.came, said=said), abs(passed))
