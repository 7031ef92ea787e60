"""What people may try, on purpose or by mistake, and what becomes of it; docs/reliability.md lists it by its number."""

from __future__ import annotations

import pickle
import random
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

import orjson
import pytest

from lianxing.engine.bank.ending import end_all
from lianxing.engine.bank.replaying import replay
from lianxing.engine.bank.requests import check, command_from, request_data, request_hash
from lianxing.engine.bank.settling import settlement
from lianxing.engine.bank.statements import statement
from lianxing.engine.bank.tellers import Answer, Teller
from lianxing.engine.ledger.drafts import Draft, Line
from lianxing.engine.ledger.errors import InvalidError, KeyMismatchError, RefusedError
from lianxing.engine.ledger.opening import open_ledger
from lianxing.rules.accounts import Purpose, Recipient
from lianxing.rules.closures import ClosingEvent
from lianxing.rules.commands import (
    Bring,
    Close,
    Command,
    Declare,
    Fetch,
    Give,
    Grant,
    Redeem,
    Refund,
    Release,
    Reserve,
    Settle,
    StarStep,
    UsePerk,
)
from lianxing.rules.facts import CountyId, RecordId, RegistryId
from lianxing.rules.families import Relation
from lianxing.rules.records import Withdrawn
from lianxing.rules.reviewing import Doing
from tests.engine.bank.counter import Counter, bank, codes
from tests.engine.bank.counting_house import ACCOUNTS, ANN, BEN, DAY, HERE, OFFERS, PERKS
from tests.plugins.smallville import COUNTY as SMALLVILLE
from tests.plugins.smallville import served

AT_ONCE = ACCOUNTS.replace("  holds: 3 days\n", "")
TEN_BELOW_ZERO = ACCOUNTS.replace("overdraft: none", "overdraft: {floor: -10 points}", 1)
TWO_HOURS_COUNT = SMALLVILLE["hours.yaml"]


def count_of(counter: Counter) -> int:
    with counter.ledger.reading() as reading:
        return reading.counts()["entries"]


# --- K: keys and answers ---


def test_a_key_gives_the_same_bytes_a_second_a_day_and_300_days_later(tmp_path: Path, ledger_address: str) -> None:
    instant = 1_750_000_000
    with bank(tmp_path, ledger_address, clock=lambda: instant, accounts=AT_ONCE) as counter:
        command = counter.command(Redeem, offer="soap")
        first = counter.teller.serve(command)
        for seconds in (1, 86_400, 300 * 86_400):
            instant += seconds
            counter.ask(Redeem, offer="soap")  # the world goes on
            assert counter.teller.serve(command) == replace(first, replayed=True)
            with open_ledger(ledger_address, clock=partial(int, instant)) as again:
                assert Teller(again, counter.rulebook).serve(command).body == first.body


@pytest.mark.parametrize(
    "change", [{"units": 2}, {"volunteer": BEN}, {"offer": "rice"}, {"on": DAY + timedelta(days=1)}, {"reason": " "}]
)
def test_a_key_that_was_used_for_something_else_does_nothing(
    change: dict[str, Any], tmp_path: Path, ledger_address: str
) -> None:
    with bank(tmp_path, ledger_address) as counter:
        command = counter.command(Redeem, offer="soap")
        counter.teller.serve(command)
        before = count_of(counter)
        with pytest.raises(KeyMismatchError):
            counter.teller.serve(replace(command, **change))
        assert count_of(counter) == before


def test_how_a_request_is_written_down_does_not_matter() -> None:
    command = Redeem(volunteer=ANN, county=HERE, on=DAY, scope="counter", key="1", offer="soap")
    data = request_data(command)
    for text in (orjson.dumps(data), orjson.dumps(dict(reversed(data.items())), option=orjson.OPT_INDENT_2)):
        assert request_hash(command_from(orjson.loads(text), ANN, HERE, "counter", "1")) == request_hash(command)


