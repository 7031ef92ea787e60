"""What waits for somebody in a county's reviews, and which records are drawn for a spot check. Ids only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from lianxing.engine.bank.steps import REVIEW, STATE, Reviewed, of_record, record_review, star_reviews, taken
from lianxing.engine.ledger.opening import Ledger
from lianxing.engine.ledger.reading import Held, Reading, chunks
from lianxing.engine.reviewing import due_list
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.spot_checks import RecordKey, checked_period, drawn
from lianxing.rules.records import Volunteer
from lianxing.rules.review import Notice, SpotCheck, Stage
from lianxing.rules.reviewing import Due


def waiting(ledger: Ledger, rulebook: Rulebook, on: date, role: str = "") -> list[Due]:
    """Return what waits on a day, for a body or for all of them; what is for anybody is for every body."""
    with ledger.reading() as reading:
        found = due_list(rulebook, reviews(reading, rulebook), on)
    return [due for due in found if not role or due.next.by in ("", role)]


def reviews(reading: Reading, rulebook: Rulebook) -> Iterator[Reviewed]:
    """Yield the records and applications of a county that are somewhere on their way, each with its steps."""
    county = rulebook.policy.county.id
    states = _states(rulebook)
    for some in chunks(reading.volunteer_ids(county)):
        known, histories = reading.volunteers(some), reading.histories(county, some)
        notes = reading.notes([(id, county) for id in some], REVIEW)
        for id in some:
            steps = list(taken(id, notes.get((id, county), ())))
            person = known.get(id, Volunteer(id))
            for held in histories[id]:
                if _state(held) in states or (steps and of_record(held, steps)):
                    yield record_review(rulebook, person, held, steps)
            yield from star_reviews(steps)


def drawn_in(
    ledger: Ledger, rulebook: Rulebook, statement: SpotCheck, day: date, seed: str
) -> tuple[int, tuple[RecordKey, ...]]:
    """Return how many records were served in the period that holds a day, and those of them that are to be checked.

    The seed is to be fixed after the period is over and its records are in; whoever knows it draws the same ones.
    """
    with ledger.reading() as reading:
        keys = reading.served_between(rulebook.policy.county.id, *checked_period(statement, day))
    return len(keys), drawn(statement, seed, keys, day)


def _states(rulebook: Rulebook) -> frozenset[str]:
    """Return the states from which a record goes on."""
    said = rulebook.policy.review
    return frozenset(one.from_state for one in said if isinstance(one, Stage | Notice) and one.from_state)


def _state(held: Held) -> str:
    return str({**held.supplied, **held.record.facts}.get(STATE, ""))
