"""Sanctions: when they begin, what they do, each effect apart, how they end; SX1, SX5, V3, NVSI-5."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lianxing.engine.sanctions import together
from lianxing.rules.decisions import RepairReason
from lianxing.rules.facts import RecordId
from lianxing.rules.records import ServiceRecord
from lianxing.rules.sanctions import Effects, OnRegistration, OnStar
from lianxing.rules.standings import Standing
from tests.engine.counties import Town, town

MEASURES = """
served: {sum: hours, over: all_time}
absences: {count: records, over: {calendar: calendar_year}, where: {kind: no_show}}
malicious: {count: records, over: {calendar: calendar_year}, where: {kind: malicious_no_show}}
grave: {count: records, over: all_time, where: {kind: misconduct, stamps: {at_most: -300}}}
year: {sum: stamps, over: {calendar: calendar_year}}
"""
LONGQUANYI = """
absent:
  when: {any: [{absences: {at_least: 5}}, {malicious: {at_least: 3}}]}
  effects: {registration: cancelled, star: kept, points: kept, hours: kept, black_list: no}
  lasts: for_ever
in_debt:
  when: {year: {less_than: 0}}
  effects: {registration: cancelled, star: kept, points: kept, hours: kept, black_list: no}
  lasts: while_true
grave_misconduct:
  when: {grave: {at_least: 1}}
  effects: {registration: cancelled, star: cancelled, points: kept, hours: kept, black_list: yes, perks: stopped}
  lasts: for_ever
"""
STARS = "award: {by: automatic}\nlevels: {1: {served: {at_least: 100 hours}}, 2: {served: {at_least: 300 hours}}}"
PERKS = "park: {stars: {at_least: 0}, uses: unlimited, provider: 园林局}"


def place(sanctions: str = LONGQUANYI, measures: str = MEASURES, **chapters: str) -> Town:
    return town(
        "Asia/Shanghai", None, sanctions=sanctions, measures=measures, **{"stars": STARS, "perks": PERKS} | chapters
    )


def served(where: Town, day: str, hours: int = 100, **facts: str) -> ServiceRecord:
    return where.record(day, minutes=hours * 60, id=f"{day} served", **facts)


def event(where: Town, day: str, kind: str, **facts: str) -> ServiceRecord:
    return where.record(day, minutes=0, id=f"{day} {kind}", kind=kind, **facts)


def active(found: Standing) -> list[str]:
    return [state.clause.id for state in found.conduct.sanctions if state.active]


# --- 14: 龙泉驿 ------------------------------------------------------------------------------------------------------


def test_four_absences_in_one_year_and_one_in_the_next_have_no_consequence() -> None:
    where = place()
    absences = [event(where, day, "no_show") for day in ("2024-03-01", "2024-04-01", "2024-05-01", "2024-06-01")]
    found = where.standing("2025-02-01", served(where, "2024-01-01"), *absences, event(where, "2025-01-05", "no_show"))
    assert (active(found), found.conduct.effects) == ([], Effects())


def test_five_absences_in_a_year_cancel_the_registration_and_leave_the_star() -> None:
    where = place()
    absences = [event(where, f"2024-0{month}-01", "no_show") for month in (3, 4, 5, 6, 7)]
    found = where.standing("2025-02-01", served(where, "2024-01-01"), *absences)
    assert active(found) == ["absent"]
    assert found.conduct.effects.registration is OnRegistration.CANCELLED
    assert (found.star_held, found.seconds, found.conduct.effects.black_list) == (1, 100 * 3600, False)
    assert str(found.conduct.sanctions[0].since) == "2024-07-01"


@pytest.mark.parametrize(("times", "found"), [(2, []), (3, ["absent"])])
def test_three_malicious_absences_are_enough(times: int, found: list[str]) -> None:
    where = place()
    records = [event(where, f"2024-0{month}-01", "malicious_no_show") for month in range(1, times + 1)]
    assert active(where.standing("2024-12-31", *records)) == found


@pytest.mark.parametrize(("stamps", "star", "black_listed"), [(-299, 1, False), (-300, 0, True)])
def test_grave_misconduct_takes_the_star_and_leaves_the_hours(stamps: int, star: int, black_listed: bool) -> None:
    where = place()
    misconduct = event(where, "2024-06-01", "misconduct", stamps=str(stamps))
    found = where.standing("2024-06-02", served(where, "2024-01-01", stamps="400"), misconduct)
    assert (found.star_held, found.conduct.effects.black_list, found.seconds) == (star, black_listed, 100 * 3600)
    assert found.star_reached == 1
    assert found.perks_stopped is black_listed
    assert [perk.clause.id for perk in found.perks] == ([] if black_listed else ["park"])


def test_a_debt_of_points_lasts_as_long_as_it_is_one() -> None:
    where = place()
    debt = event(where, "2024-12-01", "misconduct", stamps="-10")
    assert active(where.standing("2024-12-31", debt)) == ["in_debt"]
    found = where.standing("2025-01-01", debt)
    assert (active(found), len(found.conduct.sanctions)) == ([], 1)
    again = event(where, "2025-01-02", "misconduct", stamps="-1")
    assert len(where.standing("2025-01-02", debt, again).conduct.sanctions) == 2


# --- how sanctions end ---

SUSPENDED = """
false_hours:
  when: {malicious: {at_least: 1}}
  effects: {registration: kept, star: kept, points: kept, hours: kept, black_list: no, entry: suspended}
  lasts: until_restored
  restored: {waits: 12 months, serves: 100 hours}
  report: {to: [所在单位, 信用平台], consent: yes}
  notice: 7 working days
