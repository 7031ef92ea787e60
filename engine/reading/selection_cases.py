"""What a case tells of a commendation: keys of a story in `cases.yaml` beside those of every story."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from lianxing.engine.reading.forms import DAY, Fields, Id, Key, ListOf, Record, Text, whole
from lianxing.engine.reading.notes import Reading, nearest
from lianxing.engine.reading.perks import STARS_FACT
from lianxing.engine.reading.told import FactsForm, Told, ToldForm, told_record
from lianxing.rules.commendation import ShareOf
from lianxing.rules.facts import FactValue, Scope, VolunteerId
from lianxing.rules.places import Location
from lianxing.rules.policy import Policy
from lianxing.rules.records import Volunteer
from lianxing.rules.selection_cases import ExpectedStep, SelectionCase, ToldCandidate

REGISTERED_ON = "registered_on"
_PERSON = frozenset((Scope.PERSON,))
_GIVEN = frozenset((Scope.MEASURE, Scope.STANDING, Scope.SANCTION))


@dataclass(frozen=True)
class _Candidate:
    """A candidate as the file has it."""

    id: str
    person: Mapping[str, FactValue]
    given: Mapping[str, FactValue]
    told: tuple[Told, ...]
    recipient: Mapping[str, FactValue] | None
    location: Location


def _candidate(fields: Fields, reading: Reading) -> _Candidate | None:
    if "given" in fields.values and "records" in fields.values:
        reading.problem("P525", fields.place("records"))
        return None
    told = fields.get("records", ())
    who, person, given = fields.get("candidate"), fields.get("person", {}), fields.get("given", {})
    return _Candidate(who, person, given, told, fields.get("recipient"), fields.location)


_SERVED: Record[Mapping[str, FactValue]] = Record(
    {"facts": Key(FactsForm(_PERSON), required=True)}, lambda fields, _reading: fields.get("facts")
)
_CANDIDATE: Record[_Candidate] = Record(
    {
        "candidate": Key(Id(), required=True),
        "person": Key(FactsForm(_PERSON)),
        "given": Key(FactsForm(_GIVEN)),
        "records": Key(ListOf(ToldForm(several=True))),
        "recipient": Key(_SERVED),
    },
    _candidate,
)
TOLD: Mapping[str, Key[Any]] = {
    "commend": Key(Id()),
    "candidates": Key(ListOf(_CANDIDATE)),
    "members": Key(whole(0, 10**9)),
}
_IDS = ListOf(Id(), least=0)
_WHO = ("selected", "reserve", "undecided", "ineligible", "exceptions")
_STEP: Record[ExpectedStep] = Record(
    {"stage": Key(Text(), required=True), "by": Key(Text(), required=True), "due": Key(DAY)},
    lambda fields, _reading: ExpectedStep(fields.get("stage"), fields.get("by"), fields.get("due")),
)
_PERIOD: Record[tuple[date, date]] = Record(
    {"from": Key(DAY, required=True), "until": Key(DAY, required=True)},
    lambda fields, _reading: (fields.get("from"), fields.get("until")),
)
ASKED: Mapping[str, Key[Any]] = {
    **dict.fromkeys(_WHO, Key(_IDS)),
    "stages": Key(ListOf(_STEP)),
    "period": Key(_PERIOD),
}


def read_selection(policy: Policy, fields: Fields, reading: Reading) -> tuple[SelectionCase | None, bool]:
    """Return what a case tells of a commendation, None where it tells of none, and whether it fits together."""
    if "menu" in fields.values and "commend" not in fields.values:  # the candidates ask for a service
        return None, True
    if "commend" not in fields.values or "candidates" not in fields.values:
        other = "candidates" if "commend" in fields.values else "commend"
        alien = [name for name in (*TOLD, *ASKED) if name in fields.values]
        for name in alien:
            details = (("key", reading.spelled(name)), ("other", reading.spelled(other)))
            reading.problem("P515", fields.place(name), *details)
        return None, not alien
    right = _commendation_known(policy, fields, reading)
    candidates: tuple[_Candidate, ...] = fields.get("candidates")
    right = candidates_known(fields, candidates, reading) and right
    on: date = fields.get("on")
    for late in (told for one in candidates for told in one.told if told.day is not None and told.day > on):
        reading.problem("P508", late.location, ("on", on))
        right = False
    for one in candidates:
        if one.recipient is not None:  # nobody is served by a commendation
            details = (("key", reading.spelled("recipient")), ("other", reading.spelled("menu")))
            reading.problem("P515", one.location, *details)
            right = False
    expected = (fields.get(name) for name in (*_WHO, "stages", "period"))
    told = tuple(told_candidate(policy, one, on) for one in candidates)
    return SelectionCase(fields.get("commend"), told, fields.get("members"), *expected), right


def _commendation_known(policy: Policy, fields: Fields, reading: Reading) -> bool:
    """The commendation exists, and members are told if and only if its quota is a share of them."""
    id = fields.get("commend")
    found = next((one for one in policy.commendations if one.clause.id == id), None)
    if found is None:
        known = [one.clause.id for one in policy.commendations]
        reading.problem("P504", fields.place("commend"), ("id", id), hint=nearest(id, known))
        return False
    if found.quota.of is ShareOf.MEMBERS and "members" not in fields.values:
        reading.problem("P526", fields.place("commend"), ("id", id))
        return False
    return True


def candidates_known(fields: Fields, candidates: tuple[_Candidate, ...], reading: Reading) -> bool:
    """Every candidate has an id of its own, and nobody else is expected."""
    right = True
    seen: set[str] = set()
    for one in candidates:
        if one.id in seen:
            reading.problem("P527", one.location, ("id", one.id))
            right = False
        seen.add(one.id)
    for name in _WHO:
        for id in fields.get(name, ()):
            if id not in seen:
                reading.problem("P504", fields.place(name), ("id", id), hint=nearest(id, sorted(seen)))
                right = False
    return right


def told_candidate(policy: Policy, one: _Candidate, on: date) -> ToldCandidate:
    person, given = dict(one.person), dict(one.given)
    registered, star = person.pop(REGISTERED_ON, None), given.pop(STARS_FACT.name, None)
    who = VolunteerId(one.id)
    zone = ZoneInfo(policy.county.time_zone)
    records = [told_record(policy.county.id, told, index, on, zone, who) for index, told in enumerate(one.told, 1)]
    return ToldCandidate(
        subject=Volunteer(who, date.fromordinal(registered) if isinstance(registered, int) else None, None, person),
        records=tuple(sorted(records, key=lambda record: record.order)),
        given=given,
        star=star if isinstance(star, int) else None,
        recipient=one.recipient or {},
    )
