"""The words of a condition: declared, typed facts of the record, the person and the calendar.

Every value that reaches a matcher is text or a whole number; the type says what the number counts. No float exists.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NewType

from lianxing.rules.places import Label

VolunteerId = NewType("VolunteerId", str)
RecordId = NewType("RecordId", str)
RegistryId = NewType("RegistryId", str)
CountyId = NewType("CountyId", str)

FactValue = int | str

ID_CHARACTERS_MAX = 200
TEXT_BYTES_MAX = 4096
INTEGER_MAX = 2**63 - 1
NUMBER_SCALE = 10_000
RATIO_SCALE = 1_000_000
# More than any month has days: ten years and a day is more than ten years, though no month more is completed.
MONTH_PARTS = 32


class FactType(Enum):
    """What a value is, and the unit in which it is held."""

    TEXT = "text"
    YES_NO = "yes_no"  # 1 or 0
    WHOLE = "whole"  # a count
    NUMBER = "number"  # ten-thousandths
    DATE = "date"  # proleptic ordinal of the day
    TIME = "time"  # seconds since local midnight
    DURATION = "duration"  # seconds
    POINTS = "points"  # hundredths of a point
    DAYS = "days"  # whole days
    WORKING_DAYS = "working_days"  # whole working days of the county's calendar
    MONTHS = "months"  # thirty-seconds of a month: completed months, and the days since the last one; see MONTH_PARTS
    MONEY = "money"  # hundredths of a yuan
    RATIO = "ratio"  # a quotient: compared outside a matcher, never held as a number

    @property
    def is_text(self) -> bool:
        return self is FactType.TEXT


class Scope(Enum):
    """Whose property a fact is, and so where it may be asked."""

    RECORD = "record"
    PERSON = "person"
    CALENDAR = "calendar"
    MEASURE = "measure"
    SANCTION = "sanction"  # what sanctions have made of the person
    STANDING = "standing"  # the star held: asked by perks only
    MATCH = "match"  # of a volunteer and a recipient together: asked by who may serve only


@dataclass(frozen=True, slots=True)
class CodeValue:
    """One admissible value of a text fact, with the codes and names under which registries report it."""

    id: str
    label: Label = Label()
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """A word that conditions may use; `zh` is its Chinese spelling. `values` empty: any text is admissible."""

    name: str
    zh: str
    type: FactType
    scope: Scope
    meaning: Label
    values: tuple[CodeValue, ...] = ()
    quotient_of: FactType | None = None  # of a RATIO: what is averaged; None for a share
