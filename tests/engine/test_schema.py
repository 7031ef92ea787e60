"""The schemas that editors use agree with the reader on every policy in the tree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from lianxing.engine.reading import pyyaml
from lianxing.engine.reading.nodes import Entries, Items, Node, Scalar
from lianxing.engine.schema import schemas

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(
    path
    for folder in ("policies", "plugins/registries/mappings", "plugins/demo")
    for path in (ROOT / folder).rglob("*.yaml")
)


def plain(node: Node) -> Any:
    """A node as an editor sees it: mappings, lists and text."""
    match node:
        case Scalar():
            return node.text
        case Items():
            return [plain(item) for item in node.items]
        case Entries():
            return {key.text: plain(item) for key, item in node.entries}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_policy_in_the_tree_is_what_the_schema_of_its_chapter_describes(path: Path) -> None:
    known = schemas()
    schema = known.get(path.name, known["mapping.yaml"])
    node, problems = pyyaml.parse(path.read_bytes(), path.name)
    assert node is not None
    assert not problems
    errors = [error.message for error in Draft202012Validator(schema).iter_errors(plain(node))]
    assert not errors


@pytest.mark.parametrize("name", sorted(schemas()))
def test_each_schema_is_itself_valid(name: str) -> None:
    Draft202012Validator.check_schema(schemas()[name])


@pytest.mark.parametrize(
    ("chapter", "wrong"),
    [
        ("hours.yaml", [{"id": "x", "round": {"to": "30 minutes", "each": "record"}}]),
        ("hours.yaml", [{"id": "x", "limits": {}}]),
        ("earning.yaml", [{"id": "x", "limit": {"per": "fortnight", "at_most": "3 points", "overflow": "lost"}}]),
        ("stars.yaml", {"levels": {"1": {"hours": {"at_least": "100 hours"}}}}),
        ("county.yaml", {"title": "nameless"}),
        ("measures.yaml", {"total": {"sum": "hours"}, "other": {"sum": "hours", "over": "all_time", "colour": "red"}}),
    ],
)
def test_a_file_that_the_reader_refuses_for_its_keys_is_refused_by_the_schema_too(chapter: str, wrong: Any) -> None:
    assert list(Draft202012Validator(schemas()[chapter]).iter_errors(wrong))


def test_the_schemas_in_the_docs_are_the_ones_that_the_program_makes() -> None:
    for name, schema in schemas().items():
        path = ROOT / "docs" / "schema" / f"{name.removesuffix('.yaml')}.json"
        assert json.loads(path.read_text("utf-8")) == schema, f"run `make docs`: {path.name} is old"
