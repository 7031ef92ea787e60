"""One record assessed with its explanation, without the database: microseconds through each matcher, and their ratio.

    python benchmarks/assessing.py

The records are those of the demonstration exports, the policy is You County's; each person is folded in order.
"""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from importlib.resources import as_file, files

from lianxing.engine.compiling import find_folder, load_policy
from lianxing.engine.counting import assess
from lianxing.engine.explaining import body_of
from lianxing.engine.matchers import Preference, matcher_factory
from lianxing.engine.rulebook import Rulebook
from lianxing.plugins.cli.commands.demo import COUNTY, ON
from lianxing.plugins.cli.finding import mapping_named
from lianxing.plugins.host import Host
from lianxing.plugins.registries.files import FileRegistry
from lianxing.rules.facts import VolunteerId
from lianxing.rules.policy import Policy
from lianxing.rules.records import ServiceRecord, Volunteer

ROUNDS = 5
TARGET_MICROSECONDS = 100


def records_of(policy: Policy) -> dict[VolunteerId, list[ServiceRecord]]:
    """The demonstration's good records by person, in order."""
    with as_file(files("lianxing") / "plugins" / "demo") as folder:
        mapping = mapping_named(str(folder / "mapping.yaml"), dict(policy.facts))
        county, region = policy.county.id, policy.county.region
        registry = FileRegistry((folder / "records.csv",), (), mapping, policy.facts, county, region, ON)
        people: dict[VolunteerId, list[ServiceRecord]] = defaultdict(list)
        for found in registry.fetch_records(policy.county.id, None):
            if isinstance(found, ServiceRecord):
                people[found.volunteer].append(found)
    return {id: sorted(records, key=lambda record: record.order) for id, records in people.items()}


def main() -> None:
    shelf = Host(installed=False).shelf()
    policy = load_policy(find_folder(COUNTY, shelf), shelf)
    people = records_of(policy)
    count = sum(len(records) for records in people.values())
    print(
        f"{count:,} records of {len(people):,} people, {len(list(policy.clauses))} clauses, best and median of {ROUNDS}"
    )
    medians: dict[str, float] = {}
    preferences: tuple[Preference, ...] = ("durable", "plain")
    for preference in preferences:
        with Rulebook(policy, matcher_factory(preference)) as rulebook:
            rulebook.warm()
            times = []
            for _ in range(ROUNDS):
                started = time.perf_counter()
                for id, records in people.items():
                    for assessment in assess(rulebook, Volunteer(id), ((record, {}) for record in records)):
                        body_of(assessment)
                times.append((time.perf_counter() - started) / count * 1e6)
        medians[preference] = statistics.median(times)
        best, median = min(times), medians[preference]
        print(f"  {preference:8s} {best:6.1f} us   median {median:6.1f} us   target {TARGET_MICROSECONDS} us")
    print(f"  durable / plain: {medians['durable'] / medians['plain']:.2f}")


if __name__ == "__main__":
    main()
