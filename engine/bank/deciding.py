"""What becomes of one command: the county's rules are asked, the person's wallets change, drafts say what to write.

A command that the rules refuse is an entry too: it keeps the reasons, and its answer, as long as the ledger is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import orjson

from lianxing.engine import wallets
from lianxing.engine.accounts import belongs
from lianxing.engine.approving import Approval, approval, handover, is_late
from lianxing.engine.bank.booking import UNITS, Besides, Effects, besides, clause_data, first_lot, passed_data
from lianxing.engine.bank.closings import goes
from lianxing.engine.bank.crediting import left_over
from lianxing.engine.bank.customers import Customer
from lianxing.engine.bank.drafting import SYSTEM, draft_of
from lianxing.engine.bank.passing import Arrival, From, Passing
from lianxing.engine.bank.requests import request_data, request_hash
from lianxing.engine.bank.sharing import account_in, fund, is_person, may_hold, organisation_owner
from lianxing.engine.bank.turning import turned
from lianxing.engine.ledger.drafts import Draft, Key, LotLine, NewHold, NewRedemption, Taking
from lianxing.engine.ledger.holdings import Had
from lianxing.engine.perks import Use, use_of
from lianxing.engine.reading.perks import STARS_FACT
from lianxing.engine.redemption import Asking, account_of, quote, voucher_use, withdrawal
from lianxing.engine.rulebook import ISSUES, OFFERS, Rulebook
from lianxing.engine.wallet import DONATION_POOL, ISSUED, OWED, PERSONAL, TRANSIT, Done, Part, Wallet
from lianxing.rules.accounts import Account, Closing, Closure, Purpose, Recipient
from lianxing.rules.balances import ClosingEvent
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
    Reserve,
    Settle,
    UsePerk,
)
from lianxing.rules.facts import CountyId, FactType, FactValue, VolunteerId
from lianxing.rules.families import AS_BENEFICIARY, AS_RECIPIENT, Relation
from lianxing.rules.perks import Beneficiary, Perk
from lianxing.rules.places import Clause
from lianxing.rules.redeeming import Quote, Reason
from lianxing.rules.redemption import Gives, Offer
from lianxing.rules.requests import ServiceRequest
from lianxing.rules.sanctions import OnRight

REFUSED, CLOSED, DECLARED, BROUGHT = "refused", "closed", "declared", "brought"
APPROVED, DECLINED, HOLD_EXPIRED = "approved", "declined", "hold_expired"


@dataclass(frozen=True, slots=True)
class Brought:
    """What comes from another county in one unit, with the days of its lots."""

    unit: str
    parts: tuple[Part, ...]


@dataclass
class Counter:
    """What a command is decided with: the rules, the people, the stock, and what the ledger can be asked."""

    rulebook: Rulebook
    people: Mapping[VolunteerId, Customer]
    given_out: dict[str, int]  # units of each offer, those not yet written included
    lots_taken: Callable[[VolunteerId, int], Sequence[tuple[str, int, int]]]
    load_lots: Callable[[Customer, Wallet, Iterable[int]], None]
    family_of: Callable[[VolunteerId], Mapping[VolunteerId, Relation]] = lambda _id: {}
    brought: Callable[[VolunteerId, CountyId, int], list[Brought] | None] = lambda _id, _county, _entry: None
    approved: Callable[[VolunteerId], Iterable[int]] = lambda _id: ()  # entries whose redemption is approved
    knows: Callable[[VolunteerId], bool] = lambda _id: True
    request_by: Callable[[VolunteerId, int], ServiceRequest | None] = lambda _id, _entry: None  # that an entry began
    passing: Passing = field(init=False)
    # What entries that are not yet written took from lots, approved, and brought.
    fresh: dict[tuple[VolunteerId, int], tuple[LotLine, ...]] = field(default_factory=dict)
    fresh_approvals: set[tuple[VolunteerId, int]] = field(default_factory=set)
    fresh_brought: set[tuple[VolunteerId, CountyId, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.passing = Passing(self.rulebook, dict(self.people))

    @property
    def digest(self) -> str:
        return self.rulebook.policy.digest


@dataclass
class Decision:
    """What is to be written for a command, the command's own entry first, and its answer; `before` comes before it."""

    drafts: list[Draft]
    body: dict[str, Any]
    before: list[Draft] = field(default_factory=list)

    @property
    def accepted(self) -> bool:
        return bool(self.body["allowed"])


