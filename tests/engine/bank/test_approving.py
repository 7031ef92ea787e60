"""What needs an approval is held, waits for its approver, and is handed over or goes back to the same lots."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lianxing.engine.bank.ending import end_all
from lianxing.engine.bank.replaying import replay
from lianxing.engine.bank.statements import statement
from lianxing.engine.bank.tellers import Answer
from lianxing.engine.bank.waiting import waiting
from lianxing.engine.statement_sentences import hold_sentence
from lianxing.rules.accounts import Purpose, Recipient
from lianxing.rules.commands import Approve, Command, Declare, Decline, Give, Redeem, Release, Reserve, Settle
from lianxing.rules.facts import VolunteerId
from lianxing.rules.families import Relation
from tests.engine.bank.counter import Counter, bank, codes
from tests.engine.bank.counting_house import ACCOUNTS, ANN, BEN, DAY, HERE, OFFERS
from tests.engine.bank.forging import exchange, forged
from tests.plugins.smallville import COUNTY as SMALLVILLE

STREET: dict[str, Any] = {"role": "the street", "actor": "clerk 7"}
STRANGER = VolunteerId("V22")
OIL = """oil:
  account: points
  price: 2 points
  gives: goods
  opens: always
  per_person: unlimited
  stock: 1
  irreversible: yes
  provider: the shop
  approver: {by: the street, deadline: 3 days}
