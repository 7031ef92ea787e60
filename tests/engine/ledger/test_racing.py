"""Many write to one PostgreSQL at once: the second of two waits, and begins again or is refused; no half is left.

Each test holds one transaction open while a thread runs into it, so that the order is not left to chance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from lianxing.engine.ledger.errors import AlreadyBookedError, ConflictError, LedgerError, RefusedError, SoldOutError
from lianxing.engine.ledger.opening import Ledger, open_ledger
from lianxing.engine.ledger.verifying import verify
from lianxing.engine.ledger.writing import Writing
from lianxing.rules.facts import VolunteerId
from lianxing.rules.records import Volunteer
from tests.engine.ledger.making import (
    COUNTY,
    SECOND,
    VOLUNTEER,
    book,
    holding,
    original,
    record,
    settling,
    with_wallet,
)
from tests.postgres import waits


@pytest.fixture
def ledger(empty_on_postgres: str) -> Iterator[Ledger]:
    with open_ledger(empty_on_postgres, clock=lambda: 1_750_000_000) as opened:
        book(opened, with_wallet(original(record("r1")), 1, 600), with_wallet(original(record("s1", "V2")), 1, 600))
        yield opened


Step = Callable[[Writing], Any]


def race(ledger: Ledger, first: Step, second: Step) -> LedgerError | None:
    """Take the second step in a transaction of its own while the first is not committed; return how it was refused."""

    def do_second() -> None:
        with ledger.writing() as writing:
            second(writing)

    later: Future[None]
    with ThreadPoolExecutor(1) as pool:
        with ledger.writing() as writing:
            first(writing)
            later = pool.submit(do_second)
            waits(ledger.database.engine, later)
        error = later.exception()
    assert verify(ledger) == []
    assert error is None or isinstance(error, LedgerError)
    return error


def booking_of(name: str, volunteer: str) -> Step:
    return lambda writing: writing.book([original(record(name, volunteer))])


def test_two_who_open_the_same_passbook_do_not_open_it_twice(ledger: Ledger) -> None:
    error = race(ledger, booking_of("a", "V3"), booking_of("b", "V3"))
    assert isinstance(error, ConflictError)
    book(ledger, original(record("b", "V3")))
    with ledger.reading() as reading:
        assert reading.balances(VolunteerId("V3"), COUNTY)["points"] == 1_200


def test_who_had_no_passbook_when_it_was_looked_up_does_not_write_to_the_one_that_another_opened(
    ledger: Ledger,
) -> None:
    owner = (VolunteerId("V3"), COUNTY)

    def decide_and_book(writing: Writing) -> None:
        writing.lock([owner])
        assert writing.number(owner) == 0
        book(ledger, original(record("b", "V3")))  # another connection, committed
        assert (writing.number(owner), writing.balances_of([owner])) == (0, {})  # what is decided rests on this
        with pytest.raises(ConflictError):
            writing.book([original(record("a", "V3"))])

    with ledger.writing() as writing:
        decide_and_book(writing)
    with ledger.reading() as reading:
        assert [stored.entry.record for stored in reading.passbook_entries(*owner)] == ["b"]


def test_two_entries_in_one_passbook_come_one_after_the_other(ledger: Ledger) -> None:
    assert race(ledger, booking_of("a", "V1"), booking_of("b", "V1")) is None
    with ledger.reading() as reading:
        assert [stored.entry.record for stored in reading.passbook_entries(VOLUNTEER, COUNTY)] == ["r1", "a", "b"]


def test_of_two_policies_first_used_in_one_second_by_two_writers_one_is_the_older(ledger: Ledger) -> None:
    def saving(digest: str) -> Step:
        return lambda writing: writing.save_policy(digest, COUNTY, "", b"{}")

    assert race(ledger, saving("b"), saving("a")) is None
    assert race(ledger, saving("c"), saving("c")) is None
    with ledger.reading() as reading:
        kept = [reading.policy(digest) for digest in ("b", "a", "c")]
    seconds = [one.first_used_at for one in kept if one is not None]
    assert seconds == [seconds[0], seconds[0] + 1, seconds[0] + 2]


def test_a_record_is_booked_once_whoever_brings_it(ledger: Ledger) -> None:
    assert isinstance(race(ledger, booking_of("a", "V1"), booking_of("a", "V2")), AlreadyBookedError)


def test_the_last_unit_is_sold_once(ledger: Ledger) -> None:
    error = race(
        ledger,
        lambda writing: writing.enter([holding(VOLUNTEER, 1, 100, most=1)]),
        lambda writing: writing.enter([holding(SECOND, 1, 100, most=1)]),
    )
    assert isinstance(error, SoldOutError)


def test_a_hold_is_settled_once(ledger: Ledger) -> None:
    with ledger.writing() as writing:
        writing.enter([holding(VOLUNTEER, 1, 100)])
    error = race(
        ledger,
        lambda writing: writing.enter([settling(VOLUNTEER, 2, 100)]),
        lambda writing: writing.enter([settling(VOLUNTEER, 2, 100)]),
    )
    assert isinstance(error, (ConflictError, RefusedError))


def test_a_policy_saved_by_two_is_saved_once(ledger: Ledger) -> None:
    def save(writing: Writing) -> None:
        writing.save_policy("q" * 64, COUNTY, "", b"q")

    assert race(ledger, save, save) is None


def test_a_person_registered_by_two_is_registered_once(ledger: Ledger) -> None:
    def save(writing: Writing) -> None:
        writing.save_volunteers([Volunteer(VolunteerId("V9"))])

    assert isinstance(race(ledger, save, save), ConflictError)


def test_two_imports_have_two_numbers(ledger: Ledger) -> None:
    def save(writing: Writing) -> None:
        writing.save_import_run(COUNTY, "a.csv", b"{}")

    assert race(ledger, save, save) is None
    with ledger.reading() as reading:
        assert reading.counts()["import_runs"] == 2


def slip(writing: Writing) -> None:
    """Write past this program what would belong to the entry that V1 gets next."""
    writing._connection.exec_driver_sql("INSERT INTO posting VALUES (1, 2, 9, 'honour', 'points', 5, NULL)")


def test_nothing_is_slipped_under_a_seal_that_is_being_set(ledger: Ledger) -> None:
    error = race(ledger, booking_of("a", "V1"), slip)
    assert isinstance(error, RefusedError)
    assert "the entry is sealed" in error.label.en


def test_no_seal_is_set_on_what_another_is_slipping_under_it(ledger: Ledger) -> None:
    """The entry waits, although its own transaction has begun: the other's line finds no entry at its commit."""
    with pytest.raises(RefusedError, match="foreign key"):
        race(ledger, slip, booking_of("a", "V1"))
    with ledger.reading() as reading:
        assert reading.balances(VOLUNTEER, COUNTY)["points"] == 1_200
    assert verify(ledger) == []
