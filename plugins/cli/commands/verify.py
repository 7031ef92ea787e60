"""`lianxing verify`: every invariant of a ledger, the arithmetic of every explanation, and every decision again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lianxing.plugins.cli.failing import exit_code_of, problem_data
from lianxing.plugins.cli.finding import county_at, of_ledger, rulebook_for
from lianxing.plugins.cli.main import NOT_PASSED
from lianxing.plugins.cli.speaking import Say, Speaker, common
from lianxing.plugins.host import Host
from lianxing.rules.problems import PolicyError

if TYPE_CHECKING:
    from lianxing.engine.bank.replaying import Difference
    from lianxing.rules.policy import Policy

COUNTED = {
    "volunteers": ("志愿者", "volunteers"),
    "records": ("记录", "records"),
    "entries": ("分录", "entries"),
    "postings": ("过账", "postings"),
    "policies": ("政策", "policies"),
    "import_runs": ("导入", "imports"),
}
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
    @of_ledger(say)
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
        "counties",
        multiple=True,
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
        database: str, checkpoint: Path | None, counties: tuple[str, ...], policies: tuple[str, ...], as_json: bool
    ) -> int:
        if policies and not counties:
            raise click.UsageError(say("--policy 须与 --county 同用", "--policy goes with --county"))
        if len(counties) > 1:
            raise click.UsageError(
                say(
                    f"一次只重做一个县的决定，--county 写了 {len(counties)} 次；该县以前的规则用 --policy 指明",
                    f"one county is decided again at a time, --county is said {len(counties)} times; "
                    "rules that it had before are named with --policy",
                )
            )
        county = "".join(counties)
        speaker = Speaker(say, as_json)
        try:
            rules = rules_of(say, (county, *policies)) if counties else []
        except PolicyError as error:
            data = verified(speaker, database, checkpoint, in_part=True)
            data["decisions"] = not_decided_again(speaker, county, error)
            speaker.data(data)
            return NOT_PASSED if data["violations"] else exit_code_of(error.problems)
        data = verified(speaker, database, checkpoint)
        if rules:
            data["decisions"] = decided_again(speaker, database, rules)
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


def rules_of(say: Say, places: Sequence[str]) -> list[Policy]:
    """Return the rules of a county, and those that it had before; PolicyError where they cannot be read."""
    host = Host()
    found = {policy.digest: policy for _folder, policy in (county_at(host, place) for place in places)}
    ids = {policy.county.id for policy in found.values()}
    if len(ids) > 1:
        named = ", ".join(sorted(ids))
        raise click.UsageError(say(f"须为同一个县的规则：{named}", f"rules of one county are needed: {named}"))
    return list(found.values())


def verified(
    speaker: Speaker, database: str, checkpoint: Path | None = None, *, in_part: bool = False
) -> dict[str, Any]:
    """Check a ledger, against an earlier checkpoint too, and say what was found; return it as plain data.

    `in_part` where more was asked for than can be done: then it is not said that everything agrees.
    """
    from lianxing.engine.amounts import counted
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
    zh, en = f"{len(violations)} 处不一致", counted(len(violations), "violation", "violations")
    if not violations:
        zh, en = ("各项不变式成立", "every invariant holds") if in_part else ("全部一致", "everything agrees")
    speaker.line(say(f"{database}：{zh}（{_counts(say, counts)}）", f"{database}: {en} ({_counts(say, counts)})"))
    return {
        "database": database,
        "counts": counts,
        "violations": [
            {"invariant": v.invariant, "meaning": v.label.text(language), "ids": dict(v.ids)} for v in violations
        ],
    }


def decided_again(speaker: Speaker, database: str, rules: Sequence[Policy]) -> dict[str, Any]:
    """Make every decision of a county again and say what differs; return it as plain data."""
    from lianxing.engine.amounts import counted
    from lianxing.engine.bank.replaying import replay
    from lianxing.engine.ledger.opening import open_ledger

    say = speaker.say
    with ExitStack() as stack:
        ledger = stack.enter_context(open_ledger(database, create=False))
        rulebooks = [stack.enter_context(rulebook_for(policy, speaker)) for policy in rules]
        progress = stack.enter_context(speaker.progress({"again": ("已重做的分录", "entries decided again")}))
        done = replay(ledger, rulebooks, lambda entries: progress("again", entries))
    for one in done.differences[:SHOWN]:
        speaker.line(_difference(say, one, done.county))
    if len(done.differences) > SHOWN:
        more = len(done.differences) - SHOWN
        speaker.line(say(f"……另有 {more} 处", f"... and {more} more"))
    for (why, which), count in sorted(done.left_out.items()):
        speaker.line(_left_out(say, why, which, count))
    if done.unseen:
        unseen = counted(done.unseen, "entry", "entries")
        speaker.line(say(f"不同处之后的 {done.unseen:,} 笔分录未重做", f"not looked at, after a difference: {unseen}"))
    entries, passbooks = counted(done.entries, "entry", "entries"), counted(done.passbooks, "passbook", "passbooks")
    again = say(
        f"重做了 {done.passbooks:,} 本存折的 {done.entries:,} 笔分录", f"decided again: {entries} of {passbooks}"
    )
    found = len(done.differences)
    speaker.line(
        say(f"{found} 处不同：{again}", f"{counted(found, 'difference', 'differences')}; {again}")
        if found
        else say(f"{again}，决定全部相同", f"{again}, each as it stands")
    )
    return {
        "county": done.county,
        "policies": [policy.digest for policy in rules],
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


def not_decided_again(speaker: Speaker, county: str, error: PolicyError) -> dict[str, Any]:
    """Say that no decision was made again, for the rules cannot be read, and why; return it as plain data."""
    say = speaker.say
    speaker.line(
        say(
            f"未核对：{county} 的规则不可用，各项决定一项也没有重做",
            f"not verified: the rules of {county} cannot be used, so that no decision was made again",
        )
    )
    for problem in error.problems:
        speaker.aside(problem.text(say.language))
    return {"county": county, "problems": [problem_data(problem, say) for problem in error.problems]}


def _counts(say: Say, counts: Mapping[str, int]) -> str:
    """Return how many there are of everything."""
    return say("，", ", ").join(f"{say(*COUNTED[name])} {count:,}" for name, count in counts.items())


def _difference(say: Say, one: Difference, county: str) -> str:
    """Return what stands in the ledger, and what it comes to."""
    place = say(f"{one.volunteer} 第 {one.entry} 号分录", f"{one.volunteer} entry {one.entry}") if one.entry else county
    if one.stored is None:
        again = _short(one.recomputed or "")
        return say(
            f"{place}：{one.what} 没有，重做得 {again}",
            f"{place}: {one.what}: there is none, and it comes to {again}",
        )
    stands = say(
        f"{place}：{one.what} 所记为 {_short(one.stored)}", f"{place}: {one.what} stands as {_short(one.stored)}"
    )
    if one.recomputed is None:
        return say(f"{stands}，重做则没有", f"{stands}, and there is none when it is decided again")
    again = _short(one.recomputed)
    return say(f"{stands}，重做得 {again}", f"{stands}, comes to {again}")


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
