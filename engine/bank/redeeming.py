"""What somebody gets for what they have or are, and what becomes of it: offers, amounts that are reserved, perks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import orjson

from lianxing.engine import wallets
from lianxing.engine.approving import Approval, approval, handover, is_late
from lianxing.engine.bank.answering import (
    NOT_LENT,
    Counter,
    Decision,
    account_paid_from,
    body_of,
    bought,
    county_reason,
    entered,
    had_under,
    not_family,
    not_frozen,
    not_held,
    of_wallet,
    offer_as_had,
    offer_had,
    reason_data,
    refused,
    wallet_holding,
)
from lianxing.engine.bank.booking import UNITS, Effects, besides, first_lot
from lianxing.engine.bank.customers import Customer
from lianxing.engine.bank.terms import PROVIDER, gives_voucher, perk_from, takes_from_stock, terms_data
from lianxing.engine.explaining import unmet_data
from lianxing.engine.ledger.drafts import Draft, NewHold, NewRedemption, Taking
from lianxing.engine.ledger.holdings import Had
from lianxing.engine.perks import Use, use_of
from lianxing.engine.reading.perks import STARS_FACT
from lianxing.engine.reading.redemption import OFFER_WORDS
from lianxing.engine.redemption import Asking, account_of, quote, voucher_use, withdrawal
from lianxing.engine.requesting import stays_held
from lianxing.engine.rulebook import OFFERS, Rulebook
from lianxing.engine.wallet import OWED, Wallet
from lianxing.rules.accounts import Account, Purpose
from lianxing.rules.commands import Approve, Command, Decline, Fetch, Redeem, Refund, Release, Reserve, Settle, UsePerk
from lianxing.rules.facts import FactType
from lianxing.rules.families import AS_BENEFICIARY
from lianxing.rules.perks import Beneficiary, Perk
from lianxing.rules.places import Clause
from lianxing.rules.redeeming import Quote, Reason
from lianxing.rules.redemption import Gives, Offer
from lianxing.rules.requests import ServiceRequest
from lianxing.rules.sanctions import OnRight

APPROVED, DECLINED, HOLD_EXPIRED = "approved", "declined", "hold_expired"

# --- offers and reservations -------------------------------------------------------------------------------------


def holds_over(counter: Counter, customer: Customer, on: date, but: int = 0) -> list[Draft]:
    """Return what is written for the reservations of somebody whose last day has passed, all `but` that of an entry.

    What is reserved for a request is left: a day that somebody says must not take the price from under a service.
    It ends by the steps of the request, or by the run where nobody was matched in time.
    """
    drafts: list[Draft] = []
    for wallet, number in _past(customer, on):
        if number != but and _request_under(counter, customer, number) is None:
            drafts += given_back(counter, customer, None, wallet, HOLD_EXPIRED, on, number).drafts
    return drafts


def holds_ended(counter: Counter, customer: Customer, on: date) -> tuple[list[Draft], list[int]]:
    """Return what a run writes for the reservations whose last day has passed, and the entries of those that stay.

    A reservation stays while its request is open and somebody is matched or has served, or the request waits anew.
    """
    drafts: list[Draft] = []
    kept: list[int] = []
    for wallet, number in _past(customer, on):
        if is_kept(counter, customer, number, on):
            kept.append(number)
        else:
            drafts += given_back(counter, customer, None, wallet, HOLD_EXPIRED, on, number).drafts
    return drafts, kept


def is_kept(counter: Counter, customer: Customer, entry: int, on: date) -> bool:
    """Tell whether a request keeps on a day what an entry reserved, though the last day of that has passed."""
    made = _request_under(counter, customer, entry)
    return made is not None and stays_held(made, on)


def _past(customer: Customer, on: date) -> list[tuple[Wallet, int]]:
    """Return the reservations whose last day has passed."""
    return [
        (wallet, number)
        for wallet in customer.wallets_holding
        for number, hold in sorted(wallet.holds.items())
        if hold.until < on
    ]


def redeem(counter: Counter, customer: Customer, command: Redeem) -> Decision:
    policy = counter.rulebook.policy
    offer = next((offer for offer in policy.offers if offer.clause.id == command.offer), None)
    if offer is None:
        known = ", ".join(offer.clause.id for offer in policy.offers) or "-"
        return refused(
            counter, command, [county_reason(counter.rulebook, "no_offer", offer=command.offer, offers=known)]
        )
    if command.units <= 0:
        return refused(counter, command, [Reason("amount", offer.clause, offer.clause.location)])
    if offer.watermark and not command.merchant:  # what is nobody's would count as one more merchant
        return refused(counter, command, [Reason("no_merchant", offer.clause, offer.place("watermark"))])
    if command.merchant == command.volunteer:  # whoever sells to themselves turns points into money
        return refused(counter, command, [Reason("own_merchant", offer.clause, offer.clause.location)])
    account = account_of(policy, offer)
    wallet = customer.wallet(account)
    said = _quoted(counter, customer, command, offer, wallet)
    short = _cannot_lend(counter, command, offer, wallet, said)
    not_lent: list[dict[str, Any]] = []
    if short is not None and offer.partial is not None:  # what nobody lends is paid in money
        in_part = _quoted(counter, customer, command, offer, wallet, overdraws=False)
        if in_part.allowed:
            not_lent.append(reason_data(short))
            said, short = in_part, None
    reasons = [*said.reasons, *not_family(counter, command, account)]
    if reasons or short is not None:
        unmet = [unmet_data(gap, {**policy.facts, **OFFER_WORDS}) for gap in said.gaps]
        more = {"unmet": unmet} if unmet else {}
        return refused(counter, command, [*reasons, *([short] if short else [])], clause=offer.clause, more=more)
    effects, before = Effects(), besides(wallet)
    number = customer.number + 1
    wallet.next_lot = first_lot(number)
    hold = None
    if not offer.watermark and said.price:
        purpose = _purpose(offer)
        if account.hold_days is not None:
            done = wallets.reserve(wallet, number, command.on, said.price, purpose, command.family)
        else:
            done = wallets.spend(wallet, command.on, said.price, purpose, family=command.family)
        if done.refused is not None:
            return refused(counter, command, [done.refused], clause=offer.clause)
        effects.add(wallet, done, before)
        if account.hold_days is not None:
            hold = NewHold(account.clause.id, said.price, wallet.holds[number].until)
    units = offer.stock.units.on(command.on) if offer.stock is not None else None
    takes = (Taking(offer.clause.id, command.units, units),) if units is not None else ()
    counter.given_out[offer.clause.id] = counter.given_out.get(offer.clause.id, 0) + command.units
    months = None if offer.voucher is None else offer.voucher.months.on(command.on)
    body = body_of(command, clause=offer.clause) | {
        **terms_data(offer, months),
        "account": account.clause.id,
        "unit": UNITS[account.unit],
        "price": said.price,
        "cash": said.cash,
        "price_at": str(said.price_at) if said.price_at is not None else None,
        "published": said.published,
        "held_until": None if hold is None else hold.until.isoformat(),
    }
    if not_lent:
        body[NOT_LENT] = not_lent
    if said.awaits:
        body |= {"awaits": said.awaits, "decide_by": None if said.decide_by is None else said.decide_by.isoformat()}
    draft = entered(counter, customer, command, "held" if hold is not None else "redeemed", body, effects)
    draft.hold, draft.takes = hold, takes
    had = NewRedemption(command.on, offer.clause.id, command.merchant, command.units, said.price, said.cash)
    draft.redemption = had
    customer.had.append(had_under(number, had))
    counter.fresh_bought[command.volunteer, number] = body
    return Decision([draft], body)


def _cannot_lend(counter: Counter, command: Redeem, offer: Offer, wallet: Wallet, said: Quote) -> Reason | None:
    """Return that the pool has not as much as would be borrowed from it."""
    if not said.allowed or offer.watermark:
        return None
    return counter.passing.cannot_lend(wallet, command.on, said.price)


def _quoted(
    counter: Counter, customer: Customer, command: Redeem, offer: Offer, wallet: Wallet, *, overdraws: bool = True
) -> Quote:
    on = command.on
    stands = _asks_where_they_stand(counter.rulebook, offer)
    return quote(
        counter.rulebook,
        offer,
        Asking(
            on=on,
            person=customer.facts(on),
            measures=customer.measures(on) if stands else {},
            star=customer.standing(on).star_held if stands else 0,
            balance=wallet.available(on),
            units=command.units,
            taken=customer.taken,
            merchant=command.merchant,
            given_out=counter.given_out.get(offer.clause.id, 0),
            suspended=customer.conduct(on).redemption is OnRight.SUSPENDED,
            frozen=customer.frozen_by(wallet.account, on),
            overdraws=overdraws,
        ),
    )


def _asks_where_they_stand(rulebook: Rulebook, offer: Offer) -> bool:
    """Tell whether an offer asks for measures or the star: in its price, or in the condition of any offer."""
    asked = {*rulebook.asked(OFFERS), *offer.price.by}
    measures = {measure.clause.id for measure in rulebook.policy.measures}
    return STARS_FACT.name in asked or not measures.isdisjoint(asked)


def _purpose(offer: Offer) -> Purpose:
    return Purpose.GOODS if offer.gives is Gives.VOUCHER else Purpose(offer.gives.value)


def reserve(counter: Counter, customer: Customer, command: Reserve) -> Decision:
    account = customer.account(command.account)
    if account is None:
        return refused(counter, command, [county_reason(counter.rulebook, "no_account", account=command.account)])
    wallet = customer.wallet(account)
    reasons = [*not_held(customer, account), *not_family(counter, command, account)]
    reasons += _stopped(customer, command, account)
    short = counter.passing.cannot_lend(wallet, command.on, command.amount)
    if reasons or short is not None:
        return refused(counter, command, [*reasons, *([short] if short else [])], clause=account.clause)
    before, number = besides(wallet), customer.number + 1
    wallet.next_lot = first_lot(number)
    done = wallets.reserve(wallet, number, command.on, command.amount, command.purpose, command.family)
    return of_wallet(
        counter,
        customer,
        command,
        "held",
        wallet,
        done,
        before,
        hold=None if done.refused else NewHold(account.clause.id, command.amount, wallet.holds[number].until),
    )


def _stopped(customer: Customer, command: Reserve, account: Account) -> Iterator[Reason]:
    """Yield what sanctions have against reserving an amount: one that suspends redeeming stops all but donations."""
    suspended = customer.conduct(command.on).redemption is OnRight.SUSPENDED
    if suspended and command.purpose is not Purpose.DONATION:
        yield Reason("suspended", account.clause, account.clause.location)
    yield from not_frozen(customer, account, command.on)


def _held_by(counter: Counter, customer: Customer, command: Settle | Release) -> Wallet | Decision:
    """Return the wallet in which an entry holds something that the counter may let go; the refusal where it may not."""
    wallet = wallet_holding(customer, command.entry)
    if wallet is None:
        return refused(counter, command, [county_reason(counter.rulebook, "hold", hold=command.entry)])
    served = _held_for_request(counter, customer, command.entry)
    return wallet if served is None else refused(counter, command, [served], clause=served.clause)


def settle(counter: Counter, customer: Customer, command: Settle) -> Decision:
    wallet = _held_by(counter, customer, command)
    if isinstance(wallet, Decision):
        return wallet
    had, offer = _offer_held(counter, customer, command.entry)
    if offer is not None and offer.approver is not None:
        said = handover(offer, approved=_is_approved(counter, customer, command.entry))
        if not said.allowed:
            return refused(counter, command, said.reasons, clause=offer.clause)
    before = besides(wallet)
    wallet.next_lot = first_lot(customer.number + 1)
    held = wallet.holds[command.entry].amount
    amount = held if command.amount is None else command.amount
    if amount <= 0:  # what is not used at all is released
        return refused(counter, command, [Reason("amount", wallet.account.clause, wallet.account.clause.location)])
    if had is not None and amount < held and (wrong := _no_units(had, offer, wallet.account, held)) is not None:
        each, reason = wrong
        if not each or amount % each:
            return refused(counter, command, [reason], clause=reason.clause)
    done = wallets.settle(wallet, command.entry, command.on, amount)
    decision = of_wallet(counter, customer, command, "settled", wallet, done, before, ends=command.entry)
    if decision.accepted:
        decision.body["settled"] = amount
        if had is not None:
            _settled_in_part(counter, customer, decision, had, amount)
        decision.drafts[0].body = orjson.dumps(decision.body)
    return decision


def _no_units(had: Had, offer: Offer | None, account: Account, held: int) -> tuple[int, Reason] | None:
    """Return the price of a unit, 0 where only all of it can be settled, and why nothing else is; None where any is.

    A service for hours is paid by its time: so much of it is settled as was served.
    """
    if offer is not None and offer.gives is Gives.SERVICE and account.unit.type is FactType.DURATION:
        return None
    clause = account.clause if offer is None else offer.clause
    unit = ("unit", account.unit.value)
    if had.cash or held % had.units:
        return 0, Reason("only_all", clause, clause.location, (("held", held), unit))
    each = held // had.units
    return each, Reason("whole_units", clause, clause.location, (("price", each), ("held", held), unit))


def _settled_in_part(counter: Counter, customer: Customer, decision: Decision, had: Had, amount: int) -> None:
    """Let what was paid and handed over be what was had; units that were not handed over go back to the stock."""
    now = had.settled(amount)
    customer.had = [now if one.entry == had.entry else one for one in customer.had]
    if (back := had.units - now.units) == 0:
        return
    decision.body["units"] = now.units
    _back_to_the_stock(counter, customer, decision.drafts[0], had, back)


def release(counter: Counter, customer: Customer, command: Release) -> Decision:
    wallet = _held_by(counter, customer, command)
    if isinstance(wallet, Decision):
        return wallet
    _had, offer = _offer_held(counter, customer, command.entry)
    if offer is not None and not (said := withdrawal(offer)).allowed:
        return refused(counter, command, said.reasons, clause=offer.clause)
    return given_back(counter, customer, command, wallet, "released", command.on, command.entry)


def approve(counter: Counter, customer: Customer, command: Approve | Decline) -> Decision:
    """Let the approver of an offer decide on what waits for it: it may be handed over, or goes back."""
    wallet = wallet_holding(customer, command.entry)
    if wallet is None:
        return refused(counter, command, [county_reason(counter.rulebook, "hold", hold=command.entry)])
    had, offer = _offer_held(counter, customer, command.entry)
    if had is None or offer is None:  # an amount was reserved, and no offer asked for
        clause = wallet.account.clause
        return refused(counter, command, [Reason("no_approver", clause, clause.location)], clause=clause)
    asked = Approval(
        volunteer=command.volunteer,
        asked_on=had.on,
        on=command.on,
        role=command.role,
        actor=command.actor,
        reason=command.reason,
        declines=isinstance(command, Decline),
    )
    reasons = [*approval(counter.rulebook, offer, asked).reasons]
    until = wallet.holds[command.entry].until
    if offer.approver is not None and _is_approved(counter, customer, command.entry):
        operands = (("entry", command.entry),)
        reasons.append(Reason("decided_before", offer.clause, offer.approver.location, operands))
    if until < command.on:
        clause = wallet.account.clause
        reasons.append(Reason("hold_over", clause, clause.location, (("last_day", until.isoformat()),)))
    if reasons:
        return refused(counter, command, reasons, clause=offer.clause)
    if isinstance(command, Decline):
        return given_back(counter, customer, command, wallet, DECLINED, command.on, command.entry)
    counter.fresh_approvals.add((command.volunteer, command.entry))
    late = is_late(counter.rulebook, offer, had.on, command.on)
    body = body_of(command, clause=offer.clause) | {"late": late, "held_until": until.isoformat()}
    return Decision([entered(counter, customer, command, APPROVED, body, Effects())], body)


def _offer_held(counter: Counter, customer: Customer, entry: int) -> tuple[Had | None, Offer | None]:
    """Return what was had under an entry, and the offer; None for an amount that was reserved without one."""
    had = next((had for had in customer.had if had.entry == entry), None)
    return had, offer_had(counter, customer, had)


def _held_for_request(counter: Counter, customer: Customer, entry: int) -> Reason | None:
    """Return why the counter cannot let go what is reserved for a request: that ends with the steps of the request."""
    made = _request_under(counter, customer, entry)
    if made is None:
        return None
    policy = counter.rulebook.policy
    clause = next((one.clause for one in policy.menu if one.clause.id == made.request), policy.county.clause)
    return Reason("held_for_request", clause, clause.location, (("request", made.id),))


def _request_under(counter: Counter, customer: Customer, entry: int) -> ServiceRequest | None:
    """Return the request for which an entry has reserved something; None where it was for something else."""
    had, _offered = _offer_held(counter, customer, entry)
    return None if had is not None else counter.request_by(customer.person.id, entry)


def _is_approved(counter: Counter, customer: Customer, entry: int) -> bool:
    id = customer.person.id
    return (id, entry) in counter.fresh_approvals or entry in counter.approved(id)


def given_back(
    counter: Counter, customer: Customer, command: Command | None, wallet: Wallet, kind: str, on: date, entry: int
) -> Decision:
    """Return what is written when a hold is let go: by a command, or because its time is over."""
    before = besides(wallet)
    wallet.next_lot = first_lot(customer.number + 1)
    effects = Effects()
    effects.add(wallet, wallets.release(wallet, entry, on), before)
    body = body_of(command, clause=wallet.account.clause) | {"entry": entry, "unit": UNITS[wallet.account.unit]}
    draft = entered(counter, customer, command, kind, body, effects, on)
    draft.ends = entry
    _return_units(counter, customer, draft, entry)
    return Decision([draft], body)


def refund(counter: Counter, customer: Customer, command: Refund) -> Decision:
    had = next((had for had in customer.had if had.entry == command.entry), None)
    if had is not None and (perk := _perk_used(counter, customer, had)) is not None:
        return _not_used(counter, customer, command, had, perk)
    offer = offer_as_had(counter, customer, had)
    account = None if offer is None else account_paid_from(counter, customer, command.entry, offer)
    if had is None or offer is None or account is None or wallet_holding(customer, command.entry) is not None:
        return refused(counter, command, [county_reason(counter.rulebook, "no_redemption", entry=command.entry)])
    if _was_fetched(customer, command.entry):
        return refused(counter, command, [Reason("fetched", offer.clause, offer.clause.location)], clause=offer.clause)
    if not (said := withdrawal(offer, had.on, command.on)).allowed:
        return refused(counter, command, said.reasons, clause=offer.clause)
    wallet = customer.wallet(account)
    effects, before = Effects(), besides(wallet)
    wallet.next_lot = first_lot(customer.number + 1)
    if had.paid and not offer.watermark:
        # Of a reservation only the first part may have been used; what an entry ended stands after what it spent.
        parts = wallets.parts_paid(_lots_taken(counter, customer, command.entry), had.paid)
        counter.load_lots(customer, wallet, [lot for lot, _amount in parts if lot != OWED])
        done = wallets.refund(wallet, command.on, had.paid, parts, command.entry)
        if done.refused is not None:
            return refused(counter, command, [done.refused], clause=offer.clause)
        effects.add(wallet, done, before)
    body = body_of(command, clause=offer.clause) | {"refunded": had.paid, "unit": UNITS[wallet.account.unit]}
    draft = entered(counter, customer, command, "refunded", body, effects)
    _return_units(counter, customer, draft, command.entry)
    return Decision([draft], body)


def _lots_taken(counter: Counter, customer: Customer, entry: int) -> list[tuple[int, int]]:
    """Return which lots an entry took from, and how much, in its order."""
    fresh = counter.fresh.get((customer.person.id, entry))
    if fresh is not None:
        return [(line.lot, -line.amount) for line in fresh if line.amount < 0]
    return [(lot, amount) for _account, lot, amount in counter.lots_taken(customer.person.id, entry)]


def _return_units(counter: Counter, customer: Customer, draft: Draft, entry: int) -> None:
    """Put the units of a redemption back: to the stock, and to what the person may still have."""
    had = next((had for had in customer.had if had.entry == entry), None)
    if had is None:
        return
    draft.returns = entry
    customer.had.remove(had)
    _back_to_the_stock(counter, customer, draft, had, had.units)


def _back_to_the_stock(counter: Counter, customer: Customer, draft: Draft, had: Had, units: int) -> None:
    """Put units back to the stock from which they were taken, whether the county counts one by now or not."""
    if takes_from_stock(bought(counter, customer, had.entry)):
        counter.given_out[had.offer] = counter.given_out.get(had.offer, 0) - units
        draft.takes = (Taking(had.offer, -units, None),)


def fetch(counter: Counter, customer: Customer, command: Fetch) -> Decision:
    had = next((had for had in customer.had if had.entry == command.entry), None)
    offer = offer_as_had(counter, customer, had)
    if had is None or offer is None or offer.voucher is None or wallet_holding(customer, command.entry) is not None:
        return refused(counter, command, [county_reason(counter.rulebook, "no_redemption", entry=command.entry)])
    if _was_fetched(customer, command.entry):
        return refused(counter, command, [Reason("fetched", offer.clause, offer.clause.location)], clause=offer.clause)
    if command.merchant == command.volunteer:
        return refused(counter, command, [Reason("own_merchant", offer.clause, offer.clause.location)])
    said = voucher_use(offer, had.on, command.on, command.shown)
    if not said.allowed:
        return refused(counter, command, said.reasons, clause=offer.clause)
    body = body_of(command, clause=offer.clause) | {"entry": command.entry, "units": had.units}
    then = bought(counter, customer, command.entry)
    if gives_voucher(then):  # whoever takes it is owed what was paid for it
        body |= {PROVIDER: then[PROVIDER], "account": then["account"], "unit": then["unit"], "paid": had.paid}
    draft = entered(counter, customer, command, "fetched", body, Effects())
    draft.redemption = NewRedemption(command.on, fetched_under(command.entry), command.merchant, had.units, 0, 0)
    customer.had.append(had_under(customer.number, draft.redemption))
    return Decision([draft], body)


def fetched_under(entry: int) -> str:
    """Return under which name it is noted that a voucher of an entry was fetched."""
    return f"voucher/{entry}"


def _was_fetched(customer: Customer, entry: int) -> bool:
    return any(one.offer == fetched_under(entry) for one in customer.had)


def use_perk(counter: Counter, customer: Customer, command: UsePerk) -> Decision:
    policy, on = counter.rulebook.policy, command.on
    perk = next((perk for perk in policy.perks if perk.clause.id == command.perk), None)
    if perk is None:
        return refused(counter, command, [county_reason(counter.rulebook, "no_perk", perk=command.perk)])
    if command.units <= 0:
        return refused(counter, command, [Reason("amount", perk.clause, perk.clause.location)], clause=perk.clause)
    held = next((one for one in customer.standing(on).perks if one.clause.id == command.perk), None)
    use = Use(on, command.for_whom, command.site, command.issued_on, command.lent, customer.taken, command.units)
    said = use_of(policy, perk, held, use)
    reasons = [*said.reasons, *_nobody_declared(counter, command, perk)]
    if reasons:
        return refused(counter, command, reasons, clause=perk.clause)
    body = body_of(command, clause=perk.clause) | {
        "provider": perk.provider,
        "worth": None if held is None else held.worth,
        "star": customer.standing(on).star_held,
    }
    effects = Effects()
    effects.use(perk.clause.id, command.units)
    draft = entered(counter, customer, command, "perk_used", body, effects)
    draft.redemption = NewRedemption(on, perk.clause.id, command.site, command.units, 0, 0)
    customer.had.append(had_under(customer.number, draft.redemption))
    counter.fresh_bought[command.volunteer, customer.number] = body
    return Decision([draft], body)


def _nobody_declared(counter: Counter, command: UsePerk, perk: Perk) -> Iterator[Reason]:
    """Yield that somebody for whom a perk is to be used was never declared."""
    if command.for_whom is Beneficiary.SELF:
        return
    family = counter.family_of(command.volunteer).values()
    if not any(AS_BENEFICIARY.get(relation) is command.for_whom for relation in family):
        yield Reason("nobody_declared", perk.clause, perk.clause.location, (("for_whom", command.for_whom.value),))


def _perk_used(counter: Counter, customer: Customer, had: Had) -> Clause | None:
    """Return the perk of which something that was had is a use: as it stands; as it was then, where it is no more."""
    used = perk_from(bought(counter, customer, had.entry))
    if used is None:
        return None
    return next((perk.clause for perk in counter.rulebook.policy.perks if perk.clause.id == used.id), used)


def _not_used(counter: Counter, customer: Customer, command: Refund, had: Had, perk: Clause) -> Decision:
    """Give a use back: it was not had after all, and counts no longer."""
    effects = Effects()
    effects.use(perk.id, -had.units)
    body = body_of(command, clause=perk) | {"perk": perk.id, "units": had.units}
    draft = entered(counter, customer, command, "refunded", body, effects)
    draft.returns = had.entry
    customer.had.remove(had)
    return Decision([draft], body)
