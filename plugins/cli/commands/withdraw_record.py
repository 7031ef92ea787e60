"""`lianxing withdraw-record`: a record that was a mistake is taken back, and what it earned with it."""

from __future__ import annotations

from datetime import date
from typing import Any

import click

from lianxing.plugins.cli.failing import NotFoundError
from lianxing.plugins.cli.finding import Day, county_at, day_to_act, rulebook_for, where
from lianxing.plugins.cli.speaking import Say, Speaker, common
from lianxing.rules.facts import RecordId, RegistryId
from lianxing.rules.records import Withdrawn
from lianxing.rules.requests import is_menu


def command(say: Say) -> click.Command:
    @click.command(
        "withdraw-record",
        help=say(
            "撤回一条误报的服务记录：它得到的时长和积分一并收回，受其影响的其他记录另有调整；原分录不改动。",
            "Take back a record that was a mistake: what it earned is taken back, records that it changes are "
            "adjusted, and the entries that were made stay as they are.",
        ),
    )
    @click.argument("record")
    @click.option("--registry", required=True, help=say("登记系统。", "The registry that has the record."))
    @click.option("--actor", required=True, help=say("经办人，记入存折。", "Who does it; kept in the passbook."))
    @click.option("--reason", required=True, help=say("事由，记入存折。", "Why; it is kept in the passbook."))
    @where(say)
    @click.option("--on", type=Day(say), help=say("哪一天，缺省为今天。", "On which day; by default today."))
    @click.option("--dry-run", is_flag=True, help=say("只看结果，不写入。", "Tell what would happen; write nothing."))
    @common(say)
    def withdraw_record(
        record: str,
        registry: str,
        actor: str,
        reason: str,
        county: str,
        database: str,
        on: date | None,
        dry_run: bool,
        as_json: bool,
    ) -> None:
        speaker = Speaker(say, as_json)
        taken = Withdrawn(RecordId(record), RegistryId(registry), reason, actor)
        speaker.data(withdrawn(speaker, taken, county, database, on, dry_run=dry_run))

    return withdraw_record


def withdrawn(
    speaker: Speaker, taken: Withdrawn, county: str, database: str, on: date | None, *, dry_run: bool = False
) -> dict[str, Any]:
    """Take a record back and say what that came to; return it as plain data."""
    from lianxing.engine.amounts import points_text, time_text
    from lianxing.engine.ledger.opening import open_ledger
    from lianxing.plugins.host import Host
    from lianxing.plugins.intake import Intake
    from lianxing.rules.records import SetAside

    say, language = speaker.say, speaker.say.language
    record, registry = taken.id, taken.registry
    if not taken.reason.strip():
        raise click.UsageError(say("须写明事由。", "a reason has to be given."))
    if not taken.actor.strip():
        raise click.UsageError(say("须写明经办人。", "it has to be said who does it."))
    if is_menu(registry):
        zh = f"服务菜单的记录随其需求撤销：lianxing request revoke {record}"
        raise click.UsageError(
            say(zh, f"the record of a service from the menu goes with its request: lianxing request revoke {record}")
        )
    host = Host()
    _folder, policy = county_at(host, county)
    aside: list[SetAside] = []
    with open_ledger(database, create=False) as ledger, rulebook_for(policy, speaker) as rulebook:
        report = Intake(host, rulebook, ledger, registry, day_to_act(policy, on, ahead=dry_run), aside.append).take(
            [taken], dry_run=dry_run
        )
    if aside:
        where = "" if aside[0].reason == "not_booked" else say("（在别的县区）", " (it is in another county)")
        raise NotFoundError(
            f"本县台账里没有 {registry} 的记录“{record}”{where}",
            f"the county's ledger has no record '{record}' of {registry}{where}",
        )
    if dry_run:
        speaker.line(say("试算：什么都没有记入", "dry run: nothing was written"))
    if report.unchanged:
        speaker.line(say(f"记录 {record} 已经撤回过", f"record {record} was taken back before"))
    else:
        hours, points = time_text(-report.seconds, language), points_text(-report.points, language)
        speaker.line(
            say(
                f"记录 {record} 已撤回，收回时长 {hours or 0}、积分 {points}；调整其他记录 {report.adjusted} 条",
                f"record {record} is taken back: {hours or 0} and {points}; {report.adjusted} others adjusted",
            )
        )
    return {
        "record": record,
        "registry": registry,
        "actor": taken.actor,
        "reason": taken.reason,
        "dry_run": dry_run,
        "withdrawn": report.withdrawn,
        "unchanged": report.unchanged,
        "adjusted": report.adjusted,
        "seconds": report.seconds,
        "points_hundredths": report.points,
    }