def decide(counter: Counter, command: Command) -> Decision:
    """Return what becomes of a command. The wallets of the people at the counter change with it."""
    customer = counter.people[command.volunteer]
    before = turned(counter.rulebook, customer, command.on)
    # What becomes of a reservation that is over is for the command to say that is about it.
    about = command.entry if isinstance(command, Settle | Release | Approve | Decline) else 0
    before += holds_over(counter, customer, command.on, about)
    for draft in before:
        customer.touched_by(draft)
    decision = _decided(counter, customer, command)
    decision.before = before
    decision.drafts += counter.passing.taken()
    for draft in decision.drafts:
        if (touched := counter.people.get(draft.volunteer)) is not None:
            touched.touched_by(draft)
    return decision


def holds_over(counter: Counter, customer: Customer, on: date, but: int = 0) -> list[Draft]:
    """Return what is written for the reservations of somebody whose last day has passed, all `but` that of an entry.

    What is reserved for a request is left where the counter knows of requests: a day that somebody says must not take
    the price from under a service. It ends by the steps of the request, or by the run that books what is over.
    """
    drafts: list[Draft] = []
    for wallet in _wallets(customer):
        for number in sorted(number for number, hold in wallet.holds.items() if hold.until < on and number != but):
            if _held_for_request(counter, customer, number) is None:
                drafts += given_back(counter, customer, None, wallet, HOLD_EXPIRED, on, number).drafts
    return drafts


def _decided(counter: Counter, customer: Customer, command: Command) -> Decision:
    early = before_in_force(counter.rulebook, command.on)
    if early is not None:
        return _refused(counter, command, [early], clause=early.clause)
    if customer.closed_on is not None:
        return _refused(counter, command, [_county_reason(counter, "closed_passbook", on=str(customer.closed_on))])
    if isinstance(command, Redeem | UsePerk | Grant | Close | Declare | Bring) and not is_person(command.volunteer):
        return _refused(counter, command, [_county_reason(counter, "no_person", id=command.volunteer)])
    if isinstance(command, Settle | Release | Refund):
        had = next((had for had in customer.had if had.entry == command.entry), None)
        if had is not None and command.on < had.on:
            early = _county_reason(counter, "before_its_day", entry=command.entry, on=had.on.isoformat())
            return _refused(counter, command, [early])
    match command:
        case Redeem():
            return _redeem(counter, customer, command)
        case Reserve():
            return _reserve(counter, customer, command)
        case Settle():
            return _settle(counter, customer, command)
        case Release():
            return _release(counter, customer, command)
        case Approve() | Decline():
            return _approve(counter, customer, command)
        case Refund():
            return _refund(counter, customer, command)
        case Fetch():
            return _fetch(counter, customer, command)
        case Give():
            return _give(counter, customer, command)
        case Grant():
            return _grant(counter, customer, command)
        case UsePerk():
            return _use_perk(counter, customer, command)
        case Close():
            return _close(counter, customer, command)
        case Declare():
            return _declare(counter, customer, command)
        case Bring():
            return _bring(counter, customer, command)
        case _:
            raise TypeError(type(command).__name__)


# --- offers ------------------------------------------------------------------------------------------------------


