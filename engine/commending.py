"""A commendation on a day: who may be put forward, in which order, how many are selected, and what ties do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from lianxing.engine.candidates import Candidate
from lianxing.engine.gaps import gaps
from lianxing.engine.quotients import Quotient
from lianxing.engine.ranking import Placed, ranked
from lianxing.engine.reading.perks import STARS_FACT
from lianxing.engine.rounding import rounded
from lianxing.engine.rulebook import COMMENDATION, EXCEPTIONS, PREFERS, MeasureValue, Rulebook
from lianxing.engine.scores import scores
from lianxing.rules.commendation import Commendation, ShareOf, Step, Ties, period_of
from lianxing.rules.conditions import condition_on, facts_of
from lianxing.rules.facts import FactValue
from lianxing.rules.ranking import RankKey
from lianxing.rules.scores import ScoreResult
from lianxing.rules.selections import Bar, Ineligible, Places, Ranked, Reason, Selection, StepDue, Tie
from lianxing.rules.standings import Gap

REGISTERED_ON = "registered_on"


class MembersUnknownError(ValueError):
    """A quota is a share of the members, and nobody said how many there are."""


@dataclass(frozen=True)
class _Asked:
    """A candidate with all that conditions and ranking ask, and the names of the conditions that hold."""

    candidate: Candidate
    values: dict[str, FactValue | Quotient]
    holds: frozenset[str]
    scores: tuple[ScoreResult, ...]


@dataclass(frozen=True)
class _Decided:
    """A group after its quota: who is selected, who is left to be decided, who stands in reserve."""

    selected: tuple[Ranked, ...]
    undecided: tuple[Ranked, ...]
    reserve: tuple[Ranked, ...]
    places: Places
    tie: Tie | None


def commendation_named(rulebook: Rulebook, id: str) -> Commendation | None:
    """Return the commendation with this id, None if the policy has none."""
    return next((one for one in rulebook.policy.commendations if one.clause.id == id), None)


def commend(
    rulebook: Rulebook,
    commendation: Commendation,
    on: date,
    candidates: Iterable[Candidate],
    members: int | None = None,
) -> Selection:
    """Return who is selected on a day, with the reasons of everybody.

    `members` is what a share of the members is taken of; MembersUnknownError where the quota needs it.
    """
    ruled_on = max(on, rulebook.policy.county.in_force_from)  # before it there are no rules; the first ones answer
    everybody = [_asked(rulebook, commendation, on, candidate) for candidate in candidates]
    everybody.sort(key=lambda one: (len(one.candidate.id), one.candidate.id))
    barred = {one.candidate.id: tuple(_bars(rulebook, commendation, on, ruled_on, one)) for one in everybody}
    groups: dict[FactValue | None, list[_Asked]] = {}
    for one in everybody:
        groups.setdefault(_group(commendation, one), []).append(one)
    decided = [
        _decided(rulebook, commendation, ruled_on, group, groups[group], barred, members)
        for group in _in_order(rulebook, commendation, groups)
    ]
    first, last = period_of(commendation.period, on)
    return Selection(
        clause=commendation.clause,
        first=first,
        last=last,
        on=on,
        policy_digest=rulebook.policy.digest,
        candidates=len(everybody),
        selected=tuple(one for group in decided for one in group.selected),
        undecided=tuple(one for group in decided for one in group.undecided),
        reserve=tuple(one for group in decided for one in group.reserve),
        ineligible=tuple(Ineligible(id, reasons) for id, reasons in barred.items() if reasons),
        places=tuple(group.places for group in decided),
        ties=tuple(group.tie for group in decided if group.tie is not None),
        steps=tuple(_due(step, ruled_on) for step in commendation.steps),
        recommends_to=commendation.recommends_to,
    )


def last_days(rulebook: Rulebook, commendation: Commendation, started: date) -> tuple[tuple[Step, date | None], ...]:
    """Return the last day of each step of a procedure that begins on a day; a step begins when the one before ends.

    None for a step without a time of its own, and for those that come after it.
    """
    found: list[tuple[Step, date | None]] = []
    begins: date | None = started
    for step in commendation.steps:
        term = None if begins is None or step.within is None else step.within.on(begins)
        begins = None if begins is None or term is None else rulebook.calendar.end_of_period(begins, term)
        found.append((step, begins))
    return tuple(found)


def _due(step: Step, on: date) -> StepDue:
    return StepDue(step.name, step.by, None if step.within is None else step.within.on(on))


def _asked(rulebook: Rulebook, commendation: Commendation, on: date, candidate: Candidate) -> _Asked:
    sheets = scores(rulebook, on, candidate.facts, candidate.measures, candidate.star)
    measures: dict[str, MeasureValue] = {**{id: sheet.points for id, sheet in sheets.items()}, **candidate.measures}
    facts = dict(candidate.facts)
    if candidate.star is not None:
        facts[STARS_FACT.name] = candidate.star
    asked = facts_of(commendation.eligible) | {key.fact for key in commendation.rank_by}
    # A score that was given outright has no sheet behind it.
    shown = tuple(sheet for id, sheet in sheets.items() if id in asked and id not in candidate.measures)
    return _Asked(candidate, {**facts, **measures}, rulebook.ask(COMMENDATION, on, facts, measures), shown)


def _bars(rulebook: Rulebook, commendation: Commendation, on: date, ruled_on: date, one: _Asked) -> Iterator[Reason]:
    """Yield what keeps a candidate from being put forward; an exception stands in for the condition only."""
    clause = commendation.clause
    if clause.id not in one.holds and clause.id + EXCEPTIONS not in one.holds:
        lacking = _lacking(rulebook, commendation, ruled_on, one)
        yield Reason(Bar.NOT_ELIGIBLE, clause, commendation.eligible.location, lacking)
    past = commendation.excludes
    if past is not None:
        for won in one.candidate.honours:
            if won.honour in past.winners_of and past.within.holds(won.on, on):
                yield Reason(Bar.WON_BEFORE, clause, past.location, (), won.honour, won.on)
    for sanction in one.candidate.excluded_by:
        yield Reason(Bar.SANCTIONED, sanction, sanction.location)


def _lacking(rulebook: Rulebook, commendation: Commendation, on: date, one: _Asked) -> tuple[Gap, ...]:
    facts = {**rulebook.policy.facts, STARS_FACT.name: STARS_FACT}
    return tuple(gaps(condition_on(commendation.eligible, on), facts, one.values))


def _group(commendation: Commendation, one: _Asked) -> FactValue | None:
    value = one.values.get(commendation.quota.within_same) if commendation.quota.within_same else None
    return None if isinstance(value, Quotient) else value


def _in_order(
    rulebook: Rulebook, commendation: Commendation, groups: Iterable[FactValue | None]
) -> list[FactValue | None]:
    """Return the groups in the order in which the fact declares its values, then by text, nobody's last."""
    fact = rulebook.policy.facts.get(commendation.quota.within_same)
    declared = {value.id: index for index, value in enumerate(fact.values)} if fact is not None else {}
    return sorted(groups, key=lambda group: (group is None, declared.get(str(group), len(declared)), str(group)))


