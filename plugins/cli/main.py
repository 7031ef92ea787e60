"""The `lianxing` command: finds the command that is asked for and imports only that one."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any, NoReturn

import click

from lianxing.plugins.cli.clicking import speak
from lianxing.plugins.cli.speaking import Say, debugging, language_of

# name: module, and what the list of commands says of it. In the order in which a newcomer meets them.
COMMANDS: dict[str, tuple[str, str, str]] = {
    "demo": ("demo", "用自带的登记系统导出跑一遍全流程", "run the whole way on the exports that come along"),
    "new-county": ("new_county", "新建一个县区的办法", "write a starter for a county's policy"),
    "check": ("check", "检查办法，一次列出所有问题", "check a policy and list every problem at once"),
    "test": ("test", "运行办法的案例", "run a policy's cases"),
    "show": ("show", "列出办法的每一条及其出处", "list every statement and where it comes from"),
    "import": ("import_records", "导入登记系统的导出", "take in a registry's export"),
    "explain": ("explain", "说明一条记录为何得这些分", "tell why a record earned what it did"),
    "standing": ("standing", "一名志愿者的时长、积分、星级和礼遇", "hours, points, star and perks of a volunteer"),
    "review": (
        "review",
        "审核记录和星级：待办、办一步、抽查",
        "review records and stars: what waits, a step, spot checks",
    ),
    "passbook": ("passbook", "存折明细，可打印", "the statement of a passbook, to read or to print"),
    "bank": (
        "bank",
        "存折业务：兑换、结清、转出、到期、结算",
        "the counter: redeem, settle, give, what ends",
    ),
    "withdraw-record": ("withdraw_record", "撤回一条误报的记录", "take back a record that was a mistake"),
    "commend": ("commend", "评选表彰：入选、备选及理由", "who is commended, who stands in reserve, and why"),
    "request": ("request", "服务需求：提出、对接、确认、评价", "requests for service: ask, match, confirm, evaluate"),
    "dossier": ("dossier", "一名服务对象接受过的服务", "the services that a recipient received"),
    "verify": ("verify", "核对台账的每一条不变式", "check every invariant of a ledger"),
    "checkpoint": ("checkpoint", "写出存证点，交他人保管", "write down where every passbook ends, for somebody else"),
    "audit-export": ("audit_export", "导出全部分录供审计", "write every entry for an auditor"),
    "doctor": ("doctor", "检查本机环境和所用规则引擎", "tell what this machine has and which engine answers"),
}

EXIT_CODES = (
    (0, "完成", "done"),
    (
        1,
        "检查没有通过：办法有问题、案例不符、台账不一致；存折的请求按条文不办",
        "not passed: problems, failing cases, a ledger that does not agree; a request that a clause refuses",
    ),
    (
        2,
        "命令写法不对，或请求编号已用于别的请求",
        "the command line is not understood, or the key of a request was used for another one",
    ),
    (3, "输入不可用：文件、对照、台账或插件", "input that cannot be used: a file, a mapping, a ledger, a plugin"),
    (4, "找不到：县区、记录或志愿者", "not found: a county, a record, a volunteer"),
    (5, "程序自身出错", "a fault of the program itself"),
    (75, "台账正忙或结果不明：用同一编号再试", "the ledger is busy, or in doubt: try again, with the same key"),
    (130, "被中断", "interrupted"),
    (141, "读输出的一方先走了（如 | head）", "whoever read the answer went away before its end, such as `| head`"),
)
NOT_UNDERSTOOD, TRY_AGAIN = 2, 75
NOT_PASSED, UNUSABLE, NOT_FOUND, OWN_FAULT, INTERRUPTED, UNREAD = 1, 3, 4, 5, 130, 141


class Program(click.Group):
    """The group of commands; a command's module is imported when it is asked for."""

    def __init__(self, say: Say) -> None:
        codes = "\n".join(f"  {code}  {say(zh, en)}" for code, zh, en in EXIT_CODES)
        super().__init__(
            name="lianxing",
            help=say(
                "联星：志愿服务积分与星级的“办法即代码”。", "lianxing: reward policies as code for volunteer service."
            ),
            epilog="\b\n" + say("退出码：", "Exit codes:") + "\n" + codes,
        )
        self._say = say
        self.params.append(click.Option(["--lang"], type=click.Choice(["zh", "en"]), help=say("语言。", "Language.")))
        self.params.append(
            click.Option(
                ["--version"],
                is_flag=True,
                is_eager=True,
                callback=_version,
                expose_value=False,
                help=say("显示版本。", "Show the version."),
            )
        )
        self.callback = lambda lang=None: None

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"lianxing.plugins.cli.commands.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.command(self._say)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section(self._say("命令", "Commands")):
            formatter.write_dl([(name, self._say(zh, en)) for name, (_module, zh, en) in COMMANDS.items()])

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = get_close_matches(args[0], COMMANDS, n=1)
            hint = self._say(f"是否想写“{near[0]}”？", f"Did you mean '{near[0]}'?") if near else ""
            raise click.UsageError(f"{error.message} {hint}".strip(), ctx) from None


def _version(ctx: click.Context, _param: click.Parameter, asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        click.echo(f"lianxing {version('lianxing')}")
        ctx.exit()


def run(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code; no traceback ever reaches a user."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    say = Say(language_of(arguments, os.environ))
    speak(say.language)
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character gets a question mark, not an error.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        program = Program(say)
        with program.make_context("lianxing", list(arguments)) as ctx:  # `main` would leave with 1 where nobody reads
            code = program.invoke(ctx)
        sys.stdout.flush()
        sys.exit(code if isinstance(code, int) else 0)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.ClickException as error:
        if "--json" in arguments:
            click.echo(json.dumps({"error": error.format_message()}, ensure_ascii=False))
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        click.echo(say("已中断。", "interrupted"), err=True)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader has gone (`| head`): leave quietly, and keep the interpreter from writing once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(UNREAD)
    except Exception as error:
        if debugging():
            raise
        from lianxing.plugins.cli.failing import told

        sys.exit(told(error, say, as_json="--json" in arguments))
