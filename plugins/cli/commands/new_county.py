"""`lianxing new-county`: a commented starter with a first case that passes."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from string import Template

import click

from lianxing.engine.compiling import tree_around
from lianxing.engine.reading.notes import nearest
from lianxing.plugins.cli.failing import NotFoundError
from lianxing.plugins.cli.finding import Day
from lianxing.plugins.cli.speaking import Say, Speaker, common
from lianxing.plugins.host import Host

_NAME = re.compile(r"[^\W_][\w.-]{0,63}")


def command(say: Say) -> click.Command:
    @click.command(
        "new-county",
        help=say(
            "在 FOLDER 写一份带注释的办法，第一个案例已经通过。文件夹名就是县区编号。",
            "Write a commented policy into FOLDER, with a first case that passes. Its name is the county's id.",
        ),
    )
    @click.argument("folder", type=click.Path(path_type=Path))
    @click.option("--based-on", default="cn", show_default=True, help=say("上级的编号。", "The layer below."))
    @click.option(
        "--from",
        "day",
        type=Day(say),
        default="2025-01-01",
        show_default=True,
        help=say("施行日。", "In force from this day."),
    )
    @click.option("--dry-run", is_flag=True, help=say("只列出会写的文件。", "List the files and write nothing."))
    @common(say)
    def new_county(folder: Path, based_on: str, day: object, dry_run: bool, as_json: bool) -> None:
        speaker = Speaker(say, as_json)
        if not _NAME.fullmatch(folder.name):
            raise click.BadParameter(
                say("文件夹名用文字、数字、_ - .", "a folder's name has letters, digits, _ - and ."),
                param_hint="FOLDER",
            )
        shelf = Host().shelf()
        if shelf.folder(based_on) is None and tree_around(folder).folder(based_on) is None:
            counties = shelf.counties()
            near = nearest(based_on, counties)
            raise NotFoundError(
                f"没有上级“{based_on}”" + (f"，是否想写“{near}”？" if near else f"；有：{', '.join(counties)}"),
                f"there is no layer '{based_on}'"
                + (f", did you mean '{near}'?" if near else f"; there are {', '.join(counties)}"),
            )
        values = {"county": folder.name, "folder": folder.as_posix(), "based_on": based_on, "day": str(day)}
        starter = files("lianxing") / "plugins" / "cli" / "starter" / say.language
        texts = {entry.name: Template(entry.read_text("utf-8")).substitute(values) for entry in starter.iterdir()}
        existing = [name for name in sorted(texts) if (folder / name).exists()]
        if existing:
            raise click.UsageError(
                say(
                    f"{folder} 里已有 {existing[0]}，没有改动任何文件",
                    f"{folder} already has {existing[0]}; nothing was changed",
                )
            )
        if not dry_run:
            folder.mkdir(parents=True, exist_ok=True)
        for name, text in sorted(texts.items()):
            if not dry_run:
                (folder / name).write_text(text, "utf-8")
            speaker.line(f"{folder / name}")
        if dry_run:
            speaker.line(say("试运行：什么都没有写。", "dry run: nothing was written"))
        else:
            speaker.line(say(f"接下来：lianxing test {folder}", f"next: lianxing test {folder}"))
        speaker.data({"folder": str(folder), "files": sorted(texts), "dry_run": dry_run})

    return new_county
