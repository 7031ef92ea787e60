"""Reviews step by step: who may do what until when, and what becomes of a record or a star."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from lianxing.engine.answers import REASONS, REVIEW_REASONS, reason_sentence
from lianxing.engine.cases import run_case
from lianxing.engine.counting import counted
from lianxing.engine.reading.cases import read_cases
from lianxing.engine.reading.chapters import Folder
from lianxing.engine.review import Stillstand, last_day
from lianxing.engine.reviewing import awarded, due_list, judge, record_subject, standing_of
from lianxing.engine.spot_checks import RecordKey, checked_period, drawn
from lianxing.engine.standings import standing
from lianxing.engine.star_awards import basis
from lianxing.engine.star_courses import counted_on
from lianxing.rules.dates import always
from lianxing.rules.decisions import StarReason
from lianxing.rules.facts import RecordId, RegistryId
from lianxing.rules.periods import Term
from lianxing.rules.problems import Problem
from lianxing.rules.records import ServiceRecord
from lianxing.rules.review import SpotCheck
from lianxing.rules.reviewing import About, Awarded, Basis, Doing, Step, Subject, Verdict
from tests.engine.counties import COUNTY, SOMEBODY, Town, town

HEAD = {"county.yaml": COUNTY % "Asia/Shanghai"}
COMMUNITY, STREET, BUREAU = "the community", "the sub-district", "the bureau"
REVIEW = """
community_review: {stage: {from_state: applied, to_state: reviewed, by: the community, deadline: 5 working days}}
street_filing: {stage: {from_state: reviewed, to_state: filed, by: the sub-district, deadline: 10 working days}}
posted:
  notice:
    of: hours
    from_state: filed
    to_state: effective
    deadline: 5 working days
    objection: suspends
    appeal: {deadline: 3 working days, by: the bureau}
