"""A passbook's statement: every entry with its running balance, its clause and who acted; and what that leaves."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lianxing.engine.answer_sentences import answer_sentences
from lianxing.engine.bank.ending import end_all
from lianxing.engine.bank.replaying import replay
from lianxing.engine.bank.statements import statement
from lianxing.engine.ledger.opening import Ledger, open_ledger
from lianxing.engine.passbooks import Passbooks
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.statement_data import COLUMNS, statement_data, statement_rows
from lianxing.engine.statement_page import statement_page
from lianxing.engine.statement_sentences import remarks, statement_sentences
from lianxing.engine.wording import missing_heading
from lianxing.rules.accounts import Recipient
from lianxing.rules.commands import Command, Give, Redeem, Refund, Release, Settle
from lianxing.rules.facts import RecordId, RegistryId, VolunteerId
from lianxing.rules.places import Language
from lianxing.rules.records import Withdrawn
from lianxing.rules.statements import AccountState, Statement
from tests.engine.bank.counter import bank, codes
from tests.engine.bank.counting_house import ACCOUNTS, ANN, BEN, DAY, HERE, OFFERS, rules, take_in, teller, write_county
from tests.plugins.smallville import served

END = date(2024, 12, 31)
HOLD = """\
- id: found_false
  revoke: {kind: revocation}
- id: not_yet_filed
  hold: {state: reviewed}
- id: filed_only
  count: {any: [{state: filed}, {state: reviewed}]}
