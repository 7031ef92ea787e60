"""What records are worth goes into accounts, each with the day on which it was earned; corrected, it is taken back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from types import MappingProxyType
from typing import Any

import orjson

from lianxing.engine import wallets
from lianxing.engine.accounts import belongs
from lianxing.engine.bank.arrivals import OF_RECORD
from lianxing.engine.bank.booking import (
    UNITS,
    UNSTORED,
    WORTH,
    Effects,
    besides,
    first_lot,
    outside_data,
    outside_in,
    passed_data,
)
from lianxing.engine.bank.customers import add_ended, wallet_from
from lianxing.engine.bank.deposits import WRITES_OFF, Worth, change, may_keep_out, on_days
from lianxing.engine.bank.earned_elsewhere import Earning, Share, earned_elsewhere, family_share, shared_service
from lianxing.engine.bank.families import NOBODY, Families
from lianxing.engine.bank.leaving import closes_again
from lianxing.engine.bank.passing import From, Passing
from lianxing.engine.bank.sharing import organisation_owner, pools_of_limits, shared
from lianxing.engine.closings import LEFT_UNDER, OPEN, Closed, Closings
from lianxing.engine.facts import EVERYTHING, past_facts, person_facts
from lianxing.engine.ledger.drafts import BOOKED_ON, Booking, Line
from lianxing.engine.ledger.holdings import WalletRows
from lianxing.engine.ledger.reading import Reading
from lianxing.engine.ledger.stored import Held
from lianxing.engine.pooling import POOLED_IN, is_pooled
from lianxing.engine.recounting import Recount, as_counted
from lianxing.engine.rulebook import HISTORY, WHERE, Rulebook
from lianxing.engine.wallet import DONATION_POOL, ISSUED, TRANSIT, Lot, Unstored, Wallet, lots_of
from lianxing.rules.accounts import Account, Holder
from lianxing.rules.assessments import Assessment
from lianxing.rules.facts import CountyId, RecordId, RegistryId, VolunteerId
from lianxing.rules.measures import HOURS, POINTS, Measure
from lianxing.rules.policy import Policy
from lianxing.rules.records import Volunteer
from lianxing.rules.standings import Counted

_Owner = tuple[VolunteerId, CountyId]
_TOGETHER = -1  # as the number of a lot: all that is there, where no lot has to be told from another


# The accounts of a policy that came after others: by its digest and that of the other.
NewAccounts = Mapping[str, Mapping[str, Collection[str]]]


def credits(rulebook: Rulebook) -> bool:
    """Tell whether records bring anything to an account of the county."""
    policy = rulebook.policy
    return any(_earns_at_all(account) for account in policy.accounts) or bool(pools_of_limits(policy))


def credited(
    rulebook: Rulebook,
    person: Volunteer,
    found: Recount,
    rows: WalletRows,
    balances: Mapping[tuple[str, str], int],
    number: int,
    today: date,
    passing: Passing | None = None,
    closings: Closings = OPEN,
    said: Mapping[tuple[str, str], Mapping[str, Any]] = MappingProxyType({}),
    new: Mapping[str, Collection[str]] = MappingProxyType({}),
    families: Families = NOBODY,
) -> list[Booking]:
    """Complete the bookings of a recount with what they do to the person's accounts, and return them.

    What goes into the passbook of a pool or an organisation, to an heir, or to who holds what a family earns together,
    is left in `passing`: entries of their own that are to be written with the bookings. Where the passbook is closed,
    what comes in goes where the rest went; where it is open again, so does what is of a day before that, and the body
    says so.
    `rows` and `balances` are what the ledger holds of them, `number` is the last entry of the passbook, `said` what
    the bodies of records say of what came in and what never did, and where, `new` which accounts came after each other
    policy, `families` who holds what a family earns.
    What is booked for a day in the past may have ended since; a run lets it go. The body of a booking says on which
    day it was booked: without that nobody could do it again.
    """
    units = [UNITS[pool.unit] for pool in pools_of_limits(rulebook.policy)]
    unstored = {key: one[UNSTORED] for key, one in said.items() if UNSTORED in one}
    booked_on = {"/".join(key): date.fromisoformat(one[BOOKED_ON]) for key, one in said.items() if BOOKED_ON in one}
    was_pooled = any(POOLED_IN in one for one in said.values())
    _with_overflows(found, units, unstored)
    if not found.bookings:
        return found.bookings
    effects = [Effects() for _booking in found.bookings]
    doing = _Crediting(rulebook, person, found, number, today, passing, closings, effects)
    after = {one.record.key: one for one in found.after}
    for account in rulebook.policy.accounts:
        if not _earns_at_all(account):
            continue
        worths = [
            _worth(rulebook, person, account, booking, found.before.get(booking.record.key), after, said, new)
            for booking in found.bookings
        ]
        if _rests_on_more(account):
            for at, worth in enumerate(worths, 1):
                doing.worths.setdefault(at, {})[account.clause.id] = worth.now
        outside = _unstored_of(account, unstored)
        if not outside and not any(worth.was or worth.now for worth in worths):
            continue
        told = [
            (booking, found.before.get(booking.record.key), worth)
            for booking, worth in zip(found.bookings, worths, strict=True)
        ]
        if account.holder in (Holder.POOL, Holder.ORGANISATION):
            doing.hand_on(account, [shared_service(account, *one) for one in told])
            continue
        if is_pooled(account) or was_pooled:
            shares = [family_share(families, person.id, account, *one, said) for one in told]
            doing.hand_on(account, shares)
            worths = [share.own for share in shares]
            if not outside and not any(worth.was or worth.now for worth in worths):
                continue
        wallet = _wallet(account, rows, balances, whole=any(worth.more < 0 or worth.redated for worth in worths))
        wallet.unstored |= outside
        wallet.off_on |= {source: day for source, day in booked_on.items() if source in outside}
        doing.put_in(wallet, worths)
    doing.hand_on_over_limits(units, unstored)
    doing.complete()
    return found.bookings


@dataclass(slots=True)
class _Crediting:
    """What the bookings of a recount do to accounts, step by step; bookings are counted from 1.

    `dated` are those which rest on the day on which they are booked, `kept_out` what accounts have not taken in,
    `going` what leaves again under an earlier closing, `worths` what a record is worth to accounts for which that rests
    on more than the record, `held_by` who holds of accounts what the family earns.
    """

    rulebook: Rulebook
    person: Volunteer
    found: Recount
    number: int
    today: date
    passing: Passing | None
    closings: Closings
    effects: list[Effects]
    dated: set[int] = field(default_factory=set)
    kept_out: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    going: dict[int, tuple[Closed, list[dict[str, Any]]]] = field(default_factory=dict)
    worths: dict[int, dict[str, int]] = field(default_factory=dict)
    held_by: dict[int, dict[str, str]] = field(default_factory=dict)

    def hand_on(self, account: Account, shares: Sequence[Share]) -> None:
        """Let what records are worth in other passbooks go there, or come back."""
        unit = UNITS[account.unit]
        for at, (effect, booking, share) in enumerate(zip(self.effects, self.found.bookings, shares, strict=True), 1):
            record, before = booking.record, self.found.before.get(booking.record.key)
            if share.held_by and any(worth.was or worth.now for worth in (share.own, *share.others.values())):
                self.held_by.setdefault(at, {})[account.clause.id] = share.held_by
            for owner, worth in share.others.items():
                moves = on_days(account, record.day, None if before is None else before.record.day, worth)
                if not moves:
                    continue
                if self.passing is None:
                    raise AssertionError(f"the passbook of {owner} is not open")
                came = From(self.person.id, OF_RECORD, said={"registry": record.registry, "record": record.id})
                earning = Earning(account, moves, worth.was, record.day, self.today, came)
                self.passing.does_later(owner, partial(earned_elsewhere, owner=owner, one=earning))
                if worth.more:
                    effect.lines += (
                        Line(ISSUED, unit, -worth.more, own=False),
                        Line(TRANSIT, unit, worth.more, own=False),
                    )
                self.dated.add(at)

    def put_in(self, wallet: Wallet, worths: Sequence[Worth]) -> None:
        """Put into a person's own account what records are worth, or take it back; what it does not store goes on."""
        account, before = wallet.account, self.found.before
        shares = self.passing is not None and self.passing.any
        _reached(wallet, self.effects[0], self.today, self.number + 1)
        for at, (effect, booking, worth) in enumerate(zip(self.effects, self.found.bookings, worths, strict=True), 1):
            day, was = booking.record.day, before.get(booking.record.key)
            moves = on_days(account, day, None if was is None else was.record.day, worth)
            source = _source(booking)
            if moves:
                self._move(wallet, effect, source, at, worth, moves)
                if self.passing is not None and (effect.lines if shares else effect.lent):
                    self.passing.share(self.person.id, effect, day, "overflow")
            said = _unstored_data(account, wallet.unstored.get(source))
            if said:
                self.kept_out.setdefault(at, []).extend(said)

    def _move(
        self, wallet: Wallet, effect: Effects, source: str, at: int, worth: Worth, moves: Sequence[tuple[date, int]]
    ) -> None:
        """Book what comes in or is taken back of one record; what is of before a closing goes where the rest went."""
        wallet.next_lot = max(wallet.next_lot, first_lot(self.number + at))
        wallets.knows_worth(wallet, source, worth.was)
        first = wallet.next_lot
        for day, more in moves:
            change(wallet, effect, source, day, more, self.today)
        self.dated.add(at)
        closed = next((self.closings.under(day) for day, more in moves if more >= 0), None)
        if closed is None:
            return
        fresh = [lot.number for lot in lots_of(wallet, source) if lot.number >= first]
        only = None if self.closings.now is not None else fresh
        left = closes_again(wallet, effect, closed, self.today, self.person.id, self.passing, only)
        if left is not None:
            self.going.setdefault(at, (closed, []))[1].append(left)

    def hand_on_over_limits(
        self, units: Sequence[str], unstored: Mapping[tuple[str, str], Sequence[Mapping[str, Any]]]
    ) -> None:
        """Let what limits take off go to the pool, where the county has one for it, and come back from there."""
        if not units and not unstored:
            return
        told = zip(self.found.bookings, self.found.assessments, self.effects, strict=True)
        for at, (booking, assessment, effect) in enumerate(told, 1):
            over = _over_limits(units, assessment)
            lines = _to_pool(over, unstored.get(booking.record.key, ()))
            if self.passing is not None and lines:
                effect.lines += lines
                self.passing.share(self.person.id, effect, booking.record.day, "overflow")
                self.dated.add(at)
            if over:
                self.kept_out.setdefault(at, []).extend(
                    {"account": "", "unit": unit, "over": amount, "to": DONATION_POOL} for unit, amount in over.items()
                )

    def complete(self) -> None:
        """Write into each booking what it does, on which day it was booked and what never came in."""
        for at, (booking, effect) in enumerate(zip(self.found.bookings, self.effects, strict=True), 1):
            if at in self.dated:
                booking.body = _with(booking.body, {BOOKED_ON: self.today.isoformat(), **passed_data(effect)})
            if at in self.going:
                under, closes = self.going[at]
                heir = {"heir": under.heir} if under.heir else {}
                booking.body = _with(booking.body, {LEFT_UNDER: under.entry, "closes": closes, **heir})
            if at in self.kept_out:
                booking.body = _with(booking.body, {UNSTORED: self.kept_out[at]})
            if at in self.held_by:
                booking.body = _with(booking.body, {POOLED_IN: self.held_by[at]})
            if at in self.worths and booking.kind != "withdrawn":
                booking.body = _with(booking.body, {WORTH: self.worths[at]})
            booking.lines = tuple(effect.lines)
            booking.lots = tuple(effect.lots)
            booking.opened = tuple(effect.opened)
            booking.floors = tuple(effect.floors)
            booking.ended = tuple(effect.ended)
            booking.wallets = tuple(effect.wallets)


