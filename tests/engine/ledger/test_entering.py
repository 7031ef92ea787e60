"""Entries of every kind: lots, holds, the stock of an offer, keys, closing; what is refused is refused whole."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select, text

from lianxing.engine.ledger.drafts import Draft, Key, Line, LotLine, NewHold, NewLot, NewRedemption, Taking
from lianxing.engine.ledger.errors import AlreadyBookedError, ConflictError, InvalidError, RefusedError, SoldOutError
from lianxing.engine.ledger.opening import Ledger
from lianxing.engine.ledger.tables import floor_change, hold, lot, passbook, stock
from lianxing.engine.ledger.verifying import verify
from lianxing.rules.facts import CountyId, VolunteerId
from lianxing.rules.records import Volunteer
from tests.engine.ledger.making import (
    COUNTY,
    POLICY,
    REGISTRY,
    SECOND,
    UNTIL,
    VOLUNTEER,
    book,
    furnish,
    holding,
    original,
    record,
    releasing,
    settling,
    with_wallet,
    withdrawing,
)

R1 = record("r1")


@pytest.fixture
def rich(ledger: Ledger) -> Ledger:
    """V1 and V2 have 6 points each in their wallets, as one lot."""
    book(ledger, with_wallet(original(R1), 1, 600), with_wallet(original(record("s1", "V2")), 1, 600))
    return ledger


def wallet(ledger: Ledger, volunteer: VolunteerId = VOLUNTEER) -> tuple[int, int, int]:
    """Available, held, left of the first lot."""
    with ledger.reading() as reading:
        accounts = reading.accounts(volunteer, COUNTY)
        left = reading._connection.execute(
            select(lot.c.remaining)
            .join(passbook, passbook.c.id == lot.c.passbook)
            .where(passbook.c.volunteer == volunteer)
        ).scalar_one()
    return accounts["wallet", "points"], accounts.get(("wallet/held", "points"), 0), left


def taken(ledger: Ledger) -> int:
    with ledger.reading() as reading:
        return reading._connection.execute(select(stock.c.taken)).scalar_one_or_none() or 0


def enter(ledger: Ledger, *drafts: Draft) -> list[int]:
    with ledger.writing() as writing:
        return [entry.id for entry in writing.enter(drafts)]


def test_what_is_held_is_taken_from_the_wallet_its_lot_and_the_stock(rich: Ledger) -> None:
    assert enter(rich, holding(VOLUNTEER, 1, 200, units=2)) == [2]
    assert (wallet(rich), taken(rich)) == ((400, 200, 400), 2)
    assert verify(rich) == []


def test_a_settled_hold_is_spent_and_a_released_one_comes_back(rich: Ledger) -> None:
    enter(rich, holding(VOLUNTEER, 1, 200), holding(VOLUNTEER, 1, 100))
    enter(rich, settling(VOLUNTEER, 2, 200))
    enter(rich, releasing(VOLUNTEER, 3, 1, 100))
    assert (wallet(rich), taken(rich)) == ((400, 0, 400), 1)
    with rich.reading() as reading:
        assert reading._connection.execute(select(hold.c.entry, hold.c.ended_by)).all() == [(2, 4), (3, 5)]
    assert verify(rich) == []


@pytest.mark.parametrize("ending", [settling(VOLUNTEER, 2, 200), releasing(VOLUNTEER, 2, 1, 200)])
def test_a_hold_ends_once(rich: Ledger, ending: Draft) -> None:
    enter(rich, holding(VOLUNTEER, 1, 200), holding(VOLUNTEER, 1, 300))
    enter(rich, settling(VOLUNTEER, 2, 200))
    with pytest.raises(ConflictError):
        enter(rich, ending)
    with pytest.raises(ConflictError):
        enter(rich, dataclasses.replace(ending, ends=77))
    assert wallet(rich) == (100, 300, 100)
    assert verify(rich) == []


def test_the_last_unit_is_taken_once_and_the_refused_entry_leaves_nothing(rich: Ledger) -> None:
    enter(rich, holding(VOLUNTEER, 1, 100, units=2, most=3))
    with pytest.raises(SoldOutError, match="youxian/rice: the stock does not reach"):
        enter(rich, holding(SECOND, 1, 100, units=2, most=3))
    assert (wallet(rich, SECOND), taken(rich)) == ((600, 0, 600), 2)
    assert enter(rich, holding(SECOND, 1, 100, units=1, most=3)) == [2]
    assert taken(rich) == 3
    with pytest.raises(SoldOutError):
        enter(rich, holding(SECOND, 1, 100, units=1, most=3))
    assert verify(rich) == []


@pytest.mark.parametrize("back_first", [True, False], ids=["given back first", "given back last"])
def test_what_is_given_back_in_the_same_call_does_not_lift_the_limit_of_the_stock(
    rich: Ledger, back_first: bool
) -> None:
    enter(rich, holding(VOLUNTEER, 1, 100, units=1, most=3), holding(SECOND, 1, 100, units=2, most=3))
    taking, back = holding(VOLUNTEER, 1, 100, units=2, most=3), releasing(VOLUNTEER, 2, 1, 100, units=1)
    with pytest.raises(SoldOutError):
        enter(rich, *([back, taking] if back_first else [taking, back]))
    assert taken(rich) == 3
    enter(rich, holding(VOLUNTEER, 1, 100, units=1, most=4), back)
    assert verify(rich) == []


def test_two_people_in_one_call_do_not_get_the_last_unit_both(rich: Ledger) -> None:
    with pytest.raises(SoldOutError):
        enter(rich, holding(VOLUNTEER, 1, 100, most=1), holding(SECOND, 1, 100, most=1))
    assert (wallet(rich), wallet(rich, SECOND), taken(rich)) == ((600, 0, 600), (600, 0, 600), 0)


def test_more_than_was_taken_is_not_given_back(rich: Ledger) -> None:
    enter(rich, holding(VOLUNTEER, 1, 100))
    with pytest.raises(SoldOutError):
        enter(rich, releasing(VOLUNTEER, 2, 1, 100, units=2))
    assert taken(rich) == 1


def test_a_wallet_does_not_fall_below_its_floor(rich: Ledger) -> None:
    with pytest.raises(RefusedError, match=r"balance_floor|lot_remaining"):
        enter(rich, holding(VOLUNTEER, 1, 601))
    assert wallet(rich) == (600, 0, 600)


def test_more_than_a_lot_holds_is_not_taken_from_it(rich: Ledger) -> None:
    with pytest.raises(RefusedError, match="lot_remaining"):
        enter(rich, dataclasses.replace(holding(VOLUNTEER, 1, 100), lots=(LotLine("wallet", 1, -601),)))


@pytest.mark.parametrize("lines", [(), (Line("wallet", "points", -100),), (Line("meal", "uses", 1),)])
def test_an_entry_that_is_not_balanced_is_refused(rich: Ledger, lines: tuple[Line, ...]) -> None:
    draft = dataclasses.replace(holding(VOLUNTEER, 1, 100), lines=lines, seconds=0 if lines else 5)
    with pytest.raises(RefusedError, match="not balanced"):
        enter(rich, draft)
    assert verify(rich) == []


def test_a_move_of_a_lot_that_is_not_there_is_refused(rich: Ledger) -> None:
    with pytest.raises(ConflictError):
        enter(rich, dataclasses.replace(holding(VOLUNTEER, 1, 100), lots=(LotLine("wallet", 2, -100),)))


def test_a_key_is_used_once_and_another_scope_is_another_key(rich: Ledger) -> None:
    enter(rich, holding(VOLUNTEER, 1, 100, key="k1"))
    with pytest.raises(RefusedError, match=r"(?i)unique"):
        enter(rich, holding(SECOND, 1, 100, key="k1"))
    enter(rich, dataclasses.replace(holding(SECOND, 1, 100), key=Key("other", "k1", "a")))
    assert (wallet(rich), wallet(rich, SECOND)) == ((500, 100, 500), (500, 100, 500))
    assert verify(rich) == []


def test_after_a_refused_call_the_transaction_goes_on_as_if_it_had_not_been_made(rich: Ledger) -> None:
    with rich.writing() as writing:
        writing.enter([holding(VOLUNTEER, 1, 100)])
        with pytest.raises(SoldOutError):
            writing.enter([holding(VOLUNTEER, 1, 100), holding(SECOND, 1, 100, most=1)])
        with pytest.raises(InvalidError):
            writing.save_volunteers([Volunteer(VolunteerId("V1")), Volunteer(VolunteerId(""))])
        (entry,) = writing.enter([holding(VOLUNTEER, 1, 50)])
        assert entry.id == 3
    assert wallet(rich) == (450, 150, 450)
    assert verify(rich) == []


def test_a_floor_is_written_when_it_changes_and_only_then(rich: Ledger) -> None:
    def with_floor(floor: int | None) -> Draft:
        return dataclasses.replace(holding(VOLUNTEER, 1, 10), floors=(("wallet", "points", floor),))

    enter(rich, with_floor(0), with_floor(0), with_floor(-5), with_floor(None), with_floor(None), with_floor(0))
    with rich.reading() as reading:
        rows = reading._connection.execute(
            select(floor_change.c.entry, floor_change.c.floor).where(floor_change.c.passbook == 1)
        ).all()
    assert rows == [(1, 0), (4, -5), (5, None), (7, 0)]
    assert verify(rich) == []


def test_an_account_that_was_posted_to_without_a_floor_gets_one_later_in_the_same_transaction(ledger: Ledger) -> None:
    pool = (Line("gift/debt", "points", 5), Line("issued", "points", -5, own=False))
    first = Draft("gift", VOLUNTEER, COUNTY, UNTIL, POLICY, b"{}", lines=pool)
    with ledger.writing() as writing:
        writing.save_policy(POLICY, COUNTY, "", b"")
        writing.enter([first, dataclasses.replace(first, floors=(("gift/debt", "points", 0),))])
    back = (Line("gift/debt", "points", -11), Line("issued", "points", 11, own=False))
    with pytest.raises(RefusedError, match="balance_floor"):
        enter(ledger, dataclasses.replace(first, lines=back))
    assert verify(ledger) == []


def test_closing_is_kept_with_the_passbook(ledger: Ledger) -> None:
    furnish(ledger)
    with ledger.reading() as reading:
        rows = reading._connection.execute(
            text("SELECT volunteer, county, closed_on FROM passbook WHERE closed_on IS NOT NULL")
        ).all()
    assert rows == [("V2", "wuling", "2025-05-01")]


def test_a_withdrawn_record_may_come_again_with_somebody_else(ledger: Ledger) -> None:
    book(ledger, original(R1))
    (withdrawn, again) = book(ledger, withdrawing(R1, 1, 1, -7_200, -600), original(record("r1", "V2")))
    assert (withdrawn.volunteer, withdrawn.id, again.volunteer, again.id) == ("V1", 2, "V2", 1)
    with ledger.reading() as reading:
        assert reading.owners(REGISTRY, [R1.id]) == {R1.id: ("V2", COUNTY)}
        assert [held.record.volunteer for held in reading.held(R1.id)] == ["V2"]
        assert reading.balances(VOLUNTEER, COUNTY) == {"points": 0, "seconds": 0}
        assert reading.histories(COUNTY, [VOLUNTEER]) == {VOLUNTEER: []}
    with pytest.raises(AlreadyBookedError):
        book(ledger, original(R1))
    assert verify(ledger) == []


WRONG: list[tuple[str, Any]] = [
    ("kind", ""),
    ("kind", None),
    ("county", 7),
    ("actor", "\ud800"),
    ("actor", None),
    ("reason", "a\0b"),
    ("effective_on", datetime(2025, 1, 1)),  # noqa: DTZ001
    ("effective_on", "2025-01-01"),
    ("seconds", 0.0),
    ("points", True),
    ("ends", 1.0),
    ("body", "{}"),
    ("lines", (Line("wallet", "points", 1.0),)),  # type: ignore[arg-type]
    ("lines", (Line("wallet", "points", 10**15 + 1),)),
    ("floors", (("wallet", "points", 0.0),)),
    ("floors", (("", "points", 0),)),
    ("lots", (LotLine("wallet", True, 1),)),
    ("lots", (LotLine("wallet", 1, -100.0),)),  # type: ignore[arg-type]
    ("opened", (NewLot("wallet", 2, UNTIL, UNTIL, "", 1.0),)),  # type: ignore[arg-type]
    ("opened", (NewLot("wallet", 2, UNTIL, None, "", 1),)),  # type: ignore[arg-type]
    ("hold", NewHold("wallet", True, UNTIL)),
    ("redemption", NewRedemption(UNTIL, "rice", "shop", 1, 100, 1.0)),  # type: ignore[arg-type]
    ("hold", NewHold("wallet", 100, datetime(2025, 1, 1))),  # noqa: DTZ001
    ("takes", (Taking("", 1, None),)),
    ("takes", (Taking("rice", 1.0, None),)),  # type: ignore[arg-type]
    ("key", Key("counter", "", "a")),
    ("key", Key("counter", "\ud800", "a")),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_value_that_no_ledger_can_hold_is_refused(rich: Ledger, name: str, value: Any) -> None:
    with pytest.raises(InvalidError):
        enter(rich, dataclasses.replace(holding(VOLUNTEER, 1, 100), **{name: value}))
    assert wallet(rich) == (600, 0, 600)


def test_an_entry_names_a_policy_that_was_saved_or_none(rich: Ledger) -> None:
    with pytest.raises(RefusedError, match="was never saved"):
        enter(rich, dataclasses.replace(holding(VOLUNTEER, 1, 100), policy_digest="unknown"))
    assert enter(rich, Draft("registered", VolunteerId("V9"), CountyId(""), UNTIL, None, b"{}")) == [1]