"""
OPENED = 1_704_067_200  # 2024-01-01 08:00 in Shanghai


class Clock:
    def __init__(self) -> None:
        self.now = OPENED

    def __call__(self) -> int:
        self.now += 60
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock) -> Iterator[Ledger]:
    with open_ledger(str(tmp_path / "bank.db"), clock=clock) as made:
        yield made


@pytest.fixture
def rulebook(tmp_path: Path) -> Iterator[Rulebook]:
    with rules(write_county(tmp_path / "smallville", hours=HOLD)) as made:
        yield made


class Counter:
    """A counter that gives each command a key of its own."""

    def __init__(self, rulebook: Rulebook, ledger: Ledger) -> None:
        self._teller = teller(rulebook, ledger)
        self._keys = 0

    def ask(self, kind: type[Command], on: date = DAY, volunteer: VolunteerId = ANN, **more: Any) -> int:
        self._keys += 1
        asked = {"volunteer": volunteer, "county": HERE, "on": on, "scope": "shop", "key": str(self._keys)}
        return self._teller.serve(kind(**{**asked, **more})).entry


@pytest.fixture
def counter(rulebook: Rulebook, ledger: Ledger) -> Counter:
    take_in(
        rulebook,
        ledger,
        served("1", "2024-05-01 09:00", 2),
        served("2", "2024-05-10 09:00", 3),
        served("3", "2024-05-11 09:00", 1, category="training"),
        served("4", "2024-05-12 09:00", 2, state="reviewed"),
    )
    return Counter(rulebook, ledger)


def state(states: tuple[AccountState, ...], account: str, unit: str = "points") -> tuple[int, int, int]:
    (found,) = (one for one in states if (one.account, one.unit) == (account, unit))
    return found.available, found.held, found.owed


def last(found: Statement, kind: str) -> Any:
    return next(line for line in reversed(found.lines) if line.kind == kind)


def test_every_entry_has_its_running_balance_and_the_last_one_is_the_closing_balance(
    rulebook: Rulebook, ledger: Ledger, counter: Counter
) -> None:
    counter.ask(Redeem, offer="soap", actor="clerk 7", reason="asked at the window")
    found = statement(ledger, rulebook, ANN, None, DAY)
    running = [
        (change.amount, change.after)
        for line in found.lines
        for change in line.changes
        if (change.account, change.part, change.unit) == ("points", "", "points")
    ]
    assert running == [(200, 200), (300, 500), (50, 550), (-100, 450)]
    assert state(found.closing, "points") == (450, 100, 0)
    line = last(found, "held")
    assert (line.actor, line.reason, line.on) == ("clerk 7", "asked at the window", DAY)
    assert (line.subject.kind, line.subject.id) == ("offer", "soap")
    assert [cited.clause for cited in line.clauses] == ["soap"]
    assert line.clauses[0].at.startswith("smallville/redemption.yaml:2:")


def test_an_entry_of_a_record_cites_every_step_that_made_it_worth_so_much(
    rulebook: Rulebook, ledger: Ledger, counter: Counter
) -> None:
    line = statement(ledger, rulebook, ANN, None, END).lines[2]
    assert line.subject.id == "3"
    assert "by_time" in [cited.clause for cited in line.clauses]
    assert all(cited.at.startswith("smallville/") for cited in line.clauses)


def test_what_was_before_the_period_is_its_opening_balance(
    rulebook: Rulebook, ledger: Ledger, counter: Counter
) -> None:
    found = statement(ledger, rulebook, ANN, date(2024, 5, 2), END)
    assert state(found.opening, "points") == (200, 0, 0)
    assert [line.subject.id for line in found.lines] == ["2", "3", "4"]
    assert found.lines[0].changes[-1].after in (500, 5 * 3600)
    whole = statement(ledger, rulebook, ANN, None, END)
    assert found.closing == whole.closing
    assert whole.opening == ()


def test_opening_and_postings_make_the_closing_balance_which_is_the_ledgers(
    rulebook: Rulebook, ledger: Ledger, counter: Counter
) -> None:
    entry = counter.ask(Redeem, offer="soap")
    counter.ask(Settle, entry=entry)
    counter.ask(Redeem, offer="visit")
    counter.ask(Give, account="points", amount=50, to_whom=Recipient.FRIEND, recipient=BEN)
    for since in (date(2024, 5, 1), date(2024, 5, 11), DAY, END):
        found = statement(ledger, rulebook, ANN, since, END)
        with ledger.reading() as reading:
            assert state(found.closing, "points")[:2] == (
                reading.accounts(ANN, HERE)["points", "points"],
                reading.accounts(ANN, HERE).get(("points/held", "points"), 0),
            )
        for opened, closed in zip(found.opening, found.closing, strict=True):
            changed = sum(
                change.amount
                for line in found.lines
                for change in line.changes
                if (change.account, change.part, change.unit) == (closed.account, "", closed.unit)
            )
            assert opened.available + changed == closed.available


def test_a_refused_command_stands_in_the_passbook_with_its_reason_and_changes_nothing(
    rulebook: Rulebook, ledger: Ledger, counter: Counter
) -> None:
    counter.ask(Redeem, offer="soap", units=9, merchant="the shop at the corner")
    line = statement(ledger, rulebook, ANN, None, END).lines[-1]
    assert (line.kind, line.command, line.changes) == ("refused", "redeem", ())
    assert {reason.code for reason in line.reasons} == {"stock", "balance"}
    assert all(reason.at.startswith("smallville/redemption.yaml:") for reason in line.reasons)
    said = "\n".join(statement_sentences(statement(ledger, rulebook, ANN, None, END), rulebook.policy.facts, "en"))
    assert "refused: redeem, soap × 9 (the shop at the corner)" in said
    assert "3 in stock, 0 given out [soap, smallville/redemption.yaml:8]" in said


def test_a_refused_offer_says_which_test_of_its_condition_failed(tmp_path: Path) -> None:
    when = "  when: {points_earned: {at_least: 9 points}, age: {at_least: 60}}\n  price: 1 points"
    with bank(tmp_path, redemption=OFFERS.replace("  price: 1 points", when, 1)) as town:  # Ann has four points
        answer = town.ask(Redeem, offer="soap")
        assert codes(answer) == ["not_eligible"]
        line = statement(town.ledger, town.rulebook, ANN, None, DAY).lines[-1]
        facts = town.rulebook.policy.facts
        points, age = (unmet.en for unmet in line.unmet)
        assert points.startswith("points_earned at least 9 points, has 4 points, lacks 5 points [smallville/redemption")
        assert age.startswith("age has to be at least 60")  # what the register says of a person is kept nowhere else
        assert [one.get("has") for one in answer.data["unmet"]] == [400, None]
        assert [points, age] == [one for one in remarks(line, "en") if one in (points, age)]
        assert f"    {points}" in answer_sentences(answer.data, "en", facts)
        found = replay(town.ledger, [town.rulebook])
        assert (found.differences, found.left_out) == ([], {})


def test_a_correction_names_the_entry_that_it_corrects(rulebook: Rulebook, ledger: Ledger, counter: Counter) -> None:
    take_in(rulebook, ledger, served("2", "2024-05-10 09:00", 1))
    take_in(rulebook, ledger, Withdrawn(RecordId("1"), RegistryId("test"), "entered twice"))
    found = statement(ledger, rulebook, ANN, None, END)
    assert (last(found, "corrected").corrects, last(found, "corrected").subject.id) == (2, "2")
    withdrawn = last(found, "withdrawn")
    assert (withdrawn.corrects, withdrawn.reason) == (1, "entered twice")
    assert state(found.closing, "points") == (150, 0, 0)


def test_settling_giving_back_and_refunding_name_what_they_concern(
    rulebook: Rulebook, ledger: Ledger, counter: Counter
) -> None:
    kept, dropped = counter.ask(Redeem, offer="soap"), counter.ask(Redeem, offer="soap")
    counter.ask(Settle, entry=kept)
    counter.ask(Release, entry=dropped)
    counter.ask(Refund, entry=kept)
    found = statement(ledger, rulebook, ANN, None, END)
    for kind, entry in (("settled", kept), ("released", dropped), ("refunded", kept)):
        assert (last(found, kind).concerns, last(found, kind).subject.id) == (entry, "soap")
    assert state(found.closing, "points") == (550, 0, 0)
    assert found.holds == ()


def test_a_record_that_waits_is_seen_and_cannot_be_spent(rulebook: Rulebook, ledger: Ledger, counter: Counter) -> None:
    (waiting,) = statement(ledger, rulebook, ANN, None, END).pending
    assert (waiting.subject.id, waiting.seconds, waiting.points) == ("4", 7200, 200)
    assert [cited.clause for cited in waiting.clauses] == ["not_yet_filed"]
    assert state(statement(ledger, rulebook, ANN, None, END).closing, "points") == (550, 0, 0)
    take_in(rulebook, ledger, served("4", "2024-05-12 09:00", 2))
    found = statement(ledger, rulebook, ANN, None, END)
    assert found.pending == ()
    assert state(found.closing, "points") == (750, 0, 0)


def test_an_open_reservation_stands_with_its_last_day_until_it_is_settled(
    rulebook: Rulebook, ledger: Ledger, counter: Counter
) -> None:
    entry = counter.ask(Redeem, offer="soap")
    (hold,) = statement(ledger, rulebook, ANN, None, DAY).holds
    assert (hold.entry, hold.amount, hold.until, hold.subject.id) == (entry, 100, date(2024, 6, 4), "soap")
    counter.ask(Settle, on=date(2024, 6, 3), entry=entry)
    assert statement(ledger, rulebook, ANN, None, date(2024, 6, 3)).holds == ()
    assert statement(ledger, rulebook, ANN, None, date(2024, 6, 2)).holds == (hold,)


def test_lots_that_end_within_the_notice_are_told_and_no_others(
    rulebook: Rulebook, ledger: Ledger, counter: Counter
) -> None:
    until = date(2025, 4, 30)
    found = statement(ledger, rulebook, ANN, None, until, notice_days=1)
    assert [(lot.last_day, lot.remaining) for lot in found.ending] == [(date(2025, 5, 1), 200)]
    assert statement(ledger, rulebook, ANN, None, until, notice_days=0).ending == ()
    ten = statement(ledger, rulebook, ANN, None, until, notice_days=10)
    assert [lot.last_day.day for lot in ten.ending] == [1, 10]
    assert len(statement(ledger, rulebook, ANN, None, until, notice_days=10**7).ending) == 3


def test_what_has_ended_is_not_available_whether_a_run_has_booked_it_or_not(
    rulebook: Rulebook, ledger: Ledger, counter: Counter
) -> None:
    on = date(2025, 5, 2)
    before = statement(ledger, rulebook, ANN, None, on)
    assert state(before.closing, "points") == (350, 0, 0)
    assert next(one for one in before.closing if one.account == "points").ended == 200
    end_all(ledger, rulebook, on)
    after = statement(ledger, rulebook, ANN, None, on)
    assert state(after.closing, "points") == (350, 0, 0)
    assert next(one for one in after.closing if one.account == "points").ended == 0
    assert last(after, "expired").changes[0].amount == -200


def test_a_statement_shows_what_was_known_then_and_nothing_that_came_later(
    rulebook: Rulebook, ledger: Ledger, counter: Counter, clock: Clock
) -> None:
    then = clock.now
    before = statement(ledger, rulebook, ANN, None, DAY, known=then)
    take_in(rulebook, ledger, served("5", "2024-05-02 09:00", 2))
    take_in(rulebook, ledger, served("2", "2024-05-10 09:00", 1, category="training"))
    counter.ask(Redeem, offer="soap")
    assert statement(ledger, rulebook, ANN, None, DAY, known=then) == before
    now = statement(ledger, rulebook, ANN, None, DAY)
    assert now.last_entry > before.last_entry
    with ledger.reading() as reading:
        for known in (then, clock.now):
            found = statement(ledger, rulebook, ANN, None, DAY, known=known)
            booked = reading.balance_as_of(ANN, HERE, DAY, known)
            assert state(found.closing, "points")[0] == booked["points", "points"]


def test_the_standing_of_a_statement_is_that_of_the_passbook(
    rulebook: Rulebook, ledger: Ledger, counter: Counter
) -> None:
    take_in(rulebook, ledger, served("2", "2024-05-10 09:00", 1), Withdrawn(RecordId("1"), RegistryId("test")))
    for on in (date(2024, 5, 5), date(2024, 5, 11), END):
        assert statement(ledger, rulebook, ANN, None, on).standing == Passbooks(ledger, rulebook).standing(ANN, on)


def test_who_is_unknown_has_no_statement(rulebook: Rulebook, ledger: Ledger, counter: Counter) -> None:
    with pytest.raises(LookupError):
        statement(ledger, rulebook, VolunteerId("nobody"), None, END)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_sentences_say_what_is_missing_to_the_next_star(
    language: Language, rulebook: Rulebook, ledger: Ledger, counter: Counter
) -> None:
    said = statement_sentences(statement(ledger, rulebook, ANN, None, END), rulebook.policy.facts, language)
    missing = "距 2 星还差：" if language == "zh" else "To star 2 there is still missing:"
    assert missing in said
    assert any(("4.5 分" if language == "zh" else "4.5 points") in line for line in said[said.index(missing) :])


def test_programs_get_exact_text_for_every_amount_and_never_a_float(
    rulebook: Rulebook, ledger: Ledger, counter: Counter
) -> None:
    counter.ask(Redeem, offer="soap")
    counter.ask(Redeem, offer="soap", units=9)
    text = json.dumps(statement_data(statement(ledger, rulebook, ANN, DAY, DAY), "en"))

    def refuse(number: str) -> None:
        raise AssertionError(f"a float: {number}")

    data = json.loads(text, parse_float=refuse)
    closing = {(one["account"], one["unit"]): one for one in data["closing"]}
    assert closing["points", "points"]["available"] == "4.5"
    assert closing["points", "points"]["held"] == "1"
    assert data["entries"][0]["postings"][0] == {
        "account": "points", "part": "available", "unit": "points", "amount": "-1", "balance": "4.5",
    }  # fmt: skip
    assert data["entries"][1]["reasons"][0]["clause"] == "soap"


def test_a_row_for_each_posting_adds_up_to_the_balance(rulebook: Rulebook, ledger: Ledger, counter: Counter) -> None:
    counter.ask(Redeem, offer="soap")
    found = statement(ledger, rulebook, ANN, None, END)
    rows = list(statement_rows(found, "en"))
    assert all(tuple(row) == COLUMNS for row in rows)
    sheet = io.StringIO()
    writer = csv.DictWriter(sheet, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    read = list(csv.DictReader(io.StringIO(sheet.getvalue())))
    points = [row for row in read if (row["account"], row["part"]) == ("points", "")]
    assert [row["balance"] for row in points] == ["2", "5", "5.5", "4.5"]
    assert len(rows) == sum(max(1, len(line.changes)) for line in found.lines)


def test_the_page_stands_alone_and_no_word_from_outside_is_markup(
    rulebook: Rulebook, ledger: Ledger, counter: Counter
) -> None:
    counter.ask(Redeem, offer="soap", actor="<b>clerk</b>", reason="<script>alert(1)</script>", merchant='"&shop')
    for language in ("zh", "en"):
        page = statement_page(statement(ledger, rulebook, ANN, DAY, END), rulebook.policy.facts, language)
        assert "<script" not in page
        assert "<b>" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
        assert "http" not in page
        assert "@media print" in page
        assert f'lang="{"zh-Hans" if language == "zh" else "en"}"' in page


def test_a_name_that_the_county_has_dropped_since_stays_in_the_passbook(
    tmp_path: Path, rulebook: Rulebook, ledger: Ledger, counter: Counter
) -> None:
    named = OFFERS.replace("soap:\n", "soap:\n  label: {zh: 肥皂, en: a bar of soap}\n")
    with rules(write_county(tmp_path / "named" / "smallville", hours=HOLD, redemption=named)) as renamed:
        Counter(renamed, ledger).ask(Redeem, offer="soap", scope="other")
    line = last(statement(ledger, rulebook, ANN, None, END), "held")
    assert line.subject.label.zh == "肥皂"


def test_a_posting_is_told_under_the_name_that_the_county_gives_the_account(
    tmp_path: Path, rulebook: Rulebook, ledger: Ledger, counter: Counter
) -> None:
    named = ACCOUNTS.replace("points:\n", "points:\n  label: {zh: 存折积分, en: passbook points}\n", 1)
    with rules(write_county(tmp_path / "named" / "smallville", hours=HOLD, accounts=named)) as told:
        found = statement(ledger, told, ANN, None, END)
        facts = told.policy.facts
        assert "    存折积分 +2 分，余 2 分" in statement_sentences(found, facts, "zh")
        assert "    passbook points +2 points, then 2 points" in statement_sentences(found, facts, "en")
        assert "<td>存折积分</td>" in statement_page(found, facts, "zh")


def test_what_is_reserved_and_taken_back_is_held_and_owed(rulebook: Rulebook, ledger: Ledger, counter: Counter) -> None:
    counter.ask(Redeem, offer="rice", units=2)
    take_in(rulebook, ledger, *(Withdrawn(RecordId(id), RegistryId("test"), "not served") for id in ("1", "2", "3")))
    found = statement(ledger, rulebook, ANN, None, DAY)
    assert state(found.closing, "points") == (0, 400, 400)


YEARLY = {
    "earning": """
