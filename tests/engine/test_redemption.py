"""Redemption: may somebody have this now, for how much, and which line says why not."""

from __future__ import annotations

from datetime import date

import pytest

from lianxing.engine.answers import quote_sentences
from lianxing.engine.redemption import Asking, quote
from tests.engine.counties import town
from tests.engine.proofs import failing, problems

MEASURES = "served: {sum: hours, over: all_time}\n"
STARS = "{award: {by: automatic}, levels: {1: {served: {at_least: 100 hours}}}}"
ACCOUNTS = """
points:
  holder: person
  unit: points
  earned_from: points
  spent_on: [goods, service, discount, entitlement]
  expires: never
  spends_first: oldest
  storage: unlimited
  overdraft: none
  transfer: none
  shortfall: debt
coins:
  holder: person
  unit: hours
  earned_from: hours
  spent_on: [service, donation, entitlement]
  expires: never
  spends_first: oldest
  storage: unlimited
  overdraft: none
  transfer: {to_whom: [lineal_relative]}
  shortfall: debt
"""
SOAP = """
soap:
  account: points
  price: 5 points
  gives: goods
  opens: always
  per_person: unlimited
  stock: unlimited
  irreversible: yes
  provider: 超市
"""
WHO = "on: 2023-06-15, given: {served: 0 hours}"


def soap(**change: str) -> str:
    """Return the offer with some lines changed or added."""
    lines = dict(line.split(": ", 1) for line in SOAP.strip().splitlines()[1:])
    lines = {key.strip(): value for key, value in lines.items()} | change
    return "soap:\n" + "".join(f"  {key}: {value}\n" for key, value in lines.items())


def asked(offers: str, *cases: str) -> tuple[str, ...]:
    told = "".join(f"- {{name: case {number}, {case}}}\n" for number, case in enumerate(cases))
    return failing(measures=MEASURES, stars=STARS, accounts=ACCOUNTS, redemption=offers, cases=told)


def test_a_price_is_paid_from_what_the_account_holds() -> None:
    assert not asked(
        soap(),
        f"{WHO}, offer: soap, balance: 5 points, redemption: allowed, costs: 5 points, cash: 0 yuan",
        f"{WHO}, offer: soap, balance: 4.99 points, refused_by: soap, why: balance",
        f"{WHO}, offer: soap, units: 2, balance: 10 points, redemption: allowed, costs: 10 points",
    )


def test_a_case_that_expects_it_to_be_allowed_is_told_why_it_was_not() -> None:
    wrong = asked(soap(), f"{WHO}, offer: soap, balance: 4.99 points, redemption: allowed")
    assert any("balance" in line for line in wrong)


def test_the_balance_may_be_what_the_moves_of_the_account_leave() -> None:
    moves = "moves: [{on: 2023-01-01, earned: 12 points}, {on: 2023-02-01, spent: 8 points}]"
    assert not asked(
        soap(),
        f"{WHO}, offer: soap, {moves}, redemption: refused, why: balance",
        f"{WHO}, offer: soap, {moves.replace('8', '7')}, redemption: allowed, leaves: {{balance: 5 points}}",
    )


def test_a_minimum_and_a_star_open_an_offer() -> None:
    gate = soap(when="{stars: {at_least: 1}, served: {at_least: 104 hours}, available_points: {at_least: 10 points}}")
    assert not asked(
        gate,
        "on: 2023-06-15, given: {served: 104 hours}, offer: soap, balance: 10 points, redemption: allowed",
        "on: 2023-06-15, given: {served: 104 hours}, offer: soap, balance: 9 points, why: not_eligible",
        "on: 2023-06-15, given: {served: 103.99 hours}, offer: soap, balance: 10 points, why: not_eligible",
        "on: 2023-06-15, given: {served: 104 hours, stars: 0}, offer: soap, balance: 10 points, why: not_eligible",
    )


def test_a_price_may_go_by_the_star() -> None:
    by_star = soap(price="{by: stars, 0: 10 points, default: 5 points}")
    assert not asked(
        by_star,
        "on: 2023-06-15, given: {stars: 0}, offer: soap, balance: 10 points, costs: 10 points",
        "on: 2023-06-15, given: {stars: 1}, offer: soap, balance: 10 points, costs: 5 points",
    )


