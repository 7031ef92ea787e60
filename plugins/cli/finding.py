"""From what a clerk types to what the engine wants: counties, mappings, ledgers, a day.

The engine is imported where it is first needed: `--help` of a command answers without it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from lianxing.plugins.cli.failing import MappingError, NotFoundError
from lianxing.plugins.cli.speaking import Options, Say, Speaker, options
from lianxing.plugins.host import Host
from lianxing.rules.commands import FIRST_DAY, LAST_DAY
from lianxing.rules.facts import Fact
from lianxing.rules.mappings import ExportMapping
from lianxing.rules.problems import PolicyError

if TYPE_CHECKING:
    from lianxing.engine.reading.chapters import Folder
    from lianxing.engine.rulebook import Rulebook
    from lianxing.rules.policy import Policy

MAPPINGS = "plugins/registries/mappings"


class Day(click.ParamType[date]):
    """A day on the command line, as YYYY-MM-DD, of the years that the bank serves."""

    def __init__(self, say: Say) -> None:
        self.name = say("日期", "day")
        self._say = say

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            day = date.fromisoformat(str(value))
        except ValueError:
            self.fail(
                self._say(f"“{value}”不是写作 2025-07-01 的日期", f"'{value}' is not a day written as 2025-07-01"),
                param,
                ctx,
            )
        if not FIRST_DAY <= day <= LAST_DAY:
            between = f"{day} does not lie between {FIRST_DAY} and {LAST_DAY}"
            self.fail(self._say(f"{day} 不在 {FIRST_DAY} 至 {LAST_DAY} 之间", between), param, ctx)
        return day


def of_county(say: Say) -> Options:
    """Add which county is meant."""
    help = say("县区：文件夹、编号或其末段。", "County: a folder, an id or its last part.")
    return click.option("--county", required=True, help=help)


def of_ledger(say: Say) -> Options:
    """Add which ledger is meant."""
    help = say("台账，如 sqlite:///bank.db。", "The ledger, such as sqlite:///bank.db.")
    return click.option("--database", required=True, help=help)


def where(say: Say) -> Options:
    """Add which county and which ledger is meant."""
    return options(of_county(say), of_ledger(say))


def county_at(host: Host, where: str) -> tuple[Folder, Policy]:
    """Return the county that a clerk means, read and checked; PolicyError with every problem otherwise."""
    from lianxing.engine.compiling import find_folder, load_policy

    shelf = host.shelf()
    folder = find_folder(where, shelf)
    return folder, load_policy(folder, shelf, host.words())


@contextmanager
def rulebook_for(policy: Policy, speaker: Speaker) -> Iterator[Rulebook]:
    """Yield the policy with its matchers; where durable-rules cannot answer, say so once."""
    from lianxing.engine.matchers import PlainMatcherWarning, matcher_factory
    from lianxing.engine.rulebook import Rulebook

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", PlainMatcherWarning)
        factory = matcher_factory()
    if any(issubclass(warning.category, PlainMatcherWarning) for warning in caught):  # once per process
        speaker.aside(
            speaker.say(
                "提示：本机不能加载 durable-rules，由普通匹配器代答。",
                "note: durable-rules cannot be loaded here; the plain matcher answers instead",
            )
        )
    with Rulebook(policy, factory) as rulebook:
        rulebook.warm()
        yield rulebook


def evaluations_line(say: Say) -> str:
    """Return how often each matcher was asked."""
    from lianxing.engine.matchers import evaluations_by_matcher

    counts = evaluations_by_matcher()
    asked = ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items()) if count) or "0"
    return say(f"条件求值次数：{asked}", f"conditions evaluated: {asked}")


def mapping_named(name: str, facts: dict[str, Fact]) -> ExportMapping:
    """Return a mapping by the path of its file, or by the name of one that comes along."""
    from lianxing.engine.reading.mappings import read_mapping

    path = Path(name)
    if path.suffix in (".yaml", ".yml") or path.exists():
        try:
            return read_mapping(path.read_bytes(), path.as_posix(), facts)
        except PolicyError as error:
            raise MappingError(error.problems) from None
    shipped = files("lianxing") / MAPPINGS
    file = shipped / f"{name}.yaml"
    if not file.is_file():
        known = ", ".join(mapping_names())
        raise NotFoundError(
            f"没有名为“{name}”的对照；自带的有：{known}", f"no mapping '{name}'; those that come along are {known}"
        )
    return read_mapping(file.read_bytes(), f"{name}.yaml", facts)


def mapping_names() -> list[str]:
    """Return the names of the mappings that come along."""
    return sorted(entry.name.removesuffix(".yaml") for entry in (files("lianxing") / MAPPINGS).iterdir())


def day_to_act(policy: Policy, said: date | None, *, ahead: bool = False) -> date:
    """Return the day on which something is done, by default today; NotYetError for one to come, but to look `ahead`."""
    from lianxing.engine.bank.requests import check_day
    from lianxing.engine.ledger.opening import now

    if said is None:
        return today_in(policy)
    if not ahead:
        check_day(said, now(), policy)
    return said


def today_in(policy: Policy) -> date:
    """Return today's date in the county."""
    return datetime.now(ZoneInfo(policy.county.time_zone)).date()
