"""The service menu: who may ask, and whose turn it is."""

from __future__ import annotations

from datetime import date

import pytest

from lianxing.engine.answers import reason_sentence
from lianxing.engine.menu import Asker, Queue, queue
from lianxing.rules.perks import Beneficiary
from lianxing.rules.problems import PolicyError
from tests.engine.counties import Town, town
from tests.engine.proofs import failing, problems

MEASURES = "served: {sum: hours, over: all_time}\nearned: {sum: points, over: all_time}\n"
STARS = "{award: {by: automatic}, levels: {1: {served: {at_least: 100 hours}}}}"
MENU = """
cleaning:
  request: 家政保洁
  recipients: [self, spouse]
  eligible: {any: [{age: {at_least: 60}}, {stars: {at_least: 1}}]}
  rank_by: [{served: high}, {age: high}]
  ties: %s
  notice: 3 working days
"""
ON = date(2024, 6, 15)
REGISTERED = date(2020, 1, 1).toordinal()


def asker(id: str, served: int, age: int, *, star: int = 0, registered: int = REGISTERED, **more: object) -> Asker:
    person = {"age": age, "registered_on": registered, "day": ON.toordinal()}
    return Asker(id, person, {"served": served, "earned": 0}, star, **more)  # type: ignore[arg-type]


def asked(*askers: Asker, ties: str = "earliest_registered") -> Queue:
    place = town(measures=MEASURES, stars=STARS, menu=MENU % ties)
    return queue(place.rulebook, place.policy.menu[0], ON, askers)


def order(found: Queue) -> list[tuple[int, str]]:
    return [(turn.place, turn.id) for turn in found.turns]


def test_who_served_most_comes_first_and_then_the_oldest() -> None:
    found = asked(asker("a", 100, 61), asker("b", 200, 60), asker("c", 100, 62))
    assert order(found) == [(1, "b"), (2, "c"), (3, "a")]
    assert [value.value for value in found.turns[0].values] == [200, 60, REGISTERED]


def test_of_equals_the_earliest_registered_comes_first_or_they_share_a_place() -> None:
    late, early = asker("late", 5, 60, registered=REGISTERED + 1), asker("early", 5, 60)
    assert order(asked(late, early)) == [(1, "early"), (2, "late")]
    assert order(asked(late, early, ties="all")) == [(1, "late"), (1, "early")]


def test_who_may_not_ask_is_left_out_with_the_reason() -> None:
    found = asked(asker("young", 500, 59), asker("star", 1, 59, star=1), asker("old", 0, 60))
    assert order(found) == [(1, "star"), (2, "old")]
    (left_out,) = found.left_out
    assert (left_out.id, [reason.code for reason in left_out.reasons]) == ("young", ["not_eligible"])
    assert left_out.reasons[0].location.line == 2


def test_it_is_asked_for_those_whom_the_menu_names() -> None:
    found = asked(asker("a", 5, 60, for_whom=Beneficiary.SPOUSE), asker("b", 5, 60, for_whom=Beneficiary.PARENT))
    assert order(found) == [(1, "a")]
    assert [reason.code for reason in found.left_out[0].reasons] == ["beneficiary"]


FROM_SIXTY = "eligible: {served: {at_least: 1 hour}}\n  recipient_is: {age: {at_least: 60}}"
SPOUSE = Beneficiary.SPOUSE


def for_recipients(condition: str = "{age: {at_least: 60}}") -> Town:
    start, end = MENU.index("eligible"), MENU.index("  rank_by")
    menu = MENU[:start] + FROM_SIXTY.replace("{age: {at_least: 60}}", condition) + "\n" + MENU[end:]
    return town(measures=MEASURES, stars=STARS, menu=menu % "all")


def left_out(place: Town, *askers: Asker) -> dict[str, list[str]]:
    found = queue(place.rulebook, place.policy.menu[0], ON, askers)
    return {one.id: [reason.code for reason in one.reasons] for one in found.left_out}


def test_who_may_be_served_is_asked_of_the_recipient_and_who_may_ask_of_the_asker() -> None:
    found = left_out(
        for_recipients(),
        asker("for a wife of 62", 3600, 40, for_whom=SPOUSE, recipient={"age": 62}),
        asker("for a wife of 59", 3600, 70, for_whom=SPOUSE, recipient={"age": 59}),
        asker("at 40 for himself", 3600, 40),
        asker("at 60 for himself", 3600, 60, recipient={"age": 1}),
        asker("who never served", 0, 40, for_whom=SPOUSE, recipient={"age": 62}),
    )
    assert found == {
        "for a wife of 59": ["recipient_is"],
        "at 40 for himself": ["recipient_is"],
        "who never served": ["not_eligible"],
    }


def test_whoever_may_not_be_served_is_told_the_clause_and_the_line_of_the_condition() -> None:
    place = for_recipients()
    (reason,) = queue(place.rulebook, place.policy.menu[0], ON, [asker("a", 3600, 40)]).left_out[0].reasons
    assert (reason.clause.id, reason.location.line) == ("cleaning", 6)
    assert reason_sentence(reason, "en").startswith("the recipient does not meet the condition on recipients")
    assert reason_sentence(reason, "zh").startswith("被服务人不符合服务对象条件")


