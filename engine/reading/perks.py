"""The chapter `perks.yaml`: a mapping from the name of a perk to what it takes and gives, or to a choice of perks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from lianxing.engine.reading.about import About, is_something
from lianxing.engine.reading.alternatives import Exactly, MeasureName, WordOr
from lianxing.engine.reading.conditions import STANDING_SCOPES, ConditionForm, Operand
from lianxing.engine.reading.forms import (
    DAY,
    YES_NO,
    Amount,
    Choice,
    DatedOf,
    Fields,
    Id,
    Key,
    ListOf,
    Percent,
    Record,
    Schema,
    Text,
    whole,
)
from lianxing.engine.reading.nodes import Node
from lianxing.engine.reading.notes import Reading
from lianxing.engine.reading.statements import NamedForm
from lianxing.engine.reading.tables import TableForm
from lianxing.rules import perks
from lianxing.rules.conditions import AllOf, Compare, Condition, Operator
from lianxing.rules.dates import Dated
from lianxing.rules.facts import Fact, FactType, Scope
from lianxing.rules.known_facts import CONSENT
from lianxing.rules.periods import Period
from lianxing.rules.perks import Beneficiary, Card, EachFull, OnDowngrade, Pass, Perk, Proof, Uses
from lianxing.rules.places import Clause, Label, Language

STARS_FACT = Fact(
    "stars", "星级", FactType.WHOLE, Scope.STANDING, Label("所持星级", "the star held, 0 to the top of the ladder")
)

CONDITION = ConditionForm(STANDING_SCOPES)
MONTHS = Amount(FactType.MONTHS, 1, 1200)
PERIODS = (Period.DAY, Period.WEEK, Period.MONTH, Period.QUARTER, Period.HALF_YEAR, Period.CALENDAR_YEAR)


def _each_full(of: Fact | None) -> Record[EachFull]:
    """`{of: MEASURE, amount: 500 hours}`: the amount is in the measure's unit."""

    def build(fields: Fields, reading: Reading) -> EachFull | None:
        amounts: Dated[int] = fields.get("amount")
        if not is_something(amounts, fields.get("of"), reading):
            return None
        return EachFull(fields.get("of").name, amounts, fields.location)

    amount = Operand(of) if of is not None else Text()
    return Record({"of": Key(MeasureName(), required=True), "amount": Key(DatedOf(amount), required=True)}, build)


def _uses(fields: Fields, reading: Reading) -> Uses | Pass | EachFull | None:
    said = [name for name in ("at_most", "pass", "each_full") if name in fields.values]
    if len(said) != 1 or ("per" in fields.values) != (said == ["at_most"]):
        known = ", ".join(f"{{{reading.spelled(name)}: ...}}" for name in ("at_most", "pass", "each_full"))
        reading.problem("P648", fields.location, ("known", known))
        return None
    match said[0]:
        case "at_most":
            return Uses(fields.get("at_most"), fields.get("per"))
        case "pass":
            return Pass(fields.get("pass"))
        case _:
            each: EachFull = fields.get("each_full")
            return each


USES: Record[Uses | Pass | EachFull] = Record(
    {
        "at_most": Key(DatedOf(whole(1, 10_000))),
        "per": Key(Choice(PERIODS)),
        "pass": Key(DatedOf(MONTHS)),
        "each_full": Key(About(MeasureName(), _each_full)),
    },
    _uses,
)
_CARD: Record[Card] = Record(
    {
        "valid": Key(DatedOf(MONTHS), required=True),
        "lending": Key(WordOr({"forbidden": False, "allowed": True}), required=True),
    },
    lambda fields, _reading: Card(fields.get("valid"), *fields.get("lending")),
)


def _available(fields: Fields, reading: Reading) -> tuple[date | None, date | None] | None:
    since, until = fields.get("from"), fields.get("until")
    if since is None and until is None:
        reading.problem("P111", fields.location)
        return None
    if since is not None and until is not None and until < since:
        reading.problem("P307", fields.place("until"))
        return None
    return since, until


_AVAILABLE: Record[tuple[date | None, date | None]] = Record({"from": Key(DAY), "until": Key(DAY)}, _available)


@dataclass(frozen=True)
class _Chosen:
    """What a choice says, before it has its clause."""

    at_most: Dated[int]
    per: Period
    among: tuple[str, ...]


