"""`lianxing explain`: why a record earned what it did, step by step, each with its clause and line."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from lianxing.plugins.cli.failing import NotFoundError
from lianxing.plugins.cli.finding import of_ledger
from lianxing.plugins.cli.speaking import Say, Speaker, common

if TYPE_CHECKING:
    from lianxing.engine.ledger.stored import StoredEntry, StoredPolicy
    from lianxing.rules.assessments import Entry

_KINDS = {"original": ("原始分录", "original entry"), "withdrawn": ("撤回分录", "withdrawing entry")}


def command(say: Say) -> click.Command:
    @click.command(
        "explain",
        help=say(
            "说明一条记录的每一步：条款、文件与行号、算式。RECORD 是登记系统里的记录编号。",
            "Tell every step of a record: clause, file and line, arithmetic. RECORD is its id in the registry.",
        ),
    )
    @click.argument("record")
    @of_ledger(say)
    @click.option(
        "--registry", help=say("登记系统，编号在几个系统里都有时用。", "The registry, where several know the id.")
    )
    @common(say)
    def explain(record: str, database: str, registry: str | None, as_json: bool) -> None:
        speaker = Speaker(say, as_json)
        speaker.data(explained(speaker, record, database, registry))

    return explain


def explained(speaker: Speaker, record: str, database: str, registry: str | None) -> dict[str, Any]:
    """Say the explanation of every entry of a record; return it as plain data."""
    from lianxing.engine.ledger.opening import open_ledger
    from lianxing.rules.facts import RecordId, RegistryId

    say = speaker.say
    with open_ledger(database, create=False) as ledger, ledger.reading() as reading:
        id = RecordId(record)
        held = reading.held(id, RegistryId(registry) if registry else None)
        brought = [one for one in reading.registries_of(id) if registry in (None, one)]
        registries = [
            one.record.registry for one in held
        ] or brought  # of those that have withdrawn it where none has it
        if not registries:
            raise NotFoundError(f"台账里没有记录“{record}”", f"the ledger has no record '{record}'")
        if len(registries) > 1:
            known = ", ".join(registries)
            raise NotFoundError(
                f"记录“{record}”在几个登记系统里都有（{known}），请加 --registry",
                f"several registries have a record '{record}' ({known}); say which with --registry",
            )
        (of_registry,) = registries
        entries = reading.entries(of_registry, id)
        day = held[0].record.day if held else entries[0].entry.effective_on
        policies = {entry.entry.policy_digest: reading.policy(entry.entry.policy_digest) for entry in entries}
        answers = [_answer(stored, policies[stored.entry.policy_digest], say) for stored in entries]
    for answer in answers:
        of = (
            ""
            if answer["adjusts"] is None
            else say(f"，调整第 {answer['adjusts']} 号", f", adjusts {answer['adjusts']}")
        )
        kind = say(*_KINDS.get(answer["kind"], ("调整分录", "adjusting entry")))
        speaker.line(
            say(
                f"记录 {id}（{of_registry}），服务日 {day}：第 {answer['entry']} 号{kind}{of}",
                f"record {id} ({of_registry}), served on {day}: {kind} {answer['entry']}{of}",
            )
        )
        for sentence in answer["sentences"]:
            speaker.line(f"  {sentence}")
    return {
        "record": id,
        "registry": of_registry,
        "day": day.isoformat(),
        "withdrawn": not held,
        "entries": answers,
    }


def _answer(stored: StoredEntry, policy: StoredPolicy | None, say: Say) -> dict[str, Any]:
    """Return what an entry says, with its sentences."""
    import orjson

    from lianxing.engine.wording import sentences

    entry, body = stored.entry, orjson.loads(stored.body)
    kept = orjson.loads(policy.content) if policy is not None else {"clauses": {}, "words": {}}
    said = sentences(body, kept, say.language)
    if entry.kind == "withdrawn":
        said.insert(0, _withdrawal(entry, body, say))
    return {
        "entry": entry.id,
        "kind": entry.kind,
        "adjusts": entry.adjusts,
        "actor": entry.actor,
        "reason": entry.reason,
        "policy": entry.policy_digest,
        "seconds": entry.seconds,
        "points_hundredths": entry.points,
        "assessment": body,
        "clauses": {id: clause for id, clause in kept["clauses"].items() if id in _named(body)},
        "sentences": said,
    }


def _withdrawal(entry: Entry, body: dict[str, Any], say: Say) -> str:
    """Return on which day a record was taken back, by whom and why."""
    from lianxing.engine.ledger.contents import ALREADY
    from lianxing.engine.ledger.drafts import BOOKED_ON
    from lianxing.engine.step_sentences import reason_text

    day = body.get(BOOKED_ON) or datetime.fromtimestamp(entry.recorded_at, UTC).date().isoformat()
    by = say(f"，经办：{entry.actor}", f", by {entry.actor}") if entry.actor else ""
    reason = reason_text(entry.reason, say.language)
    why = say(f"，事由：{reason}", f", reason: {reason}") if reason else ""
    if body.get(ALREADY):
        return say(f"{day} 收到撤回，当时并未计入{by}{why}", f"taken back on {day}, when it did not count{by}{why}")
    return say(f"已于 {day} 撤回{by}{why}", f"taken back on {day}{by}{why}")


def _named(body: dict[str, Any]) -> set[str]:
    return {step["clause"] for step in (*body["workings"], *body["refusals"], *body.get("transitions", ()))}
