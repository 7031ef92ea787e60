"""The campaigns of `county.yaml`: stretches of days, each under a name that conditions may ask."""

from __future__ import annotations

from dataclasses import dataclass

from lianxing.engine.reading.alternatives import LUNAR_MONTHS, MonthDayForm
from lianxing.engine.reading.conditions import RESERVED
from lianxing.engine.reading.forms import DAY, Fields, Form, Id, Key, ListOf, MapOf, Record, Schema, whole
from lianxing.engine.reading.nodes import Entries, Node, Scalar
from lianxing.engine.reading.notes import Reading
from lianxing.engine.reading.statements import CARRIED, clause
from lianxing.engine.reading.values import ValueOf
from lianxing.rules.campaigns import AroundFestival, Campaign, EveryYear, LunarYear, MonthDay, Once, Stretch
from lianxing.rules.facts import Fact, FactType, Scope
from lianxing.rules.known_facts import CALENDAR_FACTS
from lianxing.rules.places import Label, Language

_KINDS = ("every_year", "from", "lunar", "festival")
_BESIDE = {"until": "from", "days_before": "festival", "days_after": "festival"}
_KNOWN = frozenset(fact.name for fact in CALENDAR_FACTS)
FESTIVAL_DAYS_MAX = 30


@dataclass(frozen=True)
class _Days:
    """The first and the last day of a stretch: `["03-01", "03-31"]`."""

    day: MonthDayForm

    def read(self, node: Node, reading: Reading) -> tuple[MonthDay, MonthDay] | None:
        days = ListOf(self.day).read(node, reading)
        if days is not None and len(days) != 2:
            reading.problem("P645", node.location)
            return None
        return None if days is None else ((days[0].month, days[0].day), (days[1].month, days[1].day))

    def schema(self, script: Language) -> Schema:
        return {"type": "array", "minItems": 2, "maxItems": 2, "items": self.day.schema(script)}


def _stretch(fields: Fields, reading: Reading) -> Stretch | None:
    said = [kind for kind in _KINDS if kind in fields.values]
    known = ", ".join(map(reading.spelled, _KINDS))
    if not said:
        reading.problem("P210", fields.location, ("known", known))
        return None
    alien = [key for key, of in _BESIDE.items() if key in fields.values and of != said[0]]
    for extra in (*said[1:], *alien):
        reading.problem("P211", fields.place(extra), ("key", reading.spelled(extra)), ("known", known))
    missing = [key for key, of in _BESIDE.items() if of == said[0] == "festival" and key not in fields.values]
    for key in missing:
        reading.problem("P015", fields.location, ("key", reading.spelled(key)))
    if said[1:] or alien or missing:
        return None
    match said[0]:
        case "every_year":
            return EveryYear(*fields.get("every_year"))
        case "lunar":
            return LunarYear(*fields.get("lunar"))
        case "festival":
            return AroundFestival(fields.get("festival"), fields.get("days_before"), fields.get("days_after"))
    first, last = fields.get("from"), fields.get("until")
    if last is not None and last < first:
        reading.problem("P307", fields.place("until"))
        return None
    return Once(first, last)


def _campaign(key: Scalar) -> Form[Campaign]:
    def build(fields: Fields, reading: Reading) -> Campaign | None:
        name = Id().read(key, reading)
        if name is None:
            return None
        said = clause(name, fields, reading, key.location)
        names = {name: key.location, said.label.zh: fields.place("label")}
        taken = [word for word in names if word and _taken(word, name, reading)]
        for word in taken:
            reading.problem("P602", names[word], ("name", word))
        days = _stretch(fields, reading)
        return None if taken or days is None else Campaign(said, days)

    return Record(
        {
            "every_year": Key(_Days(MonthDayForm())),
            "from": Key(DAY),
            "until": Key(DAY),
            "lunar": Key(_Days(MonthDayForm(LUNAR_MONTHS))),
            "festival": Key(ValueOf("festival")),
            "days_before": Key(whole(0, FESTIVAL_DAYS_MAX)),
            "days_after": Key(whole(0, FESTIVAL_DAYS_MAX)),
            **CARRIED,
        },
        build,
    )


def _taken(word: str, name: str, reading: Reading) -> bool:
    """Tell whether a word means something already; a layer may set the days of a campaign of a layer below anew."""
    known = reading.fact(word)
    again = known is not None and known.name == name and known.scope is Scope.CALENDAR and name not in _KNOWN
    return word in RESERVED or (known is not None and not again)


@dataclass(frozen=True)
class Campaigns:
    """A mapping from the name of a campaign to its days."""

    def read(self, node: Node, reading: Reading) -> tuple[Campaign, ...] | None:
        if not isinstance(node, Entries):
            reading.expected("mapping", node)
            return None
        read = [_campaign(key).read(item, reading) for key, item in node.entries]
        campaigns = tuple(campaign for campaign in read if campaign is not None)
        spelled: set[str] = set()
        twice = False
        for campaign in campaigns:
            zh = campaign.clause.label.zh
            if zh and zh in spelled:
                twice = True
                reading.problem("P602", campaign.clause.location, ("name", zh))
            spelled.add(zh)
        return None if twice or None in read else campaigns

    def schema(self, script: Language) -> Schema:
        return MapOf(_campaign).schema(script)


def fact_of(campaign: Campaign) -> Fact:
    """Return the word by which conditions ask whether a day belongs to a campaign."""
    name, label = campaign.clause.id, campaign.clause.label
    meaning = Label(label.zh or name, label.en or name)
    return Fact(name, label.zh if label.zh != name else "", FactType.YES_NO, Scope.CALENDAR, meaning)


def layered(below: tuple[Campaign, ...], own: tuple[Campaign, ...]) -> tuple[Campaign, ...]:
    """Return the campaigns of two layers; the upper one's days replace those of a campaign of the same name."""
    return tuple({campaign.clause.id: campaign for campaign in (*below, *own)}.values())
