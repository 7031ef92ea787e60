"""Selecting the best of a period: the chapter `commendation.yaml`. Who may be put forward, how many, in which order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from fractions import Fraction

from lianxing.rules.conditions import Condition
from lianxing.rules.dates import Dated
from lianxing.rules.hours import Direction
from lianxing.rules.periods import Period, Term, Window, add_months, period_start
from lianxing.rules.places import Clause, Location
from lianxing.rules.ranking import RankKey


class Subject(Enum):
    """Who is commended."""

    PERSON = "person"
    ORGANISATION = "organisation"


class ShareOf(Enum):
    """What a quota is a share of: who may be put forward, the members that somebody counted, all who registered."""

    ELIGIBLE = "eligible"
    MEMBERS = "members"
    REGISTERED = "registered"


class Ties(Enum):
    """What happens where equals stand on both sides of the last place.

    All of them are selected, beyond the quota; none of them is, and places stay free; or somebody has to decide.
    """

    ALL_IN = "all_in"
    NONE_IN = "none_in"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Quota:
    """How many are selected: a number of places, or a share of somebody, rounded to whole places.

    Exactly one of `at_most` and `share` is there; a share has `of` and `direction`. With `within_same` there is a quota
    for every value of that fact.
    """

    at_most: Dated[int] | None
    share: Dated[Fraction] | None
    of: ShareOf | None
    direction: Direction | None
    within_same: str
    location: Location


@dataclass(frozen=True, slots=True)
class PastWinners:
    """Who won one of these honours within a stretch of time is not put forward again."""

    winners_of: tuple[str, ...]
    within: Window
    location: Location


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the procedure, who takes it, and within what time of the step before."""

    name: str
    by: str
    within: Dated[Term] | None


@dataclass(frozen=True, slots=True)
class Commendation:
    """A selection: of whom, for which period, and by what.

    Who fulfils `eligible` is put forward, or `exceptions`, and is no past winner. Of those the quota takes the first by
    `rank_by`; among equals whoever fulfils `prefers` comes first. `recommends_to` is the commendation of a layer below
    to which the selected are put forward, as `COUNTY/ID`, or the name of a body.
    """

    clause: Clause
    subject: Subject
    period: Period | Window
    eligible: Condition
    exceptions: Condition | None
    excludes: PastWinners | None
    quota: Quota
    prefers: Condition | None
    rank_by: tuple[RankKey, ...]
    ties: Ties
    steps: tuple[Step, ...]
    recommends_to: str
    recommends_at: Location


def period_of(period: Period | Window, day: date) -> tuple[date, date]:
    """Return the first and the last day of the period that holds `day`; one that rolls ends on it.

    >>> period_of(Period.QUARTER, date(2025, 5, 4))
    (datetime.date(2025, 4, 1), datetime.date(2025, 6, 30))
    """
    if isinstance(period, Window):
        if period.months:
            first = add_months(day, -period.months) + timedelta(days=1)
            while day >= add_months(first, period.months):  # where a month end is clamped, as the measures see it
                first += timedelta(days=1)
            return first, day
        return day - timedelta(days=period.days - 1), day
    first = period_start(period, day)
    months = {Period.MONTH: 1, Period.QUARTER: 3, Period.HALF_YEAR: 6}.get(period, 12)
    return first, add_months(first, months) - timedelta(days=1)
