"""Tables as YAML: a number, a map by one or several facts, or a CSV file beside the chapter.

2                                             one number for everything
{2023-01-01: 2, 2025-07-01: 3}                dated
{by: category, default: 1, training: 0.5}     by one fact
{by: [area, category], 城区: {default: 2}, default: {default: 1}}     by two, nested
{by: [area, category], table: rates.csv}      columns area, category, value and, if wanted, valid_from, valid_until
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import product

from lianxing.engine.reading.conditions import Operand
from lianxing.engine.reading.forms import DAY, DatedOf, Form, OneOrMore, Schema, Text, is_dated
from lianxing.engine.reading.nodes import Entries, Node, Scalar
from lianxing.engine.reading.notes import Reading, under
from lianxing.engine.reading.vocabulary import KEY_OF, KEYS
from lianxing.rules.dates import BEGINNING, Dated, Since
from lianxing.rules.facts import Fact, FactType, Scope
from lianxing.rules.places import Language, Location
from lianxing.rules.tables import Cell, Key, Other, Table

VALUE_COLUMNS = ("value", "数值")
FROM_COLUMNS = ("valid_from", "生效日")
UNTIL_COLUMNS = ("valid_until", "截止日")
KEYS_MAX = 4

BYTES_MAX = 1024 * 1024  # of one CSV file
ROWS_MAX = 20_000
_ASKED = 20_000  # combinations tried when looking for one that the table does not say
_CALENDAR = {"weekday": 7, "month": 12, "day_of_month": 31}


@dataclass(frozen=True)
class TableForm:
    """A table of exact numbers; `value` is the form of one number, `scopes` the facts it may be looked up by."""

    value: Form[Fraction]
    scopes: frozenset[Scope]

    def read(self, node: Node, reading: Reading) -> Table | None:
        if not isinstance(node, Entries) or is_dated(node):
            value = DatedOf(self.value).read(node, reading)
            return None if value is None else Table((), {(): Cell(value, node.location)}, node.location)
        facts = self._by(node, reading)
        if facts is None:
            return None
        cells = self._cells(node, facts, reading)
        if cells is None:
            return None
        table = Table(tuple(fact.name for fact in facts), cells, node.location)
        hole = hole_in(table, facts)
        if hole is not None:
            reading.problem("P308", node.location, ("keys", hole))
            return None
        return table

    def _by(self, node: Entries, reading: Reading) -> tuple[Fact, ...] | None:
        said = under(node, "by")
        if said is None:
            reading.problem("P015", node.location, ("key", reading.spelled("by")))
            return None
        names = OneOrMore(_FactName(self.scopes)).read(said, reading)
        if names is not None and len(names) > KEYS_MAX:
            reading.out_of_range(said.location, str(len(names)), "1", str(KEYS_MAX))
            return None
        return names

    def _cells(self, node: Entries, facts: tuple[Fact, ...], reading: Reading) -> dict[tuple[Key, ...], Cell] | None:
        rows: list[tuple[Scalar, Node]] = []
        table: Node | None = None
        for key, item in node.entries:
            name = KEY_OF.get(key.text, key.text)
            if name in ("by", "table"):
                reading.key(key, ("by", "table"))
                table = item if name == "table" else table
            else:
                rows.append((key, item))
        if table is None:
            return self._inline(rows, facts, reading)
        for key, _item in rows:
            reading.unknown_key(key, ("by", "table"))
        cells = _from_csv(table, facts, self.value, reading)
        return None if rows else cells

    def _inline(
        self, rows: list[tuple[Scalar, Node]], facts: tuple[Fact, ...], reading: Reading, above: tuple[Key, ...] = ()
    ) -> dict[tuple[Key, ...], Cell] | None:
        cells: dict[tuple[Key, ...], Cell] = {}
        fact = facts[len(above)]
        right = True
        for scalar, item in rows:
            key = _row_key(scalar, fact, reading)
            if key is None:
                right = False
                continue
            here = (*above, key)
            inner: dict[tuple[Key, ...], Cell] | None
            if len(here) < len(facts) and isinstance(item, Entries) and not is_dated(item):
                inner = self._inline(list(item.entries), facts, reading, here)
            else:
                value = DatedOf(self.value).read(item, reading)
                inner = (
                    None
                    if value is None
                    else {here + (Other.DEFAULT,) * (len(facts) - len(here)): Cell(value, item.location)}
                )
            if inner is None:
                right = False
                continue
            for known in cells.keys() & inner.keys():
                reading.problem("P003", scalar.location, ("key", scalar.text), ("first", cells[known].location.line))
                right = False
            cells |= inner
        return cells if right else None

    def schema(self, script: Language) -> Schema:
        value = DatedOf(self.value).schema(script)
        word = (lambda name: KEYS[name]) if script == "zh" else (lambda name: name)
        by: Schema = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
        rows: Schema = {"anyOf": [value, {"type": "object"}]}
        return {
            "anyOf": [
                value,
                {
                    "type": "object",
                    "required": [word("by")],
                    "properties": {word("by"): by, word("table"): {"type": "string"}},
                    "additionalProperties": rows,
                },
            ]
        }


@dataclass(frozen=True)
class _FactName:
    """The name of a fact that a table may be looked up by."""

    scopes: frozenset[Scope]

    def read(self, node: Node, reading: Reading) -> Fact | None:
        name = Text().read(node, reading)
        if name is None:
            return None
        fact = reading.fact(name)
        if fact is None:
            reading.problem("P301", node.location, ("fact", name), hint=reading.nearest_fact(name))
            return None
        if fact.scope not in self.scopes or fact.type is FactType.RATIO:
            reading.problem("P304", node.location, ("fact", name))
            return None
        return fact

    def schema(self, script: Language) -> Schema:
        return {"type": "string"}


def _row_key(scalar: Scalar, fact: Fact, reading: Reading, same_script: bool = True) -> Key | None:
    name = KEY_OF.get(scalar.text, scalar.text)
    if name in ("default", "missing") and not any(scalar.text in (v.id, v.label.zh) for v in fact.values):
        if same_script:
            reading.key(scalar, ("default", "missing"))
        return Other(name)
    return Operand(fact).read(scalar, reading)


def _from_csv(
    node: Node, facts: tuple[Fact, ...], value: Form[Fraction], reading: Reading
) -> dict[tuple[Key, ...], Cell] | None:
    name = Text().read(node, reading)
    if name is None:
        return None
    content = reading.beside(name)
    if content is None:
        reading.problem("P309", node.location, ("file", name))
        return None
    return _CsvTable(name, facts, value, reading).cells(content, node.location)


@dataclass
class _CsvTable:
    """One CSV file beside a chapter; places are lines of that file."""

    name: str
    facts: tuple[Fact, ...]
    value: Form[Fraction]
    reading: Reading

    def cells(self, content: bytes, place: Location) -> dict[tuple[Key, ...], Cell] | None:
        path = self.reading.path.rpartition("/")[0] + "/" + self.name
        if len(content) > BYTES_MAX:
            size = ("size", len(content)), ("most", BYTES_MAX)
            self.reading.problem("P007", Location(path, 1, 1), *size)
            return None
        try:
            lines = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
        except (UnicodeDecodeError, csv.Error):
            self.reading.problem("P310", Location(path, 1, 1))
            return None
        if len(lines) > ROWS_MAX:
            self.reading.problem("P008", Location(path, ROWS_MAX + 1, 1), ("most", ROWS_MAX))
            return None
        columns = self._columns(lines[0] if lines else [], path)
        if columns is None:
            return None
        before = len(self.reading.problems)
        spans: dict[tuple[Key, ...], list[tuple[date, date | None, Fraction, Location]]] = {}
        for number, line in enumerate(lines[1:], 2):
            if any(line):
                self._row(line, columns, Location(path, number, 1), spans)
        cells = {key: self._cell(sorted(rows, key=lambda row: row[0])) for key, rows in spans.items()}
        if not cells and len(self.reading.problems) == before:
            self.reading.problem("P111", Location(path, 1, 1))
        return cells if len(self.reading.problems) == before else None

    def _columns(self, heading: list[str], path: str) -> dict[str, int] | None:
        wanted = {fact.name: (fact.name, fact.zh) for fact in self.facts} | {"value": VALUE_COLUMNS}
        known = wanted | {"valid_from": FROM_COLUMNS, "valid_until": UNTIL_COLUMNS}
        zh = not all(text.isascii() for text in heading)
        spelled = {target: (zh and those[1]) or those[0] for target, those in known.items()}
        columns: dict[str, int] = {}
        right = True
        for index, text in enumerate(heading):
            heading_text = text.strip()
            target = next((target for target, those in known.items() if heading_text and heading_text in those), None)
            if target is None or target in columns:
                names = [spelling for spellings in known.values() for spelling in spellings if spelling]
                self.reading.problem(
                    "P002",
                    Location(path, 1, index + 1),
                    ("key", text),
                    ("known", ", ".join(spelled.values())),
                    hint=self.reading.nearest(text, names),
                )
                right = False
            else:
                columns[target] = index
        for target in wanted:
            if target not in columns:
                self.reading.problem("P015", Location(path, 1, 1), ("key", spelled[target]))
                right = False
        return columns if right else None

    def _row(
        self,
        line: list[str],
        columns: dict[str, int],
        place: Location,
        spans: dict[tuple[Key, ...], list[tuple[date, date | None, Fraction, Location]]],
    ) -> None:
        if len(line) != len(columns):
            self.reading.problem("P311", place, ("found", len(line)), ("expected", len(columns)))
            return

        def cell(target: str) -> Scalar:
            return Scalar(line[columns[target]].strip(), Location(place.path, place.line, columns[target] + 1))

        # A table that several chapters share may be in another script than the chapter that names it.
        keys = [_row_key(cell(fact.name), fact, self.reading, same_script=False) for fact in self.facts]
        value = self.value.read(cell("value"), self.reading)
        first: date | None = BEGINNING
        if "valid_from" in columns and cell("valid_from").text:
            first = DAY.read(cell("valid_from"), self.reading)
        last: date | None = None
        if "valid_until" in columns and cell("valid_until").text:
            last = DAY.read(cell("valid_until"), self.reading)
        if value is None or first is None or None in keys:
            return
        if last is not None and last < first:
            self.reading.problem("P307", place)
            return
        spans.setdefault(tuple(key for key in keys if key is not None), []).append((first, last, value, place))

    def _cell(self, rows: list[tuple[date, date | None, Fraction, Location]]) -> Cell:
        entries: list[Since[Fraction]] = []
        for index, (first, last, value, place) in enumerate(rows):
            following = rows[index + 1] if index + 1 < len(rows) else None
            if following is not None and (following[0] == first or (last is not None and following[0] <= last)):
                self.reading.problem("P312", following[3], ("first", place.line))
            elif following is not None and last is not None and (following[0] - last).days > 1:
                self.reading.problem("P313", following[3], ("until", last), ("first", place.line))
            entries.append(Since(first, value, place))
        return Cell(Dated(tuple(entries)), rows[0][3], rows[-1][1])


def hole_in(table: Table, facts: tuple[Fact, ...]) -> str | None:
    """Return a combination of keys that may occur and that the table does not say, None if it says all of them."""
    if (Other.DEFAULT,) * len(facts) in table.cells:
        return None
    domains = [_domain(index, fact, table) for index, fact in enumerate(facts)]
    for tried, keys in enumerate(product(*domains)):
        if tried >= _ASKED:
            return None
        if next(table.cells_for(keys), None) is None:
            return ", ".join(f"{fact.name}: {_said(fact, key)}" for fact, key in zip(facts, keys, strict=True))
    return None


def _said(fact: Fact, key: int | str | None) -> int | str:
    if key is None:
        return "missing"
    return ("no", "yes")[key] if fact.type is FactType.YES_NO and isinstance(key, int) else key


def _domain(index: int, fact: Fact, table: Table) -> list[int | str | None]:
    """Return the values that may occur: all that are declared, else those that have rows; missing, where it can be.

    A value that nobody declared and that has no row earns no points, and the record says which table left it open.
    """
    values: list[int | str | None]
    if fact.type is FactType.YES_NO:
        values = [1, 0]
    elif fact.values:
        values = [value.id for value in fact.values]
    elif fact.name in _CALENDAR:
        values = list(range(1, _CALENDAR[fact.name] + 1))
    else:
        values = sorted({key[index] for key in table.cells if not isinstance(key[index], Other)}, key=str)  # type: ignore[misc]
    return values if fact.scope in (Scope.CALENDAR, Scope.STANDING) else [*values, None]
