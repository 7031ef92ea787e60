"""When a passbook is closed and when it is open again, and under which closing leaves what comes in late.

A closing is an interval: from its day to the eve of the day on which the passbook was opened again. What is of a day
before that, and comes later, goes where the rest of the accounts went then: as if it had come in time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import orjson

from lianxing.engine.ledger.drafts import CLOSED, REOPENED
from lianxing.engine.wallets import goes
from lianxing.rules.accounts import Account, Closing
from lianxing.rules.closures import ClosingEvent
from lianxing.rules.facts import FactValue, VolunteerId
from lianxing.rules.places import Clause
from lianxing.rules.redeeming import Reason

SHUT, SHUT_THEN = "closed_passbook", "before_reopening"
WORTHLESS = "worthless_to"  # of an account in the body of a closing: what was earned until then a sanction cancels
LEFT_UNDER = "left_under"  # in the body of a record: the entry of the closing under which it has left


@dataclass(frozen=True, slots=True)
class Closed:
    """When and why a passbook was closed, who inherits, and which accounts go along when one moves.

    `said` is where the balance of each account went by the rules of then: what comes late goes there, too. `worthless`
    is until when what was earned was worth nothing then, by a sanction: of that nothing goes anywhere.
    `reopened_on` is the day from which it is open again, None where it is not; `reopened_by` the entry that says so.
    """

    on: date
    event: ClosingEvent
    heir: VolunteerId = VolunteerId("")
    entry: int = 0
    portable: Mapping[str, str] = field(default_factory=dict)
    said: Mapping[str, Closing] = field(default_factory=dict)
    worthless: Mapping[str, date] = field(default_factory=dict)
    reopened_on: date | None = None
    reopened_by: int = 0

    def where(self, account: Account) -> Closing | None:
        """Return where the balance of an account goes; of one that is newer than the closing, by its own rules."""
        said = self.said.get(account.clause.id)
        return said if said is not None or account.closure is None else goes(account.closure, self.event)

    def before_it_opened(self, day: date) -> bool:
        """Tell whether a day is before the passbook was open again."""
        return self.reopened_on is None or day < self.reopened_on

    def reason(self, clause: Clause) -> Reason:
        """Return why the passbook accepts nothing of a day."""
        operands: dict[str, FactValue] = {"on": self.on.isoformat()}
        if self.reopened_on is not None:
            operands["reopened_on"] = self.reopened_on.isoformat()
        code = SHUT if self.reopened_on is None else SHUT_THEN
        return Reason(code, clause, clause.location, tuple(operands.items()))


@dataclass(frozen=True, slots=True)
class Closings:
    """Every closing of a passbook, in their order."""

    all: tuple[Closed, ...] = ()

    @property
    def now(self) -> Closed | None:
        """The closing under which the passbook is closed; None where it is open."""
        return self.all[-1] if self.all and self.all[-1].reopened_on is None else None

    def shut(self, day: date) -> Closed | None:
        """Return why nothing of a day is accepted: the passbook is closed, or was opened again on a later day only."""
        return self.all[-1] if self.all and self.all[-1].before_it_opened(day) else None

    def during(self, day: date) -> Closed | None:
        """Return the closing under which the passbook was closed on a day."""
        return next((one for one in self.all if one.on <= day and one.before_it_opened(day)), None)

    def under(self, day: date) -> Closed | None:
        """Return the closing under which leaves what is of a day; None where it stays."""
        return next((one for one in self.all if one.before_it_opened(day)), None)

    def up_to(self, entry: int) -> Closings:
        """Return the closings as they were after an entry."""
        found = (one for one in self.all if one.entry <= entry)
        return Closings(
            tuple(one if one.reopened_by <= entry else replace(one, reopened_on=None, reopened_by=0) for one in found)
        )

    def closed(self, one: Closed) -> Closings:
        """Return the closings with one more."""
        return Closings((*self.all, one))

    def reopened(self, on: date, entry: int) -> Closings:
        """Return the closings where the last one ends on the eve of a day."""
        return Closings((*self.all[:-1], replace(self.all[-1], reopened_on=on, reopened_by=entry)))

    def after(self, kind: str, on: date, entry: int, body: bytes) -> Closings:
        """Return the closings after an entry that closes the passbook or opens it again."""
        if kind == CLOSED:
            return self.closed(closed_by(on, entry, body))
        if kind == REOPENED and self.now is not None:
            return self.reopened(on, entry)
        return self


OPEN = Closings()


def says_what_left(body: bytes) -> bool:
    """Tell whether the body of a late record says what of it has left, be it nothing that can be brought."""
    return f'"{LEFT_UNDER}":'.encode() in body


def is_of_record(body: bytes) -> bool:
    """Tell whether a body is that of a record, which says itself what of it has left a closed passbook."""
    return bool(body) and "workings" in orjson.loads(body)


def left_in(body: bytes) -> Iterator[tuple[str, str, str, int]]:
    """Yield what of a late record can be brought elsewhere, as its body says: unit, day, last day and amount."""
    said = orjson.loads(body) if says_what_left(body) else {}
    for one in said.get("closes", ()) if LEFT_UNDER in said else ():
        if one["where"] == Closing.PORTABLE.value:
            yield from ((str(one["unit"]), str(since), str(last), int(amount)) for since, last, amount in one["parts"])


def closed_by(on: date, entry: int, body: bytes) -> Closed:
    """Return what the entry says by which a passbook was closed."""
    return closed_in(on, entry, orjson.loads(body))


def closed_in(on: date, entry: int, body: Mapping[str, Any]) -> Closed:
    """Return what the body of a closing says."""
    asked: Mapping[str, str] = body.get("asked", {})
    closes: Sequence[Mapping[str, str]] = body.get("closes", ())
    return Closed(
        on,
        ClosingEvent(asked.get("event", ClosingEvent.LEAVING.value)),
        VolunteerId(asked.get("heir", "")),
        entry,
        body.get("portable", {}),
        {one["clause"]: Closing(one["where"]) for one in closes},
        {one["clause"]: date.fromisoformat(one[WORTHLESS]) for one in closes if WORTHLESS in one},
    )
