"""What a case asks of perks, offers, accounts and the menu, and what must be answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from lianxing.rules.balances import Move
from lianxing.rules.facts import FactValue
from lianxing.rules.perks import Beneficiary
from lianxing.rules.redeeming import Taken
from lianxing.rules.redemption import PickUp
from lianxing.rules.selection_cases import ToldCandidate


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What else is so when somebody asks: where, for whom, what was shown, how many units everybody has had.

    `shown` is None where nobody fetches anything; `once_held` the highest star ever held; `supplied` what each supplier
    has supplied in this period, in hundredths of a yuan. `by` is the body that approves and `actor` who does so for it;
    `approved`: that body has approved what is held.
    """

    site: str = ""
    merchant: str = ""
    for_whom: Beneficiary = Beneficiary.SELF
    shown: tuple[PickUp, ...] | None = None
    given_out: int = 0
    lent: bool = False
    once_held: int = 0
    supplied: Mapping[str, int] = field(default_factory=dict)
    by: str = ""
    actor: str = ""
    approved: bool = False


@dataclass(frozen=True, slots=True)
class Awaited:
    """Who has to approve what was asked for, and the last day for it where the case asks that."""

    by: str
    due: date | None = None


@dataclass(frozen=True, slots=True)
class AskingCase:
    """Somebody asks for units of an offer or to use a perk, or an account has these moves. Amounts in held units.

    `asks` is empty, `withdrawal`, `swap`, `approval` or `handover`. `balance` is what the account holds where the case
    gives it outright; otherwise the moves do. What is expected follows; None is not asked.
    """

    offer: str = ""
    units: int = 1
    balance: int | None = None
    redeemed: tuple[Taken, ...] = ()
    issued_on: date | None = None
    asks: str = ""
    circumstances: Circumstances = Circumstances()
    account: str = ""
    moves: tuple[Move, ...] = ()
    allowed: bool | None = None
    why: tuple[str, ...] | None = None
    refused_by: str | None = None
    costs: int | None = None
    cash: int | None = None
    published: bool | None = None
    awaits: Awaited | None = None
    to_supply: Mapping[str, int] | None = None
    left: int | None = None
    left_available: int | None = None
    went: Mapping[str, int] | None = None
    worths: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class ToldRecipient:
    """Somebody who is to be served: facts of the person, and which candidates are what to them.

    `on_roster` is None where the case tells of no roster.
    """

    id: str
    facts: Mapping[str, FactValue]
    paired: tuple[str, ...]
    on_roster: tuple[str, ...] | None
    family: tuple[str, ...]
    withdrew: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MenuCase:
    """These ask for a service of the menu; expected are the place of each, and who may not ask. None is not asked.

    With a `recipient` the candidates are volunteers who might serve that person.
    """

    request: str
    candidates: tuple[ToldCandidate, ...]
    for_whom: Beneficiary
    ranked: Mapping[str, int] | None
    ineligible: tuple[str, ...] | None
    recipient: ToldRecipient | None = None
