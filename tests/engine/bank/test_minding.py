"""Of what somebody had before, a command asks only for what bears on it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from lianxing.engine.bank.minding import about
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.commands import Command, Fetch, Redeem, UsePerk
from tests.engine.bank.counter import bank, codes
from tests.engine.bank.counting_house import ANN, DAY, HERE, OFFERS, rules, write_county

OFTEN = (
    OFFERS
    + """
tea:
  account: points
  price: 0.01 points
  gives: goods
  opens: {at_most: 3, per: month}
  per_person: unlimited
  stock: unlimited
  irreversible: no
  provider: the shop
"""
)
PERKS = """
bath: {stars: {at_least: 0}, pays: 0 %, uses: {at_most: 2, per: month}, provider: the town}
bus: {stars: {at_least: 0}, pays: 0 %, uses: {at_most: 9, per: calendar_year}, provider: the town}
"""


@pytest.fixture(scope="module")
def rulebook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rulebook]:
    folder = tmp_path_factory.mktemp("minding") / "smallville"
    with rules(write_county(folder, redemption=OFTEN, perks=PERKS)) as made:
        yield made


def asked(rulebook: Rulebook, *commands: Command) -> tuple[list[int], list[str], str]:
    found = about(commands, rulebook.policy)
    assert found is not None
    return sorted(found.entries), sorted(found.offers), found.since.isoformat()


def redeem(offer: str) -> Redeem:
    return Redeem(volunteer=ANN, county=HERE, on=DAY, scope="till", key=offer, offer=offer)


def test_an_offer_without_limits_asks_for_nothing_that_was_had(rulebook: Rulebook) -> None:
    assert asked(rulebook, redeem("soap"))[:2] == ([], [])


def test_a_limit_of_a_year_asks_for_this_offer_since_new_year(rulebook: Rulebook) -> None:
    assert asked(rulebook, redeem("rice")) == ([], ["rice"], "2024-01-01")


def test_a_counter_that_opens_so_many_times_a_month_asks_for_every_offer_of_the_account(rulebook: Rulebook) -> None:
    assert asked(rulebook, redeem("tea")) == ([], ["rice", "soap", "tea"], "2024-06-01")


def test_a_perk_asks_for_its_uses_of_the_period(rulebook: Rulebook) -> None:
    use = UsePerk(volunteer=ANN, county=HERE, on=DAY, scope="till", key="1", perk="bath")
    assert asked(rulebook, use) == ([], ["bath"], "2024-06-01")


def test_a_voucher_asks_for_its_entry_and_whether_it_was_fetched(rulebook: Rulebook) -> None:
    fetch = Fetch(volunteer=ANN, county=HERE, on=DAY, scope="till", key="1", entry=7, merchant="", shown=())
    assert asked(rulebook, fetch) == ([7], ["voucher/7"], "0001-01-01")


def test_several_at_once_ask_for_what_each_of_them_asks(rulebook: Rulebook) -> None:
    assert asked(rulebook, redeem("tea"), redeem("rice")) == ([], ["rice", "soap", "tea"], "2024-01-01")


def test_what_was_had_before_the_period_counts_no_more_and_what_was_had_in_it_does(tmp_path: Path) -> None:
    with bank(tmp_path, redemption=OFTEN) as counter:
        for _ in range(3):
            assert counter.ask(Redeem, date(2024, 6, 30), offer="tea").accepted
        assert codes(counter.ask(Redeem, date(2024, 6, 30), offer="tea")) == ["too_often"]
        assert counter.ask(Redeem, date(2024, 7, 1), offer="tea").accepted
