"""How fast the matchers are, against bare calls of the C module and against the documented API of durable-rules.

    python benchmarks/matching.py            everything
    python benchmarks/matching.py --quick    fewer repetitions, no memory run

All ways are timed in turns within one process and the medians compared, so that a busy machine slows all of them.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import durable_rules_engine
import orjson
from durable import engine as host_api
from durable import lang

from lianxing.engine.durable import DurableMatcher
from lianxing.engine.matching import Rule
from lianxing.engine.plain import PlainMatcher
from lianxing.rules.conditions import AllOf, Compare, Condition, OneOf, Operator
from lianxing.rules.facts import FactType, FactValue
from lianxing.rules.places import Location

Facts = list[dict[str, FactValue]]
Match = Callable[[Mapping[str, FactValue]], object]

PLACE = Location("benchmark", 1, 1)
CATEGORIES = (
    "助老",
    "助残",
    "应急救援",
    "环境保护",
    "文化服务",
    "法律援助",
    "医疗卫生",
    "关爱儿童",
    "社区治理",
    "赛会服务",
)
GRADES = ("优", "良", "中", "差")
TYPES = {
    "category": FactType.TEXT,
    "evaluation": FactType.TEXT,
    "state": FactType.TEXT,
    "duration": FactType.DURATION,
    "day": FactType.DATE,
    "points_earned": FactType.POINTS,
    "age": FactType.WHOLE,
    "on_duty": FactType.YES_NO,
}
OPERATORS = {Operator.AT_LEAST: "$gte", Operator.LESS_THAN: "$lt", Operator.EQUALS: "$eq"}


def policy(count: int, random: Random) -> list[Rule]:
    """Return rules as counties write them: a category or a list of them, a state, a threshold or two."""

    def text(fact: str, value: str) -> Compare:
        return Compare(fact, Operator.EQUALS, value, PLACE)

    def number(fact: str, low: int, high: int) -> Compare:
        operator = random.choice((Operator.AT_LEAST, Operator.LESS_THAN))
        return Compare(fact, operator, random.randrange(low, high), PLACE)

    rules = []
    for index in range(count):
        parts: list[Condition] = []
        asks = random.random()
        if asks < 0.5:
            parts.append(text("category", random.choice(CATEGORIES)))
        elif asks < 0.7:
            parts.append(OneOf("category", tuple(random.sample(CATEGORIES, 3)), PLACE))
        if random.random() < 0.3:
            parts.append(text("evaluation", random.choice(GRADES)))
        if random.random() < 0.3:
            parts.append(text("state", "filed"))
        if not parts or random.random() < 0.5:
            parts.append(number("duration", 0, 8 * 3600))
        if random.random() < 0.3:
            parts.append(number("points_earned", 0, 150_000))
        if random.random() < 0.2:
            parts.append(number("age", 14, 80))
        if random.random() < 0.2:
            parts.append(Compare("on_duty", Operator.EQUALS, 0, PLACE))
        if random.random() < 0.2:
            parts.append(number("day", 738_000, 740_000))
        rules.append(Rule(f"rule_{index}", AllOf(tuple(parts), PLACE)))
    return rules


def records(count: int, random: Random) -> Facts:
    """Return what is known of a record when it is matched, most of it asked by no rule; a tenth is not evaluated."""
    facts: Facts = []
    for number in range(count):
        fact: dict[str, FactValue] = {
            "category": random.choice(CATEGORIES),
            "activity": f"A{number:08}",
            "organisation": f"430223{random.randrange(10_000):04}",
            "registry": "county_platform",
            "state": random.choice(("filed", "reviewed")),
            "hour_class": "credit",
            "entry_mode": "face_recognition",
            "on_duty": random.randrange(2),
            "duration": random.randrange(0, 8 * 3600),
            "start_time": random.randrange(0, 86_400),
            "area": "430223001",
            "day": random.randrange(738_000, 740_000),
            "weekday": random.randrange(1, 8),
            "month": random.randrange(1, 13),
            "day_of_month": random.randrange(1, 32),
            "registered_on": random.randrange(736_000, 738_000),
            "tenure": random.randrange(0, 120),
            "age": random.randrange(14, 80),
            "political_status": "01",
            "points_earned": random.randrange(0, 150_000),
        }
        if random.random() < 0.9:
            fact["evaluation"] = random.choice(GRADES)
        facts.append(fact)
    return facts


class BareCalls:
    """The calls of our matcher and nothing else: no check, no lock, no name, no care for missing facts."""

    def __init__(self, matcher: DurableMatcher) -> None:
        self.rulesets = matcher._rulesets
        self.fields = [[(matcher._asked[place].fact, name) for name, place, _ in r.values] for r in self.rulesets]

    def match(self, fact: Mapping[str, FactValue]) -> object:
        engine = durable_rules_engine
        fired = []
        for ruleset, fields in zip(self.rulesets, self.fields, strict=True):
            handle = ruleset.handle
            message: dict[str, FactValue] = {"id": "1", "_": 1}
            for name, field in fields:
                if name in fact:
                    message[field] = fact[name]
            _, state = engine.assert_fact(handle, orjson.dumps(message).decode())
            answer = engine.start_action_for_state(handle, state)[1]
            while answer is not None:
                fired.append(answer[2:4])
                answer = engine.complete_and_start_action(handle, state)
            engine.retract_fact(handle, '{"id":"1"}')
        return fired


class DocumentedHost:
    """The same rules through `durable.lang` and `Host`, as the manual of durable-rules shows it."""

    def __init__(self, rules: list[Rule]) -> None:
        self.fired: list[str] = []
        name = f"benchmark{len(rules)}"
        ruleset = lang.ruleset(name)
        with ruleset:
            for rule in rules:
                lang.when_all(self._value(rule.condition))(self._action(rule.name))
        ruleset_name, definition = ruleset.define()
        self.name = ruleset_name
        self.host = host_api.Host({ruleset_name: definition})

    def match(self, fact: Mapping[str, FactValue]) -> object:
        self.fired.clear()
        message = dict(fact)
        try:
            self.host.assert_fact(self.name, message)
            self.host.retract_fact(self.name, message)
        except host_api.MessageNotHandledException:
            pass
        return frozenset(self.fired)

    def _action(self, name: str) -> Callable[[Any], None]:
        def fire(c: Any) -> None:
            self.fired.append(name)

        return fire

    def _value(self, condition: Condition) -> Any:
        match condition:
            case AllOf():
                value = self._value(condition.parts[0])
                for part in condition.parts[1:]:
                    value = value & self._value(part)
                return value
            case OneOf():
                value = getattr(lang.m, condition.fact) == condition.operands[0]
                for operand in condition.operands[1:]:
                    value = value | (getattr(lang.m, condition.fact) == operand)
                return value
            case Compare():
                left = getattr(lang.m, condition.fact)
                match condition.operator:
                    case Operator.AT_LEAST:
                        return left >= condition.operand
                    case Operator.LESS_THAN:
                        return left < condition.operand
                    case _:
                        return left == condition.operand
        raise AssertionError(condition)


def seconds_per_call(match: Match, facts: Facts) -> float:
    start = time.perf_counter()
    for fact in facts:
        match(fact)
    return (time.perf_counter() - start) / len(facts)


def compare(count: int, repetitions: int, calls: int) -> bool:
    """Print the figures for a policy of `count` rules; tell whether the targets hold."""
    random = Random(20_171_009 + count)
    rules, facts = policy(count, random), records(calls, random)
    ours, plain = DurableMatcher(rules, TYPES), PlainMatcher(rules, TYPES)
    host = DocumentedHost(rules)
    ways: dict[str, Match] = {
        "DurableMatcher": ours.match,
        "bare C calls": BareCalls(ours).match,
        "Host API": host.match,
        "PlainMatcher": plain.match,
    }
    held = [ours.match(fact) for fact in facts]
    assert held == [plain.match(fact) for fact in facts], "the matchers disagree"
    agreed = sum(names == host.match(fact) for names, fact in zip(held, facts, strict=True))

    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repetitions):
        for name, match in ways.items():
            times[name].append(seconds_per_call(match, facts if name != "Host API" else facts[: calls // 4]))
    ours.close()

    medians = {name: statistics.median(values) for name, values in times.items()}
    mean = statistics.fmean(map(len, held))
    shards = len(BareCalls(ours).rulesets)
    print(
        f"\n{count} rules in {shards} ruleset(s), {mean:.1f} true per record; Host agrees on {agreed} of {len(facts)}"
    )
    for name, seconds in medians.items():
        print(
            f"  {name:15} {seconds * 1e6:8.2f} us {1 / seconds:12,.0f} evaluations/s"
            f" {seconds / medians['DurableMatcher']:8.2f} x DurableMatcher"
        )
    per_second = 1 / medians["DurableMatcher"]
    overhead = medians["DurableMatcher"] / medians["bare C calls"]
    faster = medians["Host API"] / medians["DurableMatcher"]
    if count == 30:
        targets = {
            f"{per_second:,.0f} evaluations/s, at least 60,000": per_second >= 60_000,
            f"{overhead:.2f} times the bare calls, at most 1.4": overhead <= 1.4,
            f"{faster:.1f} times faster than the Host API, at least 4": faster >= 4,
        }
    else:
        targets = {f"{per_second:,.0f} evaluations/s, at least 9,000": per_second >= 9_000}
    for target, reached in targets.items():
        print(f"  {'reached' if reached else 'MISSED '}  {target}")
    return all(targets.values())


def memory(reloads: int, evaluations: int) -> bool:
    """Print how much the process grew over reloads and evaluations; tell whether it stayed flat."""
    random = Random(7)
    rules, facts = policy(30, random), records(1_000, random)

    def reload(times: int) -> None:
        for _ in range(times):
            with DurableMatcher(rules, TYPES) as matcher:
                matcher.match(facts[0])

    def evaluate(times: int) -> None:
        with DurableMatcher(rules, TYPES) as matcher:
            for index in range(times):
                matcher.match(facts[index % len(facts)])

    reload(50)
    evaluate(5_000)
    before = resident_bytes()
    reload(reloads)
    middle = resident_bytes()
    evaluate(evaluations)
    after = resident_bytes()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    flat = after - before < 4 * 2**20
    print(
        f"\nmemory: {(middle - before) / 2**20:+.1f} MB over {reloads:,} reloads, "
        f"{(after - middle) / 2**20:+.1f} MB over {evaluations:,} evaluations; peak {peak:.0f} MB"
        f"\n  {'reached' if flat else 'MISSED '}  less than 4 MB of growth"
    )
    return flat


def resident_bytes() -> int:
    """Return what the process holds in memory now (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, no memory run")
    quick = parser.parse_args().quick
    # Memory first: the threads that `Host` starts never stop.
    reached = [quick or memory(reloads=1_500, evaluations=300_000)]
    reached.append(compare(30, repetitions=5 if quick else 25, calls=2_000))
    reached.append(compare(300, repetitions=3 if quick else 15, calls=400))
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main())
