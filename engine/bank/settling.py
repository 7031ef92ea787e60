"""What merchants and suppliers are owed for a period, from what was handed over, given back and fetched in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import orjson

from lianxing.engine.bank.booking import UNITS
from lianxing.engine.bank.terms import PROVIDER, clause_from, gives_voucher
from lianxing.engine.ledger.opening import Ledger
from lianxing.engine.ledger.payouts import Payout
from lianxing.engine.ledger.reading import Reading
from lianxing.engine.redemption import account_of, to_supply
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.places import Clause, Label
from lianxing.rules.policy import Policy
from lianxing.rules.settlements import Settlement, SettlementLine, SupplyLine

_Key = tuple[str, str, str, str, str]  # kind, offer or perk, provider, merchant, unit


def settlement(
    ledger: Ledger, rulebook: Rulebook, since: date, until: date, supplied: Mapping[str, int] | None = None
) -> Settlement:
    """Return the settlement of a period; `supplied` is what each supplier has supplied, in hundredths of a yuan."""
    policy = rulebook.policy
    lines: dict[_Key, SettlementLine] = {}
    with ledger.reading() as reading:
        kept = Kept(reading)
        for payout in reading.payouts(policy.county.id, since, until):
            _add(policy, kept, lines, payout, since, until)
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
_RETURNED = {"units": "returned_units", "paid": "returned", "cash": "returned_cash"}
_NOTHING: dict[str, Any] = dict.fromkeys(_AMOUNTS, 0)


def _add(
    policy: Policy, kept: Kept, lines: dict[_Key, SettlementLine], payout: Payout, since: date, until: date
) -> None:
    def within(day: date | None) -> bool:
        return day is not None and since <= day <= until

    body = orjson.loads(payout.body)
    line = _line(policy, kept, payout, body)
    key = (line.kind, line.id, line.provider, line.merchant, line.unit)
    line = lines.get(key, line)
    more = dict(_NOTHING)
    paid, units = payout.paid, payout.units
    if payout.ended == "settled":  # of what was reserved a part may have been used; more is not given back either
        ended = orjson.loads(payout.ended_body)
        paid, units = ended.get("settled", paid), ended.get("units", units)
    voucher = gives_voucher(body)  # its units are handed over, and owed, where and when it is fetched
    handed: dict[str, int] = {"cash": payout.cash} | ({} if voucher else {"units": units, "paid": paid})
    match payout.kind:
        case "perk_used" if within(payout.on):
            more["units"] = payout.units
            more["worth"] = (body.get("worth") or 0) * payout.units
        case "fetched" if within(payout.on):
            more["fetched_units"] = payout.units
            more |= {"units": payout.units, "paid": body["paid"]} if "paid" in body else {}
        case "redeemed" if within(payout.on):
            more |= handed
        case "held":
            if payout.ended == "settled" and within(payout.ended_on):
                more |= handed
            elif payout.on <= until and _waits(payout, until):
                more |= {"waiting_units": payout.units, "waiting": payout.paid}
    if payout.returned == "refunded" and within(payout.returned_on):
        more |= {_RETURNED[name]: amount for name, amount in handed.items()}
        if payout.kind == "perk_used":
            more["worth"] -= (body.get("worth") or 0) * payout.units
    lines[key] = replace(line, **{name: getattr(line, name) + amount for name, amount in more.items()})


def _waits(payout: Payout, on: date) -> bool:
    """Tell whether what was reserved is so at the end of a day: nothing has ended it, and it was not over by itself."""
    still = payout.ended_on is None or payout.ended_on > on
    return still and (payout.until is None or payout.until >= on)


def _line(policy: Policy, kept: Kept, payout: Payout, body: Mapping[str, Any]) -> SettlementLine:
    """Return the empty line that something belongs to: it is owed to the provider of the day on which it was had."""
    perk = payout.kind == "perk_used"
    id = str(body["clause"]) if payout.kind == "fetched" else payout.offer
    clauses = (one.clause for one in (policy.perks if perk else policy.offers))
    clause = next((one for one in clauses if one.id == id), None) or kept.clause(payout.digest, id)
    label = Label() if clause is None else clause.label
    if perk:
        return SettlementLine("perk", id, label, clause, str(body[PROVIDER]), payout.merchant, "")
    offer = next((offer for offer in policy.offers if offer.clause.id == id), None)
    provider, unit = body.get(PROVIDER), body.get("unit")
    if offer is not None:  # what version 3 and before did not keep is as the offer stands
        provider = offer.provider if provider is None else provider
        unit = UNITS[account_of(policy, offer).unit] if unit is None else unit
    return SettlementLine("offer", id, label, clause, str(provider or ""), payout.merchant, str(unit or ""))


class Kept:
    """The clauses of policies that the ledger keeps, for what the county offers no more."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._clauses: dict[str, Mapping[str, Any]] = {}

    def clause(self, digest: str, id: str) -> Clause | None:
        """Return a clause of a policy; None where it is not known."""
        found = self._clauses.get(digest)
        if found is None:
            kept = self._reading.policy(digest)
            found = self._clauses[digest] = {} if kept is None else orjson.loads(kept.content)["clauses"]
        return clause_from(id, found[id]) if id in found else None


def _supply(policy: Policy, supplied: Mapping[str, int], on: date) -> list[SupplyLine]:
    lines = []
    for offer in policy.offers:
        lacking = to_supply(offer, supplied, on)
        for one in offer.suppliers:
            has, least = supplied.get(one.provider, 0), one.at_least.on(on)
            lacks = lacking.get(one.provider, 0)
            lines.append(SupplyLine(offer.clause.id, one.provider, least, has, lacks, one.location))
    return lines
