"""One person's life as the rules see it: records in order, and what measures, sanctions and stars come to on a day.

Days never go back. Between two records everything that falls due happens in its order: cut-offs, ends of notices, stars
that run out, sanctions that time ends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from lianxing.engine import freezing
from lianxing.engine.basis import Lowering
from lianxing.engine.facts import past_facts, person_facts
from lianxing.engine.freezing import Header, HistoryNeededError, StateError, amount_data, day_of, whole_of
from lianxing.engine.measures import Totals
from lianxing.engine.rulebook import AWARD, DIRECT, HISTORY, SANCTIONS, STARS, WHERE, MeasureValue, Rulebook
from lianxing.engine.sanctions import Sanctions, sanction_facts
from lianxing.engine.scores import scores, with_scores
from lianxing.engine.stars import APPLICATION, SELECTION, StarWalk
from lianxing.rules.conditions import facts_of
from lianxing.rules.decisions import Conduct, RepairReason, RepairResult, StarReason, StarState
from lianxing.rules.facts import FactValue
from lianxing.rules.measures import HOURS, POINTS
from lianxing.rules.periods import Period, period_start
from lianxing.rules.perks import OnDowngrade
from lianxing.rules.policy import Policy
from lianxing.rules.records import Order, Volunteer
from lianxing.rules.reviewing import Awarded
from lianxing.rules.sanctions import Effects, OnAsset, OnStar, Sanction
from lianxing.rules.standings import Counted
from lianxing.rules.transition import StarsThen, TransitionLine

REPAIR, REPAIRED = "repair", "revokes"
_PERSON = frozenset(("tenure", "age"))
_NOBODY: Mapping[str, FactValue] = sanction_facts(Effects())


def star_is_remembered(policy: Policy) -> bool:
    """Tell whether the star held depends on more than what is reached on the day."""
    if policy.stars is None:
        return False
    return (
        not policy.stars.award.as_reached
        or bool(policy.stars.grants)
        or any(sanction.effects.star is not OnStar.KEPT for sanction in policy.sanctions)
        or any(transition.stars is StarsThen.KEEP for transition in policy.transitions)
        or any(measure.window.since_award for measure in policy.measures)
        or any(perk.on_downgrade is OnDowngrade.KEEP for perk in policy.perks)
    )


@dataclass(frozen=True, slots=True)
class _Past:
    """A record as the measures took it, kept where something may have to be counted again."""

    past: Counted
    facts: Mapping[str, FactValue]
    matched: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Payment:
    """What a repair cost, or what is gone from an account: from which measure, when, how much."""

    measure: str
    on: date
    amount: int


class Life:
    """A person's counted records in order; ask on days that do not go back.

    `awards` are the stars that were awarded in a review; None where the records themselves tell of applications.
    `lowerings` take from measures what is gone from an account, in the order of the days. A life with either is not
    frozen: reviews and redemptions stand elsewhere.

    A life that was thawed holds no single records. Where a repair or a sanction that cancels points or hours has to
    count them again, it raises HistoryNeededError and is of no use any more: begin again with the whole history.
    """

    def __init__(
        self,
        rulebook: Rulebook,
        volunteer: Volunteer,
        data: Mapping[str, Any] | None = None,
        *,
        awards: Sequence[Awarded] | None = None,
        lowerings: Sequence[Lowering] = (),
    ) -> None:
        """Begin a life, or go on with one from the plain data that `state` returned."""
        policy = rulebook.policy
        self._rulebook, self._policy, self._volunteer = rulebook, policy, volunteer
        self._totals = Totals(policy, None if data is None else data["totals"])
        self._sanctions = Sanctions(rulebook, None if data is None else data["sanctions"]) if policy.sanctions else None
        self._walk: StarWalk | None = None
        walks, self._recounts, self._scored = rulebook.once(_needs_of)
        if policy.stars is not None and walks:
            stars = None if data is None else data["stars"]
            self._walk = StarWalk(rulebook, policy.stars, volunteer, stars, awards=awards)
        self._lowerings = deque(lowerings)
        self._asks_direct = bool(rulebook.asked(AWARD))
        self._today: date | None = None
        self._known_on: date | None = None
        self._known: Mapping[str, FactValue] = {}
        self._looked: date | None = None
        self._restless = self._sanctions is not None or self._walk is not None
        # Records, payments, days on which a star was granted; None where they were not taken along.
        self._kept: list[_Past | _Payment | date] | None = []
        self._last: Order | None = None
        self._last_day: date | None = None
        self._told_granted = 0
        self._repairs: list[RepairResult] = []
        self.records = self.seconds = self.points = 0
        if data is not None:
            self._kept = None
            self._today, self._looked = day_of(data["today"]), day_of(data["looked"])
            self.records, self.seconds, self.points = data["records"], data["seconds"], data["points"]
            repairing = {sanction.clause.id: sanction for sanction in policy.sanctions} if data["repairs"] else {}
            self._repairs = [_repair_of(one, repairing) for one in data["repairs"]]

    # --- records -------------------------------------------------------------------------------------------------

    def add(self, past: Counted) -> None:
        """Count the next record; one that a clause refused says nothing."""
        record, day = past.record, past.record.day
        self._last = record.order
        self._last_day = day if self._last_day is None else max(day, self._last_day)
        if not past.counted:
            return
        facts = past_facts(self._rulebook, record, past.supplied)
        matched = self._rulebook.ask(HISTORY, day, facts, {})
        if self._restless:
            self._go_to(day)
            if self._looked != day:  # windows have moved since the last record
                self._look(day)
        if facts.get("kind") == REPAIR and self._recounts:
            self._repair(past, facts, matched)
        if self._lowerings:
            self._lower(day)
        self._totals.add(day, past.seconds, past.points, facts, matched)
        self.records += 1
        self.seconds += past.seconds
        self.points += past.points
        if self._recounts and self._kept is not None:
            self._kept.append(_Past(past, facts, matched))
        if self._walk is not None and facts.get("kind") in (APPLICATION, SELECTION):
            self._walk.note(record.id, record.organisation, facts, self._shows_enough(day, facts))
        if self._sanctions is not None:
            self._sanctions.serve(day, past.seconds)
            self._look(day)

    # --- questions -----------------------------------------------------------------------------------------------

    def measures(self, day: date) -> dict[str, MeasureValue]:
        """Return every measure on a day."""
        if self._restless:
            self._go_to(day)
        self._lower(day)
        return self._measures(day)

    def conduct(self, day: date) -> Conduct:
        """Return what sanctions have come to on a day."""
        if self._sanctions is None:
            return Conduct()
        self._go_to(day)
        self._look(day)
        return Conduct(self._sanctions.effects(), self._sanctions.states(), tuple(self._repairs))

    def sanctions(self, day: date) -> Mapping[str, FactValue]:
        """Return what conditions may ask of sanctions, as it stands after the records so far."""
        if self._sanctions is None:
            return _NOBODY
        self._go_to(day)
        if self._looked != day:  # windows have moved since the last record
            self._look(day)
        return sanction_facts(self._sanctions.effects())

    def star(self, day: date) -> StarState | None:
        """Return the star held on a day; None where it is simply what the measures reach on that day."""
        if self._walk is None:
            return None
        self._go_to(day)
        self._look(day)
        self._close(day)
        return self._walk.state()

    def star_refusal(
        self, day: date, star: int, *, nominated: bool = False, shown: Mapping[str, FactValue] | None = None
    ) -> StarReason | None:
        """Return why a star may not be granted on a day, None if it may; `shown` is what the application says."""
        if self._walk is None:
            return None
        self.star(day)
        direct = shown is not None and self._shows_enough(day, shown)
        return self._walk.refusal(star, self._holding(day), nominated=nominated, direct=direct)

    @property
    def selected(self) -> frozenset[str]:
        """The commendations in which the person was selected so far."""
        return frozenset() if self._walk is None else frozenset(self._walk.selected)

    @property
    def transitions(self) -> Sequence[TransitionLine]:
        """What changes of rules did to the measures on the way."""
        return self._totals.transitions

    # --- as bytes ------------------------------------------------------------------------------------------------

    def frozen(self) -> bytes:
        """Return the life as bytes, from which it goes on with the next record. Freeze it before asking it anything.

        Asking takes a life to the day asked and ends that day: a record of the same day would come too late.
        """
        person = freezing.person_hash(self._volunteer)
        header = Header(freezing.LIFE, self._policy.digest, self._volunteer.id, person, self._last, self._last_day)
        return freezing.sealed(header, self.state())

    @staticmethod
    def thawed(rulebook: Rulebook, volunteer: Volunteer, state: bytes) -> Life:
        """Return the life that `frozen` wrote; StateError where it is damaged, or of other rules, person or facts."""
        header, body = freezing.opened(state, freezing.LIFE, rulebook.policy.digest, volunteer)
        with freezing.reading_state():
            life = Life(rulebook, volunteer, body)
        life._last, life._last_day = header.last, header.day
        return life

    def state(self) -> dict[str, Any]:
        """Return the life as plain data."""
        return {
            "today": self._today,
            "looked": self._looked,
            "records": self.records,
            "seconds": self.seconds,
            "points": self.points,
            "repairs": [_repair_data(one) for one in self._repairs],
            "totals": self._totals.frozen(),
            "sanctions": None if self._sanctions is None else self._sanctions.frozen(),
            "stars": None if self._walk is None else self._walk.frozen(self._told_granted),
        }

    # --- days ----------------------------------------------------------------------------------------------------

    def _go_to(self, day: date) -> None:
        """Let every day until this one pass, and begin it."""
        if self._today is None:
            self._today = min(day, self._first_day())
            self._begin(self._today)
        if day <= self._today:
            return
        if self._walk is not None:
            self._close(self._today)
            due = self._first_due(self._today)
            while due is not None and due < day:
                self._begin(due)
                self._look(due)
                self._close(due)
                due = self._first_due(due)
        self._today = day
        self._begin(day)

    def _first_day(self) -> date:
        """Ratings begin with the rules, or when somebody registers."""
        start = self._policy.county.in_force_from
        return max(start, self._volunteer.registered_on or start)

    def _first_due(self, after: date) -> date | None:
        """Return the next day on which a star may change though there is no record."""
        star = None if self._walk is None else self._walk.first_due(after)
        end = None if self._sanctions is None else self._sanctions.first_end(after)
        lower = self._lowerings[0].on if self._lowerings else None
        return min((day for day in (star, end, lower) if day is not None), default=None)

    def _begin(self, day: date) -> None:
        self._today = day
        self._lower(day)
        if self._sanctions is not None:
            self._sanctions.pass_to(day)
            self._pardon()
        if self._walk is not None:
            self._walk.open(day)

    def _lower(self, day: date) -> None:
        """Take from measures what is gone by a day."""
        while self._lowerings and self._lowerings[0].on <= day:
            one = self._lowerings.popleft()
            self._totals.pay(one.measure, one.on, one.amount)
            if self._recounts and self._kept is not None:
                self._kept.append(_Payment(one.measure, one.on, one.amount))

    def _look(self, day: date) -> None:
        """Ask whether sanctions begin or end."""
        if self._sanctions is None:
            return
        self._looked = day
        person = self._person(day)
        for begun in self._sanctions.look(day, person, self._with_scores(day, person, SANCTIONS)):
            if self._walk is not None:
                self._walk.sanction(day, begun.effects.star, begun.clause)
            self._cancel(day, begun.effects)
        self._pardon()

    def _pardon(self) -> None:
        held_down = self._sanctions is not None and self._sanctions.effects().star is not OnStar.KEPT
        if self._walk is not None and not held_down:
            self._walk.pardon()

    def _close(self, day: date) -> None:
        """End a day: the star is looked at with all that the day has brought."""
        assert self._walk is not None
        self._walk.close(day, self._holding(day))
        for granted in self._walk.granted_on[self._told_granted :]:
            self._totals.granted(granted)
            if self._recounts and self._kept is not None:
                self._kept.append(granted)
        self._told_granted = len(self._walk.granted_on)

    def _holding(self, day: date) -> frozenset[int]:
        """Return the stars whose conditions hold."""
        person = {**self._person(day), **self._facts_of_sanctions()}
        return frozenset(map(int, self._rulebook.ask(STARS, day, person, self._with_scores(day, person, STARS))))

    def _with_scores(self, day: date, person: Mapping[str, FactValue], ruleset: str) -> Mapping[str, MeasureValue]:
        """Return the measures that a ruleset asks; where it asks a score, all of them."""
        asked = self._rulebook.asked(ruleset)
        if self._scored.isdisjoint(asked):
            return self._totals.on(day, asked)
        measures = self._measures(day)
        return with_scores(measures, scores(self._rulebook, day, person, measures))

    def _person(self, day: date) -> Mapping[str, FactValue]:
        """Return what is known of the person on a day; asked several times a day, and days never go back."""
        if self._known_on != day:
            self._known_on, self._known = day, person_facts(self._volunteer, day, _PERSON)
        return self._known

    def _facts_of_sanctions(self) -> Mapping[str, FactValue]:
        return _NOBODY if self._sanctions is None else sanction_facts(self._sanctions.effects())

    def _shows_enough(self, day: date, facts: Mapping[str, FactValue]) -> bool:
        """Tell whether an application shows what may stand in for the condition of a star."""
        if not self._asks_direct:
            return False
        known = {**facts, **self._person(day), **self._facts_of_sanctions()}
        calendar = self._rulebook.calendar.facts(day, self._rulebook.asked(AWARD))
        return DIRECT in self._rulebook.ask(AWARD, day, {**known, **calendar}, self._measures(day))

    # --- what is counted again -----------------------------------------------------------------------------------

    def _measures(self, day: date) -> dict[str, MeasureValue]:
        return self._totals.on(day)

    def _repair(self, past: Counted, facts: Mapping[str, FactValue], matched: frozenset[str]) -> None:
        """Take the record that a repair names out of what its sanction counts, where it can be paid for."""
        kept = self._all_kept()
        named = str(facts.get(REPAIRED, ""))
        repaired = _named(kept, past, named)
        for sanction in self._policy.sanctions:
            if sanction.repair is not None:
                result = self._repaired(sanction, past, named, repaired)
                self._repairs.append(result)
                if result.reason is RepairReason.REPAIRED and repaired is not None:
                    kept.remove(repaired)
                    kept.append(_Payment(result.measure, result.on, result.paid))
                    self._recount(kept)
                    repaired = None

    def _all_kept(self) -> list[_Past | _Payment | date]:
        if self._kept is None:
            raise HistoryNeededError
        return self._kept

    def _repaired(self, sanction: Sanction, past: Counted, named: str, repaired: _Past | None) -> RepairResult:
        repair, day = sanction.repair, past.record.day
        assert repair is not None
        paid = repair.paid.on(max(day, self._policy.county.in_force_from))
        held = self._measures(day)[repair.of]
        before = held if isinstance(held, int) else 0
        done = [one for one in self._repairs if one.clause == sanction.clause and one.reason is RepairReason.REPAIRED]
        if repaired is None or not self._is_counted(sanction, repaired):
            reason = RepairReason.NOTHING_NAMED
        elif repair.once_per is not Period.RECORD and any(_same(repair.once_per, one.on, day) for one in done):
            reason = RepairReason.USED_UP
        elif before < paid:
            reason = RepairReason.TOO_LITTLE
        else:
            reason = RepairReason.REPAIRED
        after = before - paid if reason is RepairReason.REPAIRED else before
        return RepairResult(
            day, sanction.clause, repair.location, past.record.id, named, reason, repair.of, paid, before, after
        )

    def _is_counted(self, sanction: Sanction, kept: _Past) -> bool:
        """Tell whether a record is one of those that a measure of the sanction's condition picks out."""
        asked = facts_of(sanction.when)
        measures = (measure for measure in self._policy.measures if measure.clause.id in asked)
        return any(m.where is not None and m.clause.id + WHERE in kept.matched for m in measures)

    def _cancel(self, day: date, effects: Effects) -> None:
        """Points or hours that a sanction cancels are worth nothing from then on; the records stay."""
        points, hours = (effect is OnAsset.CANCELLED for effect in (effects.points, effects.hours))
        if not points and not hours:
            return
        worthless = {POINTS: points, HOURS: hours}
        gone = {measure.clause.id for measure in self._policy.measures if worthless.get(measure.of)}
        self._kept = [
            _Past(_without(kept.past, points=points, hours=hours), kept.facts, kept.matched)
            if isinstance(kept, _Past)
            else kept
            for kept in self._all_kept()
            if not isinstance(kept, _Payment) or kept.measure not in gone
        ]
        self._recount(self._kept)

    def _recount(self, everything: Sequence[_Past | _Payment | date]) -> None:
        """Add up again what is kept."""
        self._totals = Totals(self._policy)
        self.records = self.seconds = self.points = 0
        for kept in everything:
            if isinstance(kept, date):
                self._totals.granted(kept)
                continue
            if isinstance(kept, _Payment):
                self._totals.pay(kept.measure, kept.on, kept.amount)
                continue
            past = kept.past
            self._totals.add(past.record.day, past.seconds, past.points, kept.facts, kept.matched)
            self.records += 1
            self.seconds += past.seconds
            self.points += past.points


