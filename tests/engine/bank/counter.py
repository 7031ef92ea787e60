"""The counter of a small bank, for tests: somebody has four points, and asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from lianxing import ServiceRecord
from lianxing.engine.bank.tellers import Answer, Teller
from lianxing.engine.ledger.opening import Ledger, now, open_ledger
from lianxing.engine.ledger.verifying import verify
from lianxing.engine.rulebook import Rulebook
from lianxing.plugins.reporting import Report
from lianxing.rules.commands import Command
from lianxing.rules.facts import VolunteerId
from lianxing.rules.records import Volunteer, Withdrawn
from tests.engine.bank.counting_house import ANN, BEN, DAY, HERE, rules, take_in, write_county
from tests.plugins.smallville import served


class Counter:
    """The counter of a small bank in which Ann has four points."""

    def __init__(self, rulebook: Rulebook, ledger: Ledger) -> None:
        self.rulebook, self.ledger, self.keys = rulebook, ledger, 0
        self.teller = Teller(ledger, rulebook)

    def command(self, kind: type[Command], on: date = DAY, **how: Any) -> Command:
        self.keys += 1
        said = {"volunteer": ANN, "county": HERE, "scope": "counter", "key": str(self.keys)} | how
        return kind(on=on, **said)

    def ask(self, kind: type[Command], on: date = DAY, **how: Any) -> Answer:
        return self.teller.serve(self.command(kind, on, **how))

    def take(self, *records: ServiceRecord | Withdrawn, on: date = DAY) -> Report:
        return take_in(self.rulebook, self.ledger, *records, on=on)

    def kinds(self, who: VolunteerId = ANN) -> list[str]:
        """What stands in a passbook."""
        with self.ledger.reading() as reading:
            return [one.entry.kind for one in reading.passbook_entries(who, HERE)]

    def has(self, who: VolunteerId = ANN) -> dict[str, int]:
        """What is in each part of the account of points."""
        with self.ledger.reading() as reading:
            return {
                account: posted
                for (account, unit), posted in reading.accounts(who, HERE).items()
                if unit == "points" and account != "earned" and posted
            }


@contextmanager
def bank(folder: Path, address: str = "", clock: Callable[[], int] = now, **chapters: str) -> Iterator[Counter]:
    with (
        rules(write_county(folder / "smallville", **chapters)) as rulebook,
        open_ledger(address or str(folder / "county.db"), clock=clock) as ledger,
    ):
        for day in ("2023-12-30", "2024-01-10"):
            known = (Volunteer(ANN), Volunteer(BEN))
            take_in(rulebook, ledger, served(day, f"{day} 09:00", 2), volunteers=known, on=date.fromisoformat(day))
        yield Counter(rulebook, ledger)
        assert verify(ledger) == []


def codes(answer: Answer) -> list[str]:
    return [reason["code"] for reason in answer.data.get("reasons", ())]
