"""Who makes the rules, where, and from when: the chapter `county.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from lianxing.rules.campaigns import Campaign
from lianxing.rules.facts import CountyId, Fact
from lianxing.rules.places import Clause, Label, Location


@dataclass(frozen=True, slots=True)
class County:
    """A county, or another layer of government; `based_on` is the id of the layer below, empty for the nation.

    `in_force_until` is the last day in force, None while the rules run on. Service from `counts_from` on counts; where
    that is before `in_force_from`, it is judged by the rules of their first day. `calendar` is the country whose public
    holidays and make-up days tell working days, empty where no layer names one. `in_force_at` is the line.
    """

    id: CountyId
    name: str
    label: Label
    region: str
    based_on: str
    in_force_from: date
    in_force_until: date | None
    counts_from: date
    time_zone: str
    clause: Clause
    facts: tuple[Fact, ...] = ()
    calendar: str = ""
    campaigns: tuple[Campaign, ...] = ()
    in_force_at: Location = Location("", 0, 0)
