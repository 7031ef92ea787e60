"""The life of a request for service: each step is allowed or refused with reasons, and says what is to be booked.

Pure: the bank keeps the request and carries out the effects. The price is held when the request is made; what the
recipient confirms is settled from it and the rest released, and every other end releases all of it. What turns out to
be no service is revoked: what was paid goes back, and the record is taken back.

    requested -> matched -> (posted) -> served -> confirmed -> evaluated
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from lianxing.engine.amounts import value_text
from lianxing.engine.entrances import begins_in
from lianxing.engine.menu import LISTED_MAX, Asker, Queue, why_not_ask, why_not_receive
from lianxing.engine.reading.perks import STARS_FACT
from lianxing.engine.review import EVALUATION_FACTS, worked_out
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.wallet import may_spend
from lianxing.rules.accounts import Account, Purpose
from lianxing.rules.conditions import AllOf
from lianxing.rules.dates import Dated
from lianxing.rules.facts import FactType, FactValue, Scope
from lianxing.rules.known_facts import TARGET_GROUP
from lianxing.rules.menu import MenuTies, PricedPer, Request, Silence
from lianxing.rules.periods import Term
from lianxing.rules.perks import Beneficiary
from lianxing.rules.places import Label, Location
from lianxing.rules.redeeming import Reason
from lianxing.rules.requests import (
    Actor,
    Effect,
    Evaluated,
    Hold,
    Moved,
    Party,
    Refund,
    Release,
    RequestState,
    Served,
    ServiceRequest,
    Settle,
    Step,
    Unserved,
)

SERVICE_SECONDS_MAX = 86_400  # a request is for one service, on one day
AMOUNT_MAX = 10**15
NAMED_MAX = 20  # of many who come first
_ONE_DAY = timedelta(days=1)
_HOUR = 3600

REQUESTED, MATCHED, POSTED = RequestState.REQUESTED, RequestState.MATCHED, RequestState.POSTED
SERVED, CONFIRMED, EVALUATED = RequestState.SERVED, RequestState.CONFIRMED, RequestState.EVALUATED

# From where each step leads on, and who takes it; `expire` is for everybody, the calendar decides.
FROM: Mapping[Step, tuple[RequestState, ...]] = {
    Step.MATCH: (REQUESTED,),
    Step.POST: (MATCHED,),
    Step.SERVE: (MATCHED, POSTED),
    Step.CONFIRM: (SERVED,),
    Step.EVALUATE: (CONFIRMED,),
    Step.WITHDRAW: (MATCHED, POSTED),
    Step.CANCEL: (REQUESTED, MATCHED, POSTED),
    Step.DECLINE: (REQUESTED, MATCHED, POSTED, SERVED),
    Step.EXPIRE: (REQUESTED, MATCHED, POSTED, SERVED),
    Step.REVOKE: (CONFIRMED, EVALUATED),
}
BY: Mapping[Step, tuple[Party, ...]] = {
    Step.REQUEST: (Party.ASKER, Party.ORGANISER),
    Step.MATCH: (Party.ORGANISER,),
    Step.POST: (Party.ORGANISER,),
    Step.SERVE: (Party.VOLUNTEER, Party.ORGANISER),
    Step.CONFIRM: (Party.RECIPIENT, Party.ASKER),
    Step.EVALUATE: (Party.RECIPIENT, Party.ASKER),
    Step.WITHDRAW: (Party.VOLUNTEER, Party.ORGANISER),
    Step.CANCEL: (Party.ASKER, Party.RECIPIENT),
    Step.DECLINE: (Party.ORGANISER,),
    Step.REVOKE: (Party.ORGANISER,),
}
# What leads a request towards a service; every other step brings what was begun to its end.
TOWARDS = frozenset((Step.REQUEST, Step.MATCH, Step.POST))
# What nobody does in a matter of their own, with whatever authority.
_NOT_BY_THE_VOLUNTEER = frozenset((Step.MATCH, Step.CONFIRM, Step.EVALUATE))
_AT_ANY_TIME = frozenset((Step.CANCEL, Step.DECLINE, Step.WITHDRAW, Step.REVOKE))
_ASTRAY = frozenset(("state", "no_service"))  # of the wrong step nothing else is asked


@dataclass(frozen=True)
class Wanted:
    """What somebody asks for: a service for a recipient, for so long; `seconds` is 0 where no time is said.

    `family` is the declared family of the asker, by id; `available` what the account has, in its unit.
    """

    id: str
    asker: Asker
    recipient: str
    seconds: int = 0
    available: int = 0
    family: Mapping[str, Beneficiary] = field(default_factory=dict)


def request_service(rulebook: Rulebook, request: Request, on: date, actor: Actor, wanted: Wanted) -> Moved:
    """Return a new request with the hold of its price, or every reason why there is none."""
    price, account = _price(request, wanted.asker, on), _account(rulebook, request)
    reasons = [
        *_who_asks(rulebook, request, on, actor, wanted),
        *_what_it_takes(request, account, price, on, wanted),
    ]
    if reasons:
        return Moved(Step.REQUEST, None, (), tuple(reasons))
    amount = _cost(_per(request), price or 0, wanted.seconds)
    hold = account is not None and account.hold_days is not None and amount > 0
    until = on + timedelta(days=account.hold_days.on(on)) if hold and account and account.hold_days else None
    group = wanted.asker.served.get(TARGET_GROUP, "")
    made = ServiceRequest(
        id=wanted.id,
        request=request.clause.id,
        asker=wanted.asker.id,
        recipient=wanted.recipient,
        for_whom=wanted.asker.for_whom,
        state=REQUESTED,
        requested_on=on,
        since=on,
        seconds=wanted.seconds,
        recipient_group=group if isinstance(group, str) else "",
        account=account.clause.id if account is not None else "",
        price=price or 0,
        per=_per(request),
        held=amount,
        held_until=until,
        recorded_as=request.recorded_as,
    )
    effects = () if until is None else (Hold(made.asker, made.account, amount, until),)
    return Moved(Step.REQUEST, made, effects)


def match_volunteer(
    rulebook: Rulebook,
    made: ServiceRequest,
    on: date,
    actor: Actor,
    volunteer: str,
    candidates: Queue,
    recipient: Mapping[str, FactValue],
) -> Moved:
    """Match a volunteer with a request: the first of its candidates, or any of those who share the first place.

    `recipient` are facts of the person who is to be served: they have to meet the condition on this day, too.
    """
    request = menu_request(rulebook, made)
    reasons = [*_refusals(rulebook, request, made, Step.MATCH, on, actor, volunteer)]
    reasons += why_not_receive(rulebook, request, on, recipient)
    reasons += _not_the_first(request, volunteer, candidates)
    if volunteer in (made.asker, made.recipient):
        reasons = [reason for reason in reasons if reason.code != "own_request"]
        reasons.append(_reason(request, "own_request", id=volunteer))
    return _moved(made, Step.MATCH, on, reasons, state=MATCHED, volunteer=volunteer)


def post_match(rulebook: Rulebook, made: ServiceRequest, on: date, actor: Actor) -> Moved:
    """Put the match up for everybody to see; the service may begin on the day after the notice."""
    request = menu_request(rulebook, made)
    reasons = [*_refusals(rulebook, request, made, Step.POST, on, actor)]
    if request.notice_days is None:
        reasons.append(_reason(request, "no_notice"))
        return _moved(made, Step.POST, on, reasons)
    notice = Term(working_days=request.notice_days.on(on))
    return _moved(made, Step.POST, on, reasons, state=POSTED, notice_until=rulebook.calendar.end_of_period(on, notice))


def report_service(
    rulebook: Rulebook, made: ServiceRequest, on: date, actor: Actor, seconds: int, served_on: date | None = None
) -> Moved:
    """Note that the volunteer has served, for how long, and on which day: today, or since the match."""
    day = on if served_on is None else served_on
    request = menu_request(rulebook, made)
    reasons = [*_refusals(rulebook, request, made, Step.SERVE, on, actor)]
    if request.notice_days is not None and made.state is MATCHED:
        reasons.append(_reason(request, "not_posted", days=request.notice_days.on(on)))
    first = made.since if made.notice_until is None else made.notice_until + _ONE_DAY
    if day < first:
        reasons.append(_reason(request, "too_early", first_day=first.isoformat()))
    if day > on:
        reasons.append(_reason(request, "too_late", last_day=on.isoformat()))
    most = made.seconds if made.per is PricedPer.HOUR else SERVICE_SECONDS_MAX
    reasons += _time_within(request, seconds, most)
    reported = replace(made, state=SERVED, since=on)
    due = _due(rulebook, request, reported) if _is_silent(request, reported) else None
    return _moved(
        made,
        Step.SERVE,
        on,
        reasons,
        state=SERVED,
        served_on=day,
        served_seconds=seconds,
        confirmed_after=None if due is None else due[0],
    )


def confirm_service(rulebook: Rulebook, made: ServiceRequest, on: date, actor: Actor, seconds: int) -> Moved:
    """Confirm the service and its time: what that costs is settled, the rest released, the service recorded.

    By the recipient or whoever asked. Where the menu says that silence confirms, the organiser does so once the time
    for it is over.
    """
    request = menu_request(rulebook, made)
    reasons = [*_refusals(rulebook, request, made, Step.CONFIRM, on, actor)]
    reasons += _time_within(request, seconds, made.served_seconds)
    if reasons or made.served_on is None:
        return _moved(made, Step.CONFIRM, on, reasons)
    settled = min(made.held, _cost(made.per, made.price, seconds))
    facts: dict[str, FactValue] = {"kind": "service", "recipient": made.recipient}
    if made.recipient_group:
        facts["recipient_group"] = made.recipient_group
    begins = begins_in(rulebook.policy, request)
    if begins:  # its review has time from the day on which the record is there, however long the service was waited for
        facts |= {"state": begins, "recorded_on": on.toordinal()}
    effects: tuple[Effect, ...] = (
        *_booked(made, settled),
        Served(made.id, made.volunteer, made.served_on, seconds, made.request, facts),
    )
    return _moved(
        made,
        Step.CONFIRM,
        on,
        reasons,
        effects,
        state=CONFIRMED,
        confirmed_on=on,
        confirmed_seconds=seconds,
        settled=settled,
    )


def evaluate_service(
    rulebook: Rulebook, made: ServiceRequest, on: date, actor: Actor, said: Mapping[str, FactValue]
) -> Moved:
    """Evaluate a service that is confirmed: a grade and a score, or what both follow from on the county's axes."""
    request = menu_request(rulebook, made)
    reasons = [*_refusals(rulebook, request, made, Step.EVALUATE, on, actor)]
    reasons += _not_an_evaluation(rulebook, request, said)
    facts: dict[str, FactValue] = {**said, "evaluator": Party.RECIPIENT.value, "evaluated_on": on.toordinal()}
    return _moved(
        made,
        Step.EVALUATE,
        on,
        reasons,
        (Evaluated(made.id, made.volunteer, facts),),
        state=EVALUATED,
        evaluated_on=on,
        evaluation=dict(said),
    )