def test_a_refusal_stays_though_there_would_be_enough_by_now(tmp_path: Path, ledger_address: str) -> None:
    with bank(tmp_path, ledger_address) as counter:
        command = counter.command(Redeem, offer="rice", units=2)
        used = counter.ask(Redeem, offer="soap")
        refused = counter.teller.serve(command)
        assert codes(refused) == ["balance"]
        counter.take(served("more", "2024-03-01 09:00", 2))
        assert counter.teller.serve(command) == replace(refused, replayed=True)
        assert used.accepted


def test_whoever_asks_again_because_every_second_answer_was_lost_has_each_thing_once(
    tmp_path: Path, ledger_address: str
) -> None:
    lost = random.Random(20240601)
    with bank(
        tmp_path, ledger_address, accounts=AT_ONCE, redemption=OFFERS.replace("stock: 3", "stock: 40")
    ) as counter:
        counter.take(*(served(f"d{day}", f"2024-04-{day:02} 09:00", 2) for day in range(1, 16)))
        before, asked = len(counter.kinds()), [counter.command(Redeem, offer="soap") for _time in range(20)]
        for command in asked:
            for _time in range(10):
                answer = counter.teller.serve(command)
                if lost.random() < 0.5:
                    continue
                assert answer.accepted
                break
        assert len(counter.kinds()) - before == 20
        assert counter.has() == {"points": 3_400 - 2_000}


@pytest.mark.parametrize("key", ["", "k" * 201, "k" * 10_000, "a\0b", "a\nb", "\ud800", None, 7])
def test_a_key_that_is_none_is_refused_and_writes_nothing(key: Any, tmp_path: Path) -> None:
    with bank(tmp_path) as counter:
        before = count_of(counter)
        with pytest.raises(InvalidError):
            counter.ask(Redeem, offer="soap", key=key)
        assert count_of(counter) == before


def test_a_key_may_be_any_text_that_can_be_printed(tmp_path: Path) -> None:
    with bank(tmp_path) as counter:
        command = counter.command(Redeem, offer="soap", key="兑换 🙂 1")
        assert not counter.teller.serve(command).replayed
        assert counter.teller.serve(command).replayed


def test_the_same_key_of_another_client_is_another_key(tmp_path: Path, ledger_address: str) -> None:
    with bank(tmp_path, ledger_address, accounts=AT_ONCE) as counter:
        answers = [counter.ask(Redeem, offer="soap", scope=scope, key="1") for scope in ("shop", "web")]
        assert [(one.accepted, one.replayed) for one in answers] == [(True, False)] * 2
        assert counter.has() == {"points": 200}
        asked = [("shop", "1"), ("web", "2"), ("shop", "2"), ("web", "1")]
        together = counter.teller.serve_all(
            [counter.command(Redeem, offer="soap", scope=one, key=key) for one, key in asked]
        )
        assert [one.replayed for one in together if isinstance(one, Answer)] == [True, False, False, True]


def test_of_many_commands_at_once_each_has_its_own_outcome_and_a_wrong_one_stops_no_other(
    tmp_path: Path, ledger_address: str
) -> None:
    with bank(tmp_path, ledger_address, accounts=AT_ONCE) as counter:
        commands = [counter.command(Redeem, offer="soap", units=units) for units in (1, 9, 1)]
        commands.insert(1, counter.command(Redeem, offer="soap", key=""))
        outcomes = counter.teller.serve_all(commands)
        assert [type(one).__name__ for one in outcomes] == ["Answer", "InvalidError", "Answer", "Answer"]
        assert [one.accepted for one in outcomes if isinstance(one, Answer)] == [True, False, True]
        assert counter.has() == {"points": 200}