"""


@pytest.mark.parametrize(
    ("hours", "on", "served_on", "found"),
    [
        (100, "2025-02-28", "2024-06-01", ["false_hours"]),
        (100, "2025-03-01", "2024-06-01", []),
        (99, "2025-03-01", "2024-06-01", ["false_hours"]),
        (100, "2025-06-01", "2025-03-01", ["false_hours"]),
        (100, "2025-06-01", "2024-02-28", ["false_hours"]),
    ],
)
def test_the_right_comes_back_after_a_year_with_a_hundred_hours_in_it(
    hours: int, on: str, served_on: str, found: list[str]
) -> None:
    where = place(SUSPENDED)
    standing = where.standing(on, event(where, "2024-03-01", "malicious_no_show"), served(where, served_on, hours))
    assert active(standing) == found


def test_a_sanction_is_reported_and_posted() -> None:
    where = place(SUSPENDED)
    (state,) = where.standing("2024-03-02", event(where, "2024-03-01", "malicious_no_show")).conduct.sanctions
    assert state.report is not None
    assert (state.report.to, state.report.consent) == (("所在单位", "信用平台"), True)
    assert str(state.notice_until) == "2024-03-12"


@pytest.mark.parametrize(("hours", "found"), [(99, ["false_hours"]), (100, [])])
def test_service_alone_restores_on_the_day_on_which_it_is_enough(hours: int, found: list[str]) -> None:
    where = place(SUSPENDED.replace("waits: 12 months, ", ""))
    history = (event(where, "2024-03-01", "malicious_no_show"), served(where, "2024-03-02", hours))
    assert active(where.standing("2024-03-02", *history)) == found


@pytest.mark.parametrize(("on", "found"), [("2025-02-28", ["banned"]), ("2025-03-01", [])])
def test_so_many_months_end_on_their_day(on: str, found: list[str]) -> None:
    banned = "banned: {when: {malicious: {at_least: 1}}, effects: {registration: suspended, star: kept, points: kept, "
    where = place(banned + "hours: kept, black_list: no}, lasts: 12 months}")
    assert active(where.standing(on, event(where, "2024-03-01", "malicious_no_show"))) == found


# --- effects on stars ---


def star_effect(effect: str, award: str) -> Town:
    text = f"bad: {{when: {{malicious: {{at_least: 1}}}}, effects: {{registration: kept, star: {effect}, points: kept, "
    stars = STARS.replace("by: automatic", award)
    return place(text + "hours: kept, black_list: no}, lasts: 6 months}", stars=stars)


@pytest.mark.parametrize(("effect", "during"), [("kept", 2), ("lowered", 1), ("cancelled", 0)])
def test_a_star_that_is_reached_comes_back_when_the_sanction_ends(effect: str, during: int) -> None:
    where = star_effect(effect, "by: automatic")
    history = (served(where, "2024-01-01", 300), event(where, "2024-02-01", "malicious_no_show"))
    stars = [where.standing(day, *history).star_held for day in ("2024-02-01", "2024-07-31", "2024-08-01")]
    assert stars == [during, during, 2]


def test_a_star_that_was_applied_for_has_to_be_applied_for_again() -> None:
    where = star_effect("cancelled", "by: application, sequence: highest, below: keep")

    def applies(day: str) -> ServiceRecord:
        return event(where, day, "star_application", star_applied="2")

    history = [served(where, "2024-01-01", 300), applies("2024-01-02"), event(where, "2024-02-01", "malicious_no_show")]
    history += [applies("2024-03-01"), applies("2024-08-01")]
    found = where.standing("2024-08-01", *history)
    assert found.star is not None
    assert [(one.outcome.value, one.reason.value) for one in found.star.decisions] == [
        ("granted", "applied"),
        ("lost", "sanction"),
        ("refused", "sanction"),
        ("granted", "applied"),
    ]
    assert where.standing("2024-07-31", *history[:-1]).star_held == 0


# --- points and hours that no longer count ---


def test_cancelled_hours_count_for_nothing_and_later_ones_do() -> None:
    text = "bad: {when: {malicious: {at_least: 1}}, effects: {registration: kept, star: kept, points: kept, "
    where = place(text + "hours: cancelled, black_list: no}, lasts: for_ever}")
    history = [served(where, "2024-01-01", 300), event(where, "2024-02-01", "malicious_no_show")]
    found = where.standing("2024-02-01", *history)
    assert (found.seconds, found.star_held, found.records) == (0, 0, 2)
    assert where.standing("2024-03-01", *history, served(where, "2024-03-01", 100)).star_held == 1


# --- 29: NVSI-5, repaired by paying hours ---

REPAIRS = """
dishonest:
  when: {dishonesty_on_record: {at_least: 1}}
  effects: {registration: kept, star: kept, points: kept, hours: kept, black_list: yes}
  lasts: while_true
  repair: {of: exchangeable, paid: 10 hours, once_per: record}
