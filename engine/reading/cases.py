"""The chapter `cases.yaml`: a list of small stories, typed against the county's own words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from lianxing.engine.facts import SERVICE
from lianxing.engine.reading import asking_cases, decision_cases, menu_cases, review_cases, selection_cases
from lianxing.engine.reading.chapters import Folder, parsed
from lianxing.engine.reading.forms import (
    DAY,
    SOURCE,
    Amount,
    Choice,
    Fields,
    Id,
    Key,
    ListOf,
    OneOrMore,
    Record,
    Schema,
    Text,
    number,
    read_whole,
    whole,
)
from lianxing.engine.reading.nodes import Entries, Items, Node, Scalar
from lianxing.engine.reading.notes import Reading, nearest
from lianxing.engine.reading.perks import STARS_FACT
from lianxing.engine.reading.told import (
    BORN_ON,
    VOLUNTEER,
    FactsForm,
    PersonForm,
    Told,
    ToldForm,
    stars_known,
    told_record,
)
from lianxing.rules import quantities
from lianxing.rules.asking_cases import Circumstances
from lianxing.rules.cases import Case, Expected
from lianxing.rules.conditions import facts_of
from lianxing.rules.facts import FactType, FactValue, Scope
from lianxing.rules.hours import Overflow
from lianxing.rules.places import Language, Location, Source
from lianxing.rules.policy import Policy
from lianxing.rules.problems import Problem
from lianxing.rules.records import Volunteer

HOUR_SECONDS = 3600

_CLOCK = frozenset(("start_time", "end_time"))


@dataclass(frozen=True)
class _PerksForm:
    """A list of perks, or a mapping from perk to what is paid of the case's price."""

    def read(self, node: Node, reading: Reading) -> dict[str, int | None] | None:
        if isinstance(node, Items):
            names = ListOf(Id(), least=0).read(node, reading)
            return None if names is None else dict.fromkeys(names)
        if not isinstance(node, Entries):
            reading.expected("list", node)
            return None
        paid = {key.text: Amount(FactType.MONEY).read(item, reading) for key, item in node.entries}
        return None if None in paid.values() else dict(paid)

    def schema(self, script: Language) -> Schema:
        names: Schema = {"type": "array", "items": {"type": "string"}}
        return {"anyOf": [names, {"type": "object", "additionalProperties": {"type": "string"}}]}


@dataclass(frozen=True)
class _Overflows:
    """What limits took off, by where it goes: `{donation_pool: [15 hours, 3 points]}`; points where no unit is said."""

    def read(self, node: Node, reading: Reading) -> dict[tuple[str, str], int] | None:
        if not isinstance(node, Entries):
            reading.expected("mapping", node)
            return None
        found: dict[tuple[str, str], int] = {}
        for key, item in node.entries:
            goes_to = Choice(_GOES_TO).read(key, reading)
            amounts = OneOrMore(_TimeOrPoints()).read(item, reading)
            if goes_to is None or amounts is None:
                return None
            found |= {(goes_to.value, unit): amount for unit, amount in amounts}
        return found

    def schema(self, script: Language) -> Schema:
        return {"type": "object", "additionalProperties": OneOrMore(_TimeOrPoints()).schema(script)}


@dataclass(frozen=True)
class _TimeOrPoints:
    """An amount of time or of points, with its unit in the ledger."""

    def read(self, node: Node, reading: Reading) -> tuple[str, int] | None:
        timed = isinstance(node, Scalar) and quantities.amount(node.text, FactType.DURATION) is not None
        amount = Amount(FactType.DURATION if timed else FactType.POINTS).read(node, reading)
        return None if amount is None else ("seconds" if timed else "points", amount)

    def schema(self, script: Language) -> Schema:
        return {"type": ["string", "number"]}


