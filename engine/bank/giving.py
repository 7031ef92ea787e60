"""What passes from somebody to somebody else: gifts, grants of a fund, what a closed passbook leaves; who is family."""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Iterator
from datetime import date
from typing import Any

from lianxing.engine import wallets
from lianxing.engine.accounts import belongs
from lianxing.engine.bank.answering import (
    Brought,
    Counter,
    Decision,
    body_of,
    county_reason,
    entered,
    not_frozen,
    not_held,
    of_wallet,
    refused,
)
from lianxing.engine.bank.booking import UNITS, Effects, besides, clause_data, first_lot
from lianxing.engine.bank.customers import Customer
from lianxing.engine.bank.leaving import closes_data, left_over
from lianxing.engine.bank.passing import Arrival, From
from lianxing.engine.bank.sharing import account_in, fund, is_person, may_hold, organisation_owner
from lianxing.engine.closings import WORTHLESS, closed_in
from lianxing.engine.ledger.drafts import BROUGHT, CLOSED, DECLARED, REOPENED
from lianxing.engine.rulebook import ISSUES
from lianxing.engine.wallet import DONATION_POOL, ISSUED, PERSONAL, TRANSIT, Part
from lianxing.engine.wallets import goes
from lianxing.rules.accounts import Account, Closing, Recipient
from lianxing.rules.closures import REOPENS, ClosingEvent
from lianxing.rules.commands import Bring, Close, Declare, Give, Grant, Reopen
from lianxing.rules.facts import VolunteerId
from lianxing.rules.families import AS_RECIPIENT, Relation
from lianxing.rules.places import Location
from lianxing.rules.policy import Policy
from lianxing.rules.redeeming import Reason


def give(counter: Counter, customer: Customer, command: Give) -> Decision:
    account = customer.account(command.account)
    if account is None:
        return refused(counter, command, [county_reason(counter.rulebook, "no_account", account=command.account)])
    clause = account.clause
    wrong = [*not_held(customer, account), *_not_for(counter, command, account)]
    wrong += not_frozen(customer, account, command.on)
    if wrong:
        return refused(counter, command, wrong, clause=clause)
    if _is_unknown(counter, command):  # a misspelt id must not open a passbook
        return refused(counter, command, [county_reason(counter.rulebook, "unknown_recipient", id=command.recipient)])
    owner = receiver_of(command)
    receiver = None if owner is None else counter.people[owner]
    shut = None if receiver is None else receiver.closings.shut(command.on)
    if shut is not None:
        return refused(counter, command, [shut.reason(counter.rulebook.policy.county.clause)])
    into = account if owner is None else account_in(counter.rulebook.policy, owner, account)
    if into is None:
        return refused(counter, command, [Reason("recipient", clause, clause.location)], clause=clause)
    wallet = customer.wallet(account)
    before = besides(wallet)
    wallet.next_lot = first_lot(customer.number + 1)
    done = wallets.give(wallet, command.on, command.amount, command.to_whom)
    decision = of_wallet(counter, customer, command, "given", wallet, done, before)
    if owner is not None and done.refused is None:
        came = From(command.volunteer, "gift", command.actor, command.reason)
        parts = wallets.given_parts(wallet, done)
        source = f"gift/{command.volunteer}"
        counter.passing.receives(Arrival(owner, into, command.on, command.amount, source, came, parts))
    return decision


def receiver_of(command: Give) -> VolunteerId | None:
    """Return in whose passbook a gift arrives; None is the pool, whatever there is of one."""
    if command.to_whom is Recipient.INSTITUTION:
        return organisation_owner(command.recipient)
    return command.recipient or None


