"""One broken policy for every problem that a policy can have.

A broken policy is a folder below `policies/`: its files are put over the small sound county of `sound/`, those in
`below/` over the layer below it. The comments at the top of its first chapter say all that must be found, in order:
`# P002 hours.yaml:5:3 meant: limit`. What a text file cannot hold is made here.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pytest

from lianxing.engine.compiling import find_folder, load_policy
from lianxing.engine.layers import Shelf
from lianxing.engine.reading.mappings import read_mapping
from lianxing.engine.reading.notes import HINTS_MAX
from lianxing.engine.reading.pyyaml import BYTES_MAX, NODES_MAX
from lianxing.engine.reading.tables import BYTES_MAX as TABLE_BYTES_MAX
from lianxing.engine.reading.tables import ROWS_MAX
from lianxing.rules.problems import PROBLEMS, PolicyError, Problem
from tests.broken.county import BELOW, SOUND, checked, problems_over, put_over, shown
from tests.plugins.registries.conftest import declared_facts

POLICIES = Path(__file__).parent / "policies"
EXPECTED = re.compile(r"# (P[0-9]{3} \S+:[0-9]+:[0-9]+(?: meant: .+)?)\n")


@dataclass(frozen=True)
class Broken:
    """Files to put over the sound county, and what must be found."""

    name: str
    files: Mapping[str, bytes]
    expected: tuple[str, ...]


def from_folder(folder: Path) -> Broken:
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.*"))}
    expected = [line for content in files.values() for line in _header(content.decode())]
    return Broken(folder.name, files, tuple(expected))


def _header(text: str) -> Iterator[str]:
    for line in text.splitlines(keepends=True):
        found = EXPECTED.fullmatch(line)
        if found is None:
            return
        yield found[1]


RATES = b"""- id: by_time
  points_per_hour: {by: category, table: rates.csv}
- id: round_points
  round: {to: 0.1 points, each: record, direction: half_up}
