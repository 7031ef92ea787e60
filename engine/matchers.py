"""Which matcher answers in this process, and how often it was asked.

durable-rules where it can be imported, the plain matcher elsewhere (Python 3.13 and later). The change of hands is said
once per process, and `doctor` shows it: nobody should have to guess which of the two gave an answer.
"""

from __future__ import annotations

import threading
import warnings
import weakref
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from lianxing.engine import durable
from lianxing.engine.durable import DurableMatcher
from lianxing.engine.matching import EvaluationCount, Matcher, MatcherFactory, Rule
from lianxing.engine.plain import PlainMatcher
from lianxing.rules.facts import FactType

Preference = Literal["durable", "plain"]


class PlainMatcherWarning(UserWarning):
    """durable-rules was asked for and cannot be imported; the plain matcher answers instead."""


@dataclass(frozen=True, slots=True)
class MatcherInUse:
    """The matcher that a preference leads to here; `replaced` tells that it is not the preferred one."""

    name: str
    replaced: bool


def matcher_in_use(prefer: Preference = "durable") -> MatcherInUse:
    """Return which matcher `matcher_factory` gives here, without a warning."""
    if prefer == "durable" and durable.available():
        return MatcherInUse(DurableMatcher.name, replaced=False)
    return MatcherInUse(PlainMatcher.name, replaced=prefer == "durable")


def matcher_factory(prefer: Preference = "durable") -> MatcherFactory:
    """Return what builds the matchers of this process; every evaluation of theirs is in `evaluations_by_matcher`."""
    in_use = matcher_in_use(prefer)
    if in_use.replaced:
        _PROCESS.say_once("durable-rules cannot be imported here; the plain matcher answers instead")
    kind = DurableMatcher if in_use.name == DurableMatcher.name else PlainMatcher

    def build(rules: Sequence[Rule], types: Mapping[str, FactType]) -> Matcher:
        matcher = kind(rules, types)
        _PROCESS.watch(matcher)
        return matcher

    return build


def evaluations_by_matcher() -> dict[str, int]:
    """Return how often the matchers made by a factory were asked in this process, by their name."""
    return _PROCESS.evaluations()


class _Process:
    """What is true of the process as a whole: what was said, and who counted what."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a matcher may be collected, and so retired, while the lock is held
        self._said: set[str] = set()
        self._watched: weakref.WeakSet[DurableMatcher | PlainMatcher] = weakref.WeakSet()
        self._retired: Counter[str] = Counter()

    def say_once(self, sentence: str) -> None:
        with self._lock:
            if sentence in self._said:
                return
            self._said.add(sentence)
        # Counted here, since the filters of `warnings` decide per line of code and may be set to always or never.
        warnings.warn(sentence, PlainMatcherWarning, stacklevel=3)

    def watch(self, matcher: DurableMatcher | PlainMatcher) -> None:
        with self._lock:
            self._watched.add(matcher)
        weakref.finalize(matcher, self._retire, matcher.name, matcher.counted).atexit = False

    def evaluations(self) -> dict[str, int]:
        with self._lock:
            total = Counter(self._retired)
            for matcher in self._watched:
                total[matcher.name] += matcher.evaluations
        return dict(sorted(total.items()))

    def _retire(self, name: str, counted: EvaluationCount) -> None:
        with self._lock:
            self._retired[name] += counted.evaluations


_PROCESS = _Process()
