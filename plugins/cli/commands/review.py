"""`lianxing review`: what waits, the next step of a record or of somebody's star, and which records are checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from lianxing.plugins.cli.calling import names_of
from lianxing.plugins.cli.failing import NotFoundError
from lianxing.plugins.cli.finding import Day, county_at, day_to_act, rulebook_for, today_in, where
from lianxing.plugins.cli.keys import asked_once, key_of
from lianxing.plugins.cli.main import NOT_PASSED
from lianxing.plugins.cli.speaking import Say, Speaker, common
from lianxing.plugins.host import Host

if TYPE_CHECKING:
    from lianxing.engine.ledger.opening import Ledger
    from lianxing.engine.ledger.stored import Held
    from lianxing.rules.commands import RecordStep, StarStep
    from lianxing.rules.policy import Policy
    from lianxing.rules.reviewing import Doing

SCOPE = "command line"


def command(say: Say) -> click.Command:
    group = click.Group(
        "review",
        help=say(
            "审核：待办（list），办一步（step），抽查（draw）。记录和星级都按办法逐步审核，每一步记入存折。"
            "各命令都可加 --json。",
            "Reviews: what waits (list), taking a step (step), spot checks (draw). Records and stars go their way "
            "step by step as the policy says, and each step is kept in the passbook. Every command takes --json.",
        ),
    )
    group.params.append(
        click.Option(["--lang"], type=click.Choice(["zh", "en"]), expose_value=False, help=say("语言。", "Language."))
    )
    group.add_command(_list(say))
    group.add_command(_step(say))
    group.add_command(_draw(say))
    return group


# --- what waits ------------------------------------------------------------------------------------------------------


def _list(say: Say) -> click.Command:
    @click.command(
        "list",
        help=say(
            "待办事项：按办理单位，逾期的在前。只有编号，没有姓名。",
            "What waits for somebody, by body, what is overdue first. Ids only.",
        ),
    )
    @where(say)
    @click.option("--on", type=Day(say), help=say("哪一天，缺省为今天。", "On which day; by default today."))
    @click.option("--role", default="", help=say("只列这个单位的。", "Only what waits for this body."))
    @common(say)
    def listed(county: str, database: str, on: date | None, role: str, as_json: bool) -> None:
        speaker = Speaker(say, as_json)
        speaker.data(_listed(speaker, county, database, on, role))

    return listed


def _listed(speaker: Speaker, county: str, database: str, on: date | None, role: str) -> dict[str, Any]:
    from lianxing.engine.answer_sentences import named
    from lianxing.engine.bank.waiting import waiting
    from lianxing.engine.ledger.opening import open_ledger
    from lianxing.engine.review_sentences import doing_word, due_data, subject_word

    say, language = speaker.say, speaker.say.language
    _folder, policy = county_at(Host(), county)
    day = on or today_in(policy)
    with open_ledger(database, create=False) as ledger, rulebook_for(policy, speaker) as rulebook:
        found = waiting(ledger, rulebook, day, role)
    if role and role not in {*_bodies(policy), *(due.next.by for due in found)}:
        known = ", ".join(dict.fromkeys(_bodies(policy))) or "-"
        raise NotFoundError(
            f"办法没有写单位“{role}”；有：{known}", f"the policy names no body '{role}'; there are {known}"
        )
    stages = (*policy.review, *filter(None, (policy.stars,)))
    names = {**names_of(policy), **{said.clause.id: said.clause.label for said in stages}}
    speaker.table(
        say("办理单位,事项,办什么,条款,最后一日,逾期", "by,what,do,clause,last day,overdue").split(","),
        [
            (
                due.next.by or say("任何人", "anybody"),
                subject_word(due.subject, language),
                doing_word(due.next.doing.value, language),
                named(due.next.stage, names, language),
                "" if due.next.until is None else due.next.until.isoformat(),
                say("逾期", "overdue") if due.next.overdue else "",
            )
            for due in found
        ],
    )
    late = sum(due.next.overdue for due in found)
    speaker.line(
        say(f"{day}：待办 {len(found)} 项，逾期 {late} 项", f"{day}: {len(found)} waiting, {late} of them overdue")
    )
    return {"county": policy.county.id, "on": day.isoformat(), "waiting": [due_data(due) for due in found]}


def _bodies(policy: Policy) -> Iterator[str]:
    """Yield every body to which the policy gives something to do in reviews and approvals."""
    from lianxing.rules.review import Notice, SpotCheck, Stage

    for said in policy.review:
        if isinstance(said, Stage | Notice | SpotCheck) and said.by:
            yield said.by
        if isinstance(said, Notice) and said.appeal is not None:
            yield said.appeal.by
    yield from (offer.approver.by for offer in policy.offers if offer.approver is not None)
    if policy.stars is not None:
        yield from (by for _star, by in policy.stars.award.approver)


# --- a step ----------------------------------------------------------------------------------------------------------


def _step(say: Say) -> click.Command:
    @click.command(
        "step",
        help=say(
            "办一步。SUBJECT 是记录编号（多个登记系统同号时写“系统/编号”）；写 --star 时是志愿者编号。",
            "Take a step. SUBJECT is the id of a record (REGISTRY/ID where several registries have it), or, with "
            "--star, that of a volunteer.",
        ),
    )
    @click.argument("subject")
    @where(say)
    @click.option(
        "--do",
        "doing",
        required=True,
        help=say(
            "办什么：申请、办结、补录、批准、退回、公示、异议、异议处理、申诉、申诉处理、生效、抽查、撤销、授予、发证、降级。",
            "What: applied, advanced, late_entry, approved, returned, posted, objected, outcome, appealed, "
            "appeal_outcome, took_effect, checked, revoked, awarded, certificate_issued, lowered.",
        ),
    )
    @click.option("--actor", required=True, help=say("经办人编号。", "The id of whoever acts."))
    @click.option("--role", default="", help=say("代表哪个单位。", "For which body."))
    @click.option("--reason", default="", help=say("理由。", "Why."))
    @click.option("--on", type=Day(say), help=say("哪一天，缺省为今天。", "On which day; by default today."))
    @click.option("--stage", default="", help=say("哪个环节（有几个时）。", "Which stage, where several are open."))
    @click.option(
        "--upheld/--dismissed", default=None, help=say("异议或申诉成立／不成立。", "What becomes of an objection.")
    )
    @click.option(
        "--objection", type=click.IntRange(0), default=0, help=say("第几项异议。", "Which objection, from 1.")
    )
    @click.option("--star", type=click.IntRange(1), help=say("几星。", "Which star."))
    @click.option(
        "--applied-on",
        type=Day(say),
        help=say("哪一天的申请，缺省为最近的。", "Which application; by default the newest."),
    )
    @click.option("--nominated", is_flag=True, help=say("由组织提名。", "An organisation hands it in."))
    @click.option(
        "--number", default="", help=say("证书编号，缺省为下一个。", "Of a certificate; by default the next.")
    )
    @click.option(
        "--key",
        help=say(
            "请求编号：同号再办只得第一次的答复；缺省新编一个，并予告知。",
            "The key of the request: asked again, it gives the first answer; by default a new one, which is told.",
        ),
    )
    @click.option("--dry-run", is_flag=True, help=say("只看结果，不记账。", "Only tell; keep nothing."))
    @common(say)
    def step(subject: str, county: str, database: str, as_json: bool, **asked: Any) -> int:
        speaker = Speaker(say, as_json)
        data = _stepped(speaker, subject, county, database, asked)
        speaker.data(data)
        return 0 if data["allowed"] else NOT_PASSED

    return step


def _stepped(speaker: Speaker, subject: str, county: str, database: str, asked: dict[str, Any]) -> dict[str, Any]:
    from lianxing.engine.bank.reviews import Reviewer
    from lianxing.engine.ledger.opening import open_ledger
    from lianxing.engine.review_sentences import doing_of, step_sentences

    say = speaker.say
    doing = doing_of(asked["doing"])
    if doing is None:
        raise click.UsageError(
            say(f"--do：没有“{asked['doing']}”这一步。", f"--do: there is no step '{asked['doing']}'.")
        )
    _folder, policy = county_at(Host(), county)
    with open_ledger(database, create=False) as ledger, rulebook_for(policy, speaker) as rulebook:
        command = _asked(say, ledger, policy, subject, doing, asked)
        reviewer = Reviewer(ledger, rulebook)
        with asked_once(speaker, command, asked["key"], dry_run=asked["dry_run"]):
            answer = reviewer.tried(command) if asked["dry_run"] else reviewer.serve(command)
    for sentence in step_sentences(answer.data, say.language):
        speaker.line(sentence)
    if asked["dry_run"]:
        speaker.line(say("试算：没有记账", "a trial: nothing was kept"))
    entry, key = 0 if asked["dry_run"] else answer.entry, {"key": command.key, "scope": command.scope}
    return {"entry": entry, **key, "replayed": answer.replayed, **answer.data}


def _asked(
    say: Say, ledger: Ledger, policy: Policy, subject: str, doing: Doing, asked: dict[str, Any]
) -> RecordStep | StarStep:
    from lianxing.engine.bank.tellers import knows
    from lianxing.rules.commands import RecordStep, StarStep
    from lianxing.rules.facts import VolunteerId

    named: dict[str, Any] = {
        "county": policy.county.id,
        "on": day_to_act(policy, asked["on"], ahead=asked["dry_run"]),
        "scope": SCOPE,
        "key": key_of(asked["key"]),
        "actor": asked["actor"],
        "reason": asked["reason"],
        "doing": doing,
        "role": asked["role"],
        "upheld": asked["upheld"],
        "objection": asked["objection"],
    }
    if asked["star"] is None:
        if asked["nominated"] or asked["number"] or asked["applied_on"] is not None:
            raise click.UsageError(
                say("--nominated、--number、--applied-on 只用于 --star。", "these options need --star: what is it of?")
            )
        held = _held(say, ledger, policy, subject)
        record = held.record
        return RecordStep(
            volunteer=record.volunteer, registry=record.registry, record=record.id, stage=asked["stage"], **named
        )
    id = VolunteerId(subject)
    with ledger.reading() as reading:
        if not knows(reading, policy.county.id, id):
            raise NotFoundError(f"台账里没有志愿者“{subject}”", f"the ledger has no volunteer '{subject}'")
    return StarStep(
        volunteer=id,
        star=asked["star"],
        applied_on=asked["applied_on"],
        nominated=asked["nominated"],
        number=asked["number"],
        **named,
    )


def _held(say: Say, ledger: Ledger, policy: Policy, subject: str) -> Held:
    """Return the record that a clerk means."""
    from lianxing.rules.facts import RecordId, RegistryId

    registry, _, id = subject.partition("/")
    with ledger.reading() as reading:
        found = reading.held(RecordId(subject))
        if not found and id:
            found = reading.held(RecordId(id), RegistryId(registry))
    found = [one for one in found if one.record.county == policy.county.id]
    if not found:
        raise NotFoundError(f"本县的台账里没有记录“{subject}”", f"the ledger has no record '{subject}' of the county")
    if len(found) > 1:
        known = ", ".join(f"{one.record.registry}/{one.record.id}" for one in found)
        raise click.UsageError(say(f"有几条记录是这个编号：{known}", f"several records have this id: {known}"))
    return found[0]


# --- spot checks -----------------------------------------------------------------------------------------------------


def _draw(say: Say) -> click.Command:
    @click.command(
        "draw",
        help=say(
            "抽查：按种子抽取一个周期内要核查的记录。同一种子、同一批记录，谁来抽都一样；种子须在周期结束后定，并公布。",
            "Spot check: draw the records of a period that are to be checked. The same seed draws the same ones from "
            "the same records, whoever draws; fix the seed after the period is over, and make it known.",
        ),
    )
    @where(say)
    @click.option("--statement", help=say("review.yaml 里的哪一条抽查。", "Which spot check of review.yaml."))
    @click.option("--period", type=Day(say), required=True, help=say("周期内的任一天。", "Any day of the period."))
    @click.option("--seed", required=True, help=say("种子：任何文字。", "The seed: any text."))
    @common(say)
    def draw(county: str, database: str, statement: str | None, period: date, seed: str, as_json: bool) -> None:
        speaker = Speaker(say, as_json)
        speaker.data(_drawn(speaker, county, database, statement, period, seed))

    return draw


def _drawn(speaker: Speaker, county: str, database: str, statement: str | None, day: date, seed: str) -> dict[str, Any]:
    from lianxing.engine.bank.waiting import drawn_in
    from lianxing.engine.ledger.opening import open_ledger
    from lianxing.engine.spot_checks import checked_period
    from lianxing.rules.review import SpotCheck

    say = speaker.say
    _folder, policy = county_at(Host(), county)
    checks = {said.clause.id: said for said in policy.review if isinstance(said, SpotCheck)}
    if statement is None and len(checks) == 1:
        (statement,) = checks
    if statement is None or statement not in checks:
        known = ", ".join(checks) or "-"
        raise NotFoundError(
            f"没有抽查“{statement or ''}”；有：{known}",
            f"there is no spot check '{statement or ''}'; there are {known}",
        )
    check = checks[statement]
    first, last = checked_period(check, day)
    with open_ledger(database, create=False) as ledger, rulebook_for(policy, speaker) as rulebook:
        of, keys = drawn_in(ledger, rulebook, check, day, seed)
    for registry, record in keys:
        speaker.line(f"{registry}/{record}")
    speaker.line(
        say(
            f"{first} 至 {last} 共 {of} 条记录，抽查 {len(keys)} 条〔{statement}，{check.clause.location}〕",
            f"{of} records from {first} to {last}, {len(keys)} of them are checked "
            f"[{statement}, {check.clause.location}]",
        )
    )
    by_registry = Counter(registry for registry, _record in keys)
    return {
        "county": policy.county.id,
        "statement": statement,
        "from": first.isoformat(),
        "until": last.isoformat(),
        "seed": seed,
        "records": of,
        "by_registry": dict(sorted(by_registry.items())),
        "drawn": [{"registry": registry, "record": record} for registry, record in keys],
    }
