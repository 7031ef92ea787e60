"""What is taken back of a record whose deposit has ended, or was of another day: nobody loses it twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from lianxing import ServiceRecord
from lianxing.engine.bank.ending import end_all
from lianxing.engine.bank.replaying import replay
from lianxing.engine.ledger.opening import open_ledger
from lianxing.engine.passbooks import Passbooks
from lianxing.rules.commands import Redeem, Refund, Settle
from lianxing.rules.facts import RecordId, RegistryId, VolunteerId
from lianxing.rules.records import Volunteer, Withdrawn
from tests.engine.bank.counter import Counter, bank
from tests.engine.bank.counting_house import ACCOUNTS, ANN, HERE, OFFERS, rules, take_in, write_county
from tests.engine.bank.test_star_basis import lowering
from tests.plugins.smallville import COUNTY, served

# Of Ann's four points two end with 2024-12-30, two with 2025-01-10.
NEW_YEAR = date(2025, 1, 1)
FIRST = Withdrawn(RecordId("2023-12-30"), RegistryId("test"))
WITH_A_REDEMPTION = ACCOUNTS.replace("expires: {valid: 12 months}", "expires: after_redemption")
CHEST = """
chest:
  holder: pool
  unit: points
  earned_from: points
  spent_on: [goods]
  expires: {valid: 12 months}
  spends_first: oldest
  storage: unlimited
  overdraft: none
  transfer: none
  shortfall: debt