_GOES_TO = tuple(overflow for overflow in Overflow if overflow is not Overflow.LOST)
_AMOUNTS: Mapping[str, Key[Any]] = {"points": Key(number()), "hours": Key(number(0))}
_EARNS: Record[Fields] = Record(
    {
        **_AMOUNTS,
        "pending": Key(Record(_AMOUNTS, lambda fields, _reading: fields)),
        "overflows": Key(_Overflows()),
    },
    lambda fields, _reading: fields,
)
_GIVEN = frozenset((Scope.MEASURE, Scope.STANDING, Scope.SANCTION))
_STORY = ("record", "records", "given", "stage", "candidates")
_ASKED = (
    "earns",
    "star",
    "perks",
    "because",
    "refused_by",
    "still_missing",
    "measures",
    *decision_cases.ASKED,
    *review_cases.ASKED,
    *review_cases.COURSE_ASKED,
    *asking_cases.ASKED,
    *menu_cases.ASKED,
    *selection_cases.ASKED,
)


def case_form(build: Callable[[Fields, Reading], Case | None]) -> ListOf[Case]:
    """Return the form of a county's cases; `build` knows the county."""
    return ListOf(
        Record(
            {
                "name": Key(Text(), required=True),
                "on": Key(DAY, required=True),
                "person": Key(PersonForm(frozenset((Scope.PERSON,)))),
                "record": Key(ToldForm()),
                "records": Key(ListOf(ToldForm())),
                "given": Key(FactsForm(_GIVEN)),
                "price": Key(Amount(FactType.MONEY)),
                "earns": Key(_EARNS),
                "star": Key(whole(0, 20)),
                "perks": Key(_PerksForm()),
                "because": Key(ListOf(Id())),
                "refused_by": Key(Id()),
                "still_missing": Key(FactsForm(frozenset((Scope.MEASURE, Scope.PERSON)))),
                "measures": Key(FactsForm(frozenset((Scope.MEASURE,)))),
                **decision_cases.ASKED,
                **review_cases.TOLD,
                **review_cases.ASKED,
                **review_cases.COURSE,
                **asking_cases.ASKING_KEYS,
                **menu_cases.MENU_KEYS,
                **selection_cases.TOLD,
                **selection_cases.ASKED,
                "source": Key(SOURCE),
            },
            build,
        )
    )


def read_cases(folder: Folder, policy: Policy, problems: list[Problem]) -> tuple[Case, ...]:
    """Return the cases of a county's own folder; a county without any is a problem."""
    content = folder.content("cases.yaml")
    if content is None:
        problems.append(Problem("P507", folder.place("cases.yaml")))
        return ()
    facts = {**policy.facts, STARS_FACT.name: STARS_FACT}
    reading = Reading("", facts, problems, layer=folder.id, beside=folder.content, source=Source())
    node = parsed(folder, "cases.yaml", content, reading)
    form = case_form(lambda fields, reading: _case(policy, fields, reading))
    cases = None if node is None else read_whole(form, node, reading)
    first: dict[str, Location] = {}
    for case in cases or ():
        if case.name in first:
            problems.append(Problem("P501", case.location, (("name", case.name),)))
        first.setdefault(case.name, case.location)
    return cases or ()


def _case(policy: Policy, fields: Fields, reading: Reading) -> Case | None:
    said = [key for key in _STORY if key in fields.values]
    if "given" in said and ("record" in said or "records" in said):
        said.remove("given")  # what is given stands in for what the records come to
    if len(said) > 1 or not (said or any(key in fields.values for key in asking_cases.ABOUT)):
        reading.problem("P502", fields.place(said[1]) if said else fields.location)
        return None
    if not any(key in fields.values for key in _ASKED):
        reading.problem("P505", fields.location)
        return None
    told = fields.get("records") or ((fields.get("record"),) if "record" in fields.values else ())
    given = dict(fields.get("given", {}))
    star = given.pop(STARS_FACT.name, None)
    zone = ZoneInfo(policy.county.time_zone)
    right = _times_known(policy, told, reading)
    for one in told:
        if one.day is not None and one.day > fields.get("on"):
            reading.problem("P508", one.location, ("on", fields.get("on")))
            right = False
    right = _clauses_known(policy, fields, reading) and right
    right = stars_known(policy, [(star, fields.place("given")), *_stars_told(fields)], reading) and right
    deadline, fits = review_cases.deadline(policy, fields, reading)
    selection, stands = selection_cases.read_selection(policy, fields, reading)
    decided, decidable = decision_cases.read_decisions(policy, fields, reading)
    review, walks = review_cases.read_course(fields, reading)
    right = right and fits and stands and decidable and walks
    asking = asking_cases.read_asking(policy, fields, reading)
    queue, askable = menu_cases.read_queue(policy, fields, reading)
    if not right or not askable or asking is None:
        return None
    person = dict(fields.get("person", {}))
    registered, born = (_day(person.pop(name, None)) for name in ("registered_on", BORN_ON))
    on: date = fields.get("on")
    records = [told_record(policy.county.id, one, index, on, zone, VOLUNTEER) for index, one in enumerate(told, 1)]
    return Case(
        name=fields.get("name"),
        location=fields.location,
        source=fields.get("source", Source()),
        on=on,
        volunteer=Volunteer(VOLUNTEER, registered, born, person),
        records=tuple(sorted(records, key=lambda record: record.order)),
        given=given,
        star=star if isinstance(star, int) else None,
        price=fields.get("price"),
        expected=_expected(fields),
        deadline=deadline,
        asking=asking,
        queue=queue,
        decided=decided,
        selection=selection,
        review=review,
    )


