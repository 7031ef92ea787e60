"""What README.md and docs/ show is true: every policy compiles, every command exists, every link leads somewhere.

A ```yaml block holds one chapter; its first line names it, its second may say that it is wrong on purpose:

    # hours.yaml                    on the small county below, in force from 2025-01-01
    # hours.yaml of cn/hubei        on a small county that rests on `cn/hubei`, not on `cn/hunan`
    # wrong: P002 P015              exactly these problems are found, in the order of their codes
    # mapping.yaml                  a mapping file

A block goes with the latest blocks of the other chapters above it in the same `##` section that rest on the same layer.
So a cases.yaml block is asked of the county that its section has shown, and every case of it passes. A ```csv block is
the table that its section's chapters name. A county.yaml block may be whole or an excerpt such as `facts:` alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from lianxing.engine.cases import run_case
from lianxing.engine.compiling import load_policy
from lianxing.engine.layers import Shelf
from lianxing.engine.matchers import matcher_factory
from lianxing.engine.reading.cases import read_cases
from lianxing.engine.reading.chapters import Folder
from lianxing.engine.reading.mappings import read_mapping
from lianxing.engine.rulebook import Rulebook
from lianxing.plugins.cli.main import COMMANDS, Program
from lianxing.plugins.cli.speaking import Say
from lianxing.rules.policy import Policy
from lianxing.rules.problems import PolicyError, Problem

ROOT = Path(__file__).resolve().parents[1]
PAGES = (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md")))
SHELF = Shelf((("lianxing", files("lianxing") / "policies"),))

BASE = "cn/hunan"  # the nation's rules and the words of a province
SMALL = {
    "county": "county: town",
    "title": "title: {zh: 小镇, en: a town}",
    "based_on": "based_on: %s",
    "in_force": "in_force: {from: 2025-01-01}",
}
SMALL_ZH = {
    "县区": "县区: town",
    "标题": "标题: {中文: 小镇, 英文: a town}",
    "上级": "上级: %s",
    "施行": "施行: {自: 2025-01-01}",
}
# Where a page shows stars or perks without their measure; a layer below that has it already keeps its own.
MEASURES = "points_earned: {sum: points, over: all_time, label: {zh: 累计获得积分, en: points earned}}\n"

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FIRST = re.compile(r"# (\w+\.yaml)(?: of (\S+))?\s*")
WRONG = re.compile(r"# wrong: (P\d{3}(?:[ ,]+P\d{3})*)\s*")
TABLE = re.compile(r"(?:table|表格): ([\w.-]+\.csv)")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[\w-]*)?\)")
ANCHOR = re.compile(r"\]\(([^)#\s]*)#([^)\s]+)\)")


@dataclass(frozen=True)
class Fenced:
    """A fenced block of a page: its language, its text and the line on which the text starts."""

    page: Path
    line: int
    section: int
    language: str
    text: str

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT).as_posix()}:{self.line}"


@dataclass(frozen=True)
class Shown:
    """A ```yaml block with the files it goes with."""

    block: Fenced
    chapter: str
    based_on: str
    wrong: tuple[str, ...]
    beside: Mapping[str, str]


def fenced(page: Path) -> list[Fenced]:
    text = page.read_text("utf-8")
    found = []
    for match in FENCE.finditer(text):
        section = len(re.findall(r"^## ", text[: match.start()], flags=re.MULTILINE))
        found.append(Fenced(page, text.count("\n", 0, match.start()) + 2, section, match[1], match[2]))
    return found


FENCED = tuple(block for page in PAGES for block in fenced(page))
BLOCKS = tuple(block for block in FENCED if block.language == "yaml")


def shown(block: Fenced) -> Shown | None:
    """Return the block with what its section says above it, None where its first line names no chapter."""
    lines = block.text.splitlines()
    first = FIRST.fullmatch(lines[0]) if lines else None
    if first is None:
        return None
    wrong = WRONG.fullmatch(lines[1]) if len(lines) > 1 else None
    section = [other for other in FENCED if (other.page, other.section) == (block.page, block.section)]
    beside: dict[str, str] = {}
    for other in section:
        above = FIRST.match(other.text) if other.language == "yaml" and other.line < block.line else None
        right = above is not None and WRONG.fullmatch(other.text.splitlines()[1]) is None
        if above is not None and right and above[2] == first[2] and above[1] != "mapping.yaml":
            beside[above[1]] = other.text
    beside.pop(first[1], None)
    tables = [other.text for other in section if other.language == "csv"]
    for text in (*beside.values(), block.text):
        beside.update(dict.fromkeys(TABLE.findall(text), tables[-1]) if tables else {})
    codes = tuple(sorted(re.findall(r"P\d{3}", wrong[1]))) if wrong else ()
    return Shown(block, first[1], first[2] or BASE, codes, beside)


SHOWN = tuple(one for one in map(shown, BLOCKS) if one is not None)


def county_file(said: str, based_on: str) -> tuple[str, str]:
    """Return a county's name and its county.yaml: what is said, and what every county needs besides."""
    keys = dict(re.findall(r"^(\w+): *(.*?) *$", said, flags=re.MULTILINE))
    small = SMALL_ZH if any("\u4e00" <= character <= "\u9fff" for key in keys for character in key) else SMALL
    needed = [line % based_on if "%s" in line else line for key, line in small.items() if key not in keys]
    return keys.get("county") or keys.get("县区") or "town", "\n".join([said, *needed]) + "\n"


def folder_with(one: Shown, root: Path) -> Folder:
    chapters = {**one.beside, one.chapter: one.block.text}
    name, chapters["county.yaml"] = county_file(chapters.get("county.yaml", ""), one.based_on)
    below = SHELF.folder(one.based_on)
    assert below is not None, f"{one.block.place}: there is no layer {one.based_on}"
    if not any(measure.clause.id == "points_earned" for measure in load_policy(below, SHELF).measures):
        chapters.setdefault("measures.yaml", MEASURES)
    place = root / name
    place.mkdir()
    for file, text in chapters.items():
        if file != "cases.yaml" or one.chapter == "cases.yaml":
            (place / file).write_text(text, "utf-8")
    return Folder(name, name, place)


def codes(problems: list[Problem]) -> tuple[str, ...]:
    return tuple(sorted(problem.code for problem in problems))


def failing(policy: Policy, folder: Folder) -> list[str]:
    """Run the folder's cases and return what did not come out as it says; PolicyError where one cannot be read."""
    problems: list[Problem] = []
    cases = read_cases(folder, policy, problems)
    if problems:
        raise PolicyError(problems)
    with Rulebook(policy, matcher_factory()) as rulebook:
        results = [run_case(rulebook, case) for case in cases]
    return [f"{result.case.name}: {result.checks}" for result in results if not result.passed]


def read(one: Shown, root: Path) -> list[str]:
    if one.chapter == "mapping.yaml":
        below = SHELF.folder(one.based_on)
        assert below is not None
        read_mapping(one.block.text.encode(), "mapping.yaml", dict(load_policy(below, SHELF).facts))
        return []
    folder = folder_with(one, root)
    policy = load_policy(folder, SHELF)
    return failing(policy, folder) if one.chapter == "cases.yaml" else []


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.place)
def test_the_first_line_of_every_policy_names_its_chapter(block: Fenced) -> None:
    assert shown(block) is not None, f"{block.place}: begin with a line such as '# hours.yaml'"


@pytest.mark.parametrize("one", [one for one in SHOWN if not one.wrong], ids=lambda one: one.block.place)
def test_every_policy_that_is_shown_compiles_and_its_cases_pass(one: Shown, tmp_path: Path) -> None:
    try:
        assert read(one, tmp_path) == []
    except PolicyError as error:
        pytest.fail(f"{one.block.place}:\n" + "\n".join(problem.text("en") for problem in error.problems))


@pytest.mark.parametrize("one", [one for one in SHOWN if one.wrong], ids=lambda one: one.block.place)
def test_every_policy_that_is_shown_as_wrong_has_exactly_the_problems_it_names(one: Shown, tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as refused:
        read(one, tmp_path)
    assert codes(list(refused.value.problems)) == one.wrong


def test_the_taste_in_the_readme_is_what_the_county_says() -> None:
    says = (ROOT / "policies/cn/hunan/zhuzhou/youxian/earning.yaml").read_text("utf-8").splitlines()
    taste = next(one for one in SHOWN if one.block.page.name == "README.md" and "编号" in one.block.text)
    assert [line for line in taste.block.text.splitlines()[1:] if line not in says] == []


def command_lines() -> Iterator[tuple[str, str]]:
    for block in FENCED:
        for number, line in enumerate(block.text.splitlines() if block.language in ("sh", "console", "text") else []):
            typed = re.sub(r"\s+#.*", "", line.removeprefix("$ "))
            if typed.startswith("lianxing "):
                yield f"{block.page.relative_to(ROOT).as_posix()}:{block.line + number}", typed
    for cell in re.findall(
        r"^\| `(lianxing [a-z-]+ (?!\.)[^`\\]+)` \|", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE
    ):
        yield "README.md", cell.replace("[COUNTY]...", "")


@pytest.mark.parametrize(("place", "typed"), list(command_lines()))
def test_every_command_line_names_a_command_that_exists_with_its_options_and_leaves_none_out(
    place: str, typed: str
) -> None:
    program = Program(Say("en"))
    words = typed.split()[1:]
    if words[0] == "--lang":
        assert words[1] in ("zh", "en"), place
        words = words[2:]
    if words and words[0] in ("--help", "--version"):
        return
    context = click.Context(program)
    command = program.get_command(context, words[0])
    assert command is not None, f"{place}: there is no command {words[0]}"
    if isinstance(command, click.Group) and len(words) > 1 and not words[1].startswith("-"):
        group, command = command, command.get_command(context, words[1])
        assert command is not None, f"{place}: {group.name} has no command {words[1]}"
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    asked = {word.partition("=")[0] for word in words[1:] if word.startswith("-")}
    assert asked <= known, f"{place}: {sorted(asked - known)}"
    needed = {one.opts[0]: {*one.opts} for one in command.params if isinstance(one, click.Option) and one.required}
    left_out = [option for option, spellings in needed.items() if not asked & spellings]
    assert left_out == [] or "..." in words or "--help" in asked, f"{place}: {left_out}"


def test_the_readme_lists_every_command() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert [name for name in COMMANDS if f"| `lianxing {name}" not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_to_a_file(page: Path) -> None:
    text = FENCE.sub("", page.read_text("utf-8"))
    targets = [target for target in LINK.findall(text) if "://" not in target and not target.startswith("mailto:")]
    assert [target for target in targets if not (page.parent / target).exists()] == []


def anchors(page: Path) -> set[str]:
    """Return what the headings of a page are reached by: their words in small letters, joined by hyphens."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text("utf-8")), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_to_a_heading_finds_it(page: Path) -> None:
    found = [match for match in ANCHOR.findall(FENCE.sub("", page.read_text("utf-8"))) if "://" not in match[0]]
    assert [match for match in found if match[1] not in anchors(page.parent / match[0] if match[0] else page)] == []


NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_test_that_is_named_exists(page: Path) -> None:
    named = NAMED.findall(page.read_text("utf-8"))
    there = {file: (ROOT / file).read_text("utf-8") if (ROOT / file).exists() else "" for file, _test in named}
    assert [f"{file}::{test}" for file, test in named if f"def {test}(" not in there[file]] == []


def test_every_row_of_the_page_on_reliability_says_what_happens_and_which_test_shows_it() -> None:
    text = (ROOT / "docs" / "reliability.md").read_text("utf-8")
    rows = [line.strip("|").split("|") for line in text.splitlines() if re.match(r"\| [A-Z]\d+ \|", line)]
    assert len(rows) > 20
    assert [row[0] for row in rows if len(row) != 4 or not row[2].strip() or not NAMED.search(row[3])] == []


# What the guide tells its reader to change, in the starter that `new-county` has written: file, old text, new text.
GUIDES = {
    "docs/add-your-county.md": (
        "mytown",
        ("earning.yaml", "default: 1}", "default: 1, emergency_response: 2}"),
        (("earning.yaml", "  limit:", "  limits:"), ("hours.yaml", "30 minutes", "30")),
    ),
    "docs/zh/add-your-county.md": (
        "shifan",
        ("earning.yaml", "其余: 1}", "其余: 1, 应急救援: 2}"),
        (("earning.yaml", "  限额:", "  限额数:"), ("hours.yaml", "30 分钟", "30")),
    ),
}


def consoles(block: Fenced) -> Iterator[tuple[list[str], str]]:
    """Yield each command of a console with what it is shown to say."""
    for typed in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, said = typed.partition("\n")
        yield command.split()[1:], said


def as_shown(shown: str, said: str) -> bool:
    """Tell whether this was said, where `...` stands for any lines; how often a matcher was asked may be left out."""
    lines = [line.rstrip() for line in said.splitlines()]
    lines = [line for line in lines if not line.startswith(("conditions evaluated", "条件求值次数"))]
    pattern = "".join(
        r"(?:.*\n)*?" if line == "..." else re.escape(line.rstrip()) + r"\n" for line in shown.splitlines()
    )
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in lines)) is not None


@pytest.mark.parametrize("guide", GUIDES)
def test_who_follows_the_guide_is_told_what_it_shows(
    guide: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, change, mistakes = GUIDES[guide]
    blocks = [block for block in FENCED if block.page == ROOT / guide]
    county = tmp_path / name
    monkeypatch.chdir(tmp_path)

    def put(file: str, old: str, new: str) -> None:
        text = (county / file).read_text("utf-8")
        assert text.count(old) == 1, f"the starter no longer says '{old}' once"
        (county / file).write_text(text.replace(old, new), "utf-8")

    cases = [block for block in blocks if block.text.startswith("# cases.yaml\n")]
    export = next(block.text for block in blocks if block.language == "text" and block.text.startswith("编号,"))
    (tmp_path / "export.csv").write_text(export, "utf-8")
    mapping = next(block.text for block in blocks if block.text.startswith("# mapping.yaml"))
    (tmp_path / "mapping.yaml").write_text(mapping, "utf-8")
    for number, block in enumerate(block for block in blocks if block.language == "console"):
        if number == 1:
            put(*change)
            with (county / "cases.yaml").open("a", encoding="utf-8") as proof:
                proof.write(cases[1].text)
        if number == 2:
            for mistake in mistakes:
                put(*mistake)
        for words, said in consoles(block):
            language: Any = words[1] if words[0] == "--lang" else "en"
            done = CliRunner().invoke(Program(Say(language)), words, catch_exceptions=False)
            assert as_shown(said, done.output), f"{block.place}: {' '.join(words)} says\n{done.output}"
        if number == 2:
            for file, old, new in mistakes:
                put(file, new, old)


@pytest.mark.xdist_group("demo")
def test_every_line_of_the_first_run_in_the_readme_is_said_by_the_demonstration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quoted = next(block.text for block in FENCED if block.page.name == "README.md" and block.language == "text")
    monkeypatch.chdir(tmp_path)
    done: Any = CliRunner().invoke(Program(Say("en")), ["demo"], catch_exceptions=False)
    said = [line.rstrip() for line in done.output.splitlines()]
    assert done.exit_code == 0
    assert [line for line in quoted.splitlines() if line not in ("...", "") and line.rstrip() not in said] == []
    assert len([line for line in quoted.splitlines() if line != "..."]) >= 15


def test_who_writes_a_program_by_the_page_sees_what_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    page = [block for block in FENCED if block.page == ROOT / "docs" / "python.md"]
    known: dict[str, Any] = {"__name__": "a_program"}
    for block, following in zip(page, [*page[1:], None], strict=True):
        if block.language == "python":
            exec(compile(block.text, block.place, "exec"), known)
            shown = following.text if following is not None and following.language == "text" else ""
            assert capsys.readouterr().out == shown, block.place
