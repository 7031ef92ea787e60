"""The life of a request: who may take which step on which day, and what it does to the account."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lianxing.engine.answers import reason_sentence
from lianxing.engine.menu import Need, Queue
from lianxing.engine.requesting import (
    cancel_request,
    confirm_service,
    decline_request,
    evaluate_service,
    expire_request,
    last_day,
    match_volunteer,
    organiser_confirms_after,
    post_match,
    report_service,
    request_service,
    revoke_service,
    stays_held,
    withdraw_volunteer,
)
from lianxing.rules.facts import FactValue
from lianxing.rules.perks import Beneficiary
from lianxing.rules.places import Language
from lianxing.rules.requests import (
    Actor,
    Evaluated,
    Hold,
    Moved,
    Refund,
    Release,
    RequestState,
    Served,
    ServiceRequest,
    Settle,
    Step,
    Unserved,
)
from tests.engine.counties import Town
from tests.engine.requests import (
    ACCOUNTS,
    ELDER,
    HELPER,
    HOUR,
    MENU,
    MONDAY,
    OFFICE,
    OTHER,
    asker,
    candidates,
    confirmed,
    done,
    matched,
    place,
    posted,
    requested,
    served,
    wanted,
    why,
)

TOWN = place()
SILENT = place(MENU + "  on_silence: confirms\n")
FREE = place(MENU.replace("  priced: {account: credits, price: 1 hour, per: hour}\n", ""))
FROM_SIXTY = place(
    MENU.replace(
        "  eligible: {age: {at_least: 60}}", "  eligible: {age: {at_least: 18}}\n  recipient_is: {age: {at_least: 60}}"
    )
)
BY_SERVICE = place(MENU.replace(", per: hour", ""))
GONE = place(MENU.replace("cleaning:", "cooking:"))
AXES = """
how_evaluated:
  evaluation:
    axes: [punctuality, attitude]
    combine: mean
    round: {to: 0.01, direction: half_up}
    default: 5
    evaluators: anybody
    deadline: unlimited
