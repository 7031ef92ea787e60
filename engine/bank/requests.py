"""A command as plain data: what its hash is made of, and what an entry keeps of it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import date
from enum import Enum
from functools import lru_cache
from typing import Any

import orjson

from lianxing.engine.ledger.errors import InvalidError
from lianxing.rules.accounts import Purpose, Recipient
from lianxing.rules.balances import ClosingEvent
from lianxing.rules.commands import (
    KEY_CHARACTERS_MAX,
    Approve,
    Bring,
    Close,
    Command,
    Declare,
    Decline,
    Fetch,
    Give,
    Grant,
    RecordStep,
    Redeem,
    Refund,
    Release,
    Reserve,
    Settle,
    StarStep,
    UsePerk,
)
from lianxing.rules.facts import CountyId, VolunteerId
from lianxing.rules.families import Relation
from lianxing.rules.perks import Beneficiary
from lianxing.rules.redemption import PickUp
from lianxing.rules.requests import Step
from lianxing.rules.reviewing import Doing
from lianxing.rules.service_commands import TakeStep

NAMES: dict[type[Command], str] = {
    Redeem: "redeem",
    Settle: "settle",
    Release: "release",
    Approve: "approve",
    Decline: "decline",
    Refund: "refund",
    Fetch: "fetch",
    Reserve: "reserve",
    Give: "give",
    Grant: "grant",
    UsePerk: "use_perk",
    Close: "close",
    RecordStep: "record_step",
    StarStep: "star_step",
    Declare: "declare",
    Bring: "bring",
    TakeStep: "take_step",
}
_WHOSE = frozenset(("volunteer", "county", "scope", "key"))
_ENUMS = (Purpose, Recipient, ClosingEvent, Beneficiary, PickUp, Doing, Relation, Step)
AMOUNT_MAX = 10**15
_CONTROL = re.compile(r"[\x00-\x1f\ud800-\udfff]")
MEMBERS_MAX = 10_000

# The fields of each kind of command that say what is asked, not whose it is.
_ASKED = {kind: tuple(field.name for field in fields(kind) if field.name not in _WHOSE) for kind in NAMES}
_WHOLE = frozenset(("units", "entry", "amount", "star", "objection", "seconds"))

# How the values of these fields are read back; all others are as they were written.
_READ: dict[str, Callable[[Any], Any]] = {
    "on": date.fromisoformat,
    "issued_on": date.fromisoformat,
    "purpose": Purpose,
    "to_whom": Recipient,
    "event": ClosingEvent,
    "for_whom": Beneficiary,
    "doing": Doing,
    "applied_on": date.fromisoformat,
    "shown": lambda names: tuple(PickUp(name) for name in names),
    "step": Step,
    "paired": tuple,
    "on_roster": tuple,
    "served_on": date.fromisoformat,
    "said": lambda said: tuple((fact, value) for fact, value in said),
    "family": lambda said: said if type(said) is bool else tuple((VolunteerId(id), Relation(one)) for id, one in said),
}


def request_data(command: Command) -> dict[str, Any]:
    """Return what is asked as plain data, without whose it is."""
    asked = {name: _plain(getattr(command, name)) for name in _ASKED[type(command)]}
    return {"command": NAMES[type(command)], **asked}


def command_from(data: Mapping[str, Any], volunteer: VolunteerId, county: CountyId, scope: str, key: str) -> Command:
    """Return the command that `request_data` has written down; ValueError where it has not."""
    kinds = {name: kind for kind, name in NAMES.items()}
    said = dict(data)
    kind = kinds.get(said.pop("command", ""))
    if kind is None or said.keys() != {*_ASKED[kind]}:
        raise ValueError("no command")
    for name, value in said.items():
        if name in _READ and value is not None:
            said[name] = _READ[name](value)
    return kind(volunteer=volunteer, county=county, scope=scope, key=key, **said)


@lru_cache(maxsize=4_096)
def request_hash(command: Command) -> str:
    """Return the SHA-256 of a request: the same for the same request, however it was written down."""
    content = {**request_data(command), "volunteer": command.volunteer, "county": command.county}
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def check(command: Command) -> None:
    """Refuse what no bank can do, before anything is looked up; such a request uses no key up.

    InvalidError for an empty or endless key, a float, an amount out of bounds, a control character.
    """
    for name in ("volunteer", "county", "scope", "key"):
        _text(name, getattr(command, name), least=1)
    for name in _ASKED[type(command)]:
        value = getattr(command, name)
        if type(value) is str:
            _text(name, value)
        elif type(value) is int:
            if not -AMOUNT_MAX <= value <= AMOUNT_MAX:
                raise _invalid(name, "超出范围", "is out of range")
        elif type(value) is tuple:
            _members(name, value)
        elif not (value is None or type(value) in (bool, date) or isinstance(value, _ENUMS)):
            raise _invalid(name, f"类型不对（{type(value).__name__}）", f"has the type {type(value).__name__}")
    for name in _whole_of(command):
        if type(getattr(command, name)) is not int:
            raise _invalid(name, "须为整数", "must be a whole number")
    if type(command.on) is not date:
        raise _invalid("on", "须为日期", "must be a day")


def _members(name: str, values: tuple[object, ...]) -> None:
    """Refuse a list that holds anything but text, whole numbers, words, and lists of these."""
    if len(values) > MEMBERS_MAX:
        raise _invalid(name, f"至多 {MEMBERS_MAX} 项", f"has more than {MEMBERS_MAX} members")
    for value in values:
        if type(value) is tuple:
            _members(name, value)
        elif type(value) is str:
            _text(name, value)
        elif not (isinstance(value, _ENUMS) or (type(value) is int and -AMOUNT_MAX <= value <= AMOUNT_MAX)):
            raise _invalid(name, "所列各项类型不对或超出范围", "has a member of another type, or out of range")


def _whole_of(command: Command) -> tuple[str, ...]:
    optional = isinstance(command, Settle) and command.amount is None
    return tuple(name for name in _ASKED[type(command)] if name in _WHOLE and not (optional and name == "amount"))


def _text(name: str, value: object, least: int = 0) -> None:
    if type(value) is not str or not least <= len(value) <= KEY_CHARACTERS_MAX:
        raise _invalid(
            name,
            f"须为至多 {KEY_CHARACTERS_MAX} 字的文本",
            f"must be text of {least} to {KEY_CHARACTERS_MAX} characters",
        )
    if _CONTROL.search(value):
        raise _invalid(name, "含有控制字符", "holds a control character")


def _invalid(name: str, zh: str, en: str) -> InvalidError:
    return InvalidError(f"command.{name}", f"{name} {zh}", f"{name} {en}")


def _plain(value: object) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    return [_plain(one) for one in value] if isinstance(value, tuple) else value
