"""The chapter `menu.yaml`: a mapping from the name of a request to who may ask, who comes first, and who serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from lianxing.engine.reading.alternatives import Priced as Price
from lianxing.engine.reading.alternatives import PriceForm
from lianxing.engine.reading.conditions import STANDING_SCOPES, ConditionForm
from lianxing.engine.reading.forms import Amount, Choice, DatedOf, Fields, Id, Key, ListOf, Record, Schema, Text
from lianxing.engine.reading.nodes import Node
from lianxing.engine.reading.notes import Reading
from lianxing.engine.reading.perks import STARS_FACT
from lianxing.engine.reading.ranking import RankKeyForm
from lianxing.engine.reading.statements import NamedForm
from lianxing.engine.reading.terms import TermForm
from lianxing.engine.reading.values import ValueOf
from lianxing.rules.facts import Fact, FactType, Scope
from lianxing.rules.known_facts import MATCH_FACTS, SERVED_GROUP, TARGET_GROUP
from lianxing.rules.menu import Deadlines, MenuTies, Priced, PricedPer, Request, ServedBy, Silence
from lianxing.rules.perks import Beneficiary
from lianxing.rules.places import Clause, Language

SCOPES = STANDING_SCOPES | {Scope.STANDING}
SERVING_SCOPES = SCOPES | {Scope.MATCH}
RECIPIENT_SCOPES = frozenset((Scope.PERSON,))  # the recipient may have no passbook: what they did is nobody's question
CONDITION = ConditionForm(SCOPES)
# What the menu may ask beyond the person and the measures: the star held, and what two people have together.
MENU_WORDS: Mapping[str, Fact] = {fact.name: fact for fact in (STARS_FACT, *MATCH_FACTS)}


def _priced(fields: Fields, _reading: Reading) -> Priced:
    price: Price = fields.get("price")
    per = fields.get("per", PricedPer.SERVICE)
    return Priced(fields.get("account"), price.table, price.type, fields.place("account"), per)


_PRICED: Record[Priced] = Record(
    {
        "account": Key(Id(), required=True),
        "price": Key(PriceForm(), required=True),
        "per": Key(Choice(tuple(PricedPer))),
    },
    _priced,
)


def _served_by(fields: Fields, reading: Reading) -> ServedBy | None:
    for one, other in (("rank_by", "ties"), ("ties", "rank_by")):
        if one in fields.values and other not in fields.values:
            reading.problem("P015", fields.place(one), ("key", reading.spelled(other)))
            return None
    keys = fields.get("rank_by", ())
    return ServedBy(fields.get("eligible"), keys, fields.get("ties", MenuTies.ALL), fields.location)


_SERVED_BY: Record[ServedBy] = Record(
    {
        "eligible": Key(ConditionForm(SERVING_SCOPES), required=True),
        "rank_by": Key(ListOf(RankKeyForm(SERVING_SCOPES))),
        "ties": Key(Choice(tuple(MenuTies))),
    },
    _served_by,
)


@dataclass(frozen=True)
class _ServedByForm:
    """Who may serve; the groups that may be served are those of which a person may be."""

    def read(self, node: Node, reading: Reading) -> ServedBy | None:
        known = reading.facts
        groups = known[TARGET_GROUP].values if TARGET_GROUP in known else ()
        if SERVED_GROUP in known:
            reading.know({**known, SERVED_GROUP: replace(known[SERVED_GROUP], values=groups)})
        said = _SERVED_BY.read(node, reading)
        reading.know(known)
        return said

    def schema(self, script: Language) -> Schema:
        return _SERVED_BY.schema(script)


_TERM = DatedOf(TermForm())


def _deadlines(fields: Fields, reading: Reading) -> Deadlines | None:
    if not fields.values:
        reading.problem("P111", fields.location)
        return None
    return Deadlines(**fields.values)


_DEADLINES: Record[Deadlines] = Record(
    {name: Key(_TERM) for name in ("matched", "served", "confirmed", "evaluated")}, _deadlines
)


def _request(id: str, fields: Fields, reading: Reading, clause: Clause) -> Request | None:
    deadlines = fields.get("deadlines", Deadlines())
    if "on_silence" in fields.values and deadlines.confirmed is None:
        reading.problem("P015", fields.place("on_silence"), ("key", reading.spelled("confirmed")))
        return None
    return Request(
        clause=clause,
        request=fields.get("request"),
        recipients=fields.get("recipients"),
        eligible=fields.get("eligible"),
        rank_by=fields.get("rank_by"),
        ties=fields.get("ties"),
        recipient_is=fields.get("recipient_is"),
        notice_days=fields.get("notice"),
        priced=fields.get("priced"),
        served_by=fields.get("served_by"),
        deadlines=deadlines,
        on_silence=fields.get("on_silence", Silence.LAPSES),
        recorded_as=fields.get("recorded_as", ""),
    )


MENU: NamedForm[Request] = NamedForm(
    {
        "request": Key(Text()),
        "recipients": Key(ListOf(Choice(tuple(Beneficiary)))),
        "eligible": Key(CONDITION),
        "recipient_is": Key(ConditionForm(RECIPIENT_SCOPES)),
        "rank_by": Key(ListOf(RankKeyForm(SCOPES))),
        "ties": Key(Choice(tuple(MenuTies))),
        "notice": Key(DatedOf(Amount(FactType.WORKING_DAYS, 1, 365))),
        "priced": Key(_PRICED),
        "served_by": Key(_ServedByForm()),
        "deadlines": Key(_DEADLINES),
        "on_silence": Key(Choice(tuple(Silence))),
        "recorded_as": Key(ValueOf("state")),
    },
    ("request", "recipients", "eligible", "rank_by", "ties"),
    _request,
)
