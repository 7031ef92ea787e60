"""The command line as a clerk and a vendor meet it: real processes, both languages, exit codes, no traceback."""

from __future__ import annotations

import csv
import json
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from lianxing.engine.bank.replaying import Difference
from lianxing.plugins.cli.commands.verify import _difference
from lianxing.plugins.cli.main import COMMANDS, INTERRUPTED, UNREAD, Program, run
from lianxing.plugins.cli.speaking import PIPE_COLUMNS, ROWS_AT_ONCE, Say, tables
from lianxing.rules.facts import CountyId, VolunteerId
from tests.engine.bank.forging import forged
from tests.plugins.conftest import Run

MAPPING = """\
mapping: office
title: {zh: 街道表, en: the office's sheet}
registry: office
time_zone: Asia/Shanghai
duration: {unit: hours, breaks: no, tolerance: 60 seconds}
records:
  id: 编号
  volunteer: 志愿者
  started_at: 开始
  ended_at: 结束
  duration: 时长
  category: 类别
  state: {constant: filed}
volunteers:
  id: 志愿者
  registered_on: 注册日期
"""
RECORDS = """\
编号,志愿者,开始,结束,时长,类别
1,V1,2024-05-01 09:00,2024-05-01 11:00,2,文明风尚
2,V1,2024-05-02 09:00,2024-05-02 08:00,1,文明风尚
3,,2024-05-03 09:00,2024-05-03 10:00,1,文明风尚
4,V2,2024-05-03 09:00,2024-05-03 10:00,1,看电影
5,V2,2024-05-04 09:00,2024-05-04 10:00,1,文明风尚
"""


@pytest.fixture
def office(county: Path, tmp_path: Path) -> Path:
    """The small county, based on the national layer, with a mapping and an export beside it."""
    text = (county / "county.yaml").read_text("utf-8")
    (county / "county.yaml").write_text(text + "based_on: cn/hunan\n", "utf-8")
    (tmp_path / "office.yaml").write_text(MAPPING, "utf-8")
    (tmp_path / "records.csv").write_text(RECORDS, "utf-8")
    return tmp_path


def take_in(lianxing: Run, *more: str) -> dict[str, Any]:
    done = lianxing(
        "import", "records.csv", "--county", "smallville", "--mapping", "office.yaml",
        "--database", "bank.db", "--on", "2024-12-31", "--json", *more,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize("language", ["zh", "en"])
def test_help_lists_every_command_and_exit_code(language: str, lianxing: Run) -> None:
    done = lianxing("--help", "--lang", language) if language == "en" else lianxing("--lang", language, "--help")
    assert done.returncode == 0
    assert all(name in done.stdout for name in COMMANDS)
    assert ("退出码" if language == "zh" else "Exit codes") in done.stdout


@pytest.mark.parametrize("command", sorted(COMMANDS))
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_command_explains_itself_and_takes_json(command: str, language: str, lianxing: Run) -> None:
    done = lianxing(command, "--lang", language, "--help")
    assert done.returncode == 0
    assert "--json" in done.stdout
    frame = ("Usage:", "[OPTIONS]", "Options:", "Show this message and exit.")
    assert [word in done.stdout for word in frame] == [language == "en"] * 4


def test_the_language_follows_the_terminals_locale_and_can_be_said(lianxing: Run) -> None:
    assert "检查办法" in lianxing("--help", LANG="zh_CN.UTF-8").stdout
    assert "check a policy" in lianxing("--help", LANG="en_US.UTF-8").stdout
    assert "check a policy" in lianxing("--help", "--lang", "en", LANG="zh_CN.UTF-8").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("redeem", "V1"), "错误：缺少参数 'OFFER'"),
        (("redeem", "V1", "soap", "--foo"), "错误：没有选项 --foo。"),
        (("redeem", "V1", "soap", "--units", "x"), "错误：'--units' 写法不对：“x”不是可用的数。"),
        (("expire", "--on", "2025-13-01"), "错误：'--on' 写法不对：“2025-13-01”不是写作 2025-07-01 的日期"),
        (("close-passbook", "V1", "--event", "x"), "写法不对：“x”不在 '身故', '迁出', '退出' 之中。"),
    ],
)
def test_what_is_wrong_with_a_command_line_is_said_in_chinese(
    arguments: tuple[str, ...], said: str, lianxing: Run
) -> None:
    done = lianxing("bank", *arguments, LANG="zh_CN.UTF-8")
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.startswith(f"用法： lianxing bank {arguments[0]} [选项]")
    assert not any(word in done.stderr for word in ("Usage", "Try ", "Error"))


