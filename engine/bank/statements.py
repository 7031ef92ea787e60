"""The statement of a passbook, made from one snapshot: what was there, what happened, what is there, what ends soon.

Everything is told again from the entries, never from what the ledger keeps for speed: so a statement can be as of any
pair of dates, and shows nothing that was not known at the time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import orjson

from lianxing.engine.accounts import touch_of_done
from lianxing.engine.bank import told_entries
from lianxing.engine.bank.booking import UNITS, noted_in
from lianxing.engine.bank.customers import cancels
from lianxing.engine.bank.lowering import lowerings_by, touches_in
from lianxing.engine.bank.redeeming import APPROVED
from lianxing.engine.bank.request_data import request_from
from lianxing.engine.bank.reviews import next_data
from lianxing.engine.bank.sharing import is_person, may_hold
from lianxing.engine.bank.star_points import STAR_POINTS
from lianxing.engine.bank.steps import REVIEW, awards_of, in_state
from lianxing.engine.bank.told_entries import Body, Kept
from lianxing.engine.bank.told_steps import statement_of, steps_before, told_step
from lianxing.engine.bank.turning import foreseen, running_out
from lianxing.engine.closings import OPEN
from lianxing.engine.ledger.drafts import REQUEST
from lianxing.engine.ledger.errors import DamagedError
from lianxing.engine.ledger.leafing import HoldLeaf, Leaves, LotLeaf, VersionLeaf
from lianxing.engine.ledger.opening import Ledger
from lianxing.engine.ledger.reading import Reading
from lianxing.engine.ledger.stored import Noted, StoredEntry
from lianxing.engine.requesting import last_day, organiser_confirms_after
from lianxing.engine.reviewing import record_subject, standing_of
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.standings import standing
from lianxing.engine.touches import Touch
from lianxing.engine.wallet import DEBT, HELD, Done, Lot, Wallet
from lianxing.engine.wallet_booking import WalletBooking
from lianxing.rules.accounts import Account
from lianxing.rules.assessments import HELD as WAITS
from lianxing.rules.assessments import Entry
from lianxing.rules.facts import VolunteerId
from lianxing.rules.periods import period_start
from lianxing.rules.perks import Uses
from lianxing.rules.places import Clause, Label
from lianxing.rules.records import ServiceRecord, Volunteer
from lianxing.rules.reviewing import About
from lianxing.rules.standings import Counted, Standing
from lianxing.rules.statements import (
    EARNED,
    USES,
    AccountState,
    Change,
    Cited,
    ClosedFor,
    EndingLot,
    HeldRequest,
    OpenHold,
    Pending,
    PerkUses,
    Statement,
    StatementLine,
    Subject,
    day_by_day,
)
from lianxing.rules.transition import Change as Rules

NOTICE_DAYS = 90

_Part = tuple[str, str, str]  # account, part, unit


def statement(
    ledger: Ledger,
    rulebook: Rulebook,
    volunteer: VolunteerId,
    since: date | None,
    until: date,
    known: int | None = None,
    notice_days: int = NOTICE_DAYS,
) -> Statement:
    """Return the statement of a person; LookupError for somebody of whom the ledger knows nothing."""
    with ledger.reading() as reading:
        return statement_from(reading, rulebook, volunteer, since, until, known, notice_days)


@contextmanager
def _readable(place: str) -> Iterator[None]:
    """Turn what an entry that no bank has written leads to into a DamagedError."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise DamagedError(
            place,
            "存折中有不能读取的分录；请运行 lianxing verify --county",
            "an entry of the passbook cannot be read; run lianxing verify --county",
        ) from error


