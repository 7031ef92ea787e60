"""A change of rules reaches what is in accounts: on its day, once, whatever is booked before it or after it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import date, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lianxing.engine.accounts import balance_of
from lianxing.engine.bank.ending import Ended, end_all
from lianxing.engine.bank.noticing import notices
from lianxing.engine.bank.replaying import replay
from lianxing.engine.bank.sharing import pool_owner
from lianxing.engine.bank.statements import statement
from lianxing.engine.bank.tellers import Teller
from lianxing.engine.ledger.opening import open_ledger
from lianxing.engine.ledger.verifying import verify
from lianxing.engine.matchers import matcher_factory
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.statement_sentences import ending_sentence, remarks, statement_sentences
from lianxing.rules.accounts import Purpose, Recipient
from lianxing.rules.balances import Move, MoveKind
from lianxing.rules.closures import ClosingEvent
from lianxing.rules.commands import Close, Give, Redeem, Refund, Release, Reserve, Settle
from lianxing.rules.facts import RecordId, RegistryId
from lianxing.rules.records import ServiceRecord, Withdrawn
from lianxing.rules.statements import GoneOver
from tests.engine.bank.counter import Counter, bank, codes
from tests.engine.bank.counting_house import ACCOUNTS, ANN, BEN, HERE, OFFERS, rules, write_county
from tests.plugins.smallville import served

EVE, CHANGE, AFTER = date(2024, 2, 29), date(2024, 3, 1), date(2024, 3, 2)
TREATMENTS = ("keep", "restart", "{convert: 0.5}", "{convert: 1.5}", "{carry_over: {at_most: 3 points}}")
LONG_HELD = ACCOUNTS.replace("holds: 3 days", "holds: 400 days")
SOAP = OFFERS.replace("stock: 3", "stock: unlimited")


def changed(how: str, on: date = CHANGE, name: str = "change") -> str:
    return f"{name}: {{on_day: {on}, points: keep, hours: keep, stars: keep, accounts: {{points: {how}}}}}\n"


@pytest.fixture(scope="module")
def counties(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Rulebook]]:
    """Counties by what becomes of the points."""
    with ExitStack() as stack:
        found = {}
        for how in TREATMENTS:
            again = changed("{convert: 0.7}", date(2024, 4, 1), "again")
            accounts = LONG_HELD.replace("{valid: 12 months}", "{valid: 2 months}")
            folder = tmp_path_factory.mktemp("changed") / "smallville"
            written = write_county(folder, accounts=accounts, redemption=SOAP, transition=changed(how) + again)
            found[how] = stack.enter_context(rules(written))
        yield found


class Told:
    """A story that is told to a ledger as it happens, and written down for a case."""

    def __init__(self, counter: Counter) -> None:
        self.counter, self.on = counter, date(2024, 2, 1)
        self.moves: list[Move] = []
        self.held: list[tuple[int, str]] = []
        self.spent: list[tuple[int, str]] = []

    def does(self, what: str, days: int) -> None:
        self.on += timedelta(days=max(1, days) if what == "earned" else days)  # there is a limit on a day
        on, name = self.on, str(len(self.moves))
        match what:
            case "earned":
                self.counter.take(served(name, f"{on} 09:00", 2), on=on)
                self.moves.append(Move(on, MoveKind.EARNED, 200))
            case "reserved":
                said = self.counter.ask(Redeem, on, offer="soap")
                self.moves.append(Move(on, MoveKind.RESERVED, 100, name=name))
                self.held += [(said.entry, name)] if said.accepted else []
            case "settled" | "released" if self.held:
                entry, name = self.held.pop(0)
                said = self.counter.ask(Settle if what == "settled" else Release, on, entry=entry)
                self.moves.append(Move(on, MoveKind(what), name=name))
                self.spent += [(entry, name)] if what == "settled" and said.accepted else []
            case "refunded" if self.spent:
                entry, name = self.spent.pop()
                assert self.counter.ask(Refund, on, entry=entry).accepted
                self.moves.append(Move(on, MoveKind.REFUNDED, name=name))
            case "run":
                end_all(self.counter.ledger, self.counter.rulebook, on)

    def agrees(self) -> None:
        counter = self.counter
        account = next(one for one in counter.rulebook.policy.accounts if one.clause.id == "points")
        case = balance_of(counter.rulebook, account, self.moves, self.on, {}, {})
        end_all(counter.ledger, counter.rulebook, self.on)
        has = counter.has()
        available = has.get("points", 0) + has.get("points/debt", 0)
        assert (available, has.get("points/held", 0)) == (case.available, case.balance - case.available)
        kinds = counter.kinds()
        end_all(counter.ledger, counter.rulebook, self.on)
        assert counter.kinds() == kinds  # doing it twice does nothing more
        assert verify(counter.ledger) == []
        assert replay(counter.ledger, [counter.rulebook]).differences == []


DEEDS = st.tuples(
    st.sampled_from(("earned", "earned", "earned", "reserved", "reserved", "settled", "released", "refunded", "run")),
    st.integers(0, 20),
)


@pytest.mark.parametrize("how", TREATMENTS)
@settings(max_examples=8)
@given(story=st.lists(DEEDS, min_size=4, max_size=16))
def test_a_story_leaves_the_same_in_a_case_and_in_a_ledger_wherever_a_run_comes(
    counties: dict[str, Rulebook], how: str, story: list[tuple[str, int]]
) -> None:
    with tempfile.TemporaryDirectory() as folder, open_ledger(str(Path(folder, "county.db"))) as ledger:
        told = Told(Counter(counties[how], ledger))
        for deed in story:
            told.does(*deed)
        told.agrees()


def test_a_change_of_rules_that_finds_nothing_is_noted_with_the_entry_that_says_so(tmp_path: Path) -> None:
    accounts = ACCOUNTS.replace("12 months", "1 month").replace("expires: never", "expires: never\n  holds: 3 days")
    with bank(tmp_path, transition=changed("restart", date(2024, 5, 1)), accounts=accounts) as counter:
        assert counter.ask(Redeem, date(2024, 1, 20), offer="visit").accepted
        end_all(counter.ledger, counter.rulebook, date(2024, 5, 2))
        assert counter.kinds()[-2:] == ["hold_expired", "expired"]
        assert replay(counter.ledger, [counter.rulebook]).differences == []


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Counter]:
    """Ann has four points, and what is over three of them does not go over."""
    with bank(tmp_path, transition=changed("{carry_over: {at_most: 3 points}}"), redemption=SOAP) as counter:
        yield counter
        assert replay(counter.ledger, [counter.rulebook]).differences == []


@pytest.fixture
def halved(tmp_path: Path) -> Iterator[Counter]:
    """Ann has four points, of which two go over."""
    accounts = LONG_HELD.replace("forbid", "debt")
    with bank(tmp_path, transition=changed("{convert: 0.5}"), redemption=SOAP, accounts=accounts) as counter:
        yield counter
        assert replay(counter.ledger, [counter.rulebook]).differences == []


def run(counter: Counter, on: date) -> Ended:
    return end_all(counter.ledger, counter.rulebook, on)


def last(counter: Counter, kind: str) -> dict[str, Any]:
    with counter.ledger.reading() as reading:
        stored = reading.passbook_entries(ANN, HERE)
    said: dict[str, Any] = orjson.loads(next(one.body for one in reversed(stored) if one.entry.kind == kind))
    return said


def test_a_redemption_never_sees_what_does_not_go_over(town: Counter) -> None:
    refused = town.ask(Redeem, CHANGE, offer="rice", units=2)
    assert codes(refused) == ["balance"]
    assert town.kinds()[-2:] == ["converted", "refused"]
    assert town.has() == {"points": 300}


def test_on_the_eve_everything_is_there(town: Counter) -> None:
    assert town.ask(Redeem, EVE, offer="rice", units=2).accepted
    assert run(town, EVE) == Ended()


def test_the_entry_says_the_clause_and_both_totals_and_what_is_cut_has_a_counterpart(town: Counter) -> None:
    assert run(town, AFTER) == Ended(people=1, changed={"points": 100})
    said = last(town, "converted")
    assert said["clause"] == "change"
    assert str(said["at"]).endswith("transition.yaml:1:1")
    assert said["accounts"] == [["points", "points", 400, 300]]
    with town.ledger.reading() as reading:
        stored = reading.passbook_entries(ANN, HERE)[-1]
    assert stored.entry.effective_on == CHANGE
    booked = {one.account.partition("/")[0]: one.amount for one in stored.postings}
    assert booked == {"points": -100, "transition": 100}


def test_a_run_says_what_it_would_do_and_does_it_once(town: Counter) -> None:
    told = end_all(town.ledger, town.rulebook, CHANGE, dry_run=True)
    assert told == Ended(people=1, changed={"points": 100})
    assert town.kinds() == ["original", "original"]
    assert run(town, CHANGE) == told
    assert run(town, CHANGE) == run(town, AFTER) == Ended()


@pytest.mark.parametrize("name", ["again", "issued", "turned"])
def test_a_run_books_a_second_change_of_rules_whatever_the_county_calls_it(tmp_path: Path, name: str) -> None:
    changes = changed("{convert: 0.5}") + changed("{convert: 0.5}", date(2024, 4, 1), name)
    with bank(tmp_path, transition=changes, redemption=SOAP) as counter:
        assert counter.has()["points"] == 400
        assert end_all(counter.ledger, counter.rulebook, AFTER).changed == {"points": 200}
        assert end_all(counter.ledger, counter.rulebook, date(2024, 4, 2)).changed == {"points": 100}
        assert replay(counter.ledger, [counter.rulebook]).differences == []


def test_a_statement_of_any_two_dates_says_what_goes_over_whether_it_is_booked_or_not(tmp_path: Path) -> None:
    clock = [1_700_000_000]
    rest = changed("{carry_over: {at_most: 3 points}}")
    with bank(tmp_path, clock=lambda: clock[0], transition=rest) as counter:

        def on(day: date, known: int | None = None) -> tuple[int, int, int]:
            found = statement(counter.ledger, counter.rulebook, ANN, None, day, known, 400)
            state = next(one for one in found.closing if one.account == "points")
            said = " ".join(statement_sentences(found, counter.rulebook.policy.facts, "en"))
            assert ("1 point less by a change of rules and not booked yet" in said) is (state.changed == 100)
            assert sum(one.remaining for one in found.ending if one.account == "points") == state.available
            return state.available, state.changed, len(found.lines)

        assert (on(EVE), on(CHANGE), on(AFTER)) == ((400, 0, 2), (300, 100, 2), (300, 100, 2))
        clock[0] += 60
        run(counter, AFTER)
        assert (on(EVE), on(CHANGE), on(AFTER)) == ((400, 0, 2), (300, 0, 3), (300, 0, 3))
        assert on(AFTER, clock[0] - 1) == (300, 100, 2)


def test_who_has_something_that_does_not_go_over_is_told_before(halved: Counter) -> None:
    def told(on: date, within: int) -> list[tuple[date, int]]:
        found = [one for notice in notices(halved.ledger, halved.rulebook, on, within) for one in notice.ending]
        return [(one.last_day, one.remaining) for one in found if one.account == "points"]

    assert told(EVE, 0) == [(EVE, 100), (EVE, 100)]
    first = next(one for notice in notices(halved.ledger, halved.rulebook, EVE, 0) for one in notice.ending)
    assert ending_sentence(first, "en") == (
        "points: 1 point of 2023-12-30, last day 2024-02-29: it does not go over the change of rules "
        "[change, smallville/transition.yaml:1]"
    )
    assert told(date(2024, 2, 1), 27) == []
    assert told(EVE, 366) == [(EVE, 100), (EVE, 100), (date(2024, 12, 30), 100), (date(2025, 1, 10), 100)]
    run(halved, AFTER)
    assert told(AFTER, 366) == [(date(2024, 12, 30), 100), (date(2025, 1, 10), 100)]


def test_what_goes_over_in_full_is_said_too(tmp_path: Path) -> None:
    with bank(tmp_path, transition=changed("{carry_over: {at_most: 5 points}}")) as counter:
        run(counter, CHANGE)
        assert last(counter, "converted")["accounts"] == [["points", "points", 400, 400]]
        counter.take(served("late", "2024-02-01 09:00", 2), on=AFTER)
        assert counter.has() == {"points": 500}


LATE = [served(id, f"{id} 09:00", 2) for id in ("2024-02-01", "2024-02-02", "2024-03-03")]


def came(tmp_path: Path, how: str, days: Sequence[date], records: Sequence[ServiceRecord]) -> dict[str, int]:
    """What Ann has when these records came on these days, with runs between."""
    with bank(tmp_path, transition=changed(how)) as counter:
        for day, record in zip(days, records, strict=True):
            counter.take(record, on=day)
            run(counter, day)
        run(counter, date(2024, 3, 20))
        assert replay(counter.ledger, [counter.rulebook]).differences == []
        return counter.has()


@pytest.mark.parametrize("how", ["restart", "{convert: 0.5}", "{convert: 1.5}", "{carry_over: {at_most: 5 points}}"])
def test_records_come_to_the_same_in_time_or_late_in_any_order(tmp_path: Path, how: str) -> None:
    after = [date(2024, 3, day) for day in (4, 5, 6)]
    in_time = came(tmp_path / "in time", how, [date(2024, 2, 1), date(2024, 2, 2), after[0]], LATE)
    orders = list(permutations(LATE))
    for number, records in enumerate(orders[1::2]):
        assert came(tmp_path / str(number), how, after, records) == in_time


def test_a_late_record_says_what_of_it_went_over_and_by_which_clause(halved: Counter) -> None:
    halved.take(served("late", "2024-02-01 09:00", 2), on=AFTER)
    assert halved.kinds()[-2:] == ["converted", "original"]
    told = statement(halved.ledger, halved.rulebook, ANN, None, AFTER).lines
    assert [one.gone_over for one in told if one.kind == "converted"] == [(GoneOver("points", "points", 400, 200),)]
    late = next(one for one in told if one.subject.id == "late")
    assert "points: 2 points before the change of rules, 1 point after it" in list(remarks(late, "en"))
    assert "change" in [cited.clause for cited in late.clauses]
    assert halved.has() == {"points": 300}
    (said,) = last(halved, "original")["transitions"]
    assert said == {
        "clause": "change",
        "at": last(halved, "converted")["at"],
        "cites": "",
        "account": "points",
        "unit": "points",
        "came": 200,
        "went": 100,
    }


def test_a_record_of_before_that_is_withdrawn_takes_back_what_went_over(halved: Counter) -> None:
    run(halved, CHANGE)
    halved.take(Withdrawn(RecordId("2024-01-10"), RegistryId("test"), "a mistake"), on=AFTER)
    assert halved.has() == {"points": 100}


def test_what_was_spent_before_the_day_is_owed_in_full_when_its_record_is_withdrawn(halved: Counter) -> None:
    assert halved.ask(Settle, EVE, entry=halved.ask(Redeem, EVE, offer="rice", units=2).entry).accepted
    halved.take(Withdrawn(RecordId("2024-01-10"), RegistryId("test"), "a mistake"), on=AFTER)
    assert halved.has() == {"points/debt": -200}
    halved.take(served("late", "2024-02-01 09:00", 2), served("later", "2024-02-02 09:00", 2), on=AFTER)
    assert halved.has() == {"points": 100}  # two of the four are owed, of the others one goes over


def test_a_record_moved_over_the_day_is_worth_what_its_new_day_says(halved: Counter) -> None:
    run(halved, CHANGE)
    halved.take(served("2024-01-10", "2024-03-02 09:00", 2), on=AFTER)
    assert halved.has() == {"points": 300}
    halved.take(served("2024-01-10", "2024-02-02 09:00", 2), on=AFTER)
    assert halved.has() == {"points": 200}


def test_what_is_held_over_the_day_is_spent_in_full_and_comes_back_as_it_would_have_gone_over(halved: Counter) -> None:
    soap, rice = (halved.ask(Redeem, EVE, offer=offer) for offer in ("soap", "rice"))
    run(halved, CHANGE)
    assert halved.has() == {"points": 50, "points/held": 300}
    assert halved.ask(Settle, AFTER, entry=rice.entry).accepted
    assert halved.ask(Release, AFTER, entry=soap.entry).accepted
    assert halved.has() == {"points": 100}
    assert last(halved, "released")["transitions"][0]["went"] == 50


def test_a_rehearsal_lets_what_was_held_over_the_day_go_over_as_the_command_does(tmp_path: Path) -> None:
    with bank(tmp_path, transition=changed("{convert: 0.5}"), redemption=SOAP) as counter:
        for offer in ("soap", "rice"):
            assert counter.ask(Redeem, EVE, offer=offer).accepted
        rice = counter.command(Redeem, date(2024, 3, 10), offer="rice", units=2)  # neither hold nor change is booked
        rehearsed = counter.teller.rehearse(rice)
        assert rehearsed.data["reasons"][0]["operands"]["available"] == 200
        assert counter.teller.serve(rice).body == rehearsed.body


def test_a_statement_tells_of_a_reservation_that_is_over_what_of_it_goes_over(tmp_path: Path) -> None:
    with bank(tmp_path, transition=changed("{convert: 0.5}"), redemption=SOAP) as counter:
        for offer in ("soap", "rice"):
            assert counter.ask(Redeem, EVE, offer=offer).accepted
        counter.take(served("b", "2024-03-01 09:00", 1, "V1"), on=CHANGE)  # the change is booked by now
        later = date(2024, 3, 10)
        told = statement(counter.ledger, counter.rulebook, ANN, None, later)
        (state,) = (one for one in told.closing if one.account == "points")
        assert (state.available, state.held, state.over) == (300, 0, 150)
        run(counter, later)
        assert counter.has() == {"points": 300}


def test_what_was_spent_after_the_day_comes_back_as_it_is(halved: Counter) -> None:
    before = halved.ask(Redeem, EVE, offer="soap")
    assert halved.ask(Settle, EVE, entry=before.entry).accepted
    since = halved.ask(Redeem, AFTER, offer="soap")
    assert halved.ask(Settle, AFTER, entry=since.entry).accepted
    assert halved.has() == {"points": 50}
    assert halved.ask(Refund, AFTER, entry=since.entry).accepted
    assert halved.has() == {"points": 150}
    assert halved.ask(Refund, AFTER, entry=before.entry).accepted
    assert halved.has() == {"points": 200}


def test_a_gift_goes_over_once_in_the_passbook_that_it_was_in_on_the_day(halved: Counter) -> None:
    how = {"account": "points", "to_whom": Recipient.FRIEND, "recipient": BEN}
    assert halved.ask(Give, EVE, amount=100, **how).accepted
    assert halved.ask(Give, AFTER, amount=100, **how).accepted  # nobody has come for the first one yet
    assert halved.kinds(BEN) == ["received", "converted", "received"]
    run(halved, AFTER)
    assert (halved.has(), halved.has(BEN)) == ({"points": 50}, {"points": 150})


def test_an_account_in_which_nothing_was_is_only_noted(halved: Counter) -> None:
    halved.take(served("b", "2024-03-02 09:00", 2, BEN), on=AFTER)
    halved.take(served("late", "2024-02-02 09:00", 2, BEN), on=AFTER)
    run(halved, AFTER)
    assert halved.kinds(BEN) == ["original", "original"]
    assert halved.has(BEN) == {"points": 300}


def test_what_has_ended_on_the_day_does_not_go_over_and_what_ends_after_it_did(tmp_path: Path) -> None:
    accounts = ACCOUNTS.replace("{valid: 12 months}", "{valid: 2 months}")  # to 2024-02-29 and to 2024-03-10
    with bank(tmp_path, transition=changed("{carry_over: {at_most: 1 points}}"), accounts=accounts) as counter:
        assert run(counter, date(2024, 3, 15)) == Ended(1, 0, {"points": 300}, {"points": 100})
        assert counter.has() == {}


def test_a_record_moved_to_where_the_change_reaches_it_goes_over_and_where_it_does_not_is_lost_once(
    tmp_path: Path,
) -> None:
    """Of two deposits of 2 points one ended on the eve; of the other half went over."""
    accounts = ACCOUNTS.replace("{valid: 12 months}", "{valid: 2 months}").replace("forbid", "debt")
    with bank(tmp_path, transition=changed("{convert: 0.5}"), accounts=accounts) as counter:
        run(counter, CHANGE)
        assert counter.has() == {"points": 100}
        counter.take(served("2023-12-30", "2024-02-20 09:00", 2), on=AFTER)
        assert counter.has() == {"points": 200}
        counter.take(served("2024-01-10", "2023-12-29 09:00", 2), on=AFTER)
        run(counter, AFTER)
        assert counter.has() == {"points": 100}
        counter.take(Withdrawn(RecordId("2024-01-10"), RegistryId("test"), "a mistake"), on=AFTER)
        assert counter.has() == {"points": 100}
        assert replay(counter.ledger, [counter.rulebook]).differences == []


def test_a_ledger_in_which_a_change_was_left_out_is_found(tmp_path: Path) -> None:
    with bank(tmp_path, transition=changed("restart")) as counter:
        policy = counter.rulebook.policy
        kept = Rulebook(
            replace(policy, accounts=tuple(replace(one, changes=()) for one in policy.accounts)),
            matcher_factory("plain"),
        )
        held = counter.command(Reserve, AFTER, account="points", amount=100, purpose=Purpose.GOODS)
        assert Teller(counter.ledger, kept).serve(held).accepted
        (found,) = replay(counter.ledger, [counter.rulebook]).differences
        assert (found.stored, found.recomputed) == ("held", "converted")


POT = """
pot:
  holder: pool
  unit: points
  earned_from: nothing
  spent_on: [donation]
  expires: never
  spends_first: oldest
  storage: unlimited
  overdraft: none
  transfer: {to_whom: [friend]}
  shortfall: debt
