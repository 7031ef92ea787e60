"""Whoever edits the file past the triggers is found, and the invariant that they broke is named."""

from __future__ import annotations

import hashlib
import importlib
from pathlib import Path
from typing import Any

import pytest

from lianxing.engine.ledger.contents import content_of
from lianxing.engine.ledger.errors import DamagedError
from lianxing.engine.ledger.opening import Ledger, open_ledger
from lianxing.engine.ledger.verifying import INVARIANTS, VIOLATIONS_MAX, verify
from tests.engine.ledger.making import adjusting, book, original, record

R1 = record("r1")


def tamper(path: Path, *statements: str, keep_guards: bool = True) -> None:
    """Change the file as somebody would who knows the schema: triggers, checks and references off, on again after."""
    try:
        driver: Any = importlib.import_module("pysqlite3")
    except ImportError:
        driver = importlib.import_module("sqlite3")
    connection = driver.connect(path, isolation_level=None)
    connection.execute("PRAGMA ignore_check_constraints = ON")
    triggers = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        assert connection.execute(statement).rowcount != 0
    for _, statement in triggers if keep_guards else ():
        connection.execute(statement)
    connection.close()


def broken(path: Path) -> set[str]:
    with open_ledger(str(path)) as ledger:
        found = verify(ledger)
    assert all(violation.label.zh and violation.label.en and violation.ids for violation in found)
    return {violation.invariant for violation in found}


@pytest.fixture
def booked(path: Path) -> Path:
    """V1 has r1 (adjusted), r2, r3 (refused); V2 has s1. Entries 1 to 5, accounts 1 and 3 are those of V1."""
    with open_ledger(str(path)) as ledger:
        book(ledger, original(R1), original(record("r2")), original(record("r3"), 0, 0))
        book(ledger, original(record("s1", volunteer="V2")), adjusting(R1, 1, -600, -50))
    return path


SECOND_ORIGINAL = (
    "INSERT INTO entry SELECT 6, kind, volunteer, county, registry, record, recorded_at, effective_on, policy_digest, "
    "adjusts, 0, 0, body, counted FROM entry WHERE id = 3"
)
OTHER = content_of(record("r9"))
TAMPERING: tuple[tuple[str, tuple[str, ...], set[str]], ...] = (
    (
        "one amount",
        ("UPDATE posting SET amount = 601 WHERE entry = 1 AND line = 3",),
        {
            "zero_sum_of_entry",
            "zero_sum_overall",
            "entry_equals_postings",
            "balance_equals_postings",
            "running_balance",
        },
    ),
    (
        "an amount and its counterpart, and the balances after it",
        (
            "UPDATE posting SET amount = 700 WHERE entry = 2 AND line = 3",
            "UPDATE posting SET amount = -700 WHERE entry = 2 AND line = 4",
            "UPDATE posting SET balance_after = balance_after + 100 WHERE account = 3 AND account_seq >= 2",
            "UPDATE balance SET posted = posted + 100 WHERE account = 3",
        ),
        {"entry_equals_postings"},
    ),
    ("the points of an entry", ("UPDATE entry SET points = 900 WHERE id = 1",), {"entry_equals_postings"}),
    ("the seconds of an entry", ("UPDATE entry SET seconds = 1 WHERE id = 3",), {"entry_equals_postings"}),
    ("a balance", ("UPDATE balance SET posted = posted + 1 WHERE account = 3",), {"balance_equals_postings"}),
    ("the count in a balance", ("UPDATE balance SET seq = seq + 1 WHERE account = 3",), {"balance_equals_postings"}),
    ("a balance removed", ("DELETE FROM balance WHERE account = 3",), {"balance_equals_postings"}),
    ("a balance of the issuer", ("INSERT INTO balance VALUES (2, 0, 0)",), {"balance_equals_postings"}),
    (
        "a running balance",
        ("UPDATE posting SET balance_after = 1 WHERE account = 3 AND account_seq = 1",),
        {"running_balance"},
    ),
    (
        "a posting removed",
        ("DELETE FROM posting WHERE entry = 1 AND line = 3",),
        {
            "zero_sum_of_entry",
            "zero_sum_overall",
            "entry_equals_postings",
            "balance_equals_postings",
            "running_balance",
            "sequence_without_gap",
        },
    ),
    (
        "the last postings removed and the balance made to fit",
        (
            "DELETE FROM posting WHERE entry = 5 AND unit = 'points'",
            "UPDATE balance SET posted = posted + 50, seq = seq - 1 WHERE account = 3",
        ),
        {"entry_equals_postings"},
    ),
    (
        "a gap in the numbering",
        ("UPDATE posting SET account_seq = 9 WHERE account = 3 AND account_seq = 3",),
        {"sequence_without_gap"},
    ),
    (
        "two postings exchanged",
        (
            "UPDATE posting SET account_seq = -1 WHERE account = 3 AND account_seq = 1",
            "UPDATE posting SET account_seq = 1, balance_after = 600 WHERE account = 3 AND account_seq = 2",
            "UPDATE posting SET account_seq = 2, balance_after = 1200 WHERE account = 3 AND account_seq = -1",
        ),
        {"sequence_in_order_of_entries"},
    ),
    (
        "the number taken off a posting",
        ("UPDATE posting SET account_seq = NULL, balance_after = NULL WHERE entry = 5 AND line = 3",),
        {"posting_on_right_account", "balance_equals_postings"},
    ),
    (
        "a posting moved to another person",
        (
            "UPDATE posting SET account_seq = 2, balance_after = 14400 WHERE account = 5",
            "UPDATE posting SET account = 5, account_seq = 1, balance_after = 7200 WHERE entry = 2 AND line = 1",
            "UPDATE posting SET account_seq = 2, balance_after = 6600 WHERE account = 1 AND account_seq = 3",
            "UPDATE balance SET posted = 14400, seq = 2 WHERE account = 5",
            "UPDATE balance SET posted = 6600, seq = 2 WHERE account = 1",
        ),
        {"posting_on_right_account"},
    ),
    (
        "an entry removed with its postings",
        ("DELETE FROM entry WHERE id = 4", "DELETE FROM posting WHERE entry = 4"),
        {"file_is_sound", "entries_without_gap", "record_has_entry", "balance_equals_postings"},
    ),
    (
        "an entry removed from under its postings",
        ("DELETE FROM entry WHERE id = 2",),
        {"file_is_sound", "entries_without_gap", "record_has_entry", "posting_has_entry"},
    ),
    ("a record removed", ("DELETE FROM service_record WHERE record = 'r3'",), {"entry_has_record"}),
    ("a second original", (SECOND_ORIGINAL,), {"one_original_per_record", "entry_has_record"}),
    (
        "an adjustment turned to another record",
        ("UPDATE entry SET adjusts = 2 WHERE id = 5",),
        {"adjusts_original_of_same_record"},
    ),
    (
        "an adjustment of a later entry",
        ("UPDATE entry SET adjusts = 5 WHERE id = 5",),
        {"adjusts_original_of_same_record"},
    ),
    (
        "the person of an entry",
        ("UPDATE entry SET volunteer = 'V2' WHERE id = 3",),
        {"record_has_entry"},
    ),
    (
        "the day of an entry",
        ("UPDATE entry SET effective_on = '2024-12-31' WHERE id = 3",),
        {"content_matches_hash"},
    ),
    ("a policy removed", ("DELETE FROM policy",), {"file_is_sound", "entry_has_policy"}),
    (
        "the content of a record",
        ("UPDATE service_record SET content = CAST(replace(content, '7200', '7260') AS BLOB) WHERE record = 'r2'",),
        {"content_matches_hash"},
    ),
    (
        "the content of a record, and its hash, with another record's",
        (
            f"UPDATE service_record SET content = x'{OTHER.hex()}', "
            f"content_hash = '{hashlib.sha256(OTHER).hexdigest()}' WHERE record = 'r2'",
        ),
        {"content_matches_hash"},
    ),
    (
        "content that is no JSON, with its hash",
        (
            f"UPDATE service_record SET content = x'7b', content_hash = '{hashlib.sha256(b'{').hexdigest()}' "
            "WHERE record = 'r2'",
        ),
        {"content_matches_hash"},
    ),
)


