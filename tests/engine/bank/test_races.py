"""Many at once, from four processes with several threads each: what can be had once is had once, on both databases.

Each race is run again with what guards it taken out of the bank: then it must go wrong, or the test shows nothing.
In the long mode (`LIANXING_LONG=1`) each is run fifty times.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from lianxing.engine.bank.tellers import Answer, Teller
from lianxing.engine.ledger.opening import Ledger, open_ledger
from lianxing.engine.ledger.verifying import verify
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.accounts import Recipient
from lianxing.rules.commands import Command, Fetch, Give, Redeem, Refund, Release, Settle, UsePerk
from lianxing.rules.facts import VolunteerId
from tests.engine.bank.counting_house import ACCOUNTS, ANN, BEN, DAY, HERE, OFFERS, PERKS, rules, take_in, write_county
from tests.engine.bank.racing import PROCESSES, Job, Said, Work
from tests.plugins.smallville import served

TIMES = 50 if os.environ.get("LIANXING_LONG") else 1
THREADS = 5
EACH = 10  # commands of a thread: 4 x 5 x 10 = 200
KEPT = ACCOUNTS.replace("12 months", "10 years")
AT_ONCE = KEPT.replace("  holds: 3 days\n", "")
pytestmark = pytest.mark.xdist_group("races")


class Course:
    """A county with a ledger, and those who race on it; `without` names what is taken out of the bank."""

    def __init__(self, folder: Path, address: str, rulebook: Rulebook, ledger: Ledger) -> None:
        self.folder, self.address, self.rulebook, self.ledger = folder, address, rulebook, ledger
        self.teller = Teller(ledger, rulebook)
        self.keys = self.days = 0

    def command(self, kind: type[Command], who: str = ANN, on: date = DAY, key: str = "", **how: Any) -> Command:
        self.keys += 1
        return kind(volunteer=VolunteerId(who), county=HERE, on=on, scope="race", key=key or f"r{self.keys}", **how)

    def serves(self, who: str, hours: int) -> None:
        """Somebody serves on a day of their own, for no more is worth anything on one day than two hours."""
        self.days += 1
        day = date(2020, 1, 1) + timedelta(days=self.days)
        take_in(self.rulebook, self.ledger, served(f"s{self.days}", f"{day} 09:00", hours, who))

    def race(self, work: Callable[[], Work], threads: int = THREADS, each: int = EACH, without: str = "") -> list[Said]:
        """Let everybody do so many pieces of work; return what each was told."""
        made: list[list[list[Work]]] = [
            [[work() for _one in range(each)] for _thread in range(threads)] for _process in range(PROCESSES)
        ]
        return [said for thread in self.run(made, without) for said in thread]

    def run(self, work: list[list[list[Work]]], without: str = "") -> list[list[Said]]:
        path = self.folder / "job"
        path.write_bytes(pickle.dumps(Job(self.address, str(self.folder / "smallville"), work)))
        starter = _starter(without)
        assert starter.stdin is not None
        assert starter.stdout is not None
        starter.stdin.write(f"{path}\n")
        starter.stdin.flush()
        assert starter.stdout.readline() == "done\n"
        found: list[list[Said]] = []
        for process in range(PROCESSES):
            found += pickle.loads(Path(f"{path}.{process}").read_bytes())
        return found

    def sum_of(self, account: str, *people: str) -> int:
        with self.ledger.reading() as reading:
            balances = reading.balances_of([(VolunteerId(who), HERE) for who in people])
            return sum(has.get((account, "points"), 0) for has in balances.values())

    def entries(self, who: str = ANN) -> list[str]:
        with self.ledger.reading() as reading:
            return [one.entry.kind for one in reading.passbook_entries(VolunteerId(who), HERE)]


_STARTERS: dict[str, subprocess.Popen[str]] = {}


def _starter(without: str) -> subprocess.Popen[str]:
    if without not in _STARTERS:
        environment = {**os.environ, "RACING_WITHOUT": without, "LIANXING_DURABLE": "off"}
        _STARTERS[without] = subprocess.Popen(
            [sys.executable, "-m", "tests.engine.bank.racing"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=Path(__file__).resolve().parents[3],
        )
    return _STARTERS[without]


@pytest.fixture(scope="module", autouse=True)
def _nobody_is_left() -> Iterator[None]:
    yield
    while _STARTERS:
        _without, starter = _STARTERS.popitem()
        starter.communicate()


@contextmanager
def course(folder: Path, address: str, **chapters: str) -> Iterator[Course]:
    with ExitStack() as stack:
        rulebook = stack.enter_context(rules(write_county(folder / "smallville", **chapters)))
        ledger = stack.enter_context(open_ledger(address))
        yield Course(folder, address, rulebook, ledger)
        assert verify(ledger) == []


def told(said: Sequence[Said]) -> Counter[str]:
    """How many were told what: `yes`, the reason of a refusal, or an error."""
    return Counter(
        ("yes" if one.accepted else "+".join(reason["code"] for reason in one.data["reasons"]))
        if isinstance(one, Answer)
        else one.split(":")[0]
        for one in said
    )


# --- the last points of one person, the last one of a stock ---

TEA = (
    OFFERS
    + """
