"""Every key and word has a Chinese and an English spelling, and both say the same."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import fields, is_dataclass, replace
from functools import cache
from pathlib import Path

import pytest

from lianxing.engine.compiling import load_policy
from lianxing.engine.layers import Shelf
from lianxing.engine.reading.cases import read_cases
from lianxing.engine.reading.vocabulary import KEYS, WORDS
from lianxing.rules.cases import Case
from lianxing.rules.places import Location
from lianxing.rules.policy import Policy
from lianxing.rules.problems import PolicyError, Problem

# Every key and every word of the chapters, in English. `K_` marks a key, `W_` a word, `S_` whose property a fact is.
CHAPTERS = {
    "county.yaml": """
K_county: town
K_title: {K_zh: 示例, K_en: an example}
K_region: "430223"
K_in_force: {K_from: 2020-01-01, K_until: 2029-12-31}
K_time_zone: Asia/Shanghai
K_source: {K_title: 办法, K_issuer: 民政局, K_year: "2024", K_grade: B, K_status: W_trial}
K_facts:
  category: {K_values: {training: {K_label: 培训, K_codes: ["0001", "1"]}, relief: {}}}
  evaluation: {K_values: {good: {}, poor: {}}}
  skill: {K_type: W_text, K_scope: S_person, K_spelling: 特长, K_meaning: 专长, K_values: {music: {}}}
  steps: {K_type: W_whole, K_scope: S_record}
  temperature: {K_type: W_number, K_scope: S_record}
  festival: {K_type: W_yes_no, K_scope: S_record}
  signed_on: {K_type: W_date, K_scope: S_person}
  signed_at: {K_type: W_time, K_scope: S_record}
  travel: {K_type: W_duration, K_scope: S_record}
""",
    "measures.yaml": """
served: {K_sum: W_hours, K_over: W_all_time, K_source: {K_clause: 第一条, K_status: W_in_force}}
earned: {K_sum: W_points, K_over: {K_calendar: W_calendar_year}, K_source: {K_status: W_repealed}}
times: {K_count: W_records, K_over: {K_rolling: 12 months}, K_where: {category: {K_missing: no}}}
mean_steps: {K_mean: steps, K_over: {K_calendar: W_quarter}, K_source: {K_status: W_illustrative}}
share_good: {K_share: {evaluation: good}, K_over: {K_calendar: W_week}}
""",
    "hours.yaml": """
- {K_id: a, K_count: {K_any: [{category: training}, {K_all: [{category: relief}, {K_not: {on_duty: yes}}]}]}}
- {K_id: b, K_exclude: {duration: {K_more_than: 20 hours}, age: {K_less_than: 14}, weekday: {K_within: [1, 5]}}}
- {K_id: c, K_split: W_midnight, K_when: {category: {K_not: relief}}}
- {K_id: d, K_overlap: {K_rule: W_refuse, K_touching: yes}, K_when: {festival: no}}
- {K_id: e, K_overlap: {K_rule: W_first, K_touching: no}, K_when: {festival: yes}}
- {K_id: f, K_overlap: {K_rule: W_merge, K_touching: no}, K_when: {festival: {K_missing: yes}}}
- {K_id: g, K_round: {K_to: 30 minutes, K_each: W_record, K_direction: W_down}}
- {K_id: h, K_round: {K_to: 36 seconds, K_each: W_running_total, K_direction: W_half_even}}
- {K_id: i, K_limit: {K_per: W_day, K_at_most: 8 hours, K_overflow: W_lost}, K_label: 每日}
- {K_id: j, K_limit: {K_per: W_activity, K_at_most: 30 hours, K_overflow: W_lost}, K_before: i}
- {K_id: k, K_limit: {K_per: W_month, K_at_most: 90 hours, K_overflow: W_lost}, K_after: j}
""",
    "earning.yaml": """
- K_id: l
  K_points_per_hour: {K_by: [category, complaint], training: {yes: 0, K_default: 1}, K_default: 2, K_missing: 0.5}
- {K_id: m, K_points_per_event: {K_by: category, K_table: events.csv}}
- {K_id: n, K_multiply: 1.5}
- {K_id: o, K_add: {2020-01-01: 1, 2024-01-01: -1}}
- {K_id: p, K_zero: {complaint: yes}}
- {K_id: q, K_round: {K_to: 0.1 points, K_each: W_record, K_direction: W_half_up}}
- {K_id: r, K_round: {K_to: 1 point, K_each: W_month, K_direction: W_up}}
- {K_id: s, K_limit: {K_per: W_calendar_year, K_at_most: 20 points, K_overflow: W_lost}}
""",
    "stars.yaml": """
K_award: {K_by: W_automatic}
K_lowers_the_basis: {K_spending: no, K_expiry: no, K_revocation: yes}
K_levels:
  1: {served: {K_at_least: 100 hours}}
  2: {served: {K_at_least: 300 hours}, share_good: {K_at_least: 60 %}}
""",
    "perks.yaml": """
