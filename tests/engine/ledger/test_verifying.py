"""Whoever edits the file past the triggers is found, and the invariant that they broke is named."""

from __future__ import annotations

import hashlib
import importlib
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from lianxing.engine.ledger.contents import content_of
from lianxing.engine.ledger.errors import DamagedError
from lianxing.engine.ledger.opening import open_ledger
from lianxing.engine.ledger.postgres import is_address
from lianxing.engine.ledger.verifying import INVARIANTS, VIOLATIONS_MAX, verify
from lianxing.engine.proving import readding_violations
from tests.engine.ledger.making import COUNTY, POLICY, VOLUNTEER, book, furnish, original, record
from tests.postgres import Server, run_unguarded


def tamper(address: str, *statements: str, keep_guards: bool = True) -> None:
    """Change the rows as somebody would who knows the schema: triggers, checks and references off, on again after."""
    if is_address(address):
        run_unguarded(address, *statements, *() if keep_guards else ("DROP FUNCTION refuse_change() CASCADE",))
        return
    try:
        driver: Any = importlib.import_module("pysqlite3")
    except ImportError:
        driver = importlib.import_module("sqlite3")
    connection = driver.connect(address, isolation_level=None)
    connection.execute("PRAGMA ignore_check_constraints = ON")
    triggers = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        assert connection.execute(statement).rowcount != 0
    for _, statement in triggers if keep_guards else ():
        connection.execute(statement)
    connection.close()


def broken(address: str) -> set[str]:
    with open_ledger(address, durable=False) as ledger:
        found = verify(ledger)
    assert all(violation.label.zh and violation.label.en and violation.ids for violation in found)
    return {violation.invariant for violation in found}


@pytest.fixture(scope="module")
def furnished_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("furnished") / "county.db"
    with open_ledger(str(path), clock=lambda: 1_750_000_000) as ledger:
        furnish(ledger)
    return path


@pytest.fixture(scope="module")
def furnished_database(postgres_server: Server) -> Iterator[str]:
    with postgres_server.fresh() as url:
        with open_ledger(url, clock=lambda: 1_750_000_000, durable=False) as ledger:
            furnish(ledger)
        yield make_url(url).database or ""


@pytest.fixture
def booked_file(furnished_file: Path, path: Path) -> Path:
    """Rows in every table; `furnish` says which. Passbooks: 1 and 2 are the files of V1 and V2, 4 is V1 in youxian."""
    shutil.copyfile(furnished_file, path)
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def booked(request: pytest.FixtureRequest) -> Iterator[str]:
    """The same on each database: a copy, to be spoilt."""
    if request.param == "sqlite":
        yield str(request.getfixturevalue("booked_file"))
        return
    server: Server = request.getfixturevalue("postgres_server")
    with server.fresh(request.getfixturevalue("furnished_database")) as url:
        yield url


