"""Serving commands: each is decided once, written once, and answered alike for ever.

A teller serves several commands in one transaction; `Window` lets many callers share transactions: whoever comes while
one is being committed goes into the next. What was answered is durable.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from types import TracebackType
from typing import Any

import orjson

from lianxing.engine.bank.answering import Brought, Counter, LastStep
from lianxing.engine.bank.closings import closings
from lianxing.engine.bank.customers import Customer, customers, lot_of
from lianxing.engine.bank.deciding import decide
from lianxing.engine.bank.keeping import keep_policy
from lianxing.engine.bank.minding import about, stock_taken
from lianxing.engine.bank.redeeming import APPROVED
from lianxing.engine.bank.request_data import request_id, requests_in
from lianxing.engine.bank.requests import check, request_hash
from lianxing.engine.bank.sharing import lenders, organisation_owner, shared
from lianxing.engine.bank.star_points import brings_points
from lianxing.engine.closings import OPEN, is_of_record, left_in, says_what_left
from lianxing.engine.garbage import set_up, taken_down
from lianxing.engine.ledger.drafts import BROUGHT, DECLARED, REFUSED, Draft
from lianxing.engine.ledger.errors import (
    BusyError,
    InvalidError,
    KeyMismatchError,
    RefusedError,
)
from lianxing.engine.ledger.opening import Ledger
from lianxing.engine.ledger.reading import Reading
from lianxing.engine.ledger.stored import StoredCommand
from lianxing.engine.ledger.writing import Writing
from lianxing.engine.pooling import pools, says_who_holds
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.wallet import Part, Wallet
from lianxing.rules.accounts import Recipient
from lianxing.rules.commands import Bring, Close, Command, Declare, Decline, Give, Grant, Refund, Release, Settle
from lianxing.rules.facts import CountyId, VolunteerId
from lianxing.rules.families import Relation
from lianxing.rules.policy import Policy

ATTEMPTS = 6
TOGETHER_MAX = 256
# Who has just been answered often asks again at once: a window that served several waits so long for each of them.
PAUSE_SECONDS = 0.0003


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a command: the entry that keeps it, and its body. `replayed`: it was given before."""

    entry: int
    accepted: bool
    body: bytes
    replayed: bool = False

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = orjson.loads(self.body)
        return data


Outcome = Answer | InvalidError | KeyMismatchError


