"""Where the record of a service from the menu comes into the review, and whether it can ever count from there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lianxing.rules.conditions import AllOf, AnyOf, Compare, Condition, Missing, Not, OneOf, Operator
from lianxing.rules.hours import Count, Exclude
from lianxing.rules.menu import Request
from lianxing.rules.places import Label
from lianxing.rules.policy import Policy
from lianxing.rules.problems import Problem
from lianxing.rules.review import Notice, Stage

STATE = "state"


def ways(policy: Policy) -> list[Stage | Notice]:
    """Return what takes a record from one state to another."""
    return [said for said in policy.review if isinstance(said, Stage | Notice) and said.from_state]


def beginnings(policy: Policy) -> tuple[str, ...]:
    """Return the states in which the review of records begins: a stage leads from there, and nothing to there.

    Where there is no stage it begins with a notice.
    """
    found = ways(policy)
    reached = {way.to_state for way in found}
    stages = [way for way in found if isinstance(way, Stage)]
    return tuple(dict.fromkeys(way.from_state for way in stages or found if way.from_state not in reached))


def begins_in(policy: Policy, request: Request) -> str:
    """Return the state in which the record of a service begins; empty where no review leads it anywhere."""
    found = beginnings(policy)
    return request.recorded_as or (found[0] if len(found) == 1 else "")


def entrance_problems(policy: Policy) -> Iterator[Problem]:
    """Yield the services whose record would begin nowhere, or where it stays and never counts."""
    found, states = ways(policy), beginnings(policy)
    for request in policy.menu:
        id, place, state = request.clause.id, request.clause.location, begins_in(policy, request)
        if found and not state:
            yield Problem("P653", place, (("id", id), ("known", _called(policy, states))))
        elif not any(way.from_state == state for way in found) and _never_counts(policy, state):
            yield Problem("P654", place, (("id", id), ("state", _called(policy, [state]))))


def _called(policy: Policy, states: Sequence[str]) -> Label:
    """Return states as files of either script write them."""
    spelled = {value.id: value.label.zh for value in policy.facts[STATE].values}
    return Label(", ".join(spelled.get(state, state) for state in states), ", ".join(states))


def _never_counts(policy: Policy, state: str) -> bool:
    """Tell whether a record in a state is left out, whatever else is said of it."""
    for step in policy.hours:
        if not isinstance(step, Count | Exclude) or (step.when is not None and _may_be(step.when, state, False)):
            continue
        if not _may_be(step.condition, state, isinstance(step, Count)):
            return True
    return False


def _may_be(condition: Condition, state: str, wanted: bool) -> bool:
    """Tell whether a condition may come out so for a record in a state (empty: in none), whatever its other facts are.

    >>> from lianxing.rules.places import Location
    >>> filed = OneOf("state", ("filed", "effective"), Location("hours.yaml", 1, 1))
    >>> _may_be(filed, "", True), _may_be(Not(filed, filed.location), "", True), _may_be(filed, "filed", True)
    (False, True, True)
    """
    match condition:
        case AllOf():
            return (all if wanted else any)(_may_be(part, state, wanted) for part in condition.parts)
        case AnyOf():
            return (any if wanted else all)(_may_be(part, state, wanted) for part in condition.parts)
        case Not():
            return _may_be(condition.part, state, not wanted)
        case Missing(fact="state"):
            return (state == "") is wanted
        case OneOf(fact="state"):
            return (state in condition.operands) is wanted
        case Compare(fact="state", operator=Operator.EQUALS):
            return (state != "" and state == condition.operand) is wanted
        case _:
            return True
