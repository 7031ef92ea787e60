"""The chapter `accounts.yaml`: a mapping from the name of an account to its rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from lianxing.engine.reading.alternatives import BALANCE_TYPES, BOTH_UNITS, BalanceAmount, MeasureName, WordOr
from lianxing.engine.reading.conditions import ConditionForm
from lianxing.engine.reading.forms import YES_NO, Amount, Choice, DatedOf, Fields, Id, Key, ListOf, Record, Schema, Text
from lianxing.engine.reading.nodes import Node, Scalar
from lianxing.engine.reading.notes import Reading
from lianxing.engine.reading.perks import MONTHS, PERIODS
from lianxing.engine.reading.statements import NamedForm
from lianxing.engine.reading.vocabulary import WORDS
from lianxing.rules.accounts import (
    Account,
    After,
    AtEndOf,
    Borrow,
    Closing,
    Closure,
    Expiry,
    Family,
    Floor,
    Holder,
    Issue,
    Order,
    Overdraft,
    Purpose,
    Recipient,
    Shortfall,
    Storage,
    Unit,
    WholeOnly,
)
from lianxing.rules.closures import REOPENS, ClosingEvent
from lianxing.rules.dates import Dated, Since
from lianxing.rules.facts import FactType, Scope
from lianxing.rules.hours import Overflow
from lianxing.rules.periods import Period
from lianxing.rules.places import Clause, Language, Location

CONDITION = ConditionForm(frozenset((Scope.PERSON,)))
ISSUE_CONDITION = ConditionForm(frozenset((Scope.PERSON, Scope.MEASURE)))
HOURS, POINTS, NOTHING = "hours", "points", "nothing"


@dataclass(frozen=True)
class _Amounts:
    """An amount of points or time, perhaps dated; whose unit it is, the account says later."""

    value: Dated[Fraction]
    type: FactType
    location: Location

    @property
    def whole(self) -> Dated[int]:
        return Dated(tuple(Since(entry.day, int(entry.value), entry.location) for entry in self.value.entries))


@dataclass(frozen=True)
class _AmountsForm:
    """`1500 hours`, `20 points`, or one of them from a day on."""

    low: int = 1
    high: int = 10**15

    def read(self, node: Node, reading: Reading) -> _Amounts | None:
        seen: set[FactType] = set()
        value = DatedOf(BalanceAmount(seen, self.low, self.high)).read(node, reading)
        if value is None:
            return None
        if len(seen) > 1:
            reading.problem("P642", node.location, *BOTH_UNITS)
            return None
        return _Amounts(value, next(iter(seen)), node.location)

    def schema(self, script: Language) -> Schema:
        return DatedOf(BalanceAmount()).schema(script)


@dataclass(frozen=True)
class _EarnedForm:
    """What goes in: `hours`, `points`, `nothing`, or a measure; with its type, None for nothing."""

    def read(self, node: Node, reading: Reading) -> tuple[str, FactType | None] | None:
        if isinstance(node, Scalar):
            types = {HOURS: FactType.DURATION, POINTS: FactType.POINTS, NOTHING: None}
            for word, type in types.items():
                if node.text in (word, WORDS[word]):
                    return word, type
        fact = MeasureName().read(node, reading)
        return None if fact is None else (fact.name, fact.type)

    def schema(self, script: Language) -> Schema:
        words = sorted({spelling for word in (HOURS, POINTS, NOTHING) for spelling in (word, WORDS[word])})
        return {"anyOf": [{"enum": words}, {"type": "string"}]}


_EXPIRES: Record[AtEndOf | After] = Record(
    {"at_end_of": Key(Choice(PERIODS)), "valid": Key(DatedOf(MONTHS))},
    lambda fields, _reading: (
        AtEndOf(fields.get("at_end_of")) if "at_end_of" in fields.values else After(fields.get("valid"))
    ),
    one_of=("at_end_of", "valid"),
)
_STORAGE: Record[tuple[_Amounts, Overflow]] = Record(
    {"at_most": Key(_AmountsForm(), required=True), "overflow": Key(Choice(tuple(Overflow)), required=True)},
    lambda fields, _reading: (fields.get("at_most"), fields.get("overflow")),
)
_OVERDRAFT: Record[_Amounts | Borrow] = Record(
    {"floor": Key(_AmountsForm(-(10**15), -1)), "borrow": Key(Id())},
    lambda fields, _reading: (
        Borrow(fields.get("borrow"), fields.place("borrow")) if "borrow" in fields.values else fields.get("floor")
    ),
    one_of=("floor", "borrow"),
)
_TRANSFER: Record[tuple[Recipient, ...]] = Record(
    {"to_whom": Key(ListOf(Choice(tuple(Recipient))), required=True)}, lambda fields, _reading: fields.get("to_whom")
)
_FAMILY: Record[Family] = Record(
    {"may_draw": Key(YES_NO, required=True), "pooled": Key(YES_NO, required=True)},
    lambda fields, _reading: Family(fields.get("may_draw"), fields.get("pooled")),
)
_REOPENS_WORDS: Mapping[str, tuple[ClosingEvent, ...]] = {"none": ()}
_CLOSURE: Record[Closure] = Record(
    {
        **{name: Key(Choice(tuple(Closing)), required=True) for name in ("death", "moving", "leaving")},
        "reopens": Key(WordOr(_REOPENS_WORDS, ListOf(Choice((ClosingEvent.MOVING, ClosingEvent.LEAVING))))),
    },
    lambda fields, _reading: Closure(
        fields.get("death"),
        fields.get("moving"),
        fields.get("leaving"),
        reopens=fields.get("reopens", (REOPENS,))[0],
        location=fields.location,
    ),
)
_PER: Mapping[str, Period | None] = {"once": None, **{period.value: period for period in PERIODS}}
_ISSUE: Record[Fields] = Record(
    {
        "when": Key(ISSUE_CONDITION),
        "amount": Key(_AmountsForm(), required=True),
        "per": Key(WordOr(_PER), required=True),
        "provider": Key(Text(), required=True),
    },
    lambda fields, _reading: fields,
)


def _account(id: str, fields: Fields, reading: Reading, clause: Clause) -> Account | None:
    unit: Unit = fields.get("unit")
    (storage,), (overdraft,), (transfer,) = fields.get("storage"), fields.get("overdraft"), fields.get("transfer")
    (expires,) = fields.get("expires")
    earned_from, earned_type = fields.get("earned_from")
    issues: tuple[Fields, ...] = fields.get("issue", ())
    right = _same_unit(unit, _amounts(storage, overdraft, issues), reading)
    if earned_type is not None and earned_type is not unit.type:
        _wrong_unit(earned_type, unit, fields.place("earned_from"), reading)
        right = False
    if expires is Expiry.NEVER and fields.get("spends_first") is Order.SOONEST_TO_EXPIRE:
        reading.problem("P644", fields.place("spends_first"))
        right = False
    family: Family | None = fields.get("family")
    if family is not None and family.pooled:
        right = _can_pool(id, fields, earned_from, reading) and right
    if not right:
        return None
    return Account(
        clause=clause,
        holder=fields.get("holder"),
        unit=unit,
        earned_from=earned_from,
        when=fields.get("when"),
        spent_on=fields.get("spent_on"),
        expires=expires,
        spends_first=fields.get("spends_first"),
        storage=None if storage is None else Storage(storage[0].whole, storage[1]),
        overdraft=Floor(overdraft.whole) if isinstance(overdraft, _Amounts) else overdraft,
        transfer=transfer,
        shortfall=fields.get("shortfall"),
        family=family,
        issue=tuple(map(_issue, issues)),
        whole_only=fields.get("whole_only", WholeOnly.NO),
        hold_days=fields.get("holds"),
        closure=fields.get("closure"),
    )


def _can_pool(id: str, fields: Fields, earned_from: str, reading: Reading) -> bool:
    """Refuse that a family earns together what none of them earns, or what would carry a rest of several people."""
    code = None
    if fields.get("holder") not in (Holder.PERSON, Holder.FAMILY) or earned_from == NOTHING:
        code = "P657"
    elif fields.get("whole_only") is WholeOnly.REST_CARRIED:
        code = "P656"
    if code is not None:
        reading.problem(code, fields.place("family"), ("id", id))
    return code is None


def _amounts(storage: Any, overdraft: Any, issues: tuple[Fields, ...]) -> list[_Amounts]:
    said = [issue.get("amount") for issue in issues]
    said += [storage[0]] if storage is not None else []
    return said + ([overdraft] if isinstance(overdraft, _Amounts) else [])


def _same_unit(unit: Unit, amounts: list[_Amounts], reading: Reading) -> bool:
    wrong = [amount for amount in amounts if amount.type is not unit.type]
    for amount in wrong:
        _wrong_unit(amount.type, unit, amount.location, reading)
    return not wrong


def _wrong_unit(found: FactType, unit: Unit, place: Location, reading: Reading) -> None:
    said = Unit.of(found).label if found in BALANCE_TYPES else found.value
    reading.problem("P642", place, ("found", said), ("unit", unit.label))


def _issue(fields: Fields) -> Issue:
    (per,) = fields.get("per")
    amount: _Amounts = fields.get("amount")
    return Issue(fields.get("when"), amount.whole, per, fields.get("provider"), fields.location)


_EXPIRY_WORDS: Mapping[str, Expiry | AtEndOf | After] = {expiry.value: expiry for expiry in Expiry}
_OVERDRAFT_WORDS: Mapping[str, Any] = {overdraft.value: overdraft for overdraft in Overdraft}
_UNLIMITED: Mapping[str, tuple[_Amounts, Overflow] | None] = {"unlimited": None}
_NONE: Mapping[str, tuple[Recipient, ...]] = {"none": ()}

ACCOUNTS: NamedForm[Account] = NamedForm(
    {
        "holder": Key(Choice(tuple(Holder))),
        "unit": Key(Choice(tuple(Unit))),
        "earned_from": Key(_EarnedForm()),
        "when": Key(CONDITION),
        "spent_on": Key(ListOf(Choice(tuple(Purpose)))),
        "expires": Key(WordOr(_EXPIRY_WORDS, _EXPIRES)),
        "spends_first": Key(Choice(tuple(Order))),
        "storage": Key(WordOr(_UNLIMITED, _STORAGE)),
        "overdraft": Key(WordOr(_OVERDRAFT_WORDS, _OVERDRAFT)),
        "transfer": Key(WordOr(_NONE, _TRANSFER)),
        "shortfall": Key(Choice(tuple(Shortfall))),
        "family": Key(_FAMILY),
        "issue": Key(ListOf(_ISSUE)),
        "whole_only": Key(Choice(tuple(WholeOnly))),
        "holds": Key(DatedOf(Amount(FactType.DAYS, 0, 3660))),
        "closure": Key(_CLOSURE),
    },
    (
        "holder",
        "unit",
        "earned_from",
        "spent_on",
        "expires",
        "spends_first",
        "storage",
        "overdraft",
        "transfer",
        "shortfall",
    ),
    _account,
)
