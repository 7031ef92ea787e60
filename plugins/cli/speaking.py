"""In which language, to whom (a person, a program), and how: sentences, tables, JSON, progress."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import click

from lianxing.rules.places import Language

if TYPE_CHECKING:
    from rich.table import Table

PIPE_COLUMNS = 1_000  # no place is ever folded where a program may look for it
ROWS_AT_ONCE = 500  # of a long table: the first are seen at once


def language_of(arguments: Sequence[str], environment: Mapping[str, str]) -> Language:
    """Return the language that `--lang` asks for, else that of the terminal's locale."""
    for index, argument in enumerate(arguments):
        if argument == "--":
            break
        asked = argument.partition("=")[2] if argument.startswith("--lang=") else ""
        if argument == "--lang" and index + 1 < len(arguments):
            asked = arguments[index + 1]
        if asked in ("zh", "en"):
            return "zh" if asked == "zh" else "en"
    locale = next((environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), "")
    return "zh" if locale.lower().startswith("zh") else "en"


@dataclass(frozen=True)
class Say:
    """Picks the sentence of the language."""

    language: Language

    def __call__(self, zh: str, en: str) -> str:
        return zh if self.language == "zh" else en


@dataclass(frozen=True)
class Speaker:
    """Where a command's answer goes: lines for a person, or one JSON document for a program."""

    say: Say
    json: bool

    def line(self, text: str = "") -> None:
        """Say a line; a program is told nothing but its JSON."""
        if not self.json:
            click.echo(text)

    def aside(self, text: str) -> None:
        """Say something that is not the answer, on standard error."""
        click.echo(text, err=True)

    def data(self, data: Any) -> None:
        """Give the whole answer to a program."""
        if self.json:
            click.echo(json.dumps(data, ensure_ascii=False, indent=1))

    def table(self, headings: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> None:
        """Show rows in columns; `right` are the columns of numbers."""
        if self.json or not rows:
            return
        from rich.console import Console

        console = Console(width=None if sys.stdout.isatty() else PIPE_COLUMNS, highlight=False)
        with console.capture() as edge:
            console.print()
        click.echo(edge.get(), nl=False)
        for table in tables(headings, rows, frozenset(right), console.width):
            with console.capture() as said:
                console.print(table)
            click.echo(said.get(), nl=False)
        click.echo(edge.get(), nl=False)

    @contextmanager
    def progress(self, stages: Mapping[str, tuple[str, str]]) -> Iterator[Callable[[str, int], None]]:
        """Show how far long work has come, on a terminal; in a pipe, or for a program, say nothing."""
        if self.json or not sys.stderr.isatty():
            yield lambda _stage, _done: None
            return
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TextColumn("{task.description} {task.completed}"), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
            tasks: dict[str, Any] = {}

            def report(stage: str, done: int) -> None:
                if stage not in tasks:
                    tasks[stage] = shown.add_task(self.say(*stages[stage]), total=None)
                shown.update(tasks[stage], completed=done)

            yield report


Command = Callable[..., Any]
Options = Callable[[Command], Command]


def options(*each: Options) -> Options:
    """Add several options and arguments, in this order."""

    def decorate(function: Command) -> Command:
        for one in reversed(each):
            function = one(function)
        return function

    return decorate


def common(say: Say) -> Options:
    """Add what every command takes: `--json`, and `--lang`, which was read before and is checked here."""
    return options(
        click.option(
            "--lang",
            type=click.Choice(["zh", "en"]),
            expose_value=False,
            help=say("语言，缺省随终端。", "Language; by default the terminal's."),
        ),
        click.option(
            "--json",
            "as_json",
            is_flag=True,
            help=say("给程序看：输出一个 JSON 文档。", "For programs: one JSON document."),
        ),
    )


def debugging() -> bool:
    """Tell whether the program's own errors are to be shown in full (`LIANXING_DEBUG=1`)."""
    return os.environ.get("LIANXING_DEBUG") == "1"


def tables(headings: Sequence[str], rows: Sequence[Sequence[str]], right: Set[int], columns: int) -> Iterator[Table]:
    """Yield a table, a long one part by part; where so many columns are too few, in one part with folded cells."""
    from rich.box import SIMPLE_HEAD
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    widths = [max(map(cell_len, column)) for column in zip(headings, *rows, strict=True)]
    fits = sum(widths) + 3 * len(widths) - 1 <= columns
    at_once = ROWS_AT_ONCE if fits else len(rows)
    for start in range(0, len(rows), at_once):
        table = Table(box=SIMPLE_HEAD, show_edge=False, show_header=start == 0)
        for index, (heading, width) in enumerate(zip(headings, widths, strict=True)):
            justify: Literal["right", "left"] = "right" if index in right else "left"
            table.add_column(heading, justify=justify, overflow="fold", min_width=width if fits else None)
        for row in rows[start : start + at_once]:
            table.add_row(*map(Text, row))
        yield table
