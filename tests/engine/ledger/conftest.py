"""A fresh ledger on each database; `path` is for what concerns the file of SQLite alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lianxing.engine.ledger.opening import Ledger, open_ledger


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "county.db"


@pytest.fixture
def ledger(address: str) -> Iterator[Ledger]:
    with open_ledger(address, clock=lambda: 1_750_000_000) as opened:
        yield opened