"""


def test_a_pool_is_changed_before_it_gets_or_gives_anything(tmp_path: Path) -> None:
    rest = changed("keep").replace("points: keep}}", "pot: {convert: 0.5}}}")
    with bank(tmp_path, transition=rest, accounts=ACCOUNTS + POT) as counter:
        pool = pool_owner(next(one for one in counter.rulebook.policy.accounts if one.clause.id == "pot"))
        for on in (EVE, AFTER):
            assert counter.ask(Give, on, account="points", amount=100, to_whom=Recipient.POOL).accepted
        assert counter.kinds(pool) == ["received", "converted", "received"]
        assert counter.has(pool) == {"pot": 150}
        assert counter.kinds() == ["original", "original", "given", "given"]
        more = {"account": "pot", "amount": 151, "to_whom": Recipient.FRIEND, "recipient": BEN}
        assert codes(counter.ask(Give, AFTER, volunteer=pool, **more)) == ["balance"]
        assert replay(counter.ledger, [counter.rulebook]).differences == []


def test_what_overflows_into_a_pool_after_the_day_stays_what_it_is(tmp_path: Path) -> None:
    rest = changed("keep").replace("points: keep}}", "pot: {convert: 0.5}}}")
    full = ACCOUNTS.replace("storage: unlimited", "storage: {at_most: 4 points, overflow: donation_pool}")
    with bank(tmp_path, transition=rest, accounts=full + POT) as counter:
        pool = pool_owner(next(one for one in counter.rulebook.policy.accounts if one.clause.id == "pot"))
        counter.take(served("late", "2024-02-01 09:00", 2), on=AFTER)
        assert run(counter, AFTER) == Ended()
        assert (counter.kinds(pool), counter.has(pool)) == (["received"], {"pot": 200})
        assert replay(counter.ledger, [counter.rulebook]).differences == []


def test_what_a_pool_has_earned_goes_over_like_what_a_person_has(tmp_path: Path) -> None:
    rest = changed("keep").replace("points: keep}}", "pot: {convert: 0.5}}}")
    pot = POT.replace("earned_from: nothing", "earned_from: points")
    with bank(tmp_path, transition=rest, accounts=ACCOUNTS + pot) as counter:
        pool = pool_owner(next(one for one in counter.rulebook.policy.accounts if one.clause.id == "pot"))
        counter.take(served("late", "2024-02-01 09:00", 2), on=AFTER)
        assert counter.has(pool) == {"pot": 300}
        counter.take(served("2024-01-10", "2024-03-02 09:00", 2), on=AFTER)
        assert counter.has(pool) == {"pot": 400}
        counter.take(Withdrawn(RecordId("late"), RegistryId("test"), "a mistake"), on=AFTER)
        assert counter.has(pool) == {"pot": 300}
        assert replay(counter.ledger, [counter.rulebook]).differences == []


def test_a_passbook_closed_after_the_day_lets_go_what_went_over_and_a_late_record_follows(halved: Counter) -> None:
    assert halved.ask(Close, AFTER, event=ClosingEvent.MOVING).accepted
    assert halved.kinds()[-2:] == ["converted", "closed"]
    went = {"points/portable": 200, "time/portable": 4 * 3600}
    assert {name: amount for name, amount in last(halved, "closed")["went"].items() if amount} == went
    halved.take(served("late", "2024-02-01 09:00", 2), on=AFTER)
    assert halved.has() == {}
    assert last(halved, "original")["transitions"][0]["went"] == 100
    run(halved, AFTER)
    assert halved.kinds()[-1] == "original"