@pytest.mark.parametrize(("when", "kept"), [("before", False), ("after", True)])
def test_whoever_was_killed_before_anybody_was_answered_finds_the_truth_under_the_key(
    when: str, kept: bool, tmp_path: Path, ledger_address: str
) -> None:
    with bank(tmp_path, address=ledger_address) as counter:
        hold = counter.ask(Reserve, account="points", amount=100, purpose=Purpose.GOODS)
        command = counter.command(Settle, entry=hold.entry)
        (tmp_path / "command").write_bytes(pickle.dumps(command))
        arguments = [str(tmp_path / "smallville"), ledger_address, str(tmp_path / "command"), when]
        done = subprocess.run(
            [sys.executable, "-m", "tests.engine.bank.killed", *arguments],
            cwd=Path(__file__).resolve().parents[3],
            check=False,
        )
        assert done.returncode == -signal.SIGKILL
        answer = counter.teller.serve(command)
        assert (answer.accepted, answer.replayed) == (True, kept)
        assert counter.kinds().count("settled") == 1
        assert counter.has() == {"points": 300}


def test_a_hold_whose_owner_was_killed_before_settling_it_is_given_back_when_it_is_over(tmp_path: Path) -> None:
    with bank(tmp_path) as counter:
        hold = counter.ask(Redeem, offer="soap")
        (tmp_path / "command").write_bytes(pickle.dumps(counter.command(Settle, entry=hold.entry)))
        arguments = [str(tmp_path / "smallville"), str(tmp_path / "county.db"), str(tmp_path / "command"), "before"]
        subprocess.run(
            [sys.executable, "-m", "tests.engine.bank.killed", *arguments],
            cwd=Path(__file__).resolve().parents[3],
            check=False,
        )
        assert end_all(counter.ledger, counter.rulebook, DAY + timedelta(days=4)).holds == 1
        assert counter.has() == {"points": 400}
        with counter.ledger.reading() as reading:
            assert reading.stock_taken(HERE, ["soap"]) == {"soap": 0}


# --- B: numbers, durations, units ---

WRONG = [1.5, True, "7", None, float("nan"), 2**63, 10**16, -(10**16), 1e3]


@pytest.mark.parametrize("amount", WRONG, ids=repr)
@pytest.mark.parametrize(
    ("kind", "name", "how"),
    [
        (Redeem, "units", {"offer": "soap"}),
        (Reserve, "amount", {"account": "points", "purpose": Purpose.GOODS}),
        (Give, "amount", {"account": "points", "to_whom": Recipient.FRIEND, "recipient": BEN}),
        (Grant, "amount", {"account": "time"}),
        (UsePerk, "units", {"perk": "bath"}),
        (Refund, "entry", {}),
    ],
)
def test_what_is_no_whole_number_within_bounds_is_refused_and_writes_nothing(
    kind: type[Command], name: str, how: dict[str, Any], amount: Any, small_bank: Counter
) -> None:
    before = count_of(small_bank)
    with pytest.raises(InvalidError):
        small_bank.ask(kind, **how, **{name: amount})
    assert count_of(small_bank) == before


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        (Redeem, {"offer": None}),
        (Redeem, {"offer": "soap", "family": 1}),
        (Redeem, {"offer": "soap", "family": "yes"}),
        (Redeem, {"offer": "soap", "merchant": None}),
        (Redeem, {"offer": "soap", "actor": None}),
        (Redeem, {"offer": "soap", "on": "2024-06-01"}),
        (Redeem, {"offer": "soap", "on": datetime(2024, 6, 1, tzinfo=UTC)}),
        (Redeem, {"offer": "soap", "on": date(9999, 12, 15)}),
        (Redeem, {"offer": "soap", "on": date.min}),
        (Settle, {"entry": True}),
        (Reserve, {"account": "points", "amount": 1, "purpose": "goods"}),
        (Give, {"account": "points", "amount": 1, "to_whom": "friend", "recipient": BEN}),
        (UsePerk, {"perk": "bath", "issued_on": "2024/06/01"}),
        (UsePerk, {"perk": "bath", "for_whom": "self"}),
        (UsePerk, {"perk": "bath", "lent": 0}),
        (Close, {"event": "death"}),
        (Declare, {"family": None}),
        (Declare, {"family": [(BEN, Relation.SPOUSE)]}),
        (Declare, {"family": ((BEN, "spouse"),)}),
        (Declare, {"family": ((BEN, Relation.SPOUSE, 1),)}),
        (Fetch, {"entry": 1, "shown": ("qr",)}),
        (Bring, {"from_county": None, "entry": 1}),
        (StarStep, {"star": 1, "doing": Doing.APPLIED, "upheld": 1}),
    ],
    ids=repr,
)
def test_a_field_that_is_not_what_its_command_says_is_refused_and_hurts_nobody_else(
    kind: type[Command], how: dict[str, Any], small_bank: Counter
) -> None:
    wrong = small_bank.command(kind, **how)
    other = small_bank.command(UsePerk, perk="bath")
    refused, answer = small_bank.teller.serve_all([wrong, other])
    assert isinstance(refused, InvalidError)
    assert isinstance(answer, Answer)
    assert answer.accepted
    with small_bank.ledger.reading() as reading:
        assert reading.commands([(wrong.scope, wrong.key)]) == {}


