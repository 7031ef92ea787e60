"""A small county with a bank, for the tests: points for goods, hours for service in return."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from lianxing.engine.bank.tellers import Teller
from lianxing.engine.compiling import find_folder, load_policy
from lianxing.engine.ledger.opening import Ledger
from lianxing.engine.matchers import matcher_factory
from lianxing.engine.rulebook import Rulebook
from lianxing.plugins.host import Host
from lianxing.plugins.intake import Intake
from lianxing.plugins.reporting import Report
from lianxing.rules.facts import CountyId, VolunteerId
from lianxing.rules.records import ServiceRecord, Volunteer, Withdrawn
from tests.plugins.smallville import COUNTY as SMALLVILLE
from tests.plugins.smallville import Registry

HERE = CountyId("smallville")
ANN, BEN = VolunteerId("V1"), VolunteerId("V2")
DAY = date(2024, 6, 1)

ACCOUNTS = """
points:
  holder: person
  unit: points
  earned_from: points
  spent_on: [goods, donation]
  expires: {valid: 12 months}
  spends_first: soonest_to_expire
  storage: unlimited
  overdraft: none
  transfer: {to_whom: [friend, pool]}
  shortfall: debt
  holds: 3 days
  closure: {death: inherited, moving: portable, leaving: lost}
time:
  holder: person
  unit: hours
  earned_from: hours
  spent_on: [service]
  expires: never
  spends_first: oldest
  storage: {at_most: 10 hours, overflow: donation_pool}
  overdraft: none
  transfer: none
  shortfall: clamp
  issue: [{amount: 1 hour, per: calendar_year, provider: the fund}]
  closure: {death: inherited, moving: portable, leaving: lost}
"""
OFFERS = """
soap:
  account: points
  price: 1 points
  gives: goods
  opens: always
  per_person: unlimited
  stock: 3
  irreversible: no
  provider: the shop
rice:
  account: points
  price: 2 points
  gives: voucher
  voucher: {valid: 12 months}
  opens: always
  per_person: {at_most: 2, per: calendar_year}
  stock: unlimited
  irreversible: yes
  provider: the shop
visit:
  account: time
  price: 1 hour
  gives: service
  opens: always
  per_person: unlimited
  stock: unlimited
  irreversible: no
  provider: the office
"""
PERKS = """
bath: {stars: {at_least: 0}, pays: 0 %, uses: {at_most: 1, per: calendar_year}, provider: the town}
"""


def write_county(folder: Path, **chapters: str) -> Path:
    """Write the county's chapters, some of them changed: `accounts="..."`."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {**SMALLVILLE, "accounts.yaml": ACCOUNTS, "redemption.yaml": OFFERS}
    texts |= {f"{name}.yaml": text for name, text in chapters.items()}
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
    return folder


@contextmanager
def rules(folder: Path) -> Iterator[Rulebook]:
    shelf = Host(installed=False).shelf()
    with Rulebook(load_policy(find_folder(str(folder), shelf), shelf), matcher_factory("plain")) as made:
        yield made


def take_in(
    rulebook: Rulebook,
    ledger: Ledger,
    *records: ServiceRecord | Withdrawn,
    volunteers: tuple[Volunteer, ...] = (),
    on: date = DAY,
) -> Report:
    host = Host(installed=False)
    host.register(Registry(*records, volunteers=volunteers), "test")
    return Intake(host, rulebook, ledger, "test", on, lambda _row: None).run()


def teller(rulebook: Rulebook, ledger: Ledger) -> Teller:
    return Teller(ledger, rulebook)
