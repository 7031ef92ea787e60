"""What perks, sanctions, accounts, offers and the menu name of each other has to exist and to fit."""

from __future__ import annotations

from collections.abc import Iterator

from lianxing.engine.reading.menu import MENU_WORDS
from lianxing.engine.reading.notes import nearest
from lianxing.engine.reading.vocabulary import WORDS
from lianxing.rules.accounts import Account, Borrow, Holder, Purpose, Unit
from lianxing.rules.conditions import facts_of
from lianxing.rules.earning import Floor, LimitPoints, LimitStep
from lianxing.rules.facts import FactType, Scope
from lianxing.rules.hours import LimitTime, Revoke
from lianxing.rules.measures import Total
from lianxing.rules.periods import Period
from lianxing.rules.perks import EachFull
from lianxing.rules.places import Label, Location
from lianxing.rules.policy import Policy
from lianxing.rules.problems import Problem
from lianxing.rules.redemption import Gives, Offer
from lianxing.rules.stars import Below

HOURS, POINTS, NOTHING = "hours", "points", "nothing"


def what_is_named(policy: Policy) -> Iterator[Problem]:
    """Yield where a statement names another one that is not there, or that cannot be what it is named as."""
    yield from _choices(policy)
    yield from _measures(policy)
    yield from _pools(policy)
    yield from _earnings(policy)
    yield from _balances(policy)
    yield from _changed_accounts(policy)
    yield from _repairs(policy)
    yield from _revocations(policy)
    yield from _stars_that_undo_themselves(policy)
    for offer in policy.offers:
        yield from _paid_from(policy, offer.account, offer.price_type, offer.place("account"), offer.place("price"))
        account = _account(policy, offer.account)
        # A voucher is for goods.
        gives = "goods" if offer.gives is Gives.VOUCHER else offer.gives.value
        if account is not None and gives not in {purpose.value for purpose in account.spent_on}:
            details = (("gives", Label(WORDS[gives], gives)), ("account", account.clause.id))
            yield Problem("P643", offer.place("gives"), details)
        if offer.approver is not None and not (account is not None and _is_held(offer, account)):
            yield Problem("P651", offer.approver.location, (("account", offer.account),))
    for request in policy.menu:
        if request.priced is not None:
            priced = request.priced
            yield from _paid_from(policy, priced.account, priced.price_type, priced.location, priced.price.location)
            account = _account(policy, priced.account)
            if account is not None and Purpose.SERVICE not in account.spent_on:
                service = Purpose.SERVICE.value
                details = (("gives", Label(WORDS[service], service)), ("account", account.clause.id))
                yield Problem("P643", priced.location, details)


def _is_held(offer: Offer, account: Account) -> bool:
    """Tell whether something is reserved for every redemption: what waits for an approver has to be there meanwhile."""
    prices = [since.value for cell in offer.price.cells.values() for since in cell.value.entries]
    shares = [since.value for since in offer.partial.at_least.entries] if offer.partial is not None else []
    return account.hold_days is not None and not offer.watermark and all(number > 0 for number in (*prices, *shares))


def _account(policy: Policy, id: str) -> Account | None:
    return next((account for account in policy.accounts if account.clause.id == id), None)


def _unknown_account(policy: Policy, id: str, place: Location) -> Problem:
    known = [account.clause.id for account in policy.accounts]
    return Problem("P640", place, (("id", id), ("known", ", ".join(known))), nearest(id, known))


def _paid_from(policy: Policy, id: str, type: FactType, at: Location, price_at: Location) -> Iterator[Problem]:
    account = _account(policy, id)
    if account is None:
        yield _unknown_account(policy, id, at)
    elif account.unit.type is not type:
        yield Problem("P642", price_at, (("found", Unit.of(type).label), ("unit", account.unit.label)))


def _changed_accounts(policy: Policy) -> Iterator[Problem]:
    for transition in policy.transitions:
        for said in transition.accounts:
            account = _account(policy, said.account)
            if account is None:
                yield _unknown_account(policy, said.account, said.location)
            elif said.in_points is not None and said.in_points is not (account.unit is Unit.POINTS):
                found = Unit.POINTS if said.in_points else Unit.HOURS
                yield Problem("P642", said.location, (("found", found.label), ("unit", account.unit.label)))


