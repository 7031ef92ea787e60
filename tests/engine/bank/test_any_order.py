"""However records arrive, are corrected and are taken back while people redeem: earned is what one pass earns.

And a redemption keeps the answer that it got; what is missing where a record is taken back is settled as the county
says. A registry that numbers its versions may bring them in any order: the highest counts. Twelve histories of each
kind of county; 500 in the long mode (`LIANXING_LONG=1`).
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lianxing import ServiceRecord
from lianxing.engine.bank.replaying import replay
from lianxing.engine.bank.tellers import Answer, Teller
from lianxing.engine.ledger.opening import Ledger, open_ledger
from lianxing.engine.ledger.verifying import verify
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.commands import Command, Redeem, Refund
from lianxing.rules.facts import RecordId, RegistryId, VolunteerId
from lianxing.rules.records import Withdrawn
from tests.engine.bank.counting_house import DAY, HERE, rules, take_in, write_county
from tests.plugins.smallville import served

EXAMPLES = 500 if os.environ.get("LIANXING_LONG") else 12
PEOPLE = (VolunteerId("V1"), VolunteerId("V2"))
ACCOUNTS = """
points:
  holder: person
  unit: points
  earned_from: points
  spent_on: [goods]
  expires: never
  spends_first: oldest
  storage: unlimited
  overdraft: none
  transfer: none
  shortfall: SHORTFALL
"""
OFFERS = """
soap: {account: points, price: 1 points, gives: goods, opens: always, per_person: unlimited, stock: unlimited,
  irreversible: no, provider: the shop}
