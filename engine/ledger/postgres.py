"""What holds for PostgreSQL only: driver, session, transactions, error codes, the address.

Surprises of the server and of the driver, each guarded here:

- A failed statement ends the whole transaction, and COMMIT then rolls back **without an error**: a caller who went on
  after a refusal would believe that his bookings are kept. COMMIT of such a transaction is refused here.
- A connection that is lost at COMMIT leaves doubt: InDoubtError, not UnreachableError.
- A snapshot begins with the first statement, not with BEGIN: readers ask something at once.
- `lock_timeout = 0` means to wait for ever, not to wait not at all.
- Writers take READ COMMITTED by name, the server's own default may be another; but not READ WRITE, which would override
  `default_transaction_read_only`, by which providers protect a disk that is nearly full.
- An error while connecting carries no SQLSTATE. Whether the server is there at all is asked with a ping, which tells a
  refusal from silence; the text of such an error names the user, and is never shown.
- `fsync`, `full_page_writes` and `synchronous_commit` can be switched off by anybody who runs the server, the latter by
  every user: each connection looks.
- `session_replication_role = replica` switches off every trigger and every reference of a session, and can be set for a
  database or a user: the schema is as it was made, and guards nothing.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from lianxing.engine.ledger.errors import (
    AddressError,
    BusyError,
    DamagedError,
    FullError,
    InDoubtError,
    InvalidError,
    LedgerError,
    NotALedgerError,
    ReadOnlyError,
    RefusedError,
    UnfitServerError,
    UnreachableError,
)
from lianxing.engine.ledger.postgres_integrity import integrity_problems

if TYPE_CHECKING:
    import psycopg

SCHEMES = ("postgresql", "postgresql+psycopg")
SERVER_MIN = 15
CONNECTIONS_MAX = 20  # per engine; a server admits 100 by default
IDLE_SECONDS_MAX = 600  # in a transaction: a forgotten one keeps the server from clearing up
SENT_BYTES = 4 * 1024 * 1024  # of some thousand records; a system may allow less
MIGRATING = 0x4C_58_42_4B  # "LXBK": the advisory lock under which the schema is made or changed
MARK = "ledger of lianxing"
DURABLE = "LIANXING_DURABLE"  # set to "off", a server that may lose transactions is served; for tests only

_HOST = re.compile(r"[\w.:-]+")
_NAME = re.compile(r"[\w.-]+")

# A dead peer is noticed within a minute, not after two hours.
_CONNECTING = {
    "application_name": "lianxing",
    "client_encoding": "utf8",
    "keepalives_idle": 20,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}

_SESSION = (
    "SELECT set_config('TimeZone', 'UTC', false), set_config('lock_timeout', %s, false), "
    "set_config('idle_in_transaction_session_timeout', %s, false)"
)

_SETTINGS = (
    "SELECT current_setting('server_version_num')::integer / 10000, current_setting('server_version'), "
    "current_setting('server_encoding'), current_setting('fsync', true), current_setting('full_page_writes', true), "
    "current_setting('synchronous_commit', true), current_setting('session_replication_role')"
)


@dataclass(frozen=True, slots=True)
class PostgresDatabase:
    """A PostgreSQL database in use; see `databases.Database`."""

    engine: Engine
    place: str
    _conninfo: str
    _reached: Event = field(default_factory=Event)

    @property
    def is_postgres(self) -> bool:
        return True

    @property
    def fault(self) -> str | None:
        return None

    def plain_errors(self, *, committing: bool = False) -> AbstractContextManager[None]:
        return plain_errors(self.place, committing=committing, conninfo=self._conninfo, reached=self._reached.is_set())

    def check_ours(self, connection: Connection) -> None:
        """Raise NotALedgerError where the schema in use holds tables, and no mark of ours."""
        mark, tables = connection.exec_driver_sql(_OURS).one()
        if tables and mark != MARK:
            raise NotALedgerError(self.place, "这是其他程序的数据库", "is another program's database")

    def claim(self, connection: Connection) -> None:
        """Wait for others who are migrating; BusyError where they take too long."""
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATING})").close()

    def sign(self, connection: Connection) -> None:
        connection.exec_driver_sql(f"COMMENT ON TABLE alembic_version IS '{MARK}'")

    def integrity_problems(self, connection: Connection) -> Iterator[str]:
        return integrity_problems(connection, partial(plain_errors, self.place))


# What belongs to an extension is nobody's table.
_OURS = """
SELECT obj_description(to_regclass(quote_ident(current_schema()) || '.alembic_version'), 'pg_class'),
       (SELECT count(*) FROM pg_class AS relation
        WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) AND relkind IN ('r', 'p')
          AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = relation.oid
                          AND deptype = 'e'))
