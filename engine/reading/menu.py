"""The chapter `menu.yaml`: a mapping from the name of a request to who may ask, and who comes first."""

from __future__ import annotations

from lianxing.engine.reading.alternatives import Priced as Price
from lianxing.engine.reading.alternatives import PriceForm
from lianxing.engine.reading.conditions import STANDING_SCOPES, ConditionForm
from lianxing.engine.reading.forms import (
    Amount,
    Choice,
    DatedOf,
    Fields,
    Id,
    Key,
    ListOf,
    Reading,
    Record,
    Text,
)
from lianxing.engine.reading.ranking import RankKeyForm
from lianxing.engine.reading.statements import NamedForm
from lianxing.rules.facts import FactType, Scope
from lianxing.rules.menu import MenuTies, Priced, Request
from lianxing.rules.perks import Beneficiary
from lianxing.rules.places import Clause

SCOPES = STANDING_SCOPES | {Scope.STANDING}
CONDITION = ConditionForm(SCOPES)


def _priced(fields: Fields, _reading: Reading) -> Priced:
    price: Price = fields.get("price")
    return Priced(fields.get("account"), price.table, price.type, fields.place("account"))


_PRICED: Record[Priced] = Record(
    {"account": Key(Id(), required=True), "price": Key(PriceForm(), required=True)}, _priced
)


def _request(id: str, fields: Fields, reading: Reading, clause: Clause) -> Request:
    return Request(
        clause=clause,
        request=fields.get("request"),
        recipients=fields.get("recipients"),
        eligible=fields.get("eligible"),
        rank_by=fields.get("rank_by"),
        ties=fields.get("ties"),
        notice_days=fields.get("notice"),
        priced=fields.get("priced"),
    )


MENU: NamedForm[Request] = NamedForm(
    {
        "request": Key(Text()),
        "recipients": Key(ListOf(Choice(tuple(Beneficiary)))),
        "eligible": Key(CONDITION),
        "rank_by": Key(ListOf(RankKeyForm(SCOPES))),
        "ties": Key(Choice(tuple(MenuTies))),
        "notice": Key(DatedOf(Amount(FactType.WORKING_DAYS, 1, 365))),
        "priced": Key(_PRICED),
    },
    ("request", "recipients", "eligible", "rank_by", "ties"),
    _request,
)
