"""What a ledger gives back: records and entries, policies, notes, reservations, commands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from lianxing.rules.assessments import Entry, Posting
from lianxing.rules.facts import CountyId, FactValue, VolunteerId
from lianxing.rules.records import ServiceRecord


@dataclass(frozen=True, slots=True)
class Held:
    """A record that the ledger holds, and what it has earned up to now: the sum of its entries.

    `record` is the newest version, `version` the entry that brought it, `entry` the original; `seconds` and `points`
    (hundredths) are net; `policy_digest` and `counted` (false where a clause refuses it) are the newest entry's.
    """

    record: ServiceRecord
    supplied: Mapping[str, FactValue]
    entry: int
    seconds: int
    points: int
    policy_digest: str
    counted: bool = True
    version: int = 0


@dataclass(slots=True)
class Past:
    """What a record ever was: the hash of each version ('' of a withdrawal), and the highest version of its registry.

    A record has a life from each original entry on, until it is taken back; `lives` says when each of them began.
    `original` is that of the last one, `newest` its last version's entry.
    """

    hashes: set[str] = field(default_factory=set)
    version: int = 0
    lives: dict[tuple[tuple[VolunteerId, CountyId], int], int] = field(default_factory=dict)
    original: int = 0
    newest: int = 0


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry as it stands in the ledger: the JSON of its body, its postings in the order of their lines, its hash.

    An account of the person is named `<account>/<county>/<volunteer>`, one of the county `<account>/<county>`.
    """

    entry: Entry
    body: bytes
    postings: tuple[Posting, ...]
    hash: bytes = b""


@dataclass(frozen=True, slots=True)
class StoredPolicy:
    """A policy under which something was booked; `content` is what was given to `save_policy`."""

    digest: str
    county: CountyId
    title: str
    first_used_at: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Noted:
    """What an entry says, where nothing but its words is wanted."""

    number: int
    on: date
    actor: str
    reason: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Line:
    """An entry of a passbook without its postings: whose it is, its number and kind, its day, and what it says."""

    volunteer: VolunteerId
    number: int
    kind: str
    on: date
    actor: str
    body: bytes


@dataclass(frozen=True, slots=True)
class HeldFor:
    """A reservation that is open: whose it is, its entry, day and words, for which offer, and its last day."""

    volunteer: VolunteerId
    entry: int
    on: date
    offer: str
    until: date
    body: bytes


@dataclass(frozen=True, slots=True)
class StoredCommand:
    """A key that was used: the hash of what was asked, and the entry that answered."""

    request_hash: str
    entry: int
    kind: str
    body: bytes


class Marks(NamedTuple):
    """What is kept of a fold on its way: before it saw a day, the newest, and since."""

    before: bytes | None
    since: list[bytes]
