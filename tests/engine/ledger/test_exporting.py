"""The export of a ledger, checked by a program that knows nothing of this one."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import orjson
import pytest

from lianxing.engine.ledger.chaining import Link, link_hash
from lianxing.engine.ledger.checkpoints import checkpoint, checkpoint_text
from lianxing.engine.ledger.drafts import Draft
from lianxing.engine.ledger.exporting import export
from lianxing.engine.ledger.opening import Ledger, open_ledger
from lianxing.rules.records import Volunteer
from tests.engine.ledger.making import (
    COUNTY,
    POLICY,
    SECOND,
    UNTIL,
    VOLUNTEER,
    book,
    furnish,
    holding,
    original,
    record,
)

AUDITOR = Path(__file__).parents[3] / "examples" / "auditor" / "audit.py"
MEMBERS = [field.name for field in fields(Link)]

Line = dict[str, Any]


def exported(ledger: Ledger) -> list[Line]:
    lines: list[bytes] = []
    export(ledger, lines.append)
    return [json.loads(line) for line in lines]


def audit(folder: Path, lines: list[Line], *more: str) -> tuple[int, list[str]]:
    """The exit code of the auditor, and what it said without the path."""
    file = folder / "export.jsonl"
    file.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    done = subprocess.run(
        [sys.executable, "-I", str(AUDITOR), str(file), *more], capture_output=True, text=True, check=False, cwd=folder
    )
    assert done.stderr == ""
    return done.returncode, [said.removeprefix(f"{file}:") for said in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> list[Line]:
    path = tmp_path_factory.mktemp("exported") / "county.db"
    with open_ledger(str(path), clock=lambda: 1_750_000_000) as ledger:
        furnish(ledger)
        return exported(ledger)


@pytest.fixture
def lines(furnished: list[Line]) -> list[Line]:
    copy: list[Line] = json.loads(json.dumps(furnished))
    return copy


def at(lines: list[Line], volunteer: str, county: str, number: int) -> int:
    """The place of an entry in the file, counted from 0."""
    wanted = (volunteer, county, number)
    return next(
        place
        for place, line in enumerate(lines)
        if "link" in line and tuple(line["link"][name] for name in ("volunteer", "county", "number")) == wanted
    )


def chain_again(lines: list[Line]) -> None:
    """Make every hash and head fit what the entries say now, as an insider would who has the programs."""
    before: dict[tuple[str, str], str] = {}
    for line in lines:
        if "link" in line:
            members = dict(line["link"])
            for name in ("body", "content", "supplied"):
                members[name] = None if members[name] is None else members[name].encode()
            owner = (members["volunteer"], members["county"])
            line["hash"] = link_hash(bytes.fromhex(before.get(owner, "00" * 32)), Link(**members)).hex()
            before[owner] = line["hash"]
        elif "head" in line:
            line["hash"] = before.get((line["volunteer"], line["county"]), line["hash"])


def test_the_auditor_imports_nothing_but_the_standard_library() -> None:
    imported = [
        line.split()[1] for line in AUDITOR.read_text("utf-8").splitlines() if line.startswith(("import ", "from "))
    ]
    assert {name.split(".")[0] for name in imported} - set(sys.stdlib_module_names) == set()


def test_the_export_of_a_ledger_passes(lines: list[Line], tmp_path: Path) -> None:
    assert audit(tmp_path, lines) == (0, [" no difference (policies 2, links 21, heads 6)"])


def test_the_export_of_an_empty_ledger_passes(ledger: Ledger, tmp_path: Path) -> None:
    assert audit(tmp_path, exported(ledger)) == (0, [" no difference (policies 0, links 0, heads 0)"])


def test_any_text_and_any_bytes_pass(ledger: Ledger, tmp_path: Path) -> None:
    odd = "".join(map(chr, range(1, 0x300))) + "\u2028\u2029\ufeff\uffff😀"
    with ledger.writing() as writing:
        writing.save_policy(POLICY, COUNTY, odd, b"\xff\xfe policy")
        writing.save_volunteers([Volunteer(VOLUNTEER, facts={"name": odd})])
        writing.enter([Draft("gift", SECOND, COUNTY, UNTIL, POLICY, b"\xff\x00\n", actor=odd, reason=odd)])
        writing.book([original(record(odd[:400], odd[400:], facts={odd[:400]: odd}))])
    assert audit(tmp_path, exported(ledger))[0] == 0


def test_every_link_has_all_members(lines: list[Line]) -> None:
    links = [line["link"] for line in lines if "link" in line]
    assert all(list(link) == MEMBERS for link in links)
    assert [name for name in MEMBERS if not any(link[name] for link in links)] == []


def changed(value: Any) -> Any:
    match value:
        case None:
            return 1
        case int():
            return value + 1
        case str():
            return value + "x"
        case [[*first], *rest]:
            return [[*first[:-1], changed(first[-1])], *rest]
        case [*items, last]:
            return [*items, changed(last)]
    return [["points", "points", 1, 1]]


@pytest.mark.parametrize("member", MEMBERS)
def test_a_changed_member_is_found_at_its_entry(lines: list[Line], tmp_path: Path, member: str) -> None:
    for line in [line for line in lines if "link" in line and line["link"]["volunteer"] == "V1"][3::4]:
        link = line["link"]
        before, number = link[member], link["number"]
        link[member] = changed("text" if member in ("content", "supplied") and before is None else before)
        code, said = audit(tmp_path, lines)
        assert code == 1
        place = f"{lines.index(line) + 1}: "
        assert said[0].startswith(place), said
        if member not in ("volunteer", "county", "number"):
            assert said[0].startswith(f"{place}V1 in {link['county']}, entry {number}: ")
        link[member] = before
    assert audit(tmp_path, lines)[0] == 0


def test_a_changed_hash_is_found(lines: list[Line], tmp_path: Path) -> None:
    place = at(lines, "V1", "youxian", 5)
    lines[place]["hash"] = "0" * 64
    assert audit(tmp_path, lines)[1] == [
        f"{place + 1}: V1 in youxian, entry 5: the hash does not follow from the entry and the hash before it",
        " 1 difference (policies 2, links 21, heads 6)",
    ]


def posting(number: int, line: int, column: int, value: Any) -> Callable[[list[Line]], None]:
    def change(lines: list[Line]) -> None:
        lines[at(lines, "V1", "youxian", number)]["link"]["postings"][line][column] = value

    return change


def setting(number: int, **values: Any) -> Callable[[list[Line]], None]:
    def change(lines: list[Line]) -> None:
        lines[at(lines, "V1", "youxian", number)]["link"].update(values)

    return change


def without(number: int) -> Callable[[list[Line]], None]:
    def change(lines: list[Line]) -> None:
        lines.pop(at(lines, "V1", "youxian", number))

    return change


def exchanged(lines: list[Line]) -> None:
    place = at(lines, "V1", "youxian", 4)
    lines[place : place + 2] = reversed(lines[place : place + 2])


def put_in_another_passbook(lines: list[Line]) -> None:
    lines[at(lines, "V2", "youxian", 1)]["link"]["record"] = "r1"


CONSISTENT: list[tuple[str, Callable[[list[Line]], None], int, str]] = [
    ("an amount", posting(2, 2, 2, 601), 2, "earned in points comes to 1201, not to 1200"),
    ("a counterpart", posting(2, 3, 2, -599), 2, "the postings in points add up to 1, not to 0"),
    ("a running balance", posting(2, 2, 3, 1_300), 2, "earned in points comes to 1200, not to 1300"),
    ("an amount that is not whole", posting(2, 2, 2, 600.0), 2, "600.0 is not a whole number"),
    ("the points of an entry", setting(2, points=700), 2, "the entry says 700 points, its postings 600"),
    ("the seconds of an entry", setting(3, seconds=1), 3, "the entry says 1 seconds, its postings 0"),
    ("an instant", setting(5, recorded_at=1), 5, "the entry was recorded before the one ahead of it"),
    ("a policy", setting(3, policy_hash="0" * 64), 3, "the policy of the entry is not the one of the export"),
    ("no policy", setting(3, policy_digest=None), 3, "the policy of the entry is not the one of the export"),
    ("an entry left out", without(3), 4, "entry 2 is followed by 4"),
    ("two entries exchanged", exchanged, 5, "entry 3 is followed by 5"),
    ("what is adjusted", setting(5, adjusts=2), 5, "entry 2 is not the original of the same record"),
    ("a record left out", setting(3, content=None), 3, "an original, corrected or withdrawn entry brings the record"),
    ("a hold ended twice", setting(12, ends=8), 12, "the entry ends a hold, 8, that is not open"),
    ("a hold not ended", setting(12, ends=None), 0, "the open holds of wallet/held come to 170, its balance is 120"),
    ("a lot never opened", setting(13, lots=[["wallet", 9, -70]]), 13, "lot 9 of wallet was never opened"),
    (
        "a lot opened twice",
        setting(13, opened=[["wallet", 1, "2025-01-01", "2026-12-31", "", 5]]),
        13,
        "lot 1 of wallet is opened twice",
    ),
    ("a lot overdrawn", setting(13, lots=[["wallet", 2, -700]]), 0, "of lot 2 of wallet there is -200 left, of 500"),
    ("a lot not drawn", setting(13, lots=[]), 0, "the lots of wallet come to 950, its balance is 880"),
    (
        "a floor",
        setting(2, floors=[["wallet", "points", 5_000]]),
        0,
        "wallet in points is 880, below its floor of 5000",
    ),
]


@pytest.mark.parametrize(("what", "change", "entry", "sentence"), CONSISTENT, ids=[case[0] for case in CONSISTENT])
def test_what_does_not_add_up_is_found_though_every_hash_fits(
    lines: list[Line], tmp_path: Path, what: str, change: Callable[[list[Line]], None], entry: int, sentence: str
) -> None:
    change(lines)
    chain_again(lines)
    code, said = audit(tmp_path, lines)
    assert code == 1
    where = f"V1 in youxian, entry {entry}: " if entry else "V1 in youxian, at the end: "
    assert f"{where}{sentence}" in said[0]


def test_a_record_that_counts_in_two_passbooks_is_found(lines: list[Line], tmp_path: Path) -> None:
    put_in_another_passbook(lines)
    chain_again(lines)
    code, said = audit(tmp_path, lines)
    assert code == 1
    assert said[0].endswith("V2 in youxian: record r1 of zhiyuanhui counts in another passbook too")


def test_only_the_first_difference_of_a_passbook_is_told(lines: list[Line], tmp_path: Path) -> None:
    for number in (3, 5, 7):
        lines[at(lines, "V1", "youxian", number)]["link"]["reason"] = "other"
    lines[at(lines, "V2", "youxian", 2)]["link"]["reason"] = "other"
    code, said = audit(tmp_path, lines)
    assert code == 1
    assert ["V1 in youxian, entry 3" in said[0], "V2 in youxian, entry 2" in said[1], len(said)] == [True, True, 3]


def test_the_end_taken_off_is_found(lines: list[Line], tmp_path: Path) -> None:
    assert audit(tmp_path, lines[:-1])[1][0] == f"{len(lines) - 1}: the file ends before its end"
    assert audit(tmp_path, [])[1][0] == "0: the file ends before its end"


def test_a_line_taken_away_anywhere_is_found(lines: list[Line], tmp_path: Path) -> None:
    for number in range(1, len(lines) - 1, 3):
        code, said = audit(tmp_path, lines[:number] + lines[number + 1 :])
        assert (code, len(said) > 1) == (1, True), lines[number]


def test_a_line_that_comes_twice_is_found(lines: list[Line], tmp_path: Path) -> None:
    for number in range(2, len(lines), 3):
        assert audit(tmp_path, [*lines[: number + 1], *lines[number:]])[0] == 1, lines[number]


def test_a_head_that_is_not_the_last_entry_is_found(lines: list[Line], tmp_path: Path) -> None:
    place = next(place for place, line in enumerate(lines) if "head" in line and line["head"] == 13)
    lines[place]["head"] = 12
    assert audit(tmp_path, lines)[1][0] == f"{place + 1}: V1 in youxian: the head is not the last entry, 13"


def test_a_changed_policy_is_found(lines: list[Line], tmp_path: Path) -> None:
    for member in ("policy", "county", "title", "first_used_at", "content"):
        before = lines[1][member]
        lines[1][member] = changed(before)
        assert "the hash does not follow from the policy" in audit(tmp_path, lines)[1][0]
        lines[1][member] = before


def test_what_is_no_export_is_told(lines: list[Line], tmp_path: Path) -> None:
    assert audit(tmp_path, [{"audit": 2}])[0] == 1
    lines[4] = {"other": 1}
    assert audit(tmp_path, lines)[1][0] == "5: a line that is nothing known"
    missing = subprocess.run(
        [sys.executable, str(AUDITOR), "absent.jsonl"], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (missing.returncode, "absent.jsonl" in missing.stderr) == (2, True)
    assert "Traceback" not in missing.stderr


def test_an_export_is_held_against_an_earlier_checkpoint(ledger: Ledger, tmp_path: Path) -> None:
    furnish(ledger)
    kept = tmp_path / "checkpoint.jsonl"
    kept.write_bytes(checkpoint_text(checkpoint(ledger)))
    with ledger.writing() as writing:
        writing.enter([holding(VOLUNTEER, 1, 10)])
    lines = exported(ledger)
    assert audit(tmp_path, lines, "--checkpoint", str(kept))[0] == 0

    # An insider takes the last two entries of V2 in wuling away, or writes the last one anew; every hash fits.
    rewritten: list[Line] = json.loads(json.dumps(lines))
    rewritten[at(rewritten, "V2", "wuling", 2)]["link"]["reason"] = "stayed"
    chain_again(rewritten)
    assert audit(tmp_path, rewritten)[0] == 0
    said = audit(tmp_path, rewritten, "--checkpoint", str(kept))[1]
    assert said[0].endswith("V2 in wuling, entry 2: the checkpoint has another hash")

    lines.pop(at(lines, "V2", "wuling", 2))
    head = next(line for line in lines if "head" in line and (line["volunteer"], line["county"]) == ("V2", "wuling"))
    head["head"] = 1
    lines[-1]["end"]["links"] -= 1
    chain_again(lines)
    assert audit(tmp_path, lines)[0] == 0
    said = audit(tmp_path, lines, "--checkpoint", str(kept))[1]
    assert said[0].endswith("V2 in wuling: ends with entry 1, the checkpoint has 2")


def test_the_auditors_line_of_json_is_the_chains_line_for_any_text() -> None:
    line = runpy.run_path(str(AUDITOR), run_name="auditor")["as_line"]
    for start in range(0, 0x11000, 0x400):
        some = "".join(chr(code) for code in range(start, start + 0x400) if not 0xD800 <= code < 0xE000)
        assert line([some, 1, None, [-5, [some]]]) == orjson.dumps([some, 1, None, [-5, [some]]])


def test_an_export_takes_little_memory(ledger: Ledger) -> None:
    written = 0

    def count(line: bytes) -> None:
        nonlocal written
        written += len(line)

    for start in range(0, 6_000, 1_000):
        book(ledger, *(original(record(f"r{number}", f"V{number % 1_500}")) for number in range(start, start + 1_000)))
    tracemalloc.start()
    export(ledger, count)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert written > 5_000_000
    assert peak < 4_000_000
