"""`lianxing request` and `lianxing dossier`: the way of a request on the command line, in both languages."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lianxing.engine.bank.service_requests import ServiceDesk
from lianxing.engine.bank.tellers import Answer
from lianxing.engine.ledger.errors import InDoubtError
from lianxing.engine.ledger.opening import open_ledger
from lianxing.engine.ledger.verifying import verify
from lianxing.rules.facts import CountyId, VolunteerId
from lianxing.rules.records import Volunteer
from lianxing.rules.service_commands import TakeStep
from tests.engine.bank.counting_house import rules, take_in, write_county
from tests.engine.bank.test_damaged_passbooks import unguarded
from tests.engine.requests import ACCOUNTS, FACTS, MEASURES, MENU
from tests.plugins.conftest import Run
from tests.plugins.smallville import COUNTY, served
from tests.plugins.test_bank_cli import called_in

ELDER = Volunteer(VolunteerId("R1"), born_on=date(1950, 1, 1))
HELPER = Volunteer(VolunteerId("V1"), facts={"skilled": 1})


class Town:
    """The command in a town where R1 has three hours and V1 may serve."""

    def __init__(self, run: Run, folder: Path, database: str = "bank.db") -> None:
        self.run, self.folder = run, folder
        self.common = ("--county", "smallville", "--database", database)

    def __call__(self, *arguments: str, code: int = 0, lang: str = "en") -> str:
        done = self.run("--lang", lang, *arguments, *self.common)
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    def data(self, *arguments: str, code: int = 0) -> Any:
        done = self.run(*arguments, *self.common, "--json")
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout)

    def ask(self, *more: str) -> str:
        asked = self.data(
            "request", "ask", "R1", "cleaning", "--hours", "2", "--actor", "R1", "--on", "2024-06-03", *more
        )
        return str(asked["request"]["id"])


@pytest.fixture
def county_folder(tmp_path: Path) -> Path:
    facts = "facts:\n" + "".join(f"  {name}: {said}\n" for name, said in FACTS.items())
    menu = MENU.replace("  notice: 3 working days\n", "")
    folder = write_county(
        tmp_path / "smallville",
        county=COUNTY["county.yaml"] + "holidays: CN\n" + facts,
        accounts=ACCOUNTS,
        menu=menu,
        measures=COUNTY["measures.yaml"] + MEASURES,
        hours="- id: found_false\n  revoke: {kind: revocation}\n",
    )
    (folder / "redemption.yaml").unlink()
    return folder


@pytest.fixture
def town(lianxing: Run, tmp_path: Path, county_folder: Path) -> Town:
    with rules(county_folder) as rulebook, open_ledger(str(tmp_path / "bank.db")) as ledger:
        take_in(rulebook, ledger, served("a", "2024-05-01 09:00", 3, "R1"), volunteers=(ELDER, HELPER))
    return Town(lianxing, tmp_path)


def test_a_request_goes_its_whole_way_and_stands_in_the_dossier(town: Town) -> None:
    id = town.ask()
    said = town("request", "candidates", id, "--on", "2024-06-03")
    assert "1. V1  paired no, on_roster -, same_community -, served 0 h" in said
    said = town("request", "candidates", id, "--on", "2024-06-03", lang="zh")
    assert "1. V1  已结对 否，当日值守 -，同社区 -，served 0 小时" in said
    office = ("--actor", "office", "--organiser", "--on", "2024-06-03")
    assert f"{id}: matched" in town("request", "match", id, "V1", *office)
    run = ("bank", "expire", "--on", "2024-10-01")  # the account reserves for ninety days
    assert "1 reservation after the last day kept for requests that are still open" in town(*run)
    assert "另有 1 笔过期预留仍保留" in town(*run, lang="zh")
    assert [one["volunteer"] for one in town.data(*run)["kept"]] == ["R1"]
    said = town("request", "served", id, "--hours", "2", "--actor", "V1", "--on", "2024-06-04", lang="zh")
    assert f"{id}：已服务" in said
    confirm = ("request", "confirm", id, "--hours", "1.5", "--actor", "R1", "--on", "2024-06-05")
    assert town.data(*confirm)["request"]["settled"] == 5400
    evaluate = ("request", "evaluate", id, "evaluation=good", "--actor", "R1", "--on", "2024-06-06")
    assert f"{id}: evaluated" in town(*evaluate)
    assert "2024-06-04 家政保洁，1.5 小时，由 V1 服务" in town("dossier", "R1", lang="zh")
    (service,) = town.data("dossier", "R1")["services"]
    words = [one["value"]["en"] for one in service["evaluation"]]
    assert (service["seconds"], service["volunteer"], words) == (5400, "V1", ["good"])
    assert town.data("dossier", "R1", "--since", "2024-06-05")["services"] == []
    with open_ledger(str(town.folder / "bank.db")) as ledger:
        assert verify(ledger) == []


def test_what_somebody_says_of_a_service_is_read_as_a_registry_would_say_it(town: Town) -> None:
    id = town.ask()
    town("request", "match", id, "V1", "--actor", "office", "--organiser", "--on", "2024-06-03")
    town("request", "served", id, "--hours", "2", "--actor", "V1", "--on", "2024-06-04")
    town("request", "confirm", id, "--hours", "2", "--actor", "R1", "--on", "2024-06-05")
    evaluate = ("request", "evaluate", id, "--actor", "R1", "--on", "2024-06-06")
    assert "'good' is no value of 'evaluation_score'" in town(*evaluate, "evaluation_score=good", code=2)
    assert "'evaluation_score' is said more than once" in town(*evaluate, "评价分=4", "evaluation_score=4", code=2)
    answer = town.data(*evaluate, "评价分=4.5", "评价=good")
    words = [
        {"fact": {"zh": "评价分", "en": "evaluation_score"}, "value": {"zh": "4.5", "en": "4.5"}},
        {"fact": {"zh": "评价", "en": "evaluation"}, "value": {"zh": "good", "en": "good"}},
    ]
    assert (answer["request"]["evaluation"], answer["effects"][0]["facts"][:2], answer["asked"]["said"]) == (words,) * 3
    (service,) = town.data("dossier", "R1")["services"]
    (listed,) = town.data("request", "list", "R1")["requests"]
    assert (sorted(service["evaluation"], key=str), listed["evaluation"]) == (sorted(words, key=str), words)
    assert "evaluation good, evaluation score 4.5" in town("dossier", "R1")


def test_what_was_no_service_is_revoked_with_its_reason_and_its_record_with_it(town: Town) -> None:
    id = town.ask()
    town("request", "match", id, "V1", "--actor", "office", "--organiser", "--on", "2024-06-03")
    town("request", "served", id, "--hours", "2", "--actor", "V1", "--on", "2024-06-04")
    assert "  结清 1.5 小时" in town(
        "request", "confirm", id, "--hours", "1.5", "--actor", "R1", "--on", "2024-06-05", lang="zh"
    )
    withdraw = ("withdraw-record", id, "--registry", "menu", "--actor", "office", "--reason", "nobody came")
    assert f"lianxing request revoke {id}" in town(*withdraw, code=2)
    revoke = ("request", "revoke", id, "--actor", "office", "--organiser", "--on", "2024-06-06")
    assert "须写明理由" in town(*revoke, code=1, lang="zh")
    because = ("--reason", "nobody came")
    assert "  退回 1.5 小时\n  服务记录撤回" in town(*revoke, *because, "--dry-run", lang="zh")
    said = town(*revoke, *because)
    assert f"{id}: revoked" in said
    assert "  given back: 1.5 h\n  the record of the service is taken back" in said
    assert (town.data("dossier", "R1")["services"], town.data("request", "list")["requests"]) == ([], [])


def test_a_request_of_what_is_on_the_menu_no_longer_is_ended_and_the_answer_says_by_what(
    town: Town, county_folder: Path
) -> None:
    id = town.ask()
    menu = (county_folder / "menu.yaml").read_text("utf-8")
    (county_folder / "menu.yaml").write_text(menu.replace("cleaning:", "cooking:"), "utf-8")
    match = ("request", "match", id, "V1", "--actor", "office", "--organiser", "--on", "2024-06-03")
    assert "the menu of the county has no cleaning" in town(*match, code=1)
    assert "Nobody may serve." in town("request", "candidates", id, "--on", "2024-06-03")
    cancel = ("request", "cancel", id, "--actor", "R1", "--on", "2024-06-04")
    assert "服务菜单已没有此项，按该需求所记的办" in town(*cancel, "--dry-run", lang="zh")
    assert "it goes on by what the request keeps" in town(*cancel)


def test_a_refused_step_says_why_and_leaves_with_1(town: Town) -> None:
    id = town.ask()
    confirm = ("request", "confirm", id, "--hours", "1", "--actor", "R1", "--on", "2024-06-05")
    assert "it is requested; this step comes after served" in town(*confirm, code=1)
    assert "现为已提出，此步须在已服务之后" in town(*confirm, code=1, lang="zh")
    refused = town.data(*confirm, code=1)
    assert (refused["allowed"], refused["reasons"][0]["code"]) == (False, "state")


def test_the_same_key_is_served_once_and_a_dry_run_writes_nothing(town: Town) -> None:
    tried = town.ask("--key", "one", "--dry-run")
    assert town.data("request", "list")["requests"] == []
    assert town.ask("--key", "one") == town.ask("--key", "one") == tried
    (listed,) = town.data("request", "list")["requests"]
    assert (listed["id"], listed["last_day"]) == (tried, "2024-06-13")


@pytest.mark.parametrize(("lang", "told"), [("en", "key: "), ("zh", "请求编号：")])
def test_who_gets_no_answer_asks_again_with_the_key_that_was_told_and_the_price_is_reserved_once(
    town: Town, monkeypatch: pytest.MonkeyPatch, lang: str, told: str
) -> None:
    town = Town(called_in(town.folder, monkeypatch), town.folder)
    ask = ("request", "ask", "R1", "cleaning", "--hours", "2", "--actor", "R1", "--on", "2024-06-03")
    with monkeypatch.context() as lost:
        serve = ServiceDesk.serve

        def served_unheard(desk: ServiceDesk, command: TakeStep, **how: Any) -> Answer:
            serve(desk, command, **how)
            raise InDoubtError("bank.db", "连接断了", "the connection was lost")

        lost.setattr(ServiceDesk, "serve", served_unheard)
        said = town(*ask, code=75, lang=lang)
    again = re.search(f"{told}.*--key (\\S+) --on 2024-06-03", said)
    assert again is not None, said
    answer = town.data(*ask, "--key", again[1])
    assert (answer["replayed"], answer["key"], answer["scope"]) == (True, again[1], "cli")
    assert len(town.data("request", "list")["requests"]) == 1
    assert "--key" not in town(*ask, "--dry-run", code=1, lang=lang)  # nothing is left for another one


def test_a_key_of_another_request_and_what_no_bank_can_do_leave_with_2_and_nothing_is_done(town: Town) -> None:
    id = town.ask("--key", "one")
    cancel = ("request", "cancel", id, "--actor", "R1", "--on", "2024-06-03")
    assert town(*cancel, "--key", "one", code=2) == "this key was used for another request; nothing was done\n"
    assert "这个请求编号已用于别的请求" in town(*cancel, "--key", "one", code=2, lang="zh")
    assert "control character" in town(*cancel, "--reason", "a\tb", code=2)
    (listed,) = town.data("request", "list")["requests"]
    assert listed["state"] == "requested"


def test_the_list_tells_what_is_due_and_overdue_requests_end(town: Town) -> None:
    id = town.ask()
    assert f"{id}  cleaning  R1  requested, until 2024-06-13" in town("request", "list")
    tried = town("request", "expire", "--on", "2024-06-14", "--dry-run")
    assert "dry run: nothing was written" in tried
    for said in (tried, town("request", "expire", "--on", "2024-06-14")):
        assert "1 overdue request ended, 0 refused" in said
    assert "没有" in town("request", "list", lang="zh")
    assert town.data("request", "list", "R1")["requests"][0]["state"] == "expired"


def test_a_run_tells_whose_request_it_ended_whose_it_could_not_and_why(town: Town, county_folder: Path) -> None:
    closes = ACCOUNTS + "  closure: {death: lost, moving: lost, leaving: lost}\n"
    (county_folder / "accounts.yaml").write_text(closes, "utf-8")
    closed = town.ask()
    town("bank", "expire", "--on", "2024-10-01")  # what was reserved is given back, or nothing could be closed
    town("bank", "close-passbook", "R1", "--event", "leaving", "--on", "2024-10-01")
    run = ("request", "expire", "--on", "2024-06-14")
    foreseen = town.data(*run, "--dry-run", code=1)
    done = town.data(*run, code=1)
    assert (foreseen["expired"], done["expired"], done["damaged"]) == ([], [], [])
    (refused,) = done["refused"]
    assert (refused["id"], [reason["code"] for reason in refused["reasons"]]) == (closed, ["closed_passbook"])
    assert [one["id"] for one in town.data("request", "list")["requests"]] == [closed]
    said, chinese = town(*run, code=1), town(*run, code=1, lang="zh")
    assert f"{closed}  cleaning  R1  requested, until 2024-06-13\n  refused, entry {refused['entry']}" in said
    assert "0 overdue requests ended, 1 refused" in said
    assert "  未能办结，第" in chinese
    assert "过期办结 0 项，未能办结 1 项" in chinese


def test_a_run_lists_what_it_ended_and_names_whose_passbook_it_left_out(town: Town, county_folder: Path) -> None:
    town.ask()
    elder = replace(ELDER, id=VolunteerId("R2"))
    with rules(county_folder) as rulebook, open_ledger(str(town.folder / "bank.db")) as ledger:
        take_in(rulebook, ledger, served("b", "2024-05-01 09:00", 3, "R2"), volunteers=(elder,))
    ask = ("request", "ask", "R2", "cleaning", "--hours", "1", "--actor", "R2", "--on", "2024-06-03")
    other = town.data(*ask)["request"]["id"]
    with closing(sqlite3.connect(town.folder / "bank.db", isolation_level=None)) as connection, unguarded(connection):
        connection.execute("UPDATE volunteer SET born_on = 'x' WHERE id = 'R1'")
    run = ("request", "expire", "--on", "2024-06-14")
    assert [one["id"] for one in town.data(*run, "--dry-run", code=3)["expired"]] == [other]
    done = town.data(*run, code=3)
    assert ([one["id"] for one in done["expired"]], done["refused"]) == ([other], [])
    assert ["R1: the passbook is damaged" in told for told in done["damaged"]] == [True]
    assert "R1：存折已损坏" in town(*run, code=3, lang="zh")


def test_what_cannot_be_understood_leaves_with_2_and_what_is_not_there_with_4(town: Town) -> None:
    ask = ("request", "ask", "R1", "cleaning", "--actor", "R1")
    assert "no number of hours" in town(*ask, "--hours", "two", code=2)
    assert "say with --as" in town(*ask, "--hours", "1", "--for", "R2", code=2)
    assert "no request" in town("request", "cancel", "smallville/R1/99", "--actor", "R1", code=4)
    id = town.ask()
    assert "FACT=VALUE" in town("request", "evaluate", id, "lovely", "--actor", "R1", code=2)


# --- where the record of a service begins -----------------------------------------------------------------------------

YOUXIAN = CountyId("cn/hunan/zhuzhou/youxian")
SINCE = date(2023, 1, 1)
CLIENT = Volunteer(VolunteerId("R1"), registered_on=SINCE, facts={"target_group": "empty_nest"})
BARBER = Volunteer(VolunteerId("V2"), registered_on=SINCE, facts={"skilled_haircut": 1, "wishes_at_home": 1})


def test_a_service_in_youxian_is_reviewed_from_its_confirmation_on_and_counts_once_it_is_filed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lianxing = called_in(tmp_path, monkeypatch)
    hours = replace(served("a", "2025-01-06 09:00", 3, "R1", category="community_service"), county=YOUXIAN)
    with rules(Path("youxian")) as rulebook, open_ledger(str(tmp_path / "bank.db")) as ledger:
        take_in(rulebook, ledger, hours, volunteers=(CLIENT, BARBER), on=date(2025, 2, 1))

    def do(*arguments: str, code: int = 0) -> Any:
        done = lianxing(*arguments, "--county", "youxian", "--database", "bank.db", "--json")
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout)

    misspelt = do(
        "request", "ask", "R11", "haircut_at_home", "--hours", "2", "--actor", "R1", "--on", "2025-03-03", code=4
    )
    assert "R11" in misspelt["error"]
    do("passbook", "R11", code=4)
    do("request", "list", "R11", code=4)
    asked = do("request", "ask", "R1", "haircut_at_home", "--hours", "2", "--actor", "R1", "--on", "2025-03-03")
    id = str(asked["request"]["id"])

    def step(doing: str, on: str, role: str, actor: str = "clerk", code: int = 0) -> Any:
        who = ("--role", role, "--actor", actor, "--reason", "confirmed by R1", "--on", on)
        return do("review", "step", id, "--do", doing, *who, code=code)

    do("request", "match", id, "V2", "--actor", "office", "--organiser", "--on", "2025-03-04")
    do("request", "post", id, "--actor", "office", "--organiser", "--on", "2025-03-04")
    do("request", "served", id, "--hours", "2", "--actor", "V2", "--on", "2025-03-10")
    do("request", "confirm", id, "--hours", "1.5", "--actor", "R1", "--on", "2025-03-17")
    (waits,) = do("review", "list", "--on", "2025-03-24", "--role", "社区居委会")["waiting"]
    assert (waits["record"], waits["until"], waits["overdue"]) == (id, "2025-03-24", False)
    refused = step("advanced", "2025-03-18", "社区居委会", "V2", code=1)
    assert [reason["code"] for reason in refused["reasons"]] == ["own_matter"]
    assert step("advanced", "2025-03-24", "社区居委会")["state"] == "reviewed"
    do("request", "evaluate", id, "evaluation=优", "--actor", "R1", "--on", "2025-03-25")
    assert step("advanced", "2025-03-26", "街道志愿服务部")["state"] == "filed"
    assert step("posted", "2025-03-26", "街道志愿服务部")["state"] == "filed"
    closing = do("passbook", "V2", "--until", "2025-04-03")["closing"]
    assert {one["account"]: one["available"] for one in closing if one["account"] != "earned"} == {
        "time_credits": "5400",
        "points": "1.8",
    }
    assert do("verify")["violations"] == []


def test_where_the_review_begins_in_two_states_the_menu_says_in_which(
    county_folder: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (county_folder / "review.yaml").write_text(
        "by_elders: {stage: {from_state: applied, to_state: filed, by: elders, deadline: unlimited}}\n"
        "by_the_office: {stage: {from_state: reviewed, to_state: filed, by: the office, deadline: unlimited}}\n"
    )
    (county_folder / "hours.yaml").write_text("- id: filed_only\n  count: {state: filed}\n")
    town = Town(called_in(county_folder.parent, monkeypatch), county_folder.parent, address)
    assert "P653" in town("request", "list", code=1)
    with (county_folder / "menu.yaml").open("a") as menu:
        menu.write("  recorded_as: reviewed\n")
    with rules(county_folder) as rulebook, open_ledger(address) as ledger:
        take_in(rulebook, ledger, served("a", "2024-05-01 09:00", 3, "R1"), volunteers=(ELDER, HELPER))
    id = town.ask()
    town("request", "match", id, "V1", "--actor", "office", "--organiser", "--on", "2024-06-03")
    town("request", "served", id, "--hours", "1", "--actor", "V1", "--on", "2024-06-04")
    town("request", "confirm", id, "--hours", "1", "--actor", "R1", "--on", "2024-06-05")
    (waits,) = town.data("review", "list", "--on", "2024-06-05")["waiting"]
    assert (waits["record"], waits["role"]) == (id, "the office")
    step = ("review", "step", id, "--do", "advanced", "--role", "the office", "--actor", "clerk", "--on", "2024-06-06")
    assert town.data(*step)["state"] == "filed"
    closing = town.data("passbook", "V1", "--until", "2024-06-06")["closing"]
    assert {one["account"]: one["available"] for one in closing}["credits"] == "3600"
    assert town.data("verify")["violations"] == []
