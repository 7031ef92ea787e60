"""What merchants and suppliers are owed for a period, and what suppliers still have to supply."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from lianxing.rules.facts import CountyId
from lianxing.rules.places import Clause, Label, Location


@dataclass(frozen=True, slots=True)
class SettlementLine:
    """One offer, or perk, of one provider at one merchant.

    `units` were handed over and `paid` for in the period (hundredths of a point or seconds, as `unit` says; `cash` in
    hundredths of a yuan), `returned` came back in it. `waiting` is reserved at its end, `fetched` are vouchers handed
    in: their goods count among `units` and `paid` then. `worth` is the face value of perks used, hundredths of a yuan.
    No clause: no policy is kept that has it.
    """

    kind: str
    id: str
    label: Label
    clause: Clause | None
    provider: str
    merchant: str
    unit: str
    units: int = 0
    paid: int = 0
    cash: int = 0
    returned_units: int = 0
    returned: int = 0
    returned_cash: int = 0
    waiting_units: int = 0
    waiting: int = 0
    fetched_units: int = 0
    worth: int = 0


@dataclass(frozen=True, slots=True)
class SupplyLine:
    """What a supplier of an offer has to supply, did supply and still lacks, in hundredths of a yuan."""

    offer: str
    provider: str
    at_least: int
    supplied: int
    lacking: int
    location: Location


@dataclass(frozen=True, slots=True)
class Settlement:
    """Everything of a county and period, the days included."""

    county: CountyId
    since: date
    until: date
    lines: tuple[SettlementLine, ...]
    suppliers: tuple[SupplyLine, ...]