def revoke_service(rulebook: Rulebook, made: ServiceRequest, on: date, actor: Actor, why: str) -> Moved:
    """Take back what was confirmed and was no service: what was paid goes back, the record is taken back.

    By the organiser, who says why, at any time.
    """
    request = menu_request(rulebook, made)
    reasons = [*_refusals(rulebook, request, made, Step.REVOKE, on, actor)]
    if not why.strip():
        reasons.append(_reason(request, "reason_missing"))
    paid = (Refund(made.asker, made.account, made.settled),) if made.settled else ()
    effects: tuple[Effect, ...] = (*paid, Unserved(made.id, made.volunteer))
    return _moved(made, Step.REVOKE, on, reasons, effects, state=RequestState.REVOKED, settled=0)


def withdraw_volunteer(rulebook: Rulebook, made: ServiceRequest, on: date, actor: Actor) -> Moved:
    """Let the matched volunteer step back: the request waits again, and is not offered to this volunteer once more.

    What is held for it waits as long again as on the first day.
    """
    reasons = [*_refusals(rulebook, menu_request(rulebook, made), made, Step.WITHDRAW, on, actor)]
    return _moved(
        made,
        Step.WITHDRAW,
        on,
        reasons,
        state=REQUESTED,
        volunteer="",
        withdrew=(*made.withdrew, made.volunteer),
        notice_until=None,
        held_until=_held_again(rulebook, made, on),
    )


