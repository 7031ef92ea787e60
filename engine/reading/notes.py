"""One file being read: the words it may use, what was found wrong so far, and what was probably meant."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from lianxing.engine.amounts import number_text, value_text
from lianxing.engine.reading import full_width
from lianxing.engine.reading.nodes import Entries, Node, Scalar
from lianxing.engine.reading.vocabulary import KEY_OF, KEYS, SAID_FOR, WORDS
from lianxing.rules import quantities
from lianxing.rules.facts import Fact, FactType
from lianxing.rules.places import Label, Language, Location, Source
from lianxing.rules.problems import Detail, Problem

HINTS_MAX = 50  # a file with more problems than this is not explained word by word: looking for near words takes time
HINT_CHARACTERS_MAX = 100
OPEN = 10**12  # an amount is bounded somewhere; from here on nobody would call it a bound
_NEGATION = "不"
_OFTEN_WRITTEN = str.maketrans("帐", "账")


def under(node: Node, name: str) -> Node | None:
    """Return what stands under a key of the language, in either script; None where nothing does."""
    entries = node.entries if isinstance(node, Entries) else ()
    return next((item for key, item in entries if KEY_OF.get(key.text, key.text) == name), None)


@dataclass
class Reading:
    """One file being read: the words it may use, the files beside it, and what was found wrong so far."""

    path: str
    facts: Mapping[str, Fact]
    problems: list[Problem]
    layer: str = ""
    beside: Callable[[str], bytes | None] = lambda _name: None
    source: Source = Source()
    script: Language | None = None  # of the keys; the first one says it, unless most of the file's are in the other
    county_script: Language | None = None
    _keys: dict[Location, Language] = field(default_factory=dict)
    _by_chinese: dict[str, Fact | None] = field(default_factory=dict)

    def problem(self, code: str, place: Location, *details: tuple[str, object], hint: str = "") -> None:
        said = tuple((name, value if isinstance(value, Label) else str(value)) for name, value in details)
        self.problems.append(Problem(code, place, said, hint))

    def key(self, scalar: Scalar, known: Iterable[str]) -> str | None:
        """Return the English spelling of a key of the language; None, and a problem, if it is not known here."""
        text = scalar.text
        known = list(known)
        name = KEY_OF.get(text, text)
        if name not in known:
            self.unknown_key(scalar, known)
            return None
        self._same_script(scalar, name)
        return name

    def _same_script(self, scalar: Scalar, name: str) -> None:
        if KEYS.get(name, name) == name:
            return
        script: Language = "en" if scalar.text == name else "zh"
        self._keys[scalar.location] = script
        if self.script is None:
            self.script = script
        elif script != self.script:
            meant = KEYS[name] if self.script == "zh" else name
            self.problem("P013", scalar.location, ("key", scalar.text), hint=meant)

    @property
    def script_of_most(self) -> Language | None:
        """Return the script of most keys that were read; that of the first where as many are in the other."""
        scripts = list(self._keys.values())
        return max(dict.fromkeys(scripts), key=scripts.count, default=self.script)

    @property
    def own_script(self) -> Language:
        """Return the script of the file; where no key has said it yet, that of the county."""
        return self.script or self.county_script or "en"

    def spelled(self, name: str) -> str:
        """Return one of the language's own keys in the script of this file."""
        return KEYS.get(name, name) if self.own_script == "zh" else name

    def script_beside(self, text: str) -> Language:
        """Return the script of the file; where no key has said it yet, that of a text in it."""
        return self.script or ("en" if text.isascii() else "zh")

    def worded(self, word: str) -> str:
        """Return a word of the language in the script of the file."""
        return WORDS.get(word, word) if self.own_script == "zh" else word

    def units(self, type: FactType) -> str:
        """Return the units that measure this, as the file's script spells them."""
        spellings = [spelling for unit in quantities.UNITS if unit.type is type for spelling in unit.spellings]
        own = [spelling for spelling in spellings if spelling.isascii() is not (self.own_script == "zh")]
        return ", ".join(own or spellings)

    def no_number(self, place: Location, found: str, hint: str = "") -> None:
        """Note what is no plain decimal number, or one of more digits than are read."""
        if quantities.is_number(found):
            self.problem("P113", place, ("found", found[:40]), ("finest", "0.000001"))
        else:
            self.problem("P101", place, ("found", found[:40]), hint=hint)

    def no_amount(self, place: Location, found: str, types: Sequence[FactType], hint: str = "") -> None:
        """Note what is no amount of these types: it has no unit of theirs, or more digits than are read."""
        type = quantities.with_fewer_digits(found, types)
        if type is not None:
            self.problem("P113", place, ("found", found[:40]), ("finest", self.bound(1, type, "")))
        else:
            units = ", ".join(map(self.units, types))
            self.problem("P102", place, ("found", found[:40]), ("units", units), hint=hint)

    def unknown_key(self, scalar: Scalar, known: Sequence[str]) -> None:
        if self.full_width(scalar):
            return
        words = {name: KEYS.get(name, name) for name in known}
        spelled = words.values() if self.script_beside(scalar.text) == "zh" else words
        meant = spaced(scalar) or self.meant(scalar.text, words)
        self.problem("P002", scalar.location, ("key", scalar.text), ("known", ", ".join(spelled)), hint=meant)

    def out_of_range(self, place: Location, found: Detail, low: Detail = "", high: Detail = "", hint: str = "") -> None:
        """Note a value beyond its bounds; a bound that is not said is open."""
        code = "P106" if low and high else "P615" if low else "P616"
        found = found[:40] if isinstance(found, str) else found
        self.problem(code, place, ("found", found), ("low", low), ("high", high), hint=hint)

    def none_of(self, place: Location, fact: Fact, value: int) -> None:
        """Note an amount of nothing, or of less, where at least something is needed."""
        found, low = (Label(value_text(fact, said, "zh"), value_text(fact, said, "en")) for said in (value, 1))
        self.out_of_range(place, found, low)

    def bound(self, value: int, type: FactType, found: str) -> Detail:
        """Return a bound in the unit in which a value was found; empty if it is open."""
        if abs(value) >= OPEN:
            return ""
        units = sorted((unit for unit in quantities.UNITS if unit.type is type), key=lambda unit: -unit.size)
        said = quantities.quantity(found)
        units = [*(unit for unit in units if said is not None and unit is said[1]), *units]
        unit = next((unit for unit in units if (value / unit.size * 100).denominator == 1), units[-1])
        number = number_text(value / unit.size)
        english = unit.spellings[0] if number == "1" else unit.name.en
        return Label(f"{number} {unit.name.zh}", f"{number} {english}")

    def expected(self, kind: str, node: Node) -> None:
        """Note that something else is expected here: a `text`, a `list`, a `mapping` or a `condition`."""
        if kind == "text" or not self.full_width(node):
            self.problem("P014", node.location, ("expected", kind), hint="" if kind == "text" else spaced(node))

    def full_width(self, node: Node) -> bool:
        """Note the first full-width character of a scalar that is not understood; False where there is none."""
        slip = None if not isinstance(node, Scalar) or node.quoted else full_width.first(node.text)
        if slip is None or node.location.path != self.path:  # in a table's file they are nobody's slip
            return False
        place = replace(node.location, column=node.location.column + slip.index)
        self.problems.append(slip.problem(place))
        return True

    def meant(self, text: str, words: Mapping[str, str]) -> str:
        """Return which of these words, English to Chinese, was probably meant: a synonym before a near spelling."""
        if len(self.problems) >= HINTS_MAX or len(text) > HINT_CHARACTERS_MAX:
            return ""
        said = re.sub(r"[ -]", "_", text.strip().lower())
        found = next((name for name in words if said in SAID_FOR.get(name, ())), "")
        found = found or self.nearest(text, [*words, *words.values()])
        english = {chinese: name for name, chinese in words.items()}
        return words.get(found, found) if self.script_beside(text) == "zh" else english.get(found, found)

    def fact(self, name: str) -> Fact | None:
        """Return the fact with this spelling, English or Chinese."""
        found = self.facts.get(name)
        return found if found is not None else self._chinese().get(name)

    def _chinese(self) -> Mapping[str, Fact | None]:
        # A Chinese spelling that two facts share means neither: nobody should have to guess which.
        if not self._by_chinese:
            for fact in self.facts.values():
                if fact.zh:
                    self._by_chinese[fact.zh] = None if fact.zh in self._by_chinese else fact
        return self._by_chinese

    def named(self, fact: Fact) -> str:
        """Return the name of a fact in the script of the file, where it has one."""
        return fact.zh if self.own_script == "zh" and fact.zh else fact.name

    def named_all(self, facts: Iterable[Fact]) -> list[str]:
        """Return the names of facts in the script of the file."""
        return [self.named(fact) for fact in facts]

    def know(self, facts: Mapping[str, Fact]) -> None:
        """Go on with these words."""
        self.facts = facts
        self._by_chinese.clear()

    def nearest_fact(self, name: str) -> str:
        return self.nearest(name, [*self.facts, *self._chinese()])

    def nearest(self, text: str, candidates: Iterable[str]) -> str:
        """Return the candidate that was probably meant; not looked for in a file with very many problems."""
        return nearest(text, candidates) if len(self.problems) < HINTS_MAX else ""


