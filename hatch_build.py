"""The engine's busiest modules compiled to C, where a wheel is asked for with LIANXING_COMPILED=1.

The source is the same, and stays in the wheel for who reads a traceback. mypyc holds the program to the types that
mypy has checked: a value of another type raises TypeError in a compiled module, so what may be given anything takes
`Any` and looks. An editable installation is never compiled: what is compiled would be found before what was edited
since.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ASKED = os.environ.get("LIANXING_COMPILED", "") not in ("", "0")
PARTS = ("rules", "engine", "plugins")
# Where the time of a batch goes: a record assessed, put into accounts, sealed. Others gain nothing, or lose.
MODULES = (
    "engine/bank/booking",
    "engine/bank/crediting",
    "engine/bank/deposits",
    "engine/bank/earned_elsewhere",
    "engine/bank/leaving",
    "engine/bank/sharing",
    "engine/carrying",
    "engine/counting",
    "engine/covers",
    "engine/earning",
    "engine/explaining",
    "engine/facts",
    "engine/hours",
    "engine/ledger/checking",
    "engine/ledger/contents",
    "engine/ledger/rows",
    "engine/life",
    "engine/measures",
    "engine/parts",
    "engine/recounting",
    "engine/running",
    "engine/tallies",
    "engine/wallet",
    "engine/wallet_booking",
    "engine/wallets",
)
_SETUP = """
from mypyc.build import mypycify
from setuptools import setup

# The libraries need not be there: what is imported is not looked at, and what is compiled has none of their types.
options = ["--explicit-package-bases", "--ignore-missing-imports", "--follow-imports=silent"]
extensions = mypycify([*options, *{paths}], opt_level="2", debug_level="0", group_name="lianxing")
setup(name="lianxing", packages=[], ext_modules=extensions)
"""


class Compiling(BuildHookInterface[Any]):
    """Adds what is compiled to the wheel, which is then of this platform and this Python."""

    def dependencies(self) -> list[str]:
        return ["mypy>=2", "setuptools>=65"] if ASKED else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if not ASKED or self.target_name != "wheel" or version == "editable":
            return
        self._room = tempfile.mkdtemp(prefix="lianxing-")
        for path in compiled(Path(self.root), Path(self._room)):
            build_data["force_include"][str(path)] = path.relative_to(self._room).as_posix()
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if room := getattr(self, "_room", None):
            shutil.rmtree(room, ignore_errors=True)


def compiled(root: Path, room: Path) -> list[Path]:
    """Compile the modules of a checkout in an empty room, as a package `lianxing` there; return what was made."""
    package = room / "lianxing"
    package.mkdir()
    for name in ("__init__.py", "__main__.py", "py.typed"):
        shutil.copy(root / "lianxing" / name, package / name)
    for part in PARTS:
        shutil.copytree(root / part, package / part, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    (room / "setup.py").write_text(_SETUP.format(paths=[f"lianxing/{module}.py" for module in MODULES]), "utf-8")
    made = subprocess.run(
        [sys.executable, "setup.py", "-q", "build_ext", "--inplace"],
        cwd=room,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        raise SystemExit(f"mypyc could not compile:\n{made.stdout}{made.stderr}")
    shutil.rmtree(room / "build")
    return sorted(room.rglob("*.so"))
