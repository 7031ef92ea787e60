"""The desk: a command is served, and plugins that hand over goods are asked and told.

What is reserved is settled as soon as a plugin has handed it over; without such a plugin it waits for `settle`. A
plugin that fails leaves the reservation as it is: asked again with the same key, the plugin is asked again. Once there
is a receipt the goods are gone, and what was reserved is settled, however little of the receipt can be kept. What an
approver has to decide on is handed over once it is approved.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date

import orjson

from lianxing.engine.bank.fields import CONTROL
from lianxing.engine.bank.requests import check_day
from lianxing.engine.bank.tellers import Answer, Teller
from lianxing.engine.ledger.drafts import REFUSED
from lianxing.engine.ledger.opening import Ledger
from lianxing.engine.rulebook import Rulebook
from lianxing.plugins.host import Host, PluginError, gives
from lianxing.rules.commands import KEY_CHARACTERS_MAX, Approve, Command, Redeem, Settle
from lianxing.rules.receipts import Receipt, Redemption

SCOPE = "lianxing/fulfilment"
_ODD = (
    f"给的凭据不是 {KEY_CHARACTERS_MAX} 字以内的普通文字；仍已结清",
    f"gives a receipt that is no plain text of at most {KEY_CHARACTERS_MAX} characters; it was settled all the same",
)


@dataclass(frozen=True, slots=True)
class Served:
    """The answer to a command; the receipt and the settling where a plugin handed it over at once, or had before.

    `fault` is what is wrong with the plugin that should have: what was reserved is reserved unless it is `settled`.
    """

    answer: Answer
    receipt: Receipt | None = None
    settled: Answer | None = None
    fault: PluginError | None = None


class Desk:
    """Serves the commands of one county, with the plugins of a host."""

    def __init__(self, host: Host, ledger: Ledger, rulebook: Rulebook) -> None:
        self._host = host
        self._ledger = ledger
        self._rulebook = rulebook
        self._teller = Teller(ledger, rulebook)

    def rehearse(self, command: Command) -> Answer:
        """Tell what would become of a command; nothing is written and no plugin is asked."""
        return self._teller.rehearse(command)

    def serve(self, command: Command) -> Served:
        """Answer one command, as `Teller.serve` does, and let plugins hand over what was redeemed.

        NotYetError where its day has not come yet by the clock of the ledger.
        """
        check_day(command.on, self._ledger.now(), self._rulebook.policy)
        answer = self._teller.serve(command)
        if not answer.accepted:
            return Served(answer)
        if isinstance(command, Redeem):
            waits = bool(answer.data.get("awaits"))
            return Served(answer) if waits else self._redeemed(command, answer, _redemption(command, answer))
        earlier = self._earlier(command) if isinstance(command, Approve | Settle) else None
        if isinstance(command, Approve) and earlier is not None:
            return self._redeemed(command, answer, earlier)
        if isinstance(command, Settle) and earlier is not None and not answer.replayed:
            self._host.tell("redemption_settled", redemption=earlier, receipt=None)
        return Served(answer)

    def _redeemed(self, command: Redeem | Approve, answer: Answer, redemption: Redemption) -> Served:
        if redemption.held_until is None:
            if not answer.replayed:
                self._host.tell("redemption_settled", redemption=redemption, receipt=None)
            return Served(answer)
        key = hashlib.sha256(orjson.dumps([command.scope, command.key])).hexdigest()
        if self._ended(redemption):  # it was handed over, settled or given back meanwhile
            return self._handed_over(answer, key)
        try:
            fulfilled = self._fulfilled(redemption)
        except PluginError as fault:
            return Served(answer, fault=fault)
        if fulfilled is None:
            return Served(answer)
        name, given = fulfilled
        receipt = Receipt(_kept(given.number))  # whatever it is, the goods are gone: they are paid for
        odd = None if receipt.number == given.number else PluginError(name, *_ODD)
        settled = self._teller.serve(
            Settle(
                volunteer=command.volunteer,
                county=command.county,
                on=command.on,
                scope=SCOPE,
                key=key,
                actor=_kept(name),
                reason=receipt.number,
                entry=redemption.entry,
            )
        )
        if not settled.accepted:  # somebody was faster: what was handed over is not paid for
            late = PluginError(
                name,
                f"给了凭据 {receipt.number}，而预留已不在",
                f"gave receipt {receipt.number}, but the reservation was there no longer",
            )
            return Served(answer, receipt, fault=late)
        if not settled.replayed:
            self._host.tell("redemption_settled", redemption=redemption, receipt=receipt)
        return Served(answer, receipt, settled, odd)

    def _handed_over(self, answer: Answer, key: str) -> Served:
        """Return what a plugin had given when it was asked, where one did."""
        with self._ledger.reading() as reading:
            known = reading.commands([(SCOPE, key)]).get((SCOPE, key))
        if known is None or known.kind == REFUSED:
            return Served(answer)
        settled = Answer(known.entry, True, known.body, replayed=True)
        return Served(answer, Receipt(settled.data["asked"]["reason"]), settled)

    def _fulfilled(self, redemption: Redemption) -> tuple[str, Receipt] | None:
        """Return the first receipt, with the name of its plugin; None where nobody hands it over."""
        for name, receipt in self._host.ask("fulfil_redemption", redemption=redemption):
            if not isinstance(receipt, Receipt):
                raise gives(name, "fulfil_redemption", receipt, "a Receipt")
            return name, receipt
        return None

    def _ended(self, redemption: Redemption) -> bool:
        owner = (redemption.volunteer, self._rulebook.policy.county.id)
        with self._ledger.reading() as reading:
            return all(hold.entry != redemption.entry for hold in reading.wallet_rows([owner])[owner].holds)

    def _earlier(self, command: Settle | Approve) -> Redemption | None:
        """Return the redemption that was settled or approved; None where nothing of an offer was reserved."""
        with self._ledger.reading() as reading:
            owner = command.volunteer, command.county
            body, on = reading.body_of(owner, command.entry), reading.day_of(owner, command.entry)
        said = orjson.loads(body)
        if "price" not in said:
            return None
        asked = said["asked"]
        redeemed = Redeem(
            volunteer=command.volunteer,
            county=command.county,
            on=on,
            scope=command.scope,
            key=command.key,
            offer=asked["offer"],
            units=asked["units"],
            merchant=asked["merchant"],
        )
        return _redemption(redeemed, Answer(command.entry, True, body))


def _kept(number: object) -> str:
    r"""Return a receipt's number as an entry can keep it.

    >>> _kept("R-1\n"), _kept("x" * 300) == "x" * 200, _kept(5)
    ('R-1', True, '')
    """
    text = CONTROL.sub(" ", number) if type(number) is str else ""
    return text.strip()[:KEY_CHARACTERS_MAX]


def _redemption(command: Redeem, answer: Answer) -> Redemption:
    body = answer.data
    until = body.get("held_until")
    return Redemption(
        volunteer=command.volunteer,
        county=command.county,
        entry=answer.entry,
        on=command.on,
        offer=command.offer,
        units=command.units,
        merchant=command.merchant,
        account=body["account"],
        unit=body["unit"],
        price=body["price"],
        cash=body["cash"],
        held_until=None if until is None else date.fromisoformat(until),
        key=f"{command.county}/{command.volunteer}/{answer.entry}",
    )
