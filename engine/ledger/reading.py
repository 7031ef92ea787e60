"""What one transaction can ask of a ledger; every answer comes from the same snapshot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Select, func, or_, select

from lianxing.engine.ledger.contents import facts_from, record_from
from lianxing.engine.ledger.tables import (
    account,
    balance,
    entry,
    import_run,
    policy,
    posting,
    service_record,
    volunteer,
)
from lianxing.rules.assessments import Entry, Posting
from lianxing.rules.facts import CountyId, FactValue, RecordId, RegistryId, VolunteerId
from lianxing.rules.records import ServiceRecord, Volunteer

T = TypeVar("T")
_Row = Row[*tuple[Any, ...]]

# Below the bound-variable limit of every SQLite and PostgreSQL driver.
IN_MAX = 500
ENTRIES_AT_ONCE = 1_000

_ENTRY_COLUMNS = (
    entry.c.id,
    entry.c.kind,
    entry.c.volunteer,
    entry.c.county,
    entry.c.registry,
    entry.c.record,
    entry.c.effective_on,
    entry.c.recorded_at,
    entry.c.policy_digest,
    entry.c.seconds,
    entry.c.points,
    entry.c.adjusts,
    entry.c.counted,
)


@dataclass(frozen=True, slots=True)
class Held:
    """A record that the ledger holds, and what it has earned up to now: original plus adjusting entries.

    `entry` is the original; `seconds` and `points` (hundredths) are net; `policy_digest` and `counted` (false where a
    clause refuses the record) are those of the newest entry.
    """

    record: ServiceRecord
    supplied: Mapping[str, FactValue]
    entry: int
    seconds: int
    points: int
    policy_digest: str
    counted: bool = True


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry as it stands in the ledger: the JSON of its assessment and its postings, in the order of their lines.

    An account is named `earned/<county>/<volunteer>` or `issued/<county>`.
    """

    entry: Entry
    body: bytes
    postings: tuple[Posting, ...]


@dataclass(frozen=True, slots=True)
class StoredPolicy:
    """A policy under which something was booked; `content` is what was given to `save_policy`."""

    digest: str
    county: CountyId
    title: str
    first_used_at: int
    content: bytes


