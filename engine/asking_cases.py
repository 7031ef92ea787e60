"""What a case asks of perks, offers and accounts: worked out, and held against what it expects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lianxing.engine.accounts import balance_of
from lianxing.engine.approving import Approval, approval, handover
from lianxing.engine.basis import Lowering, lowered_by, lowerings
from lianxing.engine.checks import AMOUNTS, ANSWER, MONEY, POINTS, Check
from lianxing.engine.facts import EVERYTHING, person_facts
from lianxing.engine.perks import Use, open_perks, use_of
from lianxing.engine.reading.review_cases import PUBLIC
from lianxing.engine.reading.vocabulary import KEYS, WORDS
from lianxing.engine.redemption import Asking, account_of, quote, swap, to_supply, voucher_use, withdrawal
from lianxing.engine.rulebook import MeasureValue, Rulebook
from lianxing.engine.sanctions import sanction_facts
from lianxing.engine.standings import measures_of
from lianxing.rules.accounts import Account
from lianxing.rules.asking_cases import AskingCase
from lianxing.rules.balances import Balance
from lianxing.rules.cases import Case
from lianxing.rules.facts import Fact, FactValue
from lianxing.rules.redeeming import Quote
from lianxing.rules.sanctions import OnRight
from lianxing.rules.standings import HeldPerk, Standing


@dataclass(frozen=True)
class Answered:
    """What came out, as pairs of what is expected and what was got, and the clauses that it touched."""

    checks: tuple[Check, ...] = ()
    touched: frozenset[str] = frozenset()


@dataclass
class _Story:
    """A case with what is known of the person on its day."""

    rulebook: Rulebook
    case: Case
    asking: AskingCase
    found: Standing
    person: Mapping[str, FactValue]
    measures: Mapping[str, MeasureValue]
    touched: set[str] = field(default_factory=set)


def answered(rulebook: Rulebook, case: Case, found: Standing) -> Answered:
    """Return what a case asks and what the rules answer; `found` is where the person stands."""
    asking = case.asking
    if asking is None or not (asking.offer or asking.moves or asking.worths):
        return Answered()
    person = {**_person(rulebook, case), **sanction_facts(found.conduct.effects)}
    story = _Story(rulebook, case, asking, found, person, measures_of(found))
    checks = tuple(_checks(story))
    return Answered(checks, frozenset(story.touched))


def _person(rulebook: Rulebook, case: Case) -> dict[str, FactValue]:
    return {**person_facts(case.volunteer, case.on, EVERYTHING), **rulebook.calendar.facts(case.on, EVERYTHING)}


def lowerings_of(rulebook: Rulebook, case: Case, measures: Mapping[str, MeasureValue]) -> tuple[Lowering, ...]:
    """Return by what the moves of a case lower what the person's star rests on."""
    asking = case.asking
    if asking is None or not asking.moves or not lowered_by(rulebook.policy):
        return ()
    account = _account(rulebook, asking)
    balance = balance_of(rulebook, account, asking.moves, case.on, _person(rulebook, case), measures)
    return lowerings(rulebook.policy, balance.gone)


def _account(rulebook: Rulebook, asking: AskingCase) -> Account:
    return next(account for account in rulebook.policy.accounts if account.clause.id == asking.account)


def _checks(story: _Story) -> Iterator[Check]:
    asking = story.asking
    balance = _balance(story)
    said = _quote(story, balance) if asking.offer else None
    if said is not None:
        story.touched.add(said.clause.id)
        story.touched |= {reason.clause.id for reason in said.reasons}
    if asking.allowed is not None and said is not None:
        expected, got = ("allowed" if answer else "refused" for answer in (asking.allowed, said.allowed))
        yield Check("redemption", expected, got, words=WORDS)
    if asking.refused_by is not None and said is not None:
        refusing = {reason.clause.id for reason in said.reasons}
        by = asking.refused_by if asking.refused_by in refusing else ", ".join(sorted(refusing)) or None
        yield Check("refused_by", asking.refused_by, by)
    refused = balance.refused if balance is not None and not asking.offer else ()
    unexpected = bool(asking.allowed) and said is not None and not said.allowed
    if asking.why is not None or refused or unexpected:
        reasons = [reason.code for reason in said.reasons] if said is not None else [r.reason.code for r in refused]
        expected_why, came = (", ".join(sorted(codes)) or None for codes in (asking.why or (), reasons))
        yield Check("why", expected_why, came, words=WORDS)
    if said is not None:
        yield from _costs(asking, said, _costs_in(story))
    if balance is not None:
        kept_in = AMOUNTS[_account(story.rulebook, asking).unit.type]
        yield from _leaves(asking, balance, kept_in)
    yield from _supplies(story)
    yield from _worths(story)


def _costs_in(story: _Story) -> Fact:
    """Return what the offer of a case is priced in; a perk has no price from an account."""
    offers = story.rulebook.policy.offers
    return next((AMOUNTS[offer.price_type] for offer in offers if offer.clause.id == story.asking.offer), POINTS)