"""


def is_address(address: str) -> bool:
    return "://" in address and address.partition("://")[0].lower() in SCHEMES


def place_in(address: str) -> str:
    """Return what may be shown of an address: host, port and database, where they are surely no part of a password.

    >>> place_in("postgresql://clerk:secret@bank.example:5433/county?sslmode=require")
    'postgresql://bank.example:5433/county'
    >>> place_in("postgresql://clerk:se@cret@bank.example/county")
    'postgresql://'
    """
    try:
        return _place(_url(address))
    except AddressError as error:
        return error.place


def database_at(address: str, *, wait_seconds: int, durable: bool = True) -> PostgresDatabase:
    """Return the database at `postgresql://user:password@host:port/database?options`; nothing is connected yet.

    An unfit server is refused by the first connection; `durable=False`, or `LIANXING_DURABLE=off` in the environment,
    lets pass one that may lose transactions.
    """
    url = _url(address)
    engine = engine_at(address, wait_seconds, durable=durable)
    database = PostgresDatabase(engine, _place(url), _conninfo(engine, url))

    @event.listens_for(engine, "connect")
    def reach(_connection: object, _record: object) -> None:
        database._reached.set()

    return database


def engine_at(address: str, wait_seconds: int, *, durable: bool = True) -> Engine:
    """Return an engine on the address; AddressError where it cannot be read or the driver is missing.

    A transaction with the option `ledger_writing` is READ COMMITTED, any other is a snapshot that cannot write.
    """
    url = _url(address)
    place = _place(url)
    driver = _driver(place)
    durable = durable and os.environ.get(DURABLE, "").lower() != "off"
    defaults: dict[str, Any] = {**_CONNECTING, "connect_timeout": max(wait_seconds, 2)}  # below 2, libpq waits 2
    engine = create_engine(
        url,
        connect_args={name: value for name, value in defaults.items() if name not in url.query},
        # Found broken before use: after a failover the pool heals by itself.
        pool_pre_ping=True,
        pool_size=CONNECTIONS_MAX,
        max_overflow=0,
        pool_timeout=wait_seconds,
        use_native_hstore=False,  # asked for at every connection otherwise
    )
    try:
        _conninfo(engine, url)
    except (driver.Error, ValueError):
        raise AddressError(place, "地址中的选项无法识别", "an option in the address is not known") from None
    session = (f"{max(wait_seconds * 1_000, 1)}ms", f"{IDLE_SECONDS_MAX}s")

    @event.listens_for(engine, "connect")
    def prepare(connection: psycopg.Connection[tuple[Any, ...]], _record: object) -> None:
        connection.autocommit = True
        connection.execute(_SESSION, session)
        settings = connection.execute(_SETTINGS).fetchone()
        connection.autocommit = False
        problem = _unfitness(*settings, durable=durable) if settings else None
        if problem:
            raise UnfitServerError(place, *problem)
        _widen(connection.pgconn.socket)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # The driver sends BEGIN with the first statement: until then its properties can be chosen without a round trip.
        session: Any = connection.connection.dbapi_connection
        if connection.get_execution_options().get("ledger_writing"):
            session.isolation_level = driver.IsolationLevel.READ_COMMITTED
            session.read_only = None
        else:
            session.isolation_level = driver.IsolationLevel.REPEATABLE_READ
            session.read_only = True
            connection.exec_driver_sql("SELECT 1").close()

    @event.listens_for(engine, "commit")
    def refuse_silent_rollback(connection: Connection) -> None:
        session: Any = connection.connection.dbapi_connection
        if session.info.transaction_status == driver.pq.TransactionStatus.INERROR:
            raise RefusedError(place, *_ABORTED)

    return engine


def _widen(descriptor: int) -> None:
    """Let a local socket take what is sent while the server still works; that of a network finds its size by itself."""
    with suppress(OSError), _socket_of(descriptor) as connected:
        if connected.family == getattr(socket, "AF_UNIX", None):
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SENT_BYTES)


def _socket_of(descriptor: int) -> socket.socket:
    """Return a socket with a descriptor of its own; OSError, and none left behind, where there is no socket."""
    own = os.dup(descriptor)
    try:
        return socket.socket(fileno=own)
    except OSError:
        os.close(own)
        raise


def _unfitness(
    version: int,
    version_text: str,
    encoding: str,
    fsync: str | None,
    full_page_writes: str | None,
    synchronous_commit: str | None,
    replication_role: str,
    *,
    durable: bool,
) -> tuple[str, str] | None:
    """Say in Chinese and English why nothing may be booked on a server with these settings."""
    if version < SERVER_MIN:
        return (
            f"PostgreSQL {version_text} 版本过低，至少需要 {SERVER_MIN}",
            f"PostgreSQL {version_text} is too old; {SERVER_MIN} is needed",
        )
    if encoding != "UTF8":
        return (
            f"数据库编码为 {encoding}，须为 UTF8",
            f"the database has the encoding {encoding}; UTF8 is needed",
        )
    if replication_role == "replica":
        return (
            "数据库设置 session_replication_role = replica，所有触发器和外键都不起作用；请改为 origin",
            "the database has session_replication_role = replica, so that no trigger and no reference acts; "
            "set it to origin",
        )
    settings = {"fsync": fsync, "full_page_writes": full_page_writes, "synchronous_commit": synchronous_commit}
    for name, value in settings.items():
        if durable and value == "off":
            return (
                f"服务器设置 {name} = off，停电可能丢失已入账内容；请改为 on",
                f"the server has {name} = off, so that a power cut can lose what was booked; switch it on",
            )
    return None


@contextmanager
def plain_errors(
    place: str, *, committing: bool = False, conninfo: str | None = None, reached: bool = False
) -> Iterator[None]:
    """Turn the errors of SQLAlchemy and of the driver into a LedgerError at `place`.

    `committing`: a connection that is lost now leaves doubt. `conninfo`: where to ask whether the server is there;
    `reached`: it has let us in before, so that the address is right.
    """
    driver = _driver(place)
    try:
        yield
    except (DBAPIError, driver.Error) as error:  # raised in the connect event, SQLAlchemy does not wrap it
        if (stopped := _stopped_by(error)) is not None:
            raise stopped from None
        raise _plain(getattr(error, "orig", error), place, committing, conninfo, reached) from None
    except PoolTimeoutError:
        raise BusyError(
            place, "本程序的数据库连接都在使用中，请稍后再试", "all connections are in use; try again"
        ) from None


def _stopped_by(error: BaseException) -> BaseException | None:
    """Return why somebody has stopped the program, where an error came of that: whoever tidies up finds a connection
    that was left in the middle of something."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        if not isinstance(one, Exception):
            return one
        seen.add(id(one))
        waiting += [one.__context__, one.__cause__, getattr(one, "orig", None)]
    return None


