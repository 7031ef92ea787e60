"""A settlement with merchants and suppliers: as plain data, as rows, and in sentences. Every amount is exact text."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lianxing.engine.amounts import amount_text, number_text
from lianxing.engine.statement_data import exact
from lianxing.rules.places import Language
from lianxing.rules.settlements import Settlement, SettlementLine, SupplyLine

COLUMNS = (
    "provider",
    "merchant",
    "kind",
    "id",
    "name",
    "unit",
    "units",
    "paid",
    "cash_yuan",
    "returned_units",
    "returned",
    "returned_cash_yuan",
    "waiting_units",
    "waiting",
    "fetched_units",
    "worth_yuan",
    "at",
    "article",
)
NUMBERS = frozenset(("units", "paid", "cash_yuan", "returned", "returned_units", "returned_cash_yuan", "waiting"))


def settlement_data(found: Settlement) -> dict[str, Any]:
    """Return a settlement as plain data."""
    return {
        "county": found.county,
        "since": found.since.isoformat(),
        "until": found.until.isoformat(),
        "lines": [
            {name: value for name, value in _row(line).items() if name != "name"}
            | {
                "label": {"zh": line.label.zh, "en": line.label.en},
                "units": line.units,
                "returned_units": line.returned_units,
                "waiting_units": line.waiting_units,
                "fetched_units": line.fetched_units,
            }
            for line in found.lines
        ],
        "suppliers": [_supply(line) for line in found.suppliers],
    }


def settlement_rows(found: Settlement, language: Language) -> Iterator[dict[str, str]]:
    """Yield a row for each offer of a provider at a merchant, by column."""
    for line in found.lines:
        yield _row(line) | {"name": line.label.text(language)}


def settlement_sentences(found: Settlement, language: Language) -> Iterator[str]:
    """Yield what was handed over, by provider and merchant, and what suppliers lack."""
    zh = language == "zh"
    yield f"{found.since} 至 {found.until} 结算" if zh else f"Settlement from {found.since} to {found.until}"
    whose = None
    for line in found.lines:
        if whose != (line.provider, line.merchant):
            whose = (line.provider, line.merchant)
            names = " / ".join(name for name in whose if name)
            yield names or ("没有写明供应方" if zh else "no provider is said")
        yield f"  {_sentence(line, language)}"
    if not found.lines:
        yield "  没有。" if zh else "  nothing."
    for one in found.suppliers:
        least, has, lacks = (number_text(Fraction(value, 100)) for value in (one.at_least, one.supplied, one.lacking))
        at = f"{one.location.path}:{one.location.line}"
        yield (
            f"供应方 {one.provider}（{one.offer}）：须供应 {least} 元，已供应 {has} 元，还差 {lacks} 元〔{at}〕"
            if zh
            else f"Supplier {one.provider} ({one.offer}): {least} yuan due, {has} supplied, {lacks} lacking [{at}]"
        )


def _sentence(line: SettlementLine, language: Language) -> str:
    zh = language == "zh"
    said = []
    for units, amount, cash, chinese, english in (
        (line.units, line.paid, line.cash, "交付", "handed over"),
        (line.returned_units, line.returned, line.returned_cash, "退回", "given back"),
        (line.waiting_units, line.waiting, 0, "预留中", "reserved"),
        (line.fetched_units, 0, 0, "领取", "fetched"),
    ):
        if not units:  # of a voucher the money is paid before it is fetched
            said += [f"{chinese} {number_text(Fraction(cash, 100))} 元"] if cash and zh else []
            said += [f"{number_text(Fraction(cash, 100))} yuan {english}"] if cash and not zh else []
            continue
        more = [amount_text(line.unit, amount, language)] if amount else []
        more += [f"{number_text(Fraction(cash, 100))} {'元' if zh else 'yuan'}"] if cash else []
        text = f"{chinese} {units} 份" if zh else f"{english} {units}"
        said.append(f"{text} ({', '.join(more)})" if more else text)
    if line.worth:
        yuan = number_text(Fraction(line.worth, 100))
        said.append(f"面值 {yuan} 元" if zh else f"worth {yuan} yuan")
    name = line.label.text(language)
    name = f"{name} [{line.id}]" if name else line.id
    return f"{name}：{'，'.join(said)}" if zh else f"{name}: {', '.join(said)}"


def _row(line: SettlementLine) -> dict[str, str]:
    def yuan(amount: int) -> str:
        return number_text(Fraction(amount, 100))

    return {
        "provider": line.provider,
        "merchant": line.merchant,
        "kind": line.kind,
        "id": line.id,
        "name": "",
        "unit": line.unit,
        "units": str(line.units),
        "paid": exact(line.unit, line.paid),
        "cash_yuan": yuan(line.cash),
        "returned_units": str(line.returned_units),
        "returned": exact(line.unit, line.returned),
        "returned_cash_yuan": yuan(line.returned_cash),
        "waiting_units": str(line.waiting_units),
        "waiting": exact(line.unit, line.waiting),
        "fetched_units": str(line.fetched_units),
        "worth_yuan": yuan(line.worth),
        "at": "" if line.clause is None else str(line.clause.location),
        "article": "" if line.clause is None else line.clause.source.clause,
    }


def _supply(line: SupplyLine) -> dict[str, Any]:
    def yuan(amount: int) -> str:
        return number_text(Fraction(amount, 100))

    return {
        "offer": line.offer,
        "provider": line.provider,
        "at_least_yuan": yuan(line.at_least),
        "supplied_yuan": yuan(line.supplied),
        "lacking_yuan": yuan(line.lacking),
        "at": str(line.location),
    }
