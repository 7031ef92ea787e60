"""Answers of perks, offers and accounts in Chinese and English, each with the clause and line that decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from lianxing.engine.amounts import amount_text, number_text
from lianxing.engine.reading.vocabulary import WORDS
from lianxing.rules.balances import Balance
from lianxing.rules.places import Label, Language
from lianxing.rules.redeeming import Quote, Reason
from lianxing.rules.standings import HeldPerk

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
    "uses": Label("次数已满：至多 {at_most} 次，已用 {used} 次", "it is used up: at most {at_most}, used {used}"),
    "choice": Label("只能选 {at_most} 项，已选 {chosen}", "only {at_most} may be chosen, and {chosen} was"),
    # offers
    "suspended": Label("兑换已暂停", "redemption is suspended"),
    "not_eligible": Label("不符合兑换条件", "the condition of the offer does not hold"),
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
    # accounts
    "holder": Label("不记入此账户", "this is not for this account"),
    "family": Label("家庭成员不能使用此账户", "the family does not share this account"),
    "spent_on": Label("不能用于{gives}", "it is not spent on {gives}"),
    "transfer": Label("不能转给 {to_whom}", "it is not transferred to {to_whom}"),
    "shortfall": Label("余额 {balance}，不足以追回 {needed}", "{balance} is too little to take {needed} back"),
    "holds": Label("此账户不能预留", "nothing of this account is reserved"),
    "closure": Label("没有写明销户后余额如何处理", "it is not said what becomes of the balance"),
    "issue": Label("不符合发放条件，或已经发放", "no grant of this amount is due"),
}
_AMOUNTS = ("needed", "available", "balance")


def reason_sentence(reason: Reason, language: Language) -> str:
    """Return a reason with its clause: `it takes 10 points, there is 5 points [soap, town/redemption.yaml:3]`."""
    operands = dict(reason.operands)
    unit = {"hours": "seconds", "points": "points"}.get(str(operands.get("unit", "")))
    said = {
        name: amount_text(unit, value, language)
        if name in _AMOUNTS and unit and isinstance(value, int)
        else ", ".join(_word(word, language == "zh") for word in str(value).split(", "))
        for name, value in operands.items()
    }
    at = f"{reason.location.path}:{reason.location.line}"
    cites = reason.clause.source.clause
    if language == "zh":
        sentence = REASONS[reason.code].zh.format_map(said)
        return f"{sentence}〔{reason.clause.id}，{at}{'，' + cites if cites else ''}〕"
    sentence = REASONS[reason.code].en.format_map(said)
    return f"{sentence} [{reason.clause.id}, {at}{', ' + cites if cites else ''}]"


def _word(word: str, zh: bool) -> str:
    """Return a word of the language as people read it."""
    return WORDS.get(word, word) if zh else word.replace("_", " ")


def quote_sentences(quote: Quote, unit: str, language: Language) -> list[str]:
    """Return an answer in words; `unit` is `points` or `hours`, what the account is kept in."""
    zh = language == "zh"
    if not quote.allowed:
        return [("不能：" if zh else "No: ") + reason_sentence(reason, language) for reason in quote.reasons]
    paid = amount_text("seconds" if unit == "hours" else "points", quote.price, language)
    cash = number_text(Fraction(quote.cash, 100))
    more = "" if not quote.cash else f"，另付 {cash} 元" if zh else f" and {cash} yuan"
    at = "" if quote.price_at is None else f" [{quote.price_at.path}:{quote.price_at.line}]"
    return [f"可以，花费 {paid}{more}{at}" if zh else f"Yes, for {paid}{more}{at}"]


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
