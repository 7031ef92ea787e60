"""What a record is worth and an account does not take in: it is told, and never taken out of the account again."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from lianxing import ServiceRecord
from lianxing.engine.bank.crediting import credited
from lianxing.engine.bank.ending import end_all
from lianxing.engine.bank.replaying import replay
from lianxing.engine.bank.statements import statement
from lianxing.engine.ledger.errors import DamagedError
from lianxing.engine.ledger.holdings import WalletRows
from lianxing.engine.ledger.opening import open_ledger
from lianxing.engine.recounting import Recount
from lianxing.engine.statement_data import statement_data, statement_rows
from lianxing.engine.statement_page import statement_page
from lianxing.engine.statement_sentences import heading, next_star, remarks, state_sentence
from lianxing.rules.accounts import Recipient
from lianxing.rules.commands import Give, Redeem, Settle
from lianxing.rules.facts import RecordId, RegistryId, VolunteerId
from lianxing.rules.records import Volunteer, Withdrawn
from tests.engine.bank.counter import Counter, bank
from tests.engine.bank.counting_house import ACCOUNTS, ANN, BEN, DAY, rules, take_in, write_county
from tests.engine.bank.forging import copy_of, forged
from tests.plugins.smallville import COUNTY, served

POOL = VolunteerId("pool/chest")
CHEST = """
chest: {holder: pool, unit: points, earned_from: nothing, spent_on: [goods], expires: never, spends_first: oldest,
  storage: unlimited, overdraft: none, transfer: none, shortfall: clamp}
