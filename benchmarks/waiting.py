"""How long somebody at the counter waits while another process takes in a registry, on SQLite; milliseconds.

    python benchmarks/waiting.py

By how many records a transaction of the import takes: all at once, and fewer.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.bank import OFFER, ON, PEOPLE, RECORDS_EACH, furnish
from lianxing.engine.bank.tellers import Teller
from lianxing.engine.ledger.opening import open_ledger
from lianxing.plugins import intake
from lianxing.rules.commands import Redeem
from tests.engine.bank.counting_house import ANN, HERE, rules, take_in, write_county
from tests.plugins.smallville import served

AT_ONCE = (PEOPLE * RECORDS_EACH, 1_000, intake.AT_ONCE_RECORDS)
BETWEEN_SECONDS = 0.03
TARGET_MS = 200


def take_in_a_registry(room: str, at_once: int) -> None:
    intake.AT_ONCE_RECORDS = at_once
    with rules(Path(room) / "smallville") as rulebook, open_ledger(f"{room}/bank.db") as ledger:
        print("ready", flush=True)
        print(round(furnish(rulebook, ledger)), flush=True)


def waits(at_once: int) -> tuple[list[float], str]:
    """Return how long each redemption took meanwhile, and the records a second of the import."""
    with tempfile.TemporaryDirectory() as room:
        county = write_county(Path(room) / "smallville", redemption=OFFER)
        with rules(county) as rulebook, open_ledger(f"{room}/bank.db", wait_seconds=60) as ledger:
            take_in(rulebook, ledger, *(served(f"{day}", f"2024-03-{day:02} 09:00", 2) for day in range(1, 21)), on=ON)
            teller = Teller(ledger, rulebook)
            importing = subprocess.Popen(
                [sys.executable, __file__, room, str(at_once)], stdout=subprocess.PIPE, text=True
            )
            assert importing.stdout is not None
            importing.stdout.readline()
            times: list[float] = []
            while importing.poll() is None:
                began = time.perf_counter()
                asked = Redeem(volunteer=ANN, county=HERE, on=ON, scope="till", key=str(len(times)), offer="soap")
                assert teller.serve(asked).accepted
                times.append((time.perf_counter() - began) * 1_000)
                time.sleep(BETWEEN_SECONDS)
            return sorted(times), importing.stdout.read().strip()


def main() -> None:
    if len(sys.argv) == 3:
        take_in_a_registry(sys.argv[1], int(sys.argv[2]))
        return
    for at_once in AT_ONCE:
        times, rate = waits(at_once)
        middle, p99 = times[len(times) // 2], times[int(len(times) * 0.99)]
        print(f"{at_once:>7,} records at once: median {middle:7.0f}, p99 {p99:7.0f}; import {int(rate):,} records/s")
    print(f"target: p99 at most {TARGET_MS}")


if __name__ == "__main__":
    main()
