"""What becomes of a chunk, in one transaction: match, assess, post; each person is folded once.

A record that comes late, comes again with other content, or is taken back changes what others are worth:
`engine.recounting` says what is to be booked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import NamedTuple

from lianxing.engine.bank.closings import closings
from lianxing.engine.bank.crediting import credited, credits, needs_lots, new_in, others, said_at_withdrawal, said_in
from lianxing.engine.bank.families import Families, families_in
from lianxing.engine.bank.lowering import lowerings_by, touches_in
from lianxing.engine.bank.noting import noted
from lianxing.engine.bank.passing import Passing, at_hand
from lianxing.engine.bank.steps import REVIEW, asks_awards, awards_of
from lianxing.engine.bank.turning import turn_in
from lianxing.engine.basis import Lowering
from lianxing.engine.carrying import Folded, carry, folded, life_from, marked_day
from lianxing.engine.closings import OPEN
from lianxing.engine.freezing import HistoryNeededError
from lianxing.engine.garbage import collection_waits
from lianxing.engine.ledger.drafts import Booking
from lianxing.engine.ledger.holdings import WalletRows
from lianxing.engine.ledger.opening import Ledger
from lianxing.engine.ledger.stored import Held, Marks, Noted
from lianxing.engine.ledger.writing import Writing
from lianxing.engine.recounting import Change, Recount, as_counted
from lianxing.engine.rejoining import rejoined
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.standings import standing, standing_after
from lianxing.plugins.chunks import Chunk, portions
from lianxing.plugins.news import News, newest_hashes, overtaken
from lianxing.plugins.reporting import Report
from lianxing.rules.assessments import Assessment, Entry
from lianxing.rules.facts import VolunteerId
from lianxing.rules.records import SetAside, Volunteer
from lianxing.rules.standings import Counted, Standing

LATE_PEOPLE = 100  # what is kept of so many people's folds is read at once, where records come late


class _Of(NamedTuple):
    """What a person's records have come to."""

    person: VolunteerId
    found: Recount


class _Known(NamedTuple):
    """What is known of people before what has come of them is looked at.

    `histories` are of those who cannot go on from a state, `states`: where the others' folds stand.
    """

    volunteers: Mapping[VolunteerId, Volunteer]
    states: Mapping[VolunteerId, bytes]
    reviews: Mapping[VolunteerId, Sequence[Noted]]
    lowerings: Mapping[VolunteerId, Sequence[Lowering]]
    histories: dict[VolunteerId, list[Held]]

    def person(self, id: VolunteerId) -> Volunteer:
        return self.volunteers.get(id, Volunteer(id))


class _Crediting(NamedTuple):
    """How bookings do to the accounts what the records are worth, and what that does to others."""

    passing: Passing
    of: Callable[[Sequence[_Of]], list[Booking]]


@dataclass
class Done:
    """What one chunk has come to: what is to be booked of each person, then entries, and stars that changed.

    `people` are those of whose records any changed, `alone`: nobody else has written to the ledger since the last one.
    """

    recounts: list[_Of] = field(default_factory=list)
    entries: list[tuple[Assessment, Entry]] = field(default_factory=list)
    changes: list[tuple[Standing, int]] = field(default_factory=list)
    states: list[tuple[VolunteerId, bytes]] = field(default_factory=list)
    marks: list[tuple[VolunteerId, date, bytes]] = field(default_factory=list)
    people: list[VolunteerId] = field(default_factory=list)
    alone: bool = True

    def extend(self, other: Done) -> None:
        """Add what another chunk has come to."""
        self.entries += other.entries
        self.changes += other.changes
        self.people += (one.person for one in other.recounts)


