"""Perks: on a star or without one, by face value, pass, choice and cycle; kept, stopped, for whom and where."""

from __future__ import annotations

from datetime import date

import pytest

from lianxing.engine.perks import open_perks
from tests.engine.counties import town
from tests.engine.proofs import failing, problems

MEASURES = "served: {sum: hours, over: all_time}\nthis_year: {sum: hours, over: {calendar: calendar_year}}\n"
STARS = "{award: {by: automatic}, levels: {1: {served: {at_least: 100 hours}}, 3: {served: {at_least: 600 hours}}}}"
PERKS = """
bus_card:
  stars: {at_least: 1}
  worth: {by: stars, 1: 10 yuan, 3: 30 yuan}
  uses: {at_most: 1, per: calendar_year}
  provider: 公交公司
  department: 交通局
  legal_ground: 条例第三十条
sites:
  stars: 3
  pays: 0 %
  uses: {pass: 6 months}
  sites: [山王坪, 金佛山]
  beneficiaries: [self, spouse]
  provider: 景区
year_gift:
  when: {this_year: {at_least: 50 hours}}
  uses: {at_most: 2, per: calendar_year}
  provider: 文明办
badge:
  when: {served: {at_least: 500 hours}}
  uses: {each_full: {of: served, amount: 500 hours}}
  provider: 文明办
card:
  stars: {at_least: 1}
  uses: unlimited
  shows: card
  card: {valid: 3 years, lending: forbidden}
  provider: 场馆
campaign:
  stars: {at_least: 1}
  consent: yes
  shows: token
  available: {from: 2024-02-01, until: 2024-02-29}
  uses: unlimited
  on_downgrade: keep
  provider: 影院
first_choice: {stars: 3, uses: unlimited, provider: 医院}
second_choice: {stars: 3, uses: unlimited, provider: 图书馆}
one_of_two: {choose: {at_most: 1, per: calendar_year, among: [first_choice, second_choice]}}
"""


def failing_cases(cases: str, perks: str = PERKS) -> tuple[str, ...]:
    return failing(measures=MEASURES, stars=STARS, perks=perks, cases=cases)


def test_face_value_goes_by_the_star() -> None:
    assert not failing_cases("""
- {name: one star, on: 2024-06-15, given: {served: 100 hours}, worths: {bus_card: 10 yuan}}
- {name: three stars, on: 2024-06-15, given: {served: 600 hours}, worths: {bus_card: 30 yuan}}
""")


def test_a_perk_by_the_hours_of_the_year_opens_without_a_star() -> None:
    assert not failing_cases("""
- {name: enough, on: 2024-06-15, given: {this_year: 50 hours}, perks: [year_gift]}
- {name: a minute short, on: 2024-06-15, given: {this_year: 2999 minutes}, perks: []}
""")


def test_uses_are_counted_in_the_period_and_not_before() -> None:
    assert not failing_cases("""
- name: the second is the last
  on: 2024-06-15
  given: {this_year: 50 hours}
  offer: year_gift
  redeemed: [{offer: year_gift, on: 2024-03-01}, {offer: year_gift, on: 2023-12-31}]
  redemption: allowed
- name: the third is too many
  on: 2024-06-15
  given: {this_year: 50 hours}
  offer: year_gift
  redeemed: [{offer: year_gift, on: 2024-03-01, units: 2}]
  refused_by: year_gift
  why: uses
""")


def test_a_pass_lasts_for_six_months_with_its_last_day() -> None:
    case = (
        "- {name: a, on: %s, given: {stars: 3}, offer: sites, issued_on: 2024-01-15, %s,"
        " redeemed: [{offer: sites, on: 2024-02-01, units: 40}]}\n"
    )
    assert not failing_cases(case % ("2024-07-15", "redemption: allowed"))
    assert not failing_cases(case % ("2024-07-16", "why: expired"))


def test_a_place_that_is_not_named_and_somebody_who_is_not_meant_are_refused() -> None:
    assert not failing_cases("""
- name: the spouse at a named place
  on: 2024-03-01
  given: {stars: 3}
  offer: sites
  issued_on: 2024-01-15
  with: {site: 山王坪, for_whom: spouse}
  redemption: allowed
- name: the child elsewhere
  on: 2024-03-01
  given: {stars: 3}
  offer: sites
  issued_on: 2024-01-15
  with: {site: 天生三桥, for_whom: child}
  why: [site, beneficiary]
""")


def test_a_cyclic_reward_is_earned_again_at_every_full_amount() -> None:
    case = (
        "- {{name: a, on: 2024-06-15, given: {{served: {}}}, offer: badge, redemption: {},"
        " redeemed: [{{offer: badge, on: 2023-01-01}}]}}\n"
    )
    assert not failing_cases(case.format("59999 minutes", "refused"))
    assert not failing_cases(case.format("1000 hours", "allowed"))


def test_a_card_lives_for_three_years_and_is_not_lent() -> None:
    assert not failing_cases("""
- {name: last day, on: 2024-03-01, given: {stars: 1}, offer: card, issued_on: 2021-03-01, redemption: allowed}
- {name: the day after, on: 2024-03-02, given: {stars: 1}, offer: card, issued_on: 2021-03-01, why: expired}
- {name: lent, on: 2024-03-01, given: {stars: 1}, offer: card, issued_on: 2021-03-01, with: {lent: yes}, why: lent}
- {name: the day before, on: 2021-02-28, given: {stars: 1}, offer: card, issued_on: 2021-03-01, why: not_begun}
- {name: since when is not said, on: 2021-03-01, given: {stars: 1}, offer: card, why: not_issued}
""")


