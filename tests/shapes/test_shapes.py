"""Every rule shape of the catalogue is YAML: it compiles, its cases pass, and no parameter changes unnoticed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from lianxing.engine import durable
from lianxing.engine.cases import CaseResult
from lianxing.engine.coverage import Coverage
from lianxing.engine.matchers import Preference
from lianxing.rules.problems import PolicyError
from tests.shapes.counties import OnDisk, on_disk
from tests.shapes.mutants import equivalent, mutants, names, of_chapter, survivors
from tests.shapes.table import IDS, INFERRED, Change, Shape, shape, shapes, written

ROOT = Path(__file__).resolve().parents[2]
MATCHERS: tuple[Preference, ...] = ("durable", "plain") if durable.available() else ("plain",)

WRITTEN = [pytest.param(id, id=id) for id in written()]
PROVED = [pytest.param(one.id, id=one.id) for one in shapes() if one.cases]
CHANGED = [pytest.param(one.id, id=one.id) for one in shapes() if one.changes]


def failing(results: Iterable[CaseResult]) -> list[str]:
    """What did not come out as a case says."""
    return [
        f"{result.case.name}: {check.what}: {check.expected} expected, {check.got} found"
        for result in results
        for check in result.checks
        if not check.holds
    ]


def one_sided(one: Shape, coverage: Coverage) -> list[str]:
    """Return the boundaries of the shown chapters of which the cases ask only one side."""
    shown = {file.rpartition("/")[2] for file in one.shows}
    return [
        f"{side.boundary.location.path}:{side.boundary.location.line} {'reached' if side.holds else 'not reached'}"
        for side in coverage.missing
        if side.boundary.location.path.rpartition("/")[2] in shown
    ]


def refusal(error: PolicyError) -> str:
    return "\n".join(problem.text("en") for problem in error.problems)


def test_the_table_has_every_shape_of_the_catalogue_and_no_other() -> None:
    assert len(IDS) == 142
    assert written() == IDS


@pytest.mark.parametrize("id", WRITTEN)
def test_the_county_that_says_a_shape_compiles_and_its_cases_ask_both_sides_of_every_boundary(
    id: str, tmp_path: Path
) -> None:
    county = on_disk(shape(id), tmp_path)
    for matcher in MATCHERS:
        try:
            results, coverage = county.proved(matcher)
        except PolicyError as error:
            pytest.fail(refusal(error))
        assert failing(results) == []
        assert one_sided(shape(id), coverage) == []


@pytest.mark.parametrize("id", CHANGED)
def test_no_parameter_of_a_shape_changes_unnoticed(id: str, tmp_path: Path) -> None:
    county = on_disk(shape(id), tmp_path)
    for change in shape(id).changes:
        answer = said_to(county, change)
        expected = f"refused with {change.refused}" if change.refused else "a case fails"
        assert answer == expected, f"{id}: '{change.old}' became '{change.new}'"


def said_to(county: OnDisk, change: Change) -> str:
    """Return what a change leads to: a refusal with its problem, a case that fails, or nothing."""
    try:
        return "a case fails" if failing(county.changed(change)) else "every case still passes"
    except PolicyError as error:
        codes = {problem.code for problem in error.problems}
        return f"refused with {change.refused}" if change.refused in codes else refusal(error)


NUMBER = re.compile(r"(?<![\w.:\"-])-?\d[\d.]*(?![\w:\"-])")


def numbers_without_a_change(one: Shape) -> list[str]:
    """Return the lines of the shown chapters with a number that no change touches."""
    found = []
    for file in one.shows:
        text = re.sub(r"(?m)(#.*| *(source|依据): .*)$", "", one.says.get(file, one.county))
        touched = [change.old for change in one.changes if change.file == file]
        for number in NUMBER.finditer(text):
            if not any(_covers(text, old, number.span()) for old in touched):
                line = text[text.rfind("\n", 0, number.start()) + 1 : text.find("\n", number.end())]
                found.append(f"{number[0]} in: {line.strip()}")
    return found


def _covers(text: str, old: str, span: tuple[int, int]) -> bool:
    at = text.find(old)
    return at >= 0 and at <= span[0] and span[1] <= at + len(old)


@pytest.mark.parametrize("id", WRITTEN)
def test_every_number_that_the_table_shows_is_changed_by_some_change(id: str) -> None:
    assert numbers_without_a_change(shape(id)) == []


@pytest.mark.long
@pytest.mark.skipif("LIANXING_LONG" not in os.environ, reason="every mutant of every shape")
@pytest.mark.parametrize("id", PROVED)
def test_no_small_change_goes_unnoticed_but_those_that_change_nothing(id: str, tmp_path: Path) -> None:
    loaded, alive = survivors(on_disk(shape(id), tmp_path))
    assert loaded > 0
    assert names(alive) == equivalent().get(id, [])


def test_every_mutant_that_changes_nothing_is_one_of_its_shape() -> None:
    assert {id: set(said) - set(names(mutants(shape(id)))) for id, said in equivalent().items()} == {
        id: set() for id in equivalent()
    }


@pytest.mark.parametrize(
    ("said", "changed"),
    [
        ("at_least: 8 hours", ["at_least: 7 hours", "at_least: 9 hours", "more_than: 8 hours"]),
        (
            "每: 半年",
            [f"每: {period}" for period in ["每条记录", "活动", "日", "周", "月", "季度", "自然年", "累计", "余额"]],
        ),
        ("touching: yes", ["touching: no"]),
        ('at: ["00:00"]', ['at: ["00:01"]', 'at: ["23:59"]']),
        ("from: 2024-02-28", ["from: 2024-02-27", "from: 2024-02-29"]),
        ("share: 1.5 %", ["share: 1.4 %", "share: 1.6 %"]),
        ("sites: [hill, lake]", ["sites: [hill, hill]", "sites: [lake, lake]"]),
        ("source: {clause: 8}", []),
        ("provider: office 8", []),
    ],
)
def test_a_small_change_is_a_step_or_another_word(said: str, changed: list[str]) -> None:
    assert sorted(one.text for one in of_chapter("x.yaml", said)) == sorted(changed)


def test_shapes_are_written_in_both_scripts() -> None:
    chinese = [one.id for one in shapes() if re.search("[\u4e00-\u9fff]+: ", "".join(one.says.values()))]
    assert 40 <= len(chinese) <= 100


@pytest.mark.parametrize("id", WRITTEN)
def test_every_shape_has_names_a_source_and_a_proof(id: str) -> None:
    one = shape(id)
    assert re.search("[\u4e00-\u9fff]", one.zh)
    assert re.search("[a-z]", one.en)
    assert one.seen
    assert one.case_names() or one.proved_by or any(change.refused for change in one.changes)
    assert len(set(one.case_names())) == len(one.case_names())
    assert not one.cases or any(not change.refused for change in one.changes)
    assert bool(one.note_zh) == bool(one.note_en)


@pytest.mark.parametrize("proof", sorted({proof for one in shapes() for proof in one.proved_by}))
def test_every_test_that_the_table_names_exists(proof: str) -> None:
    file, _, name = proof.partition("::")
    assert f"def {name}(" in (ROOT / file).read_text("utf-8")


def test_every_policy_that_a_shape_was_seen_in_has_an_id() -> None:
    named = {name for one in shapes() for name in one.seen if name != INFERRED}
    assert [
        name for name in sorted(named) if not re.fullmatch(r"[A-Z]+(-[A-Z]*)?\d*[a-z]?|TW|海林|template", name)
    ] == []
