"""What may be asked of the bank. Each command has a key: asked again with the same key, it gives the first answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from lianxing.rules.accounts import Purpose, Recipient
from lianxing.rules.closures import ClosingEvent
from lianxing.rules.facts import ID_CHARACTERS_MAX, CountyId, RecordId, RegistryId, VolunteerId
from lianxing.rules.families import Relation
from lianxing.rules.perks import Beneficiary
from lianxing.rules.redemption import PickUp
from lianxing.rules.reviewing import Doing

KEY_CHARACTERS_MAX = ID_CHARACTERS_MAX
# Far enough from the ends of the calendar for any period that a county can add to a day.
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2200, 12, 31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Something is asked for a person on a day. `scope` is who asks (a shop, a web site): keys are theirs alone.

    `actor` is who stands behind it, `reason` why; both are kept with the entry.
    """

    volunteer: VolunteerId
    county: CountyId
    on: date
    scope: str
    key: str
    actor: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeem(Command):
    """Units of an offer: reserved where the account has `holds`, else had at once.

    `family`: for a member of the family; `member` says which, and has to be declared.
    """

    offer: str
    units: int = 1
    merchant: str = ""
    family: bool = False
    member: VolunteerId = VolunteerId("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle(Command):
    """What was reserved under an entry has been handed over; `amount` of it, where less was used than reserved."""

    entry: int
    amount: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Release(Command):
    """What was reserved under an entry is not needed."""

    entry: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve(Command):
    """What was reserved under an entry and waits for the approver of its offer may be handed over.

    `role` is the body that decides.
    """

    entry: int
    role: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decline(Command):
    """What was reserved under an entry and waits for the approver of its offer is not had: it goes back."""

    entry: int
    role: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund(Command):
    """What was redeemed under an entry is given back."""

    entry: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch(Command):
    """A voucher that was redeemed under an entry is handed in; `shown` is what was checked."""

    entry: int
    merchant: str = ""
    shown: tuple[PickUp, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserve(Command):
    """An amount of an account, in its unit, for a purpose; `family` and `member` as in `Redeem`."""

    account: str
    amount: int
    purpose: Purpose
    family: bool = False
    member: VolunteerId = VolunteerId("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Give(Command):
    """An amount of an account for somebody else, or (`recipient` empty) for the pool.

    To relatives only as they are declared; to an institution by its id.
    """

    account: str
    amount: int
    to_whom: Recipient
    recipient: VolunteerId = VolunteerId("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant(Command):
    """What a fund gives into an account."""

    account: str
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UsePerk(Command):
    """A perk, once: for whom, where, since when there is a pass or card."""

    perk: str
    for_whom: Beneficiary = Beneficiary.SELF
    site: str = ""
    issued_on: date | None = None
    lent: bool = False
    units: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Close(Command):
    """Every account of the person is closed. On death `heir` is who of the declared family inherits."""

    event: ClosingEvent
    heir: VolunteerId = VolunteerId("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopen(Command):
    """The closed passbook of the person is open again from the day on: they have moved back, or come back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declare(Command):
    """Who is family to the person from now on, each as id and relation; it takes the place of what was said before."""

    family: tuple[tuple[VolunteerId, Relation], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bring(Command):
    """What left the person's passbook in a county under an entry comes into this one, with its days.

    `account` is where to, empty for the first one of each unit.
    """

    from_county: CountyId
    entry: int
    account: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordStep(Command):
    """A step in the review of a record of the person; the fields are those of `rules.reviewing.Step`."""

    registry: RegistryId
    record: RecordId
    doing: Doing
    role: str = ""
    stage: str = ""
    upheld: bool | None = None
    objection: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StarStep(Command):
    """A step on the person's way to a star.

    `applied_on` says which application is meant; None means the newest for this star; a new one is of the day `on`.
    `nominated` belongs to the application. A certificate without a `number` gets the next one of the county.
    """

    star: int
    doing: Doing
    role: str = ""
    applied_on: date | None = None
    nominated: bool = False
    upheld: bool | None = None
    objection: int = 0
    number: str = ""


ReviewStep = RecordStep | StarStep
