"""A step of a request for service, as something that is asked of the bank."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from lianxing.rules.commands import Command
from lianxing.rules.facts import FactValue, VolunteerId
from lianxing.rules.perks import Beneficiary
from lianxing.rules.requests import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeStep(Command):
    """A step of a request. `volunteer` is who asked for the service, `actor` who takes the step.

    `organiser`: with the authority of the community or sub-district. `request` is the id of the request; the step
    `request` has none yet and says the `service` of the menu, for whom it is and for how many seconds. `match` says
    `served_by`, who is `paired` with the recipient, and who is on duty (None: there is no roster); `serve` and
    `confirm` say the `seconds`, `evaluate` what was `said`, each as fact and value.
    """

    step: Step
    organiser: bool = False
    request: str = ""
    service: str = ""
    recipient: VolunteerId = VolunteerId("")
    for_whom: Beneficiary = Beneficiary.SELF
    seconds: int = 0
    served_by: VolunteerId = VolunteerId("")
    paired: tuple[VolunteerId, ...] = ()
    on_roster: tuple[VolunteerId, ...] | None = None
    served_on: date | None = None
    said: tuple[tuple[str, FactValue], ...] = ()
