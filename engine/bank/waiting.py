"""What waits for somebody in a county: in reviews, and of redemptions; which records a spot check draws. Ids only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import orjson

from lianxing.engine.approving import decide_by
from lianxing.engine.bank.closings import closings
from lianxing.engine.bank.steps import REVIEW, STATE, Reviewed, of_record, record_review, star_reviews, taken
from lianxing.engine.bank.tellers import approved
from lianxing.engine.bank.terms import offer_from
from lianxing.engine.closings import OPEN
from lianxing.engine.ledger.chunking import chunks
from lianxing.engine.ledger.opening import Ledger
from lianxing.engine.ledger.reading import Reading
from lianxing.engine.ledger.stored import Held
from lianxing.engine.reviewing import due_list, in_order
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.spot_checks import RecordKey, checked_period, drawn
from lianxing.rules.records import Volunteer
from lianxing.rules.review import Notice, SpotCheck, Stage
from lianxing.rules.reviewing import About, Doing, Due, Next, Subject


def waiting(ledger: Ledger, rulebook: Rulebook, on: date, role: str = "") -> list[Due]:
    """Return what waits on a day, for a body or for all of them; what is for anybody is for every body."""
    with ledger.reading() as reading:
        reviewed = due_list(rulebook, reviews(reading, rulebook, on), on)
        found = in_order((*reviewed, *redemptions(reading, rulebook, on)))
    return [due for due in found if not role or due.next.by in ("", role)]


def reviews(reading: Reading, rulebook: Rulebook, on: date) -> Iterator[Reviewed]:
    """Yield the records and applications of a county that are somewhere on their way, each with its steps.

    In a passbook that is closed on a day no step is taken any more: nothing of it waits.
    """
    county = rulebook.policy.county.id
    states = _states(rulebook)
    people = {*reading.reviewed(county), *(reading.with_records(county, STATE, states) if states else ())}
    for some in chunks(sorted(people)):
        closed = closings(reading, county, some)
        some = [id for id in some if closed.get(id, OPEN).shut(on) is None]
        known, histories = reading.volunteers(some), reading.histories(county, some)
        notes = reading.notes([(id, county) for id in some], REVIEW)
        for id in some:
            steps = list(taken(id, notes.get((id, county), ())))
            person = known.get(id, Volunteer(id))
            for held in histories[id]:
                if _state(held) in states or (steps and of_record(held, steps)):
                    yield record_review(rulebook, person, held, steps)
            yield from star_reviews(steps)


def redemptions(reading: Reading, rulebook: Rulebook, on: date) -> Iterator[Due]:
    """Yield what is held on a day and waits for the approver of its offer."""
    county = rulebook.policy.county.id
    offers = {offer.clause.id: offer for offer in rulebook.policy.offers}
    held = reading.held_for(county, on, but=[id for id, offer in offers.items() if offer.approver is None])
    done = approved(reading, county, {one.volunteer for one in held}) if held else {}
    for one in held:
        offer = offers.get(one.offer) or offer_from(orjson.loads(one.body))
        if offer is None or offer.approver is None or one.entry in done.get(one.volunteer, ()):
            continue
        until = decide_by(rulebook, offer, one.on)
        late = until is not None and on > until
        subject = Subject(About.REDEMPTION, one.volunteer, one.on, offer=one.offer, entry=one.entry)
        yield Due(subject, Next(Doing.APPROVED, offer.approver.by, one.offer, one.on, until, late))


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