_CHOOSE: Record[_Chosen] = Record(
    {
        "at_most": Key(DatedOf(whole(1, 100)), required=True),
        "per": Key(Choice(PERIODS), required=True),
        "among": Key(ListOf(Id(), least=2), required=True),
    },
    lambda fields, _reading: _Chosen(fields.get("at_most"), fields.get("per"), fields.get("among")),
)


@dataclass(frozen=True)
class _StarTest:
    """A test on the star held: `{at_least: 5}`, or a star or several by number."""

    def read(self, node: Node, reading: Reading) -> Condition | None:
        return CONDITION.test(STARS_FACT, node, reading, node.location)

    def schema(self, script: Language) -> Schema:
        return {"type": ["object", "array", "number", "string"]}


def _statement(id: str, fields: Fields, reading: Reading, clause: Clause) -> Perk | perks.Choice | None:
    return _choice(fields, reading, clause) if "choose" in fields.values else _perk(fields, reading, clause)


def _choice(fields: Fields, reading: Reading, clause: Clause) -> perks.Choice | None:
    extra = [name for name in PERKS.keys if name != "choose" and name in fields.values]
    for name in extra:
        known = reading.spelled("choose")
        reading.problem("P211", fields.place(name), ("key", reading.spelled(name)), ("known", known))
    chosen: _Chosen = fields.get("choose")
    return None if extra else perks.Choice(clause, chosen.at_most, chosen.per, chosen.among)


def _perk(fields: Fields, reading: Reading, clause: Clause) -> Perk | None:
    missing = [name for name in ("uses", "provider") if name not in fields.values]
    for name in missing:
        reading.problem("P015", clause.location, ("key", reading.spelled(name)))
    if "stars" not in fields.values and "when" not in fields.values:
        known = ", ".join(map(reading.spelled, ("stars", "when")))
        reading.problem("P649", clause.location, ("known", known))
        return None
    if missing:
        return None
    parts = tuple(_asked(fields))
    (uses,) = fields.get("uses")
    return Perk(
        clause=clause,
        condition=parts[0] if len(parts) == 1 else AllOf(parts, clause.location),
        pays=fields.get("pays"),
        uses=uses,
        provider=fields.get("provider"),
        worth=fields.get("worth"),
        sites=fields.get("sites", ()),
        department=fields.get("department", ""),
        legal_ground=fields.get("legal_ground", ""),
        beneficiaries=fields.get("beneficiaries", (Beneficiary.SELF,)),
        consent=fields.get("consent", False),
        shows=fields.get("shows"),
        card=fields.get("card"),
        available=fields.get("available", (None, None)),
        on_downgrade=fields.get("on_downgrade", OnDowngrade.LOSE),
    )


def _asked(fields: Fields) -> Iterator[Condition]:
    """Yield all that a perk opens on: the star, the condition, the consent, and the days on which it is to be had."""
    for name in ("stars", "when"):
        if name in fields.values:
            yield fields.get(name)
    if fields.get("consent"):
        yield Compare(CONSENT, Operator.EQUALS, 1, fields.place("consent"))
    since, until = fields.get("available", (None, None))
    if since is not None:
        yield Compare("day", Operator.AT_LEAST, since.toordinal(), fields.place("available"))
    if until is not None:
        yield Compare("day", Operator.AT_MOST, until.toordinal(), fields.place("available"))


_BY_STAR = frozenset((Scope.STANDING,))

PERKS: NamedForm[Perk | perks.Choice] = NamedForm(
    {
        "stars": Key(_StarTest()),
        "when": Key(CONDITION),
        "pays": Key(TableForm(Percent(), _BY_STAR)),
        "worth": Key(TableForm(Exactly(Amount(FactType.MONEY)), _BY_STAR)),
        "uses": Key(WordOr({"unlimited": None}, USES)),
        "sites": Key(ListOf(Text())),
        "provider": Key(Text()),
        "department": Key(Text()),
        "legal_ground": Key(Text()),
        "beneficiaries": Key(ListOf(Choice(tuple(Beneficiary)))),
        "consent": Key(YES_NO),
        "shows": Key(Choice(tuple(Proof))),
        "card": Key(_CARD),
        "available": Key(_AVAILABLE),
        "on_downgrade": Key(Choice(tuple(OnDowngrade))),
        "choose": Key(_CHOOSE),
    },
    (),
    _statement,
)
