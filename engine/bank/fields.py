"""What a field of a command may hold: exactly what its annotation says, within bounds that every ledger can keep.

A bool is no whole number here, and the text of a word is not the word: what is written is read back as it was.
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import date
from functools import partial
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints

from lianxing.engine.ledger.errors import InvalidError
from lianxing.rules.commands import FIRST_DAY, KEY_CHARACTERS_MAX, LAST_DAY, Command

AMOUNT_MAX = 10**15
MEMBERS_MAX = 10_000
NEVER_EMPTY = frozenset(("volunteer", "county", "scope", "key"))
CONTROL = re.compile(r"[\x00-\x1f\ud800-\udfff]")
_NAMES = {
    str: ("文本", "text"),
    int: ("整数", "a whole number"),
    bool: ("真或假", "true or false"),
    date: ("日期", "a day"),
    tuple: ("元组", "a tuple"),
    types.NoneType: ("空", "None"),
}

Check = Callable[[str, Any], None]
Allowed = Mapping[type, Check]


def checks_of(kind: type[Command]) -> tuple[tuple[str, Check], ...]:
    """Return the check of each field of a kind of command."""
    hints = get_type_hints(kind)
    checks: dict[str, Check] = {field.name: partial(_one_of, _allowed(hints[field.name])) for field in fields(kind)}
    return tuple((checks | dict.fromkeys(NEVER_EMPTY, _text_that_is_there)).items())


def invalid(name: str, zh: str, en: str) -> InvalidError:
    return InvalidError(f"command.{name}", f"{name} {zh}", f"{name} {en}")


def _allowed(hint: Any) -> Allowed:
    """Return the types that an annotation allows, each with its check."""
    if isinstance(hint, NewType):
        return _allowed(hint.__supertype__)
    if get_origin(hint) in (Union, types.UnionType):
        return {kind: check for one in get_args(hint) for kind, check in _allowed(one).items()}
    if get_origin(hint) is tuple:
        members = get_args(hint)
        if members[-1] is Ellipsis:
            return {tuple: partial(_list, partial(_one_of, _allowed(members[0])))}
        return {tuple: partial(_in_step, tuple(partial(_one_of, _allowed(member)) for member in members))}
    kind: type = hint
    return {kind: _WITHIN.get(kind, _as_it_is)}


def _one_of(allowed: Allowed, name: str, value: object) -> None:
    check = allowed.get(type(value))
    if check is None:
        words = [_NAMES.get(kind, (f" {kind.__name__} 之一", f"one of {kind.__name__}")) for kind in allowed]
        zh, en = "或".join(one[0] for one in words), " or ".join(one[1] for one in words)
        got = type(value).__name__
        raise invalid(name, f"须为{zh}，不能是 {got}", f"must be {en}, not {got}")
    check(name, value)


def _as_it_is(name: str, value: object) -> None:
    """Nothing is wrong with a value of this type."""


def _text(name: str, value: str) -> None:
    if len(value) > KEY_CHARACTERS_MAX:
        raise invalid(name, f"至多 {KEY_CHARACTERS_MAX} 字", f"is longer than {KEY_CHARACTERS_MAX} characters")
    if CONTROL.search(value):
        raise invalid(name, "含有控制字符", "holds a control character")


def _text_that_is_there(name: str, value: object) -> None:
    if type(value) is not str or not value:
        raise invalid(name, "须为文本，且不能为空", "must be text that is not empty")
    _text(name, value)


def _whole(name: str, value: int) -> None:
    if not -AMOUNT_MAX <= value <= AMOUNT_MAX:
        raise invalid(name, "超出范围", "is out of range")


def _day(name: str, value: date) -> None:
    if not FIRST_DAY <= value <= LAST_DAY:
        raise invalid(name, f"须在 {FIRST_DAY} 至 {LAST_DAY} 之间", f"must lie between {FIRST_DAY} and {LAST_DAY}")


def _list(check: Check, name: str, values: tuple[object, ...]) -> None:
    if len(values) > MEMBERS_MAX:
        raise invalid(name, f"至多 {MEMBERS_MAX} 项", f"has more than {MEMBERS_MAX} members")
    for value in values:
        check(name, value)


def _in_step(checks: tuple[Check, ...], name: str, values: tuple[object, ...]) -> None:
    if len(values) != len(checks):
        raise invalid(name, f"每项须为 {len(checks)} 个值", f"has a member that is not of {len(checks)} values")
    for check, value in zip(checks, values, strict=True):
        check(name, value)


_WITHIN: Mapping[type, Check] = {str: _text, int: _whole, date: _day}
