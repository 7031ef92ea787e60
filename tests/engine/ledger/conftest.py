"""A fresh ledger in a real file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lianxing.engine.ledger.opening import Ledger, open_ledger


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "county.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    with open_ledger(str(path), clock=lambda: 1_750_000_000) as opened:
        yield opened
