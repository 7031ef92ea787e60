"""Files as counties send them: encodings, delimiters, formats, and what is no export at all."""

from __future__ import annotations

import codecs
import datetime as dt
import io
import sys
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from lianxing.plugins.registries.exports import open_export
from lianxing.plugins.registries.reasons import ExportError
from lianxing.plugins.registries.sheets import Row

CHINESE = (
    "记录id,志愿者编号,服务类别,开始时间,结束时间,时长,备注\r\n"
    "1,V1,社区服务,2026-03-05 09:00,2026-03-05 11:00,2.00,热心\r\n"
)
HEADINGS = "id,volunteer,category,start,end,hours\n"
GOOD = "{},V1,0001,2026-03-05 09:00,2026-03-05 11:00,2.00\n"


def rows_of(path: Path, sheet: str = "") -> list[Row]:
    with open_export(path, sheet) as opened:
        return list(opened.rows)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
@pytest.mark.parametrize("ending", ["\r\n", "\n", "\r"])
def test_one_table_in_many_spellings_gives_one_record(
    read: Callable[..., Any], encoding: str, delimiter: str, ending: str
) -> None:
    text = CHINESE.replace(",", delimiter).replace("\r\n", ending)
    outcome = read(text.encode(encoding))
    assert outcome.only == read(CHINESE).only
    told = [note.text("en") for note in outcome.registry.notes if note.code == "encoding"]
    name = {"gbk": "GB18030", "gb18030": "GB18030", "utf-16": "UTF-16"}.get(encoding)
    assert told == ([f"records.csv: encoded as {name}, converted"] if name else [])


def test_one_damaged_byte_does_not_turn_utf8_into_gbk(read: Callable[..., Any]) -> None:
    for heading_line in (HEADINGS, "记录id,志愿者编号,服务类别,开始时间,结束时间,时长\n"):
        whole = (heading_line + GOOD.format(1) + GOOD.format(2)).replace("0001", "社区服务").encode()
        outcome = read(whole.replace("社".encode(), b"\xe7\xa4", 1))
        assert [found.reason for found in outcome.set_aside] == ["bad_character"]
        assert [found.id for found in outcome.records] == ["2"]
        assert "damaged_text" in [note.code for note in outcome.registry.notes]


def test_quoted_newlines_and_delimiters_stay_in_their_cell_and_the_numbers_are_those_of_a_spreadsheet(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.csv"
    path.write_text('\n"a","b"\n\n1,"x\ny, z"\n  ,\n2,"she said ""no"""\n', encoding="utf-8", newline="")
    assert [(row.number, list(row.cells)) for row in rows_of(path)] == [
        (3, []),
        (4, ["1", "x\ny, z"]),
        (5, ["  ", ""]),
        (6, ["2", 'she said "no"']),
    ]


def test_empty_lines_are_counted_and_nothing_more(read: Callable[..., Any]) -> None:
    outcome = read(HEADINGS + "\n,,,,,\n  \n" + GOOD.format(1) + "\n")
    assert (outcome.registry.rows_read, outcome.registry.blank, outcome.only.id) == (5, 4, "1")


def test_a_ragged_row_does_not_take_the_next_one_along(read: Callable[..., Any]) -> None:
    outcome = read(HEADINGS + "1,V1\n" + GOOD.format(2) + GOOD.format(3).replace("\n", ",more\n") + GOOD.format(4))
    assert [found.reason for found in outcome.set_aside] == ["ragged_row", "ragged_row"]
    assert [found.id for found in outcome.records] == ["2", "4"]
    assert outcome.set_aside[1].content["G"] == "more"


@pytest.mark.parametrize("later", ["", '900,"V9",0001,2026-03-05 09:00,,1\n'])
def test_an_open_quotation_mark_costs_its_own_row_only(read: Callable[..., Any], later: str) -> None:
    good = "".join(GOOD.format(number) for number in range(3, 600))
    outcome = read(HEADINGS + GOOD.format(1) + GOOD.format(2).replace("V1", '"V1') + good + later)
    assert [found.reason for found in outcome.set_aside] == ["open_quote"]
    assert len(outcome.records) == 598 + bool(later)


def test_a_cell_of_100000_characters_matters_only_where_it_is_asked_for(read: Callable[..., Any]) -> None:
    headings = HEADINGS.replace("\n", ",note\n")
    outcome = read(headings + GOOD.format(1).replace("\n", f",{'字' * 100_000}\n") + GOOD.format(2)[:-1] + ",\n")
    assert [found.id for found in outcome.records] == ["1", "2"]
    outcome = read(HEADINGS + GOOD.format("9" * 100_000) + GOOD.format(2))
    assert [found.reason for found in outcome.set_aside] == ["text_too_long"]
    assert [found.id for found in outcome.records] == ["2"]


def test_a_line_without_end_is_skipped_in_bounded_pieces(read: Callable[..., Any]) -> None:
    outcome = read(HEADINGS + GOOD.format(1) + "x" * 3_000_000 + "\n" + GOOD.format(2))
    assert [found.reason for found in outcome.set_aside] == ["line_too_long"]
    assert [found.id for found in outcome.records] == ["1", "2"]


def test_headings_are_normalised_and_unknown_columns_kept_out(read: Callable[..., Any]) -> None:
    outcome = read("  ｉｄ ,volunteer,start,姓名\n1,V1,2026-03-05,张三\n")
    assert "张三" not in repr(outcome.only)
    assert {note.code for note in outcome.registry.notes} == {"absent_column", "unused_columns"}


def test_a_column_found_twice_is_an_error_that_names_both(read: Callable[..., Any]) -> None:
    with pytest.raises(ExportError, match="columns B and D both have the heading 'volunteer'"):
        read("id,volunteer,start,volunteer \n")


def test_a_missing_column_is_told_with_what_was_probably_meant(read: Callable[..., Any]) -> None:
    with pytest.raises(ExportError, match=r"no column for 'volunteer'.*\(did you mean 'volunteers'\?\)"):
        read("id,volunteers,start\n1,V1,2026-03-05\n")


def test_without_headings_no_cell_is_repeated_in_the_error(read: Callable[..., Any]) -> None:
    with pytest.raises(ExportError) as raised:
        read("1,张三,430223199001011234,2026-03-05\n")
    told = raised.value.text("zh") + raised.value.text("en")
    assert "张三" not in told
    assert "1990" not in told


def zip_of(name: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, "x")
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.csv", b"", "empty"),
        ("a.csv", b"\n\n", "no_headings"),
        ("a.csv", b",,\n", "no_headings"),
        ("a.csv", codecs.BOM_UTF8, "no_headings"),
        ("a.csv", zip_of("xl/workbook.xml"), "not_what_it_says"),
        ("a.xlsx", b"id,volunteer\n", "not_what_it_says"),
        ("a.xls", b"id\tvolunteer\n", "not_what_it_says"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old_or_locked_excel"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old_or_locked_excel"),
        ("a.xls", b"\r\n<html><table>", "web_page"),
        ("a.xlsx", zip_of("word/document.xml"), "broken_workbook"),
        ("a.xlsx", zip_of("xl/workbook.xml"), "broken_workbook"),
        ("a.xlsx", zip_of("x")[:-9], "broken_workbook"),
        ("a.parquet", b"id,volunteer\n", "not_what_it_says"),
        ("a.parquet", b"PAR1 and then nothing", "broken_parquet"),
    ],
    ids=range(15),
)
def test_what_is_no_export_is_told_plainly(tmp_path: Path, name: str, content: bytes, code: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ExportError) as raised:
        rows_of(path)
    assert raised.value.code == code
    assert raised.value.text("zh").startswith(f"{name}：")
    assert str(tmp_path) not in str(raised.value)


