"""The steps of hours.yaml beyond counting, rounding and limits: what waits, is taken out, cut, added, taken off."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lianxing.engine.counting import assess
from lianxing.engine.explaining import body_of
from lianxing.engine.readding import readd
from lianxing.rules.assessments import Assessment
from lianxing.rules.facts import RegistryId
from lianxing.rules.problems import PolicyError
from lianxing.rules.records import ServiceRecord
from tests.engine.counties import COUNTY, SOMEBODY, Town, town

NIGHT = '{any: [{start_time: {at_least: "22:00"}}, {start_time: {less_than: "06:00"}}]}'
HOURLY = "- {id: hourly, points_per_hour: 1}\n- {id: r, round: {to: 0.01, each: record, direction: down}}\n"


def adds_up(*assessments: Assessment) -> bool:
    return all(readd(body_of(a)) == (a.seconds, a.points) for a in assessments)


def pending(place: Town, *records: object) -> list[tuple[float, float] | None]:
    made = place.assess(*records)  # type: ignore[arg-type]
    assert adds_up(*made)
    return [None if a.pending is None else (a.pending[0] / 3600, a.pending[1] / 100) for a in made]


def test_what_is_held_is_worked_out_and_waits() -> None:
    place = town(hours="- {id: not_filed, hold: {state: reviewed}}", earning=HOURLY)
    reviewed = place.record("2024-06-15 09:00", "11:00", state="reviewed")
    filed = place.record("2024-06-16 09:00", "11:00", state="filed")
    assert pending(place, reviewed, filed) == [(2, 2), None]
    assert place.hours(reviewed, filed) == [0, 2]
    assert place.points(reviewed, filed) == [0, 2]


def test_what_is_held_uses_nothing_up() -> None:
    place = town(
        hours="- {id: not_filed, hold: {state: reviewed}}\n"
        "- {id: cap, limit: {per: day, at_most: 8 hours, overflow: lost}}"
    )
    waiting = place.record("2024-06-15 06:00", "11:00", state="reviewed")
    filed = place.record("2024-06-15 12:00", "20:00", state="filed")
    assert place.hours(waiting, filed) == [0, 8]
    assert pending(place, filed, waiting) == [None, (5, 0)]


def test_what_is_refused_does_not_wait() -> None:
    place = town(
        hours="- {id: not_filed, hold: {state: reviewed}}\n- {id: no_training, exclude: {category: training}}",
        earning=HOURLY,
    )
    record = place.record("2024-06-15 09:00", "11:00", state="reviewed", category="training")
    assert pending(place, record) == [None]
    assert place.refused_by(record) == ["no_training"]


def test_a_record_takes_another_one_out_wherever_it_stands() -> None:
    place = town(
        hours="- {id: found_false, revoke: {kind: revocation}}\n"
        "- {id: cap, limit: {per: day, at_most: 8 hours, overflow: lost}}",
        earning=HOURLY,
    )
    false = place.record("2024-06-15 06:00", "11:00", id="false")
    true = place.record("2024-06-15 12:00", "20:00", id="true")
    finding = place.record("2024-09-01", id="finding", kind="revocation", revokes="false")
    other = place.record("2024-09-01", id="other", kind="complaint", revokes="true")
    assert place.hours(false, true) == [5, 3]
    assert place.hours(false, true, finding, other) == [0, 8, 0, 0]
    assert place.refused_by(false, true, finding) == ["found_false", None, None]
    (refusal,) = place.assess(false, true, finding)[0].refusals
    assert dict(refusal.details) == {"other": "finding", "day": "2024-09-01"}


@pytest.mark.parametrize(
    ("minutes", "breaks", "expected"),
    [
        (None, "pro_rata", [60, 120, 60]),
        (120, "pro_rata", [30, 60, 30]),
        (120, "in_order", [60, 60]),
        (1, "pro_rata", [15 / 60, 30 / 60, 15 / 60]),
    ],
)
def test_a_record_is_cut_at_times_of_day_and_a_break_falls_where_the_policy_says(
    minutes: int | None, breaks: str, expected: list[float]
) -> None:
    place = town(hours=f'- {{id: bands, split: {{at: ["22:00", midnight], share_of_breaks: {breaks}}}}}')
    (found,) = place.assess(place.record("2024-06-15 21:00", "01:00", minutes=minutes))
    assert [w.after for w in found.workings] == [60 * m for m in expected]
    assert adds_up(found)


def test_night_hours_are_those_after_the_cut_and_before_the_other() -> None:
    place = town(
        hours='- {id: bands, split: {at: ["22:00", "06:00"], share_of_breaks: pro_rata}}',
        earning=f"- id: day\n  when: {{not: {NIGHT}}}\n  points_per_hour: 1\n"
        f"- id: night\n  when: {NIGHT}\n  points_per_hour: 2\n"
        "- {id: r, round: {to: 0.01, each: record, direction: down}}\n",
    )
    evening = place.record("2024-06-15 21:00", "23:00")
    morning = place.record("2024-06-16 05:00", "07:00")
    day = place.record("2024-06-16 09:00", "11:00")
    assert place.points(evening, morning, day) == [3, 3, 2]


def test_only_records_of_one_organisation_compete_where_the_policy_says_so() -> None:
    everywhere = "- {id: once, overlap: {rule: refuse, touching: no}}"
    within = "- {id: once, overlap: {rule: refuse, touching: no, within_same: category}}"
    for hours, expected in ((everywhere, ["once", "once"]), (within, [None, "once"])):
        place = town(hours=hours)
        first = place.record("2024-06-15 09:00", "11:00", category="relief")
        other = place.record("2024-06-15 10:00", "12:00", category="culture")
        same = place.record("2024-06-15 10:30", "12:00", category="relief")
        assert place.refused_by(first, other, same) == [None, *expected]


@pytest.mark.parametrize(
    ("travel", "hours"), [("0 hours", 5), ("119 minutes", 5 + 119 / 60), ("2 hours", 7), ("3 hours", 7)]
)
def test_time_reported_beside_the_service_counts_up_to_a_bound(travel: str, hours: float) -> None:
    place = town(hours="- {id: journey, add_time: {of: travel_time, per: day, at_most: 2 hours}}")
    record = place.record("2024-06-15 09:00", "14:00", travel_time=travel)
    assert place.hours(record) == [hours]
    assert adds_up(*place.assess(record))


def test_time_that_nobody_reported_is_not_added() -> None:
    place = town(hours="- {id: journey, add_time: {of: travel_time, per: day, at_most: 2 hours}}")
    assert place.hours(place.record("2024-06-15 09:00", "14:00")) == [5]


def test_meals_are_taken_off_and_never_more_than_there_is() -> None:
    place = town(hours="- {id: meals, deduct_time: {of: rest_time}}")
    lunch = place.record("2024-06-15 09:00", "14:00", rest_time="1 hour")
    all_of_it = place.record("2024-06-16 09:00", "10:00", rest_time="2 hours")
    assert place.hours(lunch, all_of_it) == [4, 0]
    assert adds_up(*place.assess(lunch, all_of_it))


@pytest.mark.parametrize(("minutes", "counts"), [(29, 0), (30, 30), (31, 31)])
def test_less_than_the_minimum_counts_for_nothing(minutes: int, counts: int) -> None:
    place = town(hours="- {id: half_an_hour, minimum: 30 minutes}")
    record = place.record("2024-06-15 09:00", minutes=minutes)
    assert place.minutes(record) == [counts]
    assert adds_up(*place.assess(record))


def test_training_earns_points_for_its_time_and_no_hours() -> None:
    place = town(hours="- {id: not_service, no_hours: {category: training}}", earning=HOURLY)
    training = place.record("2024-06-15 09:00", "11:00", category="training")
    relief = place.record("2024-06-15 12:00", "14:00", category="relief")
    assert place.hours(training, relief) == [0, 2]
    assert place.points(training, relief) == [2, 2]
    assert adds_up(*place.assess(training, relief))


def test_a_supplement_never_exceeds_what_its_activity_was_set_to() -> None:
    place = town(
        hours="- id: as_planned\n  when: {hour_class: honor}\n"
        "  limit: {per: record, at_most: {fact: activity_duration}, overflow: lost}"
    )
    above = place.record("2024-06-15 09:00", "12:00", hour_class="honor", activity_duration="2 hours")
    within = place.record("2024-06-16 09:00", "11:00", hour_class="honor", activity_duration="2 hours")
    punched = place.record("2024-06-17 09:00", "12:00", hour_class="credit", activity_duration="2 hours")
    unsaid = place.record("2024-06-18 09:00", "12:00", hour_class="honor")
    assert place.hours(above, within, punched, unsaid) == [2, 2, 3, 3]


def test_a_fourth_punch_of_a_day_and_activity_is_refused() -> None:
    place = town(hours="- {id: three, limit_records: {per: day, at_most: 3, within_same: activity}}")
    four = [place.record(f"2024-06-15 {hour:02}:00", minutes=30, activity="A", id=str(hour)) for hour in range(9, 13)]
    elsewhere = place.record("2024-06-15 14:00", minutes=30, activity="B", id="elsewhere")
    tomorrow = place.record("2024-06-16 09:00", minutes=30, activity="A", id="tomorrow")
    assert place.refused_by(*four, elsewhere, tomorrow) == [None, None, None, "three", None, None]


def test_a_limit_over_a_rolling_window_frees_what_leaves_it() -> None:
    place = town(hours="- {id: cap, limit: {per: {rolling: 3 days}, at_most: 10 hours, overflow: lost}}")
    days = [place.record(f"2024-06-{day} 08:00", "13:00", id=str(day)) for day in (15, 16, 17, 18, 19)]
    assert place.hours(*days) == [5, 5, 0, 5, 5]


def test_a_limit_on_the_balance_sends_the_rest_where_the_policy_says() -> None:
    place = town(hours="- {id: storage, limit: {per: balance, at_most: 12 hours, overflow: donation_pool}}")
    first, second = (place.record(f"2024-06-{day} 08:00", "15:30") for day in (15, 16))
    made = place.assess(first, second)
    assert [a.seconds / 3600 for a in made] == [7.5, 4.5]
    assert [dict(a.overflows) for a in made] == [{}, {("donation_pool", "seconds"): 3 * 3600}]


def test_a_record_that_ends_on_another_day_crosses_midnight_and_one_that_ends_at_midnight_does_not() -> None:
    place = town(hours="- {id: one_day, exclude: {crosses_midnight: yes}}")
    over, to = place.record("2024-06-15 22:30", "00:01"), place.record("2024-06-14 22:30", "00:00")
    untimed = place.record("2024-06-16", minutes=30)
    assert place.refused_by(over, to, untimed) == ["one_day", None, None]


@pytest.mark.parametrize(("distance", "counts"), [("99", True), ("100", True), ("101", False)])
def test_a_check_in_counts_within_its_radius(distance: str, counts: bool) -> None:
    place = town(
        hours="- id: near\n  count: {any: [{check_in_radius: {missing: yes}}, "
        "{check_in_distance: {at_most: {fact: check_in_radius}}}]}"
    )
    record = place.record("2024-06-15 09:00", "10:00", check_in_distance=distance, check_in_radius="100")
    unlimited = place.record("2024-06-16 09:00", "10:00", check_in_distance=distance)
    unknown = place.record("2024-06-17 09:00", "10:00", check_in_radius="100")
    assert place.refused_by(record, unlimited, unknown) == [None if counts else "near", None, "near"]


# --- what another registry calls by the same id, merged records, clocks that jump ---


def elsewhere(record: ServiceRecord) -> ServiceRecord:
    """Return the record as another registry hands it over, under the same id."""
    return replace(record, registry=RegistryId("other"))


def hours_of(place: Town, *records: ServiceRecord) -> list[float]:
    return [a.seconds / 3600 for a in assess(place.rulebook, SOMEBODY, [(record, {}) for record in records])]


def test_records_of_two_registries_with_the_same_id_are_two_records() -> None:
    place = town(hours="- {id: cap, limit: {per: record, at_most: 2 hours, overflow: lost}}")
    first, second = (place.record(f"2024-06-0{day} 09:00", "12:00", id="1") for day in (1, 2))
    assert hours_of(place, first, elsewhere(second)) == [2, 2]


def test_a_record_merged_with_one_of_the_same_id_in_another_registry_is_no_further_event() -> None:
    place = town(
        hours="- {id: once, overlap: {rule: merge, touching: no}}", earning="- {id: each, points_per_event: 5}"
    )
    first, second = place.record("2024-06-01 09:00", "11:00", id="1"), place.record("2024-06-01 10:00", "12:00", id="1")
    made = assess(place.rulebook, SOMEBODY, [(first, {}), (elsewhere(second), {})])
    assert [assessment.points for assessment in made] == [500, 0]


def test_the_order_of_two_records_that_agree_in_start_and_id_is_that_of_their_registries() -> None:
    record = town().record("2024-06-01 09:00", "11:00", id="1")
    assert sorted([record, elsewhere(record)], key=lambda one: one.order) == [elsewhere(record), record]


def test_what_is_merged_into_a_record_that_was_let_in_is_no_further_record() -> None:
    place = town(
        hours="- {id: once, overlap: {rule: merge, touching: no}}\n- {id: one, limit_records: {per: day, at_most: 1}}"
    )
    first, inside, later, with_it = (
        place.record(f"2024-06-01 {start}:00", f"{end}:00")
        for start, end in (("09", "11"), ("10", "12"), ("14", "16"), ("15", "17"))
    )
    assert place.hours(first, inside, later, with_it) == [2, 1, 0, 0]


def test_what_is_merged_into_a_record_too_many_earns_nothing_either() -> None:
    place = town(
        hours="- {id: once, overlap: {rule: merge, touching: no}}",
        earning="- {id: hourly, points_per_hour: 1}\n- {id: r, round: {to: 0.01, each: record, direction: down}}\n"
        "- {id: one, limit_records: {per: day, at_most: 1}}",
    )
    first, later, with_it = (
        place.record(f"2024-06-01 {start}:00", f"{end}:00") for start, end in (("07", "08"), ("09", "11"), ("10", "12"))
    )
    assert place.points(first, later, with_it) == [1, 0, 0]


@pytest.mark.parametrize(
    ("at", "hours"),
    [("['02:30']", [2, 3]), ("['02:00']", [2, 3]), ("['02:15', '02:45', '03:15']", [2, 0.25, 2.75])],
)
def test_a_time_over_which_the_clock_jumps_cuts_where_it_jumps(at: str, hours: list[float]) -> None:
    place = town("Europe/Berlin", hours=f"- {{id: cut, split: {{at: {at}, share_of_breaks: pro_rata}}}}")
    (made,) = place.assess(place.record("2024-03-31 00:00", "06:00"))
    assert [working.after / 3600 for working in made.workings] == hours


def test_two_journeys_of_a_day_share_what_a_day_allows() -> None:
    place = town(hours="- {id: journey, add_time: {of: travel_time, per: day, at_most: 2 hours}}")
    first, second = (
        place.record(f"2024-06-15 {hour}:00", minutes=60, travel_time="90 minutes") for hour in ("08", "12")
    )
    assert place.minutes(first, second) == [150, 90]
    assert adds_up(*place.assess(first, second))


def test_what_is_no_service_time_uses_up_no_limit_on_service_time() -> None:
    place = town(
        hours="- {id: blood, no_hours: {kind: blood_donation}}\n"
        "- {id: cap, limit: {per: day, at_most: 8 hours, overflow: lost}}"
    )
    blood = place.record("2024-06-15 06:00", "07:30", kind="blood_donation")
    assert place.hours(blood, place.record("2024-06-15 09:00", "18:00")) == [0, 8]


@pytest.mark.parametrize(("ends", "counts"), [("2025-01-31", True), ("2025-02-01", False)])
def test_a_date_may_lie_so_long_after_another(ends: str, counts: bool) -> None:
    head = COUNTY % "Asia/Shanghai" + "  begins: {type: date, scope: record}\n  ends: {type: date, scope: record}\n"
    place = town(
        files={"county.yaml": head},
        hours="- {id: a_year_at_most, count: {ends: {at_most: {fact: begins, plus: 1 year}}}}",
    )
    record = place.record("2024-06-15 09:00", "10:00", begins="2024-01-31", ends=ends)
    assert place.refused_by(record) == [None if counts else "a_year_at_most"]


@pytest.mark.parametrize(("entered", "late"), [("2024-10-16", None), ("2024-10-17", "late")])
def test_a_date_may_lie_so_many_working_days_after_another(entered: str, late: str | None) -> None:
    place = town(hours="- {id: late, exclude: {recorded_on: {more_than: {fact: evaluated_on, plus: 10 working days}}}}")
    record = place.record("2024-09-20 09:00", "10:00", evaluated_on="2024-09-27", recorded_on=entered)
    assert place.refused_by(record) == [late]


def test_what_takes_a_record_out_may_go_by_its_time_of_day() -> None:
    place = town(hours="- {id: found, revoke: {kind: revocation, start_time: {at_least: '08:00'}}}")
    record = place.record("2024-06-01 09:00", "11:00", id="T")
    for hour, refused in (("07", None), ("08", "found")):
        finding = place.record(f"2024-06-02 {hour}:00", f"{hour}:30", kind="revocation", revokes="T")
        assert place.refused_by(record, finding)[0] == refused


@pytest.mark.parametrize(
    "step",
    [
        "{id: found, revoke: {kind: revocation, registration: active}}",
        "{id: found, revoke: {kind: revocation, records: {at_least: 1}}}",
        "{id: found, when: {records: {at_least: 1}}, revoke: {kind: revocation}}",
    ],
)
def test_what_takes_a_record_out_asks_nothing_that_is_not_known_before_the_records_are_counted(step: str) -> None:
    with pytest.raises(PolicyError) as found:
        town(hours=f"- {step}", measures="records: {count: records, over: all_time}")
    assert [problem.code for problem in found.value.problems] == ["P304"]


def test_a_balance_is_one_and_not_kept_apart_by_a_fact() -> None:
    limit = "- {id: cap, limit: {per: balance, at_most: %s, overflow: lost, within_same: category}}"
    for chapters in ({"hours": limit % "6 hours"}, {"earning": limit % "6 points"}):
        with pytest.raises(PolicyError) as found:
            town("Asia/Shanghai", None, **chapters)
        assert [(p.code, p.details[0]) for p in found.value.problems] == [("P211", ("key", "within_same"))]