def _driver(place: str) -> Any:
    try:
        import psycopg
    except ImportError:
        raise AddressError(
            place,
            "使用 PostgreSQL 需要先安装：pip install 'lianxing[postgres]'",
            "PostgreSQL needs a package that is not here: pip install 'lianxing[postgres]'",
        ) from None
    return psycopg


def _url(address: str) -> URL:
    """Return the address taken apart; AddressError, without any of it, where it cannot be."""
    try:
        url = make_url(address).set(drivername="postgresql+psycopg")
    except (ArgumentError, ValueError):
        url = None
    if url is None or not _HOST.fullmatch(url.host or "localhost") or not _NAME.fullmatch(url.database or "name"):
        raise AddressError(
            "postgresql://",
            "地址无法识别：postgresql://用户:口令@主机:端口/数据库；口令中的 @ / : ? 等须写成 %40 %2F %3A %3F",
            "the address is not understood: postgresql://user:password@host:port/database; "
            "in a password write @ / : ? as %40 %2F %3A %3F",
        )
    return url


def _place(url: URL) -> str:
    host = f"[{url.host}]" if url.host and ":" in url.host else url.host or ""
    port = f":{url.port}" if url.port else ""
    database = f"/{url.database}" if url.database else ""
    return f"postgresql://{host}{port}{database}"


def _conninfo(engine: Engine, url: URL) -> str:
    from psycopg.conninfo import make_conninfo

    _, arguments = engine.dialect.create_connect_args(url)
    return make_conninfo(**{name: value for name, value in arguments.items() if name != "context"})


