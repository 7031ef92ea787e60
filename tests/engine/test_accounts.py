"""Accounts: what goes in, in which order it is spent, when it ends, and where what is gone went."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianxing.engine.accounts import balance_of
from lianxing.engine.answers import balance_sentences
from lianxing.rules.accounts import Recipient
from lianxing.rules.balances import Move, MoveKind
from tests.engine.counties import town
from tests.engine.proofs import failing, problems

POINTS = """
points:
  holder: person
  unit: points
  earned_from: points
  spent_on: [goods, service]
  expires: never
  spends_first: oldest
  storage: unlimited
  overdraft: none
  transfer: none
  shortfall: debt
"""
COINS = """
coins:
  holder: person
  unit: hours
  earned_from: hours
  when: {form: {not: group}}
  spent_on: [service, donation]
  expires: never
  spends_first: oldest
  storage: {at_most: 1500 hours, overflow: donation_pool}
  overdraft: none
  transfer: {to_whom: [lineal_relative, spouse]}
  shortfall: clamp
  issue: [{when: {age: {at_least: 80}}, amount: 10 hours, per: calendar_year, provider: 政府基金}]
  holds: 3 days
  family: {may_draw: yes, pooled: no}
  closure: {death: inherited, moving: portable, leaving: to_pool}
"""
GROUP = """
group_pool:
  holder: pool
  unit: hours
  earned_from: hours
  when: {form: group}
  spent_on: [donation]
  expires: never
  spends_first: oldest
  storage: unlimited
  overdraft: none
  transfer: none
  shortfall: clamp