def _redeem(counter: Counter, customer: Customer, command: Redeem) -> Decision:
    policy = counter.rulebook.policy
    offer = next((offer for offer in policy.offers if offer.clause.id == command.offer), None)
    if offer is None:
        known = ", ".join(offer.clause.id for offer in policy.offers) or "-"
        return _refused(counter, command, [_county_reason(counter, "no_offer", offer=command.offer, offers=known)])
    if command.units <= 0:
        return _refused(counter, command, [Reason("amount", offer.clause, offer.clause.location)])
    if offer.watermark and not command.merchant:  # what is nobody's would count as one more merchant
        return _refused(counter, command, [Reason("no_merchant", offer.clause, offer.place("watermark"))])
    if command.merchant == command.volunteer:  # whoever sells to themselves turns points into money
        return _refused(counter, command, [Reason("own_merchant", offer.clause, offer.clause.location)])
    account = account_of(policy, offer)
    wallet = customer.wallet(account)
    said = _quoted(counter, customer, command, offer, wallet)
    reasons = [*said.reasons, *_not_family(counter, command, account)]
    short = (
        counter.passing.cannot_lend(wallet, command.on, said.price) if said.allowed and not offer.watermark else None
    )
    if reasons or short is not None:
        return _refused(counter, command, [*reasons, *([short] if short else [])], clause=offer.clause)
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
            return _refused(counter, command, [done.refused], clause=offer.clause)
        effects.add(wallet, done, before)
        if account.hold_days is not None:
            hold = NewHold(account.clause.id, said.price, wallet.holds[number].until)
    units = offer.stock.units.on(command.on) if offer.stock is not None else None
    takes = (Taking(offer.clause.id, command.units, units),) if units is not None else ()
    counter.given_out[offer.clause.id] = counter.given_out.get(offer.clause.id, 0) + command.units
    body = _body(command, clause=offer.clause) | {
        "account": account.clause.id,
        "unit": UNITS[account.unit],
        "price": said.price,
        "cash": said.cash,
        "price_at": str(said.price_at) if said.price_at is not None else None,
        "published": said.published,
        "held_until": None if hold is None else hold.until.isoformat(),
    }
    if said.awaits:
        body |= {"awaits": said.awaits, "decide_by": None if said.decide_by is None else said.decide_by.isoformat()}
    draft = _draft(counter, customer, command, "held" if hold is not None else "redeemed", body, effects)
    draft.hold, draft.takes = hold, takes
    had = NewRedemption(command.on, offer.clause.id, command.merchant, command.units, said.price, said.cash)
    draft.redemption = had
    customer.had.append(_had(number, had))
    return Decision([draft], body)


def _quoted(counter: Counter, customer: Customer, command: Redeem, offer: Offer, wallet: Wallet) -> Quote:
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
        ),
    )


def _asks_where_they_stand(rulebook: Rulebook, offer: Offer) -> bool:
    """Tell whether an offer asks for measures or the star: in its price, or in the condition of any offer."""
    asked = {*rulebook.asked(OFFERS), *offer.price.by}
    measures = {measure.clause.id for measure in rulebook.policy.measures}
    return STARS_FACT.name in asked or not measures.isdisjoint(asked)


def _purpose(offer: Offer) -> Purpose:
    return Purpose.GOODS if offer.gives is Gives.VOUCHER else Purpose(offer.gives.value)


def _reserve(counter: Counter, customer: Customer, command: Reserve) -> Decision:
    account = customer.account(command.account)
    if account is None:
        return _refused(counter, command, [_county_reason(counter, "no_account", account=command.account)])
    wallet = customer.wallet(account)
    reasons = [*_not_held(customer, account), *_not_family(counter, command, account)]
    short = counter.passing.cannot_lend(wallet, command.on, command.amount)
    if reasons or short is not None:
        return _refused(counter, command, [*reasons, *([short] if short else [])], clause=account.clause)
    before, number = besides(wallet), customer.number + 1
    wallet.next_lot = first_lot(number)
    done = wallets.reserve(wallet, number, command.on, command.amount, command.purpose, command.family)
    return _of_wallet(
        counter,
        customer,
        command,
        "held",
        wallet,
        done,
        before,
        hold=None if done.refused else NewHold(account.clause.id, command.amount, wallet.holds[number].until),
    )


def _settle(counter: Counter, customer: Customer, command: Settle) -> Decision:
    wallet = _holding(customer, command.entry)
    if wallet is None:
        return _refused(counter, command, [_county_reason(counter, "hold", hold=command.entry)])
    if (served := _held_for_request(counter, customer, command.entry)) is not None:
        return _refused(counter, command, [served], clause=served.clause)
    had, offer = _offer_held(counter, customer, command.entry)
    if offer is not None and offer.approver is not None:
        said = handover(offer, approved=_is_approved(counter, customer, command.entry))
        if not said.allowed:
            return _refused(counter, command, said.reasons, clause=offer.clause)
    before = besides(wallet)
    wallet.next_lot = first_lot(customer.number + 1)
    held = wallet.holds[command.entry].amount
    amount = held if command.amount is None else command.amount
    if amount <= 0:  # what is not used at all is released
        return _refused(counter, command, [Reason("amount", wallet.account.clause, wallet.account.clause.location)])
    if had is not None and amount < held and (wrong := _no_units(had, offer, wallet.account, held)) is not None:
        each, reason = wrong
        if not each or amount % each:
            return _refused(counter, command, [reason], clause=reason.clause)
    done = wallets.settle(wallet, command.entry, command.on, amount)
    decision = _of_wallet(counter, customer, command, "settled", wallet, done, before, ends=command.entry)
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
    counter.given_out[had.offer] = counter.given_out.get(had.offer, 0) - back
    offer = _offer(counter, had.offer)
    if offer is not None and offer.stock is not None:
        decision.drafts[0].takes = (Taking(had.offer, -back, None),)


