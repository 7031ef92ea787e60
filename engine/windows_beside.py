"""How a window that looks back lies beside what it was: on which days it holds other amounts, until they leave it.

Only of what adds up amounts that are never below nothing: these are held together day by day, whatever they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from lianxing.engine.freezing import amount_data, day_of, whole_of
from lianxing.engine.quotients import Quotient
from lianxing.engine.rulebook import MeasureValue
from lianxing.rules.measures import Measure, Total

Body = Mapping[str, Any]

# By day: how much more is held, and of how many more records.
Days = Mapping[str, tuple[int, int]]

_HELD, _SUM, _COUNT = "held", "sum", "count"


def held_by_day(data: Body) -> dict[str, tuple[int, int]] | None:
    """Return what a window holds of each day; None where that is more than amounts."""
    if not data.get(_HELD):
        return {}
    days, amounts, keys, counts = data[_HELD]
    found = {day: (whole_of(amount), count) for day, amount, count in zip(days, amounts, counts, strict=True)}
    return found if not keys and len(found) == len(days) else None


def window_shift(measure: Measure, was: Body, now: Body) -> Days | None:
    """Return on which days a window holds more or less than another one; None where it is not as simple as that."""
    before, after = held_by_day(was), held_by_day(now)
    if before is None or after is None or not before.keys() <= after.keys():
        return None
    if measure.window.calendar is not None and before.keys() != after.keys():
        return None  # what comes later of the period is held with the first day of it
    there = {day: before.get(day, (0, 0)) for day in after}
    return {
        day: (amount - there[day][0], count - there[day][1])
        for day, (amount, count) in after.items()
        if (amount, count) != before.get(day)
    }


def window_shifted(measure: Measure, data: Body, shift: Days, on: date) -> Body:
    """Return the state of a window beside this one, which has been looked at on a day."""
    held = held_by_day(data)
    assert held is not None
    there = {day: by for day, by in shift.items() if day in held or _stays(measure, day, on)}
    for day, (more, others) in there.items():
        amount, count = held.get(day, (0, 0))
        held[day] = (amount + more, count + others)
    numbers = {
        _SUM: whole_of(data.get(_SUM, 0)) + sum(more for more, _others in there.values()),
        _COUNT: whole_of(data.get(_COUNT, 0)) + sum(others for _more, others in there.values()),
    }
    rest = {name: of for name, of in data.items() if name not in (_HELD, *numbers)}
    if held:
        days = sorted(held)
        rest[_HELD] = [days, [amount_data(held[day][0]) for day in days], [], [held[day][1] for day in days]]
    return rest | numbers if any(numbers.values()) else rest


def _stays(measure: Measure, day: str, on: date) -> bool:
    """Tell whether what came on a day is still in the window on another one."""
    return measure.window.leaves(date.fromisoformat(day)) > on


# --- what it may come to on the way ----------------------------------------------------------------------------------


def is_beside(measure: Measure, shift: Days, state: Body) -> bool:
    """Tell whether anything of a shift is still in the window in a state of a life."""
    on = day_of(state["totals"]["day"])
    return on is None or any(_stays(measure, day, on) for day in shift)


def extremes(measure: Measure, shift: Days, was: Body, becomes: Body) -> tuple[MeasureValue, MeasureValue] | None:
    """Return the least and the most that a window comes to between two states of a life, with its shift or without.

    Between the two, what leaves may have left or not, and what comes may have come or not. None where nobody can tell.
    """
    began, ended = (day_of(one["totals"]["day"]) for one in (was, becomes))
    if began is None or ended is None or measure.window.leaves(began) <= ended:  # what comes may be gone again
        return None
    before, after = (held_by_day(one["totals"]["running"][measure.clause.id]) for one in (was, becomes))
    if before is None or after is None:
        return None
    leaving = [of for day, of in before.items() if not _stays(measure, day, ended)]
    some = (before.values(), after.values(), leaving, shift.values())
    amounts, counts, others = (_bounds(*([part(one) for one in held] for held in some)) for part in _PARTS)
    match measure.total:
        case Total.SUM:
            return amounts
        case Total.COUNT:
            return counts
        case Total.SHARE if amounts[0] + others[0] > 0:
            return Quotient(amounts[0], amounts[0] + others[1]), Quotient(amounts[1], amounts[1] + others[0])
        case _:
            return None


# The amount, of how many records, and of a share: how many records it is not.
_PARTS: tuple[Callable[[tuple[int, int]], int], ...] = (
    lambda held: held[0],
    lambda held: held[1],
    lambda held: held[1] - held[0],
)


def _bounds(before: list[int], after: list[int], leaving: list[int], more: list[int]) -> tuple[int, int]:
    stays = sum(before) - sum(leaving)
    comes = sum(after) - stays
    return stays + sum(min(one, 0) for one in more), sum(before) + comes + sum(max(one, 0) for one in more)
