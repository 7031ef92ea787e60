"""A fold goes on from bytes as if it had never stopped, and refuses bytes that are not its own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lianxing.engine.continuing import needs_whole_history
from lianxing.engine.counting import Fold, counted, revocations
from lianxing.engine.freezing import VERSION, StateError, amount_data, amount_of
from lianxing.engine.life import Life
from lianxing.engine.matchers import matcher_factory
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.facts import FactValue, RecordId, VolunteerId
from lianxing.rules.records import ServiceRecord, Volunteer
from tests.engine.counties import SOMEBODY, Town, town
from tests.engine.cutting import as_one_life, ends_the_same, goes_on_from_bytes
from tests.engine.test_counting_properties import DRAWN, EARNING, EVERYTHING, EXAMPLES, Drawn, records_of
from tests.policies.proving import COUNTIES, cases_of, policy_of
from tests.shapes.counties import on_disk
from tests.shapes.table import shape, shapes

few = settings(max_examples=max(12, EXAMPLES // 8), deadline=None)


@pytest.mark.parametrize("hours", EVERYTHING)
@few
@given(drawn=DRAWN)
def test_no_cut_changes_what_a_record_is_worth(hours: str, drawn: list[Drawn]) -> None:
    place = town(hours=hours, earning=EARNING)
    goes_on_from_bytes(place.rulebook, SOMEBODY, records_of(place, drawn))


# --- every kind of total over every kind of window, stars, sanctions, changes of rules -------------------------------

TOTALS = (
    "sum: hours",
    "sum: points",
    "sum: hours, best_of: category",
    "count: records",
    "mean: hours",
    "share: {category: training}",
    "largest: points",
    "smallest: hours",
    "first: stamps",
    "last: day",
    "distinct: day",
    "distinct: activity",
    "streak: {of: hours, at_least: 1 hour, per: month, which: longest}",
    "streak: {of: records, at_least: 2, per: week, which: current}",
)
WINDOWS = (
    "all_time",
    "since_award",
    "{calendar: month}",
    "{calendar: calendar_year}",
    "{previous: month}",
    "{rolling: 40 days}",
    "{rolling: 3 months}",
    "{from: 2024-02-01, until: 2024-06-30}",
)
MEASURES = "\n".join(
    f"m{number}_{at}: {{{total}, over: {window}}}"
    for number, total in enumerate(TOTALS)
    for at, window in enumerate(WINDOWS)
)
SERVED = """
served: {sum: hours, over: all_time}
lately: {sum: hours, over: {rolling: 40 days}}
earned: {sum: points, over: all_time}
since: {sum: hours, over: since_award}
absences: {count: records, over: {calendar: month}, where: {kind: no_show}}
found_out: {count: records, over: all_time, where: {kind: misconduct}}
"""
ABSENT = """
absent:
  when: {absences: {at_least: 2}}
  effects: {registration: suspended, star: lowered, points: kept, hours: kept, black_list: no}
  lasts: until_restored
  restored: {waits: 2 months, serves: 3 hours}
found:
  when: {found_out: {at_least: 1}}
  effects: {registration: kept, star: %s, points: %s, hours: kept, black_list: yes}
  lasts: 3 months
"""
REPAIRED = """
dishonest:
  when: {found_out: {at_least: 1}}
  effects: {registration: kept, star: kept, points: kept, hours: kept, black_list: yes}
  lasts: while_true
  repair: {of: served, paid: 1 hours, once_per: calendar_year}
"""
HOURLY = """
- {id: t, points_per_hour: {by: category, training: 0.5, relief: 2, default: 1}}
- {id: r, round: {to: 0.1 points, each: %s, direction: half_up}}
"""
LEVELS = "levels: {1: {served: {at_least: 2 hours}}, 2: {lately: {at_least: 6 hours}}, 3: {since: {at_least: 8 hours}}}"
CHANGES = """
halved: {on_day: 2024-05-01, points: {convert: 0.3}, hours: {convert: 0.5}, stars: rated_again}
cut: {on_day: 2024-08-15, points: {carry_over: {at_most: 9 points}}, hours: {carry_over: {at_most: 7 hours}},
  stars: keep}