def _release(counter: Counter, customer: Customer, command: Release) -> Decision:
    wallet = _holding(customer, command.entry)
    if wallet is None:
        return _refused(counter, command, [_county_reason(counter, "hold", hold=command.entry)])
    if (served := _held_for_request(counter, customer, command.entry)) is not None:
        return _refused(counter, command, [served], clause=served.clause)
    _had, offer = _offer_held(counter, customer, command.entry)
    if offer is not None and not (said := withdrawal(offer)).allowed:
        return _refused(counter, command, said.reasons, clause=offer.clause)
    return given_back(counter, customer, command, wallet, "released", command.on)


def _approve(counter: Counter, customer: Customer, command: Approve | Decline) -> Decision:
    """Let the approver of an offer decide on what waits for it: it may be handed over, or goes back."""
    wallet = _holding(customer, command.entry)
    if wallet is None:
        return _refused(counter, command, [_county_reason(counter, "hold", hold=command.entry)])
    had, offer = _offer_held(counter, customer, command.entry)
    if had is None or offer is None:  # an amount was reserved, and no offer asked for
        clause = wallet.account.clause
        return _refused(counter, command, [Reason("no_approver", clause, clause.location)], clause=clause)
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
        return _refused(counter, command, reasons, clause=offer.clause)
    if isinstance(command, Decline):
        return given_back(counter, customer, command, wallet, DECLINED, command.on, command.entry)
    counter.fresh_approvals.add((command.volunteer, command.entry))
    late = is_late(counter.rulebook, offer, had.on, command.on)
    body = _body(command, clause=offer.clause) | {"late": late, "held_until": until.isoformat()}
    return Decision([_draft(counter, customer, command, APPROVED, body, Effects())], body)


def _offer_held(counter: Counter, customer: Customer, entry: int) -> tuple[Had | None, Offer | None]:
    """Return what was had under an entry, and the offer; None for an amount that was reserved without one."""
    had = next((had for had in customer.had if had.entry == entry), None)
    return had, _offer(counter, None if had is None else had.offer)


def _held_for_request(counter: Counter, customer: Customer, entry: int) -> Reason | None:
    """Return why the counter cannot let go what is reserved for a request: that ends with the steps of the request."""
    had, _offered = _offer_held(counter, customer, entry)
    made = None if had is not None else counter.request_by(customer.person.id, entry)
    if made is None:
        return None
    policy = counter.rulebook.policy
    clause = next((one.clause for one in policy.menu if one.clause.id == made.request), policy.county.clause)
    return Reason("held_for_request", clause, clause.location, (("request", made.id),))


def _is_approved(counter: Counter, customer: Customer, entry: int) -> bool:
    id = customer.person.id
    return (id, entry) in counter.fresh_approvals or entry in counter.approved(id)


def given_back(
    counter: Counter, customer: Customer, command: Command | None, wallet: Wallet, kind: str, on: date, entry: int = 0
) -> Decision:
    """Return what is written when a hold is let go: by a command, or because its time is over."""
    number = command.entry if isinstance(command, Release) else entry
    before = besides(wallet)
    wallet.next_lot = first_lot(customer.number + 1)
    done = wallets.release(wallet, number, on)
    if done.refused is not None:
        assert command is not None
        return _refused(counter, command, [done.refused], clause=wallet.account.clause)
    effects = Effects()
    effects.add(wallet, done, before)
    body = _body(command, clause=wallet.account.clause) | {"entry": number, "unit": UNITS[wallet.account.unit]}
    draft = _draft(counter, customer, command, kind, body, effects, on)
    draft.ends = number
    _return_units(counter, customer, draft, number)
    return Decision([draft], body)


