"""Stars that are awarded: rounds, applications, sequence, validity, loss; the worked examples of real policies."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from lianxing.engine.stars import next_cut_off
from lianxing.rules.decisions import StarDecision
from lianxing.rules.facts import RegistryId, VolunteerId
from lianxing.rules.periods import MonthDay, Period
from lianxing.rules.places import Location
from lianxing.rules.records import ServiceRecord, Volunteer
from lianxing.rules.standings import Standing
from lianxing.rules.stars import Round
from tests.engine.counties import SOMEBODY, Town, town

SERVED = "served: {sum: hours, over: all_time}"
NATIONAL = "1: {served: {at_least: 100 hours}}, 2: {served: {at_least: 300 hours}}, 3: {served: {at_least: 600 hours}}"
FIVE = NATIONAL + ", 4: {served: {at_least: 1000 hours}}, 5: {served: {at_least: 1500 hours}}"


def ladder(award: str, levels: str = FIVE, measures: str = SERVED, more: str = "", **chapters: str) -> Town:
    stars = f"award: {{{award}}}\nlevels: {{{levels}}}\n{more}"
    return town("Asia/Shanghai", None, stars=stars, measures=measures, **chapters)


def served(place: Town, day: str, hours: float, **facts: str) -> ServiceRecord:
    return place.record(day, minutes=int(hours * 60), id=f"{day} {hours}", **facts)


def event(place: Town, day: str, kind: str, **facts: str) -> ServiceRecord:
    return place.record(day, minutes=0, id=f"{day} {kind} {facts.get('star_applied', '')}", kind=kind, **facts)


def applies(place: Town, day: str, star: int, **facts: str) -> ServiceRecord:
    return event(place, day, "star_application", star_applied=str(star), **facts)


def said(found: Standing) -> list[tuple[int, str, str]]:
    assert found.star is not None
    return [(one.star, one.outcome.value, one.reason.value) for one in found.star.decisions]


def decisions(found: Standing) -> tuple[StarDecision, ...]:
    assert found.star is not None
    return found.star.decisions


# --- 20: the same hours in two counties ---


@pytest.mark.parametrize(
    ("hours", "beijing", "nation"),
    [(99.99, 0, 0), (100, 1, 1), (450, 2, 2), (500, 3, 2), (800, 4, 3), (1000, 5, 4)],
)
def test_the_same_hours_are_another_star_in_beijing(hours: float, beijing: int, nation: int) -> None:
    levels = (
        "1: {served: {at_least: 100 hours}}, 2: {served: {at_least: 200 hours}}, 3: {served: {at_least: 500 hours}}"
    )
    levels += ", 4: {served: {at_least: 800 hours}}, 5: {served: {at_least: 1000 hours}}"
    levels += ", 6: {served: {at_least: 2000 hours}}"
    record = SOMEBODY
    for place, star in ((ladder("by: automatic", levels), beijing), (ladder("by: automatic"), nation)):
        one = replace(place.record("2024-06-14", minutes=60), seconds=round(hours * 3600))
        assert place.standing("2024-06-15", one, person=record).star_held == star


def test_a_tier_above_five_has_its_title() -> None:
    place = ladder(
        "by: automatic",
        "5: {served: {at_least: 1000 hours}}, 6: {served: {at_least: 2000 hours}}",
        more="titles: {6: {zh: 铜质奖章, en: bronze medal}}",
    )
    assert place.standing("2024-06-15", served(place, "2024-06-14", 2000)).star_title.zh == "铜质奖章"
    assert place.standing("2024-06-15", served(place, "2024-06-14", 1999)).star_title.zh == ""


# --- 18: strictly sequential against the highest at once ---

SICHUAN = "by: application, sequence: one_by_one, below: keep, select: {5: five_star}"
NVSI = "by: application, sequence: highest, below: keep"


def test_in_sichuan_stars_are_applied_for_one_by_one_and_the_fifth_takes_a_selection() -> None:
    place = ladder(SICHUAN)
    history = [
        served(place, "2024-01-01", 1600),
        applies(place, "2024-02-01", 5),
        *(applies(place, f"2024-03-0{star}", star) for star in (1, 2, 3, 4, 5)),
        event(place, "2024-04-01", "selection", honour="five_star"),
        applies(place, "2024-04-02", 5),
    ]
    found = place.standing("2024-04-02", *history)
    assert said(found) == [
        (5, "refused", "not_next"),
        *((star, "granted", "applied") for star in (1, 2, 3, 4)),
        (5, "refused", "not_selected"),
        (5, "granted", "applied"),
    ]
    assert found.star_held == 5
    assert place.standing("2024-04-01", *history[:-1]).star_held == 4


def test_nobody_is_given_a_star_that_was_not_applied_for() -> None:
    place = ladder(SICHUAN)
    found = place.standing("2024-06-15", served(place, "2024-01-01", 1600))
    assert (found.star_reached, found.star_held) == (4, 0)
    assert [(gap.fact, gap.needed) for gap in found.gaps] == [("honour", "five_star")]


def test_on_the_national_platform_the_highest_star_is_applied_for_at_once() -> None:
    place = ladder(NVSI)
    history = [served(place, "2024-01-01", 1600)]
    history += [applies(place, f"2024-02-0{n}", star) for n, star in enumerate((3, 5, 5, 4), 1)]
    found = place.standing("2024-06-15", *history)
    assert said(found) == [
        (3, "refused", "not_highest"),
        (5, "granted", "applied"),
        (5, "refused", "not_above"),
        (4, "refused", "not_above"),
    ]
    assert found.star_held == 5


def test_below_the_threshold_an_application_is_refused() -> None:
    place = ladder(NVSI)
    short = place.standing("2024-06-15", served(place, "2024-01-01", 99.9), applies(place, "2024-02-01", 1))
    assert said(short) == [(1, "refused", "condition")]
    enough = place.standing("2024-06-15", served(place, "2024-01-01", 100), applies(place, "2024-02-01", 1))
    assert said(enough) == [(1, "granted", "applied")]


def test_service_of_the_day_of_the_application_counts() -> None:
    place = ladder(NVSI)
    history = (applies(place, "2024-02-01", 1), served(place, "2024-02-01", 100))
    assert place.standing("2024-02-01", *history).star_held == 1


def test_a_star_that_the_ladder_does_not_have_is_refused() -> None:
    place = ladder(NVSI)
    assert said(place.standing("2024-02-01", applies(place, "2024-02-01", 9))) == [(9, "refused", "no_star")]
    without = event(place, "2024-02-01", "star_application")
    assert said(place.standing("2024-02-01", without)) == [(0, "refused", "no_star")]


# --- S2: who decides ---

FUJIAN = NVSI + ", approver: {1: 县, 3: 市, 5: 省}"


@pytest.mark.parametrize(
    ("hours", "star", "facts", "outcome"),
    [
        (600, 3, {"decision": "passed", "decided_by": "市"}, "applied"),
        (600, 3, {"decision": "passed", "decided_by": "县"}, "not_the_approver"),
        (300, 2, {"decision": "passed", "decided_by": "县"}, "applied"),
        (1500, 5, {"decision": "passed", "decided_by": "市"}, "not_the_approver"),
        (600, 3, {"decision": "passed"}, "applied"),
        (600, 3, {"decision": "in_review"}, "not_passed"),
        (600, 3, {}, "not_passed"),
    ],
)
def test_each_star_has_the_body_that_decides_on_it(hours: int, star: int, facts: dict[str, str], outcome: str) -> None:
    place = ladder(FUJIAN)
    found = place.standing(
        "2024-06-15", served(place, "2024-01-01", hours), applies(place, "2024-02-01", star, **facts)
    )
    assert said(found)[0][2] == outcome
    assert decisions(found)[0].approver == ("县" if star < 3 else "市" if star < 5 else "省")


def test_an_application_that_was_declined_is_refused_though_nobody_is_named_to_decide() -> None:
    place = ladder(NVSI)
    for decision, reason in (("declined", "not_passed"), ("passed", "applied")):
        history = (served(place, "2024-01-01", 100), applies(place, "2024-02-01", 1, decision=decision))
        assert said(place.standing("2024-06-15", *history)) == [
            (1, "granted" if reason == "applied" else "refused", reason)
        ]


# --- S1: a direct grant; S3: nomination, former winners, another proof ---


def test_a_year_of_full_time_service_is_given_a_medal_directly() -> None:
    place = ladder(
        NVSI + ", direct: {stamps: {at_least: 12}}",
        "1: {served: {at_least: 100 hours}}, 6: {served: {at_least: 9 hours}}",
    )
    for stamps, found in ((12, (6, "granted", "direct")), (11, (6, "refused", "condition"))):
        history = (served(place, "2024-01-01", 1), applies(place, "2024-02-01", 6, stamps=str(stamps)))
        assert said(place.standing("2024-02-01", *history)) == [found]


SHENZHEN = """
served: {sum: hours, over: all_time, where: {day: {at_most: 2020-04-13}}}
won_before: {count: records, over: all_time, where: {kind: honour, honour: 五星级义工}}
"""


def test_in_shenzhen_organisations_nominate_and_former_winners_are_left_out() -> None:
    place = ladder(
        "by: nomination, sequence: highest, below: keep, round_of: calendar_year, cut_off: '04-13', "
        "direct: {proof: yes, served: {at_least: 1500 hours}, won_before: {at_most: 0}}",
        "5: {served: {at_least: 1500 hours}, registered_on: {less_than: 2018-04-13}, tenure: {at_least: 2 years}, "
        "won_before: {at_most: 0}}",
        SHENZHEN,
    )
    early = Volunteer(VolunteerId("V1"), registered_on=date(2018, 4, 12))
    late = replace(early, registered_on=date(2018, 4, 13))
    hours = served(place, "2020-01-01", 1500)
    nominated = replace(applies(place, "2020-03-01", 5), organisation="A")
    proven = replace(applies(place, "2020-03-01", 5, proof="yes"), organisation="A")
    won = event(place, "2020-02-01", "honour", honour="五星级义工")

    def outcome(*history: ServiceRecord, person: Volunteer = early) -> list[tuple[int, str, str]]:
        return said(place.standing("2020-04-13", *history, person=person))

    assert outcome(hours, nominated) == [(5, "granted", "nominated")]
    assert outcome(hours, applies(place, "2020-03-01", 5)) == [(5, "refused", "not_nominated")]
    assert outcome(hours, nominated, person=late) == [(5, "refused", "condition")]
    assert outcome(hours, proven, person=late) == [(5, "granted", "direct")]
    assert outcome(hours, won, nominated) == [(5, "refused", "condition")]
    assert said(place.standing("2020-04-12", hours, nominated, person=early)) == []


# --- 15: tenure; 12: hours and points, downgrade ---

LONGGANG = """
award: {by: automatic}
levels:
  1: {served: {at_least: 100 hours}, tenure: {at_least: 6 months}}
  2: {served: {at_least: 300 hours}, tenure: {at_least: 6 months}}
  3: {served: {at_least: 600 hours}, tenure: {at_least: 1 year}}
