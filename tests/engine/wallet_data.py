"""A wallet as plain data, and what cannot be in one, whatever has happened to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from lianxing.engine.covers import covers_data, covers_of
from lianxing.engine.turning import turned_data, turned_of
from lianxing.engine.wallet import OWED, Hold, Lot, Unstored, Wallet, unit_of
from lianxing.rules.accounts import Account, Floor, Overdraft


def wallet_problems(wallet: Wallet) -> list[str]:
    """Return what cannot be in a wallet, whatever has happened to it."""
    said: list[str] = []
    held: dict[int, int] = {}
    for hold in wallet.holds.values():
        if hold.amount <= 0 or sum(part for _lot, part in hold.lots) != hold.amount:
            said.append(f"hold {hold.number}: its lots are not its {hold.amount}")
        for number, part in hold.lots:
            held[number] = held.get(number, 0) + part
            if number != OWED and number not in wallet.lots:
                said.append(f"hold {hold.number}: there is no lot {number}")
    for lot in wallet.lots.values():
        if lot.remaining < 0:
            said.append(f"lot {lot.number}: {lot.remaining} is left")
        if lot.remaining + held.get(lot.number, 0) + lot.expired > lot.original:
            said.append(f"lot {lot.number}: more than its {lot.original} is there, held or ended")
        if not OWED < lot.number < wallet.next_lot:
            said.append(f"lot {lot.number}: the next one is {wallet.next_lot}")
    if not 0 <= wallet.drawn <= wallet.debt:
        said.append(f"{wallet.drawn} is drawn of {wallet.debt} that is owed")
    if sum(wallet.loans.values()) > wallet.drawn or any(lent <= 0 for lent in wallet.loans.values()):
        said.append(f"{wallet.loans} was lent of {wallet.drawn} that is drawn")
    covered = sum(cover.amount for cover in wallet.covers if cover.by is None)
    if covered and covered > wallet.debt - wallet.drawn:
        said.append(f"{covered} is owed for what was taken back, more than {wallet.debt} less {wallet.drawn}")
    if any(cover.amount <= 0 for cover in wallet.covers):
        said.append("something covers for nothing")
    most = _most_drawn(wallet.account)
    if most is not None and wallet.drawn > most:
        said.append(f"{wallet.drawn} is drawn, more than {most}")
    if not 0 <= wallet.rest < unit_of(wallet.account):
        said.append(f"{wallet.rest} waits for more")
    return said


def _most_drawn(account: Account) -> int | None:
    match account.overdraft:
        case Floor(least=least):
            return -min(entry.value for entry in least.entries)
        case Overdraft.NONE:
            return 0
        case _:
            return None


def wallet_data(wallet: Wallet) -> dict[str, Any]:
    """Return a wallet as plain data, without its account."""
    return {
        "lots": [
            [lot.number, str(lot.earned_on), str(lot.last_day), lot.original, lot.remaining, lot.source, lot.expired]
            for lot in wallet.lots.values()
        ],
        "holds": [
            [hold.number, hold.amount, str(hold.until), [list(part) for part in hold.lots]]
            for hold in wallet.holds.values()
        ],
        "debt": wallet.debt,
        "drawn": wallet.drawn,
        "loans": dict(wallet.loans),
        "rest": wallet.rest,
        "next_lot": wallet.next_lot,
        "issued": [[index, str(day)] for index, day in wallet.issued],
        "turned": turned_data(wallet.turned),
        "unstored": {source: list(said) for source, said in wallet.unstored.items() if any(said)},
        "covers": covers_data(wallet.covers),
    }


def wallet_of(account: Account, data: Mapping[str, Any]) -> Wallet:
    """Return the wallet that `wallet_data` has written down."""
    day = date.fromisoformat
    return Wallet(
        account,
        lots={n: Lot(n, day(earned), day(last), *rest) for n, earned, last, *rest in data["lots"]},
        holds={
            n: Hold(n, amount, day(until), tuple((lot, part) for lot, part in lots))
            for n, amount, until, lots in data["holds"]
        },
        debt=data["debt"],
        drawn=data["drawn"],
        loans=dict(data["loans"]),
        rest=data["rest"],
        next_lot=data["next_lot"],
        issued=[(index, day(on)) for index, on in data["issued"]],
        turned=turned_of(data["turned"]),
        unstored={source: Unstored.of(*said) for source, said in data["unstored"].items()},
        covers=covers_of(data["covers"]),
    )