def _refund(counter: Counter, customer: Customer, command: Refund) -> Decision:
    had = next((had for had in customer.had if had.entry == command.entry), None)
    if had is not None and (perk := _perk_used(counter, had)) is not None:
        return _not_used(counter, customer, command, had, perk)
    offer = _offer(counter, None if had is None else had.offer)
    if had is None or offer is None or _holding(customer, command.entry) is not None:
        return _refused(counter, command, [_county_reason(counter, "no_redemption", entry=command.entry)])
    if _was_fetched(customer, command.entry):
        return _refused(counter, command, [Reason("fetched", offer.clause, offer.clause.location)], clause=offer.clause)
    if not (said := withdrawal(offer)).allowed:
        return _refused(counter, command, said.reasons, clause=offer.clause)
    wallet = customer.wallet(account_of(counter.rulebook.policy, offer))
    effects, before = Effects(), besides(wallet)
    wallet.next_lot = first_lot(customer.number + 1)
    if had.paid and not offer.watermark:
        # Of a reservation only the first part may have been used; what an entry ended stands after what it spent.
        taken, _rest = wallets.split(_lots_taken(counter, customer, command.entry), had.paid)
        owed = had.paid - sum(amount for _lot, amount in taken)
        counter.load_lots(customer, wallet, [lot for lot, _amount in taken])
        parts = [*taken, (OWED, owed)] if owed > 0 else taken
        done = wallets.refund(wallet, command.on, had.paid, parts, command.entry)
        if done.refused is not None:
            return _refused(counter, command, [done.refused], clause=offer.clause)
        effects.add(wallet, done, before)
    body = _body(command, clause=offer.clause) | {"refunded": had.paid, "unit": UNITS[wallet.account.unit]}
    draft = _draft(counter, customer, command, "refunded", body, effects)
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
    offer = _offer(counter, had.offer)
    if offer is not None:
        counter.given_out[had.offer] = counter.given_out.get(had.offer, 0) - had.units
        if offer.stock is not None:
            draft.takes = (Taking(had.offer, -had.units, None),)


def _fetch(counter: Counter, customer: Customer, command: Fetch) -> Decision:
    had = next((had for had in customer.had if had.entry == command.entry), None)
    offer = _offer(counter, None if had is None else had.offer)
    if had is None or offer is None or offer.voucher is None or _holding(customer, command.entry) is not None:
        return _refused(counter, command, [_county_reason(counter, "no_redemption", entry=command.entry)])
    if _was_fetched(customer, command.entry):
        return _refused(counter, command, [Reason("fetched", offer.clause, offer.clause.location)], clause=offer.clause)
    if command.merchant == command.volunteer:
        return _refused(counter, command, [Reason("own_merchant", offer.clause, offer.clause.location)])
    said = voucher_use(offer, had.on, command.on, command.shown)
    if not said.allowed:
        return _refused(counter, command, said.reasons, clause=offer.clause)
    body = _body(command, clause=offer.clause) | {"entry": command.entry, "units": had.units}
    draft = _draft(counter, customer, command, "fetched", body, Effects())
    draft.redemption = NewRedemption(command.on, _fetched(command.entry), command.merchant, had.units, 0, 0)
    customer.had.append(_had(customer.number, draft.redemption))
    return Decision([draft], body)


def _fetched(entry: int) -> str:
    return f"voucher/{entry}"


def _was_fetched(customer: Customer, entry: int) -> bool:
    return any(one.offer == _fetched(entry) for one in customer.had)


# --- accounts ----------------------------------------------------------------------------------------------------


def _give(counter: Counter, customer: Customer, command: Give) -> Decision:
    account = customer.account(command.account)
    if account is None:
        return _refused(counter, command, [_county_reason(counter, "no_account", account=command.account)])
    clause = account.clause
    wrong = [*_not_held(customer, account), *_not_for(counter, command, account)]
    if wrong:
        return _refused(counter, command, wrong, clause=clause)
    if _is_unknown(counter, command):  # a misspelt id must not open a passbook
        return _refused(counter, command, [_county_reason(counter, "unknown_recipient", id=command.recipient)])
    owner = receiver_of(command)
    receiver = None if owner is None else counter.people[owner]
    if receiver is not None and receiver.closed_on is not None:
        return _refused(counter, command, [_county_reason(counter, "closed_passbook", on=str(receiver.closed_on))])
    into = account if owner is None else account_in(counter.rulebook.policy, owner, account)
    if into is None:
        return _refused(counter, command, [Reason("recipient", clause, clause.location)], clause=clause)
    wallet = customer.wallet(account)
    before = besides(wallet)
    wallet.next_lot = first_lot(customer.number + 1)
    done = wallets.give(wallet, command.on, command.amount, command.to_whom)
    decision = _of_wallet(counter, customer, command, "given", wallet, done, before)
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


