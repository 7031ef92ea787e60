"""Who may serve whom, and who is asked first."""

from __future__ import annotations

import pytest

from lianxing.engine.menu import Need, Queue, Server, candidates_for, matched
from lianxing.engine.menu import Queue as Order
from tests.engine.proofs import failing, problems
from tests.engine.requests import ACCOUNTS, FACTS, MEASURES, MENU, MONDAY, place, server

COUNTY_FACTS = "".join(f"  {name}: {said}\n" for name, said in FACTS.items())
CHAPTERS = {"county": COUNTY_FACTS, "accounts": ACCOUNTS, "measures": MEASURES}
NEED = Need("R1", "R1", {"community": "east"})


def found(*volunteers: Server, need: Need = NEED, menu: str = MENU) -> Queue:
    where = place(menu)
    return candidates_for(where.rulebook, where.policy.menu[0], MONDAY, need, volunteers)


def order(queue: Order) -> list[tuple[int, str]]:
    return [(turn.place, turn.id) for turn in queue.turns]


def left_out(queue: Order) -> dict[str, list[str]]:
    return {one.id: [reason.code for reason in one.reasons] for one in queue.left_out}


def test_the_pair_goes_first_then_the_roster_then_the_neighbour_then_who_served_least() -> None:
    need = Need("R1", "R1", {"community": "east"}, paired={"pair"}, on_roster={"duty"})
    volunteers = (
        server("least", 1, community="west"),
        server("neighbour", 9, community="east"),
        server("duty", 20, community="west"),
        server("pair", 90, community="west"),
        server("most", 2, community="west"),
    )
    expected = [(1, "pair"), (2, "duty"), (3, "neighbour"), (4, "least"), (5, "most")]
    assert order(found(*volunteers, need=need)) == expected
    assert order(found(*reversed(volunteers), need=need)) == expected


def test_equals_share_a_place_in_the_order_of_their_ids() -> None:
    assert order(found(server("b"), server("a"), server("c", 1))) == [(1, "a"), (1, "b"), (3, "c")]


def test_everybody_who_is_left_out_has_the_reasons() -> None:
    need = Need("daughter", "R1", family={"son"}, withdrew={"gone"})
    queue = found(
        server("R1"), server("daughter"), server("son"), server("gone"), server("clumsy", skilled=False), server("V1"),
        need=need,
    )  # fmt: skip
    assert order(queue) == [(1, "V1")]
    assert left_out(queue) == {
        "R1": ["own_request"],
        "clumsy": ["not_eligible"],
        "daughter": ["own_request"],
        "gone": ["withdrew"],
        "son": ["not_eligible"],
    }
    by_policy = next(one for one in queue.left_out if one.id == "son").reasons[0]
    assert (by_policy.clause.id, by_policy.location.line) == ("cleaning", 11)


def test_what_is_not_known_of_one_of_the_two_is_missing_and_comes_last() -> None:
    assert "same_community" not in matched(Need("R1", "R1"), server("V1", community="east"))
    assert "same_community" not in matched(NEED, server("V1"))
    assert matched(NEED, server("V1", community="west"))["same_community"] == 0
    assert "on_roster" not in matched(NEED, server("V1"))
    assert matched(Need("R1", "R1", on_roster=()), server("V1"))["on_roster"] == 0
    assert order(found(server("a"), server("b", community="west"))) == [(1, "b"), (2, "a")]


def test_the_group_of_the_recipient_may_decide_who_serves() -> None:
    menu = MENU.replace("{skilled: yes,", "{any: [{skilled: yes}, {served_group: {not: child}}],")
    elder, child = (Need("R1", "R1", {"target_group": group}) for group in ("elder", "child"))
    assert order(found(server("V1", skilled=False), need=elder, menu=menu)) == [(1, "V1")]
    assert left_out(found(server("V1", skilled=False), need=child, menu=menu)) == {"V1": ["not_eligible"]}
    assert problems(**CHAPTERS, menu=menu.replace("not: child", "not: chld"), cases=CASE)[0].startswith("P302")