CHAIN = {"chain_holds"}
OTHER = content_of(record("r9"))
CHANGED = content_of(record("r2")).replace(b"7200", b"7260")
TAMPERING: tuple[tuple[str, tuple[str, ...], set[str]], ...] = (
    (
        "one amount",
        ("UPDATE posting SET amount = 601 WHERE passbook = 4 AND entry = 1 AND line = 3",),
        {
            *CHAIN,
            "zero_sum_of_entry",
            "zero_sum_overall",
            "entry_equals_postings",
            "balance_equals_postings",
            "running_balance",
        },
    ),
    (
        "an amount and its counterpart, the entry, and all that follows: only the chain tells",
        (
            "UPDATE posting SET amount = amount + 100 WHERE passbook = 4 AND entry = 2 AND line = 3",
            "UPDATE posting SET amount = amount - 100 WHERE passbook = 4 AND entry = 2 AND line = 4",
            "UPDATE posting SET balance_after = balance_after + 100 "
            "WHERE passbook = 4 AND entry >= 2 AND account = 'earned' AND unit = 'points'",
            "UPDATE balance SET posted = posted + 100 WHERE passbook = 4 AND account = 'earned' AND unit = 'points'",
            "UPDATE entry SET points = points + 100 WHERE passbook = 4 AND number = 2",
        ),
        CHAIN,
    ),
    (
        "the points of an entry",
        ("UPDATE entry SET points = 900 WHERE passbook = 4 AND number = 1",),
        {"entry_equals_postings", *CHAIN},
    ),
    (
        "the seconds of an entry",
        ("UPDATE entry SET seconds = 1 WHERE passbook = 4 AND number = 3",),
        {"entry_equals_postings", *CHAIN},
    ),
    (
        "a balance",
        ("UPDATE balance SET posted = posted + 1 WHERE passbook = 4 AND account = 'earned' AND unit = 'points'",),
        {"balance_equals_postings"},
    ),
    (
        "the balance of a wallet",
        ("UPDATE balance SET posted = posted + 1 WHERE passbook = 4 AND account = 'wallet'",),
        {"balance_equals_postings", "lots_equal_balance"},
    ),
    (
        "what is held",
        ("UPDATE balance SET posted = posted - 1 WHERE passbook = 4 AND account = 'wallet/held'",),
        {"balance_equals_postings", "holds_equal_balance"},
    ),
    (
        "a balance removed",
        ("DELETE FROM balance WHERE passbook = 4 AND account = 'earned' AND unit = 'points'",),
        {"postings_have_balance"},
    ),
    (
        "a balance of the county's account",
        ("INSERT INTO balance VALUES (4, 'issued', 'points', 5, NULL)",),
        {"balance_equals_postings", "balance_has_entry", "lots_equal_balance"},
    ),
    (
        "an account that no entry opened and that holds nothing",
        ("INSERT INTO balance VALUES (4, 'wallet/debt', 'points', 0, NULL)",),
        {"balance_has_entry"},
    ),
    (
        "a floor taken away",
        ("UPDATE balance SET floor = NULL WHERE passbook = 4 AND account = 'wallet'",),
        {"floor_as_set"},
    ),
    (
        "a floor above the balance",
        ("UPDATE balance SET floor = 9999 WHERE passbook = 4 AND account = 'wallet'",),
        {"file_is_sound", "balance_above_floor", "floor_as_set"},
    ),
    (
        "a running balance",
        ("UPDATE posting SET balance_after = 1 WHERE passbook = 4 AND entry = 1 AND line = 1",),
        {"running_balance", *CHAIN},
    ),
    (
        "a posting removed",
        ("DELETE FROM posting WHERE passbook = 4 AND entry = 1 AND line = 3",),
        {
            *CHAIN,
            "zero_sum_of_entry",
            "zero_sum_overall",
            "entry_equals_postings",
            "balance_equals_postings",
            "running_balance",
            "lines_without_gap",
        },
    ),
    (
        "two lines of an entry numbered otherwise",
        ("UPDATE posting SET line = 40 WHERE passbook = 4 AND entry = 5 AND line = 4",),
        {"lines_without_gap"},
    ),
    (
        "a posting without its entry",
        (
            "INSERT INTO posting VALUES (4, 99, 1, 'honour', 'points', 5, NULL)",
            "INSERT INTO posting VALUES (4, 99, 2, 'issued', 'points', -5, NULL)",
        ),
        {"file_is_sound", "posting_has_entry"},
    ),
    (
        "the last entry removed with what belongs to it, and the balances made to fit",
        (
            "DELETE FROM entry WHERE passbook = 4 AND number = 13",
            "DELETE FROM posting WHERE passbook = 4 AND entry = 13",
            "DELETE FROM lot_move WHERE passbook = 4 AND entry = 13",
            "DELETE FROM hold WHERE passbook = 4 AND entry = 13",
            "DELETE FROM redemption WHERE passbook = 4 AND entry = 13",
            "DELETE FROM lot_end WHERE passbook = 4 AND entry = 13",
            "DELETE FROM stock_move WHERE passbook = 4 AND entry = 13",
            "UPDATE lot SET remaining = remaining + 70, ends = last_day WHERE passbook = 4 AND number = 2",
            "UPDATE balance SET posted = posted + 70 WHERE passbook = 4 AND account = 'wallet'",
            "UPDATE balance SET posted = posted - 70 WHERE passbook = 4 AND account = 'wallet/held'",
            "UPDATE stock SET taken = taken - 1",
        ),
        {"passbook_ends_with_last_entry"},
    ),
    (
        "an entry in the middle removed",
        ("DELETE FROM entry WHERE passbook = 4 AND number = 3",),
        {"file_is_sound", "entries_without_gap", "record_has_entry", *CHAIN},
    ),
    (
        "a clock that went back",
        ("UPDATE entry SET recorded_at = recorded_at - 1 WHERE passbook = 4 AND number = 2",),
        {"entries_in_time", *CHAIN},
    ),
    (
        "an entry of nobody",
        ("UPDATE entry SET passbook = 99 WHERE passbook = 5",),
        {
            "file_is_sound",
            "closed_by_entry",
            "entry_equals_postings",
            "entry_has_passbook",
            "entry_has_record",
            "passbook_ends_with_last_entry",
            "posting_has_entry",
            "record_has_entry",
        },
    ),
    (
        "a passbook opened again",
        ("UPDATE passbook SET closed_on = NULL WHERE closed_on IS NOT NULL",),
        {"closed_by_entry"},
    ),
    (
        "a passbook opened that was never closed",
        ("UPDATE entry SET kind = 'reopened' WHERE kind = 'closed'",),
        {"closed_and_open_in_turn", "closed_by_entry", *CHAIN},
    ),
    (
        "a passbook without entries",
        (f"INSERT INTO passbook SELECT 99, 'V9', county, 0, x'{bytes(32).hex()}', 0, NULL FROM passbook WHERE id = 4",),
        {"passbook_ends_with_last_entry"},
    ),
    (
        "a passbook given to somebody else",
        ("UPDATE passbook SET volunteer = 'V3' WHERE id = 4",),
        {"content_matches_hash", *CHAIN},
    ),
    (
        "an adjustment turned to another record",
        ("UPDATE entry SET adjusts = 2 WHERE passbook = 4 AND number = 5",),
        {"adjusts_original_of_same_record", *CHAIN},
    ),
    (
        "the only version of a record removed",
        ("DELETE FROM service_record WHERE record = 'r3'",),
        {"entry_has_record", "record_is_in_directory", *CHAIN},
    ),
    (
        "an old version that counts again",
        ("UPDATE service_record SET superseded_by = NULL WHERE record = 'r2' AND superseded_by IS NOT NULL",),
        {"one_version_counts", "record_is_in_directory", "superseded_by_later_version"},
    ),
    (
        "a version that is superseded by the wrong entry",
        ("UPDATE service_record SET superseded_by = 7 WHERE record = 'r2' AND superseded_by IS NOT NULL",),
        {"superseded_by_later_version"},
    ),
    (
        "a record out of the directory, so that it can be booked again",
        ("DELETE FROM record_key WHERE record = 'r1'",),
        {"record_is_in_directory"},
    ),
    (
        "a withdrawn record out of the directory",
        ("DELETE FROM record_key WHERE record = 'r4'",),
        {"record_is_in_directory"},
    ),
    (
        "the day of an entry",
        ("UPDATE entry SET effective_on = '2024-12-31' WHERE passbook = 4 AND number = 3",),
        {"content_matches_hash", *CHAIN},
    ),
    (
        "a policy removed",
        (f"DELETE FROM policy WHERE digest = '{POLICY}'",),
        {"file_is_sound", "entry_has_policy", *CHAIN},
    ),
    (
        "an entry under no policy",
        ("UPDATE entry SET policy_digest = NULL WHERE passbook = 4 AND number = 3",),
        {"entry_has_policy", *CHAIN},
    ),
    (
        "something else in the own file of a person",
        ("UPDATE entry SET kind = 'bonus' WHERE passbook = 1",),
        {"own_file_only_registers", "person_is_as_registered", *CHAIN},
    ),
    ("what a policy says", ("UPDATE policy SET content = x'7b7d' WHERE county = 'youxian'",), CHAIN),
    (
        "the content of a record",
        (f"UPDATE service_record SET content = x'{CHANGED.hex()}' WHERE record = 'r2' AND superseded_by IS NOT NULL",),
        {"content_matches_hash", *CHAIN},
    ),
    (
        "the content of a record, and its hashes, with another record's",
        (
            f"UPDATE service_record SET content = x'{OTHER.hex()}', "
            f"content_hash = '{hashlib.sha256(OTHER).hexdigest()}' WHERE record = 'r3'",
            f"UPDATE record_key SET content_hash = '{hashlib.sha256(OTHER).hexdigest()}' WHERE record = 'r3'",
        ),
        {"content_matches_hash", *CHAIN},
    ),
    (
        "content that is no JSON, with its hashes",
        (
            f"UPDATE service_record SET content = x'7b', content_hash = '{hashlib.sha256(b'{').hexdigest()}' "
            "WHERE record = 'r3'",
            f"UPDATE record_key SET content_hash = '{hashlib.sha256(b'{').hexdigest()}' WHERE record = 'r3'",
        ),
        {"content_matches_hash", *CHAIN},
    ),
    (
        "what the registry says of a person",
        ("UPDATE volunteer SET born_on = '1940-01-01' WHERE id = 'V1'",),
        {"person_is_as_registered"},
    ),
    (
        "a registration that cannot be read",
        ("UPDATE entry SET body = x'5b5d' WHERE passbook = 1",),
        {"person_is_as_registered", *CHAIN},
    ),
    (
        "a day that there is not",
        ("UPDATE entry SET effective_on = '2025-02-30' WHERE passbook = 4 AND number = 8",),
        {"days_are_days", *CHAIN},
    ),
    (
        "a balance of which no lot says when it was earned and when it ends",
        (
            "INSERT INTO posting VALUES (4, 13, 3, 'savings', 'points', 100000, 100000)",
            "INSERT INTO posting VALUES (4, 13, 4, 'issued', 'points', -100000, NULL)",
            "INSERT INTO balance VALUES (4, 'savings', 'points', 100000, NULL)",
        ),
        {"lots_equal_balance", *CHAIN},
    ),
    (
        "what is left of a lot",
        ("UPDATE lot SET remaining = remaining + 1 WHERE passbook = 4 AND number = 1",),
        {"lot_equals_moves", "lots_equal_balance"},
    ),
    (
        "a lot that lasts longer",
        ("UPDATE lot SET last_day = '2030-12-31' WHERE passbook = 4 AND number = 1",),
        {"lot_ends_as_said", *CHAIN},
    ),
    (
        "a move turned to a lot that is not there",
        ("UPDATE lot_move SET lot = 9 WHERE passbook = 4 AND entry = 13",),
        {"lot_equals_moves", "lot_move_has_lot", *CHAIN},
    ),
    (
        "a settled hold open again",
        ("UPDATE hold SET ended_by = NULL WHERE passbook = 4 AND entry = 8",),
        {"holds_equal_balance", *CHAIN},
    ),
    (
        "a hold that is ended by what ended another",
        ("UPDATE hold SET ended_by = 9 WHERE passbook = 4 AND entry = 10",),
        {"hold_ends_once", *CHAIN},
    ),
    (
        "a hold that is ended by what ends none",
        ("UPDATE hold SET ended_by = 13 WHERE passbook = 4 AND entry = 10",),
        {"hold_ends_once", *CHAIN},
    ),
    (
        "a released hold exchanged for an open one of the same amount: only the chain tells",
        (
            "UPDATE hold SET ended_by = NULL WHERE passbook = 4 AND entry = 10",
            "UPDATE hold SET ended_by = 12 WHERE passbook = 4 AND entry = 11",
        ),
        CHAIN,
    ),
    ("a stock", ("UPDATE stock SET taken = taken - 1",), {"stock_equals_moves"}),
    ("a stock removed", ("DELETE FROM stock",), {"stock_equals_moves"}),
    (
        "a key that answers with an entry that is not there",
        ("UPDATE command SET entry = 99 WHERE key = 'k1'",),
        {"command_has_entry", *CHAIN},
    ),
    (
        "a redemption given back by an entry that is not there",
        ("UPDATE redemption SET returned_by = 77 WHERE returned_by IS NOT NULL",),
        {"redemption_returned_once", *CHAIN},
    ),
    (
        "what was reserved stands there as uses of a perk",
        ("UPDATE posting SET unit = 'uses' WHERE passbook = 4 AND entry = 8",),
        {
            "uses_equal_redemptions",
            "balance_equals_postings",
            "postings_have_balance",
            "running_balance",
            *CHAIN,
        },
    ),
    (
        "a second key for an entry",
        ("INSERT INTO command SELECT 'counter', 'k0', request_hash, passbook, entry FROM command WHERE key = 'k1'",),
        {"command_has_entry", *CHAIN},
    ),
)


