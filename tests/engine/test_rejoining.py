"""A record that comes late is folded until the fold comes back to what it was, and comes to what a whole fold gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lianxing.engine import carrying
from lianxing.engine.bank.comparing import Found
from lianxing.engine.bank.kept_folds import Records, differing
from lianxing.engine.carrying import Folded, folded
from lianxing.engine.counting import Fold, Supplied
from lianxing.engine.freezing import HistoryNeededError
from lianxing.engine.ledger.drafts import Booking
from lianxing.engine.ledger.stored import Held
from lianxing.engine.ledger.witnesses import KeptFold
from lianxing.engine.recounting import Change
from lianxing.engine.rejoining import rejoined
from lianxing.engine.shifting import Body
from lianxing.engine.standings import standing_after
from lianxing.engine.windows_beside import extremes
from lianxing.rules.assessments import Assessment
from lianxing.rules.facts import FactValue, RecordId
from lianxing.rules.records import ServiceRecord, Volunteer
from tests.engine.counties import SOMEBODY, Town, town
from tests.engine.test_counting_properties import EXAMPLES
from tests.engine.test_freezing import ABSENT, ASKING, CHANGES, HOURLY, LEVELS, LIVES, SERVED

FIRST_DAY = date(2024, 1, 1)
DAYS = """
- {id: once, overlap: {rule: first, touching: no}}
- {id: day, limit: {per: day, at_most: 3 hours, overflow: lost}}
- {id: month, limit: {per: month, at_most: 12 hours, overflow: lost}}
"""
TAKEN = "- {id: fine, add: {by: category, culture: -3, default: 0}}\n"
ADDED_UP = """
served: {sum: hours, over: all_time}
earned: {sum: points, over: all_time}
found_out: {count: records, over: all_time, where: {kind: misconduct}}
days: {distinct: day, over: all_time}
long: {share: {category: relief}, over: all_time}
this_month: {sum: hours, over: {calendar: month}}
"""
LOOKING_BACK = """
served: {sum: hours, over: all_time}
lately: {sum: hours, over: {rolling: 30 days}}
ten_days: {count: records, over: {rolling: 10 days}}
relief_hours: {sum: hours, over: {calendar: calendar_year}, where: {category: relief}}
relief: {share: {category: relief}, over: {rolling: 2 months}}
days_lately: {count: records, over: {rolling: 90 days}}
year: {sum: hours, over: {calendar: calendar_year}}
mean: {mean: hours, over: {rolling: 3 months}}
points: {sum: points, over: {calendar: quarter}}
"""
FOUND = """
found:
  when: {found_out: {at_least: 2}}
  effects: {registration: suspended, star: lowered, points: %s, hours: kept, black_list: no}
  lasts: until_restored
  restored: {waits: 1 months, serves: 3 hours}