def _not_held(customer: Customer, account: Account) -> Iterator[Reason]:
    """Yield that an account is in another kind of passbook."""
    if not may_hold(account, customer.person.id):
        yield Reason("holder", account.clause, account.clause.location)


def _not_family(counter: Counter, command: Redeem | Reserve, account: Account) -> Iterator[Reason]:
    """Yield that whoever draws on the account is not of the declared family."""
    clause = account.clause
    if command.family and (account.family is None or not account.family.may_draw):
        yield Reason("family", clause, clause.location)
    elif command.family and command.member not in counter.family_of(command.volunteer):
        yield Reason("not_declared", clause, clause.location, (("for_whom", "family"),))


def _grant(counter: Counter, customer: Customer, command: Grant) -> Decision:
    account = customer.account(command.account)
    if account is None:
        return _refused(counter, command, [_county_reason(counter, "no_account", account=command.account)])
    on = command.on
    wallet = customer.wallet(account)
    clause = account.clause
    if not may_hold(account, command.volunteer) or not belongs(counter.rulebook, account, on, customer.facts(on)):
        return _refused(counter, command, [Reason("holder", clause, clause.location)], clause=clause)
    before = besides(wallet)
    wallet.next_lot = first_lot(customer.number + 1)
    holding = counter.rulebook.ask(ISSUES, on, customer.facts(on), customer.measures(on))
    due = (index for index, amount in wallets.grants_due(wallet, on, holding) if amount == command.amount)
    index = next(due, None)
    pool = None if index is None else fund(counter.rulebook.policy, account, account.issue[index].provider)
    if pool is not None and (short := counter.passing.lacks(pool, on, command.amount)) is not None:
        return _refused(counter, command, [short], clause=clause)
    done = wallets.issue(wallet, on, command.amount, holding)
    if pool is not None and done.refused is None:
        lines = tuple(line._replace(account=TRANSIT) if line.account == ISSUED else line for line in done.lines)
        done = done._replace(lines=lines)
        to = From(command.volunteer, "grant", command.actor, command.reason)
        decision = _of_wallet(counter, customer, command, "granted", wallet, done, before)
        counter.passing.pays_out(pool, on, command.amount, to)
        return decision
    return _of_wallet(counter, customer, command, "granted", wallet, done, before)


def _declare(counter: Counter, customer: Customer, command: Declare) -> Decision:
    body = _body(command, clause=counter.rulebook.policy.county.clause)
    body["family"] = [[id, relation.value] for id, relation in command.family]
    if any(id == command.volunteer or not is_person(id) for id, _relation in command.family):
        return _refused(counter, command, [_county_reason(counter, "own_family")])
    return Decision([_draft(counter, customer, command, DECLARED, body, Effects())], body)


def _bring(counter: Counter, customer: Customer, command: Bring) -> Decision:
    """Take in what was closed elsewhere; the days of its lots stay what they were."""
    policy = counter.rulebook.policy
    which = command.volunteer, command.from_county, command.entry
    found = counter.brought(*which)
    if not found or command.from_county == policy.county.id or which in counter.fresh_brought:
        return _refused(counter, command, [_county_reason(counter, "nothing_to_bring", entry=command.entry)])
    effects = Effects()
    into: list[tuple[Account, Brought]] = []
    for one in found:
        fitting = (a for a in policy.accounts if UNITS[a.unit] == one.unit and may_hold(a, command.volunteer))
        account = next((a for a in fitting if command.account in ("", a.clause.id)), None)
        if account is None:
            return _refused(counter, command, [_county_reason(counter, "no_account", account=one.unit)])
        into.append((account, one))
    number = customer.number + 1
    for account, one in into:
        wallet = customer.wallet(account)
        wallet.next_lot = max(wallet.next_lot, first_lot(number))
        before = besides(wallet)
        source = f"moved/{command.from_county}"
        amount = sum(part for _earned, _last, part in one.parts)
        effects.add(wallet, wallets.receive(wallet, command.on, amount, source, lots=one.parts), before)
    body = _body(command, clause=policy.county.clause)
    counter.fresh_brought.add(which)
    body["brought"] = [[account.clause.id, one.unit, sum(part[2] for part in one.parts)] for account, one in into]
    return Decision([_draft(counter, customer, command, BROUGHT, body, effects)], body)


