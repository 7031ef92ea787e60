"""The chapter `stars.yaml`: one statement; a layer that overrides it gives the whole ladder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from lianxing.engine.reading.alternatives import MonthDayForm
from lianxing.engine.reading.conditions import RECORD_SCOPES, STANDING_SCOPES, ConditionForm
from lianxing.engine.reading.forms import (
    YES_NO,
    Amount,
    Choice,
    DatedOf,
    Fields,
    Form,
    Id,
    Key,
    LabelForm,
    Record,
    Schema,
    Text,
    whole,
)
from lianxing.engine.reading.nodes import Entries, Node
from lianxing.engine.reading.notes import Reading
from lianxing.engine.reading.statements import CARRIED, OVERRIDES, Statement, WholeForm, clause
from lianxing.engine.reading.terms import TermForm
from lianxing.rules.facts import FactType
from lianxing.rules.periods import Period
from lianxing.rules.places import Language, Location
from lianxing.rules.stars import (
    Award,
    AwardBy,
    Below,
    LowersTheBasis,
    Round,
    Sequence,
    StarLevel,
    StarNumber,
    StarScale,
)

T = TypeVar("T")

STARS_ID = "stars"
# A ladder says one of each, so that no single policy uses them all.
AWARD_WORDS: Mapping[str, str] = {
    "automatic": "自动",
    "review": "定期评定",
    "application": "本人申请",
    "nomination": "组织推荐",
    "highest": "最高一级",
    "one_by_one": "逐级",
    "downgrade": "降级",
    "keep": "保留",
    "revoke": "取消",
    "permanent": "终身不变",
    "per_award": "每次另编",
}
STAR_MAX = 20
GRANT_MAX = 10_000 * 100

CONDITION = ConditionForm(STANDING_SCOPES)
DIRECT = ConditionForm(RECORD_SCOPES)
ROUNDS = (Period.MONTH, Period.QUARTER, Period.HALF_YEAR, Period.CALENDAR_YEAR)


@dataclass(frozen=True)
class ByStar(Generic[T]):
    """A mapping from star to something, ascending from any star on; each with the place of its star."""

    value: Form[T]

    def read(self, node: Node, reading: Reading) -> dict[int, tuple[T, Location]] | None:
        if not isinstance(node, Entries):
            reading.expected("mapping", node)
            return None
        if not node.entries:
            reading.problem("P111", node.location)
            return None
        found: dict[int, tuple[T, Location]] = {}
        before = 0
        for key, item in node.entries:
            star = whole(1, STAR_MAX).read(key, reading)
            value = self.value.read(item, reading)
            if star is None or value is None:
                continue
            if star <= before:
                reading.problem("P315", key.location, ("star", star), ("before", before))
            before = star
            found[star] = (value, key.location)
        return found if len(found) == len(node.entries) else None

    def schema(self, script: Language) -> Schema:
        return {
            "type": "object",
            "minProperties": 1,
            "patternProperties": {"^[0-9]+$": self.value.schema(script)},
            "additionalProperties": False,
        }


def _award(fields: Fields, reading: Reading) -> Award | None:
    by: AwardBy = fields.get("by")
    if not _fits(by, fields, reading):
        return None
    rounds = None
    if "round_of" in fields.values:
        rounds = Round(fields.get("round_of"), fields.get("cut_off"), fields.place("round_of"))
    return Award(
        by=by,
        sequence=fields.get("sequence", Sequence.HIGHEST),
        below=fields.get("below", Below.DOWNGRADE),
        location=fields.location,
        round=rounds,
        notice=fields.get("notice"),
        valid=fields.get("valid"),
        approver=tuple((star, who) for star, (who, _place) in fields.get("approver", {}).items()),
        direct=fields.get("direct"),
        select={star: id for star, (id, _place) in fields.get("select", {}).items()},
        number=fields.get("number"),
        automatic_up_to=fields.get("automatic_up_to", 0),
    )


def _fits(by: AwardBy, fields: Fields, reading: Reading) -> bool:
    """What counties differ in is said, and what has no meaning for a kind of award is not."""
    applied = by in (AwardBy.APPLICATION, AwardBy.NOMINATION)
    needed = ["sequence"] if applied else []
    needed += [] if by is AwardBy.AUTOMATIC else ["below"]
    needed += ["round_of"] if by is AwardBy.REVIEW else []
    needed += [other for key, other in _TOGETHER if key in fields.values]
    missing = [key for key in dict.fromkeys(needed) if key not in fields.values]
    for key in missing:
        reading.problem("P015", fields.location, ("key", reading.spelled(key)))
    senseless = [] if applied else ["direct", "automatic_up_to"]
    senseless += ["round_of", "cut_off", "approver"] if by is AwardBy.AUTOMATIC else []
    extra = [key for key in senseless if key in fields.values]
    word = AWARD_WORDS[by.value] if reading.own_script == "zh" else by.value
    for key in extra:
        reading.problem("P621", fields.place(key), ("key", reading.spelled(key)), ("by", word))
    return not missing and not extra


_TOGETHER = (("round_of", "cut_off"), ("cut_off", "round_of"))

_AWARD: Record[Award] = Record(
    {
        "by": Key(Choice(tuple(AwardBy), AWARD_WORDS), required=True),
        "sequence": Key(Choice(tuple(Sequence), AWARD_WORDS)),
        "round_of": Key(Choice(ROUNDS)),
        "cut_off": Key(MonthDayForm()),
        "notice": Key(DatedOf(TermForm())),
        "below": Key(Choice(tuple(Below), AWARD_WORDS)),
        "valid": Key(DatedOf(Amount(FactType.MONTHS, 1, 1200))),
        "approver": Key(ByStar(Text())),
        "direct": Key(DIRECT),
        "select": Key(ByStar(Id())),
        "number": Key(Choice(tuple(StarNumber), AWARD_WORDS)),
        "automatic_up_to": Key(whole(1, STAR_MAX)),
    },
    _award,
)


def _scale(fields: Fields, reading: Reading) -> tuple[Statement[StarScale]] | None:
    levels: dict[int, tuple[object, Location]] = fields.get("levels")
    titles, grants = fields.get("titles", {}), fields.get("grants", {})
    award: Award = fields.get("award")
    beside = [*_places(titles), *_places(grants), *((star, award.location) for star in award.select)]
    beside += [(star, award.location) for star, _who in award.approver if star > max(levels)]
    strange = [(star, place) for star, place in beside if star not in levels]
    lowest = min(levels)
    if award.approver and not award.approver_of(lowest):
        reading.problem("P308", award.location, ("keys", f"stars: {lowest}"))
        return None
    for star, place in strange:
        reading.problem("P622", place, ("star", star))
    if strange:
        return None
    scale = StarScale(
        clause(STARS_ID, fields, reading),
        award,
        tuple(StarLevel(star, condition, place) for star, (condition, place) in fields.get("levels").items()),
        fields.get("lowers_the_basis"),
        {star: title for star, (title, _place) in titles.items()},
        tuple((star, points) for star, (points, _place) in grants.items()),
    )
    return (Statement(STARS_ID, fields.location, scale, overrides=fields.get("overrides")),)


def _lowers(fields: Fields, reading: Reading) -> LowersTheBasis | None:
    if not fields.get("revocation"):  # no measure sees a record that was revoked
        reading.problem("P627", fields.place("revocation"))
        return None
    return LowersTheBasis(fields.get("spending"), fields.get("expiry"), fields.get("revocation"))


def _places(by_star: dict[int, tuple[object, Location]]) -> Iterable[tuple[int, Location]]:
    return ((star, place) for star, (_value, place) in by_star.items())


STARS: WholeForm[StarScale] = WholeForm(
    {
        "award": Key(_AWARD, required=True),
        "lowers_the_basis": Key(
            Record(
                {name: Key(YES_NO, required=True) for name in ("spending", "expiry", "revocation")},
                lambda fields, reading: _lowers(fields, reading),
            )
        ),
        "levels": Key(ByStar(CONDITION), required=True),
        "titles": Key(ByStar(LabelForm())),
        "grants": Key(ByStar(DatedOf(Amount(FactType.POINTS, 1, GRANT_MAX)))),
        **CARRIED,
        **OVERRIDES,
    },
    _scale,
    id=STARS_ID,
)
