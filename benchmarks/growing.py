"""What one more record costs somebody with ten records, and somebody with ten thousand: microseconds, and their ratio.

    python benchmarks/growing.py

The policy is You County's. The records are made here, two a day, every day; the last of them goes in from the bytes
that the ones before it left: thaw the fold and the life, assess, explain, count, freeze both, and ask where the person
stands. Next to it the same from the beginning.

Then the same through the ledger, in a file, to the commit: one record in order, and one that comes late by 20, 200 and
2,000 records and before all others; of these the cost is shown by the record that the person has.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from functools import partial

import orjson

from lianxing.engine.compiling import find_folder, load_policy
from lianxing.engine.counting import Fold, Supplied, assess, counted
from lianxing.engine.explaining import body_of
from lianxing.engine.ledger.opening import open_ledger
from lianxing.engine.life import Life
from lianxing.engine.matchers import matcher_factory
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.standings import standing, standing_after
from lianxing.plugins.cli.commands.demo import COUNTY
from lianxing.plugins.host import Host
from lianxing.plugins.intake import Intake
from lianxing.rules.facts import RecordId, RegistryId, VolunteerId
from lianxing.rules.policy import Policy
from lianxing.rules.records import ServiceRecord, Volunteer

HISTORIES = (10, 10_000)
ROUNDS = 300
FIRST_DAY = date(2018, 1, 1)
ON = date(2032, 1, 1)
EPOCH = date(1970, 1, 1)
PERSON = Volunteer(VolunteerId("V1"), FIRST_DAY, date(1960, 1, 1))
CATEGORIES = ("community_service", "elderly_care", "traffic", "training")
RATIO_MAX = 1.5
LATE_BY = (20, 200, 2_000, 10_000)
LATE_MAX = 10  # microseconds


def record_of(policy: Policy, number: int, a_day: int = 2) -> ServiceRecord:
    """Return the record of this number: two hours in the morning or the afternoon."""
    days, turn = divmod(number, a_day)
    day = FIRST_DAY + timedelta(days=days)
    start = (day - EPOCH).days * 86_400 + (1 + 4 * turn) * 3600
    return ServiceRecord(
        id=RecordId(f"R{number}"),
        registry=RegistryId("made"),
        volunteer=PERSON.id,
        county=policy.county.id,
        started_at=start,
        ended_at=start + 2 * 3600,
        day=day,
        seconds=2 * 3600,
        activity=f"A{number % 40}",
        facts={
            "state": "filed",
            "category": CATEGORIES[number % len(CATEGORIES)],
            "evaluation": "优" if number % 3 else "良",
            "recipient_file": f"F{number % 25}",
            "recipient_group": "empty_nest",
        },
    )


def microseconds(work: Callable[[], object], rounds: int) -> float:
    """Return the median time of some work."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter_ns()
        work()
        times.append(time.perf_counter_ns() - started)
    return statistics.median(times) / 1000


def main() -> None:
    shelf = Host(installed=False).shelf()
    policy = load_policy(find_folder(COUNTY, shelf), shelf)
    costs: dict[str, list[float]] = {}
    with Rulebook(policy, matcher_factory("plain")) as rulebook:
        rulebook.warm()
        for length in HISTORIES:
            history: list[tuple[ServiceRecord, Supplied]] = [(record_of(policy, n), {}) for n in range(length)]
            found = measured(rulebook, history, record_of(policy, length))
            for name, cost in found.items():
                costs.setdefault(name, []).append(cost)
    print(f"{policy.county.id}: one more record after {' and '.join(f'{length:,}' for length in HISTORIES)}")
    for name, (short, long) in costs.items():
        print(f"  {name:24s} {short:12,.1f} {long:12,.1f}   ratio {long / short:8.2f}")
    print(f"  target of a record in order: ratio at most {RATIO_MAX}")
    with Rulebook(policy, matcher_factory("plain")) as rulebook:
        rulebook.warm()
        (short, _none), (long, late) = (through_the_ledger(rulebook, length) for length in HISTORIES)
    print("the same through the ledger, to the commit")
    print(f"  {'in order':24s} {short:12,.1f} {long:12,.1f}   ratio {long / short:8.2f}")
    for back, cost in late.items():
        each = cost / HISTORIES[1]
        print(f"  late by {back:6,} records {'':13s}{cost:12,.1f}   {each:8.2f} per record of {HISTORIES[1]:,}")
    print(f"  target of a late record: at most {LATE_MAX} per record of the person")


def measured(rulebook: Rulebook, history: list[tuple[ServiceRecord, Supplied]], new: ServiceRecord) -> dict[str, float]:
    """Return what one more record costs after this history: in order from the states, in its parts, and refolded."""
    fold, life = Fold(rulebook, PERSON), Life(rulebook, PERSON)
    past = []
    for record, supplied in history:
        past.append(counted(fold.assess(record, supplied)))
        life.add(past[-1])
    states = fold.frozen(), life.frozen()
    fold, life = Fold.thawed(rulebook, PERSON, states[0]), Life.thawed(rulebook, PERSON, states[1])

    def in_order() -> None:
        going_on, living = Fold.thawed(rulebook, PERSON, states[0]), Life.thawed(rulebook, PERSON, states[1])
        assessment = going_on.assess(new, {})
        orjson.dumps(body_of(assessment))
        living.add(counted(assessment))
        going_on.frozen()
        living.frozen()
        standing_after(rulebook, PERSON, living, new.day)

    def refolded() -> None:
        made = assess(rulebook, PERSON, [*history, (new, {})])
        orjson.dumps(body_of(made[-1]))
        standing(rulebook, PERSON, [counted(one) for one in made], new.day)

    return {
        "in order": microseconds(in_order, ROUNDS),
        "  fold: freeze": microseconds(fold.frozen, ROUNDS),
        "  fold: thaw": microseconds(lambda: Fold.thawed(rulebook, PERSON, states[0]), ROUNDS),
        "  life: freeze": microseconds(life.frozen, ROUNDS),
        "  life: thaw": microseconds(lambda: Life.thawed(rulebook, PERSON, states[1]), ROUNDS),
        "  bytes of both (not us)": float(sum(map(len, states))),
        "refolded": microseconds(refolded, 3),
    }


def through_the_ledger(rulebook: Rulebook, length: int) -> tuple[float, dict[int, float]]:
    """Return what a record in order costs after so many, and a late one, by how many were there before it came."""
    policy = rulebook.policy

    def take(*records: ServiceRecord) -> None:
        intake = Intake(Host(installed=False), rulebook, ledger, "made", ON, lambda _row: None)
        report = intake.take(records)
        assert report.booked == len(records)

    def known(number: int) -> ServiceRecord:
        record = record_of(policy, number)
        return replace(record, facts={name: of for name, of in record.facts.items() if name in policy.facts})

    def late(back: int, turns: Iterator[int]) -> None:
        record, turn = known(length - back), next(turns)
        begins = record.started_at + (9 + turn) * 3600
        take(replace(record, id=RecordId(f"L{back}-{turn}"), started_at=begins, ended_at=begins + 1800, seconds=1800))

    with tempfile.TemporaryDirectory() as room, open_ledger(f"{room}/bank.db") as ledger:
        take(*map(known, range(length)))
        coming = iter(range(length, length + 1_000))
        in_order = microseconds(lambda: take(known(next(coming))), 30)
        return in_order, {
            back: microseconds(partial(late, back, iter(range(3))), 3) for back in LATE_BY if back <= length
        }


if __name__ == "__main__":
    main()