"""
FIVE = ACCOUNTS.replace("storage: unlimited", "storage: {at_most: 5 points, overflow: donation_pool}", 1)
THREE_A_MONTH = "- id: three_a_month\n  limit: {per: month, at_most: 3 points, overflow: TO}\n"


def whole(rest: str) -> str:
    return ACCOUNTS.replace("holds: 3 days", f"holds: 3 days\n  whole_only: {rest}", 1)


def lasting(record: ServiceRecord, minutes: int) -> ServiceRecord:
    return replace(record, seconds=60 * minutes, ended_at=record.started_at + 60 * minutes)


def visit(minutes: int, day: str = "2024-05-20") -> ServiceRecord:
    return lasting(served("visit", f"{day} 09:00", 2), minutes)


def gone(id: str = "visit") -> Withdrawn:
    return Withdrawn(RecordId(id), RegistryId("test"))


def agree(counter: Counter) -> None:
    done = replay(counter.ledger, [counter.rulebook])
    assert (done.differences, done.left_out) == ([], {})


def said(counter: Counter, on: date = DAY) -> list[str]:
    told = statement(counter.ledger, counter.rulebook, ANN, None, on)
    return [sentence for line in told.lines[-1:] for sentence in remarks(line, "en")]


def test_what_overflowed_of_a_record_comes_back_from_the_pool_and_not_from_its_owner(tmp_path: Path) -> None:
    with bank(tmp_path, accounts=FIVE + CHEST) as counter:  # Ann has four points
        counter.take(visit(120))
        assert (counter.has(), counter.has(POOL)) == ({"points": 500}, {"chest": 100})
        assert "points: 1 point over what is stored gone to the donation pool" in said(counter)
        counter.take(visit(90))
        assert (counter.has(), counter.has(POOL)) == ({"points": 500}, {"chest": 50})
        now = "of the record as it is now, points: 0.5 points over what is stored gone to the donation pool"
        assert now in said(counter)
        counter.take(gone())
        assert (counter.has(), counter.has(POOL)) == ({"points": 400}, {})
        agree(counter)


@pytest.mark.parametrize("later", ["unlimited", "{at_most: 9 points, overflow: lost}"])
def test_what_overflowed_comes_back_from_where_it_went_whatever_overflows_by_the_rules_of_now(
    later: str, tmp_path: Path
) -> None:
    accounts = ACCOUNTS.replace("storage: unlimited", f"storage: {later}", 1) + CHEST
    folder = write_county(tmp_path / "now" / "smallville", accounts=accounts)
    with bank(tmp_path, accounts=FIVE + CHEST) as counter, rules(folder) as now:  # Ann has four points
        counter.take(visit(120))
        assert (counter.has(), counter.has(POOL)) == ({"points": 500}, {"chest": 100})
        take_in(now, counter.ledger, visit(90))
        assert (counter.has(), counter.has(POOL)) == ({"points": 500}, {"chest": 50})
        told = statement(counter.ledger, now, ANN, None, DAY)
        assert [(one.over, one.to) for one in told.lines[-1].outside] == [(50, "donation_pool")]
        take_in(now, counter.ledger, visit(121))
        take_in(now, counter.ledger, gone())
        assert (counter.has(), counter.has(POOL)) == ({"points": 400}, {})
        done = replay(counter.ledger, [counter.rulebook, now])
        assert (done.differences, done.left_out) == ([], {})


def test_what_overflowed_to_two_places_comes_back_from_each(tmp_path: Path) -> None:
    accounts = FIVE.replace("overflow: donation_pool", "overflow: lost", 1) + CHEST
    folder = write_county(tmp_path / "now" / "smallville", accounts=accounts)
    with bank(tmp_path, accounts=FIVE + CHEST) as counter, rules(folder) as now:  # Ann has four points
        counter.take(visit(90))
        assert (counter.has(), counter.has(POOL)) == ({"points": 500}, {"chest": 50})
        take_in(now, counter.ledger, visit(120))
        told = statement(counter.ledger, now, ANN, None, DAY)
        assert [(one.over, one.to) for one in told.lines[-1].outside] == [(50, "donation_pool"), (50, "lost")]
        assert (counter.has(), counter.has(POOL)) == ({"points": 500}, {"chest": 50})
        take_in(now, counter.ledger, visit(75))
        assert (counter.has(), counter.has(POOL)) == ({"points": 500}, {"chest": 25})
        take_in(now, counter.ledger, gone())
        assert (counter.has(), counter.has(POOL)) == ({"points": 400}, {})
        done = replay(counter.ledger, [counter.rulebook, now])
        assert (done.differences, done.left_out) == ([], {})


def test_what_overflowed_of_a_gift_is_told_in_every_form_all_of_it_too(tmp_path: Path) -> None:
    with bank(tmp_path, accounts=FIVE + CHEST) as counter:
        counter.take(*(served(day, f"{day} 09:00", 2, BEN) for day in ("2024-02-01", "2024-02-02")))
        for amount in (300, 100):  # Ben has four points of at most five
            assert counter.ask(Give, account="points", amount=amount, to_whom=Recipient.FRIEND, recipient=BEN).accepted
        assert (counter.has(BEN), counter.has(POOL)) == ({"points": 500}, {"chest": 300})
        found = statement(counter.ledger, counter.rulebook, BEN, None, DAY)
        first, all_of_it = found.lines[-2:]
        assert [change.amount for change in (*first.changes, *all_of_it.changes)] == [100]
        assert [[(one.account, one.over, one.to) for one in line.outside] for line in (first, all_of_it)] == [
            [("points", 200, "donation_pool")],
            [("points", 100, "donation_pool")],
        ]
        sentence = "points: 1 point over what is stored gone to the donation pool"
        assert sentence in list(remarks(all_of_it, "en"))
        assert sentence in statement_page(found, counter.rulebook.policy.facts, "en")
        assert list(statement_rows(found, "en"))[-1]["remarks"] == sentence
        assert statement_data(found, "en")["entries"][-1]["outside"][0]["over"] == "1"
        pool = statement(counter.ledger, counter.rulebook, POOL, None, DAY)
        assert next(heading(pool, "en")).startswith("Pool chest, ")
        assert next(heading(pool, "zh")).startswith("公共池 chest，")
        assert [(one.account, one.available) for one in pool.closing] == [("chest", 300)]
        assert next_star(pool, counter.rulebook.policy.facts, "en") == []
        agree(counter)


def test_what_overflowed_and_was_lost_is_taken_from_nobody(tmp_path: Path) -> None:
    with bank(tmp_path, accounts=FIVE.replace("overflow: donation_pool", "overflow: lost", 1)) as counter:
        counter.take(visit(120))
        counter.take(gone())
        assert counter.has() == {"points": 400}
        agree(counter)


def test_of_a_record_that_overflowed_and_was_spent_only_what_came_in_is_missing(tmp_path: Path) -> None:
    with bank(tmp_path, accounts=FIVE + CHEST) as counter:
        counter.take(visit(120))
        held = counter.ask(Redeem, offer="rice", units=2)
        counter.ask(Settle, entry=held.entry)
        counter.take(gone())
        assert (counter.has(), counter.has(POOL)) == ({}, {})
        agree(counter)


@pytest.mark.parametrize("rest", ["rest_lost", "rest_carried"])
@pytest.mark.parametrize(
    ("minutes", "then", "has"),
    [
        pytest.param([75], None, 400, id="withdrawn"),
        pytest.param([75, 70], None, 400, id="corrected, then withdrawn"),
        pytest.param([75], 65, 500, id="a little less"),
        pytest.param([75], 45, 400, id="less than a whole one"),
        pytest.param([75], 120, 600, id="more"),
        pytest.param([45, 75, 45, 75], None, 400, id="to and fro"),
    ],
)
def test_only_whole_points_come_in_and_only_whole_points_go_out(
    tmp_path: Path, rest: str, minutes: list[int], then: int | None, has: int
) -> None:
    with bank(tmp_path, accounts=whole(rest)) as counter:
        for one in minutes:
            counter.take(visit(one))
        counter.take(gone() if then is None else visit(then))
        assert counter.has() == {"points": has}
        agree(counter)


@pytest.mark.parametrize(
    ("first", "then", "minutes", "has"),
    [
        pytest.param("no", "rest_lost", [90, 60], 500, id="what is less than a whole point now goes out"),
        pytest.param("no", "rest_lost", [90, 100], 550, id="nothing of it goes out where it is worth more"),
        pytest.param("no", "rest_lost", [90, 100, 120], 600, id="and it is as many whole points in the end"),
        pytest.param("no", "rest_lost", [90, None], 400, id="all that came in goes out"),
        pytest.param("rest_lost", "no", [90, 60], 500, id="what was lost is taken back first"),
        pytest.param("rest_lost", "no", [90, 45, None], 400, id="and not from what others have earned"),
        pytest.param("rest_lost", "rest_carried", [90, None], 400, id="nor where rests are carried now"),
        pytest.param("rest_carried", "no", [90, 60], 500, id="what waited is taken back first"),
        pytest.param("rest_carried", "rest_lost", [90, 45, None], 400, id="also where rests are lost now"),
    ],
)
def test_whole_points_by_rules_of_before_are_taken_back_as_they_came_in(
    first: str, then: str, minutes: list[int | None], has: int, tmp_path: Path
) -> None:
    folder = write_county(tmp_path / "now" / "smallville", accounts=whole(then))
    with bank(tmp_path, accounts=whole(first)) as counter, rules(folder) as now:
        counter.take(visit(minutes[0] or 0))
        for one in minutes[1:]:
            take_in(now, counter.ledger, gone() if one is None else visit(one))
        assert counter.has() == {"points": has}
        done = replay(counter.ledger, [counter.rulebook, now])
        assert (done.differences, done.left_out) == ([], {})


@pytest.mark.parametrize(("first", "then"), [("rest_carried", "no"), ("no", "rest_carried")])
def test_whole_points_of_an_organisation_by_rules_of_before_are_taken_back_as_they_came_in(
    first: str, then: str, tmp_path: Path
) -> None:
    def club(rest: str) -> str:
        return (
            CHEST.replace("chest", "club")
            .replace("pool", "organisation")
            .replace("nothing", "points")
            .replace("shortfall", f"whole_only: {rest}, shortfall")
        )

    folder = write_county(tmp_path / "now" / "smallville", accounts=ACCOUNTS + club(then))
    with bank(tmp_path, accounts=ACCOUNTS + club(first)) as counter, rules(folder) as now:
        counter.take(replace(visit(105), organisation="O1"))
        for record in (replace(visit(50), organisation="O1"), gone()):
            take_in(now, counter.ledger, record)
        assert counter.has(VolunteerId("organisation/O1")) == {}
        done = replay(counter.ledger, [counter.rulebook, now])
        assert (done.differences, done.left_out) == ([], {})


def test_what_has_ended_by_rules_of_before_is_not_taken_from_other_deposits_where_nothing_ends_now(
    tmp_path: Path,
) -> None:
    first = ACCOUNTS.replace("{valid: 12 months}", "{valid: 1 months}", 1)
    then = ACCOUNTS.replace("{valid: 12 months}", "never", 1).replace("soonest_to_expire", "oldest", 1)
    folder = write_county(tmp_path / "now" / "smallville", accounts=then)
    with bank(tmp_path, accounts=first) as counter, rules(folder) as now:
        counter.take(visit(60, "2024-04-20"), lasting(served("other", "2024-05-20 09:00", 1), 60))
        end_all(counter.ledger, counter.rulebook, DAY)
        take_in(now, counter.ledger, gone())
        assert counter.has() == {"points": 100}
        done = replay(counter.ledger, [counter.rulebook, now])
        assert (done.differences, done.left_out) == ([], {})


def test_less_than_a_whole_point_that_waits_is_there_for_other_records(tmp_path: Path) -> None:
    with bank(tmp_path, accounts=whole("rest_carried")) as counter:
        counter.take(visit(75), lasting(served("other", "2024-05-21 09:00", 2), 45))
        assert counter.has() == {"points": 600}
        counter.take(gone())
        assert counter.has() == {"points": 400}
        counter.take(served("third", "2024-05-22 09:00", 1))
        assert counter.has() == {"points": 500}
        agree(counter)


def test_a_statement_tells_what_waits_until_it_makes_a_whole_point(tmp_path: Path) -> None:
    with bank(tmp_path, accounts=whole("rest_carried")) as counter:
        counter.take(visit(75), lasting(served("other", "2024-05-21 09:00", 2), 30))
        said = {}
        for day in (date(2024, 5, 19), date(2024, 5, 20), DAY):
            told = statement(counter.ledger, counter.rulebook, ANN, None, day)
            said[day] = [state_sentence(one, "en") for one in told.closing if one.account == "points"]
        assert list(said.values()) == [
            ["points: 4 points available"],
            ["points: 5 points available, 0.25 points more once it makes a whole unit"],
            ["points: 5 points available, 0.75 points more once it makes a whole unit"],
        ]


@pytest.mark.parametrize("shortfall", ["clamp", "forbid"])
@pytest.mark.parametrize("withdrawn", [True, False])
def test_what_was_written_off_is_not_paid_a_second_time(tmp_path: Path, shortfall: str, withdrawn: bool) -> None:
    with bank(tmp_path, accounts=ACCOUNTS.replace("shortfall: debt", f"shortfall: {shortfall}", 1)) as counter:
        counter.take(visit(120))
        held = counter.ask(Redeem, offer="rice", units=2)
        counter.ask(Settle, entry=held.entry)
        assert counter.has() == {"points": 200}
        counter.take(gone("2023-12-30"), gone("2024-01-10"))
        counter.take(gone() if withdrawn else visit(1))
        assert counter.has() == {}
        counter.take(visit(110))
        assert counter.has() == {}
        agree(counter)


def test_a_late_record_lets_nothing_end_on_its_own_day(tmp_path: Path) -> None:
    with bank(tmp_path) as counter:  # two of Ann's points end with 2024-12-30
        counter.take(visit(60), on=date(2025, 1, 5))
        assert said(counter, date(2024, 6, 1)) == ["[by_time, smallville/earning.yaml:1]"]
        told = statement(counter.ledger, counter.rulebook, ANN, None, date(2024, 6, 1))
        assert [one.available for one in told.closing if one.account == "points"] == [500]
        agree(counter)


@pytest.mark.parametrize(("to", "pool"), [("donation_pool", {"chest": 200}), ("lost", {}), ("honour", {})])
def test_what_is_over_a_limit_goes_where_the_limit_says_and_comes_back_from_there(
    tmp_path: Path, to: str, pool: dict[str, int]
) -> None:
    with bank(
        tmp_path, accounts=ACCOUNTS + CHEST, earning=COUNTY["earning.yaml"] + THREE_A_MONTH.replace("TO", to)
    ) as counter:
        counter.take(visit(120), served("more", "2024-05-21 09:00", 2), served("most", "2024-05-22 09:00", 1))
        assert (counter.has(), counter.has(POOL)) == ({"points": 700}, pool)
        counter.take(gone())
        assert (counter.has(), counter.has(POOL)) == ({"points": 700}, {})
        counter.take(gone("more"))
        assert counter.has() == {"points": 500}
        agree(counter)


def test_what_is_over_a_limit_goes_to_the_pool_as_in_order_where_the_record_is_worth_nothing_before_and_after(
    tmp_path: Path,
) -> None:
    doubled = "- {id: doubled, when: {times: {at_least: 5}}, multiply: 2}\n- id: rounding"
    earning = COUNTY["earning.yaml"].replace("- id: rounding", doubled) + THREE_A_MONTH.replace("TO", "donation_pool")
    measures = COUNTY["measures.yaml"] + "times: {count: records, over: all_time}\n"
    with bank(tmp_path, accounts=ACCOUNTS + CHEST, earning=earning, measures=measures) as counter:
        third, fourth = served("third", "2024-05-21 09:00", 2), served("fourth", "2024-05-22 09:00", 1)
        counter.take(third, fourth, served("fifth", "2024-05-23 09:00", 2))
        assert (counter.has(), counter.has(POOL)) == ({"points": 700}, {"chest": 200})  # of the fifth
        counter.take(served("late", "2024-05-20 09:00", 2))
        assert (counter.has(), counter.has(POOL)) == ({"points": 700}, {"chest": 100 + 100 + 400})
        agree(counter)


def test_what_nobody_can_read_in_a_passbook_is_said_to_be_so(tmp_path: Path) -> None:
    with bank(tmp_path, str(tmp_path / "bank.db")) as counter:
        copy = copy_of(tmp_path)
        with forged(copy) as connection:
            connection.exec_driver_sql("UPDATE entry SET body = CAST('{\"unstored\": 7}' AS BLOB) WHERE record <> ''")
        with open_ledger(str(copy), create=False) as other, pytest.raises(DamagedError):
            statement(other, counter.rulebook, ANN, None, DAY)


def test_where_no_record_is_worth_another_amount_nothing_is_credited_whatever_stands_outside(tmp_path: Path) -> None:
    outside = {"account": "points", "unit": "points", "rest": 0, "over": 100, "off": 0}
    with rules(write_county(tmp_path / "smallville", accounts=FIVE + CHEST)) as rulebook:
        told = {("test", "visit"): {"unstored": [outside]}}
        assert credited(rulebook, Volunteer(ANN), Recount(), WalletRows(), {}, 1, DAY, said=told) == []
