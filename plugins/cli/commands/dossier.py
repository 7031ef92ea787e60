"""`lianxing dossier`: which services somebody received, when, from whom, and how they found them."""

from __future__ import annotations

from datetime import date
from typing import Any

import click

from lianxing.plugins.cli.finding import Day, county_at, rulebook_for, where
from lianxing.plugins.cli.speaking import Say, Speaker, common


def command(say: Say) -> click.Command:
    @click.command(
        "dossier",
        help=say(
            "一名服务对象接受过的服务：日期、项目、时长、服务人、评价；只有编号，没有姓名。",
            "The services that a recipient received: day, kind, time, who served, evaluation; ids only, no names.",
        ),
    )
    @click.argument("recipient")
    @where(say)
    @click.option("--since", type=Day(say), help=say("自哪一天（含）。", "From this day on."))
    @click.option("--until", type=Day(say), help=say("至哪一天（含）。", "Up to this day, included."))
    @common(say)
    def dossier(
        recipient: str, county: str, database: str, since: date | None, until: date | None, as_json: bool
    ) -> None:
        speaker = Speaker(say, as_json)
        speaker.data(received(speaker, recipient, county, database, since, until))

    return dossier


def received(
    speaker: Speaker, recipient: str, county: str, database: str, since: date | None, until: date | None
) -> dict[str, Any]:
    """Say what somebody received; return it as plain data."""
    from lianxing.engine.bank.service_requests import ServiceDesk
    from lianxing.engine.bank.told_steps import in_words
    from lianxing.engine.dossiers import dossier_sentences
    from lianxing.engine.ledger.opening import open_ledger
    from lianxing.engine.statement_data import said_data
    from lianxing.plugins.host import Host

    _folder, policy = county_at(Host(), county)
    with open_ledger(database, create=False) as ledger, rulebook_for(policy, speaker) as rulebook:
        file = ServiceDesk(ledger, rulebook).dossier(recipient, since or date.min, until or date.max)
    sentences = list(dossier_sentences(file, policy, speaker.say.language))
    for sentence in sentences:
        speaker.line(sentence)
    return {
        "recipient": file.recipient,
        "since": None if since is None else since.isoformat(),
        "until": None if until is None else until.isoformat(),
        "seconds": file.seconds,
        "services": [
            {
                "on": one.on.isoformat(),
                "kind": one.kind,
                "seconds": one.seconds,
                "volunteer": one.volunteer,
                "id": one.id,
                "evaluation": said_data(in_words(policy.facts, *said) for said in one.evaluation.items()),
            }
            for one in file.services
        ],
        "by_kind": {kind: {"services": count, "seconds": seconds} for kind, (count, seconds) in file.by_kind.items()},
        "sentences": sentences,
    }