spot_checks: {spot_check: {share: 5 %, per: quarter, by: the bureau}}
"""
WITHOUT_APPEAL = REVIEW.replace("    appeal: {deadline: 3 working days, by: the bureau}\n", "")
CLERKS = {COMMUNITY: "Zhang", STREET: "Li", BUREAU: "Wang"}


def county(review: str = REVIEW) -> Town:
    return town(files=HEAD, review=review)


class Story:
    """A review told day by day; a step that is refused is not part of it."""

    def __init__(self, place: Town, subject: Subject, steps: Sequence[Step] = ()) -> None:
        self.place, self.subject, self.steps = place, subject, list(steps)

    def says(self, on: str, doing: Doing, role: str = "", **more: object) -> Verdict:
        """Return the answer to a step, and take it where it is allowed."""
        actor = CLERKS.get(role, "Feng" if role else "a neighbour")
        given: dict[str, object] = {"actor": actor, "reason": "as the papers show"}
        step = Step(doing, date.fromisoformat(on), role=role, **{**given, **more})  # type: ignore[arg-type]
        verdict = judge(self.place.rulebook, self.subject, self.steps, step)
        if verdict.allowed:
            self.steps.append(verdict.taken(step))
        return verdict

    def does(self, on: str, doing: Doing, role: str = "", **more: object) -> Verdict:
        verdict = self.says(on, doing, role, **more)
        assert verdict.allowed, verdict.reasons
        return verdict

    def refuses(self, on: str, doing: Doing, role: str = "", **more: object) -> list[str]:
        """Return the codes for which a step is refused."""
        before = list(self.steps)
        verdict = self.says(on, doing, role, **more)
        assert not verdict.allowed
        assert self.steps == before
        for reason in verdict.reasons:
            for said in (reason_sentence(reason, "zh"), reason_sentence(reason, "en")):
                assert "{" not in said
                assert reason.clause.id in said
        return [reason.code for reason in verdict.reasons]


def of_a_record(place: Town | None = None, day: str = "2024-09-02", **facts: str) -> Story:
    place = place or county()
    record = place.record(f"{day} 09:00", "11:00", **({"state": "applied"} | facts))  # type: ignore[arg-type]
    return Story(place, record_subject(place.rulebook, SOMEBODY, record))


def posted(place: Town | None = None) -> Story:
    """A record of 2 September 2024, posted on Wednesday the 4th: the notice runs until Wednesday the 11th."""
    story = of_a_record(place)
    story.does("2024-09-02", Doing.APPLIED, actor=SOMEBODY.id)
    story.does("2024-09-03", Doing.ADVANCED, COMMUNITY)
    story.does("2024-09-04", Doing.ADVANCED, STREET)
    assert story.does("2024-09-04", Doing.POSTED, STREET).due == date(2024, 9, 11)
    return story


# --- the way of a record -----------------------------------------------------------------------------------------


def test_a_record_comes_by_way_of_both_stages_and_the_notice_into_effect() -> None:
    story = posted()
    assert story.refuses("2024-09-11", Doing.TOOK_EFFECT) == ["notice_runs"]
    assert story.does("2024-09-12", Doing.TOOK_EFFECT, actor="the bank").state == "effective"
    for doing in (Doing.TOOK_EFFECT, Doing.OBJECTED, Doing.APPLIED):
        assert story.refuses("2024-09-12", doing) == ["not_in_this_state"]


def test_a_refused_step_tells_how_it_stands_and_changes_nothing() -> None:
    story = of_a_record()
    verdict = story.says("2024-09-02", Doing.ADVANCED, STREET)
    assert (verdict.allowed, verdict.state, verdict.due) == (False, "applied", date(2024, 9, 9))
    assert [(one.doing, one.by) for one in verdict.next][:2] == [(Doing.APPLIED, ""), (Doing.ADVANCED, COMMUNITY)]


def test_no_stage_is_left_out_and_each_has_its_body() -> None:
    story = of_a_record()
    assert story.refuses("2024-09-02", Doing.ADVANCED, STREET) == ["not_the_role"]
    assert story.refuses("2024-09-02", Doing.ADVANCED, STREET, stage="street_filing") == ["not_in_this_state"]
    assert story.refuses("2024-09-02", Doing.ADVANCED, STREET, stage="community_review") == ["not_the_role"]
    assert story.refuses("2024-09-02", Doing.POSTED, STREET) == ["not_in_this_state"]
    assert story.refuses("2024-09-02", Doing.TOOK_EFFECT) == ["not_in_this_state"]
    story.does("2024-09-02", Doing.ADVANCED, COMMUNITY)
    story.does("2024-09-02", Doing.ADVANCED, STREET)
    assert story.refuses("2024-09-02", Doing.TOOK_EFFECT) == ["not_in_this_state"]
    assert story.refuses("2024-09-02", Doing.POSTED, COMMUNITY) == ["not_the_role"]


def test_which_of_two_stages_of_one_body_is_meant_has_to_be_said() -> None:
    quick = "quick: {stage: {from_state: applied, to_state: filed, by: the community, deadline: 1 month}}\n"
    story = of_a_record(county(REVIEW + quick))
    assert story.refuses("2024-09-02", Doing.ADVANCED, COMMUNITY) == ["which_stage"]
    assert story.does("2024-09-02", Doing.ADVANCED, COMMUNITY, stage="quick").state == "filed"


def test_a_record_that_its_registry_reports_as_filed_is_posted_by_who_files() -> None:
    story = of_a_record(state="filed")
    assert story.refuses("2024-09-02", Doing.POSTED, COMMUNITY) == ["not_the_role"]
    assert story.does("2024-09-02", Doing.POSTED, STREET).due == date(2024, 9, 9)


def test_the_time_of_a_record_that_came_in_late_runs_from_then_on() -> None:
    story = of_a_record(recorded_on="2024-09-20")
    assert story.refuses("2024-09-19", Doing.ADVANCED, COMMUNITY) == ["before_the_last_step"]
    assert story.does("2024-09-27", Doing.ADVANCED, COMMUNITY).state == "reviewed"


# --- deadlines, late entry ---------------------------------------------------------------------------------------


def test_the_fifth_working_day_is_in_time_and_the_sixth_is_late() -> None:
    assert of_a_record().does("2024-09-09", Doing.ADVANCED, COMMUNITY).late is False
    story = of_a_record()
    assert story.refuses("2024-09-10", Doing.ADVANCED, COMMUNITY) == ["too_late"]
    assert story.refuses("2024-09-10", Doing.LATE_ENTRY, COMMUNITY, reason=" ") == ["reason_missing"]
    verdict = story.does("2024-09-10", Doing.LATE_ENTRY, COMMUNITY)
    assert (verdict.late, verdict.state) == (True, "reviewed")


def test_what_is_in_time_is_no_late_entry() -> None:
    assert of_a_record().refuses("2024-09-09", Doing.LATE_ENTRY, COMMUNITY) == ["not_late"]


def test_a_late_entry_takes_the_same_body() -> None:
    assert of_a_record().refuses("2024-09-10", Doing.LATE_ENTRY, STREET) == ["not_the_role"]


def test_steps_go_forward_in_time() -> None:
    story = of_a_record()
    assert story.refuses("2024-09-01", Doing.ADVANCED, COMMUNITY) == ["before_the_last_step"]
    story.does("2024-09-04", Doing.ADVANCED, COMMUNITY)
    assert story.refuses("2024-09-03", Doing.ADVANCED, STREET) == ["before_the_last_step"]


def test_filing_before_the_national_day_counts_its_make_up_days() -> None:
    story = of_a_record(day="2024-09-26")
    assert story.does("2024-09-27", Doing.ADVANCED, COMMUNITY).due == date(2024, 10, 16)
    assert story.refuses("2024-10-17", Doing.ADVANCED, STREET) == ["too_late"]
    assert story.does("2024-10-16", Doing.ADVANCED, STREET).state == "filed"


# --- sending back, revoking --------------------------------------------------------------------------------------


def test_what_is_sent_back_takes_the_stage_anew_and_its_time_begins_anew() -> None:
    story = of_a_record()
    story.does("2024-09-03", Doing.ADVANCED, COMMUNITY)
    assert story.refuses("2024-09-04", Doing.RETURNED, STREET, reason="") == ["reason_missing"]
    assert story.refuses("2024-09-04", Doing.RETURNED, COMMUNITY) == ["not_the_role"]
    verdict = story.does("2024-09-04", Doing.RETURNED, STREET)
    assert (verdict.state, verdict.due) == ("applied", date(2024, 9, 11))


def test_what_the_first_body_sends_back_has_to_be_handed_in_again() -> None:
    story = of_a_record()
    assert story.does("2024-09-04", Doing.RETURNED, COMMUNITY).due is None
    assert story.refuses("2024-09-05", Doing.ADVANCED, COMMUNITY) == ["not_in_this_state"]
    assert story.does("2024-09-20", Doing.APPLIED, actor=SOMEBODY.id).due == date(2024, 9, 27)
    assert story.does("2024-09-23", Doing.ADVANCED, COMMUNITY).state == "reviewed"


def test_a_posted_record_that_goes_back_to_whoever_handed_it_in_is_not_posted_before_it_is_handed_in_again() -> None:
    story = of_a_record(state="filed")
    story.does("2024-09-02", Doing.POSTED, STREET)
    following = story.does("2024-09-03", Doing.RETURNED, STREET).next
    assert [one.doing for one in following] == [Doing.APPLIED, Doing.CHECKED]
    assert story.refuses("2024-09-04", Doing.POSTED, STREET) == ["not_in_this_state"]
    story.does("2024-09-05", Doing.APPLIED, actor=SOMEBODY.id)
    assert story.does("2024-09-05", Doing.POSTED, STREET).due == date(2024, 9, 12)


def test_a_posted_record_that_is_sent_back_is_posted_anew_for_the_full_time() -> None:
    story = posted()
    assert story.does("2024-09-10", Doing.RETURNED, STREET).state == "reviewed"
    story.does("2024-09-10", Doing.ADVANCED, STREET)
    assert story.refuses("2024-09-12", Doing.TOOK_EFFECT) == ["not_in_this_state"]
    assert story.does("2024-09-10", Doing.POSTED, STREET).due == date(2024, 9, 18)  # a make-up day, and Mid-Autumn


def test_a_revoked_record_is_refused_for_good_even_after_it_took_effect() -> None:
    story = posted()
    story.does("2024-09-12", Doing.TOOK_EFFECT)
    assert story.refuses("2024-09-20", Doing.REVOKED, BUREAU, reason="") == ["reason_missing"]
    assert story.refuses("2024-09-20", Doing.REVOKED, "the choir") == ["not_the_role"]
    assert story.does("2024-09-20", Doing.REVOKED, BUREAU).state == "refused"
    for doing, role in ((Doing.ADVANCED, COMMUNITY), (Doing.REVOKED, BUREAU), (Doing.APPLIED, "")):
        assert story.refuses("2024-09-21", doing, role) == ["not_in_this_state"]


# --- nobody decides in a matter of one's own ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("doing", "role"),
    [(Doing.ADVANCED, COMMUNITY), (Doing.RETURNED, COMMUNITY), (Doing.REVOKED, BUREAU), (Doing.CHECKED, BUREAU)],
)
def test_a_clerk_who_is_the_volunteer_decides_nothing_here(doing: Doing, role: str) -> None:
    assert of_a_record().refuses("2024-09-03", doing, role, actor=SOMEBODY.id) == ["own_matter"]
    of_a_record().does("2024-09-03", doing, role, actor="somebody else")


def test_every_step_has_an_actor() -> None:
    assert of_a_record().refuses("2024-09-03", Doing.ADVANCED, COMMUNITY, actor=" ") == ["no_actor"]


def test_who_objected_does_not_settle_it() -> None:
    story = posted()
    story.does("2024-09-05", Doing.OBJECTED, actor="Zhao")
    assert story.refuses("2024-09-06", Doing.OUTCOME, STREET, actor="Zhao", upheld=False) == ["own_objection"]
    story.does("2024-09-06", Doing.OUTCOME, STREET, actor="Qian", upheld=False)


def test_a_spot_check_is_made_by_the_body_named_and_by_nobody_who_decided_before() -> None:
    story = posted()
    assert story.refuses("2024-09-05", Doing.CHECKED, STREET) == ["not_the_role"]
    assert story.refuses("2024-09-05", Doing.CHECKED, BUREAU, actor="Zhang") == ["own_decision"]
    assert story.does("2024-09-05", Doing.CHECKED, BUREAU).state == "filed"


# --- objections --------------------------------------------------------------------------------------------------


def test_an_objection_on_the_last_day_is_heard_and_one_on_the_day_after_is_not() -> None:
    assert posted().refuses("2024-09-12", Doing.OBJECTED) == ["too_late"]
    verdict = posted().does("2024-09-11", Doing.OBJECTED)
    assert (verdict.suspended, verdict.due) == (True, None)


def test_an_objection_says_why_and_an_outcome_says_what() -> None:
    story = posted()
    assert story.refuses("2024-09-05", Doing.OBJECTED, reason="") == ["reason_missing"]
    assert story.refuses("2024-09-05", Doing.OUTCOME, STREET, upheld=True) == ["which_objection"]
    story.does("2024-09-05", Doing.OBJECTED)
    assert story.refuses("2024-09-05", Doing.OUTCOME, STREET) == ["no_outcome"]
    assert story.refuses("2024-09-05", Doing.OUTCOME, COMMUNITY, upheld=False) == ["not_the_role"]


def test_what_is_not_posted_is_not_objected_to() -> None:
    assert of_a_record().refuses("2024-09-03", Doing.OBJECTED) == ["not_in_this_state"]


def test_nothing_takes_effect_while_the_notice_stands_still() -> None:
    story = posted(county(WITHOUT_APPEAL))
    story.does("2024-09-06", Doing.OBJECTED)
    assert story.refuses("2024-12-31", Doing.TOOK_EFFECT) == ["objection_open"]
    assert story.refuses("2024-12-31", Doing.RETURNED, STREET) == ["objection_open"]
    # The 5th was used up, four days are left after the 31st; New Year's Day is none.
    assert story.does("2024-12-31", Doing.OUTCOME, STREET, upheld=False).due == date(2025, 1, 7)
    assert story.refuses("2025-01-07", Doing.TOOK_EFFECT) == ["notice_runs"]
    assert story.does("2025-01-08", Doing.TOOK_EFFECT).state == "effective"


def test_a_notice_suspended_over_the_national_day_runs_on_through_the_make_up_days() -> None:
    story = of_a_record(county(WITHOUT_APPEAL), day="2024-09-25", state="filed")
    assert story.does("2024-09-25", Doing.POSTED, STREET).due == date(2024, 10, 8)  # 26, 27, Sunday 29, 30, 8
    story.does("2024-09-29", Doing.OBJECTED)  # a Sunday that is worked: 26 and 27 are used up
    assert story.does("2024-10-08", Doing.OUTCOME, STREET, upheld=False).due == date(2024, 10, 11)  # 9, 10, 11
    assert story.refuses("2024-10-11", Doing.TOOK_EFFECT) == ["notice_runs"]
    story.does("2024-10-12", Doing.TOOK_EFFECT)


def test_two_objections_at_once_stand_still_once_and_each_needs_its_outcome() -> None:
    story = posted(county(WITHOUT_APPEAL))
    story.does("2024-09-06", Doing.OBJECTED, actor="Zhao")
    story.does("2024-09-09", Doing.OBJECTED, actor="Qian")
    assert story.refuses("2024-09-10", Doing.OUTCOME, STREET, upheld=False) == ["which_objection"]
    assert story.does("2024-09-10", Doing.OUTCOME, STREET, upheld=False, objection=1).suspended
    assert story.refuses("2024-09-10", Doing.OUTCOME, STREET, upheld=False, objection=1) == ["which_objection"]
    # The 5th was used up; 12, 13, Saturday 14 is worked, then Mid-Autumn until the 17th, 18.
    assert story.does("2024-09-11", Doing.OUTCOME, STREET, upheld=False).due == date(2024, 9, 18)


def test_where_the_notice_goes_on_it_still_takes_no_effect_before_the_objection_is_settled() -> None:
    story = posted(county(WITHOUT_APPEAL.replace("suspends", "goes_on")))
    verdict = story.does("2024-09-06", Doing.OBJECTED)
    assert (verdict.suspended, verdict.due) == (False, date(2024, 9, 11))
    assert story.refuses("2024-09-12", Doing.TOOK_EFFECT) == ["objection_open"]
    story.does("2024-09-12", Doing.OUTCOME, STREET, upheld=False)
    story.does("2024-09-12", Doing.TOOK_EFFECT)


def test_what_was_rightly_objected_to_never_takes_effect_and_goes_back() -> None:
    story = posted(county(WITHOUT_APPEAL))
    story.does("2024-09-06", Doing.OBJECTED)
    story.does("2024-09-09", Doing.OUTCOME, STREET, upheld=True)
    assert story.refuses("2025-09-09", Doing.TOOK_EFFECT) == ["objection_upheld"]
    assert story.does("2024-09-09", Doing.RETURNED, STREET).state == "reviewed"


# --- appeals -----------------------------------------------------------------------------------------------------


def settled(upheld: bool) -> Story:
    """Posted, objected to on Friday the 6th, settled on Monday the 9th: appeals may come until the 12th."""
    story = posted()
    story.does("2024-09-06", Doing.OBJECTED, actor="Zhao")
    story.does("2024-09-09", Doing.OUTCOME, STREET, upheld=upheld)
    return story


def test_an_appeal_comes_within_its_term() -> None:
    assert settled(True).refuses("2024-09-13", Doing.APPEALED, actor=SOMEBODY.id) == ["too_late"]
    settled(True).does("2024-09-12", Doing.APPEALED, actor=SOMEBODY.id)


def test_only_who_is_concerned_appeals_and_only_once() -> None:
    story = settled(False)
    assert story.refuses("2024-09-10", Doing.APPEALED, actor="Sun") == ["not_concerned"]
    story.does("2024-09-10", Doing.APPEALED, actor="Zhao")
    assert story.refuses("2024-09-10", Doing.APPEALED, actor="Zhao") == ["appealed_before"]
    story.does("2024-09-11", Doing.APPEAL_OUTCOME, BUREAU, upheld=False)
    assert story.refuses("2024-09-11", Doing.APPEALED, actor="Zhao") == ["appealed_before"]


def test_an_appeal_is_decided_by_another_body_and_another_person() -> None:
    story = settled(False)
    story.does("2024-09-10", Doing.APPEALED, actor="Zhao")
    assert story.refuses("2024-09-10", Doing.APPEAL_OUTCOME, STREET, upheld=True, actor="Zhou") == ["not_the_role"]
    assert story.refuses("2024-09-10", Doing.APPEAL_OUTCOME, BUREAU, upheld=True, actor="Li") == ["own_decision"]
    assert story.refuses("2024-09-10", Doing.APPEAL_OUTCOME, BUREAU, upheld=True, actor="Zhao") == ["own_objection"]


def test_a_volunteer_whose_appeal_is_upheld_has_the_rest_of_the_notice_run_on() -> None:
    story = settled(True)
    story.does("2024-09-10", Doing.APPEALED, actor=SOMEBODY.id)
    assert story.refuses("2024-12-10", Doing.TOOK_EFFECT) == ["objection_open"]
    assert story.does("2024-09-11", Doing.APPEAL_OUTCOME, BUREAU, upheld=True).due == date(2024, 9, 18)
    story.does("2024-09-19", Doing.TOOK_EFFECT)


def test_what_is_upheld_waits_for_an_appeal_before_it_goes_back() -> None:
    story = settled(True)
    assert story.refuses("2024-09-12", Doing.RETURNED, STREET) == ["appeal_possible"]
    assert story.refuses("2024-09-12", Doing.REVOKED, BUREAU) == ["appeal_possible"]
    assert story.does("2024-09-13", Doing.RETURNED, STREET).state == "reviewed"


def test_an_objector_whose_appeal_is_upheld_stops_the_record() -> None:
    story = settled(False)
    story.does("2024-09-10", Doing.APPEALED, actor="Zhao")
    story.does("2024-09-11", Doing.APPEAL_OUTCOME, BUREAU, upheld=True)
    assert story.refuses("2025-09-11", Doing.TOOK_EFFECT) == ["objection_upheld"]


def test_nothing_takes_effect_while_an_appeal_may_still_come() -> None:
    story = posted()
    story.does("2024-09-11", Doing.OBJECTED)  # the last day: it is left
    assert story.does("2024-09-11", Doing.OUTCOME, STREET, upheld=False).due == date(2024, 9, 12)
    assert story.refuses("2024-09-14", Doing.TOOK_EFFECT) == ["appeal_possible"]
    story.does("2024-09-15", Doing.TOOK_EFFECT)


def test_without_a_word_on_appeals_there_is_none() -> None:
    story = posted(county(WITHOUT_APPEAL))
    story.does("2024-09-06", Doing.OBJECTED, actor="Zhao")
    story.does("2024-09-06", Doing.OUTCOME, STREET, upheld=True)
    assert story.refuses("2024-09-06", Doing.APPEALED, actor="Zhao") == ["no_appeal"]


# --- several stillstands -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stills", "end"),
    [
        ([], 11),
        ([(5, 5)], 12),
        ([(5, 6), (6, 9)], 14),
        ([(5, 9), (6, 6)], 14),  # the one lies in the other
        ([(5, 5), (6, 6)], 13),
        ([(12, 20)], 11),  # too late to move anything
    ],
)
def test_days_that_stand_still_are_not_counted(stills: list[tuple[int, int]], end: int) -> None:
    calendar = county().rulebook.calendar
    told = [Stillstand(date(2024, 9, first), date(2024, 9, last)) for first, last in stills]
    assert last_day(calendar, date(2024, 9, 4), Term(working_days=5), reversed(told)) == date(2024, 9, end)


def test_an_open_end_among_others_leaves_no_last_day() -> None:
    told = [Stillstand(date(2024, 9, 5), date(2024, 9, 9)), Stillstand(date(2024, 9, 6), None)]
    assert last_day(county().rulebook.calendar, date(2024, 9, 4), Term(working_days=5), told) is None


# --- the work list -----------------------------------------------------------------------------------------------


def test_a_work_list_tells_each_body_what_waits_and_what_is_overdue_first() -> None:
    place = county()
    old, new = of_a_record(place, "2024-09-02"), of_a_record(place, "2024-09-09")
    running = posted(place)
    listed = due_list(place.rulebook, [(one.subject, one.steps) for one in (new, old, running)], date(2024, 9, 12))
    found = [(one.next.by, one.next.doing, one.next.until, one.next.overdue) for one in listed]
    assert found == [
        ("", Doing.TOOK_EFFECT, None, False),
        (COMMUNITY, Doing.LATE_ENTRY, date(2024, 9, 9), True),
        (COMMUNITY, Doing.ADVANCED, date(2024, 9, 14), False),
    ]
    assert due_list(place.rulebook, [(running.subject, running.steps)], date(2024, 9, 11)) == ()


def test_whatever_is_offered_as_the_next_step_is_allowed() -> None:
    story = posted()
    story.does("2024-09-05", Doing.OBJECTED, actor="Zhao")
    for on in ("2024-09-05", "2024-09-30"):
        for following in standing_of(story.place.rulebook, story.subject, story.steps, date.fromisoformat(on)).next:
            again = Story(story.place, story.subject, story.steps)
            again.does(on, following.doing, following.by, actor="Wu", upheld=False)


# --- spot checks -------------------------------------------------------------------------------------------------


def keys(count: int) -> list[RecordKey]:
    return [(RegistryId("test"), RecordId(f"R{number}")) for number in range(count)]


def check() -> SpotCheck:
    return next(said for said in county().policy.review if isinstance(said, SpotCheck))


@pytest.mark.parametrize(("reported", "picked"), [(0, 0), (1, 1), (19, 1), (20, 1), (21, 2), (100, 5), (101, 6)])
def test_the_share_is_rounded_up_so_that_one_is_checked_where_there_are_any(reported: int, picked: int) -> None:
    assert len(drawn(check(), "2024-Q3", keys(reported), date(2024, 9, 30))) == picked


def test_the_same_seed_draws_the_same_records_in_whatever_order_they_come() -> None:
    day = date(2024, 9, 30)
    first = drawn(check(), "a seed", keys(200), day)
    assert first == drawn(check(), "a seed", [*reversed(keys(200)), *keys(3)], day)
    assert first != drawn(check(), "another seed", keys(200), day)
    # `printf '6:a seed4:test4:R171' | sha256sum`, and so on, sorted.
    assert [id for _registry, id in first] == ["R171", "R68", "R11", "R83", "R97", "R98", "R102", "R10", "R163", "R173"]


def test_two_registries_may_give_the_same_id() -> None:
    same = [(RegistryId(name), RecordId("R1")) for name in ("one", "other")]
    everything = replace(check(), share=always(Fraction(1), check().clause.location))
    assert sorted(drawn(everything, "a seed", same, date(2024, 9, 30))) == same


def test_a_quarter_is_checked_as_a_whole() -> None:
    assert checked_period(check(), date(2024, 8, 15)) == (date(2024, 7, 1), date(2024, 9, 30))


# --- stars -------------------------------------------------------------------------------------------------------

MEASURES = "served: {sum: hours, over: all_time}"
LEVELS = "1: {served: {at_least: 100 hours}}, 3: {served: {at_least: 300 hours}}, 5: {served: {at_least: 600 hours}}"
APPROVERS = {1: "the county", 3: "the city", 5: "the province"}
AWARD = (
    "by: application, sequence: one_by_one, below: downgrade, notice: 5 working days, "
    "approver: {1: the county, 3: the city, 5: the province}"
)


def ladder(award: str = AWARD, review: str = "") -> Town:
    chapters = {"review": review} if review else {}
    return town(files=HEAD, stars=f"award: {{{award}}}\nlevels: {{{LEVELS}}}\n", measures=MEASURES, **chapters)


def hours(place: Town, day: str, count: int) -> ServiceRecord:
    return place.record(day, minutes=count * 60, id=f"{day} {count}")


class StarStory(Story):
    """A person who served so many hours on 2 January 2024, and an application for a star."""

    def __init__(
        self,
        place: Town,
        star: int,
        served: int,
        applied: str = "2024-09-02",
        before: tuple[Awarded, ...] = (),
        nominated: bool = False,
    ) -> None:
        self.history = [counted(one) for one in place.assess(hours(place, "2024-01-02", served))]
        self.before = before
        day = date.fromisoformat(applied)
        super().__init__(place, Subject(About.STAR, SOMEBODY.id, day, star=star, nominated=nominated))

    def basis(self, on: str) -> Basis:
        day, star = date.fromisoformat(on), self.subject.star
        return basis(
            self.place.rulebook,
            SOMEBODY,
            self.history,
            star,
            day,
            awards=self.before,
            nominated=self.subject.nominated,
        )

    def held(self, on: str) -> int:
        awards = (*self.before, *awarded(self.place.rulebook, [(self.subject, self.steps)]))
        return standing(self.place.rulebook, SOMEBODY, self.history, date.fromisoformat(on), awards).star_held


def earlier(*stars: int) -> tuple[Awarded, ...]:
    return tuple(Awarded(star, date(2024, 2, star), date(2024, 3, star), APPROVERS[star]) for star in stars)


def test_an_application_is_of_the_day_on_which_it_is_handed_in() -> None:
    story = StarStory(ladder(), 1, 600)
    assert story.refuses("2024-09-01", Doing.APPLIED, actor=SOMEBODY.id) == ["before_the_last_step"]
    assert story.refuses("2024-09-03", Doing.APPLIED, actor=SOMEBODY.id) == ["applied_another_day"]
    story.does("2024-09-02", Doing.APPLIED, actor=SOMEBODY.id)


@pytest.mark.parametrize(("star", "before"), [(1, ()), (3, (1,)), (5, (1, 3))])
def test_a_star_is_approved_by_the_body_of_its_level_posted_awarded_and_certified(
    star: int, before: tuple[int, ...]
) -> None:
    story, by = StarStory(ladder(), star, 600, before=earlier(*before)), APPROVERS[star]
    story.does("2024-09-02", Doing.APPLIED, actor=SOMEBODY.id)
    for other in set(APPROVERS.values()) - {by}:
        refused = story.refuses("2024-09-03", Doing.APPROVED, other, basis=story.basis("2024-09-02"))
        assert refused == ["not_the_role"]
    assert story.refuses("2024-09-03", Doing.AWARDED, by) == ["not_in_this_state"]
    story.does("2024-09-03", Doing.APPROVED, by, basis=story.basis("2024-09-02"))
    assert story.refuses("2024-09-04", Doing.AWARDED, by) == ["not_posted"]
    assert story.does("2024-09-04", Doing.POSTED, by).due == date(2024, 9, 11)
    assert story.refuses("2024-09-11", Doing.AWARDED, by) == ["notice_runs"]
    assert story.held("2024-09-12") == max(before, default=0)
    story.does("2024-09-12", Doing.AWARDED, by)
    assert (story.held("2024-09-11"), story.held("2024-09-12")) == (max(before, default=0), star)
    assert story.refuses("2024-09-12", Doing.CERTIFICATE_ISSUED, by) == ["no_number"]
    assert story.refuses("2024-09-12", Doing.AWARDED, by) == ["not_in_this_state"]
    story.does("2024-09-12", Doing.CERTIFICATE_ISSUED, by, number="town-2024-000001")
    assert story.refuses("2024-09-12", Doing.CERTIFICATE_ISSUED, by, number="2") == ["not_in_this_state"]
    (award,) = awarded(story.place.rulebook, [(story.subject, story.steps)])
    assert award == Awarded(star, date(2024, 9, 2), date(2024, 9, 12), by, nominated=False, number="town-2024-000001")


def test_nobody_approves_a_star_of_ones_own() -> None:
    story = StarStory(ladder(), 1, 100)
    story.does("2024-09-02", Doing.APPLIED, actor=SOMEBODY.id)
    refused = story.refuses(
        "2024-09-02", Doing.APPROVED, "the county", actor=SOMEBODY.id, basis=story.basis("2024-09-02")
    )
    assert refused == ["own_matter"]


@pytest.mark.parametrize(
    ("star", "served", "before", "why"),
    [
        (1, 99, (), StarReason.CONDITION),
        (3, 600, (), StarReason.NOT_NEXT),
        (1, 600, (1, 3), StarReason.NOT_ABOVE),
        (3, 299, (1,), StarReason.CONDITION),
        (3, 300, (1,), None),
    ],
)
def test_only_who_reached_the_star_and_holds_the_one_before_is_awarded_it(
    star: int, served: int, before: tuple[int, ...], why: StarReason | None
) -> None:
    story = StarStory(ladder(), star, served, before=earlier(*before))
    story.does("2024-09-02", Doing.APPLIED, actor=SOMEBODY.id)
    found = story.basis("2024-09-02")
    assert found.refused is why
    verdict = story.says("2024-09-03", Doing.APPROVED, APPROVERS[star], basis=found)
    assert verdict.allowed is (why is None)
    assert [dict(reason.operands).get("why") for reason in verdict.reasons] == ([] if why is None else [why.value])


def test_the_standing_of_another_day_or_star_is_no_basis() -> None:
    story = StarStory(ladder(), 1, 600)
    story.does("2024-09-02", Doing.APPLIED, actor=SOMEBODY.id)
    for wrong in (None, story.basis("2024-09-03"), replace(story.basis("2024-09-02"), star=3)):
        assert story.refuses("2024-09-03", Doing.APPROVED, "the county", basis=wrong) == ["no_basis"]


def test_a_round_counts_what_there_is_on_its_cut_off_and_is_not_decided_before() -> None:
    award = "by: review, below: downgrade, round_of: quarter, cut_off: 12-31, approver: {1: the county}"
    story = StarStory(ladder(award), 1, 100)
    assert story.refuses("2024-09-02", Doing.APPLIED, actor=SOMEBODY.id) == ["own_matter"]
    story.does("2024-09-02", Doing.APPLIED, "the county")
    assert counted_on(story.place.policy.stars.award, date(2024, 9, 30)) == date(2024, 9, 30)  # type: ignore[union-attr]
    early = story.refuses("2024-09-29", Doing.APPROVED, "the county", basis=story.basis("2024-09-30"))
    assert early == ["before_the_cut_off"]
    assert story.refuses("2024-10-08", Doing.APPROVED, "the county", basis=story.basis("2024-09-02")) == ["no_basis"]
    story.does("2024-10-08", Doing.APPROVED, "the county", basis=story.basis("2024-09-30"))
    assert story.held("2024-12-31") == 0  # the round alone awards nothing here
    story.does("2024-10-08", Doing.AWARDED, "the county")  # no notice in this county
    assert story.held("2024-10-08") == 1


def test_a_nomination_comes_from_an_organization() -> None:
    award = AWARD.replace("application", "nomination")
    assert StarStory(ladder(award), 1, 100).refuses("2024-09-02", Doing.APPLIED, actor="Zhao") == ["star_refused"]
    story = StarStory(ladder(award), 1, 100, nominated=True)
    assert story.refuses("2024-09-02", Doing.APPLIED, actor=SOMEBODY.id) == ["own_matter"]
    story.does("2024-09-02", Doing.APPLIED, actor="Zhao")
    assert story.basis("2024-09-02").refused is None


def test_what_comes_by_itself_is_not_applied_for() -> None:
    automatic = ladder("by: automatic")
    assert StarStory(automatic, 1, 100).refuses("2024-09-02", Doing.APPLIED) == ["by_itself"]
    lower = ladder(AWARD + ", automatic_up_to: 1")
    assert StarStory(lower, 1, 100).refuses("2024-09-02", Doing.APPLIED) == ["by_itself"]
    assert StarStory(lower, 3, 300).held("2024-09-02") == 1
    assert StarStory(lower, 3, 300).says("2024-09-02", Doing.APPLIED).allowed
    assert StarStory(lower, 2, 300).refuses("2024-09-02", Doing.APPLIED) == ["star_refused"]


def test_an_objection_to_a_star_is_settled_by_its_approver_and_suspends_the_notice() -> None:
    story = StarStory(ladder(), 1, 100)
    story.does("2024-09-02", Doing.APPLIED)
    story.does("2024-09-02", Doing.APPROVED, "the county", basis=story.basis("2024-09-02"))
    story.does("2024-09-04", Doing.POSTED, "the county")
    story.does("2024-09-11", Doing.OBJECTED, actor="Zhao")
    assert story.refuses("2024-09-12", Doing.AWARDED, "the county") == ["objection_open"]
    assert story.refuses("2024-09-12", Doing.OUTCOME, "the city", upheld=False) == ["not_the_role"]
    assert story.does("2024-09-12", Doing.OUTCOME, "the county", upheld=False).due == date(2024, 9, 13)
    story.does("2024-09-14", Doing.AWARDED, "the county")


def test_a_star_rightly_objected_to_is_not_awarded_and_the_application_is_over() -> None:
    review = "stars_posted: {notice: {of: stars, deadline: 5 working days, objection: suspends}}"
    story = StarStory(ladder(AWARD.replace("notice: 5 working days, ", ""), review), 1, 100)
    story.does("2024-09-02", Doing.APPLIED)
    story.does("2024-09-02", Doing.APPROVED, "the county", basis=story.basis("2024-09-02"))
    assert story.does("2024-09-04", Doing.POSTED, "the county").due == date(2024, 9, 11)  # review.yaml says how long
    story.does("2024-09-05", Doing.OBJECTED)
    story.does("2024-09-05", Doing.OUTCOME, "the county", upheld=True)
    assert story.refuses("2025-09-05", Doing.AWARDED, "the county") == ["objection_upheld"]
    assert story.does("2024-09-05", Doing.RETURNED, "the county").state == "returned"
    assert story.refuses("2024-09-06", Doing.APPLIED) == ["not_in_this_state"]


def test_a_revoked_award_is_held_on_no_day() -> None:
    story = StarStory(ladder("by: application, sequence: highest, below: keep"), 3, 300)
    story.does("2024-09-02", Doing.APPLIED)
    assert story.refuses("2024-09-02", Doing.APPROVED, basis=story.basis("2024-09-02")) == ["not_the_role"]
    story.does("2024-09-02", Doing.APPROVED, "any body", basis=story.basis("2024-09-02"))
    story.does("2024-09-02", Doing.AWARDED, "any body")
    assert story.held("2024-10-01") == 3
    story.does("2024-10-01", Doing.REVOKED, "any body")
    assert (story.held("2024-09-02"), story.held("2024-10-01")) == (0, 0)


def test_a_star_that_the_records_no_longer_carry_is_lost_and_taken_note_of() -> None:
    story = StarStory(ladder(AWARD.replace("notice: 5 working days, ", "")), 1, 100)
    story.does("2024-09-02", Doing.APPLIED)
    story.does("2024-09-02", Doing.APPROVED, "the county", basis=story.basis("2024-09-02"))
    story.does("2024-09-02", Doing.AWARDED, "the county")
    story.before = awarded(story.place.rulebook, [(story.subject, story.steps)])
    still = story.basis("2024-09-09")
    assert (still.held, still.reached) == (1, 1)
    assert story.refuses("2024-09-09", Doing.LOWERED, "the county", basis=still) == ["not_lost"]
    story.history = [past._replace(seconds=0, points=0, counted=False) for past in story.history]
    lost = story.basis("2024-09-10")
    assert (lost.held, lost.reached) == (0, 0)
    assert story.does("2024-09-10", Doing.LOWERED, "the county", basis=lost).state == "lowered"


def test_applications_among_the_records_decide_nothing_where_a_bank_awards() -> None:
    place = ladder("by: application, sequence: highest, below: keep")
    applies = place.record("2024-03-01", minutes=0, id="a", kind="star_application", star_applied="1")
    history = [counted(one) for one in place.assess(hours(place, "2024-01-02", 100), applies)]
    on = date(2024, 9, 2)
    assert standing(place.rulebook, SOMEBODY, history, on).star_held == 1
    assert standing(place.rulebook, SOMEBODY, history, on, ()).star_held == 0


# --- cases -------------------------------------------------------------------------------------------------------

CASE = """
- name: a case
  on: 2024-09-12
  record: {on: 2024-09-02, state: reviewed, duration: 2 hours}
  course:
    - {on: 2024-09-04, do: advanced, by: the sub-district}
    - {on: 2024-09-04, do: posted, by: the sub-district}
    - {on: 2024-09-12, do: took_effect}
  comes_to: effective
