"""Everything that holds for SQLite only: driver, pragmas, transactions, triggers, error codes, the file itself.

Surprises of the library, each guarded here:

- Python's driver begins no transaction before a SELECT, so that read-then-write oversells: `isolation_level = None`
  and a BEGIN of our own. IMMEDIATE for writers, or two of them read the same balance and one dies; DEFERRED for
  readers, and a first SELECT at once, or the snapshot begins only when somebody looks.
- In that mode DDL is transactional: a migration that is killed half-way leaves nothing.
- Versions before 3.44.6, 3.50.7 and 3.51.3 can corrupt a WAL database (a race on resetting the log); `pysqlite3` brings
  a newer library than Python's own.
- `synchronous = NORMAL` loses acknowledged transactions in a power cut; FULL does not.
- `foreign_keys` and `recursive_triggers` are off by default; without the latter INSERT OR REPLACE deletes rows past the
  triggers that forbid it. A connection inside a transaction ignores some pragmas silently: each is read back.
- Who waits for the lock asks ever more seldom, ten times a second at last: a program that writes again and again is
  always there first. So who waits to begin asks every few milliseconds.
- Whoever closes a file loses every lock that the process has on it, by whatever it was opened: another program that
  leaves then takes itself for the last and deletes the log, and what is written to that later is lost. So nothing here
  opens the file but the driver, and one driver only: a process that has a ledger open leaves it to this one.
- A file that is replaced while it is open is written on, and all of that is gone with the last program that leaves: so
  each transaction looks, by name alone, whether the file is still the one that was opened.
- Where several make one file at once, who changes its journal mode is told that it is busy without any waiting.
- A limit on the size of files is no full disk to it, but an error of the disk: the size tells.
- Of a text that is no UTF-8 the drivers raise an error without any code, and the value in its text.
- pysqlite3 reports primary error codes only, the driver of Python extended ones: compare the low byte, never the text.
"""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from lianxing.engine.ledger.errors import (
    AddressError,
    BusyError,
    DamagedError,
    FullError,
    LedgerError,
    NotALedgerError,
    OldSqliteError,
    ReadOnlyError,
    RefusedError,
    UnreachableError,
)
from lianxing.engine.ledger.kept import APPEND_ONLY, KEYS, NEVER_DELETED, ONCE, SEALED

VERSION_MIN = (3, 37, 0)  # STRICT tables
CACHE_KIB = 65_536
ASKS_EVERY_MS = 2  # while somebody else writes
APPLICATION_ID = 0x4C_58_42_4B  # "LXBK", in the header of the file: this database is ours

_PRAGMAS = (("synchronous", 2), ("foreign_keys", 1), ("recursive_triggers", 1), ("trusted_schema", 0))


@dataclass(frozen=True, slots=True)
class SqliteVersion:
    """The SQLite library in use, the driver that brought it, and whether it can corrupt a WAL database."""

    driver: str
    version: str
    affected: bool


@dataclass(frozen=True, slots=True)
class SqliteDatabase:
    """An SQLite file in use; see `databases.Database`."""

    engine: Engine
    place: str
    fault: str | None

    @property
    def is_postgres(self) -> bool:
        return False

    def plain_errors(self, *, committing: bool = False) -> AbstractContextManager[None]:
        # No doubt is possible: the file and this process are on one machine.
        return plain_errors(self.place)

    def check_ours(self, connection: Connection) -> None:
        """Each connection was checked when it was made, by the header of the file."""

    def claim(self, connection: Connection) -> None:
        """A write transaction is alone already."""

    def sign(self, connection: Connection) -> None:
        """The first migration does, in the header of the file."""

    def integrity_problems(self, connection: Connection) -> Iterator[str]:
        return integrity_problems(connection)


def database_at(address: str, *, create: bool, wait_seconds: int) -> SqliteDatabase:
    """Return the database at a path or `sqlite:///path`; the file is made by the first connection."""
    path = path_in(address)
    check_file(path, create=create)
    version = sqlite_version_in_use()
    fault = (
        f"SQLite {version.version} can corrupt a database in WAL mode; "
        "use 3.51.3, 3.50.7, 3.44.6 or later (`pip install pysqlite3` brings one)"
    )
    return SqliteDatabase(engine_at(path, wait_seconds), str(path), fault if version.affected else None)


