"""The bank against a naive model of it: whatever people ask in whatever order, both answer alike and hold the same.

A step is a batch of commands in one transaction, a delivery of records, a night on which what is over is booked, or a
number of days that pass. In the long mode (`LIANXING_LONG=1`) a million commands and records, in about twenty minutes.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import count
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from sqlalchemy import select

from lianxing import ServiceRecord
from lianxing.engine.bank.ending import end_all
from lianxing.engine.bank.tellers import Answer, Outcome, Teller
from lianxing.engine.ledger.errors import InvalidError, KeyMismatchError
from lianxing.engine.ledger.opening import open_ledger
from lianxing.engine.ledger.tables import passbook
from lianxing.engine.ledger.verifying import verify
from lianxing.engine.proving import readding_violations
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.accounts import Purpose, Recipient
from lianxing.rules.closures import ClosingEvent
from lianxing.rules.commands import (
    Close,
    Command,
    Fetch,
    Give,
    Grant,
    Redeem,
    Refund,
    Release,
    Reopen,
    Reserve,
    Settle,
    UsePerk,
)
from lianxing.rules.facts import RecordId, RegistryId, VolunteerId
from lianxing.rules.records import Volunteer, Withdrawn
from lianxing.rules.redemption import PickUp
from tests.engine.bank.counting_house import HERE, rules, take_in, write_county
from tests.engine.bank.model import FOR_EVER, BoxRules, County, CountyRules, OfferRules, Record, months_later
from tests.plugins.smallville import served

LONG = bool(os.environ.get("LIANXING_LONG"))
STEPS = 1_000_000 if LONG else 10_000  # commands and records, all counties together
STEPS_AN_EXAMPLE = 250  # at most about so many
NAMES = ("V1", "V2", "V3", "V4")
RECORDS = tuple("abcdefghijkl")
START = date(2024, 2, 27)
HUNDREDTH, MINUTE = 1, 60

STARS = """
award: {by: automatic}
levels:
  1: {points_earned: {at_least: 0.2 points}}
"""
PERKS = "bath: {stars: {at_least: 1}, pays: 0 %, uses: {at_most: 2, per: calendar_year}, provider: the town}\n"
HOURS = "- id: half_an_hour_a_day\n  limit: {per: day, at_most: 30 minutes, overflow: lost}\n"
EARNING = """
- id: by_time
  points_per_hour: {by: category, default: RATE, training: HALF}
- id: rounding
  round: {to: 0.01 points, each: record, direction: down}
"""
ACCOUNTS = """
points:
  holder: person
  unit: points
  earned_from: points
  spent_on: [goods, discount]
  POINTS
time:
  holder: person
  unit: hours
  earned_from: hours
  spent_on: [service]
  TIME
"""


def offers(price: int, *, irreversible: bool) -> tuple[str, dict[str, OfferRules]]:
    """Return the offers as the county writes them and as the model has them; a price is so many hundredths."""
    points = f"{price // 100}.{price % 100:02}"
    twice = f"{2 * price // 100}.{2 * price % 100:02}"
    once = "yes" if irreversible else "no"
    text = f"""
soap: {{account: points, price: {points} points, gives: goods, opens: always, per_person: unlimited, stock: 12,
  irreversible: no, provider: the shop}}
rice: {{account: points, price: {twice} points, gives: voucher, voucher: {{valid: 2 months}}, opens: always,
  per_person: {{at_most: 6, per: calendar_year}}, stock: unlimited, irreversible: {once}, pick_up: [identity],
  provider: the shop}}
oil: {{account: points, price: {twice} points, gives: goods, opens: always, per_person: unlimited, stock: 20,
  irreversible: {once}, partial: {{at_least: 50 %, exchange: 1 yuan}}, provider: the shop}}
fair: {{account: points, price: {points} points, gives: discount, opens: always, per_person: unlimited,
  stock: unlimited, irreversible: no, watermark: yes, provider: the fair}}
visit: {{account: time, price: 7 minutes, gives: service, opens: always, per_person: unlimited, stock: unlimited,
  irreversible: no, provider: the office}}