def test_an_untouched_ledger_holds(booked: Path) -> None:
    assert broken(booked) == set()


@pytest.mark.parametrize(("what", "statements", "invariants"), TAMPERING, ids=[case[0] for case in TAMPERING])
def test_tampering_is_found(booked: Path, what: str, statements: tuple[str, ...], invariants: set[str]) -> None:
    tamper(booked, *statements)
    assert broken(booked) == invariants


def test_every_invariant_is_broken_by_some_case() -> None:
    broken_here = {name for _, _, names in TAMPERING for name in names}
    assert {invariant.name for invariant in INVARIANTS} - broken_here == set()


def test_triggers_taken_away_are_missed(booked: Path) -> None:
    tamper(booked, keep_guards=False)
    assert broken(booked) == {"guards_in_place"}


def test_a_violation_names_the_entry_and_says_it_in_two_languages(booked: Path) -> None:
    tamper(booked, "UPDATE entry SET points = 900 WHERE id = 1")
    with open_ledger(str(booked)) as ledger:
        (violation,) = verify(ledger)
    assert violation.ids == (
        ("entry", "1"),
        ("seconds", "7200"),
        ("points", "900"),
        ("posted_seconds", "7200"),
        ("posted_points", "600"),
    )
    assert violation.label.text("zh") == "分录所记时长与积分须等于其过账"


def test_a_thousand_violations_of_one_kind_are_cut_short(ledger: Ledger, path: Path) -> None:
    book(ledger, *(original(record(f"r{number}")) for number in range(VIOLATIONS_MAX + 50)))
    tamper(path, "UPDATE entry SET points = 900", "UPDATE service_record SET content_hash = ''")
    assert len(verify(ledger)) == 2 * VIOLATIONS_MAX


PAGE_BYTES = 4_096


def damage(path: Path, pages: range) -> None:
    content = bytearray(path.read_bytes())
    for page in pages:
        start = (page - 1) * PAGE_BYTES
        content[start : start + PAGE_BYTES] = b"\xff" * PAGE_BYTES
    path.write_bytes(content)


def test_a_damaged_index_is_found(booked: Path) -> None:
    with open_ledger(str(booked)) as ledger, ledger._transaction(writing=False) as connection:
        page = connection.exec_driver_sql(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'posting_running_key'"
        ).scalar_one()
    damage(booked, range(page, page + 1))
    assert "file_is_sound" in broken(booked)


def test_a_file_that_can_no_longer_be_read_is_told(booked: Path) -> None:
    damage(booked, range(2, booked.stat().st_size // PAGE_BYTES + 1))
    with pytest.raises(DamagedError, match="the database file is damaged"):
        open_ledger(str(booked))
