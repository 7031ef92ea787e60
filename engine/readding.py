"""The arithmetic of an explanation, done again from its body alone: without the policy, and without `engine.counting`.

The formulas are those of docs/how-points-are-counted.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from lianxing.rules.assessments import NO_RATE
from lianxing.rules.hours import Direction


class ReaddingError(Exception):
    """The arithmetic of an explanation does not lead from one step to the next, or not to the amounts it states."""


def readd(body: Mapping[str, Any]) -> tuple[int, int]:
    """Return the seconds and hundredths of a point that the steps of a body add up to.

    Raises ReaddingError when a step does not start where the one before ended, or does not come out as it says.
    """
    amounts: dict[tuple[int, str], Fraction] = {(0, "seconds"): Fraction(body["reported"])}
    for step in body["workings"]:
        part, unit = step["part"], step["unit"]
        if step["operation"] == "split":
            amounts[part, unit] = Fraction(step["after"])
            continue
        before = amounts.get((part, unit), Fraction(0))
        if before != Fraction(step["before"]):
            raise ReaddingError(f"{step['clause']}: starts at {step['before']}, the steps before led to {before}")
        after = _again(step, before)
        if after != Fraction(step["after"]):
            raise ReaddingError(f"{step['clause']}: says {step['after']}, comes to {after}")
        amounts[part, unit] = after
    refused = {refusal["part"] for refusal in body["refusals"] if refusal["reason"] != NO_RATE}
    unpriced = {refusal["part"] for refusal in body["refusals"]}
    seconds, points = (
        sum((amount for (part, of), amount in amounts.items() if of == unit and part not in out), Fraction(0))
        for unit, out in (("seconds", refused), ("points", unpriced))
    )
    if seconds.denominator != 1 or points.denominator != 1:
        raise ReaddingError(f"not whole: {seconds} seconds, {points} hundredths of a point")
    return int(seconds), int(points)


def _again(step: Mapping[str, Any], before: Fraction) -> Fraction:
    """Return what a step makes of an amount, from its operands alone."""
    match step["operation"]:
        case "overlap":
            return min(before, Fraction(step["free"]))
        case "round":
            so_far, to = Fraction(step["so_far"]), step["to"]
            direction = Direction(step["direction"])
            return _nearest(so_far + before, to, direction) - _nearest(so_far, to, direction)
        case "limit":
            return min(before, max(Fraction(0), Fraction(step["at_most"]) - Fraction(step["used"])))
        case "per_hour":
            hundredths_an_hour = Fraction(step["value"]) * 100
            return before + hundredths_an_hour * Fraction(step["seconds"], 3600)
        case "add":
            return before + Fraction(step["value"]) * 100
        case "multiply":
            return before * Fraction(step["value"])
        case "zero":
            return Fraction(0)
        case other:
            raise ReaddingError(f"unknown operation {other}")


def _nearest(amount: Fraction, to: int, direction: Direction) -> Fraction:
    steps = abs(amount) / to
    whole = steps.numerator // steps.denominator
    rest = steps - whole
    half = Fraction(1, 2)
    up = {
        Direction.DOWN: False,
        Direction.UP: rest > 0,
        Direction.HALF_UP: rest >= half,
        Direction.HALF_EVEN: rest > half or (rest == half and whole % 2 == 1),
    }[direction]
    return Fraction((whole + up) * to * (-1 if amount < 0 else 1))
