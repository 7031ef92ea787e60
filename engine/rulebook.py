"""A policy with its matchers: every question that a condition asks is answered here, day by day.

Rulesets, each over one flat fact: what the steps ask of a record, what the measures ask of a past record, what stars
and perks ask, and so on. Values change on certain days only; between two of them one matcher serves.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import TracebackType
from typing import Self, TypeVar, cast

from lianxing.engine.calendars import WorkingCalendar
from lianxing.engine.compiling import conditions_in
from lianxing.engine.matching import Matcher, MatcherFactory, Rule
from lianxing.engine.observing import Observer
from lianxing.engine.quotients import Quotient, WorkedOut, threshold_types, without_quotients
from lianxing.engine.reading.menu import MENU_WORDS
from lianxing.engine.reading.redemption import OFFER_WORDS
from lianxing.rules.conditions import Condition, DatedCompare, condition_on, facts_of
from lianxing.rules.earning import Add, Multiply, PointsPerEvent, PointsPerHour, Zero
from lianxing.rules.facts import FactType, FactValue, Scope
from lianxing.rules.hours import Count, Exclude, Hold, NoHours, Revoke
from lianxing.rules.policy import Policy
from lianxing.rules.review import Stage

T = TypeVar("T")
MeasureValue = int | Quotient

RECORD = "record"
HISTORY = "history"
SCORES = "scores"
STARS = "stars"
AWARD = "award"
SANCTIONS = "sanctions"
PERKS = "perks"
ACCOUNTS = "accounts"
ISSUES = "issues"
OFFERS = "offers"
MENU = "menu"
RECIPIENTS = "recipients"
SERVERS = "servers"
COMMENDATION = "commendation"
REVIEW = "review"

WHEN = " when"
WHERE = " where"
SHARE = " share"
EXCEPTIONS = " exceptions"
PREFERS = " prefers"
DIRECT = "direct"


@dataclass
class _Ruleset:
    """Named conditions as the policy has them, and a matcher for each stretch between two changes of a threshold."""

    conditions: Mapping[str, Condition]
    also_asked: frozenset[str] = frozenset()
    asked: frozenset[str] = field(init=False)
    days: tuple[date, ...] = field(init=False)
    matchers: dict[int, tuple[Matcher, tuple[WorkedOut, ...]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.asked = self.also_asked.union(*(facts_of(condition) for condition in self.conditions.values()))
        tests = conditions_in(tuple(self.conditions.values()))
        dated = (test.operands for test in tests if isinstance(test, DatedCompare))
        self.days = tuple(sorted({day for operands in dated for day in operands.days}))


class Rulebook:
    """A policy ready to be asked. Close it, or use it in a `with`: a matcher holds memory outside Python.

    A ruleset is named after what asks it: RECORD (the steps), HISTORY (the measures), STARS, PERKS. Each holds named
    conditions over one flat fact; `ask` returns the names of those that hold.
    """

    def __init__(self, policy: Policy, factory: MatcherFactory) -> None:
        self.policy = policy
        self.observer: Observer | None = None
        self._factory = factory
        self._first_day = policy.county.in_force_from
        self.calendar = WorkingCalendar(policy.county)
        self._of_day: dict[frozenset[str], frozenset[str]] = {}
        self._made: dict[Callable[[Policy], object], object] = {}
        self._types = {name: fact.type for name, fact in policy.facts.items()} | {
            fact.name: fact.type for fact in (*OFFER_WORDS.values(), *MENU_WORDS.values())
        }
        also = {HISTORY: _added_up(policy)}
        self._rulesets = {
            name: _Ruleset(dict(conditions), also.get(name, frozenset()))
            for name, conditions in _conditions(policy).items()
        }
        self.measures_asked_of_records = any(
            policy.facts[name].scope in (Scope.MEASURE, Scope.SANCTION)
            for name in self.asked(RECORD)
            if name in policy.facts
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        for ruleset in self._rulesets.values():
            for matcher, _thresholds in ruleset.matchers.values():
                matcher.close()
            ruleset.matchers.clear()

    def warm(self) -> None:
        """Build the matchers of every stretch, so that what no matcher can evaluate is refused now, with its line."""
        for ruleset in self._rulesets.values():
            for day in (self._first_day, *ruleset.days) if ruleset.conditions else ():
                self._matcher(ruleset, day)

    def conditions(self) -> Iterator[tuple[str, Condition]]:
        """Yield every condition with the ruleset that asks it."""
        for name, ruleset in self._rulesets.items():
            yield from ((name, condition) for condition in ruleset.conditions.values())

    def once(self, make: Callable[[Policy], T]) -> T:
        """Return what a function makes of the policy; it is made once and shared, so nobody may change it."""
        if make not in self._made:
            self._made[make] = make(self.policy)
        return cast(T, self._made[make])

    def asked(self, ruleset: str) -> frozenset[str]:
        """The facts that the conditions of a ruleset ask; of HISTORY also what the measures add up."""
        return self._rulesets[ruleset].asked

    def changes(self, ruleset: str) -> bool:
        """Tell whether a threshold of a ruleset changes over the years."""
        return bool(self._rulesets[ruleset].days)

    def asked_of_day(self, asked: frozenset[str]) -> frozenset[str]:
        """Return those of the facts that the day itself answers; a county may have made one of them its own."""
        known = self._of_day.get(asked)
        if known is None:
            facts = self.policy.facts
            known = frozenset(name for name in asked if name in facts and facts[name].scope is Scope.CALENDAR)
            self._of_day[asked] = known
        return known

    def ask(
        self, ruleset: str, day: date, facts: Mapping[str, FactValue], measures: Mapping[str, MeasureValue]
    ) -> frozenset[str]:
        """Return the names of the conditions of a ruleset that hold on `day` for these facts and measures."""
        if self.observer is not None:
            self.observer.asked(ruleset, day, {**facts, **measures})
        return self._ask(self._rulesets[ruleset], day, facts, measures)

    def _ask(
        self, ruleset: _Ruleset, day: date, facts: Mapping[str, FactValue], measures: Mapping[str, MeasureValue]
    ) -> frozenset[str]:
        if not ruleset.conditions:
            return frozenset()
        matcher, worked_out = self._matcher(ruleset, day)
        if not measures and not worked_out:
            return matcher.match(facts)
        values: dict[str, FactValue | Quotient] = {**facts, **measures}
        flat = {name: value for name, value in values.items() if not isinstance(value, Quotient)}
        for one in worked_out:
            answer = one.asked(values, self.calendar)
            if answer is not None:
                flat[one.name] = answer
        return matcher.match(flat)

    def _matcher(self, ruleset: _Ruleset, day: date) -> tuple[Matcher, tuple[WorkedOut, ...]]:
        day = max(day, self._first_day)  # before it there are no rules; the first ones answer
        stretch = bisect_right(ruleset.days, day)
        made = ruleset.matchers.get(stretch)
        if made is None:
            made = ruleset.matchers[stretch] = self._built(ruleset, day)
        return made

    def _built(self, ruleset: _Ruleset, day: date) -> tuple[Matcher, tuple[WorkedOut, ...]]:
        rules: list[Rule] = []
        thresholds: list[WorkedOut] = []
        for name, condition in ruleset.conditions.items():
            flat, found = without_quotients(condition_on(condition, day), self.policy.facts)
            rules.append(Rule(name, flat))
            thresholds += found
        asked = {name for rule in rules for name in facts_of(rule.condition)}
        types: dict[str, FactType] = self._types | threshold_types(thresholds)
        return self._factory(rules, {name: types[name] for name in asked}), tuple(dict.fromkeys(thresholds))


def _conditions(policy: Policy) -> dict[str, Iterator[tuple[str, Condition]]]:
    """Every condition of a policy by the ruleset that it belongs to, each under a name of its own there."""
    levels = policy.stars.levels if policy.stars is not None else ()
    issues = ((issue_name(a.clause.id, i), s.when) for a in policy.accounts for i, s in enumerate(a.issue) if s.when)
    return {
        RECORD: _step_conditions(policy),
        REVIEW: ((s.clause.id, s.when) for s in policy.review if isinstance(s, Stage) and s.when is not None),
        HISTORY: _measure_conditions(policy),
        SCORES: _score_conditions(policy),
        STARS: ((str(level.star), level.condition) for level in levels),
        AWARD: ((DIRECT, c) for c in ([policy.stars.award.direct] if policy.stars else []) if c is not None),
        SANCTIONS: ((sanction.clause.id, sanction.when) for sanction in policy.sanctions),
        PERKS: ((perk.clause.id, perk.condition) for perk in policy.perks),
        ACCOUNTS: ((account.clause.id, account.when) for account in policy.accounts if account.when is not None),
        ISSUES: issues,
        OFFERS: ((offer.clause.id, offer.when) for offer in policy.offers if offer.when is not None),
        COMMENDATION: _commendation_conditions(policy),
        MENU: ((request.clause.id, request.eligible) for request in policy.menu),
        RECIPIENTS: ((r.clause.id, r.recipient_is) for r in policy.menu if r.recipient_is is not None),
        SERVERS: ((r.clause.id, r.served_by.eligible) for r in policy.menu if r.served_by is not None),
    }


def rate_name(clause: str, index: int) -> str:
    """Return the name of the condition of one of several rates of a statement."""
    return f"{clause} {index}{WHEN}"


def issue_name(account: str, index: int) -> str:
    """Return the name of the condition of one of the grants of an account."""
    return f"{account} {index}"


def _commendation_conditions(policy: Policy) -> Iterator[tuple[str, Condition]]:
    for commendation in policy.commendations:
        yield commendation.clause.id, commendation.eligible
        if commendation.exceptions is not None:
            yield commendation.clause.id + EXCEPTIONS, commendation.exceptions
        if commendation.prefers is not None:
            yield commendation.clause.id + PREFERS, commendation.prefers


def _step_conditions(policy: Policy) -> Iterator[tuple[str, Condition]]:
    for step in (*policy.hours, *policy.earning):
        if step.when is not None:
            yield step.clause.id + WHEN, step.when
        if isinstance(step, Count | Exclude | Hold | Revoke | NoHours | Zero):
            yield step.clause.id, step.condition
        elif isinstance(step, PointsPerHour | PointsPerEvent | Multiply | Add):
            for index, rate in enumerate(step.rates.rates):
                if rate.when is not None:
                    yield rate_name(step.clause.id, index), rate.when


def _added_up(policy: Policy) -> frozenset[str]:
    return frozenset(name for measure in policy.measures for name in (measure.of, measure.best_of) if name)


def _score_conditions(policy: Policy) -> Iterator[tuple[str, Condition]]:
    for measure in policy.measures:
        for index, rule in enumerate(measure.score.rules if measure.score is not None else ()):
            if rule.when is not None:
                yield rate_name(measure.clause.id, index), rule.when


def _measure_conditions(policy: Policy) -> Iterator[tuple[str, Condition]]:
    for measure in policy.measures:
        if measure.where is not None:
            yield measure.clause.id + WHERE, measure.where
        if measure.share_of is not None:
            yield measure.clause.id + SHARE, measure.share_of
