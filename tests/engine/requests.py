"""A town with a priced service on its menu, and the people of a request."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from lianxing.engine.menu import Asker, Need, Queue, Server, candidates_for
from lianxing.engine.requesting import (
    Wanted,
    confirm_service,
    match_volunteer,
    post_match,
    report_service,
    request_service,
)
from lianxing.rules.facts import FactValue
from lianxing.rules.perks import Beneficiary
from lianxing.rules.requests import Actor, Moved, ServiceRequest
from tests.engine.counties import COUNTY, Town, town

ACCOUNTS = """
credits:
  holder: person
  unit: hours
  earned_from: hours
  spent_on: [service]
  expires: never
  spends_first: oldest
  storage: unlimited
  overdraft: none
  transfer: none
  shortfall: debt
  holds: 90 days
"""
FACTS = {
    "skilled": "{type: yes_no, scope: person}",
    "target_group": "{values: {elder: {}, child: {}}}",
}
MENU = """
cleaning:
  request: 家政保洁
  recipients: [self, parent]
  eligible: {age: {at_least: 60}}
  rank_by: [{age: high}]
  ties: all
  notice: 3 working days
  priced: {account: credits, price: 1 hour, per: hour}
  served_by:
    eligible: {skilled: yes, related: {not: yes}}
    rank_by: [{paired: high}, {on_roster: high}, {same_community: high}, {served: low}]
    ties: all
  deadlines: {matched: 10 days, served: 20 days, confirmed: 7 days, evaluated: 14 days}
"""
MEASURES = "served: {sum: hours, over: all_time}\n"

ELDER, HELPER, OTHER, OFFICE = Actor("R1"), Actor("V1"), Actor("V2"), Actor("office", organiser=True)
HOUR = 3600
MONDAY = date(2024, 6, 3)  # the notice of a match on this day ends on Thursday the 6th


def place(menu: str = MENU, accounts: str = ACCOUNTS, **chapters: str) -> Town:
    """Return the town with a menu; its facts are added to county.yaml."""
    county = COUNTY % "Asia/Shanghai" + "".join(f"  {name}: {said}\n" for name, said in FACTS.items())
    return town(files={"county.yaml": county}, measures=MEASURES, accounts=accounts, menu=menu, **chapters)


def asker(
    id: str = "R1",
    age: int = 60,
    for_whom: Beneficiary = Beneficiary.SELF,
    recipient: Mapping[str, FactValue] = {},
    **facts: FactValue,
) -> Asker:
    return Asker(id, {"age": age, **facts}, {"served": 0}, 0, for_whom, recipient)


def wanted(hours: int = 2, available: int = 10, **more: object) -> Wanted:
    said: dict[str, object] = {
        "id": "Q1",
        "asker": asker(),
        "recipient": "R1",
        "seconds": hours * HOUR,
        "available": available * HOUR,
    }
    return Wanted(**{**said, **more})  # type: ignore[arg-type]


def server(id: str, served: int = 0, *, skilled: bool = True, **facts: str) -> Server:
    return Server(id, {"skilled": int(skilled), **facts}, {"served": served * HOUR}, 0)


def candidates(where: Town, *ids: str, need: Need | None = None, on: date = MONDAY) -> Queue:
    servers = [server(id, served) for served, id in enumerate(ids)]
    return candidates_for(where.rulebook, where.policy.menu[0], on, need or Need("R1", "R1"), servers)


def requested(where: Town, on: date = MONDAY, **more: object) -> ServiceRequest:
    return done(request_service(where.rulebook, where.policy.menu[0], on, ELDER, wanted(**more)))  # type: ignore[arg-type]


def matched(where: Town, on: date = MONDAY) -> ServiceRequest:
    queue = candidates(where, "V1", "V2")
    return done(match_volunteer(where.rulebook, requested(where), on, OFFICE, "V1", queue, {}))


def posted(where: Town, on: date = MONDAY) -> ServiceRequest:
    return done(post_match(where.rulebook, matched(where), on, OFFICE))


def served(where: Town, on: date = date(2024, 6, 7), seconds: int = 2 * HOUR) -> ServiceRequest:
    made = matched(where) if where.policy.menu[0].notice_days is None else posted(where)
    return done(report_service(where.rulebook, made, on, HELPER, seconds))


def confirmed(where: Town, on: date = date(2024, 6, 8), seconds: int = 2 * HOUR) -> ServiceRequest:
    return done(confirm_service(where.rulebook, served(where), on, ELDER, seconds))


def done(moved: Moved) -> ServiceRequest:
    assert moved.allowed, moved.reasons
    assert moved.request is not None
    return moved.request


def why(moved: Moved) -> list[str]:
    assert not moved.effects or moved.allowed
    return [reason.code for reason in moved.reasons]
