"""How often a perk was used is an account: a use posts to it, given back it posts back, as of any two dates."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from lianxing.engine.bank.replaying import replay
from lianxing.engine.bank.settling import settlement
from lianxing.engine.bank.statements import statement
from lianxing.engine.bank.tellers import Answer
from lianxing.engine.ledger.opening import open_ledger
from lianxing.engine.ledger.verifying import verify
from lianxing.engine.statement_sentences import statement_sentences
from lianxing.rules.commands import Declare, Fetch, Redeem, Refund, UsePerk
from lianxing.rules.families import Relation
from lianxing.rules.perks import Beneficiary
from tests.engine.bank.counter import Counter, bank, codes
from tests.engine.bank.counting_house import ANN, BEN, DAY, HERE, OFFERS, PERKS, rules, write_county
from tests.engine.bank.forging import forged

BATH = PERKS.replace("pays: 0 %", "pays: 0 %, worth: 8 yuan")
LATER = date(2025, 3, 1)
BATH_TO_BUY = f"""{OFFERS}
bath:
  account: points
  price: 0 points
  gives: goods
  opens: always
  per_person: unlimited
  stock: unlimited
  irreversible: no
  provider: the town
"""


def uses(counter: Counter) -> int | None:
    with counter.ledger.reading() as reading:
        return reading.accounts(ANN, HERE).get(("uses/bath", "uses"))


def told_uses(counter: Counter, on: date) -> list[tuple[int, int]]:
    """How often a statement says that the bath was used: in the year, and in all."""
    found = statement(counter.ledger, counter.rulebook, ANN, None, on)
    return [(one.used, one.in_all) for one in found.uses]


def test_a_perk_is_used_for_a_spouse_who_was_declared(tmp_path: Path) -> None:
    with bank(tmp_path, perks=PERKS.replace("pays:", "beneficiaries: [self, spouse], pays:")) as counter:
        assert codes(counter.ask(UsePerk, perk="bath", for_whom=Beneficiary.SPOUSE)) == ["nobody_declared"]
        counter.ask(Declare, family=((BEN, Relation.SPOUSE),))
        assert counter.ask(UsePerk, perk="bath", for_whom=Beneficiary.SPOUSE).accepted
        found = statement(counter.ledger, counter.rulebook, ANN, None, DAY)
        told = "\n".join(statement_sentences(found, counter.rulebook.policy.facts, "en"))
        assert "bath ↔ spouse" in told
        assert replay(counter.ledger, [counter.rulebook]).differences == []


def test_a_use_is_one_unit_and_a_use_that_was_none_goes_back(tmp_path: Path) -> None:
    with bank(tmp_path, perks=BATH) as counter:
        first = counter.ask(UsePerk, perk="bath")
        assert codes(counter.ask(UsePerk, perk="bath")) == ["uses"]
        assert uses(counter) == 1
        assert counter.ask(Refund, LATER, entry=first.entry).accepted
        assert codes(counter.ask(Refund, LATER, entry=first.entry)) == ["no_redemption"]
        assert uses(counter) == 0
        assert counter.ask(UsePerk, perk="bath").accepted
        with counter.ledger.reading() as reading:
            known = counter.ledger.now()
            as_of = [reading.balance_as_of(ANN, HERE, on, known) for on in (date(2024, 5, 31), DAY, LATER)]
        assert [there.get(("uses/bath", "uses"), 0) for there in as_of] == [0, 2, 1]
        assert replay(counter.ledger, [counter.rulebook]).differences == []


def test_a_use_dated_before_another_of_the_period_is_one_more_of_it(tmp_path: Path) -> None:
    with bank(tmp_path, perks=BATH) as counter:
        assert counter.ask(UsePerk, perk="bath").accepted
        assert codes(counter.ask(UsePerk, DAY - timedelta(days=1), perk="bath")) == ["uses"]


def test_the_statement_tells_how_often_of_how_often(tmp_path: Path) -> None:
    with bank(tmp_path, perks=BATH) as counter:
        counter.ask(UsePerk, perk="bath")
        said = {}
        for on in (DAY, LATER):
            found = statement(counter.ledger, counter.rulebook, ANN, None, on)
            said[on] = [(one.used, one.at_most, one.since, one.in_all) for one in found.uses]
        assert said == {DAY: [(1, 1, date(2024, 1, 1), 1)], LATER: [(0, 1, date(2025, 1, 1), 1)]}
        found = statement(counter.ledger, counter.rulebook, ANN, None, DAY)
        told = statement_sentences(found, counter.rulebook.policy.facts, "en")
        assert "  bath: used 1 of 1 in this calendar year (since 2024-01-01), 1 in all" in told
        assert "    perk·bath +1 use, then 1 use" in told
        assert not [line for line in told if line.startswith("  uses")]


def test_a_use_that_was_none_is_none_of_the_year_in_which_it_was_made(tmp_path: Path) -> None:
    with bank(tmp_path, perks=BATH) as counter:
        first = counter.ask(UsePerk, date(2023, 12, 31), perk="bath")
        counter.ask(Refund, date(2024, 1, 2), entry=first.entry)
        assert told_uses(counter, date(2024, 1, 1)) == [(0, 1)]  # it was not given back yet
        assert told_uses(counter, date(2024, 1, 2)) == [(0, 0)]


@pytest.mark.parametrize("chapters", [{}, {"redemption": BATH_TO_BUY}, {"perks": BATH}], ids=["gone", "sold", "there"])
def test_a_use_of_a_perk_is_given_back_also_when_the_county_has_it_no_more(
    tmp_path: Path, chapters: dict[str, str]
) -> None:
    with bank(tmp_path, perks=BATH) as counter:
        first = counter.ask(UsePerk, perk="bath")
        with rules(write_county(tmp_path / "changed" / "smallville", **chapters)) as changed:
            now = Counter(changed, counter.ledger)
            now.keys = counter.keys + 100
            assert codes(now.ask(Fetch, entry=first.entry)) == ["no_redemption"]
            back = now.ask(Refund, LATER, entry=first.entry)
            assert (back.accepted, back.data["perk"], back.data["clause"]) == (True, "bath", "bath")
            assert codes(now.ask(Refund, LATER, entry=first.entry)) == ["no_redemption"]
            assert (uses(now), told_uses(now, LATER)) == (0, [(0, 0)])
            assert replay(counter.ledger, [counter.rulebook, changed]).differences == []


def test_a_use_is_given_back_in_the_transaction_in_which_it_was_made(tmp_path: Path) -> None:
    with bank(tmp_path, perks=BATH) as counter:
        made = [counter.command(UsePerk, perk="bath"), counter.command(Refund, entry=3)]
        done = [one for one in counter.teller.serve_all(made) if isinstance(one, Answer)]
        assert [(one.accepted, one.entry) for one in done] == [(True, 3), (True, 4)]
        assert (uses(counter), told_uses(counter, DAY)) == (0, [(0, 0)])


def test_what_was_had_of_an_offer_that_is_a_perk_by_now_is_no_use_of_it(tmp_path: Path) -> None:
    with bank(tmp_path, redemption=BATH_TO_BUY) as counter:
        bath = counter.ask(Redeem, offer="bath")
        with rules(write_county(tmp_path / "changed" / "smallville", redemption=OFFERS, perks=BATH)) as changed:
            now = Counter(changed, counter.ledger)
            now.keys = counter.keys + 100
            back = now.ask(Refund, entry=bath.entry)
            assert (back.accepted, "perk" in back.data, uses(now)) == (True, False, None)
            assert replay(counter.ledger, [counter.rulebook, changed]).differences == []


def test_what_a_merchant_gets_for_a_use_goes_with_it(tmp_path: Path) -> None:
    with bank(tmp_path, perks=BATH) as counter:
        first = counter.ask(UsePerk, perk="bath")
        counter.ask(Refund, LATER, entry=first.entry)
        months = ((date(2024, 6, 1), date(2024, 6, 30)), (date(2025, 3, 1), date(2025, 3, 31)))
        lines = [settlement(counter.ledger, counter.rulebook, *month).lines for month in months]
        assert [[(one.units, one.returned_units, one.worth) for one in some] for some in lines] == [
            [(1, 0, 800)],
            [(0, 1, -800)],
        ]


def test_uses_that_are_not_what_was_used_are_found(tmp_path: Path) -> None:
    with bank(tmp_path, perks=BATH) as counter:
        counter.ask(UsePerk, perk="bath")
    path = tmp_path / "county.db"
    with forged(path) as connection:
        connection.exec_driver_sql("UPDATE redemption SET units = 2")
    with open_ledger(str(path)) as ledger:
        assert "uses_equal_redemptions" in {one.invariant for one in verify(ledger)}