def _costs(asking: AskingCase, said: Quote, costs_in: Fact) -> Iterator[Check]:
    if asking.costs is not None:
        yield Check("costs", asking.costs, said.price, costs_in)
    if asking.cash is not None:
        yield Check("cash", asking.cash, said.cash, MONEY)
    if asking.published is not None:
        yield Check("published", int(asking.published), int(said.published), ANSWER)
    if asking.awaits is not None:
        yield Check("awaits by", asking.awaits.by, said.awaits or None, words=KEYS)
        if asking.awaits.due is not None:
            due, decide_by = str(asking.awaits.due), str(said.decide_by) if said.decide_by else None
            yield Check("awaits due", due, decide_by, words=KEYS)


def _balance(story: _Story) -> Balance | None:
    asking = story.asking
    if not asking.account or not asking.moves:
        return None
    account = _account(story.rulebook, asking)
    story.touched.add(account.clause.id)
    return balance_of(story.rulebook, account, asking.moves, story.case.on, story.person, story.measures)


def _leaves(asking: AskingCase, balance: Balance, kept_in: Fact) -> Iterator[Check]:
    if asking.left is not None:
        yield Check("leaves balance", asking.left, balance.balance, kept_in, KEYS)
    if asking.left_available is not None:
        yield Check("leaves available_balance", asking.left_available, balance.available, kept_in, KEYS)
    if asking.went is not None:
        yield from _each("went", asking.went, balance.went, kept_in, WORDS)


def _each(
    what: str, asked: Mapping[str, int], came: Mapping[str, int], of: Fact, words: Mapping[str, str]
) -> Iterator[Check]:
    """Yield an amount for everything that was asked for or came; where neither is anything, that nothing came."""
    for name in sorted({*asked, *came}):
        yield Check(f"{what} {name}", asked.get(name, 0), came.get(name, 0), of, words)
    if not asked and not came:
        yield Check(what, None, None)


def _quote(story: _Story, balance: Balance | None) -> Quote | None:
    policy, asking, on = story.rulebook.policy, story.asking, story.case.on
    around = asking.circumstances
    perk = next((perk for perk in policy.perks if perk.clause.id == asking.offer), None)
    if perk is not None:
        held = _perks(story).get(asking.offer)
        use = Use(on, around.for_whom, around.site, asking.issued_on, around.lent, asking.redeemed, asking.units)
        return use_of(policy, perk, held, use)
    offer = next(offer for offer in policy.offers if offer.clause.id == asking.offer)
    if asking.asks == "withdrawal":
        return withdrawal(offer)
    if asking.asks == "swap":
        return swap(offer)
    if asking.asks == "handover":
        return handover(offer, approved=around.approved)
    if asking.asks == "approval":
        asked_on = max((one.on for one in asking.redeemed if one.offer == asking.offer), default=on)
        who = around.actor or around.by or PUBLIC
        decided = Approval(story.case.volunteer.id, asked_on, on, around.by, who, reason=story.case.name)
        return approval(story.rulebook, offer, decided)
    if asking.issued_on is not None or around.shown is not None:
        return voucher_use(offer, asking.issued_on or on, on, around.shown)
    held_now = balance.available if balance is not None else asking.balance or 0
    return quote(
        story.rulebook,
        offer,
        Asking(
            on=on,
            person=story.person,
            measures=story.measures,
            star=story.found.star_held,
            balance=held_now,
            units=asking.units,
            taken=asking.redeemed,
            merchant=around.merchant,
            given_out=around.given_out,
            suspended=story.found.conduct.effects.redemption is OnRight.SUSPENDED,
            frozen=story.found.conduct.freezes(account_of(policy, offer).unit),
        ),
    )


def _perks(story: _Story) -> Mapping[str, HeldPerk]:
    """Return the perks that are open; a star once held is known from the records, or the case tells it."""
    found, once_held = story.found, story.asking.circumstances.once_held
    perks = found.perks
    if once_held:
        on, star, stopped = story.case.on, found.star_held, found.perks_stopped
        perks = open_perks(
            story.rulebook, on, story.person, story.measures, star, star_once_held=once_held, stopped=stopped
        )
    return {perk.clause.id: perk for perk in perks}


def _supplies(story: _Story) -> Iterator[Check]:
    asking = story.asking
    offer = next((offer for offer in story.rulebook.policy.offers if offer.clause.id == asking.offer), None)
    if asking.to_supply is None or offer is None:
        return
    got = to_supply(offer, asking.circumstances.supplied, story.case.on)
    yield from _each("to_supply", asking.to_supply, got, MONEY, {})


def _worths(story: _Story) -> Iterator[Check]:
    if story.asking.worths is None:
        return
    perks = _perks(story)
    for id, value in story.asking.worths.items():
        story.touched.add(id)
        yield Check(f"worths {id}", value, perks[id].worth if id in perks else None, MONEY)
