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
    for booking in bookings:
        record = booking.record
        place = f"{record.registry}/{record.id}"
        check_whole(booking.seconds, "seconds", place, AMOUNT_MAX)
        check_whole(booking.points, "points", place, AMOUNT_MAX)
        if (booking.kind == "original") == (booking.adjusts is not None) or booking.kind not in _KINDS:
            raise InvalidError(
                place,
                "adjusts 须指明原始分录，且只有 original 没有",
                "adjusts names the original entry, and only kind 'original' has none; kind is one of "
                + ", ".join(_KINDS),
            )
        if booking.kind == "original":
            if (record.registry, record.id) in seen:
                raise already_booked(place)
            seen.add((record.registry, record.id))
        draft = draft_of(booking)
        check_draft(draft)
        check_id(booking.policy_digest, "policy_digest", place)
        drafts.append(draft)
    return drafts


def draft_of(booking: Booking) -> Draft:
    """Return what a booking writes: its entry, with the version of the record where it brings one."""
    record = booking.record
    version = None
    if booking.kind in WITH_VERSION:
        content = content_of(record) if booking.content is None else booking.content
        kept = b"" if booking.kind == "withdrawn" else content
        supplied = facts_content(booking.supplied, f"{record.registry}/{record.id}")
        version = Version(kept, supplied, booking.adjusts, booking.supersedes)
    return Draft(
        kind=booking.kind,
        volunteer=record.volunteer,
        county=record.county,
        effective_on=record.day,
        policy_digest=booking.policy_digest,
        body=booking.body,
        registry=record.registry,
        record=record.id,
        adjusts=booking.adjusts,
        seconds=booking.seconds,
        points=booking.points,
        counted=booking.counted,
        actor=booking.actor,
        reason=booking.reason,
        lines=(*earned_lines(booking.seconds, booking.points), *booking.lines),
        lots=booking.lots,
        opened=booking.opened,
        floors=booking.floors,
        ended=booking.ended,
        wallets=booking.wallets,
        version=version,
        key=booking.key,
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
    place = draft.place
    check_ids(("volunteer", "kind"), (draft.volunteer, draft.kind), place)
    day_text(draft.effective_on, "effective_on", place)
    check_whole(draft.seconds, "seconds", place, AMOUNT_MAX)
    check_whole(draft.points, "points", place, AMOUNT_MAX)
    for name, number in (("adjusts", draft.adjusts), ("ends", draft.ends)):
        if number is not None:
            check_whole(number, name, place)
    check_bytes(draft.body, "body", place)
    texts = (draft.kind, draft.volunteer, draft.county, draft.registry, draft.record, draft.actor, draft.reason)
    if not _is_plain(texts):
        for name, text in zip(_TEXTS, texts, strict=True):
            check_text(text, name, place)
    check_amounts([line.amount for line in draft.lines], "amount", place)
    # What is hashed is what the database gives back: True would come back as 1, and 2.0 as 2.
    for account, unit, floor in draft.floors:
        check_ids(("account", "unit"), (account, unit), place)
        if floor is not None:
            check_whole(floor, "floor", place, AMOUNT_MAX)
    check_amounts([move.amount for move in draft.lots], "amount", place)
    for move in draft.lots:
        check_whole(move.lot, "lot", place)
    for opened in draft.opened:
        check_whole(opened.number, "number", place)
        check_whole(opened.original, "original", place, AMOUNT_MAX)
        check_text(opened.source, "source", place)
        day_text(opened.earned_on, "earned_on", place)
        day_text(opened.last_day, "last_day", place)
    if draft.hold is not None:
        check_whole(draft.hold.amount, "amount", place, AMOUNT_MAX)
        day_text(draft.hold.until, "until", place)
    had = draft.redemption
    if had is not None:
        for name, amount in (("units", had.units), ("paid", had.paid), ("cash", had.cash)):
            check_whole(amount, name, place, AMOUNT_MAX)
        check_text(had.offer, "offer", place)
        check_text(had.merchant, "merchant", place)
    for taking in draft.takes:
        check_id(taking.offer, "offer", place)
        check_whole(taking.units, "units", place)
    if draft.key is not None:
        for name in ("scope", "key", "request_hash"):
            check_id(getattr(draft.key, name), name, place)
            check_text(getattr(draft.key, name), name, place)


def volunteer_row(person: Volunteer) -> Row:
    place = str(person.id)
    check_id(person.id, "id", place)
    return (
        person.id,
        facts_content(person.facts, place),
        None if person.registered_on is None else day_text(person.registered_on, "registered_on", place),
        None if person.born_on is None else day_text(person.born_on, "born_on", place),
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