def test_what_is_no_command_at_all_is_refused_with_a_sentence() -> None:
    with pytest.raises(InvalidError, match="str is no command of the bank"):
        check(cast("Any", "redeem soap"))


def test_requests_of_equal_values_of_two_types_have_two_hashes() -> None:
    asked = Redeem(volunteer=ANN, county=HERE, on=DAY, scope="counter", key="1", offer="soap")
    hashes = {request_hash(replace(asked, family=cast("Any", family))) for family in (False, 0, False)}
    assert len(hashes) == 2


@pytest.mark.parametrize("amount", [0, -1, -5, -(10**15)])
def test_nothing_and_less_than_nothing_is_refused_with_its_reason(amount: int, small_bank: Counter) -> None:
    before = small_bank.has()
    friend: dict[str, Any] = {"account": "points", "to_whom": Recipient.FRIEND, "recipient": BEN}
    said = [
        small_bank.ask(Redeem, offer="soap", units=amount),
        small_bank.ask(Reserve, account="points", amount=amount, purpose=Purpose.GOODS),
        small_bank.ask(Give, amount=amount, **friend),
        small_bank.ask(UsePerk, perk="bath", units=amount),
    ]
    assert [codes(one) for one in said] == [["amount"]] * 4
    assert codes(small_bank.ask(Grant, account="time", amount=amount)) == ["amount"]
    assert (small_bank.has(), small_bank.has(BEN)) == (before, {})


def test_the_largest_amount_there_is_is_refused_for_want_of_balance(small_bank: Counter) -> None:
    most = 10**15
    friend: dict[str, Any] = {"account": "points", "to_whom": Recipient.FRIEND, "recipient": BEN}
    assert codes(small_bank.ask(Give, amount=most, **friend)) == ["balance"]
    assert set(codes(small_bank.ask(Redeem, offer="soap", units=most))) == {"stock", "balance"}
    assert small_bank.ask(Redeem, offer="soap").accepted


def test_records_of_impossible_length_or_of_tomorrow_put_nothing_into_an_account(tmp_path: Path) -> None:
    good = served("1", "2024-05-01 09:00", 1)
    wrong = {
        "negative_duration": replace(good, seconds=-3600),
        "end_before_start": replace(good, ended_at=good.started_at - 60, seconds=0),
        "over_24_hours": replace(good, ended_at=good.started_at + 25 * 3600, seconds=25 * 3600),
        "duration_disagrees": replace(good, seconds=2 * 3600),
        "future_date": served("1", "2024-06-02 09:00", 1),
        "not_exact": replace(good, seconds=10**19),
    }
    with bank(tmp_path) as counter:
        for reason, record in wrong.items():
            report = counter.take(record)
            assert (report.booked, dict(report.reasons)) == (0, {reason: 1}), reason
        assert counter.has() == {"points": 400}


def test_a_record_of_no_time_is_booked_and_worth_nothing(tmp_path: Path) -> None:
    with bank(tmp_path) as counter:
        assert counter.take(served("event", "2024-05-01 09:00", 0)).booked == 1
        assert counter.kinds()[-1] == "original"
        assert counter.has() == {"points": 400}