def sqlite_version_in_use() -> SqliteVersion:
    library = driver()
    version: tuple[int, int, int] = library.sqlite_version_info
    return SqliteVersion(library.__name__, library.sqlite_version, is_affected(version))


def is_affected(version: tuple[int, int, int]) -> bool:
    """Say whether this version has the WAL-reset bug: fixed in 3.51.3, 3.50.7 and 3.44.6."""
    fixed_in = {(3, 44): 6, (3, 50): 7, (3, 51): 3}
    if version >= (3, 52, 0):
        return False
    return version[2] < fixed_in.get(version[:2], 1_000)


def path_in(address: str) -> Path:
    """Return the file that an address names: a plain path or `sqlite:///path`."""
    path = address
    if "://" in address:
        scheme, _, rest = address.partition("://")
        if scheme.lower() != "sqlite":
            # Only the scheme: the rest of an address may hold a password.
            raise AddressError(
                f"{scheme}://",
                "只支持文件路径、sqlite:///路径 和 postgresql://地址",
                "served are a path, sqlite:///path, and postgresql://host/database",
            )
        if rest and not rest.startswith("/"):
            raise AddressError(address, "请写三个斜杠：sqlite:///路径", "three slashes are needed: sqlite:///path")
        if "?" in rest:
            raise AddressError(
                address,
                "地址不接受选项：请去掉 ? 之后的部分",
                "an address takes no options; leave out what follows '?'",
            )
        path = rest[1:]
    if not path or path == ":memory:":
        raise AddressError(address or "''", "台账须存为文件", "a ledger lives in a file; name one")
    if "\0" in path:
        raise AddressError(repr(address), "路径含有空字符", "the path contains a NUL character")
    return Path(path)


def check_file(path: Path, *, create: bool) -> None:
    """Refuse, before the driver touches anything, a path at which no ledger can be opened for writing.

    The file itself stays shut: whether it is a database is for SQLite to say.
    """
    place = str(path)
    try:
        if path.is_dir():
            raise AddressError(place, "这是文件夹，不是文件", "is a directory, not a file")
        if not path.parent.is_dir():
            raise AddressError(place, f"文件夹不存在：{path.parent}", f"the directory {path.parent} does not exist")
        if not path.exists():
            if not create:
                raise AddressError(place, "文件不存在", "no such file")
            if not os.access(path.parent, os.W_OK | os.X_OK):
                raise ReadOnlyError(
                    place, f"文件夹不可写：{path.parent}", f"the directory {path.parent} cannot be written"
                )
            return
        if path.stat().st_size == 1:  # SQLite takes it for an empty one
            raise NotALedgerError(place, "不是数据库文件", "is not a database file")
    except OSError as error:
        raise UnreachableError(place, f"无法读取：{error.strerror}", f"cannot be read: {error.strerror}") from None
    # The log and its index stand beside the file: a folder that cannot be written is as bad as the file.
    if not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK | os.X_OK):
        raise ReadOnlyError(place, "文件或其文件夹不可写", "the file or its directory cannot be written")


@dataclass(slots=True)
class _OpenFile:
    """Which file the connections of an engine have open: one that is put in its place is another ledger."""

    path: Path
    place: str
    opened: tuple[int, int] | None = None

    def note(self) -> None:
        """Note what the first connection has opened; any other has to open the same."""
        if self.opened is None:
            self.opened = self._there()
        self.check()

    def forget(self) -> None:
        """Note that nothing is open any more."""
        self.opened = None

    def check(self) -> None:
        """Raise UnreachableError where the file is no longer the one that was opened."""
        there = self._there()
        if there is None or there != self.opened:
            raise UnreachableError(
                self.place,
                "打开台账之后，文件已被替换或移走，本次没有写入任何内容；请先关闭所有使用它的程序，再重新打开",
                "another file is in its place, or none, since the ledger was opened; nothing of this was kept. "
                "Close every program that has it open, and open it again",
            )

    def _there(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self.path)  # never by opening it: closing it would take the locks away
        except OSError:
            return None
        return found.st_dev, found.st_ino


