"""Whose points or hours end soon: so that they can be told before. What a change of rules will take ends, too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from lianxing.engine.bank.customers import customers
from lianxing.engine.bank.turning import not_reached, running_out
from lianxing.engine.ledger.chunking import chunks
from lianxing.engine.ledger.opening import Ledger
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.facts import VolunteerId
from lianxing.rules.statements import EndingLot, day_by_day

EVERYBODY = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Notice:
    """What of one person ends soon, the first to end first."""

    volunteer: VolunteerId
    ending: tuple[EndingLot, ...]


def notices(ledger: Ledger, rulebook: Rulebook, on: date, within_days: int) -> Iterator[Notice]:
    """Yield whoever has something that ends on a day or within so many days after it, from one snapshot."""
    latest = date.max - timedelta(days=2)
    until = on + timedelta(days=min(within_days, (latest - on).days))
    county = rulebook.policy.county.id
    with ledger.reading() as reading:
        after = until + timedelta(days=1)
        people = [*reading.ending(county, after, EVERYBODY), *not_reached(reading, rulebook, after)]
        for some in chunks(dict.fromkeys(people)):
            found = customers(reading, rulebook, some)
            for id, customer in found.items():
                with customer.sanctioned(on):
                    ending = [
                        lot
                        for account in rulebook.policy.accounts
                        for lot in running_out(customer.wallet(account), on, until)
                    ]
                if ending:
                    yield Notice(id, day_by_day(ending))