def test_a_file_that_is_not_there_is_told_plainly(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"^gone\.csv: there is no such file$"):
        rows_of(tmp_path / "gone.csv")


def test_a_folder_is_not_called_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        rows_of(tmp_path)


def test_parquet_without_its_reader_tells_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"id": ["1"]}), path)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "lianxing.plugins.registries.parquet_sheet", raising=False)
    with pytest.raises(ExportError, match=r"pip install lianxing\[parquet\]"):
        rows_of(path)


def clock(hour: int, minute: int = 0) -> dt.datetime:
    """Return a time on 2026-03-05 as spreadsheets hold it: without a zone."""
    return dt.datetime(2026, 3, 5, hour, minute)


TABLE: dict[str, list[Any]] = {
    "id": [1, 2, 3, 4],
    "volunteer": ["V1", "０２", "V3", "V4"],
    "category": ["0001", "社区服务", "慢跑", "0006"],
    "start": [clock(9 + hour) for hour in range(4)],
    "end": [clock(10, 30), clock(10, 18), None, None],
    "hours": [1.5, 0.1 + 0.2, 2.0, 0],
    "score": [4.5, 5.0, None, 3.25],
    "complaint": [True, False, None, False],
}


def test_csv_xlsx_and_parquet_of_one_table_give_identical_records(
    tmp_path: Path, read_file: Callable[..., Any]
) -> None:
    def text(value: Any) -> str:
        return "" if value is None else {True: "是", False: "否"}[value] if isinstance(value, bool) else str(value)

    lines = [",".join(TABLE), *(",".join(map(text, cells)) for cells in zip(*TABLE.values(), strict=True))]
    as_csv = tmp_path / "a.csv"
    as_csv.write_text("\n".join(lines).replace("0.30000000000000004", "0.3"), encoding="utf-8")

    workbook = Workbook()
    sheet: Any = workbook.active
    sheet.append(list(TABLE))
    for cells in zip(*TABLE.values(), strict=True):
        sheet.append(cells)
    as_xlsx = tmp_path / "a.xlsx"
    workbook.save(as_xlsx)

    as_parquet = tmp_path / "a.parquet"
    columns = {name: pa.array(values) for name, values in TABLE.items()}
    columns["score"] = pa.array([Decimal("4.50"), Decimal("5.00"), None, Decimal("3.25")])
    columns["category"] = columns["category"].dictionary_encode()
    columns["start"] = pa.array([start - dt.timedelta(hours=8) for start in TABLE["start"]], pa.timestamp("ns", "UTC"))
    columns["end"] = columns["end"].cast(pa.timestamp("ms"))
    pq.write_table(pa.table(columns), as_parquet)

    by_csv = read_file(as_csv).records
    assert len(by_csv) == 4
    assert read_file(as_xlsx).found == by_csv
    assert read_file(as_parquet).found == by_csv
    assert [record.seconds for record in by_csv] == [5_400, 1_080, 7_200, 0]
    assert [record.volunteer for record in by_csv] == ["V1", "02", "V3", "V4"]