def test_a_misspelt_command_is_told_what_was_probably_meant(lianxing: Run) -> None:
    done = lianxing("standign", "V1")
    assert done.returncode == 2
    assert "Did you mean 'standing'?" in done.stderr


def test_a_new_county_has_a_first_case_that_passes_and_nothing_wrong(lianxing: Run) -> None:
    for language, name in (("zh", "新县"), ("en", "newton")):
        assert lianxing("new-county", name, "--lang", language).returncode == 0
        assert lianxing("check", name).returncode == 0
        done = lianxing("test", name, "--json")
        assert done.returncode == 0
        assert json.loads(done.stdout)["counties"][0]["passed"] >= 1


def test_a_new_county_is_never_written_over_an_old_one(tmp_path: Path, lianxing: Run) -> None:
    assert lianxing("new-county", "newton").returncode == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "newton").iterdir()}
    done = lianxing("new-county", "newton")
    assert done.returncode == 2
    assert "nothing was changed" in done.stderr
    assert {path.name: path.read_bytes() for path in (tmp_path / "newton").iterdir()} == before


def test_check_names_every_problem_with_its_place_and_leaves_with_one(county: Path, lianxing: Run) -> None:
    (county / "hours.yaml").write_text("- id: a\n  limits: {}\n- id: b\n  round: {to: 30, each: record}\n", "utf-8")
    done = lianxing("check", "smallville")
    assert done.returncode == 1
    lines = [line for line in done.stdout.splitlines() if "hours.yaml" in line]
    assert lines[0].startswith("smallville/hours.yaml:2:3: P002 unknown key 'limits'")
    assert "did you mean 'limit'?" in lines[0]
    assert any("hours.yaml:4:" in line for line in lines)
    told = json.loads(lianxing("check", "smallville", "--json").stdout)["counties"][0]["problems"]
    assert {"code", "path", "line", "column", "message", "hint"} <= told[0].keys()


@pytest.mark.parametrize(
    ("language", "line"),
    [
        ("zh", "另有检查（各章合起来看的、案例的）要待这些问题改正后才能进行"),
        ("en", "further checks, of the chapters together and of the cases, wait until these are mended"),
    ],
)
def test_check_says_where_further_checks_wait_for_what_it_found(
    language: str, line: str, county: Path, lianxing: Run
) -> None:
    (county / "cases.yaml").write_text("- {name: a, on: 2024-05-01, given: {stars: 1}, star: one}\n", "utf-8")
    only_cases = lianxing("check", "smallville", "--lang", language)
    assert "cases.yaml:1:" in only_cases.stdout
    assert line not in only_cases.stdout
    (county / "hours.yaml").write_text("- id: a\n  limits: {}\n", "utf-8")
    done = lianxing("check", "smallville", "--lang", language)
    assert "cases.yaml" not in done.stdout
    assert done.stdout.splitlines()[-1] == line
    assert json.loads(lianxing("check", "smallville", "--json").stdout)["counties"][0]["further_checks_wait"] is True
    assert line not in lianxing("check", "nowhere", "--lang", language).stdout


