"""Requests for service in the bank: each step is an entry in the asker's passbook, its effects in the same transaction.

The price is held by the entry that makes the request; the entry that ends the request ends the hold. A service that is
confirmed is a record in the passbook of whoever served, of the registry `menu`: it earns what the county's rules say.
Revoked, the price goes back and the record is withdrawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import sha256
from typing import Any

from lianxing.engine.bank.customers import customers
from lianxing.engine.bank.judging import Judged, judged, still_holds
from lianxing.engine.bank.keeping import keep_policy
from lianxing.engine.bank.passing import Passing, at_hand
from lianxing.engine.bank.recording import bookings_of
from lianxing.engine.bank.request_data import (
    Due,
    begun_by,
    open_requests,
    request_id,
    requests_in,
)
from lianxing.engine.bank.request_steps import StepCounter, TakenStep, take
from lianxing.engine.bank.requests import check, request_hash
from lianxing.engine.bank.sharing import is_person, shared
from lianxing.engine.bank.tellers import ATTEMPTS, Answer, answered_before, bought, family, knows, load_lots
from lianxing.engine.dossiers import RECIPIENT, dossier
from lianxing.engine.ledger.drafts import REFUSED, Booking
from lianxing.engine.ledger.errors import BusyError, DamagedPassbookError, InvalidError, RefusedError
from lianxing.engine.ledger.opening import Ledger
from lianxing.engine.ledger.writing import Writing
from lianxing.engine.menu import Queue
from lianxing.engine.recounting import Change, as_counted
from lianxing.engine.requesting import on_menu
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.dossiers import Dossier
from lianxing.rules.facts import CountyId, FactValue, RecordId, VolunteerId
from lianxing.rules.records import ServiceRecord
from lianxing.rules.requests import MENU, ServiceRequest, Step
from lianxing.rules.service_commands import TakeStep

PEOPLE_AT_ONCE = 500  # whose records are read together


@dataclass
class Overdue:
    """What a run did about the requests that were overdue: what each was answered, in the order of their last days.

    An answer that is not accepted left its request open. `damaged` are those whose passbook cannot be read: nothing of
    theirs was ended.
    """

    answered: list[tuple[Due, Answer]] = field(default_factory=list)
    damaged: dict[VolunteerId, DamagedPassbookError] = field(default_factory=dict)


class ServiceDesk:
    """Serves the requests for service of one county by its rules."""

    def __init__(self, ledger: Ledger, rulebook: Rulebook) -> None:
        self._ledger = ledger
        self._rulebook = rulebook

    @property
    def _county(self) -> CountyId:
        return self._rulebook.policy.county.id

    def serve(self, command: TakeStep, *, dry_run: bool = False) -> Answer:
        """Take a step, once for its key; with `dry_run` only tell what would come of it.

        InvalidError for what no bank can do, KeyMismatchError where the key was used for something else; neither writes
        anything. BusyError and InDoubtError as `Teller.serve`.
        """
        check(command)
        if command.county != self._county:
            raise InvalidError("command.county", f"这里办的是 {self._county}", f"this serves {self._county}")
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._served(command, dry_run)
            except (BusyError, RefusedError):
                # Somebody else was faster: to a passbook, or with the same key.
                if attempt == ATTEMPTS:
                    raise
        raise AssertionError("the last attempt answers or raises")

    def requests_of(self, person: VolunteerId) -> list[ServiceRequest]:
        """Return every request of a person: those they asked for, those for them, and those they serve."""
        with self._ledger.reading() as reading:
            found = requests_in(reading, self._county).values()
        return [one for one in found if person in (one.asker, one.recipient, one.volunteer)]

    def knows(self, person: VolunteerId) -> bool:
        """Tell whether the ledger has heard of somebody."""
        with self._ledger.reading() as reading:
            return knows(reading, self._county, person)

    def request(self, id: str) -> ServiceRequest | None:
        """Return the request of this id as it stands."""
        begun = begun_by(self._county, id)
        if begun is None:
            return None
        with self._ledger.reading() as reading:
            return requests_in(reading, self._county, [begun[0]]).get(id)

    def work_list(self) -> list[Due]:
        """Return the open requests of the county, those with the earliest last day first."""
        with self._ledger.reading() as reading:
            return open_requests(reading, self._rulebook)

    def expire_overdue(self, on: date, scope: str = "lianxing", actor: str = "", *, dry_run: bool = False) -> Overdue:
        """End every open request whose last day has passed; run again, it finds them ended.

        Who has a damaged passbook is left out and told. With `dry_run` only tell what would come of it.
        """
        done = Overdue()
        for due in self.work_list():
            if due.last_day is None or due.last_day >= on:
                continue
            try:
                answer = self.serve(self._expiring(due.request, on, scope, actor), dry_run=dry_run)
            except DamagedPassbookError as error:
                done.damaged[VolunteerId(error.volunteer)] = error
            else:
                done.answered.append((due, answer))
        return done

    def _expiring(self, made: ServiceRequest, on: date, scope: str, actor: str) -> TakeStep:
        asked = f"{made.id}/{made.state.value}/{made.since}/{on}"  # refused on one day, it is asked on another
        return TakeStep(
            volunteer=VolunteerId(made.asker),
            county=self._county,
            on=on,
            scope=scope,
            key=f"expire/{sha256(asked.encode()).hexdigest()}",
            actor=actor,
            step=Step.EXPIRE,
            request=made.id,
        )

    def candidates(
        self,
        id: str,
        on: date,
        paired: tuple[VolunteerId, ...] = (),
        on_roster: tuple[VolunteerId, ...] | None = None,
    ) -> Queue | None:
        """Return who may serve a request and whose turn it is; None where there is no such request."""
        made = self.request(id)
        if made is None:
            return None
        if on_menu(self._rulebook, made) is None:
            return Queue((), ())
        with self._ledger.reading() as reading:
            return judged(reading, self._rulebook, made, on, self._ledger.now(), paired, on_roster).queue

    def dossier(self, recipient: str, first: date = date.min, last: date = date.max) -> Dossier:
        """Return the services that somebody received, from everything that the ledger holds of the county.

        A request whose record was withdrawn was no service.
        """
        with self._ledger.reading() as reading:
            asked = requests_in(reading, self._county, reading.asked_for(self._county, recipient))
            requests = [one for one in asked.values() if one.recipient == recipient]
            people = [id for id in reading.with_records(self._county, RECIPIENT, [recipient]) if is_person(id)]
            history = []
            for start in range(0, len(people), PEOPLE_AT_ONCE):
                for held in reading.histories(self._county, people[start : start + PEOPLE_AT_ONCE]).values():
                    history += [as_counted(one) for one in held if _names(one.record, one.supplied, recipient)]
            known = {past.record.id for past in history}
            requests = [one for one in requests if one.id in known or reading.held(RecordId(one.id), MENU)]
        return dossier(recipient, history, requests, first, last)

    # --- one step, one transaction -----------------------------------------------------------------------------------

    def _served(self, command: TakeStep, dry_run: bool) -> Answer:
        answer: Answer | None = None
        before = self._judged(command) if command.step is Step.MATCH else None
        with suppress(_Undo), self._ledger.writing() as writing:
            answer = self._answer(writing, command, before)
            if dry_run:
                raise _Undo
        if answer is None:
            raise AssertionError("a step is answered")
        return answer

    def _judged(self, command: TakeStep) -> Judged | None:
        """Return who may serve, before anybody has to wait for it; None where there is no such request or service."""
        instant = self._ledger.now()
        with self._ledger.reading() as reading:
            if (command.scope, command.key) in reading.commands([(command.scope, command.key)]):
                return None  # answered already
            made = requests_in(reading, self._county, [command.volunteer]).get(command.request)
            if made is None or on_menu(self._rulebook, made) is None:
                return None
            return judged(reading, self._rulebook, made, command.on, instant, command.paired, command.on_roster)

    def _queue(self, writing: Writing, command: TakeStep, made: ServiceRequest, before: Judged | None) -> Queue:
        rulebook, on = self._rulebook, command.on
        if before is not None and still_holds(before, writing, rulebook, made, on, command.served_by):
            return before.queue
        return judged(writing, rulebook, made, on, writing.now, command.paired, command.on_roster).queue

    def _answer(self, writing: Writing, command: TakeStep, seen: Judged | None) -> Answer:
        before = writing.commands([(command.scope, command.key)]).get((command.scope, command.key))
        hashed = request_hash(command)
        if before is not None:
            outcome = answered_before(command, before, hashed)
            if isinstance(outcome, Answer):
                return outcome
            raise outcome
        rulebook, county = self._rulebook, self._county
        keep_policy(writing, rulebook.policy)
        made = requests_in(writing, county, [command.volunteer]).get(command.request)
        volunteer = VolunteerId(made.volunteer if made is not None else "") or command.served_by
        people = [command.volunteer, *((volunteer,) if volunteer else ())]
        beside = list(shared(rulebook.policy))
        writing.lock((id, county) for id in (*people, *beside))
        # Again, now that nobody else can write to it.
        made = requests_in(writing, county, [command.volunteer]).get(command.request)
        found = customers(writing, rulebook, people)
        for id, customer in found.items():
            customer.number = writing.number((id, county))
        passing = at_hand(writing, rulebook, [id for id in beside if id not in found], command.on)
        passing.people |= found
        counter = StepCounter(
            rulebook,
            found,
            passing,
            made,
            lambda id: family(writing, county, id),
            lambda id: customers(writing, rulebook, [id])[id].person,
            lambda made: self._queue(writing, command, made, seen),
            lambda id, entry: requests_in(writing, county, [id]).get(request_id(county, id, entry)),
            lambda id, entry: bought(writing, county, id, entry),
            lambda id, entry: writing.taken((id, county), entry),
            lambda customer, wallet, lots: load_lots(writing, customer, wallet, lots),
            lambda id: bool(writing.held(RecordId(id), MENU)),
        )
        taken = take(counter, command, hashed)
        number = found[command.volunteer].number
        writing.enter([*taken.before, taken.draft])
        bookings = [*_bookings(writing, rulebook, taken, command, passing)]
        writing.book(bookings)
        for booking in bookings:  # what arrives there after it stands on what was booked
            if booking.record.volunteer != command.volunteer:
                passing.people.pop(booking.record.volunteer, None)
        writing.enter(passing.taken())
        return Answer(number, taken.draft.kind != REFUSED, taken.draft.body)


class _Undo(Exception):
    """A dry run has seen everything; the transaction is given up."""


def _bookings(
    writing: Writing, rulebook: Rulebook, taken: TakenStep, command: TakeStep, passing: Passing
) -> Iterator[Booking]:
    """Yield what becomes of the record of a service that was confirmed, evaluated, or taken back."""
    by: dict[str, Any] = {"actor": command.actor, "reason": command.reason}
    changes = [Change(record, {}, **by) for record in taken.served]
    for id, facts in taken.evaluated:
        changes += (
            Change(replace(held.record, facts={**held.record.facts, **facts}), {}, **by)
            for held in writing.held(RecordId(id), MENU)
        )
    for id in taken.unserved:
        changes += (
            Change(held.record, held.supplied, withdrawn=True, **by) for held in writing.held(RecordId(id), MENU)
        )
    for change in changes:
        yield from bookings_of(writing, rulebook, change.record.volunteer, [change], command.on, passing)


def _names(record: ServiceRecord, supplied: Mapping[str, FactValue], recipient: str) -> bool:
    return {**supplied, **record.facts}.get("recipient") == recipient
