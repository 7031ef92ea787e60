"""The counter and the passbook as a clerk meets them: both languages, exit codes, no traceback.

What a process has of its own (its streams, its exit, a lock that another one holds) is asked of real processes; the
rest of the same program, called here.
"""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from lianxing.engine.ledger.opening import open_ledger
from lianxing.engine.ledger.verifying import verify
from lianxing.plugins.cli.main import run
from lianxing.rules.records import Volunteer
from tests.engine.bank.counting_house import ACCOUNTS, ANN, BEN, OFFERS, PERKS, rules, take_in, write_county
from tests.plugins.conftest import Run
from tests.plugins.smallville import COUNTY, served

ON = ("--on", "2024-06-01")
HOURS = """\
- id: not_yet_filed
  hold: {state: reviewed}
- id: filed_only
  count: {any: [{state: filed}, {state: reviewed}]}
"""
SUPPLIERS = "  suppliers: [{provider: the mill, at_least: 100 yuan, per: month}]\n"

Ask = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """A county with a bank, and a ledger with two people and what they earned."""
    offers = OFFERS.replace("rice:\n", f"rice:\n{SUPPLIERS}")
    folder = write_county(tmp_path / "smallville", hours=HOURS, redemption=offers, perks=PERKS)
    with rules(folder) as rulebook, open_ledger(str(tmp_path / "bank.db")) as ledger:
        take_in(
            rulebook,
            ledger,
            served("1", "2024-05-01 09:00", 2),
            served("2", "2024-05-10 09:00", 3),
            served("4", "2024-05-12 09:00", 2, state="reviewed"),
            served("9", "2024-05-12 09:00", 1, volunteer="V2"),
            volunteers=(Volunteer(ANN), Volunteer(BEN)),
        )
    return tmp_path


class Stream(io.StringIO):
    """A stream that can be read when the program has closed it."""

    def close(self) -> None: ...