def _with(body: bytes, more: Mapping[str, Any]) -> bytes:
    return b"%b,%b" % (body[:-1], orjson.dumps(more)[1:])


def _source(booking: Booking) -> str:
    return f"{booking.record.registry}/{booking.record.id}"


def _unstored_data(account: Account, said: Unstored | None) -> list[dict[str, Any]]:
    """Return what an account has not taken in of a record, and by which clause; nothing where it has taken in all."""
    return [] if said is None or not any(said) else outside_data(account, said)


def _over_limits(units: Sequence[str], assessment: Assessment | None) -> dict[str, int]:
    """Return what limits have sent of a record to the pool, by unit, of those for which the county has one."""
    overflows = assessment.overflows if assessment is not None and units else {}
    found = {unit: int(overflows.get((DONATION_POOL, unit), 0)) for unit in units}
    return {unit: over for unit, over in found.items() if over}


def _with_overflows(
    found: Recount, units: Sequence[str], unstored: Mapping[tuple[str, str], Sequence[Mapping[str, Any]]]
) -> None:
    """Book also what is worth the same as before, and is over a limit by more or less."""
    for assessment, before in found.same:
        if _to_pool(_over_limits(units, assessment), unstored.get(before.record.key, ())):
            found.also(assessment, before)


def _to_pool(now: Mapping[str, int], before: Iterable[Mapping[str, Any]]) -> list[Line]:
    """Return what goes to the pool of what limits take off, and comes back from there where they take off less."""
    was = {one["unit"]: one["over"] for one in before if not one["account"]}
    changes = [(unit, now.get(unit, 0) - was.get(unit, 0)) for unit in dict.fromkeys((*now, *was))]
    return [
        line
        for unit, more in changes
        if more
        for line in (Line(ISSUED, unit, -more, own=False), Line(DONATION_POOL, unit, more, own=False))
    ]


