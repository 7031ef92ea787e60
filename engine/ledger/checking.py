"""Nothing is hashed or written that a database would give back otherwise: every value is checked before it goes in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from lianxing.engine.ledger.contents import (
    check_id,
    check_ids,
    check_whole,
    content_of,
    day_text,
    facts_content,
    is_unicode,
)
from lianxing.engine.ledger.drafts import WITH_VERSION, Booking, Draft, Line, Version
from lianxing.engine.ledger.errors import AlreadyBookedError, InvalidError
from lianxing.engine.ledger.tables import AMOUNT_MAX, EARNED, ISSUED
from lianxing.rules.records import Volunteer

Row = tuple[object, ...]
_TEXTS = ("kind", "volunteer", "county", "registry", "record", "actor", "reason")
_KINDS = ("original", "adjusting", "corrected", "withdrawn")


def drafts_of(bookings: Sequence[Booking]) -> list[Draft]:
    """Return the bookings as drafts, every value of them checked."""
    drafts: list[Draft] = []
    seen: set[tuple[str, str]] = set()
    given: Any  # whatever it is: nothing but what is checked goes in
    for given in bookings:
        record = given.record
        place = f"{record.registry}/{record.id}"
        check_whole(given.seconds, "seconds", place, AMOUNT_MAX)
        check_whole(given.points, "points", place, AMOUNT_MAX)
        if (given.kind == "original") == (given.adjusts is not None) or given.kind not in _KINDS:
            raise InvalidError(
                place,
                "adjusts 须指明原始分录，且只有 original 没有",
                "adjusts names the original entry, and only kind 'original' has none; kind is one of "
                + ", ".join(_KINDS),
            )
        if given.kind == "original":
            if (record.registry, record.id) in seen:
                raise already_booked(place)
            seen.add((record.registry, record.id))
        draft = draft_of(given)
        check_draft(draft)
        check_id(given.policy_digest, "policy_digest", place)
        drafts.append(draft)
    return drafts


def draft_of(booking: Booking) -> Draft:
    """Return what a booking writes: its entry, with the version of the record where it brings one."""
    given: Any = booking
    record = given.record
    version = None
    if given.kind in WITH_VERSION:
        content = content_of(record) if given.content is None else given.content
        kept = b"" if given.kind == "withdrawn" else content
        supplied = facts_content(given.supplied, f"{record.registry}/{record.id}")
        version = Version(kept, supplied, given.adjusts, given.supersedes)
    return Draft(
        kind=given.kind,
        volunteer=record.volunteer,
        county=record.county,
        effective_on=record.day,
        policy_digest=given.policy_digest,
        body=given.body,
        registry=record.registry,
        record=record.id,
        adjusts=given.adjusts,
        seconds=given.seconds,
        points=given.points,
        counted=given.counted,
        actor=given.actor,
        reason=given.reason,
        lines=(*earned_lines(given.seconds, given.points), *given.lines),
        lots=given.lots,
        opened=given.opened,
        floors=given.floors,
        ended=given.ended,
        wallets=given.wallets,
        version=version,
        key=given.key,
    )


def earned_lines(seconds: int, points: int) -> list[Line]:
    """Return the postings of what service was worth."""
    return [
        line
        for unit, amount in (("seconds", seconds), ("points", points))
        if amount
        for line in (Line(EARNED, unit, amount), Line(ISSUED, unit, -amount, own=False))
    ]


def check_draft(draft: Draft) -> None:
    given: Any = draft
    place = given.place
    check_ids(("volunteer", "kind"), (given.volunteer, given.kind), place)
    day_text(given.effective_on, "effective_on", place)
    check_whole(given.seconds, "seconds", place, AMOUNT_MAX)
    check_whole(given.points, "points", place, AMOUNT_MAX)
    for name, number in (("adjusts", given.adjusts), ("ends", given.ends)):
        if number is not None:
            check_whole(number, name, place)
    check_bytes(given.body, "body", place)
    texts = (given.kind, given.volunteer, given.county, given.registry, given.record, given.actor, given.reason)
    if not _is_plain(texts):
        for name, text in zip(_TEXTS, texts, strict=True):
            check_text(text, name, place)
    check_amounts([line.amount for line in given.lines], "amount", place)
    # What is hashed is what the database gives back: True would come back as 1, and 2.0 as 2.
    for account, unit, floor in given.floors:
        check_ids(("account", "unit"), (account, unit), place)
        if floor is not None:
            check_whole(floor, "floor", place, AMOUNT_MAX)
    check_amounts([move.amount for move in given.lots], "amount", place)
    for move in given.lots:
        check_whole(move.lot, "lot", place)
    for opened in given.opened:
        check_whole(opened.number, "number", place)
        check_whole(opened.original, "original", place, AMOUNT_MAX)
        check_text(opened.source, "source", place)
        day_text(opened.earned_on, "earned_on", place)
        day_text(opened.last_day, "last_day", place)
    if given.hold is not None:
        check_whole(given.hold.amount, "amount", place, AMOUNT_MAX)
        day_text(given.hold.until, "until", place)
    had = given.redemption
    if had is not None:
        for name, amount in (("units", had.units), ("paid", had.paid), ("cash", had.cash)):
            check_whole(amount, name, place, AMOUNT_MAX)
        check_text(had.offer, "offer", place)
        check_text(had.merchant, "merchant", place)
    for taking in given.takes:
        check_id(taking.offer, "offer", place)
        check_whole(taking.units, "units", place)
    if given.key is not None:
        for name in ("scope", "key", "request_hash"):
            check_id(getattr(given.key, name), name, place)
            check_text(getattr(given.key, name), name, place)


def volunteer_row(person: Volunteer) -> Row:
    given: Any = person
    place = str(given.id)
    check_id(given.id, "id", place)
    return (
        given.id,
        facts_content(given.facts, place),
        None if given.registered_on is None else day_text(given.registered_on, "registered_on", place),
        None if given.born_on is None else day_text(given.born_on, "born_on", place),
    )


def person_body(row: Sequence[object]) -> bytes:
    """Return what the registry says of a person as the body of an entry: the row of `volunteer` without the id."""
    facts = row[1]
    assert isinstance(facts, bytes)
    return orjson.dumps({"facts": facts.decode(), "registered_on": row[2], "born_on": row[3]})


def already_booked(place: str) -> AlreadyBookedError:
    return AlreadyBookedError(place, "该记录已经入账", "the record is booked already")


def check_text(value: object, name: str, place: str) -> None:
    """Refuse what some database cannot hold as text; it may be empty."""
    if type(value) is not str:
        raise InvalidError(place, f"{name} 须为文本", f"{name} must be text, not {type(value).__name__}")
    if (not value.isascii() and not is_unicode(value)) or "\0" in value:
        raise InvalidError(place, f"{name} 含有无法保存的字符", f"{name} holds characters that cannot be kept")


def _is_plain(texts: Sequence[Any]) -> bool:
    """Tell whether all of these are text of ASCII without NUL, as most are; of others each has to be looked at."""
    if {*map(type, texts)} != {str}:
        return False
    together = "\0".join(texts)
    return together.isascii() and together.count("\0") < len(texts)


def check_amounts(amounts: Sequence[object], name: str, place: str) -> None:
    for amount in amounts:
        if type(amount) is not int or not -AMOUNT_MAX <= amount <= AMOUNT_MAX:
            check_whole(amount, name, place, AMOUNT_MAX)


def check_bytes(value: object, name: str, place: str) -> None:
    if type(value) is not bytes:
        raise InvalidError(place, f"{name} 须为字节串", f"{name} must be bytes, not {type(value).__name__}")