def _held_again(rulebook: Rulebook, made: ServiceRequest, on: date) -> date | None:
    """Return until when a price waits that is held already, where its request waits again from a day on."""
    account = next((one for one in rulebook.policy.accounts if one.clause.id == made.account), None)
    if made.held_until is None or account is None or account.hold_days is None:
        return made.held_until
    return max(made.held_until, on + timedelta(days=account.hold_days.on(on)))


def cancel_request(rulebook: Rulebook, made: ServiceRequest, on: date, actor: Actor) -> Moved:
    """Take a request back before it is served; what is held for it is released."""
    return _ended(rulebook, made, Step.CANCEL, on, actor, RequestState.CANCELLED)


def decline_request(rulebook: Rulebook, made: ServiceRequest, on: date, actor: Actor) -> Moved:
    """End a request for the organiser: nobody can serve it, an objection was right, the service did not take place."""
    return _ended(rulebook, made, Step.DECLINE, on, actor, RequestState.DECLINED)


def expire_request(rulebook: Rulebook, made: ServiceRequest, on: date, actor: Actor) -> Moved:
    """End a request whose time is over: its next step was not taken, or nobody was matched while its price was held."""
    return _ended(rulebook, made, Step.EXPIRE, on, actor, RequestState.EXPIRED)


def menu_request(rulebook: Rulebook, made: ServiceRequest) -> Request:
    """Return the service of the menu that a request is for; where the menu has it no longer, what the request keeps.

    Of that nothing is said but its name, the state in which its record begins, and when silence confirms.
    """
    found = on_menu(rulebook, made)
    if found is not None:
        return found
    county = rulebook.policy.county.clause
    return Request(
        clause=replace(county, id=made.request, label=Label()),
        request=made.request,
        recipients=(made.for_whom,),
        eligible=AllOf((), county.location),
        rank_by=(),
        ties=MenuTies.ALL,
        on_silence=Silence.LAPSES if made.confirmed_after is None else Silence.CONFIRMS,
        recorded_as=made.recorded_as,
    )


