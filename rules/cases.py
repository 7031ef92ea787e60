"""The proof: the chapter `cases.yaml`, small stories with what must come out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from lianxing.rules.asking_cases import AskingCase, MenuCase
from lianxing.rules.decision_cases import DecisionCase
from lianxing.rules.facts import FactValue
from lianxing.rules.places import Location, Source
from lianxing.rules.records import ServiceRecord, Volunteer
from lianxing.rules.reviewing import Step
from lianxing.rules.selection_cases import SelectionCase

SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class Deadline:
    """Which statement of `review.yaml` a case asks: when its time began, who objected when, how many were reported."""

    stage: str
    started: date
    objected_on: date | None = None
    settled_on: date | None = None
    reported: int | None = None


@dataclass(frozen=True, slots=True)
class ReviewCase:
    """Steps of a review of the case's record, and what comes of them: its state, or why the last one is refused."""

    steps: tuple[Step, ...]
    comes_to: str | None
    not_allowed: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Expected:
    """What a case says must come out; None is not asked. Seconds, hundredths of a point, hundredths of a yuan.

    `because` names clauses that must have given, changed or refused something; `refused_by` the clause that refuses
    every record of the case; `missing` what the next star still takes; `measures` what measures come to on the day;
    `perks` the perks held, each with what is paid of the case's price where the case asks that; `overflows` what limits
    took off, by where it goes and unit.
    """

    seconds: int | None = None
    points: int | None = None
    star: int | None = None
    because: tuple[str, ...] | None = None
    refused_by: str | None = None
    perks: Mapping[str, int | None] | None = None
    missing: Mapping[str, FactValue] | None = None
    measures: Mapping[str, FactValue] | None = None
    pending_seconds: int | None = None
    pending_points: int | None = None
    overflows: Mapping[tuple[str, str], int] | None = None
    due: date | str | None = None  # the last day, or SUSPENDED
    checked: int | None = None
    open_stages: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A story: a person, records or measures given outright, and what is expected on the day `on`.

    A measure that is a quotient is given in millionths. `star` is the star held where the case gives it outright,
    `price` what the perks' shares are taken of, in hundredths of a yuan.
    """

    name: str
    location: Location
    source: Source
    on: date
    volunteer: Volunteer
    records: tuple[ServiceRecord, ...]
    given: Mapping[str, FactValue]
    star: int | None
    price: int | None
    expected: Expected
    deadline: Deadline | None = None
    asking: AskingCase | None = None
    queue: MenuCase | None = None
    decided: DecisionCase | None = None
    selection: SelectionCase | None = None
    review: ReviewCase | None = None
