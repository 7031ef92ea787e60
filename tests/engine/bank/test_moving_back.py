"""A closed passbook that is opened again: what may, from which day, and where late records of before that go."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lianxing.engine.answer_sentences import answer_sentences
from lianxing.engine.bank.closings import closings
from lianxing.engine.bank.replaying import replay
from lianxing.engine.bank.statements import statement
from lianxing.engine.bank.tellers import Answer
from lianxing.engine.ledger.opening import Ledger, open_ledger
from lianxing.engine.ledger.verifying import verify
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.statement_data import statement_data, statement_rows
from lianxing.engine.statement_page import statement_page
from lianxing.engine.statement_sentences import remarks, statement_sentences
from lianxing.rules.accounts import Recipient
from lianxing.rules.closures import ClosingEvent
from lianxing.rules.commands import Bring, Close, Declare, Give, Grant, Redeem, Refund, Reopen, Settle
from lianxing.rules.facts import CountyId, RecordId, RegistryId
from lianxing.rules.families import Relation
from lianxing.rules.records import ServiceRecord, Withdrawn
from tests.engine.bank.counter import bank
from tests.engine.bank.counting_house import ANN, BEN, DAY, HERE, take_in
from tests.engine.bank.forging import copy_of, forged
from tests.engine.bank.test_closing import ACCOUNTS, HUNDRED, OVER_THERE, Asks, points, town_of
from tests.engine.bank.test_pools import in_transit, kinds, why
from tests.plugins.smallville import served

AUTUMN, NEW_YEAR = date(2024, 9, 1), date(2025, 1, 1)
ALL_MAY_COME_BACK = ACCOUNTS.replace("leaving: to_pool}", "leaving: to_pool, reopens: [moving, leaving]}")


class House:
    """Two counties in one ledger, and who asks in them."""

    def __init__(self, ledger: Ledger, here: Rulebook, there: Rulebook) -> None:
        self.ledger, self.rulebooks = ledger, (here, there)
        self.here, self.there = Asks(ledger, here), Asks(ledger, there)

    def take_in(self, *records: ServiceRecord | Withdrawn, on: date = DAY) -> None:
        take_in(self.rulebooks[0], self.ledger, *records, on=on)

    def closed(self, event: ClosingEvent = ClosingEvent.MOVING, on: date = DAY, **said: object) -> Answer:
        answer = self.here(Close, event=event, on=on, **said)
        assert answer.accepted
        return answer

    def holds(self) -> None:
        """Every invariant holds, and every decision of both counties is made again and the same."""
        assert verify(self.ledger) == []
        for rulebook in self.rulebooks:
            done = replay(self.ledger, [rulebook])
            assert (done.differences, done.left_out) == ([], {})


def house_at(address: str, folder: Path, stack: ExitStack, accounts: str = ACCOUNTS) -> House:
    ledger = stack.enter_context(open_ledger(address))
    here, there = (stack.enter_context(town_of(folder, name, accounts)) for name in (HERE, OVER_THERE))
    house = House(ledger, here, there)
    house.take_in(served("a", "2024-05-01 09:00", 2), served("b", "2024-05-02 09:00", 1))
    return house


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with ExitStack() as stack:
        made = house_at(str(tmp_path / "bank.db"), tmp_path, stack)
        yield made
        made.holds()


@pytest.fixture
def forgiving(tmp_path: Path) -> Iterator[House]:
    """Whoever has left may come back, too."""
    with ExitStack() as stack:
        made = house_at(str(tmp_path / "bank.db"), tmp_path, stack, ALL_MAY_COME_BACK)
        yield made
        made.holds()


def test_who_moves_away_and_back_has_the_passbook_again_with_all_that_was_brought(address: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        house = house_at(address, tmp_path, stack)
        away = house.closed()
        assert house.there(Bring, from_county=HERE, entry=away.entry).accepted
        home = house.there(Close, event=ClosingEvent.MOVING, on=AUTUMN)
        bring = {"from_county": OVER_THERE, "entry": home.entry, "on": AUTUMN}
        assert why(house.here(Bring, **bring)) == ["closed_passbook"]
        reopened = house.here(Reopen, on=AUTUMN, actor="clerk 7", reason="moved back")
        assert reopened.accepted
        assert house.here(Bring, **bring).accepted
        assert house.here(Redeem, offer="soap", on=AUTUMN).accepted
        house.take_in(served("new", "2024-09-02 09:00", 1), on=AUTUMN + timedelta(days=1))
        assert points(house.ledger, "V1") == 3 * HUNDRED
        with house.ledger.reading() as reading:
            lots = reading.wallet_rows([(ANN, HERE)])[ANN, HERE].lots
        assert date(2025, 5, 1) in [lot.ends for lot in lots]
        assert in_transit(house.ledger) == {}
        house.holds()
        again = house.closed(on=NEW_YEAR)
        assert why(house.here(Redeem, offer="soap", on=NEW_YEAR)) == ["closed_passbook"]
        assert house.there(Reopen, on=NEW_YEAR).accepted
        assert house.there(Bring, from_county=HERE, entry=again.entry, on=NEW_YEAR).accepted
        assert points(house.ledger, "V1", county=OVER_THERE) == 4 * HUNDRED  # the soap was never fetched
        house.holds()


def test_of_points_and_hours_that_are_brought_the_named_account_takes_its_own_unit(tmp_path: Path) -> None:
    with bank(tmp_path) as counter:
        closed = counter.ask(Close, event=ClosingEvent.MOVING)
        assert counter.ask(Reopen).accepted
        misspelt = counter.ask(Bring, from_county=HERE, entry=closed.entry, account="point")
        assert [(one["code"], one["operands"]) for one in misspelt.data["reasons"]] == [
            ("no_account", {"account": "point"})
        ]
        brought = counter.ask(Bring, from_county=HERE, entry=closed.entry, account="points")
        assert brought.data["brought"] == [["points", "points", 4 * HUNDRED], ["time", "seconds", 4 * 3600]]


def test_a_passbook_that_is_open_and_one_of_the_dead_are_not_opened_again(house: House) -> None:
    assert why(house.here(Reopen)) == ["not_closed"]
    house.here(Declare, family=((BEN, Relation.CHILD),))
    house.closed(ClosingEvent.DEATH, heir=BEN)
    refused = house.here(Reopen, on=AUTUMN)
    assert why(refused) == ["closed_by_death"]
    assert "its holder died on 2024-06-01" in "".join(answer_sentences(refused.data, "en"))


def test_who_has_left_comes_back_where_the_county_says_so(forgiving: House) -> None:
    closed = forgiving.closed(ClosingEvent.LEAVING)
    assert forgiving.here(Reopen, on=AUTUMN).data["entry"] == closed.entry
    assert points(forgiving.ledger, "V1") == 0


def test_who_has_left_does_not_come_back_where_the_county_says_nothing_and_is_told_by_which_clause(
    house: House,
) -> None:
    house.closed(ClosingEvent.LEAVING)
    refused = house.here(Reopen, on=AUTUMN)
    (reason,) = refused.data["reasons"]
    assert (reason["code"], reason["clause"], reason["at"]) == ("reopens", "points", "smallville/accounts.yaml:5:28")
    assert "after leaving a passbook is not opened again" in "".join(answer_sentences(refused.data, "en"))


def test_a_passbook_is_opened_on_no_day_before_it_was_closed_and_takes_nothing_of_a_day_before_it_was_opened(
    house: House,
) -> None:
    house.closed()
    assert why(house.here(Reopen, on=DAY - timedelta(days=1))) == ["rests_on"]
    assert house.here(Reopen, on=AUTUMN).accepted
    eve = AUTUMN - timedelta(days=1)
    for before in (eve, DAY, date(2024, 5, 20)):
        refused = house.here(Close, on=before, event=ClosingEvent.MOVING)
        assert why(refused) == ["before_reopening"]
    assert "was closed on 2024-06-01 and is open again from 2024-09-01 only" in "".join(
        answer_sentences(refused.data, "en")
    )
    house.take_in(served("ben", "2024-05-03 09:00", 1, "V2"))
    gift = {"account": "points", "amount": 10, "to_whom": Recipient.FRIEND, "recipient": ANN}
    assert why(house.here(Give, "V2", on=eve, **gift)) == ["before_reopening"]
    assert house.here(Give, "V2", on=AUTUMN, **gift).accepted


def test_a_key_is_used_once_for_an_opening_too(house: House) -> None:
    house.closed()
    first = house.here(Reopen, on=AUTUMN, key="counter/1")
    assert house.here(Reopen, on=AUTUMN, key="counter/1").entry == first.entry
    assert kinds(house.ledger, "V1").count("reopened") == 1


def test_what_nobody_has_brought_elsewhere_comes_back_to_where_it_left_once(house: House) -> None:
    closed = house.closed()
    own = {"from_county": HERE, "entry": closed.entry, "on": AUTUMN}
    house.here(Reopen, on=AUTUMN)
    assert house.here(Bring, **own).accepted
    assert why(house.here(Bring, **own)) == ["nothing_to_bring"]
    assert why(house.there(Bring, **own)) == ["nothing_to_bring"]
    assert (points(house.ledger, "V1"), in_transit(house.ledger)) == (3 * HUNDRED, {})


def test_what_left_in_the_same_transaction_comes_back_in_it(house: House) -> None:
    whose = {"volunteer": ANN, "county": HERE, "on": DAY, "scope": "test"}
    with house.ledger.reading() as reading:
        entry = max(one.entry.id for one in reading.passbook_entries(ANN, HERE)) + 1
    answers = house.here.teller.serve_all(
        [
            Close(**whose, key="x", event=ClosingEvent.MOVING),  # type: ignore[arg-type]
            Reopen(**whose, key="y"),  # type: ignore[arg-type]
            Bring(**whose, key="z", from_county=HERE, entry=entry),  # type: ignore[arg-type]
        ]
    )
    assert [isinstance(one, Answer) and one.accepted for one in answers] == [True, True, True]
    assert points(house.ledger, "V1") == 3 * HUNDRED


# --- late records ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "stays"),
    [("2024-05-03", False), ("2024-06-01", False), ("2024-08-31", False), ("2024-09-01", True), ("2024-09-02", True)],
)
def test_a_late_record_of_a_day_before_the_opening_leaves_as_if_it_had_come_in_time(
    house: House, day: str, *, stays: bool
) -> None:
    house.closed()
    house.here(Reopen, on=AUTUMN)
    house.take_in(served("late", f"{day} 09:00", 1), on=date(2024, 9, 3))
    assert points(house.ledger, "V1") == (HUNDRED if stays else 0)
    assert in_transit(house.ledger) == {"points": (3 if stays else 4) * HUNDRED}
    late = statement(house.ledger, house.rulebooks[0], ANN, None, date(2024, 9, 3))
    (line,) = [one for one in late.lines if one.subject.id == "late"]
    assert line.concerns == (None if stays else 3)
    told = "points: 1 point to be brought into another county"
    assert (told in list(remarks(line, "en"))) is not stays
    brought = house.there(Bring, from_county=HERE, entry=line.entry, on=date(2024, 9, 3))
    assert why(brought) == (["nothing_to_bring"] if stays else [])
    assert points(house.ledger, "V1", county=OVER_THERE) == (0 if stays else HUNDRED)


def test_a_late_record_is_brought_back_home_by_who_has_come_home(house: House) -> None:
    house.closed()
    house.here(Reopen, on=AUTUMN)
    house.take_in(served("late", "2024-05-03 09:00", 1), on=AUTUMN)
    assert house.here(Bring, from_county=HERE, entry=5, on=AUTUMN).accepted
    assert points(house.ledger, "V1") == HUNDRED


def test_what_came_while_the_passbook_was_closed_stays_where_it_went(forgiving: House) -> None:
    forgiving.closed(ClosingEvent.LEAVING)
    forgiving.take_in(served("meanwhile", "2024-07-01 09:00", 1), on=date(2024, 7, 2))
    forgiving.here(Reopen, on=AUTUMN)
    forgiving.take_in(served("late", "2024-07-03 09:00", 2), served("new", "2024-09-01 09:00", 1), on=AUTUMN)
    assert points(forgiving.ledger, "V1") == HUNDRED
    assert points(forgiving.ledger, "pool/chest", "chest") == 6 * HUNDRED


def test_of_two_closings_each_takes_what_is_of_its_days(forgiving: House) -> None:
    forgiving.closed(ClosingEvent.LEAVING)
    forgiving.here(Reopen, on=AUTUMN)
    forgiving.closed(ClosingEvent.MOVING, on=NEW_YEAR)
    forgiving.take_in(
        served("first", "2024-07-01 09:00", 1), served("second", "2024-10-01 09:00", 2), on=date(2025, 1, 2)
    )
    assert points(forgiving.ledger, "V1") == 0
    assert points(forgiving.ledger, "pool/chest", "chest") == 4 * HUNDRED
    assert in_transit(forgiving.ledger) == {"points": 2 * HUNDRED}
    numbers = [one for one in range(1, 9) if forgiving.there(Bring, from_county=HERE, entry=one, on=NEW_YEAR).accepted]
    assert numbers == [7]
    forgiving.here(Reopen, on=date(2025, 2, 1))
    forgiving.take_in(served("third", "2024-11-01 09:00", 1), on=date(2025, 2, 1))
    assert in_transit(forgiving.ledger) == {"points": HUNDRED}


def test_a_record_of_before_that_is_corrected_after_the_opening_owes_or_leaves_the_difference(house: House) -> None:
    house.closed()
    house.here(Reopen, on=AUTUMN)
    house.take_in(served("new", "2024-09-01 09:00", 2), on=AUTUMN)
    house.take_in(served("b", "2024-05-02 09:00", 2), on=AUTUMN)
    assert (points(house.ledger, "V1"), in_transit(house.ledger)) == (2 * HUNDRED, {"points": 4 * HUNDRED})
    house.take_in(served("a", "2024-05-01 09:00", 1), on=AUTUMN)
    assert (points(house.ledger, "V1"), in_transit(house.ledger)) == (HUNDRED, {"points": 4 * HUNDRED})
    house.take_in(served("new", "2024-07-01 09:00", 2), on=AUTUMN)  # it is of a day on which the passbook was closed
    assert (points(house.ledger, "V1"), in_transit(house.ledger)) == (0, {"points": 5 * HUNDRED})


def test_what_is_refunded_after_the_opening_stays_though_its_record_is_corrected(house: House) -> None:
    soap = house.here(Redeem, offer="soap", units=3)
    assert house.here(Settle, entry=soap.entry).accepted
    house.closed()
    house.here(Reopen, on=AUTUMN)
    assert house.here(Refund, entry=soap.entry, on=AUTUMN).accepted
    house.take_in(served("b", "2024-05-02 09:00", 2), on=AUTUMN)
    assert (points(house.ledger, "V1"), in_transit(house.ledger)) == (3 * HUNDRED, {"points": HUNDRED})


def test_an_heir_gets_what_is_late_of_before_the_opening_where_moving_lets_inherit(tmp_path: Path) -> None:
    inherits = ACCOUNTS.replace("moving: portable", "moving: inherited")
    with ExitStack() as stack:
        house = house_at(str(tmp_path / "bank.db"), tmp_path, stack, inherits)
        house.here(Declare, family=((BEN, Relation.CHILD),))
        house.closed(heir=BEN)
        house.here(Reopen, on=AUTUMN)
        house.take_in(served("late", "2024-07-01 09:00", 1), served("own", "2024-07-01 09:00", 2, "V2"), on=AUTUMN)
        assert (points(house.ledger, "V1"), points(house.ledger, "V2")) == (0, 6 * HUNDRED)
        late = statement(house.ledger, house.rulebooks[0], ANN, None, AUTUMN).lines
        assert [(one.amount, one.where, one.heir) for line in late for one in line.left] == [
            (300, "inherited", "V2"),
            (100, "inherited", "V2"),
        ]
        house.holds()


def test_a_grant_of_a_year_is_given_once_in_it_however_often_the_passbook_was_closed(tmp_path: Path) -> None:
    grants = ACCOUNTS.replace(
        "shortfall: debt,", "shortfall: debt, issue: [{amount: 1 point, per: calendar_year, provider: a fund}],", 1
    )
    with ExitStack() as stack:
        house = house_at(str(tmp_path / "bank.db"), tmp_path, stack, grants)
        grant = {"account": "points", "amount": HUNDRED}
        assert house.here(Grant, **grant).accepted
        house.closed()
        house.here(Reopen, on=AUTUMN)
        assert why(house.here(Grant, on=AUTUMN, **grant)) == ["issue"]
        assert house.here(Grant, on=NEW_YEAR, **grant).accepted
        house.holds()


# --- what is told ------------------------------------------------------------------------------------------------


def test_every_form_of_the_statement_tells_of_closing_and_opening(house: House) -> None:
    facts = house.rulebooks[0].policy.facts
    house.closed()
    closed = statement(house.ledger, house.rulebooks[0], ANN, None, DAY)
    assert "closed on 2024-06-01" in list(statement_sentences(closed, facts, "en"))
    house.here(Reopen, on=AUTUMN, actor="clerk 7", reason="moved back")
    assert statement(house.ledger, house.rulebooks[0], ANN, None, DAY).closings == closed.closings
    found = statement(house.ledger, house.rulebooks[0], ANN, None, AUTUMN)
    text = "\n".join(statement_sentences(found, facts, "en"))
    assert "closed on 2024-06-01, open again from 2024-09-01" in text
    assert "opened again, of entry 3" in text
    assert "2024-06-01 销户，2024-09-01 起重新启用" in statement_page(found, facts, "zh")
    data = statement_data(found, "zh")
    assert data["closings"] == [{"on": "2024-06-01", "reopened_on": "2024-09-01"}]
    assert data["closed_on"] is None
    rows = [row for row in statement_rows(found, "en") if row["kind"] in ("closed", "reopened")]
    assert [(row["kind"], row["day"], row["concerns"], row["actor"], row["reason"]) for row in rows] == [
        ("closed", "2024-06-01", "", "", ""),
        ("reopened", "2024-09-01", "3", "clerk 7", "moved back"),
    ]
    assert rows[-1]["places"] == "smallville/accounts.yaml:5:28"


def test_who_lets_stay_what_should_have_left_is_named(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.closed()
    house.here(Reopen, on=AUTUMN)
    copy = copy_of(tmp_path)
    with open_ledger(str(copy), create=False) as careless:
        with monkeypatch.context() as patched:
            patched.setattr("lianxing.engine.closings.Closings.under", lambda _closings, _day: None)
            take_in(house.rulebooks[0], careless, served("late", "2024-07-01 09:00", 1), on=AUTUMN)
        assert verify(careless) == []
        (found,) = replay(careless, [house.rulebooks[0]]).differences
    assert (found.volunteer, found.entry) == (ANN, 5)


def test_more_brought_than_a_late_record_says_has_left_is_found_without_the_rules(house: House, tmp_path: Path) -> None:
    house.closed()
    house.here(Reopen, on=AUTUMN)
    house.take_in(served("late", "2024-07-01 09:00", 1), on=AUTUMN)
    house.there(Bring, from_county=HERE, entry=5, on=AUTUMN)
    copy = copy_of(tmp_path)
    with forged(copy) as connection:
        connection.exec_driver_sql(
            "UPDATE entry SET body = CAST(replace(CAST(body AS TEXT), '-01\",100]', '-01\",50]') AS BLOB) "
            "WHERE kind = 'original'"
        )
    with open_ledger(str(copy), create=False) as other:
        assert {one.invariant for one in verify(other)} == {"brought_once", "transit_arrives"}


def test_closings_read_from_the_ledger_are_those_that_the_teller_keeps_in_mind(house: House) -> None:
    house.closed()
    house.here(Reopen, on=AUTUMN)
    house.closed(ClosingEvent.LEAVING, on=NEW_YEAR)
    with house.ledger.reading() as reading:
        found = closings(reading, CountyId(HERE), [ANN])[ANN]
    assert [(one.on, one.reopened_on) for one in found.all] == [(DAY, AUTUMN), (NEW_YEAR, None)]
    assert [found.during(day) is not None for day in (DAY, AUTUMN, NEW_YEAR)] == [True, False, True]


# --- moving to and fro -------------------------------------------------------------------------------------------

_STEP = st.tuples(
    st.sampled_from(("close", "reopen", "bring", "bring", "record", "record", "withdraw")),
    *(st.integers(0, most) for most in (6, 1, 12, 150)),
)


@settings(max_examples=300 if os.environ.get("LIANXING_LONG") else 5, deadline=None, database=None)
@given(steps=st.lists(_STEP, min_size=10, max_size=25))
def test_who_moves_to_and_fro_has_at_last_all_that_was_earned_there_here_or_on_the_way(
    steps: list[tuple[str, int, int, int, int]],
) -> None:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        house = house_at(f"{folder}/bank.db", Path(folder), stack)
        today = DAY
        for step, days, which, number, ago in steps:
            today += timedelta(days=days)
            asks, id, day = (house.here, house.there)[which], f"r{number % 4}", today - timedelta(days=ago)
            match step:
                case "close":
                    asks(Close, event=ClosingEvent.MOVING, on=today)
                case "reopen":
                    asks(Reopen, on=today)
                case "bring":
                    asks(Bring, from_county=(HERE, OVER_THERE)[number % 2], entry=number, on=today)
                case "record":
                    house.take_in(served(id, f"{day} 09:00", 1 + number % 2), on=today)
                case _:
                    house.take_in(Withdrawn(RecordId(id), RegistryId("test")), on=today)
        with house.ledger.reading() as reading:
            earned = reading.balances(ANN, HERE)["points"]
        accounts = [(of, county) for of in ("points", "points/debt") for county in (HERE, OVER_THERE)]
        there = sum(points(house.ledger, "V1", of, county) for of, county in accounts)
        assert there + in_transit(house.ledger).get("points", 0) == earned
        house.holds()


# --- the rules have changed since --------------------------------------------------------------------------------

TO_POOL = ACCOUNTS.replace("moving: portable", "moving: to_pool")
COINS = ACCOUNTS[: ACCOUNTS.index("chest:")].replace("points:\n", "coins:\n")


@pytest.mark.parametrize("opened", [False, True], ids=["closed", "opened again"])
@pytest.mark.parametrize(
    ("before", "now", "left"),
    [
        (TO_POOL, ACCOUNTS, {"chest": 4 * HUNDRED}),
        (ACCOUNTS, TO_POOL, {"transit": HUNDRED}),
        (TO_POOL, COINS + ACCOUNTS, {"chest": 4 * HUNDRED, "transit": HUNDRED}),
    ],
    ids=["to the pool", "to be brought", "of an account that is newer"],
)
def test_what_comes_late_goes_where_the_closing_said_whatever_the_rules_say_of_it_by_now(
    tmp_path: Path, before: str, now: str, left: dict[str, int], opened: bool
) -> None:
    with ExitStack() as stack:
        house = house_at(str(tmp_path / "bank.db"), tmp_path / "before", stack, before)
        closed = house.closed()
        if "transit" in left and before is ACCOUNTS:
            assert house.there(Bring, from_county=HERE, entry=closed.entry).accepted
        if opened:
            assert house.here(Reopen, on=AUTUMN).accepted
        changed = stack.enter_context(town_of(tmp_path / "now", HERE, now))
        take_in(changed, house.ledger, served("late", "2024-05-10 09:00", 1), on=AUTUMN)
        assert points(house.ledger, "V1") + points(house.ledger, "V1", "coins") == 0
        assert points(house.ledger, "pool/chest", "chest") == left.get("chest", 0)
        assert in_transit(house.ledger) == ({"points": left["transit"]} if "transit" in left else {})
        with house.ledger.reading() as reading:
            late = reading.passbook_entries(ANN, HERE)[-1].entry.id
        brought = house.there(Bring, from_county=HERE, entry=late, on=AUTUMN)
        assert brought.accepted == ("transit" in left)
        assert verify(house.ledger) == []
        for books in ([house.rulebooks[0], changed], [house.rulebooks[1]]):
            done = replay(house.ledger, books)
            assert (done.differences, done.left_out) == ([], {})