class Reading:
    """One snapshot of a ledger, from `Ledger.reading()`; not used after its block ends."""

    def __init__(self, connection: Connection, place: str) -> None:
        self._connection = connection
        self._place = place

    def volunteers(self, ids: Iterable[VolunteerId] | None = None) -> dict[VolunteerId, Volunteer]:
        """Return the volunteers of these ids, or all; an unknown id is left out."""
        found: dict[VolunteerId, Volunteer] = {}
        for row in self._rows(select(volunteer), volunteer.c.id, ids):
            found[row.id] = Volunteer(row.id, _day(row.registered_on), _day(row.born_on), facts_from(row.facts))
        return found

    def volunteer_ids(self, county: CountyId | None = None) -> list[VolunteerId]:
        """Return, sorted, every volunteer with a record in the county; without a county, also those without records."""
        with_records = select(service_record.c.volunteer).distinct()
        if county is not None:
            return sorted(self._connection.scalars(with_records.where(service_record.c.county == county)))
        return sorted(self._connection.scalars(with_records.union(select(volunteer.c.id))))

    def counties(self) -> list[CountyId]:
        """Return, sorted, every county with a record."""
        return sorted(self._connection.scalars(select(service_record.c.county).distinct()))

    def content_hashes(self, registry: RegistryId, records: Iterable[RecordId]) -> dict[RecordId, str]:
        """Return the hash of the content kept for each record that the ledger holds."""
        query = select(service_record.c.record, service_record.c.content_hash).where(
            service_record.c.registry == registry
        )
        return {row.record: row.content_hash for row in self._rows(query, service_record.c.record, records)}

    def histories(self, county: CountyId, volunteers: Iterable[VolunteerId]) -> dict[VolunteerId, list[Held]]:
        """Return every record of these volunteers in the county in the order of service; an empty list for none."""
        people = list(dict.fromkeys(volunteers))
        histories: dict[VolunteerId, list[Held]] = {person: [] for person in people}
        for chunk in chunks(people):
            one_of = (service_record.c.county == county) & service_record.c.volunteer.in_(chunk)
            for held in self._held(one_of):
                histories[held.record.volunteer].append(held)
        for history in histories.values():
            # Sorted here: databases do not agree on the order of text, nor on its length.
            history.sort(key=lambda held: held.record.order)
        return histories

    def held(self, record: RecordId, registry: RegistryId | None = None) -> list[Held]:
        """Return the record of this id, of every registry that has one unless `registry` is named."""
        one_of = service_record.c.record == record
        if registry is not None:
            one_of &= service_record.c.registry == registry
        return sorted(self._held(one_of), key=lambda held: held.record.registry)

    def entries(self, registry: RegistryId, record: RecordId) -> list[StoredEntry]:
        """Return the original entry of a record and its adjusting entries, oldest first; empty for an unknown one."""
        original = self._connection.scalar(
            select(service_record.c.entry).where(
                service_record.c.record == record, service_record.c.registry == registry
            )
        )
        if original is None:
            return []
        rows = self._connection.execute(
            select(*_ENTRY_COLUMNS, entry.c.body)
            .where(or_(entry.c.id == original, entry.c.adjusts == original))
            .order_by(entry.c.id)
        ).all()
        return list(self._with_postings(rows, posting.c.entry.in_([row.id for row in rows])))

    def all_entries(self, after: int = 0) -> Iterator[StoredEntry]:
        """Yield every entry in the order of booking, those up to id `after` left out, in little memory."""
        while True:
            rows = self._connection.execute(
                select(*_ENTRY_COLUMNS, entry.c.body)
                .where(entry.c.id > after)
                .order_by(entry.c.id)
                .limit(ENTRIES_AT_ONCE)
            ).all()
            if not rows:
                return
            yield from self._with_postings(rows, posting.c.entry.between(rows[0].id, rows[-1].id))
            after = rows[-1].id

    def balances(self, volunteer_id: VolunteerId, county: CountyId) -> dict[str, int]:
        """Return what a person has in a county: `points` in hundredths, `seconds`; 0 without an account."""
        rows = self._connection.execute(
            select(account.c.unit, balance.c.posted)
            .join(balance, balance.c.account == account.c.id)
            .where(account.c.volunteer == volunteer_id, account.c.county == county, account.c.role == "earned")
        )
        return {"points": 0, "seconds": 0} | {row.unit: row.posted for row in rows}

    def policy(self, digest: str) -> StoredPolicy | None:
        """Return the policy that was saved under this digest."""
        row = self._connection.execute(select(policy).where(policy.c.digest == digest)).one_or_none()
        return None if row is None else StoredPolicy(row.digest, row.county, row.title, row.first_used_at, row.content)

    def counts(self) -> dict[str, int]:
        """Return how many there are of everything."""
        tables = {
            "volunteers": volunteer,
            "records": service_record,
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

    def _held(self, one_of: ColumnElement[bool]) -> list[Held]:
        rows = self._connection.execute(
            select(
                service_record.c.entry,
                service_record.c.content,
                service_record.c.supplied,
                entry.c.seconds,
                entry.c.points,
                entry.c.policy_digest,
                entry.c.counted,
            )
            .join(entry, entry.c.id == service_record.c.entry)
            .where(one_of)
        ).all()
        adjustments: dict[int, list[_Row]] = defaultdict(list)
        originals = select(service_record.c.entry).where(one_of)
        for row in self._connection.execute(
            select(entry.c.adjusts, entry.c.seconds, entry.c.points, entry.c.policy_digest, entry.c.counted)
            .where(entry.c.adjusts.in_(originals))
            .order_by(entry.c.id)
        ):
            adjustments[row.adjusts].append(row)
        helds = []
        for number, content, supplied, seconds, points, digest, counted in rows:
            for adjustment in adjustments.get(number, ()):
                seconds += adjustment.seconds
                points += adjustment.points
                digest, counted = adjustment.policy_digest, adjustment.counted
            record, facts = record_from(content), facts_from(supplied)
            helds.append(Held(record, facts, number, seconds, points, digest, bool(counted)))
        return helds

    def _with_postings(self, rows: Iterable[_Row], one_of: ColumnElement[bool]) -> Iterator[StoredEntry]:
        lines: dict[int, list[Posting]] = defaultdict(list)
        for number, unit, amount, role, county, owner in self._connection.execute(
            select(
                posting.c.entry, posting.c.unit, posting.c.amount, account.c.role, account.c.county, account.c.volunteer
            )
            .join(account, account.c.id == posting.c.account)
            .where(one_of)
            .order_by(posting.c.entry, posting.c.line)
        ):
            lines[number].append(Posting(_account_name(role, county, owner), unit, amount))
        for row in rows:
            yield StoredEntry(
                Entry(
                    row.id,
                    row.kind,
                    row.volunteer,
                    row.county,
                    row.registry,
                    row.record,
                    date.fromisoformat(row.effective_on),
                    row.recorded_at,
                    row.policy_digest,
                    row.seconds,
                    row.points,
                    row.adjusts,
                    bool(row.counted),
                ),
                row.body,
                tuple(lines.get(row.id, ())),
            )


def _account_name(role: str, county: str, owner: str) -> str:
    return f"{role}/{county}/{owner}" if owner else f"{role}/{county}"


def _day(value: str | None) -> date | None:
    return None if value is None else date.fromisoformat(value)


def chunks(values: Iterable[T]) -> Iterator[list[T]]:
    """Yield the values in lists that fit into one IN."""
    remaining = iter(values)
    while chunk := list(islice(remaining, IN_MAX)):
        yield chunk
