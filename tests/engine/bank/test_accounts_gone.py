"""An account that the county has no more: what is reserved of it, or was spent, still ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from lianxing.engine.bank.ending import end_all
from lianxing.engine.bank.replaying import replay
from lianxing.rules.accounts import Purpose
from lianxing.rules.closures import ClosingEvent
from lianxing.rules.commands import Close, Command, Redeem, Refund, Release, Reserve, Settle
from tests.engine.bank.counter import Counter, bank, codes
from tests.engine.bank.counting_house import ACCOUNTS, DAY, OFFERS, rules, write_county

LATER = DAY + timedelta(days=4)
ONLY_TIME = ACCOUNTS[ACCOUNTS.index("time:") :]
ONLY_VISIT = OFFERS[OFFERS.index("visit:") :]


@contextmanager
def without_points(counter: Counter, folder: Path) -> Iterator[Counter]:
    """The same counter once the county has no account of points any more; every decision stands under either rules."""
    with rules(write_county(folder / "changed" / "smallville", accounts=ONLY_TIME, redemption=ONLY_VISIT)) as changed:
        now = Counter(changed, counter.ledger)
        now.keys = counter.keys + 100
        yield now
        done = replay(counter.ledger, [counter.rulebook, changed])
        assert (done.differences, done.left_out) == ([], {})


@pytest.mark.parametrize(
    ("end", "left"), [(Settle, {"points": 300}), (Release, {"points": 400})], ids=["settled", "released"]
)
def test_what_is_reserved_of_an_account_that_is_gone_is_settled_or_released(
    tmp_path: Path, end: type[Command], left: dict[str, int]
) -> None:
    with bank(tmp_path) as counter:
        soap = counter.ask(Redeem, offer="soap")
        kept = counter.ask(Reserve, account="points", amount=100, purpose=Purpose.GOODS)
        with without_points(counter, tmp_path) as now:
            assert now.ask(end, entry=soap.entry).accepted
            assert codes(now.ask(Settle, entry=soap.entry)) == ["hold"]
            assert now.ask(Release, entry=kept.entry).accepted
            assert now.has() == left


def test_what_was_spent_of_an_account_that_is_gone_is_refunded_to_it(tmp_path: Path) -> None:
    with bank(tmp_path) as counter:
        soap = counter.ask(Redeem, offer="soap")
        assert counter.ask(Settle, entry=soap.entry).accepted
        with without_points(counter, tmp_path) as now:
            assert now.ask(Refund, entry=soap.entry).accepted
            assert codes(now.ask(Refund, entry=soap.entry)) == ["no_redemption"]
            assert now.has() == {"points": 400}


def test_a_reservation_of_an_account_that_is_gone_ends_after_its_last_day(tmp_path: Path) -> None:
    with bank(tmp_path) as counter:
        soap, rice = counter.ask(Redeem, offer="soap"), counter.ask(Redeem, offer="rice")
        with without_points(counter, tmp_path) as now:
            assert codes(now.ask(Settle, on=LATER, entry=soap.entry)) == ["hold_over"]
            assert end_all(now.ledger, now.rulebook, LATER).holds == 1
            assert codes(now.ask(Settle, on=LATER, entry=rice.entry)) == ["hold"]
            assert now.has() == {"points": 400}


def test_a_passbook_is_not_closed_while_something_is_reserved_of_an_account_that_is_gone(tmp_path: Path) -> None:
    with bank(tmp_path) as counter:
        soap = counter.ask(Redeem, offer="soap")
        with without_points(counter, tmp_path) as now:
            assert codes(now.ask(Close, event=ClosingEvent.LEAVING)) == ["open_holds"]
            assert now.ask(Settle, entry=soap.entry).accepted
            assert now.ask(Close, event=ClosingEvent.LEAVING).accepted
