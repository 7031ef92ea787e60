"""A passbook's statement as one page to print: self-contained, in large type, every word from outside escaped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from html import escape

from lianxing.engine.amounts import amount_text
from lianxing.engine.statement_sentences import (
    account_name,
    change_name,
    ending_sentence,
    heading,
    hold_sentence,
    instant_text,
    next_star,
    pending_sentence,
    remarks,
    told_apart,
    uses_sentence,
    what_text,
)
from lianxing.rules.facts import Fact
from lianxing.rules.places import Language
from lianxing.rules.statements import EARNED, AccountState, Statement, StatementLine

# Large enough to be read without glasses on paper; nothing is loaded from anywhere.
_STYLE = """
:root { color-scheme: light; }
body { font: 1.25rem/1.5 "Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", sans-serif; color: #000;
  background: #fff; margin: 1.5rem auto; max-width: 60rem; padding: 0 1rem; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.4rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #555; padding: .35rem .5rem; text-align: left; vertical-align: top; }
td.amount, th.amount { text-align: right; white-space: nowrap; }
.why { font-size: 1rem; overflow-wrap: anywhere; } .refused td:first-child { border-left: .3rem solid #000; }
li { margin: .2rem 0; overflow-wrap: anywhere; }
@page { size: A4; margin: 15mm; }
@media print { body { font-size: 13pt; margin: 0; max-width: none; padding: 0; } .why { font-size: 10.5pt; }
  tr, li { break-inside: avoid; } thead { display: table-header-group; } h2 { break-after: avoid; } }
"""


def statement_page(found: Statement, facts: Mapping[str, Fact], language: Language) -> str:
    """Return the statement as a page of HTML."""
    return "\n".join(_page(found, facts, language)) + "\n"


def _page(found: Statement, facts: Mapping[str, Fact], language: Language) -> Iterator[str]:
    zh = language == "zh"
    title, *more = heading(found, language)
    yield "<!DOCTYPE html>"
    yield f'<html lang="{"zh-Hans" if zh else "en"}">'
    yield '<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
    yield f"<body><h1>{escape(title)}</h1>"
    yield from (f"<p>{escape(text)}</p>" for text in more)
    if found.opening:
        yield from _states("期初余额" if zh else "At the beginning", found.opening, language)
    yield from _lines(found, language)
    yield from _states(f"{found.until} 结余" if zh else f"Balance on {found.until}", found.closing, language)
    yield from _list("礼遇使用" if zh else "Perks used", (uses_sentence(one, language) for one in found.uses))
    waits = (pending_sentence(one, language) for one in found.pending)
    yield from _list("待定，尚不能使用" if zh else "Waiting, not to be spent yet", waits)
    yield from _list("预留中" if zh else "Reserved", (hold_sentence(one, found.until, language) for one in found.holds))
    soon = f"{found.notice_days} 天内到期" if zh else f"Ending within {found.notice_days} days"
    yield from _list(soon, (ending_sentence(one, language) for one in found.ending))
    yield from _list("星级与礼遇" if zh else "Star and perks", next_star(found, facts, language))
    yield "</body></html>"


def _states(title: str, states: Iterable[AccountState], language: Language) -> Iterator[str]:
    zh = language == "zh"
    yield f"<h2>{escape(title)}</h2><table><thead><tr>"
    for index, word in enumerate(("账户,可用,预留,欠" if zh else "account,available,held,owed").split(",")):
        yield f'<th scope="col"{_amount(index)}>{word}</th>'
    yield "</tr></thead><tbody>"
    for state in states:
        name = account_name(state.account, state.label, language)
        cells = [amount_text(state.unit, state.available, language)]
        if state.account == EARNED:
            cells += ["", ""]
        else:
            cells += [amount_text(state.unit, value, language) if value else "" for value in (state.held, state.owed)]
        amounts = "".join(f'<td class="amount">{escape(cell)}</td>' for cell in cells)
        apart = "".join(f'<div class="why">{escape(text)}</div>' for text in told_apart(state, language))
        yield f'<tr><th scope="row">{escape(name)}{apart}</th>{amounts}</tr>'
    yield "</tbody></table>"


def _lines(found: Statement, language: Language) -> Iterator[str]:
    zh = language == "zh"
    yield f"<h2>{'本期各笔' if zh else 'In the period'}</h2><table><thead><tr>"
    words = "日期,事项,账户,金额,余额" if zh else "day,what,account,amount,balance"
    for index, word in enumerate(words.split(",")):
        yield f'<th scope="col"{_amount(index - 2)}>{word}</th>'
    yield "</tr></thead><tbody>"
    for line in found.lines:
        yield from _entry(line, found, language)
    yield "</tbody></table>"


def _entry(line: StatementLine, found: Statement, language: Language) -> Iterator[str]:
    zh = language == "zh"
    rows = max(1, len(line.changes))
    recorded = instant_text(line.recorded_at, found.time_zone)
    why = "".join(f'<div class="why">{escape(text)}</div>' for text in remarks(line, language))
    number = f"第 {line.entry} 号，{recorded} 记入" if zh else f"entry {line.entry}, recorded {recorded}"
    refused = ' class="refused"' if line.kind == "refused" else ""
    yield f'<tr{refused}><td rowspan="{rows}">{line.on}</td>'
    yield f'<td rowspan="{rows}">{escape(what_text(line, language))}<div class="why">{escape(number)}</div>{why}</td>'
    for index, change in enumerate(line.changes):
        sign = "+" if change.amount > 0 else ""
        amount, after = (amount_text(change.unit, value, language) for value in (change.amount, change.after))
        yield ("" if index == 0 else "<tr>") + f"<td>{escape(change_name(change, found, language))}</td>"
        yield f'<td class="amount">{sign}{escape(amount)}</td><td class="amount">{escape(after)}</td></tr>'
    if not line.changes:
        yield "<td></td><td></td><td></td></tr>"


def _list(title: str, texts: Iterable[str]) -> Iterator[str]:
    found = [text for text in texts if text.strip()]
    if found:
        yield f"<h2>{escape(title)}</h2><ul>"
        yield from (f"<li>{escape(text.strip())}</li>" for text in found)
        yield "</ul>"


def _amount(index: int) -> str:
    return ' class="amount"' if index > 0 else ""
