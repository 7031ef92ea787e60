"""Hints say what was meant, never its opposite, in the script of the file; names in messages are the file's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from lianxing.engine.reading import full_width
from lianxing.engine.reading.decision_cases import OUTCOMES
from lianxing.engine.reading.notes import nearest
from lianxing.engine.reading.pyyaml import parse
from lianxing.engine.reading.vocabulary import KEYS, SAID_FOR, WORDS
from tests.broken.county import problems_over

TESTS = {
    "at_least": ["满", "以上", "达到", "不少于", "不低于", "大于等于", "'>='"],
    "at_most": ["以下", "以内", "不超过", "不多于", "小于等于", "<="],
    "more_than": ["大于", "高于", "'>'"],
    "less_than": ["小于", "低于", "少于", "<"],
}


@pytest.mark.parametrize(("meant", "said"), [(name, said) for name, saids in TESTS.items() for said in saids])
@pytest.mark.parametrize("script", ["zh", "en"])
def test_a_comparison_in_other_words_is_told_the_right_one(meant: str, said: str, script: str, tmp_path: Path) -> None:
    award, levels = ("授予: {按: 自动}", "各星条件") if script == "zh" else ("award: {by: automatic}", "levels")
    stars = f"{award}\n{levels}: {{1: {{served: {{{said}: 100 hours}}}}}}\n"
    (problem,) = problems_over(tmp_path / "policies", {"stars.yaml": stars.encode()})
    assert (problem.code, problem.hint) == ("P002", KEYS[meant] if script == "zh" else meant)


@pytest.mark.parametrize(
    ("per", "meant"),
    [("年", "自然年"), ("每年", "自然年"), ("年度", "自然年"), ("year", "calendar_year"), ("每天", "日")],
)
def test_a_period_in_other_words_is_told_the_right_one(per: str, meant: str, tmp_path: Path) -> None:
    limit = "{per: %s, at_most: 8 hours, overflow: lost}" if per.isascii() else "{每: %s, 至多: 8 小时, 超出部分: 作废}"
    key = "limit" if per.isascii() else "限额"
    id = "id" if per.isascii() else "编号"
    hours = f"- {{{id}: a, {key}: {limit % per}}}\n"
    (problem,) = problems_over(tmp_path / "policies", {"hours.yaml": hours.encode()})
    assert (problem.code, problem.hint) == ("P105", meant)


@pytest.mark.parametrize(("key", "meant"), [("生效日", "施行日"), ("实施日", "施行日"), ("effective_on", "on_day")])
def test_the_keys_that_are_known_are_told_in_the_script_of_an_unknown_one(key: str, meant: str, tmp_path: Path) -> None:
    (problem, *_) = problems_over(tmp_path / "policies", {"transition.yaml": f"a: {{{key}: 2026-01-01}}\n".encode()})
    assert (problem.code, problem.hint) == ("P002", meant)
    known = dict(problem.details)["known"]
    assert str(known).split(", ")[0] == meant
    assert str(known).isascii() is key.isascii()


def test_a_key_of_two_characters_with_one_that_is_often_written_for_another_is_told_the_right_one(
    tmp_path: Path,
) -> None:
    (problem, *_) = problems_over(tmp_path / "policies", {"redemption.yaml": "soap: {帐户: points}\n".encode()})
    assert (problem.code, problem.hint) == ("P002", "账户")


def test_a_misspelt_key_of_the_other_script_is_told_in_that_of_the_file(tmp_path: Path) -> None:
    hours = "- {编号: a, 限额: {每: 自然年, at_mst: 8 小时, 超出部分: 作废}}\n"
    found = problems_over(tmp_path / "policies", {"hours.yaml": hours.encode()})
    assert [one.hint for one in found if one.code == "P002"] == ["至多"]


@pytest.mark.parametrize(
    ("condition", "meant"),
    [
        ("不计: {录入用时工作日: {超过: 10}}", "10 个工作日"),
        ("exclude: {working_days_to_entry: {more_than: 10}}", "10 working days"),
    ],
)
def test_the_unit_that_is_missing_is_told_in_the_script_of_the_file(condition: str, meant: str, tmp_path: Path) -> None:
    id = "id" if condition.isascii() else "编号"
    (problem,) = problems_over(tmp_path / "policies", {"hours.yaml": f"- {{{id}: a, {condition}}}\n".encode()})
    assert (problem.code, problem.hint) == ("P303", meant)


def test_no_hint_says_the_opposite() -> None:
    assert nearest("满", ["不满"]) == ""
    assert nearest("不满足", ["满足"]) == ""
    assert nearest("不满意", ["不满"]) == "不满"


def test_every_synonym_stands_for_a_word_of_the_language_and_is_not_its_own_spelling() -> None:
    known = {**KEYS, **OUTCOMES, **WORDS}
    assert [name for name in SAID_FOR if name not in known] == []
    own = {name: {name, KEYS.get(name), WORDS.get(name)} for name in SAID_FOR}
    assert [name for name, said in SAID_FOR.items() if said & own[name]] == []


def test_no_two_tests_share_a_synonym() -> None:
    said = [word for name in ("at_least", "at_most", "more_than", "less_than") for word in SAID_FOR[name]]
    assert len(said) == len(set(said))


def test_a_message_names_a_fact_as_the_file_does(tmp_path: Path) -> None:
    chinese = "- {编号: a, 计入: {服务类别: 看电影}}\n".encode()
    (problem,) = problems_over(tmp_path / "zh", {"hours.yaml": chinese})
    assert problem.message("zh").startswith("事实 服务类别 没有取值“看电影”")
    english = b"- {id: a, count: {category: cinema}}\n"
    (problem,) = problems_over(tmp_path / "en", {"hours.yaml": english})
    assert problem.message("en").startswith("the fact category has no value 'cinema'")


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        (
            "- {id: a, limit: {per: day, at_most: -1 hours, overflow: lost}}",
            "'-1 hours' is out of range (0 hours to 878400 hours)",
        ),
        ("- {编号: a, 扣除时间: {对象: rest_time}, 适用于: {weekday: 9}}", "“9”超出允许范围（1 至 7）"),
        (
            "- {编号: a, 限额: {每: 日, 至多: -30 分钟, 超出部分: 作废}}",
            "“-30 分钟”超出允许范围（0 分钟 至 52704000 分钟）",
        ),
    ],
)
def test_bounds_are_told_in_the_unit_of_the_file(hours: str, said: str, tmp_path: Path) -> None:
    (problem,) = problems_over(tmp_path / "policies", {"hours.yaml": f"{hours}\n".encode()})
    assert problem.message("en" if said.isascii() else "zh") == said


def test_a_bound_that_nobody_would_reach_is_not_told(tmp_path: Path) -> None:
    text = "bank:\n  holder: person\n  unit: points\n  earned_from: points\n  spent_on: [goods]\n  expires: never\n"
    text += "  spends_first: oldest\n  storage: {at_most: -5 points, overflow: lost}\n  overdraft: none\n"
    text += "  transfer: none\n  shortfall: debt\n"
    (problem,) = problems_over(tmp_path / "policies", {"accounts.yaml": text.encode()})
    assert problem.message("en") == "'-5 points' is too little: it has to be 0.01 points at the least"


def test_full_width_characters_in_free_text_are_no_slip() -> None:
    text = "- 编号: 甲\n  名称: 一，二：三［四］\n  限额: [\n"
    _node, (problem,) = parse(text.encode(), "hours.yaml")
    assert problem.code == "P001"
    assert full_width.slips("a: 一，二：三\n", lambda _text: None) == []


def test_every_slip_of_a_file_is_found_at_once() -> None:
    text = "".join(f"- 编号：甲{number}\n  限额: {{每: 日，至多: 8 小时}}\n" for number in range(5))
    _node, problems = parse(text.encode(), "hours.yaml")
    places = [(problem.location.line, problem.location.column) for problem in problems]
    assert {problem.code for problem in problems} == {"P019"}
    assert sorted(places) == [place for line in range(1, 11, 2) for place in ((line, 5), (line + 1, 12))]