"""
CHAPTERS: dict[str, Any] = {
    "county": SMALLVILLE["county.yaml"] + "holidays: CN\n",
    "redemption": OFFERS + OIL,
    "accounts": ACCOUNTS.replace("holds: 3 days", "holds: 10 days"),
}


@pytest.fixture
def counter(tmp_path: Path, address: str) -> Iterator[Counter]:
    with bank(tmp_path, address, **CHAPTERS) as made:
        yield made
        assert replay(made.ledger, [made.rulebook]).differences == []


def waits(counter: Counter, on: date = DAY, role: str = "") -> list[tuple[int, date | None, bool]]:
    found = waiting(counter.ledger, counter.rulebook, on, role)
    return [(due.subject.entry, due.next.until, due.next.overdue) for due in found]


def test_it_is_held_and_waits_for_its_approver_who_lets_it_be_handed_over(counter: Counter) -> None:
    held = counter.ask(Redeem, offer="oil")
    assert (held.data["awaits"], held.data["decide_by"]) == ("the street", "2024-06-04")
    assert counter.has() == {"points": 200, "points/held": 200}
    assert waits(counter, role="the street") == [(held.entry, date(2024, 6, 4), False)]
    assert waits(counter, role="the shop") == []
    early = counter.ask(Settle, entry=held.entry)
    assert codes(early) == ["awaits_approval"]
    assert early.data["reasons"][0]["at"].startswith("smallville/redemption.yaml:39:")
    approved = counter.ask(Approve, entry=held.entry, **STREET)
    assert (approved.accepted, approved.data["late"]) == (True, False)
    assert waits(counter) == []
    assert counter.ask(Settle, entry=held.entry).accepted
    assert counter.has() == {"points": 200}


def test_nothing_is_handed_over_before_the_day_of_its_approval(counter: Counter) -> None:
    held, later = counter.ask(Redeem, offer="oil"), date(2024, 6, 3)
    approved = counter.ask(Approve, on=later, entry=held.entry, **STREET)
    early = counter.ask(Settle, entry=held.entry)
    assert (codes(early), early.data["reasons"][0]["operands"]["entry"]) == (["rests_on"], approved.entry)
    assert counter.ask(Settle, on=later, entry=held.entry).accepted


def test_what_is_declined_goes_back_to_the_same_lots_and_to_the_stock(counter: Counter) -> None:
    with counter.ledger.reading() as reading:
        before = reading.wallet_rows([(ANN, HERE)])[ANN, HERE].lots
    held = counter.ask(Redeem, offer="oil")
    assert codes(counter.ask(Release, entry=held.entry)) == ["irreversible"]
    assert codes(counter.ask(Decline, entry=held.entry, **STREET)) == ["reason_missing"]
    assert counter.ask(Decline, entry=held.entry, reason="had one last year", **STREET).accepted
    with counter.ledger.reading() as reading:
        assert reading.wallet_rows([(ANN, HERE)])[ANN, HERE].lots == before
    assert codes(counter.ask(Approve, entry=held.entry, **STREET)) == ["hold"]
    assert counter.ask(Redeem, offer="oil").accepted


@pytest.mark.parametrize(
    ("kind", "how", "why"),
    [
        (Approve, {"role": "the shop"}, "not_the_role"),
        (Decline, {"role": "the shop", "reason": "no"}, "not_the_role"),
        (Approve, {"actor": " "}, "no_actor"),
        (Approve, {"actor": ANN}, "own_matter"),
        (Approve, {"on": date(2024, 5, 31)}, "before_the_last_step"),
        (Approve, {"on": date(2024, 6, 5)}, "reason_missing"),
        (Approve, {"on": date(2024, 6, 12), "reason": "late"}, "hold_over"),
        (Decline, {"on": date(2024, 6, 12), "reason": "late"}, "hold_over"),
    ],
)
def test_only_the_approver_decides_and_in_time(
    kind: type[Command], how: dict[str, Any], why: str, tmp_path: Path
) -> None:
    with bank(tmp_path, **CHAPTERS) as counter:
        held = counter.ask(Redeem, offer="oil")
        assert codes(counter.ask(kind, entry=held.entry, **{**STREET, **how})) == [why]
        assert counter.has() == {"points": 200, "points/held": 200}


def test_a_late_approval_is_marked_and_one_that_was_given_stands(counter: Counter) -> None:
    held = counter.ask(Redeem, offer="oil")
    assert waits(counter, date(2024, 6, 5)) == [(held.entry, date(2024, 6, 4), True)]
    late = counter.ask(Approve, on=date(2024, 6, 5), entry=held.entry, reason="the clerk was ill", **STREET)
    assert (late.accepted, late.data["late"]) == (True, True)
    for kind in (Approve, Decline):
        again = counter.ask(kind, on=date(2024, 6, 5), entry=held.entry, reason="once more", **STREET)
        assert codes(again) == ["decided_before"]


def test_what_nobody_decides_on_runs_out_with_its_reservation(counter: Counter) -> None:
    counter.ask(Redeem, offer="oil")
    over = date(2024, 6, 12)
    assert waits(counter, over) == []
    end_all(counter.ledger, counter.rulebook, over)
    assert counter.has() == {"points": 400}


def test_what_has_no_approver_is_not_decided_on(counter: Counter) -> None:
    soap = counter.ask(Redeem, offer="soap")
    amount = counter.ask(Reserve, account="points", amount=100, purpose=Purpose.GOODS)
    for entry in (soap.entry, amount.entry):
        assert codes(counter.ask(Approve, entry=entry, **STREET)) == ["no_approver"]


def test_asked_again_with_its_key_an_approval_is_given_once_and_one_transaction_may_hold_all_three(
    counter: Counter,
) -> None:
    with counter.ledger.reading() as reading:
        entry = reading.passbook_entries(ANN, HERE)[-1].entry.id + 1
    approve = counter.command(Approve, entry=entry, **STREET)
    commands = [counter.command(Redeem, offer="oil"), approve, counter.command(Settle, entry=entry)]
    assert all(isinstance(one, Answer) and one.accepted for one in counter.teller.serve_all(commands))
    again = counter.teller.serve(approve)
    assert (again.replayed, again.accepted) == (True, True)


def test_the_passbook_shows_for_whom_it_waits_until_it_is_approved(counter: Counter) -> None:
    held = counter.ask(Redeem, offer="oil")
    (waiting_hold,) = statement(counter.ledger, counter.rulebook, ANN, None, DAY).holds
    assert hold_sentence(waiting_hold, DAY, "en").endswith("; awaits approval by the street, last day 2024-06-04")
    counter.ask(Approve, entry=held.entry, **STREET)
    (approved_hold,) = statement(counter.ledger, counter.rulebook, ANN, None, DAY).holds
    assert approved_hold.awaits == ""


def test_a_forged_approval_is_found_when_the_rules_are_asked_again(tmp_path: Path) -> None:
    with bank(tmp_path, **CHAPTERS) as counter:
        held = counter.ask(Redeem, offer="oil")
        counter.ask(Approve, entry=held.entry, **STREET)
        with forged(tmp_path / "county.db") as connection:
            exchange(connection, "entry", "body", "clerk 7", "clerk 8", "kind = 'approved'")
        assert replay(counter.ledger, [counter.rulebook]).differences != []


def test_nothing_is_given_to_somebody_of_whom_the_ledger_has_never_heard(counter: Counter) -> None:
    gift: dict[str, Any] = {"account": "points", "amount": 100, "to_whom": Recipient.FRIEND}
    refused = counter.ask(Give, recipient=STRANGER, **gift)
    assert codes(refused) == ["unknown_recipient"]
    assert counter.kinds(STRANGER) == []
    counter.ask(Redeem, volunteer=STRANGER, offer="nothing")  # an entry in their name, and nothing done
    assert codes(counter.ask(Give, recipient=STRANGER, **gift)) == ["unknown_recipient"]
    assert replay(counter.ledger, [counter.rulebook]).differences == []
    assert counter.ask(Give, recipient=BEN, **gift).accepted
    counter.ask(Declare, family=((STRANGER, Relation.SIBLING),))
    assert counter.ask(Give, recipient=STRANGER, **gift).accepted
