"""Reviews at the counter: what a clerk does step by step, what it does to accounts and stars, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import count
from pathlib import Path
from threading import Barrier
from typing import Any

import orjson
import pytest

from lianxing.engine.bank.replaying import replay
from lianxing.engine.bank.reviews import Reviewer
from lianxing.engine.bank.statements import statement
from lianxing.engine.bank.steps import REVIEW
from lianxing.engine.bank.tellers import Answer
from lianxing.engine.bank.waiting import drawn_in, waiting
from lianxing.engine.ledger.errors import InvalidError, KeyMismatchError
from lianxing.engine.ledger.opening import Ledger, open_ledger
from lianxing.engine.ledger.verifying import verify
from lianxing.engine.passbooks import Passbooks
from lianxing.engine.proving import readding_violations
from lianxing.engine.rolls import people
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.statement_data import statement_data, statement_rows
from lianxing.engine.statement_page import statement_page
from lianxing.engine.statement_sentences import statement_sentences
from lianxing.plugins.reporting import Report
from lianxing.rules.closures import ClosingEvent
from lianxing.rules.commands import Close, Command, RecordStep, Redeem, Reopen, StarStep
from lianxing.rules.facts import RecordId, RegistryId, VolunteerId
from lianxing.rules.records import ServiceRecord, Withdrawn
from lianxing.rules.review import SpotCheck
from lianxing.rules.reviewing import Doing
from tests.engine.bank.counting_house import ANN, BEN, DAY, HERE, rules, take_in, teller, write_county
from tests.plugins.smallville import COUNTY as SMALLVILLE
from tests.plugins.smallville import served

TEST = RegistryId("test")
COMMUNITY, STREET, BUREAU = "the community", "the sub-district", "the bureau"
REVIEWS = """
community_review: {stage: {from_state: applied, to_state: reviewed, by: the community, deadline: 5 days}}
street_filing: {stage: {from_state: reviewed, to_state: filed, by: the sub-district, deadline: 10 days}}
posted: {notice: {of: hours, from_state: filed, to_state: effective, deadline: 5 days, objection: suspends}}
spot_checks: {spot_check: {share: 50 %, per: quarter, by: the bureau}}
"""
# Until the notice is over a record waits: it is worked out and pending, and nobody spends it.
HOURS = """
- id: waits_for_the_notice
  hold: {state: [applied, reviewed, filed]}
- id: effective_only
  when: {state: {not: [applied, reviewed, filed]}}
  count: {state: effective}
"""
STARS = """
award: {by: application, sequence: one_by_one, below: downgrade, notice: 5 days, approver: {1: the county}}
levels:
  1: {points_earned: {at_least: 2 points}}
  2: {points_earned: {at_least: 10 points}}
