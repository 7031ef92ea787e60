"""What merchants and suppliers are owed for a period, from what was handed over, given back and fetched in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import orjson

from lianxing.engine.bank.booking import UNITS
from lianxing.engine.ledger.opening import Ledger
from lianxing.engine.ledger.payouts import Payout
from lianxing.engine.redemption import account_of, to_supply
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.places import Label
from lianxing.rules.policy import Policy
from lianxing.rules.settlements import Settlement, SettlementLine, SupplyLine

_Key = tuple[str, str, str, str]  # kind, offer or perk, provider, merchant


def settlement(
    ledger: Ledger, rulebook: Rulebook, since: date, until: date, supplied: Mapping[str, int] | None = None
) -> Settlement:
    """Return the settlement of a period; `supplied` is what each supplier has supplied, in hundredths of a yuan."""
    policy = rulebook.policy
    lines: dict[_Key, SettlementLine] = {}
    with ledger.reading() as reading:
        for payout in reading.payouts(policy.county.id, since, until):
            _add(policy, lines, payout, since, until)
    there = (line for line in lines.values() if replace(line, **_NOTHING) != line)
    return Settlement(
        policy.county.id,
        since,
        until,
        tuple(sorted(there, key=lambda line: (line.provider, line.merchant, line.kind, line.id))),
        tuple(_supply(policy, supplied or {}, until)),
    )


_AMOUNTS = (
    "units",
    "paid",
    "cash",
    "returned_units",
    "returned",
    "returned_cash",
    "waiting_units",
    "waiting",
    "fetched_units",
    "worth",
)
_NOTHING: dict[str, Any] = dict.fromkeys(_AMOUNTS, 0)


def _add(policy: Policy, lines: dict[_Key, SettlementLine], payout: Payout, since: date, until: date) -> None:
    def within(day: date | None) -> bool:
        return day is not None and since <= day <= until

    body = orjson.loads(payout.body)
    line = _line(policy, payout, body)
    key = (line.kind, line.id, line.provider, line.merchant)
    line = lines.get(key, line)
    more = dict(_NOTHING)
    paid, units = payout.paid, payout.units
    if payout.ended == "settled":  # of what was reserved a part may have been used; more is not given back either
        ended = orjson.loads(payout.ended_body)
        paid, units = ended.get("settled", paid), ended.get("units", units)
    match payout.kind:
        case "perk_used" if within(payout.on):
            more["units"] = payout.units
            more["worth"] = (body.get("worth") or 0) * payout.units
        case "fetched" if within(payout.on):
            more["fetched_units"] = payout.units
        case "redeemed" if within(payout.on):
            more |= {"units": payout.units, "paid": payout.paid, "cash": payout.cash}
        case "held":
            if payout.ended == "settled" and within(payout.ended_on):
                more |= {"units": units, "paid": paid, "cash": payout.cash}
            elif payout.on <= until and _waits(payout, until):
                more |= {"waiting_units": payout.units, "waiting": payout.paid}
    if payout.returned == "refunded" and within(payout.returned_on):
        more |= {"returned_units": units, "returned": paid, "returned_cash": payout.cash}
        if payout.kind == "perk_used":
            more["worth"] -= (body.get("worth") or 0) * payout.units
    lines[key] = replace(line, **{name: getattr(line, name) + amount for name, amount in more.items()})


def _waits(payout: Payout, on: date) -> bool:
    """Tell whether what was reserved is so at the end of a day: nothing has ended it, and it was not over by itself."""
    still = payout.ended_on is None or payout.ended_on > on
    return still and (payout.until is None or payout.until >= on)


def _line(policy: Policy, payout: Payout, body: Mapping[str, Any]) -> SettlementLine:
    """Return the empty line that something belongs to."""
    if payout.kind == "perk_used":
        perk = next((perk for perk in policy.perks if perk.clause.id == payout.offer), None)
        clause = None if perk is None else perk.clause
        label = Label() if clause is None else clause.label
        return SettlementLine("perk", payout.offer, label, clause, str(body["provider"]), payout.merchant, "")
    id = str(body["clause"]) if payout.kind == "fetched" else payout.offer
    offer = next((offer for offer in policy.offers if offer.clause.id == id), None)
    if offer is None:
        unit = str(body.get("unit", ""))
        return SettlementLine("offer", id, Label(), None, "", payout.merchant, unit)
    unit = UNITS[account_of(policy, offer).unit]
    return SettlementLine("offer", id, offer.clause.label, offer.clause, offer.provider, payout.merchant, unit)


def _supply(policy: Policy, supplied: Mapping[str, int], on: date) -> list[SupplyLine]:
    lines = []
    for offer in policy.offers:
        lacking = to_supply(offer, supplied, on)
        for one in offer.suppliers:
            has, least = supplied.get(one.provider, 0), one.at_least.on(on)
            lacks = lacking.get(one.provider, 0)
            lines.append(SupplyLine(offer.clause.id, one.provider, least, has, lacks, one.location))
    return lines
