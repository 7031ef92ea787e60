"""`lianxing show`: every statement of a county with its layer, line and clause."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

from lianxing.engine.reading.vocabulary import WORDS
from lianxing.plugins.cli.finding import county_at
from lianxing.plugins.cli.speaking import Say, Speaker, common
from lianxing.plugins.host import Host
from lianxing.rules.places import Clause
from lianxing.rules.policy import Policy


def command(say: Say) -> click.Command:
    @click.command(
        "show",
        help=say(
            "列出办法合并各层之后的每一条：编号、名称、来自哪一层、文件与行号、所依据的条款。",
            "List every statement of a policy with its layers merged: id, name, layer, file and line, clause it cites.",
        ),
    )
    @click.argument("county")
    @common(say)
    def show(county: str, as_json: bool) -> None:
        speaker = Speaker(say, as_json)
        _folder, policy = county_at(Host(), county)
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
                    "source": _source(clause, say),
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


def _chapters(policy: Policy) -> Iterable[tuple[str, list[Clause]]]:
    yield "hours.yaml", [step.clause for step in policy.hours]
    yield "earning.yaml", [step.clause for step in policy.earning]
    yield "measures.yaml", [measure.clause for measure in policy.measures]
    yield "stars.yaml", [policy.stars.clause] if policy.stars is not None else []
    yield "perks.yaml", [perk.clause for perk in (*policy.perks, *policy.choices)]
    yield "accounts.yaml", [account.clause for account in policy.accounts]
    yield "redemption.yaml", [offer.clause for offer in policy.offers]
    yield "menu.yaml", [request.clause for request in policy.menu]


def _row(clause: Clause, say: Say) -> tuple[str, str, str, str]:
    place = f"{clause.location.path}:{clause.location.line}"
    return clause.id, clause.label.text(say.language), place, _source(clause, say)


def _source(clause: Clause, say: Say) -> str:
    source = clause.source
    status = WORDS.get(source.status, source.status) if say.language == "zh" else source.status
    return say("，", ", ").join(part for part in (source.title, source.clause, status) if part)
