"""What a pool has lent goes back to it, whatever has become of the account that borrowed, or of the pool."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lianxing.engine.bank.ending import end_all
from lianxing.engine.bank.replaying import replay
from lianxing.engine.ledger.opening import Ledger, open_ledger
from lianxing.engine.ledger.verifying import verify
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.commands import Command, Redeem, Refund, Release, Settle
from tests.engine.bank.counting_house import rules, take_in, write_county
from tests.engine.bank.test_accounts_gone import LATER
from tests.engine.bank.test_pools import (
    ACCOUNTS,
    FACTS,
    GROUP,
    HOUR,
    MEASURES,
    OFFERS,
    Asks,
    earns,
    held_by,
    in_transit,
    lines,
)
from tests.plugins.smallville import served

ONLY_CLUBS = ACCOUNTS[ACCOUNTS.index("clubs:") :]
BORROWS_NOT = ACCOUNTS[: ACCOUNTS.index("chest:")].replace("{borrow: chest}", "none")
CHANGED = {
    "no_borrowing": ACCOUNTS.replace("{borrow: chest}", "none"),
    "another_pool": ACCOUNTS.replace("{borrow: chest}", "{borrow: reserve}")
    + ACCOUNTS[ACCOUNTS.index("chest:") : ACCOUNTS.index("clubs:")].replace("chest:", "reserve:"),
    "account_gone": ACCOUNTS[ACCOUNTS.index("chest:") :],
    "pool_gone": BORROWS_NOT + ONLY_CLUBS,
    "account_and_pool_gone": ONLY_CLUBS,
}
STILL_THERE = ["no_borrowing", "another_pool", "pool_gone"]


def chapters(accounts: str) -> dict[str, str]:
    offers = OFFERS if "\ntime:" in accounts else "{}\n"
    return {"county": FACTS, "accounts": accounts, "redemption": offers, "measures": MEASURES}


@pytest.fixture
def ledger(address: str) -> Iterator[Ledger]:
    with open_ledger(address) as made:
        yield made
        assert verify(made) == []
        assert in_transit(made) == {}


@pytest.fixture(params=list(CHANGED.values()), ids=list(CHANGED))
def rulebooks(request: pytest.FixtureRequest, tmp_path: Path, ledger: Ledger) -> Iterator[tuple[Rulebook, Rulebook]]:
    """The rules by which a pool has lent two hours, and those that came later."""
    with (
        rules(write_county(tmp_path / "before" / "smallville", **chapters(ACCOUNTS))) as before,
        rules(write_county(tmp_path / "after" / "smallville", **chapters(request.param))) as after,
    ):
        take_in(before, ledger, served("a", "2024-05-01 09:00", 2, "G1"), volunteers=(GROUP,))
        earns(before, ledger, 1)
        yield before, after
        done = replay(ledger, [before, after])
        assert (done.differences, done.left_out, done.unseen) == ([], {}, 0)


def asking(ledger: Ledger, rulebook: Rulebook, first: int = 0) -> Asks:
    asks = Asks(ledger, rulebook)
    asks.asked = first
    return asks


@pytest.mark.parametrize("end", [Release, Refund], ids=["released", "refunded"])
def test_what_was_lent_for_a_redemption_goes_back_to_the_pool_that_lent_it(
    ledger: Ledger, rulebooks: tuple[Rulebook, Rulebook], end: type[Command]
) -> None:
    before, after = rulebooks
    asks = asking(ledger, before)
    had = asks(Redeem, offer="visit", units=2)
    if end is Refund:
        assert asks(Settle, entry=had.entry).accepted
    assert held_by(ledger, "pool/chest", "chest") == HOUR
    assert asking(ledger, after, 100)(end, entry=had.entry).accepted
    assert (held_by(ledger, "V1"), held_by(ledger, "V1", "time/debt")) == (HOUR, 0)
    assert held_by(ledger, "pool/chest", "chest") == 2 * HOUR
    assert lines(ledger, "pool/chest", "repaid") == [("chest", HOUR), ("borrowed", -HOUR)]


def test_a_loan_for_what_was_never_fetched_goes_back_to_the_pool_that_lent_it(
    ledger: Ledger, rulebooks: tuple[Rulebook, Rulebook]
) -> None:
    before, after = rulebooks
    assert asking(ledger, before)(Redeem, offer="visit", units=2).accepted
    assert end_all(ledger, after, LATER, dry_run=True) == end_all(ledger, after, LATER)
    assert (held_by(ledger, "V1"), held_by(ledger, "pool/chest", "chest")) == (HOUR, 2 * HOUR)


@pytest.mark.parametrize("rulebooks", [CHANGED[one] for one in STILL_THERE], indirect=True, ids=STILL_THERE)
def test_what_comes_in_pays_the_pool_that_lent(ledger: Ledger, rulebooks: tuple[Rulebook, Rulebook]) -> None:
    before, after = rulebooks
    assert asking(ledger, before)(Redeem, offer="visit", units=2).accepted
    take_in(after, ledger, served("later", "2024-05-20 09:00", 1))
    assert (held_by(ledger, "V1"), held_by(ledger, "V1", "time/debt")) == (0, 0)
    assert (held_by(ledger, "pool/chest", "chest"), held_by(ledger, "pool/reserve", "reserve")) == (2 * HOUR, 0)
