"""What a change of a wallet is in the ledger: postings, lots, and what the wallet is besides them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

import orjson

from lianxing.engine.covers import Cover, covers_data, covers_of
from lianxing.engine.ledger.drafts import Line, LotLine, NewLot, WalletRow
from lianxing.engine.turning import Passed, Turned, turned_data, turned_of
from lianxing.engine.wallet import AVAILABLE, DEBT, HELD, OWED, PERSONAL, Done, StarPoints, Unstored, Wallet
from lianxing.rules.accounts import Account, Unit
from lianxing.rules.places import Clause
from lianxing.rules.statements import USES

UNITS = {Unit.POINTS: "points", Unit.HOURS: "seconds"}
# What is available or held is never below zero; what is owed is.
_FLOORS: dict[str, int | None] = {AVAILABLE: 0, HELD: 0, DEBT: None}
LOTS_OF_ENTRY_MAX = 10_000

UNSTORED = "unstored"  # in the body of an entry: what accounts have not taken in of its record, or of what arrived
WORTH = "worth"  # in the body of an entry: what its record is worth to accounts for which that rests on more than it
PERK_USES = "perk_uses"  # the other side of the accounts `uses/<perk>` of people

_COVERS = "covered by"  # in `issued` of a wallet; with a blank, which no id of a change of rules has
_LOANS = "lent by"


class Besides(NamedTuple):
    """What a wallet is besides its lots and balances; of its grants, how many."""

    drawn: int
    loans: tuple[tuple[str, int], ...]
    rest: int
    issued: int
    turned: tuple[tuple[str, Turned], ...]
    stars: tuple[tuple[int, StarPoints], ...]
    covers: tuple[Cover, ...]


@dataclass(slots=True)
class Effects:
    """What one entry does to the accounts of a person."""

    lines: list[Line] = field(default_factory=list)
    lots: list[LotLine] = field(default_factory=list)
    opened: list[NewLot] = field(default_factory=list)
    ended: list[tuple[str, int]] = field(default_factory=list)
    floors: list[tuple[str, str, int | None]] = field(default_factory=list)
    wallets: list[WalletRow] = field(default_factory=list)
    lent: dict[tuple[str, Unit], int] = field(default_factory=dict)  # by pool and unit; below zero it gets it back
    passed: list[tuple[Account, Passed]] = field(default_factory=list)  # what came late through changes of rules
    over: list[tuple[Account, int]] = field(default_factory=list)  # what was more than is stored

    def add(self, wallet: Wallet, done: Done, before: Besides) -> None:
        """Add what a change has done to a wallet; `before` is what `besides` said of it before."""
        if not (done.lines or done.lot_moves or done.opened or done.ended) and besides(wallet) == before:
            return
        account = wallet.account
        id, unit = account.clause.id, UNITS[account.unit]
        for line in done.lines:
            own = line.account in PERSONAL
            name = account_name(id, line.account) if own else line.account
            self.lines.append(Line(name, unit, line.amount, own))
        for lot in done.opened:
            self.opened.append(NewLot(id, lot.number, lot.earned_on, lot.last_day, lot.source, lot.original))
            self.lots.append(LotLine(id, lot.number, lot.original))
        self.lots += [LotLine(id, move.lot, move.amount) for move in done.lot_moves if move.lot != OWED]
        self.ended += [(id, lot) for lot in done.ended]
        for line in done.lines:
            if line.account in _FLOORS:
                self.floors.append((account_name(id, line.account), unit, _FLOORS[line.account]))
        for pool, amount in done.lent:
            self.lent[pool, account.unit] = self.lent.get((pool, account.unit), 0) + amount
        self.passed += [(account, passed) for passed in done.passed]
        if done.over > 0:
            self.over.append((account, done.over))
        if besides(wallet) != before or wallet.unsaid:
            _say_turned(wallet)
            self.wallets.append(WalletRow(id, wallet.drawn, wallet.rest, _noted_text(wallet)))

    def use(self, perk: str, units: int) -> None:
        """Count uses of a perk; below zero they are given back."""
        name = account_name(USES, perk)
        self.lines += (Line(name, USES, units), Line(PERK_USES, USES, -units, own=False))
        self.floors.append((name, USES, 0))

    def redirect(self, counterpart: str, unit: str, where: str) -> int:
        """Let what went to a counterpart go somewhere else; return how much it is."""
        found = [line for line in self.lines if line.account == counterpart and line.unit == unit and not line.own]
        amount = sum(line.amount for line in found)
        if amount:
            self.lines = [line for line in self.lines if line not in found] + [Line(where, unit, amount, own=False)]
        return amount


def _say_turned(wallet: Wallet) -> None:
    """Let the changes of rules that are written down with an entry have reached the wallet by this one."""
    for id in wallet.unsaid:
        wallet.turned[id] = wallet.turned[id]._replace(entry=wallet.next_lot // LOTS_OF_ENTRY_MAX)
    wallet.unsaid.clear()


def account_name(account: str, part: str) -> str:
    """Return what the ledger calls a part of an account: `wallet`, `wallet/held`, `wallet/debt`."""
    return f"{account}/{part}" if part else account


def besides(wallet: Wallet) -> Besides:
    """Return what a wallet is besides its lots and balances."""
    return Besides(
        wallet.drawn,
        tuple(wallet.loans.items()) if wallet.loans else (),
        wallet.rest,
        len(wallet.issued),
        tuple(wallet.turned.items()) if wallet.turned else (),
        tuple(wallet.stars.items()) if wallet.stars else (),
        tuple(wallet.covers) if wallet.covers else (),
    )


class Noted(NamedTuple):
    """What is noted of a wallet: grants, changes of rules that have reached it, points of stars, what covers, loans.

    `loans` is None where that was not noted: what is drawn is then owed to whom the account borrows from.
    """

    issued: list[tuple[int, date]]
    turned: dict[str, Turned]
    stars: dict[int, StarPoints]
    covers: list[Cover]
    loans: dict[str, int] | None


def _noted_text(wallet: Wallet) -> str:
    """Return as JSON the grants that were given, and with them whatever else is to be noted of a wallet."""
    issued: Any = [[index, day.isoformat()] for index, day in wallet.issued]
    if wallet.turned or wallet.stars or wallet.covers or wallet.drawn:
        issued = {"issued": issued, "turned": turned_data(wallet.turned)}
    if wallet.stars:
        stars = sorted(wallet.stars.items())
        issued["stars"] = [[star, one.points, one.on.isoformat(), *one.unstored] for star, one in stars]
    if wallet.covers:
        issued[_COVERS] = covers_data(wallet.covers)
    if wallet.drawn:
        issued[_LOANS] = wallet.loans
    return orjson.dumps(issued).decode()


def noted_in(text: str) -> Noted:
    """Return what is noted of a wallet."""
    said = orjson.loads(text)
    said = said if isinstance(said, dict) else {"issued": said, "turned": {}}
    issued = [(index, date.fromisoformat(day)) for index, day in said["issued"]]
    stars = {
        star: StarPoints(points, date.fromisoformat(on), Unstored.of(*unstored))
        for star, points, on, *unstored in said.get("stars", ())
    }
    return Noted(issued, turned_of(said["turned"]), stars, covers_of(said.get(_COVERS, ())), said.get(_LOANS))


def clause_data(clause: Clause) -> dict[str, str]:
    """Return which clause decided, and where it stands."""
    return {"clause": clause.id, "at": str(clause.location), "cites": clause.source.clause}


def passed_data(effects: Effects) -> dict[str, Any]:
    """Return, for the body of an entry, what changes of rules left of what came late; empty where nothing did."""
    said = [
        {
            **clause_data(passed.change.clause),
            "account": account.clause.id,
            "unit": UNITS[account.unit],
            "came": passed.came,
            "went": passed.went,
        }
        for account, passed in effects.passed
    ]
    return {"transitions": said} if said else {}


def outside_data(account: Account, said: Unstored) -> list[dict[str, Any]]:
    """Return what an account has not taken in, where that went, and by which clause: of each place by itself."""
    to = "" if account.storage is None else account.storage.overflow.value
    (first, amount), *others = said.over or ((to, 0),)
    where = {"account": account.clause.id, "unit": UNITS[account.unit], **clause_data(account.clause)}
    found = [{**where, "rest": said.rest, "over": amount, "off": said.off, "to": first or to}]
    return found + [{**where, "rest": 0, "over": more, "off": 0, "to": place or to} for place, more in others]


def outside_in(said: Iterable[Mapping[str, Any]], account: str) -> Unstored:
    """Return what an account has not taken in, as `outside_data` has written it down."""
    mine = [one for one in said if one["account"] == account]
    over = [(one["to"], one["over"]) for one in mine]
    return Unstored.of(sum(one["rest"] for one in mine), over, sum(one["off"] for one in mine))


def told_data(effects: Effects) -> dict[str, Any]:
    """Return, for the body of an entry without a record, what became of amounts on their way into accounts."""
    over = [
        one
        for account, amount in effects.over
        if account.storage is not None
        for one in outside_data(account, Unstored().overflown(account.storage.overflow.value, amount))
    ]
    return {**passed_data(effects), **({UNSTORED: over} if over else {})}


def first_lot(entry: int) -> int:
    """Return the number of the first lot that an entry may open: above that of every lot before it."""
    return entry * LOTS_OF_ENTRY_MAX
