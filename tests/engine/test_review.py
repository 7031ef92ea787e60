"""The stages of a record, their time, and how it is evaluated."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from lianxing.engine.cases import run_case
from lianxing.engine.explaining import body_of, kept_of
from lianxing.engine.readding import readd
from lianxing.engine.reading.cases import read_cases
from lianxing.engine.reading.chapters import Folder
from lianxing.engine.review import Stillstand, due, moves
from lianxing.engine.wording import sentences
from lianxing.rules.problems import PolicyError, Problem
from lianxing.rules.records import ServiceRecord
from tests.broken.county import checked, put_over
from tests.engine.counties import COUNTY, Town, town

HEAD = {"county.yaml": COUNTY % "Asia/Shanghai"}
STAGES = """
community_review: {stage: {from_state: applied, to_state: reviewed, by: the community, deadline: 5 working days}}
quick_filing:
  stage: {from_state: applied, to_state: filed, by: the sub-district, deadline: 1 month}
  when: {category: relief}
street_filing:
  stage:
    from_state: reviewed
    to_state: filed
    by: the sub-district
    deadline: {2020-01-01: 10 working days, 2025-01-01: 15 days}
posting: {notice: {of: hours, deadline: 7 working days, objection: suspends}}
long_posting: {notice: {of: stars, deadline: 15 days, objection: suspends}}
steady_posting: {notice: {of: hours, deadline: 7 working days, objection: goes_on}}
mistakes: {correction: {deadline: 15 working days, verified_by: the organiser}}
spot_checks: {spot_check: {share: 5 %, per: quarter, by: the bureau}}
kept: {retention: {at_least: 10 years}}
"""
EVALUATION = """
how_evaluated:
  evaluation:
    axes: [punctuality, attitude, skill]
    combine: mean
    round: {to: 0.01, direction: half_up}
    default: 5
    evaluators: [recipient, community]
    deadline: 10 working days
    late: missing
    grades: [{at_least: 4.5, grade: good}, {at_least: 3, grade: fair}, {at_least: 0, grade: poor}]
"""
EARNING = """
- id: by_time
  points_per_hour: {by: evaluation, good: 3, fair: 2, poor: 1, missing: 0}
- id: whole
  round: {to: 1 point, each: record, direction: down}