def test_cells_of_a_workbook_become_exact_text(tmp_path: Path) -> None:
    workbook = Workbook()
    sheet: Any = workbook.active
    sheet.append([])
    sheet.append([" 数 值 "])
    midnight = clock(0)
    values = [0.1 + 0.2, 1e16, 2.0, 10**14 + 1, -0.5, "=1+1", midnight, midnight, dt.timedelta(hours=26), dt.time(9, 5)]
    for value in values:
        sheet.append([value])
    sheet.cell(9, 1).number_format = "yyyy-mm-dd"
    sheet.cell(10, 1).number_format = "yyyy-mm-dd hh:mm"
    workbook.create_sheet("second").append(["other"])
    path = tmp_path / "a.xlsx"
    workbook.save(path)
    found = rows_of(path)
    assert [row.number for row in found] == list(range(3, 3 + len(values)))
    assert [row.cells[0] for row in found] == [
        "0.3",
        "10000000000000000",
        "2",
        "100000000000001",
        "-0.5",
        "",  # a formula that no spreadsheet has calculated yet
        "2026-03-05",
        "2026-03-05 00:00:00",
        "26:00:00",
        "09:05:00",
    ]
    assert rows_of(path, "second") == []
    with pytest.raises(ExportError, match="no sheet named 'third'"):
        rows_of(path, "third")


def test_columns_of_a_parquet_file_become_exact_text(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table = {
        "float": pa.array([0.3, float("nan")], pa.float32()),
        "day": pa.array([dt.date(2026, 3, 5), None]),
        "zoned": pa.array([clock(1), None], pa.timestamp("us", "Asia/Shanghai")),
        "length": pa.array([dt.timedelta(minutes=90), None]),
        "binary": pa.array([b"\xff", None]),
        "decimal": pa.array([Decimal("2.50"), None]),
    }
    pq.write_table(pa.table(table), path)
    first, second = rows_of(path)
    assert first == (2, ("0.3", "2026-03-05", "2026-03-05 09:00:00+08:00", "1:30:00", "\ufffd", "2.5"), "", ())
    assert second == (3, ("nan", "", "", "", "", ""), "", ())
    pq.write_table(pa.table({"id": ["1"], "list": [[1]]}), path)
    with pytest.raises(ExportError, match="column B does not hold single values"):
        rows_of(path)


PIECES = st.sampled_from(
    [GOOD.format(number) for number in range(4)]
    + [
        "\n",
        "\r\n",
        ",,,,,\n",
        '"',
        '""',
        ",",
        "\x00",
        "V1",
        "社区服务",
        "\ufeff",
        "=1",
        '1,"a\nb",',
        "\r",
        "-1",
        " ",
        ";",
    ]
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PIECES, max_size=40), st.sampled_from(["utf-8", "gb18030", "utf-16"]), st.binary(max_size=6))
def test_the_rows_always_add_up(read: Callable[..., Any], pieces: list[str], encoding: str, garbage: bytes) -> None:
    outcome = read((HEADINGS + "".join(pieces)).encode(encoding, "replace") + garbage)
    count = outcome.registry.record_rows
    assert count.rows_read == count.taken + count.set_aside + count.blank
    assert (count.taken, count.set_aside) == (len(outcome.records), len(outcome.set_aside))
    assert len({record.id for record in outcome.records}) == len(outcome.records)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations([GOOD.format(number) for number in range(30)]), st.lists(st.integers(0, 29), max_size=5))
def test_a_good_row_goes_in_wherever_a_spoilt_one_stands(
    read: Callable[..., Any], lines: list[str], spoilt: list[int]
) -> None:
    for place, index in enumerate(spoilt):
        lines.insert(index, ('1,"\n', "1,2\n", '"\n', "x" * 200 + "\n", '7,V1,"0001,,,\n')[place])
    outcome = read(HEADINGS + "".join(lines))
    assert len(outcome.records) == 30
    assert len(outcome.set_aside) == len(spoilt)


def test_records_before_the_day_asked_for_are_counted_as_earlier(read: Callable[..., Any]) -> None:
    later = GOOD.format(2).replace("03-05", "03-06")
    outcome = read(HEADINGS + GOOD.format(1) + later, since=dt.date(2026, 3, 6))
    assert outcome.only.id == "2"
    assert outcome.registry.record_rows.earlier == 1


def test_another_county_gets_nothing(read: Callable[..., Any]) -> None:
    registry = read(HEADINGS + GOOD.format(1)).registry
    assert list(registry.fetch_records("elsewhere", None)) == []
