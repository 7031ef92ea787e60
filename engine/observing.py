"""Who watches a policy at work: the coverage of its cases, and nobody in a day's work."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Protocol

from lianxing.engine.quotients import Quotient
from lianxing.rules.facts import FactValue
from lianxing.rules.places import Location


class Observer(Protocol):
    """Is told what is asked and what is compared, and changes nothing."""

    def asked(self, ruleset: str, day: date, values: Mapping[str, FactValue | Quotient]) -> None:
        """A ruleset was asked on `day` about these facts and measures."""

    def compared(self, at: Location, holds: bool) -> None:
        """An amount was held against the limit or edge at this place, and what that asks held or did not."""
