"""What the periods have added up so far for one person: the state of every rounding, limit and scale."""

from __future__ import annotations

from collections import ChainMap, deque
from collections.abc import Collection, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from lianxing.engine.freezing import amount_data, amount_of
from lianxing.engine.parts import Amount, Group, Outcome, Part
from lianxing.engine.rounding import rounded
from lianxing.rules.hours import Direction, LimitRecords, Overflow
from lianxing.rules.periods import Period, Window, period_after, period_start
from lianxing.rules.places import Clause
from lianxing.rules.policy import Policy

Key = tuple[str, str | date | Group, str]

ROLLING = "rolling"
# The parts of a record may lie a day behind those of the one before it, which ran past midnight.
DAYS_BACK = timedelta(days=2)


@dataclass
class Tallies:
    """Amounts by statement, period and group; `balance` is what was credited in all, by unit, less what was spent.

    What a window that rolls holds goes with the first day on which it is held no longer.
    """

    used: MutableMapping[Key, Amount] = field(default_factory=dict)
    rolling: dict[Key, deque[tuple[date, Amount]]] = field(default_factory=dict)
    balance: dict[str, Amount] = field(default_factory=dict)

    def copied(self) -> Tallies:
        """Return the same amounts, to go on from without touching these."""
        rolling = {key: deque(held) for key, held in self.rolling.items()}
        return Tallies(ChainMap({}, self.used), rolling, dict(self.balance))

    def so_far(self, name: str, per: Period | Window, part: Part, within_same: str = "") -> Amount:
        """Return what the period that holds the part has added up under a name."""
        key = _key(name, per, part, within_same)
        if not isinstance(per, Window):
            return self.used.get(key, 0)
        held = self.rolling.get(key)
        if not held:
            return 0
        while held and held[0][0] <= part.day - DAYS_BACK:
            held.popleft()
        return sum((amount for leaves, amount in held if part.day < leaves), 0)

    def add(self, name: str, per: Period | Window, part: Part, amount: Amount, within_same: str = "") -> None:
        key = _key(name, per, part, within_same)
        if isinstance(per, Window):
            leaves, held = per.leaves(part.day), self.rolling.setdefault(key, deque())
            if held and held[-1][0] == leaves:  # what leaves together is one amount
                amount += held.pop()[1]
            held.append((leaves, amount))
        else:
            self.used[key] = self.used.get(key, 0) + amount

    def credit(self, unit: str, amount: Amount) -> None:
        """Note what a record was finally worth."""
        self.balance[unit] = self.balance.get(unit, 0) + amount

    def rounding(
        self,
        clause: Clause,
        part: Part,
        unit: str,
        amount: Amount,
        to: int,
        each: Period,
        direction: Direction,
        within_same: str,
        outcome: Outcome,
    ) -> Amount:
        """Round what the period has added up so far; the record gets the difference to what was rounded before.

        From the day on which the step of the rounding changes, adding up starts anew: what was rounded to the old one
        is not rounded again.
        """
        key = _key(f"{clause.id} {to}", each, part, within_same)
        so_far = self.used.get(key, 0)
        self.used[key] = so_far + amount
        after = rounded(so_far + amount, to, direction) - (rounded(so_far, to, direction) if so_far else 0)
        if after != amount:
            operands = {"to": to, "direction": direction.value, "each": each.value, "so_far": so_far}
            outcome.note(clause, part, "round", unit, amount, after, **operands)
        return after

    def limit(
        self,
        clause: Clause,
        part: Part,
        unit: str,
        amount: Amount,
        most: int,
        per: Period | Window,
        overflow: Overflow,
        within_same: str,
        outcome: Outcome,
    ) -> Amount:
        """Give what is left under the limit; the record that crosses it is truncated, later ones get nothing."""
        if per is Period.BALANCE:
            used = self.balance.get(unit, 0) + outcome.passed.get(clause.id, 0)
        else:
            used = self.so_far(clause.id, per, part, within_same)
        after = min(amount, max(0, most - used))
        if per is Period.BALANCE:
            outcome.passed[clause.id] = outcome.passed.get(clause.id, 0) + after
        else:
            self.add(clause.id, per, part, after, within_same)
        if after != amount:
            said = span_text(per)
            operands = {"at_most": most, "used": used, "per": said, "overflow": overflow.value}
            outcome.note(clause, part, "limit", unit, amount, after, **operands)
        return after

    def one_more(self, step: LimitRecords, part: Part, outcome: Outcome) -> Amount | None:
        """Let one more record in; where it is one too many, return how many there were.

        A record is one, however many parts it has: its first part stands for it. What an overlap has merged into
        a record that was let in is no further one.
        """
        name, let_in = step.clause.id, f"{step.clause.id} let in"
        if self.so_far(let_in, Period.RECORD, part):
            return None
        used = self.so_far(name, step.per, part, step.within_same)
        most = step.at_most.since(part.ruled_on)
        outcome.compared(most.location, used < most.value)
        if used >= most.value:
            return used
        self.add(name, step.per, part, 1, step.within_same)
        self.add(let_in, Period.RECORD, part, 1)
        return None

    def share(
        self, clause: Clause, part: Part, amount: Amount, share: Fraction, per: Period, others: Amount
    ) -> tuple[Amount, Amount]:
        """Return what is left under a share of all points of the period, and what was used of it before."""
        used = self.so_far(clause.id, per, part)
        most = rounded(others * share / (1 - share), 1, Direction.DOWN)
        after = min(amount, max(0, most - used))
        self.add(clause.id, per, part, after)
        return after, used

    def forget(self, spans: Mapping[str, Period], since: date, groups: Collection[Group]) -> None:
        """Drop what `frozen` leaves out."""
        self.used = {key: amount for key, amount in self.used.items() if not _is_over(key, spans, since, groups)}

    # --- as plain data -----------------------------------------------------------------------------------------------

    def frozen(self, spans: Mapping[str, Period], since: date, groups: Collection[Group]) -> dict[str, Any]:
        """Return what a later record can still ask for, as plain data.

        Periods that ended before the day `since` are over; of records, only `groups` can come again. `spans` are the
        calendar periods by statement, see `spans_of`.
        """
        by_day, by_record, by_activity = [], [], []
        for key, amount in self.used.items():
            name, held, group = key
            if _is_over(key, spans, since, groups):
                continue
            if isinstance(held, date):
                by_day.append([name, held.isoformat(), group, amount_data(amount)])
            elif isinstance(held, tuple):
                by_record.append([name, *held, group, amount_data(amount)])
            else:
                by_activity.append([name, held, group, amount_data(amount)])
        rolling = []
        for (name, _rolling, group), amounts in self.rolling.items():
            left: dict[date, Amount] = {}
            for leaves, amount in amounts:
                if leaves > since:
                    left[leaves] = left.get(leaves, 0) + amount
            if left:
                rolling.append([name, group, [[leaves, amount_data(left[leaves])] for leaves in sorted(left)]])
        return {
            "by_period": sorted(by_day),
            "by_record": sorted(by_record),
            "by_activity": sorted(by_activity),
            "rolling": sorted(rolling, key=lambda one: one[:2]),
            "balance": {unit: amount_data(amount) for unit, amount in self.balance.items()},
        }

    @staticmethod
    def thawed(data: Mapping[str, Any]) -> Tallies:
        """Return the amounts that `frozen` wrote."""
        used: dict[Key, Amount] = {
            (name, date.fromisoformat(held), group): amount_of(amount)
            for name, held, group, amount in data["by_period"]
        }
        for name, registry, id, group, amount in data["by_record"]:
            used[name, (registry, id), group] = amount_of(amount)
        for name, activity, group, amount in data["by_activity"]:
            used[name, activity, group] = amount_of(amount)
        rolling: dict[Key, deque[tuple[date, Amount]]] = {
            (name, ROLLING, group): deque((date.fromisoformat(day), amount_of(amount)) for day, amount in amounts)
            for name, group, amounts in data["rolling"]
        }
        return Tallies(used, rolling, {unit: amount_of(amount) for unit, amount in data["balance"].items()})


