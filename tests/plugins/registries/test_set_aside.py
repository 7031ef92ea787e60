"""The set-aside file."""

from __future__ import annotations

import csv
import stat
from pathlib import Path

import pytest

from lianxing.plugins.registries.reasons import ExportError
from lianxing.plugins.registries.set_aside import SetAsideFile, harmless
from lianxing.rules.records import SetAside


def aside(row: int = 2, **content: str) -> SetAside:
    return SetAside("records.csv", row, "id", "no_id", (), content)


def test_it_opens_in_excel_and_tells_where_and_why(tmp_path: Path) -> None:
    path = tmp_path / "set-aside.csv"
    with SetAsideFile(path, "zh") as file:
        file.add(aside(2, id="", 姓名="张三"))
        file.add(aside(7, 备注="两行\n文字"))
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as opened:
        assert list(csv.reader(opened)) == [
            ["source", "row", "heading", "reason", "sentence", "id", "姓名", "备注"],
            ["records.csv", "2", "id", "no_id", "“id”为空，没有记录编号", "", "张三", ""],
            ["records.csv", "7", "id", "no_id", "“id”为空，没有记录编号", "", "", "两行\n文字"],
        ]


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "set-aside.csv"
    with SetAsideFile(path, "en") as file:
        file.add(aside(id=""))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1", "  =1", "\n=1"])
def test_no_cell_is_calculated(tmp_path: Path, formula: str) -> None:
    path = tmp_path / "set-aside.csv"
    with SetAsideFile(path, "en") as file:
        file.add(SetAside(formula, 2, formula, "no_id", (), {formula: formula}))
    with path.open(encoding="utf-8-sig", newline="") as opened:
        for cells in list(csv.reader(opened))[1:]:
            assert [cell[0] for cell in (cells[0], cells[2], cells[5])] == ["'"] * 3


def test_it_is_never_half_there(tmp_path: Path) -> None:
    path = tmp_path / "set-aside.csv"
    with SetAsideFile(path, "en") as file:
        file.add(aside(id="before"))
    before = path.read_bytes()

    def breaks_off() -> None:
        with SetAsideFile(path, "en") as file:
            file.add(aside(id=""))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        breaks_off()
    assert [each.name for each in tmp_path.iterdir()] == ["set-aside.csv"]
    assert path.read_bytes() == before


def test_nothing_but_an_older_set_aside_file_is_ever_written_over(tmp_path: Path) -> None:
    ledger, link = tmp_path / "bank.db", tmp_path / "link.csv"
    ledger.write_bytes(b"SQLite format 3\x00")
    link.symlink_to(ledger)
    for path in (ledger, link, tmp_path):
        with pytest.raises(ExportError, match="not written over"), SetAsideFile(path, "en"):
            pass
    assert ledger.read_bytes() == b"SQLite format 3\x00"


def test_an_import_that_sets_nothing_aside_takes_the_older_file_away(tmp_path: Path) -> None:
    path = tmp_path / "set-aside.csv"
    with SetAsideFile(path, "en") as file:
        file.add(aside(id="1"))
    with SetAsideFile(path, "en"):
        pass
    assert not path.exists()


def test_nothing_set_aside_leaves_no_file(tmp_path: Path) -> None:
    with SetAsideFile(tmp_path / "set-aside.csv", "en"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_what_no_spreadsheet_holds_is_cut_or_replaced() -> None:
    assert harmless("a\x00\ud800b") == "a\ufffd\ufffdb"
    assert len(harmless("x" * 100_000)) == 32_000
