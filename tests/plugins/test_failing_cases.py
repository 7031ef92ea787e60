"""`lianxing test` on cases that fail: what was expected and what came, in the units and the words of the reader."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.plugins.conftest import Run

CHAPTERS = {
    "county.yaml": """\
county: smallville
title: {zh: 小县, en: a small county}
in_force: {from: 2020-01-01}
time_zone: Asia/Shanghai
facts: {evaluation: {values: {good: {}, poor: {}}}}
""",
    "hours.yaml": "- {id: day, limit: {per: day, at_most: 2 hours, overflow: honour}}\n",
    "measures.yaml": """\
service_hours: {sum: hours, over: all_time, label: 累计时长}
share1: {share: {evaluation: good}, over: all_time}
absences: {count: records, over: all_time, where: {kind: no_show}}
""",
    "stars.yaml": "award: {by: automatic}\nlevels: {1: {service_hours: {at_least: 10 hours}}}\n",
    "sanctions.yaml": """\
absent:
  when: {absences: {at_least: 3}}
  effects: {registration: suspended, star: kept, points: kept, hours: kept, black_list: no}
  lasts: for_ever
""",
    "accounts.yaml": """\
bank:
  holder: person
  unit: hours
  earned_from: hours
  spent_on: [goods]
  expires: {valid: 12 months}
  spends_first: oldest
  storage: unlimited
  overdraft: none
  transfer: {to_whom: [lineal_relative]}
  shortfall: debt
""",
    "redemption.yaml": """\
towel:
  account: bank
  price: 2 hours
  gives: goods
  opens: always
  per_person: unlimited
  stock: unlimited
  irreversible: no
  provider: the shop
  partial: {at_least: 50 %, exchange: 10 yuan}
""",
    "cases.yaml": """\
- name: long day
  on: 2024-05-01
  record: {duration: 4 hours}
  earns: {hours: 1, overflows: {honour: 1 hour}}
  measures: {share1: 66.67 %}
  still_missing: {service_hours: 1 hour}
- name: absent
  on: 2024-05-01
  given: {absences: 3}
  standing_effects: {registration: cancelled, black_list: yes}
- name: bank
  on: 2024-05-01
  account: bank
  moves: [{on: 2022-01-01, earned: 8.5 hours}, {on: 2024-01-01, earned: 5 hours},
    {on: 2024-02-01, given_away: 1 hour, to_whom: lineal_relative}]
  leaves: {balance: 8 hours, went: {expired: 8.5 hours}}
- name: towel
  on: 2024-05-01
  offer: towel
  balance: 1 hour
  redemption: refused
  costs: 30 minutes
  cash: 3 yuan
""",
}


@pytest.fixture
def failing(tmp_path: Path) -> Path:
    folder = tmp_path / "smallville"
    folder.mkdir()
    for name, text in CHAPTERS.items():
        (folder / name).write_text(text, "utf-8")
    return folder


def told(lianxing: Run, language: str) -> list[str]:
    done = lianxing("test", "smallville", "--lang", language)
    assert done.returncode == 1, done.stdout + done.stderr
    mark = "应为" if language == "zh" else "expected"
    return [
        line.strip().rpartition("（" if language == "zh" else " (")[0]
        for line in done.stdout.splitlines()
        if mark in line
    ]


def test_what_failed_is_told_in_the_units_and_words_of_a_chinese_reader(failing: Path, lianxing: Run) -> None:
    assert told(lianxing, "zh") == [
        "时长：应为 1 小时，实得 2 小时",
        "时长 荣誉：应为 1 小时，实得 2 小时",
        "指标 share1：应为 66.67 %，实得 0 %",
        "还差 累计时长：应为 1 小时，实得 8 小时",
        "处理后果 注册：应为 取消，实得 暂停",
        "处理后果 黑名单：应为 是，实得 否",
        "结余 余额：应为 8 小时，实得 4 小时",
        "去向 直系亲属：应为 0 小时，实得 1 小时",
        "兑换：应为 拒绝，实得 允许",
        "花费：应为 0.5 小时，实得 1 小时",
        "另付现金：应为 3 元，实得 10 元",
    ]


def test_what_failed_is_told_in_the_units_of_an_english_reader(failing: Path, lianxing: Run) -> None:
    assert told(lianxing, "en") == [
        "hours: expected 1 h, got 2 h",
        "hours honour: expected 1 h, got 2 h",
        "measures share1: expected 66.67 %, got 0 %",
        "still_missing service_hours: expected 1 h, got 8 h",
        "standing_effects registration: expected cancelled, got suspended",
        "standing_effects black_list: expected yes, got no",
        "leaves balance: expected 8 h, got 4 h",
        "went lineal_relative: expected 0 h, got 1 h",
        "redemption: expected refused, got allowed",
        "costs: expected 0.5 h, got 1 h",
        "cash: expected 3 yuan, got 10 yuan",
    ]


def test_a_program_is_told_what_was_asked_by_the_words_of_the_language(failing: Path, lianxing: Run) -> None:
    answer = json.loads(lianxing("test", "smallville", "--lang", "zh", "--json").stdout)["counties"][0]
    checks = [check for case in answer["cases"] for check in case["checks"] if not check["holds"]]
    assert checks[4] == {"what": "standing_effects registration", "expected": "取消", "got": "暂停", "holds": False}