def on_menu(rulebook: Rulebook, made: ServiceRequest) -> Request | None:
    """Return the service that a request is for as it stands on the menu; None where it was taken off."""
    return next((one for one in rulebook.policy.menu if one.clause.id == made.request), None)


def last_day(rulebook: Rulebook, made: ServiceRequest) -> tuple[date, Location] | None:
    """Return the last day on which a request can go on, with the line that says so; None is without a deadline.

    Its deadline; while nobody is matched, the end of its hold where that is earlier. Of a request that is confirmed,
    the last day to evaluate it; where silence confirms, a service waits for that without an end.
    """
    request = menu_request(rulebook, made)
    days: list[tuple[date, Location]] = []
    due = _due(rulebook, request, made)
    if due is not None and not _is_silent(request, made):
        days.append(due)
    if made.held_until is not None and made.state is REQUESTED:
        place = request.clause.location if request.priced is None else request.priced.location
        days.append((made.held_until, place))
    return min(days) if days else None


def organiser_confirms_after(rulebook: Rulebook, made: ServiceRequest) -> date | None:
    """Return the day after which the organiser confirms a service if nobody has; None where nobody does it for them."""
    request = menu_request(rulebook, made)
    due = _due(rulebook, request, made) if _is_silent(request, made) else None
    return None if due is None else due[0]


