"""One person's records cut at every place: what goes on from bytes comes to what is folded from the beginning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from lianxing.engine.continuing import needs_whole_history
from lianxing.engine.counting import Fold, Supplied, assess, counted, revocations
from lianxing.engine.freezing import HistoryNeededError
from lianxing.engine.life import Life
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.standings import standing, standing_after
from lianxing.rules.assessments import Assessment
from lianxing.rules.cases import Case
from lianxing.rules.facts import RecordId
from lianxing.rules.records import ServiceRecord, Volunteer
from lianxing.rules.standings import Counted, Standing

LATER = (0, 1, 45, 400)  # days after the last record on which somebody asks


@dataclass
class Person:
    """Somebody whose records are taken in one by one, each from the bytes that the one before left.

    `refolds` counts how often the whole history was needed.
    """

    rulebook: Rulebook
    volunteer: Volunteer
    history: list[tuple[ServiceRecord, Supplied]] = field(default_factory=list)
    past: list[Counted] = field(default_factory=list)
    fold: bytes = b""
    life: bytes = b""
    refolds: int = 0

    def take(self, record: ServiceRecord, supplied: Supplied) -> Assessment:
        """Assess the next record."""
        new = [(record, supplied)]
        self.history += new
        if not needs_whole_history(self.rulebook, self.volunteer, self.fold, new):
            try:
                return self._continued(record, supplied)
            except HistoryNeededError:
                pass
        self.refolds += 1
        return self.refolded()

    def standing(self, on: date) -> Standing:
        """Return where the person stands, asked of a life that is thrown away."""
        try:
            life = Life.thawed(self.rulebook, self.volunteer, self.life)
            return standing_after(self.rulebook, self.volunteer, life, on)
        except HistoryNeededError:
            return standing(self.rulebook, self.volunteer, self.past, on)

    def _continued(self, record: ServiceRecord, supplied: Supplied) -> Assessment:
        fold = Fold.thawed(self.rulebook, self.volunteer, self.fold)
        life = Life.thawed(self.rulebook, self.volunteer, self.life)
        assert (fold.frozen(), life.frozen()) == (self.fold, self.life)
        assessment = fold.assess(record, supplied)
        life.add(counted(assessment))
        self.past.append(counted(assessment))
        self.fold, self.life = fold.frozen(), life.frozen()
        return assessment

    def refolded(self) -> Assessment:
        """Fold the whole history, and keep the bytes."""
        fold = Fold(self.rulebook, self.volunteer, revocations(self.rulebook, self.volunteer, self.history))
        life = Life(self.rulebook, self.volunteer)
        made = [fold.assess(record, supplied) for record, supplied in self.history]
        self.past = [counted(one) for one in made]
        for past in self.past:
            life.add(past)
        self.fold, self.life = fold.frozen(), life.frozen()
        return made[-1]


def goes_on_from_bytes(rulebook: Rulebook, volunteer: Volunteer, records: Sequence[ServiceRecord]) -> int:
    """Assert that no cut changes an assessment, a standing or the bytes; return how often all was folded again."""
    person = Person(rulebook, volunteer)
    for count, record in enumerate(records, 1):
        found = person.take(record, {})
        _is_as_folded(person, records[:count], found)
    return person.refolds


def ends_the_same(rulebook: Rulebook, volunteer: Volunteer, records: Sequence[ServiceRecord]) -> int:
    """Assert it for all of the records together, each of them gone on to from bytes; for long histories."""
    person = Person(rulebook, volunteer)
    for record in records:
        found = person.take(record, {})
    if records:
        _is_as_folded(person, records, found)
    return person.refolds


def _is_as_folded(person: Person, records: Sequence[ServiceRecord], last: Assessment) -> None:
    rulebook, volunteer = person.rulebook, person.volunteer
    again = Person(rulebook, volunteer, [(record, {}) for record in records])
    made = assess(rulebook, volunteer, again.history)
    assert last == made[-1]
    assert again.refolded() == made[-1]
    assert person.past == again.past == [counted(one) for one in made]
    assert (person.fold, person.life) == (again.fold, again.life)
    for days in LATER:
        on = records[-1].day + timedelta(days=days)
        assert person.standing(on) == standing(rulebook, volunteer, again.past, on)


def as_one_life(cases: Sequence[Case], volunteer: Volunteer) -> list[ServiceRecord]:
    """Return the records of all cases as those of one person, in order; a record that names another still does."""
    records = []
    for number, case in enumerate(cases):
        for record in case.records:
            facts = dict(record.facts)
            if "revokes" in facts:
                facts["revokes"] = f"{number}-{facts['revokes']}"
            id = RecordId(f"{number}-{record.id}")
            records.append(replace(record, id=id, volunteer=volunteer.id, facts=facts))
    return sorted(records, key=lambda record: record.order)
