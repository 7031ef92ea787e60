"""The arithmetic of an explanation, done again from its body alone: without the policy, and without `engine.counting`.

The formulas are those of docs/how-points-are-counted.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from lianxing.rules.assessments import HELD, NO_RATE
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
    whole = [refusal for refusal in body["refusals"] if refusal["reason"] != HELD]
    refused = {refusal["part"] for refusal in whole if refusal["reason"] != NO_RATE}
    unpriced = {refusal["part"] for refusal in whole}
    seconds, points = (
        sum((amount for (part, of), amount in amounts.items() if of == unit and part not in out), Fraction(0))
        for unit, out in (("seconds", refused), ("points", unpriced))
    )
    if seconds.denominator != 1 or points.denominator != 1:
        raise ReaddingError(f"not whole: {seconds} seconds, {points} hundredths of a point")
    if "pending" not in body:
        return int(seconds), int(points)
    if body["pending"] != {"seconds": seconds, "points": points}:
        raise ReaddingError(f"says {body['pending']} pending, comes to {seconds} seconds, {points} hundredths")
    return 0, 0


def _again(step: Mapping[str, Any], before: Fraction) -> Fraction:
    """Return what a step makes of an amount, from its operands alone."""
    match step["operation"]:
        case "evaluation":
            return _evaluated(step)
        case "overlap":
            return min(before, Fraction(step["free"]))
        case "round":
            so_far, to = Fraction(step["so_far"]), step["to"]
            direction = Direction(step["direction"])
            return _nearest(so_far + before, to, direction) - _nearest(so_far, to, direction)
        case "limit":
            return min(before, max(Fraction(0), Fraction(step["at_most"]) - Fraction(step["used"])))
        case "share":
            share, others = Fraction(step["share"]), Fraction(step["others"])
            most = _nearest(others * share / (1 - share), 1, Direction.DOWN)
            return min(before, max(Fraction(0), most - Fraction(step["used"])))
        case "add_time":
            return before + Fraction(min(step["reported"], max(0, step["at_most"] - step["used"])))
        case "deduct_time":
            return before - Fraction(step["taken"])
        case "minimum":
            return before if step["of"] >= step["at_least"] else Fraction(0)
        case "counts_as":
            return Fraction((before * Fraction(step["value"])).__floor__())
        case "limit_of":
            allowed = min(Fraction(step["gain"]), max(Fraction(0), Fraction(step["at_most"]) - Fraction(step["used"])))
            return before - (Fraction(step["gain"]) - allowed)
        case "floor":
            return max(before, min(Fraction(0), Fraction(step["at_least"]) - Fraction(step["used"])))
        case "brackets" | "bands":
            total = step["total"]
            return before + _on_scale(step, total + step["added"]) - _on_scale(step, total)
        case "per_hour":
            hundredths_an_hour = Fraction(step["value"]) * 100
            return before + hundredths_an_hour * Fraction(step["seconds"], 3600)
        case "add":
            return before + Fraction(step["value"]) * 100
        case "multiply":
            return before * Fraction(step["value"])
        case "zero" | "no_hours" | "too_many":
            return Fraction(0)
        case other:
            raise ReaddingError(f"unknown operation {other}")


def _on_scale(step: Mapping[str, Any], total: int) -> Fraction:
    """Return the hundredths of a point that a total has on the scale of a step, from its text."""
    steps = [[Fraction(number) if number else None for number in one.split(":")] for one in step["steps"].split("; ")]
    if step["operation"] == "bands":
        reached = [points for at_least, points in steps if at_least is not None and total >= at_least]
        return 100 * (reached[-1] or Fraction(0)) if reached else Fraction(0)
    earned = below = Fraction(0)
    for up_to, every, points in steps:
        assert every is not None
        assert points is not None
        inside = Fraction(total) if up_to is None else min(Fraction(total), up_to)
        blocks = max(Fraction(0), inside - below) / every
        earned += (blocks if step["last_block"] == "counted" else blocks.__floor__()) * points
        below = below if up_to is None else up_to
    return earned * 100


def _evaluated(step: Mapping[str, Any]) -> Fraction:
    """Return the score that the axes of an evaluation come to; 0 where none of them counts."""
    axes = [Fraction(value) for name, value in step.items() if name.startswith("axis ")]
    if not axes:
        return Fraction(0)
    combined = {
        "mean": sum(axes, Fraction(0)) / len(axes),
        "sum": sum(axes, Fraction(0)),
        "lowest": min(axes),
        "highest": max(axes),
    }[step["combine"]]
    return _nearest(combined, step["to"], Direction(step["direction"]))


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