def test_an_untouched_ledger_holds(booked: str) -> None:
    assert broken(booked) == set()


@pytest.mark.parametrize(("what", "statements", "invariants"), TAMPERING, ids=[case[0] for case in TAMPERING])
def test_tampering_is_found(booked: str, what: str, statements: tuple[str, ...], invariants: set[str]) -> None:
    tamper(booked, *statements)
    found = broken(booked)
    if is_address(booked) and "file_is_sound" in invariants:
        found.discard("schema_as_made")  # a check that does not hold can only come back as one that is not validated
    assert found == invariants


def test_every_invariant_is_broken_by_some_case() -> None:
    broken_here = {name for _, _, names in TAMPERING for name in names}
    assert {invariant.name for invariant in INVARIANTS} - broken_here == set()
    others = {"chain_holds", "content_matches_hash", "days_are_days", "person_is_as_registered", "file_is_sound"}
    assert others <= broken_here


def test_triggers_taken_away_are_missed(booked: str) -> None:
    tamper(booked, keep_guards=False)
    assert broken(booked) == {"schema_as_made"}


def test_a_violation_names_the_entry_and_says_it_in_two_languages(booked: str) -> None:
    tamper(booked, "UPDATE entry SET points = 900 WHERE passbook = 4 AND number = 1")
    with open_ledger(booked, durable=False) as ledger:
        violation, chain = verify(ledger)
    assert chain.ids == (("volunteer", "V1"), ("county", "youxian"), ("entry", "1"))
    assert violation.ids == (
        ("volunteer", "V1"),
        ("county", "youxian"),
        ("entry", "1"),
        ("seconds", "7200"),
        ("points", "900"),
        ("posted_seconds", "7200"),
        ("posted_points", "600"),
    )
    assert violation.label.text("zh") == "分录所记时长与积分须等于其过账"


