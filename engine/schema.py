"""JSON Schema of every chapter, made from the forms that read it, so that an editor knows what the reader knows.

One schema per chapter takes either script. Words that a county gives itself (facts, measures, ids) are left open;
`check` knows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lianxing.engine.reading.cases import case_form
from lianxing.engine.reading.chapters import FORMS
from lianxing.engine.reading.conditions import condition_schema
from lianxing.engine.reading.forms import Form, Schema
from lianxing.engine.reading.mappings import MAPPING

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, Schema]:
    """Return the schema of each chapter, and of mapping files, by file name."""
    forms: Mapping[str, Form[Any]] = {
        **FORMS,
        "cases.yaml": case_form(lambda _fields, _reading: None),
        "mapping.yaml": MAPPING,
    }
    return {name: _schema(name, form) for name, form in forms.items()}


def _schema(name: str, form: Form[Any]) -> Schema:
    return {
        "$schema": DRAFT,
        "title": name,
        "anyOf": [form.schema("en"), form.schema("zh")],
        "$defs": {"condition": {"anyOf": [condition_schema("en"), condition_schema("zh")]}},
    }