"""
CREDIT = """
served: {sum: hours, over: all_time}
exchangeable: {sum: hours, over: all_time}
dishonesty_on_record: {count: records, over: all_time, where: {kind: dishonesty}}
"""


def credit(minutes: int, *repaired: str, once_per: str = "record") -> Standing:
    where = place(REPAIRS.replace("once_per: record", f"once_per: {once_per}"), CREDIT)
    history = [where.record("2024-01-01", minutes=minutes, id="served")]
    history += [replace(event(where, f"2024-02-0{n}", "dishonesty"), id=RecordId(f"D{n}")) for n in (1, 2)]
    history += [
        replace(event(where, f"2024-03-0{n}", "repair", revokes=named), id=RecordId(f"R{n}"))
        for n, named in enumerate(repaired, 1)
    ]
    return where.standing("2024-06-15", *history)


def outcomes(found: Standing) -> list[tuple[str, float, float]]:
    return [(one.reason.value, one.before / 3600, one.after / 3600) for one in found.conduct.repairs]


def test_the_first_dishonesty_is_repaired_and_for_the_second_too_few_hours_are_left() -> None:
    found = credit(750, "D1", "D2")
    assert outcomes(found) == [("repaired", 12.5, 2.5), ("too_little", 2.5, 2.5)]
    lines = {line.clause.id: line.sum for line in found.measures}
    assert lines == {"served": 45_000, "exchangeable": 9_000, "dishonesty_on_record": 1}
    assert active(found) == ["dishonest"]


def test_with_ten_hours_for_each_both_are_repaired_and_the_black_list_is_left() -> None:
    found = credit(1200, "D1", "D2")
    assert outcomes(found) == [("repaired", 20, 10), ("repaired", 10, 0)]
    assert (active(found), len(found.conduct.sanctions)) == ([], 1)


@pytest.mark.parametrize("named", ["D1", "served", "D9"])
def test_only_a_record_that_the_sanction_counts_can_be_repaired_and_only_once(named: str) -> None:
    assert outcomes(credit(3000, "D1", named))[1] == ("nothing_named", 40, 40)


@pytest.mark.parametrize(
    ("once_per", "second"), [("record", "repaired"), ("calendar_year", "used_up"), ("all_time", "used_up")]
)
def test_repairs_may_be_limited_to_one_a_year_or_one_for_ever(once_per: str, second: str) -> None:
    assert outcomes(credit(3000, "D1", "D2", once_per=once_per))[1][0] == second
    assert RepairReason(second)


def test_of_several_sanctions_the_heaviest_effect_counts() -> None:
    one = Effects(registration=OnRegistration.SUSPENDED, star=OnStar.CANCELLED)
    other = Effects(registration=OnRegistration.CANCELLED, black_list=True)
    both = together((one, other))
    assert (both.registration, both.star, both.black_list) == (OnRegistration.CANCELLED, OnStar.CANCELLED, True)
    assert together(()) == Effects()


def test_sanctions_are_facts_for_the_conditions_of_stars_and_perks() -> None:
    perks = "park: {when: {registration: active, black_listed: no}, uses: unlimited, provider: 园林局}"
    stars = "award: {by: automatic}\nlevels: {1: {served: {at_least: 1 hour}, registration: {not: cancelled}}}"
    where = place(stars=stars, perks=perks)
    absences = [event(where, f"2024-0{month}-01", "no_show") for month in (3, 4, 5, 6, 7)]
    before = where.standing("2024-06-30", served(where, "2024-01-01"), *absences[:4])
    assert (before.star_held, len(before.perks)) == (1, 1)
    after = where.standing("2024-07-01", served(where, "2024-01-01"), *absences)
    assert (after.star_held, len(after.perks)) == (0, 0)


@pytest.mark.parametrize(
    ("over", "transition", "on", "hours"),
    [
        ("all_time", "", "2024-07-01", 2),
        ("all_time", "restart", "2024-07-01", 0),
        ("all_time", "{convert: 0.5}", "2024-07-01", 1),
        ("{rolling: 12 months}", "", "2024-12-31", 2),
        ("{rolling: 12 months}", "", "2025-01-01", 0),
        ("{calendar: calendar_year}", "", "2025-01-01", 0),
    ],
)
def test_what_was_paid_for_a_repair_is_gone_and_no_debt_when_the_hours_are_gone_too(
    over: str, transition: str, on: str, hours: float
) -> None:
    changed = f"t: {{on_day: 2024-07-01, points: keep, hours: {transition}, stars: keep}}"
    measures = CREDIT.replace(
        "exchangeable: {sum: hours, over: all_time}", f"exchangeable: {{sum: hours, over: {over}}}"
    )
    where = place(REPAIRS, measures, **({"transition": changed} if transition else {}))
    history = [
        where.record("2024-01-01", minutes=720, id="served"),
        replace(event(where, "2024-02-01", "dishonesty"), id=RecordId("D1")),
        event(where, "2024-03-01", "repair", revokes="D1"),
    ]
    lines = {line.clause.id: line.sum for line in where.standing(on, *history).measures}
    assert lines["exchangeable"] / 3600 == hours


def test_hours_that_are_cancelled_leave_no_debt_of_what_was_paid() -> None:
    cancelling = """