def _not_for(counter: Counter, command: Give, account: Account) -> Iterator[Reason]:
    """Yield what is wrong with whom a gift is for."""
    clause = account.clause
    to, whom = command.recipient, command.to_whom
    if whom is Recipient.POOL:
        if to:
            yield Reason("recipient", clause, clause.location)
    elif not to or to == command.volunteer or (whom is not Recipient.INSTITUTION and not is_person(to)):
        yield Reason("recipient", clause, clause.location)
    elif whom in (Recipient.SPOUSE, Recipient.LINEAL_RELATIVE):
        relation = counter.family_of(command.volunteer).get(to)
        if relation is None or AS_RECIPIENT.get(relation) is not whom:
            yield Reason("not_declared", clause, clause.location, (("for_whom", whom.value),))


def _is_unknown(counter: Counter, command: Give) -> bool:
    """Tell whether a gift is for a person of whom the ledger has never heard, the giver's declared family included."""
    to = command.recipient
    if not to or command.to_whom is Recipient.INSTITUTION or to in counter.family_of(command.volunteer):
        return False
    return not counter.knows(to)


def grant(counter: Counter, customer: Customer, command: Grant) -> Decision:
    account = customer.account(command.account)
    if account is None:
        return refused(counter, command, [county_reason(counter.rulebook, "no_account", account=command.account)])
    on = command.on
    wallet = customer.wallet(account)
    clause = account.clause
    if not may_hold(account, command.volunteer) or not belongs(counter.rulebook, account, on, customer.facts(on)):
        return refused(counter, command, [Reason("holder", clause, clause.location)], clause=clause)
    before = besides(wallet)
    wallet.next_lot = first_lot(customer.number + 1)
    holding = counter.rulebook.ask(ISSUES, on, customer.facts(on), customer.measures(on))
    due = (index for index, amount in wallets.grants_due(wallet, on, holding) if amount == command.amount)
    index = next(due, None)
    pool = None if index is None else fund(counter.rulebook.policy, account, account.issue[index].provider)
    if pool is not None and (short := counter.passing.lacks(pool, on, command.amount)) is not None:
        return refused(counter, command, [short], clause=clause)
    done = wallets.issue(wallet, on, command.amount, holding)
    if pool is not None and done.refused is None:
        lines = tuple(line._replace(account=TRANSIT) if line.account == ISSUED else line for line in done.lines)
        done = done._replace(lines=lines)
        to = From(command.volunteer, "grant", command.actor, command.reason)
        decision = of_wallet(counter, customer, command, "granted", wallet, done, before)
        counter.passing.pays_out(pool, on, command.amount, to)
        return decision
    return of_wallet(counter, customer, command, "granted", wallet, done, before)


def declare(counter: Counter, customer: Customer, command: Declare) -> Decision:
    body = body_of(command, clause=counter.rulebook.policy.county.clause)
    body["family"] = [[id, relation.value] for id, relation in command.family]
    if any(id == command.volunteer or not is_person(id) for id, _relation in command.family):
        return refused(counter, command, [county_reason(counter.rulebook, "own_family")])
    if reasons := [*_declared_twice(counter, command)]:
        return refused(counter, command, reasons)
    counter.fresh_families[command.volunteer] = dict(command.family)
    return Decision([entered(counter, customer, command, DECLARED, body, Effects())], body)


def _declared_twice(counter: Counter, command: Declare) -> Iterator[Reason]:
    """Yield who is declared as more than one, and that there is more than one spouse."""
    ids = Counts(id for id, _relation in command.family)
    for id in (id for id, times in ids.items() if times > 1):
        yield county_reason(counter.rulebook, "declared_twice", id=id)
    spouses = dict.fromkeys(id for id, relation in command.family if relation is Relation.SPOUSE)
    if len(spouses) > 1:
        yield county_reason(counter.rulebook, "one_spouse", ids=", ".join(spouses))