def test_the_same_hour_served_twice_is_worth_one_hour_where_the_county_says_so(tmp_path: Path) -> None:
    once = "- id: the_same_time_once\n  overlap: {rule: first, touching: no}\n"
    with bank(tmp_path, hours=once + TWO_HOURS_COUNT) as counter:
        counter.take(served("1", "2024-05-01 09:00", 1), served("2", "2024-05-01 09:00", 1))
        assert counter.has() == {"points": 500}


def test_february_29_is_a_day_and_its_deposit_ends_on_the_28th(tmp_path: Path) -> None:
    with bank(tmp_path) as counter:
        counter.take(served("leap", "2024-02-29 09:00", 1), on=date(2024, 2, 29))
        ask = {"account": "points", "amount": 100, "purpose": Purpose.GOODS}
        assert counter.ask(Reserve, on=date(2025, 2, 28), **ask).accepted
        assert codes(counter.ask(Reserve, on=date(2025, 3, 1), **ask)) == ["balance"]


def test_hours_are_not_booked_into_an_account_of_points(tmp_path: Path) -> None:
    with bank(tmp_path) as counter:
        lines = (Line("points", "points", 100), Line("issued", "seconds", -100, own=False))
        with pytest.raises(RefusedError), counter.ledger.writing() as writing:
            writing.enter([Draft("granted", ANN, HERE, DAY, None, b"{}", lines=lines)])
        assert codes(counter.ask(Redeem, offer="visit", units=50)) == ["balance"]  # points do not help


@pytest.mark.parametrize("lines", [[("points", 100)], [("points", 100), ("points", -99)]])
def test_an_entry_that_makes_something_out_of_nothing_is_refused(
    lines: list[tuple[str, int]], tmp_path: Path, ledger_address: str
) -> None:
    with bank(tmp_path, address=ledger_address) as counter:
        unbalanced = tuple(Line(account, "points", amount) for account, amount in lines)
        with pytest.raises(RefusedError), counter.ledger.writing() as writing:
            writing.enter([Draft("granted", ANN, HERE, DAY, None, b"{}", lines=unbalanced)])


# --- F: fraud ---


def test_who_redeems_and_then_has_the_service_cancelled_owes_it_and_redeems_nothing_until_it_is_repaid(
    tmp_path: Path,
) -> None:
    with bank(tmp_path, accounts=AT_ONCE) as counter:
        assert counter.ask(Redeem, offer="soap", units=3).accepted
        counter.take(Withdrawn(RecordId("2023-12-30"), RegistryId("test"), "never happened"))
        assert counter.has() == {"points/debt": -100}
        assert codes(counter.ask(Redeem, offer="rice")) == ["balance"]
        counter.take(served("1", "2024-05-01 09:00", 1))  # pays what is owed
        assert counter.has() == {}
        assert codes(counter.ask(Redeem, offer="rice")) == ["balance"]
        counter.take(served("2", "2024-05-02 09:00", 2))
        assert counter.ask(Redeem, offer="rice").accepted


def test_a_service_split_into_many_records_is_worth_no_more_than_in_one(tmp_path: Path) -> None:
    start = served("whole", "2024-05-01 09:00", 1, category="training")
    parts = [
        replace(start, id=RecordId(f"part{at}"), started_at=start.started_at + 6 * at, seconds=6) for at in range(100)
    ]
    parts = [replace(part, ended_at=part.started_at + 6) for part in parts]
    with bank(tmp_path) as counter:
        before = counter.has()["points"]
        counter.take(*parts)  # ten minutes of training: 8 hundredths in one record
        assert counter.has()["points"] - before <= 8


def test_a_gift_of_nothing_or_less_takes_nothing_from_anybody(small_bank: Counter) -> None:
    for amount in (0, -100):
        gift = small_bank.ask(Give, account="points", amount=amount, to_whom=Recipient.FRIEND, recipient=BEN)
        assert codes(gift) == ["amount"]
    to_oneself = small_bank.ask(Give, account="points", amount=100, to_whom=Recipient.FRIEND, recipient=ANN)
    assert codes(to_oneself) == ["recipient"]


