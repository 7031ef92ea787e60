"""What a case says of perks, offers and accounts: keys of a story in `cases.yaml` beside those of every story."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from lianxing.engine.answers import REASONS
from lianxing.engine.reading.alternatives import BalanceAmount, ByName, WordOr
from lianxing.engine.reading.forms import (
    DAY,
    YES_NO,
    Amount,
    Choice,
    Fields,
    Id,
    Key,
    ListOf,
    OneOrMore,
    Record,
    Schema,
    Text,
    whole,
)
from lianxing.engine.reading.nodes import Node
from lianxing.engine.reading.notes import Reading, nearest
from lianxing.engine.reading.review_cases import ActorForm
from lianxing.rules.accounts import Account, Closing, Purpose, Recipient, Unit
from lianxing.rules.asking_cases import AskingCase, Awaited, Circumstances
from lianxing.rules.balances import Move, MoveKind
from lianxing.rules.closures import ClosingEvent
from lianxing.rules.facts import FactType
from lianxing.rules.hours import Overflow
from lianxing.rules.perks import Beneficiary
from lianxing.rules.places import Language, Location
from lianxing.rules.policy import Policy
from lianxing.rules.redeeming import Taken
from lianxing.rules.redemption import PickUp

T = TypeVar("T")

MONEY = Amount(FactType.MONEY)
ASKS = ("withdrawal", "swap", "approval", "handover")
WENT = tuple(
    dict.fromkeys(
        (
            "expired",
            "borrowed",
            "written_off",
            "transition",
            *(one.value for kind in (Overflow, Recipient, Closing) for one in kind),
        )
    )
)


@dataclass(frozen=True)
class _Balance:
    """An amount of points or time with its unit: the account says later which it is."""

    value: int
    type: FactType
    location: Location


@dataclass(frozen=True)
class _BalanceForm:
    """`10 points` or `2 hours`."""

    low: int = 0

    def read(self, node: Node, reading: Reading) -> _Balance | None:
        seen: set[FactType] = set()
        value = BalanceAmount(seen, self.low).read(node, reading)
        return None if value is None else _Balance(int(value), next(iter(seen)), node.location)

    def schema(self, script: Language) -> Schema:
        return BalanceAmount().schema(script)


_TAKEN: Record[Taken] = Record(
    {
        "offer": Key(Id(), required=True),
        "on": Key(DAY, required=True),
        "units": Key(whole(1)),
        "merchant": Key(Text()),
    },
    lambda fields, _reading: Taken(
        fields.get("offer"), fields.get("on"), fields.get("units", 1), fields.get("merchant", "")
    ),
)
_CIRCUMSTANCES: Record[Circumstances] = Record(
    {
        "site": Key(Text()),
        "merchant": Key(Text()),
        "for_whom": Key(Choice(tuple(Beneficiary))),
        "shown": Key(ListOf(Choice(tuple(PickUp)), least=0)),
        "given_out": Key(whole(0)),
        "lent": Key(YES_NO),
        "once_held": Key(whole(0, 20)),
        "supplied": Key(ByName(Text(), MONEY)),
        "by": Key(Text()),
        "actor": Key(ActorForm()),
        "approved": Key(YES_NO),
    },
    lambda fields, _reading: Circumstances(**fields.values),
)
_AWAITED: Record[Awaited] = Record(
    {"by": Key(Text(), required=True), "due": Key(DAY)},
    lambda fields, _reading: Awaited(fields.get("by"), fields.get("due")),
)
_KINDS = tuple(kind.value for kind in MoveKind)
_BY_NAME = (MoveKind.SETTLED, MoveKind.RELEASED, MoveKind.REFUNDED)
_NO_AMOUNT = tuple(kind.value for kind in (MoveKind.CLOSES, *_BY_NAME))
_MOVE: Record[Fields] = Record(
    {
        "on": Key(DAY, required=True),
        **{kind: Key(_BalanceForm(1)) for kind in _KINDS if kind not in _NO_AMOUNT},
        **{kind.value: Key(Id()) for kind in _BY_NAME},
        "id": Key(Id()),
        "closes": Key(Choice(tuple(ClosingEvent))),
        "family": Key(YES_NO),
        "gives": Key(Choice(tuple(Purpose))),
        "to_whom": Key(Choice(tuple(Recipient))),
    },
    lambda fields, _reading: fields,
    one_of=_KINDS,
)
_LEAVES: Record[Fields] = Record(
    {
        "balance": Key(_BalanceForm(-(10**15))),
        "available_balance": Key(_BalanceForm(-(10**15))),
        "went": Key(ByName(WordOr({word: word for word in WENT}), _BalanceForm())),
    },
    lambda fields, _reading: fields,
)
_REASON = WordOr({code: code for code in (*REASONS, "not_the_role", "own_matter", "before_the_last_step")})

ASKING_KEYS: Mapping[str, Key[Any]] = {
    "offer": Key(Id()),
    "units": Key(whole(1)),
    "balance": Key(_BalanceForm(-(10**15))),
    "redeemed": Key(ListOf(_TAKEN)),
    "issued_on": Key(DAY),
    "asks": Key(WordOr({word: word for word in ASKS})),
    "with": Key(_CIRCUMSTANCES),
    "account": Key(Id()),
    "moves": Key(ListOf(_MOVE)),
    "redemption": Key(WordOr({"allowed": True, "refused": False})),
    "why": Key(OneOrMore(_REASON)),
    "costs": Key(_BalanceForm()),
    "cash": Key(MONEY),
    "published": Key(YES_NO),
    "awaits": Key(_AWAITED),
    "to_supply": Key(ByName(Text(), MONEY)),
    "leaves": Key(_LEAVES),
    "worths": Key(ByName(Id(), MONEY)),
}
ASKED = ("redemption", "why", "costs", "cash", "published", "awaits", "to_supply", "leaves", "worths")
ABOUT = ("offer", "account", "moves")


def read_asking(policy: Policy, fields: Fields, reading: Reading) -> AskingCase | None:
    """Return what a case asks of perks, offers and accounts; None, and a problem, where it names what is not there."""
    account = _account(policy, fields, reading)
    named = [(fields.get("offer"), "offer")] if "offer" in fields.values else []
    named += [(taken.offer, "redeemed") for taken in fields.get("redeemed", ())]
    named += [(perk, "worths") for perk in fields.get("worths", {})]
    right = _known(policy, named, fields, reading)
    if ("moves" in fields.values or "balance" in fields.values) and account is None:
        if right and "account" not in fields.values:
            reading.problem("P521", fields.location)
        return None
    leaves: Fields | None = fields.get("leaves")
    moves = tuple(fields.get("moves", ()))
    said = [amount for amount in (fields.get("balance"), fields.get("costs")) if amount is not None]
    if leaves is not None:
        said += [leaves.get(name) for name in ("balance", "available_balance") if name in leaves.values]
        said += leaves.get("went", {}).values()
    said += [move.get(kind) for move in moves for kind in _KINDS if isinstance(move.get(kind), _Balance)]
    if account is not None:
        right = _one_unit(account, said, reading) and right
    if not right:
        return None
    return AskingCase(
        offer=fields.get("offer", ""),
        units=fields.get("units", 1),
        balance=_amount(fields.get("balance")),
        redeemed=fields.get("redeemed", ()),
        issued_on=fields.get("issued_on"),
        asks=_word(fields.get("asks")) or "",
        circumstances=fields.get("with", Circumstances()),
        account="" if account is None else account.clause.id,
        moves=tuple(map(_move, moves)),
        allowed=_word(fields.get("redemption")),
        why=tuple(code for (code,) in fields.get("why")) if "why" in fields.values else None,
        refused_by=fields.get("refused_by") if "offer" in fields.values else None,
        costs=_amount(fields.get("costs")),
        cash=fields.get("cash"),
        published=fields.get("published"),
        awaits=fields.get("awaits"),
        to_supply=fields.get("to_supply"),
        left=None if leaves is None else _amount(leaves.get("balance")),
        left_available=None if leaves is None else _amount(leaves.get("available_balance")),
        went=_went(leaves),
        worths=fields.get("worths"),
    )


def _account(policy: Policy, fields: Fields, reading: Reading) -> Account | None:
    """Return the account that a case is about: the one it names, or the one that its offer is paid from."""
    id = fields.get("account")
    if id is None:
        offer = next((offer for offer in policy.offers if offer.clause.id == fields.get("offer")), None)
        id = None if offer is None else offer.account
    accounts = {account.clause.id: account for account in policy.accounts}
    if id is not None and id not in accounts:
        known = ", ".join(accounts)
        reading.problem("P640", fields.place("account"), ("id", id), ("known", known), hint=nearest(id, accounts))
    return accounts.get(id) if id is not None else None


def _known(policy: Policy, named: list[tuple[str, str]], fields: Fields, reading: Reading) -> bool:
    known = [*(offer.clause.id for offer in policy.offers), *(perk.clause.id for perk in policy.perks)]
    unknown = [(id, key) for id, key in named if id not in known]
    for id, key in unknown:
        reading.problem("P520", fields.place(key), ("id", id), ("known", ", ".join(known)), hint=nearest(id, known))
    return not unknown


def _one_unit(account: Account, said: list[_Balance], reading: Reading) -> bool:
    wrong = [amount for amount in said if amount.type is not account.unit.type and amount.value]
    for amount in wrong:
        found = ("found", Unit.of(amount.type).label)
        reading.problem("P642", amount.location, found, ("unit", account.unit.label))
    return not wrong


def _amount(said: _Balance | None) -> int | None:
    return None if said is None else said.value


def _word(said: tuple[T] | None) -> T | None:
    return None if said is None else said[0]


def _move(fields: Fields) -> Move:
    kind = next(kind for kind in MoveKind if kind.value in fields.values)
    amount = fields.get(kind.value)
    return Move(
        on=fields.get("on"),
        kind=kind,
        amount=amount.value if isinstance(amount, _Balance) else 0,
        family=fields.get("family", False),
        gives=fields.get("gives"),
        to_whom=fields.get("to_whom"),
        event=fields.get("closes"),
        name=amount if isinstance(amount, str) and kind in _BY_NAME else fields.get("id", ""),
    )


def _went(leaves: Fields | None) -> dict[str, int] | None:
    went = None if leaves is None else leaves.get("went")
    return None if went is None else {where: amount.value for where, amount in went.items()}
