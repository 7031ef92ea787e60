"""Who may be commended: people and organisations with what is known of them on a day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from lianxing.engine.basis import Lowering
from lianxing.engine.facts import EVERYTHING, past_facts, person_facts
from lianxing.engine.measures import Totals
from lianxing.engine.quotients import Quotient
from lianxing.engine.rulebook import HISTORY, MeasureValue, Rulebook
from lianxing.engine.sanctions import sanction_facts
from lianxing.engine.standings import standing
from lianxing.rules.facts import FactValue
from lianxing.rules.places import Clause
from lianxing.rules.records import Volunteer
from lianxing.rules.reviewing import Awarded
from lianxing.rules.sanctions import OnCommendation
from lianxing.rules.standings import Counted, Standing

HONOUR = "honour"  # the kind of a record that says that an honour was won, and the fact that says which
REGISTERED_ON = "registered_on"


@dataclass(frozen=True, slots=True)
class Won:
    """An honour that was won, and the day."""

    honour: str
    on: date


@dataclass(frozen=True)
class Candidate:
    """Somebody who may be put forward: facts and measures on the day, the star held, honours won.

    `star` is None for an organisation, which holds none. `excluded_by`: sanctions that bar from commendation.
    """

    id: str
    facts: Mapping[str, FactValue]
    measures: Mapping[str, MeasureValue]
    star: int | None = None
    honours: tuple[Won, ...] = ()
    excluded_by: tuple[Clause, ...] = ()

    def as_organisation(self) -> Candidate:
        """Return the candidate without what only a person has: a star, and sanctions."""
        return replace(self, star=None, excluded_by=())


def person(
    rulebook: Rulebook,
    volunteer: Volunteer,
    history: Sequence[Counted],
    on: date,
    awards: Sequence[Awarded] | None = None,
    lowerings: Sequence[Lowering] = (),
) -> Candidate:
    """Return a volunteer as a candidate; records of later days are not seen. `history` is in order.

    `awards` and `lowerings` as in `engine.standings.standing`.
    """
    found = standing(rulebook, volunteer, history, on, awards, lowerings)
    return standing_candidate(rulebook, found, volunteer, history, on)


def standing_candidate(
    rulebook: Rulebook,
    found: Standing,
    volunteer: Volunteer,
    history: Iterable[Counted],
    on: date,
    sanctioned: Mapping[str, FactValue] | None = None,
) -> Candidate:
    """Return a volunteer as a candidate; `sanctioned` are facts about sanctions that are given outright."""
    sheets = {sheet.clause.id for sheet in found.scores}  # worked out anew, with their lines, when they are asked
    measures = {
        line.clause.id: line.sum if line.count is None else Quotient(line.sum, line.count)
        for line in found.measures
        if line.clause.id not in sheets
    }
    facts = {**person_facts(volunteer, on, EVERYTHING), **sanction_facts(found.conduct.effects), **(sanctioned or {})}
    barring = tuple(
        state.clause
        for state in found.conduct.sanctions
        if state.active and state.effects.commendation is OnCommendation.EXCLUDED
    )
    return Candidate(
        volunteer.id,
        facts,
        measures,
        found.star_held,
        tuple(_won(history, on, rulebook.policy.county.in_force_from)),
        barring,
    )


def organisation(rulebook: Rulebook, subject: Volunteer, history: Iterable[Counted], on: date) -> Candidate:
    """Return an organisation as a candidate: the measures are over what all its volunteers served in its name.

    `subject` carries its name as id, the day on which it was registered, and its facts.
    """
    seen = sorted((past for past in history if past.record.day <= on), key=lambda past: past.record.order)
    totals = Totals(rulebook.policy)
    for past in seen:
        if past.counted:
            facts = past_facts(rulebook, past.record, past.supplied)
            matched = rulebook.ask(HISTORY, past.record.day, facts, {})
            totals.add(past.record.day, past.seconds, past.points, facts, matched)
    facts = person_facts(subject, on, EVERYTHING)
    return Candidate(
        subject.id, facts, totals.on(on), None, tuple(_won(seen, on, rulebook.policy.county.in_force_from))
    )


def _won(history: Iterable[Counted], on: date, since: date) -> Iterator[Won]:
    """Yield the honours won by a day. Of those from before the rules nobody could refuse one: they count as well."""
    for past in history:
        facts, day = {**past.supplied, **past.record.facts}, past.record.day
        which = facts.get(HONOUR)
        if facts.get("kind") == HONOUR and isinstance(which, str) and day <= on and (past.counted or day < since):
            yield Won(which, day)


def told_of(subject: Volunteer, facts: Mapping[str, FactValue]) -> Volunteer:
    """Return somebody with further facts, which win over what was known."""
    registered = facts.get(REGISTERED_ON)
    rest = {name: value for name, value in facts.items() if name != REGISTERED_ON}
    registered_on = date.fromordinal(registered) if isinstance(registered, int) else subject.registered_on
    return replace(subject, registered_on=registered_on, facts={**subject.facts, **rest})
