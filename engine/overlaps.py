"""Time is served once: what of a record lies outside the time that earlier ones of the same person have taken."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from lianxing.engine.parts import SECONDS, Group, Outcome, Part
from lianxing.rules.hours import NoOverlap, Overlap
from lianxing.rules.records import ServiceRecord


@dataclass(slots=True)
class Served:
    """A stretch of time that an earlier record has taken."""

    started_at: int
    ended_at: int
    record: str
    group: Group


@dataclass
class Timetable:
    """The stretches that have been served so far, by statement and group; disjoint, ascending."""

    served: dict[tuple[str, str], list[Served]] = field(default_factory=dict)

    def copied(self) -> Timetable:
        return Timetable(dict(self.served))  # the lists in it are replaced, never changed

    def serve(self, step: NoOverlap, record: ServiceRecord, parts: list[Part], outcome: Outcome) -> None:
        """Take from the parts what was served before, by the rule of the step, and note what they take."""
        if not record.timed or not parts:
            return
        key = (step.clause.id, str(parts[0].facts.get(step.within_same, "")) if step.within_same else "")
        timed = [part for part in parts if part.ended_at > part.started_at]
        earlier = [s for s in self.served.get(key, ()) if s.ended_at >= record.started_at]
        met = [(part, served) for part in timed for served in earlier if _meets(part, served, step.touching)]
        if met and step.rule is Overlap.REFUSE:
            for part in parts:
                outcome.refuse(step.clause, part, "overlap", other=met[0][1].record)
            self.served[key] = earlier
            return
        free: list[Served] = []
        group = met[0][1].group if met and step.rule is Overlap.MERGE else record.key
        for part in timed:
            free += _outside_of(part, earlier, met, group, step, outcome, record)
        self.served[key] = sorted(earlier + free, key=lambda served: served.started_at)

    def groups(self, since: int) -> set[Group]:
        """Return the records that one which starts at the instant `since`, or later, may be merged into."""
        return {one.group for served in self.served.values() for one in served if one.ended_at >= since}

    def frozen(self, since: int) -> list[list[Any]]:
        """Return the stretches that a record which starts at the instant `since`, or later, can meet."""
        found = []
        for key, served in self.served.items():
            left = [[one.started_at, one.ended_at, one.record, *one.group] for one in served if one.ended_at >= since]
            if left:
                found.append([*key, left])
        return sorted(found)

    @staticmethod
    def thawed(data: Iterable[list[Any]]) -> Timetable:
        """Return the stretches that `frozen` wrote."""
        return Timetable(
            {
                (clause, within): [
                    Served(start, end, record, (registry, id)) for start, end, record, registry, id in served
                ]
                for clause, within, served in data
            }
        )


def _outside_of(
    part: Part,
    earlier: list[Served],
    met: list[tuple[Part, Served]],
    group: Group,
    step: NoOverlap,
    outcome: Outcome,
    record: ServiceRecord,
) -> list[Served]:
    """Leave the part what lies outside; return the stretches that it takes."""
    pieces = _outside(part.started_at, part.ended_at, earlier)
    taken = part.interval - sum(end - start for start, end in pieces)
    if taken and not pieces:
        other = next(served.record for crossed, served in met if crossed is part)
        outcome.refuse(step.clause, part, "overlap", other=other)
        return []
    kept = min(part.seconds, part.interval - taken)
    if taken or group != part.group:
        other = next(served.record for crossed, served in met if crossed is part) if taken else met[0][1].record
        free, rule = part.interval - taken, step.rule.value
        outcome.note(step.clause, part, "overlap", SECONDS, part.seconds, kept, free=free, other=other, rule=rule)
    part.seconds, part.group = kept, group
    pieces += [piece for start, end in part.breaks for piece in _outside(start, end, earlier)]
    return [Served(start, end, record.id, group) for start, end in pieces]


def _meets(part: Part, served: Served, touching: bool) -> bool:
    if touching:
        return any(start <= served.ended_at and served.started_at <= end for start, end in part.stretches)
    return any(start < served.ended_at and served.started_at < end for start, end in part.stretches)


def _outside(start: int, end: int, served: list[Served]) -> list[tuple[int, int]]:
    """Return the pieces of an interval that lie outside the served ones, which are disjoint and ascend."""
    pieces: list[tuple[int, int]] = []
    for taken in served:
        if taken.ended_at <= start or taken.started_at >= end:
            continue
        if taken.started_at > start:
            pieces.append((start, taken.started_at))
        start = max(start, taken.ended_at)
    return [*pieces, (start, end)] if start < end else pieces