tea: {account: points, price: 1 points, gives: goods, opens: always, per_person: unlimited, stock: unlimited,
  irreversible: no, provider: the shop}
"""
)
ONE_LEFT = TEA.replace("stock: unlimited", "stock: 1")


def last_points(at: Course, without: str = "", each: int = EACH) -> Counter[str]:
    at.serves(ANN, 1)
    return told(at.race(lambda: at.command(Redeem, offer="tea"), each=each, without=without))


def last_item(at: Course, without: str = "", each: int = EACH) -> Counter[str]:
    """Each of so many persons, who have a point, asks for the last tea; whoever has it gives it back afterwards."""
    crowd = [f"P{number}" for number in range(PROCESSES * THREADS * each)]
    asking = iter(crowd)
    said = at.race(lambda: at.command(Redeem, next(asking), offer="tea"), each=each, without=without)
    for who, one in zip(crowd, said, strict=True):
        if isinstance(one, Answer) and one.accepted:
            assert at.teller.serve(at.command(Refund, who, entry=one.entry)).accepted
    return told(said)


def everybody_serves(at: Course, each: int = EACH) -> None:
    people = (f"P{number}" for number in range(PROCESSES * THREADS * each))
    take_in(at.rulebook, at.ledger, *(served(f"of {who}", "2024-05-01 09:00", 1, who) for who in people))


def test_of_200_redemptions_of_the_last_points_exactly_one_succeeds(tmp_path: Path, ledger_address: str) -> None:
    with course(tmp_path, ledger_address, accounts=AT_ONCE, redemption=TEA) as at:
        for _time in range(TIMES):
            assert last_points(at) == {"yes": 1, "balance": 199}
            assert at.sum_of("points", ANN) == 0


def test_without_the_lock_and_the_number_of_a_passbook_the_same_race_ends_in_errors(
    tmp_path: Path, ledger_address: str
) -> None:
    # SQLite has one writer: what it decides on has to be read before it begins, or there is no race to lose.
    without = f"lock number attempts{' snapshot' * ledger_address.startswith('sqlite')}"
    with course(tmp_path, ledger_address, accounts=AT_ONCE, redemption=TEA) as at:
        said = last_points(at, without, each=3)
        assert said["yes"] == 1  # the last guard: a number of an entry is there once
        assert sum(many for what, many in said.items() if what.endswith("Error")) > 0, said


def test_of_200_persons_who_want_the_last_item_exactly_one_gets_it(tmp_path: Path, ledger_address: str) -> None:
    with course(tmp_path, ledger_address, accounts=AT_ONCE, redemption=ONE_LEFT) as at:
        everybody_serves(at)
        for _time in range(TIMES):
            assert last_item(at) == {"yes": 1, "stock": 199}


def test_without_the_condition_on_the_stock_the_same_race_oversells(tmp_path: Path, ledger_address: str) -> None:
    without = f"stock{' snapshot' * ledger_address.startswith('sqlite')}"
    with course(tmp_path, ledger_address, accounts=AT_ONCE, redemption=ONE_LEFT) as at:
        everybody_serves(at, each=3)
        assert last_item(at, without, each=3)["yes"] > 1


def test_the_condition_alone_guards_a_stock_that_was_read_too_early(tmp_path: Path) -> None:
    with course(tmp_path, str(tmp_path / "county.db"), accounts=AT_ONCE, redemption=ONE_LEFT) as at:
        everybody_serves(at, each=3)
        said = last_item(at, "snapshot", each=3)
        assert (said["yes"], said["yes"] + said["stock"] + said["SoldOutError"]) == (1, PROCESSES * THREADS * 3)


# --- the same key, one hold, gifts crosswise ---


def test_the_same_key_from_four_processes_at_once_has_one_effect_and_identical_answers(
    tmp_path: Path, ledger_address: str
) -> None:
    with course(tmp_path, ledger_address, accounts=AT_ONCE, redemption=TEA) as at:
        for _time in range(TIMES):
            at.serves(ANN, 2)
            before = at.entries()
            command = at.command(Redeem, offer="tea")
            said = at.race(lambda command=command: command, each=2)  # type: ignore[misc]
            assert {(one.entry, one.accepted, one.body) for one in said if isinstance(one, Answer)} == {
                (len(before) + 1, True, said[0].body if isinstance(said[0], Answer) else b"")
            }
            assert sum(isinstance(one, Answer) and not one.replayed for one in said) == 1
            assert at.entries() == [*before, "redeemed"]


def test_a_perk_for_one_use_a_voucher_and_a_refund_are_had_once_though_twenty_ask_for_each(
    tmp_path: Path, ledger_address: str
) -> None:
    with course(tmp_path, ledger_address, accounts=AT_ONCE, redemption=TEA, perks=PERKS) as at:
        for time in range(TIMES):
            who = f"P{time}"
            days = ("2024-05-01", "2024-05-02")
            take_in(at.rulebook, at.ledger, *(served(f"{day} of {who}", f"{day} 09:00", 2, who) for day in days))
            rice, tea = (at.teller.serve(at.command(Redeem, who, offer=offer)).entry for offer in ("rice", "tea"))
            kinds: list[tuple[type[Command], dict[str, Any]]] = [
                (UsePerk, {"perk": "bath"}),
                (Fetch, {"entry": rice}),
                (Refund, {"entry": tea}),
            ]
            work: list[list[list[Work]]] = [
                [[at.command(kind, who, **how) for kind, how in kinds] for _thread in range(THREADS)]
                for _process in range(PROCESSES)
            ]
            said = at.run(work)
            for number, refused in enumerate(("uses", "fetched", "no_redemption")):
                assert told([one[number] for one in said]) == {"yes": 1, refused: 19}
            assert at.sum_of("points", who) == 200


def test_of_a_settlement_a_release_and_the_end_of_one_hold_exactly_one_wins(
    tmp_path: Path, ledger_address: str
) -> None:
    holds = 6
    with course(tmp_path, ledger_address, accounts=KEPT, redemption=TEA) as at:
        for time in range(TIMES):
            first = DAY + timedelta(days=time * holds)
            for _hold in range(holds):
                at.serves(ANN, 1)
            held = [at.teller.serve(at.command(Redeem, on=first, offer="tea")).entry for _hold in range(holds)]
            last = first + timedelta(days=3)
            before, had = at.entries(), at.sum_of("points", ANN)
            settling: list[Callable[[int, date], Work]] = [
                lambda entry, on: at.command(Settle, on=on, entry=entry),
                lambda entry, on: at.command(Release, on=on, entry=entry),
                lambda _entry, on: on + timedelta(days=1),
            ]
            said = at.run([[[how(entry, last) for entry in held] for how in settling] for _process in range(PROCESSES)])
            answers = [one for thread in said for one in thread if isinstance(one, Answer)]
            ended = [one for thread in said for one in thread if not isinstance(one, Answer)]
            assert [one for one in ended if not one.startswith("ended ")] == []
            assert set(told(answers)) <= {"yes", "hold"}
            wins = Counter(kind for kind in at.entries()[len(before) :] if kind != "refused")
            assert wins.total() == holds
            assert wins["settled"] + wins["released"] == told(answers)["yes"]
            assert wins["hold_expired"] == sum(int(one.removeprefix("ended ")) for one in ended)
            assert at.sum_of("points", ANN) == had + 100 * (holds - wins["settled"])
            assert at.sum_of("points/held", ANN) == 0


def test_what_is_over_ends_once_though_four_processes_end_it_at_once(tmp_path: Path, ledger_address: str) -> None:
    people = [f"P{number}" for number in range(20)]
    with course(tmp_path, ledger_address) as at:
        for time in range(TIMES):
            day = DAY + timedelta(days=500 * time)
            records = (served(f"{time} of {who}", f"{day} 09:00", 2, who) for who in people)
            take_in(at.rulebook, at.ledger, *records, on=day)
            for who in people:
                assert at.teller.serve(at.command(Redeem, who, on=day, offer="rice", units=1)).accepted
            said = at.race(lambda day=day: day + timedelta(days=400), threads=2, each=1)  # type: ignore[misc]
            assert sum(int(str(one).removeprefix("ended ")) for one in said) == len(people)
            for who in people:
                assert at.entries(who)[-3:] == ["held", "hold_expired", "expired"]
            assert at.sum_of("points", *people) == at.sum_of("points/held", *people) == 0


def test_gifts_from_a_to_b_and_from_b_to_a_never_wait_crosswise_and_every_reader_sees_one_sum(
    tmp_path: Path, ledger_address: str
) -> None:
    with course(tmp_path, ledger_address, accounts=KEPT) as at:
        for who in (ANN, BEN):
            for _day in range(4):
                at.serves(who, 1)

        def gift() -> Command:
            giver, taker = (ANN, BEN) if at.keys % 2 else (BEN, ANN)
            return at.command(Give, giver, account="points", amount=1, to_whom=Recipient.FRIEND, recipient=taker)

        seen, over = [], Event()

        def look() -> None:
            while not over.is_set():
                seen.append(at.sum_of("points", ANN, BEN))

        reader = Thread(target=look)
        reader.start()
        try:
            for _time in range(TIMES):
                assert told(at.race(gift, threads=3)) == {"yes": 120}
        finally:
            over.set()
            reader.join()
        assert set(seen) == {800}
        assert len(seen) > 10
