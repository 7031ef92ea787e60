"""Opening a ledger: what it makes, and the sentence for everything that cannot be opened."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import ModuleType

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, event

from lianxing.engine.ledger import finding, sqlite
from lianxing.engine.ledger.errors import (
    AddressError,
    BusyError,
    DamagedError,
    FullError,
    InvalidError,
    LedgerError,
    NewerSchemaError,
    NotALedgerError,
    OldSqliteError,
    UnreachableError,
)
from lianxing.engine.ledger.migrating import SCHEMA_VERSIONS
from lianxing.engine.ledger.opening import Ledger, SqliteWarning, open_ledger, schema_version
from lianxing.engine.ledger.tables import metadata
from lianxing.engine.ledger.verifying import verify
from tests.engine.ledger.making import COUNTY, VOLUNTEER, book, original, record

ROOT = Path(__file__).parents[3]


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    """A ledger in a file: opening one on a server is told in `test_postgres`."""
    with open_ledger(str(path), clock=lambda: 1_750_000_000) as opened:
        yield opened


def refusal(address: str, *, create: bool = True) -> LedgerError:
    with pytest.raises(LedgerError) as caught:
        open_ledger(address, create=create)
    error = caught.value
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None
    assert str(error) == error.text("en") == f"{error.place}: {error.label.en}"
    assert error.label.zh
    assert "sqlalchemy" not in str(error).lower()
    return error


def test_a_new_file_becomes_an_empty_ledger_of_the_newest_schema(path: Path) -> None:
    with open_ledger(str(path)) as ledger:
        assert schema_version(ledger) == SCHEMA_VERSIONS[-1]
        assert verify(ledger) == []
        with ledger.reading() as reading:
            assert set(reading.counts().values()) == {0}


def test_an_empty_file_becomes_a_ledger_too(path: Path) -> None:
    path.touch()
    with open_ledger(str(path)) as ledger:
        assert schema_version(ledger) == SCHEMA_VERSIONS[-1]


def test_a_path_and_a_url_name_the_same_ledger(path: Path) -> None:
    with open_ledger(str(path)) as ledger:
        book(ledger, original(record("r1")))
    with open_ledger(f"sqlite:///{path}") as ledger, ledger.reading() as reading:
        assert reading.balances(VOLUNTEER, COUNTY) == {"points": 600, "seconds": 7_200}


def test_a_path_is_taken_as_it_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "100 % 攸县?#"
    folder.mkdir()
    with open_ledger(str(folder / "联星.db")) as ledger:
        assert verify(ledger) == []
    assert (folder / "联星.db").exists()


def test_opening_again_changes_nothing(path: Path) -> None:
    open_ledger(str(path)).close()
    before = path.read_bytes()
    open_ledger(str(path)).close()
    assert path.read_bytes() == before


def test_an_up_to_date_ledger_opens_without_alembic(path: Path) -> None:
    open_ledger(str(path)).close()
    script = (
        "import sys; from lianxing.engine.ledger.opening import open_ledger; "
        f"open_ledger({str(path)!r}).close(); sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == 0


def test_every_connection_is_durable_and_checked(ledger: Ledger) -> None:
    with ledger._transaction(writing=True) as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "recursive_triggers", "busy_timeout")
        }
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "recursive_triggers": 1,
        "busy_timeout": 30_000,
    }


def test_the_tables_are_what_the_migrations_leave(ledger: Ledger, tmp_path: Path) -> None:
    query = (
        "SELECT name, sql FROM sqlite_schema WHERE type IN ('table', 'index') AND sql IS NOT NULL "
        "AND name <> 'alembic_version' ORDER BY name"
    )
    with ledger._transaction(writing=False) as connection:
        migrated = connection.exec_driver_sql(query).all()
    engine = create_engine(f"sqlite:///{tmp_path / 'tables.db'}")
    metadata.create_all(engine)
    with engine.connect() as connection:
        for statement in finding.statements("sqlite"):
            connection.exec_driver_sql(statement)
        assert connection.exec_driver_sql(query).all() == migrated


def test_the_known_schemas_are_the_migrations_in_order() -> None:
    config = Config()
    config.set_main_option("script_location", "lianxing.engine.ledger:migrations")
    revisions = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(revisions)) == SCHEMA_VERSIONS


@pytest.mark.parametrize("address", ["", "sqlite://", "sqlite:///", ":memory:", "sqlite:///:memory:"])
def test_a_ledger_lives_in_a_file(address: str) -> None:
    error = refusal(address)
    assert isinstance(error, AddressError)
    assert error.label.en == "a ledger lives in a file; name one"


def test_another_database_is_named_without_its_password() -> None:
    error = refusal("mysql://bank:secret@host/db")
    assert str(error) == "mysql://: served are a path, sqlite:///path, and postgresql://host/database"


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("sqlite://county.db", "three slashes are needed: sqlite:///path"),
        ("sqlite:///county.db?mode=ro", "an address takes no options; leave out what follows '?'"),
        ("county\0.db", "the path contains a NUL character"),
        ("nowhere/county.db", "the directory nowhere does not exist"),
        (".", "is a directory, not a file"),
    ],
)
def test_a_bad_address_is_told(address: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    error = refusal(address)
    assert isinstance(error, AddressError)
    assert error.label.en == sentence
    assert list(tmp_path.iterdir()) == []


def test_a_missing_ledger_is_not_made_where_none_was_wanted(path: Path) -> None:
    assert refusal(str(path), create=False).label.en == "no such file"
    assert not path.exists()
    path.touch()
    assert refusal(str(path), create=False).label.en == "holds no ledger yet"


@pytest.mark.parametrize("content", [b"volunteer,points\nV1,6\n", b"PK\x03\x04", b"S", b"SQLite format 2\0" * 9])
def test_a_text_file_is_not_taken_for_a_ledger_and_stays_as_it_is(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    error = refusal(str(path))
    assert isinstance(error, NotALedgerError)
    assert str(error) == f"{path}: is not a database file"
    assert path.read_bytes() == content


def test_a_database_of_another_program_is_refused_and_stays_as_it_is(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE recipe (name TEXT)")
    connection.close()
    before = path.read_bytes()
    error = refusal(str(path))
    assert isinstance(error, NotALedgerError)
    assert error.label.en == "is another program's database"
    assert path.read_bytes() == before


def test_a_header_with_rubbish_behind_it_is_told(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 8_192)
    assert isinstance(refusal(str(path)), (NotALedgerError, DamagedError))


def test_a_ledger_of_a_newer_program_is_refused(path: Path) -> None:
    open_ledger(str(path)).close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    error = refusal(str(path))
    assert isinstance(error, NewerSchemaError)
    assert error.label.en == "the ledger has schema 9999, newer than this program's 0006; upgrade the program"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that another user may enter; pytest's own is closed to others."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
@pytest.mark.parametrize("name", ["county.db", "other.db"])
def test_a_file_or_folder_that_cannot_be_written_is_told(open_folder: Path, name: str) -> None:
    open_ledger(str(open_folder / "county.db")).close()
    (open_folder / "county.db").chmod(0o444)
    open_folder.chmod(0o555)
    # Permissions do not bind root: the child becomes nobody.
    script = (
        "import os, sys\n"
        "from lianxing.engine.ledger.errors import ReadOnlyError\n"
        "from lianxing.engine.ledger.opening import open_ledger\n"
        "if os.getuid() == 0: os.setuid(65534)\n"
        "try: open_ledger(sys.argv[1])\n"
        "except ReadOnlyError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(open_folder / name)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(f"{open_folder / name}: the ")
    assert done.stdout.endswith("cannot be written\n")


def test_a_second_writer_that_may_not_wait_is_told_to_try_again(ledger: Ledger, path: Path) -> None:
    with (
        open_ledger(str(path), wait_seconds=0) as second,
        ledger.writing(),
        pytest.raises(BusyError, match="another program is writing; try again"),
        second.writing(),
    ):
        pass


def test_a_full_disk_keeps_nothing_of_the_transaction(ledger: Ledger) -> None:
    book(ledger, original(record("r1")))

    @event.listens_for(ledger._engine, "checkout")
    def limit(connection: sqlite3.Connection, *_: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(FullError, match="the disk is full; nothing of this was written"):
        book(ledger, *(original(record(f"many-{number}")) for number in range(2_000)))
    event.remove(ledger._engine, "checkout", limit)
    with ledger.reading() as reading:
        assert reading.counts()["records"] == 1
    assert verify(ledger) == []


def seen_by_another_program(path: Path) -> int:
    script = (
        "import sqlite3, sys\n"
        "own = sqlite3.connect(sys.argv[1])\n"
        "print(own.execute('SELECT count(*) FROM entry').fetchone()[0])\n"
        "own.close()\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_opening_a_ledger_twice_in_one_process_loses_nothing_to_another_program_that_leaves(path: Path) -> None:
    with open_ledger(str(path)) as first:
        book(first, original(record("r1")))
        with open_ledger(str(path)):
            assert seen_by_another_program(path) == 1
            book(first, original(record("r2")))
            assert seen_by_another_program(path) == 2


def put_back(copy: Path, path: Path) -> None:
    os.replace(copy, path)


def take_away(_copy: Path, path: Path) -> None:
    path.unlink()


def import_run_during(ledger: Ledger, change: Callable[[], None]) -> None:
    with ledger.writing() as writing:
        writing.save_import_run(COUNTY, "registry", b"{}")
        change()


@pytest.mark.skipif(os.name == "nt", reason="an open file is not replaced there")
@pytest.mark.parametrize("change", [put_back, take_away])
def test_a_ledger_whose_file_is_replaced_while_it_is_open_acknowledges_nothing_more(
    path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path, Path], None]
) -> None:
    copy = path.with_name("copy.db")
    open_ledger(str(path)).close()
    shutil.copy(path, copy)
    monkeypatch.chdir(path.parent)
    with open_ledger(path.name) as ledger:
        monkeypatch.chdir(ROOT)
        book(ledger, original(record("r1")))
        said = "another file is in its place, or none, since the ledger was opened; nothing of this was kept"
        with pytest.raises(UnreachableError, match=said):
            import_run_during(ledger, lambda: change(copy, path))
        for _ in range(2):
            with pytest.raises(UnreachableError, match=said):
                book(ledger, original(record("r2")))
        with pytest.raises(UnreachableError, match=said), ledger.reading():
            pass
        with ledger._engine.pool.connect(), pytest.raises(UnreachableError, match=said):  # nor by a new connection
            book(ledger, original(record("r2")))


@pytest.mark.skipif(os.name == "nt", reason="an open file is not replaced there")
def test_a_ledger_that_was_closed_is_opened_again_from_the_copy_that_was_put_back(path: Path) -> None:
    copy = path.with_name("copy.db")
    with open_ledger(str(path)) as ledger:
        ledger.close()
        shutil.copy(path, copy)
        book(ledger, original(record("r1")))
        ledger.close()
        os.replace(copy, path)
        book(ledger, original(record("r2")))
        assert seen_by_another_program(path) == 1


def test_who_finds_another_program_making_the_same_ledger_waits_for_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite.driver().connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr("lianxing.engine.ledger.sqlite.time.sleep", lambda _seconds: other.execute("ROLLBACK"))
        with open_ledger(str(path)) as ledger:
            assert verify(ledger) == []


@pytest.mark.parametrize("wait", [-1, 0.5, True])
def test_waiting_is_a_whole_number_of_seconds(path: Path, wait: int) -> None:
    with pytest.raises(InvalidError):
        open_ledger(str(path), wait_seconds=wait)


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 9), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 52, 0), False),
        ((4, 0, 0), False),
    ],
)
def test_the_versions_that_can_corrupt_a_log_are_known(version: tuple[int, int, int], affected: bool) -> None:
    assert sqlite.is_affected(version) is affected


def test_an_affected_sqlite_starts_with_a_warning(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    affected = sqlite.SqliteVersion("sqlite3", "3.40.1", affected=True)
    monkeypatch.setattr(sqlite, "sqlite_version_in_use", lambda: affected)
    with pytest.warns(SqliteWarning, match=r"SQLite 3\.40\.1 can corrupt"):
        open_ledger(str(path)).close()


def test_a_sqlite_without_strict_tables_is_too_old(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = ModuleType("sqlite3")
    old.sqlite_version, old.sqlite_version_info = "3.31.1", (3, 31, 1)  # type: ignore[attr-defined]
    monkeypatch.setattr(sqlite, "driver", lambda: old)
    monkeypatch.setattr(sqlite, "sqlite_version_in_use", lambda: sqlite.SqliteVersion("sqlite3", "3.31.1", False))
    error = refusal(str(path))
    assert isinstance(error, OldSqliteError)
    assert error.label.en == "SQLite 3.31.1 is too old; 3.37.0 is needed"


def test_pythons_own_driver_serves_where_pysqlite3_is_missing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pysqlite3", None)
    monkeypatch.setattr("lianxing.engine.ledger.sqlite.is_affected", lambda version: False)
    assert sqlite.sqlite_version_in_use().driver == "sqlite3"
    with open_ledger(str(path)) as ledger:
        book(ledger, original(record("r1")))
        assert verify(ledger) == []
