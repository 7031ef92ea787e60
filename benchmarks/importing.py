"""The demonstration's 20,000 records from the file to the commit: records a second, beside the parts alone.

    python benchmarks/importing.py

Parsing alone and parsing with assessing (plain matcher, nothing booked) stand beside the whole, in the same run.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path

from lianxing.engine.compiling import find_folder, load_policy
from lianxing.engine.ledger.opening import open_ledger
from lianxing.engine.matchers import Preference, matcher_factory
from lianxing.engine.rulebook import Rulebook
from lianxing.plugins.cli.commands.demo import COUNTY, ON
from lianxing.plugins.cli.finding import mapping_named
from lianxing.plugins.host import Host
from lianxing.plugins.intake import Intake
from lianxing.plugins.registries.files import FileRegistry
from lianxing.rules.policy import Policy

ROUNDS = 3
TARGET = 3_000


def registry(policy: Policy, folder: Path) -> FileRegistry:
    mapping = mapping_named(str(folder / "mapping.yaml"), dict(policy.facts))
    records, volunteers = (folder / "records.csv",), (folder / "volunteers.xlsx",)
    return FileRegistry(records, volunteers, mapping, policy.facts, policy.county.id, policy.county.region, ON)


def best(work: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


def main() -> None:
    shelf = Host(installed=False).shelf()
    policy = load_policy(find_folder(COUNTY, shelf), shelf)
    with as_file(files("lianxing") / "plugins" / "demo") as folder:

        def parse() -> int:
            source = registry(policy, folder)
            return sum(1 for _ in source.fetch_volunteers()) + sum(
                1 for _ in source.fetch_records(policy.county.id, None)
            )

        def whole(preference: Preference) -> None:
            host = Host(installed=False)
            host.register(registry(policy, folder), "files")
            with (
                tempfile.TemporaryDirectory() as room,
                open_ledger(f"{room}/bank.db") as ledger,
                Rulebook(policy, matcher_factory(preference)) as rulebook,
            ):
                report = Intake(host, rulebook, ledger, "files", ON, lambda _row: None).run()
                assert report.booked == 20_000

        parsing = best(parse)
        print(f"parsing alone                     {20_000 / parsing:9,.0f} records/s")
        preferences: tuple[Preference, ...] = ("plain", "durable")
        for preference in preferences:
            seconds = best(partial(whole, preference))
            rate, share = 20_000 / seconds, parsing / seconds
            print(f"parsing to commit, {preference:8s}       {rate:9,.0f} records/s   (parsing {share:.0%} of it)")
        print(f"target, parsing to commit         {TARGET:9,} records/s")


if __name__ == "__main__":
    main()
