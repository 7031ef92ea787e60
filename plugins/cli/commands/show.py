"""`lianxing show`: every statement of a county with its layer, line and clause; or why one value is what it is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from lianxing.plugins.cli.failing import NotFoundError
from lianxing.plugins.cli.finding import Day, county_at, today_in
from lianxing.plugins.cli.speaking import Say, Speaker, common
from lianxing.plugins.host import Host
from lianxing.rules.places import Clause

if TYPE_CHECKING:
    from lianxing.engine.reading.chapters import Folder
    from lianxing.rules.policy import Policy


def command(say: Say) -> click.Command:
    @click.command(
        "show",
        help=say(
            "列出办法合并各层之后的每一条：编号、名称、来自哪一层、文件与行号、所依据的条款。"
            "加 --why 则说明一处的值来自哪一层、改写了什么、在某日适用哪一个。",
            "List every statement of a policy with its layers merged: id, name, layer, file and line, clause it cites. "
            "With --why, tell of one place which layer says it, what that overrides and which value holds on a day.",
        ),
    )
    @click.argument("county")
    @click.option(
        "--why",
        metavar="PATH",
        help=say(
            "从章节到条文到项，以点相连：earning.by_service_time.points_per_hour，中英文均可，章节可省略。",
            "From chapter to statement to key, joined by dots: earning.by_service_time.points_per_hour; "
            "either script, and the chapter may be left out.",
        ),
    )
    @click.option(
        "--on", "day", type=Day(say), help=say("看哪一天适用的值，缺省为今天。", "The day asked; by default today.")
    )
    @common(say)
    def show(county: str, why: str | None, day: date | None, as_json: bool) -> None:
        from lianxing.plugins.cli.origins import source_text

        speaker = Speaker(say, as_json)
        host = Host()
        folder, policy = county_at(host, county)
        if why is not None:
            _why(host, folder, policy, why, day or today_in(policy), speaker)
            return
        label, region = policy.county.label.text(say.language), policy.county.region
        until = policy.county.in_force_until
        speaker.line(f"{label}　{region}　{policy.county.id}")
        speaker.line(
            say("施行：", "in force: ") + f"{policy.county.in_force_from} – {until or ''}　" + policy.county.time_zone
        )
        speaker.line(say("层次：", "layers: ") + " ← ".join(policy.layers))
        speaker.line(say("摘要：", "digest: ") + policy.digest)
        answer: dict[str, list[dict[str, Any]]] = {}
        for chapter, clauses in _chapters(policy):
            rows = [_row(clause, say) for clause in clauses]
            if rows:
                speaker.line()
                speaker.line(chapter)
                headings = (say("编号", "id"), say("名称", "name"), say("位置", "place"), say("依据", "source"))
                speaker.table(headings, rows)
            answer[chapter] = [
                {
                    "id": clause.id,
                    "layer": clause.layer,
                    "at": str(clause.location),
                    "label": {"zh": clause.label.zh, "en": clause.label.en},
                    "source": source_text(clause.source, say),
                }
                for clause in clauses
            ]
        speaker.data(
            {
                "county": policy.county.id,
                "label": {"zh": policy.county.label.zh, "en": policy.county.label.en},
                "region": region,
                "in_force_from": policy.county.in_force_from.isoformat(),
                "in_force_until": until.isoformat() if until else None,
                "time_zone": policy.county.time_zone,
                "layers": list(policy.layers),
                "digest": policy.digest,
                "chapters": answer,
            }
        )

    return show


def _why(host: Host, folder: Folder, policy: Policy, path: str, day: date, speaker: Speaker) -> None:
    from lianxing.engine.layers import read_layers
    from lianxing.engine.origins import UnknownPathError, origins
    from lianxing.plugins.cli.origins import origin_data, tell_origin

    layers = read_layers(folder, host.shelf(), host.words(), [])
    try:
        found = origins(layers, policy.facts, path)
    except UnknownPathError as error:
        zh, en = f"办法里没有“{error.path}”", f"nothing stands at '{error.path}'"
        if error.meant:
            zh, en = f"{zh}（是否想写“{error.meant}”？）", f"{en} (did you mean '{error.meant}'?)"
        raise NotFoundError(zh, en) from None
    for origin in found:
        tell_origin(origin, day, speaker)
    speaker.data(
        {"county": policy.county.id, "on": day.isoformat(), "origins": [origin_data(origin, day) for origin in found]}
    )


def _chapters(policy: Policy) -> Iterable[tuple[str, list[Clause]]]:
    yield "review.yaml", [statement.clause for statement in policy.review]
    yield "hours.yaml", [step.clause for step in policy.hours]
    yield "earning.yaml", [step.clause for step in policy.earning]
    yield "measures.yaml", [measure.clause for measure in policy.measures]
    yield "stars.yaml", [policy.stars.clause] if policy.stars is not None else []
    yield "sanctions.yaml", [sanction.clause for sanction in policy.sanctions]
    yield "perks.yaml", [*(perk.clause for perk in policy.perks), *(choice.clause for choice in policy.choices)]
    yield "accounts.yaml", [account.clause for account in policy.accounts]
    yield "redemption.yaml", [offer.clause for offer in policy.offers]
    yield "commendation.yaml", [commendation.clause for commendation in policy.commendations]
    yield "menu.yaml", [request.clause for request in policy.menu]
    yield "transition.yaml", [transition.clause for transition in policy.transitions]


def _row(clause: Clause, say: Say) -> tuple[str, str, str, str]:
    from lianxing.plugins.cli.origins import source_text

    place = f"{clause.location.path}:{clause.location.line}"
    return clause.id, clause.label.text(say.language), place, source_text(clause.source, say)