def test_passing_points_round_makes_them_no_younger(tmp_path: Path) -> None:
    with bank(tmp_path) as counter:
        friend: dict[str, Any] = {"account": "points", "amount": 200, "to_whom": Recipient.FRIEND}
        assert counter.ask(Give, on=date(2024, 12, 1), recipient=BEN, **friend).accepted
        assert counter.ask(Give, on=date(2024, 12, 2), volunteer=BEN, recipient=ANN, **friend).accepted
        assert codes(counter.ask(Give, on=date(2025, 1, 11), recipient=BEN, **friend)) == ["balance"]


def test_a_record_dated_back_shows_both_dates_and_changes_no_answer_that_was_given(tmp_path: Path) -> None:
    starred = PERKS.replace("at_least: 0", "at_least: 2")
    with bank(tmp_path, perks=starred) as counter:
        command = counter.command(UsePerk, perk="bath")
        refused = counter.teller.serve(command)
        assert codes(refused) == ["not_open"]
        counter.take(*(served(f"late{day}", f"2022-05-{day:02} 09:00", 2) for day in range(1, 5)))
        assert counter.teller.serve(command) == replace(refused, replayed=True)
        assert counter.ask(UsePerk, perk="bath").accepted  # what is asked anew is asked of what is known by now
        with counter.ledger.reading() as reading:
            late = reading.entries(RegistryId("test"), RecordId("late1"))[0].entry
        assert (late.effective_on, late.recorded_at > 1_700_000_000) == (date(2022, 5, 1), True)
        # And it is too old to be spent: a deposit counts from the day of the service.
        much = counter.ask(Reserve, account="points", amount=401, purpose=Purpose.GOODS)
        assert codes(much) == ["balance"]


def test_nobody_redeems_at_a_shop_of_their_own(tmp_path: Path) -> None:
    with bank(tmp_path, accounts=AT_ONCE) as counter:
        assert codes(counter.ask(Redeem, offer="soap", merchant=str(ANN))) == ["own_merchant"]
        rice = counter.ask(Redeem, offer="rice", merchant="the shop")
        assert codes(counter.ask(Fetch, entry=rice.entry, merchant=str(ANN))) == ["own_merchant"]
        assert counter.ask(Fetch, entry=rice.entry, merchant="the shop").accepted


def test_points_are_spent_in_the_county_in_which_they_were_earned(tmp_path: Path) -> None:
    with bank(tmp_path) as counter:
        before = count_of(counter)
        with pytest.raises(InvalidError):
            counter.ask(Redeem, offer="soap", county=CountyId("bigville"))
        foreign = replace(served("1", "2024-05-01 09:00", 1), county=CountyId("bigville"))
        assert dict(counter.take(foreign).reasons) == {"other_county": 1}
        assert count_of(counter) == before


def test_nobody_settles_releases_or_refunds_what_is_somebody_elses(tmp_path: Path) -> None:
    with bank(tmp_path, accounts=AT_ONCE) as counter:
        soap = counter.ask(Redeem, offer="soap")
        assert codes(counter.ask(Refund, volunteer=BEN, entry=soap.entry)) == ["no_redemption"]
        assert codes(counter.ask(Settle, volunteer=BEN, entry=soap.entry)) == ["hold"]


def test_a_merchant_is_credited_with_what_was_used_and_debited_with_no_more(tmp_path: Path) -> None:
    with bank(tmp_path) as counter:
        soap = counter.ask(Redeem, offer="soap", units=3)
        counter.ask(Settle, entry=soap.entry, amount=100)
        (line,) = settlement(counter.ledger, counter.rulebook, DAY, DAY).lines
        assert (line.paid, line.returned, line.units, line.returned_units) == (100, 0, 1, 0)
        counter.ask(Refund, entry=soap.entry)
        (line,) = settlement(counter.ledger, counter.rulebook, DAY, DAY).lines
        assert (line.paid, line.returned, line.units, line.returned_units) == (100, 100, 1, 1)