def _decided(
    rulebook: Rulebook,
    commendation: Commendation,
    on: date,
    group: FactValue | None,
    members_of_group: Sequence[_Asked],
    barred: dict[str, tuple[Reason, ...]],
    members: int | None,
) -> _Decided:
    eligible = [one for one in members_of_group if not barred[one.candidate.id]]
    places = _places(commendation, on, group, members_of_group, len(eligible), members)
    preferring = RankKey(PREFERS, True, commendation.clause.location)
    keys = (*commendation.rank_by, preferring)
    placed = ranked(
        eligible, keys, lambda one: {**one.values, PREFERS: int(commendation.clause.id + PREFERS in one.holds)}
    )
    in_order = [_ranked(rulebook, commendation, on, group, one) for one in placed]
    return _cut(commendation.ties, places, in_order)


def _ranked(
    rulebook: Rulebook, commendation: Commendation, on: date, group: FactValue | None, placed: Placed[_Asked]
) -> Ranked:
    one = placed.item
    exception = commendation.exceptions if commendation.clause.id not in one.holds else None
    return Ranked(
        id=one.candidate.id,
        group=group,
        place=placed.place,
        values=placed.values[:-1],  # the last one is whether they are preferred
        preferred=bool(placed.values[-1].value),
        scores=one.scores,
        exception_at=None if exception is None else exception.location,
        by_exception=() if exception is None else _lacking(rulebook, commendation, on, one),
    )


def _places(
    commendation: Commendation,
    on: date,
    group: FactValue | None,
    candidates: Sequence[_Asked],
    eligible: int,
    members: int | None,
) -> Places:
    quota = commendation.quota
    if quota.share is None or quota.of is None or quota.direction is None:
        at_most = quota.at_most.on(on) if quota.at_most is not None else 0
        return Places(group, at_most, None, None, None, None, None, quota.location)
    match quota.of:
        case ShareOf.ELIGIBLE:
            base = eligible
        case ShareOf.REGISTERED:
            base = sum(_registered(one, on) for one in candidates)
        case ShareOf.MEMBERS:
            if members is None:
                raise MembersUnknownError(commendation.clause.id)
            base = members
    share = quota.share.on(on)
    exact = share * base
    places = rounded(exact, 1, quota.direction)
    return Places(group, places, share, quota.of, base, exact, quota.direction, quota.location)


def _registered(one: _Asked, on: date) -> bool:
    day = one.values.get(REGISTERED_ON)
    return isinstance(day, int) and day <= on.toordinal()


def _cut(ties: Ties, places: Places, in_order: list[Ranked]) -> _Decided:
    """Return the group cut at its last place; equals on both sides of it are treated as the policy says."""
    count = min(places.places, len(in_order))
    start = end = count
    tied = 0 < count < len(in_order) and in_order[count - 1].place == in_order[count].place
    if tied:
        place = in_order[count].place
        start = next(index for index, one in enumerate(in_order) if one.place == place)
        end = next((index for index, one in enumerate(in_order) if one.place > place), len(in_order))
    equals = in_order[start:end]
    tie = Tie(places.group, equals[0].place, tuple(e.id for e in equals), count - start, ties) if tied else None
    selected = in_order[: end if ties is Ties.ALL_IN else start]
    undecided = equals if ties is Ties.UNDECIDED else []
    reserve = in_order[len(selected) + len(undecided) :]
    return _Decided(tuple(selected), tuple(undecided), tuple(reserve), places, tie)