def _needs_of(policy: Policy) -> tuple[bool, bool, frozenset[str]]:
    """Tell whether a star is remembered, whether records may be counted again, and which measures are scores."""
    cancels = any(OnAsset.CANCELLED in (s.effects.points, s.effects.hours) for s in policy.sanctions)
    recounts = cancels or any(sanction.repair is not None for sanction in policy.sanctions)
    scored = frozenset(measure.clause.id for measure in policy.measures if measure.score is not None)
    return star_is_remembered(policy), recounts, scored


def _named(kept: Sequence[_Past | _Payment | date], past: Counted, named: str) -> _Past | None:
    """Return the record of that name in the same registry."""
    records = (one for one in kept if isinstance(one, _Past))
    key = (past.record.registry, named)
    return next((one for one in records if one.past.record.key == key), None)


def _repair_data(one: RepairResult) -> list[Any]:
    said = [one.on, one.clause.id, one.record, one.names, one.reason.value, one.measure]
    return [*said, amount_data(one.paid), amount_data(one.before), amount_data(one.after)]


def _repair_of(data: Sequence[Any], repairing: Mapping[str, Sanction]) -> RepairResult:
    on, clause, record, names, reason, measure, *amounts = data
    sanction = repairing[clause]
    if sanction.repair is None:
        raise StateError("the state has a repair of what cannot be repaired")
    paid, before, after = map(whole_of, amounts)
    return RepairResult(
        date.fromisoformat(on),
        sanction.clause,
        sanction.repair.location,
        record,
        names,
        RepairReason(reason),
        measure,
        paid,
        before,
        after,
    )


def _without(past: Counted, *, points: bool, hours: bool) -> Counted:
    return Counted(past.record, past.supplied, 0 if hours else past.seconds, 0 if points else past.points, past.counted)


def _same(period: Period | None, one: date, other: date) -> bool:
    return period is None or period_start(period, one) == period_start(period, other)
