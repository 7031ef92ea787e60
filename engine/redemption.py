"""May somebody have what an offer gives, and for how much: a pure answer from the rules, before anything is booked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from lianxing.engine.approving import decide_by
from lianxing.engine.gaps import gaps
from lianxing.engine.reading.perks import STARS_FACT
from lianxing.engine.reading.redemption import AVAILABLE_HOURS, AVAILABLE_POINTS, OFFER_WORDS
from lianxing.engine.rounding import rounded
from lianxing.engine.rulebook import OFFERS, MeasureValue, Rulebook
from lianxing.engine.wallet import may_spend
from lianxing.rules.accounts import Account
from lianxing.rules.conditions import condition_on
from lianxing.rules.dates import Since
from lianxing.rules.facts import FactType, FactValue
from lianxing.rules.hours import Direction
from lianxing.rules.periods import MonthDay, add_months, is_same
from lianxing.rules.places import Clause, Location
from lianxing.rules.policy import Policy
from lianxing.rules.redeeming import Quote, Reason, Taken
from lianxing.rules.redemption import Offer, Opens, PickUp
from lianxing.rules.standings import Gap


@dataclass(frozen=True)
class Asking:
    """Somebody asks for units of an offer on a day: who, with which star and what in the account, after what.

    `person` holds the facts of the person and of the day; `balance` is what may be spent, in the account's unit; with a
    watermark it is the entitlement, which is not used up. `taken` is what this person had before, `given_out` how many
    units of the offer everybody has had. `suspended` is what a sanction says, `frozen` by which one the account is;
    `overdraws`: more may be spent than there is, where the account allows it.
    """

    on: date
    person: Mapping[str, FactValue]
    measures: Mapping[str, MeasureValue]
    star: int
    balance: int
    units: int = 1
    taken: Sequence[Taken] = field(default_factory=tuple)
    merchant: str = ""
    given_out: int = 0
    suspended: bool = False
    frozen: Clause | None = None
    overdraws: bool = True


def account_of(policy: Policy, offer: Offer) -> Account:
    """Return the account that an offer is paid from."""
    return next(account for account in policy.accounts if account.clause.id == offer.account)


def frozen_reason(sanction: Clause, account: Account) -> Reason:
    """Return that a sanction lets nothing of an account be used."""
    return Reason("frozen", sanction, sanction.location, (("unit", account.unit.value),))


def quote(rulebook: Rulebook, offer: Offer, asking: Asking) -> Quote:
    """Return whether the offer may be had, every reason why not, and what it costs the account and in money."""
    policy = rulebook.policy
    account = account_of(policy, offer)
    reasons = [*_not_open(rulebook, offer, asking), *_limits(policy, offer, asking)]
    said = _price(offer, asking)
    if said is None:
        keys = ", ".join(offer.price.by)
        reasons.append(Reason("no_price", offer.clause, offer.price.location, (("by", keys),)))
        return Quote(offer.clause, False, tuple(reasons), gaps=_gaps(policy, offer, asking))
    price = said.value * asking.units
    available = asking.balance - (_taken_there(policy, offer, asking) if offer.watermark else 0)
    paid, cash, short = _paid(offer, account, price, available, asking)
    if short:
        code, place = ("watermark", offer.place("watermark")) if offer.watermark else ("balance", said.location)
        operands = (("needed", paid), ("available", available), ("unit", account.unit.value))
        reasons.append(Reason(code, offer.clause, place, operands))
    return Quote(
        clause=offer.clause,
        allowed=not reasons,
        reasons=tuple(reasons),
        price=paid,
        cash=cash,
        price_at=said.location,
        published=bool(offer.publish),
        gaps=_gaps(policy, offer, asking),
        awaits="" if offer.approver is None else offer.approver.by,
        decide_by=decide_by(rulebook, offer, asking.on),
    )


def _gaps(policy: Policy, offer: Offer, asking: Asking) -> tuple[Gap, ...]:
    if offer.when is None:
        return ()
    on = max(asking.on, policy.county.in_force_from)  # before it there are no rules; the first ones answer
    known = {**policy.facts, **OFFER_WORDS}
    return tuple(gaps(condition_on(offer.when, on), known, {**_flat(offer, asking), **asking.measures}))


def _flat(offer: Offer, asking: Asking) -> dict[str, FactValue]:
    held = AVAILABLE_POINTS if offer.price_type is FactType.POINTS else AVAILABLE_HOURS
    return {**asking.person, STARS_FACT.name: asking.star, held.name: asking.balance}


def _price(offer: Offer, asking: Asking) -> Since[Fraction] | None:
    flat = {**asking.person, STARS_FACT.name: asking.star}
    return offer.price.since(tuple(flat.get(name) for name in offer.price.by), asking.on)


def _paid(offer: Offer, account: Account, price: Fraction, available: int, asking: Asking) -> tuple[int, int, bool]:
    """Return what the account pays, what is paid in hundredths of a yuan, and whether that is more than there is."""
    whole, on = int(price), asking.on
    # What is not used up is not owed either: with a watermark nothing may be overdrawn.
    overdraws = asking.overdraws and not offer.watermark
    if whole <= available or (overdraws and may_spend(account, available, whole, on)):
        return whole, 0, False
    partial = offer.partial
    if partial is None or available < price * partial.at_least.on(on):
        return whole, 0, True
    unit = 100 if account.unit.type is FactType.POINTS else 3600
    cash = Fraction(whole - available, unit) * partial.exchange.on(on)
    return available, int(rounded(cash, 1, Direction.HALF_UP)), False


def _taken_there(policy: Policy, offer: Offer, asking: Asking) -> int:
    """Return what was taken from this merchant before, of the same account."""
    offers = {one.clause.id: one for one in policy.offers if one.account == offer.account}
    paid = 0
    for taken in asking.taken:
        if taken.offer in offers and taken.merchant == asking.merchant and taken.on <= asking.on:
            said = _price(offers[taken.offer], asking)
            paid += taken.paid or (int(said.value) * taken.units if said is not None else 0)
    return paid


def _not_open(rulebook: Rulebook, offer: Offer, asking: Asking) -> Iterator[Reason]:
    if asking.suspended:
        yield Reason("suspended", offer.clause, offer.clause.location)
    if asking.frozen is not None:
        yield frozen_reason(asking.frozen, account_of(rulebook.policy, offer))
    holding = rulebook.ask(OFFERS, asking.on, _flat(offer, asking), asking.measures)
    if offer.when is not None and offer.clause.id not in holding:
        yield Reason("not_eligible", offer.clause, offer.place("when"))
    if offer.opens is not None and not is_open(offer.opens, asking.on):
        yield Reason("closed", offer.clause, offer.opens.location, (("on", asking.on.isoformat()),))


def is_open(opens: Opens, on: date) -> bool:
    """Tell whether one may redeem on a day."""
    if (opens.since is not None and on < opens.since) or (opens.until is not None and on > opens.until):
        return False
    return not opens.every_year or any(_within(first, last, on) for first, last in opens.every_year)


def _within(first: MonthDay, last: MonthDay, on: date) -> bool:
    start, end = first.in_year(on.year), last.in_year(on.year)
    return start <= on <= end if start <= end else on >= start or on <= end


def _limits(policy: Policy, offer: Offer, asking: Asking) -> Iterator[Reason]:
    on, clause = asking.on, offer.clause

    def reason(code: str, place: Location, **operands: FactValue) -> Reason:
        return Reason(code, clause, place, tuple(operands.items()))

    opens = offer.opens
    if opens is not None and opens.at_most is not None and opens.per is not None:
        same = {one.clause.id for one in policy.offers if one.account == offer.account}
        used = sum(taken.offer in same and is_same(opens.per, taken.on, on) for taken in asking.taken)
        if used >= opens.at_most.on(on):
            yield reason("too_often", opens.location, at_most=opens.at_most.on(on), used=used)
    limit = offer.per_person
    if limit is not None:
        mine = [taken for taken in asking.taken if taken.offer == clause.id]
        had = sum(taken.units for taken in mine if limit.per is None or is_same(limit.per, taken.on, on))
        if had + asking.units > limit.at_most.on(on):
            yield reason("per_person", limit.location, at_most=limit.at_most.on(on), used=had)
    if offer.stock is not None and asking.given_out + asking.units > offer.stock.units.on(on):
        yield reason("stock", offer.stock.location, units=offer.stock.units.on(on), given_out=asking.given_out)


def voucher_holds(offer: Offer, issued_on: date, on: date) -> bool:
    """Tell whether a voucher of a day still holds: to the end of the same day of the month when its time has run."""
    if offer.voucher is None:
        return False
    return issued_on <= on <= add_months(issued_on, offer.voucher.months.on(issued_on))


def voucher_use(offer: Offer, issued_on: date, on: date, shown: Sequence[PickUp] | None = None) -> Quote:
    """Tell whether what was redeemed may be fetched: the voucher holds, and what is checked is shown."""
    reasons: list[Reason] = []
    if offer.voucher is not None and on < issued_on:
        operands = (("first_day", issued_on.isoformat()),)
        reasons.append(Reason("not_begun", offer.clause, offer.voucher.location, operands))
    else:
        reasons += _void(offer, issued_on, on)
    missing = [] if shown is None else [check.value for check in offer.pick_up if check not in shown]
    if missing:
        reasons.append(Reason("pick_up", offer.clause, offer.place("pick_up"), (("missing", ", ".join(missing)),)))
    return Quote(offer.clause, not reasons, tuple(reasons))


def withdrawal(offer: Offer, issued_on: date | None = None, on: date | None = None) -> Quote:
    """Tell whether a redemption may be taken back; a voucher that was issued on a day, as long as it holds."""
    reasons = [Reason("irreversible", offer.clause, offer.place("irreversible"))] if offer.irreversible else []
    if issued_on is not None and on is not None:
        reasons += _void(offer, issued_on, on)
    return Quote(offer.clause, not reasons, tuple(reasons))


def _void(offer: Offer, issued_on: date, on: date) -> list[Reason]:
    """Return that the voucher of an offer holds no longer."""
    if offer.voucher is None or voucher_holds(offer, issued_on, on):
        return []
    last = add_months(issued_on, offer.voucher.months.on(issued_on))
    return [Reason("void", offer.clause, offer.voucher.location, (("last_day", last.isoformat()),))]


def swap(offer: Offer) -> Quote:
    """Tell whether what was redeemed may be swapped for something else."""
    reasons = () if offer.swap else (Reason("no_swap", offer.clause, offer.place("swap")),)
    return Quote(offer.clause, not reasons, reasons)


def to_supply(offer: Offer, supplied: Mapping[str, int], on: date) -> dict[str, int]:
    """Return what each supplier still has to supply in the period, in hundredths of a yuan; who has, is left out."""
    lacking = {one.provider: one.at_least.on(on) - supplied.get(one.provider, 0) for one in offer.suppliers}
    return {provider: amount for provider, amount in lacking.items() if amount > 0}