def statement_from(
    reading: Reading,
    rulebook: Rulebook,
    volunteer: VolunteerId,
    since: date | None,
    until: date,
    known: int | None = None,
    notice_days: int = NOTICE_DAYS,
) -> Statement:
    """Return the statement of a person from one snapshot of the ledger."""
    county = rulebook.policy.county
    stored = reading.passbook_entries(volunteer, county.id)
    person = reading.volunteers([volunteer]).get(volunteer)
    if person is None and not stored:
        raise LookupError("the ledger knows no such volunteer")
    stored = [one for one in stored if known is None or one.entry.recorded_at <= known]
    kept = {digest: _kept(reading, digest) for digest in {one.entry.policy_digest for one in stored}}
    owner, known_as = (volunteer, county.id), person or Volunteer(volunteer)
    touches = touches_in(reading, rulebook, [owner]).get(owner, ())
    with _readable(f"{county.id}/{volunteer}"):
        book = _Book(rulebook, known_as, stored, reading.leaves(owner), kept, until, touches)
        lines = list(book.lines(since))
        standing = book.standing(until)
        return Statement(
            volunteer=volunteer,
            county=county.id,
            title=county.label,
            time_zone=county.time_zone,
            since=since,
            until=until,
            known=known,
            notice_days=notice_days,
            last_entry=stored[-1].entry.id if stored else 0,
            seal=stored[-1].hash.hex() if stored else "",
            closings=tuple(book.closings()),
            opening=() if since is None else book.states(since - timedelta(days=1)),
            lines=tuple(lines),
            closing=book.states(until),
            pending=tuple(book.pending()),
            ending=book.ending(notice_days),
            holds=tuple(book.holds()),
            standing=standing,
            uses=tuple(book.uses(standing)),
        )


def _kept(reading: Reading, digest: str) -> Kept:
    found = reading.policy(digest)
    clauses: Kept = {} if found is None else orjson.loads(found.content)["clauses"]
    return clauses


