"""What a matcher is: rules over one flat fact in, the names of those that hold out.

Two matchers exist to be disagreed with: `engine.durable` runs on durable-rules, `engine.plain` on a generated Python
function. Both refuse the same conditions, at compile time, through `refuse_unmatchable`, and the same facts, at match
time, through `values_of`: what one of them cannot do safely, neither does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NamedTuple, Protocol

from lianxing.rules.conditions import (
    AllOf,
    AnyOf,
    Compare,
    CompareFacts,
    Condition,
    DatedCompare,
    Not,
    OneOf,
    Operator,
    facts_of,
)
from lianxing.rules.facts import INTEGER_MAX, TEXT_BYTES_MAX, FactType, FactValue
from lianxing.rules.places import Location
from lianxing.rules.problems import PolicyError, Problem

INTEGER_MIN = -INTEGER_MAX - 1
DEPTH_MAX = 12  # groups in groups; deeper ones are refused or answered wrongly by durable-rules
ALTERNATIVES_MAX = 2_000  # conjunctions of one rule, as `alternatives` counts them
ONE_OF_MAX = 1_000  # values of one list; a longer one is a table
ONE_OF_WIDTH = 100  # values that one alternative takes; a longer list is several alternatives
LISTS_MAX = 12  # lists in one alternative: durable-rules takes fewer than 15 groups in a rule
FACTS_MAX = 60  # facts of one rule: durable-rules takes 254 fields, and a fact may fill four of them

_TEXT_SAFE_CHARACTERS = TEXT_BYTES_MAX // 4  # however they are encoded, so many characters fit


class FactError(ValueError):
    """A fact that no matcher takes. It names the fact and never its value: an error message is no place for that."""

    def __init__(self, fact: str, reason: str) -> None:
        self.fact = fact
        self.reason = reason
        super().__init__(f"fact '{fact}' {reason}")


class MatchingError(RuntimeError):
    """A matcher that could not answer; it carries nothing of the fact that it was asked about."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A named condition with every operand constant (`condition_on` has been applied)."""

    name: str
    condition: Condition


class EvaluationCount:
    """How often a matcher was asked; it outlives the matcher, so that a tally loses nothing."""

    __slots__ = ("evaluations",)

    def __init__(self) -> None:
        self.evaluations = 0


class Matcher(Protocol):
    """Rules over one flat fact. `evaluations` counts calls of `match` since the matcher was made."""

    name: str

    @property
    def evaluations(self) -> int: ...

    def match(self, fact: Mapping[str, FactValue]) -> frozenset[str]:
        """Return the names of the rules that hold for the fact; facts that no rule asks are ignored.

        A fact is missing when its key is; FactError when a value is not what its type says.
        """
        ...

    def close(self) -> None:
        """Give back what the matcher holds; twice is once. Afterwards `match` is a MatchingError."""
        ...


class MatcherFactory(Protocol):
    """Builds a matcher; `types` names the type of every fact that a rule asks."""

    def __call__(self, rules: Sequence[Rule], types: Mapping[str, FactType]) -> Matcher: ...


class Asked(NamedTuple):  # unpacked once per fact and record: nothing is faster
    """A fact that some rule asks, and whether it is text."""

    fact: str
    is_text: bool


def asked_of(rules: Sequence[Rule], types: Mapping[str, FactType]) -> tuple[Asked, ...]:
    """Return the facts that the rules ask, in the order of their names."""
    names = frozenset[str]().union(*(facts_of(rule.condition) for rule in rules))
    return tuple(Asked(name, types[name].is_text) for name in sorted(names))


def values_of(fact: Mapping[str, FactValue], asked: Sequence[Asked]) -> list[FactValue | None]:
    """Return the values of the asked facts in their order, None for a missing one; FactError for a bad one."""
    values: list[FactValue | None] = []
    for name, is_text in asked:
        if name not in fact:
            values.append(None)
            continue
        value = fact[name]
        # `type(...) is`, not isinstance: True is an int to Python and a third kind of value to durable-rules.
        if is_text:
            if type(value) is not str:
                raise FactError(name, f"is {type(value).__name__}, not text")
            if not (value.isascii() and len(value) <= TEXT_BYTES_MAX) and not _fits(value):
                raise FactError(name, f"is over {TEXT_BYTES_MAX} bytes of UTF-8 or not valid Unicode")
        elif type(value) is not int:
            raise FactError(name, f"is {type(value).__name__}, not a whole number")
        elif not INTEGER_MIN <= value <= INTEGER_MAX:
            raise FactError(name, "is beyond 64 bits")
        values.append(value)
    return values


def _fits(text: str) -> bool:
    try:
        return len(text.encode()) <= TEXT_BYTES_MAX
    except UnicodeEncodeError:  # it carries the text: swallowed here, so that no later error is chained to it
        return False


def refuse_unmatchable(rules: Sequence[Rule], types: Mapping[str, FactType]) -> None:
    """Raise PolicyError with every reason why these rules cannot be matched; return if there is none."""
    problems = tuple(refusals(rules, types))
    if problems:
        raise PolicyError(problems)


