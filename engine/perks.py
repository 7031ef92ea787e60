"""Which perks are open to a person on a day, what each is worth then, and whether one may be used once more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from lianxing.engine.rulebook import PERKS, MeasureValue, Rulebook
from lianxing.rules.dates import Dated, Since
from lianxing.rules.facts import FactValue
from lianxing.rules.periods import add_months, is_same
from lianxing.rules.perks import Beneficiary, Card, EachFull, OnDowngrade, Pass, Perk, Uses
from lianxing.rules.places import Clause, Location
from lianxing.rules.policy import Policy
from lianxing.rules.redeeming import Quote, Reason, Taken
from lianxing.rules.standings import HeldPerk
from lianxing.rules.tables import Table


def open_perks(
    rulebook: Rulebook,
    on: date,
    person: Mapping[str, FactValue],
    measures: Mapping[str, MeasureValue],
    star: int,
    *,
    star_once_held: int = 0,
    stopped: bool = False,
) -> tuple[HeldPerk, ...]:
    """Return the perks that are open: on the star held, or for those kept after a downgrade on one held before.

    `person` holds the facts of the person and of the day. While `stopped`, which a sanction says, none is open.
    """
    policy = rulebook.policy
    if stopped or not policy.perks:
        return ()
    ruled_on = max(on, policy.county.in_force_from)  # before it there are no rules; the first ones answer
    open_now = rulebook.ask(PERKS, on, {**person, "stars": star}, measures)
    kept: frozenset[str] = frozenset()
    if star_once_held > star and any(perk.on_downgrade is OnDowngrade.KEEP for perk in policy.perks):
        kept = rulebook.ask(PERKS, on, {**person, "stars": star_once_held}, measures)
    found: list[HeldPerk] = []
    for perk in policy.perks:
        id = perk.clause.id
        if id in open_now:
            found.append(held_perk(policy, perk, star, measures, ruled_on))
        elif id in kept and perk.on_downgrade is OnDowngrade.KEEP:
            found.append(held_perk(policy, perk, star_once_held, measures, ruled_on))
    return tuple(found)


def held_perk(policy: Policy, perk: Perk, star: int, measures: Mapping[str, MeasureValue], on: date) -> HeldPerk:
    """Return a perk that is open on a star as it is on a day."""
    pays, worth = _at(perk.pays, star, on), _at(perk.worth, star, on)
    uses = perk.uses
    choice = next((choice for choice in policy.choices if perk.clause.id in choice.among), None)
    return HeldPerk(
        clause=perk.clause,
        provider=perk.provider,
        pays=None if pays is None else pays.value,
        pays_at=None if pays is None else pays.location,
        uses_at_most=uses.at_most.on(on) if isinstance(uses, Uses) else None,
        uses_per=uses.per if isinstance(uses, Uses) else None,
        worth=None if worth is None else int(worth.value),
        worth_at=None if worth is None else worth.location,
        pass_months=uses.months.on(on) if isinstance(uses, Pass) else None,
        earned_so_far=_so_far(uses, measures, on) if isinstance(uses, EachFull) else None,
        chosen_by=None if choice is None else choice.clause,
        sites=perk.sites,
        department=perk.department,
        legal_ground=perk.legal_ground,
        beneficiaries=perk.beneficiaries,
        shows=perk.shows,
    )


def _at(table: Table | None, star: int, on: date) -> Since[Fraction] | None:
    return None if table is None else table.since((star,) if table.by else (), on)


def _so_far(uses: EachFull, measures: Mapping[str, MeasureValue], on: date) -> int:
    """Return how often a reward that comes again and again has been earned."""
    value = measures.get(uses.measure)
    return max(0, value) // uses.amount.on(on) if isinstance(value, int) else 0


@dataclass(frozen=True)
class Use:
    """Somebody wants to use a perk: for whom, where, since when there is a pass or card, and what was used before.

    `taken` names every earlier use of any perk, and each choice of one among several under the perk chosen.
    """

    on: date
    for_whom: Beneficiary = Beneficiary.SELF
    site: str = ""
    issued_on: date | None = None
    lent: bool = False
    taken: Sequence[Taken] = ()
    units: int = 1


def use_of(policy: Policy, perk: Perk, held: HeldPerk | None, use: Use) -> Quote:
    """Tell whether a perk may be used, with every reason why not; `held` is None while it is not open."""
    reasons = list(_why_not(policy, perk, held, use))
    return Quote(perk.clause, not reasons, tuple(reasons))


def _why_not(policy: Policy, perk: Perk, held: HeldPerk | None, use: Use) -> Iterable[Reason]:
    clause = perk.clause

    def reason(code: str, place: Location = clause.location, **operands: FactValue) -> Reason:
        return Reason(code, clause, place, tuple(operands.items()))

    if held is None:
        yield reason("not_open")
    if use.for_whom not in perk.beneficiaries:
        yield reason("beneficiary", for_whom=use.for_whom.value)
    if perk.sites and use.site and use.site not in perk.sites:
        yield reason("site", site=use.site)
    if perk.card is not None and use.lent and not perk.card.lending:
        yield reason("lent")
    limits = [one.months for one in (perk.card, perk.uses) if isinstance(one, Card | Pass)]
    if limits:
        shortest = min(limits, key=lambda months: months.on(use.issued_on or use.on))
        yield from _not_valid(clause, shortest, use)
    yield from _too_often(perk, held, use)
    yield from _not_chosen(policy, perk, use)


def _not_valid(clause: Clause, months: Dated[int], use: Use) -> Iterable[Reason]:
    """Yield that a pass or card does not hold on the day: it has not begun, it ended, or nobody says which it is."""
    place, issued_on = months.entries[0].location, use.issued_on
    if issued_on is None:
        yield Reason("not_issued", clause, place)
    elif use.on < issued_on:
        yield Reason("not_begun", clause, place, (("first_day", issued_on.isoformat()),))
    elif use.on > (last := add_months(issued_on, months.on(issued_on))):
        yield Reason("expired", clause, place, (("last_day", last.isoformat()),))


def _too_often(perk: Perk, held: HeldPerk | None, use: Use) -> Iterable[Reason]:
    match perk.uses:
        case Uses() as uses:
            since = uses.at_most.since(use.on)
            mine = [taken for taken in use.taken if is_same(uses.per, taken.on, use.on)]
            most, place = since.value, since.location
        case EachFull() as each:
            mine, most, place = list(use.taken), 0 if held is None else held.earned_so_far or 0, each.location
        case _:
            return
    used = sum(taken.units for taken in mine if taken.offer == perk.clause.id)
    if used + use.units > most:
        yield Reason("uses", perk.clause, place, (("at_most", most), ("used", used)))


def _not_chosen(policy: Policy, perk: Perk, use: Use) -> Iterable[Reason]:
    """Of several perks so many may be chosen in a period: using one is choosing it."""
    for choice in policy.choices:
        if perk.clause.id not in choice.among:
            continue
        most = choice.at_most.since(use.on)
        among = [taken for taken in use.taken if taken.offer in choice.among]
        chosen = {taken.offer for taken in among if is_same(choice.per, taken.on, use.on)}
        if perk.clause.id not in chosen and len(chosen) >= most.value:
            operands = (("at_most", most.value), ("chosen", ", ".join(sorted(chosen))))
            yield Reason("choice", choice.clause, most.location, operands)
