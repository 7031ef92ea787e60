"""What sanctions do to points and hours that are in accounts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

from lianxing.engine.bank.noticing import notices
from lianxing.engine.bank.replaying import replay
from lianxing.engine.bank.statements import statement
from lianxing.engine.statement_page import statement_page
from lianxing.engine.statement_sentences import statement_sentences
from lianxing.rules.accounts import Purpose, Recipient
from lianxing.rules.closures import ClosingEvent
from lianxing.rules.commands import Close, Command, Declare, Give, Redeem, Reopen, Reserve, Settle
from lianxing.rules.facts import RecordId, RegistryId
from lianxing.rules.families import Relation
from lianxing.rules.records import Withdrawn
from tests.engine.bank.counter import Counter, bank, codes
from tests.engine.bank.counting_house import ACCOUNTS, ANN, BEN
from tests.plugins.smallville import COUNTY, served

MEASURES = COUNTY["measures.yaml"] + "wrongs: {count: records, over: all_time, where: {kind: misconduct}}\n"
SANCTIONS = """
wrong:
  when: {wrongs: {at_least: 1}}
  effects: {registration: kept, star: kept, points: EFFECT, hours: kept, black_list: no}
  lasts: 2 months
"""
WRONG = replace(served("wrong", "2024-05-01 09:00", 0), facts={"kind": "misconduct", "state": "filed"})
DURING, LATER, SINCE = date(2024, 6, 1), date(2024, 7, 1), date(2024, 7, 3)


@contextmanager
def punishing(folder: Path, effect: str, accounts: str = ACCOUNTS) -> Iterator[Counter]:
    sanctions = SANCTIONS.replace("EFFECT", effect)
    with bank(folder, measures=MEASURES, sanctions=sanctions, accounts=accounts) as counter:
        yield counter
        assert replay(counter.ledger, [counter.rulebook]).differences == []


def said(counter: Counter, on: date) -> str:
    return "\n".join(
        statement_sentences(
            statement(counter.ledger, counter.rulebook, ANN, None, on), counter.rulebook.policy.facts, "en"
        )
    )


def test_points_that_are_frozen_are_there_and_nobody_can_use_them_until_it_is_over(tmp_path: Path) -> None:
    with punishing(tmp_path, "frozen") as counter:
        held = counter.ask(Redeem, date(2024, 4, 30), offer="soap")
        counter.take(WRONG)
        assert counter.ask(Settle, date(2024, 5, 2), entry=held.entry).accepted  # the price was agreed on before
        asked: list[tuple[type[Command], dict[str, object]]] = [
            (Redeem, {"offer": "soap"}),
            (Reserve, {"account": "points", "amount": 100, "purpose": Purpose.GOODS}),
            (Give, {"account": "points", "amount": 100, "to_whom": Recipient.FRIEND, "recipient": BEN}),
        ]
        for kind, how in asked:
            assert codes(counter.ask(kind, DURING, **how)) == ["frozen"]
        assert "points are frozen [wrong, smallville/sanctions.yaml:2]" in said(counter, DURING)
        for kind, how in asked:
            assert counter.ask(kind, LATER, **how).accepted


def test_points_that_are_cancelled_are_worth_nothing_from_then_on_and_what_is_earned_since_is(tmp_path: Path) -> None:
    with punishing(tmp_path, "cancelled") as counter:
        counter.take(WRONG)
        assert codes(counter.ask(Redeem, DURING, offer="soap")) == ["balance"]
        assert "0 points available, 4 points cancelled by a sanction" in said(counter, DURING)
        told = statement(counter.ledger, counter.rulebook, ANN, None, DURING)
        assert "另有 4 分因处理作废" in statement_page(told, counter.rulebook.policy.facts, "zh")
        assert [*notices(counter.ledger, counter.rulebook, DURING, 365)] == []
        counter.take(served("since", "2024-06-10 09:00", 2), on=LATER)
        assert counter.ask(Redeem, LATER, offer="soap", units=2).accepted
        assert codes(counter.ask(Redeem, LATER, offer="soap")) == ["balance"]
        counter.take(Withdrawn(WRONG.id, WRONG.registry), on=LATER)
        assert "points: 4 points available" in said(counter, LATER)
        assert counter.ask(Redeem, LATER, offer="rice").accepted


def test_what_comes_too_late_for_a_closing_and_was_cancelled_by_then_goes_to_nobody(tmp_path: Path) -> None:
    with punishing(tmp_path, "cancelled") as counter:
        counter.take(WRONG)
        counter.ask(Declare, DURING, family=((BEN, Relation.SPOUSE),))
        assert counter.ask(Close, DURING, event=ClosingEvent.DEATH, heir=BEN).accepted
        counter.take(served("before", "2024-03-01 09:00", 2), on=LATER)
        assert (counter.has(), counter.has(BEN)) == ({}, {})
        counter.take(served("since", "2024-05-20 09:00", 1), on=LATER)
        assert (counter.has(), counter.has(BEN)) == ({}, {"points": 100})


def test_nobody_inherits_points_that_a_sanction_has_cancelled(tmp_path: Path) -> None:
    with punishing(tmp_path, "cancelled") as counter:
        counter.take(WRONG, served("since", "2024-05-20 09:00", 1))
        counter.ask(Declare, DURING, family=((BEN, Relation.SPOUSE),))
        assert counter.ask(Close, DURING, event=ClosingEvent.DEATH, heir=BEN).accepted
        assert (counter.has(), counter.has(BEN)) == ({}, {"points": 100})


def test_what_a_closing_has_ended_under_a_sanction_is_not_taken_from_what_is_earned_since(tmp_path: Path) -> None:
    accounts = ACCOUNTS.replace("{valid: 12 months}", "never", 1).replace("soonest_to_expire", "oldest", 1)
    again = accounts.replace("moving: portable,", "moving: portable, reopens: [moving],")
    with punishing(tmp_path, "cancelled", accounts=again) as counter:
        counter.take(WRONG)
        assert counter.ask(Close, DURING, event=ClosingEvent.MOVING).accepted
        assert counter.ask(Reopen, LATER).accepted
        counter.take(served("since", "2024-07-02 09:00", 1), on=SINCE)
        assert counter.has() == {"points": 100}
        counter.take(Withdrawn(RecordId("2024-01-10"), RegistryId("test")), on=SINCE)
        assert counter.has() == {"points": 100}
