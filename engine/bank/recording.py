"""Records that come about in the bank itself are booked as those of a registry are: recounted, and credited."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from lianxing.engine.bank.closings import closings
from lianxing.engine.bank.crediting import credited, credits, new_in, said_in
from lianxing.engine.bank.families import families_in
from lianxing.engine.bank.passing import Passing
from lianxing.engine.bank.turning import turn_in
from lianxing.engine.closings import OPEN
from lianxing.engine.ledger.drafts import Booking
from lianxing.engine.ledger.holdings import WalletRows
from lianxing.engine.ledger.writing import Writing
from lianxing.engine.recounting import Change, Recount, recount
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.facts import VolunteerId
from lianxing.rules.records import Volunteer


def bookings_of(
    writing: Writing,
    rulebook: Rulebook,
    volunteer: VolunteerId,
    changes: Sequence[Change],
    today: date,
    passing: Passing,
) -> list[Booking]:
    """Return what changes of a person's records come to; the passbook is locked, the policy kept.

    What goes into other passbooks is left in `passing`, to be written after the bookings.
    """
    owner = (volunteer, rulebook.policy.county.id)
    turn_in(writing, rulebook, [volunteer], today)
    person = writing.volunteers([volunteer]).get(volunteer, Volunteer(volunteer))
    held = writing.histories(owner[1], [volunteer])[volunteer]
    return credited_in(writing, rulebook, person, recount(rulebook, person, held, changes), today, passing)


def credited_in(
    writing: Writing, rulebook: Rulebook, person: Volunteer, found: Recount, today: date, passing: Passing
) -> list[Booking]:
    """Return what a recount comes to, with what it does to the person's accounts as the ledger has them."""
    if not credits(rulebook):
        return found.bookings
    owner = id, county = person.id, rulebook.policy.county.id
    return credited(
        rulebook,
        person,
        found,
        writing.wallet_rows([owner]).get(owner, WalletRows()),
        writing.balances_of([owner]).get(owner, {}),
        writing.number(owner),
        today,
        passing,
        closings(writing, county, [id]).get(id, OPEN),
        said_in(writing, rulebook, owner, found),
        new_in(writing, rulebook, found),
        families_in(writing, rulebook, [id]),
    )
