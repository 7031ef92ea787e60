"""A command as plain data: what its hash is made of, and what an entry keeps of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import date
from enum import Enum
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from lianxing.engine.bank.fields import NEVER_EMPTY, checks_of, invalid
from lianxing.engine.calendars import local_day
from lianxing.engine.ledger.errors import InvalidError, NotYetError
from lianxing.rules.accounts import Purpose, Recipient
from lianxing.rules.closures import ClosingEvent
from lianxing.rules.commands import (
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
    Reopen,
    Reserve,
    Settle,
    StarStep,
    UsePerk,
)
from lianxing.rules.facts import CountyId, VolunteerId
from lianxing.rules.families import Relation
from lianxing.rules.perks import Beneficiary
from lianxing.rules.policy import Policy
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
    Reopen: "reopen",
    RecordStep: "record_step",
    StarStep: "star_step",
    Declare: "declare",
    Bring: "bring",
    TakeStep: "take_step",
}

# The fields of each kind of command that say what is asked, not whose it is.
_ASKED = {kind: tuple(field.name for field in fields(kind) if field.name not in NEVER_EMPTY) for kind in NAMES}
_CHECKS = {kind: checks_of(kind) for kind in NAMES}

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


def request_hash(command: Command) -> str:
    """Return the SHA-256 of a request: the same for the same request, however it was written down."""
    # Values of two types may be equal (1, True and a word of that text) and are written down differently.
    return _hash(command, tuple(type(getattr(command, name)) for name in _ASKED[type(command)]))


@lru_cache(maxsize=4_096)
def _hash(command: Command, _types: tuple[type, ...]) -> str:
    content = {**request_data(command), "volunteer": command.volunteer, "county": command.county}
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def check(command: Command) -> None:
    """Refuse what no bank can do, before anything is looked up; such a request uses no key up.

    InvalidError for a field that is not of its type, an empty or endless key, an amount or a day out of bounds, a
    control character, a member without the family.
    """
    if type(command) not in NAMES:
        kind = type(command).__name__
        raise InvalidError("command", f"{kind} 不是本行的请求", f"{kind} is no command of the bank")
    for name, fits in _CHECKS[type(command)]:
        fits(name, getattr(command, name))
    if isinstance(command, Redeem | Reserve) and command.member and not command.family:
        raise invalid("member", "只与 family 同用", "goes with family alone")


def check_day(on: date, instant: int, policy: Policy) -> None:
    """Refuse what is to be done on a day that has not come yet at an instant, in the county; NotYetError.

    What is booked too early takes what is not over yet, and no command undoes that.
    """
    today = local_day(instant, ZoneInfo(policy.county.time_zone))
    if on > today:
        zh, en = f"{on} 还没有到，今天是 {today}", f"{on} has not come yet, today is {today}"
        raise NotYetError("on", zh, en)


def _plain(value: object) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    return [_plain(one) for one in value] if isinstance(value, tuple) else value
