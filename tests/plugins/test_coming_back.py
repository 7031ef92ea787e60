"""A record withdrawn by mistake comes back under its own id: the version of its registry says what is later."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from lianxing import ServiceRecord
from lianxing.engine.bank.replaying import replay
from lianxing.engine.ledger.opening import Ledger, open_ledger
from lianxing.engine.rulebook import Rulebook
from lianxing.plugins import taking_in
from lianxing.plugins.registries.reasons import sentence
from lianxing.rules.facts import RecordId, RegistryId, VolunteerId
from lianxing.rules.records import SetAside, Withdrawn
from tests.engine.bank.counting_house import rules, write_county
from tests.plugins.smallville import COUNTY, Registry, served
from tests.plugins.test_bank_cli import called_in
from tests.plugins.test_intake import HERE, balance, take_in

TEST = RegistryId("test")
MAPPING = """\
mapping: sheet
title: {zh: 登记表, en: sheet}
registry: test
time_zone: Asia/Shanghai
duration: {unit: hours, breaks: no, tolerance: 60 seconds}
records: {id: id, volunteer: who, started_at: start, ended_at: end, version: changed, state: {constant: filed}}
"""


def visit(version: int, who: str = "V1") -> ServiceRecord:
    return replace(served("1", "2024-05-01 09:00", 1, who), version=version)


def gone(version: int) -> Withdrawn:
    return Withdrawn(RecordId("1"), TEST, "deleted there", version=version)


def told(ledger: Ledger, who: str = "V1") -> list[tuple[str, int, str]]:
    with ledger.reading() as reading:
        entries = [one.entry for one in reading.passbook_entries(VolunteerId(who), HERE)]
    return [(one.kind, one.points, one.reason) for one in entries]


def test_a_newer_version_of_a_withdrawn_record_counts_again_and_no_older_one(
    rulebook: Rulebook, ledger: Ledger
) -> None:
    take_in(rulebook, ledger, Registry(visit(1)))
    take_in(rulebook, ledger, Registry(gone(3)))
    aside: list[SetAside] = []
    assert take_in(rulebook, ledger, Registry(visit(2), visit(3), visit(1)), aside=aside).reasons == {
        "older_version": 3
    }
    assert "a higher version" in sentence(aside[0], "en")
    assert "更高的版次" in sentence(aside[0], "zh")
    assert take_in(rulebook, ledger, Registry(visit(4))).corrected == 1
    assert take_in(rulebook, ledger, Registry(visit(4))).unchanged == 1
    assert take_in(rulebook, ledger, Registry(gone(3))).reasons == {"older_version": 1}
    assert told(ledger) == [("original", 100, ""), ("withdrawn", -100, "deleted there"), ("original", 100, "came_back")]
    assert replay(ledger, [rulebook]).differences == []


def test_what_is_taken_back_before_it_came_is_noted_and_only_what_is_newer_counts(
    rulebook: Rulebook, ledger: Ledger
) -> None:
    assert take_in(rulebook, ledger, Registry(gone(2), gone(2), gone(4))).withdrawn == 2
    assert told(ledger, "registry/test") == [("withdrawn", 0, "deleted there")] * 2
    assert take_in(rulebook, ledger, Registry(visit(1), visit(3))).reasons == {"older_version": 2}
    assert take_in(rulebook, ledger, Registry(visit(5))).corrected == 1
    assert balance(ledger)["points"] == 100
    assert replay(ledger, [rulebook]).differences == []


def test_what_is_taken_back_twice_is_noted_and_only_what_is_newer_counts(rulebook: Rulebook, ledger: Ledger) -> None:
    take_in(rulebook, ledger, Registry(visit(1)))
    take_in(rulebook, ledger, Registry(gone(2)))
    assert take_in(rulebook, ledger, Registry(gone(5), gone(5), gone(4))).withdrawn == 1
    assert take_in(rulebook, ledger, Registry(visit(3))).reasons == {"older_version": 1}
    assert [kind for kind, _points, _reason in told(ledger)] == ["original", "withdrawn", "withdrawn"]
    assert take_in(rulebook, ledger, Registry(visit(6, "V2"))).corrected == 1
    assert (balance(ledger)["points"], balance(ledger, VolunteerId("V2"))["points"]) == (0, 100)
    assert replay(ledger, [rulebook]).differences == []


def test_a_withdrawal_that_another_county_brings_is_set_aside_and_not_said_to_be_known(
    rulebook: Rulebook, ledger: Ledger, tmp_path: Path
) -> None:
    take_in(rulebook, ledger, Registry(visit(1), gone(2)))
    elsewhere = COUNTY["county.yaml"].replace("smallville", "otherville")
    with rules(write_county(tmp_path / "otherville", county=elsewhere)) as other:
        assert take_in(other, ledger, Registry(gone(2))).unchanged == 1
        assert take_in(other, ledger, Registry(gone(5))).reasons == {"booked_elsewhere": 1}


def test_of_a_number_that_was_given_twice_the_withdrawal_stands(rulebook: Rulebook, ledger: Ledger) -> None:
    take_in(rulebook, ledger, Registry(visit(1)))
    assert take_in(rulebook, ledger, Registry(gone(1))).withdrawn == 1
    assert take_in(rulebook, ledger, Registry(replace(visit(1), seconds=60))).reasons == {"older_version": 1}
    assert balance(ledger)["points"] == 0


def test_a_record_that_somebody_else_gets_goes_back_under_a_higher_version(rulebook: Rulebook, ledger: Ledger) -> None:
    for version, who in ((1, "V1"), (2, "V2"), (3, "V1")):
        assert take_in(rulebook, ledger, Registry(visit(version, who))).set_aside == 0
    assert take_in(rulebook, ledger, Registry(visit(2, "V2"))).reasons == {"older_version": 1}
    assert (balance(ledger)["points"], balance(ledger, VolunteerId("V2"))["points"]) == (100, 0)
    assert replay(ledger, [rulebook]).differences == []


@pytest.mark.parametrize("first", [visit(1), gone(2)])
def test_a_record_that_comes_while_another_importer_takes_it_back_does_not_count(
    rulebook: Rulebook, empty_on_postgres: str, monkeypatch: pytest.MonkeyPatch, first: ServiceRecord | Withdrawn
) -> None:
    other = gone(2) if first == visit(1) else visit(1)
    with open_ledger(empty_on_postgres) as mine, open_ledger(empty_on_postgres) as theirs:
        take_in(rulebook, mine, Registry())

        def before(name: str, of: Any) -> None:
            done = getattr(of, name)

            def meanwhile(*asked: Any) -> Any:
                monkeypatch.setattr(of, name, done)
                take_in(rulebook, theirs, Registry(other))
                return done(*asked)

            monkeypatch.setattr(of, name, meanwhile)

        before(*(("noted", taking_in) if isinstance(first, Withdrawn) else ("_assess", taking_in.TakingIn)))
        report = take_in(rulebook, mine, Registry(first))
        assert (report.withdrawn, report.reasons) == ((1, {}) if first == gone(2) else (0, {"older_version": 1}))
        assert balance(mine)["points"] == 0
        assert replay(mine, [rulebook]).differences == []


@pytest.mark.parametrize("version", [-1, 1.5, True, "7", 2**63])
def test_what_is_no_version_sets_the_record_aside(rulebook: Rulebook, ledger: Ledger, version: Any) -> None:
    wrong = Registry(visit(version), gone(version))
    assert take_in(rulebook, ledger, wrong).reasons == {"not_exact": 2}


def test_an_export_that_numbers_its_rows_brings_a_withdrawn_record_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = called_in(tmp_path, monkeypatch)
    folder = tmp_path / "smallville"
    folder.mkdir()
    for name, text in COUNTY.items():
        (folder / name).write_text(text, "utf-8")
    (tmp_path / "sheet.yaml").write_text(MAPPING, "utf-8")
    where = ("--county", str(folder), "--database", "sqlite:///bank.db", "--on", "2024-06-01")

    def comes(changed: str) -> Any:
        row = f"id,who,start,end,changed\n1,V1,2024-05-01 09:00,2024-05-01 10:00,{changed}\n"
        (tmp_path / "records.csv").write_text(row, "utf-8")
        done = here("import", "records.csv", "--mapping", "sheet.yaml", *where, "--json")
        return orjson.loads(done.stdout)

    assert comes("2024-05-02 08:00")["booked"] == 1
    here("withdraw-record", "1", "--registry", "test", "--actor", "7", "--reason", "entered twice", *where)
    assert comes("2024-05-02 08:00")["set_aside_reasons"] == {"older_version": 1}
    assert comes("2024-05-03 08:00")["corrected"] == 1
    passbook = ("passbook", "V1", *where[:4], "--since", "2024-01-01", "--until", "2024-06-01")
    assert "its registry has brought it again" in here(*passbook).stdout
    assert "登记系统撤回后又报送" in here("--lang", "zh", *passbook).stdout
    assert here("verify", "--database", "sqlite:///bank.db", "--county", str(folder)).returncode == 0
