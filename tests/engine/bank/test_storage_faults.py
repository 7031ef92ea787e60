"""A full disk, a database that may not be written, a clock that jumps, a wire that is cut: nothing by halves."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count, islice
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event

from lianxing.engine.bank import ending
from lianxing.engine.bank.ending import end_all
from lianxing.engine.bank.tellers import Answer, Teller, Window
from lianxing.engine.ledger.errors import FullError, InDoubtError, LedgerError, ReadOnlyError, UnreachableError
from lianxing.engine.ledger.opening import Ledger, database_at, open_ledger
from lianxing.engine.ledger.verifying import verify
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.accounts import Recipient
from lianxing.rules.commands import Command, Give, Redeem, Release
from lianxing.rules.facts import VolunteerId
from lianxing.rules.records import Volunteer
from tests.engine.bank.counting_house import ANN, BEN, DAY, HERE, rules
from tests.engine.bank.dying import (
    AT_ONCE,
    NOW,
    PEOPLE,
    POINTS,
    SCOPE,
    YEAR_LATER,
    county_in,
    found_bank,
    found_crowd,
    opened,
)
from tests.engine.bank.test_crashing import ROOT, Said, entries, points_of
from tests.engine.ledger.test_postgres import cutting_wire
from tests.postgres import Server

KEYS = count()


@pytest.fixture
def county(tmp_path: Path) -> Path:
    return county_in(tmp_path / "smallville")


@pytest.fixture
def rulebook(county: Path) -> Iterator[Rulebook]:
    with rules(county) as made:
        yield made


@pytest.fixture
def bank(address: str, county: Path) -> Iterator[Ledger]:
    """A ledger in which Ann and Ben have points, on each database."""
    found_bank(address, county)
    with opened(address) as ledger:
        yield ledger
        assert verify(ledger) == []


@pytest.fixture
def file(tmp_path: Path, county: Path) -> Iterator[Ledger]:
    """The same, on SQLite."""
    found_bank(str(tmp_path / "bank.db"), county)
    with opened(str(tmp_path / "bank.db")) as ledger:
        yield ledger
        assert verify(ledger) == []


def soap(key: str = "") -> Command:
    return Redeem(volunteer=ANN, county=HERE, on=DAY, scope=SCOPE, key=key or f"soap-{next(KEYS)}", offer="soap")


def gift(key: str) -> Command:
    friend = Recipient.FRIEND
    how: dict[str, Any] = {"account": "points", "amount": 100, "to_whom": friend, "recipient": BEN}
    return Give(volunteer=ANN, county=HERE, on=DAY, scope=SCOPE, key=key, **how)


def is_stored(ledger: Ledger, command: Command) -> bool:
    with ledger.reading() as reading:
        return bool(reading.commands([(command.scope, command.key)]))


@contextmanager
def on_each_connection(ledger: Ledger, *statements: str) -> Iterator[None]:
    """Say this to SQLite on every connection; the last statement undoes it."""
    *during, after = statements

    @event.listens_for(ledger.database.engine, "checkout")
    def say(connection: sqlite3.Connection, *_: object) -> None:
        for statement in during:
            connection.execute(statement)

    try:
        yield
    finally:
        event.remove(ledger.database.engine, "checkout", say)
        with ledger.database.engine.connect() as connection:
            connection.exec_driver_sql(after)


def full(ledger: Ledger) -> Any:
    """No page more for the file from here on."""
    with ledger.reading() as reading:
        (pages,) = reading._connection.exec_driver_sql("PRAGMA page_count").one()
    return on_each_connection(ledger, f"PRAGMA max_page_count = {pages}", "PRAGMA max_page_count = 1073741823")


Serve = Callable[[Command], Answer]


def until_full(serve: Serve) -> Command:
    """Redeem until there is no room; return what had none."""
    for _ in range(500):
        command = soap()
        try:
            serve(command)
        except FullError:
            return command
    raise AssertionError("the disk was never full")


@pytest.mark.parametrize("through_window", [False, True])
def test_a_full_disk_in_a_redemption_keeps_nothing_of_it_and_the_same_key_goes_when_there_is_room(
    file: Ledger, rulebook: Rulebook, through_window: bool
) -> None:
    teller = Teller(file, rulebook)
    window = Window(teller)
    serve = window.serve if through_window else teller.serve
    first = serve(soap("first"))
    with full(file):
        command = until_full(serve)
        assert not is_stored(file, command)
        assert points_of(file) == POINTS  # reserved is not gone
        assert verify(file) == []
        assert serve(soap("first")).entry == first.entry  # what was answered is answered still
        with pytest.raises(FullError):
            serve(command)
    answer = serve(command)
    assert (answer.accepted, answer.replayed) == (True, False)
    assert serve(command).replayed
    window.close()


def test_a_full_disk_in_an_expiry_run_keeps_whole_people_and_the_run_goes_on_when_there_is_room(
    tmp_path: Path, county: Path, rulebook: Rulebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ending, "PEOPLE_AT_ONCE", AT_ONCE)
    names = [str(tmp_path / name) for name in ("filled.db", "unbroken.db")]
    for name in names:
        found_crowd(name, county)
    with opened(names[1]) as unbroken:
        end_all(unbroken, rulebook, YEAR_LATER)
    with opened(names[0]) as ledger:
        told: list[int] = []
        with full(ledger), pytest.raises(FullError):
            end_all(ledger, rulebook, YEAR_LATER, told.append)
        with ledger.reading() as reading:
            assert sum(1 for _ in reading.of_kinds(["expired"], HERE)) == (told[-1] if told else 0) < PEOPLE
        assert verify(ledger) == []
        end_all(ledger, rulebook, YEAR_LATER)
    assert entries(names[0]) == entries(names[1])


def test_a_server_without_room_keeps_nothing_and_the_same_key_goes_when_there_is_room(
    postgres_url: str, county: Path, rulebook: Rulebook
) -> None:
    # The server raises what it raises on a full disk, at the very last row of the transaction; no disk is filled.
    found_bank(postgres_url, county)
    with opened(postgres_url) as ledger:
        teller = Teller(ledger, rulebook)
        with ledger._transaction(writing=True) as connection:
            connection.exec_driver_sql(
                "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$"
            )
            connection.exec_driver_sql(
                "CREATE CONSTRAINT TRIGGER no_room AFTER INSERT ON entry DEFERRABLE INITIALLY DEFERRED "
                "FOR EACH ROW EXECUTE FUNCTION no_room()"
            )
        command = gift("g")
        with pytest.raises(FullError):
            teller.serve(command)
        assert not is_stored(ledger, command)
        assert points_of(ledger) == POINTS
        with ledger._transaction(writing=True) as connection:
            connection.exec_driver_sql("DROP TRIGGER no_room ON entry")
            connection.exec_driver_sql("DROP FUNCTION no_room")
        assert not teller.serve(command).replayed
        assert verify(ledger) == []


def test_a_file_that_may_not_be_written_refuses_commands_and_can_be_read(file: Ledger, rulebook: Rulebook) -> None:
    teller = Teller(file, rulebook)
    with on_each_connection(file, "PRAGMA query_only = ON", "PRAGMA query_only = OFF"):
        for serve in (teller.serve, lambda _command: end_all(file, rulebook, YEAR_LATER)):
            with pytest.raises(ReadOnlyError):
                serve(soap("s"))
        assert points_of(file) == POINTS
        assert teller.rehearse(soap("s")).accepted
    assert not teller.serve(soap("s")).replayed


def test_a_server_that_is_read_only_refuses_commands_and_can_be_read(
    postgres_server: Server, postgres_url: str, county: Path, rulebook: Rulebook
) -> None:
    found_bank(postgres_url, county)
    with opened(postgres_url) as ledger:

        def set_read_only(said: str) -> None:
            """As a provider does whose disk is nearly full."""
            name = ledger.database.engine.url.database
            postgres_server.run(f"ALTER DATABASE {name} SET default_transaction_read_only = {said}")
            ledger.database.engine.dispose()  # who is connected goes on as before

        set_read_only("on")
        teller = Teller(ledger, rulebook)
        with pytest.raises(ReadOnlyError):
            teller.serve(soap("s"))
        assert points_of(ledger) == POINTS
        set_read_only("off")
        assert not teller.serve(soap("s")).replayed
        assert verify(ledger) == []


# --- the clock -----------------------------------------------------------------------------------------------------


def test_a_clock_that_is_set_back_takes_no_entry_into_the_past(bank: Ledger, address: str, rulebook: Rulebook) -> None:
    hours = iter([NOW + 7_200, NOW + 3_600, NOW - 86_400, NOW + 7_300])
    with open_ledger(address, clock=lambda: next(hours)) as ledger:
        teller = Teller(ledger, rulebook)
        for key in ("g1", "g2", "g3", "g4"):
            assert teller.serve(gift(key)).accepted
    with bank.reading() as reading:
        for person in (ANN, BEN):
            stored = [one.entry.recorded_at for one in reading.passbook_entries(person, HERE)]
            assert stored[-4:] == [NOW + 7_200, NOW + 7_200, NOW + 7_200, NOW + 7_300]
            assert stored == sorted(stored)


def test_nothing_ends_because_a_clock_has_jumped(bank: Ledger, address: str, rulebook: Rulebook) -> None:
    year = 366 * 86_400
    with open_ledger(address, clock=lambda: NOW + year) as ledger:
        teller = Teller(ledger, rulebook)
        held = teller.serve(soap("held"))
        assert end_all(ledger, rulebook, DAY).people == 0
        released = Release(volunteer=ANN, county=HERE, on=DAY, scope=SCOPE, key="released", entry=held.entry)
        assert teller.serve(released).accepted
        assert points_of(ledger) == POINTS


# --- the wire ------------------------------------------------------------------------------------------------------


@contextmanager
def ended_at(ledger: Ledger, moment: str, table: str = "") -> Iterator[None]:
    """End the session that comes to this moment, once, from another session."""
    ended: list[int] = []
    other = database_at(ledger.database.engine.url.render_as_string(hide_password=False), durable=False)

    def end(connection: Connection) -> None:
        process = connection.connection.dbapi_connection.info.backend_pid  # type: ignore[union-attr]
        if not ended:
            ended.append(process)
            with other.engine.connect() as killer:
                killer.exec_driver_sql(f"SELECT pg_terminate_backend({process}, 10000)")

    def before(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith(f"INSERT INTO {table} "):
            end(connection)

    work = end if moment == "commit" else before
    event.listen(ledger.database.engine, moment, work)
    try:
        yield
    finally:
        event.remove(ledger.database.engine, moment, work)
        other.engine.dispose()
    assert ended


@pytest.mark.parametrize("through_window", [False, True])
@pytest.mark.parametrize(
    ("moment", "table", "error"),
    [
        ("before_cursor_execute", "posting", UnreachableError),
        ("before_cursor_execute", "entry", UnreachableError),
        ("before_cursor_execute", "command", UnreachableError),
        ("commit", "", InDoubtError),
    ],
)
def test_a_session_that_is_ended_in_a_gift_leaves_nothing_of_it_and_the_key_asked_again_does_it(
    empty_on_postgres: str,
    county: Path,
    rulebook: Rulebook,
    moment: str,
    table: str,
    error: type[LedgerError],
    through_window: bool,
) -> None:
    found_bank(empty_on_postgres, county)
    with opened(empty_on_postgres) as ledger:
        teller = Teller(ledger, rulebook)
        window = Window(teller)
        serve = window.serve if through_window else teller.serve
        with ended_at(ledger, moment, table), pytest.raises(error) as raised:
            serve(gift("g"))
        assert type(raised.value) is error
        assert not is_stored(ledger, gift("g"))
        assert points_of(ledger) == POINTS
        assert verify(ledger) == []
        first, second = serve(gift("g")), serve(gift("g"))
        assert (first.replayed, second.replayed, first.entry) == (False, True, second.entry)
        assert verify(ledger) == []
        window.close()


@pytest.mark.skipif("TEST_DATABASE_URL" in os.environ, reason="the wire is cut at our own server's socket")
def test_an_answer_that_is_lost_after_the_commit_leaves_doubt_and_the_key_tells_that_it_was_done(
    empty_on_postgres: str, county: Path, rulebook: Rulebook
) -> None:
    found_bank(empty_on_postgres, county)
    with cutting_wire(empty_on_postgres) as wire:
        cut = Ledger(database_at(wire, durable=False), lambda: NOW)
        with pytest.raises(InDoubtError, match="ask again with the same key"):
            Teller(cut, rulebook).serve(gift("g"))
        cut.close()
    with opened(empty_on_postgres) as ledger:
        assert Teller(ledger, rulebook).serve(gift("g")).replayed
        with ledger.reading() as reading:
            assert reading.accounts(BEN, HERE)["points", "points"] == POINTS // 2 + 100
        assert verify(ledger) == []


def test_a_session_that_is_ended_in_an_expiry_run_leaves_whole_people(
    empty_on_postgres: str, county: Path, rulebook: Rulebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ending, "PEOPLE_AT_ONCE", AT_ONCE)
    found_crowd(empty_on_postgres, county)
    with opened(empty_on_postgres) as ledger:
        with ended_at(ledger, "before_cursor_execute", "entry"), pytest.raises(UnreachableError):
            end_all(ledger, rulebook, YEAR_LATER)
        assert verify(ledger) == []
        assert end_all(ledger, rulebook, YEAR_LATER).people == PEOPLE
        assert end_all(ledger, rulebook, YEAR_LATER).people == 0
        assert verify(ledger) == []


def test_a_limit_on_the_size_of_files_is_told_as_a_full_disk_and_keeps_nothing_by_halves(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    people = (Volunteer(VolunteerId(f"V{number}")) for number in count())

    def more_people(ledger: Ledger, times: int) -> None:
        for _time in range(times):
            with ledger.writing() as writing:
                writing.save_volunteers(islice(people, 200))

    with open_ledger(str(tmp_path / "county.db")) as ledger:
        size = sum(file.stat().st_size for file in tmp_path.iterdir())
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
            with pytest.raises(FullError, match="as large as this process may make one"):
                more_people(ledger, 20)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        with ledger.reading() as reading:
            kept = reading.counts()["volunteers"]
        assert kept % 200 == 0
        more_people(ledger, 1)
        assert verify(ledger) == []


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace lets a sync fail")
def test_a_sync_that_fails_is_told_keeps_nothing_of_its_transaction_and_the_same_key_does_it(
    tmp_path: Path, county: Path, rulebook: Rulebook
) -> None:
    address = tmp_path / "bank.db"
    found_bank(str(address), county)
    syncs = ["-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO:when=5"]
    failing = ["strace", "-f", "-o", str(tmp_path / "trace"), "-P", f"{address}-wal", *syncs]
    clerk = [sys.executable, str(ROOT / "tests" / "engine" / "bank" / "dying.py")]
    done = subprocess.run(
        [*failing, *clerk, "once", str(address), str(county), "FULL", "12"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if "ptrace" in done.stderr:
        pytest.skip("strace may not watch here")
    assert (done.returncode, done.stderr.split()[0]) == (1, UnreachableError.__name__)
    said = Said()
    for line in done.stdout.splitlines():
        said.hear_line(line)
    with opened(str(address)) as ledger:
        said.check(ledger)
        (failed,) = said.in_doubt()
        assert not is_stored(ledger, failed)
        said.ask_again(ledger, rulebook)
        assert verify(ledger) == []
