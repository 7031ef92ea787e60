"""The rules are asked again: an honest ledger gives the same answers, a forged one is named at its first lie."""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from shutil import copyfile
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection

from lianxing.engine.bank.ending import end_all
from lianxing.engine.bank.replaying import Replay, replay
from lianxing.engine.bank.tellers import Answer, Teller
from lianxing.engine.compiling import find_folder, load_policy
from lianxing.engine.ledger.opening import Ledger, open_ledger
from lianxing.engine.ledger.verifying import verify
from lianxing.engine.matchers import matcher_factory
from lianxing.engine.proving import readding_violations
from lianxing.engine.rulebook import Rulebook
from lianxing.plugins.cli.commands.demo import COUNTY, ON
from lianxing.plugins.cli.finding import mapping_named
from lianxing.plugins.host import Host
from lianxing.plugins.registries.files import FileRegistry
from lianxing.rules.accounts import Purpose, Recipient
from lianxing.rules.closures import ClosingEvent
from lianxing.rules.commands import (
    Close,
    Command,
    Declare,
    Fetch,
    Give,
    Grant,
    Redeem,
    Refund,
    Release,
    Reserve,
    Settle,
    UsePerk,
)
from lianxing.rules.facts import RecordId, RegistryId, VolunteerId
from lianxing.rules.families import Relation
from lianxing.rules.policy import DECISIONS_VERSION
from lianxing.rules.records import ServiceRecord, Volunteer, Withdrawn
from lianxing.rules.redemption import PickUp
from tests.engine.bank.counting_house import ANN, BEN, HERE, OFFERS, PERKS, rules, take_in, write_county
from tests.engine.bank.forging import exchange, forged
from tests.plugins.smallville import served

DEMO = Path(__file__).parents[3] / "plugins" / "demo"
CAT = VolunteerId("V3")
DAY = date(2024, 6, 1)
STARRED = PERKS + "spa: {stars: {at_least: 2}, pays: 0 %, uses: {at_most: 2, per: calendar_year}, provider: the town}\n"


class Clock:
    """Instants one after the other, so that the order of what happened is plain; `still` keeps several in one."""

    def __init__(self) -> None:
        self.instant = 1_717_000_000
        self.step = 100

    def __call__(self) -> int:
        self.instant += self.step
        return self.instant