def test_coverage_below_what_is_asked_leaves_with_one_and_names_every_side(county: Path, lianxing: Run) -> None:
    hours = "- id: short\n  exclude: {duration: {less_than: 30 minutes}}\n- id: eight\n"
    hours += "  limit: {per: day, at_most: 8 hours, overflow: lost}\n"
    (county / "hours.yaml").write_text(hours, "utf-8")
    case = "- name: one\n  on: 2024-05-01\n  record: {state: filed, duration: 1 hour}\n  earns: {hours: 1}\n"
    (county / "cases.yaml").write_text(case, "utf-8")
    plain = lianxing("test", "smallville")
    assert plain.returncode == 0
    assert "4 of 8 sides of boundaries" in plain.stdout
    assert "and 1 more side without a case" in plain.stdout
    asked = lianxing("test", "smallville", "--min-coverage", "100")
    assert asked.returncode == 1
    assert "no case on this side: duration less than 0.5 h, holds (smallville/hours.yaml:2)" in asked.stdout
    assert "no case on this side: eight at most 8 h, does not hold (smallville/hours.yaml:4)" in asked.stdout
    told = json.loads(lianxing("test", "smallville", "--min-coverage", "1", "--json").stdout)["counties"][0]
    assert told["covered"]
    of_hours = [side for side in told["coverage"]["missing"] if "hours.yaml" in side["at"]]
    assert [(side["at"], side["side"]) for side in of_hours] == [
        ("smallville/hours.yaml:2", "holds"),
        ("smallville/hours.yaml:4", "does_not_hold"),
    ]
    assert lianxing("test", "cn", "--min-coverage", "100").returncode == 0
    assert lianxing("test", "cn", "--min-coverage", "101").returncode == 2


def test_show_why_tells_layer_line_clause_and_what_was_overridden(lianxing: Run) -> None:
    done = lianxing("show", "wuling", "--why", "stars.levels.5")
    assert done.returncode == 0
    assert "said by cn/hunan/changde/wuling　cn/hunan/changde/wuling/stars.yaml:2" in done.stdout
    assert "overrides cn　cn/stars.yaml:2" in done.stdout
    chinese = lianxing("--lang", "zh", "show", "wuling", "--why", "星级.各星条件.5")
    assert "改写了 cn" in chinese.stdout
    removed = lianxing("show", "wuling", "--why", "training_is_not_service", "--json")
    (origin,) = json.loads(removed.stdout)["origins"]
    assert [(saying["layer"], saying["removes"]) for saying in origin["says"]] == [
        ("cn/hunan/changde/wuling", True),
        ("cn/hunan/changde", False),
    ]


def test_show_why_tells_which_dated_value_is_in_force(lianxing: Run) -> None:
    def in_force(day: str) -> list[str]:
        path = "by_facility_and_category.points_per_hour.book_house.education"
        done = lianxing("show", "wuling", "--why", path, "--on", day, "--json")
        values = json.loads(done.stdout)["origins"][0]["says"][0]["values"]
        return [value["value"] for value in values if value["in_force"]]

    assert in_force("2023-12-31") == ["1"]
    assert in_force("2024-01-01") == ["1.5"]


def test_show_why_of_an_unknown_path_names_the_nearest_and_leaves_with_four(lianxing: Run) -> None:
    done = lianxing("show", "wuling", "--why", "earning.by_trainin")
    assert done.returncode == 4
    assert "did you mean 'earning.by_training'?" in done.stderr


def test_test_shows_expected_against_got_and_leaves_with_one(county: Path, lianxing: Run) -> None:
    case = "- name: too much\n  on: 2024-05-01\n  record: {state: filed, duration: 1 hour}\n  earns: {points: 2}\n"
    (county / "cases.yaml").write_text(case, "utf-8")
    done = lianxing("test", "smallville")
    assert done.returncode == 1
    assert "points: expected 2 points, got 1 point (smallville/cases.yaml:1)" in done.stdout
    assert "no case touches" in done.stdout


@pytest.mark.parametrize(("written", "meant"), [("youxain", "youxian"), ("smalville", "smallville")])
def test_a_county_that_is_not_there_is_told_what_was_probably_meant(
    written: str, meant: str, county: Path, lianxing: Run
) -> None:
    done = lianxing("show", written)
    assert done.returncode == 4
    assert f"did you mean '{meant}'?" in done.stderr


def test_show_names_layer_line_and_clause_of_every_statement(lianxing: Run) -> None:
    answer = json.loads(lianxing("show", "youxian", "--json").stdout)
    steps = answer["chapters"]["hours.yaml"]
    assert steps
    assert all(step["at"].count(":") == 2 and step["layer"] for step in steps)
    assert answer["layers"][0] == "cn"


