"""A passbook built up again from its entries alone, one after the other: what stood in it before each of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import orjson

from lianxing.engine.bank.answering import LastStep
from lianxing.engine.bank.arrivals import Arrived, note_arrival
from lianxing.engine.bank.crediting import NewAccounts, said_of
from lianxing.engine.bank.customers import Customer, lot_of
from lianxing.engine.bank.lowering import lowerings_by, lowers
from lianxing.engine.bank.redeeming import APPROVED
from lianxing.engine.bank.request_data import request_from
from lianxing.engine.bank.steps import REVIEW, awards_of
from lianxing.engine.basis import Lowering
from lianxing.engine.closings import OPEN, Closings
from lianxing.engine.ledger.chaining import Link
from lianxing.engine.ledger.contents import facts_from, record_from
from lianxing.engine.ledger.drafts import BROUGHT, CLOSED, DECLARED, ENDED, RECEIVED, REOPENED, REQUEST, TAKEN_BACK
from lianxing.engine.ledger.holdings import Had, HoldRow, LotRow, WalletRows
from lianxing.engine.ledger.stored import Held, Noted
from lianxing.engine.ledger.touching import touch_of_link
from lianxing.engine.recounting import as_counted
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.standings import standing
from lianxing.engine.touches import expired
from lianxing.engine.wallet import EXPIRED, REDEEMED, Wallet
from lianxing.rules.facts import CountyId, VolunteerId
from lianxing.rules.families import Relation
from lianxing.rules.records import Volunteer
from lianxing.rules.requests import ServiceRequest
from lianxing.rules.reviewing import Awarded
from lianxing.rules.standings import Counted, Standing


@dataclass
class Replica:
    """What a passbook holds after the entries that were applied; nothing of it is read from a balance or a cache."""

    volunteer: VolunteerId
    county: CountyId
    new: NewAccounts = field(default_factory=dict)
    number: int = 0
    closings: Closings = OPEN
    family: dict[VolunteerId, Relation] = field(default_factory=dict)
    arrived: Arrived = field(default_factory=dict)
    brought: set[tuple[str, int]] = field(default_factory=set)  # from which county, under which entry there
    requests: dict[str, ServiceRequest] = field(default_factory=dict)
    approved: set[int] = field(default_factory=set)  # entries whose redemption was approved
    bought: dict[int, bytes] = field(default_factory=dict)  # what the entries say by which something was had
    last_steps: dict[int, LastStep] = field(default_factory=dict)  # of what was had or reserved under an entry
    held: dict[tuple[str, str], Held] = field(default_factory=dict)
    balances: dict[tuple[str, str], int] = field(default_factory=dict)
    floors: dict[tuple[str, str], int | None] = field(default_factory=dict)
    had: dict[int, Had] = field(default_factory=dict)
    notes: list[Noted] = field(default_factory=list)  # what reviews say
    holds: dict[int, HoldRow] = field(default_factory=dict)
    said: dict[tuple[str, str], Mapping[str, Any]] = field(
        default_factory=dict
    )  # of records, as `credited` asks for it
    _lots: dict[tuple[str, int], LotRow] = field(default_factory=dict)
    _full: dict[tuple[str, int], None] = field(default_factory=dict)  # the lots of which something is left
    _taken: dict[int, list[tuple[str, int, int]]] = field(default_factory=dict)
    _besides: dict[str, tuple[int, int, str]] = field(default_factory=dict)
    _originals: dict[int, tuple[str, str]] = field(default_factory=dict)
    _history: list[Counted] | None = None
    _standings: dict[date, Standing] = field(default_factory=dict)
    _standing_of: tuple[str, Volunteer, int] | None = None
    _touching: list[Link] = field(default_factory=list)  # what was done to accounts
    _lets_end: bool = False  # something has ended

    def apply(self, link: Link) -> None:
        """Let an entry do what it says, whether it is right or not."""
        self.number = link.number
        self._apply_step(link)
        for account, unit, floor in link.floors:
            self.floors[str(account), str(unit)] = None if floor is None else int(floor)
            self.balances.setdefault((str(account), str(unit)), 0)
        for account, unit, amount, after in link.postings:
            if after is not None:
                place = str(account), str(unit)
                self.balances[place] = self.balances.get(place, 0) + int(amount or 0)
        self._apply_lots(link)
        if link.hold is not None:
            account, amount, until = link.hold
            day = date.fromisoformat(str(until))
            self.holds[link.number] = HoldRow(str(account), link.number, int(amount), day)
        if link.ends is not None:
            del self.holds[link.ends]
            self._apply_settled(link, link.ends)
        if link.redemption is not None:
            on, offered, merchant, units, paid, cash = link.redemption
            day = date.fromisoformat(str(on))
            self.bought[link.number] = link.body
            self.had[link.number] = Had(link.number, day, str(offered), str(merchant), int(units), int(paid), int(cash))
        if link.returns is not None:
            del self.had[link.returns]
        for account, drawn, rest, issued in link.wallets:
            self._besides[str(account)] = (int(drawn), int(rest), str(issued))
        if link.lots or any(account == REDEEMED for account, *_rest in link.postings):
            self._touching.append(link)
            self._lets_end = self._lets_end or any(account == EXPIRED for account, *_rest in link.postings)
        if link.kind == REVIEW:
            noted_on = date.fromisoformat(link.effective_on)
            self.notes.append(Noted(link.number, noted_on, link.actor, link.reason, link.body))
            self._standing_of = None
        if link.kind == APPROVED:
            self.approved.add(int(orjson.loads(link.body)["asked"]["entry"]))
        if link.kind == BROUGHT:
            asked = orjson.loads(link.body)["asked"]
            self.brought.add((asked["from_county"], asked["entry"]))
        if link.kind == REQUEST:
            made = request_from(orjson.loads(link.body)["request"])
            self.requests[made.id] = made
        if link.kind in (RECEIVED, TAKEN_BACK):
            note_arrival(self.arrived, orjson.loads(link.body))
        if link.kind == DECLARED:
            said = orjson.loads(link.body)["family"]
            self.family = {VolunteerId(id): Relation(relation) for id, relation in said}
        if link.kind in (CLOSED, REOPENED):
            closed_or_open_on = date.fromisoformat(link.effective_on)
            self.closings = self.closings.after(link.kind, closed_or_open_on, link.number, link.body)
        if link.record:
            self._apply_record(link)

    def _apply_step(self, link: Link) -> None:
        """Note on which step rests what becomes of something that was had or is reserved."""
        step = LastStep(date.fromisoformat(link.effective_on), link.number)
        about = None
        if link.hold is not None or link.redemption is not None:
            self.last_steps[link.number] = step
        if link.ends is not None:
            about = link.ends
        elif link.kind == APPROVED:
            about = int(orjson.loads(link.body)["asked"]["entry"])
        if about is not None:
            self.last_steps[about] = max(self.last_steps.get(about, step), step)

    def _apply_settled(self, link: Link, hold: int) -> None:
        """What was settled is what was paid, and what may be given back."""
        paid = [int(amount or 0) for account, _unit, amount, _after in link.postings if account == REDEEMED]
        if paid and hold in self.had:
            self.had[hold] = self.had[hold].settled(paid[0])

    def _apply_lots(self, link: Link) -> None:
        for account, number, earned_on, last_day, source, original in link.opened:
            days = date.fromisoformat(str(earned_on)), date.fromisoformat(str(last_day))
            self._lots[str(account), int(number)] = LotRow(
                str(account), int(number), *days, str(source), int(original), 0
            )
        taken = []
        for account, number, amount in link.lots:
            place = str(account), int(number)
            lot = self._lots[place]
            self._lots[place] = lot = lot._replace(remaining=lot.remaining + int(amount))
            if lot.remaining:
                self._full[place] = None
            else:
                self._full.pop(place, None)
            if int(amount) < 0:
                taken.append((*place, -int(amount)))
        if taken and (link.hold is not None or link.redemption is not None or link.kind == REQUEST):
            self._taken[link.number] = taken
        for account, number in link.ended:
            place = str(account), int(number)
            self._lots[place] = self._lots[place]._replace(ends=date.fromisoformat(ENDED))

    def _apply_record(self, link: Link) -> None:
        self._history = self._standing_of = None
        digest, counted = link.policy_digest or "", bool(link.counted)
        if link.adjusts is None:
            if not link.content:
                return
            key = link.registry, link.record
            record, supplied = record_from(link.content), facts_from(link.supplied or b"{}")
            self._originals[link.number] = key
            self._apply_said(key, link)
            self.held[key] = Held(
                record, supplied, link.number, link.seconds, link.points, digest, counted, version=link.number
            )
            return
        key = self._originals[link.adjusts]
        if key not in self.held:
            return  # noted of a record that was taken back before
        self._apply_said(key, link)
        if link.content == b"":
            del self.held[key]
            return
        before = self.held[key]
        now = replace(
            before,
            seconds=before.seconds + link.seconds,
            points=before.points + link.points,
            policy_digest=digest,
            counted=counted,
        )
        if link.content is not None:
            record, supplied = record_from(link.content), facts_from(link.supplied or b"{}")
            now = replace(now, record=record, supplied=supplied, version=link.number)
        self.held[key] = now

    def _apply_said(self, key: tuple[str, str], link: Link) -> None:
        said = said_of(link.body)
        if said:
            self.said[key] = said
        else:
            self.said.pop(key, None)

    def original(self, key: tuple[str, str]) -> int | None:
        """Return the entry from which a record has counted last in this passbook; None where it never has."""
        return next((number for number in reversed(self._originals) if self._originals[number] == key), None)

    # --- what the bank asks of a passbook ------------------------------------------------------------------------

    def rows(self, *, lots: bool = True) -> WalletRows:
        """Return what the passbook holds of the person's accounts, as a ledger would."""
        by_now = len(self._touching)
        rows = WalletRows(besides=dict(self._besides), ended=lambda: self._ended(by_now))
        if lots:
            rows.lots += [self._lots[place] for place in self._full]
        rows.holds += self.holds.values()
        there = {(one.account, one.number) for one in rows.lots}
        for number in self.holds:
            parts = self._taken.get(number, [])
            rows.taken[number] = [(lot, amount) for _account, lot, amount in parts]
            for account, lot, _amount in parts:
                if (account, lot) not in there:
                    there.add((account, lot))
                    rows.lots.append(self._lots[account, lot])
        return rows

    def _ended(self, touching: int) -> list[LotRow]:
        """Return the lots of which something had ended, and how much, when so many entries had touched accounts."""
        if not self._lets_end:
            return []
        ended = expired(map(touch_of_link, self._touching[:touching]))
        return [self._lots[place]._replace(expired=amount) for place, amount in ended.items()]

    def customer(self, rulebook: Rulebook, person: Volunteer) -> Customer:
        """Return the person as the bank sees them now."""
        stands_by = rulebook.policy.digest, person, len(self._touching) if lowers(rulebook) else 0
        if self._standing_of != stands_by:
            self._standing_of = stands_by
            self._standings = {}
        return Customer(
            rulebook=rulebook,
            person=person,
            rows=self.rows(),
            balances=dict(self.balances),
            had=list(self.had.values()),
            stands=lambda person, on, later: self._stands(rulebook, person, on, lowered=later is not None),
            closings=self.closings,
            number=self.number,
            arrivals=lambda: dict(self.arrived),
            _standings=self._standings,
        )

    def _stands(self, rulebook: Rulebook, person: Volunteer, on: date, *, lowered: bool) -> Standing:
        by = self.lowerings(rulebook) if lowered else ()
        return standing(
            rulebook, person, self.history, on, awards_of(rulebook, person, self.history, self.notes, by), by
        )

    @property
    def history(self) -> list[Counted]:
        """What was booked of the person's records, in the order of service."""
        if self._history is None:
            held = sorted(self.held.values(), key=lambda one: one.record.order)
            self._history = [as_counted(one) for one in held]
        return self._history

    def awards(self, rulebook: Rulebook, person: Volunteer) -> tuple[Awarded, ...] | None:
        """Return the stars that were awarded in the ledger; None where the records themselves tell of them."""
        return awards_of(rulebook, person, self.history, self.notes, self.lowerings(rulebook))

    def lowerings(self, rulebook: Rulebook) -> tuple[Lowering, ...]:
        """Return by what the measures of the person are lower for what was spent or has expired."""
        return lowerings_by(rulebook, map(touch_of_link, self._touching)) if lowers(rulebook) else ()

    def taken(self, entry: int) -> list[tuple[str, int, int]]:
        """Return which lots an entry took from, as account, lot and amount."""
        return self._taken.get(entry, [])

    def load(self, wallet: Wallet, lots: Iterable[int]) -> None:
        """Put lots into a wallet that have nothing left."""
        for number in lots:
            row = self._lots.get((wallet.account.clause.id, number))
            if row is not None and number not in wallet.lots:
                wallet.lots[number] = lot_of(row)
