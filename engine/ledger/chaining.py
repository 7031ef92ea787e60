"""The chain of a passbook: each entry carries a hash over itself and over the hash of the entry before it.

What goes in, in this order: the hash before (32 bytes, zeros before the first entry), one line of JSON, and the bytes
of the body, of the record's content and of the facts supplied. The JSON is an array without spaces, text as UTF-8,
whole numbers as they are, null where there is nothing; docs/auditing.md gives its members, so that a program that
knows nothing of this one can repeat it.

Whatever an answer can depend on is in the chain: the policy as it is kept and the person's facts too. What is not
(balances, what is left of a lot, the stock that is taken) follows from it, and `verifying` works it out again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

GENESIS = b"\0" * 32
FORMAT = 1


@dataclass(slots=True)
class Link:
    """All of an entry that is hashed.

    `policy_hash` is what `policy_hash` returns of the policy, '' where the entry is under none.
    `postings`: account, unit, amount, balance after. `floors`: account, unit, floor. `lots`: account, lot, amount.
    `opened`: account, lot, day of earning, last day, source, amount. `hold`: account, amount, until.
    `ends`: the entry of the hold that this one ends. `redemption`: day, offer, merchant, units, paid, cash. `returns`:
    the entry of the redemption that this one gives back. `ended`: account, lot. `wallets`: account, drawn,
    rest, grants given. `takes`: offer, units. `command`: scope, key, hash of the request.
    """

    volunteer: str
    county: str
    number: int
    kind: str
    registry: str
    record: str
    recorded_at: int
    effective_on: str
    policy_digest: str | None
    policy_hash: str
    adjusts: int | None
    seconds: int
    points: int
    counted: int
    actor: str
    reason: str
    postings: Sequence[Sequence[str | int | None]]
    floors: Sequence[Sequence[str | int | None]] = ()
    lots: Sequence[Sequence[str | int]] = ()
    opened: Sequence[Sequence[str | int]] = ()
    hold: Sequence[str | int] | None = None
    ends: int | None = None
    redemption: Sequence[str | int] | None = None
    returns: int | None = None
    ended: Sequence[Sequence[str | int]] = ()
    wallets: Sequence[Sequence[str | int]] = ()
    takes: Sequence[Sequence[str | int]] = ()
    command: Sequence[str] | None = None
    body: bytes = b""
    content: bytes | None = None
    supplied: bytes | None = None

    def header(self) -> bytes:
        """Return the line of JSON."""
        return orjson.dumps(
            (
                FORMAT,
                self.volunteer,
                self.county,
                self.number,
                self.kind,
                self.registry,
                self.record,
                self.recorded_at,
                self.effective_on,
                self.policy_digest,
                self.policy_hash,
                self.adjusts,
                self.seconds,
                self.points,
                self.counted,
                self.actor,
                self.reason,
                self.postings,
                self.floors,
                self.lots,
                self.opened,
                self.hold,
                self.ends,
                self.redemption,
                self.returns,
                self.ended,
                self.wallets,
                self.takes,
                self.command,
                len(self.body),
                None if self.content is None else len(self.content),
                None if self.supplied is None else len(self.supplied),
            )
        )


def policy_hash(digest: str, county: str, title: str, first_used_at: int, content: bytes) -> str:
    """Return the SHA-256, in hexadecimal, of a policy as it is kept: one line of JSON and the content."""
    line = orjson.dumps((FORMAT, digest, county, title, first_used_at, len(content)))
    return hashlib.sha256(line + content).hexdigest()


def link_hash(before: bytes, link: Link) -> bytes:
    """Return the SHA-256 of an entry that follows the one with the hash `before`."""
    digest = hashlib.sha256(before)
    digest.update(link.header())
    digest.update(link.body)
    if link.content is not None:
        digest.update(link.content)
    if link.supplied is not None:
        digest.update(link.supplied)
    return digest.digest()
