"""`lianxing checkpoint`: where every passbook ends, for somebody else to keep."""

from __future__ import annotations

from pathlib import Path

import click

from lianxing.plugins.cli.finding import of_ledger
from lianxing.plugins.cli.speaking import Say, Speaker, common


def command(say: Say) -> click.Command:
    @click.command(
        "checkpoint",
        help=say(
            "写出存证点：每本存折末笔分录的编号与摘要，及其总摘要。"
            "交他人保管后，verify --checkpoint 可发现末尾分录被删去。",
            "Write a checkpoint: number and hash of the last entry of every passbook, and one hash over all of them. "
            "Given to somebody else to keep, it lets `verify --checkpoint` find that entries were taken off the end.",
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
    def checkpoint(database: str, path: Path, as_json: bool) -> None:
        from lianxing.engine.amounts import counted
        from lianxing.engine.ledger import checkpoints
        from lianxing.engine.ledger.opening import open_ledger
        from lianxing.plugins.cli.filing import new_file

        speaker = Speaker(say, as_json)
        with new_file(path) as file, open_ledger(database, create=False) as ledger:
            made = checkpoints.checkpoint(ledger)
            file.write(checkpoints.checkpoint_text(made))
        speaker.line(
            say(
                f"{path}：{len(made.heads):,} 本存折，总摘要 {made.root}",
                f"{path}: {counted(len(made.heads), 'passbook', 'passbooks')}, root {made.root}",
            )
        )
        speaker.data({"file": str(path), "passbooks": len(made.heads), "root": made.root, "counts": dict(made.counts)})

    return checkpoint
