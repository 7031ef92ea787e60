"""A service that was confirmed and was none: the price goes back, the record too; and what the menu has no longer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from lianxing.engine.bank.ending import end_all
from lianxing.engine.bank.replaying import replay
from lianxing.engine.bank.reviews import Reviewer
from lianxing.engine.bank.service_requests import ServiceDesk
from lianxing.engine.bank.statements import statement
from lianxing.engine.bank.tellers import Answer, Teller
from lianxing.engine.ledger.holdings import LotRow
from lianxing.engine.ledger.opening import Ledger, open_ledger
from lianxing.engine.ledger.verifying import verify
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.statement_sentences import statement_sentences
from lianxing.rules.accounts import Purpose, Recipient
from lianxing.rules.closures import ClosingEvent
from lianxing.rules.commands import Bring, Close, Declare, Give, RecordStep, Reserve
from lianxing.rules.facts import CountyId, RecordId, VolunteerId
from lianxing.rules.families import Relation
from lianxing.rules.records import Withdrawn
from lianxing.rules.requests import MENU as MENU_REGISTRY
from lianxing.rules.requests import RequestState, Step
from lianxing.rules.reviewing import Doing
from tests.engine.bank.counting_house import HERE, rules, take_in, write_county
from tests.engine.bank.forging import copy_of, exchange, forged
from tests.engine.bank.test_pools import why
from tests.engine.bank.test_replaying import Clock
from tests.engine.bank.test_service_requests import OFFICE, Desk, june
from tests.engine.requests import ACCOUNTS, FACTS, HOUR, MEASURES, MENU
from tests.plugins.smallville import COUNTY, served

YEARLY = (
    ACCOUNTS.replace("expires: never", "expires: {valid: 12 months}").replace(
        "transfer: none", "transfer: {to_whom: [friend]}"
    )
    + "  family: {may_draw: yes, pooled: no}\n"
    + "  closure: {death: inherited, moving: portable, leaving: lost}\n"
)
REVIEW = "filing: {stage: {from_state: applied, to_state: filed, by: office, deadline: 5 days}}\n"
FOUND = june(9)
R1, V1, V2 = map(VolunteerId, ("R1", "V1", "V2"))
ELSEWHERE = CountyId("elsewhere")


def written(folder: Path, **chapters: str) -> Path:
    facts = "facts:\n" + "".join(f"  {name}: {said}\n" for name, said in FACTS.items())
    usual = {
        "county": COUNTY["county.yaml"] + "holidays: CN\n" + facts,
        "accounts": YEARLY,
        "menu": MENU,
        "measures": COUNTY["measures.yaml"] + MEASURES,
        "hours": "- id: found_false\n  revoke: {kind: revocation}\n",
        "redemption": "{}\n",
    }
    write_county(folder, **{**usual, **chapters})
    (folder / "redemption.yaml").unlink()
    return folder


class Office(Desk):
    """R1 has one hour of April, which ends with March, and three of May."""

    def __init__(self, ledger: Ledger, town: Rulebook) -> None:
        super().__init__(ledger, town)
        take_in(town, ledger, served("b", "2024-04-01 09:00", 1, "R1"))
        self.all = [town]

    def by(self, later: Rulebook) -> Office:
        """Go on by other rules."""
        self.desk, self.town = ServiceDesk(self.ledger, later), later
        self.all.append(later)
        return self

    def revoke(self, on: date = FOUND, reason: str = "nobody came", **said: object) -> Answer:
        return self.step(Step.REVOKE, on, OFFICE, reason=reason, **said)

    def lots(self, owner: VolunteerId = R1) -> list[LotRow]:
        with self.ledger.reading() as reading:
            rows = reading.wallet_rows([(owner, HERE)])
        return sorted(rows[owner, HERE].lots) if rows else []

    def asks(self, kind: type, who: VolunteerId, on: date = FOUND, **said: object) -> Answer:
        self.asked += 1
        fixed = {"volunteer": who, "county": HERE, "on": on, "scope": "test", "key": f"c{self.asked}"}
        return Teller(self.ledger, self.town).serve(kind(**{**fixed, **said}))

    @property
    def state(self) -> RequestState | None:
        made = self.desk.request(self.id)
        return None if made is None else made.state

    def text(self, owner: VolunteerId = R1) -> str:
        found = statement(self.ledger, self.town, owner, None, june(30))
        return "\n".join(
            line for language in ("zh", "en") for line in statement_sentences(found, self.town.policy.facts, language)
        )

    def agrees(self) -> None:
        assert verify(self.ledger) == []
        done = replay(self.ledger, self.all)
        assert (done.differences, done.left_out) == ([], {})


@pytest.fixture
def office(address: str, tmp_path: Path) -> Iterator[Office]:
    with open_ledger(address, clock=Clock()) as ledger, rules(written(tmp_path / "smallville")) as town:
        made = Office(ledger, town)
        yield made
        made.agrees()


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Office]:
    """Of which each test says itself whether it agrees."""
    with (
        open_ledger(str(tmp_path / "bank.db"), clock=Clock()) as ledger,
        rules(written(tmp_path / "smallville")) as town,
    ):
        yield Office(ledger, town)


def test_the_price_goes_back_to_the_same_lots_and_what_was_earned_is_taken_back(office: Office) -> None:
    before = office.lots()
    office.confirmed(hours=2)
    assert (office.has(), office.has("V1"), office.lots() == before) == (2, 2, False)
    answer = office.revoke()
    assert answer.accepted
    assert [one["effect"] for one in answer.data["effects"]] == ["refund", "unserved"]
    assert (office.has(), office.has("V1"), office.lots()) == (4, 0, before)
    with office.ledger.reading() as reading:
        assert reading.held(RecordId(office.id), MENU_REGISTRY) == []
        assert reading.balances(V1, HERE)["seconds"] == 0
    assert (office.state, office.desk.dossier("R1").services, office.desk.work_list()) == (RequestState.REVOKED, (), [])
    assert office.kinds("V1") == ["original", "withdrawn"]
    assert ("撤销（组织者）" in office.text(), "state: confirmed → revoked" in office.text()) == (True, True)
    assert "nobody came" in office.text(V1)


def test_it_is_revoked_once_and_not_evaluated_any_more(office: Office) -> None:
    office.confirmed()
    office.step(Step.EVALUATE, june(8), "R1", said=(("evaluation", "good"),))
    first = office.revoke(key="once")
    again = office.revoke(key="once")
    assert (again.replayed, again.body, office.has()) == (True, first.body, 4)
    assert (why(office.revoke()), why(office.step(Step.EVALUATE, june(9), "R1", said=(("evaluation", "good"),)))) == (
        ["state"],
        ["state"],
    )
    assert why(office.revoke(reason=" ")) == ["state"]


def test_what_the_volunteer_has_spent_is_owed_and_what_has_ended_meanwhile_stays_ended(office: Office) -> None:
    office.confirmed(hours=2)
    given = {"account": "credits", "amount": 2 * HOUR, "to_whom": Recipient.FRIEND, "recipient": V2}
    assert office.asks(Give, V1, FOUND, **given).accepted
    late = date(2025, 4, 2)  # the hour of April has ended
    end_all(office.ledger, office.town, late)
    assert office.revoke(on=late).accepted
    assert (office.has("V1"), office.has("V1", "credits/debt"), office.has("V2")) == (0, -2, 2)
    end_all(office.ledger, office.town, date(2025, 4, 3))
    assert [(lot.earned_on, lot.remaining) for lot in office.lots() if lot.remaining] == [(date(2024, 5, 1), 3 * HOUR)]


def test_what_was_taken_anew_goes_back_to_the_lots_that_paid(bare: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    bare.served()
    monkeypatch.setattr("lianxing.engine.bank.redeeming.is_kept", lambda *_: False)  # as the bank did before
    late = date(2024, 12, 1)
    assert end_all(bare.ledger, bare.town, late).holds == 1
    monkeypatch.undo()
    reserve = {"account": "credits", "amount": HOUR, "purpose": Purpose.SERVICE}
    assert bare.asks(Reserve, R1, late, **reserve).accepted  # the hour of April
    monkeypatch.setattr("lianxing.engine.requesting._due", lambda *_: None)
    confirmed = bare.step(Step.CONFIRM, late, "R1", seconds=2 * HOUR)
    assert confirmed.data["request"]["paid_by"] == confirmed.entry
    assert bare.revoke(on=late).accepted
    assert [lot.remaining for lot in bare.lots() if lot.remaining] == [3 * HOUR]
    assert verify(bare.ledger) == []
    assert [one.what for one in replay(bare.ledger, bare.all).differences] == ["hold"]


def test_what_a_review_has_refused_stays_paid_until_the_request_is_revoked(address: str, tmp_path: Path) -> None:
    folder = written(tmp_path / "smallville", review=REVIEW, hours="- id: filed\n  count: {state: [filed]}\n")
    with open_ledger(address, clock=Clock()) as ledger, rules(folder) as town:
        office = Office(ledger, town)
        office.confirmed(hours=2)
        step = {
            "volunteer": V1,
            "county": HERE,
            "scope": "review",
            "actor": "clerk",
            "role": "office",
            "reason": "false",
        }
        of = {"registry": MENU_REGISTRY, "record": RecordId(office.id), "on": june(9)}
        for key, doing in enumerate((Doing.ADVANCED, Doing.REVOKED)):
            assert Reviewer(ledger, town).serve(RecordStep(doing=doing, key=str(key), **step, **of)).accepted  # type: ignore[arg-type]
        assert (office.has(), office.has("V1"), len(office.desk.dossier("R1").services)) == (2, 0, 1)
        assert office.revoke().accepted
        assert (office.has(), office.has("V1"), office.desk.dossier("R1").services) == (4, 0, ())
        office.agrees()


def test_of_who_has_moved_the_price_is_on_its_way_and_of_the_dead_it_goes_to_the_heir(office: Office) -> None:
    office.confirmed(hours=2)
    assert office.asks(Close, R1, event=ClosingEvent.MOVING, on=june(9)).accepted
    answer = office.revoke(on=june(10))
    assert [(one["where"], one["amount"]) for one in answer.data["closes"]] == [("portable", 2 * HOUR)]
    assert (office.has(), office.has("V1")) == (0, 0)
    office.agrees()
    bring = office.asks(Bring, R1, june(10), from_county=HERE, entry=answer.entry)
    assert why(bring) == ["closed_passbook"]


@pytest.mark.parametrize("heir", [V1, V2])
def test_of_the_dead_the_price_goes_to_the_heir_be_it_who_served(office: Office, heir: VolunteerId) -> None:
    office.asks(Declare, R1, june(3), family=((heir, Relation.CHILD),))
    office.ask()
    made = {"served_by": V1, "paired": (V1,)}
    refused = office.step(Step.MATCH, june(3), OFFICE, **made)
    if heir == V1:  # of the family nobody serves
        assert why(refused) == ["not_eligible"]
        office.asks(Declare, R1, june(3), family=())
        assert office.step(Step.MATCH, june(3), OFFICE, **made).accepted
        office.asks(Declare, R1, june(3), family=((heir, Relation.CHILD),))
    office.step(Step.POST, june(3), OFFICE)
    office.step(Step.SERVE, june(7), "V1", seconds=2 * HOUR)
    assert office.step(Step.CONFIRM, june(8), "R1", seconds=2 * HOUR).accepted
    assert office.asks(Close, R1, event=ClosingEvent.DEATH, heir=heir).accepted
    assert office.has(heir) == (4 if heir == V1 else 2)
    assert office.revoke(on=june(10)).accepted
    assert (office.has(), office.has(heir), office.has("V1")) == (0, 4, 4 if heir == V1 else 0)
    assert why(office.revoke(on=june(8))) == ["closed_passbook"]


def test_a_record_of_the_menu_is_withdrawn_with_its_request_and_not_beside_it(office: Office) -> None:
    office.confirmed()
    taken = Withdrawn(RecordId(office.id), MENU_REGISTRY, "a mistake", OFFICE)
    assert take_in(office.town, office.ledger, taken, on=june(9)).reasons == {"own_registry": 1}
    assert office.has("V1") == 1


def test_where_the_record_was_withdrawn_before_it_is_not_evaluated_and_the_price_still_goes_back(
    bare: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare.confirmed()
    monkeypatch.setattr("lianxing.plugins.admitting.is_menu", lambda _registry: False)  # as it could be done before
    take_in(bare.town, bare.ledger, Withdrawn(RecordId(bare.id), MENU_REGISTRY, "a mistake", OFFICE), on=june(9))
    refused = bare.step(Step.EVALUATE, june(9), "R1", said=(("evaluation", "good"),))
    assert (why(refused), bare.desk.dossier("R1").services) == (["record_withdrawn"], ())
    assert bare.revoke().accepted
    assert (bare.has(), bare.kinds("V1")) == (4, ["original", "withdrawn"])
    assert [(one.volunteer, one.what) for one in replay(bare.ledger, bare.all).differences] == [("V1", "request")]


@pytest.mark.parametrize(
    ("stood", "forged_as", "who", "what"),
    [
        pytest.param('"state":"revoked"', '"state":"confirmed"', "R1", "body.request.state", id="the state"),
        pytest.param('"effect":"refund"', '"effect":"settle"', "R1", "body.effects[0].effect", id="what it did"),
    ],
)
def test_a_revocation_that_does_not_follow_from_what_was_asked_is_named(
    bare: Office, tmp_path: Path, stood: str, forged_as: str, who: str, what: str
) -> None:
    bare.confirmed()
    bare.revoke()
    copy = copy_of(tmp_path)
    with forged(copy) as connection:
        exchange(connection, "entry", "body", stood, forged_as, "kind = 'request'")
    with open_ledger(str(copy), create=False) as ledger:
        (found,) = replay(ledger, bare.all).differences
    assert (found.volunteer, found.what) == (who, what)


def test_that_the_record_stayed_after_a_revocation_is_named(bare: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    bare.confirmed()
    monkeypatch.setattr("lianxing.engine.bank.service_requests._bookings", lambda *_said: ())
    assert bare.revoke().accepted
    (found,) = replay(bare.ledger, bare.all).differences
    assert (found.volunteer, found.what, found.recomputed) == ("R1", "record", f"V1: {bare.id}")


# --- what the menu has no longer --------------------------------------------------------------------------------------


@pytest.fixture
def without(tmp_path: Path) -> Iterator[Rulebook]:
    """The rules once the county cleans no longer and has another account instead."""
    accounts, menu = YEARLY.replace("credits:", "tokens:"), MENU.replace("cleaning:", "cooking:")
    menu = menu.replace("account: credits", "account: tokens")
    with rules(written(tmp_path / "later" / "smallville", accounts=accounts, menu=menu)) as made:
        yield made


def test_a_service_that_is_on_the_menu_no_longer_is_paid_as_was_agreed(office: Office, without: Rulebook) -> None:
    office.served()
    office.by(without)
    late = date(2024, 12, 1)
    assert len(end_all(office.ledger, without, late).kept) == 1
    (due,) = office.desk.work_list()
    assert (due.request.id, due.last_day, office.desk.candidates(office.id, late).turns) == (office.id, None, ())  # type: ignore[union-attr]
    answer = office.step(Step.CONFIRM, late, "R1", seconds=HOUR)
    assert (answer.data["off_menu"], answer.data["clause"], answer.data["request"]["settled"]) == (
        True,
        "cleaning",
        HOUR,
    )
    assert (office.has(), office.has(account="credits/held")) == (3, 0)
    assert office.step(Step.EVALUATE, late, "R1", said=(("evaluation", "good"),)).accepted
    assert office.revoke(on=late).accepted
    assert (office.has(), office.desk.dossier("R1").services) == (4, ())
    office.agrees()


def test_nobody_is_matched_for_what_is_on_the_menu_no_longer_and_it_is_cancelled_or_ends(
    office: Office, without: Rulebook
) -> None:
    office.ask(hours=1)
    first, office.id = office.id, ""
    office.ask(hours=1)
    office.by(without)
    refused = office.step(Step.MATCH, june(3), OFFICE, served_by=V1)
    assert (why(refused), why(office.step(Step.POST, june(3), OFFICE))) == (["no_service"], ["no_service"])
    assert office.step(Step.CANCEL, june(4), "R1").accepted
    assert (office.has(), [due.last_day for due in office.desk.work_list()]) == (3, [date(2024, 9, 1)])
    assert [one.accepted for _, one in office.desk.expire_overdue(date(2024, 9, 2)).answered] == [True]
    made = office.desk.request(first)
    assert (made and made.state, office.has()) == (RequestState.EXPIRED, 4)
    assert "服务菜单已没有此项" in office.text()


def test_the_record_of_a_service_off_the_menu_begins_where_the_menu_said(address: str, tmp_path: Path) -> None:
    hours, review = (
        "- id: filed\n  count: {state: [filed]}\n",
        REVIEW + REVIEW.replace("filing", "second").replace("applied", "reviewed"),
    )
    menu = MENU + "  recorded_as: reviewed\n"
    first = written(tmp_path / "a" / "smallville", review=review, hours=hours, menu=menu)
    gone = menu.replace("cleaning:", "cooking:")
    second = written(tmp_path / "b" / "smallville", review=review, hours=hours, menu=gone)
    with open_ledger(address, clock=Clock()) as ledger, rules(first) as town, rules(second) as later:
        office = Office(ledger, town)
        office.served()
        assert office.by(later).step(Step.CONFIRM, june(8), "R1", seconds=HOUR).accepted
        with ledger.reading() as reading:
            (held,) = reading.held(RecordId(office.id))
        assert held.record.facts["state"] == "reviewed"
        office.agrees()


# --- passbooks that are closed ----------------------------------------------------------------------------------------


def test_what_was_begun_comes_to_its_end_though_who_asked_has_left(address: str, tmp_path: Path) -> None:
    menu = MENU.replace("  priced: {account: credits, price: 1 hour, per: hour}\n", "")
    with open_ledger(address, clock=Clock()) as ledger, rules(written(tmp_path / "smallville", menu=menu)) as town:
        office = Office(ledger, town)
        office.ask()
        waits = office.id
        office.served()
        assert office.asks(Close, R1, june(7), event=ClosingEvent.LEAVING).accepted
        assert why(office.step(Step.MATCH, june(7), OFFICE, request=waits, served_by=V1)) == ["closed_passbook"]
        assert why(office.ask(on=june(7))) == ["closed_passbook"]
        assert office.step(Step.CONFIRM, june(8), "R1", seconds=HOUR).accepted
        assert (office.has("V1"), [due.request.id for due in office.desk.work_list()]) == (1, [waits])
        assert office.step(Step.DECLINE, june(8), OFFICE, request=waits).accepted
        office.agrees()
