"""What one transaction can ask of a ledger; every answer comes from the same snapshot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from functools import partial
from typing import Any

import orjson
from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
    and_,
    case,
    exists,
    func,
    literal_column,
    or_,
    select,
    text,
)

from lianxing.engine.ledger import awaiting, finding, holdings
from lianxing.engine.ledger.chunking import chunks
from lianxing.engine.ledger.contents import ALREADY, VERSION, facts_from
from lianxing.engine.ledger.drafts import DECLARED
from lianxing.engine.ledger.entries import stored_entries
from lianxing.engine.ledger.held_records import held_in
from lianxing.engine.ledger.leafing import Leaves, leaf_through
from lianxing.engine.ledger.payouts import Payout, payouts
from lianxing.engine.ledger.stored import (
    Held,
    HeldFor,
    Line,
    Marks,
    Noted,
    Past,
    StoredCommand,
    StoredEntry,
    StoredPolicy,
)
from lianxing.engine.ledger.tables import (
    EARNED,
    balance,
    entry,
    hold,
    import_run,
    passbook,
    policy,
    posting,
    record_key,
    redemption,
    service_record,
    volunteer,
)
from lianxing.engine.ledger.touching import has_ended, touches_of
from lianxing.engine.touches import Touch, expired
from lianxing.rules.facts import CountyId, RecordId, RegistryId, VolunteerId
from lianxing.rules.records import Volunteer

_Row = Row[*tuple[Any, ...]]
_Owner = tuple[VolunteerId, CountyId]

PASSBOOKS_AT_ONCE = 100


class Reading:
    """One snapshot of a ledger, from `Ledger.reading()`; not used after its block ends."""

    def __init__(self, connection: Connection, place: str) -> None:
        self._connection = connection
        self._place = place
        self._known: dict[_Owner, int] = {}
        self._in_passing: dict[int, None] = {}  # passbooks that were read without asking whose they are
        self._people: dict[str, None] = {}
        self._clauses: dict[str, frozenset[str]] = {}
        self._rules: dict[CountyId, int] = {}

    @property
    def passbooks_seen(self) -> list[int]:
        """Return the passbooks that were looked at."""
        return list(dict.fromkeys((*self._known.values(), *self._in_passing)))

    @property
    def people_seen(self) -> list[str]:
        """Return the people of whom was read what the registry says of them."""
        return list(self._people)

    def volunteers(self, ids: Iterable[VolunteerId] | None = None) -> dict[VolunteerId, Volunteer]:
        """Return the volunteers of these ids, or all; an unknown id is left out."""
        rows: Iterable[Any] = self._connection.execute(select(volunteer)) if ids is None else ()
        found: dict[VolunteerId, Volunteer] = {}
        for id, facts, registered_on, born_on in holdings.volunteers(self._connection, list(ids)) if ids else rows:
            self._people[id] = None
            found[id] = Volunteer(id, _day(registered_on), _day(born_on), facts_from(bytes(facts)))
        return found

    def volunteer_ids(self, county: CountyId | None = None) -> list[VolunteerId]:
        """Return, sorted, every volunteer with a passbook in the county; without a county, everybody known."""
        with_passbook = select(passbook.c.volunteer)
        if county is not None:
            return sorted(self._connection.scalars(with_passbook.where(passbook.c.county == county)))
        return sorted(self._connection.scalars(with_passbook.union(select(volunteer.c.id))))

    def with_records(self, county: CountyId, fact: str, values: Collection[str]) -> list[VolunteerId]:
        """Return, sorted, who may have a record that says one of these values of the fact `state` or `recipient`.

        Some of them may have none: an index finds them by what it holds of the text.
        """
        return sorted(map(VolunteerId, finding.with_records(self._connection, county, fact, values)))

    def reviewed(self, county: CountyId) -> list[VolunteerId]:
        """Return, sorted, everybody in whose passbook a step of a review stands."""
        return sorted(map(VolunteerId, finding.reviewed(self._connection, county)))

    def asked_for(self, county: CountyId, recipient: str) -> list[VolunteerId]:
        """Return, sorted, who may have asked for a service for a recipient, as `with_records` does."""
        return sorted(map(VolunteerId, finding.asked_for(self._connection, county, recipient)))

    def counties(self) -> list[CountyId]:
        """Return, sorted, every county with a passbook."""
        return sorted(self._connection.scalars(select(passbook.c.county).where(passbook.c.county != "").distinct()))

    def content_hashes(self, registry: RegistryId, records: Iterable[RecordId]) -> dict[RecordId, str]:
        """Return the hash of the newest content of each record that the ledger holds, '' where it was withdrawn."""
        query = select(record_key.c.record, record_key.c.content_hash).where(record_key.c.registry == registry)
        return {row.record: row.content_hash for row in self._rows(query, record_key.c.record, records)}

    def owners(self, registry: RegistryId, records: Iterable[RecordId]) -> dict[RecordId, tuple[VolunteerId, CountyId]]:
        """Return whose each record is that the ledger holds."""
        query = (
            select(record_key.c.record, passbook.c.volunteer, passbook.c.county)
            .join(passbook, passbook.c.id == record_key.c.passbook)
            .where(record_key.c.registry == registry)
        )
        return {row.record: (row.volunteer, row.county) for row in self._rows(query, record_key.c.record, records)}

    def past_of(self, registry: RegistryId, records: Iterable[RecordId]) -> dict[RecordId, Past]:
        """Return what these records ever were, in whatever passbook, also where they were taken back there."""
        ids = list(records)
        versions, book = service_record.alias(), passbook.alias()
        withdrawn: ColumnElement[str] = literal_column("''")
        said = case((versions.c.content_hash == withdrawn, entry.c.body), else_=versions.c.content).label("said")
        every = (
            select(versions.c.record, versions.c.content_hash, versions.c.original, versions.c.entry)
            .add_columns(said, entry.c.recorded_at)
            .add_columns(book.c.volunteer, book.c.county)
            .join(entry, and_(entry.c.passbook == versions.c.passbook, entry.c.number == versions.c.entry))
            .join(book, book.c.id == versions.c.passbook)
        )
        newest = every.join(record_key, _same_life(versions, record_key)).where(record_key.c.registry == registry)
        ended = every.join(service_record, _same_life(versions, service_record)).where(
            service_record.c.registry == registry, service_record.c.content_hash == withdrawn
        )
        found: dict[RecordId, Past] = defaultdict(Past)
        for query, record in ((newest, record_key.c.record), (ended, service_record.c.record)):
            for row in self._rows(query, record, ids):
                past = found[row.record]
                past.hashes.add(row.content_hash)
                past.version = max(past.version, orjson.loads(bytes(row.said)).get(VERSION, 0))
                life = ((VolunteerId(row.volunteer), CountyId(row.county)), row.original)
                past.lives[life] = min(row.recorded_at, past.lives.get(life, row.recorded_at))
                if query is newest:
                    past.original, past.newest = row.original, max(past.newest, row.entry)
        return found

    def histories(self, county: CountyId, volunteers: Iterable[VolunteerId]) -> dict[VolunteerId, list[Held]]:
        """Return every record of these volunteers in the county in the order of service; an empty list for none."""
        people = list(dict.fromkeys(volunteers))
        histories: dict[VolunteerId, list[Held]] = {person: [] for person in people}
        for held in held_in(self._connection, self._passbooks(county, people)):
            histories[held.record.volunteer].append(held)
        for history in histories.values():
            # Sorted here: databases do not agree on the order of text, nor on its length.
            history.sort(key=lambda held: held.record.order)
        return histories

    def fold_states(self, county: CountyId, digest: str, volunteers: Iterable[VolunteerId]) -> dict[VolunteerId, bytes]:
        """Return the kept state of each person's fold under a policy; none is kept that is out of date."""
        ids = self._ids((person, county) for person in volunteers)
        rows = holdings.fold_states(self._connection, ids, digest)
        return {ids[id][0]: bytes(state) for id, state in rows}

    def fold_marks(self, county: CountyId, digest: str, days: Mapping[VolunteerId, date]) -> dict[VolunteerId, Marks]:
        """Return the states of each person's fold that are kept on the way, before and since they saw a day."""
        ids = self._ids((person, county) for person in days)
        firsts = {id: days[person].isoformat() for id, (person, _county) in ids.items()}
        found = {person: Marks(None, []) for person in days}
        for id, day, state in holdings.fold_marks(self._connection, firsts, digest) if ids else ():
            person = ids[id][0]
            if day < firsts[id]:
                found[person] = found[person]._replace(before=state)
            else:
                found[person].since.append(state)
        return found

    def history_since(self, county: CountyId, person: VolunteerId, since: date, until: date = date.max) -> list[Held]:
        """Return the records of a person from a day on, until another one, in the order of service."""
        found = held_in(self._connection, self._passbooks(county, [person]), since=since, until=until)
        return sorted(found, key=lambda held: held.record.order)

    def held(self, record: RecordId, registry: RegistryId | None = None) -> list[Held]:
        """Return the record of this id, of every registry that has one unless `registry` is named."""
        one_of = record_key.c.record == record
        if registry is not None:
            one_of &= record_key.c.registry == registry
        found: list[Held] = []
        for row in self._connection.execute(select(record_key.c.passbook, record_key.c.original).where(one_of)):
            self._in_passing[row.passbook] = None
            of = self._connection.execute(select(passbook.c.volunteer).where(passbook.c.id == row.passbook))
            found += held_in(self._connection, {row.passbook: of.scalar_one()}, row.original)
        return sorted(found, key=lambda held: held.record.registry)

    def registries_of(self, record: RecordId) -> list[RegistryId]:
        """Return the registries that have brought a record of this id, also one that was withdrawn."""
        found = self._connection.execute(select(record_key.c.registry).where(record_key.c.record == record))
        return sorted(RegistryId(row.registry) for row in found)

    def entries(self, registry: RegistryId, record: RecordId) -> list[StoredEntry]:
        """Return the original entry of a record and the later ones, oldest first; empty for an unknown one."""
        key = self._connection.execute(
            select(record_key.c.passbook, record_key.c.original).where(
                record_key.c.record == record, record_key.c.registry == registry
            )
        ).one_or_none()
        if key is None:
            return []
        self._in_passing[key.passbook] = None
        return list(
            stored_entries(
                self._connection,
                and_(
                    entry.c.passbook == key.passbook,
                    or_(entry.c.number == key.original, entry.c.adjusts == key.original),
                ),
            )
        )

    def passbook_entries(
        self, volunteer_id: VolunteerId, county: CountyId, after: int = 0, limit: int | None = None
    ) -> list[StoredEntry]:
        """Return the entries of a passbook in order, those up to number `after` left out; the last `limit` of them."""
        ids = self._passbooks(county, [volunteer_id])
        if not ids:
            return []
        (id,) = ids
        one_of = and_(entry.c.passbook == id, entry.c.number > after)
        if limit is not None:
            last = select(passbook.c.number).where(passbook.c.id == id).scalar_subquery()
            one_of = and_(one_of, entry.c.number > last - limit)
        return list(stored_entries(self._connection, one_of))

    def has_done(self, person: VolunteerId, county: CountyId, but: str) -> bool:
        """Tell whether a passbook has an entry of any kind but this."""
        for id in self._ids([(person, county)]):
            query = select(exists().where(entry.c.passbook == id, entry.c.kind != but))
            return bool(self._connection.scalar(query))
        return False

    def knows_county(self, county: CountyId) -> bool:
        """Tell whether anybody has a passbook in a county."""
        return bool(self._connection.scalar(select(exists().where(passbook.c.county == county))))

    def leaves(self, owner: _Owner) -> Leaves:
        """Return what every entry of a passbook did; nothing without a passbook."""
        for id in self._ids([owner]):
            return leaf_through(self._connection, id)
        return Leaves()

    def payouts(self, county: CountyId, since: date, until: date) -> Iterator[Payout]:
        """Yield whatever was had, settled or given back in a period, or was reserved at its end."""
        return payouts(self._connection, county, since, until, self._in_passing)

    def all_entries(self) -> Iterator[StoredEntry]:
        """Yield every entry, passbook by passbook, in little memory."""
        after = 0
        while True:
            ids = list(
                self._connection.scalars(
                    select(passbook.c.id).where(passbook.c.id > after).order_by(passbook.c.id).limit(PASSBOOKS_AT_ONCE)
                )
            )
            if not ids:
                return
            yield from stored_entries(self._connection, entry.c.passbook.between(ids[0], ids[-1]))
            after = ids[-1]

    def balances(self, volunteer_id: VolunteerId, county: CountyId) -> dict[str, int]:
        """Return what a person has earned in a county: `points` in hundredths, `seconds`; 0 without a passbook."""
        rows = self._connection.execute(
            select(balance.c.unit, balance.c.posted)
            .join(passbook, passbook.c.id == balance.c.passbook)
            .where(passbook.c.volunteer == volunteer_id, passbook.c.county == county, balance.c.account == EARNED)
        )
        return {"points": 0, "seconds": 0} | {row.unit: row.posted for row in rows}

    def accounts(self, volunteer_id: VolunteerId, county: CountyId) -> dict[tuple[str, str], int]:
        """Return every balance of a person in a county, by account and unit."""
        rows = self._connection.execute(
            select(balance.c.account, balance.c.unit, balance.c.posted)
            .join(passbook, passbook.c.id == balance.c.passbook)
            .where(passbook.c.volunteer == volunteer_id, passbook.c.county == county)
        )
        return {(row.account, row.unit): row.posted for row in rows}

    def balances_of(self, owners: Iterable[_Owner]) -> dict[_Owner, dict[tuple[str, str], int]]:
        """Return every balance of these people, by account and unit."""
        ids = self._ids(owners)
        found: dict[_Owner, dict[tuple[str, str], int]] = {owner: {} for owner in ids.values()}
        for chunk in chunks(ids):
            for row in self._connection.execute(select(balance).where(balance.c.passbook.in_(chunk))):
                found[ids[row.passbook]][row.account, row.unit] = row.posted
        return found

    def balance_as_of(
        self, volunteer_id: VolunteerId, county: CountyId, happened: date, known: int
    ) -> dict[tuple[str, str], int]:
        """Return each balance as of two dates: of what happened up to a day, and was recorded up to an instant."""
        rows = self._connection.execute(
            select(posting.c.account, posting.c.unit, func.sum(posting.c.amount).label("total"))
            .join(entry, and_(entry.c.passbook == posting.c.passbook, entry.c.number == posting.c.entry))
            .join(passbook, passbook.c.id == posting.c.passbook)
            .where(
                passbook.c.volunteer == volunteer_id,
                passbook.c.county == county,
                posting.c.balance_after.is_not(None),
                entry.c.effective_on <= happened.isoformat(),
                entry.c.recorded_at <= known,
            )
            .group_by(posting.c.account, posting.c.unit)
        )
        return {(row.account, row.unit): int(row.total) for row in rows}

    def wallet_rows(
        self, owners: Iterable[_Owner], *, lots: bool = True, parts: bool | date = True
    ) -> dict[_Owner, holdings.WalletRows]:
        """Return what the ledger holds of these people's accounts.

        Without `lots` only what is held and besides, without `parts` not which lots open holds took from; with a day
        only whose holds include one that was over before it.
        """
        ids = self._ids(owners)
        rows = holdings.wallet_rows(self._connection, ids, lots=lots, parts=parts)
        for id, one in rows.items():
            one.ended = partial(self._ended_lots, id)
        return {ids[id]: one for id, one in rows.items()}

    def _ended_lots(self, id: int) -> list[holdings.LotRow]:
        """Return the lots of a passbook of which something has ended, and how much."""
        if not has_ended(self._connection, id):
            return []
        ended = expired(touches_of(self._connection, [id], lots=True).get(id, ()))
        lots = holdings.lots_of(self._connection, id, ended.keys())
        return [one._replace(expired=ended[one.account, one.number]) for one in lots]

    def taken(self, owner: _Owner, number: int) -> list[tuple[str, int, int]]:
        """Return which lots an entry took from, as account, lot and amount, in the order in which it did."""
        return [one for id in self._ids([owner]) for one in holdings.taken_by(self._connection, id, number)]

    def in_transit(self, owner: _Owner, number: int) -> dict[str, int]:
        """Return what an entry has sent on its way to another passbook, by unit."""
        found: dict[str, int] = {}
        for id in self._ids([owner]):
            query = select(posting.c.unit, posting.c.amount).where(
                posting.c.passbook == id,
                posting.c.entry == number,
                posting.c.account == "transit",
                posting.c.balance_after.is_(None),
                posting.c.amount > 0,
            )
            for row in self._connection.execute(query):
                found[row.unit] = found.get(row.unit, 0) + row.amount
        return found

    def day_of(self, owner: _Owner, number: int) -> date:
        """Return the day of an entry; date.max where there is none."""
        for id in self._ids([owner]):
            query = select(entry.c.effective_on).where(entry.c.passbook == id, entry.c.number == number)
            day = self._connection.scalar(query)
            if day is not None:
                return date.fromisoformat(day)
        return date.max

    def body_of(self, owner: _Owner, number: int) -> bytes:
        """Return what an entry says; nothing where there is none."""
        for id in self._ids([owner]):
            query = select(entry.c.body).where(entry.c.passbook == id, entry.c.number == number)
            return bytes(self._connection.scalar(query) or b"")
        return b""

    def steps_of(self, owner: _Owner, number: int, kind: str) -> list[Line]:
        """Return an entry that redeems or reserves, the one that ended its hold, and those of a kind after it."""
        ended = select(hold.c.ended_by).where(hold.c.passbook == entry.c.passbook, hold.c.entry == number)
        about = or_(entry.c.number == number, entry.c.kind == kind, entry.c.number == ended.scalar_subquery())
        query = select(
            *(entry.c.passbook, passbook.c.volunteer, entry.c.number, entry.c.kind),
            *(entry.c.effective_on, entry.c.actor, entry.c.body),
        ).join(passbook, passbook.c.id == entry.c.passbook)
        return [
            Line(row.volunteer, row.number, row.kind, date.fromisoformat(row.effective_on), row.actor, bytes(row.body))
            for id in self._ids([owner])
            for row in self._connection.execute(query.where(entry.c.passbook == id, entry.c.number >= number, about))
        ]

    def lots(self, owner: _Owner, which: Iterable[tuple[str, int]]) -> list[holdings.LotRow]:
        """Return these lots of a person, as account and number, also where nothing is left of them."""
        wanted = set(which)
        return [one for id in self._ids([owner]) for one in holdings.lots_of(self._connection, id, wanted)]

    def redemptions(
        self, owners: Iterable[_Owner], about: holdings.About | None = None
    ) -> dict[_Owner, list[holdings.Had]]:
        """Return what these people have had and not given back, in the order of entries; all, or what is asked."""
        ids = self._ids(owners)
        return {ids[id]: had for id, had in holdings.redemptions(self._connection, ids, about).items()}

    def given_back_by(self, volunteer: VolunteerId, county: CountyId, number: int) -> int | None:
        """Return the entry that gave back what an entry of a passbook had redeemed; None where none did."""
        of_entry = (passbook.c.volunteer == volunteer) & (passbook.c.county == county) & (redemption.c.entry == number)
        query = select(redemption.c.returned_by).join(passbook, passbook.c.id == redemption.c.passbook)
        return self._connection.execute(query.where(of_entry)).scalar()

    def notes(self, owners: Iterable[_Owner], kind: str) -> dict[_Owner, list[Noted]]:
        """Return what the entries of a kind say in each of these passbooks, oldest first; nobody without one."""
        ids = self._ids(owners)
        found: dict[_Owner, list[Noted]] = {}
        for chunk in chunks(ids):
            for row in self._connection.execute(
                select(
                    entry.c.passbook, entry.c.number, entry.c.effective_on, entry.c.actor, entry.c.reason, entry.c.body
                )
                .where(entry.c.passbook.in_(chunk), entry.c.kind == kind)
                .order_by(entry.c.passbook, entry.c.number)
            ):
                on = date.fromisoformat(row.effective_on)
                note = Noted(row.number, on, row.actor, row.reason, bytes(row.body))
                found.setdefault(ids[row.passbook], []).append(note)
        return found

    def touches(self, owners: Iterable[_Owner], *, lots: bool) -> dict[_Owner, list[Touch]]:
        """Return what entries did to these people's accounts, in order; without `lots` only what was spent."""
        ids = self._ids(owners)
        found: dict[_Owner, list[Touch]] = {}
        for chunk in chunks(ids):
            for id, touches in touches_of(self._connection, chunk, lots=lots).items():
                found[ids[id]] = touches
        return found

    def served_between(self, county: CountyId, first: date, last: date) -> list[tuple[RegistryId, RecordId]]:
        """Return the records of a county whose day of service lies between two days, both included."""
        query = (
            select(service_record.c.registry, service_record.c.record)
            .join(entry, and_(entry.c.passbook == service_record.c.passbook, entry.c.number == service_record.c.entry))
            .join(passbook, passbook.c.id == service_record.c.passbook)
            .where(
                passbook.c.county == county,
                service_record.c.superseded_by.is_(None),
                service_record.c.content_hash != "",
                entry.c.effective_on.between(first.isoformat(), last.isoformat()),
            )
        )
        return sorted((row.registry, row.record) for row in self._connection.execute(query))

    def stock_taken(self, county: CountyId, offers: Iterable[str]) -> dict[str, int]:
        """Return how many units of each offer are given out; an offer of which nobody had any is left out."""
        return holdings.stock_taken(self._connection, county, list(offers))

    def commands(self, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], StoredCommand]:
        """Return what is known of keys, each as scope and key, with the body of the entry that answered."""
        asked = list(keys)
        return {
            (scope, key): StoredCommand(hashed, number, kind, bytes(body))
            for scope, key, hashed, number, kind, body in (holdings.commands(self._connection, asked) if asked else ())
        }

    def of_kinds(
        self, kinds: Iterable[str], county: CountyId | None, people: Iterable[VolunteerId] | None = None
    ) -> Iterator[Line]:
        """Yield the entries of these kinds in a county, or of these people there, passbook by passbook, in order.

        Without a county those in every one.
        """
        query = (
            select(
                entry.c.passbook,
                passbook.c.volunteer,
                entry.c.number,
                entry.c.kind,
                entry.c.effective_on,
                entry.c.actor,
                entry.c.body,
            )
            .join(passbook, passbook.c.id == entry.c.passbook)
            .where(entry.c.kind.in_(list(kinds)))
            .order_by(entry.c.passbook, entry.c.number)
        )
        if county is not None:
            query = query.where(passbook.c.county == county)
        for row in self._rows(query, passbook.c.volunteer, people):
            self._in_passing[row.passbook] = None
            day = date.fromisoformat(row.effective_on)
            yield Line(row.volunteer, row.number, row.kind, day, row.actor, bytes(row.body))

    def declarations(self, county: CountyId) -> Iterator[Line]:
        """Yield what everybody has declared of their family in a county, passbook by passbook, in order."""
        query = (
            select(
                passbook.c.id, passbook.c.volunteer, entry.c.number, entry.c.effective_on, entry.c.actor, entry.c.body
            )
            .join(passbook, passbook.c.id == entry.c.passbook)
            .where(text(f"entry.kind = '{DECLARED}'"), passbook.c.county == county)  # as the index says it
            .order_by(entry.c.passbook, entry.c.number)
        )
        for row in self._connection.execute(query):
            self._in_passing[row.id] = None
            day = date.fromisoformat(row.effective_on)
            yield Line(row.volunteer, row.number, DECLARED, day, row.actor, bytes(row.body))

    def ending(self, county: CountyId, on: date, limit: int) -> list[VolunteerId]:
        """Return, at most `limit`, people of a county with something that ended before a day: lots or holds."""
        return awaiting.ending(self._connection, county, on, limit)

    def not_turned(self, county: CountyId, account: str, transition: str, on_day: date) -> list[VolunteerId]:
        """Return people whose account has something of before a change of rules that is not noted yet."""
        return awaiting.not_turned(self._connection, county, account, transition, on_day)

    def held_for(self, county: CountyId, on: date, but: Iterable[str]) -> list[HeldFor]:
        """Return the reservations for any but these offers that are open on a day, passbook by passbook, in order."""
        return awaiting.held_for(self._connection, county, on, but, self._in_passing)

    def numbers(self, county: CountyId, people: Iterable[VolunteerId]) -> dict[VolunteerId, int]:
        """Return the number of the last entry of each of these people's passbooks that there is."""
        found = holdings.passbooks(self._connection, county, list(people), lock=False)
        return {VolunteerId(volunteer): number for _id, volunteer, number, *_rest in found}

    def last_closed_on(self, owners: Iterable[_Owner]) -> dict[_Owner, date]:
        """Return when these passbooks were closed last, open again or not; one that never was is left out."""
        ids = self._ids(owners)
        found: dict[_Owner, date] = {}
        for chunk in chunks(ids):
            query = select(passbook.c.id, passbook.c.closed_on)
            for row in self._connection.execute(
                query.where(passbook.c.id.in_(chunk), passbook.c.closed_on.is_not(None))
            ):
                found[ids[row.id]] = date.fromisoformat(row.closed_on)
        return found

    def _ids(self, owners: Iterable[_Owner]) -> dict[int, _Owner]:
        by_county: dict[CountyId, list[VolunteerId]] = defaultdict(list)
        for person, county in owners:
            by_county[county].append(person)
        return {
            id: (person, county)
            for county, people in by_county.items()
            for id, person in self._passbooks(county, people).items()
        }

    def policy(self, digest: str) -> StoredPolicy | None:
        """Return the policy that was saved under this digest."""
        row = self._connection.execute(select(policy).where(policy.c.digest == digest)).one_or_none()
        if row is None:
            return None
        return StoredPolicy(row.digest, row.county, row.title, row.first_used_at, bytes(row.content))

    def clauses_until(self, digest: str) -> frozenset[str]:
        """Return the ids of the clauses of a policy and of those that its county has used before it."""
        found = self._clauses.get(digest)
        if found is None:
            kept = self.policy(digest)
            before = (
                ()
                if kept is None
                else self._connection.execute(
                    select(policy.c.content).where(
                        policy.c.county == kept.county, policy.c.first_used_at < kept.first_used_at
                    )
                ).scalars()
            )
            found = clause_ids([*map(bytes, before), *(() if kept is None else [kept.content])])
            self._clauses[digest] = found
        return found

    def other_rules(self, county: CountyId) -> bool:
        """Tell whether a county has used more than one version of its rules."""
        if self._rules.get(county, 0) < 2:
            count = select(func.count()).select_from(policy).where(policy.c.county == county)
            self._rules[county] = self._connection.execute(count).scalar_one()
        return self._rules[county] > 1

    def newest_bodies(self, owner: _Owner, originals: Collection[int]) -> dict[int, bytes]:
        """Return the body of the newest entry of records, by the number of their original entry."""
        found: dict[int, bytes] = {}
        for id in self._ids([owner]):
            for chunk in chunks(originals):
                of_records = entry.c.number.in_(chunk) | entry.c.adjusts.in_(chunk)
                rows = self._connection.execute(
                    select(func.coalesce(entry.c.adjusts, entry.c.number), entry.c.body)
                    .where(entry.c.passbook == id, of_records)
                    .order_by(entry.c.number)
                )
                found |= {original: bytes(body) for original, body in rows}
        return found

    def withdrawn_bodies(
        self, of: Mapping[_Owner, Collection[tuple[str, str]]]
    ) -> dict[_Owner, dict[tuple[str, str], bytes]]:
        """Return the bodies of the entries that took people's records out of their passbooks, the newest of each.

        What was only noted of a record that was out already took nothing.
        """
        ids = self._ids(of)
        found: dict[_Owner, dict[tuple[str, str], bytes]] = {owner: {} for owner in of}
        for chunk in chunks(ids):
            for row in self._connection.execute(
                select(entry.c.passbook, entry.c.registry, entry.c.record, entry.c.body)
                .where(entry.c.passbook.in_(chunk), entry.c.adjusts.is_not(None), entry.c.kind == "withdrawn")
                .order_by(entry.c.passbook, entry.c.number)
            ):
                owner, key = ids[row.passbook], (row.registry, row.record)
                if key in of[owner] and ALREADY not in orjson.loads(bytes(row.body)):
                    found[owner][key] = bytes(row.body)
        return found

    def counts(self) -> dict[str, int]:
        """Return how many there are of everything."""
        tables = {
            "volunteers": volunteer,
            "records": record_key,
            "entries": entry,
            "postings": posting,
            "policies": policy,
            "import_runs": import_run,
        }
        return {
            name: self._connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in tables.items()
        }

    def _rows(self, query: Select[Any], column: ColumnElement[Any], values: Iterable[str] | None) -> Iterator[_Row]:
        if values is None:
            yield from self._connection.execute(query)
            return
        for chunk in chunks(values):
            yield from self._connection.execute(query.where(column.in_(chunk)))

    def _passbooks(self, county: CountyId, people: Iterable[VolunteerId]) -> dict[int, VolunteerId]:
        """Return whose passbook of the county each id is; an id never changes, so that none is asked for twice."""
        people = list(people)
        unknown = [person for person in people if (person, county) not in self._known]
        if unknown:
            query = select(passbook.c.id, passbook.c.volunteer).where(passbook.c.county == county)
            for row in self._rows(query, passbook.c.volunteer, unknown):
                self._known[row.volunteer, county] = row.id
        return {self._known[person, county]: person for person in people if (person, county) in self._known}


def clause_ids(contents: Iterable[bytes]) -> frozenset[str]:
    """Return the ids of all clauses of policies of which this is kept."""
    return frozenset(id for content in contents for id in orjson.loads(content).get("clauses", {}))


def _same_life(versions: FromClause, of: FromClause) -> ColumnElement[bool]:
    """Tell whether two rows are of a record from the same original entry on."""
    return and_(versions.c.passbook == of.c.passbook, versions.c.original == of.c.original)


def _day(value: str | None) -> date | None:
    return None if value is None else date.fromisoformat(value)