def test_nothing_is_spent_reserved_given_or_closed_on_a_day_before_it_was_earned(tmp_path: Path) -> None:
    with bank(tmp_path, accounts=AT_ONCE) as counter:  # two points of 2023-12-30, two of 2024-01-10
        eve, between = date(2023, 12, 29), date(2024, 1, 9)
        gift = {"account": "points", "amount": 100, "to_whom": Recipient.FRIEND, "recipient": BEN}
        assert codes(counter.ask(Redeem, on=eve, offer="soap")) == ["balance"]
        assert codes(counter.ask(Give, on=eve, **gift)) == ["balance"]
        assert codes(counter.ask(Redeem, on=between, offer="soap", units=3)) == ["balance"]
        assert set(codes(counter.ask(Close, on=between, event=ClosingEvent.LEAVING))) == {"earned_later"}
        assert counter.ask(Redeem, on=between, offer="soap", units=2).accepted
        told = statement(counter.ledger, counter.rulebook, ANN, None, between)
        assert [one.available for one in told.closing if one.account == "points"] == [0]
        assert replay(counter.ledger, [counter.rulebook]).differences == []


def test_what_is_overdrawn_on_an_earlier_day_is_paid_by_what_was_earned_since(tmp_path: Path) -> None:
    overdrawn = AT_ONCE.replace("overdraft: none", "overdraft: {floor: -1 points}", 1)
    with bank(tmp_path, accounts=overdrawn) as counter:
        eve = date(2023, 12, 29)
        assert codes(counter.ask(Redeem, on=eve, offer="soap", units=2)) == ["balance"]
        assert counter.ask(Redeem, on=eve, offer="soap").accepted
        assert counter.has() == {"points": 300}
        assert replay(counter.ledger, [counter.rulebook]).differences == []


@pytest.mark.parametrize("together", [True, False], ids=["in one transaction", "one by one"])
def test_what_was_reserved_on_a_day_before_it_was_earned_goes_back_to_its_lots(together: bool, tmp_path: Path) -> None:
    eve = date(2023, 12, 29)
    with bank(tmp_path, accounts=TEN_BELOW_ZERO) as counter:
        before, number = lots_of(counter), len(counter.kinds()) + 1
        asked = [
            counter.command(Reserve, eve, account="points", amount=300, purpose=Purpose.GOODS),
            counter.command(Release, eve, entry=number),
        ]
        answers = counter.teller.serve_all(asked) if together else [counter.teller.serve(one) for one in asked]
        assert [isinstance(one, Answer) and one.accepted for one in answers] == [True, True]
        assert lots_of(counter) == before
        assert replay(counter.ledger, [counter.rulebook]).differences == []


def test_what_was_reserved_on_a_day_before_somebody_owed_anything_is_given_back_and_they_are_served_again(
    tmp_path: Path,
) -> None:
    late, early = date(2025, 2, 1), date(2023, 12, 1)  # the last of the four points ends on 2025-01-10
    with bank(tmp_path, accounts=TEN_BELOW_ZERO) as counter:
        owed = counter.ask(Reserve, late, account="points", amount=300, purpose=Purpose.GOODS)
        assert counter.ask(Settle, late, entry=owed.entry).accepted
        had = counter.ask(Reserve, early, account="points", amount=50, purpose=Purpose.GOODS)
        assert counter.has() == {"points": 350, "points/held": 50, "points/debt": -300}
        assert end_all(counter.ledger, counter.rulebook, late).holds == 1
        assert codes(counter.ask(Release, late, entry=had.entry)) == ["hold"]
        assert counter.has() == {"points/debt": -300}
        assert counter.ask(Declare, late, family=()).accepted
        assert replay(counter.ledger, [counter.rulebook]).differences == []


def lots_of(counter: Counter) -> list[tuple[date, int]]:
    """What is left of each lot of points, by the day on which it was earned."""
    with counter.ledger.reading() as reading:
        rows = reading.wallet_rows([(ANN, HERE)])[ANN, HERE]
    return [(one.earned_on, one.remaining) for one in rows.lots if one.account == "points" and one.remaining]