def stays_held(made: ServiceRequest, on: date) -> bool:
    """Tell whether what is held for a request is held on a day, whatever the reservation's own last day.

    While nobody is matched, to the end of `held_until`; then as long as the request is open: nobody serves, or has
    served, for a price that may be gone.
    """
    if made.state is REQUESTED:
        return made.held_until is None or on <= made.held_until
    return not made.ended


def _is_silent(request: Request, made: ServiceRequest) -> bool:
    return made.state is SERVED and request.on_silence is Silence.CONFIRMS


def _due(rulebook: Rulebook, request: Request, made: ServiceRequest) -> tuple[date, Location] | None:
    """Return the last day by which the next step is to be taken; off the menu, what was said to who served."""
    if on_menu(rulebook, made) is None:
        after = made.confirmed_after if made.state is SERVED else None
        return None if after is None else (after, request.clause.location)
    deadlines = request.deadlines
    said: Mapping[RequestState, tuple[Dated[Term] | None, date]] = {
        REQUESTED: (deadlines.matched, made.since),
        MATCHED: (deadlines.served, made.since),
        POSTED: (deadlines.served, made.notice_until or made.since),
        SERVED: (deadlines.confirmed, made.since),
        CONFIRMED: (deadlines.evaluated, made.since),
    }
    term, begins = said.get(made.state, (None, made.since))
    if term is None:
        return None
    entry = term.since(begins)
    return rulebook.calendar.end_of_period(begins, entry.value), entry.location


# --- refusals ----------------------------------------------------------------------------------------------------


def _refusals(
    rulebook: Rulebook,
    request: Request,
    made: ServiceRequest,
    step: Step,
    on: date,
    actor: Actor,
    volunteer: str = "",
) -> Iterator[Reason]:
    """Yield what stands against any step: the state, the day, and who takes it."""
    if made.state not in FROM[step]:
        after = ", ".join(state.value for state in FROM[step])
        yield _reason(request, "state", state=made.state.value, after=after)
        return
    if step in TOWARDS and on_menu(rulebook, made) is None:
        yield _reason(request, "no_service", service=made.request)
        return
    if on < made.since:
        yield _reason(request, "too_early", first_day=made.since.isoformat())
    last = last_day(rulebook, made)
    if step is Step.EXPIRE:
        if last is None:
            yield _reason(request, "no_deadline")
        elif on <= last[0]:
            yield Reason("too_early", request.clause, last[1], (("first_day", _after(last[0])),))
        return
    if last is not None and on > last[0] and step not in _AT_ANY_TIME:
        yield Reason("too_late", request.clause, last[1], (("last_day", last[0].isoformat()),))
    parties, serves = _parties(made, actor), volunteer or made.volunteer
    if actor.organiser and not actor.id.strip():
        yield _reason(request, "no_actor")
    elif step in _NOT_BY_THE_VOLUNTEER and serves and actor.id == serves:
        yield _reason(request, "own_service", id=actor.id)
    elif actor.organiser and _is_own(made, step, actor):
        yield _reason(request, "own_payment", id=actor.id)
    elif not parties & {*BY[step]}:
        yield from _not_theirs(rulebook, request, made, step, on, parties)


def _not_theirs(
    rulebook: Rulebook, request: Request, made: ServiceRequest, step: Step, on: date, parties: Collection[Party]
) -> Iterator[Reason]:
    """Yield why the step is not this person's; of a silent recipient, from which day on it is the organiser's."""
    by = ", ".join(party.value for party in BY[step])
    silent = step is Step.CONFIRM and request.on_silence is Silence.CONFIRMS and Party.ORGANISER in parties
    due = _due(rulebook, request, made) if silent else None
    if due is None:
        yield _reason(request, "not_theirs", by=by)
    elif on <= due[0]:
        yield Reason("too_early", request.clause, due[1], (("first_day", _after(due[0])),))