"""
MEASURES = """
mean_score: {mean: evaluation_score, over: all_time}
good: {count: records, over: all_time, where: {evaluation: good}}
"""


def evaluating(**changes: str) -> Town:
    text = EVALUATION
    for key, value in changes.items():
        lines = [f"    {key}: {value}" if line.startswith(f"    {key}:") else line for line in text.splitlines()]
        text = "\n".join(line for line in lines if not line.endswith(": -")) + "\n"
    return town(files=HEAD, review=text, earning=EARNING, measures=MEASURES)


def served(place: Town, facts: dict[str, str], day: str = "2024-09-27") -> ServiceRecord:
    """Return an hour of service with these facts."""
    return place.record(f"{day} 09:00", "10:00", **facts)  # type: ignore[arg-type]


def points(place: Town, **facts: str) -> float:
    return place.points(served(place, facts))[0]


def axes(punctuality: str, attitude: str, skill: str, **more: str) -> dict[str, str]:
    said = {"punctuality": punctuality, "attitude": attitude, "skill": skill, "evaluator": "recipient"}
    return said | {"evaluated_on": "2024-09-28"} | more


# --- stages ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "category", "stages"),
    [
        ("applied", "training", ["community_review"]),
        ("applied", "relief", ["community_review", "quick_filing"]),
        ("reviewed", "relief", ["street_filing"]),
        ("filed", "relief", []),
    ],
)
def test_the_stages_open_to_a_record_follow_its_state_and_its_facts(
    state: str, category: str, stages: list[str]
) -> None:
    place = town(files=HEAD, review=STAGES)
    found = moves(place.rulebook, state, date(2024, 9, 27), {"category": category})
    assert [stage.clause.id for stage in found] == stages


@pytest.mark.parametrize(
    ("id", "started", "end"),
    [
        ("street_filing", "2024-09-27", "2024-10-16"),  # worked example 43
        ("street_filing", "2025-01-06", "2025-01-21"),  # the value of the day on which it began
        ("community_review", "2024-09-27", "2024-10-10"),
        ("quick_filing", "2024-08-31", "2024-09-30"),
        ("quick_filing", "2024-09-01", "2024-10-08"),
        ("mistakes", "2024-09-27", "2024-10-23"),
        ("posting", "2024-09-27", "2024-10-12"),
        ("kept", "2024-10-01", "2034-10-01"),  # nothing has to be done on that day, so it stays
    ],
)
def test_a_deadline_is_counted_as_the_civil_code_says(id: str, started: str, end: str) -> None:
    place = town(files=HEAD, review=STAGES)
    assert due(place.rulebook, id, date.fromisoformat(started)) == date.fromisoformat(end)


def test_what_has_no_deadline_is_asked_in_vain() -> None:
    place = town(files=HEAD, review=STAGES)
    for id in ("spot_checks", "unheard_of"):
        with pytest.raises(KeyError):
            due(place.rulebook, id, date(2024, 9, 27))


@pytest.mark.parametrize(
    ("id", "objected", "settled", "end"),
    [
        ("posting", "2024-09-30", "2024-10-09", "2024-10-16"),  # one day was used, six are left: 10, 11, 12, 14 to 16
        ("posting", "2024-10-12", "2024-10-14", "2024-10-15"),  # objected on the last day: one is left
        ("posting", "2024-10-13", "2024-10-30", "2024-10-12"),  # too late
        ("posting", "2024-10-08", None, None),
        ("steady_posting", "2024-10-08", None, "2024-10-12"),
        ("long_posting", "2024-10-10", "2024-10-11", "2024-10-14"),  # 3 of 15 days are left
        ("street_filing", "2024-10-08", None, "2024-10-16"),  # no notice: nobody objects to it
    ],
)
def test_an_objection_makes_the_notice_stand_still(
    id: str, objected: str, settled: str | None, end: str | None
) -> None:
    place = town(files=HEAD, review=STAGES)
    still = Stillstand(date.fromisoformat(objected), None if settled is None else date.fromisoformat(settled))
    found = due(place.rulebook, id, date(2024, 9, 27), still)
    assert found == (None if end is None else date.fromisoformat(end))


# --- evaluation --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("three", "earned"),
    [
        (("5", "4", "4.5"), 3),  # 4.5
        (("5", "4", "4.4"), 2),  # 4.466... is 4.47
        (("3", "3", "3"), 2),
        (("3", "3", "2.9"), 1),  # 2.97
        (("1", "1", "1"), 1),
    ],
)
def test_a_grade_begins_at_its_score(three: tuple[str, str, str], earned: float) -> None:
    assert points(evaluating(), **axes(*three)) == earned


@pytest.mark.parametrize(("combine", "earned"), [("mean", 2), ("lowest", 1), ("highest", 3), ("sum", 3)])
def test_axes_are_combined_as_the_policy_says(combine: str, earned: float) -> None:
    assert points(evaluating(combine=combine), **axes("5", "4", "2")) == earned


def test_the_score_is_rounded_before_it_is_graded() -> None:
    said = axes("5", "4.5", "3.999")  # 4.49966...
    assert points(evaluating(), **said) == 3
    assert points(evaluating(round="{to: 0.01, direction: down}"), **said) == 2


def test_what_was_not_said_counts_the_default() -> None:
    assert points(evaluating()) == 3
    assert points(evaluating(default="2")) == 1
    assert points(evaluating(default="none")) == 0


def test_an_axis_that_is_missing_counts_the_default_and_without_one_nothing_counts() -> None:
    two = {"punctuality": "4", "attitude": "4", "evaluator": "recipient"}
    assert points(evaluating(), **two) == 2  # 4.33
    assert points(evaluating(default="none"), **two) == 0


@pytest.mark.parametrize(("evaluator", "earned"), [("recipient", 1), ("community", 1), ("team", 3)])
def test_only_those_evaluate_whom_the_policy_names(evaluator: str, earned: float) -> None:
    assert points(evaluating(), **axes("1", "1", "1", evaluator=evaluator)) == earned
    assert points(evaluating(evaluators="anybody"), **axes("1", "1", "1", evaluator=evaluator)) == 1


@pytest.mark.parametrize(("on", "earned"), [("2024-10-16", 1), ("2024-10-17", 3)])
def test_a_late_evaluation_counts_where_the_policy_says_so(on: str, earned: float) -> None:
    assert points(evaluating(), **axes("1", "1", "1", evaluated_on=on)) == earned
    assert points(evaluating(late="counts"), **axes("1", "1", "1", evaluated_on=on)) == 1
    assert points(evaluating(deadline="unlimited", late="-"), **axes("1", "1", "1", evaluated_on=on)) == 1


def test_a_score_of_the_registry_does_not_stand_beside_the_one_worked_out() -> None:
    place = evaluating(default="none")
    assert points(place, evaluation="good", evaluation_score="5") == 0


def test_measures_see_the_evaluation_that_was_worked_out() -> None:
    place = evaluating()
    records = [
        served(place, axes("4", "4", "4")),
        served(place, axes("1", "1", "1", evaluator="team"), "2024-09-28"),
    ]
    mean, good = place.standing("2024-12-31", *records).measures
    assert (mean.sum, mean.count, good.sum) == (40_000 + 50_000, 2, 1)


@pytest.mark.parametrize(
    ("facts", "zh", "en"),
    [
        (
            axes("4", "5", "4"),
            "how_evaluated〔town/review.yaml:2〕：4.33，fair（守时程度 4、服务态度 5、专业水平 4，取平均）",
            "how_evaluated [town/review.yaml:2]: 4.33, fair (punctuality 4, attitude 5, skill 4: their mean)",
        ),
        (
            axes("1", "1", "1", evaluated_on="2024-10-17"),
            "how_evaluated〔town/review.yaml:2〕：5，good"
            "（评价逾期；按默认；守时程度 5、服务态度 5、专业水平 5，取平均）",
            "how_evaluated [town/review.yaml:2]: 5, good "
            "(it is late; so the default counts; punctuality 5, attitude 5, skill 5: their mean)",
        ),
    ],
)
def test_an_explanation_says_how_the_evaluation_came_about(facts: dict[str, str], zh: str, en: str) -> None:
    place = evaluating()
    (assessment,) = place.assess(served(place, facts))
    body, kept = body_of(assessment), kept_of(place.policy)
    assert sentences(body, kept, "zh")[0] == zh
    assert sentences(body, kept, "en")[0] == en
    assert readd(body) == (assessment.seconds, assessment.points)


def test_an_evaluation_that_does_not_count_says_so() -> None:
    place = evaluating(default="none")
    (assessment,) = place.assess(place.record("2024-09-27 09:00", "10:00"))
    body = body_of(assessment)
    assert sentences(body, kept_of(place.policy), "en")[0].endswith("no score (there is no evaluation)")
    assert readd(body) == (3600, 0)


def test_a_policy_that_asks_for_no_evaluation_explains_none() -> None:
    place = town(files=HEAD, review=EVALUATION)
    (assessment,) = place.assess(place.record("2024-09-27 09:00", "10:00"))
    assert assessment.workings == ()


def test_an_evaluation_in_chinese_is_the_one_in_english() -> None:
    chinese = """
