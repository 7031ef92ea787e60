"""`lianxing test`: a county's cases, expected against got, and what of the policy no case proves."""

from __future__ import annotations

import click

from lianxing.plugins.cli.finding import evaluations_line
from lianxing.plugins.cli.main import NOT_PASSED
from lianxing.plugins.cli.speaking import Say, Speaker, common
from lianxing.plugins.host import Host


def command(say: Say) -> click.Command:
    @click.command(
        "test",
        help=say(
            "运行县区的案例（cases.yaml）：逐案显示应得与实得，并列出没有案例触及的条文、没有案例到过的边界一侧；"
            "不写则运行全部。",
            "Run a county's cases (cases.yaml): expected against got, the clauses that no case touches and the sides "
            "of boundaries that none reaches; without COUNTY, all of them.",
        ),
    )
    @click.argument("counties", metavar="[COUNTY]...", nargs=-1)
    @click.option(
        "--min-coverage",
        metavar="N",
        type=click.IntRange(0, 100),
        help=say(
            "触及的条文和到过的边界各侧合计须达百分之 N，否则不通过（退出码 1）；缺的全部列出。",
            "Not passed (exit code 1) unless N percent of all clauses and sides of boundaries are proven; "
            "lists every one that is not.",
        ),
    )
    @common(say)
    def test(counties: tuple[str, ...], min_coverage: int | None, as_json: bool) -> int:
        from lianxing.plugins.cli.trials import tried

        speaker = Speaker(say, as_json)
        host = Host()
        answers = [tried(host, where, min_coverage, speaker) for where in counties or tuple(host.shelf().counties())]
        speaker.line(evaluations_line(say))
        speaker.data({"counties": answers})
        passed = all(answer["failed"] == 0 and answer["covered"] for answer in answers)
        return 0 if passed else NOT_PASSED

    return test