def engine_at(path: Path, wait_seconds: int) -> Engine:
    """Return an engine on the file; OldSqliteError below the version floor."""
    library = driver()
    if library.sqlite_version_info < VERSION_MIN:
        floor = ".".join(map(str, VERSION_MIN))
        raise OldSqliteError(
            str(path),
            f"SQLite {library.sqlite_version} 版本过低，至少需要 {floor}",
            f"SQLite {library.sqlite_version} is too old; {floor} is needed",
        )
    # No bound on connections: the lock of the database queues the writers, and its time-out has a sentence.
    engine = create_engine(URL.create("sqlite", database=str(path)), module=library, max_overflow=-1)

    file = _OpenFile(path.absolute(), str(path))

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        file.note()
        _set_pragmas(connection, str(path), wait_seconds)

    @event.listens_for(engine, "commit")
    def refuse_lost_file(_connection: Connection) -> None:
        file.check()

    @event.listens_for(engine, "engine_disposed")
    def close(_engine: Engine) -> None:
        file.forget()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        file.check()
        if connection.get_execution_options().get("ledger_writing"):
            _begin_writing(connection, wait_seconds)
        else:
            connection.exec_driver_sql("BEGIN DEFERRED")
            connection.exec_driver_sql("SELECT count(*) FROM sqlite_schema").close()

    return engine


def _begin_writing(connection: Connection, wait_seconds: int) -> None:
    """Begin as the one who writes; wait so long for whoever does already."""
    latest = time.monotonic() + wait_seconds
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {ASKS_EVERY_MS}").close()
    try:
        while True:
            try:
                connection.exec_driver_sql("BEGIN IMMEDIATE").close()
                return
            except DBAPIError as error:
                if _primary(error.orig) not in _BUSY or time.monotonic() >= latest:
                    raise
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {wait_seconds * 1_000}").close()


@contextmanager
def plain_errors(place: str) -> Iterator[None]:
    """Turn the errors of SQLAlchemy and of the driver into a LedgerError at `place`."""
    try:
        yield
    except DBAPIError as error:
        raise _plain(error.orig, place) from None
    except driver().Error as error:  # raised in the connect event, where SQLAlchemy does not wrap
        raise _plain(error, place) from None


def integrity_problems(connection: Connection) -> Iterator[str]:
    """Yield what SQLite itself finds wrong with the file: pages, indexes, checks, references.

    One by one: the second question may fail on the damage that the first has just reported.
    """
    for (problem,) in connection.exec_driver_sql("PRAGMA integrity_check"):
        if problem != "ok":
            yield str(problem)
    for table, row, parent, _key in connection.exec_driver_sql("PRAGMA foreign_key_check"):
        yield f"{table} row {row} refers to a missing row of {parent}"


@contextmanager
def in_memory() -> Iterator[Connection]:
    """Yield a connection to an empty database that is nowhere."""
    engine = create_engine("sqlite://", module=driver(), poolclass=StaticPool)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def guards() -> tuple[str, ...]:
    """Return the DDL that is run after the tables are made. A later change is a new migration."""
    return (f"PRAGMA application_id = {APPLICATION_ID}", *_GUARDS.values())


_PASSBOOK_HAS = "SELECT 1 FROM entry WHERE entry.passbook = NEW.passbook AND entry.number = NEW.entry"


def _refusing(table: str, change: str) -> str:
    return (
        f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    )