def said_in(
    reading: Reading,
    rulebook: Rulebook,
    owner: _Owner,
    found: Recount,
    withdrawn: Mapping[tuple[str, str], Mapping[str, Any]] | None = None,
) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Return what is said of the records whose worth changes, as `credited` asks for it.

    `withdrawn` is what `said_at_withdrawal` has found of these records, where that was asked before. Where the rules
    have changed, accounts may have kept out what they would take in by now.
    """
    accounts = rulebook.policy.accounts
    asks = any(may_keep_out(one) or _rests_on_more(one) or is_pooled(one) for one in accounts)
    if not asks and not shared(rulebook.policy) and not reading.other_rules(owner[1]):
        return {}
    keys = [booking.record.key for booking in found.bookings]
    keys += [before.record.key for _assessment, before in found.same]
    originals = {found.before[key].entry: key for key in keys if key in found.before}
    bodies = reading.newest_bodies(owner, originals) if originals else {}
    said: dict[tuple[str, str], Mapping[str, Any]]
    said = {originals[entry]: said_of(body) for entry, body in bodies.items()}
    again = {key for key in keys if key not in found.before}
    if withdrawn is None:
        withdrawn = said_at_withdrawal(reading, rulebook, {owner: again}).get(owner, {})
    said |= {key: withdrawn[key] for key in again & withdrawn.keys()}
    return {key: one for key, one in said.items() if one}


def said_at_withdrawal(
    reading: Reading, rulebook: Rulebook, keys: Mapping[_Owner, Collection[tuple[str, str]]]
) -> dict[_Owner, dict[tuple[str, str], Mapping[str, Any]]]:
    """Return what was said of people's records when they were taken out, where it matters when they come again."""
    some = {owner: of for owner, of in keys.items() if of}
    writes_off = any(account.shortfall in WRITES_OFF for account in rulebook.policy.accounts)
    if not writes_off and not (some and reading.other_rules(rulebook.policy.county.id)):
        return {}
    return {
        owner: {key: said_of(body) for key, body in bodies.items()}
        for owner, bodies in (reading.withdrawn_bodies(some) if some else {}).items()
    }