def test_import_adds_up_and_sets_bad_rows_aside_with_row_and_reason(office: Path, lianxing: Run) -> None:
    answer = take_in(lianxing)
    assert answer["rows_read"] == 5 == answer["booked"] + answer["set_aside"]
    assert answer["set_aside_reasons"] == {"end_before_start": 1, "no_volunteer": 1, "unknown_category": 1}
    with (office / answer["set_aside_file"]).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["row"], row["reason"]) for row in rows] == [
        ("3", "end_before_start"),
        ("4", "no_volunteer"),
        ("5", "unknown_category"),
    ]


def test_importing_again_changes_nothing(office: Path, lianxing: Run) -> None:
    take_in(lianxing)
    again = take_in(lianxing)
    assert (again["booked"], again["unchanged"]) == (0, 2)


def test_what_a_mapping_lacks_is_named_as_its_file_spells_it(office: Path, lianxing: Run) -> None:
    mapping = """\
对照: office
标题: 街道表
登记系统: office
时区: Asia/Shanghai
申报时长: {单位: 时长, 允许中断: 否, 容差: 60 秒}
多条记录: {编号: No., 志愿者编号: 志愿者, 开始时间: 开始, 申报时长: 时长, 服务类别: 类别}
"""

    def told(mapping: str) -> str:
        (office / "office.yaml").write_text(mapping, "utf-8")
        where = ("--county", "smallville", "--database", "bank.db", "--lang", "zh")
        return lianxing("import", "records.csv", "--mapping", "office.yaml", *where).stderr

    assert told(mapping) == "records.csv：找不到“编号”所在的列；期望的表头：No.；表头须在第一行\n"
    assert "此处可写：编号, 志愿者编号, 活动, 组织, 开始时间" in told(mapping.replace("服务类别:", "服务类目:"))


def test_a_dry_run_leaves_no_record_behind(office: Path, lianxing: Run) -> None:
    assert take_in(lianxing, "--dry-run")["booked"] == 2
    assert take_in(lianxing)["booked"] == 2


def test_the_same_export_as_csv_xlsx_and_parquet_earns_the_same(office: Path, lianxing: Run) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from openpyxl import Workbook

    rows = list(csv.reader(RECORDS.splitlines()))
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in rows:
        sheet.append(row)
    book.save(office / "records.xlsx")
    columns = {heading: [row[index] for row in rows[1:]] for index, heading in enumerate(rows[0])}
    pq.write_table(pa.table(columns), office / "records.parquet")
    worth = []
    for export in ("records.csv", "records.xlsx", "records.parquet"):
        done = lianxing(
            "import", export, "--county", "smallville", "--mapping", "office.yaml",
            "--database", f"{export}.db", "--on", "2024-12-31", "--json",
        )  # fmt: skip
        answer = json.loads(done.stdout)
        worth.append([answer[key] for key in ("rows_read", "booked", "set_aside", "seconds", "points_hundredths")])
    assert worth[0] == worth[1] == worth[2]


def test_standing_and_explanation_name_clause_line_and_arithmetic(office: Path, lianxing: Run) -> None:
    take_in(lianxing)
    arguments = ("standing", "V1", "--county", "smallville", "--database", "bank.db", "--on", "2024-12-31")
    standing = json.loads(lianxing(*arguments, "--json").stdout)
    assert (standing["points_hundredths"], standing["star_held"], standing["next_star"]) == (200, 1, 2)
    assert standing["still_missing"][0]["lacking"] == 800
    assert "1 星志愿者" in lianxing(*arguments, "--lang", "zh").stdout
    explained = lianxing("explain", "1", "--database", "bank.db")
    assert "by_time" in explained.stdout
    assert "earning.yaml:1" in explained.stdout
    assert "2 h × 1" in explained.stdout


def test_who_or_what_is_not_in_the_ledger_is_said_plainly(office: Path, lianxing: Run) -> None:
    take_in(lianxing)
    assert lianxing("explain", "99", "--database", "bank.db").returncode == 4
    nobody = lianxing("standing", "V9", "--county", "smallville", "--database", "bank.db")
    assert nobody.returncode == 4
    assert "V9" in nobody.stderr


