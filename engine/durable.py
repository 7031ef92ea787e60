"""The durable matcher: rules on durable-rules 2.0.28, and the only module that touches it.

Used is only its C module, and of that only what was found reliable: one flat, typed fact against a fixed ruleset,
asserted, asked, retracted. No `Host` (it starts threads that never stop), no `durable.lang`, no state between two
facts. Its surprises, and what stands against each here:

* A rule on a missing field can loop for ever: every rule begins with a guard field that every message carries, and
  no test meets a missing value (`engine.conjunctions` lays facts out so).
* More than 64 alternatives true at once are error 303, more than 255 equal rules a crash, more than 511 tests side by
  side a hang: rulesets are shards of at most 40 alternatives whose tests are counted. Each pending node of its search
  leads to an alternative of its own, so that a shard of 40 cannot fill the stack of 64.
* `delete_state` crashes where no action ever ran, and a dropped ruleset is never freed: a sentinel rule that always
  holds ends every ruleset and is run once when it is made; `close` deletes both, a finalizer is the net below it.
* The sentinel also proves every answer: an evaluation in which it did not fire is an error, never "nothing holds".
* An evaluation that breaks off (Ctrl-C) leaves an action half dispatched, and the ruleset would answer nothing for a
  minute: the ruleset is thrown away and made again.
* Numbers in rules are parsed as C `long`: where that is not 64 bits wide, the module counts as not available.
* Numbers are parsed in place, in the very buffer of the text that Python holds: messages are made afresh each time.
* The same ruleset from two threads mixes their facts: a lock per matcher.
* Exceptions may carry the whole fact: only their number is kept.
* Text in rules and facts is compared as it is written in JSON: both are written by the same serializer.
"""

from __future__ import annotations

import re
import struct
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Self

import orjson

from lianxing.engine.conjunctions import Column, Conjunction, Relation, Test, conjunctions
from lianxing.engine.matching import (
    Asked,
    EvaluationCount,
    MatchingError,
    Rule,
    asked_of,
    refuse_unmatchable,
    values_of,
)
from lianxing.rules.facts import FactType, FactValue

ALTERNATIVES_PER_SHARD = 40
FIELDS_PER_SHARD = 240  # a message holds 254 properties, among them its two ids and the guard
WIDTH_PER_SHARD = 400  # tests side by side; 511 fill the hash set of a node, and then it searches for ever

_GUARD = "_"
_SENTINEL = f"{ALTERNATIVES_PER_SHARD:02}"
_ID = {"id": "1"}
_RETRACTED = orjson.dumps(_ID).decode()
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def available() -> bool:
    """Tell whether the C module can be imported and trusted here (it builds on Python 3.13 but does not import)."""
    try:
        _c_module()
    except ImportError:
        return False
    return struct.calcsize("l") == 8


def _c_module() -> ModuleType:
    import durable_rules_engine  # type: ignore[import-not-found,import-untyped,unused-ignore]

    return durable_rules_engine  # type: ignore[no-any-return,unused-ignore]


@dataclass(slots=True)
class _Shard:
    """Alternatives that fit into one ruleset, each with the name of its rule."""

    rules: list[str] = field(default_factory=list)
    alternatives: list[Conjunction] = field(default_factory=list)
    columns: dict[tuple[str, Column], str] = field(default_factory=dict)  # to the name of the field
    width: int = 0

    def takes(self, alternative: Conjunction) -> bool:
        """Tell whether the alternative still fits; the first one always does."""
        if not self.alternatives:
            return True
        columns = self.columns.keys() | {(test.fact, test.column) for test in alternative}
        return (
            len(self.alternatives) < ALTERNATIVES_PER_SHARD
            and len(columns) <= FIELDS_PER_SHARD
            and self.width + _width(alternative) <= WIDTH_PER_SHARD
        )

    def add(self, rule: str, alternative: Conjunction) -> None:
        self.rules.append(rule)
        self.alternatives.append(alternative)
        self.width += _width(alternative)
        for test in alternative:
            self.columns.setdefault((test.fact, test.column), field_name(len(self.columns)))

    def definition(self) -> str:
        """Return the ruleset as JSON; an alternative is named by its place, so that any rule name works."""
        rules = {f"{place:02}": self._rule(tests) for place, tests in enumerate(self.alternatives)}
        rules[_SENTINEL] = self._rule(())
        return orjson.dumps(rules).decode()

    def _rule(self, tests: Conjunction) -> dict[str, object]:
        # Equal beginnings share their nodes: equalities first, since they cut off most.
        ordered = sorted(tests, key=lambda test: (test.relation is not Relation.EQUALS, self._field(test)))
        return {"all": [{"m": {"$and": [{_GUARD: 1}, *map(self._test, ordered)]}}]}

    def _test(self, test: Test) -> dict[str, object]:
        name = self._field(test)
        match test.relation:
            case Relation.IN:
                return {"$or": [{name: operand} for operand in test.operands]}
            case Relation.EQUALS:
                return {name: test.operands[0]}
            case _:
                return {test.relation.value: {name: test.operands[0]}}

    def _field(self, test: Test) -> str:
        return self.columns[test.fact, test.column]


def field_name(number: int) -> str:
    """Return the name of a field, A to Z, then AA and so on: short, and no two share the 32-bit hash that is compared.

    >>> field_name(0), field_name(27)
    ('A', 'AB')
    """
    high, low = divmod(number, len(_LETTERS))
    return (field_name(high - 1) if high else "") + _LETTERS[low]


def _width(alternative: Conjunction) -> int:
    return max((len(test.operands) for test in alternative), default=1)


