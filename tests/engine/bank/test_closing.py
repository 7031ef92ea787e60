"""How a passbook ends: what is left goes where the county says, and nothing more is accepted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from threading import Barrier, BrokenBarrierError

import pytest
from sqlalchemy import Connection

from lianxing.engine.answer_sentences import answer_sentences
from lianxing.engine.bank import tellers
from lianxing.engine.bank.crediting import needs_lots
from lianxing.engine.bank.ending import end_all
from lianxing.engine.bank.replaying import replay
from lianxing.engine.bank.statements import statement
from lianxing.engine.bank.tellers import Answer, Teller, left_under
from lianxing.engine.closings import OPEN, Closed
from lianxing.engine.ledger.drafts import Draft
from lianxing.engine.ledger.opening import Ledger, open_ledger
from lianxing.engine.ledger.verifying import verify
from lianxing.engine.ledger.writing import Writing
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.statement_sentences import remarks, what_text
from lianxing.rules.accounts import Recipient
from lianxing.rules.closures import ClosingEvent
from lianxing.rules.commands import Bring, Close, Command, Declare, Give, Redeem, Release
from lianxing.rules.facts import CountyId, VolunteerId
from lianxing.rules.families import Relation
from lianxing.rules.records import Withdrawn
from tests.engine.bank.counting_house import ANN, BEN, DAY, HERE, OFFERS, rules, take_in, write_county
from tests.engine.bank.forging import copy_of, forged
from tests.engine.bank.test_pools import in_transit, kinds, why
from tests.plugins.smallville import COUNTY, served

OVER_THERE = CountyId("otherville")
HUNDRED = 100
ACCOUNTS = """
points:
  {holder: person, unit: points, earned_from: points, spent_on: [goods], expires: {valid: 12 months},
   storage: unlimited, spends_first: oldest, overdraft: none, transfer: {to_whom: [friend]}, shortfall: debt,
   holds: 3 days, closure: {death: inherited, moving: portable, leaving: to_pool}}
chest:
  {holder: pool, unit: points, earned_from: nothing, spent_on: [donation], expires: never, storage: unlimited,
   spends_first: oldest, overdraft: none, transfer: none, shortfall: debt}