def nearest(text: str, candidates: Iterable[str]) -> str:
    """Return the candidate that was probably meant, empty if none comes near; never one that says the opposite."""
    if len(text) > HINT_CHARACTERS_MAX:
        return ""
    same = [candidate for candidate in candidates if (_NEGATION in candidate) is (_NEGATION in text)]
    found = get_close_matches(text, same, n=1, cutoff=0.6) or _written_alike(text, same)
    return found[0] if found else ""


def _written_alike(text: str, candidates: Iterable[str]) -> list[str]:
    """Return 账户 for 帐户: of two characters a single wrong one is half, and `difflib` finds nothing near."""
    right = text.translate(_OFTEN_WRITTEN)
    return [candidate for candidate in candidates if candidate == right]


def is_slip(scalar: Scalar) -> bool:
    """Tell whether a key is no key because of its punctuation: one that swallowed its value, and what follows."""
    return not scalar.quoted and (full_width.first(scalar.text) is not None or spaced(scalar) != "")


def spaced(node: Node) -> str:
    """Return `编号: a` for a scalar `编号:a` that begins with a key of the language; empty for any other node."""
    if not isinstance(node, Scalar) or node.quoted or len(node.text) > HINT_CHARACTERS_MAX:
        return ""
    key, colon, rest = node.text.partition(":")
    return f"{key}: {rest}" if colon and rest and (key in KEYS or key in KEY_OF) else ""
