"""A server writes what was entered while the next is decided: all of it is there at the end, or nothing."""

from __future__ import annotations

import pytest

from lianxing.engine.ledger.drafts import Booking
from lianxing.engine.ledger.errors import AlreadyBookedError, InvalidError, LedgerError
from lianxing.engine.ledger.opening import Ledger
from lianxing.engine.ledger.verifying import verify
from lianxing.engine.ledger.writing import Writing
from tests.engine.ledger.making import COUNTY, POLICY, SECOND, VOLUNTEER, original, record, with_wallet

R1, R2, R3 = record("r1"), record("r2"), record("s1", "V2")


@pytest.fixture
def furnished(ledger: Ledger) -> Ledger:
    with ledger.writing() as writing:
        writing.save_policy(POLICY, COUNTY, "攸县", b"stars: {}")
    return ledger


def people(ledger: Ledger) -> list[str]:
    with ledger.reading() as reading:
        return list(reading.volunteer_ids(COUNTY))


def stream(writing: Writing, *portions: Booking) -> None:
    with writing.streaming():
        for one in portions:
            writing.book([one])


def test_what_was_entered_in_several_portions_is_all_there(furnished: Ledger) -> None:
    with furnished.writing() as writing, writing.streaming():
        first = writing.book([with_wallet(original(R1), 1, 600)])
        writing.push()
        more = writing.book([with_wallet(original(R2), 2, 600), with_wallet(original(R3), 1, 600)])
        assert [entry.id for entry in (*first, *more)] == [1, 2, 1]
    with furnished.reading() as reading:
        assert reading.accounts(VOLUNTEER, COUNTY)["wallet", "points"] == 1_200
        assert reading.accounts(SECOND, COUNTY)["wallet", "points"] == 600
    assert verify(furnished) == []


def test_what_is_read_meanwhile_is_what_was_entered_before(furnished: Ledger) -> None:
    with furnished.writing() as writing, writing.streaming():
        writing.book([with_wallet(original(R1), 1, 600)])
        assert writing.accounts(VOLUNTEER, COUNTY)["wallet", "points"] == 600
        writing.book([with_wallet(original(R3), 1, 600)])
        assert writing.accounts(SECOND, COUNTY)["wallet", "points"] == 600
    assert verify(furnished) == []


def test_where_a_portion_cannot_be_kept_nothing_of_the_others_is_and_the_transaction_goes_on(furnished: Ledger) -> None:
    with furnished.writing() as writing:
        with pytest.raises(InvalidError):
            stream(writing, original(R1), original(R2, points=10**16))
        writing.book([original(R3)])
    assert people(furnished) == [SECOND]
    assert verify(furnished) == []


def test_a_record_that_is_booked_already_is_named_at_the_end(furnished: Ledger) -> None:
    with furnished.writing() as writing:
        writing.book([original(R1)])
    with furnished.writing() as writing:
        with pytest.raises(AlreadyBookedError, match="r1"):
            stream(writing, original(R3), original(R1), original(R2))
        assert writing.accounts(SECOND, COUNTY) == {}
    assert people(furnished) == [VOLUNTEER]
    assert verify(furnished) == []


def test_what_the_database_refuses_in_one_portion_takes_the_later_ones_with_it(furnished: Ledger) -> None:
    twice = with_wallet(original(R2), 1, 600)  # a second lot of the same number
    with pytest.raises(LedgerError), furnished.writing() as writing:
        stream(writing, with_wallet(original(R1), 1, 600), twice, with_wallet(original(R3), 1, 600))
    assert people(furnished) == []
    assert verify(furnished) == []