"""


def test_in_longgang_a_star_takes_a_year_of_registration_as_well() -> None:
    place = town(stars=LONGGANG, measures=SERVED)
    person = Volunteer(VolunteerId("V1"), registered_on=date(2023, 3, 1))
    hours = served(place, "2024-01-01", 650)
    for day, star in (("2024-01-10", 2), ("2024-02-29", 2), ("2024-03-01", 3)):
        assert place.standing(day, hours, person=person).star_held == star


LONGQUANYI = """
award: {by: automatic, below: downgrade}
levels:
  1: {served: {at_least: 50 hours}, earned: {at_least: 500 points}}
  2: {served: {at_least: 100 hours}, earned: {at_least: 1000 points}}
  3: {served: {at_least: 200 hours}, earned: {at_least: 2100 points}}
"""
BOTH = SERVED + "\nearned: {sum: stamps, over: all_time}"


@pytest.mark.parametrize(
    ("hours", "stamps", "star"), [(105, 990, 1), (105, 1000, 2), (99, 1000, 1), (210, 2099, 2), (210, 2100, 3)]
)
def test_in_longquanyi_hours_and_points_are_both_needed(hours: int, stamps: int, star: int) -> None:
    place = town(stars=LONGQUANYI.replace(" points", ""), measures=BOTH)
    assert place.standing("2024-06-15", served(place, "2024-06-14", hours, stamps=str(stamps))).star_held == star


def test_who_falls_below_a_limit_is_downgraded_and_with_keep_is_not() -> None:
    down = "by: automatic, below: downgrade"
    history = (("2024-01-01", 300, 1000), ("2024-02-01", 1, -1))
    for award, stars in ((down, [2, 1]), ("by: automatic, below: keep", [2, 2])):
        place = ladder(award, "1: {earned: {at_least: 500}}, 2: {earned: {at_least: 1000}}", BOTH)
        records = [served(place, day, hours, stamps=str(stamps)) for day, hours, stamps in history]
        assert [
            place.standing("2024-01-15", *records[:1]).star_held,
            place.standing("2024-02-15", *records).star_held,
        ] == stars


def test_with_revoke_nothing_is_left_of_a_star_whose_condition_no_longer_holds() -> None:
    place = ladder(
        "by: application, sequence: highest, below: revoke",
        "1: {earned: {at_least: 5}}, 2: {earned: {at_least: 10}}",
        BOTH,
    )
    history = [served(place, "2024-01-01", 1, stamps="10"), applies(place, "2024-01-02", 2)]
    assert place.standing("2024-01-02", *history).star_held == 2
    history.append(served(place, "2024-01-03", 1, stamps="-1"))
    found = place.standing("2024-01-03", *history)
    assert (found.star_held, said(found)[-1]) == (0, (0, "lost", "below"))


# --- 19: one registry only ---


def test_in_hubei_hours_of_two_systems_are_not_added_up() -> None:
    measures = "served: {sum: hours, best_of: registry, over: all_time}\n"
    measures += "bad_credit: {count: records, over: {rolling: 3 years}, where: {kind: dishonesty}}"
    levels = FIVE.replace("hours}}", "hours}, bad_credit: {at_most: 0}}")
    perks = "fee: {stars: {at_least: 4}, uses: unlimited, provider: 医院}"
    place = ladder("by: automatic", levels, measures, perks=perks)
    both = [served(place, "2024-01-01", 800), replace(served(place, "2024-01-02", 800), registry=RegistryId("other"))]
    found = place.standing("2024-06-15", *both)
    assert (found.star_held, found.perks) == (3, ())
    bad = event(place, "2021-06-16", "dishonesty")
    assert place.standing("2024-06-15", bad, *both).star_held == 0
    assert place.standing("2024-06-16", bad, *both).star_held == 3


# --- S7, S6: a round once a year, with notice ---

YEARLY = "by: review, round_of: calendar_year, cut_off: '12-31', notice: 7 working days, below: downgrade"


def test_a_yearly_rating_counts_what_there_is_on_the_cut_off_and_takes_effect_after_the_notice() -> None:
    place = ladder(YEARLY)
    history = (served(place, "2024-12-31", 100), served(place, "2025-01-01", 900))
    # 7 working days after Tuesday 2024-12-31, New Year's Day not counted: Friday 2025-01-10.
    for day, star in (("2024-12-31", 0), ("2025-01-10", 0), ("2025-01-11", 1), ("2025-12-30", 1), ("2026-01-15", 4)):
        seen = [record for record in history if record.day <= date.fromisoformat(day)]
        assert place.standing(day, *seen).star_held == star
    found = place.standing("2026-01-15", *history)
    assert said(found) == [(1, "granted", "rated"), (4, "granted", "rated")]
    assert [str(one.on) for one in decisions(found)] == ["2024-12-31", "2025-12-31"]


def test_service_after_the_cut_off_waits_for_the_next_round() -> None:
    place = ladder(YEARLY)
    found = place.standing("2025-06-15", served(place, "2025-01-01", 100))
    assert (found.star_reached, found.star_held) == (1, 0)


def test_an_annual_star_is_lost_at_the_next_rating() -> None:
    measures = "served: {sum: hours, over: {calendar: calendar_year}}"
    for below, left in (("downgrade", 1), ("keep", 2), ("revoke", 0)):
        place = ladder(
            YEARLY.replace("below: downgrade", f"below: {below}").replace("notice: 7 working days, ", ""),
            measures=measures,
        )
        history = (served(place, "2023-05-01", 300), served(place, "2024-05-01", 100))
        assert place.standing("2024-12-30", *history).star_held == 2
        assert place.standing("2024-12-31", *history).star_held == left


@pytest.mark.parametrize(
    ("period", "cut_off", "after", "following"),
    [
        (Period.CALENDAR_YEAR, (12, 31), date(2024, 12, 30), date(2024, 12, 31)),
        (Period.CALENDAR_YEAR, (12, 31), date(2024, 12, 31), date(2025, 12, 31)),
        (Period.HALF_YEAR, (12, 31), date(2024, 12, 31), date(2025, 6, 30)),
        (Period.QUARTER, (12, 31), date(2025, 1, 1), date(2025, 3, 31)),
        (Period.MONTH, (1, 31), date(2025, 1, 31), date(2025, 2, 28)),
        (Period.CALENDAR_YEAR, (4, 13), date(2024, 4, 13), date(2025, 4, 13)),
    ],
)
def test_cut_offs_follow_each_other(period: Period, cut_off: tuple[int, int], after: date, following: date) -> None:
    assert next_cut_off(Round(period, MonthDay(*cut_off), Location("", 1, 1)), after) == following


# --- 33: valid for a time, and nothing counted twice ---

TAIWAN = """
served: {sum: hours, over: since_award, where: {kind: service}}
"""
CARD = "1: {served: {at_least: 300 hours}, tenure: {at_least: 3 years}}"


def card(*new: tuple[str, float, str]) -> tuple[Standing, Standing]:
    place = ladder("by: automatic, valid: 3 years", CARD, TAIWAN)
    person = Volunteer(VolunteerId("V1"), registered_on=date(2018, 3, 1))
    history = [served(place, "2020-06-01", 400)]
    history += [served(place, day, hours, kind=kind) for day, hours, kind in new]
    early = [record for record in history if record.day <= date(2024, 2, 29)]
    return place.standing("2024-02-29", *early, person=person), place.standing("2024-03-01", *history, person=person)


def test_on_renewal_old_hours_and_training_do_not_count() -> None:
    before, after = card(("2022-01-01", 280, "service"), ("2022-01-02", 20, "training"))
    assert (before.star_held, after.star_held) == (1, 0)
    assert said(after) == [(1, "granted", "reached"), (0, "lost", "expired")]
    assert before.star is not None
    assert (before.star.since, before.star.until) == (date(2021, 3, 1), date(2024, 3, 1))


def test_with_three_hundred_new_hours_the_card_is_renewed() -> None:
    _before, after = card(("2022-01-01", 280, "service"), ("2022-01-02", 20, "service"))
    assert after.star_held == 1
    assert said(after) == [(1, "granted", "reached"), (1, "granted", "renewed")]
    assert after.star is not None
    assert (after.star.since, after.star.until) == (date(2024, 3, 1), date(2027, 3, 1))


def test_a_card_that_ran_out_is_earned_again_later() -> None:
    place = ladder("by: automatic, valid: 3 years, number: per_award", CARD, TAIWAN)
    person = Volunteer(VolunteerId("V1"), registered_on=date(2018, 3, 1))
    history = [served(place, "2021-03-01", 400), served(place, "2024-02-01", 280), served(place, "2024-04-01", 20)]
    found = place.standing("2024-04-01", *history, person=person)
    assert [one[1:] for one in said(found)] == [("granted", "reached"), ("lost", "expired"), ("granted", "reached")]
    assert found.star is not None
    assert found.star.number == 2


# --- numbers, points, qualitative judgement, alternatives ---


def test_a_permanent_number_stays_that_of_the_first_award() -> None:
    for number, shown in (("permanent", 1), ("per_award", 3)):
        place = ladder(NVSI + f", number: {number}")
        history = [
            record
            for star, hours in ((1, 100), (2, 200), (3, 300))
            for record in (served(place, f"2024-0{star}-01", hours), applies(place, f"2024-0{star}-02", star))
        ]
        found = place.standing("2024-06-15", *history)
        assert found.star is not None
        assert found.star.number == shown


def test_a_star_brings_its_points_once() -> None:
    place = ladder("by: automatic", "3: {earned: {at_least: 5}}", BOTH, "grants: {3: 25 points}")
    history = [served(place, f"2024-01-0{n}", 1, stamps=str(stamps)) for n, stamps in enumerate((5, -1, 1), 1)]
    found = place.standing("2024-06-15", *history)
    assert found.star is not None
    assert [(grant.star, grant.points, str(grant.on)) for grant in found.star.grants] == [(3, 2500, "2024-01-01")]
    assert [one[1] for one in said(found)] == ["granted", "lost", "granted"]


def test_outstanding_deeds_are_a_judgement_that_was_recorded() -> None:
    measures = SERVED + "\noutstanding: {count: records, over: all_time, where: {kind: judgement, honour: 事迹突出}}"
    place = ladder("by: automatic", "4: {served: {at_least: 10 hours}, outstanding: {at_least: 1}}", measures)
    hours = served(place, "2024-01-01", 10)
    assert place.standing("2024-06-15", hours).star_held == 0
    judged = event(place, "2024-02-01", "judgement", honour="事迹突出")
    assert place.standing("2024-06-15", hours, judged).star_held == 4


def test_a_lifetime_honour_takes_ten_years_and_hours_or_very_many_hours() -> None:
    levels = "6: {any: [{served: {more_than: 1500 hours}, tenure: {at_least: 121 months}}, "
    levels += "{served: {more_than: 3000 hours}}]}"
    place = ladder("by: automatic", levels)
    old = replace(SOMEBODY, registered_on=date(2014, 5, 15))
    for hours, person, star in (
        (1501, old, 6),
        (1500, old, 0),
        (1501, SOMEBODY, 0),
        (3000, SOMEBODY, 0),
        (3001, SOMEBODY, 6),
    ):
        assert place.standing("2024-06-15", served(place, "2024-06-14", hours), person=person).star_held == star


def test_a_notice_of_days_ends_on_a_working_day_and_the_star_is_held_from_the_next() -> None:
    stars = """