class House:
    """A county with a ledger, and a counter at which everybody asks in turn."""

    def __init__(self, ledger: Ledger, rulebook: Rulebook, clock: Clock) -> None:
        self.ledger, self.rulebook, self.clock = ledger, rulebook, clock
        self._teller = Teller(ledger, rulebook)
        self._asked = 0

    def ask(self, kind: type[Command], who: VolunteerId = ANN, on: date = DAY, **asked: object) -> Answer:
        self._asked += 1
        key = f"k{self._asked}"
        return self._teller.serve(kind(volunteer=who, county=HERE, on=on, scope="shop", key=key, **asked))  # type: ignore[arg-type]

    def replayed(self, *others: Rulebook) -> Replay:
        return replay(self.ledger, [self.rulebook, *others])


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ledger of some busy months, closed."""
    folder = tmp_path_factory.mktemp("honest")
    clock = Clock()
    county = write_county(folder / "smallville", perks=STARRED)
    with open_ledger(str(folder / "bank.db"), clock=clock) as ledger, rules(county) as rulebook:
        busy_months(House(ledger, rulebook, clock))
    return folder / "bank.db"


@pytest.fixture(scope="module")
def rulebook(honest: Path) -> Iterator[Rulebook]:
    with rules(honest.parent / "smallville") as made:
        yield made


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    clock = Clock()
    folder = write_county(tmp_path / "smallville", perks=STARRED)
    with open_ledger(str(tmp_path / "bank.db"), clock=clock) as ledger, rules(folder) as rulebook:
        yield House(ledger, rulebook, clock)


def busy_months(house: House) -> None:
    """Records late, corrected and taken back; offers had, given back, sold out; gifts, a perk, expiry, a closure."""
    first = [
        served(f"a{n}", f"2024-0{1 + n % 5}-{10 + n} 09:00", 1 + n % 3, category=["civility", "training"][n % 2])
        for n in range(8)
    ]
    people = (Volunteer(ANN, date(2020, 1, 1)), Volunteer(BEN))
    take_in(house.rulebook, house.ledger, *first, served("b1", "2024-01-05 09:00", 2, BEN), volunteers=people)
    take_in(house.rulebook, house.ledger, served("a9", "2024-01-10 06:00", 2), on=date(2024, 6, 2))  # late: a limit
    take_in(house.rulebook, house.ledger, replace(first[2], seconds=3_600), on=date(2024, 6, 3))
    take_in(house.rulebook, house.ledger, Withdrawn(RecordId("a3"), RegistryId("test"), "a mistake"))
    take_in(
        house.rulebook, house.ledger, served("c1", "2022-05-01 09:00", 2, CAT), served("c2", "2024-05-01 09:00", 2, CAT)
    )
    soap = house.ask(Redeem, offer="soap")
    house.ask(Settle, entry=soap.entry)
    house.ask(Refund, entry=soap.entry)
    held = house.ask(Redeem, offer="soap", units=2)
    house.ask(Release, entry=held.entry)
    rice = house.ask(Redeem, offer="rice", units=2, merchant="m")
    house.ask(Redeem, offer="rice")  # refused: two in a year
    house.ask(Settle, entry=rice.entry)
    house.ask(Release, entry=rice.entry)  # refused: irreversible
    house.ask(Fetch, entry=rice.entry, shown=(next(iter(PickUp)),))
    house.ask(Fetch, entry=rice.entry)  # refused: fetched already
    part = house.ask(Reserve, account="points", amount=200, purpose=Purpose.GOODS)
    house.ask(Settle, entry=part.entry, amount=50)
    house.ask(Reserve, account="points", amount=100, purpose=Purpose.GOODS)
    house.ask(Give, account="points", amount=150, to_whom=Recipient.FRIEND, recipient=BEN)
    house.ask(Give, account="points", amount=25, to_whom=Recipient.FRIEND, recipient=BEN)
    house.ask(Give, account="points", amount=10, to_whom=Recipient.POOL)
    house.ask(Give, account="points", amount=10**6, to_whom=Recipient.POOL)  # refused
    house.ask(Grant, account="time", amount=3_600)
    house.ask(Grant, account="time", amount=3_600)  # refused: once a year
    house.ask(Redeem, offer="visit", on=date(2024, 6, 2))
    house.ask(UsePerk, perk="bath")
    house.ask(UsePerk, perk="bath")  # refused
    house.ask(UsePerk, perk="spa", who=BEN)  # refused: no star
    house.ask(Redeem, offer="soap", units=3, who=BEN)
    house.ask(Redeem, offer="soap", units=1)  # refused: sold out
    house.ask(Redeem, offer="gold")  # refused: there is no such thing
    take_in(house.rulebook, house.ledger, served("b2", "2024-06-05 09:00", 3, BEN), on=date(2024, 6, 10))
    end_all(house.ledger, house.rulebook, date(2024, 7, 1))
    end_all(house.ledger, house.rulebook, date(2025, 2, 1))
    house.ask(Declare, family=((BEN, Relation.SPOUSE),))
    house.ask(Give, account="points", amount=1, to_whom=Recipient.SPOUSE, recipient=BEN)  # refused: to friends alone
    house.ask(Close, who=CAT, event=ClosingEvent.DEATH, on=date(2025, 2, 1))  # refused: there is no heir
    house.ask(Close, who=CAT, event=ClosingEvent.LEAVING, on=date(2025, 2, 1))
    take_in(house.rulebook, house.ledger, served("c3", "2025-02-03 09:00", 1, CAT), on=date(2025, 2, 4))  # goes, too
    house.ask(Grant, who=CAT, account="time", amount=3_600, on=date(2025, 2, 2))  # refused: closed
    house.ask(Give, account="points", amount=1, to_whom=Recipient.FRIEND, recipient=CAT, on=date(2025, 2, 2))  # refused


def test_an_honest_ledger_gives_the_same_answers(honest: Path, rulebook: Rulebook) -> None:
    with open_ledger(str(honest), create=False) as ledger:
        assert verify(ledger) == []
        done = replay(ledger, [rulebook])
        with ledger.reading() as reading:
            kinds = {stored.entry.kind for stored in reading.all_entries()}
            entries = sum(stored.entry.county == HERE for stored in reading.all_entries())
    assert done.differences == []
    assert not done.left_out
    assert done.entries == done.records + done.commands == entries
    assert kinds >= {
        *("original", "adjusting", "corrected", "withdrawn", "held", "redeemed", "settled", "released", "refunded"),
        *(
            "fetched",
            "declared",
            "given",
            "received",
            "granted",
            "perk_used",
            "closed",
            "refused",
            "expired",
            "hold_expired",
        ),
    }


def test_part_of_the_demonstration_gives_the_same_answers(tmp_path: Path) -> None:
    clock = Clock()
    shelf = Host(installed=False).shelf()
    with (
        open_ledger(str(tmp_path / "bank.db"), clock=clock) as ledger,
        Rulebook(load_policy(find_folder(COUNTY, shelf), shelf), matcher_factory("plain")) as rulebook,
    ):
        policy = rulebook.policy
        mapping = mapping_named(str(DEMO / "mapping.yaml"), dict(policy.facts))
        tables = (DEMO / "records.csv",), (DEMO / "volunteers.xlsx",)
        source = FileRegistry(*tables, mapping, policy.facts, policy.county.id, policy.county.region, ON)
        records = [one for one in source.fetch_records(policy.county.id, None) if isinstance(one, ServiceRecord)]
        people = [id for id, _count in Counts(one.volunteer for one in records).most_common(8)]
        records = [one for one in records if one.volunteer in people]
        known = tuple(one for one in source.fetch_volunteers() if isinstance(one, Volunteer) and one.id in people)
        assert len(records) > 300
        teller = Teller(ledger, rulebook)
        half = len(records) // 2
        take_in(rulebook, ledger, *records[:half], volunteers=known, on=ON)
        take_in(rulebook, ledger, *records[half:], on=ON)
        longer = [replace(one, seconds=one.seconds // 2) for one in records[::40]]
        take_in(rulebook, ledger, *longer, on=ON)
        take_in(rulebook, ledger, *(Withdrawn(one.id, one.registry, "") for one in records[7::60]), on=ON)
        answers = []
        for n, who in enumerate(people):
            told: dict[str, Any] = {"volunteer": who, "county": policy.county.id, "on": ON, "scope": "shop"}
            for m, offer in enumerate(("soap", "cooking_oil", "cooking_oil", "service_in_return")):
                answers.append(teller.serve(Redeem(**told, key=f"{n}/{m}", offer=offer)))
            answers.append(teller.serve(UsePerk(**told, key=f"{n}/perk", perk="clinic_registration_fee")))
            answers.append(
                teller.serve(
                    Reserve(**told, key=f"{n}/hours", account="time_credits", amount=60, purpose=Purpose.SERVICE)
                )
            )
        end_all(ledger, rulebook, date(2027, 1, 1))
        assert {answer.accepted for answer in answers} == {True, False}
        done = replay(ledger, [rulebook])
    assert done.differences == []
    assert not done.left_out
    assert done.records > len(records) + len(longer)
    assert done.commands > len(answers)


# --- forgeries -------------------------------------------------------------------------------------------------------


def number_of(connection: Connection, who: VolunteerId) -> int:
    return int(
        connection.exec_driver_sql(
            "SELECT id FROM passbook WHERE volunteer = ? AND county = ?", (who, HERE)
        ).scalar_one()
    )


def entries_of(connection: Connection, book: int, kind: str) -> list[tuple[int, dict[str, Any]]]:
    """The entries of a kind in a passbook, with their bodies."""
    rows = connection.exec_driver_sql(
        "SELECT number, body FROM entry WHERE passbook = ? AND kind = ? ORDER BY number", (book, kind)
    )
    return [(row.number, orjson.loads(row.body)) for row in rows.all()]


def refusal(connection: Connection, book: int, command: str, code: str) -> tuple[int, dict[str, Any]]:
    """The first entry that refuses such a command for such a reason."""
    return next(
        (number, body)
        for number, body in entries_of(connection, book, "refused")
        if body["asked"]["command"] == command and body["reasons"][0]["code"] == code
    )


def rewrite(connection: Connection, book: int, entry: int, **columns: object) -> None:
    for name, value in columns.items():
        value = orjson.dumps(value) if name == "body" else value
        connection.exec_driver_sql(
            f"UPDATE entry SET {name} = ? WHERE passbook = ? AND number = ?", (value, book, entry)
        )


def scale(connection: Connection, book: int, entry: int, unit: str, of: int, to: int) -> None:
    """Make every amount of an entry that is `of`, up or down, `to`."""
    for table, where in (("posting", f"AND unit = '{unit}'"), ("lot_move", "")):
        connection.exec_driver_sql(
            f"UPDATE {table} SET amount = CASE WHEN amount = {of} THEN {to} ELSE -{to} END "
            f"WHERE passbook = ? AND entry = ? AND abs(amount) = {of} {where}",
            (book, entry),
        )


def insert(connection: Connection, table: str, *row: object) -> None:
    connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)


def more_points(connection: Connection) -> None:
    """A record that is worth 1 point gets the explanation, the points and the lot of one that is worth 2."""
    book = number_of(connection, ANN)
    bodies = {
        row.record: (row.number, orjson.loads(row.body), row.points)
        for row in connection.exec_driver_sql(
            "SELECT * FROM entry WHERE passbook = ? AND kind = 'original'", (book,)
        ).all()
    }
    (less, _body, few), (_more, body, many) = bodies["a1"], bodies["a4"]
    assert (few, many) == (100, 200)
    rewrite(connection, book, less, points=many, body=body)
    scale(connection, book, less, "points", few, many)
    connection.exec_driver_sql(
        "UPDATE lot SET original = ? WHERE passbook = ? AND entry = ? AND account = 'points'", (many, book, less)
    )


def below_its_price(connection: Connection) -> None:
    """Two packs of rice for half of what they cost, reserved and settled."""
    book = number_of(connection, ANN)
    entry, body = next((n, b) for n, b in entries_of(connection, book, "held") if b["asked"].get("offer") == "rice")
    assert body["price"] == 400
    settled = connection.exec_driver_sql(
        "SELECT ended_by FROM hold WHERE passbook = ? AND entry = ?", (book, entry)
    ).scalar_one()
    rewrite(connection, book, entry, body=body | {"price": 200})
    moves = connection.exec_driver_sql(
        "SELECT line, amount FROM lot_move WHERE passbook = ? AND entry = ? ORDER BY line", (book, entry)
    ).all()
    left = 200
    for move in moves:
        part = min(left, -move.amount)
        left -= part
        change = f"UPDATE lot_move SET amount = -{part}" if part else "DELETE FROM lot_move"
        connection.exec_driver_sql(f"{change} WHERE passbook = ? AND entry = ? AND line = ?", (book, entry, move.line))
    for one in (entry, settled):
        scale(connection, book, one, "points", 400, 200)
    connection.exec_driver_sql("UPDATE hold SET amount = 200 WHERE passbook = ? AND entry = ?", (book, entry))
    connection.exec_driver_sql("UPDATE redemption SET paid = 200 WHERE passbook = ? AND entry = ?", (book, entry))


def accepted(body: dict[str, Any], **more: object) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "reasons"} | {"allowed": True, **more}


def granted_all_the_same(connection: Connection) -> None:
    """The second hour of a year, which was refused, stands there as given."""
    book = number_of(connection, ANN)
    entry, body = refusal(connection, book, "grant", "issue")
    rewrite(connection, book, entry, kind="granted", body=accepted(body, unit="seconds"))
    insert(connection, "posting", book, entry, 1, "time", "seconds", 3_600, 0)
    insert(connection, "posting", book, entry, 2, "issued", "seconds", -3_600, None)
    number = entry * 10_000
    lot = (book, "time", number, entry, "2024-06-01", "9999-12-31", "issue/time.issue.0", 3_600, 0, "9999-12-31")
    insert(connection, "lot", *lot)
    insert(connection, "lot_move", book, entry, 1, "time", number, 3_600)


def used(connection: Connection, who: VolunteerId, perk: str, code: str) -> None:
    book = number_of(connection, who)
    entry, body = refusal(connection, book, "use_perk", code)
    rewrite(connection, book, entry, kind="perk_used", body=accepted(body, provider="the town", worth=None, star=2))
    insert(connection, "redemption", book, entry, "2024-06-01", perk, "", 1, 0, 0, None)


def over_the_cap(connection: Connection) -> None:
    """The second bath of a year stands there as taken."""
    used(connection, ANN, "bath", "uses")


def without_the_star(connection: Connection) -> None:
    """What is for two stars stands there as used by somebody without."""
    used(connection, BEN, "spa", "not_open")


def ends_later(connection: Connection) -> None:
    """A lot is there ten years longer than the account says."""
    book = number_of(connection, ANN)
    connection.exec_driver_sql(
        "UPDATE lot SET last_day = '2034' || substr(last_day, 5) WHERE passbook = ? AND number = "
        "(SELECT min(number) FROM lot WHERE passbook = ? AND account = 'points') AND account = 'points'",
        (book, book),
    )


def one_too_many(connection: Connection) -> None:
    """The fourth bar of soap, of which there are three, stands there as reserved."""
    book = number_of(connection, ANN)
    (held, of_held) = next(iter(entries_of(connection, book, "held")))
    entry, body = refusal(connection, book, "redeem", "stock")
    rewrite(connection, book, entry, kind="held", body=of_held | {"asked": body["asked"]})
    for table in ("posting", "hold", "redemption", "stock_move"):
        found = connection.exec_driver_sql(f"SELECT * FROM {table} WHERE passbook = ? AND entry = ?", (book, held))
        for row in found.all():
            insert(connection, table, row[0], entry, *row[2:])
    left = connection.exec_driver_sql("SELECT number FROM lot WHERE account = 'points' AND remaining > 0").scalar_one()
    insert(connection, "lot_move", book, entry, 1, "points", left, -100)


def for_another_reason(connection: Connection) -> None:
    """Whoever asked for more than there was is told that they have too little."""
    book = number_of(connection, ANN)
    entry, body = refusal(connection, book, "redeem", "stock")
    body["reasons"][0]["code"] = "balance"
    rewrite(connection, book, entry, body=body)


FORGERIES = [
    pytest.param(more_points, ANN, "original", "points", "200", "100", id="more points than the rules give"),
    pytest.param(below_its_price, ANN, "held", "postings", "200", "400", id="something below its price"),
    pytest.param(granted_all_the_same, ANN, "granted", "kind", "granted", "refused", id="a refusal turned round"),
    pytest.param(over_the_cap, ANN, "perk_used", "kind", "perk_used", "refused", id="more often than allowed"),
    pytest.param(without_the_star, BEN, "perk_used", "kind", "perk_used", "refused", id="a perk without the star"),
    pytest.param(ends_later, ANN, "original", "opened", "2034-01-10", "2025-01-10", id="a lot that ends later"),
    pytest.param(for_another_reason, ANN, "refused", "body.reasons[0].code", "balance", "stock", id="another reason"),
]


@pytest.mark.parametrize(("forge", "who", "kind", "what", "stored", "again"), FORGERIES)
def test_what_the_rules_do_not_say_is_named_though_everything_else_fits(
    honest: Path,
    tmp_path: Path,
    rulebook: Rulebook,
    forge: Callable[[Connection], None],
    who: VolunteerId,
    kind: str,
    what: str,
    stored: str,
    again: str,
) -> None:
    path = tmp_path / "forged.db"
    copyfile(honest, path)
    with forged(path) as connection:
        forge(connection)
    with open_ledger(str(path), create=False) as ledger:
        assert verify(ledger) == []
        assert readding_violations(ledger) == []
        done = replay(ledger, [rulebook])
        (found,) = done.differences
        with ledger.reading() as reading:
            entry = reading.passbook_entries(who, HERE)[found.entry - 1].entry
    assert (found.volunteer, found.county, found.what, entry.kind) == (who, HERE, what, kind)
    assert stored in (found.stored or "")
    assert again in (found.recomputed or "")
    assert done.unseen > 0


def test_more_than_the_stock_is_named(house: House, tmp_path: Path) -> None:
    take_in(house.rulebook, house.ledger, served("a", "2024-05-01 09:00", 2), served("b", "2024-05-02 09:00", 2))
    house.ask(Redeem, offer="soap")
    house.ask(Redeem, offer="soap", units=2)
    assert not house.ask(Redeem, offer="soap").accepted
    with forged(tmp_path / "bank.db") as connection:
        one_too_many(connection)
    assert verify(house.ledger) == []
    (found, in_all) = house.replayed().differences
    assert (found.what, found.stored, found.recomputed) == ("kind", "held", "refused")
    assert (in_all.volunteer, in_all.what, in_all.stored, in_all.recomputed) == ("", "stock soap", "4", "<= 3")


def minted(connection: Connection, kind: str, digest: str | None) -> None:
    """A thousand points after Ben's last entry, in a lot of their own."""
    book = number_of(connection, BEN)
    last = connection.exec_driver_sql(
        "SELECT * FROM entry WHERE passbook = ? ORDER BY number DESC LIMIT 1", (book,)
    ).one()
    entry, amount = last.number + 1, 100_000
    insert(connection, "posting", book, entry, 1, "points", "points", amount, 0)
    insert(connection, "posting", book, entry, 2, "issued", "points", -amount, None)
    lot = (book, "points", entry * 10_000, entry, DAY.isoformat(), "9999-12-31", "", amount, 0, "9999-12-31")
    insert(connection, "lot", *lot)
    insert(connection, "lot_move", book, entry, 1, "points", entry * 10_000, amount)
    row = last._asdict() | {"number": entry, "kind": kind, "registry": "", "record": "", "policy_digest": digest}
    row |= {"seconds": 0, "points": 0, "adjusts": None, "counted": 1, "body": b'{"allowed":true}'}
    insert(connection, "entry", *row.values())
    connection.exec_driver_sql("UPDATE passbook SET number = ? WHERE id = ?", (entry, book))


