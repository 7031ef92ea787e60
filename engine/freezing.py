"""The state of a fold as bytes: what has been worked out of a person's records, so that the next one goes on from it.

Three lines: the SHA-256 of the two others; whose state it is, under which policy, and up to which record; the state
itself, both as JSON. It is a copy and no record: it can be made again at any time from the whole history, and whatever
is wrong with it is refused. `VERSION` goes up with every change of what the lines hold, or of how a record is
worked out by the same policy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

import orjson

from lianxing.engine.parts import Amount
from lianxing.rules.places import Location
from lianxing.rules.records import Order, Volunteer

VERSION = 2
FOLD, LIFE = "fold", "life"

_WHOLE_MAX = 2**63 - 1  # beyond it JSON holds text
_SUM_LENGTH = 64


class StateError(ValueError):
    """A state that cannot be gone on from: damaged, of another version, policy or person. Fold the whole history."""


class HistoryNeededError(Exception):
    """What happens now looks back at single records, which a state does not hold. Fold the whole history."""


@dataclass(frozen=True, slots=True)
class Header:
    """Whose state it is and how far it goes: `last` is the order of the last record, `day` the latest day of one."""

    kind: str
    policy: str
    volunteer: str
    person: str
    last: Order | None
    day: date | None


def person_hash(volunteer: Volunteer) -> str:
    """Return the hash of what is known of a person: what was worked out with other facts is worth nothing now."""
    known = [volunteer.registered_on, volunteer.born_on, dict(volunteer.facts)]
    return hashlib.sha256(_dumped(known)).hexdigest()


def sealed(header: Header, body: Any) -> bytes:
    """Return a state as bytes; the same state is the same bytes. StateError for text that is not Unicode."""
    said = [header.kind, VERSION, header.policy, header.volunteer, header.person, header.last, header.day]
    lines = _dumped(said) + b"\n" + _dumped(body)
    return hashlib.sha256(lines).hexdigest().encode() + b"\n" + lines


def header_of(state: bytes) -> Header:
    """Return the header of a state without looking at the rest; StateError where there is none of this version."""
    lines = state.split(b"\n", 2)
    with reading_state():
        kind, version, policy, volunteer, person, last, day = orjson.loads(lines[1])
        if version != VERSION:
            raise StateError(f"a state of version {version}, not {VERSION}")
        return Header(kind, policy, volunteer, person, order_of(last), day_of(day))


def lines_of(state: bytes) -> list[Any]:
    """Return the two lines of a state of any version as plain data; StateError where it is damaged."""
    with reading_state():
        if hashlib.sha256(state[_SUM_LENGTH + 1 :]).hexdigest().encode() + b"\n" != state[: _SUM_LENGTH + 1]:
            raise StateError("the state is damaged")
        _sum, header, body = state.split(b"\n", 2)
        return [orjson.loads(header), orjson.loads(body)]


def opened(state: bytes, kind: str, policy: str, volunteer: Volunteer) -> tuple[Header, Any]:
    """Return the header and the body of a state of this kind, policy and person; StateError where it is not that."""
    if hashlib.sha256(state[_SUM_LENGTH + 1 :]).hexdigest().encode() + b"\n" != state[: _SUM_LENGTH + 1]:
        raise StateError("the state is damaged")
    header = header_of(state)
    refuse_other(header, kind, policy, volunteer)
    with reading_state():
        return header, orjson.loads(state.split(b"\n", 2)[2])


def refuse_other(header: Header, kind: str, policy: str, volunteer: Volunteer) -> None:
    """Raise StateError where a state is of another kind, policy or person, or other facts are known of the person."""
    for what, held, needed in (
        ("kind", header.kind, kind),
        ("policy", header.policy, policy),
        ("volunteer", header.volunteer, volunteer.id),
        ("facts of the volunteer", header.person, person_hash(volunteer)),
    ):
        if held != needed:
            raise StateError(f"the state is of another {what}")


@contextmanager
def reading_state() -> Iterator[None]:
    """Turn whatever goes wrong while a state is read into a StateError."""
    try:
        yield
    except StateError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise StateError(f"the state cannot be read: {type(error).__name__}") from error


def _dumped(data: Any) -> bytes:
    try:
        return orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        raise StateError(f"the state cannot be kept: {error}") from None


# --- values ----------------------------------------------------------------------------------------------------------


def amount_data(amount: Amount) -> int | str:
    """Return an amount exactly: a whole number, or text such as `7/2`.

    >>> amount_data(Fraction(7, 2)), amount_data(Fraction(4)), amount_data(2**64)
    ('7/2', 4, '18446744073709551616')
    """
    if type(amount) is int and -_WHOLE_MAX <= amount <= _WHOLE_MAX:
        return amount
    if amount.denominator != 1:
        return f"{amount.numerator}/{amount.denominator}"
    whole = int(amount)
    return whole if -_WHOLE_MAX <= whole <= _WHOLE_MAX else str(whole)


def amount_of(data: int | str) -> Amount:
    """Return the amount that `amount_data` wrote."""
    if type(data) is int:
        return data
    text = str(data)
    return Fraction(text) if "/" in text else int(text)


def whole_of(data: int | str) -> int:
    """Return a whole amount that `amount_data` wrote."""
    return data if type(data) is int else int(data)


def day_of(data: str | None) -> date | None:
    """Return a day, which JSON holds as `2024-06-15`."""
    return None if data is None else date.fromisoformat(data)


def order_of(data: list[Any] | None) -> Order | None:
    """Return the place of a record among those of its person, which JSON holds as a list."""
    return None if data is None else (int(data[0]), int(data[1]), str(data[2]), str(data[3]))


def location_data(location: Location) -> list[str | int]:
    return [location.path, location.line, location.column]


def location_of(data: list[Any]) -> Location:
    path, line, column = data
    return Location(str(path), int(line), int(column))