def _once(table: str, column: str, *columns: str) -> str:
    """Return the trigger that lets one column be written once, and no other at all."""
    same = " OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in columns)
    return (
        f"CREATE TRIGGER {table}_{column}_once BEFORE UPDATE ON {table} WHEN OLD.{column} IS NOT NULL OR {same} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    )


def _sealed(table: str) -> str:
    return (
        f"CREATE TRIGGER {table}_before_entry BEFORE INSERT ON {table} WHEN EXISTS ({_PASSBOOK_HAS}) "
        "BEGIN SELECT RAISE(ABORT, 'the entry is sealed'); END"
    )


_GUARDS = {
    **{
        f"{table}_no_{change.lower()}": _refusing(table, change)
        for table in APPEND_ONLY
        for change in ("UPDATE", "DELETE")
    },
    **{f"{table}_no_delete": _refusing(table, "DELETE") for table in NEVER_DELETED},
    **{f"{table}_before_entry": _sealed(table) for table in SEALED},
    **{f"{table}_{column}_once": _once(table, column, *others) for table, (column, others) in ONCE.items()},
    "lot_only_remaining": (
        "CREATE TRIGGER lot_only_remaining BEFORE UPDATE ON lot WHEN OLD.original <> NEW.original "
        "OR OLD.last_day <> NEW.last_day OR OLD.earned_on <> NEW.earned_on OR OLD.source <> NEW.source "
        "OR OLD.number <> NEW.number OR OLD.account <> NEW.account OR OLD.passbook <> NEW.passbook "
        "OR OLD.entry <> NEW.entry BEGIN SELECT RAISE(ABORT, 'of a lot only what remains changes, and its end'); END"
    ),
    **{
        f"{table}_same_key": (
            f"CREATE TRIGGER {table}_same_key BEFORE UPDATE ON {table} "
            f"WHEN {' OR '.join(f'OLD.{name} <> NEW.{name}' for name in key)} "
            f"BEGIN SELECT RAISE(ABORT, 'a row of {table} keeps its key'); END"
        )
        for table, key in KEYS.items()
    },
    "passbook_only_forward": (
        "CREATE TRIGGER passbook_only_forward BEFORE UPDATE ON passbook WHEN OLD.id <> NEW.id "
        "OR OLD.volunteer <> NEW.volunteer OR OLD.county <> NEW.county OR OLD.number >= NEW.number "
        "OR OLD.recorded_at > NEW.recorded_at BEGIN SELECT RAISE(ABORT, 'a passbook only grows'); END"
    ),
    "entry_balanced": (
        "CREATE TRIGGER entry_balanced BEFORE INSERT ON entry "
        "BEGIN SELECT RAISE(ABORT, 'the entry is not balanced') FROM ("
        "SELECT coalesce(sum(amount) FILTER (WHERE unit = 'seconds'), 0) AS seconds, "
        "coalesce(sum(amount) FILTER (WHERE unit = 'points'), 0) AS points, "
        "coalesce(sum(amount) FILTER (WHERE unit = 'uses'), 0) AS uses, "
        "coalesce(sum(amount) FILTER (WHERE unit = 'seconds' AND account = 'earned'), 0) AS seconds_earned, "
        "coalesce(sum(amount) FILTER (WHERE unit = 'points' AND account = 'earned'), 0) AS points_earned "
        "FROM posting WHERE passbook = NEW.passbook AND entry = NEW.number) "
        "WHERE seconds <> 0 OR points <> 0 OR uses <> 0 "
        "OR seconds_earned <> NEW.seconds OR points_earned <> NEW.points; END"
    ),
    "entry_in_order": (
        "CREATE TRIGGER entry_in_order BEFORE INSERT ON entry "
        "WHEN NEW.number <> 1 + coalesce((SELECT max(number) FROM entry WHERE passbook = NEW.passbook), 0) "
        "BEGIN SELECT RAISE(ABORT, 'the entries of a passbook are numbered without a gap'); END"
    ),
    "entry_adjusts_original": (
        "CREATE TRIGGER entry_adjusts_original BEFORE INSERT ON entry WHEN NEW.adjusts IS NOT NULL "
        "AND NOT EXISTS (SELECT 1 FROM entry AS original WHERE original.passbook = NEW.passbook "
        "AND original.number = NEW.adjusts AND original.kind = 'original' AND original.record = NEW.record "
        "AND original.registry = NEW.registry) "
        "BEGIN SELECT RAISE(ABORT, 'an adjusting entry names the original of the same record'); END"
    ),
    "entry_with_record": (
        "CREATE TRIGGER entry_with_record BEFORE INSERT ON entry "
        "WHEN NEW.kind IN ('original', 'corrected', 'withdrawn') "
        "AND NOT EXISTS (SELECT 1 FROM service_record WHERE service_record.passbook = NEW.passbook "
        "AND service_record.entry = NEW.number AND service_record.record = NEW.record "
        "AND service_record.registry = NEW.registry) "
        "BEGIN SELECT RAISE(ABORT, 'an original entry stands with its service record'); END"
    ),
}


def driver() -> ModuleType:
    """Return the driver by which every ledger of this process is opened: pysqlite3, else that of Python."""
    try:
        return importlib.import_module("pysqlite3")
    except ImportError:
        return importlib.import_module("sqlite3")


def _set_pragmas(connection: Any, place: str, wait_seconds: int) -> None:
    cursor = connection.cursor()
    try:
        cursor.execute(f"PRAGMA busy_timeout = {wait_seconds * 1_000}")
        cursor.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        _check_ours(cursor, place)
        mode = _journal_mode(cursor, wait_seconds)
        if mode != "wal":
            raise OldSqliteError(
                place,
                f"此处无法使用 WAL 日志（得到 {mode}）；请放在本机磁盘上",
                f"write-ahead logging is not possible here (got {mode}); use a local disk",
            )
        for name, value in _PRAGMAS:
            cursor.execute(f"PRAGMA {name} = {value}")
            got = cursor.execute(f"PRAGMA {name}").fetchone()
            if got is None or got[0] != value:
                raise OldSqliteError(
                    place, f"SQLite 不接受设置 {name} = {value}", f"SQLite does not accept the setting {name} = {value}"
                )
    finally:
        cursor.close()


def _journal_mode(cursor: Any, wait_seconds: int) -> str:
    """Set write-ahead logging, and return what it is; wait so long for whoever is setting it too."""
    latest = time.monotonic() + wait_seconds
    while True:
        try:
            mode: str = cursor.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            return mode
        except driver().Error as error:
            if _primary(error) not in _BUSY or time.monotonic() >= latest:
                raise
            time.sleep(ASKS_EVERY_MS / 1_000)


def _check_ours(cursor: Any, place: str) -> None:
    """Refuse another program's database, before anything in it is changed, be it only its journal mode."""
    # In one transaction: between two statements another process may be making this very ledger.
    cursor.execute("BEGIN DEFERRED")
    tables = cursor.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    application = cursor.execute("PRAGMA application_id").fetchone()[0]
    cursor.execute("COMMIT")
    if application != APPLICATION_ID and (application or tables):
        raise NotALedgerError(place, "这是其他程序的数据库", "is another program's database")


def _primary(error: object) -> int:
    code = getattr(error, "sqlite_errorcode", None)
    return code & 0xFF if type(code) is int else _NO_CODE


def _plain(error: object, place: str) -> LedgerError:
    primary = _primary(error)
    if primary == _IO_ERROR and _at_size_limit(place):
        primary = _LIMITED
    if primary == _NO_CODE and isinstance(error, driver().OperationalError):
        primary = _NO_TEXT
    kind, zh, en = _SENTENCES.get(primary, (UnreachableError, "数据库出错：{}", "the database failed: {}"))
    return kind(place, zh.format(error), en.format(error))


def _at_size_limit(place: str) -> bool:
    """Tell whether a file of the database is as large as this process may make one: a write then stops half-way."""
    try:
        import resource
    except ImportError:  # only Unix has such limits
        return False
    limit, _hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    sizes = (Path(place + end).stat().st_size for end in ("", "-wal") if Path(place + end).exists())
    return limit != resource.RLIM_INFINITY and max(sizes, default=0) > limit - _PAGE_BYTES_MAX


_BUSY = (5, 6)
_IO_ERROR, _NO_CODE, _LIMITED, _NO_TEXT = 10, -1, -2, -3
_PAGE_BYTES_MAX = 65_536 + 24  # with its header in the log
_SENTENCES: dict[int, tuple[type[LedgerError], str, str]] = {
    1: (
        DamagedError,
        "数据库中的内容无法照此查询或合计：{}",
        "what is in the database cannot be asked or added up: {}",
    ),
    5: (BusyError, "另一个程序正在写入，请稍后再试", "another program is writing; try again"),
    6: (BusyError, "另一个程序正在写入，请稍后再试", "another program is writing; try again"),
    8: (ReadOnlyError, "数据库不可写", "the database cannot be written"),
    10: (UnreachableError, "读写磁盘失败：{}", "the disk could not be read or written: {}"),
    11: (DamagedError, "数据库文件已损坏：{}", "the database file is damaged: {}"),
    13: (FullError, "磁盘已满，本次没有写入任何内容", "the disk is full; nothing of this was written"),
    _LIMITED: (
        FullError,
        "数据库文件已达到本进程允许的最大尺寸，本次没有写入任何内容",
        "the file is as large as this process may make one; nothing of this was written",
    ),
    _NO_TEXT: (
        DamagedError,
        "数据库文件已损坏：其中有文字无法解读",
        "the database file is damaged: a text in it is damaged",
    ),
    14: (UnreachableError, "无法打开数据库文件", "the database file cannot be opened"),
    19: (RefusedError, "数据库拒绝：{}", "the database refuses: {}"),
    26: (NotALedgerError, "不是数据库文件", "is not a database file"),
}