"""
    return text, {
        "soap": OfferRules("points", price, stock=12),
        "rice": OfferRules("points", 2 * price, a_year=6, voucher_months=2, irreversible=irreversible, identity=True),
        "oil": OfferRules("points", 2 * price, stock=20, irreversible=irreversible, half_in_money=True),
        "fair": OfferRules("points", price, watermark=True),
        "visit": OfferRules("time", 7, by_time=True),
    }


@dataclass(frozen=True)
class Kind:
    """A county, as it writes its accounts and as the model has them."""

    points: str
    time: str
    points_rules: BoxRules
    time_rules: BoxRules
    hundredths_a_minute: int = 1
    price: int = 3
    irreversible: bool = False

    def texts(self) -> dict[str, str]:
        rate = f"{self.hundredths_a_minute * 6 // 10}.{self.hundredths_a_minute * 6 % 10}"
        half = f"{self.hundredths_a_minute * 3 // 10}.{self.hundredths_a_minute * 3 % 10}"
        return {
            "hours": HOURS,
            "earning": EARNING.replace("RATE", rate).replace("HALF", half),
            "stars": STARS,
            "perks": PERKS,
            "accounts": ACCOUNTS.replace("POINTS", "\n  ".join(self.points.strip().splitlines())).replace(
                "TIME", "\n  ".join(self.time.strip().splitlines())
            ),
            "redemption": offers(self.price, irreversible=self.irreversible)[0],
        }

    def rules(self) -> CountyRules:
        return CountyRules(
            boxes={"points": self.points_rules, "time": self.time_rules},
            offers=offers(self.price, irreversible=self.irreversible)[1],
            minutes_a_day=30,
            hundredths_a_minute=self.hundredths_a_minute,
            earned={"points": "points", "hours": "time"},
            star_points=20,
            perk_a_year=2,
        )


def end_of_year(day: date) -> date:
    return date(day.year, 12, 31)


def valid(months: int) -> Callable[[date], date]:
    return lambda day: months_later(day, months)


def never(_day: date) -> date:
    return FOR_EVER


CLOSURE = "closure: {death: inherited, moving: portable, leaving: lost}"
KINDS = {
    "the_year_ends_it": Kind(
        "expires: {at_end_of: calendar_year}\nspends_first: oldest\nstorage: {at_most: 0.4 points, overflow: lost}\n"
        f"overdraft: none\ntransfer: {{to_whom: [friend, pool]}}\nshortfall: debt\nholds: 3 days\n{CLOSURE}",
        "expires: never\nspends_first: oldest\nstorage: {at_most: 1 hour, overflow: donation_pool}\n"
        "overdraft: none\ntransfer: {to_whom: [friend]}\nshortfall: clamp\n"
        f"issue: [{{amount: 9 minutes, per: calendar_year, provider: the fund}}]\n{CLOSURE}",
        BoxRules(HUNDREDTH, end_of_year, most=40, to_friends=True, to_pool=True, hold_days=3),
        BoxRules(MINUTE, never, most=60, to_friends=True, shortfall="clamp", grant=9, for_goods=False),
    ),
    "each_has_its_months": Kind(
        "expires: {valid: 12 months}\nspends_first: soonest_to_expire\nstorage: unlimited\n"
        "overdraft: {floor: -0.05 points}\n"
        f"transfer: {{to_whom: [friend]}}\nshortfall: clamp\nholds: 20 days\n{CLOSURE}",
        "expires: {valid: 2 months}\nspends_first: newest\nstorage: unlimited\noverdraft: none\ntransfer: none\n"
        "shortfall: forbid\nholds: 40 days",
        BoxRules(HUNDREDTH, valid(12), "soonest", floor=-5, to_friends=True, shortfall="clamp", hold_days=20),
        BoxRules(MINUTE, valid(2), "newest", shortfall="forbid", hold_days=40, closes=False, for_goods=False),
    ),
    "a_redemption_ends_it": Kind(
        "expires: after_redemption\nspends_first: oldest\nstorage: unlimited\noverdraft: none\n"
        f"transfer: {{to_whom: [pool]}}\nshortfall: debt\nholds: 10 days\n{CLOSURE}",
        "expires: after_redemption\nspends_first: newest\nstorage: unlimited\noverdraft: {floor: -10 minutes}\n"
        f"transfer: none\nshortfall: debt\n{CLOSURE}",
        BoxRules(HUNDREDTH, never, to_pool=True, hold_days=10, gone_after_redemption=True),
        BoxRules(MINUTE, never, "newest", floor=-10, gone_after_redemption=True, for_goods=False),
        irreversible=True,
    ),
    "nothing_ends_it": Kind(
        "expires: never\nspends_first: oldest\nstorage: {at_most: 5 points, overflow: honour}\noverdraft: none\n"
        f"transfer: {{to_whom: [friend]}}\nshortfall: forbid\nwhole_only: rest_carried\n{CLOSURE}",
        "expires: {at_end_of: month}\nspends_first: oldest\nstorage: {at_most: 40 minutes, overflow: lost}\n"
        f"overdraft: none\ntransfer: {{to_whom: [friend]}}\nshortfall: debt\nholds: 40 days\n{CLOSURE}",
        BoxRules(HUNDREDTH, never, most=500, to_friends=True, shortfall="forbid", whole=100),
        BoxRules(
            MINUTE,
            lambda day: months_later(day.replace(day=1), 1) - timedelta(days=1),
            most=40,
            to_friends=True,
            hold_days=40,
            for_goods=False,
        ),
        hundredths_a_minute=10,
        price=30,
    ),
}


class Shop:
    """Everything that is made once: the county's rules, and an empty ledger to copy."""

    def __init__(self, folder: Path, kind: Kind, stack: ExitStack) -> None:
        self.kind = kind
        self.rulebook: Rulebook = stack.enter_context(rules(write_county(folder / "smallville", **kind.texts())))
        self.empty = folder / "empty.db"
        with open_ledger(str(self.empty)) as ledger:  # nobody gives to whom the ledger does not know
            take_in(self.rulebook, ledger, volunteers=tuple(Volunteer(VolunteerId(name)) for name in NAMES))
        self.steps = 0


