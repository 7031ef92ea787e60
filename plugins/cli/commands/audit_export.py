"""`lianxing audit-export`: every entry of a ledger for an auditor who trusts none of our programs."""

from __future__ import annotations

from pathlib import Path

import click

from lianxing.plugins.cli.finding import of_ledger
from lianxing.plugins.cli.speaking import Say, Speaker, common


def command(say: Say) -> click.Command:
    @click.command(
        "audit-export",
        help=say(
            "导出全部分录供审计（每行一个 JSON），格式见 docs/auditing.md；"
            "examples/auditor/audit.py 只用标准库即可核对。导出含个人信息，请妥善保管。",
            "Write every entry for an auditor, as JSON lines. docs/auditing.md gives the format; "
            "examples/auditor/audit.py checks it with the standard library alone. "
            "The file holds personal data: keep it as you keep the ledger.",
        ),
    )
    @of_ledger(say)
    @click.option(
        "--to",
        "path",
        metavar="FILE",
        required=True,
        type=click.Path(path_type=Path),
        help=say("写到哪个新文件。", "The new file to write."),
    )
    @common(say)
    def audit_export(database: str, path: Path, as_json: bool) -> None:
        from lianxing.engine.amounts import counted
        from lianxing.engine.ledger.exporting import export
        from lianxing.engine.ledger.opening import open_ledger
        from lianxing.plugins.cli.filing import new_file

        speaker = Speaker(say, as_json)
        with new_file(path) as file, open_ledger(database, create=False) as ledger:
            counts = export(ledger, file.write)
        entries = counted(counts["links"], "entry", "entries")
        passbooks = counted(counts["heads"], "passbook", "passbooks")
        speaker.line(
            say(
                f"{path}：{counts['links']:,} 笔分录，{counts['heads']:,} 本存折",
                f"{path}: {entries} of {passbooks}",
            )
        )
        speaker.data({"file": str(path), **counts})

    return audit_export
