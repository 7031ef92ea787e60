"""What new, corrected and withdrawn records of one person come to: the person is folded again, the difference booked.

A record that comes late, or comes again with other content, changes what the later ones are worth. The result is always
what it would have been had everything come in the right order; what was booked before stays, and entries that name the
original book the difference.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from lianxing.engine.counting import Fold, Supplied, counted, revocations
from lianxing.engine.explaining import body_of
from lianxing.engine.ledger.contents import VERSION
from lianxing.engine.ledger.drafts import Booking
from lianxing.engine.ledger.stored import Held
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.assessments import Assessment
from lianxing.rules.hours import Overflow
from lianxing.rules.policy import Policy
from lianxing.rules.records import Order, ServiceRecord, Volunteer
from lianxing.rules.standings import Counted

_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """A record as it is now: new, with other content than before, or taken back by its registry."""

    record: ServiceRecord
    supplied: Supplied
    withdrawn: bool = False
    again: bool = False  # the record is booked already, with other content
    actor: str = ""
    reason: str = ""
    content: bytes | None = None  # of the record, where it has been worked out
    version: int = 0  # of the withdrawal, as its registry numbers it


@dataclass(slots=True)
class Recount:
    """What is to be booked, each booking with its assessment (None for a withdrawal), and the history after it."""

    bookings: list[Booking] = field(default_factory=list)
    assessments: list[Assessment | None] = field(default_factory=list)
    before: dict[_Key, Held] = field(default_factory=dict)
    after: list[Counted] = field(default_factory=list)
    same: list[tuple[Assessment, Held]] = field(default_factory=list)  # see `stays`
    fold: Fold | None = None  # as it stands after the last record

    def add(self, booking: Booking, assessment: Assessment | None) -> None:
        self.bookings.append(booking)
        self.assessments.append(assessment)

    def stays(self, rulebook: Rulebook, assessment: Assessment, before: Held) -> None:
        """Note that a record is worth what it was: over a limit it may all the same be by more or less."""
        if rulebook.once(limits_fill_pools):
            self.same.append((assessment, before))
            self.before[before.record.key] = before

    def also(self, assessment: Assessment, before: Held) -> None:
        """Book that of a record something else is over a limit than before, in the order of the records."""
        at = bisect_left(self.bookings, _place(assessment.record), key=lambda one: _place(one.record, one.kind))
        self.bookings.insert(at, booking_of(assessment, before, None))
        self.assessments.insert(at, assessment)
        self.after.append(counted(assessment))


def limits_fill_pools(policy: Policy) -> bool:
    """Tell whether what is over a limit goes to a pool."""
    return any(map(goes_to_the_pool, (*policy.hours, *policy.earning)))


def goes_to_the_pool(step: object) -> bool:
    return getattr(step, "overflow", None) is Overflow.DONATION_POOL


def _place(record: ServiceRecord, kind: str = "") -> tuple[bool, Order]:
    """Return where a booking stands among those of a person: what is taken back first, then in order."""
    return kind != "withdrawn", record.order


def recount(
    rulebook: Rulebook,
    person: Volunteer,
    held: Sequence[Held],
    changes: Sequence[Change],
    begun: Fold | None = None,
    seen: Callable[[Fold, Counted], None] = lambda _fold, _past: None,
) -> Recount:
    """Return what changes of a person's records come to; `held` is what is booked, in any order.

    A record before the first that changes keeps what it has, whatever the policy says by now. A fold that was `begun`
    has seen all that is not in `held`, and no record among these takes another one out. `seen` is told of each record
    when the fold has just taken it.
    """
    done = Recount(before={one.record.key: one for one in held})
    changed = {change.record.key: change for change in changes}
    stays = [(one.record, one.supplied) for one in held if one.record.key not in changed]
    came = [(change.record, change.supplied) for change in changes if not change.withdrawn]
    history = sorted([*stays, *came], key=lambda one: one[0].order)
    was = [(one.record, one.supplied) for one in held]
    first = _first_changed(rulebook, person, was, history, changes, done.before)
    for one in changes:
        if one.withdrawn and one.record.key in done.before:
            done.add(_withdrawal(rulebook, done.before[one.record.key], one), None)
    fold = done.fold = begun or Fold(rulebook, person, revocations(rulebook, person, history))
    for record, supplied in history:
        assessment = fold.assess(record, supplied)
        before = done.before.get(record.key)
        change = changed.get(record.key)
        kept = before is not None and change is None and record.order < first
        done.after.append(as_counted(before) if kept and before is not None else counted(assessment))
        if kept and before is not None and differs(assessment, before):
            fold.stands_otherwise()
        seen(fold, done.after[-1])
        if kept:
            continue
        if change is not None or before is None or differs(assessment, before):
            done.add(booking_of(assessment, before, change), assessment)
        else:
            done.stays(rulebook, assessment, before)
    return done


def as_counted(held: Held) -> Counted:
    """Return what the ledger holds of a record as history sees it."""
    return Counted(held.record, held.supplied, held.seconds, held.points, held.counted)


def differs(assessment: Assessment, before: Held) -> bool:
    """Tell whether a record is worth something else than what is booked."""
    worth = (assessment.seconds, assessment.points, assessment.counted)
    return worth != (before.seconds, before.points, before.counted)


def booking_of(assessment: Assessment, before: Held | None, change: Change | None) -> Booking:
    """Return the booking of an assessment: against what is booked `before`, because of a `change` of this record."""
    return Booking(
        kind="original" if before is None else "adjusting" if change is None else "corrected",
        record=assessment.record,
        seconds=assessment.seconds - (0 if before is None else before.seconds),
        points=assessment.points - (0 if before is None else before.points),
        policy_digest=assessment.policy_digest,
        body=orjson.dumps(body_of(assessment)),
        supplied=assessment.supplied or {},
        adjusts=None if before is None else before.entry,
        counted=assessment.counted,
        supersedes=before.version if before is not None and change is not None else None,
        actor="" if change is None else change.actor,
        reason="" if change is None else change.reason,
        content=None if change is None else change.content,
    )


def _withdrawal(rulebook: Rulebook, before: Held, change: Change) -> Booking:
    digest = rulebook.policy.digest
    nothing = Assessment(before.record, digest, 0, 0, (), counted=False)
    return Booking(
        kind="withdrawn",
        record=before.record,
        seconds=-before.seconds,
        points=-before.points,
        policy_digest=digest,
        body=orjson.dumps(
            {**body_of(nothing), "withdrawn": True} | ({VERSION: change.version} if change.version else {})
        ),
        supplied={},
        adjusts=before.entry,
        counted=False,
        supersedes=before.version,
        actor=change.actor,
        reason=change.reason,
    )


def _first_changed(
    rulebook: Rulebook,
    person: Volunteer,
    was: Sequence[tuple[ServiceRecord, Supplied]],
    is_now: Sequence[tuple[ServiceRecord, Supplied]],
    changes: Sequence[Change],
    before: Mapping[_Key, Held],
) -> Order:
    """Return the order of the first record whose worth may change: it changes, or one takes it out or lets it in."""
    orders = [change.record.order for change in changes if not change.withdrawn]
    orders += [before[change.record.key].record.order for change in changes if change.record.key in before]
    if not orders:
        return (2**63, 0, "", "")
    taken_out, were_out = (revocations(rulebook, person, history) for history in (is_now, was))
    turned = {key for key in {*taken_out, *were_out} if (key in taken_out) != (key in were_out)}
    orders += _orders(turned, is_now)
    return min(orders)


def _orders(keys: set[tuple[str, str]], history: Iterable[tuple[ServiceRecord, Supplied]]) -> list[Order]:
    return [record.order for record, _supplied in history if record.key in keys] if keys else []
