"""What passes between passbooks: into pools and out of them, to organisations, to relatives; nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import orjson
import pytest

from lianxing.engine.answer_sentences import answer_sentences
from lianxing.engine.bank.replaying import replay
from lianxing.engine.bank.tellers import Answer, Teller
from lianxing.engine.ledger.errors import InvalidError
from lianxing.engine.ledger.opening import Ledger, open_ledger
from lianxing.engine.ledger.verifying import verify
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.accounts import Purpose, Recipient
from lianxing.rules.commands import Command, Declare, Give, Grant, Redeem, Release, Reserve
from lianxing.rules.facts import CountyId, VolunteerId
from lianxing.rules.families import Relation
from lianxing.rules.records import ServiceRecord, Volunteer, Withdrawn
from tests.engine.bank.counting_house import ANN, BEN, DAY, HERE, rules, take_in, write_county
from tests.plugins.smallville import COUNTY, served

HOUR = 3600
FACTS = COUNTY["county.yaml"] + "facts:\n  form: {type: text, scope: person, values: {single: {}, group: {}}}\n"
COMMON = "unit: hours, expires: never, spends_first: oldest, shortfall: debt"
ACCOUNTS = f"""
time:
  {{holder: person, {COMMON}, earned_from: hours, spent_on: [service, goods], overdraft: {{borrow: chest}},
   storage: {{at_most: 10 hours, overflow: donation_pool}}, holds: 3 days,
   family: {{may_draw: yes, pooled: no}},
   transfer: {{to_whom: [spouse, lineal_relative, friend, institution, pool]}}, when: {{form: {{not: group}}}},
   issue: [{{amount: 1 hour, per: calendar_year, provider: chest}}]}}
chest:
  {{holder: pool, {COMMON}, earned_from: hours, spent_on: [donation], overdraft: none, storage: unlimited,
   transfer: {{to_whom: [needy_elder]}}, when: {{form: group}}}}
clubs:
  {{holder: organisation, {COMMON}, earned_from: points_earned_hours, spent_on: [service], overdraft: none,
   storage: unlimited, transfer: none}}
"""
OFFERS = """
visit: {account: time, price: 1 hour, gives: service, opens: always, per_person: unlimited, stock: unlimited,
  irreversible: no, provider: the office}
meal: {account: time, price: 1 hour, gives: service, opens: always, per_person: unlimited, stock: unlimited,
  irreversible: no, provider: the office, partial: {at_least: 50 %, exchange: 5 yuan}}
