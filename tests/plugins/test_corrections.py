"""However records arrive, are corrected and are taken back: what is earned is what one pass in order comes to."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lianxing import ServiceRecord
from lianxing.engine import carrying
from lianxing.engine.bank.replaying import replay
from lianxing.engine.ledger.opening import Ledger, open_ledger
from lianxing.engine.ledger.verifying import verify
from lianxing.engine.passbooks import Passbooks
from lianxing.engine.rulebook import Rulebook
from lianxing.plugins.host import Host
from lianxing.plugins.intake import Intake
from lianxing.rules.facts import CountyId, RecordId, RegistryId, VolunteerId
from lianxing.rules.records import Withdrawn
from tests.plugins.smallville import Registry, served
from tests.plugins.test_intake import ON
from tests.postgres import empty

HERE = CountyId("smallville")
NUMBERED = 400 if os.environ.get("LIANXING_LONG") else 15
PEOPLE = ("V1", "V2")

Story = list[list[tuple[str, int, int, str, str] | None]]

content = st.tuples(
    st.sampled_from(("2024-05-01", "2024-05-02", "2024-05-03", "2024-05-31")),
    st.integers(8, 20),
    st.integers(1, 3),
    st.sampled_from(("training", "tutoring")),
    st.sampled_from(PEOPLE),
)
# Of each record the versions that its registry has had, None where it was taken back.
stories = st.lists(
    st.lists(st.one_of(content, content, st.none()), min_size=1, max_size=4, unique_by=repr), min_size=1, max_size=6
)


@pytest.fixture(autouse=True)
def marks_are_left_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that in stories this short a late record goes on from a mark."""
    monkeypatch.setattr(carrying, "MARKED_EVERY", 1)


def record(number: int, of: tuple[str, int, int, str, str]) -> ServiceRecord:
    day, hour, hours, category, person = of
    return replace(served(str(number), f"{day} {hour:02}:00", hours, category=category), volunteer=VolunteerId(person))


def earned(rulebook: Rulebook, ledger: Ledger) -> dict[str, object]:
    """What everybody has, record by record, and where they stand: from the kept state of their fold, where it fits."""
    found: dict[str, object] = {}
    with ledger.reading() as reading:
        for person in map(VolunteerId, PEOPLE):
            history = reading.histories(HERE, [person])[person]
            worth = [(one.record.id, one.seconds, one.points) for one in history]
            found[person] = (reading.balances(person, HERE), worth)
    for stands in Passbooks(ledger, rulebook).standings(ON):
        alone = Passbooks(ledger, rulebook).standing(stands.volunteer, ON)
        assert (alone.measures, alone.star_held, alone.records) == (stands.measures, stands.star_held, stands.records)
    return found


def take(rulebook: Rulebook, ledger: Ledger, *events: ServiceRecord | Withdrawn) -> None:
    host = Host(installed=False)
    host.register(Registry(*events), "test")
    Intake(host, rulebook, ledger, "test", ON, lambda _row: None).run()


def said(number: int, of: tuple[str, int, int, str, str] | None, version: int = 0) -> ServiceRecord | Withdrawn:
    """What the registry says of a record: its content, or that it is none; `version` is how it numbers that."""
    if of is None:
        return Withdrawn(RecordId(str(number)), RegistryId("test"), version=version)
    return replace(record(number, of), version=version)


@contextmanager
def a_file() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        yield str(Path(folder) / "bank.db")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])  # a rulebook has no state
@given(story=stories, data=st.data())
def test_any_order_of_arrival_and_of_corrections_earns_what_one_pass_in_order_earns(
    rulebook: Rulebook, story: Story, data: st.DataObject
) -> None:
    check(rulebook, story, data, a_file)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=stories, data=st.data())
def test_the_same_on_postgresql(rulebook: Rulebook, empty_on_postgres: str, story: Story, data: st.DataObject) -> None:
    @contextmanager
    def emptied() -> Iterator[str]:
        empty(empty_on_postgres)
        yield empty_on_postgres

    check(rulebook, story, data, emptied)


# Of each record what its registry has said of it, one after the other; nothing keeps it from saying the same again.
numbered_stories = st.lists(st.lists(st.one_of(content, st.none()), min_size=1, max_size=4), min_size=1, max_size=4)


@settings(max_examples=NUMBERED, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=numbered_stories, data=st.data())
def test_versions_that_are_numbered_arrive_in_any_order_and_the_last_one_counts(
    rulebook: Rulebook, story: Story, data: st.DataObject
) -> None:
    check_numbered(rulebook, story, data, a_file)


@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=numbered_stories, data=st.data())
def test_numbered_versions_on_postgresql(
    rulebook: Rulebook, empty_on_postgres: str, story: Story, data: st.DataObject
) -> None:
    @contextmanager
    def emptied() -> Iterator[str]:
        empty(empty_on_postgres)
        yield empty_on_postgres

    check_numbered(rulebook, story, data, emptied)


def check_numbered(
    rulebook: Rulebook, story: Story, data: st.DataObject, fresh: Callable[[], AbstractContextManager[str]]
) -> None:
    every = [said(number, of, nth) for number, told in enumerate(story) for nth, of in enumerate(told, 1)]
    twice = data.draw(st.lists(st.sampled_from(every), max_size=3))
    events = data.draw(st.permutations([*every, *twice]))
    in_order = [replace(record(number, told[-1]), version=len(told)) for number, told in enumerate(story) if told[-1]]
    compare(rulebook, events, in_order, data, fresh)


def check(
    rulebook: Rulebook, story: Story, data: st.DataObject, fresh: Callable[[], AbstractContextManager[str]]
) -> None:
    left = {number: list(versions) for number, versions in enumerate(story)}
    events: list[ServiceRecord | Withdrawn] = []
    last: dict[int, tuple[str, int, int, str, str] | None] = {}
    while left:
        number = data.draw(st.sampled_from(sorted(left)))
        version = left[number].pop(0)
        if not left[number]:
            del left[number]
        if version is None and last.get(number) is None:
            continue  # nothing is there to be taken back
        last[number] = version
        events.append(said(number, version))
        if data.draw(st.booleans()):  # delivered twice
            events.append(events[-1])
    in_order = [record(number, version) for number, version in last.items() if version is not None]
    compare(rulebook, events, in_order, data, fresh)


def compare(
    rulebook: Rulebook,
    events: Sequence[ServiceRecord | Withdrawn],
    in_order: Sequence[ServiceRecord],
    data: st.DataObject,
    fresh: Callable[[], AbstractContextManager[str]],
) -> None:
    """Deliver what happened in a few deliveries: it comes to the same as what is left of it, in one pass in order."""
    deliveries = data.draw(st.lists(st.integers(0, len(events)), max_size=4).map(sorted))
    with fresh() as address, open_ledger(address) as ledger:
        for start, end in zip([0, *deliveries], [*deliveries, len(events)], strict=True):
            take(rulebook, ledger, *events[start:end])
        assert verify(ledger) == []
        if any(event.version for event in events):
            assert replay(ledger, [rulebook]).differences == []
        came = earned(rulebook, ledger)
    with fresh() as address, open_ledger(address) as ledger:
        take(rulebook, ledger, *sorted(in_order, key=lambda one: one.order))
        assert came == earned(rulebook, ledger)
