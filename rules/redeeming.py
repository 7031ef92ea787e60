"""Questions to offers and perks, and their answers: may somebody have this now, for what, and if not why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from lianxing.rules.facts import FactValue
from lianxing.rules.places import Clause, Location
from lianxing.rules.standings import Gap


@dataclass(frozen=True, slots=True)
class Taken:
    """What was had before: so many units of an offer, or a use of a perk, on a day, and from which merchant.

    `paid` is what the account paid for it, in the account's unit.
    """

    offer: str
    on: date
    units: int = 1
    merchant: str = ""
    paid: int = 0


@dataclass(frozen=True, slots=True)
class Reason:
    """Why not: a word, the clause and line that say so, and the numbers or names that were compared."""

    code: str
    clause: Clause
    location: Location
    operands: tuple[tuple[str, FactValue], ...] = ()


@dataclass(frozen=True, slots=True)
class Quote:
    """The answer: allowed or not, with every reason; what the account pays, and in hundredths of a yuan the rest.

    `price_at` is the line that says the price. `published`: the redemption goes on the public list. `gaps`
    are the tests of the condition that do not hold. `awaits` is the body that has to approve it, empty where none has,
    and `decide_by` the last day for that.
    """

    clause: Clause
    allowed: bool
    reasons: tuple[Reason, ...] = ()
    price: int = 0
    cash: int = 0
    price_at: Location | None = None
    published: bool = False
    gaps: tuple[Gap, ...] = ()
    awaits: str = ""
    decide_by: date | None = None
