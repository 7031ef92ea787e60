"""Sanctions in one person's life: when each begins, what all of them do together, and how each ends.

A sanction begins where its condition turns from not holding to holding. It is looked at after every record, and on the
day asked. Another record of the kind begins it anew; what only still holds when it has ended does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any, TypeVar

from lianxing.engine.freezing import amount_data, day_of, location_data, location_of, whole_of
from lianxing.engine.quotients import Quotient, Threshold, holds
from lianxing.engine.rulebook import SANCTIONS, MeasureValue, Rulebook
from lianxing.rules.conditions import AllOf, AnyOf, Compare, Condition, Not, Operator, condition_on
from lianxing.rules.dates import Dated
from lianxing.rules.decisions import SanctionState
from lianxing.rules.facts import FactValue
from lianxing.rules.periods import add_months
from lianxing.rules.places import Location
from lianxing.rules.policy import Policy
from lianxing.rules.sanctions import (
    Effects,
    Lasts,
    OnAsset,
    OnCommendation,
    OnPerks,
    OnRegistration,
    OnRight,
    OnStar,
    Sanction,
)

E = TypeVar("E", bound=Enum)

REGISTRATION, BLACK_LISTED, OWN_ENTRY = "registration", "black_listed", "own_entry"
_REGISTRATION = {
    OnRegistration.KEPT: "active",
    OnRegistration.SUSPENDED: "suspended",
    OnRegistration.CANCELLED: "cancelled",
}
_OWN_ENTRY = {OnRight.KEPT: "open", OnRight.SUSPENDED: "suspended"}


def together(effects: Iterable[Effects]) -> Effects:
    """Return what several sanctions do together: of each effect the heaviest."""
    every = tuple(effects)
    return Effects(
        registration=_heaviest((one.registration for one in every), OnRegistration),
        star=_heaviest((one.star for one in every), OnStar),
        points=_heaviest((one.points for one in every), OnAsset),
        hours=_heaviest((one.hours for one in every), OnAsset),
        black_list=any(one.black_list for one in every),
        perks=_heaviest((one.perks for one in every), OnPerks),
        redemption=_heaviest((one.redemption for one in every), OnRight),
        entry=_heaviest((one.entry for one in every), OnRight),
        commendation=_heaviest((one.commendation for one in every), OnCommendation),
    )


def _heaviest(effects: Iterable[E], words: type[E]) -> E:
    """Return the latest word: an effect's words go from nothing to the heaviest."""
    order = list(words)
    return max(effects, key=order.index, default=order[0])


def sanction_facts(effects: Effects) -> dict[str, FactValue]:
    """Return what conditions may ask of sanctions."""
    return {
        REGISTRATION: _REGISTRATION[effects.registration],
        BLACK_LISTED: int(effects.black_list),
        OWN_ENTRY: _OWN_ENTRY[effects.entry],
    }


@dataclass
class _Active:
    """A sanction that has begun; `ends_on` is the day that time alone brings, None where it does not."""

    sanction: Sanction
    since: date
    ends_on: date | None
    serves: int | None
    either: bool = False  # time or service ends it, whichever is first
    served: int = 0
    ended_on: date | None = None

    def serve(self, day: date, seconds: int) -> None:
        """Count service given since it began; where months are said as well, within them."""
        if self.serves is not None and (self.ends_on is None or day < self.ends_on):
            self.served += seconds

    def begin_anew(self, again: _Active) -> None:
        """Run for as long again from the day of another record; what was served before does not count towards it."""
        self.ends_on, self.serves, self.served = again.ends_on, again.serves, 0

    @property
    def satisfied(self) -> bool:
        return self.serves is None or self.served >= self.serves


def depths(
    condition: Condition, measures: Mapping[str, MeasureValue], picking: frozenset[str], *, negated: bool = False
) -> Iterator[tuple[Location, int]]:
    """Yield how far each measure has gone beyond a test of it that holds, in the direction in which it does.

    Upwards, only measures count that are among `picking`, those that pick out records: further service, which adds to a
    total of everything, is no further offence.
    """
    match condition:
        case AllOf() | AnyOf():
            for part in condition.parts:
                yield from depths(part, measures, picking, negated=negated)
        case Not():
            yield from depths(condition.part, measures, picking, negated=not negated)
        case Compare(operand=int() as operand):
            value = measures.get(condition.fact)
            amount = value.sum if isinstance(value, Quotient) else value or 0
            if isinstance(value, Quotient):
                true = bool(Threshold("", condition.fact, condition.operator, operand).answer(value))
            else:
                true = holds(condition.operator, amount, operand)
            downwards = (condition.operator in (Operator.AT_MOST, Operator.LESS_THAN)) is not negated
            if true is not negated and (downwards or condition.fact in picking):
                yield condition.location, -amount if downwards else amount


def _picking(policy: Policy) -> frozenset[str]:
    """Return the measures that pick out records."""
    return frozenset(measure.clause.id for measure in policy.measures if measure.where is not None)