def test_verify_finds_a_balance_that_was_changed_behind_the_programs_back(office: Path, lianxing: Run) -> None:
    from lianxing.engine.ledger.sqlite import driver

    take_in(lianxing)
    assert lianxing("verify", "--database", "bank.db").returncode == 0
    connection = driver().connect(str(office / "bank.db"))
    connection.execute("UPDATE balance SET posted = posted + 1")
    connection.commit()
    connection.close()
    done = lianxing("verify", "--database", "bank.db")
    assert done.returncode == 1
    assert "balance" in done.stdout


def test_every_decision_is_made_again_by_the_countys_files_and_by_those_of_before(office: Path, lianxing: Run) -> None:
    take_in(lianxing)
    verify = ("verify", "--database", "bank.db")
    again = (*verify, "--county", "smallville")
    before = office / "before" / "smallville"
    shutil.copytree(office / "smallville", before)
    done = lianxing(*again, "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)["decisions"]
    assert (answer["decided_again"], answer["not_decided_again"], answer["differences"]) == (2, [], [])
    earning = office / "smallville" / "earning.yaml"
    earning.write_text(earning.read_text("utf-8").replace("default: 1,", "default: 2,"), "utf-8")
    changed = lianxing(*again)
    assert changed.returncode == 0
    assert "not decided again: 2" in changed.stdout
    assert "--policy" in changed.stdout
    both = lianxing(*again, "--policy", str(before))
    assert both.returncode == 0
    assert "decided again: 2 entries of 2 passbooks, each as it stands" in both.stdout
    assert lianxing(*verify, "--policy", str(before)).returncode == 2
    twice = lianxing(*again, "--county", "smallville")
    assert (twice.returncode, "--county is said 2 times" in twice.stderr) == (2, True)
    with forged(office / "bank.db") as connection:
        for table, column in (("posting", "amount"), ("entry", "points")):
            connection.exec_driver_sql(f"UPDATE {table} SET {column} = 2 * {column} WHERE {table}.passbook = 2")
    wrong = lianxing("--lang", "zh", *again, "--policy", str(before))
    assert wrong.returncode == 1
    assert "重做得" in wrong.stdout
    assert "志愿者 0，记录 2，分录 2，" in wrong.stdout
    assert "1 difference; decided again: " in lianxing(*again, "--policy", str(before)).stdout


def test_verify_under_rules_that_cannot_be_read_says_what_was_not_verified(office: Path, lianxing: Run) -> None:
    take_in(lianxing)
    (office / "smallville" / "earning.yaml").write_text("- id: by_time\n  points_per_hour: many\n", "utf-8")
    done = lianxing("verify", "--database", "bank.db", "--county", "smallville")
    assert done.returncode == 1
    assert "everything agrees" not in done.stdout
    assert "every invariant holds" in done.stdout
    assert "not verified: the rules of smallville" in done.stdout
    assert "P101" in done.stderr
    answer = json.loads(lianxing("verify", "--database", "bank.db", "--county", "smallville", "--json").stdout)
    assert [problem["code"] for problem in answer["decisions"]["problems"]] == ["P101"]


def test_what_is_not_there_is_said_to_be_none() -> None:
    missing = Difference(VolunteerId("V1"), CountyId("smallville"), 1, "hold", None, "3")
    too_much = replace(missing, stored="3", recomputed=None)
    assert _difference(Say("en"), missing, "") == "V1 entry 1: hold: there is none, and it comes to 3"
    assert _difference(Say("zh"), missing, "") == "V1 第 1 号分录：hold 没有，重做得 3"
    said = _difference(Say("en"), too_much, "")
    assert said == "V1 entry 1: hold stands as 3, and there is none when it is decided again"


def test_a_checkpoint_that_is_kept_elsewhere_finds_entries_taken_off_the_end(office: Path, lianxing: Run) -> None:
    take_in(lianxing)
    made = lianxing("checkpoint", "--database", "bank.db", "--to", "kept.jsonl", "--json")
    assert made.returncode == 0, made.stderr
    answer = json.loads(made.stdout)
    assert answer["root"] in (office / "kept.jsonl").read_text("utf-8")
    against = ("verify", "--database", "bank.db", "--checkpoint", "kept.jsonl")
    assert lianxing(*against).returncode == 0
    # Another ledger in its place, sound by itself, in which nobody ever was.
    (office / "bank.db").unlink()
    from lianxing.engine.ledger.opening import open_ledger

    open_ledger(str(office / "bank.db")).close()
    assert lianxing("verify", "--database", "bank.db").returncode == 0
    done = lianxing(*against)
    assert done.returncode == 1
    assert done.stdout.count("passbook_of_checkpoint: ") == min(answer["passbooks"], 20)
    chinese = lianxing("--lang", "zh", *against)
    assert "存证点所记的存折须仍在" in chinese.stdout


def test_a_checkpoint_or_an_export_is_never_written_over_another(office: Path, lianxing: Run) -> None:
    take_in(lianxing)
    for command in ("checkpoint", "audit-export"):
        assert lianxing(command, "--database", "bank.db", "--to", f"{command}.jsonl").returncode == 0
        before = (office / f"{command}.jsonl").read_bytes()
        again = lianxing(command, "--database", "bank.db", "--to", f"{command}.jsonl")
        assert (again.returncode, f"{command}.jsonl" in again.stderr) == (3, True)
        assert (office / f"{command}.jsonl").read_bytes() == before
        assert lianxing(command, "--database", "absent.db", "--to", "other.jsonl").returncode == 3
    assert list(office.glob("other*")) + list(office.glob("*.part")) == []
    if os.name != "nt":
        assert (office / "audit-export.jsonl").stat().st_mode & 0o077 == 0


def test_an_export_passes_the_auditor_who_imports_nothing_of_ours(office: Path, lianxing: Run) -> None:
    take_in(lianxing)
    made = lianxing("audit-export", "--database", "bank.db", "--to", "audit.jsonl", "--json")
    assert made.returncode == 0, made.stderr
    assert lianxing("checkpoint", "--database", "bank.db", "--to", "kept.jsonl").returncode == 0
    auditor = Path(__file__).parents[2] / "examples" / "auditor" / "audit.py"
    command = [sys.executable, "-I", str(auditor), "audit.jsonl", "--checkpoint", "kept.jsonl"]
    done = subprocess.run(command, cwd=office, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"links {json.loads(made.stdout)['links']}" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (
            ("import", "nowhere.csv", "--county", "smallville", "--mapping", "office.yaml", "--database", "x.db"),
            3,
            "nowhere",
        ),
        (
            ("import", "records.csv", "--county", "smallville", "--mapping", "nothing", "--database", "x.db"),
            4,
            "zhiyuanhui",
        ),
        (
            (
                "import",
                "records.csv",
                "--county",
                "smallville",
                "--mapping",
                "office.yaml",
                "--database",
                "mysql://x/y",
            ),
            3,
            "mysql",
        ),
        (("import", "records.csv", "--county", "smallville", "--database", "x.db"), 2, "--mapping"),
        (("import", "--plugin", "nobody", "--county", "smallville", "--database", "x.db"), 4, "nobody"),
        (
            ("import", "office.yaml", "--county", "smallville", "--mapping", "office.yaml", "--database", "x.db"),
            3,
            "office.yaml",
        ),
        (("verify", "--database", "absent.db"), 3, "absent.db"),
        (("verify", "--database", "records.csv"), 3, "records.csv"),
        (("verify", "--database", "absent.db", "--checkpoint", "absent.jsonl"), 3, "absent.jsonl"),
        (("verify", "--database", "absent.db", "--checkpoint", "records.csv"), 3, "records.csv: is not a checkpoint"),
        (("checkpoint", "--database", "absent.db", "--to", "nowhere/at.jsonl"), 3, "nowhere/at.jsonl"),
        (("standing", "V1", "--county", "smallville", "--database", "bank.db", "--on", "2024-13-01"), 2, "2024-13-01"),
        (("check", "nowhere/at/all"), 4, "nowhere/at/all"),
    ],
)
def test_bad_input_gets_a_sentence_a_place_and_an_exit_code(
    arguments: tuple[str, ...], code: int, said: str, office: Path, lianxing: Run
) -> None:
    done = lianxing(*arguments)
    assert done.returncode == code, done.stdout + done.stderr
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_errors_are_json_for_programs_too(office: Path, lianxing: Run) -> None:
    done = lianxing("verify", "--database", "absent.db", "--json")
    assert done.returncode == 3
    assert "absent.db" in json.loads(done.stdout)["error"]


