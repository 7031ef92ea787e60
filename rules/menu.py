"""Who is served first: the chapter `menu.yaml`, a service that may be asked for and the order of those who ask."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from lianxing.rules.conditions import Condition
from lianxing.rules.dates import Dated
from lianxing.rules.facts import FactType
from lianxing.rules.perks import Beneficiary
from lianxing.rules.places import Clause, Location
from lianxing.rules.ranking import RankKey
from lianxing.rules.tables import Table


class MenuTies(Enum):
    """Who of equals is served first: who registered first; or all of them stand at one place."""

    EARLIEST_REGISTERED = "earliest_registered"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Priced:
    """What one unit of the service costs, and which account pays."""

    account: str
    price: Table
    price_type: FactType
    location: Location


@dataclass(frozen=True, slots=True)
class Request:
    """A service on the menu: what it is, for whom it may be asked, who may ask, and in which order they are served."""

    clause: Clause
    request: str
    recipients: tuple[Beneficiary, ...]
    eligible: Condition
    rank_by: tuple[RankKey, ...]
    ties: MenuTies
    notice_days: Dated[int] | None = None  # working days between the list and the service
    priced: Priced | None = None
