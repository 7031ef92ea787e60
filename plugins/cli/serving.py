"""At the counter: a command is asked of the bank, its answer said, and its exit code found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from lianxing.plugins.cli.calling import meant, names_of
from lianxing.plugins.cli.failing import NotFoundError
from lianxing.plugins.cli.finding import county_at, day_to_act, rulebook_for
from lianxing.plugins.cli.keys import asked_once, key_of
from lianxing.plugins.cli.main import NOT_PASSED, UNUSABLE
from lianxing.plugins.cli.speaking import Speaker
from lianxing.rules.commands import Approve, Bring, Command, Decline, Fetch, Refund, Release, Settle
from lianxing.rules.facts import VolunteerId

if TYPE_CHECKING:
    from lianxing.engine.ledger.opening import Ledger
    from lianxing.plugins.desk import Served
    from lianxing.rules.places import Language
    from lianxing.rules.policy import Policy

OfEntry = Approve | Decline | Settle | Release | Refund | Fetch  # what is done about an earlier entry


@dataclass(frozen=True)
class Request:
    """Who asks, where and when; without a key one is made and told, so that it can be asked again."""

    county: str
    database: str
    volunteer: str
    on: date | None
    scope: str
    key: str | None
    actor: str
    reason: str
    dry_run: bool
    wait_seconds: int


def serve(speaker: Speaker, request: Request, made: Callable[[Policy, dict[str, Any]], Command]) -> int:
    """Ask one command of the bank and say what became of it; return the exit code.

    `made` makes the command from the policy and from what every command has.
    """
    from lianxing.engine.answer_sentences import answer_sentences
    from lianxing.engine.ledger.opening import open_ledger
    from lianxing.engine.reading.redemption import OFFER_WORDS
    from lianxing.plugins.desk import Desk, Served
    from lianxing.plugins.host import Host

    say = speaker.say
    host = Host()
    _folder, policy = county_at(host, request.county)
    whose = {
        "volunteer": VolunteerId(request.volunteer),
        "county": policy.county.id,
        "on": day_to_act(policy, request.on, ahead=request.dry_run),
        "scope": request.scope,
        "key": key_of(request.key),
        "actor": request.actor,
        "reason": request.reason,
    }
    command = made(policy, whose)
    with (
        open_ledger(request.database, create=False, wait_seconds=request.wait_seconds) as ledger,
        rulebook_for(policy, speaker) as rulebook,
    ):
        _known(ledger, policy, command)
        desk = Desk(host, ledger, rulebook)
        with asked_once(speaker, command, request.key, dry_run=request.dry_run):
            served = Served(desk.rehearse(command)) if request.dry_run else desk.serve(command)
        answer, body = served.answer, served.answer.data
        facts = {**policy.facts, **OFFER_WORDS}
        said = [
            *answer_sentences(body, say.language, facts, names_of(policy)),
            *_given_back(ledger, policy, command, body, say.language),
            *(f"  {sentence}" for sentence in meant(policy, body.get("reasons", ()), say)),
        ]
    _tell(speaker, served, said, dry_run=request.dry_run)
    speaker.data(
        {
            "accepted": answer.accepted,
            "entry": answer.entry or None,
            "key": command.key,
            "scope": command.scope,
            "replayed": answer.replayed,
            "dry_run": request.dry_run,
            "answer": body,
            "receipt": None if served.receipt is None else served.receipt.number,
            "settled_by": None if served.settled is None else served.settled.entry,
            "sentences": said,
        }
    )
    return UNUSABLE if served.fault is not None and served.settled is None else 0 if answer.accepted else NOT_PASSED


def _tell(speaker: Speaker, served: Served, said: Iterable[str], *, dry_run: bool) -> None:
    """Say what became of a command, where it stands, and what was handed over."""
    say, answer = speaker.say, served.answer
    if dry_run:
        speaker.line(say("试办：什么都没有记入。", "dry run: nothing was written"))
    for sentence in said:
        speaker.line(sentence)
    if answer.entry:
        again = say("（此前已答复）", " (as answered before)") if answer.replayed else ""
        speaker.line(say(f"  存折第 {answer.entry} 号{again}", f"  entry {answer.entry} of the passbook{again}"))
    if served.receipt is not None and served.settled is not None:
        number, by = served.receipt.number, served.settled.entry
        speaker.line(
            say(f"  已交付，凭据 {number}，第 {by} 号结清", f"  handed over, receipt {number}, settled by {by}")
        )
    if served.fault is not None:
        stands = say("；预留仍在，可用同一编号再试", "; the reservation stands, ask again with the same key")
        speaker.aside(f"{served.fault.text(say.language)}{stands if served.receipt is None else ''}")


def _given_back(
    ledger: Ledger, policy: Policy, command: Command, body: Mapping[str, Any], language: Language
) -> Iterator[str]:
    """Yield that nothing is left to be done about an entry, since another one has given it back."""
    from lianxing.engine.answers import given_back_sentence

    codes = {reason["code"] for reason in body.get("reasons", ())}
    if not isinstance(command, OfEntry) or codes.isdisjoint(("no_redemption", "hold")):
        return
    with ledger.reading() as reading:
        by = reading.given_back_by(command.volunteer, policy.county.id, command.entry)
    if by is not None:
        yield f"  {given_back_sentence(command.entry, by, language)}"


def _known(ledger: Ledger, policy: Policy, command: Command) -> None:
    """Refuse a person of whom the ledger knows nothing: a misspelt id must not open a passbook."""
    from lianxing.engine.bank.tellers import knows

    person, counties = command.volunteer, [policy.county.id]
    if isinstance(command, Bring):
        counties.append(command.from_county)
    with ledger.reading() as reading:
        if isinstance(command, Bring) and not reading.knows_county(command.from_county):
            county = command.from_county
            raise NotFoundError(f"台账里没有县区“{county}”", f"the ledger knows nothing of a county '{county}'")
        if not any(knows(reading, county, person) for county in counties):
            raise NotFoundError(f"台账里没有志愿者“{person}”", f"the ledger has no volunteer '{person}'")
