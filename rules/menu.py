"""Who is served first, and who serves: the chapter `menu.yaml`, services that may be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from lianxing.rules.conditions import Condition
from lianxing.rules.dates import Dated
from lianxing.rules.facts import FactType
from lianxing.rules.periods import Term
from lianxing.rules.perks import Beneficiary
from lianxing.rules.places import Clause, Location
from lianxing.rules.ranking import RankKey
from lianxing.rules.tables import Table


class MenuTies(Enum):
    """Who of equals is served first: who registered first; or all of them stand at one place."""

    EARLIEST_REGISTERED = "earliest_registered"
    ALL = "all"


class PricedPer(Enum):
    """What the price is of: the service, however long it takes, or each hour of it."""

    SERVICE = "service"
    HOUR = "hour"


class Silence(Enum):
    """What becomes of a service that nobody confirms in time: the organiser confirms it, or it lapses unpaid."""

    CONFIRMS = "confirms"
    LAPSES = "lapses"


@dataclass(frozen=True, slots=True)
class Priced:
    """What the service costs, one or an hour of it, and which account pays."""

    account: str
    price: Table
    price_type: FactType
    location: Location
    per: PricedPer = PricedPer.SERVICE


@dataclass(frozen=True, slots=True)
class ServedBy:
    """Which volunteers may serve, and who of them is asked first; without `rank_by` all of them stand at one place.

    Conditions and keys may ask what only a volunteer and a recipient together have: see `MATCH_FACTS`.
    """

    eligible: Condition
    rank_by: tuple[RankKey, ...]
    ties: MenuTies
    location: Location


@dataclass(frozen=True, slots=True)
class Deadlines:
    """By when a request is matched, served, confirmed and evaluated, each from the step before; None is no deadline."""

    matched: Dated[Term] | None = None
    served: Dated[Term] | None = None
    confirmed: Dated[Term] | None = None
    evaluated: Dated[Term] | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A service on the menu: what it is, for whom it may be asked, who may ask, and in which order they are served.

    `recipient_is` is asked of the person who is to be served, None asks nothing. `served_by` is who may serve; None
    leaves it to the organiser. `notice_days` are working days: between the list of
    those who ask and the service, and between the notice of a match and the service. `recorded_as` is the state in
    which the record of the service begins; empty: that in which the county's review of records does, if there is one.
    """

    clause: Clause
    request: str
    recipients: tuple[Beneficiary, ...]
    eligible: Condition
    rank_by: tuple[RankKey, ...]
    ties: MenuTies
    recipient_is: Condition | None = None
    notice_days: Dated[int] | None = None
    priced: Priced | None = None
    served_by: ServedBy | None = None
    deadlines: Deadlines = Deadlines()
    on_silence: Silence = Silence.LAPSES
    recorded_as: str = ""