def test_what_cannot_be_read_is_named_with_whose_it_is_and_the_rest_is_looked_at(booked: str) -> None:
    tamper(
        booked,
        "UPDATE entry SET effective_on = 'zzz', body = x'5b5d' WHERE passbook = 4 AND number = 1",
        "DELETE FROM passbook WHERE id = 5",
    )
    with open_ledger(booked, durable=False) as ledger:
        by_name = {violation.invariant: violation for violation in reversed(verify(ledger))}
        explained = readding_violations(ledger)
    whose = (("volunteer", "V1"), ("county", "youxian"), ("entry", "1"))
    assert by_name["days_are_days"].ids == (*whose, ("effective_on", "zzz"))
    assert by_name["chain_holds"].ids == whose
    assert by_name["entry_has_passbook"].ids == (("passbook", "5"), ("entry", "1"))
    assert (*whose, ("why", "the explanation cannot be read (TypeError)")) in [one.ids for one in explained]


def test_a_thousand_violations_of_one_kind_are_cut_short(booked: str) -> None:
    people = [f"P{number}" for number in range(VIOLATIONS_MAX + 50)]
    with open_ledger(booked, durable=False) as ledger:
        book(ledger, *(original(record(person, person)) for person in people))
    tamper(booked, "UPDATE entry SET points = 900", "UPDATE service_record SET content_hash = ''")
    with open_ledger(booked, durable=False) as ledger:
        found = Counter(violation.invariant for violation in verify(ledger))
    assert found == {
        "entry_equals_postings": VIOLATIONS_MAX,
        "record_is_in_directory": VIOLATIONS_MAX,
        "content_matches_hash": VIOLATIONS_MAX,
        "chain_holds": VIOLATIONS_MAX,
    }


