"""What a record earns into another passbook: that of a pool, of an organisation, or of who holds what a family earns.

The entry of the record hands over all that it is worth, whatever becomes of it there; the entry over there says that.
"""

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
from lianxing.engine.bank.sharing import ORGANISATION, earner, is_person
from lianxing.engine.bank.turning import turned
from lianxing.engine.closings import LEFT_UNDER
from lianxing.engine.ledger.drafts import BOOKED_ON, RECEIVED, TAKEN_BACK, Booking, Line
from lianxing.engine.ledger.stored import Held
from lianxing.engine.pooling import POOLED_IN
from lianxing.engine.wallet import ISSUED, TRANSIT, Unstored, lots_of
from lianxing.rules.accounts import Account
from lianxing.rules.facts import VolunteerId


class Share(NamedTuple):
    """What a record is worth in the own passbook of who served, and in others.

    `held_by` is who holds it for the family from now on, empty where nobody else does.
    """

    own: Worth
    others: Mapping[VolunteerId, Worth]
    held_by: VolunteerId = VolunteerId("")


@dataclass(frozen=True, slots=True)
class Earning:
    """What a record does to the account in another passbook: on which days by how much.

    `was` is what of the record is there by now.
    """

    account: Account
    moves: Sequence[tuple[date, int]]
    was: int
    on: date
    today: date
    came: From


def shared_service(account: Account, booking: Booking, before: Held | None, worth: Worth) -> Share:
    """Return in which passbooks of pools or organisations is what the record of a booking is worth, and was.

    A record that is corrected to be of another organisation leaves the one and goes to the other; what was for none is
    nobody's.
    """
    record = booking.record
    now_in = earner(account, record.volunteer, record.organisation)
    was_in = now_in if before is None else earner(account, record.volunteer, before.record.organisation)
    shares = _shares(was_in, now_in, worth)
    return Share(Worth(0, 0), {owner: one for owner, one in shares.items() if owner != ORGANISATION})


def family_share(
    families: Families,
    person: VolunteerId,
    account: Account,
    booking: Booking,
    before: Held | None,
    worth: Worth,
    said: Mapping[tuple[str, str], Mapping[str, Any]],
) -> Share:
    """Return in whose passbooks is what the record of a booking is worth to what a family earns together, and was.

    It stays where it has come in, whatever families have declared since, unless it turns out to be of another day.
    """
    key, day = booking.record.key, booking.record.day
    stands = said.get(key, {}).get(POOLED_IN, {}).get(account.clause.id)
    was_in = VolunteerId(stands or person)
    stays = before is not None and before.record.day == day and (worth.was != 0 or stands is not None)
    now_in = was_in if booking.kind == "withdrawn" or stays else families.holder(account, key, person, day)
    shares = _shares(was_in, now_in, worth)
    own = shares.pop(person, Worth(0, 0))
    return Share(own, shares, now_in if now_in != person else VolunteerId(""))


def _shares(was_in: VolunteerId, now_in: VolunteerId, worth: Worth) -> dict[VolunteerId, Worth]:
    if was_in == now_in:
        return {now_in: worth}
    return {was_in: Worth(worth.was, 0), now_in: Worth(0, worth.now)}


def earned_elsewhere(passing: Passing, owner: VolunteerId, one: Earning) -> None:
    """Put into an account of another passbook what a record has earned, or take it back; and say so.

    What is of before a closing of that passbook goes where the rest went, as its owner's late records do.
    """
    customer, account, today = passing.at_hand(owner), one.account, one.today
    of_family = is_person(owner)
    passing.drafts += turned(passing.rulebook, customer, today)
    whole = any(more <= 0 for _day, more in one.moves)
    wallet, source = customer.wallet(account, ended=whole), f"{one.came.said['registry']}/{one.came.said['record']}"
    # Rules of before may have kept out what these do not. A pool's passbook is long: of a new record it is not asked.
    asks = one.was != 0 or (of_family and may_keep_out(account))
    kept_out = customer.kept_out(account, source) if asks else None
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
    if waits:  # it is issued once it is a whole unit
        effects.lines += (Line(ISSUED, unit, waits, own=False), Line(TRANSIT, unit, -waits, own=False))
    said: dict[str, Any] = {**one.came.said, BOOKED_ON: today.isoformat()}
    if of_family:
        said[POOLED_IN] = {account.clause.id: owner}
    closed = next((customer.closings.under(day) for day, more in one.moves if more >= 0), None)
    if closed is not None:
        fresh = [lot.number for lot in lots_of(wallet, source) if lot.number >= first]
        only = None if customer.closings.now is not None else fresh
        left = closes_again(wallet, effects, closed, today, owner, passing, only)
        if left is not None:
            said |= {LEFT_UNDER: closed.entry, "closes": [left], **({"heir": closed.heir} if closed.heir else {})}
    outside = wallet.unstored.get(source, Unstored())
    customer.keeps_out(account, source, KeptOut(outside, today))
    effects.over.clear()  # said with the record instead
    if any(outside):
        said[UNSTORED] = outside_data(account, outside)
    kind = RECEIVED if passed >= 0 else TAKEN_BACK
    passing.enter(customer, account, effects, kind, one.on, replace(one.came, said=said), abs(passed))
