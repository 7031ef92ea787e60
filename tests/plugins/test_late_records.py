"""A record that comes late is folded from a mark before it until all is as it was: to what the whole fold gives."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Table, event

from lianxing import ServiceRecord
from lianxing.engine import carrying
from lianxing.engine.bank.replaying import replay
from lianxing.engine.building import is_compiled
from lianxing.engine.carrying import packed, unpacked
from lianxing.engine.compiling import find_folder, load_policy
from lianxing.engine.counting import Fold
from lianxing.engine.freezing import HistoryNeededError
from lianxing.engine.ledger.opening import Ledger, open_ledger
from lianxing.engine.ledger.tables import fold_mark, fold_state
from lianxing.engine.ledger.verifying import verify
from lianxing.engine.life import Life
from lianxing.engine.matchers import matcher_factory
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.standings import standing_after
from lianxing.plugins.host import Host
from lianxing.plugins.intake import Intake
from lianxing.plugins.reporting import Report
from lianxing.rules.facts import CountyId, RecordId, RegistryId, VolunteerId
from lianxing.rules.records import Volunteer, Withdrawn
from lianxing.rules.standings import Standing
from tests.engine.bank.counting_house import rules, write_county
from tests.plugins.smallville import COUNTY, Registry, served

PERSON, HERE = VolunteerId("V1"), CountyId("smallville")
LAST = date(2024, 6, 30)
# A month's limit, so that what a late record uses up is felt by later ones.
HOURS = COUNTY["hours.yaml"] + "- id: forty_hours_a_month\n  limit: {per: month, at_most: 40 hours, overflow: lost}\n"
LATE = served("late", "2024-06-21 18:00", 2)


@pytest.fixture
def rulebook(county: Path) -> Iterator[Rulebook]:
    (county / "hours.yaml").write_text(HOURS, "utf-8")
    shelf = Host(installed=False).shelf()
    with Rulebook(load_policy(find_folder(str(county), shelf), shelf), matcher_factory("plain")) as made:
        yield made


@pytest.fixture
def assessed(monkeypatch: pytest.MonkeyPatch) -> list[ServiceRecord]:
    """The records that are folded from now on."""
    if is_compiled():
        pytest.skip("what is compiled calls what it knows, not what a test has put in its place")
    found: list[ServiceRecord] = []
    assess = Fold.assess

    def noting(self: Fold, record: ServiceRecord, supplied: object) -> object:
        found.append(record)
        return assess(self, record, supplied)  # type: ignore[arg-type]

    monkeypatch.setattr(carrying, "MARKED_EVERY", 4)
    monkeypatch.setattr(Fold, "assess", noting)
    return found


def every_day(days: int) -> list[ServiceRecord]:
    """An hour and two in turn on each of so many days up to the last."""
    first = LAST - timedelta(days=days - 1)
    return [served(f"{n}", f"{first + timedelta(days=n)} 09:00", 1 + n % 2) for n in range(days)]


def take(
    rulebook: Rulebook, ledger: Ledger, *events: ServiceRecord | Withdrawn, volunteers: tuple[Volunteer, ...] = ()
) -> Report:
    host = Host(installed=False)
    host.register(Registry(*events, volunteers=volunteers), "test")
    return Intake(host, rulebook, ledger, "test", LAST, lambda _row: None).run()


def worth(ledger: Ledger) -> dict[str, tuple[int, int]]:
    with ledger.reading() as reading:
        held = reading.histories(HERE, [PERSON])[PERSON]
    return {one.record.id: (one.seconds, one.points) for one in held}


def marks(ledger: Ledger) -> list[str]:
    with ledger.reading() as reading:
        return sorted(reading._connection.scalars(fold_mark.select().with_only_columns(fold_mark.c.day)))


@contextmanager
def heard(ledger: Ledger) -> Iterator[list[str]]:
    """Note the statements that go to the database."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(ledger.database.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(ledger.database.engine, "before_cursor_execute", note)