def test_once_in_a_quarter_whatever_was_redeemed() -> None:
    offers = soap(opens="{at_most: 1, per: quarter}") + SOAP.replace("soap:", "rice:")
    assert not asked(
        offers,
        f"{WHO}, offer: soap, balance: 6 points, redeemed: [{{offer: rice, on: 2023-03-31}}], redemption: allowed",
        f"{WHO}, offer: soap, balance: 6 points, redeemed: [{{offer: rice, on: 2023-04-01}}], why: too_often",
        f"{WHO}, offer: rice, balance: 6 points, redeemed: [{{offer: rice, on: 2023-04-01}}], redemption: allowed",
    )


def test_a_window_is_open_on_its_first_and_last_day() -> None:
    january = soap(opens='{every_year: ["01-01", "01-31"]}')
    new_year = soap(opens='{every_year: [["06-10", "06-20"], ["12-25", "01-05"]]}')
    once = soap(opens="{from: 2024-01-01, until: 2024-01-31}")
    for offers, inside, outside in (
        (january, ("2024-01-01", "2025-01-31"), ("2023-12-31", "2024-02-01")),
        (new_year, ("2024-12-25", "2025-01-05", "2024-06-20"), ("2024-12-24", "2025-01-06", "2024-06-21")),
        (once, ("2024-01-01", "2024-01-31"), ("2023-12-31", "2024-02-01", "2025-01-15")),
    ):
        said = [f"on: {day}, given: {{}}, offer: soap, balance: 5 points, redemption: allowed" for day in inside]
        said += [f"on: {day}, given: {{}}, offer: soap, balance: 5 points, why: closed" for day in outside]
        assert not asked(offers, *said)


def test_two_of_an_item_are_all_that_one_person_gets() -> None:
    two = soap(per_person="{at_most: 2, per: all_time}")
    yearly = soap(per_person="{at_most: 2, per: calendar_year}")
    had = "balance: 50 points, redeemed: [{offer: soap, on: 2022-12-31, units: 2}]"
    assert not asked(
        two,
        f"{WHO}, offer: soap, units: 2, balance: 50 points, redemption: allowed",
        f"{WHO}, offer: soap, units: 3, balance: 50 points, why: per_person",
        f"{WHO}, offer: soap, {had}, refused_by: soap, why: per_person",
    )
    assert not asked(yearly, f"{WHO}, offer: soap, units: 2, {had}, redemption: allowed")


def test_what_is_given_out_is_no_longer_in_stock() -> None:
    assert not asked(
        soap(stock="100"),
        f"{WHO}, offer: soap, balance: 5 points, with: {{given_out: 99}}, redemption: allowed",
        f"{WHO}, offer: soap, balance: 5 points, with: {{given_out: 100}}, why: stock",
    )


def test_a_voucher_of_may_is_void_a_year_and_a_day_later() -> None:
    voucher = soap(gives="voucher", voucher="{valid: 1 year}", pick_up="[qr_code, identity]")
    shown = "with: {shown: [qr_code, identity]}"
    assert not asked(
        voucher,
        f"on: 2024-05-10, given: {{}}, offer: soap, issued_on: 2023-05-10, {shown}, redemption: allowed",
        f"on: 2024-05-11, given: {{}}, offer: soap, issued_on: 2023-05-10, {shown}, why: void",
        f"on: 2023-05-09, given: {{}}, offer: soap, issued_on: 2023-05-10, {shown}, why: not_begun",
        "on: 2024-05-10, given: {}, offer: soap, issued_on: 2023-05-10, with: {shown: [qr_code]}, why: pick_up",
    )


@pytest.mark.parametrize(("yes_no", "answer"), [("yes", "refused"), ("no", "allowed")])
def test_a_redemption_is_taken_back_only_where_it_is_not_irreversible(yes_no: str, answer: str) -> None:
    assert not asked(soap(irreversible=yes_no), f"{WHO}, offer: soap, asks: withdrawal, redemption: {answer}")


