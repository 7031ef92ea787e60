"""`lianxing verify`: every invariant of a ledger, and the arithmetic of every explanation, checked again."""

from __future__ import annotations

from typing import Any

import click

from lianxing.plugins.cli.main import NOT_PASSED
from lianxing.plugins.cli.speaking import Say, Speaker, common

SHOWN = 20


def command(say: Say) -> click.Command:
    @click.command(
        "verify",
        help=say(
            "核对台账：余额等于分录之和、借贷平衡、序号无缺、内容与摘要相符，并按每条记录的说明重新算一遍。",
            "Check a ledger: balances are the sums of their postings, entries balance, nothing is missing or changed, "
            "and the arithmetic of every explanation leads to the posted amount.",
        ),
    )
    @click.option(
        "--database", required=True, help=say("台账，如 sqlite:///bank.db。", "The ledger, such as sqlite:///bank.db.")
    )
    @common(say)
    def verify(database: str, as_json: bool) -> int:
        speaker = Speaker(say, as_json)
        data = verified(speaker, database)
        speaker.data(data)
        return NOT_PASSED if data["violations"] else 0

    return verify


def verified(speaker: Speaker, database: str) -> dict[str, Any]:
    """Check a ledger and say what was found; return it as plain data."""
    from lianxing.engine.ledger.opening import open_ledger
    from lianxing.engine.ledger.verifying import verify
    from lianxing.engine.proving import readding_violations

    say, language = speaker.say, speaker.say.language
    with open_ledger(database, create=False) as ledger:
        violations = [*verify(ledger), *readding_violations(ledger)]
        with ledger.reading() as reading:
            counts = reading.counts()
    for violation in violations[:SHOWN]:
        ids = ", ".join(f"{name} {value}" for name, value in violation.ids)
        speaker.line(f"{violation.invariant}: {violation.label.text(language)} ({ids})")
    if len(violations) > SHOWN:
        speaker.line(say(f"……另有 {len(violations) - SHOWN} 处", f"... and {len(violations) - SHOWN} more"))
    what = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    if violations:
        speaker.line(
            say(
                f"{database}：{len(violations)} 处不一致（{what}）",
                f"{database}: {len(violations)} violation(s) ({what})",
            )
        )
    else:
        speaker.line(say(f"{database}：全部一致（{what}）", f"{database}: everything agrees ({what})"))
    return {
        "database": database,
        "counts": counts,
        "violations": [
            {"invariant": v.invariant, "meaning": v.label.text(language), "ids": dict(v.ids)} for v in violations
        ],
    }