@pytest.mark.parametrize(
    ("late", "first", "last"),
    [
        (LATE, 48, 60),  # from the mark of 18 June on
        (served("late", "2024-05-20 18:00", 2), 16, 28),  # until 29 May, when the month is used up with or without it
        (served("late", "2024-05-02 18:00", 2), 0, 28),
    ],
    ids=["to the end", "until the month is used up", "from the first record on"],
)
def test_only_what_a_late_record_may_touch_is_folded_again(
    late: ServiceRecord,
    first: int,
    last: int,
    rulebook: Rulebook,
    ledger: Ledger,
    tmp_path: Path,
    assessed: list[ServiceRecord],
) -> None:
    days = every_day(60)
    take(rulebook, ledger, *days)
    assessed.clear()
    report = take(rulebook, ledger, late)
    assert report.adjusted > 0
    assert {record.id for record in assessed} == {record.id for record in (*days[first:last], late)}
    assert folds_that_differ(ledger, rulebook) == []
    with open_ledger(str(tmp_path / "at_once.db")) as at_once:
        take(rulebook, at_once, *days, late)
        assert worth(ledger) == worth(at_once)


def test_marks_after_a_late_record_are_gone_and_new_ones_are_left(
    rulebook: Rulebook, ledger: Ledger, assessed: list[ServiceRecord]
) -> None:
    take(rulebook, ledger, *every_day(20))
    assert marks(ledger) == ["2024-06-14", "2024-06-18", "2024-06-22", "2024-06-26"]
    take(rulebook, ledger, LATE)
    assert marks(ledger) == ["2024-06-14", "2024-06-18", "2024-06-22", "2024-06-26"]
    with ledger.reading() as reading:
        known = reading.fold_marks(HERE, rulebook.policy.digest, {PERSON: date(2024, 6, 23)})[PERSON]
    assert known.before is not None
    assert b'"count":13' in known.before
    assert len(known.since) == 1
    take(rulebook, ledger, served("later still", "2024-06-25 18:00", 1))
    assessed.clear()
    take(rulebook, ledger, served("latest", "2024-06-30 18:00", 1))
    assert [record.id for record in assessed] == ["latest"]


def test_whoever_serves_on_and_on_leaves_marks_too(
    rulebook: Rulebook, ledger: Ledger, assessed: list[ServiceRecord]
) -> None:
    for record in every_day(9):
        take(rulebook, ledger, record)
    assert marks(ledger) == ["2024-06-25", "2024-06-29"]


@pytest.mark.parametrize(
    "change",
    [served("3", "2024-05-05 09:00", 1), Withdrawn(RecordId("3"), RegistryId("test"))],
    ids=["corrected", "withdrawn"],
)
def test_what_changes_a_booked_record_leaves_no_mark_that_knew_it(
    change: ServiceRecord | Withdrawn, rulebook: Rulebook, ledger: Ledger, tmp_path: Path, assessed: list[ServiceRecord]
) -> None:
    days = every_day(60)
    take(rulebook, ledger, *days)
    take(rulebook, ledger, change)
    take(rulebook, ledger, LATE)
    with open_ledger(str(tmp_path / "at_once.db")) as at_once:
        now = [change if record.id == "3" else record for record in days]
        take(rulebook, at_once, *(one for one in now if isinstance(one, ServiceRecord)), LATE)
        assert worth(ledger) == worth(at_once)


def test_a_mark_that_is_damaged_is_no_harm(
    rulebook: Rulebook, ledger: Ledger, tmp_path: Path, assessed: list[ServiceRecord]
) -> None:
    days = every_day(60)
    take(rulebook, ledger, *days)
    with ledger.writing() as writing:
        writing._connection.execute(fold_mark.update().values(state=b"7\nrubbish"))
    take(rulebook, ledger, LATE)
    with open_ledger(str(tmp_path / "at_once.db")) as at_once:
        take(rulebook, at_once, *days, LATE)
        assert worth(ledger) == worth(at_once)