"""
HIGH = "levels: {1: {served: {at_least: 20 hours}}, 2: {served: {at_least: 60 hours}}, 3: {earned: {at_least: %s}}}"

POLICIES = {
    "a day and a month": {
        "hours": DAYS,
        "measures": ADDED_UP,
        "stars": "award: {by: automatic, below: keep}\n" + HIGH % "90 points",
    },
    "points that fall": {
        "earning": HOURLY % "record" + TAKEN,
        "measures": ADDED_UP,
        "stars": "award: {by: automatic, below: keep}\n" + HIGH % "20 points",
    },
    "stars for grants, and points that are cancelled": {
        "measures": ADDED_UP,
        "sanctions": FOUND % "cancelled",
        "stars": "award: {by: automatic, sequence: highest, below: keep}\ngrants: {1: 5 points}\n" + HIGH % "80 points",
    },
    "one by one, with notice": {
        "measures": ADDED_UP,
        "sanctions": FOUND % "kept",
        "stars": "award: {by: automatic, sequence: one_by_one, notice: 5 days, below: downgrade, valid: 4 months}\n"
        + HIGH % "30 points",
    },
    "a sanction that much service brings": {
        "measures": ADDED_UP,
        "sanctions": "much: {when: {served: {at_least: 40 hours}}, effects: {registration: suspended, star: lowered, "
        "points: cancelled, hours: kept, black_list: no}, lasts: 2 months}\n",
        "stars": "award: {by: automatic, below: downgrade}\n" + HIGH % "30 points",
    },
    "too little service": {
        "measures": ADDED_UP,
        "sanctions": "little: {when: {served: {at_most: 30 hours}, found_out: {at_least: 1}}, effects: "
        "{registration: suspended, star: cancelled, points: kept, hours: kept, black_list: no}, lasts: while_true}\n",
        "stars": "award: {by: automatic, below: downgrade}\n" + HIGH % "30 points",
    },
    "days, and shares that are asked": {
        "measures": ADDED_UP,
        "stars": "award: {by: automatic, below: keep}\nlevels: {1: {days: {at_least: 9}}, 2: {days: {at_least: 20}}, "
        "3: {long: {at_least: 30 %}}}",
    },
    "windows that are asked": {
        "measures": LOOKING_BACK,
        "stars": "award: {by: automatic, below: downgrade, valid: 2 months}\n"
        "levels: {1: {lately: {at_least: 5 hours}}, 2: {relief: {at_least: 30 %}}, "
        "3: {lately: {at_least: 9 hours}}, 4: {year: {at_least: 50 hours}}}",
    },
    "short windows that are asked": {
        "measures": LOOKING_BACK,
        "stars": "award: {by: automatic, below: downgrade, valid: 2 months}\nlevels: {1: {ten_days: {at_least: 2}}, "
        "2: {ten_days: {at_least: 4}}, 3: {relief_hours: {at_least: 10 hours}}, 4: {days_lately: {at_least: 15}}}",
    },
    "windows that nobody asks": {
        "measures": LOOKING_BACK,
        "stars": "award: {by: automatic, below: keep}\nlevels: {1: {served: {at_least: 30 hours}}}",
    },
    "changes of rules": {
        "hours": DAYS,
        "measures": SERVED,
        "transition": CHANGES,
        "stars": "award: {by: automatic, below: downgrade, valid: 3 months, number: per_award}\n" + LEVELS,
    },
    "a balance": {
        "earning": HOURLY % "record" + "- {id: most, limit: {per: balance, at_most: 90 points, overflow: lost}}\n",
        "measures": SERVED,
    },
    "an activity": {"hours": "- {id: a, limit: {per: activity, at_most: 8 hours, overflow: lost}}\n"},
    "conditions of records that ask": {"measures": SERVED, "hours": ASKING, "sanctions": ABSENT % ("lowered", "kept")},
} | {f"lives: {name}": chapters for name, chapters in LIVES.items()}


@dataclass
class Kept:
    """What a ledger keeps of one person: what is booked, and where their fold stood."""

    place: Town
    person: Volunteer = SOMEBODY
    held: dict[tuple[str, str], Held] = field(default_factory=dict)
    marks: dict[date, bytes] = field(default_factory=dict)
    state: bytes = b""
    rejoined: int = 0
    people: list[Volunteer] = field(default_factory=list)  # who the person was known as

    def take(self, *records: ServiceRecord) -> None:
        """Take in records, and hold what comes out of it against a fold of everything."""
        rulebook, held = self.place.rulebook, list(self.held.values())
        self.people.append(self.person)
        changes = [Change(record, {}) for record in records]
        whole = folded(rulebook, self.person, held, changes)
        assert whole is not None
        found = self._rejoined(changes) if self.state else None
        if found is not None:
            self.rejoined += 1
            assert [as_booked(one) for one in found.recount.bookings] == [
                as_booked(one) for one in whole.recount.bookings
            ]
            assert found.recount.assessments == whole.recount.assessments
            assert found.state == whole.state
            self._stands_the_same(found, whole)
        self._keep(found or whole, min(record.day for record in records))
        assert self.differing() is None

    def _rejoined(self, changes: list[Change]) -> Folded | None:
        first = min(change.record.day for change in changes)
        before = [state for day, state in sorted(self.marks.items()) if day < first]
        later = [state for day, state in self.marks.items() if day >= first]

        def read(since: date | None, until: date) -> list[Held]:
            of_days = [one for one in self.held.values() if (since or date.min) <= one.record.day <= until]
            return sorted(of_days, key=lambda one: one.record.order)

        end = before[-1] if before else None
        return rejoined(self.place.rulebook, self.person, changes, end, later, self.state, read)

    def _stands_the_same(self, found: Folded, whole: Folded) -> None:
        records = [one.record for one in self.held.values()] + [one.record for one in found.recount.bookings]
        on = max(record.day for record in records) + timedelta(days=40)
        try:
            there = standing_after(self.place.rulebook, self.person, found.life, on)
        except HistoryNeededError:
            return
        assert there == standing_after(self.place.rulebook, self.person, whole.life, on)

    def _keep(self, found: Folded, first: date) -> None:
        for booking in found.recount.bookings:
            before = self.held.get(booking.record.key)
            self.held[booking.record.key] = Held(
                booking.record,
                {},
                len(self.held) + 1 if before is None else before.entry,
                booking.seconds + (0 if before is None else before.seconds),
                booking.points + (0 if before is None else before.points),
                booking.policy_digest,
                booking.counted,
                1,
            )
            first = min(first, booking.record.day)
        self.marks = {day: state for day, state in self.marks.items() if day < first} | dict(found.marks)
        self.state = found.state

    def differing(self) -> Found | None:
        """Return in what that which is kept is not what a fold of everything comes to, as `verify` looks for it."""
        digest = self.place.policy.digest
        kept = [KeptFold(digest, day.isoformat(), 0, state) for day, state in self.marks.items()]
        records = Records(self.people, list(self.held.values()), 1, 1)
        return differing({digest: self.place.rulebook}, records, [*kept, KeptFold(digest, "", 1, self.state)])


def as_booked(one: Booking) -> tuple[object, ...]:
    return one.kind, one.record.key, one.seconds, one.points, one.body, one.adjusts, one.counted, one.policy_digest


def history(place: Town, drawn: Random, length: int, days: int) -> list[ServiceRecord]:
    """Return so many records of so many days, in order."""
    midnight = place.instant(f"{FIRST_DAY} 00:00")
    records = []
    for number in range(length):
        day, minutes = drawn.randrange(days), drawn.choice((0, 30, 61, 120, 240))
        started_at = midnight + day * 86_400 + drawn.randrange(1200) * 60
        facts: dict[str, FactValue] = {
            "kind": drawn.choice(("service",) * 12 + ("no_show", "misconduct", "star_application")),
            "stamps": drawn.randrange(3),
            "star_applied": drawn.randrange(4),
            "decision": "passed",
        }
        if drawn.random() < 0.02:
            facts |= {"kind": drawn.choice(("repair", "revocation")), "revokes": str(drawn.randrange(length))}
        category = drawn.choice((None, "training", "relief", "culture"))
        facts |= {} if category is None else {"category": category}
        records.append(
            ServiceRecord(
                id=RecordId(str(number)),
                registry=place.record("2024-01-01").registry,
                volunteer=SOMEBODY.id,
                county=place.policy.county.id,
                started_at=started_at,
                ended_at=started_at + minutes * 60,
                day=FIRST_DAY + timedelta(days=day),
                seconds=minutes * 60,
                timed=bool(minutes),
                activity=drawn.choice(("", "A", "B")),
                organisation=drawn.choice(("", "A", "B")),
                facts=facts,
            )
        )
    return sorted(records, key=lambda record: record.order)


@pytest.fixture(autouse=True)
def _marked_often(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patched:
        patched.setattr(carrying, "MARKED_EVERY", 3)
        yield


def test_what_may_come_and_leave_between_two_marks_is_not_guessed() -> None:
    place = town("Asia/Shanghai", None, measures="lately: {sum: hours, over: {rolling: 10 days}}")
    (measure,) = place.policy.measures

    def state(day: str, *held: tuple[str, int]) -> Body:
        days, amounts = zip(*held, strict=True)
        data = {"held": [days, amounts, [], [1] * len(days)], "sum": sum(amounts), "count": len(days)}
        return {"totals": {"day": day, "running": {"lately": data}}}

    was, shift = state("2024-01-09", ("2024-01-01", 7), ("2024-01-09", 2)), {"2024-01-02": (5, 1)}
    soon, later = state("2024-01-12", ("2024-01-09", 2), ("2024-01-12", 1)), state("2024-01-19", ("2024-01-19", 1))
    assert extremes(measure, shift, was, soon) == (2, 7 + 2 + 1 + 5)
    assert extremes(measure, shift, was, later) is None


@pytest.mark.parametrize("policy", POLICIES)
@settings(max_examples=max(2, EXAMPLES // 60), deadline=None)
@given(seed=st.integers(0, 2**32), days=st.sampled_from((20, 150, 500)))
def test_what_comes_late_comes_to_what_a_whole_fold_gives(policy: str, seed: int, days: int) -> None:
    some_come_late(policy, seed, days)


def some_come_late(policy: str, seed: int, days: int) -> Kept:
    """Take in most of somebody's records in order, and the others late."""
    place = town("Asia/Shanghai", None, **{"earning": HOURLY % "record"} | POLICIES[policy])
    drawn = Random(seed)
    records = history(place, drawn, 30 if days < 100 else 60, days)
    late = drawn.sample(records, 4)
    kept = Kept(place)
    kept.take(*(record for record in records if record not in late))
    kept.take(*late[:2])
    kept.take(late[2])
    kept.take(late[3])
    return kept


