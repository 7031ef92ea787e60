"""A passbook's statement in Chinese and English sentences: for a terminal, and for whoever reads it aloud."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

from lianxing.engine.amounts import amount_text, number_text
from lianxing.engine.answers import PERIODS, REQUEST_WORDS, awaiting_sentence, stated_sentence
from lianxing.engine.bank.sharing import ORGANISATION, POOL, REGISTRY, is_person
from lianxing.engine.reading.vocabulary import WORDS
from lianxing.engine.step_sentences import reason_text, step_remarks, step_text
from lianxing.engine.wording import (
    gone_over_sentence,
    left_sentence,
    outside_sentence,
    pooled_sentence,
    refusal_sentence,
    standing_sentences,
)
from lianxing.rules.facts import Fact
from lianxing.rules.families import RELATIONS
from lianxing.rules.places import Label, Language
from lianxing.rules.requests import RequestState
from lianxing.rules.statements import (
    EARNED,
    USES,
    AccountState,
    Change,
    Cited,
    EndingLot,
    OpenHold,
    Pending,
    PerkUses,
    Statement,
    StatementLine,
    Subject,
)

# What an entry is, and what was asked where it was refused.
KINDS: Mapping[str, Label] = {
    "original": Label("服务记录", "service record"),
    "adjusting": Label("调整", "adjustment"),
    "corrected": Label("更正", "correction"),
    "withdrawn": Label("撤回记录", "record withdrawn"),
    "redeemed": Label("兑换", "redeemed"),
    "held": Label("预留", "reserved"),
    "settled": Label("结清", "settled"),
    "approved": Label("审批通过", "approved"),
    "declined": Label("审批不予通过", "declined"),
    "released": Label("取消预留", "reservation given back"),
    "hold_expired": Label("预留到期", "reservation over"),
    "refunded": Label("退回", "refunded"),
    "fetched": Label("领取", "voucher fetched"),
    "given": Label("转出", "given"),
    "received": Label("转入", "received"),
    "granted": Label("发放", "granted"),
    "perk_used": Label("使用礼遇", "perk used"),
    "expired": Label("到期失效", "ended"),
    "converted": Label("规则衔接", "change of rules"),
    "star_points": Label("星级奖励积分", "points with a star"),
    "closed": Label("销户", "closed"),
    "reopened": Label("重新启用", "opened again"),
    "review": Label("审核", "review"),
    "request": Label("服务需求", "request for service"),
    "declared": Label("申报家属", "family declared"),
    "brought": Label("随迁转入", "brought along"),
    "lent": Label("借出", "lent"),
    "repaid": Label("归还", "repaid"),
    "paid_out": Label("拨出", "paid out"),
    "taken_back": Label("更正追回", "taken back"),
    "refused": Label("未办", "refused"),
}
COMMANDS: Mapping[str, Label] = {
    "redeem": Label("兑换", "redeem"),
    "settle": Label("结清", "settle"),
    "approve": Label("审批通过", "approve"),
    "decline": Label("审批不予通过", "decline"),
    "release": Label("取消预留", "release"),
    "refund": Label("退回", "refund"),
    "fetch": Label("领取", "fetch"),
    "reserve": Label("预留", "reserve"),
    "give": Label("转出", "give"),
    "grant": Label("发放", "grant"),
    "use_perk": Label("使用礼遇", "use a perk"),
    "close": Label("销户", "close"),
    "reopen": Label("重新启用", "open again"),
    "record_step": Label("审核记录", "review of a record"),
    "star_step": Label("审核星级", "review of a star"),
    "declare": Label("申报家属", "declare family"),
    "bring": Label("随迁转入", "bring along"),
    "take_step": Label("服务需求", "request for service"),
}
PARTS: Mapping[str, Label] = {
    "": Label("可用", "available"),
    "held": Label("预留", "held"),
    "debt": Label("欠", "owed"),
}
EARNED_LABEL = Label("累计获得", "earned in all")
USES_LABEL = Label("礼遇次数", "perk")


def statement_sentences(found: Statement, facts: Mapping[str, Fact], language: Language) -> list[str]:
    """Return a statement in words, in the order in which a passbook is read."""
    zh = language == "zh"
    said = list(heading(found, language))
    if found.opening:
        said.append("期初：" if zh else "At the beginning:")
        said += [f"  {state_sentence(state, language)}" for state in found.opening]
    said.append("本期各笔：" if zh else "In the period:")
    for line in found.lines:
        said += line_sentences(line, found, language)
    if not found.lines:
        said.append("  没有。" if zh else "  nothing.")
    said.append(f"{found.until} 结余：" if zh else f"On {found.until}:")
    said += [f"  {state_sentence(state, language)}" for state in found.closing]
    if found.uses:
        said.append("礼遇使用：" if zh else "Perks used:")
        said += [f"  {uses_sentence(one, language)}" for one in found.uses]
    if found.pending:
        said.append("待定，尚不能使用：" if zh else "Waiting, not to be spent yet:")
        said += [f"  {pending_sentence(one, language)}" for one in found.pending]
    if found.holds:
        said.append("预留中：" if zh else "Reserved:")
        said += [f"  {hold_sentence(one, found.until, language)}" for one in found.holds]
    if found.ending:
        days = found.notice_days
        said.append(f"{days} 天内到期：" if zh else f"Ending within {days} days:")
        said += [f"  {ending_sentence(one, language)}" for one in found.ending]
    return said + next_star(found, facts, language)


def heading(found: Statement, language: Language) -> Iterator[str]:
    """Yield whose statement it is, of which period, and as of when."""
    zh = language == "zh"
    title = found.title.text(language) or found.county
    since = found.since.isoformat() if found.since is not None else ("开户" if zh else "the beginning")
    owner = owner_text(found.volunteer, language)
    yield (
        f"{owner}，{title}：{since} 至 {found.until} 的存折明细"
        if zh
        else f"{owner}, {title}: statement from {since} to {found.until}"
    )
    if found.known is not None:
        instant = instant_text(found.known, found.time_zone)
        yield f"只含 {instant} 以前记入的" if zh else f"as recorded up to {instant}"
    for on, again in found.closings:
        if again is None:
            yield f"已于 {on} 销户" if zh else f"closed on {on}"
        else:
            yield f"{on} 销户，{again} 起重新启用" if zh else f"closed on {on}, open again from {again}"
    if found.last_entry:
        seal = found.seal[:16]
        yield f"至第 {found.last_entry} 号，印记 {seal}" if zh else f"up to entry {found.last_entry}, seal {seal}"


def owner_text(owner: str, language: Language) -> str:
    """Return whose passbook it is: that of a volunteer, a pool, an organisation or a registry."""
    zh = language == "zh"
    called = ((POOL, "公共池", "Pool"), (ORGANISATION, "组织", "Organisation"), (REGISTRY, "登记系统", "Registry"))
    for start, chinese, english in called:
        if owner.startswith(start):
            return f"{chinese if zh else english} {owner.removeprefix(start)}"
    return f"志愿者 {owner}" if zh else f"Volunteer {owner}"


def next_star(found: Statement, facts: Mapping[str, Fact], language: Language) -> list[str]:
    """Return where the person stands: the star, what is missing to the next one, and the perks that are open.

    A pool, an organisation or a registry is no person, and stands nowhere.
    """
    if not is_person(found.volunteer):
        return []
    return standing_sentences(found.standing, facts, language)


def state_sentence(state: AccountState, language: Language) -> str:
    """Return what is in an account."""
    zh = language == "zh"
    name = account_name(state.account, state.label, language)
    amount = amount_text(state.unit, state.available, language)
    if state.account == EARNED:
        return f"{name}：{amount}" if zh else f"{name}: {amount}"
    said = [f"可用 {amount}" if zh else f"{amount} available", *_over(state, language)]
    for what, zh_word, en_word in ((state.held, "预留", "held"), (state.owed, "欠", "owed")):
        if what:
            text = amount_text(state.unit, what, language)
            said.append(f"{zh_word} {text}" if zh else f"{text} {en_word}")
    said += _apart(state, language)
    return f"{name}：{'，'.join(said)}" if zh else f"{name}: {', '.join(said)}"


def told_apart(state: AccountState, language: Language) -> list[str]:
    """Return what of an account is told beside what is available, held and owed."""
    return [*_over(state, language), *_apart(state, language)]


def _over(state: AccountState, language: Language) -> Iterator[str]:
    if state.over:
        text = amount_text(state.unit, state.over, language)
        zh, en = f"其中 {text}是已过期的预留（尚未记账）", f"{text} of a reservation that is over and not booked yet"
        yield zh if language == "zh" else en


def _apart(state: AccountState, language: Language) -> Iterator[str]:
    zh = language == "zh"
    if state.ended:
        text = amount_text(state.unit, state.ended, language)
        yield f"另有 {text}已过期、不能再用（尚未记账）" if zh else f"{text} ended and not booked yet"
    if state.changed:
        text = amount_text(state.unit, abs(state.changed), language)
        zh_word, en_word = ("减少", "less") if state.changed > 0 else ("增加", "more")
        en_text = f"{text} {en_word} by a change of rules and not booked yet"
        yield f"规则衔接{zh_word} {text}（尚未记账）" if zh else en_text
    if state.cancelled:
        text = amount_text(state.unit, state.cancelled, language)
        yield f"另有 {text}因处理作废" if zh else f"{text} cancelled by a sanction"
    if state.rest:
        text = amount_text(state.unit, state.rest, language)
        yield f"另有零头 {text}，凑整后记入" if zh else f"{text} more once it makes a whole unit"


def uses_sentence(one: PerkUses, language: Language) -> str:
    """Return how often a perk was used, of how often it may be."""
    zh = language == "zh"
    name = account_name(one.perk, one.label, language)
    used = f"已用 {one.used} 次" if zh else f"used {one.used}"
    if one.at_most is not None:
        used += f"，限 {one.at_most} 次" if zh else f" of {one.at_most}"
    if one.per is None:
        return f"{name}：{used}" if zh else f"{name}: {used}"
    per = PERIODS[one.per.value][0 if zh else 1]
    if zh:
        return f"{name}：{per}（自 {one.since}）{used}，累计 {one.in_all} 次"
    return f"{name}: {used} in this {per} (since {one.since}), {one.in_all} in all"


def line_sentences(line: StatementLine, found: Statement, language: Language) -> Iterator[str]:
    """Yield one entry: what it was, what it changed, under which clause, and what is said of it."""
    zh = language == "zh"
    number = f"第 {line.entry} 号" if zh else f"entry {line.entry}"
    what = what_text(line, language)
    recorded = instant_text(line.recorded_at, found.time_zone)
    when = f"（{recorded} 记入）" if zh else f" (recorded {recorded})"
    yield f"  {line.on} {number} {what}{when}"
    for change in line.changes:
        yield f"    {change_sentence(change, found, language)}"
    yield from (f"    {text}" for text in remarks(line, language))


def remarks(line: StatementLine, language: Language) -> Iterator[str]:
    """Yield why: the clauses, what refused it, and who acted."""
    zh = language == "zh"
    if line.step is not None:
        yield from step_remarks(line.step, language)
    said = [stated_sentence(reason, language) for reason in line.reasons]
    clauses = {cited.clause: _cited_data(cited) for cited in line.clauses}
    for refusal in line.refusals:
        data = {"clause": refusal.clause, "reason": refusal.reason, **dict(refusal.details)}
        said.append(refusal_sentence(data, clauses, language))
    said += [unmet.text(language) for unmet in line.unmet]
    yield from said
    yield from on_the_way(line, language)
    if not said:
        yield from (cited_text(cited, language) for cited in line.clauses)
    if line.actor:
        yield f"经办：{line.actor}" if zh else f"by {line.actor}"
    if line.reason:
        reason = reason_text(line.reason, language)
        yield f"事由：{reason}" if zh else f"reason: {reason}"


def on_the_way(line: StatementLine, language: Language) -> Iterator[str]:
    """Yield what became of amounts before they came into an account, and of those that did not."""
    yield from (gone_over_sentence(one.account, one.unit, one.before, one.after, language) for one in line.gone_over)
    if line.entitled is not None:
        amount = amount_text(*line.entitled, language)
        yield f"凭余额享受 {amount}，余额不减" if language == "zh" else f"{amount} by the balance, which stays as it is"
    for outside in line.outside:
        amounts = outside.rest, outside.over, outside.off, outside.to
        told = outside_sentence(outside.account, outside.unit, *amounts, language)
        in_all = (
            ""
            if line.corrects is None
            else "该记录更正后共计，"
            if language == "zh"
            else "of the record as it is now, "
        )
        yield f"{in_all}{told}"
    if line.family is not None:
        yield family_sentence(line.family, language)
    for one in line.pooled:
        yield pooled_sentence(one.account, one.holder, one.member, one.record, language)
    for left in line.left:
        said = left_sentence(left.unit, left.amount, left.where, left.heir, language)
        yield f"{left.account}：{said}" if language == "zh" else f"{left.account}: {said}"


def family_sentence(family: Sequence[tuple[str, str]], language: Language) -> str:
    """Return who is family, by id and relation; an empty declaration says that nobody is."""
    if not family:
        return "没有家属" if language == "zh" else "nobody is family"
    members = [(id, RELATIONS.get(relation, Label(relation, relation)).text(language)) for id, relation in family]
    if language == "zh":
        return f"家属：{'、'.join(f'{id}（{relation}）' for id, relation in members)}"
    return f"family: {', '.join(f'{id} ({relation})' for id, relation in members)}"


def what_text(line: StatementLine, language: Language) -> str:
    """Return what an entry is and about what."""
    zh = language == "zh"
    kind = KINDS.get(line.kind, Label(line.kind, line.kind)).text(language)
    if line.command and line.kind == "refused":
        asked = COMMANDS.get(line.command, Label(line.command, line.command)).text(language)
        kind = f"{kind}：{asked}" if zh else f"{kind}: {asked}"
    if line.step is not None:
        done = step_text(line.step, language)
        kind = f"{kind}：{done}" if zh else f"{kind}: {done}"
    said = [kind, subject_text(line.subject, language)]
    if line.step is not None and line.step.day not in (None, line.on):
        zh_word, en_word = ("申请", "applied for") if line.subject.kind == "star" else ("服务", "served")
        said.append(f"{line.step.day} {zh_word}" if zh else f"{en_word} on {line.step.day}")
    if line.corrects is not None:
        said.append(f"更正第 {line.corrects} 号" if zh else f"corrects entry {line.corrects}")
    if line.concerns is not None:
        said.append(f"关于第 {line.concerns} 号" if zh else f"of entry {line.concerns}")
    return ("，" if zh else ", ").join(part for part in said if part)


def subject_text(subject: Subject, language: Language) -> str:
    """Return what an entry is about, in a few words."""
    zh = language == "zh"
    name = subject.label.text(language)
    if subject.kind == "record":
        text = f"{subject.source}/{subject.id}"
        return f"{name} {text}" if name else text
    if not subject.kind:
        return ""
    if subject.kind == "star":
        return f"{subject.id} 星" if zh else f"star {subject.id}"
    if subject.kind == "heir":
        return f"由 {subject.id} 继承" if zh else f"heir {subject.id}"
    if subject.kind == "county":
        return f"{subject.id} 第 {subject.source} 号" if zh else f"entry {subject.source} of {subject.id}"
    text = name or subject.id
    if subject.kind == "request" and name:
        text += f" {subject.id}"
    if subject.units != 1:
        text += f" × {subject.units}"
    if subject.cash:
        yuan = number_text(Fraction(subject.cash, 100))
        text += f"，另付 {yuan} 元" if zh else f" and {yuan} yuan"
    if subject.merchant:
        text += f"（{subject.merchant}）" if zh else f" ({subject.merchant})"
    if subject.counterpart:
        who = WORDS.get(subject.counterpart, subject.counterpart) if zh else subject.counterpart.replace("_", " ")
        text += f" ↔ {who}"
    return text


def change_sentence(change: Change, found: Statement, language: Language) -> str:
    """Return a change and the balance after it."""
    name = change_name(change, found, language)
    amount, after = (amount_text(change.unit, value, language) for value in (change.amount, change.after))
    sign = "+" if change.amount > 0 else ""
    if language == "zh":
        return f"{name} {sign}{amount}，{'累计' if change.account == USES else '余'} {after}"
    return f"{name} {sign}{amount}, then {after}"


def change_name(change: Change, found: Statement, language: Language) -> str:
    """Return which part of which account changes, as the county calls it."""
    if change.account == EARNED:
        return EARNED_LABEL.text(language)
    if change.account == USES:
        label = next((one.label for one in found.uses if one.perk == change.part), Label())
        return f"{USES_LABEL.text(language)}·{label.text(language) or change.part}"
    label = next((state.label for state in found.closing if state.account == change.account), Label())
    part = "" if not change.part else PARTS.get(change.part, Label(change.part, change.part)).text(language)
    return f"{label.text(language) or change.account}{'·' + part if part else ''}"


def account_name(account: str, label: Label, language: Language) -> str:
    """Return what an account is called."""
    if account == EARNED:
        return EARNED_LABEL.text(language)
    name = label.text(language)
    return f"{name} [{account}]" if name else account


def pending_sentence(one: Pending, language: Language) -> str:
    """Return what a record that waits would be worth, and which clause holds it."""
    worth = f"{amount_text('seconds', one.seconds, language)}，{amount_text('points', one.points, language)}"
    worth = worth if language == "zh" else worth.replace("，", ", ")
    cited = "; ".join(cited_text(cited, language) for cited in one.clauses)
    return f"{one.on} {subject_text(one.subject, language)}{'：' if language == 'zh' else ': '}{worth} {cited}".rstrip()


def hold_sentence(one: OpenHold, on: date, language: Language) -> str:
    """Return what is reserved on a day, for what, and until when; what is reserved for a request may be over."""
    amount, what = amount_text(one.unit, one.amount, language), subject_text(one.subject, language)
    zh = language == "zh"
    waits = awaiting_sentence(one.awaits, one.decide_by, language)
    waits = f"{'；' if zh else '; '}{waits}" if waits else ""
    until = _until_sentence(one, on, language)
    if zh:
        return f"第 {one.entry} 号 {what}：{amount}，{until}{waits}"
    return f"entry {one.entry}, {what}: {amount}, {until}{waits}"


def _until_sentence(one: OpenHold, on: date, language: Language) -> str:
    """Return until when something is reserved, and for a request why it lasts as long as that."""
    zh, last, request = language == "zh", one.last_day, one.request
    over = "" if last is None or on <= last else "（已过，尚未了结）" if zh else " (over, and not ended yet)"
    said = "" if last is None else f"最后一日 {last}{over}" if zh else f"last day {last}{over}"
    if request is None or request.state is RequestState.REQUESTED:
        return said or ("尚无人服务" if zh else "nobody is matched yet")
    state = REQUEST_WORDS.get(request.state.value, "") if zh else request.state.value
    if request.state is not RequestState.SERVED:
        step = f"{state}，预留至服务办结" if zh else f"{state}, reserved until the service is settled"
    elif (after := request.confirmed_after) is not None:
        step = (
            f"{state}，预留至确认，{after} 以后由组织者确认"
            if zh
            else f"{state}, reserved until it is confirmed, after {after} by the organiser"
        )
    else:
        step = f"{state}，预留至确认" if zh else f"{state}, reserved until it is confirmed"
    return "，".join(filter(None, (step, said))) if zh else ", ".join(filter(None, (step, said)))


def ending_sentence(one: EndingLot, language: Language) -> str:
    """Return what ends, and its last day."""
    name, amount = account_name(one.account, one.label, language), amount_text(one.unit, one.remaining, language)
    by = "" if one.taken_by is None else cited_text(one.taken_by, language)
    if language == "zh":
        why = f"，因规则衔接不再保留：{by}" if by else ""
        return f"{name}：{amount}，{one.earned_on} 获得，最后一日 {one.last_day}{why}"
    why = f": it does not go over the change of rules {by}" if by else ""
    return f"{name}: {amount} of {one.earned_on}, last day {one.last_day}{why}"


def cited_text(cited: Cited, language: Language) -> str:
    """Return a clause with its file, its line and the article of the regulation."""
    name = cited.label.text(language)
    place = ", ".join(part for part in (cited.clause, cited.at.rpartition(":")[0], cited.article) if part)
    if language == "zh":
        return f"{name}〔{place.replace(', ', '，')}〕"
    return f"{name} [{place}]".strip()


def instant_text(instant: int, time_zone: str) -> str:
    """Return an instant as the county's clocks show it."""
    return datetime.fromtimestamp(instant, ZoneInfo(time_zone)).strftime("%Y-%m-%d %H:%M:%S")


def _cited_data(cited: Cited) -> dict[str, str]:
    return {"at": cited.at, "cites": cited.article, "zh": cited.label.zh, "en": cited.label.en}