@pytest.fixture
def here(bank: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    return called_in(bank, monkeypatch)


def called_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return the whole program, called in this process."""
    monkeypatch.chdir(folder)
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")

    def call(*arguments: str, **_environment: str) -> subprocess.CompletedProcess[str]:
        out, err = Stream(), Stream()
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as left:
            run(arguments)
        code = left.value.code
        assert isinstance(code, int)
        return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())

    return call


def counter(lianxing: Run) -> Ask:
    def ask(*arguments: str) -> subprocess.CompletedProcess[str]:
        return lianxing("bank", *arguments, "--county", "smallville", "--database", "bank.db")

    return ask


@pytest.fixture
def ask(here: Run) -> Ask:
    return counter(here)


@pytest.fixture
def asked_for_real(bank: Path, lianxing: Run) -> Ask:
    return counter(lianxing)


@pytest.fixture
def passbook(here: Run) -> Ask:
    def passbook(*arguments: str) -> subprocess.CompletedProcess[str]:
        where = ("--county", "smallville", "--database", "bank.db")
        return here("passbook", "V1", *where, "--until", "2024-12-31", *arguments)

    return passbook


def told(done: subprocess.CompletedProcess[str], code: int = 0) -> dict[str, Any]:
    assert done.returncode == code, done.stdout + done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def held(ask: Ask, *more: str) -> int:
    entry: int = told(ask("redeem", "V1", "soap", *ON, "--json", *more))["entry"]
    return entry


def accounts(passbook: Ask, until: str = "2024-06-01") -> dict[str, tuple[str, str]]:
    closing = told(passbook("--json", "--until", until))["closing"]
    return {one["account"]: (one["available"], one["held"]) for one in closing if one["account"] != "earned"}


def test_what_is_redeemed_is_reserved_then_settled(bank: Path, ask: Ask, passbook: Ask) -> None:
    entry = held(ask, "--actor", "clerk 7", "--reason", "at the window")
    assert accounts(passbook)["points"] == ("4", "1")
    assert told(ask("settle", "V1", str(entry), *ON, "--json"))["accepted"] is True
    assert accounts(passbook)["points"] == ("4", "0")
    refunded = told(ask("refund", "V1", str(entry), *ON, "--json"))
    assert refunded["answer"]["refunded"] == 100
    assert accounts(passbook)["points"] == ("5", "0")
    by = f"entry {entry} was given back already, by entry {refunded['entry']}"
    for again in ("refund", "settle"):
        assert by in ask(again, "V1", str(entry), *ON).stdout
    assert (
        f"第 {entry} 号已由第 {refunded['entry']} 号退回" in ask("refund", "V1", str(entry), *ON, "--lang", "zh").stdout
    )
    with open_ledger(str(bank / "bank.db")) as ledger:
        assert verify(ledger) == []


def test_the_same_key_gives_the_same_answer_and_another_request_none(ask: Ask, passbook: Ask) -> None:
    first = told(ask("redeem", "V1", "soap", *ON, "--key", "K1", "--json"))
    again = told(ask("redeem", "V1", "soap", *ON, "--key", "K1", "--json"))
    assert (again["entry"], again["answer"], again["replayed"]) == (first["entry"], first["answer"], True)
    other = ask("redeem", "V1", "rice", *ON, "--key", "K1")
    assert other.returncode == 2
    assert "this key was used for another request; nothing was done" in other.stderr
    assert "这个请求编号已用于别的请求" in ask("redeem", "V1", "rice", *ON, "--key", "K1", "--lang", "zh").stderr
    assert accounts(passbook)["points"] == ("4", "1")


def test_a_key_is_made_and_told_where_none_is_given(ask: Ask) -> None:
    done = ask("redeem", "V1", "soap", *ON, "--json")
    key = told(done)["key"]
    assert f"--key {key}" in done.stderr
    assert told(ask("redeem", "V1", "soap", *ON, "--key", key, "--json"))["replayed"] is True


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        ("en", ("refused: redeem soap", "it takes 10 points, there is 5 points [soap, smallville/redemption.yaml:4]")),
        ("zh", ("未办：兑换 soap", "余额不足：需 10 分，可用 5 分〔soap，smallville/redemption.yaml:4〕")),
    ],
)
def test_a_refusal_names_every_reason_with_its_line_and_leaves_with_one(
    language: str, sentences: tuple[str, ...], ask: Ask, asked_for_real: Ask
) -> None:
    done = asked_for_real("redeem", "V1", "soap", "--units", "10", *ON, "--lang", language)
    assert done.returncode == 1
    for sentence in sentences:
        assert sentence in done.stdout
    assert "smallville/redemption.yaml:8" in done.stdout  # the stock, too
    answer = told(ask("redeem", "V1", "soap", "--units", "10", *ON, "--json"), 1)
    assert {reason["code"] for reason in answer["answer"]["reasons"]} == {"balance", "stock"}


def test_a_dry_run_answers_and_writes_nothing(ask: Ask, passbook: Ask) -> None:
    before = told(passbook("--json"))
    rehearsed = told(ask("redeem", "V1", "soap", *ON, "--dry-run", "--key", "K1", "--json"))
    assert (rehearsed["accepted"], rehearsed["entry"], rehearsed["answer"]["price"]) == (True, None, 100)
    assert told(ask("redeem", "V1", "soap", "--units", "9", *ON, "--dry-run", "--json"), 1)["entry"] is None
    assert told(passbook("--json")) == before
    assert told(ask("redeem", "V1", "soap", *ON, "--key", "K1", "--json"))["replayed"] is False


def test_every_command_of_the_counter_does_what_it_says(ask: Ask, passbook: Ask) -> None:
    entry = held(ask)
    told(ask("release", "V1", str(entry), *ON, "--json"))
    told(ask("give", "V1", "points", "0.5", "--to", "friend", "--recipient", "V2", *ON, "--json"))
    told(ask("give", "V1", "points", "50 points", "--to", "pool", *ON, "--json"), 1)
    told(ask("grant", "V1", "time", "1 hour", *ON, "--json"))
    visit = told(ask("redeem", "V1", "visit", *ON, "--json"))
    assert visit["answer"]["unit"] == "seconds"
    rice = told(ask("redeem", "V1", "rice", *ON, "--json"))["entry"]
    told(ask("settle", "V1", str(rice), *ON, "--json"))
    told(ask("fetch", "V1", str(rice), *ON, "--json"))
    told(ask("fetch", "V1", str(rice), *ON, "--json"), 1)
    twice = told(ask("use-perk", "V1", "bath", "--units", "2", *ON, "--dry-run", "--json"), 1)
    assert "too few uses are left: at most 1, used 0" in twice["sentences"][1]
    told(ask("use-perk", "V1", "bath", *ON, "--json"))
    told(ask("use-perk", "V1", "bath", *ON, "--json"), 1)
    half = told(ask("reserve", "V1", "points", "1 points", "--for", "goods", *ON, "--json"))["entry"]
    told(ask("settle", "V1", str(half), "--amount", "0.5 points", *ON, "--json"))
    assert accounts(passbook) == {"points": ("2", "0"), "time": ("18000", "0")}
    told(ask("close-passbook", "V1", "--event", "leaving", *ON, "--json"))
    assert accounts(passbook) == {"points": ("0", "0"), "time": ("0", "0")}
    kinds = [entry["kind"] for entry in told(passbook("--json"))["entries"]]
    assert kinds.count("refused") == 3
    assert {"released", "given", "granted", "settled", "fetched", "perk_used", "closed"} <= set(kinds)


def test_who_is_not_known_gets_no_passbook(ask: Ask, here: Run) -> None:
    assert ask("redeem", "V11", "soap", *ON).returncode == 4
    done = ask("give", "V1", "points", "1", "--to", "friend", "--recipient", "V22", *ON)
    assert done.returncode == 1
    assert "the ledger has no volunteer V22" in done.stdout
    for stranger in ("V11", "V22"):
        assert here("passbook", stranger, "--county", "smallville", "--database", "bank.db").returncode == 4


def test_an_amount_that_is_too_fine_is_told_how_fine_it_may_be(ask: Ask) -> None:
    assert (
        "nothing is finer than a second, or 0.01 points" in ask("give", "V1", "points", "0.001", "--to", "pool").stderr
    )


def test_a_busy_ledger_is_told_with_a_code_of_its_own_and_nothing_is_done(
    bank: Path, ask: Ask, asked_for_real: Ask
) -> None:
    other = sqlite3.connect(bank / "bank.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        done = asked_for_real("redeem", "V1", "soap", *ON, "--wait", "0", "--key", "K1")
        assert done.returncode == 75
        assert "Traceback" not in done.stderr
    finally:
        other.execute("ROLLBACK")
        other.close()
    assert told(ask("redeem", "V1", "soap", *ON, "--key", "K1", "--json"))["replayed"] is False


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("redeem", "V1", "no such offer"), 1),
        (("redeem", "V1", "soap", "--units", "0"), 1),
        (("redeem", "V1", "soap", "--units", "-1"), 1),
        (("redeem", "V1", "soap", "--units", "99999999999999999999"), 2),
        (("redeem", "V1", "soap", "--units", "1.5"), 2),
        (("redeem", "V1", "soap", "--key", ""), 2),
        (("redeem", "V1", "soap", "--key", "k" * 201), 2),
        (("redeem", "V1", "soap", "--actor", "a\nb"), 2),
        (("redeem", "V1", "soap", "--reason", "r" * 5_000), 2),
        (("redeem", "V1"), 2),
        (("settle", "V1", "777"), 1),
        (("settle", "V1", "0"), 2),
        (("settle", "V1", "x"), 2),
        (("give", "V1", "points", "0.001", "--to", "pool"), 2),
        (("give", "V1", "points", "1 hour", "--to", "pool"), 2),
        (("give", "V1", "points", "-3", "--to", "pool"), 2),
        (("give", "V1", "nothing", "3", "--to", "pool"), 1),
        (("give", "V1", "points", "3", "--to", "nobody"), 2),
        (("give", "V1", "points", "3", "--to", "friend"), 1),
        (("grant", "V1", "points", "3"), 1),
        (("use-perk", "V1", "no such perk"), 1),
        (("close-passbook", "V1", "--event", "whim"), 2),
        (("expire", "--on", "yesterday"), 2),
        (("expire", "--on", "9999-12-31"), 2),
        (("redeem", "V1", "soap", "--on", "9999-12-31"), 2),
        (("redeem", "V1", "soap", "--on", "0001-01-01"), 2),
        (("settlement", "--since", "2024-06-02", "--until", "2024-06-01"), 2),
        (("settlement", "--since", "2024-06-01", "--until", "2024-06-02", "--supplied", "mill"), 2),
    ],
)
def test_bad_input_gets_a_sentence_and_no_traceback(arguments: tuple[str, ...], code: int, ask: Ask) -> None:
    on = () if "--on" in arguments or arguments[0] == "settlement" else ON
    done = ask(*arguments, *on)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("redeem", "V1", "肥皂"), "是否想写 soap（肥皂）？"),
        (("redeem", "V1", "sopa"), "是否想写 soap（肥皂）？"),
        (("use-perk", "V1", "nothing like it"), "有："),
        (("reserve", "V1", "point", "1 分", "--for", "实物"), "是否想写 points？"),
    ],
)
def test_who_writes_an_id_that_the_county_has_not_is_told_which_one_was_meant(
    arguments: tuple[str, ...], said: str, bank: Path, ask: Ask
) -> None:
    offers = bank / "smallville" / "redemption.yaml"
    offers.write_text(offers.read_text("utf-8").replace("soap:\n", "soap:\n  label: {zh: 肥皂, en: soap}\n"), "utf-8")
    assert said in ask(*arguments, *ON, "--lang", "zh").stdout
    assert "已办：兑换 肥皂 [soap]" in ask("redeem", "V1", "soap", *ON, "--lang", "zh").stdout


def test_the_words_of_options_are_taken_in_either_script_and_the_passbook_tells_who_was_declared(
    ask: Ask, passbook: Ask
) -> None:
    for relation in ("配偶", "spouse"):
        assert ask("declare", "V1", "--member", f"V2={relation}", *ON).returncode == 0
        assert "家属：V2（配偶）" in passbook("--lang", "zh").stdout
    assert "family: V2 (spouse)" in passbook("--format", "csv").stdout
    assert ask("declare", "V1", *ON).returncode == 0
    assert told(passbook("--json"))["entries"][-1]["family"] == []
    gifts = [
        told(ask("give", "V1", "points", "1", "--to", word, *ON, "--dry-run", "--json"), 1)
        for word in ("亲友", "friend")
    ]
    assert gifts[0]["answer"] == gifts[1]["answer"]
    assert "孙子女" in ask("declare", "V1", "--member", "V2=妻子", *ON, "--lang", "zh").stderr


def test_what_is_wrong_with_a_file_is_said_in_the_language_of_the_reader(passbook: Ask) -> None:
    missing = ("--format", "html", "--to", "no/such/page.html")
    assert passbook(*missing, "--lang", "zh").stderr == "no/such/page.html：文件或文件夹不存在\n"
    assert passbook(*missing, "--lang", "en").stderr == "no/such/page.html: No such file or directory\n"


def test_a_failing_ledger_shows_nobodys_data(bank: Path, asked_for_real: Ask) -> None:
    (bank / "bank.db").write_bytes(b"not a ledger")
    done = asked_for_real("redeem", "V1", "soap", *ON, "--reason", "her knee")
    assert done.returncode == 3
    assert "knee" not in done.stdout + done.stderr
    assert "V1" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


# --- the passbook ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        ("en", ("reserved, soap", "by clerk 7", "Waiting, not to be spent yet:", "To star 2 there is still missing:")),
        ("zh", ("预留，soap", "经办：clerk 7", "待定，尚不能使用：", "距 2 星还差：")),
    ],
)
def test_a_passbook_is_read_in_both_languages(
    language: str, sentences: tuple[str, ...], ask: Ask, passbook: Ask
) -> None:
    held(ask, "--actor", "clerk 7")
    done = passbook("--lang", language, "--notice", "400")
    assert done.returncode == 0, done.stderr
    for sentence in sentences:
        assert sentence in done.stdout
    assert "smallville/redemption.yaml:2" in done.stdout


def test_a_sheet_of_the_passbook_calculates_nothing_that_others_wrote(ask: Ask, passbook: Ask) -> None:
    held(ask, "--reason", "=HYPERLINK(1)")
    rows = list(csv.DictReader(io.StringIO(passbook("--format", "csv").stdout)))
    row = next(row for row in rows if row["kind"] == "held" and row["part"] == "")
    assert (row["reason"], row["amount"], row["balance"]) == ("'=HYPERLINK(1)", "-1", "4")


def test_a_page_is_written_to_a_new_file_and_never_over_another(bank: Path, passbook: Ask) -> None:
    assert passbook("--format", "html", "--to", "V1.html").returncode == 0
    page = (bank / "V1.html").read_text("utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert passbook("--format", "html", "--to", "V1.html").returncode == 3
    assert (bank / "V1.html").read_text("utf-8") == page


def test_what_was_not_known_then_is_not_in_the_passbook(passbook: Ask) -> None:
    assert told(passbook("--known", "2020-01-01T00:00", "--json"))["entries"] == []
    assert len(told(passbook("--known", "2999-01-01", "--json"))["entries"]) == 3
    assert passbook("--known", "tea time").returncode == 2
    assert passbook("--since", "2025-01-01").returncode == 2


def test_a_standing_shows_the_accounts_and_what_is_pending(ask: Ask, here: Run) -> None:
    held(ask)
    where = ("--county", "smallville", "--database", "bank.db", "--on", "2024-06-01")
    stands = told(here("standing", "V1", *where, "--json"))
    points = next(one for one in stands["accounts"] if one["account"] == "points")
    assert (points["available"], points["held"]) == ("4", "1")
    assert [(one["points"], one["seconds"]) for one in stands["pending"]] == [("2", "7200")]
    said = here("standing", "V1", *where).stdout
    assert "points: 4 points available, 1 point held" in said
    assert "Pending: 2024-05-12" in said


def test_a_record_that_was_a_mistake_is_taken_back_once(here: Run, passbook: Ask) -> None:
    where = ("--registry", "test", "--county", "smallville", "--database", "bank.db", *ON)
    tried = told(here("withdraw-record", "2", *where, "--actor", "7", "--reason", "a trial", "--dry-run", "--json"))
    assert (tried["dry_run"], tried["withdrawn"], tried["points_hundredths"]) == (True, 1, -300)
    assert accounts(passbook)["points"] == ("5", "0")
    done = told(here("withdraw-record", "2", *where, "--actor", "7", "--reason", "entered twice", "--json"))
    assert (done["withdrawn"], done["seconds"], done["points_hundredths"]) == (1, -3 * 3600, -300)
    explained = here("explain", "2", "--database", where[where.index("--database") + 1], "--lang", "zh")
    assert explained.returncode == 0
    assert "已于 2024-06-01 撤回，经办：7，事由：entered twice" in explained.stdout
    assert "合计：服务时长 3 小时" in explained.stdout
    again = told(here("withdraw-record", "2", *where, "--actor", "7", "--reason", "entered twice", "--json"))
    assert (again["withdrawn"], again["unchanged"]) == (0, 1)
    assert accounts(passbook)["points"] == ("2", "0")
    entry = told(passbook("--json"))["entries"][-2]
    assert (entry["kind"], entry["actor"], entry["reason"], entry["corrects"]) == (
        "withdrawn",
        "7",
        "entered twice",
        2,
    )
    assert here("withdraw-record", "777", *where, "--actor", "7", "--reason", "why not").returncode == 4
    assert here("withdraw-record", "1", *where, "--actor", "7", "--reason", " ").returncode == 2
    assert here("withdraw-record", "1", *where, "--actor", " ", "--reason", "why not").returncode == 2


# --- the reports -------------------------------------------------------------------------------------------------


def test_what_has_ended_is_booked_once_and_a_dry_run_books_nothing(ask: Ask, passbook: Ask) -> None:
    held(ask)
    on = ("--on", "2025-05-02")
    tried = told(ask("expire", *on, "--dry-run", "--json"))
    done = told(ask("expire", *on, "--json"))
    assert done["amounts"] == tried["amounts"] == {"points": {"unit": "points", "amount": "2"}}
    assert (done["people"], done["holds"]) == (tried["people"], tried["holds"]) == (1, 1)
    assert told(ask("expire", *on, "--json"))["people"] == 0
    assert ask("expire", *on).stdout.startswith("ended before 2025-05-02: 0 people")


def test_nothing_is_booked_on_a_day_to_come_and_a_dry_run_may_look_ahead(here: Run, ask: Ask, passbook: Ask) -> None:
    on, where = ("--on", "2199-01-01"), ("--county", "smallville", "--database", "bank.db")
    asked = [
        ask("expire", *on),
        ask("redeem", "V1", "soap", *on),
        here("request", "expire", *on, *where),
        here("withdraw-record", "1", "--registry", "test", "--actor", "a", "--reason", "r", *on, *where),
        here("review", "step", "1", "--do", "advanced", "--actor", "a", *on, *where),
    ]
    assert [done.returncode for done in asked] == [2] * len(asked)
    assert all("2199-01-01 has not come yet, today is " in done.stderr for done in asked)
    assert not any("to ask again" in done.stderr for done in asked)
    assert told(ask("expire", *on, "--dry-run", "--json"))["people"] == 2
    assert told(ask("redeem", "V1", "soap", *on, "--dry-run", "--json"), 1)["accepted"] is False
    assert accounts(passbook)["points"] == ("5", "0")


def test_whose_points_end_soon_is_told_by_person(ask: Ask) -> None:
    on = ("--on", "2025-04-30", "--within", "12")
    people = told(ask("notices", *on, "--json"))["people"]
    assert [(one["volunteer"], [lot["last_day"] for lot in one["ending"]]) for one in people] == [
        ("V1", ["2025-05-01", "2025-05-10"]),
        ("V2", ["2025-05-12"]),
    ]
    rows = list(csv.DictReader(io.StringIO(ask("notices", *on, "--csv").stdout)))
    assert [(row["volunteer"], row["amount"]) for row in rows] == [("V1", "2"), ("V1", "3"), ("V2", "1")]
    assert told(ask("notices", "--on", "2025-04-29", "--within", "1", "--json"))["people"] == []


def test_merchants_are_settled_with_what_was_handed_over_and_given_back(ask: Ask) -> None:
    kept, back = held(ask, "--merchant", "corner"), held(ask, "--merchant", "corner")
    for entry in (kept, back):
        told(ask("settle", "V1", str(entry), "--on", "2024-06-02", "--json"))
    told(ask("redeem", "V1", "soap", "--merchant", "market", "--on", "2024-06-29", "--json"))
    told(ask("refund", "V1", str(back), "--on", "2024-07-01", "--json"))
    told(ask("use-perk", "V1", "bath", *ON, "--json"))
    june = told(ask("settlement", "--since", "2024-06-01", "--until", "2024-06-30", "--json"))
    lines = {(one["kind"], one["merchant"]): one for one in june["lines"]}
    corner, market = lines["offer", "corner"], lines["offer", "market"]
    assert (corner["units"], corner["paid"], corner["returned"]) == (2, "2", "0")
    assert (market["units"], market["waiting_units"], market["waiting"]) == (0, 1, "1")
    assert (lines["perk", ""]["units"], lines["perk", ""]["provider"]) == (1, "the town")
    july = told(ask("settlement", "--since", "2024-07-01", "--until", "2024-07-31", "--json"))
    (corner,) = (one for one in july["lines"] if one["merchant"] == "corner")
    assert (corner["units"], corner["returned_units"], corner["returned"]) == (0, 1, "1")
    assert [one["merchant"] for one in july["lines"]] == ["corner"]  # what the market kept was over on the 3rd


def test_a_supplier_of_whom_no_offer_knows_is_an_error_that_names_the_known_ones(ask: Ask) -> None:
    done = ask("settlement", "--since", "2024-06-01", "--until", "2024-06-30", "--supplied", "the mil=99.99")
    assert done.returncode == 2
    assert "there is no supplier 'the mil'; there are: the mill" in done.stderr


@pytest.mark.parametrize(("supplied", "lacking"), [((), "100"), (("--supplied", "the mill=99.99"), "0.01")])
def test_what_a_supplier_still_has_to_supply_is_told(supplied: tuple[str, ...], lacking: str, ask: Ask) -> None:
    period = ("--since", "2024-06-01", "--until", "2024-06-30")
    (line,) = told(ask("settlement", *period, *supplied, "--json"))["suppliers"]
    assert (line["provider"], line["at_least_yuan"], line["lacking_yuan"]) == ("the mill", "100", lacking)
    assert "smallville/redemption.yaml:" in line["at"]
    sheet = ask("settlement", *period, "--csv").stdout
    assert sheet.splitlines()[0].startswith("provider,merchant,kind,id")
    assert ask("settlement", *period).returncode == 0


def test_an_approver_decides_at_the_counter_on_what_the_work_list_shows(
    here: Run, ask: Ask, passbook: Ask, bank: Path
) -> None:
    approver = "irreversible: no\n  approver: {by: the street}"
    write_county(
        bank / "smallville", hours=HOURS, redemption=OFFERS.replace("irreversible: no", approver, 1), perks=PERKS
    )
    first = told(ask("redeem", "V1", "soap", *ON, "--json"))["entry"]
    second = told(ask("redeem", "V1", "soap", *ON, "--json"))["entry"]
    listing = ("review", "list", "--county", "smallville", "--database", "bank.db", "--role", "the street", *ON)
    listed = told(here(*listing, "--json"))["waiting"]
    assert [(one["about"], one["volunteer"], one["offer"], one["entry"], one["role"]) for one in listed] == [
        ("redemption", "V1", "soap", first, "the street"),
        ("redemption", "V1", "soap", second, "the street"),
    ]
    assert f"V1 entry {first} soap" in here(*listing).stdout
    refused = ask("settle", "V1", str(first), *ON)
    assert (refused.returncode, "it waits for the street to approve it [soap, " in refused.stdout) == (1, True)
    decide = ("--role", "the street", "--actor", "clerk 7", *ON, "--json")
    told(ask("approve", "V1", str(first), *decide))
    told(ask("decline", "V1", str(second), "--reason", "one is enough", *decide))
    told(ask("settle", "V1", str(first), *ON, "--json"))
    assert told(here(*listing, "--json"))["waiting"] == []
    assert accounts(passbook)["points"] == ("4", "0")


def test_a_member_of_the_declared_family_draws_on_the_account(bank: Path, ask: Ask) -> None:
    accounts = ACCOUNTS.replace("  holds: 3 days\n", "  holds: 3 days\n  family: {may_draw: yes, pooled: no}\n")
    (bank / "smallville" / "accounts.yaml").write_text(accounts, "utf-8")
    for command in (("redeem", "V1", "soap"), ("reserve", "V1", "points", "1 points", "--for", "goods")):
        told(ask(*command, "--member", "V2", *ON, "--json"), 1)
    told(ask("declare", "V1", "--member", "V2=child", *ON, "--json"))
    for command in (("redeem", "V1", "soap"), ("reserve", "V1", "points", "1 points", "--for", "goods")):
        assert told(ask(*command, "--member", "V2", *ON, "--json"))["answer"]["asked"]["family"] is True


def test_family_is_declared_and_an_heir_of_it_inherits(ask: Ask, here: Run) -> None:
    assert ask("declare", "V1", "--member", "V2=cousin", *ON).returncode == 2
    told(ask("close-passbook", "V1", "--event", "death", "--heir", "V2", *ON, "--json"), 1)
    told(ask("declare", "V1", "--member", "V2=child", *ON, "--json"))
    told(ask("close-passbook", "V1", "--event", "death", "--heir", "V2", *ON, "--json"))
    shown = told(here("passbook", "V2", "--county", "smallville", "--database", "bank.db", "--json"))
    assert "received" in [entry["kind"] for entry in shown["entries"]]


def test_who_moves_brings_the_balance_along_at_the_counter(bank: Path, ask: Ask, here: Run) -> None:
    county = COUNTY["county.yaml"].replace("smallville", "otherville")
    write_county(bank / "otherville", county=county, hours=HOURS, perks=PERKS)
    closed = told(ask("close-passbook", "V1", "--event", "moving", *ON, "--json"))["entry"]
    there = ("--county", "otherville", "--database", "bank.db", *ON, "--json")
    bring = ("bank", "bring", "V1", "--from", "smallville", "--entry", str(closed), *there)
    came = told(here(*bring, "--key", "move"))
    assert came["answer"]["brought"] == [["points", "points", 500], ["time", "seconds", 18000]]
    assert came["sentences"][1:] == ["  into points: 5 points", "  into time: 5 h"]
    assert "  转入 points：5 分\n  转入 time：5 小时\n" in here("--lang", "zh", *bring[:-1], "--key", "move").stdout
    told(here(*bring), 1)
    told(ask("reopen-passbook", "V1", "--actor", "clerk 7", "--reason", "moved back", *ON, "--json"))
    told(ask("reopen-passbook", "V1", "--on", "2024-06-02", "--json"), 1)
    shown = told(here("passbook", "V1", "--county", "smallville", "--database", "bank.db", "--json"))
    assert [(one["on"], one["reopened_on"]) for one in shown["closings"]] == [("2024-06-01", "2024-06-01")]
    nowhere = here("bank", "bring", "V1", "--from", "nowhere", "--entry", "1", *there[:-1])
    assert (nowhere.returncode, nowhere.stderr) == (4, "the ledger knows nothing of a county 'nowhere'\n")


def test_a_passbook_that_was_damaged_by_hand_is_named_in_both_languages(bank: Path, here: Run, ask: Ask) -> None:
    held(ask)
    anns = "passbook = (SELECT id FROM passbook WHERE volunteer = 'V1' AND county <> '')"
    with sqlite3.connect(bank / "bank.db") as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(f"UPDATE lot SET earned_on = 'x' WHERE {anns}")
    english, chinese = ask("redeem", "V1", "soap", *ON), ask("redeem", "V1", "soap", *ON, "--lang", "zh")
    assert (english.returncode, chinese.returncode) == (3, 3)
    assert "smallville/V1: the passbook is damaged at entry 1; what does not hold any more: the hash" in english.stderr
    assert "smallville/V1：存折已损坏（第 1 号分录）" in chinese.stderr
    assert ask("redeem", "V2", "soap", *ON).returncode == 0