false:
  when: {lies: {at_least: 1}}
  effects: {registration: kept, star: kept, points: kept, hours: cancelled, black_list: no}
  lasts: for_ever
"""
    lies = "lies: {count: records, over: all_time, where: {kind: misconduct}}"
    where = place(REPAIRS + cancelling, CREDIT + lies)
    history = [
        where.record("2024-01-01", minutes=720, id="served"),
        replace(event(where, "2024-02-01", "dishonesty"), id=RecordId("D1")),
        event(where, "2024-03-01", "repair", revokes="D1"),
        event(where, "2024-04-01", "misconduct"),
    ]
    lines = {line.clause.id: line.sum for line in where.standing("2024-04-01", *history).measures}
    assert lines["exchangeable"] == 0


# --- again -----------------------------------------------------------------------------------------------------------

DISHONEST = "acts: {count: records, over: all_time, where: {kind: dishonesty}}\nserved: {sum: hours, over: all_time}\n"
TWO_YEARS = """
listed:
  when: {acts: {at_least: 1}}
  effects: {registration: kept, star: kept, points: kept, hours: kept, black_list: yes}
  lasts: 2 years
"""


@pytest.mark.parametrize(
    ("days", "on", "expected"),
    [
        (("2021-01-01",), "2022-12-31", ["listed"]),
        (("2021-01-01",), "2023-01-01", []),
        (("2021-01-01", "2025-01-01"), "2026-12-31", ["listed"]),  # a second act after the first was over
        (("2021-01-01", "2022-06-01"), "2024-05-31", ["listed"]),  # and one while it runs: two years from then
        (("2021-01-01", "2022-06-01"), "2024-06-01", []),
    ],
)
def test_another_act_begins_a_sanction_anew(days: tuple[str, ...], on: str, expected: list[str]) -> None:
    where = place(TWO_YEARS, DISHONEST)
    assert active(where.standing(on, *(event(where, day, "dishonesty") for day in days))) == expected


def test_what_only_stays_true_begins_nothing_anew() -> None:
    where = place(TWO_YEARS, DISHONEST)
    records = [event(where, "2021-01-01", "dishonesty"), served(where, "2024-01-01"), served(where, "2025-01-01")]
    assert active(where.standing("2025-06-01", *records)) == []


@pytest.mark.parametrize(
    ("hours", "on", "expected"), [(49, "2021-12-31", ["listed"]), (50, "2021-12-31", []), (49, "2023-01-01", [])]
)
def test_service_ends_a_sanction_before_its_time_where_the_policy_says_so(
    hours: int, on: str, expected: list[str]
) -> None:
    where = place(TWO_YEARS + "  restored: {serves: 50 hours}\n", DISHONEST)
    records = [event(where, "2021-01-01", "dishonesty"), served(where, "2021-06-01", hours)]
    assert active(where.standing(on, *records)) == expected


EXTENDED = """
suspended:
  when: %s
  effects: {registration: suspended, star: kept, points: kept, hours: kept, black_list: no}
  lasts: 3 months
