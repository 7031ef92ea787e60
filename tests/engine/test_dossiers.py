"""The dossier of a recipient: what was received, when and from whom."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from lianxing.engine.dossiers import dossier, dossier_sentences, recipients
from lianxing.rules.requests import RequestState, ServiceRequest
from lianxing.rules.standings import Counted
from tests.engine.requests import HOUR, confirmed, place, served

TOWN = place()


def record(start: str, id: str, recipient: str = "R1", counts: bool = True, **facts: str) -> Counted:
    made = TOWN.record(start, id=id, minutes=60, recipient=recipient, **facts)
    return Counted(made, {}, made.seconds, 0, counts)


def request(**changes: object) -> ServiceRequest:
    return replace(confirmed(TOWN), **changes)  # type: ignore[arg-type]


def test_services_stand_by_day_whether_a_record_or_a_request_tells_of_them() -> None:
    history = [record("2024-06-10", "later", category="culture"), record("2024-06-01", "first", category="relief")]
    found = dossier("R1", history, [request()])
    assert [(one.on.day, one.kind, one.id, one.volunteer) for one in found.services] == [
        (1, "relief", "first", "V1"),
        (7, "cleaning", "Q1", "V1"),
        (10, "culture", "later", "V1"),
    ]
    assert found.seconds == 4 * HOUR
    assert found.by_kind == {"cleaning": (1, 2 * HOUR), "culture": (1, HOUR), "relief": (1, HOUR)}


def test_a_request_whose_record_is_there_is_told_once_with_its_evaluation() -> None:
    evaluated = request(state=RequestState.EVALUATED, evaluation={"evaluation": "good"})
    (one,) = dossier("R1", [record("2024-06-07", "Q1")], [evaluated]).services
    assert (one.seconds, one.evaluation) == (HOUR, {"evaluation": "good"})


def test_what_was_refused_or_not_confirmed_was_not_received() -> None:
    assert dossier("R1", [record("2024-06-01", "void", counts=False)], [served(TOWN)]).services == ()


def test_nobody_sees_what_others_received() -> None:
    found = dossier("R2", [record("2024-06-01", "a"), record("2024-06-02", "b", "R2")], [request()])
    assert [one.id for one in found.services] == ["b"]


def test_a_dossier_may_be_of_certain_days_both_included() -> None:
    history = [record(f"2024-06-0{day}", str(day)) for day in (1, 2, 3, 4)]
    found = dossier("R1", history, first=date(2024, 6, 2), last=date(2024, 6, 3))
    assert [one.id for one in found.services] == ["2", "3"]


def test_there_is_a_dossier_for_everybody_who_received_something() -> None:
    history = [record("2024-06-01", "a", "R9"), record("2024-06-02", "b", "R0", counts=False)]
    assert recipients(history, [request(), replace(served(TOWN), recipient="R5")]) == ("R1", "R9")


def test_a_dossier_reads_in_both_languages_and_names_nobody() -> None:
    evaluated = request(state=RequestState.EVALUATED, evaluation={"evaluation": "good"})
    found = dossier("R1", [record("2024-06-10", "x", category="culture")], [evaluated])
    assert list(dossier_sentences(found, TOWN.policy, "en")) == [
        "Recipient R1: 2 services, 3 h in all",
        "  2024-06-07 cleaning, 2 h, by V1: evaluation good",
        "  2024-06-10 culture, 1 h, by V1",
    ]
    assert list(dossier_sentences(found, TOWN.policy, "zh")) == [
        "服务对象 R1：2 次，共 3 小时",
        "  2024-06-07 家政保洁，2 小时，由 V1 服务：评价 good",
        "  2024-06-10 culture，1 小时，由 V1 服务",
    ]
