"""The chapter `redemption.yaml`: a mapping from the name of an offer to what it costs, gives, and how often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lianxing.engine.reading.alternatives import MonthDayForm, Priced, PriceForm, WordOr
from lianxing.engine.reading.conditions import STANDING_SCOPES, ConditionForm
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
from lianxing.engine.reading.nodes import Items, Node, Scalar
from lianxing.engine.reading.notes import Reading
from lianxing.engine.reading.perks import MONTHS, PERIODS, STARS_FACT
from lianxing.engine.reading.statements import NamedForm
from lianxing.engine.reading.terms import TermForm
from lianxing.rules.facts import Fact, FactType, Scope
from lianxing.rules.periods import MonthDay, Period
from lianxing.rules.places import Clause, Label, Language
from lianxing.rules.redemption import (
    Approver,
    Gives,
    Offer,
    Opens,
    Partial,
    PerPerson,
    PickUp,
    Stock,
    Supplier,
    Voucher,
)

AVAILABLE_POINTS = Fact(
    "available_points",
    "可用积分",
    FactType.POINTS,
    Scope.STANDING,
    Label("账户里可用的积分", "points that may be spent"),
)
AVAILABLE_HOURS = Fact(
    "available_hours",
    "可用时长",
    FactType.DURATION,
    Scope.STANDING,
    Label("账户里可用的时间", "time credits that may be spent"),
)
# What an offer may ask beyond the person and the measures: the star held, and what the account holds.
OFFER_WORDS: Mapping[str, Fact] = {fact.name: fact for fact in (STARS_FACT, AVAILABLE_POINTS, AVAILABLE_HOURS)}

CONDITION = ConditionForm(STANDING_SCOPES | {Scope.STANDING})
MONEY = Amount(FactType.MONEY)


@dataclass(frozen=True)
class _EveryYear:
    """`["01-01", "01-31"]`, or a list of such stretches; both days belong to it."""

    def read(self, node: Node, reading: Reading) -> tuple[tuple[MonthDay, MonthDay], ...] | None:
        several = isinstance(node, Items) and any(isinstance(item, Items) for item in node.items)
        nodes = node.items if several and isinstance(node, Items) else (node,)
        spans = [self._span(item, reading) for item in nodes]
        return tuple(span for span in spans if span is not None) if None not in spans else None

    def _span(self, node: Node, reading: Reading) -> tuple[MonthDay, MonthDay] | None:
        days = ListOf(MonthDayForm()).read(node, reading)
        if days is not None and len(days) != 2:
            reading.problem("P645", node.location)
            return None
        return None if days is None else (days[0], days[1])

    def schema(self, script: Language) -> Schema:
        span: Schema = {"type": "array", "minItems": 2, "maxItems": 2, "items": MonthDayForm().schema(script)}
        return {"anyOf": [span, {"type": "array", "minItems": 1, "items": span}]}


def _opens(fields: Fields, reading: Reading) -> Opens | None:
    if not fields.values:
        reading.problem("P111", fields.location)
        return None
    for one, other in (("at_most", "per"), ("per", "at_most")):
        if one in fields.values and other not in fields.values:
            reading.problem("P015", fields.location, ("key", reading.spelled(other)))
            return None
    since, until = fields.get("from"), fields.get("until")
    if since is not None and until is not None and until < since:
        reading.problem("P307", fields.place("until"))
        return None
    return Opens(fields.get("every_year", ()), since, until, fields.get("at_most"), fields.get("per"), fields.location)


_OPENS: Record[Opens] = Record(
    {
        "every_year": Key(_EveryYear()),
        "from": Key(DAY),
        "until": Key(DAY),
        "at_most": Key(DatedOf(whole(1, 1000))),
        "per": Key(Choice(PERIODS)),
    },
    _opens,
)
_IN_ALL: Mapping[str, Period | None] = {"all_time": None, **{period.value: period for period in PERIODS}}


def _per_person(fields: Fields, _reading: Reading) -> PerPerson:
    (per,) = fields.get("per")
    return PerPerson(fields.get("at_most"), per, fields.location)


_PER_PERSON: Record[PerPerson] = Record(
    {"at_most": Key(DatedOf(whole(1, 10_000)), required=True), "per": Key(WordOr(_IN_ALL), required=True)}, _per_person
)


_UNITS = DatedOf(whole(0, 10**9))


@dataclass(frozen=True)
class _StockForm:
    """`unlimited`, or how many units there are; in a tuple, because None is a value here."""

    def read(self, node: Node, reading: Reading) -> tuple[Stock | None] | None:
        if isinstance(node, Scalar) and not node.text[:1].isdigit():
            return WordOr[Stock | None]({"unlimited": None}, also=(_UNITS,)).read(node, reading)
        units = _UNITS.read(node, reading)
        return None if units is None else (Stock(units, node.location),)

    def schema(self, script: Language) -> Schema:
        return {"anyOf": [WordOr({"unlimited": None}).schema(script), DatedOf(whole(0)).schema(script)]}


_VOUCHER: Record[Voucher] = Record(
    {"valid": Key(DatedOf(MONTHS), required=True)},
    lambda fields, _reading: Voucher(fields.get("valid"), fields.location),
)
_PARTIAL: Record[Partial] = Record(
    {"at_least": Key(DatedOf(Percent()), required=True), "exchange": Key(DatedOf(MONEY), required=True)},
    lambda fields, _reading: Partial(fields.get("at_least"), fields.get("exchange"), fields.location),
)
_SUPPLIER: Record[Supplier] = Record(
    {
        "provider": Key(Text(), required=True),
        "at_least": Key(DatedOf(MONEY), required=True),
        "per": Key(Choice(PERIODS), required=True),
    },
    lambda fields, _reading: Supplier(
        fields.get("provider"), fields.get("at_least"), fields.get("per"), fields.location
    ),
)
_APPROVER: Record[Approver] = Record(
    {"by": Key(Text(), required=True), "deadline": Key(DatedOf(TermForm()))},
    lambda fields, _reading: Approver(fields.get("by"), fields.get("deadline"), fields.location),
)


def _offer(id: str, fields: Fields, reading: Reading, clause: Clause) -> Offer | None:
    gives: Gives = fields.get("gives")
    if (gives is Gives.VOUCHER) != ("voucher" in fields.values):
        reading.problem("P646", fields.place("voucher" if "voucher" in fields.values else "gives"))
        return None
    price: Priced = fields.get("price")
    (opens,), (per_person,), (stock,) = fields.get("opens"), fields.get("per_person"), fields.get("stock")
    return Offer(
        clause=clause,
        account=fields.get("account"),
        price=price.table,
        price_type=price.type,
        gives=gives,
        when=fields.get("when"),
        opens=opens,
        per_person=per_person,
        stock=stock,
        irreversible=fields.get("irreversible"),
        provider=fields.get("provider"),
        voucher=fields.get("voucher"),
        partial=fields.get("partial"),
        swap=fields.get("swap"),
        pick_up=fields.get("pick_up", ()),
        publish=fields.get("publish"),
        watermark=fields.get("watermark", False),
        suppliers=fields.get("suppliers", ()),
        settlement=fields.get("settlement"),
        approver=fields.get("approver"),
        places=tuple(fields.places.items()),
    )


_ALWAYS: Mapping[str, Opens | None] = {"always": None}
_NO_LIMIT: Mapping[str, PerPerson | None] = {"unlimited": None}

OFFERS: NamedForm[Offer] = NamedForm(
    {
        "account": Key(Id()),
        "price": Key(PriceForm()),
        "gives": Key(Choice(tuple(Gives))),
        "when": Key(CONDITION),
        "opens": Key(WordOr(_ALWAYS, _OPENS)),
        "per_person": Key(WordOr(_NO_LIMIT, _PER_PERSON)),
        "stock": Key(_StockForm()),
        "irreversible": Key(YES_NO),
        "provider": Key(Text()),
        "voucher": Key(_VOUCHER),
        "partial": Key(_PARTIAL),
        "swap": Key(YES_NO),
        "pick_up": Key(ListOf(Choice(tuple(PickUp)))),
        "publish": Key(YES_NO),
        "watermark": Key(YES_NO),
        "suppliers": Key(ListOf(_SUPPLIER)),
        "settlement": Key(Choice(PERIODS)),
        "approver": Key(_APPROVER),
    },
    ("account", "price", "gives", "opens", "per_person", "stock", "irreversible", "provider"),
    _offer,
)