@contextmanager
def shop(kind: Kind) -> Iterator[Shop]:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        yield Shop(Path(folder), kind, stack)


# Each command is drawn as one number, four in truth: what, whose, and two that mean what the command makes of them.
ASKED = st.integers(0, 20 * 4 * 6 * 8 - 1)
CONTENT = st.tuples(
    st.integers(0, 3), st.integers(0, 90), st.integers(0, 14), st.integers(1, 35), st.sampled_from("tc")
)


class Bank(RuleBasedStateMachine):
    shop: Shop

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "county.db"
        shutil.copyfile(self.shop.empty, path)
        self.ledger = open_ledger(str(path), clock=lambda: 1_750_000_000)
        self.teller = Teller(self.ledger, self.shop.rulebook)
        self.county = County(self.shop.kind.rules(), START)
        self.numbers: dict[str, int] = {}  # of each passbook's last entry
        self.answers: list[tuple[Command, Answer]] = []
        self.asked: dict[str, list[int]] = {}  # entries of each person that may be named later
        self.contents: dict[str, list[ServiceRecord]] = {}
        self.keys = 0

    # --- steps ---

    @initialize(minutes=st.lists(st.integers(10, 30), min_size=8, max_size=8))
    def everybody_has_served(self, minutes: list[int]) -> None:
        self.deliver([(RECORDS[n], (n % 4, 4 + n // 4, n, many, "c")) for n, many in enumerate(minutes)])

    @rule(asked=st.lists(ASKED, min_size=15, max_size=30), days=st.sampled_from((0, 0, 0, 1, 4, 33)))
    def ask(self, asked: list[int], days: int) -> None:
        self.shop.steps += len(asked)
        self.county.today += timedelta(days=days)  # and nothing of what is over is booked
        commands: list[Command] = []
        expected: list[bool | Answer | int | type[Exception]] = []
        numbers: list[int] = []
        new: dict[str, int] = {}
        for one in asked:
            what, whose, this, that = one // 192, one // 48 % 4, one // 8 % 6, one % 8
            command, said = self._asked(what, whose, this, that, commands=commands, new=new)
            commands.append(command)
            expected.append(said)
            numbers.append(self.numbers.get(command.volunteer, 0))
        outcomes = self.teller.serve_all(commands)
        for command, said, number, outcome in zip(commands, expected, numbers, outcomes, strict=True):
            self._compare(command, said, number, outcome, outcomes)
        self._same()

    @rule(
        delivered=st.lists(
            st.tuples(st.sampled_from(RECORDS), st.one_of(CONTENT, CONTENT, CONTENT, st.none())),
            min_size=1,
            max_size=6,
            unique_by=lambda one: one[0],
        )
    )
    def deliver(self, delivered: list[tuple[str, tuple[int, int, int, int, str] | None]]) -> None:
        self.shop.steps += len(delivered)
        events: list[tuple[str, Record | None]] = []
        came: list[ServiceRecord | Withdrawn] = []
        for id, content in delivered:
            if content is None:
                if id in self.county.records:
                    came.append(Withdrawn(RecordId(id), RegistryId("test")))
                    events.append((id, None))
                continue
            record, as_delivered = self._record(id, *content)
            if as_delivered in self.contents.get(id, ()):
                continue  # an older version is set aside; that is tested elsewhere
            self.contents.setdefault(id, []).append(as_delivered)
            events.append((id, record))
            came.append(as_delivered)
            if content[1] % 4 == 0:
                came.append(as_delivered)  # delivered twice
        self._delivered(events, came)

    @rule(mistaken=st.lists(st.tuples(st.sampled_from(RECORDS), st.integers(1, 35)), min_size=1, max_size=4))
    def correct(self, mistaken: list[tuple[str, int]]) -> None:
        """Of some records only how long they took was a mistake, or is put right."""
        for id, minutes in mistaken:
            if id not in self.county.records:
                continue
            before = self.contents[id][-1]
            came = replace(before, ended_at=before.started_at + 60 * minutes, seconds=60 * minutes)
            if came in self.contents[id]:
                continue
            self.shop.steps += 1
            self.contents[id].append(came)
            self._delivered([(id, replace(self.county.records[id], minutes=minutes))], [came])

    def _delivered(self, events: list[tuple[str, Record | None]], came: list[ServiceRecord | Withdrawn]) -> None:
        self.county.deliver(events)
        take_in(self.shop.rulebook, self.ledger, *came, on=self.county.today)
        self._same()
        worth = self.county.worth()
        with self.ledger.reading() as reading:
            for name in map(VolunteerId, self.county.people):
                held = {
                    str(one.record.id): (name, one.seconds, one.points) for one in reading.histories(HERE, [name])[name]
                }
                mine = {id: (person, 60 * m, points) for id, (person, m, points) in worth.items() if person == name}
                assert held == mine

    @rule(days=st.sampled_from((1, 1, 2, 3, 5, 11, 31, 90, 200)))
    def night(self, days: int) -> None:
        self.county.today += timedelta(days=days)
        self.county.night()
        end_all(self.ledger, self.shop.rulebook, self.county.today)
        self._same(booked=True)

    def teardown(self) -> None:
        try:
            assert verify(self.ledger) == []
            assert readding_violations(self.ledger) == []
        finally:
            self.ledger.close()
            self.folder.cleanup()

    # --- what is asked ---

    def _asked(
        self, what: int, whose: int, this: int, that: int, *, commands: list[Command], new: dict[str, int]
    ) -> tuple[Command, bool | Answer | int | type[Exception]]:
        """Return a command and what the model says: accepted or not; an answer given before, or by which of the batch;
        the error."""
        county, name = self.county, NAMES[whose]
        if what == 17 and self.answers:
            return self.answers[(this * 8 + that) * 7 % len(self.answers)]
        if what == 18 and commands and commands[-1].key in new:
            return commands[-1], new[commands[-1].key]
        if what == 19:
            if that < 4 and self.answers:
                before, _answer = self.answers[(this * 8 + that) * 7 % len(self.answers)]
                return replace(before, reason=f"{before.reason}!"), KeyMismatchError
            wrong = self._command(Redeem, name, offer="soap")
            return replace(wrong, key="" if this % 2 else "k" * 201), InvalidError
        entry = self._entry(name, what, which=this * 8 + that)
        number = self.numbers.get(name, 0) + 1 + county.over(name, entry if what in (7, 8, 9) else 0)
        says = county.rules
        box, grain = (("points", HUNDREDTH), ("time", MINUTE))[this % 2]
        small = 10 * that if says.hundredths_a_minute == 10 and box == "points" else that
        friend = NAMES[(whose + that) % 4]
        command: Command
        match what:
            case 0 | 1 | 2 | 3 | 4:
                offer = (*says.offers, "nothing")[this]
                units = (1, 1, 1, 2, 1, 3, 1, 1)[that] if this else (1, 0, 1, 2, -1, 3, 1, 1)[that]
                merchant = ("", "the shop")[that % 2]
                command = self._command(Redeem, name, offer=offer, units=units, merchant=merchant)
                said = county.redeem(name, number, offer, units, merchant)
            case 5 | 6:
                purpose = (Purpose.GOODS, Purpose.SERVICE)[(this + (that == 7)) % 2]
                command = self._command(Reserve, name, account=box, amount=small * grain, purpose=purpose)
                said = county.reserve(name, number, box, small, purpose is Purpose.GOODS)
            case 7 | 8:
                part = None if this < 3 else small
                holding = county.holding(county.meet(name), entry)
                grain = HUNDREDTH if holding is None else holding.rules.grain
                amount = None if part is None else part * grain
                command = self._command(Settle, name, entry=entry, amount=amount)
                said = county.settle(name, entry, part)
            case 9:
                command = self._command(Release, name, entry=entry)
                said = county.release(name, entry)
            case 10 | 11:
                command = self._command(Refund, name, entry=entry)
                said = county.refund(name, entry)
            case 12:
                shown = (PickUp.IDENTITY,) if that else ()
                command = self._command(Fetch, name, entry=entry, shown=shown)
                said = county.fetch(name, entry, bool(that))
            case 13 | 14:
                to = None if this > 3 else friend
                recipient = Recipient.POOL if to is None else Recipient.FRIEND
                command = self._command(
                    Give, name, account=box, amount=small * grain, to_whom=recipient, recipient=VolunteerId(to or "")
                )
                said = county.give(name, box, small, to)
                if said and to is not None:
                    self.numbers[to] = self.numbers.get(to, 0) + 1
            case 15:
                command = self._command(Grant, name, account=box, amount=(9 if that else 8) * grain)
                said = county.grant(name, box, 9 if that else 8)
            case 16 if this == 5 and that > 3:
                command = self._command(Close, name, event=ClosingEvent.MOVING)
                said = county.close(name)
            case 16 if (this == 4 and county.meet(name).closed) or that == 0:
                command = self._command(Reopen, name)
                said = county.reopen(name)
            case _:
                command = self._command(UsePerk, name, perk="bath")
                said = county.use_perk(name)
        self.numbers[name] = number
        new[command.key] = len(commands)
        if said and isinstance(command, (Redeem, Reserve)):
            self.asked.setdefault(name, []).append(number)
        return command, said

    def _entry(self, name: str, what: int, which: int) -> int:
        """Return an entry that is settled, released, given back, fetched: mostly one of which that can be done."""
        person = self.county.meet(name)
        held = [entry for box in person.boxes.values() for entry in box.holds]
        fit = held if what in (7, 8, 9) else [entry for entry in person.had if entry not in held]
        if what == 12:
            fit = [entry for entry in fit if person.had[entry].offer == "rice"]
        mine = fit if fit and which % 6 else self.asked.get(name, [])
        return mine[which % len(mine)] if mine else 1

    def _command(self, kind: type[Command], name: str, **how: object) -> Command:
        self.keys += 1
        return kind(
            volunteer=VolunteerId(name),
            county=HERE,
            on=self.county.today,
            scope="counter",
            key=f"k{self.keys}",
            **how,  # type: ignore[arg-type]
        )

    def _record(
        self, id: str, whose: int, days_ago: int, hour: int, minutes: int, kind: str
    ) -> tuple[Record, ServiceRecord]:
        name, day = NAMES[whose], self.county.today - timedelta(days=days_ago)
        category = "training" if kind == "t" else "civility"
        came = served(id, f"{day} {hour + 6:02}:00", 1, name, category)
        came = replace(came, ended_at=came.started_at + 60 * minutes, seconds=60 * minutes)
        return Record(name, came.started_at // 60, day, minutes, category), came

    # --- are they alike ---

    def _compare(
        self,
        command: Command,
        said: bool | Answer | int | type[Exception],
        number: int,
        outcome: Outcome,
        outcomes: list[Outcome],
    ) -> None:
        if isinstance(said, type):
            assert isinstance(outcome, said), (command, outcome)
            return
        assert isinstance(outcome, Answer), (command, outcome)
        if not isinstance(said, bool):
            first = outcomes[said] if isinstance(said, int) else said
            assert isinstance(first, Answer)
            assert replace(outcome, replayed=False, body=b"") == replace(first, replayed=False, body=b"")
            assert orjson.loads(outcome.body) == orjson.loads(first.body)
            assert outcome.replayed
            return
        assert (outcome.accepted, outcome.entry) == (said, number), (command, outcome.data)
        self.answers.append((command, outcome))

    def _same(self, *, booked: bool = False) -> None:
        """Compare what everybody has; `booked`: what is over was booked, so the balances say so, too."""
        today = self.county.today
        people = [(VolunteerId(name), HERE) for name in self.county.people]
        with self.ledger.reading() as reading:
            rows, balances = reading.wallet_rows(people), reading.balances_of(people)
            taken = reading.stock_taken(HERE, self.county.rules.offers)
            last = select(passbook.c.volunteer, passbook.c.number).where(passbook.c.county == HERE)
            self.numbers = {row.volunteer: row.number for row in reading._connection.execute(last)}
        for owner in people:
            name = owner[0]
            person = self.county.people[name]
            if owner not in rows:
                assert not any(box.coins or box.owed for box in person.boxes.values())
                continue
            has = balances[owner]
            minutes, hundredths = self.county.earned(name)
            assert has.get(("earned", "seconds"), 0) == 60 * minutes
            assert has.get(("earned", "points"), 0) == hundredths
            for id, box in person.boxes.items():
                grain, unit = box.rules.grain, "points" if id == "points" else "seconds"
                lots = [lot for lot in rows[owner].lots if lot.account == id and lot.ends >= today and lot.remaining]
                there = box.there(today)
                coins = Counter(coin.last_day for coin in there)
                days: Counter[date] = Counter()
                for lot in lots:
                    days[lot.ends] += lot.remaining // grain
                assert days == coins, (name, id, "the last days of what is there", days, coins)
                live = sum(lot.remaining for lot in lots)
                owed = -has.get((f"{id}/debt", unit), 0)
                theirs = (live - owed, has.get((f"{id}/held", unit), 0), owed)
                mine = ((len(there) - box.owed) * grain, box.held * grain, box.owed * grain)
                assert theirs == mine, (name, id, "available, held, owed", theirs, mine)
                if booked:
                    assert has.get((id, unit), 0) == live
        limited = {offer for offer, says in self.county.rules.offers.items() if says.stock is not None}
        assert {offer: taken.get(offer, 0) for offer in limited} == {
            offer: self.county.taken.get(offer, 0) for offer in limited
        }


@pytest.mark.parametrize("kind", list(KINDS))
def test_the_bank_does_what_a_clerk_with_a_box_of_coins_does(kind: str) -> None:
    share = STEPS // len(KINDS)
    with shop(KINDS[kind]) as opened:
        for turn in count():
            if opened.steps >= share:
                break
            # Of another name, or the same examples would be looked at again.
            machine = type(f"Bank{turn}", (Bank,), {"shop": opened})
            run_state_machine_as_test(
                machine,
                settings=settings(
                    max_examples=min(share // STEPS_AN_EXAMPLE, 200),
                    stateful_step_count=25,
                    database=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