@pytest.mark.parametrize(("yes_no", "answer"), [("yes", "allowed"), ("no", "refused")])
def test_what_was_redeemed_is_swapped_only_where_the_offer_says_so(yes_no: str, answer: str) -> None:
    assert not asked(soap(swap=yes_no, publish=yes_no), f"{WHO}, offer: soap, asks: swap, redemption: {answer}")
    assert not asked(soap(publish=yes_no), f"{WHO}, offer: soap, balance: 5 points, published: {yes_no}")


def test_part_of_the_price_may_be_money() -> None:
    partial = soap(price="10 points", partial="{at_least: 50 %, exchange: 1 yuan}")
    assert not asked(
        partial,
        f"{WHO}, offer: soap, balance: 10 points, redemption: allowed, costs: 10 points, cash: 0 yuan",
        f"{WHO}, offer: soap, balance: 6.5 points, redemption: allowed, costs: 6.5 points, cash: 3.5 yuan",
        f"{WHO}, offer: soap, balance: 5 points, redemption: allowed, costs: 5 points, cash: 5 yuan",
        f"{WHO}, offer: soap, balance: 4.99 points, why: balance",
    )


def test_an_entitlement_is_used_up_at_one_merchant_and_whole_at_the_next() -> None:
    watermark = soap(watermark="yes")
    had = "balance: 8 points, redeemed: [{offer: soap, on: 2023-06-01, merchant: A}]"
    assert not asked(
        watermark,
        f"{WHO}, offer: soap, {had}, with: {{merchant: A}}, why: watermark",
        f"{WHO}, offer: soap, {had}, with: {{merchant: B}}, redemption: allowed",
    )
    assert not asked(soap(), f"{WHO}, offer: soap, {had}, with: {{merchant: A}}, redemption: allowed")


def test_a_supplier_owes_what_is_short_of_the_period() -> None:
    supplied = soap(suppliers="[{provider: 机关, at_least: 1000 yuan, per: half_year}]", settlement="month")
    assert not asked(
        supplied,
        f"{WHO}, offer: soap, balance: 5 points, with: {{supplied: {{机关: 900 yuan}}}}, to_supply: {{机关: 100 yuan}}",
        f"{WHO}, offer: soap, balance: 5 points, with: {{supplied: {{机关: 1000 yuan}}}}, to_supply: {{}}",
    )


def test_a_home_place_takes_the_hours_served_and_the_coins_still_there() -> None:
    place = """
home_place:
  account: coins
  price: 0 hours
  gives: entitlement
  when: {served: {at_least: 10000 hours}, available_hours: {at_least: 10000 hours}}
  opens: always
  per_person: {at_most: 1, per: all_time}
  stock: unlimited
  irreversible: yes
  provider: 民政局
"""
    gifted = "{on: 2023-01-01, earned: 10050 hours}, {on: 2023-02-01, given_away: %s hours, to_whom: lineal_relative}"
    who = "on: 2023-06-15, given: {served: 10050 hours}, offer: home_place, moves"
    assert not asked(
        place,
        f"{who}: [{gifted % 100}], refused_by: home_place, why: not_eligible, leaves: {{balance: 9950 hours}}",
        f"{who}: [{gifted % 50}], redemption: allowed",
    )


