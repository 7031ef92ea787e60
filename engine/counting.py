"""The definition of what a record is worth: one person's records in order, step by step in the order of the file.

Online, in bulk and on a cluster the same fold runs. Everything that one record can do to a later one of the same person
(a limit used up, time already served) is in the fold's state; nothing else is, but for revocations: a record that takes
another one out does so wherever it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from zoneinfo import ZoneInfo

from lianxing.engine import freezing
from lianxing.engine.calendars import local_day, midnight
from lianxing.engine.earning import Pricing
from lianxing.engine.facts import CLOCK_FACTS, clock_facts, person_facts, whole_facts
from lianxing.engine.freezing import Header, order_of
from lianxing.engine.hours import Timing, hours_end
from lianxing.engine.life import Life
from lianxing.engine.overlaps import Timetable
from lianxing.engine.parts import POINTS, SECONDS, Amount, Group, Outcome, Part
from lianxing.engine.rulebook import RECORD, WHEN, MeasureValue, Rulebook
from lianxing.engine.splitting import ONE_DAY, cuts, shared
from lianxing.engine.tallies import DAYS_BACK, Tallies, spans_of
from lianxing.rules.assessments import HELD, Assessment, Refusal
from lianxing.rules.conditions import facts_of
from lianxing.rules.earning import Add, EarningStep, LimitShare, Multiply, PointsPerEvent, PointsPerHour
from lianxing.rules.facts import FactValue
from lianxing.rules.hours import Count, CountsAs, Exclude, Hold, HoursStep, Revoke, Split
from lianxing.rules.places import Clause
from lianxing.rules.policy import Policy
from lianxing.rules.records import Order, ServiceRecord, Volunteer
from lianxing.rules.review import Notice, Stage
from lianxing.rules.reviewing import REFUSED_STATE
from lianxing.rules.standings import Counted

Supplied = Mapping[str, FactValue]

REVOKES, STATE = "revokes", "state"


@dataclass(frozen=True, slots=True)
class Revocation:
    """A record is taken out: by which clause, and by which record."""

    clause: Clause
    by: ServiceRecord


Revoked = Mapping[tuple[str, str], Revocation]


def assess(
    rulebook: Rulebook, volunteer: Volunteer, records: Iterable[tuple[ServiceRecord, Supplied]]
) -> list[Assessment]:
    """Return what each record is worth; `records` are one person's, in order, each with the facts plugins supplied.

    Raises ValueError when they are out of order or of another person.
    """
    history = list(records)
    fold = Fold(rulebook, volunteer, revocations(rulebook, volunteer, history))
    return [fold.assess(record, supplied) for record, supplied in history]


def counted(assessment: Assessment) -> Counted:
    """Return an assessment as history sees it."""
    supplied = assessment.supplied or {}
    return Counted(assessment.record, supplied, assessment.seconds, assessment.points, assessment.counted)


def names_another(record: ServiceRecord, supplied: Supplied) -> bool:
    """Tell whether a record says which other one it takes out, or repairs."""
    return REVOKES in record.facts or REVOKES in supplied


def revocations(
    rulebook: Rulebook, volunteer: Volunteer, records: Sequence[tuple[ServiceRecord, Supplied]]
) -> dict[tuple[str, str], Revocation]:
    """Return which records of one person are taken out, by registry and id."""
    steps = [step for step in rulebook.policy.hours if isinstance(step, Revoke)]
    found: dict[tuple[str, str], Revocation] = {}
    naming = [one for one in records if names_another(*one)] if steps else []
    for record, supplied in naming:
        facts = _facts_of_whole(rulebook, volunteer, record, supplied)
        matched = rulebook.ask(RECORD, record.day, facts, {})
        for step in steps:
            applies = step.when is None or step.clause.id + WHEN in matched
            if applies and step.clause.id in matched:
                found.setdefault((record.registry, str(facts[REVOKES])), Revocation(step.clause, record))
    return found


def _facts_of_whole(
    rulebook: Rulebook, volunteer: Volunteer, record: ServiceRecord, supplied: Supplied
) -> dict[str, FactValue]:
    asked = rulebook.asked(RECORD)
    facts, _note = whole_facts(rulebook, record, supplied, asked)
    if record.timed and not asked.isdisjoint(CLOCK_FACTS):
        facts |= clock_facts(record.started_at, record.ended_at, rulebook.calendar.zone)
    return {
        **facts,
        **person_facts(volunteer, record.day, asked),
        **rulebook.calendar.facts(record.day, rulebook.asked_of_day(asked)),
    }


class _TakenOut(NamedTuple):
    """By which clause a record is taken out, and by which record of which day."""

    clause: Clause
    by: str
    on: date


class Fold:
    """One person's history as the rules see it; records go in one by one, in order.

    A fold that was thawed goes on from where it was frozen, as long as `engine.continuing` does not ask for the whole
    history. Where its life needs single records after all, `assess` raises HistoryNeededError: throw it away.
    """

    def __init__(self, rulebook: Rulebook, volunteer: Volunteer, revoked: Revoked | None = None) -> None:
        self._rulebook = rulebook
        self._policy = rulebook.policy
        self._volunteer = volunteer
        # Those of them that have not come yet: a record comes once.
        self._revoked = {key: _TakenOut(one.clause, str(one.by.id), one.by.day) for key, one in (revoked or {}).items()}
        self._zone = ZoneInfo(self._policy.county.time_zone)
        self._asked = rulebook.asked(RECORD) | rulebook.once(_table_facts)
        self._asked_of_day = rulebook.asked_of_day(self._asked)
        self._clocked = not self._asked.isdisjoint(CLOCK_FACTS)
        self._refuses = rulebook.once(_refuses_by_itself)
        self._holds = rulebook.once(_holds_of)
        self._hours, self._earning = rulebook.once(_hours_of), rulebook.once(_earning_of)
        self._known_day: date | None = None
        self._known: tuple[Mapping[str, FactValue], frozenset[str]] = ({}, frozenset())
        self._spans = rulebook.once(spans_of)
        self._timing = Timing(Tallies(), Timetable())
        self._last: Order | None = None
        self._last_day: date | None = None
        self._otherwise: Order | None = None
        self._names: Order | None = None  # the last record that takes out or repairs another one
        self._life = Life(rulebook, volunteer) if rulebook.measures_asked_of_records else None

    def assess(self, record: ServiceRecord, supplied: Supplied) -> Assessment:
        """Return what the next record is worth, and remember what it used up."""
        if record.volunteer != self._volunteer.id or (self._last is not None and record.order < self._last):
            raise ValueError("records are folded per person, in order")
        self._last = record.order
        if names_another(record, supplied):
            self._names = self._last
        self._last_day = record.day if self._last_day is None else max(record.day, self._last_day)
        outcome = Outcome(observer=self._rulebook.observer)
        whole = self._whole(record, supplied, outcome)
        holding = self._holding(whole)
        before = self._timing
        if holding is not None:  # what waits uses nothing up: it is worked out beside the state
            self._timing = before.copied()
        parts = self._worked(record, whole, outcome)
        self._timing = before
        self._revoked.pop(record.key, None)
        seconds = sum(part.seconds for part in parts if not part.refused)
        points = _whole_hundredths(sum(part.points for part in parts if not part.refused and not part.unpriced))
        counted = not all(part.refused for part in parts)
        if holding is not None and counted:
            outcome.refusals.append(Refusal(holding.id, 0, HELD))
            return self._assessment(record, supplied, outcome, pending=(seconds, points))
        before.tallies.credit(SECONDS, seconds)
        before.tallies.credit(POINTS, points)
        if self._life is not None:
            self._life.add(Counted(record, supplied, seconds, points, counted))
        return self._assessment(record, supplied, outcome, seconds, points, counted=counted)

    @property
    def day(self) -> date | None:
        """The latest day of a record that the fold has seen."""
        return self._last_day

    def stands_otherwise(self) -> None:
        """Remember that the last record is booked with another worth, by earlier rules or facts: no later one is."""
        self._otherwise = self._last

    def forget(self) -> None:
        """Forget what is over for good; no record to come may be of a day that is."""
        last, day = self._last, self._last_day
        if last is not None and day is not None:
            self._timing.tallies.forget(self._spans, day - DAYS_BACK, self._groups(last))

    def _groups(self, last: Order) -> set[Group]:
        """Return the records that may come again after the last one."""
        started_at, _length, id, registry = last
        return {(registry, id), *self._timing.timetable.groups(started_at)}

    # --- as bytes ------------------------------------------------------------------------------------------------

    def frozen(self) -> bytes:
        """Return the fold as bytes: all that a later record can depend on, and nothing that is over for good."""
        last, day = self._last, self._last_day
        tallies, timetable = Tallies().frozen({}, date.min, ()), Timetable().frozen(0)
        if last is not None and day is not None:
            tallies = self._timing.tallies.frozen(self._spans, day - DAYS_BACK, self._groups(last))
            timetable = self._timing.timetable.frozen(last[0])
        body = {
            "tallies": tallies,
            "timetable": timetable,
            "revoked": sorted([*key, one.clause.id, one.by, one.on.isoformat()] for key, one in self._revoked.items()),
            "life": None if self._life is None else self._life.state(),
            "otherwise": self._otherwise,
            "names": self._names,
        }
        person = freezing.person_hash(self._volunteer)
        header = Header(freezing.FOLD, self._policy.digest, self._volunteer.id, person, last, day)
        return freezing.sealed(header, body)

    @staticmethod
    def thawed(rulebook: Rulebook, volunteer: Volunteer, state: bytes) -> Fold:
        """Return the fold that `frozen` wrote; StateError where it is damaged, or of other rules, person or facts."""
        header, body = freezing.opened(state, freezing.FOLD, rulebook.policy.digest, volunteer)
        fold = Fold(rulebook, volunteer)
        with freezing.reading_state():
            fold._timing = Timing(Tallies.thawed(body["tallies"]), Timetable.thawed(body["timetable"]))
            for registry, id, clause, by, on in body["revoked"]:
                fold._revoked[registry, id] = _TakenOut(rulebook.policy.clause(clause), by, date.fromisoformat(on))
            if fold._life is not None:
                fold._life = Life(rulebook, volunteer, body["life"])
            fold._otherwise, fold._names = order_of(body["otherwise"]), order_of(body["names"])
        fold._last, fold._last_day = header.last, header.day
        return fold

    def _assessment(
        self,
        record: ServiceRecord,
        supplied: Supplied,
        outcome: Outcome,
        seconds: int = 0,
        points: int = 0,
        *,
        counted: bool = False,
        pending: tuple[int, int] | None = None,
    ) -> Assessment:
        return Assessment(
            record=record,
            policy_digest=self._policy.digest,
            seconds=seconds,
            points=points,
            workings=tuple(outcome.workings),
            refusals=tuple(outcome.refusals),
            counted=counted,
            supplied=supplied,
            pending=pending,
        )

    def _worked(self, record: ServiceRecord, whole: Part, outcome: Outcome) -> list[Part]:
        """Return the parts of a record after every step."""
        parts = [whole]
        if not self._in_force(whole, outcome) or self._taken_out(record, whole, outcome):
            return parts
        left, told = parts, 0  # what is not refused, and how many refusals that is after
        for step, when in self._hours:
            if isinstance(step, Split):
                parts = self._split(step, record, parts, outcome)
                left = [part for part in parts if not part.refused]
                continue
            applying = left if when is None else [part for part in left if when in part.matched]
            if applying:
                self._timing.apply(step, record, applying, outcome)
            if len(outcome.refusals) != told:
                left, told = [part for part in left if not part.refused], len(outcome.refusals)
        hours_end(parts, outcome)
        pricing = Pricing(self._timing.tallies)
        priced = left
        for earning, when in self._earning if left else ():
            if outcome.refusals:
                priced = [part for part in priced if not part.unpriced]
            applying = priced if when is None else [part for part in priced if when in part.matched]
            if isinstance(earning, LimitShare):
                others = [] if when is None else [part for part in priced if when not in part.matched]
                pricing.share(earning, applying, others, outcome)
            elif applying:
                pricing.apply(earning, record.key, applying, outcome)
        return parts

    # --- the parts of a record, and what their conditions find ---------------------------------------------------

    def _whole(self, record: ServiceRecord, supplied: Supplied, outcome: Outcome) -> Part:
        facts, note = whole_facts(self._rulebook, record, supplied, self._asked)
        if note is not None:
            outcome.workings.append(note)
        return self._part(record, facts, 0, record.day, record.started_at, record.ended_at, record.seconds)

    def _part(
        self,
        record: ServiceRecord,
        facts: Mapping[str, FactValue],
        index: int,
        day: date,
        started_at: int,
        ended_at: int,
        seconds: int,
    ) -> Part:
        said, unsaid = self._said_on(day)
        known = {**facts, **said}
        for name in unsaid:  # a piece of a record comes with what the day on which it began says
            known.pop(name, None)
        if self._clocked and record.timed:
            known.pop("end_time", None)
            known |= clock_facts(started_at, ended_at, self._zone)
        measures: Mapping[str, MeasureValue] = {}
        if self._life is not None:  # as it stands before this record
            measures = self._life.measures(record.day)
            known |= self._life.sanctions(record.day)
        matched = self._rulebook.ask(RECORD, day, known, measures)
        ruled_on = max(day, self._policy.county.in_force_from)
        return Part(index, day, started_at, ended_at, seconds, record.key, matched, known, ruled_on)

    def _said_on(self, day: date) -> tuple[Mapping[str, FactValue], frozenset[str]]:
        """Return what the person and the day say, and what of the day nobody can say; records come several a day."""
        if self._known_day != day:
            calendar = self._rulebook.calendar.facts(day, self._asked_of_day)
            person = person_facts(self._volunteer, day, self._asked)
            unsaid = self._asked_of_day.difference(calendar)
            self._known_day, self._known = day, ({**person, **calendar}, unsaid)
        return self._known

    def _in_force(self, whole: Part, outcome: Outcome) -> bool:
        county = self._policy.county
        if whole.day < county.counts_from:
            outcome.refuse(county.clause, whole, "before_in_force", day=str(county.counts_from))
        elif county.in_force_until is not None and whole.day > county.in_force_until:
            outcome.refuse(county.clause, whole, "after_in_force", day=str(county.in_force_until))
        elif self._refuses and whole.facts.get(STATE) == REFUSED_STATE and not self._excluded(whole):
            outcome.refuse(county.clause, whole, "review_refused")
        return not whole.refused

    def _excluded(self, whole: Part) -> bool:
        """Tell whether a clause of the county takes the record out: then that clause is the one that says so."""
        excluding = (step for step in self._policy.hours if isinstance(step, Exclude))
        return any(step.clause.id in whole.matched and _applies(step, whole) for step in excluding)

    def _taken_out(self, record: ServiceRecord, whole: Part, outcome: Outcome) -> bool:
        revocation = self._revoked.get(record.key)
        if revocation is not None:
            outcome.refuse(revocation.clause, whole, "revoked", other=revocation.by, day=revocation.on.isoformat())
        return whole.refused

    def _holding(self, whole: Part) -> Clause | None:
        """Return the clause by which a record waits; it is asked of the record as a whole."""
        for step in self._holds:
            if _applies(step, whole) and step.clause.id in whole.matched:
                return step.clause
        return None

    def _pieces(self, step: Split, part: Part) -> list[tuple[int, int]]:
        if step.at == (0,) and midnight(part.day, self._zone) <= part.started_at:
            following = midnight(part.day + ONE_DAY, self._zone)
            if part.ended_at <= following:  # as most do, it lies on one day
                return []
        return cuts(part.started_at, part.ended_at, step.at, self._zone)

    def _split(self, step: Split, record: ServiceRecord, parts: list[Part], outcome: Outcome) -> list[Part]:
        """Return the parts after a cut; the first piece keeps the number of its part, the others get new ones."""
        if not record.timed:
            return parts
        after: list[Part] = []
        free = len(parts)
        for part in parts:
            pieces = self._pieces(step, part) if _applies(step, part) else []
            if len(pieces) < 2:
                after.append(part)
                continue
            timed = list(zip(pieces, shared(part.seconds, pieces, step.breaks), strict=True))
            served = [one for one in timed if one[1]] if part.seconds else timed
            breaks = tuple(stretch for stretch, seconds in timed if part.seconds and not seconds)
            numbers = (part.index, *range(free, free + len(served) - 1))
            free += len(served) - 1
            for index, ((start, end), seconds) in zip(numbers, served, strict=True):
                day = local_day(start, self._zone)
                piece = self._part(record, part.facts, index, day, start, end, seconds)
                outcome.note(step.clause, piece, "split", SECONDS, part.seconds, seconds, day=str(day), of=part.seconds)
                piece.breaks = (*part.breaks, *breaks) if index == part.index else ()
                after.append(piece)
        return after


def _applies(step: HoursStep | EarningStep, part: Part) -> bool:
    if part.refused:
        return False
    return step.when is None or step.clause.id + WHEN in part.matched


def _refuses_by_itself(policy: Policy) -> bool:
    """Tell whether a record that its review revoked is worth nothing though no clause asks how far records have come.

    Where `hours.yaml` says which states count, its clause is the one that refuses the record.
    """
    reviewed = any(isinstance(said, Stage) or (isinstance(said, Notice) and said.to_state) for said in policy.review)
    return reviewed and not any(isinstance(step, Count) and STATE in facts_of(step.condition) for step in policy.hours)


def _whole_hundredths(points: Amount) -> int:
    if points.denominator != 1:
        raise AssertionError("the chapter check lets no policy through that leaves fractions of a hundredth")
    return int(points)


def _hours_of(policy: Policy) -> tuple[tuple[HoursStep, str | None], ...]:
    """Return the steps on time, each with the name of the condition under which it applies."""
    return tuple((step, None if step.when is None else step.clause.id + WHEN) for step in policy.hours)


def _earning_of(policy: Policy) -> tuple[tuple[EarningStep, str | None], ...]:
    return tuple((step, None if step.when is None else step.clause.id + WHEN) for step in policy.earning)


def _holds_of(policy: Policy) -> tuple[Hold, ...]:
    return tuple(step for step in policy.hours if isinstance(step, Hold))


def _table_facts(policy: Policy) -> frozenset[str]:
    rated = (step for step in policy.earning if isinstance(step, PointsPerHour | PointsPerEvent | Multiply | Add))
    tables = [table for step in rated for table in step.rates.tables]
    tables += [step.table for step in policy.hours if isinstance(step, CountsAs)]
    return frozenset(name for table in tables for name in table.by)