def test_doctor_tells_which_matcher_answers(lianxing: Run) -> None:
    answer = json.loads(lianxing("doctor", "--json").stdout)
    expected = "plain" if sys.version_info >= (3, 13) else "durable-rules"
    assert answer["matcher"] == expected
    assert answer["matchers_agree"] is True


def test_where_durable_rules_is_hidden_the_plain_matcher_answers_and_says_so_once(
    office: Path, tmp_path: Path, lianxing: Run
) -> None:
    hiding = tmp_path / "hiding"
    hiding.mkdir()
    (hiding / "durable_rules_engine.py").write_text("raise ImportError('hidden')\n", "utf-8")
    path = os.pathsep.join([str(hiding), *filter(None, [os.environ.get("PYTHONPATH")])])
    assert json.loads(lianxing("doctor", "--json", PYTHONPATH=path).stdout)["matcher"] == "plain"
    done = lianxing("test", "youxian", "beijing", PYTHONPATH=path)
    assert done.returncode == 0
    assert done.stderr.count("durable-rules cannot be loaded here") == 1
    assert "conditions evaluated: plain" in done.stdout


def test_progress_is_shown_on_a_terminal_and_never_in_a_pipe(office: Path, lianxing: Run) -> None:
    arguments = ["import", "records.csv", "--county", "smallville", "--mapping", "office.yaml", "--database", "t.db"]
    assert "\x1b" not in lianxing(*arguments).stderr
    master, slave = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "LANG": "C.UTF-8"}
    command = [sys.executable, "-m", "lianxing", *arguments]
    subprocess.run(command, cwd=office, env=environment, stdout=subprocess.PIPE, stderr=slave, check=True)
    os.close(slave)
    shown = b""
    while chunk := _read(master):
        shown += chunk
    os.close(master)
    assert b"\x1b" in shown


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65_536)
    except OSError:  # Linux says so when the other end of a terminal is closed
        return b""


