"""A county's policy with its layers merged: what `engine.compiling` makes and everything else reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from lianxing.rules.county import County
from lianxing.rules.earning import EarningStep
from lianxing.rules.facts import Fact
from lianxing.rules.hours import HoursStep
from lianxing.rules.measures import Measure
from lianxing.rules.perks import Perk
from lianxing.rules.places import Clause
from lianxing.rules.stars import StarScale


@dataclass(frozen=True, slots=True)
class Policy:
    """The chapters of a county, its base layers merged in; `digest` is the SHA-256 of every file it was read from."""

    county: County
    layers: tuple[str, ...]
    facts: Mapping[str, Fact]
    hours: tuple[HoursStep, ...]
    earning: tuple[EarningStep, ...]
    measures: tuple[Measure, ...]
    stars: StarScale | None
    perks: tuple[Perk, ...]
    digest: str

    @property
    def clauses(self) -> Iterator[Clause]:
        """Every statement, in the order of the chapters."""
        yield from (statement.clause for statement in chain(self.hours, self.earning, self.measures))
        if self.stars is not None:
            yield self.stars.clause
        yield from (perk.clause for perk in self.perks)

    def clause(self, id: str) -> Clause:
        """Return the statement with this id; KeyError if there is none."""
        for clause in self.clauses:
            if clause.id == id:
                return clause
        raise KeyError(id)