"""


def made(name: str, file: str, content: bytes, *expected: str, **more: bytes) -> Broken:
    files = {file: content} | {other.replace("_csv", ".csv"): text for other, text in more.items()}
    return Broken(name, files, expected)


MADE = (
    made("P006_depth_1000", "hours.yaml", b"[" * 1000, "P006 hours.yaml:1:21"),
    made("P006_depth_100000", "hours.yaml", b"[" * 100_000, "P006 hours.yaml:1:21"),
    made("P006_mappings_1000_deep", "hours.yaml", b"{a: " * 1000, "P006 hours.yaml:1:81"),
    made("P007_five_megabytes_of_text", "hours.yaml", b"a: " + b"x" * 5_000_000, "P007 hours.yaml:1:1"),
    made(
        "P007_fifty_thousand_keys",
        "hours.yaml",
        b"".join(b"key_%d: 1\n" % number for number in range(50_000)),
        "P007 hours.yaml:1:1",
    ),
    made("P007_table_of_a_megabyte", "earning.yaml", RATES, "P007 rates.csv:1:1", rates_csv=b"1" * TABLE_BYTES_MAX * 2),
    made("P008_too_many_rows", "earning.yaml", RATES, "P008 rates.csv:20001:1", rates_csv=b"a,b\n" * (ROWS_MAX + 1)),
    made("P008_too_many_nodes", "hours.yaml", b"[" + b"1," * NODES_MAX + b"]", "P008 hours.yaml:1:40000"),
    made("P009_gbk", "hours.yaml", "- 编号: 一次\n".encode("gbk"), "P009 hours.yaml:1:1"),
    made("P009_utf_16", "hours.yaml", "- id: once\n".encode("utf-16"), "P009 hours.yaml:1:1"),
    made("P011_empty", "hours.yaml", b"", "P011 hours.yaml:1:1"),
    made("P011_comments_only", "hours.yaml", b"# nothing\n---\n...\n", "P011 hours.yaml:1:1"),
    made("P018_bell", "hours.yaml", b"- id: a\x07b\n", "P018 hours.yaml:1:8"),
    made("P018_unit_separator", "hours.yaml", b"- id: once\n- id: \x1f\n", "P018 hours.yaml:2:7"),
    made("P018_no_character", "hours.yaml", "- id: \uffff\n".encode(), "P018 hours.yaml:1:7"),
    made(
        "P113_five_thousand_digits",
        "earning.yaml",
        b"- id: much\n  points_per_event: " + b"9" * 5000 + b"\n",
        "P113 earning.yaml:2:21",
    ),
    made(
        "P101_twenty_thousand_hexadecimal_digits",
        "earning.yaml",
        b"- id: much\n  points_per_event: 0x" + b"f" * 20_000 + b"\n",
        "P101 earning.yaml:2:21",
    ),
    made(
        "P203_base_with_a_name_that_no_file_can_have",
        "county.yaml",
        b"county: town\ntitle: a county\nbased_on: " + b"a" * 5000 + b"\n",
        "P203 county.yaml:3:11",
    ),
    made(
        "P203_base_in_ten_thousand_folders",
        "county.yaml",
        b"county: town\ntitle: a county\nbased_on: " + b"a/" * 10_000 + b"a\n",
        "P203 county.yaml:3:11",
    ),
    made(
        "P309_table_with_a_name_that_no_file_can_have",
        "earning.yaml",
        RATES.replace(b"rates.csv", "面".encode() * 300),
        "P309 earning.yaml:2:42",
    ),
    made("P310_table_in_gbk", "earning.yaml", RATES, "P310 rates.csv:1:1", rates_csv="服务类别".encode("gbk")),
    made(
        "P310_quotes_in_a_table",
        "earning.yaml",
        RATES,
        "P310 rates.csv:1:1",
        rates_csv=b'category,value\n"training"x,1\n',
    ),
)

BROKEN = (*map(from_folder, sorted(path for path in POLICIES.iterdir())), *MADE)

# What no file of a single county can show; the test that shows it.
ELSEWHERE = {
    "P020": "test_a_mapping_with_the_name_of_the_banks_own_registry",
    "P205": "test_a_county_that_does_not_exist",
    "P208": "test_a_county_that_two_contribute",
    "P216": "test_a_name_of_several_counties",
    "P220": "test_a_chapter_that_is_no_regular_file_is_never_passed_over",
    "P507": "test_a_county_without_cases",
}
# What no YAML can reach, since reading refuses it before a matcher sees it.
UNREACHABLE = {
    "P401": "an empty group is P321",
    "P402": "an empty list of values is P111",
    "P403": "a text is never compared by size: P305",
    "P404": "an operand is typed by its fact: P303",
    "P405": "an operand is typed by its fact: P302",
    "P406": "an operand is typed by its fact: P303",
    "P407": "a number beyond 64 bits is P322",
    "P408": "a text over 4,096 bytes is P323",
    "P409": "NUL and half a surrogate pair are P018",
    "P410": "a comparison of a quotient becomes a fact of its own before it is matched",
    "P413": "thresholds are resolved for a day before they are matched",
    "P414": "an unknown fact is P301",
    "P415": "the rules of a ruleset are named by the ids of statements, which are unique: P201",
}


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.name)
def test_everything_wrong_is_found_where_it_stands(broken: Broken, tmp_path: Path) -> None:
    problems = problems_over(tmp_path / "policies", broken.files)
    assert [shown(problem) for problem in problems] == list(broken.expected)


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.name)
def test_every_problem_is_said_in_both_languages(broken: Broken, tmp_path: Path) -> None:
    for problem in problems_over(tmp_path / "policies", broken.files):
        assert_said(problem)


def assert_said(problem: Problem) -> None:
    """A sentence in each language on one line, with every detail that its template names."""
    kind = PROBLEMS[problem.code]
    for template, text in ((kind.zh, problem.text("zh")), (kind.en, problem.text("en"))):
        assert text.isprintable()
        assert text.startswith(f"{problem.location}: {problem.code} ")
        for _, name, _, _ in string.Formatter().parse(template):
            if name is not None:
                assert f"{{{name}}}" not in text
                assert name in dict(problem.details)


def test_every_problem_of_the_table_has_a_broken_policy() -> None:
    shown_by = {line.split(" ")[0] for broken in BROKEN for line in broken.expected}
    assert shown_by | set(ELSEWHERE) | set(UNREACHABLE) == set(PROBLEMS)
    assert not shown_by & set(UNREACHABLE)
    assert all(test in globals() for test in ELSEWHERE.values())


def test_a_broken_policy_is_named_after_the_problem_that_it_shows() -> None:
    for broken in BROKEN:
        code = broken.name.split("_")[0]
        assert code == "several" or any(line.startswith(code) for line in broken.expected), broken.name


def test_the_county_without_anything_over_it_is_sound(tmp_path: Path) -> None:
    assert problems_over(tmp_path / "policies", {}) == ()


def test_a_county_that_does_not_exist() -> None:
    with pytest.raises(PolicyError) as found:
        find_folder("twon", Shelf((("test", SOUND),)))
    (problem,) = found.value.problems
    assert (problem.code, problem.hint) == ("P205", "town")
    assert_said(problem)


def test_a_mapping_with_the_name_of_the_banks_own_registry() -> None:
    shipped = (files("lianxing") / "plugins" / "registries" / "mappings" / "nvsi.yaml").read_text("utf-8")
    with pytest.raises(PolicyError) as found:
        read_mapping(shipped.replace("registry: nvsi", "registry: menu").encode(), "nvsi.yaml", declared_facts())
    (problem,) = found.value.problems
    assert problem.code == "P020"
    assert_said(problem)


def test_a_county_that_two_contribute(tmp_path: Path) -> None:
    put_over(tmp_path / "policies", {})
    shelf = Shelf((("the package", SOUND), ("a plugin", tmp_path / "policies")))
    with pytest.raises(PolicyError) as found:
        shelf.folder("base/town")
    (problem,) = found.value.problems
    assert problem.code == "P208"
    assert "the package" in problem.message("en")
    assert "a plugin" in problem.message("zh")
    assert_said(problem)


def test_a_name_of_several_counties(tmp_path: Path) -> None:
    other = tmp_path / "elsewhere" / "town"
    other.mkdir(parents=True)
    (other / "county.yaml").write_text("county: town\ntitle: another\n")
    with pytest.raises(PolicyError) as found:
        find_folder("town", Shelf((("one", SOUND), ("two", tmp_path))))
    (problem,) = found.value.problems
    assert problem.code == "P216"
    assert "base/town, elsewhere/town" in problem.message("en")
    assert_said(problem)


def test_a_county_without_cases(tmp_path: Path) -> None:
    shelf = put_over(tmp_path / "policies", {})
    (tmp_path / "policies/base/town/cases.yaml").unlink()
    with pytest.raises(PolicyError) as found:
        checked(shelf)
    (problem,) = found.value.problems
    assert shown(problem) == "P507 cases.yaml:1:1"
    assert_said(problem)


@pytest.mark.parametrize("name", ["hours.yaml", "county.yaml", BELOW + "hours.yaml"])
@pytest.mark.parametrize("change", [lambda text: text.replace(b"\n", b"\r\n"), lambda text: b"\xef\xbb\xbf" + text])
def test_line_ends_of_windows_and_a_byte_order_mark_are_read(name: str, change: object, tmp_path: Path) -> None:
    sound = SOUND / "base" / (name.removeprefix(BELOW) if name.startswith(BELOW) else f"town/{name}")
    assert callable(change)
    assert problems_over(tmp_path / "policies", {name: change(sound.read_bytes())}) == ()


@pytest.mark.parametrize(
    "text", ["110101199003077758", "NO", "0123", "1_000", "1e3", "9:30", "2025-13-45", ".inf", "~"]
)
def test_what_yaml_would_make_a_number_of_stays_text_where_text_is_meant(text: str, tmp_path: Path) -> None:
    county = f"county: town\ntitle: a county\nbased_on: base\nregion: {text}\n"
    assert checked(put_over(tmp_path / "policies", {"county.yaml": county.encode()})).county.region == text


def test_a_file_with_thousands_of_mistakes_is_refused_without_guessing_at_each(tmp_path: Path) -> None:
    lines = b"".join(b"servd_%d: {sum: hour, over: all_time}\n" % number for number in range(3000))
    problems = problems_over(tmp_path / "policies", {"measures.yaml": lines})
    assert len(lines) < BYTES_MAX
    assert len(problems) == 3000
    assert sum(bool(problem.hint) for problem in problems) == HINTS_MAX


def test_a_problem_shows_no_control_character_of_the_file(tmp_path: Path) -> None:
    hours = b'- id: once\n  "\\e[2J\\nsplit": midnight\n'
    (problem,) = problems_over(tmp_path / "policies", {"hours.yaml": hours})
    assert problem.code == "P002"
    assert "\ufffd[2J\ufffdsplit" in problem.message("en")
    assert_said(problem)


@pytest.mark.parametrize(
    ("file", "text", "zh", "en"),
    [
        (
            "accounts.yaml",
            "coins: {holder: person, unit: hours, earned_from: points, spent_on: [service], expires: never,"
            " spends_first: oldest, storage: unlimited, overdraft: none, transfer: none, shortfall: debt}\n",
            "此处以积分计，而账户以时长计",
            "this is in points, but the account is kept in hours",
        ),
        (
            "accounts.yaml",
            "钱: {持有人: 志愿者, 单位: 时长, 来源: 时长, 用于: [服务], 到期: 永久, 先用: 最早的,"
            " 存储上限: {至多: 0 小时, 超出部分: 作废}, 透支: 不允许, 转让: 不允许, 不足: 记欠}\n",
            "“0 小时”太小，至少须为 1 秒",
            "'0 小时' is too little: it has to be 1 second at the least",
        ),
        (
            "measures.yaml",
            "run: {streak: {of: hours, at_least: 0 hours, per: month, which: current}, over: all_time}\n",
            "“0 小时”太小，至少须为 1 秒",
            "'0 h' is too little: it has to be 1 s at the least",
        ),
        (
            "earning.yaml",
            "- {id: call, points_per_event: 0.1234567}\n",
            "“0.1234567”位数太多：小数点前至多 15 位、后至多 6 位，且不细于 0.000001",
            "'0.1234567' has too many digits: at most 15 before the point and 6 after it,"
            " and nothing finer than 0.000001",
        ),
        (
            "earning.yaml",
            "- {id: cap, limit: {per: day, at_most: 0.001 points, overflow: lost}}\n",
            "“0.001 points”位数太多：小数点前至多 15 位、后至多 6 位，且不细于 0.01 积分",
            "'0.001 points' has too many digits: at most 15 before the point and 6 after it,"
            " and nothing finer than 0.01 points",
        ),
    ],
)
def test_units_and_limits_are_said_in_the_language_of_the_reader(
    tmp_path: Path, file: str, text: str, zh: str, en: str
) -> None:
    problem = problems_over(tmp_path / "policies", {file: text.encode()})[0]
    assert (problem.message("zh"), problem.message("en")) == (zh, en)


def test_aliases_count_as_much_as_what_they_stand_for(tmp_path: Path) -> None:
    many = b"[" + b"*a," * (NODES_MAX + 1) + b"]"
    *aliases, last = problems_over(tmp_path / "policies", {"hours.yaml": many})
    assert {problem.code for problem in aliases} == {"P004"}
    assert last.code == "P008"


@pytest.mark.parametrize("kind", ["folder", "link"])
def test_a_chapter_that_is_no_regular_file_is_never_passed_over(kind: str, tmp_path: Path) -> None:
    county = tmp_path / "town"
    county.mkdir()
    head = "county: town\ntitle: a town\nin_force: {from: 2020-01-01}\ntime_zone: UTC\n"
    (county / "county.yaml").write_text(head, "utf-8")
    if kind == "folder":
        (county / "earning.yaml").mkdir()
    else:
        (tmp_path / "elsewhere.yaml").write_text("- {id: call, points_per_event: 3}\n", "utf-8")
        (county / "earning.yaml").symlink_to(tmp_path / "elsewhere.yaml")
    with pytest.raises(PolicyError) as caught:
        load_policy(find_folder(str(county), Shelf(())), Shelf(()))
    assert [problem.text("en").split(" ")[:2] for problem in caught.value.problems] == [
        ["town/earning.yaml:1:1:", "P220"]
    ]