def test_a_reader_that_goes_away_early_gets_no_traceback(lianxing: Run, tmp_path: Path) -> None:
    command = f"{sys.executable} -m lianxing show youxian --lang en | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1
    assert done.returncode == UNREAD, "neither passed nor failed: nobody has read it"


def test_who_breaks_off_is_told_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken_off(*_asked: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Program, "invoke", broken_off)
    with pytest.raises(SystemExit) as left:
        run(["doctor", "--lang", "zh"])
    assert (left.value.code, capsys.readouterr().err) == (INTERRUPTED, "已中断。\n")


def shown(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]], columns: int) -> list[str]:
    console = Console(width=columns, file=StringIO())
    with console.capture() as said:
        for table in tables(headings, rows, frozenset(), columns):
            console.print(table)
    return said.get().splitlines()


def test_a_table_is_as_wide_as_its_cells_in_every_part_and_folded_where_a_terminal_is_narrower() -> None:
    headings, long = ("办什么", "clause"), ("公示", "posted_in_the_community")
    assert shown(headings, [long], PIPE_COLUMNS)[2] == " 公示     posted_in_the_community "
    parts = shown(headings, [("公示", "a")] * ROWS_AT_ONCE + [long], PIPE_COLUMNS)
    assert len(parts) == ROWS_AT_ONCE + 3
    assert {cell_len(line) for line in parts} == {34}
    narrow = shown(headings, [long], 24)
    assert [line.split() for line in narrow[2:4]] == [["公示", "posted_in_the"], ["_community"]]
    assert {cell_len(line) for line in narrow} == {24}
