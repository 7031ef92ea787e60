"""The plain matcher: one generated Python function for all rules.

It is the other opinion to `engine.durable`, answers where durable-rules cannot be installed, and does the bulk work.
The generated source holds only names and numbers made here; rule names, fact names and operands reach it as constants
of its namespace, so that no text of a policy is ever read as code.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Self, cast

from lianxing.engine.matching import (
    Asked,
    EvaluationCount,
    MatchingError,
    Rule,
    asked_of,
    refuse_unmatchable,
    values_of,
)
from lianxing.rules.conditions import (
    AllOf,
    AnyOf,
    Compare,
    CompareFacts,
    Condition,
    DatedCompare,
    Missing,
    Not,
    OneOf,
    Operator,
)
from lianxing.rules.facts import FactType, FactValue

Evaluate = Callable[[Sequence[FactValue | None]], frozenset[str]]

_SYMBOLS = {
    Operator.AT_LEAST: ">=",
    Operator.AT_MOST: "<=",
    Operator.MORE_THAN: ">",
    Operator.LESS_THAN: "<",
}


class PlainMatcher:
    """Rules as one Python function over the values of the facts that they ask."""

    name = "plain"

    def __init__(self, rules: Sequence[Rule], types: Mapping[str, FactType]) -> None:
        refuse_unmatchable(rules, types)
        self._asked = asked_of(rules, types)
        self._evaluate: Evaluate | None = compile_rules(rules, self._asked)
        self.counted = EvaluationCount()
        self._lock = threading.Lock()  # `+= 1` alone loses counts between threads

    @property
    def evaluations(self) -> int:
        return self.counted.evaluations

    def match(self, fact: Mapping[str, FactValue]) -> frozenset[str]:
        """Return the names of the rules that hold for the fact."""
        evaluate = self._evaluate
        if evaluate is None:
            raise MatchingError("the plain matcher is closed")
        with self._lock:
            self.counted.evaluations += 1
        return evaluate(values_of(fact, self._asked))

    def close(self) -> None:
        """Forget the rules."""
        self._evaluate = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def compile_rules(rules: Sequence[Rule], asked: Sequence[Asked]) -> Evaluate:
    """Return the function from the values of the asked facts to the names of the rules that hold."""
    source = _Source({question.fact: f"fact_{index}" for index, question in enumerate(asked)})
    lines = ["def evaluate(values):"]
    if asked:
        lines.append(f"    {', '.join(source.variables.values())}, = values")
    lines.append("    held = []")
    for rule in rules:
        lines.append(f"    if {source.expression(rule.condition)}: held.append({source.constant(rule.name)})")
    lines.append("    return frozenset(held)")
    exec(compile("\n".join(lines), "<rules>", "exec"), source.namespace)
    return cast(Evaluate, source.namespace["evaluate"])


class _Source:
    """Turns conditions into expressions over variables, collecting the constants that they refer to."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.variables = variables
        self.namespace: dict[str, object] = {}

    def constant(self, value: object) -> str:
        name = f"constant_{len(self.namespace)}"
        self.namespace[name] = value
        return name

    def expression(self, condition: Condition) -> str:
        """Return an expression that is true exactly when the condition is; None stands for a missing fact."""
        match condition:
            case AllOf():
                return f"({' and '.join(map(self.expression, condition.parts))})"
            case AnyOf():
                return f"({' or '.join(map(self.expression, condition.parts))})"
            case Not():
                return f"(not {self.expression(condition.part)})"
            case Missing():
                return f"({self.variables[condition.fact]} is None)"
            case OneOf():
                # No operand is None, so a missing fact is in no list and equal to nothing.
                return f"({self.variables[condition.fact]} in {self.constant(frozenset(condition.operands))})"
            case Compare(operator=Operator.EQUALS):
                return f"({self.variables[condition.fact]} == {self.constant(condition.operand)})"
            case Compare():
                variable = self.variables[condition.fact]
                symbol = _SYMBOLS[condition.operator]
                return f"({variable} is not None and {variable} {symbol} {self.constant(condition.operand)})"
            case DatedCompare() | CompareFacts():  # refused or worked out before
                raise AssertionError("a dated comparison reached the plain matcher")
