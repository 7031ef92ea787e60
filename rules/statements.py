"""A passbook's statement: what happened in a period, under which clause, and what that leaves.

Amounts are hundredths of a point (`points`), seconds (`seconds`) or uses of a perk (`uses`), as `unit` says. A
statement is as of a pair of dates: of what happened up to a day, and was recorded up to an instant.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

from lianxing.rules.assessments import Refusal
from lianxing.rules.facts import CountyId, FactValue, VolunteerId
from lianxing.rules.periods import Period
from lianxing.rules.places import Label
from lianxing.rules.requests import RequestState
from lianxing.rules.standings import Standing

EARNED = "earned"  # what service was worth for ever: no account, nothing is ever spent of it
USES = "uses"  # how often perks were used, each in an account of its own


@dataclass(frozen=True, slots=True)
class Cited:
    """A clause as the policy of an entry had it: its place, and the article of the regulation."""

    clause: str
    at: str
    article: str
    label: Label


@dataclass(frozen=True, slots=True)
class StatedReason:
    """Why a command was refused, as its entry keeps it: a word, the clause, and what was compared."""

    code: str
    clause: str
    at: str
    article: str
    operands: tuple[tuple[str, FactValue], ...]


@dataclass(frozen=True, slots=True)
class Subject:
    """What an entry is about (`kind`): a `record`, `star`, `request`, `offer`, `perk`, `account`, `heir` or `county`.

    `kind` is '' for nothing. `source` is the registry of a record, of another county the entry there; `counterpart` who
    gave or received, of a request whom it serves where that is not who asks; `merchant` where it was had; `cash` is in
    hundredths of a yuan.
    """

    kind: str = ""
    id: str = ""
    label: Label = Label()
    source: str = ""
    units: int = 1
    merchant: str = ""
    counterpart: str = ""
    cash: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """What an entry does to one part of an account: '' is what is available, `held`, `debt` (below zero: owed).

    `after` is the running balance of that part.
    """

    account: str
    part: str
    unit: str
    amount: int
    after: int


@dataclass(frozen=True, slots=True)
class GoneOver:
    """What was there of an account before a change of rules, or came late of it, and what of it goes over."""

    account: str
    unit: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Outside:
    """What an account has not taken in of a record, or of what arrived: `rest`, lost as less than a whole unit; `over`
    what it stores, gone `to` where the county says; `off`, written off when the record became worth less.
    """

    account: str
    unit: str
    rest: int
    over: int
    off: int
    to: str


@dataclass(frozen=True, slots=True)
class Left:
    """What has left an account with a closing, or under one that was over: `where`, and to which heir."""

    account: str
    unit: str
    amount: int
    where: str
    heir: str


@dataclass(frozen=True, slots=True)
class Pooled:
    """What a family earns together: in whose passbook it is; in that one by which member, with which record."""

    account: str
    holder: str
    member: str = ""
    record: str = ""


@dataclass(frozen=True, slots=True)
class StepTold:
    """A step of a review or of a request for service, taken or refused: what, by which body, and what it came to.

    `doing` is a word of `rules.reviewing.Doing`, of a request (`of_request`) one of `rules.requests.Step`. `was` and
    `state` tell how far it had come before the step and after it, None where that is not kept. `day` is the day of the
    record, or of the application for the star. `due` is the last day of the time that runs: of the stage or notice.
    `off_menu`: the menu had the service no longer.
    """

    of_request: bool
    doing: str
    role: str = ""
    day: date | None = None
    was: str | None = None
    state: str | None = None
    due: date | None = None
    suspended: bool = False
    late: bool = False
    nominated: bool = False
    upheld: bool | None = None
    objection: int = 0
    certificate: str = ""
    helper: str = ""
    seconds: int = 0
    served_on: date | None = None
    evaluation: tuple[tuple[Label, Label], ...] = ()
    off_menu: bool = False


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One entry: the day it happened, the instant it was recorded, what it is, and what it changed.

    `corrects` is the entry that it corrects, `concerns` the one that it settles, gives back or uses. `reasons` say why
    a command was refused, `refusals` which clauses took a record out, `gone_over` what a change of rules left,
    `outside` what accounts have not taken in, `pooled` what the family earns together, `left` what has left them with a
    closing, `entitled` what was had by an entitlement that the balance stays for, as unit and amount. `step` is what
    was done in a review or with a request, `unmet` what of the condition of an offer did not hold, in words, `family`
    who was declared, each with the relation; None where nobody declared anything.
    """

    entry: int
    on: date
    recorded_at: int
    kind: str
    command: str
    subject: Subject
    changes: tuple[Change, ...]
    clauses: tuple[Cited, ...]
    actor: str = ""
    reason: str = ""
    corrects: int | None = None
    concerns: int | None = None
    reasons: tuple[StatedReason, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    gone_over: tuple[GoneOver, ...] = ()
    outside: tuple[Outside, ...] = ()
    pooled: tuple[Pooled, ...] = ()
    left: tuple[Left, ...] = ()
    step: StepTold | None = None
    unmet: tuple[Label, ...] = ()
    entitled: tuple[str, int] | None = None
    family: tuple[tuple[str, str], ...] | None = None


@dataclass(frozen=True, slots=True)
class AccountState:
    """An account on a day: what may be spent, what is held, what is owed (above zero).

    `ended` is what ran out before the day and is not booked as such yet, `changed` by how much a change of rules made
    it less, below zero where it made it more, `cancelled` what a sanction has made worthless; none of them is in
    `available`. `over` was reserved until a day before, and is there again, though no entry says so yet. `rest` is less
    than a whole unit and waits for more to come in.
    """

    account: str
    unit: str
    label: Label
    available: int
    held: int = 0
    owed: int = 0
    ended: int = 0
    changed: int = 0
    over: int = 0
    cancelled: int = 0
    rest: int = 0


@dataclass(frozen=True, slots=True)
class Pending:
    """A record that waits: what it would be worth. It can be seen and not spent."""

    entry: int
    on: date
    subject: Subject
    seconds: int
    points: int
    clauses: tuple[Cited, ...]


@dataclass(frozen=True, slots=True)
class EndingLot:
    """What is left of the deposits of a day that end soon; `last_day` is the last on which it can be spent.

    `lot` is the first of them, `source` what all of them came from, empty where they came from several things.
    `taken_by` is the change of rules that takes it on the next day; None where its own time is over.
    """

    account: str
    unit: str
    label: Label
    lot: int
    earned_on: date
    last_day: date
    remaining: int
    source: str
    taken_by: Cited | None = None

    @property
    def days(self) -> tuple[str, date, date, Cited | None]:
        """Return what lots have in common of which people are told together."""
        return self.account, self.earned_on, self.last_day, self.taken_by


def day_by_day(ending: Iterable[EndingLot]) -> tuple[EndingLot, ...]:
    """Return what ends, the first to end first; what one account got of a day and ends alike is told as one."""
    found: dict[tuple[str, date, date, Cited | None], EndingLot] = {}
    for one in sorted(ending, key=lambda one: (one.last_day, one.account, one.lot)):
        first = found.get(one.days)
        if first is None:
            found[one.days] = one
        else:
            source = one.source if one.source == first.source else ""
            found[one.days] = replace(first, remaining=first.remaining + one.remaining, source=source)
    return tuple(found.values())


@dataclass(frozen=True, slots=True)
class HeldRequest:
    """The request that keeps a reservation: its state, and the last day of that; None is until a step ends it.

    Where the organiser confirms what nobody else has, `confirmed_after` is the day after which.
    """

    state: RequestState
    last_day: date | None
    confirmed_after: date | None = None


@dataclass(frozen=True, slots=True)
class OpenHold:
    """A reservation that is neither settled nor given back; `until` is its last day, unless a `request` keeps it.

    `awaits` is the body that still has to approve it, empty where none has, and `decide_by` the last day for that.
    """

    entry: int
    account: str
    unit: str
    amount: int
    until: date
    subject: Subject
    awaits: str = ""
    decide_by: date | None = None
    request: HeldRequest | None = None

    @property
    def last_day(self) -> date | None:
        """Return the last day on which it is reserved; None where that is not said."""
        return self.until if self.request is None else self.request.last_day


@dataclass(frozen=True, slots=True)
class PerkUses:
    """How often a perk was used: in the period that holds the last day, and in all.

    `at_most` is the quota of the period, or of all time where there is no `per`; None where there is none. `since` is
    the first day of the period.
    """

    perk: str
    label: Label
    used: int
    in_all: int
    at_most: int | None = None
    per: Period | None = None
    since: date | None = None


class ClosedFor(NamedTuple):
    """From when a passbook was closed, and from when it was open again, None where it is not."""

    on: date
    reopened_on: date | None


@dataclass(frozen=True, slots=True)
class Statement:
    """The passbook of one person in one county from `since` (None: the beginning) to `until`.

    `known` is the instant up to which entries were recorded, None for everything. `last_entry` and `seal` are the
    number and the hash (hexadecimal) of the last entry known: they prove what the passbook held. `standing` is as of
    `until`.
    """

    volunteer: VolunteerId
    county: CountyId
    title: Label
    time_zone: str
    since: date | None
    until: date
    known: int | None
    notice_days: int
    last_entry: int
    seal: str
    closings: tuple[ClosedFor, ...]
    opening: tuple[AccountState, ...]
    lines: tuple[StatementLine, ...]
    closing: tuple[AccountState, ...]
    pending: tuple[Pending, ...]
    ending: tuple[EndingLot, ...]
    holds: tuple[OpenHold, ...]
    standing: Standing
    uses: tuple[PerkUses, ...] = ()