@dataclass(frozen=True)
class TakingIn:
    """Takes in chunks under a policy on a day; `put_aside` receives each row that does not go in."""

    rulebook: Rulebook
    ledger: Ledger
    on: date
    put_aside: Callable[[SetAside], None]

    @collection_waits()
    def chunk(self, writing: Writing, chunk: Chunk, report: Report) -> Done:
        """Book what is new in a chunk; return what it has come to."""
        people: dict[VolunteerId, list[Change]] = defaultdict(list)
        county = self.rulebook.policy.county.id
        known_hashes = newest_hashes(writing, ((one.registry, one.id) for one in chunk))
        numbered = {(one.registry, one.id) for one in chunk if one.version}
        away = {key for key in numbered if known_hashes.get(key) == ""}
        writing.keep_away(away)
        known_hashes |= newest_hashes(writing, away) if away else {}
        writing.are_new({(one.registry, one.id) for one in chunk} - known_hashes.keys())
        news = News(writing, county, self.ledger.place, report, self.put_aside)
        for owner, change in news.of(chunk, known_hashes):
            people[owner].append(change)
        owners = [(id, county) for id in people]
        found = closings(writing, county, people)
        beside = others(self.rulebook, _organisations(people)) if credits(self.rulebook) else []
        heirs = [closed.heir for one in found.values() for closed in one.all if closed.heir]
        families = families_in(writing, self.rulebook, people)
        writing.lock({*owners, *((id, county) for id in (*beside, *heirs, *families.holders(people)))})
        if self.ledger.database.is_postgres:  # whoever held a passbook meanwhile may have booked the very record
            keys = {change.record.key for changes in people.values() for change in changes}
            keys |= {(one.taken_back.registry, one.taken_back.id) for one in news.noted}
            if newest_hashes(writing, keys) != {key: known_hashes[key] for key in keys & known_hashes.keys()}:
                raise overtaken(self.ledger.place)
            families = families_in(writing, self.rulebook, people)  # whom somebody has declared meanwhile
        if credits(self.rulebook):
            turn_in(writing, self.rulebook, people, self.on)
        done, known = Done(), self._known(writing, people)
        crediting = self._crediting(writing, people, known, beside, families) if credits(self.rulebook) else None
        with writing.streaming():
            for some in portions(people) if self.ledger.database.is_postgres else [people]:
                already = len(done.recounts)
                self._assess(writing, known, some, done, report)
                done.entries += self._entries(writing, done.recounts[already:], crediting)
            if crediting is not None:
                writing.enter(crediting.passing.taken())
            writing.save_fold_states(county, self.rulebook.policy.digest, done.states)
            writing.save_fold_marks(county, self.rulebook.policy.digest, done.marks)
        writing.enter([noted(one, county, self.rulebook.policy.digest, self.on) for one in news.noted])
        return done

    def _known(self, writing: Writing, people: Mapping[VolunteerId, Sequence[Change]]) -> _Known:
        """Read what is known of people before what has come of them is looked at."""
        county, policy = self.rulebook.policy.county.id, self.rulebook.policy
        owners = [(id, county) for id in people]
        touches = touches_in(writing, self.rulebook, owners)
        notes = writing.notes(owners, REVIEW) if asks_awards(policy) else {}
        reviews = {id: said for (id, _county), said in notes.items() if said}
        lowerings = {id: lowerings_by(self.rulebook, touched) for (id, _county), touched in touches.items()}
        states = writing.fold_states(county, policy.digest, people)
        whole = [id for id in people if id not in states or reviews.get(id) or lowerings.get(id)]
        histories = writing.histories(county, whole)
        return _Known(
            writing.volunteers(people), states, reviews, lowerings, {id: histories.get(id, []) for id in whole}
        )

    def _assess(
        self,
        writing: Writing,
        known: _Known,
        people: Mapping[VolunteerId, list[Change]],
        done: Done,
        report: Report,
    ) -> None:
        """Fold people, each from the state or the mark that is kept where that is possible, else from the beginning."""
        left: dict[VolunteerId, list[Change]] = {}
        late: dict[VolunteerId, date] = {}
        for id, changes in people.items():
            writing.push()
            if id in known.histories:
                left[id] = changes
            elif not self._goes_on(known.person(id), known.states[id], changes, done, report):
                late[id] = min(change.record.day for change in changes)
        county, digest = self.rulebook.policy.county.id, self.rulebook.policy.digest
        for some in _some(late, LATE_PEOPLE):
            for id, marks in writing.fold_marks(county, digest, some).items():
                person, changes = known.person(id), people[id]
                if not self._goes_back(writing, person, known.states[id], marks, changes, done, report):
                    left[id] = changes
        more = [id for id in left if id not in known.histories]
        histories = known.histories | (writing.histories(county, more) if more else {})
        for id, changes in left.items():
            writing.push()
            self._person(known, id, histories.get(id, []), changes, done, report)

    def _entries(
        self, writing: Writing, found: Sequence[_Of], crediting: _Crediting | None
    ) -> Iterator[tuple[Assessment, Entry]]:
        """Book what some people's records have come to; yield what was assessed, with its entry."""
        bookings = [b for one in found for b in one.found.bookings] if crediting is None else crediting.of(found)
        assessments = [assessment for one in found for assessment in one.found.assessments]
        # What is taken back comes first: the same record may go to somebody else in this chunk.
        order = sorted(range(len(bookings)), key=lambda at: bookings[at].kind != "withdrawn")
        entries = writing.book([bookings[at] for at in order])
        for at, entry in zip(order, entries, strict=True):
            assessment = assessments[at]
            if assessment is not None:
                yield assessment, entry

    def _crediting(
        self,
        writing: Writing,
        people: Mapping[VolunteerId, list[Change]],
        known: _Known,
        beside: list[VolunteerId],
        families: Families,
    ) -> _Crediting:
        """Return how bookings do to the accounts what the records are worth to them."""
        policy, county = self.rulebook.policy, self.rulebook.policy.county.id
        owners = [(id, county) for id in people]
        # Lots are told from each other only where something is taken back, or may have ended in a limited account.
        always = needs_lots(policy, ())
        rows = writing.wallet_rows(owners, lots=always)
        balances = writing.balances_of(owners)
        passing = at_hand(writing, self.rulebook, beside, self.on)
        closed = closings(writing, county, people)
        keys = {(id, county): {change.record.key for change in changes} for id, changes in people.items()}
        withdrawn = said_at_withdrawal(writing, self.rulebook, keys)

        def of(found: Sequence[_Of]) -> list[Booking]:
            whole = [
                (one.person, county)
                for one in found
                if needs_lots(policy, one.found.bookings, closed.get(one.person, OPEN))
            ]
            if whole and not always:
                rows.update(writing.wallet_rows(whole))
            told = [
                (
                    one,
                    said_in(
                        writing,
                        self.rulebook,
                        (one.person, county),
                        one.found,
                        withdrawn.get((one.person, county), {}),
                    ),
                    new_in(writing, self.rulebook, one.found),
                )
                for one in found
            ]
            bookings: list[Booking] = []
            for one, said, new in told:
                writing.push()
                owner = (one.person, county)
                bookings += credited(
                    self.rulebook,
                    known.person(one.person),
                    one.found,
                    rows.get(owner, WalletRows()),
                    balances.get(owner, {}),
                    writing.number(owner),
                    self.on,
                    passing,
                    closed.get(one.person, OPEN),
                    said,
                    new,
                    families,
                )
            return bookings

        return _Crediting(passing, of)

    def _person(
        self,
        known: _Known,
        id: VolunteerId,
        held: list[Held],
        changes: list[Change],
        done: Done,
        report: Report,
    ) -> None:
        """Fold one person; note what is to be booked for the changes and for the records that they change."""
        person, state = known.person(id), known.states.get(id)
        reviews, lowerings = known.reviews.get(id, ()), known.lowerings.get(id, ())
        found = folded(self.rulebook, person, held, changes)
        assert found is not None
        self._fold(person, found, changes, done, report)
        if self.rulebook.policy.stars is None:
            return
        if reviews or lowerings:
            before = [as_counted(one) for one in sorted(held, key=lambda one: one.record.order)]
            star_before = self._stands(person, before, reviews, lowerings).star_held if before else 0
            after = self._stands(person, found.recount.after, reviews, lowerings)
        else:
            star_before = self._star_before(person, held, state)
            after = standing_after(self.rulebook, person, found.life, self.on)
        self._star(after, star_before, done, report)

    def _star_before(self, person: Volunteer, held: list[Held], state: bytes | None) -> int:
        """Return the star held before anything came, from the state that was kept where there is one."""
        if not held:
            return 0
        life = None if state is None else life_from(self.rulebook, person, state, self.on)
        if life is not None:
            with suppress(HistoryNeededError):
                return standing_after(self.rulebook, person, life, self.on).star_held
        before = [as_counted(one) for one in sorted(held, key=lambda one: one.record.order)]
        return standing(self.rulebook, person, before, self.on).star_held

    def _goes_back(
        self,
        writing: Writing,
        person: Volunteer,
        state: bytes,
        marks: Marks,
        changes: list[Change],
        done: Done,
        report: Report,
    ) -> bool:
        """Go on with a person from a mark before all that comes late; tell whether that was possible."""
        if any(change.again or change.withdrawn for change in changes):
            return False
        mark, later = marks
        life = life_from(self.rulebook, person, state, self.on) if mark is not None or later else None
        if life is None:
            return False

        def read(since: date | None, until: date) -> list[Held]:
            return writing.history_since(self.rulebook.policy.county.id, person.id, since or date.min, until)

        found = rejoined(self.rulebook, person, changes, mark, later, state, read)
        day = None if mark is None or found is not None else marked_day(mark)
        if day is not None:
            found = folded(self.rulebook, person, read(day, date.max), changes, mark)
        if found is None:
            return False
        stars = self.rulebook.policy.stars is not None
        try:
            both = [standing_after(self.rulebook, person, one, self.on) for one in (life, found.life)] if stars else []
        except HistoryNeededError:
            return False
        self._fold(person, found, changes, done, report)
        if both:
            self._star(both[1], both[0].star_held, done, report)
        return True

    def _fold(self, person: Volunteer, found: Folded, changes: list[Change], done: Done, report: Report) -> None:
        self._note(person, found.recount, changes, done, report)
        done.states.append((person.id, found.state))
        done.marks += [(person.id, *mark) for mark in found.marks]

    def _stands(
        self,
        person: Volunteer,
        history: list[Counted],
        reviews: Sequence[Noted],
        lowerings: Sequence[Lowering],
    ) -> Standing:
        awards = awards_of(self.rulebook, person, history, reviews, lowerings)
        return standing(self.rulebook, person, history, self.on, awards, lowerings)

    def _goes_on(self, person: Volunteer, state: bytes, changes: list[Change], done: Done, report: Report) -> bool:
        """Go on with a person from the state of their fold; tell whether that was possible."""
        stars = self.rulebook.policy.stars is not None
        carried = carry(self.rulebook, person, state, changes, self.on, standings=stars)
        if carried is None:
            return False
        self._note(person, carried.recount, changes, done, report)
        done.states.append((person.id, carried.state))
        if carried.mark is not None:
            done.marks.append((person.id, *carried.mark))
        if carried.before is not None and carried.after is not None:
            self._star(carried.after, carried.before.star_held, done, report)
        return True

    def _note(self, person: Volunteer, found: Recount, changes: list[Change], done: Done, report: Report) -> None:
        changed = {change.record.key for change in changes}
        for booking, assessment in zip(found.bookings, found.assessments, strict=True):
            report.seconds += booking.seconds
            report.points += booking.points
            if assessment is not None and booking.record.key in changed:
                report.held += assessment.pending is not None
                report.refused += not assessment.counted and assessment.pending is None
            if booking.kind == "adjusting":
                report.adjusted += 1
                before = found.before[booking.record.key]
                report.adjusted_by_another_policy += before.policy_digest != booking.policy_digest
        done.recounts.append(_Of(person.id, found))

    def _star(self, found: Standing, star_before: int, done: Done, report: Report) -> None:
        report.stars_of[found.volunteer] = found.star_held
        if found.star_held != star_before:
            report.star_changes += 1
            done.changes.append((found, star_before))


def _some(days: Mapping[VolunteerId, date], size: int) -> Iterator[dict[VolunteerId, date]]:
    """Yield people with their days, so many at once."""
    coming = iter(days.items())
    while some := dict(islice(coming, size)):
        yield some


def _organisations(people: Mapping[VolunteerId, list[Change]]) -> list[str]:
    """Return for which organisations service was done that changes."""
    return sorted({change.record.organisation for changes in people.values() for change in changes})