class Teller:
    """Serves commands of one county by its rules."""

    def __init__(self, ledger: Ledger, rulebook: Rulebook) -> None:
        self._ledger = ledger
        self._rulebook = rulebook

    def serve(self, command: Command) -> Answer:
        """Answer one command.

        InvalidError for a command that no bank can do, KeyMismatchError where the key was used for something else;
        neither writes anything. BusyError may be tried again; InDoubtError too, with the same key.
        """
        (outcome,) = self.serve_all([command])
        if isinstance(outcome, Answer):
            return outcome
        raise outcome

    def serve_all(self, commands: Sequence[Command]) -> list[Outcome]:
        """Answer several commands in their order, in one transaction: all that can be done is done, or none is."""
        outcomes: list[Outcome | None] = [_unfit(command, self._rulebook) for command in commands]
        fit = [(at, command) for at, command in enumerate(commands) if outcomes[at] is None]
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answers = self._served([command for _at, command in fit])
                break
            except (BusyError, RefusedError):
                # Somebody else was faster: to a passbook, to the last of a stock, or with the same key.
                if attempt == ATTEMPTS:
                    raise
        for (at, _command), answer in zip(fit, answers, strict=True):
            outcomes[at] = answer
        return [outcome for outcome in outcomes if outcome is not None]

    def rehearse(self, command: Command) -> Answer:
        """Tell what would become of a command, and write nothing; `entry` is 0 where it was not answered before."""
        unfit = _unfit(command, self._rulebook)
        if unfit is not None:
            raise unfit
        with self._ledger.reading() as reading:
            before = reading.commands([(command.scope, command.key)]).get((command.scope, command.key))
            if before is None:
                counter = self._counter(reading, [command])
                numbers = reading.numbers(command.county, counter.people)
                for id, customer in counter.people.items():
                    customer.number = numbers.get(id, 0)
                decision = decide(counter, command)
                return Answer(0, decision.accepted, decision.drafts[0].body)
        outcome = answered_before(command, before, request_hash(command))
        if isinstance(outcome, Answer):
            return outcome
        raise outcome

    def _counter(self, reading: Reading, commands: Sequence[Command]) -> Counter:
        """Return what commands are decided with, from one snapshot."""
        county = self._rulebook.policy.county.id
        people = list(dict.fromkeys(id for command in commands for id in people_of(command, self._rulebook.policy)))
        letting_go = any(isinstance(command, Settle | Release | Decline | Refund | Close) for command in commands)
        latest = max((command.on for command in commands), default=date.min)
        asked = about(commands, self._rulebook.policy)
        found = customers(reading, self._rulebook, people, parts=letting_go or latest, about=asked)
        lent = [id for id in dict.fromkeys(id for one in found.values() for id in one.lent_by) if id not in found]
        if lent and isinstance(reading, Writing):
            reading.lock((id, county) for id in lent)
        return Counter(
            self._rulebook,
            found | customers(reading, self._rulebook, lent) if lent else found,
            stock_taken(reading, self._rulebook.policy),
            lambda id, entry: reading.taken((id, county), entry),
            lambda customer, wallet, lots: load_lots(reading, customer, wallet, lots),
            lambda id: family(reading, county, id),
            lambda id, other, entry: _brought(reading, id, other, entry),
            lambda id: approved(reading, county, [id]).get(id, ()),
            lambda id: knows(reading, county, id),
            lambda id, entry: requests_in(reading, county, [id]).get(request_id(county, id, entry)),
            lambda id, entry: bought(reading, county, id, entry),
            lambda id, entry: last_step(reading, county, id, entry),
        )

    def _served(self, commands: Sequence[Command]) -> list[Outcome]:
        if not commands:
            return []
        policy = self._rulebook.policy
        with self._ledger.writing() as writing:
            keep_policy(writing, policy)
            people = list(dict.fromkeys(id for command in commands for id in people_of(command, policy)))
            writing.lock([*((id, policy.county.id) for id in people), *_left(commands)])
            known = writing.commands((command.scope, command.key) for command in commands)
            counter = self._counter(writing, commands)
            for id, customer in counter.people.items():
                customer.number = writing.number((id, policy.county.id))
            outcomes: list[Outcome] = []
            drafts: list[Draft] = []
            for command in commands:
                hashed = request_hash(command)
                before = known.get((command.scope, command.key))
                if before is not None:
                    outcomes.append(answered_before(command, before, hashed))
                    continue
                decision = decide(counter, command)
                body = decision.drafts[0].body
                number = decision.drafts[0].number
                known[command.scope, command.key] = StoredCommand(hashed, number, decision.drafts[0].kind, body)
                drafts += [*decision.before, *decision.drafts]
                outcomes.append(Answer(number, decision.accepted, body))
            writing.enter(drafts, last=True)
        return outcomes


def people_of(command: Command, policy: Policy) -> Iterable[VolunteerId]:
    """Yield whose passbooks a command may change: the person's, the other one's, and those of pools."""
    yield command.volunteer
    match command:
        case Give(to_whom=Recipient.INSTITUTION):
            yield organisation_owner(command.recipient)
        case Give(recipient=other) | Close(heir=other):
            if other:
                yield other
        case Declare() if pools(policy):  # whose next record may be held by the person
            yield from (id for id, _relation in command.family)
    if isinstance(command, Give | Grant | Close | Bring) or brings_points(policy):
        yield from shared(policy)
    else:
        yield from lenders(policy)


def family(reading: Reading, county: CountyId, person: VolunteerId) -> dict[VolunteerId, Relation]:
    """Return the family that a person has declared last."""
    found: list[list[str]] = []
    for entry in reading.of_kinds((DECLARED,), county, [person]):
        found = orjson.loads(entry.body)["family"]
    return {VolunteerId(id): Relation(relation) for id, relation in found}


