"""Worked examples 4, 6 to 11, 25, 26, 28 and 29 at the real bank, with the counties and platforms that come along.

The arithmetic is that of the sources; where a source leaves something out, its pack says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from lianxing.engine.bank.ending import end_all
from lianxing.engine.bank.replaying import replay
from lianxing.engine.bank.tellers import Answer, Teller
from lianxing.engine.calendars import instant_at
from lianxing.engine.compiling import find_folder, load_policy
from lianxing.engine.ledger.opening import Ledger, open_ledger
from lianxing.engine.ledger.verifying import verify
from lianxing.engine.matchers import matcher_factory
from lianxing.engine.passbooks import Passbooks
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.standings import measures_of
from lianxing.plugins.host import Host
from lianxing.plugins.intake import Intake
from lianxing.rules.accounts import Purpose, Recipient
from lianxing.rules.commands import Approve, Command, Declare, Fetch, Give, Redeem, Refund, Reserve, Settle
from lianxing.rules.facts import FactValue, RecordId, RegistryId, VolunteerId
from lianxing.rules.families import Relation
from lianxing.rules.records import ServiceRecord, Volunteer
from lianxing.rules.standings import Standing
from tests.engine.bank.test_pools import in_transit
from tests.plugins.smallville import Registry

ANN, GRANNY, GROUP = VolunteerId("V1"), VolunteerId("V2"), VolunteerId("G1")
HOUR, POINT = 3600, 100
FULL_DAY = 24


class Bank:
    """A bank of one county, for one example."""

    def __init__(self, county: str, path: Path, closing: ExitStack) -> None:
        shelf = Host(installed=False).shelf()
        policy = load_policy(find_folder(county, shelf), shelf)
        self.rulebook = closing.enter_context(Rulebook(policy, matcher_factory("plain")))
        self.ledger: Ledger = closing.enter_context(open_ledger(str(path)))
        self.county = policy.county
        self.teller = Teller(self.ledger, self.rulebook)
        self.asked = self.served = 0

    def knows(self, *people: Volunteer) -> None:
        self._take((), people, date(2024, 6, 15))

    def serves(
        self,
        hours: float | int,
        start: str,
        who: VolunteerId = ANN,
        on: date = date(2025, 1, 31),
        registry: str = "test",
        **facts: FactValue,
    ) -> None:
        """Take in service: whole days one after the other, and what is left of it on the last one."""
        seconds, day = int(hours * HOUR), date.fromisoformat(start)
        records = []
        while True:
            part = min(seconds, FULL_DAY * HOUR)
            records.append(self._record(part, day, who, registry, facts))
            seconds, day = seconds - part, day + timedelta(days=1)
            if seconds <= 0:
                break
        self._take(records, (), on)

    def _record(
        self, seconds: int, day: date, who: VolunteerId, registry: str, facts: Mapping[str, FactValue]
    ) -> ServiceRecord:
        self.served += 1
        began = instant_at(day, 0, ZoneInfo(self.county.time_zone))
        return ServiceRecord(
            id=RecordId(f"{self.served}"),
            registry=RegistryId(registry),
            volunteer=who,
            county=self.county.id,
            started_at=began,
            ended_at=began + seconds,
            day=day,
            seconds=seconds,
            timed=False,
            activity=f"activity {self.served}",
            facts=facts,
        )

    def _take(self, records: list[ServiceRecord] | tuple[()], people: tuple[Volunteer, ...], on: date) -> None:
        host = Host(installed=False)
        host.register(Registry(*records, volunteers=people), "test")
        report = Intake(host, self.rulebook, self.ledger, "test", on, lambda _row: None).run()
        assert (report.booked, report.set_aside) == (len(records), 0)

    def ask(self, kind: type[Command], on: str, who: VolunteerId = ANN, /, **said: object) -> Answer:
        self.asked += 1
        fixed = {"volunteer": who, "county": self.county.id, "scope": "example", "key": str(self.asked)}
        return self.teller.serve(kind(**{**fixed, "on": date.fromisoformat(on), **said}))  # type: ignore[arg-type]

    def has(self, account: str, who: str = ANN, unit: str = "seconds") -> int:
        with self.ledger.reading() as reading:
            return reading.accounts(VolunteerId(who), self.county.id).get((account, unit), 0)

    def earned(self, unit: str, who: VolunteerId = ANN) -> int:
        with self.ledger.reading() as reading:
            return reading.balances(who, self.county.id)[unit]

    def stands(self, on: str) -> Standing:
        return Passbooks(self.ledger, self.rulebook).standing(ANN, date.fromisoformat(on))


def why(answer: Answer) -> list[tuple[str, str, str]]:
    """Return each reason of a refusal with its statement and the clause that this cites."""
    return [(one["code"], one["clause"], one["cites"]) for one in answer.data["reasons"]]


@pytest.fixture
def closing() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def at(tmp_path: Path, closing: ExitStack) -> Iterator[type[Bank]]:
    opened: list[Bank] = []

    class At(Bank):
        def __init__(self, county: str) -> None:
            super().__init__(county, tmp_path / "bank.db", closing)
            opened.append(self)

    yield At
    for bank in opened:
        assert verify(bank.ledger) == []
        assert replay(bank.ledger, [bank.rulebook]).differences == []
        assert in_transit(bank.ledger) == {}


def test_4_hailin_points_are_spent_once_a_quarter_and_the_hours_stay(at: type[Bank]) -> None:
    bank = at("hailin")  # type: ignore[call-arg]
    bank.serves(3.5, "2024-01-10", as_required=1)
    bank.serves(2, "2024-01-11", complaint=1)
    for day in ("2024-01-12", "2024-01-13"):
        bank.serves(0, day, kind="referral")
    assert (bank.has("points", unit="points"), bank.earned("seconds")) == (6 * POINT, 2 * HOUR)
    assert bank.ask(Redeem, "2024-02-01", offer="gift", units=5).accepted
    assert bank.has("points", unit="points") == POINT
    assert why(bank.ask(Redeem, "2024-03-01", offer="gift")) == [("too_often", "gift", "积分兑换")]
    assert bank.earned("seconds") == 2 * HOUR


def test_6_huangshi_points_end_with_the_year_and_the_hours_stay(at: type[Bank]) -> None:
    bank = at("huangshi")  # type: ignore[call-arg]
    bank.serves(6, "2024-03-01", hour_class="credit")
    bank.serves(10, "2024-03-02", hour_class="honor")
    assert bank.has("points", unit="points") == 6 * POINT
    assert bank.ask(Redeem, "2024-12-20", offer="gift", units=4).accepted
    end_all(bank.ledger, bank.rulebook, date(2024, 12, 31))
    assert bank.has("points", unit="points") == 2 * POINT
    end_all(bank.ledger, bank.rulebook, date(2025, 1, 1))
    assert (bank.has("points", unit="points"), bank.earned("seconds")) == (0, 16 * HOUR)


def test_7_huangshan_the_oldest_points_go_first_and_end_after_three_years(at: type[Bank]) -> None:
    bank = at("huangshan")  # type: ignore[call-arg]
    bank.serves(10, "2021-06-15")
    bank.serves(5, "2022-03-01")
    redeemed = bank.ask(Redeem, "2024-01-10", offer="towel")
    assert (redeemed.accepted, bank.has("points", unit="points")) == (True, 7 * POINT)
    assert why(bank.ask(Refund, "2024-01-11", entry=redeemed.entry)) == [("irreversible", "towel", "资料未写")]
    end_all(bank.ledger, bank.rulebook, date(2024, 6, 15))
    assert bank.has("points", unit="points") == 7 * POINT
    end_all(bank.ledger, bank.rulebook, date(2024, 6, 16))
    assert bank.has("points", unit="points") == 5 * POINT


def test_8_guangzhou_redeems_from_a_hundred_hours_whole_hours_up_to_fifteen_hundred(at: type[Bank]) -> None:
    bank = at("guangzhou")  # type: ignore[call-arg]
    bank.serves(99.5, "2024-01-01", registry="guangzhou_time_bank")
    assert why(bank.ask(Redeem, "2024-06-15", offer="service_hour")) == [("not_eligible", "service_hour", "兑换条件")]
    bank.serves(4.5, "2024-02-01", registry="guangzhou_time_bank")
    assert bank.ask(Redeem, "2024-06-15", offer="service_hour").accepted
    before = bank.has("time")
    bank.serves(3.75, "2024-03-01", registry="guangzhou_time_bank")
    assert bank.has("time") - before == 3 * HOUR


def test_8_guangzhou_what_is_above_fifteen_hundred_hours_is_lost(at: type[Bank]) -> None:
    bank = at("guangzhou")  # type: ignore[call-arg]
    bank.serves(1498, "2024-01-01", registry="guangzhou_time_bank")
    assert bank.has("time") == 1498 * HOUR
    bank.serves(5, "2024-04-01", registry="guangzhou_time_bank")
    assert bank.has("time") == 1500 * HOUR
    with bank.ledger.reading() as reading:
        last = reading.passbook_entries(ANN, bank.county.id)[-1]
    assert {line.account.partition("/")[0]: line.amount for line in last.postings}["lost"] == 3 * HOUR
    redeemed = bank.ask(Redeem, "2024-06-15", offer="service_hour")
    bank.serves(5, "2024-04-02", registry="guangzhou_time_bank")
    assert bank.has("time") == 1500 * HOUR
    assert bank.ask(Refund, "2024-06-16", entry=redeemed.entry).accepted  # to its deposit, though that is full by now
    assert bank.has("time") == 1501 * HOUR


def test_9_nanjing_what_is_above_fifteen_hundred_hours_goes_to_the_pool(at: type[Bank]) -> None:
    bank = at("nanjing")  # type: ignore[call-arg]
    bank.serves(1490, "2024-01-01")
    bank.serves(25, "2024-04-01")
    assert (bank.has("personal"), bank.has("donation_pool", "pool/donation_pool")) == (1500 * HOUR, 15 * HOUR)


def test_9_nanjing_a_group_volunteer_serves_for_the_pool(at: type[Bank]) -> None:
    bank = at("nanjing")  # type: ignore[call-arg]
    bank.knows(Volunteer(GROUP, facts={"volunteer_form": "group"}))
    bank.serves(25, "2024-04-01", GROUP)
    assert (bank.has("personal", GROUP), bank.has("donation_pool", "pool/donation_pool")) == (0, 25 * HOUR)


def test_10_beijing_coins_are_for_service_of_those_above_sixty_and_for_relatives(at: type[Bank]) -> None:
    bank = at("beijing")  # type: ignore[call-arg]
    bank.knows(
        Volunteer(ANN, born_on=date(1984, 1, 1), facts={"spouse_age": 59}), Volunteer(GRANNY, born_on=date(1954, 1, 1))
    )
    bank.serves(2, "2024-06-01")
    assert bank.has("time_coins") == 2 * HOUR
    assert why(bank.ask(Redeem, "2024-06-15", offer="cleaning")) == [("not_eligible", "cleaning", "兑换服务")]
    rice, coins = {"account": "time_coins", "amount": HOUR}, ("time_coins", "时间币只换服务")
    assert why(bank.ask(Reserve, "2024-06-15", purpose=Purpose.GOODS, **rice)) == [("spent_on", *coins)]
    gift = {**rice, "amount": 2 * HOUR, "to_whom": Recipient.LINEAL_RELATIVE, "recipient": GRANNY}
    assert why(bank.ask(Give, "2024-06-15", **gift)) == [("not_declared", *coins)]
    bank.ask(Declare, "2024-06-15", family=((GRANNY, Relation.GRANDPARENT),))
    assert bank.ask(Give, "2024-06-15", **gift).accepted
    assert bank.ask(Redeem, "2024-06-15", GRANNY, offer="cleaning").accepted
    assert (bank.has("time_coins"), bank.has("time_coins", GRANNY)) == (0, HOUR)


def test_10_beijing_a_pupil_earns_coins_with_the_guardian_only(at: type[Bank]) -> None:
    bank = at("beijing")  # type: ignore[call-arg]
    bank.knows(Volunteer(ANN, born_on=date(2012, 1, 1)))
    bank.serves(1, "2024-05-31")
    bank.serves(2, "2024-06-01", guardian_present=1)
    assert bank.has("time_coins") == 2 * HOUR


def test_11_beijing_a_place_in_a_home_takes_ten_thousand_hours_and_as_many_coins(at: type[Bank]) -> None:
    bank = at("beijing")  # type: ignore[call-arg]
    bank.serves(10_050, "2023-01-01")
    assert bank.ask(Declare, "2024-06-15", family=((GRANNY, Relation.PARENT),)).accepted
    gift = {"account": "time_coins", "to_whom": Recipient.LINEAL_RELATIVE, "recipient": GRANNY}
    assert bank.ask(Give, "2024-06-15", amount=100 * HOUR, **gift).accepted
    assert bank.has("time_coins") == 9_950 * HOUR
    assert why(bank.ask(Redeem, "2024-06-15", offer="home_place")) == [
        ("not_eligible", "home_place", "入住公办养老机构")
    ]


@pytest.mark.parametrize(("hours", "points", "soaps"), [(25, 12, 2), (10, 5, 1), (9.5, 4, 0)])
def test_25_huangyan_two_hours_are_a_point_and_soap_takes_ten(
    at: type[Bank], hours: float, points: int, soaps: int
) -> None:
    bank = at("huangyan")  # type: ignore[call-arg]
    bank.serves(hours, "2023-03-01")
    assert bank.has("points", unit="points") == points * POINT
    for _soap in range(soaps):
        assert bank.ask(Redeem, "2024-01-15", offer="soap").accepted
    assert why(bank.ask(Redeem, "2024-01-15", offer="soap")) == [("balance", "soap", "兑换")]
    assert why(bank.ask(Redeem, "2024-02-01", offer="soap"))[0] == ("closed", "soap", "兑换")


def test_26_shengzhou_two_of_an_item_and_a_voucher_is_void_after_a_year(at: type[Bank]) -> None:
    bank = at("shengzhou")  # type: ignore[call-arg]
    bank.knows(Volunteer(ANN, facts={"lives_here": 1}))
    bank.serves(50, "2023-01-01")
    rule = ("soap", "兑换规则")
    redeemed = [bank.ask(Redeem, "2023-05-10", offer="soap") for _time in range(2)]
    assert [one.accepted for one in redeemed] == [True, True]
    assert why(bank.ask(Redeem, "2023-05-10", offer="soap")) == [("per_person", *rule)]
    assert why(bank.ask(Fetch, "2024-05-11", entry=redeemed[0].entry)) == [("void", *rule)]
    assert bank.ask(Fetch, "2024-05-10", entry=redeemed[1].entry).accepted
    assert why(bank.ask(Fetch, "2024-05-10", entry=redeemed[1].entry)) == [("fetched", *rule)]
    assert bank.has("points", unit="points") == 30 * POINT


def test_28_luohe_a_gold_card_takes_a_hundred_points_and_none_while_under_investigation(at: type[Bank]) -> None:
    bank = at("luohe")  # type: ignore[call-arg]
    bank.serves(120, "2024-01-10")
    bank.knows(Volunteer(ANN, facts={"investigated": 1}))
    card = ("gold_card", "兑换标准")
    assert why(bank.ask(Redeem, "2024-06-15", offer="gold_card")) == [("not_eligible", *card)]
    assert bank.has("points", unit="points") == 120 * POINT
    bank.knows(Volunteer(ANN, facts={"investigated": 0}))
    redeemed = bank.ask(Redeem, "2024-06-15", offer="gold_card")
    assert (redeemed.accepted, redeemed.data["published"]) == (True, True)
    assert why(bank.ask(Settle, "2024-06-16", entry=redeemed.entry)) == [("awaits_approval", *card)]
    assert bank.ask(Approve, "2024-06-17", entry=redeemed.entry, role="文明办", actor="7").accepted
    assert bank.ask(Settle, "2024-06-17", entry=redeemed.entry).accepted
    assert (bank.has("points", unit="points"), bank.has("points/held", unit="points")) == (20 * POINT, 0)


def test_29_nvsi_a_repair_takes_ten_hours_and_the_second_one_finds_too_few(at: type[Bank]) -> None:
    bank = at("nvsi")  # type: ignore[call-arg]
    bank.serves(12.5, "2022-01-05", category="community_service")
    for number, day in ((2, "2022-02-01"), (3, "2022-02-02")):
        bank.serves(0, day, kind="dishonesty")
        assert bank.served == number
    for revoked, day in (("2", "2022-03-01"), ("3", "2022-03-02")):
        bank.serves(0, day, kind="repair", revokes=revoked)
    found = bank.stands("2022-06-15")
    assert measures_of(found)["exchangeable_hours"] == 5 * HOUR // 2
    assert [(one.before, one.after, one.reason.value) for one in found.conduct.repairs] == [
        (25 * HOUR // 2, 5 * HOUR // 2, "repaired"),
        (5 * HOUR // 2, 5 * HOUR // 2, "too_little"),
    ]
    assert bank.earned("seconds") == 25 * HOUR // 2
