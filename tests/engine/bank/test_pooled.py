"""What a family earns together goes into the passbook of whoever has declared the others, and comes back from there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lianxing import ServiceRecord
from lianxing.engine.bank.ending import end_all
from lianxing.engine.bank.replaying import replay
from lianxing.engine.bank.statements import statement
from lianxing.engine.bank.tellers import Teller
from lianxing.engine.explaining import kept_of
from lianxing.engine.ledger.opening import Ledger, open_ledger
from lianxing.engine.ledger.verifying import verify
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.statement_data import statement_data
from lianxing.engine.statement_sentences import statement_sentences
from lianxing.engine.wording import pooled_sentence, sentences
from lianxing.rules.closures import ClosingEvent
from lianxing.rules.commands import Close, Command, Declare, Redeem, Reopen
from lianxing.rules.facts import RecordId, RegistryId, VolunteerId
from lianxing.rules.families import Relation
from lianxing.rules.places import Language
from lianxing.rules.records import Withdrawn
from lianxing.rules.requests import Step
from lianxing.rules.reviewing import Doing
from tests.engine.bank import test_service_requests
from tests.engine.bank.counting_house import HERE, rules, take_in, write_county
from tests.engine.bank.forging import copy_of, forged
from tests.engine.bank.test_replaying import Clock
from tests.engine.bank.test_reviews import BUREAU
from tests.engine.bank.test_reviews import bank as reviewed
from tests.engine.bank.test_service_requests import Desk, june
from tests.plugins.smallville import served
from tests.postgres import empty

EXAMPLES = 500 if os.environ.get("LIANXING_LONG") else 2
TODAY = date(2024, 6, 30)
ANN, BEN, CAT, DAN = PEOPLE = tuple(VolunteerId(f"V{number}") for number in range(1, 5))
ACCOUNTS = """
points:
  {holder: family, unit: points, earned_from: points, spent_on: [goods], expires: {valid: 1 months},
   storage: unlimited, spends_first: oldest, overdraft: none, transfer: none, shortfall: debt,
   family: {may_draw: no, pooled: yes}, closure: {death: inherited, moving: portable, leaving: lost}}
"""
OFFERS = """
soap: {account: points, price: 1 points, gives: goods, opens: always, per_person: unlimited, stock: unlimited,
  irreversible: no, provider: the shop}