"""

content = st.tuples(
    st.sampled_from(("2024-05-01", "2024-05-02")),
    st.integers(8, 20),
    st.integers(1, 3),
    st.sampled_from(("training", "tutoring")),
    st.sampled_from(PEOPLE),
)
# Of each record the versions that its registry has had, None where it was taken back.
stories = st.lists(
    st.lists(st.one_of(content, content, st.none()), min_size=1, max_size=4, unique_by=repr), min_size=1, max_size=6
)


@pytest.fixture(scope="module")
def counties(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Rulebook]]:
    with ExitStack() as stack:
        found = {}
        for shortfall in ("debt", "clamp", "forbid"):
            folder = tmp_path_factory.mktemp(shortfall) / "smallville"
            written = write_county(folder, accounts=ACCOUNTS.replace("SHORTFALL", shortfall), redemption=OFFERS)
            found[shortfall] = stack.enter_context(rules(written))
        yield found


def record(number: int, of: tuple[str, int, int, str, VolunteerId]) -> ServiceRecord:
    day, hour, hours, category, person = of
    return replace(served(str(number), f"{day} {hour:02}:00", hours, category=category), volunteer=person)


def said(number: int, of: tuple[str, int, int, str, VolunteerId] | None, nth: int) -> ServiceRecord | Withdrawn:
    """What a registry says of a record, numbered where `nth` is not 0."""
    if of is None:
        return Withdrawn(RecordId(str(number)), RegistryId("test"), version=nth)
    return replace(record(number, of), version=nth)


def earned(ledger: Ledger) -> dict[str, object]:
    with ledger.reading() as reading:
        histories = reading.histories(HERE, PEOPLE)
        return {
            person: (reading.balances(person, HERE), [(one.record.id, one.seconds, one.points) for one in history])
            for person, history in histories.items()
        }


def settled(ledger: Ledger, person: VolunteerId, shortfall: str) -> int:
    """What the account comes to, entry by entry: below zero only where the county lets somebody owe.

    What of a record was written off is not paid a second time where the record comes again.
    """
    balance, off = 0, Counter[str]()
    with ledger.reading() as reading:
        for one in reading.passbook_entries(person, HERE):
            spent = sum(line.amount for line in one.postings if line.account.startswith("redeemed/"))
            paid_before = min(off[one.entry.record], max(0, one.entry.points))
            off[one.entry.record] -= paid_before
            balance += one.entry.points - paid_before - spent
            if shortfall != "debt" and balance < 0:
                off[one.entry.record] -= balance
                balance = 0
    return balance


@pytest.mark.parametrize("shortfall", ["debt", "clamp", "forbid"])
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(story=stories, together=st.lists(st.booleans(), min_size=1, max_size=6), numbered=st.booleans(), data=st.data())
def test_any_order_of_arrival_correction_and_redemption_earns_what_one_pass_earns_and_keeps_every_answer(
    counties: dict[str, Rulebook],
    shortfall: str,
    story: list[list[tuple[str, int, int, str, VolunteerId] | None]],
    together: list[bool],
    numbered: bool,
    data: st.DataObject,
) -> None:
    rulebook = counties[shortfall]
    left = {number: list(enumerate(versions, 1)) for number, versions in enumerate(story)}
    last: dict[int, tuple[str, int, int, str, VolunteerId] | None] = {}
    if numbered:
        last = {number: versions[-1] for number, versions in enumerate(story)}
    answers: list[tuple[Command, Answer]] = []
    delivery: list[ServiceRecord | Withdrawn] = []
    with tempfile.TemporaryDirectory() as folder:
        with open_ledger(str(Path(folder) / "in_any_order.db")) as ledger:
            teller = Teller(ledger, rulebook)
            while left:
                number = data.draw(st.sampled_from(sorted(left)))
                nth, version = left[number].pop(data.draw(st.integers(0, len(left[number]) - 1)) if numbered else 0)
                if not left[number]:
                    del left[number]
                if not numbered and version is None and last.get(number) is None:
                    continue  # nothing is there to be taken back
                if not numbered:
                    last[number] = version
                delivery.append(said(number, version, nth if numbered else 0))
                if left and together[number % len(together)]:
                    continue  # the next one comes with the same delivery
                take_in(rulebook, ledger, *delivery)
                delivery = []
                for units in data.draw(st.lists(st.integers(-2, 3), max_size=3)):
                    person, key = data.draw(st.sampled_from(PEOPLE)), f"k{len(answers)}"
                    command: Command = Redeem(
                        volunteer=person, county=HERE, on=DAY, scope="shop", key=key, offer="soap", units=units
                    )
                    if units < 0 and answers:
                        before, given = data.draw(st.sampled_from(answers))
                        command = Refund(
                            volunteer=before.volunteer, county=HERE, on=DAY, scope="shop", key=key, entry=given.entry
                        )
                    answers.append((command, teller.serve(command)))
            take_in(rulebook, ledger, *delivery)
            came = earned(ledger)
            for command, answer in answers:
                assert teller.serve(command) == replace(answer, replayed=True)
            with ledger.reading() as reading:
                for person in PEOPLE:
                    has = reading.accounts(person, HERE)
                    owed = has.get(("points/debt", "points"), 0)
                    assert owed == 0 or shortfall == "debt"
                    assert has.get(("points", "points"), 0) + owed == settled(ledger, person, shortfall)
            assert verify(ledger) == []
            assert replay(ledger, [rulebook]).differences == []
        with open_ledger(str(Path(folder) / "in_order.db")) as ledger:
            in_order = [record(number, version) for number, version in last.items() if version is not None]
            take_in(rulebook, ledger, *sorted(in_order, key=lambda one: one.order))
            assert came == earned(ledger)


def test_whoever_has_spent_has_room_again_in_the_account_and_earns_the_same(tmp_path: Path) -> None:
    capped = ACCOUNTS.replace("SHORTFALL", "debt").replace("unlimited", "{at_most: 3 points, overflow: lost}")
    written = write_county(tmp_path / "smallville", accounts=capped, redemption=OFFERS)
    with rules(written) as rulebook, open_ledger(str(tmp_path / "capped.db")) as ledger:

        def comes(number: int) -> int:
            take_in(rulebook, ledger, record(number, (f"2024-05-0{number}", 9, 2, "tutoring", PEOPLE[0])))
            with ledger.reading() as reading:
                assert reading.balances(PEOPLE[0], HERE)["points"] == 200 * number
                return reading.accounts(PEOPLE[0], HERE)["points", "points"]

        assert [comes(1), comes(2)] == [200, 300]
        soap = Redeem(volunteer=PEOPLE[0], county=HERE, on=DAY, scope="shop", key="k", offer="soap", units=2)
        assert Teller(ledger, rulebook).serve(soap).accepted
        assert comes(3) == 300
