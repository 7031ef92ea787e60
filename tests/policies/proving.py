"""The counties of the checkout and their proofs, worked out once per process and matcher."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from lianxing.engine import durable
from lianxing.engine.cases import CaseResult
from lianxing.engine.compiling import find_folder, load_policy
from lianxing.engine.coverage import Coverage, prove
from lianxing.engine.layers import Shelf
from lianxing.engine.matchers import Preference, matcher_factory
from lianxing.engine.reading.cases import read_cases
from lianxing.engine.reading.chapters import Folder
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.cases import Case
from lianxing.rules.policy import Policy
from lianxing.rules.problems import PolicyError, Problem

SHELF = Shelf((("lianxing", files("lianxing") / "policies"),))
COUNTIES = tuple(SHELF.counties())
MATCHERS: tuple[Preference, ...] = ("durable", "plain") if durable.available() else ("plain",)


@dataclass(frozen=True)
class Proof:
    """What a county's cases came to, and what all of them together prove."""

    results: tuple[CaseResult, ...]
    coverage: Coverage


def folder_of(county: str) -> Folder:
    return find_folder(county, SHELF)


@cache
def policy_of(county: str) -> Policy:
    return load_policy(folder_of(county), SHELF)


@cache
def cases_of(county: str) -> tuple[Case, ...]:
    problems: list[Problem] = []
    cases = read_cases(folder_of(county), policy_of(county), problems)
    if problems:
        raise PolicyError(problems)
    return cases


@cache
def proof_of(county: str, matcher: Preference) -> Proof:
    with Rulebook(policy_of(county), matcher_factory(matcher)) as rulebook:
        return Proof(*prove(rulebook, cases_of(county)))