over: {on_day: 2024-11-20, points: restart, hours: keep, stars: restart}
"""
ASKING = "- {id: enough, exclude: {lately: {more_than: 20 hours}}}\n- {id: out, exclude: {registration: suspended}}\n"

LIVES = {
    "every measure": {"measures": MEASURES},
    "every measure through changes": {"measures": MEASURES + SERVED, "transition": CHANGES},
    "changes of rules and stars": {
        "measures": SERVED,
        "transition": CHANGES,
        "stars": "award: {by: automatic, below: downgrade, valid: 3 months, number: per_award}\n" + LEVELS,
    },
    "stars that new rules look at again": {
        "measures": SERVED,
        "transition": CHANGES,
        "stars": "award: {by: automatic, below: keep}\nlevels: {1: {lately: {at_least: 1 hour}}}",
    },
    "stars by review, with notice": {
        "measures": SERVED,
        "sanctions": ABSENT % ("cancelled", "kept"),
        "hours": ASKING,
        "stars": "award: {by: review, round_of: quarter, cut_off: '12-24', notice: 7 days, valid: 5 months, "
        "below: downgrade}\n" + LEVELS,
    },
    "stars applied for": {
        "measures": SERVED,
        "sanctions": ABSENT % ("lowered", "kept"),
        "stars": "award: {by: application, sequence: highest, below: keep, automatic_up_to: 1}\n" + LEVELS,
    },
    "points that are cancelled": {"measures": MEASURES + SERVED, "sanctions": ABSENT % ("kept", "cancelled")},
    "misconduct that is repaired": {"measures": SERVED, "sanctions": REPAIRED, "hours": ASKING},
    "limits that roll, and what is found later": {
        "hours": """
- {id: later, revoke: {kind: revocation}}
- {id: waits, hold: {state: reviewed}}
- {id: by_day, split: midnight}
- {id: once, overlap: {rule: merge, touching: yes, within_same: organisation}}
- {id: rolls, limit: {per: {rolling: 4 days}, at_most: 6 hours, overflow: lost, within_same: category}}
- {id: one_a_day, limit_records: {per: day, at_most: 2}}
- {id: whole, round: {to: 30 minutes, each: activity, direction: down}}
""",
        "earning": HOURLY % "month"
        + """
- {id: share, when: {category: training}, limit: {per: calendar_year, at_most_share: 20 %, overflow: lost}}
- {id: each_activity, limit: {per: activity, at_most: 5 points, overflow: donation_pool}}
- {id: most, limit: {per: balance, at_most: 50 points, overflow: lost}}
- id: b
  brackets: {of: hours, each: quarter, part: lost, steps: [{every: 2 hours, points: 1, up_to: 8 hours}]}
