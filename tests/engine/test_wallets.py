"""The wallet that the bank keeps: what comes in, is held, spent, taken back and ends, and that nothing is lost."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lianxing.engine.wallet import MOST, OWED, Done, Wallet
from lianxing.engine.wallets import (
    close,
    convert,
    earn,
    expire,
    expire_hold,
    expiring,
    give,
    given_parts,
    grants_due,
    issue,
    lend,
    receive,
    redate,
    refund,
    release,
    repay,
    reserve,
    settle,
    short_of,
    spend,
    take_back,
)
from lianxing.rules.accounts import (
    Account,
    After,
    AtEndOf,
    Borrow,
    Closing,
    Closure,
    Expiry,
    Family,
    Floor,
    Holder,
    Issue,
    Order,
    Overdraft,
    Purpose,
    Recipient,
    Shortfall,
    Storage,
    Unit,
    WholeOnly,
)
from lianxing.rules.closures import ClosingEvent
from lianxing.rules.conditions import AllOf
from lianxing.rules.dates import always
from lianxing.rules.hours import Overflow
from lianxing.rules.periods import Period
from lianxing.rules.places import Clause, Location
from lianxing.rules.transition import CarryOver, Convert, Fate
from tests.engine.wallet_data import wallet_data, wallet_of, wallet_problems

HERE = Location("town/accounts.yaml", 1, 1)
A_MONTH = After(always(1, HERE))

PLAIN = Account(
    clause=Clause("points", HERE),
    holder=Holder.PERSON,
    unit=Unit.POINTS,
    earned_from="points",
    when=None,
    spent_on=(Purpose.GOODS,),
    expires=A_MONTH,
    spends_first=Order.OLDEST,
    storage=None,
    overdraft=Overdraft.NONE,
    transfer=(Recipient.FRIEND, Recipient.POOL),
    shortfall=Shortfall.DEBT,
    hold_days=always(3, HERE),
    closure=Closure(Closing.INHERITED, Closing.PORTABLE, Closing.LOST),
)


def june(day: int) -> date:
    return date(2024, 6, day)


def wallet(*earned: tuple[int, int], **change: Any) -> Wallet:
    """Return a wallet of so many points, each earned on a day of June, of the plain account with some lines changed."""
    made = Wallet(replace(PLAIN, **change))
    for day, points in earned:
        assert earn(made, june(day), points * 100, f"registry/{day}").refused is None
    return made


def lines(done: Done) -> dict[str, int]:
    """Return what was booked, in points; nothing was refused and it sums to zero."""
    assert done.refused is None
    assert sum(line.amount for line in done.lines) == 0
    assert all(line.amount % 100 == 0 for line in done.lines)
    return {line.account: line.amount // 100 for line in done.lines}


def left(kept: Wallet) -> list[int]:
    """Return what remains of each lot, in points."""
    return [lot.remaining // 100 for lot in kept.lots.values()]


def code(done: Done) -> str:
    """Return why it was refused; then nothing is booked."""
    assert done.refused is not None
    assert done._replace(refused=None) == Done()
    return done.refused.code


def test_what_is_earned_is_there_to_its_last_day() -> None:
    kept = wallet((1, 10))
    assert kept.available(date(2024, 7, 1)) == 1000
    assert kept.available(date(2024, 7, 2)) == 0
    assert expire(kept, date(2024, 7, 1)).lines == ()
    assert lines(expire(kept, date(2024, 7, 2))) == {"": -10, "expired": 10}
    assert expire(kept, date(2024, 7, 2)).lines == ()


def test_what_ended_cannot_be_spent_though_nobody_has_expired_it_yet() -> None:
    kept = wallet((1, 10), (5, 4))
    assert code(spend(kept, date(2024, 7, 2), 401)) == "balance"
    assert lines(spend(kept, date(2024, 7, 2), 400)) == {"": -4, "redeemed": 4}
    assert left(kept) == [10, 0]


@pytest.mark.parametrize(
    ("first", "expires", "remaining"),
    [
        (Order.OLDEST, A_MONTH, [0, 4, 5]),
        (Order.NEWEST, A_MONTH, [5, 4, 0]),
        (Order.SOONEST_TO_EXPIRE, AtEndOf(Period.WEEK), [0, 4, 5]),
    ],
)
def test_the_lots_are_spent_in_the_order_of_the_account(first: Order, expires: Any, remaining: list[int]) -> None:
    kept = wallet((3, 5), (4, 5), (5, 5), spends_first=first, expires=expires)
    spend(kept, june(6), 600)
    assert left(kept) == remaining


def test_of_two_lots_of_one_day_the_first_goes_first() -> None:
    for first in Order:
        kept = wallet((3, 5), (3, 5), spends_first=first)
        spend(kept, june(6), 600)
        assert left(kept) == [0, 4]


def test_what_is_held_is_not_available_and_comes_back_to_its_lots() -> None:
    kept = wallet((1, 5), (2, 5))
    before = wallet_data(kept)
    held = reserve(kept, 7, june(3), 700)
    assert lines(held) == {"": -7, "held": 7}
    assert held.taken == kept.holds[7].lots == ((1, 500), (2, 200))
    assert (kept.available(june(3)), kept.held, kept.balance) == (300, 700, 1000)
    assert code(spend(kept, june(3), 301)) == "balance"
    assert lines(release(kept, 7, june(4))) == {"held": -7, "": 7}
    assert wallet_data(kept) == before


def test_a_hold_is_settled_to_its_last_day_and_expires_on_the_next() -> None:
    kept = wallet((1, 5))
    reserve(kept, 1, june(3), 200)
    assert kept.holds[1].until == june(6)
    assert code(expire_hold(kept, 1, june(6))) == "hold_runs"
    assert code(settle(kept, 1, june(7))) == "hold_over"
    assert lines(expire_hold(kept, 1, june(7))) == {"held": -2, "": 2}
    reserve(kept, 2, june(3), 200)
    assert lines(settle(kept, 2, june(6))) == {"held": -2, "redeemed": 2}


def test_a_hold_ends_once() -> None:
    kept = wallet((1, 5))
    reserve(kept, 1, june(3), 200)
    assert code(reserve(kept, 1, june(3), 100)) == "hold"
    settle(kept, 1)
    assert [code(settle(kept, 1)), code(release(kept, 1, june(3))), code(expire_hold(kept, 1, june(9)))] == ["hold"] * 3


def test_what_is_held_outlives_its_last_day_and_ends_when_it_is_released() -> None:
    kept = wallet((1, 5), expires=AtEndOf(Period.WEEK))  # ends on the 2nd
    reserve(kept, 1, june(2), 200)
    assert lines(expire(kept, june(3))) == {"": -3, "expired": 3}
    assert (kept.available(june(3)), kept.held) == (0, 200)
    release(kept, 1, june(3))
    assert kept.available(june(3)) == 0
    assert lines(expire(kept, june(3))) == {"": -2, "expired": 2}


def test_nothing_is_reserved_where_the_account_does_not_say_for_how_long() -> None:
    kept = wallet((1, 5), hold_days=None)
    assert code(reserve(kept, 1, june(3), 100)) == "holds"
    assert lines(spend(kept, june(3), 100)) == {"": -1, "redeemed": 1}


@pytest.mark.parametrize("amount", [0, -1, MOST + 1])
def test_an_amount_is_above_zero_and_bounded(amount: int) -> None:
    kept = wallet((1, 5), overdraft=Overdraft.UNLIMITED)
    before = wallet_data(kept)
    told = [
        earn(kept, june(2), amount, "a/b"),
        take_back(kept, june(2), amount, "a/b"),
        reserve(kept, 1, june(2), amount),
        spend(kept, june(2), amount),
        refund(kept, june(2), amount, [(1, 100)]),
        give(kept, june(2), amount, Recipient.FRIEND),
        receive(kept, june(2), amount, "gift/1"),
        issue(kept, june(2), amount, ()),
        lend(kept, june(2), amount),
        repay(kept, june(2), amount, "repaid/1"),
    ]
    assert {code(done) for done in told} == {"amount"}
    assert wallet_data(kept) == before


def test_the_purpose_and_the_family_are_asked_of_a_hold_as_of_a_redemption() -> None:
    kept = wallet((1, 5), family=Family(may_draw=False, pooled=True))
    for done in (reserve(kept, 1, june(2), 100, Purpose.SERVICE), spend(kept, june(2), 100, Purpose.SERVICE)):
        assert code(done) == "spent_on"
    for done in (reserve(kept, 1, june(2), 100, family=True), spend(kept, june(2), 100, family=True)):
        assert code(done) == "family"
    assert lines(earn(kept, june(2), 100, "a/b", family=True)) == {"issued": -1, "": 1}
    assert code(earn(kept, june(2), 100, "a/b", belongs=False)) == "holder"


# Corrections


def test_a_correction_takes_the_lots_of_its_own_record_first() -> None:
    kept = wallet((1, 5), (2, 5), (3, 5))
    done = take_back(kept, june(4), 700, "registry/2")
    assert lines(done) == {"": -7, "issued": 7}
    assert left(kept) == [3, 0, 5]


def test_a_correction_leaves_what_is_held_and_the_rest_is_owed() -> None:
    kept = wallet((1, 5), shortfall=Shortfall.FORBID)
    reserve(kept, 1, june(2), 300)
    assert code(take_back(kept, june(2), 501, "registry/1")) == "shortfall"
    assert lines(take_back(kept, june(2), 500, "registry/1")) == {"": -2, "debt": -3, "issued": 5}
    assert (kept.held, kept.debt, kept.balance) == (300, 300, 0)
    assert lines(release(kept, 1, june(2))) == {"held": -3, "debt": 3}
    assert (left(kept), kept.debt) == ([0], 0)


@pytest.mark.parametrize(
    ("shortfall", "booked"),
    [
        (Shortfall.DEBT, {"": -2, "debt": -4, "issued": 6}),
        (Shortfall.CLAMP, {"": -2, "debt": -3, "written_off": -1, "issued": 6}),
    ],
)
def test_what_is_more_than_all_there_is_is_the_shortfall(shortfall: Shortfall, booked: dict[str, int]) -> None:
    kept = wallet((1, 5), shortfall=shortfall)
    reserve(kept, 1, june(2), 300)
    assert lines(take_back(kept, june(2), 600, "registry/1")) == booked


def test_what_comes_in_pays_what_is_owed_first() -> None:
    kept = wallet((1, 5))
    take_back(kept, june(2), 800, "registry/1")
    assert lines(earn(kept, june(3), 200, "registry/3")) == {"issued": -2, "debt": 2}
    assert lines(earn(kept, june(4), 200, "registry/4")) == {"issued": -2, "debt": 1, "": 1}
    assert kept.debt == 0


def test_two_records_may_be_booked_and_corrected_in_any_order() -> None:
    one, other = wallet((1, 5)), wallet((1, 5))
    take_back(one, june(3), 300, "registry/1")
    earn(one, june(2), 400, "registry/2")
    earn(other, june(2), 400, "registry/2")
    take_back(other, june(3), 300, "registry/1")
    assert (left(one), left(other)) == ([2, 4], [2, 4])


def test_what_has_ended_of_a_record_is_lost_once_whether_it_was_let_go_or_not() -> None:
    let_go, not_yet, july = wallet((1, 5), (20, 5)), wallet((1, 5), (20, 5)), date(2024, 7, 10)
    assert lines(expire(let_go, july)) == {"": -5, "expired": 5}
    assert lines(take_back(let_go, july, 500, "registry/1")) == {"expired": -5, "issued": 5}
    assert lines(take_back(not_yet, july, 500, "registry/1")) == {"": -5, "issued": 5}
    assert left(let_go) == left(not_yet) == [0, 5]
    assert lines(take_back(let_go, july, 100, "registry/1")) == {"": -1, "issued": 1}


def test_what_was_spent_of_a_record_before_the_rest_ended_is_taken_from_what_there_is() -> None:
    kept, july = wallet((1, 5), (20, 5), shortfall=Shortfall.FORBID), date(2024, 7, 10)
    spend(kept, june(2), 200)
    expire(kept, july)
    assert lines(take_back(kept, july, 500, "registry/1")) == {"expired": -3, "": -2, "issued": 5}
    assert left(kept) == [0, 3]


def test_what_is_left_of_a_record_ends_as_what_is_of_its_right_day() -> None:
    kept, july = wallet((1, 5), (20, 5)), date(2024, 7, 10)
    spend(kept, june(2), 200)
    assert lines(redate(kept, june(22), "registry/1", june(15))) == {}
    assert left(kept) == [0, 5, 3]
    assert lines(expire(kept, july)) == {}
    assert lines(redate(kept, july, "registry/1", june(5))) == {}
    assert lines(expire(kept, july)) == {"": -3, "expired": 3}
    assert lines(redate(kept, july, "registry/1", june(25))) == {"": 3, "expired": -3}
    assert kept.available(july) == 800


def test_what_a_redemption_has_left_is_not_there_again_on_another_day_and_lost_once() -> None:
    kept = wallet((1, 5), expires=Expiry.AFTER_REDEMPTION)
    assert lines(spend(kept, june(2), 200)) == {"": -5, "redeemed": 2, "expired": 3}
    assert lines(redate(kept, june(3), "registry/1", june(2))) == {}
    earn(kept, june(4), 400, "registry/4")
    assert lines(take_back(kept, june(5), 500, "registry/1")) == {"expired": -3, "": -2, "issued": 5}


# Refunds, gifts, pools


def test_a_refund_goes_back_to_its_lots_the_last_taken_first_and_never_more_than_was_taken() -> None:
    kept = wallet((1, 5), (2, 5))
    taken = spend(kept, june(3), 700).taken
    assert lines(refund(kept, june(4), 300, taken)) == {"redeemed": -3, "": 3}
    assert left(kept) == [1, 5]
    assert code(refund(kept, june(4), 401, [(1, 400)])) == "refund"
    assert code(refund(kept, june(4), 501, [(1, 501)])) == "refund"
    assert code(refund(kept, june(4), 100, [(9, 100)])) == "refund"
    refund(kept, june(4), 400, [(1, 400)])
    assert left(kept) == [5, 5]
    assert code(refund(kept, june(4), 1, [(2, 1)])) == "refund"


def test_what_ended_meanwhile_is_not_refunded_into_a_longer_life() -> None:
    kept = wallet((1, 5))
    taken = spend(kept, june(3), 500).taken
    refund(kept, date(2024, 7, 2), 500, taken)
    assert kept.available(date(2024, 7, 2)) == 0
    assert lines(expire(kept, date(2024, 7, 2))) == {"": -5, "expired": 5}


def test_a_gift_that_is_passed_round_makes_nothing_younger() -> None:
    giver, friend = wallet((1, 5), (2, 5)), wallet()
    given_away = give(giver, june(20), 700, Recipient.FRIEND)
    assert lines(given_away) == {"": -7, "transit": 7}
    parts = given_parts(giver, given_away)
    assert lines(receive(friend, june(20), 700, "gift/1", lots=parts)) == {"transit": -7, "": 7}
    assert [(lot.earned_on, lot.last_day, lot.original) for lot in friend.lots.values()] == [
        (june(1), date(2024, 7, 1), 500),
        (june(2), date(2024, 7, 2), 200),
    ]
    assert code(receive(friend, june(20), 701, "gift/2", lots=parts)) == "amount"
    receive(friend, june(20), 100, "gift/3", lots=[(june(20), june(21), 100)])
    receive(friend, june(20), 100, "gift/4")
    assert [lot.last_day for lot in friend.lots.values()][2:] == [june(21), date(2024, 7, 20)]


def test_a_gift_never_overdraws_and_goes_to_whom_the_account_says() -> None:
    kept = wallet((1, 5), overdraft=Overdraft.UNLIMITED)
    assert code(give(kept, june(2), 501, Recipient.FRIEND)) == "balance"
    assert code(give(kept, june(2), 100, Recipient.SPOUSE)) == "transfer"
    assert lines(give(kept, june(2), 500, Recipient.POOL)) == {"": -5, "donation_pool": 5}


def test_a_gift_pays_what_is_owed_and_overflows() -> None:
    kept = wallet((1, 5), storage=Storage(always(600, HERE), Overflow.HONOUR))
    take_back(kept, june(2), 700, "registry/1")
    parts = [(june(1), june(30), 300), (june(2), june(30), 700)]
    assert lines(receive(kept, june(2), 1000, "gift/1", lots=parts)) == {"transit": -10, "honour": 2, "debt": 2, "": 6}
    assert left(kept) == [0, 1, 5]


@pytest.mark.parametrize(("amount", "allowed"), [(1500, True), (1501, False)])
def test_what_is_held_may_be_overdrawn_to_the_floor(amount: int, allowed: bool) -> None:
    kept = wallet((1, 5), overdraft=Floor(always(-1000, HERE)))
    done = reserve(kept, 1, june(2), amount)
    assert (done.refused is None) is allowed
    if allowed:
        assert lines(done) == {"": -5, "debt": -10, "held": 15}
        assert kept.holds[1].lots == ((1, 500), (OWED, 1000))
        assert code(spend(kept, june(2), 1)) == "balance"
        assert lines(release(kept, 1, june(2))) == {"held": -15, "": 5, "debt": 10}


def test_what_is_overdrawn_on_an_earlier_day_is_taken_from_what_was_earned_since_and_only_the_rest_is_owed() -> None:
    kept = wallet((1, 1), (3, 2), overdraft=Borrow("pool", HERE), spends_first=Order.NEWEST)
    assert short_of(kept, june(2), 500) == 200
    done = reserve(kept, 1, june(2), 500)
    assert (lines(done), done.lent) == ({"": -3, "debt": -2, "held": 5}, (("pool", 200),))
    assert kept.holds[1].lots == ((1, 100), (2, 200), (OWED, 200))  # what was there on the day goes first
    assert lines(release(kept, 1, june(2))) == {"held": -5, "": 3, "debt": 2}
    assert left(kept) == [1, 2]


def test_what_is_overdrawn_on_an_earlier_day_pays_nothing_that_was_owed_before() -> None:
    kept = wallet((1, 2), (3, 2), overdraft=Floor(always(-1000, HERE)))
    assert lines(spend(kept, date(2024, 8, 1), 300)) == {"debt": -3, "redeemed": 3}  # the four points are over by then
    assert lines(reserve(kept, 1, date(2024, 5, 31), 100)) == {"": -1, "held": 1}
    assert kept.holds[1].lots == ((1, 100),)


def test_a_debt_that_was_paid_meanwhile_comes_back_as_a_lot() -> None:
    kept = wallet(overdraft=Overdraft.UNLIMITED)
    reserve(kept, 1, june(2), 500)
    earn(kept, june(3), 300, "registry/3")
    done = release(kept, 1, june(4))
    assert lines(done) == {"held": -5, "debt": 2, "": 3}
    assert [(lot.earned_on, lot.remaining) for lot in done.opened] == [(june(4), 300)]


def test_a_pool_lends_what_is_short_and_gets_back_what_comes_in() -> None:
    pool, kept = wallet((1, 10), expires=Expiry.NEVER), wallet((1, 5), overdraft=Borrow("pool", HERE))
    done = spend(kept, june(2), 1200)
    assert (lines(done), done.lent) == ({"": -5, "debt": -7, "redeemed": 12}, (("pool", 700),))
    assert lines(lend(pool, june(2), 700)) == {"": -7, "borrowed": 7}
    assert code(lend(pool, june(2), 301)) == "balance"
    paid = earn(kept, june(3), 900, "registry/3")
    assert (lines(paid), paid.lent) == ({"issued": -9, "debt": 7, "": 2}, (("pool", -700),))
    assert lines(repay(pool, june(3), 700, "repaid/1")) == {"borrowed": -7, "": 7}
    taken = spend(kept, june(3), 300).taken
    assert refund(kept, june(3), 300, taken).lent == (("pool", -100),)


# What ends, what is issued, what changes


def test_notices_name_what_ends_up_to_a_day() -> None:
    kept = wallet((3, 5), (1, 5), (2, 5))
    spend(kept, june(4), 500)
    found = expiring(kept, june(4), date(2024, 7, 2))
    assert [(lot.number, lot.last_day, lot.remaining) for lot in found] == [(3, date(2024, 7, 2), 500)]
    assert [lot.number for lot in expiring(kept, june(4), date(2024, 7, 3))] == [3, 1]
    assert expiring(kept, date(2024, 7, 4), date(2024, 8, 1)) == ()


def test_a_redemption_may_end_what_it_leaves_and_what_others_hold() -> None:
    kept = wallet((1, 5), (2, 5), (3, 5), expires=Expiry.AFTER_REDEMPTION)
    reserve(kept, 1, june(4), 300)
    reserve(kept, 2, june(4), 400)
    done = settle(kept, 1)
    assert lines(done) == {"held": -3, "": -8, "expired": 8, "redeemed": 3}
    assert done.ended == (1, 2)
    release(kept, 2, june(5))
    assert kept.available(june(5)) == 0
    assert lines(expire(kept, june(5))) == {"": -4, "expired": 4}
    kept = wallet((1, 5), expires=Expiry.AFTER_REDEMPTION)
    taken = spend(kept, june(2), 300).taken
    assert taken == ((1, 300),)
    refund(kept, june(2), 300, taken)
    assert kept.available(june(2)) == 300


def test_a_grant_is_given_once_in_its_period_to_whom_it_is_for() -> None:
    yearly = Issue(None, always(1000, HERE), Period.CALENDAR_YEAR, "a fund", HERE)
    kept = wallet(issue=(replace(yearly, when=AllOf((), HERE), amount=always(500, HERE)), replace(yearly)))
    assert grants_due(kept, june(1), ()) == [(1, 1000)]
    assert code(issue(kept, june(1), 500, ())) == "issue"
    assert lines(issue(kept, june(1), 500, {"points 0"})) == {"issued": -5, "": 5}
    assert kept.lots[1].source == "issue/points 0"
    assert code(issue(kept, date(2024, 12, 31), 500, {"points 0"})) == "issue"
    assert lines(issue(kept, date(2025, 1, 1), 500, {"points 0"})) == {"issued": -5, "": 5}


def test_a_closed_account_releases_what_is_held_and_leaves_the_rest_where_it_says() -> None:
    kept = wallet((1, 5), (20, 5), expires=AtEndOf(Period.WEEK))
    reserve(kept, 1, june(20), 200)
    assert lines(close(kept, june(20), ClosingEvent.MOVING)) == {"": -8, "held": -2, "expired": 5, "portable": 5}
    assert (kept.holds, kept.balance) == ({}, 0)
    assert code(close(wallet(closure=None), june(1), ClosingEvent.DEATH)) == "closure"


def test_only_whole_units_are_credited() -> None:
    kept = wallet(whole_only=WholeOnly.REST_CARRIED)
    assert lines(earn(kept, june(1), 175, "a/1")) == {"issued": -1, "": 1}
    assert kept.rest == 75
    assert lines(earn(kept, june(2), 25, "a/2")) == {"issued": -1, "": 1}
    kept = wallet(whole_only=WholeOnly.REST_LOST)
    done = earn(kept, june(1), 175, "a/1")
    assert {line.account: line.amount for line in done.lines} == {"issued": -175, "lost": 75, "": 100}


@pytest.mark.parametrize(
    ("how", "remaining", "booked"),
    [
        (Fate.KEEP, [5, 5], {}),
        (Fate.RESTART, [0, 0], {"": -10, "transition": 10}),
        (CarryOver(700), [2, 5], {"": -3, "transition": 3}),
        (Convert(Fraction(2)), [5, 5, 5, 5], {"": 10, "transition": -10}),
        (Convert(Fraction(1, 5)), [1, 1], {"": -8, "transition": 8}),
    ],
)
def test_a_change_of_rules_treats_the_lots(how: Any, remaining: list[int], booked: dict[str, int]) -> None:
    kept = wallet((1, 5), (2, 5))
    assert lines(convert(kept, june(3), how)) == booked
    assert left(kept) == remaining
    assert {lot.source for lot in kept.lots.values()} == {"registry/1", "registry/2"}


def test_what_cannot_be_is_named() -> None:
    kept = wallet((1, 5))
    reserve(kept, 1, june(2), 300)
    assert wallet_problems(kept) == []
    broken = [
        replace(kept, drawn=1),
        replace(kept, debt=1, drawn=1),
        replace(kept, rest=100),
        replace(kept, next_lot=1),
    ]
    assert [len(wallet_problems(one)) for one in broken] == [2, 1, 1, 1]
    kept.lots[1].remaining = 201
    assert wallet_problems(kept) == ["lot 1: more than its 500 is there, held or ended"]
    kept.lots[1].remaining = -1
    assert wallet_problems(kept) == ["lot 1: -1 is left"]
    kept.lots[1].remaining = 200
    kept.holds[1].amount = 301
    assert wallet_problems(kept) == ["hold 1: its lots are not its 301"]
    kept.holds[1].lots = ((2, 301),)
    assert wallet_problems(kept) == ["hold 1: there is no lot 2"]
    floor = wallet((1, 5), overdraft=Floor(always(-100, HERE)))
    spend(floor, june(2), 600)
    assert wallet_problems(floor) == []
    floor.debt = floor.drawn = 101
    assert wallet_problems(floor) == ["101 is drawn, more than 100"]


def test_a_wallet_is_written_down_as_plain_data_and_read_back() -> None:
    kept = wallet((1, 5), overdraft=Overdraft.UNLIMITED, whole_only=WholeOnly.REST_CARRIED)
    earn(kept, june(1), 50, "a/b")
    reserve(kept, 1, june(2), 900)
    kept.issued.append((0, june(1)))
    read = wallet_of(kept.account, json.loads(json.dumps(wallet_data(kept))))
    assert read == kept
    assert read.lots[1] is not kept.lots[1]


@given(
    st.permutations([("earn", 1), ("earn", 2), ("earn", 3), ("back", 1), ("back", 2)]),
    st.integers(1, 5),
    st.integers(1, 5),
)
@settings(deadline=None)
def test_the_balance_does_not_depend_on_the_order_of_records_and_corrections(
    steps: list[tuple[str, int]], first: int, second: int
) -> None:
    kept = wallet(expires=Expiry.NEVER)
    worth = {1: first, 2: second}
    for kind, record in steps:
        source = f"registry/{record}"
        if kind == "earn":
            earn(kept, june(record), 500, source)
        else:
            take_back(kept, june(10), worth[record] * 100, source)
        assert wallet_problems(kept) == []
    assert kept.balance == 1500 - 100 * (first + second)
    in_order = all(steps.index(("earn", record)) < steps.index(("back", record)) for record in (1, 2))
    if in_order:
        by_source = {lot.source: lot.remaining // 100 for lot in kept.lots.values()}
        assert by_source == {"registry/1": 5 - first, "registry/2": 5 - second, "registry/3": 5}
