"""A county from a few lines of YAML with its own cases, run in both matchers."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from lianxing.engine.cases import run_case
from lianxing.engine.compiling import load_policy
from lianxing.engine.durable import available
from lianxing.engine.layers import Shelf
from lianxing.engine.matchers import matcher_factory
from lianxing.engine.reading.cases import read_cases
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.problems import PolicyError, Problem
from tests.engine.counties import COUNTY


@cache
def failing(county: str = "", **chapters: str) -> tuple[str, ...]:
    """Return the cases of a county that do not come out as they say, with what came out; PolicyError if it is wrong."""
    written = {f"{name}.yaml": text for name, text in chapters.items()}
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "town"
        folder.mkdir()
        for name, text in ({"county.yaml": COUNTY % "Asia/Shanghai" + county} | written).items():
            (folder / name).write_text(text, encoding="utf-8")
        shelf = Shelf((("test", Path(root)),))
        found = shelf.folder("town")
        assert found is not None
        policy = load_policy(found, shelf)
        problems: list[Problem] = []
        cases = read_cases(found, policy, problems)
    if problems:
        raise PolicyError(problems)
    wrong: list[str] = []
    for matcher in ("durable", "plain") if available() else ("plain",):
        with Rulebook(policy, matcher_factory(matcher)) as rulebook:
            for case in cases:
                result = run_case(rulebook, case)
                wrong += [f"{matcher}: {case.name}: {check}" for check in result.checks if not check.holds]
                if not result.checks:
                    wrong.append(f"{case.name} asks nothing")
    return tuple(wrong)


def problems(county: str = "", **chapters: str) -> list[str]:
    """Return what is wrong with a county, as `code line:column`."""
    try:
        failing(county, **chapters)
    except PolicyError as error:
        return [f"{p.code} {p.location.line}:{p.location.column}" for p in error.problems]
    return []