def test_an_answer_says_every_reason_with_its_line() -> None:
    offers = soap(opens="{from: 2024-01-01}", per_person="{at_most: 1, per: all_time}")
    place = town(measures=MEASURES, stars=STARS, accounts=ACCOUNTS, redemption=offers)
    asking = Asking(date(2023, 6, 15), {}, {"served": 0}, 0, 400, units=2, suspended=True)
    answer = quote(place.rulebook, place.policy.offers[0], asking)
    assert quote_sentences(answer, "points", "en") == [
        "No: redemption is suspended [soap, town/redemption.yaml:1]",
        "No: it is not open on 2023-06-15 [soap, town/redemption.yaml:5]",
        "No: at most 1 for one person, 0 before [soap, town/redemption.yaml:6]",
        "No: it takes 10 points, there is 4 points [soap, town/redemption.yaml:3]",
    ]
    assert answer.gaps == ()
    assert "不能：余额不足：需 10 分，可用 4 分〔soap，town/redemption.yaml:3〕" in quote_sentences(
        answer, "points", "zh"
    )


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"account": "pionts"}, ["P640"]),
        ({"account": "coins"}, ["P642", "P643"]),
        ({"price": "5 hours"}, ["P642"]),
        ({"price": "{by: stars, 0: 5 points, default: 5 hours}"}, ["P642"]),
        ({"gives": "donation"}, ["P643"]),
        ({"gives": "voucher"}, ["P646"]),
        ({"voucher": "{valid: 1 year}"}, ["P646"]),
        ({"opens": '{every_year: ["01-01"]}'}, ["P645"]),
        ({"opens": '{every_year: ["01-01", "02-30"]}'}, ["P647"]),
        ({"opens": "{at_most: 1}"}, ["P015"]),
        ({"opens": "{per: month}"}, ["P015"]),
        ({"opens": "{}"}, ["P111"]),
        ({"opens": "{from: 2024-01-01, until: 2023-01-01}"}, ["P307"]),
        ({"stock": "plenty"}, ["P105"]),
        ({"when": "{stars: {at_least: 2}}"}, ["P317"]),
        ({"when": "{category: training}"}, ["P304"]),
    ],
)
def test_what_does_not_fit_an_offer_is_a_problem(change: dict[str, str], found: list[str]) -> None:
    case = "- {name: a, on: 2024-06-15, given: {}, star: 0}\n"
    wrong = problems(measures=MEASURES, stars=STARS, accounts=ACCOUNTS, redemption=soap(**change), cases=case)
    assert [problem.split()[0] for problem in wrong] == found


@pytest.mark.parametrize("key", [line.split(":")[0].strip() for line in SOAP.strip().splitlines()[1:]])
def test_an_offer_leaves_nothing_unsaid(key: str) -> None:
    lines = [line for line in SOAP.strip().splitlines() if not line.startswith(f"  {key}:")]
    case = "- {name: a, on: 2024-06-15, given: {}, star: 0}\n"
    offers = "\n".join(lines) + "\n"
    wrong = problems(measures=MEASURES, stars=STARS, accounts=ACCOUNTS, redemption=offers, cases=case)
    assert wrong == ["P015 1:1"]


@pytest.mark.parametrize(
    ("case", "found"),
    [
        ("offer: sope, balance: 5 points, redemption: allowed", ["P520"]),
        ("offer: soap, balance: 5 hours, redemption: allowed", ["P642"]),
        ("balance: 5 points, redemption: allowed", ["P521"]),
        ("account: pionts, moves: [{on: 2023-01-01, earned: 1 point}], leaves: {balance: 1 point}", ["P640"]),
        ("offer: soap, redeemed: [{offer: rice, on: 2023-01-01}], redemption: allowed", ["P520"]),
        ("offer: soap, balance: 5 points", ["P505"]),
        ("offer: soap, balance: 5 points, why: poor", ["P105"]),
    ],
)
def test_a_case_names_what_is_there(case: str, found: list[str]) -> None:
    told = f"- {{name: a, {WHO}, {case}}}\n"
    wrong = problems(measures=MEASURES, stars=STARS, accounts=ACCOUNTS, redemption=SOAP, cases=told)
    assert [problem.split()[0] for problem in wrong] == found


def test_a_condition_that_does_not_hold_is_told_by_its_tests() -> None:
    gate = soap(when="{stars: {at_least: 1}, available_points: {at_least: 10 points}}")
    place = town(measures=MEASURES, stars=STARS, accounts=ACCOUNTS, redemption=gate)
    answer = quote(place.rulebook, place.policy.offers[0], Asking(date(2023, 6, 15), {}, {"served": 0}, 1, 900))
    assert [(gap.fact, gap.needed, gap.has, gap.lacking) for gap in answer.gaps] == [
        ("available_points", 1000, 900, 100)
    ]


def test_what_a_sanction_says_is_asked_of_offers_too() -> None:
    gate = soap(when="{registration: active}")
    assert not asked(gate, f"{WHO}, offer: soap, balance: 5 points, redemption: allowed")
