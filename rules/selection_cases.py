"""What a case tells of a commendation: who stands for it, and who must come out where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from lianxing.rules.facts import FactValue
from lianxing.rules.records import ServiceRecord, Volunteer


@dataclass(frozen=True, slots=True)
class ToldCandidate:
    """Somebody who stands for a commendation: with records, or with measures (and a star) given outright.

    Of somebody who asks for a service for another one, `recipient` are facts of whoever is to be served.
    """

    subject: Volunteer
    records: tuple[ServiceRecord, ...]
    given: Mapping[str, FactValue]
    star: int | None
    recipient: Mapping[str, FactValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExpectedStep:
    """A step of the procedure, who takes it, and its last day where the case asks that."""

    name: str
    by: str
    due: date | None


@dataclass(frozen=True, slots=True)
class SelectionCase:
    """A commendation and its candidates; what is expected follows, None is not asked.

    The selected and the reserve are expected in their order, everybody else in any. `exceptions` are those who may be
    put forward by exception only; `steps` all the steps of the procedure where it begins on the day of the case;
    `period` the first and the last day of what is commended.
    """

    commend: str
    candidates: tuple[ToldCandidate, ...]
    members: int | None
    selected: tuple[str, ...] | None
    reserve: tuple[str, ...] | None
    undecided: tuple[str, ...] | None
    ineligible: tuple[str, ...] | None
    exceptions: tuple[str, ...] | None
    steps: tuple[ExpectedStep, ...] | None = None
    period: tuple[date, date] | None = None