def bring(counter: Counter, customer: Customer, command: Bring) -> Decision:
    """Take in what has left when a passbook was closed, there or here; the days of its lots stay what they were."""
    policy = counter.rulebook.policy
    which = command.volunteer, command.from_county, command.entry
    here = command.from_county == policy.county.id
    found = (counter.fresh_left.get(which) if here else None) or counter.brought(*which)
    if not found or which in counter.fresh_brought:
        return refused(counter, command, [county_reason(counter.rulebook, "nothing_to_bring", entry=command.entry)])
    left_on = max(one.left_on for one in found)
    if command.on < left_on:
        days = {"on": left_on.isoformat(), "day": command.on.isoformat()}
        early = county_reason(
            counter.rulebook, "before_it_left", county=command.from_county, entry=command.entry, **days
        )
        return refused(counter, command, [early])
    effects = Effects()
    into: list[tuple[Account, Brought]] = []
    for one in found:
        account = _account_for(policy, command, one.unit)
        if account is None:
            return refused(counter, command, [county_reason(counter.rulebook, "no_account", account=one.unit)])
        into.append((account, one))
    if command.account and all(account.clause.id != command.account for account, _one in into):
        return refused(counter, command, [county_reason(counter.rulebook, "no_account", account=command.account)])
    number = customer.number + 1
    for account, one in into:
        wallet = customer.wallet(account)
        wallet.next_lot = max(wallet.next_lot, first_lot(number))
        before = besides(wallet)
        source = f"moved/{command.from_county}"
        amount = sum(part for _earned, _last, part in one.parts)
        effects.add(wallet, wallets.receive(wallet, command.on, amount, source, lots=one.parts), before)
    body = body_of(command, clause=policy.county.clause)
    counter.fresh_brought.add(which)
    body["brought"] = [[account.clause.id, one.unit, sum(part[2] for part in one.parts)] for account, one in into]
    return Decision([entered(counter, customer, command, BROUGHT, body, effects)], body)


def _account_for(policy: Policy, command: Bring, unit: str) -> Account | None:
    """Return the account that takes what is brought in a unit: the one that is named, else the first of its unit."""
    fitting = [a for a in policy.accounts if UNITS[a.unit] == unit and may_hold(a, command.volunteer)]
    return next((a for a in fitting if a.clause.id == command.account), next(iter(fitting), None))


def close(counter: Counter, customer: Customer, command: Close) -> Decision:
    effects = Effects()
    reasons: list[Reason] = []
    accounts = counter.rulebook.policy.accounts
    for account in customer.accounts_held:
        wallet = customer.wallet(account)
        if account.closure is None and account in accounts:
            if wallet.lasting(command.on) or wallet.debt or wallet.holds:
                reasons.append(Reason("closure", account.clause, account.clause.location))
            continue
        last = max((lot.earned_on for lot in wallet.lasting(command.on)), default=date.min)
        if last > command.on:
            clause = account.clause
            reasons.append(Reason("earned_later", clause, clause.location, (("on", last.isoformat()),)))
        if wallet.holds:
            clause = account.clause
            operands = (("held", wallet.held), ("unit", account.unit.value))
            reasons.append(Reason("open_holds", clause, clause.location, operands))
    if reasons:
        return refused(counter, command, reasons)
    heirs = [*_no_heir(counter, command)]
    if heirs:
        return refused(counter, command, heirs)
    went: dict[str, int] = {}
    portable: dict[str, str] = {}
    leaves: dict[str, list[Part]] = {}
    closes: list[dict[str, Any]] = []
    inherited: list[tuple[Account, int, list[Part]]] = []
    for account in counter.rulebook.policy.accounts:
        wallet = customer.wallet(account)
        before = besides(wallet)
        wallet.next_lot = first_lot(customer.number + 1)
        if account.closure is None:  # nothing is there but what has ended
            done = wallets.expire(wallet, command.on)
        else:
            done = wallets.close(wallet, command.on, command.event)
        left = left_over(wallet, done, command.on)
        effects.add(wallet, done, before)
        if account.closure is not None:
            where = goes(account.closure, command.event)
            worthless = {} if wallet.cancelled_to == date.min else {WORTHLESS: wallet.cancelled_to.isoformat()}
            closes.append(closes_data(account, where, done) | worthless)
            if where is Closing.PORTABLE:
                portable[account.clause.id] = UNITS[account.unit]
                leaves.setdefault(UNITS[account.unit], []).extend(left)
        for line in done.lines:
            if line.account and line.account not in PERSONAL:
                went[f"{account.clause.id}/{line.account}"] = line.amount
        unit = UNITS[account.unit]
        effects.redirect(Closing.TO_POOL.value, unit, DONATION_POOL)
        effects.redirect(Closing.PORTABLE.value, unit, TRANSIT)
        amount = effects.redirect(Closing.INHERITED.value, unit, TRANSIT)
        if amount:
            inherited.append((account, amount, left))
    nowhere_said = None if closes else counter.rulebook.policy.county.clause
    body = body_of(command, clause=nowhere_said) | {"went": went, "closes": closes}
    body["portable"] = portable
    draft = entered(counter, customer, command, CLOSED, body, effects)
    for account, amount, left in inherited:
        came = From(command.volunteer, "inheritance", command.actor, command.reason)
        into = account_in(counter.rulebook.policy, command.heir, account) or account
        source = f"inheritance/{command.volunteer}"
        counter.passing.receives(Arrival(command.heir, into, command.on, amount, source, came, tuple(left)))
    customer.closings = customer.closings.closed(closed_in(command.on, customer.number, body))
    gone = [Brought(unit, tuple(parts), command.on) for unit, parts in leaves.items() if parts]
    counter.fresh_left[command.volunteer, counter.rulebook.policy.county.id, customer.number] = gone
    return Decision([draft], body)


