"""What becomes of one step of a request for service: the rules are asked, the asker's wallet changes, a draft says so.

Pure: what the ledger knows besides is handed in with the `StepCounter`, so that a step can be decided once more later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo

from lianxing.engine import wallets
from lianxing.engine.bank.answering import Counter, before_in_force, county_reason, not_frozen, reason_data
from lianxing.engine.bank.booking import UNITS, Effects, besides, clause_data, first_lot
from lianxing.engine.bank.customers import Customer
from lianxing.engine.bank.drafting import draft_of
from lianxing.engine.bank.leaving import closes_again
from lianxing.engine.bank.passing import Passing
from lianxing.engine.bank.redeeming import holds_over
from lianxing.engine.bank.request_data import begun_by, effect_data, queue_data, request_data, request_id
from lianxing.engine.bank.requests import request_data as asked_data
from lianxing.engine.bank.sharing import is_person, may_hold
from lianxing.engine.bank.star_points import reached
from lianxing.engine.calendars import midnight
from lianxing.engine.closings import LEFT_UNDER, Closed
from lianxing.engine.facts import EVERYTHING, person_facts
from lianxing.engine.ledger.drafts import REFUSED, REQUEST, Draft, Key, NewHold
from lianxing.engine.menu import Asker, Queue, listed
from lianxing.engine.requesting import (
    TOWARDS,
    Wanted,
    cancel_request,
    confirm_service,
    decline_request,
    evaluate_service,
    expire_request,
    match_volunteer,
    menu_request,
    on_menu,
    post_match,
    report_service,
    request_service,
    revoke_service,
    withdraw_volunteer,
)
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.wallet import OWED, Wallet
from lianxing.rules.accounts import Purpose
from lianxing.rules.facts import ID_CHARACTERS_MAX, CountyId, Fact, FactType, FactValue, RecordId, VolunteerId
from lianxing.rules.families import AS_BENEFICIARY, Relation
from lianxing.rules.menu import Request
from lianxing.rules.perks import Beneficiary
from lianxing.rules.places import Clause
from lianxing.rules.records import ServiceRecord, Volunteer
from lianxing.rules.redeeming import Reason
from lianxing.rules.requests import (
    MENU,
    OFF_MENU,
    Actor,
    Evaluated,
    Hold,
    Moved,
    Refund,
    Release,
    Served,
    ServiceRequest,
    Settle,
    Step,
    Unserved,
)
from lianxing.rules.sanctions import OnRight
from lianxing.rules.service_commands import TakeStep

_TOWARDS_THE_SERVICE = frozenset((Step.MATCH, Step.POST, Step.SERVE))
Evaluation = tuple[str, Mapping[str, FactValue]]  # the id of the record, and what was said of the service


@dataclass
class StepCounter:
    """What a step is decided with: the rules, the asker and whoever serves, and what the ledger can be asked.

    `made` is the request as it stands, None where there is none of that id; `registered` tells who somebody is,
    `recorded` whether the record of a request is there.
    """

    rulebook: Rulebook
    people: Mapping[VolunteerId, Customer]
    passing: Passing
    made: ServiceRequest | None
    family_of: Callable[[VolunteerId], Mapping[VolunteerId, Relation]]
    registered: Callable[[VolunteerId], Volunteer]
    queue: Callable[[ServiceRequest], Queue]
    request_by: Callable[[VolunteerId, int], ServiceRequest | None]
    bought: Callable[[VolunteerId, int], Mapping[str, Any]]
    lots_taken: Callable[[VolunteerId, int], Sequence[tuple[str, int, int]]]
    load_lots: Callable[[Customer, Wallet, Iterable[int]], None]
    recorded: Callable[[str], bool]


@dataclass(frozen=True)
class TakenStep:
    """The entry of a step, and what is to be booked for whoever served: new records, what is said of old ones, and
    which are taken back.

    `before` is written before the entry.
    """

    draft: Draft
    served: tuple[ServiceRecord, ...] = ()
    evaluated: tuple[Evaluation, ...] = ()
    unserved: tuple[str, ...] = ()
    before: tuple[Draft, ...] = ()


def take(counter: StepCounter, command: TakeStep, hashed: str) -> TakenStep:
    """Return what becomes of a step. The wallet of the asker changes with it."""
    asker = counter.people[command.volunteer]
    before = [*reached(counter.rulebook, asker, counter.passing, command.on)]
    before += _holds_over(counter, asker, command)
    with asker.sanctioned(command.on):
        return replace(_Taking(counter, command, hashed).take(), before=tuple(before))


def _holds_over(counter: StepCounter, asker: Customer, command: TakeStep) -> list[Draft]:
    """Return what is written for reservations of the asker that are over; those of requests end by their steps."""
    giving_back = Counter(
        counter.rulebook,
        counter.people,
        {},
        lambda _id, _entry: (),
        lambda *_: None,
        request_by=counter.request_by,
        bought=counter.bought,
    )
    giving_back.passing = counter.passing
    drafts = holds_over(giving_back, asker, command.on)
    for draft in drafts:
        asker.touched_by(draft)
    return [*drafts, *counter.passing.taken()]


@dataclass
class _Taking:
    """One step while it is taken."""

    counter: StepCounter
    command: TakeStep
    hashed: str
    served: list[ServiceRecord] = field(default_factory=list)
    evaluated: list[Evaluation] = field(default_factory=list)
    unserved: list[str] = field(default_factory=list)

    @property
    def rulebook(self) -> Rulebook:
        return self.counter.rulebook

    @property
    def people(self) -> Mapping[VolunteerId, Customer]:
        return self.counter.people

    @property
    def passing(self) -> Passing:
        return self.counter.passing

    @property
    def made(self) -> ServiceRequest | None:
        return self.counter.made

    @property
    def asker(self) -> Customer:
        return self.people[self.command.volunteer]

    def take(self) -> TakenStep:
        """Decide the step, and return what is to be written."""
        reasons = [*self._not_at_all()]
        if reasons:
            return self._refuse(reasons, self.rulebook.policy.county.clause)
        request = self._of_menu()
        if request is None:
            return self._refuse([county_reason(self.rulebook, "no_service", service=self._service())])
        clause = request.clause
        queue = self._candidates()
        moved = self._asked(request) if self.made is None else self._moved(self.made, queue)
        more = {} if queue is None else {"candidates": queue_data(queue)}
        if not moved.allowed:
            return self._refuse(moved.reasons, clause, more)
        if (over := self._hold_over()) is not None:
            return self._refuse([over], clause, more)
        if moved.request is None:
            raise AssertionError("an allowed step has a request")
        made = moved.request
        effects = Effects()
        hold, ends, why = None, None, None
        left: dict[str, Any] = {}
        for effect in moved.effects:
            match effect:
                case Hold():
                    hold, why = self._hold(effect, made, effects)
                case Settle(amount=amount):
                    ends, why = self._settle(made, amount, effects)
                    made = replace(made, paid_by=ends or self.asker.number + 1)
                case Release():
                    if ends is None and why is None:  # what is settled has given back the rest
                        ends, why = self._settle(made, 0, effects, released=True)
                case Refund(amount=amount):
                    left, why = self._refund(made, amount, effects)
                case Served():
                    self.served.append(self._record(effect))
                case Evaluated():
                    self.evaluated.append((effect.id, self._sayable(effect.facts)))
                    why = None if self.counter.recorded(effect.id) else self._gone(clause)
                case Unserved(id=id):
                    self.unserved += [id] if self.counter.recorded(id) else []
            if why is not None:
                return self._refuse([why], clause)
        said = {
            "request": request_data(made),
            "effects": [effect_data(effect) for effect in moved.effects],
            **({} if made.account == "" else {"unit": self._unit(made.account)}),
            **({} if on_menu(self.rulebook, made) else {OFF_MENU: True}),
            **more,
            **left,
        }
        draft = self._draft(REQUEST, {"allowed": True, **clause_data(clause), **said}, effects)
        draft.hold, draft.ends = hold, ends
        return TakenStep(draft, tuple(self.served), tuple(self.evaluated), tuple(self.unserved))

    # --- may it be taken -------------------------------------------------------------------------------------------

    def _not_at_all(self) -> Iterable[Reason]:
        command, step = self.command, self.command.step
        if (early := before_in_force(self.rulebook, command.on)) is not None:
            yield early
        if (shut := self.asker.closings.shut(command.on)) is not None and not self._ends_after(shut):
            yield shut.reason(self.rulebook.policy.county.clause)
        if not is_person(command.volunteer):
            yield county_reason(self.rulebook, "no_person", id=command.volunteer)
        if step is Step.REQUEST and command.request:
            yield county_reason(self.rulebook, "request_taken", id=command.request)
        id = request_id(self._county, command.volunteer, self.asker.number + 1)
        if step is Step.REQUEST and len(id) > ID_CHARACTERS_MAX:  # no later step could name it
            yield county_reason(self.rulebook, "id_too_long", id=id, characters_max=ID_CHARACTERS_MAX)
        if step is not Step.REQUEST and self.made is None:
            yield county_reason(self.rulebook, "no_request", id=command.request)
        server = self.people.get(command.served_by)
        if step is Step.MATCH and server is not None and (shut := server.closings.shut(command.on)) is not None:
            yield shut.reason(self.rulebook.policy.county.clause)

    def _ends_after(self, shut: Closed) -> bool:
        """Tell whether the step may be taken though the passbook is closed: it brings what was begun to its end."""
        return self.command.step not in TOWARDS and shut.reopened_on is None and self.command.on >= shut.on

    def _gone(self, clause: Clause) -> Reason:
        return Reason("record_withdrawn", clause, clause.location)

    def _hold_over(self) -> Reason | None:
        """Return that what was reserved for the request has ended: nothing would pay for the service."""
        made = self.made
        account = None if made is None or not made.held else self.asker.account_kept(made.account)
        if made is None or made.held_until is None or account is None or self.command.step not in _TOWARDS_THE_SERVICE:
            return None
        begun = begun_by(self._county, made.id)
        if begun is not None and begun[1] in self.asker.wallet(account).holds:
            return None
        details = (("last_day", made.held_until.isoformat()),)
        return Reason("hold_over", account.clause, account.clause.location, details)

    def _asked(self, request: Request) -> Moved:
        command, on = self.command, self.command.on
        standing = self.asker.standing(on)
        recipient = command.recipient or command.volunteer
        asker = Asker(
            command.volunteer,
            self.asker.facts(on),
            self.asker.measures(on),
            standing.star_held,
            command.for_whom,
            self._registered(recipient),
        )
        account = None if request.priced is None else self.asker.account(request.priced.account)
        declared = self.counter.family_of(command.volunteer)
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
            ),
        )
        stopped = [] if account is None else [*not_frozen(self.asker, account, on)]
        if account is not None and standing.conduct.effects.redemption is OnRight.SUSPENDED:
            stopped.append(Reason("suspended", request.clause, request.clause.location))
        return replace(moved, request=None, effects=(), reasons=(*moved.reasons, *stopped)) if stopped else moved

    def _registered(self, recipient: str) -> Mapping[str, FactValue]:
        """Return what the register says of the recipient on the day of the step."""
        is_self = recipient == self.command.volunteer
        person = self.asker.person if is_self else self.counter.registered(VolunteerId(recipient))
        return person_facts(person, self.command.on, EVERYTHING)

    def _moved(self, made: ServiceRequest, queue: Queue | None) -> Moved:
        rulebook, command, actor = self.rulebook, self.command, self._actor()
        on = command.on
        match command.step:
            case Step.MATCH:
                assert queue is not None
                return match_volunteer(
                    rulebook, made, on, actor, command.served_by, queue, self._registered(made.recipient)
                )
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
            case Step.REVOKE:
                return revoke_service(rulebook, made, on, actor, command.reason)
            case Step.REQUEST:
                raise AssertionError("a request is made once")

    def _candidates(self) -> Queue | None:
        made = self.made
        if made is None or self.command.step is not Step.MATCH:
            return None
        return listed(self.counter.queue(made), self.command.served_by)

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
        """Settle so much of what is held and release the rest; a hold that has ended by itself is released already.

        A run of an earlier version may have ended it under a service; then what is to be paid is taken anew.
        """
        account = self.asker.account_kept(made.account)
        begun = begun_by(self._county, made.id)
        if account is None or begun is None:
            return None, county_reason(self.rulebook, "no_account", account=made.account)
        wallet, number = self.asker.wallet(account), begun[1]
        if released and number not in wallet.holds:
            return None, None
        before = besides(wallet)
        wallet.next_lot = first_lot(self.asker.number + 1)
        on, there = self.command.on, number in wallet.holds
        if released:
            done = wallets.release(wallet, number, on)
        elif there:
            done = wallets.settle(wallet, number, on, amount, for_request=True)
        else:
            if (short := self.passing.cannot_lend(wallet, on, amount)) is not None:
                return None, short
            for_family = made.for_whom is not Beneficiary.SELF
            done = wallets.spend(wallet, on, amount, Purpose.SERVICE, family=for_family)
        if done.refused is not None:
            return None, done.refused
        effects.add(wallet, done, before)
        return (number if there else None), None

    def _refund(self, made: ServiceRequest, amount: int, effects: Effects) -> tuple[dict[str, Any], Reason | None]:
        """Give back what was paid to the lots that it came from; out of a closed passbook it leaves as the rest did.

        Returned is what the entry says of that, and why nothing can be given back.
        """
        account = self.asker.account_kept(made.account)
        begun = begun_by(self._county, made.id)
        if account is None or begun is None:
            return {}, county_reason(self.rulebook, "no_account", account=made.account)
        wallet, on, asker = self.asker.wallet(account), self.command.on, self.command.volunteer
        before, paid_by = besides(wallet), made.paid_by or begun[1]
        wallet.next_lot = first_lot(self.asker.number + 1)
        taken = self.counter.lots_taken(asker, paid_by)
        parts = wallets.parts_paid([(lot, part) for _account, lot, part in taken], amount)
        self.counter.load_lots(self.asker, wallet, [lot for lot, _part in parts if lot != OWED])
        done = wallets.refund(wallet, on, amount, parts, paid_by)
        if done.refused is not None:
            return {}, done.refused
        effects.add(wallet, done, before)
        closed = self.asker.closings.now
        left = None if closed is None else closes_again(wallet, effects, closed, on, asker, self.passing, None)
        if closed is None or left is None:
            return {}, None
        return {LEFT_UNDER: closed.entry, "closes": [left], **({"heir": closed.heir} if closed.heir else {})}, None

    def _record(self, effect: Served) -> ServiceRecord:
        """Return the record of a service, to be booked for whoever served."""
        zone = ZoneInfo(self.rulebook.policy.county.time_zone)
        began = midnight(effect.on, zone)
        return ServiceRecord(
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
            facts=self._sayable(effect.facts),
        )

    def _sayable(self, facts: Mapping[str, FactValue]) -> dict[str, FactValue]:
        """Return what a record may say of these facts."""
        known = self.rulebook.policy.facts
        return {name: value for name, value in facts.items() if _is_value(known.get(name), value)}

    # --- what is written ---------------------------------------------------------------------------------------------

    def _refuse(
        self, reasons: Iterable[Reason], clause: Clause | None = None, more: dict[str, Any] | None = None
    ) -> TakenStep:
        self.passing.taken()  # nothing of it is written
        said = {"allowed": False, "reasons": [reason_data(reason) for reason in reasons]}
        made = {} if self.made is None else {"request": request_data(self.made)}
        where = clause_data(clause or self.rulebook.policy.county.clause)
        return TakenStep(self._draft(REFUSED, {**where, **said, **made, **(more or {})}, Effects()))

    def _draft(self, kind: str, said: dict[str, Any], effects: Effects) -> Draft:
        command = self.command
        self.asker.number += 1
        self.passing.share(self.asker.person.id, effects, command.on, "overflow", command.actor)
        body = {"asked": asked_data(command), "step": command.step.value, **said}
        draft = draft_of(self.rulebook, self.asker, kind, body, effects, command.on, command.actor, command.reason)
        draft.key = Key(command.scope, command.key, self.hashed)
        return draft

    @property
    def _county(self) -> CountyId:
        return self.rulebook.policy.county.id

    def _actor(self) -> Actor:
        return Actor(self.command.actor, self.command.organiser)

    def _service(self) -> str:
        return self.command.service if self.made is None else self.made.request

    def _of_menu(self) -> Request | None:
        """Return the service; what leads towards one has to be on the menu, what was begun comes to its end without."""
        if self.made is not None and self.command.step not in TOWARDS:
            return menu_request(self.rulebook, self.made)
        return next((one for one in self.rulebook.policy.menu if one.clause.id == self._service()), None)

    def _unit(self, id: str) -> str:
        account = self.asker.account_kept(id)
        return "" if account is None else UNITS[account.unit]


def _is_value(fact: Fact | None, value: FactValue) -> bool:
    """Tell whether a record may say this: a fact of the county, of its type, and one of its values."""
    if fact is None or isinstance(value, str) is not (fact.type is FactType.TEXT):
        return False
    return not fact.values or value in {one.id for one in fact.values}