"""
SOAP = OFFERS[: OFFERS.index("\nrice:")]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(str(tmp_path / "bank.db")) as made:
        yield made
        assert verify(made) == []


@pytest.fixture
def town(tmp_path: Path, ledger: Ledger) -> Iterator[Rulebook]:
    with rules(write_county(tmp_path / "smallville", accounts=ACCOUNTS, redemption=SOAP)) as made:
        yield made
        done = replay(ledger, [made])
        assert (done.differences, done.left_out) == ([], {})


@contextmanager
def town_of(tmp_path: Path, name: str, accounts: str = ACCOUNTS) -> Iterator[Rulebook]:
    county = COUNTY["county.yaml"].replace("smallville", name)
    with rules(write_county(tmp_path / name, county=county, accounts=accounts, redemption=SOAP)) as made:
        yield made


@pytest.fixture
def other_town(tmp_path: Path, ledger: Ledger) -> Iterator[Rulebook]:
    with town_of(tmp_path, OVER_THERE) as made:
        yield made
        done = replay(ledger, [made])
        assert (done.differences, done.left_out) == ([], {})


@pytest.fixture
def third_town(tmp_path: Path, ledger: Ledger) -> Iterator[Rulebook]:
    with town_of(tmp_path, "thirdville") as made:
        yield made
        done = replay(ledger, [made])
        assert (done.differences, done.left_out) == ([], {})


def points(ledger: Ledger, owner: str, account: str = "points", county: CountyId = HERE) -> int:
    with ledger.reading() as reading:
        return reading.accounts(VolunteerId(owner), county).get((account, "points"), 0)


class Asks:
    def __init__(self, ledger: Ledger, rulebook: Rulebook) -> None:
        self.teller, self.county = Teller(ledger, rulebook), rulebook.policy.county.id
        self.asked = 0

    def __call__(self, kind: type[Command], who: str = "V1", /, **said: object) -> Answer:
        self.asked += 1
        key = f"{self.county}-{self.asked}"
        fixed = {"volunteer": VolunteerId(who), "county": self.county, "on": DAY, "scope": "test", "key": key}
        return self.teller.serve(kind(**{**fixed, **said}))  # type: ignore[arg-type]


@pytest.fixture
def asks(ledger: Ledger, town: Rulebook) -> Asks:
    take_in(town, ledger, served("a", "2024-05-01 09:00", 2), served("b", "2024-05-02 09:00", 1))
    return Asks(ledger, town)


def test_on_death_the_heir_who_is_declared_inherits_with_the_days(asks: Asks, ledger: Ledger) -> None:
    assert why(asks(Close, event=ClosingEvent.DEATH)) == ["heir"]
    assert why(asks(Close, event=ClosingEvent.DEATH, heir=BEN)) == ["heir"]
    asks(Declare, family=((BEN, Relation.CHILD),))
    assert asks(Close, event=ClosingEvent.DEATH, heir=BEN).accepted
    assert (points(ledger, "V1"), points(ledger, "V2")) == (0, 3 * HUNDRED)
    with ledger.reading() as reading:
        lots = reading.wallet_rows([(BEN, HERE)])[BEN, HERE].lots
    assert [(lot.earned_on, lot.ends) for lot in lots] == [
        (date(2024, 5, 1), date(2025, 5, 1)),
        (date(2024, 5, 2), date(2025, 5, 2)),
    ]
    assert in_transit(ledger) == {}


def test_the_answer_to_a_closure_tells_what_each_account_becomes_where_it_is_said_and_who_inherits(
    asks: Asks, town: Rulebook, ledger: Ledger
) -> None:
    asks(Declare, family=((BEN, Relation.CHILD),))
    held = asks(Redeem, offer="soap")
    refused = "\n".join(answer_sentences(asks(Close, event=ClosingEvent.LEAVING).data, "en"))
    assert "1 point is still reserved" in refused
    asks(Release, entry=held.entry)
    closed = asks(Close, event=ClosingEvent.DEATH, heir=BEN)
    assert "  3 points inherited by V2 [points, smallville/accounts.yaml:5]" in answer_sentences(closed.data, "en")
    line = statement(ledger, town, ANN, None, DAY).lines[-1]
    assert (line.subject.kind, line.subject.id) == ("heir", "V2")
    assert [(one.clause, one.at) for one in line.clauses] == [("points", "smallville/accounts.yaml:5:28")]


def test_where_nothing_is_left_no_heir_is_asked_for(asks: Asks) -> None:
    assert asks(Close, "V3", event=ClosingEvent.DEATH).accepted


def test_a_closed_passbook_accepts_nothing_more_on_any_day(asks: Asks) -> None:
    assert asks(Close, event=ClosingEvent.LEAVING).accepted
    for on in (date(2024, 5, 20), DAY, date(2025, 1, 1)):
        assert why(asks(Redeem, offer="soap", on=on)) == ["closed_passbook"]
    assert why(asks(Close, event=ClosingEvent.DEATH)) == ["closed_passbook"]


def test_nothing_is_given_to_a_closed_passbook(asks: Asks) -> None:
    asks(Close, "V2", event=ClosingEvent.LEAVING)
    gift = asks(Give, account="points", amount=100, to_whom=Recipient.FRIEND, recipient=BEN)
    assert why(gift) == ["closed_passbook"]


def test_what_is_reserved_has_to_be_settled_before_the_passbook_closes(asks: Asks) -> None:
    asks(Redeem, offer="soap")
    assert why(asks(Close, event=ClosingEvent.LEAVING)) == ["open_holds"]


def test_what_somebody_leaves_behind_arrives_in_the_pool(asks: Asks, ledger: Ledger) -> None:
    asks(Close, event=ClosingEvent.LEAVING)
    assert (points(ledger, "V1"), points(ledger, "pool/chest", "chest")) == (0, 3 * HUNDRED)
    assert in_transit(ledger) == {}


def test_who_moves_brings_the_balance_along_with_its_days_once(
    asks: Asks, other_town: Rulebook, ledger: Ledger
) -> None:
    there = Asks(ledger, other_town)
    assert why(there(Redeem, offer="soap")) == ["balance"]
    closed = asks(Close, event=ClosingEvent.MOVING)
    assert in_transit(ledger) == {"points": 3 * HUNDRED}
    brought = {"from_county": HERE, "entry": closed.entry}
    assert there(Bring, **brought).accepted
    assert points(ledger, "V1", county=OVER_THERE) == 3 * HUNDRED
    with ledger.reading() as reading:
        lots = reading.wallet_rows([(ANN, OVER_THERE)])[ANN, OVER_THERE].lots
    assert (lots[0].earned_on, lots[0].ends) == (date(2024, 5, 1), date(2025, 5, 1))
    assert why(there(Bring, **brought)) == ["nothing_to_bring"]
    assert why(there(Bring, "V2", **brought)) == ["nothing_to_bring"]
    assert there(Redeem, offer="soap").accepted
    assert in_transit(ledger) == {}


def test_what_of_the_balance_that_is_brought_along_is_not_taken_in_is_told(
    asks: Asks, tmp_path: Path, ledger: Ledger
) -> None:
    two = ACCOUNTS.replace("storage: unlimited", "storage: {at_most: 2 points, overflow: lost}", 1)
    closed = asks(Close, event=ClosingEvent.MOVING)
    with town_of(tmp_path, OVER_THERE, two) as there:
        answer = Asks(ledger, there)(Bring, from_county=HERE, entry=closed.entry)
        assert "  points: 1 point over what is stored lost" in answer_sentences(answer.data, "en")
        (line,) = statement(ledger, there, ANN, None, DAY).lines
        assert [change.amount for change in line.changes] == [200]
        assert [(one.account, one.over, one.to) for one in line.outside] == [("points", HUNDRED, "lost")]
        assert [one.clause for one in line.clauses] == ["points", "county"]
        assert what_text(line, "en") == f"brought along, entry {closed.entry} of smallville"
        assert "points：1 分超出存储上限，作废" in list(remarks(line, "zh"))


def test_what_left_is_brought_on_no_day_before_it_left(
    asks: Asks, town: Rulebook, other_town: Rulebook, ledger: Ledger
) -> None:
    closed, there = asks(Close, event=ClosingEvent.MOVING), Asks(ledger, other_town)
    take_in(town, ledger, served("late", "2024-05-03 09:00", 1))  # of a day on which the passbook was open
    for late, eve in ((0, DAY - timedelta(days=1)), (1, date(2024, 5, 3))):
        early = there(Bring, on=eve, from_county=HERE, entry=closed.entry + late)
        assert why(early) == ["before_it_left"]
        assert f"it left smallville on {DAY}" in "".join(answer_sentences(early.data, "en"))
        assert there(Bring, from_county=HERE, entry=closed.entry + late).accepted


def test_what_left_is_brought_into_one_county_of_all_that_ask(
    asks: Asks, other_town: Rulebook, third_town: Rulebook, ledger: Ledger
) -> None:
    brought = {"from_county": HERE, "entry": asks(Close, event=ClosingEvent.MOVING).entry}
    assert Asks(ledger, other_town)(Bring, **brought).accepted
    assert why(Asks(ledger, third_town)(Bring, **brought)) == ["nothing_to_bring"]
    assert (points(ledger, "V1", county=OVER_THERE), in_transit(ledger)) == (3 * HUNDRED, {})


def test_what_left_is_brought_once_by_commands_of_one_transaction(
    asks: Asks, other_town: Rulebook, ledger: Ledger
) -> None:
    closed = asks(Close, event=ClosingEvent.MOVING)
    whose = {"volunteer": ANN, "county": OVER_THERE, "on": DAY, "scope": "test"}
    bring = Bring(**whose, key="a", from_county=HERE, entry=closed.entry)  # type: ignore[arg-type]
    first, second = Teller(ledger, other_town).serve_all([bring, replace(bring, key="b")])
    assert [isinstance(one, Answer) and one.accepted for one in (first, second)] == [True, False]
    assert in_transit(ledger) == {}


def test_of_two_counties_that_bring_at_once_one_has_it(
    tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_ledger(address) as ledger, ExitStack() as stack:
        here, *others = (stack.enter_context(town_of(tmp_path, name)) for name in (HERE, OVER_THERE, "thirdville"))
        take_in(here, ledger, served("a", "2024-05-01 09:00", 2))
        closed = Asks(ledger, here)(Close, event=ClosingEvent.MOVING)
        both, enter = Barrier(2), Writing.enter

        def slowly(writing: Writing, drafts: Sequence[Draft], *, last: bool = False) -> object:
            if any(draft.kind == "brought" for draft in drafts):
                with suppress(BrokenBarrierError):
                    both.wait(timeout=0.4)  # who has decided waits for the other one
            return enter(writing, drafts, last=last)

        monkeypatch.setattr(Writing, "enter", slowly)
        with ThreadPoolExecutor(2) as threads:
            asked = [
                threads.submit(Asks(ledger, there), Bring, from_county=HERE, entry=closed.entry) for there in others
            ]
        assert sorted(one.result().accepted for one in asked) == [False, True]
        assert in_transit(ledger) == {}


def test_who_brings_what_another_county_has_is_named_when_it_is_decided_again(
    asks: Asks, other_town: Rulebook, tmp_path: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    brought = {"from_county": HERE, "entry": asks(Close, event=ClosingEvent.MOVING).entry}
    assert Asks(ledger, other_town)(Bring, **brought).accepted
    copy = copy_of(tmp_path)
    with town_of(tmp_path, "thirdville") as third_town, open_ledger(str(copy), create=False) as careless:
        monkeypatch.setattr(tellers, "_brought", left_under)  # a bank that looks nowhere else
        assert Asks(careless, third_town)(Bring, **brought).accepted
        (found,) = replay(careless, [third_town]).differences
        assert [one.invariant for one in verify(careless)] == ["brought_once"]
    assert (found.volunteer, found.what) == (ANN, "kind")


def test_more_brought_than_had_left_is_named(asks: Asks, other_town: Rulebook, ledger: Ledger, tmp_path: Path) -> None:
    closed = asks(Close, event=ClosingEvent.MOVING)
    Asks(ledger, other_town)(Bring, from_county=HERE, entry=closed.entry)
    copy = copy_of(tmp_path)
    with forged(copy) as connection:
        twice_as_much(connection)
    with open_ledger(str(copy), create=False) as other:
        (found,) = replay(other, [other_town]).differences
    assert (found.volunteer, found.what) == (ANN, "postings")


def brought_there_too(connection: Connection) -> None:
    """The passbook in the other town stands in a third one as well, with all that belongs to it."""
    book = connection.exec_driver_sql(
        "SELECT id FROM passbook WHERE county = 'otherville' AND volunteer = 'V1'"
    ).scalar_one()
    connection.exec_driver_sql(
        "INSERT INTO passbook SELECT 99, volunteer, 'thirdville', number, head, recorded_at, closed_on FROM passbook "
        "WHERE id = ?",
        (book,),
    )
    for table in ("entry", "posting", "balance", "lot", "lot_move", "floor_change", "wallet_state"):
        rows = connection.exec_driver_sql(f"SELECT * FROM {table} WHERE passbook = ?", (book,)).all()
        for row in rows:
            marks = ", ".join("?" * len(row))
            connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({marks})", (99, *row[1:]))


def twice_as_much(connection: Connection) -> None:
    here = "passbook IN (SELECT id FROM passbook WHERE county = 'otherville')"
    for table, column in (("posting", "amount"), ("lot_move", "amount"), ("lot", "original")):
        connection.exec_driver_sql(f"UPDATE {table} SET {column} = {column} * 2 WHERE {here}")


def test_what_is_brought_and_goes_on_to_the_pool_has_arrived_as_it_left(
    asks: Asks, town: Rulebook, tmp_path: Path, ledger: Ledger
) -> None:
    closed = asks(Close, event=ClosingEvent.MOVING)
    take_in(town, ledger, served("late", "2024-05-03 09:00", 1))
    full = ACCOUNTS.replace("unlimited", "{at_most: 2 points, overflow: donation_pool}", 1)
    with town_of(tmp_path, OVER_THERE, full) as there:
        asks_there = Asks(ledger, there)
        assert all(asks_there(Bring, from_county=HERE, entry=closed.entry + n).accepted for n in (0, 1))
        assert replay(ledger, [there]).differences == []
    assert points(ledger, "V1", county=OVER_THERE) == 2 * HUNDRED
    assert points(ledger, "pool/chest", "chest", OVER_THERE) == 2 * HUNDRED
    assert verify(ledger) == []
    copy = copy_of(tmp_path)
    with forged(copy) as connection:
        brought_there_too(connection)
    with open_ledger(str(copy), create=False) as other:
        assert ONCE in {one.invariant for one in verify(other)}


def never_sent(connection: Connection) -> None:
    here = "passbook IN (SELECT id FROM passbook WHERE county = 'smallville')"
    connection.exec_driver_sql(f"UPDATE posting SET account = 'lost' WHERE account = 'transit' AND {here}")


ONCE, ARRIVES = "brought_once", "transit_arrives"


@pytest.mark.parametrize(
    ("forge", "found"),
    [
        (brought_there_too, [(ONCE, "thirdville", ("also_in", "otherville"))]),
        (twice_as_much, [(ONCE, "otherville", ("left", "points 300"))]),
        (never_sent, [(ONCE, "otherville", ("left", "-"))]),
    ],
)
def test_what_is_brought_twice_or_was_never_sent_is_found_without_the_rules(
    asks: Asks,
    other_town: Rulebook,
    ledger: Ledger,
    tmp_path: Path,
    forge: Callable[[Connection], None],
    found: list[tuple[str, str, tuple[str, str]]],
) -> None:
    closed = asks(Close, event=ClosingEvent.MOVING)
    Asks(ledger, other_town)(Bring, from_county=HERE, entry=closed.entry)
    copy = copy_of(tmp_path)
    with forged(copy) as connection:
        forge(connection)
    with open_ledger(str(copy), create=False) as other:
        violations = verify(other)
    named = [(one.invariant, dict(one.ids)["county"], said) for one in violations for said in one.ids]
    assert [one.invariant for one in violations] == [name for name, _county, _said in found]
    assert all(one in named for one in found)


def test_what_arrives_in_a_pool_and_left_nowhere_is_found_without_the_rules(asks: Asks, tmp_path: Path) -> None:
    asks(Close, event=ClosingEvent.LEAVING)
    copy = copy_of(tmp_path)
    with forged(copy) as connection:
        connection.exec_driver_sql("UPDATE posting SET account = 'issued' WHERE account = 'transit' AND amount > 0")
    with open_ledger(str(copy), create=False) as other:
        (violation,) = verify(other)
    assert violation.invariant == ARRIVES
    assert violation.ids == (("county", HERE), ("unit", "points"), ("in_transit", "-300"), ("left_less_brought", "0"))


def test_nothing_is_brought_from_a_passbook_that_is_open(asks: Asks, other_town: Rulebook, ledger: Ledger) -> None:
    given = asks(Give, account="points", amount=100, to_whom=Recipient.FRIEND, recipient=BEN)
    there = Asks(ledger, other_town)
    assert why(there(Bring, from_county=HERE, entry=given.entry)) == ["nothing_to_bring"]


def test_a_gift_is_not_brought_along_after_the_passbook_was_closed(
    asks: Asks, other_town: Rulebook, ledger: Ledger
) -> None:
    given = asks(Give, account="points", amount=100, to_whom=Recipient.FRIEND, recipient=BEN)
    asks(Close, event=ClosingEvent.MOVING)
    there = Asks(ledger, other_town)
    assert why(there(Bring, from_county=HERE, entry=given.entry)) == ["nothing_to_bring"]


# --- records after the end ---------------------------------------------------------------------------------------


def test_a_late_record_of_somebody_who_died_goes_to_the_heir(asks: Asks, town: Rulebook, ledger: Ledger) -> None:
    asks(Declare, family=((BEN, Relation.CHILD),))
    asks(Close, event=ClosingEvent.DEATH, heir=BEN)
    take_in(town, ledger, served("late", "2024-05-03 09:00", 1))
    assert (points(ledger, "V1"), points(ledger, "V2")) == (0, 4 * HUNDRED)
    assert in_transit(ledger) == {}


def test_the_heir_has_a_record_of_their_own_in_the_same_import(asks: Asks, town: Rulebook, ledger: Ledger) -> None:
    asks(Declare, family=((BEN, Relation.CHILD),))
    asks(Close, event=ClosingEvent.DEATH, heir=BEN)
    take_in(town, ledger, served("late", "2024-05-03 09:00", 1), served("own", "2024-05-04 09:00", 2, BEN))
    assert (points(ledger, "V1"), points(ledger, "V2")) == (0, 6 * HUNDRED)


def test_a_late_record_that_has_ended_by_then_is_inherited_by_nobody(
    asks: Asks, town: Rulebook, ledger: Ledger
) -> None:
    asks(Declare, family=((BEN, Relation.CHILD),))
    asks(Close, event=ClosingEvent.DEATH, heir=BEN)
    take_in(town, ledger, served("late", "2023-05-03 09:00", 1))
    assert (points(ledger, "V1"), points(ledger, "V2")) == (0, 3 * HUNDRED)


def test_an_heir_who_is_named_is_declared_though_nothing_is_left(asks: Asks) -> None:
    assert why(asks(Close, "V3", event=ClosingEvent.DEATH, heir=VolunteerId("V3"))) == ["heir"]


def test_what_nobody_was_named_to_inherit_is_with_nobody(asks: Asks, town: Rulebook, ledger: Ledger) -> None:
    asks(Close, "V3", event=ClosingEvent.DEATH)
    take_in(town, ledger, served("late", "2024-05-03 09:00", 1, "V3"))
    assert points(ledger, "V3") == 0
    with ledger.reading() as reading:
        last = reading.passbook_entries(VolunteerId("V3"), HERE)[-1]
    assert ("inherited/smallville", HUNDRED) in [(line.account, line.amount) for line in last.postings]


def test_a_late_record_of_somebody_who_left_goes_to_the_pool(asks: Asks, town: Rulebook, ledger: Ledger) -> None:
    asks(Close, event=ClosingEvent.LEAVING)
    take_in(town, ledger, served("late", "2024-05-03 09:00", 1))
    assert (points(ledger, "V1"), points(ledger, "pool/chest", "chest")) == (0, 4 * HUNDRED)


def test_a_late_record_of_somebody_who_moved_can_be_brought_too(
    asks: Asks, town: Rulebook, other_town: Rulebook, ledger: Ledger
) -> None:
    closed = asks(Close, event=ClosingEvent.MOVING)
    there = Asks(ledger, other_town)
    there(Bring, from_county=HERE, entry=closed.entry)
    take_in(town, ledger, served("late", "2024-05-03 09:00", 1))
    assert there(Bring, from_county=HERE, entry=closed.entry + 1).accepted
    assert points(ledger, "V1", county=OVER_THERE) == 4 * HUNDRED
    assert in_transit(ledger) == {}


def test_of_a_late_record_whose_points_have_ended_the_hours_can_still_be_brought(
    tmp_path: Path, ledger: Ledger
) -> None:
    hours = """
