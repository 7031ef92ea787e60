"""What was had stays what it was when the county changes its offer or drops it; a voucher is owed to who took it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import pytest

from lianxing.engine.bank.replaying import replay
from lianxing.engine.bank.settling import settlement
from lianxing.engine.bank.waiting import waiting
from lianxing.engine.settlement_data import settlement_sentences
from lianxing.rules.closures import ClosingEvent
from lianxing.rules.commands import Approve, Close, Fetch, Redeem, Refund, Release, Settle
from lianxing.rules.settlements import SettlementLine
from tests.engine.bank.counter import Counter, bank, codes
from tests.engine.bank.counting_house import DAY, OFFERS, rules, write_county

LATER = DAY + timedelta(days=1)
TICKET = """
ticket:
  account: points
  price: 1 points
  gives: voucher
  voucher: {valid: 1 month}
  opens: always
  per_person: unlimited
  stock: 5
  irreversible: no
  partial: {at_least: 50 %, exchange: 1 yuan}
  provider: the cinema
  label: {zh: 电影票, en: cinema ticket}
oil:
  account: points
  price: 1 points
  gives: goods
  opens: always
  per_person: unlimited
  stock: 5
  irreversible: yes
  provider: the shop
  approver: {by: the street}
"""
FULL = OFFERS + TICKET
ONLY_VISIT = OFFERS[OFFERS.index("visit:") :]


@contextmanager
def later_rules(counter: Counter, folder: Path, redemption: str) -> Iterator[Counter]:
    """The same counter once the county has changed its offers; every decision stands under either rules."""
    with rules(write_county(folder / "changed" / "smallville", redemption=redemption)) as changed:
        now = Counter(changed, counter.ledger)
        now.keys = counter.keys + 100
        yield now
        assert replay(counter.ledger, [counter.rulebook, changed]).differences == []


def lines(counter: Counter, since: date = DAY, until: date = DAY) -> list[SettlementLine]:
    return list(settlement(counter.ledger, counter.rulebook, since, until).lines)


@pytest.mark.parametrize("redemption", [FULL.replace("the shop", "another shop"), ONLY_VISIT])
def test_an_earlier_settlement_pays_whom_it_paid_when_the_provider_changes_or_the_offer_goes(
    tmp_path: Path, redemption: str
) -> None:
    with bank(tmp_path, redemption=FULL) as counter:
        soap = counter.ask(Redeem, offer="soap", merchant="m1")
        assert counter.ask(Settle, entry=soap.entry).accepted
        with later_rules(counter, tmp_path, redemption) as now:
            assert [(one.provider, one.merchant, one.unit, one.paid) for one in lines(now)] == [
                ("the shop", "m1", "points", 100)
            ]
            assert [one.clause.id for one in lines(now) if one.clause] == ["soap"]
            assert now.ask(Refund, on=LATER, entry=soap.entry).accepted
            assert [(one.provider, one.returned) for one in lines(now, LATER, LATER)] == [("the shop", 100)]
            assert now.has() == {"points": 400}


def test_what_was_had_of_an_offer_that_is_gone_ends_by_the_terms_on_which_it_was_had(tmp_path: Path) -> None:
    with bank(tmp_path, redemption=FULL) as counter:
        oil, ticket = counter.ask(Redeem, offer="oil"), counter.ask(Redeem, offer="ticket")
        assert counter.ask(Settle, entry=ticket.entry).accepted
        with later_rules(counter, tmp_path, ONLY_VISIT) as now:
            assert codes(now.ask(Release, entry=oil.entry)) == ["irreversible"]
            assert codes(now.ask(Settle, entry=oil.entry)) == ["awaits_approval"]
            assert [due.subject.entry for due in waiting(now.ledger, now.rulebook, DAY)] == [oil.entry]
            assert now.ask(Approve, entry=oil.entry, role="the street", actor="clerk 7").accepted
            assert now.ask(Settle, entry=oil.entry).accepted
            assert codes(now.ask(Refund, entry=oil.entry)) == ["irreversible"]
            assert codes(now.ask(Fetch, on=date(2024, 7, 2), entry=ticket.entry)) == ["void"]
            assert now.ask(Fetch, on=date(2024, 7, 1), entry=ticket.entry).accepted
            (told, _oil) = sorted(lines(now, DAY, date(2024, 7, 1)), key=lambda one: one.provider)
            assert (told.label.en, told.provider, told.units) == ("cinema ticket", "the cinema", 1)


def test_what_was_a_voucher_stays_one_and_what_was_none_does_not_become_one(tmp_path: Path) -> None:
    voucher = "gives: voucher\n  voucher: {valid: 1 month}\n"
    swapped = FULL.replace(voucher, "gives: goods\n").replace(
        "price: 1 points\n  gives: goods\n", f"price: 1 points\n  {voucher}", 1
    )
    with bank(tmp_path, redemption=FULL) as counter:
        soap, ticket = (counter.ask(Redeem, offer=offer).entry for offer in ("soap", "ticket"))
        for one in (soap, ticket):
            assert counter.ask(Settle, entry=one).accepted
        with later_rules(counter, tmp_path, swapped) as now:
            assert codes(now.ask(Fetch, entry=soap)) == ["no_redemption"]
            assert now.ask(Refund, on=date(2024, 8, 1), entry=soap).accepted
            assert now.ask(Fetch, entry=ticket).accepted


def test_a_voucher_is_owed_to_who_took_it_when_it_was_fetched_and_its_money_to_who_took_that(tmp_path: Path) -> None:
    with bank(tmp_path, redemption=FULL) as counter:
        ticket = counter.ask(Redeem, offer="ticket", units=5, merchant="m1")
        assert (ticket.data["price"], ticket.data["cash"]) == (400, 100)
        assert counter.ask(Settle, entry=ticket.entry).accepted
        (sold,) = lines(counter)
        assert (sold.merchant, sold.units, sold.paid, sold.cash) == ("m1", 0, 0, 100)
        said = settlement(counter.ledger, counter.rulebook, DAY, DAY)
        assert "  cinema ticket [ticket]: 1 yuan handed over" in settlement_sentences(said, "en")
        assert counter.ask(Fetch, on=LATER, entry=ticket.entry, merchant="m2").accepted
        (took,) = lines(counter, LATER, LATER)
        assert (took.merchant, took.units, took.paid, took.cash, took.fetched_units) == ("m2", 5, 400, 0, 5)
        assert lines(counter) == [sold]


def test_a_voucher_that_is_void_is_not_given_back_and_until_then_nobody_is_owed_for_it(tmp_path: Path) -> None:
    with bank(tmp_path, redemption=FULL) as counter:
        tickets = [counter.ask(Redeem, offer="ticket", merchant="m1").entry for _one in range(2)]
        for one in tickets:
            assert counter.ask(Settle, entry=one).accepted
        assert codes(counter.ask(Refund, on=date(2024, 7, 2), entry=tickets[0])) == ["void"]
        assert counter.ask(Refund, on=date(2024, 7, 1), entry=tickets[0]).accepted
        assert lines(counter, DAY, date(2024, 7, 2)) == []


def test_a_voucher_can_be_fetched_after_the_passbook_was_closed_as_long_as_it_holds(tmp_path: Path) -> None:
    with bank(tmp_path, redemption=FULL) as counter:
        tickets = [counter.ask(Redeem, offer="ticket").entry for _one in range(2)]
        for one in tickets:
            assert counter.ask(Settle, entry=one).accepted
        assert counter.ask(Close, event=ClosingEvent.MOVING).accepted
        assert codes(counter.ask(Refund, on=LATER, entry=tickets[0])) == ["closed_passbook"]
        assert counter.ask(Fetch, on=LATER, entry=tickets[0]).accepted
        assert codes(counter.ask(Fetch, on=date(2024, 7, 2), entry=tickets[1])) == ["void"]
        assert replay(counter.ledger, [counter.rulebook]).differences == []


@pytest.mark.parametrize(("before", "now"), [("unlimited", "3"), ("3", "unlimited")])
def test_units_go_back_to_the_stock_from_which_they_were_taken_and_to_no_other(
    tmp_path: Path, before: str, now: str
) -> None:
    with bank(tmp_path, redemption=FULL.replace("stock: 3", f"stock: {before}")) as counter:
        one, two = (counter.ask(Redeem, offer="soap", units=units).entry for units in (1, 2))
        with later_rules(counter, tmp_path, FULL.replace("stock: 3", f"stock: {now}")) as changed:
            assert changed.ask(Release, entry=one).accepted
            assert changed.ask(Settle, entry=two, amount=100).accepted