def _shards(rules: Sequence[Rule]) -> Iterator[_Shard]:
    shard = _Shard()
    for rule in rules:
        for alternative in conjunctions(rule.condition):
            if not shard.takes(alternative):
                yield shard
                shard = _Shard()
            shard.add(rule.name, alternative)
    if shard.alternatives:
        yield shard


class _Ruleset:
    """One ruleset in the C module, with what it takes to fill a message for it."""

    def __init__(self, shard: _Shard, asked: Sequence[Asked]) -> None:
        places = {question.fact: place for place, question in enumerate(asked)}
        self.definition = shard.definition()
        self.rules = {f"{place:02}": rule for place, rule in enumerate(shard.rules)}
        self.rules[_SENTINEL] = ""
        self.values: list[tuple[str, int, FactValue | None]] = []
        self.presences: list[tuple[str, int]] = []
        for (fact, column), name in shard.columns.items():
            if column is Column.PRESENCE:
                self.presences.append((name, places[fact]))
            else:
                self.values.append((name, places[fact], column.value))
        self.handle = 0
        self.has_run = False

    def message(self, values: Sequence[FactValue | None]) -> str:
        """Return the JSON of the fields that this ruleset asks."""
        message: dict[str, FactValue] = {"id": "1", _GUARD: 1}
        for name, place, stand_in in self.values:
            value = values[place]
            if value is None:
                value = stand_in
                if value is None:
                    continue
            message[name] = value
        for name, place in self.presences:
            message[name] = 0 if values[place] is None else 1
        return orjson.dumps(message).decode()


class DurableMatcher:
    """Rules on durable-rules. To be closed, or used with `with`; threads may share it and take turns."""

    name = "durable-rules"

    def __init__(self, rules: Sequence[Rule], types: Mapping[str, FactType]) -> None:
        refuse_unmatchable(rules, types)
        self._engine = _c_module()
        self._asked = asked_of(rules, types)
        self._rulesets = [_Ruleset(shard, self._asked) for shard in _shards(rules)]
        self.counted = EvaluationCount()
        self._lock = threading.Lock()
        self._closed = False
        self._close = weakref.finalize(self, _delete_all, self._engine, self._rulesets)
        try:
            for ruleset in self._rulesets:
                self._create(ruleset)
        except Exception as error:
            failure = _failure("could not be built", error)
        else:
            return
        self._close()
        raise failure

    @property
    def evaluations(self) -> int:
        return self.counted.evaluations

    def match(self, fact: Mapping[str, FactValue]) -> frozenset[str]:
        """Return the names of the rules that hold for the fact."""
        with self._lock:
            if self._closed:
                raise MatchingError("the durable-rules matcher is closed")
            self.counted.evaluations += 1
            values = values_of(fact, self._asked)
            held: list[str] = []
            failure: MatchingError | None = None
            for ruleset in self._rulesets:
                try:
                    if not ruleset.handle:
                        self._create(ruleset)
                    _ask(self._engine, ruleset, ruleset.message(values), held)
                except Exception as error:
                    failure = _failure("did not answer", error)
                except BaseException:
                    _delete(self._engine, ruleset)
                    raise
                if failure is not None:
                    # Raised outside of the handler, so that the C module's error does not hang on to ours.
                    _delete(self._engine, ruleset)
                    raise failure
            return frozenset(held)

    def close(self) -> None:
        """Free the rulesets."""
        with self._lock:
            self._closed = True
            self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _create(self, ruleset: _Ruleset) -> None:
        """Make the ruleset and run its sentinel, without which it could never be deleted."""
        ruleset.handle = self._engine.create_ruleset("rules", ruleset.definition)
        _ask(self._engine, ruleset, ruleset.message([None] * len(self._asked)), [])
        ruleset.has_run = True


class _SentinelSilentError(Exception):
    """The rule that always holds did not fire."""


def _ask(engine: ModuleType, ruleset: _Ruleset, message: str, held: list[str]) -> None:
    """Append the names of the rules that hold for the message, one for each alternative."""
    handle, rules = ruleset.handle, ruleset.rules
    _, state = engine.assert_fact(handle, message)
    try:
        answer: str | None = engine.start_action_for_state(handle, state)[1]  # never None: the sentinel holds
        complete_and_start_action = engine.complete_and_start_action
        while answer is not None:
            place = answer[2:4]  # {"07":{"m":...
            held.append(rules[place])
            answer = complete_and_start_action(handle, state)
    finally:
        engine.retract_fact(handle, _RETRACTED)
    # Actions start in the order of the rules, and the sentinel is the last.
    if place != _SENTINEL:
        raise _SentinelSilentError
    held.pop()


def _delete(engine: ModuleType, ruleset: _Ruleset) -> None:
    """Free a ruleset. One whose sentinel never ran is left in memory: to delete its state would crash."""
    handle, ruleset.handle = ruleset.handle, 0
    if handle and ruleset.has_run:
        engine.delete_state(handle, None)
        engine.delete_ruleset(handle)
    ruleset.has_run = False


def _delete_all(engine: ModuleType, rulesets: Sequence[_Ruleset]) -> None:
    for ruleset in rulesets:
        _delete(engine, ruleset)


def _failure(what: str, error: Exception) -> MatchingError:
    """Return our error for one of the C module: its kind and number, never its text, which may hold the fact."""
    number = re.search(r"error code: (\d+)$", str(error))
    detail = f"error {number[1]}" if number else type(error).__name__
    return MatchingError(f"durable-rules {what} ({detail})")