def test_who_may_serve_without_an_order_stands_at_the_first_place() -> None:
    start, end = MENU.index("    rank_by: [{paired"), MENU.index("  deadlines")
    plain = MENU[:start] + MENU[end:]
    assert order(found(server("a", 5), server("b", 1), menu=plain)) == [(1, "a"), (1, "b")]
    nothing_said = MENU[: MENU.index("  served_by")] + MENU[end:]
    assert order(found(server("a", skilled=False), server("b"), menu=nothing_said)) == [(1, "a"), (1, "b")]
    assert left_out(found(server("R1"), menu=nothing_said)) == {"R1": ["own_request"]}


def test_of_equals_who_registered_first_may_go_first() -> None:
    menu = MENU.replace("{served: low}]\n    ties: all", "{served: low}]\n    ties: earliest_registered")
    late = Server("a", {"skilled": 1, "registered_on": 2}, {"served": 0}, 0)
    early = Server("b", {"skilled": 1, "registered_on": 1}, {"served": 0}, 0)
    assert order(found(late, early, menu=menu)) == [(1, "b"), (2, "a")]


CASE = """
- name: who goes
  on: 2024-06-15
  menu: cleaning
  recipient: {id: R1, facts: {community: east}, paired: [a], on_roster: [b], family: [d], withdrew: [e]}
  candidates:
    - {candidate: a, person: {skilled: yes}, given: {served: 9 hours}}
    - {candidate: b, person: {skilled: yes}, given: {served: 5 hours}}
    - {candidate: c, person: {skilled: no}}
    - {candidate: d, person: {skilled: yes}}
    - {candidate: e, person: {skilled: yes}}
    - {candidate: R1, person: {skilled: yes}}
  ranked: {a: 1, b: 2}
  ineligible: [c, d, e, R1]
"""


def test_a_case_asks_who_goes() -> None:
    assert not failing(**CHAPTERS, menu=MENU, cases=CASE)
    assert failing(**CHAPTERS, menu=MENU, cases=CASE.replace("{a: 1, b: 2}", "{a: 2, b: 1}"))
    assert failing(**CHAPTERS, menu=MENU, cases=CASE.replace("paired: [a]", "paired: [b]"))
    assert problems(**CHAPTERS, menu=MENU, cases=CASE.replace("paired: [a]", "paired: [z]"))[0].startswith("P504")
    without = CASE.replace("  menu: cleaning\n", "")
    assert "P515" in {problem.split()[0] for problem in problems(**CHAPTERS, menu=MENU, cases=without)}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("eligible: {age: {at_least: 60}}", "eligible: {paired: yes}"), ["P304"]),
        (("rank_by: [{age: high}]", "rank_by: [{same_area: high}]"), ["P304"]),
        (("    ties: all\n  deadlines", "  deadlines"), ["P015"]),
        (("{paired: high}, ", "{pared: high}, "), ["P301"]),
        (("{paired: high}", "{served_group: high}"), ["P304"]),
        (("    eligible: {skilled: yes, related: {not: yes}}\n", ""), ["P015"]),
        (("per: hour", "per: day"), ["P105"]),
        (("matched: 10 days", "matched: soon"), ["P102"]),
        (("deadlines: {matched: 10 days, served: 20 days, confirmed: 7 days, evaluated: 14 days}", "deadlines: {}"),
         ["P111"]),
        (("confirmed: 7 days, evaluated: 14 days}", "evaluated: 14 days}\n  on_silence: confirms"), ["P015"]),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_a_problem(change: tuple[str, str], expected: list[str]) -> None:
    assert change[0] in MENU
    wrong = problems(**CHAPTERS, menu=MENU.replace(*change), cases=CASE)
    assert [problem.split()[0] for problem in wrong] == expected


def test_a_service_is_paid_from_an_account_that_is_spent_on_services() -> None:
    goods = ACCOUNTS.replace("spent_on: [service]", "spent_on: [goods]")
    wrong = problems(**{**CHAPTERS, "accounts": goods}, menu=MENU, cases=CASE)
    assert [problem.split()[0] for problem in wrong] == ["P643"]


def test_no_county_takes_a_word_of_the_menu_for_a_fact_of_its_own() -> None:
    taken = COUNTY_FACTS + "  same_area: {type: text, scope: person}\n"
    assert problems(**{**CHAPTERS, "county": taken}, menu=MENU, cases=CASE)[0].startswith("P214")
