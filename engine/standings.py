"""Where a person stands on a day, worked out from what was booked and the policy in force on that day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from lianxing.engine.basis import Lowering
from lianxing.engine.facts import EVERYTHING, person_facts
from lianxing.engine.gaps import gaps
from lianxing.engine.life import Life
from lianxing.engine.perks import open_perks
from lianxing.engine.quotients import Quotient
from lianxing.engine.rulebook import STARS, MeasureValue, Rulebook
from lianxing.engine.sanctions import Sanctions, sanction_facts
from lianxing.engine.scores import scores, with_scores
from lianxing.rules.conditions import Operator, condition_on
from lianxing.rules.decisions import Conduct, StarState
from lianxing.rules.facts import Fact, FactType, FactValue
from lianxing.rules.places import Label
from lianxing.rules.policy import Policy
from lianxing.rules.records import Volunteer
from lianxing.rules.reviewing import Awarded
from lianxing.rules.sanctions import OnPerks, OnStar
from lianxing.rules.standings import Counted, Gap, MeasureLine, Standing
from lianxing.rules.stars import AwardBy, StarLevel
from lianxing.rules.transition import TransitionLine


def standing(
    rulebook: Rulebook,
    volunteer: Volunteer,
    history: Iterable[Counted],
    on: date,
    awards: Sequence[Awarded] | None = None,
    lowerings: Sequence[Lowering] = (),
) -> Standing:
    """Return where a person stands on a day; records of later days are not seen. `history` is in order.

    `awards` are the stars that were awarded in a review; None where the records themselves tell of applications.
    `lowerings` are what was spent or has expired, in order, where that lowers what a star rests on.
    """
    life = Life(rulebook, volunteer, awards=awards, lowerings=lowerings)
    for past in history:
        if past.record.day <= on:
            life.add(past)
    return standing_after(rulebook, volunteer, life, on)


def standing_after(rulebook: Rulebook, volunteer: Volunteer, life: Life, on: date) -> Standing:
    """Return where a person stands on a day after this life, which has seen no record of a later day.

    It takes the life to the end of that day: freeze it before.
    """
    conduct = life.conduct(on)
    star = life.star(on)
    return standing_with(
        rulebook,
        volunteer,
        life.measures(on),
        on,
        records=life.records,
        seconds=life.seconds,
        points=life.points,
        transitions=life.transitions,
        star=star,
        selected=life.selected,
        conduct=conduct,
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
    transitions: Sequence[TransitionLine] = (),
    star: StarState | None = None,
    star_held: int | None = None,
    selected: frozenset[str] = frozenset(),
    conduct: Conduct | None = None,
    sanctioned: Mapping[str, FactValue] | None = None,
) -> Standing:
    """Return where a person with these measures stands.

    `star` is what a life came to, `selected` the commendations in it, `conduct` its sanctions. Without a life, a star
    given outright (`star_held`) stands in for the award, and sanctions are those that the measures bring on that day;
    `sanctioned` are facts about sanctions given outright.
    """
    policy = rulebook.policy
    ruled_on = max(on, policy.county.in_force_from)  # before it there are no rules; the first ones answer
    person = {**person_facts(volunteer, on, EVERYTHING), **rulebook.calendar.facts(on, EVERYTHING)}
    sheets = scores(rulebook, on, person, measures)
    measures = with_scores(measures, sheets)
    conduct = _conduct(rulebook, on, person, measures) if conduct is None else conduct
    person |= sanction_facts(conduct.effects) | dict(sanctioned or {})
    holding = {int(level) for level in rulebook.ask(STARS, on, person, measures)}
    levels = policy.stars.levels if policy.stars is not None else ()
    select = policy.stars.award.select if policy.stars is not None else {}
    star_reached = max((level for level in holding if select.get(level, "") in {"", *selected}), default=0)
    if star is not None:
        star_held = star.held
    held = _held(policy, conduct.effects.star, star_reached) if star_held is None else star_held
    sheets |= scores(rulebook, on, person, measures, held)
    measures = with_scores(measures, sheets)
    level = next((level for level in levels if level.star == held), None)
    following = next((level for level in levels if level.star > star_reached), None)
    missing = () if following is None else _gaps_of(following, policy.facts, person, measures, ruled_on)
    if following is not None and select.get(following.star, "") not in {"", *selected}:
        missing += (_not_selected(following, select[following.star]),)
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
        gaps=missing,
        perks=open_perks(
            rulebook,
            on,
            person,
            measures,
            held,
            star_once_held=0 if star is None else star.once_held,
            stopped=conduct.effects.perks is OnPerks.STOPPED,
        ),
        scores=tuple(sheets.values()),
        transitions=tuple(transitions),
        star=star,
        star_title=policy.stars.titles.get(held, Label()) if policy.stars is not None else Label(),
        conduct=conduct,
    )


def measures_of(standing: Standing) -> dict[str, MeasureValue]:
    """Return the measures of a standing as conditions ask them."""
    return {
        line.clause.id: line.sum if line.count is None else Quotient(line.sum, line.count) for line in standing.measures
    }


def _conduct(
    rulebook: Rulebook, on: date, person: Mapping[str, FactValue], measures: Mapping[str, MeasureValue]
) -> Conduct:
    """Return the sanctions that measures bring on by themselves, where nothing is known of the days before."""
    if not rulebook.policy.sanctions:
        return Conduct()
    found = Sanctions(rulebook)
    found.look(on, person, measures)
    return Conduct(found.effects(), found.states())


def _held(policy: Policy, effect: OnStar, reached: int) -> int:
    """Return the star held where nothing is known of the days before: what is awarded by itself is held."""
    if policy.stars is None or policy.stars.award.by is not AwardBy.AUTOMATIC or effect is OnStar.CANCELLED:
        return 0
    if effect is OnStar.LOWERED:
        return max((level.star for level in policy.stars.levels if level.star < reached), default=0)
    return reached


def _not_selected(level: StarLevel, commendation: str) -> Gap:
    return Gap("honour", FactType.TEXT, Operator.EQUALS, commendation, None, None, level.location)


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