time:
  {holder: person, unit: hours, earned_from: hours, spent_on: [service], expires: never, storage: unlimited,
   spends_first: oldest, overdraft: none, transfer: none, shortfall: debt,
   closure: {death: inherited, moving: portable, leaving: to_pool}}
"""
    both = [COUNTY["county.yaml"].replace("smallville", name) for name in (HERE, OVER_THERE)]
    folders = [
        write_county(tmp_path / "with hours" / name, county=county, accounts=ACCOUNTS + hours)
        for name, county in zip((HERE, OVER_THERE), both, strict=True)
    ]
    for folder in folders:
        (folder / "redemption.yaml").unlink()
    with rules(folders[0]) as town, rules(folders[1]) as other_town:
        take_in(town, ledger, served("a", "2024-05-01 09:00", 2))
        closed = Asks(ledger, town)(Close, event=ClosingEvent.MOVING)
        take_in(town, ledger, served("late", "2023-05-03 09:00", 1))
        there = Asks(ledger, other_town)
        assert there(Bring, from_county=HERE, entry=closed.entry).accepted
        assert there(Bring, from_county=HERE, entry=closed.entry + 1).accepted
        with ledger.reading() as reading:
            has = reading.accounts(VolunteerId("V1"), OVER_THERE)
        assert (has["points", "points"], has["time", "seconds"]) == (2 * HUNDRED, 3 * 3600)
        for rulebook in (town, other_town):
            assert replay(ledger, [rulebook]).differences == []


def test_a_record_withdrawn_after_the_end_is_owed_as_the_account_says(
    asks: Asks, town: Rulebook, ledger: Ledger
) -> None:
    asks(Close, event=ClosingEvent.LEAVING)
    take_in(town, ledger, Withdrawn("b", "test"))  # type: ignore[arg-type]
    assert (points(ledger, "V1"), points(ledger, "V1", "points/debt")) == (0, -HUNDRED)
    assert kinds(ledger, "pool/chest") == ["received"]


@pytest.mark.parametrize("booked", [True, False])
def test_what_has_ended_keeps_no_passbook_open_whether_its_end_was_booked_or_not(
    tmp_path: Path, ledger: Ledger, *, booked: bool
) -> None:
    county = tmp_path / "silent" / "smallville"
    silent = ACCOUNTS.replace(
        ",\n   holds: 3 days, closure: {death: inherited, moving: portable, leaving: to_pool}", ""
    )
    with rules(write_county(county, accounts=silent, redemption=SOAP)) as town:
        take_in(town, ledger, served("a", "2024-05-01 09:00", 2))
        asks, last_day = Asks(ledger, town), date(2025, 5, 1)
        refused = asks(Close, on=last_day, event=ClosingEvent.LEAVING)
        assert why(refused) == ["closure"]
        if booked:
            end_all(ledger, town, last_day + timedelta(days=1))
        assert asks(Close, on=last_day + timedelta(days=1), event=ClosingEvent.LEAVING).accepted
        assert points(ledger, "V1") == 0
        assert replay(ledger, [town]).differences == []


def test_in_a_closed_passbook_lots_are_told_apart_for_what_is_there_leaves_with_what_comes_in(tmp_path: Path) -> None:
    with rules(write_county(tmp_path / "smallville")) as rulebook:
        plain = replace(rulebook.policy, accounts=tuple(replace(a, storage=None) for a in rulebook.policy.accounts))
    closed = OPEN.closed(Closed(DAY, ClosingEvent.MOVING, VolunteerId(""), 3))
    assert [needs_lots(plain, ()), needs_lots(plain, (), closed)] == [False, True]
    assert not needs_lots(plain, (), closed.reopened(DAY, 4))


CAPPED = """
- {id: by_time, points_per_hour: 1}
- {id: rounding, round: {to: 0.01 points, each: record, direction: down}}
- {id: cap, limit: {per: calendar_year, at_most: 3 points, overflow: donation_pool}}
"""


def test_what_a_correction_passes_on_to_the_pool_has_left_for_no_other_county(tmp_path: Path) -> None:
    accounts = ACCOUNTS.replace("{valid: 12 months}", "{at_end_of: quarter}")
    with (
        open_ledger(str(tmp_path / "bank.db")) as ledger,
        rules(write_county(tmp_path / "smallville", accounts=accounts, earning=CAPPED, redemption=SOAP)) as town,
        town_of(tmp_path, OVER_THERE, accounts) as other_town,
    ):
        asks = Asks(ledger, town)
        asks(Close, event=ClosingEvent.MOVING, on=date(2024, 1, 29))
        take_in(town, ledger, served("1", "2024-03-19 09:00", 1), on=date(2024, 4, 8))  # has ended by then
        take_in(town, ledger, served("2", "2024-03-03 09:00", 2), on=date(2024, 5, 2))
        take_in(town, ledger, served("3", "2024-03-01 09:00", 2), on=date(2024, 5, 3))  # and over the limit now
        with ledger.reading() as reading:
            entries = [one.entry for one in reading.passbook_entries(VolunteerId("V1"), HERE)]
        over = [one.id for one in entries if one.kind == "adjusting"]
        assert over != []
        assert points(ledger, "pool/chest", "chest") == 2 * HUNDRED
        brings = Asks(ledger, other_town)
        for entry in over:
            assert not brings(Bring, from_county=HERE, entry=entry, on=date(2024, 5, 4)).accepted
        assert verify(ledger) == []
        assert replay(ledger, [town]).differences == []