class Sanctions:
    """The sanctions of one person, as days go by."""

    def __init__(self, rulebook: Rulebook, data: Mapping[str, Any] | None = None) -> None:
        """Begin with none, or go on from the plain data that `frozen` returned."""
        self._rulebook = rulebook
        self._first_day = rulebook.policy.county.in_force_from
        self._active: dict[str, _Active] = {}
        self._begun: list[_Active] = []
        self._held: frozenset[str] = frozenset()
        self._asked = sorted(rulebook.asked(SANCTIONS))
        self._dated = rulebook.changes(SANCTIONS)
        # What was asked at the last look: records mostly say nothing about sanctions, and the answer stays the same.
        self._seen: tuple[object, ...] | None = None
        self._depths: dict[str, dict[Location, int]] = {}
        self._picking = rulebook.once(_picking)
        if data is not None:
            self._thaw(data)

    def pass_to(self, day: date) -> None:
        """End what time ends by a day."""
        for id, active in list(self._active.items()):
            if active.ends_on is not None and active.ends_on <= day and (active.either or active.satisfied):
                self._end(id, active.ends_on)

    def first_end(self, after: date) -> date | None:
        """Return the next day on which time may end a sanction."""
        ends = (active.ends_on for active in self._active.values() if active.ends_on is not None)
        return min((day for day in ends if day > after), default=None)

    def serve(self, day: date, seconds: int) -> None:
        """Count service towards the sanctions that it restores from."""
        for id, active in list(self._active.items()):
            active.serve(day, seconds)
            if active.serves is not None and (active.either or active.ends_on is None) and active.satisfied:
                self._end(id, day)

    def look(
        self, day: date, person: Mapping[str, FactValue], measures: Mapping[str, MeasureValue]
    ) -> tuple[Sanction, ...]:
        """Ask every condition; return the sanctions that begin on this day.

        A sanction begins when its condition comes true, and anew when what it counts has gone further: another record
        of the kind, after it was over, or while it runs for a time.
        """
        seen = tuple((measures.get(name), person.get(name)) for name in self._asked)
        if seen == self._seen and not self._dated:
            return ()
        self._seen = seen
        holding = self._rulebook.ask(SANCTIONS, day, person, measures)
        begun: list[Sanction] = []
        for sanction in self._rulebook.policy.sanctions:
            id = sanction.clause.id
            depth = dict(depths(condition_on(sanction.when, max(day, self._first_day)), measures, self._picking))
            before = self._depths.get(id)
            further = before is not None and any(before.get(test, now - 1) < now for test, now in depth.items())
            self._depths[id] = depth
            if id in self._active and id not in holding:
                if sanction.lasts is Lasts.WHILE_TRUE:
                    self._end(id, day)
            elif id in self._active and further and isinstance(sanction.lasts, Dated):
                self._active[id].begin_anew(self._begin(sanction, day))
            elif id in holding and id not in self._active and (id not in self._held or further):
                self._active[id] = active = self._begin(sanction, day)
                self._begun.append(active)
                begun.append(sanction)
        self._held = holding
        return tuple(begun)

    def effects(self) -> Effects:
        """Return what the active sanctions do together."""
        if not self._active:  # asked after every record of everybody, and mostly there are none
            return Effects()
        return together(active.sanction.effects for active in self._active.values())

    def states(self) -> tuple[SanctionState, ...]:
        """Return every sanction that ever began, in the order in which they did."""
        return tuple(self._state(active) for active in self._begun)

    def frozen(self) -> dict[str, Any]:
        """Return the sanctions as plain data; what was asked at the last look is asked again, to the same answer."""
        return {
            "begun": [
                [
                    active.sanction.clause.id,
                    active.since,
                    active.ends_on,
                    active.serves,
                    amount_data(active.served),
                    active.ended_on,
                ]
                for active in self._begun
            ],
            "held": sorted(self._held),
            "looked": bool(self._depths),
            "depths": {
                id: sorted([*location_data(at), amount_data(depth)] for at, depth in found.items())
                for id, found in self._depths.items()
                if found
            },
        }

    def _thaw(self, data: Mapping[str, Any]) -> None:
        known = {sanction.clause.id: sanction for sanction in self._rulebook.policy.sanctions}
        for id, since, ends_on, serves, served, ended_on in data["begun"]:
            sanction, begun = known[id], date.fromisoformat(since)
            active = _Active(sanction, begun, day_of(ends_on), serves, isinstance(sanction.lasts, Dated))
            active.served, active.ended_on = whole_of(served), day_of(ended_on)
            self._begun.append(active)
            if active.ended_on is None:
                self._active[id] = active
        self._held = frozenset(data["held"])
        if data["looked"]:
            self._depths = {id: {} for id in known}
        for id, depths_of in data["depths"].items():
            self._depths[id] = {location_of(at): whole_of(depth) for *at, depth in depths_of}

    def _begin(self, sanction: Sanction, day: date) -> _Active:
        ruled_on = max(day, self._first_day)
        months = serves = None
        if sanction.restored is not None:
            waits, needed = sanction.restored.waits, sanction.restored.serves
            months = None if waits is None else waits.on(ruled_on)
            serves = None if needed is None else needed.on(ruled_on)
        timed = isinstance(sanction.lasts, Dated)
        if isinstance(sanction.lasts, Dated):
            months = sanction.lasts.on(ruled_on)
        ends_on = None if months is None else add_months(day, months)
        return _Active(sanction, day, ends_on, serves, either=timed)

    def _end(self, id: str, day: date) -> None:
        self._active.pop(id).ended_on = day

    def _state(self, active: _Active) -> SanctionState:
        sanction = active.sanction
        until = None
        if sanction.notice is not None:
            days = sanction.notice.on(max(active.since, self._first_day))
            until = self._rulebook.calendar.add_working_days(active.since, days)
        return SanctionState(
            clause=sanction.clause,
            effects=sanction.effects,
            since=active.since,
            ended_on=active.ended_on,
            ends_on=active.ends_on,
            serves=active.serves,
            served=active.served,
            notice_until=until,
            report=sanction.report,
        )