"""
MEASURES = COUNTY["measures.yaml"] + "points_earned_hours: {sum: hours, over: all_time, where: {category: training}}\n"
CHEST, CLUB = VolunteerId("pool/chest"), VolunteerId("organisation/O1")
GROUP = Volunteer(VolunteerId("G1"), facts={"form": "group"})


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(str(tmp_path / "bank.db")) as made:
        yield made
        assert verify(made) == []
        assert in_transit(made) == {}


@pytest.fixture
def town(tmp_path: Path, ledger: Ledger) -> Iterator[Rulebook]:
    chapters = {"county": FACTS, "accounts": ACCOUNTS, "redemption": OFFERS, "measures": MEASURES}
    with rules(write_county(tmp_path / "smallville", **chapters)) as made:
        yield made
        done = replay(ledger, [made])
        assert (done.differences, done.left_out, done.unseen) == ([], {}, 0)


def in_transit(ledger: Ledger) -> dict[str, int]:
    """What has left one passbook and arrived in none, by unit."""
    found: dict[str, int] = {}
    with ledger.reading() as reading:
        for entry in reading.all_entries():
            for line in entry.postings:
                if line.account.startswith("transit"):
                    found[line.unit] = found.get(line.unit, 0) + line.amount
    return {unit: amount for unit, amount in found.items() if amount}


def held_by(ledger: Ledger, owner: str, account: str = "time", county: CountyId = HERE) -> int:
    with ledger.reading() as reading:
        return reading.accounts(VolunteerId(owner), county).get((account, "seconds"), 0)


def kinds(ledger: Ledger, owner: str) -> list[str]:
    with ledger.reading() as reading:
        return [one.entry.kind for one in reading.passbook_entries(VolunteerId(owner), HERE)]


def lines(ledger: Ledger, owner: str, kind: str) -> list[tuple[str, int]]:
    """The postings of the last entry of a kind, without whose they are."""
    with ledger.reading() as reading:
        entry = [one for one in reading.passbook_entries(VolunteerId(owner), HERE) if one.entry.kind == kind][-1]
    return [(line.account.partition(f"/{HERE}")[0], line.amount) for line in entry.postings]


def why(answer: Answer) -> list[str]:
    return [reason["code"] for reason in answer.data.get("reasons", ())]


class Asks:
    """Commands with keys of their own."""

    def __init__(self, ledger: Ledger, rulebook: Rulebook) -> None:
        self.teller = Teller(ledger, rulebook)
        self.asked = 0

    def __call__(self, kind: type[Command], who: str = "V1", /, **said: object) -> Answer:
        return self.teller.serve(self.command(kind, who, **said))

    def command(self, kind: type[Command], who: str = "V1", /, **said: object) -> Command:
        self.asked += 1
        fixed = {"volunteer": VolunteerId(who), "county": HERE, "on": DAY, "scope": "test", "key": str(self.asked)}
        return kind(**{**fixed, **said})  # type: ignore[arg-type]


def earns(town: Rulebook, ledger: Ledger, *hours: int, who: str = "V1") -> None:
    records = [served(f"{who}-{at}", f"2024-05-{at:02} 09:00", many, who) for at, many in enumerate(hours, 1)]
    take_in(town, ledger, *records, volunteers=(Volunteer(VolunteerId("V1")), Volunteer(BEN)))


def of_club(record: ServiceRecord, club: str = "O1") -> ServiceRecord:
    return replace(record, organisation=club, facts={**record.facts, "category": "training"})


# --- records -----------------------------------------------------------------------------------------------------


def test_service_of_a_group_volunteer_is_earned_by_the_pool(town: Rulebook, ledger: Ledger) -> None:
    take_in(town, ledger, served("a", "2024-05-01 09:00", 2, "G1"), volunteers=(GROUP,))
    assert (held_by(ledger, "G1"), held_by(ledger, "pool/chest", "chest")) == (0, 2 * HOUR)
    assert lines(ledger, "pool/chest", "received") == [("chest", 2 * HOUR), ("transit", -2 * HOUR)]
    assert ("transit", 2 * HOUR) in lines(ledger, "G1", "original")


def test_the_pools_entry_says_from_which_record_it_came(town: Rulebook, ledger: Ledger) -> None:
    take_in(town, ledger, served("a", "2024-05-01 09:00", 2, "G1"), volunteers=(GROUP,))
    with ledger.reading() as reading:
        (entry,) = reading.passbook_entries(CHEST, HERE)
    body = orjson.loads(entry.body)
    assert (body["from"], body["registry"], body["record"], body["why"]) == ("G1", "test", "a", "record")


def test_a_corrected_record_takes_from_the_pool_what_it_is_worth_no_longer(town: Rulebook, ledger: Ledger) -> None:
    take_in(town, ledger, served("a", "2024-05-01 09:00", 2, "G1"), volunteers=(GROUP,))
    take_in(town, ledger, served("a", "2024-05-01 09:00", 1, "G1"))
    assert held_by(ledger, "pool/chest", "chest") == HOUR
    take_in(town, ledger, Withdrawn("a", "test"))  # type: ignore[arg-type]
    assert held_by(ledger, "pool/chest", "chest") == 0
    assert kinds(ledger, "pool/chest") == ["received", "taken_back", "taken_back"]


def test_a_record_of_an_organisation_goes_to_the_other_one_when_it_is_corrected(town: Rulebook, ledger: Ledger) -> None:
    record = served("a", "2024-05-01 09:00", 2)
    take_in(town, ledger, of_club(record))
    assert (held_by(ledger, CLUB, "clubs"), held_by(ledger, "V1")) == (2 * HOUR, 2 * HOUR)
    take_in(town, ledger, of_club(record, "O2"))
    assert (held_by(ledger, CLUB, "clubs"), held_by(ledger, "organisation/O2", "clubs")) == (0, 2 * HOUR)


def test_what_a_full_pool_did_not_store_of_a_record_is_taken_back_from_where_it_went(
    tmp_path: Path, ledger: Ledger
) -> None:
    little = ACCOUNTS.replace("storage: unlimited", "storage: {at_most: 3 hours, overflow: honour}", 1)
    folder = write_county(tmp_path / "smallville", county=FACTS, accounts=little, redemption=OFFERS, measures=MEASURES)
    with rules(folder) as town:

        def so_long(hours: int, kind: str) -> list[tuple[str, int]]:
            take_in(town, ledger, served("b", "2024-05-02 09:00", hours, "G1"))
            return sorted(lines(ledger, CHEST, kind))

        take_in(town, ledger, served("a", "2024-05-01 09:00", 2, "G1"), volunteers=(GROUP,))
        assert so_long(2, "received") == [("chest", HOUR), ("honour", HOUR), ("transit", -2 * HOUR)]
        assert so_long(1, "taken_back") == [("honour", -HOUR), ("transit", HOUR)]
        assert so_long(0, "taken_back") == [("chest", -HOUR), ("transit", HOUR)]
        assert held_by(ledger, CHEST, "chest") == 2 * HOUR
        assert replay(ledger, [town]).differences == []


def test_a_record_of_another_day_is_of_that_day_in_the_pool_too(town: Rulebook, ledger: Ledger) -> None:
    take_in(town, ledger, served("a", "2024-05-01 09:00", 2, "G1"), volunteers=(GROUP,))
    take_in(town, ledger, served("a", "2024-04-01 09:00", 2, "G1"))
    with ledger.reading() as reading:
        (lot,) = reading.wallet_rows([(CHEST, HERE)])[CHEST, HERE].lots
    assert (lot.earned_on, lot.remaining) == (date(2024, 4, 1), 2 * HOUR)


def test_service_for_no_organisation_is_earned_by_none(town: Rulebook, ledger: Ledger) -> None:
    take_in(town, ledger, of_club(served("a", "2024-05-01 09:00", 2), ""))
    with ledger.reading() as reading:
        assert reading.volunteer_ids(HERE) == ["V1"]


def test_what_overflows_arrives_in_the_pool(town: Rulebook, ledger: Ledger) -> None:
    earns(town, ledger, *[2] * 6)
    assert (held_by(ledger, "V1"), held_by(ledger, "pool/chest", "chest")) == (10 * HOUR, 2 * HOUR)
    assert lines(ledger, "pool/chest", "received")[-1] == ("transit", -2 * HOUR)


# --- gifts and grants --------------------------------------------------------------------------------------------


def test_a_gift_to_the_pool_arrives_there(town: Rulebook, ledger: Ledger) -> None:
    earns(town, ledger, 2)
    asks = Asks(ledger, town)
    assert asks(Give, account="time", amount=HOUR, to_whom=Recipient.POOL).accepted
    assert (held_by(ledger, "V1"), held_by(ledger, "pool/chest", "chest")) == (HOUR, HOUR)


def test_a_grant_of_the_pool_leaves_it_and_is_refused_when_it_is_empty(town: Rulebook, ledger: Ledger) -> None:
    earns(town, ledger, 2)
    asks = Asks(ledger, town)
    assert why(asks(Grant, "V2", account="time", amount=HOUR)) == ["pool"]
    asks(Give, account="time", amount=HOUR, to_whom=Recipient.POOL)
    assert asks(Grant, "V2", account="time", amount=HOUR).accepted
    assert (held_by(ledger, "V2"), held_by(ledger, "pool/chest", "chest")) == (HOUR, 0)
    assert ("issued", -HOUR) not in lines(ledger, "V2", "granted")


def test_the_pool_gives_to_an_elder_in_need_and_to_nobody_else(town: Rulebook, ledger: Ledger) -> None:
    earns(town, ledger, 2)
    asks = Asks(ledger, town)
    asks(Give, account="time", amount=2 * HOUR, to_whom=Recipient.POOL)
    given = {"account": "chest", "amount": HOUR, "actor": "office"}
    assert asks(Give, CHEST, to_whom=Recipient.NEEDY_ELDER, recipient=BEN, **given).accepted
    assert why(asks(Give, CHEST, to_whom=Recipient.FRIEND, recipient=BEN, **given)) == ["transfer"]
    assert (held_by(ledger, "V2"), held_by(ledger, "pool/chest", "chest")) == (HOUR, HOUR)


def test_nobody_draws_on_an_account_that_is_not_in_their_passbook(town: Rulebook, ledger: Ledger) -> None:
    earns(town, ledger, 2)
    asks = Asks(ledger, town)
    asks(Give, account="time", amount=HOUR, to_whom=Recipient.POOL)
    given = {"account": "chest", "amount": HOUR}
    assert why(asks(Give, to_whom=Recipient.NEEDY_ELDER, recipient=BEN, **given)) == ["holder"]
    assert why(asks(Reserve, purpose=Purpose.DONATION, **given)) == ["holder"]
    assert why(asks(Redeem, CHEST, offer="visit")) == ["no_person"]


def test_a_gift_to_an_institution_is_in_its_own_account(town: Rulebook, ledger: Ledger) -> None:
    earns(town, ledger, 2)
    asks = Asks(ledger, town)
    given = {"account": "time", "amount": HOUR, "to_whom": Recipient.INSTITUTION}
    assert asks(Give, recipient=VolunteerId("O1"), **given).accepted
    assert held_by(ledger, CLUB, "clubs") == HOUR
    assert why(asks(Give, **given)) == ["recipient"]


def test_a_gift_to_a_relative_takes_a_declared_one(town: Rulebook, ledger: Ledger) -> None:
    earns(town, ledger, 2)
    asks = Asks(ledger, town)
    given = {"account": "time", "amount": HOUR, "to_whom": Recipient.LINEAL_RELATIVE, "recipient": BEN}
    assert why(asks(Give, **given)) == ["not_declared"]
    assert asks(Declare, family=((BEN, Relation.SPOUSE),)).accepted
    assert why(asks(Give, **given)) == ["not_declared"]
    assert asks(Declare, family=((BEN, Relation.GRANDPARENT),)).accepted
    assert asks(Give, **given).accepted
    assert why(asks(Give, **{**given, "to_whom": Recipient.SPOUSE})) == ["not_declared"]
    assert held_by(ledger, "V2") == HOUR


def test_a_gift_keeps_its_days(town: Rulebook, ledger: Ledger) -> None:
    earns(town, ledger, 2)
    Asks(ledger, town)(Give, account="time", amount=HOUR, to_whom=Recipient.FRIEND, recipient=BEN)
    with ledger.reading() as reading:
        (lot,) = reading.wallet_rows([(BEN, HERE)])[BEN, HERE].lots
    assert (lot.earned_on, lot.source) == (date(2024, 5, 1), "gift/V1")


def test_nobody_is_family_of_themselves(town: Rulebook, ledger: Ledger) -> None:
    assert why(Asks(ledger, town)(Declare, family=((ANN, Relation.CHILD),))) == ["own_family"]


def test_nobody_is_declared_twice_and_there_is_one_spouse_at_the_most(town: Rulebook, ledger: Ledger) -> None:
    asks, other = Asks(ledger, town), VolunteerId("V3")
    twice = asks(Declare, family=((BEN, Relation.SPOUSE), (BEN, Relation.CHILD)))
    assert why(twice) == ["declared_twice"]
    assert "V2 is declared more than once" in "".join(answer_sentences(twice.data, "en"))
    assert why(asks(Declare, family=((BEN, Relation.SPOUSE), (other, Relation.SPOUSE)))) == ["one_spouse"]
    assert asks(Declare, family=((BEN, Relation.SPOUSE), (other, Relation.CHILD))).accepted


def test_only_declared_family_draws_on_an_account(town: Rulebook, ledger: Ledger) -> None:
    earns(town, ledger, 2)
    asks = Asks(ledger, town)
    assert why(asks(Redeem, offer="visit", family=True, member=BEN)) == ["not_declared"]
    with pytest.raises(InvalidError, match="goes with family alone"):
        asks(Redeem, offer="visit", member=BEN)
    with pytest.raises(InvalidError, match="goes with family alone"):
        asks(Reserve, account="time", amount=1, purpose=Purpose.SERVICE, member=BEN)
    asks(Declare, family=((BEN, Relation.PARENT),))
    assert asks(Redeem, offer="visit", family=True, member=BEN).accepted


# --- loans -------------------------------------------------------------------------------------------------------


def test_what_is_short_is_borrowed_from_the_pool_and_paid_back_by_what_comes_in(town: Rulebook, ledger: Ledger) -> None:
    take_in(town, ledger, served("a", "2024-05-01 09:00", 2, "G1"), volunteers=(GROUP,))
    asks = Asks(ledger, town)
    assert asks(Redeem, offer="visit").accepted
    assert held_by(ledger, "pool/chest", "chest") == HOUR
    assert lines(ledger, "pool/chest", "lent") == [("chest", -HOUR), ("borrowed", HOUR)]
    earns(town, ledger, 2)
    assert (held_by(ledger, "V1"), held_by(ledger, "pool/chest", "chest")) == (HOUR, 2 * HOUR)
    assert kinds(ledger, "pool/chest") == ["received", "lent", "repaid"]


def test_the_answer_names_the_gift_though_what_was_lent_comes_back_behind_it(town: Rulebook, ledger: Ledger) -> None:
    take_in(town, ledger, served("a", "2024-05-01 09:00", 2, "G1"), volunteers=(GROUP,))
    asks = Asks(ledger, town)
    assert asks(Redeem, offer="visit").accepted  # what V1 owes now is paid by what the pool gives
    gift = {"account": "chest", "amount": HOUR, "to_whom": Recipient.NEEDY_ELDER, "recipient": ANN, "actor": "office"}
    first = asks.command(Give, CHEST, **gift)
    given, same, last = asks.teller.serve_all([first, first, asks.command(Give, CHEST, **gift)])
    assert kinds(ledger, "pool/chest")[2:] == ["given", "repaid", "given"]
    assert [one.entry for one in (given, same, last) if isinstance(one, Answer)] == [3, 3, 5]
    assert asks.teller.serve(first) == same


def test_the_pool_lends_no_more_than_it_has(town: Rulebook, ledger: Ledger) -> None:
    take_in(town, ledger, served("a", "2024-05-01 09:00", 2, "G1"), volunteers=(GROUP,))
    asks = Asks(ledger, town)
    assert why(asks(Redeem, offer="visit", units=3)) == ["pool"]
    assert why(asks(Reserve, account="time", amount=3 * HOUR, purpose=Purpose.SERVICE)) == ["pool"]
    assert held_by(ledger, "pool/chest", "chest") == 2 * HOUR


def test_what_the_pool_cannot_lend_is_paid_in_money_where_the_offer_allows_that(town: Rulebook, ledger: Ledger) -> None:
    earns(town, ledger, 2)
    asks = Asks(ledger, town)
    assert why(asks(Redeem, offer="meal", units=5)) == ["pool"]  # less than half is there
    answer = asks(Redeem, offer="meal", units=3)
    assert (answer.data["price"], answer.data["cash"]) == (2 * HOUR, 500)
    assert held_by(ledger, "V1") == 0


def test_a_loan_for_what_is_not_needed_goes_back_to_the_pool(town: Rulebook, ledger: Ledger) -> None:
    take_in(town, ledger, served("a", "2024-05-01 09:00", 2, "G1"), volunteers=(GROUP,))
    asks = Asks(ledger, town)
    held = asks(Redeem, offer="visit", units=2)
    assert held_by(ledger, "pool/chest", "chest") == 0
    assert asks(Release, entry=held.entry).accepted
    assert (held_by(ledger, "V1"), held_by(ledger, "pool/chest", "chest")) == (0, 2 * HOUR)