"""
COUNTY = SMALLVILLE["county.yaml"] + "holidays: CN\n"
CHAPTERS = {"county": COUNTY, "review": REVIEWS, "hours": HOURS, "stars": STARS}


@dataclass
class Counter:
    """The bank of a small county whose records are reviewed."""

    rulebook: Rulebook
    ledger: Ledger
    keys: Iterator[int] = field(default_factory=count)
    earlier: tuple[Rulebook, ...] = ()  # the rules that were before

    @property
    def reviewer(self) -> Reviewer:
        return Reviewer(self.ledger, self.rulebook)

    def brings(self, *records: ServiceRecord | Withdrawn, on: date = DAY) -> Report:
        return take_in(self.rulebook, self.ledger, *records, on=on)

    def record_step(self, day: int, doing: Doing, role: str = "", record: str = "R1", **more: Any) -> RecordStep:
        """Return a step on a day of May 2024."""
        given: dict[str, Any] = {"actor": f"clerk of {role}", "reason": "as the papers show", "volunteer": ANN}
        key = {"scope": "office", "key": str(next(self.keys)), "on": date(2024, 5, day)}
        about = {"registry": TEST, "record": RecordId(record)}
        return RecordStep(county=HERE, doing=doing, role=role, **{**key, **given, **about, **more})

    def star_step(self, day: int, doing: Doing, role: str = "", star: int = 1, **more: Any) -> StarStep:
        given: dict[str, Any] = {"actor": f"clerk of {role}", "reason": "as the papers show", "volunteer": ANN}
        key = {"scope": "office", "key": str(next(self.keys)), "on": date(2024, 5, day)}
        return StarStep(county=HERE, star=star, doing=doing, role=role, **{**key, **given, **more})

    def does(self, command: Command) -> Answer:
        answer = self.reviewer.serve(command)
        assert answer.accepted, answer.data["reasons"]
        self.agrees()
        return answer

    def refuses(self, command: Command) -> list[str]:
        """Return why a step is refused; nothing but the refusal is written."""
        before = self.balances(command.volunteer)
        answer = self.reviewer.serve(command)
        assert not answer.accepted
        assert self.balances(command.volunteer) == before
        self.agrees()
        return [reason["code"] for reason in answer.data["reasons"]]

    def balances(self, person: VolunteerId = ANN) -> dict[str, int]:
        """Return what is in the accounts of the county, empty ones left out."""
        with self.ledger.reading() as reading:
            found = reading.accounts(person, HERE)
        return {name: posted for (name, _unit), posted in found.items() if name != "earned" and posted}

    def earned(self, person: VolunteerId = ANN) -> int:
        with self.ledger.reading() as reading:
            return reading.balances(person, HERE)["points"]

    def pending(self, record: str = "R1") -> int | None:
        """Return the points that a record would be worth and that wait, None where nothing waits."""
        with self.ledger.reading() as reading:
            body = orjson.loads(reading.entries(TEST, RecordId(record))[-1].body)
        return body["pending"]["points"] if "pending" in body else None

    def state(self, record: str = "R1") -> object:
        with self.ledger.reading() as reading:
            (held,) = reading.held(RecordId(record))
        return held.record.facts.get("state")

    def kinds(self, person: VolunteerId = ANN) -> list[str]:
        with self.ledger.reading() as reading:
            return [stored.entry.kind for stored in reading.passbook_entries(person, HERE)]

    def star(self, on: date, person: VolunteerId = ANN) -> int:
        return Passbooks(self.ledger, self.rulebook).standing(person, on).star_held

    def agrees(self) -> None:
        violations = verify(self.ledger) if self.ledger.database.engine.dialect.name == "sqlite" else []
        assert [*violations, *readding_violations(self.ledger)] == []
        assert replay(self.ledger, [*self.earlier, self.rulebook]).differences == []


@contextmanager
def bank(tmp_path: Path, address: str = "", **chapters: str) -> Iterator[Counter]:
    folder = write_county(tmp_path / "smallville", **{**CHAPTERS, **chapters})
    address = address or f"sqlite:///{tmp_path / 'bank.db'}"
    with rules(folder) as rulebook, open_ledger(address, durable=address.startswith("sqlite")) as ledger:
        yield Counter(rulebook, ledger)


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    """The bank with one record of Ann: three hours on 1 May 2024, not reviewed yet."""
    with bank(tmp_path) as made:
        made.brings(served("R1", "2024-05-01 09:00", 3, state="applied"))
        yield made


def posted(counter: Counter) -> Counter:
    """The record is reviewed on the 2nd, filed on the 3rd and posted until the 8th."""
    counter.does(counter.record_step(2, Doing.ADVANCED, COMMUNITY))
    counter.does(counter.record_step(3, Doing.ADVANCED, STREET))
    assert counter.does(counter.record_step(3, Doing.POSTED, STREET)).data["due"] == "2024-05-08"
    return counter


def effective(counter: Counter) -> Counter:
    posted(counter).does(counter.record_step(9, Doing.TOOK_EFFECT, actor="the bank"))
    return counter


# --- the way of a record ---------------------------------------------------------------------------------------------


def test_points_are_pending_on_the_whole_way_and_there_with_its_last_step(counter: Counter) -> None:
    assert (counter.balances(), counter.pending()) == ({}, 300)
    for step in (
        counter.record_step(2, Doing.ADVANCED, COMMUNITY),
        counter.record_step(3, Doing.ADVANCED, STREET),
        counter.record_step(3, Doing.POSTED, STREET),
    ):
        counter.does(step)
        assert (counter.balances(), counter.earned(), counter.pending()) == ({}, 0, 300)
    assert counter.refuses(counter.record_step(8, Doing.TOOK_EFFECT)) == ["notice_runs"]
    counter.does(counter.record_step(9, Doing.TOOK_EFFECT))
    assert counter.balances() == {"points": 300, "time": 3 * 3600}
    assert (counter.earned(), counter.pending(), counter.state()) == (300, None, "effective")
    assert counter.kinds() == [
        *("original", REVIEW, "corrected", REVIEW, "corrected", REVIEW, "refused", REVIEW, "corrected")
    ]


def test_what_is_pending_is_not_spent(counter: Counter) -> None:
    soap = Redeem(
        volunteer=ANN, county=HERE, on=date(2024, 5, 8), scope="shop", key="1", offer="soap", merchant="the shop"
    )
    answer = teller(counter.rulebook, posted(counter).ledger).serve(soap)
    assert [reason["code"] for reason in answer.data["reasons"]] == ["balance"]


def test_each_step_names_who_did_it_and_why(counter: Counter) -> None:
    counter.does(counter.record_step(2, Doing.ADVANCED, COMMUNITY, actor="Zhang", reason="seen"))
    with counter.ledger.reading() as reading:
        _original, review, corrected = (stored.entry for stored in reading.passbook_entries(ANN, HERE))
    assert [(one.actor, one.reason) for one in (review, corrected)] == [("Zhang", "seen")] * 2


def test_the_wrong_body_is_refused_and_told_which_one_may(counter: Counter) -> None:
    step = counter.record_step(2, Doing.ADVANCED, STREET)
    answer = counter.reviewer.serve(step)
    (reason,) = answer.data["reasons"]
    assert (reason["code"], reason["operands"]["by"], answer.data["state"]) == ("not_the_role", COMMUNITY, "applied")
    assert counter.state() == "applied"


def test_nobody_reviews_a_record_of_their_own(counter: Counter) -> None:
    assert counter.refuses(counter.record_step(2, Doing.ADVANCED, COMMUNITY, actor=ANN)) == ["own_matter"]


def test_a_record_that_is_not_there_or_not_theirs_is_refused(counter: Counter) -> None:
    assert counter.refuses(counter.record_step(2, Doing.ADVANCED, COMMUNITY, record="R9")) == ["no_record"]
    assert counter.refuses(counter.record_step(2, Doing.ADVANCED, COMMUNITY, volunteer=BEN)) == ["no_record"]


def test_a_late_entry_is_marked_as_one(counter: Counter) -> None:
    assert counter.refuses(counter.record_step(7, Doing.ADVANCED, COMMUNITY)) == ["too_late"]
    assert counter.does(counter.record_step(7, Doing.LATE_ENTRY, COMMUNITY)).data["late"] is True
    assert counter.does(counter.record_step(7, Doing.ADVANCED, STREET)).data["late"] is False


def test_an_objection_stops_it_until_it_is_settled(counter: Counter) -> None:
    posted(counter).does(counter.record_step(4, Doing.OBJECTED, actor="a neighbour"))
    assert counter.refuses(counter.record_step(20, Doing.TOOK_EFFECT)) == ["objection_open"]
    assert counter.balances() == {}
    counter.does(counter.record_step(20, Doing.OUTCOME, STREET, upheld=False))
    assert counter.refuses(counter.record_step(27, Doing.TOOK_EFFECT)) == ["notice_runs"]
    counter.does(counter.record_step(28, Doing.TOOK_EFFECT))
    assert counter.earned() == 300


def test_an_objection_that_was_right_keeps_it_from_taking_effect(counter: Counter) -> None:
    posted(counter).does(counter.record_step(4, Doing.OBJECTED, actor="a neighbour"))
    counter.does(counter.record_step(5, Doing.OUTCOME, STREET, upheld=True))
    assert counter.refuses(counter.record_step(30, Doing.TOOK_EFFECT)) == ["objection_upheld"]
    counter.does(counter.record_step(30, Doing.RETURNED, STREET))
    assert (counter.state(), counter.pending()) == ("reviewed", 300)


@contextmanager
def under_other_rules(counter: Counter, folder: Path, **chapters: str) -> Iterator[Counter]:
    """Go on at the same counter under rules that have changed."""
    with rules(write_county(folder / "changed" / "smallville", **{**CHAPTERS, **chapters})) as rulebook:
        yield Counter(rulebook, counter.ledger, counter.keys, (*counter.earlier, counter.rulebook))


def test_an_appeal_is_decided_by_the_notice_that_was_posted_though_the_county_has_dropped_appeals(
    tmp_path: Path,
) -> None:
    with_appeal = REVIEWS.replace("suspends}", "suspends, appeal: {deadline: 10 days, by: the bureau}}")
    with bank(tmp_path, review=with_appeal) as at:
        at.brings(served("R1", "2024-05-01 09:00", 3, state="applied"))
        posted(at).does(at.record_step(4, Doing.OBJECTED, actor="a neighbour"))
        at.does(at.record_step(5, Doing.OUTCOME, STREET, upheld=False))
        at.does(at.record_step(6, Doing.APPEALED, actor="a neighbour"))
        with under_other_rules(at, tmp_path) as now:
            waits = waiting(now.ledger, now.rulebook, date(2024, 5, 7))
            assert [(one.next.doing, one.next.by) for one in waits] == [(Doing.APPEAL_OUTCOME, BUREAU)]
            assert now.refuses(now.record_step(7, Doing.TOOK_EFFECT)) == ["objection_open"]
            now.does(now.record_step(7, Doing.APPEAL_OUTCOME, BUREAU, upheld=False))
            assert now.does(now.record_step(30, Doing.TOOK_EFFECT)).data["state"] == "effective"


def test_a_notice_that_was_posted_runs_on_as_it_was_though_the_county_posts_for_longer_or_no_more(
    tmp_path: Path,
) -> None:
    with bank(tmp_path) as at:
        at.brings(served("R1", "2024-05-01 09:00", 3, state="applied"))
        posted(at)
        longer = REVIEWS.replace("to_state: effective, deadline: 5 days", "to_state: effective, deadline: 50 days")
        for folder, review in (("longer", longer), ("none", REVIEWS.replace("posted:", "# posted:"))):
            with under_other_rules(at, tmp_path / folder, review=review) as now:
                assert now.refuses(now.record_step(8, Doing.TOOK_EFFECT)) == ["notice_runs"]
        with under_other_rules(at, tmp_path / "at_last", review=longer) as now:
            now.does(now.record_step(9, Doing.TOOK_EFFECT))


# --- revoking --------------------------------------------------------------------------------------------------------


def test_revoking_takes_back_everything_and_what_was_spent_is_owed_as_the_accounts_declare(counter: Counter) -> None:
    effective(counter)
    soap = Redeem(
        volunteer=ANN, county=HERE, on=date(2024, 5, 10), scope="shop", key="1", offer="soap", merchant="the shop"
    )
    assert teller(counter.rulebook, counter.ledger).serve(soap).accepted
    counter.does(counter.record_step(11, Doing.REVOKED, BUREAU, reason="nobody was there"))
    # Points: 2 were left and 1 is held for the soap; 3 are taken back.
    assert counter.balances()["points/held"] == 100
    assert counter.balances()["points/debt"] == -100
    assert counter.balances().get("points", 0) == 0
    assert (counter.earned(), counter.state()) == (0, "refused")


def test_a_county_that_asks_no_state_gives_nothing_for_a_revoked_record_either(tmp_path: Path) -> None:
    with bank(tmp_path, hours="- id: whole_hours\n  round: {to: 1 hour, each: record, direction: down}\n") as counter:
        counter.brings(served("R1", "2024-05-01 09:00", 3, state="applied"))
        assert counter.earned() == 300
        counter.does(counter.record_step(11, Doing.REVOKED, BUREAU, reason="nobody was there"))
        assert (counter.earned(), counter.balances().get("points", 0)) == (0, 0)


def test_what_a_limit_left_out_counts_once_the_record_before_it_is_revoked(tmp_path: Path) -> None:
    hours = HOURS + "- id: two_hours_a_day\n  limit: {per: day, at_most: 2 hours, overflow: lost}\n"
    with bank(tmp_path, hours=hours) as counter:
        counter.brings(
            served("R1", "2024-05-01 09:00", 2, state="effective"),
            served("R2", "2024-05-01 14:00", 2, state="effective"),
        )
        assert counter.earned() == 200
        counter.does(counter.record_step(11, Doing.REVOKED, BUREAU))
        assert counter.kinds()[-2:] == ["corrected", "adjusting"]
        assert counter.earned() == 200


# --- keys ------------------------------------------------------------------------------------------------------------


def test_a_step_asked_again_with_its_key_gives_the_first_answer(counter: Counter) -> None:
    step = counter.record_step(2, Doing.ADVANCED, COMMUNITY)
    first = counter.does(step)
    before = counter.kinds()
    assert counter.does(step) == replace(first, replayed=True)
    assert counter.kinds() == before
    with pytest.raises(KeyMismatchError):
        counter.reviewer.serve(replace(step, reason="another one"))


def test_a_step_that_no_bank_can_take_uses_no_key_up(counter: Counter) -> None:
    with pytest.raises(InvalidError):
        counter.reviewer.serve(counter.record_step(2, Doing.OUTCOME, STREET, objection=1.0))
    assert counter.kinds() == ["original"]


def test_a_trial_keeps_nothing(counter: Counter) -> None:
    before = counter.kinds()
    assert counter.reviewer.tried(counter.record_step(2, Doing.ADVANCED, COMMUNITY)).data["state"] == "reviewed"
    assert not counter.reviewer.tried(counter.record_step(2, Doing.ADVANCED, STREET)).accepted
    assert (counter.kinds(), counter.state()) == (before, "applied")


def test_several_steps_in_one_transaction_see_each_other(counter: Counter) -> None:
    steps = [counter.record_step(2, Doing.ADVANCED, COMMUNITY), counter.record_step(3, Doing.ADVANCED, STREET)]
    answers = counter.reviewer.serve_all(steps)
    assert [isinstance(one, Answer) and one.data["state"] for one in answers] == ["reviewed", "filed"]
    counter.agrees()


def test_a_closed_passbook_is_not_reviewed(counter: Counter) -> None:
    close = Close(
        volunteer=ANN, county=HERE, on=date(2024, 5, 2), scope="office", key="close", event=ClosingEvent.LEAVING
    )
    assert [due.subject.record for due in waiting(counter.ledger, counter.rulebook, date(2024, 5, 3))] == ["R1"]
    assert teller(counter.rulebook, counter.ledger).serve(close).accepted
    assert counter.refuses(counter.record_step(3, Doing.ADVANCED, COMMUNITY)) == ["closed_passbook"]
    assert waiting(counter.ledger, counter.rulebook, date(2024, 5, 3)) == []


def test_a_passbook_that_is_open_again_is_reviewed_but_not_on_a_day_on_which_it_was_closed(counter: Counter) -> None:
    fixed = {"volunteer": ANN, "county": HERE, "scope": "office"}
    opened = teller(counter.rulebook, counter.ledger)
    close = Close(on=date(2024, 5, 2), key="close", event=ClosingEvent.MOVING, **fixed)  # type: ignore[arg-type]
    assert opened.serve(close).accepted
    assert opened.serve(Reopen(on=date(2024, 5, 4), key="open", **fixed)).accepted  # type: ignore[arg-type]
    assert counter.refuses(counter.record_step(3, Doing.ADVANCED, COMMUNITY)) == ["before_reopening"]
    counter.does(counter.record_step(4, Doing.ADVANCED, COMMUNITY))


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_of_two_clerks_at_once_one_wins_and_the_other_is_told_the_new_state(
    tmp_path: Path, database: str, request: pytest.FixtureRequest
) -> None:
    address = "" if database == "sqlite" else request.getfixturevalue("postgres_url")
    with bank(tmp_path, address) as counter:
        counter.brings(served("R1", "2024-05-01 09:00", 3, state="applied"))
        steps = [counter.record_step(2, Doing.ADVANCED, COMMUNITY, actor=name) for name in ("Zhang", "Zhao")]
        together = Barrier(2)

        def clerk(step: RecordStep) -> Answer:
            together.wait(30)
            return counter.reviewer.serve(step)

        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(clerk, steps))
        assert sorted(one.accepted for one in answers) == [False, True]
        assert {one.data["state"] for one in answers} == {"reviewed"}
        assert counter.kinds().count("corrected") == 1
        counter.agrees()


# --- the registry and the review -------------------------------------------------------------------------------------


def test_the_same_export_again_changes_nothing_of_what_was_reviewed(counter: Counter) -> None:
    effective(counter)
    before = counter.kinds()
    report = counter.brings(served("R1", "2024-05-01 09:00", 3, state="applied"))
    assert (report.unchanged, report.set_aside, report.corrected) == (1, 0, 0)
    assert (counter.kinds(), counter.state()) == (before, "effective")


def test_a_correction_of_the_registry_leaves_the_state_to_the_review(counter: Counter) -> None:
    effective(counter)
    report = counter.brings(served("R1", "2024-05-01 09:00", 2, state="deleted"))
    assert report.corrected == 1
    assert (counter.state(), counter.earned()) == ("effective", 200)
    counter.does(counter.record_step(20, Doing.REVOKED, BUREAU))
    assert counter.earned() == 0
    assert counter.brings(served("R1", "2024-05-01 09:00", 3, state="applied")).reasons == {"older_version": 1}
    assert counter.brings(served("R1", "2024-05-01 09:00", 1, state="effective")).corrected == 1
    assert (counter.state(), counter.earned()) == ("refused", 0)
    counter.agrees()


def test_without_a_review_the_registry_says_how_far_a_record_has_come(counter: Counter) -> None:
    assert counter.brings(served("R1", "2024-05-01 09:00", 3, state="filed")).corrected == 1
    assert counter.does(counter.record_step(3, Doing.POSTED, STREET)).data["state"] == "filed"


def test_a_record_taken_back_and_brought_again_begins_its_review_anew(counter: Counter) -> None:
    effective(counter)
    counter.brings(Withdrawn(RecordId("R1"), TEST))
    assert counter.refuses(counter.record_step(20, Doing.REVOKED, BUREAU)) == ["no_record"]
    counter.brings(served("R1", "2024-05-01 09:00", 2, state="applied"))
    assert (counter.state(), counter.earned()) == ("applied", 0)
    assert counter.does(counter.record_step(21, Doing.LATE_ENTRY, COMMUNITY)).data["state"] == "reviewed"


@pytest.mark.parametrize("version", [0, 7])
def test_what_a_review_has_revoked_stays_revoked_when_its_registry_takes_it_back_and_brings_it_again(
    counter: Counter, version: int
) -> None:
    effective(counter)
    counter.does(counter.record_step(20, Doing.REVOKED, BUREAU))
    counter.brings(Withdrawn(RecordId("R1"), TEST))
    again = replace(served("R1", "2024-05-01 09:00", 2, state="effective"), version=version)
    assert counter.brings(again).corrected == 1
    assert (counter.state(), counter.earned()) == ("refused", 0)
    assert counter.brings(again).unchanged == 1
    moved = replace(served("R1", "2024-05-01 10:00", 1, "V2", state="effective"), version=version and version + 1)
    assert counter.brings(moved).corrected == 1
    assert (counter.state(), counter.earned(VolunteerId("V2"))) == ("refused", 0)
    counter.agrees()


# --- stars -----------------------------------------------------------------------------------------------------------


def awarded(counter: Counter) -> Counter:
    """Ann applied for her first star on 10 May; it is hers from the 17th."""
    effective(counter).does(counter.star_step(10, Doing.APPLIED, actor=ANN))
    counter.does(counter.star_step(11, Doing.APPROVED, "the county"))
    counter.does(counter.star_step(11, Doing.POSTED, "the county"))
    assert counter.refuses(counter.star_step(16, Doing.AWARDED, "the county")) == ["notice_runs"]
    counter.does(counter.star_step(17, Doing.AWARDED, "the county"))
    return counter


def test_a_star_is_applied_for_approved_posted_and_held_from_its_award_with_a_certificate(counter: Counter) -> None:
    awarded(counter)
    number = counter.does(counter.star_step(18, Doing.CERTIFICATE_ISSUED, "the county")).data["review"]["number"]
    assert number == "smallville-2024-000001"
    assert [counter.star(date(2024, 5, day)) for day in (16, 17)] == [0, 1]
    assert counter.refuses(counter.star_step(18, Doing.CERTIFICATE_ISSUED, "the county")) == ["not_in_this_state"]


def test_an_import_and_a_commendation_know_the_star_that_was_awarded(counter: Counter) -> None:
    awarded(counter)
    report = counter.brings(served("R2", "2024-05-18 09:00", 1, state="applied"))
    assert (report.stars_of, report.star_changes) == ({ANN: 1}, 0)
    (candidate,) = people(counter.ledger, counter.rulebook, date(2024, 5, 18), {})
    assert candidate.star == 1


def test_an_approval_keeps_what_it_rests_on(counter: Counter) -> None:
    effective(counter).does(counter.star_step(10, Doing.APPLIED, actor=ANN))
    basis = counter.does(counter.star_step(11, Doing.APPROVED, "the county")).data["review"]["basis"]
    assert (basis["on"], basis["held"], basis["reached"]) == ("2024-05-10", 0, 1)
    assert basis["measures"] == [["points_earned", 300, None]]


def test_a_star_is_refused_before_its_points_are_effective(counter: Counter) -> None:
    posted(counter).does(counter.star_step(4, Doing.APPLIED, actor=ANN))
    assert counter.refuses(counter.star_step(5, Doing.APPROVED, "the county")) == ["star_refused"]


def test_a_star_whose_record_is_revoked_is_lost_and_that_is_noted(counter: Counter) -> None:
    awarded(counter)
    assert counter.refuses(counter.star_step(20, Doing.LOWERED, "the county")) == ["not_lost"]
    counter.does(counter.record_step(20, Doing.REVOKED, BUREAU))
    assert counter.star(date(2024, 5, 20)) == 0
    assert counter.does(counter.star_step(21, Doing.LOWERED, "the county")).data["state"] == "lowered"


def test_a_star_that_is_revoked_was_never_held(counter: Counter) -> None:
    awarded(counter).does(counter.star_step(20, Doing.REVOKED, "the county"))
    assert counter.star(date(2024, 5, 20)) == 0


def test_one_applies_once_at_a_time_and_nothing_is_done_without_an_application(counter: Counter) -> None:
    assert counter.refuses(counter.star_step(10, Doing.APPROVED, "the county")) == ["no_application"]
    counter.does(counter.star_step(10, Doing.APPLIED, actor=ANN))
    assert counter.refuses(counter.star_step(12, Doing.APPLIED, actor=ANN)) == ["applied_before"]
    counter.does(counter.star_step(12, Doing.RETURNED, "the county"))
    counter.does(counter.star_step(13, Doing.APPLIED, actor=ANN))


def test_who_was_sent_back_applies_again_on_the_same_day_and_the_star_is_of_the_second_application(
    counter: Counter,
) -> None:
    effective(counter)
    for _time in range(2):
        counter.does(counter.star_step(10, Doing.APPLIED, actor=ANN))
        counter.does(counter.star_step(10, Doing.RETURNED, "the county"))
    assert counter.refuses(counter.star_step(10, Doing.APPROVED, "the county")) == ["not_in_this_state"]
    assert counter.does(counter.star_step(10, Doing.APPLIED, actor=ANN)).data["review"]["was"] == ""
    assert counter.refuses(counter.star_step(10, Doing.APPLIED, actor=ANN)) == ["applied_before"]
    waits = waiting(counter.ledger, counter.rulebook, date(2024, 5, 10))
    assert [(one.next.doing, one.subject.star) for one in waits] == [(Doing.APPROVED, 1)]
    for day, doing in ((10, Doing.APPROVED), (10, Doing.POSTED), (16, Doing.AWARDED)):
        counter.does(counter.star_step(day, doing, "the county", applied_on=date(2024, 5, 10)))
    assert counter.star(date(2024, 5, 16)) == 1


def test_for_a_star_that_was_awarded_nobody_applies_again_on_the_same_day_but_once_that_is_revoked(
    tmp_path: Path,
) -> None:
    with bank(tmp_path, stars=STARS.replace("notice: 5 days, ", "")) as counter:
        counter.brings(served("R1", "2024-05-01 09:00", 3, state="effective"))
        counter.does(counter.star_step(10, Doing.APPLIED, actor=ANN))
        counter.does(counter.star_step(10, Doing.APPROVED, "the county"))
        counter.does(counter.star_step(10, Doing.AWARDED, "the county"))
        assert counter.refuses(counter.star_step(10, Doing.APPLIED, actor=ANN)) == ["not_in_this_state"]
        counter.does(counter.star_step(10, Doing.REVOKED, "the county"))
        counter.does(counter.star_step(10, Doing.APPLIED, actor=ANN))
        counter.does(counter.star_step(10, Doing.APPROVED, "the county"))
        counter.does(counter.star_step(10, Doing.AWARDED, "the county"))
        assert counter.star(date(2024, 5, 10)) == 1


def test_an_objection_keeps_a_star_from_being_awarded(counter: Counter) -> None:
    effective(counter).does(counter.star_step(10, Doing.APPLIED, actor=ANN))
    counter.does(counter.star_step(11, Doing.APPROVED, "the county"))
    counter.does(counter.star_step(11, Doing.POSTED, "the county"))
    counter.does(counter.star_step(12, Doing.OBJECTED, actor="a neighbour"))
    assert counter.refuses(counter.star_step(30, Doing.AWARDED, "the county")) == ["objection_open"]


@contextmanager
def two_stars(tmp_path: Path) -> Iterator[Counter]:
    """Ann and Ben have each been awarded a star, and have no certificate yet."""
    with bank(tmp_path, stars=STARS.replace("notice: 5 days, ", "")) as counter:
        counter.brings(
            served("R1", "2024-05-01 09:00", 3, state="effective"),
            served("R2", "2024-05-01 09:00", 3, "V2", state="effective"),
        )
        for person in (ANN, BEN):
            counter.does(counter.star_step(10, Doing.APPLIED, actor=person, volunteer=person))
            counter.does(counter.star_step(11, Doing.APPROVED, "the county", volunteer=person))
            counter.does(counter.star_step(11, Doing.AWARDED, "the county", volunteer=person))
        yield counter


def test_certificates_of_two_clerks_at_once_have_two_numbers(tmp_path: Path) -> None:
    with two_stars(tmp_path) as counter:
        steps = [counter.star_step(12, Doing.CERTIFICATE_ISSUED, "the county", volunteer=who) for who in (ANN, BEN)]
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(counter.reviewer.serve, steps))
        assert sorted(one.data["review"]["number"][-1] for one in answers) == ["1", "2"]
        counter.agrees()


def test_a_number_that_the_county_counts_itself_is_not_given_by_hand_and_one_of_its_own_is(tmp_path: Path) -> None:
    with two_stars(tmp_path) as counter:
        by_hand = counter.star_step(12, Doing.CERTIFICATE_ISSUED, "the county", number="smallville-2024-000001")
        assert counter.refuses(by_hand) == ["number_counted"]
        by_itself = counter.star_step(12, Doing.CERTIFICATE_ISSUED, "the county", volunteer=BEN)
        assert counter.does(by_itself).data["review"]["number"] == "smallville-2024-000001"
        old_book = counter.star_step(12, Doing.CERTIFICATE_ISSUED, "the county", number="smallville old book 7")
        assert counter.does(old_book).data["review"]["number"] == "smallville old book 7"


def test_the_records_tell_of_stars_until_somebody_applies_at_the_bank(tmp_path: Path) -> None:
    with bank(tmp_path, stars=STARS.replace("notice: 5 days, ", "")) as counter:
        told = served("A1", "2024-05-02 09:00", 0, state="effective")
        told = replace(told, facts={**told.facts, "kind": "star_application", "star_applied": 1, "decision": "passed"})
        counter.brings(served("R1", "2024-05-01 09:00", 12, state="effective"), told)
        assert counter.star(date(2024, 5, 9)) == 1
        counter.does(counter.star_step(10, Doing.APPLIED, actor=ANN, star=2))
        assert counter.star(date(2024, 5, 10)) == 1  # what the records had granted stays
        counter.does(counter.star_step(11, Doing.APPROVED, "the county", star=2))
        counter.does(counter.star_step(12, Doing.AWARDED, "the county", star=2))
        assert counter.star(date(2024, 5, 12)) == 2
        again = served("A2", "2024-05-13 09:00", 0, "V2", state="effective")
        counter.brings(
            served("R2", "2024-05-01 09:00", 12, "V2", state="effective"),
            replace(again, facts={**told.facts}),
            on=date(2024, 5, 14),
        )
        assert counter.star(date(2024, 5, 14), BEN) == 1  # of Ben the records still tell


def test_no_application_dated_back_takes_away_a_star_that_the_records_granted(tmp_path: Path) -> None:
    with bank(tmp_path) as counter:
        told = served("A1", "2024-05-02 09:00", 0, state="effective")
        told = replace(told, facts={**told.facts, "kind": "star_application", "star_applied": 1, "decision": "passed"})
        counter.brings(served("R1", "2024-05-01 09:00", 12, state="effective"), told)
        for day, applied_on, why in (
            (10, date(2020, 1, 1), "applied_another_day"),
            (1, None, "granted_since"),
            (2, None, "granted_since"),
        ):
            step = counter.star_step(day, Doing.APPLIED, actor=ANN, star=2, applied_on=applied_on)
            assert counter.refuses(step) == [why]
            assert counter.star(date(2024, 5, 10)) == 1
        counter.does(counter.star_step(3, Doing.APPLIED, actor=ANN, star=2))
        assert counter.star(date(2024, 5, 10)) == 1


def test_nothing_is_reviewed_on_a_day_before_the_rules_are_in_force(counter: Counter) -> None:
    before = date(2019, 12, 31)
    assert counter.refuses(counter.star_step(1, Doing.APPLIED, actor=ANN, on=before)) == ["before_in_force"]
    assert counter.refuses(counter.record_step(1, Doing.ADVANCED, COMMUNITY, on=before)) == ["before_in_force"]
    counter.does(counter.star_step(1, Doing.APPLIED, actor=ANN, on=date(2020, 1, 1)))


def test_an_objection_to_a_star_is_settled_first_though_the_county_posts_no_stars_any_more(tmp_path: Path) -> None:
    with bank(tmp_path) as at:
        at.brings(served("R1", "2024-05-01 09:00", 3, state="applied"))
        effective(at).does(at.star_step(10, Doing.APPLIED, actor=ANN))
        at.does(at.star_step(11, Doing.APPROVED, "the county"))
        at.does(at.star_step(11, Doing.POSTED, "the county"))
        at.does(at.star_step(12, Doing.OBJECTED, actor="a neighbour"))
        with under_other_rules(at, tmp_path, stars=STARS.replace("notice: 5 days, ", "")) as now:
            assert now.refuses(now.star_step(12, Doing.AWARDED, "the county")) == ["objection_open"]
            now.does(now.star_step(13, Doing.OUTCOME, "the county", upheld=False))
            now.does(now.star_step(30, Doing.AWARDED, "the county"))


# --- what waits, and spot checks -------------------------------------------------------------------------------------


def test_the_work_list_tells_what_is_open_and_what_is_overdue(counter: Counter) -> None:
    counter.brings(served("R2", "2024-05-04 09:00", 1, "V2", state="reviewed"))
    counter.does(counter.star_step(5, Doing.APPLIED, actor=ANN))

    def listed(day: int, role: str = "") -> list[tuple[str, str, str, bool]]:
        found = waiting(counter.ledger, counter.rulebook, date(2024, 5, day), role)
        return [(due.subject.record or "star", due.next.by, due.next.doing.value, due.next.overdue) for due in found]

    assert listed(6) == [
        ("R1", COMMUNITY, "advanced", False),
        ("star", "the county", "approved", False),
        ("R2", STREET, "advanced", False),
    ]
    assert listed(7, COMMUNITY) == [("R1", COMMUNITY, "late_entry", True)]
    posted_late = counter.record_step(7, Doing.LATE_ENTRY, COMMUNITY)
    counter.does(posted_late)
    assert listed(7, COMMUNITY) == []
    assert [one[0] for one in listed(7, STREET)] == ["R2", "R1"]


def test_a_draw_can_be_worked_out_again_by_everybody(counter: Counter) -> None:
    counter.brings(
        *(served(f"R{number}", f"2024-05-{number:02} 09:00", 1) for number in range(2, 8)),
        served("R8", "2024-03-31 09:00", 1),
    )
    (check,) = [said for said in counter.rulebook.policy.review if isinstance(said, SpotCheck)]
    of, keys = drawn_in(counter.ledger, counter.rulebook, check, date(2024, 6, 30), "drawn on 1 July")
    assert (of, len(keys)) == (7, 4)
    assert (of, keys) == drawn_in(counter.ledger, counter.rulebook, check, date(2024, 4, 1), "drawn on 1 July")
    assert RecordId("R8") not in {record for _registry, record in keys}
    assert keys != drawn_in(counter.ledger, counter.rulebook, check, date(2024, 4, 1), "another seed")[1]


# --- what rests on it ------------------------------------------------------------------------------------------------


def test_a_record_after_a_review_is_counted_as_if_the_review_had_always_been(tmp_path: Path) -> None:
    hours = HOURS + "- id: two_hours_a_day\n  limit: {per: day, at_most: 2 hours, overflow: lost}\n"
    with bank(tmp_path, hours=hours) as counter:
        counter.brings(served("R1", "2024-05-01 09:00", 2, state="effective"))
        counter.does(counter.record_step(2, Doing.REVOKED, BUREAU))
        counter.brings(served("R2", "2024-05-01 14:00", 2, state="effective"))
        assert counter.earned() == 200
        counter.agrees()


def test_verify_finds_a_star_that_was_awarded_in_the_file_and_not_at_the_counter(counter: Counter) -> None:
    awarded(counter)
    with counter.ledger.database.engine.connect() as connection, connection.begin():
        for name in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").scalars().all():
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
        connection.exec_driver_sql(
            """UPDATE entry SET body = CAST(replace(CAST(body AS TEXT), '"star":1', '"star":2') AS BLOB)"""
        )
    assert "chain_holds" in {violation.invariant for violation in verify(counter.ledger)}


def test_a_statement_tells_the_steps_and_the_star_as_of_its_last_day(counter: Counter) -> None:
    awarded(counter)
    told = [statement(counter.ledger, counter.rulebook, ANN, None, date(2024, 5, day)) for day in (16, 17)]
    assert [one.standing.star_held for one in told] == [0, 1]
    sentences = statement_sentences(told[1], counter.rulebook.policy.facts, "zh")
    assert any("审核：生效，civility test/R1" in sentence for sentence in sentences)
    assert any("审核：授予（the county），1 星，2024-05-10 申请" in sentence for sentence in sentences)
    assert any("未办：审核星级：授予（the county），1 星" in sentence for sentence in sentences)


def test_a_statement_tells_of_each_step_who_did_what_and_where_that_led_in_every_form(counter: Counter) -> None:
    counter.does(counter.record_step(7, Doing.LATE_ENTRY, COMMUNITY, reason="late papers"))
    counter.does(counter.record_step(8, Doing.ADVANCED, STREET, reason=""))
    counter.does(counter.record_step(8, Doing.POSTED, STREET))
    counter.does(counter.record_step(9, Doing.OBJECTED, actor="a neighbour", reason="it rained"))
    counter.does(counter.record_step(10, Doing.OUTCOME, STREET, upheld=True, objection=1))
    found = statement(counter.ledger, counter.rulebook, ANN, None, date(2024, 5, 10))
    late, advanced, shown, objected, outcome = (line for line in found.lines if line.kind == REVIEW)
    assert [one.clauses[0].clause for one in (late, advanced, shown, objected, outcome)] == [
        *("community_review", "street_filing", "posted", "posted", "posted")
    ]
    facts = counter.rulebook.policy.facts
    text = "\n".join(statement_sentences(found, facts, "en"))
    for said in (
        f"review: late entry by {COMMUNITY}, civility test/R1, served on 2024-05-01",
        "entered after its time\n    state: applied → reviewed, last day",
        "state: filed, suspended\n    [posted, smallville/review.yaml:4]\n    by a neighbour\n    reason: it rained",
        f"review: outcome by {STREET}, civility test/R1, served on 2024-05-01",
        "objection 1\n    outcome: upheld\n    state: filed, suspended",
    ):
        assert said in text
    page = statement_page(found, facts, "en")
    assert f"review: late entry by {COMMUNITY}" in page
    assert "state: applied → reviewed" in page
    step = statement_data(found, "zh")["entries"][found.lines.index(outcome)]["step"]
    assert (step["doing"], step["role"], step["was"], step["state"]) == ("outcome", STREET, "filed", "filed")
    assert (step["upheld"], step["day"]) == (True, "2024-05-01")
    rows = [row["step"] for row in statement_rows(found, "zh") if row["kind"] == REVIEW]
    assert rows[1].startswith(f"办结（{STREET}）; 状态：社区已审核 → 已备案")


def test_no_word_of_the_program_stands_in_a_chinese_statement_of_a_review(counter: Counter) -> None:
    awarded(counter)
    counter.does(counter.star_step(18, Doing.CERTIFICATE_ISSUED, "the county"))
    counter.brings(served("R2", "2024-05-17 09:00", 1, state="applied"))
    counter.does(counter.record_step(18, Doing.ADVANCED, COMMUNITY, record="R2", reason=""))
    found = statement(counter.ledger, counter.rulebook, ANN, None, date(2024, 5, 18))
    assert "advanced" in [line.reason for line in found.lines]
    rows = [f"{row['what']} {row['reason']} {row['step']}" for row in statement_rows(found, "zh")]
    text = "\n".join([*statement_sentences(found, counter.rulebook.policy.facts, "zh"), *rows])
    for doing in Doing:
        assert not re.search(rf"\b{doing.value}\b", re.sub("〔.*?〕", "", text)), doing
    assert "证书编号 smallville-2024-000001" in text
