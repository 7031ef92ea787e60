"""The chapter `perks.yaml`: a mapping from the name of a perk to what it takes and gives."""

from __future__ import annotations

from dataclasses import dataclass

from lianxing.engine.reading.conditions import STANDING_SCOPES, ConditionForm
from lianxing.engine.reading.forms import Choice, DatedOf, Fields, Key, Percent, Reading, Record, Schema, Text, whole
from lianxing.engine.reading.nodes import Node, Scalar
from lianxing.engine.reading.statements import NamedForm
from lianxing.engine.reading.tables import TableForm
from lianxing.engine.reading.vocabulary import WORDS
from lianxing.rules.conditions import AllOf, Condition
from lianxing.rules.facts import Fact, FactType, Scope
from lianxing.rules.periods import Period
from lianxing.rules.perks import Perk, Uses
from lianxing.rules.places import Clause, Label, Language

STARS_FACT = Fact(
    "stars", "星级", FactType.WHOLE, Scope.STANDING, Label("所持星级", "the star held, 0 to the top of the ladder")
)

CONDITION = ConditionForm(STANDING_SCOPES)
_PERIODS = (Period.DAY, Period.WEEK, Period.MONTH, Period.QUARTER, Period.CALENDAR_YEAR)
_LIMITED: Record[Uses] = Record(
    {"at_most": Key(DatedOf(whole(1, 10_000)), required=True), "per": Key(Choice(_PERIODS), required=True)},
    lambda fields, _reading: Uses(fields.get("at_most"), fields.get("per")),
)
_UNLIMITED = "unlimited"


@dataclass(frozen=True)
class _Uses:
    """`unlimited`, or so many per period; wrapped in a tuple, because None is a value here."""

    def read(self, node: Node, reading: Reading) -> tuple[Uses | None] | None:
        if isinstance(node, Scalar):
            if node.text in (_UNLIMITED, WORDS[_UNLIMITED]):
                return (None,)
            reading.problem(
                "P105", node.location, ("found", node.text[:40]), ("known", "unlimited, {at_most: ..., per: ...}")
            )
            return None
        uses = _LIMITED.read(node, reading)
        return None if uses is None else (uses,)

    def schema(self, script: Language) -> Schema:
        return {"anyOf": [{"enum": [_UNLIMITED, WORDS[_UNLIMITED]]}, _LIMITED.schema(script)]}


@dataclass(frozen=True)
class _StarTest:
    """A test on the star held: `{at_least: 5}`, or a star or several by number."""

    def read(self, node: Node, reading: Reading) -> Condition | None:
        return CONDITION.test(STARS_FACT, node, reading, node.location)

    def schema(self, script: Language) -> Schema:
        return {"type": ["object", "array", "number", "string"]}


def _perk(id: str, fields: Fields, reading: Reading, clause: Clause) -> Perk:
    stars, when = fields.get("stars"), fields.get("when")
    (uses,) = fields.get("uses")
    condition = stars if when is None else AllOf((stars, when), clause.location)
    return Perk(clause, condition, fields.get("pays"), uses, fields.get("provider"))


PERKS: NamedForm[Perk] = NamedForm(
    {
        "stars": Key(_StarTest()),
        "when": Key(CONDITION),
        "pays": Key(TableForm(Percent(), frozenset((Scope.STANDING,)))),
        "uses": Key(_Uses()),
        "provider": Key(Text()),
    },
    ("stars", "uses", "provider"),
    _perk,
)