park: {K_stars: {K_at_least: 1}, K_uses: W_unlimited, K_provider: 园林局}
clinic:
  K_stars: [1, 2]
  K_when: {tenure: {K_at_least: 1 year}}
  K_pays: {K_by: stars, 1: 90 %, 2: 0 %}
  K_uses: {K_at_most: 12, K_per: W_calendar_year}
  K_provider: 医院
""",
    "cases.yaml": """
- K_name: one
  K_on: 2024-06-15
  K_person: {registered_on: 2020-01-01, age: 30}
  K_record: {category: training, K_start: 09:00, K_end: "11:00", K_on: 2024-06-14, K_id: R1, duration: 1 hour}
  K_earns: {K_points: 2, K_hours: 1}
  K_because: [l]
  K_measures: {served: 1 hour}
  K_source: {K_title: 办法}
- K_name: two
  K_on: 2024-06-15
  K_records: [{duration: 1 hour}]
  K_refused_by: a
- K_name: three
  K_on: 2024-06-15
  K_given: {served: 100 hours, stars: 1}
  K_price: 20 yuan
  K_star: 1
  K_perks: {park: 20 yuan}
  K_still_missing: {served: 200 hours}
""",
}
FILES = {"events.csv": "category,value\ndefault,1\n"}
# Keys and words of other files than the chapters of a county.
ELSEWHERE = {
    *("mapping", "registry", "duration", "unit", "breaks", "tolerance", "volunteers", "column", "constant"),
    *("volunteer", "started_at", "ended_at", "born_on"),
    *("build_from", "based_on", "remove", "minutes", "seconds", "yes", "no", "person"),
}


def spelled(text: str, chinese: bool) -> str:
    spellings = {"K": KEYS, "W": WORDS, "S": {"record": "记录", "person": "志愿者"}}
    return re.sub(r"([KWS])_([a-z_]+)", lambda found: spellings[found[1]][found[2]] if chinese else found[2], text)


def written(root: Path, chinese: bool, change: dict[str, str] | None = None) -> Shelf:
    (root / "town").mkdir(parents=True)
    for name, text in (
        {name: spelled(text, chinese) for name, text in CHAPTERS.items()} | FILES | (change or {})
    ).items():
        (root / "town" / name).write_text(text, encoding="utf-8")
    return Shelf((("test", root),))


def read(root: Path, chinese: bool) -> tuple[Policy, tuple[Case, ...]]:
    shelf = written(root, chinese)
    folder = shelf.folder("town")
    assert folder is not None
    policy = load_policy(folder, shelf)
    problems: list[Problem] = []
    cases = read_cases(folder, policy, problems)
    assert [problem.text("en") for problem in problems] == []
    return policy, cases


@cache
def nowhere() -> Location:
    return Location("", 0, 0)


def placeless(shape: object) -> object:
    """Return a shape with every place left out, since the two spellings differ in length."""
    if isinstance(shape, Location):
        return nowhere()
    if isinstance(shape, tuple):
        return tuple(map(placeless, shape))
    if isinstance(shape, dict):
        return {key: placeless(value) for key, value in shape.items()}
    if is_dataclass(shape) and not isinstance(shape, type):
        return replace(shape, **{field.name: placeless(getattr(shape, field.name)) for field in fields(shape)})
    return shape


def test_a_policy_in_chinese_is_the_policy_in_english(tmp_path: Path) -> None:
    english, english_cases = read(tmp_path / "en", chinese=False)
    chinese, chinese_cases = read(tmp_path / "zh", chinese=True)
    assert placeless(replace(chinese, digest="")) == placeless(replace(english, digest=""))
    assert placeless(chinese_cases) == placeless(english_cases)


def test_the_example_uses_every_key_and_every_word() -> None:
    text = "".join(CHAPTERS.values())
    assert set(re.findall(r"K_([a-z_]+)", text)) >= set(KEYS) - ELSEWHERE
    assert set(re.findall(r"W_([a-z_]+)", text)) >= set(WORDS) - ELSEWHERE - {"duration"}


def test_no_two_keys_share_a_chinese_spelling_and_no_key_is_both() -> None:
    assert [zh for zh, count in Counter(KEYS.values()).items() if count > 1] == []
    assert not set(KEYS) & set(KEYS.values())


@pytest.mark.parametrize("chapter", sorted(CHAPTERS))
def test_a_chapter_that_mixes_the_scripts_is_refused_at_the_first_key_of_the_other(
    chapter: str, tmp_path: Path
) -> None:
    english, chinese = (spelled(CHAPTERS[chapter], script).splitlines(keepends=True) for script in (False, True))
    last = max(number for number, line in enumerate(english) if line != chinese[number])
    mixed = "".join([*english[:last], chinese[last], *english[last + 1 :]])
    shelf = written(tmp_path, False, {chapter: mixed})
    folder = shelf.folder("town")
    assert folder is not None
    problems: list[Problem] = []
    try:
        read_cases(folder, load_policy(folder, shelf), problems)
    except PolicyError as error:
        problems = list(error.problems)
    assert {problem.code for problem in problems} == {"P013"}
    assert problems[0].location.line == last + 1
    assert problems[0].hint in KEYS