""".lstrip()
OPEN = place(MENU[: MENU.index("  deadlines")].replace("  notice: 3 working days\n", ""))


def ask(where: Town = TOWN, actor: Actor = ELDER, **more: object) -> Moved:
    return request_service(where.rulebook, where.policy.menu[0], MONDAY, actor, wanted(**more))  # type: ignore[arg-type]


def june(day: int) -> date:
    return date(2024, 6, day)


# --- the way of a request ----------------------------------------------------------------------------------------


def test_a_request_holds_its_price_and_what_is_confirmed_is_settled_from_it() -> None:
    moved = ask()
    assert moved.effects == (Hold("R1", "credits", 2 * HOUR, date(2024, 9, 1)),)
    rules = TOWN.rulebook
    made = done(match_volunteer(rules, done(moved), MONDAY, OFFICE, "V1", candidates(TOWN, "V1", "V2"), {}))
    made = done(post_match(rules, made, MONDAY, OFFICE))
    assert (made.state, made.notice_until) == (RequestState.POSTED, june(6))
    made = done(report_service(rules, made, june(7), HELPER, 2 * HOUR))
    moved = confirm_service(rules, made, june(8), ELDER, HOUR)
    assert moved.effects == (
        Settle("R1", "credits", HOUR),
        Release("R1", "credits", HOUR),
        Served("Q1", "V1", june(7), HOUR, "cleaning", {"kind": "service", "recipient": "R1"}),
    )
    moved = evaluate_service(rules, done(moved), june(9), ELDER, {"evaluation": "good"})
    said: dict[str, FactValue] = {
        "evaluation": "good",
        "evaluator": "recipient",
        "evaluated_on": june(9).toordinal(),
    }
    assert moved.effects == (Evaluated("Q1", "V1", said),)
    assert done(moved).state is RequestState.EVALUATED


def test_a_price_of_the_service_is_settled_whole_however_long_it_took() -> None:
    made = served(BY_SERVICE)
    moved = confirm_service(BY_SERVICE.rulebook, made, june(8), ELDER, HOUR // 2)
    assert moved.effects[0] == Settle("R1", "credits", HOUR)
    assert not any(isinstance(effect, Release) for effect in moved.effects)


def test_a_service_without_a_price_holds_nothing_and_is_recorded_all_the_same() -> None:
    moved = ask(FREE, available=0)
    assert (moved.allowed, moved.effects) == (True, ())
    moved = confirm_service(FREE.rulebook, served(FREE), june(8), ELDER, HOUR)
    assert [type(effect) for effect in moved.effects] == [Served]


def test_a_part_of_a_unit_is_not_paid() -> None:
    made = served(TOWN, seconds=HOUR)
    points = replace(made, price=1000, held=2000)
    moved = confirm_service(TOWN.rulebook, points, june(8), ELDER, 7)
    assert moved.effects[:2] == (Settle("R1", "credits", 1), Release("R1", "credits", 1999))


def test_the_group_of_the_recipient_goes_into_the_record() -> None:
    made = replace(served(TOWN), recipient_group="elder")
    moved = confirm_service(TOWN.rulebook, made, june(8), ELDER, HOUR)
    (record,) = (effect for effect in moved.effects if isinstance(effect, Served))
    assert record.facts["recipient_group"] == "elder"
    assert done(ask(asker=asker(target_group="elder"))).recipient_group == "elder"


# --- asking ------------------------------------------------------------------------------------------------------


def test_who_asks_needs_to_be_who_the_menu_says() -> None:
    assert ask(asker=asker(age=60)).allowed
    assert why(ask(asker=asker(age=59))) == ["not_eligible"]


def test_the_account_needs_to_have_the_price() -> None:
    assert ask(hours=2, available=2).allowed
    moved = ask(hours=3, available=2)
    assert why(moved) == ["balance"]
    assert moved.reasons[0].location.line == MENU[: MENU.index("  priced")].count("\n") + 1
    assert reason_sentence(moved.reasons[0], "en").startswith("it takes 3 h, there is 2 h")


def test_what_is_priced_by_the_hour_says_for_how_long_and_one_day_at_the_most() -> None:
    assert why(ask(hours=0)) == ["time"]
    assert ask(hours=24, available=24).allowed
    assert why(ask(hours=25, available=25)) == ["time"]
    assert ask(BY_SERVICE, hours=0).allowed


def test_an_account_that_reserves_nothing_pays_for_no_request() -> None:
    where = place(accounts=ACCOUNTS.replace("  holds: 90 days\n", ""))
    assert why(ask(where)) == ["holds"]


def test_one_asks_for_oneself_or_for_the_family_that_is_declared() -> None:
    family = {"mother": Beneficiary.PARENT, "wife": Beneficiary.SPOUSE}
    for_mother = asker(for_whom=Beneficiary.PARENT)
    assert ask(asker=for_mother, recipient="mother", family=family).allowed
    assert why(ask(asker=for_mother, recipient="mother")) == ["not_declared"]
    assert why(ask(asker=for_mother, recipient="wife", family=family)) == ["not_declared"]
    assert why(ask(asker=for_mother, recipient="R1", family=family)) == ["not_declared"]
    assert why(ask(recipient="mother", family=family)) == ["not_declared"]
    for_wife = asker(for_whom=Beneficiary.SPOUSE)
    assert why(ask(asker=for_wife, recipient="wife", family=family)) == ["beneficiary"]


def test_a_child_asks_for_the_parent_who_may_be_served_and_learns_nothing_of_a_stranger() -> None:
    family = {"mother": Beneficiary.PARENT}
    child = asker(age=24, for_whom=Beneficiary.PARENT, recipient={"age": 64})
    assert done(ask(FROM_SIXTY, asker=child, recipient="mother", family=family)).recipient == "mother"
    child = asker(age=24, for_whom=Beneficiary.PARENT, recipient={"age": 59})
    assert why(ask(FROM_SIXTY, asker=child, recipient="mother", family=family)) == ["recipient_is"]
    assert why(ask(FROM_SIXTY, asker=child, recipient="a stranger", family=family)) == ["not_declared"]
    assert why(ask(FROM_SIXTY, asker=asker(age=24))) == ["recipient_is"]


def test_whoever_is_served_has_to_meet_the_condition_on_the_day_of_the_match_too() -> None:
    made, queue = requested(FROM_SIXTY), candidates(FROM_SIXTY, "V1")
    for facts, expected in (({"age": 60}, []), ({"age": 59}, ["recipient_is"]), ({}, ["recipient_unknown"])):
        assert why(match_volunteer(FROM_SIXTY.rulebook, made, MONDAY, OFFICE, "V1", queue, facts)) == expected


def test_nobody_asks_for_a_stranger_but_the_organiser_writes_requests_down() -> None:
    assert why(ask(actor=OTHER)) == ["not_theirs"]
    assert ask(actor=OFFICE).allowed


# --- matching ----------------------------------------------------------------------------------------------------


def match(volunteer: str, queue: Queue, actor: Actor = OFFICE, on: date = MONDAY) -> Moved:
    return match_volunteer(TOWN.rulebook, requested(TOWN), on, actor, volunteer, queue, {})


def test_the_first_of_the_candidates_is_matched_and_nobody_else() -> None:
    queue = candidates(TOWN, "V1", "V2")
    assert match("V1", queue).allowed
    moved = match("V2", queue)
    assert why(moved) == ["not_first"]
    assert reason_sentence(moved.reasons[0], "en").startswith("at place 2; V1 comes first")
    assert why(match("V9", queue)) == ["no_candidate"]


def test_nobody_serves_themselves() -> None:
    queue = candidates(TOWN, "R1", "V1", need=Need("somebody", "somebody"))
    assert why(match("R1", queue)) == ["own_request"]
    assert why(match("R1", candidates(TOWN, "R1", "V1"))) == ["own_request"]


def test_only_an_organiser_matches_and_never_themselves() -> None:
    queue = candidates(TOWN, "V1", "V2")
    assert why(match("V1", queue, HELPER)) == ["own_service"]
    assert why(match("V1", queue, Actor("V1", organiser=True))) == ["own_service"]
    assert why(match("V1", queue, ELDER)) == ["not_theirs"]


def test_nobody_is_not_the_volunteer_whom_nobody_named() -> None:
    queue = candidates(TOWN, "V1")
    assert why(match("", queue, Actor("", organiser=True))) == ["no_actor", "no_candidate"]
    assert why(match("", queue, Actor(""))) == ["not_theirs", "no_candidate"]


def test_who_is_left_out_is_refused_with_the_reason_of_the_menu() -> None:
    queue = candidates(TOWN, "V1", "V2", need=Need("R1", "R1", withdrew={"V1"}))
    assert why(match("V1", queue)) == ["withdrew"]
    assert match("V2", queue).allowed


def test_a_volunteer_who_withdraws_leaves_the_request_to_the_others() -> None:
    moved = withdraw_volunteer(TOWN.rulebook, posted(TOWN), june(4), HELPER)
    made = done(moved)
    assert (made.state, made.volunteer, made.withdrew) == (RequestState.REQUESTED, "", ("V1",))
    assert (made.notice_until, moved.effects) == (None, ())
    assert why(withdraw_volunteer(TOWN.rulebook, posted(TOWN), june(4), ELDER)) == ["not_theirs"]


# --- the notice and the service ----------------------------------------------------------------------------------


def test_a_service_begins_on_the_day_after_the_notice_of_the_match() -> None:
    made = posted(TOWN)
    moved = report_service(TOWN.rulebook, made, june(6), HELPER, HOUR)
    assert why(moved) == ["too_early"]
    assert dict(moved.reasons[0].operands) == {"first_day": "2024-06-07"}
    assert report_service(TOWN.rulebook, made, june(7), HELPER, HOUR).allowed
    assert report_service(TOWN.rulebook, made, june(9), HELPER, HOUR, june(7)).allowed
    assert why(report_service(TOWN.rulebook, made, june(9), HELPER, HOUR, june(6))) == ["too_early"]
    assert why(report_service(TOWN.rulebook, made, june(9), HELPER, HOUR, june(10))) == ["too_late"]


def test_a_match_is_posted_before_it_is_served_where_the_menu_says_so() -> None:
    assert why(report_service(TOWN.rulebook, matched(TOWN), june(7), HELPER, HOUR)) == ["not_posted"]
    assert why(post_match(OPEN.rulebook, matched(OPEN), MONDAY, OFFICE)) == ["no_notice"]
    assert report_service(OPEN.rulebook, matched(OPEN), MONDAY, HELPER, HOUR).allowed


def test_no_more_hours_are_served_than_were_asked_for_where_hours_are_paid() -> None:
    assert report_service(TOWN.rulebook, posted(TOWN), june(7), HELPER, 2 * HOUR).allowed
    assert why(report_service(TOWN.rulebook, posted(TOWN), june(7), HELPER, 2 * HOUR + 1)) == ["time"]
    assert report_service(BY_SERVICE.rulebook, posted(BY_SERVICE), june(7), HELPER, 2 * HOUR + 1).allowed


# --- confirming and evaluating -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("actor", "expected"),
    [
        (ELDER, []),
        (HELPER, ["own_service"]),
        (Actor("V1", organiser=True), ["own_service"]),
        (OTHER, ["not_theirs"]),
        (OFFICE, ["not_theirs"]),
    ],
)
def test_the_recipient_confirms_and_evaluates(actor: Actor, expected: list[str]) -> None:
    assert why(confirm_service(TOWN.rulebook, served(TOWN), june(8), actor, HOUR)) == expected
    said = {"evaluation": "good"}
    assert why(evaluate_service(TOWN.rulebook, confirmed(TOWN), june(9), actor, said)) == expected


def test_who_asked_for_the_family_confirms_as_well_as_the_family() -> None:
    made = replace(served(TOWN), recipient="mother", for_whom=Beneficiary.PARENT)
    for actor in (ELDER, Actor("mother")):
        assert confirm_service(TOWN.rulebook, made, june(8), actor, HOUR).allowed


def test_no_more_is_confirmed_than_was_reported_and_not_nothing() -> None:
    made = served(TOWN, seconds=HOUR)
    assert confirm_service(TOWN.rulebook, made, june(8), ELDER, HOUR).allowed
    assert why(confirm_service(TOWN.rulebook, made, june(8), ELDER, HOUR + 1)) == ["time"]
    assert why(confirm_service(TOWN.rulebook, made, june(8), ELDER, 0)) == ["time"]


def test_silence_confirms_where_the_menu_says_so_and_not_before_the_time_is_over() -> None:
    made = served(SILENT)  # served on Friday the 7th: seven days end on Friday the 14th
    assert why(confirm_service(SILENT.rulebook, made, june(14), OFFICE, HOUR)) == ["too_early"]
    assert confirm_service(SILENT.rulebook, made, june(15), OFFICE, HOUR).allowed
    assert confirm_service(SILENT.rulebook, made, june(15), ELDER, HOUR).allowed
    assert why(confirm_service(SILENT.rulebook, made, june(15), OTHER, HOUR)) == ["not_theirs"]
    assert why(expire_request(SILENT.rulebook, made, june(15), OFFICE)) == ["no_deadline"]
    assert confirm_service(SILENT.rulebook, made, date(2025, 6, 15), OFFICE, HOUR).allowed


def test_an_evaluation_has_a_grade_that_the_county_knows() -> None:
    made = confirmed(TOWN)
    for said, expected in (
        ({"evaluation": "good"}, []),
        ({"evaluation": "splendid"}, ["evaluation"]),
        ({"evaluation_score": 45_000}, []),
        ({"category": "relief"}, ["evaluation"]),
        ({"evaluation": ""}, ["evaluation"]),
        ({}, ["evaluation"]),
    ):
        assert why(evaluate_service(TOWN.rulebook, made, june(9), ELDER, said)) == expected


@pytest.mark.parametrize(
    ("grades", "said", "expected"),
    [
        ("[{at_least: 4, grade: good}]", {"punctuality": 40_000}, []),
        ("[{at_least: 4, grade: good}]", {"punctuality": 40_000, "attitude": 50_000}, []),
        ("[{at_least: 4, grade: good}]", {"evaluation": "good"}, ["worked_out"]),
        ("[{at_least: 4, grade: good}]", {"evaluation_score": 45_000, "attitude": 50_000}, ["worked_out"]),
        ("[{at_least: 4, grade: good}]", {"skill": 40_000}, ["evaluation"]),
        ("none", {"evaluation": "good"}, []),
        ("none", {"evaluation_score": 45_000}, ["worked_out"]),
    ],
)
def test_what_a_county_works_out_of_its_axes_nobody_says_instead(
    grades: str, said: dict[str, FactValue], expected: list[str]
) -> None:
    where = place(review=AXES + ("" if grades == "none" else f"    grades: {grades}\n"))
    found = evaluate_service(where.rulebook, confirmed(where), june(9), ELDER, said)
    assert why(found) == expected
    if expected == ["worked_out"]:
        told, fact = [reason_sentence(found.reasons[0], language) for language in ("zh", "en")], next(iter(said))
        at = "how_evaluated, town/review.yaml:1"
        assert told == [
            f"{fact} 由 punctuality, attitude 得出，只评这几项〔{at.replace(', ', '，')}〕",
            f"{fact.replace('_', ' ')} follows from punctuality, attitude: say these [{at}]",
        ]


def test_what_is_no_evaluation_is_named_as_it_is_read() -> None:
    said = {"evaluated_on": june(9).toordinal()}
    (reason,) = evaluate_service(TOWN.rulebook, confirmed(TOWN), june(9), ELDER, said).reasons
    assert reason_sentence(reason, "en").startswith("'2024-06-09' is no evaluation in evaluated on")


# --- ends --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("life", [requested, matched, posted])
def test_who_asked_takes_a_request_back_and_all_that_is_held_is_released(
    life: Callable[[Town], ServiceRequest],
) -> None:
    moved = cancel_request(TOWN.rulebook, life(TOWN), june(7), ELDER)
    assert moved.effects == (Release("R1", "credits", 2 * HOUR),)
    assert done(moved).state is RequestState.CANCELLED
    assert why(cancel_request(TOWN.rulebook, life(TOWN), june(7), OTHER)) == ["not_theirs"]


def test_a_service_that_took_place_is_not_cancelled_but_the_organiser_may_find_that_it_did_not() -> None:
    assert why(cancel_request(TOWN.rulebook, served(TOWN), june(8), ELDER)) == ["state"]
    assert why(decline_request(TOWN.rulebook, served(TOWN), june(8), ELDER)) == ["not_theirs"]
    moved = decline_request(TOWN.rulebook, served(TOWN), june(8), OFFICE)
    assert moved.effects == (Release("R1", "credits", 2 * HOUR),)


@pytest.mark.parametrize(
    ("life", "last"),
    [
        (requested, june(13)),  # ten days from the 3rd
        (matched, june(24)),  # twenty days end on Sunday the 23rd, which Monday the 24th follows
        (posted, june(26)),  # twenty days from the 6th, when the notice ends
        (served, june(14)),
    ],
)
def test_a_request_expires_on_the_day_after_its_last(life: Callable[[Town], ServiceRequest], last: date) -> None:
    made = life(TOWN)
    found = last_day(TOWN.rulebook, made)
    assert found is not None
    assert found[0] == last
    assert why(expire_request(TOWN.rulebook, made, last, OTHER)) == ["too_early"]
    moved = expire_request(TOWN.rulebook, made, last + timedelta(days=1), OTHER)
    assert moved.effects == (Release("R1", "credits", 2 * HOUR),)


def test_nothing_goes_on_after_the_last_day_but_ending() -> None:
    queue = candidates(TOWN, "V1")
    assert match("V1", queue, on=june(13)).allowed
    assert why(match("V1", queue, on=june(14))) == ["too_late"]
    assert cancel_request(TOWN.rulebook, requested(TOWN), june(14), ELDER).allowed
    said = {"evaluation": "good"}  # confirmed on Saturday the 8th: fourteen days end on Saturday, Monday follows
    assert evaluate_service(TOWN.rulebook, confirmed(TOWN), june(24), ELDER, said).allowed
    assert why(evaluate_service(TOWN.rulebook, confirmed(TOWN), june(25), ELDER, said)) == ["too_late"]


def test_a_request_without_deadlines_waits_for_a_volunteer_until_its_hold_ends() -> None:
    made, last = requested(OPEN), date(2024, 9, 1)
    queue = candidates(OPEN, "V1")
    assert match_volunteer(OPEN.rulebook, made, last, OFFICE, "V1", queue, {}).allowed
    late = last + timedelta(days=1)
    assert why(match_volunteer(OPEN.rulebook, made, late, OFFICE, "V1", queue, {})) == ["too_late"]
    assert expire_request(OPEN.rulebook, made, late, OFFICE).allowed
    assert why(expire_request(OPEN.rulebook, replace(made, held=0, held_until=None), late, OFFICE)) == ["no_deadline"]


def test_what_is_held_lasts_as_long_as_somebody_is_matched_and_waits_as_long_again() -> None:
    last, late = date(2024, 9, 1), date(2024, 10, 1)
    assert [stays_held(requested(OPEN), last + timedelta(days=more)) for more in (0, 1)] == [True, False]
    made = matched(OPEN)
    assert (last_day(OPEN.rulebook, made), stays_held(made, late)) == (None, True)
    done_late = served(OPEN, on=late)
    assert confirm_service(OPEN.rulebook, done_late, date(2025, 6, 1), ELDER, HOUR).allowed
    again = done(withdraw_volunteer(OPEN.rulebook, made, late, HELPER))
    assert (last_day(OPEN.rulebook, again) or [None])[0] == date(2024, 12, 30)
    assert not stays_held(done(cancel_request(OPEN.rulebook, made, late, ELDER)), late)


def evaluated(where: Town = TOWN) -> ServiceRequest:
    return done(evaluate_service(where.rulebook, confirmed(where), june(9), ELDER, {"evaluation": "good"}))


@pytest.mark.parametrize("life", [confirmed, evaluated])
def test_what_turns_out_to_be_no_service_is_revoked_and_what_was_paid_goes_back(
    life: Callable[[Town], ServiceRequest],
) -> None:
    late = date(2026, 6, 9)
    moved = revoke_service(TOWN.rulebook, life(TOWN), late, OFFICE, "nobody came")
    assert moved.effects == (Refund("R1", "credits", 2 * HOUR), Unserved("Q1", "V1"))
    made = done(moved)
    assert (made.state, made.settled, made.ended) == (RequestState.REVOKED, 0, True)
    assert why(revoke_service(TOWN.rulebook, made, late, OFFICE, "again")) == ["state"]
    assert why(evaluate_service(TOWN.rulebook, made, june(10), ELDER, {"evaluation": "good"})) == ["state"]
    assert revoke_service(FREE.rulebook, life(FREE), late, OFFICE, "why").effects == (Unserved("Q1", "V1"),)


@pytest.mark.parametrize(
    ("actor", "reason", "expected"),
    [
        pytest.param(ELDER, "why", ["not_theirs"], id="who asked"),
        pytest.param(HELPER, "why", ["not_theirs"], id="who served"),
        pytest.param(Actor("R1", organiser=True), "why", ["own_payment"], id="an organiser who asked"),
        pytest.param(Actor("V1", organiser=True), "why", ["own_payment"], id="an organiser who served"),
        pytest.param(OFFICE, " ", ["reason_missing"], id="without a reason"),
        pytest.param(Actor(" ", organiser=True), "why", ["no_actor"], id="nobody in the name of the organiser"),
        pytest.param(OFFICE, "why", [], id="the organiser"),
    ],
)
def test_the_organiser_revokes_with_a_reason_and_nobody_in_a_matter_of_their_own(
    actor: Actor, reason: str, expected: list[str]
) -> None:
    assert why(revoke_service(TOWN.rulebook, confirmed(TOWN), june(9), actor, reason)) == expected
    assert why(revoke_service(TOWN.rulebook, served(TOWN), june(9), OFFICE, "not yet")) == ["state"]


def test_an_organiser_who_asked_does_not_say_that_nobody_served() -> None:
    own = Actor("R1", organiser=True)
    assert why(decline_request(TOWN.rulebook, served(TOWN), june(8), own)) == ["own_payment"]
    assert decline_request(TOWN.rulebook, matched(TOWN), june(8), own).allowed


def test_what_was_begun_of_a_service_that_is_on_the_menu_no_longer_comes_to_its_end() -> None:
    rules, late = GONE.rulebook, date(2025, 6, 1)
    queue = candidates(TOWN, "V1")
    refused = match_volunteer(rules, requested(TOWN), MONDAY, OFFICE, "V1", queue, {})
    assert (why(refused), why(post_match(rules, matched(TOWN), MONDAY, OFFICE))) == (["no_service"], ["no_service"])
    assert reason_sentence(refused.reasons[0], "en") == (
        "the menu of the county has no cleaning [cleaning, town/county.yaml:2]"
    )
    assert [(last_day(rules, made(TOWN)) or [None])[0] for made in (requested, matched, served)] == [
        date(2024, 9, 1),  # the price waits no longer than it would have
        None,
        None,
    ]
    made = done(report_service(rules, matched(TOWN), june(7), HELPER, HOUR))
    made = done(confirm_service(rules, made, late, ELDER, HOUR))
    assert (made.settled, done(evaluate_service(rules, made, late, ELDER, {"evaluation": "good"})).settled) == (
        HOUR,
        HOUR,
    )
    assert revoke_service(rules, made, late, OFFICE, "why").effects[0] == Refund("R1", "credits", HOUR)
    for ends in (cancel_request, withdraw_volunteer):
        assert ends(rules, posted(TOWN), late, ELDER if ends is cancel_request else HELPER).allowed
    assert decline_request(rules, served(TOWN), late, OFFICE).effects == (Release("R1", "credits", 2 * HOUR),)
    assert expire_request(rules, requested(TOWN), date(2024, 9, 2), OTHER).allowed


def test_off_the_menu_silence_confirms_as_was_said_to_who_served() -> None:
    rules, made = GONE.rulebook, served(SILENT)
    assert (made.confirmed_after, served(TOWN).confirmed_after) == (june(14), None)
    assert (last_day(rules, made), organiser_confirms_after(rules, made)) == (None, june(14))
    assert why(confirm_service(rules, made, june(14), OFFICE, HOUR)) == ["too_early"]
    assert confirm_service(rules, made, june(15), OFFICE, HOUR).allowed
    assert why(confirm_service(rules, served(TOWN), june(15), OFFICE, HOUR)) == ["not_theirs"]


def test_no_step_comes_before_the_one_that_was_taken_last() -> None:
    assert why(post_match(TOWN.rulebook, matched(TOWN), date(2024, 6, 2), OFFICE)) == ["too_early"]


def test_a_step_out_of_turn_says_which_one_it_comes_after_in_both_languages() -> None:
    moved = confirm_service(TOWN.rulebook, posted(TOWN), june(8), ELDER, HOUR)
    assert why(moved) == ["state"]
    assert reason_sentence(moved.reasons[0], "en") == (
        "it is posted; this step comes after served [cleaning, town/menu.yaml:2]"
    )
    assert reason_sentence(moved.reasons[0], "zh").startswith("现为公示中，此步须在已服务之后")


# --- whatever is done ----------------------------------------------------------------------------------------------

LANGUAGES: tuple[Language, ...] = ("zh", "en")
TOWNS = {"plain": TOWN, "gone": TOWN, "silent": SILENT, "free": FREE, "by_service": BY_SERVICE, "open": OPEN}
PEOPLE = (ELDER, HELPER, OTHER, OFFICE, Actor("V1", organiser=True))
STEPS = st.lists(
    st.tuples(st.sampled_from(Step), st.sampled_from(PEOPLE), st.integers(0, 40), st.integers(0, 3 * HOUR)),
    max_size=14,
)
EXAMPLES = 3_000 if os.environ.get("LIANXING_LONG") else 200


MADE = RequestState.REQUESTED


def taken(where: Town, made: ServiceRequest, step: Step, on: date, actor: Actor, seconds: int) -> Moved:
    rules = where.rulebook
    match step:
        case Step.MATCH:
            need = Need(made.asker, made.recipient, withdrew=made.withdrew)
            queue = candidates(where, "V1", "V2", "R1", need=need)
            first = queue.turns[0].id if queue.turns else "V1"
            return match_volunteer(rules, made, on, actor, first if seconds % 3 else "R1", queue, {})
        case Step.SERVE:
            return report_service(rules, made, on, actor, seconds)
        case Step.CONFIRM:
            return confirm_service(rules, made, on, actor, seconds)
        case Step.EVALUATE:
            return evaluate_service(rules, made, on, actor, {"evaluation": "good"})
        case Step.REVOKE:
            return revoke_service(rules, made, on, actor, "why" if seconds % 5 else "")
        case _:
            by_step = {
                Step.POST: post_match,
                Step.WITHDRAW: withdraw_volunteer,
                Step.CANCEL: cancel_request,
                Step.DECLINE: decline_request,
                Step.EXPIRE: expire_request,
            }
            return by_step[step](rules, made, on, actor)


@settings(max_examples=EXAMPLES, deadline=None)
@given(STEPS, st.booleans(), st.sampled_from(sorted(TOWNS)))
def test_whatever_is_done_no_more_is_settled_than_was_held_and_nothing_twice(
    steps: list[tuple[Step, Actor, int, int]], straight: bool, town: str
) -> None:
    where = TOWNS[town]
    made = requested(where)
    held, on = made.held, MONDAY
    settled = released = records = refunded = 0
    passed = [made.state]
    if straight:  # most of what is drawn at random never comes so far
        on, made = june(7), served(where)
        passed += [RequestState.SERVED]
    for step, actor, days, seconds in steps:
        if step is Step.REQUEST:
            continue
        on += timedelta(days=days if step is Step.EXPIRE else days % 5)
        moved = taken(GONE if town == "gone" and made.state is not MADE else where, made, step, on, actor, seconds)
        if not moved.allowed:
            assert (moved.request, moved.effects) == (made, ())
            assert all(reason_sentence(reason, language) for reason in moved.reasons for language in LANGUAGES)
            continue
        made = done(moved)
        passed.append(made.state)
        settled += sum(effect.amount for effect in moved.effects if isinstance(effect, Settle))
        released += sum(effect.amount for effect in moved.effects if isinstance(effect, Release))
        refunded += sum(effect.amount for effect in moved.effects if isinstance(effect, Refund))
        records -= sum(isinstance(effect, Unserved) for effect in moved.effects)
        services = [effect for effect in moved.effects if isinstance(effect, Served)]
        records += len(services)
        assert settled + released in (0, held)
        assert all(effect.amount > 0 for effect in moved.effects if isinstance(effect, Settle | Release))
        assert all(effect.volunteer not in ("", made.asker, made.recipient) for effect in services)
        assert step is not Step.CONFIRM or actor.id != made.volunteer
    assert records == passed.count(RequestState.CONFIRMED) - passed.count(RequestState.REVOKED)
    assert passed.count(RequestState.CONFIRMED) <= 1
    assert settled == 0 or RequestState.CONFIRMED in passed
    assert settled - refunded == made.settled
    assert refunded == (settled if made.state is RequestState.REVOKED else 0)
    if RequestState.CONFIRMED in passed:
        assert RequestState.SERVED in passed[: passed.index(RequestState.CONFIRMED)]
        assert made.confirmed_seconds <= made.served_seconds
    assert (settled + released == held) is (made.ended or held == 0)
