"""The steps of `hours.yaml`, each on the parts of one record: refuse, hold, cut, take off, round, limit."""

from __future__ import annotations

from dataclasses import dataclass

from lianxing.engine.overlaps import Timetable
from lianxing.engine.parts import SECONDS, Outcome, Part
from lianxing.engine.tallies import Tallies
from lianxing.rules.assessments import KEY, MISSING, Operand
from lianxing.rules.facts import FactValue
from lianxing.rules.hours import (
    AddTime,
    Count,
    CountsAs,
    DeductTime,
    Exclude,
    HoursStep,
    LimitRecords,
    LimitTime,
    Minimum,
    NoHours,
    NoOverlap,
    RoundTime,
)
from lianxing.rules.records import ServiceRecord


@dataclass(frozen=True)
class Timing:
    """What the steps on time use up: amounts by period, and stretches of time."""

    tallies: Tallies
    timetable: Timetable

    def copied(self) -> Timing:
        return Timing(self.tallies.copied(), self.timetable.copied())

    def apply(self, step: HoursStep, record: ServiceRecord, parts: list[Part], outcome: Outcome) -> None:
        """Work one step on the parts that it applies to; where a record is cut, `engine.counting` makes the parts."""
        match step:  # the commonest first: eight steps of every record come by here
            case Count() | Exclude():
                for part in parts:
                    if (step.clause.id in part.matched) is isinstance(step, Exclude):
                        outcome.refuse(step.clause, part, "excluded" if isinstance(step, Exclude) else "not_counted")
            case NoHours():
                for part in parts:
                    if step.clause.id in part.matched:
                        part.hoursless = part.hoursless or step.clause
            case NoOverlap():
                self.timetable.serve(step, record, parts, outcome)
            case AddTime():
                self._add_time(step, parts[0], outcome)
            case DeductTime():
                _deduct_time(step, parts, outcome)
            case CountsAs():
                for part in parts:
                    _counts_as(step, part, outcome)
            case Minimum():
                _minimum(step, parts, outcome)
            case RoundTime():
                for part in parts:
                    self._round(step, part, outcome)
            case LimitTime():
                for part in parts:
                    if part.hoursless is None:  # a limit on service time is none on what is no service time
                        self._limit(step, part, outcome)
            case LimitRecords():
                self._limit_records(step, parts, outcome)

    def _round(self, step: RoundTime, part: Part, outcome: Outcome) -> None:
        to = step.to.on(part.ruled_on)
        after = self.tallies.rounding(
            step.clause, part, SECONDS, part.seconds, to, step.each, step.direction, step.within_same, outcome
        )
        part.seconds = int(after)

    def _add_time(self, step: AddTime, part: Part, outcome: Outcome) -> None:
        """Count what the record reports beside the service, as far as the period still allows it."""
        reported = _reported(step.of, part)
        if not reported:
            return
        since = step.at_most.since(part.ruled_on)
        used = int(self.tallies.so_far(step.clause.id, step.per, part))
        added = min(reported, max(0, since.value - used))
        outcome.compared(since.location, added == reported)
        if added:
            self.tallies.add(step.clause.id, step.per, part, added)
            operands = {
                "reported": reported,
                "at_most": since.value,
                "used": used,
                "per": step.per.value,
                "of": step.of,
            }
            outcome.note(step.clause, part, "add_time", SECONDS, part.seconds, part.seconds + added, **operands)
            part.seconds += added

    def _limit(self, step: LimitTime, part: Part, outcome: Outcome) -> None:
        if isinstance(step.at_most, str):
            said = part.facts.get(step.at_most)
            if not isinstance(said, int):
                return  # the record does not say how long its activity was set to last
            most, at = said, step.clause.location
        else:
            since = step.at_most.since(part.ruled_on)
            most, at = since.value, since.location
        after = self.tallies.limit(
            step.clause, part, SECONDS, part.seconds, most, step.per, step.overflow, step.within_same, outcome
        )
        outcome.compared(at, after == part.seconds)
        part.seconds = int(after)

    def _limit_records(self, step: LimitRecords, parts: list[Part], outcome: Outcome) -> None:
        used = self.tallies.one_more(step, parts[0], outcome)
        if used is None:
            return
        for refused in parts:
            outcome.refuse(step.clause, refused, "too_many", used=str(used))


def hours_end(parts: list[Part], outcome: Outcome) -> None:
    """Fix the time that earns points; what a clause says is no service time goes on for the points only."""
    for part in parts:
        part.basis = part.seconds
        if part.hoursless is not None and not part.refused and part.seconds:
            outcome.note(part.hoursless, part, "no_hours", SECONDS, part.seconds, 0)
            part.seconds = 0


def _reported(of: str, part: Part) -> int:
    """Return the seconds that the record reports under a name, 0 where it does not."""
    value: FactValue | None = part.facts.get(of)
    return value if isinstance(value, int) and value > 0 else 0


def _deduct_time(step: DeductTime, parts: list[Part], outcome: Outcome) -> None:
    """Take the reported time off, from the first part on until it is used up."""
    left = _reported(step.of, parts[0]) if parts else 0
    for part in parts:
        taken = min(left, part.seconds)
        if taken:
            left -= taken
            outcome.note(
                step.clause, part, "deduct_time", SECONDS, part.seconds, part.seconds - taken, taken=taken, of=step.of
            )
            part.seconds -= taken


def _counts_as(step: CountsAs, part: Part, outcome: Outcome) -> None:
    since = step.table.since(tuple(part.facts.get(name) for name in step.table.by), part.ruled_on)
    if since is None:
        keys = ", ".join(f"{name}: {part.facts.get(name, 'missing')}" for name in step.table.by)
        outcome.refuse_price(step.clause, part, keys)
        return
    after = int(part.seconds * since.value)
    if after != part.seconds:
        operands: dict[str, Operand] = {"value": since.value, "row": str(since.location)}
        operands |= {KEY + name: part.facts.get(name, MISSING) for name in step.table.by}
        outcome.note(step.clause, part, "counts_as", SECONDS, part.seconds, after, **operands)
    part.seconds = after


def _minimum(step: Minimum, parts: list[Part], outcome: Outcome) -> None:
    counted = sum(part.seconds for part in parts)
    for part in parts:
        since = step.at_least.since(parts[0].ruled_on)
        least = since.value
        outcome.compared(since.location, counted >= least)
        if part.seconds and counted < least:
            outcome.note(step.clause, part, "minimum", SECONDS, part.seconds, 0, at_least=least, of=counted)
            part.seconds = 0
