"""A passbook that somebody changed by hand: it is said whose and where, nothing of it is written, others go on."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import date
from functools import partial
from pathlib import Path

import pytest

from lianxing.engine.bank.ending import end_all
from lianxing.engine.bank.replaying import replay
from lianxing.engine.bank.statements import statement
from lianxing.engine.bank.tellers import Window
from lianxing.engine.ledger.errors import DamagedPassbookError
from lianxing.engine.ledger.opening import open_ledger
from lianxing.engine.ledger.verifying import verify
from lianxing.plugins.desk import Desk
from lianxing.plugins.host import Host
from lianxing.plugins.intake import Intake
from lianxing.rules.accounts import Purpose, Recipient
from lianxing.rules.closures import ClosingEvent
from lianxing.rules.commands import Close, Give, Redeem, Refund, Release, Reserve, Settle, UsePerk
from lianxing.rules.facts import RecordId, RegistryId
from lianxing.rules.records import Volunteer, Withdrawn
from tests.engine.bank.counter import Counter, bank
from tests.engine.bank.counting_house import ANN, BEN, DAY, HERE, PERKS, take_in
from tests.engine.bank.forging import copy_of, forged
from tests.engine.bank.test_transitions import changed
from tests.plugins.smallville import COUNTY, served

YEARS_ON = date(2026, 1, 1)  # everything has ended
STARS = COUNTY["stars.yaml"] + "grants: {1: 25 points}\n"
ANNS = "passbook = (SELECT id FROM passbook WHERE volunteer = 'V1' AND county <> '')"

# What is written over what stands in the ledger of Ann.
DAMAGES = {
    "grants without their changes of rules": f"UPDATE wallet_state SET issued = '{{\"issued\": []}}' WHERE {ANNS}",
    "grants that are no JSON": f"UPDATE wallet_state SET issued = 'x' WHERE {ANNS}",
    "grants of another type": f"UPDATE wallet_state SET issued = '7' WHERE {ANNS}",
    "grants with an odd star": f'UPDATE wallet_state SET issued = \'{{"issued":[],"turned":{{}},"stars":[[1]]}}\' '
    f"WHERE {ANNS}",
    "a lot of a day that is none": f"UPDATE lot SET earned_on = 'x', last_day = 'x' WHERE {ANNS}",
    "what the register says of her": "UPDATE volunteer SET facts = CAST('7' AS BLOB) WHERE id = 'V1'",
    "her birthday": "UPDATE volunteer SET born_on = 'x' WHERE id = 'V1'",
}
WHAT_SHE_HAS_HAD = f"UPDATE redemption SET on_day = 'x' WHERE {ANNS}"
ASKED: dict[str, Callable[[Counter], object]] = {
    "redeem": lambda here: here.ask(Redeem, offer="soap"),
    "a trial": lambda here: here.teller.rehearse(here.command(Redeem, offer="soap")),
    "at the desk": lambda here: Desk(Host(installed=False), here.ledger, here.rulebook).serve(
        here.command(Redeem, offer="soap")
    ),
    "settle": lambda here: here.ask(Settle, entry=here.kinds().index("held") + 1),
    "release": lambda here: here.ask(Release, entry=here.kinds().index("held") + 1),
    "refund": lambda here: here.ask(Refund, entry=here.kinds().index("perk_used") + 1),
    "reserve": lambda here: here.ask(Reserve, account="points", amount=100, purpose=Purpose.GOODS),
    "give": lambda here: here.ask(Give, account="points", amount=100, to_whom=Recipient.FRIEND, recipient=BEN),
    "close": lambda here: here.ask(Close, event=ClosingEvent.LEAVING),
    "use a perk": lambda here: here.ask(UsePerk, on=date(2025, 6, 1), perk="bath"),
    "a statement": lambda here: statement(here.ledger, here.rulebook, ANN, None, DAY),
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Counter, Path]]:
    """A bank in which Ann has done a little of everything, and Ben has points."""
    folder = tmp_path_factory.mktemp("sound")
    with bank(
        folder, str(folder / "bank.db"), perks=PERKS, stars=STARS, transition=changed("{convert: 0.5}")
    ) as counter:
        take_in(counter.rulebook, counter.ledger, served("b", "2024-05-01 09:00", 3, volunteer=BEN))
        counter.ask(Redeem, offer="soap")
        counter.ask(UsePerk, perk="bath")
        yield counter, folder


@pytest.fixture
def damaged(sound: tuple[Counter, Path]) -> Iterator[Callable[[str], Counter]]:
    """Return the same bank with something written over what stood there."""
    counter, folder = sound
    with ExitStack() as stack:

        def write(damage: str) -> Counter:
            path = copy_of(folder)
            with closing(sqlite3.connect(path, isolation_level=None)) as connection, unguarded(connection):
                connection.execute(damage)
            here = Counter(counter.rulebook, stack.enter_context(open_ledger(str(path), create=False)))
            here.keys = counter.keys
            return here

        yield write


@contextmanager
def unguarded(connection: sqlite3.Connection) -> Iterator[None]:
    triggers = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    for name, _made in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    yield
    for _name, made in triggers:
        connection.execute(made)


def damage_met(ask: Callable[[], object]) -> DamagedPassbookError | None:
    try:
        ask()
    except DamagedPassbookError as error:
        return error
    return None


def entries(here: Counter) -> int:
    with here.ledger.reading() as reading:
        return reading.counts()["entries"]


@pytest.mark.parametrize("damage", DAMAGES)
def test_whatever_is_asked_of_a_damaged_passbook_it_is_named_and_nothing_is_written(
    damage: str, damaged: Callable[[str], Counter]
) -> None:
    here = damaged(DAMAGES[damage])
    before, answered = entries(here), []
    for name, ask in ASKED.items():
        error = damage_met(partial(ask, here))
        if error is None:
            answered.append(name)  # what was damaged is not looked at for it
            continue
        assert error.volunteer == "V1"
        assert "V1: the passbook is damaged at entry" in str(error) or "person" in error.meaning.en
        assert "V1：存折已损坏" in error.text("zh")
    assert set(answered) <= {"a statement"}
    assert entries(here) == before
    assert here.ask(Redeem, volunteer=BEN, offer="soap").accepted


@pytest.mark.parametrize("asked", ["use a perk", "settle", "release", "refund"])
def test_damage_to_what_was_had_before_is_met_where_an_answer_rests_on_it(
    asked: str, damaged: Callable[[str], Counter]
) -> None:
    here = damaged(WHAT_SHE_HAS_HAD)
    before = entries(here)
    assert damage_met(partial(ASKED[asked], here)) is not None
    assert entries(here) == before
    assert here.ask(Redeem, offer="soap").accepted  # which is not limited: nothing that was had bears on it


def test_a_damaged_entry_is_named_by_its_number(damaged: Callable[[str], Counter]) -> None:
    here = damaged(f"UPDATE entry SET body = CAST('x' AS BLOB) WHERE kind = 'held' AND {ANNS}")
    number = here.kinds().index("held") + 1
    with pytest.raises(DamagedPassbookError, match=f"^smallville/V1: the passbook is damaged at entry {number};"):
        statement(here.ledger, here.rulebook, ANN, None, DAY)


@pytest.mark.parametrize("instant", [10**15, 253_402_214_401])
def test_an_entry_of_an_instant_beyond_the_calendar_is_damage_though_all_else_fits(
    instant: int, sound: tuple[Counter, Path]
) -> None:
    counter, folder = sound
    path = copy_of(folder)
    with forged(path) as connection:
        connection.exec_driver_sql(
            f"UPDATE entry SET recorded_at = {instant} WHERE {ANNS} AND number = (SELECT max(number) FROM entry "
            f"WHERE {ANNS})"
        )
        connection.exec_driver_sql(
            f"UPDATE passbook SET recorded_at = {instant} WHERE id = {ANNS.removeprefix('passbook = ')}"
        )
    with open_ledger(str(path), create=False) as ledger:
        here = Counter(counter.rulebook, ledger)
        here.keys = counter.keys
        assert [one.invariant for one in verify(ledger)] == ["entries_in_time"]
        for ask in (ASKED["a statement"], ASKED["redeem"]):
            error = damage_met(partial(ask, here))
            assert error is not None
            assert "of the calendar" in error.meaning.en
            assert "须在日历之内" in error.text("zh")


def test_of_several_who_ask_at_one_window_the_others_are_served(damaged: Callable[[str], Counter]) -> None:
    here = damaged(DAMAGES["grants that are no JSON"])
    with Window(here.teller) as window:
        asked = [window.ask(here.command(Redeem, volunteer=who, offer="soap")) for who in (BEN, ANN, BEN)]
        with pytest.raises(DamagedPassbookError):
            asked[1].result()
        assert asked[0].result().accepted
        assert asked[2].result().accepted


@pytest.mark.parametrize("damage", ["grants that are no JSON", "her birthday"])
def test_a_run_ends_what_others_have_and_names_whose_passbook_it_left_out(
    damage: str, damaged: Callable[[str], Counter]
) -> None:
    here = damaged(DAMAGES[damage])
    foreseen = end_all(here.ledger, here.rulebook, YEARS_ON, dry_run=True)
    ended = end_all(here.ledger, here.rulebook, YEARS_ON)
    assert (list(ended.damaged), list(foreseen.damaged)) == ([ANN], [ANN])
    assert here.kinds(BEN)[-1] == "expired"
    assert "hold_expired" not in here.kinds()


def test_a_run_ends_what_others_have_and_names_whom_the_database_refuses(damaged: Callable[[str], Counter]) -> None:
    here = damaged(f"UPDATE balance SET posted = 1 WHERE account = 'points' AND {ANNS}")  # of more than that is left
    before = here.kinds()
    ended = end_all(here.ledger, here.rulebook, YEARS_ON)
    assert list(ended.damaged) == [ANN]
    assert str(ended.damaged[ANN]).startswith("smallville/V1: the database refuses: ")
    assert ended.damaged[ANN].text("zh").startswith("smallville/V1：数据库拒绝：")
    assert (ended.people, here.kinds(BEN)[-1], here.kinds()) == (1, "expired", before)


def test_an_import_sets_the_records_of_a_damaged_passbook_aside_and_books_the_others(
    damaged: Callable[[str], Counter],
) -> None:
    here = damaged(DAMAGES["grants that are no JSON"])
    came = [served("late", "2024-02-01 09:00", 2), served("2024-01-10", "2024-01-10 09:00", 1)]
    report = here.take(*came, served("c", "2024-05-02 09:00", 2, volunteer=BEN))
    assert (report.booked, report.set_aside, report.records_read) == (1, 2, 3)
    assert report.reasons == {"damaged_passbook": 2}
    assert here.kinds(BEN)[-1] == "original"


def test_an_import_sets_aside_what_is_said_of_somebody_whose_own_file_is_damaged_and_keeps_it_of_the_others(
    damaged: Callable[[str], Counter],
) -> None:
    here = damaged("UPDATE passbook SET recorded_at = 253402300800 WHERE volunteer = 'V1' AND county = ''")
    people = tuple(Volunteer(id, born_on=date(1960, 1, 1)) for id in (BEN, ANN))
    came = served("c", "2024-05-02 09:00", 2, volunteer=BEN)
    report = take_in(here.rulebook, here.ledger, came, volunteers=people)
    assert (report.booked, report.volunteers_saved, report.volunteers_set_aside) == (1, 1, 1)
    assert report.reasons == {"damaged_passbook": 1}


def test_who_is_alone_with_the_file_is_not_told_that_somebody_else_was_faster(
    damaged: Callable[[str], Counter],
) -> None:
    here = damaged(f"UPDATE record_key SET original = original + 1 WHERE {ANNS}")
    report = here.take(Withdrawn(RecordId("2024-01-10"), RegistryId("test"), "a mistake"))
    assert (report.withdrawn, report.reasons) == (0, {"damaged_passbook": 1})
    one_by_one = Intake(Host(installed=False), here.rulebook, here.ledger, RegistryId("test"), DAY, lambda _row: None)
    with pytest.raises(DamagedPassbookError):
        one_by_one.take([Withdrawn(RecordId("2024-01-10"), RegistryId("test"), "a mistake")])


def test_verify_names_a_damaged_passbook_and_decides_everybody_else_again(damaged: Callable[[str], Counter]) -> None:
    here = damaged(DAMAGES["grants that are no JSON"])
    assert {dict(one.ids).get("volunteer") for one in verify(here.ledger)} == {"V1"}
    done = replay(here.ledger, [here.rulebook])
    assert {one.volunteer for one in done.differences} == {"V1"}
    assert done.passbooks == 2


def test_a_fault_of_the_program_is_blamed_on_no_passbook(sound: tuple[Counter, Path]) -> None:
    counter, _folder = sound

    def fault() -> None:
        with counter.ledger.reading() as reading:
            assert reading.balances_of([(ANN, HERE)])
            raise KeyError("of the program")

    with pytest.raises(KeyError, match="of the program"):
        fault()


def test_a_transaction_that_stumbles_on_postgres_is_looked_into_as_well(tmp_path: Path, empty_on_postgres: str) -> None:
    with bank(tmp_path, empty_on_postgres) as counter:
        with counter.ledger.reading() as reading:
            kept = reading.volunteers([ANN])

        def stumble() -> None:
            with counter.ledger.writing() as writing:
                writing._connection.exec_driver_sql("UPDATE volunteer SET born_on = 'x' WHERE id = 'V1'")
                writing.volunteers([ANN])

        with pytest.raises(DamagedPassbookError, match="V1"):
            stumble()
        with counter.ledger.reading() as reading:
            assert reading.volunteers([ANN]) == kept
