"""Which matcher answers, what is said about it, and the tally of evaluations."""

from __future__ import annotations

import gc
import sys
import warnings

import pytest

from lianxing.engine import durable, matchers
from lianxing.engine.matchers import (
    MatcherInUse,
    PlainMatcherWarning,
    evaluations_by_matcher,
    matcher_factory,
    matcher_in_use,
)
from lianxing.engine.matching import Rule
from lianxing.rules.conditions import Missing
from lianxing.rules.facts import FactType
from lianxing.rules.places import Location

RULES = [Rule("rule", Missing("age", Location("youxian/earning.yaml", 5, 3)))]
TYPES = {"age": FactType.WHOLE}


@pytest.fixture(autouse=True)
def _new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matchers, "_PROCESS", matchers._Process())


@pytest.fixture
def _hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "durable_rules_engine", None)


def test_the_preferred_matcher_answers_where_it_can() -> None:
    expected = "durable-rules" if durable.available() else "plain"
    assert matcher_in_use() == MatcherInUse(expected, replaced=expected == "plain")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PlainMatcherWarning)
        matcher = matcher_factory()(RULES, TYPES)
    assert matcher.name == expected
    assert matcher.match({}) == {"rule"}
    matcher.close()


def test_plain_is_given_without_a_word_to_who_asks_for_it() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert matcher_factory("plain")(RULES, TYPES).name == "plain"
    assert matcher_in_use("plain") == MatcherInUse("plain", replaced=False)


@pytest.mark.usefixtures("_hidden")
def test_where_the_c_module_is_absent_plain_answers_and_it_is_said_exactly_once() -> None:
    assert not durable.available()
    assert matcher_in_use() == MatcherInUse("plain", replaced=True)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        factories = [matcher_factory() for _ in range(3)]
    assert [(warning.category, warning.filename) for warning in said] == [(PlainMatcherWarning, __file__)]
    for factory in factories:
        matcher = factory(RULES, TYPES)
        assert matcher.name == "plain"
        assert matcher.match({"age": 60}) == frozenset()


@pytest.mark.usefixtures("_hidden")
def test_a_durable_matcher_that_is_asked_for_by_name_is_an_import_error_where_it_is_absent() -> None:
    with pytest.raises(ImportError):
        durable.DurableMatcher(RULES, TYPES)


def test_numbers_of_32_bits_make_it_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("struct.calcsize", lambda _: 4)
    assert not durable.available()


def test_the_tally_keeps_what_closed_and_forgotten_matchers_counted() -> None:
    factory = matcher_factory("plain")
    assert evaluations_by_matcher() == {}
    first, second = factory(RULES, TYPES), factory(RULES, TYPES)
    for _ in range(3):
        first.match({})
    second.match({})
    assert evaluations_by_matcher() == {"plain": 4}
    first.close()
    assert evaluations_by_matcher() == {"plain": 4}
    del first
    gc.collect()
    assert evaluations_by_matcher() == {"plain": 4}
    second.match({})
    assert evaluations_by_matcher() == {"plain": 5}