"""
ACTS = """
served: {sum: hours, over: all_time}
absences: {count: records, over: all_time, where: {kind: no_show}}
lies: {count: records, over: all_time, where: {kind: misconduct}}
"""


@pytest.mark.parametrize(
    ("when", "ends"),
    [
        ("{absences: {at_least: 1}, served: {at_least: 1 hours}}", "2024-05-01"),
        ("{any: [{absences: {at_least: 1}}, {lies: {at_least: 3}}]}", "2024-05-01"),
        ("{any: [{absences: {at_least: 1}}, {lies: {at_least: 2}}]}", "2024-07-02"),
        ("{absences: {at_least: 1}, not: {lies: {less_than: 2}}}", "2024-07-02"),
    ],
)
def test_neither_service_nor_what_is_not_yet_enough_makes_a_sanction_longer(when: str, ends: str) -> None:
    where = place(EXTENDED % when, ACTS)
    history = [
        served(where, "2024-01-01", 2),
        event(where, "2024-02-01", "no_show"),
        event(where, "2024-04-01", "misconduct"),
        event(where, "2024-04-02", "misconduct"),
        served(where, "2024-04-20", 2),
    ]
    (found,) = where.standing("2024-04-30", *history).conduct.sanctions
    assert str(found.ends_on) == ends