评价办法:
  服务评价:
    评价项: [守时程度, 服务态度]
    叠加: 最低
    取整: {到: 0.5, 方向: 舍去}
    其余: 无
    评价人: 任何人
    期限: 10 个工作日
    逾期: 照计
    等次: [{至少: 4, 等级: good}]
"""
    english = """
评价办法:
  evaluation:
    axes: [punctuality, attitude]
    combine: lowest
    round: {to: 0.5, direction: down}
    default: none
    evaluators: anybody
    deadline: 10 working days
    late: counts
    grades: [{at_least: 4, grade: good}]
"""
    for text in (chinese, english):
        place = town(files=HEAD, review=text, earning=EARNING)
        assert points(place, punctuality="5", attitude="4.4") == 3
        assert points(place, punctuality="5", attitude="3.9") == 0
        assert points(place, punctuality="5") == 0


# --- cases -------------------------------------------------------------------------------------------------------

CASES = """
- {name: filed in time, on: 2024-09-27, stage: street_filing, started: 2024-09-27, due: 2024-10-16}
- {name: the case's day is the first, on: 2024-09-27, stage: street_filing, due: 2024-10-16}
- {name: waiting, on: 2024-09-27, stage: posting, objected_on: 2024-10-08, due: suspended}
- {name: resumed, on: 2024-09-27, stage: posting, objected_on: 2024-09-30, settled_on: 2024-10-09, due: 2024-10-16}
- {name: one in twenty, on: 2024-09-27, stage: spot_checks, reported: 100, checked: 5}
- {name: and one for the rest, on: 2024-09-27, stage: spot_checks, reported: 101, checked: 6}
- name: what may be done next
  on: 2024-09-27
  record: {state: applied, category: relief, duration: 1 hour}
  open_stages: [community_review, quick_filing]
"""


def failing(cases: str) -> list[str]:
    """Return the names of the cases that do not pass."""
    place = town(files=HEAD, review=STAGES)
    problems: list[Problem] = []
    folder = Folder("town", "town", _Files({"cases.yaml": cases}))  # type: ignore[arg-type]
    read = read_cases(folder, place.policy, problems)
    assert problems == []
    return [case.name for case in read if not run_case(place.rulebook, case).passed]


class _Files(dict[str, str]):
    """A folder in memory, as far as reading a chapter goes."""

    def __truediv__(self, name: str) -> _File:
        return _File(self[name])


class _File(str):
    def is_file(self) -> bool:
        return True

    def read_bytes(self) -> bytes:
        return self.encode()


def test_a_case_proves_deadlines_spot_checks_and_open_stages() -> None:
    assert failing(CASES) == []


@pytest.mark.parametrize(
    ("right", "wrong", "name"),
    [
        ("due: 2024-10-16}\n- {name: the", "due: 2024-10-17}\n- {name: the", "filed in time"),
        ("due: suspended", "due: 2024-10-12", "waiting"),
        ("checked: 5", "checked: 6", "one in twenty"),
        ("[community_review, quick_filing]", "[community_review]", "what may be done next"),
    ],
)
def test_a_case_that_expects_something_else_fails(right: str, wrong: str, name: str) -> None:
    assert CASES.count(right) == 1
    assert failing(CASES.replace(right, wrong)) == [name]


def test_a_layer_sets_a_stage_anew(tmp_path: Path) -> None:
    files = {
        "below/review.yaml": b"""
filing: {stage: {from_state: reviewed, to_state: filed, by: them, deadline: 10 working days}}
kept: {retention: {at_least: 10 years}}
""",
        "review.yaml": b"filing: {stage: {from_state: reviewed, to_state: filed, by: us, deadline: 5 working days}}\n",
    }
    with pytest.raises(PolicyError) as caught:
        checked(put_over(tmp_path / "policies", files))
    assert [problem.code for problem in caught.value.problems] == ["P600"]
    files["county.yaml"] = b"county: town\ntitle: a county\nbased_on: base\nholidays: CN\n"
    (tmp_path / "again").mkdir()
    filing, kept = checked(put_over(tmp_path / "again" / "policies", files)).review
    assert (filing.clause.layer, kept.clause.layer) == ("base/town", "base")


def test_a_deadline_that_was_not_said_for_the_first_days_is_a_problem() -> None:
    late = "filing: {stage: {from_state: reviewed, to_state: filed, by: us, deadline: {2024-01-01: 5 working days}}}"
    with pytest.raises(PolicyError) as caught:
        town(files=HEAD, review=late)
    assert [problem.code for problem in caught.value.problems] == ["P316"]


def test_a_deduction_is_told_with_one_sign() -> None:
    step = {
        "clause": "absent",
        "part": 0,
        "operation": "add",
        "unit": "points",
        "before": 500,
        "after": 200,
        "value": -3,
    }
    body = {"workings": [step], "refusals": [], "seconds": 0, "points": 200}
    kept: dict[str, dict[str, str]] = {"clauses": {}, "words": {}}
    assert sentences(body, kept, "en")[0].endswith("5 points → 2 points (- 3)")
    assert sentences({**body, "workings": [{**step, "value": 3}]}, kept, "en")[0].endswith("(+ 3)")