def turned_round_by_its_kind(connection: Connection) -> None:
    connection.exec_driver_sql("UPDATE entry SET kind = 'answered' WHERE kind = 'refused'")


@pytest.mark.parametrize(
    ("kind", "digest", "found"),
    [
        ("bonus", "kept", ("kind", "bonus", None)),
        ("bonus", None, ("policy", None, "digest")),
        ("bonus", "other", ("kind", "bonus", None)),
        ("granted", "other", ("command", None, "scope, key")),
        ("original", "other", ("record", None, "registry/record")),
        ("granted", "unheard of", ("policy", "unheard of", None)),
    ],
)
def test_what_the_bank_never_writes_is_a_difference_and_not_left_out(
    honest: Path,
    tmp_path: Path,
    rulebook: Rulebook,
    kind: str,
    digest: str | None,
    found: tuple[str, str | None, str | None],
) -> None:
    path = tmp_path / "forged.db"
    copyfile(honest, path)
    with forged(path) as connection:
        connection.exec_driver_sql("INSERT INTO policy SELECT 'other', county, title, 0, content FROM policy")
        minted(connection, kind, rulebook.policy.digest if digest == "kept" else digest)
    with open_ledger(str(path), create=False) as ledger:
        (one,) = replay(ledger, [rulebook]).differences
    assert (one.volunteer, (one.what, one.stored, one.recomputed)) == (BEN, found)


