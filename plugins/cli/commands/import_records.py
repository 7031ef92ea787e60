"""`lianxing import`: a registry's export goes in; what does not go in is set aside with row, column and reason."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from lianxing.plugins.cli.failing import NotFoundError
from lianxing.plugins.cli.finding import (
    Day,
    county_at,
    day_to_act,
    evaluations_line,
    mapping_named,
    mapping_names,
    of_county,
    of_ledger,
    rulebook_for,
)
from lianxing.plugins.cli.speaking import Options, Say, Speaker, common, options

FILES = "files"  # the name under which the registry of files is a plugin

STAGES = {
    "read": ("读入", "read"),
    "assessed": ("计算", "assessed"),
    "booked": ("入账", "booked"),
}


def command(say: Say) -> click.Command:
    @click.command(
        "import",
        help=say(
            "导入登记系统的服务记录导出（CSV、XLSX、Parquet）。"
            "有问题的行写入另存文件，其余照常入账；重复导入不会重复入账。",
            "Take in a registry's service records (CSV, XLSX, Parquet). Rows that cannot go in are written to a "
            "file of their own, the rest goes in; the same export twice changes nothing.",
        ),
    )
    @_from_where(say)
    @_what_becomes(say)
    @common(say)
    def import_records(
        exports: tuple[Path, ...],
        county: str,
        mapping_name: str | None,
        plugin: str | None,
        database: str,
        volunteers: tuple[Path, ...],
        aside_path: Path | None,
        on: date | None,
        since: date | None,
        dry_run: bool,
        as_json: bool,
    ) -> None:
        if bool(exports) == bool(plugin):
            raise click.UsageError(
                say("写上要导入的文件，或用 --plugin 指明插件", "name the files to take in, or a plugin with --plugin")
            )
        if exports and mapping_name is None:
            raise click.UsageError(say("用 --mapping 说明各列的含义", "say what the columns mean with --mapping"))
        speaker = Speaker(say, as_json)
        origin = Origin(exports, volunteers, mapping_name or "", plugin or FILES)
        beside = exports[0].name if exports else origin.plugin
        aside_path = aside_path or (exports[0].parent if exports else Path()) / f"{beside}.set-aside.csv"
        speaker.data(take_in(speaker, origin, county, database, aside_path, on, since, dry_run=dry_run))

    return import_records


def _from_where(say: Say) -> Options:
    """Add whose records are taken in: files and what their columns mean, or a plugin; of which county."""
    return options(
        click.argument("exports", metavar="[FILE]...", nargs=-1, type=click.Path(path_type=Path)),
        of_county(say),
        click.option(
            "--mapping",
            "mapping_name",
            help=say(
                f"列的对照：文件，或自带的 {'、'.join(mapping_names())}。",
                f"What the columns mean: a file, or one of {', '.join(mapping_names())}.",
            ),
        ),
        click.option(
            "--plugin",
            help=say("不读文件，从这个登记系统插件取。", "Instead of files: fetch from this registry plugin."),
        ),
    )


def _what_becomes(say: Say) -> Options:
    """Add where the records go, which of them, and on which day."""
    return options(
        of_ledger(say),
        click.option(
            "--volunteers",
            multiple=True,
            type=click.Path(path_type=Path),
            help=say("志愿者名册的导出。", "The registry's export of volunteers."),
        ),
        click.option(
            "--set-aside",
            "aside_path",
            type=click.Path(path_type=Path),
            help=say(
                "另存文件，缺省为 FILE 旁的 *.set-aside.csv。",
                "Where rows are set aside; by default *.set-aside.csv beside FILE.",
            ),
        ),
        click.option(
            "--on", type=Day(say), help=say("导入日，缺省为今天。", "The day of the import; by default today.")
        ),
        click.option(
            "--since", type=Day(say), help=say("只取这一天及以后的服务。", "Only service of this day and later.")
        ),
        click.option(
            "--dry-run",
            is_flag=True,
            help=say(
                "只看结果，什么都不写。",
                "Show what would happen and write nothing.",
            ),
        ),
    )


@dataclass(frozen=True)
class Origin:
    """Where records come from: files with the name of their mapping, or a registry plugin."""

    exports: tuple[Path, ...]
    volunteers: tuple[Path, ...]
    mapping: str
    plugin: str


def take_in(
    speaker: Speaker,
    origin: Origin,
    county: str,
    database: str,
    aside_path: Path,
    on: date | None = None,
    since: date | None = None,
    *,
    dry_run: bool = False,
    ahead: bool = False,
) -> dict[str, Any]:
    """Run one import and say what became of every row; return the report as plain data.

    With `ahead`, or a dry run, its day may be one that has not come yet.
    """
    from lianxing.engine.ledger.opening import open_ledger, shown
    from lianxing.plugins.host import Host
    from lianxing.plugins.intake import Intake
    from lianxing.plugins.registries.files import FileRegistry
    from lianxing.plugins.registries.set_aside import SetAsideFile

    host = Host()
    _folder, policy = county_at(host, county)
    day = day_to_act(policy, on, ahead=ahead or dry_run)
    files = None
    if origin.exports:
        mapping = mapping_named(origin.mapping, dict(policy.facts))
        id, region = policy.county.id, policy.county.region
        zone = policy.county.time_zone
        files = FileRegistry(origin.exports, origin.volunteers, mapping, policy.facts, id, region, day, zone)
        host.register(files, FILES)
    elif origin.plugin not in host.names:
        known = ", ".join(host.names)
        raise NotFoundError(
            f"没有插件“{origin.plugin}”；有：{known}", f"no plugin '{origin.plugin}'; there are {known}"
        )
    with ExitStack() as stack:
        ledger = stack.enter_context(open_ledger(_address(database, stack, dry_run=dry_run)))
        rulebook = stack.enter_context(rulebook_for(policy, speaker))
        aside = None if dry_run else stack.enter_context(SetAsideFile(aside_path, speaker.say.language))
        put_aside = (lambda _row: None) if aside is None else aside.add
        progress = stack.enter_context(speaker.progress(STAGES))
        report = Intake(host, rulebook, ledger, origin.plugin, day, put_aside, progress).run(since, dry_run=dry_run)
    data = report.data() | {
        "rows_read": report.records_read + report.earlier if files is None else files.record_rows.rows_read,
        "blank": 0 if files is None else files.record_rows.blank,
        "earlier": report.earlier + (0 if files is None else files.record_rows.earlier),
        "volunteer_rows_read": report.volunteers_read if files is None else files.volunteer_rows.rows_read,
        "county": policy.county.id,
        "policy": policy.digest,
        "on": day.isoformat(),
        "database": shown(database),
        "set_aside_file": str(aside_path) if aside is not None and aside.rows else None,
        "dry_run": dry_run,
        "notes": [] if files is None else [note.text(speaker.say.language) for note in files.notes],
    }
    _said(speaker, data)
    return data


def _address(database: str, stack: ExitStack, *, dry_run: bool) -> str:
    """Return the ledger's address; a dry run of a ledger that is not there yet has one that goes away again."""
    file = database.removeprefix("sqlite:///")
    path = Path(file)
    if not dry_run or "://" in file or path.exists():
        return database
    return str(Path(stack.enter_context(TemporaryDirectory())) / path.name)