@pytest.mark.parametrize(("naming", "named", "late"), [(0, 12, 0), (20, 3, 3), (20, 30, 30), (2, 12, 12)])
def test_what_takes_out_another_record_is_never_passed_over(naming: int, named: int, late: int) -> None:
    place = town("Asia/Shanghai", None, hours="- {id: later, revoke: {kind: revocation}}", measures=ADDED_UP)
    records = [replace(one, facts={"kind": "service"}) for one in history(place, Random(1), 40, 200)]
    says: dict[str, FactValue] = {"kind": "revocation", "revokes": records[named].id}
    records[naming] = replace(records[naming], facts=says)
    comes = records.pop(late)
    kept = Kept(place)
    kept.take(*records)
    kept.take(comes)
    assert not kept.held["test", records[named - (late < named)].id if named != late else comes.id].counted


def test_what_is_booked_by_other_facts_of_the_person_is_booked_anew() -> None:
    """A late record books later ones as they are worth by now: nothing is passed over that is booked otherwise."""
    place = town("Asia/Shanghai", None, hours="- {id: adults, exclude: {age: {less_than: 18}}}", measures=ADDED_UP)
    records = history(place, Random(7), 40, 300)
    late = records.pop(5)
    kept = Kept(place, replace(SOMEBODY, born_on=date(2015, 1, 1)))
    kept.take(*records[:20])
    kept.person = SOMEBODY
    kept.take(*records[20:])
    kept.take(late)
    assert kept.rejoined == 0
    assert all(one.counted for one in kept.held.values() if one.record.order > late.order)


def test_little_is_worked_out_of_what_a_late_record_cannot_touch(monkeypatch: pytest.MonkeyPatch) -> None:
    place = town("Asia/Shanghai", None, **{"earning": HOURLY % "record"} | POLICIES["a day and a month"])
    records = [one for one in history(place, Random(3), 300, 900) if "revokes" not in one.facts]
    late = records.pop(100)
    kept = Kept(place)
    kept.take(*records)
    found: list[ServiceRecord] = []
    assess = Fold.assess

    def noting(self: Fold, record: ServiceRecord, supplied: Supplied) -> Assessment:
        found.append(record)
        return assess(self, record, supplied)

    with monkeypatch.context() as patched:
        patched.setattr(Fold, "assess", noting)
        rejoining = kept._rejoined([Change(late, {})])
    assert rejoining is not None
    assert len(found) < 25
