"""Where a person stands on a day, worked out from what was booked and the policy in force on that day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from fractions import Fraction
from zoneinfo import ZoneInfo

from lianxing.engine.facts import calendar_facts, past_facts, person_facts
from lianxing.engine.measures import Totals
from lianxing.engine.quotients import Quotient, Threshold, holds
from lianxing.engine.rulebook import HISTORY, PERKS, STARS, MeasureValue, Rulebook
from lianxing.rules.conditions import (
    AllOf,
    AnyOf,
    Compare,
    Condition,
    DatedCompare,
    Missing,
    Not,
    OneOf,
    Operator,
    condition_on,
)
from lianxing.rules.facts import RATIO_SCALE, Fact, FactType, FactValue
from lianxing.rules.perks import Perk
from lianxing.rules.records import Volunteer
from lianxing.rules.standings import Counted, Gap, HeldPerk, MeasureLine, Standing
from lianxing.rules.stars import StarLevel

_EVERYTHING = frozenset(("tenure", "age"))


def standing(rulebook: Rulebook, volunteer: Volunteer, history: Iterable[Counted], on: date) -> Standing:
    """Return where a person stands on a day; records of later days are not seen. `history` is in order."""
    policy = rulebook.policy
    seen = [past for past in history if past.record.day <= on and past.counted]
    totals = Totals(policy)
    zone = ZoneInfo(policy.county.time_zone)
    for past in seen:
        facts = past_facts(past.record, past.supplied, zone, rulebook.asked(HISTORY))
        matched = rulebook.ask(HISTORY, past.record.day, facts, {})
        totals.add(past.record.day, past.seconds, past.points, facts, matched)
    measures = totals.on(on)
    return standing_with(
        rulebook,
        volunteer,
        measures,
        on,
        records=len(seen),
        seconds=sum(past.seconds for past in seen),
        points=sum(past.points for past in seen),
    )


def standing_with(
    rulebook: Rulebook,
    volunteer: Volunteer,
    measures: Mapping[str, MeasureValue],
    on: date,
    *,
    records: int = 0,
    seconds: int = 0,
    points: int = 0,
    star_held: int | None = None,
) -> Standing:
    """Return where a person with these measures stands; a star given outright stands in for the award."""
    policy = rulebook.policy
    ruled_on = max(on, policy.county.in_force_from)  # before it there are no rules; the first ones answer
    person = {**person_facts(volunteer, on, _EVERYTHING), **calendar_facts(on)}
    reached = {int(star) for star in rulebook.ask(STARS, on, person, measures)}
    levels = policy.stars.levels if policy.stars is not None else ()
    star_reached = max(reached, default=0)
    held = star_reached if star_held is None else star_held
    level = next((level for level in levels if level.star == held), None)
    following = next((level for level in levels if level.star > star_reached), None)
    open_perks = rulebook.ask(PERKS, on, {**person, "stars": held}, measures)
    return Standing(
        volunteer=volunteer.id,
        county=policy.county.id,
        on=on,
        policy_digest=policy.digest,
        records=records,
        seconds=seconds,
        points=points,
        measures=tuple(_line(rulebook, id, value) for id, value in measures.items()),
        star_reached=star_reached,
        star_held=held,
        star_clause=policy.stars.clause if policy.stars is not None else None,
        star_at=None if level is None else level.location,
        next_star=None if following is None else following.star,
        gaps=() if following is None else _gaps_of(following, policy.facts, person, measures, ruled_on),
        perks=tuple(_held(perk, held, ruled_on) for perk in policy.perks if perk.clause.id in open_perks),
    )


def _line(rulebook: Rulebook, id: str, value: MeasureValue) -> MeasureLine:
    measure = next(measure for measure in rulebook.policy.measures if measure.clause.id == id)
    if isinstance(value, Quotient):
        return MeasureLine(measure.clause, measure.fact.type, value.sum, value.count)
    return MeasureLine(measure.clause, measure.fact.type, value, None)


def _held(perk: Perk, star: int, on: date) -> HeldPerk:
    since = None if perk.pays is None else perk.pays.since((star,) if perk.pays.by else (), on)
    return HeldPerk(
        clause=perk.clause,
        provider=perk.provider,
        pays=None if since is None else since.value,
        pays_at=None if since is None else since.location,
        uses_at_most=None if perk.uses is None else perk.uses.at_most.on(on),
        uses_per=None if perk.uses is None else perk.uses.per,
    )


def _gaps_of(
    level: StarLevel,
    facts: Mapping[str, Fact],
    person: Mapping[str, FactValue],
    measures: Mapping[str, MeasureValue],
    on: date,
) -> tuple[Gap, ...]:
    values: dict[str, FactValue | Quotient] = {**person, **measures}
    return tuple(_gaps(condition_on(level.condition, on), facts, values))


def _gaps(condition: Condition, facts: Mapping[str, Fact], values: Mapping[str, FactValue | Quotient]) -> list[Gap]:
    """Return the tests that keep a condition from holding; of several ways, the one that lacks the fewest."""
    match condition:
        case AllOf():
            return [gap for part in condition.parts for gap in _gaps(part, facts, values)]
        case AnyOf():
            return min((_gaps(part, facts, values) for part in condition.parts), key=len)
        case Compare():
            return _compare_gap(condition, facts[condition.fact], values.get(condition.fact))
        case OneOf():
            value = values.get(condition.fact)
            if value in condition.operands:
                return []
            first = condition.operands[0]
            has = None if isinstance(value, Quotient) else value
            return [Gap(condition.fact, facts[condition.fact].type, None, first, has, None, condition.location)]
        case Not() | Missing() | DatedCompare():
            return _other_gap(condition, facts, values)


def _compare_gap(test: Compare, fact: Fact, value: FactValue | Quotient | None) -> list[Gap]:
    if isinstance(value, Quotient):
        assert isinstance(test.operand, int)
        if Threshold("", test.fact, test.operator, test.operand).answer(value):
            return []
        has = Fraction(value.sum * RATIO_SCALE, value.count) if value.count else None
        return [Gap(test.fact, fact.type, test.operator, test.operand, has, None, test.location)]
    if isinstance(value, int) and isinstance(test.operand, int):
        if holds(test.operator, value, test.operand):
            return []
        lacking = None
        if fact.type is not FactType.DATE and test.operator in (Operator.AT_LEAST, Operator.MORE_THAN):
            lacking = test.operand - value + (test.operator is Operator.MORE_THAN)
        return [Gap(test.fact, fact.type, test.operator, test.operand, value, lacking, test.location)]
    if value == test.operand:
        return []
    return [Gap(test.fact, fact.type, test.operator, test.operand, value, None, test.location)]


def _other_gap(
    condition: Not | Missing | DatedCompare, facts: Mapping[str, Fact], values: Mapping[str, FactValue | Quotient]
) -> list[Gap]:
    """A condition that asks for something not to be so: it holds, or the fact that stands in its way is the gap."""
    if isinstance(condition, Missing):
        value = values.get(condition.fact)
        absent = value is None or (isinstance(value, Quotient) and value.count == 0)
        has = None if isinstance(value, Quotient) else value
        gap = Gap(condition.fact, facts[condition.fact].type, None, "", has, None, condition.location)
        return [] if absent else [gap]
    assert isinstance(condition, Not)
    if _gaps(condition.part, facts, values):
        return []
    return _blocking(condition.part, facts, values)


def _blocking(condition: Condition, facts: Mapping[str, Fact], values: Mapping[str, FactValue | Quotient]) -> list[Gap]:
    match condition:
        case AllOf() | AnyOf():
            return _blocking(condition.parts[0], facts, values)
        case Not():
            return _blocking(condition.part, facts, values)
        case Compare() | DatedCompare() | OneOf() | Missing():
            value = values.get(condition.fact)
            has = None if isinstance(value, Quotient) else value
            return [Gap(condition.fact, facts[condition.fact].type, None, "", has, None, condition.location)]
