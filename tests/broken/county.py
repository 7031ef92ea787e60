"""A small sound county, and what is found when files are put over it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from lianxing.engine.compiling import load_policy
from lianxing.engine.layers import Shelf
from lianxing.engine.matchers import matcher_factory
from lianxing.engine.reading.cases import read_cases
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.policy import Policy
from lianxing.rules.problems import PolicyError, Problem

SOUND = Path(__file__).parent / "sound"
COUNTY = "base/town"
BELOW = "below/"  # files of a broken policy that go over the layer below


def put_over(root: Path, files: Mapping[str, bytes]) -> Shelf:
    """Return a shelf with the sound county and these files over it."""
    shutil.copytree(SOUND, root)
    for name, content in files.items():
        place = root / "base" / name.removeprefix(BELOW) if name.startswith(BELOW) else root / COUNTY / name
        place.write_bytes(content)
    return Shelf((("test", root),))


def checked(shelf: Shelf, county: str = COUNTY) -> Policy:
    """Return the policy, read, merged, checked, compiled for a matcher, with its cases read; PolicyError otherwise."""
    folder = shelf.folder(county)
    assert folder is not None
    policy = load_policy(folder, shelf)
    with Rulebook(policy, matcher_factory("plain")) as rulebook:
        rulebook.warm()
    problems: list[Problem] = []
    read_cases(folder, policy, problems)
    if problems:
        raise PolicyError(problems)
    return policy


def problems_over(root: Path, files: Mapping[str, bytes]) -> tuple[Problem, ...]:
    """Return what is wrong with the sound county once these files are put over it."""
    shelf = put_over(root, files)
    try:
        checked(shelf)
    except PolicyError as error:
        return error.problems
    return ()


def shown(problem: Problem) -> str:
    """Return a problem as a broken policy expects it: code, file:line:column, and what was probably meant."""
    path = problem.location.path.removeprefix(f"{COUNTY}/")
    path = path if "base/" not in path else BELOW + path.removeprefix("base/")
    meant = f" meant: {problem.hint}" if problem.hint else ""
    return f"{problem.code} {path}:{problem.location.line}:{problem.location.column}{meant}"
