"""Every measure of a policy for one person, as records are counted in order; scores come after (`engine.scores`)."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import date
from typing import Any

from lianxing.engine.freezing import amount_data, day_of, whole_of
from lianxing.engine.holding import Seen
from lianxing.engine.rulebook import SHARE, WHERE, MeasureValue
from lianxing.engine.running import Running, running
from lianxing.rules.facts import FactValue
from lianxing.rules.measures import DAY, HOURS, POINTS, RECORDS, Measure, Total
from lianxing.rules.policy import Policy
from lianxing.rules.transition import Fate, Transition, TransitionLine, Treatment


class Totals:
    """The measures of one person. `transitions` is what changes of rules did to them on the way."""

    def __init__(self, policy: Policy, data: Mapping[str, Any] | None = None) -> None:
        """Begin with nothing, or go on from the plain data that `frozen` returned."""
        self._running = {
            measure.clause.id: running(measure) for measure in policy.measures if measure.total is not Total.SCORE
        }
        self._to_come = deque(sorted(policy.transitions, key=lambda transition: transition.on_day))
        self._day: date | None = None
        self._chosen: dict[frozenset[str], tuple[tuple[str, Running], ...]] = {}
        self.transitions: list[TransitionLine] = []
        if data is not None:
            self._thaw(policy, data)

    def add(
        self, day: date, seconds: int, points: int, facts: Mapping[str, FactValue], matched: frozenset[str]
    ) -> None:
        """Count a record that was not refused; `matched` are the measures' conditions that hold for it."""
        self._pass(day)
        own = {HOURS: seconds, POINTS: points, RECORDS: 1}
        for id, one in self._running.items():
            measure = one.measure
            if measure.where is not None and id + WHERE not in matched:
                continue
            amount = own.get(measure.of)
            if amount is not None and not measure.best_of:
                one.add((day, amount, "", 1))
            else:
                seen = _seen(measure, day, amount, facts, matched)
                if seen is not None:
                    one.add(seen)

    def on(self, day: date, only: frozenset[str] | None = None) -> dict[str, MeasureValue]:
        """Return every measure as it stands on a day not before the last record counted; a missing one is left out.

        With `only`, the measures of these names: where few are asked after every record of everybody.
        """
        self._pass(day)
        found: dict[str, MeasureValue] = {}
        for id, one in self._running.items() if only is None else self._only(only):
            value = one.value(day)
            if value is not None:
                found[id] = value
        return found

    def _only(self, names: frozenset[str]) -> tuple[tuple[str, Running], ...]:
        """Return the measures of these names; the same few are asked again and again."""
        chosen = self._chosen.get(names)
        if chosen is None:
            chosen = self._chosen[names] = tuple((id, one) for id, one in self._running.items() if id in names)
        return chosen

    def granted(self, day: date) -> None:
        """A star or card was granted on this day: what is counted since then begins anew after it."""
        for one in self._running.values():
            one.granted(day)

    def pay(self, measure: str, day: date, amount: int) -> None:
        """Pay from a measure that adds up: what becomes of it from then on becomes of what is left."""
        self._pass(day)
        self._running[measure].pay(day, amount)

    def _pass(self, day: date) -> None:
        """Apply every change of rules that has come by this day."""
        self._day = day
        while self._to_come and self._to_come[0].on_day <= day:
            transition = self._to_come.popleft()
            for one in self._running.values():
                self._treat(one, transition)

    # --- as plain data -----------------------------------------------------------------------------------------------

    def frozen(self) -> dict[str, Any]:
        """Return the measures as plain data, without what has left their windows."""
        if self._day is not None:
            for one in self._running.values():
                one.look(self._day)
        return {
            "day": self._day,
            "to_come": len(self._to_come),
            "transitions": [
                [line.clause.id, line.measure, line.unit, amount_data(line.before), amount_data(line.after)]
                for line in self.transitions
            ],
            "running": {id: one.frozen(treatable=bool(self._to_come)) for id, one in self._running.items()},
        }

    def _thaw(self, policy: Policy, data: Mapping[str, Any]) -> None:
        self._day = day_of(data["day"])
        while len(self._to_come) > data["to_come"]:
            self._to_come.popleft()
        clauses = {transition.clause.id: transition.clause for transition in policy.transitions}
        self.transitions = [
            TransitionLine(clauses[clause], measure, unit, whole_of(before), whole_of(after))
            for clause, measure, unit, before, after in data["transitions"]
        ]
        held = data["running"]
        for id, one in self._running.items():
            if held[id]:
                one.thaw(held[id])

    def _treat(self, one: Running, transition: Transition) -> None:
        how = _treatment(one.measure, transition)
        if how is Fate.KEEP:
            return
        before = one.value(transition.on_day)
        one.treat(how)
        after = one.value(transition.on_day)
        if before != after and isinstance(before, int):
            unit = "points" if one.measure.of == POINTS else "seconds"
            after = after if isinstance(after, int) else 0
            self.transitions.append(TransitionLine(transition.clause, one.measure.clause.id, unit, before, after))


def _treatment(measure: Measure, transition: Transition) -> Treatment:
    if measure.of == POINTS:
        return transition.points
    return transition.hours if measure.of == HOURS else Fate.KEEP


def _seen(
    measure: Measure, day: date, own: int | None, facts: Mapping[str, FactValue], matched: frozenset[str]
) -> Seen | None:
    """Return what a record gives to a measure, None where it does not say what the measure is about.

    `own` is the amount of its hours, its points, or the record itself, where the measure is about these.
    """
    if measure.total is Total.SHARE:
        return day, int(measure.clause.id + SHARE in matched), "", 1
    asked = day.toordinal() if measure.of == DAY else facts.get(measure.of)
    if measure.total is Total.DISTINCT:
        return None if asked is None else (day, 1, asked, 1)
    amount = asked if own is None else own
    key = facts.get(measure.best_of) if measure.best_of else ""
    return (day, amount, key, 1) if isinstance(amount, int) and key is not None else None
