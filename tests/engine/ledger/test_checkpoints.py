"""A checkpoint that somebody else keeps finds what nothing inside the ledger can tell."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from lianxing.engine.ledger.checkpoints import (
    Checkpoint,
    against,
    checkpoint,
    checkpoint_text,
    read_checkpoint,
    root_of,
)
from lianxing.engine.ledger.errors import InvalidError
from lianxing.engine.ledger.opening import Ledger, open_ledger
from lianxing.engine.ledger.verifying import VIOLATIONS_MAX, verify
from tests.engine.ledger.making import SECOND, VOLUNTEER, book, furnish, holding, original, record
from tests.engine.ledger.test_verifying import tamper

# The last entry of V2 in youxian, passbook 6, is a hold of 70.
LAST_ENTRY_AWAY = (
    "DELETE FROM entry WHERE passbook = 6 AND number = 2",
    "DELETE FROM posting WHERE passbook = 6 AND entry = 2",
    "DELETE FROM lot_move WHERE passbook = 6 AND entry = 2",
    "DELETE FROM hold WHERE passbook = 6 AND entry = 2",
    "DELETE FROM redemption WHERE passbook = 6 AND entry = 2",
    "DELETE FROM stock_move WHERE passbook = 6 AND entry = 2",
    "DELETE FROM command WHERE passbook = 6 AND entry = 2",
    "DELETE FROM balance WHERE passbook = 6 AND account = 'wallet/held'",
    "UPDATE lot SET remaining = remaining + 70 WHERE passbook = 6",
    "UPDATE balance SET posted = posted + 70 WHERE passbook = 6 AND account = 'wallet'",
    "UPDATE stock SET taken = taken - 1",
    "UPDATE passbook SET number = 1, head = (SELECT hash FROM entry WHERE passbook = 6) WHERE id = 6",
)
PASSBOOK_AWAY = (  # V2 in wuling, passbook 5
    *(f"DELETE FROM {table} WHERE passbook = 5" for table in ("entry", "posting", "service_record", "record_key")),
    "DELETE FROM balance WHERE passbook = 5",
    "DELETE FROM passbook WHERE id = 5",
)


@pytest.fixture
def kept(path: Path) -> tuple[Path, Checkpoint]:
    with open_ledger(str(path), clock=lambda: 1_750_000_000) as ledger:
        furnish(ledger)
        return path, checkpoint(ledger)


def broken(path: Path, earlier: Checkpoint) -> list[tuple[str, dict[str, str]]]:
    with open_ledger(path) as ledger:
        found = against(ledger, earlier)
    assert all(violation.label.zh and violation.label.en for violation in found)
    return [(violation.invariant, dict(violation.ids)) for violation in found]


def test_a_checkpoint_says_where_every_chain_ends(kept: tuple[Path, Checkpoint]) -> None:
    made = kept[1]
    assert made.recorded_at == 1_750_000_000
    assert [(head.volunteer, head.county, head.number) for head in made.heads] == [
        ("V1", "", 2),
        ("V1", "wuling", 1),
        ("V1", "youxian", 13),
        ("V2", "", 1),
        ("V2", "wuling", 2),
        ("V2", "youxian", 2),
    ]
    assert made.counts["entries"] == sum(head.number for head in made.heads) == 21
    assert made.root == root_of(list(made.heads))
    assert all(len(head.hash) == 64 for head in made.heads)


def test_a_ledger_that_went_on_still_agrees_with_an_earlier_checkpoint(kept: tuple[Path, Checkpoint]) -> None:
    path, earlier = kept
    with open_ledger(str(path)) as ledger:
        with ledger.writing() as writing:
            writing.enter([holding(VOLUNTEER, 1, 10), holding(SECOND, 1, 10)])
        book(ledger, original(record("new", "V3")))
        assert checkpoint(ledger).root != earlier.root
    assert broken(path, earlier) == []


def test_the_last_entry_taken_away_with_everything_made_to_fit_is_found_by_the_checkpoint_alone(
    kept: tuple[Path, Checkpoint],
) -> None:
    path, earlier = kept
    tamper(str(path), *LAST_ENTRY_AWAY)
    with open_ledger(str(path)) as ledger:
        assert verify(ledger) == []
    assert broken(path, earlier) == [("entries_of_checkpoint", {"volunteer": "V2", "county": "youxian", "entry": "2"})]


def test_a_passbook_taken_away_is_found_by_the_checkpoint_alone(kept: tuple[Path, Checkpoint]) -> None:
    path, earlier = kept
    tamper(str(path), *PASSBOOK_AWAY)
    with open_ledger(str(path)) as ledger:
        assert verify(ledger) == []
    assert broken(path, earlier) == [("passbook_of_checkpoint", {"volunteer": "V2", "county": "wuling", "entry": "2"})]


def test_an_entry_written_anew_in_the_place_of_the_last_one_is_found_by_the_checkpoint_alone(
    kept: tuple[Path, Checkpoint],
) -> None:
    path, earlier = kept
    tamper(str(path), *LAST_ENTRY_AWAY)
    with open_ledger(str(path)) as ledger, ledger.writing() as writing:
        writing.enter([holding(SECOND, 1, 7)])
    with open_ledger(str(path)) as ledger:
        assert verify(ledger) == []
    assert broken(path, earlier) == [("hash_of_checkpoint", {"volunteer": "V2", "county": "youxian", "entry": "2"})]


def test_what_is_told_of_each_kind_is_cut_short(ledger: Ledger, tmp_path: Path) -> None:
    book(ledger, *(original(record(f"r{number}", f"V{number}")) for number in range(VIOLATIONS_MAX * 6)))
    with open_ledger(str(tmp_path / "empty.db")) as empty:
        assert len(against(empty, checkpoint(ledger))) == VIOLATIONS_MAX
    assert against(ledger, checkpoint(ledger)) == []


def test_a_checkpoint_comes_back_from_its_text_and_is_always_the_same_bytes(kept: tuple[Path, Checkpoint]) -> None:
    made = kept[1]
    text = checkpoint_text(made)
    assert read_checkpoint(text, "kept") == made
    assert checkpoint_text(read_checkpoint(text, "kept")) == text
    lines = text.decode().splitlines()
    assert len(lines) == 1 + len(made.heads)
    assert lines[3].startswith('{"county":"youxian","hash":"')
    assert lines[3].endswith('","number":13,"volunteer":"V1"}')


def test_a_checkpoint_of_an_empty_ledger_is_one_line(ledger: Ledger) -> None:
    made = checkpoint(ledger)
    assert checkpoint_text(made).count(b"\n") == 1
    assert against(ledger, read_checkpoint(checkpoint_text(made), "kept")) == []


def test_a_checkpoint_that_was_changed_is_told(kept: tuple[Path, Checkpoint]) -> None:
    text = checkpoint_text(kept[1])
    changed = [
        text.replace(b'"number":13', b'"number":12'),
        text.replace(b'"V2"', b'"V3"'),
        b"".join(text.splitlines(keepends=True)[:-1]),
        b"".join([*text.splitlines(keepends=True)[:2], *reversed(text.splitlines(keepends=True)[2:])]),
        text.replace(b":", b": ", 1),
        text + b"\n",
        checkpoint_text(dataclasses.replace(kept[1], root="0" * 64)),
    ]
    for bad in changed:
        assert bad != text
        with pytest.raises(InvalidError, match=r"the checkpoint was changed|is not a checkpoint"):
            read_checkpoint(bad, "kept")


@pytest.mark.parametrize(
    "text", [b"", b"\n", b"{}\n", b"[1]\n", b"volunteer,points\n", b"\xff\xfe", b'{"checkpoint":2}\n', b"7\n"]
)
def test_what_is_no_checkpoint_is_told(text: bytes) -> None:
    with pytest.raises(InvalidError, match=r"kept\.json: is not a checkpoint"):
        read_checkpoint(text, "kept.json")