def test_a_refusal_that_stands_under_a_kind_of_its_own_is_named(
    honest: Path, tmp_path: Path, rulebook: Rulebook
) -> None:
    path = tmp_path / "forged.db"
    copyfile(honest, path)
    with forged(path) as connection:
        turned_round_by_its_kind(connection)
    with open_ledger(str(path), create=False) as ledger:
        assert verify(ledger) == []
        found = {(one.what, one.stored, one.recomputed) for one in replay(ledger, [rulebook]).differences}
    assert ("kind", "answered", "refused") in found


@pytest.mark.parametrize(("column", "value"), [("body", b"[]"), ("effective_on", "zzz")])
def test_what_cannot_be_read_is_a_difference_and_all_others_are_decided_again(
    honest: Path, tmp_path: Path, rulebook: Rulebook, column: str, value: object
) -> None:
    path = tmp_path / "forged.db"
    copyfile(honest, path)
    with forged(path) as connection:
        for kind in ("registered", "refused", "received", "closed"):
            chosen = "SELECT passbook, min(number) FROM entry WHERE kind = ? GROUP BY passbook"
            for book, number in connection.exec_driver_sql(chosen, (kind,)).all():
                connection.exec_driver_sql(
                    f"UPDATE entry SET {column} = ? WHERE passbook = ? AND number = ?", (value, book, number)
                )
    with open_ledger(str(path), create=False) as ledger:
        assert verify(ledger)
        done = replay(ledger, [rulebook])
    assert "readable" in {one.what for one in done.differences}
    assert done.entries > 0


