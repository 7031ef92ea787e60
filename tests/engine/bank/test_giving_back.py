"""What was redeemed or reserved is given back: exactly what was paid, once, and never goods with their price."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from lianxing.engine.answer_sentences import answer_sentences
from lianxing.engine.bank.ending import end_all
from lianxing.engine.bank.noticing import notices
from lianxing.engine.bank.replaying import replay
from lianxing.engine.bank.settling import settlement
from lianxing.engine.bank.statements import statement
from lianxing.engine.bank.tellers import Answer
from lianxing.rules.accounts import Purpose
from lianxing.rules.commands import Fetch, Redeem, Refund, Release, Reserve, Settle
from tests.engine.bank.counter import bank, codes
from tests.engine.bank.counting_house import ACCOUNTS, ANN, DAY, HERE, OFFERS
from tests.plugins.smallville import served

YEAR_END = ACCOUNTS.replace("{valid: 12 months}", "{at_end_of: calendar_year}")
AT_ONCE = ACCOUNTS.replace("  holds: 3 days\n", "")
REVERSIBLE = OFFERS.replace("irreversible: yes", "irreversible: no")
GONE = ACCOUNTS.replace("expires: {valid: 12 months}", "expires: after_redemption")


def test_of_a_reservation_that_was_used_in_part_the_first_part_is_spent_and_the_rest_is_there(tmp_path: Path) -> None:
    with bank(tmp_path) as counter:
        hold = counter.ask(Reserve, account="points", amount=300, purpose=Purpose.GOODS)
        assert counter.ask(Settle, entry=hold.entry, amount=120).accepted
        assert counter.has() == {"points": 280}


def test_a_reservation_can_be_used_in_part_after_its_deposit_has_ended(tmp_path: Path) -> None:
    # What was reserved in December is used in January; what is not used of it ended with December.
    with bank(tmp_path, accounts=YEAR_END) as counter:
        december, january = date(2023, 12, 31), date(2024, 1, 3)
        hold = counter.ask(Reserve, on=december, account="points", amount=200, purpose=Purpose.GOODS)
        assert counter.ask(Settle, on=january, entry=hold.entry, amount=150).accepted
        later = date(2024, 1, 10)  # when two more were earned
        assert counter.ask(Redeem, on=later, offer="soap", units=2).accepted
        assert codes(counter.ask(Redeem, on=later, offer="soap")) == ["balance"]


def test_a_reservation_of_which_nothing_was_used_is_released_not_settled(tmp_path: Path) -> None:
    with bank(tmp_path) as counter:
        hold = counter.ask(Redeem, offer="rice")
        assert codes(counter.ask(Settle, entry=hold.entry, amount=0)) == ["amount"]
        assert codes(counter.ask(Settle, entry=hold.entry, amount=-1)) == ["amount"]
        assert codes(counter.ask(Settle, entry=hold.entry, amount=201)) == ["more_than_held"]
        assert codes(counter.ask(Release, entry=hold.entry)) == ["irreversible"]


def test_of_what_was_used_in_part_that_part_is_given_back_and_decided_again_so(tmp_path: Path) -> None:
    with bank(tmp_path, redemption=REVERSIBLE) as counter:
        hold = counter.ask(Redeem, offer="rice", units=2)
        assert counter.ask(Settle, entry=hold.entry, amount=200).accepted
        assert counter.ask(Refund, entry=hold.entry).accepted
        assert counter.has() == {"points": 400}
        assert replay(counter.ledger, [counter.rulebook]).differences == []


@pytest.mark.parametrize("amount", [1, 99, 101, 299])
def test_no_unit_is_handed_over_for_less_than_its_price(tmp_path: Path, amount: int) -> None:
    with bank(tmp_path) as counter:
        hold = counter.ask(Redeem, offer="soap", units=3)
        refused = counter.ask(Settle, entry=hold.entry, amount=amount)
        assert codes(refused) == ["whole_units"]
        assert "only whole units are settled, 1 point each; 3 points is reserved" in "".join(
            answer_sentences(refused.data, "en")
        )


def test_units_that_are_not_handed_over_are_there_for_others_and_are_given_back_to_nobody(tmp_path: Path) -> None:
    with bank(tmp_path) as counter:
        hold = counter.ask(Redeem, offer="soap", units=3)  # all there are
        assert counter.ask(Settle, entry=hold.entry, amount=100).data["units"] == 1
        more = counter.ask(Redeem, offer="soap", units=2)
        assert more.accepted
        assert codes(counter.ask(Redeem, offer="soap")) == ["stock"]
        counter.ask(Release, entry=more.entry)
        (line,) = settlement(counter.ledger, counter.rulebook, DAY, DAY).lines
        assert (line.units, line.paid) == (1, 100)
        assert counter.ask(Refund, entry=hold.entry).accepted
        with counter.ledger.reading() as reading:
            assert reading.stock_taken(HERE, ["soap"]) == {"soap": 0}
        assert replay(counter.ledger, [counter.rulebook]).differences == []


def test_what_was_paid_in_money_too_is_settled_as_a_whole(tmp_path: Path) -> None:
    partial = OFFERS.replace("  stock: 3\n", "  stock: 10\n  partial: {at_least: 50 %, exchange: 1 yuan}\n")
    with bank(tmp_path, redemption=partial) as counter:
        hold = counter.ask(Redeem, offer="soap", units=5)
        assert (hold.data["price"], hold.data["cash"]) == (400, 100)
        assert codes(counter.ask(Settle, entry=hold.entry, amount=100)) == ["only_all"]
        assert counter.ask(Settle, entry=hold.entry, amount=400).accepted


def test_a_service_for_hours_is_paid_by_the_time_that_was_served(tmp_path: Path) -> None:
    holding = ACCOUNTS.replace("  shortfall: clamp\n", "  shortfall: clamp\n  holds: 3 days\n")
    with bank(tmp_path, accounts=holding) as counter:
        hold = counter.ask(Redeem, offer="visit", units=3)
        assert counter.ask(Settle, entry=hold.entry, amount=5_400).data["units"] == 2  # the second was begun
        assert replay(counter.ledger, [counter.rulebook]).differences == []


@pytest.mark.parametrize("booked", [True, False])
def test_a_reservation_that_is_over_is_none_whether_a_run_has_booked_that_or_not(
    tmp_path: Path, *, booked: bool
) -> None:
    with bank(tmp_path) as counter:
        counter.ask(Redeem, offer="soap", units=3)
        after = DAY + timedelta(days=4)
        if booked:
            end_all(counter.ledger, counter.rulebook, after)
        told = statement(counter.ledger, counter.rulebook, ANN, None, after)
        assert [(one.available, one.held) for one in told.closing if one.account == "points"] == [(400, 0)]
        assert told.holds == ()
        assert settlement(counter.ledger, counter.rulebook, DAY, after).lines == ()
        assert counter.ask(Redeem, on=after, offer="rice", units=2).data["price"] == 400
        assert counter.kinds()[-3:] == ["held", "hold_expired", "held"]
        assert replay(counter.ledger, [counter.rulebook]).differences == []


def test_what_becomes_of_a_reservation_that_is_over_is_told_with_its_last_day(tmp_path: Path) -> None:
    with bank(tmp_path) as counter:
        soap, after = counter.ask(Redeem, offer="soap"), DAY + timedelta(days=4)
        assert codes(counter.ask(Settle, on=after, entry=soap.entry)) == ["hold_over"]
        assert counter.ask(Release, on=after, entry=soap.entry).accepted
        assert counter.kinds()[-3:] == ["held", "refused", "released"]


def test_nothing_becomes_of_a_redemption_before_the_day_of_what_it_rests_on(tmp_path: Path) -> None:
    voucher = REVERSIBLE.replace("gives: goods", "gives: voucher\n  voucher: {valid: 1 month}", 1)
    with bank(tmp_path, redemption=voucher) as counter:
        soap, eve, later = counter.ask(Redeem, offer="soap"), DAY - timedelta(days=1), DAY + timedelta(days=2)
        for kind in (Settle, Release):
            assert codes(counter.ask(kind, on=eve, entry=soap.entry)) == ["rests_on"]
        settled = counter.ask(Settle, on=later, entry=soap.entry)
        early = counter.ask(Refund, on=DAY, entry=soap.entry)
        assert early.data["reasons"][0]["operands"] == {"entry": settled.entry, "on": str(later), "day": str(DAY)}
        assert f"entry {settled.entry} of {later}, and cannot be of {DAY}" in "".join(
            answer_sentences(early.data, "en")
        )
        assert codes(counter.ask(Fetch, on=DAY, entry=soap.entry)) == ["rests_on"]
        assert counter.ask(Fetch, on=later, entry=soap.entry).accepted
        assert replay(counter.ledger, [counter.rulebook]).differences == []


def test_nothing_becomes_of_what_is_reserved_before_its_day_nor_before_what_the_same_transaction_does(
    tmp_path: Path,
) -> None:
    with bank(tmp_path, redemption=REVERSIBLE) as counter:
        bare = counter.ask(Reserve, account="points", amount=100, purpose=Purpose.GOODS)
        eve, later = DAY - timedelta(days=1), DAY + timedelta(days=1)
        for kind in (Settle, Release):
            assert codes(counter.ask(kind, on=eve, entry=bare.entry)) == ["rests_on"]
        soap = counter.ask(Redeem, offer="soap").entry
        done = counter.teller.serve_all(
            [counter.command(Settle, later, entry=soap), counter.command(Refund, DAY, entry=soap)]
        )
        assert [codes(one) for one in done if isinstance(one, Answer)] == [[], ["rests_on"]]
        assert replay(counter.ledger, [counter.rulebook]).differences == []


def test_a_limit_of_a_period_counts_what_is_dated_later_in_it_too(tmp_path: Path) -> None:
    with bank(tmp_path) as counter:
        assert counter.ask(Redeem, offer="rice", units=2).accepted
        assert codes(counter.ask(Redeem, on=DAY - timedelta(days=1), offer="rice")) == ["per_person", "balance"]


def test_no_more_is_refunded_than_was_paid(tmp_path: Path) -> None:
    with bank(tmp_path) as counter:
        first = counter.ask(Redeem, offer="soap")
        counter.ask(Settle, entry=first.entry)
        used_in_part = counter.ask(Redeem, offer="soap", units=2)
        counter.ask(Settle, entry=used_in_part.entry, amount=100)
        assert counter.has() == {"points": 200}
        assert counter.ask(Refund, entry=used_in_part.entry).data["refunded"] == 100
        assert counter.has() == {"points": 300}


def test_nothing_is_refunded_twice(tmp_path: Path) -> None:
    with bank(tmp_path, accounts=AT_ONCE) as counter:
        had = counter.ask(Redeem, offer="soap")
        assert counter.ask(Refund, entry=had.entry).accepted
        assert codes(counter.ask(Refund, entry=had.entry)) == ["no_redemption"]
        assert counter.has() == {"points": 400}


def test_a_refund_in_the_same_transaction_goes_back_to_the_same_deposit(tmp_path: Path) -> None:
    with bank(tmp_path, accounts=AT_ONCE) as counter:
        with counter.ledger.reading() as reading:
            before = reading.wallet_rows([(ANN, HERE)])[ANN, HERE].lots
            last = reading.passbook_entries(ANN, HERE)[-1].entry.id
        had = counter.command(Redeem, offer="soap", units=3)
        back = counter.command(Refund, entry=last + 1)
        assert all(isinstance(one, Answer) and one.accepted for one in counter.teller.serve_all([had, back]))
        with counter.ledger.reading() as reading:
            assert reading.wallet_rows([(ANN, HERE)])[ANN, HERE].lots == before


def test_what_is_refunded_is_there_though_a_later_redemption_has_ended_the_rest(tmp_path: Path) -> None:
    with bank(tmp_path, accounts=GONE) as counter:
        soap, more = (counter.ask(Redeem, offer="soap", units=1) for _time in range(2))
        counter.ask(Settle, entry=soap.entry)  # two points were left, and are gone
        counter.ask(Settle, entry=more.entry)
        assert counter.has() == {}
        assert counter.ask(Refund, entry=more.entry).accepted
        assert counter.has() == {"points": 100}
        assert counter.ask(Redeem, offer="soap").accepted


def test_a_voucher_is_fetched_when_it_is_settled_and_not_refunded_when_it_was_fetched(tmp_path: Path) -> None:
    with bank(tmp_path, redemption=REVERSIBLE) as counter:
        rice = counter.ask(Redeem, offer="rice")
        assert codes(counter.ask(Fetch, entry=rice.entry)) == ["no_redemption"]
        counter.ask(Settle, entry=rice.entry)
        assert counter.ask(Fetch, entry=rice.entry).accepted
        assert codes(counter.ask(Fetch, entry=rice.entry)) == ["fetched"]
        assert codes(counter.ask(Refund, entry=rice.entry)) == ["fetched"]


def test_an_entitlement_that_is_not_used_up_cannot_be_overdrawn(tmp_path: Path) -> None:
    overdrawn = ACCOUNTS.replace("overdraft: none", "overdraft: unlimited", 1)
    with bank(
        tmp_path, accounts=overdrawn, redemption=OFFERS.replace("  stock: 3\n", "  stock: 3\n  watermark: yes\n")
    ) as counter:
        assert codes(counter.ask(Redeem, offer="soap", units=3, on=date(2030, 1, 1), merchant="m")) == ["watermark"]
        assert codes(counter.ask(Redeem, offer="soap", units=3, on=date(2030, 1, 1))) == ["no_merchant"]


def test_what_an_account_got_of_a_day_is_told_as_one_that_ends_however_many_deposits_it_stands_in(
    tmp_path: Path,
) -> None:
    with bank(tmp_path) as counter:
        counter.take(served("a", "2024-05-01 09:00", 1), served("b", "2024-05-01 14:00", 1))
        last = date(2025, 5, 1)
        (notice,) = notices(counter.ledger, counter.rulebook, last, 0)
        assert [(one.earned_on, one.remaining) for one in notice.ending] == [(date(2024, 5, 1), 200)]
        told = statement(counter.ledger, counter.rulebook, ANN, None, last, notice_days=0)
        assert [(one.last_day, one.remaining, one.source) for one in told.ending] == [(last, 200, "")]