def reopen(counter: Counter, customer: Customer, command: Reopen) -> Decision:
    """Open a closed passbook again: never after a death, and after each other event as the accounts say."""
    county = counter.rulebook.policy.county.clause
    closed = customer.closings.now
    if closed is None:
        return refused(counter, command, [county_reason(counter.rulebook, "not_closed")])
    if closed.event is ClosingEvent.DEATH:
        return refused(counter, command, [county_reason(counter.rulebook, "closed_by_death", on=closed.on.isoformat())])
    if command.on < closed.on:
        days = {"on": closed.on.isoformat(), "day": command.on.isoformat()}
        return refused(counter, command, [county_reason(counter.rulebook, "rests_on", entry=closed.entry, **days)])
    said = [account for account in counter.rulebook.policy.accounts if account.closure is not None]
    forbid = [account for account in said if account.closure and closed.event not in account.closure.reopens]
    operands = (("event", closed.event.value),)
    reasons = [Reason("reopens", account.clause, _closure_at(account), operands) for account in forbid]
    if not said and closed.event not in REOPENS:
        reasons = [Reason("reopens", county, county.location, operands)]
    if reasons:
        return refused(counter, command, reasons)
    body = body_of(command, clause=None if said else county) | {
        "entry": closed.entry,
        "closed_on": closed.on.isoformat(),
        "opens": [{**clause_data(account.clause), "at": str(_closure_at(account))} for account in said],
    }
    draft = entered(counter, customer, command, REOPENED, body, Effects())
    customer.closings = customer.closings.reopened(command.on, customer.number)
    return Decision([draft], body)


def _closure_at(account: Account) -> Location:
    assert account.closure is not None
    return account.closure.location


def _no_heir(counter: Counter, command: Close) -> Iterator[Reason]:
    """Yield why nobody can inherit what is inherited: an heir of the declared family has to be named."""
    customer, heir = counter.people[command.volunteer], command.heir
    for account in counter.rulebook.policy.accounts:
        if account.closure is None or goes(account.closure, command.event) is not Closing.INHERITED:
            continue
        if not heir and customer.wallet(account).available(command.on) <= 0:
            continue
        if heir not in counter.family_of(command.volunteer):  # what comes in later goes to whoever is named
            yield Reason("heir", account.clause, account.clause.location, (("id", heir),))
        elif (shut := counter.people[heir].closings.shut(command.on)) is not None:
            yield shut.reason(counter.rulebook.policy.county.clause)