def test_where_a_standing_needs_single_records_the_whole_history_is_folded(
    rulebook: Rulebook,
    ledger: Ledger,
    tmp_path: Path,
    assessed: list[ServiceRecord],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    days = every_day(60)
    take(rulebook, ledger, *days)
    asked = standing_after

    def needing(rules: Rulebook, person: Volunteer, life: Life, on: date) -> Standing:
        if life._kept is None:  # it holds no single records
            raise HistoryNeededError
        return asked(rules, person, life, on)

    with monkeypatch.context() as patched:
        patched.setattr("lianxing.plugins.taking_in.standing_after", needing)
        assert take(rulebook, ledger, LATE).booked == 1
    with open_ledger(str(tmp_path / "at_once.db")) as at_once:
        take(rulebook, at_once, *days, LATE)
        assert worth(ledger) == worth(at_once)


def folds_that_differ(ledger: Ledger, rulebook: Rulebook) -> list[str]:
    return [one.what for one in replay(ledger, [rulebook]).differences]


def test_what_is_kept_of_folds_is_what_the_records_come_to(
    rulebook: Rulebook, ledger: Ledger, assessed: list[ServiceRecord]
) -> None:
    days = every_day(20)
    false = replace(served("false", "2024-06-29 20:00", 1), facts={"kind": "revocation", "revokes": "17"})
    known = Volunteer(PERSON, None, date(1950, 1, 1))
    for events, person in (
        (days[:12], None),
        (days[12:18], known),
        ([LATE], None),
        ([false], known),
        ([days[18], replace(days[3], seconds=60)], Volunteer(PERSON)),
        ([Withdrawn(RecordId("6"), RegistryId("test")), days[19]], None),
    ):
        take(rulebook, ledger, *events, volunteers=() if person is None else (person,))
        assert folds_that_differ(ledger, rulebook) == []
    assert len(marks(ledger)) > 2


@pytest.mark.parametrize("table", [fold_state, fold_mark])
@pytest.mark.parametrize(("old", "new", "where"), [(b'"sum"', b'"sum":9,"was"', "life"), (b"3600", b"3601", "fold")])
def test_a_kept_fold_that_is_changed_with_its_checksum_is_named(
    rulebook: Rulebook,
    ledger: Ledger,
    assessed: list[ServiceRecord],
    table: Table,
    old: bytes,
    new: bytes,
    where: str,
) -> None:
    take(rulebook, ledger, *every_day(9))
    with ledger.writing() as writing:
        state = bytes(writing._connection.scalars(table.select().with_only_columns(table.c.state)).first() or b"")
        parts = dict(zip(("fold", "life"), unpacked(state), strict=True))
        lines = parts[where].split(b"\n", 1)[1]
        assert old in lines
        lines = lines.replace(old, new, 1)
        parts[where] = hashlib.sha256(lines).hexdigest().encode() + b"\n" + lines
        forged = b"%d\n%b%b" % (len(parts["fold"]), parts["fold"], parts["life"])
        writing._connection.execute(table.update().where(table.c.state == state).values(state=forged))
    assert verify(ledger) == []  # it is no part of any chain
    (what,) = folds_that_differ(ledger, rulebook)
    assert what.startswith(table.name)
    assert f".{where}[" in what


def test_a_kept_fold_of_facts_that_nobody_knew_is_named(
    rulebook: Rulebook, ledger: Ledger, assessed: list[ServiceRecord]
) -> None:
    take(rulebook, ledger, *every_day(3))
    with ledger.writing() as writing:
        unknown = Volunteer(PERSON, None, date(1930, 1, 1))
        state = packed(Fold(rulebook, unknown), Life(rulebook, unknown))
        writing._connection.execute(fold_state.update().values(state=state))
    assert folds_that_differ(ledger, rulebook) == ["fold_state.person"]


@pytest.mark.parametrize("late", [True, False])
def test_a_ledger_is_not_asked_more_often_for_more_people(ledger: Ledger, tmp_path: Path, late: bool) -> None:
    def of(person: int, *records: ServiceRecord) -> list[ServiceRecord]:
        volunteer = VolunteerId(f"V{person}")
        return [replace(one, id=RecordId(f"{volunteer} {one.id}"), volunteer=volunteer) for one in records]

    def asked(rulebook: Rulebook, *people: int) -> int:
        with heard(ledger) as statements:
            report = take(rulebook, ledger, *(one for person in people for one in of(person, LATE if late else later)))
        assert report.booked == len(people)
        return sum(one.startswith("SELECT") for one in statements)

    later = served("later", f"{LAST} 18:00", 1)
    days = every_day(3)  # too few for a mark: whoever has one is read by themselves
    with rules(write_county(tmp_path / "bank" / "smallville")) as rulebook:
        take(rulebook, ledger, *(one for person in range(1, 10) for one in of(person, *days)))
        assert asked(rulebook, 2) == asked(rulebook, 3, 4, 5, 6, 7, 8)