def _plain(error: object, place: str, committing: bool, conninfo: str | None, reached: bool) -> LedgerError:
    driver = _driver(place)
    code: str | None = getattr(error, "sqlstate", None)
    if isinstance(error, driver.OperationalError) and error.pgconn is not None:
        return _not_connected(place, conninfo, reached)
    severity = error.diag.severity_nonlocalized if isinstance(error, driver.Error) else None
    lost = code is None and isinstance(error, (driver.OperationalError, driver.InterfaceError))
    if committing and (lost or severity in ("FATAL", "PANIC") or (code or "")[:2] == "08"):
        return InDoubtError(place, *_IN_DOUBT)
    if lost or severity in ("FATAL", "PANIC"):
        return UnreachableError(
            place,
            "与服务器的连接中断，正在进行的事务没有入账；此前已入账的不变，再运行一次即可补齐",
            "the connection to the server was lost; nothing of this transaction was booked. "
            "What was booked before it stays: run it again for the rest",
        )
    if code is None:
        if isinstance(error, driver.DataError):
            return InvalidError(place, f"数据库不接受此值：{error}", f"the database cannot hold this value: {error}")
        return UnreachableError(place, f"数据库出错：{error}", f"the database failed: {error}")
    kind, zh, en = _SENTENCES.get(code) or _SENTENCES.get(code[:2]) or _SENTENCES[""]
    said = (error.diag.message_primary if isinstance(error, driver.Error) else None) or code
    return kind(place, zh.format(said), en.format(said))


def _not_connected(place: str, conninfo: str | None, reached: bool) -> LedgerError:
    from psycopg import pq

    answer = pq.PGconn.ping(conninfo.encode()) if conninfo is not None else pq.Ping.NO_RESPONSE
    if answer == pq.Ping.OK and not reached:
        return AddressError(
            place,
            "服务器拒绝登录：请检查用户、口令、数据库名和允许连接的地址",
            "the server does not let us in: check user, password, name of the database and who may connect from where",
        )
    if answer == pq.Ping.OK:
        return BusyError(place, "服务器暂不接受更多连接，请稍后再试", "the server admits nobody more now; try again")
    if answer == pq.Ping.REJECT:
        return UnreachableError(
            place, "服务器正在启动或关闭，请稍后再试", "the server is starting or stopping; try again in a while"
        )
    return UnreachableError(place, "服务器没有应答", "no server answers there")


_ABORTED = (
    "本次事务中有一步已被拒绝，全部没有入账",
    "an earlier step of this transaction was refused; nothing of it was booked",
)
_IN_DOUBT = (
    "提交时连接中断，无法得知是否已入账；请用同一编号再问一次",
    "the connection was lost while committing; whether it was kept is not known: ask again with the same key",
)
_AGAIN = ("其他程序正在写入，请稍后再试", "others are writing; try again")

# By SQLSTATE, else by its class, else the last.
_SENTENCES: dict[str, tuple[type[LedgerError], str, str]] = {
    "40": (BusyError, *_AGAIN),  # serialization_failure, deadlock_detected
    "40003": (InDoubtError, *_IN_DOUBT),  # statement_completion_unknown
    "08007": (InDoubtError, *_IN_DOUBT),  # transaction_resolution_unknown
    "40002": (RefusedError, "数据库拒绝：{}", "the database refuses: {}"),
    "55P03": (BusyError, *_AGAIN),  # lock_not_available
    "57014": (BusyError, "用时过长，服务器中止了操作，请稍后再试", "the server stopped what took too long; try again"),
    "53": (UnreachableError, "服务器资源不足：{}", "the server is short of resources: {}"),
    "53100": (FullError, "服务器磁盘已满，本次没有写入任何内容", "the server's disk is full; nothing was written"),
    "25006": (ReadOnlyError, "数据库目前只读", "the database is read-only at present"),
    "42501": (ReadOnlyError, "该用户没有写入权限：{}", "this user may not do that: {}"),
    "25P02": (RefusedError, *_ABORTED),
    "08": (UnreachableError, "与服务器的连接出错", "the connection to the server failed"),
    "28": (AddressError, "服务器拒绝登录：请检查用户和口令", "the server does not let us in: check user and password"),
    "3D000": (AddressError, "服务器上没有这个数据库", "there is no such database on the server"),
    "XX001": (DamagedError, "数据库已损坏：{}", "the database is damaged: {}"),
    "XX002": (DamagedError, "数据库索引已损坏：{}", "an index of the database is damaged: {}"),
    "58P01": (DamagedError, "数据库缺少文件：{}", "a file of the database is missing: {}"),
    "58": (UnreachableError, "服务器读写磁盘失败：{}", "the server could not read or write its disk: {}"),
    "22": (InvalidError, "数据库不接受此值：{}", "the database cannot hold this value: {}"),
    "23": (RefusedError, "数据库拒绝：{}", "the database refuses: {}"),
    "P0001": (RefusedError, "数据库拒绝：{}", "the database refuses: {}"),
    "": (UnreachableError, "数据库出错：{}", "the database failed: {}"),
}
