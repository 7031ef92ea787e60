"""`lianxing verify`: every invariant of a ledger, the arithmetic of every explanation, and every decision again."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from lianxing.plugins.cli.finding import county_at, rulebook_for
from lianxing.plugins.cli.main import NOT_PASSED
from lianxing.plugins.cli.speaking import Say, Speaker, common

SHOWN = 20
TEXT_SHOWN = 200  # characters


def command(say: Say) -> click.Command:
    @click.command(
        "verify",
        help=say(
            "核对台账：余额等于分录之和、借贷平衡、序号无缺、内容与摘要相符，并按每条记录的说明重新算一遍。"
            "加 --county 则按该县规则把每一项决定重做一遍。",
            "Check a ledger: balances are the sums of their postings, entries balance, nothing is missing or changed, "
            "and the arithmetic of every explanation leads to the posted amount. With --county every decision is made "
            "again by the county's rules.",
        ),
    )
    @click.option(
        "--database", required=True, help=say("台账，如 sqlite:///bank.db。", "The ledger, such as sqlite:///bank.db.")
    )
    @click.option(
        "--checkpoint",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help=say(
            "以前写出的存证点：其中每本存折须仍在，且未变短、未改写。",
            "An earlier checkpoint: each of its passbooks must be there, no shorter and not rewritten.",
        ),
    )
    @click.option(
        "--county",
        help=say(
            "按这个县的规则，把每一项决定重做一遍。",
            "Make every decision again by the rules of this county.",
        ),
    )
    @click.option(
        "--policy",
        "policies",
        metavar="FOLDER",
        multiple=True,
        help=say(
            "该县规则以前的样子，可多次；没有这些文件的分录不重做，只计数。",
            "The county's rules as they were, repeatable; entries under rules that are not at hand are only counted.",
        ),
    )
    @common(say)
    def verify(
        database: str, checkpoint: Path | None, county: str | None, policies: tuple[str, ...], as_json: bool
    ) -> int:
        if policies and county is None:
            raise click.UsageError(say("--policy 须与 --county 同用", "--policy goes with --county"))
        speaker = Speaker(say, as_json)
        data = verified(speaker, database, checkpoint)
        if county is not None:
            data["decisions"] = decided_again(speaker, database, county, policies)
        else:
            speaker.line(
                say(
                    "未重做各项决定，也未核对计算缓存（用 --county）",
                    "no decision was made again, and no cache of counting compared (name the rules with --county)",
                )
            )
        speaker.data(data)
        return NOT_PASSED if data["violations"] or data.get("decisions", {}).get("differences") else 0

    return verify


def verified(speaker: Speaker, database: str, checkpoint: Path | None = None) -> dict[str, Any]:
    """Check a ledger, against an earlier checkpoint too, and say what was found; return it as plain data."""
    from lianxing.engine.ledger.checkpoints import against, read_checkpoint
    from lianxing.engine.ledger.opening import open_ledger, shown
    from lianxing.engine.ledger.verifying import verify
    from lianxing.engine.proving import readding_violations

    say, language = speaker.say, speaker.say.language
    earlier = None if checkpoint is None else read_checkpoint(checkpoint.read_bytes(), str(checkpoint))
    with open_ledger(database, create=False) as ledger:
        violations = [*verify(ledger), *readding_violations(ledger)]
        if earlier is not None:
            violations += against(ledger, earlier)
        with ledger.reading() as reading:
            counts = reading.counts()
    database = shown(database)
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


def decided_again(speaker: Speaker, database: str, county: str, policies: Sequence[str] = ()) -> dict[str, Any]:
    """Make every decision of a county again and say what differs; return it as plain data."""
    from lianxing.engine.bank.replaying import replay
    from lianxing.engine.ledger.opening import open_ledger
    from lianxing.plugins.host import Host

    say = speaker.say
    host = Host()
    found = {policy.digest: policy for _folder, policy in (county_at(host, where) for where in (county, *policies))}
    ids = {policy.county.id for policy in found.values()}
    if len(ids) > 1:
        named = ", ".join(sorted(ids))
        raise click.UsageError(say(f"须为同一个县的规则：{named}", f"rules of one county are needed: {named}"))
    with ExitStack() as stack:
        ledger = stack.enter_context(open_ledger(database, create=False))
        rulebooks = [stack.enter_context(rulebook_for(policy, speaker)) for policy in found.values()]
        progress = stack.enter_context(speaker.progress({"again": ("已重做的分录", "entries decided again")}))
        done = replay(ledger, rulebooks, lambda entries: progress("again", entries))
    for one in done.differences[:SHOWN]:
        own = say(f"{one.volunteer} 第 {one.entry} 号分录", f"{one.volunteer} entry {one.entry}")
        place = own if one.entry else done.county
        speaker.line(
            say(
                f"{place}：{one.what} 所记为 {_short(one.stored)}，重做得 {_short(one.recomputed)}",
                f"{place}: {one.what} stands as {_short(one.stored)}, comes to {_short(one.recomputed)}",
            )
        )
    if len(done.differences) > SHOWN:
        more = len(done.differences) - SHOWN
        speaker.line(say(f"……另有 {more} 处", f"... and {more} more"))
    for (why, which), count in sorted(done.left_out.items()):
        speaker.line(_left_out(say, why, which, count))
    if done.unseen:
        speaker.line(
            say(
                f"不同处之后的 {done.unseen} 笔分录未重做",
                f"{done.unseen} entries after a difference were not looked at",
            )
        )
    entries, passbooks, differences = f"{done.entries:,}", f"{done.passbooks:,}", len(done.differences)
    speaker.line(
        say(
            f"{differences} 处不同：重做了 {passbooks} 本存折的 {entries} 笔分录",
            f"{differences} difference(s): {entries} entries of {passbooks} passbooks were decided again",
        )
        if differences
        else say(
            f"重做了 {passbooks} 本存折的 {entries} 笔分录，决定全部相同",
            f"{entries} entries of {passbooks} passbooks were decided again, each as it stands",
        )
    )
    return {
        "county": done.county,
        "policies": list(found),
        "passbooks": done.passbooks,
        "decided_again": done.entries,
        "records": done.records,
        "commands": done.commands,
        "not_decided_again": [
            {"why": why, "which": which, "entries": count} for (why, which), count in sorted(done.left_out.items())
        ],
        "after_a_difference": done.unseen,
        "differences": [asdict(one) for one in done.differences],
    }


def _left_out(say: Say, why: str, which: str, count: int) -> str:
    match why:
        case "policy":
            return say(
                f"未重做 {count} 笔：手头没有政策 {which}（用 --policy 指明）",
                f"not decided again: {count} under the policy {which}, which is not at hand (name it with --policy)",
            )
        case _:
            return say(
                f"未重做 {count} 笔：由第 {which} 版引擎决定，与本版不同不等于被改动",
                f"not decided again: {count} by version {which} of the engine; a difference to it is no tampering",
            )


def _short(text: str) -> str:
    return text if len(text) <= TEXT_SHOWN else text[:TEXT_SHOWN] + "…"