def _day(ordinal: FactValue | None) -> date | None:
    return date.fromordinal(ordinal) if isinstance(ordinal, int) else None


def _expected(fields: Fields) -> Expected:
    earns: Fields | None = fields.get("earns")
    nothing = earns is not None and not earns.values  # `earns: {}` is nothing at all; else only what is named is asked
    seconds, points = (0, 0) if nothing else _amounts(earns)
    pending_seconds, pending_points = _amounts(None if earns is None else earns.get("pending"))
    return Expected(
        seconds=seconds,
        points=points,
        pending_seconds=pending_seconds,
        pending_points=pending_points,
        overflows=None if earns is None else earns.get("overflows"),
        star=fields.get("star"),
        because=fields.get("because"),
        refused_by=None if "offer" in fields.values else fields.get("refused_by"),
        perks=fields.get("perks"),
        missing=fields.get("still_missing"),
        measures=fields.get("measures"),
        due=fields.get("due"),
        checked=fields.get("checked"),
        open_stages=fields.get("open_stages"),
    )


def _amounts(said: Fields | None) -> tuple[int | None, int | None]:
    """Return the seconds and hundredths of a point that a case names, None for what it does not ask."""
    hours, points = (None, None) if said is None else (said.get("hours"), said.get("points"))
    return None if hours is None else hours * HOUR_SECONDS, None if points is None else points * 100


def _stars_told(fields: Fields) -> Iterator[tuple[FactValue | None, Location]]:
    """Yield the stars that a case names, with their places."""
    yield from ((fields.get(name), fields.place(name)) for name in ("star", "star_held"))
    around: Circumstances | None = fields.get("with")
    yield (None if around is None else around.once_held), fields.place("with")
    yield from ((one.given.get(STARS_FACT.name), one.location) for one in fields.get("candidates", ()))


def _times_known(policy: Policy, told: tuple[Told, ...], reading: Reading) -> bool:
    """A story without times of day cannot prove a rule that asks for them."""
    asking = next(
        (
            step.clause.id
            for step in (*policy.hours, *policy.earning)
            for condition in (step.when, getattr(step, "condition", None))
            if condition is not None and not _CLOCK.isdisjoint(facts_of(condition))
        ),
        None,
    )
    # An event takes no time: what is asked about its time of day is missing there too.
    untimed = [
        one for one in told if one.started is None and (one.seconds or one.facts.get("kind", SERVICE) == SERVICE)
    ]
    for one in untimed if asking is not None else ():
        reading.problem("P503", one.location, ("clause", asking))
    return asking is None or not untimed


def _clauses_known(policy: Policy, fields: Fields, reading: Reading) -> bool:
    known = {clause.id for clause in policy.clauses} | {"county"}
    named = [("because", id) for id in fields.get("because", ())]
    named += [("refused_by", fields.get("refused_by"))] if "refused_by" in fields.values else []
    named += [("perks", id) for id in fields.get("perks", {})]
    unknown = [(key, id) for key, id in named if id not in known]
    for key, id in unknown:
        reading.problem("P504", fields.place(key), ("id", id), hint=nearest(id, sorted(known)))
    return not unknown
