"""A rush for few items, a night on which much ends, an audit and a copy of an open counter, rules that change."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter as Tally
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from threading import Event, Thread

import pytest

from lianxing.engine.bank import ending
from lianxing.engine.bank.ending import end_all
from lianxing.engine.bank.keeping import keep_policy
from lianxing.engine.bank.replaying import replay
from lianxing.engine.bank.tellers import Answer, Teller, Window
from lianxing.engine.ledger.opening import open_ledger
from lianxing.engine.ledger.verifying import verify
from lianxing.rules.commands import Redeem
from lianxing.rules.facts import VolunteerId
from tests.engine.bank.counter import Counter, bank, codes
from tests.engine.bank.counting_house import ACCOUNTS, ANN, BEN, HERE, OFFERS, rules, take_in, write_county
from tests.plugins.smallville import served
from tests.postgres import waits

AT_ONCE = ACCOUNTS.replace("  holds: 3 days\n", "")
ITEMS, CROWD = 20, 120
COPIES = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('VACUUM INTO ?', sys.argv[2:])"


def crowd(counter: Counter, many: int) -> list[VolunteerId]:
    people = [VolunteerId(f"P{number:03}") for number in range(many)]
    counter.take(*(served(f"of {who}", "2024-05-01 09:00", 1, who) for who in people))
    return people


def test_of_a_crowd_at_two_windows_as_many_get_an_item_as_there_are_and_everybody_is_answered(
    tmp_path: Path, ledger_address: str
) -> None:
    few = OFFERS.replace("stock: 3", f"stock: {ITEMS}")
    with bank(tmp_path, ledger_address, accounts=AT_ONCE, redemption=few) as counter, ExitStack() as open:
        commands = [counter.command(Redeem, volunteer=who, offer="soap") for who in crowd(counter, CROWD)]
        windows = []
        for _window in range(2):
            ledger = open.enter_context(open_ledger(ledger_address))
            windows.append(open.enter_context(Window(Teller(ledger, counter.rulebook), together_max=16)))
        with ThreadPoolExecutor(12) as callers:
            said = list(callers.map(lambda at: windows[at % 2].serve(commands[at]), range(CROWD)))
        told = Tally("sold" if one.accepted else "+".join(codes(one)) for one in said)
        assert told == {"sold": ITEMS, "stock": CROWD - ITEMS}
        assert replay(counter.ledger, [counter.rulebook]).differences == []


def test_a_run_under_new_rules_and_a_counter_that_keeps_new_rules_too_never_wait_crosswise(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ending, "ATTEMPTS", 1)
    with bank(tmp_path, postgres_url) as counter, ThreadPoolExecutor(1) as pool, ExitStack() as open:
        new = [OFFERS.replace("stock: 3", f"stock: {stock}") for stock in (4, 5)]
        at_night, by_day = (
            open.enter_context(rules(write_county(tmp_path / str(number) / "smallville", redemption=offers)))
            for number, offers in enumerate(new)
        )
        with counter.ledger.writing() as writing:
            keep_policy(writing, by_day.policy)
            run = pool.submit(end_all, counter.ledger, at_night, date(2026, 1, 1))
            waits(counter.ledger.database.engine, run)
            writing.lock([(ANN, HERE)])
        assert run.result().amounts == {"points": 400}
        assert end_all(counter.ledger, at_night, date(2026, 1, 1)) == ending.Ended()


def test_between_some_people_of_an_expiry_run_and_the_next_the_counter_is_open(
    tmp_path: Path, ledger_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ending, "PEOPLE_AT_ONCE", 4)
    with bank(tmp_path, ledger_address, accounts=AT_ONCE) as counter:
        people = crowd(counter, 10)
        night = date(2025, 6, 1)
        counter.take(served("of today", "2025-05-31 09:00", 2, BEN), on=night)
        with open_ledger(ledger_address, wait_seconds=0) as beside:
            at_the_counter, answers = Teller(beside, counter.rulebook), []

            def meanwhile(_people: int) -> None:
                answers.append(at_the_counter.serve(counter.command(Redeem, night, volunteer=BEN, offer="soap")))

            done = end_all(counter.ledger, counter.rulebook, night, meanwhile)
        assert done.people == len(people) + 1  # Ann too
        assert [one.accepted for one in answers][:2] == [True, True]
        assert [codes(one) for one in answers][2:] == [["balance"]] * (len(answers) - 2)


@contextmanager
def busy(counter: Counter, address: str) -> Iterator[list[Answer]]:
    """Let people redeem and give back without an end; what was answered is in the list."""
    people, over, answers = crowd(counter, 8), Event(), list[Answer]()

    def work() -> None:
        with open_ledger(address) as ledger, Window(Teller(ledger, counter.rulebook)) as window:
            while not over.is_set():
                asked = [counter.command(Redeem, volunteer=who, offer="soap") for who in people]
                answers.extend(one.result() for one in [window.ask(command) for command in asked])

    clerk = Thread(target=work)
    clerk.start()
    try:
        while len(answers) < len(people):
            over.wait(0.001)
        yield answers
    finally:
        over.set()
        clerk.join()


def test_an_audit_of_an_open_counter_sees_one_moment_and_keeps_nobody_waiting(
    tmp_path: Path, ledger_address: str
) -> None:
    with bank(tmp_path, ledger_address, accounts=AT_ONCE) as counter, busy(counter, ledger_address) as answers:
        before = len(answers)
        for _audit in range(3):
            assert verify(counter.ledger) == []
            assert replay(counter.ledger, [counter.rulebook]).differences == []
        assert len(answers) > before


def test_a_copy_of_an_open_counter_has_all_that_was_answered_before_it_and_holds_by_itself(tmp_path: Path) -> None:
    address, copy = f"sqlite:///{tmp_path / 'county.db'}", tmp_path / "copy.db"
    with bank(tmp_path, address, accounts=AT_ONCE) as counter, busy(counter, address) as answers:
        before = list(answers)
        subprocess.run([sys.executable, "-c", COPIES, str(tmp_path / "county.db"), str(copy)], check=True)
        with open_ledger(str(copy)) as copied:
            assert verify(copied) == []
            assert replay(copied, [counter.rulebook]).differences == []
            with copied.reading() as reading:
                there = {one.body for one in reading.all_entries()}
        assert {one.body for one in before} <= there


def test_each_entry_names_the_rules_by_which_it_was_decided_though_two_versions_are_at_work_at_once(
    tmp_path: Path, ledger_address: str
) -> None:
    offers = OFFERS.replace("stock: 3", "stock: 40")
    dearer = offers.replace("price: 1 points", "price: 2 points")
    with bank(tmp_path, ledger_address, accounts=AT_ONCE, redemption=offers) as old:
        people = crowd(old, 24)
        changed = write_county(
            tmp_path / "changed" / HERE, accounts=AT_ONCE, redemption=dearer.replace("stock: 3", "stock: 40")
        )
        with rules(changed) as new, open_ledger(ledger_address) as ledger:
            take_in(new, ledger, *(served(f"more of {who}", "2024-05-02 09:00", 2, who) for who in people))
            tellers = (old.teller, Teller(ledger, new))
            commands = [old.command(Redeem, volunteer=who, offer="soap") for who in people]
            with ThreadPoolExecutor(2) as callers:
                said = list(callers.map(lambda at: tellers[at % 2].serve(commands[at]), range(len(people))))
            assert [one.data["price"] for one in said] == [100, 200] * 12
            digests = [old.rulebook.policy.digest, new.policy.digest]
            with ledger.reading() as reading:
                redeemed = [one.entry for one in reading.all_entries() if one.entry.kind == "redeemed"]
            assert {one.volunteer: one.policy_digest for one in redeemed} == dict(
                zip(people, digests * 12, strict=True)
            )
            assert replay(ledger, [old.rulebook, new]).differences == []