def _pools(policy: Policy) -> Iterator[Problem]:
    for account in policy.accounts:
        if not isinstance(account.overdraft, Borrow):
            continue
        lender = _account(policy, account.overdraft.account)
        if lender is None:
            yield _unknown_account(policy, account.overdraft.account, account.overdraft.location)
        elif lender.holder is not Holder.POOL or lender.unit is not account.unit:
            yield Problem("P641", account.overdraft.location, (("id", lender.clause.id),))


def _earnings(policy: Policy) -> Iterator[Problem]:
    """Each record brings what it adds to the measure on its own day: of a sum that is known, of nothing else."""
    measures = {measure.clause.id: measure for measure in policy.measures}
    for account in policy.accounts:
        of = measures.get(account.earned_from)
        if of is None or (of.total is Total.SUM and not of.best_of and of.window.holds_its_own_day):
            continue
        yield Problem("P655", account.clause.location, (("id", account.clause.id), ("measure", of.clause.id)))


def _balances(policy: Policy) -> Iterator[Problem]:
    """What a record earns rests on records alone: a balance from which somebody spends is capped in the account."""
    of = {measure.clause.id: measure.of for measure in policy.measures} | {HOURS: HOURS, POINTS: POINTS}
    personal = [account for account in policy.accounts if account.holder in (Holder.PERSON, Holder.FAMILY)]
    for unit, steps in ((HOURS, policy.hours), (POINTS, policy.earning)):
        kept = next((account.clause.id for account in personal if of.get(account.earned_from) == unit), None)
        for step in steps if kept is not None else ():
            if isinstance(step, LimitTime | LimitPoints | LimitStep | Floor) and step.per is Period.BALANCE:
                yield Problem("P652", step.clause.location, (("account", str(kept)),))


def _stars_that_undo_themselves(policy: Policy) -> Iterator[Problem]:
    """What is counted since the award is nothing on the day after it."""
    award = None if policy.stars is None else policy.stars.award
    if policy.stars is None or award is None or award.valid is not None or award.below is Below.KEEP:
        return
    since_award = {measure.clause.id for measure in policy.measures if measure.window.since_award}
    for level in policy.stars.levels:
        for measure in sorted(facts_of(level.condition) & since_award):
            yield Problem("P623", level.location, (("measure", measure),))


def _repairs(policy: Policy) -> Iterator[Problem]:
    """A repair takes a record out of what the sanction counts, and pays from a sum."""
    measures = {measure.clause.id: measure for measure in policy.measures}
    for sanction in policy.sanctions:
        repair = sanction.repair
        if repair is None:
            continue
        if not any(name in measures for name in facts_of(sanction.when)):
            yield Problem("P625", repair.location, (("id", sanction.clause.id),))
        paid_from = measures.get(repair.of)
        if paid_from is None:
            yield Problem("P301", repair.location, (("fact", repair.of),))
        elif paid_from.total is not Total.SUM or paid_from.best_of:
            yield Problem("P626", repair.location, (("measure", repair.of),))


def _revocations(policy: Policy) -> Iterator[Problem]:
    """What takes a record out is known before anything is added up: no measure and no sanction is."""
    for step in policy.hours:
        if not isinstance(step, Revoke):
            continue
        for said in (step.condition,) if step.when is None else (step.when, step.condition):
            for name in sorted(facts_of(said)):
                if name in policy.facts and policy.facts[name].scope in (Scope.MEASURE, Scope.SANCTION):
                    yield Problem("P304", said.location, (("fact", name),))


def _choices(policy: Policy) -> Iterator[Problem]:
    known = [perk.clause.id for perk in policy.perks]
    for choice in policy.choices:
        for id in choice.among:
            if id not in known:
                details = (("id", id), ("known", ", ".join(known)))
                yield Problem("P650", choice.clause.location, details, nearest(id, known))


def _measures(policy: Policy) -> Iterator[Problem]:
    """A layer may have removed a measure that is named outside a condition."""
    named = [(perk.uses.measure, perk.uses.location) for perk in policy.perks if isinstance(perk.uses, EachFull)]
    own = (HOURS, POINTS, NOTHING)
    named += [(a.earned_from, a.clause.location) for a in policy.accounts if a.earned_from not in own]
    for request in policy.menu:
        keys = (*request.rank_by, *(request.served_by.rank_by if request.served_by is not None else ()))
        named += [(key.fact, key.location) for key in keys]
    for name, place in named:
        if name not in policy.facts and name not in MENU_WORDS:
            yield Problem("P301", place, (("fact", name),))