def new_in(reading: Reading, rulebook: Rulebook, found: Recount) -> dict[str, frozenset[str]]:
    """Return which accounts came after each policy by which records are booked whose worth changes."""
    before = [found.before.get(booking.record.key) for booking in found.bookings]
    before += [one for _assessment, one in found.same]
    digests = {one.policy_digest for one in before if one is not None} - {rulebook.policy.digest}
    return {digest: new_since(reading.clauses_until(digest), rulebook.policy) for digest in digests}


def new_since(clauses: Collection[str], policy: Policy) -> frozenset[str]:
    """Return which accounts of a policy are none of these clauses."""
    return frozenset(account.clause.id for account in policy.accounts if account.clause.id not in clauses)


def _rests_on_more(account: Account) -> bool:
    """Tell whether what a record is worth to an account rests on more than the record: whose it is, or a measure."""
    return _earns_at_all(account) and (account.when is not None or account.earned_from not in (HOURS, POINTS))


def said_of(body: bytes) -> dict[str, Any]:
    """Return what the body of a record says that accounts have taken in of it, and what they have not."""
    if not any(f'"{name}"'.encode() in body for name in (UNSTORED, WORTH, POOLED_IN)):
        return {}
    found = orjson.loads(body)
    return {name: found[name] for name in (UNSTORED, WORTH, POOLED_IN, BOOKED_ON) if name in found}


def _unstored_of(account: Account, unstored: Mapping[tuple[str, str], Sequence[Any]]) -> dict[str, Unstored]:
    """Return what an account has not taken in of records, by their sources, as bodies say it."""
    id = account.clause.id
    return {
        "/".join(key): outside_in(said, id)
        for key, said in unstored.items()
        if any(one["account"] == id for one in said)
    }


