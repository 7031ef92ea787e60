"""`lianxing standing`: where a volunteer stands on a day, and why."""

from __future__ import annotations

from datetime import date
from typing import Any

import click

from lianxing.plugins.cli.failing import NotFoundError
from lianxing.plugins.cli.finding import Day, county_at, rulebook_for, today_in, where
from lianxing.plugins.cli.speaking import Say, Speaker, common


def command(say: Say) -> click.Command:
    @click.command(
        "standing",
        help=say(
            "一名志愿者在某一天的时长、积分、星级、距下一星还差什么、可享的礼遇，各有条款和行号。",
            "Hours, points, star, what the next star still takes and perks of a volunteer on a day, "
            "each with clause and line.",
        ),
    )
    @click.argument("volunteer")
    @where(say)
    @click.option("--on", type=Day(say), help=say("哪一天，缺省为今天。", "On which day; by default today."))
    @common(say)
    def standing(volunteer: str, county: str, database: str, on: date | None, as_json: bool) -> None:
        speaker = Speaker(say, as_json)
        speaker.data(stands(speaker, volunteer, county, database, on))

    return standing


def stands(speaker: Speaker, volunteer: str, county: str, database: str, on: date | None) -> dict[str, Any]:
    """Say where somebody stands; return it as plain data."""
    from lianxing.engine.bank.statements import statement
    from lianxing.engine.decision_sentences import decision_data
    from lianxing.engine.explaining import standing_data
    from lianxing.engine.ledger.opening import open_ledger
    from lianxing.engine.passbooks import Passbooks
    from lianxing.engine.statement_data import pending_data, state_data
    from lianxing.engine.statement_sentences import pending_sentence, state_sentence
    from lianxing.engine.wording import standing_sentences
    from lianxing.plugins.host import Host
    from lianxing.rules.facts import VolunteerId
    from lianxing.rules.statements import EARNED

    _folder, policy = county_at(Host(), county)
    with open_ledger(database, create=False) as ledger, rulebook_for(policy, speaker) as rulebook:
        try:
            day, person = on or today_in(policy), VolunteerId(volunteer)
            found = Passbooks(ledger, rulebook).standing(person, on=day)
            book = statement(ledger, rulebook, person, day, day)
        except LookupError:
            raise NotFoundError(
                f"台账里没有志愿者“{volunteer}”", f"the ledger has no volunteer '{volunteer}'"
            ) from None
    said = standing_sentences(found, policy.facts, speaker.say.language)
    speaker.line(
        speaker.say(f"志愿者 {volunteer}，{policy.county.label.zh}", f"volunteer {volunteer}, {policy.county.label.en}")
    )
    accounts = [state for state in book.closing if state.account != EARNED]
    said += [state_sentence(state, speaker.say.language) for state in accounts]
    said += [speaker.say("待定：", "Pending: ") + pending_sentence(one, speaker.say.language) for one in book.pending]
    for sentence in said:
        speaker.line(sentence)
    return (
        standing_data(found)
        | decision_data(found)
        | {
            "accounts": [state_data(state) for state in accounts],
            "pending": [pending_data(one) for one in book.pending],
            "sentences": said,
        }
    )
