"""The demonstration, as the README's first command runs it: every number of it can be re-added."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest

from lianxing.engine.ledger.exporting import export
from lianxing.engine.ledger.opening import open_ledger
from lianxing.engine.readding import readd
from lianxing.engine.wording import sentences
from lianxing.plugins.cli import main
from lianxing.plugins.cli.commands.demo import DATABASE, ON, SET_ASIDE

pytestmark = pytest.mark.xdist_group("demo")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        said: list[str] = []
        patch.setattr("click.echo", lambda text="", **_how: said.append(str(text)))
        with pytest.raises(SystemExit) as left:
            main.run(["demo", "--json", "--lang", "en"])
    assert left.value.code == 0
    return folder, json.loads("\n".join(said))


def test_every_record_of_the_export_is_booked_or_set_aside(demo: tuple[Path, dict[str, Any]]) -> None:
    taken = demo[1]["import"]
    assert taken["rows_read"] == taken["booked"] + taken["set_aside"] >= 20_000
    assert sum(taken["set_aside_reasons"].values()) == taken["set_aside"]
    assert (demo[0] / SET_ASIDE).is_file()


def test_at_least_a_thousand_volunteers_hold_all_stars_from_none_to_five(demo: tuple[Path, dict[str, Any]]) -> None:
    stars = demo[1]["stars"]
    assert sorted(stars) == ["0", "1", "2", "3", "4", "5"]
    assert sum(stars.values()) >= 1_000


def test_the_arithmetic_of_every_explanation_gives_the_posted_amount(demo: tuple[Path, dict[str, Any]]) -> None:
    checked = 0
    with open_ledger(str(demo[0] / DATABASE), create=False) as ledger, ledger.reading() as reading:
        for stored in reading.all_entries():
            if stored.entry.kind == "registered":
                assert (stored.entry.county, stored.postings) == ("", ())  # what the registry says of a person
                continue
            seconds, points = readd(orjson.loads(stored.body))
            posted = {"seconds": 0, "points": 0}
            for posting in stored.postings:
                if posting.account.startswith("earned/"):
                    posted[posting.unit] += posting.amount
            assert (seconds, points) == (posted["seconds"], posted["points"]), stored.entry.record
            checked += 1
    assert checked == demo[1]["import"]["booked"]


def test_every_record_of_the_demonstration_explains_itself_in_both_languages(demo: tuple[Path, dict[str, Any]]) -> None:
    with open_ledger(str(demo[0] / DATABASE), create=False) as ledger, ledger.reading() as reading:
        kept: dict[str, Any] = {}
        booked = (stored for stored in reading.all_entries() if stored.entry.record)
        for number, stored in enumerate(booked):
            if number % 50:
                continue
            policy = reading.policy(stored.entry.policy_digest)
            assert policy is not None
            kept = kept or orjson.loads(policy.content)
            body = orjson.loads(stored.body)
            for step in (*body["workings"], *body["refusals"]):
                assert kept["clauses"][step["clause"]]["at"].count(":") == 2
            assert all(sentences(body, kept, "zh"))
            assert all(sentences(body, kept, "en"))


def test_the_ledger_of_the_demonstration_passes_the_auditor(demo: tuple[Path, dict[str, Any]]) -> None:
    file = demo[0] / "audit.jsonl"
    with open_ledger(str(demo[0] / DATABASE), create=False) as ledger, file.open("wb") as out:
        counts = export(ledger, out.write)
    auditor = Path(__file__).parents[1] / "examples" / "auditor" / "audit.py"
    done = subprocess.run([sys.executable, str(auditor), str(file)], capture_output=True, text=True, check=False)
    assert done.stdout.endswith(f"no difference (policies 1, links {counts['links']}, heads {counts['heads']})\n")
    assert counts["links"] == demo[1]["import"]["booked"] + 1_000  # and the file of each person


def test_the_conditions_were_asked_of_a_matcher_and_counted(demo: tuple[Path, dict[str, Any]]) -> None:
    from lianxing.engine.matchers import evaluations_by_matcher

    assert sum(evaluations_by_matcher().values()) >= 20_000


def test_a_standing_names_the_day_the_clause_and_the_line(demo: tuple[Path, dict[str, Any]]) -> None:
    standing = demo[1]["standing"]
    assert date.fromisoformat(standing["on"]) == ON
    assert standing["star_held"] == 5
    assert standing["star_at"].startswith("cn/hunan/zhuzhou/youxian/stars.yaml:")
    assert all(measure["at"] for measure in standing["measures"])
    assert standing["perks"]
