"""Running totals of one measure: each counted record goes in once, in order; the window lets the old ones go.

One class for each way to make a value of what the window holds. Days never go back, so a queue is enough. What leaves
the window together is held together: a total grows with the days that it looks back on, not with the records.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from lianxing.engine.freezing import amount_data, whole_of
from lianxing.engine.holding import Seen, columns_of, frozen_of, held_of
from lianxing.engine.quotients import Quotient
from lianxing.engine.rulebook import MeasureValue
from lianxing.rules.dates import Dated
from lianxing.rules.facts import FactValue
from lianxing.rules.measures import DAY, Measure, Total, Which
from lianxing.rules.periods import Window, period_before, period_start
from lianxing.rules.transition import CarryOver, Convert, Fate, Treatment

_DAYS_OPEN = 3  # the parts of a day may lie a little behind those of the one before it; no day before these comes again


@dataclass
class Running:
    """What the window of a measure holds; `waiting` is what comes into sight when the next period begins."""

    measure: Measure
    held: deque[Seen] = field(default_factory=deque)
    waiting: deque[Seen] = field(default_factory=deque)
    granted_on: date = date.min
    window: Window = field(init=False)
    lets_go: bool = field(init=False)
    between: bool = field(init=False)  # two days, or one of them
    earliest: date = date.min
    leaving: date = date.max

    def __post_init__(self) -> None:
        self.window = self.measure.window
        self.lets_go = self.window.lets_go
        self.between = self.window.first is not None or self.window.last is not None

    def add(self, seen: Seen) -> None:
        day = seen[0]
        self.look(day)
        if self.window.previous:
            self.wait(seen)
        elif day > self.granted_on and (not self.between or self.window.holds(day, day)):
            self.enter(seen)

    def look(self, day: date) -> None:
        """Take in what has come into sight by this day, and drop what the window no longer holds."""
        if self.waiting and self.window.calendar is not None:
            begins = period_start(self.window.calendar, day)
            while self.waiting and self.waiting[0][0] < begins:
                self.enter(self.waiting.popleft())
        while self.held and self._leaves(self.held[0][0]) <= day:
            self.leave(self.held.popleft())

    def _leaves(self, earliest: date) -> date:
        """Return the day on which the earliest that is held is held no longer; worked out once for each."""
        if earliest != self.earliest:
            self.earliest, self.leaving = earliest, self.window.leaves(earliest)
        return self.leaving

    def granted(self, day: date) -> None:
        """Begin anew after the day of an award, where the measure counts since the last one."""
        if self.window.since_award:
            self.granted_on = max(self.granted_on, day)
            while self.held and self.held[0][0] <= day:
                self.leave(self.held.popleft())

    def treat(self, how: Treatment) -> None:
        """Do to what is held what a change of rules does to it; an amount that stays is treated in place."""
        held, waiting = list(self.held), list(self.waiting)
        self.forget()
        if how is Fate.RESTART:
            return
        for seen in self.treated(held, how):
            self.enter(seen)
        self.waiting.extend(self.treated(waiting, how))  # what comes into sight later is a total of its own

    def treated(self, seen: Sequence[Seen], how: Treatment) -> list[Seen]:
        """Return what becomes of what is held; what goes over at most makes sense for what is added up only."""
        if isinstance(how, CarryOver):
            return list(seen)
        return _treated(seen, how)

    def pay(self, day: date, amount: int) -> None:
        """Take an amount off what is held on a day; only what is added up can be paid from."""
        raise NotImplementedError

    def forget(self) -> None:
        self.held.clear()
        self.waiting.clear()

    def wait(self, seen: Seen) -> None:
        """Keep what comes into sight when the next period begins."""
        self.waiting.append(seen)

    def enter(self, seen: Seen) -> None:
        self.held.append(seen)

    def leave_together(self, one: date, other: date) -> bool:
        """Tell whether what was given on two days leaves the window on the same day, whatever happens."""
        calendar = self.window.calendar
        return one == other or (calendar is not None and period_start(calendar, one) == period_start(calendar, other))

    def leave(self, seen: Seen) -> None:
        """Undo what `enter` did, for the earliest that is held."""

    def value(self, day: date) -> MeasureValue | None:
        """Return the measure on a day not before the last record, None while it is missing."""
        raise NotImplementedError

    # --- as plain data -----------------------------------------------------------------------------------------------

    def frozen(self, *, treatable: bool) -> dict[str, Any]:
        """Return the total as plain data; `treatable` tells whether a change of rules is still to come."""
        data: dict[str, Any] = {}
        if self.held:
            data["held"] = frozen_of(self.held)
        if self.waiting:
            data["waiting"] = frozen_of(self.waiting)
        if self.granted_on != date.min:
            data["granted_on"] = self.granted_on
        return data

    def thaw(self, data: Mapping[str, Any]) -> None:
        """Take up, empty as it is, what `frozen` wrote."""
        self.held = held_of(data.get("held", ()))
        self.waiting = held_of(data.get("waiting", ()))
        if "granted_on" in data:
            self.granted_on = date.fromisoformat(data["granted_on"])


@dataclass
class Added(Running):
    """A sum, a count, a mean or a share: two numbers; the records themselves only where the window lets them go."""

    sum: int = 0
    count: int = 0

    def enter(self, seen: Seen) -> None:
        self.sum += seen[1]
        self.count += seen[3]
        if self.lets_go:
            self._join(self.held, seen)

    def wait(self, seen: Seen) -> None:
        self._join(self.waiting, seen)

    def _join(self, held: deque[Seen], seen: Seen) -> None:
        """Hold an amount with the one before it, where nothing can ever tell them apart: a cut spares what is owed."""
        if held:
            day, amount, key, count = held[-1]
            if amount * seen[1] >= 0 and self.leave_together(day, seen[0]):
                held[-1] = (day, amount + seen[1], key, count + seen[3])
                return
        held.append(seen)

    def leave(self, seen: Seen) -> None:
        self.sum -= seen[1]
        self.count -= seen[3]

    def treat(self, how: Treatment) -> None:
        if self.lets_go or how is Fate.RESTART:
            super().treat(how)
        elif self.measure.total is Total.SUM or not isinstance(how, CarryOver):
            (self.sum,) = treated((self.sum,), how)

    def treated(self, seen: Sequence[Seen], how: Treatment) -> list[Seen]:
        if self.measure.total is not Total.SUM:
            return super().treated(seen, how)
        return _treated(seen, how)

    def pay(self, day: date, amount: int) -> None:
        self.look(day)
        if self.lets_go:  # what was given first is paid with first, and leaves the window as what is left of it
            left = _cut([given for _day, given, _key, _count in self.held], amount)
            self.held = deque((on, rest, key, count) for (on, _, key, count), rest in zip(self.held, left, strict=True))
            self.sum = sum(given for _day, given, _key, _count in self.held)
        else:
            self.sum -= amount

    def forget(self) -> None:
        super().forget()
        self.sum = self.count = 0

    def value(self, day: date) -> MeasureValue:
        self.look(day)
        match self.measure.total:
            case Total.SUM:
                return self.sum
            case Total.COUNT:
                return self.count
            case _:
                return Quotient(self.sum, self.count)

    def frozen(self, *, treatable: bool) -> dict[str, Any]:
        data = super().frozen(treatable=treatable)
        if self.count or self.sum:
            data |= {"sum": amount_data(self.sum), "count": self.count}
        return data

    def thaw(self, data: Mapping[str, Any]) -> None:
        super().thaw(data)
        self.sum, self.count = whole_of(data.get("sum", 0)), data.get("count", 0)


@dataclass
class BestOf(Running):
    """A sum or a count for every value of a fact, of which the greatest is the measure."""

    groups: dict[FactValue, Added] = field(default_factory=dict)

    def add(self, seen: Seen) -> None:
        group = self.groups.get(seen[2])
        if group is None:
            group = self.groups[seen[2]] = Added(self.measure, granted_on=self.granted_on)
        group.add(seen)

    def look(self, day: date) -> None:
        for group in self.groups.values():
            group.look(day)

    def granted(self, day: date) -> None:
        if self.window.since_award:
            self.granted_on = max(self.granted_on, day)
            for group in self.groups.values():
                group.granted(day)

    def treat(self, how: Treatment) -> None:
        for group in self.groups.values():
            group.treat(how)

    def value(self, day: date) -> MeasureValue:
        self.look(day)
        totals = (group for group in self.groups.values() if group.count)
        counts = self.measure.total is Total.COUNT
        return max((group.count if counts else group.sum for group in totals), default=0)

    def frozen(self, *, treatable: bool) -> dict[str, Any]:
        groups = [
            [key, group.frozen(treatable=treatable)]
            for key, group in self.groups.items()
            if group.count or group.waiting  # any other is one that nothing has gone into yet
        ]
        data = super().frozen(treatable=treatable)
        return data | ({"groups": sorted(groups, key=_by_key)} if groups else {})

    def thaw(self, data: Mapping[str, Any]) -> None:
        super().thaw(data)
        for key, group in data.get("groups", ()):
            self.groups[key] = Added(self.measure)
            self.groups[key].thaw(group)


@dataclass
class Different(Running):
    """How many different values: of each the day on which it was last seen, the earliest of them first.

    Where all the days are counted and none is let go, those that cannot come again are a number.
    """

    last: dict[FactValue, date] = field(default_factory=dict)
    coming: dict[FactValue, date] = field(default_factory=dict)
    over: int = 0
    by_number: bool = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.by_number = self.measure.of == DAY and not self.lets_go

    def look(self, day: date) -> None:
        if self.coming and self.window.calendar is not None:
            begins = period_start(self.window.calendar, day)
            come = [(key, on) for key, on in self.coming.items() if on < begins]
            for key, on in come:
                del self.coming[key]
                self.enter((on, 1, key, 1))
        while self.lets_go and self.last:
            first = next(iter(self.last))
            if self._leaves(self.last[first]) > day:
                return
            del self.last[first]

    def granted(self, day: date) -> None:
        if self.window.since_award:
            self.granted_on = max(self.granted_on, day)
            self.last = {key: on for key, on in self.last.items() if on > day}

    def treat(self, how: Treatment) -> None:
        if how is Fate.RESTART:  # nothing else changes how many there are
            self.forget()

    def forget(self) -> None:
        self.last.clear()
        self.coming.clear()
        self.over = 0

    def wait(self, seen: Seen) -> None:
        self.coming[seen[2]] = seen[0]

    def enter(self, seen: Seen) -> None:
        self.last.pop(seen[2], None)
        self.last[seen[2]] = seen[0]
        if self.by_number and len(self.last) > _DAYS_OPEN:
            del self.last[next(iter(self.last))]
            self.over += 1

    def value(self, day: date) -> MeasureValue:
        self.look(day)
        return self.over + len(self.last)

    def frozen(self, *, treatable: bool) -> dict[str, Any]:
        data = super().frozen(treatable=treatable)
        if self.lets_go:
            data["last"] = [*self.last.items()]
        else:  # the day is asked no more
            data["values"] = [*self.last] if self.by_number else sorted(self.last, key=_by_type)
        if self.coming:
            data["coming"] = [*self.coming.items()]
        return data | ({"over": self.over} if self.over else {})

    def thaw(self, data: Mapping[str, Any]) -> None:
        super().thaw(data)
        self.last = {key: date.fromisoformat(on) for key, on in data.get("last", ())}
        self.last |= dict.fromkeys(data.get("values", ()), date.min)
        self.coming = {key: date.fromisoformat(on) for key, on in data.get("coming", ())}
        self.over = data.get("over", 0)


@dataclass
class _OneOf(Running):
    """What one record says: the first of what is held."""

    def treated(self, seen: Sequence[Seen], how: Treatment) -> list[Seen]:
        return _one_by_one(seen, how)

    def value(self, day: date) -> MeasureValue | None:
        self.look(day)
        return self.held[0][1] if self.held else None


@dataclass
class Extreme(_OneOf):
    """The largest or the smallest: of what is held, each is beyond all that came after it, so the first is the one."""

    def enter(self, seen: Seen) -> None:
        sign = 1 if self.measure.total is Total.LARGEST else -1
        if self.held and not self.lets_go and sign * self.held[0][1] >= sign * seen[1]:
            return
        while self.held and sign * self.held[-1][1] <= sign * seen[1]:
            self.held.pop()
        if not self.held or not self.leave_together(self.held[-1][0], seen[0]):  # else it is never the one
            self.held.append(seen)

    def wait(self, seen: Seen) -> None:
        sign = 1 if self.measure.total is Total.LARGEST else -1
        if self.waiting and sign * self.waiting[-1][1] >= sign * seen[1]:
            return
        self.waiting.clear()  # of one period, which comes into sight as a whole
        self.waiting.append(seen)


@dataclass
class Told(_OneOf):
    """What the earliest or the latest record says."""

    def enter(self, seen: Seen) -> None:
        if self.measure.total is Total.LAST:
            self.held.clear()  # who is later leaves the window later
        elif self.held and (not self.lets_go or self.leave_together(self.held[-1][0], seen[0])):
            return
        self.held.append(seen)

    def wait(self, seen: Seen) -> None:
        if self.measure.total is Total.LAST:
            self.waiting.clear()
        if not self.waiting:  # of one period, which comes into sight as a whole
            self.waiting.append(seen)


@dataclass
class InARow(Running):
    """How many periods in a row each hold enough: what each of them adds up to, and how the rows go on.

    `runs` are the periods that are over and hold enough, each with the length of the row that it ends; `latest` is the
    latest one, in which more may come.
    """

    periods: dict[date, list[int]] = field(default_factory=dict)  # by first day: the amount, and of how many records
    runs: dict[date, int] = field(default_factory=dict)
    longest: int = 0
    latest: date = date.min

    def enter(self, seen: Seen) -> None:
        start = self._period(seen[0])
        if start > self.latest:
            self._end()
            self.latest = start
        period = self.periods.setdefault(start, [0, 0])
        period[0] += seen[1]
        period[1] += seen[3]
        if self.held and self._period(self.held[-1][0]) == start:
            day, amount, key, count = self.held[-1]
            if not self.lets_go or self.leave_together(day, seen[0]):
                self.held[-1] = (day, amount + seen[1], key, count + seen[3])
                return
        self.held.append(seen)

    def leave(self, seen: Seen) -> None:
        period = self.periods[self._period(seen[0])]
        period[0] -= seen[1]
        period[1] -= seen[3]
        if not period[1]:
            del self.periods[self._period(seen[0])]
        self._begin_anew()
        for start in sorted(self.periods):
            self._end()
            self.latest = start

    def forget(self) -> None:
        super().forget()
        self.periods.clear()
        self._begin_anew()

    def _begin_anew(self) -> None:
        self.runs.clear()
        self.longest, self.latest = 0, date.min

    def _end(self) -> None:
        """Close the latest period: nothing more comes into it."""
        run = self._run(self.latest)
        if run:
            self.runs[self.latest] = run
            self.longest = max(self.longest, run)

    def _run(self, start: date) -> int:
        """Return how many periods in a row end with the one that begins on a day; 0 if it does not hold enough."""
        if start != self.latest:
            return self.runs.get(start, 0)
        streak = self.measure.streak
        assert streak is not None
        if start not in self.periods or self.periods[start][0] < _in_force(streak.at_least, start):
            return 0
        return self.runs.get(period_before(streak.per, start), 0) + 1

    def value(self, day: date) -> MeasureValue:
        self.look(day)
        streak = self.measure.streak
        assert streak is not None
        if streak.which is Which.LONGEST:
            return max(self.longest, self._run(self.latest))
        last = self._period(day)
        return self._run(last) or self._run(period_before(streak.per, last))

    def _period(self, day: date) -> date:
        assert self.measure.streak is not None
        return period_start(self.measure.streak.per, day)

    def frozen(self, *, treatable: bool) -> dict[str, Any]:
        """Where nothing is let go or will be treated, the periods that are over are only a row that goes on."""
        assert self.measure.streak is not None
        data = super().frozen(treatable=treatable)
        if not self.lets_go and not treatable and self.held:
            data["held"] = columns_of(deque(one for one in self.held if self._period(one[0]) == self.latest))
        if self.latest != date.min:
            before = self.runs.get(period_before(self.measure.streak.per, self.latest), 0)
            data |= {"latest": self.latest, "before": before, "longest": self.longest}
        return data

    def thaw(self, data: Mapping[str, Any]) -> None:
        assert self.measure.streak is not None
        super().thaw(data)
        for day, amount, _key, count in self.held:
            period = self.periods.setdefault(self._period(day), [0, 0])
            period[0] += amount
            period[1] += count
        if "latest" in data:
            self.latest, self.longest = date.fromisoformat(data["latest"]), data["longest"]
            if data["before"]:
                self.runs[period_before(self.measure.streak.per, self.latest)] = data["before"]


def running(measure: Measure) -> Running:
    """Return an empty running total for a measure."""
    match measure.total:
        case Total.DISTINCT:
            return Different(measure)
        case Total.LARGEST | Total.SMALLEST:
            return Extreme(measure)
        case Total.FIRST | Total.LAST:
            return Told(measure)
        case Total.STREAK:
            return InARow(measure)
        case _:
            return BestOf(measure) if measure.best_of else Added(measure)


def treated(amounts: Sequence[int], how: Treatment) -> list[int]:
    """Return amounts, the earliest first, after a change of rules.

    Converted they come to the converted total rounded down; what goes over at most is cut from the earliest on.

    >>> from fractions import Fraction
    >>> treated([5, 5], Convert(Fraction(1, 2))), treated([60, 70], CarryOver(100))
    ([2, 3], [30, 70])
    """
    match how:
        case Convert():
            return list(_converted(amounts, how))
        case CarryOver():
            return list(_cut(amounts, sum(amounts) - how.at_most))
        case _:
            return list(amounts)


def _converted(amounts: Iterable[int], how: Convert) -> Iterable[int]:
    total = given = 0
    for amount in amounts:
        total += amount
        worth = total * how.factor.numerator // how.factor.denominator
        yield worth - given
        given = worth


def _cut(amounts: Iterable[int], too_much: int) -> Iterable[int]:
    for amount in amounts:
        cut = min(max(amount, 0), max(too_much, 0))
        too_much -= cut
        yield amount - cut


def _treated(seen: Sequence[Seen], how: Treatment) -> list[Seen]:
    amounts = treated([amount for _day, amount, _key, _count in seen], how)
    return [(day, amount, key, count) for (day, _, key, count), amount in zip(seen, amounts, strict=True)]


def _one_by_one(seen: Sequence[Seen], how: Treatment) -> list[Seen]:
    """Return what becomes of what each record says by itself; what goes over at most is about what is added up."""
    if isinstance(how, CarryOver):
        return list(seen)
    return [one for part in seen for one in _treated((part,), how)]


def _by_type(value: FactValue) -> tuple[bool, FactValue]:
    """Order numbers before text."""
    return isinstance(value, str), value


def _by_key(one: Sequence[Any]) -> tuple[bool, FactValue]:
    return _by_type(one[0])


def _in_force(least: Dated[int], start: date) -> int:
    # The first period may have begun before the rules did.
    return least.on(max(start, least.entries[0].day))
