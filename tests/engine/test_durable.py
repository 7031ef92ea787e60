"""The durable matcher against every trap of durable-rules; not collected where the library is absent."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from lianxing.engine import durable
from lianxing.engine.durable import ALTERNATIVES_PER_SHARD, FIELDS_PER_SHARD, DurableMatcher, field_name
from lianxing.engine.matching import FACTS_MAX, INTEGER_MIN, FactError, MatchingError, Rule
from lianxing.engine.plain import PlainMatcher
from lianxing.rules.conditions import AllOf, AnyOf, Compare, Condition, Missing, Not, OneOf, Operator
from lianxing.rules.facts import INTEGER_MAX, TEXT_BYTES_MAX, FactType, FactValue
from lianxing.rules.places import Location
from lianxing.rules.problems import PolicyError

if not durable.available():  # conftest.py leaves the file out; this is for who names it
    pytest.skip("durable-rules cannot be imported here", allow_module_level=True)

HERE = Location("youxian/earning.yaml", 5, 3)
TYPES = {"category": FactType.TEXT, "minutes": FactType.WHOLE, "age": FactType.WHOLE}

HARD_TEXTS = (
    "",
    " ",
    "abc",
    "abc d",
    "ABC",
    "助老",
    "助老服务",
    "😀",
    "👩‍👩‍👧",
    '"',
    '\\"',
    "\\",
    "\\\\",
    "'",
    "{}[],:",
    '","_":0,"x":"',
    "\n\r\t\b\f",
    "\x01\x1f\x7f",
    "\\u0041",
    "A",
    "\u2028",
    "null",
    "0",
    "e\u0301",
    "\u00e9",
)


def equals(fact: str, operand: FactValue) -> Compare:
    return Compare(fact, Operator.EQUALS, operand, HERE)


def at_least(fact: str, operand: FactValue) -> Compare:
    return Compare(fact, Operator.AT_LEAST, operand, HERE)


@pytest.fixture
def both() -> Iterator[Any]:
    """Matches with both matchers, asserts that they agree, and closes them."""
    opened: list[DurableMatcher] = []

    def match(rules: list[Rule], *facts: Mapping[str, FactValue], types: Mapping[str, FactType] = TYPES) -> Any:
        matcher, plain = DurableMatcher(rules, types), PlainMatcher(rules, types)
        opened.append(matcher)
        answers = [matcher.match(fact) for fact in facts]
        assert answers == [plain.match(fact) for fact in facts]
        return answers

    yield match
    for matcher in opened:
        matcher.close()


def test_any_text_equals_itself_and_nothing_else(both: Any) -> None:
    rules = [Rule(f"is {text}", equals("category", text)) for text in HARD_TEXTS]
    rules += [Rule(f"is not {text}", Not(equals("category", text), HERE)) for text in HARD_TEXTS]
    for text, held in zip(HARD_TEXTS, both(rules, *({"category": text} for text in HARD_TEXTS)), strict=True):
        assert held == {f"is {text}"} | {f"is not {other}" for other in HARD_TEXTS if other != text}


def test_any_text_names_a_rule(both: Any) -> None:
    rules = [Rule(text, at_least("minutes", 0)) for text in (*HARD_TEXTS, "$and", "sid", "40", "_")]
    (held,) = both(rules, {"minutes": 0})
    assert held == {rule.name for rule in rules}


def test_any_text_names_a_fact(both: Any) -> None:
    names = (*HARD_TEXTS, "id", "sid", "$s", "_", "m", "$and", "$forward")
    rules = [Rule(name, equals(name, "yes")) for name in names]
    types = dict.fromkeys(names, FactType.TEXT)
    answers = both(rules, *({name: "yes", "other": "yes"} for name in names), types=types)
    assert answers == [frozenset((name,)) for name in names]


def test_the_longest_text_is_compared_to_its_last_byte(both: Any) -> None:
    for longest in ("a" * TEXT_BYTES_MAX, "\x01" * TEXT_BYTES_MAX, "😀" * (TEXT_BYTES_MAX // 4)):
        other = longest[:-1] + "b"
        assert both([Rule("rule", equals("category", longest))], {"category": longest}, {"category": longest[:-1]}) == [
            {"rule"},
            frozenset(),
        ]
        if len(other.encode()) <= TEXT_BYTES_MAX:
            assert both([Rule("rule", equals("category", longest))], {"category": other}) == [frozenset()]


def test_numbers_are_right_up_to_the_ends_of_64_bits(both: Any) -> None:
    ends = (INTEGER_MIN, INTEGER_MIN + 1, -(2**53) - 1, -1, 0, 1, 2**31, 2**53 + 1, INTEGER_MAX - 1, INTEGER_MAX)
    rules = []
    for operator in Operator:
        for end in ends:
            compare = Compare("minutes", operator, end, HERE)
            rules += [Rule(f"{operator} {end}", compare), Rule(f"not {operator} {end}", Not(compare, HERE))]
    answers = both(rules, {}, *({"minutes": end} for end in ends))
    assert answers[0] == {rule.name for rule in rules if rule.name.startswith("not")}
    assert all(len(held) == len(rules) // 2 for held in answers)


def test_a_missing_fact_makes_every_test_false_and_every_complement_true(both: Any) -> None:
    tests: list[Condition] = [
        *(Compare("minutes", operator, 0, HERE) for operator in Operator),
        OneOf("minutes", (INTEGER_MIN, INTEGER_MAX), HERE),
        equals("category", ""),
        OneOf("category", ("", "null"), HERE),
    ]
    rules = [Rule(f"rule {number}", Not(test, HERE)) for number, test in enumerate(tests)]
    rules += [Rule(f"plain {number}", test) for number, test in enumerate(tests)]
    (held,) = both(rules, {})
    assert held == {f"rule {number}" for number in range(len(tests))}


def test_rules_on_missing_facts_alone_come_to_an_end(both: Any) -> None:
    rules = [Rule("no minutes", Missing("minutes", HERE)), Rule("minutes", Not(Missing("minutes", HERE), HERE))]
    assert both(rules, {}, {"minutes": 0}) == [{"no minutes"}, {"minutes"}]


def test_a_thousand_rules_and_hundreds_true_at_once(both: Any) -> None:
    rules = [Rule(f"rule {minutes}", at_least("minutes", minutes)) for minutes in range(1_000)]
    answers = both(rules, {"minutes": 499}, {"minutes": 1_000}, {"minutes": -1}, {})
    assert [len(held) for held in answers] == [500, 1_000, 0, 0]


@pytest.mark.parametrize("count", [40, 41, 64, 65, 100, 256])
def test_many_rules_with_the_same_condition_all_hold(both: Any, count: int) -> None:
    rules = [Rule(f"rule {number}", at_least("minutes", 30)) for number in range(count)]
    assert [len(held) for held in both(rules, {"minutes": 30}, {"minutes": 29})] == [count, 0]


def test_a_rule_whose_every_alternative_holds_is_told_once(both: Any) -> None:
    rule = Rule("rule", AnyOf(tuple(at_least("minutes", minutes) for minutes in range(300)), HERE))
    assert both([rule], {"minutes": 500}, {"minutes": 0}, {"minutes": -1}) == [{"rule"}, {"rule"}, frozenset()]


def test_long_lists_are_right_to_the_last_value(both: Any) -> None:
    rules = [
        Rule("number", OneOf("minutes", tuple(range(0, 1_000, 2)), HERE)),
        Rule("not number", Not(OneOf("minutes", tuple(range(1_000)), HERE), HERE)),
        Rule("text", OneOf("category", tuple(f"abc {number}" for number in range(1_000)), HERE)),
    ]
    rules += [Rule(f"shifted {n}", OneOf("age", tuple(range(n, n + 100)), HERE)) for n in range(50)]
    answers = both(rules, {"minutes": 998, "category": "abc 999", "age": 99}, {"minutes": 1_000, "category": "abc"}, {})
    assert answers[0] == {"number", "text", *(f"shifted {n}" for n in range(50))}
    assert answers[1:] == [{"not number"}, {"not number"}]


def test_as_many_facts_as_a_rule_may_ask_fit_into_a_message(both: Any) -> None:
    names = [f"fact {number}" for number in range(FACTS_MAX)]
    parts: list[Condition] = []
    for name in names:
        # Every column of a fact at once: value, presence, low and high.
        low, high = Compare(name, Operator.AT_LEAST, 9, HERE), Compare(name, Operator.AT_MOST, 1, HERE)
        parts += [at_least(name, 5), Not(Missing(name, HERE), HERE), Not(low, HERE), Not(high, HERE)]
    types = dict.fromkeys(names, FactType.WHOLE)
    rules = [Rule("all", AllOf(tuple(parts), HERE)), Rule("other", at_least("fact 0", 7))]
    full = dict.fromkeys(names, 5)
    answers = both(rules, full, {**full, names[-1]: 9}, {**full, names[-1]: 4}, {}, types=types)
    assert answers == [{"all"}, frozenset(), frozenset(), frozenset()]


def test_no_two_names_of_fields_share_the_hash_that_is_compared() -> None:
    def fnv(text: str) -> int:
        number = 0x811C9DC5
        for byte in text.encode():
            number = (number ^ byte) * 16_777_619 % 2**32
        return number

    names = [field_name(number) for number in range(FIELDS_PER_SHARD)]
    reserved = ["_", "id", "sid", "m", "$s", "$and", "$or", "$eq", "$neq", "$lt", "$lte", "$gt", "$gte", "$forward"]
    assert len({fnv(name) for name in names + reserved}) == len(names) + len(reserved)


def test_what_is_refused_by_the_plain_matcher_is_refused_here() -> None:
    with pytest.raises(PolicyError) as caught:
        DurableMatcher([Rule("rule", AllOf((), HERE))], TYPES)
    assert [problem.code for problem in caught.value.problems] == ["P401"]
    with (
        DurableMatcher([Rule("rule", at_least("minutes", 1))], TYPES) as matcher,
        pytest.raises(FactError, match="'minutes'"),
    ):
        matcher.match({"minutes": True})


def test_closing_twice_is_closing_once_and_a_closed_matcher_refuses() -> None:
    with DurableMatcher([Rule("rule", at_least("minutes", 30))], TYPES) as matcher:
        assert matcher.match({"minutes": 30}) == {"rule"}
        matcher.close()
    with pytest.raises(MatchingError, match="closed"):
        matcher.match({"minutes": 30})
    assert matcher.evaluations == 1


def test_a_matcher_that_never_ran_can_be_closed() -> None:
    DurableMatcher([Rule("rule", at_least("minutes", 30))], TYPES).close()
    DurableMatcher([], {}).close()


def test_a_matcher_that_is_dropped_is_freed(monkeypatch: pytest.MonkeyPatch) -> None:
    deleted: list[int] = []
    put_before(monkeypatch, delete_ruleset=deleted.append)
    matcher = DurableMatcher([Rule("rule", at_least("minutes", 30))], TYPES)
    gone = weakref.ref(matcher)
    del matcher
    gc.collect()
    assert gone() is None
    assert len(deleted) == 1


def test_matchers_that_are_open_when_the_program_ends_do_no_harm() -> None:
    program = (
        "from lianxing.engine.durable import DurableMatcher\n"
        "from lianxing.engine.matching import Rule\n"
        "from lianxing.rules.conditions import Missing\n"
        "from lianxing.rules.facts import FactType\n"
        "from lianxing.rules.places import Location\n"
        "rules = [Rule('rule', Missing('age', Location('a', 1, 1)))]\n"
        "opened = [DurableMatcher(rules, {'age': FactType.WHOLE}) for _ in range(50)]\n"
        "print(sum(len(matcher.match({})) for matcher in opened))\n"
    )
    root = Path(__file__).parents[2]
    ended = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", program],
        capture_output=True,
        text=True,
        check=False,
        cwd=root,
        env={"PYTHONPATH": str(root)},
    )
    assert (ended.returncode, ended.stdout.strip(), ended.stderr) == (0, "50", "")


def test_threads_that_share_a_matcher_get_their_own_answers() -> None:
    rules = [Rule(str(minutes), equals("minutes", minutes)) for minutes in range(60)]
    wrong: list[object] = []
    with DurableMatcher(rules, TYPES) as matcher:

        def ask(seed: int) -> None:
            random = Random(seed)
            for _ in range(1_500):
                minutes = random.randrange(60)
                held = matcher.match({"minutes": minutes, "category": "助老"})
                if held != {str(minutes)}:
                    wrong.append((minutes, held))

        before = sys.getswitchinterval()
        sys.setswitchinterval(1e-5)
        try:
            threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            sys.setswitchinterval(before)
        assert wrong == []
        assert matcher.evaluations == 12_000


def put_before(monkeypatch: pytest.MonkeyPatch, **hooks: Callable[..., Any]) -> None:
    """Call a hook before a function of the C module; what the hook returns, unless None, is the answer instead."""
    module = durable._c_module()
    names = (
        "create_ruleset assert_fact retract_fact start_action_for_state complete_and_start_action delete_state "
        "delete_ruleset"
    )
    functions = {name: getattr(module, name) for name in names.split()}
    for name, hook in hooks.items():

        def call(*args: Any, real: Any = functions[name], hook: Any = hook) -> Any:
            answer = hook(*args)
            return real(*args) if answer is None else answer

        functions[name] = call
    monkeypatch.setattr(durable, "_c_module", lambda: SimpleNamespace(**functions))


@pytest.mark.parametrize("broken", ["assert_fact", "start_action_for_state", "complete_and_start_action"])
def test_an_error_of_the_c_module_tells_nothing_of_the_fact_and_the_next_answer_is_right(
    monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    armed: list[bool] = []

    def fail(*args: Any) -> None:
        if armed:
            armed.pop()
            raise RuntimeError(f"Could not assert fact {args} 110101199003077758, error code: 303")

    put_before(monkeypatch, **{broken: fail})
    with DurableMatcher([Rule("rule", equals("category", "110101199003077758"))], TYPES) as matcher:
        armed.append(True)
        with pytest.raises(MatchingError) as caught:
            matcher.match({"category": "110101199003077758"})
        assert str(caught.value) == "durable-rules did not answer (error 303)"
        assert caught.value.__context__ is None
        assert matcher.match({"category": "110101199003077758"}) == {"rule"}
        assert matcher.match({"category": "other"}) == frozenset()


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(
    "broken", ["assert_fact", "start_action_for_state", "complete_and_start_action", "retract_fact"]
)
def test_an_evaluation_that_is_interrupted_does_not_spoil_the_next(
    monkeypatch: pytest.MonkeyPatch, broken: str, moment: str
) -> None:
    armed: list[bool] = []
    real = getattr(durable._c_module(), broken)

    def interrupt(*args: Any) -> None:
        if armed:
            armed.pop()
            if moment == "after":
                real(*args)
            raise KeyboardInterrupt

    put_before(monkeypatch, **{broken: interrupt})
    rules = [Rule(str(minutes), at_least("minutes", minutes)) for minutes in range(60)]
    with DurableMatcher(rules, TYPES) as matcher:
        for minutes in range(60):
            armed.append(True)
            with pytest.raises(KeyboardInterrupt):
                matcher.match({"minutes": minutes})
            assert len(matcher.match({"minutes": minutes})) == minutes + 1


def test_an_answer_without_the_sentinel_is_an_error_and_not_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    armed: list[bool] = []

    def other_answer(*_: Any) -> Any:
        return ("{}", '{"00":{"m":{}}}') if armed else None

    put_before(monkeypatch, start_action_for_state=other_answer)
    with DurableMatcher([Rule("rule", at_least("minutes", 30))], TYPES) as matcher:
        armed.append(True)
        with pytest.raises(MatchingError, match="did not answer"):
            matcher.match({"minutes": 1})


def test_a_ruleset_that_cannot_be_built_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise MemoryError

    put_before(monkeypatch, create_ruleset=fail)
    with pytest.raises(MatchingError, match=r"could not be built \(MemoryError\)"):
        DurableMatcher([Rule("rule", at_least("minutes", 30))], TYPES)


def test_only_the_fields_that_rules_ask_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    put_before(monkeypatch, assert_fact=lambda _, message: sent.append(message))
    with DurableMatcher([Rule("rule", at_least("minutes", 30))], TYPES) as matcher:
        matcher.match({"minutes": 7, "category": "助老", "name": "张三"})
    assert sent == ['{"id":"1","_":1}', '{"id":"1","_":1,"A":7}']


def test_no_ruleset_is_larger_than_what_is_safe() -> None:
    rules = [Rule(f"rule {n}", AnyOf((at_least("minutes", n), Missing("age", HERE)), HERE)) for n in range(100)]
    with DurableMatcher(rules, TYPES) as matcher:
        sizes = [len(ruleset.rules) - 1 for ruleset in matcher._rulesets]
    assert sum(sizes) == 200
    assert max(sizes) <= ALTERNATIVES_PER_SHARD


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def test_memory_stays_flat_over_reloads_and_evaluations() -> None:
    random = Random(1)
    rules = [
        Rule(f"rule {n}", AllOf((at_least("minutes", n), OneOf("category", HARD_TEXTS[n % 9 : n % 9 + 4], HERE)), HERE))
        for n in range(30)
    ]
    facts: list[dict[str, FactValue]] = [
        {"minutes": random.randrange(30), "category": random.choice(HARD_TEXTS)} for _ in range(100)
    ]

    def reload(times: int) -> None:
        for _ in range(times):
            with DurableMatcher(rules, TYPES) as matcher:
                matcher.match(facts[0])

    def evaluate(times: int) -> None:
        with DurableMatcher(rules, TYPES) as matcher:
            for number in range(times):
                matcher.match(facts[number % len(facts)])

    reload(40)
    evaluate(2_000)
    gc.collect()
    before = resident_bytes()
    reload(300)  # leaked, they would take 200 MB
    evaluate(30_000)  # leaked, 32 bytes each would be 1 MB
    gc.collect()
    assert resident_bytes() - before < 3 * 2**20
