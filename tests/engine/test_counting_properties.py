"""What holds for any records whatever: no step invents time or points, and every explanation adds up again."""

from __future__ import annotations

import os
from collections import defaultdict
from datetime import date
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lianxing.engine.explaining import body_of
from lianxing.engine.readding import readd
from lianxing.engine.reading.hours import ROUND_PERIODS
from lianxing.engine.rounding import rounded
from lianxing.rules.assessments import Assessment
from lianxing.rules.facts import RecordId
from lianxing.rules.hours import Direction
from lianxing.rules.periods import Period, period_start
from lianxing.rules.records import ServiceRecord
from tests.engine.counties import SOMEBODY, Town, town

EXAMPLES = 3_000 if os.environ.get("LIANXING_LONG") else 150
examples = settings(max_examples=EXAMPLES, deadline=None)

MIDNIGHT = town().instant("2024-12-30 00:00")
CATEGORIES = (None, "training", "relief", "culture")

# Minutes since Monday, 30 December 2024: a week over the turn of the year; minutes of service; category; activity.
Drawn = tuple[int, int, str | None, str]
DRAWN: st.SearchStrategy[list[Drawn]] = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 7 * 1440), st.sampled_from([0, 1440, 2880, 1439, 4320])),
        st.one_of(st.integers(0, 1500), st.sampled_from([0, 1, 29, 30, 31, 60, 480, 1440, 1500])),
        st.sampled_from(CATEGORIES),
        st.sampled_from(("", "A", "B")),
    ),
    max_size=12,
)


