"""`lianxing check`: everything that is wrong with a policy, at once, in file order."""

from __future__ import annotations

import click

from lianxing.plugins.cli.failing import exit_code_of, problem_data
from lianxing.plugins.cli.finding import county_at, rulebook_for
from lianxing.plugins.cli.main import NOT_PASSED
from lianxing.plugins.cli.speaking import Say, Speaker, common
from lianxing.plugins.host import Host


def command(say: Say) -> click.Command:
    @click.command(
        "check",
        help=say(
            "检查一个或几个县区的办法。COUNTY 是文件夹、编号（cn/hunan/…）或编号的末段；不写则检查全部。",
            "Check one or more counties. COUNTY is a folder, an id (cn/hunan/...) or its last part; "
            "without one, all of them.",
        ),
    )
    @click.argument("counties", metavar="[COUNTY]...", nargs=-1)
    @common(say)
    def check(counties: tuple[str, ...], as_json: bool) -> int:
        from lianxing.engine.amounts import counted
        from lianxing.engine.reading.cases import read_cases
        from lianxing.rules.problems import PolicyError, Problem

        speaker = Speaker(say, as_json)
        host = Host()
        answers = []
        codes = []
        for where in counties or tuple(host.shelf().counties()):
            problems: list[Problem] = []
            statements = 0
            waiting = False
            try:
                folder, policy = county_at(host, where)
                statements = len(list(policy.clauses))
                with rulebook_for(policy, speaker):
                    pass
                read_cases(folder, policy, problems)
            except PolicyError as error:
                problems += error.problems
                waiting = exit_code_of(problems) == NOT_PASSED
            codes.append(exit_code_of(problems))
            problems.sort(key=lambda problem: (problem.location, problem.code))
            for problem in problems:
                speaker.line(problem.text(say.language))
            if problems:
                speaker.line(
                    say(
                        f"{where}：{len(problems)} 个问题",
                        f"{where}: {counted(len(problems), 'problem', 'problems')}",
                    )
                )
                if waiting:
                    speaker.line(
                        say(
                            "另有检查（各章合起来看的、案例的）要待这些问题改正后才能进行",
                            "further checks, of the chapters together and of the cases, wait until these are mended",
                        )
                    )
            else:
                speaker.line(
                    say(f"{where}：没有问题，{statements} 条", f"{where}: no problems, {statements} statements")
                )
            answers.append(
                {
                    "county": where,
                    "statements": statements,
                    "problems": [problem_data(p, say) for p in problems],
                    "further_checks_wait": waiting,
                }
            )
        speaker.data({"counties": answers})
        return max(codes, default=0)

    return check
