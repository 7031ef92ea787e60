"""The definition of what a record is worth: one person's records in order, step by step in the order of the file.

Online, in bulk and on a cluster the same fold runs. Everything that one record can do to a later one of the same person
(a limit used up, time already served) is in the fold's state; nothing else is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

from lianxing.engine.calendars import local_day, next_midnight
from lianxing.engine.facts import CLOCK_FACTS, calendar_facts, clock_facts, past_facts, person_facts, record_facts
from lianxing.engine.measures import Totals
from lianxing.engine.rounding import rounded
from lianxing.engine.rulebook import HISTORY, RECORD, WHEN, MeasureValue, Rulebook
from lianxing.rules.assessments import KEY, MISSING, NO_RATE, Assessment, Operand, Refusal, Working
from lianxing.rules.earning import (
    Add,
    EarningStep,
    LimitPoints,
    Multiply,
    PointsPerEvent,
    PointsPerHour,
    RoundPoints,
    Zero,
)
from lianxing.rules.facts import FactValue
from lianxing.rules.hours import Count, Exclude, HoursStep, LimitTime, NoOverlap, Overlap, RoundTime, SplitAtMidnight
from lianxing.rules.periods import Period, period_start
from lianxing.rules.places import Clause
from lianxing.rules.records import ServiceRecord, Volunteer
from lianxing.rules.standings import Counted
from lianxing.rules.tables import Table

Amount = int | Fraction

SECONDS = "seconds"
POINTS = "points"
HUNDREDTHS = 100
HOUR_SECONDS = 3600


def assess(
    rulebook: Rulebook, volunteer: Volunteer, records: Iterable[tuple[ServiceRecord, Mapping[str, FactValue]]]
) -> list[Assessment]:
    """Return what each record is worth; `records` are one person's, in order, each with the facts plugins supplied.

    Raises ValueError when they are out of order or of another person.
    """
    fold = Fold(rulebook, volunteer)
    return [fold.assess(record, supplied) for record, supplied in records]


def counted(assessment: Assessment) -> Counted:
    """Return an assessment as history sees it."""
    supplied = assessment.supplied or {}
    return Counted(assessment.record, supplied, assessment.seconds, assessment.points, assessment.counted)


@dataclass(slots=True)
class _Part:
    """A stretch of a record on one day, on its way through the steps."""

    index: int
    day: date
    started_at: int
    ended_at: int
    seconds: int
    group: str  # the record that it counts with, for steps per record; an overlap may merge several
    matched: frozenset[str]
    facts: Mapping[str, FactValue]
    points: Amount = 0
    refused: bool = False
    unpriced: bool = False  # a table does not say what it earns: its time counts, its points do not


@dataclass(slots=True)
class _Served:
    """A stretch of time that an earlier record has taken."""

    started_at: int
    ended_at: int
    record: str
    group: str


@dataclass(slots=True)
class _Outcome:
    """What the steps have noted about one record so far."""

    workings: list[Working] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    def note(
        self, clause: Clause, part: _Part, operation: str, unit: str, before: Amount, after: Amount, **operands: Operand
    ) -> None:
        self.workings.append(Working(clause.id, part.index, operation, unit, before, after, tuple(operands.items())))

    def refuse(self, clause: Clause, part: _Part, reason: str, **details: str) -> None:
        part.refused = True
        self.refusals.append(Refusal(clause.id, part.index, reason, tuple(details.items())))

    def refuse_price(self, clause: Clause, part: _Part, keys: str) -> None:
        part.unpriced = True
        self.refusals.append(Refusal(clause.id, part.index, NO_RATE, (("keys", keys),)))


class Fold:
    """One person's history as the rules see it; records go in one by one, in order."""

    def __init__(self, rulebook: Rulebook, volunteer: Volunteer) -> None:
        self._rulebook = rulebook
        self._policy = rulebook.policy
        self._volunteer = volunteer
        self._zone = ZoneInfo(self._policy.county.time_zone)
        self._asked = rulebook.asked(RECORD) | _table_facts(self._policy.earning)
        self._clocked = not self._asked.isdisjoint(CLOCK_FACTS)
        self._used: dict[tuple[str, str | date], Amount] = {}
        self._served: dict[str, list[_Served]] = {}
        self._last: tuple[int, int, str] | None = None
        self._totals = Totals(self._policy) if rulebook.measures_asked_of_records else None

    def assess(self, record: ServiceRecord, supplied: Mapping[str, FactValue]) -> Assessment:
        """Return what the next record is worth, and remember what it used up."""
        if record.volunteer != self._volunteer.id or (self._last is not None and record.order < self._last):
            raise ValueError("records are folded per person, in order")
        self._last = record.order
        outcome = _Outcome()
        whole = self._whole(record, record_facts(record, supplied))
        parts = [whole]
        if self._in_force(whole, outcome):
            for step in self._policy.hours:
                parts = self._time(step, record, parts, outcome)
            for earning in self._policy.earning:
                self._earn(earning, record, parts, outcome)
        seconds = sum(part.seconds for part in parts if not part.refused)
        points = _whole_hundredths(sum(part.points for part in parts if not part.refused and not part.unpriced))
        counted = not all(part.refused for part in parts)
        if self._totals is not None and counted:
            past = past_facts(record, supplied, self._zone, self._rulebook.asked(HISTORY))
            matched = self._rulebook.ask(HISTORY, record.day, past, {})
            self._totals.add(record.day, seconds, points, past, matched)
        return Assessment(
            record=record,
            policy_digest=self._policy.digest,
            seconds=seconds,
            points=points,
            workings=tuple(outcome.workings),
            refusals=tuple(outcome.refusals),
            counted=counted,
            supplied=supplied,
        )

    # --- the parts of a record, and what their conditions find ---------------------------------------------------

    def _whole(self, record: ServiceRecord, facts: dict[str, FactValue]) -> _Part:
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
    ) -> _Part:
        known = {**facts, **person_facts(self._volunteer, day, self._asked), **calendar_facts(day)}
        if self._clocked and record.timed:
            known.pop("end_time", None)
            known |= clock_facts(started_at, ended_at, self._zone)
        measures: Mapping[str, MeasureValue] = self._totals.on(record.day) if self._totals is not None else {}
        matched = self._rulebook.ask(RECORD, day, known, measures)
        return _Part(index, day, started_at, ended_at, seconds, record.id, matched, known)

    def _in_force(self, whole: _Part, outcome: _Outcome) -> bool:
        county = self._policy.county
        if whole.day < county.in_force_from:
            outcome.refuse(county.clause, whole, "before_in_force", day=str(county.in_force_from))
        elif county.in_force_until is not None and whole.day > county.in_force_until:
            outcome.refuse(county.clause, whole, "after_in_force", day=str(county.in_force_until))
        return not whole.refused

    def _applies(self, step: HoursStep | EarningStep, part: _Part) -> bool:
        return not part.refused and (step.when is None or step.clause.id + WHEN in part.matched)

    # --- hours ---------------------------------------------------------------------------------------------------

    def _time(self, step: HoursStep, record: ServiceRecord, parts: list[_Part], outcome: _Outcome) -> list[_Part]:
        applying = [part for part in parts if self._applies(step, part)]
        match step:
            case SplitAtMidnight():
                return [piece for part in parts for piece in self._split(step, record, part, outcome)]
            case NoOverlap():
                self._serve_once(step, record, applying, outcome)
            case Count() | Exclude():
                for part in applying:
                    if (step.clause.id in part.matched) is isinstance(step, Exclude):
                        outcome.refuse(step.clause, part, "excluded" if isinstance(step, Exclude) else "not_counted")
            case RoundTime():
                for part in applying:
                    to = step.to.on(part.day)
                    part.seconds = int(self._round(step.clause, part, SECONDS, part.seconds, to, step, outcome))
            case LimitTime():
                for part in applying:
                    part.seconds = int(
                        self._limit(
                            step.clause, part, SECONDS, part.seconds, step.at_most.on(part.day), step.per, outcome
                        )
                    )
        return parts

    def _split(self, step: SplitAtMidnight, record: ServiceRecord, part: _Part, outcome: _Outcome) -> list[_Part]:
        if not self._applies(step, part) or not record.timed:
            return [part]
        bounds = [part.started_at]
        while (midnight := next_midnight(bounds[-1], self._zone)) < part.ended_at:
            bounds.append(midnight)
        if len(bounds) == 1:
            return [part]
        bounds.append(part.ended_at)
        pieces: list[_Part] = []
        left = part.seconds
        for index, (start, end) in enumerate(pairwise(bounds)):
            # A record may state less time than its interval (a break); the days are filled from the first on.
            seconds = min(left, end - start)
            left -= seconds
            day = local_day(start, self._zone)
            piece = self._part(record, part.facts, index, day, start, end, seconds)
            outcome.note(step.clause, piece, "split", SECONDS, part.seconds, seconds, day=str(day), of=part.seconds)
            pieces.append(piece)
        return pieces

    def _serve_once(self, step: NoOverlap, record: ServiceRecord, parts: list[_Part], outcome: _Outcome) -> None:
        if not record.timed:
            return
        timed = [part for part in parts if part.ended_at > part.started_at]
        earlier = [s for s in self._served.get(step.clause.id, ()) if s.ended_at >= record.started_at]
        met = [(part, served) for part in timed for served in earlier if _meets(part, served, step.touching)]
        if met and step.rule is Overlap.REFUSE:
            for part in parts:
                outcome.refuse(step.clause, part, "overlap", other=met[0][1].record)
            self._served[step.clause.id] = earlier
            return
        free: list[_Served] = []
        group = met[0][1].group if met and step.rule is Overlap.MERGE else record.id
        for part in timed:
            pieces = _outside(part.started_at, part.ended_at, earlier)
            taken = part.ended_at - part.started_at - sum(end - start for start, end in pieces)
            kept = min(part.seconds, part.ended_at - part.started_at - taken)
            if taken and not pieces:
                other = next(served.record for crossed, served in met if crossed is part)
                outcome.refuse(step.clause, part, "overlap", other=other)
                continue
            if taken or group != part.group:
                other = next(served.record for crossed, served in met if crossed is part) if taken else met[0][1].record
                outcome.note(
                    step.clause,
                    part,
                    "overlap",
                    SECONDS,
                    part.seconds,
                    kept,
                    free=part.ended_at - part.started_at - taken,
                    other=other,
                    rule=step.rule.value,
                )
            part.seconds, part.group = kept, group
            free += [_Served(start, end, record.id, group) for start, end in pieces]
        self._served[step.clause.id] = sorted(earlier + free, key=lambda served: served.started_at)

    # --- points --------------------------------------------------------------------------------------------------

    def _earn(self, step: EarningStep, record: ServiceRecord, parts: list[_Part], outcome: _Outcome) -> None:
        applying = [part for part in parts if not part.unpriced and self._applies(step, part)]
        match step:
            case PointsPerHour():
                for part in applying:
                    self._look_up(step, step.table, part, outcome, "per_hour")
            case PointsPerEvent() | Add():
                # An event happens once, however many days its record spans and however many records say so.
                for part in [part for part in applying if part.group == record.id][:1]:
                    self._look_up(step, step.table, part, outcome, "add")
            case Multiply():
                for part in applying:
                    self._look_up(step, step.table, part, outcome, "multiply")
            case Zero():
                for part in applying:
                    if step.clause.id in part.matched:
                        outcome.note(step.clause, part, "zero", POINTS, part.points, 0)
                        part.points = 0
            case RoundPoints():
                for part in applying:
                    part.points = self._round(
                        step.clause, part, POINTS, part.points, step.to.on(part.day), step, outcome
                    )
            case LimitPoints():
                for part in applying:
                    most = step.at_most.on(part.day)
                    part.points = self._limit(step.clause, part, POINTS, part.points, most, step.per, outcome)

    def _look_up(self, step: EarningStep, table: Table, part: _Part, outcome: _Outcome, operation: str) -> None:
        since = table.since(tuple(part.facts.get(name) for name in table.by), part.day)
        if since is None:
            keys = ", ".join(f"{name}: {part.facts.get(name, 'missing')}" for name in table.by)
            outcome.refuse_price(step.clause, part, keys)
            return
        value = since.value
        operands: dict[str, Operand] = {"value": value, "row": str(since.location)}
        operands |= {KEY + name: part.facts.get(name, MISSING) for name in table.by}
        after: Amount
        match operation:
            case "per_hour":
                operands["seconds"] = part.seconds
                after = part.points + value * part.seconds * HUNDREDTHS / HOUR_SECONDS
            case "add":
                after = part.points + value * HUNDREDTHS
            case _:
                after = part.points * value
        if part.points or after:  # nothing times anything is not worth a line
            outcome.note(step.clause, part, operation, POINTS, part.points, after, **operands)
        part.points = after

    # --- amounts over a period -----------------------------------------------------------------------------------

    def _round(
        self,
        clause: Clause,
        part: _Part,
        unit: str,
        amount: Amount,
        to: int,
        step: RoundTime | RoundPoints,
        outcome: _Outcome,
    ) -> Amount:
        """Round what the period has added up so far; the record gets the difference to what was rounded before.

        From the day on which the step of the rounding changes, adding up starts anew: what was rounded to the old one
        is not rounded again.
        """
        key = (f"{clause.id} {to}", _period_key(step.each, part))
        so_far = self._used.get(key, 0)
        self._used[key] = so_far + amount
        after = rounded(so_far + amount, to, step.direction) - rounded(so_far, to, step.direction)
        if after != amount:
            outcome.note(
                clause,
                part,
                "round",
                unit,
                amount,
                after,
                to=to,
                direction=step.direction.value,
                each=step.each.value,
                so_far=so_far,
            )
        return after

    def _limit(
        self, clause: Clause, part: _Part, unit: str, amount: Amount, most: int, per: Period, outcome: _Outcome
    ) -> Amount:
        """Give what is left under the limit; the record that crosses it is truncated, later ones get nothing."""
        key = (clause.id, _period_key(per, part))
        used = self._used.get(key, 0)
        after = min(amount, max(0, most - used))
        self._used[key] = used + after
        if after != amount:
            outcome.note(clause, part, "limit", unit, amount, after, at_most=most, used=used, per=per.value)
        return after


