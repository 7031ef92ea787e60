"""Forms: what may stand at a place of a file, said once, and used to read it, to refuse it and to describe it.

A form reads a node into a value, or notes what is wrong and returns None; reading goes on, so that every problem of a
file is found at once. The same form gives its JSON Schema, so an editor knows what the reader knows.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from fractions import Fraction
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from lianxing.engine.reading.nodes import Entries, Items, Node, Scalar
from lianxing.engine.reading.notes import HINT_CHARACTERS_MAX, Reading, is_slip, nearest
from lianxing.engine.reading.vocabulary import KEYS, WORDS
from lianxing.rules import quantities
from lianxing.rules.dates import Dated, Since, always
from lianxing.rules.facts import FactType
from lianxing.rules.places import Label, Language, Location, Source

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
E = TypeVar("E", bound=Enum)

Schema = dict[str, Any]

TEXT_CHARACTERS_MAX = 1000

# Wide enough for any regulation; narrow enough that every window and time zone stays within the calendar.
FIRST_DAY = date(1900, 1, 1)
LAST_DAY = date(2999, 12, 31)
_ID = re.compile(r"[^\W_][\w.-]{0,63}")


class Form(Protocol[T_co]):
    """What may stand at one place."""

    def read(self, node: Node, reading: Reading) -> T_co | None: ...

    def schema(self, script: Language) -> Schema: ...


def read_whole(form: Form[T], node: Node, reading: Reading) -> T | None:
    """Read a file; where its first key is in another script than most, once more in that of most: the few are odd."""
    noted = len(reading.problems)
    found = form.read(node, reading)
    if reading.script_of_most == reading.script:
        return found
    reading.script = reading.script_of_most
    del reading.problems[noted:]
    return form.read(node, reading)


def scalar_text(node: Node, reading: Reading, code: str, *details: tuple[str, object]) -> str | None:
    """Return the text of a scalar; anything else, or nothing at all, is the given problem."""
    if isinstance(node, Scalar):
        if node.text != "":
            return node.text
        reading.problem(code, node.location, ("found", ""), *details)
        return None
    reading.problem("P014", node.location, ("expected", "text"))
    return None


@dataclass(frozen=True)
class Text:
    """Free text, one to a thousand characters."""

    def read(self, node: Node, reading: Reading) -> str | None:
        text = scalar_text(node, reading, "P108")
        if text is not None and (
            len(text) > TEXT_CHARACTERS_MAX or any(unicodedata.category(c) == "Cc" and c not in "\n\t" for c in text)
        ):
            reading.problem("P108", node.location, ("found", text[:20] + "…"))
            return None
        return text

    def schema(self, script: Language) -> Schema:
        return {"type": ["string", "number"], "maxLength": TEXT_CHARACTERS_MAX}


@dataclass(frozen=True)
class Id:
    """A name that a county gives: letters of any script, digits, `_`, `-` and `.`."""

    def read(self, node: Node, reading: Reading) -> str | None:
        text = scalar_text(node, reading, "P212")
        if text is not None and not _ID.fullmatch(text):
            reading.problem("P212", node.location, ("found", text[:40]))
            return None
        return text

    def schema(self, script: Language) -> Schema:
        return {"type": ["string", "number"]}


@dataclass(frozen=True)
class Parsed(Generic[T]):
    """A scalar that a function understands; `code` is the problem when it does not."""

    parse: Callable[[str], T | None]
    code: str
    pattern: str
    low: T | None = None
    high: T | None = None

    def read(self, node: Node, reading: Reading) -> T | None:
        text = scalar_text(node, reading, self.code)
        if text is None:
            return None
        value = self.parse(text)
        if value is None:
            meant = reading.worded(next((plain for plain in _plainer(text) if self.parse(plain) is not None), ""))
            if self.code == "P101":
                reading.no_number(node.location, text, meant)
            else:
                reading.problem(self.code, node.location, ("found", text[:40]), hint=meant)
            return None
        if (self.low is not None and value < self.low) or (self.high is not None and value > self.high):  # type: ignore[operator]
            reading.out_of_range(node.location, text, _plain(self.low), _plain(self.high))
            return None
        return value

    def schema(self, script: Language) -> Schema:
        return {"type": ["string", "number"], "pattern": self.pattern}


def _plain(value: object) -> str:
    return "" if value is None else str(value)


_SWITCHES = {"true": "yes", "on": "yes", "y": "yes", "false": "no", "off": "no", "n": "no"}


def _plainer(text: str) -> Iterator[str]:
    """Yield plainer ways to write a scalar that was not understood; the first one that is understood was meant."""
    if len(text) > HINT_CHARACTERS_MAX:
        return
    yield unicodedata.normalize("NFKC", text).strip()
    yield text.lower()
    yield _SWITCHES.get(text.lower(), "")
    yield text.replace("_", "")
    if re.fullmatch(r"[0-9]{1,3}(,[0-9]{3})+", text):
        yield text.replace(",", "")
    if re.fullmatch(r"[0-9]{1,6}[eE][0-9]", text):
        digits, _, zeros = text.lower().partition("e")
        yield digits + "0" * int(zeros)
    yield text.lstrip("0")
    yield f"0{text}"  # 8:30


_DECIMAL_PATTERN = r"^-?[0-9]+(\.[0-9]+)?$"


def number(low: int | None = None, high: int | None = None) -> Parsed[Fraction]:
    """A plain decimal number, exact."""
    return Parsed(quantities.decimal, "P101", _DECIMAL_PATTERN, _fraction(low), _fraction(high))


def _fraction(value: int | None) -> Fraction | None:
    return None if value is None else Fraction(value)


def whole(low: int | None = None, high: int | None = None) -> Parsed[int]:
    return Parsed(quantities.whole, "P107", r"^-?[0-9]+$", low, high)


DAY: Parsed[date] = Parsed(quantities.day, "P103", r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", FIRST_DAY, LAST_DAY)
TIME: Parsed[int] = Parsed(quantities.time_of_day, "P109", r"^[0-9]{2}:[0-9]{2}(:[0-9]{2})?$")
YES_NO: Parsed[bool] = Parsed(quantities.yes_no, "P104", r"^(yes|no|是|否)$")


@dataclass(frozen=True)
class Amount:
    """A number with its unit, in the held unit of `type`: `30 minutes`, `8 小时`, `20 points`."""

    type: FactType
    low: int = 0
    high: int = 10**15

    def read(self, node: Node, reading: Reading) -> int | None:
        text = scalar_text(node, reading, "P102", ("units", reading.units(self.type)))
        if text is None:
            return None
        value = quantities.amount(text, self.type)
        if value is None:
            reading.no_amount(node.location, text, [self.type], self._meant(text, reading))
            return None
        if not self.low <= value <= self.high:
            low, high = (reading.bound(bound, self.type, text) for bound in (self.low, self.high))
            reading.out_of_range(node.location, text, low, high)
            return None
        return value

    def _meant(self, text: str, reading: Reading) -> str:
        plain = unicodedata.normalize("NFKC", text)
        if quantities.amount(plain, self.type) is not None:
            return plain
        units = [unit for unit in quantities.UNITS if unit.type is self.type]
        if quantities.decimal(text) is not None:
            # Of several units nobody knows which one was meant.
            return f"{text} {units[0].name.text(reading.own_script)}" if len(units) == 1 else ""
        word = text.lstrip("-0123456789. ")
        if word in quantities.UNIT_OF or word[:1] in "_eE":  # a unit of something else; 1_000 and 1e3 are numbers
            return ""
        close = nearest(word, [spelling for unit in units for spelling in unit.spellings])
        return f"{text.removesuffix(word).strip()} {close}" if close else ""

    def schema(self, script: Language) -> Schema:
        if self.type is FactType.POINTS:  # their unit may be left out
            return {"type": ["string", "number"], "pattern": r"^-?[0-9]+(\.[0-9]+)?( ?\S.*)?$"}
        return {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)? ?\S.*$"}


@dataclass(frozen=True)
class Percent:
    """`60 %`, exact."""

    low: int = 0
    high: int = 100

    def read(self, node: Node, reading: Reading) -> Fraction | None:
        text = scalar_text(node, reading, "P110")
        if text is None:
            return None
        found = quantities.quantity(text)
        if found is None or found[1].type is not FactType.RATIO:
            bare = quantities.decimal(text)
            reading.problem("P110", node.location, ("found", text[:40]), hint=f"{text} %" if bare is not None else "")
            return None
        if not self.low <= found[0] <= self.high:
            reading.out_of_range(node.location, text, f"{self.low} %", f"{self.high} %")
            return None
        return found[0] * found[1].size

    def schema(self, script: Language) -> Schema:
        return {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)? ?[%％]$"}


@dataclass(frozen=True)
class Choice(Generic[E]):
    """One of a few words, in either script; `words` are the Chinese spellings, `also` what else may stand here."""

    options: tuple[E, ...]
    words: Mapping[str, str] = field(default_factory=lambda: WORDS)
    also: tuple[Form[Any], ...] = ()

    def read(self, node: Node, reading: Reading) -> E | None:
        said = node.text if isinstance(node, Scalar) else ""
        known = [*self._words(reading.script_beside(said)), *written(self.also, reading)]
        text = scalar_text(node, reading, "P105", ("known", ", ".join(known)))
        if text is None:
            return None
        for option in self.options:
            if text in (option.value, self.words.get(option.value)):
                return option
        if not reading.full_width(node):
            meant = reading.meant(text, dict(zip(self._words("en"), self._words("zh"), strict=True)))
            reading.problem("P105", node.location, ("found", text[:40]), ("known", ", ".join(known)), hint=meant)
        return None

    def _words(self, script: Language) -> list[str]:
        return [self.words.get(o.value, o.value) if script == "zh" else o.value for o in self.options]

    def schema(self, script: Language) -> Schema:
        return {"enum": sorted({*self._words("en"), *self._words("zh")})}


@runtime_checkable
class Exemplary(Protocol):
    """A form that knows an example of what it reads."""

    def written(self, reading: Reading) -> str: ...


_EXAMPLES = {"P101": "1.5", "P103": "2025-07-01", "P107": "12", "P109": "22:00"}


def written(forms: Iterable[Form[Any]], reading: Reading) -> Iterator[str]:
    """Yield how what these forms read is written, shortly: `12 months`, `{at_end_of: ...}`."""
    for form in forms:
        match form:
            case DatedOf():
                yield from written((form.value,), reading)
            case Amount():
                unit = next(unit for unit in quantities.UNITS if unit.type is form.type)
                yield f"12 {unit.name.text(reading.own_script)}"
            case Parsed():
                yield _EXAMPLES.get(form.code, "...")
            case Record() if form.one_of:
                yield from (f"{{{reading.spelled(name)}: ...}}" for name in form.one_of)
            case Record():
                needed = [name for name, key in form.keys.items() if key.required]
                said = map(reading.spelled, needed or form.keys)
                yield f"{{{': ..., '.join(said)}: ...}}" if needed else f"{{{' / '.join(said)}: ...}}"
            case ListOf():
                yield "[...]"
            case _:
                yield form.written(reading) if isinstance(form, Exemplary) else "..."


@dataclass(frozen=True)
class ListOf(Generic[T]):
    """A list of at least one."""

    item: Form[T]
    least: int = 1

    def read(self, node: Node, reading: Reading) -> tuple[T, ...] | None:
        if not isinstance(node, Items):
            reading.expected("list", node)
            return None
        if len(node.items) < self.least:
            reading.problem("P111", node.location)
            return None
        values = [self.item.read(item, reading) for item in node.items]
        return tuple(value for value in values if value is not None) if None not in values else None

    def schema(self, script: Language) -> Schema:
        return {"type": "array", "minItems": self.least, "items": self.item.schema(script)}


@dataclass(frozen=True)
class OneOrMore(Generic[T]):
    """One value, or a list of them."""

    item: Form[T]

    def read(self, node: Node, reading: Reading) -> tuple[T, ...] | None:
        if isinstance(node, Items):
            return ListOf(self.item).read(node, reading)
        value = self.item.read(node, reading)
        return None if value is None else (value,)

    def schema(self, script: Language) -> Schema:
        return {"anyOf": [self.item.schema(script), ListOf(self.item).schema(script)]}


@dataclass(frozen=True)
class DatedOf(Generic[T]):
    """A value, or a map from the day on which each value came into force; a map is dated iff all its keys are dates."""

    value: Form[T]

    def read(self, node: Node, reading: Reading) -> Dated[T] | None:
        if not is_dated(node):
            value = self.value.read(node, reading)
            return None if value is None else always(value, node.location)
        assert isinstance(node, Entries)
        entries: list[Since[T]] = []
        for key, item in node.entries:
            day = DAY.read(key, reading)
            value = self.value.read(item, reading)
            if day is not None and value is not None:
                entries.append(Since(day, value, item.location))
        if len(entries) < len(node.entries):
            return None
        if entries != sorted(entries, key=lambda entry: entry.day):
            reading.problem("P307", node.location)
            return None
        return Dated(tuple(entries))

    def schema(self, script: Language) -> Schema:
        inner = self.value.schema(script)
        dates = {
            "type": "object",
            "patternProperties": {DAY.pattern: inner},
            "additionalProperties": False,
            "minProperties": 1,
        }
        return {"anyOf": [inner, dates]}


def is_dated(node: Node) -> bool:
    """Tell whether a node is a map whose keys all look like dates."""
    return (
        isinstance(node, Entries)
        and bool(node.entries)
        and all(re.fullmatch(DAY.pattern, key.text) for key, _ in node.entries)
    )


@dataclass(frozen=True)
class Key(Generic[T]):
    """A key of a mapping: its form, and whether the file must say it."""

    form: Form[T]
    required: bool = False


@dataclass(frozen=True)
class Fields:
    """The values that a mapping gave, by English key, with their places."""

    values: Mapping[str, Any]
    places: Mapping[str, Location]
    location: Location

    def get(self, name: str, default: Any = None) -> Any:
        return self.values.get(name, default)

    def place(self, name: str) -> Location:
        return self.places.get(name, self.location)


@dataclass(frozen=True)
class Record(Generic[T]):
    """A mapping with known keys, built into a shape once every key is right.

    `one_of`: exactly one of these keys must stand there. `build` may note further problems and return None.
    """

    keys: Mapping[str, Key[Any]]
    build: Callable[[Fields, Reading], T | None]
    one_of: tuple[str, ...] = ()

    def read(self, node: Node, reading: Reading) -> T | None:
        if not isinstance(node, Entries):
            reading.expected("mapping", node)
            return None
        fields = self.fields(node, reading)
        return None if fields is None else self.build(fields, reading)

    def fields(self, node: Entries, reading: Reading) -> Fields | None:
        fields, right = self.said(node, reading)
        return fields if right else None

    def said(self, node: Entries, reading: Reading) -> tuple[Fields, bool]:
        """Return the values that are right, and whether all of them are."""
        values: dict[str, Any] = {}
        places: dict[str, Location] = {}
        right, slipped = True, False
        for scalar, item in node.entries:
            name = reading.key(scalar, self.keys)
            if name is None:
                right, slipped = False, slipped or is_slip(scalar)
                continue
            if name in places:  # both spellings of one key
                reading.problem("P003", scalar.location, ("key", scalar.text), ("first", places[name].line))
                right = False
                continue
            places[name] = scalar.location
            values[name] = self.keys[name].form.read(item, reading)
            right = right and values[name] is not None
        for name, key in self.keys.items() if not slipped else ():  # what seems to be missing, the slip may hold
            if key.required and name not in places:
                reading.problem("P015", node.location, ("key", reading.spelled(name)))
                right = False
        if self.one_of and not slipped:
            right = self._one(node, places, reading) and right
        known = {name: value for name, value in values.items() if value is not None}
        return Fields(known, places, node.location), right

    def _one(self, node: Entries, places: Mapping[str, Location], reading: Reading) -> bool:
        said = [name for name in self.one_of if name in places]
        known = ", ".join(map(reading.spelled, self.one_of))
        if not said:
            reading.problem("P210", node.location, ("known", known))
        for extra in said[1:]:
            reading.problem("P211", places[extra], ("key", reading.spelled(extra)), ("known", known))
        return len(said) == 1

    def schema(self, script: Language) -> Schema:
        def spelled(name: str) -> str:
            return KEYS.get(name, name) if script == "zh" else name

        made: Schema = {
            "type": "object",
            "additionalProperties": False,
            "properties": {spelled(name): key.form.schema(script) for name, key in self.keys.items()},
        }
        required = [spelled(name) for name, key in self.keys.items() if key.required]
        if required:
            made["required"] = required
        if self.one_of:
            made["oneOf"] = [{"required": [spelled(name)]} for name in self.one_of]
        return made


@dataclass(frozen=True)
class MapOf(Generic[T]):
    """A mapping from names that the county gives to values of one form; `build` gets the name with its place."""

    value: Callable[[Scalar], Form[T]]
    least: int = 0

    def read(self, node: Node, reading: Reading) -> tuple[T, ...] | None:
        if not isinstance(node, Entries):
            reading.expected("mapping", node)
            return None
        if len(node.entries) < self.least:
            reading.problem("P111", node.location)
            return None
        values = [self.value(key).read(item, reading) for key, item in node.entries]
        return tuple(value for value in values if value is not None) if None not in values else None

    def schema(self, script: Language) -> Schema:
        return {"type": "object", "additionalProperties": self.value(Scalar("x", Location("", 0, 0))).schema(script)}


@dataclass(frozen=True)
class LabelForm:
    """A name for people: text, or a text per language."""

    def read(self, node: Node, reading: Reading) -> Label | None:
        if isinstance(node, Scalar):
            text = Text().read(node, reading)
            if text is None:
                return None
            return Label(zh=text) if any("\u3400" <= c <= "\u9fff" for c in text) else Label(en=text)
        return _LABEL.read(node, reading)

    def schema(self, script: Language) -> Schema:
        return {"anyOf": [Text().schema(script), _LABEL.schema(script)]}


_LABEL: Record[Label] = Record(
    {"zh": Key(Text()), "en": Key(Text())},
    lambda fields, _reading: Label(fields.get("zh", ""), fields.get("en", "")),
)


class SourceStatus(Enum):
    """What the numbers of a source are worth."""

    IN_FORCE = "in_force"
    TRIAL = "trial"
    REPEALED = "repealed"
    ILLUSTRATIVE = "illustrative"


class Grade(Enum):
    """A law, standard, government site; B official notice or press; C document library."""

    A = "A"
    B = "B"
    C = "C"


def _source(fields: Fields, reading: Reading) -> Source:
    # What a statement does not say of its source, its layer's county.yaml says.
    above = reading.source
    status, grade = fields.get("status"), fields.get("grade")
    return Source(
        title=fields.get("title", above.title),
        clause=fields.get("clause", ""),
        issuer=fields.get("issuer", above.issuer),
        year=fields.get("year", above.year),
        grade=grade.value if grade else above.grade,
        status=status.value if status else above.status,
    )


SOURCE: Record[Source] = Record(
    {
        "title": Key(Text()),
        "clause": Key(Text()),
        "issuer": Key(Text()),
        "year": Key(Text()),
        "grade": Key(Choice(tuple(Grade))),
        "status": Key(Choice(tuple(SourceStatus))),
    },
    _source,
)