def _close(counter: Counter, customer: Customer, command: Close) -> Decision:
    effects = Effects()
    reasons: list[Reason] = []
    for account in counter.rulebook.policy.accounts:
        wallet = customer.wallet(account)
        if account.closure is None:
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
        return _refused(counter, command, reasons)
    heirs = [*_no_heir(counter, command)]
    if heirs:
        return _refused(counter, command, heirs)
    went: dict[str, int] = {}
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
            closes.append(_closes(account, account.closure, command.event, done))
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
    body = _body(command, clause=nowhere_said) | {"went": went, "closes": closes}
    body["portable"] = {
        account.clause.id: UNITS[account.unit]
        for account in counter.rulebook.policy.accounts
        if account.closure is not None and goes(account.closure, command.event) is Closing.PORTABLE
    }
    draft = _draft(counter, customer, command, CLOSED, body, effects)
    for account, amount, left in inherited:
        came = From(command.volunteer, "inheritance", command.actor, command.reason)
        into = account_in(counter.rulebook.policy, command.heir, account) or account
        source = f"inheritance/{command.volunteer}"
        counter.passing.receives(Arrival(command.heir, into, command.on, amount, source, came, tuple(left)))
    customer.closed_on = command.on
    return Decision([draft], body)


def _closes(account: Account, closure: Closure, event: ClosingEvent, done: Done) -> dict[str, Any]:
    """Return what becomes of the balance of an account, how much that is, and where it is said."""
    where = goes(closure, event).value
    return {
        **clause_data(account.clause),
        "at": str(closure.location),
        "unit": UNITS[account.unit],
        "where": where,
        "amount": sum(line.amount for line in done.lines if line.account == where),
    }


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
        elif counter.people[heir].closed_on is not None:
            yield _county_reason(counter, "closed_passbook", on=str(counter.people[heir].closed_on))


# --- perks -------------------------------------------------------------------------------------------------------


def _use_perk(counter: Counter, customer: Customer, command: UsePerk) -> Decision:
    policy, on = counter.rulebook.policy, command.on
    perk = next((perk for perk in policy.perks if perk.clause.id == command.perk), None)
    if perk is None:
        return _refused(counter, command, [_county_reason(counter, "no_perk", perk=command.perk)])
    if command.units <= 0:
        return _refused(counter, command, [Reason("amount", perk.clause, perk.clause.location)], clause=perk.clause)
    held = next((one for one in customer.standing(on).perks if one.clause.id == command.perk), None)
    use = Use(on, command.for_whom, command.site, command.issued_on, command.lent, customer.taken, command.units)
    said = use_of(policy, perk, held, use)
    reasons = [*said.reasons, *_nobody_declared(counter, command, perk)]
    if reasons:
        return _refused(counter, command, reasons, clause=perk.clause)
    body = _body(command, clause=perk.clause) | {
        "provider": perk.provider,
        "worth": None if held is None else held.worth,
        "star": customer.standing(on).star_held,
    }
    effects = Effects()
    effects.use(perk.clause.id, command.units)
    draft = _draft(counter, customer, command, "perk_used", body, effects)
    draft.redemption = NewRedemption(on, perk.clause.id, command.site, command.units, 0, 0)
    customer.had.append(_had(customer.number, draft.redemption))
    return Decision([draft], body)


def _nobody_declared(counter: Counter, command: UsePerk, perk: Perk) -> Iterator[Reason]:
    """Yield that somebody for whom a perk is to be used was never declared."""
    if command.for_whom is Beneficiary.SELF:
        return
    family = counter.family_of(command.volunteer).values()
    if not any(AS_BENEFICIARY.get(relation) is command.for_whom for relation in family):
        yield Reason("nobody_declared", perk.clause, perk.clause.location, (("for_whom", command.for_whom.value),))


def _perk_used(counter: Counter, had: Had) -> Perk | None:
    """Return the perk of which something that was had is a use. An offer of the same name is paid for."""
    if had.paid or had.cash:
        return None
    return next((perk for perk in counter.rulebook.policy.perks if perk.clause.id == had.offer), None)


