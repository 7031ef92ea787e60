"""`lianxing review` as a clerk types it: what waits, a step, a draw; refusals, both languages, exit codes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from lianxing.engine.ledger.opening import open_ledger
from tests.engine.bank.counting_house import rules, take_in, write_county
from tests.engine.bank.test_reviews import CHAPTERS
from tests.plugins.conftest import Run
from tests.plugins.smallville import served

WHERE = ("--county", "smallville", "--database", "sqlite:///bank.db")
AT = ("--on", "2024-05-02", "--actor", "clerk 7")


@pytest.fixture
def bank(tmp_path: Path) -> str:
    """A record of V1 that waits for the community, in the folder in which the command is run."""
    folder = write_county(tmp_path / "smallville", **CHAPTERS)
    with rules(folder) as rulebook, open_ledger(str(tmp_path / "bank.db")) as ledger:
        take_in(rulebook, ledger, served("R1", "2024-05-01 09:00", 3, state="applied"))
    return str(folder)


def told(lianxing: Run, *arguments: str, code: int = 0) -> Any:
    done = lianxing(*arguments, "--json")
    assert done.returncode == code, done.stdout
    noted = done.stderr.splitlines()
    assert all(line.startswith("key: ") for line in noted) is (code != 4), done.stderr
    return json.loads(done.stdout)


def test_a_clerk_sees_what_waits_takes_the_step_and_it_waits_for_the_next_body(bank: str, lianxing: Run) -> None:
    listed = told(lianxing, "review", "list", *WHERE, "--on", "2024-05-02")
    assert [(one["record"], one["role"], one["do"]) for one in listed["waiting"]] == [
        ("R1", "the community", "advanced")
    ]
    step = ("review", "step", "R1", *WHERE, *AT, "--do", "advanced", "--role", "the community", "--key", "1")
    done = told(lianxing, *step)
    assert (done["allowed"], done["state"], done["replayed"]) == (True, "reviewed", False)
    assert told(lianxing, *step)["replayed"] is True
    listed = told(lianxing, "review", "list", *WHERE, "--on", "2024-05-31", "--role", "the sub-district")
    assert [(one["record"], one["overdue"]) for one in listed["waiting"]] == [("R1", True)]
    misspelt = told(lianxing, "review", "list", *WHERE, "--on", "2024-05-31", "--role", "the subdistrict", code=4)
    assert "the community, the sub-district" in misspelt["error"]
    assert told(lianxing, "verify", "--database", "sqlite:///bank.db")["violations"] == []


def test_a_step_that_is_refused_says_why_in_both_languages_and_is_not_passed(bank: str, lianxing: Run) -> None:
    step = ("review", "step", "test/R1", *WHERE, *AT, "--role", "the sub-district")
    english = lianxing(*step, "--do", "advanced")
    assert (english.returncode, english.stderr.partition(" ")[0]) == (1, "key:")
    assert "this is for the community, not for the sub-district [community_review, " in english.stdout
    chinese = lianxing("--lang", "zh", *step, "--do", "办结")
    assert chinese.returncode == 1
    assert "未办：test/R1 办结" in chinese.stdout
    assert "应由the community办理" in chinese.stdout
    assert "状态：申请中" in chinese.stdout


def test_a_step_that_comes_too_late_is_told_what_may_still_be_done(bank: str, lianxing: Run) -> None:
    step = ("review", "step", "R1", *WHERE, "--actor", "7", "--on", "2024-05-31", "--role", "the community", "--do")
    english, chinese = (lianxing("--lang", language, *step, "advanced").stdout for language in ("en", "zh"))
    last_day = re.search(r"the last day was (\S+)", english)
    assert last_day is not None
    assert f"next: late entry by the community, overdue since {last_day[1]}, with a reason" in english
    assert f"可办：补录（the community） 逾期，最后一日 {last_day[1]}，须写明理由" in chinese


def test_a_key_is_made_and_told_where_none_is_given_and_the_step_is_taken_once_for_it(bank: str, lianxing: Run) -> None:
    step = ("review", "step", "R1", *WHERE, *AT, "--do", "advanced", "--role", "the community")
    done = lianxing(*step, "--json")
    first = json.loads(done.stdout)
    assert done.stderr == f"key: {first['key']} (to ask again, say --key {first['key']} --on 2024-05-02)\n"
    again = told(lianxing, *step, "--key", first["key"])
    assert (again["entry"], again["key"], again["scope"], again["replayed"]) == (
        first["entry"],
        first["key"],
        "command line",
        True,
    )
    other = lianxing(*step, "--key", first["key"], "--stage", "another")
    assert (other.returncode, other.stderr) == (2, "this key was used for another request; nothing was done\n")
    chinese = lianxing("--lang", "zh", *step, "--stage", "another")
    assert "请求编号：" in chinese.stderr


def test_a_trial_tells_the_answer_and_keeps_nothing(bank: str, lianxing: Run) -> None:
    step = ("review", "step", "R1", *WHERE, *AT, "--do", "advanced", "--role", "the community", "--dry-run")
    assert [told(lianxing, *step)["state"] for _again in range(2)] == ["reviewed"] * 2


def test_a_star_is_applied_for_with_the_same_command(bank: str, lianxing: Run) -> None:
    step = ("review", "step", "V1", "--star", "1", *WHERE, "--on", "2024-05-10")
    assert told(lianxing, *step, "--do", "applied", "--actor", "V1")["state"] == "applied"
    approved = told(lianxing, *step, "--do", "批准", "--actor", "7", "--role", "the county", code=1)
    assert [reason["code"] for reason in approved["reasons"]] == ["star_refused"]
    listed = lianxing("review", "list", *WHERE, "--on", "2024-05-10")
    assert "V1 star 1" in listed.stdout


def test_a_draw_names_its_records_and_the_clause(bank: str, lianxing: Run) -> None:
    drawn = told(lianxing, "review", "draw", *WHERE, "--period", "2024-05-01", "--seed", "drawn on 1 July")
    assert (drawn["records"], drawn["drawn"]) == (1, [{"registry": "test", "record": "R1"}])
    assert (drawn["from"], drawn["until"]) == ("2024-04-01", "2024-06-30")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("step", "R9", *WHERE, *AT, "--do", "advanced"), 4, "no record 'R9'"),
        (("step", "V9", "--star", "1", *WHERE, *AT, "--do", "applied"), 4, "no volunteer 'V9'"),
        (("step", "R1", *WHERE, *AT, "--do", "waved"), 2, "no step 'waved'"),
        (("step", "R1", *WHERE, *AT, "--do", "advanced", "--nominated"), 2, "--star"),
        (("step", "R1", *WHERE, *AT, "--do", "advanced", "--reason", "a\tb"), 2, "control character"),
        (("draw", *WHERE, "--statement", "none", "--period", "2024-05-01", "--seed", "x"), 4, "spot_checks"),
        (("list", "--county", "smallville", "--database", "sqlite:///none.db"), 3, "none.db"),
    ],
)
def test_what_cannot_be_done_is_said_without_a_traceback(
    bank: str, lianxing: Run, arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = lianxing("review", *arguments)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
