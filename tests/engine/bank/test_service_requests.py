"""A request for service from asking to the evaluation, in the ledger: what is held, settled, served, and told."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lianxing.engine.answers import REQUEST_WORDS
from lianxing.engine.bank.ending import end_all
from lianxing.engine.bank.judging import Judged
from lianxing.engine.bank.passing import Passing
from lianxing.engine.bank.replaying import replay
from lianxing.engine.bank.request_steps import TakenStep
from lianxing.engine.bank.service_requests import ServiceDesk, _bookings
from lianxing.engine.bank.statements import statement
from lianxing.engine.bank.tellers import Answer, Teller
from lianxing.engine.ledger.drafts import Booking
from lianxing.engine.ledger.errors import InvalidError, KeyMismatchError
from lianxing.engine.ledger.opening import Ledger, open_ledger
from lianxing.engine.ledger.verifying import verify
from lianxing.engine.ledger.writing import Writing
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.statement_data import statement_data, statement_rows
from lianxing.engine.statement_sentences import hold_sentence, statement_sentences
from lianxing.plugins.host import Host
from lianxing.plugins.intake import Intake
from lianxing.rules.accounts import Purpose
from lianxing.rules.closures import ClosingEvent
from lianxing.rules.commands import Close, Declare, Release, Reopen, Reserve, Settle
from lianxing.rules.facts import RecordId, VolunteerId
from lianxing.rules.families import Relation
from lianxing.rules.perks import Beneficiary
from lianxing.rules.places import Language
from lianxing.rules.records import Volunteer
from lianxing.rules.redeeming import Reason
from lianxing.rules.requests import MENU as MENU_REGISTRY
from lianxing.rules.requests import RequestState, Step
from lianxing.rules.service_commands import TakeStep
from tests.engine.bank.counting_house import HERE, rules, take_in, write_county
from tests.engine.bank.forging import copy_of, exchange, forged
from tests.engine.bank.test_damaged_passbooks import unguarded
from tests.engine.bank.test_pools import why
from tests.engine.bank.test_replaying import Clock
from tests.engine.requests import ACCOUNTS, FACTS, HOUR, MEASURES, MENU, MONDAY
from tests.plugins.smallville import COUNTY, served

ELDER, PARENT = Volunteer(VolunteerId("R1"), born_on=date(1950, 1, 1)), Volunteer(VolunteerId("R2"))
HELPER = Volunteer(VolunteerId("V1"), facts={"skilled": 1, "community": "east"})
OTHER = Volunteer(VolunteerId("V2"), facts={"skilled": 1})
IDLE = Volunteer(VolunteerId("V3"))
OFFICE = "office"


def list_at_most(candidates: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("menu", "requesting", "bank.candidacies", "bank.deciding_again"):
        monkeypatch.setattr(f"lianxing.engine.{module}.LISTED_MAX", candidates)


def june(day: int) -> date:
    return date(2024, 6, day)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(str(tmp_path / "bank.db"), clock=Clock()) as made:
        yield made
        assert verify(made) == []


@pytest.fixture
def county(tmp_path: Path) -> Path:
    facts = "facts:\n" + "".join(f"  {name}: {said}\n" for name, said in FACTS.items())
    accounts = ACCOUNTS + "  family: {may_draw: yes, pooled: no}\n"
    chapters = {
        "county": COUNTY["county.yaml"] + "holidays: CN\n" + facts,
        "accounts": accounts,
        "menu": MENU,
        "redemption": "{}\n",
    }
    measures = COUNTY["measures.yaml"] + MEASURES
    folder = write_county(tmp_path / "smallville", measures=measures, **chapters)
    (folder / "hours.yaml").write_text("- id: found_false\n  revoke: {kind: revocation}\n", "utf-8")
    (folder / "redemption.yaml").unlink()
    return folder


@pytest.fixture
def town(county: Path, ledger: Ledger) -> Iterator[Rulebook]:
    with rules(county) as made:
        yield made
        done = replay(ledger, [made])
        assert (done.differences, done.left_out) == ([], {})


class Desk:
    """Steps with keys of their own; R1 has three hours."""

    def __init__(self, ledger: Ledger, town: Rulebook) -> None:
        self.ledger, self.town, self.desk = ledger, town, ServiceDesk(ledger, town)
        self.asked, self.id = 0, ""
        take_in(town, ledger, served("a", "2024-05-01 09:00", 3, "R1"), volunteers=(ELDER, PARENT, HELPER, OTHER, IDLE))

    def step(self, step: Step, on: date, actor: str, **said: object) -> Answer:
        self.asked += 1
        fixed = {
            "volunteer": VolunteerId("R1"),
            "county": HERE,
            "on": on,
            "scope": "test",
            "key": str(self.asked),
            "actor": actor,
            "organiser": actor == OFFICE,
            "step": step,
            "request": self.id,
        }
        return self.desk.serve(TakeStep(**{**fixed, **said}))  # type: ignore[arg-type]

    def ask(self, hours: int = 2, on: date = MONDAY, **said: object) -> Answer:
        answer = self.step(Step.REQUEST, on, "R1", request="", service="cleaning", seconds=hours * HOUR, **said)
        if answer.accepted:
            self.id = answer.data["request"]["id"]
        return answer

    def matched(self) -> None:
        self.ask()
        assert self.step(Step.MATCH, MONDAY, OFFICE, served_by=VolunteerId("V1"), paired=(VolunteerId("V1"),)).accepted

    def served(self) -> None:
        self.matched()
        assert self.step(Step.POST, MONDAY, OFFICE).accepted
        assert self.step(Step.SERVE, june(7), "V1", seconds=2 * HOUR).accepted

    def confirmed(self, hours: int = 1) -> Answer:
        self.served()
        return self.step(Step.CONFIRM, june(8), "R1", seconds=hours * HOUR)

    def has(self, owner: str = "R1", account: str = "credits") -> int:
        with self.ledger.reading() as reading:
            return reading.accounts(VolunteerId(owner), HERE).get((account, "seconds"), 0) // HOUR

    def kinds(self, owner: str) -> list[str]:
        with self.ledger.reading() as reading:
            return [one.entry.kind for one in reading.passbook_entries(VolunteerId(owner), HERE)]


@pytest.fixture
def desk(ledger: Ledger, town: Rulebook) -> Desk:
    return Desk(ledger, town)


def test_asking_reserves_the_price(desk: Desk) -> None:
    answer = desk.ask()
    assert (answer.accepted, desk.has(), desk.has(account="credits/held")) == (True, 1, 2)
    assert answer.data["request"]["id"] == f"smallville/R1/{answer.entry}"
    assert desk.kinds("R1") == ["original", "request"]


def test_what_is_confirmed_is_paid_the_rest_goes_back_and_the_volunteer_has_earned_it(desk: Desk) -> None:
    assert desk.confirmed(hours=1).accepted
    assert (desk.has(), desk.has(account="credits/held"), desk.has("V1")) == (2, 0, 1)
    with desk.ledger.reading() as reading:
        (held,) = reading.held(RecordId(desk.id))
    assert (held.record.registry, held.record.volunteer, held.record.seconds) == ("menu", "V1", HOUR)
    assert (held.record.day, held.record.activity, held.record.facts["recipient"]) == (june(7), "cleaning", "R1")


def test_an_evaluation_is_a_new_version_of_the_record(desk: Desk) -> None:
    desk.confirmed()
    assert desk.step(Step.EVALUATE, june(9), "R1", said=(("evaluation", "good"),)).accepted
    with desk.ledger.reading() as reading:
        (held,) = reading.held(RecordId(desk.id))
    assert held.record.facts["evaluation"] == "good"
    assert desk.kinds("V1") == ["original", "corrected"]


def test_the_request_as_it_stands_is_read_from_its_entries(desk: Desk) -> None:
    desk.confirmed()
    found = desk.desk.request(desk.id)
    assert found is not None
    assert (found.state, found.settled, found.volunteer) == (RequestState.CONFIRMED, HOUR, "V1")
    assert [one.id for one in desk.desk.requests_of(VolunteerId("V1"))] == [desk.id]
    assert desk.desk.request("smallville/R1/99") is None
    assert desk.desk.request("elsewhere") is None


def test_a_step_that_is_not_allowed_is_an_entry_with_its_reasons(desk: Desk) -> None:
    desk.ask()
    answer = desk.step(Step.CONFIRM, MONDAY, "R1", seconds=HOUR)
    assert (answer.accepted, why(answer)) == (False, ["state"])
    assert desk.kinds("R1")[-1] == "refused"
    assert desk.desk.request(desk.id).state is RequestState.REQUESTED  # type: ignore[union-attr]


def test_more_than_there_is_cannot_be_asked_for(desk: Desk) -> None:
    assert why(desk.ask(hours=4)) == ["balance"]
    assert why(desk.ask(hours=2, recipient=VolunteerId("R2"), for_whom=Beneficiary.PARENT)) == ["not_declared"]
    desk.ask(hours=2)
    assert why(desk.ask(hours=2)) == ["balance"]


@pytest.mark.parametrize(("effect", "reason"), [("frozen", "frozen"), ("cancelled", "balance")])
def test_what_a_sanction_freezes_or_cancels_pays_for_no_service(
    county: Path, ledger: Ledger, effect: str, reason: str
) -> None:
    does = f"{{registration: kept, star: kept, points: kept, hours: {effect}, black_list: no}}"
    old = f"old: {{when: {{age: {{at_least: 60}}}}, effects: {does}, lasts: while_true}}\n"
    (county / "sanctions.yaml").write_text(old, "utf-8")
    with rules(county) as strict:
        assert why(Desk(ledger, strict).ask()) == [reason]
        assert replay(ledger, [strict]).differences == []


def test_the_menu_has_to_have_the_service(desk: Desk) -> None:
    answer = desk.step(Step.REQUEST, MONDAY, "R1", service="singing", seconds=HOUR)
    assert why(answer) == ["no_service"]
    assert why(desk.step(Step.POST, MONDAY, OFFICE, request="smallville/R1/7")) == ["no_request"]


def test_a_service_for_the_declared_parent_is_paid_by_whoever_asks(desk: Desk) -> None:
    fixed = {"volunteer": VolunteerId("R1"), "county": HERE, "on": MONDAY, "scope": "test", "key": "family"}
    Teller(desk.ledger, desk.town).serve(
        Declare(family=((VolunteerId("R2"), Relation.PARENT),), **fixed)  # type: ignore[arg-type]
    )
    assert desk.ask(recipient=VolunteerId("R2"), for_whom=Beneficiary.PARENT).accepted
    assert desk.has(account="credits/held") == 2


FOR_SIXTY = "  eligible: {age: {at_least: 18}}\n  recipient_is: {age: {at_least: 60}}"


class Child(Desk):
    """R1 is 24 and has declared R2 to be the parent; who may be served is 60."""

    def __init__(self, ledger: Ledger, town: Rulebook) -> None:
        super().__init__(ledger, town)
        self.register(Volunteer(VolunteerId("R1"), born_on=date(2000, 6, 1)))
        family = ((VolunteerId("R2"), Relation.PARENT),)
        fixed = {"volunteer": VolunteerId("R1"), "county": HERE, "on": MONDAY, "scope": "test", "key": "family"}
        Teller(ledger, town).serve(Declare(family=family, **fixed))  # type: ignore[arg-type]

    def register(self, person: Volunteer) -> None:
        take_in(self.town, self.ledger, volunteers=(person,))

    def born(self, year: int) -> None:
        self.register(Volunteer(VolunteerId("R2"), born_on=date(year, 6, 3)))

    def for_parent(self) -> list[str]:
        return why(self.ask(hours=1, recipient=VolunteerId("R2"), for_whom=Beneficiary.PARENT))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def child(county: Path, tmp_path: Path, clock: Clock) -> Iterator[Child]:
    menu = MENU.replace("  eligible: {age: {at_least: 60}}", FOR_SIXTY)
    (county / "menu.yaml").write_text(menu, "utf-8")
    with open_ledger(str(tmp_path / "bank.db"), clock=clock) as ledger, rules(county) as town:
        yield Child(ledger, town)
        assert verify(ledger) == []
        done = replay(ledger, [town])
        assert (done.differences, done.left_out) == ([], {})


def test_a_child_of_24_asks_for_the_declared_parent_of_60_and_not_for_themselves(child: Child) -> None:
    assert child.for_parent() == ["recipient_unknown"]
    child.born(1964)
    assert child.for_parent() == []
    child.born(1965)
    assert child.for_parent() == ["recipient_is"]
    (said,) = child.ask(hours=1).data["reasons"]
    assert (said["code"], said["clause"], said["at"]) == ("recipient_is", "cleaning", "smallville/menu.yaml:6:24")


def test_nobody_is_matched_for_a_recipient_who_may_not_be_served_any_more(child: Child) -> None:
    child.born(1964)
    child.for_parent()
    child.born(1965)
    assert why(child.step(Step.MATCH, MONDAY, OFFICE, served_by=VolunteerId("V1"))) == ["recipient_is"]
    child.born(1964)
    assert child.step(Step.MATCH, MONDAY, OFFICE, served_by=VolunteerId("V1")).accepted


def test_what_was_so_of_the_recipient_is_left_open_where_clocks_leave_it_open(child: Child, clock: Clock) -> None:
    child.born(1965)
    clock.step = 0
    assert child.for_parent() == ["recipient_is"]
    child.born(1964)
    assert child.for_parent() == []
    child.born(1965)
    assert why(child.step(Step.MATCH, MONDAY, OFFICE, served_by=VolunteerId("V1"))) == ["recipient_is"]
    clock.step = 100


def test_that_somebody_might_be_served_who_might_not_is_named(child: Child, tmp_path: Path) -> None:
    child.born(1965)
    child.for_parent()
    copy = copy_of(tmp_path)
    with forged(copy) as connection:
        exchange(connection, "entry", "body", '"code":"recipient_is"', '"code":"recipient_unknown"')
    with open_ledger(str(copy), create=False) as ledger:
        (found,) = replay(ledger, [child.town]).differences
    assert (found.volunteer, found.what) == ("R1", "body.reasons[0].code")


def test_the_order_of_the_candidates_is_kept_with_the_match(desk: Desk) -> None:
    desk.ask()
    paired = (VolunteerId("V1"),)
    refused = desk.step(Step.MATCH, MONDAY, OFFICE, served_by=VolunteerId("V2"), paired=paired)
    assert why(refused) == ["not_first"]
    kept = desk.step(Step.MATCH, MONDAY, OFFICE, served_by=VolunteerId("V1"), paired=paired).data["candidates"]
    assert [(one["id"], one["place"], one["values"]["paired"]) for one in kept["turns"]] == [("V1", 1, 1), ("V2", 2, 0)]
    left_out = {one["id"]: [reason["code"] for reason in one["reasons"]] for one in kept["left_out"]}
    assert (left_out["V3"], left_out["R1"][0]) == (["not_eligible"], "own_request")


def test_a_volunteer_whose_passbook_is_closed_is_no_candidate(desk: Desk) -> None:
    fixed = {"volunteer": VolunteerId("V1"), "county": HERE, "on": MONDAY, "scope": "test", "key": "close"}
    desk.ask()
    Teller(desk.ledger, desk.town).serve(Close(event=ClosingEvent.LEAVING, **fixed))  # type: ignore[arg-type]
    assert why(desk.step(Step.MATCH, MONDAY, OFFICE, served_by=VolunteerId("V1"))) == ["closed_passbook"]
    queue = desk.desk.candidates(desk.id, MONDAY)
    assert queue is not None
    assert [turn.id for turn in queue.turns] == ["V2"]


def test_a_volunteer_whose_passbook_is_open_again_is_a_candidate(desk: Desk) -> None:
    fixed = {"volunteer": VolunteerId("V1"), "county": HERE, "scope": "test"}
    desk.ask()
    counter = Teller(desk.ledger, desk.town)
    counter.serve(Close(event=ClosingEvent.MOVING, on=date(2024, 5, 2), key="close", **fixed))  # type: ignore[arg-type]
    assert counter.serve(Reopen(on=MONDAY, key="open", **fixed)).accepted  # type: ignore[arg-type]
    assert desk.step(Step.MATCH, MONDAY, OFFICE, served_by=VolunteerId("V1")).accepted


def test_of_a_request_that_somebody_serves_nobody_asks_whether_another_passbook_is_closed(desk: Desk) -> None:
    desk.matched()
    fixed = {"volunteer": VolunteerId("V2"), "county": HERE, "on": MONDAY, "scope": "test", "key": "close"}
    Teller(desk.ledger, desk.town).serve(Close(event=ClosingEvent.LEAVING, **fixed))  # type: ignore[arg-type]
    assert why(desk.step(Step.MATCH, MONDAY, OFFICE, served_by=VolunteerId("V2"))) == ["state"]


def test_whoever_stepped_back_is_not_asked_again(desk: Desk) -> None:
    desk.matched()
    assert desk.step(Step.WITHDRAW, MONDAY, "V1").accepted
    queue = desk.desk.candidates(desk.id, MONDAY)
    assert queue is not None
    assert [turn.id for turn in queue.turns] == ["V2"]


@pytest.mark.parametrize(("step", "actor"), [(Step.CANCEL, "R1"), (Step.DECLINE, OFFICE)])
def test_a_request_that_ends_without_a_service_gives_everything_back(desk: Desk, step: Step, actor: str) -> None:
    desk.matched()
    assert desk.step(step, MONDAY, actor).accepted
    assert (desk.has(), desk.has(account="credits/held"), desk.desk.work_list()) == (3, 0, [])


def test_the_work_list_tells_what_is_due_first_and_overdue_requests_end(desk: Desk) -> None:
    desk.ask(hours=1)
    later = desk.ask(hours=1, on=june(4)).data["request"]["id"]
    due = desk.desk.work_list()
    assert [one.last_day for one in due] == [june(13), june(14)]
    ended = desk.desk.expire_overdue(june(14)).answered
    assert [(one.request.id, answer.accepted) for one, answer in ended] == [(due[0].request.id, True)]
    assert [one.request.id for one in desk.desk.work_list()] == [later]
    assert desk.desk.expire_overdue(june(14)).answered == []
    assert (desk.has(), desk.has(account="credits/held")) == (2, 1)


def test_an_end_that_was_refused_on_one_day_is_asked_for_anew_on_another(
    patient: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient.ask()
    with monkeypatch.context() as before:
        before.setattr("lianxing.engine.bank.request_steps.before_in_force", lambda rulebook, _on: no_day(rulebook))
        ((_, refused),) = patient.desk.expire_overdue(LATE).answered
        assert why(refused) == ["before_in_force"]
    assert [one.accepted for _, one in patient.desk.expire_overdue(date(2024, 12, 2)).answered] == [True]


def test_one_damaged_passbook_does_not_keep_the_requests_of_others_open(desk: Desk, tmp_path: Path) -> None:
    desk.ask()
    take_in(
        desk.town, desk.ledger, served("b", "2024-05-01 09:00", 3, "R2"), volunteers=(replace(ELDER, id=PARENT.id),)
    )
    asked = desk.step(Step.REQUEST, MONDAY, "R2", volunteer=PARENT.id, request="", service="cleaning", seconds=HOUR)
    second, copy = asked.data["request"]["id"], copy_of(tmp_path)
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection, unguarded(connection):
        connection.execute("UPDATE volunteer SET born_on = 'x' WHERE id = 'R1'")
    with open_ledger(str(copy), create=False) as ledger:
        here = ServiceDesk(ledger, desk.town)
        for dry_run, ended in ((True, [(second, True)]), (False, [(second, True)]), (False, [])):
            done = here.expire_overdue(june(14), dry_run=dry_run)
            assert [(one.request.id, answer.accepted) for one, answer in done.answered] == ended
            assert list(done.damaged) == ["R1"]
        assert [one.request.id for one in here.work_list()] == [desk.id]
    assert second != desk.id


def no_day(rulebook: Rulebook) -> Reason:
    county = rulebook.policy.county
    return Reason("before_in_force", county.clause, county.in_force_at, (("day", "2030-01-01"),))


def test_who_has_too_long_an_id_for_a_request_reserves_nothing(desk: Desk, ledger: Ledger, town: Rulebook) -> None:
    long = VolunteerId("R" * 190)
    take_in(town, ledger, served("long", "2024-05-01 09:00", 3, long), volunteers=(Volunteer(long),))
    answer = desk.ask(volunteer=long)
    assert why(answer) == ["id_too_long"]
    assert desk.has(long) == 3


def test_a_hold_that_has_ended_by_itself_is_not_given_back_twice(desk: Desk) -> None:
    desk.ask()
    end_all(desk.ledger, desk.town, date(2024, 12, 1))
    assert desk.has() == 3
    assert desk.desk.expire_overdue(date(2024, 12, 1)).answered[0][1].accepted
    assert desk.has() == 3


def test_nobody_is_matched_where_what_would_pay_has_ended(desk: Desk, town: Rulebook) -> None:
    desk.ask()
    until = date(2024, 9, 1)
    assert "最后一日 2024-06-13" in held_sentence(desk, town, june(4))
    end_all(desk.ledger, desk.town, date(2024, 12, 1))
    (reason,) = desk.step(Step.MATCH, MONDAY, OFFICE, served_by=VolunteerId("V1")).data["reasons"]
    assert (reason["code"], reason["operands"]) == ("hold_over", {"last_day": until.isoformat()})
    assert desk.step(Step.CANCEL, MONDAY, "R1").accepted
    assert desk.has() == 3


def held_sentence(desk: Desk, town: Rulebook, on: date) -> str:
    (hold,) = statement(desk.ledger, town, ELDER.id, None, on).holds
    return hold_sentence(hold, on, "zh")


LATE = date(2024, 12, 1)  # what the request reserved was reserved to the first of September


@pytest.fixture
def patient(county: Path, tmp_path: Path) -> Iterator[Desk]:
    """The desk of a county that sets no deadlines."""
    (county / "menu.yaml").write_text(MENU[: MENU.index("  deadlines:")], "utf-8")
    with open_ledger(str(tmp_path / "bank.db"), clock=Clock()) as ledger, rules(county) as town:
        yield Desk(ledger, town)
        assert verify(ledger) == []


def decided_alike(desk: Desk) -> list[tuple[int, str]]:
    return [(one.entry, one.what) for one in replay(desk.ledger, [desk.town]).differences]


def test_no_run_takes_the_price_from_under_a_service(patient: Desk) -> None:
    patient.served()
    entry = int(patient.id.rpartition("/")[-1])
    for dry_run in (True, False):
        ended = end_all(patient.ledger, patient.town, LATE, dry_run=dry_run)
        assert (ended.people, ended.holds, ended.kept) == (0, 0, {(ELDER.id, entry)})
    assert held_sentence(patient, patient.town, LATE).endswith("已服务，预留至确认")
    assert patient.step(Step.CONFIRM, LATE, "R1", seconds=HOUR).accepted
    assert (patient.has(), patient.has(account="credits/held"), patient.has("V1")) == (2, 0, 1)
    assert end_all(patient.ledger, patient.town, date(2025, 6, 1)).kept == set()
    assert decided_alike(patient) == []


def test_a_run_gives_back_what_waits_for_nobody_and_not_what_waits_anew(patient: Desk) -> None:
    patient.matched()
    assert patient.step(Step.WITHDRAW, date(2024, 8, 31), "V1").accepted  # ninety days later is the 29th of November
    assert len(end_all(patient.ledger, patient.town, date(2024, 11, 29)).kept) == 1
    ended = end_all(patient.ledger, patient.town, date(2024, 11, 30))
    assert (ended.holds, ended.kept, patient.has()) == (1, set(), 3)
    assert decided_alike(patient) == []


def test_a_run_that_took_the_price_is_named_and_what_is_confirmed_is_taken_anew(
    patient: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient.served()
    monkeypatch.setattr("lianxing.engine.bank.redeeming.is_kept", lambda *_: False)  # as the bank did before
    assert end_all(patient.ledger, patient.town, LATE).holds == 1
    monkeypatch.undo()
    assert patient.step(Step.CONFIRM, LATE, "R1", seconds=HOUR).accepted
    assert (patient.has(), patient.has("V1")) == (2, 1)
    assert decided_alike(patient) == [(6, "hold")]


def test_what_is_reserved_for_a_request_is_neither_released_nor_settled_at_the_counter(
    desk: Desk, ledger: Ledger, town: Rulebook
) -> None:
    desk.served()
    entry = int(desk.id.rpartition("/")[-1])
    release = Release(volunteer=ELDER.id, county=HERE, on=june(8), scope="counter", key="a", entry=entry)
    settle = Settle(volunteer=ELDER.id, county=HERE, on=june(8), scope="counter", key="b", entry=entry, amount=1)
    for command in (release, settle):
        (reason,) = Teller(ledger, town).serve(command).data["reasons"]
        assert (reason["code"], reason["operands"]) == ("held_for_request", {"request": desk.id})
    assert desk.has(account="credits/held") == 2
    assert desk.step(Step.CONFIRM, june(8), "R1", seconds=2 * HOUR).accepted


def test_another_reservation_that_is_over_is_given_back_before_a_step(
    desk: Desk, ledger: Ledger, town: Rulebook
) -> None:
    reserve = Reserve(
        volunteer=ELDER.id,
        county=HERE,
        scope="counter",
        on=MONDAY,
        key="a",
        account="credits",
        amount=3 * HOUR,
        purpose=Purpose.SERVICE,
    )
    assert Teller(ledger, town).serve(reserve).accepted
    assert why(desk.ask(hours=2)) == ["balance"]
    assert desk.ask(hours=2, on=date(2024, 12, 2)).accepted
    assert desk.kinds("R1")[-2:] == ["hold_expired", "request"]


def test_what_is_reserved_for_a_request_is_not_given_back_by_what_is_asked_on_a_late_day(
    desk: Desk, ledger: Ledger, town: Rulebook
) -> None:
    desk.ask(hours=2)
    late = date(2024, 12, 2)
    reserve = Reserve(
        volunteer=ELDER.id,
        county=HERE,
        scope="counter",
        on=late,
        key="a",
        account="credits",
        amount=2 * HOUR,
        purpose=Purpose.SERVICE,
    )
    assert why(Teller(ledger, town).serve(reserve)) == why(desk.ask(hours=2, on=late)) == ["balance"]
    states = statement(ledger, town, ELDER.id, None, late).closing
    assert [(one.available, one.held) for one in states if one.account == "credits"] == [(HOUR, 2 * HOUR)]
    end_all(ledger, town, late)
    assert desk.ask(hours=2, on=late).accepted


def test_the_same_key_gets_the_same_answer_and_does_nothing_more(desk: Desk) -> None:
    first = desk.ask()
    again = desk.step(Step.REQUEST, MONDAY, "R1", key="1", request="", service="cleaning", seconds=2 * HOUR)
    assert (again.replayed, again.body, desk.has()) == (True, first.body, 1)
    with pytest.raises(KeyMismatchError):
        desk.step(Step.REQUEST, MONDAY, "R1", key="1", request="", service="cleaning", seconds=HOUR)


def test_a_dry_run_tells_and_writes_nothing(desk: Desk) -> None:
    command = TakeStep(
        volunteer=VolunteerId("R1"),
        county=HERE,
        on=MONDAY,
        scope="test",
        key="dry",
        actor="R1",
        step=Step.REQUEST,
        service="cleaning",
        seconds=HOUR,
    )
    assert desk.desk.serve(command, dry_run=True).accepted
    assert (desk.has(), desk.kinds("R1")) == (3, ["original"])


@pytest.mark.parametrize("said", [(("evaluation_score", 1.5),), (("evaluation", ["good"]),)])
def test_what_is_no_value_is_no_step(desk: Desk, said: object) -> None:
    desk.confirmed()
    before = desk.kinds("R1")
    with pytest.raises(InvalidError):
        desk.step(Step.EVALUATE, june(9), "R1", said=said)
    assert desk.kinds("R1") == before


def test_the_dossier_tells_what_a_recipient_received(desk: Desk) -> None:
    desk.confirmed()
    desk.step(Step.EVALUATE, june(9), "R1", said=(("evaluation", "good"),))
    file = desk.desk.dossier("R1")
    assert [(one.on, one.kind, one.seconds, one.volunteer) for one in file.services] == [
        (june(7), "cleaning", HOUR, "V1")
    ]
    assert file.services[0].evaluation["evaluation"] == "good"
    assert desk.desk.dossier("R1", first=june(8)).services == ()
    assert desk.desk.dossier("R2").services == ()


def test_whatever_became_of_a_request_is_told_in_both_languages(desk: Desk) -> None:
    assert {one.value for one in RequestState} <= REQUEST_WORDS.keys()
    desk.ask()
    assert desk.desk.expire_overdue(june(14)).answered[0][1].accepted
    told: tuple[tuple[Language, str], ...] = (("zh", "已提出 → 已过期"), ("en", "requested → expired"))
    for language, word in told:
        found = statement(desk.ledger, desk.town, ELDER.id, None, june(20))
        said = statement_sentences(found, desk.town.policy.facts, language)
        assert any(word in sentence for sentence in said)


def test_a_statement_tells_of_each_step_of_a_request_what_it_was_and_whom_it_names(desk: Desk, town: Rulebook) -> None:
    desk.confirmed(hours=1)
    desk.step(Step.EVALUATE, june(9), "R1", said=(("evaluation", "good"),))
    assert not desk.step(Step.CONFIRM, june(9), "R1", seconds=HOUR).accepted
    found = statement(desk.ledger, town, ELDER.id, None, june(9))
    lines = [line for line in found.lines if line.step is not None]
    assert [line.subject.id for line in lines] == [desk.id] * 7
    assert [(line.step.doing, line.step.state, line.step.seconds) for line in lines if line.step is not None] == [
        ("request", "requested", 2 * HOUR),
        ("match", "matched", 0),
        ("post", "posted", 0),
        ("serve", "served", 2 * HOUR),
        ("confirm", "confirmed", HOUR),
        ("evaluate", "evaluated", 0),
        ("confirm", "evaluated", HOUR),
    ]
    text = "\n".join(statement_sentences(found, town.policy.facts, "en"))
    for said in (
        f"request for service: matched by the organiser, {desk.id}",
        "helper: V1\n    time: 1 h\n    state: served → confirmed\n    [cleaning, smallville/menu.yaml:",
        "evaluation: good\n    state: confirmed → evaluated",
        f"refused: request for service: confirmed, {desk.id}",
    ):
        assert said in text
    assert "服务者：V1; 2024-06-07 时长 2 小时; 状态：公示中 → 已服务" in [
        row["step"].partition("; ")[2] for row in statement_rows(found, "zh")
    ]
    data = statement_data(found, "en")["entries"]
    assert [one["step"]["helper"] for one in data if one["step"]] == ["", *["V1"] * 6]


TURNS = "body.candidates.turns"
FIRST = '{"id":"V1","place":1,"values":{"paired":1,"on_roster":null,"same_community":null,"served":0}}'
SECOND = '{"id":"V2","place":2,"values":{"paired":0,"on_roster":null,"same_community":null,"served":0}}'
NOT_ELIGIBLE = '{"code":"not_eligible","clause":"cleaning","at":"smallville/menu.yaml:11:5","cites":"","operands":{}}'
IDLES = f'{{"id":"V3","reasons":[{NOT_ELIGIBLE}]}}'
ENDS = '],"candidates":2,"number_left_out":3'


@pytest.mark.parametrize(
    ("stood", "forged_as", "what"),
    [
        pytest.param('"state":"confirmed"', '"state":"served"', "body.request.state", id="a state"),
        pytest.param('"served_seconds":7200', '"served_seconds":7000', "body.request.served_seconds", id="a time"),
        pytest.param('"place":1', '"place":2', f"{TURNS}[0].place", id="a place"),
        pytest.param(f"{FIRST},{SECOND}", f"{SECOND},{FIRST}", f"{TURNS}[0].id", id="whose turn it was"),
        pytest.param(SECOND, SECOND.replace('"served":0', '"served":9'), "candidate V2", id="what somebody had served"),
        pytest.param(IDLES, IDLES.replace("not_eligible", "withdrew"), "candidate V3", id="why somebody is left out"),
        pytest.param(f",{IDLES}{ENDS}", ENDS.replace("3", "2"), "candidate V3", id="that somebody is there at all"),
    ],
)
def test_a_step_that_does_not_follow_from_what_was_asked_is_named(
    desk: Desk, tmp_path: Path, stood: str, forged_as: str, what: str
) -> None:
    desk.confirmed()
    copy = copy_of(tmp_path)
    with forged(copy) as connection:
        exchange(connection, "entry", "body", stood, forged_as, "kind = 'request'")
    with open_ledger(str(copy), create=False) as ledger:
        assert verify(ledger) == []
        (found,) = replay(ledger, [desk.town]).differences
    assert (found.volunteer, found.what) == ("R1", what)


@pytest.mark.parametrize(
    ("turns", "candidates", "left_out", "found"),
    [
        pytest.param([FIRST, SECOND], 2, 3, [], id="as it is"),
        pytest.param([FIRST], 1, 4, ["candidate V2"], id="a candidate among those who are not listed"),
        pytest.param([FIRST, SECOND], 2, 4, ["candidates"], id="more than there are"),
    ],
)
def test_of_more_than_are_listed_each_is_judged_again(
    ledger: Ledger,
    county: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    turns: list[str],
    candidates: int,
    left_out: int,
    found: list[str],
) -> None:
    list_at_most(2, monkeypatch)
    with rules(county) as town:
        Desk(ledger, town).matched()
        copy = copy_of(tmp_path)
        with forged(copy) as connection:
            ends = '"candidates":{},"number_left_out":{}'
            exchange(connection, "entry", "body", ends.format(2, 3), ends.format(candidates, left_out))
            exchange(connection, "entry", "body", f"[{FIRST},{SECOND}]", f"[{','.join(turns)}]")
        with open_ledger(str(copy), create=False) as other:
            assert [one.what for one in replay(other, [town]).differences] == found


@pytest.mark.parametrize(
    ("asked", "why_not"),
    [("V1", []), ("V2", ["not_among_first"]), ("V3", ["not_eligible"]), ("V9", ["no_candidate"])],
)
def test_of_many_candidates_the_first_are_told_and_who_was_asked_for(
    ledger: Ledger, county: Path, monkeypatch: pytest.MonkeyPatch, asked: str, why_not: list[str]
) -> None:
    list_at_most(1, monkeypatch)
    with rules(county) as town:
        desk = Desk(ledger, town)
        desk.ask()
        answer = desk.step(Step.MATCH, MONDAY, OFFICE, served_by=VolunteerId(asked), paired=(VolunteerId("V1"),))
        assert [one["code"] for one in answer.data.get("reasons", ())] == why_not
        told = answer.data["candidates"]
        assert {one["id"] for one in told["turns"]} == {"V1", asked} - {"V3", "V9"}
        assert {one["id"] for one in told["left_out"]} == {"R1", asked} - {"V1", "V2", "V9"}
        assert (told["candidates"], told["number_left_out"]) == (2, 3)
        done = replay(ledger, [town])
    assert (done.differences, done.left_out) == ([], {})


def test_that_somebody_came_before_the_candidates_who_are_listed_is_named(
    ledger: Ledger, county: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    list_at_most(1, monkeypatch)
    with rules(county) as town:
        desk = Desk(ledger, town)
        desk.ask()
        desk.step(Step.MATCH, MONDAY, OFFICE, served_by=VolunteerId("V9"), paired=(VolunteerId("V1"),))
        copy = copy_of(tmp_path)
        with forged(copy) as connection:
            exchange(connection, "entry", "body", FIRST, SECOND.replace('"place":2', '"place":1'))
        with open_ledger(str(copy), create=False) as other:
            assert [one.what for one in replay(other, [town]).differences] == ["candidate V1"]


def test_others_write_while_everybody_is_judged(
    ledger: Ledger, town: Rulebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(ledger, town)
    desk.ask()
    seen = ServiceDesk._judged

    def meanwhile(self: ServiceDesk, command: TakeStep) -> Judged | None:
        found = seen(self, command)
        take_in(town, ledger, served("b", "2024-05-02 09:00", 2, "V2"))
        return found

    monkeypatch.setattr(ServiceDesk, "_judged", meanwhile)
    ledger._clock.step = 0  # type: ignore[attr-defined]
    assert desk.step(Step.MATCH, MONDAY, OFFICE, served_by=VolunteerId("V1"), paired=(VolunteerId("V1"),)).accepted


def test_who_has_left_while_everybody_was_judged_is_not_matched(
    ledger: Ledger, town: Rulebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(ledger, town)
    desk.ask()
    seen = ServiceDesk._judged
    first = VolunteerId("V1")

    def meanwhile(self: ServiceDesk, command: TakeStep) -> Judged | None:
        found = seen(self, command)
        leave = Close(volunteer=first, county=HERE, on=MONDAY, scope="test", key="leaves", event=ClosingEvent.LEAVING)
        assert Teller(ledger, town).serve(leave).accepted
        return found

    monkeypatch.setattr(ServiceDesk, "_judged", meanwhile)
    ledger._clock.step = 0  # type: ignore[attr-defined]
    answer = desk.step(Step.MATCH, MONDAY, OFFICE, served_by=first, paired=(first,))
    assert [one["code"] for one in answer.data["reasons"]] == ["closed_passbook"]


# --- the records of services -----------------------------------------------------------------------------------------


def twice_as_long(
    writing: Writing, rulebook: Rulebook, taken: TakenStep, command: TakeStep, passing: Passing
) -> Iterator[Booking]:
    longer = tuple(replace(one, seconds=2 * one.seconds, ended_at=one.ended_at + one.seconds) for one in taken.served)
    yield from _bookings(writing, rulebook, replace(taken, served=longer), command, passing)


@pytest.mark.parametrize(
    ("books", "who", "what", "stored", "again"),
    [
        pytest.param(twice_as_long, "V1", "content.ended_at", "1717696800", "1717693200", id="another duration"),
        pytest.param(lambda *_said: (), "R1", "record", None, "V1: smallville/R1/2", id="no record"),
    ],
)
def test_a_record_that_is_not_as_the_step_of_its_request_says_is_named(
    ledger: Ledger,
    county: Path,
    monkeypatch: pytest.MonkeyPatch,
    books: Callable[..., Any],
    who: str,
    what: str,
    stored: str | None,
    again: str,
) -> None:
    with rules(county) as town:
        desk = Desk(ledger, town)
        monkeypatch.setattr("lianxing.engine.bank.service_requests._bookings", books)
        assert desk.confirmed(hours=1).accepted
        assert verify(ledger) == []
        (found,) = replay(ledger, [town]).differences
    assert (found.volunteer, found.what, found.stored, found.recomputed) == (who, what, stored, again)


@pytest.mark.parametrize("id", ["smallville/R1/1", "smallville/R1/2", "a"])
def test_a_record_of_a_request_that_nobody_confirmed_is_named(
    ledger: Ledger, county: Path, monkeypatch: pytest.MonkeyPatch, id: str
) -> None:
    made_up = replace(served(id, "2024-06-01 09:00", 2), registry=MENU_REGISTRY)
    with rules(county) as town:
        desk = Desk(ledger, town)
        desk.matched()
        assert take_in(town, ledger, made_up, on=MONDAY).reasons == {"own_registry": 1}
        monkeypatch.setattr("lianxing.plugins.admitting.is_menu", lambda _registry: False)
        assert take_in(town, ledger, made_up, on=MONDAY).booked == 1
        assert verify(ledger) == []
        (found,) = replay(ledger, [town]).differences
    assert (found.volunteer, found.what, found.stored) == ("V1", "request", id)


@pytest.mark.parametrize("name", ["menu", "Menu", "MENU", "ｍｅｎｕ", " menu"])
def test_nothing_is_imported_as_a_request_of_the_bank(desk: Desk, name: str) -> None:
    with pytest.raises(InvalidError, match="kept for the bank's own requests"):
        Intake(Host(installed=False), desk.town, desk.ledger, name, june(9), lambda _row: None).run()