award: {by: review, round_of: calendar_year, cut_off: "12-24", notice: 7 days, below: keep}
levels: {1: {served: {at_least: 1 hour}}}
"""
    where = town(stars=stars, measures="served: {sum: hours, over: all_time}")
    record = where.record("2024-06-01", minutes=60)
    # Seven days after 24 December is the 31st, a Tuesday; New Year's Day follows.
    assert [where.standing(day, record).star_held for day in ("2024-12-31", "2025-01-01")] == [0, 1]


def test_lower_stars_come_by_themselves_and_the_top_ones_by_application() -> None:
    stars = """
award: {by: application, sequence: highest, below: keep, automatic_up_to: 2}
levels: {1: {served: {at_least: 1 hour}}, 2: {served: {at_least: 2 hours}}, 3: {served: {at_least: 3 hours}}}
"""
    where = town(stars=stars, measures="served: {sum: hours, over: all_time}")
    three = [where.record(f"2024-06-0{day}", minutes=60) for day in (1, 2, 3)]
    asked = where.record("2024-07-01", minutes=0, kind="star_application", star_applied="3")
    assert [where.standing(f"2024-06-0{day}", *three).star_held for day in (1, 2, 3)] == [1, 2, 2]
    assert where.standing("2024-07-01", *three, asked).star_held == 3
