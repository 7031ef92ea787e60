"""A county's policy with its layers merged: what `engine.compiling` makes and everything else reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lianxing.rules.accounts import Account
from lianxing.rules.commendation import Commendation
from lianxing.rules.county import County
from lianxing.rules.earning import EarningStep
from lianxing.rules.facts import Fact
from lianxing.rules.hours import HoursStep
from lianxing.rules.measures import Measure
from lianxing.rules.menu import Request
from lianxing.rules.perks import Choice, Perk
from lianxing.rules.places import Clause
from lianxing.rules.redemption import Offer
from lianxing.rules.review import Evaluation, ReviewStatement
from lianxing.rules.sanctions import Sanction
from lianxing.rules.stars import StarScale
from lianxing.rules.transition import Transition

# Raised with every change of the engine by which the same files and the same facts can be decided otherwise: what was
# decided by another version is then told from what somebody has changed.
DECISIONS_VERSION = 9


@dataclass(frozen=True, slots=True)
class Policy:
    """The chapters of a county, its base layers merged in.

    `digest` is the SHA-256 of `DECISIONS_VERSION` and of every file it was read from.
    """

    county: County
    layers: tuple[str, ...]
    facts: Mapping[str, Fact]
    hours: tuple[HoursStep, ...]
    earning: tuple[EarningStep, ...]
    measures: tuple[Measure, ...]
    stars: StarScale | None
    perks: tuple[Perk, ...]
    digest: str
    choices: tuple[Choice, ...] = ()
    accounts: tuple[Account, ...] = ()
    offers: tuple[Offer, ...] = ()
    menu: tuple[Request, ...] = ()
    commendations: tuple[Commendation, ...] = ()
    transitions: tuple[Transition, ...] = ()
    review: tuple[ReviewStatement, ...] = ()
    sanctions: tuple[Sanction, ...] = ()

    @property
    def clauses(self) -> Iterator[Clause]:
        """Every statement, in the order of the chapters."""
        yield from (statement.clause for statement in self.review)
        yield from (step.clause for step in self.hours)
        yield from (step.clause for step in self.earning)
        yield from (measure.clause for measure in self.measures)
        if self.stars is not None:
            yield self.stars.clause
        yield from (sanction.clause for sanction in self.sanctions)
        yield from (perk.clause for perk in self.perks)
        yield from (choice.clause for choice in self.choices)
        yield from (account.clause for account in self.accounts)
        yield from (offer.clause for offer in self.offers)
        yield from (commendation.clause for commendation in self.commendations)
        yield from (request.clause for request in self.menu)
        yield from (transition.clause for transition in self.transitions)

    @property
    def evaluation(self) -> Evaluation | None:
        """How evaluations are worked out; None where the policy leaves them as the registry has them."""
        return next((said for said in self.review if isinstance(said, Evaluation)), None)

    def clause(self, id: str) -> Clause:
        """Return the statement with this id; KeyError if there is none."""
        for clause in self.clauses:
            if clause.id == id:
                return clause
        raise KeyError(id)
