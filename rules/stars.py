"""When somebody is a star volunteer: the chapter `stars.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from lianxing.rules.conditions import Condition
from lianxing.rules.places import Clause, Location


class AwardBy(Enum):
    """How a star that is reached becomes a star that is held."""

    AUTOMATIC = "automatic"


@dataclass(frozen=True, slots=True)
class StarLevel:
    """A star and what it takes."""

    star: int
    condition: Condition
    location: Location


@dataclass(frozen=True, slots=True)
class LowersTheBasis:
    """Whether what a star rests on goes down when points are spent or expire, or a record is revoked."""

    spending: bool
    expiry: bool
    revocation: bool


@dataclass(frozen=True, slots=True)
class StarScale:
    """The ladder, ascending; the star reached is the highest whose condition holds, 0 if none does."""

    clause: Clause
    award: AwardBy
    levels: tuple[StarLevel, ...]
    lowers_the_basis: LowersTheBasis | None = None
