"""Facts of people or organisations by id, as a sheet: the first column is the id, every other a fact of the policy.

For what no registry knows: when a team was founded, how many members it has, whether somebody was recommended. An empty
cell is a fact that is missing; a cell that is no value of its fact refuses the whole sheet, so that nobody is left out
of a selection by a slip of the pen.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lianxing.plugins.registries.exports import open_export
from lianxing.plugins.registries.reasons import ExportError
from lianxing.plugins.registries.sheets import Row, is_blank
from lianxing.rules.facts import TEXT_BYTES_MAX, Fact, FactValue, Scope
from lianxing.rules.quantities import fact_value


def facts_by_id(path: Path, facts: Mapping[str, Fact]) -> dict[str, dict[str, FactValue]]:
    """Return the facts of everybody in a sheet, in held units; ExportError where it cannot be read."""
    found: dict[str, dict[str, FactValue]] = {}
    with open_export(path) as sheet:
        columns = [_fact(sheet.source, heading, facts) for heading in sheet.headings[1:]]
        for row in sheet.rows:
            if is_blank(row):
                continue
            if row.reason:
                raise ExportError(sheet.source, "bad_row", row=str(row.number))
            id = row.cells[0].strip()
            if not id or id in found:
                code = "row_without_id" if not id else "id_twice"
                raise ExportError(sheet.source, code, row=str(row.number))
            found[id] = dict(_values(sheet.source, row, sheet.headings, columns))
    return found


def _fact(source: str, heading: str, facts: Mapping[str, Fact]) -> Fact:
    fact = facts.get(heading) or next((fact for fact in facts.values() if fact.zh and fact.zh == heading), None)
    if fact is None or fact.scope is not Scope.PERSON:
        raise ExportError(source, "no_such_fact", heading=heading)
    return fact


def _values(source: str, row: Row, headings: tuple[str, ...], columns: list[Fact]) -> list[tuple[str, FactValue]]:
    values = []
    for fact, heading, cell in zip(columns, headings[1:], row.cells[1:], strict=True):
        text = cell.strip()
        value = fact_value(fact, text) if text else None
        # A cell's own text may tell who somebody is: only its place is told.
        if text and (value is None or len(text.encode()) > TEXT_BYTES_MAX or not text.isprintable()):
            raise ExportError(source, "not_a_value", row=str(row.number), heading=heading)
        if value is not None:
            values.append((fact.name, value))
    return values
