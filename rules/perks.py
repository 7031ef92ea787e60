"""What a star opens: the chapter `perks.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum

from lianxing.rules.conditions import Condition
from lianxing.rules.dates import Dated
from lianxing.rules.periods import Period
from lianxing.rules.places import Clause, Location
from lianxing.rules.tables import Table


class Beneficiary(Enum):
    """Who may use a perk, or ask for a service, besides whoever earned it."""

    SELF = "self"
    SPOUSE = "spouse"
    CHILD = "child"
    PARENT = "parent"


class Proof(Enum):
    """What is shown at the gate; a token says that the perk is open and nothing about the person."""

    TOKEN = "token"
    CERTIFICATE = "certificate"
    CARD = "card"


class OnDowngrade(Enum):
    """What becomes of a perk when the star that opened it is lost."""

    KEEP = "keep"
    LOSE = "lose"


@dataclass(frozen=True, slots=True)
class Uses:
    """How often a perk may be used in a calendar period; None is without limit."""

    at_most: Dated[int]
    per: Period


@dataclass(frozen=True, slots=True)
class Pass:
    """As often as wanted, for so many months from the day of issue, the last day included."""

    months: Dated[int]


@dataclass(frozen=True, slots=True)
class EachFull:
    """Once for every full `amount` of a measure, in the measure's unit: a reward that comes again and again."""

    measure: str
    amount: Dated[int]
    location: Location


@dataclass(frozen=True, slots=True)
class Card:
    """The card that stands for a perk: months from the day of issue, and whether somebody else may use it."""

    months: Dated[int]
    lending: bool


@dataclass(frozen=True, slots=True)
class Perk:
    """A courtesy that opens on the star held, on `when`, or on both.

    `condition` also asks for the volunteer's consent and the days on which the perk is `available`, where the policy
    says so. `pays` is the share of the price that the volunteer still pays (0 is free), `worth` the face value in
    hundredths of a yuan, either by star where it is a table; None where the perk has none. `sites` empty: not tied to
    named places.
    """

    clause: Clause
    condition: Condition
    pays: Table | None
    uses: Uses | Pass | EachFull | None
    provider: str
    worth: Table | None = None
    sites: tuple[str, ...] = ()
    department: str = ""
    legal_ground: str = ""
    beneficiaries: tuple[Beneficiary, ...] = (Beneficiary.SELF,)
    consent: bool = False
    shows: Proof | None = None
    card: Card | None = None
    available: tuple[date | None, date | None] = (None, None)
    on_downgrade: OnDowngrade = OnDowngrade.LOSE


@dataclass(frozen=True, slots=True)
class Choice:
    """Of these perks so many may be chosen in a calendar period; one that is named here opens only by choice."""

    clause: Clause
    at_most: Dated[int]
    per: Period
    among: tuple[str, ...]
