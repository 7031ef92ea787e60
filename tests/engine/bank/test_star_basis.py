"""What is spent or has expired lowers a star: the same story comes to the same star in a case and in a ledger."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lianxing.engine.bank.ending import end_all
from lianxing.engine.bank.replaying import replay
from lianxing.engine.bank.statements import statement
from lianxing.engine.cases import run_case
from lianxing.engine.ledger.opening import open_ledger
from lianxing.engine.passbooks import Passbooks
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.asking_cases import AskingCase
from lianxing.rules.balances import Move, MoveKind
from lianxing.rules.cases import Case, Expected
from lianxing.rules.commands import Redeem, Refund, Release, Settle
from lianxing.rules.places import Location, Source
from lianxing.rules.records import ServiceRecord, Volunteer
from lianxing.rules.standings import Standing
from tests.engine.bank.counter import Counter, codes
from tests.engine.bank.counting_house import ACCOUNTS, ANN, OFFERS, rules, write_county
from tests.plugins.smallville import COUNTY, served

FIRST = date(2024, 1, 1)
SOAP = OFFERS.replace("stock: 3", "stock: unlimited") + (
    "bread: {account: points, price: 1 points, gives: goods, stock: unlimited, per_person: unlimited,"
    " opens: always, when: {stars: {at_least: 1}}, irreversible: no, provider: the shop}\n"
)
EXPIRES = {"by time": "{valid: 1 months}", "with a redemption": "after_redemption", "halved": "{valid: 2 months}"}
HALVED = """\
halved: {on_day: 2024-02-10, points: keep, hours: keep, stars: keep, accounts: {points: {convert: 0.5}}}
"""


def lowering(spending: str, expiry: str) -> str:
    said = f"lowers_the_basis: {{spending: {spending}, expiry: {expiry}, revocation: yes}}\n"
    return COUNTY["stars.yaml"] + said


@pytest.fixture(scope="module")
def counties(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Rulebook]]:
    """Counties by how what was earned ends."""
    with ExitStack() as stack:
        found = {}
        for name, expires in EXPIRES.items():
            accounts = ACCOUNTS.replace("{valid: 12 months}", expires)
            folder = tmp_path_factory.mktemp("lowering") / "smallville"
            more = {"transition": HALVED} if name == "halved" else {}
            written = write_county(folder, stars=lowering("yes", "yes"), accounts=accounts, redemption=SOAP, **more)
            found[name] = stack.enter_context(rules(written))
        yield found


class Told:
    """A story that is told to a ledger as it happens, and written down for a case."""

    def __init__(self, counter: Counter) -> None:
        self.counter, self.on = counter, FIRST
        self.records: list[ServiceRecord] = []
        self.moves: list[Move] = []
        self.spent: list[tuple[int, str]] = []

    def does(self, what: str, days: int) -> None:
        self.on += timedelta(days=max(1, days) if what == "earned" else days)  # there is a limit on a day
        on, name = self.on, str(len(self.moves))
        match what:
            case "earned":
                self.records.append(served(name, f"{on} 09:00", 2))
                self.counter.take(self.records[-1], on=on)
                self.moves.append(Move(on, MoveKind.EARNED, 200))
            case "settled" | "released":
                held = self.counter.ask(Redeem, on, offer="soap")
                self.moves.append(Move(on, MoveKind.RESERVED, 100, name=name))
                if held.accepted:
                    self.on = on = on + timedelta(days=min(days, 3))
                    kind = Settle if what == "settled" else Release
                    assert self.counter.ask(kind, on, entry=held.entry).accepted
                    self.moves.append(Move(on, MoveKind(what), name=name))
                    self.spent += [(held.entry, name)] if what == "settled" else []
            case "refunded" if self.spent:
                entry, name = self.spent.pop()
                assert self.counter.ask(Refund, on, entry=entry).accepted
                self.moves.append(Move(on, MoveKind.REFUNDED, name=name))
            case "ended":
                end_all(self.counter.ledger, self.counter.rulebook, on)

    def in_a_case(self, on: date) -> Standing:
        told = AskingCase(account="points", moves=tuple(self.moves))
        records = tuple(one for one in self.records if one.day <= on)
        at = Location("cases.yaml", 1, 1)
        case = Case("a", at, Source(""), on, Volunteer(ANN), records, {}, None, None, Expected(), asking=told)
        return run_case(self.counter.rulebook, case).standing

    def in_the_ledger(self, on: date) -> Standing:
        return Passbooks(self.counter.ledger, self.counter.rulebook).standing(ANN, on)

    def agrees(self) -> None:
        for on in {FIRST + timedelta(days=9 * n) for n in range(20)} | {move.on for move in self.moves}:
            case, ledger = self.in_a_case(on), self.in_the_ledger(on)
            assert (case.measures, case.star_reached, case.gaps) == (ledger.measures, ledger.star_reached, ledger.gaps)
        assert replay(self.counter.ledger, [self.counter.rulebook]).differences == []


DEEDS = st.tuples(
    st.sampled_from(("earned", "earned", "earned", "settled", "settled", "released", "refunded", "ended")),
    st.integers(0, 15),
)


@pytest.mark.parametrize("expires", EXPIRES)
@settings(max_examples=8)
@given(story=st.lists(DEEDS, min_size=4, max_size=14))
def test_a_story_comes_to_the_same_star_in_a_case_and_in_a_ledger_on_every_day(
    counties: dict[str, Rulebook], expires: str, story: list[tuple[str, int]]
) -> None:
    with tempfile.TemporaryDirectory() as folder, open_ledger(f"{folder}/a.db") as ledger:
        told = Told(Counter(counties[expires], ledger))
        told.does("earned", 0)
        for what, days in story:
            told.does(what, days)
        told.agrees()


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_who_has_spent_stands_lower_at_the_counter_on_the_statement_and_when_it_is_decided_again(
    tmp_path: Path, counties: dict[str, Rulebook], database: str, request: pytest.FixtureRequest
) -> None:
    county = counties["by time"]
    address = str(tmp_path / "a.db") if database == "sqlite" else request.getfixturevalue("postgres_url")
    with open_ledger(address) as ledger:
        told = Told(Counter(county, ledger))
        for what in ("earned", "earned", "settled", "settled", "refunded", "released"):
            told.does(what, 1)
        told.agrees()
        on, counter = told.on, told.counter
        assert told.in_the_ledger(on).star_reached == 1
        again = [counter.command(Redeem, on, offer="bread"), counter.command(Redeem, on, offer="bread")]
        first, second = counter.teller.serve_all(again)
        assert not isinstance(first, Exception)
        assert not isinstance(second, Exception)
        assert first.accepted
        assert second.accepted
        both = [counter.command(Settle, on, entry=one.entry) for one in (first, second)]
        *_settled, refused = counter.teller.serve_all([*both, counter.command(Redeem, on, offer="bread")])
        assert not isinstance(refused, Exception)
        assert codes(refused) == ["not_eligible"]
        (missing,) = statement(ledger, county, ANN, None, on).standing.gaps
        assert missing.lacking == 100
        assert replay(ledger, [county]).differences == []


def test_what_was_spent_before_a_change_of_rules_takes_nothing_from_what_begins_anew(tmp_path: Path) -> None:
    again = "anew: {on_day: 2024-02-01, points: restart, hours: keep, stars: rated_again}\n"
    written = write_county(
        tmp_path / "smallville", stars=lowering("yes", "no"), transition=again, accounts=ACCOUNTS, redemption=SOAP
    )
    with rules(written) as rulebook, open_ledger(f"{tmp_path}/a.db") as ledger:
        told = Told(Counter(rulebook, ledger))
        for what, days in (("earned", 0), ("settled", 1), ("earned", 31)):
            told.does(what, days)
        assert told.in_the_ledger(date(2024, 1, 31)).star_reached == 0
        assert told.in_the_ledger(told.on).star_reached == 1
        told.agrees()


def test_a_star_that_is_kept_below_its_condition_outlasts_spending_and_another_does_not(
    tmp_path: Path,
) -> None:
    for below, held in (("keep", 1), ("downgrade", 0)):
        stars = lowering("yes", "no").replace("{by: automatic}", f"{{by: automatic, below: {below}}}")
        folder = tmp_path / below
        written = write_county(folder / "smallville", stars=stars, redemption=SOAP)
        with rules(written) as rulebook, open_ledger(f"{folder}/a.db") as ledger:
            told = Told(Counter(rulebook, ledger))
            for what, days in (("earned", 0), ("settled", 5)):
                told.does(what, days)
            assert told.in_the_ledger(told.on - timedelta(days=1)).star_held == 1
            later = told.on + timedelta(days=20)
            assert (told.in_the_ledger(later).star_held, told.in_a_case(later).star_held) == (held, held)


def test_what_has_ended_is_gone_on_the_day_after_its_last_whenever_it_is_booked(
    tmp_path: Path, counties: dict[str, Rulebook]
) -> None:
    rulebook = counties["by time"]
    with open_ledger(f"{tmp_path}/a.db") as ledger:
        counter = Counter(rulebook, ledger)
        counter.take(served("first", "2024-01-01 09:00", 2), on=FIRST)
        counter.take(served("late", "2024-01-10 09:00", 2), on=date(2024, 2, 5))  # books that the first has ended
        counter.take(served("too late", "2024-01-02 09:00", 2), on=date(2024, 3, 1))  # is over when it comes

        def totals() -> list[int]:
            days = (FIRST, date(2024, 1, 10), date(2024, 2, 1), date(2024, 2, 2), date(2024, 2, 3), date(2024, 2, 11))
            return [Passbooks(ledger, rulebook).standing(ANN, day).measures[0].sum for day in days]

        assert totals() == [200, 600, 600, 400, 200, 0]
        end_all(ledger, rulebook, date(2024, 6, 1))
        assert totals() == [200, 600, 600, 400, 200, 0]
        assert replay(ledger, [rulebook]).differences == []
