"""Forms for what is said in one of several ways: a word or a mapping, an amount where an exact number is wanted."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Generic, TypeVar

from lianxing.engine.reading.forms import Form, Schema, Text, scalar_text, written
from lianxing.engine.reading.nodes import Entries, Node, Scalar
from lianxing.engine.reading.notes import Reading
from lianxing.engine.reading.tables import TableForm
from lianxing.engine.reading.vocabulary import WORDS
from lianxing.rules import quantities
from lianxing.rules.facts import Fact, FactType, Scope
from lianxing.rules.periods import MonthDay
from lianxing.rules.places import Label, Language
from lianxing.rules.tables import Table

T = TypeVar("T")


@dataclass(frozen=True)
class WordOr(Generic[T]):
    """One of a few words, each with the value it stands for, or what another form reads.

    The value comes in a tuple of one, because None is a value here. `also` is what else may stand here, for whoever
    is told so.
    """

    words: Mapping[str, T]
    form: Form[T] | None = None
    also: tuple[Form[Any], ...] = ()

    def read(self, node: Node, reading: Reading) -> tuple[T] | None:
        if not isinstance(node, Scalar) and self.form is not None:
            value = self.form.read(node, reading)
            return None if value is None else (value,)
        known = ", ".join([*map(reading.worded, self.words), *written(self._others(), reading)])
        text = scalar_text(node, reading, "P105", ("known", known))
        if text is None:
            return None
        for word, value in self.words.items():
            if text in (word, WORDS.get(word)):
                return (value,)
        if not reading.full_width(node):
            meant = reading.meant(text, {word: WORDS.get(word, word) for word in self.words})
            reading.problem("P105", node.location, ("found", text[:40]), ("known", known), hint=meant)
        return None

    def _others(self) -> tuple[Form[Any], ...]:
        return self.also if self.form is None else (self.form, *self.also)

    def schema(self, script: Language) -> Schema:
        words = sorted({*self.words, *(WORDS.get(word, word) for word in self.words)})
        return {"enum": words} if self.form is None else {"anyOf": [{"enum": words}, self.form.schema(script)]}


@dataclass(frozen=True)
class Exactly:
    """What another form reads as a whole number, as an exact number: for the cells of a table."""

    form: Form[int]

    def read(self, node: Node, reading: Reading) -> Fraction | None:
        value = self.form.read(node, reading)
        return None if value is None else Fraction(value)

    def schema(self, script: Language) -> Schema:
        return self.form.schema(script)


BALANCE_TYPES = (FactType.POINTS, FactType.DURATION)
# What is wrong with amounts of which some are points and some are hours.
BOTH_UNITS = (
    ("found", Label("积分和时长", "points and hours")),
    ("unit", Label("其中一种", "one of them")),
)


@dataclass(frozen=True)
class BalanceAmount:
    """`10 points` or `2 hours`, in hundredths of a point or in seconds; which of them goes to `seen`."""

    seen: set[FactType] = field(default_factory=set)
    low: int = 0
    high: int = 10**15

    def read(self, node: Node, reading: Reading) -> Fraction | None:
        units = ", ".join(reading.units(type) for type in BALANCE_TYPES)
        text = scalar_text(node, reading, "P102", ("units", units))
        if text is None:
            return None
        read = ((type, quantities.amount(text, type)) for type in BALANCE_TYPES)
        found = next(((type, value) for type, value in read if value is not None), None)
        if found is None:
            reading.no_amount(node.location, text, BALANCE_TYPES)
            return None
        if not self.low <= found[1] <= self.high:
            low, high = (reading.bound(bound, found[0], text) for bound in (self.low, self.high))
            hint = f"-{text}" if self.high < 0 and -found[1] >= self.low else ""
            reading.out_of_range(node.location, text, low, high, hint)
            return None
        self.seen.add(found[0])
        return Fraction(found[1])

    def schema(self, script: Language) -> Schema:
        return {"type": ["string", "number"]}


@dataclass(frozen=True)
class Priced:
    """A price from an account: a table of amounts in one unit."""

    table: Table
    type: FactType


@dataclass(frozen=True)
class PriceForm:
    """A price, one amount or a table by the star held and facts of the person."""

    scopes: frozenset[Scope] = frozenset((Scope.STANDING, Scope.PERSON))

    def read(self, node: Node, reading: Reading) -> Priced | None:
        seen: set[FactType] = set()
        table = TableForm(BalanceAmount(seen), self.scopes).read(node, reading)
        if table is None:
            return None
        if len(seen) > 1:
            reading.problem("P642", node.location, *BOTH_UNITS)
            return None
        return Priced(table, next(iter(seen)))

    def schema(self, script: Language) -> Schema:
        return TableForm(BalanceAmount(), self.scopes).schema(script)


_MONTH_DAY = re.compile(r"(0[1-9]|1[0-2])-([0-3][0-9])")
_LAST_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
LUNAR_MONTHS = (30,) * 12


@dataclass(frozen=True)
class MonthDayForm:
    """A day of every year: `01-31`; `longest` is what each month may have at the most."""

    longest: tuple[int, ...] = _LAST_DAYS

    def read(self, node: Node, reading: Reading) -> MonthDay | None:
        text = scalar_text(node, reading, "P647")
        if text is None:
            return None
        found = _MONTH_DAY.fullmatch(text)
        if found is None or not 1 <= int(found[2]) <= self.longest[int(found[1]) - 1]:
            reading.problem("P647", node.location, ("found", text[:40]))
            return None
        return MonthDay(int(found[1]), int(found[2]))

    def schema(self, script: Language) -> Schema:
        return {"type": "string", "pattern": f"^{_MONTH_DAY.pattern}$"}


NUMERIC = frozenset((FactType.WHOLE, FactType.NUMBER, FactType.DURATION, FactType.POINTS, FactType.MONEY))


@dataclass(frozen=True)
class MeasureName:
    """The name of a measure of one of these types; by default, of one that is an amount."""

    types: Collection[FactType] = NUMERIC

    def read(self, node: Node, reading: Reading) -> Fact | None:
        name = Text().read(node, reading)
        if name is None:
            return None
        fact = reading.fact(name)
        if fact is None or fact.scope is not Scope.MEASURE or fact.type not in self.types:
            fits = (one for one in reading.facts.values() if one.scope is Scope.MEASURE and one.type in self.types)
            known = reading.named_all(fits)
            details = (("found", name[:40]), ("known", ", ".join(known)))
            reading.problem("P314", node.location, *details, hint=reading.nearest(name, known))
            return None
        return fact

    def schema(self, script: Language) -> Schema:
        return {"type": "string"}


@dataclass(frozen=True)
class ByName:
    """A mapping from names to values of one form."""

    name: Form[Any]
    value: Form[Any]

    def read(self, node: Node, reading: Reading) -> dict[str, Any] | None:
        if not isinstance(node, Entries):
            reading.expected("mapping", node)
            return None
        pairs = [(self.name.read(key, reading), self.value.read(item, reading)) for key, item in node.entries]
        if any(name is None or value is None for name, value in pairs):
            return None
        return {str(name[0] if isinstance(name, tuple) else name): value for name, value in pairs}

    def schema(self, script: Language) -> Schema:
        made: Schema = {"type": "object", "additionalProperties": self.value.schema(script)}
        if isinstance(self.name, WordOr):
            made["propertyNames"] = self.name.schema(script)
        return made
