"""The life of a record: what goes in, what stays out, what a late record changes, who is told."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, cast

import orjson
import pytest

from lianxing import Assessment, Entry, Label, Objection, ServiceRecord, SetAside, Standing, Volunteer, hookimpl
from lianxing.engine.bank.requests import check
from lianxing.engine.compiling import find_folder, load_policy
from lianxing.engine.ledger.errors import FullError
from lianxing.engine.ledger.opening import Ledger, open_ledger
from lianxing.engine.ledger.verifying import verify
from lianxing.engine.ledger.writing import Writing
from lianxing.engine.matchers import matcher_factory
from lianxing.engine.proving import readding_violations
from lianxing.engine.rulebook import Rulebook
from lianxing.plugins.host import Host, PluginError
from lianxing.plugins.intake import Intake
from lianxing.plugins.registries.reasons import sentence
from lianxing.plugins.reporting import Report
from lianxing.rules.commands import Redeem
from lianxing.rules.facts import CountyId, FactValue, RecordId, RegistryId, VolunteerId
from lianxing.rules.records import Withdrawn
from tests.plugins.smallville import Registry, served

ON = date(2024, 12, 31)
HERE = CountyId("smallville")
V1 = VolunteerId("V1")


def take_in(
    rulebook: Rulebook,
    ledger: Ledger,
    registry: Registry,
    *plugins: object,
    aside: list[SetAside] | None = None,
    **how: Any,
) -> Report:
    host = Host(installed=False)
    host.register(registry, "test")
    for number, plugin in enumerate(plugins):
        host.register(plugin, f"plugin{number}")
    rows: list[SetAside] = [] if aside is None else aside
    report = Intake(host, rulebook, ledger, "test", ON, rows.append).run(**how)
    taken = report.booked + report.corrected + report.withdrawn
    assert report.records_read == taken + report.unchanged + report.withheld + report.set_aside
    assert verify(ledger) == []
    assert readding_violations(ledger) == []
    return report


def balance(ledger: Ledger, volunteer: VolunteerId = V1) -> dict[str, int]:
    with ledger.reading() as reading:
        return reading.balances(volunteer, HERE)


def test_a_record_is_booked_with_what_it_is_worth(rulebook: Rulebook, ledger: Ledger) -> None:
    report = take_in(rulebook, ledger, Registry(served("1", "2024-05-01 09:00", 1)))
    assert (report.booked, report.points, report.seconds) == (1, 100, 3600)
    assert balance(ledger) == {"points": 100, "seconds": 3600}


def test_the_same_record_twice_changes_nothing(rulebook: Rulebook, ledger: Ledger) -> None:
    records = [served("1", "2024-05-01 09:00", 1), served("2", "2024-05-02 09:00", 1)]
    take_in(rulebook, ledger, Registry(*records))
    again = take_in(rulebook, ledger, Registry(*records, *records))
    assert (again.booked, again.unchanged, again.adjusted) == (0, 4, 0)
    assert balance(ledger) == {"points": 200, "seconds": 7200}


def test_the_same_id_with_other_content_corrects_the_record_and_both_versions_stay(
    rulebook: Rulebook, ledger: Ledger
) -> None:
    take_in(rulebook, ledger, Registry(served("1", "2024-05-01 09:00", 1)))
    report = take_in(rulebook, ledger, Registry(served("1", "2024-05-01 09:00", 2)))
    assert (report.booked, report.corrected, report.points, report.seconds) == (0, 1, 100, 3600)
    assert balance(ledger) == {"points": 200, "seconds": 7200}
    with ledger.reading() as reading:
        original, corrected = (one.entry for one in reading.entries(RegistryId("test"), RecordId("1")))
    assert (original.kind, corrected.kind, corrected.adjusts) == ("original", "corrected", original.id)


def test_an_old_file_does_not_undo_a_correction(rulebook: Rulebook, ledger: Ledger) -> None:
    before, after = served("1", "2024-05-01 09:00", 1), served("1", "2024-05-01 09:00", 2)
    take_in(rulebook, ledger, Registry(before))
    take_in(rulebook, ledger, Registry(after))
    aside: list[SetAside] = []
    report = take_in(rulebook, ledger, Registry(before, after), aside=aside)
    assert (report.unchanged, report.corrected, report.set_aside) == (1, 0, 1)
    assert [row.reason for row in aside] == ["older_version"]
    assert balance(ledger)["seconds"] == 7200


def test_several_versions_in_one_delivery_are_booked_one_after_the_other(rulebook: Rulebook, ledger: Ledger) -> None:
    versions = [served("1", "2024-05-01 09:00", hours) for hours in (1, 2, 1)]
    report = take_in(rulebook, ledger, Registry(*versions[:2], served("2", "2024-05-02 09:00", 1)))
    assert (report.booked, report.corrected) == (2, 1)
    assert balance(ledger) == {"points": 300, "seconds": 10_800}


def test_a_correction_frees_the_limit_that_the_record_had_used_up(rulebook: Rulebook, ledger: Ledger) -> None:
    # Two hours a day count: the evening had got nothing.
    take_in(
        rulebook, ledger, Registry(served("morning", "2024-05-01 08:00", 2), served("evening", "2024-05-01 18:00", 1))
    )
    assert balance(ledger)["seconds"] == 7200
    report = take_in(rulebook, ledger, Registry(served("morning", "2024-05-02 08:00", 2)))
    assert (report.corrected, report.adjusted) == (1, 1)
    assert balance(ledger) == {"points": 300, "seconds": 10_800}


def test_a_record_that_the_registry_takes_back_is_worth_nothing_and_stays_readable(
    rulebook: Rulebook, ledger: Ledger
) -> None:
    record = served("1", "2024-05-01 09:00", 1)
    take_in(rulebook, ledger, Registry(record))
    gone = Withdrawn(RecordId("1"), RegistryId("test"), "booked by mistake")
    report = take_in(rulebook, ledger, Registry(gone))
    assert (report.withdrawn, report.points, report.seconds) == (1, -100, -3600)
    assert balance(ledger) == {"points": 0, "seconds": 0}
    with ledger.reading() as reading:
        assert reading.histories(HERE, [V1]) == {V1: []}
        last = reading.entries(RegistryId("test"), RecordId("1"))[-1].entry
    assert (last.kind, last.reason) == ("withdrawn", "booked by mistake")
    assert take_in(rulebook, ledger, Registry(gone)).unchanged == 1
    aside: list[SetAside] = []
    take_in(rulebook, ledger, Registry(record, Withdrawn(RecordId("9"), RegistryId("test"))), aside=aside)
    assert [row.reason for row in aside] == ["older_version", "not_booked"]
    assert "corrected or withdrawn since" in sentence(aside[0], "en")
    assert "已更正或撤回" in sentence(aside[0], "zh")
    assert take_in(rulebook, ledger, Registry(served("1", "2024-05-01 09:00", 2))).corrected == 1
    assert balance(ledger) == {"points": 200, "seconds": 7200}


def test_a_record_that_was_somebody_elses_is_taken_from_one_and_given_to_the_other(
    rulebook: Rulebook, ledger: Ledger
) -> None:
    take_in(rulebook, ledger, Registry(served("1", "2024-05-01 09:00", 1)))
    moved = dataclasses.replace(served("1", "2024-05-01 09:00", 1), volunteer=VolunteerId("V2"))
    report = take_in(rulebook, ledger, Registry(moved))
    assert (report.corrected, report.points) == (1, 0)
    assert balance(ledger) == {"points": 0, "seconds": 0}
    assert balance(ledger, VolunteerId("V2")) == {"points": 100, "seconds": 3600}
    assert take_in(rulebook, ledger, Registry(moved)).unchanged == 1


def test_an_old_file_does_not_move_a_record_back_to_whoever_had_it_before(rulebook: Rulebook, ledger: Ledger) -> None:
    first = served("1", "2024-05-01 09:00", 1)
    moved = dataclasses.replace(first, volunteer=VolunteerId("V2"))
    for record in (first, moved):
        take_in(rulebook, ledger, Registry(record))
    assert take_in(rulebook, ledger, Registry(first)).reasons == {"older_version": 1}
    assert take_in(rulebook, ledger, Registry(moved)).unchanged == 1
    assert (balance(ledger)["points"], balance(ledger, VolunteerId("V2"))["points"]) == (0, 100)
    take_in(rulebook, ledger, Registry(Withdrawn(first.id, first.registry)))
    assert take_in(rulebook, ledger, Registry(first)).reasons == {"older_version": 1}
    assert take_in(rulebook, ledger, Registry(moved)).reasons == {"older_version": 1}
    assert (balance(ledger)["points"], balance(ledger, VolunteerId("V2"))["points"]) == (0, 0)


def test_no_version_from_before_a_withdrawal_comes_back_once_the_record_was_brought_again(
    rulebook: Rulebook, ledger: Ledger
) -> None:
    lives = (
        [served("1", "2024-05-01 09:00", 1), served("1", "2024-05-02 09:00", 1)],
        [served("1", "2024-05-03 09:00", 2)],
    )
    for life in lives:
        for record in life:
            take_in(rulebook, ledger, Registry(record))
        if life is lives[0]:
            take_in(rulebook, ledger, Registry(Withdrawn(RecordId("1"), RegistryId("test"))))
    for old in lives[0]:
        assert take_in(rulebook, ledger, Registry(old)).reasons == {"older_version": 1}
    assert take_in(rulebook, ledger, Registry(*lives[1])).unchanged == 1
    assert balance(ledger)["points"] == 200


def test_a_late_record_takes_from_the_days_limit_and_the_difference_is_booked_against_the_original(
    rulebook: Rulebook, ledger: Ledger
) -> None:
    take_in(rulebook, ledger, Registry(served("evening", "2024-05-01 18:00", 2)))
    report = take_in(rulebook, ledger, Registry(served("morning", "2024-05-01 08:00", 1)))
    assert report.adjusted == 1
    with ledger.reading() as reading:
        entries = reading.entries(RegistryId("test"), RecordId("evening"))
    original, adjusting = (stored.entry for stored in entries)
    assert (original.kind, original.points, original.adjusts) == ("original", 200, None)
    assert (adjusting.kind, adjusting.points, adjusting.adjusts) == ("adjusting", -100, original.id)
    assert balance(ledger) == {"points": 200, "seconds": 7200}


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
def test_the_order_of_arrival_does_not_decide_what_is_earned(
    order: tuple[int, int, int], rulebook: Rulebook, ledger: Ledger
) -> None:
    day = [
        served("a", "2024-05-01 08:00", 1, category="training"),
        served("b", "2024-05-01 10:00", 2),
        served("c", "2024-05-01 13:00", 1),
    ]
    for number in order:
        take_in(rulebook, ledger, Registry(day[number]))
    # One hour of training at half a point, then one more hour of the two that a day holds.
    assert balance(ledger) == {"points": 150, "seconds": 7200}


def test_a_finding_takes_back_a_record_of_long_ago_and_what_followed_from_it(
    rulebook: Rulebook, ledger: Ledger
) -> None:
    day = [served(id, f"2024-05-01 {hour}:00", 2) for id, hour in (("false", "08"), ("true", "13"))]
    take_in(rulebook, ledger, Registry(*day, served("later", "2024-06-01 08:00", 2)))
    assert balance(ledger)["seconds"] == 4 * 3600
    finding = served("finding", "2024-09-01 09:00", 0)
    finding = dataclasses.replace(finding, facts={**finding.facts, "kind": "revocation", "revokes": "false"})
    report = take_in(rulebook, ledger, Registry(finding))
    assert (report.booked, report.adjusted) == (1, 2)
    with ledger.reading() as reading:
        booked = {
            id: [s.entry.seconds // 3600 for s in reading.entries(RegistryId("test"), RecordId(id))]
            for id in ("false", "true", "later")
        }
    assert booked == {"false": [2, -2], "true": [0, 2], "later": [2]}
    assert take_in(rulebook, ledger, Registry(finding)).unchanged == 1


def test_a_record_that_a_clause_refuses_is_booked_with_nothing_and_says_why(rulebook: Rulebook, ledger: Ledger) -> None:
    report = take_in(rulebook, ledger, Registry(served("1", "2024-05-01 09:00", 1, state="reviewed")))
    assert (report.booked, report.refused, report.points) == (1, 1, 0)
    with ledger.reading() as reading:
        (stored,) = reading.entries(RegistryId("test"), RecordId("1"))
    assert [refusal["clause"] for refusal in orjson.loads(stored.body)["refusals"]] == ["filed_only"]
    assert stored.postings == ()


def test_an_objection_keeps_a_record_out_with_the_plugins_name_and_reason(rulebook: Rulebook, ledger: Ledger) -> None:
    class Strict:
        @hookimpl
        def review_record(self, record: ServiceRecord) -> Objection | None:
            return Objection("night", Label("夜间", "at night")) if record.id == "2" else None

    aside: list[SetAside] = []
    registry = Registry(served("1", "2024-05-01 09:00", 1), served("2", "2024-05-02 09:00", 1))
    report = take_in(rulebook, ledger, registry, Strict(), aside=aside)
    assert (report.booked, report.withheld) == (1, 1)
    assert [(row.reason, dict(row.details)["objection"]) for row in aside] == [("withheld", "night")]


def test_plugins_are_told_after_the_commit_with_the_entry_and_the_star(rulebook: Rulebook, ledger: Ledger) -> None:
    told: list[object] = []

    class Listener:
        @hookimpl
        def record_assessed(self, assessment: Assessment, entry: Entry) -> None:
            with ledger.reading() as reading:  # it is committed: another reader sees it
                told.append((assessment.record.id, reading.entries(entry.registry, entry.record)[0].entry == entry))

        @hookimpl
        def star_reached(self, standing: Standing, star_before: int) -> None:
            told.append((standing.volunteer, star_before, standing.star_held))

    take_in(rulebook, ledger, Registry(served("1", "2024-05-01 09:00", 2)), Listener())
    assert told == [("1", True), ("V1", 0, 1)]


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("what", ["stars", "rows set aside"])
def test_whoever_listens_is_told_of_what_was_committed_though_nothing_more_can_be_written(
    rulebook: Rulebook, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, what: str, at_once: bool
) -> None:
    told: list[str] = []

    class Listener:
        @hookimpl
        def record_assessed(self, assessment: Assessment) -> None:
            told.append(assessment.record.id)

        @hookimpl
        def star_reached(self, standing: Standing) -> None:
            told.append(f"{standing.volunteer}: {standing.star_held}")

    def full(*_: object) -> None:
        raise FullError("bank.db", "磁盘已满", "the disk is full")

    if what == "stars":
        monkeypatch.setattr("lianxing.plugins.intake.book_stars", full)
    records = served("1", "2024-05-01 09:00", 2), Withdrawn(RecordId("9"), RegistryId("test"))
    host = Host(installed=False)
    host.register(Registry(*records), "test")
    host.register(Listener(), "listener")
    intake = Intake(host, rulebook, ledger, "test", ON, full if what == "rows set aside" else lambda _row: None)
    with pytest.raises(FullError):
        intake.take(records) if at_once else intake.run()
    assert (told, balance(ledger)["points"]) == (["1", "V1: 1"], 200)


def test_a_listener_that_fails_undoes_nothing(rulebook: Rulebook, ledger: Ledger) -> None:
    class Failing:
        @hookimpl
        def record_assessed(self) -> None:
            raise RuntimeError

    take_in(rulebook, ledger, Registry(served("1", "2024-05-01 09:00", 1)), Failing())
    assert balance(ledger)["points"] == 100


def test_a_dry_run_counts_everything_and_keeps_nothing(rulebook: Rulebook, ledger: Ledger) -> None:
    report = take_in(rulebook, ledger, Registry(served("1", "2024-05-01 09:00", 1)), dry_run=True)
    assert (report.booked, report.points) == (1, 100)
    with ledger.reading() as reading:
        assert set(reading.counts().values()) == {0}


def test_a_fact_that_no_plugin_registered_is_an_error_that_names_the_plugin(rulebook: Rulebook, ledger: Ledger) -> None:
    class Inventive:
        @hookimpl
        def supply_facts(self, record: ServiceRecord) -> Mapping[str, FactValue]:
            return {"mood": 3}

    with pytest.raises(PluginError, match=r"plugin0.*mood"):
        take_in(rulebook, ledger, Registry(served("1", "2024-05-01 09:00", 1)), Inventive())
    assert balance(ledger) == {"points": 0, "seconds": 0}


@pytest.mark.parametrize("value", [1.5, True, None, "3", 2**63])
def test_a_fact_of_the_wrong_type_is_refused(value: Any, rulebook: Rulebook, ledger: Ledger) -> None:
    class Careless:
        @hookimpl
        def supply_facts(self, record: ServiceRecord) -> Mapping[str, FactValue]:
            return {"evaluation_score": value}

    with pytest.raises(PluginError, match="evaluation_score"):
        take_in(rulebook, ledger, Registry(served("1", "2024-05-01 09:00", 1)), Careless())


def test_people_are_kept_with_what_the_registry_knows_of_them_today(rulebook: Rulebook, ledger: Ledger) -> None:
    person = Volunteer(V1, registered_on=date(2020, 1, 1), facts={"political_status": "01"})
    report = take_in(rulebook, ledger, Registry(volunteers=[person]))
    assert (report.volunteers_read, report.volunteers_saved) == (1, 1)
    with ledger.reading() as reading:
        assert reading.volunteers([V1])[V1] == person


def test_what_is_booked_keeps_its_worth_when_the_policy_changes_and_nothing_comes_late(
    rulebook: Rulebook, ledger: Ledger, county: Path
) -> None:
    take_in(rulebook, ledger, Registry(served("1", "2024-05-01 09:00", 1)))
    earning = county / "earning.yaml"
    earning.write_text(earning.read_text("utf-8").replace("default: 1", "default: 3"), "utf-8")
    shelf = Host(installed=False).shelf()
    with Rulebook(load_policy(find_folder(str(county), shelf), shelf), matcher_factory("plain")) as changed:
        report = take_in(changed, ledger, Registry(served("2", "2024-05-02 09:00", 1)))
    assert (report.adjusted, report.points) == (0, 300)
    assert balance(ledger)["points"] == 400


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"seconds": 1.5}, "not_exact"),
        ({"id": ""}, "not_exact"),
        ({"id": "x" * 201}, "id_too_long"),
        ({"id": "a\ud800"}, "bad_character"),
        ({"volunteer": "V2\n"}, "bad_character"),
        ({"organisation": "x" * 201}, "id_too_long"),
        ({"organisation": 5}, "not_exact"),
        ({"facts": None}, "not_exact"),
        ({"registry": "menu"}, "own_registry"),
        ({"started_at": -(10**12)}, "too_early"),
        ({"ended_at": 10**12}, "future_date"),
        ({"started_at": 2**62, "ended_at": 2**62}, "future_date"),
        ({"county": "elsewhere"}, "other_county"),
        ({"volunteer": "pool/chest"}, "no_person"),
        ({"volunteer": "organisation/O1"}, "no_person"),
        ({"volunteer": "Pool／chest"}, "no_person"),
        ({"day": date(2025, 1, 1)}, "wrong_day"),
        ({"ended_at": 1_735_700_000}, "future_date"),
        ({"seconds": -1}, "negative_duration"),
        ({"ended_at": 0}, "end_before_start"),
        ({"facts": {"mood": 3}}, "unknown_fact"),
        ({"facts": {"服务类别": "环境保护"}}, "unknown_fact"),
        ({"facts": {"category": 7}}, "unknown_value"),
        ({"facts": {"state": "invented"}}, "unknown_value"),
    ],
)
def test_a_record_that_no_registry_should_hand_over_is_set_aside_and_the_rest_goes_in(
    change: dict[str, Any], reason: str, rulebook: Rulebook, ledger: Ledger
) -> None:
    aside: list[SetAside] = []
    bad = dataclasses.replace(served("1", "2024-05-01 09:00", 1), **change)
    report = take_in(rulebook, ledger, Registry(bad, served("2", "2024-05-02 09:00", 1)), aside=aside)
    assert (report.booked, report.set_aside) == (1, 1)
    assert [row.reason for row in aside] == [reason]


@pytest.mark.parametrize(
    "wrong",
    [
        Withdrawn(RecordId(""), RegistryId("test")),
        Withdrawn(RecordId("a\ud800"), RegistryId("test")),
        Withdrawn(RecordId("1"), RegistryId("test"), reason="\0"),
        SetAside("test", 1, "when", "duplicate_row"),  # without the details of its sentence
    ],
    ids=repr,
)
def test_a_withdrawal_that_is_none_and_a_row_that_tells_too_little_stop_nothing(
    wrong: Withdrawn | SetAside, rulebook: Rulebook, ledger: Ledger
) -> None:
    aside: list[SetAside] = []
    report = take_in(
        rulebook,
        ledger,
        Registry(served("1", "2024-05-01 09:00", 1), wrong, served("2", "2024-05-02 09:00", 1)),
        aside=aside,
    )
    assert (report.booked, report.set_aside, report.withdrawn) == (2, 1, 0)
    assert all(sentence(aside[0], language).encode() for language in ("zh", "en"))


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (Volunteer(VolunteerId("")), "not_exact"),
        (Volunteer(cast("Any", 5)), "not_exact"),
        (Volunteer(VolunteerId("a\0b")), "bad_character"),
        (Volunteer(VolunteerId("a\ud800")), "bad_character"),
        (Volunteer(VolunteerId("x" * 201)), "id_too_long"),
        (Volunteer(VolunteerId("V2"), born_on=cast("Any", "2000-01-01")), "not_exact"),
        (Volunteer(VolunteerId("V2"), facts={"political_status": cast("Any", 1.5)}), "not_exact"),
        (Volunteer(VolunteerId("V2"), facts={"political_status": "\ud800"}), "not_exact"),
    ],
    ids=repr,
)
def test_a_person_of_whom_a_registry_says_what_cannot_be_kept_is_set_aside_and_the_rest_goes_in(
    wrong: Volunteer, reason: str, rulebook: Rulebook, ledger: Ledger
) -> None:
    aside: list[SetAside] = []
    registry = Registry(served("1", "2024-05-01 09:00", 1), volunteers=[wrong, Volunteer(V1)])
    report = take_in(rulebook, ledger, registry, aside=aside)
    assert (report.booked, report.volunteers_saved, report.volunteers_set_aside) == (1, 1, 1)
    assert [row.reason for row in aside] == [reason]


def test_the_longest_id_goes_in_and_can_be_served(rulebook: Rulebook, ledger: Ledger) -> None:
    longest = "志" * 200
    record = dataclasses.replace(served(longest, "2024-05-01 09:00", 1), volunteer=VolunteerId(longest))
    assert take_in(rulebook, ledger, Registry(record, volunteers=[Volunteer(VolunteerId(longest))])).booked == 1
    check(Redeem(volunteer=VolunteerId(longest), county=HERE, on=ON, scope="s", key="1", offer="soap"))


def test_whoever_supplies_facts_that_are_none_is_named(rulebook: Rulebook, ledger: Ledger) -> None:
    class Careless:
        @hookimpl
        def supply_facts(self) -> Any:
            return ["in_the_rain"]

    with pytest.raises(PluginError, match="plugin plugin0: supply_facts gives list"):
        take_in(rulebook, ledger, Registry(served("1", "2024-05-01 09:00", 1)), Careless())


@pytest.mark.parametrize("first", [served("1", "2024-05-01 09:00", 1), served("1", "2024-05-01 09:00", 1, "V2")])
@pytest.mark.parametrize("known", [True, False])
def test_whoever_is_overtaken_by_another_import_of_the_same_record_goes_on_from_what_that_has_left(
    known: bool, first: ServiceRecord, rulebook: Rulebook, empty_on_postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, late = served("1", "2024-05-01 09:00", 1), served("late", "2024-04-01 09:00", 1)
    told: list[str] = []

    class Listening(Registry):
        @hookimpl
        def record_assessed(self, entry: Entry) -> None:
            told.append(entry.record)

    with open_ledger(empty_on_postgres) as ledger:
        host = Host(installed=False)
        host.register(Listening(), "test")
        aside: list[SetAside] = []
        intake = Intake(host, rulebook, ledger, "test", ON, aside.append)
        intake.take([served("0", "2024-03-01 09:00", 1)] if known else [])
        told.clear()
        lock = Writing.lock

        def overtaken(writing: Writing, owners: Any) -> None:
            monkeypatch.setattr(Writing, "lock", lock)
            take_in(rulebook, ledger, Registry(first))
            lock(writing, owners)

        monkeypatch.setattr(Writing, "lock", overtaken)
        report = intake.take([record, late, Withdrawn(RecordId("none"), RegistryId("test"))])
        moved = first != record
        assert (report.booked, report.corrected, report.unchanged) == (1, moved, not moved)
        assert (report.records_read, report.set_aside, len(aside)) == (3, 1, 1)
        assert sorted(told) == ["1", "late"] if moved else ["late"]
        assert balance(ledger)["seconds"] == (2 + known) * 3600
        assert verify(ledger) == []


def test_a_registry_that_fails_in_the_middle_is_named(rulebook: Rulebook, ledger: Ledger) -> None:
    class Breaking(Registry):
        @hookimpl
        def fetch_records(self) -> Iterator[ServiceRecord]:
            yield served("1", "2024-05-01 09:00", 1)
            raise KeyError("somebody's name")

    with pytest.raises(PluginError, match=r"^plugin test: fetch_records failed: KeyError$"):
        take_in(rulebook, ledger, Breaking())


def test_a_register_does_not_make_volunteers_of_pools_and_organisations(rulebook: Rulebook, ledger: Ledger) -> None:
    aside: list[SetAside] = []
    people = [Volunteer(VolunteerId(id)) for id in ("V1", "pool/chest", "organisation/O1")]
    report = take_in(rulebook, ledger, Registry(volunteers=people), aside=aside)
    assert (report.volunteers_saved, report.volunteers_set_aside) == (1, 2)
    assert [(row.reason, row.content["id"]) for row in aside] == [
        ("no_person", "pool/chest"),
        ("no_person", "organisation/O1"),
    ]


def transactions(rulebook: Rulebook, ledger: Ledger, monkeypatch: Any, other: str = "") -> list[Mapping[str, int]]:
    """Take in two records each of seven people, an `other` writing meanwhile; return who had what after each time."""
    came: list[Mapping[str, int]] = []

    def meanwhile(_seconds: float) -> None:
        with ledger.reading() as reading:
            came.append(Counter(one.entry.volunteer for one in reading.all_entries() if one.entry.record))
        if other:
            with open_ledger(other) as beside, beside.writing() as writing:
                writing.save_volunteers([Volunteer(VolunteerId(f"W{len(came)}"))])

    monkeypatch.setattr("lianxing.plugins.intake.AT_ONCE_RECORDS", 2)
    monkeypatch.setattr("lianxing.plugins.intake.ALONE_TIMES", 2)
    monkeypatch.setattr("lianxing.plugins.intake.sleep", meanwhile)
    people = [f"V{number}" for number in range(1, 8)]
    days = [served(f"{day}-{who}", f"2024-05-0{day} 09:00", 1, who) for day in (1, 2) for who in people]
    assert take_in(rulebook, ledger, Registry(*days)).booked == 14
    return came


def test_between_some_records_and_the_next_others_come_in(ledger: Ledger, rulebook: Rulebook, monkeypatch: Any) -> None:
    came = transactions(rulebook, ledger, monkeypatch)
    assert [len(some) for some in came] == [2, 4, 6, 7]
    assert all(set(some.values()) == {2} for some in came)


def test_of_many_records_that_are_taken_back_few_are_one_transaction(
    ledger: Ledger, rulebook: Rulebook, monkeypatch: Any
) -> None:
    transactions(rulebook, ledger, monkeypatch)
    left: list[Mapping[str, int]] = []

    def meanwhile(_seconds: float) -> None:
        with ledger.reading() as reading:
            found = reading.histories(HERE, reading.volunteer_ids(HERE))
            left.append({id: len(held) for id, held in found.items() if held})

    monkeypatch.setattr("lianxing.plugins.intake.sleep", meanwhile)
    gone = [Withdrawn(RecordId(f"{day}-V{number}"), RegistryId("test")) for day in (1, 2) for number in range(1, 8)]
    never = Withdrawn(RecordId("never"), RegistryId("test"))
    assert take_in(rulebook, ledger, Registry(never, *gone)).withdrawn == 14
    assert [len(some) for some in left] == [5, 3, 1, 0]
    assert all(set(some.values()) <= {2} for some in left)


def test_once_somebody_else_writes_to_a_file_fewer_records_are_taken_in_at_once(
    address: str, ledger: Ledger, rulebook: Rulebook, monkeypatch: Any
) -> None:
    came = transactions(rulebook, ledger, monkeypatch, address)
    assert [len(some) for some in came] == [2, 4, 6, 7] if ledger.database.is_postgres else [2, 4, 5, 6, 7]
