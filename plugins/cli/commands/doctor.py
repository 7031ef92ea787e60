"""`lianxing doctor`: what this machine has, which engine answers, and whether both matchers agree here."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import click

from lianxing.engine.matchers import evaluations_by_matcher, matcher_factory, matcher_in_use
from lianxing.engine.matching import Rule
from lianxing.plugins.cli.main import NOT_PASSED
from lianxing.plugins.cli.speaking import Say, Speaker, common
from lianxing.rules.conditions import Compare, Operator
from lianxing.rules.facts import FactType
from lianxing.rules.places import Location

PACKAGES = (
    "durable_rules",
    "pluggy",
    "SQLAlchemy",
    "alembic",
    "PyYAML",
    "orjson",
    "openpyxl",
    "pyarrow",
    "pysqlite3",
    "psycopg",
)


def command(say: Say) -> click.Command:
    @click.command(
        "doctor",
        help=say(
            "显示本机环境、所用规则引擎、插件和县区。", "Show this machine, the engine in use, plugins and counties."
        ),
    )
    @common(say)
    def doctor(as_json: bool) -> int:
        from lianxing.engine.building import is_compiled
        from lianxing.engine.ledger.sqlite import sqlite_version_in_use
        from lianxing.plugins.host import Host

        speaker = Speaker(say, as_json)
        host = Host()
        agree = _matchers_agree()
        in_use = matcher_in_use()
        sqlite = sqlite_version_in_use()
        packages = {name: _version(name) for name in PACKAGES}
        counties = host.shelf().counties()
        evaluations = evaluations_by_matcher()
        data: dict[str, Any] = {
            "lianxing": _version("lianxing"),
            "python": platform.python_version(),
            "system": platform.system(),
            "language": say.language,
            "compiled": is_compiled(),
            "matcher": in_use.name,
            "matcher_replaced": in_use.replaced,
            "matchers_agree": agree,
            "evaluations": evaluations,
            "sqlite": sqlite.version,
            "sqlite_affected": sqlite.affected,
            "packages": packages,
            "plugins": host.names,
            "counties": counties,
        }
        absent = say("没有", "absent")
        replaced = (
            say("（durable-rules 在此不能加载）", " (durable-rules cannot be loaded here)") if in_use.replaced else ""
        )
        fault = say("（有已知的 WAL 缺陷，请升级）", " (known WAL fault: upgrade)") if sqlite.affected else ""
        rows = [
            ("lianxing", str(data["lianxing"])),
            ("Python", f"{platform.python_version()} ({sys.executable})"),
            (say("引擎已编译", "engine compiled"), say("是", "yes") if is_compiled() else say("否", "no")),
            (say("规则引擎", "matcher in use"), in_use.name + replaced),
            (say("两个匹配器一致", "matchers agree"), say("是", "yes") if agree else say("否", "NO")),
            (say("条件求值次数", "evaluations"), ", ".join(f"{name} {count}" for name, count in evaluations.items())),
            ("SQLite", sqlite.version + fault),
            *((name, found or absent) for name, found in packages.items()),
            (say("插件", "plugins"), ", ".join(host.names)),
            (say("县区", "counties"), str(len(counties))),
        ]
        speaker.table((say("项目", "what"), say("结果", "found")), rows)
        speaker.data(data)
        return 0 if agree and not sqlite.affected else NOT_PASSED

    return doctor


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _matchers_agree() -> bool:
    """Ask both matchers one number at a threshold, one below and one above."""
    rule = Rule("enough", Compare("hours", Operator.AT_LEAST, 100, Location("doctor", 1, 1)))
    answers = []
    for matcher in (matcher_factory("durable"), matcher_factory("plain")):
        made = matcher((rule,), {"hours": FactType.WHOLE})
        answers.append([made.match({"hours": hours}) for hours in (99, 100, 101)])
        made.close()
    return answers[0] == answers[1] == [frozenset(), frozenset(("enough",)), frozenset(("enough",))]
