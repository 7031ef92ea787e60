"""What every command is decided with, and how its answer becomes an entry.

A command that the rules refuse is an entry too: it keeps the reasons, and its answer, as long as the ledger is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any, NamedTuple

from lianxing.engine.bank.booking import UNITS, Besides, Effects, clause_data, told_data
from lianxing.engine.bank.customers import Customer
from lianxing.engine.bank.drafting import SYSTEM, draft_of
from lianxing.engine.bank.passing import Passing
from lianxing.engine.bank.requests import request_data, request_hash
from lianxing.engine.bank.sharing import may_hold
from lianxing.engine.bank.terms import offer_from
from lianxing.engine.ledger.drafts import REFUSED, Draft, Key, LotLine, NewHold, NewRedemption
from lianxing.engine.ledger.holdings import Had
from lianxing.engine.redemption import frozen_reason
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.wallet import Done, Part, Wallet
from lianxing.rules.accounts import Account
from lianxing.rules.commands import Command, Redeem, Reserve
from lianxing.rules.facts import CountyId, FactValue, VolunteerId
from lianxing.rules.families import Relation
from lianxing.rules.places import Clause
from lianxing.rules.redeeming import Reason
from lianxing.rules.redemption import Offer
from lianxing.rules.requests import ServiceRequest

NOT_LENT = "not_lent"  # of a redemption that is paid in money for a part: how little the pool had


@dataclass(frozen=True, slots=True)
class Brought:
    """What comes from another county in one unit, with the days of its lots, and the day on which it had left."""

    unit: str
    parts: tuple[Part, ...]
    left_on: date


class LastStep(NamedTuple):
    """The latest day among those of what somebody had or reserved, its approval and what ended it; and of which."""

    on: date
    entry: int


@dataclass
class Counter:
    """What a command is decided with: the rules, the people, the stock, and what the ledger can be asked."""

    rulebook: Rulebook
    people: Mapping[VolunteerId, Customer]
    given_out: dict[str, int]  # units of each offer, those not yet written included
    lots_taken: Callable[[VolunteerId, int], Sequence[tuple[str, int, int]]]
    load_lots: Callable[[Customer, Wallet, Iterable[int]], None]
    declared_by: Callable[[VolunteerId], Mapping[VolunteerId, Relation]] = lambda _id: {}
    brought: Callable[[VolunteerId, CountyId, int], list[Brought] | None] = lambda _id, _county, _entry: None
    approved: Callable[[VolunteerId], Iterable[int]] = lambda _id: ()  # entries whose redemption is approved
    heard_of: Callable[[VolunteerId], bool] = lambda _id: True
    request_by: Callable[[VolunteerId, int], ServiceRequest | None] = lambda _id, _entry: None  # that an entry began
    bought: Callable[[VolunteerId, int], Mapping[str, Any]] = lambda _id, _entry: {}  # the body of what was redeemed
    last_step: Callable[[VolunteerId, int], LastStep | None] = lambda _id, _entry: (
        None
    )  # of a redemption or reservation
    passing: Passing = field(init=False)
    # In whose passbooks are entries that are not yet written; what these declared, took from lots, approved, let go
    # with a passbook, and brought.
    fresh_passbooks: set[VolunteerId] = field(default_factory=set)
    fresh_families: dict[VolunteerId, Mapping[VolunteerId, Relation]] = field(default_factory=dict)
    fresh: dict[tuple[VolunteerId, int], tuple[LotLine, ...]] = field(default_factory=dict)
    fresh_approvals: set[tuple[VolunteerId, int]] = field(default_factory=set)
    fresh_left: dict[tuple[VolunteerId, CountyId, int], list[Brought]] = field(default_factory=dict)
    fresh_brought: set[tuple[VolunteerId, CountyId, int]] = field(default_factory=set)
    fresh_bought: dict[tuple[VolunteerId, int], Mapping[str, Any]] = field(default_factory=dict)
    fresh_steps: dict[tuple[VolunteerId, int], LastStep] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.passing = Passing(self.rulebook, dict(self.people))

    def knows(self, id: VolunteerId) -> bool:
        """Tell whether anything is known of somebody, or was done in their passbook."""
        return id in self.fresh_passbooks or self.heard_of(id)

    def family_of(self, id: VolunteerId) -> Mapping[VolunteerId, Relation]:
        """Return whom somebody has declared last."""
        return self.fresh_families[id] if id in self.fresh_families else self.declared_by(id)

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


def not_held(customer: Customer, account: Account) -> Iterator[Reason]:
    """Yield that an account is in another kind of passbook."""
    if not may_hold(account, customer.person.id):
        yield Reason("holder", account.clause, account.clause.location)


def not_family(counter: Counter, command: Redeem | Reserve, account: Account) -> Iterator[Reason]:
    """Yield that whoever draws on the account is not of the declared family."""
    clause = account.clause
    if command.family and (account.family is None or not account.family.may_draw):
        yield Reason("family", clause, clause.location)
    elif command.family and command.member not in counter.family_of(command.volunteer):
        yield Reason("not_declared", clause, clause.location, (("for_whom", "family"),))


def not_frozen(customer: Customer, account: Account, on: date) -> Iterator[Reason]:
    """Yield that a sanction lets nothing of an account be used."""
    frozen = customer.frozen_by(account, on)
    if frozen is not None:
        yield frozen_reason(frozen, account)


def of_wallet(
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
        return refused(counter, command, [done.refused], clause=clause)
    effects = Effects()
    effects.add(wallet, done, before)
    body = body_of(command, clause=clause) | {"unit": UNITS[wallet.account.unit]}
    if hold is not None:
        body["held_until"] = hold.until.isoformat()
    draft = entered(counter, customer, command, kind, body, effects)
    draft.hold, draft.ends = hold, ends
    return Decision([draft], body)


def entered(
    counter: Counter,
    customer: Customer,
    command: Command | None,
    kind: str,
    body: dict[str, Any],
    effects: Effects,
    on: date | None = None,
) -> Draft:
    customer.number += 1
    body |= told_data(effects)
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


def refused(
    counter: Counter,
    command: Command,
    reasons: Sequence[Reason],
    *,
    clause: Clause | None = None,
    more: Mapping[str, Any] = MappingProxyType({}),
) -> Decision:
    customer = counter.people[command.volunteer]
    body = body_of(command, clause=clause) | {
        "allowed": False,
        "reasons": [reason_data(one) for one in reasons],
        **more,
    }
    return Decision([entered(counter, customer, command, REFUSED, body, Effects())], body)


def body_of(command: Command | None, *, clause: Clause | None) -> dict[str, Any]:
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


def county_reason(rulebook: Rulebook, code: str, **operands: FactValue) -> Reason:
    """Return a reason for which no clause stands: the county's own is named."""
    clause = rulebook.policy.county.clause
    return Reason(code, clause, clause.location, tuple(operands.items()))


