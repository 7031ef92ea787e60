"""`lianxing commend`: who is commended for a year, who stands in reserve, who may not be put forward, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lianxing.plugins.cli.failing import NotFoundError
from lianxing.plugins.cli.finding import Day, county_at, of_ledger, rulebook_for, today_in
from lianxing.plugins.cli.speaking import Say, Speaker, common
from lianxing.rules.commendation import Commendation
from lianxing.rules.policy import Policy

if TYPE_CHECKING:
    from lianxing.engine.candidates import Candidate


def command(say: Say) -> click.Command:
    @click.command(
        "commend",
        help=say(
            "评选表彰：按办法排出入选、备选和不得参评的人或组织，各有名额算式、排序依据、条款和行号。"
            "不写 ID 则评本级办法的每一项评选。",
            "Work out a commendation: who is selected, who stands in reserve, who may not be put forward, with the "
            "arithmetic of the quota, what was ranked by, clause and line. Without ID, each one of the county's own.",
        ),
    )
    @click.argument("county")
    @click.argument("id", required=False)
    @of_ledger(say)
    @click.option(
        "--year",
        type=click.IntRange(1900, 2999),
        help=say("评哪一年：指标截至当年最后一天。", "For which year: measures as of its last day."),
    )
    @click.option(
        "--on",
        type=Day(say),
        help=say("指标截至哪一天，缺省为今天。", "As of which day; by default today."),
    )
    @click.option(
        "--members",
        type=click.IntRange(0),
        help=say(
            "会员数：名额按会员数取占比时要写。", "How many members there are, where the quota is a share of them."
        ),
    )
    @click.option(
        "--facts",
        "sheet",
        type=click.Path(path_type=Path),
        help=say(
            "另有的情况：第一列为编号，其余各列为办法中的事实（CSV、XLSX）。",
            "What else is known: a sheet whose first column is the id and every other a fact of the policy.",
        ),
    )
    @click.option(
        "--everybody", is_flag=True, help=say("逐一列出不得参评的原因。", "Say of everybody why they are left out.")
    )
    @click.option(
        "--public",
        is_flag=True,
        help=say("公示用：只有名次和编号。", "For posting: places and ids only."),
    )
    @click.option(
        "--at-most",
        type=click.IntRange(1),
        help=say("每一部分至多列出几名。", "List at most so many in each part."),
    )
    @common(say)
    def commend(county: str, id: str | None, database: str, year: int | None, on: date | None, **more: Any) -> None:
        if year is not None and on is not None:
            raise click.UsageError(say("--year 与 --on 只写一个。", "--year and --on: say only one of them."))
        speaker = Speaker(say, more.pop("as_json"))
        day = date(year, 12, 31) if year is not None else on
        speaker.data(commended(speaker, county, id, database, day, **more))

    return commend


def commended(
    speaker: Speaker,
    county: str,
    id: str | None,
    database: str,
    on: date | None,
    *,
    members: int | None,
    sheet: Path | None,
    everybody: bool,
    public: bool,
    at_most: int | None,
) -> dict[str, Any]:
    """Say who is commended; return it as plain data."""
    from lianxing.engine.award_list import AwardList
    from lianxing.engine.commending import MembersUnknownError, commend
    from lianxing.engine.ledger.opening import open_ledger
    from lianxing.engine.rolls import organisations, people
    from lianxing.engine.selection_data import public_data, selection_data
    from lianxing.plugins.host import Host
    from lianxing.plugins.registries.facts_sheet import facts_by_id
    from lianxing.rules.commendation import Subject

    say = speaker.say
    _folder, policy = county_at(Host(), county)
    asked = _asked(policy, id)
    given = {} if sheet is None else facts_by_id(sheet, policy.facts)
    found = []
    met: set[str] = set()
    with open_ledger(database, create=False) as ledger, rulebook_for(policy, speaker) as rulebook:
        day = on or today_in(policy)
        for commendation in asked:
            standing_for = people if commendation.subject is Subject.PERSON else organisations
            try:
                candidates = _meeting(standing_for(ledger, rulebook, day, given), met)
                selection = commend(rulebook, commendation, day, candidates, members)
            except MembersUnknownError:
                raise click.UsageError(
                    say(
                        f"“{commendation.clause.id}”的名额按会员数取占比，请写 --members。",
                        f"the quota of '{commendation.clause.id}' is a share of the members: say --members.",
                    )
                ) from None
            listed = AwardList(selection, policy.facts, say.language)
            for line in listed.public(at_most) if public else listed.full(everybody=everybody, at_most=at_most):
                speaker.line(line)
            speaker.line()
            found.append(public_data(selection, at_most) if public else selection_data(selection))
    strangers = len(given.keys() - met)
    if strangers:
        speaker.aside(
            say(
                f"{sheet}：{strangers:,} 个编号不在本次评选的对象中，没有用到",
                f"{sheet}: ids that are nobody's who could be put forward here, not used: {strangers:,}",
            )
        )
    return {"county": policy.county.id, "commendations": found}


def _meeting(candidates: Iterable[Candidate], met: set[str]) -> Iterator[Candidate]:
    """Yield the candidates, noting the id of each."""
    for candidate in candidates:
        met.add(candidate.id)
        yield candidate


def _asked(policy: Policy, id: str | None) -> list[Commendation]:
    """Return the commendation that is named, else the county's own; what a layer below holds it holds for itself."""
    if id is not None:
        named = [one for one in policy.commendations if one.clause.id == id]
        if not named:
            known = ", ".join(one.clause.id for one in policy.commendations) or "-"
            raise NotFoundError(f"没有评选“{id}”；有：{known}", f"there is no commendation '{id}'; there are {known}")
        return named
    own = [one for one in policy.commendations if one.clause.layer == policy.county.id]
    if not own:
        raise NotFoundError(
            f"{policy.county.label.zh or policy.county.id}的办法没有自己的评选",
            f"the policy of {policy.county.label.en or policy.county.id} has no commendation of its own",
        )
    return own