"""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("", ""),
        ("comes_to: effective", "comes_to: filed"),
        ("2024-09-12, do", "2024-09-11, do"),
        ("2024-09-04, do: advanced", "2024-09-01, do: advanced"),
        ("do: posted, by: the sub-district", "do: posted, by: the community"),
        ("comes_to: effective", "comes_to: effective\n  not_allowed: too_late"),
        ("by: the sub-district}\n    - {on: 2024-09-04", "by: the sub-district, actor: self}\n    - {on: 2024-09-04"),
    ],
)
def test_a_case_proves_the_way_of_a_record(right: str, wrong: str, tmp_path: Path) -> None:
    folder = tmp_path / "cases"
    folder.mkdir()
    (folder / "cases.yaml").write_text(CASE.replace(right, wrong) if right else CASE, encoding="utf-8")
    place, problems = county(), list[Problem]()
    (case,) = read_cases(Folder("town", "town", folder), place.policy, problems)
    result = run_case(place.rulebook, case)
    assert result.passed is (not right)
    assert problems == []
    if not right:
        assert {"street_filing", "posted"} <= result.touched


# --- words -------------------------------------------------------------------------------------------------------


def test_a_word_for_a_reason_stands_for_one_thing() -> None:
    assert not set(REASONS) & set(REVIEW_REASONS)


# --- whatever is tried -------------------------------------------------------------------------------------------


class Attempts(RuleBasedStateMachine):
    """Everybody tries everything; what is allowed is taken. Nothing takes effect by any other way than the policy's."""

    ROLES = (COMMUNITY, STREET, BUREAU, "", "the choir")
    ACTORS = (SOMEBODY.id, "Zhang", "Li", "Wang")

    @initialize(appeal=st.booleans(), suspends=st.booleans())
    def begin(self, appeal: bool, suspends: bool) -> None:
        text = REVIEW if appeal else WITHOUT_APPEAL
        self.place = county(text if suspends else text.replace("suspends", "goes_on"))
        self.suspends = suspends
        self.story = of_a_record(self.place)
        self.on = date(2024, 9, 2)

    @rule(days=st.integers(0, 9))
    def wait(self, days: int) -> None:
        self.on += timedelta(days=days)

    @rule(
        doing=st.sampled_from([doing for doing in Doing if doing is not Doing.TOOK_EFFECT]),
        role=st.sampled_from(ROLES),
        actor=st.sampled_from(ACTORS),
        upheld=st.booleans(),
        reason=st.sampled_from(["", "as the papers show"]),
    )
    def attempt(self, doing: Doing, role: str, actor: str, upheld: bool, reason: str) -> None:
        self.story.says(str(self.on), doing, role, actor=actor, upheld=upheld, reason=reason)

    @rule(which=st.integers(0, 9), upheld=st.booleans(), days=st.integers(0, 1))
    def do_what_is_offered(self, which: int, upheld: bool, days: int) -> None:
        self.on += timedelta(days=days)
        offered = standing_of(self.place.rulebook, self.story.subject, self.story.steps, self.on).next
        forward = [one for one in offered if one.doing is not Doing.RETURNED]
        if forward:
            following = forward[which % len(forward)]
            actor = {Doing.APPEAL_OUTCOME: "Chen", Doing.OBJECTED: "Zhao", Doing.APPEALED: "Zhao"}
            by = actor.get(following.doing, "Zhou")
            self.story.says(str(self.on), following.doing, following.by, actor=by, upheld=upheld and which > 5)

    @rule(days=st.integers(0, 9))
    def take_effect(self, days: int) -> None:
        self.on += timedelta(days=days)
        self.story.says(str(self.on), Doing.TOOK_EFFECT)

    @invariant()
    def what_took_effect_went_the_whole_way(self) -> None:
        steps = self.story.steps if hasattr(self, "story") else []
        if not steps or steps[-1].doing is not Doing.TOOK_EFFECT:
            return
        way = _without_what_was_sent_back(steps)
        done = {doing: [step for step in way if step.doing is doing] for doing in Doing}
        stages = [s for s in way if s.doing in (Doing.ADVANCED, Doing.LATE_ENTRY)]
        assert [step.role for step in stages] == [COMMUNITY, STREET]
        assert all(step.actor != SOMEBODY.id for step in stages)
        (notice,) = done[Doing.POSTED]
        assert notice.role == STREET
        during = way[way.index(notice) :]
        still = _standing_still(during) if self.suspends else set()
        calendar = self.place.rulebook.calendar
        days = [notice.on + timedelta(days=off) for off in range(1, (steps[-1].on - notice.on).days)]
        assert sum(bool(calendar.is_working_day(day)) for day in days if day not in still) >= 5
        objected, outcomes = (len(done[doing]) for doing in (Doing.OBJECTED, Doing.OUTCOME))
        assert objected == outcomes
        assert len(done[Doing.APPEALED]) == len(done[Doing.APPEAL_OUTCOME]) <= objected


def _without_what_was_sent_back(steps: Sequence[Step]) -> list[Step]:
    """Return the steps that brought the record to where it is: a return undoes what came after the last stage."""
    way: list[Step] = []
    for step in steps:
        if step.doing is Doing.RETURNED:
            moved = [n for n, one in enumerate(way) if one.doing in (Doing.ADVANCED, Doing.LATE_ENTRY)]
            del way[moved[-1] if moved else 0 :]
        else:
            way.append(step)
    return way


def _standing_still(steps: Sequence[Step]) -> set[date]:
    """Return the days on which some objection or appeal was open, read off the steps without the engine."""
    still: set[date] = set()
    opened, closed = (Doing.OBJECTED, Doing.APPEALED), (Doing.OUTCOME, Doing.APPEAL_OUTCOME)
    number, since = 0, date.min
    for step in steps:
        if step.doing in opened:
            since = step.on if number == 0 else since
            number += 1
        elif step.doing in closed:
            number -= 1
            still |= (
                {since + timedelta(days=off) for off in range((step.on - since).days + 1)} if number == 0 else set()
            )
    return still


Attempts.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestWhateverIsTried = Attempts.TestCase
