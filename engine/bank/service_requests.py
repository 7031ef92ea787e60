"""Requests for service in the bank: each step is an entry in the asker's passbook, its effects in the same transaction.

The price is held by the entry that makes the request; the entry that ends the request ends the hold. A service that is
confirmed is a record in the passbook of whoever served, of the registry `menu`: it earns what the county's rules say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from lianxing.engine import wallets
from lianxing.engine.bank.booking import UNITS, Effects, besides, first_lot
from lianxing.engine.bank.customers import Customer, customers
from lianxing.engine.bank.deciding import REFUSED, reason_data
from lianxing.engine.bank.keeping import keep_policy
from lianxing.engine.bank.passing import Passing, at_hand, draft_of
from lianxing.engine.bank.recording import bookings_of
from lianxing.engine.bank.request_data import (
    REQUEST,
    Due,
    begun_by,
    effect_data,
    open_requests,
    queue_data,
    request_data,
    request_id,
    requests_in,
)
from lianxing.engine.bank.requests import check, request_hash
from lianxing.engine.bank.requests import request_data as asked_data
from lianxing.engine.bank.sharing import is_person, may_hold, shared
from lianxing.engine.bank.tellers import ATTEMPTS, Answer, family
from lianxing.engine.calendars import midnight
from lianxing.engine.dossiers import dossier
from lianxing.engine.ledger.drafts import Booking, Draft, Key, NewHold
from lianxing.engine.ledger.errors import BusyError, InvalidError, KeyMismatchError, RefusedError
from lianxing.engine.ledger.opening import Ledger
from lianxing.engine.ledger.reading import Reading
from lianxing.engine.ledger.writing import Writing
from lianxing.engine.menu import Asker, Need, NotServed, Queue, Server, candidates_for
from lianxing.engine.recounting import Change, as_counted
from lianxing.engine.requesting import (
    Wanted,
    cancel_request,
    confirm_service,
    decline_request,
    evaluate_service,
    expire_request,
    match_volunteer,
    post_match,
    report_service,
    request_service,
    withdraw_volunteer,
)
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.accounts import Purpose
from lianxing.rules.dossiers import Dossier
from lianxing.rules.facts import CountyId, Fact, FactType, FactValue, RecordId, RegistryId, VolunteerId
from lianxing.rules.families import AS_BENEFICIARY
from lianxing.rules.menu import Request
from lianxing.rules.perks import Beneficiary
from lianxing.rules.places import Clause
from lianxing.rules.records import ServiceRecord
from lianxing.rules.redeeming import Reason
from lianxing.rules.requests import (
    Actor,
    Evaluated,
    Hold,
    Moved,
    Release,
    Served,
    ServiceRequest,
    Settle,
    Step,
)
from lianxing.rules.sanctions import OnRight
from lianxing.rules.service_commands import TakeStep

MENU = RegistryId("menu")
PEOPLE_AT_ONCE = 500


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

    def expire_overdue(self, on: date, scope: str = "lianxing", actor: str = "") -> list[Answer]:
        """End every open request whose last day has passed; run again, it finds them ended."""
        answers = []
        for due in self.work_list():
            if due.last_day is None or due.last_day >= on:
                continue
            one = due.request
            key = f"expire/{one.id}/{one.state.value}/{one.since}"
            answers.append(
                self.serve(
                    TakeStep(
                        volunteer=VolunteerId(one.asker),
                        county=self._county,
                        on=on,
                        scope=scope,
                        key=key,
                        actor=actor,
                        step=Step.EXPIRE,
                        request=one.id,
                    )
                )
            )
        return answers

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
        with self._ledger.reading() as reading:
            return _candidates(reading, self._rulebook, made, on, paired, on_roster)

    def dossier(self, recipient: str, first: date = date.min, last: date = date.max) -> Dossier:
        """Return the services that somebody received, from everything that the ledger holds of the county."""
        with self._ledger.reading() as reading:
            requests = [one for one in requests_in(reading, self._county).values() if one.recipient == recipient]
            people = [id for id in reading.volunteer_ids(self._county) if is_person(id)]
            history = []
            for start in range(0, len(people), PEOPLE_AT_ONCE):
                for held in reading.histories(self._county, people[start : start + PEOPLE_AT_ONCE]).values():
                    history += [as_counted(one) for one in held if _names(one.record, one.supplied, recipient)]
        return dossier(recipient, history, requests, first, last)

    # --- one step, one transaction -----------------------------------------------------------------------------------

    def _served(self, command: TakeStep, dry_run: bool) -> Answer:
        answer: Answer | None = None
        with suppress(_Undo), self._ledger.writing() as writing:
            answer = self._answer(writing, command)
            if dry_run:
                raise _Undo
        if answer is None:
            raise AssertionError("a step is answered")
        return answer

    def _answer(self, writing: Writing, command: TakeStep) -> Answer:
        before = writing.commands([(command.scope, command.key)]).get((command.scope, command.key))
        hashed = request_hash(command)
        if before is not None:
            if before.request_hash != hashed:
                raise KeyMismatchError(
                    command.scope,
                    "这个请求编号已用于别的请求，本次什么也没有做",
                    "this key was used for another request; nothing was done",
                )
            return Answer(before.entry, before.kind != REFUSED, before.body, replayed=True)
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
        passing = at_hand(writing, rulebook, [id for id in beside if id not in found])
        passing.people |= found
        taking = _Taking(writing, rulebook, found, passing, command, made, hashed)
        taking.take()
        writing.enter(taking.drafts)
        writing.book(taking.bookings)
        writing.enter(passing.taken())
        (draft,) = taking.drafts
        return Answer(found[command.volunteer].number, draft.kind != REFUSED, draft.body)


class _Undo(Exception):
    """A dry run has seen everything; the transaction is given up."""


@dataclass
class _Taking:
    """One step while it is taken."""

    writing: Writing
    rulebook: Rulebook
    people: dict[VolunteerId, Customer]
    passing: Passing
    command: TakeStep
    made: ServiceRequest | None
    hashed: str
    drafts: list[Draft] = field(default_factory=list)
    bookings: list[Booking] = field(default_factory=list)

    @property
    def asker(self) -> Customer:
        return self.people[self.command.volunteer]

    def take(self) -> None:
        """Decide the step, and leave what is to be written."""
        reasons = [*self._not_at_all()]
        if reasons:
            return self._refuse(reasons, self.rulebook.policy.county.clause)
        request = self._of_menu()
        if request is None:
            return self._refuse([self._county_reason("no_service", service=self._service())])
        clause = request.clause
        queue = self._queue() if self.command.step is Step.MATCH else None
        moved = self._asked(request) if self.made is None else self._moved(self.made, queue)
        more = {} if queue is None else {"candidates": queue_data(queue)}
        if not moved.allowed:
            return self._refuse(moved.reasons, clause, more)
        if moved.request is None:
            raise AssertionError("an allowed step has a request")
        made = moved.request
        effects = Effects()
        hold, ends, why = None, None, None
        for effect in moved.effects:
            match effect:
                case Hold():
                    hold, why = self._hold(effect, made, effects)
                case Settle(amount=amount):
                    ends, why = self._settle(made, amount, effects)
                case Release():
                    if ends is None and why is None:  # what is settled has given back the rest
                        ends, why = self._settle(made, 0, effects, released=True)
                case Served():
                    self._record(effect)
                case Evaluated():
                    self._evaluation(effect)
            if why is not None:
                self.bookings.clear()
                return self._refuse([why], clause)
        said = {
            "request": request_data(made),
            "effects": [effect_data(effect) for effect in moved.effects],
            **({} if made.account == "" else {"unit": self._unit(made.account)}),
            **more,
        }
        self._enter(REQUEST, {"allowed": True, **self._where(clause), **said}, effects)
        self.drafts[0].hold, self.drafts[0].ends = hold, ends

    # --- may it be taken -------------------------------------------------------------------------------------------

    def _not_at_all(self) -> Iterable[Reason]:
        command, step = self.command, self.command.step
        if self.asker.closed_on is not None:
            yield self._county_reason("closed_passbook", on=self.asker.closed_on.isoformat())
        if not is_person(command.volunteer):
            yield self._county_reason("no_person", id=command.volunteer)
        if step is Step.REQUEST and command.request:
            yield self._county_reason("request_taken", id=command.request)
        if step is not Step.REQUEST and self.made is None:
            yield self._county_reason("no_request", id=command.request)
        server = self.people.get(command.served_by)
        if step is Step.MATCH and server is not None and server.closed_on is not None:
            yield self._county_reason("closed_passbook", on=server.closed_on.isoformat())

    def _asked(self, request: Request) -> Moved:
        command, on = self.command, self.command.on
        standing = self.asker.standing(on)
        recipient = command.recipient or command.volunteer
        asker = Asker(
            command.volunteer, self.asker.facts(on), self.asker.measures(on), standing.star_held, command.for_whom
        )
        account = None if request.priced is None else self.asker.account(request.priced.account)
        declared = family(self.writing, self._county, command.volunteer)
        known = customers(self.writing, self.rulebook, [recipient])[recipient]
        moved = request_service(
            self.rulebook,
            request,
            on,
            self._actor(),
            Wanted(
                id=request_id(self._county, command.volunteer, self.asker.number + 1),
                asker=asker,
                recipient=recipient,
                seconds=command.seconds,
                available=0 if account is None else self.asker.wallet(account).available(on),
                family={id: AS_BENEFICIARY[one] for id, one in declared.items() if one in AS_BENEFICIARY},
                recipient_facts=known.person.facts,
            ),
        )
        if account is not None and standing.conduct.effects.redemption is OnRight.SUSPENDED:
            stopped = Reason("suspended", request.clause, request.clause.location)
            return replace(moved, request=None, effects=(), reasons=(*moved.reasons, stopped))
        return moved

    def _moved(self, made: ServiceRequest, queue: Queue | None) -> Moved:
        rulebook, command, actor = self.rulebook, self.command, self._actor()
        on = command.on
        match command.step:
            case Step.MATCH:
                assert queue is not None
                return match_volunteer(rulebook, made, on, actor, command.served_by, queue)
            case Step.POST:
                return post_match(rulebook, made, on, actor)
            case Step.SERVE:
                return report_service(rulebook, made, on, actor, command.seconds, command.served_on)
            case Step.CONFIRM:
                return confirm_service(rulebook, made, on, actor, command.seconds)
            case Step.EVALUATE:
                return evaluate_service(rulebook, made, on, actor, dict(command.said))
            case Step.WITHDRAW:
                return withdraw_volunteer(rulebook, made, on, actor)
            case Step.CANCEL:
                return cancel_request(rulebook, made, on, actor)
            case Step.DECLINE:
                return decline_request(rulebook, made, on, actor)
            case Step.EXPIRE:
                return expire_request(rulebook, made, on, actor)
            case Step.REQUEST:
                raise AssertionError("a request is made once")

    def _queue(self) -> Queue:
        assert self.made is not None
        command = self.command
        return _candidates(self.writing, self.rulebook, self.made, command.on, command.paired, command.on_roster)

    # --- what it does ----------------------------------------------------------------------------------------------

    def _hold(self, effect: Hold, made: ServiceRequest, effects: Effects) -> tuple[NewHold | None, Reason | None]:
        account = self.asker.account(effect.account)
        assert account is not None
        if not may_hold(account, self.command.volunteer):
            return None, Reason("holder", account.clause, account.clause.location)
        wallet = self.asker.wallet(account)
        short = self.passing.cannot_lend(wallet, self.command.on, effect.amount)
        if short is not None:
            return None, short
        before, number = besides(wallet), self.asker.number + 1
        wallet.next_lot = first_lot(number)
        for_family = made.for_whom is not Beneficiary.SELF
        done = wallets.reserve(wallet, number, self.command.on, effect.amount, Purpose.SERVICE, for_family)
        if done.refused is not None:
            return None, done.refused
        effects.add(wallet, done, before)
        return NewHold(effect.account, effect.amount, effect.until), None

    def _settle(
        self, made: ServiceRequest, amount: int, effects: Effects, *, released: bool = False
    ) -> tuple[int | None, Reason | None]:
        """Settle so much of what is held and release the rest; a hold that has ended by itself is released already."""
        account = self.asker.account(made.account)
        begun = begun_by(self._county, made.id)
        if account is None or begun is None:
            return None, self._county_reason("no_account", account=made.account)
        wallet, number = self.asker.wallet(account), begun[1]
        if released and number not in wallet.holds:
            return None, None
        before = besides(wallet)
        wallet.next_lot = first_lot(self.asker.number + 1)
        on = self.command.on
        done = wallets.release(wallet, number, on) if released else wallets.settle(wallet, number, on, amount)
        if done.refused is not None:
            return None, done.refused
        effects.add(wallet, done, before)
        return number, None

    def _record(self, effect: Served) -> None:
        """Leave the record of a service, to be booked for whoever served."""
        zone = ZoneInfo(self.rulebook.policy.county.time_zone)
        began = midnight(effect.on, zone)
        known = self.rulebook.policy.facts
        record = ServiceRecord(
            id=RecordId(effect.id),
            registry=MENU,
            volunteer=VolunteerId(effect.volunteer),
            county=self._county,
            started_at=began,
            ended_at=began + effect.seconds,
            day=effect.on,
            seconds=effect.seconds,
            timed=False,
            activity=effect.activity,
            facts={name: value for name, value in effect.facts.items() if _is_value(known.get(name), value)},
        )
        self._book(record)

    def _evaluation(self, effect: Evaluated) -> None:
        """Leave a new version of the record, with what was said of the service."""
        known = self.rulebook.policy.facts
        said = {name: value for name, value in effect.facts.items() if _is_value(known.get(name), value)}
        for held in self.writing.held(RecordId(effect.id), MENU):
            self._book(replace(held.record, facts={**held.record.facts, **said}))

    def _book(self, record: ServiceRecord) -> None:
        change = Change(record, {}, actor=self.command.actor, reason=self.command.reason)
        self.bookings += bookings_of(
            self.writing, self.rulebook, record.volunteer, [change], self.command.on, self.passing
        )

    # --- what is written ---------------------------------------------------------------------------------------------

    def _refuse(
        self, reasons: Iterable[Reason], clause: Clause | None = None, more: dict[str, Any] | None = None
    ) -> None:
        self.passing.taken()  # nothing of it is written
        said = {"allowed": False, "reasons": [reason_data(reason) for reason in reasons]}
        made = {} if self.made is None else {"request": request_data(self.made)}
        where = self._where(clause or self.rulebook.policy.county.clause)
        self._enter(REFUSED, {**where, **said, **made, **(more or {})}, Effects())

    def _enter(self, kind: str, said: dict[str, Any], effects: Effects) -> None:
        command = self.command
        self.asker.number += 1
        self.passing.share(self.asker.person.id, effects, command.on, "overflow", command.actor)
        body = {"asked": asked_data(command), "step": command.step.value, **said}
        draft = draft_of(self.rulebook, self.asker, kind, body, effects, command.on, command.actor, command.reason)
        draft.key = Key(command.scope, command.key, self.hashed)
        self.drafts.append(draft)

    def _where(self, clause: Clause) -> dict[str, Any]:
        return {"clause": clause.id, "at": str(clause.location), "cites": clause.source.clause}

    @property
    def _county(self) -> CountyId:
        return self.rulebook.policy.county.id

    def _actor(self) -> Actor:
        return Actor(self.command.actor, self.command.organiser)

    def _service(self) -> str:
        return self.command.service if self.made is None else self.made.request

    def _of_menu(self) -> Request | None:
        return next((one for one in self.rulebook.policy.menu if one.clause.id == self._service()), None)

    def _unit(self, id: str) -> str:
        account = self.asker.account(id)
        return "" if account is None else UNITS[account.unit]

    def _county_reason(self, code: str, **operands: FactValue) -> Reason:
        clause = self.rulebook.policy.county.clause
        return Reason(code, clause, clause.location, tuple(operands.items()))


def _candidates(
    reading: Reading,
    rulebook: Rulebook,
    made: ServiceRequest,
    on: date,
    paired: tuple[VolunteerId, ...],
    on_roster: tuple[VolunteerId, ...] | None,
) -> Queue:
    """Return who of everybody in the ledger may serve; whoever has closed their passbook is left out."""
    county = rulebook.policy.county.id
    request = next(one for one in rulebook.policy.menu if one.clause.id == made.request)
    recipient = VolunteerId(made.recipient)
    known = customers(reading, rulebook, [recipient])[recipient]
    need = Need(
        asker=made.asker,
        recipient=made.recipient,
        facts=known.person.facts,
        paired=paired,
        on_roster=on_roster,
        family=tuple(family(reading, county, VolunteerId(made.asker))),
        withdrew=made.withdrew,
    )
    servers: list[Server] = []
    gone: list[NotServed] = []
    ids = [id for id in reading.volunteer_ids() if is_person(id)]
    for start in range(0, len(ids), PEOPLE_AT_ONCE):
        for id, one in customers(reading, rulebook, ids[start : start + PEOPLE_AT_ONCE]).items():
            if one.closed_on is not None:
                clause = rulebook.policy.county.clause
                why = Reason("closed_passbook", clause, clause.location, (("on", one.closed_on.isoformat()),))
                gone.append(NotServed(id, (why,)))
            else:
                servers.append(Server(id, one.facts(on), one.measures(on), one.standing(on).star_held))
    found = candidates_for(rulebook, request, on, need, servers)
    return Queue(found.turns, (*found.left_out, *gone))


def _names(record: ServiceRecord, supplied: Mapping[str, FactValue], recipient: str) -> bool:
    return {**supplied, **record.facts}.get("recipient") == recipient


def _is_value(fact: Fact | None, value: FactValue) -> bool:
    """Tell whether a record may say this: a fact of the county, of its type, and one of its values."""
    if fact is None or isinstance(value, str) is not (fact.type is FactType.TEXT):
        return False
    return not fact.values or value in {one.id for one in fact.values}
