"""benchmarks/yardstick is a copy that nobody has touched: what is measured by it is comparable."""

from __future__ import annotations

import hashlib
from pathlib import Path

YARDSTICK = Path(__file__).parents[2] / "benchmarks" / "yardstick"

SHA_256 = {
    "EXPECTED.json": "ccd707d57ecd1dc6f40d9fc3aab9eb52874dfa545eded47a119f3f9461a9b7e8",
    "generate.py": "f5b059786f166ae21351aaa59fa7f6bcf80aa2942113d83d9269addfa86d0d65",
    "reference_duckdb.sql": "e7417220a463db18b918d986e81109741693c30f42194373bde333636ac74084",
    "reference_plain.py": "073a79b558159ebe69230ec42581c9ea8bc88c4a34a8039512541236fe1df417",
    "run_reference.py": "c7550ada169ea8fb6c0395cdffa5abe2765de35e9fa883911c65462674e39b26",
}


def test_every_file_of_the_yardstick_is_the_original() -> None:
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in YARDSTICK.iterdir() if path.is_file()}
    assert found == SHA_256
