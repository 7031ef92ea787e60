"""What a user is told when something goes wrong: a sentence, a place, an exit code; never a traceback."""

from __future__ import annotations

import errno
import json
import sys
import traceback
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import click

from lianxing.plugins.cli.main import NOT_FOUND, NOT_PASSED, NOT_UNDERSTOOD, OWN_FAULT, TRY_AGAIN, UNUSABLE
from lianxing.plugins.cli.speaking import Say
from lianxing.rules.problems import PolicyError, Problem

# What a system says of a file in English only.
_OF_FILES = {
    errno.ENOENT: "文件或文件夹不存在",
    errno.EEXIST: "文件已存在",
    errno.EACCES: "没有权限",
    errno.EPERM: "没有权限",
    errno.EISDIR: "是文件夹，不是文件",
    errno.ENOTDIR: "路径中有一段不是文件夹",
    errno.ENAMETOOLONG: "文件名过长",
    errno.ENOSPC: "磁盘已满",
    errno.EDQUOT: "磁盘配额已用完",
    errno.EFBIG: "文件过大",
    errno.EROFS: "磁盘是只读的",
    errno.EIO: "磁盘读写出错",
}
_NOT_FOUND_CODES = frozenset(("P205", "P216"))


class MappingError(PolicyError):
    """A mapping file that cannot be used; its problems are told as a policy's are."""


def exit_code_of(problems: Iterable[Problem]) -> int:
    """Return the exit code for a policy with these problems: not found, not passed, or done where there are none."""
    codes = {problem.code for problem in problems}
    return 0 if not codes else NOT_FOUND if codes <= _NOT_FOUND_CODES else NOT_PASSED


class NotFoundError(Exception):
    """What was asked for is not there; the sentence says so in both languages."""

    def __init__(self, zh: str, en: str) -> None:
        self.zh = zh
        self.en = en
        super().__init__(en)


class UnfitRequestError(Exception):
    """A request that nobody can do, or whose key was used for another one; nothing was done."""

    def __init__(self, zh: str, en: str) -> None:
        self.zh = zh
        self.en = en
        super().__init__(en)


def told(error: Exception, say: Say, *, as_json: bool) -> int:
    """Tell a person, or a program, what went wrong; return the exit code."""
    code, lines, data = _understood(error, say)
    if as_json:
        with suppress(OSError):  # standard output may be what failed
            click.echo(json.dumps({"error": lines[0] if lines else "", **data}, ensure_ascii=False, indent=1))
            sys.stdout.flush()
    for line in lines:
        click.echo(line, err=True)
    with suppress(OSError):
        sys.stdout.close()  # so that the interpreter does not try once more on its way out
    return code


def _understood(error: Exception, say: Say) -> tuple[int, list[str], dict[str, Any]]:
    from lianxing.engine.ledger.errors import BusyError, InDoubtError, LedgerError, NotYetError
    from lianxing.engine.matching import FactError, MatchingError
    from lianxing.plugins.host import PluginError
    from lianxing.plugins.registries.reasons import ExportError

    language = say.language
    match error:
        case MappingError():
            lines = [problem.text(language) for problem in error.problems]
            return UNUSABLE, lines, {"problems": [problem_data(problem, say) for problem in error.problems]}
        case PolicyError():
            lines = [problem.text(language) for problem in error.problems]
            problems = [problem_data(problem, say) for problem in error.problems]
            return exit_code_of(error.problems), lines, {"problems": problems}
        case NotFoundError():
            return NOT_FOUND, [say(error.zh, error.en)], {}
        case UnfitRequestError():
            return NOT_UNDERSTOOD, [say(error.zh, error.en)], {}
        case NotYetError():
            return NOT_UNDERSTOOD, [error.text(language)], {}
        case BusyError() | InDoubtError():
            return TRY_AGAIN, [error.text(language)], {}
        case LedgerError() | ExportError():
            return UNUSABLE, [error.text(language)], {}
        case PluginError():
            more = say("（设 LIANXING_DEBUG=1 可看详情）", " (LIANXING_DEBUG=1 shows it in full)")
            return UNUSABLE, [f"{error.text(language)}{more if error.__cause__ else ''}"], {}
        case FactError() | MatchingError():
            return UNUSABLE, [str(error)], {}
        case OSError():
            name = error.filename if isinstance(error.filename, str) else say("输出", "output")
            said = error.strerror or type(error).__name__
            return UNUSABLE, [say(f"{name}：{_OF_FILES.get(error.errno or 0, said)}", f"{name}: {said}")], {}
        case _:
            # The error's text may hold a record: only its kind and our own line are shown.
            frame = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{frame.filename.rpartition('/')[2]}:{frame.lineno}"
            sentence = say(
                f"程序出错（{type(error).__name__}，{place}）。设 LIANXING_DEBUG=1 可看详情。",
                f"a fault of the program ({type(error).__name__}, {place}); LIANXING_DEBUG=1 shows it in full",
            )
            return OWN_FAULT, [sentence], {}


def problem_data(problem: Any, say: Say) -> dict[str, Any]:
    """Return a problem of a policy as plain data."""
    return {
        "code": problem.code,
        "path": problem.location.path,
        "line": problem.location.line,
        "column": problem.location.column,
        "message": problem.message(say.language),
        "hint": problem.hint,
    }
