"""Checkpoints: where every chain ends, written down outside the ledger.

Whoever can rewrite the whole file can also take the last entries away and make the heads fit; nothing inside the ledger
tells. A checkpoint that was handed to somebody else does: a passbook that was there is there, is not shorter, and has
the same hash at the same number.

As text a checkpoint is JSON lines, keys sorted, no spaces: first what it is, then one line for each passbook in the
order of volunteer and county. `root` is the SHA-256 over those lines: one line to print in a newspaper.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import orjson
from sqlalchemy import Connection, select, tuple_

from lianxing.engine.ledger.chains import heads
from lianxing.engine.ledger.chunking import chunks
from lianxing.engine.ledger.errors import InvalidError
from lianxing.engine.ledger.opening import Ledger
from lianxing.engine.ledger.tables import entry, passbook
from lianxing.engine.ledger.verifying import VIOLATIONS_MAX, Violation
from lianxing.rules.places import Label

FORMAT = 1


@dataclass(frozen=True, slots=True, order=True)
class CheckpointHead:
    """Where the chain of a passbook ended: the number of the entry and its hash in hexadecimal."""

    volunteer: str
    county: str
    number: int
    hash: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where every chain ended at an instant (seconds since 1970), how much there was, and the hash over all heads."""

    recorded_at: int
    heads: tuple[CheckpointHead, ...]
    counts: Mapping[str, int]
    root: str


MISSING = Label(zh="存证点所记的存折须仍在", en="a passbook of the checkpoint is still there")
SHORTER = Label(zh="存折的分录不得少于存证点所记", en="a passbook has at least the entries of the checkpoint")
DIFFERS = Label(zh="同号分录的摘要须与存证点所记相同", en="an entry has the hash that the checkpoint has of it")


def checkpoint(ledger: Ledger) -> Checkpoint:
    """Return where every chain of the ledger ends now, from one snapshot."""
    with ledger.reading() as reading:
        found = sorted(
            CheckpointHead(head.volunteer, head.county, head.number, head.hash.hex())
            for head in heads(reading._connection)
        )
        counts = reading.counts()
    return Checkpoint(ledger.now(), tuple(found), counts, root_of(found))


def root_of(found: list[CheckpointHead]) -> str:
    """Return the SHA-256, in hexadecimal, over the lines of these heads, each with its line feed."""
    digest = hashlib.sha256()
    for head in found:
        digest.update(_line(head))
    return digest.hexdigest()


def checkpoint_text(of: Checkpoint) -> bytes:
    """Return a checkpoint as JSON lines, always the same bytes for the same checkpoint."""
    first = {"checkpoint": FORMAT, "recorded_at": of.recorded_at, "counts": dict(of.counts), "root": of.root}
    return orjson.dumps(first, option=orjson.OPT_SORT_KEYS) + b"\n" + b"".join(map(_line, of.heads))


def read_checkpoint(text: bytes, place: str) -> Checkpoint:
    """Return the checkpoint of these bytes; InvalidError at `place` where they are not exactly one that was written."""
    try:
        first, *lines = (orjson.loads(line) for line in text.splitlines())
        if first["checkpoint"] != FORMAT:
            raise _not_a_checkpoint(place)
        found = [CheckpointHead(**line) for line in lines]
        read = Checkpoint(first["recorded_at"], tuple(found), first["counts"], first["root"])
        same = checkpoint_text(read) == text and sorted(found) == found
    except (ValueError, TypeError, KeyError):
        raise _not_a_checkpoint(place) from None
    if not same or root_of(found) != read.root:
        raise InvalidError(
            place, "存证点已被改动：各行与其根摘要不符", "the checkpoint was changed: its lines do not lead to its root"
        )
    return read


def against(ledger: Ledger, earlier: Checkpoint) -> list[Violation]:
    """Return what the ledger no longer has of an earlier checkpoint, at most `VIOLATIONS_MAX` of each kind."""
    found: list[Violation] = []
    seen: Counter[str] = Counter()
    with ledger.reading() as reading:
        for violation in _missing(reading._connection, earlier):
            seen[violation.invariant] += 1
            if seen[violation.invariant] <= VIOLATIONS_MAX:
                found.append(violation)
    return found


def _missing(connection: Connection, earlier: Checkpoint) -> Iterator[Violation]:
    for some in chunks(earlier.heads):
        by_owner = {(head.volunteer, head.county): head for head in some}
        there = {
            (row.volunteer, row.county): row.id
            for row in connection.execute(
                select(passbook).where(tuple_(passbook.c.volunteer, passbook.c.county).in_(list(by_owner)))
            )
        }
        at = [(there[owner], head.number) for owner, head in by_owner.items() if owner in there]
        hashes = {
            row.passbook: bytes(row.hash).hex()
            for row in connection.execute(
                select(entry.c.passbook, entry.c.hash).where(tuple_(entry.c.passbook, entry.c.number).in_(at))
            )
        }
        for owner, head in by_owner.items():
            ids = (("volunteer", head.volunteer), ("county", head.county), ("entry", str(head.number)))
            if owner not in there:
                yield Violation("passbook_of_checkpoint", MISSING, ids)
            elif there[owner] not in hashes:
                yield Violation("entries_of_checkpoint", SHORTER, ids)
            elif hashes[there[owner]] != head.hash:
                yield Violation("hash_of_checkpoint", DIFFERS, ids)


def _line(head: CheckpointHead) -> bytes:
    members = {name: getattr(head, name) for name in ("county", "hash", "number", "volunteer")}
    return orjson.dumps(members, option=orjson.OPT_SORT_KEYS) + b"\n"


def _not_a_checkpoint(place: str) -> InvalidError:
    return InvalidError(place, "不是存证点文件", "is not a checkpoint")
