"""Any sequence of bookings and adjustments leaves a ledger that holds, with balances that are the sums."""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lianxing.engine.ledger.errors import AlreadyBookedError
from lianxing.engine.ledger.opening import open_ledger
from lianxing.engine.ledger.verifying import verify
from lianxing.engine.ledger.writing import Booking
from lianxing.rules.facts import CountyId, VolunteerId
from lianxing.rules.records import ServiceRecord
from tests.engine.ledger.making import COUNTY, POLICY, adjusting, original, record
from tests.postgres import empty

amounts = st.one_of(st.just(0), st.integers(-500, 500), st.integers(-(10**12), 10**12))
# Names are few, so that records come twice; an adjustment picks one of the originals booked before its batch.
steps = st.tuples(
    st.sampled_from(["original", "original", "adjusting"]),
    st.integers(0, 30),
    st.sampled_from(["V1", "V2", "志愿者"]),
    st.sampled_from(["youxian", "wuling"]),
    amounts,
    amounts,
)
batches = st.lists(steps, max_size=12)
transactions = st.lists(st.tuples(st.lists(batches, max_size=3), st.booleans()), max_size=5)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("empty") / "empty.db"
    with open_ledger(str(path)) as ledger, ledger.writing() as writing:
        writing.save_policy(POLICY, COUNTY, "", b"")
    return path


class GivenUpError(Exception):
    pass


Plan = list[tuple[list[list[tuple[str, int, str, str, int, int]]], bool]]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(transactions)
def test_any_bookings_keep_every_invariant_and_balances_are_sums(template: Path, plan: Plan) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "county.db"
        shutil.copyfile(template, path)
        check(str(path), plan)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(transactions)
def test_the_same_on_postgresql(empty_on_postgres: str, plan: Plan) -> None:
    empty(empty_on_postgres)
    with open_ledger(empty_on_postgres) as ledger, ledger.writing() as writing:
        writing.save_policy(POLICY, COUNTY, "", b"")
    check(empty_on_postgres, plan)


def check(address: str, plan: Plan) -> None:
    kept: dict[str, tuple[ServiceRecord, int, list[int]]] = {}
    with open_ledger(address) as ledger:
        for batches_of_one, given_up in plan:
            now = {name: (of, entry, list(net)) for name, (of, entry, net) in kept.items()}
            try:
                with ledger.writing() as writing:
                    for batch in batches_of_one:
                        bookings = [booking for step in batch if (booking := booking_of(step, now))]
                        names = [booking.record.id for booking in bookings if booking.kind == "original"]
                        twice = len(set(names)) < len(names) or any(name in now for name in names)
                        try:
                            entries = writing.book(bookings)
                        except AlreadyBookedError:
                            assert twice
                            continue
                        assert not twice
                        for booking, entry in zip(bookings, entries, strict=True):
                            _, _, net = now.setdefault(booking.record.id, (booking.record, entry.id, [0, 0]))
                            net[0] += booking.seconds
                            net[1] += booking.points
                    if given_up:
                        raise GivenUpError
                kept = now
            except GivenUpError:
                pass
        assert verify(ledger) == []
        sums: dict[tuple[VolunteerId, CountyId], list[int]] = defaultdict(lambda: [0, 0])
        for of, _, net in kept.values():
            sums[of.volunteer, of.county][0] += net[0]
            sums[of.volunteer, of.county][1] += net[1]
        with ledger.reading() as reading:
            assert reading.counts()["records"] == len(kept)
            for (person, county), (seconds, points) in sums.items():
                assert reading.balances(person, county) == {"seconds": seconds, "points": points}
                for held in reading.histories(county, [person])[person]:
                    of, entry_id, net = kept[held.record.id]
                    assert (held.record, held.entry, [held.seconds, held.points]) == (of, entry_id, net)


def booking_of(
    step: tuple[str, int, str, str, int, int], now: dict[str, tuple[ServiceRecord, int, list[int]]]
) -> Booking | None:
    kind, number, volunteer, county, seconds, points = step
    if kind == "original":
        return original(record(f"r{number}", volunteer, county), seconds, points)
    if not now:
        return None
    of, entry, _ = now[sorted(now)[number % len(now)]]
    return adjusting(of, entry, seconds, points)
