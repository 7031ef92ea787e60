"""A ledger and a policy together: where people stand, answered from what was booked for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from lianxing.engine.ledger.opening import Ledger
from lianxing.engine.ledger.reading import Held
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.standings import standing
from lianxing.rules.facts import VolunteerId
from lianxing.rules.records import Volunteer
from lianxing.rules.standings import Counted, Standing

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
            history = reading.histories(county, [volunteer])[volunteer]
        if person is None and not history:
            raise LookupError("the ledger knows no such volunteer")
        return self._stands(person or Volunteer(volunteer), history, on)

    def standings(self, on: date) -> Iterator[Standing]:
        """Yield where everybody in the ledger stands on a day, in the order of their ids."""
        county = self.rulebook.policy.county.id
        with self.ledger.reading() as reading:
            ids = reading.volunteer_ids()
            for start in range(0, len(ids), PEOPLE_AT_ONCE):
                some = ids[start : start + PEOPLE_AT_ONCE]
                people, histories = reading.volunteers(some), reading.histories(county, some)
                for id in some:
                    yield self._stands(people.get(id, Volunteer(id)), histories[id], on)

    def _stands(self, person: Volunteer, history: list[Held], on: date) -> Standing:
        return standing(self.rulebook, person, (as_counted(held) for held in history), on)


def as_counted(held: Held) -> Counted:
    """Return what the ledger holds of a record as history sees it."""
    return Counted(held.record, held.supplied, held.seconds, held.points, held.counted)