# --- what is not stored -----------------------------------------------------------------------------------------------


def test_deliveries_of_one_instant_are_told_from_each_other(house: House) -> None:
    house.clock.step = 0
    for n in range(6):  # a lot that has ended by then stays where the next delivery reads no lots
        take_in(house.rulebook, house.ledger, served(f"a{n}", f"2022-05-0{n + 1} 0{9 - n}:00", 1))
    take_in(house.rulebook, house.ledger, served("b1", "2022-05-03 01:00", 2), served("b2", "2022-05-02 20:00", 1))
    done = house.replayed()
    assert done.differences == []
    assert done.records > 8


def test_people_are_as_they_were_registered_when_it_was_decided(tmp_path: Path) -> None:
    perks = "old: {when: {age: {at_least: 60}}, stars: {at_least: 0}, pays: 0 %, uses: unlimited, provider: the town}\n"
    folder = write_county(tmp_path / "smallville", perks=perks)
    clock = Clock()
    with open_ledger(str(tmp_path / "bank.db"), clock=clock) as ledger, rules(folder) as rulebook:
        house = House(ledger, rulebook, clock)
        for born in (1990, 1940, 1991):
            take_in(rulebook, ledger, volunteers=(Volunteer(ANN, None, date(born, 1, 1)),))
            assert house.ask(UsePerk, perk="old").accepted == (born == 1940)
        assert house.replayed().differences == []
        with forged(tmp_path / "bank.db") as connection:
            exchange(connection, "entry", "body", "1940", "1970", "kind = 'registered'")
        (found,) = house.replayed().differences
    assert (found.entry, found.what) == (2, "kind")


