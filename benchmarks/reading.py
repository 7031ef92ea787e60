"""What one person's balance, standing and passbook page take in ledgers of growing size; it should not grow.

python benchmarks/reading.py [POSTINGS ...]     by default 100000 1000000 10000000

A ledger of a thousand people is made by the bank, and then copied in itself under other names: what is read of one
person is real, what lies around it has the right size.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from lianxing.engine.bank.statements import statement
from lianxing.engine.ledger.opening import Ledger, open_ledger
from lianxing.engine.passbooks import Passbooks
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.facts import VolunteerId
from tests.engine.bank.counting_house import HERE, rules, take_in, write_county
from tests.plugins.smallville import served

PEOPLE = 500
RECORDS_EACH = 25
ON = date(2024, 12, 1)
ASKED = 200
OF_PASSBOOK = ("balance", "entry", "posting", "service_record", "lot", "lot_move", "floor_change", "fold_state")


def furnish(rulebook: Rulebook, ledger: Ledger) -> None:
    records = []
    for person in range(PEOPLE):
        for number in range(RECORDS_EACH):
            day = date(2024, 1, 1) + timedelta(days=number * 7 + person % 7)
            record = served(f"{person}-{number}", f"{day} 09:00", 2)
            records.append(replace(record, volunteer=VolunteerId(f"V{person:05d}")))
    take_in(rulebook, ledger, *records, on=ON)


def copied(ledger: Ledger, times: int) -> None:
    """Copy every passbook that many times under other names; the chains of the copies are not theirs."""
    with ledger._transaction(writing=True) as connection:
        run = connection.exec_driver_sql
        triggers = run("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").all()
        for name, _sql in triggers:
            run(f"DROP TRIGGER {name}")
        offset = run("SELECT max(id) FROM passbook").scalar_one()
        for copy in range(1, times + 1):
            by = copy * offset
            run(
                f"INSERT INTO passbook SELECT id + {by}, volunteer || '-{copy}', county, number, head, recorded_at, "
                f"closed_on FROM passbook WHERE id <= {offset}"
            )
            for table in OF_PASSBOOK:
                columns = [row[1] for row in run(f"PRAGMA table_info({table})")]
                chosen = ", ".join(f"passbook + {by}" if name == "passbook" else f'"{name}"' for name in columns)
                run(f"INSERT INTO {table} SELECT {chosen} FROM {table} WHERE passbook <= {offset}")
            run(
                f"INSERT INTO record_key SELECT record || '-{copy}', registry, passbook + {by}, original, content_hash "
                f"FROM record_key WHERE passbook <= {offset}"
            )
        for _name, sql in triggers:
            run(sql)


def middle(ask: Callable[[VolunteerId], Any], people: list[VolunteerId]) -> float:
    """Return the median in milliseconds of asking about each of these people."""
    times = []
    for person in people:
        began = time.perf_counter()
        ask(person)
        times.append(time.perf_counter() - began)
    return median(times) * 1_000


def main() -> None:
    sizes = [int(given) for given in sys.argv[1:]] or [100_000, 1_000_000, 10_000_000]
    print("postings      balance   standing  20 entries  statement of three months, all told (median ms)")
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            county = write_county(Path(folder) / "smallville")
            with rules(county) as rulebook, open_ledger(str(Path(folder) / "bank.db")) as ledger:
                furnish(rulebook, ledger)
                with ledger.reading() as reading:
                    each = reading.counts()["postings"]
                copied(ledger, max(0, size // each - 1))
                with ledger.reading() as reading:
                    made = reading.counts()["postings"]
                people = [VolunteerId(f"V{number * 7 % PEOPLE:05d}") for number in range(ASKED)]
                passbooks = Passbooks(ledger, rulebook)

                def balance(person: VolunteerId, ledger: Ledger = ledger) -> None:
                    with ledger.reading() as reading:
                        reading.accounts(person, HERE)

                def stands(person: VolunteerId, passbooks: Passbooks = passbooks) -> None:
                    passbooks.standing(person, ON)

                def page(person: VolunteerId, ledger: Ledger = ledger) -> None:
                    with ledger.reading() as reading:
                        reading.passbook_entries(person, HERE, limit=20)

                def told(person: VolunteerId, ledger: Ledger = ledger, rulebook: Rulebook = rulebook) -> None:
                    statement(ledger, rulebook, person, date(2024, 4, 1), date(2024, 6, 30))

                figures = [middle(ask, people) for ask in (balance, stands, page, told)]
                print(f"{made:>10,}  {figures[0]:>9.2f}  {figures[1]:>9.2f}  {figures[2]:>9.2f}  {figures[3]:>9.2f}")


if __name__ == "__main__":
    main()
