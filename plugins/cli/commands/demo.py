"""`lianxing demo`: the main job on real input, in one command, with the ledger left behind to look around in."""

from __future__ import annotations

from collections import Counter
from datetime import date
from importlib.resources import as_file, files
from pathlib import Path

import click

from lianxing.plugins.cli.speaking import Say, Speaker, common

COUNTY = "cn/hunan/zhuzhou/youxian"
DATABASE = "demo.db"
SET_ASIDE = "demo.set-aside.csv"
ON = date(2026, 2, 1)  # the day after the last service in the exports


def command(say: Say) -> click.Command:
    @click.command(
        "demo",
        help=say(
            "用自带的导出（1000 名志愿者、20000 多条记录，均为虚构）跑一遍全流程，在当前文件夹留下台账 demo.db。",
            "Run the whole way on the exports that come along (1,000 volunteers, over 20,000 records, all made up) and "
            "leave the ledger demo.db in the current folder.",
        ),
    )
    @common(say)
    def demo(as_json: bool) -> int:
        from lianxing.plugins.cli.commands.explain import explained
        from lianxing.plugins.cli.commands.import_records import FILES, Origin, take_in
        from lianxing.plugins.cli.commands.standing import stands
        from lianxing.plugins.cli.commands.verify import verified

        speaker = Speaker(say, as_json)
        database = f"sqlite:///{DATABASE}"
        _heading(speaker, say("一、导入登记系统的导出", "1. A registry's export goes in"))
        with as_file(files("lianxing") / "plugins" / "demo") as folder:
            imported = take_in(
                speaker,
                Origin((folder / "records.csv",), (folder / "volunteers.xlsx",), str(folder / "mapping.yaml"), FILES),
                COUNTY,
                database,
                Path(SET_ASIDE),
                ON,
                ahead=True,
            )
        _heading(speaker, say(f"二、截至 {ON} 的星级", f"2. The stars on {ON}"))
        stars, chosen = _stars(speaker, database)
        _heading(speaker, say("三、一名志愿者，及其理由", "3. One volunteer, with the reasons"))
        standing = stands(speaker, chosen[0], COUNTY, database, ON)
        _heading(speaker, say("四、一条记录，逐步说明", "4. One record, step by step"))
        explanation = explained(speaker, chosen[1], database, None)
        _heading(speaker, say("五、核对台账", "5. The ledger, checked"))
        verdict = verified(speaker, database)
        speaker.line()
        speaker.line(say("接下来可试：", "Next, try:"))
        speaker.line(f"  lianxing standing {chosen[0]} --county youxian --database {DATABASE} --on {ON}")
        speaker.line(f"  lianxing explain {chosen[1]} --database {DATABASE}")
        speaker.line("  lianxing test youxian")
        speaker.data(
            {"import": imported, "stars": stars, "standing": standing, "explanation": explanation, "verify": verdict}
        )
        return 1 if verdict["violations"] else 0

    return demo


def _heading(speaker: Speaker, text: str) -> None:
    speaker.line()
    speaker.line(f"── {text} " + "─" * 40)


def _stars(speaker: Speaker, database: str) -> tuple[dict[str, int], tuple[str, str]]:
    """Show how many volunteers hold which star; return the counts, and somebody of the top with a record of theirs."""
    from lianxing.engine.ledger.opening import open_ledger
    from lianxing.engine.passbooks import Passbooks
    from lianxing.plugins.cli.finding import county_at, rulebook_for
    from lianxing.plugins.host import Host

    _folder, policy = county_at(Host(), COUNTY)
    with open_ledger(database, create=False) as ledger:
        with rulebook_for(policy, speaker) as rulebook:
            standings = list(Passbooks(ledger, rulebook).standings(ON))
        top = max(standings, key=lambda found: (found.star_held, found.points))
        with ledger.reading() as reading:
            history = reading.histories(policy.county.id, [top.volunteer])[top.volunteer]
    stars = Counter(found.star_held for found in standings)
    say = speaker.say
    speaker.table(
        (say("星级", "star"), say("人数", "volunteers")),
        [(f"{star}★", f"{stars[star]:,}") for star in sorted(stars)],
        right=(1,),
    )
    # The last evaluated record of which not all time counts: there is something to explain.
    evaluated = [held for held in history if held.record.facts.get("evaluation") == "优"]
    cut = [held for held in evaluated if 0 < held.seconds < held.record.seconds]
    return {str(star): stars[star] for star in sorted(stars)}, (top.volunteer, cut[-1].record.id)
