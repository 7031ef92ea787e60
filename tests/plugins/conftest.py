"""A small county on disk, a registry in memory, and a ledger in a file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lianxing.engine.compiling import find_folder, load_policy
from lianxing.engine.ledger.opening import Ledger, open_ledger
from lianxing.engine.matchers import matcher_factory
from lianxing.engine.rulebook import Rulebook
from lianxing.plugins.host import Host
from tests.plugins.smallville import COUNTY


@pytest.fixture
def county(tmp_path: Path) -> Path:
    folder = tmp_path / "smallville"
    folder.mkdir()
    for name, text in COUNTY.items():
        (folder / name).write_text(text, "utf-8")
    return folder


@pytest.fixture
def rulebook(county: Path) -> Iterator[Rulebook]:
    shelf = Host(installed=False).shelf()
    with Rulebook(load_policy(find_folder(str(county), shelf), shelf), matcher_factory("plain")) as made:
        yield made


@pytest.fixture
def ledger(address: str) -> Iterator[Ledger]:
    with open_ledger(address) as made:
        yield made


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def lianxing(tmp_path: Path) -> Run:
    """The real command in a process of its own, in an empty folder, speaking English unless told otherwise."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "lianxing", *arguments]
        known = {name: value for name, value in os.environ.items() if name not in ("LC_ALL", "LC_MESSAGES", "LANG")}
        return subprocess.run(
            command,
            cwd=tmp_path,
            env=known | {"LANG": "C.UTF-8"} | environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )

    return run
