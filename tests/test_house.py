"""The house rules as tests: types, style, layers, documents; a remark made twice becomes one of these."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from lianxing.engine.reading.vocabulary import KEYS, WORDS
from lianxing.plugins import hooks
from lianxing.plugins.cli.main import COMMANDS
from lianxing.rules.known_facts import KNOWN_FACTS
from lianxing.rules.problems import PROBLEMS

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(BIN / command[0]), *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "command",
    [("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",), ("lint-imports",)],
    ids=["style", "format", "types", "layers"],
)
def test_the_whole_tree_keeps(command: tuple[str, ...]) -> None:
    done = run(*command)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_generated_page_is_what_the_code_says_today() -> None:
    pages: dict[str, str] = runpy.run_path(str(ROOT / "docs" / "generate.py"))["pages"]()
    for name, text in pages.items():
        assert (ROOT / "docs" / name).read_text("utf-8") == text, f"docs/{name} is old: run `make docs`"


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("hooks.md", [hook.__name__ for hook in hooks.HOOKS]),
        ("commands.md", list(COMMANDS)),
        ("problems.md", list(PROBLEMS)),
        ("facts.md", [fact.name for fact in KNOWN_FACTS]),
        ("keys.md", list(KEYS)),
        ("words.md", [*WORDS, *WORDS.values()]),
    ],
)
def test_nothing_is_left_out_of_its_page(page: str, names: list[str]) -> None:
    text = (ROOT / "docs" / page).read_text("utf-8")
    assert [name for name in names if name not in text] == []


def test_every_function_marked_as_a_hook_is_in_the_table_of_hooks() -> None:
    marked = {name for name, value in vars(hooks).items() if hasattr(value, "lianxing_spec")}
    assert marked == {hook.__name__ for hook in hooks.HOOKS}


def test_every_hook_says_what_it_is_for() -> None:
    assert [hook.__name__ for hook in hooks.HOOKS if not hook.__doc__] == []


def test_every_dependency_is_justified_in_one_line() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    listed = re.findall(r'^    "([A-Za-z0-9_.-]+?)(?:\[.*?\])?(?:[>=<;].*)?",$', project, flags=re.MULTILINE)
    justified = (ROOT / "docs" / "dependencies.md").read_text("utf-8").lower()
    missing = [name for name in listed if name != "lianxing" and f"| {name.lower()} |" not in justified]
    assert missing == []


@pytest.mark.parametrize("name", ["handler", "utils", "helpers", "base", "common", "manager"])
def test_no_module_has_a_name_that_says_nothing(name: str) -> None:
    found = [path for top in ("rules", "engine", "plugins") for path in (ROOT / top).rglob(f"{name}.py")]
    assert found == []


def test_no_float_is_made_on_any_path() -> None:
    pattern = re.compile(r"\bfloat\(|\bround\(|time\.time\(\)")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for top in ("rules", "engine")
        for path in (ROOT / top).rglob("*.py")
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


def test_a_county_is_zero_lines_of_python() -> None:
    assert list((ROOT / "policies").rglob("*.py")) == []


def test_the_public_names_are_at_most_fifteen_and_all_there() -> None:
    import lianxing

    assert len(lianxing.__all__) <= 15
    assert all(getattr(lianxing, name) for name in lianxing.__all__)
