"""Answers of perks, offers and accounts in Chinese and English, each with the clause and line that decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from fractions import Fraction

from lianxing.engine.amounts import amount_text, number_text
from lianxing.engine.reading.decision_cases import REASONS as STAR_REASONS
from lianxing.engine.reading.vocabulary import WORDS
from lianxing.rules.balances import Balance
from lianxing.rules.facts import FactValue
from lianxing.rules.known_facts import KNOWN_FACTS
from lianxing.rules.places import Label, Language
from lianxing.rules.redeeming import Quote, Reason
from lianxing.rules.standings import HeldPerk
from lianxing.rules.statements import StatedReason

PERIODS = {
    "record": ("每条记录", "record"),
    "activity": ("每个活动", "activity"),
    "day": ("每日", "day"),
    "week": ("每周", "week"),
    "month": ("每月", "month"),
    "quarter": ("每季度", "quarter"),
    "half_year": ("每半年", "half-year"),
    "calendar_year": ("每自然年", "calendar year"),
    "running_total": ("累计", "running total"),
    "balance": ("余额", "balance"),
}

# Why not, in words; braces name the operands of a reason.
REASONS: Mapping[str, Label] = {
    # perks
    "not_open": Label("尚未开放", "it is not open to this person"),
    "beneficiary": Label("不能为此人使用", "it is not for {for_whom}"),
    "site": Label("不是所列地点：{site}", "{site} is none of the places named"),
    "lent": Label("不得转借", "it may not be lent"),
    "expired": Label("已过期，最后一日 {last_day}", "it has ended, its last day was {last_day}"),
    "not_begun": Label("{first_day} 起才有效", "it begins only on {first_day}"),
    "not_issued": Label("须写明证或卡的发放日", "it has to be said when the pass or card was issued"),
    "uses": Label(
        "次数不够：至多 {at_most} 次，已用 {used} 次", "too few uses are left: at most {at_most}, used {used}"
    ),
    "choice": Label("只能选 {at_most} 项，已选 {chosen}", "only {at_most} may be chosen, and {chosen} was"),
    # offers
    "suspended": Label("兑换已暂停", "redemption is suspended"),
    "frozen": Label("{unit}已冻结", "{unit} are frozen"),
    "not_eligible": Label("不符合条件", "the condition does not hold"),
    "closed": Label("{on} 不开放", "it is not open on {on}"),
    "too_often": Label("本期至多 {at_most} 次，已兑换 {used} 次", "at most {at_most} in this period, {used} before"),
    "per_person": Label("每人至多 {at_most} 份，已有 {used} 份", "at most {at_most} for one person, {used} before"),
    "stock": Label("库存 {units} 份，已发 {given_out} 份", "{units} in stock, {given_out} given out"),
    "balance": Label("余额不足：需 {needed}，可用 {available}", "it takes {needed}, there is {available}"),
    "watermark": Label("在此商户已用完：需 {needed}，剩 {available}", "used up, needs {needed}, has {available}"),
    "no_price": Label("没有这种情况的价格", "no price is said for this {by}"),
    "irreversible": Label("兑换后不可撤回", "a redemption is not taken back"),
    "no_swap": Label("不可调换", "it may not be swapped"),
    "void": Label("凭证已作废，最后一日 {last_day}", "the voucher is void, its last day was {last_day}"),
    "pick_up": Label("领取时没有出示 {missing}", "{missing} was not shown"),
    "awaits_approval": Label("尚待{by}审批", "it waits for {by} to approve it"),
    "no_approver": Label("此项不须审批", "nobody has to approve this"),
    # accounts
    "holder": Label("不记入此账户", "this is not for this account"),
    "family": Label("家庭成员不能使用此账户", "the family does not share this account"),
    "spent_on": Label("不能用于{gives}", "it is not spent on {gives}"),
    "transfer": Label("不能转给 {to_whom}", "it is not transferred to {to_whom}"),
    "shortfall": Label("余额 {balance}，不足以追回 {needed}", "{balance} is too little to take {needed} back"),
    "holds": Label("此账户不能预留", "nothing of this account is reserved"),
    "amount": Label("数额必须大于零，且不超过上限", "the amount has to be above zero and within bounds"),
    "hold": Label("没有这笔预留，或已经处理过", "there is no such reservation, or it has ended"),
    "hold_over": Label("预留已到期，最后一日 {last_day}", "the reservation has ended, its last day was {last_day}"),
    "hold_runs": Label("预留到 {last_day} 为止", "the reservation runs to {last_day}"),
    "refund": Label("退回的超过当时支出的", "more would be refunded than was taken"),
    "closure": Label("没有写明销户后余额如何处理", "it is not said what becomes of the balance"),
    "issue": Label("不符合发放条件，或已经发放", "no grant of this amount is due"),
}
# Why the bank does not do what it is asked, whatever the account or offer says.
BANK_REASONS: Mapping[str, Label] = {
    "before_in_force": Label("早于办法施行日 {day}", "it is before the rules came into force on {day}"),
    "earned_later": Label("账户里有 {on} 才挣得的", "the account has something that was earned only on {on}"),
    "closed_passbook": Label("存折已于 {on} 销户", "the passbook was closed on {on}"),
    "before_reopening": Label(
        "存折 {on} 销户，{reopened_on} 起才重新启用",
        "the passbook was closed on {on} and is open again from {reopened_on} only",
    ),
    "not_closed": Label("存折没有销户", "the passbook is not closed"),
    "closed_by_death": Label(
        "持有人已于 {on} 身故，存折不再启用", "its holder died on {on}: the passbook is never opened again"
    ),
    "reopens": Label("因{event}销户的，不再启用", "after {event} a passbook is not opened again"),
    "no_offer": Label("本县没有此项兑换：{offer}", "the county has no offer {offer}"),
    "no_account": Label("本县没有此账户：{account}", "the county has no account {account}"),
    "no_merchant": Label("须写明在哪个商户", "it has to be said at which merchant"),
    "nobody_declared": Label("没有申报{for_whom}", "no {for_whom} was declared"),
    "no_perk": Label("本县没有此项礼遇：{perk}", "the county has no perk {perk}"),
    "no_redemption": Label("第 {entry} 号没有可办的兑换", "entry {entry} is no redemption of which this can be done"),
    "rests_on": Label(
        "以第 {entry} 号为据，该号是 {on} 办的，不能早在 {day}",
        "it rests on entry {entry} of {on}, and cannot be of {day}, before that",
    ),
    "before_its_day": Label(  # what the decisions of version 3 and before said instead
        "第 {entry} 号是 {on} 办的，不能在此之前处理", "entry {entry} is of {on}; nothing becomes of it before that day"
    ),
    "whole_units": Label(
        "只能按整份结清：每份 {price}，共预留 {held}", "only whole units are settled, {price} each; {held} is reserved"
    ),
    "only_all": Label("只能全部结清：{held}", "only all of it can be settled: {held}"),
    "more_than_held": Label("只预留了 {held}", "only {held} is reserved"),
    "open_holds": Label("尚有预留未了结：{held}", "{held} is still reserved"),
    "recipient": Label("须写明转给谁，且不能是本人", "it has to be said who receives it, and not oneself"),
    "no_record": Label("{registry} 没有这名志愿者的记录 {record}", "{registry} has no record {record} of this person"),
    "no_application": Label("没有 {star} 星的申请", "there is no application for star {star}"),
    "applied_before": Label(
        "{star} 星已于 {on} 申请，尚未办结", "star {star} was applied for on {on}, and that is not decided yet"
    ),
    "granted_since": Label(
        "{on} 已凭记录授予 {star} 星，申请须在此后",
        "star {star} was granted by the records on {on}; one applies on a later day",
    ),
    "number_counted": Label(
        "{number} 这样的编号由本县依次自编，不须写明", "numbers like {number} are counted here: leave the number out"
    ),
    "no_person": Label("{id} 不是志愿者", "{id} is no person"),
    "pool": Label("公共池余额不足：需 {needed}，可用 {available}", "it takes {needed}, the pool has {available}"),
    "own_family": Label("家属须是本人以外的人", "family is other people than oneself"),
    "declared_twice": Label("{id} 申报了不止一次", "{id} is declared more than once"),
    "one_spouse": Label("配偶只能有一人：{ids}", "there is one spouse at the most, not {ids}"),
    "heir": Label("须写明已申报的家属为继承人：{id}", "an heir of the declared family has to be named: {id}"),
    "nothing_to_bring": Label(
        "第 {entry} 号没有可转入的余额，或已经转入", "entry {entry} leaves nothing to bring, or it was brought before"
    ),
    "before_it_left": Label(
        "{county} 第 {entry} 号于 {on} 转出，不能早在 {day} 转入",
        "it left {county} on {on} under entry {entry}, and cannot come in on {day}, before that",
    ),
    "no_service": Label("本县服务菜单没有此项：{service}", "the menu of the county has no {service}"),
    "no_request": Label("没有这项服务需求：{id}", "there is no request {id}"),
    "id_too_long": Label(
        "需求编号 {id} 超过 {characters_max} 字",
        "{id}, as it would be called, is longer than {characters_max} characters",
    ),
    "request_taken": Label("这个编号的服务需求已有：{id}", "there is a request {id} already"),
    "held_for_request": Label(
        "这笔预留属于服务需求 {request}，只随该需求的确认、取消、谢绝或到期了结",
        "it is reserved for the request {request}, and ends as that is confirmed, cancelled, declined or expires",
    ),
    "decided_before": Label("第 {entry} 号已经批准", "entry {entry} was approved already"),
    "unknown_recipient": Label("台账里没有志愿者 {id}", "the ledger has no volunteer {id}"),
    "fetched": Label("凭证已经用过", "the voucher has been used"),
    "own_merchant": Label("不能在自己的商户兑换", "nobody redeems at a shop of their own"),
}
# Why a step of a request for service is refused, or a volunteer left out.
REQUEST_REASONS: Mapping[str, Label] = {
    "own_request": Label("{id} 不能给自己服务", "{id} cannot serve themselves"),
    "own_service": Label("{id} 不能自己对接、确认、评价自己的服务", "{id} does not judge a service of their own"),
    "own_payment": Label(
        "{id} 是这一单的当事人，不能自己认定没有服务", "{id} is a party to it, and does not say that it was no service"
    ),
    "record_withdrawn": Label("服务记录已经撤回", "the record of the service was taken back"),
    "withdrew": Label("{id} 已经辞过这一单", "{id} has withdrawn from this request"),
    "not_declared": Label("申报过的{for_whom}里没有对方", "they are not declared as {for_whom}"),
    "recipient_is": Label("被服务人不符合服务对象条件", "the recipient does not meet the condition on recipients"),
    "recipient_unknown": Label("登记信息中没有被服务人的资料", "the register knows nothing of the recipient"),
    "not_theirs": Label("此步只能由{by}办", "this step is for {by} only"),
    "state": Label("现为{state}，此步须在{after}之后", "it is {state}; this step comes after {after}"),
    "too_early": Label("最早 {first_day}", "not before {first_day}"),
    "too_late": Label("已过期，最后一日 {last_day}", "too late, the last day was {last_day}"),
    "no_deadline": Label("没有写明期限，不会过期", "no deadline is said, so it does not expire"),
    "no_notice": Label("没有写明公示，不须公示", "no notice is said, so none is posted"),
    "not_posted": Label("须先公示 {days} 个工作日", "it has to be posted for {days} working days first"),
    "no_candidate": Label("{id} 不在候选人之列", "{id} is no candidate"),
    "not_first": Label("排在第 {place}，先派 {first}", "at place {place}; {first} comes first"),
    "not_among_first": Label("不在前 {most} 位，先派 {first}", "not among the first {most}; {first} comes first"),
    "time": Label("{said} 不在 {least} 至 {most} 之间", "{said} is not between {least} and {most}"),
    "evaluation": Label("“{said}”不是 {fact} 的评价", "'{said}' is no evaluation in {fact}"),
    "worked_out": Label("{fact} 由 {axes} 得出，只评这几项", "{fact} follows from {axes}: say these"),
}
# The states of a request and who somebody is to it: no policy says these words.
REQUEST_WORDS: Mapping[str, str] = {
    "requested": "已提出",
    "matched": "已对接",
    "posted": "公示中",
    "served": "已服务",
    "confirmed": "已确认",
    "evaluated": "已评价",
    "cancelled": "已取消",
    "declined": "已谢绝",
    "expired": "已过期",
    "revoked": "已撤销",
    "asker": "提出需求的人",
    "recipient": "服务对象",
    "matched_volunteer": "对接的志愿者",
    "organiser": "组织者",
}
# Why a step of a review is not taken; none of these words is one of the others.
REVIEW_REASONS: Mapping[str, Label] = {
    "no_actor": Label("没有写明经办人", "it is not said who acts"),
    "own_matter": Label("志愿者不能办理自己的事项", "nobody decides in a matter of one's own"),
    "own_objection": Label("异议人不能处理自己的异议", "nobody settles an objection of one's own"),
    "own_decision": Label("不能复核自己作出的决定", "nobody looks again at one's own decision"),
    "reason_missing": Label("须写明理由", "a reason has to be given"),
    "no_outcome": Label("须写明成立或不成立", "say whether it is upheld or dismissed"),
    "before_the_last_step": Label("早于上一步的 {last}", "it would be before the last step, of {last}"),
    "not_the_role": Label("应由{by}办理，不是{role}", "this is for {by}, not for {role}"),
    "not_in_this_state": Label("状态为“{state}”时不能办这一步", "this cannot be done while the state is '{state}'"),
    "which_stage": Label("须写明哪个环节：{known}", "say which stage is meant: {known}"),
    "too_late": Label("已过期限，最后一日 {last_day}", "it is too late, the last day was {last_day}"),
    "not_late": Label("期限未过，按期办理即可", "it is not late, and is entered as usual"),
    "notice_runs": Label("公示至 {last_day} 止", "the notice runs until {last_day}"),
    "not_posted": Label("尚未公示", "it was not posted yet"),
    "objection_open": Label("第 {objection} 项异议尚未处理完毕", "objection {objection} is not settled yet"),
    "objection_upheld": Label("第 {objection} 项异议成立", "objection {objection} was upheld"),
    "appeal_possible": Label("{last_day} 前仍可申诉", "an appeal may still come until {last_day}"),
    "which_objection": Label(
        "没有这项异议，或须写明哪一项：{known}", "there is no such objection, or say which: {known}"
    ),
    "no_appeal": Label("办法没有规定申诉", "the policy provides no appeal"),
    "appealed_before": Label("只能申诉一次", "one may appeal once"),
    "not_concerned": Label("只有异议人和志愿者本人可以申诉", "only who objected and the volunteer may appeal"),
    "by_itself": Label("{star} 星达到条件即授予，不需申请", "star {star} is awarded by itself, nobody applies for it"),
    "applied_another_day": Label(
        "申请以提出之日为准，不是 {on}", "an application is of the day on which it is handed in, not of {on}"
    ),
    "star_refused": Label("不能授予 {star} 星：{why}", "star {star} cannot be awarded: {why}"),
    "before_the_cut_off": Label("截止日 {cut_off} 未到", "the cut-off of {cut_off} has not come yet"),
    "no_basis": Label("没有 {on} 的达标情况", "it is not told how the person stood on {on}"),
    "no_number": Label("须写证书编号", "a certificate needs a number"),
    "not_lost": Label("当日仍持有 {star} 星", "star {star} is not lost on that day"),
}
_SENTENCES = {**REASONS, **BANK_REASONS, **REQUEST_REASONS, **REVIEW_REASONS}
_STATES = {value.id: value.label.zh for fact in KNOWN_FACTS if fact.name == "state" for value in fact.values}
_STAR_STAGES = {
    "approved": "已批准",
    "returned": "已退回",
    "awarded": "已授予",
    "lowered": "已降级",
    "revoked": "已撤销",
}
_SPELLED = {"why": STAR_REASONS, "state": {**_STAR_STAGES, **_STATES, "": "未申请"}}
_AMOUNTS = ("needed", "available", "balance", "held", "price", "said", "least", "most")


def reason_sentence(reason: Reason, language: Language) -> str:
    """Return a reason with its clause: `it takes 10 points, there is 5 points [soap, town/redemption.yaml:3]`."""
    clause = reason.clause
    said = _SENTENCES[reason.code].text(language).format_map(_operands(dict(reason.operands), language))
    return _with_place(said, clause.id, str(reason.location), clause.source.clause, language)


def stated_sentence(reason: StatedReason, language: Language) -> str:
    """Return a reason that the ledger keeps, in the same words; a code that is not known here stands as it is."""
    known = _SENTENCES.get(reason.code, Label(reason.code, reason.code))
    try:
        said = known.text(language).format_map(_operands(dict(reason.operands), language))
    except KeyError:
        said = reason.code
    return _with_place(said, reason.clause, reason.at, reason.article, language)


def given_back_sentence(entry: int, by: int, language: Language) -> str:
    """Return that what an entry had redeemed was given back before."""
    if language == "zh":
        return f"第 {entry} 号已由第 {by} 号退回"
    return f"entry {entry} was given back already, by entry {by}"


_NO_STATE = Label("（无）", "(none)")


def _operands(operands: Mapping[str, FactValue], language: Language) -> dict[str, str]:
    unit = {"hours": "seconds", "points": "points"}.get(str(operands.get("unit", "")))
    return {
        name: amount_text(unit, value, language)
        if name in _AMOUNTS and unit and isinstance(value, int)
        else _NO_STATE.text(language)
        if name == "state" and value == ""
        else ", ".join(_word(word, language == "zh", name) for word in str(value).split(", "))
        for name, value in operands.items()
    }


def _with_place(sentence: str, clause: str, place: str, article: str, language: Language) -> str:
    at = place.rpartition(":")[0]
    if language == "zh":
        return f"{sentence}〔{clause}，{at}{'，' + article if article else ''}〕"
    return f"{sentence} [{clause}, {at}{', ' + article if article else ''}]"


def state_word(state: str, language: Language) -> str:
    """Return how far a record, or an application for a star, has come."""
    if language == "en":
        return state.replace("_", " ") or "not applied for"
    return _word(state, True, "state")


def _word(word: str, zh: bool, operand: str = "") -> str:
    """Return a word of the language as people read it; what an operand is may tell which language."""
    if not zh:
        return word.replace("_", " ")
    return REQUEST_WORDS.get(word) or _SPELLED.get(operand, WORDS).get(word, word)


def quote_sentences(quote: Quote, unit: str, language: Language) -> list[str]:
    """Return an answer in words; `unit` is `points` or `hours`, what the account is kept in."""
    zh = language == "zh"
    if not quote.allowed:
        return [("不能：" if zh else "No: ") + reason_sentence(reason, language) for reason in quote.reasons]
    paid = amount_text("seconds" if unit == "hours" else "points", quote.price, language)
    cash = number_text(Fraction(quote.cash, 100))
    more = "" if not quote.cash else f"，另付 {cash} 元" if zh else f" and {cash} yuan"
    at = "" if quote.price_at is None else f" [{quote.price_at.path}:{quote.price_at.line}]"
    waits = awaiting_sentence(quote.awaits, quote.decide_by, language)
    return [f"可以，花费 {paid}{more}{at}" if zh else f"Yes, for {paid}{more}{at}", *([waits] if waits else [])]


def awaiting_sentence(awaits: str, decide_by: date | None, language: Language) -> str:
    """Return who has to approve it and until when; nothing where nobody has."""
    zh = language == "zh"
    until = "" if decide_by is None else f"，最后一日 {decide_by}" if zh else f", last day {decide_by}"
    return "" if not awaits else f"待{awaits}审批{until}" if zh else f"awaits approval by {awaits}{until}"


def balance_sentences(balance: Balance, unit: str, language: Language) -> Iterator[str]:
    """Yield what an account holds, where the rest went, and which moves were refused."""
    zh, held = language == "zh", "seconds" if unit == "hours" else "points"
    left, free = (amount_text(held, amount, language) for amount in (balance.balance, balance.available))
    yield f"{balance.on} 余额 {left}，可用 {free}" if zh else f"On {balance.on}: {left}, {free} available"
    for where, amount in balance.went.items():
        yield f"  {_word(where, zh)}{'：' if zh else ': '}{amount_text(held, amount, language)}"
    for refused in balance.refused:
        yield f"  {refused.move.on} {reason_sentence(refused.reason, language)}"


def how_a_perk_opens(perk: HeldPerk, language: Language) -> Iterator[str]:
    """Yield the face value of a perk, how often it may be used, and for whom, in a few words each."""
    zh = language == "zh"
    if perk.worth is not None:
        value = number_text(Fraction(perk.worth, 100))
        yield f"面值 {value} 元" if zh else f"worth {value} yuan"
    if perk.uses_per is not None:
        per = PERIODS[perk.uses_per.value][0 if zh else 1]
        yield f"{per}至多 {perk.uses_at_most} 次" if zh else f"at most {perk.uses_at_most} per {per}"
    if perk.pass_months is not None:
        months = perk.pass_months
        yield f"发放后 {months} 个月内不限次数" if zh else f"for {months} months from the day of issue"
    if perk.earned_so_far is not None:
        yield f"至今可享 {perk.earned_so_far} 次" if zh else f"earned {perk.earned_so_far} times so far"
    if perk.chosen_by is not None:
        yield f"须选择〔{perk.chosen_by.id}〕" if zh else f"by choice [{perk.chosen_by.id}]"
