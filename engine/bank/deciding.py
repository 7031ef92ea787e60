"""What becomes of one command: the county's rules are asked, the person's wallets change, drafts say what to write.

What every command is decided with stands in `answering`; what becomes of each, in `redeeming` and `giving`.
"""

from __future__ import annotations

from lianxing.engine.bank.answering import (
    Counter,
    Decision,
    LastStep,
    before_in_force,
    county_reason,
    refused,
    wallet_holding,
)
from lianxing.engine.bank.customers import Customer
from lianxing.engine.bank.giving import bring, close, declare, give, grant, reopen
from lianxing.engine.bank.redeeming import (
    approve,
    fetch,
    holds_over,
    redeem,
    refund,
    release,
    reserve,
    settle,
    use_perk,
)
from lianxing.engine.bank.sharing import is_person
from lianxing.engine.bank.star_points import reached
from lianxing.rules.commands import (
    Approve,
    Bring,
    Close,
    Command,
    Declare,
    Decline,
    Fetch,
    Give,
    Grant,
    Redeem,
    Refund,
    Release,
    Reopen,
    Reserve,
    Settle,
    UsePerk,
)


def decide(counter: Counter, command: Command) -> Decision:
    """Return what becomes of a command. The wallets of the people at the counter change with it."""
    customer = counter.people[command.volunteer]
    before = [*reached(counter.rulebook, customer, counter.passing, command.on)]
    # What becomes of a reservation that is over is for the command to say that is about it.
    about = command.entry if isinstance(command, Settle | Release | Approve | Decline) else 0
    holds = holds_over(counter, customer, command.on, about)
    for draft in holds:
        customer.touched_by(draft)
    with customer.sanctioned(command.on):
        decision = _decided(counter, customer, command)
    decision.before = [*before, *holds]
    if decision.accepted:
        _note_step(counter, command, customer.number)
    decision.drafts += counter.passing.taken()
    if decision.accepted:
        counter.fresh_passbooks |= {draft.volunteer for draft in decision.drafts}
    for draft in decision.drafts:
        if (touched := counter.people.get(draft.volunteer)) is not None:
            touched.touched_by(draft)
    return decision


def _decided(counter: Counter, customer: Customer, command: Command) -> Decision:
    early = before_in_force(counter.rulebook, command.on)
    if early is not None:
        return refused(counter, command, [early], clause=early.clause)
    shut = customer.closings.shut(command.on)
    if shut is not None and not isinstance(command, Fetch | Reopen):  # what was paid for is handed over
        return refused(counter, command, [shut.reason(counter.rulebook.policy.county.clause)])
    if isinstance(command, Redeem | UsePerk | Grant | Close | Reopen | Declare | Bring) and not is_person(
        command.volunteer
    ):
        return refused(counter, command, [county_reason(counter.rulebook, "no_person", id=command.volunteer)])
    if isinstance(command, Settle | Release | Refund | Fetch):
        step = _last_step(counter, customer, command.entry)
        if step is not None and command.on < step.on:
            days = {"on": step.on.isoformat(), "day": command.on.isoformat()}
            return refused(counter, command, [county_reason(counter.rulebook, "rests_on", entry=step.entry, **days)])
    match command:
        case Redeem():
            return redeem(counter, customer, command)
        case Reserve():
            return reserve(counter, customer, command)
        case Settle():
            return settle(counter, customer, command)
        case Release():
            return release(counter, customer, command)
        case Approve() | Decline():
            return approve(counter, customer, command)
        case Refund():
            return refund(counter, customer, command)
        case Fetch():
            return fetch(counter, customer, command)
        case Give():
            return give(counter, customer, command)
        case Grant():
            return grant(counter, customer, command)
        case UsePerk():
            return use_perk(counter, customer, command)
        case Close():
            return close(counter, customer, command)
        case Reopen():
            return reopen(counter, customer, command)
        case Declare():
            return declare(counter, customer, command)
        case Bring():
            return bring(counter, customer, command)
        case _:
            raise TypeError(type(command).__name__)


def _last_step(counter: Counter, customer: Customer, entry: int) -> LastStep | None:
    """Return on which step rests what becomes of something that was had or is reserved; None where there is no such."""
    if all(had.entry != entry for had in customer.had) and wallet_holding(customer, entry) is None:
        return None
    id = customer.person.id
    steps = counter.last_step(id, entry), counter.fresh_steps.get((id, entry))
    return max((step for step in steps if step is not None), default=None)


def _note_step(counter: Counter, command: Command, number: int) -> None:
    """Note the day of an entry that is not written yet, for what will rest on it."""
    match command:
        case Redeem() | Reserve() | UsePerk() | Fetch():
            about = number
        case Settle() | Approve():
            about = command.entry
        case _:
            return
    step, before = LastStep(command.on, number), counter.fresh_steps.get((command.volunteer, about))
    counter.fresh_steps[command.volunteer, about] = step if before is None else max(before, step)
