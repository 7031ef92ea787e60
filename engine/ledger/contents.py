"""A record's content as canonical JSON: the bytes that are kept, and their hash, which says whether it changed.

Canonical means: keys sorted by code point (a county names its facts in its own script), whole numbers as exact
decimals, text in UTF-8, no spaces. A field that holds its default is left out, so that a field added to
`ServiceRecord` later does not make every record of the past look changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import orjson

from lianxing.engine.ledger.errors import InvalidError
from lianxing.rules.facts import INTEGER_MAX, CountyId, FactValue, RecordId, RegistryId, VolunteerId
from lianxing.rules.records import ServiceRecord

# Two of them go into one row of an index, which holds 2,704 bytes on PostgreSQL.
ID_BYTES_MAX = 1_300
_SHORT_CHARACTERS = ID_BYTES_MAX // 4  # however they are encoded, so many characters fit


VERSION = "version"  # of a record as its registry numbers it, in its content and in the body of its withdrawal
ALREADY = "already"  # in the body of a withdrawal: the record did not count before

_IDS = ("id", "registry", "volunteer", "county")


def content_hash(record: ServiceRecord) -> str:
    """Return the SHA-256, in hexadecimal, of the record as reported; facts supplied by plugins are not part of it."""
    return hash_of(content_of(record))


def hash_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def content_of(record: ServiceRecord) -> bytes:
    """Return the canonical JSON of a record; InvalidError for a value that is not exact or cannot be kept."""
    given: Any = record  # by a plugin, perhaps: nothing is of the type that it should be
    place = f"{given.registry}/{given.id}"
    for name in ("activity", "organisation"):
        if type(getattr(given, name)) is not str:
            raise _not_exact(name, getattr(given, name), place)
    check_ids(_IDS, (given.id, given.registry, given.volunteer, given.county), place)
    for name in ("started_at", "ended_at", "seconds"):
        check_whole(getattr(given, name), name, place)
    check_version(given.version, place)
    if type(given.timed) is not bool:
        raise _not_exact("timed", given.timed, place)
    fields: dict[str, Any] = {
        "id": given.id,
        "registry": given.registry,
        "volunteer": given.volunteer,
        "county": given.county,
        "started_at": given.started_at,
        "ended_at": given.ended_at,
        "day": day_text(given.day, "day", place),
        "seconds": given.seconds,
    }
    if not given.timed:
        fields["timed"] = False
    if given.activity:
        fields["activity"] = given.activity
    if given.organisation:
        fields["organisation"] = given.organisation
    facts = _checked(given.facts, place)
    if facts:
        fields["facts"] = facts
    if given.version:
        fields[VERSION] = given.version
    return _dumped(fields, place)


def record_from(content: bytes) -> ServiceRecord:
    """Return the record that `content_of` turned into these bytes."""
    fields: dict[str, Any] = orjson.loads(content)
    return ServiceRecord(
        id=RecordId(fields["id"]),
        registry=RegistryId(fields["registry"]),
        volunteer=VolunteerId(fields["volunteer"]),
        county=CountyId(fields["county"]),
        started_at=fields["started_at"],
        ended_at=fields["ended_at"],
        day=date.fromisoformat(fields["day"]),
        seconds=fields["seconds"],
        timed=fields.get("timed", True),
        activity=fields.get("activity", ""),
        organisation=fields.get("organisation", ""),
        facts=fields.get("facts", {}),
        version=fields.get(VERSION, 0),
    )


def facts_content(facts: object, place: str) -> bytes:
    """Return facts as canonical JSON; InvalidError for anything but text and whole numbers."""
    checked = _checked(facts, place)
    return _dumped(checked, place) if checked else b"{}"


def facts_from(content: bytes) -> Mapping[str, FactValue]:
    facts: dict[str, FactValue] = {} if content == b"{}" else orjson.loads(content)
    return facts


def check_id(value: object, name: str, place: str) -> None:
    """Refuse an id that is empty or that some database cannot hold as text, or not in an index."""
    if type(value) is not str or not value or "\0" in value:
        raise InvalidError(
            place,
            f"{name} 须为非空文本，且不含空字符",
            f"{name} must be text, not empty and without NUL",
        )
    if not value.isascii() and not is_unicode(value):
        raise InvalidError(place, f"{name} 含有无法保存的字符", f"{name} holds characters that cannot be kept")
    if len(value) > _SHORT_CHARACTERS and len(value.encode()) > ID_BYTES_MAX:
        raise InvalidError(place, f"{name} 超过 {ID_BYTES_MAX} 字节", f"{name} is longer than {ID_BYTES_MAX} bytes")


def check_ids(names: Sequence[str], values: Sequence[Any], place: str) -> None:
    """Refuse the first of these that is no id; most are short ASCII, and looked at together."""
    if {*map(type, values)} == {str} and all(values):
        together = "\0".join(values)
        if len(together) <= _SHORT_CHARACTERS and together.isascii() and together.count("\0") < len(values):
            return
    for name, value in zip(names, values, strict=True):
        check_id(value, name, place)


def is_unicode(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # a lone surrogate
        return False
    return True


def check_whole(value: object, name: str, place: str, largest: int = INTEGER_MAX) -> None:
    """Refuse what is not exactly an int: True would count as 1, and 2.5 is rounded silently by some databases."""
    if type(value) is not int:
        raise _not_exact(name, value, place)
    if not -largest <= value <= largest:
        raise InvalidError(place, f"{name} 超出范围", f"{name} is out of range")  # the value may be of a person


def check_version(value: object, place: str) -> None:
    """Refuse a version that is no whole number, or below zero."""
    check_whole(value, VERSION, place)
    if type(value) is int and value < 0:
        raise InvalidError(place, f"{VERSION} 不能为负", f"{VERSION} is below zero")


def day_text(day: object, name: str, place: str) -> str:
    """Return a day as ISO text; a datetime is refused, its day depends on a time zone that nobody named."""
    if type(day) is not date:
        raise _not_exact(name, day, place)
    return day.isoformat()


def _checked(facts: object, place: str) -> dict[str, FactValue]:
    if not isinstance(facts, Mapping):
        raise _not_exact("facts", facts, place)
    for name, value in facts.items():
        check_id(name, "fact", place)
        if type(value) is not str:
            check_whole(value, name, place)
    return dict(facts)


def _dumped(fields: Mapping[str, Any], place: str) -> bytes:
    try:
        return orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:  # a lone surrogate, or text fields that are not text
        raise InvalidError(place, f"内容无法保存：{error}", f"the content cannot be kept: {error}") from None


def _not_exact(name: str, value: object, place: str) -> InvalidError:
    return InvalidError(
        place,
        f"{name} 的类型不对（{type(value).__name__}）",
        f"{name} has the wrong type ({type(value).__name__})",
    )