def _not_used(counter: Counter, customer: Customer, command: Refund, had: Had, perk: Perk) -> Decision:
    """Give a use back: it was not had after all, and counts no longer."""
    effects = Effects()
    effects.use(perk.clause.id, -had.units)
    body = _body(command, clause=perk.clause) | {"perk": perk.clause.id, "units": had.units}
    draft = _draft(counter, customer, command, "refunded", body, effects)
    draft.returns = had.entry
    customer.had.remove(had)
    return Decision([draft], body)


# --- what all of them do -----------------------------------------------------------------------------------------


def _of_wallet(
    counter: Counter,
    customer: Customer,
    command: Command,
    kind: str,
    wallet: Wallet,
    done: Done,
    before: Besides,
    *,
    hold: NewHold | None = None,
    ends: int | None = None,
) -> Decision:
    clause = wallet.account.clause
    if done.refused is not None:
        return _refused(counter, command, [done.refused], clause=clause)
    effects = Effects()
    effects.add(wallet, done, before)
    body = _body(command, clause=clause) | {"unit": UNITS[wallet.account.unit]}
    if hold is not None:
        body["held_until"] = hold.until.isoformat()
    draft = _draft(counter, customer, command, kind, body, effects)
    draft.hold, draft.ends = hold, ends
    return Decision([draft], body)


def _draft(
    counter: Counter,
    customer: Customer,
    command: Command | None,
    kind: str,
    body: dict[str, Any],
    effects: Effects,
    on: date | None = None,
) -> Draft:
    customer.number += 1
    body |= passed_data(effects)
    key, actor, reason = None, SYSTEM, ""
    if command is not None:
        key = Key(command.scope, command.key, request_hash(command))
        on, actor, reason = command.on, command.actor, command.reason
    assert on is not None
    why = "overflow" if kind != "given" else "gift"
    counter.passing.share(customer.person.id, effects, on, why, actor)
    counter.fresh[customer.person.id, customer.number] = tuple(effects.lots)
    draft = draft_of(counter.rulebook, customer, kind, body, effects, on, actor, reason)
    draft.key = key
    return draft


def _refused(
    counter: Counter, command: Command, reasons: Sequence[Reason], *, clause: Clause | None = None
) -> Decision:
    customer = counter.people[command.volunteer]
    body = _body(command, clause=clause) | {"allowed": False, "reasons": [reason_data(one) for one in reasons]}
    return Decision([_draft(counter, customer, command, REFUSED, body, Effects())], body)


def _body(command: Command | None, *, clause: Clause | None) -> dict[str, Any]:
    asked = {} if command is None else {"asked": request_data(command)}
    said = {} if clause is None else clause_data(clause)
    return {**asked, "allowed": True, **said}


def reason_data(reason: Reason) -> dict[str, Any]:
    """Return a reason as plain data, with its clause and place."""
    operands: dict[str, FactValue] = dict(reason.operands)
    return {
        "code": reason.code,
        "clause": reason.clause.id,
        "at": str(reason.location),
        "cites": reason.clause.source.clause,
        "operands": operands,
    }


def before_in_force(rulebook: Rulebook, on: date) -> Reason | None:
    """Return why nothing is decided by the rules on a day before they are in force."""
    county = rulebook.policy.county
    if on >= county.in_force_from:
        return None
    return Reason("before_in_force", county.clause, county.in_force_at, (("day", county.in_force_from.isoformat()),))


def _county_reason(counter: Counter, code: str, **operands: FactValue) -> Reason:
    clause = counter.rulebook.policy.county.clause
    return Reason(code, clause, clause.location, tuple(operands.items()))


def _wallets(customer: Customer) -> list[Wallet]:
    return [customer.wallet(account) for account in customer.rulebook.policy.accounts]


def _holding(customer: Customer, entry: int) -> Wallet | None:
    return next((wallet for wallet in _wallets(customer) if entry in wallet.holds), None)


def _offer(counter: Counter, id: str | None) -> Offer | None:
    return next((offer for offer in counter.rulebook.policy.offers if offer.clause.id == id), None)


def _had(entry: int, had: NewRedemption) -> Had:
    return Had(entry, had.on, had.offer, had.merchant, had.units, had.paid, had.cash)
