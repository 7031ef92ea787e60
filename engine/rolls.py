"""Who may be commended, from a ledger: everybody, or every organisation, of a county and of those that rest on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from lianxing.engine.bank.lowering import lowerings_by
from lianxing.engine.bank.sharing import is_person
from lianxing.engine.bank.steps import REVIEW, asks_awards, awards_of
from lianxing.engine.bank.turning import touches_and_foreseen
from lianxing.engine.basis import Lowering
from lianxing.engine.candidates import Candidate, organisation, person, told_of
from lianxing.engine.ledger.chunking import chunks
from lianxing.engine.ledger.opening import Ledger
from lianxing.engine.ledger.reading import Reading
from lianxing.engine.ledger.stored import Noted
from lianxing.engine.recounting import as_counted
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.facts import CountyId, FactValue, VolunteerId
from lianxing.rules.records import Volunteer
from lianxing.rules.standings import Counted

Given = Mapping[str, Mapping[str, FactValue]]


def people(ledger: Ledger, rulebook: Rulebook, on: date, given: Given) -> Iterator[Candidate]:
    """Yield everybody who has a record in the county or in one that rests on it; `given` adds facts by id."""
    with ledger.reading() as reading:
        counties = _counties(reading, rulebook.policy.county.id)
        ids = sorted({id for county in counties for id in reading.volunteer_ids(county) if is_person(id)})
        for some in chunks(ids):
            known = reading.volunteers(some)
            histories = _histories(reading, counties, some)
            reviews = _reviews(reading, counties, some) if asks_awards(rulebook.policy) else {}
            lowerings = _lowerings(reading, rulebook, counties, some, on)
            for id in some:
                who = told_of(known.get(id, Volunteer(id)), given.get(id, {}))
                by = lowerings.get(id, ())
                awards = awards_of(rulebook, who, histories[id], reviews.get(id, ()), by)
                yield person(rulebook, who, histories[id], on, awards, by)


def organisations(ledger: Ledger, rulebook: Rulebook, on: date, given: Given) -> Iterator[Candidate]:
    """Yield every organisation that a record of the county, or of one that rests on it, names."""
    with ledger.reading() as reading:
        counties = _counties(reading, rulebook.policy.county.id)
        ids = sorted({id for county in counties for id in reading.volunteer_ids(county)})
        served: dict[str, list[Counted]] = {}
        for some in chunks(ids):
            for history in _histories(reading, counties, some).values():
                for past in history:
                    if past.record.organisation:
                        served.setdefault(past.record.organisation, []).append(past)
    for name in sorted(served):
        subject = told_of(Volunteer(VolunteerId(name)), given.get(name, {}))
        yield organisation(rulebook, subject, served[name], on)


def _counties(reading: Reading, county: CountyId) -> list[CountyId]:
    """A city commends those of its counties: what was served there was booked there."""
    return [id for id in reading.counties() if id == county or id.startswith(f"{county}/")]


def _histories(
    reading: Reading, counties: Sequence[CountyId], some: Sequence[VolunteerId]
) -> dict[VolunteerId, list[Counted]]:
    found: dict[VolunteerId, list[Counted]] = {id: [] for id in some}
    for county in counties:
        for id, history in reading.histories(county, some).items():
            found[id] += map(as_counted, history)
    if len(counties) > 1:
        for told in found.values():
            told.sort(key=lambda past: past.record.order)
    return found


def _lowerings(
    reading: Reading, rulebook: Rulebook, counties: Sequence[CountyId], some: Sequence[VolunteerId], on: date
) -> dict[VolunteerId, list[Lowering]]:
    found: dict[VolunteerId, list[Lowering]] = {}
    owners = [(id, county) for county in counties for id in some]
    for (id, _county), touches in touches_and_foreseen(reading, rulebook, owners, on).items():
        found.setdefault(id, []).extend(lowerings_by(rulebook, touches))
    for by in found.values():
        by.sort(key=lambda one: (one.on, one.measure))
    return found


def _reviews(
    reading: Reading, counties: Sequence[CountyId], some: Sequence[VolunteerId]
) -> dict[VolunteerId, list[Noted]]:
    found: dict[VolunteerId, list[Noted]] = {}
    for (id, _county), notes in reading.notes([(id, county) for county in counties for id in some], REVIEW).items():
        found.setdefault(id, []).extend(notes)
    return found