""",
        "measures": SERVED,
    },
}

KINDS = ("service", "service", "service", "no_show", "misconduct", "star_application", "repair", "revocation")
Told = tuple[int, int, int, str | None, str, int, str, int]
TOLD = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 400), st.integers(180, 190), st.sampled_from([121, 122])),  # 121: the first change
        st.integers(0, 1439),
        st.sampled_from([0, 30, 61, 120, 480, 1440]),
        st.sampled_from((None, "training", "relief", "culture")),
        st.sampled_from(("", "A", "B")),
        st.sampled_from((0, 1, 2, 3)),
        st.sampled_from(KINDS),
        st.integers(0, 12),
    ),
    max_size=14,
)


def told(place: Town, drawn: list[Told]) -> list[ServiceRecord]:
    """Return the drawn records in order: days of 2024, lengths, and what they say; some name another one."""
    first = place.instant("2024-01-01 00:00")
    records = []
    for number, (day, minute, length, category, activity, stamps, kind, names) in enumerate(drawn):
        facts: dict[str, FactValue] = {"kind": kind, "stamps": stamps, "star_applied": stamps, "decision": "passed"}
        facts |= {} if category is None else {"category": category}
        facts |= {"revokes": str(names)} if kind in ("repair", "revocation") else {}
        facts |= {"state": "reviewed"} if stamps == 3 else {}
        began = first + day * 86_400 + minute * 60
        record = ServiceRecord(
            id=RecordId(str(number)),
            registry=place.record("2024-01-01").registry,
            volunteer=SOMEBODY.id,
            county=place.policy.county.id,
            started_at=began,
            ended_at=began + length * 60,
            day=date.fromordinal(date(2024, 1, 1).toordinal() + day),
            seconds=length * 60,
            timed=bool(length),
            activity=activity,
            organisation=activity,
            facts=facts,
        )
        records.append(record)
    return sorted(records, key=lambda record: record.order)


@pytest.mark.parametrize("life", LIVES)
@few
@given(drawn=TOLD)
def test_no_cut_changes_a_measure_a_star_or_a_sanction(life: str, drawn: list[Told]) -> None:
    place = town("Asia/Shanghai", None, **{"earning": HOURLY % "record"} | LIVES[life])
    goes_on_from_bytes(place.rulebook, SOMEBODY, told(place, drawn))


@pytest.mark.parametrize("county", COUNTIES)
def test_no_cut_changes_the_cases_of_a_county_one_by_one_or_lived_through_by_one_person(county: str) -> None:
    with Rulebook(policy_of(county), matcher_factory("plain")) as rulebook:
        for case in cases_of(county):
            goes_on_from_bytes(rulebook, case.volunteer, sorted(case.records, key=lambda record: record.order))
        ends_the_same(rulebook, SOMEBODY, as_one_life(cases_of(county), SOMEBODY))


@pytest.mark.parametrize("id", [one.id for one in shapes() if one.cases])
def test_no_cut_changes_the_cases_of_a_rule_shape(id: str, tmp_path: Path) -> None:
    policy, cases = on_disk(shape(id), tmp_path).loaded()
    with Rulebook(policy, matcher_factory("plain")) as rulebook:
        for case in cases:
            goes_on_from_bytes(rulebook, case.volunteer, sorted(case.records, key=lambda record: record.order))
        ends_the_same(rulebook, SOMEBODY, as_one_life(cases, SOMEBODY))


# --- what is refused --------------------------------------------------------------------------------------------------


THIS_VERSION, LATER_VERSION = (b'["fold",%d,' % version for version in (VERSION, VERSION + 1))


def state_of(place: Town, person: Volunteer = SOMEBODY) -> bytes:
    fold = Fold(place.rulebook, person)
    fold.assess(place.record("2024-06-15 09:00", "11:00", id="R1"), {})
    return fold.frozen()


@pytest.mark.parametrize(
    "damage",
    [
        lambda state: b"",
        lambda state: b"no state at all",
        lambda state: state[:-1],
        lambda state: state[:80],
        lambda state: state.replace(b"2024-06-15", b"2024-06-16"),
        lambda state: state.replace(THIS_VERSION, LATER_VERSION),
        lambda state: b"0" * 64 + state[64:],
        lambda state: state + b"\n",
        lambda state: b"\x80\x04" + state,
    ],
)
def test_bytes_that_are_damaged_or_of_another_version_are_refused(damage: Callable[[bytes], bytes]) -> None:
    place = town()
    with pytest.raises(StateError):
        Fold.thawed(place.rulebook, SOMEBODY, damage(state_of(place)))


def test_a_later_version_is_refused_though_it_is_whole() -> None:
    place = town()
    lines = state_of(place).split(b"\n", 1)[1].replace(THIS_VERSION, LATER_VERSION)
    later = hashlib.sha256(lines).hexdigest().encode() + b"\n" + lines
    with pytest.raises(StateError, match=f"version {VERSION + 1}, not {VERSION}"):
        Fold.thawed(place.rulebook, SOMEBODY, later)


def test_a_whole_state_that_says_nonsense_is_refused() -> None:
    place = town()
    header, _body = state_of(place).split(b"\n", 1)[1].split(b"\n")
    lines = header + b'\n{"tallies":{"by_period":[["cap","2024-13-01","",1]]}}'
    nonsense = hashlib.sha256(lines).hexdigest().encode() + b"\n" + lines
    with pytest.raises(StateError, match="cannot be read"):
        Fold.thawed(place.rulebook, SOMEBODY, nonsense)


@pytest.mark.parametrize(
    ("person", "what"),
    [
        (replace(SOMEBODY, id=VolunteerId("V2")), "volunteer"),
        (replace(SOMEBODY, registered_on=date(2022, 4, 1)), "facts of the volunteer"),
        (replace(SOMEBODY, born_on=None), "facts of the volunteer"),
        (replace(SOMEBODY, facts={"care_group": "empty_nest"}), "facts of the volunteer"),
    ],
)
def test_a_state_of_somebody_else_or_of_other_facts_is_refused(person: Volunteer, what: str) -> None:
    place = town()
    with pytest.raises(StateError, match=f"another {what}"):
        Fold.thawed(place.rulebook, person, state_of(place))
    assert needs_whole_history(place.rulebook, person, state_of(place), [])


def test_a_state_of_another_policy_is_refused_and_so_is_one_of_a_life_where_a_fold_is_asked() -> None:
    place, other = town(), town(hours="- {id: cap, limit: {per: day, at_most: 8 hours, overflow: lost}}")
    with pytest.raises(StateError, match="another policy"):
        Fold.thawed(other.rulebook, SOMEBODY, state_of(place))
    with pytest.raises(StateError, match="another kind"):
        Fold.thawed(place.rulebook, SOMEBODY, Life(place.rulebook, SOMEBODY).frozen())


# --- what calls for the whole history -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "facts", "needed"),
    [
        ("2024-06-15 08:59", {}, True),
        ("2024-06-15 09:00", {}, False),
        ("2024-06-16 09:00", {}, False),
        ("2024-06-16 09:00", {"revokes": "R1"}, True),
        ("2024-06-16 09:00", {"kind": "repair"}, True),
        ("2024-06-16 09:00", {"kind": "no_show"}, False),
    ],
)
def test_late_records_and_such_as_name_another_call_for_the_whole_history(
    start: str, facts: dict[str, str], needed: bool
) -> None:
    place = town(hours="- {id: later, revoke: {kind: revocation}}", measures=SERVED, sanctions=REPAIRED)
    new = place.record(start, minutes=60, id="R2", **facts)
    assert needs_whole_history(place.rulebook, SOMEBODY, state_of(place), [(new, {})]) is needed


def test_a_question_about_a_day_before_the_last_record_calls_for_the_whole_history() -> None:
    place = town()
    state = state_of(place)
    asked = [date(2024, 6, 14), date(2024, 6, 15), date(2024, 6, 16)]
    assert [needs_whole_history(place.rulebook, SOMEBODY, state, [], on) for on in asked] == [True, False, False]


def test_a_record_that_was_taken_out_before_it_came_is_refused_after_a_thaw() -> None:
    place = town(hours="- {id: later, revoke: {kind: revocation}}")
    first = place.record("2024-06-15 09:00", minutes=0, id="R1", kind="revocation", revokes="R2")
    fold = Fold(place.rulebook, SOMEBODY, revocations(place.rulebook, SOMEBODY, [(first, {})]))
    fold.assess(first, {})
    thawed = Fold.thawed(place.rulebook, SOMEBODY, fold.frozen())
    refused = thawed.assess(place.record("2024-06-16 09:00", "11:00", id="R2"), {}).refusals
    assert [(one.clause, one.reason, dict(one.details)["other"]) for one in refused] == [("later", "revoked", "R1")]


# --- what is let go -------------------------------------------------------------------------------------------------

BUSY = """
- {id: by_day, split: midnight}
- {id: once, overlap: {rule: merge, touching: yes}}
- {id: halves, round: {to: 30 minutes, each: record, direction: down}}
- {id: day, limit: {per: day, at_most: 8 hours, overflow: lost}}
- {id: rolls, limit: {per: {rolling: 30 days}, at_most: 200 hours, overflow: lost}}
"""


def length_after(place: Town, days: int) -> tuple[int, int]:
    """Return the lengths of the states after two records a day."""
    fold, life = Fold(place.rulebook, SOMEBODY), Life(place.rulebook, SOMEBODY)
    for day in range(days):
        on = date.fromordinal(date(2024, 1, 1).toordinal() + day)
        for start, end in (("09:00", "10:10"), ("23:00", "01:00")):
            record = place.record(f"{on} {start}", end, activity=f"A{day % 5}", category="training")
            life.add(counted(fold.assess(record, {})))
    return len(fold.frozen()), len(life.frozen())


def test_a_state_does_not_grow_with_what_is_over() -> None:
    measures = "\n".join(
        f"m{number}_{at}: {{{total}, over: {window}}}"
        for number, total in enumerate(TOTALS)
        for at, window in enumerate(("all_time", "{calendar: month}", "{rolling: 40 days}"))
    )
    place = town(hours=BUSY, earning=HOURLY % "record", measures=measures)
    early, late = length_after(place, 100), length_after(place, 1000)
    assert all(after < before * 1.1 for before, after in zip(early, late, strict=True)), (early, late)


# --- values -----------------------------------------------------------------------------------------------------------


@given(st.one_of(st.integers(), st.fractions()))
def test_amounts_go_through_exactly(amount: int | Fraction) -> None:
    assert amount_of(amount_data(amount)) == amount
