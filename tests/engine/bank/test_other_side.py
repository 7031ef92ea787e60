"""What passes between passbooks is decided again on both sides: a forger has to make both fit the rules, and cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import Connection

from lianxing.engine import wallets
from lianxing.engine.bank.ending import end_all
from lianxing.engine.bank.passing import Passing
from lianxing.engine.bank.replaying import Difference, replay
from lianxing.engine.bank.tellers import Teller
from lianxing.engine.ledger.opening import Ledger, open_ledger
from lianxing.engine.ledger.verifying import verify
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.wallet import BORROWED, Done, Wallet
from lianxing.engine.wallet_booking import WalletBooking
from lianxing.rules.accounts import Account, Purpose, Recipient
from lianxing.rules.closures import ClosingEvent
from lianxing.rules.commands import Close, Command, Declare, Give, Grant, Redeem, Refund, Release, Reserve, Settle
from lianxing.rules.facts import VolunteerId
from lianxing.rules.families import Relation
from lianxing.rules.records import ServiceRecord, Volunteer, Withdrawn
from lianxing.rules.redeeming import Reason
from tests.engine.bank.counting_house import ANN, BEN, DAY, HERE, rules, take_in, write_county
from tests.engine.bank.forging import copy_of, exchange, forged
from tests.engine.bank.test_pools import ACCOUNTS, CHEST, CLUB, FACTS, GROUP, HOUR, MEASURES, OFFERS, Asks, of_club
from tests.engine.bank.test_replaying import Clock, entries_of, insert, number_of, rewrite, scale
from tests.plugins.smallville import served

CLOSES = "closure: {death: inherited, moving: portable, leaving: to_pool}, transfer: {to_whom: [spouse"
HEIRS = ACCOUNTS.replace("transfer: {to_whom: [spouse", CLOSES)
CHAPTERS = {"county": FACTS, "accounts": HEIRS, "redemption": OFFERS, "measures": MEASURES}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rulebook]:
    with rules(write_county(tmp_path_factory.mktemp("county") / "smallville", **CHAPTERS)) as made:
        yield made


@pytest.fixture
def ledger(tmp_path: Path, town: Rulebook) -> Iterator[Ledger]:
    """The pool has earned two hours, lent one of them and got one more; Ann died, and Ben has what was hers."""
    with open_ledger(str(tmp_path / "bank.db"), clock=Clock()) as made:
        take_in(town, made, served("g1", "2024-05-01 09:00", 2, "G1"), volunteers=(GROUP,))
        take_in(town, made, of_club(served("a1", "2024-05-02 09:00", 2)))
        asks = Asks(made, town)
        assert asks(Redeem, "V3", offer="visit").accepted
        take_in(town, made, served("g2", "2024-05-04 09:00", 1, "G1"))
        asks(Declare, family=((BEN, Relation.CHILD),))
        assert asks(Close, event=ClosingEvent.DEATH, heir=BEN).accepted
        yield made


def differences(path: Path, town: Rulebook) -> list[Difference]:
    with open_ledger(str(path), create=False) as ledger:
        assert {one.invariant for one in verify(ledger)} <= {"transit_arrives"}
        return replay(ledger, [town]).differences


# --- forgeries -------------------------------------------------------------------------------------------------------


def raise_entry(connection: Connection, owner: VolunteerId, entry: int, of: int, to: int) -> None:
    book = number_of(connection, owner)
    body = dict(entries_of(connection, book, "received"))[entry]
    rewrite(connection, book, entry, body=body | {"amount": to})
    scale(connection, book, entry, "seconds", of, to)
    connection.exec_driver_sql("UPDATE lot SET original = ? WHERE passbook = ? AND entry = ?", (to, book, entry))


def more_for_the_pool(connection: Connection) -> None:
    """A record of two hours brings the pool five."""
    raise_entry(connection, CHEST, 1, 2 * HOUR, 5 * HOUR)


def more_for_the_club(connection: Connection) -> None:
    """A record of two hours brings the organisation five."""
    raise_entry(connection, CLUB, 1, 2 * HOUR, 5 * HOUR)


def more_for_the_heir(connection: Connection) -> None:
    """Of two hours that are left the heir gets nine."""
    raise_entry(connection, BEN, 1, 2 * HOUR, 9 * HOUR)


def from_nobody(connection: Connection) -> None:
    """The pool receives once more what it has received last, and nobody has sent it."""
    book = number_of(connection, CHEST)
    last, _body = entries_of(connection, book, "received")[-1]
    for table, place in (("entry", 1), ("posting", 1), ("lot", 3), ("lot_move", 1)):
        where = "number" if table == "entry" else "entry"
        found = connection.exec_driver_sql(f"SELECT * FROM {table} WHERE passbook = ? AND {where} = ?", (book, last))
        for row in found.all():
            again: list[Any] = list(row)
            again[place] = last + 1
            if table in ("lot", "lot_move"):
                at = row._fields.index("number" if table == "lot" else "lot")
                again[at] += 10_000
            insert(connection, table, *again)
    connection.exec_driver_sql("UPDATE passbook SET number = number + 1 WHERE id = ?", (book,))


def taken_away(connection: Connection) -> None:
    """The last that the pool has received is gone."""
    book = number_of(connection, CHEST)
    last, _body = entries_of(connection, book, "received")[-1]
    for table in ("posting", "lot_move", "lot"):
        connection.exec_driver_sql(f"DELETE FROM {table} WHERE passbook = ? AND entry = ?", (book, last))
    connection.exec_driver_sql("DELETE FROM entry WHERE passbook = ? AND number = ?", (book, last))
    connection.exec_driver_sql(
        "UPDATE passbook SET number = ?1 - 1, recorded_at = "
        "(SELECT recorded_at FROM entry WHERE passbook = ?2 AND number = ?1 - 1) WHERE id = ?2",
        (last, book),
    )


def of_another_record(connection: Connection) -> None:
    """What the pool has received stands there as of a record that nobody knows."""
    where = f"passbook = {number_of(connection, CHEST)} AND number = 1"
    exchange(connection, "entry", "body", '"record":"g1"', '"record":"g9"', where)


def assert_says(text: str | None, part: str | None) -> None:
    """Hold a part against a text; None is nothing at all."""
    assert text is None if part is None else text is not None and part in text


FORGERIES = [
    pytest.param(more_for_the_pool, CHEST, 1, "postings", "18000", "7200", id="a pool's entry raised"),
    pytest.param(more_for_the_club, CLUB, 1, "postings", "18000", "7200", id="an organisation's entry raised"),
    pytest.param(more_for_the_heir, BEN, 1, "postings", "32400", "7200", id="an heir's entry raised"),
    pytest.param(from_nobody, CHEST, 4, "given", "from G1", None, id="an entry without a sender"),
    pytest.param(taken_away, "G1", 2, "received", None, "pool/chest", id="an entry taken away"),
    pytest.param(of_another_record, CHEST, 1, "body.record", "g9", "g1", id="of another record"),
]


@pytest.mark.parametrize(("forge", "who", "entry", "what", "stored", "again"), FORGERIES)
def test_what_the_other_side_does_not_say_is_named(
    ledger: Ledger,
    town: Rulebook,
    tmp_path: Path,
    forge: Callable[[Connection], None],
    who: str,
    entry: int,
    what: str,
    stored: str | None,
    again: str | None,
) -> None:
    assert replay(ledger, [town]).differences == []
    path = copy_of(tmp_path)
    with forged(path) as connection:
        forge(connection)
    (found,) = differences(path, town)
    assert (found.volunteer, found.entry, found.what) == (who, entry, what)
    assert_says(found.stored, stored)
    assert_says(found.recomputed, again)


def test_what_arrives_after_a_difference_of_the_sender_is_counted_and_the_rest_decided_again(
    ledger: Ledger, town: Rulebook, tmp_path: Path
) -> None:
    path = copy_of(tmp_path)
    with forged(path) as connection:
        exchange(connection, "entry", "body", '"seconds":7200', '"seconds":7000', "record = 'g1'")
        raise_entry(connection, CLUB, 1, 2 * HOUR, 5 * HOUR)
    with open_ledger(str(path), create=False) as other:
        done = replay(other, [town])
    assert [(one.volunteer, one.entry) for one in done.differences] == [("G1", 1), (CLUB, 1)]
    assert done.unseen == 1 + 2  # of G1, and what the pool has of it; the loan is decided again


# --- a bank that cheats: everything it writes fits -------------------------------------------------------------------


def lends_all_the_same(pool: Wallet, on: date, amount: int) -> Done:
    booking = WalletBooking(pool)
    booking.draw(on, amount)
    return booking.done(BORROWED)


def test_more_lent_than_the_pool_has_is_named(ledger: Ledger, town: Rulebook, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as cheating:
        cheating.setattr(Passing, "lacks", lambda *_said: None)
        cheating.setattr(wallets, "lend", lends_all_the_same)
        assert Asks(ledger, town)(Redeem, "V4", offer="visit", units=7, key="x").accepted
    assert verify(ledger) == []
    (found,) = replay(ledger, [town]).differences
    assert (found.volunteer, found.entry, found.what) == (CHEST, 4, "available")
    assert (found.stored, found.recomputed) == (f">= {7 * HOUR}", str(2 * HOUR))


def test_a_pool_that_was_said_to_have_less_than_it_had_is_named(
    ledger: Ledger, town: Rulebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    def has_nothing(_self: Passing, pool: Account, _on: date, amount: int) -> Reason:
        operands = (("needed", amount), ("available", 0), ("unit", pool.unit.value))
        return Reason("pool", pool.clause, pool.clause.location, operands)

    with monkeypatch.context() as cheating:
        cheating.setattr(Passing, "lacks", has_nothing)
        assert not Asks(ledger, town)(Redeem, "V4", offer="visit", key="x").accepted
    assert verify(ledger) == []
    (found,) = replay(ledger, [town]).differences
    assert (found.volunteer, found.entry, found.what) == ("V4", 1, "available in chest")
    assert (found.stored, found.recomputed) == ("0", str(2 * HOUR))


# --- honest ledgers --------------------------------------------------------------------------------------------------

PEOPLE = [ANN, BEN, VolunteerId("V3"), VolunteerId("V4"), GROUP.id]


def any_accounts(random: Random) -> str:
    """Pools and organisations that round, forget debts, hold little, or keep nothing for longer than a year."""
    made = HEIRS.replace("expires: never", random.choice(["expires: never", "expires: {valid: 12 months}"]))
    time, chest, clubs = made.split("\nchest:")[0], *made.split("\nchest:")[1].split("\nclubs:")
    whole = random.choice(["", ", whole_only: rest_carried", ", whole_only: rest_lost"])
    store = random.choice(["unlimited", "{at_most: 6 hours, overflow: donation_pool}"])
    time = time.replace("{borrow: chest}", random.choice(["{borrow: chest}", "none"]))
    chest = chest.replace("shortfall: debt", f"shortfall: {random.choice(['debt', 'clamp', 'forbid'])}{whole}")
    clubs = clubs.replace("shortfall: debt", f"shortfall: {random.choice(['debt', 'clamp'])}{whole}")
    return f"{time}\nchest:{chest}\nclubs:{clubs.replace('storage: unlimited', f'storage: {store}')}"


def some_records(random: Random, known: dict[str, ServiceRecord], day: date) -> list[ServiceRecord | Withdrawn]:
    """Records new, late, corrected to be another's or another organisation's, and taken back."""
    found: dict[str, ServiceRecord | Withdrawn] = {}
    for _ in range(random.randint(1, 5)):
        was = random.choice(list(known.values())) if known and random.random() < 0.4 else None
        if was is not None and random.random() < 0.3:
            found.setdefault(was.id, Withdrawn(was.id, was.registry, "a mistake"))
            continue
        served_on = day - timedelta(days=random.choice([1, 5, 20, 300]))
        id = f"r{len(known)}" if was is None else was.id
        who = random.choice(PEOPLE) if was is None or random.random() < 0.5 else was.volunteer
        made = served(id, f"{served_on} {random.randint(8, 18):02}:00", random.choice([1, 2, 3]), who)
        made = replace(made, seconds=made.seconds - random.choice([0, 600, 1800]), timed=False)
        made = of_club(made, random.choice(["O1", "O2", ""])) if random.random() < 0.5 else made
        if id not in found:
            found[id] = known[id] = made
    return list(found.values())


def some_command(random: Random, ledger: Ledger, fixed: dict[str, Any]) -> Command | None:
    other, amount = random.choice(PEOPLE), random.choice([600, HOUR, 2 * HOUR])
    with ledger.reading() as reading:
        entries = reading.passbook_entries(fixed["volunteer"], HERE)
    had = [one.entry.id for one in entries if one.entry.kind in ("held", "redeemed")]
    match random.randint(0, 9):
        case 0:
            return Grant(account="time", amount=HOUR, **fixed)
        case 1:
            return Give(account="time", amount=amount, to_whom=Recipient.POOL, **fixed)
        case 2:
            return Give(account="time", amount=amount, to_whom=Recipient.FRIEND, recipient=other, **fixed)
        case 3:
            club = VolunteerId(random.choice(["O1", "O2"]))
            return Give(account="time", amount=amount, to_whom=Recipient.INSTITUTION, recipient=club, **fixed)
        case 4:
            return Redeem(offer="visit", units=random.choice([1, 2, 3]), **fixed)
        case 5:
            return Reserve(account="time", amount=amount, purpose=Purpose.SERVICE, **fixed)
        case 6:
            whose = {**fixed, "volunteer": CHEST}
            return Give(account="chest", amount=amount, to_whom=Recipient.NEEDY_ELDER, recipient=other, **whose)
        case 7:
            return Declare(family=((other, Relation.SPOUSE),), **fixed)
        case 8 if had:
            lets_go: type[Release | Settle | Refund] = random.choice([Release, Settle, Refund])
            return lets_go(entry=random.choice(had), **fixed)
        case 9 if random.random() < 0.4:
            return Close(event=random.choice(list(ClosingEvent)), heir=other, **fixed)
    return None


@pytest.mark.parametrize("seed", [6, 27, 61, 90, 97])
def test_whatever_passes_between_passbooks_comes_to_the_same_again(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    clock = Clock()
    clock.step = random.choice([0, 1, 100])
    chapters = CHAPTERS | {"accounts": any_accounts(random)}
    with (
        rules(write_county(tmp_path / "smallville", **chapters)) as town,
        open_ledger(str(tmp_path / "bank.db"), clock=clock) as ledger,
    ):
        take_in(town, ledger, volunteers=(*(Volunteer(id) for id in PEOPLE[:-1]), GROUP))
        teller, known, day = Teller(ledger, town), dict[str, ServiceRecord](), DAY
        for turn in range(30):
            day += timedelta(days=random.choice([0, 0, 0, 1, 5, 40]))
            chance = random.random()
            if chance < 0.5:
                take_in(town, ledger, *some_records(random, known, day), on=day)
            elif chance < 0.55:
                end_all(ledger, town, day)
            else:
                fixed = {"county": HERE, "on": day, "scope": "test"}
                asked = [
                    some_command(random, ledger, {**fixed, "volunteer": random.choice(PEOPLE), "key": f"{turn}/{n}"})
                    for n in range(random.randint(1, 3))
                ]
                teller.serve_all([one for one in asked if one is not None])
        assert verify(ledger) == []
        done = replay(ledger, [town])
    assert (done.differences, done.left_out, done.unseen) == ([], {}, 0)
    assert done.entries > 30
