"""Who may approve or decline what was asked for under an offer, and until when: a pure answer from the rules.

An offer with an approver is asked for first: its price is held, and nothing is handed over before that body has
approved it. What is declined goes back to where it came from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from lianxing.engine.rulebook import Rulebook
from lianxing.rules.facts import VolunteerId
from lianxing.rules.redeeming import Quote, Reason
from lianxing.rules.redemption import Approver, Offer


@dataclass(frozen=True, slots=True)
class Approval:
    """Somebody decides on a day, for a body, on what a volunteer asked for on an earlier one."""

    volunteer: VolunteerId
    asked_on: date
    on: date
    role: str
    actor: str
    reason: str = ""
    declines: bool = False


def decide_by(rulebook: Rulebook, offer: Offer, asked_on: date) -> date | None:
    """Return the last day on which what was asked for on a day is decided in time; None where no time is set."""
    if offer.approver is None or offer.approver.within is None:
        return None
    ruled = max(asked_on, rulebook.policy.county.in_force_from)
    return rulebook.calendar.end_of_period(asked_on, offer.approver.within.on(ruled))


def is_late(rulebook: Rulebook, offer: Offer, asked_on: date, on: date) -> bool:
    """Tell whether the time to decide is over."""
    last = decide_by(rulebook, offer, asked_on)
    return last is not None and on > last


def approval(rulebook: Rulebook, offer: Offer, asked: Approval) -> Quote:
    """Return whether this decision may be taken, and every reason why not."""
    reasons = tuple(_refusals(rulebook, offer, asked))
    return Quote(offer.clause, not reasons, reasons)


def handover(offer: Offer, *, approved: bool) -> Quote:
    """Tell whether what is held may be handed over: not before it was approved, where the offer wants that."""
    approver = offer.approver
    waits = approver is not None and not approved
    reasons = (_reason(offer, approver, "awaits_approval", by=approver.by),) if approver is not None and waits else ()
    return Quote(offer.clause, not reasons, reasons)


def _refusals(rulebook: Rulebook, offer: Offer, asked: Approval) -> Iterator[Reason]:
    approver = offer.approver
    if approver is None:
        yield Reason("no_approver", offer.clause, offer.clause.location)
        return
    if not asked.actor.strip():
        yield _reason(offer, approver, "no_actor")
    if asked.actor == asked.volunteer:
        yield _reason(offer, approver, "own_matter")
    if asked.role != approver.by:
        yield _reason(offer, approver, "not_the_role", by=approver.by, role=asked.role)
    if asked.on < asked.asked_on:
        yield _reason(offer, approver, "before_the_last_step", last=asked.asked_on.isoformat())
    needs_reason = asked.declines or is_late(rulebook, offer, asked.asked_on, asked.on)
    if needs_reason and not asked.reason.strip():
        yield _reason(offer, approver, "reason_missing")


def _reason(offer: Offer, approver: Approver, code: str, **operands: str) -> Reason:
    return Reason(code, offer.clause, approver.location, tuple(operands.items()))
