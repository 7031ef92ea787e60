"""Who is on duty on which day: turns that go round, and days on which others stand in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

EVERY_DAY = frozenset(range(1, 8))


@dataclass(frozen=True, slots=True)
class Roster:
    """The turns of one post, such as a junction: on the first duty day the first turn, on the next one the next.

    After the last turn the first one comes again. `weekdays` are the days of the week on which the post is manned
    (Monday is 1), `until` the last day, None without end. `instead` names who is on duty on a day instead of the turn,
    nobody where it is empty; it changes nobody's next turn.
    """

    post: str
    first: date
    turns: tuple[tuple[str, ...], ...]
    weekdays: frozenset[int] = EVERY_DAY
    until: date | None = None
    instead: Mapping[date, tuple[str, ...]] = field(default_factory=dict)