def _period_key(period: Period, part: _Part) -> str | date:
    match period:
        case Period.RECORD:
            return part.group
        case Period.ACTIVITY:
            # A record without an activity is an activity of its own; the prefix keeps the two kinds of id apart.
            activity = part.facts.get("activity")
            return f"activity {activity}" if activity is not None else f"record {part.group}"
        case _:
            return period_start(period, part.day)


def _meets(part: _Part, served: _Served, touching: bool) -> bool:
    if touching:
        return part.started_at <= served.ended_at and served.started_at <= part.ended_at
    return part.started_at < served.ended_at and served.started_at < part.ended_at


def _outside(start: int, end: int, served: list[_Served]) -> list[tuple[int, int]]:
    """Return the pieces of an interval that lie outside the served ones, which are disjoint and ascend."""
    pieces: list[tuple[int, int]] = []
    for taken in served:
        if taken.ended_at <= start or taken.started_at >= end:
            continue
        if taken.started_at > start:
            pieces.append((start, taken.started_at))
        start = max(start, taken.ended_at)
    return [*pieces, (start, end)] if start < end else pieces


def _whole_hundredths(points: Amount) -> int:
    if points.denominator != 1:
        raise AssertionError("the chapter check lets no policy through that leaves fractions of a hundredth")
    return int(points)


def _table_facts(steps: Iterable[EarningStep]) -> frozenset[str]:
    tables = (step.table for step in steps if isinstance(step, PointsPerHour | PointsPerEvent | Multiply | Add))
    return frozenset(name for table in tables for name in table.by)