def test_a_text_that_is_none_is_told_without_what_it_says_and_the_rest_is_looked_at(booked_file: Path) -> None:
    address = str(booked_file)
    tamper(
        address,
        "UPDATE entry SET actor = CAST(x'6e616d65ff' AS TEXT) WHERE passbook = 4 AND number = 1",
        "UPDATE stock SET taken = taken - 1",
        "UPDATE volunteer SET born_on = '1940-01-01' WHERE id = 'V1'",
    )
    with open_ledger(address) as ledger:
        by_name = {violation.invariant: violation.ids for violation in verify(ledger)}
        with pytest.raises(DamagedError, match="a text in it is damaged"), ledger.reading() as reading:
            reading.passbook_entries(VOLUNTEER, COUNTY)
    assert by_name["chain_holds"] == (("problem", "the database file is damaged: a text in it is damaged"),)
    assert {"stock_equals_moves", "person_is_as_registered"} <= set(by_name)
    assert "name" not in {word for ids in by_name.values() for _, said in ids for word in said.split()}


def test_amounts_that_cannot_be_added_up_are_named_and_the_rest_is_looked_at(booked_file: Path) -> None:
    tamper(
        str(booked_file),
        "UPDATE posting SET amount = 9223372036854775000 WHERE unit = 'points' AND amount > 0",
        "UPDATE stock SET taken = taken - 1",
    )
    assert {"zero_sum_overall", "running_balance", "stock_equals_moves", "chain_holds"} <= broken(str(booked_file))


PAGE_BYTES = 4_096


def damage(path: Path, pages: range) -> None:
    content = bytearray(path.read_bytes())
    for page in pages:
        start = (page - 1) * PAGE_BYTES
        content[start : start + PAGE_BYTES] = b"\xff" * PAGE_BYTES
    path.write_bytes(content)


def test_a_damaged_index_is_found(booked_file: Path) -> None:
    with open_ledger(str(booked_file)) as ledger, ledger._transaction(writing=False) as connection:
        page = connection.exec_driver_sql(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'command_of_entry'"
        ).scalar_one()
    damage(booked_file, range(page, page + 1))
    assert "file_is_sound" in broken(str(booked_file))


def test_a_file_that_can_no_longer_be_read_is_told(booked_file: Path) -> None:
    damage(booked_file, range(2, booked_file.stat().st_size // PAGE_BYTES + 1))
    with pytest.raises(DamagedError, match="the database file is damaged"):
        open_ledger(str(booked_file))