class _Book:
    """What of a passbook was known, and of it what had happened by a day."""

    def __init__(
        self,
        rulebook: Rulebook,
        person: Volunteer,
        stored: Sequence[StoredEntry],
        leaves: Leaves,
        kept: Mapping[str, Kept],
        until: date,
        touches: Sequence[Touch],
    ) -> None:
        self._touches = touches
        self._standings: dict[date, Standing] = {}
        self._rulebook = rulebook
        self._person = person
        self._leaves = leaves
        self._kept = kept
        self._until = until
        self._bodies: dict[int, Body] = {one.entry.id: told_entries.read(one.body) for one in stored}
        self._before = steps_before(stored, self._bodies)
        self._entries = {one.entry.id: one.entry for one in stored}
        # In the order of the days, and of one day in the order in which it was recorded.
        self.shown = sorted(
            (one for one in stored if one.entry.effective_on <= until),
            key=lambda one: (one.entry.effective_on, one.entry.id),
        )
        self._numbers = {one.entry.id for one in self.shown}
        self._records = {
            leaf.entry: leaf.record
            for leaf in leaves.versions
            if leaf.record is not None and leaf.entry in self._entries
        }

    def closings(self) -> Iterator[ClosedFor]:
        """Yield when the passbook was closed, and open again."""
        found = OPEN
        for one in sorted(self.shown, key=lambda one: one.entry.id):
            found = found.after(one.entry.kind, one.entry.effective_on, one.entry.id, one.body)
        yield from (ClosedFor(one.on, one.reopened_on) for one in found.all)

    # --- what happened -------------------------------------------------------------------------------------------

    def lines(self, since: date | None) -> Iterator[StatementLine]:
        """Yield the entries of the period, each with running balances."""
        running: dict[_Part, int] = defaultdict(int)
        for one in self.shown:
            changes = []
            for account, part, unit, amount in self._postings(one.entry.id):
                running[account, part, unit] += amount
                changes.append(Change(account, part, unit, amount, running[account, part, unit]))
            if since is None or one.entry.effective_on >= since:
                yield self._line(one.entry, tuple(changes))

    def _line(self, entry: Entry, changes: tuple[Change, ...]) -> StatementLine:
        body = self._bodies[entry.id]
        asked: Body = body.get("asked", {})
        reviewed = self._reviewed(entry)
        day = None if reviewed is None or reviewed.record is None else reviewed.record.day
        return StatementLine(
            entry=entry.id,
            on=entry.effective_on,
            recorded_at=entry.recorded_at,
            kind=entry.kind,
            command=str(asked.get("command", "")),
            subject=self._subject(entry),
            changes=changes,
            clauses=tuple(self._cited(entry, changes)),
            actor=entry.actor,
            reason=entry.reason,
            corrects=entry.adjusts,
            concerns=told_entries.concerns(body),
            reasons=tuple(told_entries.stated(reason) for reason in body.get("reasons", ())),
            refusals=tuple(told_entries.refusal(refusal) for refusal in body.get("refusals", ())),
            gone_over=tuple(told_entries.gone_over(entry.kind, body)),
            outside=tuple(told_entries.outside(body)),
            pooled=tuple(told_entries.pooled(body)),
            left=tuple(told_entries.left(body)),
            unmet=tuple(told_entries.unmet(body, self._rulebook.policy.facts)),
            entitled=told_entries.entitled(body),
            family=told_entries.family(body),
            step=told_step(body, self._before.get(entry.id), day, self._rulebook.policy.facts),
        )

    def _postings(self, number: int) -> Iterator[tuple[str, str, str, int]]:
        for line in self._leaves.postings.get(number, ()):
            account, _, part = line.account.partition("/")
            yield account, part, line.unit, line.amount

    def _cited(self, entry: Entry, changes: Iterable[Change] = ()) -> Iterator[Cited]:
        """Yield each clause of an entry once: of a record its steps, of a command the one that decided it."""
        body, kept = self._bodies[entry.id], self._kept.get(entry.policy_digest, {})
        # A band that is not reached yet is a step of the explanation, and no reason for what was booked.
        steps: Sequence[Mapping[str, Any]] = body.get("workings", ())
        named = [step["clause"] for step in [one for one in steps if one["before"] != one["after"]] or steps]
        named += [step["clause"] for step in body.get("refusals", ())]
        named += [said["clause"] for said in body.get("transitions", ())]
        named += [account for account, _unit, _amount in body.get("brought", ())]
        named += [one.account for one in told_entries.outside(body)]
        places = {one["clause"]: str(one["at"]) for one in (*body.get("closes", ()), *body.get("opens", ()))}
        named += places
        if entry.kind == STAR_POINTS:
            places[body["clause"]] = str(body["at"])
        if "clause" in body:
            named.append(body["clause"])
        elif entry.kind == REVIEW:
            named.append(self._review_clause(entry, body))
        elif entry.record == "" and not body.get("reasons"):
            named += [change.account for change in changes]
        for id in dict.fromkeys(named):
            clause = kept.get(id, {})
            at = (
                places.get(id, "")
                or clause.get("at", "")
                or (str(body.get("at", "")) if id == body.get("clause") else "")
            )
            article = clause.get("cites", "")
            yield Cited(id, at, article, Label(clause.get("zh", ""), clause.get("en", "")))

    def _subject(self, entry: Entry) -> Subject:
        body = self._bodies[entry.id]
        if entry.record:
            record = self._record(entry)
            return Subject("record", entry.record, self._category(record), entry.registry)
        if entry.kind == STAR_POINTS:
            return Subject("star", str(body["star"]))
        asked: Body = body.get("asked", {})
        earlier = told_entries.concerns(body)
        if earlier is not None and earlier in self._entries and earlier < entry.id:
            subject = self._subject(self._entries[earlier])
            return replace(subject, units=int(body.get("units", subject.units)))
        kept = self._kept.get(entry.policy_digest, {})
        if asked.get("record"):
            reviewed = self._reviewed(entry)
            label = self._category(None if reviewed is None else reviewed.record)
            return Subject("record", str(asked["record"]), label, str(asked["registry"]))
        if "from_county" in asked:
            return Subject("county", str(asked["from_county"]), source=str(asked["entry"]))
        if "step" in asked:
            return told_entries.request(body, entry.volunteer, kept)
        if asked.get("star"):
            return Subject("star", str(asked["star"]))
        for kind in ("offer", "perk", "account"):
            if asked.get(kind):
                return self._asked(entry, kind, asked, kept)
        if asked.get("heir"):
            return Subject("heir", str(asked["heir"]))
        if "from" in body:
            account = str(body.get("clause", ""))
            return Subject("account", account, told_entries.label_of(kept, account), counterpart=str(body["from"]))
        return Subject()

    def _asked(self, entry: Entry, kind: str, asked: Body, kept: Kept) -> Subject:
        id = str(asked[kind])
        _offer, _merchant, _units, cash = self._leaves.had.get(entry.id, ("", "", 0, 0))
        return Subject(
            kind,
            id,
            told_entries.label_of(kept, id),
            units=int(asked.get("units", 1)),
            merchant=str(asked.get("merchant", asked.get("site", ""))),
            counterpart=str(asked.get("recipient", "") or asked.get("to_whom", "") or told_entries.for_whom(asked)),
            cash=cash,
        )

    def _reviewed(self, entry: Entry) -> VersionLeaf | None:
        """Return the record of which a step of a review was asked, as it was then."""
        asked: Body = self._bodies[entry.id].get("asked", {})
        if not asked.get("record"):
            return None
        key = asked["registry"], asked["record"]
        earlier = (leaf for leaf in reversed(self._leaves.versions) if leaf.entry < entry.id)
        return next((leaf for leaf in earlier if leaf.record is not None and leaf.record.key == key), None)

    def _review_clause(self, entry: Entry, body: Body) -> str:
        """Return under which clause a step of a review was taken: the step before it tells, or the rules."""
        said, before, policy = body["review"], self._before.get(entry.id), self._rulebook.policy
        of_record = said["about"] == About.RECORD.value
        following: Sequence[Body] = () if before is None else before["next"]
        reviewed = self._reviewed(entry) if before is None and of_record else None
        if reviewed is not None and reviewed.record is not None:
            record = in_state(reviewed.record, said["was"])
            subject = record_subject(self._rulebook, self._person, record, reviewed.supplied)
            following = [next_data(one) for one in standing_of(self._rulebook, subject, (), entry.effective_on).next]
        general = policy.county if of_record or policy.stars is None else policy.stars
        return statement_of(body, following) or general.clause.id

    def _record(self, entry: Entry) -> ServiceRecord | None:
        """Return the record as it was when the entry was made."""
        original = entry.id if entry.adjusts is None else entry.adjusts
        found = None
        for leaf in self._leaves.versions:
            if leaf.original == original and leaf.entry <= entry.id:
                found = self._records.get(leaf.entry, found)
        return found

    def _category(self, record: ServiceRecord | None) -> Label:
        """Return what was served, or what else a record is of: an absence, a donation, a revocation."""
        facts = {} if record is None else record.facts
        about = "category" if facts.get("kind", "service") == "service" else "kind"
        fact, value = self._rulebook.policy.facts.get(about), facts.get(about)
        if fact is None or not isinstance(value, str):
            return Label()
        return next((known.label for known in fact.values if known.id == value), Label(value, value))

    # --- what is there -------------------------------------------------------------------------------------------

    def states(self, on: date) -> tuple[AccountState, ...]:
        """Return every account as it was at the end of a day, first what was earned."""
        totals: dict[_Part, int] = defaultdict(int)
        for one in self.shown:
            if one.entry.effective_on <= on:
                for account, part, unit, amount in self._postings(one.entry.id):
                    totals[account, part, unit] += amount
        over: dict[str, int] = defaultdict(int)
        for leaf, back in self._given_back(on):
            over[leaf.account] += self._let_go(leaf, sum(back.values()), totals)
        lots, changed = self._lots(on)
        ended: dict[str, int] = defaultdict(int)
        cancelled: dict[str, int] = defaultdict(int)
        worthless = self._cancelled_to(on)
        for account, lot in lots:
            if lot.last_day < on:
                ended[account] += lot.remaining
            elif lot.earned_on <= worthless.get(account, date.min):
                cancelled[account] += lot.remaining
        states, rests = [], self._rests(on)
        for account, unit in self._accounts(totals):
            less, gone = changed.get(account, 0), ended.get(account, 0)
            worth_nothing = cancelled.get(account, 0)
            there = totals.get((account, "", unit), 0) - gone - less - worth_nothing
            held, owed = totals.get((account, HELD, unit), 0), -totals.get((account, DEBT, unit), 0)
            label, free, rest = self._account_label(account), over.get(account, 0), rests.get(account, 0)
            states.append(AccountState(account, unit, label, there, held, owed, gone, less, free, worth_nothing, rest))
        return tuple(states)

    def _rests(self, on: date) -> dict[str, int]:
        """Return what was less than a whole unit of each account, and waits for more."""
        numbers = sorted(self._entries_on(on))
        return {account: rest for of in numbers for account, rest, _ in self._leaves.besides.get(of, ())}

    def _cancelled_to(self, on: date) -> dict[str, date]:
        """Return until when what was earned is worth nothing by a sanction, by account."""
        if not cancels(self._rulebook):
            return {}
        conduct, accounts = self.standing(on).conduct, self._rulebook.policy.accounts
        days = {account.clause.id: conduct.cancelled_to(account.unit) for account in accounts}
        return {id: day for id, day in days.items() if day is not None}

    def _let_go(self, leaf: HoldLeaf, back: int, totals: dict[_Part, int]) -> int:
        """Let a reservation that is over be none; return how much is there again, the rest is owed no longer.

        `back` is what comes back of lots.
        """
        account, unit = leaf.account, self._unit(leaf.account)
        drawn = leaf.amount - sum(self._parts(leaf).values())
        owed = min(drawn, -totals[account, DEBT, unit])
        again = back + drawn - owed
        totals[account, HELD, unit] -= leaf.amount
        totals[account, DEBT, unit] += owed
        totals[account, "", unit] += again
        return again

    def _given_back(self, on: date) -> Iterator[tuple[HoldLeaf, dict[int, int]]]:
        """Yield the reservations that are over on a day, and what comes back of each lot.

        It goes through the changes of rules that were booked since it was taken, as it does once it is released.
        """
        changing = {account.clause.id: account for account in self._rulebook.policy.accounts if account.changes}
        numbers = self._entries_on(on)
        days = {(lot.account, lot.number): (lot.earned_on, _last_day(lot, numbers)) for lot in self._leaves.lots}
        bookings: dict[str, WalletBooking] = {}
        for leaf in self._holds(on):
            if not self._over(leaf, on):
                continue
            back = self._parts(leaf)
            account = changing.get(leaf.account)
            if account is not None:
                booking = bookings.setdefault(leaf.account, WalletBooking(self._wallet(account, {}, on)))
                back = {lot: booking.over(*days[leaf.account, lot], amount, leaf.entry) for lot, amount in back.items()}
            yield leaf, back

    def _entries_on(self, on: date) -> set[int]:
        return {one.entry.id for one in self.shown if one.entry.effective_on <= on}

    def _parts(self, leaf: HoldLeaf) -> dict[int, int]:
        """Return what a reservation took of each lot."""
        moves = (move for move in self._leaves.moves.get(leaf.entry, ()) if move.account == leaf.account)
        return {move.lot: -move.amount for move in moves if move.amount < 0}

    def _accounts(self, totals: Iterable[_Part]) -> list[tuple[str, str]]:
        """Return what was earned, the person's accounts of the policy, and those that only earlier policies had."""
        known = [(EARNED, "points"), (EARNED, "seconds")] if is_person(self._person.id) else []
        for account in self._rulebook.policy.accounts:
            if may_hold(account, self._person.id):
                known.append((account.clause.id, UNITS[account.unit]))
        known += sorted((account, unit) for account, _part, unit in totals if account != USES)
        return list(dict.fromkeys(known))

    def _lots(self, on: date) -> tuple[list[tuple[str, Lot]], dict[str, int]]:
        """Return what is left of each lot at the end of a day, and by account how much less it is than was booked.

        It is less where a change of rules has not reached the account yet.
        """
        lots: dict[str, dict[int, Lot]] = defaultdict(dict)
        for name, lot in self._booked_lots(on):
            lots[name][lot.number] = lot
        changed = {}
        for id, (wallet, done) in self._foreseen(on).items():
            lots[id] = wallet.lots
            changed[id] = -sum(line.amount for _change, one in done for line in one.lines if not line.account)
        return [(id, lot) for id, some in lots.items() for lot in some.values() if lot.remaining], changed

    def _foreseen(self, on: date) -> dict[str, tuple[Wallet, list[tuple[Rules, Done]]]]:
        """Return the accounts with changes of rules as these leave them up to a day, and what is not booked of it."""
        lots: dict[str, dict[int, Lot]] = defaultdict(dict)
        for name, lot in self._booked_lots(on):
            lots[name][lot.number] = lot
        accounts = [account for account in self._rulebook.policy.accounts if account.changes]
        return {
            account.clause.id: foreseen(self._wallet(account, lots[account.clause.id], on), on) for account in accounts
        }

    def _wallet(self, account: Account, lots: dict[int, Lot], on: date) -> Wallet:
        """Return what is needed of an account at the end of a day to let a change of rules reach it."""
        id, owed, issued = account.clause.id, 0, "[]"
        for number in sorted(self._entries_on(on)):
            owed -= sum(amount for of, part, _unit, amount in self._postings(number) if (of, part) == (id, DEBT))
            said = [text for of, _rest, text in self._leaves.besides.get(number, ()) if of == id]
            issued = [issued, *said][-1]
        return Wallet(account, lots, debt=owed, turned=noted_in(issued).turned, next_lot=max(lots, default=0) + 1)

    def _booked_lots(self, on: date) -> Iterator[tuple[str, Lot]]:
        """Yield what was left of each lot at the end of a day, as it was booked."""
        numbers = self._entries_on(on)
        left: dict[tuple[str, int], int] = defaultdict(int)
        for number, moves in self._leaves.moves.items():
            if number in numbers:
                for move in moves:
                    left[move.account, move.lot] += move.amount
        for hold, back in self._given_back(on):
            for lot, amount in back.items():
                left[hold.account, lot] += amount
        for leaf in self._leaves.lots:
            remaining = left.get((leaf.account, leaf.number), 0)
            if leaf.entry in numbers and remaining > 0:
                last_day = _last_day(leaf, numbers)
                yield leaf.account, Lot(leaf.number, leaf.earned_on, last_day, remaining, remaining, leaf.source)

    def ending(self, notice_days: int) -> tuple[EndingLot, ...]:
        """Return what ends within so many days after the last day of the statement, the first to end first."""
        latest = date.max - timedelta(days=1)  # whoever asks for all of them does not mean those that never end
        last = min(latest, self._until + timedelta(days=min(notice_days, (latest - self._until).days)))
        changed = self._foreseen(self._until)
        lots = [(id, lot) for id, lot in self._booked_lots(self._until) if id not in changed]
        worthless = self._cancelled_to(self._until)
        lots = [(id, lot) for id, lot in lots if lot.earned_on > worthless.get(id, date.min)]
        ending = [(id, lot) for id, lot in lots if self._until <= lot.last_day <= last]
        found = [lot for wallet, _done in changed.values() for lot in running_out(wallet, self._until, last)]
        found += [
            EndingLot(
                id,
                self._unit(id),
                self._account_label(id),
                lot.number,
                lot.earned_on,
                lot.last_day,
                lot.remaining,
                lot.source,
            )
            for id, lot in ending
        ]
        return day_by_day(found)

    def holds(self) -> Iterator[OpenHold]:
        """Yield the reservations that are open at the end of the last day."""
        for leaf in self._holds(self._until):
            if not self._over(leaf, self._until):
                subject, unit = self._subject(self._entries[leaf.entry]), self._unit(leaf.account)
                awaits, decide_by = self._awaits(leaf.entry)
                keeps = self._keeps(leaf.entry)
                yield OpenHold(
                    leaf.entry, leaf.account, unit, leaf.amount, leaf.until, subject, awaits, decide_by, keeps
                )

    def _holds(self, on: date) -> list[HoldLeaf]:
        """Return the reservations that no entry up to a day has ended, those included that are over."""
        numbers = self._entries_on(on)
        return [leaf for leaf in self._leaves.holds if leaf.entry in numbers and leaf.ended_by not in numbers]

    def _over(self, leaf: HoldLeaf, on: date) -> bool:
        """Tell whether a reservation is over on a day by itself; that of a request ends with it, or by a run."""
        return leaf.until < on and self._entries[leaf.entry].kind != REQUEST

    def _keeps(self, number: int) -> HeldRequest | None:
        """Return the request that an entry began, as it stands at the end of the last day; None of any other entry."""
        if self._entries[number].kind != REQUEST:
            return None
        id = self._bodies[number]["request"]["id"]
        shown = (one.entry for one in self.shown if one.entry.kind == REQUEST and one.entry.effective_on <= self._until)
        made = [said for entry in shown if (said := self._bodies[entry.id]["request"])["id"] == id][-1]
        request = request_from(made)
        last = last_day(self._rulebook, request)
        after = organiser_confirms_after(self._rulebook, request)
        return HeldRequest(request.state, None if last is None else last[0], after)

    def _awaits(self, number: int) -> tuple[str, date | None]:
        """Return which body still has to approve a reservation, as was said when it was made, and by when."""
        said = self._bodies[number]
        approved = (one.entry for one in self.shown if one.entry.kind == APPROVED)
        if not said.get("awaits") or any(told_entries.concerns(self._bodies[entry.id]) == number for entry in approved):
            return "", None
        decide_by = said["decide_by"]
        return str(said["awaits"]), None if decide_by is None else date.fromisoformat(decide_by)

    def uses(self, standing: Standing) -> Iterator[PerkUses]:
        """Yield how often each perk was used that was used at all; a use that was given back is none of its own day."""
        days: dict[str, list[tuple[date, int]]] = defaultdict(list)
        for one in self.shown:
            for account, perk, _unit, amount in self._postings(one.entry.id):
                if account == USES:
                    use = told_entries.concerns(self._bodies[one.entry.id]) or one.entry.id
                    days[perk].append((self._entries[use].effective_on, amount))
        held = {one.clause.id: one for one in standing.perks}
        said = {one.clause.id: one for one in self._rulebook.policy.perks}
        for id, uses in sorted(days.items()):
            label = said[id].clause.label if id in said else self._account_label(id)
            in_all = sum(amount for _on, amount in uses)
            open_as, limit = held.get(id), said[id].uses if id in said else None
            if isinstance(limit, Uses):
                since = period_start(limit.per, self._until)
                used = sum(amount for on, amount in uses if on >= since)
                yield PerkUses(id, label, used, in_all, limit.at_most.on(self._until), limit.per, since)
            else:
                yield PerkUses(id, label, in_all, in_all, None if open_as is None else open_as.earned_so_far)

    def pending(self) -> Iterator[Pending]:
        """Yield the records whose newest entry says that they wait."""
        newest: dict[int, Entry] = {}
        for one in sorted(self.shown, key=lambda one: one.entry.id):
            entry = one.entry
            if entry.record:
                newest[entry.id if entry.adjusts is None else entry.adjusts] = entry
        for original, entry in sorted(newest.items()):
            body = self._bodies[entry.id]
            if "pending" in body:
                waits = {refusal["clause"] for refusal in body["refusals"] if refusal["reason"] == WAITS}
                cited = tuple(one for one in self._cited(entry) if one.clause in waits)
                said = body["pending"]
                subject = self._subject(entry)
                yield Pending(original, entry.effective_on, subject, said["seconds"], said["points"], cited)

    def history(self) -> list[Counted]:
        """Return the records as they were known, each with what it was worth, in the order of service."""
        worth: dict[int, tuple[int, int, bool]] = {}
        for one in sorted(self.shown, key=lambda one: one.entry.id):
            entry = one.entry
            if entry.record:
                original = entry.id if entry.adjusts is None else entry.adjusts
                seconds, points, _counted = worth.get(original, (0, 0, True))
                worth[original] = (seconds + entry.seconds, points + entry.points, entry.counted)
        newest = {leaf.original: leaf for leaf in self._leaves.versions if leaf.entry in self._numbers}
        found = [
            Counted(leaf.record, leaf.supplied, *worth[original])
            for original, leaf in newest.items()
            if leaf.record is not None
        ]
        return sorted(found, key=lambda past: past.record.order)

    def standing(self, on: date) -> Standing:
        """Return where the person stood on a day, by all that happened until the last day."""
        found = self._standings.get(on)
        if found is None:
            found = self._standings[on] = self._stood(on)
        return found

    def _stood(self, on: date) -> Standing:
        history = self.history()
        steps = [one for one in self.shown if one.entry.kind == REVIEW]
        notes = [
            Noted(one.entry.id, one.entry.effective_on, one.entry.actor, one.entry.reason, one.body)
            for one in sorted(steps, key=lambda one: one.entry.id)
        ]
        touches = [one for one in self._touches if one.entry in self._entries]
        for id, (_wallet, done) in self._foreseen(self._until).items():
            touches += [touch_of_done(id, one, change.on_day) for change, one in done]
        by = lowerings_by(self._rulebook, touches)
        awards = awards_of(self._rulebook, self._person, history, notes, by)
        return standing(self._rulebook, self._person, history, on, awards, by)

    def _unit(self, account: str) -> str:
        for known in self._rulebook.policy.accounts:
            if known.clause.id == account:
                return UNITS[known.unit]
        units = {line.unit for lines in self._leaves.postings.values() for line in lines if line.account == account}
        return next(iter(units), "points")

    def _account_label(self, account: str) -> Label:
        clause = _clause_of(self._rulebook, account)
        if clause is not None:
            return clause.label
        return next(
            (label for kept in self._kept.values() if (label := told_entries.label_of(kept, account)) != Label()),
            Label(),
        )


def _clause_of(rulebook: Rulebook, account: str) -> Clause | None:
    return next((one.clause for one in rulebook.policy.accounts if one.clause.id == account), None)


def _last_day(lot: LotLeaf, shown: Collection[int]) -> date:
    """Return the last day of a lot as it stands after the entries that are shown: none where one of them ended it."""
    return date.min if lot.ended_by is not None and lot.ended_by in shown else lot.last_day