"""
county = test_service_requests.county  # the fixture
LANGUAGES: tuple[Language, ...] = ("zh", "en")
KINDS = {
    "debt": ACCOUNTS,
    "clamp": ACCOUNTS.replace("debt", "clamp"),
    "forbid": ACCOUNTS.replace("debt", "forbid"),
    "stored": ACCOUNTS.replace("unlimited", "{at_most: 5 points, overflow: donation_pool}"),
    "whole": ACCOUNTS.replace("shortfall:", "whole_only: rest_lost, shortfall:"),
    "never": ACCOUNTS.replace("{valid: 1 months}", "never"),
    "apart": ACCOUNTS.replace("shortfall:", "whole_only: rest_carried, shortfall:").replace(
        "pooled: yes", "pooled: no"
    ),
}


@pytest.fixture(scope="module")
def counties(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Rulebook]]:
    with ExitStack() as stack:
        found = {}
        for name, accounts in KINDS.items():
            folder = write_county(tmp_path_factory.mktemp(name) / "smallville", accounts=accounts, redemption=OFFERS)
            found[name] = stack.enter_context(rules(folder))
        yield found


class Counter:
    def __init__(self, rulebook: Rulebook, ledger: Ledger) -> None:
        self.teller, self.number = Teller(ledger, rulebook), 0

    def ask(self, kind: Callable[..., Command], who: VolunteerId, on: date = TODAY, **more: Any) -> Any:
        self.number += 1
        command = kind(volunteer=who, county=HERE, on=on, scope="desk", key=f"k{self.number}", actor="7", **more)
        return self.teller.serve(command)

    def declare(self, who: VolunteerId, *family: VolunteerId, on: date = date(2024, 1, 1)) -> None:
        assert self.ask(Declare, who, on, family=tuple((id, Relation.CHILD) for id in family)).accepted


def record(number: int, day: str, hours: int, who: VolunteerId, category: str = "tutoring") -> ServiceRecord:
    return replace(served(str(number), f"{day} {6 + number % 9:02}:00", hours, category=category), volunteer=who)


def there(ledger: Ledger) -> dict[VolunteerId, int]:
    with ledger.reading() as reading:
        found = {}
        for who in PEOPLE:
            has = reading.accounts(who, HERE)
            found[who] = has.get(("points", "points"), 0) + has.get(("points/debt", "points"), 0)
        return found


def sound(ledger: Ledger, rulebook: Rulebook) -> None:
    assert verify(ledger) == []
    found = replay(ledger, [rulebook])
    assert found.differences == []
    assert not found.left_out
    assert not found.unseen


content = st.tuples(
    st.sampled_from(("2024-04-20", "2024-05-01", "2024-05-20", "2024-06-10")),
    st.integers(1, 3),
    st.sampled_from(PEOPLE),
    st.sampled_from(("training", "tutoring")),
)
moves = st.lists(
    st.one_of(
        st.tuples(st.just("comes"), st.integers(1, 5), content),
        st.tuples(st.just("comes"), st.integers(1, 5), content),
        st.tuples(st.just("goes"), st.integers(1, 5)),
        st.tuples(st.just("together"), st.lists(st.tuples(st.integers(1, 9), content), min_size=2, max_size=5)),
        st.tuples(st.just("spends"), st.sampled_from(PEOPLE), st.integers(1, 4)),
        st.tuples(
            st.just("declares"),
            st.sampled_from(PEOPLE),
            st.lists(st.sampled_from(PEOPLE), max_size=3, unique=True),
            st.sampled_from((date(2024, 4, 1), date(2024, 5, 10), date(2024, 6, 20))),
        ),
        st.tuples(st.just("closes"), st.sampled_from(PEOPLE), st.sampled_from(ClosingEvent), st.sampled_from(PEOPLE)),
        st.tuples(st.just("reopens"), st.sampled_from(PEOPLE)),
        st.tuples(st.just("ends")),
    ),
    min_size=4,
    max_size=16,
)


def play(move: Any, counter: Counter, rulebook: Rulebook, ledger: Ledger) -> None:
    match move:
        case ("comes", number, (day, hours, who, category)):
            take_in(rulebook, ledger, record(number, day, hours, who, category), on=TODAY)
        case ("together", some):
            take_in(rulebook, ledger, *(record(n, d, h, w, c) for n, (d, h, w, c) in some), on=TODAY)
        case ("goes", number):
            take_in(rulebook, ledger, Withdrawn(RecordId(str(number)), RegistryId("test")), on=TODAY)
        case ("spends", who, units):
            counter.ask(Redeem, who, offer="soap", units=units)
        case ("declares", who, family, on):
            counter.ask(Declare, who, on, family=tuple((id, Relation.CHILD) for id in family))
        case ("closes", who, event, heir):
            heir = heir if event is ClosingEvent.DEATH else VolunteerId("")
            counter.ask(Close, who, date(2024, 6, 25), event=event, heir=heir)
        case ("reopens", who):
            counter.ask(Reopen, who, date(2024, 6, 28), reason="back")
        case ("ends",):
            end_all(ledger, rulebook, date(2024, 6, 29))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), deadline=None)
@given(story=moves)
def test_whatever_families_do_every_entry_is_decided_again(
    counties: dict[str, Rulebook], kind: str, story: list[Any]
) -> None:
    rulebook = counties[kind]
    with TemporaryDirectory() as folder, open_ledger(str(Path(folder) / "bank.db")) as ledger:
        counter = Counter(rulebook, ledger)
        counter.declare(ANN, BEN, CAT)
        for move in story:
            play(move, counter, rulebook, ledger)
        sound(ledger, rulebook)


versions = st.lists(st.lists(st.one_of(content, content, st.none()), min_size=1, max_size=3), min_size=1, max_size=6)


def lots(ledger: Ledger, who: VolunteerId) -> list[tuple[str, str, str, int]]:
    """What is there of which record, with its days."""
    with ledger.reading() as reading:
        rows = reading.wallet_rows([(who, HERE)]).get((who, HERE))
        found = [] if rows is None else rows.lots
    return sorted((one.account, one.source, f"{one.earned_on} {one.ends}", one.remaining) for one in found)


@pytest.mark.parametrize("kind", ["debt", "whole", "never"])
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), deadline=None)
@given(story=versions, data=st.data())
def test_any_order_of_arrival_and_correction_leaves_the_holder_what_one_pass_leaves(
    counties: dict[str, Rulebook], kind: str, story: list[list[Any]], data: st.DataObject
) -> None:
    with TemporaryDirectory() as folder:
        in_any_order(str(Path(folder) / "any.db"), str(Path(folder) / "order.db"), counties[kind], story, data)


@settings(max_examples=3, suppress_health_check=list(HealthCheck), deadline=None)
@given(story=versions, data=st.data())
def test_any_order_of_arrival_leaves_the_same_on_postgresql(
    counties: dict[str, Rulebook], empty_on_postgres: str, story: list[list[Any]], data: st.DataObject
) -> None:
    empty(empty_on_postgres)
    with TemporaryDirectory() as folder:
        in_any_order(empty_on_postgres, str(Path(folder) / "order.db"), counties["debt"], story, data)


def in_any_order(
    any_address: str, order_address: str, rulebook: Rulebook, story: list[list[Any]], data: st.DataObject
) -> None:
    """Deliver the versions of each record in their order, records in any order, several together; then all in order."""
    left = {number: list(said) for number, said in enumerate(story, 1)}
    last: dict[int, Any] = {}
    delivery: list[ServiceRecord | Withdrawn] = []
    with open_ledger(any_address) as ledger:
        Counter(rulebook, ledger).declare(ANN, BEN, CAT, on=date(2024, 5, 1))
        while left:
            number = data.draw(st.sampled_from(sorted(left)))
            version = left[number].pop(0)
            if not left[number]:
                del left[number]
            if version is None and last.get(number) is None:
                continue
            last[number] = version
            gone = Withdrawn(RecordId(str(number)), RegistryId("test"))
            delivery.append(gone if version is None else record(number, *version))
            if not data.draw(st.booleans()):
                take_in(rulebook, ledger, *delivery, on=TODAY)
                delivery = []
        take_in(rulebook, ledger, *delivery, on=TODAY)
        end_all(ledger, rulebook, TODAY)
        sound(ledger, rulebook)
        came = there(ledger), {who: lots(ledger, who) for who in PEOPLE}
    with open_ledger(order_address) as ledger:
        Counter(rulebook, ledger).declare(ANN, BEN, CAT, on=date(2024, 5, 1))
        in_order = [record(number, *said) for number, said in last.items() if said is not None]
        take_in(rulebook, ledger, *sorted(in_order, key=lambda one: one.order), on=TODAY)
        end_all(ledger, rulebook, TODAY)
        assert came[0] == there(ledger)
        assert came[1] == {who: lots(ledger, who) for who in PEOPLE}


def test_a_service_for_the_holder_is_paid_by_the_holder_and_earned_for_the_family(county: Path, bank: Ledger) -> None:
    accounts = (county / "accounts.yaml").read_text("utf-8").replace("pooled: no", "pooled: yes")
    (county / "accounts.yaml").write_text(accounts, "utf-8")
    with rules(county) as town:
        desk = Desk(bank, town)
        desk.served()  # family is not matched in this county
        Counter(town, bank).declare(VolunteerId("R1"), VolunteerId("V1"))
        assert desk.step(Step.CONFIRM, june(8), "R1", seconds=3600).accepted
        assert (desk.has(), desk.has("V1")) == (3, 0)  # one hour was paid of three, and came back
        assert desk.step(Step.EVALUATE, june(9), "R1", said=(("evaluation", "good"),)).accepted
        assert desk.step(Step.REVOKE, june(10), "office", reason="nobody came").accepted
        assert (desk.has(), desk.has("V1")) == (3, 0)
        sound(bank, town)


def test_what_a_review_says_of_a_record_reaches_the_holder(tmp_path: Path) -> None:
    hours = "- id: whole_hours\n  round: {to: 1 hour, each: record, direction: down}\n"
    with reviewed(tmp_path, accounts=ACCOUNTS, redemption=OFFERS, hours=hours) as counter:
        Counter(counter.rulebook, counter.ledger).declare(BEN, ANN)
        counter.brings(served("R1", "2024-05-05 09:00", 3, state="applied"))
        assert there(counter.ledger) == {ANN: 0, BEN: 300, CAT: 0, DAN: 0}
        counter.does(counter.record_step(11, Doing.REVOKED, BUREAU, reason="nobody was there"))
        assert there(counter.ledger) == {ANN: 0, BEN: 0, CAT: 0, DAN: 0}
        sound(counter.ledger, counter.rulebook)


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(str(tmp_path / "bank.db"), clock=Clock()) as made:
        yield made


@pytest.fixture
def counter(counties: dict[str, Rulebook], bank: Ledger) -> Iterator[Counter]:
    yield (made := Counter(counties["debt"], bank))
    sound(bank, made.teller._rulebook)


def comes(counter: Counter, *records: ServiceRecord | Withdrawn) -> dict[VolunteerId, int]:
    take_in(counter.teller._rulebook, counter.teller._ledger, *records, on=TODAY)
    return there(counter.teller._ledger)


def test_what_members_earn_is_the_holders_from_the_day_on_which_they_were_declared(counter: Counter) -> None:
    counter.declare(ANN, BEN, CAT, on=date(2024, 6, 10))
    assert comes(counter, record(1, "2024-06-09", 2, BEN)) == {ANN: 0, BEN: 200, CAT: 0, DAN: 0}
    assert comes(counter, record(2, "2024-06-10", 2, BEN)) == {ANN: 200, BEN: 200, CAT: 0, DAN: 0}
    assert comes(counter, record(3, "2024-06-11", 1, ANN), record(4, "2024-06-11", 1, CAT))[ANN] == 400
    counter.declare(ANN, CAT, on=date(2024, 6, 20))
    assert comes(counter, record(5, "2024-06-20", 1, BEN), record(6, "2024-06-19", 1, BEN))[ANN] == 500
    # It stays where it came in while it is of the same day, and goes along where it turns out to be of another.
    assert comes(counter, record(5, "2024-06-12", 1, BEN)) == {ANN: 600, BEN: 200, CAT: 0, DAN: 0}
    assert comes(counter, record(2, "2024-06-09", 1, BEN)) == {ANN: 400, BEN: 200, CAT: 0, DAN: 0}  # two hours a day
    assert counter.ask(Redeem, ANN, offer="soap", units=4).accepted
    assert not counter.ask(Redeem, CAT, offer="soap", units=1).accepted
    assert comes(counter, Withdrawn(RecordId("4"), RegistryId("test")))[ANN] == -100


def test_of_two_who_declare_each_other_the_first_holds_and_nothing_goes_on_from_there(counter: Counter) -> None:
    counter.declare(BEN, ANN, on=date(2024, 6, 5))
    counter.declare(ANN, BEN, on=date(2024, 6, 3))
    counter.declare(CAT, BEN, on=date(2024, 6, 8))
    counter.declare(BEN, DAN, ANN, on=date(2024, 6, 9))
    came = comes(counter, *(record(n, "2024-06-10", 1, who) for n, who in enumerate(PEOPLE, 1)))
    assert came == {ANN: 200, BEN: 100, CAT: 100, DAN: 0}


def test_a_late_record_leaves_as_the_holders_own_and_of_a_later_day_it_is_the_members(counter: Counter) -> None:
    counter.declare(ANN, BEN, CAT)
    comes(counter, record(1, "2024-06-11", 2, BEN))
    assert counter.ask(Close, ANN, date(2024, 6, 20), event=ClosingEvent.DEATH, heir=CAT).accepted
    came = comes(counter, record(2, "2024-06-12", 1, BEN), record(3, "2024-06-20", 1, BEN))
    assert came == {ANN: 0, BEN: 100, CAT: 300, DAN: 0}
    assert comes(counter, Withdrawn(RecordId("1"), RegistryId("test")))[ANN] == -200


def test_what_the_holder_does_not_store_is_taken_back_first(counties: dict[str, Rulebook], bank: Ledger) -> None:
    counter = Counter(counties["stored"], bank)
    counter.declare(ANN, BEN, CAT)
    comes(counter, record(1, "2024-06-11", 2, ANN), record(2, "2024-06-11", 2, BEN))
    assert comes(counter, record(3, "2024-06-12", 2, CAT))[ANN] == 500
    assert comes(counter, record(3, "2024-06-12", 1, CAT))[ANN] == 500
    assert comes(counter, Withdrawn(RecordId("3"), RegistryId("test")))[ANN] == 400
    sound(bank, counties["stored"])


def test_what_is_less_than_a_whole_point_waits_with_the_holder_though_the_family_pools_no_more(
    counties: dict[str, Rulebook], bank: Ledger
) -> None:
    before, now = counties["debt"], counties["apart"]
    Counter(before, bank).declare(ANN, BEN)
    take_in(before, bank, record(1, "2024-06-20", 1, BEN), on=TODAY)
    assert there(bank)[ANN] == 100
    take_in(now, bank, record(1, "2024-06-20", 1, BEN, "training"), on=TODAY)
    assert there(bank)[ANN] == 0  # half a point waits
    take_in(now, bank, record(2, "2024-06-21", 1, ANN, "training"), on=TODAY)
    assert there(bank)[ANN] == 100
    assert verify(bank) == []
    assert replay(bank, [before, now]).differences == []


def test_what_overflowed_at_the_holder_comes_back_though_nothing_overflows_by_the_rules_of_now(
    counties: dict[str, Rulebook], bank: Ledger
) -> None:
    before, now = counties["stored"], counties["debt"]
    Counter(before, bank).declare(ANN, BEN)
    take_in(before, bank, record(1, "2024-06-20", 2, ANN), record(2, "2024-06-21", 3, BEN), on=TODAY)
    take_in(before, bank, record(3, "2024-06-22", 2, BEN), on=TODAY)
    assert there(bank)[ANN] == 500
    take_in(now, bank, record(3, "2024-06-22", 1, BEN), on=TODAY)
    assert there(bank)[ANN] == 500
    assert verify(bank) == []
    assert replay(bank, [before, now]).differences == []


def test_both_passbooks_say_whose_it_is_and_who_earned_it(counter: Counter, bank: Ledger) -> None:
    counter.declare(ANN, BEN)
    comes(counter, record(1, "2024-06-11", 2, BEN))
    rulebook = counter.teller._rulebook
    said = {
        (who, language): "\n".join(
            statement_sentences(statement(bank, rulebook, who, None, TODAY), rulebook.policy.facts, language)
        )
        for who in (ANN, BEN)
        for language in LANGUAGES
    }
    assert "points: earned by V2 of the family, record test/1" in said[ANN, "en"]
    assert "points：家庭合并，家属 V2 的记录 test/1" in said[ANN, "zh"]
    assert "points: in the passbook of V1, with what the family earns" in said[BEN, "en"]
    assert "points：家庭合并，记在 V1 的存折" in said[BEN, "zh"]
    (line,) = [
        one for one in statement_data(statement(bank, rulebook, ANN, None, TODAY), "en")["entries"] if one["pooled"]
    ]
    assert line["pooled"] == [{"account": "points", "holder": "V1", "member": "V2", "record": "test/1"}]
    with bank.reading() as reading:
        (entry,) = reading.entries(RegistryId("test"), RecordId("1"))
    assert pooled_sentence("points", "V1", "", "", "en") in sentences(
        orjson.loads(entry.body), kept_of(rulebook.policy), "en"
    )


def test_whoever_books_it_to_somebody_else_is_named(counter: Counter, bank: Ledger, tmp_path: Path) -> None:
    counter.declare(ANN, BEN)
    comes(counter, record(1, "2024-06-11", 2, DAN))
    rulebook = counter.teller._rulebook
    copy = copy_of(tmp_path)
    with forged(copy) as connection:
        body = connection.exec_driver_sql("SELECT body FROM entry WHERE kind = 'original'").scalar_one()
        said = orjson.dumps({**orjson.loads(body), "pooled_in": {"points": "V1"}})
        connection.exec_driver_sql("UPDATE entry SET body = ? WHERE kind = 'original'", (said,))
    with open_ledger(str(copy)) as other:
        (found,) = replay(other, [rulebook]).differences
    assert (found.volunteer, found.entry) == (DAN, 1)
