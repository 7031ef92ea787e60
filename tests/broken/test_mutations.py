"""However a policy is damaged, it is a policy or it is refused with its problems: nothing else ever comes out."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lianxing.engine.cases import run_case
from lianxing.engine.compiling import load_policy
from lianxing.engine.layers import Shelf
from lianxing.engine.matchers import matcher_factory
from lianxing.engine.reading.cases import read_cases
from lianxing.engine.reading.vocabulary import KEYS, WORDS
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.problems import PolicyError, Problem
from tests.broken.test_broken import assert_said

POLICIES = Path(__file__).parents[2] / "policies"
COUNTY = "cn/hunan/zhuzhou/youxian"
CHAPTERS = ("county.yaml", "measures.yaml", "hours.yaml", "earning.yaml", "stars.yaml", "perks.yaml", "cases.yaml")
EXAMPLES = 5_000 if os.environ.get("LIANXING_LONG") else 60

JUNK = (
    *("\t", "*a", "&a ", "!!x ", "{", "}", "[", "]", "'", '"', ": ", "- ", "? ", "|\n", "<<: ", "#", "\n---\n", ","),
    *("\x00", "\x07", "\x85", "\u2028", "\ufeff", '"\\ud800"', '"\\0"', "\uffff", "😀", "０", "", " ", "\n", "\r\n"),
    *("NO", "true", "~", ".inf", "1e9", "-1", "0", "0123", "9:30", "24:00", "99999999999999999999", "0.0000001"),
    *("9999-12-31", "0001-01-01", "2999-12-31", "1900-01-01", "2025-13-45", "{2024-01-01: 1, 2025-01-01: 2}"),
    *("100 小时", "1000000 hours", "60 %", "全部时间", "{}", "[]", "{至少: 1}", "{不是: {}}", "before: half_hours"),
    *("remove: yes", "上级: cn", "时区: America/New_York", "stars", "星级", "points_earned", "evaluation", "category"),
    *KEYS,
    *KEYS.values(),
    *WORDS.values(),
)

Change = tuple[str, int, int, str]
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(("flip", "delete", "repeat", "swap", "insert", "replace", "indent", "cut")),
        st.integers(0, 2**20),
        st.integers(0, 2**20),
        st.sampled_from(JUNK),
    ),
    min_size=1,
    max_size=4,
)


def changed(content: bytes, change: Change) -> bytes:
    """Return the file with one thing done to it."""
    kind, one, other, junk = change
    lines = content.splitlines(keepends=True) or [b""]
    here, there = one % len(lines), other % len(lines)
    at = one % (len(content) + 1)
    match kind:
        case "flip":
            return content[:at] + bytes((byte ^ (1 << other % 8)) for byte in content[at : at + 1]) + content[at + 1 :]
        case "insert":
            return content[:at] + junk.encode() + content[at:]
        case "cut":
            return content[:at]
        case "delete":
            del lines[here]
        case "repeat":
            lines.insert(there, lines[here])
        case "swap":
            lines[here], lines[there] = lines[there], lines[here]
        case "indent":
            lines[here] = b"  " + lines[here] if other % 2 else lines[here].removeprefix(b"  ")
        case _:
            key, colon, _value = lines[here].partition(b": ")
            lines[here] = key + colon + junk.encode() + b"\n"
    return b"".join(lines)


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("damaged") / "policies"
    return Path(shutil.copytree(POLICIES, root))


@settings(max_examples=EXAMPLES, deadline=None)
@given(chapter=st.sampled_from(CHAPTERS), changes=CHANGES)
def test_a_damaged_policy_is_a_policy_or_a_list_of_problems(
    policies: Path, chapter: str, changes: list[Change]
) -> None:
    content = (POLICIES / COUNTY / chapter).read_bytes()
    for change in changes:
        content = changed(content, change)
    (policies / COUNTY / chapter).write_bytes(content)
    try:
        for problem in in_order(used(Shelf((("damaged", policies),)))):
            assert_said(problem)
    finally:
        shutil.copy(POLICIES / COUNTY / chapter, policies / COUNTY / chapter)


def used(shelf: Shelf) -> tuple[Problem, ...]:
    """Do with a county all that can be done with it; return its problems, if it has any."""
    folder = shelf.folder(COUNTY)
    assert folder is not None
    try:
        policy = load_policy(folder, shelf)
        with Rulebook(policy, matcher_factory("plain")) as rulebook:
            rulebook.warm()
            problems: list[Problem] = []
            for case in read_cases(folder, policy, problems):
                run_case(rulebook, case)
            if problems:
                raise PolicyError(problems)
    except PolicyError as error:
        return error.problems
    return ()


def in_order(problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    assert list(problems) == sorted(problems, key=lambda problem: problem.location)
    return problems