def test_what_was_decided_by_other_rules_is_counted_and_not_called_right(house: House, tmp_path: Path) -> None:
    take_in(house.rulebook, house.ledger, served("a1", "2024-05-01 09:00", 2))
    dearer = write_county(
        tmp_path / "later" / "smallville", perks=STARRED, redemption=OFFERS.replace("2 points", "1 points")
    )
    with rules(dearer) as later:
        other = House(house.ledger, later, house.clock)
        assert other.ask(Redeem, offer="rice").accepted
        take_in(later, house.ledger, served("a2", "2024-05-02 09:00", 2))
        now, before, both = other.replayed(), house.replayed(), other.replayed(house.rulebook)
    digests = house.rulebook.policy.digest, later.policy.digest
    assert [one.differences for one in (now, before, both)] == [[], [], []]
    assert (now.entries, now.left_out) == (2, {("policy", digests[0]): 1})
    assert (before.entries, before.left_out) == (1, {("policy", digests[1]): 2})
    assert (both.entries, both.left_out) == (3, {})


def test_what_another_version_of_the_engine_decided_is_not_called_a_difference(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_in(house.rulebook, house.ledger, served("a1", "2024-05-01 09:00", 2))
    for module in ("engine.compiling", "engine.explaining", "engine.bank.replaying"):
        monkeypatch.setattr(f"lianxing.{module}.DECISIONS_VERSION", DECISIONS_VERSION + 1)
    with rules(tmp_path / "smallville") as newer:
        done = replay(house.ledger, [newer])
    assert newer.policy.digest != house.rulebook.policy.digest
    assert (done.differences, done.left_out) == ([], {("version", str(DECISIONS_VERSION)): 1})


def test_a_policy_that_is_kept_otherwise_is_named(house: House, tmp_path: Path) -> None:
    take_in(house.rulebook, house.ledger, served("a1", "2024-05-01 09:00", 2))
    with forged(tmp_path / "bank.db") as connection:
        exchange(connection, "policy", "content", "by_time", "at_will")
    assert verify(house.ledger) == []
    (found,) = house.replayed().differences
    assert found.what.startswith(f"policy {house.rulebook.policy.digest}.clauses")


@pytest.mark.parametrize(
    ("column", "value", "places"),
    [
        ("title", "another county", {"title"}),
        ("county", "elsewhere", {"county", "policy"}),
        ("first_used_at", 2_000_000_000, {"first_used_at"}),
    ],
)
def test_a_policy_that_is_kept_under_another_name_is_named(
    house: House, tmp_path: Path, column: str, value: object, places: set[str]
) -> None:
    take_in(house.rulebook, house.ledger, served("a1", "2024-05-01 09:00", 2))
    with forged(tmp_path / "bank.db") as connection:
        connection.exec_driver_sql(f"UPDATE policy SET {column} = ?", (value,))
    assert verify(house.ledger) == []
    assert {one.what.rpartition(".")[2] for one in house.replayed().differences} == places


def test_a_gift_that_nobody_gave_and_one_that_nobody_received_are_named(
    honest: Path, tmp_path: Path, rulebook: Rulebook
) -> None:
    path = tmp_path / "forged.db"
    copyfile(honest, path)
    with forged(path) as connection:
        exchange(connection, "entry", "body", '"from":"V1"', '"from":"V3"', "kind = 'received'")
    with open_ledger(str(path), create=False) as ledger:
        assert verify(ledger) == []
        found = replay(ledger, [rulebook]).differences
    assert [(one.volunteer, one.what) for one in found] == [(BEN, "given"), (ANN, "received"), (ANN, "received")]
