"""What click itself says, in Chinese: usage, help and what is wrong with a command line.

click takes its sentences through `gettext`, which reads compiled catalogues from a folder. These are few enough to
stand here, so `speak` puts a table where each of its modules keeps `_` and `ngettext`; a sentence of a click that is
not known here stays as it is. What click does not translate (the words in capitals) is worded where it formats help.
"""

from __future__ import annotations

import gettext
from collections.abc import Iterable
from types import ModuleType

import click
from click import core, decorators, exceptions, formatting, parser, types

from lianxing.rules.places import Language

_MODULES: tuple[ModuleType, ...] = (core, decorators, exceptions, formatting, parser, types)

_SENTENCES = {
    # help
    "Usage:": "用法：",
    "Options": "选项",
    "Commands": "命令",
    "Positional arguments": "参数",
    "Show this message and exit.": "显示本说明并退出。",
    "default: {default}": "缺省：{default}",
    "required": "必填",
    "(dynamic)": "（随时而定）",
    "env var: {var}": "环境变量：{var}",
    "Try '{command} {option}' for help.": "说明见“{command} {option}”。",
    # what is wrong
    "Aborted!": "已中断。",
    "Error: {message}": "错误：{message}",
    "Missing argument": "缺少参数",
    "Missing option": "缺少选项",
    "Missing parameter": "缺少",
    "Missing {param_type}": "缺少 {param_type}",
    "Missing parameter: {param_name}": "缺少 {param_name}",
    "Missing command.": "缺少命令。",
    "Choose from:\n\t{choices}": "可选：\n\t{choices}",
    "Choose from:\n\t{choices}.": "可选：\n\t{choices}。",
    "No such option {name!r}.": "没有选项 {name}。",
    "No such option: {name}": "没有选项 {name}。",
    "No such command {name!r}.": "没有命令 {name}。",
    "Did you mean {possibility}?": "是否想写 {possibility}？",
    "(Did you mean one of: {possibilities}?)": "是否想写其中之一：{possibilities}？",
    "(Possible options: {possibilities})": "是否想写其中之一：{possibilities}？",
    "Invalid value: {message}": "写法不对：{message}",
    "Invalid value for {param_hint}: {message}": "{param_hint} 写法不对：{message}",
    "{value!r} is not {choice}.": "“{value}”不是 {choice}。",
    "{value!r} is not one of {choices}.": "“{value}”不在 {choices} 之中。",
    "{value!r} is not a valid {number_type}.": "“{value}”不是可用的数。",
    "{value} is not in the range {range}.": "{value} 不在范围 {range} 之内。",
    "{value!r} is not a valid boolean. Recognized values: {states}": "“{value}”既不是“是”也不是“否”；可写：{states}",
    "Got unexpected extra argument ({args})": "多出参数（{args}）",
    "Got unexpected extra arguments ({args})": "多出参数（{args}）",
    "Takes {nargs} values but 1 was given.": "须写 {nargs} 个值，只写了 1 个。",
    "Takes {nargs} values but {len} were given.": "须写 {nargs} 个值，写了 {len} 个。",
    "Argument {name!r} takes {nargs} values.": "参数 {name} 须写 {nargs} 个值。",
    "Option {name!r} does not take a value.": "选项 {name} 不带值。",
    "Option {name!r} requires an argument.": "选项 {name} 后须写值。",
    "Option {name!r} requires {nargs} arguments.": "选项 {name} 后须写 {nargs} 个值。",
    "file": "文件",
    "directory": "文件夹",
    "path": "路径",
    "{name} {filename!r} does not exist.": "{name}“{filename}”不存在。",
    "{name} {filename!r} is a file.": "{name}“{filename}”是文件。",
    "{name} {filename!r} is a directory.": "{name}“{filename}”是文件夹。",
    "{name} {filename!r} is not readable.": "{name}“{filename}”不可读。",
    "{name} {filename!r} is not writable.": "{name}“{filename}”不可写。",
    "Could not open file {filename!r}: {message}": "不能打开文件“{filename}”：{message}",
}
_CAPITALS = {
    "[OPTIONS]": "[选项]",
    "COMMAND [ARGS]...": "命令 [参数]...",
    "INTEGER": "整数",
    "INTEGER RANGE": "整数",
    "FLOAT": "数",
    "TEXT": "文字",
    "BOOLEAN": "是否",
    "FILENAME": "文件",
    "PATH": "路径",
    "FILE": "文件",
    "DIRECTORY": "文件夹",
}


class ChineseFormatter(click.HelpFormatter):
    """Help with the words in capitals that click puts in itself."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        for english in ("[OPTIONS]", "COMMAND [ARGS]..."):
            args = args.replace(english, _CAPITALS[english])
        super().write_usage(prog, args, prefix)

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        super().write_dl([(_worded(term), said) for term, said in rows], col_max, col_spacing)


def _worded(term: str) -> str:
    """Return `--units 整数` for `--units INTEGER RANGE`."""
    option, space, kind = term.partition(" ")
    return f"{option}{space}{_CAPITALS.get(kind, kind)}"


def speak(language: Language) -> None:
    """Let click speak this language from now on."""
    zh = language == "zh"
    sentence = _chinese if zh else gettext.gettext
    numbered = _chinese_number if zh else gettext.ngettext
    for module in _MODULES:
        vars(module).update(_=sentence, ngettext=numbered)
    click.Context.formatter_class = ChineseFormatter if zh else click.HelpFormatter


def _chinese(sentence: str) -> str:
    return _SENTENCES.get(sentence, sentence)


def _chinese_number(one: str, many: str, number: int) -> str:
    return _chinese(one if number == 1 else many)
