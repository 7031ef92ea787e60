"""A service that somebody asked for: how far it has come, what it costs, and what each step does to accounts.

Days are the county's days; times are seconds, amounts the account's unit: hundredths of a point, or seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum

from lianxing.rules.facts import FactValue, RegistryId
from lianxing.rules.menu import PricedPer
from lianxing.rules.names import plain
from lianxing.rules.perks import Beneficiary
from lianxing.rules.redeeming import Reason

OFF_MENU = "off_menu"  # in the body of a step: the service is on the menu no longer
MENU = RegistryId("menu")  # of records that come about by requests for service in the bank itself


def is_menu(registry: str) -> bool:
    """Tell whether a name is that of the bank's own registry, however it is written."""
    return plain(registry) == MENU


class RequestState(Enum):
    """How far a request has come; the last four are ends without a service."""

    REQUESTED = "requested"
    MATCHED = "matched"
    POSTED = "posted"
    SERVED = "served"
    CONFIRMED = "confirmed"
    EVALUATED = "evaluated"
    CANCELLED = "cancelled"
    DECLINED = "declined"
    EXPIRED = "expired"
    REVOKED = "revoked"


class Step(Enum):
    """What may be done with a request.

    `withdraw`: the matched volunteer steps back, and the request waits again; `decline`: the organiser ends it;
    `revoke`: what was confirmed turns out to be no service.
    """

    REQUEST = "request"
    MATCH = "match"
    POST = "post"
    SERVE = "serve"
    CONFIRM = "confirm"
    EVALUATE = "evaluate"
    WITHDRAW = "withdraw"
    CANCEL = "cancel"
    DECLINE = "decline"
    EXPIRE = "expire"
    REVOKE = "revoke"


class Party(Enum):
    """Who somebody is to a request."""

    ASKER = "asker"
    RECIPIENT = "recipient"
    VOLUNTEER = "matched_volunteer"
    ORGANISER = "organiser"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something; `organiser`: with the authority of the community or sub-district."""

    id: str
    organiser: bool = False


@dataclass(frozen=True, slots=True)
class ServiceRequest:
    """A request as it stands: who asks, for whom, what is held for it, and what has come of it.

    `seconds` is the time that was asked for, 0 where none was said; `held` what stays reserved on `account` of the
    asker to the end of `held_until`, `price` the price of the service or of an hour of it, as `per` says; all of them
    stay what they were on the day of the request, as does the state `recorded_as` that the menu says. `paid_by` is the
    entry whose lots have paid what is `settled`. After `confirmed_after`, as the menu says on the day of the report,
    the organiser confirms what nobody else has. `since` is the day of the last step. A date is None, an id empty
    and an amount 0 while it is not known.
    """

    id: str
    request: str
    asker: str
    recipient: str
    for_whom: Beneficiary
    state: RequestState
    requested_on: date
    since: date
    seconds: int = 0
    recipient_group: str = ""
    account: str = ""
    price: int = 0
    per: PricedPer = PricedPer.SERVICE
    held: int = 0
    held_until: date | None = None
    recorded_as: str = ""
    volunteer: str = ""
    withdrew: tuple[str, ...] = ()
    notice_until: date | None = None
    served_on: date | None = None
    served_seconds: int = 0
    confirmed_after: date | None = None
    confirmed_on: date | None = None
    confirmed_seconds: int = 0
    settled: int = 0
    paid_by: int = 0
    evaluated_on: date | None = None
    evaluation: Mapping[str, FactValue] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Tell whether nothing more can come of it but an evaluation."""
        return self.state not in (
            RequestState.REQUESTED,
            RequestState.MATCHED,
            RequestState.POSTED,
            RequestState.SERVED,
        )


@dataclass(frozen=True, slots=True)
class Hold:
    """Reserve an amount on somebody's account for the request, to the end of a day."""

    holder: str
    account: str
    amount: int
    until: date


@dataclass(frozen=True, slots=True)
class Settle:
    """Spend so much of what is held."""

    holder: str
    account: str
    amount: int


@dataclass(frozen=True, slots=True)
class Release:
    """Give back so much of what is held; where the hold has ended by itself, it is back already."""

    holder: str
    account: str
    amount: int


@dataclass(frozen=True, slots=True)
class Refund:
    """Give back so much of what was spent, to where it came from."""

    holder: str
    account: str
    amount: int


@dataclass(frozen=True, slots=True)
class Served:
    """A service of the volunteer, to go into the passbook as a record of that day; `id` is the request's.

    The county's rules judge the record like any other one: what it earns is theirs to say.
    """

    id: str
    volunteer: str
    on: date
    seconds: int
    activity: str
    facts: Mapping[str, FactValue]


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What the record of a request is to say from now on: its evaluation."""

    id: str
    volunteer: str
    facts: Mapping[str, FactValue]


@dataclass(frozen=True, slots=True)
class Unserved:
    """The record of a request is taken back: there was no such service."""

    id: str
    volunteer: str


Effect = Hold | Settle | Release | Refund | Served | Evaluated | Unserved


@dataclass(frozen=True, slots=True)
class Moved:
    """The answer to a step: the request after it and what is to be booked, or every reason why not.

    `request` is None where there is none yet, and unchanged where the step is refused.
    """

    step: Step
    request: ServiceRequest | None
    effects: tuple[Effect, ...] = ()
    reasons: tuple[Reason, ...] = ()

    @property
    def allowed(self) -> bool:
        return not self.reasons