"""

HALF = """
second_version: {on_day: 2024-07-01, points: keep, hours: keep, stars: keep, accounts: {points: {convert: 0.5}}}
"""


def of_day(day: str, hours: int = 2) -> ServiceRecord:
    return replace(served("2023-12-30", f"{day} 09:00", hours))


def test_what_overflowed_by_rules_of_before_is_taken_back_from_there_first(tmp_path: Path) -> None:
    small = ACCOUNTS.replace("storage: unlimited", "storage: {at_most: 3 points, overflow: lost}", 1)
    large = ACCOUNTS.replace("{at_most: 10 hours, overflow: donation_pool}", "unlimited").replace("clamp", "debt")
    folder = write_county(tmp_path / "new" / "smallville", accounts=large)
    with bank(tmp_path, accounts=small) as counter, rules(folder) as later:
        assert counter.has() == {"points": 300}
        take_in(later, counter.ledger, replace(served("2024-01-10", "2024-01-10 09:00", 1)))
        assert counter.has() == {"points": 300}
        done = replay(counter.ledger, [counter.rulebook, later])
        assert (done.differences, done.left_out) == ([], {})


def agree(counter: Counter) -> None:
    assert replay(counter.ledger, [counter.rulebook]).differences == []


@pytest.mark.parametrize("shortfall", ["debt", "clamp", "forbid"])
def test_a_record_that_is_worth_less_than_nothing_takes_from_what_is_there(tmp_path: Path, shortfall: str) -> None:
    earning = COUNTY["earning.yaml"].replace(
        "- id: rounding", "- {id: fine, when: {category: tax}, add: -4}\n- id: rounding"
    )
    accounts = ACCOUNTS.replace("shortfall: debt", f"shortfall: {shortfall}", 1)
    accounts = accounts.replace("{at_most: 10 hours, overflow: donation_pool}", "unlimited")
    with bank(tmp_path, accounts=accounts, earning=earning) as counter:
        fined = served("fined", "2024-05-20 09:00", 1, category="tax")
        counter.take(fined)  # one point less four
        assert counter.has() == {"points": 100}
        counter.take(Withdrawn(fined.id, fined.registry))
        assert counter.has() == {"points": 400}
        counter.ask(Redeem, offer="soap", units=2)
        counter.take(replace(fined, id=RecordId("another")))
        assert counter.has() == {"points/held": 200, "points/debt": -100}  # what is held keeps
        agree(counter)


@pytest.mark.parametrize("shortfall", ["clamp", "forbid"])
def test_what_was_written_off_before_a_change_of_rules_is_made_good_before_the_rest_goes_over(
    tmp_path: Path, shortfall: str
) -> None:
    accounts = ACCOUNTS.replace("shortfall: debt", f"shortfall: {shortfall}", 1)
    with bank(tmp_path, accounts=accounts, transition=HALF) as counter:
        asked = counter.ask(Redeem, offer="soap", units=3)
        counter.ask(Settle, entry=asked.entry)
        counter.take(served("2024-01-10", "2024-01-10 09:00", 1, category="training"))
        assert counter.has() == {}  # 1.5 points less, of which one was there
        end_all(counter.ledger, counter.rulebook, date(2024, 7, 2))
        counter.take(served("2024-01-10", "2024-01-10 10:00", 2), on=date(2024, 7, 3))
        assert counter.has() == {"points": 50}  # as if it had never been a mistake
        agree(counter)


def test_a_correction_takes_nothing_from_an_account_that_is_newer_than_the_record(tmp_path: Path) -> None:
    only_points = ACCOUNTS[: ACCOUNTS.index("time:")]
    without = "\n".join(OFFERS.split("\nvisit:")[:1])
    with (
        bank(tmp_path, accounts=only_points, redemption=without) as counter,
        rules(write_county(tmp_path / "later" / "smallville")) as later,
    ):
        came: list[ServiceRecord | Withdrawn]
        came = [served("new", "2024-05-20 09:00", 2), of_day("2023-12-30", 1), FIRST]
        for record, points, hours in zip(came, (600, 500, 400), (2, 3, 2), strict=True):
            take_in(later, counter.ledger, record)  # what is corrected is worked out by the rules of today
            with counter.ledger.reading() as reading:
                accounts = reading.accounts(ANN, HERE)
            assert (accounts["points", "points"], accounts["time", "seconds"]) == (points, hours * 3600)
            assert ("time/debt", "seconds") not in accounts
        assert replay(counter.ledger, [counter.rulebook, later]).differences == []


@pytest.mark.parametrize(("was", "came"), [("group", 200), ("single", 0)])
def test_a_correction_takes_back_what_came_in_though_the_person_is_another_one_since(
    tmp_path: Path, was: str, came: int
) -> None:
    form = "facts:\n  form: {type: text, scope: person, values: {single: {}, group: {}}}\n"
    accounts = ACCOUNTS.replace("shortfall: debt", "shortfall: debt\n  when: {form: group}", 1)
    with (
        rules(
            write_county(tmp_path / "smallville", accounts=accounts, county=COUNTY["county.yaml"] + form)
        ) as rulebook,
        open_ledger(str(tmp_path / "county.db")) as ledger,
    ):
        counter = Counter(rulebook, ledger)
        take_in(rulebook, ledger, of_day("2023-12-30"), volunteers=(Volunteer(ANN, facts={"form": was}),))
        assert counter.has().get("points", 0) == came
        other = {"group": "single", "single": "group"}[was]
        take_in(rulebook, ledger, FIRST, volunteers=(Volunteer(ANN, facts={"form": other}),))
        assert not {"points", "points/debt"} & counter.has().keys()
        agree(counter)


@pytest.mark.parametrize("booked", [True, False])
def test_who_has_lost_points_by_time_does_not_lose_them_again_when_their_record_is_taken_back(
    tmp_path: Path, booked: bool
) -> None:
    with bank(tmp_path) as counter:
        if booked:
            end_all(counter.ledger, counter.rulebook, NEW_YEAR)
        counter.take(FIRST, on=NEW_YEAR)
        assert counter.has() == {"points": 200}
        with counter.ledger.reading() as reading:
            last = reading.passbook_entries(ANN, HERE)[-1]
        points = {(one.account.partition("/")[0], one.amount) for one in last.postings if one.unit == "points"}
        assert {("issued", 200), ("expired", -200)} <= points
        counter.take(of_day("2023-12-30"), on=NEW_YEAR)  # it was no mistake after all
        end_all(counter.ledger, counter.rulebook, NEW_YEAR)
        assert counter.has() == {"points": 200}
        agree(counter)


def test_of_a_correction_only_what_was_spent_is_taken_from_other_deposits(tmp_path: Path) -> None:
    with bank(tmp_path) as counter:
        held = counter.ask(Redeem, on=date(2024, 6, 1), offer="soap")
        counter.ask(Settle, on=date(2024, 6, 1), entry=held.entry)
        end_all(counter.ledger, counter.rulebook, NEW_YEAR)
        counter.take(of_day("2023-12-30", 1), on=NEW_YEAR)
        assert counter.has() == {"points": 200}
        counter.take(FIRST, on=NEW_YEAR)
        assert counter.has() == {"points": 100}
        agree(counter)


@pytest.mark.parametrize("mistaken", [False, True])
def test_a_mistake_that_is_put_right_after_another_deposit_has_paid_for_it_costs_nothing(
    tmp_path: Path, mistaken: bool
) -> None:
    with bank(tmp_path) as counter:
        spent = counter.ask(Redeem, on=date(2024, 6, 1), offer="soap", units=3)  # two of the first record
        counter.ask(Settle, on=date(2024, 6, 1), entry=spent.entry)
        if mistaken:
            counter.take(of_day("2023-12-30", 1), served("2024-01-10", "2024-01-10 09:00", 1), on=date(2024, 6, 2))
            assert counter.has() == {"points/debt": -100}
        counter.take(served("later", "2024-12-01 09:00", 2), on=date(2024, 12, 1))
        if mistaken:
            # Both deposits would have ended by now; of three hours two count.
            counter.take(of_day("2023-12-30", 3), on=NEW_YEAR)
            counter.take(served("2024-01-10", "2024-01-10 09:00", 3), on=date(2025, 1, 12))
        end_all(counter.ledger, counter.rulebook, date(2025, 1, 12))
        assert counter.has() == {"points": 200}
        agree(counter)


def test_what_was_taken_instead_is_told_by_the_entries_alone(tmp_path: Path) -> None:
    with bank(tmp_path) as counter:
        spent = counter.ask(Redeem, on=date(2024, 6, 1), offer="soap", units=3)
        counter.ask(Settle, on=date(2024, 6, 1), entry=spent.entry)
        counter.take(of_day("2023-12-30", 1), on=date(2024, 6, 2))
        counter.take(FIRST, on=date(2024, 6, 3))
        counter.take(served("later", "2024-12-01 09:00", 2), on=date(2024, 12, 1))
        assert counter.ask(Refund, on=date(2024, 12, 2), entry=spent.entry).accepted
        counter.take(of_day("2023-12-30", 3), on=date(2024, 12, 3))
        assert counter.has() == {"points": 600}
        end_all(counter.ledger, counter.rulebook, NEW_YEAR)
        assert counter.has() == {"points": 400}
        agree(counter)


def test_what_a_redemption_has_left_is_not_taken_back_either(tmp_path: Path) -> None:
    with bank(tmp_path, accounts=WITH_A_REDEMPTION) as counter:
        held = counter.ask(Redeem, offer="soap")
        counter.ask(Settle, entry=held.entry)
        counter.take(served("later", "2024-06-02 09:00", 2), on=NEW_YEAR)
        counter.take(Withdrawn(RecordId("2024-01-10"), RegistryId("test")), on=NEW_YEAR)
        assert counter.has() == {"points": 200}
        agree(counter)


def test_a_record_of_another_day_ends_with_that_day(tmp_path: Path) -> None:
    with bank(tmp_path) as counter:
        end_all(counter.ledger, counter.rulebook, NEW_YEAR)
        counter.take(of_day("2024-01-05"), on=NEW_YEAR)
        assert counter.has() == {"points": 400}
        end_all(counter.ledger, counter.rulebook, date(2025, 1, 6))
        assert counter.has() == {"points": 200}
        counter.take(of_day("2024-01-03"), on=date(2025, 1, 7))
        end_all(counter.ledger, counter.rulebook, date(2025, 1, 7))
        assert counter.has() == {"points": 200}
        agree(counter)


def test_what_has_ended_and_was_taken_back_lowers_no_star(tmp_path: Path) -> None:
    with bank(tmp_path, stars=lowering("yes", "yes")) as counter:

        def total(on: date) -> int:
            return Passbooks(counter.ledger, counter.rulebook).standing(ANN, on).measures[0].sum

        end_all(counter.ledger, counter.rulebook, NEW_YEAR)
        assert (total(date(2024, 6, 1)), total(NEW_YEAR)) == (400, 200)
        counter.take(FIRST, on=NEW_YEAR)
        assert (total(date(2024, 6, 1)), total(NEW_YEAR)) == (200, 200)
        end_all(counter.ledger, counter.rulebook, date(2025, 2, 1))
        assert total(date(2025, 2, 1)) == 0
        agree(counter)


def test_what_a_pool_has_lost_by_time_it_does_not_lose_again(tmp_path: Path) -> None:
    chest = ACCOUNTS + CHEST
    with bank(tmp_path, accounts=chest) as counter:
        end_all(counter.ledger, counter.rulebook, NEW_YEAR)
        counter.take(FIRST, on=date(2025, 1, 20))
        end_all(counter.ledger, counter.rulebook, date(2025, 1, 20))
        assert counter.has(VolunteerId("pool/chest")) == {}
        counter.take(served("later", "2025-01-21 09:00", 2), on=date(2025, 1, 21))
        counter.take(Withdrawn(RecordId("2024-01-10"), RegistryId("test")), on=date(2025, 1, 21))
        assert counter.has(VolunteerId("pool/chest")) == {"chest": 200}
        agree(counter)