def _worth(
    rulebook: Rulebook,
    person: Volunteer,
    account: Account,
    booking: Booking,
    before: Held | None,
    after: Mapping[tuple[RegistryId, RecordId], Counted],
    said: Mapping[tuple[str, str], Mapping[str, Any]],
    new: Mapping[str, Collection[str]],
) -> Worth:
    """Return what the record of a booking was worth to an account, and what it is now.

    To an account that is newer than the rules by which it is booked it was worth nothing: nothing has come in. Where
    its worth rests on more than the record, its body says what it was: the person, or the rules, may be others now.
    """
    id, booked = account.clause.id, said.get(booking.record.key, {}).get(WORTH, {})
    if before is None or id in new.get(before.policy_digest, ()):
        was = 0
    else:
        was = booked[id] if id in booked else worth_to(rulebook, person, account, as_counted(before))
    now = 0 if booking.kind == "withdrawn" else worth_to(rulebook, person, account, after[booking.record.key])
    return Worth(was, now, bool(was and now) and before is not None and before.record.day != booking.record.day)


def worth_to(rulebook: Rulebook, person: Volunteer, account: Account, past: Counted) -> int:
    """Return what a record is worth to an account, in its unit."""
    if not past.counted:
        return 0
    if not is_for(rulebook, person, account, past.record.day):
        return 0
    own = {HOURS: past.seconds, POINTS: past.points}
    if account.earned_from in own:
        return own[account.earned_from]
    measure = next(one for one in rulebook.policy.measures if one.clause.id == account.earned_from)
    return _to_measure(rulebook, measure, past, own)


def is_for(rulebook: Rulebook, person: Volunteer, account: Account, day: date) -> bool:
    """Tell whether an account takes what this person earns on a day."""
    if account.when is None:
        return True
    facts = {**person_facts(person, day, EVERYTHING), **rulebook.calendar.facts(day, EVERYTHING)}
    return belongs(rulebook, account, day, facts)


def _to_measure(rulebook: Rulebook, measure: Measure, past: Counted, own: Mapping[str, int]) -> int:
    if not measure.window.holds(past.record.day, past.record.day):
        return 0
    facts = past_facts(rulebook, past.record, past.supplied)
    if measure.where is not None:
        matched = rulebook.ask(HISTORY, past.record.day, facts, {})
        if measure.clause.id + WHERE not in matched:
            return 0
    amount = own.get(measure.of, facts.get(measure.of, 0))
    return amount if isinstance(amount, int) else 0


def _earns_at_all(account: Account) -> bool:
    return account.earned_from != "nothing"


def _wallet(account: Account, rows: WalletRows, balances: Mapping[tuple[str, str], int], *, whole: bool) -> Wallet:
    """Return the wallet, with what has ended of its lots where they are needed `whole`.

    Where its lots were not read, all that is there stands as one.
    """
    wallet = wallet_from(account, rows, balances)
    if whole:
        add_ended(wallet, rows)
    elif not wallet.lots:
        there = balances.get((account.clause.id, UNITS[account.unit]), 0)
        if there:
            wallet.lots[_TOGETHER] = Lot(_TOGETHER, date.max, date.max, there, there, "")
    return wallet


def _reached(wallet: Wallet, effect: Effects, today: date, entry: int) -> None:
    """Note which changes of rules have reached a wallet; what they had to do was booked before."""
    before = besides(wallet)
    wallet.next_lot = max(wallet.next_lot, first_lot(entry))
    for _change, done in wallets.turn(wallet, today, entry):
        effect.add(wallet, done, before)


def others(rulebook: Rulebook, organisations: Iterable[str]) -> list[VolunteerId]:
    """Return whose passbooks besides the volunteer's own records may change, of service for these organisations."""
    policy = rulebook.policy
    owners = list(shared(policy))
    if any(account.holder is Holder.ORGANISATION and _earns_at_all(account) for account in policy.accounts):
        owners += [organisation_owner(id) for id in organisations]
    return list(dict.fromkeys(owners))


def needs_lots(policy: Policy, bookings: Iterable[Booking], closings: Closings = OPEN) -> bool:
    """Tell whether lots have to be told from each other: something may be taken from them, or may not find room.

    Where the passbook is closed, whatever is there leaves with what comes in.
    """
    if (
        closings.now is not None
        or any(account.storage is not None for account in policy.accounts)
        or _adds_up_facts(policy)
    ):
        return True
    return any(one.kind != "original" or one.points < 0 or one.seconds < 0 for one in bookings)


def _adds_up_facts(policy: Policy) -> bool:
    """Tell whether an account is earned from what records report, which may be below zero."""
    reported = {one.clause.id for one in policy.measures if one.of not in (HOURS, POINTS)}
    return any(account.earned_from in reported for account in policy.accounts)