def _is_own(made: ServiceRequest, step: Step, actor: Actor) -> bool:
    """Tell whether somebody who is concerned would say that a service was none, with which its price comes back."""
    if step is Step.DECLINE:
        return made.state is SERVED and actor.id in (made.asker, made.recipient)
    return step is Step.REVOKE and actor.id in (made.asker, made.recipient, made.volunteer)


def _parties(made: ServiceRequest, actor: Actor) -> set[Party]:
    of = {Party.ASKER: made.asker, Party.RECIPIENT: made.recipient, Party.VOLUNTEER: made.volunteer}
    found = {party for party, id in of.items() if id and id == actor.id}
    return found | {Party.ORGANISER} if actor.organiser else found


def _who_asks(rulebook: Rulebook, request: Request, on: date, actor: Actor, wanted: Wanted) -> Iterator[Reason]:
    asker = wanted.asker
    if actor.id != asker.id and not actor.organiser:
        yield _reason(request, "not_theirs", by=", ".join(party.value for party in BY[Step.REQUEST]))
    yield from why_not_ask(rulebook, request, on, asker)
    is_self = wanted.recipient == asker.id
    declared = Beneficiary.SELF if is_self else wanted.family.get(wanted.recipient)
    if declared is asker.for_whom:
        yield from why_not_receive(rulebook, request, on, asker.served)
    else:  # of strangers nobody learns whether they meet the condition
        yield _reason(request, "not_declared", for_whom=asker.for_whom.value)


def _what_it_takes(
    request: Request, account: Account | None, price: int | None, on: date, wanted: Wanted
) -> Iterator[Reason]:
    """Yield what stands against the price: none is said, the account does not reserve it, there is too little."""
    least = 1 if _per(request) is PricedPer.HOUR else 0
    yield from _time_within(request, wanted.seconds, SERVICE_SECONDS_MAX, least)
    priced = request.priced
    if priced is None or account is None:
        return
    if price is None:
        by = ", ".join(priced.price.by)
        yield Reason("no_price", request.clause, priced.price.location, (("by", by),))
        return
    amount = _cost(_per(request), price, wanted.seconds)
    if amount == 0:
        return
    unit = ("unit", account.unit.value)
    if amount > AMOUNT_MAX:
        operands = (("needed", amount), ("available", AMOUNT_MAX), unit)
        yield Reason("balance", request.clause, priced.price.location, operands)
        return
    if Purpose.SERVICE not in account.spent_on:
        yield Reason("spent_on", account.clause, account.clause.location, (("gives", Purpose.SERVICE.value),))
    if account.hold_days is None:
        yield Reason("holds", account.clause, account.clause.location)
    if not may_spend(account, wanted.available, amount, on):
        operands = (("needed", amount), ("available", wanted.available), unit)
        yield Reason("balance", request.clause, priced.price.location, operands)


def _not_the_first(request: Request, volunteer: str, candidates: Queue) -> Iterator[Reason]:
    left_out = next((one for one in candidates.left_out if one.id == volunteer), None)
    if left_out is not None:
        yield from left_out.reasons
        return
    turn = next((turn for turn in candidates.turns if turn.id == volunteer), None)
    place = request.clause.location if request.served_by is None else request.served_by.location
    if turn is None:
        yield Reason("no_candidate", request.clause, place, (("id", volunteer),))
    elif turn.place != 1:
        first = _named([one.id for one in candidates.turns if one.place == 1])
        if turn.place > LISTED_MAX:
            yield Reason("not_among_first", request.clause, place, (("first", first), ("most", LISTED_MAX)))
        else:
            yield Reason("not_first", request.clause, place, (("first", first), ("place", turn.place)))


