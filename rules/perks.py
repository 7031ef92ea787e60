"""What a star opens: the chapter `perks.yaml`."""

from __future__ import annotations

from dataclasses import dataclass

from lianxing.rules.conditions import Condition
from lianxing.rules.dates import Dated
from lianxing.rules.periods import Period
from lianxing.rules.places import Clause
from lianxing.rules.tables import Table


@dataclass(frozen=True, slots=True)
class Uses:
    """How often a perk may be used; None is without limit."""

    at_most: Dated[int]
    per: Period


@dataclass(frozen=True, slots=True)
class Perk:
    """A courtesy that opens on the star held, and on `when` where the policy adds a condition.

    `pays` is the share of the price that the volunteer still pays (0 is free), by star where it is a table; None where
    the perk has no price.
    """

    clause: Clause
    condition: Condition
    pays: Table | None
    uses: Uses | None
    provider: str
