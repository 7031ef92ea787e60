"""`lianxing request`: services that somebody asks for, from asking to the evaluation, kept in the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from lianxing.engine.reading.notes import nearest
from lianxing.plugins.cli.calling import meant, names_of
from lianxing.plugins.cli.failing import NotFoundError
from lianxing.plugins.cli.finding import Day, county_at, day_to_act, rulebook_for, today_in, where
from lianxing.plugins.cli.keys import asked_once, key_of
from lianxing.plugins.cli.main import NOT_PASSED, UNUSABLE
from lianxing.plugins.cli.speaking import Say, Speaker, common
from lianxing.plugins.cli.words import Word, choices
from lianxing.rules.facts import Scope
from lianxing.rules.known_facts import MATCH_FACTS
from lianxing.rules.perks import Beneficiary
from lianxing.rules.quantities import fact_value
from lianxing.rules.requests import Step

if TYPE_CHECKING:
    from lianxing.engine.bank.request_data import Due
    from lianxing.engine.bank.service_requests import Overdue, ServiceDesk
    from lianxing.engine.menu import Queue
    from lianxing.rules.facts import Fact, FactValue
    from lianxing.rules.policy import Policy
    from lianxing.rules.ranking import RankValue

SCOPE = "cli"

_Run = Callable[..., None]

# The steps that need nothing but the id of the request.
_PLAIN = {
    "post": (Step.POST, "公示对接结果（组织者）", "put the match up for everybody to see (the organiser)"),
    "withdraw": (Step.WITHDRAW, "已对接的志愿者退出", "the matched volunteer steps back"),
    "cancel": (Step.CANCEL, "提出人取消需求", "whoever asked takes the request back"),
    "revoke": (
        Step.REVOKE,
        "组织者撤销：确认过的服务其实没有；价款退回，服务记录撤回。须写 --reason",
        "the organiser finds that what was confirmed was no service: the price goes back, the record is taken back; "
        "say why with --reason",
    ),
    "decline": (Step.DECLINE, "组织者办结：无人能服务、异议成立、服务没有进行", "the organiser ends the request"),
}


def command(say: Say) -> click.Command:
    group = click.Group(
        "request",
        help=say(
            "服务需求：提出、对接、公示、服务、确认、评价。"
            "每一步都记入提出人的存折；不能办的一步也记下理由，退出码为 1。各命令都可加 --json。",
            "Requests for service: ask, match, post, serve, confirm, evaluate. Each step is kept in the passbook of "
            "whoever asked; so is one that is refused, with its reasons, and the exit code is 1. Every command takes "
            "--json.",
        ),
    )
    group.params.append(
        click.Option(["--lang"], type=click.Choice(["zh", "en"]), expose_value=False, help=say("语言。", "Language."))
    )
    for one in (_ask, _candidates, _match, _served, _confirm, _evaluate, _expire, _list):
        group.add_command(one(say))
    for name, (step, zh, en) in _PLAIN.items():
        group.add_command(_plain_step(say, name, step, say(zh, en)))
    return group


# --- the commands ------------------------------------------------------------------------------------------------


def _ask(say: Say) -> click.Command:
    @click.command(
        "ask", help=say("提出一项需求，预留其价格。", "Ask for a service of the menu; its price is reserved.")
    )
    @click.argument("asker")
    @click.argument("service")
    @click.option("--hours", required=True, help=say("几小时，如 1.5。", "For how many hours, such as 1.5."))
    @click.option(
        "--for",
        "recipient",
        default="",
        help=say("服务对象的编号，缺省为本人。", "The id of whom; by default oneself."),
    )
    @click.option(
        "--as",
        "for_whom",
        type=Word(Beneficiary, say),
        default=choices(Beneficiary, say)[0],
        help=say("服务对象是提出人的什么人。", "What the recipient is to whoever asks."),
    )
    @_for_steps(say)
    def ask(asker: str, service: str, hours: str, recipient: str, for_whom: Beneficiary, **more: Any) -> None:
        if for_whom is Beneficiary.SELF and recipient not in ("", asker):
            raise click.UsageError(say("替别人提出，须用 --as 写明是什么人", "say with --as what the recipient is"))
        said = {
            "service": service,
            "seconds": _seconds(hours, say),
            "recipient": recipient,
            "for_whom": for_whom,
        }
        _take(say, Step.REQUEST, asker, said, more)

    return ask


def _match(say: Say) -> click.Command:
    @click.command(
        "match", help=say("按次序对接志愿者（组织者）。", "Match the volunteer whose turn it is (the organiser).")
    )
    @click.argument("request")
    @click.argument("volunteer")
    @_for_candidates(say)
    @_for_steps(say)
    def match(
        request: str, volunteer: str, paired: tuple[str, ...], on_roster: tuple[str, ...], roster: bool, **more: Any
    ) -> None:
        said = {"served_by": volunteer, "paired": paired, "on_roster": on_roster if roster or on_roster else None}
        _take(say, Step.MATCH, "", {"request": request, **said}, more)

    return match


def _served(say: Say) -> click.Command:
    @click.command(
        "served", help=say("登记已经服务，服务了多久。", "Note that the service took place, and for how long.")
    )
    @click.argument("request")
    @click.option("--hours", required=True, help=say("几小时。", "For how many hours."))
    @click.option(
        "--day", type=Day(say), help=say("哪一天服务的，缺省为办理日。", "On which day; by default that of the step.")
    )
    @_for_steps(say)
    def served(request: str, hours: str, day: date | None, **more: Any) -> None:
        _take(say, Step.SERVE, "", {"request": request, "seconds": _seconds(hours, say), "served_on": day}, more)

    return served


def _confirm(say: Say) -> click.Command:
    @click.command(
        "confirm", help=say("确认服务和时长，按此结算。", "Confirm the service and its time; that much is paid.")
    )
    @click.argument("request")
    @click.option("--hours", required=True, help=say("几小时。", "For how many hours."))
    @_for_steps(say)
    def confirm(request: str, hours: str, **more: Any) -> None:
        _take(say, Step.CONFIRM, "", {"request": request, "seconds": _seconds(hours, say)}, more)

    return confirm


def _evaluate(say: Say) -> click.Command:
    @click.command("evaluate", help=say("评价一次已确认的服务。", "Evaluate a service that is confirmed."))
    @click.argument("request")
    @click.argument("said", metavar="FACT=VALUE...", nargs=-1, required=True)
    @_for_steps(say)
    def evaluate(request: str, said: tuple[str, ...], **more: Any) -> None:
        _take(say, Step.EVALUATE, "", {"request": request, "said": said}, more)

    return evaluate


def _plain_step(say: Say, name: str, step: Step, help: str) -> click.Command:
    @click.command(name, help=help)
    @click.argument("request")
    @_for_steps(say)
    def run(request: str, **more: Any) -> None:
        _take(say, step, "", {"request": request}, more)

    return run


def _candidates(say: Say) -> click.Command:
    @click.command(
        "candidates",
        help=say("谁可以服务，先请谁，谁不可以及理由。", "Who may serve, whose turn it is, who may not and why."),
    )
    @click.argument("request")
    @click.option("--on", type=Day(say), help=say("哪一天，缺省为今天。", "On which day; by default today."))
    @_for_candidates(say)
    @where(say)
    @common(say)
    def candidates(
        request: str,
        county: str,
        database: str,
        on: date | None,
        paired: tuple[str, ...],
        on_roster: tuple[str, ...],
        roster: bool,
        as_json: bool,
    ) -> None:
        from lianxing.rules.facts import VolunteerId

        speaker = Speaker(say, as_json)
        with _Desk(speaker, county, database) as (desk, policy):
            pairs = tuple(VolunteerId(id) for id in paired)
            duty = tuple(VolunteerId(id) for id in on_roster) if roster or on_roster else None
            queue = desk.candidates(request, on or today_in(policy), pairs, duty)
        if queue is None:
            raise _no_request(request)
        speaker.data(_tell_queue(speaker, queue, policy))

    return candidates


def _expire(say: Say) -> click.Command:
    @click.command(
        "expire",
        help=say(
            "办结所有已过期限的需求，退回预留。", "End every request that is overdue; what is held is given back."
        ),
    )
    @click.option("--on", type=Day(say), help=say("哪一天，缺省为今天。", "On which day; by default today."))
    @click.option("--actor", default="", help=say("经办人。", "Who does it."))
    @click.option(
        "--dry-run", is_flag=True, help=say("只看结果，什么都不写。", "Show what would happen and write nothing.")
    )
    @where(say)
    @common(say)
    def expire(county: str, database: str, on: date | None, actor: str, dry_run: bool, as_json: bool) -> int:
        speaker = Speaker(say, as_json)
        with _Desk(speaker, county, database) as (desk, policy):
            day = day_to_act(policy, on, ahead=dry_run)
            overdue = desk.expire_overdue(day, SCOPE, actor, dry_run=dry_run)
        _tell_overdue(speaker, overdue, policy, dry_run=dry_run)
        expired, refused = list[dict[str, Any]](), list[dict[str, Any]]()
        for one, answer in overdue.answered:
            ended = {**_due_data(one, policy), "entry": None if dry_run else answer.entry}
            if answer.accepted:
                expired.append(ended)
            else:
                refused.append({**ended, "reasons": answer.data["reasons"]})
        damaged = [error.text(say.language) for error in overdue.damaged.values()]
        speaker.data({"dry_run": dry_run, "expired": expired, "refused": refused, "damaged": damaged})
        return UNUSABLE if damaged else NOT_PASSED if refused else 0

    return expire


def _list(say: Say) -> click.Command:
    @click.command(
        "list",
        help=say(
            "县区未办结的需求，期限近的在前；或一个人的全部需求。",
            "The open requests of the county, the most urgent first; or all of one person.",
        ),
    )
    @click.argument("person", required=False)
    @where(say)
    @common(say)
    def listed(person: str | None, county: str, database: str, as_json: bool) -> None:
        from lianxing.engine.bank.request_data import Due
        from lianxing.rules.facts import VolunteerId

        speaker = Speaker(say, as_json)
        with _Desk(speaker, county, database) as (desk, policy):
            if person is None:
                found = desk.work_list()
            else:
                if not desk.knows(VolunteerId(person)):
                    raise _nobody(person)
                found = [Due(one, None, None) for one in desk.requests_of(VolunteerId(person))]
        for one in found:
            speaker.line(_request_line(speaker, one, policy))
        if not found:
            speaker.line(say("没有。", "None."))
        speaker.data({"requests": [_due_data(one, policy) for one in found]})

    return listed


# --- what they share ---------------------------------------------------------------------------------------------


def _for_candidates(say: Say) -> Callable[[_Run], _Run]:
    def decorate(run: _Run) -> _Run:
        run = click.option(
            "--paired", multiple=True, help=say("与服务对象结对的志愿者。", "A volunteer paired with the recipient.")
        )(run)
        run = click.option(
            "--on-duty", "on_roster", multiple=True, help=say("当日值班的志愿者。", "A volunteer on duty that day.")
        )(run)
        return click.option(
            "--roster",
            is_flag=True,
            help=say("有值班表而当日无人值班时写。", "There is a roster, though nobody is on duty."),
        )(run)

    return decorate


def _for_steps(say: Say) -> Callable[[_Run], _Run]:
    def decorate(run: _Run) -> _Run:
        for option in (
            click.option("--actor", required=True, help=say("谁办这一步。", "Who takes the step.")),
            click.option(
                "--organiser", is_flag=True, help=say("以社区或街道的名义。", "With the authority of the community.")
            ),
            click.option(
                "--on", type=Day(say), help=say("办理日，缺省为今天。", "The day of the step; by default today.")
            ),
            click.option(
                "--key",
                help=say(
                    "请求编号：同一编号只办一次，重发得原答复；缺省新编一个，并予告知。",
                    "The key: the same key is served once and answered alike; by default a new one, which is told.",
                ),
            ),
            click.option("--reason", default="", help=say("缘由。", "Why.")),
            click.option(
                "--dry-run",
                is_flag=True,
                help=say("只看结果，什么都不写。", "Show what would happen and write nothing."),
            ),
        ):
            run = option(run)
        return common(say)(where(say)(run))

    return decorate


class _Desk:
    """The desk of a county, opened with its ledger and policy."""

    def __init__(self, speaker: Speaker, county: str, database: str) -> None:
        self._asked = speaker, county, database

    def __enter__(self) -> tuple[ServiceDesk, Policy]:
        from contextlib import ExitStack

        from lianxing.engine.bank.service_requests import ServiceDesk
        from lianxing.engine.ledger.opening import open_ledger
        from lianxing.plugins.host import Host

        speaker, county, database = self._asked
        _folder, policy = county_at(Host(), county)
        with ExitStack() as stack:
            ledger = stack.enter_context(open_ledger(database, create=False))
            rulebook = stack.enter_context(rulebook_for(policy, speaker))
            self._open = stack.pop_all()
        return ServiceDesk(ledger, rulebook), policy

    def __exit__(self, *_error: object) -> None:
        self._open.close()


def _take(say: Say, step: Step, asker: str, said: dict[str, Any], more: dict[str, Any]) -> None:
    """Take a step, tell what came of it, and leave with the exit code."""
    from lianxing.engine.bank.request_data import begun_by
    from lianxing.engine.step_sentences import effect_sentences
    from lianxing.rules.facts import VolunteerId
    from lianxing.rules.service_commands import TakeStep

    speaker, dry_run = Speaker(say, more["as_json"]), more["dry_run"]
    with _Desk(speaker, more["county"], more["database"]) as (desk, policy):
        if step is not Step.REQUEST:
            begun = begun_by(policy.county.id, said["request"])
            if begun is None or desk.request(said["request"]) is None:
                raise _no_request(said["request"])
            asker = begun[0]
        elif not desk.knows(VolunteerId(asker)):  # a misspelt id must not open a passbook
            raise _nobody(asker)
        if "said" in said:
            said = {**said, "said": _facts_said(policy, said["said"], say)}
        command = TakeStep(
            volunteer=VolunteerId(asker),
            county=policy.county.id,
            on=day_to_act(policy, more["on"], ahead=dry_run),
            scope=SCOPE,
            key=key_of(more["key"]),
            actor=more["actor"],
            reason=more["reason"],
            organiser=more["organiser"],
            step=step,
            **said,
        )
        with asked_once(speaker, command, more["key"], dry_run=dry_run):
            answer = desk.serve(command, dry_run=dry_run)
    data = answer.data
    speaker.line(_answer_line(speaker, data, answer.entry, replayed=answer.replayed, dry_run=dry_run))
    wrong = meant(policy, data.get("reasons", ()), say)
    for sentence in (*_reasons(data, say), *wrong, *effect_sentences(data, say.language)):
        speaker.line(f"  {sentence}")
    told = _step_data(data, policy)
    entry, asked = None if dry_run else answer.entry, {"key": command.key, "scope": command.scope}
    speaker.data({"entry": entry, **asked, "replayed": answer.replayed, "dry_run": dry_run, **told})
    if not answer.accepted:
        raise click.exceptions.Exit(NOT_PASSED)


def _answer_line(speaker: Speaker, data: dict[str, Any], entry: int, *, replayed: bool, dry_run: bool) -> str:
    say = speaker.say
    request = data.get("request") or {}
    id, state = request.get("id", ""), _state(request.get("state", ""), say)
    more = say("（试办，未写入）", " (tried, nothing is written)") if dry_run else ""
    more += say("（此前已办）", " (was done before)") if replayed else ""
    kept = "" if dry_run else say(f"，第 {entry} 号", f", entry {entry}")  # a trial has no number
    if not data["allowed"]:
        return say(f"不能办{more}{kept}：", f"Refused{more}{kept}:")
    return say(f"{id}：{state}{kept}{more}", f"{id}: {state}{kept}{more}")


def _tell_overdue(speaker: Speaker, overdue: Overdue, policy: Policy, *, dry_run: bool) -> None:
    """Say which overdue requests have ended, which have not and why, and whose passbook was left out."""
    from lianxing.engine.amounts import counted

    say, ended = speaker.say, sum(answer.accepted for _one, answer in overdue.answered)
    if dry_run:
        speaker.line(say("试运行：什么都没有记入。", "dry run: nothing was written"))
    for one, answer in overdue.answered:
        speaker.line(_request_line(speaker, one, policy))
        if not answer.accepted:
            kept_zh, kept_en = ("", "") if dry_run else (f"，第 {answer.entry} 号", f", entry {answer.entry}")
            speaker.line(say(f"  未能办结{kept_zh}：", f"  refused{kept_en}:"))
            for sentence in _reasons(answer.data, say):
                speaker.line(f"    {sentence}")
    refused = len(overdue.answered) - ended
    speaker.line(
        say(
            f"过期办结 {ended:,} 项，未能办结 {refused:,} 项",
            f"{counted(ended, 'overdue request', 'overdue requests')} ended, {refused:,} refused",
        )
    )
    for error in overdue.damaged.values():
        speaker.aside(error.text(say.language))


def _reasons(data: dict[str, Any], say: Say) -> list[str]:
    from lianxing.engine.answers import stated_sentence
    from lianxing.rules.statements import StatedReason

    return [
        stated_sentence(
            StatedReason(one["code"], one["clause"], one["at"], one["cites"], tuple(one["operands"].items())),
            say.language,
        )
        for one in data.get("reasons", ())
    ]


def _request_line(speaker: Speaker, one: Due, policy: Policy) -> str:
    from lianxing.engine.answer_sentences import named

    say, request = speaker.say, one.request
    who = request.recipient if request.recipient == request.asker else f"{request.asker} → {request.recipient}"
    due = "" if one.last_day is None else say(f"，期限 {one.last_day}", f", until {one.last_day}")
    if (after := one.confirmed_after) is not None:
        due = say(f"，{after} 以后由组织者确认", f", the organiser confirms after {after}")
    by = "" if not request.volunteer else say(f"，由 {request.volunteer}", f", by {request.volunteer}")
    service = named(request.request, names_of(policy), say.language)
    return f"{request.id}  {service}  {who}  {_state(request.state.value, say)}{by}{due}"


def _state(state: str, say: Say) -> str:
    from lianxing.engine.answers import REQUEST_WORDS

    return REQUEST_WORDS.get(state, state) if say.language == "zh" else state.replace("_", " ")


def _step_data(body: dict[str, Any], policy: Policy) -> dict[str, Any]:
    """Return the answer to a step; what is said of a service stands there in words, as in statements."""
    from lianxing.engine.bank.request_data import queue_from

    told = {**body, "asked": {**body["asked"], "said": _words(body["asked"]["said"], policy)}}
    if "request" in body:
        told["request"] = _request_data(body["request"], policy)
    if "effects" in body:
        told["effects"] = [
            {**one, "facts": _words(one["facts"].items(), policy)} if "facts" in one else one for one in body["effects"]
        ]
    if "candidates" in body:
        told["candidates"] = _queue_data(queue_from(body["candidates"]), policy)
    return told


def _request_data(data: dict[str, Any], policy: Policy) -> dict[str, Any]:
    return {**data, "evaluation": _words(data["evaluation"].items(), policy)}


def _words(said: Iterable[tuple[str, Any]], policy: Policy) -> list[dict[str, dict[str, str]]]:
    from lianxing.engine.bank.told_steps import in_words
    from lianxing.engine.statement_data import said_data

    facts = _facts(policy)
    return said_data(in_words(facts, name, value) for name, value in said)


def _facts(policy: Policy) -> dict[str, Fact]:
    return {**{known.name: known for known in MATCH_FACTS}, **policy.facts}


def _queue_data(queue: Queue, policy: Policy) -> dict[str, Any]:
    """Return candidates; what their places rest on stands there in words."""
    from lianxing.engine.bank.request_data import queue_data

    data = queue_data(queue)
    for one, turn in zip(data["turns"], queue.turns, strict=True):
        one["values"] = _words([(value.key.fact, value.value) for value in turn.values], policy)
    return data


def _due_data(one: Due, policy: Policy) -> dict[str, Any]:
    from lianxing.engine.bank.request_data import request_data

    last = None if one.last_day is None else one.last_day.isoformat()
    after = one.confirmed_after or one.request.confirmed_after
    at = None if one.location is None else str(one.location)
    made = _request_data(request_data(one.request), policy)
    return {**made, "last_day": last, "at": at, "confirmed_after": None if after is None else after.isoformat()}


def _tell_queue(speaker: Speaker, queue: Queue, policy: Policy) -> dict[str, Any]:
    from lianxing.engine.answers import reason_sentence
    from lianxing.engine.menu import listed

    shown = listed(queue)
    for turn in shown.turns:
        values = speaker.say("，", ", ").join(_ranked_by(one, policy, speaker.say) for one in turn.values)
        speaker.line(f"{turn.place}. {turn.id}{'  ' + values if values else ''}")
    for one in shown.left_out:
        sentences = speaker.say("；", "; ").join(
            reason_sentence(reason, speaker.say.language) for reason in one.reasons
        )
        speaker.line(f"-  {one.id}  {sentences}")
    if not queue.turns:
        speaker.line(speaker.say("没有可以服务的人。", "Nobody may serve."))
    return _queue_data(shown, policy)


def _ranked_by(one: RankValue, policy: Policy, say: Say) -> str:
    """Return a value that a place rests on, in words."""
    from lianxing.engine.amounts import value_text

    fact = _facts(policy).get(one.key.fact)
    if fact is None:
        return f"{one.key.fact} {'-' if one.value is None else one.value}"
    name = fact.meaning.text(say.language) if fact.scope is Scope.MEASURE else say(fact.zh, fact.name)
    return f"{name} {'-' if one.value is None else value_text(fact, one.value, say.language)}"


def _seconds(hours: str, say: Say) -> int:
    """Return whole seconds of a decimal number of hours."""
    from fractions import Fraction

    try:
        seconds = Fraction(hours) * 3600
    except (ValueError, ZeroDivisionError):
        seconds = Fraction(-1)
    if seconds < 0 or seconds.denominator != 1 or seconds > 10**9:
        raise click.UsageError(say(f"“{hours}”不是小时数，如 1.5", f"'{hours}' is no number of hours such as 1.5"))
    return int(seconds)


def _facts_said(policy: Policy, texts: Iterable[str], say: Say) -> tuple[tuple[str, FactValue], ...]:
    """Return what was said, each fact once."""
    found: dict[str, FactValue] = {}
    for name, value in (_fact_value(policy, text, say) for text in texts):
        if name in found:
            raise click.UsageError(say(f"“{name}”写了不止一次", f"'{name}' is said more than once"))
        found[name] = value
    return tuple(found.items())


def _fact_value(policy: Policy, text: str, say: Say) -> tuple[str, FactValue]:
    """Return a fact and its value from `evaluation=good`; a Chinese spelling is understood."""
    name, equals, value = text.partition("=")
    fact = next((one for one in policy.facts.values() if name in (one.name, one.zh)), None)
    if not equals:
        raise click.UsageError(say(f"“{text}”须写作 事实=值", f"'{text}' has to be FACT=VALUE"))
    if fact is None:
        near = nearest(name, [word for one in policy.facts.values() for word in (one.name, one.zh)])
        zh, en = (f"（是否想写“{near}”？）", f" (did you mean '{near}'?)") if near else ("", "")
        raise click.UsageError(say(f"本县没有事实“{name}”{zh}", f"the county has no fact '{name}'{en}"))
    found = fact_value(fact, value)
    if found is None:
        known = [one.label.text(say.language) or one.id for one in fact.values]
        zh, en = (f"；有：{'、'.join(known)}", f"; values are {', '.join(known)}") if known else ("", "")
        raise click.UsageError(
            say(f"“{value}”不是“{fact.zh or name}”的值{zh}", f"'{value}' is no value of '{fact.name}'{en}")
        )
    return fact.name, found


def _nobody(person: str) -> NotFoundError:
    return NotFoundError(f"台账里没有志愿者“{person}”", f"the ledger has no volunteer '{person}'")


def _no_request(id: str) -> NotFoundError:
    return NotFoundError(f"没有服务需求“{id}”", f"there is no request '{id}'")
