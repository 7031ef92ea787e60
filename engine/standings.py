"""Where a person stands on a day, worked out from what was booked and the policy in force on that day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from lianxing.engine.facts import past_facts, person_facts
from lianxing.engine.gaps import gaps
from lianxing.engine.measures import Totals
from lianxing.engine.perks import open_perks
from lianxing.engine.quotients import Quotient
from lianxing.engine.rulebook import HISTORY, STARS, MeasureValue, Rulebook
from lianxing.rules.conditions import condition_on
from lianxing.rules.facts import Fact, FactValue
from lianxing.rules.records import Volunteer
from lianxing.rules.standings import Counted, Gap, MeasureLine, Standing
from lianxing.rules.stars import StarLevel

_EVERYTHING = frozenset(("tenure", "age"))


def standing(rulebook: Rulebook, volunteer: Volunteer, history: Iterable[Counted], on: date) -> Standing:
    """Return where a person stands on a day; records of later days are not seen. `history` is in order."""
    policy = rulebook.policy
    seen = [past for past in history if past.record.day <= on and past.counted]
    totals = Totals(policy)
    for past in seen:
        facts = past_facts(rulebook, past.record, past.supplied)
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
    star_once_held: int = 0,
    perks_stopped: bool = False,
) -> Standing:
    """Return where a person with these measures stands; a star given outright stands in for the award.

    `star_once_held` is the highest star ever held, for perks that are kept; sanctions say `perks_stopped`.
    """
    policy = rulebook.policy
    ruled_on = max(on, policy.county.in_force_from)  # before it there are no rules; the first ones answer
    person = {**person_facts(volunteer, on, _EVERYTHING), **rulebook.calendar.facts(on, _EVERYTHING)}
    reached = {int(star) for star in rulebook.ask(STARS, on, person, measures)}
    levels = policy.stars.levels if policy.stars is not None else ()
    star_reached = max(reached, default=0)
    held = star_reached if star_held is None else star_held
    level = next((level for level in levels if level.star == held), None)
    following = next((level for level in levels if level.star > star_reached), None)
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
        perks=open_perks(rulebook, on, person, measures, held, star_once_held=star_once_held, stopped=perks_stopped),
    )


def _line(rulebook: Rulebook, id: str, value: MeasureValue) -> MeasureLine:
    measure = next(measure for measure in rulebook.policy.measures if measure.clause.id == id)
    if isinstance(value, Quotient):
        return MeasureLine(measure.clause, measure.fact.type, value.sum, value.count)
    return MeasureLine(measure.clause, measure.fact.type, value, None)


def _gaps_of(
    level: StarLevel,
    facts: Mapping[str, Fact],
    person: Mapping[str, FactValue],
    measures: Mapping[str, MeasureValue],
    on: date,
) -> tuple[Gap, ...]:
    values: dict[str, FactValue | Quotient] = {**person, **measures}
    return tuple(gaps(condition_on(level.condition, on), facts, values))