def approved(
    reading: Reading, county: CountyId, people: Iterable[VolunteerId] | None = None
) -> dict[VolunteerId, set[int]]:
    """Return the entries of these people, or of everybody, whose redemption was approved."""
    found: dict[VolunteerId, set[int]] = {}
    for entry in reading.of_kinds((APPROVED,), county, people):
        found.setdefault(entry.volunteer, set()).add(orjson.loads(entry.body)["asked"]["entry"])
    return found


def bought(reading: Reading, county: CountyId, person: VolunteerId, entry: int) -> Mapping[str, Any]:
    """Return what an entry of a passbook says; nothing where there is none."""
    said = reading.body_of((person, county), entry)
    return orjson.loads(said) if said else {}


def last_step(reading: Reading, county: CountyId, person: VolunteerId, entry: int) -> LastStep | None:
    """Return on which step rests what becomes of something that was had or reserved under an entry."""
    steps = [
        LastStep(one.on, one.number)
        for one in reading.steps_of((person, county), entry, APPROVED)
        if one.kind != APPROVED or orjson.loads(one.body)["asked"]["entry"] == entry
    ]
    return max(steps, default=None)


def knows(reading: Reading, county: CountyId, person: VolunteerId) -> bool:
    """Tell whether the ledger has heard of somebody: a registry has told of them, or something was done in a passbook.

    What was only refused tells nothing of them: a misspelt id is refused as well.
    """
    return bool(reading.volunteers([person])) or reading.has_done(person, county, but=REFUSED)


def _left(commands: Iterable[Command]) -> Iterable[tuple[VolunteerId, CountyId]]:
    """Yield the passbooks from which something is to be brought: of two who bring it, one waits for the other."""
    return ((one.volunteer, one.from_county) for one in commands if isinstance(one, Bring))


def _brought(reading: Reading, person: VolunteerId, county: CountyId, entry: int) -> list[Brought] | None:
    """Return what left a person's passbook in another county under an entry, unless some county has it already."""
    for before in reading.of_kinds((BROUGHT,), None, [person]):
        asked = orjson.loads(before.body)["asked"]
        if (asked["from_county"], asked["entry"]) == (county, entry):
            return None
    return left_under(reading, person, county, entry)


def left_under(reading: Reading, person: VolunteerId, county: CountyId, entry: int) -> list[Brought] | None:
    """Return what left a person's passbook of a county for another one under an entry; None where nothing did."""
    owner = (person, county)
    on, known = reading.day_of(owner, entry), closings(reading, county, [person]).get(person, OPEN).up_to(entry)
    closed = known.under(on)
    if closed is None:
        return None
    left_on = max(on, closed.on)  # what comes late may be of a day on which the passbook was open
    body = reading.body_of(owner, entry)
    if known.now is None or says_what_left(body) or is_of_record(body) or says_who_holds(body):
        return _left_late(body, left_on)
    gone = reading.in_transit(owner, entry)
    taken = [one for one in reading.taken(owner, entry) if one[0] in closed.portable]
    lots = {(lot.account, lot.number): lot for lot in reading.lots(owner, {(one[0], one[1]) for one in taken})}
    parts: dict[str, list[Part]] = {}
    for account, number, amount in taken:
        lot = lots[account, number]
        if lot.ends >= on:
            parts.setdefault(closed.portable[account], []).append((lot.earned_on, lot.ends, amount))
    found = [Brought(unit, tuple(some), left_on) for unit, some in parts.items()]
    # What left for somewhere else, or only ended, is not brought.
    arrives = [one for one in found if sum(part[2] for part in one.parts) <= gone.get(one.unit, 0)]
    return arrives if arrives or not found else None


def _left_late(body: bytes, left_on: date) -> list[Brought] | None:
    """Return what of a record has left that came too late for a closing, where its body says so."""
    parts: dict[str, list[Part]] = {}
    for unit, earned_on, last_day, amount in left_in(body):
        parts.setdefault(unit, []).append((date.fromisoformat(earned_on), date.fromisoformat(last_day), amount))
    return [Brought(unit, tuple(some), left_on) for unit, some in parts.items()] or None


def load_lots(reading: Reading, customer: Customer, wallet: Wallet, lots: Iterable[int]) -> None:
    id = wallet.account.clause.id
    missing = {(id, number) for number in lots if number not in wallet.lots}
    for row in reading.lots(customer.owner, missing):
        wallet.lots[row.number] = lot_of(row)


