"""`lianxing passbook`: the statement of a passbook, to read, to print, or for a program."""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from lianxing.plugins.cli.failing import NotFoundError
from lianxing.plugins.cli.finding import Day, county_at, rulebook_for, today_in, where
from lianxing.plugins.cli.speaking import Say, Speaker, common

FORMATS = ("text", "csv", "html", "json")


def command(say: Say) -> click.Command:
    @click.command(
        "passbook",
        help=say(
            "一名志愿者的存折明细：各笔的日期、条款、余额和经办，期末余额，待定和预留的，快到期的，距下一星还差什么。",
            "The statement of a volunteer's passbook: every entry with its day, clause, balance and actor; what is "
            "left, what waits or is reserved, what ends soon, what the next star still takes.",
        ),
    )
    @click.argument("volunteer")
    @where(say)
    @click.option("--since", type=Day(say), help=say("自哪一天，缺省从头。", "From which day; by default the first."))
    @click.option("--until", type=Day(say), help=say("至哪一天，缺省为今天。", "To which day; by default today."))
    @click.option(
        "--known",
        metavar="INSTANT",
        help=say(
            "只看到这一时刻为止已记入的，如 2024-06-01 或 2024-06-01T12:00。",
            "Only what was recorded by then: 2024-06-01 or 2024-06-01T12:00, in the county's time.",
        ),
    )
    @click.option(
        "--notice",
        "notice_days",
        metavar="DAYS",
        type=click.IntRange(0, 36_500),
        default=90,
        show_default=True,
        help=say("列出多少天内到期的。", "Tell what ends within so many days."),
    )
    @click.option(
        "--format",
        "form",
        type=click.Choice(FORMATS),
        default="text",
        help=say("文本、表格、网页或 JSON。", "How."),
    )
    @click.option(
        "--to",
        "path",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help=say("写到新文件，缺省输出到终端。", "The new file to write; by default the terminal."),
    )
    @common(say)
    def passbook(volunteer: str, county: str, database: str, form: str, path: Path | None, **more: Any) -> None:
        form = "json" if more.pop("as_json") else form
        speaker = Speaker(say, form == "json")
        text = _stated(speaker, volunteer, county, database, form, **more)
        if path is None:
            click.echo(text, nl=False)
            return
        from lianxing.plugins.cli.filing import new_file

        with new_file(path) as file:
            file.write(text.encode("utf-8-sig" if form == "csv" else "utf-8"))

    return passbook


def _stated(
    speaker: Speaker,
    volunteer: str,
    county: str,
    database: str,
    form: str,
    *,
    since: date | None,
    until: date | None,
    known: str | None,
    notice_days: int,
) -> str:
    import json

    from lianxing.engine.bank.statements import statement
    from lianxing.engine.ledger.opening import open_ledger
    from lianxing.engine.statement_data import COLUMNS, NUMBERS, statement_data, statement_rows
    from lianxing.engine.statement_page import statement_page
    from lianxing.engine.statement_sentences import statement_sentences
    from lianxing.plugins.cli.sheets import sheet
    from lianxing.plugins.host import Host
    from lianxing.rules.facts import VolunteerId

    say, language = speaker.say, speaker.say.language
    _folder, policy = county_at(Host(), county)
    last = until or today_in(policy)
    if since is not None and since > last:
        raise click.UsageError(say("--since 晚于 --until。", "--since is later than --until."))
    instant = None if known is None else _instant(known, ZoneInfo(policy.county.time_zone), say)
    with open_ledger(database, create=False) as ledger, rulebook_for(policy, speaker) as rulebook:
        try:
            found = statement(ledger, rulebook, VolunteerId(volunteer), since, last, instant, notice_days)
        except LookupError:
            raise NotFoundError(
                f"台账里没有志愿者“{volunteer}”", f"the ledger has no volunteer '{volunteer}'"
            ) from None
    match form:
        case "json":
            return json.dumps(statement_data(found, language), ensure_ascii=False, indent=1) + "\n"
        case "csv":
            return sheet(COLUMNS, statement_rows(found, language), NUMBERS)
        case "html":
            return statement_page(found, policy.facts, language)
        case _:
            return "\n".join(statement_sentences(found, policy.facts, language)) + "\n"


def _instant(text: str, zone: ZoneInfo, say: Say) -> int:
    """Return an instant in whole seconds; a day alone is known at its end, a time without an offset is the county's."""
    try:
        found = datetime.fromisoformat(text)
        if len(text) <= len("2024-06-01"):
            found = datetime.combine(found.date(), time(23, 59, 59), zone)
        return int((found if found.tzinfo is not None else found.replace(tzinfo=zone)).timestamp())
    except (ValueError, OverflowError):
        raise click.UsageError(
            say(f"“{text}”不是时刻（写作 2024-06-01T12:00）。", f"'{text}' is no instant such as 2024-06-01T12:00.")
        ) from None
