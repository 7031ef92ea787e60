"""A ledger and a policy together: where people stand, answered from what was booked for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date

from lianxing.engine.bank.lowering import lowerings_by
from lianxing.engine.bank.sharing import is_person
from lianxing.engine.bank.steps import REVIEW, asks_awards, awards_of
from lianxing.engine.bank.turning import touches_and_foreseen
from lianxing.engine.basis import Lowering
from lianxing.engine.carrying import life_from
from lianxing.engine.freezing import HistoryNeededError
from lianxing.engine.ledger.drafts import REFUSED
from lianxing.engine.ledger.opening import Ledger
from lianxing.engine.ledger.reading import Reading
from lianxing.engine.ledger.stored import Held, Noted
from lianxing.engine.recounting import as_counted
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.standings import standing, standing_after
from lianxing.rules.facts import CountyId, VolunteerId
from lianxing.rules.records import Volunteer
from lianxing.rules.standings import Standing

PEOPLE_AT_ONCE = 500


@dataclass(frozen=True)
class Passbooks:
    """The passbooks of one county."""

    ledger: Ledger
    rulebook: Rulebook

    def standing(self, volunteer: VolunteerId, on: date) -> Standing:
        """Return where a volunteer stands on a day; LookupError for somebody of whom the ledger knows nothing."""
        county = self.rulebook.policy.county.id
        with self.ledger.reading() as reading:
            person = reading.volunteers([volunteer]).get(volunteer)
            known = person or Volunteer(volunteer)
            said = self._reviews(reading, [volunteer]).get((volunteer, county), ())
            by = self._lowerings(reading, [volunteer], on).get((volunteer, county), ())
            state = None
            if not said and not by:
                state = reading.fold_states(county, self.rulebook.policy.digest, [volunteer]).get(volunteer)
            life = None if state is None else life_from(self.rulebook, known, state, on)
            if life is not None:
                with suppress(HistoryNeededError):
                    return standing_after(self.rulebook, known, life, on)
            history = reading.histories(county, [volunteer])[volunteer]
            known_here = bool(history) or reading.has_done(volunteer, county, REFUSED)
        if person is None and not known_here:
            raise LookupError("the ledger knows no such volunteer")
        return self._stands(known, history, said, by, on)

    def standings(self, on: date) -> Iterator[Standing]:
        """Yield where everybody in the ledger stands on a day, in the order of their ids."""
        county = self.rulebook.policy.county.id
        with self.ledger.reading() as reading:
            ids = list(filter(is_person, reading.volunteer_ids()))
            for start in range(0, len(ids), PEOPLE_AT_ONCE):
                some = ids[start : start + PEOPLE_AT_ONCE]
                people, histories = reading.volunteers(some), reading.histories(county, some)
                reviews, lowerings = self._reviews(reading, some), self._lowerings(reading, some, on)
                for id in some:
                    person, owner = people.get(id, Volunteer(id)), (id, county)
                    yield self._stands(person, histories[id], reviews.get(owner, ()), lowerings.get(owner, ()), on)

    def _reviews(
        self, reading: Reading, people: Iterable[VolunteerId]
    ) -> Mapping[tuple[VolunteerId, CountyId], Sequence[Noted]]:
        """Return what the passbooks say of reviews, where stars take a decision."""
        if not asks_awards(self.rulebook.policy):
            return {}
        return reading.notes([(id, self.rulebook.policy.county.id) for id in people], REVIEW)

    def _lowerings(
        self, reading: Reading, people: Iterable[VolunteerId], on: date
    ) -> Mapping[tuple[VolunteerId, CountyId], Sequence[Lowering]]:
        """Return by what the measures of these people are lower for what was spent or has expired."""
        owners = [(id, self.rulebook.policy.county.id) for id in people]
        found = touches_and_foreseen(reading, self.rulebook, owners, on)
        return {owner: lowerings_by(self.rulebook, touches) for owner, touches in found.items()}

    def _stands(
        self,
        person: Volunteer,
        history: list[Held],
        reviews: Sequence[Noted],
        lowerings: Sequence[Lowering],
        on: date,
    ) -> Standing:
        counted = [as_counted(held) for held in history]
        awards = awards_of(self.rulebook, person, counted, reviews, lowerings)
        return standing(self.rulebook, person, counted, on, awards, lowerings)