def records_of(place: Town, drawn: list[Drawn]) -> list[ServiceRecord]:
    """Return the drawn records in order."""
    made = [
        ServiceRecord(
            id=RecordId(str(number)),
            registry=place.record("2024-12-30").registry,
            volunteer=SOMEBODY.id,
            county=place.policy.county.id,
            started_at=MIDNIGHT + start * 60,
            ended_at=MIDNIGHT + (start + length) * 60,
            day=date.fromordinal(date(2024, 12, 30).toordinal() + start // 1440),
            seconds=length * 60,
            activity=activity,
            facts={} if category is None else {"category": category},
        )
        for number, (start, length, category, activity) in enumerate(drawn)
    ]
    return sorted(made, key=lambda record: record.order)


EARNING = """
- {id: t, points_per_hour: {by: category, training: 0.5, relief: 2, default: 1}}
- {id: m, multiply: {by: category, culture: 1.25, default: 1}}
- {id: r, round: {to: 0.1 points, each: record, direction: half_up}}
- {id: cap, limit: {per: month, at_most: 12 points, overflow: lost}}
"""
EVERYTHING = (
    """
- {id: not_minors, exclude: {age: {less_than: 18}}}
- {id: by_day, split: midnight}
- {id: once, overlap: {rule: first, touching: no}}
- {id: halves, round: {to: 30 minutes, each: record, direction: down}}
- {id: day, limit: {per: day, at_most: 8 hours, overflow: lost}}
""",
    """
- {id: once, overlap: {rule: merge, touching: yes}}
- {id: hundredths, round: {to: 36 seconds, each: running_total, direction: half_up}}
- {id: activity, when: {category: training}, limit: {per: activity, at_most: 3 hours, overflow: lost}}
- {id: week, limit: {per: week, at_most: 20 hours, overflow: lost}}
""",
    """
- {id: by_day, split: midnight}
- {id: once, overlap: {rule: refuse, touching: no}}
- {id: days, round: {to: 15 minutes, each: day, direction: up}}
""",
)


@pytest.mark.parametrize("hours", EVERYTHING)
@examples
@given(drawn=DRAWN)
def test_every_explanation_adds_up_again(hours: str, drawn: list[Drawn]) -> None:
    place = town(hours=hours, earning=EARNING)
    for found in place.assess(*records_of(place, drawn)):
        assert readd(body_of(found)) == (found.seconds, found.points)
        assert found.seconds >= 0
        assert found.points >= 0


@pytest.mark.parametrize("hours", EVERYTHING)
@examples
@given(drawn=DRAWN)
def test_the_same_records_are_worth_the_same_whenever_they_are_asked(hours: str, drawn: list[Drawn]) -> None:
    place = town(hours=hours, earning=EARNING)
    records = records_of(place, drawn)
    assert place.assess(*records) == place.assess(*records)


@examples
@given(drawn=DRAWN, cuts=st.lists(st.integers(1, 59), max_size=3))
def test_splitting_a_record_never_earns_more_where_rounding_goes_down(drawn: list[Drawn], cuts: list[int]) -> None:
    place = town(hours="- {id: halves, round: {to: 30 minutes, each: record, direction: down}}")
    for start, length, category, activity in drawn:
        bounds = sorted({0, length, *(cut * length // 60 for cut in cuts)})
        pieces = [(start + a, b - a, category, activity) for a, b in pairwise(bounds)]
        (whole,) = place.assess(*records_of(place, [(start, length, category, activity)]))
        assert sum(a.seconds for a in place.assess(*records_of(place, pieces))) <= whole.seconds


@pytest.mark.parametrize("per", list(Period))
@examples
@given(drawn=DRAWN)
def test_a_limit_is_never_exceeded_in_its_period_and_never_leaves_out_what_still_fits(
    per: Period, drawn: list[Drawn]
) -> None:
    most = 3 * 3600
    place = town(hours=f"- {{id: cap, limit: {{per: {per.value}, at_most: 3 hours, overflow: lost}}}}")
    wanted: dict[object, int] = defaultdict(int)
    given_: dict[object, int] = defaultdict(int)
    for found in place.assess(*records_of(place, drawn)):
        key = period_of(per, found.record)
        wanted[key] += found.record.seconds
        given_[key] += found.seconds
    assert given_ == {key: min(amount, most) for key, amount in wanted.items()}


def period_of(per: Period, record: ServiceRecord) -> object:
    if per is Period.RECORD or (per is Period.ACTIVITY and not record.activity):
        return record.id
    return record.activity if per is Period.ACTIVITY else period_start(per, record.day)


@pytest.mark.parametrize("direction", list(Direction))
@pytest.mark.parametrize("per", ROUND_PERIODS)
@examples
@given(drawn=DRAWN)
def test_rounding_over_a_period_is_rounding_its_sum(per: Period, direction: Direction, drawn: list[Drawn]) -> None:
    step = f"round: {{to: 25 minutes, each: {per.value}, direction: {direction.value}}}"
    place = town(hours=f"- {{id: step, {step}}}")
    reported: dict[object, int] = defaultdict(int)
    given_: dict[object, int] = defaultdict(int)
    for found in place.assess(*records_of(place, drawn)):
        key = period_of(per, found.record)
        reported[key] += found.record.seconds
        given_[key] += found.seconds
    assert given_ == {key: rounded(amount, 1500, direction) for key, amount in reported.items()}


@examples
@given(drawn=DRAWN)
def test_the_parts_of_a_record_add_up_to_it_and_each_lies_on_one_day(drawn: list[Drawn]) -> None:
    place = town(hours="- {id: by_day, split: midnight}")
    for found in place.assess(*records_of(place, drawn)):
        assert found.seconds == found.record.seconds
        assert all(0 < working.after <= 86_400 for working in found.workings)
        assert len({dict(working.operands)["day"] for working in found.workings}) == len(found.workings)


@pytest.mark.parametrize("split", ["", "- {id: by_day, split: midnight}\n"])
@pytest.mark.parametrize("rule", ["first", "merge"])
@examples
@given(drawn=DRAWN)
def test_time_served_once_is_as_long_as_the_union_of_the_intervals(rule: str, split: str, drawn: list[Drawn]) -> None:
    place = town(hours=split + f"- {{id: once, overlap: {{rule: {rule}, touching: no}}}}")
    minutes = {minute for start, length, _, _ in drawn for minute in range(start, start + length)}
    assert sum(place.minutes(*records_of(place, drawn))) == len(minutes)


@pytest.mark.parametrize("touching", [False, True])
@examples
@given(drawn=DRAWN)
def test_of_overlapping_records_only_such_are_left_that_do_not_overlap(touching: bool, drawn: list[Drawn]) -> None:
    word = "yes" if touching else "no"
    place = town(hours=f"- {{id: once, overlap: {{rule: refuse, touching: {word}}}}}")
    left: list[ServiceRecord] = []
    for found in place.assess(*records_of(place, drawn)):
        record = found.record
        met = [earlier for earlier in left if meets(earlier, record, touching)]
        assert found.counted is not bool(met)
        if found.counted and record.seconds:
            left.append(record)


def meets(earlier: ServiceRecord, record: ServiceRecord, touching: bool) -> bool:
    if record.seconds == 0:
        return False
    if touching:
        return record.started_at <= earlier.ended_at
    return record.started_at < earlier.ended_at


@examples
@given(drawn=DRAWN)
def test_the_hours_of_a_day_are_never_longer_than_the_day(drawn: list[Drawn]) -> None:
    place = town(
        hours="""
- {id: by_day, split: midnight}
- {id: once, overlap: {rule: merge, touching: yes}}
"""
    )
    served: dict[str, int] = defaultdict(int)
    for found in place.assess(*records_of(place, drawn)):
        for part, day, seconds in parts_of(found):
            served[day] += seconds
            assert part >= 0
    assert all(seconds <= 86_400 for seconds in served.values())


def parts_of(found: Assessment) -> list[tuple[int, str, int]]:
    days: dict[int, str] = {0: str(found.record.day)}
    amounts: dict[int, int] = {0: found.record.seconds}
    for working in found.workings:
        if working.operation == "split":
            days[working.part] = str(dict(working.operands)["day"])
        amounts[working.part] = int(working.after)
    refused = {refusal.part for refusal in found.refusals}
    return [(part, day, amounts[part]) for part, day in days.items() if part not in refused]


@examples
@given(drawn=DRAWN, rate=st.fractions(0, 100, max_denominator=100).filter(lambda f: (f * 100).denominator == 1))
def test_points_are_time_times_rate_rounded_once(drawn: list[Drawn], rate: Fraction) -> None:
    text = f"{rate.numerator * 100 // rate.denominator / 100:.2f}"
    rounding = "- {id: r, round: {to: 0.01 points, each: record, direction: half_up}}"
    place = town(earning=f"- {{id: t, points_per_hour: {text}}}\n{rounding}")
    for found in place.assess(*records_of(place, drawn)):
        exact = Fraction(text) * found.seconds / 36
        assert found.points == int(exact + Fraction(1, 2))