def _is_over(key: Key, spans: Mapping[str, Period], since: date, groups: Collection[Group]) -> bool:
    """Tell whether no later record can ask for an amount."""
    name, held, _group = key
    if isinstance(held, date):
        return period_after(spans.get(name.partition(" ")[0], Period.RUNNING_TOTAL), held) <= since
    return isinstance(held, tuple) and held not in groups


def spans_of(policy: Policy) -> dict[str, Period]:
    """Return the calendar periods over which statements add up, by clause; without one it is all time."""
    steps = (*policy.hours, *policy.earning)
    found = ((step.clause.id, getattr(step, "per", getattr(step, "each", None))) for step in steps)
    return {id: per for id, per in found if isinstance(per, Period)}


def span_text(per: Period | Window) -> str:
    """Return what an amount runs over as text: `day`, `rolling 12 months`."""
    if not isinstance(per, Window):
        return per.value
    return f"{ROLLING} {per.months} months" if per.months else f"{ROLLING} {per.days} days"


def _key(name: str, per: Period | Window, part: Part, within_same: str) -> Key:
    group = "" if not within_same else str(part.facts.get(within_same, ""))
    return name, ROLLING if isinstance(per, Window) else _period_key(per, part), group


def _period_key(period: Period, part: Part) -> str | date | Group:
    match period:
        case Period.RECORD:
            return part.group
        case Period.ACTIVITY:
            # A record without an activity is an activity of its own; the two kinds of key are of two types.
            activity = part.facts.get("activity")
            return part.group if activity is None else str(activity)
        case _:
            return period_start(period, part.day)
