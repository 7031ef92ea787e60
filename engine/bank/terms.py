"""What is kept of an offer or a perk with what was had of it: by that it is handed over, fetched or given back once the
county offers it no more.

While it is offered, it counts as it stands. To whom something is owed is always the provider of the day on which it was
had, and it goes back to the account that paid, also where the county has that no more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from lianxing.rules.accounts import Account, Expiry, Holder, Order, Overdraft, Shortfall, Unit
from lianxing.rules.dates import BEGINNING, Dated, Since, always
from lianxing.rules.facts import FactType
from lianxing.rules.places import Clause, Label, Location, Source
from lianxing.rules.redemption import Approver, Gives, Offer, PickUp, Stock, Voucher
from lianxing.rules.tables import Cell, Table

PROVIDER = "provider"
_TERMS = "terms"


def terms_data(offer: Offer, months: int | None) -> dict[str, Any]:
    """Return what is kept of an offer, for the body of the entry; a voucher of it holds so many months."""
    terms = {
        "gives": offer.gives.value,
        "irreversible": offer.irreversible,
        "watermark": offer.watermark,
        "stock": offer.stock is not None,
        "months": months,
        "pick_up": [check.value for check in offer.pick_up],
    }
    return {PROVIDER: offer.provider, _TERMS: terms}


def gives_voucher(body: Mapping[str, Any]) -> bool:
    """Tell whether a voucher was had, of which it is known who took it."""
    terms: Mapping[str, Any] = body.get(_TERMS, {})
    return terms.get("gives") == Gives.VOUCHER.value


def takes_from_stock(body: Mapping[str, Any]) -> bool:
    """Tell whether what was had was taken from a stock."""
    terms: Mapping[str, Any] = body.get(_TERMS, {})
    return bool(terms.get("stock"))


def offer_from(body: Mapping[str, Any]) -> Offer | None:
    """Return the offer as it was when something was had of it; None where the entry does not keep it."""
    terms = body.get(_TERMS)
    if terms is None:
        return None
    at = place_from(body["at"])
    price = Cell(Dated((Since(BEGINNING, Fraction(body["price"]), at),)), at)
    by = body.get("awaits")
    return Offer(
        clause=Clause(str(body["clause"]), at, Source(clause=str(body["cites"]))),
        account=str(body["account"]),
        price=Table((), {(): price}, at),
        price_type=FactType.POINTS if body["unit"] == "points" else FactType.DURATION,
        gives=Gives(terms["gives"]),
        when=None,
        opens=None,
        per_person=None,
        stock=Stock(always(0, at), at) if terms["stock"] else None,
        irreversible=terms["irreversible"],
        provider=str(body[PROVIDER]),
        voucher=None if terms["months"] is None else Voucher(always(terms["months"], at), at),
        pick_up=tuple(map(PickUp, terms["pick_up"])),
        watermark=terms["watermark"],
        approver=None if by is None else Approver(str(by), None, at),
    )


def perk_from(body: Mapping[str, Any]) -> Clause | None:
    """Return the perk of which an entry is a use, as it was then; None of any other entry."""
    id = body.get("asked", {}).get("perk")
    return None if id is None else clause_from(id, body)


def account_gone(county: Clause, id: str, unit: str) -> Account:
    """Return an account that the county has no more: nothing comes in, and what is open of it ends.

    Its deposits have the days that they got; nothing else of its rules is asked any more.
    """
    return Account(
        clause=replace(county, id=id, label=Label()),
        holder=Holder.PERSON,
        unit=Unit.POINTS if unit == "points" else Unit.HOURS,
        earned_from="nothing",
        when=None,
        spent_on=(),
        expires=Expiry.NEVER,
        spends_first=Order.OLDEST,
        storage=None,
        overdraft=Overdraft.NONE,
        transfer=(),
        shortfall=Shortfall.DEBT,
    )


def clause_from(id: str, said: Mapping[str, Any]) -> Clause:
    """Return a clause as a kept policy has it."""
    label = Label(str(said.get("zh", "")), str(said.get("en", "")))
    return Clause(id, place_from(str(said["at"])), Source(clause=str(said.get("cites", ""))), label)


def place_from(text: str) -> Location:
    """Return the place that is written as `path:line:column`."""
    path, line, column = text.rsplit(":", 2)
    return Location(path, int(line), int(column))