def refusals(rules: Sequence[Rule], types: Mapping[str, FactType]) -> Iterator[Problem]:
    """Yield what is wrong with the rules, each with its place (codes P401 to P418)."""
    seen: dict[str, Location] = {}
    for rule in rules:
        location = rule.condition.location
        if rule.name in seen:
            yield _problem("P415", location, rule, other=str(seen[rule.name]))
        seen.setdefault(rule.name, location)

        too_deep = _too_deep(rule.condition)
        if too_deep is not None:
            # Nothing else is asked of such a tree: walking it is what could exhaust the stack.
            yield _problem("P411", too_deep, rule, depth_max=str(DEPTH_MAX))
            continue
        yield from _refusals_in(rule, rule.condition, types)
        if alternatives(rule.condition) > ALTERNATIVES_MAX:
            yield _problem("P412", location, rule, alternatives_max=str(ALTERNATIVES_MAX))
        lists = _lists(rule.condition)
        if lists > LISTS_MAX:
            yield _problem("P418", location, rule, lists=str(lists), lists_max=str(LISTS_MAX))
        facts = len(facts_of(rule.condition))
        if facts > FACTS_MAX:
            yield _problem("P417", location, rule, facts=str(facts), facts_max=str(FACTS_MAX))


def alternatives(condition: Condition, negated: bool = False) -> int:
    """Return into how many conjunctions of plain tests a condition falls apart, before equal ones are merged.

    Counting stops above the bound, so that a hostile policy cannot make huge numbers.
    """
    match condition:
        case Not():
            return alternatives(condition.part, not negated)
        case AllOf() | AnyOf():
            multiply = isinstance(condition, AllOf) != negated
            total = 1 if multiply else 0
            for part in condition.parts:
                count = alternatives(part, negated)
                total = min(total * count if multiply else total + count, ALTERNATIVES_MAX + 1)
            return total
        case OneOf() if not negated:
            return -(-len(condition.operands) // ONE_OF_WIDTH)
        case _:
            return 1


def _lists(condition: Condition, negated: bool = False) -> int:
    """Return how many lists of values can meet in one alternative."""
    match condition:
        case Not():
            return _lists(condition.part, not negated)
        case AllOf() | AnyOf():
            counts = [_lists(part, negated) for part in condition.parts]
            return sum(counts) if isinstance(condition, AllOf) != negated else max(counts, default=0)
        case OneOf() if not negated:
            return 1
        case _:
            return 0


def _too_deep(condition: Condition) -> Location | None:
    """Return the place of the first group that lies in more than DEPTH_MAX - 1 others, without recursion."""
    pending: list[tuple[Condition, int]] = [(condition, 0)]
    while pending:
        current, depth = pending.pop()
        match current:
            case AllOf() | AnyOf():
                parts = current.parts
            case Not():
                parts = (current.part,)
            case _:
                continue
        if depth == DEPTH_MAX:
            return current.location
        pending.extend((part, depth + 1) for part in reversed(parts))
    return None


def _refusals_in(rule: Rule, condition: Condition, types: Mapping[str, FactType]) -> Iterator[Problem]:
    match condition:
        case AllOf() | AnyOf():
            if not condition.parts:
                group = "all" if isinstance(condition, AllOf) else "any"
                yield _problem("P401", condition.location, rule, group=group)
            for part in condition.parts:
                yield from _refusals_in(rule, part, types)
            return
        case Not():
            yield from _refusals_in(rule, condition.part, types)
            return

    fact, location = condition.fact, condition.location
    fact_type = types.get(fact)
    if fact_type is None:
        near = get_close_matches(fact, types, n=1)
        yield _problem("P414", location, rule, hint=near[0] if near else "", fact=fact)
        return
    if fact_type is FactType.RATIO:
        yield _problem("P410", location, rule, fact=fact)
        return
    match condition:
        case DatedCompare() | CompareFacts():
            yield _problem("P413", location, rule, fact=fact)
        case Compare():
            if fact_type.is_text and condition.operator is not Operator.EQUALS:
                yield _problem("P403", location, rule, fact=fact, operator=condition.operator.value)
            yield from _refusals_of_operand(rule, condition.operand, fact, fact_type, location)
        case OneOf():
            if not condition.operands:
                yield _problem("P402", location, rule, fact=fact)
            if len(condition.operands) > ONE_OF_MAX:
                count = str(len(condition.operands))
                yield _problem("P416", location, rule, fact=fact, values=count, values_max=str(ONE_OF_MAX))
            refused = (_refusals_of_operand(rule, operand, fact, fact_type, location) for operand in condition.operands)
            # One problem of each kind: a list of a thousand numbers on a text fact is one mistake.
            yield from {problem.code: problem for problems in refused for problem in problems}.values()


def _refusals_of_operand(
    rule: Rule, operand: object, fact: str, fact_type: FactType, location: Location
) -> Iterator[Problem]:
    if type(operand) is str:
        if not fact_type.is_text:
            yield _problem("P404", location, rule, fact=fact, type=fact_type.value)
        elif "\0" in operand or not _encodable(operand):
            yield _problem("P409", location, rule, fact=fact)
        elif len(operand) > _TEXT_SAFE_CHARACTERS and len(operand.encode()) > TEXT_BYTES_MAX:
            size = str(len(operand.encode()))
            yield _problem("P408", location, rule, fact=fact, bytes=size, bytes_max=str(TEXT_BYTES_MAX))
    elif type(operand) is int:
        if fact_type.is_text:
            yield _problem("P405", location, rule, fact=fact)
        elif not INTEGER_MIN <= operand <= INTEGER_MAX:
            # durable-rules would clamp it silently.
            yield _problem("P407", location, rule, fact=fact)
    else:
        yield _problem("P406", location, rule, fact=fact)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _problem(code: str, location: Location, rule: Rule, hint: str = "", **details: str) -> Problem:
    return Problem(code, location, (("rule", rule.name), *details.items()), hint)