"""
FACTS = "  form: {type: text, scope: person, values: {single: {}, group: {}}}\n"


def account(moves: str, left: str, accounts: str = POINTS, on: str = "2024-06-16", more: str = "") -> tuple[str, ...]:
    """Return what is wrong with: these moves of the first account leave this much on a day."""
    name = accounts.split(":")[0].strip()
    case = f"- {{name: a, on: {on}, account: {name}, moves: [{moves}], leaves: {{{left}}}{more}}}\n"
    return failing(FACTS, accounts=accounts, cases=case)


def points(**change: str) -> str:
    """Return the account for points with some lines changed."""
    lines = dict(line.split(": ", 1) for line in POINTS.strip().splitlines()[1:])
    lines = {key.strip(): value for key, value in lines.items()} | change
    return "points:\n" + "".join(f"  {key}: {value}\n" for key, value in lines.items())


EARNED = "{on: 2021-06-15, earned: 10 points}, {on: 2022-03-01, earned: 5 points}"


def test_what_is_spent_first_decides_what_expires() -> None:
    spent = f"{EARNED}, {{on: 2024-01-10, spent: 8 points}}"
    expiring = points(expires="{valid: 3 years}")
    newest = points(expires="{valid: 3 years}", spends_first="newest")
    assert not account(spent, "balance: 5 points, went: {expired: 2 points}", expiring)
    assert not account(spent, "balance: 7 points, went: {}", expiring, on="2024-06-15")
    assert not account(spent, "balance: 0 points, went: {expired: 7 points}", newest)


def test_the_lot_that_ends_soonest_may_go_first() -> None:
    moves = "{on: 2024-01-31, earned: 5 points}, {on: 2023-02-28, earned: 5 points}, {on: 2024-02-01, spent: 5 points}"
    soonest = points(expires="{valid: {2020-01-01: 24 months, 2024-01-01: 1 months}}", spends_first="soonest_to_expire")
    assert not account(moves, "balance: 5 points, went: {}", soonest, on="2024-03-01")
    oldest = points(expires="{valid: {2020-01-01: 24 months, 2024-01-01: 1 months}}")
    assert not account(moves, "balance: 0 points, went: {expired: 5 points}", oldest, on="2024-03-01")


def test_points_of_a_calendar_year_end_with_it() -> None:
    moves = "{on: 2024-05-01, earned: 6 points}, {on: 2024-12-20, spent: 4 points}"
    yearly = points(expires="{at_end_of: calendar_year}")
    assert not account(moves, "balance: 2 points, went: {}", yearly, on="2024-12-31")
    assert not account(moves, "balance: 0 points, went: {expired: 2 points}", yearly, on="2025-01-01")
    assert not account(moves, "balance: 2 points, went: {}", points(), on="2025-01-01")


@pytest.mark.parametrize(("period", "last"), [("month", "05-31"), ("quarter", "06-30"), ("half_year", "06-30")])
def test_points_end_with_their_period(period: str, last: str) -> None:
    yearly = points(expires=f"{{at_end_of: {period}}}")
    moves = "{on: 2024-05-01, earned: 6 points}"
    assert not account(moves, "balance: 6 points", yearly, on=f"2024-{last}")
    next_month = "2024-06-01" if period == "month" else "2024-07-01"
    assert not account(moves, "balance: 0 points", yearly, on=next_month)


def test_what_a_redemption_leaves_may_be_gone() -> None:
    cleared = points(expires="after_redemption")
    moves = f"{EARNED}, {{on: 2024-01-10, spent: 8 points}}"
    assert not account(moves, "balance: 0 points, went: {expired: 7 points}", cleared)


def test_what_is_above_the_storage_goes_where_the_account_says() -> None:
    moves = "{on: 2024-01-01, earned: 1490 hours}, {on: 2024-02-01, earned: 25 hours}"
    assert not account(moves, "balance: 1500 hours, went: {donation_pool: 15 hours}", COINS)
    lost = COINS.replace("overflow: donation_pool", "overflow: lost")
    assert not account(moves, "balance: 1500 hours, went: {lost: 15 hours}", lost)
    exactly = "{on: 2024-01-01, earned: 1490 hours}, {on: 2024-02-01, earned: 10 hours}"
    assert not account(exactly, "balance: 1500 hours, went: {}", COINS)


def test_the_time_of_a_group_goes_to_the_pool_only() -> None:
    moves, group = "{on: 2024-01-01, earned: 25 hours}", ", person: {form: group}"
    assert not account(moves, "balance: 0", COINS + GROUP, more=f"{group}, why: holder")
    assert not account(moves, "balance: 25 hours", GROUP + COINS, more=group)
    assert not account(moves, "balance: 0", GROUP + COINS, more=", person: {form: single}, why: holder")


def test_only_whole_units_are_credited_and_the_rest_is_lost_or_carried() -> None:
    moves = "{on: 2024-01-01, earned: 3.75 hours}, {on: 2024-01-02, earned: 3.25 hours}"
    assert not account(moves, "balance: 6 hours, went: {lost: 1 hour}", COINS + "  whole_only: rest_lost\n")
    assert not account(moves, "balance: 7 hours, went: {}", COINS + "  whole_only: rest_carried\n")
    assert not account(moves, "balance: 7 hours", COINS + "  whole_only: no\n")


def test_nothing_is_spent_that_is_not_there_unless_the_account_may_owe() -> None:
    moves = "{on: 2024-01-01, earned: 5 hours}, {on: 2024-01-02, spent: 15 hours}"
    one_more = "{on: 2024-01-01, earned: 5 hours}, {on: 2024-01-02, spent: 15.01 hours}"
    assert not account(moves, "balance: 5 hours", COINS, more=", why: balance")
    floor = COINS.replace("overdraft: none", "overdraft: {floor: -10 hours}")
    assert not account(moves, "balance: -10 hours", floor)
    assert not account(one_more, "balance: 5 hours", floor, more=", why: balance")
    unlimited = COINS.replace("overdraft: none", "overdraft: unlimited")
    assert not account(one_more, "balance: -10.01 hours, went: {}", unlimited)
    borrow = COINS.replace("overdraft: none", "overdraft: {borrow: group_pool}") + GROUP
    assert not account(moves, "balance: -10 hours, went: {borrowed: 10 hours}", borrow)


def test_a_loan_goes_back_as_far_as_it_is_refunded_or_paid() -> None:
    borrow = COINS.replace("overdraft: none", "overdraft: {borrow: group_pool}") + GROUP
    spent = "{on: 2024-01-01, earned: 5 hours}, {on: 2024-01-02, id: visit, spent: 15 hours}"
    paid = "{on: 2024-01-03, earned: 4 hours}"
    assert not account(f"{spent}, {paid}", "balance: -6 hours, went: {borrowed: 6 hours}", borrow)
    refunded = f"{spent}, {paid}, {{on: 2024-01-04, refunded: visit}}"
    assert not account(refunded, "balance: 9 hours, went: {}", borrow)


def test_what_is_owed_is_settled_by_what_comes_in() -> None:
    moves = "{on: 2024-01-02, spent: 8 points}, {on: 2024-01-03, earned: 5 points}, {on: 2024-01-04, earned: 5 points}"
    assert not account(moves, "balance: 2 points", points(overdraft="unlimited"))


def test_a_gift_goes_to_whom_the_account_names_and_never_overdraws() -> None:
    earned = "{on: 2024-01-01, earned: 5 hours}"
    given = "{{on: 2024-01-02, given_away: {}, to_whom: {}}}"
    relative = f"{earned}, {given.format('5 hours', 'lineal_relative')}"
    assert not account(relative, "balance: 0, went: {lineal_relative: 5 hours}", COINS)
    assert not account(
        f"{earned}, {given.format('5 hours', 'friend')}", "balance: 5 hours", COINS, more=", why: transfer"
    )
    unlimited = COINS.replace("overdraft: none", "overdraft: unlimited")
    too_much = f"{earned}, {given.format('5.01 hours', 'spouse')}"
    assert not account(too_much, "balance: 5 hours", unlimited, more=", why: balance")


def test_time_credits_buy_what_the_account_names() -> None:
    earned = "{on: 2024-01-01, earned: 5 hours}"
    assert not account(f"{earned}, {{on: 2024-01-02, spent: 2 hours, gives: service}}", "balance: 3 hours", COINS)
    rice = f"{earned}, {{on: 2024-01-02, spent: 2 hours, gives: goods}}"
    assert not account(rice, "balance: 5 hours", COINS, more=", why: spent_on")


def test_the_family_draws_and_earns_where_the_account_says_so() -> None:
    drawn = "{on: 2024-01-01, earned: 5 hours}, {on: 2024-01-02, spent: 2 hours, family: yes}"
    assert not account(drawn, "balance: 3 hours", COINS)
    no_drawing = COINS.replace("may_draw: yes", "may_draw: no")
    assert not account(drawn, "balance: 5 hours", no_drawing, more=", why: family")
    earned = "{on: 2024-01-01, earned: 5 hours, family: yes}"
    assert not account(earned, "balance: 0", COINS, more=", why: family")
    assert not account(earned, "balance: 5 hours", COINS.replace("pooled: no", "pooled: yes"))


def test_what_is_taken_back_beyond_the_balance_is_owed_written_off_or_left() -> None:
    moves = "{on: 2024-01-01, earned: 5 points}, {on: 2024-01-02, taken_back: 8 points}"
    assert not account(moves, "balance: -3 points", points(shortfall="debt"))
    assert not account(moves, "balance: 0, went: {written_off: 3 points}", points(shortfall="clamp"))
    assert not account(moves, "balance: 5 points", points(shortfall="forbid"), more=", why: shortfall")


def test_a_fund_gives_once_a_year_to_whom_the_condition_holds_for() -> None:
    old, young = ", person: {age: 80}", ", person: {age: 79}"
    once = "{on: 2024-01-01, issued: 10 hours}"
    assert not account(once, "balance: 10 hours", COINS, more=old)
    assert not account(once, "balance: 0", COINS, more=f"{young}, why: issue")
    assert not account("{on: 2024-01-01, issued: 11 hours}", "balance: 0", COINS, more=f"{old}, why: issue")
    twice = "{on: 2023-12-31, issued: 10 hours}, {on: 2024-01-01, issued: 10 hours}, {on: 2024-02-01, issued: 10 hours}"
    assert not account(twice, "balance: 20 hours", COINS, more=f"{old}, why: issue")
    in_all = COINS.replace("per: calendar_year", "per: once")
    assert not account(twice, "balance: 10 hours", in_all, more=f"{old}, why: [issue, issue]")


def test_what_is_reserved_is_there_but_not_available_until_the_reservation_ends() -> None:
    moves = "{on: 2024-06-01, earned: 10 hours}, {on: 2024-06-13, reserved: 6 hours}"
    assert not account(moves, "balance: 10 hours, available_balance: 4 hours", COINS)
    assert not account(moves, "balance: 10 hours, available_balance: 10 hours", COINS, on="2024-06-17")
    again = f"{moves}, {{on: 2024-06-14, spent: 5 hours}}"
    assert not account(again, "balance: 10 hours", COINS, more=", why: balance")
    assert not account(
        "{on: 2024-01-01, earned: 5 points}, {on: 2024-01-02, reserved: 1 point}",
        "balance: 5 points",
        more=", why: holds",
    )


def test_what_is_reserved_is_settled_released_or_refunded_by_its_name() -> None:
    moves = "{on: 2024-06-01, earned: 10 hours}, {on: 2024-06-13, reserved: 6 hours, id: A}"
    settled = f"{moves}, {{on: 2024-06-16, settled: A}}"
    assert not account(settled, "balance: 4 hours, available_balance: 4 hours, went: {}", COINS)
    late = f"{moves}, {{on: 2024-06-17, settled: A}}"
    assert not account(late, "balance: 10 hours", COINS, on="2024-06-17", more=", why: hold_over")
    much_later = f"{moves}, {{on: 2024-07-17, settled: A}}"
    assert not account(much_later, "balance: 10 hours", COINS, on="2024-07-17", more=", why: hold_over")
    released = f"{moves}, {{on: 2024-06-14, released: A}}"
    assert not account(released, "balance: 10 hours, available_balance: 10 hours", COINS)
    assert not account(f"{released}, {{on: 2024-06-14, settled: A}}", "balance: 10 hours", COINS, more=", why: hold")
    refunded = f"{settled}, {{on: 2024-06-16, refunded: A}}"
    assert not account(refunded, "balance: 10 hours", COINS)
    twice = f"{refunded}, {{on: 2024-06-16, refunded: A}}"
    assert not account(twice, "balance: 10 hours", COINS, more=", why: refund")
    spent = "{on: 2024-06-01, earned: 10 hours}, {on: 2024-06-13, spent: 6 hours, id: B}, {on: 2024-06-14, refunded: B}"
    assert not account(spent, "balance: 10 hours", COINS)
    assert not account(f"{moves}, {{on: 2024-06-14, settled: B}}", "balance: 10 hours", COINS, more=", why: hold")


def test_a_gift_pays_what_is_owed_and_is_kept_as_anything_else() -> None:
    moves = "{on: 2024-01-02, spent: 8 points}, {on: 2024-01-03, received: 10 points}"
    assert not account(moves, "balance: 2 points, went: {}", points(overdraft="unlimited"))


def test_what_is_refunded_or_released_ends_when_it_would_have_ended() -> None:
    expiring = points(expires="{valid: 1 months}") + "  holds: 3 days\n"
    moves = "{on: 2024-05-15, earned: 5 points}, {on: 2024-06-14, spent: 5 points, id: A}"
    refunded = f"{moves}, {{on: 2024-06-15, refunded: A}}"
    assert not account(refunded, "balance: 5 points, went: {}", expiring, on="2024-06-15")
    assert not account(refunded, "balance: 0, went: {expired: 5 points}", expiring, on="2024-06-16")
    held = "{on: 2024-05-15, earned: 5 points}, {on: 2024-06-14, reserved: 2 points}"
    assert not account(held, "balance: 2 points, available_balance: 0, went: {expired: 3 points}", expiring)
    assert not account(held, "balance: 2 points", expiring, on="2024-06-17")
    assert not account(held, "balance: 0, went: {expired: 5 points}", expiring, on="2024-06-18")


@pytest.mark.parametrize(("event", "goes"), [("death", "inherited"), ("moving", "portable"), ("leaving", "to_pool")])
def test_a_closed_account_leaves_its_balance_where_the_account_says(event: str, goes: str) -> None:
    moves = f"{{on: 2024-01-01, earned: 5 hours}}, {{on: 2024-01-02, closes: {event}}}"
    assert not account(moves, f"balance: 0, went: {{{goes}: 5 hours}}", COINS)


def test_a_move_that_nobody_expected_to_be_refused_fails_the_case() -> None:
    (wrong, *_more) = account("{on: 2024-01-02, spent: 8 points}", "balance: 0")
    assert "why" in wrong


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"earned_from": "hours"}, ["P642"]),
        ({"earned_from": "stamps"}, ["P314"]),
        ({"storage": "{at_most: 5 hours, overflow: lost}"}, ["P642"]),
        ({"storage": "{at_most: 5 points}"}, ["P015"]),
        ({"overdraft": "{floor: 10 points}"}, ["P616"]),
        ({"overdraft": "{floor: -10 hours}"}, ["P642"]),
        ({"overdraft": "{borrow: pool}"}, ["P640"]),
        ({"overdraft": "{borrow: points}"}, ["P641"]),
        ({"spends_first": "soonest_to_expire"}, ["P644"]),
        ({"expires": "{valid: 3 years, at_end_of: month}"}, ["P211"]),
        ({"expires": "some day"}, ["P105"]),
        ({"issue": "[{amount: {2024-01-01: 1 hour, 2025-01-01: 2 points}, per: once, provider: x}]"}, ["P642"]),
        ({"transfer": "{to_whom: []}"}, ["P111"]),
        ({"closure": "{death: lost}"}, ["P015", "P015"]),
    ],
)
def test_what_does_not_fit_an_account_is_a_problem(change: dict[str, str], found: list[str]) -> None:
    case = "- {name: a, on: 2024-06-15, given: {}, star: 0}\n"
    assert [problem.split()[0] for problem in problems(accounts=points(**change), cases=case)] == found


@pytest.mark.parametrize("key", [line.split(":")[0].strip() for line in POINTS.strip().splitlines()[1:]])
def test_an_account_leaves_nothing_unsaid(key: str) -> None:
    lines = [line for line in POINTS.strip().splitlines() if not line.startswith(f"  {key}:")]
    case = "- {name: a, on: 2024-06-15, given: {}, star: 0}\n"
    assert problems(accounts="\n".join(lines) + "\n", cases=case) == ["P015 1:1"]


@pytest.mark.parametrize(("spending", "star"), [("yes", 0), ("no", 1)])
def test_spending_takes_from_what_a_star_rests_on_only_where_the_county_says_so(spending: str, star: int) -> None:
    stars = (
        f"{{award: {{by: automatic}}, lowers_the_basis: {{spending: {spending}, expiry: no, revocation: yes}},"
        " levels: {1: {served: {at_least: 100 hours}}}}"
    )
    case = (
        "- {name: a, on: 2024-06-15, given: {served: 101 hours}, account: coins,"
        f" moves: [{{on: 2024-01-01, earned: 101 hours}}, {{on: 2024-01-02, spent: 2 hours}}], star: {star}}}\n"
    )
    measures = "served: {sum: hours, over: all_time}\n"
    assert not failing(FACTS, measures=measures, stars=stars, accounts=COINS, cases=case)


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["earned", "spent", "given_away", "taken_back"]), st.integers(1, 40), st.integers(0, 900)
    ),
    max_size=20,
)


@given(
    MOVES,
    st.sampled_from(["never", "after_redemption", "{valid: 3 months}", "{at_end_of: quarter}"]),
    st.sampled_from(["oldest", "newest"]),
    st.sampled_from(["unlimited", "{at_most: 50 points, overflow: honour}"]),
    st.sampled_from(["none", "unlimited", "{floor: -10 points}"]),
    st.sampled_from(["debt", "clamp", "forbid"]),
)
def test_no_point_comes_from_nowhere_or_gets_lost(
    moves: list[tuple[str, int, int]], expires: str, first: str, storage: str, overdraft: str, shortfall: str
) -> None:
    said = points(
        expires=expires,
        spends_first=first,
        storage=storage,
        overdraft=overdraft,
        shortfall=shortfall,
        transfer="{to_whom: [friend]}",
    )
    place = town(accounts=said)
    told = [
        Move(date(2024, 1, 1) + timedelta(days=day), MoveKind(kind), amount * 100, to_whom=Recipient.FRIEND)
        for kind, amount, day in sorted(moves, key=lambda move: move[2])
    ]
    found = balance_of(place.rulebook, place.policy.accounts[0], told, date(2026, 12, 31), {}, {})
    refused = [one.move for one in found.refused]
    done = [move for move in told if not any(move is other for other in refused)]
    total = {kind: sum(move.amount for move in done if move.kind is kind) for kind in MoveKind}
    gone = {where: amount for where, amount in found.went.items() if where != "written_off"}
    taken_back = total[MoveKind.TAKEN_BACK] - found.went.get("written_off", 0)
    assert total[MoveKind.EARNED] == found.balance + found.spent + taken_back + sum(gone.values())
    assert found.spent == total[MoveKind.SPENT]
    if overdraft == "none" and shortfall != "debt":
        assert found.balance >= 0
    if storage != "unlimited":
        assert found.balance <= 5000


def test_a_balance_is_told_with_where_the_rest_went_and_why_not() -> None:
    place = town(accounts=points(expires="{valid: 3 years}"))
    moves = [
        Move(date(2021, 6, 15), MoveKind.EARNED, 1000),
        Move(date(2022, 3, 1), MoveKind.EARNED, 500),
        Move(date(2024, 1, 10), MoveKind.SPENT, 1600),
        Move(date(2024, 1, 10), MoveKind.GIVEN_AWAY, 100, to_whom=Recipient.NEEDY_ELDER),
    ]
    found = balance_of(place.rulebook, place.policy.accounts[0], moves, date(2024, 6, 16), {}, {})
    assert list(balance_sentences(found, "points", "en")) == [
        "On 2024-06-16: 5 points, 5 points available",
        "  expired: 10 points",
        "  2024-01-10 it takes 16 points, there is 15 points [points, town/accounts.yaml:1]",
        "  2024-01-10 it is not transferred to needy elder [points, town/accounts.yaml:1]",
    ]
    assert list(balance_sentences(found, "points", "zh"))[1:] == [
        "  已过期：10 分",
        "  2024-01-10 余额不足：需 16 分，可用 15 分〔points，town/accounts.yaml:1〕",
        "  2024-01-10 不能转给 困难老人〔points，town/accounts.yaml:1〕",
    ]