def _said(speaker: Speaker, data: dict[str, Any]) -> None:
    from lianxing.engine.amounts import counted, points_text, time_text
    from lianxing.plugins.registries.reasons import meaning

    say, language = speaker.say, speaker.say.language
    for note in data["notes"]:
        speaker.line(note)
    if data["dry_run"]:
        speaker.line(say("试运行：什么都没有入账。", "dry run: nothing was booked"))
    rows_read = counted(data["rows_read"], "row of records", "rows of records")
    speaker.line(say(f"读入 {data['rows_read']:,} 行记录：", f"{rows_read} read:"))
    rows = (
        ("入账", "booked", "booked"),
        ("更正后重新入账", "corrected: booked before with other content", "corrected"),
        ("已撤回", "withdrawn", "withdrawn"),
        ("已入过账，内容相同", "booked before, the same", "unchanged"),
        ("插件提出异议，未入账", "withheld, a plugin objects", "withheld"),
        ("另存，未入账", "set aside", "set_aside"),
        ("早于 --since", "earlier than --since", "earlier"),
        ("空行", "blank", "blank"),
    )
    for zh, en, key in rows:
        if data[key] or key in ("booked", "set_aside"):
            speaker.line(f"  {data[key]:>9,}  {say(zh, en)}")
    refused, hours = f"{data['refused_by_a_clause']:,}", time_text(data["seconds"], language)
    held = data["held_by_a_clause"]
    waiting = say(f"，{held:,} 条待定", f", waiting: {held:,}") if held else ""
    points = points_text(data["points_hundredths"], language)
    speaker.line(
        say(
            f"入账的记录中，{refused} 条按条文不计{waiting}；共计服务时长 {hours}，积分 {points}",
            f"booked, but worth nothing under a clause: {refused}{waiting}; in all {hours} and {points}",
        )
    )
    if data["volunteer_rows_read"]:
        read, saved, aside = (f"{data[f'volunteer{key}']:,}" for key in ("_rows_read", "s_saved", "s_set_aside"))
        rows_read = counted(data["volunteer_rows_read"], "row of volunteers", "rows of volunteers")
        speaker.line(
            say(
                f"志愿者名册 {read} 行：新增或有变化 {saved} 人，另存 {aside} 行",
                f"{rows_read}: {saved} new or changed, {aside} set aside",
            )
        )
    if data["adjusted"]:
        earlier = counted(data["adjusted"], "earlier one", "earlier ones")
        speaker.line(
            say(
                f"迟到的记录使 {data['adjusted']:,} 条旧记录另有调整分录",
                f"late records changed {earlier}, by adjusting entries",
            )
        )
    if data["adjusted_by_another_policy"]:
        count = f"{data['adjusted_by_another_policy']:,}"
        speaker.line(
            say(
                f"注意：其中 {count} 条原按另一版本的办法入账，现按本版本重算",
                f"note: {count} of them were booked under another version of the policy and now follow this one",
            )
        )
    if data["set_aside_reasons"]:
        speaker.table(
            (say("另存的理由", "set aside because"), say("行数", "rows"), say("含义", "meaning")),
            [(reason, f"{count:,}", meaning(reason, language)) for reason, count in data["set_aside_reasons"].items()],
            right=(1,),
        )
        if data["set_aside_file"]:
            speaker.line(say(f"另存文件：{data['set_aside_file']}", f"they are in {data['set_aside_file']}"))
    if data["stars"]:
        speaker.line(
            say(f"截至 {data['on']}，有新记录者的星级：", f"stars on {data['on']} of those with new records: ")
            + ", ".join(f"{star}★ {count:,}" for star, count in data["stars"].items())
        )
    speaker.line(evaluations_line(say))
