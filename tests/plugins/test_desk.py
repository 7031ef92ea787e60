"""The desk: plugins hand over what is reserved, once, and are told what was settled; a host asks through our plugin."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pluggy
import pytest

from lianxing import hookimpl
from lianxing.engine.ledger.opening import Ledger, open_ledger
from lianxing.engine.ledger.verifying import verify
from lianxing.engine.rulebook import Rulebook
from lianxing.plugins.desk import Desk, Served
from lianxing.plugins.host import Host
from lianxing.plugins.intake import Intake
from lianxing.plugins.reward import reward_plugin
from lianxing.rules.commands import Approve, Command, Redeem, Release, Settle
from lianxing.rules.receipts import Receipt, Redemption
from tests.engine.bank.counting_house import ANN, DAY, HERE, OFFERS, rules, take_in, write_county
from tests.engine.bank.test_damaged_passbooks import unguarded
from tests.plugins.smallville import served


@pytest.fixture
def rulebook(tmp_path: Path) -> Iterator[Rulebook]:
    with rules(write_county(tmp_path / "smallville")) as made:
        yield made


@pytest.fixture
def ledger(tmp_path: Path, rulebook: Rulebook) -> Iterator[Ledger]:
    with open_ledger(str(tmp_path / "bank.db")) as made:
        take_in(rulebook, made, served("1", "2024-05-01 09:00", 2), served("2", "2024-05-10 09:00", 3))
        yield made


class Shop:
    """A plugin that hands over soap, and notes what it was asked and told."""

    def __init__(self, *receipts: object) -> None:
        self.receipts = list(receipts)
        self.asked: list[Redemption] = []
        self.told: list[tuple[Redemption, Receipt | None]] = []

    @hookimpl
    def fulfil_redemption(self, redemption: Redemption) -> object:
        self.asked.append(redemption)
        receipt = self.receipts.pop(0)
        if isinstance(receipt, Exception):
            raise receipt
        return receipt

    @hookimpl
    def redemption_settled(self, redemption: Redemption, receipt: Receipt | None) -> None:
        self.told.append((redemption, receipt))


def desk(rulebook: Rulebook, ledger: Ledger, **shops: object) -> Desk:
    host = Host(installed=False)
    for name, shop in shops.items():
        host.register(shop, name)
    return Desk(host, ledger, rulebook)


def asks(kind: type[Command], key: str, **more: Any) -> Command:
    return kind(volunteer=ANN, county=HERE, on=DAY, scope="counter", key=key, **more)


def kinds(ledger: Ledger) -> list[str]:
    with ledger.reading() as reading:
        return [one.entry.kind for one in reading.passbook_entries(ANN, HERE)]


def test_what_a_plugin_hands_over_is_settled_with_its_receipt(rulebook: Rulebook, ledger: Ledger) -> None:
    shop = Shop(Receipt("R-1"))
    found = desk(rulebook, ledger, shop=shop).serve(asks(Redeem, "1", offer="soap", units=2, merchant="corner"))
    assert found.receipt == Receipt("R-1")
    (redemption,) = shop.asked
    assert (redemption.entry, redemption.offer) == (found.answer.entry, "soap")
    assert (redemption.units, redemption.price, redemption.unit) == (2, 200, "points")
    assert (redemption.merchant, redemption.held_until) == ("corner", date(2024, 6, 4))
    assert shop.told == [(redemption, Receipt("R-1"))]
    assert kinds(ledger)[-2:] == ["held", "settled"]
    with ledger.reading() as reading:
        last = reading.passbook_entries(ANN, HERE)[-1].entry
    assert (last.actor, last.reason) == ("shop", "R-1")
    assert verify(ledger) == []


def test_asked_again_with_the_same_key_nothing_is_handed_over_twice(rulebook: Rulebook, ledger: Ledger) -> None:
    shop = Shop(Receipt("R-1"))
    at = desk(rulebook, ledger, shop=shop)
    first, again = (at.serve(asks(Redeem, "1", offer="soap")) for _ in range(2))
    assert (again.answer.entry, again.answer.replayed) == (first.answer.entry, True)
    assert first.settled is not None
    assert again.settled is not None
    assert (again.receipt, again.settled.entry, again.settled.replayed) == (first.receipt, first.settled.entry, True)
    assert (len(shop.asked), len(shop.told)) == (1, 1)
    assert kinds(ledger).count("settled") == 1


def test_a_plugin_that_fails_leaves_the_reservation_and_is_asked_again(rulebook: Rulebook, ledger: Ledger) -> None:
    shop = Shop(OSError("the till is open"), Receipt("R-2"))
    at = desk(rulebook, ledger, shop=shop)
    first = at.serve(asks(Redeem, "1", offer="soap"))
    assert first.answer.accepted
    assert str(first.fault) == "plugin shop: fulfil_redemption failed: OSError"
    assert kinds(ledger)[-1] == "held"
    assert at.serve(asks(Redeem, "1", offer="soap")).receipt == Receipt("R-2")
    assert {one.key for one in shop.asked} == {shop.asked[0].key}
    assert kinds(ledger)[-2:] == ["held", "settled"]


def test_what_is_no_receipt_settles_nothing(rulebook: Rulebook, ledger: Ledger) -> None:
    found = desk(rulebook, ledger, shop=Shop("R-1")).serve(asks(Redeem, "1", offer="soap"))
    assert "gives str, not a Receipt" in str(found.fault)
    assert kinds(ledger)[-1] == "held"


@pytest.mark.parametrize(
    ("number", "kept"), [("x" * 300, "x" * 200), ("R-1\nR-2", "R-1 R-2"), ("\ud800", ""), (5, ""), (None, ""), ("", "")]
)
def test_whatever_the_receipt_is_what_was_handed_over_is_paid_for_and_the_plugin_is_named(
    number: Any, kept: str, rulebook: Rulebook, ledger: Ledger
) -> None:
    shop = Shop(Receipt(number))
    at = desk(rulebook, ledger, shop=shop)
    found, again = (at.serve(asks(Redeem, "1", offer="soap")) for _time in range(2))
    assert (kinds(ledger)[-1], len(shop.asked)) == ("settled", 1)
    assert (found.receipt, again.receipt, shop.told[0][1]) == (Receipt(kept),) * 3
    assert (found.fault is None) == (number == kept)
    assert found.fault is None or "plugin shop: gives a receipt that is no plain text" in str(found.fault)


def test_a_receipt_for_what_was_given_back_meanwhile_is_told_as_a_fault(rulebook: Rulebook, ledger: Ledger) -> None:
    class Slow(Shop):
        @hookimpl
        def fulfil_redemption(self, redemption: Redemption) -> object:
            desk(rulebook, ledger).serve(asks(Release, "2", entry=redemption.entry))
            return super().fulfil_redemption(redemption)

    shop = Slow(Receipt("R-1"))
    found = desk(rulebook, ledger, shop=shop).serve(asks(Redeem, "1", offer="soap"))
    assert "gave receipt R-1, but the reservation was there no longer" in str(found.fault)
    assert (found.settled, shop.told) == (None, [])


def test_the_first_receipt_in_the_order_of_names_counts(rulebook: Rulebook, ledger: Ledger) -> None:
    first, second, third = Shop(None), Shop(Receipt("R-2")), Shop(Receipt("R-3"))
    found = desk(rulebook, ledger, c=third, a=first, b=second).serve(asks(Redeem, "1", offer="soap"))
    assert found.receipt == Receipt("R-2")
    assert (len(first.asked), len(third.asked)) == (1, 0)
    assert [len(shop.told) for shop in (first, second, third)] == [1, 1, 1]


def test_what_people_hand_over_is_told_when_it_is_settled(rulebook: Rulebook, ledger: Ledger) -> None:
    shop = Shop(None, None)
    at = desk(rulebook, ledger, shop=shop)
    kept = at.serve(asks(Redeem, "1", offer="soap")).answer.entry
    dropped = at.serve(asks(Redeem, "2", offer="soap")).answer.entry
    assert shop.told == []
    at.serve(asks(Settle, "3", entry=kept))
    at.serve(asks(Settle, "3", entry=kept))
    at.serve(asks(Release, "4", entry=dropped))
    assert [(one.entry, one.offer, receipt) for one, receipt in shop.told] == [(kept, "soap", None)]


def test_of_what_is_settled_its_own_entry_is_read_and_nothing_that_came_after_it(
    rulebook: Rulebook, ledger: Ledger, tmp_path: Path
) -> None:
    shop = Shop(None, None)
    at = desk(rulebook, ledger, shop=shop)
    first, later = (at.serve(asks(Redeem, key, offer="soap")).answer.entry for key in "12")
    with closing(sqlite3.connect(tmp_path / "bank.db", isolation_level=None)) as connection, unguarded(connection):
        connection.execute("UPDATE entry SET recorded_at = -1 WHERE number = ?", [later])
    assert at.serve(asks(Settle, "3", entry=first)).answer.accepted
    assert [(one.entry, one.offer, one.on) for one, _receipt in shop.told] == [(first, "soap", DAY)]


def test_what_is_had_at_once_is_told_and_nobody_is_asked_to_hand_it_over(rulebook: Rulebook, ledger: Ledger) -> None:
    shop = Shop()
    at = desk(rulebook, ledger, shop=shop)
    found = at.serve(asks(Redeem, "1", offer="visit"))
    at.serve(asks(Redeem, "1", offer="visit"))
    assert shop.asked == []
    assert [(one.entry, one.unit, one.price) for one, _receipt in shop.told] == [(found.answer.entry, "seconds", 3600)]


def test_what_is_refused_and_what_is_rehearsed_reaches_no_plugin(rulebook: Rulebook, ledger: Ledger) -> None:
    shop = Shop()
    at = desk(rulebook, ledger, shop=shop)
    assert not at.serve(asks(Redeem, "1", offer="soap", units=9)).answer.accepted
    assert at.rehearse(asks(Redeem, "2", offer="soap")).accepted
    assert (shop.asked, shop.told) == ([], [])


PLATFORM = "platform"
declares = pluggy.HookspecMarker(PLATFORM)


class Hooks:
    @declares(firstresult=True)
    def redemption_requested(
        self, volunteer: str, offer: str, units: int, merchant: str, on: date, key: str
    ) -> object: ...

    @declares(firstresult=True)
    def service_recorded(self, record: object) -> object: ...

    @declares(firstresult=True)
    def standing_requested(self, volunteer: str, on: date) -> object: ...


def test_a_platform_redeems_through_its_own_hooks_once_for_each_key(rulebook: Rulebook, ledger: Ledger) -> None:
    manager = pluggy.PluginManager(PLATFORM)
    manager.add_hookspecs(Hooks)
    intake = Intake(Host(installed=False), rulebook, ledger, "platform", DAY, lambda _row: None)
    manager.register(reward_plugin(PLATFORM, intake, lambda: DAY), "lianxing")
    manager.check_pending()
    asked = {"volunteer": "V1", "offer": "soap", "units": 1, "merchant": "", "on": DAY, "key": "K1"}
    found, again = (manager.hook.redemption_requested(**asked) for _ in range(2))
    assert isinstance(found, Served)
    assert (found.answer.accepted, again.answer.entry, again.answer.replayed) == (True, found.answer.entry, True)
    refused = manager.hook.redemption_requested(**{**asked, "key": "K2", "units": 9})
    assert {reason["code"] for reason in refused.answer.data["reasons"]} == {"stock", "balance"}


def test_a_plugin_hands_over_what_needs_an_approval_once_it_is_approved(tmp_path: Path, ledger: Ledger) -> None:
    approver = "irreversible: no\n  approver: {by: the street}"
    folder = write_county(tmp_path / "smallville", redemption=OFFERS.replace("irreversible: no", approver, 1))
    with rules(folder) as rulebook:
        shop = Shop(Receipt("R-1"))
        counter = desk(rulebook, ledger, shop=shop)
        held = counter.serve(asks(Redeem, "1", offer="soap"))
        assert (held.receipt, shop.asked) == (None, [])
        approve = asks(Approve, "2", entry=held.answer.entry, role="the street", actor="clerk 7")
        for _time in range(2):
            counter.serve(approve)
        assert [one.entry for one in shop.asked] == [held.answer.entry]
        assert [one.entry for one, _receipt in shop.told] == [held.answer.entry]
        assert kinds(ledger)[-3:] == ["held", "approved", "settled"]