def test_nothing_is_decided_on_a_day_before_the_rules_are_in_force(small_bank: Counter) -> None:
    early = date(2019, 12, 31)
    for said in (
        small_bank.ask(UsePerk, on=early, perk="bath"),
        small_bank.ask(Grant, on=early, account="time", amount=3_600),
    ):
        (reason,) = said.data["reasons"]
        assert (reason["code"], reason["operands"]) == ("before_in_force", {"day": "2020-01-01"})
        assert reason["at"].startswith("smallville/county.yaml:3:")


def test_text_that_could_be_a_statement_is_text(small_bank: Counter) -> None:
    wrong = "'; DROP TABLE entry; --"
    said = small_bank.ask(Redeem, offer=wrong, merchant=wrong, actor=wrong, reason=wrong, key=wrong, scope=wrong)
    assert codes(said) == ["no_offer"]
    assert said.data["asked"]["offer"] == wrong


@pytest.fixture
def small_bank(tmp_path: Path) -> Any:
    with bank(tmp_path, accounts=AT_ONCE, perks=PERKS) as counter:
        yield counter


@pytest.mark.parametrize("together", [True, False], ids=["in one transaction", "one by one"])
def test_who_has_just_been_declared_is_family(together: bool, tmp_path: Path) -> None:
    with bank(tmp_path, accounts=ACCOUNTS.replace("[friend, pool]", "[spouse, friend, pool]")) as counter:
        asked = [
            counter.command(Declare, family=((BEN, Relation.SPOUSE),)),
            counter.command(Give, account="points", amount=100, to_whom=Recipient.SPOUSE, recipient=BEN),
            counter.command(Declare, family=()),
            counter.command(Give, account="points", amount=100, to_whom=Recipient.SPOUSE, recipient=BEN),
        ]
        said = [one.accepted or codes(one) for one in served_as(counter, asked, together)]
        assert said == [True, True, True, ["not_declared"]]
        assert replay(counter.ledger, [counter.rulebook]).differences == []


@pytest.mark.parametrize("together", [True, False], ids=["in one transaction", "one by one"])
def test_who_has_just_done_something_is_known(together: bool, tmp_path: Path) -> None:
    with bank(tmp_path) as counter:
        asked = [
            counter.command(Declare, volunteer="newcomer", family=()),
            *(
                counter.command(Give, account="points", amount=100, to_whom=Recipient.FRIEND, recipient=who)
                for who in ("newcomer", "nobody")
            ),
        ]
        said = [one.accepted or codes(one) for one in served_as(counter, asked, together)]
        assert said == [True, True, ["unknown_recipient"]]
        assert replay(counter.ledger, [counter.rulebook]).differences == []


@pytest.mark.parametrize("together", [True, False], ids=["in one transaction", "one by one"])
def test_a_voucher_that_was_fetched_is_not_given_back_on_a_day_before(together: bool, tmp_path: Path) -> None:
    with bank(tmp_path, redemption=OFFERS.replace("irreversible: yes", "irreversible: no")) as counter:
        had = counter.ask(Redeem, offer="rice", on=date(2024, 6, 1))
        assert counter.ask(Settle, entry=had.entry, on=date(2024, 6, 1)).accepted
        asked = [
            counter.command(Fetch, date(2024, 6, 10), entry=had.entry),
            counter.command(Refund, date(2024, 6, 5), entry=had.entry),
        ]
        assert [one.accepted or codes(one) for one in served_as(counter, asked, together)] == [True, ["fetched"]]
        assert replay(counter.ledger, [counter.rulebook]).differences == []


def served_as(counter: Counter, asked: list[Command], together: bool) -> list[Answer]:
    """The answers to commands, in one transaction or each in its own."""
    said = counter.teller.serve_all(asked) if together else [counter.teller.serve(one) for one in asked]
    return [cast(Answer, one) for one in said]