def _unfit(command: Command, rulebook: Rulebook) -> InvalidError | None:
    try:
        check(command)
    except InvalidError as error:
        return error
    if command.county != rulebook.policy.county.id:
        return InvalidError(
            "command.county", f"这里办的是 {rulebook.policy.county.id}", f"this serves {rulebook.policy.county.id}"
        )
    return None


def answered_before(command: Command, before: StoredCommand, hashed: str) -> Outcome:
    """Return the answer that a key was given; KeyMismatchError where it was given to something else."""
    if before.request_hash != hashed:
        return KeyMismatchError(
            command.scope,
            "这个请求编号已用于别的请求，本次什么也没有做",
            "this key was used for another request; nothing was done",
        )
    return Answer(before.entry, before.kind != REFUSED, before.body, replayed=True)


def _is_wanted(answer: Future[Answer]) -> bool:
    """Tell whether somebody waits for an answer, and that it is under way: it is not cancelled any more."""
    if answer.done() and not answer.cancelled():  # whoever asked has answered it themselves
        return False
    with suppress(RuntimeError):  # the same, just now
        return answer.set_running_or_notify_cancel()
    return False


_Caller = tuple[Command, "Future[Answer]"]


class Window:
    """Lets many callers share transactions: one thread writes, whoever waits meanwhile is served together.

    On a database with one writer this is faster than everybody for themselves, and fair: first come, first served. A
    command whose answer is cancelled before it is its turn is not done; then it is too late, and `cancel` says so.
    """

    def __init__(self, teller: Teller, together_max: int = TOGETHER_MAX) -> None:
        self._teller = teller
        self._together_max = together_max
        self._waiting: SimpleQueue[_Caller | None] = SimpleQueue()
        self._closed = False
        self._door = Lock()  # nobody comes in behind whoever closes
        self._thread = Thread(target=self._work, name="lianxing-window", daemon=True)
        set_up()
        self._thread.start()

    def serve(self, command: Command) -> Answer:
        """Answer one command, as `Teller.serve` does."""
        return self.ask(command).result()

    def ask(self, command: Command) -> Future[Answer]:
        """Take a command; the answer comes when it is durable. RuntimeError where the window is closed."""
        answer: Future[Answer] = Future()
        with self._door:
            if self._closed:
                raise RuntimeError("the window is closed: the command was not taken")
            self._waiting.put((command, answer))
        return answer

    def close(self) -> None:
        """Serve whoever waits, and close."""
        with self._door:
            if not self._closed:
                self._closed = True
                self._waiting.put(None)
                taken_down()
        self._thread.join()

    def __enter__(self) -> Window:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _work(self) -> None:
        open, expected = True, 0
        while open:
            first = self._waiting.get()
            if first is None:
                return
            group = [first]
            while len(group) < self._together_max:
                try:
                    coming = 1 < expected > len(group)  # nobody who comes alone is kept waiting for others
                    one = self._waiting.get(timeout=PAUSE_SECONDS) if coming else self._waiting.get_nowait()
                except Empty:
                    break
                if one is None:
                    open = False
                    break
                group.append(one)
            self._serve([one for one in group if _is_wanted(one[1])])
            expected = len(group) + self._waiting.qsize()

    def _serve(self, group: list[_Caller]) -> None:
        if not group:
            return
        outcomes: Sequence[Answer | BaseException]
        try:
            outcomes = self._teller.serve_all([command for command, _answer in group])
        except BaseException as error:  # whoever waits must be told, whatever happened
            if len(group) > 1 and isinstance(error, Exception) and not isinstance(error, BusyError):
                for one in group:  # one that cannot be served must not take the others with it
                    self._serve([one])
                return
            outcomes = [error] * len(group)
        for (_command, answer), outcome in zip(group, outcomes, strict=True):
            with suppress(InvalidStateError):  # whoever answers it themselves does not keep the others waiting
                if isinstance(outcome, BaseException):
                    answer.set_exception(outcome)
                else:
                    answer.set_result(outcome)
