"""Stars in one person's life: granted, refused, lost, day by day.

A day is opened (what was granted before takes effect, rules that change do what they say) and, where there is something
to look at, closed: applications of the day are decided, ratings that fall due are made, a star that has run its time is
renewed or expires. What a day's records give counts on that day.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from lianxing.engine.compiling import conditions_in
from lianxing.engine.freezing import day_of, location_data, location_of
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.conditions import Compare, DatedCompare
from lianxing.rules.decisions import StarDecision, StarGrant, StarOutcome, StarReason, StarState
from lianxing.rules.facts import MONTH_PARTS, FactValue, RecordId
from lianxing.rules.periods import Period, add_months
from lianxing.rules.places import Clause, Location
from lianxing.rules.policy import Policy
from lianxing.rules.records import Volunteer
from lianxing.rules.reviewing import Awarded
from lianxing.rules.sanctions import OnStar
from lianxing.rules.stars import Award, AwardBy, Below, Round, StarNumber, StarScale
from lianxing.rules.stars import Sequence as Order
from lianxing.rules.transition import StarsThen, Transition

APPLICATION, SELECTION = "star_application", "selection"
PASSED = "passed"
_MONTHS = {Period.MONTH: 1, Period.QUARTER: 3, Period.HALF_YEAR: 6, Period.CALENDAR_YEAR: 12}
_ONE_DAY = timedelta(days=1)
_MOST = {"tenure": 1200 * MONTH_PARTS, "tenure_days": 36_600, "age": 200}  # beyond it nobody lives to see the day


def next_cut_off(round: Round, after: date) -> date:
    """Return the first cut-off later than a day.

    >>> from lianxing.rules.redemption import MonthDay
    >>> next_cut_off(Round(Period.QUARTER, MonthDay(12, 31), Location("", 1, 1)), date(2024, 6, 30))
    datetime.date(2024, 9, 30)
    """
    last = round.cut_off.in_year(after.year + 1)
    step = _MONTHS[round.period]
    return min(day for back in range(0, 25, step) if (day := add_months(last, -back)) > after)


def milestones(scale: StarScale, volunteer: Volunteer) -> list[date]:
    """Return the days on which the person comes to be registered for so long, or to be so old, as a star asks."""
    days: set[date] = set()
    for level in scale.levels:
        for test in conditions_in(level.condition):
            if isinstance(test, Compare) and isinstance(test.operand, int):
                days |= {*_reaching(test.fact, (test.operand, test.operand + 1), volunteer)}
            elif isinstance(test, DatedCompare):
                values = [entry.value for entry in test.operands.entries if isinstance(entry.value, int)]
                values += [value + 1 for value in values]  # on which it is more than that
                days |= {*_reaching(test.fact, values, volunteer), *test.operands.days}
    return sorted(days)


def _reaching(fact: str, values: Iterable[int], volunteer: Volunteer) -> Iterator[date]:
    registered, born = volunteer.registered_on, volunteer.born_on
    for value in values:
        if not 0 <= value <= _MOST.get(fact, -1):
            continue
        if fact == "tenure" and registered is not None:
            months, days = divmod(value, MONTH_PARTS)
            yield add_months(registered, months) + timedelta(days=days)
        elif fact == "tenure_days" and registered is not None:
            yield registered + timedelta(days=value)
        elif fact == "age" and born is not None:
            yield add_months(born, 12 * value)


@dataclass(frozen=True, slots=True)
class Application:
    """A star applied for, as its record says it; `direct` tells whether the record shows enough by itself."""

    record: RecordId
    star: FactValue | None
    decision: FactValue | None
    decided_by: FactValue | None
    nominated: bool
    direct: bool


@dataclass(frozen=True, slots=True)
class _Pending:
    """A star that was granted and waits until its notice is over."""

    star: int
    effective_on: date


class StarWalk:
    """The star of one person, as days go by.

    `granted_on` are the days on which a star was granted, `selected` the commendations that the person was selected in.
    With `awards`, stars that take a decision are held as they were awarded, and records decide nothing; without them,
    what the records say of applications is decided here.
    """

    def __init__(
        self,
        rulebook: Rulebook,
        scale: StarScale,
        volunteer: Volunteer,
        data: Mapping[str, Any] | None = None,
        *,
        awards: Sequence[Awarded] | None = None,
    ) -> None:
        """Begin without a star, or go on from the plain data that `frozen` returned."""
        self._policy: Policy = rulebook.policy
        self._calendar = rulebook.calendar
        self._scale = scale
        self._award: Award = scale.award
        self._levels = {level.star: level for level in scale.levels}
        self._held = 0
        self._since: date | None = None
        self._until: date | None = None
        self._once_held = 0
        self._floor = 0
        self._cap: int | None = None
        self._awards = 0
        self._decided = awards is not None
        self._to_come = deque(sorted(awards or (), key=lambda one: (one.effective_on, one.star)))
        self._pending: list[_Pending] = []
        self._applications: list[Application] = []
        self.selected: set[str] = set()
        self._decisions: list[StarDecision] = []
        self._grants: list[StarGrant] = []
        self._changes = sorted(rulebook.policy.transitions, key=lambda transition: transition.on_day)
        self._rate_on: date | None = None
        self._volunteer = volunteer
        self.granted_on: list[date] = []
        if data is not None:
            self._thaw(data)

    @cached_property
    def _milestones(self) -> deque[date]:
        """The days still to come on which a condition may come true by itself; not asked of a day that is today."""
        return deque(milestones(self._scale, self._volunteer))

    # --- what a day brings ---------------------------------------------------------------------------------------

    def note(self, record: RecordId, organisation: str, facts: Mapping[str, FactValue], direct: bool) -> None:
        """Take note of a record that says something about stars."""
        kind = facts.get("kind")
        if kind == SELECTION:
            self.selected.add(str(facts.get("honour", "")))
        elif kind == APPLICATION:
            application = Application(
                record=record,
                star=facts.get("star_applied"),
                decision=facts.get("decision"),
                decided_by=facts.get("decided_by"),
                nominated=bool(organisation),
                direct=direct,
            )
            self._applications.append(application)

    def first_due(self, after: date) -> date | None:
        """Return the next day on which something happens though no record is of it."""
        while self._milestones and self._milestones[0] <= after:
            self._milestones.popleft()
        days = [pending.effective_on for pending in self._pending]
        days += [self._milestones[0]] if self._milestones else []
        days += [transition.on_day for transition in self._changes[:1]]
        days += [one.effective_on for one in self._to_come if one.effective_on > after][:1]
        days += [] if self._until is None else [self._until]
        days += [] if self._award.round is None else [next_cut_off(self._award.round, after)]
        return min((day for day in days if day > after), default=None)

    def open(self, day: date) -> None:
        """Begin a day: rules that change, stars whose notice is over."""
        while self._changes and self._changes[0].on_day <= day:
            self._change(self._changes.pop(0))
        due = [pending for pending in self._pending if pending.effective_on <= day]
        self._pending = [pending for pending in self._pending if pending.effective_on > day]
        for pending in due:
            self._take_effect(pending.star, pending.effective_on)
        while self._to_come and self._to_come[0].effective_on <= day:
            self._take_award(self._to_come.popleft())

    def close(self, day: date, holding: frozenset[int]) -> None:
        """End a day on which the conditions of these stars hold."""
        known = frozenset(star for star in holding if self._is_selected(star))
        if self._until is not None and self._until <= day:
            self._run_out(self._until, known)
        rating = self._award.round is None or next_cut_off(self._award.round, day - _ONE_DAY) == day
        again = self._rate_on is not None and self._rate_on <= day
        if rating or (again and self._award.by is AwardBy.REVIEW):
            self._decide(day, holding, known)
        if rating:
            self._lower(day, known)
        if again:
            self._rate_on = None
            self._lower(day, known, again=True)

    def sanction(self, day: date, effect: OnStar, clause: Clause) -> None:
        """A sanction begins that takes a star or all of them; until it ends nobody rises above what is left."""
        if effect is OnStar.KEPT:
            return
        left = 0 if effect is OnStar.CANCELLED else max((star for star in self._levels if star < self._held), default=0)
        self._pending.clear()
        if left < self._held:
            self._lose(day, left, StarReason.SANCTION, clause, clause.location)
        self._cap = left if self._cap is None else min(self._cap, left)
        self._floor = min(self._floor, left)

    def pardon(self) -> None:
        """No sanction holds the star down any longer."""
        self._cap = None

    def refusal(self, star: int, holding: frozenset[int], *, nominated: bool, direct: bool) -> StarReason | None:
        """Return why this star may not be granted now, if whoever decides passes it; None if it may."""
        known = frozenset(one for one in holding if self._is_selected(one))
        return self._refusal(star, Application(RecordId(""), star, PASSED, None, nominated, direct), holding, known)

    def state(self) -> StarState:
        number = None
        if self._award.number is not None and self._awards:
            number = 1 if self._award.number is StarNumber.PERMANENT else self._awards
        return StarState(
            held=self._held,
            since=self._since,
            until=self._until,
            once_held=self._once_held,
            number=number,
            decisions=tuple(self._decisions),
            grants=tuple(self._grants),
        )

    # --- as plain data -----------------------------------------------------------------------------------------------

    def frozen(self, told: int) -> dict[str, Any]:
        """Return the walk as plain data; of the days on which a star was granted, the first `told` are done with."""
        return {
            "held": self._held,
            "since": self._since,
            "until": self._until,
            "once_held": self._once_held,
            "floor": self._floor,
            "cap": self._cap,
            "awards": self._awards,
            "pending": [[one.star, one.effective_on] for one in self._pending],
            "applications": [
                [one.record, one.star, one.decision, one.decided_by, one.nominated, one.direct]
                for one in self._applications
            ],
            "selected": sorted(self.selected),
            "decisions": [_decision_data(one) for one in self._decisions],
            "grants": [[one.star, one.points, one.on] for one in self._grants],
            "changes_to_come": len(self._changes),
            "rate_on": self._rate_on,
            "granted_on": self.granted_on[told:],
        }

    def _thaw(self, data: Mapping[str, Any]) -> None:
        policy = self._policy
        clauses = {self._scale.clause.id: self._scale.clause}
        clauses |= {sanction.clause.id: sanction.clause for sanction in policy.sanctions}
        clauses |= {transition.clause.id: transition.clause for transition in policy.transitions}
        self._held, self._once_held, self._floor = data["held"], data["once_held"], data["floor"]
        self._since, self._until, self._rate_on = (day_of(data[name]) for name in ("since", "until", "rate_on"))
        self._cap, self._awards = data["cap"], data["awards"]
        self._pending = [_Pending(star, date.fromisoformat(on)) for star, on in data["pending"]]
        self._applications = [Application(*one) for one in data["applications"]]
        self.selected = set(data["selected"])
        self._decisions = [_decision_of(one, clauses) for one in data["decisions"]]
        self._grants = [StarGrant(star, points, date.fromisoformat(on)) for star, points, on in data["grants"]]
        del self._changes[: len(self._changes) - data["changes_to_come"]]
        self.granted_on = [date.fromisoformat(on) for on in data["granted_on"]]

    # --- decisions -----------------------------------------------------------------------------------------------

    def _decide(self, day: date, holding: frozenset[int], known: frozenset[int]) -> None:
        if self._decided and self._award.by is AwardBy.REVIEW:
            return
        if self._award.by in (AwardBy.APPLICATION, AwardBy.NOMINATION):
            for application in () if self._decided else self._applications:
                self._answer(day, application, holding, known)
            self._applications.clear()
            known = frozenset(star for star in known if star <= self._award.automatic_up_to)
            for star in self._risen(known):
                self._grant(day, star, StarReason.REACHED)
            return
        by = StarReason.REACHED if self._award.by is AwardBy.AUTOMATIC else StarReason.RATED
        for star in self._risen(known):
            self._grant(day, star, by)

    def _risen(self, known: frozenset[int]) -> Iterator[int]:
        """Yield the stars to which somebody rises without asking: the highest at once, or one by one."""
        within = [star for star in known if self._cap is None or star <= self._cap]
        if self._award.sequence is Order.HIGHEST:
            if within and max(within) > self._ahead():
                yield max(within)
            return
        following = self._next(self._ahead())
        while following is not None and following in within:
            yield following
            # One rating gives one star; day by day everything that holds is given.
            following = None if self._award.by is AwardBy.REVIEW else self._next(following)

    def _answer(self, day: date, application: Application, holding: frozenset[int], known: frozenset[int]) -> None:
        star = application.star if isinstance(application.star, int) else 0
        refused = self._refusal(star, application, holding, known)
        if refused is not None:
            at = self._levels[star].location if star in self._levels else self._award.location
            self._decisions.append(
                StarDecision(
                    day,
                    star,
                    StarOutcome.REFUSED,
                    refused,
                    None,
                    self._scale.clause,
                    at,
                    self._award.approver_of(star),
                    application.record,
                )
            )
            return
        by = StarReason.APPLIED if self._award.by is AwardBy.APPLICATION else StarReason.NOMINATED
        direct = application.direct and star not in holding
        self._grant(day, star, StarReason.DIRECT if direct else by, application.record)

    def _refusal(
        self, star: int, application: Application, holding: frozenset[int], known: frozenset[int]
    ) -> StarReason | None:
        """Return why an application is refused, None if it is not."""
        award, ahead = self._award, self._ahead()
        approver = award.approver_of(star)
        undecided = application.decision is None and not approver
        if star not in self._levels:
            return StarReason.NO_STAR
        if award.by is AwardBy.NOMINATION and not application.nominated:
            return StarReason.NOT_NOMINATED
        if application.decision != PASSED and not undecided:
            return StarReason.NOT_PASSED
        if approver and application.decided_by not in (None, approver):
            return StarReason.NOT_THE_APPROVER
        if star <= ahead:
            return StarReason.NOT_ABOVE
        if self._cap is not None and star > self._cap:
            return StarReason.SANCTION
        direct = application.direct
        if award.sequence is Order.ONE_BY_ONE and not direct and star != self._next(self._held):
            return StarReason.NOT_NEXT
        if not self._is_selected(star):
            return StarReason.NOT_SELECTED
        if not direct and star not in holding:
            return StarReason.CONDITION
        if award.sequence is Order.HIGHEST and not direct and star != max(known):
            return StarReason.NOT_HIGHEST
        return None

    def _lower(self, day: date, known: frozenset[int], *, again: bool = False) -> None:
        """Look whether the star held still stands; one that is valid for a time is looked at when the time is over."""
        reached = max((star for star in known if self._cap is None or star <= self._cap), default=0)
        below = Below.DOWNGRADE if again else self._award.below
        if reached >= self._held or self._held in known or below is Below.KEEP or (self._until and not again):
            return
        left = max(reached if below is Below.DOWNGRADE else 0, self._floor)
        if left < self._held:
            self._lose(day, left, StarReason.BELOW, self._scale.clause, self._levels[self._held].location)

    def _run_out(self, day: date, known: frozenset[int]) -> None:
        star = self._held
        self._until = None
        if star in known:
            self._grant(day, star, StarReason.RENEWED)
        else:
            self._lose(day, 0, StarReason.EXPIRED, self._scale.clause, self._levels[star].location)
            self._floor = 0

    def _change(self, transition: Transition) -> None:
        match transition.stars:
            case StarsThen.KEEP:
                self._floor = self._held
            case StarsThen.RATED_AGAIN:
                self._floor = 0
                self._rate_on = transition.on_day
            case StarsThen.RESTART:
                self._pending.clear()
                self._floor = 0
                if self._held:
                    clause = transition.clause
                    self._lose(transition.on_day, 0, StarReason.RESTARTED, clause, clause.location)

    # --- what follows --------------------------------------------------------------------------------------------

    def _grant(self, day: date, star: int, reason: StarReason, record: RecordId | None = None) -> None:
        notice = self._award.notice
        effective = day
        if notice is not None and reason is not StarReason.RENEWED:
            effective = self._calendar.end_of_period(day, notice.on(self._ruled(day))) + _ONE_DAY
        at, approver = self._levels[star].location, self._award.approver_of(star)
        self._decisions.append(
            StarDecision(day, star, StarOutcome.GRANTED, reason, effective, self._scale.clause, at, approver, record)
        )
        self.granted_on.append(day)
        if effective > day:
            self._pending.append(_Pending(star, effective))
        else:
            self._take_effect(star, effective)

    def _take_award(self, one: Awarded) -> None:
        """Hold a star as it was awarded; what has happened since may still speak against it."""
        known = one.star in self._levels
        refused = None if known else StarReason.NO_STAR
        if known and one.star <= self._held:
            refused = StarReason.NOT_ABOVE
        if known and self._cap is not None and one.star > self._cap:
            refused = StarReason.SANCTION
        by = StarReason.NOMINATED if one.nominated else StarReason.APPLIED
        by = StarReason.RATED if self._award.by is AwardBy.REVIEW else by
        decision = StarDecision(
            on=one.effective_on,
            star=one.star,
            outcome=StarOutcome.GRANTED if refused is None else StarOutcome.REFUSED,
            reason=refused or by,
            effective_on=one.effective_on if refused is None else None,
            clause=self._scale.clause,
            at=self._levels[one.star].location if known else self._award.location,
            approver=one.approver,
        )
        self._decisions.append(decision)
        if refused is None:
            self.granted_on.append(one.counted_on)
            self._take_effect(one.star, one.effective_on)

    def _take_effect(self, star: int, day: date) -> None:
        valid = self._award.valid
        self._held, self._since = star, day
        self._until = None if valid is None else add_months(day, valid.on(self._ruled(day)))
        self._once_held = max(self._once_held, star)
        self._awards += 1
        given = {grant.star for grant in self._grants}
        for granted, points in self._scale.grants:
            if granted == star and star not in given:
                self._grants.append(StarGrant(star, points.on(self._ruled(day)), day))

    def _lose(self, day: date, left: int, reason: StarReason, clause: Clause, at: Location) -> None:
        self._held = left
        self._since = day if left else None
        if not left:
            self._until = None
        self._decisions.append(StarDecision(day, left, StarOutcome.LOST, reason, day, clause, at))

    def _ahead(self) -> int:
        """Return the star held, or the one granted already that waits for its notice."""
        return max([self._held, *(pending.star for pending in self._pending)])

    def _next(self, star: int) -> int | None:
        return next((level for level in self._levels if level > star), None)

    def _is_selected(self, star: int) -> bool:
        needed = self._award.select.get(star)
        return needed is None or needed in self.selected

    def _ruled(self, day: date) -> date:
        return max(day, self._policy.county.in_force_from)


def _decision_data(one: StarDecision) -> list[Any]:
    said = [one.on, one.star, one.outcome.value, one.reason.value, one.effective_on, one.clause.id]
    return [*said, location_data(one.at), one.approver, one.record]


def _decision_of(data: list[Any], clauses: Mapping[str, Clause]) -> StarDecision:
    on, star, outcome, reason, effective_on, clause, at, approver, record = data
    return StarDecision(
        date.fromisoformat(on),
        star,
        StarOutcome(outcome),
        StarReason(reason),
        day_of(effective_on),
        clauses[clause],
        location_of(at),
        approver,
        record,
    )
