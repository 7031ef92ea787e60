"""What is to be written, before it has a number: an entry with everything that belongs to it.

Accounts of a person are named after the county's account: `wallet`, `wallet/held`, `wallet/debt`; `earned` keeps what
service was worth for ever. Accounts of the county (`issued`, `redeemed`, `expired` ...) keep no running balance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

from lianxing.rules.facts import CountyId, FactValue, RecordId, RegistryId, VolunteerId
from lianxing.rules.records import ServiceRecord

# Kinds of entries that the ledger itself knows.
REGISTERED, CLOSED, REOPENED, BROUGHT, REFUSED = "registered", "closed", "reopened", "brought", "refused"
DECLARED, RECEIVED, TAKEN_BACK, REQUEST = "declared", "received", "taken_back", "request"
BOOKED_ON = "booked_on"  # in the body of an entry of a record: the day on which it was booked
ENDED = "0001-01-01"  # the last day of a lot that an entry has ended
WITH_VERSION = frozenset(("original", "corrected", "withdrawn"))


class Line(NamedTuple):
    """One posting: `own` tells an account of the person from one of the county."""

    account: str
    unit: str
    amount: int
    own: bool = True


class LotLine(NamedTuple):
    """A change of what is left of a lot."""

    account: str
    lot: int
    amount: int


class NewLot(NamedTuple):
    """A lot that an entry opens; what goes into it is a `LotLine` of the same entry."""

    account: str
    number: int
    earned_on: date
    last_day: date
    source: str
    original: int


@dataclass(frozen=True, slots=True)
class NewHold:
    """An amount that an entry reserves, until the end of a day."""

    account: str
    amount: int
    until: date


@dataclass(frozen=True, slots=True)
class NewRedemption:
    """Units of an offer, or a use of a perk, that an entry gives: what the account paid, and what was paid in money."""

    on: date
    offer: str
    merchant: str
    units: int
    paid: int
    cash: int


@dataclass(frozen=True, slots=True)
class Taking:
    """Units of an offer that an entry takes from the stock, or gives back below zero; `most` is how many there are."""

    offer: str
    units: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a service record that an entry brings: bytes of content (empty: withdrawn) and of supplied facts.

    `original` is the entry of the first version, `supersedes` of the one before; both None for a first version.
    """

    content: bytes
    supplied: bytes
    original: int | None = None
    supersedes: int | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """The key of a command: whose it is, the key, and the hash of what was asked."""

    scope: str
    key: str
    request_hash: str


@dataclass(frozen=True, slots=True)
class WalletRow:
    """What a wallet is after an entry, besides its lots and balances.

    `issued` is JSON: the grants given, as index and day; with changes of rules `{"issued": ..., "turned": ...}`, by
    transition the entry by which it has reached the wallet, and what was there of before its day. Beside them `stars`:
    each star with its points, its day, and what of them never came in; and `covered by`: of which deposit (source, day,
    last day) how much was spent before it was taken back, and what was taken instead.
    """

    account: str
    drawn: int
    rest: int
    issued: str


@dataclass(slots=True)
class Draft:
    """An entry to be written. `seconds` and `points` are what it changes of what was earned.

    `number` is that of the entry, where whoever drafts it knows it.
    """

    kind: str
    volunteer: VolunteerId
    county: CountyId
    effective_on: date
    policy_digest: str | None
    body: bytes
    registry: RegistryId = RegistryId("")
    record: RecordId = RecordId("")
    adjusts: int | None = None
    seconds: int = 0
    points: int = 0
    counted: bool = True
    actor: str = ""
    reason: str = ""
    lines: tuple[Line, ...] = ()
    lots: tuple[LotLine, ...] = ()
    opened: tuple[NewLot, ...] = ()
    floors: tuple[tuple[str, str, int | None], ...] = ()  # account, unit, floor
    hold: NewHold | None = None
    ends: int | None = None  # the entry of the hold that this one ends
    redemption: NewRedemption | None = None
    returns: int | None = None  # the entry of the redemption that this one gives back
    ended: tuple[tuple[str, int], ...] = ()  # account and lot: over before their last day
    wallets: tuple[WalletRow, ...] = ()
    takes: tuple[Taking, ...] = ()
    version: Version | None = None
    key: Key | None = None
    number: int = 0

    @property
    def place(self) -> str:
        return f"{self.registry}/{self.record}" if self.record else f"{self.county}/{self.kind}"


@dataclass(slots=True)
class Booking:
    """What is to be booked for a record: `seconds` and `points` (hundredths) are differences, negative where they fall.

    An `original` comes once per record, 0 and 0 where it was refused; it keeps the record and the facts supplied by
    plugins. The others name in `adjusts` the original entry: an `adjusting` one of the same, unchanged record, a
    `corrected` one with the record as it is now, a `withdrawn` one when the registry took the record back.
    `body` is the JSON of the assessment, kept as it is. `counted` is false where a clause refuses the record.
    `lines`, `lots` and `opened` are what it does to the person's accounts. `content` is what `content_of` returns of
    the record, where that has been worked out already.
    """

    kind: Literal["original", "adjusting", "corrected", "withdrawn"]
    record: ServiceRecord
    seconds: int
    points: int
    policy_digest: str
    body: bytes
    supplied: Mapping[str, FactValue]
    adjusts: int | None = None
    counted: bool = True
    supersedes: int | None = None
    lines: tuple[Line, ...] = ()
    lots: tuple[LotLine, ...] = ()
    opened: tuple[NewLot, ...] = ()
    floors: tuple[tuple[str, str, int | None], ...] = ()
    ended: tuple[tuple[str, int], ...] = ()
    wallets: tuple[WalletRow, ...] = ()
    actor: str = ""
    reason: str = ""
    key: Key | None = None
    content: bytes | None = None