- {id: by_the_hour, when: {kind: service}, points_per_hour: 1}
- {id: four_a_month, when: {kind: service}, bands: {of: records, each: month, steps: [{at_least: 4, points: 2}]}}
- {id: absent, when: {kind: no_show}, add: -3}
- {id: whole, round: {to: 1 point, each: record, direction: down}}
""",
    "measures": "this_year: {sum: points, over: {calendar: calendar_year}}\n",
    "stars": "{award: {by: automatic}, levels: {1: {this_year: {at_least: 5 points}}}}\n",
}


def test_a_line_tells_what_the_record_is_of_and_which_clauses_made_a_difference(tmp_path: Path) -> None:
    county = write_county(tmp_path / "smallville", **YEARLY)
    absence = served("2", "2024-05-02 09:00", 0)
    absence = replace(absence, facts={"kind": "no_show", "state": "filed"})
    with rules(county) as rulebook, open_ledger(f"sqlite:///{tmp_path / 'yearly.db'}") as ledger:
        take_in(rulebook, ledger, served("1", "2024-05-01 09:00", 2), absence)
        found = statement(ledger, rulebook, ANN, None, DAY)
        assert [[cited.clause for cited in line.clauses] for line in found.lines] == [["by_the_hour"], ["absent"]]
        told = "\n".join(statement_sentences(found, rulebook.policy.facts, "zh"))
        assert "服务记录，无故缺席 test/2" in told


def test_what_is_had_of_a_balance_that_stays_is_told_with_its_amount(tmp_path: Path) -> None:
    offers = OFFERS.replace("  irreversible: no\n", "  irreversible: no\n  watermark: yes\n")
    with bank(tmp_path, redemption=offers) as counter:
        counter.ask(Redeem, offer="soap", units=2, merchant="m")
        found = statement(counter.ledger, counter.rulebook, ANN, None, DAY)
        assert "2 points by the balance, which stays as it is" in list(remarks(found.lines[-1], "en"))
        assert "凭余额享受 2 分，余额不减" in list(remarks(found.lines[-1], "zh"))
        assert statement_data(found, "zh")["entries"][-1]["entitled"] == "2"


def test_of_a_star_that_is_held_it_is_told_what_is_missing_to_meet_its_condition_again() -> None:
    assert missing_heading(2, 1, "zh") == "距 2 星还差："
    assert missing_heading(1, 2, "zh") == "现持 2 星；要重新满足 1 星的条件，还差："
    assert missing_heading(1, 2, "en").startswith("Star 2 is held; to meet the condition of star 1 again")
