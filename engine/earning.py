"""The steps of `earning.yaml`, each on the parts of one record: earn, adjust, round, limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod

from lianxing.engine.parts import POINTS, Amount, Group, Outcome, Part, quotient
from lianxing.engine.rounding import rounded
from lianxing.engine.rulebook import rate_name
from lianxing.engine.scales import HUNDREDTHS, band_points, bands_text, bracket_points, brackets_text
from lianxing.engine.tallies import Tallies, span_text
from lianxing.rules.assessments import KEY, MISSING, Operand
from lianxing.rules.dates import Since
from lianxing.rules.earning import (
    Add,
    Bands,
    Brackets,
    Combine,
    EarningStep,
    Floor,
    LimitPoints,
    LimitShare,
    LimitStep,
    Multiply,
    PointsPerEvent,
    PointsPerHour,
    Rate,
    Rated,
    RoundPoints,
    Zero,
)
from lianxing.rules.hours import Direction, LimitRecords
from lianxing.rules.measures import HOURS, RECORDS
from lianxing.rules.periods import Period
from lianxing.rules.tables import Table

HOUR_SECONDS = 3600


@dataclass(frozen=True)
class Pricing:
    """What the steps on points use up."""

    tallies: Tallies

    def apply(self, step: EarningStep, record: Group, parts: list[Part], outcome: Outcome) -> None:
        """Work one step on the parts that it applies to; `share` does the one that looks at the others too."""
        match step:
            case PointsPerHour() | Multiply():
                for part in parts:
                    _look_up(step, part, outcome)
            case PointsPerEvent() | Add():
                # An event happens once, however many days its record spans and however many records say so.
                for part in _first(parts, record):
                    _look_up(step, part, outcome)
            case Brackets() | Bands():
                for part in parts if step.of == HOURS else _first(parts, record):
                    self._by_total(step, part, outcome)
            case Zero():
                for part in parts:
                    if step.clause.id in part.matched:
                        outcome.note(step.clause, part, "zero", POINTS, part.points, 0)
                        part.points = 0
                        part.gains.clear()
            case RoundPoints():
                for part in parts:
                    self._round(step, part, outcome)
            case LimitPoints():
                for part in parts:
                    self._limit(step, part, outcome)
            case LimitStep():
                for part in parts:
                    self._limit_step(step, part, outcome)
            case Floor():
                for part in parts:
                    self._floor(step, part, outcome)
            case LimitRecords():
                self._limit_records(step, parts, outcome)

    def _by_total(self, step: Brackets | Bands, part: Part, outcome: Outcome) -> None:
        added = _added(step.of, part)
        total = int(self.tallies.so_far(step.clause.id, step.each, part, step.within_same))
        self.tallies.add(step.clause.id, step.each, part, added, step.within_same)
        operands: dict[str, Operand] = {"of": step.of, "type": step.type.value, "total": total, "added": added}
        after: Amount
        if isinstance(step, Brackets):
            brackets = step.steps.on(part.ruled_on)
            for bracket in brackets:
                outcome.compared(bracket.location, bracket.up_to is None or total + added <= bracket.up_to)
            gained = bracket_points(brackets, step.part, total + added) - bracket_points(brackets, step.part, total)
            operands |= {"steps": brackets_text(brackets), "last_block": step.part.value}
            operation, row = "brackets", brackets[0].location
        else:
            bands = step.steps.on(part.ruled_on)
            for band in bands:
                outcome.compared(band.location, total + added >= band.at_least)
            gained = band_points(bands, total + added) - band_points(bands, total)
            operands |= {"steps": bands_text(bands)}
            operation, row = "bands", bands[0].location
        after = part.points + gained
        part.gains[step.clause.id] = gained
        if added:
            outcome.note(step.clause, part, operation, POINTS, part.points, after, row=str(row), **operands)
        part.points = after

    def _round(self, step: RoundPoints, part: Part, outcome: Outcome) -> None:
        to = step.to.on(part.ruled_on)
        part.points = self.tallies.rounding(
            step.clause, part, POINTS, part.points, to, step.each, step.direction, step.within_same, outcome
        )

    def _limit(self, step: LimitPoints, part: Part, outcome: Outcome) -> None:
        most = step.at_most.since(part.ruled_on)
        after = self.tallies.limit(
            step.clause, part, POINTS, part.points, most.value, step.per, step.overflow, step.within_same, outcome
        )
        outcome.compared(most.location, after == part.points)
        part.points = after

    def _limit_step(self, step: LimitStep, part: Part, outcome: Outcome) -> None:
        """Take back what one statement gave beyond its limit."""
        gain = rounded(part.gains.get(step.of, 0), 1, Direction.HALF_UP)
        most = step.at_most.since(part.ruled_on)
        used = self.tallies.so_far(step.clause.id, step.per, part)
        allowed = min(gain, max(0, most.value - used))
        self.tallies.add(step.clause.id, step.per, part, allowed)
        if gain:
            outcome.compared(most.location, allowed == gain)
        if allowed != gain:
            after = part.points - (gain - allowed)
            bound: dict[str, Operand] = {"at_most": most.value, "used": used, "per": span_text(step.per)}
            outcome.note(
                step.clause,
                part,
                "limit_of",
                POINTS,
                part.points,
                after,
                gain=gain,
                overflow=step.overflow.value,
                **bound,
            )
            part.points = after

    def _floor(self, step: Floor, part: Part, outcome: Outcome) -> None:
        """Let a deduction go no further than the floor."""
        least = step.at_least.since(part.ruled_on)
        if step.per is Period.BALANCE:
            used = self.tallies.balance.get(POINTS, 0) + outcome.passed.get(step.clause.id, 0)
        else:
            used = self.tallies.so_far(step.clause.id, step.per, part)
        after = max(part.points, min(0, least.value - used))
        if step.per is Period.BALANCE:
            outcome.passed[step.clause.id] = outcome.passed.get(step.clause.id, 0) + after
        else:
            self.tallies.add(step.clause.id, step.per, part, after)
        if part.points < 0:
            outcome.compared(least.location, after == part.points)
        if after != part.points:
            bound: dict[str, Operand] = {"at_least": least.value, "used": used, "per": step.per.value}
            outcome.note(step.clause, part, "floor", POINTS, part.points, after, **bound)
        part.points = after

    def share(self, step: LimitShare, parts: list[Part], others: list[Part], outcome: Outcome) -> None:
        """Limit the parts to their share; `others` are the priced parts that the step does not apply to."""
        name = f"{step.clause.id} others"
        for part in others:
            self.tallies.add(name, step.per, part, part.points)
        for part in parts:
            beside = self.tallies.so_far(name, step.per, part)
            since = step.share.since(part.ruled_on)
            share = since.value
            after, used = self.tallies.share(step.clause, part, part.points, share, step.per, beside)
            outcome.compared(since.location, after == part.points)
            if after != part.points:
                operands: dict[str, Operand] = {"share": share, "others": beside, "used": used, "per": step.per.value}
                operands["overflow"] = step.overflow.value
                outcome.note(step.clause, part, "share", POINTS, part.points, after, **operands)
            part.points = after

    def _limit_records(self, step: LimitRecords, parts: list[Part], outcome: Outcome) -> None:
        used = self.tallies.one_more(step, parts[0], outcome)
        if used is None:
            return
        for beyond in parts:
            if beyond.points:
                outcome.note(step.clause, beyond, "too_many", POINTS, beyond.points, 0, used=used)
                beyond.points = 0


def _first(parts: list[Part], record: Group) -> list[Part]:
    return [part for part in parts if part.group == record][:1]


def _added(of: str, part: Part) -> int:
    if of == HOURS:
        return part.basis
    if of == RECORDS:
        return 1
    value = part.facts.get(of)
    return value if isinstance(value, int) and value > 0 else 0


def _look_up(step: Rated, part: Part, outcome: Outcome) -> None:
    """Ask the tables that apply to the part; where one of them does not say, the part has no price."""
    found: list[tuple[Table, Since[Fraction]]] = []
    for rate in _applying(step, part):
        since = _row(rate.table, part)
        if since is None:
            keys = ", ".join(f"{name}: {part.facts.get(name, 'missing')}" for name in rate.table.by)
            outcome.refuse_price(step.clause, part, keys)
            return
        found.append((rate.table, since))
    if not found:
        return
    value = found[0][1].value if len(found) == 1 else _combined(step, [since.value for _table, since in found])
    operands: dict[str, Operand] = {"value": value, "row": ", ".join([str(since.location) for _table, since in found])}
    for table, _since in found:
        for name in table.by:
            operands[KEY + name] = part.facts.get(name, MISSING)
    if step.rates.combine is not None:
        operands["combine"] = step.rates.combine.value
        operands["rates"] = ", ".join(str(since.value) for _table, since in found)
    operation, after = _worked(step, part, value, operands)
    if isinstance(step, Multiply):
        part.gains = {id: _times(gain, value) for id, gain in part.gains.items()}
    else:
        part.gains[step.clause.id] = after - part.points
    if part.points or after:  # nothing times anything is not worth a line
        outcome.note(step.clause, part, operation, POINTS, part.points, after, **operands)
    part.points = after


def _worked(step: Rated, part: Part, value: Fraction, operands: dict[str, Operand]) -> tuple[str, Amount]:
    match step:
        case PointsPerHour():
            operands["seconds"] = part.basis
            gained = quotient(value.numerator * part.basis * HUNDREDTHS, value.denominator * HOUR_SECONDS)
            return "per_hour", part.points + gained
        case Multiply():
            return "multiply", _times(part.points, value)
        case PointsPerEvent() | Add():
            return "add", part.points + quotient(value.numerator * HUNDREDTHS, value.denominator)


def _times(amount: Amount, factor: Fraction) -> Amount:
    return quotient(amount.numerator * factor.numerator, amount.denominator * factor.denominator)


def _applying(step: Rated, part: Part) -> Sequence[Rate]:
    if len(step.rates.rates) == 1 and step.rates.rates[0].when is None:
        return step.rates.rates
    rates = [
        rate
        for index, rate in enumerate(step.rates.rates)
        if rate.when is None or rate_name(step.clause.id, index) in part.matched
    ]
    return rates[:1] if step.rates.combine is Combine.FIRST else rates


def _row(table: Table, part: Part) -> Since[Fraction] | None:
    return table.since(tuple([part.facts.get(name) for name in table.by]), part.ruled_on)


def _combined(step: Rated, values: list[Fraction]) -> Fraction:
    match step.rates.combine:
        case Combine.MAX:
            return max(values)
        case Combine.PRODUCT:
            return prod(values, start=Fraction(1))
        case Combine.SUM if isinstance(step, Multiply):
            return 1 + sum((value - 1 for value in values), Fraction(0))
        case Combine.SUM:
            return sum(values, Fraction(0))
        case Combine.FIRST | None:
            return values[0]