@pytest.mark.parametrize(
    ("months", "last", "after"), [(6, "2024-07-15", "2024-07-16"), (48, "2027-01-15", "2027-01-16")]
)
def test_of_a_pass_on_a_card_the_shorter_ends_it(months: int, last: str, after: str) -> None:
    perks = PERKS.replace("uses: unlimited\n  shows: card", f"uses: {{pass: {months} months}}\n  shows: card")
    case = "- {name: a, on: %s, given: {stars: 1}, offer: card, issued_on: 2024-01-15, %s}\n"
    assert not failing_cases(case % (last, "redemption: allowed"), perks)
    assert not failing_cases(case % (after, "why: expired"), perks)


def test_a_campaign_perk_is_open_on_its_days_and_with_consent_only() -> None:
    given = "given: {stars: 1}, offer: campaign"
    consent = "person: {consents_to_sharing: yes}"
    assert not failing_cases(f"""
- {{name: first day, on: 2024-02-01, {consent}, {given}, redemption: allowed}}
- {{name: last day, on: 2024-02-29, {consent}, {given}, redemption: allowed}}
- {{name: the day before, on: 2024-01-31, {consent}, {given}, why: not_open}}
- {{name: the day after, on: 2024-03-01, {consent}, {given}, why: not_open}}
- {{name: no consent, on: 2024-02-10, {given}, why: not_open}}
""")


def test_a_perk_that_is_kept_stays_after_the_star_is_lost() -> None:
    cases = """
- name: the star is lost
  on: 2024-02-10
  person: {consents_to_sharing: yes}
  given: {stars: 0}
  offer: campaign
  with: {once_held: 1}
  redemption: %s
"""
    assert not failing_cases(cases % "allowed")
    lost = PERKS.replace("on_downgrade: keep", "on_downgrade: lose")
    assert not failing_cases(cases % "refused", lost)


def test_of_several_perks_one_may_be_chosen_in_a_year() -> None:
    assert not failing_cases("""
- name: nothing is chosen yet
  on: 2024-06-15
  given: {stars: 3}
  offer: first_choice
  redemption: allowed
- name: the one that was chosen goes on
  on: 2024-06-15
  given: {stars: 3}
  offer: first_choice
  redeemed: [{offer: first_choice, on: 2024-01-02}]
  redemption: allowed
- name: the other one is no longer to be had
  on: 2024-06-15
  given: {stars: 3}
  offer: second_choice
  redeemed: [{offer: first_choice, on: 2024-01-02}]
  refused_by: one_of_two
  why: choice
- name: next year it is
  on: 2025-01-01
  given: {stars: 3}
  offer: second_choice
  redeemed: [{offer: first_choice, on: 2024-12-31}]
  redemption: allowed
""")


def test_none_is_open_while_a_sanction_stops_them() -> None:
    place = town(measures=MEASURES, stars=STARS, perks=PERKS)
    person = {"day": date(2024, 6, 15).toordinal()}
    measures = {"served": 0, "this_year": 0}
    names = [p.clause.id for p in open_perks(place.rulebook, date(2024, 6, 15), person, measures, 1)]
    assert names == ["bus_card", "card"]
    assert open_perks(place.rulebook, date(2024, 6, 15), person, measures, 1, stopped=True) == ()


@pytest.mark.parametrize(
    ("perk", "found"),
    [
        ("a: {uses: unlimited, provider: x}", ["P649 1:1"]),
        ("a: {stars: 1}", ["P015 1:1", "P015 1:1"]),
        ("a: {stars: 1, provider: x, uses: {at_most: 1}}", ["P648 1:34"]),
        ("a: {stars: 1, provider: x, uses: {pass: 6 months, per: day}}", ["P648 1:34"]),
        ("a: {stars: 1, provider: x, uses: {each_full: {of: nothing, amount: 1 hour}}}", ["P314 1:51"]),
        ("a: {stars: 1, provider: x, uses: {each_full: {of: served, amount: 0 hours}}}", ["P615 1:67"]),
        ("a: {stars: 1, provider: x, uses: unlimited, worth: {by: stars, 1: 10 yuan}}", []),
        ("a: {stars: {at_least: 1}, provider: x, uses: unlimited, worth: {by: stars, 1: 1 yuan}}", ["P308 1:64"]),
        ("a: {choose: {at_most: 1, per: day, among: [b, c]}}", ["P650 1:1", "P650 1:1"]),
        ("a: {choose: {at_most: 1, per: day, among: [b, c]}, stars: 1}", ["P211 1:52"]),
        (
            "a: {stars: 1, provider: x, uses: unlimited, available: {from: 2024-02-02, until: 2024-02-01}}",
            ["P307 1:75"],
        ),
    ],
)
def test_what_a_perk_leaves_open_is_a_problem(perk: str, found: list[str]) -> None:
    case = "- {name: a, on: 2024-06-15, given: {served: 0 hours}, star: 0}\n"
    assert problems(measures=MEASURES, stars=STARS, perks=perk, cases=case) == found
