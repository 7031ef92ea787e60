"""What commands ask about: of what somebody had before, and of what is given out, only what bears on them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from lianxing.engine.bank.redeeming import fetched_under
from lianxing.engine.ledger.holdings import About
from lianxing.engine.ledger.reading import Reading
from lianxing.rules.commands import Approve, Command, Decline, Fetch, Redeem, Refund, Release, Settle, UsePerk
from lianxing.rules.periods import Period, period_start
from lianxing.rules.perks import EachFull, Uses
from lianxing.rules.policy import Policy

_Asked = tuple[Iterable[str], date]


def about(commands: Sequence[Command], policy: Policy) -> About | None:
    """Return which earlier redemptions and uses of perks these commands ask about; None where it is all of them."""
    entries: set[int] = set()
    names: set[str] = set()
    since = date.max
    for command in commands:
        asked: list[_Asked] = []
        match command:
            case Settle() | Release() | Approve() | Decline() | Refund() | Fetch():
                entries.add(command.entry)
                asked = [([fetched_under(command.entry)], date.min)]
            case Redeem():
                by_offer = _of_offer(policy, command)
                if by_offer is None:
                    return None
                asked = by_offer
            case UsePerk():
                asked = _of_perk(policy, command)
        for some, first in asked:
            names.update(some)
            since = min(since, first)
    latest = max((command.on for command in commands), default=date.min)
    return About(frozenset(entries), frozenset(names), since, latest)


def stock_taken(reading: Reading, policy: Policy) -> dict[str, int]:
    """Return how many units are given out of each offer of which there are so many only."""
    limited = [offer.clause.id for offer in policy.offers if offer.stock is not None]
    return reading.stock_taken(policy.county.id, limited) if limited else {}


def _of_offer(policy: Policy, command: Redeem) -> list[_Asked] | None:
    offer = next((offer for offer in policy.offers if offer.clause.id == command.offer), None)
    if offer is None:
        return []
    if offer.watermark:  # whatever was taken from the merchant, ever
        return None
    asked: list[_Asked] = []
    if offer.per_person is not None:
        asked.append(([offer.clause.id], _first_day(offer.per_person.per, command.on)))
    if offer.opens is not None and offer.opens.at_most is not None:
        same = [one.clause.id for one in policy.offers if one.account == offer.account]
        asked.append((same, _first_day(offer.opens.per, command.on)))
    return asked


def _of_perk(policy: Policy, command: UsePerk) -> list[_Asked]:
    asked: list[_Asked] = []
    for perk in policy.perks:
        if perk.clause.id != command.perk:
            continue
        match perk.uses:
            case Uses() as uses:
                asked.append(([perk.clause.id], _first_day(uses.per, command.on)))
            case EachFull():
                asked.append(([perk.clause.id], date.min))
    for choice in policy.choices:
        if command.perk in choice.among:
            asked.append((choice.among, _first_day(choice.per, command.on)))
    return asked


def _first_day(per: Period | None, on: date) -> date:
    return date.min if per is None else period_start(per, on)