def test_of_whom_the_register_knows_nothing_no_condition_holds_not_even_one_of_what_they_are_not() -> None:
    anybody_else = for_recipients("{community: {not: west}}")
    assert left_out(
        anybody_else,
        asker("a", 3600, 40, for_whom=SPOUSE),
        asker("b", 3600, 40, for_whom=SPOUSE, recipient={"day": ON.toordinal()}),
        asker("c", 3600, 40, for_whom=SPOUSE, recipient={"age": 30}),
    ) == {"a": ["recipient_unknown"], "b": ["recipient_unknown"]}


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("{aged: {at_least: 60}}", "P301 6:18"),
        ("{served: {at_least: 60 hours}}", "P304 6:18"),
        ("{stars: 1}", "P304 6:18"),
        ("{weekday: 1}", "P304 6:18"),
        ("{related: yes}", "P304 6:18"),
    ],
)
def test_of_a_recipient_only_facts_of_the_register_are_asked(condition: str, found: str) -> None:
    with pytest.raises(PolicyError) as error:
        for_recipients(condition)
    assert [f"{p.code} {p.location.line}:{p.location.column}" for p in error.value.problems] == [found]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (("  ties: all\n", ""), ["P015"]),
        (("{served: high}", "{served: up}"), ["P105"]),
        (("{served: high}", "{serve: high}"), ["P301"]),
        (("{served: high}", "{political_status: high}"), ["P304"]),
        (("{served: high}", "{served: high, age: low}"), ["P014"]),
        (("at_least: 1}", "at_least: 2}"), ["P317"]),
        (("  notice: 3 working days\n", "  priced: {account: coins, price: 1 hour}\n"), ["P640"]),
    ],
)
def test_what_does_not_fit_the_menu_is_a_problem(change: tuple[str, str], found: list[str]) -> None:
    menu = (MENU % "all").replace(*change)
    case = "- {name: a, on: 2024-06-15, given: {served: 0 hours}, star: 0}\n"
    wrong = problems(measures=MEASURES, stars=STARS, menu=menu, cases=case)
    assert [problem.split()[0] for problem in wrong] == found


CASE = """
- name: whose turn it is
  on: 2024-06-15
  menu: cleaning
  with: {for_whom: %s}
  candidates:
    - {candidate: a, person: {age: 61}, given: {served: 90 hours}}
    - {candidate: b, person: {age: 61}, given: {served: 95 hours}}
    - {candidate: c, person: {age: 61}, given: {served: 90 hours}}
    - {candidate: d, person: {age: 59}, given: {served: 99.99 hours}}
    - {candidate: e, person: {age: 59}, given: {stars: 1}}
"""


def case(expected: str, for_whom: str = "self", ties: str = "all") -> tuple[str, ...]:
    chapters = {"measures": MEASURES, "stars": STARS, "menu": MENU % ties}
    return failing(**chapters, cases=CASE % for_whom + f"  {expected}\n")


def test_a_case_asks_for_the_places_and_for_who_is_left_out() -> None:
    assert not case("ranked: {b: 1, a: 2, c: 2, e: 4}\n  ineligible: [d]")
    assert not case("ineligible: [a, b, c, d, e]", for_whom="child")
    assert case("ranked: {b: 1, a: 2, c: 3, e: 4}")
    assert case("ineligible: []")


FOR_ANOTHER = """
- name: for whom
  on: 2024-06-15
  menu: cleaning
  with: {for_whom: spouse}
  candidates:
    - {candidate: a, person: {age: 40}, recipient: {facts: {age: 62}}}
    - {candidate: b, person: {age: 70}, recipient: {facts: {age: 59}}}
    - {candidate: c, person: {age: 70}}
"""
ANYBODY = (
    (MENU % "all")
    .replace("{age: {at_least: 60}}", "{age: {at_least: 18}}")
    .replace("  rank_by", "  recipient_is: {age: {at_least: 60}}\n  rank_by")
)


def test_a_case_tells_for_whom_each_asks() -> None:
    chapters = {"measures": MEASURES, "stars": STARS, "menu": ANYBODY}
    assert not failing(**chapters, cases=FOR_ANOTHER + "  ranked: {a: 1}\n  ineligible: [b, c]\n")
    assert failing(**chapters, cases=FOR_ANOTHER + "  ineligible: [c]\n")


def test_nobody_asks_for_a_recipient_where_it_is_for_themselves_or_in_a_commendation() -> None:
    chapters = {"measures": MEASURES, "stars": STARS, "menu": ANYBODY}
    case = FOR_ANOTHER + "  ranked: {a: 1}\n"
    assert problems(**chapters, cases=case.replace("spouse", "self")) == ["P515 7:7", "P515 8:7"]
    best = "best:\n  for: person\n  period: calendar_year\n  eligible: {age: {at_least: 1}}\n  quota: {at_most: 1}\n"
    best += "  rank_by: [{served: high}]\n  ties: all_in\n"
    told = case.replace("  menu: cleaning\n  with: {for_whom: spouse}\n", "  commend: best\n").replace(
        "ranked: {a: 1}", "selected: [a]"
    )
    assert problems(**chapters, commendation=best, cases=told) == ["P515 6:7", "P515 7:7"]


def test_a_case_about_the_menu_names_what_is_there() -> None:
    chapters = {"measures": MEASURES, "stars": STARS, "menu": MENU % "all"}
    for change, found in (
        (("menu: cleaning", "menu: cooking"), "P504"),
        (("ranked: {a", "ranked: {z"), "P504"),
        (("  menu: cleaning\n", ""), "P515"),
    ):
        told = (CASE % "self" + "  ranked: {a: 1}\n").replace(*change)
        assert found in {problem.split()[0] for problem in problems(**chapters, cases=told)}
