"""What an answer says of somebody else's passbook by an instant, proved where that passbook is decided again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from lianxing.engine.bank.deciding_again import CLOCKS_APART
from lianxing.engine.bank.deliveries import Book
from lianxing.rules.facts import VolunteerId


@dataclass
class Claim:
    """What an entry of one passbook says of another: it was so in one of the states within a minute of the instant.

    `holds` tells what is so in a state, as it would be said; `seen` is what was so in those that did not fit.
    """

    owner: VolunteerId
    instant: int
    holds: Callable[[Book], str]
    said: str
    by: tuple[VolunteerId, int]  # whose entry says so
    what: str
    seen: str = "-"


@dataclass
class Claims:
    """The claims about each passbook that are not proved yet."""

    _of: dict[VolunteerId, deque[Claim]] = field(default_factory=dict)

    @classmethod
    def of(cls, claims: Iterable[Claim]) -> Claims:
        made = cls()
        for claim in sorted(claims, key=lambda one: one.instant):
            made._of.setdefault(claim.owner, deque()).append(claim)
        return made

    def before(self, book: Book, until: int | None) -> Iterator[Claim]:
        """Hold a state against what is said of it; it ends with an entry of the instant `until`, None with the last.

        Yield what can be proved no longer.
        """
        waiting = self._of.get(book.owner)
        if not waiting:
            return
        for claim in list(waiting):
            if until is not None and claim.instant > until + CLOCKS_APART:
                return
            claim.seen = claim.holds(book)
            if claim.seen == claim.said:
                waiting.remove(claim)
            elif until is None or claim.instant < until - CLOCKS_APART:
                waiting.remove(claim)
                yield claim

    def drop(self, owner: VolunteerId) -> None:
        """Let go of what is said of a passbook in which something differs."""
        self._of.pop(owner, None)

    def left(self) -> list[VolunteerId]:
        """Return about whose passbooks there is something left to prove."""
        return [owner for owner, waiting in self._of.items() if waiting]