def _named(ids: Sequence[str]) -> str:
    """Return some ids in a row, of many only the first."""
    return ", ".join((*ids[:NAMED_MAX], *(("…",) if len(ids) > NAMED_MAX else ())))


def _time_within(request: Request, seconds: int, most: int, least: int = 1) -> Iterator[Reason]:
    if not least <= seconds <= most:
        yield _reason(request, "time", said=seconds, least=least, most=most, unit="hours")


def _not_an_evaluation(rulebook: Rulebook, request: Request, said: Mapping[str, FactValue]) -> Iterator[Reason]:
    """Yield which of the words are no evaluation, follow from others, or have a value that the county does not know."""
    facts, how = rulebook.policy.facts, rulebook.policy.evaluation
    axes = () if how is None else how.axes
    follows = frozenset[str]() if how is None else worked_out(how)
    if not said:
        yield _reason(request, "evaluation", fact="evaluation", said="")
    for name, value in sorted(said.items()):
        if how is not None and name in follows:
            told = (("fact", name), ("axes", ", ".join(axes)))
            yield Reason("worked_out", how.clause, how.clause.location, told)
            continue
        fact = facts.get(name)
        known = fact is not None and fact.scope is Scope.RECORD and (name in EVALUATION_FACTS or name in axes)
        right = known and fact is not None and isinstance(value, str) is (fact.type is FactType.TEXT) and value != ""
        if right and fact is not None and fact.values:
            right = value in {one.id for one in fact.values}
        if not right:
            read = value if fact is None else value_text(fact, value, "en")
            yield _reason(request, "evaluation", fact=name, said=str(read)[:40])


def _reason(request: Request, code: str, **operands: FactValue) -> Reason:
    return Reason(code, request.clause, request.clause.location, tuple(operands.items()))


def _after(day: date) -> str:
    return (day + _ONE_DAY).isoformat()


# --- amounts -----------------------------------------------------------------------------------------------------


def _account(rulebook: Rulebook, request: Request) -> Account | None:
    if request.priced is None:
        return None
    id = request.priced.account
    return next(account for account in rulebook.policy.accounts if account.clause.id == id)


def _per(request: Request) -> PricedPer:
    return request.priced.per if request.priced is not None else PricedPer.SERVICE


def _price(request: Request, asker: Asker, on: date) -> int | None:
    """Return the price on a day, in the account's unit; None where none is said for this person."""
    if request.priced is None:
        return 0
    table = request.priced.price
    flat = {**asker.person, STARS_FACT.name: asker.star}
    said = table.since(tuple(flat.get(name) for name in table.by), on)
    return None if said is None else int(said.value)


def _cost(per: PricedPer, price: int, seconds: int) -> int:
    """Return what so much service costs; a part of the unit is not paid, so that less time never costs more."""
    return price * seconds // _HOUR if per is PricedPer.HOUR else price


def _booked(made: ServiceRequest, settled: int) -> Iterator[Effect]:
    """Yield what becomes of what is held: so much of it is settled, the rest released."""
    if settled:
        yield Settle(made.asker, made.account, settled)
    if made.held > settled:
        yield Release(made.asker, made.account, made.held - settled)


def _ended(rulebook: Rulebook, made: ServiceRequest, step: Step, on: date, actor: Actor, state: RequestState) -> Moved:
    reasons = [*_refusals(rulebook, menu_request(rulebook, made), made, step, on, actor)]
    return _moved(made, step, on, reasons, tuple(_booked(made, 0)), state=state)


def _moved(
    made: ServiceRequest,
    step: Step,
    on: date,
    reasons: list[Reason],
    effects: tuple[Effect, ...] = (),
    **changes: object,
) -> Moved:
    if reasons:
        astray = [reason for reason in reasons if reason.code in _ASTRAY]
        return Moved(step, made, (), tuple(astray or dict.fromkeys(reasons)))
    return Moved(step, replace(made, since=on, **changes), effects)  # type: ignore[arg-type]
