"""Facts of people or organisations by id, as a sheet: the first column is the id, every other a fact of the policy.

For what no registry knows: when a team was founded, how many members it has, whether somebody was recommended. An empty
cell is a fact that is missing; a cell that is no value of its fact refuses the whole sheet, so that nobody is left out
of a selection by a slip of the pen.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lianxing.engine.reading.notes import nearest
from lianxing.plugins.registries.exports import open_export
from lianxing.plugins.registries.reasons import ExportError
from lianxing.plugins.registries.sheets import Row, column_letter, is_blank
from lianxing.rules.facts import TEXT_BYTES_MAX, Fact, FactValue, Scope
from lianxing.rules.quantities import fact_value


def facts_by_id(path: Path, facts: Mapping[str, Fact]) -> dict[str, dict[str, FactValue]]:
    """Return the facts of everybody in a sheet, in held units; ExportError where it cannot be read."""
    found: dict[str, dict[str, FactValue]] = {}
    with open_export(path) as sheet:
        if len(sheet.headings) < 2:
            raise ExportError(sheet.source, "no_facts")
        columns = [_fact(sheet.source, index, heading, facts) for index, heading in enumerate(sheet.headings) if index]
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


def _fact(source: str, index: int, heading: str, facts: Mapping[str, Fact]) -> Fact:
    told = {
        spelling: fact for fact in facts.values() if fact.scope is Scope.PERSON for spelling in (fact.name, fact.zh)
    }
    fact = told.get(heading) if heading else None
    if fact is None:
        # Without a row of headings, row 1 is somebody's data: only a known heading that resembles it is told.
        near = nearest(heading, [spelling for spelling in told if spelling])
        raise ExportError(
            source,
            "no_such_fact",
            column=column_letter(index),
            nearby_zh=f"（是否是“{near}”？）" if near else "",
            nearby_en=f" (did you mean '{near}'?)" if near else "",
        )
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