def wallet_holding(customer: Customer, entry: int) -> Wallet | None:
    return next((wallet for wallet in customer.wallets_holding if entry in wallet.holds), None)


def offer_had(counter: Counter, customer: Customer, had: Had | None) -> Offer | None:
    """Return the offer of which something was had: as it stands; as it was then, where it is offered no more."""
    if had is None:
        return None
    policy = counter.rulebook.policy
    offer = next((offer for offer in policy.offers if offer.clause.id == had.offer), None)
    return offer or offer_from(bought(counter, customer, had.entry))


def offer_as_had(counter: Counter, customer: Customer, had: Had | None) -> Offer | None:
    """Return the offer of which something was had: what was a voucher stays one, what was none becomes none."""
    offer = offer_had(counter, customer, had)
    kept = None if had is None else offer_from(bought(counter, customer, had.entry))
    if offer is None or kept is None or (offer.voucher is None) == (kept.voucher is None):
        return offer
    return kept


def bought(counter: Counter, customer: Customer, entry: int) -> Mapping[str, Any]:
    """Return what the entry says by which something was had."""
    place = customer.person.id, entry
    fresh = counter.fresh_bought.get(place)
    return counter.bought(*place) if fresh is None else fresh


def account_paid_from(counter: Counter, customer: Customer, entry: int, offer: Offer) -> Account | None:
    """Return the account from which something was had, also one that the county has no more."""
    return customer.account_kept(str(bought(counter, customer, entry).get("account", offer.account)))


def had_under(entry: int, had: NewRedemption) -> Had:
    return Had(entry, had.on, had.offer, had.merchant, had.units, had.paid, had.cash)
